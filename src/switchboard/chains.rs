//! Chains in calls: what `callout` decides is carried out by bringing people in.
//!
//! Whoever is called out talks with the operator alone until the operator says otherwise: the caller
//! hears nothing of it. A chain ends by a word of the call taker, by the contact's key, or in vain; where
//! the call cannot go on it is stopped, and people are told.

use crate::call::table::Part;
use crate::call::{Callee, PartyId, Side, State};
use crate::callout::settings::Contact;
use crate::callout::{
    Attempt, Begun, ChainBegun, ChainEnded, ChainTried, ChainTriedEnded, Input, KEY, Outcome,
    Output, Run, Verdict,
};
use crate::journal::Fact;
use crate::vocabulary::{CallId, ChainId, Now, limits};

use super::Switchboard;
use super::orders::Refusal;

impl Switchboard {
    // ---- orders ------------------------------------------------------------------------------

    /// Begins a chain.
    ///
    /// # Errors
    /// Why not; nothing was changed.
    pub(super) fn begin_chain(
        &mut self,
        now: Now,
        id: CallId,
        (chain, kecamatan): (ChainId, Option<String>),
        by: String,
    ) -> Result<(), Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::NoSuchCall(id))?;
        let talks = call.state == State::Talking && call.seat(call.operator_side()).is_some();
        if !talks || self.draining {
            let why = "a chain needs an operator who talks in the call";
            return Err(Refusal::NotNow(why.to_owned()));
        }
        let callout = &self.settings.callout;
        let Some(chain) = callout.chain(chain.as_str()) else {
            return Err(Refusal::NoSuchChain(chain));
        };
        let plan = callout.plan(chain, kecamatan.as_deref());
        let people = plan.iter().filter(|planned| planned.contact.is_some()).count();
        let begun = Begun::new(chain, &plan, kecamatan.clone(), by.clone());
        let fact = ChainBegun {
            call: id,
            chain: chain.id.clone(),
            title: chain.title.clone(),
            kecamatan,
            people,
            by,
        };
        self.chains.handle(now, id, Input::Begin(Box::new(begun))).map_err(refusal)?;
        self.note(now, Fact::ChainBegun(Box::new(fact)));
        self.chains_do(now);
        Ok(())
    }

    /// A person says that the contact comes, goes on to the next, or stops the chain.
    ///
    /// # Errors
    /// Why not; nothing was changed.
    pub(super) fn tell_chain(&mut self, now: Now, id: CallId, said: Input) -> Result<(), Refusal> {
        if !self.calls.contains_key(&id) {
            return Err(Refusal::NoSuchCall(id));
        }
        self.chains.handle(now, id, said).map_err(refusal)?;
        self.chains_do(now);
        Ok(())
    }

    // ---- what happens to whoever is called ---------------------------------------------------

    /// Somebody who was brought in has answered.
    pub(super) fn chain_answered(&mut self, now: Now, id: CallId, party: PartyId) {
        if let Some(attempt) = self.chains.attempt_of(id, party.0) {
            self.chain_hears(now, id, Input::Answered { attempt });
        }
    }

    /// Somebody who was brought in, or was being called for it, is gone.
    pub(super) fn chain_gone(&mut self, now: Now, id: CallId, party: PartyId, status: Option<u16>) {
        if let Some(attempt) = self.chains.attempt_of(id, party.0) {
            let outcome = status.map_or(Outcome::PassedOver, Outcome::of_status);
            self.chain_hears(now, id, Input::Gone { attempt, outcome, status });
        }
    }

    /// Somebody who was brought in presses a key.
    pub(super) fn chain_pressed(&mut self, now: Now, id: CallId, side: Side, key: char) {
        let Side::Guest(party) = side else { return };
        if key == KEY && self.chains.attempt_of(id, party.0).is_some() {
            self.chain_hears(now, id, Input::Take { by: String::new() });
        }
    }

    /// Somebody who was brought in has the caller from now on, because `by` said so.
    pub(super) fn chain_took_over(&mut self, now: Now, id: CallId, party: PartyId, by: &str) {
        if self.chains.attempt_of(id, party.0).is_some() && !by.is_empty() {
            self.chain_hears(now, id, Input::Take { by: by.to_owned() });
        }
    }

    /// The chain cannot go on: people are told, so that nobody believes that it does.
    pub(super) fn cut_chain(&mut self, now: Now, id: CallId, why: &str) {
        if self.chains.runs(id) {
            self.chain_hears(now, id, Input::Stop { by: String::new(), why: why.to_owned() });
        }
    }

    /// What comes too late for the chain changes nothing.
    fn chain_hears(&mut self, now: Now, id: CallId, input: Input) {
        if self.chains.handle(now, id, input).is_ok() {
            self.chains_do(now);
        }
    }

    // ---- what is to be done ------------------------------------------------------------------

    /// Numbers that have rung long enough are left.
    pub(super) fn chains_due(&mut self, now: Now) {
        self.chains.tick(now);
        self.chains_do(now);
    }

    fn chains_do(&mut self, now: Now) {
        while let Some(output) = self.chains.poll_output() {
            match output {
                Output::Ring { call, attempt, to, .. } => self.chain_rings(now, call, attempt, to),
                Output::LetGo { call, party } => {
                    let party = PartyId(party);
                    let rings = self.calls.get(&call);
                    if rings.is_some_and(|call| call.inviting.contains_key(&party)) {
                        self.join_is_over(now, call, party, "the chain goes on", None);
                    } else {
                        self.party_leaves(now, call, party, "the chain goes on");
                    }
                }
                Output::TriedOver { call, attempt, outcome, status } => {
                    self.note_tried(now, call, attempt, (outcome, status));
                }
                Output::Over { call, verdict, by, why } => {
                    self.chain_is_over(now, call, verdict, (by, why));
                }
            }
        }
    }

    fn chain_rings(&mut self, now: Now, id: CallId, attempt: u16, to: String) {
        let Some((run, tried)) = self.attempt(id, attempt) else { return };
        let Some(contact) = run.contact(tried) else { return };
        let ring = run.begun.links.get(tried.link).map_or(limits::CALL_OUT_RINGS, |it| it.ring);
        let (by, fact) = (
            run.begun.by.clone(),
            ChainTried {
                call: id,
                attempt,
                contact: contact.id.clone(),
                name: contact.full_name.clone(),
                agency: contact.agency.clone(),
                to: to.clone(),
            },
        );
        self.note(now, Fact::ChainTried(Box::new(fact)));
        // The chain itself says when it has rung long enough; this is for a chain that forgot.
        let rings = ring + limits::CALL_OUT_RINGS;
        let said = match self.join_callee(now, id, (Callee::Number(to), Part::Whisper, rings), by) {
            // No way out could be tried: nobody rings.
            Ok(party) if self.calls.get(&id).is_some_and(|it| it.inviting.contains_key(&party)) => {
                Input::Called { attempt, party: party.0 }
            }
            Ok(_) | Err(_) => Input::Gone { attempt, outcome: Outcome::Unreachable, status: None },
        };
        // It lasts: nothing happened between.
        let _late = self.chains.handle(now, id, said);
    }

    fn attempt(&self, id: CallId, attempt: u16) -> Option<(&Run, &Attempt)> {
        let run = self.chains.of(id)?;
        Some((run, run.attempts.iter().find(|it| it.number == attempt)?))
    }

    fn note_tried(
        &mut self,
        now: Now,
        id: CallId,
        attempt: u16,
        (outcome, status): (Outcome, Option<u16>),
    ) {
        let Some((run, tried)) = self.attempt(id, attempt) else { return };
        let Some(contact) = run.contact(tried).map(|contact| contact.id.clone()) else { return };
        let answered_at = tried.answered;
        let over = ChainTriedEnded { call: id, attempt, contact, outcome, answered_at, status };
        self.note(now, Fact::ChainTriedEnded(Box::new(over)));
    }

    fn chain_is_over(
        &mut self,
        now: Now,
        id: CallId,
        verdict: Verdict,
        (by, why): (String, String),
    ) {
        let Some(run) = self.chains.of(id) else { return };
        let taken = run.attempts.iter().find(|it| it.outcome == Some(Outcome::Taken));
        let contact: Option<&Contact> = taken.and_then(|it| run.contact(it));
        let (title, tried) = (run.begun.title.clone(), run.attempts.len());
        let ended = ChainEnded {
            call: id,
            chain: run.begun.chain.clone(),
            verdict,
            contact: contact.map(|contact| contact.id.clone()),
            agency: contact.and_then(|contact| contact.agency.clone()),
            answered_at: taken.and_then(|it| it.answered),
            by: by.clone(),
            why: why.clone(),
        };
        self.note(now, Fact::ChainEnded(Box::new(ended)));
        match verdict {
            Verdict::Exhausted => {
                let detail = format!(
                    "call {id}: nobody of the chain {title:?} comes, {tried} calls in vain; call \
                     somebody out by hand"
                );
                self.alarm(now, "chain-exhausted", detail);
            }
            Verdict::Stopped if by.is_empty() => {
                let detail = format!(
                    "call {id}: the chain {title:?} stopped, {why}; nobody has said that they come, \
                     go on by hand"
                );
                self.alarm(now, "chain-stopped", detail);
            }
            Verdict::Stopped | Verdict::Taken => {}
        }
        self.operator_is_alone(now, id);
    }
}

fn refusal(why: crate::callout::NotNow) -> Refusal {
    Refusal::NotNow(why.to_string())
}
