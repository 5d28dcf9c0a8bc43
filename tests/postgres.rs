//! PostgreSQL that is away, hangs, takes nothing, or is shared: no call waits for it, nothing is lost,
//! and no journal mixes with another. What the records say is `tests/store.rs`'s.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use siaga112::incident::{self, Arrival, Edit, Field, Located, aml};
use siaga112::journal::{Entry, Fact};
use siaga112::store::access::AccessFilter;
use siaga112::store::{
    Filter, JournalHandle, JournalWriter, Projector, StorageSettings, Store, StoreError,
    StoreHealth,
};
use siaga112::vocabulary::{
    CallId, Cause, Ending, IncidentId, Party, Private, Stage, Uid, WallTime,
};
use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::postgres::Postgres;
use support::sipp::Sipp;
use support::wait::until;
use tempfile::TempDir;

/// 2026-09-17T05:00:00Z.
const BASE: i64 = 1_789_621_200_000_000;

fn call(n: u32) -> CallId {
    CallId(Uid::new(WallTime(BASE + i64::from(n) * 6_000_000), n))
}

/// A caller who left, six seconds after the one before.
fn left(n: u32) -> [Entry; 2] {
    let at = |millis: i64| WallTime(BASE + i64::from(n) * 6_000_000 + millis * 1000);
    let mut arrival = Arrival { dialled: "112".into(), ..Arrival::default() };
    // What strangers send may have a NUL in it, which PostgreSQL keeps in no text.
    arrival.caller.phone.raw = Private::new(format!("0812{n:06}\0"));
    let (trunk, source) = ("telkom".into(), "udp:198.51.100.7:5060".into());
    let arrival = Box::new(arrival);
    let incident = IncidentId(call(n).0);
    let arrived = Fact::Arrived { call: call(n), incident, trunk, source, arrival };
    let ending =
        Ending { stage: Stage::Waiting, by: Party::Caller, cause: Cause::Cancelled, q850: None };
    let ended = Fact::Ended { call: call(n), ending, caller_packets: None, seat_packets: None };
    [Entry { at: at(0), fact: arrived }, Entry { at: at(4_000), fact: ended }]
}

/// A node: its journal, and its place in the database.
struct Node {
    dir: TempDir,
    settings: StorageSettings,
}

