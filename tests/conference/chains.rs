//! Chains: contacts are called one after the other until somebody says that they come. The caller hears
//! nothing of it and is never harmed by it.

use std::time::Duration;

use crate::scenario::{World, respond, settings};
use crate::table::{A, B, carrier_says, nothing_is_left, peer_sends, table, talking, world_of};
use siaga112::call::orders::{MediaReport, Sound};
use siaga112::callout::settings::{CalloutSettings, Chain, Contact, Step, When, Who};
use siaga112::journal::Fact;
use siaga112::sip::digest::OutgoingAccount;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order, Refusal};
use siaga112::vocabulary::{AnswerMode, CallId, Secret, StreamId};

const CAMAT: &str = "+62811000201";
const PUSKESMAS: &str = "+62811000202";
const BASARNAS: &str = "115";

fn callout() -> CalloutSettings {
    let contact =
        |id: &str, agency: Option<&str>, role: &str, kecamatan: &[&str], to: &str| Contact {
            id: id.into(),
            full_name: id.to_uppercase(),
            agency: agency.map(str::to_owned),
            role: Some(role.to_owned()),
            kecamatan: kecamatan.iter().map(|code| (*code).to_owned()).collect(),
            numbers: vec![to.to_owned()],
            note: String::new(),
        };
    let step = |who| Step { who, ring: Duration::from_secs(45) };
    let role = |role: &str| step(Who::Role(role.to_owned()));
    CalloutSettings {
        contacts: vec![
            contact("camat", None, "camat", &["35.29.25"], CAMAT),
            contact("pkm", Some("Puskesmas"), "puskesmas", &["35.29.25"], PUSKESMAS),
            contact("basarnas", Some("Basarnas 115"), "basarnas", &[], BASARNAS),
        ],
        chains: vec![Chain {
            id: "kepulauan".into(),
            title: "Kepulauan".into(),
            steps: vec![role("camat"), role("puskesmas"), step(Who::Contact("basarnas".into()))],
            when: Some(When::default()),
        }],
    }
}

fn world(seats: usize) -> World {
    let mut settings = settings(seats, AnswerMode::OnAgent);
    settings.callout = callout();
    world_of(settings, seats, None)
}

fn begin(world: &mut World, call: CallId, kecamatan: Option<&str>) -> Result<Answer, Refusal> {
    let kecamatan = kecamatan.map(str::to_owned);
    let (chain, by) = ("kepulauan".into(), "siti".into());
    world.order(Order::BeginChain { call, chain, kecamatan, by })
}

/// What the record tells of chains.
fn chains(world: &World) -> Vec<String> {
    let told = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::ChainBegun(it) => Some(format!("{} begun by {}: {}", it.chain, it.by, it.people)),
        Fact::ChainTried(it) => Some(format!("{} {} {}", it.attempt, it.contact, it.to)),
        Fact::ChainTriedEnded(it) => {
            let status = it.status.map(|code| format!(" {code}")).unwrap_or_default();
            Some(format!("{} {}{status}", it.attempt, it.outcome.word()))
        }
        Fact::ChainEnded(it) => {
            let who = it.contact.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
            let agency = it.agency.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
            Some(format!("{}{who}{agency} by {:?} {:?}", it.verdict.word(), it.by, it.why))
        }
        _ => None,
    });
    told.collect()
}

fn alarms(world: &World) -> Vec<&str> {
    let names = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Alarm { name, .. } => Some(name.as_str()),
        _ => None,
    });
    names.filter(|name| name.starts_with("chain")).collect()
}

fn calls_now(world: &World) -> String {
    let invite = world.last_request(A, "INVITE");
    invite.split(['@', ':']).nth(1).unwrap_or_default().to_owned()
}

/// What rings at A is called no longer.
fn is_cancelled(world: &mut World) {
    let cancel = world.last_request(A, "CANCEL");
    world.hear(A, &respond(&cancel, 200, "agency", ""));
}

