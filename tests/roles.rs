//! People over real HTTP to the real program: roles, logging in, guessing, and what is kept of it all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use siaga112::vocabulary::{CallId, Uid, WallTime};
use support::gateway::{Centre, Gateway};
use support::http::{Answer, request, request_with};
use support::wait::until;

/// What everybody here logs in with.
const PASSWORD: &str = "perahu hijau di kalianget";

/// Who may use what: c(all taker), s(upervisor), d(ispatcher), a(dmin), u: auditor. A capital C stands
/// for own calls only. This list and `src/console/permissions.rs` must say the same; whoever adds a
/// page writes both.
const PAGES: &[(&str, &str)] = &[
    ("GET /api/openapi.json", "csdau"),
    ("GET /api/v1/access-log", "sau"),
    ("GET /api/v1/alarms", "sau"),
    ("POST /api/v1/alarms/{id}/seen", "sa"),
    ("GET /api/v1/audit", "au"),
    ("GET /api/v1/calls", "csda"),
    ("GET /api/v1/calls/{id}", "csda"),
    ("POST /api/v1/calls/{id}/chain/next", "Cs"),
    ("POST /api/v1/calls/{id}/chain/stop", "Cs"),
    ("POST /api/v1/calls/{id}/chain/taken", "Cs"),
    ("GET /api/v1/calls/{id}/chains", "Cs"),
    ("POST /api/v1/calls/{id}/chains/{name}", "Cs"),
    ("POST /api/v1/calls/{id}/move", "s"),
    ("POST /api/v1/calls/{id}/parties", "Cs"),
    ("PATCH /api/v1/calls/{id}/parties/{party}", "Cs"),
    ("DELETE /api/v1/calls/{id}/parties/{party}", "Cs"),
    ("POST /api/v1/calls/{id}/parties/{party}/take-over", "Cs"),
    ("POST /api/v1/calls/{id}/pick-up", "cs"),
    ("POST /api/v1/calls/{id}/private", "Cs"),
    ("GET /api/v1/calls/{id}/replay", "Cs"),
    ("GET /api/v1/calls/{id}/text", "Cs"),
    ("POST /api/v1/calls/{id}/text", "Cs"),
    ("GET /api/v1/categories", "csdau"),
    ("GET /api/v1/chains", "csda"),
    ("GET /api/v1/contacts", "csda"),
    ("GET /api/v1/events", "csdau"),
    ("GET /api/v1/incidents", "csdau"),
    ("POST /api/v1/incidents", "csd"),
    ("PATCH /api/v1/incidents/{id}", "Csd"),
    ("POST /api/v1/incidents/{id}/close", "Csd"),
    ("POST /api/v1/incidents/{id}/link", "Csd"),
    ("POST /api/v1/incidents/{id}/merge", "Csd"),
    ("POST /api/v1/incidents/{id}/reopen", "Csd"),
    ("POST /api/v1/incidents/{id}/unlink", "Csd"),
    ("POST /api/v1/incidents/{id}/unmerge", "Csd"),
    ("GET /api/v1/incidents/{id}/versions", "Csdau"),
    ("GET /api/v1/incidents/{id}", "Csdau"),
    ("POST /api/v1/incidents/{id}/disposition", "Cs"),
    ("GET /api/v1/incidents/{id}/eido", "Csdau"),
    ("GET /api/v1/incidents/{id}/bundle", "s"),
    ("POST /api/v1/incidents/{id}/redacted", "s"),
    ("POST /api/v1/packs", "s"),
    ("POST /api/v1/incidents/{id}/hold", "s"),
    ("GET /api/v1/incidents/{id}/ladder", "sau"),
    ("DELETE /api/v1/incidents/{id}/nuisance", "sa"),
    ("GET /api/v1/incidents/{id}/recording", "Cs"),
    ("POST /api/v1/incidents/{id}/recording/hold", "s"),
    ("GET /api/v1/live", "csda"),
    ("POST /api/v1/locations/aml-sms", "sda"),
    ("GET /api/v1/locations/unmatched", "csda"),
    ("POST /api/v1/logout", "csdau"),
    ("GET /api/v1/marks", "sa"),
    ("GET /api/v1/me", "csdau"),
    ("GET /api/v1/me/draft-key", "csdau"),
    ("POST /api/v1/me/lock", "csdau"),
    ("PUT /api/v1/me/password", "csdau"),
    ("POST /api/v1/me/second-factor", "csdau"),
    ("POST /api/v1/me/second-factor/confirm", "csdau"),
    ("POST /api/v1/me/second-factor/remove", "csdau"),
    ("POST /api/v1/me/unlock", "csdau"),
    ("GET /api/v1/people", "a"),
    ("POST /api/v1/people", "a"),
    ("PATCH /api/v1/people/{name}", "a"),
    ("PUT /api/v1/people/{name}/password", "a"),
    ("DELETE /api/v1/people/{name}/second-factor", "a"),
    ("DELETE /api/v1/people/{name}/sessions", "a"),
    ("GET /api/v1/places", "csdau"),
    ("GET /api/v1/places/outline", "csdau"),
    ("GET /api/v1/prompts", "au"),
    ("PUT /api/v1/prompts/{language}/{name}", "a"),
    ("DELETE /api/v1/prompts/{language}/{name}", "a"),
    ("GET /api/v1/prompts/{language}/{name}/audio", "au"),
    ("GET /api/v1/proof", "au"),
    ("POST /api/v1/proof/verify", "au"),
    ("DELETE /api/v1/proof/verify", "au"),
    ("GET /api/v1/queues", "csda"),
    ("GET /api/v1/receivers", "au"),
    ("GET /api/v1/receivers/{name}/refused", "au"),
    ("POST /api/v1/receivers/{name}/refused/{id}/send", "a"),
    ("GET /api/v1/reports/ciamis", "sdau"),
    ("GET /api/v1/reports/hours", "sdau"),
    ("GET /api/v1/reports/staffing", "sa"),
    ("GET /api/v1/reports/live", "csda"),
    ("GET /api/v1/reports/national", "sdau"),
    ("GET /api/v1/reports/standards", "sdau"),
    ("GET /api/v1/retention/report", "sau"),
    ("GET /api/v1/routing", "au"),
    ("PUT /api/v1/routing", "a"),
    ("POST /api/v1/routing/diff", "a"),
    ("POST /api/v1/routing/dry-run", "a"),
    ("POST /api/v1/routing/rollback", "a"),
    ("POST /api/v1/routing/validate", "a"),
    ("GET /api/v1/routing/versions", "au"),
    ("GET /api/v1/routing/versions/{number}", "au"),
    ("GET /api/v1/seats", "csda"),
    ("DELETE /api/v1/seats/{id}/operator", "Csa"),
    ("PUT /api/v1/seats/{id}/operator", "cs"),
    ("POST /api/v1/seats/{id}/phone", "Cs"),
    ("POST /api/v1/seats/{id}/status", "Csa"),
    ("POST /api/v1/seats/{id}/wrap-up", "Csa"),
    ("GET /api/v1/tokens", "a"),
    ("POST /api/v1/tokens", "a"),
    ("DELETE /api/v1/tokens/{name}", "a"),
    ("GET /api/v1/trunks", "csda"),
    ("GET /api/v1/work-list", "cs"),
    ("POST /api/v1/work-list/{id}/call", "cs"),
    ("POST /api/v1/work-list/{id}/close", "cs"),
];

