//! The Indonesian number plan: what a user part says, and its E.164 form where that is certain.
//!
//! It never guesses: a number with two readings has no normal form, because a call back to a
//! stranger helps nobody; a trunk's profile may say which reading is meant. The raw form is always kept.
//! Numbers of other countries are read by the tables of libphonenumber (`abroad.rs`).

use super::abroad;
use crate::vocabulary::{NumberClass, Phone, Private};

/// Prefixes of international calls from Indonesia. `00` is none of them.
const INTERNATIONAL_PREFIXES: [&str; 3] = ["001", "007", "008"];
/// Country code of Indonesia.
const COUNTRY: &str = "62";

/// Reads a user part as a caller's number. `area_code` is the trunk's own, such as `0328`: it
/// completes numbers in local form.
#[must_use]
pub fn phone(raw: &str, area_code: &str) -> Phone {
    phone_by(raw, area_code, &[])
}

/// The same, where the trunk's profile says what the beginnings of numbers mean that have no certain
/// reading of their own.
#[must_use]
pub fn phone_by(raw: &str, area_code: &str, prefixes: &[Prefix]) -> Phone {
    let text = clean(raw);
    let (class, e164) = match read(&text, area_code) {
        (NumberClass::Ambiguous | NumberClass::Unparsed, None) => {
            let meant = Prefix::apply(prefixes, &text).map(|meant| read(&meant, area_code));
            let certain = meant.filter(|(_, e164)| e164.is_some());
            certain.unwrap_or_else(|| read(&text, area_code))
        }
        reading => reading,
    };
    Phone { raw: Private::new(raw.to_owned()), e164: e164.map(Private::new), class }
}

/// What the beginning of a number means on one trunk: `8` is `+628`, `00` is `+`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Digits as they come.
    pub from: String,
    /// What stands for them: `+`, or `+` or `0` with digits.
    pub to: String,
}

impl Prefix {
    /// The number as the longest beginning that fits has it.
    fn apply(prefixes: &[Self], text: &str) -> Option<String> {
        let fits = prefixes.iter().filter_map(|p| Some((p, text.strip_prefix(p.from.as_str())?)));
        let (prefix, rest) = fits.max_by_key(|(prefix, _)| prefix.from.len())?;
        Some(format!("{}{rest}", prefix.to))
    }
}

/// Mobile numbers by the operator that the block was given to, after the country code. People may
/// take their number along, so this is a hint and never evidence.
const BLOCKS: [(&str, &[&str]); 5] = [
    ("Telkomsel", &["811", "812", "813", "821", "822", "823", "851", "852", "853"]),
    ("Indosat", &["814", "815", "816", "855", "856", "857", "858"]),
    (
        "XL/Axis",
        &[
            "817", "818", "819", "859", "877", "878", "831", "832", "833", "834", "835", "836",
            "837", "838",
        ],
    ),
    ("Tri", &["895", "896", "897", "898", "899"]),
    ("Smartfren", &["881", "882", "883", "884", "885", "886", "887", "888", "889"]),
];

/// Whose block an Indonesian mobile number is of.
#[must_use]
pub fn issued_by(phone: &Phone) -> Option<&'static str> {
    let national = phone.e164.as_ref()?.reveal().strip_prefix("+62")?;
    let of = |blocks: &[&str]| blocks.iter().any(|block| national.starts_with(block));
    BLOCKS.iter().find(|(_, blocks)| of(blocks)).map(|(name, _)| *name)
}

/// The user part without its parameters, percent-encoding and visual separators (RFC 3966 §5.1.1).
#[must_use]
pub fn clean(user: &str) -> String {
    let number = user.split(';').next().unwrap_or("");
    let separator = |c: &char| !matches!(c, ' ' | '\t' | '-' | '.' | '(' | ')');
    percent_decoded(number).chars().filter(separator).collect()
}

/// `%2B62` → `+62` (RFC 3261 §19.1.2); what is no escape stays as it is.
#[must_use]
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| first == b'%').and_then(hexadecimal);
        bytes.push(escape.unwrap_or(first));
        rest = if escape.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(pair: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(pair).ok()?;
    if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(text, 16).ok()
}

/// A class, and the normal form where one is certain.
type Reading = (NumberClass, Option<String>);

