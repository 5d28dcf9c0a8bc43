//! The text line beside the audio (RFC 4103): offered, answered, protected with keys of its own. Whatever
//! becomes of it, the audio is what it would be without it: a text line is left out or refused, never
//! the call.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{LegMedia, answer_keys, best_keys, chosen_keys, fresh_keys, offered_keys, read};
use crate::call::orders::{Guard, TextAim};
use crate::sdp::{self, Description, OurText, Profile, Protected, TextOffer};
use crate::vocabulary::{Dice, Srtp, SrtpKey};

/// Our end of a leg's text.
#[derive(Clone, Debug)]
pub(super) struct TextEnd {
    port: u16,
    /// A key for each suite: two lines never share one (RFC 4568 §6.1).
    keys: Vec<SrtpKey>,
}

impl LegMedia {
    /// Lends it a port for text.
    pub fn set_text(&mut self, port: u16, dice: &mut Dice) {
        self.text = Some(TextEnd { port, keys: fresh_keys(dice) });
    }

    /// Whether it has a port for text.
    #[must_use]
    pub const fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// What we offer, where we have a port for it and the peer is one that can have text.
    pub(super) fn text_offer(&self) -> Option<OurText> {
        let can = self.terms.policy.text || self.aim.is_some();
        let TextEnd { port, .. } = self.text.as_ref().filter(|_| can)?;
        let (protocol, protected) = self.our_text_protection();
        Some(OurText::offer(*port, protocol, protected))
    }

    /// What an offer of ours says of protection. The keys stand in the description however those of the
    /// audio are agreed: nobody shakes hands for text.
    fn our_text_protection(&self) -> (&'static str, Protected) {
        let keys = self.text.as_ref().map_or(&[][..], |end| &end.keys);
        match self.terms.policy.srtp {
            Srtp::Off => ("RTP/AVP", Protected::Plain),
            Srtp::Preferred => ("RTP/AVP", offered_keys(keys)),
            Srtp::Required => ("RTP/SAVP", offered_keys(keys)),
        }
    }

    /// The text of the peer's answer; none where it is refused, or not protected as it must be.
    pub(super) fn answered_text(&self, answer: &Description) -> Option<(TextOffer, Guard)> {
        let text = sdp::text_lines(answer).into_iter().next().filter(|_| self.has_text())?;
        let guard = match (self.our_text_protection().1, text.protection.crypto.first()) {
            (Protected::Keys(keys), Some(theirs)) => chosen_keys(&keys, theirs).ok()?,
            _ => Guard::Plain,
        };
        let must = self.terms.policy.srtp == Srtp::Required || text.profile != Profile::Plain;
        (guard != Guard::Plain || !must).then_some((text, guard))
    }

    /// The text line of an offer that is taken, and how its packets are protected: as the policy would
    /// like it, or else as it can be.
    pub(super) fn pick_text(&self, offer: &Description) -> Option<(TextOffer, Guard)> {
        let keys = &self.text.as_ref()?.keys;
        let safe_first = self.terms.policy.srtp != Srtp::Off;
        let lines = sdp::text_lines(offer).into_iter().filter_map(|line| {
            let safe = best_keys(keys, &line.protection);
            let guard = match line.profile {
                Profile::Srtp => safe?,
                Profile::Plain if safe_first => safe.unwrap_or_default(),
                Profile::Plain => Guard::Plain,
                Profile::Dtls => return None,
            };
            Some((line, guard))
        });
        let liked = |(_, guard): &(TextOffer, Guard)| (*guard != Guard::Plain) == safe_first;
        // The first of those that are liked as much.
        lines.reduce(|best, next| if !liked(&best) && liked(&next) { next } else { best })
    }

    /// Our answer to a text line.
    pub(super) fn text_answer(&self, offer: &TextOffer, guard: &Guard) -> Option<OurText> {
        let protected = match guard {
            Guard::Sdes { ours, theirs } => answer_keys(&offer.protection, ours, theirs),
            Guard::Plain | Guard::Dtls { .. } => Protected::Plain,
        };
        Some(OurText::answer(self.text.as_ref()?.port, offer, protected))
    }

    pub(super) fn agree_text(&self, text: &TextOffer, guard: Guard) -> TextAim {
        let before = self.aim.as_ref().and_then(|aim| aim.text.as_ref());
        let unknown = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let before = before.map_or((unknown, unknown), |text| (text.rtp, text.rtcp));
        let rtp = text.rtp.unwrap_or(before.0);
        TextAim {
            rtp,
            rtcp: if text.mux { rtp } else { text.rtcp.unwrap_or(before.1) },
            mux: text.mux,
            guard,
            mixer: text.mixer,
            text: text.text,
            redundant: text.redundant,
            cps: text.cps,
            send: text.direction.receives(),
            receive: text.direction.sends(),
        }
    }
}

/// Whether a description has a text line that could be served.
#[must_use]
pub fn offers_text(offer: &[u8]) -> bool {
    let can =
        |line: &TextOffer| line.profile == Profile::Plain || !line.protection.crypto.is_empty();
    read(offer).is_ok_and(|offer| sdp::text_lines(&offer).iter().any(can))
}
