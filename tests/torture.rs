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

#[allow(dead_code, reason = "shared with the scenarios, which use all of it")]
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use scenario::{OURS, STRANGER, Sent, TRUNK, World, header, invite, respond, seat_address, settings};
use siaga112::sip::parse::{Oddity, Read, parse};
use siaga112::sip::{Flow, Headers, Message, Name, Request, Response, Scheme, Transport, body};
use siaga112::switchboard::Input;
use siaga112::trunk;
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

// ---- valid messages --------------------------------------------------------------------------

#[test]
fn every_valid_message_is_read_with_its_dialog() {
    // file, Call-ID, CSeq number, From tag, To tag, topmost transport and host
    let table = [
        ("dblreq", "dblreq.0ha0isndaksdj99sdfafnl3lk233412", 8, "43251j3j324", "", "UDP 192.0.2.125"),
        ("esc01", "esc01.239409asdfakjkn23onasd0-3234", 234_234, "938", "", "UDP host5.example.net"),
        (
            "esc02",
            "esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf",
            29344,
            "f232jadfj23",
            "",
            "TCP host.example.com",
        ),
        (
            "escnull",
            "escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd",
            14_398_234,
            "839923423",
            "",
            "UDP host5.example.com",
        ),
        (
            "intmeth",
            "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
            139_122_385,
            "_token~1'+`*%!-.",
            "",
            "TCP host1.example.com",
        ),
        ("lwsdisp", "lwsdisp.1234abcd@funky.example.com", 60, "323", "", "UDP funky.example.com"),
        (
            "mpart01",
            "3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..",
            1,
            "2fb0dcc9",
            "",
            "UDP 127.0.0.1",
        ),
        ("noreason", "noreason.asndj203insdf99223ndf", 35, "39ansfi3", "902jndnke3", "UDP 192.0.2.105"),
        ("semiuri", "semiuri.0ha0isndaksdj", 8, "33242", "", "UDP 192.0.2.1"),
        ("transports", "transports.kijh4akdnaqjkwendsasfdj", 60, "323", "", "UDP t1.example.com"),
        ("unreason", "unreason.1234ksdfak3j2erwedfsASdf", 35, "11141343", "2229", "UDP 192.0.2.198"),
        ("wsinv", "wsinv.ndaksdj@192.0.2.1", 9, "98asjd8", "1918181833n", "UDP 192.0.2.2"),
    ];
    for (name, call_id, number, from, to, hop) in table {
        let message = message(name);
        let headers = headers(&message);
        let via = headers.via().unwrap();
        assert_eq!(headers.call_id().as_deref(), Some(call_id), "{name}");
        assert_eq!(headers.cseq().unwrap().number, number, "{name}");
        assert_eq!(headers.from().unwrap().tag(), Some(from), "{name}");
        assert_eq!(headers.to().unwrap().tag().unwrap_or(""), to, "{name}");
        assert_eq!(format!("{} {}", via.transport, via.host), hop, "{name}");
        if let Message::Request(request) = &message {
            assert_eq!(headers.cseq().unwrap().method, request.method, "{name}");
        }
    }
    let read: BTreeSet<String> = corpus("valid").into_keys().collect();
    let told = table.iter().map(|row| row.0.to_owned()).chain(["longreq".to_owned()]);
    assert_eq!(read, told.collect(), "every file has its row; longreq has a test of its own");
}

