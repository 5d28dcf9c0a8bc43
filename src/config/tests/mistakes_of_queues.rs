//! Mistakes in how callers wait, who is asked for them and what they hear: the file, what stands in the
//! sample, what is written instead, and what the admin reads.

pub(super) const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "queues.toml",
        r#"strategy = "longest_idle""#,
        r#"strategy = "longest-idle""#,
        r#"queues.toml:11:12: error: "longest-idle" is no strategy; write "longest_idle", "fewest_calls", "round_robin", "ring_all", "preference" or "last_operator""#,
    ),
    (
        "queues.toml",
        "wrap_up_most_seconds = 180",
        "wrap_up_most_seconds = 9",
        r#"queues.toml:12:24: error: wrap_up_most_seconds = 9 is shorter than wrap_up_seconds = 10; let wrap_up_most_seconds be the larger one"#,
    ),
    (
        "queues.toml",
        "usual = 60, silent = 90",
        "usual = 60, silent = 59",
        r#"queues.toml:13:40: error: bound_seconds.silent = 59 is shorter than usual = 60: they would go before the others; let usual <= silent <= nuisance"#,
    ),
    (
        "queues.toml",
        "silent = 90, nuisance = 120",
        "silent = 90, prank = 120",
        r#"queues.toml:13:44: error: unknown key "prank" in bound_seconds; known keys: usual, silent, nuisance"#,
    ),
    (
        "queues.toml",
        "nuisance = 120",
        "nuisance = 171",
        r#"queues.toml:13:55: error: rule "semua" -> queue "darurat": bound_seconds.nuisance = 171 is longer than the 170 s after which networks give up; write at most 170, or answer = "after_seconds:20""#,
    ),
    (
        "queues.toml",
        "wrap_up_seconds = 20
max_wait_seconds = 45",
        "wrap_up_seconds = 20
bound_seconds = { nuisance = 400 }
max_wait_seconds = 45",
        r#"queues.toml:28:30: error: rule "laut" -> queue "laut": bound_seconds.nuisance = 400 is longer than the 170 s after which networks give up; write at most 170, or answer = "after_seconds:20"
queues.toml:28:30: error: rule "kepulauan" -> queue "laut": bound_seconds.nuisance = 400 is longer than the 170 s after which networks give up; write at most 170, or answer = "after_seconds:20""#,
    ),
    (
        "queues.toml",
        "max_wait_seconds = 45",
        "max_wait_seconds = 60",
        r#"queues.toml:9:20: error: rule "semua" -> queue "darurat" -> queue "cadangan" -> sip:ntpd@pamekasan.example -> tel:+6281234567899: the last step comes after 180 s (3 times max_wait_seconds = 60), and networks give up after 170 s; write at most max_wait_seconds = 56, or answer = "after_seconds:20""#,
    ),
    (
        "queues.toml",
        r#"answer = "on_agent"
ring_timeout_seconds = 20
wrap_up_seconds = 20
max_wait_seconds = 75"#,
        r#"answer = "after_seconds:12"
ring_timeout_seconds = 20
wrap_up_seconds = 20
max_wait_seconds = 600"#,
        r#"queues.toml:43:20: error: trunk "telco-a" -> rule "sosial" -> queue "sosial" -> queue "cadangan" -> tel:+6281234567898: the last step comes after 1200 s (2 times max_wait_seconds = 600), and networks give up after 170 s; write at most max_wait_seconds = 85, or answer = "after_seconds:20""#,
    ),
    (
        "queues.toml",
        "length = 30",
        "length = 0",
        r#"queues.toml:14:28: error: length = 0 is out of range; write a number from 1 to 100000, for example 30"#,
    ),
    (
        "queues.toml",
        "unstaffed = true",
        "unstafed = true",
        r#"queues.toml:14:32: error: unknown key "unstafed" in overflow_when; did you mean "unstaffed"?"#,
    ),
    (
        "queues.toml",
        "misses = 3",
        "misses = 21",
        r#"queues.toml:15:10: error: misses = 21 is out of range; write a number from 0 to 20, for example 3"#,
    ),
    (
        "queues.toml",
        "set_aside_seconds = 120",
        "set_aside_seconds = 0",
        r#"queues.toml:16:21: error: set_aside_seconds = 0 is out of range; write a number from 1 to 3600, for example 120"#,
    ),
    (
        "queues.toml",
        "{ after_seconds = 15, lower = 1 }, { after_seconds = 30, any_skill = true }",
        "{ after_seconds = 30, lower = 1 }, { after_seconds = 15, any_skill = true }",
        r#"queues.toml:31:63: error: the widen step after 15 s stands behind that after 30 s; write the steps in order of time"#,
    ),
    (
        "queues.toml",
        "{ after_seconds = 15, lower = 1 }, { after_seconds = 30, any_skill = true }",
        "{ after_seconds = 15, lower = 2 }, { after_seconds = 30, lower = 1 }",
        r#"queues.toml:31:45: error: the widen step after 30 s asks for more again; let lower and tier only rise from step to step"#,
    ),
    (
        "queues.toml",
        "after_seconds = 30, any_skill",
        "after_seconds = 60, any_skill",
        r#"queues.toml:31:63: error: the widen step after 60 s comes too late: after 60 s, the bound, skills and tiers fall anyway; let it come before bound_seconds.usual"#,
    ),
    (
        "queues.toml",
        "{ after_seconds = 30, any_skill",
        "{ any_skill",
        r#"queues.toml:31:45: error: key "after_seconds" is missing in widen; write for example after_seconds = 15"#,
    ),
    (
        "queues.toml",
        "after_seconds = 15, lower = 1",
        "after_seconds = 15, lower = 10",
        r#"queues.toml:31:40: error: lower = 10 is out of range; write a number from 0 to 9, for example 0"#,
    ),
    (
        "queues.toml",
        "after_seconds = 50, tier = 2",
        "after_seconds = 50, tier = 10",
        r#"queues.toml:54:39: error: tier = 10 is out of range; write a number from 1 to 9, for example 2"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        r#"languages = ["id", "mad"]
welcome_text = "satu\u2028dua\ntiga""#,
        r#"queues.toml:20:16: error: the text is too long to be read, or has more than one line; write one line of up to 300 characters"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        r#"languages = ["id", "mad"]
welcome = "halo""#,
        r#"queues.toml:20:11: error: there is no prompt "id/halo": prompts/id/halo.wav, .opus, .ogg or .mp3 is missing; known prompts: id/angka-1, id/angka-2, id/diam-1, id/diam-2, id/ditandai, id/menunggu, id/posisi, id/selamat-datang, mad/diam-1, mad/diam-2, mad/ditandai, mad/menunggu, …
queues.toml:20:11: error: there is no prompt "mad/halo": prompts/mad/halo.wav, .opus, .ogg or .mp3 is missing; did you mean "mad/diam-2"?"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        r#"languages = ["id", "mad"]
music = "muzik""#,
        r#"queues.toml:20:9: error: there is no prompt "muzik": prompts/muzik.wav, .opus, .ogg or .mp3 is missing; did you mean "musik"?"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        r#"languages = ["mad"]
position = true"#,
        r#"queues.toml:18:1: error: there is no prompt "mad/posisi": prompts/mad/posisi.wav, .opus, .ogg or .mp3 is missing; did you mean "id/posisi"?
queues.toml:18:1: error: there is no prompt "mad/angka-1": prompts/mad/angka-1.wav, .opus, .ogg or .mp3 is missing; did you mean "mad/diam-1"?"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        r#"languages = ["id", "mad"]
silence = "diam-1""#,
        r#"queues.toml:20:11: error: silence names 1 prompts, not two; write silence = ["diam-1", "diam-2"]"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        "languages = []",
        r#"queues.toml:18:1: error: key "languages" is missing in [queue.announce]; write for example languages = ["id", "mad"]"#,
    ),
    (
        "queues.toml",
        r#"languages = ["id", "mad"]"#,
        r#"languages = ["../id"]"#,
        r#"queues.toml:19:14: error: "../id" is no language; write the name of a folder below prompts, for example "id" or "mad""#,
    ),
    (
        "queues.toml",
        r#"screen = "while_waiting""#,
        r#"screen = "always""#,
        r#"queues.toml:21:10: error: "always" is no time to listen to callers; write "never", "while_waiting" or "first""#,
    ),
    (
        "queues.toml",
        "again_seconds = 25",
        "again_seconds = 4
listen_seconds = 16
hold_alarm_seconds = 0",
        r#"queues.toml:20:17: error: again_seconds = 4 is out of range; write a number from 5 to 600, for example 25
queues.toml:21:18: error: listen_seconds = 16 is out of range; write a number from 1 to 15, for example 4
queues.toml:22:22: error: hold_alarm_seconds = 0 is out of range; write a number from 30 to 3600, for example 180"#,
    ),
    (
        "queues.toml",
        "again_seconds = 25",
        "again = 25",
        r#"queues.toml:20:1: error: unknown key "again" in [queue.announce]; did you mean "again_seconds"?"#,
    ),
    (
        "seats.toml",
        r#"{ queue = "cadangan", tier = 2 }"#,
        r#"{ queue = "cadngan", tier = 2 }"#,
        r#"seats.toml:24:40: error: no queue is called "cadngan"; did you mean "cadangan"?"#,
    ),
    (
        "seats.toml",
        r#"{ queue = "cadangan", tier = 2 }"#,
        "{ tier = 2 }",
        r#"seats.toml:24:30: error: key "queue" is missing in queues; write for example queue = "darurat""#,
    ),
    (
        "seats.toml",
        "tier = 2",
        "tier = 10, preference = 6, weight = 0",
        r#"seats.toml:24:59: error: tier = 10 is out of range; write a number from 1 to 9, for example 1
seats.toml:24:76: error: preference = 6 is out of range; write a number from 1 to 5, for example 3
seats.toml:24:88: error: weight = 0 is out of range; write a number from 1 to 9, for example 1"#,
    ),
    (
        "seats.toml",
        r#"{ queue = "cadangan", tier = 2 }"#,
        r#"7, { queue = "cadangan", teir = 2 }"#,
        r#"seats.toml:24:30: error: "queues" is a number, not a list of texts and tables; write a list of texts and tables
seats.toml:24:55: error: unknown key "teir" in queues; did you mean "tier"?"#,
    ),
    (
        "seats.toml",
        r#"{ queue = "cadangan", tier = 2 }"#,
        r#""darurat""#,
        r#"seats.toml:24:30: error: the seat "seat-1" serves the queue "darurat" twice; keep one of them"#,
    ),
    (
        "seats.toml",
        r#"queues = ["sosial", "cadangan"]"#,
        r#"queues = ["sosial", { queue = "cadangan", tier = 2 }]"#,
        r#"queues.toml:48:8: error: queue "cadangan": no seat is of tier 1, the lowest is 2; give the seats that are asked first tier 1"#,
    ),
    (
        "seats.toml",
        r#"queues = ["sosial", "cadangan"]"#,
        r#"queues = { queue = "sosial", tier = 2 }"#,
        r#"queues.toml:39:8: error: queue "sosial": no seat is of tier 1, the lowest is 2; give the seats that are asked first tier 1
queues.toml:48:8: error: queue "cadangan": no seat is of tier 1, the lowest is 2; give the seats that are asked first tier 1"#,
    ),
    (
        "seats.toml",
        "skills = { mad = 3 }",
        r#"skills = { mad = 10, "ma d" = 1, laut = "good" }"#,
        r#"seats.toml:26:18: error: the level of "mad" is 10; write a number from 1 to 9
seats.toml:26:22: error: "ma d" cannot be a name; write 1 to 64 letters, digits, hyphens, underscores and dots, for example "telco-a"
seats.toml:26:41: error: the level of "laut" is a text; write a number from 1 to 9"#,
    ),
    (
        "seats.toml",
        "skills = { mad = 3 }",
        r#"skills = ["mad"]"#,
        r#"seats.toml:26:10: error: "skills" is a list, not a table; write a table"#,
    ),
    (
        "seats.toml",
        "skills = { mad = 3 }",
        r#"auto_answer = "yes""#,
        r#"seats.toml:26:15: error: "auto_answer" is a text, not true or false; write true or false"#,
    ),
    (
        "seats.toml",
        "skills = { mad = 3 }",
        "text = 1",
        r#"seats.toml:26:8: error: "text" is a number, not true or false; write true or false"#,
    ),
    (
        "routing.toml",
        r#"["kepulauan:2"]"#,
        r#"["kepulaun"]"#,
        r#"routing.toml:18:11: error: rule "kepulauan" asks for kepulaun:1 -> queue "laut": no seat has it; callers wait 15 s until a widen step gives it up; did you mean "kepulauan"?"#,
    ),
    (
        "routing.toml",
        r#"["kepulauan:2"]"#,
        r#"["kepulauan:0", "a b", "mad:x"]"#,
        r#"routing.toml:18:11: error: "kepulauan:0" is no skill with a level; write a short name, with a level from 1 to 9 or without: "kepulauan:2"
routing.toml:18:26: error: "a b" is no skill with a level; write a short name, with a level from 1 to 9 or without: "kepulauan:2"
routing.toml:18:33: error: "mad:x" is no skill with a level; write a short name, with a level from 1 to 9 or without: "kepulauan:2""#,
    ),
    (
        "routing.toml",
        r#"queue = "sosial"
call_priority = 2"#,
        r#"queue = "sosial"
skills = "mad:2""#,
        r#"routing.toml:25:10: error: rule "sosial" asks for mad:2 -> queue "sosial": no seat has it, and no widen step gives it up before the bound; give a seat of "sosial" the skill, or ask for none"#,
    ),
    (
        "trunks/telco-a.toml",
        r#"early_media = "both""#,
        r#"early_media = "yes""#,
        r#"trunks/telco-a.toml:10:15: error: "yes" is not known of audio before the answer; write "no", "heard" (the caller hears us) or "both" (and we hear the caller)"#,
    ),
    (
        "gateway.toml",
        "mark_hours = 24",
        "mark_hours = 0
returning_priority = 10
link_within_minutes = 1441",
        r#"gateway.toml:44:14: error: mark_hours = 0 is out of range; write a number from 1 to 720, for example 24
gateway.toml:45:22: error: returning_priority = 10 is out of range; write a number from 0 to 9, for example 7
gateway.toml:46:23: error: link_within_minutes = 1441 is out of range; write a number from 1 to 1440, for example 60"#,
    ),
    (
        "gateway.toml",
        "mass_callers = 8",
        "mass_callers = 1
mass_lasts_minutes = 0
returning_within_minutes = 0",
        r#"gateway.toml:45:16: error: mass_callers = 1 is out of range; write a number from 2 to 10000, for example 8
gateway.toml:46:22: error: mass_lasts_minutes = 0 is out of range; write a number from 1 to 1440, for example 15
gateway.toml:47:28: error: returning_within_minutes = 0 is out of range; write a number from 1 to 1440, for example 10"#,
    ),
    (
        "gateway.toml",
        "mark_hours = 24",
        "mark_days = 1
refuse_after_marks = 0",
        r#"gateway.toml:44:1: error: unknown key "mark_days" in [screening]; did you mean "mark_hours"?
gateway.toml:45:22: error: refuse_after_marks = 0 is out of range; write a number from 1 to 1000, for example 3"#,
    ),
];
