//! What holds of an answer to any offer, and between two ends that are both ours.

use proptest::prelude::*;

use super::*;
use crate::sdp::{Description, audio_lines, parse};

const KEYS: [&str; 5] = [
    "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^31",
    "crypto:2 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
    "crypto:3 AEAD_AES_128_GCM inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubG==",
    "crypto:4 AES_CM_128_HMAC_SHA1_80 inline:AAAA UNENCRYPTED_SRTP",
    "fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB",
];
const MORE: [&str; 14] = [
    "rtpmap:99 t140/1000",
    "rtt-mixer",
    "setup:actpass",
    "setup:passive",
    "ice-ufrag:wxyz",
    "ice-pwd:abcdefghijklmnopqrstuvwx",
    "rtcp-mux",
    "mid:a",
    "ptime:60",
    "sendonly",
    "inactive",
    "rtpmap:96 opus/48000/2",
    "rtpmap:97 telephone-event/8000",
    "rtpmap:98 EVS/16000",
];
const PROTOCOLS: [&str; 7] = [
    "RTP/AVP",
    "RTP/AVPF",
    "RTP/SAVP",
    "RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "UDP/TLS/RTP/SAVPF",
    "TCP/MSRP",
];

fn line() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["audio", "audio", "audio", "video", "text", "text", "x"]);
    let formats =
        prop::collection::vec(prop::sample::select(vec![0, 8, 9, 18, 96, 97, 98, 99]), 0..5);
    let more = prop::sample::subsequence([KEYS.as_slice(), MORE.as_slice()].concat(), 0..=10);
    let protocol = prop::sample::select(PROTOCOLS.to_vec());
    (kind, prop::sample::select(vec![0, 9, 4000]), protocol, formats, more).prop_map(
        |(kind, port, protocol, formats, more)| {
            let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
            let more: String = more.iter().map(|it| format!("a={it}\r\n")).collect();
            format!("m={kind} {port} {protocol} {}\r\n{more}", formats.join(" "))
        },
    )
}

fn terms() -> impl Strategy<Value = Terms> {
    let srtp = prop::sample::select(vec![Srtp::Off, Srtp::Preferred, Srtp::Required]);
    let keying = prop::sample::select(vec![Keying::Sdes, Keying::Dtls]);
    let codecs = prop::sample::subsequence(Codec::ALL.to_vec(), 1..=4).prop_shuffle();
    (srtp, keying, codecs, any::<bool>()).prop_map(|(srtp, keying, codecs, certified)| Terms {
        address: "203.0.113.10".parse().expect("an address"),
        policy: AudioPolicy { srtp, keying, codecs: codecs.into(), text: false },
        certificate: certified.then(|| Fingerprint { hash: "sha-256".into(), digest: vec![7; 32] }),
        candidates: vec!["203.0.113.10:19999".parse().expect("an address")],
    })
}

fn leg(terms: Terms, browser: bool, seed: u64) -> LegMedia {
    let mut dice = Dice::from_number(seed);
    if browser {
        LegMedia::of_browser(StreamId(1), terms, &mut dice).0
    } else {
        let mut leg = LegMedia::new(StreamId(1), 20_000, terms, &mut dice);
        leg.set_text(20_004, &mut dice);
        leg
    }
}

/// The text line that our answer took is one of the offer, as safe as the offer wants it.
fn check_text(offer: &Description, answer: &Description, aim: &Aim) {
    let taken = answer.media.iter().filter(|it| it.kind == "text" && it.port != 0).count();
    assert_eq!(taken, usize::from(aim.text.is_some()));
    let Some(text) = &aim.text else { return };
    let ours = sdp::text_lines(answer).into_iter().next().expect("our line");
    let offered = sdp::text_lines(offer).into_iter().find(|it| it.line == ours.line);
    let offered = offered.expect("it is a text line");
    assert_eq!((ours.text, ours.mixer, ours.mux), (offered.text, offered.mixer, offered.mux));
    assert_eq!((text.mixer, text.mux), (offered.mixer, offered.mux));
    assert!(offered.profile == Profile::Plain || text.guard != Guard::Plain);
    match &text.guard {
        Guard::Sdes { ours: key, theirs } => {
            assert_eq!(ours.protection.crypto.first().map(|it| &it.key), Some(key));
            assert!(offered.protection.crypto.iter().any(|it| it.key == *theirs));
            assert!(
                !matches!(&aim.guard, Guard::Sdes { ours, .. } if ours == key),
                "keys of its own"
            );
        }
        Guard::Plain => assert!(ours.protection.crypto.is_empty()),
        Guard::Dtls { .. } => panic!("nobody shakes hands for text"),
    }
}

