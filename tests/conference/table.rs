//! A centre in which more than two talk: who is brought in, what they say, and who hears whom.

use std::time::Duration;

use crate::scenario::{SDP, World, header, respond, settings};
use siaga112::call::orders::{MediaOrder, Role};
use siaga112::call::table::Part;
use siaga112::journal::Fact;
use siaga112::sip::digest::OutgoingAccount;
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::{Name, Transport, Uri};
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order};
use siaga112::switchboard::settings::{Announcements, SwitchboardSettings};
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, CallId, PromptId, StreamId};

pub const A: &str = "192.0.2.1:5060";
pub const B: &str = "192.0.2.2:5060";
pub const AGENCY: &str = "+62811000113";

/// A centre of some seats and a trunk to call out by, at A and then B.
pub fn world(seats: usize) -> World {
    world_of(settings(seats, AnswerMode::OnAgent), seats, None)
}

/// The same by these settings, with an account at the carrier.
pub fn world_of(
    mut settings: SwitchboardSettings,
    seats: usize,
    account: Option<OutgoingAccount>,
) -> World {
    let uri = Uri::read("sip:sbc.telco-a.example");
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account,
        from_user: "siaga".into(),
        caller_id: Some("0328112".into()),
        probe: None,
    };
    settings.trunks.push(TrunkSettings {
        id: "telco-a".into(),
        sources: Vec::new(),
        line: Some(line.into()),
        ..settings.trunks[0].clone()
    });
    let hold = vec![PromptId::from("id/ditahan")];
    let queue = settings.queues[0].id.clone();
    let hold_alarm = Duration::from_secs(45);
    let announcements = Announcements { hold, hold_alarm, ..Announcements::default() };
    settings.announcements.insert(queue, announcements);
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
        good_for: Duration::from_secs(36_000),
    });
    for seat in 1..=seats {
        world.register(seat);
    }
    world
}

/// A caller who talks to seat 1.
pub fn talking(world: &mut World) -> (u32, CallId) {
    let call = world.call();
    world.seat_says(1, 200);
    world.ack(call);
    let id = world.look().calls[0].call;
    (call, id)
}

pub fn bring(world: &mut World, call: CallId, to: &str, part: Part) -> u8 {
    match world.order(Order::Join { call, to: to.into(), part, by: "siti".into() }) {
        Ok(Answer::Invited(party)) => party,
        other => panic!("{other:?}"),
    }
}

/// The carrier answers our last INVITE at an address.
pub fn carrier_says(world: &mut World, at: &str, code: u16) {
    let invite = world.last_request(at, "INVITE");
    let text = respond(&invite, code, "agency", if code == 200 { SDP } else { "" })
        .replace("<sip:agency@10.0.0.1>", &format!("<sip:agency@{at}>"));
    world.hear(at, &text);
}

/// A request within the dialog of our last INVITE to a peer.
pub fn peer_sends(world: &mut World, at: &str, tag: &str, method: &str, cseq: u32) {
    peer_says(world, at, tag, (method, cseq), "", "");
}

/// The same with header lines and a description.
pub fn peer_says(
    world: &mut World,
    at: &str,
    tag: &str,
    (method, cseq): (&str, u32),
    lines: &str,
    sdp: &str,
) {
    let invite = world.last_request(at, "INVITE");
    let (from, id) = (header(&invite, Name::From), header(&invite, Name::CallId));
    let to = header(&invite, Name::To).split(";tag").next().unwrap().to_owned();
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "{method} sip:203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{method}{cseq}{tag}\r\n\
         From: {to};tag={tag}\r\nTo: {from}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:{tag}@{at}>\r\n{lines}{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    world.hear(at, &text);
}

/// A phone puts us on hold, or takes us back.
pub fn peer_holds(world: &mut World, at: &str, tag: &str, cseq: u32, hold: bool) {
    let sdp = if hold { SDP.replace("sendrecv", "sendonly") } else { SDP.to_owned() };
    peer_says(world, at, tag, ("INVITE", cseq), "", &sdp);
    peer_sends(world, at, tag, "ACK", cseq);
}

/// What each open stream hears, as ordered last; streams by the order in which they were opened.
pub fn table(world: &World) -> Vec<String> {
    let mut streams: Vec<StreamId> = world.streams.keys().copied().collect();
    streams.sort();
    let number = |stream: &StreamId| streams.iter().position(|known| known == stream);
    let row = |stream: &StreamId| {
        let role = world.orders.iter().rev().find_map(|order| match order {
            MediaOrder::Role { stream: of, role } if of == stream => Some(role),
            _ => None,
        });
        match role {
            Some(Role::Hear(whom)) => {
                let mut whom: Vec<usize> = whom.iter().filter_map(number).collect();
                whom.sort_unstable();
                format!("{whom:?}")
            }
            Some(Role::Play(programme)) => format!("plays {}", programme.say.len()),
            other => format!("{other:?}"),
        }
    };
    streams.iter().map(row).collect()
}

pub fn story(world: &World) -> Vec<String> {
    let told = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::PartyInvited { party, to, .. } => Some(format!("{party} invited: {to}")),
        Fact::PartyJoined { party, part, .. } => Some(format!("{party} joined: {}", part.word())),
        Fact::PartyChanged { party, part, .. } => Some(format!("{party} is to {}", part.word())),
        Fact::PartyLeft { party, how, .. } => Some(format!("{party} left: {how}")),
        Fact::PartyTookOver { party, .. } => Some(format!("{party} took over")),
        Fact::PartyHeld { party, held, .. } => Some(format!("{party} holds: {held}")),
        Fact::PrivateTalk { private, .. } => Some(format!("private: {private}")),
        _ => None,
    });
    told.collect()
}

pub fn nothing_is_left(world: &mut World) {
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
