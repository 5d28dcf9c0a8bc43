//! What may be in a text: what a person reads, and the few signs of T.140 that change how it is shown.

use super::{BYTE_ORDER, ERASE, NEW_LINE};

/// Begins and ends what is no text (T.140 §8: SOS, ST), and attributes of how it is shown (CSI … m).
const STRING: char = '\u{98}';
const END: char = '\u{9c}';
const ATTRIBUTES: char = '\u{9b}';
/// Longer strings than this are none: whoever never ends one would be read no more.
const LONGEST: usize = 255;

/// Takes out what is not for people, wherever packets part it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clean {
    within: Within,
    after_return: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Text,
    /// Since so many characters.
    String(usize),
    Attributes(usize),
    /// The sign before (ESC), which takes one more with it.
    Escape,
}

impl Clean {
    /// What is to be shown for the next character.
    pub fn take(&mut self, c: char) -> Option<char> {
        let after_return = std::mem::take(&mut self.after_return);
        match self.within {
            Within::String(seen) => {
                let ends = c == END || seen >= LONGEST;
                self.within = if ends { Within::Text } else { Within::String(seen + 1) };
                return None;
            }
            Within::Attributes(seen) => {
                let ends = c.is_ascii_alphabetic() || seen >= LONGEST;
                self.within = if ends { Within::Text } else { Within::Attributes(seen + 1) };
                return None;
            }
            Within::Escape => {
                self.within = Within::Text;
                return None;
            }
            Within::Text => {}
        }
        match c {
            STRING => self.within = Within::String(0),
            ATTRIBUTES => self.within = Within::Attributes(0),
            '\u{1b}' => self.within = Within::Escape,
            BYTE_ORDER => {}
            '\r' => {
                self.after_return = true;
                return Some(NEW_LINE);
            }
            '\n' if after_return => {}
            '\n' | '\u{2029}' => return Some(NEW_LINE),
            // BELL calls for attention, the tabulator is a blank.
            '\t' => return Some(' '),
            '\u{7}' | ERASE | NEW_LINE => return Some(c),
            _ if c.is_control() => {}
            _ => return Some(c),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let mut clean = Clean::default();
        text.chars().filter_map(|c| clean.take(c)).collect()
    }

    #[test]
    fn only_what_people_read_is_left() {
        assert_eq!(clean("\u{feff}to\u{8}a\u{7}"), "to\u{8}a\u{7}");
        assert_eq!(
            clean("one\r\ntwo\nthree\r\rfour"),
            "one\u{2028}two\u{2028}three\u{2028}\u{2028}four"
        );
        assert_eq!(clean("a\u{9b}31mb\u{98}secret\u{9c}c\u{1b}ad\0e\tf"), "abcde f");
    }

    #[test]
    fn who_never_ends_a_string_is_read_again() {
        let text = format!("\u{98}{}help", "x".repeat(LONGEST + 1));
        assert_eq!(clean(&text), "help");
    }
}
