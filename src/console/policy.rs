//! What the console needs of whoever keeps the configuration, as one trait and plain values. No value of
//! these holds a secret: files are shown with `***` in their places.

pub mod prompts;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use self::prompts::{PromptChange, PromptChanged, PromptFile, PromptList, PromptName};
use super::desk::Boxed;
use crate::store::At;
use crate::vocabulary::{WANTED_TIME, WallTime};

/// Files as they are to be, by name; null for one that is to go. What is not named stays.
pub type Proposal = BTreeMap<String, Option<String>>;

/// A file of the configuration.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownFile {
    /// Below the configuration folder.
    pub name: String,
    /// Its text; `***` stands for each secret, and keeps it where the file is sent back.
    pub text: String,
}

/// The configuration of routing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Shown {
    /// Names the files below as they are: give it as `base` with a change.
    pub digest: String,
    /// Whether what runs was made of these files; false after a mistake by hand.
    pub running: bool,
    /// Files that may be changed here.
    pub files: Vec<ShownFile>,
    /// `gateway.toml`, which is changed on the machine alone.
    pub fixed: Vec<ShownFile>,
    /// Sections of `gateway.toml` that differ from what runs, and wait for a restart.
    pub restart: Vec<String>,
}

/// What is wrong with a configuration, or should be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownFinding {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The file, or the variable of the environment.
    pub file: String,
    /// From 1; 0 for the whole file.
    pub line: usize,
    /// In characters from 1; 0 for the whole file.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// What would come of a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Judged {
    /// Whether it would be taken.
    pub good: bool,
    /// Mistakes, and what should be looked at.
    pub findings: Vec<ShownFinding>,
}

/// How a file would differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Difference {
    /// The file.
    pub name: String,
    /// `added`, `changed` or `removed`.
    pub kind: &'static str,
    /// As a unified difference; secrets are masked on both sides.
    pub diff: String,
}

/// A version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownVersion {
    /// From 1.
    pub number: u64,
    /// When it was adopted.
    pub at: At,
    /// A person, a token, or `file` for a change by hand.
    pub by: String,
    /// In their words.
    pub why: String,
    /// Names its files.
    pub digest: String,
    /// The number of the version that it brought back.
    pub brings_back: Option<u64>,
}

/// A version with its files.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WholeVersion {
    /// Whose it is.
    pub version: ShownVersion,
    /// Its files, masked.
    pub files: Vec<ShownFile>,
    /// How it differs from the one before.
    pub changed: Vec<Difference>,
}

/// A change that was adopted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Applied {
    /// Its number among the versions.
    pub version: u64,
    /// Names the files from now on.
    pub digest: String,
    /// What should be looked at all the same.
    pub findings: Vec<ShownFinding>,
    /// Sections of `gateway.toml` that wait for a restart.
    pub restart: Vec<String>,
}

/// A change with who makes it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The files.
    pub files: Proposal,
    /// The digest that the change was made on.
    pub base: String,
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub why: String,
}

/// An INVITE to be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The files that it is tried with.
    pub files: Proposal,
    /// The message.
    pub invite: String,
    /// The trunk that sends it.
    pub trunk: Option<String>,
    /// Or its address.
    pub source: Option<IpAddr>,
    /// When it comes, as it was asked; now without.
    pub at: Option<String>,
}

/// What would become of one INVITE.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tried {
    /// Where it would go, in one line.
    pub goes_to: String,
    /// Each step in a sentence; numbers are masked.
    pub steps: Vec<String>,
}

/// A call that would have gone elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Elsewhere {
    /// Its incident.
    pub incident: String,
    /// The call.
    pub call: String,
    /// When its INVITE came.
    pub at: At,
    /// Its trunk.
    pub trunk: String,
    /// Where it goes by what runs.
    pub now: String,
    /// Where it would go.
    pub then: String,
}

/// What a change would have meant for calls that were.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// In one sentence.
    pub says: String,
    /// Calls that were tried.
    pub calls: usize,
    /// Of these, those that would have gone elsewhere.
    pub elsewhere: usize,
    /// They, oldest first, 200 at most.
    pub listed: Vec<Elsewhere>,
    /// Calls whose INVITE is not kept any more, or cannot be read.
    pub unread: usize,
    /// False when there are more calls than are tried at once: ask for a shorter time.
    pub complete: bool,
}

