//! Takes numbers and names out of texts. Values in, values out; what it hides keeps its length.

use serde_json::Value;

use crate::trunk::number_plan::phone;
use crate::vocabulary::WallTime;

/// What stands for something hidden whose length says nothing.
pub(super) const HIDDEN: &str = "███";
/// Digits of a telephone number at least. There is no most: two that stand beside one another are hidden too.
const DIGITS: usize = 7;
/// Digits of one of our own ids, hexadecimal.
const ID: usize = 16;

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
    /// Whether `text` is this number.
    pub fn is(&self, text: &str) -> bool {
        let read = phone(text, &self.area_code);
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        read.e164.is_some_and(|e164| *e164.reveal() == self.number)
            || digits(text) == digits(&self.number)
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
    /// The text without them. `dots`: people write numbers with dots in between; addresses of machines
    /// look the same.
    pub fn text(&self, text: &str, dots: bool) -> String {
        let text = match &self.numbers {
            Numbers::Keep => text.to_owned(),
            Numbers::Hide => without_numbers(text, dots, &|_| false),
            Numbers::HideBut(own) => without_numbers(text, dots, &|number| own.is(number)),
        };
        without_words(&text, &self.names)
    }

    /// Takes them out of every text of a value. Times and our own ids stay.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let id = text.len() == ID && text.bytes().all(|b| b.is_ascii_hexdigit());
                if !id && WallTime::parse(text).is_none() {
                    *text = self.text(text, false);
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| self.value(value)),
            Value::Object(all) => all.values_mut().for_each(|value| self.value(value)),
            _ => {}
        }
    }
}

fn without_numbers(text: &str, dots: bool, stays: &dyn Fn(&str) -> bool) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = letters.clone();
    let digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let joins = |c: char| matches!(c, ' ' | '-' | '(' | ')' | '/') || (dots && c == '.');
    let mut at = 0;
    while at < letters.len() {
        let begins = digit(at) || (letters.get(at) == Some(&'+') && digit(at + 1));
        let after_word = at > 0 && letters.get(at - 1).is_some_and(|c| c.is_alphanumeric());
        if !begins || after_word {
            at += 1;
            continue;
        }
        let (mut end, mut next, mut digits) = (at, at, 0);
        while let Some(&c) = letters.get(next) {
            if c.is_ascii_digit() {
                digits += 1;
                end = next + 1;
            } else if !(joins(c) && next < end + 2 || next == at) {
                break;
            }
            next += 1;
        }
        let before_word = letters.get(end).is_some_and(|c| c.is_alphabetic());
        let number: String = letters.get(at..end).unwrap_or_default().iter().collect();
        if digits >= DIGITS && !before_word && !stays(&number) {
            let span = out.get_mut(at..end).unwrap_or_default();
            span.iter_mut().for_each(|c| *c = hidden(*c));
        }
        at = end.max(at + 1);
    }
    out.into_iter().collect()
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
            ("RT 03 RW 05, no. 12", "RT 03 RW 05, no. 12"),
            ("3 korban, jam 12.30", "3 korban, jam 12.30"),
            ("a1b2c3d4567890", "a1b2c3d4567890"),
        ] {
            assert_eq!(hide.text(text, true).replace('█', "#"), wanted, "{text}");
        }
        assert_eq!(hide.text("198.51.100.77:5060", false), "198.51.100.77:5060");
    }

    #[test]
    fn ones_own_number_stays_in_each_of_its_forms() {
        let numbers = Numbers::HideBut(own("+6281234567890"));
        let scrub = Scrub { numbers, names: Vec::new() };
        for text in ["+6281234567890", "081234567890", "0812-3456-7890", "00162 81234567890"] {
            assert_eq!(scrub.text(text, true), text);
        }
        assert_eq!(scrub.text("081234567891", true), "█".repeat(12));
        let mut value = serde_json::json!({
            "at": "2026-11-26T05:00:00.000Z", "id": "0123456789012345", "to": ["+62811000112"]
        });
        scrub.value(&mut value);
        assert_eq!(value["at"], "2026-11-26T05:00:00.000Z");
        assert_eq!(value["id"], "0123456789012345");
        assert_eq!(value["to"][0], "█".repeat(12));
    }

    #[test]
    fn names_are_hidden_as_whole_words_whatever_their_case() {
        let scrub = Scrub { numbers: Numbers::Keep, names: vec!["siti".into()] };
        assert_eq!(scrub.text("Bu SITI, situasi Siti.", true), "Bu ████, situasi ████.");
    }
}
