//! What admins, auditors and supervisors keep and read by API beside the routing, on the real program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::http::{Answer, request, send};
use support::pki::Authority;
use support::wait::until;
use support::wire::Peer;

/// The tokens of those who come in beside the suite.
const TOKENS: [(&str, &str); 3] =
    [("ani", "admin"), ("awas", "supervisor"), ("periksa", "auditor")];

fn token(name: &str) -> String {
    format!("token-of-{name}-here")
}

/// Lets an admin, a supervisor and an auditor in.
fn with_people(config: &Path) {
    let mut tokens = String::new();
    for (name, role) in TOKENS {
        let token = token(name);
        tokens += &format!(
            "[[console.token]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken = \"{token}\"\n\n"
        );
    }
    let suite = "[[console.token]]\nname = \"suite\"";
    edit(config, "gateway.toml", suite, &format!("{tokens}{suite}"));
}

fn ask(gateway: &Gateway, who: &str, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(gateway.console, method, path, Some(&token(who)), &body)
}

fn good(gateway: &Gateway, who: &str, path: &str) -> Value {
    let answer = ask(gateway, who, "GET", path, &Value::Null);
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn put(gateway: &Gateway, path: &str, body: &[u8]) -> Answer {
    let header = format!("Authorization: Bearer {}", token("ani"));
    send(gateway.console, "PUT", path, &header, body)
}

/// A WAV file of a tone, or of nothing when it is of 0 Hz.
fn wav(hertz: f32, seconds: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).expect("begun");
    for n in 0..16_000 * seconds {
        let turn = std::f32::consts::TAU * hertz * n as f32 / 16_000.0;
        writer.write_sample((turn.sin() * 16_000.0) as i16).expect("written");
    }
    writer.finalize().expect("written");
    file.into_inner()
}

