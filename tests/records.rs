//! What operators write of an incident, with the real program: the form and its versions, editors who
//! meet, merging, records without a call, and that what was acknowledged outlives `kill -9`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone};
use support::record::Incident;
use support::site::Site;
use support::wait::until;

/// A centre with the sample's categories and places.
fn start(centre: &Centre) -> Gateway {
    let sample = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(file);
    let copy = |_: &Site, config: &Path| {
        for file in ["categories.toml", "places/kecamatan.csv"] {
            std::fs::copy(sample(file), config.join(file)).expect("copied");
        }
    };
    centre.start_with(copy).0
}

/// A caller who waits; the number of the incident.
fn caller(gateway: &Gateway, number: &str) -> (Phone, Dialog, String) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, number, &format!("sip:112@{}", gateway.sip));
    let before = gateway.calls().len();
    call.invite(&trunk, format!("{}:4000", gateway.site.trunk()).parse().unwrap());
    trunk.await_status(180, "INVITE");
    let incident = until("the call is on the board", || {
        gateway.calls().get(before).map(|call| call.text("incident"))
    });
    (trunk, call, incident)
}

fn path(incident: &str, what: &str) -> String {
    format!("/api/v1/incidents/{incident}{what}")
}

/// Changes a form; the status and what was said.
fn edit(gateway: &Gateway, incident: &str, change: &Value) -> (u16, Value) {
    let answer = gateway.patch(&path(incident, ""), &change.to_string());
    (answer.status, answer.json())
}

fn post(gateway: &Gateway, path: &str, body: &Value) -> (u16, Value) {
    let answer = gateway.post(path, &body.to_string());
    (answer.status, answer.json())
}

/// The record once the database has this version of it.
fn shown(gateway: &Gateway, incident: &str, version: &Value) -> Incident {
    until("the database has it", || {
        let answer = gateway.get(&path(incident, ""));
        (answer.status == 200 && answer.json()["written"]["version"] == *version)
            .then(|| Incident(answer.json()))
    })
}

#[test]
fn a_form_is_filled_during_the_call_and_stands_in_every_view() {
    let gateway = start(&Centre::default());
    let (_trunk, _call, incident) = caller(&gateway, "+6281234567890");
    let (status, saved) = edit(
        &gateway,
        &incident,
        &json!({
            "version": 0, "caller_name": "Bu Siti", "category": "kriminalitas",
            "sub_category": "pembunuhan", "text": "Ribut di rumah tetangga", "address": "Jl. Trunojoyo 5",
            "desa": "Pabian", "kecamatan": "kec. kota sumenep", "landmark": "depan masjid",
            "coordinates": {"latitude": -7.0088, "longitude": 113.8594}, "victims_dead": 1,
            "disposition": "normal", "agencies": {
                "Polres 110": {"notified_at": "2026-09-17T12:13:00+07:00", "note": "Aiptu Budi"}},
        }),
    );
    assert_eq!(status, 200, "{saved}");
    assert_eq!(
        (&saved["incident"], &saved["form"]["kecamatan"]),
        (&json!(incident), &json!("35.29.01"))
    );
    let agency = &saved["form"]["agencies"]["Polres 110"];
    assert_eq!(agency["notified_at"], "2026-09-17T05:13:00.000Z");

    let record = shown(&gateway, &incident, &saved["version"]);
    for (field, text) in [
        ("category", "kriminalitas"),
        ("sub_category", "pembunuhan"),
        ("kecamatan", "35.29.01"),
        ("text", "Ribut di rumah tetangga"),
        ("latitude", "-7.0088"),
        ("victims_dead", "1"),
        ("disposition", "normal"),
        ("record", "open"),
    ] {
        assert_eq!(record.text(field), text, "{field}");
    }
    assert_eq!(gateway.show(&incident).0["written"], record.0["written"]);
    let list = gateway.get("/api/v1/incidents").json();
    assert_eq!(
        list["incidents"][0]["agencies"],
        "Polres 110: notified 2026-09-17T05:13:00.000Z, Aiptu Budi"
    );
    // In words for people, and in a row for a spreadsheet.
    let story = command(&gateway, &["incidents", "show", &incident]);
    for told in
        ["Ribut di rumah tetangga", "agency       Polres 110", "latitude -7.0088", "written      "]
    {
        assert!(story.contains(told), "{told}: {story}");
    }
    let csv = command(&gateway, &["incidents", "export", "--format", "csv"]);
    assert!(csv.contains("Jl. Trunojoyo 5") && csv.contains("victims_severe"), "{csv}");
    assert!(command(&gateway, &["incidents", "list"]).contains("kriminalitas"));
}

