//! How speech travels: codecs and protection, as words that trunks, seats and media share.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A codec of speech.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// G.711 A-law, the one that every network speaks.
    #[default]
    Pcma,
    /// G.711 µ-law.
    Pcmu,
    /// G.722 at 64 kbit/s; its RTP clock is 8,000 Hz by an old mistake (RFC 3551 §4.5.2).
    G722,
    /// Opus (RFC 7587), RTP clock 48,000 Hz.
    Opus,
}

impl Codec {
    /// Every codec that can be spoken, the one to be preferred first.
    pub const ALL: [Self; 4] = [Self::Pcma, Self::Pcmu, Self::G722, Self::Opus];

    /// RTP timestamp steps in a second.
    #[must_use]
    pub const fn clock(self) -> u32 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 => 8_000,
            Self::Opus => 48_000,
        }
    }

    /// The encoding name of an rtpmap.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Codec {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|codec| codec.word().eq_ignore_ascii_case(text)).ok_or(())
    }
}

/// Whether a peer's audio is encrypted (SRTP, RFC 3711).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Srtp {
    /// Never offered; an offer of nothing else is answered with it all the same when it comes from
    /// a caller: an emergency call is worth more than a setting.
    #[default]
    Off,
    /// Offered and taken where the peer can; plain otherwise.
    Preferred,
    /// Nothing else is offered to a seat. A caller who cannot is taken in plain, with an alarm.
    Required,
}

/// How the keys of encrypted audio are agreed, where we offer it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keying {
    /// In the description (RFC 4568): the signalling must be protected too.
    #[default]
    Sdes,
    /// On the media path (RFC 5764).
    Dtls,
}

/// What may be spoken with a trunk's or a seat's peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPolicy {
    /// The codecs, best first; never empty.
    pub codecs: Arc<[Codec]>,
    /// Encryption.
    pub srtp: Srtp,
    /// How its keys are agreed, where we offer it; an offer is answered in its own way.
    pub keying: Keying,
    /// Its phones can show and write text (RFC 4103), and are offered it when the caller has it.
    pub text: bool,
}

impl Default for AudioPolicy {
    fn default() -> Self {
        Self { codecs: Arc::new(Codec::ALL), srtp: Srtp::Off, keying: Keying::Sdes, text: false }
    }
}
