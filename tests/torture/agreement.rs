//! What we write, and the valid corpus, read by two other parsers: they and we see the same message.

use super::*;

/// What both sides of a conversation must agree on.
#[derive(Debug, PartialEq, Eq)]
pub struct Gist {
    first: String,
    pub call_id: String,
    number: u32,
    from: Option<String>,
    to: Option<String>,
    branch: Option<String>,
}

pub fn gist(read: &Read) -> Gist {
    let headers = headers(&read.message);
    let tag = |address: Option<siaga112::sip::NameAddr>| address?.tag().map(str::to_owned);
    let cseq = headers.cseq().unwrap();
    Gist {
        first: match &read.message {
            Message::Request(request) => request.method.to_string(),
            Message::Response(response) => response.code.to_string(),
        },
        call_id: headers.call_id().unwrap_or_default(),
        number: cseq.number,
        from: tag(headers.from()),
        to: tag(headers.to()),
        branch: headers.via().unwrap().params.get("branch").map(str::to_owned),
    }
}

pub fn gist_by_sipx(bytes: &Bytes) -> Gist {
    use sipx_sip::headers::{CSeq, CallId, From, To, Via};
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let message = sipx_sip::parse_datagram(bytes.clone(), &sipx_sip::Limits::datagram())
        .unwrap_or_else(|why| panic!("{why}: {}", text(bytes)));
    let headers = message.headers();
    let call_id = headers.typed::<CallId>().map(|id| text(&id.unwrap().0));
    Gist {
        first: match &message {
            sipx_sip::Message::Request(request) => request.method.to_string(),
            sipx_sip::Message::Response(response) => response.status.code().to_string(),
        },
        call_id: call_id.unwrap_or_default(),
        number: headers.typed::<CSeq>().unwrap().unwrap().sequence,
        from: headers.typed::<From>().unwrap().unwrap().0.tag().map(text),
        to: headers.typed::<To>().unwrap().unwrap().0.tag().map(text),
        branch: headers.typed::<Via>().unwrap().unwrap().branch().map(text),
    }
}

fn gist_by_rsip(text: &str) -> Gist {
    use rsip::prelude::{HeadersExt, ToTypedHeader, UntypedHeader};
    let message = rsip::SipMessage::try_from(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let via = message.via_header().unwrap().typed().unwrap();
    let call_id = message.call_id_header().map(|id| id.value().to_owned());
    Gist {
        first: match &message {
            rsip::SipMessage::Request(request) => request.method.to_string(),
            rsip::SipMessage::Response(response) => response.status_code.code().to_string(),
        },
        call_id: call_id.unwrap_or_default(),
        number: message.cseq_header().unwrap().seq().unwrap(),
        from: message.from_header().unwrap().tag().unwrap().map(|t| t.value().to_owned()),
        to: message.to_header().unwrap().tag().unwrap().map(|t| t.value().to_owned()),
        branch: via.branch().map(|b| b.value().to_owned()),
    }
}

#[test]
fn what_we_write_is_read_alike_by_others() {
    let mut kinds = BTreeSet::new();
    let mut read_by_rsip = 0;
    for sent in ours() {
        let bytes = Bytes::from(sent.text.clone());
        let read = parse(&bytes).unwrap();
        assert_eq!(read.oddities, [], "{}", sent.text);
        let gist = gist(&read);
        assert_eq!(gist_by_sipx(&bytes), gist, "{}", sent.text);
        // rsip 0.4 reads neither a service URN nor an IPv6 address.
        if !sent.text.contains("urn:") {
            assert_eq!(gist_by_rsip(&sent.text), gist, "{}", sent.text);
            read_by_rsip += 1;
        }
        kinds.insert(kind(&sent.text));
    }
    assert!(read_by_rsip > 20, "{read_by_rsip}");
    let wanted = [
        "100 INVITE",
        "180 INVITE",
        "200 BYE",
        "200 CANCEL",
        "200 INFO",
        "200 INVITE",
        "200 OPTIONS",
        "200 REGISTER",
        "400 OPTIONS",
        "401 REGISTER",
        "403 INVITE",
        "405 PUBLISH",
        "416 OPTIONS",
        "420 OPTIONS",
        "423 REGISTER",
        "481 BYE",
        "487 INVITE",
        "503 INVITE",
        "505 OPTIONS",
        "ACK",
        "BYE",
        "CANCEL",
        "INVITE",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[test]
fn the_valid_corpus_is_read_alike_by_another() {
    for (name, bytes) in corpus("valid") {
        assert_eq!(gist_by_sipx(&bytes), gist(&parse(&bytes).unwrap()), "{name}");
    }
}
