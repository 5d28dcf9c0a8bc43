//! What a court or the police get of one incident: the record, a page to read it, audio, messages, the
//! journal's lines with the signed heads that cover them, and the steps by which anybody checks it all
//! without this program. Or a redacted copy of the same.
//!
//! It only reads. Whoever asks it has written the access entry before.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::archive::Archive;
use super::page::Page;
use super::redaction::Redaction;
use super::sounds::{self, Sounds};
use super::{ProofError, Signer, chapters, heads_folder, keys_folder, pem, public_key};
use crate::recording::Library;
use crate::store::access::{Access, AccessFilter, PAGE};
use crate::store::{Incident, Ladder, RecordVersion, Store, versions};
use crate::vocabulary::{WallTime, hex};

/// How the parts are checked, and what they are.
const README: &str = include_str!("handed/README.txt");
const CHECK: &str = include_str!("handed/check.sh");
const OPEN_LINE: &str = include_str!("handed/open-line.sh");
/// Access entries of one incident that are told at most.
const ACCESS_PAGES: usize = 50;

/// Where everything is that leaves the house.
#[derive(Clone, Debug)]
pub struct Archivist {
    /// The records.
    pub store: Store,
    /// The journal's folder.
    pub journal: PathBuf,
    /// The data folder, with keys and heads.
    pub data: PathBuf,
    /// The recordings.
    pub library: Library,
    /// Recordings that somebody brought from other nodes.
    pub brought: Vec<Library>,
    /// The centre's name.
    pub centre: String,
    /// Its area code, which completes numbers in local form.
    pub area_code: String,
    /// Its time.
    pub zone: TimeZone,
}

/// Who asks, and what for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// A person, the token of a program, or an account of this machine.
    pub by: String,
    /// Why, as they typed.
    pub reason: String,
    /// When.
    pub at: WallTime,
}

/// An incident as it is handed out.
#[derive(Debug)]
pub struct Found {
    /// Its id.
    pub incident: String,
    calls: Vec<Incident>,
    tied: Tied,
    versions: Vec<RecordVersion>,
    ladder: Option<Ladder>,
    access: Vec<Access>,
    /// Recordings on other nodes' disks.
    nodes: BTreeMap<String, String>,
    /// Incidents that are part of it.
    merged: Vec<Part>,
}

/// An incident that is part of another.
#[derive(Debug)]
struct Part {
    incident: String,
    calls: Vec<Incident>,
    versions: Vec<RecordVersion>,
    ladder: Option<Ladder>,
}

/// Records that have to do with an incident: who is named in one may stand in the text of another.
#[derive(Debug, Default)]
pub(super) struct Tied {
    /// Its other calls, also of the incidents that were merged into it.
    pub merged: Vec<Incident>,
    /// Calls of the incident that it is part of, and of those that somebody linked to it.
    pub linked: Vec<Incident>,
}

/// What a redacted copy says of itself.
#[derive(Serialize)]
struct Note<'a> {
    incident: &'a str,
    redacted_by: &'a str,
    redacted_at: String,
    reason: &'a str,
    /// What was asked for; what was taken out is not told.
    taken_out: &'a Redaction,
    left_out: [&'static str; 5],
    /// SHA-256 of `record.json` in a bundle of the same moment that is not redacted.
    original_record_sha256: String,
    original_recordings: Vec<Value>,
}

