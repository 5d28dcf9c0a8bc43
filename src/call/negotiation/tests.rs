//! What is offered and answered: codecs, keys, certificates, browsers.

use super::*;

const KEY: &str = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const PRINT: &str = "sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB";

fn leg(srtp: Srtp, keying: Keying) -> LegMedia {
    let terms = Terms {
        address: "203.0.113.10".parse().expect("an address"),
        policy: AudioPolicy { srtp, keying, ..AudioPolicy::default() },
        certificate: Some(Fingerprint { hash: "sha-256".into(), digest: vec![7; 32] }),
        candidates: Vec::new(),
    };
    LegMedia::new(StreamId(1), 20_000, terms, &mut Dice::from_number(1))
}

fn offer(lines: &str) -> String {
    format!("v=0\r\nc=IN IP4 192.0.2.1\r\n{lines}")
}

fn answered(leg: &mut LegMedia, lines: &str) -> (String, Aim) {
    let (sdp, aim) = leg.answer(offer(lines).as_bytes(), None).expect("answered");
    (String::from_utf8(sdp.to_vec()).expect("text"), aim)
}

#[test]
fn of_two_lines_the_one_that_the_policy_likes_is_taken_and_the_other_refused_in_its_place() {
    let both = format!(
        "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\r\nm=audio 4002 RTP/AVP 8\r\n"
    );
    let (text, aim) = answered(&mut leg(Srtp::Off, Keying::Sdes), &both);
    assert!(text.contains("m=audio 0 RTP/SAVP 8") && text.contains("m=audio 20000 RTP/AVP 8"));
    assert_eq!((aim.guard, aim.rtp.port()), (Guard::Plain, 4002));
    let (text, aim) = answered(&mut leg(Srtp::Preferred, Keying::Sdes), &both);
    assert!(text.contains("m=audio 20000 RTP/SAVP 8") && text.contains("m=audio 0 RTP/AVP 8"));
    assert!(matches!(aim.guard, Guard::Sdes { .. }));
}

#[test]
fn a_secure_offer_is_answered_securely_whatever_the_policy_says() {
    for srtp in [Srtp::Off, Srtp::Preferred, Srtp::Required] {
        let lines = format!(
            "m=audio 4000 RTP/SAVP 8\r\na=crypto:7 AES_CM_128_HMAC_SHA1_32 {KEY}\r\n\
             a=crypto:9 AES_CM_128_HMAC_SHA1_80 {KEY}|2^31\r\n"
        );
        let (text, aim) = answered(&mut leg(srtp, Keying::Dtls), &lines);
        assert!(text.contains("a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:"), "{text}");
        let Guard::Sdes { ours, theirs } = aim.guard else { panic!("{text}") };
        assert_eq!((ours.suite, theirs.suite), (Suite::AesCm128Sha80, Suite::AesCm128Sha80));
        assert_ne!(ours, theirs);
        let lines = format!(
            "m=audio 4000 UDP/TLS/RTP/SAVP 8\r\na=setup:actpass\r\na=fingerprint:{PRINT}\r\n"
        );
        let (text, aim) = answered(&mut leg(srtp, Keying::Sdes), &lines);
        assert!(
            text.contains("a=setup:passive\r\n") && text.contains("a=fingerprint:sha-256 07:07")
        );
        assert!(matches!(aim.guard, Guard::Dtls { active: false, .. }));
    }
}

#[test]
fn a_caller_in_plain_is_taken_and_told_of() {
    let mut leg = leg(Srtp::Required, Keying::Sdes);
    let (_, aim) = answered(&mut leg, "m=audio 4000 RTP/AVP 8\r\n");
    assert_eq!(aim.guard, Guard::Plain);
    assert!(leg.is_bare());
}

#[test]
fn keys_stay_over_a_change_of_the_session() {
    let mut leg = leg(Srtp::Off, Keying::Sdes);
    let lines = format!("m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n");
    let (_, before) = answered(&mut leg, &lines);
    let (_, after) = answered(&mut leg, &format!("{lines}a=sendonly\r\n"));
    assert_eq!(before.guard, after.guard);
    assert!(!after.send);
}