fn read(text: &str, area_code: &str) -> Reading {
    let (plus, digits) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let word = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if text.is_empty() {
        return (NumberClass::Absent, None);
    }
    if word(&["anonymous", "restricted", "private", "withheld"]) {
        return (NumberClass::Withheld, None);
    }
    if word(&["unavailable", "unknown"]) {
        return (NumberClass::Unavailable, None);
    }
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return (NumberClass::Unparsed, None);
    }
    // 911 and the last seven digits of the IMEI (ANSI J-STD-036); no Indian number is so short.
    if digits.len() == 10 && digits.starts_with("911") {
        return (NumberClass::NoCallback, None);
    }
    if plus {
        return international(digits);
    }
    if digits.starts_with("00") {
        let prefix = INTERNATIONAL_PREFIXES.iter().find_map(|p| digits.strip_prefix(p));
        return prefix.map_or((NumberClass::Unparsed, None), international);
    }
    match digits.strip_prefix('0') {
        Some(national_digits) => national(national_digits),
        None => bare(digits, area_code),
    }
}

/// Digits with a country code.
fn international(digits: &str) -> Reading {
    if let Some(rest) = digits.strip_prefix(COUNTRY) {
        // `+62 (0)812…`: the trunk prefix is written though it is not dialled after +62.
        return national(rest.strip_prefix('0').unwrap_or(rest));
    }
    match abroad::read(digits) {
        abroad::Reading::Number => (NumberClass::International, Some(format!("+{digits}"))),
        abroad::Reading::TooShort => (NumberClass::TooShort, None),
        abroad::Reading::Nothing => (NumberClass::Unparsed, None),
    }
}

/// Indonesian digits after the trunk prefix or country code: mobile `8…` of 9 to 12 digits, or an
/// area code of 2 or 3 digits and 5 to 8 more.
fn national(digits: &str) -> Reading {
    let (class, shortest, longest) = match digits.bytes().next() {
        Some(b'8') => (NumberClass::Mobile, 9, 12),
        Some(b'2'..=b'7' | b'9') => (NumberClass::Fixed, 7, 11),
        Some(b'1') if digits.len() == 3 => return (NumberClass::ServiceNumber, None),
        Some(_) => return (NumberClass::Unparsed, None),
        None => return (NumberClass::TooShort, None),
    };
    // No subscriber number begins with 1: what is left after an area code is a service.
    let service = |area: usize| digits.len() == area + 3 && digits.get(area..=area) == Some("1");
    if class == NumberClass::Fixed && (service(2) || service(3)) {
        (NumberClass::ServiceNumber, None)
    } else if digits.len() < shortest {
        (NumberClass::TooShort, None)
    } else if digits.len() > longest {
        (NumberClass::Unparsed, None)
    } else {
        (class, Some(format!("+{COUNTRY}{digits}")))
    }
}

/// Digits without any prefix: a service, a country code without its plus, or a local number.
fn bare(digits: &str, area_code: &str) -> Reading {
    // `112`, and `1120328` of switches that append the area.
    if digits.starts_with('1') && digits.len() >= 3 {
        let short = digits.len() <= 7;
        let class = if short { NumberClass::ServiceNumber } else { NumberClass::Unparsed };
        return (class, None);
    }
    if let Some(rest) = digits.strip_prefix(COUNTRY) {
        let reading = national(rest.strip_prefix('0').unwrap_or(rest));
        let too_short = reading.0 == NumberClass::TooShort || reading.0 == NumberClass::Unparsed;
        if !(too_short && (6..=7).contains(&digits.len())) {
            return reading;
        }
    }
    match digits.len() {
        0..5 => (NumberClass::TooShort, None),
        5..=8 => local(digits, area_code),
        // An Indonesian mobile without its zero, or another country without its plus: 81 is Japan.
        9..=12 if digits.starts_with('8') => (NumberClass::Ambiguous, None),
        _ => (NumberClass::Unparsed, None),
    }
}

