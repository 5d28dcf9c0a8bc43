//! The queue over real SIP, with the real program: hundreds of callers at ten seats, phones that all
//! ring at once, people who take a caller out of turn, new rules under callers who wait.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::BTreeMap;

use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::record::Incident;
use support::seat::Seat;
use support::sipp::Sipp;
use support::wait::until;

/// What a phone that need not ring any more is told (RFC 3326).
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// A centre whose one queue has a line changed or added.
fn centre(seats: u8, from: &str, to: &str) -> Gateway {
    let centre = Centre { seats, ..Centre::default() };
    centre.start_with(|_, config| edit(config, "queues.toml", from, to)).0
}

/// A centre whose queue has a further line.
fn queue_with(seats: u8, line: &str) -> Gateway {
    centre(seats, "wrap_up_seconds = 0\n", &format!("wrap_up_seconds = 0\n{line}\n"))
}

/// The place of a call's first fact of a kind in the journal: the one order of everything.
fn place(incident: &Incident, fact: &str) -> u64 {
    let steps = incident.0["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["fact"] == fact);
    let step = step.unwrap_or_else(|| panic!("no {fact} in {incident:?}"));
    step["seq"].as_u64().expect("a number")
}

/// Records by the API: two hundred processes would take longer than the calls.
fn records(gateway: &Gateway, count: usize) -> Vec<Incident> {
    let page = format!("/api/v1/incidents?limit={count}");
    let rows = until(&format!("{count} calls are over"), || {
        let rows = Incident::list(&gateway.get(&page).json());
        (rows.len() == count && rows.iter().all(Incident::is_over)).then_some(rows)
    });
    let show = |row: &Incident| gateway.get(&format!("/api/v1/incidents/{}", row.id())).json();
    let mut all: Vec<Incident> = rows.iter().map(|row| Incident(show(row))).collect();
    all.sort_by_key(|incident| place(incident, "arrived"));
    all
}

// ---- many callers ---------------------------------------------------------------------------------

const CALLERS: usize = 200;
const SEATS: u8 = 10;

#[test]
fn two_hundred_callers_at_ten_seats_are_each_answered_once_and_in_order() {
    let gateway = Centre { seats: SEATS, ..Centre::default() }.start();
    let many = ["-m", "200"];
    let answers = "seat-answers-expect-bye";
    let _seats = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(|n| Sipp::seats(&gateway, n, answers, &many));
    Sipp::trunk(&gateway, "caller-hangs-up-expect-200")
        .with(&["-m", "200", "-l", "200", "-r", "100", "-d", "200"])
        .run();
    let calls = records(&gateway, CALLERS);
    for call in &calls {
        assert_complete(call);
    }
    assert_order(&calls);
    assert_one_talk_a_seat(&calls);
    assert_counted(&gateway, &calls);
    gateway.assert_nothing_left();
    gateway.stop();
}

fn assert_complete(call: &Incident) {
    assert_eq!(call.ending(), "talking caller hung-up");
    let said = ["outcome", "lane", "queue"].map(|field| call.text(field));
    assert_eq!(said, ["answered", "usual", "darurat"]);
    call.assert_order(&["received_at", "queued_at", "answered_at", "ended_at"]);
    for fact in ["arrived", "queued", "answered", "ended"] {
        assert_eq!(call.steps(fact), 1, "{fact} in {call:?}");
    }
    let offers = call.offers();
    assert_eq!(offers.iter().filter(|offer| offer.ends_with(" answered")).count(), 1, "{offers:?}");
    assert_eq!(offers.last(), Some(&format!("{} answered", call.text("seat"))));
    let steps = call.0["steps"].as_array().expect("steps");
    let answer = steps.iter().find(|step| step["fact"] == "answered").expect("answered");
    let after: u64 = call.text("answer_ms").parse().expect("milliseconds to the answer");
    assert_eq!(answer["after_ms"].as_u64(), Some(after), "{call:?}");
}

/// Whoever came first is offered first. So nobody is answered before an earlier caller but while that
/// one rings already: at most at the other seats.
fn assert_order(calls: &[Incident]) {
    let offered: Vec<u64> = calls.iter().map(|call| place(call, "offered")).collect();
    assert!(offered.is_sorted(), "offers in order of arrival: {offered:?}");
    let answered: Vec<u64> = calls.iter().map(|call| place(call, "answered")).collect();
    for (n, answer) in answered.iter().enumerate() {
        let earlier = answered[..n].iter().filter(|before| *before > answer).count();
        assert!(earlier < usize::from(SEATS), "{earlier} came before caller {n} and waited on");
    }
}

/// Each talk of a seat is over before its next one begins. By the times that the records give: an
/// ending is written when its audio is closed, which may be after the next answer.
fn assert_one_talk_a_seat(calls: &[Incident]) {
    let mut talks: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for call in calls {
        let talk = (call.text("answered_at"), call.text("ended_at"));
        talks.entry(call.text("seat")).or_default().push(talk);
    }
    assert_eq!(talks.len(), usize::from(SEATS), "every seat has its share");
    for (seat, mut talks) in talks {
        talks.sort_unstable();
        let apart = talks.windows(2).all(|two| two[0].1 <= two[1].0);
        assert!(apart, "{seat} talks twice at once: {talks:?}");
    }
}

/// The report says what a recount of the records says.
fn assert_counted(gateway: &Gateway, calls: &[Incident]) {
    let report = gateway.get("/api/v1/reports/standards?by=operator").json();
    let count = |figures: &serde_json::Value, key: &str| figures[key].as_u64().expect("a count");
    let whole = &report["whole"];
    assert_eq!(count(whole, "offered"), calls.len() as u64);
    assert_eq!(count(whole, "answered"), calls.len() as u64);
    for nothing in ["abandoned", "lost", "waiting", "tests"] {
        assert_eq!(count(whole, nothing), 0, "{nothing}");
    }
    let waits = calls.iter().map(|call| call.text("answer_ms").parse::<u64>().expect("a wait"));
    let waits: Vec<u64> = waits.collect();
    let mean = waits.iter().sum::<u64>() / waits.len() as u64;
    assert!(count(whole, "mean_ms").abs_diff(mean) <= 1, "{mean} ms, and {whole}");
    for seconds in [10, 15, 20] {
        let within = waits.iter().filter(|wait| **wait <= seconds * 1000).count();
        let share = whole[format!("answered_{seconds}s")].as_f64().expect("a share");
        let counted = within as f64 / waits.len() as f64;
        assert!((share - counted).abs() < 0.000_1, "{counted} within {seconds} s, and {whole}");
    }
    for slice in report["slices"].as_array().expect("slices") {
        let operator = slice["slice"].as_str().expect("a name");
        let own = calls.iter().filter(|call| call.text("operator") == operator).count();
        assert_eq!(count(slice, "answered"), own as u64, "{operator}");
    }
}

// ---- all phones ring ------------------------------------------------------------------------------

#[test]
fn where_all_phones_ring_one_answers_and_the_other_is_told_so() {
    let gateway = queue_with(2, "strategy = \"ring_all\"");
    let (one, two) = (Seat::sits(&gateway, 1), Seat::sits(&gateway, 2));
    let mut caller = Caller::dials(&gateway, "+6281234567801", "");
    let (to_one, to_two) = (one.rings(), two.rings());
    let _talk = two.accepts(&to_two);
    let cancel = one.is_silenced(&to_one);
    assert_eq!(cancel.header("Reason"), ELSEWHERE);
    two.phone.await_request("ACK");
    caller.await_answer();
    gateway.await_seat("seat-1", "ready");
    gateway.await_seat("seat-2", "talking");
    caller.hangs_up();
    two.is_hung_up();
    gateway.await_seat("seat-2", "ready");
    let incident = gateway.incident();
    let mut offers = incident.offers();
    offers.sort_unstable();
    assert_eq!(offers, ["seat-1 elsewhere", "seat-2 answered"]);
    assert_eq!((incident.text("seat"), incident.steps("answered")), ("seat-2".to_owned(), 1));
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn of_two_phones_that_answer_at_once_one_talks_and_the_other_is_hung_up() {
    let gateway = queue_with(2, "strategy = \"ring_all\"");
    let seats = [Seat::sits(&gateway, 1), Seat::sits(&gateway, 2)];
    for turn in 0..4 {
        let number = format!("+628123456781{turn}");
        let mut caller = Caller::dials(&gateway, &number, "");
        let invites = [seats[0].rings(), seats[1].rings()];
        // Both have rung; neither has been told of the other when it answers.
        let first = turn % 2;
        let _talks = [first, 1 - first].map(|n| seats[n].accepts(&invites[n]));
        caller.await_answer();
        let live = caller.await_state(&gateway, "talking");
        let winner = usize::from(live.text("seat") == "seat-2");
        let (winner, loser) = (&seats[winner], &seats[1 - winner]);
        loser.phone.await_request("ACK");
        assert_eq!(loser.is_hung_up().header("Reason"), ELSEWHERE);
        gateway.await_seat(&format!("seat-{}", loser.number), "ready");
        gateway.await_seat(&format!("seat-{}", winner.number), "talking");
        caller.hangs_up();
        winner.is_hung_up();
        gateway.await_seat(&format!("seat-{}", winner.number), "ready");
    }
    for incident in gateway.incidents(4) {
        assert_eq!(incident.steps("answered"), 1);
        let mut outcomes = incident.offers();
        outcomes.iter_mut().for_each(|offer| *offer = offer.split_off("seat-1 ".len()));
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["answered", "elsewhere"]);
    }
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn phones_that_all_answer_every_call_at_once_leave_each_caller_one_operator() {
    const SEATS: [u8; 4] = [1, 2, 3, 4];
    const CALLERS: usize = 20;
    let gateway = queue_with(4, "strategy = \"ring_all\"");
    let many = ["-m", "1000"];
    let _seats = SEATS.map(|n| Sipp::seats(&gateway, n, "seat-answers-expect-bye", &many));
    Sipp::trunk(&gateway, "caller-hangs-up-expect-200")
        .with(&["-m", "20", "-l", "20", "-r", "20", "-d", "200"])
        .run();
    for call in records(&gateway, CALLERS) {
        assert_eq!(call.ending(), "talking caller hung-up");
        assert_eq!(call.steps("answered"), 1);
        let mut offers = call.offers();
        offers.retain(|offer| offer.ends_with(" answered"));
        assert_eq!(offers, [format!("{} answered", call.text("seat"))]);
    }
    gateway.assert_nothing_left();
    for n in SEATS {
        gateway.await_seat(&format!("seat-{n}"), "ready");
    }
    gateway.stop();
}

// ---- out of turn ----------------------------------------------------------------------------------

#[test]
fn a_caller_who_waits_is_taken_out_of_turn() {
    let gateway = centre(2, "wrap_up_seconds = 0", "wrap_up_seconds = 0");
    let (_one, two) = (Seat::pauses(&gateway, 1), Seat::pauses(&gateway, 2));
    let first = Caller::waits(&gateway, "+6281234567821");
    let mut wanted = Caller::waits(&gateway, "+6281234567822");
    let id = wanted.live(&gateway).expect("a live call").id();
    let pick_up = |seat: &str| {
        let json = format!("{{\"seat\":\"{seat}\"}}");
        gateway.post(&format!("/api/v1/calls/{id}/pick-up"), &json).status
    };
    assert_eq!(pick_up("seat-9"), 404);
    assert_eq!(pick_up("seat-2"), 204);
    two.answers();
    wanted.await_answer();
    assert_eq!(first.live(&gateway).expect("still waits").text("state"), "waiting");
    assert_eq!(pick_up("seat-1"), 409, "somebody talks already");
    wanted.hangs_up();
    two.is_hung_up();
    first.gives_up();
    let taken = &gateway.incidents(2)[1];
    assert_eq!((taken.text("seat"), taken.steps("picked-up")), ("seat-2".to_owned(), 1));
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn a_caller_who_rings_elsewhere_is_taken_from_there() {
    let gateway = centre(2, "wrap_up_seconds = 0", "wrap_up_seconds = 0");
    let one = Seat::sits(&gateway, 1);
    let mut caller = Caller::dials(&gateway, "+6281234567823", "");
    let to_one = one.rings();
    let two = Seat::sits(&gateway, 2);
    let id = caller.await_state(&gateway, "ringing").id();
    let taken = gateway.post(&format!("/api/v1/calls/{id}/pick-up"), r#"{"seat":"seat-2"}"#);
    assert_eq!(taken.status, 204, "{taken:?}");
    assert_eq!(one.is_silenced(&to_one).header("Reason"), ELSEWHERE);
    two.answers();
    caller.await_answer();
    caller.hangs_up();
    two.is_hung_up();
    assert_eq!(gateway.incident().offers(), ["seat-1 elsewhere", "seat-2 answered"]);
    gateway.assert_nothing_left();
    gateway.stop();
}

// ---- rest -----------------------------------------------------------------------------------------

#[test]
fn an_operator_finishes_writing_and_says_why_the_seat_pauses() {
    let gateway =
        centre(1, "wrap_up_seconds = 0", "wrap_up_seconds = 60\nwrap_up_most_seconds = 600");
    let seat = Seat::sits(&gateway, 1);
    let ask = |json: &str| gateway.post("/api/v1/seats/seat-1/wrap-up", json).status;
    assert_eq!(ask(r#"{"seconds":120}"#), 409, "no talk is over");
    let mut caller = Caller::dials(&gateway, "+6281234567831", "");
    seat.answers();
    caller.await_answer();
    caller.hangs_up();
    seat.is_hung_up();
    gateway.await_seat("seat-1", "wrap-up");
    let until_when = || gateway.seat("seat-1").expect("listed")["wrap_up_until"].to_string();
    let before = until_when();
    assert_eq!(ask(r#"{"seconds":300}"#), 204);
    assert!(until_when() > before, "{} is not after {before}", until_when());
    assert_eq!(ask(r#"{"seconds":0}"#), 400);
    let next = Caller::waits(&gateway, "+6281234567832");
    gateway.set_seat(1, "paused");
    let shown = gateway.seat("seat-1").expect("listed");
    assert_eq!((&shown["reason"], &shown["pauses"][0]), (&"sholat".into(), &"sholat".into()));
    assert_eq!(next.live(&gateway).expect("waits").text("state"), "waiting");
    next.gives_up();
    gateway.assert_nothing_left();
    gateway.stop();
}

// ---- new rules ------------------------------------------------------------------------------------

#[test]
fn new_rules_move_callers_who_wait_and_keep_their_order() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let one = Seat::pauses(&gateway, 1);
    let two = Seat::pauses(&gateway, 2);
    let numbers = [1, 2, 3].map(|n| format!("+628123456784{n}"));
    let mut callers = numbers.each_ref().map(|number| Caller::waits(&gateway, number));
    let queues = gateway.config().join("queues.toml");
    let text = std::fs::read_to_string(&queues).expect("queues");
    let second = text.replace("\"darurat\"", "\"laut\"");
    std::fs::write(&queues, format!("{text}\n{second}")).expect("written");
    let seats = gateway.config().join("seats.toml");
    let text = std::fs::read_to_string(&seats).expect("seats");
    std::fs::write(&seats, text.replacen("[\"darurat\"]", "[\"laut\"]", 1)).expect("written");
    Centre::edit(&gateway, "routing.toml", "queue = \"darurat\"", "queue = \"laut\"");
    gateway.signal("HUP");
    until("all have moved", || {
        let calls = gateway.calls();
        calls.iter().all(|call| call.text("queue") == "laut").then_some(())
    });
    // The seat of the old queue is free, and none of them is its.
    gateway.set_seat(2, "ready");
    for caller in &callers {
        assert_eq!(caller.live(&gateway).expect("waits").text("state"), "waiting");
    }
    gateway.set_seat(1, "ready");
    for caller in &mut callers {
        one.answers();
        caller.await_answer();
        caller.call.hang_up(&caller.phone);
        one.is_hung_up();
    }
    assert!(two.phone.receive(std::time::Duration::ZERO).is_none(), "nothing rang at seat 2");
    for incident in gateway.incidents(3) {
        assert_eq!(incident.steps("queued"), 2, "{incident:?}");
        assert_eq!(incident.text("queue"), "laut");
        assert!(incident.text("rule").ends_with("(of the new configuration)"), "{incident:?}");
    }
    gateway.assert_nothing_left();
    gateway.stop();
}
