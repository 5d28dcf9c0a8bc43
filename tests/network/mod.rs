//! Two centres, a carrier and phones, and a bad network between them, on a virtual clock. Every host
//! runs our own transaction and dialog layer, so that each side meets the other's repetitions.

pub mod agent;
pub mod centre;
pub mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use siaga112::acd::settings::Overflow;
use siaga112::sip::locate::Target;
use siaga112::sip::{Listener, Transport, Uri};
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, Dice, Moment, Now, WallTime};

use crate::scenario::{OURS, TRUNK, seat_address, settings};
use agent::Agent;
use centre::{Centre, named};
use wire::{Weather, Wire};

/// The second centre: its only seat comes late, and who has waited 3 s is sent on to the first one.
pub const SECOND: &str = "198.51.100.112:5060";
/// The phone of that seat.
const LATE: &str = "10.0.1.1:5060";

/// What one host said in one dialog.
#[derive(Debug, Default)]
pub struct Said {
    pub messages: usize,
    /// Transactions of BYE: more than a few are a storm.
    pub byes: BTreeSet<String>,
}

/// Every host, and what is between them.
pub struct Net {
    pub now: Now,
    pub wire: Wire,
    pub centres: Vec<Centre>,
    pub agents: Vec<Agent>,
    /// By centre and Call-ID; only kept when it is wanted.
    pub said: Option<BTreeMap<(SocketAddr, String), Said>>,
    pub dice: Dice,
}

impl Net {
    pub fn new(
        seed: u64,
        transport: Transport,
        weather: Weather,
        seats: usize,
        answer: AnswerMode,
    ) -> Self {
        let now = Now { moment: Moment(1_000_000), wall: WallTime(1_789_621_951_000_000) };
        let mut dice = Dice::from_number(seed);
        let mut split = || Dice::from_number(dice.number());
        let first = first(transport, seats, answer);
        let second = second(transport);
        let centres =
            vec![Centre::new(now, first, 100, split()), Centre::new(now, second, 100, split())];
        let mut agents = vec![Agent::new(TRUNK, transport, None, split())];
        let centre: SocketAddr = OURS.parse().unwrap();
        for seat in 1..=seats {
            let login = Some((format!("seat-{seat}"), centre));
            let mut phone = Agent::new(&seat_address(seat), transport, login, split());
            phone.register(now.moment);
            agents.push(phone);
        }
        let login = Some(("seat-1".to_owned(), SECOND.parse().unwrap()));
        agents.push(Agent::new(LATE, transport, login, split()));
        let wire = Wire::new(weather, split());
        Self { now, wire, centres, agents, said: None, dice }
    }

    pub fn pick(&mut self, n: u64) -> u64 {
        self.dice.number() % n
    }

    /// Time passes; everything happens at its moment.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now.moment.after(span);
        let (mut turns, mut last) = (0, Moment(0));
        while let Some(at) = self.next().filter(|at| *at <= until) {
            turns = if at == last { turns + 1 } else { 0 };
            assert!(turns < 100_000, "time stands still at {at:?}");
            last = at;
            self.turn(at);
        }
        self.set(until);
    }

    fn next(&self) -> Option<Moment> {
        let centres = self.centres.iter().filter_map(|centre| centre.board.poll_timeout());
        let agents = self.agents.iter().filter_map(Agent::next);
        centres.chain(agents).chain(self.wire.next()).min()
    }

    fn set(&mut self, to: Moment) {
        let micros = to.since(self.now.moment).as_micros() as i64;
        let moment = to.max(self.now.moment);
        self.now = Now { moment, wall: WallTime(self.now.wall.0 + micros) };
    }

    fn turn(&mut self, at: Moment) {
        self.set(at);
        let now = self.now;
        while let Some((to, arrival)) = self.wire.arrived(now.moment) {
            if let Some(centre) = self.centres.iter_mut().find(|c| c.address.ip() == to.ip()) {
                centre.hear(now, arrival);
            } else if let Some(agent) = self.agents.iter_mut().find(|a| a.address.ip() == to.ip()) {
                agent.hear(now.moment, arrival);
            }
            self.flush();
        }
        for centre in &mut self.centres {
            if centre.board.poll_timeout().is_some_and(|due| due <= now.moment) {
                centre.tick(now);
            }
        }
        for agent in &mut self.agents {
            if agent.next().is_some_and(|due| due <= now.moment) {
                agent.tick(now.moment);
            }
        }
        self.flush();
    }

    /// What was said goes out.
    pub fn flush(&mut self) {
        let now = self.now.moment;
        for centre in &mut self.centres {
            for send in centre.sends.drain(..) {
                if let Some(said) = &mut self.said {
                    let (call_id, method) = named(&send.bytes);
                    let said = said.entry((centre.address, call_id)).or_default();
                    said.messages += 1;
                    if method == "BYE" {
                        let text = String::from_utf8_lossy(&send.bytes);
                        let branch = text.split(";branch=").nth(1).unwrap_or_default();
                        let branch = branch.split([';', '\r']).next().unwrap_or_default();
                        said.byes.insert(branch.to_owned());
                    }
                }
                self.wire.send(now, send.flow, send.bytes);
            }
        }
        for agent in &mut self.agents {
            while let Some(send) = agent.endpoint.poll_send() {
                self.wire.send(now, send.flow, send.bytes);
            }
        }
    }

    /// From now on everybody answers soon and hangs up after a short talk, and the second centre has
    /// its seat. Callers whose CANCEL was lost for good are found out when a seat takes them.
    pub fn dusk(&mut self) {
        for agent in &mut self.agents {
            agent.gentle = true;
            if agent.address == LATE.parse().unwrap() {
                agent.register(self.now.moment);
            }
        }
    }

    /// Somebody calls through the carrier.
    pub fn call(&mut self, centre: usize, uri: &str) {
        let (address, now) = (self.centres[centre].address, self.now.moment);
        self.agents[0].call(now, address, uri);
        self.flush();
    }
}

fn first(transport: Transport, seats: usize, answer: AnswerMode) -> SwitchboardSettings {
    let mut first = settings(seats, answer);
    first.sip.listen = vec![Listener { transport, address: OURS.parse().unwrap() }];
    first.queues[0].max_wait = Duration::from_secs(30);
    first.trunks.push(way_out(&first.trunks[0], "telco-a", TRUNK, transport));
    first
}

fn second(transport: Transport) -> SwitchboardSettings {
    let mut second = settings(1, AnswerMode::OnAgent);
    let address: SocketAddr = SECOND.parse().unwrap();
    second.node = "gw2.112.example".into();
    second.media_address = address.ip();
    second.sip.listen = vec![Listener { transport, address }];
    second.queues[0].max_wait = Duration::from_secs(3);
    second.queues[0].overflow = vec![Overflow::Number("tel:112".into())];
    second.trunks.push(way_out(&second.trunks[0], "neighbour", OURS, transport));
    second
}

fn way_out(like: &TrunkSettings, id: &str, to: &str, transport: Transport) -> TrunkSettings {
    let uri = Uri::read(&format!("sip:{to}{}", transport.parameter()));
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: None,
        from_user: "0328112".into(),
        caller_id: Some("0328112".into()),
        probe: None,
    };
    TrunkSettings { id: id.into(), sources: Vec::new(), line: Some(line.into()), ..like.clone() }
}
