//! Access entries of commands: who read records at the gateway's own machine, and why.
//!
//! Only the gateway writes its journal, and it may not be running. So a command lays its entry into a
//! folder beside the journal, flushed, before it shows anything; the gateway takes it in within
//! seconds, or at its next start. An entry is removed only when the journal has it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::vocabulary::WallTime;

/// Below the data folder.
const FOLDER: &str = "access";
/// Longest entry that is read: a command writes less than 4 KiB.
const BYTES: u64 = 64 << 10;

/// One reading by a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// When.
    pub at: WallTime,
    /// The account of this machine.
    pub by: String,
    /// What was done, e.g. `incident read`.
    pub what: String,
    /// The record, or what was looked for.
    pub subject: String,
    /// Why, as they typed.
    pub reason: String,
}

/// Why an entry could not be kept: then nothing may be shown.
#[derive(Debug, Error)]
#[error(
    "the access log cannot be written ({path}: {source}), so nothing is shown; run this as the gateway's \
     user or as root, with room on the disk"
)]
pub struct LookError {
    path: PathBuf,
    source: io::Error,
}

/// Where the entries of the gateway with this data folder wait.
#[must_use]
pub fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// Lays an entry there; it is on disk afterwards.
///
/// # Errors
/// When it is not.
pub fn lay(data: &Path, look: &Look) -> Result<(), LookError> {
    let folder = folder(data);
    let name = format!("{:020}-{}.json", look.at.0, std::process::id());
    let path = folder.join(name);
    write(data, &folder, &path, look).map_err(|source| LookError { path, source })
}

fn write(data: &Path, folder: &Path, path: &Path, look: &Look) -> io::Result<()> {
    // Root may ask; the gateway's own user must be able to take it in.
    let owner = fs::metadata(data)?;
    let give = |path: &Path| {
        let is = fs::metadata(path)?;
        let same = (is.uid(), is.gid()) == (owner.uid(), owner.gid());
        if same { Ok(()) } else { chown(path, Some(owner.uid()), Some(owner.gid())) }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    give(folder)?;
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(look)?)?;
    file.sync_all()?;
    give(&draft)?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

/// The entries that wait, oldest first, each with its file. One that cannot be read stands with the
/// reason.
///
/// # Errors
/// When the folder cannot be listed.
pub fn waiting(data: &Path) -> io::Result<Vec<(PathBuf, io::Result<Look>)>> {
    let entries = match fs::read_dir(folder(data)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files.into_iter().map(|path| (path.clone(), read(&path))).collect())
}

fn read(path: &Path) -> io::Result<Look> {
    if fs::metadata(path)?.len() > BYTES {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is too long"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> Look {
        Look {
            at: WallTime(5),
            by: "rina (command line)".into(),
            what: "incident read".into(),
            subject: "0006".into(),
            reason: "permintaan polisi".into(),
        }
    }

    #[test]
    fn an_entry_waits_for_the_gateway_and_is_for_nobody_else() {
        let data = tempfile::tempdir().expect("a folder");
        assert!(waiting(data.path()).expect("nothing yet").is_empty());
        lay(data.path(), &look()).expect("laid");
        lay(data.path(), &Look { at: WallTime(9), ..look() }).expect("laid");
        let all = waiting(data.path()).expect("lists");
        let read: Vec<i64> =
            all.iter().map(|(_, look)| look.as_ref().expect("reads").at.0).collect();
        assert_eq!(read, [5, 9]);
        assert_eq!(fs::metadata(&all[0].0).expect("there").mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_kept_is_said_and_what_is_no_entry_hides_no_other() {
        let data = tempfile::tempdir().expect("a folder");
        fs::write(folder(data.path()), "in the way").expect("written");
        let told = lay(data.path(), &look()).expect_err("a file is in the way").to_string();
        assert!(told.contains("nothing is shown"), "{told}");
        fs::remove_file(folder(data.path())).expect("removed");
        lay(data.path(), &look()).expect("laid");
        fs::write(folder(data.path()).join("0.json"), "{}").expect("written");
        let all = waiting(data.path()).expect("lists");
        assert!(all[0].1.is_err() && all[1].1.is_ok());
    }
}
