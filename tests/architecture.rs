//! The house keeps its order: a room imports only rooms above it, pure rooms stay pure, files stay
//! small and say what they are for, and the map in ARCHITECTURE.md is the tree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms whose code touches no clock, chance, socket, file or thread.
const PURE: [&str; 14] = [
    "vocabulary",
    "sdp",
    "sip",
    "incident",
    "trunk",
    "routing",
    "screening",
    "call",
    "acd",
    "callout",
    "journal",
    "switchboard",
    "simulation",
    "people",
];

/// What a pure room may never name.
const IMPURE: [&str; 18] = [
    "tokio::",
    "mio::",
    "socket2::",
    "std::fs",
    "std::thread",
    "std::sync::mpsc",
    "std::sync::Mutex",
    "std::env",
    "std::io",
    "std::process",
    "TcpStream",
    "UdpSocket",
    "Instant",
    "SystemTime",
    "async fn",
    ".await",
    "println!",
    "rand::rng(",
];

/// The longest a file may be without its tests.
const LINES: usize = 700;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rooms in the order of `lib.rs`.
fn rooms() -> Vec<String> {
    let text = read(&root().join("src/lib.rs"));
    let names = text.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The code of a file: without its tests and comments.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let lines = text[..end].lines().map(|l| l.split("//").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_room_imports_only_rooms_above_it() {
    let rooms = rooms();
    let mut wrong = Vec::new();
    for (place, room) in rooms.iter().enumerate() {
        for path in sources(&root().join("src").join(room)) {
            let text = code(&read(&path));
            for below in &rooms[place + 1..] {
                if text.contains(&format!("crate::{below}::"))
                    || text.contains(&format!("crate::{below};"))
                {
                    wrong.push(format!("{} imports {below}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_queue_can_be_read_by_someone_who_knows_no_sip() {
    for path in sources(&root().join("src/acd")) {
        let text = code(&read(&path));
        for room in rooms().iter().filter(|r| *r != "vocabulary" && *r != "acd") {
            assert!(!text.contains(&format!("crate::{room}")), "{} imports {room}", path.display());
        }
    }
}

#[test]
fn pure_rooms_touch_nothing() {
    let mut wrong = Vec::new();
    for room in PURE {
        for path in sources(&root().join("src").join(room)) {
            let text = code(&read(&path));
            let text = text.replace(".awaits_answer", "");
            for word in IMPURE.iter().filter(|w| text.contains(**w)) {
                wrong.push(format!("{} names {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_for_and_stays_small() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let text = read(&path);
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not open with //!", path.display()));
        }
        let lines = code(&text).lines().count();
        if lines > LINES {
            wrong.push(format!("{} has {lines} lines, {LINES} is the most", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_map_is_the_tree() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let map: BTreeSet<&str> = text
        .lines()
        .filter_map(|l| l.strip_prefix("| `src/")?.split('`').next())
        .map(|path| path.trim_end_matches('/'))
        .collect();
    let tree: BTreeSet<String> = rooms().into_iter().collect();
    let tree: BTreeSet<&str> = tree.iter().map(String::as_str).collect();
    assert_eq!(map, tree, "the table of rooms in ARCHITECTURE.md");
}

#[test]
fn tests_named_in_the_documents_exist() {
    let text = read(&root().join("ARCHITECTURE.md")) + &read(&root().join("tests/README.md"));
    let mut wrong = Vec::new();
    for word in text.split('`').filter(|w| w.starts_with("tests/") || w.starts_with("src/")) {
        let path = word.split("::").next().unwrap_or(word);
        if !root().join(path).exists() {
            wrong.push(path.to_owned());
        }
        if let Some(name) = word.split("::").last().filter(|_| word.contains("::")) {
            let text =
                if root().join(path).is_file() { read(&root().join(path)) } else { String::new() };
            if !text.contains(&format!("fn {name}")) {
                wrong.push(word.to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "the documents name what does not exist: {wrong:#?}");
}
