//! The SIPp scenarios of `sip-scenarios` against the real program: one story a test, each told by
//! SIPp's own verdict and by the incident record that the call left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::iter::successors;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use support::gateway::{Centre, Gateway, TEST_NUMBER, account, edit};
use support::phone::{Dialog, Message, Phone, companion};
use support::record::Incident;
use support::sipp::{Sipp, received};
use support::tone::{self, RATE, SEAT_HERTZ, assert_tone, talk};
use support::wait::until;

/// The times that an answered call has, in order.
const ANSWERED: [&str; 4] = ["received_at", "queued_at", "answered_at", "ended_at"];
/// An INVITE of a carrier's switch, as captured.
const PLAIN: &[u8] = include_bytes!("../sip-scenarios/trunk/invite-plain-trunk.sip");
/// An INVITE of an i3 network: five body parts.
const NG112: &[u8] = include_bytes!("../sip-scenarios/trunk/invite-ng-multipart.sip");

fn centre(seats: u8) -> Gateway {
    Centre { seats, ..Centre::default() }.start()
}

/// A caller's scenario against seats that answer: the whole story of most answered calls.
fn answered(scenario: &str) -> (Gateway, Incident, String) {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let messages = Sipp::trunk(&gateway, scenario).with(&["-d", "300"]).run();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.text("seat"), "seat-1");
    assert_eq!(incident.offers(), ["seat-1 answered"]);
    incident.assert_order(&ANSWERED);
    (gateway, incident, messages)
}

/// The trunk as a small phone of our own, and a call that it is about to make.
fn caller(gateway: &Gateway) -> (Phone, Dialog) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    (trunk, call)
}

/// A call that the first seat does not take: the second does, and the caller hears only 180.
fn second_seat_takes(first: &str, ring_timeout: u32, first_offer: &str) {
    let gateway = Centre { seats: 2, ring_timeout, ..Centre::default() }.start();
    let first = Sipp::seat(&gateway, 1, first);
    // The seat that has been idle longest is offered first, and seat 1 signed in first.
    let second = Sipp::seat(&gateway, 2, "seat-answers-expect-bye");
    let messages = Sipp::trunk(&gateway, "caller-hangs-up-expect-200").with(&["-d", "200"]).run();
    first.finish();
    second.finish();
    assert_eq!(received(&messages, "SIP/2.0 180", "INVITE"), 1);
    let incident = gateway.incident();
    assert_eq!(incident.offers(), [first_offer, "seat-2 answered"]);
    assert_eq!(incident.text("seat"), "seat-2");
    assert_eq!(incident.ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn a_caller_is_answered_and_hangs_up() {
    let (gateway, incident, _) = answered("caller-hangs-up-expect-200");
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert_eq!(incident.text("trunk"), "telco-a");
    assert_eq!(incident.text("queue"), "darurat");
    assert_eq!(incident.text("operator"), "operator-1");
    assert_eq!(incident.text("answer_mode"), "on_agent");
    assert_eq!(incident.text("caller.header"), "P-Asserted-Identity");
    assert_eq!(incident.text("caller.trust"), "asserted");
    assert!(incident.text("caller.phone.e164").starts_with("+6281"));
    gateway.stop();
}

#[test]
fn the_seat_hangs_up() {
    let gateway = centre(1);
    let seat = Sipp::seats(&gateway, 1, "seat-hangs-up-expect-200", &["-d", "300"]);
    Sipp::trunk(&gateway, "caller-stays-expect-bye").run();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking seat hung-up");
    incident.assert_order(&ANSWERED);
    gateway.stop();
}

#[test]
fn a_caller_who_leaves_the_queue_has_a_record() {
    let gateway = centre(1);
    Sipp::trunk(&gateway, "caller-cancels-expect-487").with(&["-d", "300"]).run();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "waiting caller cancelled");
    assert!(incident.offers().is_empty());
    incident.assert_order(&["received_at", "queued_at", "ended_at"]);
    assert_eq!(incident.text("answered_at"), "");
    gateway.stop();
}

#[test]
fn a_caller_who_leaves_while_a_seat_rings_silences_it() {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-rings-on-expect-cancel");
    Sipp::trunk(&gateway, "caller-cancels-expect-487").with(&["-d", "1000"]).run();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "ringing caller cancelled");
    assert_eq!(incident.offers(), ["seat-1 caller-left"]);
    gateway.stop();
}

