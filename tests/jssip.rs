//! JsSIP over WSS, as the browser of a seat speaks it: `tests/jssip/seat.js` on Node. Signalling only, and
//! on a gateway without a port for browsers' audio: what it names is a plain socket of the test, so that
//! sound can be measured both ways. `tests/browser.rs` has a whole browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::gateway::{Centre, Gateway, account};
use support::helper::Helper;
use support::phone::{Dialog, Phone};
use support::tone::assert_talk;

/// A seat in a browser, registered, and the audio that it names.
struct Browser {
    js: Helper,
    audio: UdpSocket,
}

impl Browser {
    fn open(gateway: &Gateway) -> Self {
        let ip = gateway.site.seat(1);
        let audio = UdpSocket::bind((ip, 0)).expect("a free port");
        let port = audio.local_addr().expect("bound").port();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jssip");
        assert!(folder.join("node_modules").is_dir(), "make test installs JsSIP with npm ci");
        let mut node = Command::new("node");
        node.arg(folder.join("seat.js"))
            .arg(format!("wss://{}", gateway.at("wss")))
            .arg(gateway.authority_file())
            .args(["seat-1", &account("seat-1").password, "112.sumenep.example"])
            .args([ip.to_string(), port.to_string()]);
        let js = Helper::start(node, gateway.dir().join("jssip.log"));
        assert_eq!(js.await_event("open")["protocol"], "sip");
        assert_eq!(js.await_event("registered")["status"], 200);
        gateway.await_seat("seat-1", "ready");
        Self { js, audio }
    }

    /// Where the gateway wants its audio.
    fn media(&self) -> SocketAddr {
        let media = self.js.await_event("media");
        media["media"].as_str().and_then(|m| m.parse().ok()).expect("an address")
    }
}

fn centre() -> Centre {
    Centre { seats: 2, browsers: false, ..Centre::of_every_transport() }
}

/// The trunk, a call that it makes, and the caller's audio.
fn caller(gateway: &Gateway) -> (Phone, Dialog, UdpSocket) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    call.invite(&trunk, audio.local_addr().expect("bound"));
    (trunk, call, audio)
}

#[test]
fn a_browser_takes_calls_and_either_side_hangs_up() {
    let gateway = centre().start();
    let mut browser = Browser::open(&gateway);
    for seat_ends in [false, true] {
        let (trunk, mut call, audio) = caller(&gateway);
        let rings = browser.js.await_event("session");
        assert_eq!(rings["originator"], "remote");
        let invite = rings["request"].as_str().expect("a request");
        let ours = gateway.at("wss");
        assert!(invite.contains(&format!("Via: SIP/2.0/WSS {ours};branch=z9hG4bK")), "{invite}");
        assert!(invite.contains(&format!("Contact: <sip:{ours};transport=ws>")), "{invite}");
        browser.js.await_event("progress");
        trunk.await_status(180, "INVITE");
        browser.js.say("answer");
        let answer = call.await_answer(&trunk);
        let seat = browser.media();
        browser.js.await_event("confirmed");
        assert_talk((&audio, answer.media()), (&browser.audio, seat));
        if seat_ends {
            browser.js.say("bye");
            trunk.accept(&trunk.await_request("BYE"));
        } else {
            call.hang_up(&trunk);
            assert_eq!(browser.js.await_event("ended")["originator"], "remote");
        }
        gateway.await_seat("seat-1", "ready");
    }
    let endings: Vec<String> = gateway.incidents(2).iter().map(|i| i.ending()).collect();
    assert_eq!(endings, ["talking caller hung-up", "talking seat hung-up"]);
    // Its registration would last for minutes; it ends with the window.
    browser.js.kill();
    gateway.await_seat("seat-1", "paused");
    gateway.stop();
}

#[test]
fn a_browser_that_comes_back_by_a_new_connection_keeps_its_talk() {
    let gateway = centre().start();
    let mut browser = Browser::open(&gateway);
    for seat_ends in [false, true] {
        let (trunk, mut call, audio) = caller(&gateway);
        browser.js.await_event("session");
        browser.js.say("answer");
        let answer = call.await_answer(&trunk);
        let seat = browser.media();
        browser.js.await_event("confirmed");
        browser.js.say("cut");
        browser.js.await_event("open");
        browser.js.await_event("registered");
        assert_eq!(gateway.seat("seat-1").expect("listed")["state"], "talking");
        assert_talk((&audio, answer.media()), (&browser.audio, seat));
        if seat_ends {
            browser.js.say("bye");
            trunk.accept(&trunk.await_request("BYE"));
        } else {
            call.hang_up(&trunk);
            assert_eq!(browser.js.await_event("ended")["originator"], "remote");
        }
        gateway.await_seat("seat-1", "ready");
    }
    let endings: Vec<String> = gateway.incidents(2).iter().map(|i| i.ending()).collect();
    assert_eq!(endings, ["talking caller hung-up", "talking seat hung-up"]);
    gateway.stop();
}

#[test]
fn a_browser_calls_another_seat() {
    let gateway = centre().start();
    let mut browser = Browser::open(&gateway);
    let phone = Phone::at(gateway.site.seat(2), 5060, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.seat(2), 0)).expect("a free port");
    let contact = format!("<sip:seat-2@{}>", phone.local());
    phone.register(&account("seat-2"), &contact, 300);
    browser.js.say("call sip:seat-2@112.sumenep.example");
    let (mut called, invite) = Dialog::pick_up(&phone, audio.local_addr().expect("bound"));
    let seat = browser.media();
    assert_eq!(browser.js.await_event("accepted")["status"], 200);
    assert_talk((&audio, invite.media()), (&browser.audio, seat));
    called.hang_up(&phone);
    assert_eq!(browser.js.await_event("ended")["originator"], "remote");
    gateway.await_seat("seat-1", "ready");
    gateway.stop();
}

#[test]
fn a_browser_that_closes_while_it_rings_passes_the_call_on_at_once() {
    // Ringing ends long after the limit of this test.
    let gateway = Centre { ring_timeout: 120, ..centre() }.start();
    let mut browser = Browser::open(&gateway);
    let phone = Phone::at(gateway.site.seat(2), 5060, gateway.sip);
    let contact = format!("<sip:seat-2@{}>", phone.local());
    phone.register(&account("seat-2"), &contact, 300);
    let (trunk, mut call, audio) = caller(&gateway);
    browser.js.await_event("progress");
    browser.js.kill();
    let (_, invite) = Dialog::pick_up(&phone, audio.local_addr().expect("bound"));
    assert!(invite.header("To").contains("seat-2"));
    call.await_answer(&trunk);
    gateway.await_seat("seat-1", "paused");
    call.hang_up(&trunk);
    let incident = gateway.incident();
    assert_eq!(incident.offers(), ["seat-1 unreachable", "seat-2 answered"]);
    assert!(phone.await_request("BYE").header("Reason").contains("cause=16"));
    assert!(trunk.receive(Duration::ZERO).is_none());
    gateway.stop();
}
