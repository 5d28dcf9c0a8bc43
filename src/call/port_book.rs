//! RTP ports that the media plane has bound and no leg holds yet.

use std::collections::VecDeque;

/// Ports ready to be named in an SDP, longest unused first.
#[derive(Clone, Debug, Default)]
pub struct PortBook {
    ready: VecDeque<u16>,
}

impl PortBook {
    /// Adds ports that were bound.
    pub fn add(&mut self, ports: impl IntoIterator<Item = u16>) {
        self.ready.extend(ports);
    }

    /// Leases a port.
    pub fn take(&mut self) -> Option<u16> {
        self.ready.pop_front()
    }

    /// How many are ready.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ready.len()
    }

    /// Whether none is ready.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }
}
