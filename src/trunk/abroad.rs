//! Numbers of other countries, by the tables of libphonenumber: which country codes there are, and how
//! long their numbers can be.
//!
//! It is asked for nothing Indonesian: those tables know neither our trunks' habits nor service numbers,
//! and read a bare `8123…` as a mobile number where it may be Japan. They rot, too: a number whose
//! country and length are possible is one, whether the tables have its block or not.

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, ValidationError};

/// Most digits of an E.164 number, country code counted (ITU-T E.164 §6).
const E164_DIGITS: usize = 15;

/// What digits with a country code are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A number that may exist.
    Number,
    /// Digits are missing.
    TooShort,
    /// No country has such numbers.
    Nothing,
}

/// Reads digits with a country code before them, the plus left out.
pub(super) fn read(digits: &str) -> Reading {
    if digits.len() > E164_DIGITS {
        return Reading::Nothing;
    }
    match parse(digits) {
        Ok(number) => match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
            Ok(_) => Reading::Number,
            Err(ValidationError::TooShort) => Reading::TooShort,
            Err(_) => Reading::Nothing,
        },
        Err(ParseError::TooShortNsn | ParseError::TooShortAfterIdd) => Reading::TooShort,
        Err(_) => Reading::Nothing,
    }
}

/// The country that a number is of, by ISO 3166: `JP`. None for a number with several, or with none.
#[must_use]
pub fn country(e164: &str) -> Option<String> {
    let digits = e164.strip_prefix('+').filter(|digits| digits.len() <= E164_DIGITS)?;
    let number = parse(digits).ok()?;
    let region = PHONE_NUMBER_UTIL.get_region_for_number(&number)?;
    Some(format!("{region:?}"))
}

/// Reads the tables once, so that no caller waits for it: some milliseconds.
pub fn read_tables() {
    let _ = read("6531234567");
}

fn parse(digits: &str) -> Result<PhoneNumber, ParseError> {
    PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_lengths_are_known() {
        let table = [
            ("81312345678", Reading::Number, Some("JP")),
            ("60123456789", Reading::Number, Some("MY")),
            ("12025550123", Reading::Number, Some("US")),
            ("9999", Reading::Nothing, None),
            ("8131", Reading::TooShort, None),
            ("8131234567890123456789", Reading::Nothing, None),
            ("0", Reading::Nothing, None),
            ("", Reading::Nothing, None),
        ];
        for (digits, reading, of) in table {
            assert_eq!(read(digits), reading, "{digits}");
            if reading == Reading::Number {
                assert_eq!(country(&format!("+{digits}")).as_deref(), of, "{digits}");
            }
        }
        assert_eq!(country("+6281234567890").as_deref(), Some("ID"));
    }
}
