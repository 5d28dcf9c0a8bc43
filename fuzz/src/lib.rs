//! What each fuzz target does with its bytes: read, hold the reader and writer to their promises,
//! panic when one is broken. `tests/corpus.rs` runs the same functions over the kept corpus.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use siaga112::media::ice::Check;
use siaga112::media::rtcp::Reception;
use siaga112::media::rtp::{self, Rtp, is_rtcp, write_header_in_place};
use siaga112::media::secure::dtls::{Handshake, Identity};
use siaga112::media::text::reader::{Kinds, PATIENCE};
use siaga112::media::text::{Mixed, Reader};
use siaga112::sdp::{self, OurLine, OurSession, Protected};
use siaga112::sip::body;
use siaga112::sip::parse::{Read, parse};
use siaga112::sip::settings::Timers;
use siaga112::sip::{Endpoint, Flow, Headers, Message, Name, NameAddr, Response, Transport, Uri};
use siaga112::trunk::settings::{Centre, TrunkSettings};
use siaga112::vocabulary::{Codec, Dice, Fingerprint, Moment, limits};
use siaga112::{incident, trunk};

/// A target's body.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder of the corpus.
pub const TARGETS: [(&str, Target); 12] = [
    ("message", message),
    ("sdp", sdp),
    ("multipart", multipart),
    ("pidf_lo", pidf_lo),
    ("aml", aml),
    ("additional_data", additional_data),
    ("cap", cap),
    ("rtp", rtp),
    ("rtcp", rtcp),
    ("stun", stun),
    ("dtls", dtls),
    ("text", text),
];

// ---- SIP messages ----------------------------------------------------------------------------

/// One datagram: what is read stays within it; what we write of it is read back the same; what the
/// endpoint says about it is sound SIP.
pub fn message(data: &[u8]) {
    let datagram = Bytes::copy_from_slice(data);
    let Ok(read) = parse(&datagram) else { return };
    let (headers, body, raw) = parts_of(&read.message);
    assert!(headers.len() <= limits::SIP_HEADERS, "headers are bounded");
    assert!(raw.len() <= data.len() && data.ends_with(raw), "the raw bytes are the datagram's");
    assert!(is_within(raw, body), "the body is a slice of the datagram");
    for (name, value) in headers.iter() {
        assert!(value.len() <= data.len() && !value.contains(&b'\n'), "{name} is one line");
        for value in headers.values(name) {
            let _ = NameAddr::read(&value);
        }
    }
    written_is_read_back(&read.message);
    if let Message::Request(request) = &read.message {
        let (trunk, centre) = (carrier(), centre());
        let (arrival, _) = trunk::arrival(request, &trunk, &centre, &[], &[]);
        assert!(arrival.additional_data.len() <= limits::BODY_PARTS + headers.len());
        let response = request.response(400, "tag");
        // What an open quote or bracket swallows cannot be helped: To is copied as it came.
        let closed = |to: &str| {
            !to.contains('"') && to.split_once('<').is_none_or(|(_, rest)| rest.contains('>'))
        };
        if headers.text(&Name::To).is_some_and(|to| closed(&to)) {
            assert!(response.headers.to().is_none_or(|to| to.tag().is_some()), "a To has its tag");
        }
        written_is_read_back(&Message::Response(response));
    }
    endpoint_stays_sound(&datagram);
}

fn parts_of(message: &Message) -> (&Headers, &Bytes, &Bytes) {
    match message {
        Message::Request(request) => (&request.headers, &request.body, &request.raw),
        Message::Response(response) => (&response.headers, &response.body, &response.raw),
    }
}

fn bytes_of(message: &Message) -> Bytes {
    match message {
        Message::Request(request) => request.to_bytes(),
        Message::Response(response) => response.to_bytes(),
    }
}

fn is_within(whole: &[u8], part: &[u8]) -> bool {
    let (whole, part) = (whole.as_ptr_range(), part.as_ptr_range());
    part.is_empty() || whole.start <= part.start && part.end <= whole.end
}

fn is_token(text: &str) -> bool {
    let other = |byte: u8| b"-.!%*_+`'~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || other(byte))
}

