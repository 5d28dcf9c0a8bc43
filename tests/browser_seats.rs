//! Seats in browsers: what they are offered, beside a telephone of the same seat or alone, and what
//! becomes of the audio that nobody took. The media plane is played by the harness; that the packets
//! pass is shown elsewhere, with a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    dead_code,
    reason = "a test may fail loudly; each test binary uses a part of the harness"
)]

mod scenario;

use std::collections::BTreeSet;

use scenario::{SDP, TRUNK, World, header, respond, seat_address, settings};
use siaga112::call::orders::{Aim, Guard, MediaOrder, Role};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::settings::{BrowserMedia, SwitchboardSettings};
use siaga112::vocabulary::{AnswerMode, Fingerprint, IceLogin, StreamId};

/// Where the browser of seat 1 is.
const BROWSER: &str = "10.0.9.1:50443";
const PRINT: &str = "sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB";

fn for_browsers(seats: usize) -> SwitchboardSettings {
    let browser = BrowserMedia {
        candidates: vec!["203.0.113.10:19999".parse().unwrap()],
        certificate: Some(Fingerprint { hash: "sha-256".into(), digest: vec![7; 32] }),
    };
    SwitchboardSettings { browser, ..settings(seats, AnswerMode::OnAgent) }
}

/// A centre whose seat 1 has a browser, and a telephone beside it where that is wanted.
fn world(telephone: bool, ports: u16) -> World {
    let mut world = World::of(for_browsers(1), ports);
    world.on_web.insert(BROWSER.to_owned());
    world.register_phone(1, BROWSER);
    if telephone {
        world.register(1);
    }
    world.ladder.clear();
    world
}

/// What a browser says; `more` stands below its audio line.
fn browser_sdp(setup: &str, ufrag: &str, more: &str) -> String {
    format!(
        "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n\
         a=fingerprint:{PRINT}\r\na=setup:{setup}\r\na=mid:0\r\na=rtcp-mux\r\n\
         a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n{more}"
    )
}

fn browser_answers(world: &mut World, sdp: &str) {
    let invite = world.last_request(BROWSER, "INVITE");
    world.hear(BROWSER, &respond(&invite, 200, "browser", sdp));
}

/// The shared streams that were opened, each with our login.
fn shared(world: &World) -> Vec<(StreamId, IceLogin)> {
    let opened = world.orders.iter().filter_map(|order| match order {
        MediaOrder::OpenShared { stream, login, .. } => Some((*stream, login.clone())),
        _ => None,
    });
    opened.collect()
}

fn opened(world: &World) -> BTreeSet<StreamId> {
    let opened = world.orders.iter().filter_map(|order| match order {
        MediaOrder::OpenShared { stream, .. } | MediaOrder::Open { stream, .. } => Some(*stream),
        _ => None,
    });
    opened.collect()
}

fn closed(world: &World) -> BTreeSet<StreamId> {
    let closed = world.orders.iter().filter_map(|order| match order {
        MediaOrder::Close { stream } => Some(*stream),
        _ => None,
    });
    closed.collect()
}

fn aim(world: &World, of: StreamId) -> Aim {
    let aims = world.orders.iter().rev().filter_map(|order| match order {
        MediaOrder::Aim { stream, aim } if *stream == of => Some(aim.clone()),
        _ => None,
    });
    aims.into_iter().next().expect("an aim")
}

#[test]
fn a_telephone_and_a_browser_of_a_seat_ring_each_by_its_kind_and_the_winner_s_audio_is_left() {
    for browser_wins in [true, false] {
        let mut world = world(true, 200);
        let call = world.call();
        let to_telephone = world.last_request(&seat_address(1), "INVITE");
        let to_browser = world.last_request(BROWSER, "INVITE");
        assert!(to_telephone.contains(" RTP/AVP 8 "), "{to_telephone}");
        assert!(!to_telephone.contains("a=ice"), "{to_telephone}");
        let [(stream, login)] = &shared(&world)[..] else { panic!("one shared stream") };
        for has in [
            "m=audio 19999 UDP/TLS/RTP/SAVPF 8 ",
            "a=ice-lite\r\n",
            "a=setup:actpass\r\n",
            "a=candidate:1 1 udp 2130706431 203.0.113.10 19999 typ host\r\n",
            &format!("a=ice-ufrag:{}\r\n", login.ufrag),
            &format!("a=ice-pwd:{}\r\n", login.password.reveal()),
        ] {
            assert!(to_browser.contains(has), "{has}: {to_browser}");
        }
        if browser_wins {
            browser_answers(&mut world, &browser_sdp("active", "wxyz", ""));
            let aim = aim(&world, *stream);
            assert!(matches!(aim.guard, Guard::Dtls { active: false, .. }), "{:?}", aim.guard);
            assert_eq!(aim.ice.map(|ice| ice.ufrag), Some("wxyz".to_owned()));
        } else {
            world.seat_says(1, 200);
        }
        world.ack(call);
        let left: Vec<StreamId> = opened(&world).difference(&closed(&world)).copied().collect();
        assert_eq!(left.len(), 2, "the caller's and the winner's");
        assert_eq!(left.contains(stream), browser_wins);
        // The media plane knows where each telephone signals from, before it is aimed at.
        let hints = world.orders.iter().filter_map(|order| match order {
            MediaOrder::Hint { stream, host } => Some((*stream, host.to_string())),
            _ => None,
        });
        let hints: BTreeSet<(StreamId, String)> = hints.collect();
        let hosts: BTreeSet<&str> = hints.iter().map(|(_, host)| host.as_str()).collect();
        let host = |of: &str| of.rsplit_once(':').expect("a port").0.to_owned();
        assert!(hosts.contains(host(TRUNK).as_str()), "{hosts:?}");
        assert_eq!(hosts.contains(host(&seat_address(1)).as_str()), !browser_wins, "{hosts:?}");
        let hears = |order: &MediaOrder| match order {
            MediaOrder::Role { role: Role::Hear(who), .. } => left.contains(&who[0]),
            _ => true,
        };
        assert!(world.orders.iter().all(hears), "nobody hears a stream that is closed");
        world.trunk_sends(call, "BYE", 2, "");
        assert_eq!(opened(&world), closed(&world), "everything is closed");
    }
}

