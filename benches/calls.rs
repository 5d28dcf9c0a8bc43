//! What a call costs: the release program on a small configuration of its own, under real calls.
//!
//! `cargo bench --bench calls` takes about a minute and a half; `-- quick` less, `-- long` gives each
//! rate ten seconds. `-- at RATE SECONDS [unrecorded]` is one rate alone, for a profiler. TMPDIR
//! decides which disk is used. `-- overload [CALLS-A-SECOND [SECONDS]]` offers far more than can be
//! taken while 20 calls are talked, and tells what becomes of these, of the rest, and afterwards.
//!
//! One thread plays the trunk and all seats and shares the processors with the gateway. Only the
//! gateway's CPU is counted, as the kernel counts it, until its records are in the database. A call
//! is INVITE, queue, a seat rings 0.1 s and answers, ACK, 0.5 s of talk without audio, BYE, 200; a
//! recorded one opens, seals and hashes a recording as well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark keeps time and may stop at any fault"
)]

mod load;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use load::gateway::Gateway;
use load::generator::{Generator, Outcome};

/// The highest rate that is tried, calls a second.
const TOP: u32 = 4000;
/// Callers who wait at once.
const WAITING: usize = 5000;

fn main() {
    let disk = tempfile::tempdir().unwrap();
    let disk = disk.path();
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let word = args.first().map_or("", String::as_str);
    if word == "at" {
        let (rate, seconds) = (args[1].parse().unwrap(), args[2].parse().unwrap());
        head();
        let recorded = args.get(3).is_none_or(|word| word != "unrecorded");
        let (outcome, gateway) = calls(disk, rate, seconds, recorded);
        gateway.threads();
        println!("INVITE to seat: {}", outcome.to_seat);
        return;
    }
    if word == "overload" {
        let given = |n: usize, usual| args.get(n).map_or(usual, |text| text.parse().unwrap());
        return overload(disk, given(1, 20_000), given(2, 10));
    }
    let seconds = match word {
        "quick" => 2,
        "long" => 10,
        _ => 3,
    };
    head();
    for rate in [40, 200] {
        calls(disk, rate, seconds, true);
    }
    let sustained = search(disk, 400, seconds, true);
    println!("{:>24} sustained: {sustained} calls/s", "recorded");
    let unrecorded = search(disk, sustained, seconds, false);
    println!("{:>24} sustained: {unrecorded} calls/s", "unrecorded");
    latencies(disk, sustained, seconds);
    waiting(disk);
    registrations(disk, seconds);
}

fn head() {
    let [p50, p99] = load::flush_time();
    println!("flushing 1 KiB to the disk that is used: p50 {p50:.2} ms, p99 {p99:.2} ms");
    println!(
        "{:>6} {:>9} {:>8} {:>9} {:>10} {:>8} {:>11} {:>9}",
        "rate", "recorded", "calls", "answered", "sent again", "CPU ms", "CPU ms/call", "behind s"
    );
}

/// Calls at one rate against a fresh gateway; prints a line.
fn calls(disk: &Path, rate: u32, seconds: u32, recorded: bool) -> (Outcome, Gateway) {
    let gateway = Gateway::start(disk, rate as usize + 20, recorded);
    let mut generator = Generator::new(&gateway);
    generator.register(gateway.seats, 1000);
    gateway.settle();
    let before = gateway.cpu();
    let outcome = generator.calls(rate, seconds);
    let behind = gateway.settle();
    let cpu = gateway.cpu().saturating_sub(before).as_secs_f64() * 1e3;
    println!(
        "{rate:>6} {:>9} {:>8} {:>9} {:>10} {cpu:>8.0} {:>11.3} {:>9.1}",
        if recorded { "yes" } else { "no" },
        outcome.calls,
        outcome.answered,
        outcome.repeated,
        cpu / outcome.calls as f64,
        behind.as_secs_f64(),
    );
    (outcome, gateway)
}

/// Goes up by 400 a second until calls fail or more than 1 % of them see a retransmission.
fn search(disk: &Path, from: u32, seconds: u32, recorded: bool) -> u32 {
    let mut best = 0;
    for rate in (from.max(400)..=TOP).step_by(400) {
        let (outcome, _) = calls(disk, rate, seconds, recorded);
        let whole = outcome.ended == outcome.calls && outcome.repeated * 100 < outcome.calls;
        if !whole {
            break;
        }
        best = rate;
    }
    best
}