/// Write, read: the same message with nothing odd about it; write again: the same bytes.
pub fn written_is_read_back(message: &Message) {
    let bytes = bytes_of(message);
    if bytes.len() > limits::SIP_MESSAGE_BYTES {
        return;
    }
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    let Read { message: again, oddities } =
        parse(&bytes).unwrap_or_else(|why| panic!("{why}: {}", text()));
    assert!(oddities.is_empty(), "{oddities:?}: {}", text());
    let (headers, body, _) = parts_of(message);
    let (read, read_body, _) = parts_of(&again);
    assert_eq!(read_body, body, "the body: {}", text());
    match (message, &again) {
        (Message::Request(wrote), Message::Request(read)) => {
            assert_eq!(wrote.method, read.method);
            assert_eq!(read.uri, Uri::read(&wrote.uri.wire_form()), "{}", text());
        }
        (Message::Response(Response { code, .. }), Message::Response(read)) => {
            assert_eq!(*code, read.code);
        }
        _ => panic!("a request is no response: {}", text()),
    }
    let kept =
        |(name, _): &(&Name, &Bytes)| is_token(name.as_str()) && **name != Name::ContentLength;
    let mut lines = read.iter().filter(kept);
    for (name, value) in headers.iter().filter(kept) {
        let value: Vec<u8> = value
            .iter()
            .map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte })
            .collect();
        let found = lines.next().map(|(name, value)| (name.as_str(), &value[..]));
        assert_eq!(found, Some((name.as_str(), value.trim_ascii())), "{}", text());
    }
    assert!(lines.next().is_none(), "no line comes of itself: {}", text());
    assert_eq!(bytes_of(&again), bytes, "what is sound stays as it is");
}

/// A message between an endpoint and a stranger: whatever it says back, another can read.
fn endpoint_stays_sound(datagram: &Bytes) {
    let far = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let flow = Flow {
        transport: Transport::Udp,
        local: far("[2001:db8::10]:5060"),
        remote: far("[2001:db8::99]:5070"),
    };
    let mut dice = Dice::from_number(112);
    let mut endpoint = Endpoint::new(Timers::default(), "Siaga112", None, flow.local.ip());
    let mut now = Moment(1_000_000);
    for _ in 0..2 {
        endpoint.receive(now, flow, datagram);
    }
    while let Some(event) = endpoint.poll_event() {
        use siaga112::sip::Event;
        match event {
            Event::Request { server, request, flow, .. } => {
                endpoint.trying(now, server);
                endpoint.respond(now, server, request.response(200, "ours"));
                if let Some(mut dialog) = siaga112::sip::Dialog::received(&request, "ours", flow) {
                    let bye = dialog.request(&siaga112::sip::Method::Bye);
                    assert!(bye.uri.is_target(), "a dialog has a target");
                    endpoint.send(now, dialog.next_hop(), bye, &mut dice);
                }
            }
            Event::Unreadable { flow, request, code } => endpoint.reject(flow, &request, code),
            _ => {}
        }
    }
    let mut said = Vec::new();
    for _ in 0..64 {
        while let Some(send) = endpoint.poll_send() {
            if send.bytes.len() <= limits::SIP_MESSAGE_BYTES && !said.contains(&send.bytes) {
                let read = parse(&send.bytes).expect("ours is SIP");
                assert!(read.oddities.is_empty(), "{:?}: {:?}", read.oddities, send.bytes);
                said.push(send.bytes);
            }
        }
        let Some(due) = endpoint.poll_timeout() else { break };
        now = due;
        endpoint.tick(now);
        while endpoint.poll_event().is_some() {}
    }
    assert_eq!(endpoint.transactions(), 0, "nothing lives for ever but an INVITE unanswered");
}

fn carrier() -> TrunkSettings {
    TrunkSettings {
        id: "telco-a".into(),
        sources: Vec::new(),
        tls_names: Vec::new(),
        digest: None,
        callers: Default::default(),
        trust_identity: true,
        area_code: "0328".into(),
        answer: None,
        early_media: Default::default(),
        test_number: None,
        line: None,
        quiet_alarm: None,
        audio: Default::default(),
    }
}

fn centre() -> Centre {
    Centre {
        name: "NTPD 112".into(),
        area_code: "0328".into(),
        dialled: vec!["112".into(), "urn:service:sos.*".into()],
        timezone: jiff::tz::TimeZone::UTC,
    }
}

// ---- session descriptions --------------------------------------------------------------------