#[test]
fn a_busy_seat_passes_the_call_on() {
    second_seat_takes("seat-is-busy-expect-next-seat", 30, "seat-1 busy 486");
}

#[test]
fn a_declining_seat_passes_the_call_on() {
    second_seat_takes("seat-declines-expect-next-seat", 30, "seat-1 declined 603");
}

#[test]
fn a_seat_that_rings_too_long_passes_the_call_on() {
    second_seat_takes("seat-rings-on-expect-cancel", 3, "seat-1 no-answer");
}

#[test]
fn thirty_callers_share_two_seats_and_each_is_answered_once() {
    let gateway = centre(2);
    let many = ["-m", "30"];
    let _seats = [1, 2].map(|n| Sipp::seats(&gateway, n, "seat-answers-expect-bye", &many));
    Sipp::trunk(&gateway, "caller-hangs-up-expect-200")
        .with(&["-m", "30", "-l", "30", "-r", "30", "-d", "100"])
        .run();
    for incident in gateway.incidents(30) {
        assert_eq!(incident.ending(), "talking caller hung-up");
        let answered = incident.offers().iter().filter(|o| o.ends_with("answered")).count();
        assert_eq!(answered, 1, "{incident:?}");
        incident.assert_order(&ANSWERED);
    }
    gateway.stop();
}

#[test]
fn the_caller_holds_and_resumes() {
    let (gateway, incident, _) = answered("caller-holds-expect-matching-direction");
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert!(incident.steps("held") >= 1 && incident.steps("resumed") == 1, "{incident:?}");
    gateway.stop();
}

#[test]
fn the_seat_holds_and_resumes() {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-holds-expect-matching-direction");
    Sipp::trunk(&gateway, "caller-stays-expect-bye").run();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking seat hung-up");
    assert!(incident.steps("held") >= 1 && incident.steps("resumed") == 1, "{incident:?}");
    gateway.stop();
}

/// A test call: looped, ended by the gateway, never queued.
fn test_call(gateway: Gateway, request_uri: &str) {
    Sipp::trunk(&gateway, "caller-makes-test-call-expect-loop-and-bye")
        .with(&["-key", "request_uri", request_uri])
        .run();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "test gateway test-over");
    assert_eq!(incident.text("queued_at"), "");
    gateway.stop();
}

#[test]
fn a_test_call_is_made_by_urn() {
    test_call(centre(1), "urn:service:test.sos");
}

#[test]
fn a_test_call_is_made_by_number() {
    let gateway = centre(1);
    let uri = format!("sip:{TEST_NUMBER}@{}", gateway.sip);
    test_call(gateway, &uri);
}

