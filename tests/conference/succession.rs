//! Somebody leaves while others are in the call: the caller always has somebody, or waits again.

use std::time::Duration;

use siaga112::call::table::Part;
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::orders::Order;
use siaga112::vocabulary::CallId;

use crate::scenario::{SDP, World, header, respond, seat_address};
use crate::table::{
    A, AGENCY, bring, carrier_says, nothing_is_left, peer_holds, peer_says, peer_sends, story,
    table, talking, world,
};

fn alarms(world: &World) -> Vec<&str> {
    let told = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Alarm { name, .. } => Some(name.as_str()),
        _ => None,
    });
    told.collect()
}

fn state(world: &mut World) -> String {
    world.look().calls[0].state.clone()
}

/// Seat 1 sends its caller on.
fn refer(world: &mut World, to: &str, cseq: u32) {
    let lines = format!("Refer-To: <sip:{to}@112.example>\r\n");
    peer_says(world, &seat_address(1), "phone1", ("REFER", cseq), &lines, "");
}

/// The seat's phone answers the last INVITE to it.
fn says(world: &mut World, seat: usize, code: u16) {
    let at = seat_address(seat);
    let invite = world.last_request(&at, "INVITE");
    let sdp = if code == 200 { SDP } else { "" };
    world.hear(&at, &respond(&invite, code, &format!("phone{seat}"), sdp));
}

/// An agency talks with the caller of seat 1.
fn with_agency(seats: usize) -> (World, u32, CallId) {
    let mut world = world(seats);
    let (call, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 200);
    (world, call, id)
}

#[test]
fn an_agency_that_had_the_caller_alone_leaves_and_the_caller_waits_again() {
    for vanishes in [false, true] {
        let (mut world, call, _) = with_agency(2);
        peer_sends(&mut world, &seat_address(1), "phone1", "BYE", 1);
        assert!(story(&world).contains(&"1 took over".to_owned()));
        if vanishes {
            world.pass(Duration::from_secs(61));
            let probe = world.last_request(A, "OPTIONS");
            world.hear(A, &respond(&probe, 408, "agency", ""));
        } else {
            peer_sends(&mut world, A, "agency", "BYE", 1);
        }
        assert!(world.endings().is_empty(), "{vanishes}: {:#?}", world.ladder);
        let alarm = if vanishes { "seat-lost" } else { "caller-left" };
        assert_eq!(alarms(&world), [alarm]);
        // The next seat has the caller.
        assert_eq!(state(&mut world), "ringing");
        says(&mut world, 2, 200);
        assert_eq!(table(&world), ["[1]", "[0]"]);
        world.trunk_sends(call, "BYE", 2, "");
        nothing_is_left(&mut world);
    }
}

#[test]
fn an_agency_that_was_given_the_caller_ends_the_call() {
    let (mut world, _, id) = with_agency(1);
    world.order(Order::TakeOver { call: id, party: 1, by: "sari".into() }).unwrap();
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert_eq!(world.endings(), ["Talking Seat HungUp"]);
    nothing_is_left(&mut world);
}

