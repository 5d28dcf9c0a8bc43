//! Where callers are: told by the network, by a location server and by phones themselves, in any order, and
//! what the record says of it.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails; each test binary uses a part of the harness"
)]

mod scenario;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::hmac;
use scenario::{TRUNK, World, invite, settings};
use serde_json::Value;
use siaga112::incident::settings::{Kecamatan, Neighbour};
use siaga112::incident::{CellKey, LearntCells, aml};
use siaga112::journal::Fact;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order};
use siaga112::vocabulary::{AnswerMode, hex};
use std::time::Duration;
use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::http;
use support::location_server::LocationServer;
use support::pki::Authority;
use support::record::Incident;
use support::site::Site;
use support::wait::until;

const SMS: &str = include_str!("fixtures/aml-sms.txt");
const CELL: &str = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5;\
                    network-provided\r\n";
const BEYOND: &str = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2C0000001;\
                      network-provided\r\n";

// ---- on a virtual clock ----------------------------------------------------------------------

fn places() -> siaga112::switchboard::settings::SwitchboardSettings {
    let mut settings = settings(1, AnswerMode::OnAgent);
    let kecamatan = |code: &str, name: &str| Kecamatan {
        code: code.into(),
        name: name.into(),
        aliases: Vec::new(),
        island: false,
    };
    settings.places = vec![kecamatan("35.29.02", "Kalianget"), kecamatan("35.29.25", "Sapeken")];
    let key = |area, cell| CellKey { mcc: 510, mnc: 10, area, cell };
    settings.location.cells.add(key(0x1a2b, 0xc3d4e5), false, "35.29.25".into());
    settings.location.cells.add(key(0x1a2c, 0), true, "35.28".into());
    let [code, name, number] = ["35.28", "Pamekasan", "tel:+62324112"].map(str::to_owned);
    settings.location.neighbours = vec![Neighbour { code, name, number }];
    settings
}

/// A call with these lines in its INVITE.
fn dial(world: &mut World, number: u32, lines: &str) {
    let text = invite(number, "sip:0328112@203.0.113.10", scenario::SDP);
    world.hear(TRUNK, &text.replacen("Content-Type:", &format!("{lines}Content-Type:"), 1));
}

fn report(world: &mut World, sender: &str) -> Option<siaga112::vocabulary::CallId> {
    let report = Box::new(aml::sms(SMS, sender));
    match world.order(Order::ReportLocation { report }) {
        Ok(Answer::Located(call)) => call,
        other => panic!("not kept: {other:?}"),
    }
}

#[test]
fn the_board_shows_the_place_of_each_caller_and_a_neighbour_s_caller() {
    let mut world = World::of(places(), 200);
    dial(&mut world, 1, CELL);
    dial(&mut world, 2, BEYOND);
    let board = world.look();
    let guess = board.calls[0].place.kecamatan.clone().expect("a kecamatan");
    assert_eq!((&*guess.code, &*guess.name, guess.percent), ("35.29.25", "Sapeken", 80));
    assert_eq!(board.calls[0].place.neighbour, None);
    let hint = board.calls[1].place.neighbour.clone().expect("a neighbour");
    assert_eq!((&*hint.name, &*hint.number), ("Pamekasan", "tel:+62324112"));
    assert_eq!(hint.why, "the area of cell 510-10-1a2c-1 stands in Pamekasan");
    let arrived = world.facts.iter().find_map(|entry| match &entry.fact {
        Fact::Arrived { arrival, .. } => Some(arrival.clone()),
        _ => None,
    });
    let arrival = arrived.expect("an arrival");
    assert_eq!(arrival.kecamatan.as_deref(), Some("35.29.25"), "routing may ask for it");
    assert_eq!(arrival.place, board.calls[0].place);
}

#[test]
fn a_phone_s_report_is_on_the_board_at_once_whenever_it_comes() {
    let mut world = World::of(places(), 200);
    // Before the call.
    assert_eq!(report(&mut world, "081234567890"), None);
    assert_eq!(world.look().locations_waiting, 1);
    world.pass(Duration::from_secs(30));
    world.call();
    let board = world.look();
    assert_eq!(board.locations_waiting, 0);
    let place = &board.calls[0].place;
    assert_eq!((place.within_m, place.why.as_str()), (Some(14), "AML by SMS: within 14 m"));
    // In it.
    assert_eq!(report(&mut world, "+62 812-3456-7890"), Some(board.calls[0].call));
    assert_eq!(world.look().calls[0].locations.len(), 2);
    // After it.
    world.cancel(1);
    world.pass(Duration::from_secs(60));
    assert_eq!(report(&mut world, "6281234567890"), Some(board.calls[0].call));
    world.pass(Duration::from_secs(1_300));
    assert_eq!(report(&mut world, "6281234567890"), None);
    let located = world.facts.iter().filter(|entry| matches!(entry.fact, Fact::Located(_)));
    assert_eq!(located.count(), 5, "each report is a fact, and one was kept for its call");
}

