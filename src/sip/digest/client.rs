//! The other side of digest authentication: we answer the challenge of a carrier (RFC 3261 §22.2,
//! RFC 7616 §3.4, RFC 8760).
//!
//! A request is stopped from going round for ever by what it carries: each of our answers to a realm
//! says in its cnonce which answer it is.

use thiserror::Error;

use super::Algorithm;
use crate::sip::message::{Headers, Request, Response};
use crate::sip::name::Name;
use crate::sip::values::{Params, split_outside_quotes};
use crate::sip::write::quoted;
use crate::vocabulary::{Dice, Secret, limits};

/// Our account at a carrier. The password itself is kept, because realm and algorithm are the
/// carrier's choice and only known when it challenges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingAccount {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
}

/// Why a challenge was not answered. The request is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CannotAuthorize {
    /// A 401 or 407 without a challenge, or a response of another kind.
    #[error("the response names no realm and nonce to answer")]
    NoChallenge,
    /// Every challenge asks for a scheme, an algorithm or a protection that we do not have.
    #[error("no challenge can be answered: {0}; SHA-256 and MD5 with qop \"auth\" or none can")]
    Unsupported(String),
    /// The answer was not taken: the name or the password is wrong.
    #[error("realm {0:?} refused the user name or the password")]
    Refused(String),
    /// More realms ask in turn than a chain of proxies has.
    #[error("too many realms ask for credentials in turn")]
    TooManyRealms,
}

/// One challenge that we can answer.
struct Challenge {
    algorithm: Algorithm,
    /// As written; absent means MD5 and is not sent back.
    token: Option<String>,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    stale: bool,
    /// `qop=auth` rather than none (RFC 2069).
    qop: bool,
}

/// Turns a request that got `challenge` into the one to send next: with credentials, without what
/// the endpoint adds (Via, User-Agent), and with the next CSeq number. Within a dialog the dialog's
/// own number must be set afterwards.
///
/// Of several challenges of one realm the strongest that we know is answered; each realm of a chain
/// of proxies has its own. Credentials that were refused are not sent twice, unless the nonce alone
/// was too old, and that once.
///
/// # Errors
/// [`CannotAuthorize`]: sending again would lead nowhere.
pub fn authorize(
    request: &mut Request,
    challenge: &Response,
    account: &OutgoingAccount,
    dice: &mut Dice,
) -> Result<(), CannotAuthorize> {
    let (asked, answered) = match challenge.code {
        401 => (Name::WwwAuthenticate, Name::Authorization),
        407 => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        _ => return Err(CannotAuthorize::NoChallenge),
    };
    let best = strongest(&challenge.headers, &asked)?;
    let mut answer = 1;
    let mut kept = Vec::new();
    for line in request.headers.lines(&answered) {
        let text = String::from_utf8_lossy(line);
        let params = credentials(&text);
        if params.get("realm") == Some(best.realm.as_str()) {
            let before = params.get("cnonce").and_then(|c| c.split_once('-')?.0.parse().ok());
            let again = best.stale && params.get("nonce") != Some(best.nonce.as_str());
            if before != Some(1) || !again {
                return Err(CannotAuthorize::Refused(best.realm));
            }
            answer = 2;
        } else {
            kept.push(line.clone());
        }
    }
    if kept.len() >= limits::REALMS {
        return Err(CannotAuthorize::TooManyRealms);
    }
    let value = best.answer(request, account, &format!("{answer}-{}", dice.token()));
    let mut headers = Headers::default();
    for (name, value) in request.headers.iter() {
        match name {
            Name::Via | Name::UserAgent => {}
            Name::CSeq => {
                let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
                let next = number.wrapping_add(1) & 0x7fff_ffff;
                headers.push(Name::CSeq, format!("{next} {}", request.method));
            }
            name if *name == answered => {}
            name => headers.push(name.clone(), value.clone()),
        }
    }
    for line in kept {
        headers.push(answered.clone(), line);
    }
    headers.push(answered, value);
    request.headers = headers;
    Ok(())
}

/// The parameters after the scheme.
fn credentials(line: &str) -> Params {
    Params::read_at(line.trim().split_once(' ').map_or("", |(_, rest)| rest), b',')
}

/// The strongest challenge that can be answered; between equals the first.
fn strongest(headers: &Headers, name: &Name) -> Result<Challenge, CannotAuthorize> {
    let mut best: Option<Challenge> = None;
    let mut unsupported = Vec::new();
    for text in headers.texts(name).flat_map(|line| challenges(&line)) {
        match Challenge::read(&text) {
            Ok(Some(challenge)) => {
                let stronger = |b: &Challenge| {
                    b.algorithm == Algorithm::Md5 && challenge.algorithm == Algorithm::Sha256
                };
                if best.as_ref().is_none_or(stronger) {
                    best = Some(challenge);
                }
            }
            Ok(None) => {}
            Err(why) => unsupported.push(why),
        }
    }
    match best {
        Some(best) => Ok(best),
        None if unsupported.is_empty() => Err(CannotAuthorize::NoChallenge),
        None => Err(CannotAuthorize::Unsupported(unsupported.join(", "))),
    }
}

