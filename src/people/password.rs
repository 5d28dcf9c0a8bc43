//! Passwords: which are good enough, and the form in which they are kept (Argon2id, RFC 9106).
//!
//! Hashing takes memory and tens of milliseconds on purpose: never on a thread that has other work.

use std::collections::BTreeSet;
use std::fmt;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Shortest password, in characters.
const SHORTEST: usize = 10;
/// Longest, in bytes: a sentence; beyond it is somebody who wants us to work.
const LONGEST: usize = 256;
/// Different characters in it.
const DIFFERENT: usize = 5;
/// What everybody tries first, in lower case; a password may hold one among much else.
const TRIED_FIRST: [&str; 18] = [
    "password",
    "passw0rd",
    "rahasia",
    "sandi",
    "siaga112",
    "darurat",
    "emergency",
    "indonesia",
    "admin",
    "administrator",
    "operator",
    "supervisor",
    "qwerty",
    "qwertyuiop",
    "asdfgh",
    "letmein",
    "112112",
    "bismillah",
];

/// The stored form of a password, `$argon2id$v=19$…`. It prints as `***`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stored(String);

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A password that is too easily guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Weak {
    /// Too short.
    #[error("the password is shorter than {SHORTEST} characters; a short sentence is a good one")]
    Short,
    /// Too long.
    #[error("the password is longer than {LONGEST} bytes")]
    Long,
    /// A line break or another character that no keyboard field takes.
    #[error("the password holds a line break or another control character")]
    Control,
    /// Few different characters.
    #[error("the password has fewer than {DIFFERENT} different characters")]
    Same,
    /// Letters or digits in a row.
    #[error("the password is characters in a row, such as 1234567890")]
    Row,
    /// The account's own name.
    #[error("the password is little more than the account's name")]
    Name,
    /// What everybody tries first.
    #[error("the password is little more than a word that everybody tries first")]
    Common,
}

/// Why no stored form was made.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// Too easily guessed.
    #[error(transparent)]
    Weak(#[from] Weak),
    /// The library refused, as with too little memory.
    #[error("the password cannot be hashed now: {0}")]
    Hash(String),
}

impl Stored {
    /// Judges a password for the account `name`, and hashes it with 128 random bits.
    ///
    /// # Errors
    /// When it is too easily guessed, or the library refuses.
    pub fn new(name: &str, password: &str, salt: [u8; 16]) -> Result<Self, PasswordError> {
        judge(name, password)?;
        Self::hash(password, salt)
    }

    /// A form that no password fits, so that an unknown name takes as long as a known one.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn of_nobody(salt: [u8; 16]) -> Result<Self, PasswordError> {
        Self::hash("", salt)
    }

    fn hash(password: &str, salt: [u8; 16]) -> Result<Self, PasswordError> {
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|hash| Self(hash.to_string()))
            .map_err(|error| PasswordError::Hash(error.to_string()))
    }

    /// Whether it is this password.
    #[must_use]
    pub fn fits(&self, password: &str) -> bool {
        password.len() <= LONGEST
            && !password.is_empty()
            && Argon2::default().verify_password(password.as_bytes(), self.0.as_str()).is_ok()
    }

    /// The text, for the one file that keeps it and the command that prints it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether a password may be an account's. No rule asks for signs of several kinds: they make
/// passwords that people write down (NIST SP 800-63B).
fn judge(name: &str, password: &str) -> Result<(), Weak> {
    if password.chars().count() < SHORTEST {
        return Err(Weak::Short);
    }
    if password.len() > LONGEST {
        return Err(Weak::Long);
    }
    if password.chars().any(char::is_control) {
        return Err(Weak::Control);
    }
    let lower = password.to_lowercase();
    if lower.chars().collect::<BTreeSet<_>>().len() < DIFFERENT {
        return Err(Weak::Same);
    }
    let codes: Vec<u32> = lower.chars().map(u32::from).collect();
    let steps = codes.windows(2).filter(|two| matches!(two, [a, b] if a.abs_diff(*b) == 1)).count();
    if steps + 2 >= codes.len() {
        return Err(Weak::Row);
    }
    let name = name.to_lowercase();
    if name.len() >= 3 && little_more(&lower, &name) {
        return Err(Weak::Name);
    }
    if TRIED_FIRST.iter().any(|word| little_more(&lower, word)) {
        return Err(Weak::Common);
    }
    Ok(())
}

/// Whether so little is left without `word`, digits and repeats that guessing is easy.
fn little_more(password: &str, word: &str) -> bool {
    if !password.contains(word) {
        return false;
    }
    let rest = password.replace(word, "");
    rest.chars().filter(|c| c.is_alphabetic()).count() < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easy_passwords_are_refused_and_say_why() {
        for (password, weak) in [
            ("kapal", Weak::Short),
            ("aaaaaaaaaaaa", Weak::Same),
            ("1231231231", Weak::Same),
            ("1234567890", Weak::Row),
            ("abcdefghijkl", Weak::Row),
            ("Password123456", Weak::Common),
            ("rahasia-2026!", Weak::Common),
            ("Siti.Aminah1990", Weak::Name),
            ("baris satu\nbaris dua", Weak::Control),
        ] {
            assert_eq!(judge("siti.aminah", password), Err(weak), "{password}");
        }
        assert_eq!(judge("siti", &"ab cd ef ".repeat(30)), Err(Weak::Long));
        for good in
            ["perahu hijau di kalianget", "kuda-laut 7 merah", "Xk2#pQ9z!m", "ćevapčići tri puta"]
        {
            assert_eq!(judge("siti", good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_stored_password_fits_itself_only_and_is_never_printed() {
        let stored = Stored::new("siti", "perahu hijau", [7; 16]).expect("hashed");
        assert!(stored.reveal().starts_with("$argon2id$v=19$m="));
        assert!(stored.fits("perahu hijau"));
        assert!(
            !stored.fits("perahu hijau ") && !stored.fits("") && !stored.fits(&"x".repeat(999))
        );
        assert_eq!(format!("{stored:?}"), "***");
        assert!(!Stored::of_nobody([1; 16]).expect("hashed").fits(""));
        assert!(!Stored("$argon2id$nonsense".into()).fits("perahu hijau"));
    }

    #[test]
    fn what_another_program_has_hashed_is_read() {
        // By the reference library of RFC 9106 (argon2-cffi), with the salt `garamgaram123456`.
        let text = "$argon2id$v=19$m=19456,t=2,p=1$Z2FyYW1nYXJhbTEyMzQ1Ng$wQFq5TCCdXUgLBb/Qg9pX6aE0C+52KJRxgS7gJk2EDk";
        assert!(Stored(text.to_owned()).fits("perahu hijau"));
        assert!(!Stored(text.to_owned()).fits("perahu merah"));
    }
}
