//! The outgoing side of trunks, on a virtual clock: registering, probing, fail-over, and what
//! people are told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each test file uses a part of the world")]
mod scenario;

use std::time::Duration;

use bytes::Bytes;
use scenario::{OURS, STRANGER, TRUNK, World, header, invite, settings};
use siaga112::journal::Fact;
use siaga112::sip::digest::{Algorithm, Authenticator, Credential, OutgoingAccount, Verdict};
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::parse::parse;
use siaga112::sip::{Message, Name, Request, Transport, Uri};
use siaga112::switchboard::Input;
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::switchboard::view::LineView;
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, Dice, Secret, TrunkId};

const A: &str = "192.0.2.1:5060";
const B: &str = "192.0.2.2:5060";
const HOST: &str = "sbc.telco-a.example";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A line without registration and probes.
fn line(uri: &str) -> LineSettings {
    let uri = Uri::read(uri);
    LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: None,
        from_user: "0328112".into(),
        caller_id: None,
        probe: None,
    }
}

fn registering() -> LineSettings {
    let account =
        OutgoingAccount { username: "siaga".into(), password: Secret::new("rahasia".into()) };
    LineSettings { register: true, account: Some(account), ..line(&format!("sip:{HOST}")) }
}

fn probing() -> LineSettings {
    LineSettings { probe: Some(seconds(30)), ..line(&format!("sip:{HOST}")) }
}

/// `telco-b` only calls; `telco-a` has this line.
fn centre(line: LineSettings) -> SwitchboardSettings {
    let mut settings = settings(0, AnswerMode::OnAgent);
    let telco_a =
        TrunkSettings { id: "telco-a".into(), sources: Vec::new(), ..settings.trunks[0].clone() };
    settings.trunks.push(TrunkSettings { line: Some(line.into()), ..telco_a });
    settings
}

fn world(line: LineSettings) -> World {
    World::of(centre(line), 200)
}

/// A world whose carrier was found at A, then B.
fn found(line: LineSettings) -> World {
    let mut world = world(line);
    located(&mut world, "telco-a", &[A, B], None);
    world
}

fn located(world: &mut World, trunk: &str, hops: &[&str], wrong: Option<&str>) {
    let hop = |address: &&str| Hop {
        transport: Transport::Udp,
        address: address.parse().unwrap(),
        name: HOST.into(),
    };
    world.take(Input::Located {
        trunk: trunk.into(),
        hops: hops.iter().map(hop).collect(),
        wrong: wrong.map(str::to_owned),
        good_for: seconds(3600),
    });
}

fn shown(world: &mut World) -> LineView {
    let board = world.look();
    board.trunks.into_iter().find(|t| t.trunk.as_str() == "telco-a").unwrap().line.unwrap()
}

fn state(world: &mut World) -> String {
    shown(world).state
}

/// Everything sent to an address with that method, each request once however often it was repeated.
fn sent(world: &World, to: &str, method: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for sent in &world.sent {
        if sent.to == to && sent.text.starts_with(method) && found.last() != Some(&sent.text) {
            found.push(sent.text.clone());
        }
    }
    found
}

fn reply(request: &str, code: u16, lines: &str) -> String {
    let copied: String = [Name::Via, Name::From, Name::CallId, Name::CSeq]
        .into_iter()
        .map(|name| format!("{name}: {}\r\n", header(request, name.clone())))
        .collect();
    let to = header(request, Name::To);
    format!("SIP/2.0 {code} X\r\n{copied}To: {to};tag=c\r\n{lines}Content-Length: 0\r\n\r\n")
}

/// The carrier at `from` answers the last request of that method.
fn answer(world: &mut World, from: &str, method: &str, code: u16, lines: &str) {
    let request = world.last_request(from, method);
    world.hear(from, &reply(&request, code, lines));
}

fn request(text: &str) -> Request {
    match parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap().message {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{text}"),
    }
}

/// The alarms about trunks so far.
fn alarms(world: &World) -> Vec<String> {
    let alarms = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Alarm { name, detail } => Some(format!("{name}: {detail}")),
        _ => None,
    });
    alarms.collect()
}

