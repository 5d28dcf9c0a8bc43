//! What comes beside the voice: alerts without a call (RFC 8876), data of vehicles (RFC 8147), additional
//! data (RFC 7852). Exactly the expected records, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]
#![allow(dead_code, reason = "other tests use the rest of the world")]

mod scenario;

use std::time::Duration;

use scenario::{SDP, TRUNK, World, header, in_dialog, invite, seat_address, settings};
use siaga112::incident::alert::{Alert, Alerted};
use siaga112::incident::settings::Kecamatan;
use siaga112::incident::{AdditionalData, DataCame};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::vocabulary::AnswerMode;

/// An alert of a post that watches the sea, as captured.
const CAP: &str = include_str!("fixtures/message-cap.sip");

fn world() -> World {
    let mut settings = settings(1, AnswerMode::OnAgent);
    settings.places = vec![Kecamatan {
        code: "35.29.23".to_owned(),
        name: "Masalembu".to_owned(),
        aliases: Vec::new(),
        island: true,
    }];
    World::of(settings, 40)
}

/// The captured MESSAGE as the trunk sends it for the `n`-th time, with another body where one is given.
fn message(n: u32, body: Option<&str>) -> String {
    let (head, own) = CAP.split_once("\r\n\r\n").expect("a body");
    let body = body.unwrap_or(own);
    let head: String = head
        .lines()
        .map(|line| match line.split_once(':').map(|(name, _)| name) {
            Some("Via") => format!("Via: SIP/2.0/UDP {TRUNK};branch=z9hG4bKcap{n};rport\r\n"),
            Some("Call-ID") => format!("Call-ID: cap-{n}@gw\r\n"),
            Some("Content-Length") => format!("Content-Length: {}\r\n", body.len()),
            _ => format!("{line}\r\n"),
        })
        .collect();
    format!("{head}\r\n{body}")
}

fn alerted(world: &World) -> Vec<&Alerted> {
    let facts = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::AlertReceived(alerted) => Some(&**alerted),
        _ => None,
    });
    facts.collect()
}

fn alarms(world: &World) -> Vec<(&str, &str)> {
    let facts = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Alarm { name, detail } => Some((name.as_str(), detail.as_str())),
        _ => None,
    });
    facts.collect()
}

#[test]
fn an_alert_becomes_a_record_without_a_call_and_is_acknowledged_when_it_is_on_disk() {
    let mut world = world();
    world.slow_journal = true;
    world.hear(TRUNK, &message(1, None));
    assert!(world.sent.is_empty(), "nothing is acknowledged before it is on disk");
    world.journal_catches_up();
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    let found = alerted(&world);
    assert_eq!(found.len(), 1);
    let Alerted { trunk, arrival, alert, .. } = found[0];
    assert_eq!((trunk.as_str(), &*arrival.dialled), ("telco-b", "urn:service:sos"));
    assert_eq!(
        arrival.call_info,
        ["<cid:alert1@bpbd.sumenep.example>;purpose=EmergencyCallData.cap"]
    );
    assert_eq!(arrival.kecamatan.as_deref(), Some("35.29.23"));
    assert_eq!(arrival.findings, [""; 0]);
    let place = &arrival.locations[0];
    assert_eq!((&*place.shape, place.latitude.as_deref()), ("Circle", Some("-5.5800")));
    assert_eq!(
        (place.longitude.as_deref(), place.radius_m.as_deref()),
        (Some("114.4300"), Some("5000"))
    );
    let Some(Alert { identifier, sender, sent, status, msg_type, scope, infos, .. }) = alert else {
        panic!("an alert");
    };
    assert_eq!(
        [identifier, sender, sent, status, msg_type, scope],
        [
            "SMP-BPBD-0001",
            "pos-pantau-masalembu@bpbd.sumenep.example",
            "2026-09-17T12:12:31+07:00",
            "Actual",
            "Alert",
            "Private"
        ]
    );
    let info = &infos[0];
    assert_eq!(
        [&*info.language, &*info.event, &*info.urgency, &*info.severity, &*info.certainty],
        ["id", "Gelombang tinggi", "Immediate", "Severe", "Observed"]
    );
    assert_eq!((&*info.categories, &*info.areas[0].name), (&["Met".to_owned()][..], "Masalembu"));
    // A person is told, and no call was made of it.
    let (name, detail) = alarms(&world)[0];
    assert_eq!(name, "alert-received");
    assert!(
        detail.ends_with("by trunk telco-b, status Actual, severity Severe, urgency Immediate"),
        "{detail}"
    );
    assert!(world.look().calls.is_empty());
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}

#[test]
fn a_slow_disk_holds_an_alert_back_for_a_bounded_time() {
    let mut world = world();
    world.slow_journal = true;
    world.hear(TRUNK, &message(1, None));
    world.pass(Duration::from_millis(249));
    assert!(world.sent.is_empty());
    world.pass(Duration::from_millis(1));
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    assert!(alarms(&world).iter().any(|(name, _)| *name == "journal-slow"));
}

