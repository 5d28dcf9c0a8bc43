//! One run of a chain in one call.
//!
//! ```text
//! Ringing -answers-> Answered -taken-> Over(Taken)
//! Ringing -busy, refused, nobody in time-> the next number, then the next contact
//! Answered -gone without a word, passed over-> the same
//! nobody left-> Over(Exhausted)      any -stopped-> Over(Stopped)
//! ```

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Planned;
use super::chains::Output;
use super::settings::{Chain, Contact, Who};
use crate::vocabulary::{CallId, ChainId, ContactId, Moment, Now, WallTime};

/// The key by which a contact says that they come.
pub const KEY: char = '1';

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The chain.
    pub chain: ChainId,
    /// Its title.
    pub title: String,
    /// Code of the kecamatan by which its roles were looked up.
    pub kecamatan: Option<String>,
    /// Who began it.
    pub by: String,
    /// Whom it means, in order.
    pub links: Vec<Link>,
}

impl Begun {
    /// A chain as it is planned for a call; new settings change nothing of it.
    #[must_use]
    pub fn new(chain: &Chain, plan: &[Planned<'_>], kecamatan: Option<String>, by: String) -> Self {
        let links = plan.iter().map(Link::of).collect();
        Self { chain: chain.id.clone(), title: chain.title.clone(), kecamatan, by, links }
    }
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The role that was asked for; none where the step names its contact.
    pub role: Option<String>,
    /// Whom it means; none: nobody, and the step is left out.
    pub contact: Option<Contact>,
    /// How long each number rings.
    pub ring: std::time::Duration,
}

impl Link {
    fn of(planned: &Planned<'_>) -> Self {
        let role = match &planned.step.who {
            Who::Role(role) => Some(role.clone()),
            Who::Contact(_) => None,
        };
        Self { role, contact: planned.contact.cloned(), ring: planned.step.ring }
    }
}

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// They come: the call taker or a key said so.
    Taken,
    /// Busy.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// Refused.
    Refused,
    /// The number could not be reached.
    Unreachable,
    /// Answered, and gone without a word that somebody comes: perhaps a mailbox.
    NotTaken,
    /// The call taker went on to the next.
    PassedOver,
    /// The chain was stopped.
    Stopped,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Taken,
        Self::Busy,
        Self::NoAnswer,
        Self::Refused,
        Self::Unreachable,
        Self::NotTaken,
        Self::PassedOver,
        Self::Stopped,
    ];

    /// What a final SIP response to our INVITE means.
    #[must_use]
    pub const fn of_status(code: u16) -> Self {
        match code {
            486 | 600 => Self::Busy,
            408 | 480 | 487 => Self::NoAnswer,
            401..=403 | 407 | 603 | 607 | 608 => Self::Refused,
            _ => Self::Unreachable,
        }
    }

    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::NotTaken => "not-taken",
            Self::PassedOver => "passed-over",
            Self::Stopped => "stopped",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Somebody comes.
    Taken,
    /// All were called in vain.
    Exhausted,
    /// A person stopped it, or the call could not go on.
    Stopped,
}

impl Verdict {
    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Exhausted => "exhausted",
            Self::Stopped => "stopped",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A number rings.
    Ringing {
        /// Until then.
        until: Moment,
    },
    /// Somebody, or something, has answered.
    Answered {
        /// When.
        at: WallTime,
    },
    /// It is over.
    Over {
        /// How.
        verdict: Verdict,
        /// Why it was stopped, in words; empty where that is plain.
        why: String,
    },
}

/// One call of one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number within the run, from 1.
    pub number: u16,
    /// Which step of the chain, from 0.
    pub link: usize,
    /// The number that is called.
    pub to: String,
    /// Who they are in the call; none before they are called, or where that was not possible.
    pub party: Option<u8>,
    /// When it began.
    pub began: WallTime,
    /// When it was answered.
    pub answered: Option<WallTime>,
    /// What came of it; none while it lasts.
    pub outcome: Option<Outcome>,
}

