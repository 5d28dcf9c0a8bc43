//! The simulated centre: it agrees with Erlang C where Erlang's assumptions hold, shows the same
//! callers to every policy, reaches everybody, and tells what is wrong with a profile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use siaga112::incident::Arrival;
use siaga112::journal::{Entry, Fact};
use siaga112::screening::Disposition;
use siaga112::simulation::{
    Caller, Crew, Kind, Order, Patience, Profile, Recorded, Tally, callers, erlang, from_records,
    run, staffing,
};
use siaga112::store::JournalWriter;
use siaga112::vocabulary::{
    AnswerMode, CallId, Cause, Ending, IncidentId, Lane, Party, Private, Stage, Uid, WallTime,
};

/// One kind of call, all day alike, as Erlang's formulas have it.
fn plain(calls_an_hour: f64, held: f64, days: u32) -> Profile {
    let text = format!(
        "name = \"plain\"\ncalls_per_day = {:.1}\ndays = {days}\nseats = 1\nanswer_seconds = 0.0\n\
         talk_spread = \"exponential\"\n[kinds.normal]\nshare = 1.0\ntalk_seconds = {held:.1}\n",
        calls_an_hour * 24.0
    );
    Profile::parse(&text).expect("a profile")
}

fn shipped(name: &str) -> Profile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/profiles/{name}.toml"));
    let text = std::fs::read_to_string(&path).expect("a shipped profile");
    Profile::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn crew(profile: &Profile, seats: u32) -> Crew {
    Crew { seats, queue: profile.queue() }
}

fn served(profile: &Profile, people: &[Caller], order: Order) -> Tally {
    run(profile, &crew(profile, profile.seats), people, order, |_, _| {})
}

/// Mean of the runs, and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

#[test]
fn the_queue_agrees_with_erlang_c_where_its_assumptions_hold() {
    const RUNS: u64 = 20;
    // Student's t with 19 degrees of freedom at 99.9%, both sides.
    const T: f64 = 3.883;
    for (an_hour, held, seats, days) in
        [(20.0, 120.0, 2, 6), (60.0, 180.0, 5, 2), (120.0, 120.0, 6, 2)]
    {
        let profile = plain(an_hour, held, days);
        let load = an_hour * held / 3600.0;
        let runs: Vec<Tally> = (1..=RUNS)
            .map(|seed| {
                let people = callers(&profile, seed);
                run(&profile, &crew(&profile, seats), &people, Order::Lanes, |_, _| {})
            })
            .collect();
        let over = |value: fn(&Tally) -> f64| mean(&runs.iter().map(value).collect::<Vec<_>>());
        let rows = [
            ("P(wait)", over(|t| t.all().waited()), erlang::waits(load, seats)),
            ("mean wait", over(|t| t.all().mean()), erlang::mean_wait(load, seats, held)),
            (
                "within 15 s",
                over(|t| t.all().within(15.0)),
                erlang::within(load, seats, held, 15.0),
            ),
            ("busy", over(Tally::occupancy), load / f64::from(seats)),
        ];
        for (what, (found, error), expected) in rows {
            let told = format!(
                "{an_hour}/h of {held} s at {seats} seats, {what}: {found:.4} ± {error:.4}, Erlang {expected:.4}"
            );
            assert!((found - expected).abs() <= T * error, "{told}");
            // An interval that is wide agrees with everything.
            assert!(error <= 0.06 * expected, "{told}");
        }
    }
}

#[test]
fn in_order_of_arrival_every_wait_is_the_one_that_can_be_worked_out_by_hand() {
    // A full queue: whoever comes takes the seat that is free first.
    let profile = plain(120.0, 120.0, 3);
    let people = callers(&profile, 4);
    let mut free = [0_u64; 5];
    let waits = people.iter().map(|caller| {
        let seat = free.iter_mut().min().expect("seats");
        let begins = caller.at.0.max(*seat);
        *seat = begins + u64::try_from(caller.talk.as_micros()).expect("a talk");
        (begins - caller.at.0) as f64 / 1e6
    });
    let waits: Vec<f64> = waits.collect();
    for order in [Order::Fifo, Order::Lanes] {
        let tally = run(&profile, &crew(&profile, 5), &people, order, |_, _| {});
        let by_hand = waits.iter().sum::<f64>() / waits.len() as f64;
        assert!((tally.all().mean() - by_hand).abs() < 1e-6, "{} {by_hand}", tally.all().mean());
        let worst = waits.iter().copied().fold(0.0, f64::max);
        assert!((tally.all().worst() - worst).abs() < 1e-6);
    }
}

