//! Signed identities of a call (PASSporT: RFC 8225, 8224, 8588 `shaken`, 8946 `div`, 8443 and 9027 `rph`):
//! read, and compared with the call that they came with.
//!
//! What stands in one is a stranger's word until its signature holds. It fetches nothing and knows no
//! clock: the time is that of the INVITE.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use serde_json::Value;

use crate::incident::{Badge, Doubt, Passport, Why};
use crate::sip::Params;
use crate::trunk::Signed;
use crate::vocabulary::{Private, WallTime};

/// Values of one list that are looked at, and characters of one that are kept.
const LIST: usize = 16;
const TEXT: usize = 128;

/// One signed identity, read and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it says.
    pub says: Passport,
    /// Where its certificate is.
    pub info: String,
    /// What may have been signed: one text, or for the compact form every one that the call allows.
    signed: Vec<String>,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    ppt: Option<String>,
    #[serde(default)]
    x5u: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    orig: Parties,
    dest: Parties,
    iat: Value,
    #[serde(default)]
    attest: Option<String>,
    #[serde(default)]
    origid: Option<String>,
    #[serde(default)]
    div: Option<Parties>,
    #[serde(default)]
    rph: Option<Value>,
    #[serde(default)]
    sph: Option<String>,
}

/// Who: one number or URI, or several.
#[derive(Default, Deserialize)]
struct Parties {
    #[serde(default)]
    tn: Value,
    #[serde(default)]
    uri: Value,
}

impl Parties {
    fn all(&self) -> Vec<String> {
        let one = |value: &Value| match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(all) => {
                all.iter().filter_map(Value::as_str).take(LIST).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        one(&self.tn).into_iter().chain(one(&self.uri)).map(|text| short(&text)).collect()
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT).collect()
}

fn doubt(why: Why, detail: impl Into<String>) -> Doubt {
    Doubt { why, detail: detail.into() }
}

/// Reads one value of Identity; what it says as far as it could be read, and why no further.
///
/// # Errors
/// What it says, with its doubt.
pub fn read(value: &str, call: &Signed) -> Result<Token, Box<Passport>> {
    let (token, params) = value.trim().split_once(';').unwrap_or((value.trim(), ""));
    let info = info(params).unwrap_or_default();
    // The address of the certificate may hold what separates parameters.
    let params = Params::read(&params.replacen(&format!("<{info}>"), "", 1));
    let ppt = params.get("ppt").map(short).unwrap_or_default();
    let refuse = |ppt: &str, why, detail: &str| {
        let doubt = Some(doubt(why, detail));
        Box::new(Passport { ppt: ppt.to_owned(), doubt, ..Passport::default() })
    };
    let unreadable = |detail: &str| refuse(&ppt, Why::Unreadable, detail);
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unreadable("it has not three parts"));
    };
    let signature =
        BASE64.decode(signature).map_err(|_| unreadable("its signature is no base64url"))?;
    if params.get("alg").is_some_and(|alg| alg != "ES256") {
        return Err(refuse(&ppt, Why::Unsupported, "its algorithm is not ES256"));
    }
    if header.is_empty() && payload.is_empty() {
        if !ppt.is_empty() {
            return Err(refuse(&ppt, Why::Unsupported, "its claims cannot be told from the call"));
        }
        return compact(info, signature, call).ok_or_else(|| unreadable("no Date, number or To"));
    }
    let json = |part: &str| BASE64.decode(part).ok();
    let head: Option<Header> = json(header).and_then(|json| serde_json::from_slice(&json).ok());
    let head = head.ok_or_else(|| unreadable("its header is no JSON of a PASSporT"))?;
    let claims: Option<Claims> = json(payload).and_then(|json| serde_json::from_slice(&json).ok());
    let claims = claims.ok_or_else(|| unreadable("its claims are no JSON of a PASSporT"))?;
    let said = head.ppt.as_deref().map(short).unwrap_or_default();
    let mut says = says(said.clone(), &claims);
    let refuse = |mut says: Passport, why, detail: &str| {
        says.doubt = Some(doubt(why, detail));
        Err(Box::new(says))
    };
    if head.alg != "ES256" {
        return refuse(says, Why::Unsupported, "its algorithm is not ES256");
    }
    if head.crit.is_some() {
        return refuse(says, Why::Unsupported, "it has a critical extension");
    }
    if !head.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("passport")) {
        return refuse(says, Why::Unreadable, "it is no PASSporT by its own word");
    }
    if params.has("ppt") && said != ppt {
        return refuse(says, Why::Unreadable, "header and token name different kinds");
    }
    let info = if info.is_empty() { head.x5u.unwrap_or_default() } else { info };
    if says.issued_at.is_none() || says.orig.is_none() || says.dest.is_empty() {
        return refuse(says, Why::Unreadable, "it lacks orig, dest or iat");
    }
    if said == "shaken" && says.attest.is_none() {
        return refuse(says, Why::Unreadable, "it has no attestation of A, B or C");
    }
    if said == "div" && says.diverted_from.is_none() {
        return refuse(says, Why::Unreadable, "it does not say from where it was diverted");
    }
    if said != "shaken" {
        says.attest = None;
    }
    Ok(Token { says, info, signed: vec![format!("{header}.{payload}")], signature })
}

