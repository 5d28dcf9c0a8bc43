//! What a talk is like, to the sample, while who takes part changes: somebody joins and leaves, the operator holds and
//! goes on, the caller is transferred, an announcement gives way to an operator. The real program with phones over
//! real sockets, who each say a voice that tells what is missing, what comes twice and when it was spoken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod plane;
mod support;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::OnceLock;

use plane::Phone;
use plane::network::{Plan, Said, Speaker, say};
use plane::voice::{Heard, PIECE, Voice};
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::phone::{Dialog, sdp};
use support::record::Incident;
use support::seat::Seat;
use support::tone::channel;
use support::wait::until;

/// Pieces of 20 ms that each says, and when the story ends, milliseconds.
const PIECES: u32 = 250;
const END: u64 = 5_200;
/// Silence at a change, milliseconds.
const HOLE: i64 = 40;

/// Somebody with a voice.
struct Side {
    phone: Phone,
    voice: Voice,
}

/// Where somebody's audio goes.
type To = OnceLock<SocketAddr>;

impl Side {
    /// With the audio of a caller or a seat.
    fn new(seed: u32, audio: &UdpSocket) -> Self {
        let socket = audio.try_clone().expect("a second handle");
        let nowhere = ([127, 0, 0, 1], 9).into();
        Self { phone: Phone::at(socket, nowhere), voice: Voice::new(seed, PIECES) }
    }

    /// What this one heard of another.
    fn hears(&self, said: &Said, other: &Self) -> Heard {
        other.voice.heard(&self.phone.plays(&said.came))
    }
}

/// What happens, and when, milliseconds.
type Event<'a> = (u64, Box<dyn FnMut() + 'a>);

/// All speak, each to where their audio goes once that is known; and how late one of them spoke at worst,
/// milliseconds.
fn story(sides: &mut [(&mut Side, &To)], mut events: Vec<Event<'_>>) -> (Vec<Said>, i64) {
    let plan = Plan::steady(PIECES);
    let speakers = sides.iter_mut().map(|(side, to)| {
        let Side { phone, voice } = &mut **side;
        Speaker { phone, voice, plan: &plan, to: Some(to) }
    });
    let said = say(speakers.collect(), END, |millis| {
        let due = events.iter_mut().filter(|(at, _)| *at == millis);
        due.for_each(|(_, event)| event());
    });
    let late = said.iter().map(|said| said.late).max().unwrap_or(0);
    (said, late)
}

/// That somebody was heard without a hole, nothing twice and nothing missing, for so long (seconds) at least.
fn assert_goes_on(what: &str, heard: &Heard, least: f64, late: i64) {
    let seconds = heard.len() as f64 * 0.02;
    assert!(seconds >= least, "{what}: {seconds} s");
    assert_eq!(heard.twice(), [] as [i64; 0], "{what}: twice");
    let (hole, missing) = (heard.hole(), heard.missing());
    assert!(hole <= HOLE + late, "{what}: {hole} ms of nothing, {late} ms late");
    assert!(missing <= HOLE + late, "{what}: {missing} ms are missing, {late} ms late");
}

/// That one gives way to another without a hole between them.
fn assert_follows(what: &str, one: &Heard, two: &Heard, late: i64) {
    let last = one.0.iter().rposition(Option::is_some).expect("the first is heard");
    let from = two.0.iter().position(Option::is_some).expect("the second is heard");
    assert!(from > last, "{what}: {from} and {last}");
    let hole = (from - last - 1) as i64 * 20;
    assert!(hole <= HOLE + late, "{what}: {hole} ms between them, {late} ms late");
}

/// That voices stand in a recording where they were spoken at the same time.
fn assert_together(what: &str, one: &Heard, two: &Heard, late: i64) {
    let apart: Vec<i64> = one.beside(two).iter().map(|(one, two)| (one - two) / 8).collect();
    assert!(apart.len() > 20, "{what}: {} pieces", apart.len());
    let worst = apart.iter().map(|apart| apart.abs()).max().unwrap();
    assert!(worst <= 20 + late, "{what}: {worst} ms apart, {late} ms late");
}

