//! More than two in a call: agencies that are brought in, supervisors who listen, whisper and take over,
//! and that the caller's talk goes on whoever comes or goes. On a virtual clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each test file uses a part of the world")]
mod scenario;
#[path = "conference/chains.rs"]
mod chains;
#[path = "conference/succession.rs"]
mod succession;
#[path = "conference/table.rs"]
mod table;

use std::time::Duration;

use scenario::{World, respond, seat_address};
use siaga112::call::orders::MediaOrder;
use siaga112::call::table::Part;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Order, Refusal};
use table::{
    A, AGENCY, B, bring, carrier_says, nothing_is_left, peer_holds, peer_sends, story, table,
    talking, world,
};

#[test]
fn an_agency_is_brought_in_and_all_three_hear_each_other() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    assert_eq!(table(&world), ["[1]", "[0]"]);
    let party = bring(&mut world, id, AGENCY, Part::Talk);
    assert_eq!(table(&world)[..2], ["[1]", "[0]"], "the talk goes on while it rings");
    let view = &world.look().calls[0].parties;
    assert_eq!((view[0].state.as_str(), view[0].who.as_str()), ("ringing", AGENCY));
    carrier_says(&mut world, A, 180);
    carrier_says(&mut world, A, 200);
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
    assert_eq!(world.look().calls[0].parties[0].state, "here");
    let taps = world.orders.iter().filter(|order| matches!(order, MediaOrder::Tap { .. }));
    assert_eq!(taps.count(), 3, "the recording hears all");
    // The agency hangs up: the two talk on.
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert_eq!(table(&world), ["[1]", "[0]"]);
    assert!(world.endings().is_empty());
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    assert_eq!(
        story(&world),
        [
            format!("{party} invited: {AGENCY}"),
            format!("{party} joined: talk"),
            format!("{party} left: hung up"),
        ]
    );
    nothing_is_left(&mut world);
}

#[test]
fn whoever_does_not_come_changes_nothing() {
    for code in [486, 404, 503, 488] {
        let mut world = world(1);
        let (call, id) = talking(&mut world);
        bring(&mut world, id, AGENCY, Part::Talk);
        carrier_says(&mut world, A, code);
        if code == 503 {
            carrier_says(&mut world, B, 480);
        }
        assert_eq!(table(&world), ["[1]", "[0]"]);
        assert!(story(&world)[1].starts_with("1 left: not reached: "), "{:?}", story(&world));
        world.trunk_sends(call, "BYE", 2, "");
        nothing_is_left(&mut world);
    }
}

#[test]
fn nobody_answers_in_time_or_answers_after_the_caller_has_left() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 180);
    world.pass(Duration::from_secs(61));
    let cancel = world.last_request(A, "CANCEL");
    world.hear(A, &respond(&cancel, 200, "agency", ""));
    carrier_says(&mut world, A, 487);
    assert_eq!(story(&world)[1], "1 left: not reached: 408");
    // The second answers when it is too late.
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 180);
    world.trunk_sends(call, "BYE", 2, "");
    carrier_says(&mut world, A, 200);
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}

#[test]
fn a_supervisor_listens_whispers_talks_and_takes_over() {
    let mut world = world(2);
    let (call, id) = talking(&mut world);
    let party = bring(&mut world, id, "seat-2", Part::Listen);
    world.seat_says(2, 200);
    assert_eq!(table(&world), ["[1]", "[0]", "[0, 1]"], "heard by nobody");
    let change = |world: &mut World, part| {
        world
            .order(Order::SetPart {
                call: id,
                party,
                part: Some(part),
                muted: None,
                by: "sari".into(),
            })
            .unwrap();
    };
    change(&mut world, Part::Whisper);
    assert_eq!(
        table(&world),
        ["[1]", "[0, 2]", "[0, 1]"],
        "the operator hears it, the caller does not"
    );
    change(&mut world, Part::Talk);
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
    world.order(Order::TakeOver { call: id, party, by: "sari".into() }).unwrap();
    assert_eq!(table(&world), ["[1]", "[0]"], "the operator is gone");
    assert!(world.ladder.contains(&"-> 10.0.0.1 BYE".to_owned()), "{:#?}", world.ladder);
    let seats: Vec<String> = world.look().seats.iter().map(|s| s.state.clone()).collect();
    assert_eq!(seats[1], "talking", "{seats:?}");
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    nothing_is_left(&mut world);
}

