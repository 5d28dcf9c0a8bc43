//! Copies of calls for outside recorders (SIPREC, RFC 7866): what they are sent and told, and that
//! nothing a recorder does is noticed by the call. On a virtual clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each test file uses a part of the world")]
mod scenario;

use std::time::Duration;

use scenario::{World, header, respond, settings};
use siaga112::call::orders::{MediaOrder, Role};
use siaga112::journal::Fact;
use siaga112::sip::digest::OutgoingAccount;
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::{Name, Transport, Uri};
use siaga112::switchboard::Input;
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, Secret, StreamId};

const A: &str = "192.0.2.1:5060";
const B: &str = "192.0.2.2:5060";
const TAKES: &str = "v=0\r\no=r 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8\r\na=recvonly\r\na=label:1\r\n\
    m=audio 40002 RTP/AVP 0\r\na=recvonly\r\na=label:2\r\n";

/// A centre of some seats that has its calls copied by a recorder at A and then B.
fn world(seats: usize) -> World {
    let mut settings = settings(seats, AnswerMode::OnAgent);
    let uri = Uri::read("sip:srs@recorder.example");
    let account =
        OutgoingAccount { username: "siaga".into(), password: Secret::new("rahasia".into()) };
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: Some(account),
        from_user: "siaga".into(),
        caller_id: None,
        probe: None,
    };
    settings.trunks.push(TrunkSettings {
        id: "recorder".into(),
        sources: Vec::new(),
        line: Some(line.into()),
        ..settings.trunks[0].clone()
    });
    settings.recorders = vec!["recorder".into()];
    let mut world = World::of(settings, 200);
    let hop = |address: &str| Hop {
        transport: Transport::Udp,
        address: address.parse().unwrap(),
        name: "recorder.example".into(),
    };
    world.take(Input::Located {
        trunk: "recorder".into(),
        hops: vec![hop(A), hop(B)],
        wrong: None,
        good_for: Duration::from_secs(36_000),
    });
    for seat in 1..=seats {
        world.register(seat);
    }
    world
}

fn recorder_says(world: &mut World, at: &str, code: u16, lines: &str) {
    let invite = world.last_request(at, "INVITE");
    let sdp = if code == 200 { TAKES } else { "" };
    let text = respond(&invite, code, "srs", sdp)
        .replace("<sip:srs@10.0.0.1>", &format!("<sip:srs@{at}>"));
    world.hear(at, &text.replacen("To: ", &format!("{lines}To: "), 1));
}

/// A request of the recorder within its session.
fn recorder_asks(world: &mut World, at: &str, method: &str, cseq: u32, kind: &str, body: &str) {
    let invite = world.last_request(at, "INVITE");
    let (from, id) = (header(&invite, Name::From), header(&invite, Name::CallId));
    let to = header(&invite, Name::To).split(";tag").next().unwrap().to_owned();
    let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
    let text = format!(
        "{method} sip:203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKsrs{method}{cseq}\r\n\
         From: {to};tag=srs\r\nTo: {from}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:srs@{at}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    world.hear(at, &text);
}

/// What a stream was told last that it carries.
fn hears(world: &World, stream: StreamId) -> Vec<StreamId> {
    let roles = world.orders.iter().rev().find_map(|order| match order {
        MediaOrder::Role { stream: of, role: Role::Hear(whom) } if *of == stream => {
            Some(whom.to_vec())
        }
        _ => None,
    });
    roles.unwrap_or_default()
}

/// The streams that are sent to the recorder: caller's and others'.
fn tracks(world: &World) -> Vec<StreamId> {
    let aims = world.orders.iter().filter_map(|order| match order {
        MediaOrder::Aim { stream, aim } if [40_000, 40_002].contains(&aim.rtp.port()) => {
            Some(*stream)
        }
        _ => None,
    });
    let mut aims: Vec<StreamId> = aims.collect();
    aims.dedup();
    aims
}

fn talking(world: &mut World) -> u32 {
    let call = world.call();
    world.seat_says(1, 200);
    world.ack(call);
    world.pass(Duration::from_millis(1));
    call
}

fn copies(world: &World) -> Vec<String> {
    let told = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::CopyStarted { .. } => Some("started".to_owned()),
        Fact::CopyFailed { why, .. } => Some(why.clone()),
        _ => None,
    });
    told.collect()
}

