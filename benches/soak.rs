//! Whether anything grows: a million simulated calls, and a hundred thousand real ones.
//!
//! `cargo bench --bench soak` does both, about a quarter of an hour. `-- simulated [CALLS]` plays
//! calls on a virtual clock: two switchboards, a carrier and phones of our own core, one thread, no
//! socket and no disk. `-- real [CALLS [A-SECOND]]` makes calls over loopback to the release program,
//! whose journal and database are real: allow 50 KiB of disk for each call under TMPDIR.
//!
//! Figures only: nothing fails for being slow. What is left over at the end does fail.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark keeps time and may stop at any fault"
)]

mod load;
#[path = "../tests/network/mod.rs"]
mod net;
#[path = "../tests/scenario/mod.rs"]
mod scenario;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use load::gateway::Gateway;
use load::generator::Generator;
use net::Net;
use net::wire::Weather;
use siaga112::sip::Transport;
use siaga112::vocabulary::AnswerMode;

/// Seats of the simulated centre.
const SEATS: usize = 30;
/// Between two simulated calls: the seats are busy for two thirds of the time.
const BETWEEN: Duration = Duration::from_millis(450);
/// One call in so many comes to the centre without seats, which sends it on to the other one.
const SECOND: u64 = 10;
/// How often the real gateway is looked at.
const LOOK: Duration = Duration::from_secs(5);

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let number = |n: usize, usual| args.get(n).map_or(usual, |text| text.parse().unwrap());
    println!("load of the machine before: {}", load_average());
    match args.first().map(String::as_str) {
        Some("simulated") => simulated(number(1, 1_000_000)),
        Some("real") => real(number(1, 100_000) as u32, number(2, 1_000) as u32),
        _ => {
            simulated(1_000_000);
            real(100_000, 1_000);
        }
    }
    println!("load of the machine after: {}", load_average());
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap().trim().to_owned()
}

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

// ---- simulated -------------------------------------------------------------------------------

fn simulated(calls: u64) {
    let mut net = Net::new(112, Transport::Udp, Weather::CLEAR, SEATS, AnswerMode::OnAgent);
    net.agents.iter_mut().for_each(|agent| agent.gentle = true);
    net.centres.iter_mut().for_each(|centre| centre.book.forgets = true);
    net.pass(Duration::from_secs(10));
    println!(
        "{:>9} {:>8} {:>8} {:>10} {:>10}",
        "calls", "wall s", "calls/s", "virtual h", "RSS KiB"
    );
    let (start, began) = (Instant::now(), net.now.moment);
    for call in 1..=calls {
        let centre = usize::from(net.pick(SECOND) == 0);
        net.call(centre, "sip:0328112@203.0.113.10;user=phone");
        net.pass(BETWEEN);
        if call == calls / 100 || call.is_multiple_of((calls / 10).max(1)) {
            let wall = start.elapsed().as_secs_f64();
            println!(
                "{call:>9} {wall:>8.1} {:>8.0} {:>10.1} {:>10}",
                call as f64 / wall,
                net.now.moment.since(began).as_secs_f64() / 3600.0,
                resident_kib()
            );
        }
    }
    net.pass(Duration::from_secs(200));
    let now = net.now.moment;
    net.agents.iter_mut().for_each(|agent| agent.close(now));
    net.pass(Duration::from_secs(300));
    for centre in &net.centres {
        let (address, book) = (centre.address, &centre.book);
        println!("{address}: {} calls ended, {} of them talked", book.ended, book.talked);
        for (ending, count) in book.seen.iter().filter(|(kind, _)| kind.contains(' ')) {
            println!("  {ending}: {count}");
        }
        assert_eq!(centre.board.live(), 0, "something is left");
        assert!(centre.streams.is_empty(), "a port is left");
        book.is_closed();
    }
    for agent in &net.agents {
        assert_eq!((agent.live(), agent.endpoint.transactions()), (0, 0), "{}", agent.address);
    }
    println!("nothing is left; RSS {} KiB", resident_kib());
}

// ---- real ------------------------------------------------------------------------------------

fn real(calls: u32, rate: u32) {
    let disk = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(disk.path(), rate as usize + 20, false);
    let mut generator = Generator::new(&gateway);
    generator.register(gateway.seats, 1000);
    gateway.settle();
    println!(
        "{:>7} {:>10} {:>12} {:>8} {:>8}",
        "after s", "RSS KiB", "descriptors", "orphans", "CPU s"
    );
    let (start, over) = (Instant::now(), AtomicBool::new(false));
    let look = || {
        let orphans = gateway.metrics(&["siaga112_orphans "]).concat();
        let orphans = orphans.rsplit(' ').next().unwrap_or_default();
        println!(
            "{:>7.0} {:>10} {:>12} {orphans:>8} {:>8.1}",
            start.elapsed().as_secs_f64(),
            gateway.resident_kib(),
            gateway.descriptors(),
            gateway.cpu().as_secs_f64()
        );
    };
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                look();
                std::thread::park_timeout(LOOK);
            }
        });
        let outcome = generator.calls(rate, calls.div_ceil(rate));
        over.store(true, Ordering::Relaxed);
        outcome
    });
    println!(
        "{} calls at {rate}/s: {} answered, {} ended, {} lost, {} messages sent again; INVITE to \
         seat: {}",
        outcome.calls,
        outcome.answered,
        outcome.ended,
        outcome.calls - outcome.ended,
        outcome.repeated,
        outcome.to_seat,
    );
    // 64·T1, after which the last transaction is over, and the records are all written.
    std::thread::sleep(Duration::from_secs(35));
    let behind = gateway.settle();
    look();
    println!(
        "idle {:.1} s after that; {} MiB of disk",
        behind.as_secs_f64(),
        size(disk.path()) >> 20
    );
}

/// Bytes of all files of a folder.
fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => size(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}
