//! Prompts as the console shows and changes them, as plain values.

use serde::Serialize;
use utoipa::ToSchema;

/// Where a prompt is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct PromptUse {
    /// The queue.
    pub queue: String,
    /// At which event: `welcome`, `wait`, `music`, `position`, `number`, `silence`, `hold` or `refused`.
    pub event: &'static str,
}

/// A prompt's file.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownPrompt {
    /// Its language; null for one without, such as music.
    pub language: Option<String>,
    /// Its name within the language.
    pub name: String,
    /// Below the configuration folder.
    pub file: String,
    /// Its length in bytes; 0 for one that cannot be read, or is too long.
    pub bytes: u64,
    /// Names its content: give it as `base` with a change; empty for one that cannot be read, or is too long.
    pub sha256: String,
    /// How long it takes; null when it cannot be played.
    pub seconds: Option<f64>,
    /// How it is coded: `Opus`, `MP3`, `A-law`, `mu-law`, `PCM 16 bit` or `PCM`.
    pub codec: Option<&'static str>,
    /// Samples a second.
    pub rate: Option<u32>,
    /// Channels; callers hear all of them as one.
    pub channels: Option<usize>,
    /// What somebody should listen to: `silent` or `clipped`.
    pub doubt: Option<&'static str>,
    /// Why it cannot be played; callers hear the others.
    pub wrong: Option<String>,
    /// Where callers hear it; empty for one that nobody hears.
    pub used: Vec<PromptUse>,
}

/// A prompt that a queue would say in one of its languages, and that has no file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct MissingPrompt {
    /// The language; null for one without.
    pub language: Option<String>,
    /// Its name within the language.
    pub name: String,
    /// Where it would be said.
    pub used: Vec<PromptUse>,
}

/// All prompts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PromptList {
    /// Languages of queues, and of files.
    pub languages: Vec<String>,
    /// In order of their files.
    pub prompts: Vec<ShownPrompt>,
    /// Of queues that speak these languages.
    pub missing: Vec<MissingPrompt>,
    /// Seconds of all of them together.
    pub seconds: f64,
    /// Seconds that they may have together.
    pub seconds_most: u64,
    /// Bytes that one file may have.
    pub bytes_most: u64,
    /// Seconds that one may take.
    pub one_seconds_most: u64,
}

/// A prompt of a path: language and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptName {
    /// None for one without language.
    pub language: Option<String>,
    /// Within the language.
    pub name: String,
}

impl PromptName {
    /// As callers' programmes name it.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.language {
            Some(language) => format!("{language}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A prompt to be put, replaced or taken away, with who does it.
#[derive(Clone, Debug)]
pub struct PromptChange {
    /// Which.
    pub prompt: PromptName,
    /// Its file; none takes it away.
    pub file: Option<Vec<u8>>,
    /// SHA-256 of the file that is there; none for one that is not there yet.
    pub base: Option<String>,
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub why: String,
}

/// The file of a prompt.
#[derive(Clone, Debug)]
pub struct PromptFile {
    /// Its media type.
    pub media_type: &'static str,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A prompt that was changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PromptChanged {
    /// As it is now; null for one that was taken away.
    pub prompt: Option<ShownPrompt>,
    /// The number of the version that this made; `POST /api/v1/routing/rollback` brings any back.
    pub version: u64,
    /// Names the files of the configuration from now on.
    pub digest: String,
}
