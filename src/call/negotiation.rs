//! SDP offer and answer of one leg (RFC 3264). Each leg agrees with its own peer and the media
//! plane translates between them, so a hold or a codec of one side never has to wait for the other.
//!
//! How packets are protected is agreed with them: keys in the description (RFC 4568) or a certificate
//! (RFC 5763). Where that is only preferred it is offered in a plain line (RFC 8643). A caller is never
//! refused for want of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::orders::{Aim, Guard};
use crate::sdp::{
    self, AudioOffer, Choice, Crypto, Direction, OurLine, OurSession, Profile, Protected,
    Protection, Setup, TextOffer,
};
use crate::sip::{Request, body};
use crate::vocabulary::{
    AudioPolicy, CallId, Codec, Dice, Fingerprint, IceLogin, Keying, SeatId, Secret, SecretBytes,
    Srtp, SrtpKey, StreamId, Suite,
};

/// Why a description could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("SDP cannot be read: {0}")]
    Unreadable(String),
    /// It has no audio line that we could speak on.
    #[error("SDP has no usable audio line")]
    NoAudio,
    /// The peer chose no codec that we offered.
    #[error("SDP answer names no codec of our offer")]
    NoCodec,
    /// The peer's audio would be plain where it must not be, or its keys are none of those that we
    /// offered.
    #[error("SDP answer does not protect the audio as it must be")]
    NotProtected,
}

/// An answer to an offer of ours that could not be used: whoever gave it was let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerUnusable {
    /// The call.
    pub call: CallId,
    /// Whose phone; none: a number's.
    pub seat: Option<SeatId>,
    /// Why.
    pub why: String,
}

/// What a leg's descriptions are made of, beside what its peer says.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Our media address.
    pub address: IpAddr,
    /// Codecs and protection.
    pub policy: AudioPolicy,
    /// Our certificate; none: no DTLS.
    pub certificate: Option<Fingerprint>,
    /// Where browsers reach us, of a leg on the port that they share.
    pub candidates: Vec<SocketAddr>,
}

/// The audio of one leg: our end of it and what was agreed with the peer.
#[derive(Clone, Debug)]
pub struct LegMedia {
    /// Its stream in the media plane.
    pub stream: StreamId,
    /// Our RTP port.
    pub port: u16,
    /// Our RTP port for text and our keys for it; none: a text line is refused, and none is offered.
    text: Option<TextEnd>,
    terms: Terms,
    session: u64,
    version: u64,
    /// Our key for each suite, made once: they stay for all of the session.
    keys: Vec<SrtpKey>,
    /// Our login of ICE, of a leg on the port that browsers share, and the SSRC of what we send there.
    login: Option<IceLogin>,
    ssrc: u32,
    aim: Option<Aim>,
    /// Our last description, for a refresh of the session as it is.
    said: Bytes,
}

impl LegMedia {
    /// A leg with a port and no agreement yet.
    #[must_use]
    pub fn new(stream: StreamId, port: u16, terms: Terms, dice: &mut Dice) -> Self {
        let keys = fresh_keys(dice);
        Self {
            stream,
            port,
            text: None,
            terms,
            session: dice.number() & 0x7fff_ffff_ffff_ffff,
            version: 0,
            keys,
            login: None,
            ssrc: 0,
            aim: None,
            said: Bytes::new(),
        }
    }

    /// A leg of a browser, on the port that they share; with what opens its stream: our login and the
    /// SSRC of what we send.
    #[must_use]
    pub fn of_browser(stream: StreamId, terms: Terms, dice: &mut Dice) -> (Self, IceLogin, u32) {
        let login = new_login(dice);
        let port = terms.candidates.first().map_or(9, SocketAddr::port);
        let bytes = dice.number().to_be_bytes();
        let ssrc = bytes.first_chunk().map_or(1, |four| u32::from_be_bytes(*four));
        let new = Self::new(stream, port, terms, dice);
        (Self { login: Some(login.clone()), ssrc, ..new }, login, ssrc)
    }

    /// Takes other terms for what is said from now on: another carrier is tried.
    pub fn set_policy(&mut self, policy: AudioPolicy) {
        self.terms.policy = policy;
    }

    /// What was agreed, if anything.
    #[must_use]
    pub fn aim(&self) -> Option<Aim> {
        self.aim.clone()
    }

