//! What a caller hears who waits (here), and what we hear of a caller (`listening`): announcements,
//! music, the two prompts that ask a silent one for a sign; before the answer too (`early_media`).
//!
//! Nothing here delays an operator, except where a queue asks for it: there a caller is listened to
//! first, for a time that is bounded from the beginning. A media plane that says nothing changes
//! nothing: every wait here has a deadline of its own.

mod early_media;
mod listening;

use std::collections::BTreeSet;

use crate::call::orders::{Ears, MediaOrder, Programme, Role, Then};
use crate::call::{Call, Side, State};
use crate::journal::Fact;
use crate::screening::{Refusal, Silence, Step};
use crate::trunk::settings::EarlyMedia;
use crate::vocabulary::{AnswerMode, CallId, Moment, Now, PromptId, StreamId, limits};

use super::settings::{Announcements, Screen};
use super::{Switchboard, Timer};

/// One caller who waits and hears us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    playing: Playing,
    /// The welcome was played, or is not to be.
    welcomed: bool,
    /// How often `wait` was played.
    rounds: u32,
    /// When something is announced next, unless a seat rings then.
    next: Option<Moment>,
    /// Listened to, once that has begun; by then it must have.
    silence: Option<Silence>,
    listen_by: Option<Moment>,
    /// It hears us.
    begun: bool,
    refusal: Option<Refusal>,
    heard: BTreeSet<&'static str>,
    /// Not in the queue yet: listened to first, or to be refused unless a key is pressed.
    held_back: bool,
    /// When a caller who is listened to first goes into the queue in any case.
    admit_by: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playing {
    Nothing,
    Welcome,
    Wait,
    Silence(u8),
    Refusal,
}

impl Switchboard {
    fn announcements(&self, id: CallId) -> Option<&Announcements> {
        self.settings.announcements.get(self.calls.get(&id)?.queue.as_ref()?)
    }

    fn early_media(&self, id: CallId) -> EarlyMedia {
        let trunk = self.calls.get(&id).and_then(|call| call.trunk());
        trunk.and_then(|trunk| self.trunks.get(trunk)).map_or(EarlyMedia::No, |t| t.early_media)
    }

    // ---- the door ----------------------------------------------------------------------------