const ROLES: [(&str, &str); 5] = [
    ("call-taker", "c"),
    ("supervisor", "s"),
    ("dispatcher", "d"),
    ("admin", "a"),
    ("auditor", "u"),
];

/// The command that makes the first admin.
fn passwd(gateway: &Gateway, person: &str, role: Option<&str>, password: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.args(["passwd", "--person", person, "--config"]).arg(gateway.config());
    command.args(role.map(|role| format!("--role={role}")));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    writeln!(child.stdin.take().expect("piped"), "{password}").expect("written");
    child.wait_with_output().expect("it ends")
}

fn log_in(gateway: &Gateway, name: &str, password: &str) -> Answer {
    let body = json!({"name": name, "password": password}).to_string();
    request(gateway.console, "POST", "/api/v1/login", None, &body)
}

fn session(gateway: &Gateway, name: &str) -> String {
    answered_token(&log_in(gateway, name, PASSWORD))
}

fn answered_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["token"].as_str().expect("a token").to_owned()
}

fn ask(gateway: &Gateway, bearer: &str, method: &str, path: &str, body: &str) -> Answer {
    request(gateway.console, method, path, Some(bearer), body)
}

fn kind(answer: &Answer) -> String {
    if answer.status < 400 {
        return String::new();
    }
    let kind = answer.json()["type"].as_str().expect("a problem").to_owned();
    kind.replace("urn:siaga112:problem:", "")
}

