//! The live feed of the real program over a WebSocket: everything first, then what changes, for who may
//! see it and no longer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use futures_util::StreamExt;
use serde_json::{Value, json};
use support::gateway::{Centre, Gateway};
use support::http::request_with;
use support::people::{PASSWORD, add, admin, session};
use support::phone::{Dialog, Phone};
use support::wait::LIMIT;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

struct Page {
    socket: WebSocketStream<TcpStream>,
    seq: u64,
}

impl Page {
    /// Opens the feed; headers are `name: value`.
    async fn open(gateway: &Gateway, headers: &[(&'static str, String)]) -> Result<Self, u16> {
        let url = format!("ws://{}/api/v1/live", gateway.console);
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        let stream = TcpStream::connect(gateway.console).await.expect("connects");
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket, seq: 0 }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn bearing(gateway: &Gateway, token: &str) -> Self {
        let bearer = [("authorization", format!("Bearer {token}"))];
        Self::open(gateway, &bearer).await.expect("a feed")
    }

    /// The next message that is no beat; the numbers go up by one.
    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(LIMIT, self.socket.next()).await.expect("in time");
            let Message::Text(text) = message.expect("more").expect("a message") else { continue };
            let json: Value = serde_json::from_str(&text).expect("JSON");
            let seq = json["seq"].as_u64().expect("a number");
            match json["type"].as_str().expect("a type") {
                "whole" => self.seq = seq,
                "beat" => {
                    assert_eq!(seq, self.seq);
                    continue;
                }
                _ => {
                    self.seq += 1;
                    assert_eq!(seq, self.seq, "a step was lost");
                }
            }
            return json;
        }
    }

