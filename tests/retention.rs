//! What is past its time goes, and what somebody holds stays: the real program on a journal of old calls.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sha2::{Digest, Sha256};
use siaga112::incident::{Arrival, Edit, Field, Located, Raw, Report, Tie, Value};
use siaga112::journal::retention::Hold;
use siaga112::journal::{Entry, Fact, Peer, Signal, Way};
use siaga112::screening::{Disposition, WorkId, WorkKind};
use siaga112::sip::Transport;
use siaga112::store::JournalWriter;
use siaga112::trunk::Malformed;
use siaga112::vocabulary::{
    CallId, Cause, Ending, IncidentId, Party, Private, Stage, Uid, WallTime,
};
use support::gateway::{Centre, Gateway};
use support::wait::{until, within};

const DAY: i64 = 86_400_000_000;

const RULES: &str = "[[keep]]\n\
    calls = [\"normal\", \"misrouted\", \"callback\", \"abandoned\", \"none\"]\n\
    audio_days = 730\nrecord_days = 730\ntrace_days = 90\nground = \"pasal 20(2)d\"\n\n\
    [[keep]]\ncalls = [\"prank\", \"ghost\", \"information\", \"test\"]\n\
    audio_days = 90\nrecord_days = 90\ntrace_days = 90\nground = \"pasal 42\"\n";

/// An old call: what it was, how many days ago, its number.
struct Old {
    call: CallId,
    at: WallTime,
    kind: Option<Disposition>,
    number: &'static str,
}

fn old(now: WallTime, n: u32, days: i64, kind: Option<Disposition>, number: &'static str) -> Old {
    let at = WallTime(now.0 - days * DAY);
    Old { call: CallId(Uid::new(at, n)), at, kind, number }
}

impl Old {
    fn id(&self) -> String {
        self.call.to_string()
    }

    fn file(&self) -> String {
        format!("{}.wav", self.call)
    }

    /// Everything that was kept of it; its recording is written as well.
    fn entries(&self, recordings: &Path) -> Vec<Entry> {
        let (call, number) = (self.call, self.number);
        let mut arrival = Arrival { dialled: "112".into(), ..Arrival::default() };
        arrival.service = "urn:service:sos".into();
        arrival.caller.phone.raw = Private::new(number.into());
        arrival.caller.phone.e164 = Some(Private::new(format!("+{number}")));
        let invite = format!("INVITE sip:112@x SIP/2.0\r\nFrom: <tel:+{number}>\r\n\r\n");
        arrival.raw = Raw(bytes::Bytes::from(invite.clone().into_bytes()));
        let address = "198.51.100.7:5060".parse().unwrap();
        let signal = Signal {
            way: Way::In,
            peer: Peer::Trunk("telco-a".into()),
            transport: Transport::Udp,
            local: address,
            remote: address,
            message: Raw(bytes::Bytes::from(invite.into_bytes())),
        };
        let text = Private::new(format!("hubungi {number} lagi"));
        let ending =
            Ending { stage: Stage::Waiting, by: Party::Caller, cause: Cause::HungUp, q850: None };
        let audio = format!("RIFF {number}");
        fs::create_dir_all(recordings).unwrap();
        fs::write(recordings.join(self.file()), &audio).unwrap();
        let sha256 = Sha256::digest(&audio).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut facts = vec![
            Fact::Arrived {
                call,
                incident: IncidentId(call.0),
                trunk: "telco-a".into(),
                source: "udp:198.51.100.7:5060".into(),
                arrival: Box::new(arrival),
            },
            Fact::Signalled { call, messages: vec![signal], cut: false },
            Fact::TextWritten {
                call,
                by: Party::Caller,
                name: String::new(),
                began: self.at,
                text,
            },
            Fact::RecordingStarted { call, file: self.file() },
            Fact::Ended { call, ending, caller_packets: None, seat_packets: None },
            Fact::RecordingSealed {
                call,
                file: self.file(),
                sha256,
                millis: 1,
                bytes: audio.len() as u64,
            },
        ];
        facts.extend(self.kind.map(|disposition| Fact::Disposed {
            call,
            disposition,
            by: "operator-1".into(),
        }));
        // What a person wrote in the form goes with the rest; lists and statistics keep what kind it was.
        let said = |text: &str| Some(Value::Text(Private::new(text.into())));
        let changes = [
            (Field::Text, said(&format!("nomor lain {number}"))),
            (Field::Category, said("kebakaran")),
            (Field::Kecamatan, said("35.29.01")),
        ];
        let (incident, by) = (IncidentId(call.0), "operator-1".to_owned());
        let changes = changes.into_iter().collect();
        facts.push(Fact::IncidentEdited(Box::new(Edit {
            incident,
            by,
            saw: 0,
            changes,
            version: 0,
        })));
        facts.into_iter().map(|fact| Entry { at: self.at, fact }).collect()
    }

