//! Whatever the gateway says to people at the pages (findings about a configuration, refusals, deeds of the audit) has
//! its Indonesian: every sentence in the source of the places that speak to them stands in the pages' catalogue, and
//! comes out of the pages' own code as it stands there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "said/speech.rs"]
mod speech;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What speaks to the pages: folders and files of `src`.
const SPEAKS: [&str; 30] = [
    "config",
    "console",
    "people",
    "journal/chain.rs",
    "journal/deed.rs",
    "trunk/line.rs",
    "incident/form.rs",
    "incident/edit.rs",
    "store/filter.rs",
    "store/periods.rs",
    "switchboard/orders.rs",
    "switchboard/parties.rs",
    "switchboard/people.rs",
    "switchboard/table.rs",
    "switchboard/writing.rs",
    "switchboard/callback.rs",
    "switchboard/chains.rs",
    "callout/run.rs",
    "server/policy.rs",
    "server/spoken.rs",
    "media/prompts.rs",
    "store/compare.rs",
    "store/journal_file.rs",
    "proof/mod.rs",
    "proof/redaction.rs",
    "proof/verify.rs",
    "proof/heads.rs",
    "recording/check.rs",
    "recording/keys.rs",
    "recording/locked.rs",
];

/// The catalogue that holds a place's sentences: its own, or the common one.
const CATALOGUE: [&str; 2] = ["config", "answers"];

/// What no page shows: headers, marks of a file, texts of alarms and logs, names that are in both languages already.
const NOT_SHOWN: [&str; 41] = [
    " WHERE {condition}",
    "call >= '{call}'",
    "incident >= '{call}'",
    "seq >= {line}",
    " bytes, SHA-256 ",
    "sound of ",
    "sound of {} bytes, SHA-256 {}\n",
    "bytes */{whole}",
    "bytes {first}-{last}/{whole}",
    "private, no-cache",
    "1 OPTIONS",
    "attachment; filename=\"{name}\"",
    "text/plain; version=0.0.4; charset=utf-8",
    "; Secure",
    "{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
    "<head>\n    <meta name=\"siaga112-build\" content=\"{build}\">",
    "text/html; charset=utf-8",
    "public, max-age=31536000, immutable",
    "text/javascript; charset=utf-8",
    "text/css; charset=utf-8",
    "text/plain; charset=utf-8",
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:{}{}; media-src 'self' blob:; connect-src 'self' {}; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "microphone=(self), speaker-selection=(self), autoplay=(self), fullscreen=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Bearer realm=\"siaga112\"",
    "bytes */{length}",
    "inline; filename=\"{name}.{}\"",
    "bytes {first}-{last}/{length}",
    "text/csv; charset=utf-8",
    "Call taker",
    "Penerima panggilan",
    "Petugas dispatch",
    "siaga112 master key",
    "%Y-%m-%d %H:00",
    "hears nothing of the talk",
    "is on hold",
    "call {id}: the caller {how} for {} s",
    "call {id} writes more than is kept; it goes on unrecorded",
    "Siaga112 sealedx01",
    "call {id}: nobody of the chain {title:?} comes, {tried} calls in vain; call somebody out by hand",
    "call {id}: the chain {title:?} stopped, {why}; nobody has said that they come, go on by hand",
    "the chain goes on",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn catalogue(name: &str) -> BTreeMap<String, String> {
    let path = root().join(format!("src/console/web/src/messages/said/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|e| e == "rs") {
        let tests = |part: &Path| part.file_stem().is_some_and(|stem| stem == "tests");
        if !path.ancestors().any(tests) {
            found.push(path.to_owned());
        }
    }
}

/// Every sentence that is said to people, and where.
fn sentences() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for place in SPEAKS {
        let mut files = Vec::new();
        let path = root().join("src").join(place);
        assert!(path.exists(), "{place} is not there any more");
        sources(&path, &mut files);
        for file in files {
            let shown = file.strip_prefix(root()).unwrap().display().to_string();
            for (sentence, line) in speech::sentences(&fs::read_to_string(&file).unwrap()) {
                all.entry(sentence).or_insert_with(|| format!("{shown}:{line}"));
            }
        }
    }
    all
}

#[test]
fn every_sentence_of_the_gateway_has_its_indonesian() {
    let said = sentences();
    assert!(said.len() > 600, "only {} sentences are found", said.len());
    let known: BTreeSet<String> =
        CATALOGUE.iter().flat_map(|name| catalogue(name).into_keys()).collect();
    let wanting: Vec<String> = said
        .iter()
        .filter(|(sentence, _)| {
            !known.contains(*sentence) && !NOT_SHOWN.contains(&sentence.as_str())
        })
        .map(|(sentence, place)| format!("{place}: {sentence}"))
        .collect();
    assert!(
        wanting.is_empty(),
        "without Indonesian in src/console/web/src/messages/said (or in NOT_SHOWN here): {wanting:#?}"
    );
}

#[test]
fn nothing_is_kept_that_nobody_says_any_more() {
    let said = sentences();
    let kept = CATALOGUE.iter().flat_map(|name| catalogue(name).into_keys());
    let kept = kept.chain(NOT_SHOWN.iter().map(|text| (*text).to_owned()));
    let stale: Vec<String> = kept.filter(|sentence| !said.contains_key(sentence)).collect();
    assert!(stale.is_empty(), "said by nobody: {stale:#?}");
}

#[test]
fn what_is_filled_in_is_in_both_languages() {
    // A sample of code has braces that nothing is filled into: it stands as it is.
    let holes = |text: &str| {
        let text = text.replace("{{", "").replace("}}", "");
        text.split('{').skip(1).filter(|part| is_hole(part)).count()
    };
    let mut wrong = Vec::new();
    for (said, own) in CATALOGUE.iter().flat_map(|name| catalogue(name)) {
        let count = holes(&said);
        let all = (1..=count)
            .all(|n| own.contains(&format!("{{{n}}}")) || own.contains(&format!("{{{n}~}}")));
        if !all && holes(&own) != count {
            wrong.push(format!("{said} = {own}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether what follows a brace is the rest of a hole: a name or nothing, and a format.
fn is_hole(rest: &str) -> bool {
    rest.split_once('}').is_some_and(|(inner, _)| {
        let name = inner.split(':').next().unwrap_or("");
        name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn every_sentence_comes_out_of_the_pages_as_it_stands() {
    let script = root().join("tests/said/spoken.mjs");
    let told = Command::new("node").arg(script).output().expect("make test installs node");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let wrong: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(wrong, serde_json::json!([]), "{wrong:#}");
}
