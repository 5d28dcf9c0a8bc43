//! Takes numbers and names out of texts. Values in, values out; what it hides keeps its length.
//!
//! It must never leave a number because of how it is written: what it may leave is told by the name of a
//! field (our own ids, hashes, addresses of machines), and not by what stands beside the digits.

use serde_json::Value;

use crate::trunk::number_plan::phone;
use crate::vocabulary::{Uid, WallTime};

/// What stands for something hidden whose length says nothing.
pub(super) const HIDDEN: &str = "███";
/// Digits of a telephone number at least: a landline of the island has six. There is no most: two that
/// stand beside one another are hidden too.
const DIGITS: usize = 6;
/// What may stand between two digits of one number at most: `0812 - 3456`.
const BETWEEN: usize = 3;
/// Groups of digits in which somebody writes their own number at most.
const GROUPS: usize = 20;
/// Fields with a caller's number: whole, whatever is in them.
pub(super) const NUMBERS: [&str; 3] = ["caller_raw", "caller_e164", "caller_number"];
/// Fields with one of our own ids, or a list of them.
const IDS: [&str; 19] = [
    "id",
    "call",
    "calls",
    "incident",
    "record",
    "work",
    "attempt",
    "by_call",
    "during",
    "into",
    "also",
    "offer",
    "callback",
    "other",
    "to",
    "subject",
    "merged_into",
    "links",
    "stream",
];
/// Fields that say which district, cell or place: their digits are no numbers of people.
const PLACES: [&str; 8] =
    ["kecamatan", "cell", "area", "coordinates", "latitude", "longitude", "dialled", "service"];
/// Fields in which digits with dots are addresses of machines.
const MACHINES: [&str; 2] = ["source", "raw"];

/// What stands for one letter.
pub(super) const fn hidden(letter: char) -> char {
    if matches!(letter, ' ' | '\n') { letter } else { '█' }
}

/// Which numbers are hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// None.
    Keep,
    /// All.
    Hide,
    /// All but this one, E.164 where it has such a form.
    HideBut(Own),
}

/// Somebody's own number, however it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// E.164, or as it was typed.
    pub number: String,
    /// The centre's area code, which completes numbers in local form.
    pub area_code: String,
}

impl Own {
    /// Whether `text` is this number, and no other beside it.
    pub fn is(&self, text: &str) -> bool {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let dialled: String =
            text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '%')).collect();
        let said = |text: &str| {
            phone(text, &self.area_code).e164.is_some_and(|e164| *e164.reveal() == self.number)
        };
        // Parameters of a user part are no part of its number; a second number is.
        let more = text.split(';').skip(1).any(|part| digits(part).len() >= DIGITS);
        (!more && said(text)) || said(&dialled) || digits(text) == digits(&self.number)
    }
}

/// What is taken out of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scrub {
    pub numbers: Numbers,
    /// Words, in lower case.
    pub names: Vec<String>,
}

impl Scrub {
    /// The text without them.
    pub fn text(&self, text: &str) -> String {
        self.written(text, false)
    }

    /// `machines`: dots and colons stand in addresses here, and in no number.
    fn written(&self, text: &str, machines: bool) -> String {
        let text = match &self.numbers {
            Numbers::Keep => text.to_owned(),
            Numbers::Hide => without_numbers(text, machines, None),
            Numbers::HideBut(own) => without_numbers(text, machines, Some(own)),
        };
        without_words(&text, &self.names)
    }

    /// Whether this field with a caller's number is taken out.
    pub fn hides(&self, number: &str) -> bool {
        match &self.numbers {
            Numbers::Keep => false,
            Numbers::Hide => true,
            Numbers::HideBut(own) => !own.is(number),
        }
    }

    /// Whether a text holds the number that is not hidden.
    pub fn shows(&self, text: &str) -> bool {
        let Numbers::HideBut(own) = &self.numbers else { return false };
        without_numbers(text, false, None) != without_numbers(text, false, Some(own))
    }

    /// Takes them out of every text of a value. Times stay, and our own ids where one is expected.
    pub fn value(&self, value: &mut Value) {
        self.field("", false, value);
    }

