//! Everything that is kept of one number, for the person whose it is: the law gives them 3 × 24 hours.
//! Every call and record, recordings where they are asked for, and who looked at them.
//!
//! Numbers of others are hidden unless they are asked for. Of a record that only mentions the number there
//! is when, and the sentence; a record is its caller's, and never anybody's who stands in it. It only reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::archive::Archive;
use super::bundle::{Archivist, Asked, Tied, whole};
use super::called::{self, Dialled};
use super::page::Page;
use super::redaction::{TEXTS, kept, names};
use super::scrub::{HIDDEN, NUMBERS, Numbers, Own, Scrub};
use super::sounds::{self, Elsewhere};
use super::{ProofError, Signer};
use crate::store::access::{Access, AccessFilter};
use crate::store::cli::Pages;
use crate::store::{Filter, Incident, Recording, forms};
use crate::trunk::number_plan::phone;
use crate::vocabulary::{NumberClass, Phone, Private};

/// Fewer digits are nobody's number, where the plan does not know it.
const DIGITS: usize = 7;
/// What people do whose subject is what they looked for.
const LOOKED_FOR: [&str; 4] = [
    "records of a number packed",
    "incidents searched",
    "incidents exported",
    "incidents exported as EIDO",
];
/// Columns of a record that people wrote in the form of its incident.
const WRITTEN: [&str; 21] = [
    "caller_name",
    "caller_number",
    "category",
    "sub_category",
    "kecamatan",
    "text",
    "address",
    "desa",
    "landmark",
    "latitude",
    "longitude",
    "victims_dead",
    "victims_severe",
    "victims_minor",
    "victims_missing",
    "victims_displaced",
    "agencies",
    "field_report",
    "result",
    "closed_at",
    "closed_by",
];

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
    /// It was called: brought in, or given the caller.
    Called,
    /// It stands in something that was written.
    Mentioned,
}

impl How {
    const fn word(self) -> &'static str {
        match self {
            Self::Caller => "menelepon / called",
            Self::Form => "di formulir / in the form",
            Self::Called => "dihubungi / called out to",
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
    /// Calls to it that seats dialled, which have no record of their own.
    dialled: Dialled,
    /// Calls whose number came without a beginning that says whose it is.
    unsure: Vec<String>,
}

impl Pack {
    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len() + self.dialled.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
    /// [`ProofError::NoNumber`] when it is nobody's; [`ProofError::NoRecords`] when there is none; or the
    /// database fails.
    pub async fn look_for(&self, number: &str) -> Result<Pack, ProofError> {
        let number = somebodys(phone(number, &self.area_code)).ok_or(ProofError::NoNumber)?;
        let own = Own { number, area_code: self.area_code.clone() };
        let forms = forms(&own.number);
        let (mut calls, mut unsure) = (BTreeMap::new(), Vec::new());
        for call in self.store.calls_by_forms(&forms).await? {
            let Some(found) = self.store.show(&call).await? else { continue };
            let e164 = found.summary.caller_e164.as_deref();
            if own.is(e164.unwrap_or(&found.summary.caller_raw)) {
                calls.insert(call, How::Caller);
            } else if e164.is_none() {
                unsure.push(call);
            }
        }
        for (call, written) in self.store.written_numbers().await? {
            if own.is(&written) {
                calls.entry(call).or_insert(How::Form);
            }
        }
        let mut dialled = Dialled::new();
        for (call, step) in self.store.called(|to| own.is(to)).await? {
            let known = calls.contains_key(&call) || self.store.show(&call).await?.is_some();
            // In the record of an emergency call there may stand what a seat dialled meanwhile.
            if let Some(other) = called::dialled(&step) {
                dialled.entry(other.to_owned()).or_default().push(step);
            }
            if known {
                calls.entry(call).or_insert(How::Called);
            }
        }
        for words in mentioned(&forms) {
            let filter = Filter { words: Some(words), ..Filter::default() };
            let mut pages = Pages::new(&self.store, filter);
            while let Some(page) = pages.next().await.map_err(ProofError::Store)? {
                for row in page {
                    if calls.contains_key(&row.call) {
                        continue;
                    }
                    let found = self.store.show(&row.call).await?;
                    if found.is_some_and(|found| is_in(&found, &own)) {
                        calls.insert(row.call, How::Mentioned);
                    }
                }
            }
        }
        if calls.is_empty() && dialled.is_empty() && unsure.is_empty() {
            return Err(ProofError::NoRecords);
        }
        Ok(Pack { own, calls, dialled, unsure })
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
        let archive = Archive::new(out, asked.at);
        let (access, listed, missing) = (Vec::new(), Vec::new(), String::new());
        let mut packing = Packing { room: self, pack, wanted, archive, access, listed, missing };
        for (call, how) in &pack.calls {
            let Some(incident) = runtime.block_on(self.store.show(call))? else { continue };
            let tied = runtime.block_on(self.tied(&incident))?;
            let record = record(&incident, *how, wanted, &pack.own, &tied);
            let heard = *how == How::Caller || wanted.third_parties;
            let files = if heard { sounds::files(&incident) } else { Vec::new() };
            packing.record((call, *how), &record, &files, runtime)?;
            packing.looked_at(&incident.summary.id, runtime)?;
        }
        let scrub = Scrub { numbers: Numbers::HideBut(pack.own.clone()), names: Vec::new() };
        for (call, named) in &pack.dialled {
            let steps = runtime.block_on(self.store.steps_of(call))?;
            let files = runtime.block_on(self.store.recordings_of(call))?;
            let whole = wanted.third_parties;
            let record = called::record(call, named, &steps, &files, &scrub, whole);
            let heard = whole || !called::is_about_another(named);
            let files = if heard { sounds::sealed(&files) } else { Vec::new() };
            packing.record((call, How::Called), &record, &files, runtime)?;
        }
        let mut looked = runtime.block_on(self.looked_for(&pack.own, &scrub))?;
        if !wanted.third_parties {
            looked.iter_mut().for_each(|look| look.subject = scrub.text(&look.subject));
        }
        packing.access.extend(looked);
        packing.finish(&signer, asked)
    }

