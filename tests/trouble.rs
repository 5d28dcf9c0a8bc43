//! Trouble of the network and of phones, over real sockets: what is passed on, what is translated and what
//! is recorded goes on with nothing missing but what was lost.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod plane;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use plane::network::{Plan, Said, Speaker, say};
use plane::voice::{Heard, Voice};
use plane::{Came, LOOPBACK, PITCHES, Phone, Plane, amplitude, talk};
use siaga112::call::orders::{Aim, Channel, MediaOrder};
use siaga112::media::codec::FRAME;
use siaga112::vocabulary::{CallId, Codec, StreamId, Uid, WallTime};

/// How many packets of sound came.
fn sounds(phone: &Phone, came: &[Came]) -> usize {
    came.iter().filter(|packet| packet.kind == phone.payload).count()
}

#[test]
fn a_phone_may_move_stop_lose_and_begin_late_and_is_heard_all_the_same() {
    {
        // Other codecs are told to the sample by the tests below.
        let (one, two) = (Codec::Pcma, Codec::Opus);
        let mut plane = Plane::start();
        let (mut a, mut b) = (plane.phone(one), plane.phone(two));
        let call = CallId(Uid::new(WallTime(1), 1));
        plane.record(call, &[(&a, Channel::Caller), (&b, Channel::Seat)]);
        plane.all_hear_all(&[&a, &b]);
        // The caller begins late.
        talk(&mut [&mut b], 25);
        talk(&mut [&mut a, &mut b], 50);
        // A NAT changes the caller's port in the midst of a word: not a packet is lost.
        a.rtp = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        let came = talk(&mut [&mut a, &mut b], 50);
        assert_eq!((a.heard(&came[0]), b.heard(&came[1])), (vec![b.pitch], vec![a.pitch]), "{two}");
        assert!(sounds(&a, &came[0]) >= 47, "{two}: {} at the new port", sounds(&a, &came[0]));
        assert!(sounds(&b, &came[1]) >= 47, "{two}: {} from it", sounds(&b, &came[1]));
        // It falls silent and goes on, and loses every tenth packet.
        talk(&mut [&mut b], 25);
        a.loses = 10;
        let came = talk(&mut [&mut a, &mut b], 50);
        assert_eq!(b.heard(&came[1]), [a.pitch], "{two}: after a silence, with losses");
        assert!(sounds(&b, &came[1]) >= 40, "{two}: {} packets", sounds(&b, &came[1]));
        let [caller, seat] = plane.recording(call);
        assert!((180 * FRAME..230 * FRAME).contains(&seat.len()), "{} samples", seat.len());
        // The operator spoke all the while, and from the 75th packet on over the caller's new port.
        for (n, part) in seat[4 * FRAME..190 * FRAME].chunks_exact(2 * FRAME).enumerate() {
            assert!(amplitude(part, b.pitch) > 2_500.0, "{two}: the operator is missing at {n}");
        }
        for (n, part) in caller[32 * FRAME..118 * FRAME].chunks_exact(2 * FRAME).enumerate() {
            assert!(amplitude(part, a.pitch) > 2_500.0, "{two}: the caller is missing at {n}");
        }
    }
}

#[test]
fn a_stranger_who_sends_from_before_the_call_on_yields_to_the_caller_behind_a_nat() {
    let host = |last: u8| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    let mut plane = Plane::start();
    let (mut a, mut b) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    // The caller names an address of its own network; what it sends comes from where it signals.
    let aim = Aim { rtp: "192.0.2.1:4000".parse().expect("an address"), ..a.aim.clone() };
    let stream = a.stream;
    plane.media.order(MediaOrder::Hint { stream, host: host(7) });
    plane.media.order(MediaOrder::Aim { stream, aim });
    plane.all_hear_all(&[&a, &b]);
    let mut stranger = Phone {
        rtp: UdpSocket::bind((host(9), 0)).expect("a socket"),
        stream: StreamId(99),
        gateway: a.gateway,
        aim: a.aim.clone(),
        codec: a.codec,
        payload: a.payload,
        pitch: PITCHES[3],
        ssrc: 99,
        other: None,
        said: 0,
        loses: 0,
    };
    a.rtp = UdpSocket::bind((host(7), 0)).expect("a socket");
    let came = talk(&mut [&mut stranger, &mut b], 40);
    assert_eq!(b.heard(&came[1]), [stranger.pitch], "nobody else has said anything yet");
    let came = talk(&mut [&mut stranger, &mut a, &mut b], 60);
    assert_eq!(b.heard(&came[2]), [a.pitch], "the caller, and no stranger");
    assert_eq!(a.heard(&came[1]), [b.pitch], "the caller hears the operator");
    assert!(sounds(&stranger, &came[0]) <= 3, "the stranger is sent nothing more");
}