#[test]
fn references_are_followed_beside_the_call_and_bounded() {
    let mut world = World::of(places(), 200);
    let uris: String =
        (0..9).map(|n| format!("Geolocation: <https://lis.example/{n}>;loc-src=x\r\n")).collect();
    dial(&mut world, 1, &format!("Geolocation: <cid:loc1@x>\r\n{uris}"));
    let asked: Vec<&str> = world.references.iter().map(|(_, uri)| uri.as_str()).collect();
    let wanted: Vec<String> = (0..4).map(|n| format!("https://lis.example/{n}")).collect();
    assert_eq!(asked, wanted);
    assert!(world.ladder.iter().any(|line| line.contains(" 180")), "{:?}", world.ladder);
}

#[test]
fn what_operators_confirm_teaches_a_cell() {
    let mut world = World::of(places(), 200);
    let key = CellKey { mcc: 510, mnc: 10, area: 0x1a2c, cell: 1 };
    let learnt = LearntCells::of([(key, "35.29.02".to_owned(), 4)]);
    world.take(Input::CellsLearnt(Box::new(learnt)));
    dial(&mut world, 1, BEYOND);
    let place = world.look().calls[0].place.clone();
    assert_eq!(place.kecamatan.map(|g| (g.name, g.percent)), Some(("Kalianget".into(), 90)));
    assert_eq!(place.neighbour, None, "operators know better than a table");
}

// ---- the real program, with Python's HTTPS server --------------------------------------------

struct Stage {
    gateway: Gateway,
    lis: LocationServer,
}

fn prepare(_: &Site, config: &Path) -> LocationServer {
    let authority = Authority::new();
    let lis = LocationServer::start(&authority, [127, 0, 0, 1].into(), config);
    fs::write(config.join("lis-ca.pem"), authority.pem()).expect("written");
    let path = config.join("gateway.toml");
    let text = fs::read_to_string(&path).expect("a file");
    let more = "[references]\nhosts = [\"127.0.0.1\"]\nnetworks = [\"127.0.0.1\"]\nca = \"lis-ca.pem\"\n\
                [location]\naml_key = \"kunci-panjang-112\"\n";
    fs::write(path, format!("{more}{text}")).expect("written");
    let table = |name: &str, text: &str| {
        fs::write(config.join("places").join(name), text).expect("written");
    };
    table(
        "kecamatan.csv",
        "code,name,aliases,zone,sea_access,area_code,note\n\
         35.29.01,Kota Sumenep,,mainland,no,0328,\n35.29.25,Sapeken,,island,yes,0327,\n",
    );
    table("neighbours.csv", "code,name,number,note\n35.28,Pamekasan,tel:+62324112,\n");
    table(
        "cells.csv",
        "mcc,mnc,area_dec,cell_dec,place,note\n510,10,6699,50132-229,35.29.25,\n510,10,6700,*,35.28,\n",
    );
    lis
}

fn stage() -> Stage {
    let (gateway, lis) = Centre::default().start_with(prepare);
    Stage { gateway, lis }
}

fn signed(body: &str, key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    format!("{body}&hmac={}", hex(hmac::sign(&key, body.as_bytes()).as_ref()))
}

/// Posts what a phone posts, without a token.
fn posted(stage: &Stage, body: &str) -> http::Answer {
    http::request(stage.gateway.console, "POST", "/api/v1/locations/aml", None, body)
}

fn sms(stage: &Stage, sender: &str) -> http::Answer {
    let json = serde_json::json!({ "sender": sender, "text": SMS });
    stage.gateway.post("/api/v1/locations/aml-sms", &json.to_string())
}

fn live_place(stage: &Stage, caller: &Caller, within: u64) -> Value {
    until(&format!("{} is within {within} m", caller.number), || {
        let call = caller.live(&stage.gateway)?.0;
        (call["place"]["within_m"] == within).then(|| call.clone())
    })
}