#[test]
fn the_staffing_table_says_the_same_by_both_ways() {
    let profile = Profile { days: 20, ..shipped("sumenep") };
    let table = staffing(&profile, &crew(&profile, 1), 3, |done, all| assert!(done <= all));
    assert!(table.len() >= 3, "{table:?}");
    for row in &table {
        assert!((row.erlang.in_15 - row.assumed.in_15).abs() < 0.02, "{row:?}");
        assert!((row.erlang.waits - row.assumed.waits).abs() < 0.02, "{row:?}");
    }
    for pair in table.windows(2) {
        assert!(pair[0].seats + 1 == pair[1].seats && pair[0].erlang.mean > pair[1].erlang.mean);
        assert!(pair[0].everybody.in_15 < pair[1].everybody.in_15, "{pair:?}");
        assert!(pair[0].occupancy > pair[1].occupancy, "{pair:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_day_and_another_is_not() {
    let profile = Profile { days: 2, ..shipped("jakarta") };
    let people = callers(&profile, 7);
    assert_eq!(people, callers(&profile, 7));
    assert_ne!(people, callers(&profile, 8));
    let once = served(&profile, &people, Order::Lanes);
    assert_eq!(once, served(&profile, &people, Order::Lanes));
    assert_ne!(once, served(&profile, &people, Order::Fifo));
}

#[test]
fn the_mix_is_the_published_one() {
    let published = [
        ("purworejo", [0.0107, 0.409, 0.418, 0.162]),
        ("semarang", [0.435, 0.193, 0.193, 0.179]),
        ("jakarta", [0.45, 0.227, 0.15, 0.173]),
        ("sumenep", [0.119, 0.455, 0.289, 0.137]),
    ];
    for (name, shares) in published {
        let profile = Profile { days: 20, ..shipped(name) };
        let people = callers(&profile, 1);
        let expected = f64::from(profile.days) * profile.calls_per_day;
        assert!((people.len() as f64 / expected - 1.0).abs() < 0.05, "{name}: {}", people.len());
        for (kind, share) in
            [Kind::Normal, Kind::Prank, Kind::Ghost, Kind::Information].into_iter().zip(shares)
        {
            let is = |other: Kind| other == kind || (kind.is_real() && other.is_real());
            let found = people.iter().filter(|caller| is(caller.kind)).count() as f64;
            let found = found / people.len() as f64;
            assert!((found - share).abs() < 0.015, "{name}: {kind} {found}");
        }
        let silent = people.iter().any(|caller| caller.kind == Kind::Silent);
        assert!(silent || share_of_real(&people) < 0.05, "{name}: some cannot speak");
    }
}

fn share_of_real(people: &[Caller]) -> f64 {
    people.iter().filter(|caller| caller.kind.is_real()).count() as f64 / people.len() as f64
}

#[test]
fn lanes_bring_real_callers_to_an_operator_sooner_and_block_nobody() {
    // A wave of pranks at a small centre; everybody has endless patience, so that waits can be
    // compared and nobody may be missing.
    let mut profile = Profile { days: 12, ..shipped("purworejo") };
    profile.kinds.values_mut().for_each(|kind| kind.patience_seconds = None);
    profile.screening.ghosts_leave_share = 0.0;
    let people = callers(&profile, 5);
    let fifo = served(&profile, &people, Order::Fifo);
    let lanes = served(&profile, &people, Order::Lanes);
    for tally in [&fifo, &lanes] {
        assert_eq!(tally.all().answered(), people.len(), "everybody reaches a person");
        assert_eq!((tally.all().left, tally.never_reached), (0, 0));
    }
    let (before, after) = (fifo.real(), lanes.real());
    assert!(after.mean() < 0.9 * before.mean(), "{} and {}", before.mean(), after.mean());
    assert!(after.within(15.0) > before.within(15.0));
    let flagged = |tally: &Tally| tally.of(|_, lane| lane == Lane::Nuisance);
    assert!(flagged(&lanes).answered() > 1000);
    assert!(flagged(&lanes).mean() > flagged(&fifo).mean(), "somebody has to wait");
}

#[test]
fn a_shorter_bound_brings_marked_callers_in_sooner() {
    let mut profile = Profile { days: 6, ..shipped("purworejo") };
    profile.kinds.values_mut().for_each(|kind| kind.patience_seconds = None);
    let people = callers(&profile, 9);
    let worst = |nuisance: u64| {
        let mut profile = profile.clone();
        profile.bound_seconds.nuisance = nuisance;
        served(&profile, &people, Order::Lanes).of(|_, lane| lane == Lane::Nuisance).percentile(99)
    };
    let (soon, late) = (worst(60), worst(900));
    assert!(soon < late, "{soon} s and {late} s");
}

#[test]
fn ghosts_that_are_asked_leave_and_silent_callers_who_give_a_sign_keep_their_lane() {
    let mut profile = Profile { days: 10, seats: 1, ..shipped("sumenep") };
    profile.calls_per_day = 500.0;
    profile.screening.ghosts_leave_share = 1.0;
    profile.screening.silent_share = 0.5;
    profile.screening.sign_share = 1.0;
    let people = callers(&profile, 2);
    let lanes = served(&profile, &people, Order::Lanes);
    let of = |kind: Kind| lanes.of(move |other, _| other == kind);
    assert!(of(Kind::Ghost).left_when_asked > 10);
    assert_eq!(lanes.of(|kind, lane| kind.is_real() && lane == Lane::Silent).offered, 0);
    assert!(of(Kind::Silent).percentile(99) > 20.0, "some waited long enough to be asked");
    let fifo = served(&profile, &people, Order::Fifo);
    assert_eq!(fifo.all().left_when_asked, 0, "plain FIFO asks nobody");
    // Before a seat rings, everybody who cannot be heard waits for both prompts.
    profile.screening.screen = siaga112::simulation::ScreenWord::First;
    profile.screening.sign_share = 0.0;
    let first = served(&profile, &callers(&profile, 2), Order::Lanes);
    let silent = first.of(|kind, _| kind == Kind::Silent);
    let speaks = first.of(|kind, _| kind == Kind::Normal);
    assert!(silent.answered() > 0 && silent.percentile(1) > 20.0, "{}", silent.percentile(1));
    assert!(speaks.percentile(1) > 2.0, "even who speaks at once waits for a moment");
}

#[test]
fn records_are_played_again_as_they_were() {
    let profile = shipped("sumenep");
    let second = Duration::from_secs;
    let call = |at, waited, talk: Option<u64>| Recorded {
        at: second(at),
        kind: Kind::Normal,
        number: 1,
        waited: second(waited),
        talk: talk.map(second),
    };
    let records = [call(100, 5, Some(300)), call(0, 5, Some(60)), call(120, 30, None)];
    let people = from_records(&records, &profile, 1);
    let order: Vec<u64> = people.iter().map(|caller| caller.at.0 / 1_000_000).collect();
    assert_eq!(order, [0, 100, 120], "in order of time");
    assert_eq!(people[1].talk, second(300));
    assert_eq!(people[2].patience, Patience::For(second(30)));
    let one = run(&profile, &crew(&profile, 1), &people, Order::Lanes, |_, _| {});
    assert_eq!((one.all().answered(), one.all().left, one.never_reached), (2, 1, 1));
    let two = run(&profile, &crew(&profile, 2), &people, Order::Lanes, |_, _| {});
    assert_eq!((two.all().answered(), two.never_reached), (3, 0), "a second seat had helped");
}

#[test]
fn what_is_wrong_with_a_profile_is_told() {
    let good = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles/sumenep.toml"),
    )
    .expect("read");
    let cases = [
        ("seats = 2", "seats = 0", "seats = 0 is out of range; write seats from 1 to 1000"),
        ("share = 0.119", "share = 0.5", "the shares of [kinds] are 1.381 together"),
        ("share = 0.119", "share = 1.5", "kinds.normal.share = 1.5 is out of range"),
        ("[kinds.ghost]", "[kinds.silent]", "silent is no kind of its own"),
        ("[kinds.ghost]", "[kinds.goost]", "unknown variant `goost`"),
        ("redial_share", "redail_share", "unknown field `redail_share`"),
        ("  2.0, 1.5,", "  2.0,", "by_hour has 23 weights; write 24"),
        ("\"while_waiting\"        #", "\"always\"  #", "unknown variant `always`"),
        ("hours = 24 ", "hours = -1 ", "marks.hours = -1 is out of range"),
        ("talk_spread = 1.0", "talk_spread = 9.0", "talk_spread = 9 is out of range"),
    ];
    for (from, to, expected) in cases {
        assert!(good.contains(from), "{from}");
        let error = Profile::parse(&good.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

// ---- the command -----------------------------------------------------------------------------

fn siaga112(arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("simulate")
        .args(arguments)
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_prints_waits_the_comparison_and_the_staffing() {
    let profile = "config/profiles/sumenep.toml";
    let (good, out, err) = siaga112(&[
        "--profile",
        profile,
        "--days",
        "3",
        "--seats",
        "1",
        "--compare",
        "fifo",
        "--staffing",
    ]);
    assert!(good, "{err}");
    for line in ["Sumenep: ", "real callers", "lane nuisance", "plain FIFO", "Erlang C asks for"] {
        assert!(out.contains(line), "no {line:?} in\n{out}");
    }
    assert_eq!(err, "", "a short run shows no progress");
    let (_, again, _) = siaga112(&[
        "--profile",
        profile,
        "--days",
        "3",
        "--seats",
        "1",
        "--compare",
        "fifo",
        "--staffing",
    ]);
    assert_eq!(out, again, "the same seed gives the same text");
    let (good, out, err) =
        siaga112(&["--profile", profile, "--config", "config", "--days", "1", "--seed", "2"]);
    assert!(good && out.contains("3 seats, seed 2"), "{out}{err}");
}

#[test]
fn the_command_says_what_is_missing() {
    let empty = tempfile::tempdir().expect("a folder");
    let broken = empty.path().join("broken.toml");
    std::fs::write(&broken, "name = \"x\"\nseats = \"two\"\n").expect("write");
    let broken = broken.display().to_string();
    let cases: [(&[&str], &str); 4] = [
        (&[], "--profile <FILE>"),
        (&["--records"], "--config <DIR>"),
        (&["--profile", "no-such.toml"], "the profile no-such.toml cannot be read"),
        (&["--profile", &broken], "line 2, column 9"),
    ];
    for (arguments, expected) in cases {
        let (good, _, err) = siaga112(arguments);
        assert!(!good && err.contains(expected), "{arguments:?}: {err}");
    }
}

/// A day of records: one caller is answered, is called a prankster and rings again at once; a second
/// gives up meanwhile.
fn records(data: &Path) {
    let begins = WallTime::parse("2026-09-17T05:00:00Z").expect("a time");
    let at = |seconds: i64| WallTime(begins.0 + seconds * 1_000_000);
    let call = |n: u32, from: i64| CallId(Uid::new(at(from), n));
    let arrived = |n: u32, from: i64, number: &str| {
        let mut arrival = Arrival::default();
        arrival.caller.phone.e164 = Some(Private::new(number.to_owned()));
        let (call, trunk) = (call(n, from), "telco-a".into());
        let source = "udp:192.0.2.1:5060".into();
        let incident = IncidentId(call.0);
        let first = Fact::Arrived { call, incident, trunk, source, arrival: Box::new(arrival) };
        let (queue, rule, answer) = ("darurat".into(), "semua".into(), AnswerMode::OnAgent);
        let then = Fact::Queued { call, queue, rule, priority: 5, answer, wants: Vec::new() };
        [first, then].map(|fact| Entry { at: at(from), fact })
    };
    let answered = |n: u32, from: i64, waited: u64| {
        let call = call(n, from);
        let seconds = i64::try_from(waited).expect("short");
        let fact =
            Fact::Answered { call, seat: "seat-1".into(), operator: None, after_ms: waited * 1000 };
        Entry { at: at(from + seconds), fact }
    };
    let ended = |n: u32, from: i64, after: i64, stage: Stage| {
        let ending = Ending { stage, by: Party::Caller, cause: Cause::HungUp, q850: None };
        let call = call(n, from);
        let fact = Fact::Ended { call, ending, caller_packets: None, seat_packets: None };
        Entry { at: at(from + after), fact }
    };
    let prank = Fact::Disposed {
        call: call(1, 0),
        disposition: Disposition::Prank,
        by: "supervisor".into(),
    };
    let (writer, _) = JournalWriter::open(&data.join("journal")).expect("opens");
    let journal = writer.start(|_| {}).expect("starts");
    let mut entries = Vec::from(arrived(1, 0, "+6281200000001"));
    entries.extend([answered(1, 0, 4), ended(1, 0, 64, Stage::Talking)]);
    entries.push(Entry { at: at(65), fact: prank });
    entries.extend(arrived(2, 70, "+6281200000001"));
    entries.push(answered(2, 70, 4));
    entries.extend(arrived(3, 80, "+6281200000002"));
    entries.push(ended(3, 80, 30, Stage::Waiting));
    entries.push(ended(2, 70, 300, Stage::Talking));
    entries.into_iter().for_each(|entry| journal.append(0, entry));
    assert_eq!(journal.stop(), 0);
}

#[test]
fn the_command_plays_a_day_of_the_records_again() {
    let folder = tempfile::tempdir().expect("a folder");
    records(folder.path());
    let played = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
        let output = command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("SIAGA112__NODE__DATA_DIR", folder.path())
            .env("TZ", "Asia/Jakarta")
            .args(["simulate", "--records", "--config", "config", "--day"])
            .args(more)
            .output()
            .expect("it runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("UTF-8"))
    };
    let row = |text: &str, name: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.trim_start().starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        line.replace(name, "").split_whitespace().map(str::to_owned).collect()
    };
    let (good, one) = played(&["2026-09-17", "--seats", "1"]);
    assert!(good, "{one}");
    assert_eq!(row(&one, "everybody")[..3], ["3", "2", "1"], "{one}");
    assert_eq!(row(&one, "prank")[..2], ["1", "1"], "{one}");
    let (_, two) = played(&["2026-09-17", "--seats", "2"]);
    assert_eq!(row(&two, "everybody")[..3], ["3", "3", "0"], "a second seat had helped: {two}");
    let (good, none) = played(&["2026-09-16"]);
    assert!(!good && none.contains("no call of 2026-09-16 is on record"), "{none}");
}

#[test]
fn the_command_says_when_nothing_is_on_record() {
    let data: PathBuf = tempfile::tempdir().expect("a folder").path().join("none");
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SIAGA112__NODE__DATA_DIR", &data)
        .args(["simulate", "--records", "--config", "config"])
        .output()
        .expect("it runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && err.contains("nothing has been recorded yet"), "{err}");
}

#[test]
fn one_is_no_plural_and_nobody_has_no_wait() {
    let (good, out, err) = siaga112(&[
        "--profile",
        "config/profiles/sumenep.toml",
        "--days",
        "1",
        "--seats",
        "1",
        "--compare",
        "fifo",
    ]);
    assert!(good, "{err}");
    assert!(out.contains(" calls in 1 day, 1 seat, seed"), "{out}");
    // The one real caller who could not speak gave up.
    for row in ["  silent ", "real callers who cannot speak: worst"] {
        let line = out.lines().find(|line| line.starts_with(row)).expect(row);
        assert!(line.contains(" - ") && !line.contains("0.0 "), "{line}");
    }
}
