//! People who come in by name and password.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::gateway::Gateway;
use super::http::request;

/// What everybody here logs in with.
pub const PASSWORD: &str = "perahu hijau di kalianget";

/// Makes the first admin, `ani`, by the command, and opens a session of theirs.
pub fn admin(gateway: &Gateway) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.args(["passwd", "--person", "ani", "--role", "admin", "--config"]);
    command.arg(gateway.config()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("the program runs");
    writeln!(child.stdin.take().expect("piped"), "{PASSWORD}").expect("written");
    assert!(child.wait().expect("it ends").success());
    session(gateway, "ani", PASSWORD)
}

/// Adds a person with the usual password.
pub fn add(gateway: &Gateway, admin: &str, mut person: Value) {
    person["password"] = json!(PASSWORD);
    let added =
        request(gateway.console, "POST", "/api/v1/people", Some(admin), &person.to_string());
    assert_eq!(added.status, 201, "{added:?}");
}

/// The bearer of a new session.
pub fn session(gateway: &Gateway, name: &str, password: &str) -> String {
    let body = json!({"name": name, "password": password}).to_string();
    let answer = request(gateway.console, "POST", "/api/v1/login", None, &body);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["token"].as_str().expect("a token").to_owned()
}
