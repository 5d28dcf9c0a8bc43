//! Files of the configuration that differ from those on the disk: proposed ones, and those of a change
//! that is being written. And how a change is written: whole or not at all, whatever happens meanwhile.
//!
//! A change is first gathered in `.applying.new`. Renaming that to `.applying` is the moment at which it
//! counts: from then on every reader takes its files before those in their places, and whoever comes next
//! moves them there ([`finish`]). A kill at any moment leaves the old files or the new ones, never some of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::sounds::{self, Sound, Sounds, is_sound};
use crate::journal::retention::FILE as RETENTION;
use crate::vocabulary::hex;

/// Files at the top that may be changed by the API; `gateway.toml` belongs to whoever has the machine.
const TOP: [&str; 6] =
    ["queues.toml", "routing.toml", "seats.toml", "categories.toml", "callout.toml", RETENTION];
/// Folders of such files, and how their names end.
const BELOW: [(&str, &str); 3] = [("trunks", ".toml"), ("places", ".csv"), ("places", ".geojson")];
/// Bytes of one file, and files in all: a regency needs a hundredth.
const BYTES: u64 = 1 << 20;
const FILES: usize = 500;

/// A change that counts and whose files are not all in their places.
const PENDING: &str = ".applying";
/// A change that does not count yet.
const GATHERED: &str = ".applying.new";
/// Within a change: names of files that are to go, one a line.
const GONE: &str = ".gone";
/// Within a change: who made it and why.
const NOTE: &str = ".note";

/// Files that differ from those on the disk, by name below the directory; none stands for one that is
/// not there. A prompt's text is its reference ([`Sound::reference`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(BTreeMap<String, Option<String>>);

/// Whether the API may change a file of this name.
#[must_use]
pub fn is_editable(name: &str) -> bool {
    let plain = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
        !part.starts_with('.') && part.len() <= 80 && part.bytes().all(fits)
    };
    match name.split_once('/') {
        None => TOP.contains(&name),
        Some((folder, file)) => {
            let mut kinds = BELOW.iter().filter(|(known, _)| *known == folder);
            kinds.any(|(_, ending)| file.len() > ending.len() && file.ends_with(ending))
                && plain(file)
        }
    }
}

/// Whether a file of this name belongs to versions: what may be changed as text, and prompts.
fn is_kept(name: &str) -> bool {
    is_editable(name) || is_sound(name)
}

impl Changes {
    /// Proposes that a file be so, or not be there.
    pub fn set(&mut self, name: impl Into<String>, text: Option<String>) {
        self.0.insert(name.into(), text);
    }

    /// What a file is to be; the outer none says that it is as on the disk.
    pub(super) fn get(&self, name: &str) -> Option<Option<&str>> {
        self.0.get(name).map(Option::as_deref)
    }

    /// Every changed file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_deref()))
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `names` of a folder as they are with this change.
    pub(super) fn listed(&self, folder: &str, names: &mut Vec<String>) {
        for (name, text) in &self.0 {
            let below = match name.rsplit_once('/') {
                Some((known, file)) if known == folder => file,
                None if folder.is_empty() => name,
                _ => continue,
            };
            names.retain(|known| known != below);
            names.extend(text.as_ref().map(|_| below.to_owned()));
        }
        // A folder that comes with its first file.
        let prefix = format!("{folder}/");
        for (name, _) in self.0.iter().filter(|(_, text)| text.is_some()) {
            let inner = name.strip_prefix(&prefix).and_then(|rest| rest.split_once('/'));
            names.extend(inner.map(|(inner, _)| inner.to_owned()));
        }
        names.sort();
        names.dedup();
    }

    /// These changes on top of others.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut all = below.clone();
        all.0.extend(self.0.iter().map(|(name, text)| (name.clone(), text.clone())));
        all
    }

    /// The change that counts and is still being written; nothing in the usual case.
    #[must_use]
    pub fn pending(dir: &Path) -> Self {
        let mut changes = Self::default();
        let from = dir.join(PENDING);
        for name in gone(&from) {
            changes.set(name, None);
        }
        for name in files_below(&from) {
            // One that was moved to its place meanwhile is found there.
            if let Ok(Some(text)) = text_of(&from, &name) {
                changes.set(name, Some(text));
            }
        }
        changes
    }
}

/// A file's text; a prompt's reference.
fn text_of(dir: &Path, name: &str) -> io::Result<Option<String>> {
    let path = dir.join(name);
    if !is_sound(name) {
        return read_bounded(&path);
    }
    // One that cannot be read is told by whoever plays it; nobody's change of the routing waits for it.
    Ok(Sound::read(&path).ok().flatten().map(|sound| sound.reference()))
}