#[test]
fn a_registration_answers_the_challenge_of_either_algorithm() {
    for known in [&[Algorithm::Md5][..], &[Algorithm::Sha256][..]] {
        let mut world = found(registering());
        assert_eq!(state(&mut world), "registering");
        let mut dice = Dice::from_number(5);
        let source = "203.0.113.10".parse().unwrap();
        let mut registrar = Authenticator::new("telco", known, &mut dice);
        let challenge = registrar.challenge(world.now.moment, source, false, &mut dice).remove(0);
        answer(&mut world, A, "REGISTER", 401, &format!("WWW-Authenticate: {challenge}\r\n"));
        let second = request(&world.last_request(A, "REGISTER"));
        let right = Credential::from_password("siaga", "telco", "rahasia");
        let verdict = registrar.check(world.now.moment, &second, source, |_| Some(&right));
        assert_eq!(verdict, Verdict::Proven("siaga".into()));
        assert_eq!(second.uri.as_str(), format!("sip:{HOST}"));
        assert_eq!(second.headers.to().unwrap().uri.as_str(), format!("sip:0328112@{HOST}"));
        assert_eq!(second.headers.text(&Name::Contact).unwrap(), format!("<sip:0328112@{OURS}>"),);
        answer(&mut world, A, "REGISTER", 200, "Expires: 120\r\n");
        assert_eq!(state(&mut world), "up");
        let numbers: Vec<u32> = sent(&world, A, "REGISTER")
            .iter()
            .map(|text| request(text).headers.cseq().unwrap().number)
            .collect();
        assert_eq!(numbers, [1, 2]);
    }
}

#[test]
fn a_wrong_password_is_not_sent_for_ever() {
    let mut world = found(registering());
    for nonce in ["1", "2"] {
        let line = format!("WWW-Authenticate: Digest realm=\"t\", nonce=\"{nonce}\"\r\n");
        answer(&mut world, A, "REGISTER", 401, &line);
    }
    world.pass(seconds(14));
    assert_eq!(sent(&world, A, "REGISTER").len(), 2);
    // Another place of the same carrier has the same passwords.
    assert_eq!(sent(&world, B, "REGISTER").len(), 0);
    assert_eq!(state(&mut world), "down");
    assert_eq!(
        alarms(&world),
        ["trunk-down: trunk telco-a: realm \"t\" refused the user name or the password"]
    );
    world.pass(seconds(20));
    assert_eq!(sent(&world, A, "REGISTER").len(), 3);
}

#[test]
fn an_interval_too_brief_is_asked_for_again_at_once_and_only_when_it_helps() {
    let mut world = found(registering());
    answer(&mut world, A, "REGISTER", 423, "Min-Expires: 1800\r\n");
    assert_eq!(header(&world.last_request(A, "REGISTER"), Name::Expires), "1800");
    answer(&mut world, A, "REGISTER", 423, "Min-Expires: 1800\r\n");
    assert_eq!(sent(&world, A, "REGISTER").len(), 2);
    assert_eq!(state(&mut world), "down");
    let mut world = found(registering());
    answer(&mut world, A, "REGISTER", 423, "Min-Expires: 4000000000\r\n");
    assert_eq!(sent(&world, A, "REGISTER").len(), 1);
}

#[test]
fn a_place_that_fails_or_is_silent_is_passed_over_for_the_next() {
    let mut world = found(registering());
    answer(&mut world, A, "REGISTER", 503, "Retry-After: 3600\r\n");
    assert_eq!(state(&mut world), "registering");
    answer(&mut world, B, "REGISTER", 200, "");
    assert_eq!(state(&mut world), "up");
    let trunk = TrunkId::from("telco-a");
    let hops: Vec<String> =
        world.board.trunk_hops(&trunk).iter().map(|f| f.remote.to_string()).collect();
    assert_eq!(hops, [B, A], "calls go first where we are registered");

    let mut world = found(registering());
    world.pass(seconds(7));
    assert_eq!(sent(&world, B, "REGISTER").len(), 0);
    world.pass(seconds(1));
    answer(&mut world, B, "REGISTER", 200, "");
    assert_eq!(state(&mut world), "up");
    // What the first place says now comes too late and changes nothing.
    answer(&mut world, A, "REGISTER", 403, "");
    assert_eq!(state(&mut world), "up");
    assert_eq!(alarms(&world), [] as [&str; 0]);
}

