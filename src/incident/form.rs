//! The form that an operator fills for an incident: its fields, what each takes, and its value.
//!
//! A form is a set of fields, so that two people who fill different ones never stand in each other's
//! way. It never knows who writes, when, or what was there before: that is [`super::Record`]'s.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::place::named;
use super::settings::{Category, Kecamatan};
use crate::vocabulary::{Private, WallTime};

/// Agencies on one form at most.
const AGENCIES: usize = 50;
/// Victims of one kind at most: more is a slip of the finger.
const VICTIMS: u32 = 1_000_000;
/// What the name of an agency's field begins with.
const AGENCY: &str = "agencies.";

/// One field of the form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// What the caller is called.
    CallerName,
    /// Where the caller can be reached, when that is not the number of the call.
    CallerNumber,
    /// Code of a category of the centre.
    Category,
    /// Code of one of its sub-categories.
    SubCategory,
    /// What happened, in the operator's words.
    Text,
    /// Street and house.
    Address,
    /// Village (desa or kelurahan).
    Desa,
    /// Code of a kecamatan of the regency; a name is taken as well.
    Kecamatan,
    /// What stands nearby.
    Landmark,
    /// Where it is, in degrees (WGS 84).
    Coordinates,
    /// How many have died.
    VictimsDead,
    /// How many are badly hurt.
    VictimsSevere,
    /// How many are lightly hurt.
    VictimsMinor,
    /// How many are missing.
    VictimsMissing,
    /// How many had to leave their homes.
    VictimsDisplaced,
    /// What kind of call it was.
    Disposition,
    /// What the agency reports from the place.
    FieldReport,
    /// What came of it.
    Result,
    /// One agency that was told, by its name.
    Agency(String),
}

/// All fields but the agencies, in the order of the form.
pub const FIELDS: [Field; 18] = [
    Field::CallerName,
    Field::CallerNumber,
    Field::Category,
    Field::SubCategory,
    Field::Text,
    Field::Address,
    Field::Desa,
    Field::Kecamatan,
    Field::Landmark,
    Field::Coordinates,
    Field::VictimsDead,
    Field::VictimsSevere,
    Field::VictimsMinor,
    Field::VictimsMissing,
    Field::VictimsDisplaced,
    Field::Disposition,
    Field::FieldReport,
    Field::Result,
];

impl Field {
    const fn word(&self) -> &'static str {
        match self {
            Self::CallerName => "caller_name",
            Self::CallerNumber => "caller_number",
            Self::Category => "category",
            Self::SubCategory => "sub_category",
            Self::Text => "text",
            Self::Address => "address",
            Self::Desa => "desa",
            Self::Kecamatan => "kecamatan",
            Self::Landmark => "landmark",
            Self::Coordinates => "coordinates",
            Self::VictimsDead => "victims_dead",
            Self::VictimsSevere => "victims_severe",
            Self::VictimsMinor => "victims_minor",
            Self::VictimsMissing => "victims_missing",
            Self::VictimsDisplaced => "victims_displaced",
            Self::Disposition => "disposition",
            Self::FieldReport => "field_report",
            Self::Result => "result",
            Self::Agency(_) => AGENCY,
        }
    }

    /// Longest text in characters; none for a field that is no free text.
    const fn longest(&self) -> Option<usize> {
        match self {
            Self::CallerName | Self::Desa => Some(100),
            Self::CallerNumber => Some(40),
            Self::Address => Some(300),
            Self::Landmark => Some(200),
            Self::Text | Self::FieldReport => Some(4_000),
            Self::Result => Some(1_000),
            _ => None,
        }
    }

    /// Whether what stands in it may tell who somebody is.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        !matches!(
            self,
            Self::Category | Self::SubCategory | Self::Kecamatan | Self::Desa | Self::Disposition
        )
    }

    /// Reads what somebody wrote into this field; none clears it.
    ///
    /// # Errors
    /// What the field takes.
    pub fn read(&self, written: &Json, choices: &Choices) -> Result<Option<Value>, String> {
        if written.is_null() || written.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        let code = |code: Option<String>, takes: &str, known: Vec<&str>| {
            let found = code.map(|code| Some(Value::Text(Private::new(code))));
            found.ok_or_else(|| format!("{takes}: {}", known.join(", ")))
        };
        let text = written.as_str().map(str::trim);
        match self {
            Self::Category => {
                let known: Vec<&str> = choices.categories.iter().map(|c| c.code.as_str()).collect();
                let found = known.iter().find(|code| Some(**code) == text).copied();
                code(found.map(str::to_owned), "takes the code of a category", known)
            }
            // Which ones belong to the category is known once the whole form is.
            Self::SubCategory => {
                let all = choices.categories.iter().flat_map(|c| &c.sub).map(|s| s.code.as_str());
                let known: Vec<&str> = all.collect();
                let found = known.iter().find(|code| Some(**code) == text).copied();
                code(found.map(str::to_owned), "takes the code of a sub-category", known)
            }
            Self::Kecamatan => {
                let places = &choices.kecamatan;
                let by_code = |t: &str| places.iter().find(|p| p.code == t).map(|p| p.code.clone());
                let found = text.and_then(|text| by_code(text).or_else(|| named(text, places)));
                let known = places.iter().map(|place| place.code.as_str()).collect();
                code(found, "takes the code or the name of a kecamatan", known)
            }
            Self::Disposition => {
                let known: Vec<&str> = choices.dispositions.clone();
                let found = known.iter().find(|word| Some(**word) == text).copied();
                code(found.map(str::to_owned), "takes one of", known)
            }
            Self::Coordinates => Point::read(written).map(|p| Some(Value::Point(Private::new(p)))),
            Self::VictimsDead
            | Self::VictimsSevere
            | Self::VictimsMinor
            | Self::VictimsMissing
            | Self::VictimsDisplaced => {
                let count = written.as_u64().and_then(|count| u32::try_from(count).ok());
                let count = count.filter(|count| *count <= VICTIMS);
                count.map(|count| Some(Value::Count(count))).ok_or_else(|| {
                    format!("takes a whole number from 0 to {VICTIMS}, or null: not known")
                })
            }
            Self::Agency(_) => {
                let notice = Notice::deserialize(written).map_err(|error| {
                    format!(
                        "{error}; takes {{\"notified_at\": \"2026-09-17T05:13:00Z\", …}}, or null"
                    )
                })?;
                notice.check()?;
                Ok(Some(Value::Notice(notice)))
            }
            _ => {
                let longest = self.longest().unwrap_or_default();
                let text = text.ok_or("takes a text, or null")?;
                line(text, longest).map(|text| Some(Value::Text(Private::new(text))))
            }
        }
    }
}

