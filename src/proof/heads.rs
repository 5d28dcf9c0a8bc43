//! Signed heads on disk: one file a day, and a copy of each elsewhere.
//!
//! A head that is there is never changed.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{ProofError, Signer};
use crate::journal::Head;
use crate::store::journal_file::read_from;

/// What a head is made of beside the journal.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The node.
    pub node: String,
    /// The day at the centre.
    pub date: String,
    /// RFC 3339.
    pub at: String,
}

/// A file and the head in it, or why there is none.
pub type Read = (PathBuf, Result<Head, ProofError>);

/// The heads in `folder` by their file names, oldest first. A file that is no head is an error of
/// its own, so that one damaged file hides no other.
///
/// # Errors
/// When the folder cannot be listed.
pub fn read_all(folder: &Path) -> Result<Vec<Read>, ProofError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ProofError::file("read", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(ProofError::file("read", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let head = read(&path);
            found.push((path, head));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

fn read(path: &Path) -> Result<Head, ProofError> {
    let text = fs::read(path).map_err(ProofError::file("read", path))?;
    let wrong = |_| ProofError::Content { path: path.to_owned(), why: "is no head of a journal" };
    serde_json::from_slice(&text).map_err(wrong)
}

/// Signs the journal's end as it is: its line `seq`. None when the day has its head, or the journal
/// has no such line yet.
///
/// # Errors
/// When the journal cannot be read, or the head not written.
pub fn sign(
    signer: &Signer,
    journal: &Path,
    folder: &Path,
    seq: u64,
    moment: &Moment,
) -> Result<Option<Head>, ProofError> {
    let path = folder.join(format!("{}.json", moment.date));
    if path.exists() {
        return Ok(None);
    }
    let last = read_all(folder)?.pop().and_then(|(_, head)| head.ok());
    let Some(line) = read_from(journal, seq).next().transpose()?.filter(|line| line.seq == seq)
    else {
        return Ok(None);
    };
    let Moment { node, date, at } = moment.clone();
    let mut head = Head {
        node,
        date,
        signed_at: at,
        line: seq,
        link: line.link.to_string(),
        previous: last.map(|head| head.signature).unwrap_or_default(),
        key: signer.public(),
        signature: String::new(),
    };
    head.signature = signer.sign(&head.text());
    let mut text = serde_json::to_vec_pretty(&head).unwrap_or_default();
    text.push(b'\n');
    write(&path, &text).map_err(ProofError::file("written", &path))?;
    Ok(Some(head))
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

/// Puts a copy of every head that `to` lacks there. What is there stays as it is. Returns how many
/// were copied.
///
/// # Errors
/// When one of the folders cannot be used: it is tried again later.
pub fn copy(folder: &Path, to: &Path) -> Result<usize, ProofError> {
    let mut copied = 0;
    for (path, head) in read_all(folder)? {
        let (Some(name), Ok(_)) = (path.file_name(), head) else { continue };
        let there = to.join(name);
        if !there.exists() {
            let bytes = fs::read(&path).map_err(ProofError::file("read", &path))?;
            write(&there, &bytes).map_err(ProofError::file("written", &there))?;
            copied += 1;
        }
    }
    Ok(copied)
}
