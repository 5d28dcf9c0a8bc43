//! A small XML document as a tree, for the forms that describe people, devices and alerts.
//!
//! Tolerant: elements are known by their local names, and a broken document keeps what stood before
//! the break. It never follows a DTD or an entity of the document's own, and never holds more than the
//! bounds below, whatever comes.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

use crate::vocabulary::limits;

/// Elements of one document.
const ELEMENTS: usize = 1_000;
/// Bytes of one element's own text, and of an attribute.
const TEXT: usize = 8 * 1024;
/// Attributes of one element.
const ATTRIBUTES: usize = 16;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Local names and values.
    pub attributes: Vec<(String, String)>,
    /// Its own text, without the space around it.
    pub text: String,
    /// Elements within it, in order.
    pub children: Vec<Self>,
}

/// Why a document could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// No well-formed XML.
    #[error("is no well-formed XML")]
    Malformed,
    /// It brings a document type of its own.
    #[error("has a DTD, which is refused")]
    Dtd,
    /// Elements within elements without end.
    #[error("is nested too deep")]
    Deep,
    /// More elements, bytes or text than anybody needs.
    #[error("is too long")]
    Long,
}

/// Reads a document as far as it goes; and why it went no further.
#[must_use]
pub fn read(bytes: &[u8]) -> (Option<Element>, Option<Broken>) {
    let mut tree = Tree::default();
    let long = bytes.len() > limits::SIP_MESSAGE_BYTES;
    let bounded = bytes.get(..limits::SIP_MESSAGE_BYTES).unwrap_or(bytes);
    let broken = tree.read(&String::from_utf8_lossy(bounded)).err();
    let broken = broken.map(|broken| if long { Broken::Long } else { broken });
    while !tree.open.is_empty() {
        tree.end();
    }
    (tree.root, broken)
}

impl Element {
    /// The first child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name; none where there is none or it is empty.
    #[must_use]
    pub fn said(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Every element of that name, this one counted, in the document's order.
    #[must_use]
    pub fn find(&self, name: &str) -> Vec<&Self> {
        let own = (self.name == name).then_some(self);
        own.into_iter().chain(self.children.iter().flat_map(|child| child.find(name))).collect()
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Tree {
    root: Option<Element>,
    open: Vec<Element>,
    elements: usize,
}

impl Tree {
    fn read(&mut self, text: &str) -> Result<(), Broken> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => self.start(&start)?,
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Text(text)) => self.text(&text.xml10_content())?,
                Ok(Event::CData(text)) => self.text(&text.xml10_content())?,
                Ok(Event::GeneralRef(reference)) => {
                    if let Ok(Some(char)) = reference.resolve_char_ref() {
                        self.text(char.encode_utf8(&mut [0; 4]))?;
                    } else if let Some(text) = resolve_predefined_entity(&reference) {
                        self.text(text)?;
                    } else {
                        return Err(Broken::Malformed);
                    }
                }
                Ok(Event::DocType(_)) => return Err(Broken::Dtd),
                // Empty elements come as a start and an end.
                Ok(Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_)) => {}
                Ok(Event::Eof) if self.open.is_empty() && self.root.is_some() => return Ok(()),
                Ok(Event::Eof) | Err(_) => return Err(Broken::Malformed),
            }
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Broken> {
        if self.open.len() == limits::XML_DEPTH {
            return Err(Broken::Deep);
        }
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err(Broken::Long);
        }
        let attributes = start.attributes().flatten().take(ATTRIBUTES);
        let pair = |a: quick_xml::events::attributes::Attribute<'_>| {
            let name = a.key.local_name().into_inner().to_owned();
            (name, shown(a.value.trim()).chars().take(TEXT).collect())
        };
        self.open.push(Element {
            name: start.local_name().into_inner().to_owned(),
            attributes: attributes.map(pair).collect(),
            ..Element::default()
        });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Broken> {
        let Some(element) = self.open.last_mut() else { return Ok(()) };
        if element.text.len() + text.len() > TEXT {
            return Err(Broken::Long);
        }
        element.text.push_str(&shown(text));
        Ok(())
    }

    fn end(&mut self) {
        let Some(mut element) = self.open.pop() else { return };
        element.text = element.text.trim().to_owned();
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            // A second root is none of the document.
            None if self.root.is_none() => self.root = Some(element),
            None => {}
        }
    }
}

/// Text without control characters but for ends of lines: it is shown to people.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_tree_by_local_names() {
        let (root, broken) = read(
            b"<?xml version='1.0'?><a:x xmlns:a='u' k=' v '> t&amp;<![CDATA[<u>]]> \
              <b/><b lang='id'>&#65;\x07</b><c><b>in</b></c></a:x>",
        );
        let root = root.expect("a root");
        assert_eq!((broken, root.name.as_str(), root.text.as_str()), (None, "x", "t&<u>"));
        assert_eq!(root.attribute("k"), Some("v"));
        assert_eq!(root.find("b").len(), 3);
        assert_eq!((root.said("b"), root.all("b").count()), (None, 2));
        assert_eq!(root.children[1].text, "A");
        assert_eq!(root.children[1].attribute("lang"), Some("id"));
    }

    #[test]
    fn what_is_hostile_or_broken_is_bounded_and_says_so() {
        let deep = "<a>".repeat(100);
        let wide = format!("<a>{}</a>", "<b/>".repeat(5_000));
        let long = format!("<a>{}</a>", "x".repeat(TEXT + 1));
        let huge = format!("<a>{}", "<b>x</b>\n".repeat(100_000));
        for (text, broken) in [
            ("<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", Broken::Dtd),
            ("<a>&e;</a>", Broken::Malformed),
            ("<a><b>", Broken::Malformed),
            ("<a></b>", Broken::Malformed),
            ("", Broken::Malformed),
            ("no XML", Broken::Malformed),
            (&deep, Broken::Deep),
            (&wide, Broken::Long),
            (&long, Broken::Long),
            (&huge, Broken::Long),
        ] {
            assert_eq!(read(text.as_bytes()).1, Some(broken), "{}", &text[..text.len().min(40)]);
        }
        let (root, _) = read(b"<a><b>kept</b><c>cut");
        assert_eq!(
            root.and_then(|root| root.said("b").map(str::to_owned)).as_deref(),
            Some("kept")
        );
    }
}
