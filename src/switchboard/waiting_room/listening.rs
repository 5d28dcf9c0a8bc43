//! What we hear of a caller who waits: a sign of life, silence, the key of one who is to be refused.

use crate::acd;
use crate::call::Way;
use crate::call::orders::{Ears, MediaOrder, Sound};
use crate::journal::Fact;
use crate::screening::{Bypass, Sign, Silence, Step, Verdict};
use crate::vocabulary::{CallId, Cause, Ending, Lane, Now, Party, Stage, StreamId, limits};

use super::super::Switchboard;
use super::super::inbound::ticket;
use super::Playing;

impl Switchboard {
    /// Whether one more caller may be listened to: it costs the media plane more than anything else,
    /// and nobody's talk may suffer for it. Who is not waits like a caller who was heard.
    pub(super) fn has_an_ear(&self) -> bool {
        self.listened.len() < limits::LISTENED
    }

    pub(super) fn listen(&mut self, now: Now, id: CallId) {
        if !self.guests.contains_key(&id) || !self.has_an_ear() || !self.listened.insert(id) {
            return;
        }
        let media = self.calls.get(&id).and_then(|call| call.caller.media.as_ref());
        if let Some(stream) = media.map(|media| media.stream) {
            self.media(MediaOrder::Listen { stream, ears: Some(Ears::Waiting) });
            self.record(now, id, stream);
        }
    }

    /// Nothing more that could be heard of a caller matters.
    pub(super) fn listen_no_more(&mut self, id: CallId) {
        let media = self.calls.get(&id).and_then(|call| call.caller.media.as_ref());
        let stream = media.map(|media| media.stream);
        if let Some(stream) = stream.filter(|_| self.listened.remove(&id)) {
            self.media(MediaOrder::Listen { stream, ears: None });
        }
    }

    /// The welcome is over: from now on silence counts. Whoever gave a sign before is through.
    pub(super) fn begin_listening(&mut self, now: Now, id: CallId) {
        let listen = self.announcements(id).map(|a| a.listen).unwrap_or_default();
        let Some(guest) = self.guests.get_mut(&id) else { return };
        let listens = self.listened.contains(&id);
        if !listens || guest.silence.is_some() || guest.refusal.is_some() {
            return;
        }
        guest.listen_by = None;
        let mut silence = Silence::start(now.moment, listen);
        let signs = [Sign::Noise, Sign::Key, Sign::Text, Sign::Tap, Sign::Voice];
        let before = signs.into_iter().filter(|sign| guest.heard.contains(sign.word()));
        let step = before.fold(None, |step, sign| silence.heard(sign).or(step));
        guest.silence = Some(silence);
        if let Some(Step::Done(verdict)) = step {
            self.judged(now, id, verdict);
        }
        self.set_guest_timer(id);
    }

    /// Something was heard on a stream.
    pub(in crate::switchboard) fn sounds(&mut self, now: Now, stream: StreamId, sound: Sound) {
        let Some(&(id, side)) = self.streams.get(&stream) else { return };
        let sign = match sound {
            Sound::Voice => {
                self.caller_speaks(now, id, side);
                Some(Sign::Voice)
            }
            Sound::Tap => Some(Sign::Tap),
            Sound::Noise => Some(Sign::Noise),
            Sound::Key(key) => self.pressed(now, id, side, key, Way::Media).then_some(Sign::Key),
            Sound::TextTelephone => {
                self.hears_machine(now, id, side, "text-telephone");
                // Somebody types: a person, who cannot speak.
                Some(Sign::Key)
            }
            // Tones of machines and exchanges say nothing of whoever is behind them.
            Sound::Fax => {
                self.hears_machine(now, id, side, "fax");
                None
            }
            Sound::RingBack | Sound::Busy | Sound::Unobtainable => {
                self.hears_exchange(now, id, side, sound);
                None
            }
            Sound::Quiet => {
                self.caller_quiet(now, id, side);
                None
            }
        };
        let sign = sign.filter(|_| self.guest_of(stream).is_some());
        if let Some(sign) = sign {
            self.gives_sign(now, id, sign);
        }
    }

