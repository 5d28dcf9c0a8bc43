//! Recordings in what is handed out: from this node's disk, or from a folder that somebody brought from
//! another node's. One that is nowhere here is named, with its hash and the node that has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::archive::Archive;
use super::redaction::Redaction;
use crate::recording::{Library, Span};
use crate::store::{Incident, Recording};

/// What a folder with another node's recordings may hold beside them: its master keys.
const MASTER_KEYS: &str = "recordings.key";

/// A recording that lies on another node's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Elsewhere {
    call: String,
    part: i64,
    pub file: String,
    sha256: Option<String>,
    bytes: Option<i64>,
    /// The node's name.
    pub node: String,
}

impl Elsewhere {
    /// In both languages, with the way to it.
    pub fn told(&self) -> String {
        let Self { file, node, .. } = self;
        let sha256 = self.sha256.as_deref().unwrap_or("-");
        format!(
            "{file}: di node / on node {node:?}, SHA-256 {sha256}. Salin dari folder recordings node itu dan beri \
             --recordings FOLDER / copy it from that node's recordings folder and give --recordings FOLDER"
        )
    }
}

/// Recordings that were brought from another node: `folder` is a copy of its recordings folder, with `keys/`
/// where they are encrypted, and with its `recordings.key` unless both nodes have the same.
#[must_use]
pub fn brought(folder: &Path, own: &Library) -> Library {
    let mut settings = own.settings().clone();
    settings.folder = folder.to_owned();
    let theirs: PathBuf = folder.join(MASTER_KEYS);
    if theirs.exists() {
        settings.master_key_file = theirs;
    }
    Library::new(settings)
}

/// The files of a call that are there to be heard.
pub(super) fn files(call: &Incident) -> Vec<&Recording> {
    sealed(call.recording.iter().chain(&call.further_recordings))
}

/// Those of some files that are there to be heard.
pub(super) fn sealed<'a>(files: impl IntoIterator<Item = &'a Recording>) -> Vec<&'a Recording> {
    let files = files.into_iter();
    files.filter(|file| !file.file.is_empty() && file.state == "sealed").collect()
}

/// What a file of audio is called in a copy.
pub(super) fn audio_name(file: &str, redacted: bool) -> String {
    let plain = file.strip_suffix(".enc").unwrap_or(file);
    if !redacted {
        return format!("audio/{plain}");
    }
    let stem = plain.rsplit_once('.').map_or(plain, |(stem, _)| stem);
    format!("audio/{stem}-redacted.wav")
}

/// Where recordings may be.
pub(super) struct Sounds<'a> {
    /// This node's own.
    pub library: &'a Library,
    /// Those of others.
    pub brought: &'a [Library],
    /// Of one call: which other node has a file.
    pub nodes: BTreeMap<String, String>,
}

impl Sounds<'_> {
    /// Writes recordings of a call: whole, or with what `redaction` says replaced. One that cannot be read
    /// keeps nothing else back: `missing` says so. Those of other nodes that nobody brought are answered.
    pub fn write<W: Write>(
        &self,
        archive: &mut Archive<W>,
        (call, files): (&str, &[&Recording]),
        redaction: Option<&Redaction>,
        missing: &mut String,
    ) -> io::Result<Vec<Elsewhere>> {
        let mut elsewhere = Vec::new();
        if redaction.is_some_and(|redaction| redaction.audio.is_none()) {
            return Ok(elsewhere);
        }
        for file in files {
            let spans = redaction.map(|redaction| redaction.spans_of(call, file.part));
            let Some(library) = self.library_of(file) else {
                let absent = self.elsewhere(call, file);
                let _ = writeln!(missing, "{}", absent.told());
                elsewhere.push(absent);
                continue;
            };
            if let Err(error) = one(archive, library, &file.file, spans.as_deref()) {
                let _ = writeln!(
                    missing,
                    "{}: rekaman tidak dapat disalin utuh / the recording cannot be copied whole: {error}",
                    file.file
                );
            }
        }
        // Where it was the copy that failed, it fails here again.
        archive.flush()?;
        Ok(elsewhere)
    }

    /// Which of some files are on another node's disk and not here, with that node's name.
    pub fn absent<'a>(
        &self,
        files: impl IntoIterator<Item = &'a Recording>,
        redaction: Option<&Redaction>,
    ) -> BTreeMap<String, String> {
        let heard = redaction.is_none_or(|redaction| redaction.audio.is_some());
        let absent = files.into_iter().filter(|file| heard && self.library_of(file).is_none());
        let node = |file: &Recording| self.nodes.get(&file.file).cloned().unwrap_or_default();
        absent.map(|file| (file.file.clone(), node(file))).collect()
    }

    /// Who has a file: this node, or a folder that was brought, where it is what was sealed; none when it is
    /// another node's and not here.
    fn library_of(&self, file: &Recording) -> Option<&Library> {
        if !self.nodes.contains_key(&file.file) || self.library.open(&file.file).is_ok() {
            return Some(self.library);
        }
        let sha256 = file.sha256.as_deref().unwrap_or_default();
        let bytes = file.bytes.unwrap_or_default().unsigned_abs();
        self.brought.iter().find(|folder| folder.check(&file.file, sha256, bytes).is_ok())
    }

    fn elsewhere(&self, call: &str, file: &Recording) -> Elsewhere {
        Elsewhere {
            call: call.to_owned(),
            part: file.part,
            file: file.file.clone(),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            node: self.nodes.get(&file.file).cloned().unwrap_or_default(),
        }
    }
}

fn one<W: Write>(
    archive: &mut Archive<W>,
    library: &Library,
    name: &str,
    spans: Option<&[Span]>,
) -> io::Result<()> {
    let reader = library.open(name).map_err(io::Error::other)?;
    archive.part(&audio_name(name, spans.is_some()))?;
    match spans {
        Some(spans) => reader.redacted(spans, archive)?,
        None => reader.copy(archive)?,
    };
    if spans.is_none() && library.is_locked(name) {
        let mut sealed = library.as_sealed(name).map_err(io::Error::other)?;
        archive.part(&format!("sealed/{name}"))?;
        io::copy(&mut sealed, archive)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_recordings_are_called_after_them() {
        assert_eq!(audio_name("06-2.ogg.enc", false), "audio/06-2.ogg");
        assert_eq!(audio_name("06-2.ogg.enc", true), "audio/06-2-redacted.wav");
    }
}
