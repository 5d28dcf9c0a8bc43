//! Events for another program, each posted and signed as Standard Webhooks has it: HMAC-SHA256 over id,
//! time and body, so that a receiver knows who wrote it, that nothing was changed, and when.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;

use super::event::{Arrivals, Wish};
use super::outbox::{Letter, Letters};
use super::pops;
use crate::journal::Line;
use crate::store::Store;
use crate::vocabulary::{Secret, WallTime};

/// What a secret begins with that is written as the standard's tools write it.
const PREFIX: &str = "whsec_";

/// Writes events for one receiver.
#[allow(missing_debug_implementations, reason = "functions have nothing to print")]
pub struct Webhook {
    wish: Wish,
    secret: Secret,
    store: Store,
    now: Box<dyn Fn() -> WallTime + Send + Sync>,
}

impl Webhook {
    /// Events of `wish`, signed with `secret`.
    #[must_use]
    pub fn new(
        wish: Wish,
        secret: Secret,
        store: Store,
        now: impl Fn() -> WallTime + Send + Sync + 'static,
    ) -> Self {
        Self { wish, secret, store, now: Box::new(now) }
    }
}

/// The key of a secret: base64 behind `whsec_`, or its bytes as they are.
fn key(secret: &Secret) -> hmac::Key {
    let text = secret.reveal();
    let decoded = text.strip_prefix(PREFIX).and_then(|text| BASE64.decode(text).ok());
    hmac::Key::new(hmac::HMAC_SHA256, &decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
}

fn signature(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> String {
    let mut signed = format!("{id}.{seconds}.").into_bytes();
    signed.extend_from_slice(body);
    format!("v1,{}", BASE64.encode(hmac::sign(&key(secret), &signed)))
}

impl Letters for Webhook {
    type Memory = Arrivals;

    async fn of(&self, line: &Line, arrivals: &mut Arrivals) -> Vec<Letter> {
        let Some(mut event) = self.wish.event(line, arrivals) else { return Vec::new() };
        pops::fill(&mut event, &self.store, &*self.now).await;
        let (id, kind) = (event.offset.to_string(), event.kind.clone());
        vec![Letter { id, kind, body: Bytes::from(event.json()) }]
    }

    fn headers(&self, letter: &Letter, now: WallTime) -> Vec<(&'static str, String)> {
        let seconds = now.0.div_euclid(1_000_000);
        vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", letter.id.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signature(&self.secret, &letter.id, seconds, &letter.body)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // The example of the specification's libraries.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