    /// The codec in use.
    #[must_use]
    pub fn codec(&self) -> Option<Codec> {
        self.aim.as_ref().map(|aim| aim.codec)
    }

    /// Whether it is on the port that browsers share, and so leases none.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.login.is_some()
    }

    /// Whether the peer has put us on hold: it does not want to hear us.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.aim.as_ref().is_some_and(|aim| !aim.send)
    }

    /// Whether audio or text passes in plain although it should not.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let text = |aim: &Aim| aim.text.as_ref().is_some_and(|text| text.guard == Guard::Plain);
        let plain = self.aim.as_ref().is_some_and(|aim| aim.guard == Guard::Plain || text(aim));
        plain && self.terms.policy.srtp == Srtp::Required
    }

    // ---- our offer ---------------------------------------------------------------------------

    /// Our SDP offer, the preferred codec first.
    pub fn offer(&mut self, prefer: Option<Codec>) -> Bytes {
        let allowed = &self.terms.policy.codecs;
        let first = prefer.filter(|codec| allowed.contains(codec));
        let rest = allowed.iter().copied().filter(|codec| Some(*codec) != first);
        let codecs: Vec<Codec> = first.into_iter().chain(rest).collect();
        let (protocol, protected) = self.our_protection();
        let line = OurLine {
            port: self.port,
            codecs: codecs.iter().map(|codec| (sdp::our_payload(*codec), *codec)).collect(),
            events: sdp::our_events(&codecs),
            direction: Direction::SendRecv,
            protocol: protocol.to_owned(),
            // A handshake on each of two ports is more than any peer needs (RFC 5764 §4.1).
            mux: matches!(protected, Protected::Certificate { .. }),
            mid: self.login.is_some().then(|| "0".to_owned()),
            source: self.source(),
            protected,
        };
        let text = self.text_offer();
        let offer = sdp::offer(&self.next_session(), &line, text.as_ref());
        self.said = offer.to_bytes().into();
        self.said.clone()
    }

    /// What an offer of ours says of protection.
    fn our_protection(&self) -> (&'static str, Protected) {
        let AudioPolicy { srtp, keying, .. } = self.terms.policy;
        let certificate = |ice| {
            self.terms.certificate.clone().map(|fingerprint| Protected::Certificate {
                fingerprint,
                setup: Setup::ActPass,
                ice,
            })
        };
        if let Some(login) = &self.login {
            let ice = Some((login.clone(), self.terms.candidates.clone()));
            return ("UDP/TLS/RTP/SAVPF", certificate(ice).unwrap_or_default());
        }
        let keys = || offered_keys(&self.keys);
        match (srtp, keying, certificate(None)) {
            (Srtp::Off, ..) => ("RTP/AVP", Protected::Plain),
            (Srtp::Preferred, Keying::Dtls, Some(certificate)) => ("RTP/AVP", certificate),
            (Srtp::Preferred, ..) => ("RTP/AVP", keys()),
            (Srtp::Required, Keying::Dtls, Some(certificate)) => ("UDP/TLS/RTP/SAVP", certificate),
            (Srtp::Required, ..) => ("RTP/SAVP", keys()),
        }
    }

    /// Our last description once more, its version unchanged: nothing is to change (RFC 4028 §7.4).
    #[must_use]
    pub fn again(&self) -> Bytes {
        self.said.clone()
    }

    /// Takes the peer's answer to our offer.
    ///
    /// # Errors
    /// [`Unusable`]; what was agreed before stays.
    pub fn take_answer(&mut self, answer: &[u8]) -> Result<Aim, Unusable> {
        let description = read(answer)?;
        let audio = sdp::audio(&description).ok_or(Unusable::NoAudio)?;
        let choice = sdp::choose(&audio, None, &offered_order(&audio));
        let choice = choice.ok_or(Unusable::NoCodec)?;
        let guard = self.answered_guard(&audio)?;
        let text = self.answered_text(&description);
        Ok(self.agree(&audio, &choice, guard, text))
    }

    fn answered_guard(&self, audio: &AudioOffer) -> Result<Guard, Unusable> {
        let wanted = self.our_protection().1;
        let guard = match (&wanted, audio.protection.crypto.first()) {
            (Protected::Keys(keys), Some(theirs)) => chosen_keys(keys, theirs)?,
            (Protected::Certificate { .. }, _) => match &audio.protection.fingerprint {
                Some(peer) => {
                    let active = audio.protection.setup == Some(Setup::Passive);
                    Guard::Dtls { peer: peer.clone(), active }
                }
                None => Guard::Plain,
            },
            _ => Guard::Plain,
        };
        let must = self.terms.policy.srtp == Srtp::Required || self.login.is_some();
        let wrong = guard == Guard::Plain && (must || audio.profile != Profile::Plain);
        if wrong { Err(Unusable::NotProtected) } else { Ok(guard) }
    }

    // ---- our answer --------------------------------------------------------------------------

    /// What a 200 to a first INVITE carries, and whether the ACK brings the answer: without usable
    /// SDP in the INVITE ours is the offer (RFC 3264 §4).
    pub fn first_answer(&mut self, invite: &Request, prefer: Option<Codec>) -> (Bytes, bool) {
        let offered = body::sdp(&invite.headers, &invite.body);
        match offered.and_then(|offer| self.answer(&offer, prefer).ok()) {
            Some((sdp, _)) => (sdp, false),
            None => (self.offer(prefer), true),
        }
    }

    /// Answers an offer within the session, and names the new login of ours where the peer restarts ICE: both
    /// logins are to be others then (RFC 8445 §9).
    ///
    /// # Errors
    /// [`Unusable`]; what was agreed before stays, our login too.
    pub fn answer_change(
        &mut self,
        offer: &[u8],
        dice: &mut Dice,
    ) -> Result<(Bytes, Option<IceLogin>), Unusable> {
        if !self.is_restarted_by(offer) {
            return self.answer(offer, None).map(|(sdp, _)| (sdp, None));
        }
        let login = new_login(dice);
        let before = self.login.replace(login.clone());
        match self.answer(offer, None) {
            Ok((sdp, _)) => Ok((sdp, Some(login))),
            Err(error) => {
                self.login = before;
                Err(error)
            }
        }
    }

    /// Whether the peer of a shared port has another login in its offer than the one that was agreed.
    fn is_restarted_by(&self, offer: &[u8]) -> bool {
        let (Some(_), Some(known)) =
            (&self.login, self.aim.as_ref().and_then(|it| it.ice.as_ref()))
        else {
            return false;
        };
        let picked = read(offer).and_then(|offer| self.pick(&offer));
        picked.is_ok_and(|(line, _)| line.protection.ice.is_some_and(|its| its != *known))
    }

    /// Answers the peer's offer; the codec in use or `prefer` where the offer has it.
    ///
    /// A first offer without a codec of ours is answered with PCMA all the same: RFC 3264 §6.1
    /// lets an answer name what the offer did not, and an emergency call is worth the try.
    ///
    /// # Errors
    /// [`Unusable`]; what was agreed before stays.
    pub fn answer(
        &mut self,
        offer: &[u8],
        prefer: Option<Codec>,
    ) -> Result<(Bytes, Aim), Unusable> {
        let description = read(offer)?;
        let (audio, guard) = self.pick(&description)?;
        // On the port that browsers share a peer is known by its login alone.
        if self.login.is_some() && !is_browser_line(&audio) {
            return Err(Unusable::NotProtected);
        }
        let prefer = prefer.or(self.codec());
        let choice = match sdp::choose(&audio, prefer, &self.terms.policy.codecs) {
            Some(choice) => choice,
            None if self.aim.is_none() => {
                let any = sdp::choose(&audio, None, &Codec::ALL);
                any.unwrap_or(Choice { payload: 8, codec: Codec::Pcma, events: None })
            }
            None => return Err(Unusable::NoCodec),
        };
        let protected = self.answer_protection(&audio, &guard);
        let text = self.pick_text(&description);
        let aim = self.agree(&audio, &choice, guard, text.clone());
        let theirs = description.media.get(audio.line);
        let line = OurLine {
            port: self.port,
            codecs: vec![(choice.payload, choice.codec)],
            events: choice.events.map(|it| (it, choice.codec.clock())).into_iter().collect(),
            direction: audio.direction.answer(),
            protocol: theirs.map_or_else(String::new, |media| media.protocol.clone()),
            protected,
            mux: audio.mux,
            mid: audio.mid.clone(),
            source: self.source(),
        };
        let text = text.and_then(|(it, guard)| Some((it.line, self.text_answer(&it, &guard)?)));
        let text = text.as_ref().map(|(line, text)| (*line, text));
        let answer = sdp::answer(&description, audio.line, &self.next_session(), &line, text);
        self.said = answer.to_bytes().into();
        Ok((self.said.clone(), aim))
    }

    /// The line to be answered, and how its packets are protected: as the policy would like it, or else
    /// as it can be.
    fn pick(&self, description: &sdp::Description) -> Result<(AudioOffer, Guard), Unusable> {
        let lines = sdp::audio_lines(description);
        if lines.is_empty() {
            return Err(Unusable::NoAudio);
        }
        let safe_first = self.terms.policy.srtp != Srtp::Off;
        let mut picked: Option<(AudioOffer, Guard)> = None;
        for line in lines {
            for guard in self.guards(&line, safe_first) {
                let better = picked.as_ref().is_none_or(|(_, known)| {
                    let safe = |guard: &Guard| *guard != Guard::Plain;
                    safe(known) != safe_first && safe(&guard) == safe_first
                });
                if better {
                    picked = Some((line.clone(), guard));
                }
            }
        }
        picked.ok_or(Unusable::NotProtected)
    }

    /// How a line could be protected. A plain line may have keys that need not be used (RFC 8643).
    fn guards(&self, line: &AudioOffer, safe_first: bool) -> Vec<Guard> {
        let protection = &line.protection;
        let keys = best_keys(&self.keys, protection);
        let certificate =
            protection.fingerprint.as_ref().filter(|_| self.terms.certificate.is_some());
        let certificate = certificate.map(|peer| {
            let active = match protection.setup {
                // Who leaves it open gets the roles that are (RFC 8842 §5.5), or ours is to wait.
                Some(Setup::ActPass) => self.begins_with(peer),
                setup => setup == Some(Setup::Passive),
            };
            Guard::Dtls { peer: peer.clone(), active }
        });
        match line.profile {
            Profile::Dtls => certificate.into_iter().collect(),
            Profile::Srtp => keys.into_iter().chain(certificate).collect(),
            Profile::Plain if safe_first => {
                keys.into_iter().chain(certificate).chain([Guard::Plain]).collect()
            }
            Profile::Plain => vec![Guard::Plain],
        }
    }

    /// Whether we began the handshake that there is with that peer.
    fn begins_with(&self, peer: &Fingerprint) -> bool {
        let guard = self.aim.as_ref().map(|aim| &aim.guard);
        matches!(guard, Some(Guard::Dtls { peer: known, active: true }) if known == peer)
    }

    fn answer_protection(&self, audio: &AudioOffer, guard: &Guard) -> Protected {
        match guard {
            Guard::Plain => Protected::Plain,
            Guard::Sdes { ours, theirs } => answer_keys(&audio.protection, ours, theirs),
            Guard::Dtls { active, .. } => {
                let ice = self.login.clone().filter(|_| audio.protection.ice.is_some());
                let certificate = self.terms.certificate.clone();
                certificate.map_or(Protected::Plain, |fingerprint| Protected::Certificate {
                    fingerprint,
                    setup: if *active { Setup::Active } else { Setup::Passive },
                    ice: ice.map(|login| (login, self.terms.candidates.clone())),
                })
            }
        }
    }

    fn source(&self) -> Option<(u32, String)> {
        self.login.is_some().then(|| (self.ssrc, self.stream.cname()))
    }

    fn next_session(&mut self) -> OurSession {
        self.version += 1;
        OurSession { id: self.session, version: self.version, address: self.terms.address }
    }

    fn agree(
        &mut self,
        audio: &AudioOffer,
        choice: &Choice,
        guard: Guard,
        text: Option<(TextOffer, Guard)>,
    ) -> Aim {
        // A peer that names no address we can use is learnt from its first packet.
        let unknown = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let before = self.aim.as_ref().map_or((unknown, unknown), |aim| (aim.rtp, aim.rtcp));
        let rtp = audio.rtp.unwrap_or(before.0);
        let aim = Aim {
            rtp,
            rtcp: if audio.mux { rtp } else { audio.rtcp.unwrap_or(before.1) },
            codec: choice.codec,
            audio: choice.payload,
            events: choice.events,
            send: audio.direction.receives() && !audio.hold,
            receive: audio.direction.sends(),
            mux: audio.mux,
            guard,
            ice: audio.protection.ice.clone().filter(|_| self.login.is_some()),
            text: text.map(|(text, guard)| Box::new(self.agree_text(&text, guard))),
        };
        self.aim = Some(aim.clone());
        aim
    }
}

