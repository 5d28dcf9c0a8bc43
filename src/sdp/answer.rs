//! Our SDP offers and answers (RFC 3264): which codec, which lines refused. A line may be refused,
//! the call never is.

use std::net::IpAddr;

use super::audio::{AudioOffer, CodecKind, Direction};
use super::description::{Description, Line, Media};
use super::protection::{self, Protected};
use super::text::OurText;
use crate::vocabulary::Codec;

/// Our payload type for telephone events in an offer of ours, and that beside Opus.
const EVENTS: u8 = 101;
const EVENTS_48: u8 = 110;

/// Our audio line.
#[derive(Clone, Debug)]
pub struct OurLine {
    /// Our RTP port.
    pub port: u16,
    /// Payload types and codecs, best first.
    pub codecs: Vec<(u8, Codec)>,
    /// Payload types of telephone events, each with its clock.
    pub events: Vec<(u8, u32)>,
    /// Which way.
    pub direction: Direction,
    /// `RTP/AVP`, `RTP/SAVP`, …
    pub protocol: String,
    /// How its packets are protected.
    pub protected: Protected,
    /// RTCP goes by the RTP port.
    pub mux: bool,
    /// The line's name, and that others may share its transport (RFC 8843).
    pub mid: Option<String>,
    /// The SSRC of what we send and its CNAME (RFC 5576): a browser need not guess whose packets come.
    pub source: Option<(u32, String)>,
}

/// What a description of ours says.
#[derive(Clone, Debug)]
pub struct OurSession {
    /// Names the session; the same in every description of a leg.
    pub id: u64,
    /// Rises with each description of the leg.
    pub version: u64,
    /// Our media address.
    pub address: IpAddr,
}

/// The codec that an audio line is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The offer's payload type.
    pub payload: u8,
    /// The codec.
    pub codec: Codec,
    /// The offer's payload type of telephone events at the same clock.
    pub events: Option<u8>,
}

/// The preferred codec where the offer has it and `allowed` does, otherwise the first of `allowed` that
/// the offer has. None when it has none of them.
#[must_use]
pub fn choose(offer: &AudioOffer, prefer: Option<Codec>, allowed: &[Codec]) -> Option<Choice> {
    let offered = |codec: Codec| {
        offer.codecs.iter().find(|it| it.kind == CodecKind::Speech(codec)).map(|it| (it, codec))
    };
    let wanted = prefer.filter(|codec| allowed.contains(codec)).and_then(offered);
    let (chosen, codec) = wanted.or_else(|| allowed.iter().copied().find_map(offered))?;
    let mut events = offer.codecs.iter().filter(|it| it.kind == CodecKind::TelephoneEvent);
    let events = events.find(|it| it.clock == codec.clock()).map(|it| it.payload);
    Some(Choice { payload: chosen.payload, codec, events })
}

/// The payload type by which we offer a codec: the static one where there is one (RFC 3551).
#[must_use]
pub const fn our_payload(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
        Codec::Opus => 111,
    }
}

/// Our payload types for telephone events beside these codecs, each with its clock.
#[must_use]
pub fn our_events(codecs: &[Codec]) -> Vec<(u8, u32)> {
    let has = |clock| codecs.iter().any(|codec| codec.clock() == clock);
    let both = [(EVENTS, 8_000), (EVENTS_48, 48_000)];
    both.into_iter().filter(|(_, clock)| has(*clock)).collect()
}

/// An offer of ours: an audio line, and perhaps one of text.
#[must_use]
pub fn offer(session: &OurSession, line: &OurLine, text: Option<&OurText>) -> Description {
    let lines = [Some(media(line)), text.map(OurText::media)];
    let mut whole = description(session, None, line, lines.into_iter().flatten().collect());
    if let Some(mid) = &line.mid {
        whole.lines.push(Line::new('a', format!("group:BUNDLE {mid}")));
    }
    whole
}

