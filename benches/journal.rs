//! Group commit, measured: entries a second and the time from handing an entry in until it is on
//! disk, with 1, 100 and 1000 appends under way at once. Also how long opening a journal takes.
//!
//! `cargo bench --bench journal [FOLDER]`: the folder decides which disk is measured.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use siaga112::incident::{Arrival, Raw};
use siaga112::journal::{Entry, Fact};
use siaga112::store::{JournalReport, JournalWriter, StorageSettings, Store};
use siaga112::vocabulary::{CallId, Cause, Ending, IncidentId, Party, Stage, Uid, WallTime};

/// How long each load runs.
const SPAN: Duration = Duration::from_secs(3);

fn main() {
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    let dir = tempfile::tempdir_in(&folder).expect("a folder");
    println!("journal in {}, entries of {} bytes", folder.display(), line_bytes());
    println!("{:>10} {:>12} {:>10} {:>10}", "at once", "entries/s", "p50 ms", "p99 ms");
    for at_once in [1, 100, 1000] {
        let (rate, mut waits) = run(&dir.path().join(at_once.to_string()), at_once);
        waits.sort();
        let place = |percent: usize| {
            let wait = waits.get(waits.len() * percent / 100);
            wait.map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
        };
        println!("{at_once:>10} {rate:>12.0} {:>10.2} {:>10.2}", place(50), place(99));
    }
    reopen(&dir.path().join("1000"));
    project(dir.path());
}

/// Keeps `at_once` appends under way: each durable one is followed by the next.
fn run(folder: &Path, at_once: u64) -> (f64, Vec<Duration>) {
    let (writer, _) = JournalWriter::open(folder).expect("opens");
    let (reports, seen) = mpsc::channel();
    let report = move |report| {
        let _ = reports.send((report, Instant::now()));
    };
    let handle = writer.start(report).expect("starts");
    let began = Instant::now();
    let mut handed: std::collections::VecDeque<Instant> = std::collections::VecDeque::new();
    let (mut next, mut done, mut waits) = (0u64, 0u64, Vec::new());
    while began.elapsed() < SPAN {
        while next - done < at_once {
            next += 1;
            handed.push_back(Instant::now());
            handle.append(next, arrived(next));
        }
        let (report, at) = seen.recv().expect("the writer reports");
        let JournalReport::Durable { ticket } = report else { continue };
        while done < ticket {
            done += 1;
            waits.extend(handed.pop_front().map(|from| at.duration_since(from)));
        }
    }
    let rate = done as f64 / began.elapsed().as_secs_f64();
    assert_eq!(handle.stop(), 0);
    (rate, waits)
}

fn reopen(folder: &Path) {
    let files = std::fs::read_dir(folder).expect("lists").flatten();
    let bytes: u64 = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
    let began = Instant::now();
    let (_, recovered) = JournalWriter::open(folder).expect("opens");
    let (took, open) = (began.elapsed(), recovered.open_calls.len());
    println!("opened {} MiB with {open} live calls in {took:.0?}", bytes >> 20);
}

/// How fast the database takes a journal of whole calls.
fn project(folder: &Path) {
    const CALLS: u64 = 2_000;
    let journal = folder.join("calls");
    let (writer, _) = JournalWriter::open(&journal).expect("opens");
    let handle = writer.start(|_| {}).expect("starts");
    for n in 1..=CALLS {
        call(n).into_iter().for_each(|entry| handle.append(n, entry));
    }
    assert_eq!(handle.stop(), 0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let database = folder.join("incidents.db");
        let store = Store::open(&StorageSettings::at(&format!("sqlite:{}", database.display())))
            .expect("a URL");
        let began = Instant::now();
        let last = store.catch_up(&journal).await.expect("catches up");
        let took = began.elapsed().as_secs_f64();
        println!(
            "projected {:.0} entries/s, {:.0} calls/s",
            last as f64 / took,
            CALLS as f64 / took
        );
    });
}

fn id(n: u64) -> CallId {
    let low = u32::try_from(n & 0xffff_ffff).unwrap_or_default();
    CallId(Uid::new(WallTime(1_789_621_200_000_000), low))
}

fn arrived(n: u64) -> Entry {
    let mut arrival = Arrival {
        sip_call_id: format!("{n}@carrier.example"),
        dialled: "112".into(),
        service: "urn:service:sos".into(),
        ..Arrival::default()
    };
    arrival.raw = Raw(bytes::Bytes::from("v=0 INVITE sip:112@198.51.100.7\r\n".repeat(40)));
    let fact = Fact::Arrived {
        call: id(n),
        incident: IncidentId(id(n).0),
        trunk: "telkom".into(),
        source: "udp:198.51.100.7:5060".into(),
        arrival: Box::new(arrival),
    };
    Entry { at: WallTime(1_789_621_200_000_000), fact }
}

fn call(n: u64) -> Vec<Entry> {
    use siaga112::journal::OfferOutcome::Answered;
    use siaga112::vocabulary::{AnswerMode, OfferId};
    let call = id(n);
    let ending =
        Ending { stage: Stage::Talking, by: Party::Caller, cause: Cause::HungUp, q850: None };
    let (queue, rule, answer) = ("112".into(), "all".into(), AnswerMode::OnAgent);
    let (offer, file) = (OfferId(n), format!("{call}.wav"));
    let facts = [
        Fact::Queued { call, queue, rule, priority: 5, answer, wants: Vec::new() },
        Fact::Offered { call, offer, seat: "seat-1".into(), operator: None },
        Fact::OfferEnded {
            call,
            offer,
            seat: "seat-1".into(),
            outcome: Answered,
            status: Some(200),
        },
        Fact::Answered { call, seat: "seat-1".into(), operator: None, after_ms: 900 },
        Fact::RecordingStarted { call, file: file.clone() },
        Fact::Ended { call, ending, caller_packets: Some(500), seat_packets: Some(500) },
        Fact::RecordingSealed { call, file, sha256: "00".repeat(32), millis: 1, bytes: 1 },
    ];
    let at = WallTime(1_789_621_200_000_000);
    std::iter::once(arrived(n)).chain(facts.map(|fact| Entry { at, fact })).collect()
}

fn line_bytes() -> usize {
    siaga112::journal::chain::body(&arrived(1)).len()
}
