//! Corners of the waiting room: legs that move while a caller is held back, callers
//! whom people send elsewhere, ports that nobody needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may fail loudly; each test binary uses a part of the harness"
)]

mod scenario;

use std::time::Duration;

use scenario::{
    OURS, SDP, TRUNK, World, header, in_dialog, invite, respond, seat_address, settings,
};
use siaga112::acd::settings::{QueueSettings, Strategy};
use siaga112::call::orders::{Ears, MediaOrder, MediaReport, Programme, Role, Sound};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order};
use siaga112::switchboard::settings::{Announcements, Screen, SwitchboardSettings};
use siaga112::trunk::settings::EarlyMedia;
use siaga112::vocabulary::{AnswerMode, CallId, Lane, Private, PromptId, StreamId};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn prompts(name: &str) -> Vec<PromptId> {
    vec![PromptId::from(name)]
}

fn centre(answer: AnswerMode, early: EarlyMedia, screen: Screen) -> SwitchboardSettings {
    let mut settings = settings(2, answer);
    let announcements = Announcements {
        missing: Vec::new(),
        welcome: prompts("id/selamat-datang"),
        welcome_text: String::new(),
        wait: prompts("id/menunggu"),
        again: seconds(20),
        music: Some("musik".into()),
        position: None,
        screen,
        silence: [prompts("id/diam-1"), prompts("id/diam-2")],
        listen: seconds(3),
        hold: Vec::new(),
        hold_alarm: Duration::ZERO,
        refused: prompts("id/ditandai"),
    };
    settings.announcements.insert("darurat".into(), announcements);
    settings.trunks[0].early_media = early;
    settings
}

fn adopt(world: &mut World, settings: SwitchboardSettings) {
    let settings = Box::new(settings);
    world.take(Input::Adopt { settings, digest: String::new(), by: "t".into() });
}

/// A call that is answered at once and acknowledged.
fn answered(world: &mut World) -> u32 {
    let call = world.call();
    world.pass(Duration::from_millis(1));
    world.ack(call);
    call
}

/// The carrier moves a call to another of its machines, as call 77.
fn move_leg(world: &mut World, call: u32) {
    let ok = world.last_response(call, "200");
    let ours = header(&ok, Name::To).split(";tag=").nth(1).unwrap().to_owned();
    let replaces =
        format!("Replaces: call-{call};to-tag={ours};from-tag=t{call}\r\nMax-Forwards: 70");
    let text = invite(77, "sip:112@203.0.113.10", SDP).replace("Max-Forwards: 69", &replaces);
    world.hear(TRUNK, &text);
    world.ack(77);
    let bye = world.last_request(TRUNK, "BYE");
    world.hear(TRUNK, &respond(&bye, 200, "x", ""));
}

fn offers(world: &World) -> usize {
    world.facts.iter().filter(|e| matches!(e.fact, Fact::Offered { .. })).count()
}

/// The caller's stream that plays last, and what.
fn plays(world: &World) -> (StreamId, String) {
    let mut roles = world.orders.iter().rev().filter_map(|order| match order {
        MediaOrder::Role { stream, role: Role::Play(Programme { say, .. }) } => {
            Some((*stream, say.iter().map(PromptId::as_str).collect()))
        }
        MediaOrder::Role { stream, role: Role::RingBack } => Some((*stream, "ring".to_owned())),
        _ => None,
    });
    roles.next().expect("somebody hears something")
}

fn call_id(world: &mut World) -> CallId {
    world.look().calls[0].call
}

fn nothing_is_left(world: &mut World) {
    world.pass(seconds(120));
    assert_eq!(world.board.live(), 0, "{:#?}", world.ladder);
    assert!(world.streams.is_empty(), "{:?}", world.streams);
}

fn mark(world: &mut World) {
    let order = Order::MarkNumber {
        call: call_id(world),
        number: Private::new("+6281234567890".to_owned()),
        hours: None,
        by: "siti".into(),
    };
    assert_eq!(world.order(order), Ok(Answer::Done));
}