#[test]
fn wsinv_white_space_and_folding_say_nothing() {
    let request = request("wsinv");
    let headers = &request.headers;
    assert_eq!(request.uri.as_str(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert!(request.uri.params().has("unknownparam"));
    assert_eq!(headers.number(&Name::MaxForwards), Some(68));
    assert_eq!(headers.from().unwrap().display, "J Rosenberg \\\"");
    let vias = headers.values(&Name::Via);
    assert_eq!(vias.len(), 3, "one line alone, one with two");
    let branches: Vec<String> = vias
        .iter()
        .map(|via| siaga112::sip::Via::read(via).unwrap().branch().to_owned())
        .collect();
    assert_eq!(branches, ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]);
    assert_eq!(headers.text(&Name::Subject).unwrap(), "");
    let novel = Name::read("newfangledheader");
    let novel = headers.iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case(novel.as_str()));
    assert_eq!(&novel.unwrap().1[..], b"newfangled value continued newfangled value");
    let contact = &headers.contacts()[0];
    assert_eq!(contact.display, "Quoted string \"\"");
    assert_eq!(contact.params.get("newparam"), Some("newvalue"));
    assert_eq!(contact.params.get("q"), Some("0.33"));
    assert!(contact.params.has("secondparam"));
    assert!(headers.values(&Name::Route)[0].contains(";lr;unknownwith=value"));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn intmeth_every_odd_token_is_kept() {
    let request = request("intmeth");
    assert_eq!(request.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(request.uri.user(), "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_eq!(request.uri.host(), "example.com");
    assert_eq!(request.headers.to().unwrap().display, "BEL:\u{7} NUL:\0 DEL:\u{7f}");
    let from = request.headers.from().unwrap();
    assert_eq!(from.display, "token1~` token2'+_ token3*%!.-");
    assert_eq!(from.params.get("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(request.headers.number(&Name::MaxForwards), Some(255));
    let (_, value) = request.headers.iter().find(|(n, _)| n.as_str().starts_with("ext")).unwrap();
    assert_eq!(std::str::from_utf8(value).unwrap(), "\u{feff}大停電");
}

#[test]
fn escapes_are_kept_and_decide_no_name() {
    let esc01 = request("esc01");
    // One user part, not a sips URI within; nothing is unescaped on the way.
    assert_eq!(esc01.uri.scheme(), Scheme::Sip);
    assert_eq!((esc01.uri.user(), esc01.uri.host()), ("sips%3Auser%40example.com", "example.net"));
    assert_eq!(esc01.headers.from().unwrap().uri.user(), "I%20have%20spaces");
    let contact = &esc01.headers.contacts()[0].uri;
    assert_eq!((contact.user(), contact.host()), ("cal%6Cer", "host5.example.net"));
    assert_eq!(contact.params().get("n%61me"), Some("v%61lue%25%34%31"));
    assert_eq!(esc01.body.len(), 150);

    let esc02 = request("esc02");
    // %47 is a percent sign and two digits here: neither a REGISTER nor a Contact.
    assert_eq!(esc02.method.as_str(), "RE%47IST%45R");
    assert_eq!(esc02.headers.to().unwrap().display, "%Z%45");
    assert_eq!(esc02.headers.contacts().len(), 2);
    assert_eq!(esc02.headers.via().unwrap().branch(), "z9hG4bK209%fzsnel234");

    let escnull = request("escnull");
    let users: Vec<String> =
        escnull.headers.contacts().iter().map(|c| c.uri.user().to_owned()).collect();
    assert_eq!(users, ["%00", "%00%00"]);
    assert_eq!(escnull.headers.to().unwrap().uri.user(), "null-%00-null");
}

#[test]
fn longreq_is_read_whole() {
    let request = request("longreq");
    let headers = &request.headers;
    assert!(headers.call_id().unwrap().starts_with("longreq.onereally"));
    assert_eq!(headers.cseq().unwrap().number, 3_882_340);
    let to = headers.to().unwrap();
    assert!(to.display.ends_with("extreme proportion"));
    assert_eq!((to.uri.user(), to.uri.port()), ("user", Some(6000)));
    assert!(to.uri.params().get("unknownparam1").unwrap().ends_with("longvalue"));
    let tag = headers.from().unwrap();
    assert!(tag.tag().unwrap().starts_with("1298298") && tag.tag().unwrap().ends_with("2424"));
    let vias = headers.values(&Name::Via);
    assert_eq!((vias.len(), headers.via().unwrap().host.as_str()), (34, "sip33.example.com"));
    let last = siaga112::sip::Via::read(&vias[33]).unwrap();
    assert!(last.branch().ends_with("longbranchvalue"));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn the_other_valid_traits_are_read() {
    // dblreq: the datagram holds a second request, which is none of this one.
    let dblreq = request("dblreq");
    assert_eq!((dblreq.method.as_str(), dblreq.body.len()), ("REGISTER", 0));
    assert_eq!(dblreq.headers.values(&Name::Via).len(), 1);
    // semiuri: the semicolon belongs to the user part.
    let semiuri = request("semiuri");
    assert_eq!(semiuri.uri.user(), "user;par=u%40example.net");
    assert_eq!(semiuri.uri.host(), "example.com");
    assert_eq!(semiuri.headers.values(&Name::Accept).len(), 6);
    // transports: unknown ones too, and the first is the one that counts.
    let vias = request("transports").headers.values(&Name::Via);
    let transports = vias.iter().map(|via| siaga112::sip::Via::read(via).unwrap().transport);
    assert_eq!(transports.collect::<Vec<_>>(), ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    // lwsdisp: no white space between the display name and the bracket.
    let from = request("lwsdisp").headers.from().unwrap();
    assert_eq!((from.display.as_str(), from.uri.user()), ("caller", "caller"));
    // mpart01: a text and a binary part.
    let mpart01 = request("mpart01");
    let (parts, findings) = body::parts(&mpart01.headers, &mpart01.body);
    assert_eq!(findings, [] as [String; 0]);
    let types: Vec<&str> = parts.iter().map(|part| part.media_type.as_str()).collect();
    assert_eq!(types, ["text/plain", "application/octet-stream"]);
    assert_eq!(&parts[0].body[..], b"Hello");
    assert!(parts[1].body.starts_with(b"0\x82") && parts[1].body.len() > 250);
    // unreason, noreason: the phrase may be anything, or nothing.
    let unreason = response("unreason");
    assert_eq!(unreason.code, 200);
    assert!(unreason.phrase.starts_with("= 2**3 * 5**2 но сто девяносто девять"));
    assert_eq!(unreason.body.len(), 154);
    let noreason = response("noreason");
    assert_eq!((noreason.code, noreason.phrase.as_str()), (100, ""));
}