/// A session of each role; the call taker is the operator of seat 1.
fn everybody(gateway: &Gateway) -> BTreeMap<&'static str, String> {
    let made = passwd(gateway, "ani", Some("admin"), PASSWORD);
    assert!(made.status.success(), "{made:?}");
    let admin = session(gateway, "ani");
    let mut sessions = BTreeMap::from([("admin", admin.clone())]);
    for (role, _) in ROLES.into_iter().filter(|(role, _)| *role != "admin") {
        let operator = if role == "call-taker" { "operator-1" } else { "" };
        let person =
            json!({"name": role, "role": role, "password": PASSWORD, "operator": operator});
        let added = ask(gateway, &admin, "POST", "/api/v1/people", &person.to_string());
        assert_eq!(added.status, 201, "{added:?}");
        sessions.insert(role, session(gateway, role));
    }
    sessions
}

#[test]
fn each_role_reaches_exactly_its_own_pages() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let sessions = everybody(&gateway);
    let api = ask(&gateway, &sessions["admin"], "GET", "/api/openapi.json", "").json();
    let mut routes: Vec<String> = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        let methods = item.as_object().expect("methods").keys();
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    // These two know who asks by other means: a password, the sign of a phone's maker.
    let open = ["POST /api/v1/login", "POST /api/v1/locations/aml"];
    routes.retain(|route| route.contains(" /api/") && !open.contains(&route.as_str()));
    let mut listed: Vec<&str> = PAGES.iter().map(|(route, _)| *route).collect();
    listed.sort_unstable();
    routes.sort_unstable();
    assert_eq!(routes, listed, "the list of this test and the description");
    // These come last: they make a seat one's own, cover the session, or end it.
    let last = [
        ("PUT /api/v1/seats/{id}/operator", "cs"),
        ("POST /api/v1/me/lock", "csdau"),
        ("POST /api/v1/logout", "csdau"),
    ];
    let pages = PAGES.iter().filter(|(route, _)| last.iter().all(|(one, _)| one != route));
    for (route, may) in pages.chain(&last) {
        let (method, path) = route.split_once(' ').expect("a route");
        let path = path.replace("{id}", "seat-2").replace("{party}", "1").replace("{name}", "x");
        let path = path.replace("{language}", "id");
        for (role, letter) in ROLES {
            let body = if matches!(method, "GET" | "DELETE") { "" } else { "{}" };
            let answer = ask(&gateway, &sessions[role], method, &path, body);
            let reached = match kind(&answer).as_str() {
                "role-may-not" => {
                    let detail = answer.json()["detail"].to_string();
                    assert!(detail.contains(role), "{route}: {detail}");
                    ""
                }
                "not-own" => "C",
                "closed" | "token-wrong" | "token-needed" => panic!("{route} {role}: {answer:?}"),
                _ => letter,
            };
            let wanted =
                may.chars().find(|c| c.eq_ignore_ascii_case(&letter.chars().next().unwrap()));
            let wanted = wanted.map(String::from).unwrap_or_default();
            assert_eq!(reached, wanted, "{route} as {role}: {}", answer.status);
        }
    }
    let gone = ask(&gateway, &sessions["admin"], "GET", "/api/v1/me", "");
    assert_eq!((gone.status, kind(&gone).as_str()), (401, "token-wrong"));
    gateway.stop();
}

#[test]
fn a_call_taker_reaches_the_own_seat_and_the_own_incidents_alone() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let sessions = everybody(&gateway);
    let siti = &sessions["call-taker"];
    let pause = r#"{"status":"paused","reason":"sholat"}"#;
    let set =
        |seat: &str| ask(&gateway, siti, "POST", &format!("/api/v1/seats/{seat}/status"), pause);
    assert_eq!(set("seat-1").status, 204);
    assert_eq!(kind(&set("seat-2")), "not-own");
    assert_eq!(kind(&set("no-such-seat")), "not-own", "what is there is not told");
    let call = CallId(Uid::new(WallTime(1_789_621_200_000_000), 1));
    let pick = |seat: &str| {
        let body = json!({"seat": seat}).to_string();
        kind(&ask(&gateway, siti, "POST", &format!("/api/v1/calls/{call}/pick-up"), &body))
    };
    assert_eq!(pick("seat-2"), "not-own");
    assert_ne!(pick("seat-1"), "not-own");
    assert_eq!(ask(&gateway, siti, "GET", "/api/v1/incidents", "").json()["incidents"], json!([]));
    // Without an operator nothing is their own.
    let admin = &sessions["admin"];
    let nobody = r#"{"operator": ""}"#;
    assert_eq!(ask(&gateway, admin, "PATCH", "/api/v1/people/call-taker", nobody).status, 204);
    assert_eq!(kind(&set("seat-1")), "no-operator");
    // A change of the role counts at once.
    let role = r#"{"role": "supervisor"}"#;
    assert_eq!(ask(&gateway, admin, "PATCH", "/api/v1/people/call-taker", role).status, 204);
    assert_eq!(set("seat-2").status, 204);
    gateway.stop();
}

