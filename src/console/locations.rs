//! Where phones are, by their own word: Advanced Mobile Location (ETSI TS 103 625) by an SMS gateway or by
//! HTTPS, and what of it belongs to no call.
//!
//! What comes is kept and given to the call of its number, whatever is odd about it: a place is worth more
//! than its form.

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Holder};
use super::body::read;
use super::permissions::{Permission, Reach};
use super::problem::Problem;
use super::{BODY_BYTES, Console, DeskError};
use crate::incident::{Report, aml};
use crate::store::LocationReport;
use crate::switchboard::orders::{Answer, Order};
use crate::vocabulary::Secret;

/// An SMS that a phone has sent by itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sms {
    /// The number that sent it.
    sender: String,
    /// Its text: `A"ML=1;lt=…`.
    text: String,
}

/// What became of a report.
#[derive(Serialize, ToSchema)]
pub(super) struct Kept {
    /// The call that it belongs to; null: it is kept, and given to the next call of its number within the
    /// configured time.
    call: Option<String>,
    /// What was odd about it.
    findings: Vec<String>,
}

/// Takes an AML message from an SMS gateway.
#[utoipa::path(post, path = "/api/v1/locations/aml-sms", tag = "locations", request_body = Sms, responses(
    (status = 200, description = "Kept for a call", body = Kept),
    (status = 202, description = "Kept; there is no call of its number yet", body = Kept),
    (status = 400, description = "The body is not understood, or its text is no AML", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 403, description = "The role may not", body = Problem)))]
pub(super) async fn aml_sms(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    let wanted = r#"{"sender": "+6281234567890", "text": "A\"ML=1;lt=-7.05;lg=+113.94;rd=14;…"}"#;
    let Sms { sender, text } = read(body, wanted)?;
    if !aml::is_sms(&text) {
        let detail = "text is no AML: it does not begin with A\"ML=; nothing was kept";
        return Err(Problem::bad_body(detail));
    }
    let report = Report { from: holder.name, ..aml::sms(&text, &sender) };
    keep(&console, report).await
}

/// Takes what a phone has posted: the form keys of ETSI TS 103 625. Without a token it must be signed with
/// the configured key: `hmac` is the last key, and has HMAC-SHA256 or HMAC-SHA1 of all before it, hexadecimal.
#[utoipa::path(post, path = "/api/v1/locations/aml", tag = "locations", security((), ("token" = [])),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
    description = "device_number, location_latitude, location_longitude, location_time, \
                   location_accuracy, … and hmac"), responses(
    (status = 200, description = "Kept for a call", body = Kept),
    (status = 202, description = "Kept; there is no call of its number yet", body = Kept),
    (status = 400, description = "It says nothing", body = Problem),
    (status = 401, description = "Neither a token nor a signature", body = Problem),
    (status = 403, description = "The signature is wrong, or the role may not", body = Problem)))]
pub(super) async fn aml_https(
    State(console): State<Console>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    let body = body.map_err(|_| Problem::body_too_large(BODY_BYTES))?;
    let from = match console.desk.aml_key().filter(|_| signature(&body).is_some()) {
        Some(key) if is_signed(&key, &body) => "signed".to_owned(),
        Some(_) => return Err(Problem::signature_wrong()),
        None => {
            let holder = access::holder(&console, &Method::POST, &headers)?;
            if Permission::Locations.reach(holder.role) != Reach::All {
                return Err(Problem::role_may_not(holder.role, Permission::Locations.roles()));
            }
            holder.name
        }
    };
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    if !fields.iter().any(|(key, _)| key.starts_with("location_") || key.starts_with("device_")) {
        let detail = "none of the form keys of ETSI TS 103 625 came: location_latitude, \
                      location_longitude, device_number, …; nothing was kept";
        return Err(Problem::bad_body(detail));
    }
    keep(&console, Report { from, ..aml::https(&fields) }).await
}

async fn keep(console: &Console, report: Report) -> Result<(StatusCode, Json<Kept>), Problem> {
    let findings = report.findings.clone();
    let order = Order::ReportLocation { report: Box::new(report) };
    let Answer::Located(call) = console.desk.order(order).await? else {
        return Err(DeskError::Silent.into());
    };
    let status = if call.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(Kept { call: call.map(|call| call.to_string()), findings })))
}

/// Reports of places that belong to no call.
#[derive(Serialize, ToSchema)]
pub(super) struct Unmatched {
    /// The newest first, 200 at most.
    reports: Vec<LocationReport>,
}

/// Places that phones have told and that belong to no call.
#[utoipa::path(get, path = "/api/v1/locations/unmatched", tag = "locations", responses(
    (status = 200, description = "Reports", body = Unmatched),
    (status = 401, description = "No token", body = Problem),
    (status = 403, description = "The role may not", body = Problem)))]
pub(super) async fn unmatched(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Json<Unmatched>, Problem> {
    let reports = console.desk.store().unmatched_locations().await?;
    console.desk.audit(&holder.name, "unmatched locations read", "");
    Ok(Json(Unmatched { reports }))
}

/// What is signed, and the signature: the last key of the body.
fn signature(body: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    const KEY: &[u8] = b"&hmac=";
    let at = body.windows(KEY.len()).rposition(|window| window == KEY)?;
    let (signed, given) = (body.get(..at)?, body.get(at + KEY.len()..)?);
    let pairs = given.trim_ascii_end().chunks(2);
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok().filter(|digits| digits.len() == 2)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u8::from_str_radix(digits, 16).ok())?
    };
    // An odd signature is a wrong one, not none.
    Some((signed, pairs.map(byte).collect::<Option<_>>().unwrap_or_default()))
}

fn is_signed(key: &Secret, body: &[u8]) -> bool {
    let Some((signed, given)) = signature(body) else { return false };
    let algorithm = match given.len() {
        20 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        _ => hmac::HMAC_SHA256,
    };
    let key = hmac::Key::new(algorithm, key.reveal().as_bytes());
    hmac::verify(&key, signed, &given).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `openssl dgst -sha256 -hmac kunci` and `-sha1`.
    #[test]
    fn only_the_key_s_own_signature_is_taken() {
        let key = Secret::new("kunci".to_owned());
        let body = "device_number=%2B6281234567890&location_latitude=-7.053";
        let sha256 = "aeb68eab81a1cdd53c9e47d805e4c9a78b37f444a20f54777c255bd66dc4a1ee";
        let sha1 = "8f1fbaff5c8ed3d4c44d3d21280abc4527b7ea62";
        for (given, taken) in [
            (sha256.to_owned(), true),
            (sha256.to_uppercase(), true),
            (sha1.to_owned(), true),
            (sha256.replace('0', "1"), false),
            (sha256[..62].to_owned(), false),
            (format!("{sha256}0"), false),
            (String::new(), false),
            ("é".repeat(32), false),
        ] {
            let body = format!("{body}&hmac={given}");
            assert_eq!(is_signed(&key, body.as_bytes()), taken, "{given}");
        }
        assert!(!is_signed(&key, body.as_bytes()));
        let late = format!("location_latitude=-8&{body}&hmac={sha256}");
        assert!(!is_signed(&key, late.as_bytes()));
    }
}
