//! Killed at any moment under load: no call that anybody heard of is missing afterwards.
//!
//! SIPp calls as a trunk and answers as seats; the program gets SIGKILL at a random moment and starts again on
//! the same data, again and again. After each: every INVITE that got a response other than 100 has its
//! record, which says how it ended; every answered call has a recording that plays; `siaga112 verify` finds
//! nothing wrong.
//!
//! `SIAGA112_KILLS=500 cargo nextest run --test kills --no-capture` is the long run; `SIAGA112_SEED` goes
//! another way.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test says what it expects"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Command;
use std::time::Duration;

use siaga112::vocabulary::Dice;

use support::gateway::{Centre, Gateway};
use support::record::Incident;
use support::sipp::Sipp;
use support::wait::{Deadline, LIMIT, until, within};

/// Few for every run of the tests; the long run takes the variable.
const KILLS: u64 = 5;
/// Kills on one data folder; then another one is begun, for `verify` reads all of it each time.
const EACH: u64 = 25;
const SEATS: u8 = 4;

fn variable(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What the trunk heard of a call: its Call-ID and the highest status of its INVITE.
type Heard = BTreeMap<String, u16>;

/// The responses to INVITEs in what a SIPp wrote down.
fn heard(messages: &str) -> Heard {
    let mut heard = Heard::new();
    for block in messages.split("-----------------------------------------------") {
        let mut lines = block.lines();
        let Some(status) = lines.find_map(|line| line.strip_prefix("SIP/2.0 ")) else { continue };
        let status: u16 = status.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
        let field = |name: &str| lines.clone().find_map(|line| line.strip_prefix(name));
        let (Some(id), Some(cseq)) = (field("Call-ID:"), field("CSeq:")) else { continue };
        if cseq.trim().ends_with("INVITE") {
            let most = heard.entry(id.trim().to_owned()).or_default();
            *most = status.max(*most);
        }
    }
    heard
}

/// Whether nothing that came to this UDP port is still to be read.
fn has_read_all(ip: Ipv4Addr, port: u16) -> bool {
    let address = SocketAddrV4::new(ip, port);
    let wanted =
        format!("{:08X}:{:04X}", u32::from_le_bytes(address.ip().octets()), address.port());
    let table = fs::read_to_string("/proc/net/udp").expect("the kernel's table");
    let queued = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1) == Some(&wanted.as_str())
            && words.get(4).is_some_and(|queues| !queues.ends_with(":00000000"))
    };
    !table.lines().any(queued)
}

/// One life of the gateway: calls come until it is killed. Returns what the trunk had heard by then, and the log.
fn life(centre: &Centre, gateway: Gateway, span: Duration) -> (Gateway, Heard, String) {
    let (site, dir) = (gateway.site.trunk(), gateway.dir().to_owned());
    let mut log = String::new();
    let many = ["-m", "1000000"];
    let seats: Vec<_> =
        (1..=SEATS).map(|n| Sipp::seats(&gateway, n, "seat-answers-expect-bye", &many)).collect();
    let trunk = Sipp::trunk(&gateway, "caller-hangs-up-expect-200")
        .with(&["-m", "1000000", "-l", "60", "-r", "40", "-d", "150"])
        .start();
    Deadline::after(span).sleep();
    let gateway = centre.restart_after(gateway, || {
        until("the trunk has read everything", || has_read_all(site, 5060).then_some(()));
        drop((trunk, seats));
        log = fs::read_to_string(dir.join("gateway.log")).expect("what it logged");
    });
    let file = dir.join(format!("trunk-caller-hangs-up-expect-200-{site}.messages"));
    let messages = fs::read(&file).unwrap_or_default();
    (gateway, heard(&String::from_utf8_lossy(&messages)), log)
}

