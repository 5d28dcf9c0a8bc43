//! What is taken out of a copy before it leaves the house: names, numbers, places, parts of what was
//! written and said. The copy says what was taken out, by whom and why; the original is only read.
//!
//! A redacted record is made of the fields that are named here. One that is added later is not in it
//! until somebody says that it may be, so nothing leaves by being forgotten.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::bundle::Tied;
use super::scrub::{HIDDEN, NUMBERS, Numbers, Scrub, hidden};
use crate::journal::sealed;
use crate::recording::Span;
use crate::store::Incident;

/// Most spans of one kind in one request.
const SPANS: usize = 1_000;
/// Longest recording: a span behind it is a slip of the pen.
const DAY_SECONDS: f64 = 86_400.0;

/// What is taken out of a copy. Left out, `names`, `numbers` and `places` are true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Redaction {
    /// What callers are called, also where it stands in a text.
    pub names: bool,
    /// Telephone numbers, also where one stands in a text.
    pub numbers: bool,
    /// Where it is, but for the kecamatan.
    pub places: bool,
    /// Parts of texts.
    pub text: Vec<TextSpan>,
    /// Parts of recordings. Left out: no recording is in the copy. An empty list: all are, whole.
    pub audio: Option<Vec<AudioSpan>>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self { names: true, numbers: true, places: true, text: Vec::new(), audio: None }
    }
}

/// A part of a text; each letter of it becomes a block, so that the length is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextSpan {
    /// `text`, `field_report`, `result`, `address`, `landmark`, `agencies`, or `line:N` for what was typed
    /// in the call: the `seq` of its step.
    #[serde(rename = "in")]
    pub place: String,
    /// The first character, from 0 on; 0 when left out.
    #[serde(default)]
    pub from: usize,
    /// The first character behind it; the text's end when left out.
    #[serde(default)]
    pub to: Option<usize>,
}

/// Whose voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The left channel.
    Caller,
    /// The right channel.
    Operator,
    /// Both.
    #[default]
    Both,
}

/// What stands for what was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Instead {
    /// 1 kHz.
    #[default]
    Tone,
    /// Nothing.
    Silence,
}

/// A part of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioSpan {
    /// The call, where an incident has several; every call when left out.
    #[serde(default)]
    pub call: Option<String>,
    /// Which file of the call; 1 when left out.
    #[serde(default = "first")]
    pub part: i64,
    /// Seconds from the beginning of the file.
    pub from: f64,
    /// Seconds; the first moment behind it.
    pub to: f64,
    /// Whose voice; both when left out.
    #[serde(default)]
    pub channel: Side,
    /// A tone when left out.
    #[serde(default, rename = "with")]
    pub instead: Instead,
}

const fn first() -> i64 {
    1
}

/// A redaction that cannot be done as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A text that the record has not.
    #[error("text: there is no {0:?} to take anything out of; this record has {1}")]
    NoText(String, String),
    /// A span that is not within its text.
    #[error("text: {place} has {length} characters, and {from} to {to} is not within it")]
    Text {
        /// Which text.
        place: String,
        /// How long it is.
        length: usize,
        /// As given.
        from: usize,
        /// As given.
        to: usize,
    },
    /// A recording that the record has not.
    #[error(
        "audio: there is no recording of part {0}; `recording` in the record says what there is"
    )]
    NoPart(i64),
    /// A span that is not within its recording.
    #[error("audio: {from} to {to} s is not within part {part}, which is {length} s long")]
    Audio {
        /// Which file.
        part: i64,
        /// As given.
        from: String,
        /// As given.
        to: String,
        /// How long it is.
        length: String,
    },
    /// More than anybody types.
    #[error("{0} spans are too many: {SPANS} is the most")]
    TooMany(usize),
}

/// Texts of a form in which spans may be taken out.
pub(super) const TEXTS: [&str; 5] = ["text", "field_report", "result", "address", "landmark"];
/// Of these a redacted copy keeps the words.
const KEPT: [&str; 42] = [
    "id",
    "call",
    "trunk",
    "dialled",
    "service",
    "category",
    "kecamatan",
    "queue",
    "rule",
    "priority",
    "lane",
    "lane_why",
    "wants",
    "heard",
    "seat",
    "operator",
    "answer_mode",
    "received_at",
    "queued_at",
    "caller_answered_at",
    "answered_at",
    "ended_at",
    "answer_ms",
    "duration_ms",
    "stage",
    "ended_by",
    "cause",
    "q850",
    "outcome",
    "disposition",
    "disposed_by",
    "disposed_at",
    "recording_state",
    "origin",
    "record",
    "version",
    "sub_category",
    "victims_dead",
    "victims_severe",
    "victims_minor",
    "victims_missing",
    "victims_displaced",
];
/// And of these, which say who closed it and where it belongs.
const KEPT_TOO: [&str; 9] = [
    "closed_at",
    "closed_by",
    "merged_into",
    "changed_at",
    "changed_by",
    "state",
    "offers",
    "recording",
    "further_recordings",
];
/// Of what was said about keeping it: the reason may name another case.
const HOLD: [&str; 4] = ["at", "by", "held", "until"];

