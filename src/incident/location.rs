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
/// Bytes of the corners of a shape: some hundred.
const CORNERS_TEXT: usize = 8192;
/// Corners of one shape that are kept; RFC 5491 asks for 15 at most.
const CORNERS: usize = 64;
/// Findings of one document.
const FINDINGS: usize = 16;
/// Characters of the sender's text that a finding quotes.
const QUOTE: usize = 64;

const SHAPES: [&str; 8] =
    ["Point", "Circle", "Ellipse", "ArcBand", "Polygon", "Sphere", "Ellipsoid", "Prism"];

/// What shapes are made of beside a position and a radius: in metres, and in degrees
/// (RFC 5491 §5.2).
const LENGTHS: [&str; 6] =
    ["semiMajorAxis", "semiMinorAxis", "verticalAxis", "innerRadius", "outerRadius", "height"];
const ANGLES: [&str; 3] = ["startAngle", "openingAngle", "orientation"];

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
    /// Unit of a length or an angle, as sent.
    unit: Option<String>,
    /// Numbers of one position in a list of them, as sent.
    dimension: Option<String>,
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
    /// The shape's positions have a height as well.
    solid: bool,
    /// How sure the sender is of the shapes of the `location-info` that we are in.
    confidence: Option<u8>,
    /// Locations before this belong to an earlier `location-info`.
    info_from: usize,
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
        let (mut unit, mut dimension) = (None, None);
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
                } else if depth == info + 1 && name != "confidence" {
                    self.finding(format!("location: unknown shape {}", quote(name)));
                }
            }
            Some(_) if name == "posList" => dimension = attribute(start, "srsDimension"),
            Some(_) => unit = attribute(start, "uom"),
        }
        let (name, text) = (name.to_owned(), String::new());
        self.open.push(Element { name, text, cut: false, unit, dimension });
    }

    /// A civic address beside a shape describes the same place (RFC 5491 §3.4).
    fn begin(&mut self, name: &str, srs: Option<&str>) {
        let geodetic = name != "civicAddress";
        if geodetic {
            let solid = matches!(name, "Prism" | "Sphere" | "Ellipsoid");
            self.solid = srs.map_or(solid, |srs| srs.ends_with("4979"));
        }
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
        let most = if element.name == "posList" { CORNERS_TEXT } else { TEXT };
        let room = most.saturating_sub(element.text.len());
        let kept = text.floor_char_boundary(room.min(text.len()));
        let fits = text.get(..kept).unwrap_or_default();
        element.text.extend(fits.chars().map(|c| if c.is_control() { ' ' } else { c }));
        element.cut = kept < text.len();
        if element.cut {
            let name = quote(&element.name);
            self.finding(format!("location: text of {name} is cut after {most} bytes"));
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
            (Some(info), None) if info == depth => self.end_info(),
            (Some(_), None) if element.name == "confidence" => self.confidence(text),
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
        } else if matches!(element.name.as_str(), "pos" | "posList") {
            self.positions(element, text);
        } else if element.name == "radius" && location.radius_m.is_none() {
            let metres = element.unit.as_deref().is_none_or(|unit| unit.ends_with("9001"));
            if metres && is_measure(text) {
                location.radius_m = Some(text.to_owned());
            } else {
                let unit = quote(element.unit.as_deref().unwrap_or("metres"));
                self.finding(format!("location: no radius in metres: {} {unit}", quote(text)));
            }
        } else {
            self.measure(element, text);
        }
    }

    /// Positions: the first is where the shape stands, all of them are its corners where it has some.
    fn positions(&mut self, element: &Element, text: &str) {
        let Some(location) = self.filling.and_then(|index| self.locations.get_mut(index)) else {
            return;
        };
        let numbers: Vec<&str> = text.split_whitespace().collect();
        let list = element.name == "posList";
        let dimension = match element.dimension.as_deref() {
            Some("3") => 3,
            Some("2") => 2,
            _ if list && self.solid => 3,
            _ if list => 2,
            _ => numbers.len().max(1),
        };
        let mut sound = !numbers.is_empty();
        for position in numbers.chunks(dimension) {
            let (Some(latitude), Some(longitude)) = (position.first(), position.get(1)) else {
                sound = false;
                break;
            };
            sound &= degrees(Some(latitude), 90.0) && degrees(Some(longitude), 180.0);
            if location.latitude.is_none() {
                location.latitude = Some((*latitude).to_owned());
                location.longitude = Some((*longitude).to_owned());
                location.altitude_m =
                    position.get(2).filter(|height| is_number(height)).map(|h| (*h).to_owned());
            }
            if matches!(location.shape.as_str(), "Polygon" | "Prism") {
                if location.outline.len() == CORNERS {
                    return self.finding(format!("location: only {CORNERS} corners are kept"));
                }
                location.outline.push(((*latitude).to_owned(), (*longitude).to_owned()));
            }
        }
        if !sound {
            self.finding(format!("location: no latitude and longitude: {}", quote(text)));
        }
    }

    /// A length or an angle of the shape.
    fn measure(&mut self, element: &Element, text: &str) {
        let Some(location) = self.filling.and_then(|index| self.locations.get_mut(index)) else {
            return;
        };
        let (name, unit) = (element.name.as_str(), element.unit.as_deref());
        let known = |code: &str| unit.is_none_or(|unit| unit.ends_with(code));
        let sound = if LENGTHS.contains(&name) {
            known("9001") && is_measure(text)
        } else if ANGLES.contains(&name) {
            known("9102") && is_number(text)
        } else {
            return;
        };
        if !sound {
            let unit = quote(unit.unwrap_or_default());
            return self.finding(format!("location: no {name}: {} {unit}", quote(text)));
        }
        if location.measures.iter().all(|(known, _)| known != name) {
            location.measures.push((name.to_owned(), text.to_owned()));
        }
    }

    /// Per cent, with or without a fraction; `unknown` is allowed (RFC 7459 §5).
    fn confidence(&mut self, text: &str) {
        match text.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => {
                self.confidence = (0..=100_u8).rev().find(|whole| f64::from(*whole) <= percent);
            }
            _ if text == "unknown" => {}
            _ => self.finding(format!("location: no confidence in per cent: {}", quote(text))),
        }
    }

    fn end_info(&mut self) {
        (self.info, self.filling) = (None, None);
        let confidence = self.confidence.take();
        for location in self.locations.iter_mut().skip(self.info_from) {
            location.confidence = confidence;
        }
        self.info_from = self.locations.len();
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
        self.end_info();
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

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A length, which is not negative.
fn is_measure(text: &str) -> bool {
    is_number(text) && !text.starts_with('-')
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
