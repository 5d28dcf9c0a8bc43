//! Log events on their way to a logger: each a JWS in flattened JSON (RFC 7515, RFC 8037), as the
//! Logging Service of NENA-STA-010.3 takes it.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};
use thiserror::Error;

use super::i3_log::LogBook;
use super::issuer::Issuer;
use super::outbox::{Letter, Letters};
use crate::journal::Line;
use crate::vocabulary::WallTime;

/// A key that signs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it holds no Ed25519 private key (PKCS#8)")]
pub struct KeyError;

/// Writes log events for one logger.
#[derive(Debug)]
pub struct Logger {
    issuer: Issuer,
    /// Without a key events go unsigned (`alg: none`), as the standard allows between elements that
    /// know each other by TLS.
    key: Option<Ed25519KeyPair>,
}

impl Logger {
    /// Events of `issuer`; `key` is a PKCS#8 document in DER.
    ///
    /// # Errors
    /// [`KeyError`] when it holds no such key.
    pub fn new(issuer: Issuer, key: Option<&[u8]>) -> Result<Self, KeyError> {
        let read = |der| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError);
        Ok(Self { issuer, key: key.map(read).transpose()? })
    }

    fn sealed(&self, event: &Value) -> Value {
        let header = match &self.key {
            Some(key) => json!({
                "alg": "EdDSA",
                "jwk": {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": BASE64.encode(key.public_key().as_ref()),
                },
            }),
            None => json!({"alg": "none"}),
        };
        let protected = BASE64.encode(header.to_string());
        let payload = BASE64.encode(event.to_string());
        let signature = self.key.as_ref().map_or_else(String::new, |key| {
            BASE64.encode(key.sign(format!("{protected}.{payload}").as_bytes()))
        });
        json!({"payload": payload, "protected": protected, "signature": signature})
    }
}

impl Letters for Logger {
    type Memory = LogBook;

    fn of(&self, line: &Line, memory: &mut LogBook) -> impl Future<Output = Vec<Letter>> + Send {
        let events = memory.events(line, &self.issuer);
        let letter = |(number, event): (usize, Value)| Letter {
            id: format!("{}-{number}", line.seq),
            kind: event.get("logEventType").and_then(Value::as_str).unwrap_or_default().to_owned(),
            body: Bytes::from(self.sealed(&event).to_string()),
        };
        std::future::ready(events.into_iter().enumerate().map(letter).collect())
    }

    fn headers(&self, _: &Letter, _: WallTime) -> Vec<(&'static str, String)> {
        vec![("content-type", "application/json".to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_signed_event_is_proved_by_the_key_that_it_names() {
        let der = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new());
        let der = der.expect("a key");
        let logger = Logger::new(Issuer::default(), Some(der.as_ref())).expect("a key");
        let event = json!({"logEventType": "CallStartLogEvent"});
        let jws = logger.sealed(&event);
        let text = |member: &str| jws[member].as_str().expect("text").to_owned();
        let bytes = |text: &str| BASE64.decode(text).expect("base64url");
        let header: Value = serde_json::from_slice(&bytes(&text("protected"))).expect("JSON");
        let key = bytes(header["jwk"]["x"].as_str().expect("a key"));
        let signed = format!("{}.{}", text("protected"), text("payload"));
        let proof = UnparsedPublicKey::new(&ED25519, &key);
        assert!(proof.verify(signed.as_bytes(), &bytes(&text("signature"))).is_ok());
        assert!(proof.verify(b"another", &bytes(&text("signature"))).is_err());
        let payload: Value = serde_json::from_slice(&bytes(&text("payload"))).expect("JSON");
        assert_eq!(payload, event);
        let unsigned = Logger::new(Issuer::default(), None).expect("none needed").sealed(&event);
        assert_eq!(unsigned["signature"], "");
        assert!(Logger::new(Issuer::default(), Some(b"no key")).is_err());
    }
}
