//! The keys of calls: what is personal in the journal is locked by one of the call's own, so that it can
//! be destroyed without changing a line.
//!
//! Keys lie in `journal/keys`, in blocks of slots that are made before they are needed: no call waits for
//! one. A slot is given once, to one owner. To drop a key, its slot is written over; nothing brings it
//! back, in no copy of the journal. So backups that are kept for long must leave this folder out.
//!
//! A key is never logged. It leaves this room only with all that it locks, to prove that this is what was kept.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;

use crate::journal::sealed::{self, Locked, Owner};
use crate::journal::{Entry, chain};

/// Slots of one block.
const SLOTS: u64 = 1024;
const KEY_BYTES: usize = 32;
/// A key, its owner as text, and room.
const SLOT: usize = 64;
const SLOT_BYTES: u64 = SLOT as u64;
const OWNER_BYTES: usize = 17;
/// Slots left when the next block is made.
const LOW: usize = 128;
/// Owners that are known to the writer; others get a further slot.
const KNOWN: usize = 50_000;
/// Open blocks of a reader.
const OPEN_BLOCKS: usize = 64;

type Key = [u8; KEY_BYTES];

/// Where the keys of a journal are.
fn folder_of(journal: &Path) -> PathBuf {
    journal.join("keys")
}

fn block_file(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:016}.keys"))
}

/// The first slots of every block, oldest first.
fn blocks(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let first: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".keys")?.parse().ok());
        found.extend(first);
    }
    found.sort_unstable();
    Ok(found)
}

fn place(slot: u64) -> (u64, u64) {
    (slot - slot % SLOTS, slot % SLOTS * SLOT_BYTES)
}

fn failed(what: &str) -> io::Error {
    io::Error::other(format!("{what} failed in the crypto library"))
}

/// Gives keys out and locks by them; one for each journal that is written.
#[derive(Debug)]
pub(super) struct KeyMaker {
    folder: PathBuf,
    block: Option<Block>,
    given: HashMap<Owner, (u64, Key)>,
}

/// Keys that lie in one file.
#[derive(Debug)]
pub(super) struct Block {
    first: u64,
    file: File,
    /// Keys that are given to nobody, the next one last.
    left: Vec<Key>,
}

impl Block {
    /// A new one for the journal in this folder; waits for the disk.
    pub fn make(journal: &Path) -> io::Result<Self> {
        Self::make_in(&folder_of(journal))
    }

    fn make_in(folder: &Path) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)?;
        let first = blocks(folder)?.last().map_or(0, |last| last + SLOTS);
        let mut bytes = vec![0; usize::try_from(SLOTS * SLOT_BYTES).unwrap_or_default()];
        let mut left = Vec::new();
        for slot in bytes.chunks_mut(SLOT) {
            let mut key = [0; KEY_BYTES];
            rand::fill(&mut key).map_err(|_| failed("making random keys"))?;
            slot.iter_mut().zip(key).for_each(|(to, from)| *to = from);
            left.push(key);
        }
        left.reverse();
        let path = block_file(folder, first);
        let mut new = OpenOptions::new();
        let mut file = new.read(true).write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(Self { first, file, left })
    }
}

impl KeyMaker {
    /// For the journal in this folder. Slots of an earlier process are never given again.
    pub fn of(journal: &Path) -> Self {
        Self { folder: folder_of(journal), block: None, given: HashMap::new() }
    }

    /// Sees to it that keys are there before they are needed.
    pub fn prepare(&mut self) -> io::Result<()> {
        if self.block.as_ref().is_none_or(|block| block.left.is_empty()) {
            self.block = Some(Block::make_in(&self.folder)?);
        }
        Ok(())
    }

    /// Whether a new block should be made while nobody waits.
    pub fn runs_low(&self) -> bool {
        self.block.as_ref().is_none_or(|block| block.left.len() < LOW)
    }