fn command(gateway: &Gateway, words: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let output = command
        .args(words)
        .args(["--reason", "a test looks", "--config"])
        .arg(gateway.config())
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn two_editors_never_overwrite_each_other_unseen() {
    let gateway = start(&Centre::default());
    let (_trunk, _call, incident) = caller(&gateway, "+6281234567890");
    let (_, first) =
        edit(&gateway, &incident, &json!({"version": 0, "text": "api", "desa": "Pabian"}));
    // Another field, by somebody who saw nothing yet, before the database has the first.
    let (status, second) = edit(&gateway, &incident, &json!({"version": 0, "landmark": "pasar"}));
    assert_eq!(status, 200, "{second}");
    assert_eq!(
        (&second["form"]["text"], &second["form"]["landmark"]),
        (&json!("api"), &json!("pasar"))
    );
    // The same field: told who wrote what, and nothing is saved, not even the other field.
    let (status, told) = edit(
        &gateway,
        &incident,
        &json!({"version": first["version"], "landmark": "masjid", "address": "Jl. Raya 1"}),
    );
    assert_eq!((status, &told["type"]), (409, &json!("urn:siaga112:problem:changed-meanwhile")));
    let error = &told["errors"][0];
    assert_eq!((&error["field"], &error["theirs"]), (&json!("landmark"), &json!("pasar")));
    assert_eq!((&error["yours"], &error["by"]), (&json!("masjid"), &json!("suite")));
    assert_eq!(told["version"], second["version"]);
    assert_eq!(told["errors"].as_array().map(Vec::len), Some(1));
    // With what they have seen now it is saved; the same words are no conflict at any version.
    let (status, third) = edit(
        &gateway,
        &incident,
        &json!({"version": told["version"], "landmark": "masjid", "address": "Jl. Raya 1"}),
    );
    assert_eq!(status, 200, "{third}");
    let (status, same) = edit(&gateway, &incident, &json!({"version": 0, "landmark": "masjid"}));
    assert_eq!((status, &same["version"]), (200, &third["version"]));
    shown(&gateway, &incident, &third["version"]);
    let versions = gateway.get(&path(&incident, "/versions")).json();
    let versions = versions.as_array().expect("a list");
    assert_eq!(versions.len(), 3);
    let change = versions[2]["changes"].as_array().unwrap();
    let landmark = change.iter().find(|change| change["field"] == "landmark").unwrap();
    assert_eq!((&landmark["from"], &landmark["to"]), (&json!("pasar"), &json!("masjid")));
    assert_eq!(versions[2]["by"], "suite");
}

#[test]
fn every_wrong_field_is_named_and_nothing_is_saved() {
    let gateway = start(&Centre::default());
    let (_trunk, _call, incident) = caller(&gateway, "+6281234567890");
    let (status, told) = edit(
        &gateway,
        &incident,
        &json!({"version": 0, "text": "api", "category": "api", "victims_dead": -1, "colour": "red",
                "kecamatan": "Surabaya", "agencies": {"BPBD": {}}, "coordinates": "here"}),
    );
    assert_eq!((status, &told["type"]), (422, &json!("urn:siaga112:problem:fields-refused")));
    let named: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    let all = ["agencies.BPBD", "category", "colour", "coordinates", "kecamatan", "victims_dead"];
    assert_eq!(named, all);
    let category = &told["errors"][1]["detail"];
    assert!(category.as_str().unwrap().contains("kebakaran, medis"), "{category}");
    for (body, field) in [
        (json!({"text": "api"}), "version"),
        (json!({"version": 0, "sub_category": "gas"}), "sub_category"),
        (json!({"version": 0, "category": "medis", "sub_category": "gas"}), "sub_category"),
    ] {
        let (status, told) = edit(&gateway, &incident, &body);
        assert_eq!((status, &told["errors"][0]["field"]), (422, &json!(field)), "{told}");
    }
    assert_eq!(gateway.patch(&path(&incident, ""), "[]").status, 400);
    assert_eq!(gateway.patch(&path("0123456789abcdef", ""), "{\"version\":0}").status, 404);
    assert_eq!(gateway.get(&path(&incident, "/versions")).json(), json!([]));
}

#[test]
fn a_judgement_that_somebody_else_has_made_meanwhile_stands_and_a_closed_record_is_not_judged() {
    let gateway = start(&Centre::default());
    let (_trunk, _call, incident) = caller(&gateway, "+6281234567890");
    let judge = |body: &Value| {
        let answer = gateway.post(&path(&incident, "/disposition"), &body.to_string());
        let told = if answer.status == 204 { Value::Null } else { answer.json() };
        (answer.status, told)
    };
    let (_, first) = edit(&gateway, &incident, &json!({"version": 0, "text": "api"}));
    let (_, normal) =
        edit(&gateway, &incident, &json!({"version": first["version"], "disposition": "normal"}));
    // A page that has not seen it yet.
    let stale = json!({"disposition": "ghost", "version": first["version"]});
    let (status, told) = judge(&stale);
    assert_eq!((status, &told["type"]), (409, &json!("urn:siaga112:problem:changed-meanwhile")));
    assert_eq!(told["errors"][0]["theirs"], "normal");
    assert_eq!(told["version"], normal["version"]);
    assert_eq!(shown(&gateway, &incident, &normal["version"]).text("disposition"), "normal");
    // With what it has seen now, and what stands there already is no conflict.
    assert_eq!(judge(&json!({"disposition": "normal", "version": 0})).0, 204);
    assert_eq!(judge(&json!({"disposition": "ghost", "version": told["version"]})).0, 204);
    let (status, closed) = post(&gateway, &path(&incident, "/close"), &json!({}));
    assert_eq!((status, &closed["form"]["disposition"]), (200, &json!("ghost")));
    let body = json!({"disposition": "prank", "nuisance": true, "version": closed["version"]});
    let (status, told) = judge(&body);
    assert!(status == 409 && told["detail"].as_str().unwrap().contains("reopen"), "{told}");
    assert_eq!(gateway.get("/api/v1/marks").json()["marks"], json!([]));

    // It was no ghost after all: the record is opened again and the judgement taken back.
    let why = json!({"why": "salah tekan"});
    let (_, open) = post(&gateway, &path(&incident, "/reopen"), &why);
    let body = json!({"version": open["version"], "disposition": null});
    let (status, saved) = edit(&gateway, &incident, &body);
    assert_eq!((status, &saved["form"]["disposition"]), (200, &Value::Null));
    let record = shown(&gateway, &incident, &saved["version"]);
    for field in ["disposition", "disposed_by", "disposed_at"] {
        assert_eq!(record.0[field], Value::Null, "{field}");
    }
    until("the call's own line says so too", || {
        let steps = gateway.get(&path(&incident, "")).json()["steps"].to_string();
        steps.contains("disposition-withdrawn").then_some(())
    });
    assert_eq!(
        gateway.get("/api/v1/incidents?disposition=none").json()["incidents"][0]["id"],
        json!(incident)
    );
}

#[test]
fn a_number_in_a_form_is_found_from_either_end_until_it_is_another() {
    let gateway = start(&Centre::default());
    let (_trunk, _call, incident) = caller(&gateway, "anonymous");
    let found = |typed: &str| {
        let list = gateway.get(&format!("/api/v1/incidents?number={typed}")).json();
        list["incidents"].as_array().map(Vec::len).unwrap()
    };
    let (_, saved) =
        edit(&gateway, &incident, &json!({"version": 0, "caller_number": "0812 9988-7766"}));
    shown(&gateway, &incident, &saved["version"]);
    for typed in ["081299887766", "%2B62812998", "7766", "6281299887766"] {
        assert_eq!(found(typed), 1, "{typed}");
    }
    assert_eq!((found("0999"), found("9988")), (0, 0));
    let change = json!({"version": saved["version"], "caller_number": "08111222333"});
    let (_, saved) = edit(&gateway, &incident, &change);
    shown(&gateway, &incident, &saved["version"]);
    assert_eq!((found("7766"), found("222333")), (0, 1));
}

#[test]
fn calls_of_one_event_are_merged_and_taken_apart_again() {
    let gateway = start(&Centre::default());
    let (_t1, _c1, one) = caller(&gateway, "+6281234567891");
    let (_t2, _c2, two) = caller(&gateway, "+6281234567892");
    let (_t3, _c3, three) = caller(&gateway, "+6281234567893");
    let with = |incident: &str| json!({"incident": incident, "why": "satu kebakaran"});
    let (status, merged) = post(&gateway, &path(&two, "/merge"), &with(&one));
    assert_eq!((status, &merged["state"]), (200, &json!("merged")), "{merged}");
    assert_eq!(merged["merged_into"]["incident"], json!(one));
    // Whoever writes there is told where to write, and nothing is merged twice or into itself.
    let (status, told) = edit(&gateway, &two, &json!({"version": 0, "text": "api"}));
    assert!(status == 409 && told["detail"].as_str().unwrap().contains(&one), "{told}");
    assert_eq!(post(&gateway, &path(&two, "/merge"), &with(&three)).0, 409);
    assert_eq!(post(&gateway, &path(&three, "/merge"), &with(&two)).0, 409);
    assert_eq!(post(&gateway, &path(&one, "/merge"), &with(&one)).0, 400);
    assert_eq!(
        post(&gateway, &path(&one, "/merge"), &json!({"incident": three, "why": " "})).0,
        400
    );
    let (_, deeper) = post(&gateway, &path(&one, "/merge"), &with(&three));
    let record = shown(&gateway, &one, &deeper["version"]);
    assert_eq!(record.text("record"), "merged");
    // The last one has all calls, also those that came through another.
    let whole = until("the third has both", || {
        let record = gateway.get(&path(&three, "")).json()["written"].clone();
        (record["merged"].as_array().map(Vec::len) == Some(2)).then_some(record)
    });
    assert_eq!(whole["merged"][0]["incident"], json!(one));
    assert_eq!(whole["merged"][1]["incident"], json!(two));
    assert_eq!(whole["merged"][1]["calls"].as_array().map(Vec::len), Some(1));
    // Each keeps its own number, and can be taken out again.
    let why = json!({"why": "dua kebakaran"});
    let (status, apart) = post(&gateway, &path(&two, "/unmerge"), &why);
    assert_eq!(
        (status, &apart["state"], &apart["merged_into"]),
        (200, &json!("open"), &Value::Null)
    );
    assert_eq!(post(&gateway, &path(&two, "/unmerge"), &why).0, 409);
    // Linked records stay for themselves.
    let (_, linked) = post(&gateway, &path(&two, "/link"), &with(&three));
    assert_eq!(linked["linked"][0]["incident"], json!(three));
    let (_, unlinked) = post(&gateway, &path(&three, "/unlink"), &with(&two));
    assert_eq!(unlinked["linked"], json!([]));
    assert_eq!(post(&gateway, &path(&two, "/unlink"), &with(&three)).0, 409);
    let record = shown(&gateway, &two, &unlinked["version"]);
    let steps = gateway.get(&path(&record.id(), "/versions")).json();
    let steps: Vec<&str> =
        steps.as_array().unwrap().iter().map(|v| v["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["merged", "unmerged", "linked", "unlinked"]);
}

#[test]
fn a_record_without_a_call_is_closed_and_opened_again() {
    let gateway = start(&Centre::default());
    let body = json!({"origin": "walk-in", "category": "bencana", "sub_category": "banjir",
                      "text": "air masuk rumah"});
    let (status, made) = post(&gateway, "/api/v1/incidents", &body);
    assert_eq!(status, 201, "{made}");
    let incident = made["incident"].as_str().unwrap().to_owned();
    for (body, field) in [(json!({"text": "x"}), "origin"), (json!({"origin": "call"}), "origin")] {
        let (status, told) = post(&gateway, "/api/v1/incidents", &body);
        assert_eq!((status, &told["errors"][0]["field"]), (422, &json!(field)));
    }
    // At once, before the database has it.
    let (status, closed) = post(
        &gateway,
        &path(&incident, "/close"),
        &json!({"result": "surut", "disposition": "normal"}),
    );
    assert_eq!((status, &closed["state"]), (200, &json!("closed")), "{closed}");
    assert_eq!(
        (&closed["closed_by"], &closed["form"]["result"]),
        (&json!("suite"), &json!("surut"))
    );
    let (status, told) =
        edit(&gateway, &incident, &json!({"version": closed["version"], "text": "y"}));
    assert!(status == 409 && told["detail"].as_str().unwrap().contains("reopen"), "{told}");
    assert_eq!(post(&gateway, &path(&incident, "/close"), &json!({})).0, 409);
    let record = shown(&gateway, &incident, &closed["version"]);
    assert_eq!(
        (record.text("origin"), record.text("disposition")),
        ("walk-in".into(), "normal".into())
    );
    assert!(!record.text("closed_at").is_empty());
    assert!(command(&gateway, &["incidents", "list"]).contains("walk-in"));
    assert!(command(&gateway, &["incidents", "show", &incident]).contains("air masuk rumah"));
    assert!(command(&gateway, &["incidents", "export", "--format", "json"]).contains("air masuk"));
    // Figures of calls do not count it.
    assert_eq!(gateway.get("/api/v1/reports/standards").json()["whole"]["offered"], 0);
    let (status, open) =
        post(&gateway, &path(&incident, "/reopen"), &json!({"why": "air naik lagi"}));
    assert_eq!((status, &open["state"]), (200, &json!("open")));
    assert_eq!(post(&gateway, &path(&incident, "/reopen"), &json!({"why": "x"})).0, 409);
    let (status, _) =
        edit(&gateway, &incident, &json!({"version": open["version"], "text": "lagi"}));
    assert_eq!(status, 200);
    gateway.stop();
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let centre = Centre::default();
    let gateway = start(&centre);
    let (_trunk, _call, incident) = caller(&gateway, "+6281234567890");
    let (status, saved) = edit(&gateway, &incident, &json!({"version": 0, "text": "api di dapur"}));
    assert_eq!(status, 200);
    let gateway = centre.restart(gateway);
    let record = shown(&gateway, &incident, &saved["version"]);
    assert_eq!(record.text("text"), "api di dapur");
    // What is personal is in no log and, in the journal, behind a key.
    assert!(!gateway.log().contains("dapur"));
    let journal: PathBuf = gateway.config().join("data/journal");
    let text: String = std::fs::read_dir(journal)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert!(text.contains("incident-edited") && !text.contains("dapur"), "{text}");
    gateway.stop();
}

#[test]
fn what_may_be_chosen_is_told_in_both_languages() {
    let gateway = start(&Centre::default());
    let choices = gateway.get("/api/v1/categories").json();
    let categories = choices["categories"].as_array().unwrap();
    let crime = categories.iter().find(|c| c["code"] == "kriminalitas").unwrap();
    assert_eq!((&crime["name"], &crime["name_en"]), (&json!("Kriminalitas"), &json!("Crime")));
    let subs: Vec<&str> =
        crime["sub"].as_array().unwrap().iter().map(|s| s["name_en"].as_str().unwrap()).collect();
    assert!(
        ["Murder", "Violent theft", "Terrorism"].iter().all(|name| subs.contains(name)),
        "{subs:?}"
    );
    assert!(choices["kecamatan"].as_array().unwrap().len() == 27);
    // A reload changes them for the next form, and records keep their codes.
    Centre::edit(
        &gateway,
        "categories.toml",
        "\"lainnya\"\nname = \"Lainnya\"",
        "\"lain\"\nname = \"Lain\"",
    );
    gateway.signal("HUP");
    until("the new category is there", || {
        let choices = gateway.get("/api/v1/categories").json();
        choices.to_string().contains("\"code\":\"lain\"").then_some(())
    });
    gateway.stop();
}
