//! `[queue.announce]`: what callers hear who wait.
//!
//! Prompts are named without language: each is looked for in every language of the queue, in their
//! order. What is written must exist; what is not written is taken as far as it exists, so a queue
//! without this table has announcements as soon as the sample's prompts are there.
//!
//! Only the two that ask for a sign are said in one language each, the first in the first and the
//! second in the second: who is silent is to be known soon, and hears both languages.

use super::findings::{At, Log, Place};
use super::prompts::PromptFiles;
use super::section::{Section, Wrong, name};
use crate::switchboard::settings::{Announcements, Position, Screen};
use crate::vocabulary::PromptId;

/// What callers hear where nothing else is written.
const LANGUAGE: &str = "id";
const WELCOME: &str = "selamat-datang";
const WELCOME_TEXT: &str = "112. Operator segera menjawab. Tulis apa yang terjadi dan di mana.";
const WAIT: &str = "menunggu";
const MUSIC: &str = "musik";
const SILENCE: [&str; 2] = ["diam-1", "diam-2"];
const REFUSED: &str = "ditandai";
const HOLD: &str = "ditahan";
/// The prompts that tell a place in the queue.
const PLACE: &str = "posisi";
const NUMBER: &str = "angka-";
/// Places that are told at most: beyond them a number comforts nobody.
const NUMBERS: usize = 99;
/// Characters of what callers read: ten seconds of what a telephone shows.
const MOST_READ: usize = 300;
/// Seconds between two announcements.
const AGAIN: u32 = 25;
/// Seconds that a caller is put aside before people are told.
const HOLD_ALARM: u32 = 180;
/// Seconds that a caller is listened to.
const LISTEN: u32 = 4;

/// What callers read; nothing is nothing.
fn in_writing(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if text.chars().count() <= MOST_READ && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        "the text is too long to be read, or has more than one line",
        format!("write one line of up to {MOST_READ} characters"),
    ))
}

/// Reads the table of one queue, empty when it is not written; `queue` is where the queue stands.
pub(super) fn read(
    mut section: Section<'_>,
    queue: &Place,
    prompts: &mut PromptFiles,
    log: &Log,
) -> Announcements {
    let languages = languages(&mut section, prompts);
    let mut missing = Vec::new();
    let mut say = |section: &mut Section<'_>, key: &'static str, usual: &str| {
        if !section.has(key) {
            return existing(&languages, (key, usual), prompts, &mut missing);
        }
        let names = section.words(key, name);
        needed(&languages, &names, prompts, log)
    };
    let welcome = say(&mut section, "welcome", WELCOME);
    let wait = say(&mut section, "wait", WAIT);
    let refused = say(&mut section, "refused", REFUSED);
    let hold = say(&mut section, "hold", HOLD);
    let screen = section.word("screen", screen).map(|mode| mode.value).unwrap_or_default();
    let silence = silence(&mut section, &languages, prompts);
    if screen != Screen::Never {
        for (turn, (asked, name)) in silence.iter().zip(SILENCE).enumerate() {
            let own = own_first(&languages, turn).next().filter(|_| asked.is_empty());
            missing.extend(own.map(|own| (PromptId::from(format!("{own}/{name}")), "silence")));
        }
    }
    let speaks = languages.iter().any(|language| prompts.speak(language));
    if screen != Screen::Never && speaks && silence.iter().any(Vec::is_empty) {
        log.warn(
            &section.place,
            "callers of whom nothing is heard are asked nothing: the prompts are missing",
            format!(
                "add prompts/{LANGUAGE}/{}.wav and {}.wav, or screen = \"never\"",
                SILENCE[0], SILENCE[1]
            ),
        );
    }
    if screen == Screen::First {
        log.warn(
            queue,
            "screen = \"first\" lets everybody wait for two prompts before a seat rings",
            "write screen = \"while_waiting\", which delays nobody",
        );
    }
    let hears_music = !section.has("music");
    let (music, position) =
        (music(&mut section, prompts), position(&mut section, &languages, prompts));
    if hears_music && music.is_none() {
        missing.push((PromptId::from(MUSIC), "music"));
    }
    Announcements {
        missing,
        welcome,
        welcome_text: section
            .word("welcome_text", in_writing)
            .map_or_else(|| WELCOME_TEXT.to_owned(), |text| text.value),
        wait,
        again: section.seconds("again_seconds", 5..=600, AGAIN).value,
        hold,
        hold_alarm: section.seconds("hold_alarm_seconds", 30..=3600, HOLD_ALARM).value,
        music,
        position,
        screen,
        silence,
        listen: section.seconds("listen_seconds", 1..=15, LISTEN).value,
        refused,
    }
}