/// Pieces that each says: two seconds and a half.
const PIECES: u32 = 125;
/// When a case is over, milliseconds.
const END: u64 = 4_000;

/// What a bad network, or a phone of its own mind, makes of it; and the longest part, in milliseconds, that may be
/// missing of what is decoded, and for how long nothing may be heard.
fn troubles() -> Vec<(&'static str, Plan, i64, i64)> {
    let steady = || Plan::steady(PIECES);
    let chance = |piece: u32| u64::from(piece.wrapping_mul(2_654_435_761) >> 16);
    vec![
        ("none", steady(), 0, 0),
        ("every tenth is lost", steady().lose(|n| n % 10 == 7), 40, 40),
        ("neighbours change places", steady().delay(|n| if n % 6 == 4 { 25 } else { 0 }), 20, 20),
        ("each is late by up to 60 ms", steady().delay(|n| 60 - chance(n) % 60), 40, 40),
        ("every third comes twice", steady().repeat(|n| n % 3 == 0), 0, 0),
        (
            "another source with other numbers",
            steady().change(|sent| {
                if sent.piece >= 60 {
                    sent.ssrc = 0x0911;
                    sent.sequence = sent.sequence.wrapping_add(30_000);
                    sent.timestamp = sent.piece * 160 + 1_000_000;
                }
            }),
            40,
            40,
        ),
        (
            "the same source with other numbers",
            steady().change(|sent| {
                if sent.piece >= 60 {
                    sent.sequence = sent.sequence.wrapping_add(20_000);
                    sent.timestamp = sent.piece * 160 + 90_000_000;
                }
            }),
            40,
            40,
        ),
        ("another port", steady().change(|sent| sent.moved = sent.piece >= 60), 0, 0),
        ("it begins late", steady().pause(0, 500), 0, 0),
        (
            "it stops for a second while its clock goes on",
            steady().pause(60, 1_000).change(|sent| {
                if sent.piece >= 60 {
                    sent.timestamp = sent.timestamp.wrapping_add(8_000);
                }
            }),
            40,
            1_100,
        ),
        ("it stops for a second and so does its clock", steady().pause(60, 1_000), 40, 1_100),
    ]
}

/// Carries out each case between a caller and a seat of these codecs, all at the same time.
fn in_every_trouble(
    codecs: (Codec, Codec),
    check: impl Fn(&str, &Plan, (i64, i64), &Plane, [(&Phone, &Said); 2]) + Sync,
) {
    let voices = [Voice::new(1, PIECES), Voice::new(2, 200)];
    std::thread::scope(|scope| {
        for (name, plan, missing, hole) in troubles() {
            let (voices, check) = (&voices, &check);
            scope.spawn(move || {
                let mut plane = Plane::start();
                let (mut a, mut b) = (plane.phone(codecs.0), plane.phone(codecs.1));
                plane.record(call(), &[(&a, Channel::Caller), (&b, Channel::Seat)]);
                plane.all_hear_all(&[&a, &b]);
                plane.settle();
                let steady = Plan::steady(200);
                let caller = Speaker { phone: &mut a, voice: &voices[0], plan: &plan, to: None };
                let seat = Speaker { phone: &mut b, voice: &voices[1], plan: &steady, to: None };
                let said = say(vec![caller, seat], END, |_| {});
                let name = format!("{name}, {} to {}", codecs.0, codecs.1);
                check(&name, &plan, (missing, hole), &plane, [(&a, &said[0]), (&b, &said[1])]);
            });
        }
    });
}