#[test]
fn a_caller_is_found_by_cell_by_reference_and_by_the_phone_and_the_record_has_it_all() {
    let stage = stage();
    let reference =
        format!("Geolocation: <{}>;loc-src=telco-a.example\r\n", stage.lis.uri("/moved"));
    let caller = Caller::dials(&stage.gateway, "+6281234567890", &format!("{CELL}{reference}"));
    // 250 m with 67 %.
    let call = live_place(&stage, &caller, 413);
    assert_eq!(call["place"]["kecamatan"]["name"], "Sapeken");
    assert_eq!(call["place"]["location"]["latitude"], "-7.1500");
    assert_eq!(call["cell"]["network"], "510-10");
    assert_eq!(stage.lis.next_request(), "POST /moved");
    assert_eq!(stage.lis.next_request(), "POST /held");
    // The phone finds itself.
    let answer = sms(&stage, "081234567890");
    assert_eq!((answer.status, &answer.json()["call"]), (200, &call["id"]), "{answer:?}");
    let call = live_place(&stage, &caller, 14);
    assert_eq!(call["place"]["location"]["longitude"], "113.944000");
    assert_eq!(call["locations"].as_array().map(Vec::len), Some(2));
    caller.gives_up();
    let incident = stage.gateway.incident();
    // The sample's time is of another day: the fix is old, and the record says when it was.
    let reports = incident.0["location_reports"].as_array().expect("reports");
    let how: Vec<&str> = reports.iter().filter_map(|report| report["how"].as_str()).collect();
    assert_eq!(how, ["reference", "aml-sms"]);
    assert_eq!(reports[1]["device"]["imei"], "356938035643809");
    assert_eq!(reports[1]["locations"][0]["confidence"], 95);
    assert_eq!(incident.0["kecamatan"], "35.29.25");
    let told = shown(&stage.gateway, &incident);
    for line in [
        "kecamatan    35.29.25 Sapeken, 80 %: the cell 510-10-1a2b-c3d4e5 stands there",
        "location     Circle -7.1500 115.4000 within 250 m by Cell at 2026-09-17T05:12:40Z",
        "location     Circle -7.053000 113.944000 within 14 m by GPS at 2026-09-17T05:12:31.000Z",
        "cell         3GPP-E-UTRAN-FDD 510-10 area 1A2B cell 0C3D4E5 (said by the network)",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    stage.gateway.stop();
}

/// A caller's whole record.
fn whole(stage: &Stage, caller: &Caller) -> Option<Value> {
    let id = caller.record(&stage.gateway)?.id();
    Some(stage.gateway.get(&format!("/api/v1/incidents/{id}")).json())
}

fn shown(gateway: &Gateway, incident: &Incident) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_siaga112"))
        .args(["incidents", "show", &incident.id(), "--reason", "a test looks", "--config"])
        .arg(gateway.config())
        .output()
        .expect("the program runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_reference_that_nobody_named_is_not_followed_and_the_record_says_so() {
    let stage = stage();
    let own = stage.gateway.site.gateway();
    let references = [
        "https://lis.elsewhere.example/held".to_owned(),
        format!("https://{own}:{}/held", stage.lis.port),
        stage.lis.uri("/elsewhere"),
        stage.lis.uri("/error"),
    ];
    let lines: String = references.iter().map(|uri| format!("Geolocation: <{uri}>\r\n")).collect();
    let caller = Caller::dials(&stage.gateway, "+6281234567891", &lines);
    caller.await_state(&stage.gateway, "waiting");
    let findings = until("four references are done with", || {
        let id = caller.record(&stage.gateway)?.id();
        let record = stage.gateway.get(&format!("/api/v1/incidents/{id}")).json();
        let reports = record["location_reports"].as_array()?.clone();
        let findings = reports.iter().filter_map(|report| report["findings"][0].as_str());
        let mut findings: Vec<String> = findings.map(str::to_owned).collect();
        findings.sort();
        (findings.len() == 4).then_some(findings)
    });
    let of = |part: &str| findings.iter().any(|finding| finding.contains(part));
    assert!(of("lis.elsewhere.example is not asked"), "{findings:?}");
    assert!(of(&format!("{own} is not asked")), "{findings:?}");
    assert!(of("elsewhere.example is not asked"), "{findings:?}");
    assert!(of("127.0.0.1 says locationUnknown Not in this network"), "{findings:?}");
    let mut asked = stage.lis.asked();
    asked.sort();
    assert_eq!(asked, ["POST /elsewhere", "POST /error"]);
    caller.gives_up();
    stage.gateway.incident();
    stage.gateway.stop();
}

#[test]
fn a_report_without_a_call_is_kept_shown_and_given_to_the_call_that_comes() {
    let stage = stage();
    let body = "device_number=%2B6281234567892&location_latitude=-7.2&location_longitude=115.5\
                &location_accuracy=20&location_source=gps";
    for (body, status) in [
        (body.to_owned(), 401),
        (signed(body, "kunci-lain"), 403),
        (format!("{body}&hmac=zz"), 403),
        (signed("x=1", "kunci-panjang-112"), 400),
        (signed(body, "kunci-panjang-112"), 202),
    ] {
        let answer = posted(&stage, &body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let unmatched = until("the report is shown", || {
        let all = stage.gateway.get("/api/v1/locations/unmatched").json();
        all["reports"].as_array().filter(|reports| !reports.is_empty()).cloned()
    });
    assert_eq!(unmatched.len(), 1, "{unmatched:?}");
    assert_eq!(unmatched[0]["number"], "+6281234567892");
    assert_eq!(
        (&unmatched[0]["from"], &unmatched[0]["how"]),
        (&"signed".into(), &"aml-https".into())
    );
    let waiting = stage.gateway.get("/api/v1/calls").json();
    assert_eq!(waiting["locations_waiting"], 1);
    let caller = Caller::dials(&stage.gateway, "+6281234567892", "");
    live_place(&stage, &caller, 20);
    caller.gives_up();
    let incident = stage.gateway.incident();
    assert_eq!(incident.0["location_reports"][0]["id"], unmatched[0]["id"]);
    assert_eq!(incident.0["place"]["why"], "AML by HTTPS: within 20 m");
    let left = stage.gateway.get("/api/v1/locations/unmatched").json();
    assert_eq!(left["reports"].as_array().map(Vec::len), Some(0), "{left}");
    let wrong = stage
        .gateway
        .post("/api/v1/locations/aml-sms", r#"{"sender": "+62812", "text": "Tolong!"}"#);
    assert_eq!(wrong.status, 400);
    stage.gateway.stop();
}

#[test]
fn a_kill_forgets_no_report_that_waits_and_no_call_that_a_late_one_is_of() {
    let centre = Centre::default();
    let (gateway, lis) = centre.start_with(prepare);
    let mut stage = Stage { gateway, lis };
    let cut = Caller::dials(&stage.gateway, "+6281234567893", CELL);
    let cut_off = cut.await_state(&stage.gateway, "waiting");
    let body = "device_number=%2B6281234567894&location_latitude=-7.2&location_longitude=115.5\
                &location_accuracy=20&location_source=gps";
    assert_eq!(posted(&stage, &signed(body, "kunci-panjang-112")).status, 202);
    let waits = |stage: &Stage| {
        let all = stage.gateway.get("/api/v1/locations/unmatched").json();
        all["reports"].as_array().filter(|reports| !reports.is_empty()).cloned()
    };
    let unmatched = until("the report is on disk", || waits(&stage));
    stage.gateway = centre.restart(stage.gateway);
    until("the report waits again", || {
        let calls = stage.gateway.get("/api/v1/calls").json();
        (calls["locations_waiting"] == 1).then_some(())
    });
    // The call that it waits for comes now.
    let caller = Caller::dials(&stage.gateway, "+6281234567894", "");
    live_place(&stage, &caller, 20);
    let given = until("the report is on the record", || {
        let record = whole(&stage, &caller)?;
        record["location_reports"].get(0).cloned()
    });
    caller.gives_up();
    assert_eq!(given["id"], unmatched[0]["id"]);
    until("nothing waits", || waits(&stage).is_none().then_some(()));
    // A phone that finds itself only now tells of the call that the kill has cut off.
    let answer = sms(&stage, "081234567893");
    assert_eq!((answer.status, &answer.json()["call"]), (200, &cut_off.0["id"]), "{answer:?}");
    let place = until("the late report is on its record", || {
        let record = whole(&stage, &cut)?;
        (record["place"]["within_m"] == 14).then(|| record["place"].clone())
    });
    assert_eq!(place["kecamatan"]["name"], "Sapeken", "what the cell said stays: {place}");
    // After another start the report is nobody's again: it was given to its call.
    stage.gateway = centre.restart(stage.gateway);
    until("the start is over", || {
        let log = stage.gateway.log();
        log.contains("recalled from the records").then_some(())
    });
    assert_eq!(stage.gateway.get("/api/v1/calls").json()["locations_waiting"], 0);
    stage.gateway.stop();
}
