//! What goes to receivers elsewhere: is each told everything in order, whatever fails, and is it told
//! once more rather than not at all?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use siaga112::agencies::{Endpoint, Letter, Letters, Outbox, Surroundings};
use siaga112::journal::{Entry, Fact, Line};
use siaga112::store::{JournalHandle, JournalWriter};
use siaga112::vocabulary::WallTime;
use tempfile::TempDir;
use tokio::sync::watch;

/// Tells every alarm's text, and numbers them.
struct Alarms;

impl Letters for Alarms {
    type Memory = u64;

    async fn of(&self, line: &Line, told: &mut u64) -> Vec<Letter> {
        let Some(Entry { fact: Fact::Alarm { detail, .. }, .. }) = &line.entry else {
            return Vec::new();
        };
        *told += 1;
        let body = format!("{told} {detail}").into();
        vec![Letter { id: line.seq.to_string(), kind: "alarm".into(), body }]
    }

    fn headers(&self, letter: &Letter, _: WallTime) -> Vec<(&'static str, String)> {
        vec![("content-type", "text/plain".into()), ("x-id", letter.id.clone())]
    }
}

/// A receiver: what it got, and what it answers from now on.
#[derive(Clone)]
struct Receiver {
    got: watch::Sender<Vec<String>>,
    answer: Arc<Mutex<StatusCode>>,
    /// What it fails at, whatever it answers to the rest.
    fails_at: Arc<Mutex<&'static str>>,
}

impl Receiver {
    async fn start() -> (Self, String) {
        let answer = Arc::new(Mutex::new(StatusCode::NO_CONTENT));
        let fails_at = Arc::new(Mutex::new("nothing"));
        let receiver = Self { got: watch::channel(Vec::new()).0, answer, fails_at };
        let take = async |State(receiver): State<Self>, body: String| {
            let fails = body.contains(*receiver.fails_at.lock().expect("a lock"));
            let answer = if fails {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                *receiver.answer.lock().expect("a lock")
            };
            let text = if answer.is_success() { body } else { format!("{body} !") };
            receiver.got.send_modify(|got| got.push(text));
            answer
        };
        let router = Router::new().route("/in", post(take)).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/in", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn answers(&self, status: StatusCode) {
        *self.answer.lock().expect("a lock") = status;
    }

    /// Waits until what it got is as wanted, and says what that is.
    async fn until(&self, wanted: impl FnMut(&Vec<String>) -> bool) -> Vec<String> {
        let mut got = self.got.subscribe();
        let got = got.wait_for(wanted).await.expect("the receiver");
        got.clone()
    }

    /// Waits until it got this much, and says what.
    async fn got(&self, count: usize) -> Vec<String> {
        let mut got = self.got.subscribe();
        let got = got.wait_for(|got| got.len() >= count).await.expect("the receiver");
        got.clone()
    }
}

struct Site {
    dir: TempDir,
    journal: JournalHandle,
    alarms: Arc<Mutex<Vec<String>>>,
    /// The time of the outbox, microseconds since 1970.
    now: Arc<AtomicI64>,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (writer, _) = JournalWriter::open(&dir.path().join("journal")).expect("opens");
        let journal = writer.start(|_| {}).expect("starts");
        let now = Arc::new(AtomicI64::new(1_789_621_200_000_000));
        Self { dir, journal, alarms: Arc::default(), now }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("outbox")
    }

    fn outbox(&self, url: &str) -> Outbox {
        let (alarms, now) = (Arc::clone(&self.alarms), Arc::clone(&self.now));
        let around = Surroundings {
            journal: self.dir.path().join("journal"),
            durable: self.journal.durable(),
            folder: self.folder(),
            now: Box::new(move || WallTime(now.load(Ordering::Relaxed))),
            alarm: Box::new(move |name, _| alarms.lock().expect("a lock").push(name.to_owned())),
        };
        Outbox::start("bpbd", Endpoint::parse(url, None).expect("a URL"), Alarms, around)
    }

    fn minutes_pass(&self, minutes: i64) {
        self.now.fetch_add(minutes * 60_000_000, Ordering::Relaxed);
    }

    async fn alarm(&self, detail: &str) {
        let fact = Fact::Alarm { name: "x".into(), detail: detail.into() };
        let entry = Entry { at: WallTime(1_789_621_200_000_000), fact };
        self.journal.append_told(entry).await.expect("kept");
    }
}

