//! The files of the configuration directory: read, named in the digest, parsed with positions.
//!
//! Parsing gives a tree that owns its text and knows where every key and value stands. A file that
//! cannot be read or parsed is reported and left out; the others are read all the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::changes::Changes;
use super::findings::{At, Log, Place, did_you_mean};
use super::sounds::Sound;
use crate::vocabulary::hex;

/// Files at the top of the directory.
const KNOWN: [&str; 7] = [
    "gateway.toml",
    "queues.toml",
    "routing.toml",
    "seats.toml",
    "categories.toml",
    "callout.toml",
    "retention.toml",
];
/// Syntax errors shown of one file: later ones are mostly echoes of the first.
const SYNTAX_ERRORS: usize = 5;

/// A value as it was written.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    /// From an environment variable: a text whose type is that of the key it is read for.
    Raw(String),
    Number(i64),
    Truth(bool),
    List(Vec<At<Self>>),
    Table(Vec<Entry>),
    /// A float, a date or an integer of more than 64 bits: nothing here has such a type.
    Other(&'static str),
}

/// One key with its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: At<Value>,
}

/// The directory, and the files that were read from it.
pub(super) struct Folder<'l> {
    dir: PathBuf,
    /// What differs from the disk.
    changes: Changes,
    digests: BTreeMap<String, [u8; 32]>,
    log: &'l Log,
}

impl<'l> Folder<'l> {
    /// Opens the directory; none, and a finding, when it cannot be listed.
    pub(super) fn open(dir: &Path, changes: Changes, log: &'l Log) -> Option<Self> {
        let folder = Self { dir: dir.to_owned(), changes, digests: BTreeMap::new(), log };
        let names = folder.list("")?;
        for name in names.iter().filter(|name| name.ends_with(".toml")) {
            if !KNOWN.contains(&name.as_str()) {
                let place = folder.whole(name);
                log.warn(
                    &place,
                    "this version reads no such file",
                    did_you_mean(name, &KNOWN, "file"),
                );
            }
        }
        Some(folder)
    }

    /// The place of a whole file.
    pub(super) fn whole(&self, name: &str) -> Place {
        Place::Whole(self.dir.join(name).into())
    }