impl Archivist {
    /// Looks for an incident by its id or its call's, with everything that is asked of the database.
    ///
    /// # Errors
    /// No such incident, or the database fails.
    pub async fn find(&self, id: &str) -> Result<Found, ProofError> {
        let unknown = || ProofError::NoSuchIncident(id.chars().take(40).collect());
        let Part { incident, calls, versions, ladder } =
            self.part(id).await?.ok_or_else(unknown)?;
        let mut merged = Vec::new();
        for tied in calls.first().iter().flat_map(|call| &call.written.merged) {
            merged.extend(self.part(&tied.incident).await?);
        }
        let mut subjects = ids([(&incident, &calls)]);
        subjects.extend(ids(merged.iter().map(|part| (&part.incident, &part.calls))));
        let mut access = Vec::new();
        for subject in subjects {
            access.extend(self.access(subject).await?);
        }
        let mut nodes = BTreeMap::new();
        for call in calls.iter().chain(merged.iter().flat_map(|part| &part.calls)) {
            nodes.extend(self.store.recordings_elsewhere(&call.summary.call).await?);
        }
        let tied = match calls.first() {
            Some(call) => self.tied(call).await?,
            None => Tied::default(),
        };
        Ok(Found { tied, incident, calls, versions, ladder, access, nodes, merged })
    }

    /// One incident, without those that are part of it.
    async fn part(&self, id: &str) -> Result<Option<Part>, ProofError> {
        let Some(known) = self.store.record(id).await? else { return Ok(None) };
        let incident = known.record.incident;
        let steps = self.store.record_steps(incident).await?;
        let mut calls = Vec::new();
        for call in &known.calls {
            calls.extend(self.store.show(&call.call.to_string()).await?);
        }
        if calls.is_empty() {
            calls.extend(self.store.show(id).await?);
        }
        let (versions, ladder) = (versions(incident, &steps), self.store.ladder(id).await?);
        Ok(Some(Part { incident: incident.to_string(), calls, versions, ladder }))
    }

    /// What has to do with the incident of a call, without this call.
    pub(super) async fn tied(&self, call: &Incident) -> Result<Tied, ProofError> {
        let view = &call.written;
        let known = self.store.record(&call.summary.call).await?;
        let own = known.map(|known| known.calls).unwrap_or_default();
        let own = own.into_iter().map(|own| own.call.to_string());
        let merged = view.merged.iter().flat_map(|tied| tied.calls.iter().cloned());
        let linked = view.linked.iter().chain(&view.merged_into);
        let linked = linked.flat_map(|tied| tied.calls.iter().cloned());
        let mut tied = Tied::default();
        for id in own.chain(merged).filter(|id| *id != call.summary.call) {
            tied.merged.extend(self.store.show(&id).await?);
        }
        for id in linked {
            tied.linked.extend(self.store.show(&id).await?);
        }
        Ok(tied)
    }

    /// Who looked at a record, newest first.
    pub(super) async fn access(&self, subject: String) -> Result<Vec<Access>, ProofError> {
        let filter = AccessFilter { subject: Some(subject), ..AccessFilter::default() };
        self.looks(filter, ACCESS_PAGES, &|_| true).await
    }

    /// Those of so many pages of the access log that are wanted, newest first.
    pub(super) async fn looks(
        &self,
        mut filter: AccessFilter,
        pages: usize,
        wanted: &(dyn Fn(&Access) -> bool + Sync),
    ) -> Result<Vec<Access>, ProofError> {
        let mut all = Vec::new();
        for _ in 0..pages {
            let page = self.store.access(&filter).await?;
            filter.before = page.last().map(|last| last.place);
            let full = page.len() >= PAGE as usize;
            all.extend(page.into_iter().filter(|look| wanted(look)));
            if !full {
                break;
            }
        }
        Ok(all)
    }

