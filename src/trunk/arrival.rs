//! One INVITE as an [`Arrival`]: everything that it says, in the form the incident record keeps.
//!
//! It reads what it can and keeps the rest with a finding; no message is too odd to be recorded.
//! Nothing is fetched: what comes by reference stays a reference.

use std::borrow::Cow;

use super::number_plan::percent_decoded;
use super::settings::{Centre, TrunkSettings};
use super::{DialledKind, caller, dialled};
use crate::incident::settings::{Category, Kecamatan};
use crate::incident::{self, AdditionalData, Arrival, Raw, data};
use crate::sip::body::{self, Part};
use crate::sip::{Headers, Name, NameAddr, Params, Request, glance};

/// Languages kept of one call: nobody speaks more, and a body may hold thousands.
const LANGUAGES: usize = 16;
/// Bytes of a language tag (RFC 5646 §4.4.1).
const LANGUAGE_BYTES: usize = 35;
/// Call-Info values kept of one call.
const CALL_INFO: usize = 32;

/// Reads everything that an INVITE says; and what kind of call its dialled form asks for.
#[must_use]
pub fn arrival(
    request: &Request,
    trunk: &TrunkSettings,
    centre: &Centre,
    places: &[Kecamatan],
    categories: &[Category],
) -> (Arrival, DialledKind) {
    let headers = &request.headers;
    let asked = dialled(request, trunk, centre);
    let mut arrival = Arrival {
        sip_call_id: headers.call_id().unwrap_or_default(),
        icid: icid(headers),
        charging: headers.text(&Name::PChargingVector).map(|text| text.trim().to_owned()),
        call_info: headers.values(&Name::CallInfo).into_iter().take(CALL_INFO).collect(),
        emergency_call_id: identifier(headers, ["emergency-CallId", "nena-CallId"]),
        emergency_incident_id: identifier(headers, ["emergency-IncidentId", "nena-IncidentId"]),
        caller: caller(request, trunk),
        category: incident::category(&asked.service, categories),
        dialled: asked.dialled,
        service: asked.service,
        diversion: headers.values(&Name::Diversion),
        history: headers.values(&Name::HistoryInfo),
        resource_priority: headers.values(&Name::ResourcePriority),
        priority: headers.text(&Name::Priority).map(|text| text.trim().to_owned()),
        geolocation: headers.values(&Name::Geolocation),
        // Whoever reads a record must not be able to act in a carrier's name.
        raw: Raw(glance::masked(&request.raw)),
        ..Arrival::default()
    };
    read_headers(headers, asked.kind, &mut arrival);
    read_access_network(headers, &mut arrival);
    read_body(request, &mut arrival);
    arrival.kecamatan = incident::place(&arrival.locations, places);
    (arrival, asked.kind)
}

/// What is odd about the headers.
fn read_headers(headers: &Headers, kind: DialledKind, arrival: &mut Arrival) {
    let findings = &mut arrival.findings;
    if arrival.sip_call_id.is_empty() {
        findings.push("no Call-ID".to_owned());
    }
    if headers.from().is_none() {
        findings.push("no readable From".to_owned());
    }
    if kind == DialledKind::Other {
        findings.push("dialled number is none of ours".to_owned());
    }
    if !arrival.caller.phone.class.can_be_called_back() {
        findings.push("no usable caller number".to_owned());
    }
    for (name, value) in headers.iter() {
        if std::str::from_utf8(value).is_err() {
            findings.push(format!("{name} is not UTF-8"));
        }
    }
    for name in [Name::PAssertedIdentity, Name::RemotePartyId, Name::CallInfo] {
        let unreadable =
            |value: &String| NameAddr::read(value).is_none_or(|a| a.uri.as_str().is_empty());
        if headers.values(&name).iter().any(unreadable) {
            findings.push(format!("{name} is not readable"));
        }
    }
}

fn icid(headers: &Headers) -> Option<String> {
    let line = headers.text(&Name::PChargingVector)?;
    Params::read(&line).get("icid-value").map(str::to_owned)
}

/// The Call-Info values that say what they are for: purpose and URI.
fn call_info(headers: &Headers) -> Vec<(String, String)> {
    let values = headers.values(&Name::CallInfo);
    let read = values.iter().filter_map(|value| NameAddr::read(value));
    read.filter_map(|info| {
        let purpose = info.params.get("purpose")?.to_owned();
        Some((purpose, info.uri.as_str().to_owned()))
    })
    .collect()
}

/// An i3 identifier under its present or its older purpose (NENA-STA-010.3 §2.1.6).
fn identifier(headers: &Headers, purposes: [&str; 2]) -> Option<String> {
    let ours = |purpose: &str| purposes.iter().any(|p| p.eq_ignore_ascii_case(purpose));
    call_info(headers)
        .into_iter()
        .find(|(purpose, uri)| ours(purpose) && !uri.is_empty())
        .map(|(_, uri)| uri)
}

fn read_access_network(headers: &Headers, arrival: &mut Arrival) {
    let mut values = headers.values(&Name::PAccessNetworkInfo);
    values.extend(headers.values(&Name::CellularNetworkInfo));
    arrival.cell = values.iter().find_map(|value| incident::cell::read(value));
    let named = |value: &String| value.to_ascii_lowercase().contains("-3gpp=");
    if arrival.cell.is_none() && values.iter().any(named) {
        arrival.findings.push("serving cell is not readable".to_owned());
    }
    arrival.access_network = values;
}

