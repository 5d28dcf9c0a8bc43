//! Can bytes hurt us: RFC 4475 message by message, our own messages cut and bent at every byte, and
//! what we write read by two other parsers. Nothing here has a socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[path = "torture/agreement.rs"]
mod agreement;
#[path = "torture/broken.rs"]
mod broken;
#[path = "torture/kinds.rs"]
mod kinds;
#[path = "torture/rfc4475.rs"]
mod rfc4475;
#[path = "torture/rfc5118.rs"]
mod rfc5118;
#[allow(dead_code, missing_docs, reason = "shared with the fuzz targets")]
#[path = "../fuzz/src/lib.rs"]
mod targets;
#[path = "torture/writer.rs"]
mod writer;
#[allow(dead_code, clippy::needless_pass_by_value, reason = "shared with the scenarios")]
mod scenario;
#[path = "torture/urgency.rs"]
mod urgency;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use scenario::{
    OURS, SDP, STRANGER, Sent, TRUNK, World, header, invite, respond, seat_address, settings,
};
use siaga112::sip::parse::{Oddity, Read, parse};
use siaga112::sip::{Flow, Headers, Message, Name, Request, Response, Scheme, Transport, body};
use siaga112::switchboard::Input;
use siaga112::trunk;
use siaga112::trunk::settings::{Centre, TrunkSettings};
use siaga112::vocabulary::AnswerMode;

// ---- the corpus ------------------------------------------------------------------------------

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn corpus(kind: &str) -> BTreeMap<String, Bytes> {
    let folder = root("tests/fixtures/rfc4475").join(kind);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = files.map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(&path).unwrap().into())
    });
    read.collect()
}

fn message(name: &str) -> Message {
    let read = parse(&corpus("valid")[name]).unwrap();
    assert_eq!(read.oddities, [], "{name}: a valid message is not odd");
    read.message
}

fn request(name: &str) -> Request {
    match message(name) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{name} is a request"),
    }
}

fn response(name: &str) -> Response {
    match message(name) {
        Message::Response(response) => response,
        Message::Request(_) => panic!("{name} is a response"),
    }
}

fn headers(message: &Message) -> &Headers {
    match message {
        Message::Request(request) => &request.headers,
        Message::Response(response) => &response.headers,
    }
}

fn hear_bytes(world: &mut World, from: &str, bytes: Bytes) {
    let (local, remote) = (OURS.parse().unwrap(), from.parse::<SocketAddr>().unwrap());
    world.take(Input::Sip { flow: Flow { transport: Transport::Udp, local, remote }, bytes });
}

// ---- messages of ours ------------------------------------------------------------------------

/// A REGISTER of seat 1 for a few seconds, with the answer to the last challenge.
fn register_briefly(world: &mut World) {
    register(world, &format!("<sip:seat-1@{}>;expires=5", seat_address(1)), "seat-1");
}

/// A REGISTER by the phone of seat 1 with this Contact for that user.
fn register(world: &mut World, contact: &str, user: &str) {
    let from = seat_address(1);
    let text = |cseq: u32, more: &str| {
        format!(
            "REGISTER sip:112.example SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKbrief{cseq};rport\r\n\
             From: <sip:seat-1@112.example>;tag=b\r\nTo: <sip:{user}@112.example>\r\nCall-ID: brief\r\n\
             CSeq: {cseq} REGISTER\r\nContact: {contact}\r\n{more}Content-Length: 0\r\n\r\n"
        )
    };
    world.hear(&from, &text(1, ""));
    let more = world.proof("seat-1", "pw", "REGISTER", "sip:112.example");
    world.hear(&from, &text(2, &more));
}

/// Everything that we say in calls that end in every way, and around them.
fn ours() -> Vec<Sent> {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    world.register(1);
    register_briefly(&mut world);
    // Answered, ended by the caller.
    let call = world.call();
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    world.ack(call);
    world.trunk_sends(call, "INFO", 2, "");
    world.trunk_sends(call, "INVITE", 3, SDP);
    world.trunk_sends(call, "BYE", 4, "");
    let bye = world.last_request(&seat_address(1), "BYE");
    world.hear(&seat_address(1), &respond(&bye, 200, "x", ""));
    world.pass(Duration::from_secs(6));
    // Dialled by service, cancelled while it rings.
    let urn = invite(90, "urn:service:sos", SDP);
    world.hear(TRUNK, &urn);
    world.seat_says(1, 180);
    let cancel = urn.replacen("INVITE urn", "CANCEL urn", 1).replace("1 INVITE", "1 CANCEL");
    world.hear(TRUNK, &cancel);
    world.seat_says(1, 487);
    // A test call with a body of several parts, which ends by itself.
    world.hear(TRUNK, &invite(91, "sip:112999@203.0.113.10", SDP));
    let answered = world.last_response(91, "200");
    assert!(answered.contains("multipart/mixed"), "{answered}");
    world.pass(Duration::from_secs(11));
    // Refusals.
    world.hear(STRANGER, &invite(92, "sip:112@203.0.113.10", SDP));
    let options = invite(93, "sip:112@203.0.113.10", "").replace("INVITE", "OPTIONS");
    world.hear(TRUNK, &options);
    world.hear(TRUNK, &options.replace("inv93", "a").replace("OPTIONS", "BYE"));
    world.hear(TRUNK, &options.replace("inv93", "b").replace("OPTIONS", "PUBLISH"));
    world.hear(TRUNK, &options.replace("inv93", "c").replace("Call-ID: call-93\r\n", ""));
    world.hear(TRUNK, &options.replace("inv93", "d").replace(" SIP/2.0\r\n", " SIP/3.0\r\n"));
    world.hear(
        TRUNK,
        &options.replace("inv93", "e").replace("CSeq", "Require: precondition\r\nCSeq"),
    );
    world.hear(TRUNK, &options.replace("inv93", "f").replace("OPTIONS sip:", "OPTIONS soap:"));
    world.take(Input::Drain);
    world.call();
    world.sent
}

/// Method, or status and method, of a message.
fn kind(text: &str) -> String {
    let first = text.split_ascii_whitespace().nth(usize::from(text.starts_with("SIP/"))).unwrap();
    match header(text, Name::CSeq).split_once(' ') {
        Some((_, method)) if text.starts_with("SIP/") => format!("{first} {method}"),
        _ => first.to_owned(),
    }
}
