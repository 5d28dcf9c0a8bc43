//! Real-time text in calls: what is agreed, who reads what, the desk and the record.

use std::time::Duration;

use siaga112::call::orders::{MediaOrder, MediaReport, TextAim};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order, Refusal, TextView};
use siaga112::switchboard::settings::{Announcements, Screen};
use siaga112::vocabulary::{AnswerMode, CallId, Lane, Party, Private, StreamId};

use super::scenario::{
    SDP, TEXT, TRUNK, World, header, in_dialog, invite, respond, seat_address, settings,
};

fn calls_with(world: &mut World, more: &str) -> u32 {
    let number = 1;
    let sdp = format!("{SDP}{more}");
    world.hear(TRUNK, &invite(number, "sip:0328112@203.0.113.10;user=phone", &sdp));
    number
}

/// A caller with text who talks to seat 1.
pub fn talking(world: &mut World, answer: &str) -> CallId {
    let number = calls_with(world, TEXT);
    let from = seat_address(1);
    let invite = world.last_request(&from, "INVITE");
    world.hear(&from, &respond(&invite, 200, "phone1", answer));
    world.ack(number);
    world.look().calls[0].call
}

/// The text of the last aim of each stream in their order.
fn aims(world: &World) -> Vec<(StreamId, Option<TextAim>)> {
    let mut aims = std::collections::BTreeMap::new();
    for order in &world.orders {
        if let MediaOrder::Aim { stream, aim } = order {
            aims.insert(*stream, aim.text.as_deref().cloned());
        }
    }
    aims.into_iter().collect()
}

/// The phone of seat 1 changes what it said.
fn seat_offers(world: &mut World, cseq: u32, sdp: &str) {
    let at = seat_address(1);
    let invite = world.last_request(&at, "INVITE");
    let (from, id) = (header(&invite, Name::From), header(&invite, Name::CallId));
    let to = header(&invite, Name::To);
    let head = |method: &str| {
        format!(
            "{method} sip:203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{method}{cseq}\r\n\
             From: {to};tag=phone1\r\nTo: {from}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:phone1@{at}>\r\n"
        )
    };
    let kind = "Content-Type: application/sdp\r\n";
    let offer = format!("{}{kind}Content-Length: {}\r\n\r\n{sdp}", head("INVITE"), sdp.len());
    world.hear(&at, &offer);
    world.hear(&at, &format!("{}Content-Length: 0\r\n\r\n", head("ACK")));
}

pub fn writes(world: &mut World, stream: StreamId, text: &str) {
    let text = Private::new(text.to_owned());
    world.take(Input::Media(MediaReport::Text { stream, text }));
}

fn written(world: &World) -> Vec<(Party, String, String)> {
    let written = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::TextWritten { by, name, text, .. } => {
            Some((*by, name.clone(), text.reveal().clone()))
        }
        _ => None,
    });
    written.collect()
}

pub fn orders_to_write(world: &World) -> Vec<(StreamId, String)> {
    let orders = world.orders.iter().filter_map(|order| match order {
        MediaOrder::Write { stream, text, .. } => Some((*stream, text.reveal().clone())),
        _ => None,
    });
    orders.collect()
}

pub fn desk(world: &mut World, call: CallId, text: &str) -> Result<Answer, Refusal> {
    let text = Private::new(text.to_owned());
    world.order(Order::WriteText { call, text, by: "meja".into() })
}

