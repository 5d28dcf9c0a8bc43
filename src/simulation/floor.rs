//! The floor of the centre: callers, seats and the real distributor, one event after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::callers::{Caller, Kind};
use super::profile::{Profile, ScreenWord};
use super::tally::Tally;
use crate::acd::settings::{Bounds, QueueSettings, SeatSettings};
use crate::acd::{Distributor, Input, Output, Ticket};
use crate::screening::settings::ScreeningSettings;
use crate::vocabulary::{CallId, Lane, Moment, OfferId, Uid, WallTime};

/// Priority of a usual call.
const USUAL: u8 = 5;
/// No bound, no overflow: longer than any wait.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// In which order callers are served, and whether they are asked for a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By arrival alone; nobody is asked for anything.
    Fifo,
    /// By arrival alone; silent callers are asked, and whoever leaves then is gone.
    FifoWithPrompts,
    /// As the gateway does: lanes, marks, prompts, and callers who ring again first.
    Lanes,
}

impl Order {
    /// The word of tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fifo => "plain FIFO",
            Self::FifoWithPrompts => "FIFO, prompts",
            Self::Lanes => "lanes",
        }
    }
}

/// Who serves: seats, and the queue as it is configured.
#[derive(Clone, Debug)]
pub struct Crew {
    /// How many seats.
    pub seats: u32,
    /// Their queue.
    pub queue: QueueSettings,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// Somebody rings, with so many tries left.
    Rings(Caller),
    /// Who can speak was heard, or the prompts are over: now a seat may ring.
    Enters(CallId),
    /// The prompts are over and nothing was heard.
    Asked(CallId),
    /// A seat answers.
    Answers(OfferId),
    /// Patience is at its end.
    Leaves(CallId),
    /// The talk is over.
    Ends(CallId),
}

#[derive(Clone, Copy, Debug)]
struct Live {
    caller: Caller,
    since: Moment,
    lane: Lane,
    priority: u8,
    /// It is in the queue, or was.
    entered: bool,
    talking: bool,
}

struct Floor<'p> {
    order: Order,
    profile: &'p Profile,
    queue: &'p QueueSettings,
    acd: Distributor,
    now: Moment,
    events: BTreeMap<(Moment, u64), Event>,
    next: u64,
    live: BTreeMap<CallId, Live>,
    offers: BTreeMap<OfferId, CallId>,
    /// Until when a number is marked.
    marks: BTreeMap<u32, Moment>,
    tally: Tally,
}

/// Lets `callers` ring and serves them. `progress` hears how many of them have rung, of how many.
pub fn run(
    profile: &Profile,
    crew: &Crew,
    callers: &[Caller],
    order: Order,
    mut progress: impl FnMut(usize, usize),
) -> Tally {
    let mut queue = QueueSettings { max_wait: NEVER, overflow: Vec::new(), ..crew.queue.clone() };
    if order != Order::Lanes {
        queue.bounds = Bounds { usual: NEVER, silent: NEVER, nuisance: NEVER };
    }
    let name = queue.id.as_str().to_owned();
    let seats: Vec<SeatSettings> =
        (1..=crew.seats).map(|n| SeatSettings::new(format!("seat-{n:04}"), &[&name])).collect();
    let now = Moment::default();
    let mut floor = Floor {
        order,
        profile,
        queue: &queue,
        acd: Distributor::new(now, std::slice::from_ref(&queue), &seats),
        now,
        events: BTreeMap::new(),
        next: 0,
        live: BTreeMap::new(),
        offers: BTreeMap::new(),
        marks: BTreeMap::new(),
        tally: Tally::default(),
    };
    for seat in seats {
        floor.say(Input::Reachable { seat: seat.id, reachable: true, lost: false });
    }
    for (done, caller) in callers.iter().enumerate() {
        floor.pass(caller.at);
        floor.rings(*caller);
        progress(done + 1, callers.len());
    }
    floor.pass(Moment::NEVER);
    let days = Duration::from_secs(u64::from(profile.days) * 86_400);
    let open = floor.now.since(Moment::default()).max(days);
    floor.tally.staffed = open.as_secs_f64() * f64::from(crew.seats);
    floor.tally
}

