//! Callers who wait: what they hear, what is heard of them, and where they stand for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    dead_code,
    reason = "a test may fail loudly; each test binary uses a part of the harness"
)]

mod scenario;

use std::time::Duration;

use scenario::{SDP, TRUNK, World, header, invite, respond, settings};
use siaga112::acd::settings::{Overflow, QueueSettings};
use siaga112::call::orders::{Ears, MediaOrder, MediaReport, Programme, Role, Sound, Then};
use siaga112::journal::Fact;
use siaga112::routing::settings::{Rule, When};
use siaga112::screening::Silence;
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::Order;
use siaga112::switchboard::settings::{Announcements, Position, Screen, SwitchboardSettings};
use siaga112::trunk::settings::EarlyMedia;
use siaga112::vocabulary::{AnswerMode, Lane, Private, PromptId, StreamId, limits};

const LISTEN: Duration = Duration::from_secs(3);
const OURSELVES: &str = "sip:0328112@203.0.113.10;user=phone";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn prompts(names: &[&str]) -> Vec<PromptId> {
    names.iter().map(|name| PromptId::from(*name)).collect()
}

fn announcements(screen: Screen) -> Announcements {
    Announcements {
        missing: Vec::new(),
        welcome_text: "112".to_owned(),
        welcome: prompts(&["id/selamat-datang"]),
        wait: prompts(&["id/menunggu"]),
        again: seconds(20),
        music: Some("musik".into()),
        position: None,
        screen,
        silence: [prompts(&["id/diam-1"]), prompts(&["id/diam-2"])],
        listen: LISTEN,
        hold: Vec::new(),
        hold_alarm: Duration::ZERO,
        refused: prompts(&["id/ditandai"]),
    }
}

/// A centre whose queue announces, and whose trunk does this with early media.
fn centre(answer: AnswerMode, early: EarlyMedia, screen: Screen) -> SwitchboardSettings {
    let mut settings = settings(2, answer);
    settings.announcements.insert("darurat".into(), announcements(screen));
    settings.trunks[0].early_media = early;
    settings
}

struct Room {
    world: World,
    calls: u32,
}

impl Room {
    fn new(answer: AnswerMode, early: EarlyMedia, screen: Screen) -> Self {
        Self::of(centre(answer, early, screen))
    }

    fn of(settings: SwitchboardSettings) -> Self {
        Self { world: World::of(settings, 200), calls: 0 }
    }

    /// A call of this number, with more header lines.
    fn call_of(&mut self, number: &str, lines: &str) -> u32 {
        self.calls += 1;
        let text = invite(self.calls, OURSELVES, SDP).replace("+6281234567890", number).replacen(
            "Contact:",
            &format!("{lines}Contact:"),
            1,
        );
        self.world.hear(TRUNK, &text);
        // An immediate answer is due at once.
        self.world.pass(Duration::from_millis(1));
        let answered = format!("Call-ID: call-{}\r\n", self.calls);
        let ok =
            |s: &&scenario::Sent| s.text.starts_with("SIP/2.0 200") && s.text.contains(&answered);
        if self.world.sent.iter().any(|s| ok(&s)) {
            self.world.ack(self.calls);
        }
        self.calls
    }

    fn call(&mut self) -> u32 {
        let number = format!("+62812000{:04}", self.calls);
        self.call_of(&number, "")
    }

    /// What the callers were told to hear, in order.
    fn heard(&self) -> Vec<String> {
        let orders = self.world.orders.iter();
        let roles = orders.filter_map(|order| match order {
            MediaOrder::Role { role: Role::Play(Programme { say, then }), .. } => {
                let say: Vec<&str> = say.iter().map(PromptId::as_str).collect();
                let then = match then {
                    Then::Silence => "nothing",
                    Then::RingBack => "ring-back",
                    Then::Music(music) => music.as_str(),
                };
                Some(format!("{} > {then}", say.join(" ")))
            }
            MediaOrder::Role { role: Role::RingBack, .. } => Some("ring-back".to_owned()),
            _ => None,
        });
        roles.collect()
    }

