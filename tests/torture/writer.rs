//! The strict writer: whatever it is given, what it writes is one message of the same meaning, for
//! us and for two other parsers.

use siaga112::sdp;
use siaga112::sip::write::quoted;
use siaga112::sip::{CSeq, Method, NameAddr, Uri};

use super::targets::written_is_read_back;
use super::*;

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~-]{1,20}"
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("203.0.113.10".to_owned()),
        Just("gw_1.example".to_owned()),
        any::<u128>().prop_map(|bits| format!("[{}]", std::net::Ipv6Addr::from(bits))),
    ]
}

/// A SIP URI as it should be.
fn uri() -> impl Strategy<Value = String> {
    let port = proptest::option::of(1u16..);
    let params =
        prop_oneof![Just(""), Just(";lr"), Just(";transport=tcp;x=%41"), Just(";user=phone")];
    ("[a-zA-Z0-9+&=$,;?/.!~*'()%_-]{1,24}", host(), port, params).prop_map(
        |(user, host, port, params)| {
            // A percent sign begins an escape.
            let user = user.replace('%', "%25");
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            format!("sip:{user}@{host}{port}{params}")
        },
    )
}

/// A request as our own rooms make one, with names of anybody in it.
fn sound() -> impl Strategy<Value = Request> {
    let method = proptest::sample::select(vec!["INVITE", "ACK", "BYE", "REGISTER", "X-New"]);
    let body = proptest::collection::vec(any::<u8>(), 0..200);
    (method, uri(), uri(), "\\PC{0,40}", (token(), token()), 0u32..1 << 31, ".{0,60}", body)
        .prop_map(|(method, target, from, name, (tag, branch), number, text, body)| {
            let method = Method::read(method).unwrap();
            let mut request = Request::new(method.clone(), Uri::read(&target))
                .with(
                    Name::Via,
                    format!("SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK{branch};rport"),
                )
                .with(Name::From, format!("{} <{from}>;tag={tag}", quoted(&name)))
                .with(Name::To, format!("<{target}>"))
                .with(Name::CallId, format!("{tag}@{branch}"))
                .with(Name::CSeq, format!("{number} {method}"))
                .with(Name::Reason, format!("Q.850;cause=16;text={}", quoted(&text)))
                .with(Name::Contact, format!("<{from}>;x={}", quoted(&name)));
            request.body = body.into();
            request
        })
}

