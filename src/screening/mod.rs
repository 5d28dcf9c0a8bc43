//! Who goes before whom, and who is called back: marks that operators set on numbers, silence at the
//! other end, mass incidents, callers who ring again, and the list of calls that were lost.
//!
//! A pure room that imports nothing but the vocabulary. It changes the order and the prompts only, and
//! never decides without a reason in words. It never refuses a call, unless a regency has set that
//! numbers marked again and again are refused who press no key; and it keeps nobody from an operator for
//! longer than a bound that is known when the call comes.
//!
//! | value | knows | time |
//! |---|---|---|
//! | [`Marks`] | which numbers people have marked, until when | calendar |
//! | [`MassWatch`] | at which cell or trunk many different people call | moments |
//! | [`Recent`] | the calls of the last hour by number: links, returning callers, operators | calendar |
//! | [`Silence`], [`Refusal`] | one caller who is listened to, or may press a key | moments |
//! | [`decide`] | lane and priority of a caller, with reasons | none |
//! | [`WorkList`] | who is to be called back, and every attempt | calendar |
//!
//! What goes by calendar outlives the program: it can be told again from the journal. All of it can be
//! written and read back, and all of it is bounded. A caller is known again by [`known_number`]; who has
//! none is known for nothing.

mod lane;
mod marks;
mod mass;
mod number;
mod recent;
pub mod settings;
mod silence;
mod span;
mod words;
mod work;

pub use lane::{Caller, Decision, decide, is_crash, priority_of_headers};
pub use marks::{Marks, Unmarkable};
pub use mass::{Mass, MassWatch, Place};
pub use number::known_number;
pub use recent::{Link, Lost, Recalled, Recent, Seen};
pub use silence::{Bypass, Refusal, Sign, Silence, Step, Verdict};
pub use words::{Attempt, Disposition, Mark, WorkEntry, WorkId, WorkKind, WorkOutcome};
pub use work::{CannotCall, Closed, LostCall, Opened, Tried, WorkList, kind_of};
