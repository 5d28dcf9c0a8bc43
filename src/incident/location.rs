//! Locations by value out of a PIDF-LO (RFC 4119, shapes RFC 5491, civic RFC 5139).
//!
//! Tolerant: elements are known by their local names, and a broken document keeps what stood
//! complete before the break. It never follows a DTD or an entity of the document's own, and
//! never answers more than the bounds below, whatever comes.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::record::Location;
use crate::vocabulary::limits;

/// Locations of one document; networks send one or two.
const LOCATIONS: usize = 16;
/// Civic elements of one location; RFC 5139 and RFC 6848 know under 50.
const CIVIC: usize = 64;
/// Bytes of one element's text.
const TEXT: usize = 1024;
/// Findings of one document.
const FINDINGS: usize = 16;
/// Characters of the sender's text that a finding quotes.
const QUOTE: usize = 64;

const SHAPES: [&str; 8] =
    ["Point", "Circle", "Ellipse", "ArcBand", "Polygon", "Sphere", "Ellipsoid", "Prism"];

/// Reads a PIDF-LO. The locations keep the document's order, but that the first usable one leads;
/// `source` says where the document came from. The findings say what was odd, in English.
#[must_use]
pub fn pidf_lo(xml: &[u8], source: &str) -> (Vec<Location>, Vec<String>) {
    let mut document = Document { source, ..Document::default() };
    let bounded = xml.get(..limits::SIP_MESSAGE_BYTES).unwrap_or(xml);
    if bounded.len() < xml.len() {
        document.finding(format!("location: cut after {} bytes", bounded.len()));
    }
    let text = String::from_utf8_lossy(bounded);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        document.finding("location: not UTF-8".to_owned());
    }
    document.read(&text);
    document.finish()
}

/// The location says where: a civic address, or a place on the globe.
fn usable(location: &Location) -> bool {
    !location.civic.is_empty()
        || (degrees(location.latitude.as_deref(), 90.0)
            && degrees(location.longitude.as_deref(), 180.0))
}

fn degrees(text: Option<&str>, most: f64) -> bool {
    text.and_then(|text| text.parse::<f64>().ok()).is_some_and(|value| value.abs() <= most)
}

fn quote(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTE).collect()
}

/// An element that is open.
struct Element {
    name: String,
    text: String,
    /// The text was longer than its bound; nothing more is added.
    cut: bool,
    /// Unit of a radius, as sent.
    unit: Option<String>,
}

/// What is known while reading.
#[derive(Default)]
struct Document<'a> {
    source: &'a str,
    open: Vec<Element>,
    locations: Vec<Location>,
    findings: Vec<String>,
    /// Number of open elements at the `location-info` that we are in, itself counted.
    info: Option<usize>,
    /// The same for the shape or civic address that we are in.
    part: Option<usize>,
    /// The location that the open part fills in; none where it is one too many.
    filling: Option<usize>,
    /// Locations before these belong to an earlier geopriv, or to an earlier tuple.
    geopriv_from: usize,
    tuple_from: usize,
    method: Option<String>,
    timestamp: Option<String>,
}

