//! The odd forms that switches in the field are known for, each with what must come of it: a call
//! like any other, with what was said in its record.

use siaga112::incident::Arrival;
use siaga112::journal::Fact;

use super::*;

/// The other end of the trunk as a URI of ours.
const SOURCE: &str = "sip:198.51.100.7:5060";

fn plain() -> String {
    invite(1, "sip:0328112@203.0.113.10;user=phone", SDP)
}

fn with(line: &str) -> String {
    plain().replace("Max-Forwards", &format!("{line}\r\nMax-Forwards"))
}

fn contact(value: &str) -> String {
    plain().replace("Contact: <sip:trunk@198.51.100.7:5060>", &format!("Contact: {value}"))
}

fn arrival(world: &World) -> Arrival {
    let arrived = world.facts.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Arrived { arrival, .. } => Some((**arrival).clone()),
        _ => None,
    });
    arrived.expect("a call arrived")
}

fn arrivals(world: &World) -> usize {
    world.ladder.iter().filter(|line| *line == "* arrived").count()
}

/// A call of the trunk with these bytes: it rings at the seat, is answered and hung up by it.
/// Returns what was kept of it and our BYE to the trunk.
fn whole_call(bytes: impl Into<Bytes>) -> (Arrival, String) {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let bytes: Bytes = bytes.into();
    hear_bytes(&mut world, TRUNK, bytes.clone());
    assert_eq!(arrivals(&world), 1, "{}", String::from_utf8_lossy(&bytes));
    let arrival = arrival(&world);
    world.seat_says(1, 200);
    let sent = world.sent.iter().rev().find(|s| s.to == TRUNK && s.text.contains(" INVITE\r\n"));
    let ok = sent.expect("answered").text.clone();
    assert!(ok.starts_with("SIP/2.0 200 "), "{ok}");
    let Message::Response(answer) = parse(&ok.into()).unwrap().message else {
        panic!("a response")
    };
    let copy = |name: Name| answer.headers.text(&name).unwrap().into_owned();
    let ack = format!(
        "ACK sip:{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {TRUNK};branch=z9hG4bKack\r\nFrom: {}\r\nTo: {}\r\n\
         Call-ID: {}\r\nCSeq: 1 ACK\r\n\r\n",
        copy(Name::From),
        copy(Name::To),
        copy(Name::CallId)
    );
    world.hear(TRUNK, &ack);
    let invited = world.last_request(&seat_address(1), "INVITE");
    let (from, call) = (header(&invited, Name::From), header(&invited, Name::CallId));
    let bye = format!(
        "BYE sip:{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye\r\nFrom: {};tag=phone1\r\n\
         To: {from}\r\nCall-ID: {call}\r\nCSeq: 9 BYE\r\n\r\n",
        seat_address(1),
        header(&invited, Name::To)
    );
    world.hear(&seat_address(1), &bye);
    let bye = world.last_request(TRUNK, "BYE");
    assert_eq!(parse(&bye.clone().into()).unwrap().oddities, [], "{bye}");
    (arrival, bye)
}

