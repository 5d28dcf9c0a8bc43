//! Who hears whom, and in which codec: the media plane between fake phones on loopback sockets. What
//! each phone hears is judged by the tones of the others.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod plane;

use plane::{Came, EVENTS, LIMIT, PITCHES, Plane, amplitude, goes_on, talk};
use siaga112::call::orders::{Channel, MediaOrder, MediaReport, Role};
use siaga112::media::codec::FRAME;
use siaga112::vocabulary::{CallId, Codec, StreamId, Uid, WallTime};

#[test]
fn every_codec_talks_to_every_other() {
    for (n, one) in Codec::ALL.into_iter().enumerate() {
        for two in Codec::ALL.into_iter().skip(n) {
            let mut plane = Plane::start();
            let (mut a, mut b) = (plane.phone(one), plane.phone(two));
            plane.all_hear_all(&[&a, &b]);
            let came = talk(&mut [&mut a, &mut b], 40);
            assert_eq!(a.heard(&came[0]), [b.pitch], "{one} hears {two}");
            assert_eq!(b.heard(&came[1]), [a.pitch], "{two} hears {one}");
            goes_on(&came[0], one.clock());
            goes_on(&came[1], two.clock());
        }
    }
}

#[test]
fn three_hear_each_other_and_nobody_hears_themselves() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Opus));
    let mut agency = plane.phone(Codec::Pcmu);
    plane.all_hear_all(&[&caller, &seat]);
    let before = talk(&mut [&mut caller, &mut seat], 30);
    plane.all_hear_all(&[&caller, &seat, &agency]);
    let came = talk(&mut [&mut caller, &mut seat, &mut agency], 50);
    assert_eq!(caller.heard(&came[0]), [seat.pitch, agency.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch, agency.pitch]);
    assert_eq!(agency.heard(&came[2]), [caller.pitch, seat.pitch]);
    // From two to three, and back to two when the agency leaves.
    plane.media.order(MediaOrder::Close { stream: agency.stream });
    plane.all_hear_all(&[&caller, &seat]);
    let after = talk(&mut [&mut caller, &mut seat], 40);
    assert_eq!(caller.heard(&after[0]), [seat.pitch]);
    let whole: Vec<Came> = [before, came, after]
        .into_iter()
        .filter_map(|turn| turn.into_iter().next())
        .flatten()
        .collect();
    goes_on(&whole, 8_000);
}

#[test]
fn who_listens_is_not_heard_and_a_whisper_reaches_one() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    let mut supervisor = plane.phone(Codec::G722);
    plane.hear(&caller, &[&seat]);
    plane.hear(&seat, &[&caller]);
    plane.hear(&supervisor, &[&caller, &seat]);
    let came = talk(&mut [&mut caller, &mut seat, &mut supervisor], 50);
    assert_eq!(caller.heard(&came[0]), [seat.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch]);
    assert_eq!(supervisor.heard(&came[2]), [caller.pitch, seat.pitch]);
    // The supervisor whispers to the operator.
    plane.hear(&seat, &[&caller, &supervisor]);
    let came = talk(&mut [&mut caller, &mut seat, &mut supervisor], 50);
    assert_eq!(caller.heard(&came[0]), [seat.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch, supervisor.pitch]);
}

#[test]
fn who_is_to_hear_nobody_hears_silence_all_the_while() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    plane.hear(&caller, &[]);
    plane.hear(&seat, &[&caller]);
    let came = talk(&mut [&mut caller, &mut seat], 40);
    let heard = caller.samples(&came[0]);
    assert!(heard.len() > 30 * FRAME, "{} samples", heard.len());
    assert!(heard.iter().all(|sample| sample.abs() < 20));
    assert_eq!(seat.heard(&came[1]), [caller.pitch]);
}

#[test]
fn somebody_may_be_named_before_they_are_there() {
    let mut plane = Plane::start();
    let mut caller = plane.phone(Codec::Pcma);
    let open = StreamId(2);
    plane.media.order(MediaOrder::Role { stream: caller.stream, role: Role::Hear([open].into()) });
    let mut seat = plane.phone(Codec::Pcma);
    assert_eq!(seat.stream, open);
    plane.hear(&seat, &[&caller]);
    let came = talk(&mut [&mut caller, &mut seat], 30);
    assert_eq!(caller.heard(&came[0]), [seat.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch]);
}

#[test]
fn a_key_reaches_those_who_hear_a_mix_with_one_timestamp() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Opus));
    plane.all_hear_all(&[&caller, &seat]);
    talk(&mut [&mut caller, &mut seat], 10);
    for (duration, end) in [(160u16, 0x0a), (320, 0x0a), (480, 0x8a), (480, 0x8a)] {
        let [high, low] = duration.to_be_bytes();
        caller.send(EVENTS, 12_345, &[5, end, high, low]);
        caller.said += 1;
    }
    let came = talk(&mut [&mut caller, &mut seat], 10);
    let keys: Vec<&Came> = came[1].iter().filter(|packet| packet.kind == EVENTS).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| key.timestamp == keys[0].timestamp && key.payload[0] == 5));
    // 480 steps of 8 kHz are 2,880 of 48 kHz.
    assert_eq!(keys[3].payload[2..], 2_880u16.to_be_bytes());
}

#[test]
fn all_who_are_no_caller_share_the_right_channel() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Opus));
    let mut agency = plane.phone(Codec::G722);
    let call = CallId(Uid::new(WallTime(1), 1));
    plane.record(
        call,
        &[(&caller, Channel::Caller), (&seat, Channel::Seat), (&agency, Channel::Seat)],
    );
    plane.all_hear_all(&[&caller, &seat, &agency]);
    talk(&mut [&mut caller, &mut seat, &mut agency], 50);
    let sides = plane.recording(call);
    let side = |n: usize| -> Vec<f64> {
        let side = &sides[n];
        let late = &side[side.len() / 3..side.len() * 2 / 3];
        PITCHES.into_iter().filter(|pitch| amplitude(late, *pitch) > 2_500.0).collect()
    };
    assert_eq!(side(0), [caller.pitch]);
    assert_eq!(side(1), [seat.pitch, agency.pitch]);
}

#[test]
fn a_stream_that_was_closed_is_silence_and_nothing_is_left() {
    let mut plane = Plane::start();
    let (mut caller, seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::G722));
    plane.all_hear_all(&[&caller, &seat]);
    plane.media.order(MediaOrder::Close { stream: seat.stream });
    let came = talk(&mut [&mut caller], 20);
    assert!(caller.heard(&came[0]).is_empty());
    plane.media.order(MediaOrder::Close { stream: caller.stream });
    let closed = std::iter::repeat_with(|| plane.reports.recv_timeout(LIMIT).expect("a report"))
        .filter(|report| matches!(report, MediaReport::Closed { .. }))
        .take(2);
    assert_eq!(closed.count(), 2);
    let open = &plane.media.counters().open_streams;
    assert_eq!(open.load(std::sync::atomic::Ordering::Relaxed), 0);
}
