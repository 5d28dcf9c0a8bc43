//! Who is let in at the door, and how far.

use std::net::SocketAddr;

use super::*;
use crate::config;
use crate::sip::locate::{Hop, Target};
use crate::sip::{Transport, Uri};
use crate::trunk::settings::LineSettings;

fn settings() -> SwitchboardSettings {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let loaded = config::load(&sample, Vec::new()).expect("the sample is right");
    let mut settings = loaded.switchboard;
    settings.trunks.truncate(1);
    settings.trunks[0].sources = vec!["198.51.100.0/24".parse().expect("a network")];
    settings.trunks[0].tls_names = vec!["sbc.telco.example".to_owned()];
    settings
}

fn door() -> (InboxSender, Inbox) {
    inbox(Clock::start(), &settings())
}

const TRUNK: &str = "198.51.100.7:5060";
const PHONE: &str = "203.0.113.21:5060";

fn flow(remote: &str) -> Flow {
    let local = SocketAddr::from(([192, 0, 2, 1], 5060));
    Flow { transport: Transport::Udp, local, remote: remote.parse().expect("an address") }
}

fn request(method: &str, branch: &str, to: &str) -> Bytes {
    Bytes::from(format!(
        "{method} sip:112@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch};rport\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:112@h>{to}\r\nCall-ID: {branch}\r\nCSeq: 1 {method}\r\n\r\n"
    ))
}

fn say(sender: &InboxSender, from: &str, bytes: Bytes) {
    sender.datagram(Input::Sip { flow: flow(from), bytes });
}

fn heard(inbox: &Inbox) -> Vec<String> {
    let first_word = |input: Input| match input {
        Input::Sip { bytes, .. } => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.split(' ').next().unwrap_or_default().to_owned()
        }
        other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
    };
    std::iter::from_fn(|| inbox.ready()).map(first_word).collect()
}

fn we_send(inbox: &Inbox, to: &str, text: &'static str) {
    inbox.we_send(Moment(1), &Send::new(flow(to), Bytes::from_static(text.as_bytes())));
}

#[test]
fn a_stranger_may_call_log_in_and_speak_of_a_call_and_nothing_else() {
    let (sender, inbox) = door();
    let methods = ["OPTIONS", "SUBSCRIBE", "MESSAGE", "NOTIFY", "REGISTER", "INVITE", "BYE"];
    for method in methods {
        say(&sender, PHONE, request(method, "1", ""));
    }
    say(&sender, PHONE, Bytes::from_static(b"\x00junk"));
    say(&sender, PHONE, Bytes::from_static(b"\r\n\r\n"));
    assert_eq!(heard(&inbox), ["REGISTER", "INVITE", "BYE"]);
    let counts = sender.counts();
    assert_eq!((counts.unknown, counts.malformed), (4, 1));
    // The same from a trunk is all heard.
    for method in methods {
        say(&sender, TRUNK, request(method, "1", ""));
    }
    assert_eq!(heard(&inbox).len(), methods.len());
    assert_eq!(sender.counts().unknown, 4);
}

#[test]
fn a_flood_of_a_stranger_ends_at_the_door_and_one_of_a_trunk_does_not() {
    let (sender, inbox) = door();
    for n in 0..2_000 {
        say(&sender, PHONE, request("REGISTER", &n.to_string(), ""));
    }
    // Its burst, and what a slow machine lets trickle meanwhile.
    let (count, dropped) = (heard(&inbox).len(), sender.counts().unknown);
    assert!((limits::STRANGER_BURST as usize..1_000).contains(&count), "{count}");
    assert_eq!(count as u64 + dropped, 2_000);
    for n in 0..2_000 {
        say(&sender, TRUNK, request("INVITE", &n.to_string(), ""));
    }
    assert_eq!(heard(&inbox).len(), 2_000);
}