    /// Names of the entries of a sub-directory, sorted.
    fn list(&self, sub: &str) -> Option<Vec<String>> {
        let path = if sub.is_empty() { self.dir.clone() } else { self.dir.join(sub) };
        let read = fs::read_dir(&path).and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        });
        match read {
            Ok(names) => {
                let mut names: Vec<String> = names;
                names.sort();
                self.changes.listed(sub, &mut names);
                Some(names)
            }
            Err(error) => {
                self.log.error(
                    &Place::Whole(path.into()),
                    format!("the directory cannot be read: {error}"),
                    "give the directory of the configuration, as in `--config config`",
                );
                None
            }
        }
    }

    /// Names of the entries of a sub-directory that may be missing, sorted.
    pub(super) fn names(&self, sub: &str) -> Vec<String> {
        let entries = fs::read_dir(self.dir.join(sub)).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(name).collect();
        // A change may bring a file that was not there, or take one away.
        self.changes.listed(sub, &mut names);
        names.sort();
        names
    }

    /// Lets the content of a file that is not read here take part in the digest. One of more than
    /// `most` bytes is an error and is not read: whoever waits for a reload would wait for it.
    pub(super) fn take_part(&mut self, name: &str, most: u64) {
        // One that is proposed was looked at when it came.
        if let Some(sound) = self.changes.get(name).flatten().and_then(Sound::referred) {
            self.digests.insert(name.to_owned(), sound.digest());
            return;
        }
        let (what, mend) = match digest_of(&self.dir.join(name), most) {
            Ok(Ok(digest)) => {
                self.digests.insert(name.to_owned(), digest);
                return;
            }
            Ok(Err(bytes)) => (
                format!("the file has {bytes} bytes, {most} are allowed"),
                "make it shorter, or save it as .opus",
            ),
            Err(error) => {
                (format!("the file cannot be read: {error}"), "let the gateway's user read it")
            }
        };
        self.log.error(&self.whole(name), what, mend);
    }

    /// The `.toml` files of a sub-directory, as names below the directory.
    pub(super) fn tables_below(&self, sub: &str) -> Option<Vec<String>> {
        let names = self.list(sub)?;
        Some(
            names
                .into_iter()
                .filter(|name| name.ends_with(".toml") && !name.starts_with('.'))
                .map(|name| format!("{sub}/{name}"))
                .collect(),
        )
    }

    /// The text of a file; none, and a finding, when it cannot be read.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.whole(name);
        let read = match self.changes.get(name) {
            Some(Some(text)) => Ok(text.as_bytes().to_vec()),
            Some(None) => Err(std::io::ErrorKind::NotFound.into()),
            None => fs::read(self.dir.join(name)),
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.log.error(
                    &place,
                    "the file is missing",
                    "every file of the sample configuration is needed: copy it from there",
                );
                return None;
            }
            Err(error) => {
                let what = format!("the file cannot be read: {error}");
                self.log.error(&place, what, "let the gateway's user read it");
                return None;
            }
        };
        self.digests.insert(name.to_owned(), Sha256::digest(&bytes).into());
        match String::from_utf8(bytes) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let readable = error.as_bytes().get(..good).unwrap_or_default();
                let readable = String::from_utf8_lossy(readable);
                self.log.error(
                    &Lines::of(self.dir.join(name), &readable).place(good),
                    "the text is not UTF-8 from here on",
                    "save the file in the encoding UTF-8",
                );
                None
            }
        }
    }

    /// The parsed content of a file; none, and findings, when it has none.
    pub(super) fn table(&mut self, name: &str) -> Option<At<Vec<Entry>>> {
        let text = self.text(name)?;
        let lines = Lines::of(self.dir.join(name), &text);
        let (tree, errors) = DeTable::parse_recoverable(&text);
        for error in errors.iter().take(SYNTAX_ERRORS) {
            let place = error.span().map_or(self.whole(name), |span| lines.place(span.start));
            let what = format!("this is not TOML: {}", error.message());
            self.log.error(&place, what, "see toml.io; until then nothing in this file is checked");
        }
        let entries = entries(tree.get_ref(), &lines);
        errors.is_empty().then(|| At { place: self.whole(name), value: entries })
    }

    /// SHA-256 over the names and contents of all files that take part so far, lower-case
    /// hexadecimal.
    pub(super) fn digest(&self) -> String {
        let mut all = Sha256::new();
        for (name, digest) in &self.digests {
            all.update(name.as_bytes());
            all.update([0]);
            all.update(digest);
        }
        hex(&all.finalize())
    }
}

/// SHA-256 of a file of `most` bytes at most; of a larger one how many it has.
fn digest_of(path: &Path, most: u64) -> std::io::Result<Result<[u8; 32], u64>> {
    let file = fs::File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes > most {
        return Ok(Err(bytes));
    }
    // One that grows meanwhile, or a device without a length, ends here as well.
    let mut file = file.take(most);
    let mut digest = Sha256::new();
    let mut part = vec![0; 64 << 10];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(Ok(digest.finalize().into())),
            length => digest.update(part.get(..length).unwrap_or_default()),
        }
    }
}

/// Turns byte offsets of a text into places.
struct Lines<'t> {
    path: Rc<Path>,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(path: PathBuf, text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { path: path.into(), text, starts }
    }

    /// The place of a byte offset.
    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Place::At(Rc::clone(&self.path), line, before.chars().count() + 1)
    }
}

fn entries(table: &DeTable<'_>, lines: &Lines<'_>) -> Vec<Entry> {
    table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: lines.place(key.span().start),
            value: At {
                place: lines.place(value.span().start),
                value: read(value.get_ref(), lines),
            },
        })
        .collect()
}

fn read(value: &DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number too large"), Value::Number),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| At {
                    place: lines.place(item.span().start),
                    value: read(item.get_ref(), lines),
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries(table, lines)),
        DeValue::Float(_) => Value::Other("a number with a point"),
        DeValue::Datetime(_) => Value::Other("a date"),
    }
}
