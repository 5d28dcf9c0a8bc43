//! The configuration as the console changes it: checked, written whole, adopted by the one path of
//! [`super::reload`], kept as a version. What it shows has no secret in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use similar::TextDiff;

use super::reload::{Reloader, locked};
use super::spoken;
use crate::config::{self, Author, Changes, Finding, Findings, Loaded, Severity, Version};
use crate::console::Boxed;
use crate::console::policy::prompts::{
    PromptChange, PromptChanged, PromptFile, PromptList, PromptName,
};
use crate::console::policy::{
    Applied, Change, Difference, Elsewhere, Judged, Policy, PolicyError, Proposal, Replayed, Shown,
    ShownFile, ShownFinding, ShownVersion, Trial, Tried, WholeVersion,
};
use crate::store::{At, Invite, Store};
use crate::switchboard::plan::{Destination, SentBy, goes_to, plan};
use crate::switchboard::settings::SwitchboardSettings;
use crate::trunk::Trunks;
use crate::vocabulary::{WallTime, counted};

/// Calls that are listed one by one.
const LISTED: usize = 200;
/// Calls that are tried at once, and for how long: a page waits for the answer.
const CALLS: usize = 50_000;
const TIME: Duration = Duration::from_secs(20);

/// The real one. Cheap to clone.
#[derive(Clone)]
pub(super) struct ServerPolicy {
    pub reloader: Arc<Reloader>,
    pub store: Store,
}

pub(super) type Files = BTreeMap<String, String>;

impl ServerPolicy {
    /// Does what touches the disk where nobody waits for it.
    fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reloader) -> Result<T, PolicyError> + Send + 'static,
    ) -> Boxed<'_, Result<T, PolicyError>> {
        let reloader = Arc::clone(&self.reloader);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&reloader)).await;
            done.map_err(|_| PolicyError::Disk("it failed; the log says why".to_owned()))?
        })
    }

    async fn replayed(
        &self,
        files: Proposal,
        since: WallTime,
        until: WallTime,
    ) -> Result<Replayed, PolicyError> {
        let (now, then) = self
            .on_disk(move |reloader| {
                let now = locked(&reloader.adopted).0.clone();
                let changes = changes(&files, &current(reloader)?)?;
                Ok((now, judged(reloader, &changes)?.switchboard))
            })
            .await?;
        let both = Arc::new((Way::new(now), Way::new(then)));
        let began = tokio::time::Instant::now();
        let mut replayed = Replayed {
            says: String::new(),
            calls: 0,
            elsewhere: 0,
            listed: Vec::new(),
            unread: 0,
            complete: true,
        };
        let mut after = None;
        loop {
            let page = self.store.invites(since, until, after.clone()).await;
            let page = page.map_err(|error| {
                tracing::error!(%error, "calls that were cannot be tried");
                PolicyError::Records
            })?;
            let Some(last) = page.last() else { break };
            after = Some((last.at, last.call.clone()));
            let both = Arc::clone(&both);
            let tried = tokio::task::spawn_blocking(move || tried(&both, page)).await;
            let tried = tried.map_err(|_| PolicyError::Records)?;
            replayed.calls += tried.calls;
            replayed.unread += tried.unread;
            replayed.elsewhere += tried.elsewhere.len();
            let room = LISTED.saturating_sub(replayed.listed.len());
            replayed.listed.extend(tried.elsewhere.into_iter().take(room));
            if replayed.calls >= CALLS || began.elapsed() > TIME {
                replayed.complete = false;
                break;
            }
        }
        let (calls, elsewhere) = (counted(replayed.calls, "call"), replayed.elsewhere);
        replayed.says = format!("{elsewhere} of {calls} would have gone elsewhere");
        Ok(replayed)
    }
}

