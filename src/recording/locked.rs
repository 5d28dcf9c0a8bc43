//! A file of encrypted chunks, by the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015)
//! over AES-256-GCM: each chunk's nonce says its place and whether it is the last, so none can be
//! changed, left out, moved or cut off unnoticed.
//!
//! A chunk is written once and never again under the same nonce; an end that a repair writes has a
//! mark of its own. What is not yet a whole chunk stays in memory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::keys::Key;

/// Plain bytes of a chunk: 32 ms of WAV, a sixth of a second of Opus.
const CHUNK: usize = 1_024;
/// Bytes by which a chunk grows.
const TAG: usize = 16;
/// A chunk on disk.
const WHOLE: usize = CHUNK + TAG;
/// What every file begins with: the last byte is the version of all this.
const HEADER: [u8; 16] = *b"Siaga112 sealed\x01";

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It has no end yet, or it was cut off.
    Open,
    /// As its writer closed it.
    Closed,
    /// By a repair: its writer was stopped.
    Repaired,
}

struct Cipher {
    key: LessSafeKey,
    /// The header and the name: they are authenticated with every chunk.
    bound: Vec<u8>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher")
    }
}

impl Cipher {
    fn new(key: &Key, name: &str) -> io::Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| io::Error::other("no key"))?;
        let bound = [&HEADER[..], name.as_bytes()].concat();
        Ok(Self { key: LessSafeKey::new(key), bound })
    }

    fn nonce(place: u32, end: End) -> Nonce {
        let mut nonce = [0; 12];
        let mark = [match end {
            End::Open => 0,
            End::Closed => 1,
            End::Repaired => 2,
        }];
        let said = place.to_be_bytes().into_iter().chain(mark);
        nonce.iter_mut().skip(7).zip(said).for_each(|(to, from)| *to = from);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Appends `plain` as the chunk at `place`.
    fn seal(&self, place: u32, end: End, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut chunk = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Self::nonce(place, end), Aad::from(&self.bound), &mut chunk)
            .map_err(|_| io::Error::other("a chunk could not be encrypted"))?;
        out.append(&mut chunk);
        Ok(())
    }

    fn open<'c>(&self, place: u32, end: End, chunk: &'c mut [u8]) -> Option<&'c [u8]> {
        let opened = self.key.open_in_place(Self::nonce(place, end), Aad::from(&self.bound), chunk);
        opened.ok().map(|plain| &*plain)
    }
}

/// Where a chunk lies in the file.
fn place_in_file(chunk: u32) -> u64 {
    HEADER.len() as u64 + u64::from(chunk) * WHOLE as u64
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct LockedWriter {
    file: File,
    cipher: Cipher,
    chunks: u32,
    kept: Vec<u8>,
}

impl LockedWriter {
    /// Begins the empty `file`.
    pub fn begin(file: File, key: &Key, name: &str) -> io::Result<Self> {
        file.write_all_at(&HEADER, 0)?;
        let cipher = Cipher::new(key, name)?;
        Ok(Self { file, cipher, chunks: 0, kept: Vec::with_capacity(CHUNK) })
    }

    /// Appends; what is no whole chunk yet is kept. After an error the file is only to be repaired.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.kept.extend_from_slice(bytes);
        let whole = self.kept.len() / CHUNK * CHUNK;
        let mut out = Vec::with_capacity(whole + whole / CHUNK * TAG);
        let first = self.chunks;
        for plain in self.kept.get(..whole).unwrap_or_default().chunks(CHUNK) {
            self.cipher.seal(self.chunks, End::Open, plain, &mut out)?;
            self.chunks = self.next()?;
        }
        self.file.write_all_at(&out, place_in_file(first))?;
        self.kept.drain(..whole);
        Ok(())
    }

    fn next(&self) -> io::Result<u32> {
        self.chunks.checked_add(1).ok_or_else(|| ErrorKind::FileTooLarge.into())
    }

    /// Writes the last chunk and returns the file.
    pub fn close(self) -> io::Result<File> {
        let mut out = Vec::new();
        self.cipher.seal(self.chunks, End::Closed, &self.kept, &mut out)?;
        self.file.write_all_at(&out, place_in_file(self.chunks))?;
        Ok(self.file)
    }
}

