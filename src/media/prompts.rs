//! The prompts: announcements and music, read once and kept as G.711, ready to be sent.
//!
//! A folder becomes a [`Prompts`] whole or not at all, with every mistake at once. Decoding,
//! mixing down and resampling happen here, before any caller hears a prompt; while one plays
//! nothing is left to do but to copy bytes. However many listen, there is one copy.

mod convert;
mod decode;
mod folder;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::call::orders::Law;
use crate::vocabulary::{PromptId, limits};

/// Samples of G.711 a second.
pub(super) const RATE: u32 = 8_000;

/// What a prompt was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptSource {
    /// The usual name of its coding, such as `Opus`.
    pub codec: &'static str,
    /// Samples a second.
    pub rate: u32,
    /// Channels; callers hear all of them as one.
    pub channels: usize,
}

/// What a file would be as a prompt.
#[derive(Clone, Debug)]
pub struct JudgedPrompt {
    /// How its name ends.
    pub ending: &'static str,
    /// What it was read from.
    pub source: PromptSource,
    /// How long it takes.
    pub duration: Duration,
    /// What somebody should listen to.
    pub doubt: Option<PromptDoubt>,
}

/// One announcement or piece of music.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    a: Bytes,
    mu: Bytes,
    samples: usize,
}

impl Prompt {
    /// The coded audio, filled up with silence to whole packets.
    pub fn audio(&self, law: Law) -> &[u8] {
        match law {
            Law::A => &self.a,
            Law::Mu => &self.mu,
        }
    }

    /// Its length without the silence at the end.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    fn duration(&self) -> Duration {
        Duration::from_micros(self.samples as u64 * 1_000_000 / u64::from(RATE))
    }
}

/// Something wrong with a prompt. All of it is for an admin to mend.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct PromptError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: PromptMistake,
}

/// What is wrong with a prompt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptMistake {
    /// The system does not let us read it.
    #[error("cannot be read: {0}; check that it is there and that siaga112 may read it")]
    Read(#[from] std::io::Error),
    /// The name is not UTF-8, or the ending is none we know.
    #[error(
        "is no prompt; take .wav, .opus, .ogg or .mp3 (other files: .md, .txt, .sh or a dot in front)"
    )]
    Name,
    /// Two files would have one name.
    #[error("is the same prompt as {0}; remove or rename one of the two")]
    Twice(PathBuf),
    /// The file is too long.
    #[error("has {0} bytes, {max} are allowed; make it shorter or save it as .opus", max = limits::PROMPT_BYTES)]
    Bytes(u64),
    /// The audio is too long.
    #[error("is longer than {} minutes; cut it", limits::PROMPT_LENGTH.as_secs() / 60)]
    Length,
    /// The audio of all files is too long.
    #[error("brings all prompts above {} minutes; remove some", limits::PROMPTS_LENGTH.as_secs() / 60)]
    AllLength,
    /// Too many files.
    #[error("holds more than {} prompts; remove some", limits::PROMPT_FILES)]
    Files,
    /// Folders too deep in each other.
    #[error("is a folder {} levels below the prompts; move it up", limits::PROMPT_DEPTH)]
    Depth,
    /// The content is not what the name says, or is damaged.
    #[error("cannot be decoded: {0}; save it again as WAV (PCM, A-law or mu-law), Ogg Opus or MP3")]
    Decode(String),
    /// There is no audio in it.
    #[error("holds no audio; record it again")]
    Empty,
    /// The sampling rate is none that can be converted.
    #[error("has a sampling rate of {0} Hz; save it with 8000 to 192000 Hz")]
    Rate(u32),
}

/// A prompt that can be played and should be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptDoubt {
    /// Nothing can be heard: it never gets above -50 dB.
    Silent,
    /// It is recorded too loud: more than one sample in a hundred is at full scale.
    Clipped,
}

impl fmt::Display for PromptDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "nothing can be heard in it; record it louder",
            Self::Clipped => "it is distorted at full scale; record it with peaks at -6 dB",
        })
    }
}

/// All prompts of a node.
#[derive(Debug, Default)]
pub struct Prompts {
    prompts: BTreeMap<PromptId, Arc<Prompt>>,
    sources: BTreeMap<PromptId, PromptSource>,
    doubts: Vec<(PromptId, PromptDoubt)>,
}