/// Why something cannot be done with a chain now; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotNow {
    /// One at a time.
    #[error("a chain is running in this call already; stop it first")]
    Running,
    /// No chain runs.
    #[error("no chain is running in this call")]
    NoneRuns,
    /// Nobody has answered yet.
    #[error("nobody of the chain has answered yet")]
    NobodyAnswered,
    /// No step means anybody.
    #[error("nobody of this chain is known for the place of the call; choose the kecamatan first")]
    Nobody,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What was begun.
    pub begun: Begun,
    /// When.
    pub at: WallTime,
    /// Where it stands.
    pub standing: Standing,
    /// Everybody who was called, in order; the last one is the one that lasts.
    pub attempts: Vec<Attempt>,
    /// The number to be tried: step, and number of its contact.
    next: (usize, usize),
}

impl Run {
    pub(super) fn begin(now: Now, begun: Begun) -> Self {
        let standing = Standing::Ringing { until: now.moment };
        Self { begun, at: now.wall, standing, attempts: Vec::new(), next: (0, 0) }
    }

    /// Whether it is under way.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !matches!(self.standing, Standing::Over { .. })
    }

    /// The attempt that lasts.
    #[must_use]
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.outcome.is_none())
    }

    /// Whom an attempt calls.
    #[must_use]
    pub fn contact(&self, attempt: &Attempt) -> Option<&Contact> {
        self.begun.links.get(attempt.link)?.contact.as_ref()
    }

    /// When the number that rings has rung long enough.
    pub(super) const fn deadline(&self) -> Option<Moment> {
        match &self.standing {
            Standing::Ringing { until } => Some(*until),
            _ => None,
        }
    }

    /// Calls whoever is next, or ends.
    pub(super) fn go_on(&mut self, now: Now, call: CallId, out: &mut VecDeque<Output>) {
        loop {
            let (at, number) = self.next;
            let Some(link) = self.begun.links.get(at) else {
                return self.end(call, Verdict::Exhausted, String::new(), String::new(), out);
            };
            let Some((contact, to)) =
                link.contact.as_ref().and_then(|it| Some((it, it.numbers.get(number)?)))
            else {
                self.next = (at + 1, 0);
                continue;
            };
            let attempt = Attempt {
                number: u16::try_from(self.attempts.len() + 1).unwrap_or(u16::MAX),
                link: at,
                to: to.clone(),
                party: None,
                began: now.wall,
                answered: None,
                outcome: None,
            };
            out.push_back(Output::Ring {
                call,
                attempt: attempt.number,
                contact: contact.id.clone(),
                to: to.clone(),
            });
            self.standing = Standing::Ringing { until: now.moment.after(link.ring) };
            self.next = (at, number + 1);
            self.attempts.push(attempt);
            return;
        }
    }

    /// The attempt that lasts is over.
    pub(super) fn over(
        &mut self,
        call: CallId,
        outcome: Outcome,
        status: Option<u16>,
        out: &mut VecDeque<Output>,
    ) {
        let Some(attempt) = self.attempts.last_mut().filter(|it| it.outcome.is_none()) else {
            return;
        };
        attempt.outcome = Some(outcome);
        out.push_back(Output::TriedOver { call, attempt: attempt.number, outcome, status });
    }

    pub(super) fn end(
        &mut self,
        call: CallId,
        verdict: Verdict,
        by: String,
        why: String,
        out: &mut VecDeque<Output>,
    ) {
        self.standing = Standing::Over { verdict, why: why.clone() };
        out.push_back(Output::Over { call, verdict, by, why });
    }

    /// The attempt of this number, if it lasts.
    pub(super) fn lasting(&mut self, number: u16) -> Option<&mut Attempt> {
        let lasts = |attempt: &&mut Attempt| attempt.number == number && attempt.outcome.is_none();
        self.attempts.last_mut().filter(lasts)
    }

    /// Who has taken it.
    #[must_use]
    pub fn taken_by(&self) -> Option<(&Attempt, &ContactId)> {
        let attempt = self.attempts.iter().find(|it| it.outcome == Some(Outcome::Taken))?;
        Some((attempt, &self.contact(attempt)?.id))
    }
}