    fn field(&self, key: &str, machines: bool, value: &mut Value) {
        match value {
            Value::String(text) => {
                if NUMBERS.contains(&key) {
                    if self.hides(text) {
                        HIDDEN.clone_into(text);
                    }
                } else if !is_ours(key, text) {
                    *text = self.written(text, machines);
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| self.field(key, machines, value)),
            Value::Object(all) => {
                for (key, value) in all {
                    self.field(key, machines || MACHINES.contains(&key.as_str()), value);
                }
            }
            _ => {}
        }
    }
}

/// Whether the text of a field is no text of anybody, but a time, an id, a hash, a place.
fn is_ours(key: &str, text: &str) -> bool {
    let id = || text.parse::<Uid>().is_ok();
    let hash = || text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    // The file of a recording is called after its call.
    let file = || text.get(..16).is_some_and(|id| id.parse::<Uid>().is_ok());
    WallTime::parse(text).is_some()
        || PLACES.contains(&key)
        || (IDS.contains(&key) && id())
        || (matches!(key, "sha256" | "prev" | "link") && hash())
        || (key == "file" && text.len() <= 40 && file())
}

/// A letter as it is read, and how many letters of the text write it.
type Sign = (char, usize);

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric())
}

fn without_numbers(text: &str, machines: bool, own: Option<&Own>) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut marks = vec![Mark::None; letters.len()];
    let plain: Vec<Sign> = letters.iter().map(|c| (*c, 1)).collect();
    mark(&plain, machines, own, &mut marks);
    // `0812%2D3456` is a number too (RFC 3986 §2.1).
    let decoded = decoded(&letters);
    if decoded.len() < letters.len() {
        mark(&decoded, machines, own, &mut marks);
    }
    let each = letters.iter().zip(marks);
    each.map(|(c, mark)| if mark == Mark::Hidden { hidden(*c) } else { *c }).collect()
}

/// What is done with a letter; later is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    None,
    Hidden,
    Kept,
}

fn decoded(letters: &[char]) -> Vec<Sign> {
    let mut signs = Vec::with_capacity(letters.len());
    let mut rest = letters;
    while let Some((&first, after)) = rest.split_first() {
        let code = match rest {
            ['%', high, low, ..] => high.to_digit(16).zip(low.to_digit(16)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                // Half a letter of another alphabet separates, whatever it is.
                let byte = u8::try_from(high * 16 + low).unwrap_or_default();
                signs.push((if byte.is_ascii() { char::from(byte) } else { '?' }, 3));
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                signs.push((first, 1));
                rest = after;
            }
        }
    }
    signs
}

/// Marks what is part of a number.
fn mark(signs: &[Sign], machines: bool, own: Option<&Own>, marks: &mut [Mark]) {
    let joins = |c: char| !(c.is_alphanumeric() || machines && matches!(c, '.' | ':'));
    let mut begins = Vec::with_capacity(signs.len() + 1);
    let mut place = 0;
    for (_, width) in signs {
        begins.push(place);
        place += width;
    }
    begins.push(place);
    let sign = |at: usize| signs.get(at).map(|(c, _)| *c);
    let mut set = |from: usize, to: usize, mark: Mark| {
        let range =
            begins.get(from).copied().unwrap_or(place)..begins.get(to).copied().unwrap_or(place);
        for old in marks.get_mut(range).unwrap_or_default() {
            *old = mark.max(*old);
        }
    };
    let mut at = 0;
    while at < signs.len() {
        if !sign(at).is_some_and(is_digit) {
            at += 1;
            continue;
        }
        // Groups of digits, each from its first to behind its last.
        let mut groups: Vec<(usize, usize)> = Vec::new();
        let (mut digits, mut next) = (0, at);
        loop {
            let from = next;
            while sign(next).is_some_and(is_digit) {
                next += 1;
            }
            digits += next - from;
            groups.push((from, next));
            let gap = (0..=BETWEEN)
                .find(|gap| !sign(next + gap).is_some_and(joins))
                .unwrap_or(BETWEEN + 1);
            if gap == 0 || gap > BETWEEN || !sign(next + gap).is_some_and(is_digit) {
                break;
            }
            next += gap;
        }
        let plus =
            |from: usize| if from > 0 && sign(from - 1) == Some('+') { from - 1 } else { from };
        if digits >= DIGITS {
            set(plus(at), next, Mark::Hidden);
        }
        if let Some(own) = own {
            let mut group = 0;
            while let Some(&(from, _)) = groups.get(group) {
                let from = plus(from);
                let ends = groups.iter().enumerate().skip(group).take(GROUPS).rev();
                let found = ends.map(|(last, (_, end))| (last, *end)).find(|(_, end)| {
                    let written: String = signs
                        .get(from..*end)
                        .unwrap_or_default()
                        .iter()
                        .map(|(c, _)| *c)
                        .filter(|c| *c == '+' || is_digit(*c))
                        .collect();
                    own.is(&written)
                });
                match found {
                    Some((last, end)) => {
                        set(from, end, Mark::Kept);
                        group = last + 1;
                    }
                    None => group += 1,
                }
            }
        }
        at = next;
    }
}

