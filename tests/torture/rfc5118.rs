//! RFC 5118, point by point: IPv6 addresses in every place, read as meant and answered.

use std::net::IpAddr;

use super::*;

/// The trunk of the IPv6 stories.
const TRUNK_6: &str = "[2001:db8::9]:5060";

fn read(name: &str) -> Read {
    let path = root("tests/fixtures/rfc5118").join(format!("{name}.dat"));
    parse(&std::fs::read(&path).unwrap().into()).unwrap()
}

fn request_of(name: &str) -> Request {
    let Read { message: Message::Request(request), oddities } = read(name) else {
        panic!("{name} is a request")
    };
    assert_eq!(oddities, [], "{name}");
    request
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// §4.1, §4.3, §4.4: what stands within the brackets is the address, what follows them the port.
#[test]
fn brackets_part_address_and_port() {
    // file, host, port, socket
    let table = [
        ("ipv6-good", "2001:db8::10", None, "[2001:db8::10]:5060"),
        ("port-ambiguous", "2001:db8::10:5070", None, "[2001:db8::10:5070]:5060"),
        ("port-unambiguous", "2001:db8::10", Some(5070), "[2001:db8::10]:5070"),
    ];
    for (name, host, port, socket) in table {
        let request = request_of(name);
        assert_eq!((request.uri.host(), request.uri.port()), (host, port), "{name}");
        assert_eq!(request.uri.socket(), socket.parse().ok(), "{name}");
        assert_eq!(request.headers.via().unwrap().host, "2001:db8::9:1");
        assert_eq!(request.headers.contacts()[0].uri.host(), "2001:db8::1");
    }
}

/// §4.2: no brackets, no telling. A REGISTER hears 400; a caller is served.
#[test]
fn an_address_without_brackets_is_refused_but_to_a_caller() {
    assert_eq!(read("ipv6-bad").oddities, [Oddity::RequestLine]);
    let bytes = std::fs::read(root("tests/fixtures/rfc5118/ipv6-bad.dat")).unwrap();
    let mut world = World::new(1, AnswerMode::OnAgent);
    hear_bytes(&mut world, TRUNK, bytes.into());
    assert!(world.last().starts_with("SIP/2.0 400 "), "{}", world.last());
    world.hear(TRUNK, &invite(1, "sip:112@2001:db8::10", SDP));
    assert!(world.last_request(&seat_address(1), "INVITE").contains("CSeq: 1 INVITE"));
}

/// §4.5: `received` with and without brackets; our own answer puts its own in their place.
#[test]
fn received_is_read_with_and_without_brackets() {
    for name in ["via-received-with-delimiters", "via-received-no-delimiters"] {
        let via = request_of(name).headers.via().unwrap();
        let received = via.params.get("received").unwrap().trim_matches(['[', ']']);
        assert_eq!(ip(received), ip("2001:db8::9:255"), "{name}");
        let text = std::fs::read(root("tests/fixtures/rfc5118").join(format!("{name}.dat")));
        let mut world = World::of(settings_6(), 20);
        hear_bytes_6(&mut world, "[2001:db8::9:1]:5060", text.unwrap().into());
        // A BYE of no call: the answer's Via is the request's, with what we saw.
        let answer = world.last();
        assert!(answer.starts_with("SIP/2.0 481 "), "{answer}");
        let via = header(&answer, Name::Via);
        assert!(!via.contains("9:255") && via.contains("branch=z9hG4bKas3-111"), "{via}");
        assert_eq!(siaga112::sip::Via::read(&via).unwrap().host, "2001:db8::9:1");
    }
}

/// §4.6, §4.8, §4.9: addresses of both families in one description; the audio's own line decides.
#[test]
fn audio_is_found_at_addresses_of_every_form() {
    let table = [
        ("ipv6-in-sdp", "[2001:db8::20]:6000"),
        ("mult-ip-in-sdp", "192.0.2.1:22334"),
        // A mapped address is an IPv4 address: packets go there over IPv4.
        ("ipv4-mapped-ipv6", "192.0.2.2:6000"),
    ];
    for (name, rtp) in table {
        let request = request_of(name);
        let sdp = body::sdp(&request.headers, &request.body).unwrap();
        let audio = siaga112::sdp::audio(&siaga112::sdp::parse(&sdp).unwrap()).unwrap();
        assert_eq!(audio.rtp, rtp.parse().ok(), "{name}");
        assert_eq!(audio.direction, siaga112::sdp::Direction::SendRecv);
    }
}

/// §4.7: addresses of both families in one message; the topmost Via is the hop.
#[test]
fn vias_of_both_families_stand_beside_each_other() {
    let request = request_of("mult-ip-in-header");
    let vias = request.headers.values(&Name::Via);
    let hosts: Vec<String> =
        vias.iter().map(|via| siaga112::sip::Via::read(via).unwrap().host).collect();
    assert_eq!(hosts, ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"]);
    assert_eq!(request.headers.via().unwrap().port, Some(6050));
    let answer = request.response(481, "x");
    assert_eq!(answer.headers.values(&Name::Via), vias, "in their order, as they came");
}

/// §4.9: Contact and Via with an IPv4 address in IPv6's clothes.
#[test]
fn a_mapped_address_is_reached_over_ipv4() {
    let request = request_of("ipv4-mapped-ipv6");
    let contact = &request.headers.contacts()[0].uri;
    assert_eq!((contact.user(), contact.host()), ("ted", "::ffff:192.0.2.2"));
    assert_eq!(contact.socket(), "192.0.2.2:5060".parse().ok());
    let flow = Flow {
        transport: Transport::Udp,
        local: OURS.parse().unwrap(),
        remote: "192.0.2.10:19823".parse().unwrap(),
    };
    let mut endpoint = siaga112::sip::Endpoint::new(
        siaga112::sip::settings::Timers::default(),
        "test",
        None,
        ip("192.0.2.1"),
    );
    endpoint.receive(siaga112::vocabulary::Moment(1), flow, &request.raw);
    let Some(siaga112::sip::Event::Request { request, .. }) = endpoint.poll_event() else {
        panic!("a request")
    };
    // Written so it is the same address: nothing to correct.
    assert_eq!(request.headers.via().unwrap().params.get("received"), None);
}

/// §4.10: three colons, a slip of RFC 3261's grammar: read, and answered where it came from.
#[test]
fn three_colons_are_survived() {
    let request = request_of("ipv6-bug-abnf-3-colons");
    assert_eq!(request.uri.host(), "2001:db8:::192.0.2.1");
    assert_eq!(request.uri.socket(), None);
    let mut world = World::new(1, AnswerMode::OnAgent);
    hear_bytes(&mut world, TRUNK, request.raw);
    assert!(world.last().starts_with("SIP/2.0 200 "), "{}", world.last());
}

// ---- a centre of IPv6 ------------------------------------------------------------------------

fn settings_6() -> siaga112::switchboard::settings::SwitchboardSettings {
    let mut settings = settings(1, AnswerMode::OnAgent);
    settings.media_address = ip("2001:db8::10");
    settings.trunks[0].sources =
        vec!["2001:db8::9:0/112".parse().unwrap(), TRUNK_NET.parse().unwrap()];
    settings
}

const TRUNK_NET: &str = "2001:db8::9/128";
const SEAT_6: &str = "[2001:db8::21]:5060";

fn hear_bytes_6(world: &mut World, from: &str, bytes: Bytes) {
    let (local, remote) = (scenario::OURS_6.parse().unwrap(), from.parse().unwrap());
    world.take(Input::Sip { flow: Flow { transport: Transport::Udp, local, remote }, bytes });
}

/// A call over IPv6 from end to end: every address of ours stands in brackets where it must and
/// without where it must not.
#[test]
fn a_call_over_ipv6_has_brackets_where_they_belong() {
    let mut settings = settings_6();
    // An IPv4 address behind NAT is nothing that an IPv6 peer could use.
    settings.sip.external_address = Some(ip("203.0.113.10"));
    let mut world = World::of(settings, 20);
    world.register_phone(1, SEAT_6);
    let (six, four) = (TRUNK_6, TRUNK);
    let text = invite(1, "sip:112@[2001:db8::10]", SDP).replace(four, six).replace("IP4", "IP6");
    let text = text.replace("198.51.100.7\r\ns=", "2001:db8::9\r\ns=");
    let text = text.replace("198.51.100.7\r\nt=", "2001:db8::9\r\nt=");
    let length = format!("Content-Length: {}", SDP.len());
    let body = text.split_once("\r\n\r\n").unwrap().1.len();
    let text = text.replace(&length, &format!("Content-Length: {body}"));
    let routed = "Record-Route: <sip:[2001:db8::9]:5070;lr>\r\nMax-Forwards";
    world.hear(six, &text.replace("Max-Forwards", routed));
    let ringing = world.last_response(1, "180");
    assert_eq!(header(&ringing, Name::Contact), "<sip:[2001:db8::10]:5060>");
    assert_eq!(header(&ringing, Name::RecordRoute), "<sip:[2001:db8::9]:5070;lr>");
    let via = header(&ringing, Name::Via);
    assert!(via.contains(";received=2001:db8::9;rport=5060"), "{via}");

    let invited = world.last_request(SEAT_6, "INVITE");
    assert!(invited.starts_with("INVITE sip:seat-1@[2001:db8::21]:5060 SIP/2.0\r\n"), "{invited}");
    assert!(invited.contains("Via: SIP/2.0/UDP [2001:db8::10]:5060;branch="), "{invited}");
    assert_eq!(header(&invited, Name::Contact), "<sip:[2001:db8::10]:5060>");
    assert!(invited.contains(" IN IP6 2001:db8::10\r\ns="), "{invited}");
    assert!(invited.contains("c=IN IP6 2001:db8::10\r\n"), "{invited}");

    let sdp = SDP.replace("IP4 198.51.100.7", "IP6 2001:db8::21");
    let answer = respond(&invited, 200, "phone", &sdp).replace("10.0.0.1", "[2001:db8::21]:5060");
    world.hear(SEAT_6, &answer);
    let ack = world.last_request(SEAT_6, "ACK");
    assert!(ack.starts_with("ACK sip:phone@[2001:db8::21]:5060 SIP/2.0\r\n"), "{ack}");
    let answered = world.last_response(1, "200");
    assert!(answered.contains("c=IN IP6 2001:db8::10\r\n"), "{answered}");
    let aims = world.orders.iter().filter_map(|order| match order {
        siaga112::call::orders::MediaOrder::Aim { aim, .. } => Some(aim.rtp.to_string()),
        _ => None,
    });
    let aims: BTreeSet<String> = aims.collect();
    let wanted = ["[2001:db8::21]:17004", "[2001:db8::9]:17004"];
    assert_eq!(aims.iter().map(String::as_str).collect::<Vec<_>>(), wanted);

    // The seat hangs up: our BYE follows the trunk's route.
    let ack = scenario::in_dialog(1, &answered, "ACK", 1, "").replace(four, six);
    world.hear(six, &ack);
    let (from, to) = (header(&answer, Name::To), header(&answer, Name::From));
    let call_id = header(&answer, Name::CallId);
    let bye = format!(
        "BYE sip:[2001:db8::10]:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {SEAT_6};branch=z9hG4bKbye\r\n\
         From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n"
    );
    world.hear(SEAT_6, &bye);
    let bye = world.last_request("[2001:db8::9]:5070", "BYE");
    assert!(bye.starts_with("BYE sip:trunk@[2001:db8::9]:5060 SIP/2.0\r\n"), "{bye}");
    assert_eq!(header(&bye, Name::Route), "<sip:[2001:db8::9]:5070;lr>");
    for sent in &world.sent {
        let bytes = Bytes::from(sent.text.clone());
        assert_eq!(parse(&bytes).unwrap().oddities, [], "{}", sent.text);
        assert_eq!(agreement::gist_by_sipx(&bytes), agreement::gist(&parse(&bytes).unwrap()));
    }
}