    /// A caller gave a sign, by sound or by a SIP INFO with a key.
    pub(in crate::switchboard) fn gives_sign(&mut self, now: Now, id: CallId, sign: Sign) {
        let after_ms = self.millis_since_invite(now, id);
        let Some(guest) = self.guests.get_mut(&id) else { return };
        let first = guest.heard.insert(sign.word());
        let bypass = guest.refusal.as_mut().and_then(|refusal| refusal.heard(sign));
        let step = guest.silence.as_mut().and_then(|silence| silence.heard(sign));
        if first {
            let sound = sign.word().to_owned();
            self.note(now, Fact::Heard { call: id, sound, by: Party::Caller, after_ms });
        }
        if let Some(bypass) = bypass {
            self.bypassed(now, id, bypass);
        }
        if let Some(Step::Done(verdict)) = step {
            self.judged(now, id, verdict);
        }
        self.set_guest_timer(id);
    }

    /// Listening has come to an end: the caller goes on, in the lane that follows.
    pub(super) fn judged(&mut self, now: Now, id: CallId, verdict: Verdict) {
        let again = self.announcements(id).map_or(std::time::Duration::ZERO, |a| a.again);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.verdict = Some(verdict);
        let moved = verdict.lane(call.lane).filter(|_| !call.laned);
        if let Some((lane, why)) = moved {
            call.lane = lane;
            self.note(now, Fact::Laned { call: id, lane, why: why.to_owned() });
        }
        if !matches!(verdict, Verdict::Silent { .. }) {
            self.listen_no_more(id);
        }
        let Some(guest) = self.guests.get_mut(&id) else { return };
        if matches!(guest.playing, Playing::Silence(_)) || guest.playing == Playing::Nothing {
            guest.playing = Playing::Nothing;
            guest.next = (!again.is_zero()).then(|| now.moment.after(again));
            self.play_music(id);
        }
        self.admit_guest(now, id);
        if moved.is_some()
            && let Some(ticket) = self.calls.get(&id).and_then(|call| ticket(call))
        {
            self.acd.handle(now.moment, acd::Input::Change(ticket));
        }
    }

    pub(super) fn play_music(&mut self, id: CallId) {
        let next = self.guests.get(&id).and_then(|guest| guest.next);
        self.play(id, Playing::Nothing);
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.next = next;
        }
    }

    /// Whoever was to be refused has pressed a key, or has not.
    pub(super) fn bypassed(&mut self, now: Now, id: CallId, bypass: Bypass) {
        let why = match bypass {
            Bypass::Pressed => "a key was pressed: not refused",
            Bypass::NotAsked => "the prompt could not be played: not refused",
            Bypass::Refused => {
                let detail = format!("call {id} was refused: marked, and no key was pressed");
                self.alarm(now, "nuisance-refused", detail);
                let (stage, by, cause) = (Stage::Waiting, Party::Gateway, Cause::Nuisance);
                return self.end(now, id, Ending { stage, by, cause, q850: None });
            }
        };
        self.note(now, Fact::Laned { call: id, lane: Lane::Nuisance, why: why.to_owned() });
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.refusal = None;
            guest.playing = Playing::Nothing;
        }
        self.play(id, Playing::Wait);
        self.admit_guest(now, id);
    }

    /// Who was held back goes into the queue, at the place of its arrival.
    pub(super) fn admit_guest(&mut self, now: Now, id: CallId) {
        let Some(guest) = self.guests.get_mut(&id) else { return };
        guest.admit_by = None;
        let held_back = std::mem::take(&mut guest.held_back);
        let ticket = self.calls.get(&id).filter(|_| held_back).and_then(|call| ticket(call));
        if let Some(ticket) = ticket {
            self.acd.handle(now.moment, acd::Input::Wait(ticket));
        }
    }

    /// Whether a caller is kept out of the queue for a moment.
    pub(in crate::switchboard) fn is_held_back(&self, id: CallId) -> bool {
        self.guests.get(&id).is_some_and(|guest| guest.held_back)
    }

    /// A person takes a caller who was held back: nobody refuses them any more.
    pub(in crate::switchboard) fn admit_picked_up(&mut self, now: Now, id: CallId) {
        let refusal = self.guests.get_mut(&id).and_then(|guest| guest.refusal.take());
        if refusal.is_some() {
            self.play(id, Playing::Wait);
        }
        self.admit_guest(now, id);
        self.set_guest_timer(id);
    }
}
