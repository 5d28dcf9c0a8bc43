//! The HTTP side over real TCP: who may see what, and is every refusal a problem document?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use serde_json::Value;
use siaga112::agencies::{Issuer, Outbox};
use siaga112::call::writing::{Author, Written};
use siaga112::console::settings::{Site as PagesSite, Token};
use siaga112::console::{Boxed, Desk, DeskError, Pages, serve};
use siaga112::incident::data::Field;
use siaga112::incident::{Arrival, Brief, Raw, Shown};
use siaga112::journal::{Entry, Fact, Peer, Signal, Way};
use siaga112::people::Role;
use siaga112::recording::{Library, RecordingSettings};
use siaga112::screening::{Attempt, Disposition, Mark, WorkEntry, WorkId, WorkKind, WorkOutcome};
use siaga112::sip::{Listener, Transport};
use siaga112::store::{JournalWriter, StorageSettings, Store};
use siaga112::switchboard::orders::{Answer, Order, Refusal, SeatStatus, TextView};
use siaga112::switchboard::view::{
    Board, CallView, HopView, LineView, QueueView, SeatView, TrunkView,
};
use siaga112::telemetry::health::{Check, Health, HealthSnapshot, Phase};
use siaga112::vocabulary::{
    AnswerMode, CallId, IncidentId, Lane, NumberClass, Party, Private, SeatId, Secret, Uid,
    WallTime, Want,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A page as Vite writes it.
const INDEX: &str = "<!doctype html>\n<html><head><title>x</title></head><body></body></html>";

const WAV: &[u8] = b"RIFF0123456789";

/// What Vite would have built.
fn pages(folder: &std::path::Path) -> Pages {
    std::fs::create_dir_all(folder.join("assets")).expect("a folder");
    std::fs::write(folder.join("index.html"), INDEX).expect("a page");
    std::fs::write(folder.join("assets/main-1a2b3c.js"), "let x = 1").expect("a script");
    Pages::read(folder).expect("pages")
}

struct FakeDesk {
    store: Store,
    health: Health,
    recordings: Library,
    orders: Mutex<Vec<Order>>,
    audits: Mutex<Vec<String>>,
    silent: bool,
    behind: AtomicBool,
}

impl Desk for FakeDesk {
    fn order(&self, order: Order) -> Boxed<'_, Result<Answer, DeskError>> {
        let answer = match &order {
            _ if self.silent => Err(DeskError::Silent),
            Order::Board => Ok(Answer::Board(Box::new(board()))),
            Order::SetSeat { seat, .. } if seat.as_str() == "seat-1" => Ok(Answer::Done),
            Order::SetSeat { seat, .. } => Err(Refusal::NoSuchSeat(seat.clone()).into()),
            Order::ExtendWrapUp { seat, .. } if seat.as_str() != "seat-1" => {
                Err(Refusal::NoSuchSeat(seat.clone()).into())
            }
            Order::PickUp { call: of, .. } if *of != call(1) => {
                Err(Refusal::NoSuchCall(*of).into())
            }
            Order::PickUp { seat, .. } if seat.as_str() == "seat-2" => {
                Err(Refusal::NotNow("seat-2 talks".into()).into())
            }
            Order::ClearNumber { number, .. } if number.reveal().ends_with('2') => {
                Err(Refusal::NotMarked.into())
            }
            Order::MarkNumber { number, .. } if number.reveal().ends_with('3') => {
                Err(Refusal::NotNow("the number is no number".into()).into())
            }
            Order::ReadText { call: of } | Order::WriteText { call: of, .. } if *of != call(1) => {
                Err(Refusal::NoSuchCall(*of).into())
            }
            Order::ReadText { .. } => Ok(Answer::Text(written())),
            Order::Marks => Ok(Answer::Marks(vec![mark()])),
            Order::WorkList => Ok(Answer::Work(vec![work()])),
            Order::CallBack { work, .. } | Order::CloseWork { work, .. } if work.0 != call(9).0 => {
                Err(Refusal::NoSuchWork(*work).into())
            }
            _ => Ok(Answer::Done),
        };
        self.orders.lock().expect("a lock").push(order);
        Box::pin(std::future::ready(answer))
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    fn health(&self) -> HealthSnapshot {
        self.health.snapshot()
    }

    fn metrics(&self) -> Boxed<'_, String> {
        Box::pin(std::future::ready("siaga112_orphans 0\n".to_owned()))
    }

    fn keep(&self, fact: Fact) {
        let told = match fact {
            Fact::Audited { by, what, subject, reason } => {
                format!("{by}: {what} {subject} {reason}").trim_end().to_owned()
            }
            Fact::RecordingHeld { call, held, by, why } => {
                format!("{by}: held={held} {why} {call}")
            }
            fact => format!("{fact:?}"),
        };
        self.audits.lock().expect("a lock").push(told);
    }

    fn keep_safely(&self, fact: Fact) -> Boxed<'_, Result<u64, DeskError>> {
        self.keep(fact);
        Box::pin(std::future::ready(Ok(1)))
    }

    fn recordings(&self) -> &Library {
        &self.recordings
    }

    fn issuer(&self) -> Issuer {
        Issuer {
            agency: "112.example".into(),
            element: "gw1.112.example".into(),
            ..Issuer::default()
        }
    }

    fn receivers(&self) -> &[Outbox] {
        &[]
    }

    fn rules(&self) -> siaga112::journal::retention::Rules {
        siaga112::journal::retention::Rules::default()
    }

    fn site(&self) -> PagesSite {
        PagesSite {
            map_tiles: Some("https://tiles.example/{z}/{x}/{y}.png".into()),
            listeners: vec![Listener {
                transport: Transport::Ws,
                address: "127.0.9.1:8088".parse().expect("an address"),
            }],
            realm: "112.example".into(),
            ..PagesSite::default()
        }
    }

    fn centre(&self) -> String {
        "Sumenep 112".into()
    }

    fn data(&self) -> std::path::PathBuf {
        std::path::PathBuf::from("/nowhere")
    }

    fn journal(&self) -> (std::path::PathBuf, tokio::sync::watch::Receiver<u64>) {
        (std::path::PathBuf::from("/nowhere"), tokio::sync::watch::channel(0).1)
    }

    fn choices(&self) -> Arc<siaga112::incident::Choices> {
        Arc::default()
    }

    fn new_incident(&self) -> IncidentId {
        IncidentId(call(99).0)
    }

    fn now(&self) -> WallTime {
        WallTime(1_789_621_260_000_000)
    }

    fn zone(&self) -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(7))
    }
}

fn call(n: u32) -> CallId {
    CallId(Uid::new(WallTime(1_789_621_200_000_000), n))
}

