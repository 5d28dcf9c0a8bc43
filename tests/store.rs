//! Journal and database together: does the record say what the facts said, whatever stopped
//! halfway?
//!
//! Every story is told of SQLite, and once more of PostgreSQL by
//! [`every_story_is_the_same_with_postgresql`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use siaga112::incident::{
    Arrival, Edit, Field, Guess, How, Located, Location, Place, Raw, Report, form,
};
use siaga112::journal::{Entry, Fact, OfferOutcome, Peer, Signal, Way};
use siaga112::screening::{Attempt, Disposition, Mark, WorkEntry, WorkId, WorkKind, WorkOutcome};
use siaga112::sip::Transport;
use siaga112::store::drawing::Paper;
use siaga112::store::periods::Period;
use siaga112::store::{
    By, Filter, HourFigures, Incident, IncidentSummary, JournalHandle, JournalWriter, Ladder,
    Projector, StandardsReport, StorageSettings, Store, StoreError, StoreHealth, cli, report_cli,
};
use siaga112::vocabulary::{
    AnswerMode, CallId, Cause, Ending, IncidentId, Lane, NumberClass, OfferId, Party, Private,
    Stage, Uid, WallTime, Want,
};
use tempfile::TempDir;

mod support;

use support::postgres::{Postgres, new_database};

/// Set while the stories are told of PostgreSQL: the port of the server.
const POSTGRES: &str = "SIAGA112_STORIES_OF_POSTGRES";

/// The port of the server that the stories are told of; none for SQLite.
#[allow(clippy::disallowed_methods, reason = "this program starts itself once more")]
fn postgres() -> Option<String> {
    std::env::var(POSTGRES).ok()
}

/// A journal and a database of their own.
struct Site {
    dir: TempDir,
    url: String,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let url = match postgres() {
            Some(port) => new_database(&port, &format!("d{}", unique())),
            None => format!("sqlite:{}", dir.path().join("incidents.db").display()),
        };
        Self { dir, url }
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    fn store(&self) -> Store {
        Store::open(&StorageSettings::at(&self.url)).expect("a URL")
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("incidents.db")
    }

    fn write(&self, entries: impl IntoIterator<Item = Entry>) {
        let (writer, _) = JournalWriter::open(&self.journal()).expect("opens");
        let handle = writer.start(|_| {}).expect("starts");
        entries.into_iter().for_each(|entry| handle.append(0, entry));
        assert_eq!(handle.stop(), 0);
    }

    async fn filled(&self, entries: impl IntoIterator<Item = Entry>) -> Store {
        self.write(entries);
        let store = self.store();
        store.catch_up(&self.journal()).await.expect("catches up");
        store
    }
}

/// A name that no other story has, whichever process tells it.
fn unique() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{}_{next}", std::process::id())
}

/// 2026-09-17T05:00:00Z.
const BASE: i64 = 1_789_621_200_000_000;

fn call(n: u32) -> CallId {
    CallId(Uid::new(WallTime(BASE + i64::from(n) * 1_000_000), n))
}

fn at(n: u32, millis: i64) -> WallTime {
    WallTime(BASE + i64::from(n) * 1_000_000 + millis * 1000)
}

fn arrival(n: u32) -> Arrival {
    let mut arrival = Arrival {
        sip_call_id: format!("call-{n}@carrier"),
        icid: Some(format!("icid-{n}")),
        dialled: "112".into(),
        service: "urn:service:sos".into(),
        findings: vec!["odd".into(), "rare".into()],
        raw: Raw(bytes::Bytes::from_static(b"INVITE sip:112@x SIP/2.0\r\n\r\n")),
        priority: Some("emergency".into()),
        ..Arrival::default()
    };
    arrival.caller.phone.raw = Private::new(format!("0812000{n:04}"));
    arrival.caller.phone.e164 = Some(Private::new(format!("+62812000{n:04}")));
    arrival.caller.phone.class = NumberClass::Mobile;
    arrival
}

fn arrived(n: u32, trunk: &str) -> Entry {
    let fact = Fact::Arrived {
        call: call(n),
        incident: IncidentId(call(n).0),
        trunk: trunk.into(),
        source: "udp:198.51.100.7:5060".into(),
        arrival: Box::new(arrival(n)),
    };
    Entry { at: at(n, 0), fact }
}

fn queued(n: u32, queue: &str) -> Entry {
    let fact = Fact::Queued {
        call: call(n),
        queue: queue.into(),
        rule: "everything".into(),
        priority: 5,
        answer: AnswerMode::OnAgent,
        wants: Vec::new(),
    };
    Entry { at: at(n, 1), fact }
}

fn offered(n: u32, offer: u64, seat: &str) -> Entry {
    let fact = Fact::Offered {
        call: call(n),
        offer: OfferId(offer),
        seat: seat.into(),
        operator: Some("ani".into()),
    };
    Entry { at: at(n, 10), fact }
}

fn offer_ended(n: u32, offer: u64, seat: &str, outcome: OfferOutcome, status: u16) -> Entry {
    let status = Some(status);
    let fact = Fact::OfferEnded {
        call: call(n),
        offer: OfferId(offer),
        seat: seat.into(),
        outcome,
        status,
    };
    Entry { at: at(n, 2_000), fact }
}

fn ended(n: u32, stage: Stage, by: Party, cause: Cause) -> Entry {
    let ending = Ending { stage, by, cause, q850: Some(16) };
    let fact =
        Fact::Ended { call: call(n), ending, caller_packets: Some(50), seat_packets: Some(49) };
    Entry { at: at(n, 9_500), fact }
}

/// A call that seat-1 refuses and seat-2 answers, recorded.
fn answered_call(n: u32) -> Vec<Entry> {
    let file = format!("{}.wav", call(n));
    let later = |millis, fact| Entry { at: at(n, millis), fact };
    vec![
        arrived(n, "telkom"),
        queued(n, "112"),
        offered(n, 1, "seat-1"),
        offer_ended(n, 1, "seat-1", OfferOutcome::Busy, 486),
        offered(n, 2, "seat-2"),
        offer_ended(n, 2, "seat-2", OfferOutcome::Answered, 200),
        later(
            2_500,
            Fact::Answered {
                call: call(n),
                seat: "seat-2".into(),
                operator: Some("budi".into()),
                after_ms: 2_500,
            },
        ),
        later(2_600, Fact::RecordingStarted { call: call(n), file: file.clone() }),
        later(4_000, Fact::Held { call: call(n), by: Party::Seat }),
        later(5_000, Fact::Resumed { call: call(n), by: Party::Seat }),
        ended(n, Stage::Talking, Party::Caller, Cause::HungUp),
        later(
            9_700,
            Fact::RecordingSealed {
                call: call(n),
                file,
                sha256: "ab".repeat(32),
                millis: 7_000,
                bytes: 224_044,
            },
        ),
    ]
}

fn abandoned_call(n: u32) -> Vec<Entry> {
    vec![
        arrived(n, "indosat"),
        queued(n, "laut"),
        offered(n, 7, "seat-3"),
        offer_ended(n, 7, "seat-3", OfferOutcome::CallerLeft, 487),
        ended(n, Stage::Ringing, Party::Caller, Cause::Cancelled),
    ]
}

/// A message of a call to the trunk or from it.
fn signal(way: Way, message: &[u8]) -> Signal {
    Signal {
        way,
        peer: Peer::Trunk("telkom".into()),
        transport: Transport::Tcp,
        local: "203.0.113.10:5060".parse().expect("an address"),
        remote: "[2001:db8::7]:5060".parse().expect("an address"),
        message: Raw(bytes::Bytes::copy_from_slice(message)),
    }
}

fn signalled(n: u32, millis: i64, messages: Vec<Signal>, cut: bool) -> Entry {
    Entry { at: at(n, millis), fact: Fact::Signalled { call: call(n), messages, cut } }
}

