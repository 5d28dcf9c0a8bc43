//! How callers wait, what they hear, and the ways on which they would wait in vain.

use std::fs;

use super::{Edit, edited, findings, good, of_the_sample};
use crate::config::Severity;
use crate::switchboard::settings::Screen;
use crate::trunk::settings::EarlyMedia;
use crate::vocabulary::{PromptId, QueueId};

#[test]
fn queues_seats_and_rules_are_read_in_full() {
    let dir =
        edited(&[("queues.toml", "again_seconds = 25", "again_seconds = 25\nposition = true")]);
    let board = good(dir.path(), &[]).switchboard;
    let darurat = &board.queues[0];
    assert_eq!(darurat.bounds.nuisance.as_secs(), 120);
    assert_eq!(darurat.overflow_when.length, Some(30));
    assert!(darurat.overflow_when.unstaffed && !darurat.overflow_when.paused);
    assert_eq!((darurat.misses, darurat.wrap_up_most.as_secs()), (3, 180));
    let steps = |queue: usize| {
        let steps = board.queues[queue].widen.iter();
        steps.map(|step| (step.after.as_secs(), step.lower, step.tier)).collect::<Vec<_>>()
    };
    assert_eq!(steps(1), [(15, 1, None), (30, 9, None)]);
    assert_eq!(steps(3), [(50, 0, Some(2))]);
    let member = |seat: usize| board.seats[seat].member(&QueueId::from("cadangan"));
    let tiers: Vec<_> = (0..4).map(|seat| member(seat).map(|member| member.tier)).collect();
    assert_eq!(tiers, [Some(2), Some(2), Some(2), Some(1)]);
    let skills: Vec<String> =
        board.seats[2].skills.iter().map(|(skill, level)| format!("{skill}:{level}")).collect();
    assert_eq!(skills, ["kepulauan:3", "mad:3"]);
    let kepulauan = board.rules.iter().find(|rule| rule.name == "kepulauan").expect("a rule");
    assert_eq!(kepulauan.wants[0].to_string(), "kepulauan:2");
    let media: Vec<EarlyMedia> = board.trunks.iter().map(|trunk| trunk.early_media).collect();
    assert_eq!(media, [EarlyMedia::No, EarlyMedia::Both, EarlyMedia::Heard, EarlyMedia::No]);
    assert_eq!(board.screening.mark_lasts.as_secs(), 24 * 3600);
    assert_eq!(board.screening.refuse_after_marks, None);
    let heard = &board.announcements[&QueueId::from("darurat")];
    let names = |prompts: &[PromptId]| prompts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&heard.welcome), ["id/selamat-datang", "mad/selamat-datang"]);
    assert!(heard.welcome_text.starts_with("112. Operator"), "{}", heard.welcome_text);
    assert_eq!(heard.silence.each_ref().map(|one| names(one)), [["id/diam-1"], ["mad/diam-2"]]);
    assert_eq!((heard.screen, heard.again.as_secs()), (Screen::WhileWaiting, 25));
    assert_eq!(heard.music.as_ref().map(PromptId::as_str), Some("musik"));
    assert_eq!((names(&heard.hold).len(), heard.hold_alarm.as_secs()), (0, 180));
    let place = heard.position.as_ref().expect("told");
    assert!(place.numbers.len() >= 2 && place.before.as_str() == "id/posisi");
    // Nothing is written for this one: Indonesian alone, and nobody is listened to.
    let usual = &board.announcements[&QueueId::from("sosial")];
    assert_eq!((names(&usual.wait), usual.screen), (vec!["id/menunggu".to_owned()], Screen::Never));
}

#[test]
fn each_of_the_two_prompts_is_said_in_one_language() {
    let two = "languages = [\"id\", \"mad\"]";
    let written = "languages = [\"mad\", \"id\", \"en\"]\nsilence = [\"diam-1\", \"menunggu\"]";
    let cases = [
        (two, two, "", ["id/diam-1", "mad/diam-2"]),
        (two, "languages = [\"mad\"]", "", ["mad/diam-1", "mad/diam-2"]),
        (two, written, "", ["mad/diam-1", "id/menunggu"]),
        // What the second language lacks is said in the first.
        (two, two, "prompts/mad/diam-2.opus", ["id/diam-1", "id/diam-2"]),
        (two, two, "prompts/id/diam-1.opus", ["mad/diam-1", "mad/diam-2"]),
    ];
    for (from, to, without, want) in cases {
        let dir = edited(&[("queues.toml", from, to)]);
        if !without.is_empty() {
            fs::remove_file(dir.path().join(without)).expect("remove");
        }
        let board = good(dir.path(), &[]).switchboard;
        let heard = board.announcements[&QueueId::from("darurat")].silence.concat();
        assert_eq!(heard.iter().map(PromptId::as_str).collect::<Vec<_>>(), want, "{to} {without}");
    }
}

#[test]
fn without_prompts_callers_hear_the_ring_back_tone() {
    let dir = edited(&[]);
    fs::remove_dir_all(dir.path().join("prompts")).expect("remove");
    let board = good(dir.path(), &[]).switchboard;
    for heard in board.announcements.values() {
        assert!(heard.welcome.is_empty() && heard.wait.is_empty() && heard.music.is_none());
    }
    let with = good(edited(&[]).path(), &[]).digest;
    assert_ne!(with, good(dir.path(), &[]).digest, "prompts are part of the configuration");
    let other = edited(&[]);
    let unused = other.path().join("prompts/id/lain.wav");
    fs::write(unused, "not heard").expect("write");
    assert_eq!(with, good(other.path(), &[]).digest, "what nobody hears is not");
}