#[test]
fn our_offer_says_what_the_policy_wants_and_the_answer_is_held_to_it() {
    let cases = [
        (Srtp::Off, Keying::Sdes, "RTP/AVP", None),
        (Srtp::Preferred, Keying::Sdes, "RTP/AVP", Some("a=crypto:1 AEAD_AES_256_GCM inline:")),
        (Srtp::Required, Keying::Sdes, "RTP/SAVP", Some("a=crypto:3 AES_CM_128_HMAC_SHA1_80 ")),
        (Srtp::Preferred, Keying::Dtls, "RTP/AVP", Some("a=setup:actpass")),
        (Srtp::Required, Keying::Dtls, "UDP/TLS/RTP/SAVP", Some("a=fingerprint:sha-256 07:")),
    ];
    for (srtp, keying, protocol, has) in cases {
        let mut leg = leg(srtp, keying);
        let text = String::from_utf8(leg.offer(Some(Codec::Pcmu)).to_vec()).expect("text");
        assert!(
            text.contains(&format!("m=audio 20000 {protocol} 0 8 9 111 101 110\r\n")),
            "{text}"
        );
        assert!(has.is_none_or(|has| text.contains(has)), "{text}");
        let plain = offer(&format!("m=audio 4000 {protocol} 8\r\n"));
        let taken = leg.take_answer(plain.as_bytes());
        assert_eq!(taken.is_ok(), srtp != Srtp::Required, "{srtp:?} {taken:?}");
        if keying == Keying::Sdes && srtp != Srtp::Off {
            let key = format!(
                "m=audio 4000 {protocol} 8\r\na=crypto:3 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n"
            );
            let aim = leg.take_answer(offer(&key).as_bytes()).expect("taken");
            assert!(matches!(aim.guard, Guard::Sdes { .. }));
            // A key of a number that we gave to another suite.
            let wrong = key.replace("crypto:3", "crypto:1");
            assert_eq!(leg.take_answer(offer(&wrong).as_bytes()), Err(Unusable::NotProtected));
        }
        if keying == Keying::Dtls {
            let print = format!(
                "m=audio 4000 {protocol} 8\r\na=setup:passive\r\na=fingerprint:{PRINT}\r\n"
            );
            let aim = leg.take_answer(offer(&print).as_bytes()).expect("taken");
            assert!(matches!(aim.guard, Guard::Dtls { active: true, .. }));
        }
    }
}

#[test]
fn a_codec_that_nobody_has_is_answered_with_pcma_the_first_time_only() {
    let mut leg = leg(Srtp::Off, Keying::Sdes);
    let (text, aim) = answered(&mut leg, "m=audio 4000 RTP/AVP 18\r\n");
    assert!(text.contains("m=audio 20000 RTP/AVP 8\r\n"), "{text}");
    assert_eq!(aim.codec, Codec::Pcma);
    let again = leg.answer(offer("m=audio 4000 RTP/AVP 18\r\n").as_bytes(), None);
    assert_eq!(again.map(drop), Err(Unusable::NoCodec));
    assert_eq!(leg.codec(), Some(Codec::Pcma), "what was agreed stays");
    let (text, aim) =
        answered(&mut leg, "m=audio 4000 RTP/AVP 9 111\r\na=rtpmap:111 opus/48000/2\r\n");
    assert_eq!(aim.codec, Codec::G722, "{text}");
}

#[test]
fn a_browser_is_offered_all_that_it_needs_and_answered_as_it_asks() {
    let terms = Terms {
        candidates: vec!["203.0.113.10:19999".parse().expect("an address")],
        ..leg(Srtp::Off, Keying::Sdes).terms
    };
    let (mut leg, login, _) = LegMedia::of_browser(StreamId(1), terms, &mut Dice::from_number(2));
    let text = String::from_utf8(leg.offer(None).to_vec()).expect("text");
    for has in [
        "m=audio 19999 UDP/TLS/RTP/SAVPF 8 0 9 111",
        "a=ice-lite\r\n",
        "a=rtcp-mux\r\n",
        "a=group:BUNDLE 0\r\n",
        "a=mid:0\r\n",
        "a=setup:actpass\r\n",
        " 203.0.113.10 19999 typ host\r\n",
        &format!("a=ice-ufrag:{}\r\n", login.ufrag),
    ] {
        assert!(text.contains(has), "{has}: {text}");
    }
    let browser = format!(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 8 110 126\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:active\r\na=fingerprint:{PRINT}\r\na=mid:0\r\n\
         a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n\
         a=rtpmap:126 telephone-event/8000\r\na=sendrecv\r\n"
    );
    let aim = leg.take_answer(offer(&browser).as_bytes()).expect("taken");
    assert!(aim.mux && aim.send && aim.receive, "{aim:?}");
    assert_eq!((aim.codec, aim.events), (Codec::Opus, Some(110)));
    assert_eq!(aim.ice.map(|ice| ice.ufrag), Some("abcd".to_owned()));
    let held = browser.replace("a=setup:active", "a=setup:actpass").replace("sendrecv", "sendonly");
    let (text, aim) = answered(&mut leg, &format!("a=group:BUNDLE 0\r\n{held}"));
    assert!(!aim.send, "on hold");
    assert!(text.contains("a=recvonly\r\n") && text.contains("a=group:BUNDLE 0\r\n"), "{text}");
    assert!(text.contains("a=setup:passive\r\n"), "{text}");
    // A hold keeps the login; ICE that is begun anew gets a new one; an offer that is refused changes nothing.
    let dice = &mut Dice::from_number(3);
    let (_, kept) = leg.answer_change(offer(&held).as_bytes(), dice).expect("taken");
    assert_eq!(kept, None);
    let anew = browser.replace("ufrag:abcd", "ufrag:efgh").replace("setup:active", "setup:actpass");
    let refused = anew.replace("111 8", "97").replace("a=rtpmap:111 opus", "a=rtpmap:97 speex");
    assert!(leg.answer_change(offer(&refused).as_bytes(), dice).is_err());
    let before = leg.login.clone().expect("a login");
    assert_eq!(before, login);
    let (text, fresh) = leg.answer_change(offer(&anew).as_bytes(), dice).expect("taken");
    let (text, fresh) = (String::from_utf8(text.to_vec()).expect("text"), fresh.expect("a login"));
    assert!(fresh.ufrag != login.ufrag && fresh.password != login.password);
    assert!(text.contains(&format!("a=ice-ufrag:{}\r\n", fresh.ufrag)), "{text}");
    let (_, again) = leg.answer_change(offer(&anew).as_bytes(), dice).expect("taken");
    assert_eq!(again, None, "the same login once more is no restart");
}

