//! Packs of one number where they are hard: numbers that were called and did not call, records of several
//! callers, numbers without their beginning, recordings on another node's disk. The real program on journals
//! that were written before it starts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use siaga112::call::table::Part;
use siaga112::incident::{Arrival, Changes, Edit, Field, Tie, Value};
use siaga112::journal::retention::Hold;
use siaga112::journal::{Entry, Fact};
use siaga112::store::JournalWriter;
use siaga112::vocabulary::{
    CallId, Cause, Ending, IncidentId, Party, Private, Stage, Uid, WallTime,
};
use support::gateway::{Centre, Gateway, edit};
use support::postgres::Postgres;
use support::wait::until;

/// 2026-09-17T05:00:00Z.
const BASE: i64 = 1_789_621_200_000_000;
const OWN: &str = "+6281234567890";
const OTHER: &str = "+6281955556666";

fn call(n: u32) -> CallId {
    CallId(Uid::new(WallTime(BASE + i64::from(n) * 6_000_000), n))
}

fn id(n: u32) -> String {
    call(n).to_string()
}

fn incident(n: u32) -> IncidentId {
    IncidentId(call(n).0)
}

fn file(n: u32) -> String {
    format!("{}.wav", call(n))
}

const fn ending() -> Ending {
    Ending { stage: Stage::Talking, by: Party::Caller, cause: Cause::HungUp, q850: None }
}

/// The recording of a call, which is written as well, in two channels of silence.
fn recorded(data: &Path, n: u32) -> Vec<Fact> {
    let folder = data.join("recordings");
    fs::create_dir_all(&folder).unwrap();
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.join(file(n)), spec).unwrap();
    (0..1_600 + n).for_each(|_| wav.write_sample(0_i16).unwrap());
    (0..n % 2).for_each(|_| wav.write_sample(0_i16).unwrap());
    wav.finalize().unwrap();
    let audio = fs::read(folder.join(file(n))).unwrap();
    let sha256 = Sha256::digest(&audio).iter().map(|byte| format!("{byte:02x}")).collect();
    let (call, bytes) = (call(n), audio.len() as u64);
    vec![
        Fact::RecordingStarted { call, file: file(n) },
        Fact::RecordingSealed { call, file: file(n), sha256, millis: 100, bytes },
    ]
}

/// An answered and recorded call. `number` as the network sent it, and its normal form where it has one.
fn came(data: &Path, n: u32, number: &str, e164: Option<&str>) -> Vec<Fact> {
    let mut arrival = Arrival { dialled: "112".into(), ..Arrival::default() };
    arrival.caller.phone.raw = Private::new(number.into());
    arrival.caller.phone.e164 = e164.map(|e164| Private::new(e164.into()));
    let (call, incident) = (call(n), incident(n));
    let (trunk, source) = ("telco-a".into(), "udp:198.51.100.7:5060".into());
    let arrival = Box::new(arrival);
    let mut facts = vec![Fact::Arrived { call, incident, trunk, source, arrival }];
    facts.extend(recorded(data, n));
    let ending = ending();
    facts.push(Fact::Ended { call, ending, caller_packets: None, seat_packets: None });
    facts
}

fn wrote(n: u32, said: &[(Field, &str)]) -> Fact {
    let value = |text: &str| Some(Value::Text(Private::new(text.to_owned())));
    let changes: Changes = said.iter().map(|(field, text)| (field.clone(), value(text))).collect();
    let (incident, by) = (incident(n), "siti".to_owned());
    Fact::IncidentEdited(Box::new(Edit { incident, by, saw: 0, changes, version: 0 }))
}

fn write(data: &Path, facts: Vec<Fact>) {
    let (writer, _) = JournalWriter::open(&data.join("journal")).unwrap();
    let journal = writer.start(|_| {}).unwrap();
    for (n, fact) in (0_i64..).zip(facts) {
        journal.append(0, Entry { at: WallTime(BASE + n * 1_000_000), fact });
    }
    assert_eq!(journal.stop(), 0);
}

