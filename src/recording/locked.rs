//! A file of encrypted chunks, by the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015)
//! over AES-256-GCM: each chunk's nonce says its place and whether it is the last, so none can be
//! changed, left out, moved or cut off unnoticed. Before each stands its length, two bytes: a wrong one
//! opens nothing.
//!
//! A chunk is written once and never again under the same nonce; an end that a repair writes has a
//! mark of its own. What was appended is on disk at once.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::keys::Key;

/// The most plain bytes of a chunk: a second of WAV.
const CHUNK: usize = 32_000;
/// Bytes by which a chunk grows.
const TAG: usize = 16;
/// Bytes of a chunk's length.
const LENGTH: usize = 2;
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
        let failed = |_| io::Error::other("a chunk could not be encrypted");
        let length = u16::try_from(plain.len()).map_err(io::Error::other)?;
        let mut chunk = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Self::nonce(place, end), Aad::from(&self.bound), &mut chunk)
            .map_err(failed)?;
        out.extend(length.to_be_bytes());
        out.append(&mut chunk);
        Ok(())
    }

    fn open<'c>(&self, place: u32, end: End, chunk: &'c mut [u8]) -> Option<&'c [u8]> {
        let opened = self.key.open_in_place(Self::nonce(place, end), Aad::from(&self.bound), chunk);
        opened.ok().map(|plain| &*plain)
    }
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct LockedWriter {
    file: File,
    cipher: Cipher,
    chunks: u32,
    /// Where the next chunk begins.
    end: u64,
}

impl LockedWriter {
    /// Begins the empty `file`.
    pub fn begin(file: File, key: &Key, name: &str) -> io::Result<Self> {
        file.write_all_at(&HEADER, 0)?;
        let cipher = Cipher::new(key, name)?;
        Ok(Self { file, cipher, chunks: 0, end: HEADER.len() as u64 })
    }

    /// Appends a chunk, or several. After an error the file is only to be repaired.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(CHUNK).try_for_each(|plain| self.put(End::Open, plain))
    }

    fn put(&mut self, end: End, plain: &[u8]) -> io::Result<()> {
        let mut out = Vec::with_capacity(LENGTH + plain.len() + TAG);
        self.cipher.seal(self.chunks, end, plain, &mut out)?;
        // Counted before it is written: whatever comes of that, no nonce serves twice.
        self.chunks = self.chunks.checked_add(1).ok_or(ErrorKind::FileTooLarge)?;
        self.file.write_all_at(&out, self.end)?;
        self.end += out.len() as u64;
        Ok(())
    }

    /// Writes the end, which holds nothing, and returns the file.
    pub fn close(mut self) -> io::Result<File> {
        self.put(End::Closed, &[])?;
        Ok(self.file)
    }
}

/// One chunk as it lies in the file.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Where it begins.
    at: u64,
    /// Where its plain bytes begin.
    plain: u64,
    /// How many they are.
    length: usize,
}

impl Chunk {
    const fn end(&self) -> u64 {
        self.at + (LENGTH + self.length + TAG) as u64
    }
}

/// A file to read from, which may still grow.
#[derive(Debug)]
pub(super) struct LockedReader {
    file: File,
    cipher: Cipher,
    chunks: Vec<Chunk>,
    end: End,
}

impl LockedReader {
    /// Looks at `file` as far as it reaches now. Each chunk is proven when it is read, the last at once.
    ///
    /// # Errors
    /// `InvalidData` when it is none of ours, or its first chunk does not open with `key`.
    pub fn open(file: File, key: &Key, name: &str) -> io::Result<Self> {
        let mut reader = Self::scan(file, key, name)?;
        // Where there is no end, the last may be only half written.
        let last = reader.chunks.len().saturating_sub(1);
        if reader.end == End::Open && last > 0 && reader.chunk(last).is_err() {
            reader.chunks.pop();
        }
        if !reader.chunks.is_empty() {
            reader.chunk(0)?;
        }
        Ok(reader)
    }

