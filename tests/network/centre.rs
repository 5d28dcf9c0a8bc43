//! A switchboard at an address, with a journal and a media plane that answer at once, and the book
//! that is kept of its facts: what a record says must make sense.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

use bytes::Bytes;
use siaga112::call::orders::{MediaOrder, MediaReport, StreamCount};
use siaga112::journal::{Fact, OfferOutcome};
use siaga112::sip::Send;
use siaga112::sip::locate::Hop;
use siaga112::switchboard::orders::{Answer, Order};
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::switchboard::view::Board;
use siaga112::switchboard::{Input, Output, Switchboard};
use siaga112::vocabulary::{
    CallId, Cause, Dice, Ending, Now, OfferId, Party, SeatId, Stage, StreamId,
};

use super::wire::Arrival;

/// A centre under test.
pub struct Centre {
    pub address: SocketAddr,
    pub board: Switchboard,
    pub book: Book,
    pub sends: Vec<Send>,
    /// Open streams and their ports.
    pub streams: BTreeMap<StreamId, u16>,
    free: BTreeSet<u16>,
    shown: Option<Board>,
}

impl Centre {
    pub fn new(now: Now, settings: SwitchboardSettings, ports: u16, dice: Dice) -> Self {
        let address = settings.sip.listen[0].address;
        let mut centre = Self {
            address,
            board: Switchboard::new(now, settings, dice),
            book: Book::default(),
            sends: Vec::new(),
            streams: BTreeMap::new(),
            free: (0..ports).map(|n| 20_000 + 2 * n).collect(),
            shown: None,
        };
        let ports = centre.free.iter().copied().collect();
        centre.take(now, Input::Media(MediaReport::PortsReady(ports)));
        centre
    }

    pub fn hear(&mut self, now: Now, arrival: Arrival) {
        let input = match arrival {
            Arrival::Bytes(flow, bytes) => Input::Sip { flow, bytes },
            Arrival::Closed(flow) => Input::Disconnected { flow },
        };
        self.take(now, input);
    }

    pub fn tick(&mut self, now: Now) {
        self.board.tick(now);
        self.drain(now);
    }

    pub fn take(&mut self, now: Now, input: Input) {
        self.board.handle(now, input);
        self.drain(now);
    }

    pub fn look(&mut self, now: Now) -> Board {
        self.take(now, Input::Order { number: 1, order: Order::Board });
        self.shown.take().expect("a board")
    }

    fn drain(&mut self, now: Now) {
        let mut inputs = Vec::new();
        while let Some(output) = self.board.poll_output() {
            match output {
                Output::Send(send) => self.sends.push(send),
                Output::Journal { ticket, entry } => {
                    self.book.keep(&entry.fact);
                    inputs.push(Input::Durable { ticket });
                }
                Output::Media(order) => self.obey(&order, &mut inputs),
                Output::Answer { answer: Ok(Answer::Board(board)), .. } => {
                    self.shown = Some(*board)
                }
                Output::Answer { .. }
                | Output::Dereference { .. }
                | Output::Vouch { .. }
                | Output::FetchData { .. }
                | Output::Drained => {}
                Output::Locate { trunk, target } => {
                    let hop = Hop {
                        transport: target.usual_transport(),
                        address: target.host_port().parse().expect("an address and a port"),
                        name: target.host.as_str().into(),
                    };
                    let good_for = std::time::Duration::from_secs(3600);
                    inputs.push(Input::Located { trunk, hops: vec![hop], wrong: None, good_for });
                }
            }
        }
        for input in inputs {
            self.take(now, input);
        }
    }

    fn obey(&mut self, order: &MediaOrder, inputs: &mut Vec<Input>) {
        match *order {
            MediaOrder::Open { stream, port } => {
                assert!(self.free.remove(&port), "port {port} is leased twice");
                assert!(self.streams.insert(stream, port).is_none(), "{stream:?} is opened twice");
            }
            MediaOrder::Close { stream } => {
                // Said once more at the end of the call, and answered once more.
                let count = StreamCount { received: 50, sent: 50, lost: 0 };
                inputs.push(Input::Media(MediaReport::Closed { stream, count }));
                if let Some(port) = self.streams.remove(&stream) {
                    self.free.insert(port);
                    inputs.push(Input::Media(MediaReport::PortsReady(vec![port])));
                }
            }
            _ => {}
        }
    }
}

/// What the journal says of one call.
#[derive(Debug, Default)]
struct Record {
    of_seat: bool,
    offers: BTreeSet<OfferId>,
    calling: bool,
    answered: bool,
    /// The caller has our 200, from a seat or before one is there.
    heard: bool,
    talked: bool,
    held: BTreeSet<String>,
    ended: Option<Ending>,
    told: Vec<String>,
}

/// The facts of every call.
#[derive(Debug, Default)]
pub struct Book {
    records: HashMap<CallId, Record>,
    ringing: BTreeMap<OfferId, SeatId>,
    /// Calls are forgotten when they have ended.
    pub forgets: bool,
    /// Calls that have ended.
    pub ended: u64,
    /// Of these, talked.
    pub talked: u64,
    /// Endings by stage, party and cause, and other facts by their kind.
    pub seen: BTreeMap<String, u64>,
}