#[test]
fn a_browser_alone_takes_no_port_and_whoever_rings_in_vain_leaves_nothing() {
    let mut world = world(false, 2);
    let call = world.call();
    assert_eq!(world.streams.len(), 1, "the caller's");
    // Audio that is not protected is none for a browser's stream.
    browser_answers(&mut world, SDP);
    assert!(world.sent.iter().any(|s| s.to == BROWSER && s.text.starts_with("BYE")));
    let [(stream, _)] = &shared(&world)[..] else { panic!("one shared stream") };
    assert!(closed(&world).contains(stream));
    assert!(world.endings().is_empty(), "the caller waits on");
    assert!(world.ladder.iter().any(|line| line == "* alarm answer-unusable"), "people are told");
    let step = world.facts.iter().find_map(|entry| match &entry.fact {
        Fact::AnswerUnusable(answer) => Some(answer.clone()),
        _ => None,
    });
    let step = step.expect("it is on the record");
    assert!(step.seat.is_some() && step.why.contains("must speak DTLS-SRTP"), "{step:?}");
    world.cancel(call);
    assert_eq!(opened(&world), closed(&world));
}

#[test]
fn without_a_port_for_browsers_a_phone_on_a_websocket_is_offered_the_usual_and_people_are_told() {
    let mut world = World::of(settings(1, AnswerMode::OnAgent), 200);
    world.on_web.insert(BROWSER.to_owned());
    world.register_phone(1, BROWSER);
    let call = world.call();
    let offered = world.last_request(BROWSER, "INVITE");
    assert!(offered.contains(" RTP/AVP 8 ") && shared(&world).is_empty(), "{offered}");
    assert!(world.ladder.iter().any(|line| line == "* alarm no-browser-audio"));
    browser_answers(&mut world, SDP);
    world.ack(call);
    assert!(world.endings().is_empty());
}

#[test]
fn a_browser_that_dials_is_answered_as_it_asks_and_may_hold_and_resume() {
    let mut world = World::of(for_browsers(2), 200);
    world.on_web.insert(BROWSER.to_owned());
    world.register_phone(1, BROWSER);
    world.register(2);
    let offer = browser_sdp("actpass", "wxyz", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n")
        .replace("BUNDLE 0", "BUNDLE 0 1");
    let uri = "sip:seat-2@112.example";
    let text = |branch: &str, cseq: u32, to: &str, lines: &str, sdp: &str| {
        format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {BROWSER};branch=z9hG4bK{branch};rport\r\n\
             From: <sip:seat-1@112.example>;tag=web\r\nTo: {to}\r\nCall-ID: web-1\r\nCSeq: {cseq} INVITE\r\n\
             Contact: <sip:seat-1@{BROWSER}>\r\n{lines}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    };
    let to = format!("<{uri}>");
    world.hear(BROWSER, &text("a", 1, &to, "", &offer));
    let proof = world.proof("seat-1", "pw", "INVITE", "sip:112.example");
    world.hear(BROWSER, &text("b", 2, &to, &proof, &offer));
    world.seat_says(2, 200);
    let ok = |world: &World| {
        let ok = |s: &&scenario::Sent| s.to == BROWSER && s.text.starts_with("SIP/2.0 200");
        world.sent.iter().rev().find(ok).expect("a 200").text.clone()
    };
    let answer = ok(&world);
    let [(stream, login)] = &shared(&world)[..] else { panic!("one shared stream") };
    let ours = format!("a=ice-ufrag:{}\r\n", login.ufrag);
    for has in ["m=audio 19999 UDP/TLS/RTP/SAVPF ", "a=setup:passive\r\n", "m=video 0 ", &ours] {
        assert!(answer.contains(has), "{has}: {answer}");
    }
    assert!(answer.contains("a=group:BUNDLE 0\r\n"), "what is refused is in no bundle: {answer}");
    assert!(aim(&world, *stream).send);

    let tagged = header(&answer, Name::To);
    let ack = |cseq: u32| {
        text("ack", cseq, &tagged, "", "")
            .replace("INVITE", "ACK")
            .replace("Content-Type: application/sdp\r\n", "")
    };
    world.hear(BROWSER, &ack(2));
    let before = aim(&world, *stream);
    for (cseq, way, sends) in
        [(3, "sendonly", false), (4, "inactive", false), (5, "sendrecv", true)]
    {
        let held = browser_sdp("actpass", "wxyz", &format!("a={way}\r\n"));
        world.hear(BROWSER, &text(way, cseq, &tagged, "", &held));
        let answer = ok(&world);
        assert!(answer.contains(&ours) && answer.contains("a=setup:passive\r\n"), "{answer}");
        let now = aim(&world, *stream);
        assert_eq!((now.send, &now.guard), (sends, &before.guard), "{way}");
        world.hear(BROWSER, &ack(cseq));
    }
    // Plain audio would never find its stream: it is refused, and what was agreed stays.
    world.hear(BROWSER, &text("plain", 6, &tagged, "", SDP));
    assert!(world.last().starts_with("SIP/2.0 488"), "{}", world.last());
    assert_eq!(aim(&world, *stream), before);
    assert!(!closed(&world).contains(stream));
    assert!(world.sent.iter().all(|s| s.to != TRUNK), "no carrier hears of it");
}