#[test]
fn when_every_place_fails_the_rest_grows_and_retry_after_is_kept() {
    let mut world = found(registering());
    let mut rests = Vec::new();
    for round in 1..=6 {
        assert_eq!(sent(&world, A, "REGISTER").len(), round);
        answer(&mut world, A, "REGISTER", 500, "");
        answer(&mut world, B, "REGISTER", 500, "");
        let before = world.now.moment;
        while sent(&world, A, "REGISTER").len() == round {
            world.pass(seconds(1));
        }
        rests.push(world.now.moment.since(before).as_secs());
    }
    for (rest, longest) in rests.iter().zip([30, 60, 120, 240, 300, 300]) {
        assert!((longest / 2..=longest + 1).contains(rest), "{rests:?}");
    }
    assert_eq!(alarms(&world).len(), 1, "{:?}", alarms(&world));
    answer(&mut world, A, "REGISTER", 500, "");
    answer(&mut world, B, "REGISTER", 500, "Retry-After: 450 (busy);duration=9\r\n");
    world.pass(seconds(449));
    assert_eq!(sent(&world, A, "REGISTER").len(), 7);
    world.pass(seconds(2));
    answer(&mut world, A, "REGISTER", 200, "");
    assert_eq!(state(&mut world), "up");
    let told = alarms(&world);
    assert!(told[1].starts_with("trunk-up: trunk telco-a works again after "), "{told:?}");
}

#[test]
fn a_registration_is_refreshed_in_time_and_ends_when_it_is_not() {
    // granted by the Contact's own parameter, by the header; refreshed after.
    for (lines, refresh) in [
        (format!("Contact: <sip:x@h>;expires=9, <sip:0328112@{OURS}>;expires=1000\r\n"), 900),
        ("Expires: 100\r\n".to_owned(), 60),
        ("Contact: <sip:other@nat>;expires=60\r\n".to_owned(), 30),
        (String::new(), 540),
    ] {
        let mut world = found(registering());
        answer(&mut world, A, "REGISTER", 200, &lines);
        world.pass(seconds(refresh - 1));
        assert_eq!(sent(&world, A, "REGISTER").len(), 1, "{lines}");
        world.pass(seconds(1));
        let sent = sent(&world, A, "REGISTER");
        assert_eq!(sent.len(), 2, "{lines}");
        assert_eq!(header(&sent[0], Name::CallId), header(&sent[1], Name::CallId));
    }
    let mut world = found(registering());
    answer(&mut world, A, "REGISTER", 200, "Expires: 100\r\n");
    assert!(shown(&mut world).registered_until.is_some());
    world.pass(seconds(60));
    world.pass(seconds(20));
    // Neither place has answered for 8 s each; it still counts.
    assert_eq!(state(&mut world), "degraded");
    assert_eq!(alarms(&world), [] as [&str; 0]);
    world.pass(seconds(20));
    assert_eq!(state(&mut world), "down");
    assert!(shown(&mut world).registered_until.is_none());
    assert_eq!(alarms(&world).len(), 1);
}

#[test]
fn probes_make_a_trunk_degraded_then_down_and_up_again_with_patience() {
    let mut world = found(probing());
    assert_eq!(state(&mut world), "unknown");
    answer(&mut world, A, "OPTIONS", 404, "");
    answer(&mut world, B, "OPTIONS", 200, "");
    assert_eq!(state(&mut world), "up");
    // Two of A's are lost, then one is answered; B is well.
    let round = |world: &mut World, a: Option<u16>, b: Option<u16>| {
        world.pass(seconds(30) - Duration::from_millis(1));
        world.pass(Duration::from_millis(1));
        for (at, code) in [(A, a), (B, b)] {
            if let Some(code) = code {
                answer(world, at, "OPTIONS", code, "");
            }
        }
        world.pass(Duration::from_millis(0));
        state(world)
    };
    let well = Some(200);
    assert_eq!(round(&mut world, None, well), "up");
    assert_eq!(round(&mut world, Some(503), well), "up");
    assert_eq!(round(&mut world, well, well), "up");
    // The third of the last four.
    assert_eq!(round(&mut world, Some(503), well), "degraded");
    let hops = world.board.trunk_hops(&TrunkId::from("telco-a"));
    assert_eq!(hops[0].remote.to_string(), B);
    assert_eq!(hops.len(), 2, "a dead place is tried last, not never");
    for _ in 0..3 {
        round(&mut world, Some(503), Some(503));
    }
    assert_eq!(state(&mut world), "down");
    assert_eq!(alarms(&world), ["trunk-down: trunk telco-a: none of 2 addresses answers OPTIONS"]);
    assert_eq!(round(&mut world, well, Some(503)), "down");
    assert_eq!(round(&mut world, well, Some(503)), "degraded");
    assert_eq!(alarms(&world).len(), 2);
    assert!(alarms(&world)[1].starts_with("trunk-up: "));
    assert_eq!(shown(&mut world).hops.len(), 2);
    assert_eq!(shown(&mut world).hops[0].round_trip_ms, Some(0));
}