/// The codecs of an answer in the answer's own order.
fn offered_order(audio: &AudioOffer) -> Vec<Codec> {
    let speech = audio.codecs.iter().filter_map(|it| match it.kind {
        sdp::CodecKind::Speech(codec) => Some(codec),
        _ => None,
    });
    speech.collect()
}

/// Our keys as an offer names them, best first.
fn offered_keys(keys: &[SrtpKey]) -> Protected {
    let keys = (1u32..).zip(keys);
    Protected::Keys(keys.map(|(tag, key)| Crypto { tag, key: key.clone() }).collect())
}

/// The keys of a line of the peer's offer that we would take, with ours for the same suite.
fn best_keys(ours: &[SrtpKey], protection: &Protection) -> Option<Guard> {
    let best = |suite: Suite| Suite::ALL.iter().position(|known| *known == suite);
    let theirs = protection.crypto.iter().min_by_key(|crypto| best(crypto.key.suite))?;
    let ours = ours.iter().find(|ours| ours.suite == theirs.key.suite)?.clone();
    Some(Guard::Sdes { ours, theirs: theirs.key.clone() })
}

/// What our answer says of keys that were taken.
fn answer_keys(offered: &Protection, ours: &SrtpKey, theirs: &SrtpKey) -> Protected {
    let same = offered.crypto.iter().find(|crypto| crypto.key == *theirs);
    let tag = same.map_or(1, |crypto| crypto.tag);
    Protected::Keys(vec![Crypto { tag, key: ours.clone() }])
}

