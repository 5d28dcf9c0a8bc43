//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): SHA-256 first, MD5 for phones that
//! know nothing else, `qop=auth` only.
//!
//! A nonce carries its own moment and a keyed mark, so that a flood of requests costs no memory;
//! only nonces that a right password has used are remembered, with the highest count seen.

mod client;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use md5::Md5;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::message::Request;
use super::name::Name;
use super::values::Params;
use crate::vocabulary::{Dice, Moment, Secret, hex};

pub use client::{CannotAuthorize, OutgoingAccount, authorize};

/// How long a nonce is good for.
const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Stands in for the hash of an account that there is not.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Nonces remembered with their counts; the oldest go first.
const NONCES: usize = 100_000;

/// One account: a name and the hashes of `name:realm:password`, never the password itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// User name.
    pub username: String,
    /// MD5 of `username:realm:password`, lower-case hexadecimal.
    pub ha1_md5: Option<Secret>,
    /// SHA-256 of the same.
    pub ha1_sha256: Option<Secret>,
}

impl Credential {
    /// The hashes of a password within a realm.
    #[must_use]
    pub fn from_password(username: &str, realm: &str, password: &str) -> Self {
        let text = format!("{username}:{realm}:{password}");
        Self {
            username: username.to_owned(),
            ha1_md5: Some(Secret::new(Algorithm::Md5.hash(&text))),
            ha1_sha256: Some(Secret::new(Algorithm::Sha256.hash(&text))),
        }
    }
}

/// A hash that a challenge may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 8760's preferred one.
    Sha256,
    /// For old phones.
    Md5,
}

impl Algorithm {
    const fn token(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// Lower-case hexadecimal hash of a text.
    #[must_use]
    pub fn hash(self, text: &str) -> String {
        match self {
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
        }
    }
}

/// What a request's credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The named account sent it.
    Proven(String),
    /// None, or a nonce that is too old or already used: challenge (`stale` when the password
    /// was right, so that the phone asks nobody).
    Challenge {
        /// Whether the password was right.
        stale: bool,
    },
    /// A wrong password, an unknown name or credentials that make no sense.
    Wrong,
}

/// Issues challenges and checks answers for one realm.
#[derive(Debug)]
pub struct Authenticator {
    realm: String,
    algorithms: Vec<Algorithm>,
    key: [u64; 2],
    /// Used nonces by their text: moment of issue and highest count.
    used: BTreeMap<String, (Moment, u32)>,
}

impl Authenticator {
    /// An authenticator whose nonces nobody else can make.
    #[must_use]
    pub fn new(realm: &str, algorithms: &[Algorithm], dice: &mut Dice) -> Self {
        Self {
            realm: realm.to_owned(),
            algorithms: algorithms.to_vec(),
            key: [dice.number(), dice.number()],
            used: BTreeMap::new(),
        }
    }

    /// Takes a new list of challenges; nonces that were given stay good.
    pub fn adopt(&mut self, algorithms: &[Algorithm]) {
        self.algorithms = algorithms.to_vec();
    }

    /// The realm of the challenges.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Values of the WWW-Authenticate headers of a challenge, best algorithm first. The nonce is good
    /// for `source` only.
    pub fn challenge(
        &self,
        now: Moment,
        source: IpAddr,
        stale: bool,
        dice: &mut Dice,
    ) -> Vec<String> {
        let issued = format!("{:016x}{:016x}", now.0, dice.number());
        let nonce = format!("{issued}{}", self.mark(&issued, source));
        let stale = if stale { ", stale=true" } else { "" };
        let value = |algorithm: &Algorithm| {
            format!(
                "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
                self.realm,
                algorithm.token()
            )
        };
        self.algorithms.iter().map(value).collect()
    }

    fn mark(&self, issued: &str, source: IpAddr) -> String {
        let [key, end] = self.key;
        let source = source.to_canonical();
        let mut mark = Algorithm::Sha256.hash(&format!("{key:x}{issued}{source}{end:x}"));
        mark.truncate(32);
        mark
    }