/// A text as it is kept: without what would move a terminal's cursor.
fn line(text: &str, longest: usize) -> Result<String, String> {
    let count = text.chars().count();
    if count > longest {
        return Err(format!("has {count} characters, {longest} are the most"));
    }
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    Ok(text.replace("\r\n", "\n").chars().map(plain).collect())
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        if let Self::Agency(name) = self { f.write_str(name) } else { Ok(()) }
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix(AGENCY) {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
                return Err("an agency has a name of 1 to 100 characters".to_owned());
            }
            return Ok(Self::Agency(name.to_owned()));
        }
        let known = FIELDS.iter().find(|field| field.word() == text).cloned();
        known.ok_or_else(|| {
            let names: Vec<&str> = FIELDS.iter().map(Self::word).collect();
            format!("there is no such field; known are {}, agencies", names.join(", "))
        })
    }
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// How many.
    Count(u32),
    /// A text or a code.
    Text(Private<String>),
    /// A position.
    Point(Private<Point>),
    /// What an agency was told, and when.
    Notice(Notice),
}

impl Value {
    /// The value as one line of text, for a table or a person.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Text(text) => text.reveal().clone(),
            Self::Point(point) => point.reveal().to_string(),
            Self::Notice(notice) => notice.to_string(),
        }
    }
}

/// A position in degrees (WGS 84), as decimal numbers in text: nothing is lost by rounding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// −90 to 90.
    pub latitude: String,
    /// −180 to 180.
    pub longitude: String,
}

impl Point {
    fn read(written: &Json) -> Result<Self, String> {
        let wanted = "takes {\"latitude\": -7.0123, \"longitude\": 113.86}, or null";
        let object = written.as_object().filter(|object| object.len() == 2).ok_or(wanted)?;
        let degrees = |key: &str, most: f64| {
            let value = object.get(key).ok_or(wanted)?;
            let text = match value {
                Json::Number(number) => number.to_string(),
                Json::String(text) => text.trim().to_owned(),
                _ => return Err(wanted.to_owned()),
            };
            let decimal = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-');
            let plain = text.len() <= 24 && text.bytes().all(decimal);
            let number = text.parse::<f64>().ok().filter(|n| plain && n.abs() <= most);
            number.map(|_| text).ok_or(format!("{key} lies between -{most} and {most} degrees"))
        };
        Ok(Self { latitude: degrees("latitude", 90.0)?, longitude: degrees("longitude", 180.0)? })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.latitude, self.longitude)
    }
}

/// What an agency was told, and how far it has come. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notice {
    /// When it was told.
    #[serde(with = "rfc3339", skip_serializing_if = "Option::is_none")]
    pub notified_at: Option<WallTime>,
    /// When it said that it comes.
    #[serde(with = "rfc3339", skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<WallTime>,
    /// When it was at the place.
    #[serde(with = "rfc3339", skip_serializing_if = "Option::is_none")]
    pub arrived_at: Option<WallTime>,
    /// When it was done there.
    #[serde(with = "rfc3339", skip_serializing_if = "Option::is_none")]
    pub done_at: Option<WallTime>,
    /// Who was spoken to, by which way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Private<String>>,
}

impl Notice {
    /// The notice of an agency that was told and has said that it comes; what a person wrote stays. None
    /// where nothing is left to be filled, or the times would not follow each other.
    #[must_use]
    pub fn acknowledged(&self, told: WallTime, comes: WallTime) -> Option<Self> {
        let notice = Self {
            notified_at: self.notified_at.or(Some(told)),
            accepted_at: self.accepted_at.or(Some(comes)),
            ..self.clone()
        };
        (notice != *self && notice.check().is_ok()).then_some(notice)
    }

