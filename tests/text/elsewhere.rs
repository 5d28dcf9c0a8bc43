//! Text with whoever is brought in by a number, and with outside recorders, on a virtual clock.

use std::time::Duration;

use siaga112::call::orders::{MediaOrder, TextAim};
use siaga112::call::table::Part;
use siaga112::sip::Transport;
use siaga112::sip::Uri;
use siaga112::sip::digest::OutgoingAccount;
use siaga112::sip::locate::{Hop, Target};
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order};
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, AudioPolicy, Secret, StreamId, TrunkId};

use super::scenario::{SDP, TEXT, World, respond, settings};
use super::talks::{orders_to_write, talking, writes};

const CARRIER: &str = "192.0.2.1:5060";
const OTHER: &str = "192.0.2.2:5060";
const RECORDER: &str = "192.0.2.3:5060";

/// Adds a trunk that leads out, whose peers can have text or not.
fn add_line(settings: &mut SwitchboardSettings, name: &str, text: bool) {
    let uri = Uri::read(format!("sip:112@{name}.example").as_str());
    let account = OutgoingAccount { username: "siaga".into(), password: Secret::new("x".into()) };
    let line = LineSettings {
        target: Target::of(&uri).expect("a host"),
        uri,
        register: false,
        account: Some(account),
        from_user: "siaga".into(),
        caller_id: None,
        probe: None,
    };
    settings.trunks.push(TrunkSettings {
        id: TrunkId::from(name),
        sources: Vec::new(),
        line: Some(line.into()),
        audio: AudioPolicy { text, ..AudioPolicy::default() },
        ..settings.trunks[0].clone()
    });
}

fn find_line(world: &mut World, name: &str, at: &str) {
    world.take(Input::Located {
        trunk: TrunkId::from(name),
        hops: vec![Hop {
            transport: Transport::Udp,
            address: at.parse().expect("an address"),
            name: format!("{name}.example").into(),
        }],
        wrong: None,
        good_for: Duration::from_secs(36_000),
    });
}

/// The text of the aims of whom we have called, in their order.
fn texts(world: &World) -> Vec<(StreamId, TextAim)> {
    let aims = world.orders.iter().filter_map(|order| match order {
        MediaOrder::Aim { stream, aim } => Some((*stream, aim.text.as_deref()?.clone())),
        _ => None,
    });
    aims.collect()
}

#[test]
fn who_is_brought_in_by_a_number_has_text_where_trunk_and_answer_take_it() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    add_line(&mut settings, "telco", false);
    add_line(&mut settings, "relay", true);
    let mut world = World::of(settings, 200);
    find_line(&mut world, "telco", CARRIER);
    find_line(&mut world, "relay", OTHER);
    world.register(1);
    let call = talking(&mut world, SDP);
    let caller = texts(&world)[0].0;
    writes(&mut world, caller, "api\u{2028}");
    let to = "+62811000111".to_owned();
    let join = Order::Join { call, to, part: Part::Talk, by: "siti".into() };
    assert_eq!(world.order(join), Ok(Answer::Invited(1)));
    // The first trunk is one whose peers have no text; the second way is the other.
    let invite = world.last_request(CARRIER, "INVITE");
    assert!(!invite.contains("m=text"), "{invite}");
    world.hear(CARRIER, &respond(&invite, 503, "telco", ""));
    let invite = world.last_request(OTHER, "INVITE");
    assert!(invite.contains("a=rtpmap:98 t140/1000\r\n"), "{invite}");
    let answer = format!("{SDP}{}a=rtt-mixer\r\n", TEXT.replace("17010", "3010"));
    world.hear(OTHER, &respond(&invite, 200, "relay", &answer));
    let (guest, text) = texts(&world).pop().expect("text");
    assert_ne!(guest, caller);
    assert!(text.mixer && text.send && text.rtp.port() == 3_010, "{text:?}");
    assert_eq!(orders_to_write(&world), [(guest, "api\u{2028}".to_owned())]);
    let named = world.orders.iter().any(|order| {
        matches!(order, MediaOrder::Name { stream, name } if *stream == guest
            && name.reveal() == "+62811000111")
    });
    assert!(named, "the others are told who it is");
}

#[test]
fn nobody_is_offered_text_in_a_call_without() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    add_line(&mut settings, "relay", true);
    let mut world = World::of(settings, 200);
    find_line(&mut world, "relay", OTHER);
    world.register(1);
    let number = world.call();
    world.seat_says(1, 200);
    world.ack(number);
    let call = world.look().calls[0].call;
    let to = "+62811000111".to_owned();
    let join = Order::Join { call, to, part: Part::Talk, by: "siti".into() };
    assert_eq!(world.order(join), Ok(Answer::Invited(1)));
    assert!(!world.last_request(OTHER, "INVITE").contains("m=text"));
    assert!(world.texts.is_empty());
}

#[test]
fn a_recorder_that_takes_text_has_what_everybody_writes() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    add_line(&mut settings, "recorder", true);
    settings.recorders = vec!["recorder".into()];
    let mut world = World::of(settings, 200);
    find_line(&mut world, "recorder", RECORDER);
    world.register(1);
    let call = talking(&mut world, SDP);
    let caller = texts(&world)[0].0;
    writes(&mut world, caller, "api\u{2028}");
    world.pass(Duration::from_millis(1));
    let invite = world.last_request(RECORDER, "INVITE");
    let (_, lines) = invite.split_once("m=text 2").expect("text is offered");
    for part in ["a=sendonly\r\na=label:3\r\n", "a=label:4\r\n", "<label>4</label>"] {
        assert!(lines.contains(part), "{part}: {invite}");
    }
    let audio = |port: u16| format!("m=audio {port} RTP/AVP 8\r\na=recvonly\r\n");
    let text =
        |port: u16| format!("m=text {port} RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\na=recvonly\r\n");
    let head = "v=0\r\no=r 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\n";
    let (one, two) = (audio(40_000), audio(40_002));
    let answer = format!("{head}{one}{two}{}{}", text(40_004), text(40_006));
    world.hear(RECORDER, &respond(&invite, 200, "recorder", &answer));
    let all = texts(&world);
    let [.., (of_caller, first), (of_others, second)] = &all[..] else { panic!("{all:?}") };
    assert_eq!((first.rtp.port(), second.rtp.port()), (40_004, 40_006));
    assert!(first.send && !first.receive, "{first:?}");
    // What was written before it came, and what is written at the desk.
    assert_eq!(orders_to_write(&world), [(*of_caller, "api\u{2028}".to_owned())]);
    assert_eq!(super::talks::desk(&mut world, call, "Di mana?\u{2028}"), Ok(Answer::Done));
    let desk = "Di mana?\u{2028}".to_owned();
    assert_eq!(orders_to_write(&world)[1..], [(caller, desk.clone()), (*of_others, desk)]);
    world.trunk_sends(1, "BYE", 2, "");
    for sent in world.sent.clone() {
        if sent.text.starts_with("BYE") {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
    world.pass(Duration::from_secs(200));
    assert_eq!((world.texts.len(), world.streams.len()), (0, 0), "every port comes back");
}