fn written() -> TextView {
    let author = Author { by: Party::Caller, name: String::new() };
    let at = WallTime(1_789_621_200_000_000);
    let text = Private::new("tolo".to_owned());
    TextView { lines: vec![Written { author, at, text, open: true }], can_write: true }
}

fn mark() -> Mark {
    Mark {
        number: Private::new("+628123456".into()),
        at: WallTime(1_789_621_200_000_000),
        until: WallTime(1_789_707_600_000_000),
        by: "siti".into(),
        times: 2,
    }
}

fn work() -> WorkEntry {
    let attempt = |outcome| Attempt {
        call: call(8),
        seat: "seat-1".into(),
        at: WallTime(1_789_621_260_000_000),
        outcome,
    };
    WorkEntry {
        id: WorkId(call(9).0),
        call: call(1),
        incident: IncidentId(call(1).0),
        kind: WorkKind::GhostWithNoise,
        number: Some(Private::new("+628123456".into())),
        at: WallTime(1_789_621_200_000_000),
        times: 1,
        attempts: vec![attempt(Some(WorkOutcome::NoAnswer)), attempt(None)],
    }
}

/// The caller of call 1, who has the number of call 2.
fn brief() -> Brief {
    let mut caller = arrival(2).caller;
    caller.phone.raw = Private::new("0812-0002".into());
    caller.phone.class = NumberClass::Mobile;
    caller.network = Some("Telkom".into());
    let field = Field { name: "Comment (id)".into(), value: Private::new("Kursi roda".into()) };
    let data = Shown {
        purpose: "EmergencyCallData.Comment".into(),
        content_type: "application/EmergencyCallData.Comment+xml".into(),
        bytes: 99,
        fields: vec![field],
    };
    let languages = vec!["mad".into(), "id".into()];
    Brief { caller, icid: Some("icid-1".into()), languages, data: vec![data], identity: None }
}

#[allow(clippy::too_many_lines, reason = "one board, read in one piece")]
fn board() -> Board {
    Board {
        at: WallTime(1_789_621_200_000_000),
        calls: vec![CallView {
            call: call(1),
            incident: IncidentId(call(1).0),
            trunk: Some("telkom".into()),
            from_seat: None,
            caller: Private::new("+628123456".into()),
            brief: Arc::new(brief()),
            dialled: "112".into(),
            state: "waiting".into(),
            queue: Some("112".into()),
            lane: Lane::Silent,
            priority: 6,
            wants: vec![Want { skill: "mad".into(), level: 3 }],
            flags: vec!["noise".into(), "silent".into()],
            keys: "5#".to_owned(),
            seat: None,
            answer: AnswerMode::OnAgent,
            received_at: WallTime(1_789_621_200_000_000),
            age_seconds: 3,
            answered_after_seconds: None,
            parties: Vec::new(),
            chain: None,
            private: false,
            quality: Default::default(),
            on_hold: false,
            place: Default::default(),
            locations: Vec::new(),
            cell: None,
        }],
        queues: vec![QueueView {
            queue: "112".into(),
            waiting: 1,
            lanes: [0, 1, 0],
            ringing: 0,
            oldest_seconds: 3,
            ready_seats: 0,
            seats: 2,
        }],
        seats: vec![SeatView {
            seat: "seat-1".into(),
            operator: None,
            state: "paused".into(),
            reason: "prayer, missed calls".into(),
            pauses: vec!["prayer".into(), "missed calls".into()],
            wrap_up_until: Some(WallTime(1_789_621_215_000_000)),
            talks: 4,
            phones: 1,
            desk_phones: 0,
            signed_in: None,
            call: None,
            seconds: 60,
            queues: vec!["112".into()],
        }],
        trunks: vec![TrunkView {
            trunk: "telkom".into(),
            calls: 1,
            calls_total: 9,
            last_heard_seconds: Some(1),
            line: Some(LineView {
                state: "degraded".into(),
                since: WallTime(0),
                reason: "1 of 2 addresses answer no OPTIONS".into(),
                registered_until: Some(WallTime(60_000_000)),
                registers: true,
                hops: vec![HopView {
                    address: "tls:198.51.100.7:5061".into(),
                    alive: true,
                    round_trip_ms: Some(12),
                }],
            }),
        }],
        ..Board::default()
    }
}

/// Calls 1 to 3 come with numbers, call 4 without one.
fn arrival(n: u32) -> Arrival {
    let mut arrival = Arrival::default();
    if n < 4 {
        arrival.caller.phone.e164 = Some(Private::new(format!("+62812000{n}")));
    }
    arrival
}

/// A console on a port of its own.
struct Site {
    desk: Arc<FakeDesk>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    _dir: TempDir,
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Asserts a problem document of this kind and returns its detail.
    fn problem(&self, status: u16, kind: &str) -> String {
        let json = self.json();
        assert_eq!(self.status, status, "{json}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(json["type"], format!("urn:siaga112:problem:{kind}"), "{json}");
        assert_eq!(json["status"], status);
        assert!(!json["title"].as_str().expect("a title").is_empty());
        json["detail"].as_str().expect("a detail").to_owned()
    }
}

impl Site {
    async fn new() -> Self {
        Self::with(&["suite"], false).await
    }

