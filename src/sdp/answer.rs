//! Our SDP offers and answers (RFC 3264): which codec, which lines refused. A line may be refused,
//! the call never is.

use std::net::IpAddr;

use super::audio::{AudioOffer, CodecKind, Direction, audio};
use super::description::{Description, Line, Media};

/// Our payload type for telephone events in an offer of ours.
const EVENTS: u8 = 101;

/// What an offer of ours says.
#[derive(Clone, Debug)]
pub struct OfferParts<'a> {
    /// Names the session; the same in every description of a leg.
    pub session_id: u64,
    /// Rises with each description of the leg.
    pub version: u64,
    /// Our media address.
    pub address: IpAddr,
    /// Our RTP port.
    pub port: u16,
    /// PCMA and PCMU in the order wanted.
    pub laws: &'a [CodecKind],
    /// Offers telephone events too.
    pub events: bool,
    /// Which way.
    pub direction: Direction,
}

/// What an answer of ours says.
#[derive(Clone, Debug)]
pub struct AnswerParts {
    /// As in [`OfferParts`].
    pub session_id: u64,
    /// As in [`OfferParts`].
    pub version: u64,
    /// Our media address.
    pub address: IpAddr,
    /// Our RTP port.
    pub port: u16,
    /// The audio codec with the offer's payload type.
    pub codec: (u8, CodecKind),
    /// The offer's payload type of telephone events.
    pub events: Option<u8>,
    /// Which way.
    pub direction: Direction,
}

/// The codec that an audio line is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The offer's payload type.
    pub payload: u8,
    /// PCMA or PCMU.
    pub kind: CodecKind,
    /// The offer's payload type of telephone events at the same clock.
    pub events: Option<u8>,
}

/// The preferred law where the offer has it, otherwise its first one. None when it has neither.
#[must_use]
pub fn choose(offer: &AudioOffer, prefer: Option<CodecKind>) -> Option<Choice> {
    let laws = || {
        offer
            .codecs
            .iter()
            .filter(|c| c.clock == 8000 && matches!(c.kind, CodecKind::Pcma | CodecKind::Pcmu))
    };
    let wanted = prefer.and_then(|kind| laws().find(|c| c.kind == kind));
    let codec = wanted.or_else(|| laws().next())?;
    let events =
        offer.codecs.iter().find(|c| c.kind == CodecKind::TelephoneEvent && c.clock == 8000);
    Some(Choice {
        payload: codec.payload,
        kind: codec.kind.clone(),
        events: events.map(|c| c.payload),
    })
}

/// An offer of ours: one audio line.
#[must_use]
pub fn offer(parts: &OfferParts<'_>) -> Description {
    let payload = |kind: &CodecKind| if *kind == CodecKind::Pcmu { 0 } else { 8 };
    let mut codecs: Vec<(u8, CodecKind)> =
        parts.laws.iter().map(|kind| (payload(kind), kind.clone())).collect();
    if parts.events {
        codecs.push((EVENTS, CodecKind::TelephoneEvent));
    }
    let audio = audio_line(parts.port, &codecs, parts.direction);
    session(parts.session_id, parts.version, parts.address, None, vec![audio])
}

/// The answer to an offer: its lines in their order, all refused but the chosen audio line.
#[must_use]
pub fn answer(offer: &Description, parts: &AnswerParts) -> Description {
    let chosen = audio(offer).map(|audio| audio.line);
    let mut codecs = vec![parts.codec.clone()];
    codecs.extend(parts.events.map(|payload| (payload, CodecKind::TelephoneEvent)));
    let media = offer.media.iter().enumerate().map(|(line, media)| {
        if Some(line) != chosen {
            // A line names a format, also where it is refused (RFC 3264 §6).
            let format = media.formats.first().map_or("0", String::as_str);
            let formats = vec![format.to_owned()];
            return Media { port: 0, formats, lines: Vec::new(), ..media.clone() };
        }
        let answered = audio_line(parts.port, &codecs, parts.direction);
        Media { protocol: media.protocol.clone(), ..answered }
    });
    let media = media.collect();
    session(parts.session_id, parts.version, parts.address, offer.value('t'), media)
}