#[test]
fn our_first_good_word_makes_an_address_known() {
    let (sender, inbox) = door();
    let options = || {
        say(&sender, PHONE, request("OPTIONS", "1", ""));
        heard(&inbox).len()
    };
    for bad in ["SIP/2.0 401 Unauthorized\r\n", "SIP/2.0 403 Forbidden\r\n", "SIP/2.0 503 X\r\n"] {
        we_send(&inbox, PHONE, bad);
        assert_eq!(options(), 0, "{bad}");
    }
    we_send(&inbox, PHONE, "SIP/2.0 200 OK\r\n");
    assert_eq!(options(), 1);
    // A phone's INVITE is no call of a trunk.
    say(&sender, PHONE, request("INVITE", "1", ""));
    assert_eq!(sender.counts().lanes.waiting, [0, 0, 1, 0, 0, 0, 0]);
    heard(&inbox);
    // Nor does our 100 make one of it: it dials.
    we_send(&inbox, PHONE, "SIP/2.0 100 Trying\r\n");
    say(&sender, PHONE, request("INVITE", "1", ""));
    assert_eq!(sender.counts().lanes.waiting, [0, 0, 1, 0, 0, 0, 0]);
    heard(&inbox);
    // Of those who are no phones, 100 is said to trunks: this one proved itself by its password.
    let trunk = "203.0.113.88:5060";
    we_send(&inbox, trunk, "SIP/2.0 100 Trying\r\n");
    we_send(&inbox, trunk, "SIP/2.0 200 OK\r\n");
    we_send(&inbox, trunk, "SIP/2.0 100 Trying\r\n");
    say(&sender, trunk, request("INVITE", "1", ""));
    assert_eq!(sender.counts().lanes.waiting, [0, 1, 0, 0, 0, 0, 0]);
    // Whom we call may answer.
    let callee = "203.0.113.77:5060";
    we_send(&inbox, callee, "INVITE sip:x SIP/2.0\r\n");
    heard(&inbox);
    say(&sender, callee, Bytes::from_static(b"SIP/2.0 180 Ringing\r\n\r\n"));
    assert_eq!(sender.counts().lanes.waiting, [1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_certificate_makes_its_connection_a_trunk_s_until_it_is_gone() {
    let (sender, inbox) = door();
    let connection = Flow { transport: Transport::Tls, ..flow(PHONE) };
    let invite = |n: &str| {
        sender.datagram(Input::Sip { flow: connection, bytes: request("INVITE", n, "") });
        sender.counts().lanes.waiting[Lane::Calls as usize]
    };
    let names = vec!["SBC.telco.example".to_owned()];
    sender.put(Input::Connected { flow: connection, names });
    assert_eq!(invite("1"), 1);
    sender.put(Input::Disconnected { flow: connection });
    assert_eq!(invite("2"), 1);
    assert_eq!(heard(&inbox), ["Connected", "Disconnected", "INVITE", "INVITE"]);
}

#[test]
fn a_full_lane_answers_503_with_a_retry_after_and_memory_alone_refuses_a_call() {
    let (sender, inbox) = door();
    let long = "x".repeat(60_000);
    let mut n = 0;
    let mut fill = |method: &str| {
        while inbox.shared.state().refusals.is_empty() {
            n += 1;
            let text = request(method, &n.to_string(), "");
            let text = [&text[..], long.as_bytes()].concat();
            say(&sender, TRUNK, Bytes::from(text));
        }
        inbox.refusals()
    };
    for (method, lane) in [("OPTIONS", Lane::Options), ("INVITE", Lane::Calls)] {
        let refusals = fill(method);
        let text = String::from_utf8_lossy(&refusals[0].bytes).into_owned();
        assert!(text.starts_with("SIP/2.0 503 "), "{text}");
        let wait = text.split("Retry-After: ").nth(1).and_then(|t| t.split('\r').next());
        let wait: u32 = wait.and_then(|wait| wait.parse().ok()).expect("Retry-After");
        assert!((limits::RETRY_AFTER.0..=limits::RETRY_AFTER.1).contains(&wait), "{wait}");
        assert_eq!(refusals[0].flow, flow(TRUNK));
        assert!(inbox.counts().lanes.waiting[lane as usize] > 100);
    }
    assert_eq!(inbox.counts().lost_calls(), (1, 0));
    assert_eq!(inbox.counts().turned_away(), 2);
    // Calls in progress have their own room.
    say(&sender, TRUNK, request("BYE", "b", ";tag=x"));
    assert_eq!(heard(&inbox)[0], "BYE");
}

#[test]
fn a_cancel_of_a_waiting_invite_comes_right_after_it() {
    let (sender, inbox) = door();
    say(&sender, TRUNK, request("INVITE", "1", ""));
    say(&sender, TRUNK, request("INVITE", "2", ""));
    say(&sender, TRUNK, request("INVITE", "1", ""));
    say(&sender, TRUNK, request("CANCEL", "1", ""));
    say(&sender, TRUNK, request("CANCEL", "3", ""));
    assert_eq!(heard(&inbox), ["CANCEL", "INVITE", "CANCEL", "INVITE"]);
}

#[test]
fn the_reader_ends_with_the_last_writer_and_reports_are_always_taken() {
    let (sender, inbox) = door();
    let second = sender.clone();
    drop(sender);
    assert!(second.put(Input::Drain));
    assert!(matches!(inbox.next(Duration::ZERO), Ok(Some(Input::Drain))));
    assert!(matches!(inbox.next(Duration::ZERO), Ok(None)));
    drop(second);
    assert!(inbox.next(Duration::from_secs(60)).is_err());
    let (sender, inbox) = door();
    drop(inbox);
    assert!(!sender.put(Input::Drain));
}

#[test]
fn a_carrier_calls_from_where_it_was_found() {
    let (uri, name) = (Uri::read("sip:sbc.telco.example"), "sbc.telco.example");
    let hop = |address: &str| Hop {
        transport: Transport::Udp,
        address: address.parse().expect("an address"),
        name: name.into(),
    };
    let located = |sender: &InboxSender, hops| {
        let good_for = Duration::from_secs(60);
        sender.put(Input::Located { trunk: "telco-b".into(), hops, wrong: None, good_for });
    };
    let calls = |sender: &InboxSender, from: &str| {
        say(sender, from, request("INVITE", from, ""));
        sender.counts().lanes.waiting[Lane::Calls as usize]
    };
    let mut settings = settings();
    let line = |uri: &Uri| LineSettings {
        target: Target::of(uri).expect("a target"),
        uri: uri.clone(),
        register: true,
        account: None,
        from_user: "siaga".into(),
        caller_id: None,
        probe: None,
    };
    settings.trunks[0].id = "telco-b".into();
    settings.trunks[0].line = Some(line(&uri).into());
    let (sender, _inbox) = inbox(Clock::start(), &settings);
    assert_eq!(calls(&sender, "192.0.2.71:5060"), 0);
    located(&sender, vec![hop("192.0.2.71:5060"), hop("192.0.2.72:5060")]);
    located(&sender, Vec::new());
    assert_eq!(calls(&sender, "192.0.2.71:5061"), 1);
    assert_eq!(calls(&sender, "192.0.2.72:5060"), 2);
    // An address needs nobody to look it up, and a trunk that is no more has no carrier.
    settings.trunks[0].line = Some(line(&Uri::read("sip:192.0.2.80")).into());
    let adopt = |settings: &SwitchboardSettings| Input::Adopt {
        settings: Box::new(settings.clone()),
        digest: String::new(),
        by: String::new(),
    };
    sender.put(adopt(&settings));
    assert_eq!(calls(&sender, "192.0.2.80:5060"), 3);
    settings.trunks.clear();
    sender.put(adopt(&settings));
    assert_eq!(calls(&sender, "192.0.2.80:5062"), 3);
}
