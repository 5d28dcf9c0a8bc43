//! The second factor: six digits that a telephone's program makes anew every 30 seconds from a key that
//! both know (TOTP, RFC 6238 with the parameters that every program takes: SHA-1, 6 digits, 30 s), and
//! eight words on paper for the day the telephone is lost.
//!
//! A code counts once. The key is a secret that can be read back, as it must be; it prints as `***`.

use std::fmt;

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::Fingerprint;
use crate::vocabulary::WallTime;

/// Seconds that a code is the current one.
const STEP: i64 = 30;
/// Codes before and after the current one that are taken: telephones' clocks are not exact.
const DRIFT: u64 = 1;
/// Random bytes of a key (RFC 4226 §4 recommends 160 bits).
pub const KEY_BYTES: usize = 20;
/// Random bytes of all recovery codes together.
pub const RECOVERY_BYTES: usize = RECOVERY * RECOVERY_EACH;
/// Recovery codes of one person.
const RECOVERY: usize = 8;
const RECOVERY_EACH: usize = 5;

/// The second factor of a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// In base 32, as people type it.
    key: String,
    /// The step of the last code that counted.
    #[serde(default)]
    last: u64,
    /// What is kept of the recovery codes that are left.
    #[serde(default)]
    recovery: Vec<Fingerprint>,
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Second {
    /// A new one, of random bits.
    #[must_use]
    pub fn new(chance: [u8; KEY_BYTES]) -> Self {
        Self { key: BASE32_NOPAD.encode(&chance), last: 0, recovery: Vec::new() }
    }

    /// The key as people type it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What a telephone's program reads from a picture (the form that Google's Authenticator began).
    #[must_use]
    pub fn uri(&self, issuer: &str, name: &str) -> String {
        let (issuer, name, key) = (escaped(issuer), escaped(name), &self.key);
        format!(
            "otpauth://totp/{issuer}:{name}?secret={key}&issuer={issuer}&algorithm=SHA1&digits=6&period={STEP}"
        )
    }

    /// Recovery codes left.
    #[must_use]
    pub const fn recovery_left(&self) -> usize {
        self.recovery.len()
    }

    /// Makes recovery codes of random bits; those before count no more. They are shown this once.
    pub fn new_recovery(&mut self, chance: [u8; RECOVERY_BYTES]) -> Vec<String> {
        let codes: Vec<String> = chance
            .chunks(RECOVERY_EACH)
            .map(|bits| {
                let mut code = BASE32_NOPAD.encode(bits).to_ascii_lowercase();
                code.insert(4, '-');
                code
            })
            .collect();
        self.recovery = codes.iter().map(|code| Fingerprint::of(&bare(code))).collect();
        codes
    }

    /// Takes a code, or a recovery code in its place; each counts once.
    pub fn take(&mut self, now: WallTime, code: &str) -> bool {
        let code = bare(code);
        if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
            return self.take_digits(now, &code);
        }
        let kept = Fingerprint::of(&code);
        let place = self.recovery.iter().position(|known| *known == kept);
        place.map(|place| self.recovery.remove(place)).is_some()
    }

    fn take_digits(&mut self, now: WallTime, code: &str) -> bool {
        let step = u64::try_from(now.0.div_euclid(STEP * 1_000_000)).unwrap_or_default();
        let Ok(key) = BASE32_NOPAD.decode(self.key.as_bytes()) else { return false };
        let mut found = None;
        // All of them each time: time does not tell which one it was.
        for step in step.saturating_sub(DRIFT)..=step + DRIFT {
            let same: bool = digits(&key, step).as_bytes().ct_eq(code.as_bytes()).into();
            if same && step > self.last {
                found = Some(step);
            }
        }
        found.map(|step| self.last = step).is_some()
    }
}

/// RFC 4226 §5.3.
fn digits(key: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let cut = tag.get(offset..offset + 4).and_then(|four| four.try_into().ok());
    let number = u32::from_be_bytes(cut.unwrap_or_default()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// A code without what people put between its parts.
fn bare(code: &str) -> String {
    let kept = code.chars().filter(|c| c.is_ascii_alphanumeric()).take(32);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> WallTime {
        WallTime(seconds * 1_000_000)
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let mut second = Second::new(*b"12345678901234567890");
            assert!(second.take(at(seconds), code), "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once_and_a_clock_may_be_half_a_minute_off() {
        let mut second = Second::new(*b"12345678901234567890");
        assert!(second.take(at(59 + 30), "287 082"), "the one before");
        assert!(!second.take(at(59 + 30), "287082"), "used");
        assert!(!second.take(at(59), "287082"), "used, whatever the clock says");
        let mut second = Second::new(*b"12345678901234567890");
        assert!(!second.take(at(59 + 60), "287082"), "too old");
        assert!(!second.take(at(59), "287083") && !second.take(at(59), ""));
        assert!(second.take(at(20), "287082"), "the one after");
    }

    #[test]
    fn a_recovery_code_opens_once() {
        let mut second = Second::new([7; KEY_BYTES]);
        let mut chance = [0; RECOVERY_BYTES];
        for (byte, n) in chance.iter_mut().zip(0_u8..) {
            *byte = n;
        }
        let codes = second.new_recovery(chance);
        assert_eq!((codes.len(), second.recovery_left()), (8, 8));
        assert!(second.take(at(0), &codes[3].to_uppercase()));
        assert!(!second.take(at(0), &codes[3]) && second.recovery_left() == 7);
        assert!(!second.take(at(0), "abcd-efgh"));
        let text = serde_json::to_string(&second).expect("JSON");
        assert!(!text.contains(&codes[0]) && format!("{second:?}") == "***");
    }

    #[test]
    fn what_a_telephone_reads_names_the_centre_and_the_person() {
        let uri = Second::new([0; KEY_BYTES]).uri("NTPD 112 Sumenep", "siti");
        let wanted = "otpauth://totp/NTPD%20112%20Sumenep:siti?secret=AAAA";
        assert!(uri.starts_with(wanted) && uri.ends_with("&digits=6&period=30"), "{uri}");
    }
}
