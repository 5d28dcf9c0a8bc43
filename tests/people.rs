//! What people order while calls go on: seats, callers out of turn, marks, the work list, and calling
//! back with one press. Every order is carried out or refused, and nothing is left of it.

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
use siaga112::call::orders::{MediaOrder, Role};
use siaga112::journal::Fact;
use siaga112::screening::{Attempt, Disposition, Mark, WorkEntry, WorkId, WorkKind, WorkOutcome};
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::{Name, Transport, Uri};
use siaga112::switchboard::orders::{Answer, Order, Refusal, SeatStatus};
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::switchboard::{CutOff, Input, Recall};
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, CallId, IncidentId, Lane, Private, SeatId, Uid, WallTime};

/// Where the carrier takes our calls.
const A: &str = "192.0.2.1:5060";
/// The caller of every call of [`World::call`].
const NUMBER: &str = "+6281234567890";

/// The centre of the scenarios, with a carrier that takes calls.
fn centre(seats: usize) -> SwitchboardSettings {
    let mut settings = settings(seats, AnswerMode::OnAgent);
    let uri = Uri::read("sip:sbc.telco-a.example");
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: None,
        from_user: "siaga".into(),
        caller_id: Some("0328112".into()),
        probe: None,
    };
    let telco_a = TrunkSettings {
        id: "telco-a".into(),
        sources: Vec::new(),
        line: Some(line.into()),
        ..settings.trunks[0].clone()
    };
    settings.trunks.push(telco_a);
    settings
}

/// The carrier is found at these places.
fn locate(world: &mut World, places: &[&str]) {
    let hop = |place: &&str| Hop {
        transport: Transport::Udp,
        address: place.parse().unwrap(),
        name: "sbc.telco-a.example".into(),
    };
    let (hops, good_for) = (places.iter().map(hop).collect(), Duration::from_secs(36_000));
    world.take(Input::Located { trunk: "telco-a".into(), hops, wrong: None, good_for });
}

fn world_of(settings: SwitchboardSettings, ports: u16) -> World {
    let seats = settings.seats.len();
    let mut world = World::of(settings, ports);
    locate(&mut world, &[A]);
    for seat in 1..=seats {
        world.register(seat);
    }
    world.ladder.clear();
    world
}

fn world(seats: usize) -> World {
    world_of(centre(seats), 200)
}

/// A centre with one lost call to call back.
fn world_with_work(seats: usize) -> (World, WorkId) {
    let mut world = world(seats);
    let call = world.call();
    world.cancel(call);
    decline_cancelled(&mut world, 1);
    let work = open_work(&mut world);
    assert_eq!(work.len(), 1, "{:#?}", world.ladder);
    world.ladder.clear();
    world.facts.clear();
    (world, work[0].id)
}

/// A phone whose INVITE was cancelled says so; no CANCEL goes out before it rings.
fn decline_cancelled(world: &mut World, seat: usize) {
    world.seat_says(seat, 180);
    let cancel = world.last_request(&seat_address(seat), "CANCEL");
    world.hear(&seat_address(seat), &respond(&cancel, 200, "phone", ""));
    world.seat_says(seat, 487);
}

fn open_work(world: &mut World) -> Vec<WorkEntry> {
    match world.order(Order::WorkList) {
        Ok(Answer::Work(work)) => work,
        other => panic!("no list but {other:?}"),
    }
}

fn press(world: &mut World, work: WorkId, seat: usize) -> Result<Answer, Refusal> {
    world.order(Order::CallBack { work, seat: seat_name(seat), by: "sri".into() })
}

fn seat_name(seat: usize) -> SeatId {
    format!("seat-{seat}").as_str().into()
}

fn seat_state(world: &mut World, seat: usize) -> String {
    world.look().seats.into_iter().find(|s| s.seat == seat_name(seat)).unwrap().state
}

/// The carrier answers our last INVITE.
fn carrier_says(world: &mut World, code: u16, lines: &str) {
    let invite = world.last_request(A, "INVITE");
    let sdp = if code == 200 { SDP } else { "" };
    let text = respond(&invite, code, "carrier", sdp)
        .replace("<sip:carrier@10.0.0.1>", &format!("<sip:carrier@{A}>"));
    world.hear(A, &text.replacen("To: ", &format!("{lines}To: "), 1));
}

/// A phone says BYE in the call that it answered last.
fn seat_hangs_up(world: &mut World, seat: usize) {
    let from = seat_address(seat);
    let rung = world.last_request(&from, "INVITE");
    world.hear(
        &from,
        &format!(
            "BYE sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKbye{seat};rport\r\n\
             From: {};tag=phone{seat}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n",
            header(&rung, Name::To),
            header(&rung, Name::From),
            header(&rung, Name::CallId),
        ),
    );
}