async fn rows(store: &Store) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for row in store.list(&Filter::default()).await.expect("lists") {
        let incident: Incident = store.show(&row.id).await.expect("shows").expect("is there");
        all.push(serde_json::to_value(incident).expect("writes"));
    }
    all
}

#[tokio::test]
async fn an_answered_call_has_every_step_in_its_record() {
    let site = Site::new();
    let store = site.filled(answered_call(1)).await;
    let json = rows(&store).await.remove(0);
    for (path, wanted) in [
        ("/id", serde_json::json!(call(1).to_string())),
        ("/trunk", "telkom".into()),
        ("/source", "udp:198.51.100.7:5060".into()),
        ("/dialled", "112".into()),
        ("/sip_call_id", "call-1@carrier".into()),
        ("/icid", "icid-1".into()),
        ("/caller/phone/raw", "08120000001".into()),
        ("/caller/phone/e164", "+628120000001".into()),
        ("/caller/phone/class", "mobile".into()),
        ("/queue", "112".into()),
        ("/rule", "everything".into()),
        ("/priority", 5.into()),
        ("/priority_header", "emergency".into()),
        ("/seat", "seat-2".into()),
        ("/operator", "budi".into()),
        ("/answer_mode", "on_agent".into()),
        ("/received_at", "2026-09-17T05:00:01.000Z".into()),
        ("/queued_at", "2026-09-17T05:00:01.001Z".into()),
        ("/answered_at", "2026-09-17T05:00:03.500Z".into()),
        ("/ended_at", "2026-09-17T05:00:10.500Z".into()),
        ("/answer_ms", 2_500.into()),
        ("/duration_ms", 9_500.into()),
        ("/stage", "talking".into()),
        ("/ended_by", "caller".into()),
        ("/cause", "hung-up".into()),
        ("/q850", 16.into()),
        ("/outcome", "answered".into()),
        ("/caller_packets", 50.into()),
        ("/recording/state", "sealed".into()),
        ("/recording/millis", 7_000.into()),
        ("/recording/sha256", "ab".repeat(32).into()),
        ("/offers/0/seat", "seat-1".into()),
        ("/offers/0/outcome", "busy".into()),
        ("/offers/0/status", 486.into()),
        ("/offers/1/outcome", "answered".into()),
        ("/steps/0/fact", "arrived".into()),
        ("/steps/0/seq", 1.into()),
        ("/steps/8/by", "seat".into()),
        ("/steps/11/fact", "recording-sealed".into()),
        ("/raw/text", "INVITE sip:112@x SIP/2.0\r\n\r\n".into()),
        ("/findings", serde_json::json!(["odd", "rare"])),
    ] {
        assert_eq!(json.pointer(path), Some(&wanted), "{path} in {json:#}");
    }
    assert!(json["steps"][0].get("arrival").is_none(), "{json:#}");
}

#[tokio::test]
async fn the_stage_of_a_live_call_follows_and_no_late_fact_reopens_an_ended_one() {
    let site = Site::new();
    let facts = answered_call(1);
    let wanted = [
        "arriving", "waiting", "ringing", "waiting", "ringing", "ringing", "talking", "talking",
        "talking", "talking", "talking", "talking",
    ];
    let store = site.store();
    for (entry, wanted) in facts.iter().zip(wanted) {
        site.write([entry.clone()]);
        store.catch_up(&site.journal()).await.expect("catches up");
        let json = rows(&store).await.remove(0);
        assert_eq!(json["stage"], wanted, "after {:?}", entry.fact);
        let over = json["ended_at"].is_string();
        assert_eq!(json["outcome"].is_string(), over);
    }
    site.write([queued(1, "other"), ended(1, Stage::Waiting, Party::Gateway, Cause::Restart)]);
    store.catch_up(&site.journal()).await.expect("catches up");
    let json = rows(&store).await.remove(0);
    assert_eq!((json["queue"].as_str(), json["cause"].as_str()), (Some("112"), Some("hung-up")));
}

#[tokio::test]
async fn projecting_again_after_a_stop_at_any_entry_gives_the_same_rows() {
    let entries: Vec<Entry> =
        [answered_call(1), abandoned_call(2), answered_call(3), silent_call_and_its_return(4, 5)]
            .concat();
    let whole = Site::new();
    let wanted = rows(&whole.filled(entries.clone()).await).await;
    // A server takes a while for each place of its own.
    for stop in (0..entries.len()).step_by(if postgres().is_some() { 9 } else { 1 }) {
        let site = Site::new();
        let first = site.filled(entries[..stop].to_vec()).await;
        site.write(entries[stop..].to_vec());
        // Two processes at once, as a gateway and a command line would be.
        let second = site.store();
        let journal = site.journal();
        let both = tokio::join!(first.catch_up(&journal), second.catch_up(&journal));
        assert_eq!(both.0.expect("catches up"), entries.len() as u64);
        assert_eq!(both.1.expect("catches up"), entries.len() as u64);
        assert_eq!(rows(&second).await, wanted, "stopped after {stop}");
    }
}

/// A caller of a marked number of whom nothing is heard but noise, who leaves, is called back in
/// vain, rings again (call 3) and is judged.
fn silent_call_and_its_return(n: u32, again: u32) -> Vec<Entry> {
    let later = |millis, fact| Entry { at: at(n, millis), fact };
    let laned = |lane, why: &str| Fact::Laned { call: call(n), lane, why: why.into() };
    let heard = |sound: &str| Fact::Heard {
        call: call(n),
        sound: sound.into(),
        by: Party::Caller,
        after_ms: 4_000,
    };
    let work = WorkId(call(n).0);
    let number = || Private::new(format!("+62812000{n:04}"));
    let marked = |of, until| Fact::NumberMarked {
        number: number(),
        call: call(of),
        until: WallTime(BASE + until),
        by: "siti".into(),
    };
    let opened = |of, kind| Fact::WorkOpened { work, call: call(of), kind, number: Some(number()) };
    let mut queued = queued(n, "112");
    if let Fact::Queued { wants, .. } = &mut queued.fact {
        *wants = vec![
            Want { skill: "mad".into(), level: 3 },
            Want { skill: "islands".into(), level: 1 },
        ];
    }
    let disposed = |disposition| Fact::Disposed { call: call(n), disposition, by: "siti".into() };
    let why = || "same number, 1 minute before".to_owned();
    vec![
        arrived(n, "telkom"),
        queued,
        later(2, laned(Lane::Nuisance, "marked by siti until 06:00")),
        later(3, Fact::EarlyMedia { call: call(n) }),
        later(3_000, Fact::Prompted { call: call(n), prompt: 1 }),
        later(4_000, heard("noise")),
        later(4_100, heard("tap")),
        later(4_200, heard("noise")),
        later(5_000, laned(Lane::Silent, "nothing was said after two prompts")),
        ended(n, Stage::Waiting, Party::Caller, Cause::Cancelled),
        later(9_600, laned(Lane::Usual, "too late")),
        later(9_700, opened(n, WorkKind::GhostWithNoise)),
        later(
            20_000,
            Fact::WorkTried { work, attempt: call(900), seat: "seat-1".into(), by: "siti".into() },
        ),
        later(
            30_000,
            Fact::WorkTriedEnded { work, attempt: call(900), outcome: WorkOutcome::NoAnswer },
        ),
        later(31_000, marked(again, 3_600_000_000)),
        later(31_500, marked(n, 7_200_000_000)),
        // Said twice of one call: that is once.
        later(32_000, marked(n, 7_200_000_000)),
        arrived(again, "telkom"),
        later(60_000, Fact::Linked { call: call(again), to: call(n), why: why() }),
        later(60_001, opened(again, WorkKind::Dropped)),
        later(
            60_002,
            Fact::WorkClosed {
                work,
                why: "the caller rang again".into(),
                by_call: Some(call(again)),
                by: String::new(),
            },
        ),
        later(61_000, disposed(Disposition::Prank)),
        later(62_000, disposed(Disposition::Ghost)),
        later(
            63_000,
            Fact::PickedUp { call: call(again), seat: "seat-1".into(), by: "siti".into() },
        ),
    ]
}