/// The records that are not among those `known` and are over, their recordings closed.
fn new_records(gateway: &Gateway, known: &mut BTreeSet<String>) -> Vec<Incident> {
    let page = Incident::list(&gateway.get("/api/v1/incidents?limit=1000").json());
    let fresh = page.iter().map(Incident::id).filter(|id| !known.contains(id));
    let show = |id: String| Incident(gateway.get(&format!("/api/v1/incidents/{id}")).json());
    let rests =
        |record: &Incident| record.is_over() && record.text("recording.state") != "recording";
    let found: Vec<Incident> = fresh.map(show).filter(rests).collect();
    known.extend(found.iter().map(Incident::id));
    found
}

fn call_id(record: &Incident) -> String {
    let raw = String::from_utf8_lossy(&record.raw()).into_owned();
    let id = raw.lines().find_map(|line| line.strip_prefix("Call-ID:")).expect("a Call-ID");
    id.trim().to_owned()
}

/// A recording that any player takes.
fn assert_plays(gateway: &Gateway, record: &Incident) {
    let file = gateway.recordings().join(record.text("recording.file"));
    let wav = hound::WavReader::open(&file);
    let wav = wav.unwrap_or_else(|error| panic!("{}: {error}: {record:?}", file.display()));
    assert_eq!((wav.spec().channels, wav.spec().sample_rate), (2, 8000));
    let samples = wav.duration() as usize * 2;
    let read = wav.into_samples::<i16>().filter(Result::is_ok).count();
    assert_eq!(read, samples, "{}", file.display());
}

fn assert_verified(gateway: &Gateway) {
    let mut verify = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let done = verify.args(["verify", "--config"]).arg(gateway.config()).output();
    let done = done.expect("the program runs");
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{told}");
}

#[test]
fn nobody_who_was_heard_is_missing_however_often_it_is_killed() {
    let (kills, seed) = (variable("SIAGA112_KILLS", KILLS), variable("SIAGA112_SEED", 112));
    let mut dice = Dice::from_number(seed);
    let centre = Centre { seats: SEATS, ..Centre::default() };
    let mut gateway = centre.start();
    let mut known = BTreeSet::new();
    let (mut calls, mut answered, mut unheard) = (0, 0, 0);
    for kill in 1..=kills {
        if kill > 1 && kill % EACH == 1 {
            gateway.stop();
            (gateway, known) = (centre.start(), BTreeSet::new());
        }
        let span = Duration::from_millis(30 + dice.number() % 1500);
        let (heard, log);
        (gateway, heard, log) = life(&centre, gateway, span);
        let wanted: BTreeMap<&String, u16> =
            heard.iter().filter(|(_, status)| **status > 100).map(|(id, s)| (id, *s)).collect();
        let mut records = BTreeMap::new();
        let found = within(LIMIT, || {
            for record in new_records(&gateway, &mut known) {
                records.insert(call_id(&record), record);
            }
            wanted.keys().all(|id| records.contains_key(*id)).then_some(())
        });
        let missing: Vec<_> = wanted.iter().filter(|(id, _)| !records.contains_key(**id)).collect();
        assert!(
            found.is_some(),
            "seed {seed}, kill {kill}: no record of {missing:?}; it had logged\n{log}"
        );
        for (id, status) in wanted {
            let record = &records[id];
            calls += 1;
            if status == 200 {
                answered += 1;
                // Killed before the recorder had made a file: nothing was said yet, and the record says so; unless
                // the kill came before the disk had the answer, which waits for no disk.
                if record.text("recording.file").is_empty() {
                    let why = record.text("recording.why");
                    let unwritten = record.text("answered_at").is_empty();
                    assert!(unwritten || why.contains("first sound"), "{record:?}");
                    unheard += 1;
                } else {
                    assert_plays(&gateway, record);
                }
            }
        }
        assert_verified(&gateway);
        println!(
            "kill {kill} after {span:?}: {calls} calls so far, {answered} answered, {unheard} of \
             them before the first sound"
        );
    }
    assert!(calls > kills, "only {calls} calls were heard");
    gateway.stop();
}