    /// A call comes to wait. Returns whether it is held back from the queue for a moment.
    pub(super) fn receive_guest(&mut self, now: Now, id: CallId) -> bool {
        let early = self.early_media(id);
        let refuse = self.calls.get(&id).is_some_and(|call| call.refuse);
        if refuse {
            return self.refuse_unless_key(now, id);
        }
        let announces = self.announcements(id).is_some_and(Announcements::say_anything);
        let wanted = announces && early != EarlyMedia::No;
        if wanted && self.send_early_media(now, id, early) {
            self.note(now, Fact::EarlyMedia { call: id });
            self.entertain(now, id);
        } else {
            self.ringing_response(now, id);
        }
        let first = self.announcements(id).is_some_and(|a| a.screen == Screen::First);
        if first && self.calls.get(&id).is_some_and(|c| c.answer == AnswerMode::Immediate) {
            self.answer_by_mode(now, id);
        }
        let listens = self.listened.contains(&id);
        let held_back = first && listens;
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.held_back = held_back;
            guest.admit_by = held_back.then(|| now.moment.after(limits::HELD_BACK));
        }
        self.set_guest_timer(id);
        held_back
    }

    /// A number that was marked again and again hears so, and may press any key to go on.
    fn refuse_unless_key(&mut self, now: Now, id: CallId) -> bool {
        let prompts = self.announcements(id).map(|a| a.refused.clone()).unwrap_or_default();
        self.ringing_response(now, id);
        let can = !prompts.is_empty() && self.has_ports_to_spare() && self.has_an_ear();
        if !can || !self.answer_caller(now, id, None) {
            return false;
        }
        let after_ms = self.millis_since_invite(now, id);
        self.note(now, Fact::CallerAnswered { call: id, after_ms });
        let detail = format!("call {id} is refused unless a key is pressed: its number was marked");
        self.alarm(now, "nuisance-refused", detail);
        let mut guest = Guest::new();
        guest.refusal = Some(Refusal::start(now.moment));
        guest.begun = true;
        guest.held_back = true;
        self.guests.insert(id, guest);
        self.listen(now, id);
        self.play(id, Playing::Refusal);
        self.set_guest_timer(id);
        true
    }

    // ---- what the caller hears ---------------------------------------------------------------

    /// The caller hears us from now on, and may be heard: after the answer, or by early media.
    pub(super) fn entertain(&mut self, now: Now, id: CallId) {
        let waits = |call: &Call| call.state == State::Waiting && !call.has_company();
        let Some(call) = self.calls.get(&id).filter(|call| waits(call)) else { return };
        let answered = call.invite.is_none();
        let judged = call.verdict.is_some() || call.talked;
        let may_listen = call.listen && !judged;
        let hears = answered || self.early_media(id) == EarlyMedia::Both;
        let Some(announcements) = self.announcements(id) else { return self.ring_back(id) };
        let screens = announcements.screen != Screen::Never && may_listen;
        let first = announcements.screen == Screen::First;
        if hears && screens {
            self.guests.entry(id).or_insert_with(Guest::new);
            self.listen(now, id);
        }
        let first = first && self.listened.contains(&id);
        let new = self.guests.entry(id).or_insert_with(Guest::new);
        let begins = !new.begun;
        new.begun = true;
        if self.listened.contains(&id) && new.silence.is_none() {
            new.listen_by = Some(now.moment.after(limits::SILENCE_PROMPT));
        }
        if begins {
            self.greet_in_writing(now, id);
        }
        let Some(new) = self.guests.get_mut(&id) else { return };
        if begins && judged {
            new.welcomed = true;
            self.play(id, Playing::Wait);
        } else if begins && first {
            self.announce_next(now, id);
        } else if begins {
            // A seat may ring and answer in a moment: until nobody does it rings for the caller too.
            new.next = Some(now.moment.after(limits::ANNOUNCE_AFTER));
            self.ring_back(id);
        } else if new.welcomed && new.playing != Playing::Welcome {
            self.begin_listening(now, id);
        }
        self.set_guest_timer(id);
    }

    /// Says what is to be said next: the welcome once, then `wait` again and again.
    fn announce_next(&mut self, now: Now, id: CallId) {
        let Some(guest) = self.guests.get_mut(&id) else { return };
        if std::mem::replace(&mut guest.welcomed, true) {
            return self.play(id, Playing::Wait);
        }
        self.play(id, Playing::Welcome);
        if self.guests.get(&id).is_some_and(|guest| guest.playing == Playing::Nothing) {
            // There is no welcome.
            self.play(id, Playing::Wait);
            self.begin_listening(now, id);
        }
    }

    /// The caller's audio goes by a new stream: what plays begins again there, and whoever was
    /// listened to or held back still is. False when nothing plays.
    pub(super) fn plays_on(&mut self, id: CallId) -> bool {
        let Some(guest) = self.guests.get(&id) else { return false };
        let (playing, next, listens) = (guest.playing, guest.next, self.listened.contains(&id));
        let rings = !guest.welcomed && guest.refusal.is_none();
        let media = self.calls.get(&id).and_then(|call| call.caller.media.as_ref());
        if let Some(stream) = media.map(|media| media.stream).filter(|_| listens) {
            self.media(MediaOrder::Listen { stream, ears: Some(Ears::Waiting) });
        }
        if rings {
            self.ring_back(id);
        } else {
            self.play(id, playing);
        }
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.next = next;
        }
        self.set_guest_timer(id);
        true
    }

    fn ring_back(&mut self, id: CallId) {
        let media = self.calls.get(&id).and_then(|call| call.caller.media.as_ref());
        if let Some(stream) = media.map(|media| media.stream) {
            self.media(MediaOrder::Role { stream, role: Role::RingBack });
        }
    }

    fn play(&mut self, id: CallId, playing: Playing) {
        let say = self.words(id, playing);
        let music = self.announcements(id).and_then(|a| a.music.clone());
        let Some(guest) = self.guests.get_mut(&id) else { return };
        guest.playing = if say.is_empty() { Playing::Nothing } else { playing };
        guest.next = None;
        let silent = guest.playing == Playing::Nothing;
        let Some(media) = self.calls.get(&id).and_then(|call| call.caller.media.as_ref()) else {
            return;
        };
        let stream = media.stream;
        let role = match (silent, music) {
            (true, None) => Role::RingBack,
            // Whoever is asked for a sign is listened to without music.
            (_, _) if matches!(playing, Playing::Silence(_) | Playing::Refusal) => {
                Role::Play(Programme { say: say.into(), then: Then::Silence })
            }
            (_, Some(music)) => Role::Play(Programme { say: say.into(), then: Then::Music(music) }),
            (_, None) => Role::Play(Programme { say: say.into(), then: Then::RingBack }),
        };
        self.media(MediaOrder::Role { stream, role });
    }

    fn words(&self, id: CallId, playing: Playing) -> Vec<PromptId> {
        let Some(announcements) = self.announcements(id) else { return Vec::new() };
        match playing {
            Playing::Nothing => Vec::new(),
            Playing::Welcome => announcements.welcome.clone(),
            Playing::Refusal => announcements.refused.clone(),
            Playing::Silence(1) => announcements.silence[0].clone(),
            Playing::Silence(_) => announcements.silence[1].clone(),
            Playing::Wait => {
                let rounds = self.guests.get(&id).map_or(0, |guest| guest.rounds);
                let told = announcements.position.as_ref().filter(|_| rounds > 0);
                let place = told.and_then(|position| {
                    let most = position.numbers.len();
                    let number = position.numbers.get(self.acd.before(id, most)?)?;
                    Some([position.before.clone(), number.clone()])
                });
                place.into_iter().flatten().chain(announcements.wait.iter().cloned()).collect()
            }
        }
    }

    /// The media plane has played an announcement to its end.
    pub(super) fn played(&mut self, now: Now, stream: StreamId) {
        let Some(id) = self.guest_of(stream) else { return };
        let again = self.announcements(id).map_or(std::time::Duration::ZERO, |a| a.again);
        let Some(guest) = self.guests.get_mut(&id) else { return };
        let played = std::mem::replace(&mut guest.playing, Playing::Nothing);
        match played {
            Playing::Nothing => {}
            Playing::Welcome | Playing::Wait => {
                guest.rounds += u32::from(played == Playing::Wait);
                guest.next = (!again.is_zero()).then(|| now.moment.after(again));
                if played == Playing::Welcome {
                    self.begin_listening(now, id);
                }
            }
            Playing::Silence(_) => {
                if let Some(silence) = &mut guest.silence {
                    silence.prompt_over(now.moment);
                }
            }
            Playing::Refusal => {
                let bypass = guest.refusal.as_mut().and_then(|r| r.prompt_over(now.moment));
                if let Some(bypass) = bypass {
                    self.bypassed(now, id, bypass);
                }
            }
        }
        self.set_guest_timer(id);
    }

    fn guest_of(&self, stream: StreamId) -> Option<CallId> {
        let (id, side) = self.streams.get(&stream)?;
        let caller = self.calls.get(id)?.caller.media.as_ref()?.stream;
        (*side == Side::Caller && caller == stream).then_some(*id)
    }

    // ---- time --------------------------------------------------------------------------------

    fn set_guest_timer(&mut self, id: CallId) {
        let Some(guest) = self.guests.get(&id) else { return };
        let quiet = guest.playing == Playing::Nothing;
        let asks = guest.silence.as_ref().is_some_and(|s| s.poll_timeout().is_some());
        let due = [
            guest.next.filter(|_| quiet && !asks),
            guest.listen_by.filter(|_| guest.silence.is_none()),
            guest.admit_by,
            guest.silence.as_ref().and_then(Silence::poll_timeout),
            guest.refusal.as_ref().and_then(Refusal::poll_timeout),
        ];
        match due.into_iter().flatten().min() {
            Some(at) => self.deadlines.set(Timer::Guest(id), at),
            None => self.deadlines.clear(&Timer::Guest(id)),
        }
    }

    pub(super) fn guest_is_due(&mut self, now: Now, id: CallId) {
        let Some(guest) = self.guests.get_mut(&id) else { return };
        if guest.admit_by.is_some_and(|by| by <= now.moment) {
            self.admit_guest(now, id);
        }
        let Some(guest) = self.guests.get_mut(&id) else { return };
        if guest.silence.is_none() && guest.listen_by.is_some_and(|by| by <= now.moment) {
            self.begin_listening(now, id);
        }
        let Some(guest) = self.guests.get_mut(&id) else { return };
        if let Some(bypass) = guest.refusal.as_mut().and_then(|r| r.tick(now.moment)) {
            self.bypassed(now, id, bypass);
        }
        loop {
            let Some(guest) = self.guests.get_mut(&id) else { return };
            match guest.silence.as_mut().and_then(|silence| silence.tick(now.moment)) {
                None => break,
                Some(Step::Done(verdict)) => self.judged(now, id, verdict),
                Some(Step::Prompt(prompt)) => {
                    self.note(now, Fact::Prompted { call: id, prompt });
                    self.play(id, Playing::Silence(prompt));
                    // Where there is no such prompt the time to answer it begins at once.
                    let guest = self.guests.get_mut(&id);
                    if let Some(guest) = guest.filter(|g| g.playing == Playing::Nothing)
                        && let Some(silence) = &mut guest.silence
                    {
                        silence.prompt_over(now.moment);
                    }
                }
            }
        }
        let Some(guest) = self.guests.get(&id) else { return };
        let asks = guest.silence.as_ref().is_some_and(|s| s.poll_timeout().is_some());
        let quiet = guest.playing == Playing::Nothing && !asks;
        if quiet && guest.next.is_some_and(|next| next <= now.moment) {
            let rings = self.calls.get(&id).is_some_and(|call| !call.ringing.is_empty());
            match self.guests.get_mut(&id).filter(|_| rings) {
                // Nobody is told that all are busy while a seat rings for them.
                Some(guest) => guest.next = Some(now.moment.after(limits::ANNOUNCE_AFTER)),
                None => self.announce_next(now, id),
            }
        }
        self.set_guest_timer(id);
    }

    /// A caller waits no more: somebody answers, or the call is over.
    pub(super) fn guest_leaves(&mut self, id: CallId) {
        self.deadlines.clear(&Timer::Guest(id));
        self.guests.remove(&id);
        self.listen_no_more(id);
        self.listened.remove(&id);
    }
}

impl Guest {
    const fn new() -> Self {
        Self {
            playing: Playing::Nothing,
            welcomed: false,
            rounds: 0,
            next: None,
            silence: None,
            listen_by: None,
            begun: false,
            refusal: None,
            heard: BTreeSet::new(),
            held_back: false,
            admit_by: None,
        }
    }
}
