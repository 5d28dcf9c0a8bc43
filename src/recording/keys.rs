//! The keys of encrypted recordings. Each file has a random key of its own, which lies beside it
//! wrapped by the node's master key: whoever deletes that one small file has deleted the recording,
//! wherever copies of the audio are.
//!
//! A key never leaves this room, is never logged and never lies on disk in the open but in the
//! master key's own file.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use sha2::{Digest, Sha256};

use super::part::make_folder;
use crate::vocabulary::hex;

/// Bytes of a key of AES-256.
pub(super) const KEY_BYTES: usize = 32;
/// Where wrapped keys are, below the recordings.
pub(super) const FOLDER: &str = "keys";
/// Master keys that one file may hold: the present one and those before it.
const MOST: usize = 32;
/// Bytes that say which master key wrapped a key.
const NAME_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// The key of one recording.
pub(super) type Key = [u8; KEY_BYTES];

/// The node's master keys: the first wraps, all of them unwrap.
pub(super) struct MasterKeys(Vec<Key>);

fn unusable(path: &Path, why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}

fn failed(what: &str) -> io::Error {
    io::Error::other(format!("{what} failed in the crypto library"))
}

fn random() -> io::Result<Key> {
    let mut key = [0; KEY_BYTES];
    rand::fill(&mut key).map_err(|_| failed("making a random key"))?;
    Ok(key)
}

impl MasterKeys {
    /// Reads `path`: a key of 64 hexadecimal digits on each line, the present one first.
    pub fn load(path: &Path) -> io::Result<Self> {
        let mut text = String::new();
        let file = File::open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        file.take(64 << 10).read_to_string(&mut text)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Option<Vec<Key>> = lines.take(MOST).map(read_hex).collect();
        let keys = keys.filter(|keys| !keys.is_empty());
        let keys =
            keys.ok_or_else(|| unusable(path, "a key is 64 hexadecimal digits on a line"))?;
        Ok(Self(keys))
    }

    /// Makes `path` with a new key where there is none, for its owner only. True when it did.
    pub fn make(path: &Path) -> io::Result<bool> {
        let mut new = OpenOptions::new();
        let file = new.write(true).create_new(true).mode(0o600).open(path);
        let mut file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        };
        let written = random()
            .and_then(|key| writeln!(file, "{}", hex(&key)))
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_folder_of(path));
        if written.is_err() {
            // Half a key would be taken for a wrong one.
            let _ = std::fs::remove_file(path);
        }
        written.map(|()| true)
    }

    fn wrap(&self, key: &Key, name: &str) -> io::Result<Vec<u8>> {
        let master = self.0.first().ok_or_else(|| failed("finding a master key"))?;
        let cipher =
            RandomizedNonceKey::new(&AES_256_GCM, master).map_err(|_| failed("wrapping a key"))?;
        let mut sealed = key.to_vec();
        let nonce = cipher
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| failed("wrapping a key"))?;
        Ok([&name_of(master)[..], nonce.as_ref(), &sealed].concat())
    }

    fn unwrap(&self, wrapped: &[u8], name: &str) -> Result<Key, &'static str> {
        let whole = NAME_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
        if wrapped.len() != whole {
            return Err("this is no wrapped key");
        }
        let (master, rest) = wrapped.split_at(NAME_BYTES);
        let (nonce, sealed) = rest.split_at(NONCE_BYTES);
        let master = self.0.iter().find(|key| name_of(key) == master);
        let master = master.ok_or("the master key that it was wrapped by is not there")?;
        let altered = "it was altered, or belongs to another recording";
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, master).map_err(|_| altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| altered)?;
        let mut sealed = sealed.to_vec();
        let key = cipher
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| altered)?;
        Key::try_from(&*key).map_err(|_| altered)
    }
}

fn read_hex(line: &str) -> Option<Key> {
    let mut key = [0; KEY_BYTES];
    if line.len() != 2 * KEY_BYTES || !line.is_ascii() {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(line.get(at..at + 2)?, 16).ok()?;
    }
    Some(key)
}

