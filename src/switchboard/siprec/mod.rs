//! Copies of a call's audio for outside recorders: we are the recording client of SIPREC (RFC 7866).
//!
//! A recorder is a trunk that `[recording] siprec` names; it is found, probed and logged in at like
//! any trunk. Each gets its own session for each recorded call: one line for the caller's voice, one
//! for everybody else's, and word of who takes part (RFC 7865). Whatever a recorder does, the call
//! never notices: a session that fails is begun again while the call lives, and people are told.

mod description;
mod metadata;
mod requests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::call::orders::{MediaOrder, Role};
use crate::call::table::Part;
use crate::call::writing::NEW_LINE;
use crate::call::{Call, Callee, Origin};
use crate::journal::Fact;
use crate::sip::dialog::DialogKey;
use crate::sip::{ClientId, Dialog, Flow, Method};
use crate::vocabulary::{CallId, Now, Party, Private, StreamId, TrunkId, WallTime};

use super::{Purpose, Switchboard, Timer};
use description::Ports;
use metadata::{Id, Person};

pub(super) use requests::Asked;

/// A session that failed is begun again after this, doubled up to sixteen times.
const AGAIN: Duration = Duration::from_secs(5);
/// Outside recorders of one call.
const RECORDERS: usize = 2;

/// One recorder's session for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CopyId {
    call: CallId,
    /// Which recorder, in the order of the configuration.
    at: u8,
}

/// Where a session stands.
#[derive(Debug)]
enum Stage {
    /// Waits for its next try.
    Between,
    /// Our INVITE has no final response.
    Inviting { client: ClientId, ways: VecDeque<Flow>, authorized: bool },
    /// The recorder takes the audio; at most one change of ours is without an answer.
    Up { dialog: Box<Dialog>, changing: bool },
}

/// A session's two streams: who is heard on each, as ordered.
#[derive(Debug)]
struct Track {
    stream: StreamId,
    port: u16,
    /// Its port for text, of a recorder that takes text.
    text: Option<u16>,
    hears: Vec<StreamId>,
}

#[derive(Debug)]
struct Copy {
    recorder: TrunkId,
    stage: Stage,
    tracks: Option<[Track; 2]>,
    /// Names the session in its SDP.
    session: u64,
    id: Id,
    group: Id,
    streams: [Id; 4],
    began: WallTime,
    people: Vec<Person>,
    /// Those of whom the recorder was told last.
    told: Vec<Person>,
    /// Tries in a row that failed.
    failures: u32,
}

impl Copy {
    fn ports(&self) -> Ports {
        let Some([one, two]) = &self.tracks else { return Ports::default() };
        let text = one.text.zip(two.text).map(|(one, two)| [one, two]);
        Ports { audio: [one.port, two.port], text }
    }

    /// Which of its streams have a line.
    fn lines(&self) -> &[Id] {
        let lines = if self.ports().text.is_some() { 4 } else { 2 };
        self.streams.get(..lines).unwrap_or(&self.streams)
    }
}

/// All sessions with outside recorders.
#[derive(Debug, Default)]
pub(super) struct Copies {
    by_id: BTreeMap<CopyId, Copy>,
    dialogs: HashMap<DialogKey, CopyId>,
    /// Calls of which it may have changed in this turn who takes part.
    touched: BTreeSet<CallId>,
}

impl Copies {
    /// How much is kept.
    pub fn len(&self) -> usize {
        self.by_id.len() + self.dialogs.len() + self.touched.len()
    }

    /// The session that a dialog belongs to.
    pub fn of(&self, key: &DialogKey) -> Option<CopyId> {
        self.dialogs.get(key).copied()
    }

    fn of_call(&self, call: CallId) -> Vec<CopyId> {
        let range = CopyId { call, at: 0 }..=CopyId { call, at: u8::MAX };
        self.by_id.range(range).map(|(id, _)| *id).collect()
    }

    /// It may have changed who takes part in a call.
    pub fn touch(&mut self, call: CallId) {
        if !self.of_call(call).is_empty() {
            self.touched.insert(call);
        }
    }
}

impl Switchboard {
    // ---- begin and end -----------------------------------------------------------------------

    /// The call's first audio: every outside recorder is to have it.
    pub(super) fn copies_begin(&mut self, now: Now, call: CallId) {
        if !self.copies.of_call(call).is_empty() {
            return;
        }
        let recorders = self.settings.recorders.clone();
        for (at, recorder) in (0u8..).zip(recorders.into_iter().take(RECORDERS)) {
            let mut number = || self.dice.number();
            let mut random = || Id::random(number(), number());
            let (id, group, streams) =
                (random(), random(), [random(), random(), random(), random()]);
            let copy = Copy {
                recorder,
                stage: Stage::Between,
                tracks: None,
                session: self.dice.number() >> 1,
                id,
                group,
                streams,
                began: now.wall,
                people: Vec::new(),
                told: Vec::new(),
                failures: 0,
            };
            let id = CopyId { call, at };
            self.copies.by_id.insert(id, copy);
            self.deadlines.set(Timer::Copy(id), now.moment);
        }
    }

