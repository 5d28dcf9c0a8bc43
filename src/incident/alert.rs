//! An alert without a call: a message of the Common Alerting Protocol (OASIS CAP 1.2) that came by SIP
//! (RFC 8876), from a post that watches the sea or a sensor in a river.
//!
//! Tolerant in what is not needed to know what is said; an alert that does not say who, when and what is
//! none, and its sender is told why.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::{Arrival, Location};
use super::xml::{self, Broken, Element};
use crate::vocabulary::{CallId, IncidentId, TrunkId};

/// The media type of an alert within SIP (RFC 8876 §4.3), in lower case.
pub const MEDIA_TYPE: &str = "application/emergencycalldata.cap+xml";
/// The purpose of a Call-Info that names an alert.
pub const PURPOSE: &str = "EmergencyCallData.cap";
/// Infos, areas and other lists of one alert.
const MANY: usize = 16;

/// An alert as it came, with the message that brought it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerted {
    /// Its row in the records, beside the calls'.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// Who sent it.
    pub trunk: TrunkId,
    /// Transport and address that it came from.
    pub source: String,
    /// What the SIP message said.
    pub arrival: Arrival,
    /// What the alert says; none of one that came by reference.
    pub alert: Option<Alert>,
}

/// What an alert says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// The sender's own name for it.
    pub identifier: String,
    /// Who says so.
    pub sender: String,
    /// When, as sent.
    pub sent: String,
    /// `Actual`, `Exercise`, `System`, `Test` or `Draft`.
    pub status: String,
    /// `Alert`, `Update`, `Cancel`, `Ack` or `Error`.
    pub msg_type: String,
    /// `Public`, `Restricted` or `Private`.
    pub scope: String,
    /// Earlier alerts that it is about.
    pub references: String,
    /// A note of the sender.
    pub note: String,
    /// What happens, often once in each language.
    pub infos: Vec<AlertInfo>,
}

/// What happens, in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertInfo {
    /// Language tag.
    pub language: String,
    /// `Met`, `Geo`, `Fire`, …
    pub categories: Vec<String>,
    /// What, in a few words.
    pub event: String,
    /// `Immediate`, `Expected`, `Future`, `Past` or `Unknown`.
    pub urgency: String,
    /// `Extreme`, `Severe`, `Moderate`, `Minor` or `Unknown`.
    pub severity: String,
    /// `Observed`, `Likely`, `Possible`, `Unlikely` or `Unknown`.
    pub certainty: String,
    /// A headline.
    pub headline: String,
    /// What, in full.
    pub description: String,
    /// What is to be done.
    pub instruction: String,
    /// Who says so, for people.
    pub sender_name: String,
    /// Whom to ask.
    pub contact: String,
    /// When it begins, as sent.
    pub onset: String,
    /// Until when it holds, as sent.
    pub expires: String,
    /// Values of sensors and the like: name and value.
    pub parameters: Vec<(String, String)>,
    /// Where.
    pub areas: Vec<AlertArea>,
}

/// Where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertArea {
    /// In words.
    pub name: String,
    /// `LATITUDE,LONGITUDE KILOMETRES`, as sent.
    pub circles: Vec<String>,
    /// Pairs of `LATITUDE,LONGITUDE`, as sent.
    pub polygons: Vec<String>,
    /// Codes: the table that they are of, and the code.
    pub codes: Vec<(String, String)>,
}

/// Why an alert is none. The number is that of AlertMsg-Error (RFC 8876 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadAlert {
    /// It can never be read.
    #[error("the alert {0}")]
    Refused(Broken),
    /// There is none in the message.
    #[error("there is no alert in the message: send it as application/EmergencyCallData.cap+xml")]
    Missing,
    /// It does not say what is needed.
    #[error("the alert says nothing in {0}")]
    Incomplete(&'static str),
    /// It is broken.
    #[error("the alert is no well-formed XML")]
    Corrupted,
}