    /// The same as a call that a seat dialled to this number.
    fn dialled(&self, recordings: &Path, during: Option<CallId>) -> Vec<Entry> {
        let (call, to) = (self.call, format!("+{}", self.number));
        let mut entries = self.entries(recordings);
        // Such a call has no form.
        entries.retain(|entry| !matches!(entry.fact, Fact::IncidentEdited(_)));
        for entry in &mut entries {
            match &mut entry.fact {
                fact @ Fact::Arrived { .. } => {
                    *fact =
                        Fact::SeatDialled { call, seat: "seat-1".into(), to: to.clone(), during };
                }
                fact @ Fact::Ended { .. } => {
                    let Fact::Ended { ending, .. } = fact.clone() else { unreachable!() };
                    *fact = Fact::SeatCallEnded { call, during, ending };
                }
                _ => {}
            }
        }
        entries
    }
}

/// What people did to two records.
fn tie(one: &Old, other: &Old) -> Box<Tie> {
    let (incident, other) = (IncidentId(one.call.0), IncidentId(other.call.0));
    let why = Private::new("one fire".to_owned());
    Box::new(Tie { incident, other, by: "rani".into(), why, version: 0 })
}

fn hold(of: &Old, held: bool) -> Fact {
    let (call, incident) = (of.call, IncidentId(of.call.0));
    let (by, why) = ("supervisor".to_owned(), "asked for by a court".to_owned());
    Fact::IncidentHeld(Box::new(Hold { call, incident, held, by, why, until: None }))
}

fn write(config: &Path, olds: &[&Old], held: &Old) {
    let data = config.join("data");
    let (writer, _) = JournalWriter::open(&data.join("journal")).unwrap();
    let journal = writer.start(|_| {}).unwrap();
    for old in olds {
        old.entries(&data.join("recordings"))
            .into_iter()
            .for_each(|entry| journal.append(0, entry));
    }
    let (why, by) = ("asked for by a court".to_owned(), "supervisor".to_owned());
    let (call, incident) = (held.call, IncidentId(held.call.0));
    let hold = Hold { call, incident, held: true, by, why, until: None };
    journal.append(0, Entry { at: held.at, fact: Fact::IncidentHeld(Box::new(hold)) });
    assert_eq!(journal.stop(), 0);
    fs::write(config.join("retention.toml"), RULES).unwrap();
}

/// Whether a number stands in any file of the data folder, as it is.
fn found(folder: &Path, number: &str) -> Option<String> {
    for entry in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            if let Some(path) = found(&entry, number) {
                return Some(path);
            }
            continue;
        }
        let bytes = fs::read(&entry).unwrap_or_default();
        if bytes.windows(number.len()).any(|part| part == number.as_bytes()) {
            return Some(entry.display().to_string());
        }
    }
    None
}

fn verified(config: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let done = command.arg("verify").arg("--config").arg(config).output().unwrap();
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert_eq!(done.status.code(), Some(0), "{told}");
    told
}