#[test]
fn what_is_no_alert_is_answered_with_425_and_the_reason_and_a_person_hears_of_it() {
    let own = CAP.split_once("\r\n\r\n").expect("a body").1;
    let mut world = world();
    let cases = [
        (own.replace("<sender>", "<x>").replace("</sender>", "</x>"), 102, "purpose of the alert"),
        (own.replace("</info>", ""), 103, "corrupted"),
        (own.replace("<alert ", "<!DOCTYPE alert><alert "), 100, "Cannot process"),
        (own.replace("EmergencyCallData.cap+xml", "ISUP"), 101, "not present"),
        (String::new(), 101, "not present"),
    ];
    for (n, (body, code, text)) in (1..).zip(cases) {
        world.hear(TRUNK, &message(n, Some(&body)));
        assert!(world.last().starts_with("SIP/2.0 425 Bad Alert Message"), "{}", world.last());
        let error = header(&world.last(), Name::AlertMsgError);
        assert!(error.starts_with(&format!("{code};code=\"")) && error.contains(text), "{error}");
        assert_eq!(alarms(&world).last().map(|(name, _)| *name), Some("alert-unreadable"));
        // Alarms of one kind are told once a second.
        world.pass(Duration::from_secs(2));
    }
    assert!(alerted(&world).is_empty());
}

#[test]
fn an_alert_that_comes_twice_has_one_record_and_an_update_has_its_own() {
    let mut world = world();
    world.hear(TRUNK, &message(1, None));
    world.hear(TRUNK, &message(2, None));
    assert!(world.last().starts_with("SIP/2.0 200") && world.last().contains("cap-2@gw"));
    assert_eq!(alerted(&world).len(), 1);
    let own = CAP.split_once("\r\n\r\n").expect("a body").1;
    let update = own.replace("12:12:31", "12:20:00").replace(">Alert<", ">Update<");
    world.hear(TRUNK, &message(3, Some(&update)));
    assert_eq!(alerted(&world).len(), 2);
}

