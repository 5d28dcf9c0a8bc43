//! What may go wrong around a call, with the real program: a killed process, a full disk, a wrong
//! configuration, a stop in the middle of a call. The call goes on, or its record says what became
//! of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone};
use support::sipp::Sipp;
use support::tone::{assert_talk, channel, share, talk};
use support::wait::until;

fn caller(gateway: &Gateway) -> (Phone, Dialog) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    (trunk, call)
}

fn audio(gateway: &Gateway) -> UdpSocket {
    UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port")
}

fn page(gateway: &Gateway, path: &str) -> String {
    String::from_utf8_lossy(&gateway.get(path).body).into_owned()
}

fn work_list(gateway: &Gateway) -> Vec<serde_json::Value> {
    let page = page(gateway, "/api/v1/work-list");
    let list: serde_json::Value = serde_json::from_str(&page).expect("JSON");
    list["work"].as_array().cloned().unwrap_or_else(|| panic!("no list: {page}"))
}

#[test]
fn a_killed_process_leaves_a_readable_recording_and_a_whole_record() {
    let centre = Centre::default();
    let gateway = centre.start();
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    let answer = call.await_answer(&trunk);
    talk(&audio, answer.media(), 440.0, Duration::from_secs(3));
    let folder = gateway.config().join("data/recordings");
    let data = gateway.config().join("data").metadata().unwrap();
    assert_eq!(data.permissions().mode() & 0o777, 0o700, "only its owner reads the data");

    let gateway = centre.restart(gateway);
    drop(seat);
    let file = folder.read_dir().unwrap().next().expect("a recording").unwrap();
    let wav = std::fs::read(file.path()).unwrap();
    let (left, rate) = channel(&wav, 0);
    assert!(left.len() > rate as usize, "only {} samples were kept", left.len());
    assert!(share(&left, 440.0, rate) > 0.5, "the caller is not in the recording");

    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking gateway restart");
    // Nobody has counted them to the end.
    assert_eq!(incident.0["caller_packets"], serde_json::Value::Null);
    // Whoever was cut off is to be called back, also when the next process is killed as well.
    let listed = until("the caller is on the work list", || work_list(&gateway).pop());
    assert_eq!(listed["kind"], "dropped");
    assert_eq!(listed["number"], "+6281234567890");
    until("the left-over recording is sealed", || {
        (!gateway.show(&incident.id()).text("recording.sha256").is_empty()).then_some(())
    });
    // The call that comes next is an ordinary one.
    let _seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    call.await_answer(&trunk);
    call.hang_up(&trunk);
    assert_eq!(gateway.incidents(2)[1].ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn a_killed_process_leaves_nobody_in_a_call_on_the_record() {
    let centre = Centre { seats: 2, ..Centre::default() };
    let gateway = centre.start();
    let _seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    call.await_answer(&trunk);
    let _other = Sipp::seat(&gateway, 2, "seat-answers-expect-bye");
    let id = gateway.calls()[0].text("id");
    let body = r#"{"to": "seat-2", "part": "talk"}"#;
    let answer = gateway.post(&format!("/api/v1/calls/{id}/parties"), body);
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    until("the other seat takes part", || {
        (gateway.calls()[0].text("parties.0.state") == "here").then_some(())
    });
    let incident = gateway.calls()[0].text("incident");
    until("that is on the disk", || {
        (gateway.show(&incident).steps("party-joined") == 1).then_some(())
    });

    let gateway = centre.restart(gateway);
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking gateway restart");
    assert_eq!(incident.steps("party-left"), 1);
    gateway.stop();
}

#[test]
fn the_work_list_outlives_every_kill_and_ends_when_the_caller_rings_again() {
    let centre = Centre::default();
    let gateway = centre.start();
    let (trunk, mut call) = caller(&gateway);
    call.invite(&trunk, audio(&gateway).local_addr().unwrap());
    trunk.await_status(180, "INVITE");
    let gateway = centre.restart(gateway);
    let first = until("the caller is on the work list", || work_list(&gateway).pop());
    assert_eq!(first["kind"], "dropped");
    assert_eq!(gateway.incident().ending(), "waiting gateway restart");

    let gateway = centre.restart(gateway);
    let second = until("the caller is still there", || work_list(&gateway).pop());
    assert_eq!(second["id"], first["id"]);

    let (trunk, mut call) = caller(&gateway);
    call.invite(&trunk, audio(&gateway).local_addr().unwrap());
    trunk.await_status(180, "INVITE");
    assert!(work_list(&gateway).is_empty(), "the caller is here");
}

#[test]
fn a_full_disk_raises_an_alarm_and_ends_no_call() {
    // 64 blocks are 32 KiB: the journal is full after a handful of calls.
    let gateway = Centre { disk_blocks: Some(64), ..Centre::default() }.start();
    let _seat = Sipp::seats(&gateway, 1, "seat-answers-expect-bye", &["-m", "40"]);
    let audio = audio(&gateway);
    let mut calls = 0;
    until("the gateway says that a disk is full", || {
        let (trunk, mut call) = caller(&gateway);
        call.invite(&trunk, audio.local_addr().unwrap());
        let answer = call.await_answer(&trunk);
        talk(&audio, answer.media(), 440.0, Duration::from_millis(200));
        call.hang_up(&trunk);
        calls += 1;
        assert!(calls < 40, "the disk never filled up");
        page(&gateway, "/metrics").contains("siaga112_health{check=\"journal\"} 0").then_some(())
    });
    // The journal is gone, and calls are answered all the same.
    for _ in 0..3 {
        let (trunk, mut call) = caller(&gateway);
        call.invite(&trunk, audio.local_addr().unwrap());
        call.await_answer(&trunk);
        call.hang_up(&trunk);
    }
    let ready = page(&gateway, "/readyz");
    assert!(ready.contains("degraded") && ready.contains("os error 27"), "{ready}");
    assert!(gateway.log().contains("journal cannot be written"));
}

#[test]
fn a_data_folder_that_cannot_be_made_stops_no_start_and_no_call() {
    // Below a regular file there can be no folder.
    let gateway = Centre { data_dir: "routing.toml/data", ..Centre::default() }.start();
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    call.await_answer(&trunk);
    call.hang_up(&trunk);
    seat.finish();
    let ready = page(&gateway, "/readyz");
    assert!(ready.contains("degraded") && ready.contains("routing.toml/data/journal"), "{ready}");
    // Each failure counts once, however often it is tried again.
    let metrics = page(&gateway, "/metrics");
    for name in ["journal-failed", "store-failed"] {
        let counted = format!("siaga112_alarms_total{{name=\"{name}\"}} 1\n");
        assert!(metrics.contains(&counted), "{name}: {metrics}");
    }
    assert_eq!(gateway.log().matches("the database cannot be written").count(), 1);
    gateway.stop();
}

#[test]
fn a_reload_is_whole_or_nothing_and_touches_no_call() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    // One caller waits, for no seat has registered.
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    trunk.await_status(180, "INVITE");

    Centre::edit(&gateway, "queues.toml", "ring_timeout_seconds", "ring_timout_seconds");
    gateway.signal("HUP");
    until("the mistake is told", || {
        let log = gateway.log();
        let told = log.contains("configuration refused") && log.contains("did you mean");
        told.then_some(())
    });
    let ready = page(&gateway, "/readyz");
    assert!(ready.contains("1 mistake") && ready.contains("the running one stays"), "{ready}");

    Centre::edit(&gateway, "queues.toml", "ring_timout_seconds", "ring_timeout_seconds");
    Centre::edit(&gateway, "seats.toml", "name = \"seat-2\"", "name = \"seat-new\"");
    gateway.signal("HUP");
    until("the new seat is there", || gateway.seat("seat-new"));
    assert!(gateway.seat("seat-2").is_none());

    // The caller who waited through all of it is answered.
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    call.await_answer(&trunk);
    call.hang_up(&trunk);
    seat.finish();
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn a_stop_lets_the_call_end_and_sends_new_ones_elsewhere() {
    let gateway = Centre::default().start();
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    call.await_answer(&trunk);
    gateway.signal("TERM");
    until("the gateway drains", || page(&gateway, "/readyz").contains("draining").then_some(()));
    let (other, mut refused) = caller(&gateway);
    refused.invite(&other, audio.local_addr().unwrap());
    let answer = other.await_status(503, "INVITE");
    assert!(!answer.header("Retry-After").is_empty());
    call.hang_up(&trunk);
    seat.finish();
    gateway.ended();
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_call_and_no_audio() {
    let gateway = Centre { unread_log: true, ..Centre::default() }.start();
    gateway.register(1);
    let seat = Phone::at(gateway.site.seat(1), 5060, gateway.sip);
    let (trunk, mut call) = caller(&gateway);
    let [audio, ear] = [gateway.site.trunk(), gateway.site.seat(1)]
        .map(|host| UdpSocket::bind((host, 0)).unwrap());
    call.invite(&trunk, audio.local_addr().unwrap());
    let (_talk, invite) = Dialog::pick_up(&seat, ear.local_addr().unwrap());
    let answer = call.await_answer(&trunk);
    assert_talk((&audio, answer.media()), (&ear, invite.media()));
    call.request(&trunk, "BYE", "", "");
    seat.accept(&seat.await_request("BYE"));
    trunk.await_status(200, "BYE");
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    assert!(page(&gateway, "/metrics").contains("siaga112_log_lines_lost_total"));
    gateway.stop();
}

#[test]
fn a_taken_port_and_a_second_instance_are_told_plainly() {
    let gateway = Centre::default().start();
    let told = gateway.start_another();
    assert!(told.contains("another"), "{told}");
    gateway.stop();
}

#[test]
fn a_demo_that_is_stopped_clears_its_folder_away() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_siaga112"))
        .arg("demo")
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    assert!(first.contains("Siaga112 demo"), "{first}");
    let there = || temporary.path().read_dir().unwrap().count();
    assert_eq!(there(), 1);
    let kill = format!("kill -TERM {}", demo.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    // Read to the end, so that the demo never writes into a closed pipe.
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(1));
    assert_eq!(there(), 0);
}