impl Document<'_> {
    fn finding(&mut self, text: String) {
        if self.findings.len() < FINDINGS && !self.findings.contains(&text) {
            self.findings.push(text);
        }
    }

    fn read(&mut self, xml: &str) {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) if self.open.len() < limits::XML_DEPTH => {
                    self.start(&start);
                }
                Ok(Event::Start(_)) => {
                    return self.finding("location: XML is nested too deep".to_owned());
                }
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Text(text)) => self.text(&text.xml10_content()),
                Ok(Event::CData(text)) => self.text(&text.xml10_content()),
                Ok(Event::GeneralRef(reference)) => self.reference(&reference),
                Ok(Event::DocType(_)) => {
                    return self.finding("location: XML with a DTD is refused".to_owned());
                }
                // Empty elements come as a start and an end.
                Ok(Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_)) => {}
                Ok(Event::Eof) => break,
                Err(error) => {
                    let position = reader.error_position();
                    let error = quote(&error.to_string());
                    return self
                        .finding(format!("location: XML is broken at byte {position}: {error}"));
                }
            }
        }
        if let Some(name) = self.open.last().map(|element| quote(&element.name)) {
            self.finding(format!("location: XML ends within {name}"));
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) {
        let name = start.local_name().into_inner();
        let depth = self.open.len() + 1;
        let mut unit = None;
        match self.info {
            None if name == "location-info" => {
                self.info = Some(depth);
                self.filling = None;
            }
            None => {}
            Some(info) if self.part.is_none() => {
                if name == "civicAddress" || SHAPES.contains(&name) {
                    self.part = Some(depth);
                    self.begin(name, attribute(start, "srsName").as_deref());
                } else if depth == info + 1 {
                    self.finding(format!("location: unknown shape {}", quote(name)));
                }
            }
            Some(_) if name == "radius" => unit = attribute(start, "uom"),
            Some(_) => {}
        }
        self.open.push(Element { name: name.to_owned(), text: String::new(), cut: false, unit });
    }

    /// A civic address beside a shape describes the same place (RFC 5491 §3.4).
    fn begin(&mut self, name: &str, srs: Option<&str>) {
        let geodetic = name != "civicAddress";
        if let Some(srs) = srs.filter(|srs| !srs.ends_with("4326") && !srs.ends_with("4979")) {
            self.finding(format!("location: {} is not WGS 84, taken as such", quote(srs)));
        }
        let here = self.filling.and_then(|index| self.locations.get_mut(index));
        if let Some(location) = here.filter(|location| {
            if geodetic { location.shape == "civic" } else { location.civic.is_empty() }
        }) {
            if geodetic {
                name.clone_into(&mut location.shape);
            }
            return;
        }
        if self.locations.len() == LOCATIONS {
            self.filling = None;
            return self.finding(format!("location: only {LOCATIONS} locations are kept"));
        }
        self.filling = Some(self.locations.len());
        self.locations.push(Location {
            shape: if geodetic { name } else { "civic" }.to_owned(),
            source: self.source.to_owned(),
            ..Location::default()
        });
    }

    fn text(&mut self, text: &str) {
        let Some(element) = self.open.last_mut().filter(|element| !element.cut) else { return };
        let room = TEXT.saturating_sub(element.text.len());
        let kept = text.floor_char_boundary(room.min(text.len()));
        let fits = text.get(..kept).unwrap_or_default();
        element.text.extend(fits.chars().map(|c| if c.is_control() { ' ' } else { c }));
        element.cut = kept < text.len();
        // Of a polygon's many positions only the first is kept anyway.
        if element.cut && element.name != "posList" {
            let name = quote(&element.name);
            self.finding(format!("location: text of {name} is cut after {TEXT} bytes"));
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        if let Ok(Some(char)) = reference.resolve_char_ref() {
            self.text(char.encode_utf8(&mut [0; 4]));
        } else if let Some(text) = resolve_predefined_entity(reference) {
            self.text(text);
        } else {
            self.finding(format!("location: unknown entity {}", quote(reference)));
        }
    }

    fn end(&mut self) {
        let depth = self.open.len();
        let Some(element) = self.open.pop() else { return };
        let text = element.text.trim();
        match (self.info, self.part) {
            (Some(_), Some(part)) if part == depth => self.part = None,
            (Some(_), Some(part)) => self.detail(&element, text, depth == part + 1),
            (Some(info), None) if info == depth => {
                self.info = None;
                self.filling = None;
            }
            (Some(_), None) => {}
            (None, _) => match element.name.as_str() {
                "method" if !text.is_empty() => self.method = Some(text.to_owned()),
                "timestamp" if !text.is_empty() => self.timestamp = Some(text.to_owned()),
                "geopriv" => self.end_geopriv(),
                "tuple" | "device" | "person" => self.end_tuple(),
                _ => {}
            },
        }
    }

    /// An element within a shape or a civic address has closed.
    fn detail(&mut self, element: &Element, text: &str, child: bool) {
        let Some(location) = self.filling.and_then(|index| self.locations.get_mut(index)) else {
            return;
        };
        let civic = self
            .part
            .and_then(|part| self.open.get(part.saturating_sub(1)))
            .is_some_and(|part| part.name == "civicAddress");
        if civic {
            if !child || text.is_empty() {
                return;
            }
            if location.civic.len() == CIVIC {
                return self.finding(format!("location: only {CIVIC} civic elements are kept"));
            }
            location.civic.push((quote(&element.name), text.to_owned()));
        } else if matches!(element.name.as_str(), "pos" | "posList") && location.latitude.is_none()
        {
            let mut numbers = text.split_whitespace().map(str::to_owned);
            if let (Some(latitude), Some(longitude)) = (numbers.next(), numbers.next()) {
                let sound = degrees(Some(&latitude), 90.0) && degrees(Some(&longitude), 180.0);
                location.latitude = Some(latitude);
                location.longitude = Some(longitude);
                if sound {
                    return;
                }
            }
            self.finding(format!("location: no latitude and longitude: {}", quote(text)));
        } else if element.name == "radius" && location.radius_m.is_none() {
            let metres = element.unit.as_deref().is_none_or(|unit| unit.ends_with("9001"));
            if metres && text.parse::<f64>().is_ok_and(|r| r.is_finite() && r >= 0.0) {
                location.radius_m = Some(text.to_owned());
            } else {
                let unit = quote(element.unit.as_deref().unwrap_or("metres"));
                self.finding(format!("location: no radius in metres: {} {unit}", quote(text)));
            }
        }
    }

    fn end_geopriv(&mut self) {
        let method = self.method.take();
        for location in self.locations.iter_mut().skip(self.geopriv_from) {
            location.method.clone_from(&method);
        }
        self.geopriv_from = self.locations.len();
    }

    fn end_tuple(&mut self) {
        let timestamp = self.timestamp.take();
        for location in self.locations.iter_mut().skip(self.tuple_from) {
            location.timestamp.clone_from(&timestamp);
        }
        self.tuple_from = self.locations.len();
    }

    fn finish(mut self) -> (Vec<Location>, Vec<String>) {
        self.end_geopriv();
        self.end_tuple();
        let all = self.locations.len();
        self.locations.retain(|found| found.latitude.is_some() || !found.civic.is_empty());
        if self.locations.is_empty() {
            self.finding("location: the PIDF-LO names no place".to_owned());
        } else if self.locations.len() < all {
            self.finding("location: a shape without coordinates is left out".to_owned());
        }
        if let Some(first) = self.locations.iter().position(usable)
            && let Some(front) = self.locations.get_mut(..=first)
        {
            front.rotate_right(1);
        }
        (self.locations, self.findings)
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.local_name().into_inner() == name)
        .map(|attribute| attribute.value.trim().to_owned())
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;