    #[allow(clippy::too_many_lines, reason = "one site, all of it")]
    async fn with(tokens: &[&str], silent: bool) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = dir.path().join("journal");
        let recordings = dir.path().join("recordings");
        std::fs::create_dir(&recordings).expect("a folder");
        std::fs::write(recordings.join("one.wav"), WAV).expect("a file");
        std::fs::write(dir.path().join("secret.wav"), b"secret").expect("a file");
        let (writer, _) = JournalWriter::open(&journal).expect("opens");
        let handle = writer.start(|_| {}).expect("starts");
        for (n, file) in [(1, "one.wav"), (2, "../secret.wav"), (3, "gone.wav"), (4, "")] {
            let fact = Fact::Arrived {
                call: call(n),
                incident: IncidentId(call(n).0),
                trunk: "telkom".into(),
                source: "udp:198.51.100.7:5060".into(),
                arrival: Box::new(arrival(n)),
            };
            let at = WallTime(1_789_621_200_000_000);
            handle.append(0, Entry { at, fact });
            let message = Signal {
                way: Way::In,
                peer: Peer::Trunk("telkom".into()),
                transport: Transport::Udp,
                local: "203.0.113.10:5060".parse().expect("an address"),
                remote: "198.51.100.7:5060".parse().expect("an address"),
                message: Raw("INVITE sip:112@h SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n".into()),
            };
            let messages = vec![message];
            let fact = Fact::Signalled { call: call(n), messages, cut: false };
            handle.append(0, Entry { at, fact });
            if !file.is_empty() {
                let fact = Fact::RecordingStarted { call: call(n), file: file.into() };
                handle.append(0, Entry { at, fact });
            }
        }
        assert_eq!(handle.stop(), 0);
        let url = format!("sqlite:{}", dir.path().join("incidents.db").display());
        let store = Store::open(&StorageSettings::at(&url)).expect("a URL");
        store.catch_up(&journal).await.expect("catches up");
        let health = Health::new();
        health.set_phase(Phase::Serving);
        let desk = Arc::new(FakeDesk {
            store,
            health,
            recordings: Library::new(RecordingSettings::plain(recordings)),
            orders: Mutex::default(),
            audits: Mutex::default(),
            silent,
            behind: AtomicBool::new(false),
        });
        let token = |secret: &&str| Token {
            name: format!("name of {secret}"),
            secret: Secret::new((*secret).to_owned()),
            role: Role::Supervisor,
        };
        let tokens = tokens.iter().map(token).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let until = async {
            let _ = stopped.await;
        };
        let shared: Arc<dyn Desk> = Arc::<FakeDesk>::clone(&desk);
        let pages = pages(&dir.path().join("web"));
        let plain = tokio::sync::watch::channel(None).1;
        let served = tokio::spawn(serve(listener, tokens, pages, plain, shared, until));
        Self { desk, address, stop: Some(stop), served, _dir: dir }
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
             Siaga112-Reason: test of the suite\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("reads");
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let status = head[9..12].parse().expect("a status");
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        assert!(!chunked, "every answer of these tests has a length: {head}");
        Reply { status, head, body: bytes[end..].to_vec() }
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "Authorization: Bearer suite\r\n", "").await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "Authorization: Bearer suite\r\n", "").await
    }

    /// The orders given since the last time, those for the board left out.
    fn orders(&self) -> Vec<Order> {
        let mut orders = self.desk.orders.lock().expect("a lock");
        orders.drain(..).filter(|order| *order != Order::Board).collect()
    }

    async fn post(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, "Authorization: Bearer suite\r\n", body).await
    }

    fn audits(&self) -> Vec<String> {
        self.desk.audits.lock().expect("a lock").clone()
    }
}

#[tokio::test]
async fn the_health_pages_need_no_token_and_tell_degraded_from_draining() {
    let site = Site::new().await;
    let open = async |path| site.send("GET", path, "", "").await;
    assert_eq!(open("/healthz").await.status, 200);
    let metrics = open("/metrics").await;
    assert_eq!((metrics.status, metrics.body.as_slice()), (200, &b"siaga112_orphans 0\n"[..]));
    let ready = open("/readyz").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("ok")));
    assert_eq!(ready.json()["centre"], "Sumenep 112");

    site.desk.health.trouble(Check::Journal, "disk full", WallTime(1_789_621_200_000_000));
    let ready = open("/readyz").await;
    let json = ready.json();
    assert_eq!((ready.status, json["status"].as_str()), (200, Some("degraded")));
    let check = json["checks"].as_array().expect("checks").iter().find(|c| c["name"] == "journal");
    let wanted = serde_json::json!({"name": "journal", "ok": false, "detail": "disk full",
        "since": "2026-09-17T05:00:00.000Z"});
    assert_eq!(check, Some(&wanted));

    for (phase, word) in [(Phase::Draining, "draining"), (Phase::Starting, "starting")] {
        site.desk.health.set_phase(phase);
        let ready = open("/readyz").await;
        assert_eq!((ready.status, ready.json()["status"].as_str()), (503, Some(word)));
    }
}

