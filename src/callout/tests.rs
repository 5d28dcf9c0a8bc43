//! Runs by seeds: whatever is answered, refused, late, pressed or lost, the promises hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::settings::{CalloutSettings, Chain, Contact, Step, When, Who};
use super::*;
use crate::vocabulary::{CallId, Dice, Moment, Now, Uid, WallTime};

fn contact(id: &str, role: Option<&str>, kecamatan: &[&str], numbers: &[&str]) -> Contact {
    Contact {
        id: id.into(),
        full_name: id.to_uppercase(),
        agency: None,
        role: role.map(str::to_owned),
        kecamatan: kecamatan.iter().map(|code| (*code).to_owned()).collect(),
        numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
        note: String::new(),
    }
}

fn step(who: Who) -> Step {
    Step { who, ring: Duration::from_secs(20) }
}

fn role(role: &str) -> Step {
    step(Who::Role(role.into()))
}

fn named(id: &str) -> Step {
    step(Who::Contact(id.into()))
}

fn settings() -> CalloutSettings {
    let when = |category: &[&str], kecamatan: &[&str]| {
        let own = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
        Some(When { category: own(category), kecamatan: own(kecamatan) })
    };
    let chain = |id: &str, steps: Vec<Step>, when| Chain {
        id: id.into(),
        title: id.to_uppercase(),
        steps,
        when,
    };
    CalloutSettings {
        contacts: vec![
            contact("camat-all", Some("camat"), &[], &["1"]),
            contact("camat-25", Some("camat"), &["25"], &["2", "3"]),
            contact("pkm-25", Some("puskesmas"), &["25", "27"], &["4"]),
            contact("bpbd", Some("opd"), &[], &["5", "6", "7"]),
            contact("sar", None, &[], &["115"]),
        ],
        chains: vec![
            chain("any", vec![named("bpbd"), named("sar")], when(&[], &[])),
            chain("medis", vec![role("puskesmas"), named("sar")], when(&["medis"], &[])),
            chain(
                "pulau",
                vec![role("camat"), role("camat"), role("puskesmas"), named("bpbd")],
                when(&[], &["25", "27"]),
            ),
            chain("both", vec![named("sar"), named("bpbd")], when(&["medis"], &["25"])),
            chain("hand", vec![named("sar"), named("bpbd")], None),
        ],
    }
}

#[test]
fn a_role_means_who_answers_for_the_place_and_nobody_stands_there_twice() {
    let settings = settings();
    let plan = |chain: &str, kecamatan| -> Vec<&str> {
        let chain = settings.chain(chain).expect("a chain");
        let plan = settings.plan(chain, kecamatan);
        plan.iter().map(|it| it.contact.map_or("-", |contact| contact.id.as_str())).collect()
    };
    assert_eq!(plan("pulau", Some("25")), ["camat-25", "camat-all", "pkm-25", "bpbd"]);
    assert_eq!(plan("pulau", Some("27")), ["camat-all", "-", "pkm-25", "bpbd"]);
    assert_eq!(plan("pulau", None), ["camat-all", "-", "-", "bpbd"]);
    assert_eq!(plan("medis", None), ["-", "sar"]);
}

#[test]
fn what_names_most_of_a_call_is_proposed_first() {
    let settings = settings();
    let proposed = |category, kecamatan| -> Vec<&str> {
        settings.proposed(category, kecamatan).iter().map(|chain| chain.id.as_str()).collect()
    };
    assert_eq!(proposed(Some("medis"), Some("25")), ["both", "pulau", "medis", "any"]);
    assert_eq!(proposed(Some("medis"), Some("1")), ["medis", "any"]);
    assert_eq!(proposed(None, Some("27")), ["pulau", "any"]);
    assert_eq!(proposed(None, None), ["any"]);
}

fn begun(settings: &CalloutSettings, chain: &str) -> Input {
    let chain = settings.chain(chain).expect("a chain");
    let plan = settings.plan(chain, Some("25"));
    Input::Begin(Box::new(Begun::new(chain, &plan, Some("25".into()), "siti".into())))
}

