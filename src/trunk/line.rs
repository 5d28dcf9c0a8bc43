//! The outgoing side of one trunk: where the carrier is, whether it is there, and our registration.
//!
//! A machine: what happened goes in, what is to be sent comes out, one deadline. Each trunk has its
//! own, and what befalls one never touches another. It never keeps a call from being tried: an
//! address that counts as dead is only tried last.

mod health;
mod registration;

use std::collections::VecDeque;
use std::sync::Arc;

pub use health::Health;
use health::is_alive;
use registration::{Answer, Registration};

use super::settings::LineSettings;
use crate::sip::locate::Target;
use crate::sip::{Flow, Method, Name, Request, Response, Uri};
use crate::vocabulary::{Deadlines, Dice, Moment, Now, limits};

/// One place of the carrier, as one of our listeners reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Our listener and the place.
    pub flow: Flow,
    /// The name that a certificate there must prove.
    pub name: Box<str>,
    /// What we call ourselves there, `host:port`.
    pub own: String,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineState {
    /// Located, and nobody has been asked yet.
    Unknown,
    /// Its name is being looked up for the first time.
    Locating,
    /// The first registration is on its way.
    Registering,
    /// All is well.
    Up,
    /// Calls can be made, but something is wrong.
    Degraded,
    /// Nothing answers, or no registration is to be had.
    Down,
}

impl LineState {
    /// The word for the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Locating => "locating",
            Self::Registering => "registering",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// What a request of the line is for; its number tells it from all others of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// REGISTER.
    Register(u64),
    /// OPTIONS.
    Probe(u64),
}

/// What the line wants.
#[derive(Debug, PartialEq, Eq)]
pub enum LineOutput {
    /// Find its places; [`Line::located`] takes them.
    Locate(Target),
    /// Send; [`Line::answered`] or [`Line::failed`] follows.
    Send {
        /// Which request it is.
        ask: Ask,
        /// Where.
        flow: Flow,
        /// What.
        request: Box<Request>,
    },
    /// The trunk went down; why.
    WentDown(String),
    /// It is back after it was down; after how many seconds.
    CameBack(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Look the name up again.
    Locate,
    /// Register or refresh.
    Register,
    /// The registration's time is over.
    Expire,
    /// No answer to the REGISTER of that number yet: the next place is tried.
    Unanswered(u64),
    /// Probe every place.
    Probe,
    /// No answer to the OPTIONS of that number.
    Unheard(u64),
    /// The carrier did not confirm that our contact is gone.
    Farewell,
}

/// A place and what is known of it.
#[derive(Debug)]
struct Place {
    way: Way,
    health: Health,
    /// The OPTIONS that is out, and when it went.
    asked: Option<(u64, Moment)>,
}

/// The line.
#[derive(Debug)]
pub struct Line {
    settings: Arc<LineSettings>,
    places: Vec<Place>,
    registration: Registration,
    /// The REGISTER that is out.
    registering: Option<(u64, Way)>,
    /// Places that have failed in this round.
    tried: Vec<Flow>,
    /// The name has been looked up once, with whatever result.
    looked_up: bool,
    /// Why the last look-up found nothing.
    not_found: String,
    leaving: bool,
    left: bool,
    state: LineState,
    since: Now,
    reason: String,
    down_since: Option<Moment>,
    next_number: u64,
    deadlines: Deadlines<Timer>,
    outputs: VecDeque<LineOutput>,
}

impl Line {
    /// A line that looks for its carrier at once.
    #[must_use]
    pub fn new(now: Now, settings: Arc<LineSettings>, dice: &mut Dice) -> Self {
        let mut line = Self {
            registration: Registration::new(dice),
            settings,
            places: Vec::new(),
            registering: None,
            tried: Vec::new(),
            looked_up: false,
            not_found: String::new(),
            leaving: false,
            left: false,
            state: LineState::Locating,
            since: now,
            reason: String::new(),
            down_since: None,
            next_number: 0,
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
        };
        line.locate(now);
        line
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &LineSettings {
        &self.settings
    }

    /// What it wants, in order.
    pub fn poll_output(&mut self) -> Option<LineOutput> {
        self.outputs.pop_front()
    }

    /// When [`Line::tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// Whether a place of the carrier has this address.
    #[must_use]
    pub fn is_at(&self, ip: std::net::IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.places.iter().any(|place| place.way.flow.remote.ip().to_canonical() == ip)
    }

    /// Whether nothing is left to be done: it was left, and the carrier knows or did not answer.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.leaving && self.left
    }