fn without_words(text: &str, names: &[String]) -> String {
    if names.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let close = |word: &mut String, out: &mut String| {
        if names.contains(&word.to_lowercase()) {
            out.extend(word.chars().map(hidden));
        } else {
            out.push_str(word);
        }
        word.clear();
    };
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            word.push(letter);
        } else {
            close(&mut word, &mut out);
            out.push(letter);
        }
    }
    close(&mut word, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(number: &str) -> Own {
        Own { number: number.into(), area_code: "0328".into() }
    }

    #[test]
    fn numbers_are_hidden_however_they_are_written_and_nothing_else() {
        let hide = Scrub { numbers: Numbers::Hide, names: Vec::new() };
        for (text, wanted) in [
            ("telp 0812-3456-7890 ya", "telp ############## ya"),
            ("+62 812 3456 7890", "### ### #### ####"),
            ("(0328) 662112", "(##### ######"),
            ("0812.3456.7890.", "##############."),
            ("tel:+6281234567890>", "tel:##############>"),
            ("081234567890 081234567891", "############ ############"),
            ("HP081234567890", "HP############"),
            ("081234567890ya", "############ya"),
            ("0812 - 3456 - 7890", "#### # #### # ####"),
            ("0812_3456_7890", "##############"),
            ("0812\u{a0}3456\t7890", "##############"),
            ("0812\n3456–7890", "####\n#########"),
            ("rumah 662112", "rumah ######"),
            ("%2B6281234567890", "################"),
            ("0812%2D3456%2D7890", "##################"),
            ("０８１２３４５６７８９０", "############"),
            ("a1b2c3d4567890", "a1b2c3d#######"),
            ("RT 03 RW 05, no. 12", "RT 03 RW 05, no. 12"),
            ("3 korban, jam 12.30", "3 korban, jam 12.30"),
            ("12 --- 34 ---- 56789", "12 --- 34 ---- 56789"),
        ] {
            assert_eq!(hide.text(text).replace('█', "#"), wanted, "{text}");
        }
        assert_eq!(hide.written("198.51.100.77:5060", true), "198.51.100.77:5060");
    }

    #[test]
    fn ones_own_number_stays_in_each_of_its_forms_and_no_other_beside_it() {
        let numbers = Numbers::HideBut(own("+6281234567890"));
        let scrub = Scrub { numbers, names: Vec::new() };
        for text in [
            "+6281234567890",
            "081234567890",
            "0812-3456-7890",
            "0812_3456 - 7890",
            "HP081234567890",
            "%2B6281234567890",
            "0812%203456%207890",
            "00162 81234567890",
        ] {
            assert_eq!(scrub.text(text), text);
            assert!(scrub.shows(text), "{text}");
        }
        assert_eq!(scrub.text("081234567891"), "█".repeat(12));
        // Japan's is another person's.
        assert_eq!(scrub.text("81234567890"), "█".repeat(11));
        let both = scrub.text("0819.5555.6666, 0812.3456.7890; 081955556666");
        assert_eq!(both.replace('█', "#"), "############### 0812.3456.7890# ############");
        assert!(scrub.hides("081234567890;081955556666"));
    }

    #[test]
    fn our_own_ids_stay_where_one_stands_and_nowhere_else() {
        let numbers = Numbers::HideBut(own("+6281234567890"));
        let scrub = Scrub { numbers, names: Vec::new() };
        let mut value = serde_json::json!({
            "at": "2026-11-26T05:00:00.000Z", "id": "0123456789012345", "calls": ["0123456789012345"],
            "to": ["+62811000112"], "text": "3529010101900001", "source": "udp:198.51.100.77:5060",
            "file": "0123456789012345-2.ogg.enc", "sha256": "1".repeat(64), "kecamatan": "35.29.01",
            "caller_raw": "x42", "caller_e164": "+6281234567890", "why": "tanya 0812.9988.7766",
        });
        scrub.value(&mut value);
        let wanted = serde_json::json!({
            "at": "2026-11-26T05:00:00.000Z", "id": "0123456789012345", "calls": ["0123456789012345"],
            "to": ["█".repeat(12)], "text": "█".repeat(16), "source": "udp:198.51.100.77:5060",
            "file": "0123456789012345-2.ogg.enc", "sha256": "1".repeat(64), "kecamatan": "35.29.01",
            "caller_raw": HIDDEN, "caller_e164": "+6281234567890", "why": format!("tanya {}", "█".repeat(14)),
        });
        assert_eq!(value, wanted);
    }

    #[test]
    fn names_are_hidden_as_whole_words_whatever_their_case() {
        let scrub = Scrub { numbers: Numbers::Keep, names: vec!["siti".into()] };
        assert_eq!(scrub.text("Bu SITI, situasi Siti."), "Bu ████, situasi ████.");
    }
}