/// What a command says, and what it makes, unpacked.
fn made(gateway: &Gateway, words: &[&str]) -> (tempfile::TempDir, String) {
    let out = gateway.dir().join("out.zip");
    let _ = fs::remove_file(&out);
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.arg("incidents").args(words).args(["--reason", "hak subjek data", "--out"]);
    let done = command.arg(&out).arg("--config").arg(gateway.config()).output().unwrap();
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{told}");
    let dir = tempfile::tempdir().unwrap();
    let done =
        Command::new("unzip").arg("-q").arg(&out).arg("-d").arg(dir.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let mut sums = Command::new("sha256sum");
    sums.args(["-c", "SHA256SUMS"]).current_dir(dir.path());
    assert!(sums.output().unwrap().status.success());
    (dir, told)
}

fn pack(gateway: &Gateway, more: &[&str]) -> tempfile::TempDir {
    made(gateway, &[&["pack", "--number", "0812 3456 7890"], more].concat()).0
}

fn text(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn json(dir: &Path, file: &str) -> Json {
    serde_json::from_str(&text(dir, file)).unwrap()
}

/// Calls of a pack, and how each has to do with the number.
fn listed(dir: &Path) -> Vec<(String, String)> {
    let all = json(dir, "records.json");
    let word = |it: &Json, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    all.as_array().unwrap().iter().map(|it| (word(it, "call"), word(it, "how"))).collect()
}

/// Whether words stand in a file of a folder.
fn holds(folder: &Path, words: &str) -> Option<PathBuf> {
    for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            if let Some(found) = holds(&path, words) {
                return Some(found);
            }
        } else if memchr::memmem::find(&fs::read(&path).unwrap(), words.as_bytes()).is_some() {
            return Some(path);
        }
    }
    None
}

#[test]
fn a_number_that_was_only_called_is_found_and_gets_what_is_its_own() {
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        let data = config.join("data");
        let mut facts = came(&data, 1, OTHER, Some(OTHER));
        // It was brought into somebody's call, and left again.
        facts.extend([
            Fact::PartyInvited {
                call: call(1),
                party: 1,
                to: "tel:+62-812-3456-7890".into(),
                part: Part::Talk,
                by: "siti".into(),
            },
            Fact::PartyJoined { call: call(1), party: 1, part: Part::Talk },
            Fact::PartyInvited {
                call: call(1),
                party: 2,
                to: "+6281377778888".into(),
                part: Part::Talk,
                by: "siti".into(),
            },
            Fact::PartyLeft { call: call(1), party: 1, how: "hung-up".into() },
            wrote(1, &[(Field::CallerName, "Bu Aminah"), (Field::Text, "suami memukul istri")]),
        ]);
        // A seat called it back; another number was dialled too.
        let dialled = |n: u32, to: &str, during| Fact::SeatDialled {
            call: call(n),
            seat: "seat-1".into(),
            to: to.into(),
            during,
        };
        facts.push(dialled(20, "081234567890", None));
        facts.extend(recorded(&data, 20));
        facts.push(Fact::SeatCallEnded { call: call(20), during: None, ending: ending() });
        facts.push(dialled(21, "+6281377778888", None));
        facts.extend(recorded(&data, 21));
        // It was asked during somebody's emergency call.
        facts.push(dialled(22, OWN, Some(call(1))));
        facts.extend(recorded(&data, 22));
        write(&data, facts);
    });
    gateway.incidents(1);
    let dir = pack(&gateway, &["--audio"]);
    let called = "dihubungi / called out to".to_owned();
    let wanted = [1, 20, 22].map(|n| (id(n), called.clone()));
    assert_eq!(listed(dir.path()), wanted);
    // Of the other's call: when it was called and took part, and nothing else.
    let record = json(dir.path(), &format!("records/{}.json", id(1)));
    let steps: Vec<&str> =
        record["steps"].as_array().unwrap().iter().map(|it| it["fact"].as_str().unwrap()).collect();
    assert_eq!(steps, ["party-invited", "party-joined", "party-left", "seat-dialled"], "{record}");
    for gone in ["81955556666", "81377778888", "Aminah", "memukul", "during"] {
        assert_eq!(holds(dir.path(), gone), None, "{gone}");
    }
    let sound = |dir: &Path, n: u32| dir.join(format!("audio/{}", file(n))).exists();
    // Its own talk is its own; a talk about another's emergency and that caller's call are not.
    let own = [1, 20, 21, 22].map(|n| sound(dir.path(), n));
    assert_eq!(own, [false, true, false, false]);
    let page = text(dir.path(), &format!("{}.html", id(20)));
    assert!(page.contains("Meja menelepon / Dialled at a seat") && page.contains("<audio"));
    let dir = pack(&gateway, &["--audio", "--third-parties"]);
    assert_eq!([1, 20, 21, 22].map(|n| sound(dir.path(), n)), [true, true, false, true]);
    assert!(holds(dir.path(), "memukul").is_some());
    gateway.stop();
}