/// Everything that the facts tell of the work list, in words.
fn told(world: &World) -> Vec<String> {
    let told = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::WorkOpened { kind, number, .. } => {
            Some(format!("opened {} {}", kind.word(), number.is_some()))
        }
        Fact::WorkTried { seat, by, .. } => Some(format!("tried {seat} {by}")),
        Fact::WorkTriedEnded { outcome, .. } => Some(format!("ended {}", outcome.word())),
        Fact::WorkClosed { why, by, .. } => Some(format!("closed {why} {by}").trim().to_owned()),
        Fact::SeatDialled { to, .. } => Some(format!("dialled {to}")),
        Fact::SeatCallEnded { ending, .. } => Some(format!("over {:?}", ending.cause)),
        Fact::Ended { ending, .. } => Some(format!("lost {:?}", ending.cause)),
        _ => None,
    });
    told.collect()
}

/// Answers what we still ask, lets the transactions run out, and looks for leaks.
fn nothing_is_left(world: &mut World) {
    for sent in world.sent.clone() {
        if ["BYE", "CANCEL"].iter().any(|method| sent.text.starts_with(method)) {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
    world.pass(Duration::from_secs(200));
    assert_eq!(world.board.live(), 0, "{:#?}", world.ladder);
    assert!(world.streams.is_empty(), "{:?}", world.streams);
    let seats = world.look().seats;
    assert!(seats.iter().all(|s| s.state != "engaged"), "{seats:#?}");
}

fn not_now(answer: Result<Answer, Refusal>) -> String {
    match answer {
        Err(Refusal::NotNow(why)) => why,
        other => panic!("not refused for now but {other:?}"),
    }
}

// ---- seats ---------------------------------------------------------------------------------------

#[test]
fn a_paused_seat_gets_no_calls_until_it_is_ready_again() {
    let mut world = world(1);
    let set = |status, reason: &str| Order::SetSeat {
        seat: "seat-1".into(),
        status,
        reason: reason.into(),
        by: "sri".into(),
    };
    assert_eq!(world.order(set(SeatStatus::Paused, "break")), Ok(Answer::Done));
    assert_eq!(world.order(set(SeatStatus::Paused, " ")), Ok(Answer::Done));
    assert_eq!(world.look().seats[0].pauses, ["break", "pause"]);
    let call = world.call();
    assert!(!world.ladder.contains(&"* offered seat-1".to_owned()), "{:#?}", world.ladder);
    assert_eq!(world.order(set(SeatStatus::Ready, "")), Ok(Answer::Done));
    assert!(world.ladder.contains(&"* offered seat-1".to_owned()), "{:#?}", world.ladder);
    let said = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::SeatChanged { state, by, .. } if by == "sri" => Some(state.as_str()),
        _ => None,
    });
    assert_eq!(said.collect::<Vec<_>>(), ["set paused break", "set paused pause", "set ready"]);
    world.cancel(call);
    let unknown = Order::SetSeat {
        seat: "seat-9".into(),
        status: SeatStatus::Ready,
        reason: String::new(),
        by: "sri".into(),
    };
    assert_eq!(world.order(unknown), Err(Refusal::NoSuchSeat("seat-9".into())));
}

#[test]
fn an_operator_may_wrap_up_longer_within_the_queue_s_bound() {
    let mut world = world(1);
    let longer = |seconds| Order::ExtendWrapUp { seat: "seat-1".into(), seconds, by: "sri".into() };
    assert!(not_now(world.order(longer(60))).contains("does not wrap up"));
    let call = world.call();
    world.seat_says(1, 200);
    world.ack(call);
    assert!(not_now(world.order(longer(60))).contains("does not wrap up"));
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.order(longer(60)), Ok(Answer::Done));
    world.pass(Duration::from_secs(59));
    assert_eq!(seat_state(&mut world, 1), "wrap-up");
    // An hour is asked for; the queue allows five minutes after the talk.
    assert_eq!(world.order(longer(u32::MAX)), Ok(Answer::Done));
    world.pass(Duration::from_secs(240));
    assert_eq!(seat_state(&mut world, 1), "wrap-up");
    world.pass(Duration::from_secs(2));
    assert_eq!(seat_state(&mut world, 1), "ready");
    let unknown = Order::ExtendWrapUp { seat: "seat-9".into(), seconds: 1, by: "sri".into() };
    assert_eq!(world.order(unknown), Err(Refusal::NoSuchSeat("seat-9".into())));
}

// ---- callers -------------------------------------------------------------------------------------

