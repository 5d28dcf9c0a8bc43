//! What a trunk engineer gets of a call: the ladder from the command line and the API, and a copy of
//! every message at a Homer collector. The real program, SIPp, and a collector that knows of HEP
//! only what its paper says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use support::gateway::{Centre, Gateway};
use support::sipp::Sipp;
use support::wait::until;

/// One packet of HEP version 3, taken apart.
#[derive(Debug)]
struct Hep(BTreeMap<u16, Vec<u8>>);

impl Hep {
    fn read(packet: &[u8]) -> Self {
        assert_eq!(&packet[..4], b"HEP3");
        let number = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
        assert_eq!(number(4), packet.len(), "the length in the head");
        let (mut chunks, mut at) = (BTreeMap::new(), 6);
        while at < packet.len() {
            let (vendor, kind, length) = (number(at), number(at + 2), number(at + 4));
            assert_eq!(vendor, 0);
            let value = packet[at + 6..at + length].to_vec();
            assert!(
                chunks.insert(u16::try_from(kind).unwrap(), value).is_none(),
                "chunk {kind} twice"
            );
            at += length;
        }
        assert_eq!(at, packet.len());
        Self(chunks)
    }

    fn number(&self, kind: u16) -> u64 {
        self.0[&kind].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    fn address(&self, ip: u16, port: u16) -> String {
        let ip = Ipv4Addr::from(<[u8; 4]>::try_from(&self.0[&ip][..]).unwrap());
        SocketAddr::new(IpAddr::V4(ip), u16::try_from(self.number(port)).unwrap()).to_string()
    }

    fn text(&self, kind: u16) -> String {
        String::from_utf8(self.0[&kind].clone()).unwrap()
    }
}

fn collector() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// One call, answered by seat 1 and ended by the caller; its id.
fn call(gateway: &Gateway) -> String {
    let seat = Sipp::seat(gateway, 1, "seat-answers-expect-bye");
    Sipp::trunk(gateway, "caller-hangs-up-expect-200").with(&["-d", "300"]).run();
    seat.finish();
    gateway.incident().id()
}

#[test]
fn the_command_line_draws_the_call_and_a_collector_has_the_same_messages() {
    let homer = collector();
    let gateway =
        Centre { collector: Some(homer.local_addr().unwrap()), ..Centre::default() }.start();
    let id = call(&gateway);
    // The last 200 comes when the call is over already.
    let ladder = until("the whole ladder is there", || {
        let ladder = gateway.get(&format!("/api/v1/incidents/{id}/ladder")).json();
        let messages = ladder["calls"][0]["messages"].as_array().unwrap().clone();
        let byes = messages.iter().filter(|m| m["cseq"].as_str().unwrap().ends_with("BYE"));
        (byes.count() >= 4).then_some(messages)
    });

    let drawn = gateway.ladder(&id, &["--width", "80"]);
    println!("{drawn}");
    let arrows = [
        "INVITE +SDP",
        "100 Trying",
        "180 Ringing",
        "INVITE +SDP",
        "180 Ringing",
        "200 OK +SDP",
        "ACK",
        "200 OK +SDP",
        "ACK",
        "BYE",
        "200 OK to BYE",
        "BYE",
        "200 OK to BYE",
    ];
    let mut rest = drawn.as_str();
    for arrow in arrows {
        let at = rest.find(arrow).unwrap_or_else(|| panic!("no {arrow} in its place:\n{drawn}"));
        rest = &rest[at + arrow.len()..];
    }
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
    let full = gateway.ladder(&id, &["--ascii"]);
    assert!(full.is_ascii() && full.contains('>') && full.contains("trunk telco-a"), "{full}");

    // The same messages, each with its time and its ends, reach the collector; others as well.
    let mut packets = Vec::new();
    let mut buffer = vec![0; 70_000];
    let mut missing: Vec<_> = ladder.iter().collect();
    until("the collector has every message", || {
        while let Ok(length) = homer.recv(&mut buffer) {
            packets.push(Hep::read(&buffer[..length]));
        }
        missing.retain(|message| {
            !packets.iter().any(|packet| packet.text(0x0f) == message["message"]["text"])
        });
        missing.is_empty().then_some(())
    });
    for message in &ladder {
        let packet = packets.iter().find(|p| p.text(0x0f) == message["message"]["text"]).unwrap();
        assert_eq!((packet.number(0x01), packet.number(0x02), packet.number(0x0b)), (2, 17, 1));
        assert_eq!(packet.address(0x03, 0x07), message["from"]["address"]);
        assert_eq!(packet.address(0x04, 0x08), message["to"]["address"]);
        assert_eq!((packet.number(0x0c), packet.text(0x0e)), (3529, "kunci".into()));
        assert_eq!(packet.text(0x11), id_of_call(&gateway, &id));
        assert!(packet.number(0x09) > 1_600_000_000 && packet.number(0x0a) < 1_000_000);
    }
    // The phone's login is among the others, without what proves it.
    let login = packets.iter().map(|packet| packet.text(0x0f));
    let login = login.filter(|text| text.contains("\r\nAuthorization: Digest")).collect::<Vec<_>>();
    assert!(login.iter().all(|text| text.contains("response=\"***\"")), "{login:?}");
    assert!(!login.is_empty());
    gateway.stop();
}

fn id_of_call(gateway: &Gateway, id: &str) -> String {
    gateway.show(id).text("call")
}

#[test]
fn a_collector_that_is_not_there_costs_nothing() {
    // Nobody listens here any more.
    let address = collector().local_addr().unwrap();
    let gateway = Centre { collector: Some(address), ..Centre::default() }.start();
    let id = call(&gateway);
    assert_eq!(gateway.show(&id).ending(), "talking caller hung-up");
    gateway.stop();
}