impl Node {
    fn new(url: &str, name: &str) -> Self {
        let settings = StorageSettings { node: name.to_owned(), ..StorageSettings::at(url) };
        Self { dir: tempfile::tempdir().expect("a folder"), settings }
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    fn store(&self) -> Store {
        Store::open(&self.settings).expect("an address")
    }

    fn write(&self, calls: impl IntoIterator<Item = u32>) {
        let handle = running(&self.journal());
        calls.into_iter().flat_map(left).for_each(|entry| handle.append(0, entry));
        assert_eq!(handle.stop(), 0);
    }

    /// Reports of phones, each by its number, and the call that it was given to.
    fn keep(&self, reports: impl IntoIterator<Item = (u32, Option<CallId>)>) {
        let handle = running(&self.journal());
        for (n, call) in reports {
            let report = aml::sms("A\"ML=1;lt=-7.05;lg=113.9;rd=14", &format!("+62{n}"));
            let id = Uid::new(WallTime(BASE), n);
            let place = call.map(|_| Default::default());
            let fact = Fact::Located(Box::new(Located { id, call, report, place }));
            handle.append(0, Entry { at: WallTime(BASE), fact });
        }
        assert_eq!(handle.stop(), 0);
    }

    async fn catches_up(&self) -> Result<u64, StoreError> {
        self.store().catch_up(&self.journal()).await
    }
}

fn running(folder: &Path) -> JournalHandle {
    let (writer, _) = JournalWriter::open(folder).expect("opens");
    writer.start(|_| {}).expect("starts")
}

async fn health(projector: &Projector, wanted: impl Fn(&StoreHealth) -> bool) -> StoreHealth {
    let mut health = projector.health();
    health.wait_for(|health| wanted(health)).await.expect("the projector runs").clone()
}

async fn failed(projector: &Projector) -> String {
    match health(projector, |health| matches!(health, StoreHealth::Failed { .. })).await {
        StoreHealth::Failed { why } => why,
        other => panic!("{other:?}"),
    }
}

async fn seen(store: &Store) -> usize {
    store.list(&Filter { limit: 1000, ..Filter::default() }).await.expect("lists").len()
}

/// The reports that wait, ten seconds after they came.
async fn waiting(node: &Node, window: u64, last: u64) -> Vec<u32> {
    let now = WallTime(BASE + 10_000_000);
    let known = node.store().remembered(now, Duration::from_secs(window), last).await;
    let known = known.expect("remembered").waiting;
    let n = |id: Uid| (0..99).find(|n| Uid::new(WallTime(BASE), *n) == id).expect("a number");
    known.into_iter().map(|(_, id, _)| n(id)).collect()
}

#[tokio::test]
async fn an_hour_of_calls_without_the_server_is_there_when_it_is_back() {
    let mut server = Postgres::start();
    let node = Node::new(&server.database("hour"), "gw1");
    let handle = running(&node.journal());
    let projector = Projector::start(node.store(), node.journal(), handle.durable());
    left(1).into_iter().for_each(|entry| handle.append(1, entry));
    let mut durable = handle.durable();
    let mut applied = projector.applied();
    applied.wait_for(|seq| *seq >= 2).await.expect("the projector runs");
    assert_eq!(seen(&node.store()).await, 1);

    server.stop();
    (2..=600).flat_map(left).for_each(|entry| handle.append(1, entry));
    // Every one is on disk, whatever the server does.
    durable.wait_for(|seq| *seq >= 1200).await.expect("written");
    let why = failed(&projector).await;
    assert!(why.contains("PostgreSQL at 127.0.0.1") && why.contains("calls go on"), "{why}");
    let error = node.store().list(&Filter::default()).await.expect_err("is away");
    assert!(matches!(error, StoreError::Away { .. }), "{error}");

    server.resume();
    applied.wait_for(|seq| *seq >= 1200).await.expect("the projector runs");
    health(&projector, |health| *health == StoreHealth::Ok).await;
    assert_eq!(handle.stop(), 0);
    projector.stop().await;
    assert_eq!(seen(&node.store()).await, 600);
    let row = node.store().show(&call(600).to_string()).await.expect("asks").expect("is there");
    assert_eq!((row.steps.len(), row.summary.caller_raw.as_str()), (2, "0812000600\u{fffd}"));
}

#[tokio::test]
async fn a_server_that_takes_nothing_loses_nothing() {
    let server = Postgres::start();
    let node = Node::new(&server.database("takes_nothing"), "gw1");
    node.write([1]);
    let store = node.store();
    store.catch_up(&node.journal()).await.expect("catches up");
    assert_eq!(seen(&store).await, 1);
    // As a full disk does, it answers questions and takes no row.
    let mode = |on: &str| {
        server.ask(
            "postgres",
            &format!("ALTER ROLE siaga112 SET default_transaction_read_only = {on}"),
        )
    };
    mode("on").expect("set");
    node.write(2..=50);
    let error = node.catches_up().await.expect_err("refused").to_string();
    assert!(error.contains("read-only"), "{error}");
    assert_eq!(seen(&store).await, 1);
    // The next connection may write again.
    let reset = "BEGIN READ WRITE; \
                 ALTER ROLE siaga112 RESET default_transaction_read_only; COMMIT";
    server.ask("postgres", reset).expect("reset");
    assert_eq!(node.catches_up().await.expect("catches up"), 100);
    assert_eq!(seen(&node.store()).await, 50);
}

#[tokio::test]
async fn nodes_share_a_database_and_no_journal_mixes_with_another() {
    let server = Postgres::start();
    let url = server.database("shared");
    let (one, other) = (Node::new(&url, "gw1"), Node::new(&url, "gw2"));
    one.write(1..=20);
    other.write(21..=30);
    let both = tokio::join!(one.catches_up(), other.catches_up());
    assert_eq!((both.0.expect("catches up"), both.1.expect("catches up")), (40, 20));
    assert_eq!((seen(&one.store()).await, seen(&other.store()).await), (30, 30));
    // Both have lines 1 and 2; each call has its own.
    for n in [1, 21] {
        let row = one.store().show(&call(n).to_string()).await.expect("asks").expect("is there");
        let about: Vec<_> = row.steps.iter().map(|step| step["call"].clone()).collect();
        assert_eq!(about, [call(n).to_string(), call(n).to_string()]);
    }

    // A report that waits comes back to the node that took it: no other gives it to a call of its own.
    one.keep([(35, None), (36, None), (36, Some(call(1)))]);
    other.keep([(37, None)]);
    let both = tokio::join!(one.catches_up(), other.catches_up());
    assert_eq!((both.0.expect("catches up"), both.1.expect("catches up")), (43, 21));
    assert_eq!(waiting(&one, 60, u64::MAX).await, [35]);
    assert_eq!(waiting(&other, 60, u64::MAX).await, [37]);
    assert_eq!(waiting(&one, 60, 40).await, [0; 0], "only what was before the start");
    assert_eq!(waiting(&one, 1, u64::MAX).await, [0; 0], "only what is within the window");

    // Another journal under a name that is taken changes nothing.
    let stranger = Node::new(&url, "gw1");
    stranger.write(40..=90);
    let error = stranger.catches_up().await.expect_err("refused").to_string();
    assert!(error.contains("another journal") && error.contains("its own name"), "{error}");
    // A node that is named anew goes on where it was.
    let renamed = Node { settings: Node::new(&url, "gw3").settings, dir: one.dir };
    renamed.write([31]);
    assert_eq!(renamed.catches_up().await.expect("catches up"), 45);
    assert_eq!(seen(&other.store()).await, 31);
    let names =
        server.ask("postgres", "SELECT string_agg(name, ' ' ORDER BY name) FROM shared.node");
    assert_eq!(names.as_deref(), Ok("gw2 gw3"));

    // Who looked at what is told of both, page by page, from whichever is asked.
    for (node, first) in [(&renamed, 0), (&other, 1)] {
        let handle = running(&node.journal());
        for n in 0..150_i64 {
            let at = WallTime(BASE + (2 * n + first) * 1_000_000);
            let (by, what) = (format!("node {first}"), "incident read".into());
            let fact = Fact::Audited { by, what, subject: n.to_string(), reason: String::new() };
            handle.append(0, Entry { at, fact });
        }
        assert_eq!(handle.stop(), 0);
        node.catches_up().await.expect("catches up");
    }
    let mut looks = Vec::new();
    let mut filter = AccessFilter::default();
    loop {
        let page = other.store().access(&filter).await.expect("asks");
        let Some(last) = page.last() else { break };
        filter.before = Some(last.place);
        looks.extend(page);
    }
    assert!(looks.is_sorted_by(|a, b| a.at > b.at), "newest first, none twice");
    let of = |name: &str| looks.iter().filter(|look| look.node == name).count();
    assert_eq!((looks.len(), of("gw3"), of("gw2")), (300, 150, 150));
}

/// What is not as the journal says, and how much is.
/// What somebody wrote into a field of a call's form, having seen this version.
fn wrote(n: u32, micros: i64, (saw, version): (u64, u64), field: Field, text: &str) -> Entry {
    let text = incident::Value::Text(Private::new(text.to_owned()));
    let changes = [(field, Some(text))].into();
    let (incident, by) = (IncidentId(call(n).0), "siti".to_owned());
    let edit = Edit { incident, by, saw, changes, version };
    Entry { at: WallTime(BASE + micros), fact: Fact::IncidentEdited(Box::new(edit)) }
}

#[tokio::test]
async fn what_two_nodes_wrote_of_one_record_stands_there_whatever_their_lines_and_clocks_say() {
    let server = Postgres::start();
    let url = server.database("first");
    let (old, young) = (Node::new(&url, "gw1"), Node::new(&url, "gw2"));
    let write = |node: &Node, entries: &[Entry]| {
        let handle = running(&node.journal());
        entries.iter().for_each(|entry| handle.append(0, entry.clone()));
        assert_eq!(handle.stop(), 0);
    };
    let version = |micros: i64| (BASE + micros).unsigned_abs();
    // The first has many lines, the second few, and its clock is behind by a second.
    old.write(1..20);
    let first = wrote(1, 9_000_000, (0, version(9_000_000)), Field::Text, "api");
    write(&old, &[first]);
    let seen = version(9_000_000);
    let second = wrote(1, 8_000_000, (seen, seen + 1), Field::Text, "api besar");
    let other = wrote(1, 8_000_001, (seen + 1, seen + 2), Field::Desa, "Pabian");
    write(&young, &[second, other]);
    // Whichever comes into the database first.
    for (first, second, name) in [(&old, &young, "first"), (&young, &old, "turned")] {
        let url = if name == "first" { url.clone() } else { server.database(name) };
        let store = |node: &Node| {
            let settings =
                StorageSettings { node: node.settings.node.clone(), ..StorageSettings::at(&url) };
            Store::open(&settings).expect("an address")
        };
        for node in [first, second] {
            store(node).catch_up(&node.journal()).await.expect("catches up");
        }
        let known = store(&old).record(&call(1).to_string()).await.expect("asks").expect("there");
        let form = &known.record.form;
        assert_eq!(form.text(&Field::Text), Some("api besar"), "{name}");
        assert_eq!(form.text(&Field::Desa), Some("Pabian"), "{name}");
        let told: Vec<u64> = known.versions().iter().map(|version| version.version).collect();
        assert_eq!(told, [seen, seen + 1, seen + 2], "{name}");
        assert_eq!(known.record.version, seen + 2);
        let row = store(&young).show(&call(1).to_string()).await.expect("asks").expect("there");
        assert_eq!(row.summary.text.as_deref(), Some("api besar"), "{name}");
        // Whoever writes now meets what the other node has written.
        let text = incident::Value::Text(Private::new("padam".to_owned()));
        let mine = [(Field::Text, Some(text))].into();
        assert_eq!(known.record.conflicts(seen, &mine).len(), 1, "{name}");
        assert!(known.record.conflicts(seen + 2, &mine).is_empty(), "{name}");
    }
}

async fn compared(node: &Node, since: Option<WallTime>) -> (u64, Vec<String>, String) {
    let work = tempfile::tempdir().expect("a folder");
    let found = node.store().compare(&node.journal(), work.path(), 10, since).await;
    let found = found.expect("compared");
    let told = found.differences.iter().map(|it| format!("{}: {}", it.place, it.why)).collect();
    (found.rows, told, found.notes.join("; "))
}

#[tokio::test]
async fn a_shared_database_is_compared_with_each_journal_and_from_a_time_on() {
    let server = Postgres::start();
    let url = server.database("proved");
    let (one, other) = (Node::new(&url, "gw1"), Node::new(&url, "gw2"));
    one.write(1..=20);
    other.write(21..=30);
    one.catches_up().await.expect("catches up");
    other.catches_up().await.expect("catches up");
    for node in [&one, &other] {
        let (rows, told, note) = compared(node, None).await;
        assert!(rows > 50 && told.is_empty(), "{rows} {told:?}");
        assert!(note.contains("other nodes"), "{note}");
    }
    // The journal of the one in two files.
    let first = one.journal().join("0000000000000001.jsonl");
    let text = std::fs::read_to_string(&first).expect("read");
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(&first, all[..20].concat()).expect("written");
    std::fs::write(one.journal().join("0000000000000021.jsonl"), all[20..].concat())
        .expect("written");
    let since = Some(WallTime(BASE + 12 * 6_000_000));
    let (whole, told, _) = compared(&one, None).await;
    assert!(told.is_empty(), "{told:?}");
    let (part, told, _) = compared(&one, since).await;
    assert!(told.is_empty() && part > 20 && part < whole, "{part} of {whole}: {told:?}");

    let change = |n: u32| {
        let sql = format!("UPDATE proved.incident SET cause = 'x' WHERE call = '{}'", call(n));
        server.ask("postgres", &sql).expect("changed");
    };
    change(5);
    assert!(compared(&one, since).await.1.is_empty());
    assert!(compared(&one, None).await.1[0].contains("cause not what the journal says"));
    change(25);
    assert_eq!(compared(&one, None).await.1.len(), 1);
    assert_eq!(compared(&other, None).await.1.len(), 1);
    change(15);
    assert_eq!(compared(&one, since).await.1.len(), 1);
    let gone = format!("DELETE FROM proved.step WHERE call = '{}'", call(16));
    server.ask("postgres", &gone).expect("deleted");
    let (_, told, _) = compared(&one, since).await;
    assert!(told.iter().any(|told| told.contains("step") && told.contains("missing")), "{told:?}");

    // Lines that were cut off are told by the server, which has them.
    std::fs::write(one.journal().join("0000000000000021.jsonl"), all[20..30].concat())
        .expect("written");
    let (_, told, _) = compared(&one, since).await;
    assert!(told[0].contains("line 40") && told[0].contains("has not"), "{told:?}");
}

/// Takes all the room that is left beside a file.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut filler = std::fs::File::create(&path).expect("created");
    for size in [1 << 20, 4096, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
    let error = filler.write_all(&[0]).expect_err("no room");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    path
}

#[test]
fn full_disks_under_server_and_journal_end_no_call_and_lose_none() {
    let server = Postgres::on_a_disk(96);
    let url = server.database("filled");
    let centre = Centre { data_kib: Some(4096), ..Centre::default() };
    let (gateway, ()) = centre.start_with(|_, config| stored(config, &url));
    let seat = Sipp::seats(&gateway, 1, "seat-answers-expect-bye", &["-m", "7"]);
    let talks = |number: u32| {
        let mut caller = Caller::dials(&gateway, &format!("+62812000000{number:02}"), "");
        caller.await_answer();
        caller.hangs_up();
    };
    let ready = |wanted: &str, is: bool| {
        until(&format!("{wanted:?} on the page: {is}"), || {
            let page = String::from_utf8(gateway.get("/readyz").body).expect("text");
            (page.contains(wanted) == is).then_some(page)
        })
    };
    talks(1);
    assert_eq!(gateway.incidents(1).len(), 1);

    // The server's disk first: it answers questions, and takes no row.
    let servers = fill(&server.data());
    (2..=3).for_each(talks);
    let page = ready("PostgreSQL at 127.0.0.1", true);
    assert!(page.contains("No space left on device") && page.contains("degraded"), "{page}");
    // And our own as well: what cannot be written waits in memory.
    let own = fill(&gateway.data());
    (4..=5).for_each(talks);
    ready("journal: cannot", true);
    gateway.assert_nothing_left();

    // Our own has room again: everything is on disk, and the server still takes nothing.
    std::fs::remove_file(own).expect("removed");
    ready("journal: cannot", false);
    (6..=7).for_each(talks);
    seat.finish();
    ready("PostgreSQL at 127.0.0.1", true);
    std::fs::remove_file(servers).expect("removed");
    assert_eq!(gateway.incidents(7).len(), 7);
    ready("PostgreSQL", false);
    gateway.stop();
}

/// Writes where the records are kept.
fn stored(config: &Path, url: &str) {
    let file = config.join("gateway.toml");
    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(file, format!("{text}\n[storage]\nurl = \"{url}\"\n")).expect("written");
}

#[test]
fn a_server_that_hangs_delays_no_call_and_is_said() {
    let server = Postgres::start();
    let url = server.database("hangs");
    let (gateway, ()) = Centre::default().start_with(|_, config| stored(config, &url));
    let seat = Sipp::seats(&gateway, 1, "seat-answers-expect-bye", &["-m", "3"]);
    let talks = |number: &str| {
        let mut caller = Caller::dials(&gateway, number, "");
        caller.await_answer();
        caller.hangs_up();
    };
    talks("+6281200000001");
    assert_eq!(gateway.incidents(1).len(), 1);

    server.freeze();
    for number in ["+6281200000002", "+6281200000003"] {
        talks(number);
    }
    seat.finish();
    gateway.assert_nothing_left();
    let ready = until("the page says that the database hangs", || {
        let page = String::from_utf8(gateway.get("/readyz").body).expect("text");
        page.contains("PostgreSQL at 127.0.0.1").then_some(page)
    });
    assert!(ready.contains("degraded"), "{ready}");
    let answer = gateway.get("/api/v1/incidents");
    assert_eq!(answer.status, 503, "{answer:?}");
    // The command line reads this node's own journal meanwhile, and says so.
    let listed = Command::new(env!("CARGO_BIN_EXE_siaga112"))
        .args(["incidents", "list", "--reason", "a test looks", "--format", "csv", "--config"])
        .arg(gateway.config())
        .current_dir(gateway.config())
        .output()
        .expect("runs");
    let (out, err) =
        (String::from_utf8_lossy(&listed.stdout), String::from_utf8_lossy(&listed.stderr));
    assert!(listed.status.success() && err.contains("own journal"), "{err}");
    assert_eq!(out.lines().count(), 4, "{out}");

    server.thaw();
    assert_eq!(gateway.incidents(3).len(), 3);
    until("the page says that all is well", || {
        let page = String::from_utf8(gateway.get("/readyz").body).expect("text");
        (!page.contains("PostgreSQL")).then_some(())
    });
    gateway.stop();
}

/// A centre whose records are on a server.
fn on_a_server(centre: &Centre, url: &str) -> Gateway {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/categories.toml");
    let (gateway, ()) = centre.start_with(|_, config| {
        let file = config.join("gateway.toml");
        let text = std::fs::read_to_string(&file).expect("read");
        std::fs::write(file, format!("{text}\n[storage]\nurl = \"{url}\"\n")).expect("written");
        std::fs::copy(&sample, config.join("categories.toml")).expect("copied");
    });
    gateway
}

#[test]
fn forms_open_and_are_written_while_the_server_hangs_and_nothing_of_before_is_forgotten() {
    let server = Postgres::start();
    let url = server.database("forms");
    let centre = Centre::default();
    let gateway = on_a_server(&centre, &url);
    let waits = |gateway: &Gateway, number: &str| {
        let caller = Caller::waits(gateway, number);
        let incident = caller.live(gateway).expect("on the board").text("incident");
        (caller, incident)
    };
    let path = |incident: &str| format!("/api/v1/incidents/{incident}");
    let edit = |gateway: &Gateway, incident: &str, body: Value| {
        let answer = gateway.patch(&path(incident), &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let open = |gateway: &Gateway, incident: &str| {
        let answer = gateway.get(&path(incident));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let (before, first) = waits(&gateway, "+6281200000001");
    let body = json!({"version": 0, "category": "kriminalitas", "desa": "Pabian"});
    let saved = edit(&gateway, &first, body);
    until("the database has it", || {
        let answer = gateway.get(&path(&first));
        (answer.status == 200 && answer.json()["written"]["version"] == saved["version"])
            .then_some(())
    });

    server.freeze();
    let (during, second) = waits(&gateway, "+6281200000002");
    // A form of a call that came meanwhile opens, and one that was written before has its fields.
    assert_eq!(open(&gateway, &second)["written"]["version"], 0);
    assert_eq!(open(&gateway, &first)["written"]["form"]["desa"], "Pabian");
    let body = json!({"version": saved["version"], "sub_category": "pembunuhan"});
    let saved = edit(&gateway, &first, body);
    assert_eq!(saved["form"]["category"], "kriminalitas");
    // Somebody who saw nothing of it is told.
    let body = json!({"version": 1, "desa": "Kolor"}).to_string();
    assert_eq!(gateway.patch(&path(&first), &body).status, 409);
    // Both leave: there is still something to be written, on this page and on one that is new.
    before.gives_up();
    during.gives_up();
    until("nobody is on the board", || gateway.calls().is_empty().then_some(()));
    edit(&gateway, &second, json!({"version": 0, "text": "anak hilang"}));
    let gateway = centre.restart(gateway);
    let body = json!({"version": saved["version"], "landmark": "masjid"});
    let saved = edit(&gateway, &first, body);
    for (field, text) in [("category", "kriminalitas"), ("desa", "Pabian"), ("landmark", "masjid")]
    {
        assert_eq!(saved["form"][field], text);
    }
    let versions = gateway.get(&format!("{}/versions", path(&first))).json();
    assert_eq!(versions.as_array().map(Vec::len), Some(3), "{versions}");
    assert_eq!(open(&gateway, &second)["written"]["form"]["text"], "anak hilang");
    assert_eq!(gateway.get(&path("0000000000000000")).status, 503);

    server.thaw();
    until("the database has it all", || {
        let answer = gateway.get(&path(&first));
        let there = answer.status == 200 && answer.json()["written"]["version"] == saved["version"];
        (there && gateway.get("/readyz").status == 200).then_some(())
    });
    until("what stood in is gone", || {
        let stands = gateway.config().join("data/recent-journal.db").exists();
        let asked = gateway.get(&path(&first)).status == 200;
        (asked && !stands).then_some(())
    });
    gateway.stop();
}