#[test]
fn a_caller_is_picked_up_from_a_phone_that_rings_elsewhere() {
    let mut world = world(2);
    let call = world.call();
    let id = world.look().calls[0].call;
    let pick = |call, seat: &str| Order::PickUp { call, seat: seat.into(), by: "sri".into() };
    let nobody = CallId(Uid::new(WallTime(1), 1));
    assert_eq!(world.order(pick(nobody, "seat-9")), Err(Refusal::NoSuchCall(nobody)));
    assert_eq!(world.order(pick(id, "seat-9")), Err(Refusal::NoSuchSeat("seat-9".into())));
    assert_eq!(not_now(world.order(pick(id, "seat-1"))), "the seat is busy with another call");
    world.seat_says(1, 180);
    assert_eq!(world.order(pick(id, "seat-2")), Ok(Answer::Done));
    assert_eq!(world.ladder.last().unwrap(), "-> 10.0.0.2 INVITE", "{:#?}", world.ladder);
    assert!(world.ladder.contains(&"-> 10.0.0.1 CANCEL".to_owned()), "{:#?}", world.ladder);
    let told = world.facts.iter().position(|e| {
        matches!(&e.fact, Fact::PickedUp { seat, by, .. } if *seat == seat_name(2) && by == "sri")
    });
    let offered = world.facts.iter().rposition(|e| matches!(e.fact, Fact::Offered { .. }));
    assert!(told.is_some() && told < offered, "the order comes before what it led to");
    decline_cancelled(&mut world, 1);
    world.seat_says(2, 200);
    world.ack(call);
    let why = not_now(world.order(pick(id, "seat-1")));
    assert_eq!(why, "somebody talks to the caller already");
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.order(pick(id, "seat-1")), Err(Refusal::NoSuchCall(id)));
    nothing_is_left(&mut world);
}

#[test]
fn a_call_is_judged_also_when_it_is_long_over() {
    let mut world = world(0);
    let (call, by) = (CallId(Uid::new(WallTime(5), 7)), "sri".to_owned());
    let judged = Order::Dispose { call, disposition: Some(Disposition::Prank), by };
    assert_eq!(world.order(judged), Ok(Answer::Done));
    let by = "sri".to_owned();
    let fact = Fact::Disposed { call, disposition: Disposition::Prank, by };
    assert_eq!(world.facts.last().unwrap().fact, fact);
}

// ---- marks ---------------------------------------------------------------------------------------

fn marks(world: &mut World) -> Vec<Mark> {
    match world.order(Order::Marks) {
        Ok(Answer::Marks(marks)) => marks,
        other => panic!("no marks but {other:?}"),
    }
}

fn mark(number: &str, hours: Option<u32>) -> Order {
    let call = CallId(Uid::new(WallTime(5), 7));
    Order::MarkNumber { call, number: private(number), hours, by: "sri".into() }
}

fn private(number: &str) -> Private<String> {
    Private::new(number.to_owned())
}

#[test]
fn a_marked_number_stands_behind_others_until_the_mark_is_taken_back() {
    let mut world = world(0);
    let clear = || Order::ClearNumber { number: private(NUMBER), by: "sri".into() };
    assert_eq!(world.order(clear()), Err(Refusal::NotMarked));
    assert!(not_now(world.order(mark("anonymous", None))).contains("no number of their own"));
    assert!(world.facts.iter().all(|e| !matches!(e.fact, Fact::NumberMarked { .. })));
    assert_eq!(world.order(mark(NUMBER, None)), Ok(Answer::Done));
    let hours = |mark: &Mark| (mark.until.0 - mark.at.0) / 3_600_000_000;
    assert_eq!(marks(&mut world).iter().map(hours).collect::<Vec<_>>(), [24]);
    assert_eq!(world.order(mark(NUMBER, Some(48))), Ok(Answer::Done));
    let standing = marks(&mut world);
    // Once for one call, however often it is said.
    assert_eq!((hours(&standing[0]), standing[0].times, standing[0].by.as_str()), (48, 1, "sri"));
    let call = world.call();
    let board = world.look();
    assert_eq!((board.marks, board.calls[0].lane), (1, Lane::Nuisance));
    world.cancel(call);
    assert_eq!(world.order(clear()), Ok(Answer::Done));
    assert!(matches!(world.facts.last().unwrap().fact, Fact::NumberCleared { .. }));
    assert_eq!((marks(&mut world).len(), world.look().marks), (0, 0));
}

// ---- the work list -------------------------------------------------------------------------------

/// Another number calls, through the same trunk.
fn call_of(world: &mut World, name: u32, number: &str) {
    let text = invite(name, "sip:0328112@203.0.113.10;user=phone", SDP);
    world.hear(TRUNK, &text.replace(&NUMBER[1..], &number[1..]));
}

#[test]
fn who_is_to_be_called_back_follows_from_the_ending() {
    let reason = |text: &str| format!("Reason: {text}\r\n");
    for (talks, lines, by_seat, kind) in [
        (false, String::new(), false, Some("abandoned")),
        (false, reason("Q.850;cause=102"), false, Some("dropped")),
        (true, String::new(), false, None),
        (true, String::new(), true, None),
        (true, reason("Q.850;cause=27"), false, Some("dropped")),
    ] {
        let mut world = world(1);
        let call = world.call();
        if !talks {
            let invite = invite(call, "sip:0328112@203.0.113.10;user=phone", "");
            let cancel = invite.replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL");
            let cancel = cancel.replacen("Max-Forwards", &format!("{lines}Max-Forwards"), 1);
            world.hear(TRUNK, &cancel);
        } else {
            world.seat_says(1, 200);
            world.ack(call);
            if by_seat {
                seat_hangs_up(&mut world, 1);
            } else {
                let answer = world.last_response(call, "200");
                let bye = scenario::in_dialog(call, &answer, "BYE", 2, "");
                world.hear(TRUNK, &bye.replacen("Contact", &format!("{lines}Contact"), 1));
            }
        }
        let told = told(&world);
        let opened = kind.map(|kind| format!("opened {kind} true"));
        assert_eq!(told.len(), 1 + usize::from(kind.is_some()), "{told:?}");
        assert!(told[0].starts_with("lost "), "the ending comes first: {told:?}");
        assert_eq!(told.get(1), opened.as_ref(), "{talks} {lines}");
        assert_eq!(world.look().work_open, usize::from(kind.is_some()));
    }
}