/// Method and path of everything that the description lists under `/api`.
fn described(api: &Value) -> Vec<(String, String)> {
    let paths = api["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods");
        methods.keys().map(|method| (method.to_uppercase(), path.clone()))
    });
    methods.filter(|(_, path)| path.starts_with("/api")).collect()
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one list, read in one piece")]
async fn the_description_lists_every_route_and_each_needs_a_token() {
    let site = Site::new().await;
    let api = site.get("/api/openapi.json").await;
    assert_eq!((api.status, api.header("content-type")), (200, Some("application/json")));
    let api = api.json();
    let routes = described(&api);
    let wanted = [
        "GET /api/openapi.json",
        "GET /api/v1/access-log",
        "GET /api/v1/alarms",
        "POST /api/v1/alarms/{id}/seen",
        "GET /api/v1/audit",
        "GET /api/v1/calls",
        "GET /api/v1/calls/{id}",
        "POST /api/v1/calls/{id}/chain/next",
        "POST /api/v1/calls/{id}/chain/stop",
        "POST /api/v1/calls/{id}/chain/taken",
        "GET /api/v1/calls/{id}/chains",
        "POST /api/v1/calls/{id}/chains/{name}",
        "POST /api/v1/calls/{id}/move",
        "POST /api/v1/calls/{id}/parties",
        "DELETE /api/v1/calls/{id}/parties/{party}",
        "PATCH /api/v1/calls/{id}/parties/{party}",
        "POST /api/v1/calls/{id}/parties/{party}/take-over",
        "POST /api/v1/calls/{id}/pick-up",
        "POST /api/v1/calls/{id}/private",
        "GET /api/v1/calls/{id}/replay",
        "GET /api/v1/calls/{id}/text",
        "POST /api/v1/calls/{id}/text",
        "GET /api/v1/categories",
        "GET /api/v1/chains",
        "GET /api/v1/contacts",
        "GET /api/v1/events",
        "GET /api/v1/incidents",
        "POST /api/v1/incidents",
        "GET /api/v1/incidents/{id}",
        "PATCH /api/v1/incidents/{id}",
        "GET /api/v1/incidents/{id}/bundle",
        "POST /api/v1/incidents/{id}/close",
        "POST /api/v1/incidents/{id}/disposition",
        "GET /api/v1/incidents/{id}/eido",
        "POST /api/v1/incidents/{id}/hold",
        "GET /api/v1/incidents/{id}/ladder",
        "POST /api/v1/incidents/{id}/link",
        "POST /api/v1/incidents/{id}/merge",
        "DELETE /api/v1/incidents/{id}/nuisance",
        "GET /api/v1/incidents/{id}/recording",
        "POST /api/v1/incidents/{id}/recording/hold",
        "POST /api/v1/incidents/{id}/redacted",
        "POST /api/v1/incidents/{id}/reopen",
        "POST /api/v1/incidents/{id}/unlink",
        "POST /api/v1/incidents/{id}/unmerge",
        "GET /api/v1/incidents/{id}/versions",
        "GET /api/v1/live",
        "POST /api/v1/locations/aml",
        "POST /api/v1/locations/aml-sms",
        "GET /api/v1/locations/unmatched",
        "POST /api/v1/login",
        "POST /api/v1/logout",
        "GET /api/v1/marks",
        "GET /api/v1/me",
        "GET /api/v1/me/draft-key",
        "POST /api/v1/me/lock",
        "PUT /api/v1/me/password",
        "POST /api/v1/me/second-factor",
        "POST /api/v1/me/second-factor/confirm",
        "POST /api/v1/me/second-factor/remove",
        "POST /api/v1/me/unlock",
        "POST /api/v1/packs",
        "GET /api/v1/people",
        "POST /api/v1/people",
        "PATCH /api/v1/people/{name}",
        "PUT /api/v1/people/{name}/password",
        "DELETE /api/v1/people/{name}/second-factor",
        "DELETE /api/v1/people/{name}/sessions",
        "GET /api/v1/places",
        "GET /api/v1/places/outline",
        "GET /api/v1/prompts",
        "DELETE /api/v1/prompts/{language}/{name}",
        "PUT /api/v1/prompts/{language}/{name}",
        "GET /api/v1/prompts/{language}/{name}/audio",
        "GET /api/v1/proof",
        "DELETE /api/v1/proof/verify",
        "POST /api/v1/proof/verify",
        "GET /api/v1/queues",
        "GET /api/v1/receivers",
        "GET /api/v1/receivers/{name}/refused",
        "POST /api/v1/receivers/{name}/refused/{id}/send",
        "GET /api/v1/reports/ciamis",
        "GET /api/v1/reports/hours",
        "GET /api/v1/reports/live",
        "GET /api/v1/reports/national",
        "GET /api/v1/reports/staffing",
        "GET /api/v1/reports/standards",
        "GET /api/v1/retention/report",
        "GET /api/v1/routing",
        "PUT /api/v1/routing",
        "POST /api/v1/routing/diff",
        "POST /api/v1/routing/dry-run",
        "POST /api/v1/routing/rollback",
        "POST /api/v1/routing/validate",
        "GET /api/v1/routing/versions",
        "GET /api/v1/routing/versions/{number}",
        "GET /api/v1/seats",
        "DELETE /api/v1/seats/{id}/operator",
        "PUT /api/v1/seats/{id}/operator",
        "POST /api/v1/seats/{id}/phone",
        "POST /api/v1/seats/{id}/status",
        "POST /api/v1/seats/{id}/wrap-up",
        "GET /api/v1/tokens",
        "POST /api/v1/tokens",
        "DELETE /api/v1/tokens/{name}",
        "GET /api/v1/trunks",
        "GET /api/v1/work-list",
        "POST /api/v1/work-list/{id}/call",
        "POST /api/v1/work-list/{id}/close",
    ];
    let named: Vec<String> = routes.iter().map(|(m, path)| format!("{m} {path}")).collect();
    assert_eq!(named, wanted);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(api["paths"][path]["get"].is_object(), "{path}");
    }
    for name in ["Problem", "Incident", "IncidentSummary", "Recording", "Offer", "Ladder", "Calls"]
    {
        assert!(api["components"]["schemas"][name].is_object(), "{name}");
    }
    assert_eq!(api["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    for (method, path) in routes {
        if path == "/api/v1/login" {
            continue;
        }
        let path = path.replace("{id}", "seat-1");
        for wrong in [
            "",
            "Authorization: Bearer\r\n",
            "Authorization: Bearer suit\r\n",
            "Authorization: Bearer suite2\r\n",
            "Authorization: Basic suite\r\n",
        ] {
            let reply = site.send(&method, &path, wrong, "").await;
            let kind = if wrong.contains("Bearer suit") { "token-wrong" } else { "token-needed" };
            reply.problem(401, kind);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"siaga112\""));
        }
    }
    assert!(site.audits().is_empty() && site.desk.orders.lock().expect("a lock").is_empty());
}

#[tokio::test]
async fn a_live_call_tells_who_calls_what_came_with_it_and_the_earlier_calls() {
    let site = Site::new().await;
    let page = site.get(&format!("/api/v1/calls/{}", call(1))).await;
    assert_eq!(page.status, 200);
    let page = page.json();
    let who = &page["who"];
    assert_eq!((&who["number"], &who["raw"]), (&"+628120002".into(), &"0812-0002".into()));
    assert_eq!((&who["class"], &who["can_call_back"]), (&"mobile".into(), &true.into()));
    assert_eq!((&who["no_call_back"], &who["network"]), (&Value::Null, &"Telkom".into()));
    assert_eq!((&who["header"], &who["trust"]), (&"From".into(), &"claimed".into()));
    assert_eq!((&page["icid"], &page["languages"][0]), (&"icid-1".into(), &"mad".into()));
    let field = &page["data"][0]["fields"][0];
    assert_eq!((&field["name"], &field["value"]), (&"Comment (id)".into(), &"Kursi roda".into()));
    let earlier = page["earlier"].as_array().expect("earlier calls");
    let calls: Vec<&str> = earlier.iter().filter_map(|e| e["call"].as_str()).collect();
    assert_eq!(calls, [call(2).to_string()], "the same number, but not the call itself");
    assert_eq!(site.audits(), [format!("name of suite: live call read {}", call(1))]);
    site.get(&format!("/api/v1/calls/{}", call(2))).await.problem(404, "unknown-id");
    site.get("/api/v1/calls/x").await.problem(404, "unknown-id");
}

#[tokio::test]
async fn without_a_configured_token_the_api_is_closed_and_says_how_to_open_it() {
    for tokens in [&[][..], &[""][..]] {
        let site = Site::with(tokens, false).await;
        for headers in ["", "Authorization: Bearer \r\n", "Authorization: Bearer suite\r\n"] {
            for path in ["/api/v1/calls", "/api/nothing", "/api"] {
                let reply = site.send("GET", path, headers, "").await;
                let detail = reply.problem(401, "no-token-configured");
                assert!(detail.contains("[[console.token]]"), "{detail}");
            }
        }
        assert_eq!(site.send("GET", "/healthz", "", "").await.status, 200);
    }
}

