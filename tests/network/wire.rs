//! The network between the hosts: datagrams that are lost, doubled and overtake each other, and
//! connections that break. Everything is thrown from one seed.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use siaga112::sip::{Flow, Transport};
use siaga112::vocabulary::{Dice, Moment};

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Datagrams lost, in a thousand.
    pub loss: u64,
    /// Datagrams that arrive twice, in a thousand.
    pub twice: u64,
    /// The longest way of a datagram, milliseconds; the shortest is 1 ms. What is sent later may
    /// arrive earlier.
    pub slow: u64,
    /// Total outages: how many in the time of the load.
    pub outages: u64,
    /// Connections that break while something is sent over them, in a thousand.
    pub breaks: u64,
}

impl Weather {
    /// A local network on a good day.
    pub const CLEAR: Self = Self { loss: 0, twice: 0, slow: 5, outages: 0, breaks: 0 };

    /// Anything from a good day to one that is hardly usable.
    pub fn of(dice: &mut Dice) -> Self {
        let mut pick = |values: &[u64]| values[(dice.number() % values.len() as u64) as usize];
        Self {
            loss: pick(&[0, 10, 50, 100, 200, 300]),
            twice: pick(&[0, 10, 100, 200]),
            slow: pick(&[1, 30, 200, 800, 3000]),
            outages: pick(&[0, 0, 1, 3]),
            breaks: pick(&[0, 5, 20, 50]),
        }
    }
}

/// What reaches a host.
#[derive(Debug)]
pub enum Arrival {
    /// A message.
    Bytes(Flow, Bytes),
    /// A connection is gone.
    Closed(Flow),
}

/// Who opened a connection, and to which listener.
type Ends = (SocketAddr, SocketAddr);

/// One connection: the port that its opener got, and when the last message arrives each way.
#[derive(Debug)]
struct Connection {
    number: u64,
    opener: SocketAddr,
    last: [Moment; 2],
}

#[derive(Debug)]
struct Travelling {
    to: SocketAddr,
    arrival: Arrival,
    /// The connection that it travels on: what is on its way is lost with it.
    on: Option<(Ends, u64)>,
}

/// The network.
#[derive(Debug)]
pub struct Wire {
    pub weather: Weather,
    dice: Dice,
    /// No datagram passes before this moment.
    dark_until: Moment,
    connections: HashMap<Ends, Connection>,
    by_opener: HashMap<SocketAddr, Ends>,
    under_way: BTreeMap<(Moment, u64), Travelling>,
    count: u64,
}

impl Wire {
    pub fn new(weather: Weather, dice: Dice) -> Self {
        Self {
            weather,
            dice,
            dark_until: Moment(0),
            connections: HashMap::new(),
            by_opener: HashMap::new(),
            under_way: BTreeMap::new(),
            count: 0,
        }
    }

    /// When the next thing arrives.
    pub fn next(&self) -> Option<Moment> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// What arrives by `now`, and at which host.
    pub fn arrived(&mut self, now: Moment) -> Option<(SocketAddr, Arrival)> {
        while let Some(first) = self.under_way.first_entry() {
            if first.key().0 > now {
                return None;
            }
            let came = first.remove();
            let stands = |(ends, number): (Ends, u64)| {
                self.connections.get(&ends).is_some_and(|c| c.number == number)
            };
            if came.on.is_none_or(stands) {
                return Some((came.to, came.arrival));
            }
        }
        None
    }

    /// Nothing passes for a while; connections do not notice but wait.
    pub fn darken(&mut self, now: Moment, span: Duration) {
        self.dark_until = now.after(span);
    }

    /// A host sends.
    pub fn send(&mut self, now: Moment, flow: Flow, bytes: Bytes) {
        match flow.transport {
            Transport::Udp => self.datagram(now, flow, bytes),
            _ => self.stream(now, flow, bytes),
        }
    }

    fn in_thousand(&mut self, part: u64) -> bool {
        self.dice.number() % 1000 < part
    }

    fn way(&mut self) -> Duration {
        Duration::from_millis(1 + self.dice.number() % self.weather.slow)
    }

    fn put(&mut self, at: Moment, travelling: Travelling) {
        self.count += 1;
        self.under_way.insert((at, self.count), travelling);
    }

    fn datagram(&mut self, now: Moment, flow: Flow, bytes: Bytes) {
        let copies = if self.in_thousand(self.weather.twice) { 2 } else { 1 };
        for _ in 0..copies {
            if now < self.dark_until || self.in_thousand(self.weather.loss) {
                continue;
            }
            let at = now.after(self.way());
            let (to, from) = (flow.remote, flow.local);
            let flow = Flow { transport: Transport::Udp, local: to, remote: from };
            self.put(at, Travelling { to, arrival: Arrival::Bytes(flow, bytes.clone()), on: None });
        }
    }

    /// Sends over the connection that the flow names; opens one where it names a listener.
    fn stream(&mut self, now: Moment, flow: Flow, bytes: Bytes) {
        let Flow { transport, local, remote } = flow;
        let known = self.by_opener.get(&remote).copied();
        let ends = known.unwrap_or((local, remote));
        if !self.connections.contains_key(&ends) {
            // A port that nobody listens on, or a host that is not there now.
            if remote.port() != 5060 || self.in_thousand(self.weather.breaks) {
                let at = now.after(self.way());
                let arrival = Arrival::Closed(flow);
                return self.put(at, Travelling { to: local, arrival, on: None });
            }
            self.open(ends);
        }
        if self.in_thousand(self.weather.breaks) {
            return self.break_off(now, transport, ends);
        }
        let way = self.way();
        let Some(connection) = self.connections.get_mut(&ends) else { return };
        let (to, from, direction) = match known {
            // Back to who opened it.
            Some((opener, listener)) => (opener, listener, 1),
            None => (remote, connection.opener, 0),
        };
        let at = now.max(self.dark_until).after(way).max(connection.last[direction]);
        connection.last[direction] = at;
        let on = Some((ends, connection.number));
        let flow = Flow { transport, local: to, remote: from };
        self.put(at, Travelling { to, arrival: Arrival::Bytes(flow, bytes), on });
    }

    fn open(&mut self, ends: Ends) {
        self.count += 1;
        let port = 10_000 + (self.count % 50_000) as u16;
        let opener = SocketAddr::new(ends.0.ip(), port);
        let last = [Moment(0); 2];
        self.connections.insert(ends, Connection { number: self.count, opener, last });
        self.by_opener.insert(opener, ends);
    }

    /// Who opened it hears so at once, the other side some time later.
    fn break_off(&mut self, now: Moment, transport: Transport, ends: Ends) {
        let Some(gone) = self.connections.remove(&ends) else { return };
        self.by_opener.remove(&gone.opener);
        let (opener, listener) = ends;
        let flow = Flow { transport, local: opener, remote: listener };
        self.put(now, Travelling { to: opener, arrival: Arrival::Closed(flow), on: None });
        let flow = Flow { transport, local: listener, remote: gone.opener };
        let at = now.after(self.way());
        self.put(at, Travelling { to: listener, arrival: Arrival::Closed(flow), on: None });
    }
}