/// A file to read from, which may still grow.
#[derive(Debug)]
pub(super) struct LockedReader {
    file: File,
    cipher: Cipher,
    /// Whole chunks before the end.
    chunks: u32,
    last: Vec<u8>,
    end: End,
}

impl LockedReader {
    /// Looks at `file` as far as it reaches now.
    ///
    /// # Errors
    /// `InvalidData` when it is none of ours, or its first chunk does not open with `key`.
    pub fn open(file: File, key: &Key, name: &str) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut header = [0; HEADER.len()];
        let header =
            header.get_mut(..usize::try_from(length).unwrap_or(usize::MAX).min(HEADER.len()));
        let header = header.unwrap_or_default();
        file.read_exact_at(header, 0)?;
        if !HEADER.starts_with(header) {
            return Err(io::Error::new(ErrorKind::InvalidData, "it begins like no locked file"));
        }
        let body = length.saturating_sub(HEADER.len() as u64);
        let chunks = u32::try_from(body / WHOLE as u64).map_err(|_| ErrorKind::FileTooLarge)?;
        let rest = usize::try_from(body % WHOLE as u64).unwrap_or_default();
        let cipher = Cipher::new(key, name)?;
        let mut reader = Self { file, cipher, chunks, last: Vec::new(), end: End::Open };
        if rest >= TAG {
            let mut chunk = vec![0; rest];
            reader.file.read_exact_at(&mut chunk, place_in_file(chunks))?;
            for end in [End::Closed, End::Repaired] {
                if let Some(last) = reader.cipher.open(chunks, end, &mut chunk.clone()) {
                    (reader.last, reader.end) = (last.to_vec(), end);
                }
            }
        }
        if chunks > 0 {
            reader.chunk(0)?;
        }
        Ok(reader)
    }

    /// Plain bytes.
    pub fn length(&self) -> u64 {
        u64::from(self.chunks) * CHUNK as u64 + self.last.len() as u64
    }

    /// How it ends.
    pub const fn end(&self) -> End {
        self.end
    }

    fn chunk(&self, place: u32) -> io::Result<Vec<u8>> {
        let mut chunk = vec![0; WHOLE];
        self.file.read_exact_at(&mut chunk, place_in_file(place))?;
        let plain = self.cipher.open(place, End::Open, &mut chunk).map(<[u8]>::to_vec);
        let why = || format!("chunk {place} was altered, or the key is another one");
        plain.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, why()))
    }

    /// Fills as much of `to` as there is from `offset` on; returns how much.
    pub fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(to) = to.get_mut(done..).filter(|to| !to.is_empty()) {
            let at = offset + done as u64;
            let place = u32::try_from(at / CHUNK as u64).unwrap_or(u32::MAX);
            let within = usize::try_from(at % CHUNK as u64).unwrap_or_default();
            let opened;
            let plain: &[u8] = if place < self.chunks {
                opened = self.chunk(place)?;
                &opened
            } else if place == self.chunks {
                &self.last
            } else {
                &[]
            };
            let plain = plain.get(within..).unwrap_or_default();
            if plain.is_empty() {
                break;
            }
            let count = plain.len().min(to.len());
            to.iter_mut().zip(plain).for_each(|(to, from)| *to = *from);
            done += count;
        }
        Ok(done)
    }
}