    /// Ways to send a call, best first: where we are registered, then in the order that the carrier
    /// wishes; those that count as dead come last.
    #[must_use]
    pub fn ways(&self) -> Vec<&Way> {
        let home = self.registration.granted.map(|(flow, _)| flow);
        let mut places: Vec<&Place> = self.places.iter().collect();
        places.sort_by_key(|place| (place.health.is_dead(), Some(place.way.flow) != home));
        places.into_iter().map(|place| &place.way).collect()
    }

    /// Where it stands, since when, and why where it is not well.
    #[must_use]
    pub fn state(&self) -> (LineState, Now, &str) {
        (self.state, self.since, &self.reason)
    }

    /// Until when our registration counts; none when there is none.
    #[must_use]
    pub fn registered_until(&self) -> Option<Moment> {
        self.registration.granted.map(|(_, until)| until)
    }

    /// Its places in the order that the carrier wishes.
    pub fn places(&self) -> impl Iterator<Item = (&Way, &Health)> {
        self.places.iter().map(|place| (&place.way, &place.health))
    }

    // ---- where it is -------------------------------------------------------------------------

    fn locate(&mut self, now: Now) {
        self.outputs.push_back(LineOutput::Locate(self.settings.target.clone()));
        // Asked again if the answer never comes.
        self.deadlines.set(Timer::Locate, now.moment.after(limits::LOCATE_USUAL));
    }

    /// The places were looked up: `good_for` by their TTL, or `wrong` says what could not be asked.
    /// Then the last known places stay; without any, half an answer is better than none.
    pub fn located(
        &mut self,
        now: Now,
        ways: Vec<Way>,
        wrong: Option<String>,
        good_for: std::time::Duration,
        dice: &mut Dice,
    ) {
        if self.leaving {
            return;
        }
        self.looked_up = true;
        let whole = !ways.is_empty() && wrong.is_none();
        let span = if whole { good_for } else { limits::LOCATE_LEAST };
        let span = span.clamp(limits::LOCATE_LEAST, limits::LOCATE_MOST);
        self.deadlines.set(Timer::Locate, now.moment.after(span));
        self.not_found = match wrong {
            Some(wrong) => wrong,
            None if whole => String::new(),
            None => format!("{} has no place that we can send to", self.settings.target.host),
        };
        if whole || (!ways.is_empty() && self.places.is_empty()) {
            self.move_to(now, ways, dice);
        }
        self.settle(now);
    }

    fn move_to(&mut self, now: Now, ways: Vec<Way>, dice: &mut Dice) {
        let first = self.places.is_empty();
        let mut before = std::mem::take(&mut self.places);
        let mut fresh = false;
        for way in ways.into_iter().take(limits::HOPS) {
            let known = before.iter().position(|place| place.way == way);
            let place = match known {
                Some(at) => before.remove(at),
                None => {
                    fresh = true;
                    Place { way, health: Health::default(), asked: None }
                }
            };
            self.places.push(place);
        }
        for (number, _) in before.into_iter().filter_map(|place| place.asked) {
            self.deadlines.clear(&Timer::Unheard(number));
        }
        if first && self.settings.probe.is_some() {
            self.probe(now, dice);
        }
        let home = self.registration.granted.map(|(flow, _)| flow);
        let moved = home.is_some_and(|flow| self.places.iter().all(|p| p.way.flow != flow));
        // A place that nobody knew may take what the others refused.
        let wanted = moved || (home.is_none() && fresh);
        if self.settings.register && self.registering.is_none() && wanted {
            self.register(now, dice);
        }
    }

    // ---- registration ------------------------------------------------------------------------

    /// Sends a REGISTER to the best place that has not failed in this round; a round that is over
    /// is followed by a rest.
    fn register(&mut self, now: Now, dice: &mut Dice) {
        let way = self.ways().into_iter().find(|way| !self.tried.contains(&way.flow)).cloned();
        match way {
            Some(way) => {
                let request = self.registration.request(&self.settings, &way, self.leaving);
                self.send_register(now, way, request);
            }
            None => self.rest(now, None, dice),
        }
    }

    fn send_register(&mut self, now: Now, way: Way, request: Request) {
        let number = self.number();
        self.deadlines.clear(&Timer::Register);
        self.deadlines.set(Timer::Unanswered(number), now.moment.after(limits::HOP_PATIENCE));
        let flow = way.flow;
        self.registering = Some((number, way));
        let (ask, request) = (Ask::Register(number), Box::new(request));
        self.outputs.push_back(LineOutput::Send { ask, flow, request });
    }

