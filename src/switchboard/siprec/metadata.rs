//! What an outside recorder is told of a call: recording metadata (RFC 7865), always whole
//! (`complete`), never a part. Pure text; no call is known here.

use std::fmt::Write;

use crate::vocabulary::WallTime;

/// An identifier of the metadata: 128 random bits (RFC 7865 §6.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub u128);

impl Id {
    /// Of two random numbers: a UUID of version 4 (RFC 9562 §5.4).
    pub fn random(high: u64, low: u64) -> Self {
        let bits = u128::from(high) << 64 | u128::from(low);
        let bits = bits & !(0xf << 76) | 4 << 76;
        Self(bits & !(3 << 62) | 2 << 62)
    }

    /// As the schema writes it, `xs:base64Binary`.
    fn text(self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(self.0.to_be_bytes())
    }
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub id: Id,
    /// Address of record.
    pub aor: String,
    /// Display name.
    pub name: Option<String>,
    /// Which of the two streams has this voice; all hear the other one as well.
    pub stream: usize,
    /// Since when.
    pub joined: WallTime,
    /// Until when, of somebody who has left.
    pub left: Option<WallTime>,
}

/// One recorded call.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub id: Id,
    pub group: Id,
    /// As many as there are lines: those of audio, and those of text.
    pub streams: &'a [Id],
    /// The SIP Call-ID of the caller's leg.
    pub call_id: &'a str,
    pub began: WallTime,
    pub people: &'a [Person],
}

/// The labels of the media lines (RFC 4574): the caller's voice, and everybody else's; what the caller
/// writes, and what everybody else does.
pub(super) const LABELS: [&str; 4] = ["1", "2", "3", "4"];

impl Session<'_> {
    /// The document.
    pub fn document(&self) -> String {
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\r\n\
             <datamode>complete</datamode>\r\n",
        );
        let (session, group, began) = (self.id.text(), self.group.text(), time(self.began));
        // Writing to a string cannot fail.
        let mut put = |line: std::fmt::Arguments<'_>| {
            let _ = xml.write_fmt(line);
            xml.push_str("\r\n");
        };
        put(format_args!(
            "<group group_id=\"{group}\"><associate-time>{began}</associate-time></group>"
        ));
        put(format_args!(
            "<session session_id=\"{session}\"><sipSessionID>{}</sipSessionID>\
             <group-ref>{group}</group-ref><start-time>{began}</start-time></session>",
            escaped(self.call_id)
        ));
        for person in self.people {
            let name = person.name.as_deref().map_or(String::new(), |name| {
                format!("<name xml:lang=\"id\">{}</name>", escaped(name))
            });
            put(format_args!(
                "<participant participant_id=\"{}\"><nameID aor=\"{}\">{name}</nameID>\
                 </participant>",
                person.id.text(),
                escaped(&person.aor)
            ));
        }
        for (stream, label) in self.streams.iter().zip(LABELS) {
            put(format_args!(
                "<stream stream_id=\"{}\" session_id=\"{session}\"><label>{label}</label></stream>",
                stream.text()
            ));
        }
        put(format_args!(
            "<sessionrecordingassoc session_id=\"{session}\"><associate-time>{began}\
             </associate-time></sessionrecordingassoc>"
        ));
        for person in self.people {
            let times = times(person);
            put(format_args!(
                "<participantsessionassoc participant_id=\"{}\" session_id=\"{session}\">{times}\
                 </participantsessionassoc>",
                person.id.text()
            ));
        }
        for person in self.people.iter().filter(|person| person.left.is_none()) {
            let streams: Vec<String> = self.streams.iter().map(|stream| stream.text()).collect();
            let own = streams.iter().skip(person.stream).step_by(2);
            let own: String = own.map(|stream| format!("<send>{stream}</send>")).collect();
            let heard: String =
                streams.iter().map(|stream| format!("<recv>{stream}</recv>")).collect();
            put(format_args!(
                "<participantstreamassoc participant_id=\"{}\">{own}{heard}\
                 <associate-time>{}</associate-time></participantstreamassoc>",
                person.id.text(),
                time(person.joined)
            ));
        }
        xml.push_str("</recording>\r\n");
        xml
    }
}

fn times(person: &Person) -> String {
    let left = person.left.map_or(String::new(), |left| {
        format!("<disassociate-time>{}</disassociate-time>", time(left))
    });
    format!("<associate-time>{}</associate-time>{left}", time(person.joined))
}

/// `xs:dateTime`, UTC.
fn time(at: WallTime) -> String {
    at.to_rfc3339()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && !matches!(c, '\t') => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_everybody_once_and_nothing_breaks_out_of_it() {
        let person = |n: u128, stream, left| Person {
            id: Id(n),
            aor: format!("sip:p{n}@112.example"),
            name: Some("<b>\"Ali & \u{1}Co\"".to_owned()),
            stream,
            joined: WallTime(1_789_621_951_204_000),
            left,
        };
        let people = [person(1, 0, None), person(2, 1, None), person(3, 1, Some(WallTime(5)))];
        let session = Session {
            id: Id(9),
            group: Id(8),
            streams: &[Id(10), Id(11)],
            call_id: "a<b@c",
            began: WallTime(1_789_621_951_204_000),
            people: &people,
        };
        let xml = session.document();
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut seen = std::collections::BTreeMap::<String, usize>::new();
        loop {
            match reader.read_event().expect("well-formed") {
                quick_xml::events::Event::Start(tag) => {
                    *seen.entry(tag.name().0.to_owned()).or_default() += 1;
                }
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        for (tag, times) in [
            ("participant", 3),
            ("stream", 2),
            ("participantsessionassoc", 3),
            ("participantstreamassoc", 2),
            ("disassociate-time", 1),
        ] {
            assert_eq!(seen.get(tag), Some(&times), "{tag}");
        }
        assert!(xml.contains("&lt;b&gt;&quot;Ali &amp;  Co&quot;"), "{xml}");
    }

    #[test]
    fn identifiers_are_uuids_in_base64() {
        let id = Id::random(u64::MAX, u64::MAX);
        assert_eq!(format!("{:032x}", id.0), "ffffffffffff4fffbfffffffffffffff");
        assert_eq!(id.text().len(), 24);
    }
}