/// One description: bounded, written and read back the same; our answer to it has its lines.
pub fn sdp(data: &[u8]) {
    let Ok(read) = sdp::parse(data) else { return };
    let lines: usize = read.media.iter().map(|media| 1 + media.lines.len()).sum();
    assert!(read.lines.len() + lines <= limits::SDP_LINES);
    assert!(read.media.len() <= limits::SDP_MEDIA_LINES + 1);
    let written = read.to_bytes();
    let again = sdp::parse(&written).expect("ours is read");
    assert_eq!(again.to_bytes(), written, "{}", String::from_utf8_lossy(&written));
    assert_eq!(sdp::audio(&again), sdp::audio(&read), "audio is the same audio");
    let Some(audio) = sdp::audio(&read) else { return };
    let Some(choice) = sdp::choose(&audio, None, &Codec::ALL) else { return };
    let session =
        OurSession { id: 1, version: 2, address: "2001:db8::10".parse().expect("an address") };
    let line = OurLine {
        port: 20_000,
        codecs: vec![(choice.payload, choice.codec)],
        events: choice.events.map(|payload| (payload, choice.codec.clock())).into_iter().collect(),
        direction: audio.direction.answer(),
        protocol: "RTP/AVP".to_owned(),
        protected: Protected::Plain,
        mux: audio.mux,
        source: None,
        mid: audio.mid.clone(),
    };
    let offered = sdp::text_lines(&read).into_iter().next();
    let text = offered
        .as_ref()
        .map(|offer| (offer.line, sdp::OurText::answer(20_002, offer, Protected::Plain)));
    let taken = text.as_ref().map(|(line, text)| (*line, text));
    let answer = sdp::answer(&read, audio.line, &session, &line, taken);
    let heard = sdp::parse(&answer.to_bytes()).expect("our answer is read");
    assert_eq!(heard.media.len(), read.media.len(), "an answer has the offer's lines");
    let ports: Vec<usize> =
        heard.media.iter().enumerate().filter(|(_, m)| m.port != 0).map(|(at, _)| at).collect();
    let mut wanted: Vec<usize> = taken.map(|(line, _)| line).into_iter().collect();
    wanted.push(audio.line);
    wanted.sort_unstable();
    assert_eq!(ports, wanted, "the lines that were chosen are taken, the rest refused");
    let heard_text = sdp::text_lines(&heard).into_iter().next();
    assert_eq!(heard_text.map(|it| it.text), offered.map(|it| it.text));
    let heard = sdp::audio(&heard).expect("our audio is read");
    assert_eq!(heard.rtp, "[2001:db8::10]:20000".parse().ok());
    assert_eq!(
        heard.codecs.first().map(|c| (c.payload, &c.kind)),
        Some((choice.payload, &sdp::CodecKind::Speech(choice.codec)))
    );
}

// ---- bodies of several parts -----------------------------------------------------------------

/// A Content-Type, a line end and a body: parts are bounded slices of it, and what we write of
/// them is read back.
pub fn multipart(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (content_type, body) = data.split_at(end);
    let body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
    let mut headers = Headers::default();
    headers.push(Name::ContentType, content_type.to_vec());
    let (parts, findings) = body::parts(&headers, &body);
    assert!(parts.len() <= limits::BODY_PARTS && findings.len() <= data.len() + 1);
    assert!(parts.iter().all(|part| is_within(&body, &part.body)), "parts are slices");
    let total: usize = parts.iter().map(|part| part.body.len()).sum();
    assert!(total <= body.len(), "no byte is in two parts");
    let first = parts.iter().find(|part| part.media_type == "application/sdp");
    let found = body::sdp(&headers, &body);
    assert_eq!(found.as_ref(), first.map(|part| &part.body), "one description, however asked");

    let typed = |part: &body::Part| {
        !part.media_type.is_empty() && !part.media_type.starts_with("multipart/")
    };
    let leaves: Vec<&body::Part> = parts.iter().filter(|part| typed(part)).collect();
    if leaves.is_empty() || leaves.len() > limits::BODY_PARTS {
        return;
    }
    let all = leaves.iter().map(|part| (part, &part.body[..]));
    let both: Vec<body::Piece<'_>> = all
        .map(|(part, body)| body::Piece {
            content_type: &part.content_type,
            disposition: &part.disposition,
            content_id: "",
            body,
        })
        .collect();
    let (content_type, whole) = body::multipart(&both);
    let mut headers = Headers::default();
    headers.push(Name::ContentType, content_type);
    let (again, findings) = body::parts(&headers, &whole);
    assert!(findings.is_empty(), "{findings:?}");
    let bodies =
        |parts: &[body::Part]| -> Vec<Bytes> { parts.iter().map(|p| p.body.clone()).collect() };
    let leaves: Vec<body::Part> = leaves.into_iter().cloned().collect();
    assert_eq!(bodies(&again), bodies(&leaves));
    for (read, wrote) in again.iter().zip(&leaves) {
        let one_line = wrote.media_type.replace(['\r', '\n'], " ");
        assert_eq!(read.media_type, one_line.trim(), "a type stays in its line");
    }
}

// ---- locations -------------------------------------------------------------------------------