    /// Goes on with the next block before the present one is used up: what is left of that is not used.
    pub fn take(&mut self, block: Block) {
        self.block = Some(block);
    }

    fn key(&mut self, owner: Owner) -> io::Result<(u64, Key)> {
        if let Some(given) = self.given.get(&owner) {
            return Ok(*given);
        }
        self.prepare()?;
        let block = self.block.as_mut().ok_or_else(|| failed("keeping keys"))?;
        let slot = block.first + SLOTS - block.left.len() as u64;
        let key = block.left.pop().ok_or_else(|| failed("keeping keys"))?;
        // Whose the key is stands in the journal as well: this need not be on disk before it.
        block.file.write_all_at(owner.to_string().as_bytes(), owner_place(slot))?;
        if self.given.len() >= KNOWN {
            self.given.clear();
        }
        self.given.insert(owner, (slot, key));
        Ok((slot, key))
    }

    /// The body of a line whose `personal` part only the owner's key opens.
    pub fn lock(&mut self, open: &[u8], owner: Owner, personal: &[u8]) -> io::Result<Vec<u8>> {
        let (slot, key) = self.key(owner)?;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| failed("locking"))?;
        let mut data = personal.to_vec();
        let aad = Aad::from(owner.to_string());
        let nonce =
            cipher.seal_in_place_append_tag(aad, &mut data).map_err(|_| failed("locking"))?;
        let data = [nonce.as_ref(), data.as_slice()].concat();
        Ok(sealed::close(open, &Locked { slot, owner, data }))
    }

    /// Uses no key of these owners any more: they are about to be dropped.
    pub fn forget(&mut self, owners: &HashSet<Owner>) {
        self.given.retain(|owner, _| !owners.contains(owner));
    }
}

fn owner_place(slot: u64) -> u64 {
    place(slot).1 + KEY_BYTES as u64
}

/// What became of the locked part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The line has none.
    None,
    /// Its key opens it.
    Opens(Owner),
    /// Its key was dropped.
    Dropped(Owner),
    /// Its key's file is not there.
    Missing(Owner),
    /// Its key does not open it: one of them was altered.
    Altered(Owner),
}

/// Reads what is locked.
#[derive(Debug)]
pub struct CallKeys {
    folder: PathBuf,
    open: HashMap<u64, File>,
}

impl CallKeys {
    /// The keys of the journal in this folder.
    #[must_use]
    pub fn of(journal: &Path) -> Self {
        Self { folder: folder_of(journal), open: HashMap::new() }
    }

    fn slot(&mut self, slot: u64) -> io::Result<[u8; SLOT]> {
        let (first, offset) = place(slot);
        if !self.open.contains_key(&first) {
            if self.open.len() >= OPEN_BLOCKS {
                self.open.clear();
            }
            self.open.insert(first, File::open(block_file(&self.folder, first))?);
        }
        let mut bytes = [0; SLOT];
        if let Some(file) = self.open.get(&first) {
            file.read_exact_at(&mut bytes, offset)?;
        }
        Ok(bytes)
    }

    /// What a line says, as far as its key lets it.
    #[must_use]
    pub fn read(&mut self, line: &[u8]) -> (Lock, Option<Entry>) {
        let Some(Locked { slot, owner, data }) = sealed::locked(line) else {
            return (Lock::None, chain::entry(line));
        };
        let Ok(bytes) = self.slot(slot) else {
            return (Lock::Missing(owner), sealed::blank(line));
        };
        let (key, _) = bytes.split_at(KEY_BYTES);
        if key.iter().all(|byte| *byte == 0) {
            return (Lock::Dropped(owner), sealed::blank(line));
        }
        let opened = open(key, owner, &data);
        match opened.and_then(|opened| sealed::whole(line, &opened)) {
            Some(entry) => (Lock::Opens(owner), Some(entry)),
            None => (Lock::Altered(owner), sealed::blank(line)),
        }
    }