impl Policy for ServerPolicy {
    fn show(&self) -> Boxed<'_, Result<Shown, PolicyError>> {
        self.on_disk(|reloader| {
            let files = current(reloader)?;
            let loaded = reloader.judge(&Changes::default());
            let restart = match &loaded {
                Ok(loaded) => config::needs_restart(&locked(&reloader.running), loaded),
                Err(_) => Vec::new(),
            };
            let runs = locked(&reloader.adopted).1.clone();
            let gateway = std::fs::read_to_string(reloader.folder.join("gateway.toml"));
            let gateway = gateway.map_err(|error| disk(&error))?;
            Ok(Shown {
                digest: config::digest_of(&files),
                running: loaded.is_ok_and(|loaded| loaded.digest == runs),
                files: masked(&files),
                fixed: vec![ShownFile {
                    name: "gateway.toml".to_owned(),
                    text: config::mask(&gateway),
                }],
                restart: restart.into_iter().map(str::to_owned).collect(),
            })
        })
    }

    fn validate(&self, files: Proposal) -> Boxed<'_, Result<Judged, PolicyError>> {
        self.on_disk(move |reloader| {
            let changes = match changes(&files, &current(reloader)?) {
                Ok(changes) => changes,
                Err(PolicyError::Mistakes(findings)) => {
                    return Ok(Judged { good: false, findings });
                }
                Err(error) => return Err(error),
            };
            let (good, findings) = match reloader.judge(&changes) {
                Ok(loaded) => (true, loaded.warnings),
                Err(findings) => (false, findings),
            };
            Ok(Judged { good, findings: shown(reloader, &findings) })
        })
    }

    fn diff(&self, files: Proposal) -> Boxed<'_, Result<Vec<Difference>, PolicyError>> {
        self.on_disk(move |reloader| {
            let before = current(reloader)?;
            let changes = changes(&files, &before)?;
            Ok(differences(&before, &with(&before, &changes)))
        })
    }

    fn apply(&self, change: Change) -> Boxed<'_, Result<Applied, PolicyError>> {
        self.on_disk(move |reloader| {
            let _alone = reloader.alone();
            let before = based(reloader, &change.base)?;
            let changes = changes(&change.files, &before)?;
            adopt(reloader, &before, &changes, &change, None)
        })
    }

    fn versions(&self) -> Boxed<'_, Result<Vec<ShownVersion>, PolicyError>> {
        self.on_disk(|reloader| {
            let versions = reloader.versions.list().map_err(|error| disk(&error))?;
            Ok(versions.into_iter().map(version).collect())
        })
    }

    fn version(&self, number: u64) -> Boxed<'_, Result<WholeVersion, PolicyError>> {
        self.on_disk(move |reloader| {
            let (found, files) = kept(reloader, number)?;
            let before = match number.checked_sub(1).filter(|before| *before > 0) {
                Some(before) => reloader.versions.read(before).map_err(|error| disk(&error))?,
                None => None,
            };
            let before = before.map(|(_, files)| files).unwrap_or_default();
            let changed = differences(&before, &files);
            Ok(WholeVersion { version: version(found), files: masked(&files), changed })
        })
    }

    fn roll_back(&self, number: u64, change: Change) -> Boxed<'_, Result<Applied, PolicyError>> {
        self.on_disk(move |reloader| {
            let _alone = reloader.alone();
            let before = based(reloader, &change.base)?;
            let (_, files) = kept(reloader, number)?;
            let mut changes = Changes::default();
            // How long what is kept is no part of routing: a way back there deletes nothing.
            // A version of before prompts belonged to it has none, and takes none away.
            let silent = !files.keys().any(|name| config::is_sound(name));
            let stays = |name: &String| {
                name == crate::journal::retention::FILE || (silent && config::is_sound(name))
            };
            for name in before.keys().filter(|name| !files.contains_key(*name) && !stays(name)) {
                changes.set(name, None);
            }
            for (name, text) in &files {
                if before.get(name) != Some(text) && !stays(name) {
                    changes.set(name, Some(text.clone()));
                }
            }
            adopt(reloader, &before, &changes, &change, Some(number))
        })
    }

    fn try_one(&self, trial: Trial) -> Boxed<'_, Result<Tried, PolicyError>> {
        self.on_disk(move |reloader| {
            let Trial { files, invite, trunk, source, at } = trial;
            let settings = if files.is_empty() {
                locked(&reloader.adopted).0.clone()
            } else {
                let changes = changes(&files, &current(reloader)?)?;
                judged(reloader, &changes)?.switchboard
            };
            let by = SentBy { trunk: trunk.map(Into::into), source };
            let now = reloader.clock.now().wall;
            let asked = |text| WallTime::asked(text, now, &settings.centre.timezone);
            let at = match &at {
                Some(text) => asked(text).ok_or_else(|| PolicyError::NoTime(bounded(text)))?,
                None => now,
            };
            let plan = plan(&settings, &Bytes::from(crlf(&invite)), &by, at);
            let plan = plan.map_err(|error| PolicyError::NoInvite(error.to_string()))?;
            Ok(Tried { goes_to: plan.destination.to_string(), steps: plan.steps })
        })
    }

    fn replay(
        &self,
        files: Proposal,
        since: WallTime,
        until: WallTime,
    ) -> Boxed<'_, Result<Replayed, PolicyError>> {
        Box::pin(self.replayed(files, since, until))
    }

    fn prompts(&self) -> Boxed<'_, Result<PromptList, PolicyError>> {
        self.on_disk(spoken::list)
    }

    fn prompt(&self, prompt: PromptName) -> Boxed<'_, Result<PromptFile, PolicyError>> {
        self.on_disk(move |reloader| spoken::file(reloader, &prompt))
    }

    fn change_prompt(&self, change: PromptChange) -> Boxed<'_, Result<PromptChanged, PolicyError>> {
        self.on_disk(move |reloader| spoken::change(reloader, change))
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A message that came through JSON or an editor has bare line feeds as a rule.
fn crlf(text: &str) -> String {
    if text.contains("\r\n") { text.to_owned() } else { text.replace('\n', "\r\n") }
}

