//! `kill -9` at any moment of the real program under SIPp's load, again and again on the same data: whoever heard more
//! than 100 has a record, whoever was answered a recording that plays, and everything holds together. The seed is
//! told; `SIAGA112_KILLS` says how often, `SIAGA112_SEED` repeats a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::process::Command;
use std::time::Duration;

use siaga112::vocabulary::Dice;
use support::gateway::{Centre, Gateway};
use support::record::Incident;
use support::sipp::Sipp;
use support::wait::{Deadline, until};

/// Kills on one data folder; then another one is begun.
const EACH: u64 = 6;
const SEATS: u8 = 3;
/// What was said in the last moments may be in no file: it is held back for packets that are late.
const LAST: f64 = 1.0;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What a caller was told last, and when that was, seconds of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told {
    answered: bool,
    at: f64,
}

/// What SIPp's callers were told, by their numbers, of calls that got more than 100; and when the last word came.
fn told(messages: &str) -> (BTreeMap<String, Told>, f64) {
    let (mut callers, mut last) = (BTreeMap::new(), 0.0);
    for block in messages.split("-----------------------------------------------") {
        let clock = block.lines().next().and_then(|line| line.trim().split(' ').nth(1));
        let parts: Option<Vec<f64>> =
            clock.map(|clock| clock.split(':').filter_map(|part| part.parse().ok()).collect());
        let Some([hours, minutes, seconds]) = parts.as_deref() else { continue };
        let at = hours * 3_600.0 + minutes * 60.0 + seconds;
        if !block.contains("message received [") {
            continue;
        }
        last = at;
        let line = |name: &str| block.lines().find(|line| line.starts_with(name));
        let status = line("SIP/2.0 ").and_then(|line| line.get(8..11)?.parse::<u16>().ok());
        let of_invite = line("CSeq:").is_some_and(|line| line.trim_end().ends_with("INVITE"));
        let from = line("From:").and_then(|line| line.split("sip:").nth(1)?.split('@').next());
        let (Some(status), Some(from), true) = (status, from, of_invite) else { continue };
        if status > 100 {
            let told = callers.entry(from.to_owned()).or_insert(Told { answered: false, at });
            if status == 200 && !told.answered {
                *told = Told { answered: true, at };
            }
        }
    }
    (callers, last)
}

/// All records, by the caller's number, the newest first.
fn records(gateway: &Gateway) -> BTreeMap<String, Vec<Incident>> {
    let mut all: BTreeMap<String, Vec<Incident>> = BTreeMap::new();
    let mut rows = Incident::list(&gateway.get("/api/v1/incidents?limit=500").json());
    rows.sort_by_key(|row| std::cmp::Reverse(row.text("received_at")));
    for row in rows {
        all.entry(row.text("caller_e164")).or_default().push(row);
    }
    all
}

/// That a recording is whole and plays.
fn plays(gateway: &Gateway, id: &str) -> Result<(), String> {
    let answer = gateway.get(&format!("/api/v1/incidents/{id}/recording"));
    if answer.status != 200 {
        return Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
    }
    let reader = hound::WavReader::new(Cursor::new(answer.body)).map_err(|e| e.to_string())?;
    let channels = reader.spec().channels;
    let whole = reader.into_samples::<i16>().all(|sample| sample.is_ok());
    (channels == 2 && whole).then_some(()).ok_or_else(|| format!("{channels} channels, {whole}"))
}

fn verify(gateway: &Gateway) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let done = command.arg("verify").arg("--config").arg(gateway.config()).output().unwrap();
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert_eq!(done.status.code(), Some(0), "{told}");
}

/// What all kills came to.
#[derive(Debug, Default)]
struct Sum {
    kills: u64,
    told: usize,
    answered: usize,
    /// Answered within the last second before the kill, and in no file.
    at_the_last: usize,
}

/// Kills it so often on one data folder.
fn kills(times: u64, dice: &mut Dice, sum: &mut Sum) {
    let centre = Centre { seats: SEATS, ..Centre::default() };
    let mut gateway = centre.start();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..times {
        let many = ["-m", "2000"];
        let seats: Vec<_> = (1..=SEATS)
            .map(|seat| Sipp::seats(&gateway, seat, "seat-answers-expect-bye", &many))
            .collect();
        let trunk = Sipp::trunk(&gateway, "caller-hangs-up-expect-200")
            .with(&["-m", "2000", "-r", "25", "-l", "60", "-d", "300"])
            .start();
        let moment = Duration::from_millis(100 + dice.number() % 1_900);
        Deadline::after(moment).sleep();
        gateway.kill();
        drop((trunk, seats));
        let file = format!("trunk-caller-hangs-up-expect-200-{}.messages", gateway.site.trunk());
        let messages = fs::read(gateway.dir().join(&file)).unwrap_or_default();
        let (callers, last) = told(&String::from_utf8_lossy(&messages));
        // The next SIPp begins another one.
        fs::remove_file(gateway.dir().join(&file)).unwrap_or_default();
        gateway = centre.restart(gateway);
        sum.kills += 1;
        sum.told += callers.len();
        for caller in callers.keys() {
            *known.entry(caller.clone()).or_default() += 1;
        }
        until(&format!("everybody has a record: {known:?}"), || {
            let records = records(&gateway);
            let whole = |(caller, count): (&String, &usize)| {
                let own = records.get(caller).map_or(&[][..], Vec::as_slice);
                own.len() >= *count && own.iter().all(Incident::is_over)
            };
            known.iter().all(whole).then_some(())
        });
        let records = records(&gateway);
        for (caller, told) in callers.iter().filter(|(_, told)| told.answered) {
            sum.answered += 1;
            let record = &records[caller][0];
            let path = format!("/api/v1/incidents/{}", record.id());
            let recorded = until("its recording is sealed", || {
                let state = Incident(gateway.get(&path).json()).text("recording.state");
                (state != "recording").then_some(state)
            });
            let played = plays(&gateway, &record.id());
            if played.is_err() && last - told.at <= LAST {
                sum.at_the_last += 1;
                continue;
            }
            assert!(played.is_ok(), "{caller}, {recorded:?}, {:.3} s: {played:?}", last - told.at);
        }
        verify(&gateway);
    }
    gateway.stop();
}

#[test]
fn whoever_heard_more_than_100_has_a_record_and_whoever_was_answered_a_recording() {
    let (wanted, seed) = (number("SIAGA112_KILLS", 6), number("SIAGA112_SEED", rand::random()));
    eprintln!("SIAGA112_SEED={seed} SIAGA112_KILLS={wanted}");
    let (mut dice, mut sum) = (Dice::from_number(seed), Sum::default());
    while sum.kills < wanted {
        kills((wanted - sum.kills).min(EACH), &mut dice, &mut sum);
        eprintln!("{sum:?}");
    }
    assert!(sum.answered > 0, "{sum:?}");
}