#[test]
fn one_number_has_one_entry_and_who_calls_now_has_none() {
    let mut world = world(0);
    let (first, second) = (world.call(), world.call());
    world.cancel(first);
    assert!(open_work(&mut world).is_empty(), "the same number waits still");
    world.cancel(second);
    assert_eq!(open_work(&mut world).len(), 1);
    // The third call closes the entry, and opens the next when it is lost as well.
    let third = world.call();
    assert!(open_work(&mut world).is_empty());
    world.cancel(third);
    call_of(&mut world, 90, "+6281111111111");
    world.cancel(90);
    let work = open_work(&mut world);
    assert_eq!(work.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [WorkKind::Abandoned; 2]);
    let close = |work| Order::CloseWork { work, why: "reached by radio".into(), by: "sri".into() };
    assert_eq!(world.order(close(work[0].id)), Ok(Answer::Done));
    assert_eq!(told(&world).last().unwrap(), "closed reached by radio sri");
    assert_eq!(world.order(close(work[0].id)), Err(Refusal::NoSuchWork(work[0].id)));
    assert_eq!(open_work(&mut world), work[1..]);
}

#[test]
fn who_is_talked_to_already_does_not_return() {
    for answered in [true, false] {
        let mut world = world(1);
        let talk = world.call();
        if answered {
            world.seat_says(1, 200);
            world.ack(talk);
        }
        let lost = world.call();
        world.cancel(lost);
        world.call();
        let returning = world.look().calls.iter().any(|call| call.priority == 7);
        assert_eq!(returning, !answered);
    }
}

#[test]
fn who_has_no_number_is_listed_and_cannot_be_called() {
    // Withheld; a phone without SIM, as two kinds of networks show it; a service.
    for number in ["anonymous", "9112200001", "+9112200001", "112"] {
        let mut world = world(1);
        let text = invite(1, "sip:0328112@203.0.113.10;user=phone", SDP)
            .replace("sip:+6281234567890@", &format!("sip:{number}@"))
            .replace("sip:081234567890@", &format!("sip:{number}@"));
        world.hear(TRUNK, &text);
        let shown = world.look().calls[0].brief.caller.phone.class;
        assert!(shown.no_call_back().is_some(), "{number}");
        world.cancel(1);
        assert_eq!(told(&world), ["lost Cancelled", "opened abandoned false"], "{number}");
        decline_cancelled(&mut world, 1);
        world.pass(Duration::from_secs(10));
        let work = open_work(&mut world)[0].id;
        assert!(not_now(press(&mut world, work, 1)).contains("no number"), "{number}");
    }
}

// ---- one press -----------------------------------------------------------------------------------

#[test]
fn one_press_rings_the_seat_then_the_number_and_closes_the_entry() {
    let (mut world, work) = world_with_work(1);
    let lost = open_work(&mut world)[0].clone();
    assert_eq!(press(&mut world, work, 1), Ok(Answer::Done));
    let rung = world.last_request(&seat_address(1), "INVITE");
    assert!(header(&rung, Name::From).contains(NUMBER), "{rung}");
    assert_eq!(header(&rung, Name::AnswerMode), "Auto");
    assert!(rung.contains("Call-Info: <sip:112.example>;answer-after=0\r\n"), "{rung}");
    assert!(header(&rung, Name::AlertInfo).contains("info=alert-autoanswer"), "{rung}");
    assert!(rung.contains(&format!("incidentid:{}", lost.incident)), "{rung}");
    assert_eq!(seat_state(&mut world, 1), "engaged");
    assert!(world.look().calls.is_empty(), "no call before the seat answers");
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    assert!(world.ladder.contains(&"-> 10.0.0.1 ACK".to_owned()), "{:#?}", world.ladder);
    let sounds = world.orders.iter().rev();
    let role = sounds.clone().find_map(|order| match order {
        MediaOrder::Role { role, .. } => Some(role),
        _ => None,
    });
    assert_eq!(role, Some(&Role::RingBack), "the seat hears that it rings");
    let out = world.last_request(A, "INVITE");
    assert!(out.starts_with(&format!("INVITE sip:{NUMBER}@sbc.telco-a.example")), "{out}");
    assert_eq!(header(&out, Name::Priority), "psap-callback");
    assert_eq!(header(&out, Name::ResourcePriority), "esnet.0");
    assert_eq!(header(&out, Name::RejectContact), "*;actor=\"msg-taker\"");
    assert!(header(&out, Name::From).contains("sip:0328112@"), "{out}");
    let board = world.look();
    assert_eq!(board.calls[0].incident, lost.incident);
    assert_eq!(board.calls[0].from_seat, Some(seat_name(1)));
    carrier_says(&mut world, 180, "");
    carrier_says(&mut world, 200, "");
    assert_eq!(
        told(&world),
        [
            "tried seat-1 sri",
            &format!("dialled {NUMBER}"),
            "ended answered",
            "closed somebody answered"
        ]
    );
    let bridged =
        world.orders.iter().filter(|o| matches!(o, MediaOrder::Role { role: Role::Hear(_), .. }));
    assert_eq!(bridged.count(), 2);
    assert_eq!(world.look().work_open, 0);
    // The call is watched and ends as any other.
    world.pass(Duration::from_secs(61));
    assert!(world.ladder.contains(&"-> 10.0.0.1 OPTIONS".to_owned()), "{:#?}", world.ladder);
    seat_hangs_up(&mut world, 1);
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    assert_eq!(told(&world).last().unwrap(), "over HungUp");
    assert_eq!(seat_state(&mut world, 1), "ready");
    nothing_is_left(&mut world);
}