    fn rest(&mut self, now: Now, retry_after: Option<std::time::Duration>, dice: &mut Dice) {
        self.tried.clear();
        if self.leaving {
            self.left = true;
            return;
        }
        let wait = self.registration.back_off(retry_after, dice);
        self.deadlines.set(Timer::Register, now.moment.after(wait));
    }

    fn registered(
        &mut self,
        now: Now,
        way: &Way,
        request: &Request,
        response: &Response,
        dice: &mut Dice,
    ) {
        let registration = &mut self.registration;
        match registration.answered(now.moment, &self.settings, way, request, response, dice) {
            Answer::Granted { refresh } => {
                self.tried.clear();
                if self.leaving {
                    // The last refresh crossed our leaving.
                    return self.register(now, dice);
                }
                self.deadlines.set(Timer::Register, now.moment.after(refresh));
                if let Some((_, until)) = self.registration.granted {
                    self.deadlines.set(Timer::Expire, until);
                }
            }
            Answer::Removed => self.left = true,
            Answer::Again(request) => self.send_register(now, way.clone(), request),
            Answer::Elsewhere { why, retry_after } => {
                self.registration.why = why;
                self.try_next(now, way.flow, retry_after, dice);
            }
            Answer::Refused { why, retry_after } => {
                self.registration.why = why;
                self.rest(now, retry_after, dice);
            }
        }
    }

    fn try_next(
        &mut self,
        now: Now,
        failed: Flow,
        retry_after: Option<std::time::Duration>,
        dice: &mut Dice,
    ) {
        self.tried.push(failed);
        if self.leaving || self.places.iter().all(|place| self.tried.contains(&place.way.flow)) {
            self.rest(now, retry_after, dice);
        } else {
            self.register(now, dice);
        }
    }

    /// Takes our registration back and does nothing more; [`Line::is_gone`] when that is over.
    pub fn leave(&mut self, now: Now) {
        if std::mem::replace(&mut self.leaving, true) {
            return;
        }
        let deadlines = std::mem::take(&mut self.deadlines);
        self.outputs.retain(|output| !matches!(output, LineOutput::Locate(_)));
        self.tried.clear();
        // A REGISTER that is out may still be granted.
        let Some((flow, _)) = self.registration.granted else {
            self.left = self.registering.is_none();
            if !self.left {
                self.deadlines = deadlines;
                self.deadlines.set(Timer::Farewell, now.moment.after(limits::FAREWELL));
            }
            return self.settle(now);
        };
        self.registering = None;
        match self.places.iter().find(|place| place.way.flow == flow) {
            Some(place) => {
                let way = place.way.clone();
                let request = self.registration.request(&self.settings, &way, true);
                self.send_register(now, way, request);
                self.deadlines.set(Timer::Farewell, now.moment.after(limits::FAREWELL));
            }
            None => self.left = true,
        }
        self.settle(now);
    }

    // ---- probes ------------------------------------------------------------------------------

    fn probe(&mut self, now: Now, dice: &mut Dice) {
        let Some(every) = self.settings.probe else { return };
        self.deadlines.set(Timer::Probe, now.moment.after(every));
        let (own, to) =
            (registration::own_address(&self.settings), registration::registrar(&self.settings));
        let mut number = self.next_number;
        for place in self.places.iter_mut().filter(|place| place.asked.is_none()) {
            number += 1;
            place.asked = Some((number, now.moment));
            self.deadlines.set(Timer::Unheard(number), now.moment.after(limits::HOP_PATIENCE));
            let request = Request::new(Method::Options, Uri::read(&to))
                .with(Name::From, format!("<{own}>;tag={}", dice.token()))
                .with(Name::To, format!("<{to}>"))
                .with(Name::CallId, dice.token())
                .with(Name::CSeq, "1 OPTIONS")
                .with(
                    Name::Contact,
                    format!("<{}>", registration::contact(&self.settings, &place.way)),
                )
                .with(Name::Accept, "application/sdp");
            let (ask, flow, request) = (Ask::Probe(number), place.way.flow, Box::new(request));
            self.outputs.push_back(LineOutput::Send { ask, flow, request });
        }
        self.next_number = number;
    }

