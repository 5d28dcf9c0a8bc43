//! Prompts among the files of the configuration. A version is text, and sound is none: so a version names
//! each prompt by length and SHA-256, and the sound itself lies once beside the versions, under that name.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::vocabulary::{hex, limits};

/// Where they lie in the configuration.
pub(super) const FOLDER: &str = "prompts";
/// Formats that are played.
pub(super) const ENDINGS: [&str; 4] = ["wav", "opus", "ogg", "mp3"];
/// Bytes of sounds that are kept for versions that were; the oldest go.
const KEPT: u64 = 1 << 30;

/// What a version says of a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Its length.
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Sound {
    /// Of its content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self { bytes: content.len() as u64, sha256: hex(&Sha256::digest(content)) }
    }

    /// As it stands in a version.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("sound of {} bytes, SHA-256 {}\n", self.bytes, self.sha256)
    }

    /// What [`Self::reference`] wrote.
    #[must_use]
    pub fn referred(text: &str) -> Option<Self> {
        let (bytes, sha256) =
            text.trim_end().strip_prefix("sound of ")?.split_once(" bytes, SHA-256 ")?;
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then_some(Self { bytes: bytes.parse().ok()?, sha256: sha256.to_owned() })
    }

    /// The same in bytes.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
            let pair = self.sha256.get(at..at + 2).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        digest
    }

    /// Of a file of the folder; one that is longer than a prompt may be has no reference.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (mut file, mut digest, mut bytes) =
            (file.take(limits::PROMPT_BYTES + 1), Sha256::new(), 0u64);
        let mut part = vec![0; 64 << 10];
        loop {
            let length = file.read(&mut part)?;
            if length == 0 {
                break;
            }
            bytes += length as u64;
            digest.update(part.get(..length).unwrap_or_default());
        }
        let fits = bytes <= limits::PROMPT_BYTES;
        Ok(fits.then(|| Self { bytes, sha256: hex(&digest.finalize()) }))
    }
}

/// Whether a name is that of a prompt: `prompts/NAME.ENDING` or `prompts/LANGUAGE/NAME.ENDING`.
#[must_use]
pub fn is_sound(name: &str) -> bool {
    let plain = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
        !part.is_empty() && !part.starts_with('.') && part.len() <= 80 && part.bytes().all(fits)
    };
    let mut parts = name.split('/');
    let (folder, inner, file, more) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (language, file) = match (inner, file) {
        (Some(language), Some(file)) => (Some(language), file),
        (Some(file), None) => (None, file),
        _ => return false,
    };
    let stem = file.rsplit_once('.').filter(|(stem, ending)| {
        !stem.is_empty() && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
    });
    let placed = folder == Some(FOLDER) && more.is_none() && language.is_none_or(plain);
    placed && stem.is_some() && plain(file)
}

/// Names of the prompts' files below a configuration folder, as many as may be.
pub(super) fn listed(dir: &Path) -> Vec<String> {
    let names = |folder: PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    };
    let mut all = Vec::new();
    for name in names(dir.join(FOLDER)) {
        let path = format!("{FOLDER}/{name}");
        if is_sound(&path) {
            all.push(path);
            continue;
        }
        all.extend(names(dir.join(&path)).map(|file| format!("{path}/{file}")));
    }
    all.retain(|name| is_sound(name));
    all.sort();
    all.truncate(limits::PROMPT_FILES);
    all
}

/// Tells one state of the prompts from another, without reading them.
#[must_use]
pub fn sounds_signature(dir: &Path) -> String {
    super::changes::signature_of(dir, listed(dir))
}

/// The sounds of all versions, each once.
#[derive(Clone, Debug)]
pub struct Sounds {
    folder: PathBuf,
}

impl Sounds {
    pub(super) fn below(versions: &Path) -> Self {
        Self { folder: versions.join("sounds") }
    }

    /// Where a sound is or would be.
    #[must_use]
    pub fn path(&self, sound: &Sound) -> PathBuf {
        self.folder.join(&sound.sha256)
    }

    /// Keeps a sound.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn put(&self, content: &[u8]) -> io::Result<Sound> {
        let sound = Sound::of(content);
        if !self.path(&sound).exists() {
            let new = self.folder.join(".new");
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&new, self.path(&sound))?;
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(sound)
    }

    /// Keeps every sound of a configuration folder that `files` name.
    pub(super) fn keep(
        &self,
        dir: &Path,
        files: impl Iterator<Item = (String, Sound)>,
    ) -> io::Result<()> {
        for (name, sound) in files {
            if self.path(&sound).exists() {
                continue;
            }
            let content = fs::read(dir.join(&name))?;
            // One that changes in this moment is kept with the next version.
            if Sound::of(&content) == sound {
                self.put(&content)?;
            }
        }
        Ok(())
    }

    /// The content of a sound, when it is what it was.
    ///
    /// # Errors
    /// It is not kept any more, was changed, or the disk refuses.
    pub fn content(&self, sound: &Sound) -> io::Result<Vec<u8>> {
        let content = fs::read(self.path(sound)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => io::Error::new(
                ErrorKind::NotFound,
                format!("the sound {} is not kept any more", sound.sha256),
            ),
            _ => error,
        })?;
        if Sound::of(&content) == *sound {
            return Ok(content);
        }
        let what = format!("the sound {} is not what it was", sound.sha256);
        Err(io::Error::new(ErrorKind::InvalidData, what))
    }

    /// Lets go what no version names, and the oldest where all take too much. `named` are the versions'
    /// sounds, newest version first.
    pub(super) fn let_go(&self, named: impl Iterator<Item = Vec<Sound>>) -> io::Result<()> {
        let (mut kept, mut bytes) = (BTreeSet::new(), 0u64);
        for (place, sounds) in named.enumerate() {
            for sound in sounds {
                // What runs stays, whatever it takes.
                if kept.contains(&sound.sha256) || (place > 0 && bytes + sound.bytes > KEPT) {
                    continue;
                }
                bytes += sound.bytes;
                kept.insert(sound.sha256);
            }
        }
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries.flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.len() == 64 && !kept.contains(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Bytes of all that is kept.
    pub(super) fn bytes(&self) -> u64 {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
    }

    /// Whether something should be let go.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() > KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_prompts_are_sounds() {
        for name in ["prompts/musik.opus", "prompts/id/menunggu.WAV", "prompts/mad/diam-1.mp3"] {
            assert!(is_sound(name), "{name}");
        }
        for name in [
            "prompts/README.md",
            "prompts/id/x/y.wav",
            "prompts/.id/x.wav",
            "prompts/id/.wav",
            "prompts//x.wav",
            "prompts/../x.wav",
            "x.wav",
            "trunks/x.wav",
        ] {
            assert!(!is_sound(name), "{name}");
        }
    }

    #[test]
    fn a_sound_is_kept_once_found_again_and_let_go_when_no_version_names_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let sounds = Sounds::below(dir.path());
        let (one, two) = (sounds.put(b"one").expect("kept"), sounds.put(b"two").expect("kept"));
        assert_eq!(Sound::referred(&one.reference()), Some(one.clone()));
        assert_eq!(sounds.put(b"one").expect("kept"), one);
        assert_eq!(sounds.content(&one).expect("there"), b"one");
        sounds.let_go([vec![one.clone()]].into_iter()).expect("let go");
        assert_eq!(sounds.content(&two).expect_err("gone").kind(), ErrorKind::NotFound);
        fs::write(sounds.path(&one), b"eno").expect("written");
        assert_eq!(sounds.content(&one).expect_err("changed").kind(), ErrorKind::InvalidData);
    }
}