    /// Who looked for the number, however they wrote it: packs, searches, exports.
    async fn looked_for(&self, own: &Own, scrub: &Scrub) -> Result<Vec<Access>, ProofError> {
        let all = forms(&own.number);
        let begins_or_ends = |typed: &str| {
            let key: String = typed.chars().filter(char::is_ascii_digit).collect();
            key.len() >= DIGITS && all.iter().any(|it| it.starts_with(&key) || it.ends_with(&key))
        };
        let wanted = |look: &Access| {
            let mut parts = look.subject.split('&').filter_map(|pair| pair.split_once('='));
            own.is(&look.subject)
                || scrub.shows(&look.subject)
                || parts.any(|(key, value)| key == "number" && begins_or_ends(value))
        };
        let filter = AccessFilter { what: &LOOKED_FOR, ..AccessFilter::default() };
        self.looks(filter, usize::MAX, &wanted).await
    }

    /// A number as it is kept in the access log: its normal form where it has one.
    #[must_use]
    pub fn normal(&self, number: &str) -> String {
        somebodys(phone(number, &self.area_code)).unwrap_or_else(|| number.to_owned())
    }

    fn told(&self, pack: &Pack, count: usize, wanted: &Wanted, asked: &Asked) -> String {
        let number = &pack.own.number;
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
                "Rekaman ada di audio/; yang tidak ada disebut di MISSING.txt.",
                "Rekaman disebut di setiap catatan dan tidak disertakan."
            ),
            others("Numbers of others are hidden.", "Numbers of others are shown."),
            audio(
                "Recordings are in audio/; those that are not are named in MISSING.txt.",
                "Recordings are named in each record and not in here."
            ),
            at = asked.at.to_rfc3339(),
            by = asked.by,
            reason = asked.reason,
        );
        if !wanted.third_parties {
            text.push_str(
                "\nDari catatan yang hanya menyebut nomor ini: kapan, dan kalimatnya. Dari kejadian yang juga\n\
                 dilaporkan orang lain: panggilan nomor ini sendiri, dan kalimat formulir yang menyebutnya.\n\
                 Dari panggilan orang lain yang disambungkan ke nomor ini: kapan, dan berapa lama.\n\
                 Of records that only mention this number: when, and the sentence. Of an incident that others\n\
                 reported too: the call of this number alone, and the sentences of the form that mention it.\n\
                 Of others' calls that this number was brought into: when, and for how long.\n",
            );
        }
        if !pack.unsure.is_empty() {
            let calls = pack.unsure.join(", ");
            let _ = write!(
                text,
                "\nTidak disertakan: panggilan yang nomornya dikirim tanpa awalan, sehingga pemiliknya tidak pasti:\n\
                 Not in here: calls whose number was sent without a prefix, so that whose it is is not certain:\n\
                 {calls}\n"
            );
        }
        text
    }
}

