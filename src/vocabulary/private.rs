//! Personal data that must not reach a log by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that prints as `***` with its last two characters, unless revealed by name.
///
/// Serialised whole: the journal and the API are where it belongs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Marks `value` as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for records, pages and dialling; never for a log.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.to_string();
        let tail: String = whole.chars().skip(whole.chars().count().saturating_sub(2)).collect();
        if whole.chars().count() <= 4 { f.write_str("***") } else { write!(f, "***{tail}") }
    }
}

impl<T: fmt::Display> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A password, token or key: never printed, never serialised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Marks `value` as secret.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself, for the one comparison or computation that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Key material: bytes that are never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// Marks bytes as secret.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves, for the one computation that needs them.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_and_can_be_revealed() {
        let number = Private::new("+6281234567890".to_owned());
        assert_eq!(format!("{number} {number:?}"), "***90 ***90");
        assert_eq!(format!("{}", Private::new("112")), "***");
        assert_eq!(number.reveal(), "+6281234567890");
    }
}
