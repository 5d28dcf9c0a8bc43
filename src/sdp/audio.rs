//! The audio line of a description: where, what, and which way.

use std::net::{IpAddr, SocketAddr};

use super::description::{Description, Media, attributes, connection};
use super::protection::{self, Profile, Protection};
use crate::vocabulary::Codec;

/// Which way media flows, from the point of view of who wrote it (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// The writer only sends: it holds us.
    SendOnly,
    /// The writer only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether the writer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The direction that answers this one (RFC 3264 §6.1).
    #[must_use]
    pub const fn answer(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// What a payload type stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecKind {
    /// Speech that we can speak.
    Speech(Codec),
    /// RFC 4733 events.
    TelephoneEvent,
    /// Anything else, by its name.
    Other(String),
}

impl CodecKind {
    /// The encoding name of an rtpmap.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Speech(codec) => codec.word(),
            Self::TelephoneEvent => "telephone-event",
            Self::Other(name) => name,
        }
    }

    /// By name and clock: another clock is another codec.
    fn read(name: &str, clock: u32) -> Self {
        if name.eq_ignore_ascii_case("telephone-event") {
            return Self::TelephoneEvent;
        }
        match name.parse::<Codec>() {
            Ok(codec) if codec.clock() == clock => Self::Speech(codec),
            _ => Self::Other(name.to_owned()),
        }
    }
}

/// One payload type of an audio line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadType {
    /// RTP payload type.
    pub payload: u8,
    /// What it stands for.
    pub kind: CodecKind,
    /// RTP clock in hertz.
    pub clock: u32,
}

/// What a description says about audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioOffer {
    /// Which media line, from 0.
    pub line: usize,
    /// Where RTP goes; none when it is no address that could be sent to.
    pub rtp: Option<SocketAddr>,
    /// Where RTCP goes.
    pub rtcp: Option<SocketAddr>,
    /// The connection address is 0.0.0.0: the old way to hold (RFC 2543).
    pub hold: bool,
    /// Which way.
    pub direction: Direction,
    /// Payload types in the order of the line.
    pub codecs: Vec<PayloadType>,
    /// Milliseconds of audio in a packet.
    pub ptime: Option<u32>,
    /// Languages that are sent or wanted (RFC 8373), in order.
    pub languages: Vec<String>,
    /// How its packets are protected.
    pub profile: Profile,
    /// With what.
    pub protection: Protection,
    /// RTCP may go by the RTP port (RFC 5761).
    pub mux: bool,
    /// The line's name (RFC 5888).
    pub mid: Option<String>,
}

/// The first audio line that plain RTP can serve, or else the first that is protected.
#[must_use]
pub fn audio(description: &Description) -> Option<AudioOffer> {
    let lines = audio_lines(description);
    let plain = lines.iter().position(|line| line.profile == Profile::Plain).unwrap_or(0);
    lines.into_iter().nth(plain)
}

/// Every audio line that RTP of any kind can serve, in order.
#[must_use]
pub fn audio_lines(description: &Description) -> Vec<AudioOffer> {
    let lines = description.media.iter().enumerate();
    let lines = lines.filter(|(_, media)| media.kind == "audio" && media.port != 0);
    lines
        .filter_map(|(line, media)| {
            Some(audio_line(description, line, media, Profile::read(&media.protocol)?))
        })
        .collect()
}

fn audio_line(
    description: &Description,
    line: usize,
    media: &Media,
    profile: Profile,
) -> AudioOffer {
    let protection = protection::read(description, media);
    let address = connection(description, media).and_then(address);
    // Whoever speaks ICE names no address yet, and is found by it.
    let unspecified = address.is_some_and(|ip| ip.is_unspecified());
    let hold = unspecified && protection.ice.is_none();
    let rtp = place(description, media);
    AudioOffer {
        line,
        rtp,
        rtcp: rtp.and_then(|rtp| rtcp(description, media, rtp)),
        hold,
        direction: direction(description, media),
        codecs: payload_types(media),
        ptime: description.attribute(media, "ptime").and_then(|t| t.parse().ok()),
        languages: languages(media),
        profile,
        protection,
        mux: attributes(&media.lines, "rtcp-mux").next().is_some(),
        mid: description.attribute(media, "mid").map(str::to_owned),
    }
}

/// Where the RTP of a line goes; none when it is no address that could be sent to.
pub(super) fn place(description: &Description, media: &Media) -> Option<SocketAddr> {
    let address = connection(description, media).and_then(address);
    address.filter(|ip| !ip.is_unspecified()).map(|ip| SocketAddr::new(ip, media.port))
}

/// `IN IP4 192.0.2.1` or `IN IP6 2001:db8::1`; brackets and a TTL are tolerated.
fn address(connection: &str) -> Option<IpAddr> {
    let text = connection.split_ascii_whitespace().nth(2)?;
    let ip: IpAddr = text.split('/').next()?.trim_matches(['[', ']']).parse().ok()?;
    // An IPv4 address in IPv6's clothes is reached over IPv4 (RFC 5118 §4.9).
    Some(ip.to_canonical())
}

