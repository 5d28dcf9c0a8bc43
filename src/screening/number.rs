//! By which number a caller is known again: E.164 where there is one, else digits that somebody could
//! have. Who has no number of their own is never known again, and so never marked for another's calls.

use crate::vocabulary::{NumberClass, Phone, Private};

/// Digits that a number has at least to be anybody's: shorter ones are services and extensions.
const SHORTEST: usize = 5;
/// Digits of the longest number that is believed: E.164 has 15, a prefix before it a few more.
const LONGEST: usize = 20;

/// The number by which a caller is known again; none for who withholds it, has no SIM or no number.
#[must_use]
pub fn known_number(phone: &Phone) -> Option<Private<String>> {
    match phone.class {
        NumberClass::Withheld
        | NumberClass::Unavailable
        | NumberClass::Absent
        | NumberClass::NoCallback
        | NumberClass::ServiceNumber
        | NumberClass::TooShort => None,
        NumberClass::Mobile
        | NumberClass::Fixed
        | NumberClass::International
        | NumberClass::Ambiguous
        | NumberClass::Unparsed => {
            let number = phone.e164.as_ref().unwrap_or(&phone.raw);
            is_real(number.reveal()).then(|| number.clone())
        }
    }
}

/// Whether the text is a number that somebody could have: 5 to 20 digits, perhaps behind a plus, and
/// not all the same.
pub(super) fn is_real(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number).as_bytes();
    (SHORTEST..=LONGEST).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && digits.iter().any(|d| Some(d) != digits.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(raw: &str, e164: Option<&str>, class: NumberClass) -> Phone {
        let private = |text: &str| Private::new(text.to_owned());
        Phone { raw: private(raw), e164: e164.map(private), class }
    }

    #[test]
    fn a_caller_is_known_by_the_best_form_of_a_real_number() {
        let known = |phone: &Phone| known_number(phone).map(|n| n.reveal().clone());
        let mobile = phone("081234567890", Some("+6281234567890"), NumberClass::Mobile);
        assert_eq!(known(&mobile).as_deref(), Some("+6281234567890"));
        let ambiguous = phone("8123456789", None, NumberClass::Ambiguous);
        assert_eq!(known(&ambiguous).as_deref(), Some("8123456789"));
        for nobody in [
            phone("anonymous", None, NumberClass::Withheld),
            phone("9111234567", None, NumberClass::NoCallback),
            phone("112", None, NumberClass::ServiceNumber),
            phone("1234", None, NumberClass::TooShort),
            phone("pbx-17", None, NumberClass::Unparsed),
            phone("0000000000", None, NumberClass::Unparsed),
            phone("123456789012345678901", None, NumberClass::Unparsed),
            Phone::default(),
        ] {
            assert_eq!(known(&nobody), None, "{nobody:?}");
        }
    }
}