/// The files that may be changed, as they are now; of prompts their references.
///
/// # Errors
/// One of them cannot be read.
pub fn read_editable(dir: &Path) -> io::Result<BTreeMap<String, String>> {
    let pending = Changes::pending(dir);
    let mut names: Vec<String> = TOP.iter().map(|name| (*name).to_owned()).collect();
    for (folder, _) in BELOW {
        let entries = fs::read_dir(dir.join(folder)).into_iter().flatten().flatten();
        let file = |entry: fs::DirEntry| {
            Some(format!("{folder}/{}", entry.file_name().into_string().ok()?))
        };
        names.extend(entries.filter_map(file));
    }
    names.extend(pending.iter().map(|(name, _)| name.to_owned()));
    names.retain(|name| is_editable(name));
    names.sort();
    names.dedup();
    names.truncate(FILES);
    names.extend(sounds::listed(dir));
    names.extend(pending.iter().map(|(name, _)| name.to_owned()).filter(|name| is_sound(name)));
    let mut files = BTreeMap::new();
    for name in names {
        let text = match pending.get(&name) {
            Some(text) => text.map(str::to_owned),
            None => text_of(dir, &name)?,
        };
        files.extend(text.map(|text| (name, text)));
    }
    Ok(files)
}

fn read_bounded(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(path, &error)),
    };
    if file.metadata()?.len() > BYTES {
        return Err(told(path, &io::Error::other("it has more than 1 MiB")));
    }
    io::read_to_string(file).map(Some).map_err(|error| told(path, &error))
}

fn told(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Tells one state of the folder from another without reading it: names, times and lengths of the files
/// that a reload reads.
#[must_use]
pub fn signature(dir: &Path) -> String {
    let mut names = vec!["gateway.toml".to_owned(), format!("{PENDING}/{NOTE}")];
    names.extend(TOP.iter().map(|name| (*name).to_owned()));
    for (folder, ending) in BELOW {
        let entries = fs::read_dir(dir.join(folder)).into_iter().flatten().flatten();
        let file = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.extend(
            file.filter(|name| name.ends_with(ending)).map(|name| format!("{folder}/{name}")),
        );
    }
    names.sort();
    signature_of(dir, names)
}

/// The same of some files.
pub(super) fn signature_of(dir: &Path, names: Vec<String>) -> String {
    let mut signature = String::new();
    for name in names {
        if let Ok(meta) = fs::metadata(dir.join(&name)) {
            use std::os::unix::fs::MetadataExt as _;
            let (seconds, nanos, length) = (meta.mtime(), meta.mtime_nsec(), meta.len());
            signature += &format!("{name}:{seconds}.{nanos}:{length};");
        }
    }
    signature
}

/// SHA-256 over names and contents of files, lower-case hexadecimal.
#[must_use]
pub fn digest_of(files: &BTreeMap<String, String>) -> String {
    let mut all = Sha256::new();
    for (name, text) in files {
        all.update(name.as_bytes());
        all.update([0]);
        all.update(Sha256::digest(text));
    }
    hex(&all.finalize())
}

/// Writes a change, with a `note` for whoever finishes it after a kill; its prompts are taken from `sounds`.
/// Done when its files are in their places and on the disk.
///
/// # Errors
/// The disk refuses. Before the change counts, nothing was changed; after that it counts all the same.
pub fn write(dir: &Path, changes: &Changes, note: &str, sounds: &Sounds) -> io::Result<()> {
    finish(dir)?;
    let gathered = dir.join(GATHERED);
    discard(&gathered)?;
    DirBuilder::new().mode(0o700).create(&gathered).map_err(|error| told(dir, &error))?;
    let mut gone = String::new();
    for (name, text) in changes.iter().filter(|(name, _)| is_kept(name)) {
        let Some(text) = text else {
            gone += &format!("{name}\n");
            continue;
        };
        let (path, place) = (gathered.join(name), dir.join(name));
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        // The rights of the file that it replaces: others may have to read it.
        let mode = fs::metadata(&place).map_or(0o640, |meta| meta.permissions().mode() & 0o777);
        if is_sound(name) {
            let sound = Sound::referred(text).ok_or_else(|| io::Error::other("no reference"))?;
            put(&path, &sounds.content(&sound)?, mode)?;
        } else {
            put(&path, text.as_bytes(), mode)?;
        }
    }
    put(&gathered.join(GONE), gone.as_bytes(), 0o600)?;
    put(&gathered.join(NOTE), note.as_bytes(), 0o600)?;
    flush_folders(&gathered)?;
    // From here on it counts.
    fs::rename(&gathered, dir.join(PENDING))?;
    File::open(dir)?.sync_all()?;
    finish(dir).map(drop)
}

/// Moves the files of a change that counts to their places; returns its note when there was one.
///
/// # Errors
/// The disk refuses; the change counts all the same, and the next try goes on with it.
pub fn finish(dir: &Path) -> io::Result<Option<String>> {
    let from = dir.join(PENDING);
    let note = match fs::read_to_string(from.join(NOTE)) {
        Ok(note) => note,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Cut off after the note went: nothing else is left in it.
            discard(&from)?;
            return Ok(None);
        }
        Err(error) => return Err(told(&from, &error)),
    };
    let mut folders = BTreeSet::new();
    for name in files_below(&from) {
        let place = dir.join(&name);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
            folders.insert(folder.to_owned());
        }
        fs::rename(from.join(&name), &place).map_err(|error| told(&place, &error))?;
    }
    for name in gone(&from) {
        folders.extend(dir.join(&name).parent().map(Path::to_owned));
        match fs::remove_file(dir.join(&name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(told(&from, &error)),
            _ => {}
        }
    }
    for (folder, _) in BELOW {
        folders.insert(dir.join(folder));
    }
    folders.insert(dir.join(sounds::FOLDER));
    for folder in folders {
        if let Ok(folder) = File::open(folder) {
            folder.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()?;
    fs::remove_file(from.join(NOTE))?;
    discard(&from)?;
    Ok(Some(note))
}

fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn discard(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(told(folder, &error)),
        _ => Ok(()),
    }
}

fn flush_folders(gathered: &Path) -> io::Result<()> {
    for entry in fs::read_dir(gathered)?.flatten().filter(|entry| entry.path().is_dir()) {
        flush_folders(&entry.path())?;
    }
    File::open(gathered)?.sync_all()
}

/// Names of the files of a change.
fn files_below(from: &Path) -> Vec<String> {
    let listed = |folder: std::path::PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    };
    let mut names: Vec<String> = listed(from.to_owned()).collect();
    for (folder, _) in BELOW {
        names.extend(listed(from.join(folder)).map(|name| format!("{folder}/{name}")));
    }
    names.retain(|name| is_editable(name));
    names.sort();
    names.dedup();
    names.extend(sounds::listed(from));
    names
}