#[test]
fn who_lists_what_is_not_their_own_says_why_and_what_they_said_is_kept() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let sessions = everybody(&gateway);
    let list = |role: &str, query: &str, why: &str| {
        let bearer = &sessions[role];
        let headers = format!("Authorization: Bearer {bearer}\r\nSiaga112-Reason: {why}");
        let path = format!("/api/v1/incidents{query}");
        request_with(gateway.console, "GET", &path, &headers, "")
    };
    for role in ["supervisor", "dispatcher", "admin", "auditor"] {
        for query in ["", "?limit=1000", "?outcome=answered", "?operator=operator-1"] {
            let refused = list(role, query, "");
            let told = (refused.status, kind(&refused));
            assert_eq!(told, (400, "reason-needed".to_owned()), "{role} {query}");
            assert_eq!(list(role, query, "laporan%20bulan%20ini").status, 200, "{role} {query}");
        }
    }
    // The own ones need none, but for a search; what is typed is kept all the same.
    assert_eq!(list("call-taker", "", "").status, 200);
    assert_eq!(kind(&list("call-taker", "?number=0812", "")), "reason-needed");
    assert_eq!(list("call-taker", "?limit=7", "shift%20malam").status, 200);
    let why = |by: &str, subject: &str| {
        let path = format!("/api/v1/access-log?by={by}&subject={subject}");
        until("it is in the access log", || {
            let log = ask(&gateway, &sessions["auditor"], "GET", &path, "").json();
            log["access"][0]["reason"].as_str().map(str::to_owned)
        })
    };
    assert_eq!(why("auditor", "limit%3D1000"), "laporan bulan ini");
    assert_eq!(why("call-taker", "limit%3D7"), "shift malam");
    // The stream from the beginning on is no way round it.
    let follow = |query: &str| {
        let bearer = &sessions["dispatcher"];
        let headers = format!("Authorization: Bearer {bearer}\r\nSiaga112-Reason:");
        let path = format!("/api/v1/events{query}");
        kind(&request_with(gateway.console, "GET", &path, &headers, ""))
    };
    assert_eq!(follow("?after=0"), "reason-needed");
    for free in ["", "?after=0&personal=false"] {
        assert_eq!(follow(free), "no-websocket", "{free}");
    }
    gateway.stop();
}

