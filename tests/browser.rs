//! A whole browser as the phone of a seat: Debian's Chromium with a microphone of its own making, JsSIP on
//! a page (`tests/jssip/page.js`), WSS, ICE, DTLS-SRTP. What each side hears is told by its tone.

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

use serde_json::Value;
use support::gateway::{Centre, Gateway, account};
use support::helper::Helper;
use support::phone::{Dialog, Phone};
use support::tone::{self, CALLER_HERTZ, RATE, SEAT_HERTZ};
use support::wait::until;

/// How long each side is listened to.
const SPAN: Duration = Duration::from_secs(3);

/// A seat's browser, registered; its microphone hears the tone of seats.
struct Browser {
    js: Helper,
}

impl Browser {
    fn open(gateway: &Gateway, seat: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jssip");
        assert!(folder.join("node_modules").is_dir(), "make test installs JsSIP with npm ci");
        let microphone = gateway.dir().join(format!("{seat}.wav"));
        tone::file(&microphone, SEAT_HERTZ);
        let mut node = Command::new("node");
        node.arg(folder.join("browser.js"))
            .arg(format!("wss://{}", gateway.at("wss")))
            .args([seat, &account(seat).password, "112.sumenep.example"])
            .arg(microphone);
        let js = Helper::start(node, gateway.dir().join(format!("{seat}.log")));
        js.await_event("registered");
        gateway.await_seat(seat, "ready");
        Self { js }
    }

    fn say(&mut self, line: &str) {
        self.js.say(line);
    }

    /// Takes the call that rings.
    fn answer(&mut self) {
        self.js.await_event("session");
        self.js.await_event("progress");
        self.say("answer");
        self.js.await_event("confirmed");
        self.await_connection();
    }

    /// Waits until ICE and DTLS are through.
    fn await_connection(&self) {
        while self.js.await_event("connection")["state"] != "connected" {}
    }

    /// What part of what it hears in the next second and a half is a tone, and how loud it is.
    fn hears(&mut self, hertz: f64) -> (f64, f64) {
        self.say(&format!("hear {hertz}"));
        let heard = self.js.await_event("heard");
        (heard["share"].as_f64().expect("a share"), heard["level"].as_f64().expect("a level"))
    }

    fn stats(&mut self) -> Value {
        self.say("stats");
        self.js.await_event("stats")
    }
}

/// The caller on the trunk.
struct Caller {
    trunk: Phone,
    call: Dialog,
    audio: UdpSocket,
}

impl Caller {
    fn new(gateway: &Gateway) -> Self {
        let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
        let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
        let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
        call.invite(&trunk, audio.local_addr().expect("bound"));
        Self { trunk, call, audio }
    }

    fn await_answer(&mut self) -> SocketAddr {
        self.call.await_answer(&self.trunk).media()
    }
}

/// Caller and browser hear one another's tone.
fn assert_talk(caller: &Caller, media: SocketAddr, browser: &mut Browser) {
    std::thread::scope(|scope| {
        let talk = scope.spawn(|| tone::talk(&caller.audio, media, CALLER_HERTZ, SPAN));
        let (share, level) = browser.hears(CALLER_HERTZ);
        assert!(share > 0.8, "the browser hears the caller: {share} at {level}");
        let heard = talk.join().expect("the caller talks");
        tone::assert_tone("the caller hears the browser", &heard, SEAT_HERTZ, RATE);
    });
}

fn centre(seat_lines: &'static str) -> Centre {
    Centre { seats: 2, seat_lines, ..Centre::of_every_transport() }
}

#[test]
fn a_browser_takes_a_call_holds_it_and_either_side_hangs_up() {
    let gateway = centre("").start();
    let mut browser = Browser::open(&gateway, "seat-1");
    for seat_ends in [false, true] {
        let mut caller = Caller::new(&gateway);
        browser.answer();
        let media = caller.await_answer();
        assert_talk(&caller, media, &mut browser);
        let stats = browser.stats();
        assert_eq!(stats["codec"], "audio/PCMA", "{stats}");
        assert!(stats["srtp"].is_string(), "{stats}");
        browser.say("hold");
        browser.js.await_event("held");
        // What came until now was said before.
        tone::talk(&caller.audio, media, CALLER_HERTZ, Duration::from_millis(500));
        let heard = tone::talk(&caller.audio, media, CALLER_HERTZ, SPAN);
        let share = tone::share(&heard, SEAT_HERTZ, RATE);
        assert!(share < 0.01, "put aside, no seat is heard: {share}");
        browser.say("unhold");
        browser.js.await_event("unheld");
        assert_talk(&caller, media, &mut browser);
        if seat_ends {
            browser.say("bye");
            caller.trunk.accept(&caller.trunk.await_request("BYE"));
        } else {
            caller.call.hang_up(&caller.trunk);
            assert_eq!(browser.js.await_event("ended")["originator"], "remote");
        }
        gateway.await_seat("seat-1", "ready");
    }
    let endings: Vec<String> = gateway.incidents(2).iter().map(|i| i.ending()).collect();
    assert_eq!(endings, ["talking caller hung-up", "talking seat hung-up"]);
    gateway.stop();
}