#[test]
fn of_an_event_that_others_reported_too_everybody_gets_their_own() {
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        let data = config.join("data");
        let mut facts = came(&data, 1, OWN, Some(OWN));
        facts.extend(came(&data, 2, OTHER, Some(OTHER)));
        // A number without its beginning may be somebody else's.
        facts.extend(came(&data, 3, "81234567890", None));
        let tie = |one, other, why: &str| Tie {
            version: 0,
            incident: incident(one),
            other: incident(other),
            by: "siti".into(),
            why: Private::new(why.into()),
        };
        let hold = Hold {
            call: call(1),
            incident: incident(1),
            held: true,
            by: "rina".into(),
            why: "perkara Pak Budi".into(),
            until: None,
        };
        facts.extend([
            wrote(2, &[(Field::CallerName, "Bu Aminah"), (Field::Text, "rumah Aminah terbakar")]),
            wrote(1, &[(Field::Text, "Pelapor 0812-3456-7890 melihat api. Aminah luka.")]),
            Fact::IncidentMerged(Box::new(tie(2, 1, "satu kebakaran"))),
            Fact::IncidentHeld(Box::new(hold)),
            Fact::RecordingHeld {
                call: call(1),
                held: true,
                by: "rina".into(),
                why: "perkara Pak Budi".into(),
            },
            Fact::Audited {
                by: "rina".into(),
                what: "recording played".into(),
                subject: id(1),
                reason: "diminta 0819-5555-6666".into(),
            },
        ]);
        write(&data, facts);
    });
    until("the hold is in the record", || {
        let record = gateway.get(&format!("/api/v1/incidents/{}", id(1))).json();
        (record["hold"].is_object() && record["recording"]["held"] == true).then_some(())
    });
    let dir = pack(&gateway, &["--audio"]);
    assert_eq!(listed(dir.path()), [(id(1), "menelepon / called".to_owned())]);
    // The sentence that mentions it; nothing of the other caller, and not why the record is held.
    let record = text(dir.path(), &format!("records/{}.json", id(1)));
    assert!(record.contains("Pelapor 0812-3456-7890 melihat api."), "{record}");
    for gone in ["Aminah", "terbakar", "81955556666", "5555-6666", "Pak Budi"] {
        assert_eq!(holds(dir.path(), gone), None, "{gone}");
    }
    let hold = json(dir.path(), &format!("records/{}.json", id(1)))["hold"].clone();
    assert_eq!(hold["by"], "rina");
    // Who looked, and why, without the number of another.
    let access = json(dir.path(), "access.json");
    let played = access.as_array().unwrap().iter().find(|it| it["what"] == "recording played");
    let reason = played.unwrap_or_else(|| panic!("{access}"))["reason"].as_str().unwrap();
    assert!(reason.starts_with("diminta ") && !reason.contains("5555"), "{reason}");
    assert!(dir.path().join(format!("audio/{}", file(1))).exists());
    assert!(!dir.path().join(format!("audio/{}", file(2))).exists());
    // What may be somebody else's is named, and not in it.
    let readme = text(dir.path(), "README.txt");
    assert!(readme.contains(&id(3)) && readme.contains("whose it is is not certain"), "{readme}");
    assert!(!dir.path().join(format!("records/{}.json", id(3))).exists());
    assert!(text(pack(&gateway, &["--third-parties"]).path(), "access.json").contains("5555-6666"));

    // Nor does a redacted copy say why it is held.
    let (dir, _) = made(&gateway, &["bundle", &id(1), "--redacted"]);
    assert_eq!(holds(dir.path(), "Budi"), None);
    let (dir, _) = made(&gateway, &["bundle", &id(1)]);
    assert!(holds(dir.path(), "Budi").is_some());
    gateway.stop();
}

