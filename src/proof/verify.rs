//! Walks through everything that was kept and finds what was changed, is missing or stands in another
//! place. It reads as the files are, also under a running gateway, and holds little in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{ProofError, Signer, heads, heads_folder, keys_folder, public_key, signer};
use crate::journal::sealed::{self, Class, Owner};
use crate::journal::{Entry, Fact, Head, Line};
use crate::recording::{Damage, Library};
use crate::store::journal_file::{self, VerifyReport};
use crate::store::{CallKeys, Lock, Store};
use crate::vocabulary::{Uid, WallTime};

/// Faults that are listed one by one; more are only counted.
const LISTED: usize = 100;

/// What is examined.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The data folder.
    pub data: PathBuf,
    /// The journal's folder.
    pub journal: PathBuf,
    /// The recordings.
    pub library: Library,
    /// Where copies of heads are kept.
    pub copy_to: Option<PathBuf>,
    /// Only what was kept from here on, as far as the journal's files are cut.
    pub since: Option<WallTime>,
    /// The key that the heads must be signed with; the node's own without it.
    pub key: Option<[u8; 32]>,
}

/// Something that is not as it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// `journal`, `head`, `recording`, `key` or `database`.
    pub what: &'static str,
    /// Where.
    pub place: String,
    /// What is wrong.
    pub why: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The walk over the chain.
    pub journal: VerifyReport,
    /// Heads whose signature and line hold.
    pub heads: u64,
    /// Recordings that are as they were sealed.
    pub recordings: u64,
    /// Recordings that were deleted, with an entry that says why.
    pub recordings_deleted: u64,
    /// Lines whose personal part opens.
    pub opened: u64,
    /// Lines whose personal part was erased, with an entry that says why.
    pub erased: u64,
    /// Rows of the database that are as the journal makes them; none when it was not compared.
    pub rows: Option<u64>,
    /// How many faults there are.
    pub faults_total: u64,
    /// The first hundred of them.
    pub faults: Vec<Fault>,
    /// What could not be looked at, and is no fault.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether everything is as it was kept.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.faults_total == 0
    }

    fn fault(&mut self, what: &'static str, place: impl Into<String>, why: impl Into<String>) {
        self.faults_total += 1;
        if self.faults.len() < LISTED {
            self.faults.push(Fault { what, place: place.into(), why: why.into() });
        }
    }
}

/// Examines the files: journal, heads, keys and recordings. Blocks; the rest is [`database`].
///
/// # Errors
/// When a folder cannot be read at all.
pub fn files(asked: &Asked) -> Result<Report, ProofError> {
    files_told(asked, &mut |_| {})
}

/// The same, and tells the number of each line before it is looked at.
///
/// # Errors
/// As [`files`].
pub fn files_told(asked: &Asked, tell: &mut dyn FnMut(u64)) -> Result<Report, ProofError> {
    let mut examiner = Examiner::new(asked)?;
    let since = match asked.since {
        Some(at) => journal_file::segment_of(&asked.journal, at)?,
        None => 0,
    };
    examiner.whole = since <= 1;
    let walked = journal_file::walk(&asked.journal, since, &mut |line, bytes| {
        tell(line.seq);
        examiner.line(line, bytes);
    })?;
    Ok(examiner.finish(walked))
}

/// Compares the database with what the journal makes of it, from `since` on.
///
/// # Errors
/// When one of them cannot be read.
pub async fn database(
    report: &mut Report,
    store: &Store,
    (journal, work): (&Path, &Path),
    since: Option<WallTime>,
) -> Result<(), ProofError> {
    let compared = store.compare(journal, work, LISTED, since).await?;
    report.rows = Some(compared.rows);
    report.notes.extend(compared.notes);
    report.faults_total += compared.total - compared.differences.len() as u64;
    for difference in compared.differences {
        report.fault("database", difference.place, difference.why);
    }
    Ok(())
}

struct Examiner<'a> {
    asked: &'a Asked,
    report: Report,
    keys: CallKeys,
    /// Heads by the line that they are about.
    due: BTreeMap<u64, Vec<(String, Head)>>,
    /// Signatures by date.
    known: HashMap<String, String>,
    /// Recordings that are not as they were sealed, and the line that says how they were.
    doubtful: HashMap<String, (u64, Damage)>,
    /// Keys that are gone, and the first line that needs them.
    gone: HashMap<Owner, u64>,
    log_before: Option<WallTime>,
    no_call_before: Option<WallTime>,
    /// The last key that was given out before the walk, and the last one that a line needs.
    given: Option<(u64, String)>,
    needed: Option<u64>,
    /// Recordings that lay there before the walk and that no line has named yet.
    unnamed: BTreeSet<String>,
    /// The walk begins with the first line.
    whole: bool,
}

