//! How long questions take when a million calls are on record, and what it costs to bring them there.
//! `cargo bench --bench records`; fewer with `RECORDS=100000`, another database with
//! `RECORDS_URL=postgres://…` (an empty one).
//!
//! The calls go the way that every call goes: into a journal, and from its files into the database.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and may fail loudly"
)]

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use siaga112::incident::{Arrival, Edit, Field, Raw, Value};
use siaga112::journal::{Entry, Fact};
use siaga112::store::periods::Period;
use siaga112::store::{By, Filter, JournalWriter, StorageSettings, Store};
use siaga112::vocabulary::{
    AnswerMode, CallId, Cause, Dice, Ending, IncidentId, Party, Private, Stage, Uid, WallTime,
};

/// 2026-01-01T00:00:00Z; a call every half minute makes a million in a year.
const BASE: i64 = 1_767_225_600_000_000;
const STEP: i64 = 31_500_000;
/// Each question is asked so often.
const ROUNDS: usize = 15;
/// Calls that wait for the disk together.
const FLOOD: u32 = 5_000;

const CATEGORIES: [&str; 9] = ["01", "02", "03", "04", "05", "06", "07", "08", "09"];
const TRUNKS: [&str; 4] = ["telkom", "telkomsel", "indosat", "xl"];
const COMMON: [&str; 8] =
    ["tolong", "jalan", "rumah", "pasar", "kebakaran", "motor", "desa", "dekat"];

fn at(n: u32, millis: i64) -> WallTime {
    WallTime(BASE + i64::from(n) * STEP + millis * 1000)
}

fn call(n: u32) -> CallId {
    CallId(Uid::new(at(n, 0), n))
}

fn report(dice: &mut Dice) -> String {
    let mut below = |most: u32| (dice.number() % u64::from(most)) as u32;
    let common = COMMON[below(8) as usize];
    format!("{common} di {} nomor {} kata{:04}", COMMON[below(8) as usize], below(200), below(5000))
}

/// One call: it came, waited, was answered and ended; of every other one somebody wrote a line.
fn entries(n: u32, dice: &mut Dice) -> Vec<Entry> {
    let mut below = |most: u32| (dice.number() % u64::from(most)) as u32;
    let (number, trunk) =
        (below(400_000), TRUNKS[if n % 5000 == 7 { 3 } else { below(3) as usize }]);
    let mut arrival = Arrival {
        dialled: "112".into(),
        service: "urn:service:sos".into(),
        category: n.is_multiple_of(3).then(|| CATEGORIES[below(9) as usize].to_owned()),
        kecamatan: n.is_multiple_of(2).then(|| format!("3529{:03}", below(27))),
        raw: Raw(bytes::Bytes::from(vec![b'x'; 900])),
        ..Arrival::default()
    };
    arrival.caller.phone.raw = Private::new(format!("0812{number:08}"));
    arrival.caller.phone.e164 = Some(Private::new(format!("+62812{number:08}")));
    let seat = format!("seat-{}", below(12));
    let answered = !n.is_multiple_of(10);
    let incident = IncidentId(call(n).0);
    let source = "udp:198.51.100.7:5060".into();
    let mut facts = vec![
        (
            0,
            Fact::Arrived {
                call: call(n),
                incident,
                trunk: trunk.into(),
                source,
                arrival: Box::new(arrival),
            },
        ),
        (
            1,
            Fact::Queued {
                call: call(n),
                queue: "darurat".into(),
                rule: "semua".into(),
                priority: 5,
                answer: AnswerMode::OnAgent,
                wants: Vec::new(),
            },
        ),
    ];
    if answered {
        let operator = Some(format!("operator-{}", below(30)).as_str().into());
        let seat = seat.as_str().into();
        facts.push((4_000, Fact::Answered { call: call(n), seat, operator, after_ms: 4_000 }));
    }
    let stage = if answered { Stage::Talking } else { Stage::Waiting };
    let ending = Ending { stage, by: Party::Caller, cause: Cause::HungUp, q850: None };
    facts.push((
        90_000,
        Fact::Ended {
            call: call(n),
            ending,
            caller_packets: Some(4_000),
            seat_packets: Some(4_000),
        },
    ));
    if n % 2 == 1 {
        let text = Private::new(report(dice));
        let changes = [(Field::Text, Some(Value::Text(text)))].into_iter().collect();
        let edit = Edit { incident, by: "operator-1".into(), saw: 0, changes, version: 0 };
        facts.push((95_000, Fact::IncidentEdited(Box::new(edit))));
    }
    facts.into_iter().map(|(millis, fact)| Entry { at: at(n, millis), fact }).collect()
}