fn session(
    session_id: u64,
    version: u64,
    address: IpAddr,
    time: Option<&str>,
    media: Vec<Media>,
) -> Description {
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    Description {
        lines: vec![
            Line::new('o', format!("siaga112 {session_id} {version} IN {family} {address}")),
            Line::new('s', "-"),
            Line::new('c', format!("IN {family} {address}")),
            Line::new('t', time.unwrap_or("0 0")),
        ],
        media,
    }
}

fn audio_line(port: u16, codecs: &[(u8, CodecKind)], direction: Direction) -> Media {
    let mut lines: Vec<Line> = codecs
        .iter()
        .map(|(payload, kind)| Line::new('a', format!("rtpmap:{payload} {}/8000", kind.word())))
        .collect();
    let events = codecs.iter().filter(|(_, kind)| *kind == CodecKind::TelephoneEvent);
    lines.extend(events.map(|(payload, _)| Line::new('a', format!("fmtp:{payload} 0-16"))));
    lines.push(Line::new('a', "ptime:20"));
    lines.push(Line::new('a', direction.word()));
    Media {
        kind: "audio".to_owned(),
        port,
        protocol: "RTP/AVP".to_owned(),
        formats: codecs.iter().map(|(payload, _)| payload.to_string()).collect(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn answered(text: &str, prefer: Option<CodecKind>) -> Option<String> {
        let description = parse(text.as_bytes()).unwrap();
        let audio = audio(&description)?;
        let choice = choose(&audio, prefer)?;
        let parts = AnswerParts {
            session_id: 7,
            version: 2,
            address: "203.0.113.10".parse().unwrap(),
            port: 20_000,
            codec: (choice.payload, choice.kind),
            events: choice.events,
            direction: audio.direction.answer(),
        };
        Some(String::from_utf8(answer(&description, &parts).to_bytes()).unwrap())
    }

    #[test]
    fn text_and_video_are_refused_and_audio_kept() {
        let text = answered(
            "v=0\no=- 1 1 IN IP4 192.0.2.20\ns=-\nc=IN IP4 192.0.2.20\nt=3 4\nm=video 5 RTP/AVP 96\n\
             m=audio 40000 RTP/AVPF 9 0 96\na=rtpmap:96 telephone-event/8000\na=sendonly\nm=text 6 RTP/AVP 100 98\n",
            None,
        );
        assert_eq!(
            text.unwrap(),
            "v=0\r\no=siaga112 7 2 IN IP4 203.0.113.10\r\ns=-\r\nc=IN IP4 203.0.113.10\r\nt=3 4\r\n\
             m=video 0 RTP/AVP 96\r\nm=audio 20000 RTP/AVPF 0 96\r\na=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\na=ptime:20\r\na=recvonly\r\n\
             m=text 0 RTP/AVP 100\r\n"
        );
    }

    #[test]
    fn the_preferred_law_wins_where_it_is_offered() {
        let both = "c=IN IP4 1.2.3.4\nm=audio 4 RTP/AVP 0 8\n";
        let kind = |text: &str, prefer| {
            choose(&audio(&parse(text.as_bytes()).unwrap()).unwrap(), prefer).map(|c| c.kind)
        };
        assert_eq!(kind(both, None), Some(CodecKind::Pcmu));
        assert_eq!(kind(both, Some(CodecKind::Pcma)), Some(CodecKind::Pcma));
        assert_eq!(kind("m=audio 4 RTP/AVP 0\n", Some(CodecKind::Pcma)), Some(CodecKind::Pcmu));
        assert_eq!(kind("m=audio 4 RTP/AVP 18\n", None), None);
    }

    #[test]
    fn telephone_events_follow_the_clock_of_the_codec() {
        let text = "m=audio 4 RTP/AVP 8 110 126\na=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n";
        let audio = audio(&parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(choose(&audio, None).unwrap().events, Some(126));
    }

    #[test]
    fn our_offer_reads_as_we_mean_it() {
        let description = offer(&OfferParts {
            session_id: 1,
            version: 1,
            address: "2001:db8::1".parse().unwrap(),
            port: 20_002,
            laws: &[CodecKind::Pcma, CodecKind::Pcmu],
            events: true,
            direction: Direction::SendRecv,
        });
        let read = audio(&parse(&description.to_bytes()).unwrap()).unwrap();
        assert_eq!(read.rtp, "[2001:db8::1]:20002".parse().ok());
        let payloads: Vec<u8> = read.codecs.iter().map(|c| c.payload).collect();
        assert_eq!(payloads, [8, 0, 101]);
    }
}
