//! What callers and operators write: live for the desk, line by line for the record, and on to whoever
//! came later. An operator whose phone has no text reads and writes at the desk.
//!
//! What is written is never in a log, and a fault of it never ends a call.

use crate::call::orders::{MediaOrder, Role};
use crate::call::writing::{Author, NEW_LINE, Written};
use crate::call::{Call, LegMedia, Side};
use crate::journal::Fact;
use crate::screening::Sign;
use crate::vocabulary::{CallId, Now, Party, Private, StreamId};

use super::orders::{Answer, Refusal, TextView};
use super::{Switchboard, Timer};

/// Who writes that is no stream.
const DESK: StreamId = StreamId(0);

impl Switchboard {
    /// Somebody wrote.
    pub(super) fn writes(&mut self, now: Now, stream: StreamId, text: &Private<String>) {
        let Some(&(id, side)) = self.streams.get(&stream) else { return };
        let Some(author) = self.calls.get(&id).map(|call| author(call, side)) else { return };
        if side == Side::Caller {
            // Whoever writes is there, as whoever speaks.
            self.gives_sign(now, id, Sign::Text);
        }
        self.keep_writing(now, id, &author, text.reveal());
    }

    fn keep_writing(&mut self, now: Now, id: CallId, author: &Author, text: &str) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let was_full = call.writing.is_full();
        let done = call.writing.take(now, author, text);
        let full = call.writing.is_full() && !was_full;
        self.keep_lines(now, id, done);
        if full {
            let detail = format!("call {id} writes more than is kept; it goes on unrecorded");
            self.alarm(now, "text-too-long", detail);
        }
    }

    /// A writer has rested, or the call is over.
    pub(super) fn writers_rest(&mut self, now: Now, id: CallId, over: bool) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let done = call.writing.rest(now.moment, over);
        self.keep_lines(now, id, done);
    }

    fn keep_lines(&mut self, now: Now, id: CallId, done: Vec<Written>) {
        let Some(call) = self.calls.get(&id) else { return };
        // What a seat writes in a call of its own belongs to the emergency that it was in.
        let record = if call.trunk().is_some() { Some(id) } else { call.during };
        match call.writing.due() {
            Some(due) => self.deadlines.set(Timer::Writing(id), due),
            None => self.deadlines.clear(&Timer::Writing(id)),
        }
        let Some(call) = record else { return };
        for Written { author, at: began, text, .. } in done {
            let Author { by, name } = author;
            self.note(now, Fact::TextWritten { call, by, name, began, text });
        }
    }

    /// Somebody who reads has come: what was written so far is shown to them.
    pub(super) fn show_writing(&mut self, id: CallId, reader: StreamId) {
        let Some(call) = self.calls.get(&id) else { return };
        let lines: Vec<String> =
            call.writing.lines().iter().map(|line| line.text.reveal().clone()).collect();
        if lines.is_empty() {
            return;
        }
        let by = call.caller.media.as_ref().map_or(DESK, |media| media.stream);
        let mut text = lines.join(NEW_LINE.encode_utf8(&mut [0; 4]));
        if call.writing.lines().last().is_some_and(|line| !line.open) {
            text.push(NEW_LINE);
        }
        self.media(MediaOrder::Write { stream: reader, by, text: Private::new(text) });
    }

    /// Welcomes a caller who waits and reads, and who may hear nothing of what is announced.
    pub(super) fn greet_in_writing(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let queue = call.queue.as_ref().and_then(|queue| self.settings.announcements.get(queue));
        let text = queue.map(|queue| queue.welcome_text.clone()).unwrap_or_default();
        let (Ok(stream), false) = (can_write(call), text.is_empty()) else { return };
        let text = text + NEW_LINE.encode_utf8(&mut [0; 4]);
        let author = Author { by: Party::Gateway, name: String::new() };
        self.keep_writing(now, id, &author, &text);
        self.media(MediaOrder::Write { stream, by: DESK, text: Private::new(text) });
    }

    /// Says what those are called whose text others read, in a call that has any.
    pub(super) fn name_writers(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let media = |side| call.leg(side).and_then(|leg| leg.media.as_ref());
        let sides = call.sides();
        if !sides.iter().any(|side| media(*side).is_some_and(LegMedia::has_text)) {
            return;
        }
        let named = |side| Some((media(side)?.stream, shown_name(call, side)));
        let names: Vec<_> = sides.into_iter().filter_map(named).collect();
        for (stream, name) in names {
            self.media(MediaOrder::Name { stream, name: Private::new(name) });
        }
    }

    // ---- the desk ----------------------------------------------------------------------------

    /// What is written in a call.
    pub(super) fn read_text(&self, id: CallId) -> Result<Answer, Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::NoSuchCall(id))?;
        let can_write = can_write(call).is_ok();
        Ok(Answer::Text(TextView { lines: call.writing.lines(), can_write }))
    }

    /// An operator writes at the desk: to the caller, and to whoever else would hear the operator.
    pub(super) fn write_text(
        &mut self,
        now: Now,
        id: CallId,
        text: &Private<String>,
        by: String,
    ) -> Result<(), Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::NoSuchCall(id))?;
        let caller = can_write(call)?;
        let talk = call.talk.as_ref().and_then(|talk| talk.leg.media.as_ref());
        let from = talk.map_or(DESK, |media| media.stream);
        let hears = |role: &Role| matches!(role, Role::Hear(whom) if whom.contains(&from));
        let others = call.roles.iter().filter(|(stream, role)| **stream != caller && hears(role));
        let readers: Vec<StreamId> =
            std::iter::once(caller).chain(others.map(|(stream, _)| *stream)).collect();
        for stream in readers.into_iter().chain(self.copies_of_the_desk(id)) {
            self.media(MediaOrder::Write { stream, by: from, text: text.clone() });
        }
        let author = Author { by: Party::Staff, name: by };
        self.keep_writing(now, id, &author, text.reveal());
        Ok(())
    }
}

/// The caller's stream, when it can be written to now.
fn can_write(call: &Call) -> Result<StreamId, Refusal> {
    let not_now = |why: &str| Err(Refusal::NotNow(why.to_owned()));
    if call.is_closing() {
        return not_now("the call is over");
    }
    if call.invite.is_some() && call.early.is_none() {
        return not_now("the caller has not been answered yet");
    }
    if call.private {
        return not_now("the operator talks in private");
    }
    let media = call.caller.media.as_ref();
    let text = media.and_then(LegMedia::aim).and_then(|aim| aim.text);
    match (media, text) {
        (Some(media), Some(text)) if text.send => Ok(media.stream),
        _ => not_now("the caller's telephone has no text"),
    }
}

/// What others who read are told that somebody is called: the caller and who was brought in by their
/// numbers, the operator by ours.
fn shown_name(call: &Call, side: Side) -> String {
    let Author { name, .. } = author(call, side);
    match side {
        Side::Caller if name.is_empty() => call.number.reveal().clone(),
        Side::Seat if call.seat(side).is_some() => "112".to_owned(),
        _ => name,
    }
}

fn author(call: &Call, side: Side) -> Author {
    let name = match side {
        Side::Caller => call.seat(side).map(ToString::to_string),
        Side::Seat => call.talk.as_ref().map(|talk| talk.with.to_string()),
        Side::Guest(party) => call.parties.get(&party).map(|it| it.who.to_string()),
    };
    Author { by: super::dialogs::party(side), name: name.unwrap_or_default() }
}