/// Several challenges may share a line: a part that begins with a word and white space begins one.
fn challenges(line: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in split_outside_quotes(line, b',') {
        let part = part.trim();
        let begins = part.split_once(' ').is_some_and(|(word, _)| !word.contains('='));
        match found.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(part);
            }
            _ => found.push(part.to_owned()),
        }
    }
    found.truncate(limits::CHALLENGES);
    found
}

impl Challenge {
    /// None when it is not whole; an error says what we do not know of it.
    fn read(text: &str) -> Result<Option<Self>, String> {
        let scheme = text.trim().split_once(' ').map_or(text, |(scheme, _)| scheme);
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(format!("scheme {}", shown(scheme)));
        }
        let params = credentials(text);
        let token = params.get("algorithm").map(str::to_owned);
        let algorithm = match token.as_deref() {
            None => Algorithm::Md5,
            Some(token) => [Algorithm::Sha256, Algorithm::Md5]
                .into_iter()
                .find(|known| known.token().eq_ignore_ascii_case(token))
                .ok_or_else(|| format!("algorithm {}", shown(token)))?,
        };
        let qop = params.get("qop").filter(|qop| !qop.trim().is_empty());
        if let Some(qop) = qop
            && !qop.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth"))
        {
            return Err(format!("qop {}", shown(qop)));
        }
        let (Some(realm), Some(nonce)) = (params.get("realm"), params.get("nonce")) else {
            return Ok(None);
        };
        Ok(Some(Self {
            algorithm,
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            opaque: params.get("opaque").map(str::to_owned),
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            qop: qop.is_some(),
            token,
        }))
    }

    /// The credentials (RFC 7616 §3.4.1). A fresh nonce is used once, so its count is 1.
    fn answer(&self, request: &Request, account: &OutgoingAccount, cnonce: &str) -> String {
        let hash = |text: &str| self.algorithm.hash(text);
        let uri = request.uri.request_form();
        let (username, realm, nonce) = (&account.username, &self.realm, &self.nonce);
        let ha1 = hash(&format!("{username}:{realm}:{}", account.password.reveal()));
        let ha2 = hash(&format!("{}:{uri}", request.method));
        let response = if self.qop {
            hash(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"))
        } else {
            hash(&format!("{ha1}:{nonce}:{ha2}"))
        };
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(username),
            quoted(realm),
            quoted(nonce),
            quoted(uri)
        );
        if self.token.is_some() {
            value.push_str(&format!(", algorithm={}", self.algorithm.token()));
        }
        if self.qop {
            value.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        value
    }
}