fn latencies(disk: &Path, sustained: u32, seconds: u32) {
    for rate in [10, sustained / 2] {
        let (outcome, _) = calls(disk, rate.max(1), seconds, true);
        println!("{:>24} INVITE to 180:  {}", "", outcome.to_ringing);
        println!("{:>24} INVITE to seat: {}", "", outcome.to_seat);
        println!("{:>24} BYE to BYE:     {}", "", outcome.to_bye);
    }
}

fn waiting(disk: &Path) {
    let gateway = Gateway::start(disk, 1, true);
    let mut generator = Generator::new(&gateway);
    gateway.settle();
    let before = (gateway.resident_kib(), gateway.descriptors());
    let ringing = generator.wait(WAITING, 1000);
    let behind = gateway.settle();
    let after = (gateway.resident_kib(), gateway.descriptors());
    let cancelled = generator.cancel(WAITING, 1000);
    println!(
        "{WAITING} waiting callers: {ringing} ringing, {:.1} KiB each ({} to {} KiB), {} more \
         descriptors, {cancelled} given up, {:.1} s behind",
        after.0.saturating_sub(before.0) as f64 / WAITING as f64,
        before.0,
        after.0,
        after.1.saturating_sub(before.1),
        behind.as_secs_f64(),
    );
}

fn registrations(disk: &Path, seconds: u32) {
    let gateway = Gateway::start(disk, 500, true);
    let mut generator = Generator::new(&gateway);
    generator.register(gateway.seats, 500);
    gateway.settle();
    let before = gateway.cpu();
    for _ in 0..seconds {
        generator.register(gateway.seats, 500);
    }
    let count = gateway.seats as u32 * seconds;
    let cpu = gateway.cpu().saturating_sub(before).as_secs_f64() * 1e6 / f64::from(count);
    println!("{count} registrations at 500/s (REGISTER, 401, REGISTER, 200): {cpu:.0} us CPU each");
}

/// Ten times too much, while 20 calls are talked and hung up.
fn overload(disk: &Path, rate: u32, seconds: u32) {
    const HELD: usize = 20;
    let gateway = Gateway::start(disk, HELD, true);
    let mut generator = Generator::new(&gateway);
    generator.register(gateway.seats, 100);
    let held = generator.hold(HELD);
    let before = gateway.resident_kib();
    let stop = Arc::new(AtomicBool::new(false));
    let callers = load::overload::callers(gateway.sip, rate, Arc::clone(&stop));
    let storm = load::overload::storm(gateway.sip, rate / 10, Arc::clone(&stop));
    let strangers = load::overload::strangers(gateway.sip, rate / 2, Arc::clone(&stop));
    let (start, mut most) = (Instant::now(), before);
    let mut watch = |until: u32| {
        while start.elapsed() < Duration::from_secs(1) * until {
            std::thread::sleep(Duration::from_millis(50));
            most = most.max(gateway.resident_kib());
        }
    };
    watch(seconds / 2);
    let (ended, times) = generator.hang_up(10);
    watch(seconds);
    let wanted = ["siaga112_inbox", "siaga112_sip_", "siaga112_unknown", "siaga112_malformed"];
    let waiting = gateway.metrics(&wanted);
    stop.store(true, Ordering::Relaxed);
    let usual = load::overload::until_usual(gateway.sip, Duration::from_secs(60));
    most = most.max(gateway.resident_kib());
    println!(
        "{held} of {HELD} calls talked, {ended} of them ended under load; BYE to 200: {times}"
    );
    let calls = callers.join().unwrap();
    let share = calls.served as f64 * 100.0 / calls.sent.max(1) as f64;
    let per_second = calls.served as f64 / f64::from(seconds);
    println!("INVITEs of the trunk: {calls}; {share:.1} % rung, {per_second:.0} a second");
    println!("REGISTER, OPTIONS, SUBSCRIBE of phones: {}", storm.join().unwrap());
    println!("strangers: {}", strangers.join().unwrap());
    println!("memory: {before} KiB before, {most} KiB at most");
    match usual {
        Some(after) => println!("a call rings within 0.1 s {:.2} s later", after.as_secs_f64()),
        None => println!("no call rings within 0.1 s for a minute"),
    }
    println!("at the end of the load:");
    for line in waiting.iter().filter(|line| !line.ends_with(" 0")) {
        println!("  {line}");
    }
}
