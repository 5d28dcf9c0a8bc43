//! The words every room shares: ids, moments, endings, numbers, private values, limits.
//!
//! Rule of the room: values only. No logic longer than a screen, no I/O, no clock, and nothing
//! here knows SIP, queues or media.

mod answer;
mod audio;
mod counted;
mod deadlines;
mod demand;
mod dice;
mod ending;
mod hex;
mod ids;
mod keys;
pub mod limits;
mod phone;
mod private;
mod time;

pub use answer::AnswerMode;
pub use audio::{AudioPolicy, Codec, Keying, Srtp};
pub use counted::counted;
pub use deadlines::Deadlines;
pub use demand::{Lane, Want};
pub use dice::Dice;
pub use ending::{Cause, Ending, Party, Stage};
pub use hex::hex;
pub use ids::{
    CallId, ChainId, ContactId, IncidentId, OfferId, OperatorId, PromptId, QueueId, SeatId, Skill,
    StreamId, TrunkId, Uid, UidError,
};
pub use keys::{Fingerprint, IceLogin, SrtpKey, Suite};
pub use phone::{NumberClass, Phone};
pub use private::{Private, Secret, SecretBytes};
pub use time::{Moment, Now, WANTED_TIME, WallTime, rfc3339};