impl<'a> Examiner<'a> {
    fn new(asked: &'a Asked) -> Result<Self, ProofError> {
        let mut examiner = Self {
            asked,
            report: Report::default(),
            keys: CallKeys::of(&asked.journal),
            due: BTreeMap::new(),
            known: HashMap::new(),
            doubtful: HashMap::new(),
            gone: HashMap::new(),
            log_before: None,
            no_call_before: None,
            given: None,
            needed: None,
            unnamed: asked.library.files().into_iter().collect(),
            whole: true,
        };
        examiner.given = examiner.keys.newest();
        examiner.read_heads()?;
        Ok(examiner)
    }

    /// Looks at signatures, order and copies of the heads.
    fn read_heads(&mut self) -> Result<(), ProofError> {
        let all = heads::read_all(&heads_folder(&self.asked.data))?;
        let key = match self.asked.key {
            Some(key) => Some(key),
            None => match Signer::open(&keys_folder(&self.asked.data)) {
                Ok(signer) => public_key(&signer.public()),
                Err(_) if all.is_empty() => None,
                Err(error) => {
                    let why = format!("{error}; give the public key by --public-key");
                    self.report.fault("key", "keys/proof.key", why);
                    None
                }
            },
        };
        let mut before: Option<Head> = None;
        for (path, head) in all {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let head = match head {
                Ok(head) => head,
                Err(error) => {
                    self.report.fault("head", name, error.to_string());
                    continue;
                }
            };
            if key.is_some_and(|key| !signer::holds(&key, &head.text(), &head.signature)) {
                self.report.fault("head", name, "it is not signed with this node's key");
                continue;
            }
            let wanted = before.as_ref().map_or("", |before| before.signature.as_str());
            if head.previous != wanted {
                self.report.fault("head", name.clone(), "the head before it is missing or another");
            }
            self.known.insert(head.date.clone(), head.signature.clone());
            before = Some(head.clone());
            self.due.entry(head.line).or_default().push((name, head));
        }
        self.compare_copies()
    }