/// What a master key is known by: nothing that helps to guess it.
fn name_of(master: &Key) -> [u8; NAME_BYTES] {
    let hash = Sha256::new().chain_update(b"siaga112 master key").chain_update(master).finalize();
    let mut name = [0; NAME_BYTES];
    name.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    name
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(FOLDER).join(format!("{name}.key"))
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Makes a key for the recording `name` and keeps it, wrapped. One that a failed try left is written
/// over: nothing was locked with it.
pub(super) fn new_key(folder: &Path, name: &str, masters: &MasterKeys) -> io::Result<Key> {
    let key = random()?;
    let wrapped = masters.wrap(&key, name)?;
    make_folder(&folder.join(FOLDER))?;
    let path = file_of(folder, name);
    let mut new = OpenOptions::new();
    let mut file = new.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&wrapped)?;
    Ok(key)
}

/// The key of the recording `name`.
pub(super) fn key_of(folder: &Path, name: &str, master_file: &Path) -> io::Result<Key> {
    let path = file_of(folder, name);
    let wrapped = std::fs::read(&path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    let masters = MasterKeys::load(master_file)?;
    masters.unwrap(&wrapped, name).map_err(|why| unusable(&path, why))
}

/// Makes the wrapped key of a finished recording safe on disk.
pub(super) fn sync(folder: &Path, name: &str) -> io::Result<()> {
    let path = file_of(folder, name);
    File::open(&path)?.sync_all()?;
    sync_folder_of(&path)
}

/// Whether the wrapped key of a recording is there.
pub(super) fn is_there(folder: &Path, name: &str) -> bool {
    file_of(folder, name).exists()
}

/// Drops the key of a recording: nobody can hear it any more. None there is well.
pub(super) fn forget(folder: &Path, name: &str) -> io::Result<()> {
    let path = file_of(folder, name);
    match std::fs::remove_file(&path) {
        Ok(()) => sync_folder_of(&path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn site() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        (folder, path)
    }

    #[test]
    fn a_master_key_is_made_once_and_for_its_owner_only() {
        let (_folder, path) = site();
        assert!(MasterKeys::make(&path).expect("made"));
        let first = std::fs::read(&path).expect("reads");
        assert!(!MasterKeys::make(&path).expect("there"));
        assert_eq!(std::fs::read(&path).expect("reads"), first);
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(MasterKeys::load(&path).map(|keys| keys.0.len()).ok(), Some(1));
    }

    #[test]
    fn what_is_no_master_key_is_refused_and_not_shown() {
        let (_folder, path) = site();
        for text in ["", "\n", "abc", &"g".repeat(64), &"é".repeat(32), &"a".repeat(63)] {
            std::fs::write(&path, text).expect("writes");
            let Err(refused) = MasterKeys::load(&path) else { panic!("{text:?} was taken") };
            let told = refused.to_string();
            assert!(
                told.contains("64 hexadecimal") && (text.trim().is_empty() || !told.contains(text))
            );
        }
    }

    #[test]
    fn a_key_opens_by_its_master_and_name_only_and_is_gone_when_forgotten() {
        let (folder, path) = site();
        MasterKeys::make(&path).expect("made");
        let masters = MasterKeys::load(&path).expect("loads");
        let key = new_key(folder.path(), "one.wav.enc", &masters).expect("kept");
        assert_eq!(key_of(folder.path(), "one.wav.enc", &path).expect("opens"), key);
        // The file beside it holds nothing of the key.
        let kept = std::fs::read(file_of(folder.path(), "one.wav.enc")).expect("reads");
        assert!(!kept.windows(8).any(|part| key.windows(8).any(|of| of == part)));
        // Under another recording's name it opens nothing.
        std::fs::write(file_of(folder.path(), "two.wav.enc"), &kept).expect("writes");
        key_of(folder.path(), "two.wav.enc", &path).expect_err("another's");
        // A new master key before the old one: both serve.
        let old = std::fs::read_to_string(&path).expect("reads");
        std::fs::write(&path, format!("{}\n{old}", "ab".repeat(32))).expect("writes");
        assert_eq!(key_of(folder.path(), "one.wav.enc", &path).expect("opens"), key);
        std::fs::write(&path, "ab".repeat(32)).expect("writes");
        let told = key_of(folder.path(), "one.wav.enc", &path).expect_err("lost").to_string();
        assert!(told.contains("master key that it was wrapped by is not there"), "{told}");
        forget(folder.path(), "one.wav.enc").expect("forgotten");
        forget(folder.path(), "one.wav.enc").expect("twice is well");
        key_of(folder.path(), "one.wav.enc", &path).expect_err("gone");
    }
}
