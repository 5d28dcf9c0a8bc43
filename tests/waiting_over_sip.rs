//! What callers hear while they wait, and what we hear of them, over real SIP and RTP with the real
//! program: announcements before the answer, and the two prompts for a caller who says nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use siaga112::media::prompts::Prompts;
use siaga112::vocabulary::limits;
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::seat::Seat;
use support::tone::{self, CALLER_HERTZ, RATE, assert_talk, listen, press, say, talk, tenths};
use support::wait::{Deadline, until};

/// The prompts of these tests are tones.
const WELCOME: f64 = 600.0;
const FIRST: f64 = 700.0;
const SECOND: f64 = 1000.0;
const MUSIC: f64 = 800.0;

/// A centre whose trunk lets callers hear us before the answer, and us them. `trunk` and `announce`
/// are lines of its trunk and of its queue's announcements; the welcome has so many samples;
/// with none there is music instead.
fn centre(trunk: &str, announce: &str, welcome: u32) -> Gateway {
    let prepare = |_: &_, config: &Path| {
        let prompts = config.join("prompts/id");
        fs::create_dir_all(&prompts).expect("created");
        if welcome > 0 {
            tone::piece(&prompts.join("selamat-datang.wav"), WELCOME, welcome);
        } else {
            tone::piece(&config.join("prompts/musik.wav"), MUSIC, 10 * RATE);
        }
        tone::piece(&prompts.join("diam-1.wav"), FIRST, RATE * 6 / 10);
        tone::piece(&prompts.join("diam-2.wav"), SECOND, RATE * 6 / 10);
        let answer = "answer = \"on_agent\"\n";
        let both = format!("early_media = \"both\"\n{trunk}\n");
        edit(config, "trunks/telco-a.toml", answer, &both);
        let queues = fs::read_to_string(config.join("queues.toml")).expect("queues");
        let queues = format!("{queues}\n[queue.announce]\n{announce}\n");
        fs::write(config.join("queues.toml"), queues).expect("written");
    };
    Centre { seats: 1, ..Centre::default() }.start_with(prepare).0
}

/// The network's ring-back tone.
const RING_BACK: f64 = 425.0;

/// A caller who hears us before the answer; returns where the 183 wants audio, and its SDP.
fn early(gateway: &Gateway, number: &str, lines: &str) -> (Caller, SocketAddr, Vec<u8>) {
    let mut caller = Caller::dials(gateway, number, lines);
    let progress = caller.phone.await_status(183, "INVITE");
    caller.call.enter(&progress);
    (caller, progress.media(), progress.body)
}

/// It rings for a moment, in which a seat might answer; then the caller hears this.
fn hears(caller: &Caller, media: SocketAddr, hertz: f64) {
    let heard = talk(&caller.audio, media, CALLER_HERTZ, Duration::from_secs(4));
    let (rings, said) = (tenths(&heard, RING_BACK), tenths(&heard, hertz));
    assert!(rings >= 5 && said >= 10, "tenths of a second: {rings} of ringing, then {said}");
}

// ---- before the answer ----------------------------------------------------------------------------

