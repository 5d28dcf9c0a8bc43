//! Advanced Mobile Location (ETSI TS 103 625): what a phone sends by itself when somebody calls 112, by SMS
//! or by HTTPS.
//!
//! Tolerant: every field is optional, and what is odd is kept with a finding. It never takes a place that
//! is none for one.

use super::record::Location;
use super::report::{Device, How, Report};
use crate::vocabulary::{Private, WallTime};

/// What every such SMS begins with.
const BEGIN: &str = "A\"ML=";
/// Characters of a message that are read; an SMS of four parts has 612.
const MESSAGE: usize = 2048;
/// Fields beyond those that we know which are kept.
const OTHERS: usize = 32;
/// Characters of one value.
const VALUE: usize = 128;
/// Findings of one report.
const FINDINGS: usize = 16;

/// Whether a text is such an SMS at all.
#[must_use]
pub fn is_sms(text: &str) -> bool {
    text.trim_start().get(..BEGIN.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(BEGIN))
}

/// Reads the SMS of a phone: its text, and who sent it.
#[must_use]
pub fn sms(text: &str, sender: &str) -> Report {
    let mut reading = Reading::of(How::AmlSms, text);
    let text = reading.bounded(text).trim().to_owned();
    if !is_sms(&text) {
        reading.finding("AML: the text does not begin with A\"ML=".to_owned());
    }
    for field in text.trim_start_matches("A\"").split(';') {
        let (key, value) = field.split_once('=').unwrap_or((field, ""));
        let (key, value) = (key.trim(), value.trim());
        match key {
            "" => {}
            "ML" => reading.other("version", value),
            "lt" => reading.latitude = degrees(value, 90.0),
            "lg" => reading.longitude = degrees(value, 180.0),
            "rd" => reading.radius(value),
            "top" => reading.found_at(calendar(value), value),
            "lc" => reading.confidence(value, 1.0),
            "pm" => reading.method(match value {
                "G" | "g" => "GPS",
                "W" | "w" => "802.11",
                "C" | "c" => "Cell",
                "N" | "n" => "none",
                other => other,
            }),
            "si" => reading.device.imsi = private(value),
            "ei" => reading.device.imei = private(value),
            "mcc" => reading.mcc = value.to_owned(),
            "mnc" => reading.mnc = value.to_owned(),
            "ml" => {
                let length = text.len();
                if value.parse() != Ok(length) {
                    let value = shown(value);
                    reading.finding(format!("AML: {length} bytes came, not {value}"));
                }
            }
            key => reading.other(key, value),
        }
    }
    reading.report(sender)
}

/// Reads what a phone has posted: its form keys, decoded.
#[must_use]
pub fn https(fields: &[(String, String)]) -> Report {
    let mut reading = Reading::of(How::AmlHttps, "");
    let mut number = String::new();
    for (key, value) in fields {
        let trimmed = reading.bounded(value).trim().to_owned();
        let value = trimmed.as_str();
        match key.as_str() {
            "location_latitude" => reading.latitude = degrees(value, 90.0),
            "location_longitude" => reading.longitude = degrees(value, 180.0),
            "location_accuracy" => reading.radius(value),
            "location_time" => reading.found_at(millis(value), value),
            "location_altitude" => reading.altitude = measure(value),
            "location_confidence" => reading.confidence(value, 100.0),
            "location_certainty" => reading.confidence(value, 1.0),
            "location_source" => reading.method(match value.to_ascii_lowercase().as_str() {
                "gps" | "gnss" => "GPS",
                "wifi" | "wi-fi" | "wlan" => "802.11",
                "cell" => "Cell",
                "" | "none" => "none",
                _ => value,
            }),
            "time" => reading.call_began = millis(value),
            // A plus sign that was not escaped has become a space.
            "device_number" => {
                let plus = key_is_plus(fields, key);
                number = format!("{}{value}", if plus { "+" } else { "" });
            }
            "device_imei" => reading.device.imei = private(value),
            "device_imsi" => reading.device.imsi = private(value),
            "device_model" => reading.device.model = text(value),
            "device_languages" => reading.device.languages = text(value),
            "cell_network_mcc" => reading.mcc = value.to_owned(),
            "cell_network_mnc" => reading.mnc = value.to_owned(),
            // It has done its work.
            "hmac" => {}
            key => reading.other(key, value),
        }
    }
    reading.report(&number)
}

