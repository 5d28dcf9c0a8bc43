//! The client's half of digest authentication: RFC 7616, MD5 and SHA-256, qop=auth.

use md5::Md5;
use sha2::{Digest, Sha256};

/// Name and password of a phone or trunk.
#[derive(Clone, Debug)]
pub struct Account {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl Account {
    /// The `Authorization` value that answers `challenge` (a `WWW-Authenticate` value).
    pub fn answer(&self, challenge: &str, method: &str, uri: &str) -> String {
        let part = |name| parameter(challenge, name);
        let (realm, nonce) = (part("realm").expect("realm"), part("nonce").expect("nonce"));
        let algorithm = part("algorithm").unwrap_or_else(|| "MD5".to_owned());
        let hash = |text: String| match algorithm.to_ascii_uppercase().as_str() {
            "MD5" => hex(&Md5::digest(text)),
            "SHA-256" => hex(&Sha256::digest(text)),
            other => panic!("no phone knows {other}"),
        };
        let (count, own, user) = ("00000001", "0a4f113b", &self.username);
        let secret = hash(format!("{user}:{realm}:{}", self.password));
        let request = hash(format!("{method}:{uri}"));
        let response = hash(format!("{secret}:{nonce}:{count}:{own}:auth:{request}"));
        let opaque = part("opaque").map_or_else(String::new, |o| format!(", opaque=\"{o}\""));
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}, cnonce=\"{own}\", qop=auth, \
             nc={count}{opaque}"
        )
    }
}

/// One parameter of a challenge, quoted or not.
pub fn parameter(challenge: &str, name: &str) -> Option<String> {
    let list = challenge.trim().strip_prefix("Digest")?;
    list.split(',').find_map(|item| {
        let (key, value) = item.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