/// What stands between the angle brackets of `info`.
fn info(params: &str) -> Option<String> {
    let at = params.to_ascii_lowercase().find("info=<")? + "info=<".len();
    let (uri, _) = params.get(at..)?.split_once('>')?;
    Some(uri.trim().to_owned())
}

fn says(ppt: String, claims: &Claims) -> Passport {
    let attest = claims.attest.as_deref().and_then(|word| match word {
        "A" => Some(Badge::A),
        "B" => Some(Badge::B),
        "C" => Some(Badge::C),
        _ => None,
    });
    // Some write the number as a text, as the first examples did.
    let seconds = claims.iat.as_i64().or_else(|| claims.iat.as_str()?.parse().ok());
    let auth = claims.rph.as_ref().and_then(|rph| rph.get("auth")).and_then(Value::as_array);
    let auth = auth.into_iter().flatten().filter_map(Value::as_str).take(LIST);
    Passport {
        ppt,
        attest,
        orig: claims.orig.all().into_iter().next().map(Private::new),
        dest: claims.dest.all(),
        diverted_from: claims.div.as_ref().and_then(|div| div.all().into_iter().next()),
        priorities: auth.map(short).collect(),
        sip_priority: claims.sph.as_deref().map(short),
        origid: claims.origid.as_deref().map(short),
        issued_at: seconds.and_then(|s| s.checked_mul(1_000_000)).map(WallTime),
        ..Passport::default()
    }
}

