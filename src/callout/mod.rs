//! Who is called out for an emergency, one after the other, until somebody says that they come.
//!
//! `settings` has contacts and chains, `plan` says whom a chain means for one call, `run` rings them. A
//! machine answers telephones too, so nothing but a word of a person ends a chain well: the call taker's,
//! or the contact's own by a key. It never knows SIP, trunks or the journal.

mod chains;
mod facts;
mod plan;
mod run;
pub mod settings;
#[cfg(test)]
mod tests;

pub use chains::{Chains, Input, Output};
pub use facts::{ChainBegun, ChainEnded, ChainTried, ChainTriedEnded};
pub use plan::{Planned, Proposed};
pub use run::{Attempt, Begun, KEY, Link, NotNow, Outcome, Run, Standing, Verdict};