/// A word of the peer, fit for a log line.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::{Authenticator, Credential, Verdict};
    use super::*;
    use crate::sip::message::Method;
    use crate::sip::uri::Uri;
    use crate::vocabulary::Moment;

    fn account() -> OutgoingAccount {
        OutgoingAccount { username: "siaga".into(), password: Secret::new("rahasia".into()) }
    }

    fn register() -> Request {
        Request::new(Method::Register, Uri::read("sip:telco.example"))
            .with(Name::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx")
            .with(Name::CallId, "c")
            .with(Name::CSeq, "7 REGISTER")
            .with(Name::UserAgent, "Siaga112")
    }

    fn challenged(code: u16, lines: &[&str]) -> Response {
        let mut response = register().response(code, "t");
        let name = if code == 407 { Name::ProxyAuthenticate } else { Name::WwwAuthenticate };
        for line in lines {
            response.headers.push(name.clone(), (*line).to_owned());
        }
        response
    }

    fn answer(request: &Request, name: &Name) -> Params {
        credentials(&request.headers.text(name).expect("credentials"))
    }

    #[test]
    fn our_own_authenticator_is_satisfied_by_the_strongest_answer() {
        for (known, token) in
            [(&[Algorithm::Md5, Algorithm::Sha256][..], "SHA-256"), (&[Algorithm::Md5][..], "MD5")]
        {
            let mut dice = Dice::from_number(3);
            let source = "192.0.2.1".parse().unwrap();
            let mut authenticator = Authenticator::new("telco, \"a\"", known, &mut dice);
            // In one line or in several.
            for joined in [false, true] {
                let challenge = authenticator.challenge(Moment(9), source, false, &mut dice);
                // The realm's quotes are escaped on the wire, which this side does not do by itself.
                let escape = |line: &String| line.replace("\"a\"\"", "\\\"a\\\"\"");
                let mut lines: Vec<String> = challenge.iter().map(escape).collect();
                if joined {
                    lines = vec![lines.join(", ")];
                }
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                let mut request = register();
                authorize(&mut request, &challenged(401, &lines), &account(), &mut dice).unwrap();
                let params = answer(&request, &Name::Authorization);
                assert_eq!(params.get("algorithm"), Some(token));
                let right = Credential::from_password("siaga", "telco, \"a\"", "rahasia");
                let verdict = authenticator.check(Moment(10), &request, source, |_| Some(&right));
                assert_eq!(verdict, Verdict::Proven("siaga".into()));
                assert_eq!(request.headers.cseq().unwrap().number, 8);
                assert!(request.headers.first(&Name::Via).is_none());
                assert!(request.headers.first(&Name::UserAgent).is_none());
            }
        }
    }

    #[test]
    fn without_qop_and_algorithm_it_is_plain_md5() {
        let mut request = register();
        let challenge = challenged(407, &["Digest realm=\"r\", nonce=\"n\", opaque=\"o\""]);
        authorize(&mut request, &challenge, &account(), &mut Dice::from_number(1)).unwrap();
        let params = answer(&request, &Name::ProxyAuthorization);
        let md5 = |text: &str| Algorithm::Md5.hash(text);
        let (ha1, ha2) = (md5("siaga:r:rahasia"), md5("REGISTER:sip:telco.example"));
        assert_eq!(params.get("response"), Some(md5(&format!("{ha1}:n:{ha2}")).as_str()));
        assert_eq!(params.get("opaque"), Some("o"));
        for absent in ["qop", "nc", "cnonce", "algorithm"] {
            assert!(!params.has(absent), "{absent}");
        }
    }

    #[test]
    fn the_rfc_7616_example_is_answered_as_printed_there() {
        let challenge = Challenge::read(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        );
        let account = OutgoingAccount {
            username: "Mufasa".into(),
            password: Secret::new("Circle of Life".into()),
        };
        let get = Request::new(Method::Other("GET".into()), Uri::read("/dir/index.html"));
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let value = challenge.unwrap().unwrap().answer(&get, &account, cnonce);
        let printed = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(credentials(&value).get("response"), Some(printed));
    }

    #[test]
    fn refused_credentials_are_not_sent_twice_and_a_stale_nonce_once() {
        let mut dice = Dice::from_number(1);
        let line = |nonce: u8, stale: &str| {
            format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"{stale}")
        };
        let mut answer = |request: &mut Request, line: &str| {
            authorize(request, &challenged(401, &[line]), &account(), &mut dice)
        };
        let refused = Err(CannotAuthorize::Refused("r".into()));
        let mut request = register();
        answer(&mut request, &line(1, "")).unwrap();
        assert_eq!(answer(&mut request.clone(), &line(2, "")), refused);
        assert_eq!(answer(&mut request.clone(), &line(1, ", stale=true")), refused);
        answer(&mut request, &line(2, ", stale=TRUE")).unwrap();
        assert_eq!(request.headers.lines(&Name::Authorization).count(), 1);
        assert_eq!(request.headers.cseq().unwrap().number, 9);
        assert_eq!(answer(&mut request, &line(3, ", stale=true")), refused);
    }

    #[test]
    fn each_realm_of_a_chain_has_its_answer_up_to_a_bound() {
        let mut dice = Dice::from_number(1);
        let mut request = register();
        for realm in 0..limits::REALMS {
            let line = format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
            authorize(&mut request, &challenged(407, &[&line]), &account(), &mut dice).unwrap();
        }
        let realms = request.headers.lines(&Name::ProxyAuthorization).count();
        assert_eq!(realms, limits::REALMS);
        let more = challenged(407, &["Digest realm=\"x\", nonce=\"n\""]);
        let answer = authorize(&mut request, &more, &account(), &mut dice);
        assert_eq!(answer, Err(CannotAuthorize::TooManyRealms));
    }

    #[test]
    fn what_we_do_not_know_is_refused_and_nothing_is_printed() {
        let mut dice = Dice::from_number(1);
        for (lines, why) in [
            (
                &["Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess"][..],
                "algorithm \"MD5-sess\"",
            ),
            (&["Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""], "qop \"auth-int\""),
            (&["Basic realm=\"r\""], "scheme \"Basic\""),
        ] {
            let mut request = register();
            let answer = authorize(&mut request, &challenged(401, lines), &account(), &mut dice);
            assert_eq!(answer, Err(CannotAuthorize::Unsupported(why.into())));
            assert_eq!(request, register());
        }
        for response in [
            challenged(401, &[]),
            challenged(401, &["Digest realm=\"r\""]),
            challenged(401, &[""]),
            challenged(403, &["Digest realm=\"r\", nonce=\"n\""]),
        ] {
            let answer = authorize(&mut register(), &response, &account(), &mut dice);
            assert!(matches!(
                answer,
                Err(CannotAuthorize::NoChallenge | CannotAuthorize::Unsupported(_))
            ));
        }
        assert!(!format!("{:?}", account()).contains("rahasia"));
    }
}