/// Whoever is listened to first reaches an operator also when the carrier moves the call meanwhile.
#[test]
fn a_caller_who_is_held_back_goes_on_when_the_carrier_moves_the_call() {
    let mut world = World::of(centre(AnswerMode::Immediate, EarlyMedia::No, Screen::First), 200);
    world.register(1);
    let call = answered(&mut world);
    assert_eq!(offers(&world), 0, "listened to first");
    move_leg(&mut world, call);
    let (stream, what) = plays(&world);
    assert_eq!(what, "id/selamat-datang");
    let listens = |o: &MediaOrder| *o == MediaOrder::Listen { stream, ears: Some(Ears::Waiting) };
    assert!(world.orders.iter().any(listens), "and by the new stream");
    world.pass(seconds(80));
    assert!(offers(&world) > 0, "{:#?}", world.ladder);
    world.trunk_sends(77, "BYE", 2, "");
    nothing_is_left(&mut world);
}

/// A sign that comes by the new leg counts.
#[test]
fn a_voice_by_the_new_leg_lets_the_caller_on() {
    let mut world = World::of(centre(AnswerMode::Immediate, EarlyMedia::No, Screen::First), 200);
    world.register(1);
    let call = answered(&mut world);
    move_leg(&mut world, call);
    let (stream, _) = plays(&world);
    world.take(Input::Media(MediaReport::Played { stream }));
    world.take(Input::Media(MediaReport::Sound { stream, sound: Sound::Voice }));
    assert_eq!(offers(&world), 1, "{:#?}", world.ladder);
}

/// Whoever is to be refused may still press a key, and is refused without one.
#[test]
fn a_refusal_goes_on_when_the_carrier_moves_the_call() {
    for presses in [true, false] {
        let mut settings = centre(AnswerMode::Immediate, EarlyMedia::No, Screen::Never);
        settings.screening.refuse_after_marks = Some(1);
        let mut world = World::of(settings, 200);
        let first = answered(&mut world);
        mark(&mut world);
        world.trunk_sends(first, "BYE", 2, "");
        world.register(1);
        world.pass(seconds(60));
        let call = answered(&mut world);
        let (_, what) = plays(&world);
        assert_eq!(what, "id/ditandai");
        move_leg(&mut world, call);
        let (stream, what) = plays(&world);
        assert_eq!(what, "id/ditandai");
        if presses {
            world.take(Input::Media(MediaReport::Sound { stream, sound: Sound::Key('1') }));
            assert_eq!(offers(&world), 1, "{:#?}", world.ladder);
        } else {
            world.pass(seconds(5));
            world.take(Input::Media(MediaReport::Played { stream }));
            world.pass(seconds(20));
            assert_eq!(world.endings()[1], "Waiting Gateway Nuisance");
        }
    }
}

/// An operator sent the caller to another queue: new rules do not bring them back.
#[test]
fn a_reload_leaves_callers_where_people_have_sent_them() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    settings.queues.push(QueueSettings::new("medis"));
    let mut world = World::of(settings.clone(), 200);
    world.register(1);
    let call = world.call();
    world.seat_says(1, 200);
    world.ack(call);
    let from = seat_address(1);
    let rung = world.last_request(&from, "INVITE");
    let refer = format!(
        "REFER sip:{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKrefer;rport\r\n\
         From: {};tag=phone1\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 9 REFER\r\n\
         Contact: <sip:seat@{from}>\r\nRefer-To: <sip:medis@112.example>\r\nContent-Length: 0\r\n\r\n",
        header(&rung, Name::To),
        header(&rung, Name::From),
        header(&rung, Name::CallId)
    );
    world.hear(&from, &refer);
    assert_eq!(world.look().calls[0].queue, Some("medis".into()), "{:#?}", world.ladder);
    adopt(&mut world, settings.clone());
    assert_eq!(world.look().calls[0].queue, Some("medis".into()));
    // The queue is no more: the rules say where to.
    settings.queues.pop();
    adopt(&mut world, settings);
    assert_eq!(world.look().calls[0].queue, Some("darurat".into()));
}