    /// The caller's stream that plays last.
    fn stream(&self) -> StreamId {
        let orders = self.world.orders.iter().rev();
        let mut roles = orders.filter_map(|order| match order {
            MediaOrder::Role { stream, role: Role::Play(_) | Role::RingBack } => Some(*stream),
            _ => None,
        });
        roles.next().expect("somebody hears something")
    }

    /// Nobody rings for a while.
    fn nobody_rings(&mut self) {
        self.world.pass(limits::ANNOUNCE_AFTER);
    }

    fn played(&mut self) {
        let stream = self.stream();
        self.world.take(Input::Media(MediaReport::Played { stream }));
    }

    fn sounds(&mut self, sound: Sound) {
        let stream = self.stream();
        self.world.take(Input::Media(MediaReport::Sound { stream, sound }));
    }

    /// Lanes and signs on the record, in order.
    fn told(&self) -> Vec<String> {
        let facts = self.world.facts.iter().filter_map(|entry| match &entry.fact {
            Fact::Laned { lane, why, .. } => Some(format!("{lane}: {why}")),
            Fact::Prompted { prompt, .. } => Some(format!("prompt {prompt}")),
            Fact::Heard { sound, .. } => Some(format!("heard {sound}")),
            Fact::EarlyMedia { .. } => Some("early media".to_owned()),
            Fact::MassIncident { place, over, .. } => Some(format!("mass at {place} over {over}")),
            Fact::Linked { why, .. } => Some(format!("linked: {why}")),
            _ => None,
        });
        facts.collect()
    }

    fn offered(&self) -> Vec<usize> {
        let facts = self.world.facts.iter();
        let calls: Vec<_> = facts
            .clone()
            .filter_map(|entry| match &entry.fact {
                Fact::Arrived { call, .. } => Some(*call),
                _ => None,
            })
            .collect();
        facts
            .filter_map(|entry| match &entry.fact {
                Fact::Offered { call, .. } => calls.iter().position(|c| c == call).map(|n| n + 1),
                _ => None,
            })
            .collect()
    }

    /// The operator at seat 1 takes the call that rings there and hangs up at once.
    fn serve(&mut self) {
        self.world.seat_says(1, 200);
        let ok = self.world.last_request(&scenario::seat_address(1), "ACK");
        let from = header(&ok, Name::From);
        let to = header(&ok, Name::To);
        let id = header(&ok, Name::CallId);
        let bye = format!(
            "BYE sip:x@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye{id}\r\n\
             From: {to}\r\nTo: {from}\r\nCall-ID: {id}\r\nCSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n",
            scenario::seat_address(1)
        );
        self.world.hear(&scenario::seat_address(1), &bye);
    }

    fn mark(&mut self, number: &str) {
        let call = self.world.facts.iter().find_map(|entry| entry.fact.call());
        let order = Order::MarkNumber {
            call: call.expect("a call"),
            number: Private::new(number.to_owned()),
            hours: None,
            by: "siti".into(),
        };
        self.world.take(Input::Order { number: 7, order });
    }
}

// ---- what they hear ------------------------------------------------------------------------------