    /// The call is over.
    pub(super) fn copies_end(&mut self, now: Now, call: CallId) {
        for id in self.copies.of_call(call) {
            self.deadlines.clear(&Timer::Copy(id));
            self.stop_copy(now, id);
            self.copies.by_id.remove(&id);
        }
        self.copies.touched.remove(&call);
    }

    /// Ends the session as it stands: the recorder is told, the ports go back.
    fn stop_copy(&mut self, now: Now, id: CopyId) {
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        let tracks = copy.tracks.take();
        match std::mem::replace(&mut copy.stage, Stage::Between) {
            Stage::Between => {}
            Stage::Inviting { client, .. } => {
                self.clients.insert(client, Purpose::Withdrawn);
                self.endpoint.cancel(now.moment, client, "");
            }
            Stage::Up { mut dialog, .. } => {
                if self.copies.dialogs.remove(dialog.key()).is_some() {
                    let bye = dialog.request(&Method::Bye);
                    self.send_bye(now, dialog.next_hop(), bye);
                }
            }
        }
        for track in tracks.into_iter().flatten() {
            self.media(MediaOrder::Close { stream: track.stream });
        }
    }

    /// What is due: the next try, another way, or a look whether the recorder is there.
    pub(super) fn copy_is_due(&mut self, now: Now, id: CopyId) {
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        match &mut copy.stage {
            Stage::Between => self.try_copy(now, id),
            Stage::Inviting { client, ways, .. } => {
                // A way that has not said a word is left, where there is another.
                if !ways.is_empty() && !self.endpoint.is_heard(*client) {
                    let (client, ways) = (*client, std::mem::take(ways));
                    self.clients.insert(client, Purpose::Withdrawn);
                    self.endpoint.cancel(now.moment, client, "");
                    self.invite_recorder(now, id, ways);
                }
            }
            Stage::Up { .. } => {
                if !self.tell_recorder(now, id) {
                    self.probe_recorder(now, id);
                }
            }
        }
    }

    fn try_copy(&mut self, now: Now, id: CopyId) {
        let Some(copy) = self.copies.by_id.get(&id) else { return };
        let ways: VecDeque<Flow> = self.trunk_hops(&copy.recorder).into();
        if ways.is_empty() {
            return self.copy_failed(now, id, "its trunk leads nowhere yet");
        }
        if copy.tracks.is_none() {
            // Callers come first.
            let ready = self.has_ports_to_spare();
            let text = self.trunk_audio(&copy.recorder).text;
            let tracks = ready.then(|| Some([self.track(text)?, self.track(text)?])).flatten();
            let Some(tracks) = tracks else {
                return self.copy_failed(now, id, "all audio ports are needed for callers");
            };
            if let Some(copy) = self.copies.by_id.get_mut(&id) {
                copy.tracks = Some(tracks);
            }
        }
        self.follow_people(now, id);
        self.invite_recorder(now, id, ways);
    }

    fn track(&mut self, text: bool) -> Option<Track> {
        let port = self.ports.take()?;
        let stream = self.stream_id();
        self.media(MediaOrder::Open { stream, port });
        let text = if text { self.ports.take() } else { None };
        if let Some(port) = text {
            self.media(MediaOrder::OpenText { stream, port });
        }
        Some(Track { stream, port, text, hears: Vec::new() })
    }

    /// The streams by which outside recorders read what is written at the desk of a call, which is of
    /// everybody but the caller.
    pub(super) fn copies_of_the_desk(&self, call: CallId) -> Vec<StreamId> {
        let copies = self.copies.of_call(call).into_iter();
        let tracks = copies.filter_map(|id| self.copies.by_id.get(&id)?.tracks.as_ref());
        tracks
            .filter(|[_, others]| others.text.is_some())
            .map(|[_, others]| others.stream)
            .collect()
    }

    /// A recorder that takes text is shown what was written before it came.
    fn show_recorder(&mut self, id: CopyId) {
        let Some(call) = self.calls.get(&id.call) else { return };
        let copy = self.copies.by_id.get(&id);
        let Some([caller, others]) = copy.and_then(|copy| copy.tracks.as_ref()) else { return };
        let lines = call.writing.lines().into_iter().map(|line| {
            let of_caller = line.author.by == Party::Caller;
            let mut text = line.text.reveal().clone();
            text.extend((!line.open).then_some(NEW_LINE));
            let stream = if of_caller { caller.stream } else { others.stream };
            (stream, text)
        });
        for (stream, text) in lines.collect::<Vec<_>>() {
            self.media(MediaOrder::Write { stream, by: StreamId(0), text: Private::new(text) });
        }
    }