/// Our answer holds what RFC 3264 §6 asks of it.
fn check(offer: &Description, answer: &[u8], aim: &Aim) {
    let answer = parse(answer).expect("ours is read");
    assert_eq!(answer.media.len(), offer.media.len());
    for (ours, theirs) in answer.media.iter().zip(&offer.media) {
        assert_eq!((&ours.kind, &ours.protocol), (&theirs.kind, &theirs.protocol));
        assert!(!ours.formats.is_empty());
    }
    check_text(offer, &answer, aim);
    let audio = answer.media.iter().enumerate().filter(|(_, it)| it.kind != "text");
    let taken: Vec<usize> = audio.filter(|(_, it)| it.port != 0).map(|(n, _)| n).collect();
    let [taken] = taken[..] else { panic!("{taken:?} are taken") };
    let offered = audio_lines(offer).into_iter().find(|it| it.line == taken).expect("it is audio");
    let speech = |audio: &AudioOffer| sdp::choose(audio, None, &Codec::ALL);
    let in_offer = offered
        .codecs
        .iter()
        .any(|it| it.payload == aim.audio && it.kind == sdp::CodecKind::Speech(aim.codec));
    let emergency = speech(&offered).is_none() && (aim.audio, aim.codec) == (8, Codec::Pcma);
    assert!(in_offer || emergency, "{aim:?} of {offered:?}");
    let ours = audio_lines(&answer).into_iter().next().expect("our line");
    let secure = offered.profile != Profile::Plain;
    assert!(!secure || aim.guard != Guard::Plain, "a line that must be protected is");
    match &aim.guard {
        Guard::Plain => assert!(ours.protection.crypto.is_empty()),
        Guard::Sdes { ours: key, theirs } => {
            let [said] = &ours.protection.crypto[..] else { panic!("one key answers") };
            let same = offered.protection.crypto.iter().find(|it| it.tag == said.tag);
            assert_eq!((&said.key, same.map(|it| &it.key)), (key, Some(theirs)));
            assert_eq!(key.suite, theirs.suite);
            assert_ne!(key.key_salt, theirs.key_salt);
        }
        Guard::Dtls { active, .. } => {
            let setup = if *active { Setup::Active } else { Setup::Passive };
            assert_eq!(ours.protection.setup, Some(setup));
            assert!(ours.protection.fingerprint.is_some());
        }
    }
}

proptest! {
    #[test]
    fn any_offer_is_answered_by_the_rules_or_changes_nothing(
        lines in prop::collection::vec(line(), 0..5),
        then in prop::collection::vec(line(), 0..3),
        terms in terms(),
        browser in any::<bool>(),
    ) {
        let mut leg = leg(terms, browser, 1);
        for lines in [lines, then] {
            let text = format!("v=0\r\nc=IN IP4 192.0.2.1\r\na=group:BUNDLE a\r\n{}", lines.concat());
            let offer = parse(text.as_bytes()).expect("it is read");
            let before = leg.aim();
            match leg.answer(text.as_bytes(), None) {
                Ok((answer, aim)) => check(&offer, &answer, &aim),
                Err(_) => prop_assert_eq!(leg.aim(), before),
            }
        }
    }

    #[test]
    fn two_ends_of_ours_agree(
        ours in terms(),
        theirs in terms(),
        prefer in prop::sample::select(Codec::ALL.to_vec()),
    ) {
        let (mut caller, mut callee) = (leg(ours, false, 1), leg(theirs, false, 2));
        for _ in 0..2 {
            let offer = caller.offer(Some(prefer));
            let (answer, there) = match callee.answer(&offer, Some(prefer)) {
                Ok(answered) => answered,
                // The first time such an offer is answered with PCMA.
                Err(Unusable::NoCodec) => {
                    let has = |codec: &Codec| callee.terms.policy.codecs.contains(codec);
                    prop_assert!(callee.aim.is_some());
                    prop_assert!(!caller.terms.policy.codecs.iter().any(has));
                    break;
                }
                Err(_) => {
                    prop_assert!(callee.terms.certificate.is_none());
                    break;
                }
            };
            let Ok(here) = caller.take_answer(&answer) else {
                prop_assert!(caller.terms.policy.srtp == Srtp::Required || caller.codec().is_none());
                break;
            };
            prop_assert_eq!((here.codec, here.audio, here.events), (there.codec, there.audio, there.events));
            let (here_text, there_text) = (here.text.as_ref(), there.text.as_ref());
            prop_assert_eq!(here_text.is_some(), there_text.is_some_and(|it| {
                it.guard != Guard::Plain || caller.terms.policy.srtp != Srtp::Required
            }));
            match here_text.zip(there_text).map(|(here, there)| (&here.guard, &there.guard)) {
                Some((Guard::Sdes { ours, theirs }, Guard::Sdes { ours: o, theirs: t })) => {
                    prop_assert_eq!((ours, theirs), (t, o));
                }
                Some(both) => prop_assert_eq!(both, (&Guard::Plain, &Guard::Plain)),
                None => {}
            }
            match (&here.guard, &there.guard) {
                (Guard::Plain, Guard::Plain) => {}
                (Guard::Sdes { ours, theirs }, Guard::Sdes { ours: o, theirs: t }) => {
                    prop_assert_eq!((ours, theirs), (t, o));
                }
                (Guard::Dtls { active, .. }, Guard::Dtls { active: other, .. }) => {
                    prop_assert_ne!(active, other);
                }
                both => prop_assert!(false, "{:?}", both),
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), terms in terms()) {
        let mut leg = leg(terms, true, 1);
        let _ = leg.answer(&bytes, None);
        prop_assert!(leg.take_answer(&bytes).is_err());
    }
}