#[test]
fn an_invite_without_sdp_is_answered_with_an_offer() {
    let (gateway, incident, _) = answered("caller-offers-late-expect-sdp-offer");
    assert_eq!(incident.ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn repeated_requests_make_one_call() {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let media = trunk.local();
    let invite = call.invite(&trunk, media);
    trunk.send(&invite);
    call.await_answer(&trunk);
    trunk.send(&invite);
    call.request(&trunk, "ACK", "", "");
    let bye = call.request(&trunk, "BYE", "", "");
    trunk.send(&bye);
    for _ in 0..2 {
        trunk.await_status(200, "BYE");
    }
    seat.finish();
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn a_lost_ack_is_asked_for_again() {
    let (gateway, incident, messages) = answered("caller-loses-ack-expect-200-again");
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert!(received(&messages, "SIP/2.0 200", "INVITE") >= 2);
    gateway.stop();
}

#[test]
fn an_unanswered_bye_is_sent_again() {
    let gateway = centre(1);
    let seat = Sipp::seats(&gateway, 1, "seat-hangs-up-expect-200", &["-d", "200"]);
    let messages = Sipp::trunk(&gateway, "caller-answers-bye-late-expect-bye-again").run();
    seat.finish();
    assert!(received(&messages, "BYE ", "BYE") >= 2);
    assert_eq!(gateway.incident().ending(), "talking seat hung-up");
    gateway.stop();
}

#[test]
fn a_cancel_that_crosses_the_answer_ends_nothing() {
    let (gateway, incident, _) = answered("caller-cancels-too-late-expect-call-stands");
    assert_eq!(incident.ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn a_caller_who_hears_us_early_acknowledges_it() {
    let both = "answer = \"on_agent\"\nearly_media = \"both\"\n";
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        edit(config, "trunks/telco-a.toml", "answer = \"on_agent\"\n", both);
        std::fs::create_dir_all(config.join("prompts/id")).expect("created");
        tone::file(&config.join("prompts/id/selamat-datang.wav"), 600.0);
    });
    // The seat comes later: an answer must not cross the PRACK.
    let caller =
        Sipp::trunk(&gateway, "caller-hears-us-early-expect-183-and-prack").with(&["-d", "300"]);
    let caller = caller.start();
    until("the caller hears us", || {
        let id = gateway.calls().first()?.text("incident");
        let answer = gateway.get(&format!("/api/v1/incidents/{id}"));
        (answer.status == 200 && Incident(answer.json()).steps("early-media") == 1).then_some(())
    });
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    caller.finish();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    incident.assert_order(&ANSWERED);
    gateway.stop();
}

#[test]
fn a_trunk_without_address_is_known_by_digest() {
    let gateway = Centre { roaming_trunk: true, md5_only: true, ..Centre::default() }.start();
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let call = Sipp::stranger(&gateway, "trunk/caller-from-anywhere-expect-401-then-answer");
    call.account("roaming").with(&["-d", "200"]).run();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.text("trunk"), "roaming");
    assert_eq!(incident.ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn seats_register_with_md5() {
    let gateway = Centre { seats: 4, md5_only: true, ..Centre::default() }.start();
    Sipp::phone(&gateway, 1, "seat-registers-expect-contact").run();
    Sipp::phone(&gateway, 2, "seat-registers-briefly-expect-423").run();
    let wrong = Sipp::phone(&gateway, 3, "seat-registers-with-wrong-password-expect-refusal");
    wrong.with(&["-ap", "salah"]).run();
    Sipp::phone(&gateway, 4, "seat-leaves-expect-no-contact").run();
    let state = |name: &str| gateway.seat(name).expect("listed")["state"].clone();
    assert_eq!(state("seat-1"), "ready");
    for away in ["seat-2", "seat-3", "seat-4"] {
        assert_eq!(state(away), "signed-out", "{away}");
    }
    gateway.stop();
}

#[test]
fn seats_are_offered_sha_256_first() {
    let gateway = centre(1);
    let phone = Phone::at(gateway.site.seat(1), 0, gateway.sip);
    let contact = format!("<sip:seat-1@{}>", phone.local());
    let mut dialog = Dialog::new(&phone, "seat-1", &format!("sip:{}", gateway.sip));
    dialog.request(&phone, "REGISTER", &format!("Contact: {contact}\r\n"), "");
    let challenge = phone.await_status(401, "REGISTER");
    let offered: Vec<bool> =
        challenge.all("WWW-Authenticate").map(|c| c.contains("SHA-256")).collect();
    assert_eq!(offered, [true, false], "RFC 8760: the strongest first, then MD5");
    let answer = phone.register(&account("seat-1"), &contact, 300);
    assert_eq!(answer.status(), Some(200));
    assert!(answer.header("Contact").contains(&phone.local().to_string()), "{answer:?}");
    gateway.stop();
}

#[test]
fn a_trunk_is_told_what_we_can_and_a_stranger_nothing() {
    let gateway = centre(1);
    Sipp::trunk(&gateway, "trunk-pings-expect-capabilities").run();
    Sipp::at(&gateway, gateway.site.trunk(), "hostile/trunk-ends-a-call-that-is-none-expect-481")
        .with(&[&gateway.sip.to_string(), "-s", "112"])
        .run();
    Sipp::stranger(&gateway, "hostile/stranger-pings-expect-silence").run();
    Sipp::stranger(&gateway, "hostile/stranger-invites-expect-403").run();
    assert!(gateway.incidents(0).is_empty());
    gateway.stop();
}

/// Sends a captured INVITE from the trunk's address, gives the call up once it rings, and returns
/// its record. `port` is the one that its Via names, so that any reading of RFC 3261 18.2.2 and
/// RFC 3581 brings the answers back.
fn captured(invite: &[u8], port: u16) -> Incident {
    let gateway = centre(1);
    let trunk = Phone::at(gateway.site.trunk(), port, gateway.sip);
    trunk.send(invite);
    trunk.await_status(100, "INVITE");
    trunk.await_status(180, "INVITE");
    trunk.send(&companion(invite, "CANCEL"));
    trunk.await_status(200, "CANCEL");
    trunk.await_status(487, "INVITE");
    trunk.send(&companion(invite, "ACK"));
    let incident = gateway.incident();
    assert_eq!(incident.raw(), invite, "the INVITE is kept byte for byte");
    assert_eq!(incident.ending(), "waiting caller cancelled");
    assert_eq!(incident.text("caller.phone.e164"), "+6281234567890");
    assert_eq!(incident.text("caller.header"), "P-Asserted-Identity");
    gateway.stop();
    incident
}

#[test]
fn an_invite_of_a_carriers_switch_is_understood() {
    let incident = captured(PLAIN, 5060);
    assert_eq!(incident.text("dialled"), "0328112");
    assert!(incident.understood().contains("1_2231@198.51.100.7"), "{incident:?}");
}

#[test]
fn an_invite_of_an_i3_network_is_understood() {
    let incident = captured(NG112, 5061);
    assert_eq!(incident.text("service"), "urn:service:sos");
    let understood = incident.understood();
    let facts = ["-7.0530", "113.9440", "7f3c1e200001", "1be1-20260917-0001", "510101A2B0C3D4E5"];
    for fact in facts {
        assert!(understood.contains(fact), "{fact} in {understood}");
    }
}

/// What nobody should send, while a call is up: cut short, too long, garbled, repeated.
fn hostile_datagrams(invite: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        (0..invite.len()).step_by(23).map(|n| invite[..n].to_vec()).collect();
    all.extend((1..=40u8).map(|seed| {
        let noise = successors(Some(seed), |byte| Some(byte.wrapping_mul(141).wrapping_add(3)));
        noise.take(usize::from(seed) * 30).collect()
    }));
    all.push(vec![b'A'; 65_507]);
    let mut long = b"OPTIONS sip:112@gateway SIP/2.0\r\nSubject: ".to_vec();
    long.resize(65_507, b'a');
    all.push(long);
    all.push(b"\r\n\r\n".to_vec());
    all.push(b"INVITE sip:112@x SIP/2.0\r\nContent-Length: -1\r\n\r\n".to_vec());
    all.extend([invite.to_vec(), invite.to_vec()]);
    all
}

#[test]
fn no_datagram_ends_a_call_or_the_program() {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let stranger = Phone::at(gateway.site.stranger(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let invite = call.invite(&trunk, audio.local_addr().expect("bound"));
    let answer = call.await_answer(&trunk);
    for datagram in hostile_datagrams(&invite) {
        trunk.send(&datagram);
        stranger.send(&datagram);
        audio.send_to(&datagram, answer.media()).expect("sent");
        // One at a time: what the kernel drops proves nothing.
        assert_eq!(ping(&trunk, &gateway).status(), Some(200));
    }
    call.hang_up(&trunk);
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    gateway.stop();
}

/// OPTIONS from the trunk and its answer; whatever else comes meanwhile is let pass.
fn ping(trunk: &Phone, gateway: &Gateway) -> Message {
    let mut options = Dialog::new(trunk, "ping", &format!("sip:{}", gateway.sip));
    options.request(trunk, "OPTIONS", "", "");
    trunk.await_message("answer to OPTIONS", |m| m.header("Call-ID") == options.call_id)
}

#[test]
fn a_paused_seat_is_not_offered_a_call_until_it_is_ready() {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let pause = r#"{"status":"paused","reason":"sholat"}"#;
    assert_eq!(gateway.post("/api/v1/seats/seat-1/status", pause).status / 100, 2);
    let caller = Sipp::trunk(&gateway, "caller-hangs-up-expect-200").with(&["-d", "200"]).start();
    let id = until("the call is queued", || {
        let listed = Incident::list(&gateway.get("/api/v1/incidents").json());
        let id = listed.first()?.id();
        (gateway.show(&id).steps("queued") == 1).then_some(id)
    });
    // Once more through the switchboard, so that an offer would have been made.
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    ping(&trunk, &gateway);
    assert!(gateway.show(&id).offers().is_empty(), "no offer to a paused seat");
    assert_eq!(
        gateway.post("/api/v1/seats/seat-1/status", r#"{"status":"ready"}"#).status / 100,
        2
    );
    caller.finish();
    seat.finish();
    assert_eq!(gateway.incident().offers(), ["seat-1 answered"]);
    gateway.stop();
}

#[test]
fn the_api_is_closed_without_its_token() {
    let gateway = centre(1);
    let ask = |path| support::http::request(gateway.console, "GET", path, None, "").status;
    assert_eq!(ask("/healthz"), 200);
    for path in ["/api/v1/calls", "/api/v1/incidents", "/api/v1/seats"] {
        assert_eq!(ask(path), 401, "{path}");
    }
    gateway.stop();
}

#[test]
fn a_trunk_on_tcp_talks_with_a_phone_on_udp() {
    let gateway = Centre::of_every_transport().start();
    let phone = Phone::at(gateway.site.seat(1), 5060, gateway.sip);
    let contact = format!("<sip:seat-1@{}>", phone.local());
    phone.register(&account("seat-1"), &contact, 300);
    let ear = UdpSocket::bind((gateway.site.seat(1), 0)).expect("a free port");
    // It sends each packet of audio back: the seat hears itself by way of both legs.
    let over_tcp = ["-t", "t1", "-d", "4000", "-rtp_echo"];
    let trunk = Sipp::at(&gateway, gateway.site.trunk(), "trunk/caller-hangs-up-expect-200")
        .with(&[&gateway.at("tcp").to_string(), "-s", "112"])
        .with(&over_tcp)
        .start();
    let (_, invite) = Dialog::pick_up(&phone, ear.local_addr().expect("bound"));
    let heard = talk(&ear, invite.media(), SEAT_HERTZ, Duration::from_secs(2));
    assert_tone("the echo", &heard, SEAT_HERTZ, RATE);
    phone.accept(&phone.await_request("BYE"));
    let messages = trunk.finish();
    assert!(messages.contains("TCP message sent"), "{messages}");
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert_eq!(incident.text("trunk"), "telco-a");
    gateway.stop();
}

#[test]
fn a_contact_that_leaves_is_not_rung() {
    let gateway = centre(1);
    let phone = Phone::at(gateway.site.seat(1), 5060, gateway.sip);
    let contact = format!("<sip:seat-1@{}>", phone.local());
    phone.register(&account("seat-1"), &contact, 300);
    phone.register(&account("seat-1"), &contact, 0);
    Sipp::trunk(&gateway, "caller-cancels-expect-487").with(&["-d", "300"]).run();
    assert!(phone.receive(Duration::ZERO).is_none(), "no INVITE to a phone that left");
    assert_eq!(gateway.incident().ending(), "waiting caller cancelled");
    gateway.stop();
}

#[test]
fn an_alert_has_a_record_of_its_own_and_a_broken_one_hears_why() {
    let gateway = centre(1);
    Sipp::trunk(&gateway, "trunk-alerts-badly-expect-425").run();
    Sipp::trunk(&gateway, "trunk-alerts-expect-200").run();
    let incident = until("the record", || {
        Incident::list(&gateway.get("/api/v1/incidents").json()).into_iter().next()
    });
    assert_eq!((&*incident.text("origin"), &*incident.text("trunk")), ("cap", "telco-a"));
    let incident = Incident(gateway.get(&format!("/api/v1/incidents/{}", incident.id())).json());
    assert_eq!(incident.text("alert.infos.0.event"), "Gelombang tinggi");
    assert_eq!(incident.text("alert.infos.0.areas.0.name"), "Masalembu");
    assert_eq!(incident.text("locations.0.radius_m"), "5000");
    assert_eq!(incident.steps("alert-received"), 1);
    let story = gateway.story(&incident.id());
    for part in
        ["Actual, Alert, pos-pantau-masalembu@bpbd.example", "Severe", "area         Masalembu"]
    {
        assert!(story.contains(part), "{part} in {story}");
    }
    assert_eq!(
        Incident::list(&gateway.get("/api/v1/incidents").json()).len(),
        1,
        "no record of a broken one"
    );
    gateway.stop();
}

#[test]
fn data_of_a_vehicle_is_on_the_record_acknowledged_and_shown() {
    let gateway = centre(1);
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    Sipp::trunk(&gateway, "vehicle-calls-expect-acknowledgement").with(&["-d", "300"]).run();
    seat.finish();
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    let data = incident.0["additional_data"].as_array().expect("data").clone();
    let kinds: Vec<String> = data.iter().map(|d| Incident(d.clone()).text("purpose")).collect();
    let msd = "EmergencyCallData.eCall.MSD";
    assert_eq!(kinds, [msd, "EmergencyCallData.SubscriberInfo", "", msd]);
    assert_eq!(Incident(data[1].clone()).text("fields.0.value"), "Siti Hasanah");
    assert_eq!(Incident(data[2].clone()).text("content_type"), "application/vnd.example.unknown");
    assert_eq!(Incident(data[3].clone()).text("how"), "INFO");
    let story = gateway.story(&incident.id());
    for part in
        ["fn Siti Hasanah", "unknown part (application/vnd.example.unknown, 9 bytes)", "by INFO"]
    {
        assert!(story.contains(part), "{part} in {story}");
    }
    gateway.stop();
}

#[test]
fn every_scenario_is_explained_and_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sip-scenarios");
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("a README");
    for actor in ["trunk", "seat", "hostile"] {
        for file in std::fs::read_dir(folder.join(actor)).expect("a folder") {
            let path = file.expect("a file").path();
            let (name, stem) = (path.file_name().unwrap(), path.file_stem().unwrap());
            let (name, stem) = (name.to_string_lossy(), stem.to_string_lossy());
            assert!(readme.contains(&format!("`{actor}/{name}`")), "{name} in the README");
            let tests = [include_str!("sipp.rs"), include_str!("support/sipp_caller.rs")];
            assert!(tests.iter().any(|test| test.contains(&*stem)), "{stem} in a test");
        }
    }
}
