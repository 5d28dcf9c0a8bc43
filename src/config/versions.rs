//! Every configuration that was adopted, in `data/config-versions`: who, when, why, and its files. They hold
//! the secrets of those files, so they are for their owner only; nothing shows them unmasked.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::changes::digest_of;
use super::sounds::{Sound, Sounds, is_sound};
use crate::vocabulary::WallTime;

/// Versions that are kept; the oldest go.
const KEPT: usize = 1_000;
/// Bytes of the line that says whose it is.
const HEAD: u64 = 16 << 10;

/// Who made a version, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// From 1, without gaps.
    pub number: u64,
    /// When it was adopted.
    pub at: WallTime,
    /// A person, a token, or `file` for a change by hand.
    pub by: String,
    /// In their words.
    pub why: String,
    /// SHA-256 over names and contents of its files.
    pub digest: String,
    /// The number of the version that it brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brings_back: Option<u64>,
}

/// Whoever makes a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// A person, a token, or `file`.
    pub by: String,
    /// In their words.
    pub why: String,
    /// The number of the version that it brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brings_back: Option<u64>,
}

impl Author {
    /// Somebody who edited files by hand.
    #[must_use]
    pub fn by_hand(why: &str) -> Self {
        Self { by: "file".to_owned(), why: why.to_owned(), brings_back: None }
    }
}

/// The folder of versions. One writer at a time.
#[derive(Clone, Debug)]
pub struct Versions {
    folder: PathBuf,
}

impl Versions {
    /// Below the data folder.
    #[must_use]
    pub fn below(data: &Path) -> Self {
        Self { folder: data.join("config-versions") }
    }

    /// The sounds that versions name.
    #[must_use]
    pub fn sounds(&self) -> Sounds {
        Sounds::below(&self.folder)
    }

    /// Keeps a version, unless the newest one has the same files; returns the newest. The sounds that it
    /// names are kept before it, out of the configuration folder `from`.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn keep(
        &self,
        at: WallTime,
        author: Author,
        files: &BTreeMap<String, String>,
        from: &Path,
    ) -> io::Result<Version> {
        let digest = digest_of(files);
        let newest = self.list()?.into_iter().next();
        if let Some(newest) = newest.as_ref().filter(|newest| newest.digest == digest) {
            return Ok(newest.clone());
        }
        let number = newest.map_or(0, |newest| newest.number) + 1;
        let Author { by, why, brings_back } = author;
        let version = Version { number, at, by, why, digest, brings_back };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        self.sounds().keep(from, sounds_of(files))?;
        let new = self.folder.join(".new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        serde_json::to_writer(&mut file, &version)?;
        file.write_all(b"\n")?;
        serde_json::to_writer(&mut file, files)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, self.path(number))?;
        File::open(&self.folder)?.sync_all()?;
        self.let_go()?;
        Ok(version)
    }

    /// All of them, newest first. One that cannot be read is left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Version>> {
        let mut numbers = self.numbers()?;
        numbers.reverse();
        let read = |number: u64| {
            let mut line = String::new();
            let file = File::open(self.path(number)).ok()?;
            BufReader::new(io::Read::take(file, HEAD)).read_line(&mut line).ok()?;
            serde_json::from_str(&line).ok()
        };
        Ok(numbers.into_iter().filter_map(read).collect())
    }

    /// One version with its files, secrets and all; none when there is none of the number.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, number: u64) -> io::Result<Option<(Version, BTreeMap<String, String>)>> {
        let text = match fs::read_to_string(self.path(number)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (head, files) = text.split_once('\n').unwrap_or_default();
        let version: Version = serde_json::from_str(head)?;
        let files: BTreeMap<String, String> = serde_json::from_str(files)?;
        if digest_of(&files) != version.digest {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "its files are not those it was made of",
            ));
        }
        Ok(Some((version, files)))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:08}.json"))
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let number = |entry: fs::DirEntry| {
            entry.file_name().to_str()?.strip_suffix(".json")?.parse::<u64>().ok()
        };
        let mut numbers: Vec<u64> = entries.flatten().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn let_go(&self) -> io::Result<()> {
        let numbers = self.numbers()?;
        let many = numbers.len().saturating_sub(KEPT);
        numbers.iter().take(many).try_for_each(|number| fs::remove_file(self.path(*number)))?;
        if !self.sounds().is_full() {
            return Ok(());
        }
        let named = numbers.iter().skip(many).rev().map(|number| {
            let files = self.read(*number).ok().flatten().map(|(_, files)| files);
            sounds_of(&files.unwrap_or_default()).map(|(_, sound)| sound).collect()
        });
        self.sounds().let_go(named)
    }
}

fn sounds_of(files: &BTreeMap<String, String>) -> impl Iterator<Item = (String, Sound)> + '_ {
    let sounds = files.iter().filter(|(name, _)| is_sound(name));
    sounds.filter_map(|(name, text)| Some((name.clone(), Sound::referred(text)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_kept_once_and_read_back_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let versions = Versions::below(dir.path());
        assert_eq!(versions.list().expect("none yet"), []);
        let files = |text: &str| BTreeMap::from([("routing.toml".to_owned(), text.to_owned())]);
        let keep = |at: i64, text: &str| {
            let by = Author::by_hand("found");
            versions.keep(WallTime(at), by, &files(text), dir.path()).expect("kept")
        };
        assert_eq!((keep(1, "a").number, keep(2, "a").number, keep(3, "b").number), (1, 1, 2));
        assert_eq!(keep(4, "a").number, 3, "what comes back is a version of its own");
        let numbers: Vec<u64> = versions.list().expect("all").iter().map(|v| v.number).collect();
        assert_eq!(numbers, [3, 2, 1]);
        let (version, kept) = versions.read(2).expect("read").expect("there");
        assert_eq!((version.at, version.by.as_str(), kept), (WallTime(3), "file", files("b")));
        assert_eq!(versions.read(9).expect("read"), None);
        // One that somebody has changed is not brought back.
        let path = versions.path(2);
        let text = fs::read_to_string(&path).expect("a file").replace("\"b\"", "\"c\"");
        fs::write(&path, text).expect("written");
        assert!(versions.read(2).is_err());
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(versions.path(1)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