#[test]
fn the_first_is_busy_the_second_does_not_answer_and_the_third_comes() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, Some("35.29.25")).unwrap();
    assert_eq!(calls_now(&world), CAMAT);
    assert!(matches!(begin(&mut world, id, None), Err(Refusal::NotNow(_))), "one at a time");
    carrier_says(&mut world, A, 180);
    carrier_says(&mut world, A, 486);
    assert_eq!(calls_now(&world), PUSKESMAS);
    carrier_says(&mut world, A, 180);
    let view = world.look().calls[0].chain.clone().expect("a chain");
    let states: Vec<_> = view.steps.iter().map(|step| step.numbers[0].state.as_str()).collect();
    assert_eq!((view.state.as_str(), states), ("ringing", vec!["busy", "ringing", "waiting"]));
    let take = Order::TakeChain { call: id, by: "siti".into() };
    assert!(matches!(world.order(take.clone()), Err(Refusal::NotNow(_))), "nobody has answered");
    // Longer than anybody else rings who is brought in.
    world.pass(Duration::from_secs(44));
    assert_eq!(calls_now(&world), PUSKESMAS);
    world.pass(Duration::from_secs(2));
    is_cancelled(&mut world);
    assert_eq!(calls_now(&world), BASARNAS, "short numbers go");
    carrier_says(&mut world, A, 200);
    assert_eq!(table(&world), ["[1]", "[0, 2]", "[0, 1]"], "the caller hears the operator alone");
    assert_eq!(world.look().calls[0].chain.as_ref().expect("a chain").state, "answered");
    world.pass(Duration::from_secs(40));
    assert!(chains(&world).iter().all(|line| !line.starts_with("taken")), "an answer ends nothing");
    world.order(take).unwrap();
    assert_eq!(
        chains(&world),
        [
            "kepulauan begun by siti: 3",
            "1 camat +62811000201",
            "1 busy 486",
            "2 pkm +62811000202",
            "2 no-answer",
            "3 basarnas 115",
            "3 taken",
            "taken basarnas of Basarnas 115 by \"siti\" \"\"",
        ]
    );
    assert_eq!(world.look().calls[0].parties.len(), 1, "they stay in the talk");
    world.trunk_sends(call, "BYE", 2, "");
    assert!(alarms(&world).is_empty());
    nothing_is_left(&mut world);
}

#[test]
fn a_mailbox_that_hangs_up_ends_nothing_and_a_contact_comes_by_the_key() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, Some("35.29.25")).unwrap();
    carrier_says(&mut world, A, 200);
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert_eq!(calls_now(&world), PUSKESMAS);
    carrier_says(&mut world, A, 200);
    // A mailbox again, and the operator hears it.
    world.order(Order::NextInChain { call: id }).unwrap();
    assert!(world.ladder.contains(&"-> 192.0.2.1 BYE".to_owned()), "{:#?}", world.ladder);
    assert_eq!(calls_now(&world), BASARNAS);
    carrier_says(&mut world, A, 200);
    let press = |world: &mut World, key| {
        let stream: StreamId = *world.streams.keys().max().unwrap();
        world.take(Input::Media(MediaReport::Sound { stream, sound: Sound::Key(key) }));
    };
    press(&mut world, '5');
    assert_eq!(world.look().calls[0].chain.as_ref().expect("a chain").state, "answered");
    press(&mut world, '1');
    let told = chains(&world);
    assert_eq!(told[2], "1 not-taken");
    assert_eq!(told[4], "2 passed-over");
    assert_eq!(told.last().unwrap(), "taken basarnas of Basarnas 115 by \"\" \"\"");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn all_in_vain_is_told_and_costs_the_caller_nothing() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, Some("35.29.25")).unwrap();
    carrier_says(&mut world, A, 404);
    carrier_says(&mut world, A, 603);
    // A way that fails as a way is followed by the next one to the same number.
    carrier_says(&mut world, A, 503);
    carrier_says(&mut world, B, 480);
    assert_eq!(
        chains(&world)[1..],
        [
            "1 camat +62811000201",
            "1 unreachable 404",
            "2 pkm +62811000202",
            "2 refused 603",
            "3 basarnas 115",
            "3 no-answer 480",
            "exhausted by \"\" \"\"",
        ]
    );
    assert_eq!(alarms(&world), ["chain-exhausted"]);
    assert_eq!(table(&world), ["[1]", "[0]"], "the talk goes on");
    begin(&mut world, id, Some("35.29.25")).expect("it may be begun again");
    world.order(Order::StopChain { call: id, by: "siti".into() }).unwrap();
    carrier_says(&mut world, A, 180);
    is_cancelled(&mut world);
    assert_eq!(chains(&world).last().unwrap(), "stopped by \"siti\" \"\"");
    assert_eq!(alarms(&world), ["chain-exhausted"], "who stops it knows");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn where_the_place_is_not_known_its_people_are_left_out() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, None).unwrap();
    assert_eq!(calls_now(&world), BASARNAS);
    let view = world.look().calls[0].chain.clone().expect("a chain");
    assert_eq!(view.steps.iter().filter(|step| step.contact.is_none()).count(), 2);
    let unknown = Order::BeginChain {
        call: id,
        chain: "kepulaun".into(),
        kecamatan: None,
        by: "siti".into(),
    };
    assert_eq!(world.order(unknown), Err(Refusal::NoSuchChain("kepulaun".into())));
    carrier_says(&mut world, A, 486);
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_seat_that_vanishes_stops_the_chain_and_people_are_told() {
    let mut world = world(2);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, Some("35.29.25")).unwrap();
    carrier_says(&mut world, A, 180);
    let at = crate::scenario::seat_address(1);
    world.pass(Duration::from_secs(30));
    for _ in 0..3 {
        // The seat says nothing to what it is asked.
        world.pass(Duration::from_secs(40));
    }
    let told = chains(&world);
    assert!(told.iter().any(|line| line.starts_with("stopped by \"\"")), "{at}: {told:#?}");
    assert!(alarms(&world).contains(&"chain-stopped"), "{:?}", alarms(&world));
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_carrier_that_asks_who_we_are_is_told_and_the_contact_is_called() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    settings.callout = callout();
    let password = Secret::new("rahasia".into());
    let account = OutgoingAccount { username: "siaga".into(), password };
    let mut world = world_of(settings, 1, Some(account));
    let (call, id) = talking(&mut world);
    begin(&mut world, id, Some("35.29.25")).unwrap();
    let invite = world.last_request(A, "INVITE");
    let refusal = respond(&invite, 407, "carrier", "").replacen(
        "To: ",
        "Proxy-Authenticate: Digest realm=\"a\", nonce=\"n\", algorithm=MD5\r\nTo: ",
        1,
    );
    world.hear(A, &refusal);
    let again = world.last_request(A, "INVITE");
    assert!(again.contains("Proxy-Authorization: Digest"), "{again}");
    carrier_says(&mut world, A, 200);
    assert_eq!(world.look().calls[0].chain.as_ref().expect("a chain").state, "answered");
    world.trunk_sends(call, "BYE", 2, "");
    nothing_is_left(&mut world);
}