fn call(n: u32) -> CallId {
    CallId(Uid::new(WallTime(0), n))
}

fn at(seconds: u64) -> Now {
    Now { moment: Moment::default().after(Duration::from_secs(seconds)), wall: WallTime(0) }
}

#[test]
fn the_first_is_busy_the_second_does_not_answer_and_a_mailbox_ends_nothing() {
    let (settings, mut chains, id) = (settings(), Chains::default(), call(1));
    chains.handle(at(0), id, begun(&settings, "hand")).expect("begun");
    let rings = |chains: &mut Chains| -> Vec<String> {
        let mut rings = Vec::new();
        while let Some(output) = chains.poll_output() {
            if let Output::Ring { to, .. } = output {
                rings.push(to);
            }
        }
        rings
    };
    assert_eq!(rings(&mut chains), ["115"]);
    let gone = |attempt, outcome| Input::Gone { attempt, outcome, status: Some(486) };
    chains.handle(at(1), id, gone(1, Outcome::Busy)).expect("taken in");
    assert_eq!(rings(&mut chains), ["5"]);
    assert_eq!(
        chains.handle(at(2), id, Input::Take { by: "siti".into() }),
        Err(NotNow::NobodyAnswered)
    );
    chains.tick(at(20));
    assert_eq!(rings(&mut chains), Vec::<String>::new(), "its time is not over");
    chains.tick(at(21));
    assert_eq!(rings(&mut chains), ["6"]);
    chains.handle(at(22), id, Input::Answered { attempt: 3 }).expect("taken in");
    assert_eq!(chains.poll_timeout(), None, "who has answered is not cut off");
    chains.handle(at(50), id, gone(3, Outcome::Refused)).expect("taken in");
    assert_eq!(rings(&mut chains), ["7"], "a mailbox has hung up");
    chains.handle(at(51), id, Input::Answered { attempt: 4 }).expect("taken in");
    // What is late says nothing.
    chains.handle(at(52), id, gone(3, Outcome::Busy)).expect("taken in");
    chains.handle(at(53), id, Input::Take { by: String::new() }).expect("taken");
    let run = chains.of(id).expect("a run");
    let outcomes: Vec<_> = run.attempts.iter().filter_map(|it| it.outcome).collect();
    assert_eq!(outcomes, [Outcome::Busy, Outcome::NoAnswer, Outcome::NotTaken, Outcome::Taken]);
    assert_eq!(
        run.taken_by().map(|(it, contact)| (it.to.as_str(), contact.as_str())),
        Some(("7", "bpbd"))
    );
    assert_eq!(chains.handle(at(54), id, Input::Next), Err(NotNow::NoneRuns));
}

#[test]
fn a_chain_that_means_nobody_is_not_begun() {
    let (settings, mut chains) = (settings(), Chains::default());
    let chain =
        Chain { steps: vec![role("puskesmas"), role("puskesmas")], ..settings.chains[0].clone() };
    let plan = settings.plan(&chain, None);
    let begin = Input::Begin(Box::new(Begun::new(&chain, &plan, None, "siti".into())));
    assert_eq!(chains.handle(at(0), call(1), begin), Err(NotNow::Nobody));
    assert_eq!(chains.live(), 0);
}

fn below(dice: &mut Dice, most: u64) -> usize {
    usize::try_from(dice.number() % most).expect("small")
}

/// What is heard of the runs, to judge them by.
#[derive(Default)]
struct Judge {
    ringing: BTreeMap<CallId, (u16, Option<u8>)>,
    called: BTreeMap<CallId, BTreeSet<String>>,
    over: BTreeMap<CallId, usize>,
    parties: u8,
    taken: BTreeSet<CallId>,
    said: BTreeSet<CallId>,
}