#[test]
fn every_odd_form_of_an_invite_is_a_call() {
    let compact = plain()
        .replace("Via:", "v:")
        .replace("From:", "F:")
        .replace("To:", "t:")
        .replace("Call-ID:", "I:")
        .replace("Contact:", "m:")
        .replace("Content-Type:", "c:")
        .replace("Content-Length:", "L:")
        .replace(
            "Max-Forwards",
            "k: timer\r\no: x\r\nu: y\r\nr: <sip:a@b>\r\nb: <sip:c@d>\r\nj: *\r\na: *\r\n\
             d: proxy\r\ne: identity\r\nn: <x>\r\ny: z\r\nx: 1800\r\ns: tolong\r\nMax-Forwards",
        );
    let folded = plain()
        .replace(": ", ":\r\n \t")
        .replace(";rport", "\r\n ;rport")
        .replace("1 INVITE", "1\r\n\t INVITE");
    let headers = |count: usize| {
        let many: String = (0..count).map(|n| format!("X-Filler-{n}: {n}\r\n")).collect();
        plain().replace("Content-Length", &format!("{many}Content-Length"))
    };
    let length = |text: &str| {
        plain()
            .replace(&format!("Content-Length: {}", SDP.len()), &format!("Content-Length: {text}"))
    };
    let big = {
        let (head, body) =
            plain().split_once("\r\n\r\n").map(|(h, b)| (h.to_owned(), b.to_owned())).unwrap();
        let fill = 65_535 - plain().len() - "X: \r\n".len();
        format!("{head}\r\nX: {}\r\n\r\n{body}", "x".repeat(fill))
    };
    assert_eq!(big.len(), 65_535);
    let cases = [
        ("as it should be", plain()),
        ("bare line feeds", plain().replace("\r\n", "\n")),
        ("line ends before", format!("\r\n\r\n{}", plain())),
        ("folded", folded),
        ("compact names", compact),
        ("space before the colon", plain().replace("From:", "From \t:").replace("CSeq:", "CSeq :")),
        ("names in odd case", plain().replace("Call-ID", "cALL-iD").replace("CSeq", "CSEQ")),
        ("no Max-Forwards", plain().replace("Max-Forwards: 69\r\n", "")),
        ("Max-Forwards of zero", plain().replace("Max-Forwards: 69", "Max-Forwards: 0")),
        ("no Content-Length", plain().replace(&format!("Content-Length: {}\r\n", SDP.len()), "")),
        ("Content-Length too large", length("9999")),
        ("Content-Length negative", length("-1")),
        ("Content-Length with a sign", length(&format!("+{}", SDP.len()))),
        ("Content-Length beyond every number", length("99999999999999999999999999")),
        ("200 header lines", headers(200)),
        ("600 header lines, most of them too many", headers(600)),
        ("65,535 bytes", big),
        ("no Contact", plain().replace("Contact: <sip:trunk@198.51.100.7:5060>\r\n", "")),
        (
            "host names with underscores",
            plain().replace("<sip:081234567890@198.51.100.7>", "<sip:081234567890@ims_core.t>"),
        ),
        (
            "a display name with escapes",
            plain().replace("From: <", "From: \"Pak \\\"Budi\\\", <desa>\\\\\" <"),
        ),
        ("a display name without an end", plain().replace("From: <", "From: \"Pak Budi <")),
        (
            "a number in words",
            plain().replace("<sip:081234567890@198.51.100.7>", "tel:+62-812-345-67890"),
        ),
        (
            "an empty To tag",
            plain().replace("user=phone>\r\nCall-ID", "user=phone>;tag=\r\nCall-ID"),
        ),
        (
            "a To tag without a value",
            plain().replace("user=phone>\r\nCall-ID", "user=phone>;tag\r\nCall-ID"),
        ),
        ("no From tag", plain().replace(";tag=t1", "")),
        ("URI parameters without values", plain().replace(";user=phone", ";user=;x;;=y;lr=;")),
        ("two lines of identity, one rubbish", with("P-Asserted-Identity: \"<<,;;>\u{fffd}")),
        ("a line without a colon", with("this is no header")),
        ("a line without a name", with(": neither is this")),
        ("a required extension", with("Require: 100rel, nothing")),
        ("a broken Date", with("Date: yesterday")),
        ("a recorded route that is none", with("Record-Route: None")),
        ("another Via version", with("Via: SIP/1.0/UDP old;branch=1")),
    ];
    for (name, text) in cases {
        let (arrival, bye) = whole_call(text);
        assert_eq!(arrival.dialled, "0328112", "{name}");
        assert!(bye.starts_with("BYE sip:"), "{name}: {bye}");
        assert!(!bye.contains("\r\nRoute:"), "{name}: {bye}");
    }
}

/// Whatever a Contact that is no address says, the dialog's target is where the INVITE came from.
#[test]
fn a_useless_contact_is_passed_over() {
    for value in
        ["None", "*", "", "<>", "tel:+62811", "<mailto:a@b>", "sip:", "\"x\"", "<sip:@>", ";;;"]
    {
        let (_, bye) = whole_call(contact(value));
        assert!(bye.starts_with(&format!("BYE {SOURCE} SIP/2.0\r\n")), "{value:?}: {bye}");
    }
    // The first useful one is taken.
    let (_, bye) = whole_call(contact("None, <sip:second@198.51.100.7:5060>"));
    assert!(bye.starts_with("BYE sip:second@198.51.100.7:5060 SIP/2.0\r\n"), "{bye}");
    // One with odd characters is escaped.
    let (_, bye) = whole_call(contact("<sip:a b\u{e9}\"c@198.51.100.7:5060;x=\u{1}>"));
    let target = "BYE sip:a%20b%C3%A9%22c@198.51.100.7:5060;x=%01 SIP/2.0\r\n";
    assert!(bye.starts_with(target), "{bye}");
}

#[test]
fn bytes_that_are_no_utf_8_are_kept_and_copied_back() {
    let text = plain().replace("From: <", "From: \"Jos#\" <");
    let bytes: Vec<u8> = text.bytes().map(|b| if b == b'#' { 0xe9 } else { b }).collect();
    let (arrival, _) = whole_call(bytes.clone());
    assert!(arrival.findings.contains(&"From is not UTF-8".to_owned()), "{:?}", arrival.findings);
    assert_eq!(arrival.raw.0, bytes, "the record keeps the INVITE byte for byte");
    let Message::Request(request) = parse(&bytes.into()).unwrap().message else {
        panic!("a request")
    };
    let from = request.response(180, "x").headers.first(&Name::From).cloned().unwrap();
    assert!(from.starts_with(b"\"Jos\xe9\" <sip:"), "copied byte for byte");
}