    /// Finds the chunks by their lengths.
    fn scan(file: File, key: &Key, name: &str) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let begin = HEADER.len() as u64;
        let mut header = HEADER;
        let there = header.get_mut(..usize::try_from(length.min(begin)).unwrap_or_default());
        file.read_exact_at(there.unwrap_or_default(), 0)?;
        if header != HEADER {
            return Err(io::Error::new(ErrorKind::InvalidData, "it begins like no locked file"));
        }
        let (mut chunks, mut at, mut plain) = (Vec::new(), begin, 0);
        while at + ((LENGTH + TAG) as u64) <= length {
            let mut count = [0; LENGTH];
            file.read_exact_at(&mut count, at)?;
            let chunk = Chunk { at, plain, length: usize::from(u16::from_be_bytes(count)) };
            if chunk.end() > length {
                break;
            }
            (at, plain) = (chunk.end(), plain + chunk.length as u64);
            chunks.push(chunk);
        }
        let mut reader = Self { file, cipher: Cipher::new(key, name)?, chunks, end: End::Open };
        reader.find_end()?;
        Ok(reader)
    }

    /// The last chunk may be the end.
    fn find_end(&mut self) -> io::Result<()> {
        let Some(last) = self.chunks.len().checked_sub(1) else { return Ok(()) };
        for end in [End::Closed, End::Repaired] {
            if self.opened(last, end)?.is_some() {
                self.end = end;
                self.chunks.pop();
                break;
            }
        }
        Ok(())
    }

    /// Plain bytes.
    pub fn length(&self) -> u64 {
        self.chunks.last().map_or(0, |last| last.plain + last.length as u64)
    }

    /// How it ends.
    pub const fn end(&self) -> End {
        self.end
    }

    fn opened(&self, place: usize, end: End) -> io::Result<Option<Vec<u8>>> {
        let Some(chunk) = self.chunks.get(place) else { return Ok(None) };
        let mut sealed = vec![0; chunk.length + TAG];
        self.file.read_exact_at(&mut sealed, chunk.at + LENGTH as u64)?;
        let place = u32::try_from(place).map_err(io::Error::other)?;
        Ok(self.cipher.open(place, end, &mut sealed).map(<[u8]>::to_vec))
    }

    fn chunk(&self, place: usize) -> io::Result<Vec<u8>> {
        let why = || format!("chunk {place} was altered, or the key is another one");
        let plain = self.opened(place, End::Open)?;
        plain.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, why()))
    }

    /// Fills as much of `to` as there is from `offset` on; returns how much.
    pub fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let first =
            self.chunks.partition_point(|chunk| chunk.plain + chunk.length as u64 <= offset);
        let mut done = 0;
        for (place, chunk) in self.chunks.iter().enumerate().skip(first) {
            let Some(to) = to.get_mut(done..).filter(|to| !to.is_empty()) else { break };
            let plain = self.chunk(place)?;
            let within = (offset + done as u64).saturating_sub(chunk.plain);
            let within = usize::try_from(within).unwrap_or(usize::MAX);
            let plain = plain.get(within..).unwrap_or_default();
            to.iter_mut().zip(plain).for_each(|(to, from)| *to = *from);
            done += plain.len().min(to.len());
        }
        Ok(done)
    }
}

/// Ends a file whose writer was stopped after its last chunk that is whole. One that has an end is left
/// as it is.
pub(super) fn repair(file: &File, key: &Key, name: &str) -> io::Result<()> {
    let reader = LockedReader::scan(file.try_clone()?, key, name)?;
    if reader.end != End::Open {
        return Ok(());
    }
    // After a power cut there may be anything behind what had reached the disk.
    let mut whole = 0;
    while whole < reader.chunks.len() && reader.opened(whole, End::Open)?.is_some() {
        whole += 1;
    }
    if whole == 0 && !reader.chunks.is_empty() {
        // With the wrong key everything would look so: nothing is taken off.
        reader.chunk(0)?;
    }
    let before = whole.checked_sub(1).and_then(|last| reader.chunks.get(last));
    let at = before.map_or(HEADER.len() as u64, Chunk::end);
    let mut out = Vec::new();
    let place = u32::try_from(whole).map_err(io::Error::other)?;
    reader.cipher.seal(place, End::Repaired, &[], &mut out)?;
    file.set_len(at)?;
    file.write_all_at(&HEADER, 0)?;
    file.write_all_at(&out, at)
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
        fn a_file_cut_anywhere_is_repaired_to_its_last_whole_chunk(parts in prop::collection::vec(1usize..900, 0..6), cut in 0u64..5_000) {
            let plain: Vec<Vec<u8>> = parts.iter().map(|&count| bytes(count)).collect();
            let file = written(&plain.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let length = file.metadata().expect("there").len();
            file.set_len(cut.min(length)).expect("cut");
            repair(&file, &KEY, "name").expect("repaired");
            let (kept, end) = read(&file).expect("reads");
            if cut >= length {
                prop_assert_eq!((kept, end), (plain.concat(), End::Closed));
            } else {
                let mut reached = 16;
                let whole = plain.iter().take_while(|part| {
                    reached += (LENGTH + part.len() + TAG) as u64;
                    reached <= cut
                });
                prop_assert_eq!((kept, end), (whole.cloned().collect::<Vec<_>>().concat(), End::Repaired));
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
        let file = written(&[&bytes(300), &bytes(300)[..], &bytes(9)]);
        let mut chunks = vec![0; 2 * (LENGTH + 300 + TAG)];
        file.read_exact_at(&mut chunks, 16).expect("reads");
        chunks.rotate_left(LENGTH + 300 + TAG);
        file.write_all_at(&chunks, 16).expect("writes");
        assert_eq!(read(&file).expect_err("altered").kind(), ErrorKind::InvalidData);
        let file = written(&[&bytes(30)]);
        LockedReader::open(file, &KEY, "another").expect_err("another's");
    }

    #[test]
    fn what_a_power_cut_left_behind_the_last_chunk_is_taken_off() {
        let file = written(&[&bytes(300), &bytes(200)]);
        let length = file.metadata().expect("there").len();
        // The end never reached the disk; there are zeros, which look like chunks of nothing.
        file.set_len(length - (LENGTH + TAG) as u64).expect("cut");
        file.set_len(length + 4_000).expect("zeros");
        repair(&file, &KEY, "name").expect("repaired");
        assert_eq!(read(&file).expect("reads"), ([bytes(300), bytes(200)].concat(), End::Repaired));
    }

    #[test]
    fn the_wrong_key_repairs_nothing_away() {
        let file = written(&[&bytes(300), &bytes(200)]);
        file.set_len(file.metadata().expect("there").len() - 1).expect("cut");
        let before = file.metadata().expect("there").len();
        repair(&file, &[8; 32], "name").expect_err("another key");
        assert_eq!(file.metadata().expect("there").len(), before);
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
