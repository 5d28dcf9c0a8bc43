//! The fuzz targets without a fuzzer: the kept corpus and the fixtures through the very functions of
//! `fuzz/src/lib.rs`, as they are and bent by seeded chance. It runs on every machine; `make fuzz`
//! goes further where libFuzzer can be built.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, missing_docs, reason = "shared with the fuzz targets, each of which uses one")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use targets::{TARGETS, Target};

/// Bent inputs of each target. Libfuzzer does as many in a second; here they are a floor.
const BENT: usize = 1_500;

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What a target begins with: its folder of the corpus, and fixtures of its kind.
fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = files(&root.join("fuzz/corpus").join(name));
    assert!(!paths.is_empty(), "{name} has no corpus");
    if name == "message" {
        for folder in ["tests/fixtures/rfc4475", "tests/fixtures/rfc5118", "sip-scenarios/trunk"] {
            paths.extend(files(&root.join(folder)));
        }
    }
    paths.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

fn run(target: Target, input: &[u8], of: &str) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        panic!("{of}: broken by \"{}\"", input.escape_ascii());
    }
}

/// A small generator of its own (xorshift): the same bytes on every machine, for ever.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

/// One to four small wounds: a bit, a byte, a piece gone, doubled, or taken from elsewhere.
fn bend(chance: &mut Chance, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    const SHARP: &[u8] = b"\r\n \t:;,<>\"\\@?=%*[]-/0\x00\x7f\x80\xff";
    let mut out = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(out.len() + 1);
        let end = (at + 1 + chance.below(40)).min(out.len());
        match chance.below(7) {
            0 if at < out.len() => out[at] ^= 1 << chance.below(8),
            1 if at < out.len() => out[at] = SHARP[chance.below(SHARP.len())],
            2 => out.insert(at, SHARP[chance.below(SHARP.len())]),
            3 if at < end => drop(out.drain(at..end)),
            4 if at < end => {
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece);
            }
            5 if !other.is_empty() => {
                let from = chance.below(other.len());
                let to = (from + chance.below(60)).min(other.len());
                out.splice(at..at, other[from..to].iter().copied());
            }
            _ => out.truncate(at),
        }
    }
    out.truncate(65_536);
    out
}

#[test]
fn every_kept_input_holds() {
    for (name, target) in TARGETS {
        for (path, input) in seeds(name) {
            run(target, &input, &path);
            // Cut short at many places.
            for end in (0..input.len().min(600)).step_by(7) {
                run(target, &input[..end], &path);
            }
        }
    }
}

#[test]
fn every_bent_input_holds() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let mut chance = Chance(0x5147_a112);
        for round in 0..BENT {
            let (path, seed) = &seeds[chance.below(seeds.len())];
            let other = &seeds[chance.below(seeds.len())].1;
            let input = bend(&mut chance, seed, other);
            run(target, &input, &format!("{name}, round {round}, from {path}"));
        }
    }
}

#[test]
fn the_corpus_is_small_and_each_target_has_its_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let bytes: u64 = files(&root).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes < 2 << 20, "{bytes} bytes");
    let mut folders: Vec<String> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(folders, names);
    let manifest = std::fs::read_to_string(root.parent().unwrap().join("Cargo.toml")).unwrap();
    for name in names {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is a target of cargo fuzz"
        );
    }
}