/// The queue of a call that talks is gone by the time that the caller waits again.
#[test]
fn who_waits_again_after_a_reload_waits_in_a_queue_that_there_is() {
    let mut world = World::of(settings(2, AnswerMode::OnAgent), 200);
    world.register(1);
    let call = world.call();
    world.seat_says(1, 200);
    world.ack(call);
    let mut new = settings(2, AnswerMode::OnAgent);
    new.queues[0].id = "baru".into();
    new.rules[0].queue = "baru".into();
    for seat in &mut new.seats {
        seat.queues[0].queue = "baru".into();
    }
    adopt(&mut world, new);
    // The phone has lost its power.
    world.pass(seconds(61));
    let options = world.last_request(TRUNK, "OPTIONS");
    world.hear(TRUNK, &respond(&options, 200, "x", ""));
    world.pass(seconds(40));
    assert!(world.ladder.contains(&"* alarm seat-lost".to_owned()), "{:#?}", world.ladder);
    assert_eq!(world.look().calls[0].queue, Some("baru".into()));
}

/// A person may take a caller who is still listened to.
#[test]
fn who_is_held_back_can_be_picked_up() {
    let mut world = World::of(centre(AnswerMode::Immediate, EarlyMedia::No, Screen::First), 200);
    world.register(1);
    world.register(2);
    let call = answered(&mut world);
    let id = call_id(&mut world);
    let pick = Order::PickUp { call: id, seat: "seat-2".into(), by: "sri".into() };
    assert_eq!(world.order(pick), Ok(Answer::Done));
    world.seat_says(2, 200);
    assert!(world.ladder.contains(&"* answered seat-2".to_owned()), "{:#?}", world.ladder);
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
}

/// Whoever would be refused is not refused while an operator's phone rings for them.
#[test]
fn who_is_picked_up_is_not_refused() {
    let mut settings = centre(AnswerMode::Immediate, EarlyMedia::No, Screen::Never);
    settings.screening.refuse_after_marks = Some(1);
    settings.queues[0].ring_timeout = seconds(60);
    let mut world = World::of(settings, 200);
    let first = answered(&mut world);
    mark(&mut world);
    world.trunk_sends(first, "BYE", 2, "");
    world.pass(seconds(60));
    world.register(1);
    answered(&mut world);
    let id = call_id(&mut world);
    assert_eq!(world.look().calls[0].lane, Lane::Nuisance);
    let pick = Order::PickUp { call: id, seat: "seat-1".into(), by: "sri".into() };
    assert_eq!(world.order(pick), Ok(Answer::Done));
    world.pass(seconds(50));
    assert_eq!(world.endings().len(), 1, "{:#?}", world.ladder);
}

/// Whoever hears us by early media has its port: the answer needs no other and waits for none.
#[test]
fn an_early_caller_is_answered_in_time_when_ports_are_short() {
    let settings = centre(AnswerMode::AfterSeconds(12), EarlyMedia::Heard, Screen::Never);
    let mut world = World::of(settings, 4);
    let (first, second) = (world.call(), world.call());
    world.last_response(first, "183");
    world.last_response(second, "183");
    world.pass(seconds(13));
    world.last_response(first, "200");
    world.last_response(second, "200");
}

/// Where early media cannot be, no port is held for it.
#[test]
fn no_port_is_held_for_early_media_that_cannot_be() {
    let settings = centre(AnswerMode::OnAgent, EarlyMedia::Heard, Screen::Never);
    let mut world = World::of(settings, 200);
    let sdp = SDP.replace("m=audio", "m=video");
    world.hear(TRUNK, &invite(1, "sip:0328112@203.0.113.10;user=phone", &sdp));
    world.last_response(1, "180");
    assert!(world.streams.is_empty(), "{:?}", world.streams);
}

