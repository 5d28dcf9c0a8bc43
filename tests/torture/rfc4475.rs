//! Every message of RFC 4475: what is read of it, and what a trunk hears of it. What an INVITE from
//! a trunk lacks is never a reason to refuse it.

use super::*;

// ---- valid messages --------------------------------------------------------------------------

#[test]
fn every_valid_message_is_read_with_its_dialog() {
    // file, Call-ID, CSeq number, From tag, To tag, topmost transport and host
    let table = [
        (
            "dblreq",
            "dblreq.0ha0isndaksdj99sdfafnl3lk233412",
            8,
            "43251j3j324",
            "",
            "UDP 192.0.2.125",
        ),
        (
            "esc01",
            "esc01.239409asdfakjkn23onasd0-3234",
            234_234,
            "938",
            "",
            "UDP host5.example.net",
        ),
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
        (
            "noreason",
            "noreason.asndj203insdf99223ndf",
            35,
            "39ansfi3",
            "902jndnke3",
            "UDP 192.0.2.105",
        ),
        ("semiuri", "semiuri.0ha0isndaksdj", 8, "33242", "", "UDP 192.0.2.1"),
        ("transports", "transports.kijh4akdnaqjkwendsasfdj", 60, "323", "", "UDP t1.example.com"),
        (
            "unreason",
            "unreason.1234ksdfak3j2erwedfsASdf",
            35,
            "11141343",
            "2229",
            "UDP 192.0.2.198",
        ),
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
    let branches: Vec<String> =
        vias.iter().map(|via| siaga112::sip::Via::read(via).unwrap().branch().to_owned()).collect();
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

// ---- invalid messages ------------------------------------------------------------------------

/// What a known trunk hears of a message.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// This final status, and no call.
    Status(u16),
    /// Nothing at all.
    Silence,
    /// A call like any other: it rings and has its record.
    Accepted,
}

use Outcome::{Accepted, Silence, Status};

const CALLER_FIRST: &str = "an INVITE from a trunk is a person in need: its dialog can be named";

/// File, what becomes of it, and why that is so where RFC 4475 would have or allow another answer.
/// INVITEs are taken leniently on purpose; everything else is answered as the RFC says.
const INVALID: [(&str, Outcome, &str); 37] = [
    ("badaspec", Status(200), "§3.1.2.14: the spaces may be ignored"),
    ("badbranch", Status(200), "§3.2.1: matched as RFC 2543 does; 400 is the other choice"),
    ("baddate", Accepted, "§3.1.2.12: a Date that nobody reads may be ignored"),
    ("baddn", Status(200), "§3.1.2.15: the comma may be taken for part of the name"),
    ("badinv01", Accepted, CALLER_FIRST),
    ("badvers", Status(505), ""),
    ("bcast", Silence, ""),
    ("bext01", Status(420), ""),
    ("bigcode", Silence, ""),
    ("clerr", Accepted, CALLER_FIRST),
    ("cparam01", Status(401), "a seat proves itself before its Contact is looked at"),
    ("cparam02", Status(401), "a seat proves itself before its Contact is looked at"),
    ("escruri", Accepted, CALLER_FIRST),
    ("insuf", Status(400), "no From, To or Call-ID: there is no dialog to name"),
    ("inv2543", Accepted, "§3.4.1: sound by RFC 2543"),
    ("invut", Accepted, CALLER_FIRST),
    ("ltgtruri", Accepted, CALLER_FIRST),
    ("lwsruri", Status(481), "its To tag makes it a re-INVITE of a dialog that is not ours"),
    ("lwsstart", Accepted, CALLER_FIRST),
    ("mcl01", Status(400), ""),
    ("mismatch01", Status(400), ""),
    ("mismatch02", Status(400), "§3.1.2.18: 501 is the other choice"),
    ("multi01", Accepted, CALLER_FIRST),
    ("ncl", Accepted, CALLER_FIRST),
    ("novelsc", Status(416), ""),
    ("quotbal", Accepted, CALLER_FIRST),
    ("regaut01", Status(401), ""),
    ("regbadct", Status(401), "a seat proves itself before its Contact is looked at"),
    ("regescrt", Status(401), "a seat proves itself before its Contact is looked at"),
    ("scalar02", Status(400), ""),
    ("scalarlg", Silence, ""),
    ("sdp01", Accepted, CALLER_FIRST),
    ("test", Silence, "no version and no Via: there is no way back for an answer"),
    ("trws", Status(400), ""),
    ("unkscm", Status(416), ""),
    ("unksm2", Status(401), "a seat proves itself before its To is looked at"),
    ("zeromf", Status(200), "§3.3.11: the hop count is none of the last hop's business"),
];

fn outcome(world: &World) -> Outcome {
    if world.ladder.iter().any(|line| line == "* arrived") {
        let rings = world.sent.iter().any(|sent| sent.text.starts_with("SIP/2.0 180"));
        let refused = world.sent.iter().find(|sent| {
            sent.text
                .strip_prefix("SIP/2.0 ")
                .is_some_and(|rest| rest.starts_with(['3', '4', '5', '6']))
        });
        assert!(rings && refused.is_none(), "{:?}", world.sent);
        return Accepted;
    }
    let last = world.sent.iter().rfind(|sent| sent.text.starts_with("SIP/2.0 "));
    last.map_or(Silence, |sent| Status(sent.text[8..11].parse().unwrap()))
}

#[test]
fn every_invalid_message_from_a_trunk_has_its_outcome() {
    let corpus = corpus("invalid");
    let named: BTreeSet<&str> = INVALID.iter().map(|row| row.0).collect();
    assert_eq!(named, corpus.keys().map(String::as_str).collect(), "every file has its row");
    let mut wrong = Vec::new();
    for (name, expected, _) in &INVALID {
        let mut world = World::new(1, AnswerMode::OnAgent);
        world.sent.clear();
        hear_bytes(&mut world, TRUNK, corpus[*name].clone());
        let got = outcome(&world);
        if got != *expected {
            wrong.push(format!("{name}: {got:?}, not {expected:?}"));
        }
        for sent in &world.sent {
            let read = parse(&Bytes::from(sent.text.clone())).unwrap();
            assert_eq!(read.oddities, [], "{name}: {}", sent.text);
            let headers = headers(&read.message);
            for single in [Name::From, Name::To, Name::CallId, Name::CSeq] {
                assert!(headers.lines(&single).count() <= 1, "{name}: {}", sent.text);
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

/// A registered phone calls nobody through us: its INVITE hears 403. The rest is answered as the RFC
/// says; a REGISTER must prove itself first, whatever it says.
#[test]
fn every_message_from_a_registered_phone_has_its_outcome() {
    let table = [
        ("badaspec", Status(200)),
        ("badbranch", Status(200)),
        ("baddate", Status(401)),
        ("baddn", Status(200)),
        ("badinv01", Status(401)),
        ("badvers", Status(505)),
        ("bcast", Silence),
        ("bext01", Status(420)),
        ("bigcode", Silence),
        ("clerr", Status(401)),
        ("cparam01", Status(401)),
        ("cparam02", Status(401)),
        ("dblreq", Status(401)),
        ("esc01", Status(401)),
        ("esc02", Status(405)),
        ("escnull", Status(401)),
        ("escruri", Status(401)),
        ("insuf", Status(400)),
        ("intmeth", Status(405)),
        ("inv2543", Status(401)),
        ("invut", Status(401)),
        ("longreq", Status(401)),
        ("ltgtruri", Status(401)),
        ("lwsdisp", Status(200)),
        ("lwsruri", Status(481)),
        ("lwsstart", Status(401)),
        ("mcl01", Status(400)),
        ("mismatch01", Status(400)),
        ("mismatch02", Status(400)),
        ("mpart01", Status(401)),
        ("multi01", Status(401)),
        ("ncl", Status(401)),
        ("noreason", Silence),
        ("novelsc", Status(416)),
        ("quotbal", Status(401)),
        ("regaut01", Status(401)),
        ("regbadct", Status(401)),
        ("regescrt", Status(401)),
        ("scalar02", Status(400)),
        ("scalarlg", Silence),
        ("sdp01", Status(401)),
        ("semiuri", Status(200)),
        ("test", Silence),
        ("transports", Status(200)),
        ("trws", Status(400)),
        ("unkscm", Status(416)),
        ("unksm2", Status(401)),
        ("unreason", Silence),
        ("wsinv", Status(481)),
        ("zeromf", Status(200)),
    ];
    let all: BTreeMap<String, Bytes> =
        corpus("invalid").into_iter().chain(corpus("valid")).collect();
    let named: BTreeSet<&str> = table.iter().map(|row| row.0).collect();
    assert_eq!(named, all.keys().map(String::as_str).collect(), "every file has its row");
    for (name, expected) in table {
        let mut world = World::new(1, AnswerMode::OnAgent);
        world.sent.clear();
        world.facts.clear();
        hear_bytes(&mut world, &seat_address(1), all[name].clone());
        assert_eq!(outcome(&world), expected, "{name}");
        assert!(world.facts.is_empty(), "{name} left a record");
    }
}

/// The last response that the seat's phone heard.
fn last_answer(world: &World) -> String {
    let mut sent = world.sent.iter().rev().filter(|s| s.to == seat_address(1));
    sent.find(|s| s.text.starts_with("SIP/2.0 ")).unwrap().text.clone()
}

/// The torture's Contacts, and more of their kind, from a phone that has proven itself. What is kept
/// is written back as it came and is where the seat's INVITE goes.
#[test]
fn contacts_of_a_proven_phone_are_read_rightly() {
    // Contact, status, Request-URI of the seat's INVITE
    let table = [
        // cparam01: without brackets the parameter is the header's.
        ("sip:+19725552222@10.0.0.1;unknownparam", 200, "sip:+19725552222@10.0.0.1"),
        // cparam02: within them it is the URI's.
        ("<sip:+19725552222@10.0.0.1;unknownparam>", 200, "sip:+19725552222@10.0.0.1;unknownparam"),
        // regescrt: a Route in the URI has no place in a request.
        ("<sip:user@10.0.0.1?Route=%3Csip:sip.example.com%3E>", 200, "sip:user@10.0.0.1"),
        // regbadct: a question mark without brackets.
        ("sip:user@10.0.0.1?Route=%3Csip:sip.example.com%3E", 400, ""),
        // escnull: NUL is a character like any other.
        ("<sip:%00@10.0.0.1>", 200, "sip:%00@10.0.0.1"),
        // H-5: a semicolon belongs to the user part.
        ("<sip:seat;1=x@10.0.0.1:5070>", 200, "sip:seat;1=x@10.0.0.1:5070"),
        ("<sip:a b@10.0.0.1>", 400, ""),
        ("sip:a@10.0.0.1>, <sip:evil@10.0.0.9", 400, ""),
        ("<sip:a\"b@10.0.0.1>", 400, ""),
        ("<isbn:2983792873>", 400, ""),
        ("None", 400, ""),
    ];
    for (contact, status, uri) in table {
        let mut world = World::unmanned(1, AnswerMode::OnAgent);
        register(&mut world, contact, "seat-1");
        let answer = last_answer(&world);
        assert!(answer.starts_with(&format!("SIP/2.0 {status} ")), "{contact}: {answer}");
        world.call();
        let invited = world.sent.iter().rev().find(|s| s.text.starts_with("INVITE "));
        let Some(invited) = invited else {
            assert_eq!(uri, "", "{contact} rings");
            continue;
        };
        assert!(invited.text.starts_with(&format!("INVITE {uri} SIP/2.0\r\n")), "{}", invited.text);
        let kept = siaga112::sip::NameAddr::read(&header(&answer, Name::Contact)).unwrap();
        assert_eq!(kept.uri.wire_form(), uri, "{answer}");
        assert!(kept.params.get("expires").is_some(), "{answer}");
    }
    // unksm2: an account registers for its own seat only.
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    register(&mut world, "<sip:a@10.0.0.1>", "isbn");
    let answer = last_answer(&world);
    assert!(answer.starts_with("SIP/2.0 403 "), "{answer}");
}

#[test]
fn no_torture_message_gets_a_word_out_of_us_that_a_stranger_should_not_hear() {
    for (name, bytes) in corpus("invalid").into_iter().chain(corpus("valid")) {
        let mut world = World::new(1, AnswerMode::OnAgent);
        world.sent.clear();
        world.facts.clear();
        hear_bytes(&mut world, STRANGER, bytes);
        let status = outcome(&world);
        let refused = matches!(status, Silence | Status(400 | 401 | 403 | 505));
        assert!(refused, "{name}: {status:?}");
        assert!(world.facts.is_empty(), "{name} left a record");
    }
}

#[test]
fn a_refused_extension_is_named() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    hear_bytes(&mut world, TRUNK, corpus("invalid")["bext01"].clone());
    let named = header(&world.last(), Name::Unsupported);
    assert_eq!(named, "nothingSupportsThis, nothingSupportsThisEither");
}

#[test]
fn every_valid_message_from_a_trunk_has_its_outcome() {
    let table = [
        ("dblreq", Status(401)),
        ("esc01", Accepted),
        // A method of its own, not a REGISTER.
        ("esc02", Status(405)),
        ("escnull", Status(401)),
        ("intmeth", Status(405)),
        ("longreq", Accepted),
        ("lwsdisp", Status(200)),
        ("mpart01", Status(425)),
        ("noreason", Silence),
        ("semiuri", Status(200)),
        ("transports", Status(200)),
        ("unreason", Silence),
        // A re-INVITE of a dialog that is not ours.
        ("wsinv", Status(481)),
    ];
    for (name, expected) in table {
        let mut world = World::new(1, AnswerMode::OnAgent);
        world.sent.clear();
        hear_bytes(&mut world, TRUNK, corpus("valid")[name].clone());
        assert_eq!(outcome(&world), expected, "{name}");
    }
}