fn prompt(gateway: &Gateway, name: &str) -> Value {
    let list = good(gateway, "periksa", "/api/v1/prompts");
    let prompts = list["prompts"].as_array().expect("prompts");
    prompts.iter().find(|prompt| prompt["name"] == name).cloned().unwrap_or_default()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one prompt's days, read in one piece")]
fn a_prompt_is_put_judged_played_replaced_and_brought_back_under_calls() {
    let (gateway, ()) = Centre::default().start_with(|_, config| with_people(config));
    let caller = Caller::waits(&gateway, "+6281234567801");
    let list = good(&gateway, "ani", "/api/v1/prompts");
    assert_eq!(list["prompts"], json!([]));
    let missing = |list: &Value| {
        let missing = list["missing"].as_array().expect("a list").iter();
        missing.map(|it| it["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert!(missing(&list).contains(&"selamat-datang".to_owned()), "{list}");

    // What is no prompt is told at its field, and nothing is kept.
    let path = "/api/v1/prompts/id/selamat-datang?why=suara+baru";
    for (body, words) in [
        (&b"this is no audio at all"[..], "save it again"),
        (b"", "no audio"),
        (b"RIFF\x04\0\0\0WAVE", "cannot be decoded"),
    ] {
        let refused = put(&gateway, path, body);
        let told = refused.json();
        assert_eq!((refused.status, &told["errors"][0]["field"]), (422, &json!("file")), "{told}");
        assert!(told["errors"][0]["detail"].as_str().expect("words").contains(words), "{told}");
    }
    assert_eq!(put(&gateway, "/api/v1/prompts/id/..?why=x", b"x").status, 400);
    assert_eq!(put(&gateway, "/api/v1/prompts/id/baru", b"x").status, 400, "no reason");
    let large = [b"RIFF".to_vec(), vec![0; 20 << 20]].concat();
    assert_eq!(put(&gateway, path, &large).status, 422, "too many bytes");
    assert!(!gateway.config().join("prompts").exists(), "nothing was kept");
    let refused = ask(&gateway, "awas", "PUT", path, &Value::Null);
    assert_eq!(refused.status, 403, "supervisors do not change prompts");

    // A good one is heard by whoever waits next, and is a version.
    let (first, second) = (wav(600.0, 1), wav(900.0, 2));
    let done = put(&gateway, path, &first);
    let first_version = done.json();
    assert_eq!(done.status, 200, "{first_version}");
    let shown = &first_version["prompt"];
    assert_eq!(
        (&shown["file"], &shown["codec"], &shown["rate"], &shown["doubt"]),
        (
            &json!("prompts/id/selamat-datang.wav"),
            &json!("PCM 16 bit"),
            &json!(16_000),
            &Value::Null
        )
    );
    assert!((shown["seconds"].as_f64().expect("seconds") - 1.0).abs() < 0.02, "{shown}");
    assert_eq!(shown["used"], json!([{"queue": "darurat", "event": "welcome"}]));
    let list = good(&gateway, "ani", "/api/v1/prompts");
    assert!(!missing(&list).contains(&"selamat-datang".to_owned()), "{list}");
    let audio =
        ask(&gateway, "periksa", "GET", "/api/v1/prompts/id/selamat-datang/audio", &Value::Null);
    assert_eq!((audio.status, audio.body == first), (200, true));
    let part = send(
        gateway.console,
        "GET",
        "/api/v1/prompts/id/selamat-datang/audio",
        &format!("Authorization: Bearer {}\r\nRange: bytes=4-7", token("ani")),
        b"",
    );
    assert_eq!((part.status, part.body), (206, first[4..8].to_vec()));
    assert!(
        part.head.contains(&format!("content-range: bytes 4-7/{}", first.len())),
        "{}",
        part.head
    );

    // Replaced only by whoever has seen what is there; with another ending the old file goes.
    assert_eq!(put(&gateway, path, &second).status, 409, "it is there already");
    let base = shown["sha256"].as_str().expect("a hash");
    let replace = format!("{path}&base={base}");
    assert_eq!(put(&gateway, &replace, &first).status, 409, "it is so already");
    let opus = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts/id/menunggu.opus");
    let replaced = put(&gateway, &replace, &fs::read(opus).expect("reads")).json();
    assert_eq!(replaced["prompt"]["codec"], "Opus", "{replaced}");
    assert!(!gateway.config().join("prompts/id/selamat-datang.wav").exists());
    assert_eq!(put(&gateway, &replace, &second).status, 409, "somebody else was faster");

    // What callers hear cannot be taken away; what they do not, can. A silent one is doubted.
    let base = replaced["prompt"]["sha256"].as_str().expect("a hash");
    let used = ask(&gateway, "ani", "DELETE", &format!("{path}&base={base}"), &Value::Null);
    assert_eq!(used.status, 409);
    assert!(used.json()["detail"].as_str().expect("words").contains("queue darurat as welcome"));
    let spare = "/api/v1/prompts/-/cadangan?why=coba";
    let silent = put(&gateway, spare, &wav(0.0, 1)).json();
    assert_eq!(
        (&silent["prompt"]["doubt"], &silent["prompt"]["used"]),
        (&json!("silent"), &json!([]))
    );
    let base = silent["prompt"]["sha256"].as_str().expect("a hash");
    let gone = ask(&gateway, "ani", "DELETE", &format!("{spare}&base={base}"), &Value::Null);
    assert_eq!((gone.status, prompt(&gateway, "cadangan")), (200, Value::Null));
    let again = ask(&gateway, "ani", "DELETE", &format!("{spare}&base={base}"), &Value::Null);
    assert_eq!(again.status, 404);

    // Brought back with the versions of everything else; the pages of routing never show sound.
    let routing = good(&gateway, "ani", "/api/v1/routing");
    assert!(!routing["files"].to_string().contains("prompts/"), "{routing}");
    let number = &first_version["version"];
    let whole = good(&gateway, "ani", &format!("/api/v1/routing/versions/{number}"));
    assert!(whole["changed"].to_string().contains("prompts/id/selamat-datang.wav"), "{whole}");
    let back = json!({"version": number, "base": routing["digest"], "why": "kembali"});
    let back = ask(&gateway, "ani", "POST", "/api/v1/routing/rollback", &back);
    assert_eq!(back.status, 200, "{}", String::from_utf8_lossy(&back.body));
    assert_eq!(
        fs::read(gateway.config().join("prompts/id/selamat-datang.wav")).expect("reads"),
        first
    );
    assert!(!gateway.config().join("prompts/id/selamat-datang.opus").exists());
    assert_eq!(prompt(&gateway, "selamat-datang")["codec"], "PCM 16 bit");

    // By hand as well, also one that no caller hears.
    fs::write(gateway.config().join("prompts/tangan.wav"), &second).expect("written");
    until("the file by hand is read", || prompt(&gateway, "tangan")["seconds"].as_f64());
    until("each change is audited", || {
        let audit = good(&gateway, "periksa", "/api/v1/audit").to_string();
        let all = ["prompt added", "prompt replaced", "prompt removed"];
        all.iter().all(|words| audit.contains(words)).then_some(())
    });
    assert_eq!(gateway.calls().len(), 1, "no call noticed");
    caller.gives_up();
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn the_state_of_the_proof_is_shown_and_verified_from_the_page() {
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        with_people(config);
        fs::create_dir(config.join("copies")).expect("a folder");
        let copies = config.join("copies");
        let node = "[node]\n";
        edit(config, "gateway.toml", node, &format!("[proof]\ncopy_to = {copies:?}\n\n{node}"));
    });
    let caller = Caller::waits(&gateway, "+6281234567801");
    let proof = until("the head of today is signed and copied", || {
        let proof = good(&gateway, "periksa", "/api/v1/proof");
        proof["copied_at"].is_string().then_some(proof)
    });
    let head = &proof["heads"][0];
    assert_eq!((&head["signature_ok"], &head["wrong"]), (&json!(true), &Value::Null), "{proof}");
    assert_eq!(proof["public_key"].as_str().map(str::len), Some(64));
    assert!(head["line"].as_u64() >= Some(1) && proof["verify"].is_null(), "{proof}");
    assert_eq!(ask(&gateway, "awas", "GET", "/api/v1/proof", &Value::Null).status, 403);

    let verify = |who: &str| ask(&gateway, who, "POST", "/api/v1/proof/verify", &Value::Null);
    assert_eq!(verify("awas").status, 403);
    assert_eq!(verify("periksa").status, 202);
    let done = |what: &str| {
        until(what, || {
            let proof = good(&gateway, "periksa", "/api/v1/proof");
            let run = proof["verify"].clone();
            (run["ended"].is_string()).then_some(run)
        })
    };
    let run = done("all was verified");
    assert_eq!((&run["outcome"], &run["by"]), (&json!("holds"), &json!("periksa")), "{run}");
    assert!(run["lines"].as_u64() > Some(1) && run["report"]["faults_total"] == 0, "{run}");

    // A head that somebody has changed is shown at once, and found.
    let heads = gateway.config().join("data/heads");
    let file = fs::read_dir(&heads).expect("heads").next().expect("one").expect("read").path();
    let text = fs::read_to_string(&file).expect("read");
    fs::write(&file, text.replace("\"line\": ", "\"line\": 9")).expect("written");
    let proof = good(&gateway, "ani", "/api/v1/proof");
    assert_eq!(proof["heads"][0]["signature_ok"], false, "{proof}");
    let wrong = json!({"since": "kemarin"});
    assert_eq!(ask(&gateway, "ani", "POST", "/api/v1/proof/verify", &wrong).status, 400);
    assert_eq!(verify("ani").status, 202);
    let run = until("the change is found", || {
        let run = good(&gateway, "ani", "/api/v1/proof")["verify"].clone();
        (run["outcome"] == "faults").then_some(run)
    });
    assert!(run["report"]["faults"].to_string().contains("not signed"), "{run}");
    until("it is audited", || {
        let audit = good(&gateway, "periksa", "/api/v1/audit").to_string();
        audit.contains("verification begun").then_some(())
    });
    caller.gives_up();

    // The outcome is there after a restart.
    let gateway = Centre::default().restart(gateway);
    let run = good(&gateway, "periksa", "/api/v1/proof")["verify"].clone();
    assert_eq!((&run["outcome"], &run["by"]), (&json!("faults"), &json!("ani")), "{run}");
    gateway.stop();
}

#[test]
fn alarms_outlive_a_kill_and_one_that_came_meanwhile_is_not_taken_as_seen() {
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| with_people(config));
    let alarm = |gateway: &Gateway, name: &str| {
        let alarms = good(gateway, "awas", "/api/v1/alarms");
        let all = alarms["alarms"].as_array().expect("alarms").clone();
        all.into_iter().find(|alarm| alarm["id"] == name)
    };
    // An INVITE of a carrier that nobody can read makes an alarm.
    let spoil = |gateway: &Gateway| {
        let socket = std::net::UdpSocket::bind((gateway.site.trunk(), 0)).expect("a socket");
        let at = socket.local_addr().expect("bound");
        let broken = format!(
            "INVITE sip:112@gw SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(broken.as_bytes(), gateway.sip).expect("sent");
    };
    spoil(&gateway);
    let first = until("the alarm is there", || alarm(&gateway, "invite-unreadable"));
    assert_eq!(first["seen_by"], Value::Null);
    let gateway = centre.restart(gateway);
    let again = alarm(&gateway, "invite-unreadable").expect("it outlives a kill");
    assert_eq!((&again["last_at"], &again["count"]), (&first["last_at"], &first["count"]));

    let seen = |gateway: &Gateway, last_at: &Value| {
        let path = "/api/v1/alarms/invite-unreadable/seen";
        ask(gateway, "awas", "POST", path, &json!({ "last_at": last_at })).status
    };
    let early = json!("2020-01-01T00:00:00Z");
    assert_eq!(seen(&gateway, &early), 409, "what it says now was not seen");
    assert_eq!(seen(&gateway, &json!("nanti")), 400);
    assert_eq!(alarm(&gateway, "invite-unreadable").expect("there")["seen_by"], Value::Null);
    assert_eq!(seen(&gateway, &again["last_at"]), 204);
    assert_eq!(seen(&gateway, &again["last_at"]), 404, "it is seen already");
    let gateway = centre.restart(gateway);
    let kept = alarm(&gateway, "invite-unreadable").expect("it is there for a day");
    assert_eq!(kept["seen_by"], "awas", "{kept}");
    assert!(kept["seen_at"].is_string());
    gateway.stop();
}

#[test]
fn borders_and_hours_and_seats_are_told() {
    let (gateway, ()) = Centre::default().start_with(|_, config| with_people(config));
    // Borders: none of its own, then judged and adopted like any other file.
    assert_eq!(ask(&gateway, "awas", "GET", "/api/v1/places/outline", &Value::Null).status, 404);
    let places = good(&gateway, "awas", "/api/v1/places");
    let code = places["kecamatan"][0]["code"].as_str().expect("a code").to_owned();
    assert_eq!(places["outline"], Value::Null);
    let outline = |code: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",\"attribution\":\"BIG\",\n\"features\":[\n{{\"type\":\"Feature\",\
             \"properties\":{{\"code\":\"{code}\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":\
             [[[113.8,-7.0],[113.9,-7.0],[113.9,-7.1],[113.8,-7.0]]]}}}}]}}"
        )
    };
    let wrong = json!({"files": {"places/outline.geojson": outline("99.99.99")}});
    let judged = ask(&gateway, "ani", "POST", "/api/v1/routing/validate", &wrong).json();
    let errors = judged["findings"].as_array().expect("findings");
    let error = errors.iter().find(|finding| finding["severity"] == "error").expect("a mistake");
    assert_eq!((&error["file"], &error["line"]), (&json!("places/outline.geojson"), &json!(3)));
    let base = good(&gateway, "ani", "/api/v1/routing")["digest"].clone();
    let files = json!({"places/outline.geojson": outline(&code)});
    let change = json!({"base": base, "why": "batas resmi", "files": files});
    let done = ask(&gateway, "ani", "PUT", "/api/v1/routing", &change);
    assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    let shown = ask(&gateway, "awas", "GET", "/api/v1/places/outline", &Value::Null);
    let drawn = shown.json();
    assert_eq!(drawn["features"][0]["properties"]["code"], json!(code), "{drawn}");
    let sha256 = good(&gateway, "awas", "/api/v1/places")["outline"].clone();
    let tag = format!("\"{}\"", sha256.as_str().expect("a tag"));
    let header = format!("Authorization: Bearer {}\r\nIf-None-Match: {tag}", token("awas"));
    let same = send(gateway.console, "GET", "/api/v1/places/outline", &header, b"");
    assert_eq!((same.status, same.body.is_empty()), (304, true));

    // Hours: two callers left in this hour.
    for number in ["+6281234567801", "+6281234567802"] {
        Caller::waits(&gateway, number).gives_up();
    }
    let hours = until("both are counted", || {
        let report = good(&gateway, "awas", "/api/v1/reports/hours");
        (report["whole"]["abandoned"] == 2).then_some(report)
    });
    let sum = |list: &str| {
        let rows = hours[list].as_array().expect("rows");
        rows.iter().map(|row| row["offered"].as_u64().expect("a number")).sum::<u64>()
    };
    for list in ["by_hour", "by_day", "by_lane", "by_disposition"] {
        assert_eq!(sum(list), 2, "{list}: {hours}");
    }
    assert_eq!(hours["by_hour"].as_array().map(Vec::len), Some(24));
    let csv = ask(&gateway, "awas", "GET", "/api/v1/reports/hours?format=csv", &Value::Null);
    let csv = String::from_utf8(csv.body).expect("text");
    assert!(csv.starts_with("slice,offered") && csv.contains("lane usual,2,"), "{csv}");
    assert_eq!(ask(&gateway, "awas", "GET", "/api/v1/reports/hours?x=1", &Value::Null).status, 400);

    // Seats: too few records to rely upon, and it says so.
    let staffing = good(&gateway, "awas", "/api/v1/reports/staffing");
    assert_eq!((&staffing["reliable"], &staffing["calls"]), (&json!(false), &json!(0)));
    assert_eq!(staffing["hours"].as_array().map(Vec::len), Some(24));
    assert_eq!(staffing["today"]["plan"], json!(vec![1; 24]), "{staffing}");
    assert!(staffing["assumed"].to_string().contains("answer_seconds"));
    let ask_days = |query: &str| {
        let path = format!("/api/v1/reports/staffing?{query}");
        ask(&gateway, "awas", "GET", &path, &Value::Null).status
    };
    assert_eq!((ask_days("days=1"), ask_days("queue=lain"), ask_days("days=14")), (400, 404, 200));
    assert_eq!(
        ask(&gateway, "periksa", "GET", "/api/v1/reports/staffing", &Value::Null).status,
        403
    );
    gateway.stop();
}