#[test]
#[allow(clippy::too_many_lines, reason = "one person's days, read in one piece")]
fn people_come_in_and_leave_and_nothing_secret_is_kept_or_told() {
    let centre = Centre::default();
    let gateway = centre.start();
    let weak = passwd(&gateway, "ani", Some("admin"), "rahasia112");
    assert!(!weak.status.success(), "{weak:?}");
    assert!(String::from_utf8_lossy(&weak.stderr).contains("tries first"), "{weak:?}");
    let unknown = passwd(&gateway, "ani", None, PASSWORD);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--role"), "{unknown:?}");
    let made = passwd(&gateway, "ani", Some("admin"), PASSWORD);
    assert!(String::from_utf8_lossy(&made.stdout).starts_with("$argon2id$v=19$"), "{made:?}");
    let data = gateway.config().join("data");
    let mode = fs::metadata(data.join("people.json")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let ani = session(&gateway, "ani");
    let me = ask(&gateway, &ani, "GET", "/api/v1/me", "").json();
    assert_eq!(
        (&me["name"], &me["role"], &me["session"]),
        (&json!("ani"), &json!("admin"), &json!(true))
    );
    assert_eq!(log_in(&gateway, "ani", "perahu merah di kalianget").status, 401);
    assert_eq!(log_in(&gateway, "perahu hijau di kalianget", "ani").status, 401);

    // A token for a program, and one for a person: shown once, and only their hash is kept.
    let made = |body: Value| ask(&gateway, &ani, "POST", "/api/v1/tokens", &body.to_string());
    let program = made(json!({"name": "papan", "role": "auditor", "days": 1})).json();
    let program = program["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask(&gateway, &program, "GET", "/api/v1/incidents", "").status, 200);
    assert_eq!(kind(&ask(&gateway, &program, "GET", "/api/v1/calls", "")), "role-may-not");
    assert_eq!(made(json!({"name": "papan", "role": "auditor"})).status, 409);
    assert_eq!(made(json!({"name": "meja", "role": "call-taker"})).status, 400);
    assert_eq!(made(json!({"name": "meja", "person": "budi"})).status, 404);
    assert_eq!(made(json!({"name": "meja", "person": "ani", "days": 731})).status, 400);
    let own = made(json!({"name": "meja", "person": "ani"})).json();
    let own = own["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask(&gateway, &own, "GET", "/api/v1/people", "").status, 200);

    // The session outlives the program; so do the tokens.
    let gateway = centre.restart(gateway);
    assert_eq!(ask(&gateway, &ani, "GET", "/api/v1/me", "").status, 200);
    assert_eq!(ask(&gateway, &program, "GET", "/api/v1/me", "").status, 200);
    assert_eq!(ask(&gateway, &ani, "DELETE", "/api/v1/tokens/papan", "").status, 204);
    assert_eq!(ask(&gateway, &program, "GET", "/api/v1/me", "").status, 401);

    // One's own password: the old one is asked for, other sessions end, this one goes on.
    let other = session(&gateway, "ani");
    let change = |old: &str, new: &str| {
        let body = json!({"old": old, "new": new}).to_string();
        ask(&gateway, &ani, "PUT", "/api/v1/me/password", &body)
    };
    assert_eq!(change("perahu biru di kalianget", "kuda laut merah").status, 401);
    assert_eq!(kind(&change(PASSWORD, "ani ani ani")), "weak-password");
    assert_eq!(change(PASSWORD, "kuda laut merah").status, 204);
    assert_eq!(ask(&gateway, &other, "GET", "/api/v1/me", "").status, 401);
    assert_eq!(ask(&gateway, &ani, "GET", "/api/v1/me", "").status, 200);
    assert_eq!(log_in(&gateway, "ani", PASSWORD).status, 401);
    // The last admin stays.
    let off = ask(&gateway, &ani, "PATCH", "/api/v1/people/ani", r#"{"disabled": true}"#);
    assert_eq!(kind(&off), "not-now");
    assert_eq!(ask(&gateway, &ani, "POST", "/api/v1/logout", "").status, 204);
    assert_eq!(ask(&gateway, &ani, "GET", "/api/v1/me", "").status, 401);

    let kept = until("what was done is kept", || {
        let mut kept = gateway.log();
        for folder in [data.clone(), data.join("journal")] {
            let files = fs::read_dir(folder).expect("a folder").flatten();
            for file in files.filter(|file| file.path().is_file()) {
                kept += &String::from_utf8_lossy(&fs::read(file.path()).expect("a file"));
            }
        }
        kept.contains("logged out").then_some(kept)
    });
    for secret in [PASSWORD, "kuda laut merah", &ani, &own, &program, &program[6..]] {
        assert!(!kept.contains(secret), "{secret} is kept");
    }
    // Who did what is on the record, page by page, without what was typed in vain.
    let ani = answered_token(&log_in(&gateway, "ani", "kuda laut merah"));
    let deeds = |query: &str| {
        let answer = ask(&gateway, &ani, "GET", &format!("/api/v1/audit?{query}"), "");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    until("the audit has it", || {
        let revoked = deeds("what=revoked&subject=papan&by=ani");
        (revoked["deeds"].as_array().expect("deeds").len() == 1).then_some(())
    });
    let refused = deeds("by=nobody")["deeds"].to_string();
    assert!(refused.contains("a name that nobody has") && !refused.contains("perahu"), "{refused}");
    let first = deeds("limit=2&until=2100-01-01");
    let next = first["next"].as_str().expect("a next page");
    let second = deeds(&format!("limit=2&before={next}"));
    assert!(second["deeds"][0]["line"].as_u64() < first["deeds"][1]["line"].as_u64(), "{second}");
    assert_eq!(kind(&ask(&gateway, &ani, "GET", "/api/v1/audit?colour=red", "")), "bad-query");
    gateway.stop();
}

#[test]
fn a_cookie_opens_pages_of_ours_and_a_guesser_waits_and_nobody_else() {
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|_, config| {
        support::gateway::edit(
            config,
            "gateway.toml",
            "[console]\n",
            "[console]\ntrusted_proxies = \"127.0.0.0/8\"\n",
        );
    });
    let made = passwd(&gateway, "ani", Some("admin"), PASSWORD);
    assert!(made.status.success(), "{made:?}");
    let from = |source: &str, password: &str| {
        let body = json!({"name": "ani", "password": password}).to_string();
        let header = format!("X-Forwarded-For: {source}");
        request_with(gateway.console, "POST", "/api/v1/login", &header, &body)
    };
    let desk = from("10.0.0.5", PASSWORD);
    assert_eq!(desk.status, 200, "{desk:?}");
    let secret = desk.json()["token"].as_str().expect("a token").to_owned();

    let by_cookie = |method: &str, path: &str, more: &str| {
        let headers = format!("Cookie: siaga112={secret}{more}");
        request_with(gateway.console, method, path, &headers, "")
    };
    assert_eq!(by_cookie("GET", "/api/v1/me", "").status, 200);
    assert_eq!(kind(&by_cookie("DELETE", "/api/v1/tokens/x", "")), "forged");
    assert_eq!(kind(&by_cookie("DELETE", "/api/v1/tokens/x", "\r\nX-Siaga112: 1")), "unknown-id");
    assert_eq!(kind(&by_cookie("GET", "/api/v1/me", "\r\nOrigin: https://evil.example")), "forged");

    let mut statuses: Vec<u16> = Vec::new();
    for n in 0..9 {
        statuses.push(from(&format!("203.0.113.{n}"), "salah sekali lagi").status);
    }
    assert_eq!(statuses[..6], [401; 6], "the sixth makes the next one wait");
    assert!(statuses[6..].contains(&429), "{statuses:?}");
    let waits = until("a guesser has to wait", || {
        let answer = from("203.0.113.77", "salah sekali lagi");
        (answer.status == 429).then_some(answer)
    });
    assert_eq!(kind(&waits), "login-wait");
    // Neither the session nor the person's own desk notices.
    assert_eq!(ask(&gateway, &secret, "GET", "/api/v1/me", "").status, 200);
    assert_eq!(from("10.0.0.5", PASSWORD).status, 200);
    gateway.stop();
}

#[test]
fn nonsense_is_refused_by_every_page_and_never_a_fault_of_ours() {
    let gateway = Centre::default().start();
    let sessions = everybody(&gateway);
    let deep = "[".repeat(4_000);
    let long = format!(r#"{{"name":"{}","files":{{"routing.toml":1}}}}"#, "x".repeat(15_000));
    let bodies = ["", "{", "null", "[]", r#"{"a":1}"#, &deep, &long, r#"{"files":{"../x":"y"}}"#];
    let many = "a".repeat(2_000);
    let ids = [
        "%00",
        "..%2f..%2fetc%2fpasswd",
        &many,
        "%f0%9f%92%a5",
        "-1",
        "18446744073709551616",
        "%27",
    ];
    let pages = PAGES.iter().filter(|(route, _)| *route != "POST /api/v1/logout");
    for (place, (route, _)) in pages.enumerate() {
        let (method, path) = route.split_once(' ').expect("a route");
        for (turn, id) in ids.iter().enumerate() {
            let mut at: String = path.replace("{id}", id).replace("{name}", id);
            at = at.replace("{party}", id).replace("{number}", id);
            if method == "GET" {
                at += &format!("?{id}={id}&since={id}&limit=x");
            }
            let body = match method {
                "GET" | "DELETE" => "",
                _ => bodies[(place + turn) % bodies.len()],
            };
            for role in ["supervisor", "admin"] {
                let answer = ask(&gateway, &sessions[role], method, &at, body);
                let told = String::from_utf8_lossy(&answer.body);
                assert!(answer.status < 500, "{route} {id} {body}: {} {told}", answer.status);
                let refused = answer.status >= 400;
                assert!(!refused || !told.contains("/tmp/"), "{route}: {told}");
            }
        }
    }
    assert!(ask(&gateway, &sessions["admin"], "GET", "/api/v1/me", "").status == 200);
    gateway.stop();
}