/// `a=rtcp:53020` or `a=rtcp:53020 IN IP4 192.0.2.1` (RFC 3605), otherwise the next port.
pub(super) fn rtcp(
    description: &Description,
    media: &Media,
    rtp: SocketAddr,
) -> Option<SocketAddr> {
    if attributes(&media.lines, "rtcp-mux").next().is_some() {
        return Some(rtp);
    }
    let next = || Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
    let Some(value) = description.attribute(media, "rtcp") else { return next() };
    let (port, rest) = value.split_once(' ').unwrap_or((value, ""));
    let Ok(port) = port.trim().parse() else { return next() };
    Some(SocketAddr::new(address(rest).unwrap_or(rtp.ip()), port))
}

pub(super) fn direction(description: &Description, media: &Media) -> Direction {
    let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    let of = |lines| all.into_iter().find(|d| attributes(lines, d.word()).next().is_some());
    of(&media.lines).or_else(|| of(&description.lines)).unwrap_or_default()
}

/// The payload types of a line, in order.
pub(super) fn payload_types(media: &Media) -> Vec<PayloadType> {
    let named = |payload: u8| {
        attributes(&media.lines, "rtpmap").find_map(|value| {
            let (number, name) = value.split_once(' ')?;
            if number.trim().parse::<u8>() != Ok(payload) {
                return None;
            }
            let mut parts = name.trim().split('/');
            let name = parts.next()?;
            let clock = parts.next().and_then(|c| c.parse().ok()).unwrap_or(8000);
            Some(PayloadType { payload, kind: CodecKind::read(name, clock), clock })
        })
    };
    let fixed = |payload: u8| {
        // RFC 3551 table 4.
        let kind = match payload {
            0 => CodecKind::Speech(Codec::Pcmu),
            8 => CodecKind::Speech(Codec::Pcma),
            9 => CodecKind::Speech(Codec::G722),
            other => CodecKind::Other(other.to_string()),
        };
        PayloadType { payload, kind, clock: 8000 }
    };
    let payloads = media.formats.iter().filter_map(|f| f.parse::<u8>().ok()).filter(|p| *p < 128);
    payloads.map(|payload| named(payload).unwrap_or_else(|| fixed(payload))).collect()
}

fn languages(media: &Media) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for name in ["hlang-send", "hlang-recv"] {
        for value in attributes(&media.lines, name) {
            for tag in value.split_ascii_whitespace().filter(|t| *t != "*") {
                if !tags.iter().any(|t| t == tag) {
                    tags.push(tag.to_owned());
                }
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn read(text: &str) -> AudioOffer {
        audio(&parse(text.as_bytes()).unwrap()).expect("an audio line")
    }

    #[test]
    fn a_trunk_s_offer_is_read() {
        let offer = read(
            "v=0\no=- 1 1 IN IP4 198.51.100.7\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\n\
             m=audio 17004 RTP/AVP 18 8 101\na=rtpmap:18 G729/8000\na=rtpmap:101 telephone-event/8000\n\
             a=rtcp:17010 IN IP4 198.51.100.8\na=ptime:20\na=sendonly\na=hlang-send:mad id\na=hlang-recv:mad",
        );
        assert_eq!(offer.rtp, "198.51.100.7:17004".parse().ok());
        assert_eq!(offer.rtcp, "198.51.100.8:17010".parse().ok());
        assert_eq!(offer.direction, Direction::SendOnly);
        let kinds: Vec<&str> = offer.codecs.iter().map(|c| c.kind.word()).collect();
        assert_eq!(kinds, ["G729", "PCMA", "telephone-event"]);
        assert_eq!((offer.ptime, offer.languages.len()), (Some(20), 2));
    }

    #[test]
    fn addresses_of_every_kind() {
        let rtp = |c: &str| {
            let offer = read(&format!("c={c}\nm=audio 4000 RTP/AVP 0"));
            (offer.rtp.map(|a| a.to_string()), offer.hold)
        };
        assert_eq!(rtp("IN IP6 2001:db8::9"), (Some("[2001:db8::9]:4000".into()), false));
        assert_eq!(rtp("IN IP6 [2001:db8::9]"), (Some("[2001:db8::9]:4000".into()), false));
        assert_eq!(rtp("IN IP4 sbc.example"), (None, false));
        assert_eq!(rtp("IN IP4 0.0.0.0"), (None, true));
        let last = read("c=IN IP4 192.0.2.1\nm=audio 65535 RTP/AVP 0");
        assert_eq!(last.rtcp, None);
        assert_eq!(read("c=IN IP4 1.2.3.4\nm=audio 4 RTP/AVP 0\na=rtcp-mux").rtcp, last_mux());
    }

    fn last_mux() -> Option<SocketAddr> {
        "1.2.3.4:4".parse().ok()
    }

    #[test]
    fn only_audio_with_a_port_counts_and_plain_goes_first() {
        let text = b"m=video 9 RTP/AVP 96\nm=audio 0 RTP/AVP 8\nm=audio 9 RTP/SAVP 8\nm=audio 8 RTP/AVP 8\n";
        assert_eq!(audio(&parse(text).unwrap()).map(|a| a.line), Some(3));
        let protected = audio(&parse(b"m=audio 9 UDP/TLS/RTP/SAVPF 8\n").unwrap());
        assert_eq!(protected.map(|a| a.profile), Some(Profile::Dtls));
        assert!(audio(&parse(b"m=audio 9 TCP/RTP/AVP 8\n").unwrap()).is_none());
    }
}