    /// What is said in messages until one of a list fits.
    async fn until(&mut self, list: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await;
            let found = message[list].as_array().into_iter().flatten().find(|one| fits(one));
            if let Some(found) = found {
                return found.clone();
            }
        }
    }

    async fn close_code(&mut self) -> CloseCode {
        loop {
            let message = tokio::time::timeout(LIMIT, self.socket.next()).await.expect("in time");
            if let Message::Close(frame) = message.expect("a close").expect("a message") {
                return frame.expect("a reason").code;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_everything_and_then_each_change() {
    let gateway = Centre::default().start();
    let mut page = Page::bearing(&gateway, "token-of-the-suite").await;
    let whole = page.next().await;
    assert_eq!((&whole["type"], &whole["calls"]), (&json!("whole"), &json!([])), "{whole}");
    assert_eq!(whole["seats"][0]["state"], "signed-out");
    assert_eq!((&whole["alarms"], &whole["counts"]["draining"]), (&json!([]), &json!(false)));
    assert_eq!(whole["build"].as_str().map(str::len), Some(16));

    gateway.register(1);
    let seat = page.until("seats", |seat| seat["state"] == "ready").await;
    assert_eq!((&seat["id"], &seat["phones"]), (&json!("seat-1"), &json!(1)));

    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    let media = format!("{}:4000", gateway.site.trunk()).parse().unwrap();
    let invite = call.invite(&trunk, media);
    let rings = page.until("calls", |call| call["state"] == "ringing").await;
    assert_eq!((&rings["caller"], &rings["seat"]), (&json!("+6281234567890"), &json!("seat-1")));

    // Somebody who comes later begins with what is so by then, and hears the end as well.
    let mut later = Page::bearing(&gateway, "token-of-the-suite").await;
    assert_eq!(later.next().await["calls"][0]["id"], rings["id"]);
    trunk.send(&support::phone::companion(&invite, "CANCEL"));
    for page in [&mut page, &mut later] {
        page.until("calls_over", |id| *id == rings["id"]).await;
    }
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_page_of_ours_gets_the_feed_by_its_cookie_and_only_while_the_session_lasts() {
    let gateway = Centre::default().start();
    let ani = admin(&gateway);
    add(&gateway, &ani, json!({"name": "siti", "role": "call-taker", "operator": "operator-1"}));
    add(&gateway, &ani, json!({"name": "audit", "role": "auditor"}));
    let siti = session(&gateway, "siti", PASSWORD);
    let cookie = |origin: String| [("cookie", format!("siaga112={siti}")), ("origin", origin)];
    let ours = format!("http://{}", gateway.console);
    let theirs = Page::open(&gateway, &cookie("https://evil.example".to_owned())).await;
    assert_eq!(theirs.err(), Some(403));
    let audit = session(&gateway, "audit", PASSWORD);
    let audit = Page::open(&gateway, &[("authorization", format!("Bearer {audit}"))]).await;
    assert_eq!(audit.err(), Some(403), "an auditor sees no live call");
    assert_eq!(Page::open(&gateway, &[]).await.err(), Some(401));

    let mut page = Page::open(&gateway, &cookie(ours)).await.expect("a feed");
    let whole = page.next().await;
    assert!(whole.get("alarms").is_none(), "alarms are not a call taker's: {whole}");
    let bearer = format!("Authorization: Bearer {siti}");
    assert_eq!(request_with(gateway.console, "POST", "/api/v1/logout", &bearer, "").status, 204);
    assert_eq!(page.close_code().await, CloseCode::Library(4401));
    gateway.stop();
}

#[test]
fn an_alarm_is_listed_until_a_person_has_seen_it() {
    let gateway = Centre::default().start();
    // Who guesses a password is told of.
    let phone = Phone::at(gateway.site.seat(1), 5060, gateway.sip);
    let wrong = support::digest::Account { username: "seat-1".into(), password: "salah".into() };
    phone.register(&wrong, &format!("<sip:seat-1@{}>", phone.local()), 300);
    let list = || gateway.get("/api/v1/alarms").json()["alarms"].clone();
    let alarm = support::wait::until("the alarm is listed", || {
        list().as_array()?.iter().find(|alarm| alarm["id"] == "login-refused").cloned()
    });
    assert_eq!((&alarm["standing"], &alarm["seen_by"]), (&json!(false), &Value::Null), "{alarm}");
    let see = |name: &str| gateway.post(&format!("/api/v1/alarms/{name}/seen"), "").status;
    assert_eq!((see("login-refused"), see("login-refused"), see("nothing")), (204, 404, 404));
    assert_eq!(list()[0]["seen_by"], "suite");
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_is_moved_up_rings_first() {
    let gateway = Centre::default().start();
    gateway.register(1);
    gateway.set_seat(1, "paused");
    let mut page = Page::bearing(&gateway, "token-of-the-suite").await;
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let media = format!("{}:4000", gateway.site.trunk()).parse().unwrap();
    let (mut ids, mut invites) = (Vec::new(), Vec::new());
    for number in ["+6281234567890", "+6281234567891"] {
        let mut call = Dialog::new(&trunk, number, &format!("sip:112@{}", gateway.sip));
        invites.push(call.invite(&trunk, media));
        let waits = page
            .until("calls", |call| call["caller"] == number && call["state"] == "waiting")
            .await;
        ids.push(waits["id"].as_str().expect("an id").to_owned());
    }
    let place = |id: &str, body: Value| {
        gateway.post(&format!("/api/v1/calls/{id}/move"), &body.to_string()).status
    };
    assert_eq!(place(&ids[1], json!({})), 400);
    assert_eq!(place(&ids[1], json!({"priority": 10})), 400);
    assert_eq!(place(&ids[1], json!({"queue": "nowhere"})), 404);
    assert_eq!(place(&ids[1], json!({"priority": 9})), 204);
    page.until("calls", |call| call["id"] == *ids[1] && call["priority"] == 9).await;
    gateway.set_seat(1, "ready");
    let rings = page.until("calls", |call| call["state"] == "ringing").await;
    assert_eq!(rings["id"], *ids[1]);
    assert_eq!(place(&ids[1], json!({"priority": 1})), 204, "ringing is waiting");
    let lost = "0".repeat(26);
    assert_eq!(place(&lost, json!({"priority": 1})), 404);
    for invite in invites {
        trunk.send(&support::phone::companion(&invite, "CANCEL"));
    }
    gateway.stop();
}
