//! SDP offer and answer of one leg (RFC 3264). Each leg agrees with its own peer and the media
//! plane translates between them, so a hold or a codec of one side never has to wait for the other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use thiserror::Error;

use super::orders::{Aim, Guard};
use crate::sdp::{self, AnswerParts, AudioOffer, Choice, CodecKind, Direction, OfferParts};
use crate::sip::{Request, body};
use crate::vocabulary::{Codec, StreamId};

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
}

/// The audio of one leg: our end of it and what was agreed with the peer.
#[derive(Clone, Debug)]
pub struct LegMedia {
    /// Its stream in the media plane.
    pub stream: StreamId,
    /// Our RTP port.
    pub port: u16,
    address: IpAddr,
    session: u64,
    version: u64,
    aim: Option<Aim>,
    law: Option<CodecKind>,
    /// Our last description, for a refresh of the session as it is.
    said: Bytes,
}

impl LegMedia {
    /// A leg with a port and no agreement yet. `session` names the SDP session (RFC 8866 §5.2).
    #[must_use]
    pub const fn new(stream: StreamId, port: u16, address: IpAddr, session: u64) -> Self {
        Self {
            stream,
            port,
            address,
            session: session & 0x7fff_ffff_ffff_ffff,
            version: 0,
            aim: None,
            law: None,
            said: Bytes::new(),
        }
    }

    /// What was agreed, if anything.
    #[must_use]
    pub fn aim(&self) -> Option<Aim> {
        self.aim.clone()
    }

    /// The codec in use.
    #[must_use]
    pub const fn law(&self) -> Option<&CodecKind> {
        self.law.as_ref()
    }

    /// Whether the peer has put us on hold: it does not want to hear us.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.aim.as_ref().is_some_and(|aim| !aim.send)
    }

    /// Our SDP offer, the preferred law first.
    pub fn offer(&mut self, prefer: Option<&CodecKind>) -> Bytes {
        let laws = match prefer {
            Some(CodecKind::Pcmu) => [CodecKind::Pcmu, CodecKind::Pcma],
            _ => [CodecKind::Pcma, CodecKind::Pcmu],
        };
        self.version += 1;
        self.said = sdp::offer(&OfferParts {
            session_id: self.session,
            version: self.version,
            address: self.address,
            port: self.port,
            laws: &laws,
            events: true,
            direction: Direction::SendRecv,
        })
        .to_bytes()
        .into();
        self.said.clone()
    }

    /// Our last description once more, its version unchanged: nothing is to change (RFC 4028 §7.4).
    #[must_use]
    pub fn again(&self) -> Bytes {
        self.said.clone()
    }

    /// What a 200 to a first INVITE carries, and whether the ACK brings the answer: without usable
    /// SDP in the INVITE ours is the offer (RFC 3264 §4).
    pub fn first_answer(&mut self, invite: &Request, prefer: Option<&CodecKind>) -> (Bytes, bool) {
        let offered = body::sdp(&invite.headers, &invite.body);
        match offered.and_then(|offer| self.answer(&offer, prefer).ok()) {
            Some((sdp, _)) => (sdp, false),
            None => (self.offer(prefer), true),
        }
    }

    /// Takes the peer's answer to our offer.
    ///
    /// # Errors
    /// [`Unusable`]; what was agreed before stays.
    pub fn take_answer(&mut self, answer: &[u8]) -> Result<Aim, Unusable> {
        let audio = read(answer)?.1;
        let choice = sdp::choose(&audio, None).ok_or(Unusable::NoCodec)?;
        Ok(self.agree(&audio, &choice))
    }

    /// Answers the peer's offer; the law in use or `prefer` where the offer has it.
    ///
    /// A first offer without a codec of ours is answered with PCMA all the same: RFC 3264 §6.1
    /// lets an answer name what the offer did not, and an emergency call is worth the try.
    ///
    /// # Errors
    /// [`Unusable`]; what was agreed before stays.
    pub fn answer(
        &mut self,
        offer: &[u8],
        prefer: Option<&CodecKind>,
    ) -> Result<(Bytes, Aim), Unusable> {
        let (description, audio) = read(offer)?;
        let prefer = prefer.or(self.law.as_ref()).cloned();
        let choice = match sdp::choose(&audio, prefer) {
            Some(choice) => choice,
            None if self.aim.is_none() => {
                Choice { payload: 8, kind: CodecKind::Pcma, events: None }
            }
            None => return Err(Unusable::NoCodec),
        };
        let aim = self.agree(&audio, &choice);
        self.version += 1;
        let answer = sdp::answer(
            &description,
            &AnswerParts {
                session_id: self.session,
                version: self.version,
                address: self.address,
                port: self.port,
                codec: (choice.payload, choice.kind),
                events: choice.events,
                direction: audio.direction.answer(),
            },
        );
        self.said = answer.to_bytes().into();
        Ok((self.said.clone(), aim))
    }

    fn agree(&mut self, audio: &AudioOffer, choice: &Choice) -> Aim {
        // A peer that names no address we can use is learnt from its first packet.
        let unknown = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let before = self.aim.as_ref().map_or((unknown, unknown), |aim| (aim.rtp, aim.rtcp));
        let aim = Aim {
            rtp: audio.rtp.unwrap_or(before.0),
            rtcp: audio.rtcp.unwrap_or(before.1),
            codec: if choice.kind == CodecKind::Pcmu { Codec::Pcmu } else { Codec::Pcma },
            audio: choice.payload,
            events: choice.events,
            send: audio.direction.receives() && !audio.hold,
            receive: audio.direction.sends(),
            mux: false,
            guard: Guard::Plain,
            ice: None,
        };
        self.law = Some(choice.kind.clone());
        self.aim = Some(aim.clone());
        aim
    }
}

fn read(text: &[u8]) -> Result<(sdp::Description, AudioOffer), Unusable> {
    let description = sdp::parse(text).map_err(|e| Unusable::Unreadable(e.to_string()))?;
    let audio = sdp::audio(&description).ok_or(Unusable::NoAudio)?;
    Ok((description, audio))
}

/// The law that a peer's offer would like best, for the offer to the other side.
#[must_use]
pub fn wanted_law(offer: &[u8]) -> Option<CodecKind> {
    let (_, audio) = read(offer).ok()?;
    sdp::choose(&audio, None).map(|choice| choice.kind)
}