impl BadAlert {
    /// Number and text of AlertMsg-Error.
    #[must_use]
    pub const fn code(&self) -> (u16, &'static str) {
        match self {
            Self::Refused(_) => (100, "Cannot process the alert payload"),
            Self::Missing => (101, "Alert payload was not present or could not be found"),
            Self::Incomplete(_) => {
                (102, "Not enough information to determine the purpose of the alert")
            }
            Self::Corrupted => (103, "Alert payload was corrupted"),
        }
    }
}

/// Reads an alert.
///
/// # Errors
/// [`BadAlert`]: why it is none.
pub fn read(xml: &[u8]) -> Result<Alert, BadAlert> {
    let (root, broken) = xml::read(xml);
    match broken {
        Some(Broken::Malformed) => return Err(BadAlert::Corrupted),
        Some(broken) => return Err(BadAlert::Refused(broken)),
        None => {}
    }
    let root = root.filter(|root| root.name == "alert").ok_or(BadAlert::Incomplete("alert"))?;
    let needed =
        |name: &'static str| root.said(name).map(str::to_owned).ok_or(BadAlert::Incomplete(name));
    Ok(Alert {
        identifier: needed("identifier")?,
        sender: needed("sender")?,
        sent: needed("sent")?,
        status: needed("status")?,
        msg_type: needed("msgType")?,
        scope: said(&root, "scope"),
        references: said(&root, "references"),
        note: said(&root, "note"),
        infos: root.all("info").take(MANY).map(info).collect(),
    })
}

fn info(element: &Element) -> AlertInfo {
    AlertInfo {
        language: said(element, "language"),
        categories: texts(element, "category"),
        event: said(element, "event"),
        urgency: said(element, "urgency"),
        severity: said(element, "severity"),
        certainty: said(element, "certainty"),
        headline: said(element, "headline"),
        description: said(element, "description"),
        instruction: said(element, "instruction"),
        sender_name: said(element, "senderName"),
        contact: said(element, "contact"),
        onset: said(element, "onset"),
        expires: said(element, "expires"),
        parameters: pairs(element, "parameter"),
        areas: element.all("area").take(MANY).map(area).collect(),
    }
}

fn area(element: &Element) -> AlertArea {
    AlertArea {
        name: said(element, "areaDesc"),
        circles: texts(element, "circle"),
        polygons: texts(element, "polygon"),
        codes: pairs(element, "geocode"),
    }
}

fn said(element: &Element, name: &str) -> String {
    element.said(name).unwrap_or_default().to_owned()
}

fn texts(element: &Element, name: &str) -> Vec<String> {
    let texts = element.all(name).map(|child| child.text.clone()).filter(|text| !text.is_empty());
    texts.take(MANY).collect()
}

fn pairs(element: &Element, name: &str) -> Vec<(String, String)> {
    let pair = |child: &Element| (said(child, "valueName"), said(child, "value"));
    element.all(name).take(MANY).map(pair).collect()
}

impl Alert {
    /// The places that it names: each circle with its radius, else the words for the place alone.
    #[must_use]
    pub fn locations(&self) -> Vec<Location> {
        let mut found: Vec<Location> = Vec::new();
        for area in self.infos.iter().flat_map(|info| &info.areas) {
            let civic: Vec<(String, String)> = match area.name.as_str() {
                "" => Vec::new(),
                name => vec![("LMK".to_owned(), name.to_owned())],
            };
            let place = |shape: &str| Location {
                shape: shape.to_owned(),
                civic: civic.clone(),
                timestamp: Some(self.sent.clone()),
                source: PURPOSE.to_owned(),
                ..Location::default()
            };
            let mut here: Vec<Location> = area
                .circles
                .iter()
                .filter_map(|text| circle(text))
                .map(|(latitude, longitude, radius_m)| Location {
                    latitude: Some(latitude),
                    longitude: Some(longitude),
                    radius_m: Some(radius_m),
                    ..place("Circle")
                })
                .collect();
            if here.is_empty() && !civic.is_empty() {
                here.push(place("civic"));
            }
            // The same place is named once in each language.
            for location in here {
                if !found.contains(&location) && found.len() < MANY {
                    found.push(location);
                }
            }
        }
        found
    }