#[test]
fn a_recording_on_another_node_s_disk_is_named_and_can_be_brought() {
    let server = Postgres::start();
    let url = server.database("nodes");
    let node = |name: &'static str, facts: fn(&Path) -> Vec<Fact>| {
        let url = url.clone();
        let (gateway, ()) = Centre::default().start_with(|_, config| {
            edit(config, "gateway.toml", "gw1.112", &format!("{name}.112"));
            let settings = config.join("gateway.toml");
            let text = fs::read_to_string(&settings).unwrap();
            fs::write(settings, format!("{text}\n[storage]\nurl = \"{url}\"\n")).unwrap();
            let data = config.join("data");
            write(&data, facts(&data));
        });
        gateway
    };
    let one = node("gw1", |data| came(data, 1, OWN, Some(OWN)));
    let other = node("gw2", |data| came(data, 2, OWN, Some(OWN)));
    one.incidents(2);
    let dir = pack(&one, &["--audio"]);
    let sound = |dir: &Path, n: u32| dir.join(format!("audio/{}", file(n))).exists();
    assert_eq!([1, 2].map(|n| sound(dir.path(), n)), [true, false]);
    let named = &json(dir.path(), "records.json")[1]["recordings_elsewhere"][0];
    let there = other.recordings().join(file(2));
    let sha256: String = Sha256::digest(fs::read(&there).unwrap())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!((&named["file"], &named["sha256"]), (&file(2).into(), &sha256.as_str().into()));
    assert_eq!(named["node"], "gw2.112.sumenep.example");
    let missing = text(dir.path(), "MISSING.txt");
    assert!(missing.contains(&file(2)) && missing.contains("--recordings FOLDER"), "{missing}");
    let page = text(dir.path(), &format!("{}.html", id(2)));
    assert!(page.contains("not in here: on node gw2.112") && !page.contains("<audio"), "{page}");
    // So says a bundle.
    let (bundle, _) = made(&one, &["bundle", &id(2)]);
    assert!(text(bundle.path(), "MISSING.txt").contains(&sha256));
    assert!(text(bundle.path(), "index.html").contains("not in here: on node gw2.112"));

    // A copy of that node's folder; another file by the same name is none.
    let brought = tempfile::tempdir().unwrap();
    let folder = brought.path().to_str().unwrap();
    fs::write(brought.path().join(file(2)), "RIFF").unwrap();
    let dir = pack(&one, &["--audio", "--recordings", folder]);
    assert!(!sound(dir.path(), 2) && dir.path().join("MISSING.txt").exists());
    fs::copy(&there, brought.path().join(file(2))).unwrap();
    let dir = pack(&one, &["--audio", "--recordings", folder]);
    assert_eq!([1, 2].map(|n| sound(dir.path(), n)), [true, true]);
    assert!(!dir.path().join("MISSING.txt").exists());
    assert!(text(dir.path(), &format!("{}.html", id(2))).contains("<audio"));
    let (bundle, _) = made(&one, &["bundle", &id(2), "--recordings", folder]);
    assert!(sound(bundle.path(), 2) && !bundle.path().join("MISSING.txt").exists());
    for gateway in [one, other] {
        gateway.stop();
    }
}
