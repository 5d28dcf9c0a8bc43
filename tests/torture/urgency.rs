//! A glance and the full parser see the same message: what the lanes sort by is what the switchboard
//! then reads.

use std::hash::{BuildHasher, RandomState};

use siaga112::sip::Method;
use siaga112::sip::parse::{NotSip, Oddity};
use siaga112::sip::urgency::{Urgency, glance};

use super::*;

/// The class by the full parser.
fn parsed(bytes: &Bytes) -> Result<(Urgency, Option<String>), NotSip> {
    let request = match parse(bytes)?.message {
        Message::Response(_) => return Ok((Urgency::InProgress, None)),
        Message::Request(request) => request,
    };
    let tagged = request.headers.to().is_some_and(|to| to.tag().is_some());
    let urgency = match request.method {
        Method::Ack | Method::Bye | Method::Cancel | Method::Prack => Urgency::InProgress,
        Method::Register => Urgency::Register,
        Method::Subscribe | Method::Publish => Urgency::Subscription,
        _ if tagged => Urgency::InProgress,
        Method::Invite => Urgency::Call,
        Method::Options => Urgency::Options,
        Method::Notify => Urgency::Subscription,
        _ => Urgency::Other,
    };
    let named = request.method == Method::Cancel || urgency == Urgency::Call;
    let branch = request.headers.via().map(|via| via.branch().to_owned());
    let branch = branch.filter(|b| named && b.len() > 7 && b.starts_with("z9hG4bK"));
    Ok((urgency, branch))
}

fn agree(bytes: &Bytes) {
    let hasher = RandomState::new();
    let seen = glance(bytes, &hasher);
    let text = String::from_utf8_lossy(bytes);
    // What the parser leaves out of too many headers is not left out at a glance.
    if parse(bytes).is_ok_and(|read| read.oddities.contains(&Oddity::TooManyHeaders)) {
        return;
    }
    match parsed(bytes) {
        Err(_) => assert_eq!(seen.urgency, Urgency::Junk, "{text}"),
        Ok((urgency, branch)) => {
            assert_eq!(seen.urgency, urgency, "{text}");
            let branch = branch.map(|branch| hasher.hash_one(branch.as_str()));
            assert_eq!(seen.branch, branch, "{text}");
        }
    }
}

#[test]
fn a_glance_agrees_with_the_parser_on_the_corpus_and_on_all_that_we_send() {
    for bytes in corpus("valid").into_values().chain(corpus("invalid").into_values()) {
        agree(&bytes);
    }
    for sent in ours() {
        agree(&Bytes::from(sent.text));
    }
}

/// Lines that a start line, a Via or a To may be, right and nearly right.
fn pieces() -> impl Strategy<Value = String> {
    let methods = "INVITE|ACK|BYE|CANCEL|PRACK|OPTIONS|REGISTER|SUBSCRIBE|NOTIFY|PUBLISH|INFO|\
                   UPDATE|MESSAGE|REFER|invite|N{1,70}|SIP/2.0|SIP/x";
    let start = format!("({methods})[ \t]{{1,2}}(sip:a|<sip:a>|200|099|<|)[ ]?(SIP/2.0|sip/3|OK|)");
    let via = "(Via|v|VIA|Vi)[ ]?:[ ]?SIP ?/2.0/UDP h(:5060)?( ;|;)(rport;)?(branch|Branch) ?=?\
               (z9hG4bK[a-c]{0,2}|[a-c])(, SIP/2.0/UDP x;branch=z9hG4bKz)?";
    let to = "(To|t|TO|T)[ ]?:?[ ]?(\"a ?;<?\" )?(<sip:a@b(;tag=9)?>|sip:a@b|<sip:a|)( ;|;|)(x;)?\
              (tag|TAG|Tag)?( ?= ?[a-c]{0,2})?";
    let other = "(Subject|Call-ID|i|From|f)(: ?[a-c]{0,3}|)";
    let end = "(\r\n|\n|\r\n |\n\t|\r\n\r\n|\r)";
    (
        "(\r\n){0,2}",
        prop::string::string_regex(&start).unwrap(),
        prop::collection::vec((end, prop_oneof![via, to, other]), 0..6),
        "(\r\n\r\n|\r\n|)(To: <sip:a>;tag=1)?",
    )
        .prop_map(|(first, start, lines, last)| {
            let lines: String = lines.into_iter().map(|(end, line)| end + &line).collect();
            first + &start + &lines + &last
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_glance_agrees_with_the_parser_on_what_is_nearly_sip(text in pieces()) {
        agree(&Bytes::from(text));
    }

    #[test]
    fn a_glance_agrees_with_the_parser_on_bent_messages(
        which in 0usize..1_000,
        place in 0usize..600,
        byte in any::<u8>(),
        cut in 0usize..1_200,
    ) {
        let corpus: Vec<_> = corpus("valid").into_values().chain(corpus("invalid").into_values()).collect();
        let mut bytes = corpus[which % corpus.len()].to_vec();
        if let Some(bent) = bytes.get_mut(place) {
            *bent = byte;
        }
        if cut < 600 {
            bytes.truncate(cut);
        }
        agree(&Bytes::from(bytes));
    }
}
