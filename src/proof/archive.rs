//! A ZIP file that is made as it is sent: nothing of it lies in memory but the part that is being
//! written. At its end stand the SHA-256 of every part, and a signature over that list.
//!
//! Parts are stored as they are. It chooses nothing; who makes it says what goes in.

use std::io::{self, Write};

use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{ProofError, Signer};
use crate::vocabulary::{WallTime, hex};

/// The list of hashes, as `sha256sum -c` reads it.
pub(super) const SUMS: &str = "SHA256SUMS";
/// Its signature: the 64 bytes that `openssl pkeyutl` wants.
pub(super) const SIGNATURE: &str = "SHA256SUMS.sig";

/// An archive that grows.
pub(super) struct Archive<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    options: SimpleFileOptions,
    sums: String,
    open: Option<(String, Sha256)>,
}

fn told(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<W: Write> Archive<W> {
    /// Begins one; its parts have the time `at`.
    pub fn new(out: W, at: WallTime) -> Self {
        let day = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
        let day = jiff::tz::TimeZone::UTC.to_datetime(day);
        let number = |part: i8| u8::try_from(part).unwrap_or_default();
        let year = u16::try_from(day.year()).unwrap_or_default();
        let (hour, minute, second) =
            (number(day.hour()), number(day.minute()), number(day.second()));
        let time = DateTime::from_date_and_time(
            year,
            number(day.month()),
            number(day.day()),
            hour,
            minute,
            second,
        );
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true)
            .last_modified_time(time.unwrap_or_default())
            .unix_permissions(0o600);
        Self { zip: ZipWriter::new_stream(out), options, sums: String::new(), open: None }
    }

    /// Begins the next part; what is written goes there.
    pub fn part(&mut self, name: &str) -> io::Result<()> {
        self.close();
        self.zip.start_file(name, self.options).map_err(told)?;
        self.open = Some((name.to_owned(), Sha256::new()));
        Ok(())
    }

    /// A whole part.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.part(name)?;
        self.write_all(bytes)
    }

    /// A value as JSON that people can read.
    pub fn json(&mut self, name: &str, value: &impl serde::Serialize) -> io::Result<()> {
        self.part(name)?;
        let mut out = io::BufWriter::new(&mut *self);
        serde_json::to_writer_pretty(&mut out, value)?;
        out.write_all(b"\n")?;
        out.flush()
    }

    fn close(&mut self) {
        if let Some((name, hash)) = self.open.take() {
            self.sums.push_str(&format!("{}  {name}\n", hex(&hash.finalize())));
        }
    }

    /// Writes list and signature, and ends.
    pub fn finish(mut self, signer: &Signer) -> Result<(), ProofError> {
        self.close();
        let sums = std::mem::take(&mut self.sums);
        self.add(SUMS, sums.as_bytes())?;
        self.add(SIGNATURE, &signer.sign_bytes(sums.as_bytes()))?;
        let mut out = self.zip.finish().map_err(told)?;
        out.flush()?;
        Ok(())
    }
}

impl<W: Write> Write for Archive<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.zip.write(bytes)?;
        if let Some((_, hash)) = &mut self.open {
            hash.update(bytes.get(..count).unwrap_or_default());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}