#[test]
fn five_hundred_seeds_keep_every_promise() {
    for seed in 0..500 {
        let mut dice = Dice::from_number(seed);
        let (settings, mut chains, mut judge) = (settings(), Chains::default(), Judge::default());
        let calls: Vec<CallId> = (0..3).map(call).collect();
        let mut clock = 0;
        for _ in 0..300 {
            clock += below(&mut dice, 9) as u64;
            let now = at(clock);
            chains.tick(now);
            hear(&mut chains, &mut judge, now, &mut dice, seed);
            let id = calls[below(&mut dice, 3)];
            let known = judge.ringing.get(&id).map_or(0, |(attempt, _)| *attempt);
            let attempt = known.saturating_sub(u16::from(below(&mut dice, 4) == 0));
            let outcome = Outcome::ALL[1 + below(&mut dice, 4)];
            let input = match below(&mut dice, 14) {
                0 if !judge.over.contains_key(&id) => {
                    begun(&settings, ["pulau", "hand", "both", "any"][below(&mut dice, 4)])
                }
                1..=4 => Input::Gone { attempt, outcome, status: None },
                5..=7 => Input::Answered { attempt },
                8 => Input::Next,
                9 => Input::Take { by: "siti".into() },
                10 if below(&mut dice, 4) == 0 => {
                    Input::Stop { by: "siti".into(), why: String::new() }
                }
                _ => continue,
            };
            let take = matches!(input, Input::Take { .. });
            if chains.handle(now, id, input).is_ok() && take {
                judge.said.insert(id);
            }
            hear(&mut chains, &mut judge, now, &mut dice, seed);
        }
        // Nobody says anything more: every run comes to its end, unless somebody talks.
        for _ in 0..40 {
            clock += 30;
            chains.tick(at(clock));
            hear(&mut chains, &mut judge, at(clock), &mut dice, seed);
        }
        for id in calls {
            let Some(run) = chains.of(id) else { continue };
            let talks = matches!(run.standing, Standing::Answered { .. });
            assert!(talks || judge.over.get(&id) == Some(&1), "seed {seed}: {run:?}");
            assert_eq!(judge.taken.contains(&id), judge.said.contains(&id), "seed {seed}");
            chains.forget(id);
        }
        assert_eq!((chains.live(), chains.poll_timeout()), (0, None), "seed {seed}");
    }
}

fn hear(chains: &mut Chains, judge: &mut Judge, now: Now, dice: &mut Dice, seed: u64) {
    while let Some(output) = chains.poll_output() {
        match output {
            Output::Ring { call, attempt, to, .. } => {
                assert!(!judge.over.contains_key(&call), "seed {seed}: rings after its end");
                let before = judge.ringing.insert(call, (attempt, None));
                assert_eq!(before, None, "seed {seed}: one at a time");
                let called = judge.called.entry(call).or_default();
                assert!(called.insert(to), "seed {seed}: a number is called twice");
                let input = if below(dice, 6) == 0 {
                    // No line, at once.
                    Input::Gone { attempt, outcome: Outcome::Unreachable, status: Some(503) }
                } else {
                    judge.parties = judge.parties.wrapping_add(1);
                    judge.ringing.insert(call, (attempt, Some(judge.parties)));
                    Input::Called { attempt, party: judge.parties }
                };
                chains.handle(now, call, input).expect("it lasts");
            }
            Output::TriedOver { call, attempt, outcome, .. } => {
                let lasted = judge.ringing.remove(&call).map(|(attempt, _)| attempt);
                assert_eq!(lasted, Some(attempt), "seed {seed}: ends once");
                if outcome == Outcome::Taken {
                    judge.taken.insert(call);
                }
            }
            Output::LetGo { call, party } => {
                assert_eq!(chains.attempt_of(call, party), None, "seed {seed}: it is over already");
            }
            Output::Over { call, verdict, .. } => {
                *judge.over.entry(call).or_default() += 1;
                assert_eq!(judge.over[&call], 1, "seed {seed}: a run ends once");
                assert!(!judge.ringing.contains_key(&call), "seed {seed}: nobody rings any more");
                assert_eq!(verdict == Verdict::Taken, judge.taken.contains(&call), "seed {seed}");
            }
        }
    }
}
