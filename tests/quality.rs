//! Reports and what they tell: the media plane between fake phones on loopback sockets. What it writes is
//! read here by the letter of RFC 3550, and what it reads is written so.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod plane;

use std::net::{SocketAddr, UdpSocket};

use plane::{LIMIT, Phone, Plane, talk};
use siaga112::call::orders::{MediaOrder, MediaReport};
use siaga112::call::quality::Quality;
use siaga112::vocabulary::Codec;

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four"))
}

/// A phone's RTCP socket, and the plane's for it.
fn beside(plane: &Plane, phone: &Phone) -> (UdpSocket, SocketAddr) {
    let rtcp = UdpSocket::bind((plane::LOOPBACK, 0)).expect("a socket");
    rtcp.set_read_timeout(Some(LIMIT)).expect("a limit");
    let aim = siaga112::call::orders::Aim {
        rtcp: rtcp.local_addr().expect("bound"),
        ..phone.aim.clone()
    };
    plane.media.order(MediaOrder::Aim { stream: phone.stream, aim });
    (rtcp, SocketAddr::new(plane::LOOPBACK, phone.gateway.port() + 1))
}

/// What is told next of a stream's quality.
fn quality(plane: &Plane, phone: &Phone) -> Quality {
    loop {
        match plane.reports.recv_timeout(LIMIT).expect("a report") {
            MediaReport::Quality { stream, quality } if stream == phone.stream => return quality,
            _ => {}
        }
    }
}

#[test]
fn our_report_says_what_we_sent_and_what_is_missing_and_theirs_is_read() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    plane.all_hear_all(&[&caller, &seat]);
    let (rtcp, to) = beside(&plane, &caller);
    caller.loses = 10;
    talk(&mut [&mut caller, &mut seat], 70);
    let mut buffer = [0; 1500];
    let length = rtcp.recv(&mut buffer).expect("a report");
    let report = &buffer[..length];
    assert_eq!(report[..2], [0x81, 200], "a sender report with one block");
    assert_eq!(word(report, 28), caller.stream.0 as u32, "about the caller's source");
    assert!((15..=35).contains(&report[32]), "{} of 256 lost", report[32]);
    assert!(word(report, 20) >= 45, "{} packets sent", word(report, 20));
    assert_eq!(word(report, 24), word(report, 20) * 160, "octets");
    // Seconds since 1900.
    assert!(word(report, 8) > 3_900_000_000, "{}", word(report, 8));
    let name = &report[52..];
    assert_eq!(name[..2], [0x81, 202], "and a name");
    assert!(String::from_utf8_lossy(name).contains("@siaga112.invalid"));
    // The caller reports at once that it lost a quarter, and heard ours just now.
    let middle = word(report, 10);
    let mut block = vec![0x81, 201, 0, 7];
    block.extend((caller.stream.0 as u32).to_be_bytes());
    block.extend(report[4..8].iter());
    block.extend([64, 0, 0, 9]);
    block.extend([0, 0, 0, 99]);
    block.extend(160u32.to_be_bytes());
    block.extend(middle.to_be_bytes());
    block.extend(0u32.to_be_bytes());
    rtcp.send_to(&block, to).expect("sent");
    talk(&mut [&mut caller, &mut seat], 10);
    plane.media.order(MediaOrder::Close { stream: caller.stream });
    let mut told = quality(&plane, &caller);
    while told.there.is_none() {
        told = quality(&plane, &caller);
    }
    let there = told.there.expect("told");
    assert_eq!((there.loss, there.jitter_ms), (2_500, 20));
    assert!(there.mos < 350, "{there:?}");
    assert!(told.round_trip_ms.is_some_and(|ms| ms < 1_000), "{told:?}");
    assert!((900..1_200).contains(&told.here.loss), "{told:?}");
    // The last report says good-bye.
    let length = rtcp.recv(&mut buffer).expect("a report");
    let kinds = |report: &[u8]| {
        let (mut at, mut kinds) = (0, Vec::new());
        while at + 4 <= report.len() {
            kinds.push(report[at + 1]);
            at += (usize::from(u16::from_be_bytes([report[at + 2], report[at + 3]])) + 1) * 4;
        }
        kinds
    };
    assert_eq!(kinds(&buffer[..length]), [200, 202, 203]);
}

#[test]
fn who_should_speak_and_sends_nothing_is_told_and_told_again_when_it_does() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    plane.all_hear_all(&[&caller, &seat]);
    talk(&mut [&mut seat], 170);
    let told = |plane: &Plane| loop {
        match plane.reports.recv_timeout(LIMIT).expect("a report") {
            MediaReport::Stalled { stream, reports } => return (stream, Some(reports)),
            MediaReport::Flowing { stream } => return (stream, None),
            _ => {}
        }
    };
    assert_eq!(told(&plane), (caller.stream, Some(false)));
    talk(&mut [&mut caller, &mut seat], 30);
    assert_eq!(told(&plane), (caller.stream, None));
}

#[test]
fn reports_come_by_the_port_of_the_audio_where_that_is_agreed() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    plane.all_hear_all(&[&caller, &seat]);
    let aim = siaga112::call::orders::Aim { mux: true, ..caller.aim.clone() };
    plane.media.order(MediaOrder::Aim { stream: caller.stream, aim });
    let came = talk(&mut [&mut caller, &mut seat], 80);
    let reports = came[0].iter().filter(|packet| packet.whole[1] == 200).count();
    assert!(reports >= 1, "{reports} reports among the audio");
    // And ours is taken there.
    let bye = [0x80, 201, 0, 1, 0, 0, 0, 1];
    caller.rtp.send_to(&bye, caller.gateway).expect("sent");
    let counters = plane.media.counters();
    talk(&mut [&mut caller, &mut seat], 5);
    plane.media.order(MediaOrder::Close { stream: caller.stream });
    while !matches!(plane.reports.recv_timeout(LIMIT), Ok(MediaReport::Closed { .. })) {}
    assert_eq!(counters.rtcp.load(std::sync::atomic::Ordering::Relaxed), 1);
}