    /// The session is not, or no more; it is begun again while the call lives.
    fn copy_failed(&mut self, now: Now, id: CopyId, why: &str) {
        self.stop_copy(now, id);
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        let again = AGAIN * (1 << copy.failures.min(4));
        copy.failures += 1;
        let (first, recorder) = (copy.failures == 1, copy.recorder.clone());
        self.deadlines.set(Timer::Copy(id), now.moment.after(again));
        let detail = format!("recorder {recorder} has no audio of call {}: {why}", id.call);
        self.alarm(now, "outside-recorder", detail);
        if first {
            let why = why.to_owned();
            self.note(now, Fact::CopyFailed { call: id.call, recorder, why });
        }
    }

    // ---- who takes part ----------------------------------------------------------------------

    /// The end of a turn: whoever came or went is heard, or is not, and the recorders are told.
    pub(super) fn copies_follow(&mut self, now: Now) {
        while let Some(call) = self.copies.touched.pop_first() {
            for id in self.copies.of_call(call) {
                self.follow_people(now, id);
                self.tell_recorder(now, id);
            }
        }
    }

    /// Lets each stream carry the voices that it is to carry now.
    fn follow_people(&mut self, now: Now, id: CopyId) {
        let Some(call) = self.calls.get(&id.call) else { return };
        let present = self.present(call);
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        for person in copy.people.iter_mut().filter(|person| person.left.is_none()) {
            let here = |p: &Present| p.aor == person.aor && p.track == person.stream;
            if !present.iter().any(here) {
                person.left = Some(now.wall);
            }
        }
        let mut roles = Vec::new();
        for (n, track) in copy.tracks.iter_mut().flatten().enumerate() {
            let of_track = present.iter().filter(|person| person.track == n);
            let voices: Vec<StreamId> = of_track.filter_map(|person| person.voice).collect();
            if track.hears != voices {
                roles.push((track.stream, Role::Hear(voices.as_slice().into())));
                track.hears = voices;
            }
        }
        for Present { aor, name, track, .. } in present {
            let mut known = copy.people.iter().filter(|person| person.left.is_none());
            if !known.any(|person| person.aor == aor && person.stream == track) {
                let id = Id::random(self.dice.number(), self.dice.number());
                let person = Person { id, aor, name, stream: track, joined: now.wall, left: None };
                copy.people.push(person);
            }
        }
        for (stream, role) in roles {
            self.media(MediaOrder::Role { stream, role });
        }
    }

    /// Who takes part in a call now.
    fn present(&self, call: &Call) -> Vec<Present> {
        let domain = &self.settings.sip.domain;
        let voice = |leg: &crate::call::Leg| leg.media.as_ref().map(|media| media.stream);
        let of_seat = |seat: &crate::vocabulary::SeatId| {
            let name = self.operator_of(seat).map(|operator| operator.to_string());
            (format!("sip:{seat}@{domain}"), name)
        };
        let of = |who: &Callee| match who {
            Callee::Seat(seat) => of_seat(seat),
            Callee::Number(number) => (number_uri(number, domain), None),
        };
        let (aor, name) = match &call.origin {
            Origin::Dialled(who) => of(who),
            Origin::Trunk(_) => {
                let name = call.name.as_ref().map(|name| name.reveal().clone());
                (number_uri(call.number.reveal(), domain), name)
            }
        };
        let mut present = vec![Present { aor, name, track: 0, voice: voice(&call.caller) }];
        if let Some(talk) = &call.talk {
            let (aor, name) = of(&talk.with);
            present.push(Present { aor, name, track: 1, voice: voice(&talk.leg) });
        }
        // Who only listens says nothing that could be recorded.
        for party in call.parties.values().filter(|party| party.part != Part::Listen) {
            let (aor, name) = of(&party.who);
            present.push(Present { aor, name, track: 1, voice: voice(&party.leg) });
        }
        present
    }
}

/// Somebody who takes part now.
struct Present {
    aor: String,
    name: Option<String>,
    track: usize,
    voice: Option<StreamId>,
}

/// Who has this number, as an address of record.
fn number_uri(number: &str, domain: &str) -> String {
    let digits = number.strip_prefix('+').unwrap_or(number);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("tel:{number}")
    } else if number.is_empty() {
        "sip:anonymous@anonymous.invalid".to_owned()
    } else {
        format!("sip:{}@{domain}", number.split('@').next().unwrap_or_default())
    }
}