fn nothing_is_left(world: &mut World) {
    for sent in world.sent.clone() {
        let asks = ["BYE", "OPTIONS", "CANCEL"].iter().any(|method| sent.text.starts_with(method));
        if asks {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
    world.pass(Duration::from_secs(200));
    assert_eq!(world.board.live(), 0, "{:#?}", world.ladder);
    assert!(world.streams.is_empty(), "{:?}", world.streams);
}

#[test]
fn a_recorder_gets_both_voices_and_word_of_who_speaks() {
    let mut world = world(1);
    let call = talking(&mut world);
    let invite = world.last_request(A, "INVITE");
    assert!(invite.starts_with("INVITE sip:srs@recorder.example SIP/2.0"), "{invite}");
    assert_eq!(header(&invite, Name::Require), "siprec");
    assert!(header(&invite, Name::Contact).ends_with(";+sip.src"), "{invite}");
    for part in [
        "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session",
        "a=label:1\r\n",
        "a=label:2\r\n",
        "aor=\"tel:+6281234567890\"",
        "aor=\"sip:seat-1@112.example\"",
        "<datamode>complete</datamode>",
    ] {
        assert!(invite.contains(part), "{part}: {invite}");
    }
    recorder_says(&mut world, A, 200, "");
    assert!(world.ladder.contains(&"-> 192.0.2.1 ACK".to_owned()), "{:#?}", world.ladder);
    let [caller, others] = tracks(&world)[..] else { panic!("two tracks") };
    let (of_caller, of_others) = (hears(&world, caller), hears(&world, others));
    assert_eq!((of_caller.len(), of_others.len()), (1, 1));
    assert_ne!(of_caller, of_others);
    assert_eq!(copies(&world), ["started"]);
    world.trunk_sends(call, "BYE", 2, "");
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}

#[test]
fn the_call_never_notices_what_a_recorder_does() {
    for says in [503, 486, 408, 0] {
        let mut world = world(1);
        let call = talking(&mut world);
        match says {
            0 => {}
            503 | 408 => {
                recorder_says(&mut world, A, says, "");
                recorder_says(&mut world, B, 503, "");
            }
            code => recorder_says(&mut world, A, code, ""),
        }
        if says == 0 {
            // Silence is followed by the other place, and that by the first again.
            world.pass(Duration::from_secs(10));
            assert!(
                world.ladder.contains(&"-> 192.0.2.2 INVITE".to_owned()),
                "{:#?}",
                world.ladder
            );
        } else {
            assert_eq!(copies(&world).len(), 1, "{says}");
            world.pass(Duration::from_secs(6));
            let tries = world.ladder.iter().filter(|line| *line == "-> 192.0.2.1 INVITE").count();
            assert!(tries >= 2, "{says}: {:#?}", world.ladder);
            recorder_says(&mut world, A, 200, "");
            assert_eq!(copies(&world).last().unwrap(), "started");
        }
        assert!(world.endings().is_empty());
        world.trunk_sends(call, "BYE", 2, "");
        assert_eq!(world.endings(), ["Talking Caller HungUp"]);
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_recorder_that_asks_who_we_are_is_told_once() {
    let mut world = world(1);
    let call = talking(&mut world);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n";
    recorder_says(&mut world, A, 401, challenge);
    let invite = world.last_request(A, "INVITE");
    assert!(header(&invite, Name::Authorization).contains("username=\"siaga\""), "{invite}");
    recorder_says(&mut world, A, 401, challenge);
    assert_eq!(copies(&world), ["it answered 401"]);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_recorder_that_ends_or_loses_its_session_is_invited_again() {
    for lost in [false, true] {
        let mut world = world(1);
        let call = talking(&mut world);
        recorder_says(&mut world, A, 200, "");
        if lost {
            world.pass(Duration::from_secs(61));
            let probe = world.last_request(A, "OPTIONS");
            world.hear(A, &respond(&probe, 481, "srs", ""));
        } else {
            recorder_asks(&mut world, A, "BYE", 1, "", "");
        }
        assert_eq!(copies(&world).len(), 2);
        let before = world.sent.len();
        world.pass(Duration::from_secs(6));
        assert!(world.sent[before..].iter().any(|s| s.to == A && s.text.starts_with("INVITE")));
        recorder_says(&mut world, A, 200, "");
        assert_eq!(copies(&world).len(), 3);
        world.trunk_sends(call, "BYE", 2, "");
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_recorder_hears_of_everybody_who_comes_and_goes() {
    let mut world = world(2);
    let call = talking(&mut world);
    recorder_says(&mut world, A, 200, "");
    let others = tracks(&world)[1];
    let first = hears(&world, others);
    // The operator's phone is gone: the caller waits again, and the next seat answers.
    world.pass(Duration::from_secs(61));
    let probe = world.last_request(&scenario::seat_address(1), "OPTIONS");
    world.hear(&scenario::seat_address(1), &respond(&probe, 481, "phone1", ""));
    let probe = world.last_request(&scenario::seat_address(1), "INVITE");
    if !probe.contains("Call-Info") {
        world.hear(&scenario::seat_address(1), &respond(&probe, 481, "phone1", ""));
    }
    assert_eq!(hears(&world, others), []);
    let told = world.last_request(A, "INVITE");
    assert!(told.contains("<disassociate-time>"), "{told}");
    recorder_says(&mut world, A, 200, "");
    world.seat_says(2, 200);
    let told = world.last_request(A, "INVITE");
    assert!(told.contains("sip:seat-2@112.example"), "{told}");
    recorder_says(&mut world, A, 200, "");
    let second = hears(&world, others);
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_recorder_may_ask_for_the_whole_story_and_for_silence() {
    let mut world = world(1);
    let call = talking(&mut world);
    recorder_says(&mut world, A, 200, "");
    let invites = |world: &World| {
        world.sent.iter().filter(|s| s.to == A && s.text.starts_with("INVITE")).count()
    };
    let before = invites(&world);
    let kind = "application/rs-metadata-request";
    recorder_asks(&mut world, A, "UPDATE", 1, kind, "x");
    assert_eq!(invites(&world), before + 1);
    recorder_says(&mut world, A, 200, "");
    recorder_asks(
        &mut world,
        A,
        "INVITE",
        2,
        "application/sdp",
        &TAKES.replace("recvonly", "inactive"),
    );
    assert!(world.last().contains("a=label:2"), "{}", world.last());
    let sends = world.orders.iter().rev().find_map(|order| match order {
        MediaOrder::Aim { aim, .. } if aim.rtp.port() == 40_002 => Some(aim.send),
        _ => None,
    });
    assert_eq!(sends, Some(false));
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_call_that_ends_while_its_recorder_rings_leaves_nothing() {
    let mut world = world(1);
    let call = talking(&mut world);
    recorder_says(&mut world, A, 180, "");
    world.trunk_sends(call, "BYE", 2, "");
    assert!(world.ladder.contains(&"-> 192.0.2.1 CANCEL".to_owned()), "{:#?}", world.ladder);
    // The answer crosses the CANCEL.
    recorder_says(&mut world, A, 200, "");
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}
