//! Prompts as the console changes them: judged as they will be played, written with the other files of the
//! configuration, adopted by the one path of [`super::reload`]. Who hears an old one hears it to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::policy::{Files, adopt, current, disk};
use super::reload::{Reloader, locked};
use crate::config::{self, Changes, Sound};
use crate::console::policy::prompts::{
    MissingPrompt, PromptChange, PromptChanged, PromptFile, PromptList, PromptName, PromptUse,
    ShownPrompt,
};
use crate::console::policy::{Change, PolicyError, Proposal};
use crate::media::prompts::{JudgedPrompt, PromptDoubt, PromptMistake, Prompts};
use crate::switchboard::settings::SwitchboardSettings;
use crate::vocabulary::{PromptId, limits};

/// One file is decoded at a time: ten minutes take up to half a gigabyte.
static JUDGING: Mutex<()> = Mutex::new(());

/// Where callers hear each prompt.
fn uses(settings: &SwitchboardSettings) -> BTreeMap<PromptId, BTreeSet<PromptUse>> {
    let mut uses: BTreeMap<PromptId, BTreeSet<PromptUse>> = BTreeMap::new();
    for (queue, says) in &settings.announcements {
        let mut note = |event: &'static str, prompts: &mut dyn Iterator<Item = &PromptId>| {
            for prompt in prompts {
                let queue = queue.to_string();
                uses.entry(prompt.clone()).or_default().insert(PromptUse { queue, event });
            }
        };
        note("welcome", &mut says.welcome.iter());
        note("wait", &mut says.wait.iter());
        note("music", &mut says.music.iter());
        note("position", &mut says.position.iter().map(|position| &position.before));
        note("number", &mut says.position.iter().flat_map(|position| &position.numbers));
        note("silence", &mut says.silence.iter().flatten());
        note("hold", &mut says.hold.iter());
        note("refused", &mut says.refused.iter());
    }
    uses
}

/// The prompt of a file, by its name below the configuration folder.
fn name_of(file: &str) -> Option<PromptName> {
    let path = file.strip_prefix("prompts/")?.rsplit_once('.')?.0;
    Some(match path.split_once('/') {
        Some((language, name)) => {
            PromptName { language: Some(language.to_owned()), name: name.to_owned() }
        }
        None => PromptName { language: None, name: path.to_owned() },
    })
}

/// Every prompt, and those that a queue would say and that have no file.
pub(super) fn list(reloader: &Reloader) -> Result<PromptList, PolicyError> {
    let files = current(reloader)?;
    let settings = locked(&reloader.adopted).0.clone();
    let (loaded, _) = locked(&reloader.prompts).clone();
    let uses = uses(&settings);
    let mut list = PromptList {
        languages: Vec::new(),
        prompts: Vec::new(),
        missing: Vec::new(),
        seconds: seconds(loaded.prompts.total()),
        seconds_most: limits::PROMPTS_LENGTH.as_secs(),
        bytes_most: limits::PROMPT_BYTES,
        one_seconds_most: limits::PROMPT_LENGTH.as_secs(),
    };
    let mut languages = BTreeSet::new();
    for (file, text) in &files {
        let Some((name, sound)) = name_of(file).zip(Sound::referred(text)) else { continue };
        languages.extend(name.language.clone());
        list.prompts.push(shown(file, name, sound, &loaded, &uses));
    }
    for file in loaded.wrong.keys().filter(|file| !files.contains_key(*file)) {
        let Some(name) = name_of(file).filter(|_| config::is_sound(file)) else { continue };
        // Too long, or not readable: it is no part of a version, and can be replaced all the same.
        let nothing = Sound { bytes: 0, sha256: String::new() };
        list.prompts.push(shown(file, name, nothing, &loaded, &uses));
    }
    let mut missing: BTreeMap<(Option<String>, String), Vec<PromptUse>> = BTreeMap::new();
    for (queue, says) in &settings.announcements {
        for (id, event) in &says.missing {
            let id = id.to_string();
            let (language, name) = match id.split_once('/') {
                Some((language, name)) => (Some(language.to_owned()), name.to_owned()),
                None => (None, id),
            };
            languages.extend(language.clone());
            let used = PromptUse { queue: queue.to_string(), event };
            missing.entry((language, name)).or_default().push(used);
        }
    }
    let missing = missing.into_iter();
    list.missing =
        missing.map(|((language, name), used)| MissingPrompt { language, name, used }).collect();
    list.languages = languages.into_iter().collect();
    Ok(list)
}

fn shown(
    file: &str,
    name: PromptName,
    sound: Sound,
    loaded: &super::prompts::Loaded,
    uses: &BTreeMap<PromptId, BTreeSet<PromptUse>>,
) -> ShownPrompt {
    let id = PromptId::from(name.id());
    let source = loaded.prompts.source(&id);
    let doubt = loaded.prompts.doubts().iter().find(|(doubted, _)| *doubted == id);
    ShownPrompt {
        language: name.language,
        name: name.name,
        file: file.to_owned(),
        bytes: sound.bytes,
        sha256: sound.sha256,
        seconds: loaded.prompts.duration(&id).map(seconds),
        codec: source.map(|source| source.codec),
        rate: source.map(|source| source.rate),
        channels: source.map(|source| source.channels),
        doubt: doubt.map(|(_, doubt)| word(*doubt)),
        wrong: loaded.wrong.get(file).cloned(),
        used: uses.get(&id).into_iter().flatten().cloned().collect(),
    }
}

