//! The configuration of routing by API, on the real program under calls: judged, compared, tried, adopted,
//! brought back; and cut off by a kill.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::http::{Answer, request};
use support::people;
use support::wait::until;

/// The token of the one who keeps the configuration.
const ADMIN: &str = "token-of-the-admin";

/// Lets an admin's token in beside the suite's.
fn with_admin(config: &Path) {
    let token =
        "[[console.token]]\nname = \"ani\"\nrole = \"admin\"\ntoken = \"token-of-the-admin\"\n\n";
    edit(
        config,
        "gateway.toml",
        "[[console.token]]\nname = \"suite\"",
        &format!("{token}[[console.token]]\nname = \"suite\""),
    );
}

fn ask(gateway: &Gateway, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(gateway.console, method, &format!("/api/v1/routing{path}"), Some(ADMIN), &body)
}

fn good(gateway: &Gateway, method: &str, path: &str, body: &Value) -> Value {
    let answer = ask(gateway, method, path, body);
    assert_eq!(answer.status, 200, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn base(gateway: &Gateway) -> String {
    let shown = good(gateway, "GET", "", &Value::Null);
    shown["digest"].as_str().expect("a digest").to_owned()
}

fn text(shown: &Value, name: &str) -> String {
    let files = shown["files"].as_array().expect("files");
    let file = files.iter().find(|file| file["name"] == name).expect("a file");
    file["text"].as_str().expect("text").to_owned()
}

/// The first mistake among what was found.
fn mistake(judged: &Value) -> Value {
    let findings = judged["findings"].as_array().expect("findings");
    let mistake = findings.iter().find(|finding| finding["severity"] == "error");
    mistake.unwrap_or_else(|| panic!("no mistake in {judged}")).clone()
}

/// A second queue, and a rule that sends everybody there.
fn elsewhere(gateway: &Gateway) -> Value {
    let shown = good(gateway, "GET", "", &Value::Null);
    let queues = text(&shown, "queues.toml");
    let queues = format!("{queues}\n{}", queues.replace("darurat", "cadangan"));
    let routing =
        text(&shown, "routing.toml").replace("queue = \"darurat\"", "queue = \"cadangan\"");
    let seats = text(&shown, "seats.toml").replace("[\"darurat\"]", "[\"darurat\", \"cadangan\"]");
    json!({"queues.toml": queues, "routing.toml": routing, "seats.toml": seats})
}

#[test]
#[allow(clippy::too_many_lines, reason = "one change's days, read in one piece")]
fn a_change_is_judged_compared_adopted_under_calls_and_brought_back() {
    let (gateway, ()) = Centre::default().start_with(|_, config| with_admin(config));
    let first = Caller::waits(&gateway, "+6281234567801");

    let shown = good(&gateway, "GET", "", &Value::Null);
    assert_eq!(shown["running"], true);
    let all = shown.to_string();
    for secret in ["rahasia-112", "token-of-the-suite", ADMIN] {
        assert!(!all.contains(secret), "{secret} is shown");
    }
    assert!(text(&shown, "seats.toml").contains("password = \"***\""), "{all}");

    // A mistake is told with its place and changes nothing.
    let wrong = text(&shown, "routing.toml").replace("darurat", "daruat");
    let wrong = json!({"files": {"routing.toml": wrong}});
    let judged = good(&gateway, "POST", "/validate", &wrong);
    let finding = mistake(&judged);
    assert_eq!((&judged["good"], &finding["file"]), (&json!(false), &json!("routing.toml")));
    assert_eq!(
        (finding["line"].as_u64(), finding["column"].as_u64()),
        (Some(5), Some(9)),
        "{judged}"
    );
    assert!(finding["mend"].as_str().expect("words").contains("darurat"), "{judged}");
    let refused = json!({"base": base(&gateway), "why": "salah", "files": wrong["files"]});
    let refused = ask(&gateway, "PUT", "", &refused);
    assert_eq!((refused.status, mistake(&refused.json())["line"].as_u64()), (422, Some(5)));
    let outside = json!({"files": {"../gateway.toml": "x"}});
    assert_eq!(ask(&gateway, "POST", "/validate", &outside).status, 400);
    let lost = json!({"files": {"seats.toml": "[[seat]]\nname = \"baru\"\nqueues = [\"darurat\"]\npassword = \"***\"\n"}});
    let lost = good(&gateway, "POST", "/validate", &lost);
    assert_eq!(mistake(&lost)["line"], 4, "{lost}");

    // A good one: compared, tried, adopted. The call that waits goes there too, and the next one.
    let files = elsewhere(&gateway);
    let changed = good(&gateway, "POST", "/diff", &json!({"files": files}));
    let diff = changed["changed"].to_string();
    assert!(diff.contains("+queue = \\\"cadangan\\\"") && !diff.contains("rahasia-112"), "{diff}");
    let invite = "INVITE sip:112@gw SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\nFrom: <sip:081234567890@telco>;tag=1\nTo: <sip:112@gw>\nCall-ID: coba\nCSeq: 1 INVITE\nContent-Length: 0\n\n";
    let trial = json!({"files": files, "invite": invite, "trunk": "telco-a"});
    let tried = good(&gateway, "POST", "/dry-run", &trial);
    assert!(tried["one"]["goes_to"].as_str().expect("words").contains("queue cadangan"), "{tried}");
    let today = json!({"trunk": "telco-a", "invite": invite});
    let today = good(&gateway, "POST", "/dry-run", &today);
    assert!(today["one"]["goes_to"].as_str().expect("words").contains("queue darurat"), "{today}");
    assert!(!today.to_string().contains("81234567890"), "numbers are masked: {today}");
    let replayed = until("the record is there", || {
        let tried =
            good(&gateway, "POST", "/dry-run", &json!({"files": files, "since": "2020-01-01"}));
        (tried["calls"]["calls"] == 1).then_some(tried)
    });
    assert_eq!(replayed["calls"]["says"], "1 of 1 call would have gone elsewhere", "{replayed}");
    assert_eq!(
        replayed["calls"]["listed"][0]["incident"],
        json!(gateway.calls()[0].text("incident"))
    );

    let digest = base(&gateway);
    let apply = json!({"base": digest, "why": "antrean cadangan", "files": files});
    let applied = good(&gateway, "PUT", "", &apply);
    assert_eq!(ask(&gateway, "PUT", "", &apply).status, 409, "somebody else was faster");
    let same = json!({"base": applied["digest"], "why": "lagi", "files": files});
    assert_eq!(ask(&gateway, "PUT", "", &same).status, 409, "nothing would change");
    assert!(
        fs::read_to_string(gateway.config().join("seats.toml"))
            .expect("a file")
            .contains("rahasia-112")
    );
    let second = Caller::waits(&gateway, "+6281234567802");
    until("both wait elsewhere: new rules count for those who wait", || {
        let queues: Vec<String> = gateway.calls().iter().map(|call| call.text("queue")).collect();
        (queues == ["cadangan", "cadangan"]).then_some(())
    });

    let versions = good(&gateway, "GET", "/versions", &Value::Null);
    let newest = &versions["versions"][0];
    assert_eq!((&newest["by"], &newest["why"]), (&json!("ani"), &json!("antrean cadangan")));
    let before = versions["versions"][1]["number"].as_u64().expect("a number");
    let whole = good(&gateway, "GET", &format!("/versions/{}", newest["number"]), &Value::Null);
    assert!(!whole.to_string().contains("rahasia-112"));
    let back = json!({"version": before, "base": applied["digest"], "why": "kembali"});
    let back = good(&gateway, "POST", "/rollback", &back);
    assert_eq!(back["digest"], json!(digest), "the files are those of before");
    let gone = json!({"version": 99, "base": back["digest"], "why": "kembali"});
    assert_eq!(ask(&gateway, "POST", "/rollback", &gone).status, 404);

    // By hand: the watch takes it up, as a version of `file`; a mistake by hand changes nothing.
    edit(&gateway.config(), "routing.toml", "name = \"all\"", "name = \"semua\"");
    until("the changed file is a version", || {
        let versions = good(&gateway, "GET", "/versions", &Value::Null);
        let newest = &versions["versions"][0];
        (newest["by"] == "file" && newest["brings_back"].is_null()).then_some(())
    });
    edit(&gateway.config(), "routing.toml", "queue = \"darurat\"", "queue = \"daruat\"");
    until("the mistake is told", || {
        let ready = request(gateway.console, "GET", "/readyz", None, "").json();
        (ready["status"] == "degraded").then_some(())
    });
    assert_eq!(good(&gateway, "GET", "", &Value::Null)["running"], false);
    assert_eq!(gateway.calls().len(), 2, "no call noticed");
    first.gives_up();
    second.gives_up();
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn how_long_records_are_kept_is_changed_by_a_person_alone_and_no_version_brings_it_back() {
    let (gateway, ()) = Centre::default().start_with(|_, config| with_admin(config));
    let rules = |days: u32| {
        format!(
            "[[keep]]\ncalls = [\"normal\", \"misrouted\", \"callback\", \"abandoned\", \"none\", \"prank\", \
             \"ghost\", \"information\", \"test\"]\naudio_days = {days}\nrecord_days = {days}\n\
             trace_days = {days}\nground = \"pasal 42\"\n"
        )
    };
    let file = gateway.config().join("retention.toml");
    let change = |days: u32, why: &str| json!({"base": base(&gateway), "why": why, "files": {"retention.toml": rules(days)}});
    // A program's token may change any other file.
    let refused = ask(&gateway, "PUT", "", &change(900, "program"));
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.json()["detail"].as_str().expect("words").contains("retention.toml"));
    assert!(!file.exists());
    let person = people::admin(&gateway);
    let apply = |body: &Value| {
        let body = body.to_string();
        request(gateway.console, "PUT", "/api/v1/routing", Some(&person), &body)
    };
    let done = apply(&change(900, "aturan pertama"));
    assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    let shown = good(&gateway, "GET", "/versions", &Value::Null);
    let first = shown["versions"][0]["number"].as_u64().expect("a number");
    let mut second = change(800, "lebih singkat");
    second["files"]["routing.toml"] =
        "[[rule]]\nname = \"baru\"\npriority = 0\nwhen = {}\nqueue = \"darurat\"\n".into();
    assert_eq!(apply(&second).status, 200);
    // What is brought back is the routing; how long records are kept stays as it is.
    let back = json!({"version": first, "base": base(&gateway), "why": "kembali"});
    good(&gateway, "POST", "/rollback", &back);
    let routing = fs::read_to_string(gateway.config().join("routing.toml")).expect("a file");
    assert!(routing.contains("name = \"all\""), "{routing}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), rules(800));
    let report = gateway.get("/api/v1/retention/report").json();
    assert_eq!(report["rules"][0]["audio_days"], 800, "{report}");
    gateway.stop();
}

#[test]
fn a_change_that_a_kill_cut_off_is_whole_after_the_next_start() {
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| with_admin(config));
    let old = base(&gateway);
    // As a kill leaves it between the moment from which it counts and the last file in its place.
    let pending = gateway.config().join(".applying");
    fs::create_dir(&pending).expect("a folder");
    let rule = "[[rule]]\nname = \"baru\"\npriority = 0\nwhen = {}\nqueue = \"darurat\"\n";
    fs::write(pending.join("routing.toml"), rule).expect("a file");
    let note = json!({"by": "ani", "why": "terputus"}).to_string();
    fs::write(pending.join(".note"), note).expect("a file");
    let gateway = centre.restart(gateway);
    assert_ne!(base(&gateway), old);
    until("it is in its place, with who and why", || {
        let versions = good(&gateway, "GET", "/versions", &Value::Null);
        let newest = &versions["versions"][0];
        (newest["why"] == "terputus" && newest["by"] == "ani" && !pending.exists()).then_some(())
    });
    let file = fs::read_to_string(gateway.config().join("routing.toml")).expect("a file");
    assert_eq!(file, rule);

    // The command reads the same, and says step by step what would happen.
    let invite = gateway.dir().join("invite.sip");
    fs::write(&invite, "INVITE urn:service:sos SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1\r\nFrom: <sip:081234567890@telco>;tag=1\r\nTo: <urn:service:sos>\r\nCall-ID: coba\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n").expect("a file");
    let route = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
        command.arg("route").arg("--config").arg(gateway.config()).arg(&invite).args(more);
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let known = route(&["--trunk", "telco-a"]);
    assert!(known.contains("Rule baru (priority 0) is true"), "{known}");
    assert!(
        known.ends_with(
            "=> queue darurat with priority 5 by rule baru, trunk telco-a, answered on_agent\n"
        ),
        "{known}"
    );
    // At another time, by the centre's clock.
    let night = route(&["--trunk", "telco-a", "--at", "2026-12-25T02:00"]);
    assert!(night.contains("The call comes on Fri 2026-12-25 02:00, Asia/Jakarta.\n"), "{night}");
    let zulu = route(&["--trunk", "telco-a", "--at", "2026-12-24T19:00:00Z"]);
    assert_eq!(zulu, night);
    assert!(route(&["--trunk", "telco-a", "--at", "02:00"]).contains(" 02:00, Asia/Jakarta.\n"));
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let wrong = wrong.arg("route").arg("--config").arg(gateway.config()).arg(&invite);
    let wrong = wrong.args(["--at", "two"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && said.contains("write 02:00 for today"), "{said}");
    let stranger = route(&[]);
    assert!(stranger.contains("203.0.113.9 is no trunk's address"), "{stranger}");
    assert!(stranger.ends_with("=> refused: no trunk sends it\n"), "{stranger}");
    gateway.stop();
}

#[test]
fn rules_by_the_hour_count_for_calls_trials_and_calls_that_were() {
    let (gateway, ()) = Centre::default().start_with(|_, config| with_admin(config));
    let first = Caller::waits(&gateway, "+6281234567811");
    let files = elsewhere(&gateway);
    let usual = text(&good(&gateway, "GET", "", &Value::Null), "routing.toml");
    // Whatever the clock of this machine shows: one rule of the hour that is, one of all others.
    let timed = |hours: &str| {
        let rule = format!(
            "[[rule]]\nname = \"jam\"\npriority = 50\nwhen = {{ hours = {hours} }}\nqueue = \
             \"cadangan\"\n\n"
        );
        let mut files = files.clone();
        files["routing.toml"] = json!(format!("{rule}{usual}"));
        files
    };
    let wrong = good(&gateway, "POST", "/validate", &json!({"files": timed("[\"22.00-6.00\"]")}));
    assert_eq!(mistake(&wrong)["mend"], "write \"22:00-06:00\"", "{wrong}");
    let night = timed("[\"22:00-06:00\"]");
    let invite = "INVITE sip:112@gw SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\nFrom: <sip:081234567890@telco>;tag=1\nTo: <sip:112@gw>\nCall-ID: coba\nCSeq: 1 INVITE\nContent-Length: 0\n\n";
    let trial = |at: Value| json!({"files": night, "invite": invite, "trunk": "telco-a", "at": at});
    for (at, queue) in [
        ("2026-12-25T02:00", "cadangan"),
        ("22:00", "cadangan"),
        ("06:00", "darurat"),
        ("2026-12-24T22:59:59Z", "cadangan"),
        ("2026-12-24T23:00:00Z", "darurat"),
    ] {
        let tried = good(&gateway, "POST", "/dry-run", &trial(json!(at)));
        let goes_to = tried["one"]["goes_to"].as_str().expect("words").to_owned();
        assert!(goes_to.starts_with(&format!("queue {queue} ")), "{at}: {tried}");
    }
    let refused = ask(&gateway, "POST", "/dry-run", &trial(json!("soon")));
    assert_eq!(refused.status, 400, "{refused:?}");
    let alone = ask(&gateway, "POST", "/dry-run", &json!({"files": night, "at": "02:00"}));
    assert_eq!(alone.status, 400, "calls that were have a time of their own");

    // Calls that were are judged by their own time, not by that of the trial.
    let came = until("the record is there", || first.record(&gateway)).text("received_at");
    let came: jiff::Timestamp = came.parse().expect("a time");
    let zone = jiff::tz::TimeZone::get("Asia/Jakarta").expect("a zone");
    let hour = zone.to_datetime(came).hour();
    let (then, after) = (hour, (hour + 1) % 24);
    let in_it = format!("[\"{then:02}:00-{after:02}:00\"]");
    let not_in_it = format!("[\"{after:02}:00-{then:02}:00\"]");
    for (hours, elsewhere) in [(&in_it, 1), (&not_in_it, 0)] {
        let tried = json!({"files": timed(hours), "since": "2020-01-01"});
        let tried = good(&gateway, "POST", "/dry-run", &tried);
        assert_eq!(tried["calls"]["elsewhere"], elsewhere, "{hours}: {tried}");
    }
    // Adopted: who waits goes where the hour of their own INVITE says, and the record names the rule.
    let apply = json!({"base": base(&gateway), "why": "malam", "files": timed(&in_it)});
    good(&gateway, "PUT", "", &apply);
    let moved = until("the rule is on the record", || {
        first.record(&gateway).filter(|row| row.text("rule").starts_with("jam"))
    });
    assert_eq!(moved.text("queue"), "cadangan");
    first.gives_up();
    gateway.stop();
}