#[test]
fn early_media_is_heard_before_the_answer_and_the_200_says_the_same() {
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::Heard, Screen::WhileWaiting);
    room.call_of("+628111", "P-Early-Media: supported\r\n");
    room.nobody_rings();
    let progress = room.world.last_response(1, "183");
    assert!(progress.contains("P-Early-Media: sendonly\r\n"), "{progress}");
    let sdp = progress.split("\r\n\r\n").nth(1).unwrap().to_owned();
    assert!(sdp.contains("m=audio"), "{progress}");
    assert_eq!(room.heard(), ["ring-back", "id/selamat-datang > musik"]);
    assert_eq!(room.told(), ["early media"]);
    let listens = |o: &MediaOrder| matches!(o, MediaOrder::Listen { .. });
    assert!(!room.world.orders.iter().any(listens), "nothing comes back before the answer");
    room.played();
    room.world.pass(seconds(20));
    room.played();
    room.world.pass(seconds(20));
    assert_eq!(room.heard()[2..], ["id/menunggu > musik", "id/menunggu > musik"]);
    // The network's timers want to hear it again.
    room.world.pass(seconds(25));
    let again = |s: &&scenario::Sent| s.text.starts_with("SIP/2.0 183");
    assert_eq!(room.world.sent.iter().filter(again).count(), 2);
    room.world.register(1);
    room.world.seat_says(1, 200);
    let ok = room.world.last_response(1, "200");
    assert_eq!(ok.split("\r\n\r\n").nth(1).unwrap(), sdp);
    room.world.pass(seconds(60));
    assert_eq!(room.heard().len(), 4, "nothing more is announced");
}

#[test]
fn who_cannot_hear_us_early_hears_the_network_ring_and_us_after_the_answer() {
    let mut room = Room::new(AnswerMode::AfterSeconds(12), EarlyMedia::No, Screen::Never);
    room.call();
    assert!(room.world.last_response(1, "180").contains("Content-Length: 0"));
    assert!(room.heard().is_empty());
    room.world.pass(seconds(12));
    room.world.last_response(1, "200");
    room.nobody_rings();
    assert_eq!(room.heard(), ["ring-back", "id/selamat-datang > musik"]);
    // Without an SDP offer there is no early media either.
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::Both, Screen::Never);
    room.world
        .hear(TRUNK, &invite(1, OURSELVES, "").replace("Content-Type: application/sdp\r\n", ""));
    room.world.last_response(1, "180");
    assert!(room.heard().is_empty());
}

#[test]
fn the_place_in_the_queue_is_told_where_the_centre_wants_it() {
    let mut settings = centre(AnswerMode::Immediate, EarlyMedia::No, Screen::Never);
    let position = Position { before: "id/posisi".into(), numbers: prompts(&["id/1", "id/2"]) };
    settings.announcements.get_mut("darurat").unwrap().position = Some(position);
    let mut room = Room::of(settings);
    for _ in 0..3 {
        room.call();
        room.world.pass(Duration::from_millis(1));
    }
    // Only the last caller's programme is looked at: third in the queue, which has no number.
    for _ in 0..3 {
        room.played();
        room.world.pass(seconds(20));
    }
    assert_eq!(room.heard().last().unwrap(), "id/menunggu > musik");
    room.world.trunk_sends(1, "BYE", 2, "");
    room.played();
    room.world.pass(seconds(20));
    assert_eq!(room.heard().last().unwrap(), "id/posisi id/2 id/menunggu > musik");
}

#[test]
fn a_media_plane_that_says_nothing_holds_nobody_up() {
    let mut room = Room::new(AnswerMode::Immediate, EarlyMedia::No, Screen::First);
    room.world.register(1);
    room.call();
    assert!(room.offered().is_empty(), "listened to first");
    room.world.pass(limits::HELD_BACK);
    assert_eq!(room.offered()[0], 1);
    // The welcome, two prompts and three times of listening, and a moment more. The trunk is asked
    // after a minute whether its caller is still there.
    room.world.pass(seconds(61) - limits::HELD_BACK);
    let probe = room.world.last_request(TRUNK, "OPTIONS");
    room.world.hear(TRUNK, &respond(&probe, 200, "", ""));
    room.world.pass(limits::SILENCE_PROMPT + Silence::bound(LISTEN) - seconds(60));
    assert!(room.told().iter().any(|t| t.starts_with("silent: ")), "{:?}", room.told());
}

// ---- what is heard of them -----------------------------------------------------------------------

