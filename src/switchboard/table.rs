//! Who hears whom in a live call, told to the media plane: the talk with everybody who was brought in, a
//! talk in private, a caller who is put aside. The rules themselves are in `call::table`.
//!
//! The caller hears somebody, or a programme, or silence that was asked for; never nothing by mistake.

use crate::call::orders::{MediaOrder, Programme, Role, Then};
use crate::call::table::{self, Place};
use crate::call::{Call, Leg, Side, State};
use crate::journal::Fact;
use crate::vocabulary::{CallId, Now, StreamId};

use super::orders::Refusal;
use super::{Switchboard, Timer};

/// A call's table as it stands.
struct Table {
    places: Vec<(StreamId, Place)>,
    /// Voices that nobody hears: the music of a guest's phone, and who is muted.
    unheard: Vec<StreamId>,
    /// Who called; in a call that a seat dialled, who was called.
    caller: Option<StreamId>,
    /// The operator's stream while their phone holds.
    holding: Option<StreamId>,
}

impl Table {
    fn of(call: &Call) -> Self {
        let stream = |leg: &Leg| leg.media.as_ref().map(|media| media.stream);
        let talk = call.talk.as_ref().map(|talk| &talk.leg);
        // The seat that dialled is the operator, also of somebody who is called back.
        let (caller, operator) = match call.operator_side() {
            Side::Caller => (talk, Some(&call.caller)),
            _ => (Some(&call.caller), talk),
        };
        let (caller, held) = (caller.and_then(stream), operator.filter(|leg| leg.held));
        let ends = [(caller, Place::Caller), (operator.and_then(stream), Place::Operator)];
        let guests =
            call.parties.values().map(|party| (stream(&party.leg), Place::Guest(party.part)));
        let places = ends.into_iter().chain(guests);
        let unheard = call.parties.values().filter(|party| !party.is_heard());
        Self {
            places: places.filter_map(|(stream, place)| Some((stream?, place))).collect(),
            unheard: unheard.filter_map(|party| stream(&party.leg)).collect(),
            caller,
            holding: held.and_then(stream),
        }
    }

    /// Whom each stream's peer hears.
    fn rows(&self, private: bool) -> Vec<(StreamId, Vec<StreamId>)> {
        let mut rows = table::hears(&self.places, private);
        for (stream, whom) in &mut rows {
            whom.retain(|voice| !self.unheard.contains(voice));
            // The music of the operator's phone is for a caller whom nobody else talks to.
            let alone = Some(*stream) == self.caller && whom.len() == 1;
            whom.retain(|voice| alone || Some(*voice) != self.holding);
        }
        rows
    }
}

impl Switchboard {
    /// Tells the media plane who hears whom in a call. What is so already is not ordered again: an
    /// announcement would begin anew.
    pub(super) fn seat_the_table(&mut self, now: Now, id: CallId) {
        self.watch_who_is_aside(now, id);
        let Some(call) = self.calls.get(&id) else { return };
        if !matches!(call.state, State::Talking | State::Waiting | State::Calling) {
            return;
        }
        let (table, state, private) = (Table::of(call), call.state, call.private);
        for (stream, whom) in table.rows(private) {
            let role = if Some(stream) != table.caller {
                Some(Role::Hear(whom.as_slice().into()))
            } else if state == State::Talking {
                let aside = private || (whom.len() == 1 && whom.first() == table.holding.as_ref());
                let programme = if aside { self.hold_programme(id, private) } else { None };
                Some(programme.map_or_else(|| Role::Hear(whom.as_slice().into()), Role::Play))
            } else if !whom.is_empty() {
                // Nothing is announced to a caller who talks.
                self.guest_leaves(id);
                Some(Role::Hear(whom.as_slice().into()))
            } else if state == State::Calling {
                Some(Role::RingBack)
            } else {
                self.wait_alone(now, id, stream);
                None
            };
            if let Some(role) = role {
                let plays = matches!(role, Role::Play(_));
                self.set_role(id, stream, role);
                self.set_reading(id, stream, if plays { &whom } else { &[] });
            }
        }
    }

