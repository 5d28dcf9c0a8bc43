//! What a bad network makes of packets, and what is played of them.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "tests use small numbers"
)]

use audio_codec_algorithms::{decode_alaw, encode_alaw};
use proptest::prelude::*;

use super::*;

/// A-law of a level that tells the packet's number.
fn packet(number: u16) -> Vec<u8> {
    vec![encode_alaw(i16::try_from(number % 50).unwrap() * 500 + 400); FRAME]
}

fn level(number: u16) -> i16 {
    decode_alaw(packet(number)[0])
}

/// Plays packets that come at given moments (number, microseconds) for so many ticks; the number that
/// each frame belongs to, `None` for a frame that is none.
fn played(packets: &[(u16, u64)], ticks: u64) -> Vec<Option<i16>> {
    let mut jitter = Jitter::new(Codec::Pcma);
    let mut packets: Vec<(u16, u64)> = packets.to_vec();
    packets.sort_by_key(|(_, at)| *at);
    let (mut heard, mut came) = (Vec::new(), packets.into_iter().peekable());
    for tick in 0..ticks {
        let now = tick * TICK;
        while let Some((number, at)) = came.next_if(|(_, at)| *at <= now) {
            let place = (number, u32::from(number) * 160);
            jitter.put(7, place, &packet(number), at);
        }
        let mut out = [0; FRAME];
        heard.push(jitter.frame(&mut out).then(|| out[FRAME - 1]));
    }
    heard
}

#[test]
fn packets_come_out_in_order_once_and_40_ms_late() {
    let packets: Vec<(u16, u64)> = (0..20).map(|n| (n, u64::from(n) * TICK)).collect();
    let heard = played(&packets, 18);
    assert_eq!(heard[0], None);
    let levels: Vec<i16> = heard.iter().flatten().copied().collect();
    assert_eq!(levels, (0..levels.len() as u16).map(level).collect::<Vec<i16>>());
    assert!(heard.iter().position(Option::is_some).is_some_and(|first| first <= 3));
}

#[test]
fn reordering_and_repeats_are_put_right() {
    let order = [0, 2, 1, 1, 3, 5, 4, 6, 7, 7, 9, 8, 10, 11];
    let packets: Vec<(u16, u64)> =
        order.iter().enumerate().map(|(n, number)| (*number, n as u64 * 15_000)).collect();
    let levels: Vec<i16> = played(&packets, 13).into_iter().flatten().collect();
    assert_eq!(levels[..10], (0..10).map(level).collect::<Vec<i16>>());
}

#[test]
fn a_lost_packet_is_hidden_and_the_next_is_in_its_place() {
    let packets: Vec<(u16, u64)> =
        (0..20).filter(|n| *n != 5).map(|n| (n, u64::from(n) * TICK)).collect();
    let levels: Vec<i16> = played(&packets, 15).into_iter().flatten().collect();
    assert_eq!(levels[4], level(4));
    assert!(levels[5] != 0 && levels[5] != level(6));
    assert_eq!(levels[6], level(6));
}

#[test]
fn a_spurt_ends_and_the_next_begins() {
    let one = (0..10u16).map(|n| (n, u64::from(n) * TICK));
    let two = (10..20u16).map(|n| (n, u64::from(n) * TICK + 2_000_000));
    let heard = played(&one.chain(two).collect::<Vec<_>>(), 125);
    assert!(heard[30..90].iter().all(Option::is_none), "silence between them");
    assert!(heard.contains(&Some(level(19))));
}

#[test]
fn another_sender_or_a_new_beginning_is_taken_at_once() {
    let mut jitter = Jitter::new(Codec::Pcma);
    let mut out = [0; FRAME];
    for n in 0..10u16 {
        jitter.put(7, (n, u32::from(n) * 160), &packet(n), u64::from(n) * TICK);
        jitter.frame(&mut out);
    }
    for (ssrc, first) in [(8, 30_000u16), (8, 100)] {
        let mut heard = Vec::new();
        for n in 0..10u16 {
            let at = u64::from(n) * TICK;
            jitter.put(ssrc, (first + n, u32::from(n) * 160), &packet(20 + n), at);
            heard.push(jitter.frame(&mut out).then_some(out[0]));
        }
        assert!(heard.contains(&Some(level(25))), "{heard:?}");
    }
}