#[tokio::test]
async fn lanes_signs_judgements_links_and_the_work_list_are_in_the_record() {
    let site = Site::new();
    let store = site.filled(silent_call_and_its_return(1, 3)).await;
    let json = |row: Incident| serde_json::to_value(row).expect("writes");
    let first = json(store.show(&call(1).to_string()).await.expect("shows").expect("is there"));
    for (path, wanted) in [
        ("/lane", serde_json::json!("silent")),
        ("/lane_why", "nothing was said after two prompts".into()),
        ("/wants", "mad:3 islands:1".into()),
        ("/heard", "noise tap".into()),
        ("/disposition", "ghost".into()),
        ("/disposed_by", "siti".into()),
        ("/disposed_at", "2026-09-17T05:01:03.000Z".into()),
        ("/links/0/order", "later".into()),
        ("/links/0/call", call(3).to_string().into()),
        ("/links/0/why", "same number, 1 minute before".into()),
        ("/work/0/id", call(1).to_string().into()),
        ("/work/0/kind", "dropped".into()),
        ("/work/0/at", "2026-09-17T05:00:10.700Z".into()),
        ("/work/0/closed_at", "2026-09-17T05:01:01.002Z".into()),
        ("/work/0/why", "the caller rang again".into()),
        ("/work/0/by", serde_json::Value::Null),
        ("/work/0/by_call", call(3).to_string().into()),
        ("/work/0/attempts/0/seat", "seat-1".into()),
        ("/work/0/attempts/0/outcome", "no-answer".into()),
        ("/work/0/attempts/0/ended_at", "2026-09-17T05:00:31.000Z".into()),
    ] {
        assert_eq!(first.pointer(path), Some(&wanted), "{path} in {first:#}");
    }
    let steps: Vec<&str> =
        first["steps"].as_array().unwrap().iter().map(|s| s["fact"].as_str().unwrap()).collect();
    for fact in [
        "laned",
        "early-media",
        "prompted",
        "heard",
        "work-opened",
        "work-tried",
        "work-tried-ended",
        "work-closed",
        "number-marked",
        "disposed",
    ] {
        assert!(steps.contains(&fact), "{fact} in {steps:?}");
    }
    let second = json(store.show(&call(3).to_string()).await.expect("shows").expect("is there"));
    assert_eq!(second["links"][0]["order"], "earlier");
    assert_eq!(second["links"][0]["incident"], call(1).to_string());
    assert_eq!(second["work"][0]["id"], call(1).to_string());
    assert_eq!((&second["lane"], &second["heard"]), (&"usual".into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn lanes_and_judgements_narrow_a_list_and_are_told_in_a_terminal() {
    let site = Site::new();
    let store = site.filled(silent_call_and_its_return(1, 3)).await;
    let found = async |pairs: &[(&str, &str)]| {
        let mut filter = Filter::default();
        pairs
            .iter()
            .for_each(|(key, value)| filter.set(key, value, &TimeZone::UTC).expect("a filter"));
        store.list(&filter).await.expect("lists").len()
    };
    assert_eq!(found(&[("lane", "silent")]).await, 1);
    assert_eq!(found(&[("lane", "nuisance")]).await, 0);
    assert_eq!(found(&[("disposition", "ghost")]).await, 1);
    assert_eq!(found(&[("disposition", "prank")]).await, 0);
    assert_eq!(found(&[("disposition", "none")]).await, 1);

    let table = run_cli(&site, "list", "", cli::Format::Table).await.expect("lists");
    assert!(table.contains("112/silent") && table.contains("ghost"), "{table}");
    let id = call(1).to_string();
    let story = run_cli(&site, "show", &id, cli::Format::Table).await.expect("shows");
    for part in [
        "lane         silent: nothing was said after two prompts".to_owned(),
        "skills       mad:3 islands:1".into(),
        "heard        noise tap".into(),
        "kind         ghost, said by siti".into(),
        format!("linked       later {} (same number, 1 minute before)", call(3)),
        format!("call back    {id}, dropped (seat-1 no-answer; the caller rang again)"),
    ] {
        assert!(story.contains(&part), "{part} in {story}");
    }
}

#[tokio::test]
async fn a_restart_recalls_marks_that_stand_and_entries_that_are_open() {
    let site = Site::new();
    let facts = silent_call_and_its_return(1, 3);
    let closes = facts.iter().position(|e| matches!(e.fact, Fact::WorkClosed { .. })).unwrap();
    let store = site.filled(facts[..closes].to_vec()).await;
    let recall = store.recall(WallTime(BASE)).await.expect("recalls");
    let mark = Mark {
        number: Private::new("+628120000001".into()),
        at: at(1, 32_000),
        until: WallTime(BASE + 7_200_000_000),
        by: "siti".into(),
        times: 2,
    };
    assert_eq!(recall.marks, [mark]);
    let attempt = Attempt {
        call: call(900),
        seat: "seat-1".into(),
        at: at(1, 20_000),
        outcome: Some(WorkOutcome::NoAnswer),
    };
    let entry = WorkEntry {
        id: WorkId(call(1).0),
        call: call(1),
        incident: IncidentId(call(1).0),
        kind: WorkKind::Dropped,
        number: Some(Private::new("+628120000001".into())),
        at: at(1, 9_700),
        attempts: vec![attempt],
        times: 2,
    };
    assert_eq!(recall.work, [entry]);
    let expired = store.recall(WallTime(BASE + 7_200_000_000)).await.expect("recalls");
    assert_eq!((expired.marks.len(), expired.work.len()), (0, 1));

    // A mark that is set again after it expired counts from one; one that is taken back is gone.
    let number = || Private::new("+628120000001".to_owned());
    let again = Fact::NumberMarked {
        number: number(),
        call: call(3),
        until: WallTime(BASE + 9_000_000_000),
        by: "budi".into(),
    };
    site.write([Entry { at: WallTime(BASE + 8_000_000_000), fact: again }]);
    site.write(facts[closes..].to_vec());
    store.catch_up(&site.journal()).await.expect("catches up");
    let recall = store.recall(WallTime(BASE)).await.expect("recalls");
    assert_eq!((recall.marks[0].times, recall.marks[0].by.as_str()), (1, "budi"));
    assert_eq!(recall.work, []);
    let cleared = Fact::NumberCleared { number: number(), by: "budi".into() };
    site.write([Entry { at: WallTime(BASE + 8_100_000_000), fact: cleared }]);
    store.catch_up(&site.journal()).await.expect("catches up");
    assert_eq!(store.recall(WallTime(BASE)).await.expect("recalls").marks, []);

    let calls = store.calls_of(&call(1).to_string()).await.expect("asks");
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].call, calls[0].number.reveal().as_str()), (call(1), "+628120000001"));
    assert!(store.calls_of("nothing").await.expect("asks").is_empty());
}