/// What the peer's answer took of the keys that we offered.
fn chosen_keys(offered: &[Crypto], theirs: &Crypto) -> Result<Guard, Unusable> {
    let same = |ours: &&Crypto| ours.tag == theirs.tag && ours.key.suite == theirs.key.suite;
    let ours = offered.iter().find(same).ok_or(Unusable::NotProtected)?.key.clone();
    Ok(Guard::Sdes { ours, theirs: theirs.key.clone() })
}

/// A key for each suite.
fn fresh_keys(dice: &mut Dice) -> Vec<SrtpKey> {
    let keys = Suite::ALL.map(|suite| {
        let (key, salt) = suite.lengths();
        SrtpKey { suite, key_salt: SecretBytes::new(&random(dice, key + salt)) }
    });
    keys.into()
}

fn new_login(dice: &mut Dice) -> IceLogin {
    IceLogin { ufrag: dice.token(), password: Secret::new(dice.token() + &dice.token()) }
}

fn random(dice: &mut Dice, length: usize) -> Vec<u8> {
    let numbers = std::iter::repeat_with(|| dice.number().to_be_bytes());
    numbers.flatten().take(length).collect()
}

fn read(text: &[u8]) -> Result<sdp::Description, Unusable> {
    sdp::parse(text).map_err(|error| Unusable::Unreadable(error.to_string()))
}

/// Whether an offer is a browser's: a certificate and a login of ICE.
#[must_use]
pub fn is_of_browser(offer: &[u8]) -> bool {
    let lines = read(offer).map(|offer| sdp::audio_lines(&offer)).unwrap_or_default();
    lines.iter().any(is_browser_line)
}

fn is_browser_line(line: &AudioOffer) -> bool {
    let protection = &line.protection;
    line.profile == Profile::Dtls && protection.fingerprint.is_some() && protection.ice.is_some()
}

/// The codec that a peer's offer would be answered with, for the offer to the other side.
#[must_use]
pub fn wanted_codec(offer: &[u8], allowed: &[Codec]) -> Option<Codec> {
    let audio = sdp::audio(&read(offer).ok()?)?;
    sdp::choose(&audio, None, allowed).map(|choice| choice.codec)
}

mod text;

use text::TextEnd;
pub use text::offers_text;

#[cfg(test)]
mod any_offer;
#[cfg(test)]
mod tests;
