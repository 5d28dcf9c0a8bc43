//! What is known of a caller changes the place in the queue, over real SIP with the real program: a
//! mark that a person set, a mass incident that suspends it, and a call that was lost before.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod support;

use serde_json::Value;
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::record::Incident;
use support::seat::Seat;
use support::wait::until;

const PRANKSTER: &str = "+6281234567871";
const NEIGHBOUR: &str = "+6281234567872";
/// Where the network says that a call comes from.
const CELL: &str = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5;\
                    network-provided\r\n";

/// A centre with one seat; `file` and the lines that stand for `from` in it.
fn centre(file: &str, from: &str, to: &str) -> (Gateway, Seat) {
    let centre = Centre { seats: 1, ..Centre::default() };
    let gateway = centre.start_with(|_, config| edit(config, file, from, to)).0;
    let seat = Seat::sits(&gateway, 1);
    (gateway, seat)
}

/// The seat answers the caller, who hangs up; returns the record.
fn talks(gateway: &Gateway, seat: &Seat, caller: Caller) -> Incident {
    let mut caller = caller;
    seat.answers();
    caller.await_answer();
    let id = caller.await_state(gateway, "talking").id();
    caller.hangs_up();
    seat.is_hung_up();
    gateway.await_seat("seat-1", "ready");
    let path = format!("/api/v1/incidents/{id}");
    until("the record is whole", || {
        let incident = Incident(gateway.get(&path).json());
        incident.is_over().then_some(incident)
    })
}

/// The prankster calls, talks, and an operator says so. The seat pauses then; returns the incident.
fn marks(gateway: &Gateway, seat: &Seat) -> String {
    let first = talks(gateway, seat, Caller::dials(gateway, PRANKSTER, "")).id();
    let judgement = r#"{"disposition":"prank","nuisance":true}"#;
    let marked = gateway.post(&format!("/api/v1/incidents/{first}/disposition"), judgement);
    assert_eq!(marked.status, 204, "{marked:?}");
    let marks = gateway.get("/api/v1/marks").json();
    assert_eq!(marks["marks"][0]["number"], PRANKSTER, "{marks}");
    let judged = until("the judgement is on the record", || {
        let incident = Incident(gateway.get(&format!("/api/v1/incidents/{first}")).json());
        (incident.text("disposition") == "prank").then_some(incident)
    });
    assert_eq!(judged.text("disposed_by"), "suite");
    gateway.set_seat(1, "paused");
    first
}

/// The order in which the seat answers those who wait.
fn served(gateway: &Gateway, seat: &Seat, callers: Vec<Caller>) -> Vec<String> {
    gateway.set_seat(1, "ready");
    let mut waiting = callers;
    let mut order = Vec::new();
    while !waiting.is_empty() {
        seat.answers();
        let number = until("one talks", || {
            let calls = gateway.calls();
            let talking = calls.iter().find(|call| call.text("state") == "talking")?;
            Some(talking.text("caller"))
        });
        let place = waiting.iter().position(|caller| caller.number == number).expect("waits");
        let mut caller = waiting.remove(place);
        caller.await_answer();
        caller.hangs_up();
        seat.is_hung_up();
        order.push(number);
    }
    order
}