impl Redaction {
    /// Looks whether it can be done to these calls of an incident.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self, calls: &[Incident]) -> Result<(), Mistake> {
        let audio = self.audio.as_deref().unwrap_or_default();
        let most = self.text.len().max(audio.len());
        if most > SPANS {
            return Err(Mistake::TooMany(most));
        }
        for span in &self.text {
            let texts = calls.iter().flat_map(texts).collect::<Vec<_>>();
            let lengths = texts.iter().filter(|(place, _)| *place == span.place);
            let length = lengths.map(|(_, text)| text.chars().count()).max();
            let Some(length) = length else {
                let mut known: Vec<&str> = texts.iter().map(|(place, _)| place.as_str()).collect();
                known.dedup();
                return Err(Mistake::NoText(
                    span.place.chars().take(40).collect(),
                    known.join(", "),
                ));
            };
            let to = span.to.unwrap_or(length);
            if span.from >= to || to > length {
                let (place, from) = (span.place.clone(), span.from);
                return Err(Mistake::Text { place, length, from, to });
            }
        }
        for span in audio {
            let mut found = None;
            for call in calls.iter().filter(|call| span.is_of(&call.summary.call)) {
                let files = call.recording.iter().chain(&call.further_recordings);
                let here = files.filter(|file| file.part == span.part);
                found = found.max(here.filter_map(|file| file.millis).max());
            }
            let millis = found.ok_or(Mistake::NoPart(span.part))?;
            #[allow(clippy::cast_precision_loss, reason = "a day of milliseconds is exact")]
            let length = millis as f64 / 1000.0;
            let good =
                span.from >= 0.0 && span.from < span.to && span.to <= length.min(DAY_SECONDS);
            if !good {
                let (from, to) = (span.from.to_string(), span.to.to_string());
                let (part, length) = (span.part, length.to_string());
                return Err(Mistake::Audio { part, from, to, length });
            }
        }
        Ok(())
    }

    /// The spans of one file.
    #[must_use]
    pub fn spans_of(&self, call: &str, part: i64) -> Vec<Span> {
        let all = self.audio.iter().flatten();
        all.filter(|span| span.is_of(call) && span.part == part).map(AudioSpan::span).collect()
    }

    /// The records of the calls of an incident without what is taken out.
    pub(super) fn records(&self, calls: &[Incident], tied: &Tied) -> Vec<Value> {
        let numbers = if self.numbers { Numbers::Hide } else { Numbers::Keep };
        // Who called first is named in what was written of the second.
        let known = [calls, &tied.merged, &tied.linked].into_iter().flatten();
        let names = if self.names { names(known) } else { Vec::new() };
        let scrub = Scrub { numbers, names };
        calls.iter().map(|call| self.record(call, &scrub)).collect()
    }

    fn record(&self, incident: &Incident, scrub: &Scrub) -> Value {
        let Ok(Value::Object(all)) = serde_json::to_value(incident) else { return Value::Null };
        let mut record = kept(&all, &KEPT);
        record.extend(kept(&all, &KEPT_TOO));
        if let Some(Value::Object(hold)) = all.get("hold") {
            record.insert("hold".into(), kept(hold, &HOLD).into());
        }
        self.personal(&all, scrub, &mut record);
        record
            .insert("steps".into(), all.get("steps").map_or(Value::Null, |s| self.steps(s, scrub)));
        if let Some(Value::Object(written)) = all.get("written") {
            let mut shown = kept(written, &KEPT);
            shown.extend(kept(written, &KEPT_TOO));
            // There it says why, in somebody's words.
            shown.remove("merged_into");
            if let Some(Value::Object(form)) = written.get("form") {
                let mut fields = kept(form, &KEPT);
                self.personal(form, scrub, &mut fields);
                shown.insert("form".into(), fields.into());
            }
            if let Some(Value::Object(into)) = written.get("merged_into") {
                shown.insert("merged_into".into(), kept(into, &["incident", "at", "by"]).into());
            }
            record.insert("written".into(), shown.into());
        }
        if !self.places {
            for key in ["place", "location_reports", "locations"] {
                let Some(mut value) = all.get(key).cloned() else { continue };
                scrub.value(&mut value);
                record.insert(key.to_owned(), value);
            }
        }
        record.into()
    }

    /// What stands of a caller in a record or its form.
    fn personal(&self, from: &Map<String, Value>, scrub: &Scrub, to: &mut Map<String, Value>) {
        let text = |key: &str| from.get(key).and_then(Value::as_str);
        let mut put = |key: &str, hide: bool| match from.get(key) {
            None | Some(Value::Null) => {}
            Some(_) if hide => drop(to.insert(key.into(), HIDDEN.into())),
            Some(value) => drop(to.insert(key.into(), value.clone())),
        };
        put("caller_name", self.names);
        for key in NUMBERS {
            put(key, text(key).is_some_and(|number| scrub.hides(number)));
        }
        for key in ["address", "desa", "landmark", "latitude", "longitude", "coordinates"] {
            put(key, self.places);
        }
        for key in TEXTS {
            let place = matches!(key, "address" | "landmark");
            if let Some(text) = text(key).filter(|_| !(place && self.places)) {
                to.insert(key.into(), scrub.text(&self.cut(key, text)).into());
            }
        }
        match from.get("agencies") {
            Some(Value::String(text)) => {
                to.insert("agencies".into(), scrub.text(&self.cut("agencies", text)).into());
            }
            Some(Value::Object(all)) => {
                let mut shown = all.clone();
                for notice in shown.values_mut().filter_map(Value::as_object_mut) {
                    if let Some(Value::String(note)) = notice.get_mut("note") {
                        *note = scrub.text(&self.cut("agencies", note));
                    }
                }
                to.insert("agencies".into(), shown.into());
            }
            _ => {}
        }
    }

    /// Steps that say nothing of a caller, and what was typed without what is taken out. Of others is told
    /// that they were.
    fn steps(&self, steps: &Value, scrub: &Scrub) -> Value {
        let all = steps.as_array().into_iter().flatten().filter_map(Value::as_object);
        let shown = all.map(|step| {
            let kind = step.get("fact").and_then(Value::as_str).unwrap_or_default();
            if matches!(kind, "incident-held" | "recording-held") {
                let mut shown = kept(step, &["seq", "fact", "call", "incident"]);
                shown.extend(kept(step, &HOLD));
                return Value::Object(shown);
            }
            if sealed::is_open(kind) {
                return Value::Object(step.clone());
            }
            let mut shown = kept(step, &["at", "seq", "fact", "call"]);
            if kind == "text-written" {
                shown.extend(kept(step, &["by", "began"]));
                let text = step.get("text").and_then(Value::as_str).unwrap_or_default();
                let place = line_of(step);
                shown.insert("text".into(), scrub.text(&self.cut(&place, text)).into());
            }
            Value::Object(shown)
        });
        shown.collect()
    }

    /// A text with the spans that are about it taken out.
    fn cut(&self, place: &str, text: &str) -> String {
        let spans: Vec<&TextSpan> = self.text.iter().filter(|span| span.place == place).collect();
        let out = |at: usize| {
            spans.iter().any(|span| at >= span.from && span.to.is_none_or(|to| at < to))
        };
        text.chars().enumerate().map(|(at, c)| if out(at) { hidden(c) } else { c }).collect()
    }
}