/// Nobody is refused who could not hear that a key helps.
#[test]
fn a_refusal_without_a_prompt_refuses_nobody() {
    let mut settings = centre(AnswerMode::Immediate, EarlyMedia::No, Screen::Never);
    settings.screening.refuse_after_marks = Some(1);
    let mut world = World::of(settings, 200);
    let first = answered(&mut world);
    mark(&mut world);
    world.trunk_sends(first, "BYE", 2, "");
    world.register(1);
    world.pass(seconds(60));
    answered(&mut world);
    let (stream, _) = plays(&world);
    // The media plane has no such prompt.
    world.take(Input::Media(MediaReport::Played { stream }));
    assert_eq!(offers(&world), 1, "{:#?}", world.ladder);
    world.pass(seconds(60));
    assert_eq!(world.endings().len(), 1);
}

/// A caller who hears us early may move its audio before the answer (RFC 3311 §5.2).
#[test]
fn an_update_before_the_answer_moves_early_media() {
    let mut world = World::of(centre(AnswerMode::OnAgent, EarlyMedia::Heard, Screen::Never), 200);
    let text = invite(1, "sip:0328112@203.0.113.10;user=phone", SDP);
    world.hear(TRUNK, &text.replacen("Contact:", "Require: 100rel\r\nContact:", 1));
    let progress = world.last_response(1, "183");
    let prack = in_dialog(1, &progress, "PRACK", 2, "");
    let rack = format!("RAck: {} 1 INVITE\r\nContact:", header(&progress, Name::RSeq));
    world.hear(TRUNK, &prack.replacen("Contact:", &rack, 1));
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    let moved = SDP.replace("17004", "17008").replace("o=t 1 1", "o=t 1 2");
    world.hear(TRUNK, &in_dialog(1, &progress, "UPDATE", 3, &moved));
    let answer = world.last();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    let aimed = world.orders.iter().rev().find_map(|order| match order {
        MediaOrder::Aim { aim, .. } => Some(format!("{aim:?}")),
        _ => None,
    });
    assert!(aimed.unwrap().contains("17008"));
    world.register(1);
    world.seat_says(1, 200);
    let ok = world.last_response(1, "200");
    let sdp = |text: &str| text.split("\r\n\r\n").nth(1).unwrap().to_owned();
    assert_eq!(header(&ok, Name::CSeq), "1 INVITE");
    assert_eq!(sdp(&ok), sdp(&answer), "what holds by now");
    world.ack(1);
    world.trunk_sends(1, "BYE", 4, "");
    nothing_is_left(&mut world);
}

/// Without a description of ours there is no room for an offer before the answer.
#[test]
fn an_update_before_any_answer_is_put_off() {
    let mut world = World::of(centre(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never), 200);
    world.call();
    let ringing = world.last_response(1, "180");
    world.hear(TRUNK, &in_dialog(1, &ringing, "UPDATE", 2, SDP));
    assert!(world.last().starts_with("SIP/2.0 500"), "{}", world.last());
}

/// Where all seats ring, the caller's port is kept when the first answers and the others stop.
#[test]
fn where_all_ring_the_answer_needs_no_new_port() {
    let mut all = settings(3, AnswerMode::OnAgent);
    all.queues[0].strategy = Strategy::RingAll;
    let mut world = World::of(all, 200);
    for seat in 1..=3 {
        world.register(seat);
    }
    let call = world.call();
    assert_eq!(offers(&world), 3);
    for seat in 1..=3 {
        world.seat_says(seat, 180);
    }
    let opened = world.orders.iter().find_map(|order| match order {
        MediaOrder::Open { stream, .. } => Some(*stream),
        _ => None,
    });
    let caller = opened.expect("the caller's stream comes first");
    world.seat_says(2, 200);
    world.ack(call);
    let closed = |o: &MediaOrder| *o == MediaOrder::Close { stream: caller };
    assert!(!world.orders.iter().any(closed), "the caller's port was given away");
    for seat in [1, 3] {
        let cancel = world.last_request(&seat_address(seat), "CANCEL");
        world.hear(&seat_address(seat), &respond(&cancel, 200, "x", ""));
        world.seat_says(seat, 487);
    }
    world.trunk_sends(call, "BYE", 2, "");
    let bye = world.last_request(&seat_address(2), "BYE");
    world.hear(&seat_address(2), &respond(&bye, 200, "x", ""));
    nothing_is_left(&mut world);
}