    /// The last key that was given to anybody and is still there, and whose it is. Lines are written right
    /// after it, so without one of it they are missing.
    pub fn newest(&mut self) -> Option<(u64, String)> {
        let first = blocks(&self.folder).ok()?;
        for first in first.into_iter().rev() {
            for slot in (first..first + SLOTS).rev() {
                let Ok(bytes) = self.slot(slot) else { continue };
                let (key, owner) = bytes.split_at(KEY_BYTES);
                let owner =
                    owner.get(..OWNER_BYTES).and_then(|text| std::str::from_utf8(text).ok());
                let owner = owner.filter(|text| text.parse::<Owner>().is_ok());
                if let Some(owner) = owner.filter(|_| key.iter().any(|byte| *byte != 0)) {
                    return Some((slot, owner.to_owned()));
                }
            }
        }
        None
    }

    /// Slot, owner and key of what is locked in a line, for a copy that holds what it says as well; none
    /// when there is no such key any more.
    pub fn handed_out(&mut self, line: &[u8]) -> Option<(u64, String, [u8; KEY_BYTES])> {
        let Locked { slot, owner, .. } = sealed::locked(line)?;
        let key = *self.slot(slot).ok()?.first_chunk::<KEY_BYTES>()?;
        let there = key.iter().any(|byte| *byte != 0);
        there.then(|| (slot, owner.to_string(), key))
    }

    /// Writes into a slot whose it is, where a power cut came before that was on disk.
    pub(super) fn own(&mut self, line: &[u8]) {
        let Some(Locked { slot, owner, .. }) = sealed::locked(line) else { return };
        let unowned = self.slot(slot).is_ok_and(|bytes| bytes.get(KEY_BYTES) == Some(&0));
        let path = block_file(&self.folder, place(slot).0);
        let file = unowned.then(|| OpenOptions::new().write(true).open(path)).and_then(Result::ok);
        if let Some(file) = file
            && let Err(error) = file.write_all_at(owner.to_string().as_bytes(), owner_place(slot))
        {
            tracing::warn!(%error, "a key of a call cannot be given its owner");
        }
    }
}

fn open(key: &[u8], owner: Owner, data: &[u8]) -> Option<Vec<u8>> {
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let (nonce, locked) = data.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut locked = locked.to_vec();
    let opened = cipher.open_in_place(nonce, Aad::from(owner.to_string()), &mut locked).ok()?;
    Some(opened.to_vec())
}

