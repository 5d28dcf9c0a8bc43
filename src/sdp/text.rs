//! The text line of a description (RFC 4103): real-time text beside the audio. A line that cannot be
//! served is refused, and the audio is what it would be without it.

use std::net::SocketAddr;

use super::audio::{self, Direction};
use super::description::{Description, Line, Media};
use super::protection::{self, Profile, Protected, Protection};

/// Our payload types in an offer of ours.
const TEXT: u8 = 98;
const REDUNDANT: u8 = 100;
/// Characters a second that a peer can show which does not say (RFC 4103 §6), and at most.
const CPS: u32 = 30;
const MOST_CPS: u32 = 1_000;

/// What a description says about text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOffer {
    /// Which media line, from 0.
    pub line: usize,
    /// Where RTP goes; none when it is no address that could be sent to.
    pub rtp: Option<SocketAddr>,
    /// Where RTCP goes.
    pub rtcp: Option<SocketAddr>,
    /// RTCP may go by the RTP port (RFC 5761).
    pub mux: bool,
    /// How its packets are protected.
    pub profile: Profile,
    /// With what.
    pub protection: Protection,
    /// The writer of the description tells several writers apart by the source of each packet
    /// (`a=rtt-mixer`, RFC 9071).
    pub mixer: bool,
    /// Which way.
    pub direction: Direction,
    /// Payload type of `t140/1000`.
    pub text: u8,
    /// Payload type of `red/1000` that carries it.
    pub redundant: Option<u8>,
    /// Characters a second that the writer of the description can show.
    pub cps: u32,
    /// The line's name (RFC 5888).
    pub mid: Option<String>,
    /// `RTP/AVP`, …
    pub protocol: String,
}

/// Our text line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurText {
    /// Our RTP port.
    pub port: u16,
    /// Payload type of `t140/1000`.
    pub text: u8,
    /// Payload type of `red/1000`, where it may be used.
    pub redundant: Option<u8>,
    /// Which way.
    pub direction: Direction,
    /// `RTP/AVP`, …
    pub protocol: String,
    /// How its packets are protected.
    pub protected: Protected,
    /// RTCP goes by the RTP port.
    pub mux: bool,
    /// We tell several writers apart by the source of each packet, and can read who does.
    pub mixer: bool,
    /// The line's name.
    pub mid: Option<String>,
    /// What a recorder calls the line (RFC 4574).
    pub label: Option<&'static str>,
}

impl OurText {
    /// What we offer.
    #[must_use]
    pub fn offer(port: u16, protocol: &str, protected: Protected) -> Self {
        Self {
            port,
            text: TEXT,
            redundant: Some(REDUNDANT),
            direction: Direction::SendRecv,
            protocol: protocol.to_owned(),
            protected,
            mux: false,
            mixer: true,
            mid: None,
            label: None,
        }
    }

    /// What we answer.
    #[must_use]
    pub fn answer(port: u16, offer: &TextOffer, protected: Protected) -> Self {
        let TextOffer { text, redundant, direction, mux, mixer, .. } = *offer;
        Self {
            port,
            text,
            redundant,
            direction: direction.answer(),
            protocol: offer.protocol.clone(),
            protected,
            mux,
            mixer,
            mid: offer.mid.clone(),
            label: None,
        }
    }

    /// The line itself.
    #[must_use]
    pub fn media(&self) -> Media {
        let line = |text: String| Line::new('a', text);
        let mut formats = vec![self.text.to_string()];
        let mut lines = vec![line(format!("rtpmap:{} t140/1000", self.text))];
        if let Some(redundant) = self.redundant {
            // Redundant is better, so it is named first (RFC 4103 §9).
            formats.insert(0, redundant.to_string());
            lines.push(line(format!("rtpmap:{redundant} red/1000")));
            lines.push(line(format!("fmtp:{redundant} {0}/{0}/{0}", self.text)));
        }
        lines.push(line(self.direction.word().to_owned()));
        lines.extend(self.mid.iter().map(|mid| line(format!("mid:{mid}"))));
        lines.extend(self.label.map(|label| line(format!("label:{label}"))));
        lines.extend(self.mux.then(|| line("rtcp-mux".to_owned())));
        lines.extend(self.mixer.then(|| line("rtt-mixer".to_owned())));
        lines.extend(protection::lines(&self.protected));
        let (kind, protocol) = ("text".to_owned(), self.protocol.clone());
        Media { kind, port: self.port, protocol, formats, lines }
    }
}

/// Every text line that RTP can serve, in order. A certificate (DTLS-SRTP) is none for text.
#[must_use]
pub fn text_lines(description: &Description) -> Vec<TextOffer> {
    let lines = description.media.iter().enumerate();
    let lines = lines.filter(|(_, media)| media.kind == "text" && media.port != 0);
    lines
        .filter_map(|(line, media)| {
            let profile = Profile::read(&media.protocol)?;
            let served = matches!(profile, Profile::Plain | Profile::Srtp);
            served.then(|| text_line(description, line, media, profile))?
        })
        .collect()
}