/// A pack that is being written.
struct Packing<'a, W: Write> {
    room: &'a Archivist,
    pack: &'a Pack,
    wanted: &'a Wanted,
    archive: Archive<W>,
    access: Vec<Access>,
    listed: Vec<Value>,
    missing: String,
}

impl<W: Write> Packing<'_, W> {
    /// One record: as it is, as a page, with its recordings where they are asked for.
    fn record(
        &mut self,
        (call, how): (&str, How),
        record: &Value,
        files: &[&Recording],
        runtime: &Handle,
    ) -> Result<(), ProofError> {
        self.archive.json(&format!("records/{call}.json"), record)?;
        let mut elsewhere = Vec::new();
        let mut audio = Vec::new();
        if self.wanted.audio {
            let nodes = runtime.block_on(self.room.store.recordings_elsewhere(call))?;
            let sounds = self.room.sounds(nodes);
            let missing = &mut self.missing;
            elsewhere = sounds.write(&mut self.archive, (call, files), None, missing)?;
            let absent = |file: &str| elsewhere.iter().any(|it| it.file == file);
            let here = files.iter().filter(|file| !absent(&file.file));
            let named =
                |file: &Recording| (file.file.clone(), sounds::audio_name(&file.file, false));
            audio.extend(here.map(|file| named(file)));
        }
        let absent: BTreeMap<String, String> =
            elsewhere.iter().map(|it: &Elsewhere| (it.file.clone(), it.node.clone())).collect();
        let page = Page {
            centre: &self.room.centre,
            title: ("Catatan", "Record"),
            notes: vec![("Nomor ini / This number".into(), how.word().into())],
            calls: std::slice::from_ref(record),
            audio: &audio,
            absent: &absent,
            zone: &self.room.zone,
        };
        self.archive.add(&format!("{call}.html"), page.html().as_bytes())?;
        self.looked_at(call, runtime)?;
        let mut entry = json!({ "call": call, "incident": record["id"],
            "received_at": record["received_at"], "how": how.word() });
        if let (false, Some(entry)) = (elsewhere.is_empty(), entry.as_object_mut()) {
            entry.insert("recordings_elsewhere".into(), json!(elsewhere));
        }
        self.listed.push(entry);
        Ok(())
    }

    fn looked_at(&mut self, subject: &str, runtime: &Handle) -> Result<(), ProofError> {
        self.access.extend(runtime.block_on(self.room.access(subject.to_owned()))?);
        Ok(())
    }

    fn finish(mut self, signer: &Signer, asked: &Asked) -> Result<(), ProofError> {
        self.access.sort_by_key(|look| look.place);
        self.access.dedup_by_key(|look| look.place);
        if !self.wanted.third_parties {
            let numbers = Numbers::HideBut(self.pack.own.clone());
            let scrub = Scrub { numbers, names: Vec::new() };
            for look in &mut self.access {
                look.reason = scrub.text(&look.reason);
            }
        }
        self.archive.json("access.json", &self.access)?;
        self.archive.json("records.json", &self.listed)?;
        if !self.missing.is_empty() {
            self.archive.add("MISSING.txt", self.missing.as_bytes())?;
        }
        let told = self.room.told(self.pack, self.listed.len(), self.wanted, asked);
        self.archive.add("README.txt", told.as_bytes())?;
        self.archive.finish(signer)
    }
}

/// The normal form of a number that can be somebody's: no word, no service, no stand-in of phones without SIM.
fn somebodys(read: Phone) -> Option<String> {
    if let Some(e164) = read.e164 {
        return Some(e164.reveal().clone());
    }
    let raw: String = read.raw.reveal().chars().filter(|c| !c.is_whitespace()).collect();
    let digits = raw.strip_prefix('+').unwrap_or(&raw);
    let kinds = digits.chars().collect::<std::collections::BTreeSet<char>>().len();
    let can_be = read.class == NumberClass::Unparsed
        && digits.len() >= DIGITS
        && digits.bytes().all(|b| b.is_ascii_digit())
        && kinds > 2;
    can_be.then_some(raw)
}

