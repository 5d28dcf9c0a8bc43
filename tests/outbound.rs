//! Phones that keep several flows (RFC 5626), sit behind a proxy (RFC 3327), or are called by an
//! address of their own (RFC 5627): on a virtual clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each story uses a part of it")]
mod scenario;

use std::time::Duration;

use scenario::{SDP, World, header, respond};
use siaga112::sip::{Name, NameAddr};
use siaga112::vocabulary::AnswerMode;

const DOMAIN: &str = "112.example";
const PHONE: &str = "\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";

/// A phone of a seat registers; the answer is returned. `via` are Vias of proxies below its own.
fn register(
    world: &mut World,
    seat: usize,
    from: &str,
    contact: &str,
    lines: &str,
    via: &str,
) -> String {
    let number = world.sent.len() + 1;
    let user = format!("seat-{seat}");
    let uri = format!("sip:{DOMAIN}");
    let text = |cseq: usize, more: &str| {
        format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKr{number}-{cseq};rport\r\n{via}\
             From: <sip:{user}@{DOMAIN}>;tag=r{number}\r\nTo: <sip:{user}@{DOMAIN}>\r\n\
             Call-ID: reg-{number}\r\nCSeq: {cseq} REGISTER\r\nContact: {contact}\r\n\
             {lines}{more}Content-Length: 0\r\n\r\n"
        )
    };
    world.hear(from, &text(1, ""));
    let proof = world.proof(&user, "pw", "REGISTER", &uri);
    let before = world.sent.len();
    world.hear(from, &text(2, &proof));
    let answer = world.sent[before..].iter().find(|s| s.text.contains("REGISTER\r\n"));
    answer.expect("answered").text.clone()
}

fn contact(from: &str, more: &str) -> String {
    format!("<sip:seat-1@{from}>;+sip.instance={PHONE}{more}")
}

#[test]
fn a_phone_with_two_flows_rings_once_and_by_the_other_when_one_is_dead() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    let (first, second) = ("10.0.0.1:5060", "10.0.0.1:5062");
    for (from, id) in [(first, 1), (second, 2)] {
        let lines = "Supported: path, outbound\r\n";
        let ok = register(&mut world, 1, from, &contact(from, &format!(";reg-id={id}")), lines, "");
        assert!(ok.starts_with("SIP/2.0 200"), "{ok}");
        assert_eq!(header(&ok, Name::Require), "outbound");
        assert_eq!(header(&ok, Name::FlowTimer), "120");
        assert!(ok.contains(&format!(";reg-id={id}")), "{ok}");
    }
    world.ladder.clear();
    let call = world.call();
    let rings = |world: &World, to: &str| {
        world.sent.iter().filter(|s| s.to == to && s.text.starts_with("INVITE")).count()
    };
    assert_eq!((rings(&world, first), rings(&world, second)), (0, 1), "one flow, the newest");
    // The proxy says that the flow is gone.
    let invite = world.last_request(second, "INVITE");
    world.hear(second, &respond(&invite, 430, "p", ""));
    assert_eq!(rings(&world, first), 1, "{:#?}", world.ladder);
    let invite = world.last_request(first, "INVITE");
    world.hear(first, &respond(&invite, 200, "p", SDP));
    world.ack(call);
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    // The same flow again takes the place of itself, and goes by itself.
    let ok = register(
        &mut world,
        1,
        second,
        &contact(second, ";reg-id=2;expires=0"),
        "Supported: outbound\r\n",
        "",
    );
    assert!(ok.contains(";reg-id=1") && !ok.contains(";reg-id=2"), "{ok}");
}

#[test]
fn flows_that_a_proxy_would_break_are_refused() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    let from = "10.0.0.9:5060";
    let via = "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKphone\r\n";
    let flow = contact("10.0.0.1:5060", ";reg-id=1");
    let refused = register(&mut world, 1, from, &flow, "Supported: outbound\r\n", via);
    assert!(refused.starts_with("SIP/2.0 439"), "{refused}");
    let path = "Path: <sip:edge@10.0.0.9:5060;lr;ob>\r\nSupported: outbound, path\r\n";
    let taken = register(&mut world, 1, from, &flow, path, via);
    assert!(taken.starts_with("SIP/2.0 200"), "{taken}");
    assert_eq!(header(&taken, Name::Path), "<sip:edge@10.0.0.9:5060;lr;ob>");
    // The INVITE goes through the proxy that it names.
    world.call();
    let invite = world.last_request(from, "INVITE");
    assert!(invite.starts_with("INVITE sip:seat-1@10.0.0.1:5060 "), "{invite}");
    assert_eq!(header(&invite, Name::Route), "<sip:edge@10.0.0.9:5060;lr;ob>");
}

#[test]
fn a_phone_that_asks_for_an_address_of_its_own_is_called_by_it() {
    let mut world = World::unmanned(2, AnswerMode::OnAgent);
    world.register(2);
    let from = "10.0.0.1:5060";
    let supported = "Supported: gruu\r\n";
    let first = register(&mut world, 1, from, &contact(from, ""), supported, "");
    // A second phone of the same seat.
    let other = "<sip:seat-1@10.0.0.3:5060>;+sip.instance=\"<urn:uuid:other>\"";
    register(&mut world, 1, "10.0.0.3:5060", other, "", "");
    let again = register(&mut world, 1, from, &contact(from, ""), supported, "");
    let gruu = |answer: &str, name: &str| {
        let contacts = answer.lines().filter_map(|line| line.strip_prefix("Contact: "));
        let mut read = contacts.filter_map(NameAddr::read);
        read.find_map(|c| c.params.get(name).map(str::to_owned)).expect("an address")
    };
    let public = gruu(&again, "pub-gruu");
    assert_eq!(public, "sip:seat-1@112.example;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    assert_eq!(public, gruu(&first, "pub-gruu"), "it stays the same");
    assert_ne!(gruu(&again, "temp-gruu"), gruu(&first, "temp-gruu"), "a new one each time");
    for (number, address) in
        [public.as_str(), &gruu(&first, "temp-gruu"), &gruu(&again, "temp-gruu")].iter().enumerate()
    {
        let from_2 = "10.0.0.2:5060";
        let text = |cseq: u32, more: &str| {
            format!(
                "INVITE {address} SIP/2.0\r\nVia: SIP/2.0/UDP {from_2};branch=z9hG4bKg{number}-{cseq};rport\r\n\
                 From: <sip:seat-2@{DOMAIN}>;tag=g{number}\r\nTo: <{address}>\r\nCall-ID: g{number}\r\n\
                 CSeq: {cseq} INVITE\r\nContact: <sip:seat-2@{from_2}>\r\n{more}\
                 Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                SDP.len()
            )
        };
        world.hear(from_2, &text(1, ""));
        let proof = world.proof("seat-2", "pw", "INVITE", address);
        world.ladder.clear();
        world.hear(from_2, &text(2, &proof));
        let rung: Vec<&String> =
            world.ladder.iter().filter(|l| l.starts_with("->") && l.ends_with("INVITE")).collect();
        assert_eq!(rung, ["-> 10.0.0.1 INVITE"], "{address}");
        let invite = world.last_request(from, "INVITE");
        world.hear(from, &respond(&invite, 486, "p", ""));
        world.pass(Duration::from_secs(40));
    }
}
