//! Legs out to a number through a trunk: a caller who waited too long, a transfer, a seat that
//! dials; challenges, fail-over and loops. On a virtual clock.

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

use scenario::{SDP, TRUNK, World, header, invite, respond, seat_address, settings};
use siaga112::acd::settings::Overflow;
use siaga112::call::orders::{Ears, MediaOrder, MediaReport, Sound};
use siaga112::journal::Fact;
use siaga112::sip::digest::OutgoingAccount;
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::{Name, Transport, Uri};
use siaga112::switchboard::Input;
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, Secret, StreamId};

const A: &str = "192.0.2.1:5060";
const B: &str = "192.0.2.2:5060";
const NUMBER: &str = "+62811000112";

/// The carrier of the callers, and `telco-a`, which takes calls.
fn world_trunks() -> Vec<TrunkSettings> {
    let mut trunks = settings(0, AnswerMode::OnAgent).trunks;
    let uri = Uri::read("sip:sbc.telco-a.example");
    let account =
        OutgoingAccount { username: "siaga".into(), password: Secret::new("rahasia".into()) };
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: Some(account),
        from_user: "siaga".into(),
        caller_id: Some("0328112".into()),
        probe: None,
    };
    let telco_a = TrunkSettings {
        id: "telco-a".into(),
        sources: Vec::new(),
        line: Some(line.into()),
        ..trunks[0].clone()
    };
    trunks.push(telco_a);
    trunks
}

/// A centre whose trunk `telco-a` takes calls at A, then at B.
fn world(seats: usize) -> World {
    let mut settings = settings(seats, AnswerMode::OnAgent);
    settings.trunks = world_trunks();
    let mut world = World::of(settings, 200);
    let hop = |address: &str| Hop {
        transport: Transport::Udp,
        address: address.parse().unwrap(),
        name: "sbc.telco-a.example".into(),
    };
    world.take(Input::Located {
        trunk: "telco-a".into(),
        hops: vec![hop(A), hop(B)],
        wrong: None,
        good_for: Duration::from_secs(3600),
    });
    for seat in 1..=seats {
        world.register(seat);
    }
    world.ladder.clear();
    world
}

/// The carrier at an address answers our last INVITE there.
fn carrier_says(world: &mut World, at: &str, code: u16, lines: &str) {
    let invite = world.last_request(at, "INVITE");
    let sdp = if code == 200 { SDP } else { "" };
    let text = respond(&invite, code, "carrier", sdp)
        .replace("<sip:carrier@10.0.0.1>", &format!("<sip:carrier@{at}>"));
    world.hear(at, &text.replacen("To: ", &format!("{lines}To: "), 1));
}

fn outcomes(world: &World) -> Vec<(String, u16)> {
    let ended = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::CallOutEnded { to, status, .. } => Some((to.clone(), *status)),
        _ => None,
    });
    ended.collect()
}

