//! Chains in the real program: agencies behind a carrier of ours are called one after the other, by phones
//! over real sockets, and the record, the form and the alarms say what came of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod support;

use std::fs;
use std::net::UdpSocket;

use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::phone::Phone;
use support::seat::Seat;
use support::wait::until;

const CALLOUT: &str = r#"
[[contact]]
name = "camat"
full_name = "Camat Kota"
role = "camat"
kecamatan = ["35.29.01"]
numbers = ["+6281234567801"]

[[contact]]
name = "posko"
full_name = "Posko Damkar"
agency = "damkar"
numbers = ["113", "+6281234567802"]

[[contact]]
name = "kepala"
full_name = "Kepala Damkar"
numbers = ["+6281234567803"]

[[chain]]
name = "kebakaran"
title = "Kebakaran"
when = { category = ["kebakaran"], kecamatan = ["35.29.01"] }
steps = [
  { role = "camat" },
  { contact = "posko", ring_seconds = 5 },
  { contact = "kepala" },
]
"#;

/// A centre whose agencies are at a carrier of the test's.
fn centre() -> (Centre, Gateway, Seat) {
    let centre = Centre::default();
    let (gateway, ()) = centre.start_with(|site, config| {
        let trunk = format!(
            "[[trunk]]\nname = \"keluar\"\ntarget = \"sip:{}:5060\"\nprobe_seconds = 0\n\
             area_code = \"0328\"\nanswer = \"on_agent\"\n",
            site.seat(9)
        );
        fs::write(config.join("trunks/keluar.toml"), trunk).expect("written");
        fs::write(config.join("callout.toml"), CALLOUT).expect("written");
    });
    let carrier = carrier(&gateway);
    (centre, gateway, carrier)
}

fn carrier(gateway: &Gateway) -> Seat {
    let at = gateway.site.seat(9);
    let audio = UdpSocket::bind((at, 0)).expect("a free port");
    Seat { number: 9, phone: Phone::at(at, 5060, gateway.sip), audio }
}

/// A caller who talks to the operator at seat 1; the call's id.
fn talk(gateway: &Gateway, seat: &Seat) -> (Caller, String) {
    let mut caller = Caller::dials(gateway, "+6281299887766", "");
    seat.answers();
    caller.await_answer();
    let id = caller.await_state(gateway, "talking").text("id");
    (caller, id)
}

fn chain_is(gateway: &Gateway, state: &str) {
    until(&format!("the chain is {state}"), || {
        (gateway.calls()[0].text("chain.state") == state).then_some(())
    });
}

#[test]
fn the_first_is_busy_the_second_does_not_answer_the_third_comes_and_the_form_has_it() {
    let (_, gateway, carrier) = centre();
    let seat = Seat::sits(&gateway, 1);
    let (caller, id) = talk(&gateway, &seat);
    let chains = format!("/api/v1/calls/{id}/chains");
    let body = r#"{"version": 0, "category": "kebakaran", "kecamatan": "35.29.01"}"#;
    let answer = gateway.patch(&format!("/api/v1/incidents/{id}"), body);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let proposed = gateway.get(&chains).json();
    assert_eq!(proposed["chains"][0]["proposed"], "both", "{proposed}");
    assert_eq!(proposed["chains"][0]["steps"][0]["contact"]["full_name"], "Camat Kota");
    assert_eq!(gateway.post(&format!("{chains}/kebakran"), "{}").status, 404);
    let nowhere = gateway.post(&format!("{chains}/kebakaran"), r#"{"kecamatan": "35.29.99"}"#);
    assert_eq!(nowhere.status, 404);
    assert_eq!(gateway.post(&format!("/api/v1/calls/{id}/chain/next"), "").status, 409);

    let begun = gateway.post(&format!("{chains}/kebakaran"), "{}");
    assert_eq!(begun.status, 202, "{}", String::from_utf8_lossy(&begun.body));
    let first = carrier.rings();
    assert!(first.start.starts_with("INVITE sip:+6281234567801@"), "{}", first.start);
    let own = format!("{};tag=ring", first.header("To"));
    carrier.phone.respond("486 Busy Here", &first, &own, "", "");
    carrier.phone.await_request("ACK");
    // The desk does not answer its first number for five seconds; a second one stands there, too.
    let second = carrier.rings();
    assert!(second.start.starts_with("INVITE sip:113@"), "{}", second.start);
    carrier.is_silenced(&second);
    let third = carrier.rings();
    assert!(third.start.starts_with("INVITE sip:+6281234567802@"), "{}", third.start);
    chain_is(&gateway, "ringing");
    assert_eq!(gateway.post(&format!("/api/v1/calls/{id}/chain/taken"), "").status, 409);
    let mut agency = carrier.accepts(&third);
    carrier.phone.await_request("ACK");
    chain_is(&gateway, "answered");
    assert_eq!(gateway.post(&format!("/api/v1/calls/{id}/chain/taken"), "").status, 204);
    chain_is(&gateway, "taken");
    let live = &gateway.calls()[0];
    assert_eq!(live.text("parties.0.part"), "whisper", "the caller hears nothing of it");
    let told = until("the agency's times stand in the form", || {
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        let told = record["written"]["form"]["agencies"]["damkar"].clone();
        told["accepted_at"].is_string().then_some(told)
    });
    assert!(told["notified_at"].as_str() <= told["accepted_at"].as_str(), "{told}");
    agency.hang_up(&carrier.phone);
    caller.hangs_up();
    seat.is_hung_up();
    let incident = gateway.incident();
    let steps = ["chain-begun", "chain-tried", "chain-tried-ended", "chain-ended"];
    assert_eq!(steps.map(|step| incident.steps(step)), [1, 3, 3, 1]);
    gateway.stop();
}

#[test]
fn a_chain_that_a_restart_cuts_off_is_closed_on_the_record_and_people_are_told() {
    let (centre, gateway, carrier) = centre();
    let seat = Seat::sits(&gateway, 1);
    let (caller, id) = talk(&gateway, &seat);
    let begin = format!("/api/v1/calls/{id}/chains/kebakaran");
    let begun = gateway.post(&begin, r#"{"kecamatan": "35.29.01"}"#);
    assert_eq!(begun.status, 202, "{}", String::from_utf8_lossy(&begun.body));
    carrier.rings();
    chain_is(&gateway, "ringing");
    // The journal has it: the carrier was called after that was written.
    drop((carrier, caller, seat));
    let gateway = centre.restart(gateway);
    let incident = until("the record is whole", || {
        let incident = gateway.show(&id);
        (incident.steps("chain-ended") == 1).then_some(incident)
    });
    assert_eq!([incident.steps("chain-tried"), incident.steps("chain-tried-ended")], [1, 1]);
    let story = gateway.story(&id);
    assert!(story.contains("the program stopped"), "{story}");
    let alarms = gateway.get("/api/v1/alarms").json();
    assert!(alarms.to_string().contains("chain-stopped"), "{alarms}");
    gateway.stop();
}
