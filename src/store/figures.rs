//! Reports as the API, the command line and spreadsheets show them. Shares are from 0 to 1 with four
//! digits; a figure that nobody can know is null.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::At;
use super::periods::Period;
use super::report::By;
use super::{Store, StoreError};
use crate::acd::service_level::{Patience, ServiceLevel, Target};

/// How well the calls of a period were answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StandardsReport {
    /// Calls whose INVITE came at or after this time …
    pub since: At,
    /// … and before this one.
    pub until: At,
    /// `queue`, `trunk`, `hour` or `operator`.
    pub by: String,
    /// The whole.
    pub whole: Figures,
    /// Each one for itself.
    pub slices: Vec<Figures>,
}

/// The figures of one slice. The clock of a call starts at its INVITE.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Which queue, trunk, hour (local time) or operator; `all` for the whole, `-` where a call has
    /// none.
    pub slice: String,
    /// Calls that came, test calls left out.
    pub offered: u64,
    /// Of these, answered by a person.
    pub answered: u64,
    /// Left before an answer.
    pub abandoned: u64,
    /// Of these, within less than 3 s.
    pub abandoned_under_3s: u64,
    /// From 3 s to less than 10 s.
    pub abandoned_3_to_10s: u64,
    /// From 10 s to less than 30 s.
    pub abandoned_10_to_30s: u64,
    /// After 30 s and more.
    pub abandoned_over_30s: u64,
    /// Ended by the gateway before an answer: a restart, a fault, draining.
    pub lost: u64,
    /// Not decided yet: in no share.
    pub waiting: u64,
    /// Test calls.
    pub tests: u64,
    /// Share answered within 10 s, of the decided calls without those abandoned under 3 s.
    pub answered_10s: Option<f64>,
    /// Share answered within 15 s, likewise.
    pub answered_15s: Option<f64>,
    /// Share answered within 20 s, likewise.
    pub answered_20s: Option<f64>,
    /// Share answered within 10 s, of all decided calls.
    pub answered_10s_of_all: Option<f64>,
    /// Share answered within 15 s, of all decided calls.
    pub answered_15s_of_all: Option<f64>,
    /// Share answered within 20 s, of all decided calls.
    pub answered_20s_of_all: Option<f64>,
    /// Share that left before an answer, of all decided calls.
    pub abandoned_share: Option<f64>,
    /// Mean milliseconds to the answer.
    pub mean_ms: Option<u64>,
    /// 90 % of the answers took no longer, in milliseconds; at most 100 ms too high.
    pub p90_ms: Option<u64>,
    /// 95 % of the answers took no longer, likewise.
    pub p95_ms: Option<u64>,
    /// Mean milliseconds of the slowest tenth of the answers, within 100 ms.
    pub mean_of_slowest_10pct_ms: Option<u64>,
    /// Seconds of talk.
    pub talk_seconds: u64,
    /// Seconds that seats were signed in, pauses included; of the whole and of operators.
    pub signed_in_seconds: u64,
    /// Share of the signed-in time that was talk or wrap-up.
    pub occupancy: Option<f64>,
    /// 90 % of `answered_10s`: the EU's mark, with NENA's share.
    pub eu_met: Option<bool>,
    /// NENA-STA-020.1: 90 % of `answered_15s` and 95 % of `answered_20s`.
    pub nena_met: Option<bool>,
}

impl Figures {
    /// The figures of a slice.
    #[must_use]
    pub fn of(slice: &str, level: &ServiceLevel) -> Self {
        let (verdict, after) =
            (level.verdict(), |patience: Patience| level.abandoned_after(patience));
        Self {
            slice: slice.to_owned(),
            offered: level.offered(),
            answered: level.answered(),
            abandoned: level.abandoned(),
            abandoned_under_3s: after(Patience::Short),
            abandoned_3_to_10s: after(Patience::Under10),
            abandoned_10_to_30s: after(Patience::Under30),
            abandoned_over_30s: after(Patience::Long),
            lost: level.lost(),
            waiting: level.waiting(),
            tests: level.tests(),
            answered_10s: level.within(Target::Ten).map(rounded),
            answered_15s: level.within(Target::Fifteen).map(rounded),
            answered_20s: level.within(Target::Twenty).map(rounded),
            answered_10s_of_all: level.within_of_all(Target::Ten).map(rounded),
            answered_15s_of_all: level.within_of_all(Target::Fifteen).map(rounded),
            answered_20s_of_all: level.within_of_all(Target::Twenty).map(rounded),
            abandoned_share: level.abandoned_share().map(rounded),
            mean_ms: level.mean_ms(),
            p90_ms: level.percentile_ms(90),
            p95_ms: level.percentile_ms(95),
            mean_of_slowest_10pct_ms: level.slowest_tenth_ms(),
            talk_seconds: level.talk_ms() / 1000,
            signed_in_seconds: level.signed_in_ms() / 1000,
            occupancy: level.occupancy().map(rounded),
            eu_met: verdict.map(|verdict| verdict.eu),
            nena_met: verdict.map(|verdict| verdict.nena),
        }
    }
}

/// Four digits: more would say that we know more.
pub(super) fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}

impl Store {
    /// How well the calls of a period were answered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standards_report(
        &self,
        period: Period,
        by: By,
        zone: &TimeZone,
    ) -> Result<StandardsReport, StoreError> {
        let standards = self.standards(period, by, zone).await?;
        Ok(StandardsReport {
            since: At(period.since),
            until: At(period.until),
            by: by.word().to_owned(),
            whole: Figures::of("all", standards.whole()),
            slices: standards.slices().map(|(slice, level)| Figures::of(slice, level)).collect(),
        })
    }
}