/// To the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}

fn word(doubt: PromptDoubt) -> &'static str {
    match doubt {
        PromptDoubt::Silent => "silent",
        PromptDoubt::Clipped => "clipped",
    }
}

/// The files of one prompt; more than one when somebody laid a second beside it by hand.
fn files_of<'f>(files: &'f Files, prompt: &PromptName) -> Vec<(&'f String, Sound)> {
    let own = files.iter().filter(|(file, _)| name_of(file).as_ref() == Some(prompt));
    own.filter_map(|(file, text)| Some((file, Sound::referred(text)?))).collect()
}

/// The file of a prompt as it lies there.
pub(super) fn file(reloader: &Reloader, prompt: &PromptName) -> Result<PromptFile, PolicyError> {
    let files = current(reloader)?;
    let own = files_of(&files, prompt);
    let (name, sound) = own.first().ok_or_else(|| PolicyError::NoPrompt(prompt.id()))?;
    let content = std::fs::read(reloader.folder.join(name)).map_err(|error| disk(&error))?;
    let media_type = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        ending if ending.eq_ignore_ascii_case("wav") => "audio/wav",
        ending if ending.eq_ignore_ascii_case("mp3") => "audio/mpeg",
        _ => "audio/ogg",
    };
    Ok(PromptFile { media_type, sha256: sound.sha256.clone(), content })
}

/// Puts, replaces or takes away a prompt, as a version.
pub(super) fn change(
    reloader: &Reloader,
    change: PromptChange,
) -> Result<PromptChanged, PolicyError> {
    let PromptChange { prompt, file, base, by, why } = change;
    let judged = file.as_deref().map(judge).transpose()?;
    let _alone = reloader.alone();
    let before = current(reloader)?;
    let own = files_of(&before, &prompt);
    let there = own.first().map(|(_, sound)| sound.sha256.clone());
    if there.is_none() && file.is_none() {
        return Err(PolicyError::NoPrompt(prompt.id()));
    }
    if there != base {
        let now = match there {
            Some(sha256) => format!("its SHA-256 is {sha256}"),
            None => "it is not there any more".to_owned(),
        };
        return Err(PolicyError::PromptMoved { id: prompt.id(), now });
    }
    let mut changes = Changes::default();
    for (name, _) in &own {
        changes.set((*name).clone(), None);
    }
    match (&file, &judged) {
        (Some(content), Some(judged)) => {
            fits_beside(reloader, &before, &prompt, judged)?;
            let sound = reloader.versions.sounds().put(content).map_err(|error| disk(&error))?;
            if own.iter().any(|(_, known)| *known == sound) {
                return Err(PolicyError::Same);
            }
            let name = format!("prompts/{}.{}", prompt.id(), judged.ending);
            changes.set(name, Some(sound.reference()));
        }
        _ => unused(reloader, &prompt)?,
    }
    let change = Change { files: Proposal::new(), base: String::new(), by, why };
    let applied = adopt(reloader, &before, &changes, &change, None)?;
    let list = list(reloader)?;
    let is_it =
        |shown: &ShownPrompt| shown.language == prompt.language && shown.name == prompt.name;
    Ok(PromptChanged {
        prompt: list.prompts.into_iter().find(is_it),
        version: applied.version,
        digest: applied.digest,
    })
}

fn judge(content: &[u8]) -> Result<JudgedPrompt, PolicyError> {
    let _one = JUDGING.lock().unwrap_or_else(PoisonError::into_inner);
    Prompts::judge(content).map_err(|mistake| PolicyError::WrongFile(mistake.to_string()))
}

/// Whether there is room for one more, or for a longer one.
fn fits_beside(
    reloader: &Reloader,
    before: &Files,
    prompt: &PromptName,
    judged: &JudgedPrompt,
) -> Result<(), PolicyError> {
    let wrong = |mistake: PromptMistake| PolicyError::WrongFile(mistake.to_string());
    let id = PromptId::from(prompt.id());
    let (loaded, _) = locked(&reloader.prompts).clone();
    let own = loaded.prompts.duration(&id).unwrap_or_default();
    if loaded.prompts.total().saturating_sub(own) + judged.duration > limits::PROMPTS_LENGTH {
        return Err(wrong(PromptMistake::AllLength));
    }
    let is_new = files_of(before, prompt).is_empty();
    let count = before.keys().filter(|name| config::is_sound(name)).count();
    if is_new && count >= limits::PROMPT_FILES {
        return Err(PolicyError::WrongFile(format!(
            "is one too many: {} prompts may be kept; remove some",
            limits::PROMPT_FILES
        )));
    }
    Ok(())
}

/// What callers hear stays.
fn unused(reloader: &Reloader, prompt: &PromptName) -> Result<(), PolicyError> {
    let settings = locked(&reloader.adopted).0.clone();
    let id = prompt.id();
    let Some(used) = uses(&settings).remove(&PromptId::from(id.clone())) else { return Ok(()) };
    let used: Vec<String> =
        used.into_iter().map(|it| format!("queue {} as {}", it.queue, it.event)).collect();
    Err(PolicyError::PromptUsed { id, used: used.join(", ") })
}
