//! `[proof]` of `gateway.toml`: where copies of the journal's signed heads are kept.

use std::path::PathBuf;

use super::section::{Section, some_text};

/// The folder for copies; none when it is not written.
pub(super) fn read(mut section: Section<'_>) -> Option<PathBuf> {
    section.word("copy_to", some_text).map(|folder| PathBuf::from(folder.value))
}