/// The compact form (RFC 8225 §7): header and claims are made anew of what the call says.
fn compact(info: String, signature: Vec<u8>, call: &Signed) -> Option<Token> {
    let (orig, date) = (call.number.as_ref()?.reveal(), call.date?);
    let header = format!(r#"{{"alg":"ES256","typ":"passport","x5u":{}}}"#, quoted(&info));
    let numbers = call.dialled.iter().map(|to| format!(r#"{{"tn":[{}]}}"#, quoted(to)));
    let uris = call.uris.iter().map(|to| format!(r#"{{"uri":[{}]}}"#, quoted(to)));
    let seconds = date.0.div_euclid(1_000_000);
    let signed: Vec<String> = numbers
        .chain(uris)
        .take(LIST)
        .map(|dest| {
            let orig = quoted(orig);
            let claims = format!(r#"{{"dest":{dest},"iat":{seconds},"orig":{{"tn":{orig}}}}}"#);
            format!("{}.{}", BASE64.encode(&header), BASE64.encode(claims))
        })
        .collect();
    let says = Passport {
        orig: Some(Private::new(orig.clone())),
        issued_at: Some(date),
        ..Passport::default()
    };
    (!signed.is_empty()).then_some(Token { says, info, signed, signature })
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Token {
    /// Whether the holder of this public key (an uncompressed point of P-256) has signed it.
    #[must_use]
    pub fn is_signed_by(&self, point: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        self.signed.iter().any(|text| key.verify(text.as_bytes(), &self.signature).is_ok())
    }
}

/// Compares tokens whose signatures hold with the call, and marks those that are about another one. A
/// diversion that holds leads from our number back to the one that was dialled (RFC 8946 §4).
pub fn compare(passports: &mut [Passport], call: &Signed, fresh: Duration) {
    let fresh = i64::try_from(fresh.as_micros()).unwrap_or(i64::MAX);
    for passport in passports.iter_mut().filter(|passport| passport.doubt.is_none()) {
        let at = passport.issued_at.unwrap_or_default();
        if at.0.abs_diff(call.received.0) > fresh.unsigned_abs() {
            let seconds = (call.received.0 - at.0).div_euclid(1_000_000);
            let detail = format!("it was signed {seconds} s before the call came");
            passport.doubt = Some(doubt(Why::Stale, detail));
        } else if !is_caller(passport, call) {
            passport.doubt = Some(doubt(Why::OtherNumber, ""));
        }
    }
    let mut ours: Vec<String> = Vec::new();
    for _ in 0..passports.len() {
        let further = passports.iter().filter(|one| one.ppt == "div" && one.doubt.is_none());
        let further = further.filter(|one| one.dest.iter().any(|to| is_ours(to, call, &ours)));
        let further: Vec<String> = further
            .filter_map(|one| one.diverted_from.clone())
            .filter(|n| !ours.contains(n))
            .collect();
        if further.is_empty() {
            break;
        }
        ours.extend(further);
    }
    for passport in passports.iter_mut().filter(|passport| passport.doubt.is_none()) {
        // The compact form was made of the call's own destination.
        let told = !passport.dest.is_empty();
        if told && !passport.dest.iter().any(|to| is_ours(to, call, &ours)) {
            let detail = format!("it was signed for a call to {}", passport.dest.join(", "));
            passport.doubt = Some(doubt(Why::OtherDestination, detail));
        }
    }
}

/// Whether a token is about the number that the record names the caller by.
fn is_caller(passport: &Passport, call: &Signed) -> bool {
    let (Some(orig), Some(number)) = (&passport.orig, &call.number) else { return false };
    let (orig, number) = (digits(orig.reveal()), number.reveal());
    let national = orig.strip_prefix('0').map(|rest| format!("62{rest}"));
    !orig.is_empty() && (&orig == number || national.as_ref() == Some(number))
}

fn is_ours(dest: &str, call: &Signed, diverted: &[String]) -> bool {
    let number = bare(dest);
    let same = |form: &String| !number.is_empty() && bare(form) == number;
    call.uris.iter().any(|uri| uri.eq_ignore_ascii_case(dest))
        || call.dialled.iter().any(same)
        || diverted.iter().any(|known| known == dest || same(known))
}

/// A number without its country and trunk prefix: 112 is written in many ways.
fn bare(text: &str) -> String {
    let digits = digits(text);
    let rest = digits.strip_prefix("62").or_else(|| digits.strip_prefix('0'));
    rest.map_or(digits.clone(), str::to_owned)
}

/// The digits of a canonical number (RFC 8224 §8.3); empty for a URI.
fn digits(text: &str) -> String {
    let number: String =
        text.chars().filter(|c| !matches!(c, '+' | '-' | '.' | '(' | ')' | ' ')).collect();
    let all = number.bytes().all(|byte| byte.is_ascii_digit());
    if all { number } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8224 §4.1 and 8225 §7.1, whose `iat` is a text (erratum 5985), and its key.
    const EXAMPLE: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9j\
        ZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9.eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBs\
        ZS5jb20iXX0sImlhdCI6IjE0NDMyMDgzNDUiLCJvcmlnIjp7InRuIjoiMTIxNTU1NTEyMTIifX0.rq3pjT1ho\
        RwakEGjHCnWSwUnshd0-zJ6F1VOgFWSjHBr8Qjpjlk-cpFYpFYsojNCpTzO3QfPOlckGaS6hEck7w";
    const KEY: &str = "BPBzW0Hf05rwisDyh5DBfX0nGrxnh-_GE1PKi0vCORyx0kppQEy3LJUDITQvzoZVgWAutupy\
        JaO13nm2Eu0m9-4";

    fn call(number: &str) -> Signed {
        Signed {
            number: Some(Private::new(number.to_owned())),
            dialled: vec!["0328112".to_owned(), "112".to_owned()],
            uris: vec!["sip:alice@example.com".to_owned(), "urn:service:sos".to_owned()],
            received: WallTime(1_443_208_350_000_000),
            ..Signed::default()
        }
    }

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.AAAA", BASE64.encode(header), BASE64.encode(claims))
    }

    fn passport(ppt: &str, orig: &str, dest: &str, div: Option<&str>) -> Passport {
        Passport {
            ppt: ppt.to_owned(),
            orig: Some(Private::new(orig.to_owned())),
            dest: vec![dest.to_owned()],
            diverted_from: div.map(str::to_owned),
            issued_at: Some(WallTime(1_443_208_345_000_000)),
            ..Passport::default()
        }
    }

    fn why(mut passports: Vec<Passport>) -> Vec<Option<Why>> {
        compare(&mut passports, &call("6281234567890"), Duration::from_secs(60));
        passports.into_iter().map(|one| one.doubt.map(|doubt| doubt.why)).collect()
    }

    #[test]
    fn the_example_of_the_standard_holds_and_no_byte_of_it_may_change() {
        // The point of the RFC's own public key, checked beside this program with another one.
        let point = BASE64.decode(KEY).unwrap_or_default();
        assert_eq!(point.len(), 65);
        let value = format!("{EXAMPLE};info=<https://biloxi.example.org/biloxi.cer>");
        let call = call("12155551212");
        let token = read(&value, &call).expect("a token");
        assert!(token.is_signed_by(&point));
        assert_eq!(token.info, "https://biloxi.example.org/biloxi.cer");
        assert_eq!(token.says.issued_at, Some(WallTime(1_443_208_345_000_000)));
        let mut says = [token.says];
        compare(&mut says, &call, Duration::from_secs(60));
        assert_eq!(says[0].doubt, None);
        for at in [3, 120, EXAMPLE.len() - 9] {
            let mut bent = EXAMPLE.to_owned();
            let other = if bent.as_bytes()[at] == b'A' { "B" } else { "A" };
            bent.replace_range(at..=at, other);
            let holds = read(&bent, &call).is_ok_and(|token| token.is_signed_by(&point));
            assert!(!holds, "byte {at}");
        }
    }

    #[test]
    fn the_compact_form_is_the_same_signature_over_what_the_call_says() {
        let header = r#"{"alg":"ES256","typ":"passport","x5u":"https://cert.example/p.cer"}"#;
        let claims =
            r#"{"dest":{"tn":["0328112"]},"iat":1443208345,"orig":{"tn":"6281234567890"}}"#;
        let call = Signed { date: Some(WallTime(1_443_208_345_000_000)), ..call("6281234567890") };
        let compact = |params: &str| {
            read(&format!("..AAAA;info=<https://cert.example/p.cer>{params}"), &call)
        };
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        assert!(compact(";alg=ES256").expect("a token").signed.contains(&signed));
        // What a kind adds cannot be told from the call.
        let refused = compact(";ppt=shaken").expect_err("no claims").doubt.expect("a doubt");
        assert_eq!(refused.why, Why::Unsupported);
    }

    #[test]
    fn what_is_no_passport_says_why() {
        let head = r#"{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://a/"}"#;
        let claims = r#"{"attest":"A","dest":{"tn":["112"]},"iat":1,"orig":{"tn":"62812"}}"#;
        for (value, expected) in [
            (String::new(), Why::Unreadable),
            ("a.b".to_owned(), Why::Unreadable),
            ("..".to_owned(), Why::Unreadable),
            ("a.b.!".to_owned(), Why::Unreadable),
            (token(head, "[]"), Why::Unreadable),
            (token("{}", claims), Why::Unreadable),
            (token(&head.replace("ES256", "none"), claims), Why::Unsupported),
            (token(&head.replace("{", "{\"crit\":[\"x\"],"), claims), Why::Unsupported),
            (token(&head.replace("passport", "JWT"), claims), Why::Unreadable),
            (token(head, &claims.replace("\"A\"", "\"Z\"")), Why::Unreadable),
            (token(head, &claims.replace("\"iat\":1", "\"iat\":true")), Why::Unreadable),
            (token(head, &claims.replace("\"iat\":1", "\"iat\":1,\"iat\":2")), Why::Unreadable),
            (token(&head.replace("shaken", "div"), claims), Why::Unreadable),
            (format!("{};alg=RS256", token(head, claims)), Why::Unsupported),
            (format!("{};ppt=div", token(head, claims)), Why::Unreadable),
        ] {
            let refused = read(&value, &call("62812")).expect_err(&value);
            assert_eq!(refused.doubt.map(|doubt| doubt.why), Some(expected), "{value}");
        }
        let good =
            format!("{};INFO=<https://cert.example/a;b=c>;ppt=\"shaken\"", token(head, claims));
        let read = read(&good, &call("62812")).expect("a token");
        assert_eq!(
            (read.info.as_str(), read.says.attest),
            ("https://cert.example/a;b=c", Some(Badge::A))
        );
    }

    #[test]
    fn a_token_is_compared_with_the_call_that_it_came_with() {
        let mine = "6281234567890";
        for (orig, dest, doubt) in [
            (mine, "112", None),
            ("081234567890", "62328112", None),
            (mine, "62112", None),
            (mine, "urn:service:sos", None),
            ("6281234567891", "112", Some(Why::OtherNumber)),
            // Japan, not ours without its country.
            ("81234567890", "112", Some(Why::OtherNumber)),
            ("", "112", Some(Why::OtherNumber)),
            (mine, "62811000113", Some(Why::OtherDestination)),
            (mine, "sip:bob@example.com", Some(Why::OtherDestination)),
        ] {
            assert_eq!(why(vec![passport("shaken", orig, dest, None)]), [doubt], "{orig} {dest}");
        }
        let late = |seconds: i64| {
            let issued_at = Some(WallTime(1_443_208_350_000_000 - seconds * 1_000_000));
            Passport { issued_at, ..passport("shaken", mine, "112", None) }
        };
        let stale = Some(Why::Stale);
        let times = vec![late(60), late(61), late(-60), late(-61)];
        assert_eq!(why(times), [None, stale, None, stale]);
    }

    #[test]
    fn a_diversion_leads_back_to_what_was_dialled() {
        let mine = "6281234567890";
        let signed = passport("shaken", mine, "6221500110", None);
        let first = passport("div", mine, "6231112", Some("6221500110"));
        let second = passport("div", mine, "62328112", Some("6231112"));
        assert_eq!(why(vec![signed.clone(), first.clone(), second.clone()]), [None; 3]);
        // The chain is broken.
        let other = Some(Why::OtherDestination);
        assert_eq!(why(vec![signed.clone(), first.clone()]), [other; 2]);
        // One link does not hold.
        let bent = Passport { doubt: Some(doubt(Why::Signature, "")), ..second };
        assert_eq!(why(vec![signed, first, bent]), [other, other, Some(Why::Signature)]);
    }
}
