//! The incident record as the suites expect it. Field names stand here and nowhere else.

use serde_json::Value;

/// One incident, as `incidents show --format json` and the API give it.
#[derive(Clone, Debug)]
pub struct Incident(pub Value);

impl Incident {
    /// The records of a list, whether it comes bare or within an object.
    pub fn list(json: &Value) -> Vec<Self> {
        let found =
            json.as_array().or_else(|| json.as_object()?.values().find_map(Value::as_array));
        found.expect("a list of incidents").iter().cloned().map(Self).collect()
    }

    /// One field as text; empty when it is absent or null.
    pub fn text(&self, field: &str) -> String {
        match self.0.pointer(&format!("/{}", field.replace('.', "/"))) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// Our id.
    pub fn id(&self) -> String {
        self.text("id")
    }

    /// Whether the call is over.
    pub fn is_over(&self) -> bool {
        !self.text("ended_at").is_empty()
    }

    /// `stage by cause`, e.g. `talking caller hung-up`.
    pub fn ending(&self) -> String {
        [self.text("stage"), self.text("ended_by"), self.text("cause")].join(" ")
    }

    /// Every offer as `seat outcome status`, in order; the status is left out where none came.
    pub fn offers(&self) -> Vec<String> {
        let offers = self.0["offers"].as_array().expect("offers");
        let word = |offer: &Self| {
            let [seat, outcome] = ["seat", "outcome"].map(|field| offer.text(field));
            // 200 and 487 follow from the outcome: only a refusal's own status is a fact.
            match offer.text("status").as_str() {
                status @ ("486" | "600" | "603") => format!("{seat} {outcome} {status}"),
                _ => format!("{seat} {outcome}"),
            }
        };
        offers.iter().map(|offer| word(&Self(offer.clone()))).collect()
    }

    /// How often a fact stands among the steps.
    pub fn steps(&self, fact: &str) -> usize {
        let steps = self.0["steps"].as_array().expect("steps");
        steps.iter().filter(|step| step["fact"] == fact).count()
    }

    /// The keys that a side pressed, in order: `caller` or `seat`.
    pub fn keys(&self, by: &str) -> String {
        let steps = self.0["steps"].as_array().expect("steps");
        let keys = steps.iter().filter(|step| step["fact"] == "key" && step["by"] == by);
        keys.filter_map(|step| step["key"].as_str()).collect()
    }

    /// What was heard, in order: at which side, and what.
    pub fn heard(&self) -> Vec<String> {
        let steps = self.0["steps"].as_array().expect("steps");
        let heard = steps.iter().filter(|step| step["fact"] == "heard");
        // The caller is not named: most is heard of callers.
        let word = |step: &Value| {
            let by = step["by"].as_str().unwrap_or("caller");
            format!("{by} {}", step["sound"].as_str().unwrap_or_default())
        };
        heard.map(word).collect()
    }

    /// The INVITE as kept.
    pub fn raw(&self) -> Vec<u8> {
        let raw = &self.0["raw"];
        raw.as_str().or_else(|| raw["text"].as_str()).expect("raw as text").as_bytes().to_vec()
    }

    /// Everything but the raw INVITE, as text to look for a value in.
    pub fn understood(&self) -> String {
        let mut rest = self.0.clone();
        rest.as_object_mut().expect("an object").remove("raw");
        rest.to_string()
    }

    /// Asserts that the named times exist and do not run backwards.
    pub fn assert_order(&self, fields: &[&str]) {
        let times: Vec<String> = fields.iter().map(|field| self.text(field)).collect();
        assert!(times.iter().all(|time| !time.is_empty()), "{fields:?} in {self:?}");
        assert!(times.is_sorted(), "{fields:?} are {times:?}");
    }
}