/// Answers what we still ask, lets the transactions run out, and looks for leaks.
fn nothing_is_left(world: &mut World) {
    for sent in world.sent.clone() {
        if sent.text.starts_with("BYE") || sent.text.starts_with("NOTIFY") {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
    world.pass(Duration::from_secs(200));
    assert_eq!(world.board.live(), 0, "{:#?}", world.ladder);
    assert!(world.streams.is_empty(), "{:?}", world.streams);
}

#[test]
fn a_caller_who_waits_too_long_is_connected_to_the_number() {
    let mut world = world(0);
    let call = world.call();
    world.pass(Duration::from_secs(61));
    let out = world.last_request(A, "INVITE");
    assert!(
        out.starts_with(&format!("INVITE sip:{NUMBER}@sbc.telco-a.example;user=phone ")),
        "{out}"
    );
    assert!(header(&out, Name::From).starts_with("<sip:0328112@112.example"), "{out}");
    assert_eq!(header(&out, Name::MaxForwards), "68");
    carrier_says(&mut world, A, 180, "");
    carrier_says(&mut world, A, 200, "");
    world.ack(call);
    assert!(world.ladder.contains(&"-> 192.0.2.1 ACK".to_owned()), "{:#?}", world.ladder);
    assert_eq!(outcomes(&world), [(NUMBER.to_owned(), 200)]);
    // A seat that signs in later gets somebody else's call, not this one.
    world.trunk_sends(call, "BYE", 2, "");
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    nothing_is_left(&mut world);
}

#[test]
fn a_seat_that_answers_first_takes_the_call_from_the_number() {
    let mut world = world(0);
    let call = world.call();
    world.pass(Duration::from_secs(61));
    carrier_says(&mut world, A, 180, "");
    let mut settings = settings(1, AnswerMode::OnAgent);
    settings.trunks.clear();
    // A seat comes: the caller waits all the while.
    let fresh = self::settings(1, AnswerMode::OnAgent);
    world.take(Input::Adopt {
        settings: Box::new(fresh),
        digest: String::new(),
        by: "test".into(),
    });
    world.register(1);
    world.seat_says(1, 200);
    world.ack(call);
    let cancel = world.last_request(A, "CANCEL");
    world.hear(A, &respond(&cancel, 200, "carrier", ""));
    carrier_says(&mut world, A, 487, "");
    assert_eq!(outcomes(&world), [(NUMBER.to_owned(), 487)]);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_dead_way_is_followed_by_the_next_and_the_last_by_an_alarm() {
    for first in [503, 408] {
        let mut world = world(0);
        let call = world.call();
        world.pass(Duration::from_secs(61));
        if first == 503 {
            carrier_says(&mut world, A, 503, "");
        } else {
            // Silence: the whole attempt is bounded, so a way that says nothing must not take all.
            world.pass(Duration::from_secs(20));
        }
        assert!(world.ladder.contains(&"-> 192.0.2.2 INVITE".to_owned()), "{:#?}", world.ladder);
        carrier_says(&mut world, B, 404, "");
        assert_eq!(outcomes(&world), [(NUMBER.to_owned(), 404)]);
        assert!(world.ladder.contains(&"* alarm overflow-to-number".to_owned()));
        // The caller still waits.
        assert!(world.endings().is_empty());
        world.cancel(call);
        assert_eq!(world.endings().len(), 1);
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_carrier_that_asks_who_we_are_is_told_once() {
    for (code, asked, answered) in [
        (407, "Proxy-Authenticate", Name::ProxyAuthorization),
        (401, "WWW-Authenticate", Name::Authorization),
    ] {
        let mut world = world(0);
        let call = world.call();
        world.pass(Duration::from_secs(61));
        let challenge = format!(
            "{asked}: Digest realm=\"telco\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n"
        );
        carrier_says(&mut world, A, code, &challenge);
        let second = world.last_request(A, "INVITE");
        assert_eq!(header(&second, Name::CSeq), "2 INVITE");
        let credentials = header(&second, answered);
        assert!(credentials.contains("username=\"siaga\""), "{credentials}");
        // The same challenge again: the credentials are wrong, and are not sent for ever.
        carrier_says(&mut world, A, code, &challenge);
        assert_eq!(outcomes(&world), [(NUMBER.to_owned(), code)]);
        world.cancel(call);
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_call_that_has_gone_too_far_is_not_sent_out_again() {
    let mut world = world(0);
    let text = invite(1, "sip:0328112@203.0.113.10;user=phone", SDP);
    world.hear(TRUNK, &text.replace("Max-Forwards: 69", "Max-Forwards: 1"));
    world.pass(Duration::from_secs(61));
    assert!(!world.ladder.contains(&"-> 192.0.2.1 INVITE".to_owned()), "{:#?}", world.ladder);
    assert!(world.ladder.contains(&"* alarm overflow-to-number".to_owned()));
    assert!(world.endings().is_empty(), "the caller waits on");
}

#[test]
fn a_seat_transfers_its_caller_to_a_number_and_is_free() {
    let mut world = world(1);
    let call = world.call();
    world.seat_says(1, 200);
    world.ack(call);
    let rung = world.last_request(&seat_address(1), "INVITE");
    let refer = format!(
        "REFER sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKr1;rport\r\n\
         From: {};tag=phone1\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 7 REFER\r\nContact: <sip:s@{}>\r\n\
         Refer-To: <tel:+62-811-000-112>\r\nContent-Length: 0\r\n\r\n",
        seat_address(1),
        header(&rung, Name::To),
        header(&rung, Name::From),
        header(&rung, Name::CallId),
        seat_address(1),
    );
    world.hear(&seat_address(1), &refer);
    carrier_says(&mut world, A, 200, "");
    let transferred =
        world.facts.iter().any(|e| matches!(&e.fact, Fact::Transferred { to, .. } if to == NUMBER));
    assert!(transferred, "{:#?}", world.ladder);
    assert!(world.ladder.contains(&"-> 10.0.0.1 BYE".to_owned()));
    // The number hangs up: the caller's call is over.
    let out = world.last_request(A, "INVITE");
    let bye = format!(
        "BYE sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {A};branch=z9hG4bKb1;rport\r\n\
         From: {};tag=carrier\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 3 BYE\r\nContent-Length: 0\r\n\r\n",
        header(&out, Name::To),
        header(&out, Name::From),
        header(&out, Name::CallId),
    );
    world.hear(A, &bye);
    assert!(world.ladder.contains(&"-> 198.51.100.7 BYE".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}

/// One that answers in the middle of what it said before.
fn carrier_answers(world: &mut World, at: &str, code: u16, tag: &str, sdp: &str, lines: &str) {
    let invite = world.last_request(at, "INVITE");
    let text = respond(&invite, code, tag, sdp)
        .replace(&format!("<sip:{tag}@10.0.0.1>"), &format!("<sip:{tag}@{at}>"));
    world.hear(at, &text.replacen("To: ", &format!("{lines}To: "), 1));
}

#[test]
fn a_carrier_may_describe_its_audio_before_it_answers() {
    let mut world = world(0);
    let call = world.call();
    world.pass(Duration::from_secs(61));
    carrier_answers(&mut world, A, 183, "c", SDP, "Require: 100rel\r\nRSeq: 1\r\n");
    let prack = world.last_request(A, "PRACK");
    world.hear(A, &respond(&prack, 200, "c", ""));
    carrier_answers(&mut world, A, 200, "c", "", "");
    world.ack(call);
    assert_eq!(outcomes(&world), [(NUMBER.to_owned(), 200)], "{:#?}", world.ladder);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_second_answer_of_a_forked_call_is_ended() {
    let mut world = world(0);
    let call = world.call();
    world.pass(Duration::from_secs(61));
    carrier_answers(&mut world, A, 200, "one", SDP, "");
    world.ack(call);
    world.ladder.clear();
    carrier_answers(&mut world, A, 200, "two", SDP, "");
    assert_eq!(world.ladder[1..], ["-> 192.0.2.1 ACK", "-> 192.0.2.1 BYE"], "{:#?}", world.ladder);
    assert!(header(&world.last_request(A, "BYE"), Name::To).ends_with("tag=two"));
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_silent_way_after_a_refused_one_is_left_as_well() {
    let mut world = world(0);
    let hop = |address: &str| Hop {
        transport: Transport::Udp,
        address: address.parse().unwrap(),
        name: "sbc.telco-a.example".into(),
    };
    world.take(Input::Located {
        trunk: "telco-a".into(),
        hops: vec![hop(A), hop(B), hop("192.0.2.3:5060")],
        wrong: None,
        good_for: Duration::from_secs(3600),
    });
    let call = world.call();
    world.pass(Duration::from_secs(61));
    carrier_says(&mut world, A, 503, "");
    assert!(world.ladder.contains(&"-> 192.0.2.2 INVITE".to_owned()), "{:#?}", world.ladder);
    world.pass(Duration::from_secs(5));
    assert!(world.ladder.contains(&"-> 192.0.2.3 INVITE".to_owned()), "{:#?}", world.ladder);
    world.cancel(call);
}

#[test]
fn the_next_step_of_the_overflow_is_not_lost_while_the_first_still_rings() {
    let mut world = world(0);
    let mut fresh = settings(0, AnswerMode::OnAgent);
    fresh.trunks = world_trunks();
    fresh.queues[0].max_wait = Duration::from_secs(20);
    fresh.queues[0].overflow.push(Overflow::Number("tel:+62811000113".into()));
    world.take(Input::Adopt { settings: Box::new(fresh), digest: String::new(), by: "t".into() });
    let call = world.call();
    world.pass(Duration::from_secs(21));
    carrier_says(&mut world, A, 180, "");
    world.pass(Duration::from_secs(20));
    let cancel = world.last_request(A, "CANCEL");
    world.hear(A, &respond(&cancel, 200, "carrier", ""));
    assert!(world.last_request(A, "INVITE").starts_with("INVITE sip:+62811000113@"));
    assert!(
        !world.ladder.contains(&"* alarm overflow-to-number".to_owned()),
        "{:#?}",
        world.ladder
    );
    carrier_says(&mut world, A, 200, "");
    world.ack(call);
    assert_eq!(outcomes(&world), [(NUMBER.to_owned(), 480), ("+62811000113".to_owned(), 200)]);
    world.trunk_sends(call, "BYE", 2, "");
}

/// A seat's phone dials a number; the last that it hears.
fn dials(world: &mut World, number: usize) -> String {
    let from = seat_address(1);
    let uri = format!("sip:{NUMBER}@112.example");
    let text = |cseq: u32, lines: &str| {
        format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKout{number}-{cseq};rport\r\n\
             From: <sip:seat-1@112.example>;tag=out{number}\r\nTo: <{uri}>\r\nCall-ID: out-{number}\r\n\
             CSeq: {cseq} INVITE\r\nContact: <sip:seat-1@{from}>\r\n{lines}Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        )
    };
    world.hear(&from, &text(1, ""));
    let proof = world.proof("seat-1", "pw", "INVITE", "sip:112.example");
    // The digest is over the address of the domain; its URI is what it names.
    world.hear(&from, &text(2, &proof));
    let own = format!("Call-ID: out-{number}\r\n");
    let heard = world.sent.iter().rev().find(|s| s.to == from && s.text.contains(&own));
    heard.map(|s| s.text.clone()).unwrap_or_default()
}

#[test]
fn a_phone_that_dials_on_and_on_takes_no_port_from_a_caller() {
    let mut world = world(1);
    for number in 0..120 {
        dials(&mut world, number);
    }
    assert!(world.streams.len() <= 16, "{} ports are taken", world.streams.len());
    assert!(dials(&mut world, 500).starts_with("SIP/2.0 486"));
    world.register(1);
    world.pass(Duration::from_secs(40));
    let call = world.call();
    world.pass(Duration::from_secs(1));
    assert!(world.ladder.contains(&"-> 10.0.0.1 INVITE".to_owned()));
    world.cancel(call);
}

#[test]
fn what_only_we_can_answer_is_not_passed_on_to_the_phone() {
    for (code, heard) in [(407, "500"), (302, "480"), (422, "500"), (486, "486"), (603, "603")] {
        let mut world = world(1);
        dials(&mut world, 1);
        carrier_says(&mut world, A, code, "");
        let own = "Call-ID: out-1\r\n";
        let last =
            world.sent.iter().rev().find(|s| s.to == seat_address(1) && s.text.contains(own));
        let last = &last.expect("a final response").text;
        assert!(last.starts_with(&format!("SIP/2.0 {heard}")), "{code}: {last}");
    }
}

#[test]
fn a_way_that_the_configuration_drops_is_passed_over() {
    let mut world = world(0);
    world.call();
    world.pass(Duration::from_secs(61));
    let without = settings(0, AnswerMode::OnAgent);
    world.take(Input::Adopt { settings: Box::new(without), digest: String::new(), by: "t".into() });
    carrier_says(&mut world, A, 503, "");
    assert_eq!(outcomes(&world), [(NUMBER.to_owned(), 503)], "{:#?}", world.ladder);
}

/// A neighbouring centre is called through its own trunk, and through no other.
#[test]
fn a_neighbour_is_called_through_the_trunk_that_leads_there() {
    let neighbour = "198.18.0.9:5060";
    for known in [true, false] {
        let mut settings = settings(0, AnswerMode::OnAgent);
        settings.trunks = world_trunks();
        settings.queues[0].overflow = vec![Overflow::Number("sip:ntpd@pamekasan.example".into())];
        if known {
            let uri = Uri::read("sip:pamekasan.example");
            let line = settings.trunks[1].line.clone().unwrap();
            let line = LineSettings { target: Target::of(&uri).unwrap(), uri, ..(*line).clone() };
            let like = settings.trunks[1].clone();
            settings.trunks.push(TrunkSettings {
                id: "pamekasan".into(),
                line: Some(line.into()),
                ..like
            });
        }
        let mut world = World::of(settings, 200);
        for (trunk, address) in [("telco-a", A), ("pamekasan", neighbour)] {
            let hop = Hop {
                transport: Transport::Udp,
                address: address.parse().unwrap(),
                name: "x".into(),
            };
            let (trunk, hops) = (trunk.into(), vec![hop]);
            let good_for = Duration::from_secs(3600);
            world.take(Input::Located { trunk, hops, wrong: None, good_for });
        }
        world.call();
        world.pass(Duration::from_secs(60));
        let at = |to: &str| {
            world.sent.iter().any(|s| s.to == to && s.text.starts_with("INVITE sip:ntpd@pamekasan"))
        };
        assert_eq!((at(neighbour), at(A)), (known, false), "{:#?}", world.ladder);
        assert_ne!(world.ladder.contains(&"* alarm overflow-to-number".to_owned()), known);
    }
}

/// Some networks answer at once and let the caller hear the rest.
#[test]
fn a_number_that_answers_with_a_tone_is_shown_and_told_of_where_the_caller_is_alone_with_it() {
    let mut world = world(0);
    let call = world.call();
    world.pass(Duration::from_secs(61));
    carrier_says(&mut world, A, 200, "");
    world.ack(call);
    let listened: Vec<StreamId> = world
        .orders
        .iter()
        .filter_map(|order| match order {
            MediaOrder::Listen { stream, ears: Some(Ears::Line) } => Some(*stream),
            _ => None,
        })
        .collect();
    let [caller, number] = listened[..] else { panic!("{listened:?}") };
    for (stream, sound) in [
        (number, Sound::RingBack),
        // Its echo, and that of what we play ourselves.
        (caller, Sound::RingBack),
        (number, Sound::Busy),
        (caller, Sound::Busy),
        (number, Sound::Busy),
        (number, Sound::Quiet),
    ] {
        world.take(Input::Media(MediaReport::Sound { stream, sound }));
    }
    let facts = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Heard { sound, by, .. } => Some(format!("{by:?} {sound}")),
        Fact::Alarm { name, detail } if name == "caller-hears-a-tone" => {
            assert!(detail.contains(NUMBER), "{detail}");
            Some(name.clone())
        }
        _ => None,
    });
    let facts: Vec<String> = facts.collect();
    assert_eq!(facts, ["Seat ring-back", "Seat busy-tone", "caller-hears-a-tone"]);
    assert_eq!(world.look().calls[0].flags, ["called-ring-back", "called-busy-tone"]);
    assert!(world.endings().is_empty(), "a tone ends nothing");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}