#[test]
fn a_silent_caller_is_asked_twice_and_reaches_an_operator_all_the_same() {
    let mut room = Room::new(AnswerMode::Immediate, EarlyMedia::No, Screen::WhileWaiting);
    room.call();
    room.nobody_rings();
    room.played();
    room.world.pass(seconds(3));
    room.played();
    room.world.pass(seconds(3));
    room.played();
    room.world.pass(seconds(3));
    let silent = "silent: nothing was heard after two prompts";
    assert_eq!(room.told(), ["prompt 1", "prompt 2", silent]);
    assert_eq!(room.heard()[2..4], ["id/diam-1 > nothing", "id/diam-2 > nothing"]);
    // Who speaks goes before, though they came later; and silence has a bound.
    room.call();
    room.sounds(Sound::Voice);
    room.world.register(1);
    assert_eq!(room.offered(), [2]);
    room.serve();
    room.world.pass(seconds(6));
    assert_eq!(room.offered(), [2, 1]);
    // A late sign still counts.
    assert_eq!(room.world.look().calls[0].lane, Lane::Silent);
}

#[test]
fn any_key_tap_or_voice_moves_a_caller_on() {
    for (sound, word) in [(Sound::Key('5'), "key"), (Sound::Tap, "tap"), (Sound::Voice, "voice")] {
        // During the welcome, while it is listened, and after the caller was found silent.
        for when in 0..3 {
            let mut room = Room::new(AnswerMode::Immediate, EarlyMedia::No, Screen::WhileWaiting);
            room.call();
            room.nobody_rings();
            if when > 0 {
                room.played();
            }
            if when > 1 {
                room.world.pass(seconds(80));
                assert!(room.told().iter().any(|t| t.starts_with("silent")));
            }
            room.sounds(sound);
            room.sounds(sound);
            if when == 0 {
                room.played();
            }
            room.world.pass(seconds(60));
            let told = room.told();
            let heard = format!("heard {word}");
            assert_eq!(told.iter().filter(|t| **t == heard).count(), 1, "{told:?}");
            if when < 2 {
                assert_eq!(told, [heard], "and is not asked any more");
            } else {
                assert!(told.last().unwrap().starts_with("usual: "), "{told:?}");
            }
        }
    }
}

#[test]
fn a_key_by_info_is_a_key_and_noise_alone_is_remembered() {
    let mut room = Room::new(AnswerMode::Immediate, EarlyMedia::No, Screen::WhileWaiting);
    room.call();
    room.nobody_rings();
    room.sounds(Sound::Noise);
    room.played();
    room.world.pass(seconds(80));
    let noisy = "silent: nobody spoke after two prompts, but there was noise".to_owned();
    assert!(room.told().contains(&noisy), "{:?}", room.told());
    let response = room.world.last_response(1, "200");
    let info = scenario::in_dialog(1, &response, "INFO", 2, "Signal=1\r\nDuration=160\r\n");
    let info = info.replace("application/sdp", "application/dtmf-relay");
    room.world.hear(TRUNK, &info);
    assert!(room.told().contains(&"heard key".to_owned()), "{:?}", room.told());
    assert_eq!(room.told().last().unwrap(), "usual: the caller pressed a key");
}

#[test]
fn where_callers_are_listened_to_first_whoever_speaks_rings_at_once() {
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::Both, Screen::First);
    room.world.register(1);
    room.call();
    assert!(room.offered().is_empty());
    room.sounds(Sound::Voice);
    room.played();
    assert_eq!(room.offered(), [1]);
    // A network that lets nothing back before the answer cannot be listened to: nobody is held up.
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::Heard, Screen::First);
    room.world.register(1);
    room.call();
    assert_eq!(room.offered(), [1]);
    // Nor is a car that has crashed.
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::Both, Screen::First);
    room.world.register(1);
    let crash = invite(1, "urn:service:sos.ecall.automatic", SDP);
    room.world.hear(TRUNK, &crash);
    assert_eq!(room.offered(), [1]);
}

