//! Linphone's real-time text against the whole gateway: a deaf caller types, an operator reads and writes
//! at the desk, and the record has it all. `tests/linphone/text.py` drives Linphone's library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::gateway::{Centre, Gateway};
use support::helper::Helper;
use support::phone::{Dialog, Message, Phone};
use support::wait::until;

/// Linphone at an address: calls 112, or waits to be called.
fn linphone(gateway: &Gateway, at: Ipv4Addr, calls: bool) -> Helper {
    encrypted(gateway, at, calls, "none")
}

/// The same, with its audio and text in plain or in SRTP.
fn encrypted(gateway: &Gateway, at: Ipv4Addr, calls: bool, how: &str) -> Helper {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = gateway.dir().join(format!("linphone-{at}"));
    std::fs::create_dir_all(folder.join(".local/share/linphone")).expect("created");
    let mut python = Command::new("python3");
    python
        .arg(root.join("tests/linphone/text.py"))
        .arg(&folder)
        .args([&at.to_string(), how])
        .args(calls.then(|| format!("sip:112@{}", gateway.sip)))
        .envs(["HOME", "XDG_CONFIG_HOME"].map(|name| (name, &folder)))
        .env("XDG_DATA_HOME", folder.join(".local/share"));
    Helper::start(python, gateway.dir().join(format!("linphone-{at}.log")))
}

/// The letters that Linphone reads until they end so.
fn reads(linphone: &Helper, end: &str) -> String {
    let mut read = String::new();
    while !read.ends_with(end) {
        read.push_str(linphone.await_event("char")["char"].as_str().expect("a letter"));
    }
    read
}

/// Who wrote what, as the record of the one call has it.
fn written(gateway: &Gateway) -> Vec<Value> {
    let record = gateway.incident();
    let steps = record.0["steps"].as_array().expect("steps");
    let written = steps.iter().filter(|step| step["fact"] == "text-written");
    written.map(|step| json!([step["by"], step["text"]])).collect()
}

#[test]
fn two_telephones_with_text_write_to_each_other_through_us() {
    let gateway = Centre { seat_lines: "text = true\n", ..Centre::default() }.start();
    // Linphone takes the address that was registered.
    gateway.register(1);
    let mut seat = linphone(&gateway, gateway.site.seat(1), false);
    seat.await_event("waits");
    let mut caller = linphone(&gateway, gateway.site.trunk(), true);
    caller.await_event("talks");
    seat.await_event("talks");
    caller.say("Banjir di Gapura, air naik!");
    assert_eq!(reads(&seat, "\u{2028}"), "Banjir di Gapura, air naik!\u{2028}");
    seat.say("Ada yang terluka?");
    assert_eq!(reads(&caller, "\u{2028}"), "Ada yang terluka?\u{2028}");
    caller.say("quit");
    seat.await_event("over");
    assert_eq!(
        written(&gateway),
        [json!(["caller", "Banjir di Gapura, air naik!"]), json!(["seat", "Ada yang terluka?"]),]
    );
    gateway.assert_nothing_left();
}

#[test]
fn two_telephones_write_to_each_other_encrypted() {
    let seat_lines = "text = true\nsrtp = \"required\"\n";
    let gateway = Centre { seat_lines, ..Centre::default() }.start();
    gateway.register(1);
    let mut seat = encrypted(&gateway, gateway.site.seat(1), false, "srtp");
    seat.await_event("waits");
    let mut caller = encrypted(&gateway, gateway.site.trunk(), true, "srtp");
    caller.await_event("talks");
    seat.await_event("talks");
    caller.say("Banjir di Gapura, air naik!");
    assert_eq!(reads(&seat, "\u{2028}"), "Banjir di Gapura, air naik!\u{2028}");
    seat.say("Ada yang terluka?");
    assert_eq!(reads(&caller, "\u{2028}"), "Ada yang terluka?\u{2028}");
    caller.say("quit");
    seat.await_event("over");
    let record = gateway.incident();
    let steps = record.0["steps"].as_array().expect("steps");
    let id = record.text("id");
    let ladder = gateway.get(&format!("/api/v1/incidents/{id}/ladder")).json().to_string();
    let lines: Vec<&str> = ladder.split("m=text ").skip(1).collect();
    let safe = lines.iter().filter(|line| {
        let line = line.split("\\r\\n").next().unwrap_or_default();
        !line.starts_with("0 ") && line.contains("RTP/SAVP")
    });
    assert_eq!(safe.count(), 4, "offer and answer of both legs: {lines:#?}");
    let carried: Vec<&Value> = steps.iter().filter(|step| step["fact"] == "text-carried").collect();
    assert_eq!(carried.len(), 2, "what became of the text of each leg is on the record");
    for step in carried {
        assert!(step["quality"]["received"].as_u64() > Some(2), "{step}");
        assert_eq!(step["quality"]["lost"], 0, "{step}");
    }
    gateway.assert_nothing_left();
}

#[test]
fn a_deaf_caller_and_an_operator_write_to_each_other() {
    let gateway = Centre::default().start();
    gateway.register(1);
    let seat = Phone::at(gateway.site.seat(1), 5060, gateway.sip);
    let mut linphone = linphone(&gateway, gateway.site.trunk(), true);
    let audio = std::net::UdpSocket::bind((gateway.site.seat(1), 0)).expect("a free port");
    let (_talk, invite): (Dialog, Message) =
        Dialog::pick_up(&seat, audio.local_addr().expect("bound"));
    let body = String::from_utf8_lossy(&invite.body).into_owned();
    assert!(!body.contains("m=text"), "a seat that cannot show text is not offered any: {body}");
    linphone.await_event("talks");
    let call = gateway.calls().remove(0).text("id");
    let path = format!("/api/v1/calls/{call}/text");
    linphone.say("Tolong, rumah saya terbakar — cepat!");
    let line = |text: &'static str| move |line: &Value| line["text"] == text;
    let caller = until("the operator reads what the caller types", || {
        let lines = gateway.get(&path).json()["lines"].as_array().cloned().unwrap_or_default();
        lines.into_iter().find(line("Tolong, rumah saya terbakar — cepat!"))
    });
    assert_eq!(caller["by"], "caller");
    let answer = gateway.post(&path, r#"{"text": "Di mana? Pemadam sudah jalan."}"#);
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(reads(&linphone, "\u{2028}"), "Di mana? Pemadam sudah jalan.\u{2028}");
    linphone.say("Desa Pamolokan");
    until("the second line", || {
        let lines = gateway.get(&path).json()["lines"].as_array().cloned().unwrap_or_default();
        lines.into_iter().find(line("Desa Pamolokan"))
    });
    linphone.say("quit");
    let bye = seat.await_request("BYE");
    seat.accept(&bye);
    assert_eq!(
        written(&gateway),
        [
            json!(["caller", "Tolong, rumah saya terbakar — cepat!"]),
            json!(["staff", "Di mana? Pemadam sudah jalan."]),
            json!(["caller", "Desa Pamolokan"]),
        ]
    );
    let log = gateway.log();
    for secret in ["Tolong", "Pemadam", "Pamolokan"] {
        assert!(!log.contains(secret), "what is written is in no log: {log}");
    }
    gateway.assert_nothing_left();
}