/// Both channels of the recording of the one call.
fn recorded(gateway: &Gateway, incident: &Incident) -> [Vec<i16>; 2] {
    let id = incident.id();
    until("the recording is sealed", || {
        (!gateway.show(&id).text("recording.sha256").is_empty()).then_some(())
    });
    let wav = gateway.get(&format!("/api/v1/incidents/{id}/recording")).body;
    [0, 1].map(|side| channel(&wav, side).0)
}

/// A caller and the operator at seat 1 who answered, and where their audio goes.
fn talking(gateway: &Gateway, seat: &Seat) -> (Caller, SocketAddr, Dialog, SocketAddr) {
    let mut caller = Caller::dials(gateway, "+6281234567801", "");
    let (dialog, at_seat) = seat.answers();
    let (_, at_caller) = caller.await_answer();
    (caller, at_caller, dialog, at_seat)
}

/// Ends the call, whose record is returned.
fn over(gateway: &Gateway, caller: Caller, seat: &Seat) -> Incident {
    caller.hangs_up();
    seat.is_hung_up();
    gateway.incident()
}

#[test]
fn who_joins_and_leaves_costs_nobody_a_syllable() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let (seat, other) = (Seat::sits(&gateway, 1), Seat::pauses(&gateway, 2));
    let (caller, at_caller, _dialog, at_seat) = talking(&gateway, &seat);
    let id = gateway.calls()[0].text("id");
    let parties = format!("/api/v1/calls/{id}/parties");
    let mut a = Side::new(1, &caller.audio);
    let mut b = Side::new(2, &seat.audio);
    let mut c = Side::new(3, &other.audio);
    let known = To::new();
    let joins = || {
        let body = r#"{"to": "seat-2", "part": "talk"}"#;
        assert_eq!(gateway.post(&parties, body).status, 202);
        let (_, at) = other.answers();
        known.set(at).expect("once");
    };
    let leaves = || {
        let status = gateway.delete(&format!("{parties}/1")).status;
        assert!(status < 300, "{status}");
        other.is_hung_up();
    };
    let events: Vec<Event<'_>> = vec![(1_000, Box::new(joins)), (3_000, Box::new(leaves))];
    let (to_a, to_b) = (To::from(at_caller), To::from(at_seat));
    let (said, late) = story(&mut [(&mut a, &to_a), (&mut b, &to_b), (&mut c, &known)], events);
    let incident = over(&gateway, caller, &seat);
    assert_goes_on("the caller hears the operator", &a.hears(&said[0], &b), 4.8, late);
    assert_goes_on("the operator hears the caller", &b.hears(&said[1], &a), 4.8, late);
    assert_goes_on("the caller hears the guest", &a.hears(&said[0], &c), 1.0, late);
    assert_goes_on("the operator hears the guest", &b.hears(&said[1], &c), 1.0, late);
    assert_goes_on("the guest hears the caller", &c.hears(&said[2], &a), 1.0, late);
    assert_goes_on("the guest hears the operator", &c.hears(&said[2], &b), 1.0, late);
    let [left, right] = recorded(&gateway, &incident);
    let (left, guest, right) = (a.voice.heard(&left), c.voice.heard(&right), b.voice.heard(&right));
    assert_goes_on("the caller, recorded", &left, 4.9, late);
    assert_goes_on("the operator, recorded", &right, 4.9, late);
    assert_goes_on("the guest, recorded", &guest, 1.0, late);
    assert_together("caller and operator", &left, &right, late);
    assert_together("caller and guest", &left, &guest, late);
    gateway.stop();
}

