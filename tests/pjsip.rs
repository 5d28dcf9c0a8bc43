//! PJSIP as the phone of a seat, over UDP, TCP and TLS: `tests/pjsip/seat.py` on its Python binding.
//! It talks, holds, and presses keys by each way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::gateway::{Centre, Gateway, account};
use support::helper::Helper;
use support::phone::{Dialog, Phone};
use support::tone::{self, CALLER_HERTZ, RATE, SEAT_HERTZ, assert_tone, talk};
use support::wait::until;

/// PJSIP, registered for seat 1; none where its wheel could not be had.
fn sits(gateway: &Gateway, transport: &str) -> Option<Helper> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("target/pjsua2/pjsua2").exists() {
        eprintln!("LEFT OUT: PJSIP's wheel could not be had, see the Makefile");
        return None;
    }
    let [sound, record] = ["tone.wav", "heard.wav"].map(|name| gateway.dir().join(name));
    tone::file(&sound, SEAT_HERTZ);
    let mut python = Command::new("python3");
    python
        .arg(root.join("tests/pjsip/seat.py"))
        .env("PYTHONPATH", root.join("target/pjsua2"))
        .args([&gateway.at(transport).to_string(), transport])
        .arg(gateway.authority_file())
        .args(["seat-1", &account("seat-1").password, "112.sumenep.example"])
        .arg(gateway.site.seat(1).to_string())
        .args([&sound, &record]);
    let pjsip = Helper::start(python, gateway.dir().join("pjsip.log"));
    pjsip.await_event("registered");
    gateway.await_seat("seat-1", "ready");
    Some(pjsip)
}

/// A call from the trunk that rings, and its audio.
fn call(gateway: &Gateway) -> (Phone, Dialog, UdpSocket) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    call.invite(&trunk, audio.local_addr().expect("bound"));
    (trunk, call, audio)
}

/// A call to PJSIP: tones both ways, before and after a hold, ended by the seat.
fn talk_over(transport: &str) {
    let gateway = Centre::of_every_transport().start();
    let Some(mut pjsip) = sits(&gateway, transport) else { return };
    let (trunk, mut call, audio) = call(&gateway);
    let rings = pjsip.await_event("rings");
    let invite = rings["request"].as_str().expect("a request");
    let via = format!("Via: SIP/2.0/{} ", transport.to_uppercase());
    assert!(invite.contains(&via), "{invite}");
    pjsip.say("answer");
    let answer = call.await_answer(&trunk);
    pjsip.await_event("confirmed");
    let heard = talk(&audio, answer.media(), CALLER_HERTZ, Duration::from_secs(2));
    assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
    for (word, held) in [("hold", true), ("resume", false)] {
        pjsip.say(word);
        while pjsip.await_event("media")["held"] != held {}
    }
    let heard = talk(&audio, answer.media(), CALLER_HERTZ, Duration::from_secs(2));
    pjsip.say("bye");
    trunk.accept(&trunk.await_request("BYE"));
    pjsip.await_event("over");
    assert_tone("the caller hears the seat after a hold", &heard, SEAT_HERTZ, RATE);
    let (heard, rate) = tone::closed(&gateway.dir().join("heard.wav"));
    assert_tone("the seat hears the caller", &heard, CALLER_HERTZ, rate);
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking seat hung-up");
    assert_eq!([incident.steps("held"), incident.steps("resumed")], [1, 1]);
    gateway.stop();
}

#[test]
fn pjsip_talks_and_holds_over_udp() {
    talk_over("udp");
}

#[test]
fn pjsip_talks_and_holds_over_tcp() {
    talk_over("tcp");
}

#[test]
fn pjsip_talks_and_holds_over_tls_and_checks_our_certificate() {
    talk_over("tls");
}

#[test]
fn keys_that_pjsip_presses_by_event_and_by_info_are_on_the_record_each_once() {
    let gateway = Centre::of_every_transport().start();
    let Some(mut pjsip) = sits(&gateway, "udp") else { return };
    let (trunk, mut call, audio) = call(&gateway);
    pjsip.await_event("rings");
    pjsip.say("answer");
    let answer = call.await_answer(&trunk);
    pjsip.await_event("confirmed");
    let id = gateway.calls()[0].text("incident");
    let keys = || gateway.show(&id).keys("seat");
    // A key twice, and the two that are no numbers.
    pjsip.say("event 1227*");
    until("the events are on the record", || (keys().len() >= 5).then_some(()));
    pjsip.say("info 90#D");
    until("the INFOs are on the record", || (keys().len() >= 9).then_some(()));
    talk(&audio, answer.media(), CALLER_HERTZ, Duration::from_secs(1));
    pjsip.say("bye");
    trunk.accept(&trunk.await_request("BYE"));
    gateway.incident();
    assert_eq!([keys(), gateway.show(&id).keys("caller")], ["1227*90#D", ""]);
    gateway.stop();
}