#[test]
fn a_browser_begins_ice_anew_in_a_call_and_both_hear_on() {
    let gateway = centre("").start();
    let mut browser = Browser::open(&gateway, "seat-1");
    let mut caller = Caller::new(&gateway);
    browser.answer();
    let media = caller.await_answer();
    let mut logins = vec![browser.stats()["logins"].clone()];
    for _ in 0..2 {
        browser.say("restart");
        browser.js.await_event("restarted");
        let stats = until("ICE is through again", || {
            let stats = browser.stats();
            let through = stats["ice"] == "connected" && stats["pair"] == "succeeded";
            through.then_some(stats)
        });
        let before = logins.last().expect("one");
        for (side, who) in ["the browser", "we"].into_iter().enumerate() {
            assert_ne!(stats["logins"][side], before[side], "{who} have a new login");
        }
        logins.push(stats["logins"].clone());
    }
    assert_talk(&caller, media, &mut browser);
    caller.call.hang_up(&caller.trunk);
    browser.js.await_event("ended");
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn keys_of_a_browser_are_on_the_record_and_muted_it_is_not_heard() {
    let gateway = centre("").start();
    let mut browser = Browser::open(&gateway, "seat-1");
    let mut caller = Caller::new(&gateway);
    browser.answer();
    let media = caller.await_answer();
    assert_talk(&caller, media, &mut browser);
    browser.say("mute");
    // What came until now was said before.
    tone::talk(&caller.audio, media, CALLER_HERTZ, Duration::from_millis(500));
    let heard = tone::talk(&caller.audio, media, CALLER_HERTZ, SPAN);
    let share = tone::share(&heard, SEAT_HERTZ, RATE);
    assert!(share < 0.01, "muted, the seat is not heard: {share}");
    browser.say("unmute");
    assert_talk(&caller, media, &mut browser);
    let id = gateway.calls()[0].text("incident");
    let keys = || gateway.show(&id).keys("seat");
    for (n, press) in ["key 5", "key #", "info 9", "info *"].into_iter().enumerate() {
        browser.say(press);
        until("the key is on the record", || (keys().len() > n).then_some(()));
    }
    caller.call.hang_up(&caller.trunk);
    browser.js.await_event("ended");
    gateway.incident();
    assert_eq!([keys(), gateway.show(&id).keys("caller")], ["5#9*", ""]);
    gateway.stop();
}

#[test]
fn opus_of_a_browser_is_heard_by_a_caller_who_has_none() {
    let gateway = centre("codecs = [\"opus\"]").start();
    let mut browser = Browser::open(&gateway, "seat-1");
    let mut caller = Caller::new(&gateway);
    browser.answer();
    let media = caller.await_answer();
    assert_talk(&caller, media, &mut browser);
    let stats = browser.stats();
    assert_eq!(stats["codec"], "audio/opus", "{stats}");
    caller.call.hang_up(&caller.trunk);
    browser.js.await_event("ended");
    gateway.stop();
}

#[test]
fn two_browsers_talk_at_once_on_the_one_port_and_call_each_other() {
    let gateway = centre("").start();
    let mut browsers = [Browser::open(&gateway, "seat-1"), Browser::open(&gateway, "seat-2")];
    let mut callers = Vec::new();
    for browser in &mut browsers {
        let mut caller = Caller::new(&gateway);
        // Whose turn it is, is the queue's to say: the one that is free.
        browser.answer();
        let media = caller.await_answer();
        callers.push((caller, media));
    }
    for (browser, (caller, media)) in browsers.iter_mut().zip(&callers) {
        assert_talk(caller, *media, browser);
    }
    for (browser, (caller, _)) in browsers.iter_mut().zip(&mut callers) {
        caller.call.hang_up(&caller.trunk);
        browser.js.await_event("ended");
    }
    for seat in ["seat-1", "seat-2"] {
        gateway.await_seat(seat, "ready");
    }
    browsers[0].say("call sip:seat-2@112.sumenep.example");
    browsers[1].answer();
    browsers[0].await_connection();
    for browser in &mut browsers {
        let (share, level) = browser.hears(SEAT_HERTZ);
        assert!(share > 0.8, "each hears the other: {share} at {level}");
    }
    browsers[0].say("bye");
    browsers[1].js.await_event("ended");
    gateway.stop();
}

#[test]
fn a_page_that_is_loaded_anew_in_a_call_takes_the_next_one() {
    let gateway = centre("").start();
    let mut browser = Browser::open(&gateway, "seat-1");
    let mut caller = Caller::new(&gateway);
    browser.answer();
    let media = caller.await_answer();
    assert_talk(&caller, media, &mut browser);
    browser.say("reload");
    browser.js.await_event("registered");
    // Whether the old page said good-bye or not, the caller is not left alone for ever.
    caller.call.hang_up(&caller.trunk);
    until("the seat is free", || gateway.seat("seat-1").filter(|seat| seat["state"] == "ready"));
    let mut caller = Caller::new(&gateway);
    browser.answer();
    let media = caller.await_answer();
    assert_talk(&caller, media, &mut browser);
    caller.call.hang_up(&caller.trunk);
    browser.js.await_event("ended");
    gateway.stop();
}