#[test]
fn who_is_held_hears_an_announcement_between_two_words_and_is_recorded_all_the_while() {
    // With an announcement of ours, and with what the operator's phone plays.
    for announced in [true, false] {
        let prompt = Voice::new(9, 200);
        let (gateway, ()) = Centre::default().start_with(|_, config| {
            if announced {
                write_prompt(config, "id/ditahan", &prompt);
            }
        });
        let seat = Seat::sits(&gateway, 1);
        let (caller, at_caller, mut dialog, at_seat) = talking(&gateway, &seat);
        let mut a = Side::new(1, &caller.audio);
        let mut b = Side::new(2, &seat.audio);
        let own = sdp(seat.audio.local_addr().unwrap());
        let contact = format!("Contact: <sip:seat@{}>\r\n", seat.phone.local());
        let dialog = std::cell::RefCell::new(&mut dialog);
        let change = |direction: &str| {
            let mut dialog = dialog.borrow_mut();
            let own = own.replace("sendrecv", direction);
            dialog.request(&seat.phone, "INVITE", &contact, &own);
            dialog.await_answer(&seat.phone);
        };
        let events: Vec<Event<'_>> = vec![
            (1_000, Box::new(|| change("sendonly"))),
            (3_000, Box::new(|| change("sendrecv"))),
        ];
        let (to_a, to_b) = (To::from(at_caller), To::from(at_seat));
        let (said, late) = story(&mut [(&mut a, &to_a), (&mut b, &to_b)], events);
        let incident = over(&gateway, caller, &seat);
        assert_eq!([incident.steps("held"), incident.steps("resumed")], [1, 1]);
        let (heard, at_seat) = (a.hears(&said[0], &b), b.hears(&said[1], &a));
        if announced {
            let line = a.phone.plays(&said[0].came);
            let prompted = prompt.heard(&line);
            assert_goes_on("the announcement", &prompted, 1.8, late);
            let begin = prompted.0.iter().flatten().next().copied();
            assert!(begin <= Some(2 * PIECE as i64), "from its beginning: {begin:?}");
            let split = prompted.0.iter().position(Option::is_some).unwrap();
            let when = |before: bool| {
                let places = heard.0.iter().enumerate();
                Heard(places.map(|(n, place)| place.filter(|_| (n < split) == before)).collect())
            };
            let (before, after) = (when(true), when(false));
            assert_goes_on("the operator before the hold", &before, 0.8, late);
            assert_goes_on("the operator after the hold", &after, 1.8, late);
            assert_follows("the operator, the announcement", &before, &prompted, late);
            assert_follows("the announcement, the operator", &prompted, &after, late);
        } else {
            assert_goes_on("what the operator's phone plays", &heard, 4.8, late);
        }
        let silent = at_seat.hole();
        assert!((1_500..2_300).contains(&silent), "the operator hears nothing for {silent} ms");
        assert_eq!(at_seat.twice(), [] as [i64; 0]);
        let [left, right] = recorded(&gateway, &incident);
        let (left, right) = (a.voice.heard(&left), b.voice.heard(&right));
        assert_goes_on("the caller, recorded", &left, 4.9, late);
        assert_goes_on("the operator, recorded", &right, 4.9, late);
        assert_together("caller and operator", &left, &right, late);
        gateway.stop();
    }
}