fn key_is_plus(fields: &[(String, String)], wanted: &str) -> bool {
    fields.iter().any(|(key, value)| {
        key == wanted
            && value.strip_prefix(' ').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// What is known while reading.
#[derive(Default)]
struct Reading {
    how: How,
    latitude: Option<String>,
    longitude: Option<String>,
    radius: Option<String>,
    altitude: Option<String>,
    confidence: Option<u8>,
    method: Option<String>,
    found_at: Option<String>,
    call_began: Option<WallTime>,
    mcc: String,
    mnc: String,
    device: Device,
    findings: Vec<String>,
}

impl Reading {
    fn of(how: How, text: &str) -> Self {
        let mut reading = Self { how, ..Self::default() };
        if text.chars().nth(MESSAGE).is_some() {
            reading.finding(format!("AML: cut after {MESSAGE} characters"));
        }
        reading
    }

    fn bounded<'t>(&self, text: &'t str) -> &'t str {
        let most = if self.how == How::AmlSms { MESSAGE } else { VALUE };
        let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
        text.get(..end).unwrap_or_default()
    }

    fn finding(&mut self, text: String) {
        if self.findings.len() < FINDINGS && !self.findings.contains(&text) {
            self.findings.push(text);
        }
    }

    fn other(&mut self, key: &str, value: &str) {
        if self.device.other.len() < OTHERS && !value.is_empty() {
            self.device.other.push((shown(key), shown(value)));
        }
    }

    fn radius(&mut self, value: &str) {
        self.radius = measure(value);
        if self.radius.is_none() && !matches!(value, "" | "N" | "n") {
            self.finding(format!("AML: no radius in metres: {}", shown(value)));
        }
    }

    fn found_at(&mut self, time: Option<WallTime>, value: &str) {
        self.found_at = time.map(WallTime::to_rfc3339);
        if time.is_none() && !value.is_empty() {
            self.finding(format!("AML: no time: {}", shown(value)));
        }
    }

    /// `times`: what makes per cent of it.
    fn confidence(&mut self, value: &str, times: f64) {
        let percent = value.parse::<f64>().ok().map(|part| part * times);
        match percent.filter(|percent| (0.0..=100.0).contains(percent)) {
            Some(percent) => {
                self.confidence = (0..=100_u8).rev().find(|whole| f64::from(*whole) <= percent);
            }
            None if value.is_empty() => {}
            None => self.finding(format!("AML: no confidence: {}", shown(value))),
        }
    }

    fn method(&mut self, method: &str) {
        self.method = text(method);
    }

    fn report(mut self, number: &str) -> Report {
        let position = self.latitude.take().zip(self.longitude.take());
        // Nothing was found: then the degrees are zeros.
        let nowhere = self.method.as_deref() == Some("none");
        let locations = match position.filter(|_| !nowhere) {
            Some((latitude, longitude)) => vec![Location {
                shape: if self.radius.is_some() { "Circle" } else { "Point" }.to_owned(),
                latitude: Some(latitude),
                longitude: Some(longitude),
                radius_m: self.radius.take(),
                altitude_m: self.altitude.take(),
                confidence: self.confidence,
                method: self.method.take(),
                timestamp: self.found_at.take(),
                source: self.how.word().to_owned(),
                ..Location::default()
            }],
            None => {
                self.finding("AML: the phone could not tell where it is".to_owned());
                Vec::new()
            }
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(&self.mcc) && digits(&self.mnc) {
            self.device.network = Some(shown(&format!("{}-{}", self.mcc, self.mnc)));
        }
        Report {
            how: self.how,
            number: private(number),
            call_began: self.call_began,
            device: self.device,
            locations,
            findings: self.findings,
            ..Report::default()
        }
    }
}

/// Degrees within the globe, without a plus sign.
fn degrees(value: &str, most: f64) -> Option<String> {
    let text = shown(value.trim_start_matches('+'));
    let sound = text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
    sound.then_some(text)
}

fn measure(value: &str) -> Option<String> {
    value.parse::<f64>().is_ok_and(f64::is_finite).then(|| shown(value))
}

/// `20260917051231`, UTC.
fn calendar(value: &str) -> Option<WallTime> {
    let part = |from: usize, to: usize| value.get(from..to);
    if value.len() != 14 || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    WallTime::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// Milliseconds since 1970.
fn millis(value: &str) -> Option<WallTime> {
    let micros = value.parse::<i64>().ok()?.checked_mul(1000)?;
    // A clock that was never set says nothing.
    (micros > 0).then_some(WallTime(micros))
}

fn text(value: &str) -> Option<String> {
    Some(shown(value)).filter(|text| !text.is_empty())
}

fn private(value: &str) -> Option<Private<String>> {
    text(value).map(Private::new)
}

fn shown(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(VALUE).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMS: &str = include_str!("../../tests/fixtures/aml-sms.txt");

    #[test]
    fn the_sample_sms_is_read() {
        let report = sms(SMS, "+6281234567890");
        assert_eq!(report.findings, [""; 0]);
        assert_eq!(report.number, Some(Private::new("+6281234567890".into())));
        assert_eq!(
            report.locations,
            [Location {
                shape: "Circle".into(),
                latitude: Some("-7.053000".into()),
                longitude: Some("113.944000".into()),
                radius_m: Some("14".into()),
                confidence: Some(95),
                method: Some("GPS".into()),
                timestamp: Some("2026-09-17T05:12:31.000Z".into()),
                source: "aml-sms".into(),
                ..Location::default()
            }]
        );
        assert_eq!(
            report.device,
            Device {
                imei: Some(Private::new("356938035643809".into())),
                imsi: Some(Private::new("510101234567890".into())),
                network: Some("510-10".into()),
                other: vec![("version".into(), "1".into())],
                ..Device::default()
            }
        );
    }

    #[test]
    fn form_keys_are_read() {
        let fields: Vec<(String, String)> = [
            ("v", "3"),
            ("emergency_number", "112"),
            ("time", "1789621920000"),
            ("device_number", " 6281234567890"),
            ("location_latitude", "-7.053"),
            ("location_longitude", "113.944"),
            ("location_time", "1789621951204"),
            ("location_accuracy", "20"),
            ("location_confidence", "0.6827"),
            ("location_source", "wifi"),
            ("location_altitude", "4"),
            ("location_floor", "2"),
            ("device_imei", "356938035643809"),
            ("cell_network_mcc", "510"),
            ("cell_network_mnc", "10"),
            ("hmac", "00"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
        let report = https(&fields);
        assert_eq!(report.findings, [""; 0]);
        assert_eq!(report.number, Some(Private::new("+6281234567890".into())));
        assert_eq!(report.call_began, Some(WallTime(1_789_621_920_000_000)));
        let [location] = report.locations.as_slice() else { panic!("one: {report:?}") };
        assert_eq!(location.timestamp.as_deref(), Some("2026-09-17T05:12:31.204Z"));
        assert_eq!((location.confidence, location.method.as_deref()), (Some(68), Some("802.11")));
        assert_eq!(location.radius_m.as_deref(), Some("20"));
        assert_eq!(report.device.network.as_deref(), Some("510-10"));
        let other: Vec<_> = report.device.other.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(other, ["v", "emergency_number", "location_floor"]);
    }

    #[test]
    fn what_is_odd_is_said_and_no_place_is_none() {
        for (text, places, finding) in [
            ("A\"ML=1;lt=+00.00000;lg=+000.00000;rd=N;lc=0;pm=N;ml=51", 0, "could not tell"),
            ("A\"ML=1;lt=-7.05;lg=+113.9;rd=14;lc=95;pm=G;ml=11", 1, "bytes came, not 11"),
            ("A\"ML=1;lt=-97.05;lg=+113.9", 0, "could not tell"),
            ("A\"ML=1;lt=-7.05;lg=+113.9;top=2026", 1, "no time: 2026"),
            ("A\"ML=1;lt=-7.05;lg=+113.9;rd=wide", 1, "no radius in metres: wide"),
            ("A\"ML=1;lt=-7.05;lg=+113.9;lc=950", 1, "no confidence: 950"),
            ("Tolong!", 0, "does not begin"),
            ("", 0, "does not begin"),
        ] {
            let report = sms(text, "");
            assert_eq!(report.locations.len(), places, "{text}");
            let found = report.findings.iter().any(|said| said.contains(finding));
            assert!(found, "{text}: {:?}", report.findings);
            assert_eq!(report.number, None);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC*", value in "[-+.0-9eENG]{0,20}") {
            let _ = sms(&text, &text);
            let _ = sms(&format!("A\"ML=1;lt={value};lg={value};rd={value};top={value};lc={value}"), "");
            let _ = https(&[("location_time".to_owned(), value.clone()), (text, value)]);
        }
    }
}