/// What a phone sends of where it is, by SMS and by form keys: whatever it says, one place at most, and on
/// the globe.
pub fn aml(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let fields: Vec<(String, String)> = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    for report in [incident::aml::sms(&text, &text), incident::aml::https(&fields)] {
        assert!(report.locations.len() <= 1 && report.findings.len() <= 16);
        for location in &report.locations {
            let degrees = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f64>().ok());
            assert!(degrees(&location.latitude).is_some_and(|degrees| degrees.abs() <= 90.0));
            assert!(degrees(&location.longitude).is_some_and(|degrees| degrees.abs() <= 180.0));
        }
    }
}

/// One PIDF-LO: whatever it is, the answer is bounded and has no control characters.
pub fn pidf_lo(data: &[u8]) {
    let (locations, findings) = incident::location::pidf_lo(data, "fuzz");
    assert!(locations.len() <= 16 && findings.len() <= 16);
    assert!(!locations.is_empty() || !findings.is_empty(), "no place is a finding");
    let mut kept = 0;
    for location in &locations {
        assert!(location.latitude.is_some() || !location.civic.is_empty(), "a location is a place");
        assert_eq!(location.latitude.is_some(), location.longitude.is_some());
        assert!(location.civic.len() <= 64);
        let numbers = [&location.latitude, &location.longitude, &location.radius_m];
        let said = [&location.method, &location.timestamp];
        let texts = numbers.into_iter().chain(said).flatten();
        let civic = location.civic.iter().flat_map(|(name, value)| [name, value]);
        for text in texts.chain(civic) {
            assert!(text.len() <= 1024 + 8, "a text is bounded");
            assert!(!text.chars().any(char::is_control), "a text is one line");
            kept += text.len();
        }
    }
    // Method and timestamp are told of each location of their element.
    assert!(kept <= data.len() * 3 * 17, "a document does not grow in the record");
    assert!(findings.iter().all(|finding| finding.len() <= 1024));
    assert_eq!(incident::location::pidf_lo(data, "fuzz"), (locations, findings), "no chance in it");
}

// ---- data and alerts -------------------------------------------------------------------------

/// One block of additional data, as a body part and within a location: bounded, and nothing made up.
pub fn additional_data(data: &[u8]) {
    let (fields, odd) =
        incident::data::fields("application/EmergencyCallData.SubscriberInfo+xml", data);
    assert!(fields.len() <= 64 && odd.is_none_or(|odd| odd.len() <= 1024));
    for field in &fields {
        assert!(field.name.chars().count() <= 64 && !field.value.reveal().is_empty());
        assert!(field.value.reveal().len() <= 3 * data.len(), "a value does not grow");
    }
    let blocks = incident::data::provided_by(data);
    assert!(blocks.len() <= 16 && blocks.iter().all(|block| block.fields.len() <= 64));
    assert_eq!(incident::data::provided_by(data), blocks, "no chance in it");
}

/// One alert: whatever it is, its lists are bounded, and so are the places that it names.
pub fn cap(data: &[u8]) {
    let read = incident::alert::read(data);
    assert_eq!(incident::alert::read(data), read, "no chance in it");
    let Ok(alert) = read else { return };
    assert!(alert.infos.len() <= 16);
    assert!(alert.infos.iter().all(|info| info.areas.len() <= 16));
    let places = alert.locations();
    assert!(places.len() <= limits::LOCATIONS * 16, "{} places", places.len());
    for place in &places {
        assert_eq!(place.latitude.is_some(), place.longitude.is_some());
    }
}

// ---- packets ---------------------------------------------------------------------------------

/// One RTP packet: the payload stands within it, and a new payload type changes nothing else.
pub fn rtp(data: &[u8]) {
    let Some(read) = Rtp::read(data) else { return };
    let Range { start, end } = read.payload;
    assert!(12 <= start && start <= end && end <= data.len(), "the payload stands in the packet");
    assert!(read.payload_type < 128);
    let mut changed = data.to_vec();
    let other = read.payload_type ^ 0x55;
    write_header_in_place(&mut changed, (other, !read.marker), 1, 2, 3);
    let again = Rtp::read(&changed).expect("still RTP");
    assert_eq!(again.payload, start..end);
    assert_eq!((again.payload_type, again.marker), (other, !read.marker));
    assert_eq!((again.sequence, again.timestamp, again.ssrc), (1, 2, 3));
    let kind = (read.payload_type, read.marker);
    write_header_in_place(&mut changed, kind, read.sequence, read.timestamp, read.ssrc);
    assert_eq!(changed, data, "there and back");
}