#[tokio::test]
async fn filters_narrow_and_pages_follow_each_other() {
    let site = Site::new();
    let test = {
        let mut test = arrived(4, "telkom");
        if let Fact::Arrived { arrival, .. } = &mut test.fact {
            arrival.service = "urn:service:test.sos".into();
        }
        let answered = Fact::TestAnswered { call: call(4), after_ms: 3 };
        let ending = ended(4, Stage::Test, Party::Gateway, Cause::TestOver);
        vec![test, Entry { at: at(4, 3), fact: answered }, ending]
    };
    let lost =
        vec![arrived(5, "xl"), ended(5, Stage::Arriving, Party::Gateway, Cause::InternalFault)];
    let live = vec![arrived(6, "xl"), queued(6, "112"), offered(6, 9, "seat-1")];
    let calls = [answered_call(1), abandoned_call(2), answered_call(3), test, lost, live];
    let store = site.filled(calls.concat()).await;
    let found = async |pairs: &[(&str, &str)]| {
        let mut filter = Filter::default();
        pairs
            .iter()
            .for_each(|(key, value)| filter.set(key, value, &TimeZone::UTC).expect("a filter"));
        let rows = store.list(&filter).await.expect("lists");
        let number = |row: IncidentSummary| row.caller_raw[7..].parse::<u32>().expect("a number");
        rows.into_iter().map(number).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(&[("trunk", "telkom")]).await, [4, 3, 1]);
    assert_eq!(found(&[("queue", "laut")]).await, [2]);
    assert_eq!(found(&[("seat", "seat-2")]).await, [3, 1]);
    assert_eq!(found(&[("seat", "seat-1")]).await, [6, 3, 1]);
    assert_eq!(found(&[("stage", "ringing")]).await, [6, 2]);
    assert_eq!(found(&[("outcome", "answered")]).await, [3, 1]);
    assert_eq!(found(&[("outcome", "abandoned")]).await, [2]);
    assert_eq!(found(&[("outcome", "test")]).await, [4]);
    assert_eq!(found(&[("outcome", "other")]).await, [5]);
    assert_eq!(found(&[("number", "+6281200000")]).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(&[("number", "0003")]).await, [3]);
    assert_eq!(found(&[("number", "0812 0000-002")]).await, [2]);
    assert_eq!(found(&[("number", "62812")]).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(&[("number", "812000")]).await, [0u32; 0]);
    assert_eq!(found(&[("number", "%%%' OR '1'='1")]).await, [0u32; 0]);
    assert_eq!(found(&[("since", "2026-09-17T05:00:03Z")]).await, [6, 5, 4, 3]);
    assert_eq!(found(&[("until", "2026-09-17T12:00:03+07:00")]).await, [2, 1]);
    assert_eq!(found(&[("limit", "2")]).await, [6, 5]);
    let page = call(5).to_string();
    assert_eq!(found(&[("limit", "2"), ("before", &page)]).await, [4, 3]);
    assert_eq!(found(&[("trunk", "telkom' OR '1'='1")]).await, [0u32; 0]);
    assert!(store.show("0000000000000000").await.expect("asks").is_none());
}

#[tokio::test]
async fn records_are_found_by_place_category_number_and_words() {
    let site = Site::new();
    let mut address = arrived(1, "telkom");
    if let Fact::Arrived { arrival, .. } = &mut address.fact {
        arrival.kecamatan = Some("3529010".into());
        arrival.category = Some("fire".into());
        arrival.caller.name = Some(Private::new("Bu Siti".into()));
        let civic = vec![("A3".into(), "Sapeken".into()), ("A6".into(), "Jl.Pelabuhan".into())];
        arrival.locations = vec![Location { civic, ..Location::default() }];
    }
    let wrote = |n, text: &str| Fact::TextWritten {
        call: call(n),
        by: Party::Caller,
        name: String::new(),
        began: at(n, 0),
        text: Private::new(text.into()),
    };
    let edited = |n, saw, pairs: &[(Field, &str)]| {
        let text = |text: &str| Some(form::Value::Text(Private::new(text.to_owned())));
        let changes = pairs.iter().map(|(field, value)| (field.clone(), text(value))).collect();
        let incident = IncidentId(call(n).0);
        Fact::IncidentEdited(Box::new(Edit {
            incident,
            by: "ani".into(),
            saw,
            changes,
            version: 0,
        }))
    };
    let story = [(Field::Text, "Kebakaran gudang, DUA orang terjebak"), (Field::Desa, "Sapeken")];
    let store = site
        .filled([
            address,
            arrived(2, "telkom"),
            arrived(3, "xl"),
            Entry { at: at(2, 10), fact: wrote(2, "api di pasar!") },
            Entry { at: at(2, 20), fact: wrote(2, "tolong cepat") },
            Entry { at: at(3, 10), fact: edited(3, 0, &story) },
        ])
        .await;
    let found = async |pairs: &[(&str, &str)]| {
        let mut filter = Filter::default();
        pairs
            .iter()
            .for_each(|(key, value)| filter.set(key, value, &TimeZone::UTC).expect("a filter"));
        let rows = store.list(&filter).await.expect("lists");
        rows.into_iter().map(|row| row.caller_raw[7..].parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found(&[("place", "3529010")]).await, [1]);
    assert_eq!(found(&[("place", "sapeken")]).await, [3]);
    assert_eq!(found(&[("category", "fire")]).await, [1]);
    assert_eq!(found(&[("words", "siti")]).await, [1]);
    assert_eq!(found(&[("words", "sapeken")]).await, [3, 1]);
    assert_eq!(found(&[("words", "Pelabuhan jl")]).await, [1]);
    assert_eq!(found(&[("words", "PASAR, tolong")]).await, [2]);
    assert_eq!(found(&[("words", "kebak dua")]).await, [3]);
    assert_eq!(found(&[("words", "bakaran")]).await, [0u32; 0]);
    assert_eq!(found(&[("words", "sapeken"), ("trunk", "xl")]).await, [3]);
    assert_eq!(found(&[("words", "a' OR \"1\" NEAR(x) & | ! :*")]).await, [0u32; 0]);
    // What stands in the form counts, not what stood there.
    site.write([Entry { at: at(3, 50), fact: edited(3, 6, &[(Field::Text, "Banjir")]) }]);
    store.catch_up(&site.journal()).await.expect("catches up");
    assert_eq!(found(&[("words", "kebakaran")]).await, [0u32; 0]);
    assert_eq!(found(&[("words", "banjir sapeken")]).await, [3]);
}

/// What somebody wrote into the form of a call; none clears a field.
fn form(n: u32, millis: i64, fields: &[(Field, Option<&str>)]) -> Entry {
    let value = |text: &str| form::Value::Text(Private::new(text.to_owned()));
    let changes = fields.iter().map(|(field, text)| (field.clone(), text.map(value))).collect();
    let (incident, by) = (IncidentId(call(n).0), "ani".to_owned());
    let edit = Edit { incident, by, saw: 0, changes, version: 0 };
    Entry { at: at(n, millis), fact: Fact::IncidentEdited(Box::new(edit)) }
}

/// A report of where a caller most likely is.
fn located(n: u32, millis: i64, kecamatan: &str) -> Entry {
    let guess = Guess { code: kecamatan.into(), name: "x".into(), percent: 80, why: "cell".into() };
    let fact = Fact::Located(Box::new(Located {
        id: Uid::new(at(n, millis), n),
        call: Some(call(n)),
        report: Report { how: How::Reference, ..Report::default() },
        place: Some(Place { kecamatan: Some(guess), ..Place::default() }),
    }));
    Entry { at: at(n, millis), fact }
}

#[tokio::test]
async fn a_form_stands_over_what_came_with_the_call_and_a_cleared_field_goes_back_to_it() {
    let site = Site::new();
    let mut first = arrived(1, "telkom");
    if let Fact::Arrived { arrival, .. } = &mut first.fact {
        arrival.kecamatan = Some("3529010".into());
        arrival.category = Some("fire".into());
    }
    let of = |disposition| {
        let judged = Fact::Disposed { call: call(1), disposition, by: "ani".into() };
        Entry { at: at(1, 40), fact: judged }
    };
    let store = site
        .filled([
            first,
            form(1, 10, &[(Field::Category, Some("medis")), (Field::Kecamatan, Some("3529020"))]),
            located(1, 20, "3529030"),
            of(Disposition::Ghost),
            form(1, 50, &[(Field::Disposition, Some("ghost"))]),
        ])
        .await;
    let row = async || store.list(&Filter::default()).await.expect("lists").remove(0);
    let shown = async || {
        let row = row().await;
        (row.category.unwrap(), row.kecamatan.unwrap(), row.disposition)
    };
    // A report that came later does not stand over a person's word.
    assert_eq!(shown().await, ("medis".into(), "3529020".into(), Some("ghost".into())));

    let nothing = [(Field::Category, None), (Field::Kecamatan, None), (Field::Disposition, None)];
    site.write([form(1, 60, &nothing)]);
    store.catch_up(&site.journal()).await.expect("catches up");
    assert_eq!(shown().await, ("fire".into(), "3529030".into(), None));
    assert_eq!((row().await.disposed_by, row().await.disposed_at), (None, None));

    // Said of the call alone, and taken back.
    let withdrawn = Fact::DispositionWithdrawn { call: call(1), by: "ani".into() };
    site.write([of(Disposition::Prank)]);
    store.catch_up(&site.journal()).await.expect("catches up");
    assert_eq!(shown().await.2.as_deref(), Some("prank"));
    site.write([Entry { at: at(1, 80), fact: withdrawn }, located(1, 90, "3529040")]);
    store.catch_up(&site.journal()).await.expect("catches up");
    assert_eq!(shown().await, ("fire".into(), "3529040".into(), None));
}

#[tokio::test]
async fn a_call_is_found_by_the_number_in_its_form_as_long_as_it_stands_there() {
    let site = Site::new();
    let store = site
        .filled([
            arrived(1, "telkom"),
            arrived(2, "telkom"),
            form(1, 10, &[(Field::CallerNumber, Some("0877-1234 5678"))]),
        ])
        .await;
    let found = async |number: &str| {
        let mut filter = Filter::default();
        filter.set("number", number, &TimeZone::UTC).expect("a filter");
        store
            .list(&filter)
            .await
            .expect("lists")
            .into_iter()
            .map(|row| row.call)
            .collect::<Vec<_>>()
    };
    let first = vec![call(1).to_string()];
    let own = site.store().show(&first[0]).await.expect("shows").expect("there").summary;
    for typed in ["087712345678", "+62 877", "6287712345678", "45678"] {
        assert_eq!(found(typed).await, first, "{typed}");
    }
    assert_eq!(found(own.number()).await, first);
    site.write([form(1, 20, &[(Field::CallerNumber, None)])]);
    store.catch_up(&site.journal()).await.expect("catches up");
    assert_eq!(found("087712345678").await, Vec::<String>::new());
    assert_eq!(found(own.number()).await, first);
}

async fn run_cli(
    site: &Site,
    command: &str,
    id: &str,
    format: cli::Format,
) -> Result<String, cli::CliError> {
    let (store, journal, mut out) = (site.store(), site.journal(), Vec::new());
    let filter = Filter::default();
    match command {
        "list" => cli::list(&store, &journal, &filter, format, &mut out).await?,
        "show" => cli::show(&store, &journal, id, format, &mut out).await?,
        _ => cli::export(&store, &journal, &filter, format, &mut out).await?,
    }
    Ok(String::from_utf8(out).expect("text"))
}

#[tokio::test]
async fn the_command_line_shows_what_is_in_the_journal_even_when_nothing_projected_it() {
    let site = Site::new();
    let mut calls = [answered_call(1), abandoned_call(2)].concat();
    let mut odd = arrived(3, "xl");
    if let Fact::Arrived { arrival, .. } = &mut odd.fact {
        arrival.dialled = "=cmd|'/c calc'!A1,\"x\"".into();
        arrival.caller.phone.e164 = None;
        arrival.caller.phone.raw = Private::new("\u{1b}[2Janonymous".into());
    }
    calls.push(odd);
    site.write(calls);

    let table = run_cli(&site, "list", "", cli::Format::Table).await.expect("lists");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ID ") && lines[0].ends_with("REC"), "{table}");
    assert!(lines[1].contains("(arriving)") && !table.contains('\u{1b}'), "{table}");
    assert!(lines[2].contains("ringing/caller/cancelled") && lines[2].ends_with("no"), "{table}");
    assert!(lines[3].contains("+628120000001") && lines[3].contains("2.5 s"), "{table}");
    assert!(lines[3].contains("talking/caller/hung-up") && lines[3].ends_with("yes"), "{table}");

    let csv = run_cli(&site, "export", "", cli::Format::Csv).await.expect("exports");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let heading = reader.headers().expect("a heading").clone();
    let column = |name: &str| heading.iter().position(|h| h == name).expect("a column");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 3, "{csv}");
    assert_eq!(&rows[0][column("dialled")], "'=cmd|'/c calc'!A1,\"x\"");
    assert_eq!(&rows[2][column("caller_e164")], "+628120000001");
    assert_eq!(&rows[2][column("received_at")], "2026-09-17T05:00:01.000Z");
    assert_eq!(run_cli(&site, "list", "", cli::Format::Csv).await.expect("lists"), csv);

    let json = run_cli(&site, "export", "", cli::Format::Json).await.expect("exports");
    let all: Vec<Incident> = serde_json::from_str(&json).expect("JSON");
    assert_eq!(all.len(), 3);
    let id = call(1).to_string();
    let shown = run_cli(&site, "show", &id, cli::Format::Json).await.expect("shows");
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown, serde_json::to_value(&all[2]).expect("writes"));

    let story =
        run_cli(&site, "show", &id.to_uppercase(), cli::Format::Table).await.expect("shows");
    for part in [
        "while talking by caller: hung-up, Q.850 16",
        "+   2.500 s  answered",
        "seat=seat-2",
        "findings     odd; rare",
        "by=caller cause=hung-up q850=16 stage=talking",
    ] {
        assert!(story.contains(part), "{part} in {story}");
    }
    let error = run_cli(&site, "show", "nothing", cli::Format::Table).await.expect_err("refused");
    assert!(error.to_string().contains("incidents list"), "{error}");
}