fn messages(gateway: &Gateway, old: &Old) -> String {
    let answer = gateway.get(&format!("/api/v1/incidents/{}/ladder", old.id()));
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn rounds(gateway: &Gateway) -> Vec<serde_json::Value> {
    let report = gateway.get("/api/v1/retention/report").json();
    assert_eq!(report["rules"].as_array().map(Vec::len), Some(9), "{report}");
    report["rounds"].as_array().cloned().unwrap()
}

#[test]
fn what_is_past_its_time_is_unreadable_everywhere_the_chain_holds_and_a_hold_wins() {
    let now = siaga112::server::Clock::start().now().wall;
    let gone = old(now, 1, 100, Some(Disposition::Prank), "6281200000001");
    let held = old(now, 2, 100, Some(Disposition::Prank), "6281200000002");
    let trace = old(now, 3, 100, Some(Disposition::Normal), "6281200000003");
    let unjudged = old(now, 4, 800, None, "6281200000004");
    let young = old(now, 5, 10, Some(Disposition::Prank), "6281200000005");
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| {
        write(config, &[&unjudged, &gone, &held, &trace, &young], &held);
    });
    let data = gateway.config().join("data");
    let round = until("old calls are deleted", || rounds(&gateway).pop());
    let count = |name: &str| round[name].as_u64().unwrap();
    assert_eq!(
        ["audio", "records", "traces", "held", "failed"].map(count),
        [2, 2, 3, 1, 0],
        "{round}"
    );
    until("the rows are empty", || {
        gateway.show(&gone.id()).text("caller_raw").is_empty().then_some(())
    });
    // Of who called nothing is left in any file; when and what, is.
    for number in [gone.number, unjudged.number] {
        let left = within(Duration::from_secs(20), || found(&data, number).is_none().then_some(()));
        assert!(left.is_some(), "{number} stands in {:?}", found(&data, number));
    }
    let record = gateway.show(&gone.id());
    assert_eq!(
        (record.text("disposition"), record.text("stage")),
        ("prank".into(), "waiting".into())
    );
    assert_eq!(record.text("recording.state"), "deleted");
    assert!(record.text("recording.why").contains("pasal 42"));
    assert!(!data.join("recordings").join(gone.file()).exists());

    // What is held, and what is younger, is whole.
    let record = gateway.show(&held.id());
    assert_eq!(record.text("caller_raw"), held.number);
    assert_eq!(record.text("hold.why"), "asked for by a court");
    assert!(messages(&gateway, &held).contains(held.number));
    assert_eq!(gateway.show(&young.id()).text("caller_raw"), young.number);
    // Its messages are gone, the record is not.
    assert_eq!(gateway.show(&trace.id()).text("caller_raw"), trace.number);
    assert!(!messages(&gateway, &trace).contains(trace.number));
    let told = verified(&gateway.config());
    assert!(told.contains("2 deleted by rule") && !told.contains(" 0 erased"), "{told}");

    // The court has done with it.
    let path = format!("/api/v1/incidents/{}/hold", held.id());
    let refused = gateway.post(&path, r#"{"hold": true, "why": " "}"#);
    assert_eq!(refused.status, 400);
    assert_eq!(gateway.post(&path, r#"{"hold": false, "why": "the case is closed"}"#).status, 204);
    let gateway = centre.restart(gateway);
    until("it goes as well", || (rounds(&gateway).len() == 2).then_some(()));
    until("nothing is left of it", || found(&data, held.number).is_none().then_some(()));
    verified(&gateway.config());
    gateway.stop();
}

/// Writes a journal of these, as if all had been written long ago.
fn journal(config: &Path, write: impl FnOnce(&Path) -> Vec<Entry>) {
    let data = config.join("data");
    let (writer, _) = JournalWriter::open(&data.join("journal")).unwrap();
    let journal = writer.start(|_| {}).unwrap();
    write(&data.join("recordings")).into_iter().for_each(|entry| journal.append(0, entry));
    assert_eq!(journal.stop(), 0);
    fs::write(config.join("retention.toml"), RULES).unwrap();
}

#[test]
fn a_hold_covers_all_records_of_one_event_also_when_they_are_taken_apart() {
    let now = siaga112::server::Clock::start().now().wall;
    let prank = |n, number| old(now, n, 100, Some(Disposition::Prank), number);
    let court = old(now, 1, 100, Some(Disposition::Normal), "6281200000011");
    let (part, deeper) = (prank(2, "6281200000012"), prank(3, "6281200000013"));
    let (late, apart) = (prank(4, "6281200000014"), prank(5, "6281200000015"));
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| {
        journal(config, |recordings| {
            let all = [&court, &part, &deeper, &late, &apart];
            let mut entries: Vec<Entry> =
                all.iter().flat_map(|old| old.entries(recordings)).collect();
            let facts = [
                Fact::IncidentMerged(tie(&deeper, &part)),
                Fact::IncidentMerged(tie(&part, &court)),
                hold(&court, true),
                Fact::IncidentMerged(tie(&late, &court)),
                Fact::IncidentUnmerged(tie(&part, &court)),
            ];
            entries.extend(facts.map(|fact| Entry { at: now, fact }));
            entries
        });
    });
    let round = until("what nobody holds is deleted", || rounds(&gateway).pop());
    let count = |name: &str| round[name].as_u64().unwrap();
    assert_eq!(["audio", "records", "held"].map(count), [1, 1, 4], "{round}");
    for kept in [&court, &part, &deeper, &late] {
        assert_eq!(gateway.show(&kept.id()).text("caller_raw"), kept.number);
        let record = gateway.get(&format!("/api/v1/incidents/{}", kept.id())).json();
        let ids = [&court, &part, &deeper, &late].map(Old::id);
        assert_eq!(record["hold"]["incident"], court.id(), "{record}");
        assert_eq!(record["hold"]["covers"], serde_json::json!(ids));
    }
    assert_eq!(gateway.show(&apart.id()).text("caller_raw"), "");
    verified(&gateway.config());
    // It is taken back where it was said, and nowhere else.
    let back = r#"{"hold": false, "why": "the case is closed"}"#;
    let refused = gateway.post(&format!("/api/v1/incidents/{}/hold", part.id()), back);
    assert_eq!(refused.status, 409);
    assert!(refused.json()["detail"].to_string().contains(&court.id()));
    assert_eq!(gateway.post(&format!("/api/v1/incidents/{}/hold", court.id()), back).status, 204);
    let gateway = centre.restart(gateway);
    until("they go as well", || (rounds(&gateway).len() == 2).then_some(()));
    until("nothing is left", || {
        gateway.show(&deeper.id()).text("caller_raw").is_empty().then_some(())
    });
    verified(&gateway.config());
    gateway.stop();
}

#[test]
fn what_a_seat_dialled_goes_with_its_caller_and_by_a_rule_where_it_had_none() {
    let now = siaga112::server::Clock::start().now().wall;
    let prank = |n, number| old(now, n, 100, Some(Disposition::Prank), number);
    // A prank and whom the seat asked meanwhile; a held one and whom it asked; a call of the seat's own,
    // long ago and not long ago; two lost calls, one held, and the call back to both.
    let (caller, asked) = (prank(1, "6281200000021"), prank(2, "6281200000022"));
    let (held, beside) = (prank(3, "6281200000023"), prank(4, "6281200000024"));
    let (own, recent) =
        (old(now, 5, 800, None, "6281200000025"), old(now, 6, 100, None, "6281200000026"));
    let (lost, again) = (prank(7, "6281200000027"), prank(8, "6281200000028"));
    let back = old(now, 9, 99, None, "6281200000029");
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| {
        journal(config, |recordings| {
            let mut entries = own.dialled(recordings, None);
            for old in [&caller, &held, &lost, &again] {
                entries.extend(old.entries(recordings));
            }
            entries.extend(asked.dialled(recordings, Some(caller.call)));
            entries.extend(beside.dialled(recordings, Some(held.call)));
            entries.extend(recent.dialled(recordings, None));
            let work = WorkId(lost.call.0);
            for lost in [&lost, &again] {
                let (kind, number) = (WorkKind::Abandoned, None);
                let fact = Fact::WorkOpened { work, call: lost.call, kind, number };
                entries.push(Entry { at: lost.at, fact });
            }
            entries.extend(back.dialled(recordings, None));
            let (seat, by) = ("seat-1".into(), "rani".to_owned());
            let fact = Fact::WorkTried { work, attempt: back.call, seat, by };
            entries.push(Entry { at: back.at, fact });
            entries.extend(
                [hold(&held, true), hold(&again, true)].map(|fact| Entry { at: now, fact }),
            );
            entries
        });
    });
    let round = until("what nobody holds is deleted", || rounds(&gateway).pop());
    let data = gateway.config().join("data");
    let recordings = data.join("recordings");
    for gone in [&caller, &asked, &own, &lost] {
        let left =
            within(Duration::from_secs(20), || found(&data, gone.number).is_none().then_some(()));
        assert!(left.is_some(), "{} stands in {:?}", gone.number, found(&data, gone.number));
        assert!(!recordings.join(gone.file()).exists(), "{}", gone.number);
    }
    for kept in [&held, &beside, &again, &back, &recent] {
        assert!(recordings.join(kept.file()).exists(), "{}: {round}", kept.number);
    }
    let count = |name: &str| round[name].as_u64().unwrap();
    assert_eq!(["audio", "records", "traces", "held"].map(count), [4, 4, 5, 2], "{round}");
    verified(&gateway.config());
    let path = format!("/api/v1/incidents/{}/hold", again.id());
    assert_eq!(gateway.post(&path, r#"{"hold": false, "why": "the case is closed"}"#).status, 204);
    let gateway = centre.restart(gateway);
    until("the call back goes with the last of those who were lost", || {
        (!recordings.join(back.file()).exists()).then_some(())
    });
    until("and nothing is left of it", || found(&data, back.number).is_none().then_some(()));
    verified(&gateway.config());
    gateway.stop();
}

#[test]
fn what_belongs_to_no_call_goes_within_days_and_the_access_log_stays() {
    let now = siaga112::server::Clock::start().now().wall;
    let report = |number: &str| {
        let report = Report { number: Some(Private::new(number.into())), ..Report::default() };
        let (id, call, place) = (Uid::new(now, 3), None, None);
        Fact::Located(Box::new(Located { id, call, report, place }))
    };
    let unreadable = |number: &str| {
        let bytes = bytes::Bytes::from(format!("INVITE tel:{number} SIP/3.0"));
        let (trunk, why) = ("telco-a".into(), "no such version".to_owned());
        Fact::MalformedMessage(Box::new(Malformed::new(trunk, "udp:x".into(), why, &bytes)))
    };
    let audited = Fact::Audited {
        by: "rani".into(),
        what: "incidents searched".into(),
        subject: "number=6281200000034".into(),
        reason: "police".into(),
    };
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| {
        journal(config, |_| {
            let then = WallTime(now.0 - 10 * DAY);
            let old = [report("6281200000031"), unreadable("6281200000032"), audited];
            let mut entries: Vec<_> = old.map(|fact| Entry { at: then, fact }).into();
            entries.push(Entry { at: now, fact: report("6281200000033") });
            entries
        });
        let rules = format!("{RULES}\n[access_log]\ndays = 1825\n");
        fs::write(config.join("retention.toml"), rules).unwrap();
    });
    let data = gateway.config().join("data");
    let places = || gateway.get("/api/v1/locations/unmatched").json()["reports"].clone();
    until("the old place is forgotten", || {
        (places().as_array().map(Vec::len) == Some(1)).then_some(())
    });
    assert_eq!(places()[0]["number"], "6281200000033", "{}", places());
    for gone in ["6281200000031", "6281200000032"] {
        let left = within(Duration::from_secs(20), || found(&data, gone).is_none().then_some(()));
        assert!(left.is_some(), "{gone} stands in {:?}", found(&data, gone));
    }
    let log = gateway.get("/api/v1/access-log?by=rani").json();
    assert_eq!(log["access"][0]["subject"], "number=6281200000034", "{log}");
    let report = gateway.get("/api/v1/retention/report").json();
    assert_eq!((&report["no_call_days"], &report["access_log_days"]), (&7.into(), &1825.into()));
    verified(&gateway.config());
    gateway.stop();
}
