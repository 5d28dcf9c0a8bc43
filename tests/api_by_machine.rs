//! Schemathesis, which knows of the API what its description says, asks every route whatever comes to its mind,
//! as each role: nothing that anybody sends is a fault of ours (5xx), and the gateway goes on serving calls.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what it expects"
)]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::people;

/// Questions for each route and role, beside those of its examples.
const QUESTIONS: &str = "4";
/// What ends the session that asks, or covers it.
const NOT_ASKED: [&str; 3] = ["/api/v1/logout", "/api/v1/me/lock", "/api/v1/me/password"];

/// Asks as whoever has this session. False where it could not be had.
fn asks(gateway: &Gateway, role: &str, session: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis");
    if !root.join("schemathesis").exists() {
        eprintln!("LEFT OUT: Schemathesis could not be had, see the Makefile");
        return false;
    }
    let mut machine = Command::new("python3");
    machine
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("http://{}/api/openapi.json", gateway.console))
        .args(["--header", &format!("Authorization: Bearer {session}")])
        .args(["--checks", "not_a_server_error", "--phases", "examples,fuzzing"])
        .args(["--max-examples", QUESTIONS, "--seed", "112", "--continue-on-failure"])
        // How fast a busy machine answers, or makes up questions, says nothing of the API.
        .args(["--suppress-health-check", "all", "--warnings", "off", "--no-color"])
        .args(["--generation-database", "none"])
        .env("PYTHONPATH", &root)
        .current_dir(gateway.dir());
    for path in NOT_ASKED {
        machine.args(["--exclude-path", path]);
    }
    let done = machine.output().expect("Python runs");
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "as {role}: {told}");
    assert!(told.contains("generated"), "as {role}, it asked nothing: {told}");
    true
}

#[test]
fn whatever_a_machine_asks_is_no_fault_of_ours() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let admin = people::admin(&gateway);
    for role in ["call-taker", "supervisor", "dispatcher", "auditor"] {
        people::add(&gateway, &admin, json!({"name": role, "role": role, "operator": ""}));
    }
    for role in ["call-taker", "supervisor", "dispatcher", "auditor"] {
        let session = people::session(&gateway, role, people::PASSWORD);
        if !asks(&gateway, role, &session) {
            return;
        }
    }
    // Last, for an admin may change what everybody else works with.
    asks(&gateway, "admin", &admin);
    let caller = Caller::waits(&gateway, "+6281234567890");
    caller.gives_up();
    let log = gateway.log();
    assert!(!log.contains("panicked"), "{log}");
    gateway.stop();
}