/// A record as whoever has the number may see it.
fn record(incident: &Incident, how: How, wanted: &Wanted, own: &Own, tied: &Tied) -> Value {
    let mut all = whole(incident);
    if wanted.third_parties {
        return all;
    }
    let numbers = Numbers::HideBut(own.clone());
    if how != How::Caller {
        let known = [std::slice::from_ref(incident), &tied.merged, &tied.linked];
        return mention(&all, &Scrub { numbers, names: names(known.into_iter().flatten()) });
    }
    let others = tied.merged.iter().filter(|call| {
        let number = &call.summary;
        !own.is(number.caller_e164.as_deref().unwrap_or(&number.caller_raw))
    });
    let others: Vec<&Incident> = others.collect();
    if let (false, Value::Object(all)) = (others.is_empty(), &mut all) {
        // What was written is about somebody else's call as much as about this one.
        let scrub = Scrub { numbers: numbers.clone(), names: names(others) };
        let written = all.get("written").and_then(Value::as_object);
        let written = written.map(|written| said_of(written, &scrub)).unwrap_or_default();
        all.insert("written".into(), written.into());
        all.retain(|key, _| !WRITTEN.contains(&key.as_str()));
    }
    // Why a record is kept may name another case.
    if let Some(Value::Object(hold)) = all.get_mut("hold") {
        hold.remove("why");
    }
    for step in all.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
        let held = matches!(step["fact"].as_str(), Some("incident-held" | "recording-held"));
        if let Some(step) = step.as_object_mut().filter(|_| held) {
            step.remove("why");
        }
    }
    Scrub { numbers, names: Vec::new() }.value(&mut all);
    all
}

/// Of a record that mentions a number: when, and the sentences with it.
fn mention(all: &Value, scrub: &Scrub) -> Value {
    let Value::Object(all) = all else { return Value::Null };
    let mut record = kept(all, &["id", "call", "received_at"]);
    let said = |key: &str| all.get(key).and_then(Value::as_str).is_some_and(|it| !scrub.hides(it));
    record.extend(kept(all, &NUMBERS.map(|key| if said(key) { key } else { "" })));
    if let Some(Value::Object(written)) = all.get("written") {
        record.insert("written".into(), said_of(written, scrub).into());
    }
    let steps = all.get("steps").and_then(Value::as_array).into_iter().flatten();
    let steps = steps.filter_map(|step| {
        let fields = step.as_object()?;
        let text = fields.get("text").and_then(Value::as_str).and_then(|it| sentences(it, scrub));
        let named = || fields.values().filter_map(Value::as_str).any(|value| scrub.shows(value));
        if text.is_none() && !named() {
            return None;
        }
        let mut shown = kept(fields, &["at", "seq", "fact", "call"]);
        shown.extend(text.map(|text| ("text".to_owned(), Value::from(text))));
        Some(Value::Object(shown))
    });
    let mut steps: Vec<Value> = steps.collect();
    for called in called::steps(&Value::Object(all.clone()), scrub) {
        let same = |step: &Value| ["seq", "at"].iter().all(|key| step.get(key) == called.get(key));
        steps.retain(|step| !same(step));
        steps.push(called);
    }
    steps.sort_by(|a, b| a["at"].as_str().cmp(&b["at"].as_str()));
    record.insert("steps".into(), steps.into());
    record.into()
}

/// Of what was written about an incident: its sentences with the number.
fn said_of(written: &Map<String, Value>, scrub: &Scrub) -> Map<String, Value> {
    let Some(Value::Object(form)) = written.get("form") else { return Map::new() };
    let text = |key: &str| form.get(key).and_then(Value::as_str);
    let mut shown = Map::new();
    for key in TEXTS {
        let text = text(key).and_then(|text| sentences(text, scrub));
        shown.extend(text.map(|text| (key.to_owned(), Value::from(text))));
    }
    for key in NUMBERS {
        let own = text(key).filter(|number| !scrub.hides(number));
        shown.extend(own.map(|number| (key.to_owned(), Value::from(number))));
    }
    let notices = form.get("agencies").and_then(Value::as_object).into_iter().flatten();
    let notices = notices.filter_map(|(name, notice)| {
        let note = sentences(notice.get("note")?.as_str()?, scrub)?;
        Some((name.clone(), json!({ "note": note })))
    });
    let notices: Map<String, Value> = notices.collect();
    if !notices.is_empty() {
        shown.insert("agencies".into(), notices.into());
    }
    Map::from_iter([("form".to_owned(), Value::Object(shown))])
}