/// The answer to an offer: its lines in their order, all refused but the chosen one and, where there is
/// one, that of text.
#[must_use]
pub fn answer(
    offer: &Description,
    chosen: usize,
    session: &OurSession,
    line: &OurLine,
    text: Option<(usize, &OurText)>,
) -> Description {
    let lines = offer.media.iter().enumerate().map(|(n, theirs)| {
        if n == chosen {
            return media(line);
        }
        if let Some((_, text)) = text.filter(|(at, _)| *at == n) {
            return text.media();
        }
        // A line names a format, also where it is refused (RFC 3264 §6).
        let format = theirs.formats.first().map_or("0", String::as_str);
        let formats = vec![format.to_owned()];
        Media { port: 0, formats, lines: Vec::new(), ..theirs.clone() }
    });
    let mut whole = description(session, offer.value('t'), line, lines.collect());
    let bundled = |mid: &str| {
        super::description::attributes(&offer.lines, "group").any(|group| {
            let mut words = group.split_ascii_whitespace();
            words.next() == Some("BUNDLE") && words.any(|word| word == mid)
        })
    };
    // What was refused is in no bundle (RFC 8843 §7.3.3).
    if let Some(mid) = line.mid.as_ref().filter(|mid| bundled(mid)) {
        whole.lines.push(Line::new('a', format!("group:BUNDLE {mid}")));
    }
    whole
}

fn description(
    session: &OurSession,
    time: Option<&str>,
    line: &OurLine,
    media: Vec<Media>,
) -> Description {
    let OurSession { id, version, address } = session;
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    let mut lines = vec![
        Line::new('o', format!("siaga112 {id} {version} IN {family} {address}")),
        Line::new('s', "-"),
        Line::new('c', format!("IN {family} {address}")),
        Line::new('t', time.unwrap_or("0 0")),
    ];
    if matches!(&line.protected, Protected::Certificate { ice: Some(_), .. }) {
        lines.push(Line::new('a', "ice-lite"));
    }
    Description { lines, media }
}

