//! Coming in with a second factor, covering an idle page, sitting down at a seat and being its phone: by
//! real HTTP to the real program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use siaga112::server::Clock;
use siaga112::sip::digest::Algorithm;
use support::gateway::{Centre, Gateway, account, edit};
use support::http::{Answer, request};
use support::people::{PASSWORD, add, admin, session};
use support::site::Site;
use support::wait::{unix_seconds, until};

fn ask(gateway: &Gateway, bearer: &str, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(gateway.console, method, &format!("/api/v1{path}"), Some(bearer), &body)
}

fn kind(answer: &Answer) -> String {
    if answer.status < 400 {
        return answer.status.to_string();
    }
    let kind = answer.json()["type"].as_str().expect("a problem").to_owned();
    kind.replace("urn:siaga112:problem:", "")
}

fn log_in(gateway: &Gateway, code: Option<&str>) -> Answer {
    let body = json!({"name": "ani", "password": PASSWORD, "code": code}).to_string();
    request(gateway.console, "POST", "/api/v1/login", None, &body)
}

/// What a telephone's program shows, written by RFC 6238 alone.
fn code(key: &str, step: u64) -> String {
    let key = BASE32_NOPAD.decode(key.as_bytes()).expect("base 32");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let four: [u8; 4] = tag[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

#[test]
fn a_role_that_needs_a_second_factor_gets_nothing_without_it_and_no_code_opens_twice() {
    let centre = Centre::default();
    let gateway = centre.start();
    let ani = admin(&gateway);
    assert_eq!(ask(&gateway, &ani, "GET", "/people", &Value::Null).status, 200);
    edit(
        &gateway.config(),
        "gateway.toml",
        "[console]\n",
        "[console]\nsecond_factor = [\"admin\"]\n",
    );
    let gateway = centre.restart(gateway);

    // The session from before, and a new one, are good for setting it up and for nothing else.
    let answer = log_in(&gateway, None);
    assert_eq!(answer.json()["second_factor_missing"], true);
    for bearer in [ani, answer.json()["token"].as_str().unwrap().to_owned()] {
        let people = ask(&gateway, &bearer, "GET", "/people", &Value::Null);
        assert_eq!(kind(&people), "second-factor-missing");
        assert_eq!(
            ask(&gateway, &bearer, "GET", "/me", &Value::Null).json()["second_factor_missing"],
            true
        );
    }
    let ani = answer.json()["token"].as_str().unwrap().to_owned();
    let set_up = |path: &str, body: Value| {
        ask(&gateway, &ani, "POST", &format!("/me/second-factor{path}"), &body)
    };
    assert_eq!(
        kind(&set_up("/confirm", json!({"code": "123456"}))),
        "not-now",
        "nothing was begun"
    );
    assert_eq!(kind(&set_up("", json!({"password": "salah semua"}))), "login-wrong");
    let begun = set_up("", json!({"password": PASSWORD})).json();
    let key = begun["key"].as_str().unwrap();
    assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/NTPD%20112%20Sumenep:ani?"));
    let now = Clock::start().now().wall.0 / 30_000_000;
    let now = u64::try_from(now).unwrap();
    assert_eq!(kind(&set_up("/confirm", json!({"code": "12345"}))), "code-wrong");
    let confirmed = set_up("/confirm", json!({"code": code(key, now)}));
    let recovery = confirmed.json()["recovery_codes"].clone();
    assert_eq!(recovery.as_array().map(Vec::len), Some(8), "{confirmed:?}");
    assert_eq!(ask(&gateway, &ani, "GET", "/people", &Value::Null).status, 200);
    assert_eq!(
        kind(&set_up("/remove", json!({"password": PASSWORD}))),
        "not-now",
        "the role needs it"
    );

    // From now on the password alone opens nothing; each code opens once, also after a restart.
    assert_eq!(kind(&log_in(&gateway, None)), "code-needed");
    assert_eq!(kind(&log_in(&gateway, Some(&code(key, now)))), "code-wrong", "it has set this up");
    let next = code(key, now + 1);
    assert_eq!(log_in(&gateway, Some(&next)).status, 200);
    let gateway = centre.restart(gateway);
    assert_eq!(kind(&log_in(&gateway, Some(&next))), "code-wrong");
    let paper = recovery[0].as_str().unwrap();
    assert_eq!(log_in(&gateway, Some(paper)).status, 200);
    assert_eq!(kind(&log_in(&gateway, Some(paper))), "code-wrong");
    // Guessing codes costs time like guessing passwords.
    let waits =
        (0..9).map(|_| kind(&log_in(&gateway, Some("000000")))).any(|it| it == "login-wait");
    assert!(waits, "nobody guesses a code");
    let kept = std::fs::read_to_string(gateway.config().join("data/people.json")).unwrap();
    assert!(!kept.contains(paper) && !gateway.log().contains(key), "what is secret is told");
    gateway.stop();
}

#[test]
fn a_covered_page_is_answered_nothing_before_the_password_is_given_again() {
    let gateway = Centre::default().start();
    let ani = admin(&gateway);
    let post = |path: &str, body: &Value| kind(&ask(&gateway, &ani, "POST", path, body));
    let people = || kind(&ask(&gateway, &ani, "GET", "/people", &Value::Null));
    assert_eq!((people().as_str(), post("/me/lock", &Value::Null).as_str()), ("200", "204"));
    assert_eq!(people(), "locked");
    assert_eq!(post("/me/second-factor", &json!({"password": PASSWORD})), "locked");
    let me = ask(&gateway, &ani, "GET", "/me", &Value::Null).json();
    assert_eq!((&me["locked"], &me["site"]["lock_minutes"]), (&json!(true), &json!(15)));
    assert_eq!(post("/me/unlock", &json!({"password": "salah semua"})), "login-wrong");
    assert_eq!(people(), "locked");
    assert_eq!(post("/me/unlock", &json!({"password": PASSWORD})), "204");
    assert_eq!(people(), "200");
    gateway.stop();
}

#[test]
fn who_sits_at_a_seat_is_its_operator_and_its_phone_and_nobody_else() {
    let authority = Centre { transports: &["ws"], seats: 2, ..Centre::default() };
    let gateway = authority.start();
    let ani = admin(&gateway);
    for name in ["siti", "budi"] {
        add(&gateway, &ani, json!({"name": name, "role": "call-taker"}));
    }
    let [siti, budi] = ["siti", "budi"].map(|name| session(&gateway, name, PASSWORD));
    let at = |who: &str, method: &str, path: &str| {
        kind(&ask(&gateway, who, method, &format!("/seats/{path}"), &Value::Null))
    };
    assert_eq!(at(&siti, "POST", "seat-1/phone"), "not-own");
    assert_eq!(at(&ani, "PUT", "seat-1/operator"), "role-may-not");
    assert_eq!(at(&siti, "PUT", "seat-9/operator"), "unknown-id");
    assert_eq!(at(&siti, "PUT", "seat-1/operator"), "204");
    assert_eq!(at(&budi, "PUT", "seat-1/operator"), "not-now", "siti sits there");
    assert_eq!(at(&budi, "DELETE", "seat-1/operator"), "not-own");
    let me = ask(&gateway, &siti, "GET", "/me", &Value::Null).json();
    assert_eq!((&me["seats"], &me["permissions"]["phone"]), (&json!(["seat-1"]), &json!("own")));

    let phone = ask(&gateway, &siti, "POST", "/seats/seat-1/phone", &Value::Null).json();
    let account = account("seat-1");
    let ha1 = format!("seat-1:112.sumenep.example:{}", account.password);
    assert_eq!(phone["ha1"], Algorithm::Md5.hash(&ha1));
    assert_eq!(phone["ws_url"], format!("ws://{}", gateway.at("ws")));
    assert_eq!(
        (&phone["user"], &phone["uri"]),
        (&json!("seat-1"), &json!("sip:seat-1@112.sumenep.example"))
    );
    assert!(!phone.to_string().contains(&account.password));

    // Another seat leaves the first one; a restart forgets nobody; whoever leaves takes no call there.
    gateway.register(1);
    gateway.await_seat("seat-1", "ready");
    assert_eq!(at(&siti, "PUT", "seat-2/operator"), "204");
    let seat = |gateway: &Gateway, name: &str| gateway.seat(name).expect("listed");
    let one = seat(&gateway, "seat-1");
    assert_eq!((&one["operator"], &one["state"]), (&json!("operator-1"), &json!("paused")));
    assert_eq!(at(&budi, "PUT", "seat-1/operator"), "204");
    assert_eq!(seat(&gateway, "seat-1")["state"], "ready");
    let gateway = authority.restart(gateway);
    assert_eq!(seat(&gateway, "seat-1")["operator"], "budi");
    assert_eq!(seat(&gateway, "seat-2")["operator"], "siti");
    assert_eq!(kind(&ask(&gateway, &budi, "POST", "/logout", &Value::Null)), "204");
    assert_eq!(seat(&gateway, "seat-1")["operator"], "operator-1");
    // Whoever is logged out by an admin sits nowhere.
    assert_eq!(kind(&ask(&gateway, &ani, "DELETE", "/people/siti/sessions", &Value::Null)), "204");
    assert_eq!(seat(&gateway, "seat-2")["operator"], "operator-2");
    gateway.stop();
}

#[test]
fn a_session_that_ends_by_time_leaves_no_seat_ready_unless_a_phone_stands_there() {
    let centre = Centre { transports: &["ws"], seats: 2, ..Centre::default() };
    let gateway = centre.start();
    let ani = admin(&gateway);
    for (name, seat) in [("siti", "seat-1"), ("budi", "seat-2")] {
        add(&gateway, &ani, json!({"name": name, "role": "call-taker"}));
        let bearer = session(&gateway, name, PASSWORD);
        let path = format!("/seats/{seat}/operator");
        assert_eq!(kind(&ask(&gateway, &bearer, "PUT", &path, &Value::Null)), "204");
    }
    // Nobody has asked for anything for nearly an hour.
    let sessions = gateway.config().join("data/sessions.json");
    let gateway = centre.restart_after(gateway, || {
        let text = std::fs::read_to_string(&sessions).expect("sessions");
        let mut all: Value = serde_json::from_str(&text).expect("JSON");
        let micros = unix_seconds() * 1_000_000;
        for (_, session) in all.as_object_mut().expect("sessions").iter_mut() {
            session["used"] = json!(micros - 3_600_000_000 + 15_000_000);
        }
        std::fs::write(&sessions, all.to_string()).expect("written");
    });
    gateway.register(1);
    let seat = |name: &str| gateway.seat(name).expect("listed");
    assert_eq!(
        (&seat("seat-1")["operator"], &seat("seat-2")["operator"]),
        (&json!("siti"), &json!("budi"))
    );
    let ended = until("the second seat is nobody's", || {
        let alarms = gateway.get("/api/v1/alarms").json();
        let all = alarms["alarms"].as_array().expect("alarms").clone();
        all.into_iter().find(|alarm| alarm["id"] == "session-over")
    });
    assert!(ended["detail"].as_str().expect("words").contains("seat-2"), "{ended}");
    assert_eq!((&ended["count"], &seat("seat-2")["operator"]), (&json!(1), &json!("operator-2")));
    assert_eq!(
        (&seat("seat-1")["operator"], &seat("seat-1")["state"]),
        (&json!("siti"), &json!("ready"))
    );
    gateway.stop();
}

#[test]
fn over_tls_browsers_are_told_to_come_by_tls_only() {
    let keys = "[console]\ntls_cert = \"tls/cert.pem\"\ntls_key = \"tls/key.pem\"\n";
    let secure = |_: &Site, config: &Path| edit(config, "gateway.toml", "[console]\n", keys);
    let (gateway, ()) = Centre::of_every_transport().start_with(secure);
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-connect", &gateway.console.to_string()]);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut client = client.spawn().expect("openssl runs");
    let asked = "GET /healthz HTTP/1.1\r\nHost: 112.example\r\nConnection: close\r\n\r\n";
    client.stdin.as_mut().expect("piped").write_all(asked.as_bytes()).expect("written");
    let told = client.wait_with_output().expect("it ends").stdout;
    let told = String::from_utf8_lossy(&told).to_lowercase();
    assert!(told.contains("strict-transport-security: max-age=31536000"), "{told}");
    gateway.stop();
    // In the clear it would keep nobody from anything but this page.
    let gateway = Centre::default().start();
    let mut stream = TcpStream::connect(gateway.console).expect("it listens");
    stream.write_all(asked.as_bytes()).expect("written");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("an answer");
    assert!(!told.to_lowercase().contains("strict-transport"), "{told}");
    gateway.stop();
}
