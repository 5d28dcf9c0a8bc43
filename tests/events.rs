//! What goes out of the real program: the stream of events to a WebSocket client, and webhooks to an HTTP
//! receiver; in order, without a gap, also after `kill -9`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use futures_util::StreamExt;
use serde_json::{Value, json};
use siaga112::journal::{Entry, Fact};
use siaga112::store::JournalWriter;
use siaga112::vocabulary::{CallId, Party, Private, Uid, WallTime};
use support::gateway::{Centre, Gateway};
use support::http;
use support::phone::{Dialog, Phone, companion};
use support::seat::Seat;
use support::wait::{Deadline, LIMIT, until};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

const SECRET: &str = "rahasia-webhook-yang-panjang";
const PASSWORD: &str = "kata sandi yang panjang";

/// A caller who waits, and the INVITE.
fn caller(gateway: &Gateway, number: &str) -> (Phone, Vec<u8>) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, number, &format!("sip:112@{}", gateway.sip));
    let media = format!("{}:4000", gateway.site.trunk()).parse().unwrap();
    let invite = call.invite(&trunk, media);
    trunk.await_status(180, "INVITE");
    (trunk, invite)
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn open(console: SocketAddr, query: &str) -> Self {
        Self::open_as(console, query, "token-of-the-suite").await.expect("a WebSocket")
    }

    /// The same by another bearer; none where it is refused.
    async fn open_as(console: SocketAddr, query: &str, bearer: &str) -> Option<Self> {
        let url = format!("ws://{console}/api/v1/events{query}");
        let mut request = url.into_client_request().expect("a request");
        let reason = "a test of the suite".parse().expect("a header");
        request.headers_mut().insert("siaga112-reason", reason);
        let token = format!("Bearer {bearer}").parse().expect("a header");
        request.headers_mut().insert("authorization", token);
        let stream = TcpStream::connect(console).await.expect("connects");
        client_async(request, stream).await.ok().map(|(socket, _)| Self(socket))
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(LIMIT, self.0.next()).await.expect("in time");
            let message = message.expect("more").expect("a message");
            if let Ok(text) = message.to_text()
                && !text.is_empty()
            {
                return serde_json::from_str(text).expect("JSON");
            }
        }
    }

    /// Why it was closed; what came before that is of no account.
    async fn closed(&mut self) -> u16 {
        loop {
            let message = tokio::time::timeout(LIMIT, self.0.next()).await.expect("in time");
            match message {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("closed without a word: {other:?}"),
            }
        }
    }

    /// Events up to the first of this kind.
    async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Value| event["kind"] != kind) {
            events.push(self.next().await);
        }
        events
    }
}