// ---- where they stand ----------------------------------------------------------------------------

#[test]
fn a_caller_who_lost_the_call_returns_before_others() {
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never);
    room.call_of("+628111000111", "");
    room.world.cancel(1);
    room.world.pass(seconds(40));
    room.call();
    room.world.pass(seconds(5));
    room.call_of("+628111000111", "");
    let told = room.told();
    assert!(told[0].starts_with("linked: same number"), "{told:?}");
    assert!(told[1].contains("returns 45 seconds after a call that nobody answered"), "{told:?}");
    room.world.register(1);
    assert_eq!(room.offered(), [3]);
}

#[test]
fn headers_of_a_trusted_trunk_raise_a_call_and_of_another_do_not() {
    for trusted in [true, false] {
        let mut settings = centre(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never);
        settings.trunks[0].trust_identity = trusted;
        let mut room = Room::of(settings);
        room.call();
        room.call_of("+628222", "Resource-Priority: esnet.3\r\n");
        room.world.register(1);
        assert_eq!(room.offered(), [if trusted { 2 } else { 1 }]);
        assert!(room.told().iter().any(|t| t.contains("esnet.3")), "{:?}", room.told());
    }
}

fn marked(settings: SwitchboardSettings, number: &str) -> Room {
    let mut room = Room::of(settings);
    room.call_of(number, "");
    room.mark(number);
    room.world.cancel(1);
    // Beyond what makes a returning caller.
    room.world.pass(seconds(15 * 60));
    room
}

#[test]
fn a_marked_number_waits_behind_the_others_until_its_bound() {
    let settings = || centre(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never);
    let mut room = marked(settings(), "+628333000333");
    room.call_of("+628333000333", "");
    room.world.pass(seconds(1));
    room.call();
    room.world.register(1);
    assert_eq!(room.offered(), [3], "who came later goes first");
    assert!(room.told().iter().any(|t| t.starts_with("nuisance: the number is marked by siti")));
    room.world.pass(seconds(1));
    room.call();
    // At its bound it is next, before everybody.
    let mut room = marked(settings(), "+628333000333");
    room.call_of("+628333000333", "");
    room.world.pass(seconds(119));
    room.call();
    room.world.pass(seconds(1));
    room.world.register(1);
    assert_eq!(room.offered(), [2]);
}

#[test]
fn marks_do_not_count_while_many_call_from_one_cell() {
    let settings = centre(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never);
    let mut room = marked(settings, "+628333000333");
    let cell = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=51010a1b20c3d4e5\r\n";
    for n in 0..8 {
        room.call_of(&format!("+62811100{n:04}"), cell);
    }
    let told = room.told();
    assert!(told.iter().any(|t| t.starts_with("mass at cell 510-10-")), "{told:?}");
    assert!(room.world.ladder.contains(&"* alarm mass-incident".to_owned()));
    room.call_of("+628333000333", cell);
    assert!(room.told().last().unwrap().contains("does not count during the mass incident"));
    assert!(room.told().last().unwrap().starts_with("usual: "));
    room.world.pass(seconds(3600));
    assert!(room.told().last().unwrap().ends_with("over true"), "{:?}", room.told().last());
}

