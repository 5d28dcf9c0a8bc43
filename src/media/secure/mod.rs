//! Protected packets: what a stream sends is encrypted and what it receives is proved to be of its peer,
//! where their descriptions say so. Nothing here knows who talks.

#[doc(hidden)]
pub mod dtls;
mod srtp;

pub(super) use dtls::{Handshake, Identity, Outcome};
pub(super) use srtp::Srtp;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::call::orders::Guard;

/// How the packets of a stream are protected now.
#[derive(Debug, Default)]
pub(super) enum Shield {
    /// Not at all.
    #[default]
    Plain,
    /// With keys of the descriptions.
    Keys(Box<Srtp>),
    /// With keys that are agreed on the media path, or will be.
    Dtls(Box<Handshake>),
    /// The keys that were ordered cannot be used: nothing passes.
    Shut,
}

/// What a shield does to the packets of the moment.
pub(super) enum Gate<'a> {
    /// They pass as they are.
    Open,
    /// None passes.
    Shut,
    /// They pass by these keys.
    Keys(&'a mut Srtp),
}

impl Shield {
    /// The shield that was ordered; the one in use where it is the same, so that its counters go on.
    pub fn change(&mut self, guard: &Guard, identity: &Arc<Identity>, announced: SocketAddr) {
        match guard {
            Guard::Plain => *self = Self::Plain,
            Guard::Sdes { ours, theirs } => {
                if !matches!(self, Self::Keys(srtp) if srtp.is_of(ours, theirs)) {
                    *self = Srtp::new(ours.clone(), theirs.clone())
                        .map_or(Self::Shut, |srtp| Self::Keys(Box::new(srtp)));
                }
            }
            Guard::Dtls { peer, active } => {
                if !matches!(self, Self::Dtls(handshake) if handshake.is_of(peer, *active)) {
                    let new = Handshake::new(identity, peer.clone(), *active, announced);
                    *self = Self::Dtls(Box::new(new));
                }
            }
        }
    }

    /// What it does to a packet now.
    pub fn gate(&mut self) -> Gate<'_> {
        match self {
            Self::Plain => Gate::Open,
            Self::Keys(srtp) => Gate::Keys(srtp),
            Self::Dtls(handshake) => handshake.srtp().map_or(Gate::Shut, Gate::Keys),
            Self::Shut => Gate::Shut,
        }
    }

    /// After a fault of ours: a handshake begins anew, and keys that were agreed stay.
    pub fn mend(&mut self) {
        if let Self::Dtls(handshake) = self {
            handshake.mend();
        }
    }
}