pub(super) fn disk(error: &std::io::Error) -> PolicyError {
    PolicyError::Disk(format!(
        "the configuration cannot be read or written: {error}; the gateway's user must own its folder"
    ))
}

pub(super) fn current(reloader: &Reloader) -> Result<Files, PolicyError> {
    reloader.files().map_err(|error| disk(&error))
}

/// The files as they are, when they are those that a change was made on.
fn based(reloader: &Reloader, base: &str) -> Result<Files, PolicyError> {
    let files = current(reloader)?;
    let digest = config::digest_of(&files);
    if digest == base { Ok(files) } else { Err(PolicyError::Moved(digest)) }
}

fn kept(reloader: &Reloader, number: u64) -> Result<(Version, Files), PolicyError> {
    let read = reloader.versions.read(number).map_err(|error| disk(&error))?;
    read.ok_or(PolicyError::NoVersion(number))
}

/// A proposal with its secrets put back; files that are as they are already are left out.
fn changes(files: &Proposal, before: &Files) -> Result<Changes, PolicyError> {
    let (mut changes, mut wrong) = (Changes::default(), Vec::new());
    for (name, text) in files {
        if !config::is_editable(name) {
            return Err(PolicyError::NotEditable(name.chars().take(100).collect()));
        }
        let kept = before.get(name).map(String::as_str);
        match text.as_deref().map(|text| config::unmask(name, text, kept)) {
            None if kept.is_some() => changes.set(name, None),
            None => {}
            Some(Ok(text)) if Some(text.as_str()) == kept => {}
            Some(Ok(text)) => changes.set(name, Some(text)),
            Some(Err(findings)) => wrong.extend(findings.iter().map(|found| told(found, ""))),
        }
    }
    if wrong.is_empty() { Ok(changes) } else { Err(PolicyError::Mistakes(wrong)) }
}

fn judged(reloader: &Reloader, changes: &Changes) -> Result<Loaded, PolicyError> {
    reloader.judge(changes).map_err(|findings| PolicyError::Mistakes(shown(reloader, &findings)))
}

/// Writes a change that was found good, and takes it up.
pub(super) fn adopt(
    reloader: &Reloader,
    before: &Files,
    changes: &Changes,
    change: &Change,
    brings_back: Option<u64>,
) -> Result<Applied, PolicyError> {
    if changes.is_empty() {
        return Err(PolicyError::Same);
    }
    judged(reloader, changes)?;
    let author = Author { by: change.by.clone(), why: change.why.clone(), brings_back };
    // What was there before is a version, too, should nobody have kept it.
    let first = Author::by_hand("found before a change by the API");
    let (versions, now) = (&reloader.versions, reloader.clock.now().wall);
    let kept = versions.keep(now, first, before, &reloader.folder);
    kept.map_err(|error| disk(&error))?;
    let note = serde_json::to_string(&author).unwrap_or_default();
    config::write(&reloader.folder, changes, &note, &versions.sounds())
        .map_err(|error| disk(&error))?;
    let adopted = reloader.reload_alone(&change.by, author);
    // Only something that changed in the same moment by hand can be wrong now; it is told as it is.
    let adopted = adopted.map_err(|findings| PolicyError::Mistakes(shown(reloader, &findings)))?;
    let version = adopted.version.ok_or_else(|| {
        PolicyError::Disk("it is adopted, and could not be kept as a version".to_owned())
    })?;
    Ok(Applied {
        version: version.number,
        digest: version.digest,
        findings: shown(reloader, &adopted.warnings),
        restart: adopted.restart.into_iter().map(str::to_owned).collect(),
    })
}