fn text_line(
    description: &Description,
    line: usize,
    media: &Media,
    profile: Profile,
) -> Option<TextOffer> {
    let types = audio::payload_types(media);
    let named = |wanted: &'static str| {
        types
            .iter()
            .filter(move |it| it.clock == 1_000 && it.kind.word().eq_ignore_ascii_case(wanted))
    };
    let text = named("t140").next()?.payload;
    let carries = |payload: &u8| match parameters(media, *payload) {
        // `98/98/98`: each generation of it.
        Some(value) => value.split('/').all(|kind| kind.trim().parse() == Ok(text)),
        None => true,
    };
    let redundant = named("red").map(|it| it.payload).find(carries);
    let cps = parameters(media, text).and_then(|value| {
        let mut words = value.split(';').filter_map(|word| word.split_once('='));
        words.find(|(name, _)| name.trim().eq_ignore_ascii_case("cps"))?.1.trim().parse().ok()
    });
    let rtp = audio::place(description, media);
    let has = |name| super::description::attributes(&media.lines, name).next().is_some();
    Some(TextOffer {
        line,
        rtp,
        rtcp: rtp.and_then(|rtp| audio::rtcp(description, media, rtp)),
        mux: has("rtcp-mux"),
        profile,
        protection: protection::read(description, media),
        mixer: has("rtt-mixer"),
        direction: audio::direction(description, media),
        text,
        redundant,
        cps: cps.unwrap_or(CPS).clamp(1, MOST_CPS),
        mid: description.attribute(media, "mid").map(str::to_owned),
        protocol: media.protocol.clone(),
    })
}

/// What the `fmtp` of a payload type says.
fn parameters(media: &Media, payload: u8) -> Option<&str> {
    super::description::attributes(&media.lines, "fmtp").find_map(|value| {
        let (number, value) = value.split_once(' ')?;
        (number.trim().parse() == Ok(payload)).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn read(lines: &str) -> Option<TextOffer> {
        let whole = format!("c=IN IP4 192.0.2.5\nm=audio 4000 RTP/AVP 8\n{lines}");
        text_lines(&parse(whole.as_bytes()).unwrap()).into_iter().next()
    }

    #[test]
    fn the_offer_of_the_rfc_is_read() {
        let offer = read(
            "m=text 11000 RTP/AVP 98 100\na=rtpmap:98 t140/1000\na=fmtp:98 cps=10\n\
             a=rtpmap:100 red/1000\na=fmtp:100 98/98/98\na=sendonly\n",
        );
        let offer = offer.expect("text");
        assert_eq!((offer.line, offer.text, offer.redundant), (1, 98, Some(100)));
        assert_eq!(offer.rtp, "192.0.2.5:11000".parse().ok());
        assert_eq!((offer.cps, offer.direction), (10, Direction::SendOnly));
    }

    #[test]
    fn what_we_cannot_serve_is_none() {
        let t140 = "a=rtpmap:98 T140/1000\n";
        assert!(read(&format!("m=text 5 RTP/AVP 98\n{t140}")).is_some());
        for lines in [
            format!("m=text 0 RTP/AVP 98\n{t140}"),
            format!("m=text 5 UDP/TLS/RTP/SAVP 98\n{t140}"),
            format!("m=text 5 TCP/MSRP 98\n{t140}"),
            format!("m=text 5 RTP/AVP 99\n{t140}"),
            "m=text 5 RTP/AVP 98\na=rtpmap:98 t140/8000\n".to_owned(),
            "m=text 5 RTP/AVP 98\n".to_owned(),
        ] {
            assert_eq!(read(&lines), None, "{lines}");
        }
        // Redundancy of something else is no use.
        let red = "a=rtpmap:100 red/1000\na=fmtp:100 99/99\n";
        let odd = read(&format!("m=text 5 RTP/AVP 100 98\n{t140}{red}a=fmtp:98 cps=0\n"));
        assert_eq!(odd.map(|it| (it.redundant, it.cps)), Some((None, 1)));
    }

    #[test]
    fn our_line_reads_as_we_mean_it() {
        let ours = OurText::offer(20_004, "RTP/AVP", Protected::Plain);
        let description = Description {
            lines: vec![Line::new('c', "IN IP4 192.0.2.1")],
            media: vec![ours.media()],
        };
        let read = text_lines(&parse(&description.to_bytes()).unwrap()).remove(0);
        assert_eq!(OurText::answer(20_004, &read, Protected::Plain), ours);
        assert!(read.mixer && !read.mux);
        assert_eq!(read.rtcp, "192.0.2.1:20005".parse().ok());
    }
}
