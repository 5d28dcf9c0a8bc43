//! What pages cost: fifty people signed in, each with the live feed open, beside a hundred calls.
//!
//! `cargo bench --bench desks` takes about two minutes; `-- DESKS CALLS SECONDS` are other numbers (50, 100 and 20).
//! It tells the gateway's share of one processor with the calls alone and with the desks beside them; how long after
//! a call came each desk was told of it; and how soon each page shows something in Chromium, without and with a cache
//! (`tests/pages/paint.js`).
//!
//! The calls are talked without audio, which `--bench relay` measures. Of ten desks one is a supervisor's, who is
//! told everything, the others call takers'. All run on the same machine as the gateway and share its processors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark keeps time and may stop at any fault"
)]

#[allow(dead_code, reason = "each benchmark uses its own part of the load")]
mod load;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jiff::Timestamp;
use load::gateway::Gateway;
use load::generator::Generator;
use serde_json::{Value, json};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const PASSWORD: &str = "perahu hijau di kalianget";
/// Calls a second that come and go while the desks are told of them.
const COMING: u32 = 5;
/// How long a share of a processor is taken over.
const QUIET: Duration = Duration::from_secs(5);

fn main() {
    let args: Vec<u32> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let given = |n: usize, usual: u32| args.get(n).copied().unwrap_or(usual);
    let (desks, calls, seconds) = (given(0, 50), given(1, 100), given(2, 20));
    let disk = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(disk.path(), calls as usize + 20, true);
    let mut generator = Generator::new(&gateway);
    generator.register(gateway.seats, 500);
    let bearers = people(&gateway, desks);
    assert_eq!(generator.hold(calls as usize), calls as usize, "every call is answered");
    gateway.settle();
    println!("{calls} calls, no desk: {:.1} % of a processor", share(&gateway, QUIET));

    let told = Arc::new(Mutex::new(Vec::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let open: Vec<_> = (0..2_usize)
        .map(|part| {
            let own = bearers.iter().skip(part).step_by(2).cloned().collect();
            let (address, told, stop) = (gateway.console, Arc::clone(&told), Arc::clone(&stop));
            std::thread::spawn(move || follow(address, own, &told, &stop))
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    println!("{calls} calls, {desks} desks: {:.1} % of a processor", share(&gateway, QUIET));

    told.lock().unwrap().clear();
    let over = Arc::new(AtomicBool::new(false));
    let callers = load::overload::callers(gateway.sip, COMING, Arc::clone(&over));
    let busy = share(&gateway, Duration::from_secs(1) * seconds);
    over.store(true, Ordering::Relaxed);
    println!("the same, {COMING} calls a second come and go: {busy:.1} % of a processor");
    println!("  {}", callers.join().unwrap());
    std::thread::sleep(Duration::from_millis(500));
    let mut delays = std::mem::take(&mut *told.lock().unwrap());
    delays.sort_unstable();
    let at = |part: f64| {
        let place = (delays.len().saturating_sub(1) as f64 * part).round() as usize;
        delays.get(place).map_or(0.0, |it| it.as_secs_f64() * 1e3)
    };
    println!(
        "call comes to a desk is told: {} times, p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        delays.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("memory: {} KiB, {} descriptors", gateway.resident_kib(), gateway.descriptors());
    paint(&gateway);
    stop.store(true, Ordering::Relaxed);
    for desk in open {
        desk.join().unwrap();
    }
}

/// What part of one processor the gateway takes, in per cent.
fn share(gateway: &Gateway, over: Duration) -> f64 {
    let (before, start) = (gateway.cpu(), Instant::now());
    std::thread::sleep(over);
    (gateway.cpu() - before).as_secs_f64() * 100.0 / start.elapsed().as_secs_f64()
}

/// One request; the body of its answer.
fn ask(gateway: &Gateway, method: &str, path: &str, bearer: &str, body: &Value) -> Value {
    let mut stream = TcpStream::connect(gateway.console).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    write!(
        stream,
        "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        gateway.console,
        if bearer.is_empty() {
            String::new()
        } else {
            format!("Authorization: Bearer {bearer}\r\n")
        },
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {text}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// Makes one person of each role and signs everybody in: the bearers of so many desks.
fn people(gateway: &Gateway, desks: u32) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_siaga112"))
        .args(["passwd", "--person", "admin", "--role", "admin", "--config"])
        .arg(&gateway.dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success());
    let log_in = |name: &str| {
        let body = json!({"name": name, "password": PASSWORD});
        let told = ask(gateway, "POST", "/login", "", &body);
        told["token"].as_str().unwrap().to_owned()
    };
    let admin = log_in("admin");
    for role in ["call-taker", "supervisor", "auditor"] {
        let person = json!({"name": role, "role": role, "password": PASSWORD});
        ask(gateway, "POST", "/people", &admin, &person);
    }
    let role = |n: u32| if n.is_multiple_of(10) { "supervisor" } else { "call-taker" };
    (0..desks).map(|n| log_in(role(n))).collect()
}

/// Follows the feed of several desks until it is told to stop, and notes how late each call was told.
fn follow(
    address: SocketAddr,
    bearers: Vec<String>,
    told: &Arc<Mutex<Vec<Duration>>>,
    stop: &Arc<AtomicBool>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut desks = tokio::task::JoinSet::new();
        for bearer in bearers {
            desks.spawn(desk(address, bearer, Arc::clone(told), Arc::clone(stop)));
        }
        while desks.join_next().await.is_some_and(|ended| ended.is_ok()) {}
    });
}

async fn desk(
    address: SocketAddr,
    bearer: String,
    told: Arc<Mutex<Vec<Duration>>>,
    stop: Arc<AtomicBool>,
) {
    let mut request = format!("ws://{address}/api/v1/live").into_client_request().unwrap();
    let bearer = format!("Bearer {bearer}").parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    let mut known = HashSet::new();
    while !stop.load(Ordering::Relaxed) {
        let next = tokio::time::timeout(Duration::from_millis(500), socket.next()).await;
        let Ok(Some(Ok(message))) = next else { continue };
        let Message::Text(text) = message else { continue };
        let now = Timestamp::now();
        let json: Value = serde_json::from_str(&text).unwrap();
        let first = json["type"] == "whole";
        for call in json["calls"].as_array().into_iter().flatten() {
            let Some(id) = call["id"].as_str() else { continue };
            if known.insert(id.to_owned()) && !first {
                let came: Timestamp = call["received_at"].as_str().unwrap().parse().unwrap();
                let late = now.duration_since(came);
                told.lock().unwrap().push(late.unsigned_abs());
            }
        }
    }
}

/// How soon each page shows something.
fn paint(gateway: &Gateway) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/paint.js");
    let url = format!("http://{}", gateway.console);
    let told = Command::new("node").arg(script).args([&url, PASSWORD]).output();
    match told {
        Ok(told) if told.status.success() => print!("{}", String::from_utf8_lossy(&told.stdout)),
        Ok(told) => println!("no pages: {}", String::from_utf8_lossy(&told.stderr)),
        Err(error) => println!("no pages: {error}"),
    }
}
