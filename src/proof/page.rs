//! A record as a page that a judge can read: one file, without script or network, in Indonesian and
//! English. It shows what it is given, each text as a text, and chooses nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::vocabulary::WallTime;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111}\
h1{font-size:1.5em}h2{font-size:1.15em;border-bottom:1px solid #999;margin-top:2em}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25em .6em .25em 0;\
border-bottom:1px solid #ddd}th{font-weight:600;width:17em}small{color:#555}pre{white-space:pre-wrap}\
.note{border:1px solid #999;padding:.6em 1em}@media print{body{margin:0}}";

/// Fields of a call in their order, with what people call them.
const CALL: &[(&str, &str, &str)] = &[
    ("id", "Nomor kejadian", "Incident"),
    ("call", "Nomor panggilan", "Call"),
    ("origin", "Diketahui lewat", "Became known by"),
    ("caller_e164", "Nomor penelepon", "Caller's number"),
    ("caller_raw", "Nomor seperti dikirim jaringan", "Number as the network sent it"),
    ("dialled", "Nomor yang dihubungi", "Dialled"),
    ("service", "Layanan", "Service"),
    ("trunk", "Jaringan", "Network"),
    ("received_at", "Panggilan masuk", "Call received"),
    ("answered_at", "Dijawab", "Answered"),
    ("ended_at", "Berakhir", "Ended"),
    ("queue", "Antrean", "Queue"),
    ("seat", "Meja", "Seat"),
    ("operator", "Operator", "Operator"),
    ("outcome", "Hasil panggilan", "Outcome"),
    ("ended_by", "Diakhiri oleh", "Ended by"),
    ("cause", "Sebab berakhir", "Cause of the end"),
    ("disposition", "Jenis panggilan", "Kind of call"),
    ("disposed_by", "Jenis ditetapkan oleh", "Kind said by"),
];

/// Fields of a form.
const FORM: &[(&str, &str, &str)] = &[
    ("caller_name", "Nama penelepon", "Caller's name"),
    ("caller_number", "Nomor lain", "Other number"),
    ("category", "Kategori", "Category"),
    ("sub_category", "Subkategori", "Sub-category"),
    ("text", "Uraian kejadian", "What happened"),
    ("address", "Alamat", "Address"),
    ("desa", "Desa/kelurahan", "Village"),
    ("kecamatan", "Kecamatan", "District"),
    ("landmark", "Patokan", "Landmark"),
    ("coordinates", "Koordinat", "Coordinates"),
    ("victims_dead", "Korban meninggal", "Dead"),
    ("victims_severe", "Luka berat", "Badly hurt"),
    ("victims_minor", "Luka ringan", "Lightly hurt"),
    ("victims_missing", "Hilang", "Missing"),
    ("victims_displaced", "Mengungsi", "Displaced"),
    ("field_report", "Laporan lapangan", "Report from the place"),
    ("result", "Hasil penanganan", "Result"),
];

/// Steps of a call in words.
const STEPS: &[(&str, &str, &str)] = &[
    ("arrived", "Panggilan masuk", "Call received"),
    ("queued", "Masuk antrean", "Queued"),
    ("laned", "Jalur antrean ditetapkan", "Lane set"),
    ("offered", "Meja dipanggil", "Seat called"),
    ("offer-ended", "Panggilan ke meja selesai", "Call to the seat over"),
    ("answered", "Dijawab", "Answered"),
    ("caller-answered", "Tersambung sebelum operator", "Connected before an operator"),
    ("held", "Ditahan", "Held"),
    ("resumed", "Dilanjutkan", "Resumed"),
    ("transferred", "Dialihkan", "Transferred"),
    ("seat-dialled", "Meja menelepon", "Dialled at a seat"),
    ("seat-call-ended", "Panggilan meja selesai", "Call of the seat over"),
    ("called-out", "Nomor dihubungi", "Number called"),
    ("call-out-ended", "Panggilan ke nomor selesai", "Call to the number over"),
    ("party-invited", "Pihak lain dipanggil", "Somebody brought in"),
    ("party-joined", "Pihak lain bergabung", "They joined"),
    ("party-left", "Pihak lain keluar", "They left"),
    ("chain-begun", "Panggilan berantai dimulai", "Call-out chain begun"),
    ("chain-tried", "Kontak dipanggil", "Contact called"),
    ("chain-tried-ended", "Panggilan ke kontak selesai", "Call to the contact over"),
    ("chain-ended", "Panggilan berantai selesai", "Call-out chain over"),
    ("text-written", "Teks", "Text"),
    ("key", "Tombol ditekan", "Key pressed"),
    ("heard", "Terdengar", "Heard"),
    ("recording-started", "Rekaman mulai", "Recording began"),
    ("recording-sealed", "Rekaman disegel", "Recording sealed"),
    ("recording-deleted", "Rekaman dihapus", "Recording deleted"),
    ("disposed", "Jenis panggilan ditetapkan", "Kind of call said"),
    ("disposition-withdrawn", "Penetapan jenis ditarik", "Kind taken back"),
    ("located", "Lokasi diterima", "Place told"),
    ("ended", "Berakhir", "Ended"),
];

/// What stands on a page.
pub(super) struct Page<'a> {
    /// The centre.
    pub centre: &'a str,
    /// What this is, Indonesian and English.
    pub title: (&'a str, &'a str),
    /// Who made it, when, and why; and what was taken out.
    pub notes: Vec<(String, String)>,
    /// The records of the calls.
    pub calls: &'a [Value],
    /// Names of recordings in the copy, by their file.
    pub audio: &'a [(String, String)],
    /// Recordings that are not in the copy, and the nodes that have them.
    pub absent: &'a BTreeMap<String, String>,
    /// The centre's time.
    pub zone: &'a TimeZone,
}

impl Page<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let (id, en) = self.title;
        let mut out = format!(
            "<!doctype html>\n<html lang=\"id\"><head><meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
             'unsafe-inline'; media-src 'self'\">\n<title>{0}</title>\n<style>{STYLE}</style></head>\n<body>\n\
             <h1>{0}<br><small>{1}</small></h1>\n<p>{2}</p>\n",
            escaped(id),
            escaped(en),
            escaped(self.centre)
        );
        out.push_str("<table class=\"note\">\n");
        self.notes.iter().for_each(|(name, value)| row(&mut out, name, value));
        out.push_str("</table>\n");
        self.calls.iter().for_each(|call| self.call(call, &mut out));
        out.push_str("</body></html>\n");
        out
    }

    fn call(&self, call: &Value, out: &mut String) {
        head(out, "Panggilan", "Call");
        out.push_str("<table>\n");
        self.fields(call, CALL, out);
        out.push_str("</table>\n");
        self.written(call, out);
        self.recordings(call, out);
        self.steps(call, out);
    }

    fn written(&self, call: &Value, out: &mut String) {
        let Some(form) = call.pointer("/written/form") else { return };
        if form.as_object().is_none_or(serde_json::Map::is_empty) {
            return;
        }
        head(out, "Catatan operator", "What the operator wrote");
        out.push_str("<table>\n");
        self.fields(form, FORM, out);
        for (name, notice) in form["agencies"].as_object().into_iter().flatten() {
            row(out, &format!("Instansi {name} / Agency"), &self.parts(notice));
        }
        self.fields(
            &call["written"],
            &[
                ("changed_at", "Terakhir diubah", "Last changed"),
                ("changed_by", "Oleh", "By"),
                ("closed_at", "Ditutup", "Closed"),
                ("closed_by", "Ditutup oleh", "Closed by"),
            ],
            out,
        );
        out.push_str("</table>\n");
    }

    fn recordings(&self, call: &Value, out: &mut String) {
        let further = call["further_recordings"].as_array().into_iter().flatten();
        let files: Vec<&Value> =
            Some(&call["recording"]).into_iter().chain(further).filter(|f| f.is_object()).collect();
        if files.is_empty() {
            return;
        }
        head(out, "Rekaman", "Recording");
        for file in files {
            let name = file["file"].as_str().unwrap_or_default();
            let state = file["state"].as_str().unwrap_or_default();
            let millis = file["millis"].as_i64().unwrap_or_default();
            let _ = write!(
                out,
                "<p>{} ({}, {}.{} s)",
                escaped(name),
                escaped(state),
                millis / 1000,
                millis % 1000 / 100
            );
            if let Some(sum) = file["sha256"].as_str() {
                let _ = write!(out, "<br><small>SHA-256 {}</small>", escaped(sum));
            }
            if let Some((_, part)) = self.audio.iter().find(|(known, _)| known == name) {
                let part = escaped(part);
                let _ = write!(
                    out,
                    "<br><audio controls preload=\"none\" src=\"{part}\"></audio><br><small>{part}: \
                     penelepon kiri, operator kanan / caller left, operator right</small>"
                );
            }
            if let Some(node) = self.absent.get(name) {
                let node = escaped(node);
                let _ = write!(
                    out,
                    "<br><small>tidak di sini: di node {node} / not in here: on node {node}</small>"
                );
            }
            out.push_str("</p>\n");
        }
    }

    fn steps(&self, call: &Value, out: &mut String) {
        head(out, "Langkah demi langkah", "Step by step");
        out.push_str("<table>\n");
        for step in call["steps"].as_array().into_iter().flatten() {
            let fact = step["fact"].as_str().unwrap_or_default();
            let named = STEPS.iter().find(|(known, ..)| *known == fact);
            let what = named.map_or_else(|| fact.to_owned(), |(_, id, en)| format!("{id} / {en}"));
            let rest = step.as_object().into_iter().flatten();
            let skipped = ["at", "seq", "fact", "call", "incident"];
            let rest = rest.filter(|(key, _)| !skipped.contains(&key.as_str()));
            let said = rest.filter_map(|(key, value)| {
                let text = self.text(key, value);
                (!text.is_empty()).then(|| format!("{key}: {text}"))
            });
            let said = said.collect::<Vec<_>>().join("; ");
            let at = self.text("at", &step["at"]);
            let line = step["seq"].as_u64().unwrap_or_default();
            row(out, &format!("{at} (#{line})"), &format!("{what}\n{said}"));
        }
        out.push_str("</table>\n");
    }

    fn fields(&self, from: &Value, fields: &[(&str, &str, &str)], out: &mut String) {
        for (key, id, en) in fields {
            let text = self.text(key, &from[*key]);
            if !text.is_empty() {
                row(out, &format!("{id} / {en}"), &text);
            }
        }
    }

    fn parts(&self, value: &Value) -> String {
        let parts = value.as_object().into_iter().flatten();
        let told = parts.map(|(key, value)| {
            let key = key.trim_end_matches("_at");
            format!("{key} {}", self.text("at", value))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// A value as people read it; times in the centre's time.
    fn text(&self, key: &str, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => {
                let time = (key == "at" || key.ends_with("_at")).then(|| WallTime::parse(text));
                time.flatten().map_or_else(|| text.clone(), |at| self.local(at))
            }
            Value::Object(_) => self.parts(value),
            Value::Array(all) => {
                all.iter().map(|one| self.text("", one)).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }

    fn local(&self, at: WallTime) -> String {
        let Ok(time) = jiff::Timestamp::from_microsecond(at.0) else { return at.to_rfc3339() };
        let local = self.zone.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S%.3f");
        format!("{local} UTC{}", self.zone.to_offset(time))
    }
}

fn head(out: &mut String, id: &str, en: &str) {
    let _ = writeln!(out, "<h2>{id} <small>/ {en}</small></h2>");
}

fn row(out: &mut String, name: &str, value: &str) {
    let value = escaped(value.trim_end()).replace('\n', "<br>");
    let _ = writeln!(out, "<tr><th>{}</th><td>{value}</td></tr>", escaped(name));
}

/// Nothing that a caller sent is markup, and no control character is left.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_sent_is_a_text_on_the_page_and_times_are_the_centre_s() {
        let call = serde_json::json!({
            "id": "06", "caller_raw": "<script>alert(1)</script>", "received_at": "2026-11-26T05:00:00.250Z",
            "written": {"form": {"text": "a & b \"c\"", "agencies": {"damkar": {"notified_at": "2026-11-26T05:01:00Z"}}}},
            "recording": {"file": "06.wav", "state": "sealed", "millis": 1500, "sha256": "ab"},
            "steps": [{"seq": 4, "at": "2026-11-26T05:00:01.000Z", "fact": "text-written", "text": "<b>tolong</b>"}]
        });
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let page = Page {
            centre: "NTPD 112",
            title: ("Berkas", "Bundle"),
            notes: vec![("Dibuat oleh / Made by".into(), "rina".into())],
            calls: &[call],
            audio: &[("06.wav".into(), "audio/06.wav".into())],
            absent: &BTreeMap::new(),
            zone: &zone,
        };
        let html = page.html();
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        for wanted in [
            "&lt;script&gt;alert(1)",
            "2026-11-26 12:00:00.250 UTC+07",
            "a &amp; b &quot;c&quot;",
            "notified 2026-11-26 12:01:00",
            "src=\"audio/06.wav\"",
            "Teks / Text<br>text: &lt;b&gt;tolong",
        ] {
            assert!(html.contains(wanted), "{wanted} is not in {html}");
        }
        assert!(!html.contains("http://") && !html.contains("https://"));
    }
}