fn reads(world: &mut World, call: CallId) -> TextView {
    match world.order(Order::ReadText { call }) {
        Ok(Answer::Text(view)) => view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_caller_s_text_line_is_answered_beside_the_audio() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = talking(&mut world, SDP);
    let answer = world.last_response(1, "200");
    let port = world.texts.values().next().expect("a port for text");
    assert!(answer.contains("m=audio 2"), "{answer}");
    let line = format!(
        "m=text {port} RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\n\
         a=fmtp:100 98/98/98\r\na=sendrecv\r\n"
    );
    assert!(answer.contains(&line), "{answer}");
    let caller = aims(&world).remove(0).1.expect("text");
    assert_eq!(caller.rtp, "198.51.100.7:17010".parse().unwrap());
    assert_eq!((caller.text, caller.redundant, caller.cps), (98, Some(100), 20));
    assert!(caller.send && caller.receive);
    // The seat's telephone has no text, and is not offered any.
    assert!(!world.last_request(&seat_address(1), "INVITE").contains("m=text"));
    assert!(world.look().calls[0].flags.contains(&"text".to_owned()));
    assert!(reads(&mut world, call).can_write);
    world.trunk_sends(1, "BYE", 2, "");
    world.pass(Duration::from_secs(40));
    assert_eq!((world.texts.len(), world.streams.len()), (0, 0));
}

#[test]
fn audio_is_kept_whatever_becomes_of_text() {
    // No port to spare, text that must be encrypted, text of no codec, text that is refused.
    for (ports, text) in [
        (3, TEXT.to_owned()),
        (200, TEXT.replace("RTP/AVP", "RTP/SAVP")),
        (200, "m=text 17010 RTP/AVP 98\r\n".to_owned()),
        (200, TEXT.replace("17010", "0")),
    ] {
        let mut world = World::with_ports(1, AnswerMode::OnAgent, ports);
        world.register(1);
        calls_with(&mut world, &text);
        world.seat_says(1, 200);
        let answer = world.last_response(1, "200");
        assert!(answer.contains("m=audio 2") && answer.contains("m=text 0 "), "{ports}: {answer}");
        assert!(world.texts.is_empty());
    }
}

#[test]
fn an_operator_without_a_text_telephone_reads_and_writes_at_the_desk() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = talking(&mut world, SDP);
    let caller = aims(&world)[0].0;
    writes(&mut world, caller, "tolong, rumah terba");
    let view = reads(&mut world, call);
    assert_eq!(view.lines.len(), 1);
    assert!(view.lines[0].open, "letter by letter");
    assert_eq!(view.lines[0].text.reveal(), "tolong, rumah terba");
    writes(&mut world, caller, "r\u{8}kar");
    assert_eq!(desk(&mut world, call, "Di mana?\u{2028}"), Ok(Answer::Done));
    assert_eq!(orders_to_write(&world), [(caller, "Di mana?\u{2028}".to_owned())]);
    world.pass(Duration::from_secs(3));
    writes(&mut world, caller, "Desa Pamolokan");
    world.trunk_sends(1, "BYE", 2, "");
    let line = |by, name: &str, text: &str| (by, name.to_owned(), text.to_owned());
    assert_eq!(
        written(&world),
        [
            line(Party::Staff, "meja", "Di mana?"),
            line(Party::Caller, "", "tolong, rumah terbakar"),
            line(Party::Caller, "", "Desa Pamolokan"),
        ]
    );
    assert_eq!(desk(&mut world, call, "?"), Err(Refusal::NoSuchCall(call)));
    world.pass(Duration::from_secs(40));
    assert_eq!(world.board.live(), 0, "nothing is left");
}

#[test]
fn who_has_no_text_cannot_be_written_to() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    let call = world.look().calls[0].call;
    assert!(matches!(desk(&mut world, call, "x"), Err(Refusal::NotNow(_))), "not answered");
    world.seat_says(1, 200);
    world.ack(1);
    assert!(matches!(desk(&mut world, call, "x"), Err(Refusal::NotNow(_))), "no text");
    assert!(!reads(&mut world, call).can_write);
    assert!(orders_to_write(&world).is_empty() && written(&world).is_empty());
}

#[test]
fn a_seat_with_text_is_offered_it_and_shown_what_was_written_before() {
    let mut settings = settings(1, AnswerMode::Immediate);
    let audio = siaga112::vocabulary::AudioPolicy { text: true, ..Default::default() };
    settings.seat_audio.insert("seat-1".into(), audio);
    let mut world = World::of(settings, 200);
    let number = calls_with(&mut world, TEXT);
    world.pass(Duration::from_millis(1));
    world.ack(number);
    let caller = aims(&world)[0].0;
    writes(&mut world, caller, "kebakaran\u{2028}cepat");
    world.register(1);
    let from = seat_address(1);
    let offer = world.last_request(&from, "INVITE");
    assert!(offer.contains(" RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\n"), "{offer}");
    let answer = format!("{SDP}{}", TEXT.replace("17010", "3002").replace("cps=20", "cps=40"));
    world.hear(&from, &respond(&offer, 200, "phone1", &answer));
    let all = aims(&world);
    let (seat, text) = all.last().cloned().expect("the seat's");
    assert_eq!(text.map(|text| (text.cps, text.send)), Some((40, true)));
    assert_eq!(orders_to_write(&world), [(seat, "kebakaran\u{2028}cepat".to_owned())]);
    writes(&mut world, seat, "Di mana?\u{2028}");
    let line = |by, name: &str, text: &str| (by, name.to_owned(), text.to_owned());
    assert_eq!(
        written(&world),
        [line(Party::Caller, "", "kebakaran"), line(Party::Seat, "seat-1", "Di mana?"),]
    );
}