fn gone(from: &Path) -> Vec<String> {
    let text = fs::read_to_string(from.join(GONE)).unwrap_or_default();
    text.lines().filter(|name| is_kept(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("trunks")).expect("a folder");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("a file");
        }
        dir
    }

    fn change(files: &[(&str, Option<&str>)]) -> Changes {
        let mut changes = Changes::default();
        files.iter().for_each(|(name, text)| changes.set(*name, text.map(str::to_owned)));
        changes
    }

    #[test]
    fn only_files_of_routing_may_be_changed() {
        for name in
            ["routing.toml", "retention.toml", "trunks/telco-a.toml", "places/kecamatan.csv"]
        {
            assert!(is_editable(name), "{name}");
        }
        for name in [
            "gateway.toml",
            "",
            "../routing.toml",
            "trunks/../gateway.toml",
            "trunks/.x.toml",
            "trunks/.toml",
            "trunks/x",
            "trunks/a/b.toml",
            "/etc/passwd",
            "secrets/x.toml",
            "trunks/x.toml\n",
        ] {
            assert!(!is_editable(name), "{name}");
        }
    }

    #[test]
    fn a_change_is_whole_wherever_its_writing_was_cut_off() {
        let old = [("routing.toml", "old"), ("seats.toml", "same"), ("trunks/a.toml", "a")];
        let changes = change(&[
            ("routing.toml", Some("new")),
            ("trunks/a.toml", None),
            ("trunks/b.toml", Some("b")),
        ]);
        let new: BTreeMap<String, String> =
            [("routing.toml", "new"), ("seats.toml", "same"), ("trunks/b.toml", "b")]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into();
        let none = Sounds::below(Path::new("none"));
        let dir = folder(&old);
        write(dir.path(), &changes, "why", &none).expect("written");
        assert_eq!(read_editable(dir.path()).expect("read"), new);
        assert!(!dir.path().join(PENDING).exists() && !dir.path().join("trunks/a.toml").exists());

        // Cut off before it counts: the old files, and the next change is not disturbed.
        let dir = folder(&old);
        fs::create_dir(dir.path().join(GATHERED)).expect("a folder");
        fs::write(dir.path().join(GATHERED).join("routing.toml"), "ne").expect("a file");
        assert_eq!(read_editable(dir.path()).expect("read")["routing.toml"], "old");
        assert_eq!(finish(dir.path()).expect("nothing to do"), None);
        write(dir.path(), &changes, "why", &none).expect("written");
        assert_eq!(read_editable(dir.path()).expect("read"), new);

        // Cut off after each file that was moved: readers see the new files, and so does who finishes.
        for moved in 0..=2 {
            let dir = folder(&old);
            let pending = dir.path().join(PENDING);
            fs::create_dir_all(pending.join("trunks")).expect("a folder");
            for (name, text) in [
                ("routing.toml", "new"),
                ("trunks/b.toml", "b"),
                (GONE, "trunks/a.toml\n"),
                (NOTE, "why"),
            ] {
                fs::write(pending.join(name), text).expect("a file");
            }
            for name in ["routing.toml", "trunks/b.toml"].iter().take(moved) {
                fs::rename(pending.join(name), dir.path().join(name)).expect("moved");
            }
            assert_eq!(read_editable(dir.path()).expect("read"), new, "{moved}");
            assert_eq!(finish(dir.path()).expect("finished").as_deref(), Some("why"));
            assert_eq!(read_editable(dir.path()).expect("read"), new, "{moved}");
            assert!(!pending.exists());
        }
    }
}