    /// Checks the Authorization of a request. `account` finds the credential of a user name.
    pub fn check<'a>(
        &mut self,
        now: Moment,
        request: &Request,
        source: IpAddr,
        account: impl Fn(&str) -> Option<&'a Credential>,
    ) -> Verdict {
        let Some(params) = self.credentials(request) else {
            return Verdict::Challenge { stale: false };
        };
        let issued = self.issued(now, &params, source);
        match (self.proven(request, &params, account), issued) {
            (Some(username), Some(issued)) => self.check_count(now, &params, issued, username),
            (Some(_), None) => Verdict::Challenge { stale: true },
            (None, Some(_)) => Verdict::Wrong,
            // Whoever forges a source has not seen the challenge that went there: nothing is proved
            // against that source.
            (None, None) => Verdict::Challenge { stale: false },
        }
    }

    /// The user name in a request's credentials, proven or not.
    #[must_use]
    pub fn named(&self, request: &Request) -> Option<String> {
        self.credentials(request)?.get("username").map(str::to_owned)
    }

    fn credentials(&self, request: &Request) -> Option<Params> {
        request
            .headers
            .texts(&Name::Authorization)
            .filter_map(|line| Some(Params::read_at(line.trim().split_once(' ')?.1, b',')))
            .find(|p| p.get("realm") == Some(self.realm.as_str()))
    }

    /// The account whose password made the response, if one did.
    fn proven<'a>(
        &self,
        request: &Request,
        params: &Params,
        account: impl Fn(&str) -> Option<&'a Credential>,
    ) -> Option<String> {
        let username = params.get("username")?;
        let algorithm = match params.get("algorithm") {
            Some(token) if token.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(token) if !token.eq_ignore_ascii_case("MD5") => return None,
            _ => Algorithm::Md5,
        };
        let known = account(username).and_then(|credential| match algorithm {
            Algorithm::Sha256 => credential.ha1_sha256.as_ref(),
            Algorithm::Md5 => credential.ha1_md5.as_ref(),
        });
        // An unknown name takes as long as a wrong password.
        let ha1 = known.map_or(NOBODY, |ha1| ha1.reveal());
        if !params.get("qop")?.eq_ignore_ascii_case("auth") {
            return None;
        }
        let ha2 = algorithm.hash(&format!("{}:{}", request.method, params.get("uri")?));
        let expected = algorithm.hash(&format!(
            "{}:{}:{}:{}:auth:{ha2}",
            ha1,
            params.get("nonce")?,
            params.get("nc")?,
            params.get("cnonce")?,
        ));
        let given = params.get("response")?.to_ascii_lowercase();
        let equal: bool = given.as_bytes().ct_eq(expected.as_bytes()).into();
        (equal && known.is_some()).then(|| username.to_owned())
    }

    /// When we gave the nonce to this source; none when we did not, or too long ago.
    fn issued(&self, now: Moment, params: &Params, source: IpAddr) -> Option<Moment> {
        let nonce = params.get("nonce")?;
        let issued = nonce.get(..32)?;
        let mark = self.mark(issued, source);
        let made_here: bool = nonce.get(32..)?.as_bytes().ct_eq(mark.as_bytes()).into();
        let moment = Moment(u64::from_str_radix(issued.get(..16)?, 16).ok()?);
        (made_here && now >= moment && now.since(moment) <= NONCE_LIFE).then_some(moment)
    }

    /// The count of the nonce must rise (RFC 7616 §3.4).
    fn check_count(
        &mut self,
        now: Moment,
        params: &Params,
        moment: Moment,
        username: String,
    ) -> Verdict {
        let stale = Verdict::Challenge { stale: true };
        let nonce = params.get("nonce").unwrap_or("");
        let count = params.get("nc").and_then(|nc| u32::from_str_radix(nc, 16).ok());
        let Some(count) = count else { return stale };
        let highest = self.used.get(nonce).map_or(0, |(_, count)| *count);
        if count <= highest {
            return stale;
        }
        self.used.insert(nonce.to_owned(), (moment, count));
        // Nonces sort by their moment of issue, so the oldest are the first.
        while let Some((text, (moment, _))) = self.used.first_key_value() {
            if now.since(*moment) <= NONCE_LIFE && self.used.len() <= NONCES {
                break;
            }
            let text = text.clone();
            self.used.remove(&text);
        }
        Verdict::Proven(username)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Method;
    use super::super::uri::Uri;
    use super::*;

    const BOTH: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];
    const URI: &str = "sip:112.example;transport=udp";

    fn answer(challenge: &str, password: &str, nc: &str, algorithm: Algorithm) -> Request {
        let params = Params::read_at(challenge.trim_start_matches("Digest "), b',');
        let nonce = params.get("nonce").unwrap();
        let ha1 = algorithm.hash(&format!("seat-1:112.example:{password}"));
        let ha2 = algorithm.hash(&format!("REGISTER:{URI}"));
        let response = algorithm.hash(&format!("{ha1}:{nonce}:{nc}:c:auth:{ha2}"));
        Request::new(Method::Register, Uri::read("sip:112.example")).with(
            Name::Authorization,
            format!(
                "Digest username=\"seat-1\", realm=\"112.example\", nonce=\"{nonce}\", uri=\"{URI}\", \
                 response=\"{response}\", algorithm={}, cnonce=\"c\", qop=auth, nc={nc}",
                algorithm.token()
            ),
        )
    }

    #[test]
    fn the_right_password_once_per_count_and_in_time() {
        let mut dice = Dice::from_number(1);
        let mut authenticator = Authenticator::new("112.example", &BOTH, &mut dice);
        let account = Credential::from_password("seat-1", "112.example", "rahasia");
        let find = |name: &str| (name == "seat-1").then_some(&account);
        let phone = "192.0.2.21".parse().unwrap();
        let challenge = Verdict::Challenge { stale: false };
        let start = Moment(1_000_000);
        let challenges = authenticator.challenge(start, phone, false, &mut dice);
        let (sha, md5) = (&challenges[0], &challenges[1]);
        let proven = Verdict::Proven("seat-1".into());
        let stale = Verdict::Challenge { stale: true };
        let later = start.after(Duration::from_secs(10));
        for (request, at, expected) in [
            (answer(sha, "rahasia", "00000001", Algorithm::Sha256), later, &proven),
            (answer(sha, "rahasia", "00000001", Algorithm::Sha256), later, &stale),
            (answer(md5, "rahasia", "0000000a", Algorithm::Md5), later, &proven),
            (answer(md5, "rahasia", "00000009", Algorithm::Md5), later, &stale),
            (answer(md5, "salah", "0000000b", Algorithm::Md5), later, &Verdict::Wrong),
            (
                answer(md5, "rahasia", "000000ff", Algorithm::Md5),
                start.after(Duration::from_secs(301)),
                &stale,
            ),
        ] {
            assert_eq!(&authenticator.check(at, &request, phone, find), expected);
        }
        let forged = sha.replace("nonce=\"0", "nonce=\"1");
        let request = answer(&forged, "rahasia", "00000001", Algorithm::Sha256);
        assert_eq!(authenticator.check(later, &request, phone, find), stale);
        let none = Request::new(Method::Register, Uri::read("sip:112.example"));
        assert_eq!(authenticator.check(later, &none, phone, find), challenge);
        // Guesses count only against who has seen our challenge: sources can be forged.
        let guess = answer(sha, "salah", "00000001", Algorithm::Sha256);
        assert_eq!(authenticator.check(later, &guess, phone, find), Verdict::Wrong);
        let other = "192.0.2.22".parse().unwrap();
        assert_eq!(authenticator.check(later, &guess, other, find), challenge);
        let right = answer(sha, "rahasia", "00000002", Algorithm::Sha256);
        assert_eq!(authenticator.check(later, &right, other, find), stale);
        // A name that there is not is answered like a wrong password.
        assert_eq!(authenticator.check(later, &right, phone, |_| None), Verdict::Wrong);
    }

    #[test]
    fn the_rfc_7616_example_hashes_as_printed_there() {
        let ha1 = Algorithm::Sha256.hash("Mufasa:http-auth@example.org:Circle of Life");
        let ha2 = Algorithm::Sha256.hash("GET:/dir/index.html");
        let response = Algorithm::Sha256.hash(&format!(
            "{ha1}:7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:\
             f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth:{ha2}"
        ));
        assert_eq!(response, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    }
}