fn media(line: &OurLine) -> Media {
    let map = |payload: &u8, name: &str| Line::new('a', format!("rtpmap:{payload} {name}"));
    let mut lines = Vec::new();
    for (payload, codec) in &line.codecs {
        let channels = if *codec == Codec::Opus { "/2" } else { "" };
        lines.push(map(payload, &format!("{codec}/{}{channels}", codec.clock())));
        if *codec == Codec::Opus {
            let how = "useinbandfec=1;maxaveragebitrate=32000";
            lines.push(Line::new('a', format!("fmtp:{payload} {how}")));
        }
    }
    for (payload, clock) in &line.events {
        lines.push(map(payload, &format!("telephone-event/{clock}")));
        lines.push(Line::new('a', format!("fmtp:{payload} 0-16")));
    }
    lines.push(Line::new('a', "ptime:20"));
    lines.push(Line::new('a', line.direction.word()));
    lines.extend(line.mid.iter().map(|mid| Line::new('a', format!("mid:{mid}"))));
    let source = line.source.iter();
    lines.extend(source.map(|(ssrc, name)| Line::new('a', format!("ssrc:{ssrc} cname:{name}"))));
    if line.mux {
        lines.push(Line::new('a', "rtcp-mux"));
    }
    lines.extend(protection::lines(&line.protected));
    let payloads = line.codecs.iter().map(|it| it.0).chain(line.events.iter().map(|it| it.0));
    Media {
        kind: "audio".to_owned(),
        port: line.port,
        protocol: line.protocol.clone(),
        formats: payloads.map(|payload| payload.to_string()).collect(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{audio, parse};
    use super::*;

    fn answered(text: &str, prefer: Option<Codec>) -> Option<String> {
        let description = parse(text.as_bytes()).unwrap();
        let audio = audio(&description)?;
        let choice = choose(&audio, prefer, &Codec::ALL)?;
        let line = OurLine {
            port: 20_000,
            codecs: vec![(choice.payload, choice.codec)],
            events: choice
                .events
                .map(|payload| (payload, choice.codec.clock()))
                .into_iter()
                .collect(),
            direction: audio.direction.answer(),
            protocol: description.media[audio.line].protocol.clone(),
            protected: Protected::Plain,
            mux: false,
            mid: audio.mid.clone(),
            source: None,
        };
        let answer = answer(&description, audio.line, &session(), &line, None);
        Some(String::from_utf8(answer.to_bytes()).unwrap())
    }

    fn session() -> OurSession {
        OurSession { id: 7, version: 2, address: "203.0.113.10".parse().unwrap() }
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
    fn text_is_taken_at_its_place() {
        let offer = parse(
            b"c=IN IP4 192.0.2.20\nm=text 6 RTP/AVP 98\na=rtpmap:98 t140/1000\nm=video 4 RTP/AVP 96\nm=audio 8 RTP/AVP 8\n",
        );
        let offer = offer.unwrap();
        let read = crate::sdp::text_lines(&offer).remove(0);
        let line = OurLine {
            port: 20_000,
            codecs: vec![(8, Codec::Pcma)],
            events: Vec::new(),
            direction: Direction::SendRecv,
            protocol: "RTP/AVP".to_owned(),
            protected: Protected::Plain,
            mux: false,
            mid: None,
            source: None,
        };
        let ours = OurText::answer(20_004, &read, Protected::Plain);
        let answer = answer(&offer, 2, &session(), &line, Some((read.line, &ours)));
        let ports: Vec<(&str, u16)> =
            answer.media.iter().map(|it| (it.kind.as_str(), it.port)).collect();
        assert_eq!(ports, [("text", 20_004), ("video", 0), ("audio", 20_000)]);
        assert_eq!(answer.media[0].formats, ["98"]);
    }

    #[test]
    fn the_preferred_codec_wins_where_it_is_offered_and_else_our_order() {
        let both = "c=IN IP4 1.2.3.4\nm=audio 4 RTP/AVP 0 9 8\n";
        let chosen = |text: &str, prefer, allowed: &[Codec]| {
            choose(&audio(&parse(text.as_bytes()).unwrap()).unwrap(), prefer, allowed)
                .map(|c| c.codec)
        };
        assert_eq!(chosen(both, None, &Codec::ALL), Some(Codec::Pcma));
        assert_eq!(chosen(both, Some(Codec::Pcmu), &Codec::ALL), Some(Codec::Pcmu));
        assert_eq!(chosen(both, None, &[Codec::G722, Codec::Pcma]), Some(Codec::G722));
        assert_eq!(chosen(both, Some(Codec::Pcmu), &[Codec::Pcma]), Some(Codec::Pcma));
        let one = "m=audio 4 RTP/AVP 0\n";
        assert_eq!(chosen(one, Some(Codec::Pcma), &Codec::ALL), Some(Codec::Pcmu));
        assert_eq!(chosen("m=audio 4 RTP/AVP 18\n", None, &Codec::ALL), None);
        // Another clock is another codec.
        let odd = "m=audio 4 RTP/AVP 98\na=rtpmap:98 PCMA/16000\n";
        assert_eq!(chosen(odd, None, &Codec::ALL), None);
    }

    #[test]
    fn telephone_events_follow_the_clock_of_the_codec() {
        let text = "m=audio 4 RTP/AVP 8 111 110 126\na=rtpmap:111 opus/48000/2\n\
                    a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n";
        let audio = audio(&parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(choose(&audio, None, &Codec::ALL).unwrap().events, Some(126));
        let opus = choose(&audio, Some(Codec::Opus), &Codec::ALL).unwrap();
        assert_eq!((opus.payload, opus.events), (111, Some(110)));
    }

    #[test]
    fn our_offer_reads_as_we_mean_it() {
        let codecs = [Codec::G722, Codec::Pcma, Codec::Opus];
        let line = OurLine {
            port: 20_002,
            codecs: codecs.iter().map(|codec| (our_payload(*codec), *codec)).collect(),
            events: our_events(&codecs),
            direction: Direction::SendRecv,
            protocol: "RTP/AVP".to_owned(),
            protected: Protected::Plain,
            mux: true,
            mid: Some("0".to_owned()),
            source: Some((7, "1@siaga112.invalid".to_owned())),
        };
        let session = OurSession { id: 1, version: 1, address: "2001:db8::1".parse().unwrap() };
        let description = parse(&offer(&session, &line, None).to_bytes()).unwrap();
        assert_eq!(description.attribute(&Media::default(), "group"), Some("BUNDLE 0"));
        let read = audio(&description).unwrap();
        assert_eq!(read.rtp, "[2001:db8::1]:20002".parse().ok());
        assert!(read.mux);
        let payloads: Vec<(u8, &str)> =
            read.codecs.iter().map(|c| (c.payload, c.kind.word())).collect();
        let events = "telephone-event";
        let expected = [(9, "G722"), (8, "PCMA"), (111, "opus"), (101, events), (110, events)];
        assert_eq!(payloads, expected);
    }

    #[test]
    fn a_bundle_names_only_what_was_taken() {
        let text = answered(
            "v=0\na=group:BUNDLE a v\nc=IN IP4 0.0.0.0\nm=audio 9 RTP/AVP 8\na=mid:a\nm=video 9 RTP/AVP 96\na=mid:v\n",
            None,
        );
        let text = text.unwrap();
        assert!(text.contains("a=group:BUNDLE a\r\n") && text.contains("m=video 0 "), "{text}");
    }
}