/// Why nothing was changed.
#[derive(Clone, Debug, Error)]
pub enum PolicyError {
    /// A file that is not changed here.
    #[error(
        "{0:?} is not changed here: that are queues.toml, routing.toml, seats.toml, categories.toml, callout.toml, \
         retention.toml, trunks/NAME.toml, places/NAME.csv and places/outline.geojson"
    )]
    NotEditable(String),
    /// Somebody else was faster.
    #[error(
        "the files were changed meanwhile, and are {0} now: read them again and repeat the change"
    )]
    Moved(String),
    /// The configuration would be refused.
    #[error("the configuration has mistakes; nothing was changed")]
    Mistakes(Vec<ShownFinding>),
    /// There is no such version.
    #[error("there is no version {0}")]
    NoVersion(u64),
    /// Nothing would change.
    #[error("the files are so already; nothing was changed")]
    Same,
    /// A time that nobody can read.
    #[error("{0:?} is no time: {WANTED_TIME}")]
    NoTime(String),
    /// The INVITE is none.
    #[error("{0}")]
    NoInvite(String),
    /// There is no such prompt.
    #[error("there is no prompt {0}")]
    NoPrompt(String),
    /// Somebody else has put, replaced or removed the prompt.
    #[error(
        "the prompt {id} was changed meanwhile: {now}; read the list again and repeat the change"
    )]
    PromptMoved {
        /// Which.
        id: String,
        /// How it is.
        now: String,
    },
    /// Callers hear it.
    #[error(
        "callers hear the prompt {id}: {used}; take it out of [queue.announce] first, or replace it"
    )]
    PromptUsed {
        /// Which.
        id: String,
        /// Queues and events.
        used: String,
    },
    /// The file is no prompt.
    #[error("the file {0}")]
    WrongFile(String),
    /// The records cannot be read.
    #[error("the records cannot be read now")]
    Records,
    /// The disk refuses.
    #[error("{0}")]
    Disk(String),
}

/// Whoever keeps the configuration.
pub trait Policy: Send + Sync {
    /// The files as they are.
    fn show(&self) -> Boxed<'_, Result<Shown, PolicyError>>;
    /// What would come of a change.
    fn validate(&self, files: Proposal) -> Boxed<'_, Result<Judged, PolicyError>>;
    /// How the files would differ.
    fn diff(&self, files: Proposal) -> Boxed<'_, Result<Vec<Difference>, PolicyError>>;
    /// Adopts a change, whole or not at all.
    fn apply(&self, change: Change) -> Boxed<'_, Result<Applied, PolicyError>>;
    /// Every version, newest first.
    fn versions(&self) -> Boxed<'_, Result<Vec<ShownVersion>, PolicyError>>;
    /// One version.
    fn version(&self, number: u64) -> Boxed<'_, Result<WholeVersion, PolicyError>>;
    /// Brings a version back; of the change only base, author and reason count.
    fn roll_back(&self, number: u64, change: Change) -> Boxed<'_, Result<Applied, PolicyError>>;
    /// What would become of one INVITE.
    fn try_one(&self, trial: Trial) -> Boxed<'_, Result<Tried, PolicyError>>;
    /// What a change would have meant for the calls of a time.
    fn replay(
        &self,
        files: Proposal,
        since: WallTime,
        until: WallTime,
    ) -> Boxed<'_, Result<Replayed, PolicyError>>;
    /// Every prompt.
    fn prompts(&self) -> Boxed<'_, Result<PromptList, PolicyError>>;
    /// The file of a prompt.
    fn prompt(&self, prompt: PromptName) -> Boxed<'_, Result<PromptFile, PolicyError>>;
    /// Puts, replaces or takes away a prompt.
    fn change_prompt(&self, change: PromptChange) -> Boxed<'_, Result<PromptChanged, PolicyError>>;
}

/// Files as a request brings them.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposedFiles {
    /// Text by name; null removes a file. What is not named stays; `***` keeps a secret.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Option<String>>)]
    pub files: Proposal,
}