#[test]
fn when_the_operator_leaves_the_agency_has_the_caller() {
    for vanishes in [false, true] {
        let mut world = world(1);
        let (call, id) = talking(&mut world);
        bring(&mut world, id, AGENCY, Part::Talk);
        carrier_says(&mut world, A, 200);
        let seat = seat_address(1);
        if vanishes {
            world.pass(Duration::from_secs(61));
            for probe in world.sent.clone().iter().filter(|s| s.text.starts_with("OPTIONS")) {
                if probe.to != seat {
                    world.hear(&probe.to, &respond(&probe.text, 200, "x", ""));
                }
            }
            let probe = world.last_request(&seat, "OPTIONS");
            world.hear(&seat, &respond(&probe, 481, "phone1", ""));
            if let Some(change) = world.sent.clone().iter().rev().find(|s| {
                s.to == seat && s.text.starts_with("INVITE") && !s.text.contains("Priority")
            }) {
                world.hear(&seat, &respond(&change.text, 481, "phone1", ""));
            }
        } else {
            peer_sends(&mut world, &seat, "phone1", "BYE", 1);
        }
        assert!(world.endings().is_empty(), "{vanishes}: the caller stays");
        assert_eq!(table(&world), ["[1]", "[0]"], "{vanishes}");
        assert!(story(&world).contains(&"1 took over".to_owned()), "{:?}", story(&world));
        world.trunk_sends(call, "BYE", 2, "");
        assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
        nothing_is_left(&mut world);
    }
}

#[test]
fn who_only_listens_does_not_keep_a_call_that_the_operator_ends() {
    let mut world = world(2);
    let (_, id) = talking(&mut world);
    bring(&mut world, id, "seat-2", Part::Listen);
    world.seat_says(2, 200);
    peer_sends(&mut world, &seat_address(1), "phone1", "BYE", 1);
    assert_eq!(world.endings(), ["Talking Seat HungUp"]);
    assert!(world.ladder.contains(&"-> 10.0.0.2 BYE".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}

#[test]
fn a_talk_in_private_is_heard_by_all_but_the_caller_who_is_heard_by_the_operator() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 200);
    let private = |world: &mut World, private| {
        world.order(Order::SetPrivate { call: id, private, by: "siti".into() }).unwrap();
    };
    private(&mut world, true);
    assert_eq!(table(&world), ["plays 1", "[0, 2]", "[1]"]);
    private(&mut world, false);
    assert_eq!(table(&world), ["[1, 2]", "[0, 2]", "[0, 1]"]);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn the_music_of_a_guest_who_holds_is_for_nobody() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 200);
    for (cseq, hold, heard, state) in [(1, true, "[1]", "hold"), (2, false, "[1, 2]", "here")] {
        peer_holds(&mut world, A, "agency", cseq, hold);
        assert_eq!(table(&world)[0], heard, "{hold}");
        assert_eq!(world.look().calls[0].parties[0].state, state);
    }
    assert_eq!(story(&world)[2..], ["1 holds: true", "1 holds: false"]);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_talk_in_private_is_over_for_the_caller_when_the_operator_leaves() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 200);
    world.order(Order::SetPrivate { call: id, private: true, by: "siti".into() }).unwrap();
    peer_sends(&mut world, &seat_address(1), "phone1", "BYE", 2);
    let caller = table(&world)[0].clone();
    assert!(!caller.starts_with("plays") && caller != "[]", "{caller}");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_caller_on_hold_hears_the_centre_and_the_operator_at_once_when_it_is_over() {
    let mut world = world(1);
    let (call, _) = talking(&mut world);
    let seat = seat_address(1);
    for (cseq, hold, heard) in [(1, true, "plays 1"), (2, false, "[1]")] {
        peer_holds(&mut world, &seat, "phone1", cseq, hold);
        assert_eq!(table(&world)[0], heard, "{hold}");
    }
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut world = world(2);
    let (call, id) = talking(&mut world);
    let before = world.orders.len();
    for (to, why) in [
        ("seat-1", "busy"),
        ("nobody", "name of a seat"),
        ("", "name of a seat"),
        ("darurat", "name of a seat"),
        ("112", "name of a seat"),
        ("a@b\r\nX: y", "name of a seat"),
    ] {
        let order = Order::Join { call: id, to: to.into(), part: Part::Talk, by: "x".into() };
        match world.order(order) {
            Err(Refusal::NotNow(text)) => assert!(text.contains(why), "{to}: {text}"),
            other => panic!("{to}: {other:?}"),
        }
    }
    let by = || "x".to_owned();
    for order in [
        Order::SetPart { call: id, party: 9, part: Some(Part::Talk), muted: None, by: by() },
        Order::Remove { call: id, party: 9, by: by() },
        Order::TakeOver { call: id, party: 9, by: by() },
    ] {
        assert!(matches!(world.order(order), Err(Refusal::NotNow(_))));
    }
    assert_eq!(world.orders.len(), before);
    // As many as can be mixed, and no more.
    for n in 0..6 {
        bring(&mut world, id, &format!("+6281100011{n}"), Part::Talk);
    }
    let one_more = Order::Join { call: id, to: AGENCY.into(), part: Part::Talk, by: by() };
    assert!(matches!(world.order(one_more), Err(Refusal::NotNow(_))));
    world.order(Order::Remove { call: id, party: 1, by: by() }).unwrap();
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn everybody_is_let_go_when_the_program_stops() {
    let mut world = world(1);
    let (_, id) = talking(&mut world);
    bring(&mut world, id, AGENCY, Part::Talk);
    carrier_says(&mut world, A, 200);
    bring(&mut world, id, "+62811000114", Part::Talk);
    carrier_says(&mut world, A, 180);
    world.take(Input::Shutdown);
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    assert!(world.ladder.contains(&"-> 192.0.2.1 CANCEL".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}
