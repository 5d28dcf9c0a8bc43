//! Linphone's real-time text against the whole gateway: a deaf caller types, an operator reads and writes
//! at the desk, and the record has it all. `tests/linphone/text.py` drives Linphone's library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::gateway::{Centre, Gateway};
use support::helper::Helper;
use support::phone::{Dialog, Message, Phone};
use support::wait::until;

fn linphone(gateway: &Gateway) -> Helper {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = gateway.dir().join("linphone");
    std::fs::create_dir_all(folder.join(".local/share/linphone")).expect("created");
    let mut python = Command::new("python3");
    python
        .arg(root.join("tests/linphone/text.py"))
        .arg(&folder)
        .arg(gateway.site.trunk().to_string())
        .arg(format!("sip:112@{}", gateway.sip))
        .envs(["HOME", "XDG_CONFIG_HOME"].map(|name| (name, &folder)))
        .env("XDG_DATA_HOME", folder.join(".local/share"));
    Helper::start(python, gateway.dir().join("linphone.log"))
}