#[test]
fn a_shorter_content_length_ends_the_body() {
    let text = plain().replace(&format!("Content-Length: {}", SDP.len()), "Content-Length: 4");
    let Read { message: Message::Request(request), oddities } =
        parse(&text.clone().into()).unwrap()
    else {
        panic!("a request")
    };
    assert_eq!((&request.body[..], oddities), (&b"v=0\r"[..], vec![]));
    // No usable description: the call is served all the same, with an offer of ours.
    let (_, bye) = whole_call(text);
    assert!(bye.starts_with("BYE "));
}

#[test]
fn one_byte_more_than_a_message_may_have_is_none() {
    let text = plain() + &"x".repeat(65_536 - plain().len());
    assert_eq!(parse(&text.clone().into()), Err(siaga112::sip::parse::NotSip::TooLong));
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.sent.clear();
    hear_bytes(&mut world, TRUNK, text.into());
    assert!(world.sent.is_empty() && arrivals(&world) == 0);
}

/// Headers beyond the bound are left out with a finding; other requests hear 400.
#[test]
fn too_many_header_lines_cost_a_caller_nothing() {
    let many = "X: y\r\n".repeat(600);
    let (arrival, _) =
        whole_call(plain().replace("Content-Length", &format!("{many}Content-Length")));
    assert!(
        arrival.findings.iter().any(|f| f == "more than 512 header lines"),
        "{:?}",
        arrival.findings
    );
    let mut world = World::new(1, AnswerMode::OnAgent);
    let options = plain().replace("INVITE", "OPTIONS");
    world.hear(TRUNK, &options.replace("Max-Forwards", &format!("{many}Max-Forwards")));
    assert!(world.last().starts_with("SIP/2.0 400 "), "{}", world.last());
}

/// A switch that uses a branch twice has two callers; one that sends again has one.
#[test]
fn a_branch_used_twice_makes_two_calls() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    world.hear(TRUNK, &plain());
    world.hear(TRUNK, &plain());
    assert_eq!(arrivals(&world), 1);
    world.hear(TRUNK, &plain().replace("call-1", "another").replace("tag=t1", "tag=t2"));
    assert_eq!(arrivals(&world), 2);
    // Each can be cancelled by itself.
    world.cancel(1);
    let cancelled: Vec<&Sent> =
        world.sent.iter().filter(|sent| sent.text.starts_with("SIP/2.0 487")).collect();
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0].text.contains("Call-ID: call-1\r\n"));
}

#[test]
fn bad_status_codes_answer_nothing() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    let invited = world.last_request(&seat_address(1), "INVITE");
    let ok = respond(&invited, 200, "phone1", SDP);
    let codes = ["99", "700", "4294967301", "abc", "+200", "-200", "", "2 00", "\u{ff12}00"];
    for code in codes {
        let text = ok.replacen("SIP/2.0 200 X", &format!("SIP/2.0 {code} X"), 1);
        assert!(parse(&text.clone().into()).is_err(), "{code}");
        world.hear(&seat_address(1), &text);
        assert!(!world.sent.iter().any(|sent| sent.text.starts_with("ACK")), "{code}");
    }
    world.hear(&seat_address(1), &ok);
    world.last_request(&seat_address(1), "ACK");
}

/// H-1, H-2, H-4, H-7: lists are kept whole and in order however they were written, with every
/// parameter of URI and header.
#[test]
fn lists_are_kept_in_order_however_they_were_written() {
    let identity = ["<sip:+6281234567890@h;oli=62;cpc=payphone>;x=y", "<tel:+6281234567890>"];
    let diverted = [
        "\"A, B\" <sip:112@a>;reason=unconditional;counter=1",
        "<tel:+62328112>;reason=no-answer",
        "<sip:0328112@c;cpc=test>;privacy=full",
    ];
    let base = plain().replace("P-Asserted-Identity: <sip:+6281234567890@198.51.100.7>\r\n", "");
    let written = |name: &str, values: &[&str], how: usize| match how {
        0 => format!("{name}: {}\r\n", values.join(", ")),
        1 => values.iter().map(|value| format!("{name}: {value}\r\n")).collect(),
        2 => format!("{name}:\r\n {}\r\n", values.join(",\r\n\t")),
        _ => format!("{name}: {}\r\n{name}: {}\r\n", values[0], values[1..].join(" , ")),
    };
    for how in 0..4 {
        let lines =
            written("P-Asserted-Identity", &identity, how) + &written("Diversion", &diverted, how);
        let (arrival, _) =
            whole_call(base.replace("Max-Forwards", &format!("{lines}Max-Forwards")));
        assert_eq!(arrival.diversion, diverted, "{how}");
        let kept: Vec<String> =
            arrival.caller.identities.iter().map(|i| i.reveal().clone()).collect();
        assert_eq!(kept[0], format!("P-Asserted-Identity: {}", identity[0]), "{how}");
        assert_eq!(kept[1], format!("P-Asserted-Identity: {}", identity[1]), "{how}");
        assert_eq!(arrival.caller.phone.e164.unwrap().reveal(), "+6281234567890");
    }
}