#[test]
fn a_caller_who_hangs_up_ends_the_record_and_not_the_chain() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, Some("35.29.25")).unwrap();
    carrier_says(&mut world, A, 180);
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"], "the record has its ending at once");
    let view = world.look().calls[0].clone();
    assert_eq!(
        (view.seat.as_ref().map(|seat| seat.as_str()), view.state.as_str()),
        (Some("seat-1"), "talking")
    );
    assert!(view.flags.contains(&"caller-left".to_owned()), "{:?}", view.flags);
    // Busy; the next one answers and comes.
    carrier_says(&mut world, A, 486);
    assert_eq!(calls_now(&world), PUSKESMAS);
    carrier_says(&mut world, A, 200);
    assert_eq!(table(&world), ["[1]", "[0]"], "the operator and the puskesmas");
    let give = Order::TakeOver { call: id, party: 2, by: "siti".into() };
    assert!(matches!(world.order(give), Err(Refusal::NotNow(_))), "nobody is there to be given");
    world.order(Order::TakeChain { call: id, by: "siti".into() }).unwrap();
    assert!(!world.look().calls.is_empty(), "they talk on");
    // They hang up: the operator is let go, and has the wrap-up of any call.
    peer_sends(&mut world, A, "agency", "BYE", 1);
    assert!(
        world.ladder.iter().any(|line| line.starts_with("-> 10.0.0.1 BYE")),
        "{:#?}",
        world.ladder
    );
    assert_eq!(world.endings(), ["Talking Caller HungUp"], "one ending");
    assert!(alarms(&world).is_empty());
    nothing_is_left(&mut world);
}

#[test]
fn without_a_caller_the_operator_may_hang_up_or_vanish_and_people_are_told_of_the_chain() {
    for vanishes in [false, true] {
        let mut world = world(1);
        let (call, id) = talking(&mut world);
        begin(&mut world, id, Some("35.29.25")).unwrap();
        carrier_says(&mut world, A, 180);
        world.trunk_sends(call, "BYE", 2, "");
        if vanishes {
            world.pass(Duration::from_secs(150));
        } else {
            let at = crate::scenario::seat_address(1);
            peer_sends(&mut world, &at, "phone1", "BYE", 1);
        }
        assert_eq!(world.endings(), ["Talking Caller HungUp"]);
        assert!(world.look().calls.is_empty(), "{vanishes}");
        if !vanishes {
            is_cancelled(&mut world);
            assert_eq!(alarms(&world), ["chain-stopped"]);
        }
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_chain_in_vain_without_a_caller_leaves_the_operator_to_go_on_by_hand() {
    let mut world = world(1);
    let (call, id) = talking(&mut world);
    begin(&mut world, id, None).unwrap();
    world.trunk_sends(call, "BYE", 2, "");
    carrier_says(&mut world, A, 486);
    assert_eq!(alarms(&world), ["chain-exhausted"]);
    assert_eq!(world.look().calls.len(), 1, "whoever sees it can call somebody else");
    crate::table::bring(&mut world, id, CAMAT, siaga112::call::table::Part::Talk);
    carrier_says(&mut world, A, 200);
    assert_eq!(table(&world), ["[1]", "[0]"]);
    peer_sends(&mut world, &crate::scenario::seat_address(1), "phone1", "BYE", 1);
    assert!(world.look().calls.is_empty());
    nothing_is_left(&mut world);
}

#[test]
fn a_caller_who_hangs_up_without_a_chain_ends_the_call() {
    let mut world = world(1);
    let (call, _) = talking(&mut world);
    world.trunk_sends(call, "BYE", 2, "");
    assert!(world.look().calls.is_empty());
    nothing_is_left(&mut world);
}