    /// Who hears a programme reads those whom they would hear: no music stands before what is written.
    fn set_reading(&mut self, id: CallId, stream: StreamId, whom: &[StreamId]) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.reads.get(&stream).map_or(&[][..], |whom| whom) != whom {
            call.reads.insert(stream, whom.into());
            self.media(MediaOrder::Read { stream, whom: whom.into() });
        }
    }

    fn set_role(&mut self, id: CallId, stream: StreamId, role: Role) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.roles.get(&stream) != Some(&role) {
            let came = call.roles.insert(stream, role.clone()).is_none();
            let is_caller = call.caller.media.as_ref().is_some_and(|it| it.stream == stream);
            self.media(MediaOrder::Role { stream, role });
            if came {
                self.name_writers(id);
            }
            if came && !is_caller {
                self.show_writing(id, stream);
            }
        }
    }

    /// Nobody talks to a caller who waits: the waiting room does, unless it does already.
    fn wait_alone(&mut self, now: Now, id: CallId, stream: StreamId) {
        let call = self.calls.get(&id);
        let role = call.and_then(|call| call.roles.get(&stream));
        let rings = matches!(role, Some(Role::RingBack));
        if !rings && !self.guests.contains_key(&id) {
            self.entertain(now, id);
        }
    }

    /// What a caller hears who is put aside; none when the queue has nothing for that, so that the music
    /// of the operator's phone is heard, or silence.
    fn hold_programme(&self, id: CallId, private: bool) -> Option<Programme> {
        let queue = self.calls.get(&id)?.queue.as_ref()?;
        let announcements = self.settings.announcements.get(queue)?;
        let music = announcements.music.clone();
        if announcements.hold.is_empty() && !(private && music.is_some()) {
            return None;
        }
        let then = music.map_or(Then::Silence, Then::Music);
        Some(Programme { say: announcements.hold.as_slice().into(), then })
    }

    // ---- in private --------------------------------------------------------------------------

    /// The operator talks in private, or no more.
    ///
    /// # Errors
    /// Nobody talks.
    pub(super) fn set_private(
        &mut self,
        now: Now,
        id: CallId,
        private: bool,
        by: String,
    ) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::NoSuchCall(id))?;
        if call.state != State::Talking {
            return Err(Refusal::NotNow("no operator talks in the call".to_owned()));
        }
        if std::mem::replace(&mut call.private, private) != private {
            self.note(now, Fact::PrivateTalk { call: id, private, by });
            self.seat_the_table(now, id);
        }
        Ok(())
    }

    /// Whoever talked in private is gone, and the caller is to hear who has them now.
    pub(super) fn no_more_private(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if std::mem::take(&mut call.private) {
            let by = String::new();
            self.note(now, Fact::PrivateTalk { call: id, private: false, by });
        }
    }

    // ---- put aside for long ------------------------------------------------------------------

    fn is_aside(&self, id: CallId) -> bool {
        let talks = |call: &Call| {
            call.trunk().is_some() && call.state == State::Talking && call.left.is_none()
        };
        let Some(call) = self.calls.get(&id).filter(|call| talks(call)) else { return false };
        let held = call.talk.as_ref().is_some_and(|talk| talk.leg.held);
        call.private || (held && !call.has_company())
    }

    /// How long a caller of this call may be put aside; none: as long as they like.
    fn aside_limit(&self, id: CallId) -> Option<std::time::Duration> {
        let queue = self.calls.get(&id)?.queue.as_ref()?;
        let limit = self.settings.announcements.get(queue)?.hold_alarm;
        (!limit.is_zero()).then_some(limit)
    }

    fn watch_who_is_aside(&mut self, now: Now, id: CallId) {
        let limit = self.aside_limit(id).filter(|_| self.is_aside(id));
        match limit {
            None => self.deadlines.clear(&Timer::Aside(id)),
            Some(limit) if self.deadlines.get(&Timer::Aside(id)).is_none() => {
                self.deadlines.set(Timer::Aside(id), now.moment.after(limit));
            }
            Some(_) => {}
        }
    }

    /// People are told, and again after as long.
    pub(super) fn aside_for_long(&mut self, now: Now, id: CallId) {
        let (Some(limit), Some(call)) = (self.aside_limit(id), self.calls.get(&id)) else { return };
        let how = if call.private { "hears nothing of the talk" } else { "is on hold" };
        let detail = format!("call {id}: the caller {how} for {} s", limit.as_secs());
        self.alarm(now, "held-too-long", detail);
        self.watch_who_is_aside(now, id);
    }
}