const T140: &str = "a=rtpmap:98 t140/1000\r\n";

fn with_text(srtp: Srtp, keying: Keying) -> LegMedia {
    let mut leg = leg(srtp, keying);
    leg.set_text(20_004, &mut Dice::from_number(2));
    leg
}

#[test]
fn text_is_as_safe_as_the_policy_likes_and_never_costs_the_call() {
    let audio = "m=audio 4000 RTP/AVP 8\r\n";
    let key = format!("a=crypto:4 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n");
    let plain = format!("m=text 4004 RTP/AVP 98\r\n{T140}");
    let safe = format!("m=text 4006 RTP/SAVP 98\r\n{T140}{key}");
    let keyless = format!("m=text 4006 RTP/SAVP 98\r\n{T140}");
    for (srtp, lines, taken, encrypted) in [
        (Srtp::Off, vec![&plain, &safe], "m=text 20004 RTP/AVP 98", false),
        (Srtp::Off, vec![&safe], "m=text 20004 RTP/SAVP 98", true),
        (Srtp::Off, vec![&format!("{plain}{key}")], "m=text 20004 RTP/AVP 98", false),
        // Keys in a plain line (RFC 8643).
        (Srtp::Preferred, vec![&format!("{plain}{key}")], "m=text 20004 RTP/AVP 98", true),
        (Srtp::Preferred, vec![&plain, &safe], "m=text 20004 RTP/SAVP 98", true),
        (Srtp::Required, vec![&plain], "m=text 20004 RTP/AVP 98", false),
        (Srtp::Required, vec![&keyless], "m=text 0 RTP/SAVP 98", false),
    ] {
        let lines: String = lines.into_iter().map(String::as_str).collect();
        let mut leg = with_text(srtp, Keying::Sdes);
        let (answer, aim) = answered(&mut leg, &format!("{audio}{lines}"));
        assert!(answer.contains("m=audio 20000 ") && answer.contains(taken), "{lines}: {answer}");
        let guard = aim.text.as_ref().map(|text| &text.guard);
        assert_eq!(matches!(guard, Some(Guard::Sdes { .. })), encrypted, "{lines}: {answer}");
        let again = answered(&mut leg, &format!("{audio}{lines}")).1;
        assert_eq!(again.text, aim.text, "keys stay over a change of the session");
    }
}

#[test]
fn our_offer_of_text_is_safe_in_its_own_way_and_only_text_is_lost_with_a_bad_answer() {
    for (srtp, keying, line, plain_is_taken) in [
        (Srtp::Off, Keying::Sdes, "m=text 20004 RTP/AVP 100 98\r\n", true),
        (Srtp::Preferred, Keying::Dtls, "m=text 20004 RTP/AVP 100 98\r\n", true),
        (Srtp::Required, Keying::Sdes, "m=text 20004 RTP/SAVP 100 98\r\n", false),
    ] {
        let mut leg = with_text(srtp, keying);
        leg.terms.policy.text = true;
        let said = String::from_utf8(leg.offer(None).to_vec()).expect("text");
        let (_, text) = said.split_once(line).expect(line);
        assert!(text.contains("a=rtt-mixer\r\n"), "{said}");
        assert_eq!(text.contains("a=crypto:1 "), srtp != Srtp::Off, "{said}");
        let audio = match srtp {
            Srtp::Required => {
                let (tag, _) = said.split_once(" AES_CM_128_HMAC_SHA1_80 ").expect("a suite");
                let tag = tag.chars().last().expect("a tag");
                format!("m=audio 4 RTP/SAVP 8\r\na=crypto:{tag} AES_CM_128_HMAC_SHA1_80 {KEY}\r\n")
            }
            _ => "m=audio 4 RTP/AVP 8\r\n".to_owned(),
        };
        let mut answer = |lines: &str| {
            let lines = format!("{audio}m=text 8 RTP/{lines}");
            leg.take_answer(offer(&lines).as_bytes()).expect("audio is agreed").text
        };
        assert_eq!(answer(&format!("AVP 98\r\n{T140}")).is_some(), plain_is_taken);
        assert_eq!(answer(&format!("SAVP 98\r\n{T140}")), None, "no key");
        let wrong = format!("SAVP 98\r\n{T140}a=crypto:9 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n");
        assert_eq!(answer(&wrong), None, "a key that was not offered");
    }
}
