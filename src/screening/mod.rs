//! Who goes before whom, and who is called back: marks that operators set on numbers, silence at the
//! other end, mass incidents, callers who ring again, and the list of calls that were lost.
//!
//! A pure room that imports nothing but the vocabulary. It changes the order and the prompts only: it
//! never refuses a call, and every decision that it takes comes with its reason in words.

mod marks;
mod number;
pub mod settings;
mod silence;
mod span;
mod words;

pub use marks::{Marks, Unmarkable};
pub use number::known_number;
pub use silence::{Bypass, Refusal, Sign, Silence, Step, Verdict};
pub use words::{Attempt, Disposition, Mark, WorkEntry, WorkId, WorkKind, WorkOutcome};
