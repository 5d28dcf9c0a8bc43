//! Everything that is kept of one number, for the person whose it is: the law gives them 3 × 24 hours.
//! Every call and record, recordings where they are asked for, and who looked at them.
//!
//! Numbers of others are hidden unless they are asked for; of records that only mention the number,
//! whatever is somebody else's is. It only reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::ProofError;
use super::archive::Archive;
use super::bundle::{Archivist, Asked, whole};
use super::chapters;
use super::page::Page;
use super::redaction::{Redaction, names};
use super::scrub::{Numbers, Own, Scrub};
use crate::store::cli::Pages;
use crate::store::{Filter, Incident, forms};
use crate::trunk::number_plan::phone;
use crate::vocabulary::Private;

/// Fewer digits are nobody's number.
const DIGITS: usize = 5;

/// What is packed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The number, however it is written.
    pub number: Private<String>,
    /// With recordings.
    pub audio: bool,
    /// With numbers of others, and other callers' records whole.
    pub third_parties: bool,
}

/// How a record has to do with the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// It called.
    Caller,
    /// It stands in the form, as where the caller can be reached.
    Form,
    /// It stands in something that was written.
    Mentioned,
}

impl How {
    const fn word(self) -> &'static str {
        match self {
            Self::Caller => "menelepon / called",
            Self::Form => "di formulir / in the form",
            Self::Mentioned => "disebut / mentioned",
        }
    }
}

/// Records that have to do with a number.
#[derive(Debug)]
pub struct Pack {
    own: Own,
    /// By their call, oldest first.
    calls: BTreeMap<String, How>,
}

impl Pack {
    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The number in its normal form.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.own.number
    }
}

impl Archivist {
    /// Looks for every record of a number, however it was written there.
    ///
    /// # Errors
    /// [`ProofError::NoRecords`] when there is none; or the database fails.
    pub async fn look_for(&self, number: &str) -> Result<Pack, ProofError> {
        let read = phone(number, &self.area_code);
        let number =
            read.e164.map_or_else(|| number.trim().to_owned(), |e164| e164.reveal().clone());
        if number.chars().filter(char::is_ascii_alphanumeric).count() < DIGITS {
            return Err(ProofError::NoRecords);
        }
        let own = Own { number, area_code: self.area_code.clone() };
        let forms = forms(&own.number);
        let mut calls = BTreeMap::new();
        let mut add = |call: String, how: How| {
            let known = calls.entry(call).or_insert(how);
            *known = how.min(*known);
        };
        self.store
            .calls_by_forms(&forms)
            .await?
            .into_iter()
            .for_each(|call| add(call, How::Caller));
        for (call, written) in self.store.written_numbers().await? {
            if own.is(&written) {
                add(call, How::Form);
            }
        }
        for words in mentioned(&forms) {
            let filter = Filter { words: Some(words), ..Filter::default() };
            let mut pages = Pages::new(&self.store, filter);
            while let Some(page) = pages.next().await.map_err(ProofError::Store)? {
                page.into_iter().for_each(|row| add(row.call, How::Mentioned));
            }
        }
        if calls.is_empty() {
            return Err(ProofError::NoRecords);
        }
        Ok(Pack { own, calls })
    }

    /// Writes a pack. Blocks; `runtime` asks the database meanwhile.
    ///
    /// # Errors
    /// When something cannot be read or written: what was written so far has no end, and every reader of
    /// ZIP files says so.
    pub fn pack(
        &self,
        pack: &Pack,
        wanted: &Wanted,
        asked: &Asked,
        runtime: &Handle,
        out: impl Write,
    ) -> Result<(), ProofError> {
        let signer = self.signer()?;
        let mut archive = Archive::new(out, asked.at);
        let (mut access, mut listed, mut missing) = (Vec::new(), Vec::new(), String::new());
        for (call, how) in &pack.calls {
            let Some(incident) = runtime.block_on(self.store.show(call))? else { continue };
            if *how == How::Mentioned && !is_in(&incident, &pack.own) {
                continue;
            }
            let record = record(&incident, *how, wanted, &pack.own);
            archive.json(&format!("records/{call}.json"), &record)?;
            let mut audio = Vec::new();
            if wanted.audio && (*how != How::Mentioned || wanted.third_parties) {
                let library = &self.library;
                chapters::audio(&mut archive, library, &incident, None, &mut missing)?;
                audio.extend(
                    chapters::files(&incident)
                        .map(|file| (file.file.clone(), chapters::audio_name(&file.file, false))),
                );
            }
            let page = Page {
                centre: &self.centre,
                title: ("Catatan", "Record"),
                notes: vec![("Nomor ini / This number".into(), how.word().into())],
                calls: &[record],
                audio: &audio,
                zone: &self.zone,
            };
            archive.add(&format!("{call}.html"), page.html().as_bytes())?;
            for subject in [&incident.summary.id, call] {
                access.extend(runtime.block_on(self.access(subject.clone()))?);
            }
            let at = incident.summary.received_at.0.to_rfc3339();
            listed.push(json!({ "call": call, "incident": incident.summary.id, "received_at": at,
                "how": how.word() }));
        }
        access.extend(runtime.block_on(self.access(pack.own.number.clone()))?);
        access.sort_by_key(|look| look.seq);
        access.dedup_by_key(|look| look.seq);
        archive.json("access.json", &access)?;
        archive.json("records.json", &listed)?;
        if !missing.is_empty() {
            archive.add("MISSING.txt", missing.as_bytes())?;
        }
        archive.add("README.txt", self.told(pack, wanted, asked).as_bytes())?;
        archive.finish(&signer)
    }