#[tokio::test]
async fn an_empty_gateway_lists_nothing_with_a_heading() {
    let site = Site::new();
    let csv = run_cli(&site, "export", "", cli::Format::Csv).await.expect("exports");
    assert!(csv.starts_with("id,call,trunk,") && csv.lines().count() == 1, "{csv}");
    assert_eq!(run_cli(&site, "export", "", cli::Format::Json).await.expect("exports"), "[]\n");
    let table = run_cli(&site, "list", "", cli::Format::Table).await.expect("lists");
    assert!(table.ends_with("no incidents\n"), "{table}");
}

fn running(folder: &Path) -> JournalHandle {
    let (writer, _) = JournalWriter::open(folder).expect("opens");
    writer.start(|_| {}).expect("starts")
}

async fn until(projector: &Projector, wanted: impl Fn(&StoreHealth) -> bool) -> StoreHealth {
    let mut health = projector.health();
    health.wait_for(|health| wanted(health)).await.expect("the projector runs").clone()
}

#[tokio::test]
async fn the_projector_follows_the_journal_and_finishes_at_stop() {
    let site = Site::new();
    let handle = running(&site.journal());
    let projector = Projector::start(site.store(), site.journal(), handle.durable());
    for n in 1..=300 {
        answered_call(n).into_iter().for_each(|entry| handle.append(1, entry));
    }
    assert_eq!(handle.stop(), 0);
    projector.stop().await;
    let filter = Filter { limit: 1000, ..Filter::default() };
    let rows = site.store().list(&filter).await.expect("lists");
    assert_eq!(rows.len(), 300);
    assert!(rows.iter().all(|row| row.recording_state.as_deref() == Some("sealed")));
}

#[tokio::test]
async fn a_broken_database_is_said_with_its_path_and_mended_without_loss() {
    if postgres().is_some() {
        return;
    }
    let site = Site::new();
    std::fs::write(site.database(), b"this is no database at all, whatever its name says").unwrap();
    let handle = running(&site.journal());
    let projector = Projector::start(site.store(), site.journal(), handle.durable());
    answered_call(1).into_iter().for_each(|entry| handle.append(1, entry));
    let health = until(&projector, |health| matches!(health, StoreHealth::Failed { .. })).await;
    let StoreHealth::Failed { why } = health else { panic!("failed") };
    assert!(why.contains("incidents.db") && why.contains("move it away"), "{why}");
    assert!(matches!(site.store().list(&Filter::default()).await, Err(StoreError::Damaged { .. })));
    std::fs::remove_file(site.database()).expect("moved away");
    until(&projector, |health| *health == StoreHealth::Ok).await;
    assert_eq!(handle.stop(), 0);
    projector.stop().await;
    assert_eq!(rows(&site.store()).await.len(), 1);
}

