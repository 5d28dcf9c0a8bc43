//! The chains of all calls: one run in a call at a time, each a machine of its own.

use std::collections::{BTreeMap, VecDeque};

use super::run::{Begun, NotNow, Outcome, Run, Standing, Verdict};
use crate::vocabulary::{CallId, ContactId, Moment, Now};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A person begins a chain.
    Begin(Box<Begun>),
    /// Whoever is called has this number in the call.
    Called {
        /// Which attempt.
        attempt: u16,
        /// So.
        party: u8,
    },
    /// An attempt came to nothing, or whoever had answered is gone.
    Gone {
        /// Which attempt.
        attempt: u16,
        /// Why nobody came; what had answered counts as not taken.
        outcome: Outcome,
        /// The SIP status, when there was one.
        status: Option<u16>,
    },
    /// An attempt was answered.
    Answered {
        /// Which attempt.
        attempt: u16,
    },
    /// Somebody says that the contact comes.
    Take {
        /// Who; empty: the contact, by a key.
        by: String,
    },
    /// A person goes on to the next.
    Next,
    /// Nobody else is called.
    Stop {
        /// Who; empty: the call could not go on.
        by: String,
        /// Why, in words; empty where that is plain.
        why: String,
    },
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Call this number. [`Input::Called`] or [`Input::Gone`] follows.
    Ring {
        /// For which call.
        call: CallId,
        /// The attempt.
        attempt: u16,
        /// Whom.
        contact: ContactId,
        /// The number.
        to: String,
    },
    /// Stop calling, or let go, whoever has this number in the call.
    LetGo {
        /// Of which call.
        call: CallId,
        /// Who.
        party: u8,
    },
    /// An attempt is over.
    TriedOver {
        /// Of which call.
        call: CallId,
        /// The attempt.
        attempt: u16,
        /// What came of it.
        outcome: Outcome,
        /// The SIP status, when there was one.
        status: Option<u16>,
    },
    /// A run is over.
    Over {
        /// Of which call.
        call: CallId,
        /// How.
        verdict: Verdict,
        /// Who said so; empty: nobody, or the contact by a key.
        by: String,
        /// Why, in words; empty where that is plain.
        why: String,
    },
}

/// The runs of all calls; one that is over stays until its call is.
#[derive(Debug, Default)]
pub struct Chains {
    runs: BTreeMap<CallId, Run>,
    outputs: VecDeque<Output>,
}

impl Chains {
    /// Takes what happened in a call.
    ///
    /// # Errors
    /// It makes no sense now; nothing was changed. What came too late is no error.
    pub fn handle(&mut self, now: Now, call: CallId, input: Input) -> Result<(), NotNow> {
        let out = &mut self.outputs;
        if let Input::Begin(begun) = input {
            if self.runs.get(&call).is_some_and(Run::is_on) {
                return Err(NotNow::Running);
            }
            if begun.links.iter().all(|link| link.contact.is_none()) {
                return Err(NotNow::Nobody);
            }
            let mut run = Run::begin(now, *begun);
            run.go_on(now, call, out);
            self.runs.insert(call, run);
            return Ok(());
        }
        let run = self.runs.get_mut(&call).filter(|run| run.is_on()).ok_or(NotNow::NoneRuns)?;
        let answered = matches!(run.standing, Standing::Answered { .. });
        let party = run.current().and_then(|attempt| attempt.party);
        match input {
            Input::Begin(_) => {}
            Input::Called { attempt, party } => {
                if let Some(attempt) = run.lasting(attempt) {
                    attempt.party = Some(party);
                }
            }
            Input::Answered { attempt } => {
                if let Some(attempt) = run.lasting(attempt) {
                    attempt.answered = Some(now.wall);
                    run.standing = Standing::Answered { at: now.wall };
                }
            }
            Input::Gone { attempt, outcome, status } => {
                if run.lasting(attempt).is_some() {
                    let outcome = if answered { Outcome::NotTaken } else { outcome };
                    run.over(call, outcome, status.filter(|_| !answered), out);
                    run.go_on(now, call, out);
                }
            }
            Input::Take { .. } if !answered => return Err(NotNow::NobodyAnswered),
            Input::Take { by } => {
                run.over(call, Outcome::Taken, None, out);
                run.end(call, Verdict::Taken, by, String::new(), out);
            }
            Input::Next => {
                run.over(call, Outcome::PassedOver, None, out);
                out.extend(party.map(|party| Output::LetGo { call, party }));
                run.go_on(now, call, out);
            }
            Input::Stop { by, why } => {
                run.over(call, Outcome::Stopped, None, out);
                // Whoever talks is not cut off: the call taker lets them go.
                let rings = party.filter(|_| !answered);
                out.extend(rings.map(|party| Output::LetGo { call, party }));
                run.end(call, Verdict::Stopped, by, why, out);
            }
        }
        Ok(())
    }

    /// Does what is due: who has not answered in time is called no longer.
    pub fn tick(&mut self, now: Now) {
        let out = &mut self.outputs;
        for (call, run) in &mut self.runs {
            if run.deadline().is_some_and(|until| until <= now.moment) {
                let party = run.current().and_then(|attempt| attempt.party);
                run.over(*call, Outcome::NoAnswer, None, out);
                out.extend(party.map(|party| Output::LetGo { call: *call, party }));
                run.go_on(now, *call, out);
            }
        }
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Chains::tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.runs.values().filter_map(Run::deadline).min()
    }

    /// The run of a call, the last one where there were several.
    #[must_use]
    pub fn of(&self, call: CallId) -> Option<&Run> {
        self.runs.get(&call)
    }

    /// The attempt that lasts in which somebody has this number in the call.
    #[must_use]
    pub fn attempt_of(&self, call: CallId, party: u8) -> Option<u16> {
        let run = self.runs.get(&call).filter(|run| run.is_on())?;
        run.current().filter(|it| it.party == Some(party)).map(|it| it.number)
    }

    /// Whether a chain runs in a call.
    #[must_use]
    pub fn runs(&self, call: CallId) -> bool {
        self.runs.get(&call).is_some_and(Run::is_on)
    }

    /// The call is gone.
    pub fn forget(&mut self, call: CallId) {
        self.runs.remove(&call);
    }

    /// How many runs are kept.
    #[must_use]
    pub fn live(&self) -> usize {
        self.runs.len() + self.outputs.len()
    }
}