    fn told(&self, pack: &Pack, wanted: &Wanted, asked: &Asked) -> String {
        let (count, number) = (pack.calls.len(), &pack.own.number);
        let mut text = format!("{}\n\n", self.centre);
        let others = |hidden: &'static str, shown: &'static str| {
            if wanted.third_parties { shown } else { hidden }
        };
        let audio =
            |with: &'static str, without: &'static str| if wanted.audio { with } else { without };
        let _ = write!(
            text,
            "Semua yang disimpan tentang nomor {number}: {count} catatan. Dibuat {at} oleh {by}.\n\
             Alasan: {reason}\n\
             Setiap catatan: NOMOR.html untuk dibaca, records/NOMOR.json selengkapnya. access.json: siapa\n\
             membuka catatan ini, kapan, dan untuk apa. {} {}\n\n\
             Everything that is kept of the number {number}: {count} records. Made {at} by {by}.\n\
             Reason: {reason}\n\
             Each record: NUMBER.html to read, records/NUMBER.json whole. access.json: who looked at these\n\
             records, when, and why. {} {}\n",
            others("Nomor orang lain disembunyikan.", "Nomor orang lain ditampilkan."),
            audio(
                "Rekaman ada di audio/.",
                "Rekaman disebut di setiap catatan dan tidak disertakan."
            ),
            others("Numbers of others are hidden.", "Numbers of others are shown."),
            audio(
                "Recordings are in audio/.",
                "Recordings are named in each record and not in here."
            ),
            at = asked.at.to_rfc3339(),
            by = asked.by,
            reason = asked.reason,
        );
        text
    }
}

/// A record as whoever has the number may see it.
fn record(incident: &Incident, how: How, wanted: &Wanted, own: &Own) -> Value {
    let mut all = whole(incident);
    if wanted.third_parties {
        return all;
    }
    let numbers = Numbers::HideBut(own.clone());
    if how == How::Mentioned {
        let scrub = Scrub { numbers, names: names(incident) };
        return Redaction::default().record_by(incident, &scrub);
    }
    Scrub { numbers, names: Vec::new() }.value(&mut all);
    all
}

/// Whether the number stands in what is known of an incident: a search finds its groups of digits in any order.
fn is_in(incident: &Incident, own: &Own) -> bool {
    let (mut all, mut others) = (whole(incident), whole(incident));
    Scrub { numbers: Numbers::Hide, names: Vec::new() }.value(&mut all);
    Scrub { numbers: Numbers::HideBut(own.clone()), names: Vec::new() }.value(&mut others);
    all != others
}

/// What is searched for where a number may stand in a text: whole, and in groups of four as people write it.
fn mentioned(forms: &[String]) -> Vec<String> {
    let grouped = |form: &String| {
        let digits: Vec<char> = form.chars().collect();
        digits.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    };
    let local = forms.iter().filter(|form| form.starts_with('0') && !form.starts_with("00"));
    forms.iter().cloned().chain(local.map(grouped)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_looked_for_in_texts_as_people_write_it() {
        let all = mentioned(&forms("+6281234567890"));
        assert!(all.contains(&"0812 3456 7890".to_owned()), "{all:?}");
        assert!(all.contains(&"6281234567890".to_owned()));
    }
}