    /// Where recordings are, those of `nodes` on other nodes' disks.
    pub(super) fn sounds(&self, nodes: BTreeMap<String, String>) -> Sounds<'_> {
        Sounds { library: &self.library, brought: &self.brought, nodes }
    }

    /// The node's key, which signs what is handed out.
    ///
    /// # Errors
    /// When it is not there yet: the gateway makes it at its first start.
    pub fn signer(&self) -> Result<Signer, ProofError> {
        Signer::open(&keys_folder(&self.data))
    }

    /// Writes a bundle; with `redaction`, a redacted copy. Blocks.
    ///
    /// # Errors
    /// When something cannot be read or written: what was written so far has no end, and every reader of
    /// ZIP files says so.
    pub fn bundle(
        &self,
        found: &Found,
        asked: &Asked,
        redaction: Option<&Redaction>,
        out: impl Write,
    ) -> Result<(), ProofError> {
        let signer = self.signer()?;
        let mut archive = Archive::new(out, asked.at);
        let records: Vec<Value> = match redaction {
            Some(redaction) => redaction.records(&found.calls, &found.tied),
            None => found.all().map(whole).collect(),
        };
        let what = match redaction {
            Some(_) => ("Salinan yang disunting", "Redacted copy"),
            None => ("Berkas bukti", "Evidence bundle"),
        };
        let readme = README
            .replace("{centre}", &self.centre)
            .replace("{what}", &format!("{} / {}: {}", what.0, what.1, found.incident));
        archive.add("README.txt", readme.as_bytes())?;
        // Of a redacted copy the parts that were named are those of one incident.
        let with = if redaction.is_none() { found.merged.as_slice() } else { &[] };
        let calls = || found.calls.iter().chain(with.iter().flat_map(|part| &part.calls));
        let sounds = self.sounds(found.nodes.clone());
        let absent = sounds.absent(calls().flat_map(sounds::files), redaction);
        let page = self.page(found, asked, redaction, what, (&records, &absent));
        archive.add("index.html", page.as_bytes())?;
        archive.json("record.json", &records)?;
        if let Some(redaction) = redaction {
            archive.json("redaction.json", &found.note(asked, redaction))?;
        } else {
            archive.json("versions.json", &found.versions)?;
            archive.json("access.json", &found.access)?;
            archive.json("ladder.json", &found.ladder)?;
            for part in &found.merged {
                archive.json(&format!("versions-{}.json", part.incident), &part.versions)?;
                archive.json(&format!("ladder-{}.json", part.incident), &part.ladder)?;
            }
        }
        let begins = calls().map(|call| call.summary.received_at.0).min();
        let mut ids = ids([(&found.incident, &found.calls)]);
        ids.extend(self::ids(with.iter().map(|part| (&part.incident, &part.calls))));
        let places = (self.journal.as_path(), &*heads_folder(&self.data));
        let begins = begins.unwrap_or_default();
        chapters::journal(&mut archive, places, &ids, begins, redaction.is_none())?;
        let mut missing = found.not_here(redaction.is_some());
        for call in calls() {
            let files = (call.summary.call.as_str(), &*sounds::files(call));
            sounds.write(&mut archive, files, redaction, &mut missing)?;
        }
        if !missing.is_empty() {
            archive.add("MISSING.txt", missing.as_bytes())?;
        }
        archive.add("check.sh", CHECK.as_bytes())?;
        archive.add("open-line.sh", OPEN_LINE.as_bytes())?;
        let key = public_key(&signer.public()).unwrap_or_default();
        archive.add("key.pem", pem(&key).as_bytes())?;
        archive.finish(&signer)
    }

    fn page(
        &self,
        found: &Found,
        asked: &Asked,
        redaction: Option<&Redaction>,
        title: (&str, &str),
        (records, absent): (&[Value], &BTreeMap<String, String>),
    ) -> String {
        let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut notes = vec![
            line("Kejadian / Incident", &found.incident),
            line("Dibuat oleh / Made by", &asked.by),
            line("Waktu / At", &asked.at.to_rfc3339()),
            line("Alasan / Reason", &asked.reason),
            line("Cara memeriksa / How to check it", "README.txt, check.sh"),
        ];
        if let Some(redaction) = redaction {
            let word = |on: bool, name: &'static str| on.then_some(name);
            let out = [
                word(redaction.names, "nama / names"),
                word(redaction.numbers, "nomor telepon / telephone numbers"),
                word(redaction.places, "tempat selain kecamatan / places but for the kecamatan"),
                word(!redaction.text.is_empty(), "bagian teks / parts of texts"),
                word(redaction.audio.is_none(), "rekaman / recordings"),
                word(
                    redaction.audio.as_ref().is_some_and(|audio| !audio.is_empty()),
                    "bagian rekaman / parts of recordings",
                ),
                Some("pesan SIP / SIP messages"),
            ];
            let out = out.into_iter().flatten().collect::<Vec<_>>().join("; ");
            notes.push(line("Dihapus / Taken out", &out));
        }
        let heard = redaction.is_none_or(|redaction| redaction.audio.is_some());
        let with = if redaction.is_none() { found.merged.as_slice() } else { &[] };
        let calls = found.calls.iter().chain(with.iter().flat_map(|part| &part.calls));
        let files = calls.filter(|_| heard).flat_map(sounds::files);
        let files = files.filter(|file| !absent.contains_key(&file.file));
        let audio: Vec<(String, String)> = files
            .map(|file| (file.file.clone(), sounds::audio_name(&file.file, redaction.is_some())))
            .collect();
        let page = Page {
            centre: &self.centre,
            title,
            notes,
            calls: records,
            audio: &audio,
            absent,
            zone: &self.zone,
        };
        page.html()
    }
}