/// The seat has answered a press; the number is being called.
fn calling_back(seats: usize) -> (World, WorkId) {
    let (mut world, work) = world_with_work(seats);
    press(&mut world, work, 1).expect("carried out");
    world.seat_says(1, 200);
    assert!(world.ladder.contains(&"-> 192.0.2.1 INVITE".to_owned()), "{:#?}", world.ladder);
    (world, work)
}

#[test]
fn an_attempt_in_vain_says_what_came_of_it_and_frees_the_seat() {
    for (said, outcome) in [
        (&[486][..], WorkOutcome::Busy),
        (&[180, 600], WorkOutcome::Busy),
        (&[180, 480], WorkOutcome::NoAnswer),
        (&[180, 487], WorkOutcome::NoAnswer),
        (&[480], WorkOutcome::Unreachable),
        (&[404], WorkOutcome::Unreachable),
        (&[484], WorkOutcome::Unreachable),
        (&[503], WorkOutcome::Unreachable),
    ] {
        let (mut world, work) = calling_back(1);
        for code in said {
            carrier_says(&mut world, *code, "");
        }
        let told = told(&world);
        assert_eq!(told[2..], [format!("ended {}", outcome.word()), "over NotReached".into()]);
        let bye = world.last_request(&seat_address(1), "BYE");
        assert_eq!(header(&bye, Name::Reason), format!("SIP;cause={}", said.last().unwrap()));
        let entry = &open_work(&mut world)[0];
        assert_eq!((entry.id, entry.attempts[0].outcome), (work, Some(outcome)), "{said:?}");
        assert_eq!(seat_state(&mut world, 1), "ready");
        // The next attempt is free to begin.
        assert_eq!(press(&mut world, work, 1), Ok(Answer::Done));
        world.seat_says(1, 603);
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_number_that_nobody_answers_is_left_after_half_a_minute() {
    for (said, outcome) in [(183, "no-answer"), (0, "unreachable")] {
        let (mut world, _) = calling_back(1);
        if said > 0 {
            carrier_says(&mut world, said, "");
        }
        world.pass(Duration::from_secs(33));
        assert_eq!(told(&world)[2], format!("ended {outcome}"));
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_mailbox_is_nobody_and_the_operator_hears_it() {
    let entries = "<sip:+62811@t>;index=1,<sip:vm@t;cause=408>;index=1.1";
    for (code, line) in [
        (181, String::new()),
        (180, "Diversion: <sip:+62811@t>;reason=no-answer\r\n".to_owned()),
        (183, format!("History-Info: {entries}\r\n")),
        (200, format!("History-Info: {entries}\r\n")),
    ] {
        let (mut world, work) = calling_back(1);
        carrier_says(&mut world, code, &line);
        if code != 200 {
            carrier_says(&mut world, 200, "");
        }
        assert_eq!(told(&world)[2..], ["ended forwarded"]);
        assert_eq!(world.look().calls[0].state, "talking");
        assert_eq!(open_work(&mut world)[0].id, work, "the entry stays open");
        seat_hangs_up(&mut world, 1);
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_seat_that_does_not_answer_or_leaves_ends_the_attempt() {
    // Refused; rang out; hung up while the number rings; no usable audio; no longer interval.
    for story in 0..5 {
        let (mut world, work) = world_with_work(1);
        press(&mut world, work, 1).expect("carried out");
        match story {
            0 => world.seat_says(1, 486),
            1 => {
                world.seat_says(1, 180);
                world.pass(Duration::from_secs(9));
                decline_cancelled(&mut world, 1);
            }
            2 => {
                world.seat_says(1, 200);
                carrier_says(&mut world, 180, "");
                seat_hangs_up(&mut world, 1);
                carrier_says(&mut world, 487, "");
            }
            3 => {
                let invite = world.last_request(&seat_address(1), "INVITE");
                let text = respond(&invite, 200, "phone1", "");
                world.hear(&seat_address(1), &text);
                assert!(world.ladder.contains(&"-> 10.0.0.1 BYE".to_owned()));
            }
            _ => {
                let invite = world.last_request(&seat_address(1), "INVITE");
                let brief = respond(&invite, 422, "phone1", "");
                world.hear(&seat_address(1), &brief.replacen("To: ", "Min-SE: 4000\r\nTo: ", 1));
                let again = world.last_request(&seat_address(1), "INVITE");
                assert_eq!(header(&again, Name::MinSe), "4000", "asked once more");
                world.seat_says(1, 480);
            }
        }
        let told = told(&world);
        assert!(told.contains(&"ended seat-left".to_owned()), "{story}: {told:?}");
        assert_eq!(open_work(&mut world)[0].attempts.len(), 1);
        world.pass(Duration::from_secs(10));
        assert_eq!(seat_state(&mut world, 1), "ready", "{story}");
        nothing_is_left(&mut world);
    }
}

#[test]
fn an_answer_that_comes_too_late_is_hung_up() {
    let (mut world, work) = world_with_work(1);
    press(&mut world, work, 1).expect("carried out");
    world.seat_says(1, 180);
    world.pass(Duration::from_secs(9));
    world.ladder.clear();
    world.seat_says(1, 200);
    assert_eq!(world.ladder[1..], ["-> 10.0.0.1 ACK", "-> 10.0.0.1 BYE"], "{:#?}", world.ladder);
    assert!(world.look().calls.is_empty());
    nothing_is_left(&mut world);
}

#[test]
fn a_press_that_cannot_be_carried_out_changes_nothing() {
    let refused = |world: &mut World, work: WorkId, seat: usize| {
        let (before, facts) = (open_work(world), world.facts.len());
        let why = press(world, work, seat).expect_err("refused");
        assert_eq!(open_work(world), before);
        assert_eq!(world.facts.len(), facts);
        why.to_string()
    };
    let (mut world, work) = world_with_work(2);
    let nobody = WorkId(Uid::new(WallTime(3), 3));
    assert!(refused(&mut world, nobody, 1).contains("no open entry"));
    assert!(refused(&mut world, work, 9).contains("no seat \"seat-9\""));
    call_of(&mut world, 90, "+6281111111111");
    let ringing = if seat_state(&mut world, 1) == "offered" { 1 } else { 2 };
    assert!(refused(&mut world, work, ringing).contains("busy"));
    world.seat_says(ringing, 180);
    assert!(refused(&mut world, work, ringing).contains("busy"));
    world.cancel(90);
    let mut unmanned = World::of(centre(1), 200);
    let call = unmanned.call();
    unmanned.cancel(call);
    let entry = open_work(&mut unmanned)[0].id;
    assert!(refused(&mut unmanned, entry, 1).contains("no phone"));
    unmanned.register(1);
    assert!(refused(&mut unmanned, entry, 1).contains("no trunk"));
    let mut poor = world_of(centre(1), 2);
    let call = poor.call();
    poor.cancel(call);
    decline_cancelled(&mut poor, 1);
    let entry = open_work(&mut poor)[0].id;
    assert!(refused(&mut poor, entry, 1).contains("audio port"));
    world.take(Input::Drain);
    assert!(refused(&mut world, work, 1).contains("draining"));
}

#[test]
fn of_two_seats_that_press_at_once_one_calls() {
    let (mut world, work) = world_with_work(2);
    assert_eq!(press(&mut world, work, 2), Ok(Answer::Done));
    let why = not_now(press(&mut world, work, 1));
    assert!(why.starts_with("seat seat-2 is calling this number"), "{why}");
    assert_eq!(seat_state(&mut world, 1), "ready");
    world.seat_says(2, 486);
    assert_eq!(press(&mut world, work, 1), Ok(Answer::Done));
    world.seat_says(1, 486);
    nothing_is_left(&mut world);
}

#[test]
fn a_caller_who_rings_again_meanwhile_is_served_and_the_attempt_ends_once() {
    let (mut world, _) = calling_back(2);
    let call = world.call();
    assert!(open_work(&mut world).is_empty(), "the caller is here");
    world.seat_says(2, 200);
    world.ack(call);
    carrier_says(&mut world, 486, "");
    let told = told(&world);
    let ended: Vec<_> = told.iter().filter(|t| t.starts_with("ended")).collect();
    assert_eq!(ended, ["ended busy"], "{told:?}");
    assert!(told.contains(&"closed the caller rang again".to_owned()), "{told:?}");
    assert_eq!(seat_state(&mut world, 2), "talking");
    world.trunk_sends(call, "BYE", 2, "");
    assert!(open_work(&mut world).is_empty());
    nothing_is_left(&mut world);
}

#[test]
fn a_phone_that_is_lost_while_it_rings_ends_the_attempt_at_once() {
    let mut world = World::of(centre(1), 200);
    locate(&mut world, &[A]);
    let call = world.call();
    world.cancel(call);
    let work = open_work(&mut world)[0].id;
    let phone = seat_address(1);
    world.on_tcp.insert(phone.clone());
    world.register(1);
    press(&mut world, work, 1).expect("carried out");
    world.seat_says(1, 180);
    let flow = world.flow(&phone);
    world.take(Input::Disconnected { flow });
    assert!(told(&world).contains(&"ended seat-left".to_owned()), "{:#?}", told(&world));
    nothing_is_left(&mut world);
}

#[test]
fn what_one_way_says_of_the_number_does_not_count_for_the_next() {
    let (mut world, work) = world_with_work(1);
    locate(&mut world, &["192.0.2.2:5060", A]);
    press(&mut world, work, 1).expect("carried out");
    world.seat_says(1, 200);
    let first = world.last_request("192.0.2.2:5060", "INVITE");
    for code in [180, 181, 503] {
        world.hear("192.0.2.2:5060", &respond(&first, code, "b", ""));
    }
    carrier_says(&mut world, 480, "");
    assert_eq!(told(&world)[2], "ended unreachable");
    nothing_is_left(&mut world);
}

#[test]
fn of_two_phones_the_first_to_answer_calls() {
    let (mut world, work) = world_with_work(1);
    world.register_phone(1, "10.0.0.101:5060");
    press(&mut world, work, 1).expect("carried out");
    let other = world.last_request("10.0.0.101:5060", "INVITE");
    world.hear("10.0.0.101:5060", &respond(&other, 180, "other", ""));
    world.seat_says(1, 200);
    let cancel = world.last_request("10.0.0.101:5060", "CANCEL");
    assert!(header(&cancel, Name::Reason).contains("Call completed elsewhere"), "{cancel}");
    world.hear("10.0.0.101:5060", &respond(&cancel, 200, "other", ""));
    world.hear("10.0.0.101:5060", &respond(&other, 487, "other", ""));
    carrier_says(&mut world, 486, "");
    assert_eq!(told(&world)[2], "ended busy");
    nothing_is_left(&mut world);
}

#[test]
fn a_stop_ends_a_press_and_draining_waits_for_it() {
    let (mut world, work) = world_with_work(1);
    press(&mut world, work, 1).expect("carried out");
    world.seat_says(1, 180);
    world.take(Input::Drain);
    assert!(!world.ladder.contains(&"* drained".to_owned()));
    world.take(Input::Shutdown);
    assert!(told(&world).contains(&"ended seat-left".to_owned()));
    decline_cancelled(&mut world, 1);
    assert!(world.ladder.contains(&"* drained".to_owned()), "{:#?}", world.ladder);
    nothing_is_left(&mut world);
}

// ---- dialled by hand -----------------------------------------------------------------------------

/// A seat's phone dials; the last that it hears.
fn dials(world: &mut World, seat: usize, number: &str) -> String {
    let from = seat_address(seat);
    let uri = format!("sip:{number}@112.example");
    let text = |cseq: u32, lines: &str| {
        format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKout{seat}-{cseq};rport\r\n\
             From: <sip:seat-{seat}@112.example>;tag=out{seat}\r\nTo: <{uri}>\r\nCall-ID: out-{seat}\r\n\
             CSeq: {cseq} INVITE\r\nContact: <sip:seat-{seat}@{from}>\r\n{lines}\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        )
    };
    world.hear(&from, &text(1, ""));
    let proof = world.proof(&format!("seat-{seat}"), "pw", "INVITE", "sip:112.example");
    world.hear(&from, &text(2, &proof));
    let own = format!("Call-ID: out-{seat}\r\n");
    let heard = world.sent.iter().rev().find(|s| s.to == from && s.text.contains(&own));
    heard.map(|s| s.text.clone()).unwrap_or_default()
}

#[test]
fn a_seat_that_dials_the_number_makes_the_same_attempt() {
    let (mut world, work) = world_with_work(2);
    // As it is dialled here, not as it is listed.
    dials(&mut world, 1, "081234567890");
    assert_eq!(told(&world), ["dialled 081234567890", "tried seat-1 seat-1"]);
    let out = world.last_request(A, "INVITE");
    assert_eq!(header(&out, Name::Priority), "psap-callback");
    let why = not_now(press(&mut world, work, 2));
    assert!(why.starts_with("seat seat-1 is calling"), "{why}");
    let refusal = dials(&mut world, 2, NUMBER);
    assert!(refusal.starts_with("SIP/2.0 486"), "{refusal}");
    let warning = header(&refusal, Name::Warning);
    assert!(warning.starts_with("399 112.example \"seat seat-1 is calling"), "{warning}");
    assert_eq!(world.look().calls.len(), 1);
    carrier_says(&mut world, 404, "");
    assert_eq!(told(&world)[2..], ["ended unreachable", "over NotReached"]);
    assert_eq!(open_work(&mut world)[0].attempts.len(), 1);
    let ack = world.last_request(A, "ACK");
    assert!(ack.contains("CSeq: 1 ACK"), "{ack}");
    nothing_is_left(&mut world);
}

#[test]
fn a_number_of_no_entry_is_dialled_as_ever() {
    let (mut world, _) = world_with_work(1);
    dials(&mut world, 1, "+62811000112");
    assert_eq!(told(&world), ["dialled +62811000112"]);
    let out = world.last_request(A, "INVITE");
    assert!(!out.contains("Reject-Contact") && !out.contains("psap-callback"), "{out}");
}

#[test]
fn the_pseudo_number_of_a_phone_without_sim_is_never_dialled() {
    for number in ["9112200001", "+9112200001"] {
        let (mut world, _) = world_with_work(1);
        let before = world.ladder.len();
        let refusal = dials(&mut world, 1, number);
        assert!(refusal.starts_with("SIP/2.0 404"), "{refusal}");
        assert_eq!(told(&world), [""; 0], "{number}");
        assert!(world.ladder[before..].iter().all(|line| !line.contains(A)), "{number}");
    }
}

// ---- phones that answer by themselves ------------------------------------------------------------

#[test]
fn only_a_seat_that_wants_it_is_asked_to_answer_by_itself() {
    for wanted in [true, false] {
        let mut settings = centre(1);
        settings.seats[0].auto_answer = wanted;
        let mut world = world_of(settings, 200);
        let call = world.call();
        let rung = world.last_request(&seat_address(1), "INVITE");
        assert_eq!(rung.contains("Answer-Mode: Auto\r\n"), wanted, "{rung}");
        assert_eq!(rung.contains(">;answer-after=0\r\n"), wanted, "{rung}");
        assert_eq!(rung.contains("info=alert-autoanswer"), wanted, "{rung}");
        world.cancel(call);
    }
}

// ---- after a restart -----------------------------------------------------------------------------

fn before(world: &World, seconds: i64) -> WallTime {
    WallTime(world.now.wall.0 - seconds * 1_000_000)
}

fn uid(n: u32) -> Uid {
    Uid::new(WallTime(1_700_000_000_000_000), n)
}

fn cut_off(world: &World, n: u32, number: &str) -> CutOff {
    CutOff {
        call: CallId(uid(n)),
        incident: IncidentId(uid(n)),
        known: Some(private(number)),
        callable: Some(private(number)),
        operator: Some("sri".into()),
        at: before(world, 20),
    }
}

fn entry(world: &World, n: u32, number: &str) -> WorkEntry {
    WorkEntry {
        id: WorkId(uid(n)),
        call: CallId(uid(n + 1)),
        incident: IncidentId(uid(n + 2)),
        kind: WorkKind::Abandoned,
        number: Some(private(number)),
        at: before(world, 7_200),
        times: 1,
        attempts: Vec::new(),
    }
}

#[test]
fn a_restart_forgets_nobody() {
    let mut world = world(1);
    let attempt = Attempt {
        call: CallId(uid(7)),
        seat: "seat-1".into(),
        at: before(&world, 30),
        outcome: None,
    };
    let mut old = entry(&world, 10, "+6281111111111");
    old.attempts.push(attempt);
    let mark = Mark {
        number: private("+6282222222222"),
        at: before(&world, 60),
        until: before(&world, -3_600),
        by: "sri".into(),
        times: 1,
    };
    let cut = vec![cut_off(&world, 1, NUMBER), cut_off(&world, 2, "+6281111111111")];
    let recall = Recall { marks: vec![mark], work: vec![old], cut_off: cut, ..Recall::default() };
    world.take(Input::Recall(Box::new(recall.clone())));
    assert_eq!(told(&world), ["ended seat-left", "opened dropped true", "opened dropped true"]);
    // What is known already is not told again.
    world.take(Input::Recall(Box::new(Recall { cut_off: Vec::new(), ..recall })));
    assert_eq!(told(&world).len(), 3);
    let work = open_work(&mut world);
    let numbers: Vec<_> = work.iter().map(|e| e.number.clone().unwrap().reveal().clone()).collect();
    assert_eq!(numbers, ["+6281111111111", NUMBER]);
    // The call that was cut off joined the entry of its number, and made it more serious.
    assert_eq!((work[0].kind, work[0].times), (WorkKind::Dropped, 2));
    assert_eq!(work[0].attempts[0].outcome, Some(WorkOutcome::SeatLeft));
    assert_eq!(marks(&mut world).len(), 1);
    // Whoever was cut off rings again: first of all, and off the list.
    let call = world.call();
    let board = world.look();
    assert_eq!((board.calls[0].priority, board.work_open), (7, 1));
    let linked = world
        .facts
        .iter()
        .any(|e| matches!(&e.fact, Fact::Linked { to, .. } if *to == CallId(uid(1))));
    assert!(linked, "{:#?}", world.ladder);
    world.cancel(call);
}

#[test]
fn who_has_rung_again_before_the_records_were_read_is_not_called_back() {
    let mut world = world(1);
    let call = world.call();
    let work = vec![entry(&world, 10, NUMBER)];
    let cut_off = vec![cut_off(&world, 1, NUMBER)];
    world.take(Input::Recall(Box::new(Recall { work, cut_off, ..Recall::default() })));
    assert_eq!(told(&world), ["closed the caller rang again"]);
    assert!(open_work(&mut world).is_empty());
    world.cancel(call);
}
