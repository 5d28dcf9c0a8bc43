//! Nothing personal and nothing secret in what anybody reads who keeps the machine: the log above DEBUG, the
//! metrics, the alarms, and the journal's bytes. The real program through calls, forms, searches, logins,
//! phones' reports and errors of each.

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

use serde_json::json;

use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::http::request;
use support::people::{PASSWORD, add, admin, session};
use support::phone::Phone;
use support::record::Incident;
use support::sipp::Sipp;
use support::wait::until;

const SMS: &str = include_str!("fixtures/aml-sms.txt");
/// What no line above DEBUG may hold: who called, where they are, what was said of them.
const PERSONAL: [&str; 14] = [
    "81234567890",
    "81999888777",
    "82111222333",
    "81355556666",
    "Aminah",
    "AMINAH",
    "Trunojoyo",
    "gula darah",
    "356938035643809",
    "510101234567890",
    "-7.053",
    "113.944",
    "rahasia keluarga",
    "Joko",
];
/// What no line at all may hold.
const SECRET: [&str; 4] = [PASSWORD, "rahasia-112", "token-of-the-suite", "sandi-salah-9"];

/// Runs the gateway through a day's work; what a person wrote or sent is in it everywhere.
#[allow(clippy::too_many_lines, reason = "one story")]
fn work(gateway: &Gateway) -> Vec<String> {
    // A caller who leaves before anybody is there: the list to call back.
    let left = Caller::dials(gateway, "+6281355556666", "");
    left.await_state(gateway, "waiting");
    left.gives_up();
    until("the caller has left", || gateway.calls().is_empty().then_some(()));
    let seat = Sipp::seat(gateway, 1, "seat-answers-expect-bye");
    let named = "From-Name: x\r\nP-Preferred-Identity: \"Siti AMINAH\" <tel:+6281234567890>\r\n\
                 Subject: rahasia keluarga\r\nGeolocation: <geo:-7.053,113.944>\r\n\
                 Geolocation-Routing: yes\r\n";
    let mut caller = Caller::dials(gateway, "+6281234567890", named);
    caller.await_answer();
    let sms = json!({ "sender": "+6281234567890", "text": SMS }).to_string();
    assert!(gateway.post("/api/v1/locations/aml-sms", &sms).status < 300);
    let late = json!({ "sender": "081999888777", "text": SMS }).to_string();
    assert!(gateway.post("/api/v1/locations/aml-sms", &late).status < 300);
    let id = caller.live(gateway).expect("on the board").text("incident");
    caller.hangs_up();
    seat.finish();
    until("the call is over", || {
        let answer = gateway.get(&format!("/api/v1/incidents/{id}"));
        (answer.status == 200 && Incident(answer.json()).is_over()).then_some(())
    });

    // Forms, judgements and searches; right ones and wrong ones.
    let path = |what: &str| format!("/api/v1/incidents/{id}{what}");
    let form = json!({ "version": 0, "caller_name": "Siti Aminah", "address": "Jl. Trunojoyo 5",
        "caller_number": "082111222333", "text": "gula darah tinggi" });
    assert_eq!(gateway.patch(&path(""), &form.to_string()).status, 200);
    let wrong = json!({ "version": 0, "caller_name": 5, "telepon": "081355556666" });
    assert!(gateway.patch(&path(""), &wrong.to_string()).status >= 400);
    gateway.patch(&path(""), "{\"caller_name\": \"Joko\"");
    gateway.post(&path("/disposition"), "{\"disposition\": \"prank\"}");
    gateway.get("/api/v1/incidents?number=081234567890");
    gateway.get("/api/v1/incidents?number=81999888777&sort=Joko");
    gateway.get("/api/v1/incidents?words=Aminah");
    // It is all there, for those who may read it.
    until("the record has it", || {
        let record = String::from_utf8(gateway.get(&path("")).body).unwrap();
        let words = ["81234567890", "Aminah", "Trunojoyo", "gula darah", "356938035643809"];
        words.iter().all(|words| record.contains(words)).then_some(())
    });
    gateway.get(&path("/recording"));
    gateway.get(&path("/ladder"));
    gateway.get(&path("/bundle"));
    gateway.post(&path("/redacted"), "{\"text\": [{\"in\": \"Joko\"}]}");
    gateway.post("/api/v1/packs", "{\"number\": \"0812-3456-7890\"}");
    gateway.post("/api/v1/packs", "{\"number\": \"081355556666\"}");
    gateway.post("/api/v1/locations/aml-sms", "{\"sender\": \"081355556666\", \"text\": \"Joko\"}");
    for words in [
        &["show", id.as_str()][..],
        &["list", "--where", "number=081234567890"],
        &["pack", "--number", "081234567890", "--out", "/nowhere/Joko.zip"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
        command.arg("incidents").args(words).args(["--reason", "pak Joko minta", "--config"]);
        command.arg(gateway.config()).output().unwrap();
    }

    // People, with passwords that are right and wrong.
    let ani = admin(gateway);
    add(gateway, &ani, json!({ "name": "budi", "role": "supervisor" }));
    let budi = session(gateway, "budi", PASSWORD);
    let login = |body: &str| request(gateway.console, "POST", "/api/v1/login", None, body);
    assert_eq!(login("{\"name\": \"budi\", \"password\": \"sandi-salah-9\"}").status, 401);
    login("{\"name\": \"budi\", \"password\": \"sandi-salah-9\"");
    request(gateway.console, "GET", "/api/v1/calls", Some("sandi-salah-9"), "");

    // What cannot be read: a caller's, a seat's, a stranger's.
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    for bad in [
        "INVITE sip:112@x SIP/2.0\r\nFrom: \"Joko\" <tel:+6281355556666>\r\n\r\n",
        "REGISTER sip:x SIP/2.0\r\nFrom: <sip:seat-1@x>;tag=1\r\nTo: <sip:seat-1@x>\r\nCall-ID: Joko\r\n\
         CSeq: 1 REGISTER\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKj\r\n\
         Authorization: Digest username=\"seat-1\", response=\"sandi-salah-9\"\r\n\r\n",
        "081355556666 Joko\r\n\r\n",
    ] {
        trunk.send(bad.as_bytes());
    }
    vec![ani, budi]
}

/// The lines of a log that are above DEBUG; what a message goes on with belongs to its line.
fn above_debug(log: &str) -> String {
    let mut kept = String::new();
    let mut keep = false;
    for line in log.lines() {
        let mut words = line.split_whitespace();
        let begins = words.next().is_some_and(|time| time.len() > 20 && time.starts_with("20"));
        if begins {
            keep = !matches!(words.next(), Some("DEBUG" | "TRACE"));
        }
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn bytes_of(folder: &Path, ending: &str) -> Vec<u8> {
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == ending));
    files.flat_map(|path| fs::read(path).unwrap()).collect()
}

fn look_at(centre: &Centre) {
    let gateway = centre.start();
    let tokens = work(&gateway);
    let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
    let ready = String::from_utf8(gateway.get("/readyz").body).unwrap();
    until("the looks of commands are taken in", || {
        let folder = gateway.config().join("data/access");
        folder.read_dir().unwrap().next().is_none().then_some(())
    });
    let journal =
        String::from_utf8_lossy(&bytes_of(&gateway.config().join("data/journal"), "jsonl"))
            .into_owned();
    assert!(journal.contains("\"arrived\"") && journal.contains("\"audited\""));
    let log = gateway.log();
    gateway.signal("TERM");
    let above = above_debug(&log);
    assert!(above.contains(" INFO ") && above.contains(" WARN "), "{log}");
    let mut found = Vec::new();
    let places =
        [("log", &above), ("metrics", &metrics), ("readiness", &ready), ("journal", &journal)];
    for (place, text) in places {
        for line in text.lines() {
            let words = PERSONAL.iter().filter(|words| line.contains(**words));
            found.extend(words.map(|words| {
                format!("{words} in the {place}: {}", line.chars().take(300).collect::<String>())
            }));
        }
    }
    for (place, text) in [("log", &log), ("metrics", &metrics), ("journal", &journal)] {
        let secrets = SECRET.into_iter().chain(tokens.iter().map(String::as_str));
        found.extend(
            secrets
                .filter(|words| text.contains(words))
                .map(|words| format!("{words} in the {place}")),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    gateway.ended();
}

#[test]
fn what_is_personal_or_secret_is_in_no_log_metric_alarm_or_journal() {
    look_at(&Centre { seats: 1, ..Centre::default() });
}

#[test]
fn nor_is_it_above_debug_where_the_log_tells_more() {
    look_at(&Centre { log: "info,siaga112=debug", ..Centre::default() });
}
