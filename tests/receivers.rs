//! Receivers elsewhere, over real HTTPS: a region's logger gets every call of the real program, also
//! those that it was not there for, and what it gets is signed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may fail loudly"
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use support::gateway::{Centre, Gateway};
use support::pki::Authority;
use support::sipp::Sipp;
use support::wait::{LIMIT, until};

/// Python's HTTPS server, with every body that it got.
struct Logger {
    child: Child,
    bodies: Receiver<String>,
    port: String,
}

impl Logger {
    /// Starts one on `port`; its certificate and key lie in `dir`.
    fn start(dir: &Path, port: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/receiver_server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args([dir.join("log.pem"), dir.join("log.key")])
            .arg(port)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("python3 runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, bodies) = mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let port = bodies.recv_timeout(LIMIT).expect("it prints its port");
        Self { child, bodies, port }
    }

    /// The events that it got, up to one of this kind.
    fn up_to(&self, kind: &str) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        while events.last().is_none_or(|event| event["logEventType"] != kind) {
            events.push(event(&self.bodies.recv_timeout(LIMIT).expect("an event")));
        }
        events
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The event in a flattened JWS whose signature is right.
fn event(body: &str) -> Value {
    let jws: Value = serde_json::from_str(body).expect("JSON");
    let text = |member: &str| jws[member].as_str().expect("text");
    let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let header: Value = serde_json::from_slice(&bytes(text("protected"))).expect("JSON");
    assert_eq!(header["alg"], "EdDSA");
    let key = bytes(header["jwk"]["x"].as_str().expect("a key"));
    let signed = format!("{}.{}", text("protected"), text("payload"));
    let proof = UnparsedPublicKey::new(&ED25519, &key);
    proof.verify(signed.as_bytes(), &bytes(text("signature"))).expect("a right signature");
    serde_json::from_slice(&bytes(text("payload"))).expect("JSON")
}

fn call(gateway: &Gateway) {
    let seat = Sipp::seat(gateway, 1, "seat-answers-expect-bye");
    Sipp::trunk(gateway, "caller-hangs-up-expect-200").with(&["-d", "300"]).run();
    seat.finish();
}

/// What a receiver of this name is shown as.
fn shown(gateway: &Gateway, name: &str) -> Value {
    let all = gateway.get("/api/v1/receivers").json();
    let all = all["receivers"].as_array().expect("receivers").clone();
    all.into_iter().find(|receiver| receiver["name"] == name).expect("this one")
}

/// Files of the logger, and the lines that name it.
fn prepare(config: &Path, dir: &Path, port: &str) -> PathBuf {
    let authority = Authority::new();
    let identity = authority.sign(&["127.0.0.1"]);
    fs::write(dir.join("log.pem"), identity.cert_pem).expect("written");
    fs::write(dir.join("log.key"), identity.key_pem).expect("written");
    fs::write(config.join("log-ca.pem"), authority.pem()).expect("written");
    let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).expect("a key");
    let key = BASE64_STANDARD.encode(key.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    fs::write(config.join("log-sign.pem"), pem).expect("written");
    let gateway = config.join("gateway.toml");
    let text = fs::read_to_string(&gateway).expect("read").replace("\"supervisor\"", "\"admin\"");
    let logger = format!(
        "\n[[logger]]\nname = \"wilayah\"\nca = \"log-ca.pem\"\nkey_file = \"log-sign.pem\"\n\
         url = \"https://127.0.0.1:{port}/Logging/v1/LogEvents\"\n"
    );
    fs::write(&gateway, text + &logger).expect("written");
    dir.to_owned()
}

#[test]
fn a_region_s_logger_gets_every_call_signed_also_those_while_it_was_away() {
    let dir = tempfile::tempdir().expect("a folder");
    // A port of its own, kept while nobody listens there.
    let place = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = place.local_addr().expect("an address").port().to_string();
    drop(place);
    let centre = Centre::default();
    let (gateway, _) = centre.start_with(|_, config| prepare(config, dir.path(), &port));
    call(&gateway);
    until("the logger is missed", || shown(&gateway, "wilayah")["trouble"].as_str().map(drop));

    let logger = Logger::start(dir.path(), &port);
    let events = logger.up_to("CallEndLogEvent");
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["logEventType"].as_str().expect("a kind").trim_end_matches("LogEvent"))
        .filter(|kind| *kind != "AgentStateChange" && *kind != "CallSignalingMessage")
        .collect();
    let before_end = ["GatewayCall", "CallStart", "Route", "MediaStart", "CallStateChange"];
    for kind in before_end {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let first = events.iter().find(|event| event["logEventType"] == "CallStartLogEvent").unwrap();
    assert_eq!(first["agencyId"], "112.sumenep.example");
    assert_eq!(first["elementId"], "gw1.112.sumenep.example");
    assert_eq!(first["direction"], "incoming");
    let of_it = |event: &&Value| event["callId"] == first["callId"];
    assert!(events.iter().filter(of_it).count() > 8, "every event names its call");
    until("it is reached", || shown(&gateway, "wilayah")["trouble"].is_null().then_some(()));

    // Killed and begun anew, the gateway goes on where the logger was.
    let gateway = centre.restart(gateway);
    call(&gateway);
    // What was sent last before the kill may come once more: at least once.
    let mut events = logger.up_to("CallStartLogEvent");
    let second = events.pop().expect("the beginning of the second call");
    assert_ne!(second["callId"], first["callId"]);
    let end = logger.up_to("CallEndLogEvent").pop().expect("its end");
    assert_eq!(end["callId"], second["callId"]);
}
