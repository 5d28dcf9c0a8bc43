//! The value, its tolerant reader and its strict writer.

use thiserror::Error;

use crate::vocabulary::limits;

/// Why a text is no description that anything could be done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Not one line of the form `x=…`.
    #[error("no line of the form x=value")]
    NoLines,
    /// More lines or media lines than any description needs.
    #[error("more than {} lines or {} media lines", limits::SDP_LINES, limits::SDP_MEDIA_LINES)]
    TooLong,
}

/// One line: its type letter and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The letter before `=`.
    pub kind: char,
    /// What follows.
    pub value: String,
}

impl Line {
    /// A line.
    #[must_use]
    pub fn new(kind: char, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }
}

/// One media line and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Media {
    /// `audio`, `text`, `video`, …
    pub kind: String,
    /// Port; 0 means refused.
    pub port: u16,
    /// `RTP/AVP`, …
    pub protocol: String,
    /// Formats: payload types for RTP.
    pub formats: Vec<String>,
    /// The lines below it, in order.
    pub lines: Vec<Line>,
}

/// A session description.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Description {
    /// Session lines in order, without `v=`.
    pub lines: Vec<Line>,
    /// Media lines in order.
    pub media: Vec<Media>,
}

impl Description {
    /// The value of the first session line of a kind.
    #[must_use]
    pub fn value(&self, kind: char) -> Option<&str> {
        first(&self.lines, kind)
    }

    /// The value of an attribute of a media line, or of the session where it has none.
    #[must_use]
    pub fn attribute<'a>(&'a self, media: &'a Media, name: &str) -> Option<&'a str> {
        attributes(&media.lines, name).next().or_else(|| attributes(&self.lines, name).next())
    }

    /// The text on the wire. What a description must have and this one lacks is added
    /// (RFC 8866 §5: `v=`, `o=`, `s=`, `t=`).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::from("v=0\r\n");
        let mut put = |kind: char, value: &str| {
            text.push(kind);
            text.push('=');
            // A value never breaks out of its line.
            text.extend(
                value.chars().map(|c| if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c }),
            );
            text.push_str("\r\n");
        };
        put('o', self.value('o').unwrap_or("- 0 0 IN IP4 0.0.0.0"));
        put('s', self.value('s').filter(|s| !s.is_empty()).unwrap_or("-"));
        for kind in ['i', 'u', 'e', 'p', 'c', 'b'] {
            self.lines.iter().filter(|l| l.kind == kind).for_each(|l| put(kind, &l.value));
        }
        put('t', self.value('t').unwrap_or("0 0"));
        let placed =
            |l: &&Line| matches!(l.kind, 'v' | 'o' | 's' | 'i' | 'u' | 'e' | 'p' | 'c' | 'b' | 't');
        self.lines.iter().filter(|l| !placed(l)).for_each(|l| put(l.kind, &l.value));
        for media in &self.media {
            let Media { kind, port, protocol, formats, .. } = media;
            put(
                'm',
                format!("{kind} {port} {protocol} {}", formats.join(" ")).trim_end_matches(' '),
            );
            media.lines.iter().for_each(|l| put(l.kind, &l.value));
        }
        text.into_bytes()
    }
}

fn first(lines: &[Line], kind: char) -> Option<&str> {
    lines.iter().find(|l| l.kind == kind).map(|l| l.value.as_str())
}

/// The connection line of a media line or of its session.
pub(super) fn connection<'a>(description: &'a Description, media: &'a Media) -> Option<&'a str> {
    first(&media.lines, 'c').or_else(|| description.value('c'))
}

/// The values of an attribute among lines; a flag has the empty value.
pub(super) fn attributes<'a>(lines: &'a [Line], name: &str) -> impl Iterator<Item = &'a str> {
    lines.iter().filter(|l| l.kind == 'a').filter_map(move |l| {
        let (key, value) = l.value.split_once(':').unwrap_or((&l.value, ""));
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Reads a description. Line ends may be bare, lines may be missing or unknown, bytes may be no
/// UTF-8; a line that is none is left out.
///
/// # Errors
/// [`ParseError`] when nothing could be done with it.
pub fn parse(text: &[u8]) -> Result<Description, ParseError> {
    // No byte of a description is zero (RFC 8866 §9): one that is parts words like a blank.
    let text = String::from_utf8_lossy(text).replace('\0', " ");
    let mut description = Description::default();
    let mut lines = 0;
    for line in text.split(['\r', '\n']).map(str::trim_ascii) {
        let mut chars = line.chars();
        let (Some(kind), Some('=')) = (chars.next(), chars.next()) else { continue };
        lines += 1;
        if lines > limits::SDP_LINES || description.media.len() > limits::SDP_MEDIA_LINES {
            return Err(ParseError::TooLong);
        }
        let value = chars.as_str().trim_ascii();
        match (kind.to_ascii_lowercase(), description.media.last_mut()) {
            ('v', None) => {}
            ('m', _) => description.media.extend(media(value)),
            (kind, Some(media)) => media.lines.push(Line::new(kind, value)),
            (kind, None) => description.lines.push(Line::new(kind, value)),
        }
    }
    if lines == 0 { Err(ParseError::NoLines) } else { Ok(description) }
}

fn media(value: &str) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next()?.to_ascii_lowercase();
    // `49170/2` names several ports; the first one is ours.
    let port = words.next()?.split('/').next()?.parse().unwrap_or(0);
    let protocol = words.next()?.to_owned();
    Some(Media { kind, port, protocol, formats: words.map(str::to_owned).collect(), lines: vec![] })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_poor_description_is_read_and_written_whole() {
        let read =
            parse(b"o=- 1 1 IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\nx=odd\na=sendrecv ").unwrap();
        assert_eq!(read.media[0].lines, [Line::new('x', "odd"), Line::new('a', "sendrecv")]);
        let text = String::from_utf8(read.to_bytes()).unwrap();
        assert_eq!(
            text,
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\nx=odd\r\na=sendrecv\r\n"
        );
    }

    #[test]
    fn nothing_useful_is_an_error() {
        assert_eq!(parse(b""), Err(ParseError::NoLines));
        assert_eq!(parse(b"hello\r\n"), Err(ParseError::NoLines));
        assert_eq!(parse("m=a 1 x 1\n".repeat(500).as_bytes()), Err(ParseError::TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(description) = parse(&bytes) {
                let again = parse(&description.to_bytes()).unwrap();
                prop_assert_eq!(parse(&again.to_bytes()).unwrap(), again);
            }
        }

        #[test]
        fn what_is_written_reads_back_the_same(
            port in any::<u16>(),
            formats in proptest::collection::vec(0u8..128, 1..6),
            name in "[a-z]{1,8}",
            value in "[ -~]{0,20}",
        ) {
            let mut description = Description {
                lines: vec![Line::new('o', "- 1 2 IN IP4 192.0.2.1"), Line::new('s', "-"), Line::new('t', "0 0")],
                media: vec![],
            };
            description.media.push(Media {
                kind: "audio".into(),
                port,
                protocol: "RTP/AVP".into(),
                formats: formats.iter().map(ToString::to_string).collect(),
                lines: vec![Line::new('a', format!("{name}:{}", value.trim()).trim())],
            });
            prop_assert_eq!(parse(&description.to_bytes()).unwrap(), description);
        }
    }
}