impl Book {
    fn keep(&mut self, fact: &Fact) {
        match fact {
            Fact::Arrived { call, .. } => self.begin(*call, false),
            Fact::SeatDialled { call, .. } => self.begin(*call, true),
            Fact::SeatCallEnded { call, ending, .. } => self.end(*call, *ending, true),
            Fact::Ended { call, ending, .. } => self.end(*call, *ending, false),
            Fact::Alarm { name, detail } => assert_ne!(name, "internal-fault", "{detail}"),
            _ => {
                if let Some(call) = fact.call() {
                    self.tell(call, fact);
                }
            }
        }
    }

    fn begin(&mut self, call: CallId, of_seat: bool) {
        let new = Record { of_seat, ..Record::default() };
        assert!(self.records.insert(call, new).is_none(), "{call} begins twice");
    }

    fn tell(&mut self, call: CallId, fact: &Fact) {
        let Some(record) = self.records.get_mut(&call) else {
            assert!(self.forgets, "{fact:?} of no call");
            return;
        };
        let after = matches!(
            fact,
            Fact::Signalled { .. }
                | Fact::RecordingStarted { .. }
                | Fact::RecordingSealed { .. }
                | Fact::WorkOpened { .. }
        );
        assert!(record.ended.is_none() || after, "{fact:?} after the end: {record:#?}");
        if !after && !self.forgets {
            record.told.push(format!("{fact:?}"));
            *self.seen.entry(kind(fact)).or_default() += 1;
        }
        match fact {
            Fact::Offered { offer, seat, .. } => {
                assert!(!self.ringing.values().any(|s| s == seat), "{seat} has two offers");
                assert!(record.offers.insert(*offer), "{record:#?}");
                self.ringing.insert(*offer, seat.clone());
            }
            Fact::OfferEnded { offer, seat, outcome, .. } => {
                assert!(record.offers.remove(offer), "ends without beginning: {record:#?}");
                assert_eq!(self.ringing.remove(offer).as_ref(), Some(seat));
                record.answered = *outcome == OfferOutcome::Answered;
            }
            Fact::Answered { .. } => {
                assert!(record.answered, "answered without an offer: {record:#?}");
                record.talked = true;
            }
            Fact::CallerAnswered { .. } | Fact::TestAnswered { .. } => record.heard = true,
            Fact::CalledOut { .. } => {
                assert!(!std::mem::replace(&mut record.calling, true), "{record:#?}");
            }
            Fact::CallOutEnded { status, .. } => {
                let begun = std::mem::replace(&mut record.calling, false) || record.of_seat;
                assert!(begun, "nobody was called: {record:#?}");
                record.talked |= *status == 200;
            }
            Fact::Held { by, .. } => {
                let answered = record.talked || record.heard;
                assert!(answered, "held before an answer: {record:#?}");
                assert!(record.held.insert(format!("{by:?}")), "held twice: {record:#?}");
            }
            Fact::Resumed { by, .. } => {
                assert!(record.held.remove(&format!("{by:?}")), "resumed unheld: {record:#?}");
            }
            _ => {}
        }
    }

    fn end(&mut self, call: CallId, ending: Ending, of_seat: bool) {
        let Some(record) = self.records.get_mut(&call) else { panic!("{call} ends unborn") };
        assert_eq!(record.of_seat, of_seat);
        assert_eq!(record.ended.replace(ending), None, "{call} ends twice: {record:#?}");
        assert!(record.offers.is_empty(), "an offer outlives its call: {record:#?}");
        assert!(!record.calling, "a call out outlives its call: {record:#?}");
        let talking = ending.stage == Stage::Talking;
        assert!(!talking || record.talked, "{record:#?}");
        let sensible = match ending.cause {
            Cause::HungUp if ending.by == Party::Seat => talking,
            Cause::Cancelled => ending.by == Party::Caller || of_seat,
            Cause::HungUp | Cause::NoAck | Cause::DialogLost | Cause::Transferred => true,
            Cause::TestOver => ending.stage == Stage::Test,
            Cause::NotReached => of_seat,
            _ => false,
        };
        assert!(sensible, "{record:#?}");
        self.ended += 1;
        self.talked += u64::from(record.talked);
        let words = format!("{:?} {:?} {:?}", ending.stage, ending.by, ending.cause);
        *self.seen.entry(words).or_default() += 1;
        if self.forgets {
            self.records.remove(&call);
        }
    }

    /// Nothing is open.
    pub fn is_closed(&self) {
        for (call, record) in &self.records {
            assert!(record.ended.is_some(), "{call} never ended: {record:#?}");
        }
        assert!(self.ringing.is_empty(), "{:?}", self.ringing);
    }
}

/// A fact's name, and how it went where that matters.
fn kind(fact: &Fact) -> String {
    match fact {
        Fact::OfferEnded { outcome, .. } => format!("OfferEnded {outcome:?}"),
        Fact::CallOutEnded { status, .. } => format!("CallOutEnded {status}"),
        _ => format!("{fact:?}").split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// The Call-ID and the method of a message, without reading the rest.
pub fn named(bytes: &Bytes) -> (String, String) {
    let text = String::from_utf8_lossy(bytes);
    let value = |mark: &str| {
        let rest = text.split_once(mark).map_or("", |(_, rest)| rest);
        rest.split("\r\n").next().unwrap_or_default().to_owned()
    };
    (value("\r\nCall-ID: "), text.split(' ').next().unwrap_or_default().to_owned())
}