#[tokio::test]
async fn a_database_of_another_journal_is_refused_and_left_alone() {
    let site = Site::new();
    drop(site.filled(answered_call(1)).await);
    std::fs::remove_dir_all(site.journal()).expect("gone");
    site.write([answered_call(2), answered_call(3)].concat());
    let store = site.store();
    let error = store.catch_up(&site.journal()).await.expect_err("refused").to_string();
    assert!(error.contains("another journal"), "{error}");
    assert!(error.contains("incidents.db") || error.contains("PostgreSQL at 127.0.0.1"), "{error}");
    assert_eq!(rows(&store).await.len(), 1);
}

#[test]
fn what_was_going_on_is_found_when_the_journal_is_opened_again() {
    let site = Site::new();
    let mut talking = answered_call(2);
    talking.truncate(8);
    let mut unsealed = answered_call(3);
    unsealed.pop();
    let waiting = vec![arrived(4, "xl"), queued(4, "112")];
    site.write([answered_call(1), talking, unsealed, waiting].concat());
    let (_, recovered) = JournalWriter::open(&site.journal()).expect("opens");
    assert_eq!((recovered.next_seq, recovered.torn), (12 + 8 + 11 + 2 + 1, false));
    let open: Vec<_> =
        recovered.open_calls.iter().map(|c| (c.call, c.stage, c.recording.clone())).collect();
    let file = |n| format!("{}.wav", call(n));
    assert_eq!(open, [(call(2), Stage::Talking, Some(file(2))), (call(4), Stage::Waiting, None)]);
    assert_eq!(recovered.open_recordings, [(call(2), file(2)), (call(3), file(3))]);
    let callable = recovered.open_calls[0].callable.as_ref().map(|number| number.reveal().clone());
    assert_eq!(callable.as_deref(), Some("+628120000002"));
    assert_eq!(recovered.open_calls[0].operator, Some("budi".into()));
}

#[test]
fn whom_a_restart_cut_off_is_known_until_the_work_list_knows_it() {
    let restart = |n| ended(n, Stage::Waiting, Party::Gateway, Cause::Restart);
    let cut = |n| vec![arrived(n, "xl"), queued(n, "112"), restart(n)];
    let listed = Fact::WorkOpened {
        work: WorkId(call(9).0),
        call: call(1),
        kind: WorkKind::Dropped,
        number: None,
    };
    let listed = vec![Entry { at: at(1, 31_000), fact: listed }];
    let site = Site::new();
    site.write([answered_call(3), cut(1), listed, cut(2)].concat());
    let (_, recovered) = JournalWriter::open(&site.journal()).expect("opens");
    let lost: Vec<_> = recovered.cut_off.iter().map(|lost| (lost.call, lost.at)).collect();
    assert_eq!(lost, [(call(2), restart(2).at)]);
}

#[tokio::test]
async fn a_ladder_has_every_message_in_order_also_those_after_the_end() {
    let site = Site::new();
    let invite = b"INVITE sip:112@h SIP/2.0\r\ni: call-1@carrier\r\nCSeq: 7 INVITE\r\n\r\nv=0\r\n";
    let seat = Signal { peer: Peer::Seat("seat-2".into()), ..signal(Way::In, b"\xff\x00 no SIP") };
    let mut entries = answered_call(1);
    entries.insert(
        1,
        signalled(
            1,
            0,
            vec![signal(Way::In, invite), signal(Way::Out, b"SIP/2.0 100 T\r\n\r\n")],
            false,
        ),
    );
    entries.push(signalled(1, 9_800, vec![seat], false));
    entries.extend(abandoned_call(2));
    // More than any one statement takes, all told apart.
    let many = (0..700).map(|n| signal(Way::Out, format!("SIP/2.0 {n}").as_bytes())).collect();
    entries.push(signalled(2, 9_900, many, false));
    entries.push(signalled(2, 9_901, Vec::new(), true));
    let store = site.filled(entries.clone()).await;
    let ladder =
        store.ladder(&call(1).to_string().to_uppercase()).await.expect("reads").expect("is there");
    let json = serde_json::to_value(&ladder).expect("writes");
    for (path, wanted) in [
        ("/incident", call(1).to_string().into()),
        ("/calls/0/call", call(1).to_string().into()),
        ("/calls/0/trunk", "telkom".into()),
        ("/calls/0/complete", true.into()),
        ("/calls/0/messages/0/at", "2026-09-17T05:00:01.000Z".into()),
        ("/calls/0/messages/0/direction", "in".into()),
        ("/calls/0/messages/0/transport", "tcp".into()),
        ("/calls/0/messages/0/from/role", "trunk telkom".into()),
        ("/calls/0/messages/0/from/address", "[2001:db8::7]:5060".into()),
        ("/calls/0/messages/0/to/role", "gateway".into()),
        ("/calls/0/messages/0/to/address", "203.0.113.10:5060".into()),
        ("/calls/0/messages/0/first_line", "INVITE sip:112@h SIP/2.0".into()),
        ("/calls/0/messages/0/call_id", "call-1@carrier".into()),
        ("/calls/0/messages/0/cseq", "7 INVITE".into()),
        ("/calls/0/messages/0/message/text", String::from_utf8_lossy(invite).into_owned().into()),
        ("/calls/0/messages/1/from/role", "gateway".into()),
        ("/calls/0/messages/2/at", "2026-09-17T05:00:10.800Z".into()),
        ("/calls/0/messages/2/from/role", "seat-2".into()),
        ("/calls/0/messages/2/message/hex", "ff00206e6f20534950".into()),
    ] as [(&str, serde_json::Value); 19]
    {
        assert_eq!(json.pointer(path), Some(&wanted), "{path} in {json:#}");
    }
    assert_eq!(ladder.calls[0].messages.len(), 3);
    let second = store.ladder(&call(2).to_string()).await.expect("reads").expect("is there");
    let lines: Vec<&str> = second.calls[0].messages.iter().map(|m| m.first_line.as_str()).collect();
    let wanted: Vec<String> = (0..700).map(|n| format!("SIP/2.0 {n}")).collect();
    assert_eq!(lines, wanted);
    assert!(!second.calls[0].complete);
    assert!(store.ladder("0000000000000000").await.expect("asks").is_none());
    // The record itself is as it was: no step, nothing reopened.
    let json = rows(&store).await.remove(1);
    assert_eq!(
        (json["stage"].as_str(), json["steps"].as_array().map(Vec::len)),
        (Some("talking"), Some(12))
    );

    // Built anew from the journal, in two halves, it is the same.
    let again = Site::new();
    again.filled(entries[..5].to_vec()).await;
    let store = again.filled(entries[5..].to_vec()).await;
    let other = store.ladder(&call(2).to_string()).await.expect("reads").expect("is there");
    assert_eq!(other, second);
    assert_eq!(store.ladder(&call(1).to_string()).await.expect("reads"), Some(ladder));
}

#[tokio::test]
async fn the_command_line_draws_a_ladder() {
    let site = Site::new();
    let invite = signal(Way::In, b"INVITE sip:112@h SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n");
    site.write([arrived(1, "telkom"), signalled(1, 0, vec![invite], false)]);
    let paper = Paper { width: 80, ascii: true, whole: false };
    let ladder = async |id: &str, format| {
        let (store, mut out) = (site.store(), Vec::new());
        cli::ladder(&store, &site.journal(), id, format, paper, &mut out).await?;
        Ok::<_, cli::CliError>(String::from_utf8(out).expect("text"))
    };
    let id = call(1).to_string();
    let drawn = ladder(&id, cli::Format::Table).await.expect("draws");
    assert!(drawn.contains("-INVITE-") && drawn.contains("trunk telkom"), "{drawn}");
    let json = ladder(&id, cli::Format::Json).await.expect("writes");
    assert!(serde_json::from_str::<Ladder>(&json).is_ok_and(|l| l.calls[0].messages.len() == 1));
    let error = ladder(&id, cli::Format::Csv).await.expect_err("refused");
    assert!(error.to_string().contains("leave --format csv or sheet out"), "{error}");
    let error = ladder("nothing", cli::Format::Table).await.expect_err("refused");
    assert!(error.to_string().contains("incidents list"), "{error}");
}

