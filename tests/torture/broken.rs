//! Messages cut at every byte, bent in every byte, and made by chance: nothing panics, and a call that
//! lives goes on.

use super::*;

/// Reads everything that can be read of some bytes.
fn read_to_the_end(bytes: &Bytes, trunk: &TrunkSettings, centre: &Centre) {
    let Ok(read) = parse(bytes) else { return };
    let headers = headers(&read.message);
    let _ = (headers.via(), headers.from(), headers.to(), headers.cseq(), headers.contacts());
    for (name, _) in headers.iter() {
        let _ = headers.values(name);
    }
    match &read.message {
        Message::Request(request) => {
            let _ = body::sdp(&request.headers, &request.body);
            let _ = trunk::arrival(request, trunk, centre, &[], &[]);
            let _ = (request.response(400, "x").to_bytes(), request.to_bytes());
        }
        Message::Response(response) => {
            let _ = (body::parts(&response.headers, &response.body), response.to_bytes());
        }
    }
}

/// Every beginning of a message, then the message with one bit wrong in each byte.
fn broken(whole: &[u8]) -> impl Iterator<Item = Bytes> {
    let cut = (0..whole.len()).map(|end| Bytes::copy_from_slice(&whole[..end]));
    let bent = (0..whole.len()).map(|at| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1 << (at % 8);
        Bytes::from(bytes)
    });
    cut.chain(bent)
}

fn captured() -> Vec<Bytes> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root("sip-scenarios/trunk"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sip"))
        .collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap().into()).collect()
}

/// One message of each of ten kinds.
fn ten_of_ours() -> Vec<Bytes> {
    let mut kinds: BTreeMap<String, Bytes> = BTreeMap::new();
    for sent in ours() {
        kinds.entry(kind(&sent.text)).or_insert(sent.text.into());
    }
    let wanted = [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "180 INVITE",
        "200 INVITE",
        "200 REGISTER",
        "401 REGISTER",
        "487 INVITE",
        "503 INVITE",
    ];
    wanted.iter().map(|kind| kinds[*kind].clone()).collect()
}

#[test]
fn no_cut_or_bent_message_harms_a_call_that_lives() {
    let settings = settings(1, AnswerMode::OnAgent);
    let whole: Vec<Bytes> = captured().into_iter().chain(ten_of_ours()).collect();
    assert_eq!(whole.len(), 12);
    for message in &whole {
        let mut world = World::new(1, AnswerMode::OnAgent);
        // The numbers of the calls before are those in the messages of ours.
        for _ in 0..4 {
            let call = world.call();
            world.cancel(call);
            world.seat_says(1, 180);
            world.seat_says(1, 487);
        }
        let call = world.call();
        world.seat_says(1, 180);
        world.seat_says(1, 200);
        world.ack(call);
        for bytes in broken(message) {
            read_to_the_end(&bytes, &settings.trunks[0], &settings.centre);
            hear_bytes(&mut world, TRUNK, bytes.clone());
            hear_bytes(&mut world, &seat_address(1), bytes);
        }
        assert!(!world.endings().iter().any(|ending| ending.starts_with("Talking")));
        world.trunk_sends(call, "BYE", 2, "");
        let last = world.endings().pop();
        assert_eq!(last.as_deref(), Some("Talking Caller HungUp"));
        assert!(world.last_request(&seat_address(1), "BYE").contains("CSeq: 2 BYE"));
    }
}

#[derive(Clone, Debug)]
enum Line {
    /// A header that must come back: its number, and the pieces that its lines hold.
    Plain(Vec<String>),
    /// A known header in its compact form.
    Compact(&'static str, String),
    /// Anything that is no line end and continues nothing.
    Noise(Vec<u8>),
}

fn line() -> impl Strategy<Value = Line> {
    let plain = proptest::collection::vec("[!-9;-~]{1,12}", 1..4).prop_map(Line::Plain);
    let compact =
        (proptest::sample::select(vec!["v", "F", "t", "I", "m", "c", "l", "k", "s"]), ".*")
            .prop_map(|(name, value)| Line::Compact(name, value.replace(['\r', '\n'], "")));
    let noise = proptest::collection::vec(any::<u8>(), 1..40).prop_map(|mut bytes| {
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        bytes.insert(0, b'\xe9');
        Line::Noise(bytes)
    });
    prop_oneof![3 => plain, 2 => compact, 2 => noise]
}

fn written(lines: &[Line], bare: bool, body: &[u8]) -> Bytes {
    let end: &[u8] = if bare { b"\n" } else { b"\r\n" };
    let mut out = b"INVITE sip:112@h SIP/2.0".to_vec();
    out.extend_from_slice(end);
    for (number, line) in lines.iter().enumerate() {
        match line {
            Line::Plain(pieces) => {
                out.extend_from_slice(format!("X-Plain-{number} :").as_bytes());
                for (i, piece) in pieces.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(end);
                    }
                    out.extend_from_slice(b" \t");
                    out.extend_from_slice(piece.as_bytes());
                }
            }
            Line::Compact(name, value) => {
                out.extend_from_slice(format!("{name}:{value}").as_bytes());
            }
            Line::Noise(bytes) => out.extend_from_slice(bytes),
        }
        out.extend_from_slice(end);
    }
    out.extend_from_slice(end);
    out.extend_from_slice(body);
    Bytes::from(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plain_headers_come_back_whatever_stands_beside_them(
        lines in proptest::collection::vec(line(), 0..24),
        bare in any::<bool>(),
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let settings = settings(1, AnswerMode::OnAgent);
        let bytes = written(&lines, bare, &body);
        read_to_the_end(&bytes, &settings.trunks[0], &settings.centre);
        let Read { message: Message::Request(request), oddities } = parse(&bytes).unwrap() else {
            panic!("a request")
        };
        prop_assert!(!oddities.contains(&Oddity::RequestLine));
        for (number, line) in lines.iter().enumerate() {
            if let Line::Plain(pieces) = line {
                let name = Name::read(&format!("X-Plain-{number}"));
                prop_assert_eq!(request.headers.text(&name).unwrap(), pieces.join(" "));
            }
        }
        let lengths = request.headers.lines(&Name::ContentLength).count();
        if lengths == 0 {
            prop_assert_eq!(&request.body[..], &body[..]);
        }
    }

    #[test]
    fn no_bytes_at_all_make_the_reader_panic(
        head in prop_oneof![Just(""), Just("INVITE sip:a@b SIP/2.0\r\n"), Just("SIP/2.0 200 ")],
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let settings = settings(1, AnswerMode::OnAgent);
        let bytes = Bytes::from([head.as_bytes(), &rest].concat());
        read_to_the_end(&bytes, &settings.trunks[0], &settings.centre);
    }
}
