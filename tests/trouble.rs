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

use plane::{Came, LIMIT, LOOPBACK, PITCHES, Phone, Plane, amplitude, talk};
use siaga112::call::orders::{Aim, Channel, MediaOrder, RecorderReport};
use siaga112::media::codec::FRAME;
use siaga112::vocabulary::{CallId, Codec, StreamId, Uid, WallTime};

/// How many packets of sound came.
fn sounds(phone: &Phone, came: &[Came]) -> usize {
    came.iter().filter(|packet| packet.kind == phone.payload).count()
}

#[test]
fn a_phone_may_move_stop_lose_and_begin_late_and_is_heard_all_the_same() {
    for (one, two) in
        [(Codec::Pcma, Codec::Pcma), (Codec::Pcma, Codec::Pcmu), (Codec::Pcma, Codec::Opus)]
    {
        let mut plane = Plane::start();
        let (mut a, mut b) = (plane.phone(one), plane.phone(two));
        let call = CallId(Uid::new(WallTime(1), 1));
        plane.media.order(MediaOrder::Record { call, at: WallTime(1) });
        for (phone, channel) in [(&a, Channel::Caller), (&b, Channel::Seat)] {
            plane.media.order(MediaOrder::Tap { stream: phone.stream, call, channel });
        }
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
        plane.media.order(MediaOrder::Seal { call });
        let file = loop {
            match plane.recorded.recv_timeout(LIMIT).expect("a report") {
                RecorderReport::Sealed { file, .. } => break file,
                RecorderReport::Started { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        let mut reader = hound::WavReader::open(plane.folder.path().join(file)).expect("a file");
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("reads")).collect();
        let side = |n: usize| -> Vec<i16> { samples.iter().skip(n).step_by(2).copied().collect() };
        let (caller, seat) = (side(0), side(1));
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
