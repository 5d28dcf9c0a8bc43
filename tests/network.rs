//! Our own core at every end of a bad network: datagrams are lost, doubled, late and overtaken,
//! connections break, the line is dead for seconds. Callers, operators and a second centre do what
//! they may do at any moment. Afterwards every call has ended once, and nothing is left anywhere.
//!
//! `NETWORK_SEEDS=17..18 cargo test --test network` plays one seed again.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[path = "network/mod.rs"]
mod net;
mod scenario;

use std::collections::BTreeMap;
use std::time::Duration;

use net::Net;
use net::wire::Weather;
use siaga112::sip::Transport;
use siaga112::vocabulary::{AnswerMode, Dice};

const SEATS: usize = 3;
/// How long calls come in.
const LOAD: u64 = 100;

/// What many days came to.
#[derive(Debug, Default)]
struct Total {
    calls: u64,
    answered: u64,
    seen: BTreeMap<String, u64>,
    most_messages: usize,
    most_byes: usize,
}

fn day(seed: u64, transport: Transport, total: &mut Total) {
    let mut dice = Dice::from_number(seed ^ 0x112);
    let weather = Weather::of(&mut dice);
    let answer = match seed % 3 {
        0 => AnswerMode::OnAgent,
        1 => AnswerMode::Immediate,
        _ => AnswerMode::AfterSeconds(5),
    };
    let mut net = Net::new(seed, transport, weather, SEATS, answer);
    net.said = Some(BTreeMap::new());
    net.pass(Duration::from_secs(10));

    let calls = 20 + net.pick(20);
    let mut moments: Vec<(u64, bool)> =
        (0..calls).map(|_| (net.pick(LOAD * 1000), false)).collect();
    moments.extend((0..weather.outages).map(|_| (net.pick(LOAD * 1000), true)));
    moments.sort_unstable();
    let mut passed = 0;
    for (at, outage) in moments {
        net.pass(Duration::from_millis(at - passed));
        passed = at;
        if outage {
            let span = Duration::from_millis(net.pick(20_000));
            net.wire.darken(net.now.moment, span);
            continue;
        }
        let uri = match net.pick(12) {
            0 => "urn:service:test.sos",
            1 => "urn:service:sos.fire",
            _ => "sip:0328112@203.0.113.10;user=phone",
        };
        let centre = usize::from(net.pick(3) == 0);
        net.call(centre, uri);
    }

    // The load stops; the network stays as it is. Operators answer whoever still rings.
    net.dusk();
    net.pass(Duration::from_secs(600));
    let now = net.now.moment;
    net.agents.iter_mut().for_each(|agent| agent.close(now));
    net.pass(Duration::from_secs(300));
    nothing_is_left(&mut net, calls, total);
}

fn nothing_is_left(net: &mut Net, calls: u64, total: &mut Total) {
    let now = net.now;
    for agent in &net.agents {
        assert_eq!(agent.live(), 0, "{}: {}", agent.address, agent.leftovers());
        assert_eq!(agent.endpoint.transactions(), 0, "{}", agent.address);
    }
    for centre in &mut net.centres {
        centre.book.is_closed();
        assert_eq!(centre.board.live(), 0, "{}: {:#?}", centre.address, centre.board);
        assert!(centre.streams.is_empty(), "{:?}", centre.streams);
        let board = centre.look(now);
        assert!(board.calls.is_empty(), "{:?}", board.calls);
        for seat in &board.seats {
            let free = !["offered", "talking", "engaged"].contains(&seat.state.as_str());
            assert!(free && seat.call.is_none(), "{seat:?}");
        }
        assert_eq!((board.orphans, board.malformed), (0, 0));
        total.answered += centre.book.talked;
        for (kind, count) in &centre.book.seen {
            *total.seen.entry(kind.clone()).or_default() += count;
        }
    }
    total.calls += calls;
    for ((host, call_id), said) in net.said.iter().flatten() {
        if call_id.starts_with("register") {
            continue;
        }
        assert!(said.byes.len() <= 2, "{host} says BYE again and again in {call_id}: {said:?}");
        assert!(said.messages <= 300, "{host} says too much in {call_id}: {said:?}");
        total.most_messages = total.most_messages.max(said.messages);
        total.most_byes = total.most_byes.max(said.byes.len());
    }
}

/// The seeds of a test: those named in `NETWORK_SEEDS`, or its usual ones.
fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(named) = std::env::var("NETWORK_SEEDS") else { return usual };
    let (from, to) = named.split_once("..").expect("NETWORK_SEEDS=FROM..TO");
    from.parse().unwrap()..to.parse().unwrap()
}

fn days(transport: Transport, usual: std::ops::Range<u64>) {
    let mut total = Total::default();
    for seed in seeds(usual) {
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            day(seed, transport, &mut total);
        }));
        assert!(end.is_ok(), "seed {seed} over {transport:?}: NETWORK_SEEDS={seed}..{}", seed + 1);
    }
    println!("{total:#?}");
}

#[test]
fn over_lossy_datagrams_every_call_ends_once_and_nothing_is_left() {
    days(Transport::Udp, 0..60);
}

#[test]
fn over_breaking_connections_every_call_ends_once_and_nothing_is_left() {
    days(Transport::Tcp, 1000..1060);
}