fn fill(journal: &std::path::Path, calls: u32) {
    let (writer, _) = JournalWriter::open(journal).expect("opens");
    let handle = writer.start(|_| {}).expect("starts");
    let mut dice = Dice::from_number(112);
    let began = Instant::now();
    let mut lines = 0;
    for n in 0..calls {
        let entries = entries(n, &mut dice);
        lines += entries.len();
        handle.append_all(entries.into_iter().map(|entry| (0, entry)).collect());
        while n.is_multiple_of(FLOOD) && handle.waiting() > u64::from(FLOOD) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(handle.stop(), 0, "every line is on disk");
    println!("{lines} lines of {calls} calls into the journal: {:.1?}", began.elapsed());
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::main]
async fn main() {
    let calls: u32 = variable("RECORDS").and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let file = folder.path().join("records.db");
    let url = variable("RECORDS_URL").unwrap_or_else(|| format!("sqlite:{}", file.display()));
    fill(&journal, calls);
    let store = Store::open(&StorageSettings::at(&url)).expect("an address");
    let began = Instant::now();
    store.catch_up(&journal).await.expect("catches up");
    let took = began.elapsed();
    let each = took.as_secs_f64() * 1e3 / f64::from(calls);
    println!("from the journal into the database: {took:.1?}, {each:.2} ms a call");
    if let Ok(data) = std::fs::metadata(&file) {
        println!("the database: {} MiB", data.len() >> 20);
    }
    questions(&store, calls).await;
}

async fn questions(store: &Store, calls: u32) {
    let middle = call(calls / 2).to_string();
    let (since, until) = (at(calls / 2, 0).to_rfc3339(), at(calls / 2 + 2_700, 0).to_rfc3339());
    let lists: &[(&str, &[(&str, &str)])] = &[
        ("the newest page", &[]),
        ("a page in the middle", &[("before", &middle)]),
        ("a day", &[("since", &since), ("until", &until)]),
        ("one number, whole", &[("number", "+62812 0012 3456")]),
        ("its last five digits", &[("number", "23456")]),
        ("the beginning that all have", &[("number", "+62812")]),
        ("a place", &[("place", "3529010")]),
        ("a category", &[("category", "07")]),
        ("a trunk of few calls", &[("trunk", "xl")]),
        ("such a trunk and a place", &[("trunk", "xl"), ("place", "3529010")]),
        ("a seat", &[("seat", "seat-3")]),
        (
            "an operator's abandoned calls: none",
            &[("operator", "operator-3"), ("outcome", "abandoned")],
        ),
        ("a rare word", &[("words", "kata0112")]),
        ("a common word", &[("words", "kebakaran")]),
        ("two words, one cut short", &[("words", "pasar kata011")]),
        (
            "a word, a place, half a year",
            &[("words", "kebakaran"), ("place", "3529010"), ("since", &since)],
        ),
        ("a word that nobody wrote", &[("words", "zzz")]),
    ];
    println!("{:<40} {:>6} {:>10} {:>10}", "question", "rows", "median", "longest");
    for (name, pairs) in lists {
        let mut filter = Filter::default();
        pairs.iter().for_each(|(key, value)| {
            filter.set(key, value, &TimeZone::UTC).expect("a filter");
        });
        let mut rows = 0;
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            rows = store.list(&filter).await.expect("answers").len();
            took.push(began.elapsed());
        }
        tell(name, rows, took);
    }
    let mut took = Vec::new();
    for n in 0..ROUNDS as u32 {
        let began = Instant::now();
        let id = call(calls / 20 * n).to_string();
        store.show(&id).await.expect("answers").expect("is there");
        took.push(began.elapsed());
    }
    tell("one record, whole", 1, took);
    let month = Period { since: at(calls / 2, 0), until: at((calls / 2 + 83_000).min(calls), 0) };
    let began = Instant::now();
    let report = store.standards_report(month, By::Hour, &TimeZone::UTC).await.expect("answers");
    tell("the report of a month", report.slices.len(), vec![began.elapsed()]);
}

fn tell(name: &str, rows: usize, mut took: Vec<Duration>) {
    took.sort_unstable();
    let median = took[took.len() / 2].as_secs_f64() * 1e3;
    let longest = took[took.len() - 1].as_secs_f64() * 1e3;
    println!("{name:<40} {rows:>6} {median:>7.1} ms {longest:>7.1} ms");
}