/// Ends a file whose writer was stopped after its last whole chunk. One that has an end is left as it is.
pub(super) fn repair(file: &File, key: &Key, name: &str) -> io::Result<()> {
    let reader = LockedReader::open(file.try_clone()?, key, name)?;
    if reader.end != End::Open {
        return Ok(());
    }
    let mut out = Vec::new();
    reader.cipher.seal(reader.chunks, End::Repaired, &[], &mut out)?;
    file.set_len(place_in_file(reader.chunks))?;
    file.write_all_at(&HEADER, 0)?;
    file.write_all_at(&out, place_in_file(reader.chunks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: Key = [7; 32];

    fn temporary() -> File {
        tempfile::tempfile().expect("a file")
    }

    fn written(parts: &[&[u8]]) -> File {
        let mut writer = LockedWriter::begin(temporary(), &KEY, "name").expect("begun");
        parts.iter().for_each(|part| writer.append(part).expect("written"));
        writer.close().expect("closed")
    }

    fn read(file: &File) -> io::Result<(Vec<u8>, End)> {
        let reader = LockedReader::open(file.try_clone()?, &KEY, "name")?;
        let mut all = vec![0; usize::try_from(reader.length()).expect("small") + 5];
        let count = reader.read_at(&mut all, 0)?;
        all.truncate(count);
        Ok((all, reader.end()))
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..=u8::MAX).cycle().take(count).collect()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_from_any_place(count in 0usize..5_000, cut in 0usize..5_000, from in 0usize..6_000, many in 0usize..3_000) {
            let plain = bytes(count);
            let (one, two) = plain.split_at(cut.min(count));
            let file = written(&[one, two]);
            let reader = LockedReader::open(file, &KEY, "name").expect("opens");
            prop_assert_eq!((reader.length(), reader.end()), (count as u64, End::Closed));
            let mut some = vec![0; many];
            let got = reader.read_at(&mut some, from as u64).expect("reads");
            let wanted = plain.get(from..).unwrap_or_default();
            prop_assert_eq!(&some[..got], &wanted[..wanted.len().min(many)]);
        }

        #[test]
        fn a_file_cut_anywhere_is_repaired_to_its_last_whole_chunk(count in 0usize..4_000, cut in 0u64..4_200) {
            let plain = bytes(count);
            let file = written(&[&plain]);
            let length = file.metadata().expect("there").len();
            file.set_len(cut.min(length)).expect("cut");
            repair(&file, &KEY, "name").expect("repaired");
            let (kept, end) = read(&file).expect("reads");
            if cut >= length {
                prop_assert_eq!((kept, end), (plain, End::Closed));
            } else {
                let whole = cut.saturating_sub(16) as usize / WHOLE * CHUNK;
                prop_assert_eq!((&kept[..], end), (&plain[..whole], End::Repaired));
                // Once more changes nothing.
                let before = file.metadata().expect("there").len();
                repair(&file, &KEY, "name").expect("repaired");
                prop_assert_eq!(file.metadata().expect("there").len(), before);
            }
        }

        #[test]
        fn no_bit_can_be_turned(count in 1usize..3_000, at in 0u64..3_200, bit in 0u8..8) {
            let file = written(&[&bytes(count)]);
            let at = at % file.metadata().expect("there").len();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).expect("reads");
            file.write_all_at(&[byte[0] ^ 1 << bit], at).expect("writes");
            let noticed = read(&file).map_or(true, |(_, end)| end == End::Open);
            prop_assert!(noticed);
        }
    }

    #[test]
    fn chunks_cannot_change_places_nor_a_file_its_name() {
        let file = written(&[&bytes(3 * CHUNK)]);
        let mut chunks = vec![0; 2 * WHOLE];
        file.read_exact_at(&mut chunks, 16).expect("reads");
        chunks.rotate_left(WHOLE);
        file.write_all_at(&chunks, 16).expect("writes");
        assert_eq!(read(&file).expect_err("altered").kind(), ErrorKind::InvalidData);
        let file = written(&[&bytes(CHUNK)]);
        LockedReader::open(file, &KEY, "another").expect_err("another's");
    }

    #[test]
    fn nothing_of_it_lies_open_on_disk() {
        let file = written(&[&[0x55; 3_000]]);
        let mut all =
            vec![0; usize::try_from(file.metadata().expect("there").len()).expect("small")];
        file.read_exact_at(&mut all, 0).expect("reads");
        assert!(!all.windows(8).any(|part| part == [0x55; 8]));
    }
}