#[test]
fn a_prompt_file_that_is_too_large_is_named_and_not_read() {
    let dir = edited(&[]);
    let grow = |name: &str, bytes| {
        let file = fs::File::options().append(true).create(true).open(dir.path().join(name));
        file.and_then(|file| file.set_len(bytes)).expect("grows");
    };
    grow("prompts/id/menunggu.opus", 20 << 20);
    grow("prompts/id/lain.wav", 1_270_000_000);
    good(dir.path(), &[]);
    // A whole terabyte: hashing it would outlast every patience.
    grow("prompts/id/menunggu.opus", 1 << 40);
    assert_eq!(
        findings(dir.path(), &[], Severity::Error),
        [
            "prompts/id/menunggu.opus: error: the file has 1099511627776 bytes, 20971520 are allowed; \
          make it shorter, or save it as .opus"
        ]
    );
}

#[test]
fn ways_that_end_badly_are_shown_from_their_beginning() {
    let cases: [(&[Edit<'_>], &str); 3] = [
        (
            &[
                ("queues.toml", "tier = 2", "tier = 1"),
                (
                    "seats.toml",
                    "[\"sosial\", \"cadangan\"]",
                    "[\"sosial\", { queue = \"cadangan\", tier = 3 }]",
                ),
            ],
            "queues.toml:48:8: error: queue \"cadangan\": its seats are of tier 2 and higher, and its \
             widen steps open up to tier 1 only; let a widen step open their tier, or give a seat \
             tier 1",
        ),
        (
            &[
                ("queues.toml", "answer = \"on_agent\"", "answer = \"immediate\""),
                ("queues.toml", "nuisance = 120", "nuisance = 400"),
                (
                    "routing.toml",
                    "when = {}",
                    "when = {}\n[[rule]]\nname = \"dua\"\npriority = 5\nqueue = \"darurat\"\n\
                     when = { trunk = [\"telco-b\", \"telco-c\"] }\n[[rule]]\npriority = -1",
                ),
            ],
            "queues.toml:13:55: error: trunk \"telco-b\" -> rule \"dua\" -> queue \"darurat\": \
             bound_seconds.nuisance = 400 is longer than the 170 s after which networks give up; \
             write at most 170, or answer = \"after_seconds:20\"",
        ),
        (
            &[
                ("gateway.toml", "mark_hours = 24", "refuse_after_marks = 2"),
                ("queues.toml", "again_seconds = 25", "refused = []"),
            ],
            "queues.toml:5:8: error: rule \"semua\" -> queue \"darurat\": refuse_after_marks \
             refuses callers, and none hears which way is left; add the prompt \"ditandai\", or \
             remove refuse_after_marks",
        ),
    ];
    for (edits, expected) in cases {
        let dir = edited(edits);
        let found = findings(dir.path(), &[], Severity::Error);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{found:#?}");
    }
}

#[test]
fn listening_to_callers_whom_nobody_can_hear_is_a_warning() {
    let deaf = [
        ("trunks/telco-a.toml", "\"both\"", "\"heard\""),
        ("trunks/telco-c.toml", "after_seconds:12", "on_agent"),
    ];
    for (edits, expected) in [(&deaf[..1], 0), (&deaf[1..], 0), (&deaf[..], 3)] {
        let mut found = findings(edited(edits).path(), &[], Severity::Warning);
        found.retain(|line| line.contains("nobody is listened to"));
        assert_eq!(found.len(), expected, "{found:#?}");
        let way = "queues.toml:5:8: warning: rule \"semua\" -> queue \"darurat\": nobody is";
        assert!(expected == 0 || found[0].starts_with(way), "{found:#?}");
    }
}

#[test]
fn habits_that_somebody_should_look_at_are_warnings() {
    let table: [(Edit<'_>, &str); 5] = [
        (
            ("gateway.toml", "mark_hours = 24", "refuse_after_marks = 3"),
            "gateway.toml:44:22: warning: EMERGENCY CALLS ARE REFUSED: whose number was marked 3 \
             times reaches an operator only by pressing a key; remove refuse_after_marks: marked \
             callers then wait behind the others",
        ),
        (
            ("routing.toml", "kepulauan:2", "kepulauan:4"),
            "routing.toml:18:11: warning: rule \"kepulauan\" asks for kepulauan:4 -> queue \
             \"laut\": its seats have kepulauan:3 at best, and a widen step lowers it after 15 s; \
             ask for kepulauan:3, or give a seat the level",
        ),
        (
            ("queues.toml", "screen = \"while_waiting\"", "screen = \"first\""),
            "queues.toml:4:1: warning: screen = \"first\" lets everybody wait for two prompts \
             before a seat rings; write screen = \"while_waiting\", which delays nobody",
        ),
        (
            ("queues.toml", "languages = [\"id\", \"mad\"]", "languages = [\"id\", \"bjo\"]"),
            "queues.toml:19:20: warning: nothing can be said in \"bjo\": prompts/bjo has no file; \
             add its prompts, or leave the language out",
        ),
        (
            ("queues.toml", "tier = 2", "tier = 1"),
            "queues.toml:48:8: warning: queue \"cadangan\": seats of tier 2 are asked at the bound \
             only, since its widen steps open up to tier 1; let a widen step open their tier",
        ),
    ];
    for (edit, expected) in table {
        let dir = edited(&[edit]);
        good(dir.path(), &[]);
        let mut found = findings(dir.path(), &[], Severity::Warning);
        found.retain(|line| !of_the_sample(line));
        assert_eq!(found.join("\n"), expected, "{edit:?}");
    }
}