/// A call of a trunk and queue that came `second` s after the base and was answered, or left.
struct Told {
    n: u32,
    trunk: &'static str,
    /// After so many milliseconds, by this operator of seat-1, for so many of talk.
    answered: Option<(u64, &'static str, i64)>,
    /// Left after so many milliseconds, when nobody answered.
    left: i64,
    kind: Option<Disposition>,
}

fn told(call_: &Told) -> Vec<Entry> {
    let Told { n, trunk, answered, left, kind } = *call_;
    let later = |millis, fact| Entry { at: at(n, millis), fact };
    let mut entries = vec![arrived(n, trunk), queued(n, "112")];
    let ending = |stage| Fact::Ended {
        call: call(n),
        ending: Ending { stage, by: Party::Caller, cause: Cause::HungUp, q850: None },
        caller_packets: None,
        seat_packets: None,
    };
    if let Some((after_ms, operator, talk)) = answered {
        let operator: Option<siaga112::vocabulary::OperatorId> = Some(operator.into());
        let after = i64::try_from(after_ms).expect("a wait");
        // Every one is answered again later on, as after a phone that was lost: the first counts.
        let fact = |after_ms| Fact::Answered {
            call: call(n),
            seat: "seat-1".into(),
            operator: operator.clone(),
            after_ms,
        };
        entries.push(later(after, fact(after_ms)));
        entries.push(later(after + 1_000, fact(after_ms + 1_000)));
        entries.push(later(after + talk, ending(Stage::Talking)));
    } else {
        entries.push(later(left, ending(Stage::Waiting)));
    }
    let disposed = |disposition| Fact::Disposed { call: call(n), disposition, by: "siti".into() };
    entries.extend(kind.map(|kind| later(400_000, disposed(kind))));
    entries
}

/// Ten calls, a test call, a call of the hour after, and a seat that is signed in for 20 minutes.
fn a_week() -> Vec<Entry> {
    let answered = |n, trunk, after, operator, kind| Told {
        n,
        trunk,
        answered: Some((after, operator, 60_000)),
        left: 0,
        kind,
    };
    let left = |n, trunk, left, kind| Told { n, trunk, answered: None, left, kind };
    let calls = [
        answered(10, "telkom", 4_000, "ani", Some(Disposition::Normal)),
        answered(11, "telkom", 10_000, "ani", Some(Disposition::Prank)),
        answered(12, "telkom", 14_000, "ani", Some(Disposition::Prank)),
        answered(13, "xl", 19_000, "budi", Some(Disposition::Ghost)),
        answered(14, "xl", 43_000, "budi", Some(Disposition::Information)),
        answered(15, "xl", 6_000, "budi", None),
        left(16, "telkom", 2_000, None),
        left(17, "telkom", 8_000, Some(Disposition::Abandoned)),
        left(18, "xl", 31_000, None),
    ];
    let mut entries: Vec<Entry> = calls.iter().flat_map(told).collect();
    let mut test = arrived(19, "xl");
    if let Fact::Arrived { arrival, .. } = &mut test.fact {
        arrival.service = "urn:service:test.sos".into();
    }
    let fault = ended(20, Stage::Waiting, Party::Gateway, Cause::Restart);
    entries.extend([test, ended(19, Stage::Arriving, Party::Gateway, Cause::TooManyTests)]);
    entries.extend([arrived(20, "telkom"), queued(20, "laut"), fault]);
    let seat = |second: u32, state: &str| Entry {
        at: at(second, 0),
        fact: Fact::SeatChanged { seat: "seat-1".into(), state: state.into(), by: String::new() },
    };
    let asked =
        Fact::SeatChanged { seat: "seat-1".into(), state: "set paused".into(), by: "siti".into() };
    entries.extend([seat(0, "ready"), seat(600, "wrap-up"), seat(660, "ready")]);
    entries.push(Entry { at: at(700, 0), fact: asked });
    entries.push(seat(1200, "signed-out"));
    // Two callers to be called back: one reached, one not.
    for (n, outcome) in [(17, WorkOutcome::Answered), (18, WorkOutcome::Busy)] {
        let work = WorkId(call(n).0);
        let opened =
            Fact::WorkOpened { work, call: call(n), kind: WorkKind::Abandoned, number: None };
        let attempt = call(n + 900);
        let tried = Fact::WorkTried { work, attempt, seat: "seat-1".into(), by: "siti".into() };
        let over = Fact::WorkTriedEnded { work, attempt, outcome };
        entries.extend([opened, tried, over].map(|fact| Entry { at: at(n, 60_000), fact }));
    }
    entries
}

fn jakarta() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

fn first_hour() -> Period {
    Period { since: WallTime(BASE), until: WallTime(BASE + 3_600_000_000) }
}

#[tokio::test]
async fn standards_are_counted_from_the_records_and_the_short_stand_apart() {
    let site = Site::new();
    let store = site.filled(a_week()).await;
    let report =
        store.standards_report(first_hour(), By::Queue, &jakarta()).await.expect("reports");
    let all = &report.whole;
    assert_eq!((all.offered, all.answered, all.abandoned), (10, 6, 3));
    assert_eq!((all.lost, all.waiting, all.tests), (1, 0, 1));
    assert_eq!((all.abandoned_under_3s, all.abandoned_3_to_10s), (1, 1));
    assert_eq!((all.abandoned_10_to_30s, all.abandoned_over_30s), (0, 1));
    assert_eq!(all.answered_10s, Some(0.3333));
    assert_eq!((all.answered_15s, all.answered_20s), (Some(0.4444), Some(0.5556)));
    assert_eq!((all.answered_10s_of_all, all.answered_20s_of_all), (Some(0.3), Some(0.5)));
    assert_eq!((all.abandoned_share, all.mean_ms), (Some(0.3), Some(16_000)));
    assert_eq!((all.p90_ms, all.mean_of_slowest_10pct_ms), (Some(43_000), Some(43_000)));
    assert_eq!((all.eu_met, all.nena_met), (Some(false), Some(false)));
    // Six minutes of talk and one of wrap-up in twenty minutes.
    assert_eq!((all.talk_seconds, all.signed_in_seconds), (360, 1_200));
    assert_eq!(all.occupancy, Some(0.35));
    let named = |report: &StandardsReport| {
        let slices = report.slices.iter();
        slices.map(|s| (s.slice.clone(), s.offered, s.answered)).collect::<Vec<_>>()
    };
    let slice = |name: &str, offered, answered| (name.to_owned(), offered, answered);
    // The test call waited nowhere.
    assert_eq!(named(&report), [slice("-", 0, 0), slice("112", 9, 6), slice("laut", 1, 0)]);

    let by =
        async |by| store.standards_report(first_hour(), by, &jakarta()).await.expect("reports");
    assert_eq!(named(&by(By::Trunk).await), [slice("telkom", 6, 3), slice("xl", 4, 3)]);
    assert_eq!(named(&by(By::Hour).await), [slice("2026-09-17 12:00", 10, 6)]);
    let operators = by(By::Operator).await;
    assert_eq!(named(&operators), [slice("-", 4, 0), slice("ani", 3, 3), slice("budi", 3, 3)]);
    let budi = &operators.slices[2];
    assert_eq!((budi.talk_seconds, budi.signed_in_seconds), (180, 1_200));

    // The period cuts calls by their INVITE and seats by the clock.
    let part = Period { since: at(12, 0), until: at(18, 0) };
    let part = store.standards_report(part, By::Trunk, &jakarta()).await.expect("reports");
    assert_eq!(named(&part), [slice("telkom", 3, 1), slice("xl", 3, 3)]);
    assert_eq!(part.whole.signed_in_seconds, 6);
    let empty = Period { since: WallTime(0), until: WallTime(1) };
    let empty = store.standards_report(empty, By::Queue, &jakarta()).await.expect("reports");
    assert_eq!((empty.whole.offered, empty.whole.occupancy), (0, None));
    assert!(empty.slices.is_empty());
}

#[tokio::test]
async fn hours_days_lanes_and_kinds_are_counted_alike_and_seats_by_the_clock() {
    let site = Site::new();
    let store = site.filled(a_week()).await;
    let report = store.hours_report(first_hour(), &jakarta()).await.expect("reports");
    let all = &report.whole;
    assert_eq!((all.offered, all.answered, all.abandoned, all.abandoned_short), (10, 6, 3, 1));
    assert_eq!((all.lost, all.waiting), (1, 0));
    assert_eq!((all.wait_p50_ms, all.wait_max_ms), (Some(10_000), Some(43_000)));
    assert_eq!((all.talk_seconds, all.wrap_up_seconds, all.signed_in_seconds), (360, 60, 1_200));
    assert_eq!(all.occupancy, Some(0.35));
    let named = |rows: &[HourFigures]| {
        let busy = rows.iter().filter(|row| row.offered > 0);
        busy.map(|row| (row.slice.clone(), row.offered, row.answered)).collect::<Vec<_>>()
    };
    let row = |name: &str, offered, answered| (name.to_owned(), offered, answered);
    assert_eq!((report.by_hour.len(), named(&report.by_hour)), (24, vec![row("12", 10, 6)]));
    assert_eq!(named(&report.by_day), [row("2026-09-17", 10, 6)]);
    assert_eq!(named(&report.by_lane), [row("usual", 10, 6)]);
    let kinds = [
        row("-", 4, 1),
        row("abandoned", 1, 0),
        row("ghost", 1, 1),
        row("information", 1, 1),
        row("normal", 1, 1),
        row("prank", 2, 2),
    ];
    assert_eq!(named(&report.by_disposition), kinds);
    assert_eq!(report.by_hour[12].signed_in_seconds, 1_200);
    let empty = Period { since: WallTime(0), until: WallTime(1) };
    let empty = store.hours_report(empty, &jakarta()).await.expect("reports");
    assert_eq!((empty.whole.offered, empty.whole.occupancy, empty.days), (0, None, 1));

    // What the hint for staffing is made of: answered or left, by queue and by the clock.
    let calls = store.calls_by_hour(first_hour(), "112", &jakarta()).await.expect("calls");
    assert_eq!(calls.len(), 9);
    let first = &calls[0];
    assert_eq!((first.day, first.weekday, first.hour), (0, 4, 12));
    assert_eq!((first.waited_ms, first.talk_ms), (4_000, Some(60_000)));
    let left = calls.iter().find(|call| call.waited_ms == 31_000).expect("the one who left");
    assert_eq!(left.talk_ms, None);
    let none = store.calls_by_hour(first_hour(), "lain", &jakarta()).await.expect("calls");
    assert!(none.is_empty());
}

#[tokio::test]
async fn the_week_has_the_form_s_columns_and_says_what_they_leave_out() {
    let site = Site::new();
    let store = site.filled(a_week()).await;
    let report = store.ciamis("2026-W38", &jakarta()).await.expect("reports");
    let rows: Vec<_> = report.rows.iter().chain([&report.total]).map(|row| row.cells()).collect();
    let cells = |cells: [&str; 6]| cells.map(str::to_owned);
    assert_eq!(
        rows,
        [
            cells(["ani", "1", "2", "0", "3", ""]),
            cells(["budi", "0", "0", "1", "3", "1 informasi, 1 belum dinilai"]),
            cells(["(tidak dijawab)", "0", "0", "0", "4", "1 ditinggalkan, 3 tidak dijawab"]),
            cells([
                "Total",
                "1",
                "2",
                "1",
                "10",
                "1 informasi, 1 ditinggalkan, 1 belum dinilai, 3 tidak dijawab"
            ]),
        ]
    );
    assert!(store.ciamis("2026-W39", &jakarta()).await.expect("reports").rows.is_empty());
    assert!(store.ciamis("38", &jakarta()).await.is_err());

    let month = store.national("2026-09", &jakarta()).await.expect("reports");
    let all = &month.whole;
    assert_eq!((all.calls, all.answered, all.abandoned, all.lost, all.tests), (10, 6, 3, 1, 1));
    assert_eq!((all.normal, all.prank, all.ghost, all.not_judged), (1, 2, 1, 1));
    assert_eq!((all.false_share, all.mean_ms), (Some(0.3), Some(16_000)));
    assert_eq!((all.callbacks_due, all.callbacks_done), (2, 1));
    assert_eq!(all.callback_done_share, Some(0.5));
    let networks: Vec<_> = month.networks.iter().map(|n| (n.network.as_str(), n.calls)).collect();
    assert_eq!(networks, [("telkom", 6), ("xl", 4)]);
    let done: Vec<_> = month.networks.iter().map(|n| n.callback_done_share).collect();
    assert_eq!(done, [Some(1.0), Some(0.0)]);
    assert_eq!(store.national("2026-10", &jakarta()).await.expect("reports").whole.calls, 0);
}

#[tokio::test]
async fn the_command_line_writes_reports_as_tables_csv_and_json() {
    let site = Site::new();
    site.write(a_week());
    let report = async |name: &str, format| {
        let (store, journal, zone, mut out) = (site.store(), site.journal(), jakarta(), Vec::new());
        match name {
            "standards" => {
                let asked = (first_hour(), By::Trunk);
                report_cli::standards(&store, &journal, asked, &zone, format, &mut out).await
            }
            "ciamis" => {
                report_cli::ciamis(&store, &journal, "2026-W38", &zone, format, &mut out).await
            }
            _ => report_cli::national(&store, &journal, "2026-09", &zone, format, &mut out).await,
        }
        .expect("writes");
        String::from_utf8(out).expect("text")
    };
    let table = report("standards", cli::Format::Table).await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("TRUNK ") && lines[0].ends_with("NENA"), "{table}");
    assert!(lines[1].starts_with("all ") && lines[1].contains("33.3 %"), "{table}");
    assert!(lines[1].contains("16.0 s") && lines[1].contains("35.0 %"), "{table}");
    let week = report("ciamis", cli::Format::Table).await;
    assert!(week.lines().last().is_some_and(|line| line.starts_with("Total")), "{week}");
    let month = report("national", cli::Format::Table).await;
    let line = |name: &str| {
        let line = month.lines().find(|line| line.starts_with(name)).expect(name);
        line.split("  ").filter(|cell| !cell.trim().is_empty()).map(str::trim).collect::<Vec<_>>()
    };
    assert_eq!(line("network"), ["network", "all", "telkom", "xl"]);
    assert_eq!(line("false share"), ["false share", "30.0 %", "33.3 %", "25.0 %"]);
    assert_eq!(line("calls"), ["calls", "10", "6", "4"]);
    assert_eq!(line("mean")[1], "16.0 s");

    for name in ["standards", "ciamis", "national"] {
        let csv = report(name, cli::Format::Csv).await;
        let rows = csv::Reader::from_reader(csv.as_bytes()).records().count();
        assert_eq!(rows, if name == "ciamis" { 4 } else { 3 }, "{csv}");
        let json = report(name, cli::Format::Json).await;
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    }
}

#[test]
fn every_story_is_the_same_with_postgresql() {
    if postgres().is_some() {
        return;
    }
    let server = Postgres::start();
    let told = std::process::Command::new(std::env::current_exe().expect("this program"))
        .env(POSTGRES, server.port().to_string())
        .args(["--test-threads", "2"])
        .output()
        .expect("runs");
    let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{out}\n{err}");
}