#[test]
fn a_talk_may_go_on_in_writing() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    world.seat_says(1, 200);
    world.ack(1);
    assert_eq!(aims(&world)[0].1, None);
    let response = world.last_response(1, "200");
    let sdp = format!("{SDP}{TEXT}");
    world.hear(TRUNK, &in_dialog(1, &response, "INVITE", 2, &sdp));
    let answer = world.last_response(1, "200");
    assert!(answer.contains("m=text 2"), "{answer}");
    assert!(aims(&world)[0].1.is_some());
    // And text goes again; audio stays.
    let sdp = format!("{SDP}{}", TEXT.replace("17010", "0"));
    world.hear(TRUNK, &in_dialog(1, &response, "INVITE", 3, &sdp));
    let answer = world.last_response(1, "200");
    assert!(answer.contains("m=text 0 ") && answer.contains("m=audio 2"), "{answer}");
    assert_eq!(aims(&world)[0].1, None);
    assert_eq!(world.texts.len(), 1, "its port is kept for the rest of the call");
}

#[test]
fn who_writes_in_a_call_with_text_is_named_to_the_others() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    talking(&mut world, SDP);
    let names: Vec<String> = world
        .orders
        .iter()
        .filter_map(|order| match order {
            MediaOrder::Name { name, .. } => Some(name.reveal().clone()),
            _ => None,
        })
        .collect();
    assert_eq!(names.last_chunk(), Some(&["+6281234567890".to_owned(), "112".to_owned()]));
    // A call without text has no need of names.
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    world.seat_says(1, 200);
    world.ack(1);
    assert!(!world.orders.iter().any(|order| matches!(order, MediaOrder::Name { .. })));
}

#[test]
fn a_caller_who_reads_is_welcomed_in_writing_and_whoever_writes_is_no_silent_caller() {
    let mut settings = settings(1, AnswerMode::Immediate);
    let announcements = Announcements {
        welcome_text: "Tunggu sebentar.".to_owned(),
        screen: Screen::WhileWaiting,
        listen: Duration::from_secs(3),
        ..Announcements::default()
    };
    settings.announcements.insert("darurat".into(), announcements);
    let mut world = World::of(settings.clone(), 200);
    let number = calls_with(&mut world, TEXT);
    world.pass(Duration::from_millis(1));
    world.ack(number);
    let caller = aims(&world)[0].0;
    assert_eq!(orders_to_write(&world), [(caller, "Tunggu sebentar.\u{2028}".to_owned())]);
    let line = (Party::Gateway, String::new(), "Tunggu sebentar.".to_owned());
    assert_eq!(written(&world), [line]);
    writes(&mut world, caller, "api");
    world.pass(Duration::from_secs(40));
    let call = &world.look().calls[0];
    assert_eq!(call.lane, Lane::Usual);
    assert!(call.flags.contains(&"wrote".to_owned()), "{:?}", call.flags);
    let heard = |fact: &Fact| matches!(fact, Fact::Heard { sound, .. } if sound == "text");
    assert!(world.facts.iter().any(|entry| heard(&entry.fact)));
    assert!(!world.facts.iter().any(|entry| matches!(entry.fact, Fact::Prompted { .. })));
    // Who cannot read is told nothing in writing, and is asked for a sign.
    let mut world = World::of(settings, 200);
    let number = world.call();
    world.pass(Duration::from_millis(1));
    world.ack(number);
    world.pass(Duration::from_secs(40));
    assert!(orders_to_write(&world).is_empty() && written(&world).is_empty());
    assert_eq!(world.look().calls[0].lane, Lane::Silent);
}

#[test]
fn who_is_put_aside_reads_what_the_seat_writes_and_nothing_of_a_talk_in_private() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    let audio = siaga112::vocabulary::AudioPolicy { text: true, ..Default::default() };
    settings.seat_audio.insert("seat-1".into(), audio);
    let hold = Announcements { hold: vec!["hold".into()], ..Announcements::default() };
    settings.announcements.insert("darurat".into(), hold);
    let mut world = World::of(settings, 200);
    world.register(1);
    let text = TEXT.replace("17010", "3002");
    let call = talking(&mut world, &format!("{SDP}{text}"));
    let [(caller, _), (seat, _)] = aims(&world)[..] else { panic!("two streams") };
    let reading = |world: &World| {
        let orders = world.orders.iter().rev();
        let read = orders.map_while(|order| match order {
            MediaOrder::Role { stream, role } if *stream == caller => {
                assert!(matches!(role, siaga112::call::orders::Role::Play(_)), "{role:?}");
                None
            }
            MediaOrder::Read { stream, whom } if *stream == caller => Some(Some(whom.to_vec())),
            _ => Some(None),
        });
        read.flatten().next()
    };
    let held = SDP.replace("sendrecv", "sendonly");
    seat_offers(&mut world, 7, &format!("{held}{text}"));
    assert_eq!(reading(&world), Some(vec![seat]), "written beside the music");
    let private = |private| Order::SetPrivate { call, private, by: "meja".into() };
    assert_eq!(world.order(private(true)), Ok(Answer::Done));
    assert_eq!(reading(&world), Some(Vec::new()), "the announcement goes on");
}