#[test]
fn the_place_of_our_registration_dies_and_we_register_at_the_next() {
    let mut world = found(LineSettings { probe: Some(seconds(30)), ..registering() });
    answer(&mut world, A, "REGISTER", 200, "");
    for span in [30, 30, 8] {
        answer(&mut world, B, "OPTIONS", 200, "");
        world.pass(seconds(span));
    }
    assert_eq!(sent(&world, B, "REGISTER").len(), 1);
    answer(&mut world, B, "REGISTER", 200, "");
    assert_eq!(state(&mut world), "degraded");
}

#[test]
fn calls_from_a_place_of_the_carrier_are_taken_and_those_of_strangers_are_not() {
    let mut world = world(registering());
    let from_a = |number: u32| invite(number, "sip:0328112@x", scenario::SDP).replace(TRUNK, A);
    world.hear(A, &from_a(1));
    assert!(world.last().starts_with("SIP/2.0 403"), "not found yet: {}", world.last());
    located(&mut world, "telco-a", &[A, B], None);
    world.hear(A, &from_a(2));
    let trunks: Vec<String> =
        world.look().calls.iter().flat_map(|c| &c.trunk).map(ToString::to_string).collect();
    assert_eq!(trunks, ["telco-a"]);
    world.hear(STRANGER, &from_a(3).replace(A, STRANGER));
    assert!(world.last().starts_with("SIP/2.0 403"));
}

#[test]
fn a_name_is_looked_up_again_and_a_dead_server_changes_nothing() {
    let mut world = world(registering());
    assert_eq!(world.located, [HOST]);
    assert_eq!(state(&mut world), "locating");
    located(&mut world, "telco-a", &[], Some("no DNS server answers"));
    assert_eq!(alarms(&world), ["trunk-down: trunk telco-a: no DNS server answers"]);
    world.pass(seconds(30));
    assert_eq!(world.located.len(), 2);
    located(&mut world, "telco-a", &[A, B], None);
    answer(&mut world, A, "REGISTER", 200, "Expires: 86400\r\n");
    assert_eq!(state(&mut world), "up");
    world.pass(seconds(3600));
    assert_eq!(world.located.len(), 3);
    located(&mut world, "telco-a", &[B], Some("half of it could not be asked"));
    let view = shown(&mut world);
    assert_eq!((view.state.as_str(), view.hops.len()), ("up", 2));
    assert_eq!(view.reason, "half of it could not be asked");
    // The carrier has moved: we register at the new place.
    world.pass(seconds(30));
    located(&mut world, "telco-a", &["192.0.2.3:5060"], None);
    answer(&mut world, "192.0.2.3:5060", "REGISTER", 200, "");
    assert_eq!(state(&mut world), "up");
    assert_eq!(shown(&mut world).hops[0].address, "udp:192.0.2.3:5060");
    // A report that is lost does not stop it for ever.
    world.pass(seconds(3600 + 300));
    assert_eq!(world.located.len(), 6);
}

#[test]
fn an_address_needs_nobody_to_look_it_up() {
    let settings = LineSettings { register: true, ..line("sip:192.0.2.1") };
    let mut world = world(settings);
    assert_eq!(world.located, [] as [&str; 0]);
    world.pass(seconds(0));
    let flow = world.board.trunk_hops(&"telco-a".into())[0];
    assert_eq!(world.board.server_name(&flow), Some("192.0.2.1"));
    // Over a transport that we do not listen on nothing can be sent.
    let mut world = self::world(line("sip:192.0.2.1;transport=tls"));
    assert_eq!(state(&mut world), "down");
}

#[test]
fn draining_takes_the_registration_back_and_waits_for_a_silent_carrier_two_seconds_at_most() {
    let drained = |world: &World| world.ladder.iter().any(|line| line == "* drained");
    let mut world = found(registering());
    answer(&mut world, A, "REGISTER", 200, "");
    world.take(Input::Drain);
    assert!(!drained(&world));
    let last = world.last_request(A, "REGISTER");
    assert_eq!(header(&last, Name::Expires), "0");
    answer(&mut world, A, "REGISTER", 401, "WWW-Authenticate: Digest realm=\"t\", nonce=\"n\"\r\n");
    let last = world.last_request(A, "REGISTER");
    assert!(last.contains("Authorization: Digest "), "{last}");
    assert_eq!(header(&last, Name::Expires), "0");
    assert!(!drained(&world));
    answer(&mut world, A, "REGISTER", 200, "");
    assert!(drained(&world));

    let mut world = found(registering());
    answer(&mut world, A, "REGISTER", 200, "");
    world.take(Input::Drain);
    world.pass(Duration::from_millis(1999));
    assert!(!drained(&world));
    world.pass(Duration::from_millis(1));
    assert!(drained(&world));
    world.pass(seconds(100));
    assert_eq!(world.board.live(), 0);
    assert_eq!(world.board.poll_timeout(), None);
    assert_eq!(alarms(&world), [] as [&str; 0]);
    // A trunk that never was registered has nothing to say.
    let mut world = found(probing());
    world.take(Input::Drain);
    assert!(drained(&world));
}

