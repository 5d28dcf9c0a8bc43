//! Which files of a folder are prompts, and what they are called. Nothing is decoded here.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{PromptError, PromptMistake};
use crate::vocabulary::{PromptId, limits};

/// Endings of what may lie beside the prompts.
const BESIDE: [&str; 3] = ["md", "txt", "sh"];
/// Endings of prompts.
const PROMPTS: [&str; 4] = ["wav", "opus", "ogg", "mp3"];

/// The prompts below `folder`, and what is wrong with names.
pub(super) fn files(folder: &Path) -> (BTreeMap<PromptId, PathBuf>, Vec<PromptError>) {
    let mut walk = Walk::default();
    walk.folder(folder, "", 0);
    (walk.files, walk.errors)
}

/// What is in a file, if it is not too long.
pub(super) fn content(path: &Path) -> Result<Vec<u8>, PromptMistake> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    if length > limits::PROMPT_BYTES {
        return Err(PromptMistake::Bytes(length));
    }
    let mut bytes = Vec::new();
    // A file that grows meanwhile is read up to the limit only.
    file.take(limits::PROMPT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[derive(Default)]
struct Walk {
    files: BTreeMap<PromptId, PathBuf>,
    errors: Vec<PromptError>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.wrong(folder, error.into()),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.entry(&entry.path(), prefix, depth);
        }
    }

    fn entry(&mut self, path: &Path, prefix: &str, depth: usize) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return self.wrong(path, PromptMistake::Name);
        };
        if name.starts_with('.') {
            return;
        }
        match fs::metadata(path) {
            Err(error) => self.wrong(path, error.into()),
            Ok(found) if found.is_dir() && depth + 1 >= limits::PROMPT_DEPTH => {
                self.wrong(path, PromptMistake::Depth);
            }
            Ok(found) if found.is_dir() => {
                self.folder(path, &format!("{prefix}{name}/"), depth + 1);
            }
            Ok(_) => self.file(path, prefix, name),
        }
    }

    fn file(&mut self, path: &Path, prefix: &str, name: &str) {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let ending = ending.to_ascii_lowercase();
        if BESIDE.contains(&ending.as_str()) {
            return;
        }
        if !PROMPTS.contains(&ending.as_str()) {
            return self.wrong(path, PromptMistake::Name);
        }
        if self.files.len() == limits::PROMPT_FILES {
            // Said once, of the folder that holds the first one too many.
            let folder = path.parent().unwrap_or(path);
            if !self.errors.iter().any(|error| matches!(error.kind, PromptMistake::Files)) {
                self.wrong(folder, PromptMistake::Files);
            }
            return;
        }
        let id = PromptId::from(format!("{prefix}{stem}"));
        if let Some(other) = self.files.get(&id) {
            let other = other.clone();
            return self.wrong(path, PromptMistake::Twice(other));
        }
        self.files.insert(id, path.to_owned());
    }

    fn wrong(&mut self, path: &Path, kind: PromptMistake) {
        self.errors.push(PromptError { path: path.to_owned(), kind });
    }
}