/// A record as it is exported.
pub(super) fn whole(incident: &Incident) -> Value {
    serde_json::to_value(incident).unwrap_or_default()
}

/// An incident's own id, and those of its calls.
fn ids<'f>(of: impl IntoIterator<Item = (&'f String, &'f Vec<Incident>)>) -> Vec<String> {
    let mut ids = Vec::new();
    for (incident, calls) in of {
        ids.push(incident.clone());
        ids.extend(calls.iter().map(|call| call.summary.call.clone()).filter(|id| id != incident));
    }
    ids
}

impl Found {
    /// Every call, also of the incidents that are part of it.
    fn all(&self) -> impl Iterator<Item = &Incident> {
        self.calls.iter().chain(self.merged.iter().flat_map(|part| &part.calls))
    }

    /// Which incidents of the same event are not in a copy.
    fn not_here(&self, redacted: bool) -> String {
        let mut text = String::new();
        let ours = self.calls.first().map(|call| &call.written);
        if let Some(into) = ours.and_then(|written| written.merged_into.as_ref()) {
            let _ = writeln!(
                text,
                "{}: kejadian ini bagian darinya; catatannya tidak ada di sini / this incident is part of it; its \
                 records are not in here",
                into.incident
            );
        }
        for part in self.merged.iter().filter(|_| redacted) {
            let _ = writeln!(
                text,
                "{}: bagian dari kejadian ini; ada salinannya sendiri / part of this incident; it has a copy of \
                 its own",
                part.incident
            );
        }
        text
    }

    /// Looks whether `redaction` can be done to it.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self, redaction: &Redaction) -> Result<(), ProofError> {
        Ok(redaction.check(&self.calls)?)
    }

    fn note<'a>(&'a self, asked: &'a Asked, redaction: &'a Redaction) -> Note<'a> {
        let record: Vec<Value> = self.calls.iter().map(whole).collect();
        let mut text = serde_json::to_vec_pretty(&record).unwrap_or_default();
        text.push(b'\n');
        let files = self.calls.iter().flat_map(sounds::files);
        let files = files.map(|file| json!({ "part": file.part, "sha256": file.sha256 }));
        Note {
            incident: &self.incident,
            redacted_by: &asked.by,
            redacted_at: asked.at.to_rfc3339(),
            reason: &asked.reason,
            taken_out: redaction,
            left_out: [
                "SIP messages",
                "versions of the form",
                "access log",
                "lines of the journal with their keys",
                "why a record is held",
            ],
            original_record_sha256: hex(&Sha256::digest(text)),
            original_recordings: files.collect(),
        }
    }
}
