//! Which prompt files there are: `prompts/NAME.ENDING` and `prompts/LANGUAGE/NAME.ENDING`.
//!
//! Whether a file can be played is seen where it is loaded; here only that it exists, how large
//! one may be that callers hear, and what it adds to the digest.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{At, Log, did_you_mean};
use super::folder::Folder;
use super::sounds::{ENDINGS, FOLDER};
use crate::vocabulary::PromptId;

/// The files of the folder, and which of them callers hear.
#[derive(Default)]
pub(super) struct PromptFiles {
    /// File below the configuration directory, by prompt.
    files: BTreeMap<String, String>,
    used: BTreeSet<String>,
}

impl PromptFiles {
    /// Lists the folder; a missing one has no prompts.
    pub(super) fn list(folder: &Folder<'_>) -> Self {
        let mut files = BTreeMap::new();
        for name in folder.names(FOLDER) {
            if let Some(stem) = stem(&name) {
                files.insert(stem.to_owned(), format!("{FOLDER}/{name}"));
                continue;
            }
            for inner in folder.names(&format!("{FOLDER}/{name}")) {
                if let Some(stem) = stem(&inner) {
                    let file = format!("{FOLDER}/{name}/{inner}");
                    files.insert(format!("{name}/{stem}"), file);
                }
            }
        }
        Self { files, used: BTreeSet::new() }
    }

    /// Whether there is anything in a language.
    pub(super) fn speak(&self, language: &str) -> bool {
        let folder = format!("{language}/");
        self.files.keys().any(|name| name.starts_with(&folder))
    }

    /// The prompt of a name, if it has a file.
    pub(super) fn find(&mut self, name: &str) -> Option<PromptId> {
        let file = self.files.get(name)?;
        self.used.insert(file.clone());
        Some(PromptId::from(name))
    }

    /// The prompt of a name that is written; one without a file is an error.
    pub(super) fn need(&mut self, name: &At<String>, log: &Log) -> Option<PromptId> {
        let found = self.find(&name.value);
        if found.is_none() {
            let known: Vec<&str> = self.files.keys().map(String::as_str).collect();
            log.error(
                &name.place,
                format!(
                    "there is no prompt {:?}: {FOLDER}/{}.wav, .opus, .ogg or .mp3 is missing",
                    name.value, name.value
                ),
                did_you_mean(&name.value, &known, "prompt"),
            );
        }
        found
    }

    /// Files that callers hear.
    pub(super) fn used(&self) -> impl Iterator<Item = &str> {
        self.used.iter().map(String::as_str)
    }
}

fn stem(file: &str) -> Option<&str> {
    let (stem, ending) = file.rsplit_once('.')?;
    let known = ENDINGS.contains(&ending.to_ascii_lowercase().as_str());
    (known && !stem.is_empty()).then_some(stem)
}