#[test]
fn alerts_are_taken_from_trunks_alone() {
    let mut world = world();
    let stranger = "192.0.2.66:5060";
    world.hear(stranger, &message(1, None).replace(TRUNK, stranger));
    assert!(world.sent.is_empty(), "a stranger hears nothing");
    world.register(1);
    let seat = seat_address(1);
    world.hear(&seat, &message(2, None).replace(TRUNK, &seat));
    assert!(!world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    assert!(alerted(&world).is_empty());
}

/// A vehicle's INVITE: a description and its data.
fn vehicle(data: &str) -> String {
    let body = format!(
        "--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b\r\n\
         Content-Type: application/EmergencyCallData.eCall.MSD\r\nContent-ID: <msd1@car.example>\r\n\
         Content-Disposition: by-reference;handling=optional\r\n\r\n{data}\r\n--b--\r\n"
    );
    let plain = invite(1, "urn:service:sos.ecall.automatic", "");
    let (head, _) = plain.split_once("Content-Type").expect("a type");
    format!(
        "{head}Call-Info: <cid:msd1@car.example>;purpose=EmergencyCallData.eCall.MSD\r\n\
         Recv-Info: EmergencyCallData.eCall.MSD\r\nContent-Type: multipart/mixed;boundary=b\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn data_of_a_vehicle_is_kept_acknowledged_in_the_200_and_taken_again_by_info() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(TRUNK, &vehicle("\u{2}MSD-1"));
    world.seat_says(1, 200);
    let ok = world.last_response(1, "200");
    assert_eq!(header(&ok, Name::RecvInfo), "EmergencyCallData.eCall.MSD");
    assert!(ok.contains("m=audio ") && ok.contains("Content-Disposition: by-reference"), "{ok}");
    assert!(ok.contains("<ack ref=\"msd1@car.example\" received=\"true\"/>"), "{ok}");
    let named = header(&ok, Name::CallInfo);
    let id = named.trim_start_matches("<cid:").split('>').next().unwrap_or_default().to_owned();
    assert!(
        ok.contains(&format!("Content-ID: <{id}>"))
            && named.ends_with("purpose=EmergencyCallData.Control")
    );
    let kept = world.facts.iter().find_map(|entry| match &entry.fact {
        Fact::Arrived { arrival, .. } => Some(arrival.additional_data.clone()),
        _ => None,
    });
    let kept = kept.expect("an arrival");
    assert_eq!(
        (&*kept[0].purpose, &kept[0].body.0[..]),
        ("EmergencyCallData.eCall.MSD", &b"\x02MSD-1"[..])
    );

    world.ack(1);
    let info = in_dialog(1, &ok, "INFO", 2, "\u{2}MSD-2")
        .replace("application/sdp", "application/EmergencyCallData.eCall.MSD")
        .replacen("Content-Type", "Info-Package: EmergencyCallData.eCall.MSD\r\nContent-Type", 1);
    world.hear(TRUNK, &info);
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    let came = world.facts.iter().find_map(|entry| match &entry.fact {
        Fact::DataCame(came) => Some((came.how.clone(), came.data.body.0.to_vec())),
        _ => None,
    });
    assert_eq!(came, Some(("INFO".to_owned(), b"\x02MSD-2".to_vec())));
    let shown = &world.look().calls[0].brief;
    assert_eq!(shown.data.iter().map(|data| data.bytes).collect::<Vec<_>>(), [6, 6]);
}

#[test]
fn what_is_named_elsewhere_is_asked_for_beside_the_call_and_an_alert_that_comes_is_placed() {
    let mut world = world();
    let names: String = (0..6)
        .map(|n| {
            format!("Call-Info: <https://adr.example/{n}>;purpose=EmergencyCallData.Comment\r\n")
        })
        .collect();
    let text = invite(1, "sip:0328112@203.0.113.10", SDP);
    world.hear(TRUNK, &text.replacen("Content-Type:", &format!("{names}Content-Type:"), 1));
    assert!(world.ladder.iter().any(|line| line.contains(" 180")), "nobody waits for it");
    let wanted: Vec<&str> = world.data_wanted.iter().map(|(_, _, uri)| uri.as_str()).collect();
    assert_eq!(wanted, ["0", "1", "2", "3"].map(|n| format!("https://adr.example/{n}")));
    // It comes: in the place of the reference. The next does not: the reference stays.
    let (call, purpose, uri) = world.data_wanted[0].clone();
    let comment = "<c><Comment>Kursi roda</Comment></c>";
    let content_type = "application/EmergencyCallData.Comment+xml".to_owned();
    let (fields, _) = siaga112::incident::data::fields(&content_type, comment.as_bytes());
    let body = siaga112::incident::Raw(comment.as_bytes().into());
    let data = AdditionalData { purpose, content_type, body, fields };
    let (how, none) = ("adr.example".to_owned(), Vec::new());
    let came = DataCame { call, how, data, reference: Some(uri), findings: none, alert: None };
    world.take(Input::DataFetched(Box::new(came)));
    let brief = world.look().calls[0].brief.clone();
    assert_eq!(
        (brief.data.len(), brief.data[0].fields[0].value.reveal().as_str()),
        (6, "Kursi roda")
    );
    assert_eq!(brief.data[1].bytes, 0);

    // An alert by reference: its area is a place of the record.
    let head = "Call-Info: <https://bpbd.example/a>;purpose=EmergencyCallData.cap";
    let text = message(1, Some("")).replacen(
        "Call-Info: <cid:alert1@bpbd.sumenep.example>;purpose=EmergencyCallData.cap",
        head,
        1,
    );
    world.hear(TRUNK, &text);
    let (call, purpose, uri) = world.data_wanted.last().cloned().expect("asked");
    assert_eq!(
        (purpose.as_str(), uri.as_str()),
        ("EmergencyCallData.cap", "https://bpbd.example/a")
    );
    let (from, to) = (CAP.find("<alert "), CAP.find("</alert>"));
    let xml = &CAP[from.expect("an alert")..to.expect("its end") + "</alert>".len()];
    let alert = siaga112::incident::alert::read(xml.as_bytes()).expect("an alert");
    let data = AdditionalData { purpose, content_type: "x/y".to_owned(), ..Default::default() };
    let (how, findings, alert) = ("bpbd.example".to_owned(), Vec::new(), Some(Box::new(alert)));
    let came = DataCame { call, how, data, reference: Some(uri), findings, alert };
    world.take(Input::DataFetched(Box::new(came)));
    let located = world.facts.iter().any(|entry| match &entry.fact {
        Fact::Located(located) => located.call == Some(call) && located.place.is_some(),
        _ => false,
    });
    assert!(located, "{:?}", world.facts.last());
}

#[test]
fn what_a_carrier_sends_and_nobody_can_read_is_kept_once_in_a_while() {
    let mut world = world();
    let kept = |world: &World| -> Vec<String> {
        let facts = world.facts.iter().filter_map(|entry| match &entry.fact {
            Fact::MalformedMessage(it) => Some(it.text.display().into_owned()),
            _ => None,
        });
        facts.collect()
    };
    world.hear(TRUNK, "HELO telco-b\r\n\r\n");
    world.hear(TRUNK, "HELO again\r\n\r\n");
    assert_eq!(kept(&world), ["HELO telco-b\r\n\r\n"]);
    world.pass(Duration::from_secs(11));
    world.hear(TRUNK, "HELO later\r\n\r\n");
    world.hear("192.0.2.66:5060", "HELO stranger\r\n\r\n");
    assert_eq!(kept(&world).len(), 2, "of strangers nothing is kept");
}
