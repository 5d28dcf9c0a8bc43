//! Owns the pure rooms: one door in, one queue out, one deadline.
//!
//! `handle(now, input)` takes one thing that happened; `poll_output()` is drained until it is
//! empty; `poll_timeout()` says when `tick(now)` is due. The same seed and the same inputs give the
//! same outputs. It never reads a clock, waits, or touches a socket or a file.
//!
//! Read in the order a call meets it: `inbound` (a new INVITE), `screening` (what is known beside it),
//! `waiting_room` (what the caller hears and lets us hear), `connect` (a seat rings and answers),
//! `dialogs` (what comes within a call), `endings`. What people order is in `people`, who is called back
//! in `work` and `callback`.

mod alerts;
mod beside;
mod board;
mod callback;
mod calling;
mod chains;
mod connect;
mod departed;
mod durable;
mod dialogs;
mod endings;
mod flows;
mod inbound;
mod input;
mod lines;
mod keys;
mod ladder;
mod left;
mod legs;
mod liveness;
mod logins;
pub mod orders;
mod output;
mod parties;
mod people;
mod provisional;
mod quality;
mod recording;
mod replaces;
mod screening;
mod seat_call;
mod seat_invite;
mod refresh;
pub mod plan;
pub mod settings;
mod siprec;
mod succession;
mod table;
mod test_call;
mod transfer;
pub mod view;
mod waiting_room;
mod whereabouts;
mod work;
mod writing;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::acd::{self, Distributor, SeatState};
use crate::call::orders::{MediaOrder, MediaReport};
use crate::call::{Call, Callee, Errand, PartyId, PortBook, Side};
use crate::callout::Chains;
use crate::journal::{Entry, Fact};
use crate::screening::{Marks, MassWatch, Recent, WorkList};
use crate::sip::dialog::DialogKey;
use crate::sip::guesses::Guesses;
use crate::sip::registrar::Registrar;
use crate::sip::reliable::{EarlyDialogs, Reliable};
use crate::sip::{ClientId, Endpoint, Event, Flow, Request, ServerId};
use crate::trunk::line::Ask;
use crate::trunk::settings::TrunkSettings;
use crate::trunk::{SoundWatch, Trunks};
use crate::vocabulary::{
    CallId, Deadlines, Dice, Moment, Now, OfferId, Skill, StreamId, TrunkId, limits,
};

pub use input::{CutOff, Input, Recall};
use ladder::Ladder;
use lines::{LineId, Lines};
pub use output::Output;
use settings::SwitchboardSettings;

/// Everything with a deadline of its own, beside transactions and offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The journal is too slow: go on without it (`limits::JOURNAL_WAIT`).
    Journal(CallId),
    /// The journal is too slow for an alert of this ticket.
    Alert(u64),
    /// Tell the trunk again that it rings (`limits::KEEP_RINGING`).
    KeepRinging(CallId),
    /// Answer the caller without a seat (the queue's answer mode).
    Answer(CallId),
    /// Ask both sides whether they are there (`limits::PROBE_EVERY`).
    Probe(CallId),
    /// Whoever is called beside the queues has rung long enough (`limits::CALL_OUT_RINGS`).
    CallOut(CallId),
    /// The way out that is tried may be dead (`limits::CALL_OUT_SILENCE`).
    Silence(CallId),
    /// A caller who waits hears something next, or is listened to no more.
    Guest(CallId),
    /// Whoever is to be brought in has rung long enough (`limits::CALL_OUT_RINGS`).
    Join(CallId, PartyId),
    /// Somebody who writes has rested.
    Writing(CallId),
    /// The caller has been put aside for long.
    Aside(CallId),
    /// The seat that calls back has rung long enough.
    CallBack(CallId),
    /// The test call has lasted long enough (`limits::TEST_CALL`).
    TestOver(CallId),
    /// An outside recorder is tried again, or asked whether it is there.
    Copy(siprec::CopyId),
    /// The media plane did not say that the streams are closed.
    Closing(CallId),
    /// No further message of a call that is over can come.
    Ladder(CallId),
}