    fn compare_copies(&mut self) -> Result<(), ProofError> {
        let Some(to) = &self.asked.copy_to else { return Ok(()) };
        let copies = match heads::read_all(to) {
            Ok(copies) => copies,
            Err(error) => {
                self.report
                    .notes
                    .push(format!("the copies of the heads were not compared: {error}"));
                return Ok(());
            }
        };
        for (path, copy) in copies {
            let Ok(copy) = copy else { continue };
            match self.known.get(&copy.date) {
                None => {
                    let why = format!("it is missing; its copy is {}", path.display());
                    self.report.fault("head", format!("{}.json", copy.date), why);
                    // What was signed counts, wherever it is kept.
                    self.due.entry(copy.line).or_default().push((path.display().to_string(), copy));
                }
                Some(here) if *here != copy.signature => {
                    let why = format!("it is another than its copy {}", path.display());
                    self.report.fault("head", format!("{}.json", copy.date), why);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Line, bytes: &[u8]) {
        for (name, head) in self.due.remove(&line.seq).unwrap_or_default() {
            if head.link == line.link.to_string() {
                self.report.heads += 1;
            } else {
                let why = format!("line {} is not the one that was signed", line.seq);
                self.report.fault("head", name, why);
            }
        }
        let entry = if line.locked { self.unlock(line.seq, bytes) } else { line.entry.clone() };
        if let Some(entry) = entry {
            self.entry(line.seq, &entry);
        }
    }

    fn unlock(&mut self, seq: u64, bytes: &[u8]) -> Option<Entry> {
        self.needed = self.needed.max(sealed::locked(bytes).map(|locked| locked.slot));
        let (lock, entry) = self.keys.read(bytes);
        let place = format!("line {seq}");
        match lock {
            Lock::None => {}
            Lock::Opens(_) => self.report.opened += 1,
            Lock::Dropped(owner) => {
                self.report.erased += 1;
                self.gone.entry(owner).or_insert(seq);
            }
            Lock::Missing(owner) => {
                let why = format!("the key file for what is locked here ({owner}) is missing");
                self.report.fault("key", place, why);
            }
            Lock::Altered(owner) => {
                let why =
                    format!("what is locked here does not open: the key ({owner}) was altered");
                self.report.fault("key", place, why);
            }
        }
        entry
    }

    fn entry(&mut self, seq: u64, entry: &Entry) {
        match &entry.fact {
            Fact::RecordingStarted { file, .. } | Fact::RecordingResumed { file, .. } => {
                self.unnamed.remove(file);
            }
            Fact::RecordingSealed { file, sha256, bytes, .. } => {
                self.unnamed.remove(file);
                match self.asked.library.check(file, sha256, *bytes) {
                    Ok(()) => self.report.recordings += 1,
                    Err(damage) => {
                        self.doubtful.insert(file.clone(), (seq, damage));
                    }
                }
            }
            Fact::RecordingDeleted { file, .. } => {
                self.report.recordings_deleted += 1;
                self.doubtful.remove(file);
            }
            Fact::PersonalErased(erased) => {
                if erased.record {
                    self.gone.remove(&Owner { class: Class::Record, of: erased.incident.0 });
                }
                for call in std::iter::once(&erased.call).chain(&erased.also) {
                    if erased.record {
                        self.gone.remove(&Owner { class: Class::Record, of: call.0 });
                    }
                    if erased.trace {
                        self.gone.remove(&Owner { class: Class::Trace, of: call.0 });
                    }
                }
            }
            Fact::RetentionRan(ran) => {
                self.log_before = ran.log_before.or(self.log_before);
                self.no_call_before = ran.no_call_before.or(self.no_call_before);
            }
            Fact::HeadSigned(head) => {
                let name = format!("{}.json", head.date);
                match self.known.get(&head.date) {
                    None => self.report.fault("head", name, format!("it is missing (line {seq})")),
                    Some(here) if *here != head.signature => {
                        let why = format!("it is another than line {seq} says");
                        self.report.fault("head", name, why);
                    }
                    Some(_) => {}
                }
            }
            _ => {}
        }
    }

    /// What is left of lines that are not there: only they can have made it.
    fn cut_off(&mut self) {
        if let Some((slot, owner)) = self.given.take().filter(|(slot, _)| Some(*slot) > self.needed)
        {
            let why = format!(
                "it was given to {owner}, and no line is locked by it: lines at the journal's end are missing"
            );
            self.report.fault("key", format!("key {slot}"), why);
        }
        if self.whole {
            for file in std::mem::take(&mut self.unnamed) {
                let why =
                    "no line names it: lines at the journal's end are missing, or it was put there";
                self.report.fault("recording", file, why);
            }
        }
    }

    fn finish(mut self, walked: VerifyReport) -> Report {
        self.cut_off();
        self.report.faults_total += walked.faults_total;
        for fault in &walked.faults {
            let place = format!("{}, line {} of it", fault.segment, fault.line);
            let what = "journal";
            self.report.faults.push(Fault { what, place, why: fault.why.clone() });
        }
        self.report.faults.truncate(LISTED);
        for (seq, heads) in std::mem::take(&mut self.due) {
            if seq < walked.first_seq && !self.whole {
                continue;
            }
            for (name, _) in heads {
                let last = walked.last_seq;
                let why =
                    format!("it signs line {seq}, which is not there: the last one is {last}");
                self.report.fault("head", name, why);
            }
        }
        let mut doubtful: Vec<_> = self.doubtful.drain().collect();
        doubtful.sort_by_key(|(_, (seq, _))| *seq);
        for (file, (seq, damage)) in doubtful {
            self.report.fault("recording", file, format!("{damage} (sealed by line {seq})"));
        }
        let (log, no_call) =
            (self.log_before.map(sealed::day_of), self.no_call_before.map(sealed::day_of));
        let forgotten = |owner: &Owner| {
            let before = match owner.class {
                Class::Log => log,
                Class::NoCall => no_call,
                Class::Record | Class::Trace => None,
            };
            before.is_some_and(|before: Uid| owner.of < before)
        };
        let mut gone: Vec<_> = self.gone.drain().filter(|(owner, _)| !forgotten(owner)).collect();
        gone.sort_by_key(|(_, seq)| *seq);
        for (owner, seq) in gone {
            let why = format!("the key {owner} was destroyed, and no entry says that it should be");
            self.report.fault("key", format!("line {seq}"), why);
        }
        self.report.journal = walked;
        self.report
    }
}