#[test]
fn a_seat_has_the_caller_before_an_agency_and_then_the_agency() {
    let (mut world, call, id) = with_agency(3);
    bring(&mut world, id, "seat-2", Part::Talk);
    says(&mut world, 2, 200);
    assert_eq!(table(&world)[0], "[1, 2, 3]");
    peer_sends(&mut world, &seat_address(1), "phone1", "BYE", 1);
    let view = world.look();
    assert_eq!(view.calls[0].seat, Some("seat-2".into()));
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
    peer_sends(&mut world, &seat_address(2), "phone2", "BYE", 1);
    assert_eq!(table(&world), ["[1]", "[0]"]);
    assert!(world.endings().is_empty());
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn an_agency_talks_on_while_a_transfer_is_tried_and_has_the_caller_when_it_fails() {
    for succeeds in [true, false] {
        let (mut world, call, _) = with_agency(2);
        refer(&mut world, "seat-2", 1);
        peer_sends(&mut world, &seat_address(1), "phone1", "BYE", 2);
        // The caller, the agency, and the seat that rings.
        assert_eq!(table(&world)[..2], ["[1]", "[0]"], "no ring-back into the talk");
        if succeeds {
            says(&mut world, 2, 200);
            assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
            assert_eq!(world.look().calls[0].seat, Some("seat-2".into()));
        } else {
            says(&mut world, 2, 486);
            assert_eq!(table(&world), ["[1]", "[0]"]);
            assert!(story(&world).contains(&"1 took over".to_owned()), "{:?}", story(&world));
            assert_eq!(state(&mut world), "talking");
        }
        assert!(world.endings().is_empty());
        world.trunk_sends(call, "BYE", 2, "");
        nothing_is_left(&mut world);
    }
}

#[test]
fn the_last_to_talk_leaves_while_a_transfer_is_tried_and_the_caller_hears_that_it_rings() {
    let (mut world, call, _) = with_agency(2);
    refer(&mut world, "seat-2", 1);
    peer_sends(&mut world, &seat_address(1), "phone1", "BYE", 2);
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert_eq!(table(&world)[0], "Some(RingBack)");
    says(&mut world, 2, 486);
    assert!(world.endings().is_empty());
    assert_ne!(state(&mut world), "talking");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn who_is_sent_to_a_queue_waits_in_company() {
    let (mut world, call, id) = with_agency(1);
    bring(&mut world, id, "+62811000114", Part::Listen);
    carrier_says(&mut world, A, 200);
    refer(&mut world, "darurat", 1);
    assert_eq!(table(&world)[..2], ["[1]", "[0]"], "the agency stays, the listener does not");
    // Seat 1 has its rest; then it rings.
    world.pass(Duration::from_secs(6));
    assert_eq!(state(&mut world), "ringing");
    assert_eq!(table(&world)[..2], ["[1]", "[0]"], "nothing is announced into the talk");
    says(&mut world, 1, 200);
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
    // Sent once more: this time the agency leaves.
    let lines = "Refer-To: <sip:darurat@112.example>\r\n";
    peer_says(&mut world, &seat_address(1), "phone1", ("REFER", 7), lines, "");
    world.order(Order::Remove { call: id, party: 1, by: "sari".into() }).unwrap();
    assert_eq!(table(&world), ["Some(RingBack)"]);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn the_record_says_who_called_somebody_no_longer() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 180);
    world.order(Order::Remove { call: id, party: 1, by: "sari".into() }).unwrap();
    assert_eq!(story(&world)[1], "1 left: called no longer by sari");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn who_is_muted_is_heard_by_nobody_and_hears_all() {
    let (mut world, call, id) = with_agency(1);
    let mute = |world: &mut World, muted| {
        let (part, muted, by) = (None, Some(muted), "siti".to_owned());
        world.order(Order::SetPart { call: id, party: 1, part, muted, by }).unwrap();
    };
    mute(&mut world, true);
    assert_eq!(table(&world), ["[1]", "[0]", "[0, 1]"]);
    assert!(world.look().calls[0].parties[0].muted);
    mute(&mut world, false);
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
    assert!(world.facts.iter().any(|e| matches!(e.fact, Fact::PartyChanged { muted: true, .. })));
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn an_operator_who_holds_leaves_the_caller_to_the_agency_and_no_music() {
    let (mut world, call, _) = with_agency(1);
    let seat = seat_address(1);
    peer_holds(&mut world, &seat, "phone1", 1, true);
    assert_eq!(table(&world), ["[2]", "[0, 2]", "[0]"]);
    // The agency leaves: nobody talks, and the caller hears the centre.
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert_eq!(table(&world)[0], "plays 1");
    peer_holds(&mut world, &seat, "phone1", 2, false);
    assert_eq!(table(&world), ["[1]", "[0]"]);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn people_are_told_of_a_caller_who_is_put_aside_for_long() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    let seat = seat_address(1);
    let aside = |world: &World| alarms(world).iter().filter(|a| **a == "held-too-long").count();
    peer_holds(&mut world, &seat, "phone1", 1, true);
    world.pass(Duration::from_secs(44));
    assert_eq!(aside(&world), 0);
    world.pass(Duration::from_secs(2));
    assert_eq!(aside(&world), 1);
    world.pass(Duration::from_secs(13));
    peer_holds(&mut world, &seat, "phone1", 2, false);
    // A talk in private puts the caller aside as well.
    world.order(Order::SetPrivate { call: id, private: true, by: "siti".into() }).unwrap();
    world.pass(Duration::from_secs(30));
    for at in [seat.as_str(), crate::scenario::TRUNK] {
        let probe = world.last_request(at, "OPTIONS");
        world.hear(at, &respond(&probe, 200, "x", ""));
    }
    assert_eq!(aside(&world), 1, "it began anew");
    world.order(Order::SetPrivate { call: id, private: false, by: "siti".into() }).unwrap();
    world.pass(Duration::from_secs(20));
    assert_eq!(aside(&world), 1);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

/// A seat's phone takes the call of seat 1.
fn takes_the_place(world: &mut World, seat: usize) {
    let old = world.last_request(&seat_address(1), "INVITE");
    let (id, ours) = (header(&old, Name::CallId), header(&old, Name::From));
    let ours = ours.split(";tag=").nth(1).unwrap().to_owned();
    let lines = format!("Replaces: {id};to-tag={ours};from-tag=phone1\r\n");
    dials(world, seat, "seat-1", &lines);
}

fn dials(world: &mut World, seat: usize, to: &str, lines: &str) {
    let (from, user) = (seat_address(seat), format!("seat-{seat}"));
    let text = |cseq: u32, proof: &str| {
        format!(
            "INVITE sip:{to}@112.example SIP/2.0\r\n\
             Via: SIP/2.0/UDP {from};branch=z9hG4bKtake{cseq};rport\r\n\
             From: <sip:{user}@112.example>;tag=taker\r\nTo: <sip:{to}@112.example>\r\n\
             Call-ID: takes\r\nCSeq: {cseq} INVITE\r\nContact: <sip:{user}@{from}>\r\n{proof}{lines}\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        )
    };
    world.hear(&from, &text(1, ""));
    let proof = world.proof(&user, "pw", "INVITE", &format!("sip:{to}@112.example"));
    world.hear(&from, &text(2, &proof));
}

#[test]
fn a_seat_that_takes_the_place_of_another_has_the_guests_and_the_caller_hears_it() {
    let (mut world, _, id) = with_agency(2);
    world.order(Order::SetPrivate { call: id, private: true, by: "siti".into() }).unwrap();
    assert_eq!(table(&world)[0], "plays 1");
    takes_the_place(&mut world, 2);
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"], "{:#?}", world.ladder);
    assert_eq!(story(&world).last().unwrap(), "private: false");
    // Its phone never acknowledges: the agency has the caller.
    world.pass(Duration::from_secs(33));
    assert!(world.endings().is_empty(), "{:?}", world.endings());
    assert_eq!(table(&world), ["[1]", "[0]"]);
    assert_eq!(story(&world).last().unwrap(), "1 took over");
    world.trunk_sends(1, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_seat_that_takes_the_place_of_another_and_vanishes_gives_the_caller_back_to_the_queue() {
    let mut world = world(2);
    let (call, _) = talking(&mut world);
    takes_the_place(&mut world, 2);
    world.pass(Duration::from_secs(33));
    assert!(world.endings().is_empty(), "{:?}", world.endings());
    assert_eq!(state(&mut world), "ringing");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_carrier_moves_its_call_while_the_caller_waits_in_company() {
    let (mut world, call, _) = with_agency(1);
    refer(&mut world, "darurat", 1);
    let answer = world.last_response(call, "200");
    let tag = header(&answer, Name::To).split(";tag=").nth(1).unwrap().to_owned();
    let lines = format!("Replaces: call-{call};to-tag={tag};from-tag=t{call}\r\nMax-Forwards: 69");
    let moved = crate::scenario::invite(77, "sip:112@203.0.113.10", SDP);
    world.hear(crate::scenario::TRUNK, &moved.replacen("Max-Forwards: 69", &lines, 1));
    assert_eq!(table(&world), ["[1]", "[0]"], "{:#?}", world.ladder);
    world.ack(77);
    world.trunk_sends(77, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn who_whispers_to_a_seat_that_dialled_is_heard_by_that_seat_alone() {
    let mut world = world(2);
    dials(&mut world, 1, "+62811000115", "");
    carrier_says(&mut world, A, 200);
    let id = world.look().calls[0].call;
    bring(&mut world, id, "seat-2", Part::Whisper);
    says(&mut world, 2, 200);
    // The seat, whom it called, and who whispers.
    assert_eq!(table(&world), ["[1, 2]", "[0]", "[0, 1]"]);
    // Whoever was called leaves, and ends it, whoever else is there.
    world
        .order(Order::SetPart {
            call: id,
            party: 1,
            part: Some(Part::Talk),
            muted: None,
            by: "sari".into(),
        })
        .unwrap();
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert!(world.ladder.contains(&"-> 10.0.0.2 BYE".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}

/// The phone of a seat says something in the call that it dialled.
fn dialler_says(world: &mut World, seat: usize, (method, cseq): (&str, u32)) {
    let from = seat_address(seat);
    let answer = world.sent.iter().rev().find(|sent| {
        let text = &sent.text;
        text.starts_with("SIP/2.0 200")
            && text.contains("Call-ID: takes")
            && text.contains("INVITE")
    });
    let answer = answer.unwrap().text.clone();
    let (own, peer) = (header(&answer, Name::From), header(&answer, Name::To));
    let text = format!(
        "{method} sip:203.0.113.10 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {from};branch=z9hG4bKsays{cseq};rport\r\nFrom: {own}\r\nTo: {peer}\r\n\
         Call-ID: takes\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
    );
    world.hear(&from, &text);
}

#[test]
fn who_is_called_back_is_left_with_whoever_talks_when_the_seat_leaves() {
    let ways = ["hangs up", "vanishes", "is relieved"];
    for (who, how) in ways.into_iter().flat_map(|how| [("seat-2", how), (AGENCY, how)]) {
        let mut world = world(2);
        dials(&mut world, 1, "+62811000115", "");
        carrier_says(&mut world, A, 200);
        dialler_says(&mut world, 1, ("ACK", 2));
        let called = world.last_request(A, "INVITE");
        let id = world.look().calls[0].call;
        bring(&mut world, id, who, Part::Talk);
        if who == AGENCY {
            carrier_says(&mut world, A, 200);
        } else {
            says(&mut world, 2, 200);
        }
        assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
        match how {
            "hangs up" => dialler_says(&mut world, 1, ("BYE", 3)),
            "vanishes" => {
                world.pass(Duration::from_secs(61));
                let probe = world.last_request(&seat_address(1), "OPTIONS");
                world.hear(&seat_address(1), &respond(&probe, 408, "x", ""));
            }
            _ => {
                let take = Order::TakeOver { call: id, party: 1, by: "sari".into() };
                world.order(take).unwrap();
            }
        }
        // Whoever was called, and who has them now.
        assert_eq!(table(&world), ["[1]", "[0]"], "{who} {how}: {:#?}", world.ladder);
        assert_eq!(story(&world).last().unwrap(), "1 took over");
        let seats = world.look().seats;
        let busy = |seat: usize| seats[seat].state == "engaged";
        assert_eq!([busy(0), busy(1)], [false, who != AGENCY], "{seats:#?}");
        // Of two the one that leaves ends it.
        let text = "BYE sip:203.0.113.10 SIP/2.0";
        let (from, to) = (header(&called, Name::From), header(&called, Name::To));
        let bye = format!(
            "{text}\r\nVia: SIP/2.0/UDP {A};branch=z9hG4bKends\r\nFrom: {to};tag=agency\r\n\
             To: {from}\r\nCall-ID: {}\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
            header(&called, Name::CallId)
        );
        world.hear(A, &bye);
        nothing_is_left(&mut world);
        assert!(world.look().seats.iter().all(|seat| seat.state != "engaged"));
    }
}
