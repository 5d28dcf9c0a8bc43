//! Drawings as they come out, compared whole.

use bytes::Bytes;

use super::*;
use crate::incident::Raw;
use crate::store::At;
use crate::store::ladder::LadderEnd;
use crate::vocabulary::WallTime;

const BASE: i64 = 1_789_621_951_204_000;

fn message(millis: i64, way: &str, peer: (&str, &str), text: &str) -> LadderMessage {
    let far = LadderEnd { role: peer.0.into(), address: peer.1.into() };
    let own = LadderEnd { role: "gateway".into(), address: "203.0.113.10:5060".into() };
    let (from, to) = if way == "in" { (far, own) } else { (own, far) };
    LadderMessage {
        at: At(WallTime(BASE + millis * 1000)),
        direction: way.into(),
        transport: "udp".into(),
        from,
        to,
        first_line: text.lines().next().unwrap().into(),
        call_id: String::new(),
        cseq: String::new(),
        message: Raw(Bytes::copy_from_slice(text.as_bytes())),
    }
}

const TRUNK: (&str, &str) = ("trunk telco-a", "198.51.100.7:5060");
const SEAT: (&str, &str) = ("seat-1", "10.0.0.1:5060");

fn sdp(line: &str, cseq: &str) -> String {
    format!("{line}\r\nCSeq: {cseq}\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n")
}

fn bare(line: &str, cseq: &str) -> String {
    format!("{line}\r\nCSeq: {cseq}\r\n\r\n")
}

fn call(messages: Vec<LadderMessage>) -> CallLadder {
    CallLadder {
        call: "0000000000000001".into(),
        trunk: "telco-a".into(),
        received_at: At(WallTime(BASE)),
        messages,
        complete: true,
    }
}

fn answered() -> CallLadder {
    let invite = sdp("INVITE sip:112@h SIP/2.0", "1 INVITE");
    call(vec![
        message(0, "in", TRUNK, &invite),
        message(0, "out", TRUNK, &bare("SIP/2.0 100 Trying", "1 INVITE")),
        message(5, "out", TRUNK, &bare("SIP/2.0 180 Ringing", "1 INVITE")),
        message(5, "out", SEAT, &sdp("INVITE sip:seat-1@10.0.0.1 SIP/2.0", "1 INVITE")),
        message(505, "in", TRUNK, &invite),
        message(605, "in", SEAT, &bare("SIP/2.0 180 Ringing", "1 INVITE")),
        message(3_605, "in", SEAT, &sdp("SIP/2.0 200 OK", "1 INVITE")),
        message(3_606, "out", SEAT, &bare("ACK sip:seat-1@10.0.0.1 SIP/2.0", "1 ACK")),
        message(3_606, "out", TRUNK, &sdp("SIP/2.0 200 OK", "1 INVITE")),
        message(
            128_606,
            "in",
            ("trunk telco-a", "198.51.100.8:5060"),
            &bare("BYE sip:h SIP/2.0", "2 BYE"),
        ),
        message(128_606, "out", TRUNK, &bare("SIP/2.0 200 OK", "2 BYE")),
    ])
}

fn drawn(calls: Vec<CallLadder>, width: usize, ascii: bool, whole: bool) -> String {
    let ladder = Ladder { incident: "0000000000000009".into(), calls };
    let zone = TimeZone::fixed(jiff::tz::offset(7));
    draw(&ladder, &zone, Paper { width, ascii, whole })
}

#[test]
fn an_answered_call_fits_eighty_columns() {
    let text = drawn(vec![answered()], 80, false, false);
    assert_eq!(text, include_str!("answered.txt"), "\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn plain_ascii_is_plain() {
    let text = drawn(vec![answered()], 80, true, false);
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("|---INVITE +SDP (again)--->|"), "{text}");
    assert!(text.contains("<"), "{text}");
}

#[test]
fn whole_messages_stand_under_their_arrows() {
    let mut call = answered();
    call.messages.truncate(2);
    call.messages[1].message =
        Raw(Bytes::from_static(b"SIP/2.0 100 \x1b[2J\xff\r\nCSeq: 1 INVITE\r\n\r\n"));
    let text = drawn(vec![call], 80, false, true);
    assert!(text.contains("INVITE +SDP"), "{text}");
    assert!(
        text.contains("\n    INVITE sip:112@h SIP/2.0\n    CSeq: 1 INVITE\n    Content-Type"),
        "{text}"
    );
    assert!(text.contains("\n    v=0\n\n"), "{text}");
    assert!(
        text.contains("\n    SIP/2.0 100  [2J\u{fffd}\n") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[test]
fn many_seats_share_the_last_column_and_are_named_there() {
    let mut messages = vec![message(0, "in", TRUNK, &bare("INVITE sip:112@h SIP/2.0", "1 INVITE"))];
    for n in 1..=9 {
        let (name, address) = (format!("seat-{n}"), format!("10.0.0.{n}:5060"));
        let peer = (name.as_str(), address.as_str());
        messages.push(message(n, "out", peer, &bare("INVITE sip:s SIP/2.0", "1 INVITE")));
        messages.push(message(n, "in", peer, &bare("SIP/2.0 486 Busy Here", "1 INVITE")));
    }
    for width in [0, 80, 132, 200] {
        let text = drawn(vec![call(messages.clone())], width, false, false);
        assert!(text.lines().all(|line| line.chars().count() <= width.max(80)), "{text}");
        // Where there is room it has a life line of its own.
        let wanted = if width == 200 { "seat-8           seat-9" } else { "seat-9 486" };
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn a_call_without_messages_and_one_with_too_many_say_so() {
    let cut = CallLadder { complete: false, ..answered() };
    let text = drawn(vec![call(Vec::new()), cut], 80, false, false);
    assert!(text.contains("No messages of this call were kept."), "{text}");
    assert!(text.contains("11 messages; there were more, which were not kept"), "{text}");
}

#[test]
fn odd_messages_are_drawn_and_never_reach_the_terminal_as_they_are() {
    let odd =
        "\u{1b}]0;x\u{7} a line that is far too long for any arrow between two life lines\r\n";
    let peer = ("seat-\u{1b}[31m", "10.0.0.1:5060");
    let text = drawn(vec![call(vec![message(0, "in", peer, odd)])], 80, false, true);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\r']), "{text:?}");
    assert!(text.contains('…'), "{text}");
}

#[test]
fn spans_are_short_words() {
    for (micros, wanted) in [
        (0, "+0.000"),
        (-5, "+0.000"),
        (59_999_999, "+59.999"),
        (125_000_000, "+2m05s"),
        (3_720_000_000, "+1h02m"),
        (i64::MAX, "+2562047788h00m"),
    ] {
        assert_eq!(passed(micros), wanted);
    }
}