/// H-10: what only looks like the number is another number. It is served, and says so.
#[test]
fn an_emergency_number_matches_as_a_whole() {
    let other = "dialled number is none of ours".to_owned();
    for (user, ours) in
        [("112", true), ("0511234", false), ("1120", false), ("0112", false), ("1-1-2", true)]
    {
        let mut world = World::new(1, AnswerMode::OnAgent);
        world.hear(TRUNK, &invite(1, &format!("sip:{user}@203.0.113.10"), SDP));
        assert_eq!(!arrival(&world).findings.contains(&other), ours, "{user}");
        world.last_request(&seat_address(1), "INVITE");
    }
}

/// What a switch puts into names and numbers stays a name and a number at the seat's phone.
#[test]
fn a_hostile_name_or_number_stays_in_its_place() {
    let long = "x".repeat(12_000);
    let identities = [
        "\"a\\\" <sip:evil@h>\\\\\" <sip:+6281234567890@h>".to_owned(),
        "\"a\rX-Evil: yes\r\" <sip:+6281234567890@h>".to_owned(),
        "\"a\0b\u{7f}c\u{85}\" <sip:+6281234567890@h>".to_owned(),
        "\"unbalanced <sip:+6281234567890@h>".to_owned(),
        "\"trailing \\\" <sip:+6281234567890@h>".to_owned(),
        "<sip:0812%0d%0aX-Evil:%20yes@h>".to_owned(),
        "<sip:0812\rX-Evil: yes@h>".to_owned(),
        "<sip:\"><sip:evil@h>;tag=x@h>".to_owned(),
        "<tel:+62812;evil=\"\r\">".to_owned(),
        format!("\"{long}\" <sip:{long}@h>"),
        format!("<sip:+{}@h>", "1".repeat(20_000)),
    ];
    let names = |text: &str| -> Vec<String> {
        let read = parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap();
        assert_eq!(read.oddities, [], "{text}");
        headers(&read.message).iter().map(|(name, _)| name.to_string()).collect()
    };
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    let usual = names(&world.last_request(&seat_address(1), "INVITE"));
    for identity in identities {
        let mut world = World::new(1, AnswerMode::OnAgent);
        let text = plain().replace(
            "P-Asserted-Identity: <sip:+6281234567890@198.51.100.7>",
            &format!("P-Asserted-Identity: {identity}"),
        );
        world.hear(
            TRUNK,
            &text.replace("From: <sip:081234567890@198.51.100.7>", &format!("From: {identity}")),
        );
        let invited = world.last_request(&seat_address(1), "INVITE");
        assert_eq!(names(&invited), usual, "{invited}");
        assert!(invited.len() < 2_000, "{} bytes are no one datagram", invited.len());
        assert!(invited.bytes().all(|b| b >= b' ' || matches!(b, b'\r' | b'\n')), "{invited:?}");
        let bytes = Bytes::from(invited.clone());
        assert_eq!(agreement::gist_by_sipx(&bytes), agreement::gist(&parse(&bytes).unwrap()));
        let from = siaga112::sip::NameAddr::read(&header(&invited, Name::From)).unwrap();
        assert_eq!(
            (from.uri.host(), from.uri.params().iter().count()),
            ("112.example", 0),
            "{invited}"
        );
    }
}

/// The report of a test call repeats what was dialled, in a quoted string and in a body.
#[test]
fn a_test_call_s_report_stays_in_its_place() {
    for reference in ["<https://lis.example/\"\\>", "<cid:\\", &format!("<{}>", "y".repeat(9_000))]
    {
        let mut world = World::new(1, AnswerMode::OnAgent);
        let text = invite(1, "sip:112999@203.0.113.10", SDP)
            .replace("Max-Forwards", &format!("Geolocation: {reference}\r\nMax-Forwards"));
        world.hear(TRUNK, &text);
        let ok = world.last_response(1, "200");
        assert!(ok.len() < 8_000, "{}", ok.len());
        let warning = header(&ok, Name::Warning);
        let quoted = warning.strip_prefix("399 112.example ").unwrap();
        assert_eq!(siaga112::sip::write::quoted(&siaga112::sip::values::unquote(quoted)), quoted);
        let Message::Response(read) = parse(&ok.into()).unwrap().message else {
            panic!("a response")
        };
        let (parts, findings) = body::parts(&read.headers, &read.body);
        assert_eq!((parts.len(), findings), (2, vec![]));
    }
}
