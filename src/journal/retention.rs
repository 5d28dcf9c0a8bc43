//! How long what is kept of a call, and why no longer: rules of the centre, each with its ground in law.
//! What is held for somebody, such as a court, is kept whatever the rules say.
//!
//! It deletes nothing; it says what is due.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::screening::Disposition;
use crate::vocabulary::{CallId, IncidentId, WallTime};

/// The file of the rules. What is shorter there destroys what cannot be brought back: a person changes it,
/// never a program.
pub const FILE: &str = "retention.toml";
const DAY_MICROS: i64 = 86_400_000_000;

/// Days that the parts of a call are kept, from its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// What was said.
    pub audio_days: u32,
    /// Who called, from where, and what was written about them.
    pub record_days: u32,
    /// The SIP messages.
    pub trace_days: u32,
    /// What lets the centre keep it, and for so long.
    pub ground: String,
}

/// The rules of a centre. None at all: nothing is ever deleted by age.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// By what people said that the call was.
    pub by: BTreeMap<Disposition, Keep>,
    /// Of a call that nobody has judged.
    pub unjudged: Option<Keep>,
    /// Days that it is known who looked at what.
    pub log_days: Option<u32>,
    /// Days that what belongs to no call is kept: where a phone was, messages that nobody could read.
    pub no_call_days: Option<u32>,
}

/// The parts of a call that are past their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Its recordings.
    pub audio: bool,
    /// What is personal in its record.
    pub record: bool,
    /// Its SIP messages.
    pub trace: bool,
}

impl Rules {
    /// The rule for a call of this kind.
    #[must_use]
    pub fn of(&self, kind: Option<Disposition>) -> Option<&Keep> {
        kind.map_or(self.unjudged.as_ref(), |kind| self.by.get(&kind))
    }

    /// What of a call is past its time that ended at `ended`.
    #[must_use]
    pub fn due(&self, kind: Option<Disposition>, ended: WallTime, now: WallTime) -> Due {
        let Some(keep) = self.of(kind) else { return Due::default() };
        let past = |days| ended < days_before(now, days);
        Due {
            audio: past(keep.audio_days),
            record: past(keep.record_days),
            trace: past(keep.trace_days),
        }
    }

    /// The shortest of all times, in days: nothing younger can be due.
    #[must_use]
    pub fn shortest(&self) -> Option<u32> {
        let all = self.by.values().chain(&self.unjudged);
        all.flat_map(|keep| [keep.audio_days, keep.record_days, keep.trace_days]).min()
    }
}

/// The moment so many days before another.
#[must_use]
pub const fn days_before(now: WallTime, days: u32) -> WallTime {
    WallTime(now.0.saturating_sub((days as i64).saturating_mul(DAY_MICROS)))
}

/// Somebody said that all of an incident must be kept, or need not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The call.
    pub call: CallId,
    /// Its incident, whose other calls are held as well.
    pub incident: IncidentId,
    /// Whether it must.
    pub held: bool,
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: String,
    /// When the hold ends by itself; none: when somebody takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<WallTime>,
}

/// What is personal of a call was destroyed, by dropping its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The call.
    pub call: CallId,
    /// Its incident, whose form went with the record.
    pub incident: IncidentId,
    /// Its record.
    pub record: bool,
    /// Its SIP messages.
    pub trace: bool,
    /// Calls back to the same caller, which went with it. They have a line of their own by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<CallId>,
    /// Why that was right: the rule and its ground.
    pub ground: String,
}

/// What one round of deletion did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Recordings deleted.
    pub audio: u64,
    /// Their bytes.
    pub audio_bytes: u64,
    /// Calls whose record was erased.
    pub records: u64,
    /// Calls whose SIP messages were erased.
    pub traces: u64,
    /// Calls past their time that are kept because somebody holds them.
    pub held: u64,
    /// What could not be deleted and is tried again.
    pub failed: u64,
    /// Who looked at what before this day is not known any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_before: Option<WallTime>,
    /// What belongs to no call and came before this day is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_call_before: Option<WallTime>,
}

/// The wall clock went another way than time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockJump {
    /// Milliseconds; below 0: back.
    pub by_ms: i64,
    /// What it showed, or would have.
    pub from: WallTime,
    /// What it shows.
    pub to: WallTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let keep = |audio_days, record_days, trace_days| Keep {
            audio_days,
            record_days,
            trace_days,
            ground: "Pasal 20".into(),
        };
        Rules {
            by: BTreeMap::from([(Disposition::Prank, keep(90, 90, 30))]),
            unjudged: Some(keep(730, 730, 90)),
            log_days: None,
            no_call_days: None,
        }
    }

    #[test]
    fn each_part_goes_when_its_own_time_is_over() {
        let ended = WallTime(1_789_621_200_000_000);
        let after = |days: i64| WallTime(ended.0 + days * DAY_MICROS + 1);
        let due = |kind, days| {
            let Due { audio, record, trace } = rules().due(kind, ended, after(days));
            (audio, record, trace)
        };
        let prank = Some(Disposition::Prank);
        assert_eq!(due(prank, 29), (false, false, false));
        assert_eq!(due(prank, 30), (false, false, true));
        assert_eq!(due(prank, 90), (true, true, true));
        assert_eq!(due(None, 100), (false, false, true));
        // A kind that no rule names is never deleted.
        assert_eq!(due(Some(Disposition::Normal), 9_999), (false, false, false));
        assert_eq!((rules().shortest(), Rules::default().shortest()), (Some(30), None));
    }
}