fn languages(section: &mut Section<'_>, prompts: &PromptFiles) -> Vec<String> {
    let log = section.log();
    if section.lists_nothing("languages") {
        section.missing("languages", "[\"id\", \"mad\"]");
    }
    let mut languages: Vec<String> = Vec::new();
    for language in section.words("languages", language) {
        if !prompts.speak(&language.value) {
            log.warn(
                &language.place,
                format!(
                    "nothing can be said in {:?}: prompts/{} has no file",
                    language.value, language.value
                ),
                "add its prompts, or leave the language out",
            );
        }
        if !languages.contains(&language.value) {
            languages.push(language.value);
        }
    }
    if languages.is_empty() { vec![LANGUAGE.to_owned()] } else { languages }
}

/// A language tag (RFC 5646): it is the name of a folder.
fn language(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (2..=16).contains(&text.len()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} is no language"),
        "write the name of a folder below prompts, for example \"id\" or \"mad\"",
    ))
}

fn screen(text: &str) -> Result<Screen, Wrong> {
    match text {
        "never" => Ok(Screen::Never),
        "while_waiting" => Ok(Screen::WhileWaiting),
        "first" => Ok(Screen::First),
        _ => Err(Wrong::new(
            format!("{text:?} is no time to listen to callers"),
            "write \"never\", \"while_waiting\" or \"first\"",
        )),
    }
}

/// The prompt in every language that has it; the others are noted.
fn existing(
    languages: &[String],
    (event, name): (&'static str, &str),
    prompts: &mut PromptFiles,
    missing: &mut Vec<(PromptId, &'static str)>,
) -> Vec<PromptId> {
    let mut found = Vec::new();
    for language in languages {
        let name = format!("{language}/{name}");
        match prompts.find(&name) {
            Some(prompt) => found.push(prompt),
            None => missing.push((PromptId::from(name), event)),
        }
    }
    found
}

/// The prompts in every language, all of which must be there.
fn needed(
    languages: &[String],
    names: &[At<String>],
    prompts: &mut PromptFiles,
    log: &Log,
) -> Vec<PromptId> {
    let mut all = Vec::new();
    for language in languages {
        for name in names {
            let value = format!("{language}/{}", name.value);
            all.extend(prompts.need(&At { place: name.place.clone(), value }, log));
        }
    }
    all
}

/// The languages that one prompt of the two is looked for in, its own first. Those beyond the
/// second are not said.
fn own_first(languages: &[String], turn: usize) -> impl Iterator<Item = &String> {
    let own = languages.get(turn).or(languages.first());
    own.into_iter().chain(languages)
}

/// The two prompts that ask for a sign, each in one language.
fn silence(
    section: &mut Section<'_>,
    languages: &[String],
    prompts: &mut PromptFiles,
) -> [Vec<PromptId>; 2] {
    let log = section.log();
    if !section.has("silence") {
        let [first, second] = SILENCE;
        return [(0, first), (1, second)].map(|(turn, name)| {
            let mut said = own_first(languages, turn);
            said.find_map(|language| prompts.find(&format!("{language}/{name}")))
                .into_iter()
                .collect()
        });
    }
    let place = section.place.clone();
    let names = section.words("silence", name);
    let [first, second] = names.as_slice() else {
        let what = format!("silence names {} prompts, not two", names.len());
        log.error(
            names.first().map_or(&place, |name| &name.place),
            what,
            format!("write silence = [{:?}, {:?}]", SILENCE[0], SILENCE[1]),
        );
        return Default::default();
    };
    [(0, first), (1, second)].map(|(turn, name)| {
        let own: Vec<String> = own_first(languages, turn).take(1).cloned().collect();
        needed(&own, std::slice::from_ref(name), prompts, log)
    })
}

fn music(section: &mut Section<'_>, prompts: &mut PromptFiles) -> Option<PromptId> {
    if !section.has("music") {
        return prompts.find(MUSIC);
    }
    if section.lists_nothing("music") {
        section.words("music", name);
        return None;
    }
    let log = section.log();
    let music = section.word("music", name)?;
    prompts.need(&music, log)
}

/// "Your place in the queue is", and the numbers as far as they go on.
fn position(
    section: &mut Section<'_>,
    languages: &[String],
    prompts: &mut PromptFiles,
) -> Option<Position> {
    let place = section.place.clone();
    let log = section.log();
    if !section.truth("position", false) {
        return None;
    }
    let language = languages.first()?;
    let need = |name: String| At { place: place.clone(), value: format!("{language}/{name}") };
    let before = prompts.need(&need(PLACE.to_owned()), log);
    let first = prompts.need(&need(format!("{NUMBER}1")), log)?;
    let more = (2..=NUMBERS).map_while(|n| prompts.find(&format!("{language}/{NUMBER}{n}")));
    let numbers = std::iter::once(first).chain(more).collect();
    Some(Position { before: before?, numbers })
}