#[test]
fn a_marked_number_stands_behind_others_until_the_mark_is_taken_back() {
    let (gateway, seat) = centre("queues.toml", "darurat", "darurat");
    let first = marks(&gateway, &seat);
    let prankster = Caller::waits(&gateway, PRANKSTER);
    let row = prankster.await_record(&gateway, "lane", "nuisance");
    assert!(row.text("lane_why").starts_with("the number is marked by suite until "), "{row:?}");
    let neighbour = Caller::waits(&gateway, NEIGHBOUR);
    let order = served(&gateway, &seat, vec![prankster, neighbour]);
    assert_eq!(order, [NEIGHBOUR, PRANKSTER], "the later caller goes first");

    gateway.set_seat(1, "paused");
    let path = format!("/api/v1/incidents/{first}/nuisance");
    assert_eq!(gateway.delete(&path).status, 204);
    assert_eq!(gateway.delete(&path).status, 404, "no mark stands any more");
    assert_eq!(gateway.get("/api/v1/marks").json()["marks"], Value::Array(Vec::new()));
    let prankster = Caller::waits(&gateway, PRANKSTER);
    let neighbour = Caller::waits(&gateway, NEIGHBOUR);
    let order = served(&gateway, &seat, vec![prankster, neighbour]);
    assert_eq!(order, [PRANKSTER, NEIGHBOUR], "in the order of arrival");
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn a_marked_number_at_its_bound_gets_the_next_seat() {
    let bound = "wrap_up_seconds = 0\nbound_seconds = { usual = 6, silent = 6, nuisance = 6 }";
    let (gateway, seat) = centre("queues.toml", "wrap_up_seconds = 0", bound);
    marks(&gateway, &seat);
    let prankster = Caller::waits(&gateway, PRANKSTER);
    prankster.await_record(&gateway, "lane", "nuisance");
    until("the bound is reached", || {
        let age = prankster.live(&gateway)?.0["age_seconds"].as_u64()?;
        (age >= 6).then_some(())
    });
    let neighbour = Caller::waits(&gateway, NEIGHBOUR);
    let order = served(&gateway, &seat, vec![prankster, neighbour]);
    assert_eq!(order, [PRANKSTER, NEIGHBOUR]);
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn many_callers_of_one_cell_are_a_mass_incident_and_marks_do_not_count_there() {
    let mass = "[screening]\nmass_callers = 4\n\n[console]";
    let (gateway, seat) = centre("gateway.toml", "[console]", mass);
    marks(&gateway, &seat);
    let crowd: Vec<Caller> = (1..=4)
        .map(|n| Caller::dials(&gateway, &format!("+628123456788{n}"), CELL))
        .inspect(|caller| drop(caller.await_state(&gateway, "waiting")))
        .collect();
    let metrics = String::from_utf8(gateway.get("/metrics").body).expect("text");
    let alarm = "siaga112_alarms_total{name=\"mass-incident\"} 1";
    assert!(metrics.lines().any(|line| line == alarm), "{metrics}");
    let there = Caller::dials(&gateway, PRANKSTER, CELL);
    let row = there.await_record(&gateway, "lane", "usual");
    until("the reason is kept", || {
        let why = there.record(&gateway)?.text("lane_why");
        why.contains("does not count during the mass incident at cell").then_some(())
    });
    assert_eq!(row.text("queue"), "darurat");
    there.gives_up();
    // From anywhere else the mark counts.
    let elsewhere = Caller::dials(&gateway, PRANKSTER, "");
    elsewhere.await_record(&gateway, "lane", "nuisance");
    elsewhere.gives_up();
    crowd.into_iter().for_each(Caller::gives_up);
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn who_was_lost_and_rings_again_goes_before_others_and_off_the_work_list() {
    let (gateway, seat) = centre("queues.toml", "darurat", "darurat");
    gateway.set_seat(1, "paused");
    let lost = Caller::waits(&gateway, PRANKSTER);
    lost.gives_up();
    let entry = until("somebody is to be called back", || {
        let list = gateway.get("/api/v1/work-list").json();
        list["work"].get(0).cloned()
    });
    assert_eq!((&entry["number"], &entry["kind"]), (&PRANKSTER.into(), &"abandoned".into()));
    let neighbour = Caller::waits(&gateway, NEIGHBOUR);
    let back = Caller::waits(&gateway, PRANKSTER);
    let live = back.live(&gateway).expect("waits");
    assert_eq!(live.text("priority"), "7");
    assert_eq!(live.text("flags"), r#"["returning","linked"]"#);
    let list = gateway.get("/api/v1/work-list").json();
    assert_eq!(list["work"], Value::Array(Vec::new()), "the caller is here");
    let order = served(&gateway, &seat, vec![neighbour, back]);
    assert_eq!(order, [PRANKSTER, NEIGHBOUR]);
    let [first, _, again] = gateway.incidents(3).try_into().expect("three");
    let link = &again.0["links"][0];
    assert_eq!((&link["incident"], &link["order"]), (&first.id().into(), &"earlier".into()));
    let work = &first.0["work"][0];
    assert_eq!(work["why"], "the caller rang again");
    assert_eq!(work["by_call"], again.0["call"]);
    assert!(again.text("lane_why").ends_with("priority 7"), "{again:?}");
    gateway.assert_nothing_left();
    gateway.stop();
}