/// Destroys every key whose owner is `wanted`; returns how many there were. It reads all blocks once.
///
/// # Errors
/// When a block cannot be read or written; those before it are done.
pub fn drop_keys(journal: &Path, wanted: &dyn Fn(Owner) -> bool) -> io::Result<u64> {
    let folder = folder_of(journal);
    let mut dropped = 0;
    for first in blocks(&folder)? {
        let path = block_file(&folder, first);
        let bytes = fs::read(&path)?;
        let slots = bytes.chunks_exact(SLOT);
        let due: Vec<u64> = (0..)
            .zip(slots)
            .filter(|(_, slot)| {
                let owner = slot.get(KEY_BYTES..KEY_BYTES + OWNER_BYTES);
                let owner = owner.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                let there = slot.iter().take(KEY_BYTES).any(|byte| *byte != 0);
                there && owner.is_some_and(wanted)
            })
            .map(|(number, _)| number * SLOT_BYTES)
            .collect();
        if due.is_empty() {
            continue;
        }
        let file = OpenOptions::new().write(true).open(&path)?;
        for offset in &due {
            file.write_all_at(&[0; KEY_BYTES], *offset)?;
        }
        file.sync_all()?;
        dropped += due.len() as u64;
    }
    Ok(dropped)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::journal::Fact;
    use crate::journal::sealed::{Class, Split};
    use crate::vocabulary::{CallId, Private, Uid, WallTime};

    fn call(n: u32) -> CallId {
        CallId(Uid::new(WallTime(1_000_000), n))
    }

    fn written(n: u32) -> Entry {
        let (began, name) = (WallTime(1), String::new());
        let text = Private::new("tolong, rumah saya".to_owned());
        let by = crate::vocabulary::Party::Caller;
        let fact = Fact::TextWritten { call: call(n), by, name, began, text };
        Entry { at: WallTime(2), fact }
    }

    fn line(maker: &mut KeyMaker, entry: &Entry) -> Vec<u8> {
        let Split { open, personal } = sealed::split(entry);
        let (owner, personal) = personal.expect("personal");
        let body = maker.lock(&open, owner, &personal).expect("locks");
        let mut out = Vec::new();
        chain::Chain::default().seal(&body, &mut out);
        out.pop();
        out
    }

    #[test]
    fn a_dropped_key_takes_one_call_along_and_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut maker = KeyMaker::of(dir.path());
        let lines = [line(&mut maker, &written(1)), line(&mut maker, &written(2))];
        assert!(!String::from_utf8_lossy(&lines[0]).contains("tolong"));
        let mut keys = CallKeys::of(dir.path());
        let owner = Owner { class: Class::Record, of: call(1).0 };
        assert_eq!(keys.read(&lines[0]), (Lock::Opens(owner), Some(written(1))));

        let owners = HashSet::from([owner]);
        assert_eq!(drop_keys(dir.path(), &|owner| owners.contains(&owner)).expect("drops"), 1);
        assert_eq!(drop_keys(dir.path(), &|owner| owners.contains(&owner)).expect("drops"), 0);
        let (lock, left) = keys.read(&lines[0]);
        assert_eq!(lock, Lock::Dropped(owner));
        let Some(Fact::TextWritten { text, .. }) = left.map(|entry| entry.fact) else { panic!() };
        assert_eq!(text.reveal(), "");
        assert_eq!(keys.read(&lines[1]).1, Some(written(2)));

        // What is written of the call afterwards can be read: it has a key of its own.
        maker.forget(&owners);
        let later = line(&mut maker, &written(1));
        assert_eq!(keys.read(&later), (Lock::Opens(owner), Some(written(1))));
    }

    #[test]
    fn keys_are_for_their_owner_only_and_never_given_twice() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut first, mut second) = (KeyMaker::of(dir.path()), KeyMaker::of(dir.path()));
        let slot = |line: &[u8]| sealed::locked(line).expect("locked").slot;
        assert_eq!(slot(&line(&mut first, &written(1))), 0);
        assert_eq!(slot(&line(&mut first, &written(1))), 0);
        assert_eq!(slot(&line(&mut first, &written(2))), 1);
        assert_eq!(slot(&line(&mut second, &written(1))), SLOTS);
        for n in 0..2 * u32::try_from(SLOTS).expect("few") {
            line(&mut first, &written(n));
        }
        let mut seen = HashSet::new();
        for first in blocks(&folder_of(dir.path())).expect("lists") {
            let path = block_file(&folder_of(dir.path()), first);
            assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
            let bytes = fs::read(path).expect("reads");
            bytes.chunks(64).for_each(|slot| assert!(seen.insert(slot[..32].to_vec())));
        }
    }

    #[test]
    fn an_altered_line_and_a_missing_key_are_told_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut maker = KeyMaker::of(dir.path());
        let good = line(&mut maker, &written(1));
        let owner = Owner { class: Class::Record, of: call(1).0 };
        let other = String::from_utf8(good.clone())
            .expect("text")
            .replace(&call(1).to_string(), &call(9).to_string());
        let (lock, _) = CallKeys::of(dir.path()).read(other.as_bytes());
        assert!(matches!(lock, Lock::Altered(_)));
        fs::remove_dir_all(folder_of(dir.path())).expect("removed");
        let (lock, left) = CallKeys::of(dir.path()).read(&good);
        assert_eq!((lock, left.is_some()), (Lock::Missing(owner), true));
    }
}