/// One RTCP packet: nothing that the relay takes for RTCP can be audio (RFC 5761 §4), and whatever is
/// read of it makes a possible score.
pub fn rtcp(data: &[u8]) {
    let ours =
        data.get(8..).and_then(|rest| rest.first_chunk()).map_or(1, |it| u32::from_be_bytes(*it));
    let mut heard = Reception::default();
    heard.see(9, 1, 160, 8_000, 20_000);
    let _ = heard.read(data, ours, 40_000, 0xee00_0000_0000_0000);
    for codec in [Codec::Pcma, Codec::Opus] {
        let quality = heard.quality(codec);
        let said = [Some(quality.here), quality.there];
        assert!(said.iter().flatten().all(|heard| (100..=441).contains(&heard.mos)));
    }
    if !is_rtcp(data) {
        return;
    }
    assert!(data.len() >= 8 && data.first().is_some_and(|flags| flags >> 6 == 2));
    if let Some(rtp) = Rtp::read(data) {
        assert!((64..=95).contains(&rtp.payload_type), "types 64 to 95 are RTCP's alone");
    }
}

/// One check of ICE: who does not know the password gets no answer.
pub fn stun(data: &[u8]) {
    let Some(check) = Check::read(data) else { return };
    let ufrag = check.ufrag().map_or(0, str::len);
    assert!(ufrag <= data.len());
    let source = SocketAddr::from(([192, 0, 2, 9], 4000));
    assert_eq!(check.answer("a password that nobody was told", source), None);
}

/// The datagrams of a handshake, each behind its length (two bytes): nothing but the named certificate
/// gets keys, whoever begins, and what is said back is not more than a flight for each.
#[allow(clippy::disallowed_methods, reason = "a handshake counts from some instant")]
pub fn dtls(data: &[u8]) {
    static OURS: OnceLock<Arc<Identity>> = OnceLock::new();
    let ours = OURS.get_or_init(|| Arc::new(Identity::make().expect("a certificate")));
    let peer = Fingerprint { hash: "sha-256".to_owned(), digest: vec![7; 32] };
    let source = SocketAddr::from(([192, 0, 2, 9], 4000));
    let start = Instant::now();
    for active in [false, true] {
        let mut handshake = Handshake::new(ours, peer.clone(), active, source);
        let (mut rest, mut now) = (data, start);
        for _ in 0..64 {
            let Some((length, after)) = rest.split_first_chunk() else { break };
            let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
            let (datagram, after) = after.split_at(length);
            now += Duration::from_millis(20);
            let mut said = 0;
            let mut say = |datagram: &[u8]| said += datagram.len();
            let ticked = handshake.tick(now, &mut say);
            let outcome = handshake.receive(datagram, now, &mut say);
            assert!(!matches!(ticked, Some(Ok(_))) && !matches!(outcome, Some(Ok(_))));
            assert!(said < 16_384, "{said} bytes back");
            rest = after;
        }
        assert!(handshake.srtp().is_none(), "no keys for a stranger");
    }
}

// ---- real-time text --------------------------------------------------------------------------

/// Packets of text, each with a byte of its length before it: whatever they are, what is read is no more
/// than what came and a sign for what is missing, and is fit to be shown.
pub fn text(data: &[u8]) {
    let kinds = Kinds { text: 98, redundant: Some(100) };
    let (mut reader, mut read, mut rest) = (Reader::default(), String::new(), data);
    let (mut mixed, mut passed) = (Mixed::default(), String::new());
    let (mut packets, mut now) = (0, 0);
    while let [length, tail @ ..] = rest {
        let (packet, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        if let Some(rtp) = Rtp::read(packet) {
            let payload = packet.get(rtp.payload.clone()).unwrap_or_default();
            let place = (rtp.ssrc, rtp.sequence);
            if let Some(blocks) = kinds.blocks(rtp.payload_type, payload) {
                reader.take(kinds.text, place, &blocks, now, &mut read);
                // The same as a mixer's.
                let writer = rtp::contributing(packet).unwrap_or(rtp.ssrc);
                let place = (rtp.ssrc, rtp.sequence, rtp.timestamp);
                mixed.take(writer, place, (kinds.text, &blocks), &mut passed);
            }
        }
        packets += 1;
        now += 100_000;
        reader.tick(now, &mut read);
    }
    for _ in 0..40 {
        now += PATIENCE;
        reader.tick(now, &mut read);
    }
    let shown = |c: char| !c.is_control() || matches!(c, '\u{7}' | '\u{8}');
    assert!(read.chars().chain(passed.chars()).all(shown), "only what can be shown is left");
    // Bytes that are no text, and packets that are missing, are a sign of three bytes each.
    let most = 3 * (data.len() + 20 * packets);
    assert!(read.len() <= most && passed.len() <= most, "nothing is made up");
}