#[test]
fn ten_packets_out_of_place_numbers_that_wrap_and_a_jump_of_time_cost_nothing() {
    let mut jitter = Jitter::new(Codec::Pcma);
    let mut heard = Vec::new();
    let mut out = [0; FRAME];
    for n in 0..200u16 {
        // From the 100th on the timestamps are of another time, as some gateways have it after a hold.
        let jump = if n < 100 { 0 } else { 3_000_000_000 };
        let place = (n.wrapping_sub(50), u32::from(n).wrapping_mul(160).wrapping_add(jump));
        jitter.put(7, place, &packet(n), u64::from(n) * TICK);
        jitter.put(7, place, &packet(n), u64::from(n) * TICK);
        heard.extend(jitter.frame(&mut out).then_some(out[0]));
    }
    let first = heard.len() as u16;
    assert!(first >= 195, "{first} frames");
    assert_eq!(heard, (0..first).map(level).collect::<Vec<i16>>());
    assert_eq!((jitter.late, jitter.twice), (0, 200));
    // One comes ten packets too early, the rest as they should.
    let mut order: Vec<u16> = (0..60).collect();
    let early = order.remove(40);
    order.insert(30, early);
    let packets: Vec<(u16, u64)> =
        order.iter().enumerate().map(|(n, number)| (*number, n as u64 * TICK)).collect();
    let levels: Vec<i16> = played(&packets, 55).into_iter().flatten().collect();
    assert_eq!(levels[..50], (0..50).map(level).collect::<Vec<i16>>());
}

#[test]
fn who_begins_anew_a_little_behind_is_heard_again_at_once() {
    let one = (100..150u16).map(|n| (n, u64::from(n - 100) * TICK));
    let two = (60..100u16).map(|n| (n, u64::from(n - 60) * TICK + 60_000_000));
    let heard = played(&one.chain(two).collect::<Vec<_>>(), 3_040);
    let again: Vec<i16> = heard[3_000..].iter().flatten().copied().collect();
    assert!(again.len() >= 36, "{} frames", again.len());
    assert_eq!(again[..36], (60..96).map(level).collect::<Vec<i16>>());
}

#[test]
fn what_waits_of_the_source_before_is_played_and_the_next_goes_on_behind_it() {
    // 30 of one source, 30 of another: with other numbers, and the same source with other numbers.
    for (ssrc, first) in [(8, 30_000u16), (7, 30_000)] {
        let mut jitter = Jitter::new(Codec::Pcma);
        let (mut heard, mut out) = (Vec::new(), [0; FRAME]);
        for n in 0..60u16 {
            let (ssrc, number) = if n < 30 { (7, n) } else { (ssrc, first + n) };
            jitter.put(ssrc, (number, u32::from(n) * 160), &packet(n), u64::from(n) * TICK);
            if n == 31 && ssrc == 8 {
                jitter.put(7, (29, 29 * 160), &packet(29), u64::from(n) * TICK);
            }
            heard.extend(jitter.frame(&mut out).then_some(out[0]));
        }
        let count = heard.len() as u16;
        assert!(count >= 57, "{count} frames");
        assert_eq!(heard, (0..count).map(level).collect::<Vec<i16>>(), "{ssrc}");
        assert_eq!(jitter.late, u64::from(ssrc == 8), "a straggler of the one before");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_network_does_order_is_kept_and_delay_is_bounded(
        network in proptest::collection::vec((0u8..100, 0u64..60_000), 400),
        drift in -200i64..200,
    ) {
        let mut packets = Vec::new();
        for (n, (chance, delay)) in (0u16..).zip(&network) {
            let spoken = u64::from(n) * TICK;
            let spoken = spoken.saturating_add_signed(spoken as i64 * drift / 1_000_000);
            if *chance >= 5 {
                packets.push((n, spoken + delay));
            }
            if *chance >= 95 {
                packets.push((n, spoken + delay + 5_000));
            }
        }
        let mut jitter = Jitter::new(Codec::Pcma);
        packets.sort_by_key(|(_, at)| *at);
        let (mut came, mut out) = (packets.into_iter().peekable(), [0; FRAME]);
        let mut before: Option<u16> = None;
        for tick in 0..420u64 {
            let now = tick * TICK;
            while let Some((number, at)) = came.next_if(|(_, at)| *at <= now) {
                jitter.put(7, (number, u32::from(number) * 160), &packet(number), at);
            }
            jitter.frame(&mut out);
            prop_assert!(jitter.slots.len() <= SLOTS);
            // Never backwards, and never more than half a second behind what was spoken.
            if let Some(next) = jitter.next {
                prop_assert!(before.is_none_or(|before| next.wrapping_sub(before) < 0x8000));
                let spoken = u64::from(next) * TICK;
                prop_assert!(now.saturating_sub(spoken) <= 500_000, "{now} {spoken}");
                before = Some(next);
            }
        }
    }
}