/// What a request of ours was for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// Rings a seat's phone.
    Ring { call: CallId, offer: OfferId },
    /// Calls somebody beside the queues.
    CallOut { call: CallId },
    /// Rings the seat that calls back.
    CallBack { call: CallId },
    /// Calls somebody who is to be brought in.
    Join { call: CallId, party: PartyId },
    /// Tells a seat how its transfer goes.
    Notify { call: CallId },
    /// Was cancelled; a 2xx that crosses is acknowledged and ended.
    Withdrawn,
    /// Keeps a session alive; or asks a dialog whose peer denies it, and no answer ends that.
    Refresh { verify: bool },
    /// Asks whether the peer of an answered dialog is still there.
    Probe,
    /// Is about the session with an outside recorder.
    Copy { id: siprec::CopyId, asked: siprec::Asked },
    /// Registers at a trunk's carrier, or asks whether it is there.
    Line { line: LineId, ask: Ask },
}

/// What one trunk did since the start.
#[derive(Clone, Copy, Debug, Default)]
struct TrunkCount {
    calls: u64,
    last_heard: Option<Moment>,
    /// A message that could not be read was kept then.
    malformed: Option<Moment>,
}

/// The switchboard.
#[derive(Debug)]
pub struct Switchboard {
    settings: SwitchboardSettings,
    trunks: Trunks,
    /// The outgoing side of the trunks.
    lines: Lines,
    endpoint: Endpoint,
    registrar: Registrar,
    guesses: Guesses,
    acd: Distributor,
    ports: PortBook,
    dice: Dice,
    /// In boxes: a map that grows at its end leaves half of each node empty.
    calls: BTreeMap<CallId, Box<Call>>,
    /// Seats that ring to call back; their calls are born when they answer.
    presses: BTreeMap<CallId, callback::Press>,
    invites: HashMap<ServerId, (CallId, Side)>,
    clients: HashMap<ClientId, Purpose>,
    dialogs: HashMap<DialogKey, (CallId, Side)>,
    sessions: refresh::Sessions,
    departed: departed::Departed,
    reliable: Reliable,
    early: EarlyDialogs,
    streams: HashMap<StreamId, (CallId, Side)>,
    /// Names that the peers of connections have proved.
    certificates: HashMap<Flow, Vec<String>>,
    /// BYEs that wait for the ACK of our 200, by the INVITE that it answered.
    partings: HashMap<ServerId, (Flow, Request)>,
    ladder: Ladder,
    arriving: BTreeMap<u64, CallId>,
    alerts: alerts::Alerts,
    /// Callers whose answer by the queue's mode waits for ports.
    unanswered: BTreeSet<CallId>,
    deadlines: Deadlines<Timer>,
    outputs: VecDeque<Output>,
    trunk_counts: BTreeMap<TrunkId, TrunkCount>,
    /// Callers who wait and hear us.
    guests: BTreeMap<CallId, waiting_room::Guest>,
    /// Those of them who are listened to.
    listened: BTreeSet<CallId>,
    /// Skills that any seat has.
    skills: BTreeSet<Skill>,
    /// Numbers that people have marked.
    marks: Marks,
    /// Where many different people call from.
    mass: MassWatch,
    /// The calls of the last hour by number.
    recent: Recent,
    /// How the carriers' calls sound.
    sound: SoundWatch,
    /// Who is called out.
    chains: Chains,
    /// Sessions with outside recorders.
    copies: siprec::Copies,
    /// Who is to be called back.
    work: WorkList,
    /// Where callers are.
    places: whereabouts::Places,
    /// When each kind of alarm was last told, and how many were kept silent since.
    alarms: BTreeMap<&'static str, (Option<Moment>, u64)>,
    next_stream: u64,
    next_ticket: u64,
    unknown_source: u64,
    malformed: u64,
    orphans: u64,
    refused_logins: u64,
    /// The disk is too slow for calls to wait for it, and this was said.
    journal_slow: bool,
    draining: bool,
    drained: bool,
}