impl AudioSpan {
    fn is_of(&self, call: &str) -> bool {
        self.call.as_deref().is_none_or(|named| named.eq_ignore_ascii_case(call))
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: from 0 to a day"
    )]
    fn span(&self) -> Span {
        let millis = |seconds: f64| (seconds.clamp(0.0, DAY_SECONDS) * 1000.0).round() as u64;
        Span {
            from_ms: millis(self.from),
            to_ms: millis(self.to),
            caller: self.channel != Side::Operator,
            operator: self.channel != Side::Caller,
            tone: self.instead == Instead::Tone,
        }
    }
}

/// The named fields that are there.
pub(super) fn kept(from: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let there = names.iter().filter_map(|name| from.get_key_value(*name));
    there.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn line_of(step: &Map<String, Value>) -> String {
    format!("line:{}", step.get("seq").and_then(Value::as_u64).unwrap_or_default())
}

/// Every text of a call in which something may be taken out, by its place.
fn texts(incident: &Incident) -> Vec<(String, String)> {
    let form = &incident.written.form;
    let named = TEXTS.iter().filter_map(|key| {
        form.get(*key).and_then(Value::as_str).map(|text| ((*key).to_owned(), text.to_owned()))
    });
    let mut all: Vec<(String, String)> = named.collect();
    let notes = form.get("agencies").and_then(Value::as_object).into_iter().flatten();
    let notes = notes.filter_map(|(_, notice)| notice.get("note")?.as_str());
    all.extend(notes.map(|note| ("agencies".to_owned(), note.to_owned())));
    let typed = incident
        .steps
        .iter()
        .filter(|step| step.get("fact").and_then(Value::as_str) == Some("text-written"));
    all.extend(
        typed.filter_map(|step| Some((line_of(step), step.get("text")?.as_str()?.to_owned()))),
    );
    all
}

/// What the callers of an incident are called, in words.
pub(super) fn names<'a>(calls: impl IntoIterator<Item = &'a Incident>) -> Vec<String> {
    let of_call = |incident: &Incident| {
        let form = incident.written.form.get("caller_name").and_then(Value::as_str);
        let display = incident.facts.get("caller").and_then(|caller| caller.get("name")?.as_str());
        let all = [form, incident.summary.caller_name.as_deref(), display];
        all.into_iter().flatten().map(str::to_lowercase).collect::<Vec<String>>()
    };
    let mut words: Vec<String> = Vec::new();
    for name in calls.into_iter().flat_map(of_call) {
        let all = name.split(|c: char| !c.is_alphanumeric());
        words.extend(all.filter(|word| word.chars().count() > 2).map(str::to_owned));
    }
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::IncidentSummary;

    fn incident() -> Incident {
        let json = serde_json::json!({
            "id": "06", "call": "06", "trunk": "telco-a", "source": "udp:198.51.100.7:5060",
            "dialled": "112", "service": "urn:service:sos", "caller_raw": "081234567890",
            "caller_e164": "+6281234567890", "received_at": "2026-11-26T05:00:00.000Z", "stage": "talking",
            "lane": "usual", "caller_name": "Bu Siti Aminah", "address": "Jl. Trunojoyo 5",
            "text": "Siti lapor kebakaran, hubungi 0812-9988-7766 anaknya", "kecamatan": "35.29.01",
            "written": {"version": 3, "state": "open", "origin": "call", "merged": [], "linked": [],
                "merged_into": {"incident": "07", "at": "2026-11-26T05:00:00Z", "by": "rani", "why": "Aminah lagi"},
                "form": {"caller_name": "Bu Siti Aminah", "address": "Jl. Trunojoyo 5",
                "text": "Siti lapor kebakaran, hubungi 0812-9988-7766 anaknya",
                "agencies": {"damkar": {"note": "ke rumah Siti"}}}},
            "caller": {"name": "SITI A"}, "raw": {"text": "INVITE … 081234567890"},
            "recording": {"part": 1, "file": "06.wav", "state": "sealed", "millis": 9000},
            "further_recordings": [], "offers": [], "steps": [
                {"seq": 7, "at": "2026-11-26T05:00:01.000Z", "fact": "text-written", "by": "caller",
                 "name": "", "text": "rumah saya di Kalianget"},
                {"seq": 8, "at": "2026-11-26T05:00:02.000Z", "fact": "party-invited", "to": "+62811000"},
                {"seq": 9, "at": "2026-11-26T05:00:03.000Z", "fact": "offered", "seat": "seat-1"}]
        });
        let mut whole = serde_json::to_value(IncidentSummary::default()).expect("JSON");
        whole.as_object_mut().expect("an object").extend(json.as_object().expect("one").clone());
        serde_json::from_value(whole).expect("an incident")
    }

    fn spans(json: &str) -> Redaction {
        serde_json::from_str(json).expect("a redaction")
    }

    fn told(wanted: &Redaction, call: Incident) -> String {
        Value::from(wanted.records(&[call], &Tied::default())).to_string()
    }

    #[test]
    fn a_caller_s_number_goes_whatever_it_looks_like_and_why_it_is_kept_too() {
        let mut call = incident();
        call.summary.caller_raw = "%2B6281234567890".into();
        call.summary.caller_e164 = None;
        call.summary.caller_number = Some("x9".into());
        let hold = serde_json::json!({"at": "2026-11-26T05:00:00.000Z", "by": "rina", "why": "perkara Budi",
            "until": null});
        call.hold = serde_json::from_value(hold).expect("a hold");
        for (seq, fact) in [(20, "incident-held"), (21, "recording-held")] {
            let step = serde_json::json!({"seq": seq, "at": "2026-11-26T06:00:00.000Z", "fact": fact,
                "held": true, "by": "rina", "why": "perkara Budi"});
            call.steps.push(step.as_object().expect("a step").clone());
        }
        let text = told(&Redaction::default(), call.clone());
        for gone in ["81234567890", "x9", "Budi"] {
            assert!(!text.contains(gone), "{gone} is in {text}");
        }
        assert!(text.contains("incident-held") && text.contains("rina"), "{text}");
        let other = told(&spans(r#"{"numbers": false}"#), call);
        assert!(other.contains("%2B6281234567890"), "{other}");
    }

    #[test]
    fn a_name_that_one_call_told_goes_from_every_call_of_the_incident() {
        let (one, mut two) = (incident(), incident());
        two.facts.insert("caller".into(), serde_json::json!({"name": "Joko"}));
        let mut three = incident();
        three.summary.text = Some("suami Joko".into());
        let tied = Tied { merged: vec![two], linked: Vec::new() };
        let text = Value::from(Redaction::default().records(&[one, three], &tied)).to_string();
        assert!(!text.contains("Joko") && text.contains("suami"), "{text}");
    }

    #[test]
    fn a_place_that_stays_takes_no_number_along() {
        let mut call = incident();
        let report = serde_json::json!([{"id": "r", "at": "2026-11-26T05:00:00.000Z", "call": null,
            "number": "+6281234567890", "device": "HP 0812-3456-7890", "location": {"latitude": -7.01}}]);
        call.location_reports = serde_json::from_value(report).expect("reports");
        let text = told(&spans(r#"{"places": false}"#), call);
        assert!(text.contains("-7.01") && !text.contains("81234567890"), "{text}");
        assert!(!text.contains("3456"), "{text}");
    }

    #[test]
    fn nothing_that_is_hidden_stands_anywhere_in_the_copy() {
        let wanted = spans(r#"{"text": [{"in": "line:7", "from": 14}]}"#);
        assert_eq!(wanted.check(&[incident()]), Ok(()));
        let text = told(&wanted, incident());
        for gone in [
            "Siti",
            "SITI",
            "Aminah",
            "81234567890",
            "9988",
            "Trunojoyo",
            "INVITE",
            "62811",
            "198.51",
        ] {
            assert!(!text.contains(gone), "{gone} is in {text}");
        }
        assert!(!text.contains("Kalianget") && text.contains("rumah saya di █████████"), "{text}");
        for left in ["35.29.01", "lapor kebakaran, hubungi", "anaknya", "seat-1", "party-invited"] {
            assert!(text.contains(left), "{left} is not in {text}");
        }
        let open = spans(r#"{"names": false, "numbers": false, "places": false}"#);
        let text = told(&open, incident());
        for left in ["Bu Siti Aminah", "+6281234567890", "0812-9988-7766", "Trunojoyo", "Kalianget"]
        {
            assert!(text.contains(left), "{left} is not in {text}");
        }
        // Messages never are in a redacted record.
        assert!(!text.contains("INVITE"));
    }

    #[test]
    fn what_cannot_be_done_is_said_with_where_and_how_to_mend_it() {
        let told =
            |json: &str| spans(json).check(&[incident()]).expect_err("a mistake").to_string();
        let text = told(r#"{"text": [{"in": "notes"}]}"#);
        assert!(
            text.contains("\"notes\"") && text.contains("text, address, agencies, line:7"),
            "{text}"
        );
        assert!(
            told(r#"{"text": [{"in": "text", "from": 50, "to": 99}]}"#)
                .contains("has 52 characters")
        );
        assert!(told(r#"{"text": [{"in": "text", "from": 5, "to": 5}]}"#).contains("not within"));
        assert!(told(r#"{"audio": [{"part": 2, "from": 0, "to": 1}]}"#).contains("part 2"));
        assert!(told(r#"{"audio": [{"from": 8.5, "to": 9.5}]}"#).contains("9 s long"));
        assert!(told(r#"{"audio": [{"from": 2, "to": 1}]}"#).contains("not within"));
        assert!(serde_json::from_str::<Redaction>(r#"{"audios": []}"#).is_err());
        let good = spans(
            r#"{"audio": [{"from": 1.5, "to": 2, "channel": "operator", "with": "silence"}]}"#,
        );
        assert_eq!(good.check(&[incident()]), Ok(()));
        let wanted =
            Span { from_ms: 1_500, to_ms: 2_000, caller: false, operator: true, tone: false };
        assert_eq!(good.spans_of("06", 1), [wanted]);
        assert!(good.spans_of("06", 2).is_empty());
    }
}