#[test]
fn who_is_transferred_hears_the_next_operator_behind_the_first_and_both_are_recorded() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let (seat, other) = (Seat::sits(&gateway, 1), Seat::sits(&gateway, 2));
    let (caller, at_caller, mut dialog, at_seat) = talking(&gateway, &seat);
    let mut a = Side::new(1, &caller.audio);
    let mut b = Side::new(2, &seat.audio);
    let mut c = Side::new(3, &other.audio);
    let known = To::new();
    let transfers = || {
        let contact = format!("Contact: <sip:seat@{}>\r\n", seat.phone.local());
        let to = format!("{contact}Refer-To: <sip:seat-2@112.sumenep.example>\r\n");
        dialog.request(&seat.phone, "REFER", &to, "");
        seat.phone.await_status(202, "REFER");
        let (_, at) = other.answers();
        known.set(at).expect("once");
        // It is told how that goes, and that it is out.
        loop {
            let request = seat.phone.await_message("NOTIFY or BYE", |m| m.status().is_none());
            seat.phone.accept(&request);
            if request.method() == "BYE" {
                break;
            }
        }
    };
    let events: Vec<Event<'_>> = vec![(1_500, Box::new(transfers))];
    let (to_a, to_b) = (To::from(at_caller), To::from(at_seat));
    let (said, late) = story(&mut [(&mut a, &to_a), (&mut b, &to_b), (&mut c, &known)], events);
    let incident = over(&gateway, caller, &other);
    let (one, two) = (a.hears(&said[0], &b), a.hears(&said[0], &c));
    assert_goes_on("the first operator", &one, 1.3, late);
    assert_goes_on("the second operator", &two, 2.0, late);
    assert_follows("from one to the other", &one, &two, late);
    assert_goes_on("the first hears the caller", &b.hears(&said[1], &a), 1.3, late);
    assert_goes_on("the second hears the caller", &c.hears(&said[2], &a), 2.0, late);
    let [left, right] = recorded(&gateway, &incident);
    let left = a.voice.heard(&left);
    let (one, two) = (b.voice.heard(&right), c.voice.heard(&right));
    assert_goes_on("the caller, recorded", &left, 4.9, late);
    assert_goes_on("the first, recorded", &one, 1.3, late);
    assert_goes_on("the second, recorded", &two, 2.0, late);
    assert_together("caller and first", &left, &one, late);
    assert_together("caller and second", &left, &two, late);
    gateway.stop();
}

#[test]
fn an_announcement_gives_way_to_the_operator_between_two_words() {
    let prompt = Voice::new(9, 300);
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        write_prompt(config, "id/selamat-datang", &prompt);
        edit(config, "queues.toml", "on_agent", "immediate");
        edit(config, "trunks/telco-a.toml", "answer = \"on_agent\"\n", "");
    });
    let seat = Seat::pauses(&gateway, 1);
    let mut caller = Caller::dials(&gateway, "+6281234567801", "");
    let (_, at_caller) = caller.await_answer();
    let mut a = Side::new(1, &caller.audio);
    let mut b = Side::new(2, &seat.audio);
    let known = To::new();
    let answers = || {
        gateway.set_seat(1, "ready");
        let (_, at) = seat.answers();
        known.set(at).expect("once");
    };
    let events: Vec<Event<'_>> = vec![(3_800, Box::new(answers))];
    let to_a = To::from(at_caller);
    let (said, late) = story(&mut [(&mut a, &to_a), (&mut b, &known)], events);
    let incident = over(&gateway, caller, &seat);
    let prompted = prompt.heard(&a.phone.plays(&said[0].came));
    let heard = a.hears(&said[0], &b);
    assert_goes_on("the announcement", &prompted, 0.7, late);
    assert_goes_on("the operator", &heard, 1.0, late);
    assert_follows("the announcement, the operator", &prompted, &heard, late);
    assert_goes_on("the operator hears the caller", &b.hears(&said[1], &a), 1.0, late);
    let [left, right] = recorded(&gateway, &incident);
    let (left, right) = (a.voice.heard(&left), b.voice.heard(&right));
    assert_goes_on("the caller, recorded", &left, 1.0, late);
    assert_goes_on("the operator, recorded", &right, 1.0, late);
    assert_together("caller and operator", &left, &right, late);
    gateway.stop();
}

/// A prompt that is a voice.
fn write_prompt(config: &Path, name: &str, voice: &Voice) {
    let path = config.join("prompts").join(name).with_extension("wav");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).unwrap();
    voice.samples().iter().for_each(|sample| file.write_sample(*sample).unwrap());
    file.finalize().unwrap();
}