#[test]
fn an_announcement_is_heard_before_the_answer_and_the_talk_goes_on_by_the_same_description() {
    let gateway = centre("answer = \"on_agent\"", "", 10 * RATE);
    let seat = Seat::pauses(&gateway, 1);
    let (mut caller, media, sdp) = early(&gateway, "+6281234567851", "");
    hears(&caller, media, WELCOME);
    gateway.set_seat(1, "ready");
    let (_, at_seat) = seat.answers();
    let (answer, _) = caller.await_answer();
    assert_eq!(answer.body, sdp, "the 200 describes what the 183 did");
    assert_talk((&caller.audio, media), (&seat.audio, at_seat));
    caller.hangs_up();
    seat.is_hung_up();
    let incident = gateway.incident();
    assert_eq!((incident.steps("early-media"), incident.steps("caller-answered")), (1, 0));
    assert_eq!(incident.ending(), "talking caller hung-up");
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn a_caller_who_is_answered_at_once_hears_the_same_and_then_the_operator() {
    let gateway = centre("answer = \"immediate\"", "", 10 * RATE);
    let seat = Seat::pauses(&gateway, 1);
    let (mut caller, media, sdp) = early(&gateway, "+6281234567852", "");
    let (answer, _) = caller.await_answer();
    assert_eq!(answer.body, sdp, "the 200 describes what the 183 did");
    hears(&caller, media, WELCOME);
    gateway.set_seat(1, "ready");
    let (_, at_seat) = seat.answers();
    caller.await_state(&gateway, "talking");
    assert_talk((&caller.audio, media), (&seat.audio, at_seat));
    caller.hangs_up();
    seat.is_hung_up();
    let incident = gateway.incident();
    assert_eq!((incident.steps("early-media"), incident.steps("caller-answered")), (1, 1));
    incident.assert_order(&["received_at", "caller_answered_at", "answered_at", "ended_at"]);
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn an_announcement_that_must_arrive_is_acknowledged_before_the_answer() {
    let gateway = centre("answer = \"on_agent\"", "", 10 * RATE);
    let seat = Seat::pauses(&gateway, 1);
    let mut caller =
        Caller::dials(&gateway, "+6281234567853", "Require: 100rel\r\nSupported: 100rel\r\n");
    let progress = caller.phone.await_status(183, "INVITE");
    assert!(progress.header("Require").contains("100rel"), "{progress:?}");
    caller.call.enter(&progress);
    let rack = format!("RAck: {} 1 INVITE\r\n", progress.header("RSeq"));
    caller.call.request(&caller.phone, "PRACK", &rack, "");
    caller.phone.await_status(200, "PRACK");
    hears(&caller, progress.media(), WELCOME);
    gateway.set_seat(1, "ready");
    let (_, at_seat) = seat.answers();
    let (answer, media) = caller.await_answer();
    assert_eq!(answer.body, progress.body, "the 200 describes what the 183 did");
    assert_talk((&caller.audio, media), (&seat.audio, at_seat));
    caller.hangs_up();
    seat.is_hung_up();
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn a_queue_without_a_welcome_lets_callers_hear_its_music_before_the_answer() {
    let gateway = centre("answer = \"on_agent\"", "welcome = []\nmusic = \"musik\"", 0);
    let (caller, media, _) = early(&gateway, "+6281234567854", "");
    hears(&caller, media, MUSIC);
    caller.gives_up();
    assert_eq!(gateway.incident().steps("early-media"), 1);
    gateway.assert_nothing_left();
    gateway.stop();
}

// ---- who says nothing -----------------------------------------------------------------------------

/// Listens for two seconds before and after each prompt.
const LISTENS: &str = "screen = \"while_waiting\"\nlisten_seconds = 2";

fn listens() -> (Gateway, Seat) {
    let gateway = centre("answer = \"on_agent\"", LISTENS, RATE / 2);
    let seat = Seat::pauses(&gateway, 1);
    (gateway, seat)
}

/// Both prompts were heard, one after the other: 0.6 s of each, of which the edges fall into tenths
/// that are cut.
fn assert_prompted(who: &str, heard: &[i16]) {
    for (what, hertz) in [("first", FIRST), ("second", SECOND)] {
        let found = tenths(heard, hertz);
        assert!((4..=7).contains(&found), "{who}: {found} tenths of the {what} prompt");
    }
}

/// Lane and flags of a call on the live board.
fn shown(gateway: &Gateway, caller: &Caller) -> [String; 2] {
    let live = caller.live(gateway).expect("a live call");
    ["lane", "flags"].map(|field| live.text(field))
}

/// A word and a pause, as often as it goes into so many seconds. Twice as loud as the prompt, for it
/// must be told from the echo of what we play.
fn speech(seconds: u32) -> Vec<i16> {
    let word = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts/id/angka-1.wav");
    let (word, rate) = tone::channel(&fs::read(word).expect("a prompt"), 0);
    assert_eq!(rate, RATE);
    let word: Vec<i16> = word.into_iter().map(|sample| sample.saturating_mul(2)).collect();
    let pause = vec![0; RATE as usize / 2];
    [pause, word].concat().into_iter().cycle().take((seconds * RATE) as usize).collect()
}

/// What is said to a caller counts as over after a limit: whoever understands the second language
/// only must have heard it by then.
#[test]
fn the_sample_s_prompts_are_over_before_their_limit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts");
    let prompts = Prompts::load(&folder).0;
    for name in ["selamat-datang", "diam-1", "diam-2", "ditandai"] {
        let spoken = |language| prompts.duration(&format!("{language}/{name}").as_str().into());
        let both: Duration = ["id", "mad"].map(|l| spoken(l).expect(name)).iter().sum();
        assert!(both < limits::SILENCE_PROMPT, "{name}: {both:?}");
    }
}

#[test]
fn who_says_nothing_is_asked_twice_stands_behind_who_speaks_and_is_answered_all_the_same() {
    let (gateway, seat) = listens();
    let (mut dead, _, _) = early(&gateway, "+6281234567861", "");
    let (mut quiet, at_quiet, _) = early(&gateway, "+6281234567862", "");
    let (mut speaks, at_speaks, _) = early(&gateway, "+6281234567863", "");
    let span = Duration::from_secs(8);
    std::thread::scope(|scope| {
        let nothing = scope.spawn(|| listen(&dead.audio, Deadline::after(span)));
        let silence = scope.spawn(|| say(&quiet.audio, at_quiet, &vec![0; 8 * RATE as usize]));
        let heard = say(&speaks.audio, at_speaks, &speech(8));
        let asked = tenths(&heard, FIRST) + tenths(&heard, SECOND);
        assert_eq!(asked, 0, "who speaks is asked nothing");
        assert_prompted("who sends nothing", &nothing.join().expect("listens"));
        assert_prompted("who sends silence", &silence.join().expect("listens"));
    });
    for caller in [&dead, &quiet] {
        caller.await_record(&gateway, "lane", "silent");
        assert_eq!(shown(&gateway, caller), ["silent", r#"["silent"]"#]);
    }
    speaks.await_record(&gateway, "heard", "voice");
    assert_eq!(shown(&gateway, &speaks), ["usual", r#"["spoke"]"#]);
    gateway.set_seat(1, "ready");
    for caller in [&mut speaks, &mut dead, &mut quiet] {
        seat.answers();
        caller.await_answer();
        caller.call.hang_up(&caller.phone);
        seat.is_hung_up();
    }
    let [dead, quiet, speaks] = gateway.incidents(3).try_into().expect("three");
    for silent in [dead, quiet] {
        let said = ["lane", "lane_why", "heard"].map(|field| silent.text(field));
        assert_eq!(said, ["silent", "nothing was heard after two prompts", ""]);
        assert_eq!((silent.steps("prompted"), silent.steps("laned")), (2, 1));
        assert_eq!(silent.ending(), "talking caller hung-up");
    }
    assert_eq!((speaks.text("lane"), speaks.text("heard")), ("usual".into(), "voice".into()));
    assert_eq!((speaks.steps("prompted"), speaks.steps("laned")), (0, 0));
    gateway.assert_nothing_left();
    gateway.stop();
}

#[test]
fn a_key_is_a_sign_of_life_by_rtp_and_by_sip() {
    let (gateway, _seat) = listens();
    let (mut caller, _, _) = early(&gateway, "+6281234567865", "");
    let (presses, media, _) = early(&gateway, "+6281234567864", "");
    press(&presses.audio, media, 5);
    presses.await_record(&gateway, "heard", "key");
    until("the key is shown", || {
        (shown(&gateway, &presses) == ["usual", r#"["pressed"]"#]).then_some(())
    });
    // Whoever was found silent already may still come forward.
    caller.await_record(&gateway, "lane", "silent");
    let kind = "Content-Type: application/dtmf-relay\r\n";
    caller.call.request(&caller.phone, "INFO", kind, "Signal=5\r\nDuration=160\r\n");
    caller.phone.await_status(200, "INFO");
    caller.await_record(&gateway, "lane", "usual");
    caller.gives_up();
    presses.gives_up();
    let [by_sip, by_rtp] = gateway.incidents(2).try_into().expect("two");
    assert_eq!((by_rtp.text("heard"), by_rtp.steps("prompted")), ("key".into(), 0));
    assert_eq!((by_rtp.text("lane"), by_rtp.steps("laned")), ("usual".into(), 0));
    assert_eq!((by_sip.text("heard"), by_sip.steps("prompted")), ("key".into(), 2));
    let said = ["lane", "lane_why"].map(|field| by_sip.text(field));
    assert_eq!(said, ["usual", "the caller pressed a key"]);
    assert_eq!(by_sip.steps("laned"), 2, "to the silent and back");
    gateway.assert_nothing_left();
    gateway.stop();
}