impl Floor<'_> {
    /// Lets everything happen that is due before `until`.
    fn pass(&mut self, until: Moment) {
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            // With nobody there and nobody to come, the distributor's own timers matter no more.
            let over = until == Moment::NEVER && event.is_none() && self.live.is_empty();
            let timer = self.acd.poll_timeout().filter(|_| !over);
            let Some(at) = [event, timer].into_iter().flatten().min() else { break };
            if at >= until {
                break;
            }
            self.now = at;
            if timer == Some(at) {
                self.acd.tick(at);
                self.hear();
            } else if let Some((_, event)) = self.events.pop_first() {
                self.happens(event);
            }
        }
        if until != Moment::NEVER {
            self.now = until;
        }
    }

    fn later(&mut self, span: Duration, event: Event) {
        self.next += 1;
        self.events.insert((self.now.after(span), self.next), event);
    }

    fn say(&mut self, input: Input) {
        self.acd.handle(self.now, input);
        self.hear();
    }

    fn hear(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            match output {
                Output::Offer { offer, call, .. } => {
                    self.offers.insert(offer, call);
                    if let Some(live) = self.live.get(&call) {
                        self.later(live.caller.ring, Event::Answers(offer));
                    }
                }
                Output::Withdraw { offer, .. } => {
                    self.offers.remove(&offer);
                }
                Output::Overflowed { .. }
                | Output::SeatChanged { .. }
                | Output::SetAside { .. } => {}
            }
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Rings(caller) => self.rings(caller),
            Event::Enters(call) => self.enters(call),
            Event::Asked(call) => self.asked(call),
            Event::Answers(offer) => self.answers(offer),
            Event::Leaves(call) => self.leaves(call, false),
            Event::Ends(call) => self.ends(call),
        }
    }

    fn rings(&mut self, caller: Caller) {
        self.next += 1;
        let wall = WallTime(i64::try_from(self.now.0).unwrap_or(i64::MAX));
        let call = CallId(Uid::new(wall, u32::try_from(self.next).unwrap_or(u32::MAX)));
        let marked = self.marks.get(&caller.number).is_some_and(|until| *until > self.now);
        let lane = if marked { Lane::Nuisance } else { Lane::Usual };
        let usual = ScreeningSettings::default();
        let returns = self.now > caller.at && caller.again < usual.returning_within && !marked;
        let first = returns && self.order == Order::Lanes;
        let priority = if first { usual.returning_priority } else { USUAL };
        let since = self.now;
        let live = Live { caller, since, lane, priority, entered: false, talking: false };
        self.live.insert(call, live);
        if let Some(patience) = caller.patience() {
            self.later(patience, Event::Leaves(call));
        }
        let screening = &self.profile.screening;
        let silent = matches!(caller.kind, Kind::Silent | Kind::Ghost);
        let asked = super::chance::span(screening.asked_seconds);
        let speaks = super::chance::span(screening.speaks_after_seconds);
        match (self.order, screening.screen) {
            (Order::Fifo, _) | (_, ScreenWord::Never) => self.enters(call),
            (_, ScreenWord::WhileWaiting) => {
                self.enters(call);
                if silent {
                    self.later(asked, Event::Asked(call));
                }
            }
            (_, ScreenWord::First) if silent => {
                self.later(asked, Event::Asked(call));
                self.later(asked, Event::Enters(call));
            }
            (_, ScreenWord::First) => self.later(speaks, Event::Enters(call)),
        }
    }

    fn ticket(&self, call: CallId, live: &Live) -> Ticket {
        let lane = if self.order == Order::Lanes { live.lane } else { Lane::Usual };
        Ticket { lane, ..Ticket::new(call, self.queue.id.as_str(), live.priority, live.since) }
    }

    fn enters(&mut self, call: CallId) {
        if let Some(live) = self.live.get_mut(&call) {
            live.entered = true;
            let live = *live;
            let ticket = self.ticket(call, &live);
            self.say(Input::Wait(ticket));
        }
    }

    fn asked(&mut self, call: CallId) {
        let Some(live) = self.live.get_mut(&call).filter(|live| !live.talking) else { return };
        if live.caller.leaves_when_asked {
            self.leaves(call, true);
        } else if !live.caller.gives_sign && live.lane == Lane::Usual {
            live.lane = Lane::Silent;
            let live = *live;
            if live.entered && self.order == Order::Lanes {
                let ticket = self.ticket(call, &live);
                self.say(Input::Change(ticket));
            }
        }
    }

    fn answers(&mut self, offer: OfferId) {
        let Some(call) = self.offers.remove(&offer) else { return };
        let Some(live) = self.live.get_mut(&call) else { return };
        live.talking = true;
        let Live { caller, since, lane, .. } = *live;
        self.tally.answered(caller.kind, lane, self.now.since(since));
        self.tally.busy += (caller.talk + self.queue.wrap_up).as_secs_f64();
        self.say(Input::Taken { offer });
        self.later(caller.talk, Event::Ends(call));
    }

    fn leaves(&mut self, call: CallId, asked: bool) {
        if self.live.get(&call).is_none_or(|live| live.talking) {
            return;
        }
        let Some(Live { caller, lane, since, .. }) = self.live.remove(&call) else { return };
        self.offers.retain(|_, offered| *offered != call);
        match asked {
            true => self.tally.left_when_asked(caller.kind, lane),
            false => self.tally.left(caller.kind, lane, self.now.since(since)),
        }
        match caller.tries.checked_sub(1).filter(|_| !asked) {
            Some(tries) => self.later(caller.again, Event::Rings(Caller { tries, ..caller })),
            None if caller.kind.is_real() => self.tally.never_reached += 1,
            None => {}
        }
        self.say(Input::Leave { call });
    }

    fn ends(&mut self, call: CallId) {
        let Some(live) = self.live.remove(&call) else { return };
        if live.caller.gets_marked {
            let hours = super::chance::span(self.profile.marks.hours * 3600.0);
            self.marks.insert(live.caller.number, self.now.after(hours));
        }
        self.say(Input::Leave { call });
    }
}