fn read_body(request: &Request, arrival: &mut Arrival) {
    let (parts, findings) = body::parts(&request.headers, &request.body);
    arrival.findings.extend(findings);
    let sdp = parts.iter().find(|part| part.media_type == "application/sdp");
    let sdp = sdp.map_or(Cow::Borrowed(""), |part| String::from_utf8_lossy(&part.body));
    arrival.languages = languages(&request.headers, &sdp);
    for (at, part) in parts.iter().enumerate() {
        if part.media_type != "application/pidf+xml" {
            continue;
        }
        let source = match part.content_id.as_str() {
            "" => format!("body part {}", at + 1),
            id => id.to_owned(),
        };
        let (mut locations, findings) = incident::location::pidf_lo(&part.body, &source);
        let loc_src = loc_src(&arrival.geolocation, &part.content_id);
        locations.iter_mut().for_each(|location| location.loc_src.clone_from(&loc_src));
        arrival.locations.extend(locations);
        arrival.findings.extend(findings);
    }
    for value in &arrival.geolocation {
        let id = NameAddr::read(value).and_then(|address| content_id(address.uri.as_str()));
        if id.is_some_and(|id| !parts.iter().any(|part| part.content_id == id)) {
            arrival.findings.push("Geolocation names a body part that is not there".to_owned());
        }
    }
    read_data(&request.headers, &parts, arrival);
}

/// Who put a body part with a location into the message, by the header that names it (RFC 8787).
fn loc_src(geolocation: &[String], part: &str) -> Option<String> {
    let mut named = geolocation.iter().filter_map(|value| NameAddr::read(value));
    let named = named.find(|address| {
        content_id(address.uri.as_str()).is_some_and(|id| !id.is_empty() && id == part)
    });
    named.and_then(|address| address.params.get("loc-src").map(str::to_owned))
}

/// Additional data by value and by reference, then every part that nothing names.
fn read_data(headers: &Headers, parts: &[Part], arrival: &mut Arrival) {
    let mut left: Vec<&Part> = parts
        .iter()
        .filter(|part| !matches!(&*part.media_type, "application/sdp" | "application/pidf+xml"))
        .collect();
    for (purpose, uri) in call_info(headers) {
        if !data::is_purpose(&purpose) {
            continue;
        }
        // A part is kept once, however often it is named: a message must not grow in the record.
        let named = content_id(&uri)
            .map(|id| left.iter().position(|part| part.content_id == id).map(|at| left.remove(at)));
        let (content_type, body) = match named {
            Some(Some(part)) => (part.content_type.clone(), Raw(part.body.clone())),
            Some(None) => {
                let finding = format!("{purpose} names a body part that is not there");
                arrival.findings.push(finding);
                (uri, Raw::default())
            }
            None => (uri, Raw::default()),
        };
        keep_data(arrival, purpose, content_type, body);
    }
    for part in left {
        keep_data(arrival, String::new(), part.content_type.clone(), Raw(part.body.clone()));
    }
    for part in parts.iter().filter(|part| part.media_type == "application/pidf+xml") {
        arrival.additional_data.extend(data::provided_by(&part.body));
    }
}

fn keep_data(arrival: &mut Arrival, purpose: String, content_type: String, body: Raw) {
    let (fields, odd) = data::fields(&content_type, &body.0);
    arrival.findings.extend(odd);
    arrival.additional_data.push(AdditionalData { purpose, content_type, body, fields });
}

/// The Content-ID that a `cid:` URI names (RFC 2392 §2).
fn content_id(uri: &str) -> Option<String> {
    let (scheme, id) = uri.split_once(':')?;
    scheme.eq_ignore_ascii_case("cid").then(|| percent_decoded(id.trim()))
}

/// Accept-Language by its weights (RFC 9110 §12.5.4), then `a=hlang-send` and `a=hlang-recv` of
/// the SDP (RFC 8373), each once.
fn languages(headers: &Headers, sdp: &str) -> Vec<String> {
    let values = headers.values(&Name::AcceptLanguage);
    let mut accepted: Vec<(f32, &str)> = values
        .iter()
        .filter_map(|value| {
            let (tag, params) = value.split_once(';').unwrap_or((value, ""));
            let weight = Params::read(params).get("q").map_or(Some(1.0), |q| q.parse().ok());
            weight.filter(|weight: &f32| *weight > 0.0).map(|weight| (weight, tag.trim()))
        })
        .collect();
    accepted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let spoken = sdp.lines().filter_map(|line| {
        line.strip_prefix("a=hlang-send:").or_else(|| line.strip_prefix("a=hlang-recv:"))
    });
    let wanted = accepted.iter().map(|(_, tag)| *tag);
    let mut found: Vec<String> = Vec::new();
    for tag in wanted.chain(spoken.flat_map(str::split_ascii_whitespace)) {
        if found.len() == LANGUAGES {
            break;
        }
        let known = found.iter().any(|have| have.eq_ignore_ascii_case(tag));
        if is_language(tag) && !known {
            found.push(tag.to_owned());
        }
    }
    found
}

/// The shape of a language tag; `*` (any, or none is needed) is none.
fn is_language(tag: &str) -> bool {
    !tag.is_empty()
        && tag.len() <= LANGUAGE_BYTES
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests;