fn call() -> CallId {
    CallId(Uid::new(WallTime(1), 1))
}

#[test]
fn what_is_passed_on_is_what_came_as_it_came() {
    for two in [Codec::Pcma, Codec::Pcmu] {
        in_every_trouble((Codec::Pcma, two), |name, plan, _, _, [_, (seat, said)]| {
            let came: Vec<&Came> = said.came.iter().filter(|packet| packet.is_audio()).collect();
            assert_eq!(came.len(), plan.0.len(), "{name}: each packet, and no other");
            let voice = Voice::new(1, PIECES);
            let mut first = (plan.0[0], came[0]);
            for (n, (sent, packet)) in plan.0.iter().zip(&came).enumerate() {
                assert_eq!(packet.ssrc, came[0].ssrc, "{name}: one source");
                let jump = plan.0[n.saturating_sub(1)];
                if sent.ssrc != jump.ssrc || sent.sequence.abs_diff(jump.sequence) == 20_001 {
                    // Another source is told as the same one, going on.
                    let before = came[n - 1];
                    assert_eq!(packet.sequence, before.sequence.wrapping_add(1), "{name}: {n}");
                    first = (*sent, packet);
                }
                let ahead = sent.sequence.wrapping_sub(first.0.sequence);
                assert_eq!(packet.sequence.wrapping_sub(first.1.sequence), ahead, "{name}: {n}");
                let later = sent.timestamp.wrapping_sub(first.0.timestamp);
                assert_eq!(packet.timestamp.wrapping_sub(first.1.timestamp), later, "{name}: {n}");
                let samples = seat.plays(std::slice::from_ref(*packet));
                assert!(voice.is(&samples, sent.piece), "{name}: {n}");
            }
        });
    }
}

/// That it was heard, nothing twice, and no more missing than may be.
fn assert_whole(name: &str, heard: &Heard, (missing, hole): (i64, i64), late: i64) {
    assert!(heard.len() >= 90, "{name}: {} pieces", heard.len());
    assert_eq!(heard.twice(), [] as [i64; 0], "{name}");
    let (lost, silent) = (heard.missing(), heard.hole());
    assert!(lost <= missing + late, "{name}: {lost} ms are missing, {late} ms late");
    assert!(silent <= hole + late, "{name}: {silent} ms of nothing, {late} ms late");
}

#[test]
fn what_is_decoded_is_repaired_and_a_recording_stands_where_it_was_spoken() {
    in_every_trouble((Codec::Pcma, Codec::G722), |name, plan, may, plane, [caller, seat]| {
        let voices = [Voice::new(1, PIECES), Voice::new(2, 200)];
        let late = caller.1.late.max(seat.1.late);
        let heard = voices[0].heard(&seat.0.plays(&seat.1.came));
        assert_whole(&format!("{name}, at the seat"), &heard, may, late);
        let heard = voices[1].heard(&caller.0.plays(&caller.1.came));
        assert_whole(&format!("{name}, at the caller"), &heard, (20, 20), late);
        // The recording has everything that came, and both voices when they were spoken.
        let [left, right] = plane.recording(call());
        let (left, right) = (voices[0].heard(&left), voices[1].heard(&right));
        assert_whole(&format!("{name}, recorded"), &left, may, late);
        assert_whole(&format!("{name}, recorded, the seat"), &right, (0, 0), late);
        let steady = Plan::steady(200);
        let apart: Vec<i64> = left
            .beside(&right)
            .iter()
            .map(|(a, b)| plan.spoken(a + 80) - steady.spoken(b + 80))
            .collect();
        assert!(apart.len() > 80, "{name}: {} pieces", apart.len());
        let worst = apart.iter().map(|apart| apart.abs()).max();
        assert!(worst <= Some(20 + late), "{name}: apart by {apart:?}, {late} ms late");
    });
}