    fn check(&self) -> Result<(), String> {
        let Self { notified_at, accepted_at, arrived_at, done_at, note } = self;
        let times = [notified_at, accepted_at, arrived_at, done_at];
        if times.iter().all(|time| time.is_none()) {
            return Err("needs notified_at: when was it told?".to_owned());
        }
        let told: Vec<WallTime> = times.into_iter().copied().flatten().collect();
        if !told.is_sorted() {
            let order = "notified_at, accepted_at, arrived_at and done_at come in this order";
            return Err(order.to_owned());
        }
        match note {
            Some(note) => line(note.reveal(), 300).map(drop).map_err(|why| format!("note {why}")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { notified_at, accepted_at, arrived_at, done_at, note } = self;
        let times = [
            ("notified", notified_at),
            ("accepted", accepted_at),
            ("arrived", arrived_at),
            ("done", done_at),
        ];
        let times = times.iter().filter_map(|(word, at)| at.map(|at| (word, at)));
        let mut words: Vec<String> =
            times.map(|(word, at)| format!("{word} {}", at.to_rfc3339())).collect();
        words.extend(note.as_ref().map(|note| note.reveal().clone()));
        f.write_str(&words.join(", "))
    }
}

/// Times as people and programs read them.
mod rfc3339 {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::vocabulary::WallTime;

    #[allow(clippy::ref_option, reason = "serde asks so")]
    pub(super) fn serialize<S: Serializer>(
        at: &Option<WallTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => to.serialize_str(&at.to_rfc3339()),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<WallTime>, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(from)?;
        let wrong =
            || D::Error::custom("an RFC 3339 time such as 2026-09-17T05:13:00Z is expected");
        text.map(|text| WallTime::parse(&text).ok_or_else(wrong)).transpose()
    }
}

/// What is to become of fields: a value, or none to clear it.
pub type Changes = BTreeMap<Field, Option<Value>>;

/// What a field cannot take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrongField {
    /// The field's name, as it was written.
    pub field: String,
    /// What it takes.
    pub why: String,
}

/// What an operator may choose from, as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Kinds of emergency.
    pub categories: Vec<Category>,
    /// Sub-districts.
    pub kecamatan: Vec<Kecamatan>,
    /// Words for what kind of call it was.
    pub dispositions: Vec<&'static str>,
}

/// A form as it stands: what is not in it, nobody has filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Form(pub BTreeMap<Field, Value>);

impl Form {
    /// What stands in a field.
    #[must_use]
    pub fn get(&self, field: &Field) -> Option<&Value> {
        self.0.get(field)
    }

    /// The text in a field; none where it is empty or no text.
    #[must_use]
    pub fn text(&self, field: &Field) -> Option<&str> {
        match self.get(field) {
            Some(Value::Text(text)) => Some(text.reveal()),
            _ => None,
        }
    }

    /// The agencies that were told.
    pub fn agencies(&self) -> impl Iterator<Item = (&str, &Notice)> {
        self.0.iter().filter_map(|(field, value)| match (field, value) {
            (Field::Agency(name), Value::Notice(notice)) => Some((name.as_str(), notice)),
            _ => None,
        })
    }

    /// Sets and clears fields.
    pub fn apply(&mut self, changes: &Changes) {
        for (field, value) in changes {
            match value {
                Some(value) => self.0.insert(field.clone(), value.clone()),
                None => self.0.remove(field),
            };
        }
    }

    /// Takes what changes nothing out of `changes`, and clears a sub-category that does not belong to a
    /// new category.
    ///
    /// # Errors
    /// What does not fit with the rest of the form, by field.
    pub fn fit(&self, changes: &mut Changes, choices: &Choices) -> Result<(), Vec<WrongField>> {
        let wrong = |field: Field, why: String| vec![WrongField { field: field.to_string(), why }];
        let mut after = self.clone();
        after.apply(changes);
        let subs = |form: &Self| {
            let code = form.text(&Field::Category);
            let category = choices.categories.iter().find(|c| Some(c.code.as_str()) == code);
            category.map(|c| c.sub.iter().map(|s| s.code.clone()).collect::<Vec<_>>())
        };
        if let Some(sub) = after.text(&Field::SubCategory) {
            let subs = subs(&after).unwrap_or_default();
            let touches = |field| changes.get(field).is_some_and(Option::is_some);
            if !subs.iter().any(|known| known == sub) {
                if touches(&Field::SubCategory) {
                    let why = match subs.is_empty() {
                        true => "needs a category that has sub-categories".to_owned(),
                        false => format!("takes, with this category, one of: {}", subs.join(", ")),
                    };
                    return Err(wrong(Field::SubCategory, why));
                }
                if changes.contains_key(&Field::Category) {
                    changes.insert(Field::SubCategory, None);
                }
            }
        }
        if after.agencies().count() > AGENCIES {
            let why = format!("no more than {AGENCIES} agencies on one form");
            return Err(wrong(Field::Agency(String::new()), why));
        }
        changes.retain(|field, value| self.get(field) != value.as_ref());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