/// The sentences of a text that hold the number, each without what is hidden.
fn sentences(text: &str, scrub: &Scrub) -> Option<String> {
    if !scrub.shows(text) {
        return None;
    }
    let mut all: Vec<String> = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let ends = matches!(letter, '.' | '!' | '?' | ';')
            && letters.peek().is_none_or(|next| next.is_whitespace());
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
        if ends || letter == '\n' {
            all.push(String::new());
        }
    }
    let shown =
        all.iter().map(|it| it.trim()).filter(|it| scrub.shows(it)).map(|it| scrub.text(it));
    let shown: Vec<String> = shown.collect();
    // Who wrote a stop between its groups wrote no sentence that can be shown.
    Some(if shown.is_empty() { HIDDEN.to_owned() } else { shown.join(" … ") })
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

    const OWN: &str = "+6281234567890";

    fn own() -> Own {
        Own { number: OWN.into(), area_code: "0328".into() }
    }

    fn incident(number: &str, written: &Value) -> Incident {
        let mut all = whole(&Incident {
            summary: crate::store::IncidentSummary::default(),
            written: crate::store::RecordView::default(),
            facts: Map::new(),
            recording: None,
            further_recordings: Vec::new(),
            offers: Vec::new(),
            links: Vec::new(),
            place: None,
            location_reports: Vec::new(),
            work: Vec::new(),
            hold: None,
            steps: Vec::new(),
        });
        all["caller_raw"] = number.into();
        all["caller_e164"] = number.into();
        all["text"] = written["text"].clone();
        all["written"]["form"] = written.clone();
        serde_json::from_value(all).expect("an incident")
    }

    fn wanted() -> Wanted {
        Wanted { number: Private::new(OWN.into()), audio: true, third_parties: false }
    }

    #[test]
    fn whoever_stands_in_a_form_gets_the_sentence_and_not_the_record() {
        let form = json!({ "caller_name": "Bu Siti", "caller_number": "0812 3456 7890", "address": "Jl. Melati",
            "text": "Suami memukul istri. Suaminya Siti di 0812.3456.7890 dan 0819-5555-6666. Luka di kepala" });
        let wife = incident("+6281955556666", &form);
        for how in [How::Form, How::Mentioned] {
            let all = record(&wife, how, &wanted(), &own(), &Tied::default()).to_string();
            for gone in ["Siti", "5555", "memukul", "kepala", "Melati"] {
                assert!(!all.contains(gone), "{gone} is in {all}");
            }
            assert!(all.contains("0812 3456 7890") && all.contains("0812.3456.7890"), "{all}");
        }
        let asked = Wanted { third_parties: true, ..wanted() };
        let all = record(&wife, How::Form, &asked, &own(), &Tied::default()).to_string();
        assert!(all.contains("memukul") && all.contains("Melati"), "{all}");
    }

    #[test]
    fn a_form_that_is_about_another_caller_too_is_not_in_one_s_own_record() {
        let form = json!({ "caller_name": "Bu Siti", "text": "Siti dipukul. Tetangga 081234567890 melihat" });
        let (one, other) = (incident(OWN, &form), incident("+6281955556666", &form));
        let alone = record(&one, How::Caller, &wanted(), &own(), &Tied::default()).to_string();
        assert!(alone.contains("dipukul"), "{alone}");
        let tied = Tied { merged: vec![other], linked: Vec::new() };
        let shared = record(&one, How::Caller, &wanted(), &own(), &tied).to_string();
        assert!(!shared.contains("dipukul") && !shared.contains("Siti"), "{shared}");
        assert!(shared.contains("Tetangga 081234567890 melihat"), "{shared}");
    }

    #[test]
    fn what_is_nobody_s_number_is_refused() {
        let read = |text: &str| somebodys(phone(text, "0328"));
        for text in [
            "anonymous",
            "",
            "112",
            "9112200001",
            "81234567890",
            "0000000000",
            "rumah Budi 12345678",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("0812 3456 7890").as_deref(), Some(OWN));
        assert_eq!(read("662112").as_deref(), Some("+62328662112"));
    }

    #[test]
    fn a_number_is_looked_for_in_texts_as_people_write_it() {
        let all = mentioned(&forms("+6281234567890"));
        assert!(all.contains(&"0812 3456 7890".to_owned()), "{all:?}");
        assert!(all.contains(&"6281234567890".to_owned()));
    }
}
