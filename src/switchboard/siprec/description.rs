//! The description of a recording session (RFC 7866 §7): two lines that only send, one for the caller's
//! voice and one for everybody else's; and two of text in the same order for a recorder that takes any.

use std::net::{IpAddr, SocketAddr};

use crate::call::orders::{Aim, Guard, TextAim};
use crate::sdp::{self, Description, Direction, Line, Media, OurText, Protected};
use crate::vocabulary::Codec;

use super::metadata::LABELS;

/// G.711, which every recorder takes, by its static payload types (RFC 3551).
const CODECS: [(u8, Codec); 2] = [(8, Codec::Pcma), (0, Codec::Pcmu)];

/// Our ports, the caller's first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ports {
    pub audio: [u16; 2],
    /// None: the recorder is offered no text.
    pub text: Option<[u16; 2]>,
}

/// Our offer: the same at each repetition of the session.
pub(super) fn offer(session: u64, address: IpAddr, ports: Ports) -> Vec<u8> {
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    let texts = ports.text.into_iter().flatten().zip(LABELS.into_iter().skip(2));
    let texts = texts.map(|(port, label)| {
        let line = OurText::offer(port, "RTP/AVP", Protected::Plain);
        OurText { direction: Direction::SendOnly, label: Some(label), ..line }.media()
    });
    let media = ports.audio.into_iter().zip(LABELS).map(|(port, label)| {
        let mut lines: Vec<Line> = CODECS
            .iter()
            .map(|(payload, codec)| Line::new('a', format!("rtpmap:{payload} {codec}/8000")))
            .collect();
        lines.extend(["ptime:20", "sendonly"].map(|text| Line::new('a', text)));
        lines.push(Line::new('a', format!("label:{label}")));
        let formats = CODECS.iter().map(|(payload, _)| payload.to_string()).collect();
        Media { kind: "audio".into(), port, protocol: "RTP/AVP".into(), formats, lines }
    });
    Description {
        lines: vec![
            Line::new('o', format!("siaga112 {session} 1 IN {family} {address}")),
            Line::new('s', "-"),
            Line::new('c', format!("IN {family} {address}")),
            Line::new('t', "0 0"),
        ],
        media: media.chain(texts).collect(),
    }
    .to_bytes()
}

/// Where each line goes by the recorder's description; none for a line that it refused or that names
/// no place. A recorder that does not receive now is sent nothing.
pub(super) fn aims(description: &Description) -> [Option<Aim>; 2] {
    let aim = |line: usize| {
        let media = description.media.get(line)?;
        let payload = media.formats.first()?.parse::<u8>().ok()?;
        let (_, codec) = *CODECS.iter().find(|(known, _)| *known == payload)?;
        let connection = media.lines.iter().find(|line| line.kind == 'c');
        let connection = connection.map(|line| line.value.as_str());
        let connection = connection.or_else(|| description.value('c'))?;
        let host = connection.split_ascii_whitespace().nth(2)?.split('/').next()?;
        let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        let closed = media.port == 0 || address.is_unspecified();
        let stopped = ["inactive", "sendonly"];
        let stopped = stopped.into_iter().any(|word| {
            media.lines.iter().chain(&description.lines).any(|l| l.kind == 'a' && l.value == word)
        });
        (!closed).then(|| Aim {
            rtp: SocketAddr::new(address, media.port),
            rtcp: SocketAddr::new(address, media.port.saturating_add(1)),
            codec,
            audio: payload,
            events: None,
            send: !stopped,
            receive: false,
            mux: false,
            guard: Guard::Plain,
            ice: None,
            text: text_aim(description, line + 2).map(Box::new),
        })
    };
    [aim(0), aim(1)]
}

/// Where a line of text goes; none where the recorder takes none.
fn text_aim(description: &Description, line: usize) -> Option<TextAim> {
    let text = sdp::text_lines(description).into_iter().find(|text| text.line == line)?;
    let (rtp, plain) = (text.rtp?, text.profile == sdp::Profile::Plain);
    plain.then(|| TextAim {
        rtp,
        rtcp: text.rtcp.unwrap_or(rtp),
        mux: text.mux,
        guard: Guard::Plain,
        mixer: text.mixer,
        text: text.text,
        redundant: text.redundant,
        cps: text.cps,
        send: text.direction.receives(),
        receive: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::parse;

    #[test]
    fn a_recorder_s_answer_says_where_each_voice_goes() {
        let read = |text: &str| aims(&parse(text.as_bytes()).expect("reads"));
        let [caller, others] = read(
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0 8\na=recvonly\n\
             m=audio 4002 RTP/AVP 8\nc=IN IP6 2001:db8::9\na=inactive\n",
        );
        let caller = caller.expect("a place");
        assert_eq!((caller.rtp.to_string(), caller.codec), ("192.0.2.9:4000".into(), Codec::Pcmu));
        let others = others.expect("a place");
        assert_eq!(others.rtp.to_string(), "[2001:db8::9]:4002");
        assert!(caller.send && !others.send);
        assert_eq!(
            read("c=IN IP4 192.0.2.9\nm=audio 0 RTP/AVP 8\nm=audio 4 RTP/AVP 18\n"),
            [None, None]
        );
        assert_eq!(read("s=-\n"), [None, None]);
    }

    #[test]
    fn our_offer_has_labelled_lines_that_only_send() {
        let text = offer(
            7,
            "203.0.113.10".parse().expect("an address"),
            Ports { audio: [20_000, 20_002], text: Some([20_004, 20_006]) },
        );
        let read = parse(&text).expect("reads");
        let labels: Vec<Option<&str>> =
            read.media.iter().map(|media| read.attribute(media, "label")).collect();
        assert_eq!(labels, [Some("1"), Some("2"), Some("3"), Some("4")]);
        let ports = read.media.iter().map(|media| (media.kind.as_str(), media.port));
        let all = [("audio", 20_000), ("audio", 20_002), ("text", 20_004), ("text", 20_006)];
        assert!(ports.eq(all));
        assert!(read.media.iter().all(|media| read.attribute(media, "sendonly").is_some()));
    }
}