    fn probed(&mut self, now: Now, number: u64, alive: bool, dice: &mut Dice) {
        self.deadlines.clear(&Timer::Unheard(number));
        let asked = |place: &&mut Place| place.asked.is_some_and(|(asked, _)| asked == number);
        let Some(place) = self.places.iter_mut().find(asked) else { return };
        let sent = place.asked.take().map_or(now.moment, |(_, sent)| sent);
        let was_dead = place.health.is_dead();
        place.health.probed(alive.then(|| now.moment.since(sent)));
        let died = !was_dead && place.health.is_dead();
        let flow = place.way.flow;
        let home = self.registration.granted.is_some_and(|(at, _)| at == flow);
        let elsewhere = self.places.iter().any(|place| !place.health.is_dead());
        // Calls would be sent to where we are registered: better to be registered where it lives.
        if died && home && elsewhere && self.registering.is_none() && !self.leaving {
            self.register(now, dice);
        }
    }

    // ---- what comes back ---------------------------------------------------------------------

    /// A final response to a request of the line.
    pub fn answered(
        &mut self,
        now: Now,
        ask: Ask,
        request: &Request,
        response: &Response,
        dice: &mut Dice,
    ) {
        match ask {
            Ask::Probe(number) => self.probed(now, number, is_alive(response.code), dice),
            Ask::Register(number) => {
                if let Some(way) = self.take_registering(number) {
                    self.registered(now, &way, request, response, dice);
                }
            }
        }
        self.settle(now);
    }

    /// A request of the line got no answer, or its connection is lost.
    pub fn failed(&mut self, now: Now, ask: Ask, dice: &mut Dice) {
        match ask {
            Ask::Probe(number) => self.probed(now, number, false, dice),
            Ask::Register(number) => {
                if let Some(way) = self.take_registering(number) {
                    self.registration.why = format!("{} does not answer", way.flow);
                    self.try_next(now, way.flow, None, dice);
                }
            }
        }
        self.settle(now);
    }

    fn take_registering(&mut self, number: u64) -> Option<Way> {
        self.deadlines.clear(&Timer::Unanswered(number));
        self.registering.take_if(|(asked, _)| *asked == number).map(|(_, way)| way)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Now, dice: &mut Dice) {
        while let Some(timer) = self.deadlines.pop_due(now.moment) {
            match timer {
                Timer::Locate => self.locate(now),
                Timer::Register => self.register(now, dice),
                Timer::Expire => {
                    let over = |(_, until): &mut (Flow, Moment)| *until <= now.moment;
                    self.registration.lost |= self.registration.granted.take_if(over).is_some();
                }
                Timer::Unanswered(number) => self.failed(now, Ask::Register(number), dice),
                Timer::Probe => self.probe(now, dice),
                Timer::Unheard(number) => self.failed(now, Ask::Probe(number), dice),
                Timer::Farewell => {
                    self.left = true;
                    self.deadlines = Deadlines::default();
                }
            }
        }
        self.settle(now);
    }

    // ---- how it is ---------------------------------------------------------------------------

    fn settle(&mut self, now: Now) {
        let (state, reason) = self.judge();
        self.reason = reason;
        if state == self.state {
            return;
        }
        (self.state, self.since) = (state, now);
        match state {
            LineState::Down if !self.leaving && self.down_since.is_none() => {
                self.down_since = Some(now.moment);
                self.outputs.push_back(LineOutput::WentDown(self.reason.clone()));
            }
            LineState::Up | LineState::Degraded => {
                if let Some(since) = self.down_since.take() {
                    let seconds = now.moment.since(since).as_secs();
                    self.outputs.push_back(LineOutput::CameBack(seconds));
                }
            }
            _ => {}
        }
    }

    /// The state and, where it is not well, why.
    fn judge(&self) -> (LineState, String) {
        if self.leaving {
            return (LineState::Down, "taken out of service".to_owned());
        }
        if self.places.is_empty() {
            return if self.looked_up {
                (LineState::Down, self.not_found.clone())
            } else {
                (LineState::Locating, String::new())
            };
        }
        let dead = self.places.iter().filter(|place| place.health.is_dead()).count();
        let why = self.registration.why.clone();
        if dead == self.places.len() {
            return (LineState::Down, format!("none of {dead} addresses answers OPTIONS"));
        }
        if self.settings.register && self.registration.granted.is_none() {
            let first = self.registration.failures == 0 && !self.registration.lost;
            let state = if first { LineState::Registering } else { LineState::Down };
            return (state, why);
        }
        if dead > 0 {
            let of = self.places.len();
            return (LineState::Degraded, format!("{dead} of {of} addresses answer no OPTIONS"));
        }
        if self.settings.register && !why.is_empty() {
            return (LineState::Degraded, format!("the registration is not refreshed: {why}"));
        }
        let heard = self.places.iter().any(|place| place.health.was_heard());
        if self.settings.register || heard {
            return (LineState::Up, self.not_found.clone());
        }
        (LineState::Unknown, String::new())
    }

    const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
