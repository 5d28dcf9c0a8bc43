//! The shipped sample, and one broken copy of it for every mistake that is found.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Loaded, Severity, load, needs_restart};
use crate::acd::settings::Overflow;
use crate::vocabulary::{AnswerMode, QueueId};

/// One edit of one file of the sample: the first `from` becomes `to`. An empty `from` appends.
type Edit<'a> = (&'a str, &'a str, &'a str);

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("directory");
    for entry in fs::read_dir(from).expect("sample") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy");
        }
    }
}

fn edited(edits: &[Edit<'_>]) -> TempDir {
    let dir = tempfile::tempdir().expect("directory");
    copy(&sample(), dir.path());
    for (file, from, to) in edits {
        let path = dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(text.contains(from), "{file} has no {from:?}");
        let text = if from.is_empty() { text + to } else { text.replacen(from, to, 1) };
        fs::write(path, text).expect("write");
    }
    dir
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let token = ("SIAGA112_TOKEN", "0123456789abcdef0123456789abcdef");
    let pairs = pairs.iter().chain([&token]);
    pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Findings of one severity, one a line, paths counted from the directory.
fn findings(dir: &Path, variables: &[(&str, &str)], severity: Severity) -> Vec<String> {
    let findings = match load(dir, environment(variables)) {
        Ok(loaded) => loaded.warnings,
        Err(findings) => findings,
    };
    let prefix = format!("{}/", dir.display());
    findings
        .0
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| finding.to_string().replace(&prefix, ""))
        .collect()
}

fn good(dir: &Path, variables: &[(&str, &str)]) -> Loaded {
    load(dir, environment(variables)).unwrap_or_else(|findings| panic!("{findings}"))
}

#[test]
fn the_sample_loads() {
    let loaded = good(&sample(), &[]);
    let board = &loaded.switchboard;
    assert_eq!(board.centre.name, "NTPD 112 Sumenep");
    assert_eq!(board.places.len(), 27);
    assert_eq!(board.places.iter().filter(|place| place.island).count(), 9);
    assert_eq!(board.categories.len(), 13);
    assert_eq!((board.trunks.len(), board.queues.len(), board.seats.len()), (4, 4, 4));
    assert_eq!(board.sip.accounts.len(), 4);
    assert_eq!(loaded.storage_url, "sqlite:data/siaga112.db");
    assert_eq!(loaded.media.address, loaded.media.bind);
    assert_eq!(loaded.media.ports, 20_000..=29_999);
    assert_eq!(loaded.console.tokens.len(), 1);
    assert_eq!(loaded.digest.len(), 64);
    let rules: Vec<&str> = board.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(rules, ["laut", "kepulauan", "sosial", "semua"]);
    let telco_c = board.trunks.iter().find(|trunk| trunk.id.as_str() == "telco-c");
    assert_eq!(telco_c.and_then(|trunk| trunk.answer), Some(AnswerMode::AfterSeconds(12)));
    assert_eq!(
        loaded.warnings.0.iter().map(|warning| warning.what.as_str()).collect::<Vec<_>>(),
        ["passwords of the sample are in use: everybody knows them"]
    );
}

#[test]
fn without_its_token_the_sample_warns_and_loads() {
    let loaded = load(&sample(), []).expect("loads");
    assert!(loaded.console.tokens.is_empty());
    assert!(loaded.warnings.to_string().contains("SIAGA112_TOKEN is not set"));
}

#[test]
fn errors_show_place_and_mend() {
    let table = include!("tests/errors.in");
    let mut wrong = String::new();
    for (edit, expected) in table {
        let dir = edited(&[edit]);
        let found = findings(dir.path(), &[], Severity::Error);
        if found != expected {
            wrong += &format!("    (\n        {edit:?},\n        vec!{found:#?},\n    ),\n");
        }
    }
    println!("{wrong}");
}
