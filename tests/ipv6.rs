//! The real program over IPv6: a call from a trunk at `::1` to a phone at `::1`, with sound. The same
//! story on the virtual clock, with every address looked at, is in `tests/torture/rfc5118.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::net::{Ipv6Addr, UdpSocket};
use std::time::Duration;

use support::gateway::{Centre, account};
use support::phone::{Dialog, Phone, sdp};
use support::wait::until;

const HERE: Ipv6Addr = Ipv6Addr::LOCALHOST;
/// Of sound in each packet.
const PACKET: Duration = Duration::from_millis(20);

/// One packet of A-law silence, numbered.
fn packet(number: u8) -> Vec<u8> {
    let mut bytes = vec![0x80, 8, 0, number, 0, 0, 0, number.wrapping_mul(160), 1, 2, 3, number];
    bytes[11] = 4;
    bytes.extend([0xd5; 160]);
    bytes
}

#[test]
fn a_call_over_ipv6_is_answered_and_heard() {
    if let Err(error) = UdpSocket::bind((HERE, 0)) {
        eprintln!(
            "NOT TESTED: this machine has no ::1 ({error}); IPv6 over sockets is unproven here"
        );
        return;
    }
    let gateway = Centre { ipv6: true, ..Centre::default() }.start();
    assert!(gateway.sip.is_ipv6(), "{}", gateway.sip);
    let seat = Phone::at(HERE, 0, gateway.sip);
    let registered =
        seat.register(&account("seat-1"), &format!("<sip:seat-1@{}>", seat.local()), 300);
    assert_eq!(registered.status(), Some(200), "{registered:?}");

    let trunk = Phone::at(HERE, 0, gateway.sip);
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    let (mouth, ear) = (UdpSocket::bind((HERE, 0)).unwrap(), UdpSocket::bind((HERE, 0)).unwrap());
    call.invite(&trunk, mouth.local_addr().unwrap());
    let invite = seat.await_request("INVITE");
    assert_eq!(invite.target(), format!("sip:{}", gateway.sip), "our Contact has its brackets");
    assert!(invite.header("Via").contains(&format!("UDP {};branch=", gateway.sip)));
    let copied =
        ["Via", "From", "Call-ID", "CSeq"].map(|n| format!("{n}: {}\r\n", invite.header(n)));
    let body = sdp(ear.local_addr().unwrap());
    let answer = format!(
        "SIP/2.0 200 OK\r\n{}To: {};tag=phone\r\nContact: <sip:seat-1@{}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        copied.concat(),
        invite.header("To"),
        seat.local(),
        body.len()
    );
    seat.send(answer.as_bytes());
    seat.await_request("ACK");
    let answered = call.await_answer(&trunk);
    let ours = answered.media();
    assert!(ours.is_ipv6() && invite.media().is_ipv6());

    // Both ways: each hears the other's packets. They come one after the other, as from a phone:
    // the first ones may be there before the two legs are connected.
    let mut buffer = [0; 2048];
    for (from, to, at) in [(&mouth, &ear, ours), (&ear, &mouth, invite.media())] {
        to.set_read_timeout(Some(PACKET)).unwrap();
        let mut number = 0u8;
        let length = until("sound comes through", || {
            number = number.wrapping_add(1);
            from.send_to(&packet(number), at).unwrap();
            to.recv(&mut buffer).ok()
        });
        assert!(buffer[..length].ends_with(&[0xd5; 160]));
    }
    call.hang_up(&trunk);
    let bye = seat.await_request("BYE");
    seat.accept(&bye);
    assert_eq!(gateway.incident().text("seat"), "seat-1");
    gateway.stop();
}