fn local(digits: &str, area_code: &str) -> Reading {
    let area = area_code.trim();
    let area = area.strip_prefix('0').unwrap_or(area);
    if !(2..=3).contains(&area.len()) || !area.bytes().all(|b| b.is_ascii_digit()) {
        return (NumberClass::Unparsed, None);
    }
    national(&format!("{area}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_name(class: NumberClass) -> String {
        serde_json::to_value(class).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn the_table_of_numbers_is_read_as_it_says() {
        let mut rows = 0;
        let table = include_str!("../../tests/fixtures/numbers.csv");
        for line in table.lines().filter(|l| !l.starts_with('#')).skip(1) {
            let cells: Vec<&str> = line.splitn(5, ',').collect();
            let phone = phone(cells[0], cells[1]);
            let e164 = phone.e164.as_ref().map_or("", |p| p.reveal());
            assert_eq!((e164, class_name(phone.class).as_str()), (cells[2], cells[3]), "{line}");
            assert_eq!(phone.raw.reveal(), cells[0]);
            rows += 1;
        }
        assert_eq!(rows, 23, "every row is looked at");
    }

    #[test]
    fn forms_that_the_table_lacks() {
        // raw, area, e164, class
        let table = [
            ("%2B6281234567890", "0328", "+6281234567890", "mobile"),
            ("+62%20328%20671234", "0328", "+62328671234", "fixed"),
            ("628112", "0328", "+62328628112", "fixed"),
            ("62811234", "0328", "", "too-short"),
            ("671234", "", "", "unparsed"),
            ("0021112", "021", "", "unparsed"),
            ("021112", "021", "", "service-number"),
            ("+62328112", "0328", "", "service-number"),
            ("+9112200001", "0328", "", "no-callback"),
            ("+60123456789", "0328", "+60123456789", "international"),
            ("00160123456789", "0328", "+60123456789", "international"),
            ("+6012", "0328", "", "too-short"),
            ("+1555123", "0328", "", "too-short"),
            ("+999123456789", "0328", "", "unparsed"),
            ("+510101234567890", "0328", "", "unparsed"),
            ("+1234567890123456", "0328", "", "unparsed"),
            ("15551234567", "0328", "", "unparsed"),
            ("08123456789012345", "0328", "", "unparsed"),
            ("Anonymous", "0328", "", "withheld"),
            ("pos-siaga", "0328", "", "unparsed"),
            ("+", "0328", "", "unparsed"),
            ("0", "0328", "", "too-short"),
            ("٠٨١٢٣٤٥٦٧٨٩٠", "0328", "", "unparsed"),
            ("%", "0328", "", "unparsed"),
            ("%+2", "0328", "", "unparsed"),
        ];
        for (raw, area, e164, class) in table {
            let phone = phone(raw, area);
            let found = phone.e164.as_ref().map_or("", |p| p.reveal());
            assert_eq!((found, class_name(phone.class).as_str()), (e164, class), "{raw}");
        }
    }
    #[test]
    fn a_trunk_s_profile_decides_what_has_two_readings_and_nothing_else() {
        let prefix = |from: &str, to: &str| Prefix { from: from.into(), to: to.into() };
        let here = [prefix("8", "+628"), prefix("00", "+"), prefix("0062", "+62")];
        let japan = [prefix("81", "+81")];
        // raw, prefixes, e164
        let table: [(&str, &[Prefix], &str); 8] = [
            ("81234567890", &here, "+6281234567890"),
            ("81312345678", &japan, "+81312345678"),
            ("0062 812-3456-7890", &here, "+6281234567890"),
            ("00441632960961", &here, "+441632960961"),
            // What has a reading keeps it.
            ("0328671234", &here, "+62328671234"),
            ("867123", &here, "+62328867123"),
            ("112", &here, ""),
            ("9112200001", &[prefix("9", "+629")], ""),
        ];
        for (raw, prefixes, expected) in table {
            let phone = phone_by(raw, "0328", prefixes);
            assert_eq!(phone.e164.as_ref().map_or("", |p| p.reveal()), expected, "{raw}");
            assert_eq!(phone.raw.reveal(), raw);
        }
    }

    #[test]
    fn a_block_of_numbers_hints_at_its_operator() {
        let of = |raw: &str| issued_by(&phone(raw, "0328"));
        assert_eq!(of("081234567890"), Some("Telkomsel"));
        assert_eq!(of("0857 1234 5678"), Some("Indosat"));
        assert_eq!(of("087812345678"), Some("XL/Axis"));
        assert_eq!(of("089612345678"), Some("Tri"));
        assert_eq!(of("088112345678"), Some("Smartfren"));
        assert_eq!((of("0328671234"), of("+81312345678"), of("anonymous")), (None, None, None));
    }
}