#[test]
fn a_reload_touches_only_the_trunk_that_it_changes() {
    let mut settings = centre(registering());
    let telco_c = TrunkSettings { id: "telco-c".into(), ..settings.trunks[1].clone() };
    settings.trunks.push(telco_c);
    let mut world = World::of(settings.clone(), 200);
    located(&mut world, "telco-a", &[A], None);
    answer(&mut world, A, "REGISTER", 200, "");
    located(&mut world, "telco-c", &[B], None);
    answer(&mut world, B, "REGISTER", 200, "");
    let (a, b) = (sent(&world, A, "REGISTER").len(), sent(&world, B, "REGISTER").len());
    let adopt = |settings: &SwitchboardSettings| Input::Adopt {
        settings: Box::new(settings.clone()),
        digest: String::new(),
        by: "test".into(),
    };
    world.take(adopt(&settings));
    assert_eq!(sent(&world, A, "REGISTER").len(), a);
    let line = LineSettings { from_user: "112".into(), ..registering() };
    settings.trunks[2].line = Some(line.into());
    world.take(adopt(&settings));
    assert_eq!(sent(&world, A, "REGISTER").len(), a);
    // The old address is taken back, the new one registered.
    assert_eq!(sent(&world, B, "REGISTER").len(), b + 1);
    let gone = world.last_request(B, "REGISTER");
    assert_eq!(header(&gone, Name::Expires), "0");
    answer(&mut world, B, "REGISTER", 200, "");
    located(&mut world, "telco-c", &[B], None);
    answer(&mut world, B, "REGISTER", 200, "");
    assert!(world.last_request(B, "REGISTER").contains("sip:112@"));
    settings.trunks.truncate(2);
    world.take(adopt(&settings));
    answer(&mut world, B, "REGISTER", 200, "");
    assert_eq!(world.board.trunk_hops(&"telco-c".into()), []);
    assert_eq!(state(&mut world), "up");
}

#[test]
fn the_trouble_of_one_trunk_is_not_another_s() {
    let mut settings = centre(registering());
    settings.trunks[0].line =
        Some(LineSettings { register: true, ..line("sip:198.51.100.7") }.into());
    let mut world = World::of(settings, 200);
    world.pass(seconds(0));
    located(&mut world, "telco-a", &[A], None);
    answer(&mut world, A, "REGISTER", 200, "");
    answer(&mut world, TRUNK, "REGISTER", 403, "");
    let board = world.look();
    let states: Vec<&str> =
        board.trunks.iter().map(|t| t.line.as_ref().unwrap().state.as_str()).collect();
    assert_eq!(states, ["down", "up"]);
    // And its calls are taken all the same.
    let call = world.call();
    world.last_response(call, "180");
}

#[test]
fn a_trunk_that_is_never_quiet_and_is_makes_one_alarm() {
    let mut settings = centre(probing());
    settings.trunks[0].quiet_alarm = Some(seconds(1800));
    let mut world = World::of(settings, 200);
    world.pass(seconds(1000));
    world.call();
    world.pass(seconds(1799));
    let quiet = |world: &World| {
        let all = alarms(world).into_iter();
        all.filter(|a| a.starts_with("trunk-quiet") || a.starts_with("trunk-heard"))
            .collect::<Vec<_>>()
    };
    assert_eq!(quiet(&world), Vec::<String>::new());
    world.pass(seconds(1));
    let told = "trunk-quiet: no request came from trunk telco-b for 30 minutes";
    assert_eq!(quiet(&world), [told]);
    world.pass(seconds(7200));
    assert_eq!(quiet(&world), [told]);
    world.call();
    assert_eq!(quiet(&world), [told, "trunk-heard: trunk telco-b is not quiet any more"]);
}