#[test]
fn a_reload_shows_the_console_s_new_certificate_to_new_connections() {
    let authority = Arc::new(Authority::new());
    let tls = Some((Arc::clone(&authority), ""));
    let centre = Centre { transports: &["tls"], tls, ..Centre::default() };
    let (gateway, ()) = centre.start_with(|_, config| {
        let keys = "tls_cert = \"tls/cert.pem\"\ntls_key = \"tls/key.pem\"\n";
        edit(config, "gateway.toml", "[console]\n", &format!("[console]\n{keys}"));
    });
    let (from, at) = (gateway.site.trunk(), gateway.console);
    let trusts = |authority: &Authority| Peer::tls(from, at, authority.client(None)).is_ok();
    assert!(trusts(&authority));
    let next = Authority::new();
    next.write(&gateway.config(), &[&at.ip().to_string()]);
    gateway.signal("HUP");
    until("it is adopted", || gateway.log().contains("configuration adopted").then_some(()));
    assert!(!trusts(&authority) && trusts(&next));
    gateway.stop();
}

#[test]
fn a_supervisor_says_in_which_lane_a_caller_waits() {
    let (gateway, ()) = Centre::default().start_with(|_, config| with_people(config));
    let caller = Caller::waits(&gateway, "+6281234567801");
    let live = caller.live(&gateway).expect("it waits");
    assert_eq!(live.text("lane"), "usual");
    let path = format!("/api/v1/calls/{}/move", live.text("id"));
    let to = |body: Value| ask(&gateway, "awas", "POST", &path, &body).status;
    assert_eq!((to(json!({})), to(json!({"lane": "cepat"}))), (400, 400));
    assert_eq!(to(json!({"lane": "nuisance", "priority": 3})), 204);
    let live = caller.live(&gateway).expect("it waits");
    assert_eq!((live.text("lane"), live.text("queue")), ("nuisance".into(), "darurat".into()));
    assert_eq!(to(json!({"priority": 9})), 204);
    assert_eq!(caller.live(&gateway).expect("it waits").text("lane"), "nuisance", "it is kept");
    let id = live.text("incident");
    caller.gives_up();
    let record = until("the record says who and why", || {
        let whole = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        whole.to_string().contains("moved by awas").then_some(whole)
    });
    assert!(record.to_string().contains("\"nuisance\""), "{record}");
    gateway.stop();
}