impl Prompts {
    /// Reads every prompt below `folder`. A prompt's name is its path without the ending, with `/`
    /// between the parts: `id/menunggu`.
    ///
    /// # Errors
    /// Everything that is wrong, at once; then nothing is taken.
    pub fn load(folder: &Path) -> (Self, Vec<PromptError>) {
        let (files, mut errors) = folder::files(folder);
        let (mut prompts, mut sources, mut doubts) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut total = Duration::ZERO;
        for (id, path) in files {
            match read(&path) {
                Ok((prompt, source, doubt)) => {
                    total += prompt.duration();
                    sources.insert(id.clone(), source);
                    doubts.extend(doubt.map(|doubt| (id.clone(), doubt)));
                    prompts.insert(id, Arc::new(prompt));
                }
                Err(kind) => errors.push(PromptError { path, kind }),
            }
            if total > limits::PROMPTS_LENGTH {
                let path = folder.to_owned();
                errors.push(PromptError { path, kind: PromptMistake::AllLength });
                break;
            }
        }
        (Self { prompts, sources, doubts }, errors)
    }

    /// What a file would be as a prompt, judged as [`Self::load`] does.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn judge(content: &[u8]) -> Result<JudgedPrompt, PromptMistake> {
        let length = content.len() as u64;
        if length > limits::PROMPT_BYTES {
            return Err(PromptMistake::Bytes(length));
        }
        let ending = match content {
            [b'R', b'I', b'F', b'F', ..] => "wav",
            [b'O', b'g', b'g', b'S', ..] => "opus",
            [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "mp3",
            [] => return Err(PromptMistake::Empty),
            _ => return Err(PromptMistake::Decode("it is none of these".to_owned())),
        };
        let (prompt, source, doubt) = prompt_of(content.to_vec())?;
        Ok(JudgedPrompt { ending, source, duration: prompt.duration(), doubt })
    }

    /// What a prompt was read from.
    #[must_use]
    pub fn source(&self, id: &PromptId) -> Option<PromptSource> {
        self.sources.get(id).copied()
    }

    /// How long all of them take.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.prompts.values().map(|prompt| prompt.duration()).sum()
    }

    /// Whether there is a prompt of this name.
    #[must_use]
    pub fn has(&self, id: &PromptId) -> bool {
        self.prompts.contains_key(id)
    }

    /// How long a prompt takes.
    #[must_use]
    pub fn duration(&self, id: &PromptId) -> Option<Duration> {
        self.prompts.get(id).map(|prompt| prompt.duration())
    }

    /// The names of all prompts, in order.
    pub fn names(&self) -> impl Iterator<Item = &PromptId> {
        self.prompts.keys()
    }

    /// Prompts that somebody should listen to.
    #[must_use]
    pub fn doubts(&self) -> &[(PromptId, PromptDoubt)] {
        &self.doubts
    }

    pub(super) fn get(&self, id: &PromptId) -> Option<Arc<Prompt>> {
        self.prompts.get(id).cloned()
    }

    /// Prompts of samples at 8,000 a second.
    #[cfg(test)]
    pub(super) fn of(prompts: &[(&str, &[i16])]) -> Self {
        let prompts = prompts.iter().map(|&(name, samples)| {
            let samples: Vec<f32> = samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
            (PromptId::from(name), Arc::new(convert::code(&samples)))
        });
        Self { prompts: prompts.collect(), ..Self::default() }
    }
}

fn read(path: &Path) -> Result<(Prompt, PromptSource, Option<PromptDoubt>), PromptMistake> {
    prompt_of(folder::content(path)?)
}

fn prompt_of(bytes: Vec<u8>) -> Result<(Prompt, PromptSource, Option<PromptDoubt>), PromptMistake> {
    // A fault of a decoder costs this prompt, not the program.
    let (samples, source) = std::panic::catch_unwind(|| decode::decode(bytes))
        .unwrap_or_else(|_| Err(PromptMistake::Decode("the decoder failed".to_owned())))?;
    let samples = convert::resample(samples, source.rate)?;
    if samples.is_empty() {
        return Err(PromptMistake::Empty);
    }
    Ok((convert::code(&samples), source, convert::doubt(&samples)))
}

#[cfg(test)]
mod tests;