fn with(before: &Files, changes: &Changes) -> Files {
    let mut after = before.clone();
    for (name, text) in changes.iter() {
        match text {
            Some(text) => drop(after.insert(name.to_owned(), text.to_owned())),
            None => drop(after.remove(name)),
        }
    }
    after
}

fn differences(before: &Files, after: &Files) -> Vec<Difference> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let difference = |name: &String| {
        let (old, new) = (before.get(name), after.get(name));
        let kind = match (old, new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let text = |file: Option<&String>| file.map(|text| config::mask(text)).unwrap_or_default();
        let (old, new) = (text(old), text(new));
        let mut diff = TextDiff::from_lines(&old, &new)
            .unified_diff()
            .header(&format!("a/{name}"), &format!("b/{name}"))
            .to_string();
        if diff.is_empty() {
            "only secrets differ\n".clone_into(&mut diff);
        }
        Difference { name: name.clone(), kind, diff }
    };
    differs.map(difference).collect()
}

fn masked(files: &Files) -> Vec<ShownFile> {
    let shown = |(name, text): (&String, &String)| ShownFile {
        name: name.clone(),
        text: if name.ends_with(".toml") { config::mask(text) } else { text.clone() },
    };
    // Prompts are no text: they have a page of their own.
    files.iter().filter(|(name, _)| !config::is_sound(name)).map(shown).collect()
}

fn shown(reloader: &Reloader, findings: &Findings) -> Vec<ShownFinding> {
    let folder = format!("{}/", reloader.folder.display());
    findings.0.iter().map(|finding| told(finding, &folder)).collect()
}

/// A finding without where the configuration lies on this machine.
fn told(finding: &Finding, folder: &str) -> ShownFinding {
    let plain =
        |text: &str| if folder.is_empty() { text.to_owned() } else { text.replace(folder, "") };
    ShownFinding {
        severity: if finding.severity == Severity::Error { "error" } else { "warning" },
        file: plain(&finding.file.display().to_string()),
        line: finding.line,
        column: finding.column,
        what: plain(&finding.what),
        mend: plain(&finding.mend),
    }
}

fn version(version: Version) -> ShownVersion {
    let Version { number, at, by, why, digest, brings_back } = version;
    ShownVersion { number, at: At(at), by, why, digest, brings_back }
}

/// A configuration to send calls by.
struct Way {
    settings: SwitchboardSettings,
    trunks: Trunks,
}

impl Way {
    fn new(settings: SwitchboardSettings) -> Self {
        let trunks = Trunks::new(settings.trunks.clone());
        Self { settings, trunks }
    }

    /// A carrier that was known otherwise than by its address is found by its name again.
    fn of(&self, invite: &Invite) -> Option<Destination> {
        let by_source = invite.source.filter(|source| self.trunks.by_source(*source).is_some());
        let by = match by_source {
            Some(source) => SentBy { trunk: None, source: Some(source) },
            None => {
                let named = self.trunks.get(&invite.trunk);
                // One that was known by its address, and is not any more, is a stranger.
                let otherwise = named.is_some_and(|t| {
                    t.digest.is_some() || !t.tls_names.is_empty() || t.line.is_some()
                });
                SentBy { trunk: otherwise.then(|| invite.trunk.clone()), source: invite.source }
            }
        };
        goes_to(&self.settings, &self.trunks, &invite.message, &by, invite.at).ok()
    }
}

#[derive(Default)]
struct Page {
    calls: usize,
    unread: usize,
    elsewhere: Vec<Elsewhere>,
}

fn tried(both: &(Way, Way), invites: Vec<Invite>) -> Page {
    let mut page = Page::default();
    for invite in invites {
        page.calls += 1;
        let Some((now, then)) = both.0.of(&invite).zip(both.1.of(&invite)) else {
            page.unread += 1;
            continue;
        };
        if now != then {
            page.elsewhere.push(Elsewhere {
                incident: invite.incident,
                call: invite.call,
                at: At(invite.at),
                trunk: invite.trunk.to_string(),
                now: now.to_string(),
                then: then.to_string(),
            });
        }
    }
    page
}