#[tokio::test]
async fn a_receiver_is_told_everything_from_its_beginning_on_and_goes_on_after_a_restart() {
    let (receiver, url) = Receiver::start().await;
    let site = Site::new();
    site.alarm("before its time").await;
    let outbox = site.outbox(&url);
    site.alarm("one").await;
    site.alarm("two").await;
    assert_eq!(receiver.got(2).await, ["1 one", "2 two"]);
    outbox.stop().await;
    site.alarm("while nobody sends").await;
    let outbox = site.outbox(&url);
    assert_eq!(receiver.got(3).await[2], "3 while nobody sends", "it remembers what it told");
    outbox.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_broken_is_told_once_it_works_and_in_order() {
    let (receiver, url) = Receiver::start().await;
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let site = Site::new();
    let outbox = site.outbox(&url);
    site.alarm("one").await;
    site.alarm("two").await;
    assert_eq!(receiver.got(1).await, ["1 one !"]);
    let view = outbox.view();
    receiver.answers(StatusCode::OK);
    assert_eq!(receiver.got(3).await, ["1 one !", "1 one", "2 two"]);
    assert!(view.trouble.is_none_or(|why| why.contains("500")));
    outbox.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_laid_aside_holds_up_nothing_and_can_be_sent_again() {
    let (receiver, url) = Receiver::start().await;
    receiver.answers(StatusCode::UNPROCESSABLE_ENTITY);
    let site = Site::new();
    let outbox = site.outbox(&url);
    site.alarm("one").await;
    site.alarm("two").await;
    assert_eq!(receiver.got(2).await, ["1 one !", "2 two !"]);
    outbox.stop().await;
    assert_eq!(*site.alarms.lock().expect("a lock"), ["dead-letter", "dead-letter"]);
    receiver.answers(StatusCode::OK);
    let outbox = site.outbox(&url);
    let dead = outbox.dead();
    assert_eq!(
        dead.iter().map(|letter| letter.body.as_str()).collect::<Vec<_>>(),
        ["1 one", "2 two"]
    );
    assert_eq!(dead[0].status, 422);
    assert!(outbox.send_again(&dead[0].id));
    assert!(!outbox.send_again("no such letter"));
    assert_eq!(receiver.got(3).await[2], "1 one");
    outbox.stop().await;
    assert_eq!(site.outbox(&url).dead().len(), 1, "the other is still there");
}

#[tokio::test]
async fn a_place_that_cannot_be_read_is_told_of_and_nothing_is_sent_twice_over() {
    let (receiver, url) = Receiver::start().await;
    let site = Site::new();
    let outbox = site.outbox(&url);
    site.alarm("one").await;
    receiver.got(1).await;
    outbox.stop().await;
    std::fs::write(site.folder().join("bpbd.json"), b"{").expect("writes");
    let outbox = site.outbox(&url);
    site.alarm("two").await;
    assert_eq!(receiver.got(2).await, ["1 one", "1 two"]);
    assert_eq!(*site.alarms.lock().expect("a lock"), ["receiver-place-lost"]);
    outbox.stop().await;
}

#[tokio::test]
async fn a_letter_that_a_receiver_fails_at_is_laid_aside_once_it_takes_others() {
    let (receiver, url) = Receiver::start().await;
    *receiver.fails_at.lock().expect("a lock") = "rusak";
    let site = Site::new();
    let outbox = site.outbox(&url);
    site.alarm("rusak").await;
    site.alarm("two").await;
    // What was answered first is known when the second try comes.
    assert_eq!(receiver.got(2).await, ["1 rusak !", "1 rusak !"], "it may be the receiver");
    site.minutes_pass(11);
    // The second letter is tried; it is taken, so the first is at fault, and stops nobody.
    let got = receiver.until(|got| got.contains(&"2 two".to_owned())).await;
    assert!(!got.contains(&"1 rusak".to_owned()));
    let dead = || outbox.dead().into_iter().map(|it| (it.body, it.status)).collect::<Vec<_>>();
    site.alarm("three").await;
    receiver.until(|got| got.contains(&"3 three".to_owned())).await;
    assert_eq!(dead(), [("1 rusak".to_owned(), 500)]);
    assert!(site.alarms.lock().expect("a lock").contains(&"dead-letter".to_owned()));
    *receiver.fails_at.lock().expect("a lock") = "nothing";
    assert!(outbox.send_again(&outbox.dead()[0].id));
    receiver.until(|got| got.contains(&"1 rusak".to_owned())).await;
    outbox.stop().await;
    assert!(outbox.dead().is_empty());
}

#[tokio::test]
async fn a_receiver_that_fails_at_everything_loses_nothing_and_is_told_in_order() {
    let (receiver, url) = Receiver::start().await;
    receiver.answers(StatusCode::BAD_GATEWAY);
    let site = Site::new();
    let outbox = site.outbox(&url);
    site.alarm("one").await;
    site.alarm("two").await;
    receiver.got(2).await;
    site.minutes_pass(11);
    receiver.until(|got| got.contains(&"2 two !".to_owned())).await;
    assert!(outbox.dead().is_empty(), "none of them is at fault");
    // Killed now, it begins with what was passed over; alive, it goes on with it.
    outbox.stop().await;
    let outbox = site.outbox(&url);
    receiver.answers(StatusCode::OK);
    let took = |got: &Vec<String>| got.iter().filter(|it| !it.ends_with('!')).count() >= 2;
    let got = receiver.until(took).await;
    let took: Vec<_> = got.iter().filter(|it| !it.ends_with('!')).collect();
    assert!(took.iter().any(|it| it.ends_with("one")) && took.iter().any(|it| it.ends_with("two")));
    outbox.stop().await;
    assert!(outbox.dead().is_empty());
    assert!(!site.alarms.lock().expect("a lock").contains(&"dead-letter".to_owned()));
}

#[tokio::test]
async fn what_was_passed_over_comes_first_when_the_receiver_works_again() {
    let (receiver, url) = Receiver::start().await;
    receiver.answers(StatusCode::BAD_GATEWAY);
    let site = Site::new();
    let outbox = site.outbox(&url);
    site.alarm("one").await;
    site.alarm("two").await;
    receiver.got(2).await;
    site.minutes_pass(11);
    receiver.until(|got| got.contains(&"2 two !".to_owned())).await;
    receiver.answers(StatusCode::OK);
    let both = |got: &Vec<String>| got.iter().filter(|it| !it.ends_with('!')).count() >= 2;
    let got = receiver.until(both).await;
    let took: Vec<_> = got.iter().filter(|it| !it.ends_with('!')).map(String::as_str).collect();
    assert!(took == ["1 one", "2 two"] || took == ["2 two", "1 one"], "{took:?}");
    outbox.stop().await;
    assert!(outbox.dead().is_empty());
}