impl Switchboard {
    /// A switchboard with no calls.
    #[must_use]
    pub fn new(now: Now, settings: SwitchboardSettings, mut dice: Dice) -> Self {
        let sip = &settings.sip;
        let registrar = Registrar::new(sip, &mut dice);
        let mut acd = Distributor::new(now.moment, &settings.queues, &settings.seats);
        // No ports yet: no offer could be carried out.
        acd.handle(now.moment, acd::Input::Gate { room: 0 });
        let mut switchboard = Self {
            trunks: Trunks::new(settings.trunks.clone()),
            lines: Lines::default(),
            endpoint: Endpoint::new(
                sip.timers,
                &sip.user_agent,
                sip.external_address,
                settings.media_address,
            )
            .listening(&sip.listen),
            registrar,
            guesses: Guesses::default(),
            acd,
            ports: PortBook::default(),
            dice,
            calls: BTreeMap::new(),
            presses: BTreeMap::new(),
            invites: HashMap::new(),
            clients: HashMap::new(),
            dialogs: HashMap::new(),
            sessions: refresh::Sessions::default(),
            departed: departed::Departed::default(),
            reliable: Reliable::default(),
            early: EarlyDialogs::default(),
            streams: HashMap::new(),
            certificates: HashMap::new(),
            partings: HashMap::new(),
            ladder: Ladder::default(),
            arriving: BTreeMap::new(),
            alerts: alerts::Alerts::default(),
            unanswered: BTreeSet::new(),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
            trunk_counts: BTreeMap::new(),
            guests: BTreeMap::new(),
            listened: BTreeSet::new(),
            skills: BTreeSet::new(),
            marks: Marks::default(),
            mass: MassWatch::default(),
            recent: Recent::default(),
            sound: SoundWatch::default(),
            chains: Chains::default(),
            copies: siprec::Copies::default(),
            work: WorkList::default(),
            places: whereabouts::Places::default(),
            alarms: BTreeMap::new(),
            next_stream: 0,
            next_ticket: 0,
            unknown_source: 0,
            malformed: 0,
            orphans: 0,
            refused_logins: 0,
            journal_slow: false,
            draining: false,
            drained: false,
            settings,
        };
        switchboard.skills = switchboard.all_skills();
        switchboard.adopt_lines(now);
        switchboard.run_lines(now);
        switchboard.send_and_keep(now);
        switchboard
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Sip { flow, bytes } => {
                self.ladder.heard(flow, &bytes);
                self.endpoint.receive(now.moment, flow, &bytes);
            }
            Input::Connected { flow, names } => {
                self.certificates.insert(flow, names);
            }
            Input::Disconnected { flow } => {
                self.flow_lost(now, &flow);
            }
            Input::Media(report) => self.media_reports(now, report),
            Input::Recorder(report) => self.recorder_reports(now, report),
            Input::Durable { ticket } => self.journal_reports(now, ticket),
            Input::Order { number, order } => {
                let answer = self.obey(now, order);
                self.outputs.push_back(Output::Answer { number, answer });
            }
            Input::Adopt { settings, digest, by } => self.adopt(now, *settings, digest, by),
            Input::Located { trunk, hops, wrong, good_for } => {
                self.located(now, &trunk, &hops, wrong, good_for);
            }
            Input::Recall(recall) => self.recalled(now, *recall),
            Input::LocationReport { call, report } => drop(self.report(now, Some(call), *report)),
            Input::Vouched { call, passports } => self.vouched(now, call, passports),
            Input::DataFetched(came) => self.data_fetched(now, *came),
            Input::CellsLearnt(learnt) => self.places.learnt = *learnt,
            Input::Drain => {
                self.draining = true;
                self.leave_lines(now);
            }
            Input::Shutdown => self.shut_down(now),
        }
        self.run(now);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Now) {
        self.endpoint.tick(now.moment);
        self.registrar.tick(now.moment);
        self.acd.tick(now.moment);
        self.sessions_due(now);
        self.departed.tick(now.moment);
        self.provisionals_due(now);
        self.masses_due(now);
        self.chains_due(now);
        while let Some(timer) = self.deadlines.pop_due(now.moment) {
            match timer {
                Timer::Journal(call) => self.journal_is_slow(now, call),
                Timer::Alert(ticket) => self.alert_is_slow(now, ticket),
                Timer::KeepRinging(call) => self.keep_ringing(now, call),
                Timer::Answer(call) => self.answer_by_mode(now, call),
                Timer::Probe(call) => self.probe(now, call),
                Timer::CallOut(call) => self.call_out_is_over(now, call),
                Timer::Silence(call) => self.way_is_silent(now, call),
                Timer::Guest(call) => self.guest_is_due(now, call),
                Timer::Join(call, party) => self.join_rings_out(now, call, party),
                Timer::Writing(call) => self.writers_rest(now, call, false),
                Timer::Aside(call) => self.aside_for_long(now, call),
                Timer::CallBack(call) => self.drop_press(now, call),
                Timer::TestOver(call) => self.test_is_over(now, call),
                Timer::Copy(id) => self.copy_is_due(now, id),
                Timer::Closing(call) => self.close(now, call),
                Timer::Ladder(call) => self.unfollow(call),
            }
        }
        self.tick_lines(now);
        self.run(now);
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Switchboard::tick`] is due; none when nothing lives.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        [
            self.endpoint.poll_timeout(),
            self.registrar.poll_timeout(),
            self.acd.poll_timeout(),
            self.sessions.next(),
            self.departed.next(),
            self.reliable.next(),
            self.deadlines.next(),
            self.lines.poll_timeout(),
            self.mass.poll_timeout(),
            self.chains.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How many things are kept because something still lives: 0 when every call is over and every
    /// transaction has run out. For tests; whatever stays is a leak.
    #[doc(hidden)]
    #[must_use]
    pub fn live(&self) -> usize {
        self.calls.len()
            + self.presses.len()
            + self.invites.len()
            + self.clients.len()
            + self.dialogs.len()
            + self.sessions.len()
            + self.departed.len()
            + self.reliable.len()
            + self.early.len()
            + self.streams.len()
            + self.partings.len()
            + self.ladder.len()
            + self.arriving.len()
            + self.alerts.len()
            + self.unanswered.len()
            + self.guests.len()
            + self.listened.len()
            + self.copies.len()
            + self.chains.live()
            + self.deadlines.len()
            + self.acd.live()
            + self.endpoint.transactions()
    }

    /// An internal fault ended a turn. The calls stay as they are; the fault is counted and told.
    pub fn note_fault(&mut self, now: Now, what: &str) {
        self.orphans += 1;
        self.alarm(now, "internal-fault", what.to_owned());
    }

    /// Carries what one room said to the next, until all have been heard.
    fn run(&mut self, now: Now) {
        loop {
            if let Some(event) = self.endpoint.poll_event() {
                self.sip_event(now, event);
            } else if let Some(output) = self.acd.poll_output() {
                self.acd_output(now, output);
            } else {
                let changes = self.registrar.take_changes();
                if changes.is_empty() {
                    break;
                }
                for change in changes {
                    let (seat, reachable, lost) = (change.seat, change.reachable, change.lost);
                    let input = acd::Input::Reachable { seat, reachable, lost };
                    self.acd.handle(now.moment, input);
                }
            }
        }
        self.copies_follow(now);
        self.run_lines(now);
        self.send_and_keep(now);
        let over = self.calls.is_empty() && self.presses.is_empty() && self.partings.is_empty();
        let over = over && self.lines.are_gone();
        if self.draining && !self.drained && over {
            self.drained = true;
            self.outputs.push_back(Output::Drained);
        }
    }

    fn sip_event(&mut self, now: Now, event: Event) {
        match event {
            Event::Request { server, flow, request, oddities } => {
                self.request(now, server, flow, &request, &oddities);
            }
            Event::Unreadable { flow, request, code } => {
                self.unreadable(now, flow, &request, code);
            }
            Event::Cancelled { server, cancel } => self.cancelled(now, server, &cancel),
            Event::Acked { server, ack } => self.acked(now, server, &ack),
            Event::Unacked { server } => self.unacked(now, server),
            Event::Response { client, flow, response, request } => {
                self.response(now, client, flow, &request, &response);
            }
            Event::Timeout { client, request } => match self.clients.get(&client).copied() {
                Some(Purpose::Refresh { verify }) => {
                    self.refreshed(now, client, verify, &request, None);
                }
                Some(Purpose::Probe) => self.probed(now, client, &request, 408),
                Some(Purpose::CallOut { call }) => {
                    self.early.forget(client);
                    self.called_fails(now, call, client, 408);
                }
                Some(Purpose::CallBack { call }) => {
                    self.early.forget(client);
                    self.press_fails(now, call, client, 408);
                }
                Some(Purpose::Join { call, party }) => {
                    self.early.forget(client);
                    self.join_fails(now, (call, party), client, 408);
                }
                Some(Purpose::Notify { call }) => self.notified(client, call, 408),
                Some(Purpose::Copy { id, asked }) => {
                    self.early.forget(client);
                    self.recorder_says(now, client, (id, asked), &request, Err(408));
                }
                Some(Purpose::Line { line, ask }) => self.line_failed(now, client, (line, ask)),
                _ => {
                    self.early.forget(client);
                    self.ring_failed(now, client, 408);
                }
            },
            Event::Over { client } => {
                self.early.forget(client);
                self.clients.remove(&client);
            }
            Event::Stun { flow, binding } if self.is_known(&flow) => {
                self.endpoint.answer_stun(flow, &binding);
            }
            Event::Stun { .. } => self.unknown_source += 1,
            Event::Junk { flow, why, bytes } => self.junk(now, flow, why, &bytes),
        }
    }

    fn acd_output(&mut self, now: Now, output: acd::Output) {
        match output {
            acd::Output::Offer { offer, call, seat, operator } => {
                self.ring(now, call, offer, &seat, operator);
            }
            acd::Output::Withdraw { offer, call, why, .. } => {
                self.stop_ringing(now, call, offer, why);
            }
            acd::Output::SetAside { seat, misses } => {
                let detail = format!("{seat} missed {misses} calls in a row");
                self.alarm(now, "seat-set-aside", detail);
            }
            acd::Output::Overflowed { call, to, why } => {
                let to = match to {
                    acd::settings::Overflow::Queue(queue) => format!("queue:{queue}"),
                    acd::settings::Overflow::Number(number) => {
                        // Each step has its time: who has not answered until the next one will not.
                        let errand = |c: &Call| c.calling.as_ref().map(|c| c.errand.clone());
                        if self.calls.get(&call).and_then(|call| errand(call))
                            == Some(Errand::Overflow)
                        {
                            self.stop_calling(now, call, 480);
                        }
                        let peer = Callee::Number(calling::dialable(&number));
                        if let Err(code) = self.call_out(now, call, (peer, None), Errand::Overflow)
                        {
                            let detail = format!("call {call}: {code}; ring {number} by hand");
                            self.alarm(now, "overflow-to-number", detail);
                        }
                        number
                    }
                };
                let why = why.to_string();
                self.note(now, Fact::Overflowed { call, to, why });
            }
            acd::Output::SeatChanged { seat, from, state } => {
                // What a call did to a seat is told by the call's own entries; wrap-up counts as work.
                let of_its_own =
                    |s| matches!(s, SeatState::SignedOut | SeatState::Paused | SeatState::WrapUp);
                if of_its_own(from) || of_its_own(state) {
                    let state = state.word().to_owned();
                    self.note(now, Fact::SeatChanged { seat, state, by: String::new() });
                }
            }
        }
    }

    // ---- reports of the rim ------------------------------------------------------------------

    fn media_reports(&mut self, now: Now, report: MediaReport) {
        match report {
            MediaReport::PortsReady(ports) => {
                self.ports.add(ports);
                // An offer takes a port for the seat, and one for the caller who has none yet. The
                // media plane makes up for every port taken, so this is said again and again.
                let room = self.ports.len() / 2;
                self.acd.handle(now.moment, acd::Input::Gate { room });
                self.answer_the_unanswered(now);
            }
            MediaReport::Heard { .. } => {}
            MediaReport::Played { stream } => self.played(now, stream),
            MediaReport::Sound { stream, sound } => self.sounds(now, stream, sound),
            MediaReport::Quality { stream, quality } => self.heard_so(stream, quality),
            MediaReport::TextQuality { stream, quality } => self.carried(now, stream, quality),
            MediaReport::Stalled { stream, reports } => self.stalled(now, stream, reports),
            MediaReport::Flowing { stream } => self.flows(now, stream),
            MediaReport::Closed { stream, count } => self.stream_closed(now, stream, count),
            MediaReport::Text { stream, text } => self.writes(now, stream, &text),
            MediaReport::Secured { outcome: Ok(_), .. } => {}
            MediaReport::Secured { stream, outcome: Err(why) } => {
                self.alarm_of(now, Some(stream), "audio-not-secured", &why);
            }
            MediaReport::Fault { stream, why } => self.alarm_of(now, stream, "media-fault", &why),
            MediaReport::PortsExhausted { why } => self.alarm(now, "ports-exhausted", why),
        }
    }

    fn adopt(&mut self, now: Now, settings: SwitchboardSettings, digest: String, by: String) {
        self.trunks = Trunks::new(settings.trunks.clone());
        self.registrar.adopt(&settings.sip);
        // Nobody is offered anything between the new settings and the new rules.
        self.acd.handle(now.moment, acd::Input::Gate { room: 0 });
        self.acd.adopt(now.moment, &settings.queues, &settings.seats);
        self.settings = settings;
        self.skills = self.all_skills();
        self.route_again(now);
        self.acd.handle(now.moment, acd::Input::Gate { room: self.ports.len() / 2 });
        self.adopt_lines(now);
        self.note(now, Fact::ConfigAdopted { digest, by });
    }

    // ---- small words -------------------------------------------------------------------------

    /// Keeps a fact; returns its ticket.
    fn note(&mut self, now: Now, fact: Fact) -> u64 {
        self.note_at(now.wall, fact)
    }

    /// Keeps messages of a call. Nobody waits for them, so they have no ticket.
    fn note_ladder(&mut self, now: Now, fact: Fact) {
        let entry = Box::new(Entry { at: now.wall, fact });
        self.outputs.push_back(Output::Journal { ticket: 0, entry });
    }

    fn note_at(&mut self, at: crate::vocabulary::WallTime, fact: Fact) -> u64 {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        self.outputs.push_back(Output::Journal { ticket, entry: Box::new(Entry { at, fact }) });
        ticket
    }

    /// Tells a person, once a second at most for each kind: a storm of alarms helps nobody and
    /// fills the disk that it complains about.
    fn alarm(&mut self, now: Now, name: &'static str, mut detail: String) {
        let (told, silent) = self.alarms.entry(name).or_insert((None, 0));
        if told.is_some_and(|at| now.moment.since(at) < limits::ALARM_EVERY) {
            *silent += 1;
            return;
        }
        *told = Some(now.moment);
        let more = std::mem::take(silent);
        if more > 0 {
            detail.push_str(&format!(" (and {more} more since the last one)"));
        }
        tracing::warn!(alarm = name, detail, "alarm");
        self.note(now, Fact::Alarm { name: name.to_owned(), detail });
    }

    fn media(&mut self, order: MediaOrder) {
        if let MediaOrder::Role { stream, .. } | MediaOrder::Close { stream } = &order
            && let Some((call, _)) = self.streams.get(stream)
        {
            self.copies.touch(*call);
            self.calls.get_mut(call).into_iter().for_each(|call| call.ordered(&order));
        }
        if let MediaOrder::Aim { stream, .. } = &order {
            self.hint(*stream);
        }
        self.outputs.push_back(Output::Media(order));
    }

    fn stream_id(&mut self) -> StreamId {
        self.next_stream += 1;
        StreamId(self.next_stream)
    }

    /// Sends a request and remembers what it is for.
    fn send(&mut self, now: Now, flow: Flow, request: Request, purpose: Purpose) -> ClientId {
        let client = self.endpoint.send(now.moment, flow, request, &mut self.dice);
        self.clients.insert(client, purpose);
        client
    }

    fn contact(&self, flow: &Flow) -> String {
        format!("<sip:{}{}>", self.endpoint.own_address(flow), flow.transport.parameter())
    }

    /// The trunk that a connection or an address belongs to: what a certificate proves comes first.
    fn trunk_of(&self, flow: &Flow) -> Option<&TrunkSettings> {
        let names = self.certificates.get(flow);
        names
            .and_then(|names| self.trunks.by_certificate(names))
            .or_else(|| self.trunks.by_source(flow.remote.ip()))
            .or_else(|| self.trunk_of_line(&self.trunks, flow.remote.ip()))
    }

    fn refuse(&mut self, now: Now, server: ServerId, request: &Request, code: u16) {
        let tag = self.dice.token();
        self.endpoint.respond(now.moment, server, request.response(code, &tag));
    }
}