#[tokio::test]
async fn wrong_paths_methods_and_bodies_are_refused_with_a_reason() {
    let site = Site::new().await;
    site.send("GET", "/nothing.js", "", "").await.problem(404, "unknown-path");
    site.send("POST", "/nothing", "", "").await.problem(404, "unknown-path");
    site.get("/api/v1/nothing").await.problem(404, "unknown-path");
    site.send("GET", "/api/v1/nothing", "", "").await.problem(401, "token-needed");
    let reply = site.post("/api/v1/calls", "").await;
    reply.problem(405, "wrong-method");
    assert_eq!(reply.header("allow"), Some("GET,HEAD"));
    site.send("POST", "/api/v1/calls", "", "").await.problem(401, "token-needed");
    site.get("/api/v1/incidents/%ff").await.problem(404, "unknown-id");
    site.send("DELETE", "/healthz", "", "").await.problem(405, "wrong-method");

    let path = "/api/v1/seats/seat-1/status";
    for (body, part) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "ready"),
        (r#"{"status":"asleep"}"#, "unknown variant `asleep`"),
        (r#"{"status":"ready","extra":1}"#, "unknown field `extra`"),
        (r#"{"reason":"x"}"#, "missing field `status`"),
    ] {
        let detail = site.post(path, body).await.problem(400, "bad-body");
        assert!(detail.contains(part), "{body}: {detail}");
    }
    let long = format!(r#"{{"status":"ready","reason":"{}"}}"#, "x".repeat(201));
    site.post(path, &long).await.problem(400, "bad-body");
    let huge = format!(r#"{{"status":"ready","reason":"{}"}}"#, "x".repeat(70_000));
    site.post(path, &huge).await.problem(413, "body-too-large");
    assert!(site.desk.orders.lock().expect("a lock").is_empty());
}

#[tokio::test]
async fn the_live_board_is_shown_and_a_seat_is_set() {
    let site = Site::new().await;
    let calls = site.get("/api/v1/calls").await.json();
    assert_eq!(calls["calls"][0]["id"], call(1).to_string());
    assert_eq!(calls["calls"][0]["caller"], "+628123456");
    assert_eq!(calls["calls"][0]["lane"], "silent");
    assert_eq!(calls["calls"][0]["priority"], 6);
    assert_eq!(calls["calls"][0]["wants"], serde_json::json!(["mad:3"]));
    assert_eq!(calls["calls"][0]["flags"], serde_json::json!(["noise", "silent"]));
    assert_eq!(calls["calls"][0]["received_at"], "2026-09-17T05:00:00.000Z");
    let queues = site.get("/api/v1/queues").await.json();
    assert_eq!(
        (&queues["queues"][0]["id"], &queues["queues"][0]["waiting"]),
        (&"112".into(), &1.into())
    );
    let seats = site.get("/api/v1/seats").await.json();
    assert_eq!(
        (&seats["seats"][0]["id"], &seats["seats"][0]["state"]),
        (&"seat-1".into(), &"paused".into())
    );
    let lanes = serde_json::json!({"usual": 0, "silent": 1, "nuisance": 0});
    assert_eq!(queues["queues"][0]["lanes"], lanes);
    let seat = &seats["seats"][0];
    assert_eq!(seat["pauses"], serde_json::json!(["prayer", "missed calls"]));
    assert_eq!(seat["wrap_up_until"], "2026-09-17T05:00:15.000Z");
    assert_eq!(seat["talks"], 4);
    let trunks = site.get("/api/v1/trunks").await.json();
    assert_eq!(trunks["trunks"][0]["calls_total"], 9);
    let line = &trunks["trunks"][0]["line"];
    assert_eq!(
        (&line["state"], &line["registers"]),
        (&Value::from("degraded"), &Value::from(true))
    );
    assert_eq!(line["registered_until"], "1970-01-01T00:01:00.000Z");
    assert_eq!(line["hops"][0]["round_trip_ms"], 12);

    site.desk.orders.lock().expect("a lock").clear();
    let body = r#"{"status":"paused","reason":"prayer"}"#;
    assert_eq!(site.post("/api/v1/seats/seat-1/status", body).await.status, 204);
    let wanted = Order::SetSeat {
        seat: SeatId::from("seat-1"),
        status: SeatStatus::Paused,
        reason: "prayer".into(),
        by: "name of suite".into(),
    };
    assert_eq!(*site.desk.orders.lock().expect("a lock"), [wanted]);
    let detail = site.post("/api/v1/seats/seat-9/status", body).await.problem(404, "unknown-id");
    assert!(detail.contains("seat-9"), "{detail}");
}

#[tokio::test]
async fn a_caller_is_picked_up_and_a_wrap_up_extended() {
    let site = Site::new().await;
    let by = || "name of suite".to_owned();
    let pick_up = |n| format!("/api/v1/calls/{}/pick-up", call(n));
    assert_eq!(site.post(&pick_up(1), r#"{"seat":"seat-1"}"#).await.status, 204);
    assert_eq!(site.orders(), [Order::PickUp { call: call(1), seat: "seat-1".into(), by: by() }]);
    let detail = site.post(&pick_up(1), r#"{"seat":"seat-2"}"#).await.problem(409, "not-now");
    assert_eq!(detail, "seat-2 talks");
    site.post(&pick_up(7), r#"{"seat":"seat-1"}"#).await.problem(404, "unknown-id");
    site.orders();
    for (path, body, status, kind) in [
        ("/api/v1/calls/nothing/pick-up", r#"{"seat":"seat-1"}"#, 404, "unknown-id"),
        ("/api/v1/calls/%ff/pick-up", r#"{"seat":"seat-1"}"#, 404, "unknown-id"),
        (&pick_up(1), r#"{"seats":"seat-1"}"#, 400, "bad-body"),
        (&pick_up(1), "", 400, "bad-body"),
        ("/api/v1/seats/seat-1/wrap-up", r#"{"seconds":0}"#, 400, "bad-body"),
        ("/api/v1/seats/seat-1/wrap-up", r#"{"seconds":3601}"#, 400, "bad-body"),
        ("/api/v1/seats/seat-1/wrap-up", r#"{"seconds":-1}"#, 400, "bad-body"),
        ("/api/v1/seats/%ff/wrap-up", r#"{"seconds":60}"#, 404, "unknown-id"),
    ] {
        site.post(path, body).await.problem(status, kind);
    }
    assert_eq!(site.orders(), []);
    assert_eq!(site.post("/api/v1/seats/seat-1/wrap-up", r#"{"seconds":60}"#).await.status, 204);
    let wanted = Order::ExtendWrapUp { seat: "seat-1".into(), seconds: 60, by: by() };
    assert_eq!(site.orders(), [wanted]);
    let unknown = site.post("/api/v1/seats/seat-9/wrap-up", r#"{"seconds":60}"#).await;
    unknown.problem(404, "unknown-id");
}

#[tokio::test]
async fn an_operator_reads_what_is_written_and_writes() {
    let site = Site::new().await;
    let path = |n| format!("/api/v1/calls/{}/text", call(n));
    let shown = site.get(&path(1)).await.json();
    let line = serde_json::json!({
        "at": "2026-09-17T05:00:00.000Z", "by": "caller", "name": "", "text": "tolo", "open": true,
    });
    assert_eq!(shown, serde_json::json!({ "lines": [line], "can_write": true }));
    site.get(&path(7)).await.problem(404, "unknown-id");
    site.orders();
    let write = |text: &str| Order::WriteText {
        call: call(1),
        text: Private::new(text.to_owned()),
        by: "name of suite".into(),
    };
    assert_eq!(site.post(&path(1), r#"{"text":"Di mana?\r\nJalan apa?"}"#).await.status, 204);
    assert_eq!(site.post(&path(1), r#"{"text":"Ya\u0008a\u0001","more":true}"#).await.status, 204);
    let wanted = [write("Di mana?\u{2028}Jalan apa?\u{2028}"), write("Ya\u{8}a")];
    let orders = site.orders();
    assert_eq!(orders, wanted);
    assert!(!format!("{orders:?}").contains("mana"), "nothing of it is in a log");
    for (path, body, status, kind) in [
        (path(7), r#"{"text":"x"}"#.to_owned(), 404, "unknown-id"),
        ("/api/v1/calls/%ff/text".to_owned(), r#"{"text":"x"}"#.to_owned(), 404, "unknown-id"),
        (path(1), r#"{"text":""}"#.to_owned(), 400, "bad-body"),
        (path(1), r#"{"texts":"x"}"#.to_owned(), 400, "bad-body"),
        (path(1), format!(r#"{{"text":"{}"}}"#, "x".repeat(1_001)), 400, "bad-body"),
    ] {
        site.post(&path, &body).await.problem(status, kind);
    }
}

#[tokio::test]
async fn a_call_is_judged_and_its_number_marked_and_cleared() {
    let site = Site::new().await;
    let by = || "name of suite".to_owned();
    let path = |n| format!("/api/v1/incidents/{}/disposition", call(n));
    let dispose =
        |n, disposition| Order::Dispose { call: call(n), disposition: Some(disposition), by: by() };
    assert_eq!(site.post(&path(1), r#"{"disposition":"information"}"#).await.status, 204);
    assert_eq!(site.orders(), [dispose(1, Disposition::Information)]);
    let body = r#"{"disposition":"prank","nuisance":true,"hours":24}"#;
    assert_eq!(site.post(&path(1), body).await.status, 204);
    let number = Private::new("+628120001".to_owned());
    let mark =
        Order::MarkNumber { call: call(1), number: number.clone(), hours: Some(24), by: by() };
    assert_eq!(site.orders(), [mark, dispose(1, Disposition::Prank)]);
    // What cannot be marked is not judged either.
    site.post(&path(3), body).await.problem(409, "not-now");
    assert!(!site.orders().contains(&dispose(3, Disposition::Prank)));
    let detail = site.post(&path(4), body).await.problem(409, "not-now");
    assert!(detail.contains("without a number"), "{detail}");
    for (body, part) in [
        (r#"{"disposition":"joke"}"#, "unknown variant `joke`"),
        (r#"{"disposition":"prank","hours":24}"#, "only with \"nuisance\""),
        (r#"{"disposition":"prank","nuisance":true,"hours":0}"#, "1 to 8760"),
        (r#"{"nuisance":true}"#, "missing field `disposition`"),
        (r#"{"disposition":"prank","why":"x"}"#, "unknown field"),
        (r#"{"disposition":"normal","nuisance":true}"#, "prank, ghost, information only"),
        (r#"{"disposition":"test","nuisance":true,"hours":1}"#, "not with test"),
    ] {
        let detail = site.post(&path(1), body).await.problem(400, "bad-body");
        assert!(detail.contains(part), "{body}: {detail}");
    }
    site.post(&path(77), r#"{"disposition":"normal"}"#).await.problem(404, "unknown-id");
    assert_eq!(site.orders(), []);

    let nuisance = |n| format!("/api/v1/incidents/{}/nuisance", call(n));
    assert_eq!(site.delete(&nuisance(1)).await.status, 204);
    assert_eq!(site.orders(), [Order::ClearNumber { number, by: by() }]);
    let detail = site.delete(&nuisance(2)).await.problem(404, "unknown-id");
    assert!(detail.contains("not marked"), "{detail}");
    site.delete("/api/v1/incidents/nothing/nuisance").await.problem(404, "unknown-id");

    let marks = site.get("/api/v1/marks").await.json();
    let wanted = serde_json::json!({"number": "+628123456", "at": "2026-09-17T05:00:00.000Z",
        "until": "2026-09-18T05:00:00.000Z", "by": "siti", "times": 2});
    assert_eq!(marks["marks"], serde_json::json!([wanted]));
    // What the form says is kept beside it.
    let kept = site.audits();
    assert_eq!(kept.iter().filter(|fact| fact.starts_with("IncidentEdited")).count(), 2);
    assert_eq!(kept.last().map(String::as_str), Some("name of suite: marks read"));
}

#[tokio::test]
async fn the_work_list_is_read_called_back_and_closed() {
    let site = Site::new().await;
    let by = || "name of suite".to_owned();
    let list = site.get("/api/v1/work-list").await.json();
    let entry = &list["work"][0];
    for (path, wanted) in [
        ("/id", call(9).to_string()),
        ("/call", call(1).to_string()),
        ("/incident", call(1).to_string()),
        ("/kind", "ghost-with-noise".into()),
        ("/number", "+628123456".into()),
        ("/at", "2026-09-17T05:00:00.000Z".into()),
        ("/attempts/0/outcome", "no-answer".into()),
        ("/attempts/0/seat", "seat-1".into()),
    ] {
        assert_eq!(entry.pointer(path).and_then(Value::as_str), Some(wanted.as_str()), "{path}");
    }
    assert_eq!(entry.pointer("/attempts/1/outcome"), Some(&Value::Null));
    assert_eq!(site.audits(), ["name of suite: work list read"]);
    site.orders();

    let path = |n, what: &str| format!("/api/v1/work-list/{}/{what}", call(n));
    assert_eq!(site.post(&path(9, "call"), r#"{"seat":"seat-1"}"#).await.status, 204);
    let work = WorkId(call(9).0);
    assert_eq!(site.orders(), [Order::CallBack { work, seat: "seat-1".into(), by: by() }]);
    assert_eq!(site.post(&path(9, "close"), r#"{"why":" reached "}"#).await.status, 204);
    assert_eq!(site.orders(), [Order::CloseWork { work, why: "reached".into(), by: by() }]);
    let long = format!(r#"{{"why":"{}"}}"#, "x".repeat(201));
    for (path, body, status, kind) in [
        (path(9, "call"), r#"{}"#, 400, "bad-body"),
        (path(9, "close"), r#"{"why":"  "}"#, 400, "bad-body"),
        (path(9, "close"), long.as_str(), 400, "bad-body"),
        ("/api/v1/work-list/nothing/call".into(), r#"{"seat":"seat-1"}"#, 404, "unknown-id"),
        ("/api/v1/work-list/%ff/close".into(), r#"{"why":"x"}"#, 404, "unknown-id"),
    ] {
        site.post(&path, body).await.problem(status, kind);
    }
    assert_eq!(site.orders(), []);
    let detail = site.post(&path(8, "close"), r#"{"why":"x"}"#).await.problem(404, "unknown-id");
    assert!(detail.contains("no open entry"), "{detail}");
}

#[tokio::test]
async fn reports_are_json_or_csv_and_refuse_what_they_do_not_know() {
    let site = Site::new().await;
    let by_trunk = site.get("/api/v1/reports/standards?by=trunk").await.json();
    assert_eq!((&by_trunk["by"], &by_trunk["whole"]["offered"]), (&"trunk".into(), &4.into()));
    assert_eq!(by_trunk["since"], "2026-09-16T17:00:00.000Z");
    assert_eq!(by_trunk["slices"][0]["slice"], "telkom");
    assert_eq!(by_trunk["whole"]["waiting"], 4);
    assert_eq!(by_trunk["whole"]["answered_10s"], Value::Null);
    let hour = site.get("/api/v1/reports/standards?by=hour").await.json();
    assert_eq!(hour["slices"][0]["slice"], "2026-09-17 12:00");
    let none = site.get("/api/v1/reports/standards?until=2026-09-17T05:00:00Z").await.json();
    assert_eq!(none["whole"]["offered"], 0);
    let live = site.get("/api/v1/reports/live").await.json();
    assert_eq!(live["at"], "2026-09-17T05:01:00.000Z");
    assert_eq!(
        (&live["hour"]["whole"]["offered"], &live["day"]["by"]),
        (&4.into(), &"queue".into())
    );
    let week = site.get("/api/v1/reports/ciamis").await.json();
    assert_eq!((&week["week"], &week["total"]["total"]), (&"2026-W38".into(), &4.into()));
    assert_eq!(week["total"]["remark"], "4 tidak dijawab");
    let month = site.get("/api/v1/reports/national?month=2026-09").await.json();
    assert_eq!(
        (&month["whole"]["calls"], &month["networks"][0]["network"]),
        (&4.into(), &"telkom".into())
    );

    let csv = async |path: &str, headers: &str| {
        let headers = format!("Authorization: Bearer suite\r\n{headers}");
        let reply = site.send("GET", path, &headers, "").await;
        assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"), "{path}");
        String::from_utf8(reply.body).expect("text")
    };
    let ciamis = csv("/api/v1/reports/ciamis?week=2026-W38&format=csv", "").await;
    assert_eq!(
        ciamis,
        "Call Taker,Normal Call,Prank Call,Ghost Call,Total,Remark\n\
         (tidak dijawab),0,0,0,4,4 tidak dijawab\nTotal,0,0,0,4,4 tidak dijawab\n"
    );
    // As a spreadsheet that is set to Indonesian reads it.
    let sheet = csv("/api/v1/reports/ciamis?week=2026-W38&format=sheet", "").await;
    assert_eq!(sheet, format!("\u{feff}{}", ciamis.replace(',', ";").replace('\n', "\r\n")));
    let sheet = csv("/api/v1/reports/standards?format=sheet", "").await;
    assert!(sheet.starts_with("\u{feff}slice;offered;"), "{sheet}");
    assert_eq!(csv("/api/v1/reports/ciamis?week=2026-W38", "Accept: text/csv\r\n").await, ciamis);
    let national = csv("/api/v1/reports/national", "Accept: text/csv\r\n").await;
    assert!(national.starts_with("network,calls,answered,"), "{national}");
    let standards = csv("/api/v1/reports/standards?format=csv", "").await;
    assert!(standards.contains("\nall,4,0,") && standards.contains("\n-,4,0,"), "{standards}");

    for (path, part) in [
        ("standards?by=colour", "queue, trunk, hour and operator"),
        ("standards?since=yesterday", "since=\"yesterday\" is no time"),
        ("standards?since=2026-09-18T00:00:00Z", "until is not after since"),
        ("standards?since=2020-01-01T00:00:00Z", "400 days"),
        ("standards?since=2026-01-01T00:00:00Z&by=hour", "62 days"),
        ("standards?format=xls", "json, csv or sheet"),
        ("standards?week=2026-W38", "known are since, until, by"),
        ("ciamis?week=38", "2026-W48"),
        ("national?month=2026-13", "2026-11"),
    ] {
        let reply = site.get(&format!("/api/v1/reports/{path}")).await;
        let detail = reply.problem(400, "bad-query");
        assert!(detail.contains(part), "{path}: {detail}");
    }
}

#[tokio::test]
async fn a_silent_switchboard_is_said_and_the_records_still_answer() {
    let site = Site::with(&["suite"], true).await;
    site.get("/api/v1/calls").await.problem(503, "switchboard-silent");
    assert_eq!(site.get("/api/v1/incidents").await.status, 200);
}

#[tokio::test]
async fn incidents_are_searched_and_read_and_both_are_audited() {
    let site = Site::new().await;
    let list = site.get("/api/v1/incidents?trunk=telkom&limit=3").await.json();
    assert_eq!(list["incidents"].as_array().expect("a list").len(), 3);
    let next = list["next"].as_str().expect("a cursor");
    let page = site.get(&format!("/api/v1/incidents?limit=3&before={next}")).await.json();
    assert_eq!(page["incidents"][0]["id"], call(1).to_string());
    assert_eq!(page["next"], Value::Null);
    for (query, part) in [
        ("stage=gone", "stage takes: arriving, waiting"),
        ("limit=0", "1 to 1000"),
        ("since=yesterday", "2026-09-17T05:00:00Z"),
        ("colour=red", "there is no filter \"colour\""),
    ] {
        let reply = site.get(&format!("/api/v1/incidents?{query}")).await;
        let detail = reply.problem(400, "bad-query");
        assert!(detail.contains(part), "{query}: {detail}");
    }
    let id = call(1).to_string();
    let one = site.get(&format!("/api/v1/incidents/{id}")).await.json();
    assert_eq!((&one["id"], &one["ended_at"]), (&id.clone().into(), &Value::Null));
    assert_eq!(one["recording"]["file"], "one.wav");
    site.get("/api/v1/incidents/nothing").await.problem(404, "unknown-id");
    assert_eq!(
        site.audits(),
        [
            "name of suite: incidents searched trunk=telkom&limit=3 test of the suite".to_owned(),
            format!("name of suite: incidents searched limit=3&before={next} test of the suite"),
            format!("name of suite: incident read {id}"),
        ]
    );
}

#[tokio::test]
async fn a_ladder_is_read_and_that_is_audited() {
    let site = Site::new().await;
    let id = call(1).to_string();
    let ladder = site.get(&format!("/api/v1/incidents/{id}/ladder")).await.json();
    assert_eq!(ladder["incident"], id);
    let message = &ladder["calls"][0]["messages"][0];
    assert_eq!(message["first_line"], "INVITE sip:112@h SIP/2.0");
    assert_eq!(message["from"]["role"], "trunk telkom");
    assert_eq!((&message["to"]["role"], &message["cseq"]), (&"gateway".into(), &"1 INVITE".into()));
    let detail = site.get("/api/v1/incidents/nothing/ladder").await.problem(404, "unknown-id");
    assert!(detail.contains("nothing"), "{detail}");
    site.get("/api/v1/incidents/%ff/ladder").await.problem(404, "unknown-id");
    assert_eq!(site.audits(), [format!("name of suite: ladder read {id}")]);
}

#[tokio::test]
async fn another_agency_s_computer_gets_an_incident_in_its_own_form() {
    let site = Site::new().await;
    let id = call(1).to_string();
    let reply = site.get(&format!("/api/v1/incidents/{id}/eido")).await;
    assert_eq!(reply.header("content-type"), Some("application/emergency.eido+json"));
    let eido = reply.json();
    assert_eq!(
        (&eido["eidoVersion"], &eido["issuingElementIdentification"]),
        (&"1.0".into(), &"gw1.112.example".into())
    );
    assert!(eido["callComponent"][0]["$id"].as_str().is_some_and(|id| id.contains("callid")));
    site.get("/api/v1/incidents/nothing/eido").await.problem(404, "unknown-id");
    let told = format!("name of suite: incident exported as EIDO {id} test of the suite");
    assert_eq!(site.audits(), [told]);
}

#[tokio::test]
async fn a_recording_is_played_whole_or_in_parts_and_never_from_outside_its_folder() {
    let site = Site::new().await;
    let path = |n| format!("/api/v1/incidents/{}/recording", call(n));
    let whole = site.get(&path(1)).await;
    assert_eq!((whole.status, whole.body.as_slice()), (200, WAV));
    assert_eq!(whole.header("content-type"), Some("audio/wav"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let range = async |range: &str| {
        let headers = format!("Authorization: Bearer suite\r\nRange: {range}\r\n");
        site.send("GET", &path(1), &headers, "").await
    };
    for (asked, body, part) in [
        ("bytes=0-3", &WAV[..4], "bytes 0-3/14"),
        ("bytes=4-", &WAV[4..], "bytes 4-13/14"),
        ("bytes=-2", &WAV[12..], "bytes 12-13/14"),
        ("bytes=10-999", &WAV[10..], "bytes 10-13/14"),
    ] {
        let reply = range(asked).await;
        assert_eq!((reply.status, reply.body.as_slice()), (206, body), "{asked}");
        assert_eq!(reply.header("content-range"), Some(part));
    }
    let outside = range("bytes=14-").await;
    outside.problem(416, "range-outside");
    assert_eq!(outside.header("content-range"), Some("bytes */14"));
    assert_eq!(range("bytes=0-1,3-4").await.body, WAV);
    let played = site.audits();
    assert_eq!(played.len(), 6, "{played:?}");
    assert_eq!(played[0], format!("name of suite: recording played {} test of the suite", call(1)));

    for n in [2, 3, 4] {
        site.get(&path(n)).await.problem(404, "no-recording");
    }
    site.get("/api/v1/incidents/..%2f..%2fsecret.wav/recording").await.problem(404, "unknown-id");
    assert_eq!(site.audits().len(), 6);
}

#[tokio::test]
async fn a_broken_database_is_a_problem_document_without_a_path() {
    let site = Site::new().await;
    let list = site.get("/api/v1/incidents").await;
    assert_eq!(list.status, 200);
    site.desk.store.close().await;
    let detail = site.get("/api/v1/incidents").await.problem(503, "store-failed");
    assert!(!detail.contains("incidents.db"), "{detail}");
    // A live call is judged all the same.
    let judge = async |n| {
        let path = format!("/api/v1/incidents/{}/disposition", call(n));
        site.post(&path, r#"{"disposition":"normal"}"#).await
    };
    assert_eq!(judge(1).await.status, 204);
    judge(2).await.problem(503, "store-failed");
}

#[tokio::test]
async fn the_console_ends_when_it_is_told() {
    let mut site = Site::new().await;
    assert_eq!(site.get("/healthz").await.status, 200);
    site.stop.take().expect("once").send(()).expect("serving");
    site.served.await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn while_calls_wait_people_s_pages_say_when_to_come_again_and_machines_pages_answer() {
    let site = Site::new().await;
    site.desk.behind.store(true, Ordering::Relaxed);
    for path in ["/api/v1/calls", "/api/v1/incidents", "/api/openapi.json"] {
        let shed = site.get(path).await;
        assert_eq!((shed.status, shed.header("retry-after")), (503, Some("5")), "{path}");
        assert_eq!(shed.json()["type"], "urn:siaga112:problem:overloaded");
    }
    let set = site.post("/api/v1/seats/seat-1/status", r#"{"status":"ready"}"#).await;
    assert_eq!(set.status, 503);
    assert!(site.desk.orders.lock().expect("a lock").is_empty());
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(site.send("GET", path, "", "").await.status, 200, "{path}");
    }
    site.desk.behind.store(false, Ordering::Relaxed);
    assert_eq!(site.get("/api/v1/calls").await.status, 200);
}

#[tokio::test]
async fn pages_come_from_the_gateway_and_may_do_what_they_need_and_no_more() {
    let site = Site::new().await;
    // A place within the application, asked for by whoever has no session yet.
    let page = site.send("GET", "/records/01H", "", "").await;
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-cache")));
    let build = page.header("siaga112-build").expect("a build").to_owned();
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert!(text.contains(&format!("name=\"siaga112-build\" content=\"{build}\"")), "{text}");
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    for part in [
        "default-src 'none';",
        "script-src 'self';",
        "style-src 'self';",
        "connect-src 'self' ws://127.0.9.1:8088 ws://x wss://x;",
        "img-src 'self' data: blob: https://tiles.example;",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("permissions-policy").expect("one").contains("microphone=(self)"));
    let etag = page.header("etag").expect("an etag");
    let known = format!("If-None-Match: {etag}\r\n");
    let again = site.send("GET", "/", &known, "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let script = site.send("GET", "/assets/main-1a2b3c.js", "", "").await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(script.header("cache-control").expect("one").contains("immutable"));
    assert_eq!(script.body, b"let x = 1");
    // An answer of the API says the build too, so that a page sees that it is old; nobody keeps it.
    let live = site.get("/api/v1/calls").await;
    assert_eq!(live.header("siaga112-build"), Some(build.as_str()));
    assert_eq!(live.header("cache-control"), Some("no-store"));
}