fn offsets(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["offset"].as_u64().expect("an offset")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_has_every_event_once_and_goes_on_after_a_kill() {
    let centre = Centre::default();
    let gateway = centre.start();
    let mut live = Client::open(gateway.console, "").await;
    let (_trunk, _call) = caller(&gateway, "+6281234567890");
    let seen = live.until("queued").await;
    let arrived = seen.iter().find(|event| event["kind"] == "arrived").expect("the call");
    assert_eq!(arrived["arrival"]["caller"]["phone"]["e164"], "+6281234567890");
    assert!(arrived["arrival"]["raw"].is_null(), "the message stands on the ladder");
    let last = *offsets(&seen).last().unwrap();

    // From the beginning, and then what comes: nothing twice, nothing missing, but what nobody asked for.
    let mut whole = Client::open(gateway.console, "?after=0").await;
    let before = whole.until("queued").await;
    assert!(offsets(&before).is_sorted_by(|a, b| a < b) && before[0]["kind"] == "node-started");
    assert_eq!(offsets(&before[before.len() - seen.len()..]), offsets(&seen));

    let gateway = centre.restart(gateway);
    let mut after = Client::open(gateway.console, &format!("?after={last}")).await;
    let ended = after.until("ended").await;
    assert!(offsets(&ended)[0] > last);
    assert_eq!(ended.last().unwrap()["ending"]["cause"], "restart");

    // Every line is there for whoever names the kinds that come only then.
    let kinds = "kinds=node-started,arrived,queued,signalled,audited,ended,work-opened";
    let mut all = Client::open(gateway.console, &format!("?after=0&{kinds}")).await;
    let all = all.until("ended").await;
    assert!(offsets(&all).len() > before.len());

    // Without personal data, and only what was asked for.
    let mut masked = Client::open(gateway.console, "?after=0&personal=false&kinds=arrived").await;
    let event = masked.next().await;
    assert!(event["arrival"]["caller"].is_null() && event["trunk"].is_string(), "{event}");
    assert!(!event.to_string().contains("81234567"), "{event}");
    gateway.stop();
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    let gateway = Centre::default().start();
    assert_eq!(gateway.get("/api/v1/events").status, 426);
    for query in ["after=x", "after=99999999", "kinds=answerd", "personal=maybe", "since=1"] {
        let answer = gateway.get(&format!("/api/v1/events?{query}"));
        assert_eq!(
            (answer.status, &answer.json()["type"]),
            (400, &json!("urn:siaga112:problem:bad-query"))
        );
    }
    gateway.stop();
}

/// An HTTP receiver: what it got with a true signature, and what it answers.
#[derive(Clone)]
struct Receiver {
    got: watch::Sender<Vec<Value>>,
    answer: Arc<Mutex<StatusCode>>,
    url: String,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/112", listener.local_addr().expect("an address"));
        let answer = Arc::new(Mutex::new(StatusCode::NO_CONTENT));
        let receiver = Self { got: watch::channel(Vec::new()).0, answer, url };
        let router = Router::new().route("/112", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn answers(&self, status: StatusCode) {
        *self.answer.lock().expect("a lock") = status;
    }

    async fn until(&self, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut got = self.got.subscribe();
        let got = tokio::time::timeout(LIMIT, got.wait_for(|got| wanted(got))).await;
        got.expect("in time").expect("the receiver").clone()
    }

    fn webhook(&self, name: &str, more: &str) -> String {
        format!(
            "\n[[webhook]]\nname = \"{name}\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n{more}\n",
            self.url
        )
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = header("webhook-signature");
    let signature = BASE64.decode(signature.strip_prefix("v1,").expect("v1")).expect("base64");
    hmac::verify(&key, signed.as_bytes(), &signature).expect("signed");
    let answer = *receiver.answer.lock().expect("a lock");
    if answer.is_success() {
        let event: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(event["offset"].to_string(), header("webhook-id"));
        receiver.got.send_modify(|got| got.push(event));
    }
    answer
}

fn append(config: &Path, text: &str) {
    let file = std::fs::OpenOptions::new().append(true).open(config.join("gateway.toml"));
    file.expect("a file").write_all(text.as_bytes()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_at_least_once_though_receiver_and_gateway_fail() {
    let receiver = Receiver::start().await;
    let centre = Centre::default();
    let webhook = receiver.webhook("bpbd", "kinds = [\"arrived\", \"ended\"]");
    let (gateway, ()) = centre.start_with(|_, config| append(config, &webhook));
    let (_trunk, _first) = caller(&gateway, "+6281234567890");
    let got = receiver.until(|got| got.len() == 1).await;
    assert_eq!(got[0]["kind"], "arrived");
    assert!(!got[0].to_string().contains("8123456"), "personal data go only where that is set");
    // The receiver is broken, a call comes, and the gateway is killed.
    receiver.answers(StatusCode::SERVICE_UNAVAILABLE);
    let (_trunk, _second) = caller(&gateway, "+6281234567891");
    let gateway = centre.restart(gateway);
    receiver.answers(StatusCode::OK);
    let got = receiver.until(|got| got.iter().filter(|e| e["kind"] == "ended").count() == 2).await;
    let mut once = offsets(&got);
    once.dedup();
    assert!(once.is_sorted_by(|a, b| a < b), "in order: {once:?}");
    assert_eq!(got.iter().filter(|e| e["kind"] == "arrived").count(), 2, "{got:?}");
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_pop_has_what_an_operator_needs_and_comes_with_the_call() {
    let receiver = Receiver::start().await;
    let webhook = receiver.webhook("pop", "personal = true\nkinds = [\"screen-pop\"]");
    let (gateway, ()) = Centre::default().start_with(|_, config| append(config, &webhook));
    let (trunk, invite) = caller(&gateway, "+6281234567890");
    let incident = gateway.calls()[0].text("incident");
    let body = json!({"version": 0, "disposition": "prank"}).to_string();
    assert_eq!(gateway.patch(&format!("/api/v1/incidents/{incident}"), &body).status, 200);
    trunk.send(&companion(&invite, "CANCEL"));
    gateway.incidents(1);
    let mut pops = Client::open(gateway.console, "?kinds=screen-pop").await;
    #[allow(clippy::disallowed_methods, reason = "a figure to read")]
    let began = Instant::now();
    let (_trunk, _again) = caller(&gateway, "+6281234567890");
    let pop = pops.next().await;
    // A figure to read, not to judge by: this machine may have other work.
    eprintln!("INVITE to screen pop: {:?}, as it says {} ms", began.elapsed(), pop["waiting_ms"]);
    assert_eq!((&pop["kind"], &pop["queue"]), (&json!("screen-pop"), &json!("darurat")));
    assert_eq!(pop["caller"]["number"], "+6281234567890");
    assert_eq!(pop["history"][0]["disposition"], "prank");
    assert_eq!(pop["history"][0]["incident"], json!(incident));
    assert_eq!(pop["flags"], json!(["returning"]));
    assert!(pop["waiting_ms"].is_u64() && pop["place"]["confidence"].is_string(), "{pop}");
    let posted = receiver.until(|got| got.len() == 2).await;
    assert_eq!((&posted[1]["offset"], &posted[1]["history"]), (&pop["offset"], &pop["history"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_number_is_in_the_screen_pop_without_the_database() {
    // Nobody listens there: what is told is what the gateway remembers.
    let url = "\n[storage]\nurl = \"postgres://siaga112@127.0.0.1:9/postgres\"\n";
    let (gateway, ()) = Centre::default().start_with(|_, config| append(config, url));
    let mut pops = Client::open(gateway.console, "?kinds=screen-pop").await;
    let mut flags = Vec::new();
    for _ in 0..4 {
        let (trunk, invite) = caller(&gateway, "+6281234567890");
        let pop = pops.next().await;
        assert_eq!(
            (&pop["history"], &pop["caller"]["number"]),
            (&Value::Null, &json!("+6281234567890"))
        );
        flags.push(pop["flags"].clone());
        trunk.send(&companion(&invite, "CANCEL"));
        trunk.await_status(487, "INVITE");
    }
    let returning = json!(["returning"]);
    let many = json!(["returning", "many-calls"]);
    assert_eq!(flags, [json!([]), returning.clone(), returning, many]);
    let (_trunk, _invite) = caller(&gateway, "+6281955556666");
    assert_eq!(pops.next().await["flags"], json!([]), "another's number is another's");
}

/// So much of a long talk in writing that no socket takes it all.
fn long_talk(config: &Path) -> u64 {
    let (writer, _) = JournalWriter::open(&config.join("data/journal")).expect("opens");
    let journal = writer.start(|_| {}).expect("starts");
    let at = WallTime(1_789_621_200_000_000);
    let call = CallId(Uid::new(at, 1));
    let text = Private::new("tolong ".repeat(4_000));
    let written =
        Fact::TextWritten { call, by: Party::Caller, name: String::new(), began: at, text };
    for _ in 0..400 {
        journal.append(0, Entry { at, fact: written.clone() });
    }
    assert_eq!(journal.stop(), 0);
    400
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_told_why_and_goes_on_where_it_was() {
    let (gateway, lines) = Centre::default().start_with(|_, config| long_talk(config));
    let query = "kinds=text-written&after=";
    let mut slow = Client::open(gateway.console, &format!("?{query}0")).await;
    until("it is cut", || gateway.log().contains("it does not read").then_some(()));
    // It reads again: what was on its way, and then why no more comes.
    let mut seen = Vec::new();
    let why = loop {
        let message = tokio::time::timeout(LIMIT, slow.0.next()).await.expect("in time");
        match message.expect("more").expect("a message") {
            Message::Text(text) => {
                seen.push(serde_json::from_str::<Value>(&text).expect("JSON"));
            }
            Message::Close(frame) => break frame.expect("a word"),
            _ => {}
        }
    };
    assert_eq!(u16::from(why.code), 1013);
    assert!(why.reason.contains("you do not read; go on with after="), "{why:?}");
    let last = *offsets(&seen).last().expect("some came");
    assert!(last < lines, "all {lines} went into the sockets");
    let mut rest = Client::open(gateway.console, &format!("?{query}{last}")).await;
    while offsets(&seen).last() != Some(&lines) {
        seen.push(rest.next().await);
    }
    assert_eq!(offsets(&seen), (1..=lines).collect::<Vec<_>>(), "each once and in order");
    gateway.stop();
}

/// Sessions of an admin, and of a call taker who sits at seat 1.
fn people(gateway: &Gateway) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.args(["passwd", "--person", "ani", "--role=admin", "--config"]).arg(gateway.config());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
    writeln!(child.stdin.take().expect("piped"), "{PASSWORD}").expect("written");
    assert!(child.wait().expect("it ends").success());
    let admin = log_in(gateway, "ani");
    let person = json!({
        "name": "siti", "role": "call-taker", "password": PASSWORD, "operator": "operator-1",
    });
    let (console, body) = (gateway.console, person.to_string());
    let added = http::request(console, "POST", "/api/v1/people", Some(&admin), &body);
    assert_eq!(added.status, 201);
    let siti = log_in(gateway, "siti");
    (admin, siti)
}

fn log_in(gateway: &Gateway, name: &str) -> String {
    let body = json!({"name": name, "password": PASSWORD}).to_string();
    let answer = http::request(gateway.console, "POST", "/api/v1/login", None, &body);
    assert_eq!(answer.status, 200);
    answer.json()["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_taker_sees_who_calls_the_own_seat_and_nothing_of_other_callers() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let (_, siti) = people(&gateway);
    let query = "?kinds=arrived,offered,answered,screen-pop,ended";
    let mut events = Client::open_as(gateway.console, query, &siti).await.expect("a stream");
    let seat = Seat::sits(&gateway, 1);
    let (_trunk, _invite) = caller(&gateway, "+6281234567890");
    let _answered = seat.answers();
    let seen = events.until("answered").await;
    let of = |kind: &str| seen.iter().find(|event| event["kind"] == kind).expect("it came");
    // Nobody's yet: without a number. At the own seat: with everything.
    assert!(of("arrived")["arrival"]["caller"].is_null(), "{}", of("arrived"));
    let pop = of("screen-pop");
    assert_eq!(pop["caller"]["number"], "+6281234567890");
    assert_eq!((&pop["queue"], &pop["place"]["confidence"]), (&json!("darurat"), &json!("none")));
    // The other seat takes the next one: it rings there, and nothing of the caller is told here.
    let other = Seat::sits(&gateway, 2);
    let (_trunk, _invite) = caller(&gateway, "+6287812345678");
    let _answered = other.answers();
    let seen = events.until("answered").await;
    let all: String = seen.iter().map(Value::to_string).collect();
    assert!(all.contains("offered") && !all.contains("87812345678"), "{all}");
}

/// Kinds that not every role is told of, and who is: c(all taker), s(upervisor), d(ispatcher), a(dmin),
/// u: auditor. All others are on the records, which everybody reaches.
const NOT_FOR_ALL: &[(&str, &str)] = &[
    ("alarm", "sau"),
    ("audited", "sau"),
    ("clock-jumped", "sau"),
    ("config-adopted", "au"),
    ("config-refused", "au"),
    ("head-signed", "sau"),
    ("malformed-message", "sau"),
    ("number-cleared", "sa"),
    ("retention-ran", "sau"),
    ("signalled", "sau"),
    ("work-closed", "cs"),
    ("work-tried", "cs"),
    ("work-tried-ended", "cs"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_told_of_exactly_its_own_kinds() {
    let gateway = Centre::default().start();
    let (admin, _) = people(&gateway);
    let none = serde_json::from_str::<Fact>(r#"{"fact": "?"}"#).expect_err("no kind").to_string();
    let kinds: Vec<&str> = none.split('`').skip(3).step_by(2).chain(["screen-pop"]).collect();
    assert!(kinds.len() > 70, "{kinds:?}");
    let (_trunk, _call) = caller(&gateway, "+6281234567890");
    for (role, letter) in [
        ("call-taker", 'c'),
        ("supervisor", 's'),
        ("dispatcher", 'd'),
        ("admin", 'a'),
        ("auditor", 'u'),
    ] {
        let name = format!("orang-{letter}");
        let person = json!({"name": name, "role": role, "password": PASSWORD}).to_string();
        let added = http::request(gateway.console, "POST", "/api/v1/people", Some(&admin), &person);
        assert_eq!(added.status, 201);
        let bearer = log_in(&gateway, &name);
        let told = |kind: &str| {
            NOT_FOR_ALL
                .iter()
                .find(|(one, _)| *one == kind)
                .is_none_or(|(_, who)| who.contains(letter))
        };
        for kind in &kinds {
            let path = format!("/api/v1/events?kinds=arrived,{kind}");
            let answer = http::request(gateway.console, "GET", &path, Some(&bearer), "");
            // It is no WebSocket; but that is not what is wrong first.
            let wanted = if told(kind) { 426 } else { 403 };
            assert_eq!(answer.status, wanted, "{kind} as {role}: {answer:?}");
        }
        // What nobody names does not come either.
        let mut events = Client::open_as(gateway.console, "?after=0", &bearer).await.expect("one");
        let seen = events.until("queued").await;
        for kind in seen.iter().map(|event| event["kind"].as_str().expect("a kind")) {
            assert!(told(kind), "{kind} came to a {role}");
        }
        let adopted = seen.iter().any(|event| event["kind"] == "config-adopted");
        assert_eq!(adopted, told("config-adopted"), "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_session_and_with_the_right_to_come_in() {
    let gateway = Centre::default().start();
    let (admin, siti) = people(&gateway);
    let (console, path) = (gateway.console, "/api/v1/people/siti");
    let mut events = Client::open_as(console, "", &siti).await.expect("a stream");
    let left = http::request(console, "POST", "/api/v1/logout", Some(&siti), "");
    assert!(left.status < 300);
    assert_eq!(events.closed().await, 4401);
    // Another role than when it was opened; and nobody any more.
    let mut events = Client::open_as(console, "", &log_in(&gateway, "siti")).await.expect("one");
    let change = r#"{"role": "supervisor"}"#;
    assert!(http::request(console, "PATCH", path, Some(&admin), change).status < 300);
    assert_eq!(events.closed().await, 4401);
    let mut events = Client::open_as(console, "", &log_in(&gateway, "siti")).await.expect("one");
    let change = r#"{"disabled": true}"#;
    assert!(http::request(console, "PATCH", path, Some(&admin), change).status < 300);
    assert_eq!(events.closed().await, 4401);
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_follow_at_once_and_who_leaves_makes_room() {
    let gateway = Centre::default().start();
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(Client::open(gateway.console, "").await);
    }
    let one_more = || Client::open_as(gateway.console, "", "token-of-the-suite");
    assert!(one_more().await.is_none(), "the 65th is refused");
    drop(clients.pop());
    let mut room = None;
    let deadline = Deadline::after(LIMIT);
    while room.is_none() && !deadline.has_passed() {
        room = one_more().await;
        tokio::task::yield_now().await;
    }
    assert!(room.is_some(), "who left makes room");
    gateway.stop();
}

/// How long from the INVITE to the event at a client, for 200 calls at 10/s. A figure, for whoever asks:
/// `cargo nextest run --test events --run-ignored only how_long`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure takes a quiet machine and half a minute"]
async fn how_long_a_screen_pop_takes() {
    let gateway = Centre::default().start();
    let mut pops = Client::open(gateway.console, "?kinds=screen-pop").await;
    let mut took = Vec::new();
    for n in 0..200 {
        let next = Deadline::after(std::time::Duration::from_millis(100));
        let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
        let number = format!("+62812345{n:05}");
        let mut call = Dialog::new(&trunk, &number, &format!("sip:112@{}", gateway.sip));
        #[allow(clippy::disallowed_methods, reason = "a figure to read")]
        let began = Instant::now();
        let invite = call.invite(&trunk, format!("{}:4000", gateway.site.trunk()).parse().unwrap());
        let pop = pops.next().await;
        took.push(began.elapsed());
        assert_eq!(pop["caller"]["number"], json!(number));
        trunk.send(&companion(&invite, "CANCEL"));
        tokio::time::sleep(next.left()).await;
    }
    took.sort();
    eprintln!("INVITE to screen pop: p50 {:?}, p99 {:?}", took[100], took[198]);
}