#[test]
fn a_number_marked_again_and_again_is_refused_only_where_that_is_set_and_no_key_is_pressed() {
    let insisting = || {
        let mut settings = centre(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never);
        settings.screening.refuse_after_marks = Some(1);
        settings
    };
    let mut room = marked(insisting(), "+628333000333");
    room.world.register(1);
    room.call_of("+628333000333", "");
    room.world.last_response(2, "200");
    assert_eq!(room.heard(), ["id/ditandai > nothing"]);
    assert!(room.world.ladder.contains(&"* alarm nuisance-refused".to_owned()));
    room.world.pass(seconds(4));
    room.played();
    room.sounds(Sound::Voice);
    assert!(room.offered().is_empty());
    room.sounds(Sound::Key('1'));
    assert_eq!(room.offered(), [2], "any key");
    let mut room = marked(insisting(), "+628333000333");
    room.world.register(1);
    room.call_of("+628333000333", "");
    room.world.pass(seconds(4));
    room.played();
    room.world.pass(seconds(60));
    assert_eq!(room.world.endings().last().unwrap(), "Waiting Gateway Nuisance");
    assert!(room.offered().is_empty());
    // Without the prompt nobody could know of the key.
    let mut settings = insisting();
    settings.announcements.get_mut("darurat").unwrap().refused.clear();
    let mut room = marked(settings, "+628333000333");
    room.world.register(1);
    room.call_of("+628333000333", "");
    assert_eq!(room.offered(), [2]);
}

#[test]
fn new_rules_count_for_those_who_wait_and_are_on_the_record() {
    let mut old = centre(AnswerMode::OnAgent, EarlyMedia::No, Screen::Never);
    let other = QueueSettings {
        overflow: vec![Overflow::Number("tel:+62811000112".into())],
        ..QueueSettings::new("laut")
    };
    old.queues.push(other);
    old.seats[1].queues = vec!["laut".into()];
    let mut room = Room::of(old.clone());
    room.world.register(2);
    room.call();
    room.world.pass(seconds(1));
    room.call();
    assert!(room.offered().is_empty());
    let mut new = old;
    new.rules.insert(
        0,
        Rule {
            name: "laut".into(),
            priority: 9,
            when: When { dialled: vec!["0328112".into()], ..When::default() },
            queue: "laut".into(),
            call_priority: 3,
            wants: Vec::new(),
        },
    );
    let (settings, digest, by) = (Box::new(new), String::new(), "test".to_owned());
    room.world.take(Input::Adopt { settings, digest, by });
    assert_eq!(room.offered(), [1], "in the order of arrival");
    let queued = room.world.facts.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Queued { rule, queue, .. } => Some(format!("{rule} -> {queue}")),
        _ => None,
    });
    assert_eq!(queued.unwrap(), "laut (of the new configuration) -> laut");
}

#[test]
fn more_callers_than_can_be_listened_to_wait_like_those_who_spoke() {
    let mut room = Room::of(centre(AnswerMode::Immediate, EarlyMedia::No, Screen::First));
    room.world = World::of(centre(AnswerMode::Immediate, EarlyMedia::No, Screen::First), 800);
    room.world.register(1);
    let listens = |room: &Room| {
        let on =
            |o: &&MediaOrder| matches!(o, MediaOrder::Listen { ears: Some(Ears::Waiting), .. });
        room.world.orders.iter().filter(on).count()
    };
    for _ in 0..limits::LISTENED {
        room.call();
    }
    assert_eq!((listens(&room), room.offered().len()), (limits::LISTENED, 0));
    room.call();
    assert_eq!((listens(&room), room.offered()), (limits::LISTENED, vec![limits::LISTENED + 1]));
    // Who has spoken makes room for the next.
    room.world.trunk_sends(1, "BYE", 2, "");
    room.call();
    assert_eq!(listens(&room), limits::LISTENED + 1);
}

/// All are not busy while a seat rings.
#[test]
fn nothing_is_announced_while_a_seat_rings() {
    let mut room = Room::new(AnswerMode::OnAgent, EarlyMedia::Heard, Screen::Never);
    room.world.register(1);
    room.call();
    room.world.pass(seconds(7));
    assert_eq!(room.heard(), ["ring-back"]);
    // It was not answered: the seat rests for a moment, and the other is not there.
    room.world.pass(seconds(3));
    assert_eq!(room.heard(), ["ring-back", "id/selamat-datang > musik"]);
}
