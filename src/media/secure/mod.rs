//! Protected packets: what a stream sends is encrypted and what it receives is proved to be of its peer,
//! where their descriptions say so. Nothing here knows who talks.

mod srtp;

pub(super) use srtp::Srtp;

use crate::call::orders::Guard;

/// How the packets of a stream are protected now.
#[derive(Debug, Default)]
pub(super) enum Shield {
    /// Not at all.
    #[default]
    Plain,
    /// With keys.
    Keys(Box<Srtp>),
    /// Keys are wanted and not there yet: nothing passes.
    Shut,
}

impl Shield {
    /// The shield that was ordered; the one in use where it is the same, so that its counters go on.
    pub fn change(&mut self, guard: &Guard) {
        match guard {
            Guard::Plain => *self = Self::Plain,
            Guard::Sdes { ours, theirs } => {
                if !matches!(self, Self::Keys(srtp) if srtp.is_of(ours, theirs)) {
                    *self = Srtp::new(ours.clone(), theirs.clone())
                        .map_or(Self::Shut, |srtp| Self::Keys(Box::new(srtp)));
                }
            }
            Guard::Dtls { .. } => *self = Self::Shut,
        }
    }
}