/// A header of any kind with any bytes.
fn any_line() -> impl Strategy<Value = (Name, Vec<u8>)> {
    let known = [
        "Via",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Contact",
        "Content-Type",
        "Content-Length",
        "Route",
        "Record-Route",
        "Require",
        "P-Asserted-Identity",
        "Diversion",
        "Reason",
        "Warning",
        "Subject",
        "X-Lokasi",
        "a b",
        "",
        "x:y",
        "\u{e9}",
        "X\r\nEvil",
    ];
    let long = proptest::collection::vec(any::<u8>(), 0..2_000);
    let bits = proptest::collection::vec(
        proptest::sample::select(vec![
            "\r\n",
            "\r",
            "\n",
            "\r\n\r\n",
            " ",
            "\t",
            "Evil: yes",
            "\"",
            "<",
            ";",
            "\0",
            "x",
        ]),
        0..12,
    );
    let value = prop_oneof![long, bits.prop_map(|bits| bits.concat().into_bytes())];
    (proptest::sample::select(known.to_vec()), value)
        .prop_map(|(name, value)| (Name::read(name), value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_sound_request_is_read_alike_by_three(request in sound()) {
        let bytes = request.to_bytes();
        let read = parse(&bytes).unwrap();
        prop_assert_eq!(&read.oddities, &[]);
        let gist = agreement::gist(&read);
        let Message::Request(back) = read.message else { panic!("a request") };
        prop_assert_eq!(&back.uri, &request.uri);
        prop_assert_eq!(&back.method, &request.method);
        prop_assert_eq!(&back.body, &request.body);
        let lines = |headers: &Headers| -> Vec<(Name, Bytes)> {
            let all = headers.iter().map(|(name, value)| (name.clone(), value.clone()));
            all.filter(|(name, _)| *name != Name::ContentLength).collect()
        };
        prop_assert_eq!(lines(&back.headers), lines(&request.headers));
        prop_assert_eq!(back.headers.cseq(), CSeq::read(&request.headers.text(&Name::CSeq).unwrap()));
        written_is_read_back(&Message::Request(request));
        prop_assert_eq!(&agreement::gist_by_sipx(&bytes), &gist);
        // rsip 0.4 reads no IPv6 address, no new method and nothing but UTF-8.
        let text = std::str::from_utf8(&bytes).ok().filter(|t| !t.contains('[') && !t.contains("X-New"));
        if let Some(message) = text.and_then(|text| rsip::SipMessage::try_from(text).ok()) {
            use rsip::prelude::{HeadersExt, UntypedHeader};
            let call_id = message.call_id_header().unwrap().value().to_owned();
            prop_assert_eq!(call_id, gist.call_id);
            prop_assert_eq!(message.body(), &back.body[..]);
        }
    }

    #[test]
    fn nothing_breaks_out_of_its_place(
        target in prop_oneof![uri(), "\\PC{1,40}", ".{1,40}", Just("sip:a@b> SIP/2.0\r\nEvil: yes".to_owned())],
        method in prop_oneof![token(), Just("OPTIONS".to_owned())],
        code in 100u16..700,
        phrase in ".{0,60}",
        lines in proptest::collection::vec(any_line(), 0..20),
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut request = Request::new(Method::read(&method).unwrap(), Uri::read(&target));
        let mut response = request.response(code, "x");
        response.phrase = phrase;
        for (name, value) in lines {
            request.headers.push(name.clone(), value.clone());
            response.headers.push(name, value);
        }
        request.body = body.clone().into();
        response.body = body.into();
        if !target.trim().is_empty() {
            let bytes = request.to_bytes();
            prop_assert!(!bytes.windows(6).any(|six| six == b"\nEvil:"));
            written_is_read_back(&Message::Request(request));
        }
        written_is_read_back(&Message::Response(response));
    }

    #[test]
    fn a_quoted_name_reads_back(name in ".{0,60}", from in uri()) {
        let read = NameAddr::read(&format!("{} <{from}>;tag=x", quoted(&name))).unwrap();
        let shown: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        prop_assert_eq!((read.display.as_str(), read.tag()), (shown.as_str(), Some("x")));
        prop_assert_eq!(read.uri.as_str(), from);
    }

    #[test]
    fn a_description_reads_back(
        port in any::<u16>(),
        address in prop_oneof![Just("IP4 192.0.2.1".to_owned()), any::<u128>().prop_map(|bits| format!("IP6 {}", std::net::Ipv6Addr::from(bits)))],
        name in "\\PC{0,30}",
        attributes in proptest::collection::vec("[a-z]{1,8}(:[ -~]{0,30})?", 0..8),
        media in proptest::collection::vec(("(audio|video|text)", "(RTP/AVP|RTP/SAVPF|TCP/MSRP)"), 0..6),
    ) {
        let line = |kind, value: String| sdp::Line::new(kind, value.trim_ascii());
        let attributes: Vec<sdp::Line> = attributes.into_iter().map(|text| line('a', text)).collect();
        let name = if name.trim_ascii().is_empty() { "-".to_owned() } else { name };
        let description = sdp::Description {
            lines: vec![
                line('o', format!("- 1 2 IN {address}")),
                line('s', name),
                line('c', format!("IN {address}")),
                line('t', "0 0".to_owned()),
            ],
            media: media
                .into_iter()
                .map(|(kind, protocol)| sdp::Media {
                    kind,
                    port,
                    protocol,
                    formats: vec!["8".into(), "101".into()],
                    lines: attributes.clone(),
                })
                .collect(),
        };
        prop_assert_eq!(sdp::parse(&description.to_bytes()).unwrap(), description);
    }

    #[test]
    fn a_body_of_several_parts_reads_back(
        parts in proptest::collection::vec(("[a-z]{1,8}/[a-z+]{1,8}(;x=\"[a-z;,]{0,8}\")?", part_body()), 1..16),
    ) {
        let piece = |(content_type, body)| body::Piece { content_type, body, ..Default::default() };
        let written: Vec<body::Piece<'_>> =
            parts.iter().map(|(kind, body)| piece((kind.as_str(), &body[..]))).collect();
        prop_assume!(!parts.iter().any(|(kind, _)| kind.starts_with("multipart/")));
        let (content_type, body) = body::multipart(&written);
        let mut headers = Headers::default();
        headers.push(Name::ContentType, content_type);
        let (read, findings) = body::parts(&headers, &body);
        prop_assert_eq!(findings, Vec::<String>::new());
        let read: Vec<(&str, &[u8])> =
            read.iter().map(|part| (part.content_type.as_str(), &part.body[..])).collect();
        let parts: Vec<(&str, &[u8])> =
            parts.iter().map(|(kind, body)| (kind.as_str(), &body[..])).collect();
        prop_assert_eq!(read, parts);
    }
}

/// Bytes that are apt to look like a boundary.
fn part_body() -> impl Strategy<Value = Vec<u8>> {
    let bits = vec!["\r\n", "--", "siaga112-0", "siaga112-1", "\n", "x", "\r\n--siaga112-0--\r\n"];
    let tricky = proptest::collection::vec(proptest::sample::select(bits), 0..8);
    prop_oneof![
        tricky.prop_map(|bits| bits.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..60),
    ]
}