    /// The first thing that it says, for a line: severity, event, place.
    #[must_use]
    pub fn headline(&self) -> String {
        let Some(info) = self.infos.first() else { return self.status.clone() };
        let place = info.areas.first().map(|area| area.name.as_str()).unwrap_or_default();
        let parts = [info.severity.as_str(), info.event.as_str(), place];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    }
}

/// `-5.58,114.43 5` with the radius in kilometres: degrees as sent, and metres.
fn circle(text: &str) -> Option<(String, String, String)> {
    let (point, radius) = text.split_once(char::is_whitespace)?;
    let (latitude, longitude) = point.split_once(',')?;
    let within = |text: &str, most: f64| text.parse::<f64>().is_ok_and(|v| v.abs() <= most);
    let metres = radius.trim().parse::<f64>().ok().filter(|km| (0.0..=20_100.0).contains(km))?;
    let sound = within(latitude, 90.0) && within(longitude, 180.0);
    sound.then(|| {
        (latitude.to_owned(), longitude.to_owned(), format!("{}", (metres * 1000.0).round()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = "<?xml version='1.0'?><alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>\
        <identifier>A-1</identifier><sender>pos@bpbd.example</sender>\
        <sent>2026-09-17T12:12:31+07:00</sent><status>Actual</status><msgType>Alert</msgType>\
        <scope>Private</scope><info><language>id</language><category>Met</category>\
        <event>Gelombang tinggi</event><urgency>Immediate</urgency><severity>Severe</severity>\
        <certainty>Observed</certainty><parameter><valueName>tinggi</valueName><value>4 m</value>\
        </parameter><area><areaDesc>Masalembu</areaDesc><circle>-5.5800,114.4300 5</circle></area>\
        </info></alert>";

    #[test]
    fn an_alert_says_who_when_what_and_where() {
        let alert = read(ALERT.as_bytes()).expect("an alert");
        assert_eq!((&*alert.identifier, &*alert.status), ("A-1", "Actual"));
        let info = &alert.infos[0];
        assert_eq!((&*info.event, &*info.severity), ("Gelombang tinggi", "Severe"));
        assert_eq!(info.categories, ["Met"]);
        assert_eq!(info.parameters, [("tinggi".to_owned(), "4 m".to_owned())]);
        assert_eq!(alert.headline(), "Severe, Gelombang tinggi, Masalembu");
        let place = &alert.locations()[0];
        assert_eq!(place.latitude.as_deref(), Some("-5.5800"));
        assert_eq!(place.radius_m.as_deref(), Some("5000"));
        assert_eq!(place.civic, [("LMK".to_owned(), "Masalembu".to_owned())]);
    }

    #[test]
    fn what_is_no_alert_says_why_with_its_code() {
        let without = |name: &str| {
            let (open, close) = (format!("<{name}>"), format!("</{name}>"));
            ALERT.replace(&open, "<x>").replace(&close, "</x>")
        };
        let dtd = ALERT.replacen("?>", "?><!DOCTYPE alert>", 1);
        for (text, code) in [
            (without("identifier"), 102),
            (without("sender"), 102),
            (without("sent"), 102),
            (without("status"), 102),
            (without("msgType"), 102),
            (ALERT.replace("alert", "warning"), 102),
            (ALERT[..ALERT.len() - 20].to_owned(), 103),
            (String::new(), 103),
            (dtd, 100),
        ] {
            assert_eq!(read(text.as_bytes()).expect_err("none").code().0, code, "{text}");
        }
        let odd = ALERT.replace("-5.5800,114.4300 5", "999,1 5");
        let place = &read(odd.as_bytes()).expect("an alert").locations()[0];
        assert_eq!((&*place.shape, &place.latitude), ("civic", &None));
    }
}
