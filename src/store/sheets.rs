//! The two sheets that a centre hands in: the week by call taker (the form that centres fill in by
//! hand) and the month for the national monitoring centre.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::figures::rounded;
use super::incident::At;
use super::periods::{Period, PeriodError};
use super::report::Counted;
use super::sql::{Row, query};
use super::{Store, StoreError};
use crate::acd::service_level::{Patience, ServiceLevel, Target};
use crate::screening::Disposition;

/// The row of calls that nobody answered.
const UNANSWERED: &str = "(tidak dijawab)";
/// The row of calls that were answered at a number outside.
const OUTSIDE: &str = "(dijawab di luar)";

/// Why a sheet cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The question.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// The records.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Calls by what people said that they were.
#[derive(Clone, Debug, Default)]
struct Kinds {
    counts: BTreeMap<Disposition, u64>,
    /// Answered, and nobody has said what it was.
    unjudged: u64,
    /// Nobody answered, so that nobody can say.
    unanswered: u64,
}

impl Kinds {
    fn add(&mut self, call: &Counted) {
        let word = call.disposition.as_deref();
        match Disposition::ALL.into_iter().find(|known| Some(known.word()) == word) {
            Some(kind) => *self.counts.entry(kind).or_default() += 1,
            None if call.answered => self.unjudged += 1,
            None => self.unanswered += 1,
        }
    }

    fn of(&self, kind: Disposition) -> u64 {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.unjudged + self.unanswered
    }
}

/// One week by call taker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CiamisReport {
    /// `2026-W48`: ISO 8601, Monday to Sunday.
    pub week: String,
    /// Its Monday, 0:00 at the centre.
    pub since: At,
    /// The Monday after.
    pub until: At,
    /// One for each call taker, and one for the calls that nobody answered.
    pub rows: Vec<CiamisRow>,
    /// Their sum.
    pub total: CiamisRow,
}

/// One row of the week's sheet. Its total is every call; what stands in none of the three columns is
/// in the remark.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CiamisRow {
    /// The operator, or the seat where no operator is known.
    pub call_taker: String,
    /// Real emergencies.
    pub normal_call: u64,
    /// Somebody talked, and nothing was wrong.
    pub prank_call: u64,
    /// Nobody spoke.
    pub ghost_call: u64,
    /// Every call.
    pub total: u64,
    /// What the columns do not show, in Indonesian, e.g. `2 informasi, 3 belum dinilai`.
    pub remark: String,
}

/// The columns as the form has them.
pub const CIAMIS_COLUMNS: [&str; 6] =
    ["Call Taker", "Normal Call", "Prank Call", "Ghost Call", "Total", "Remark"];

/// A kind of call in the words of the form.
const fn in_indonesian(kind: Disposition) -> &'static str {
    match kind {
        Disposition::Normal => "normal",
        Disposition::Prank => "iseng",
        Disposition::Ghost => "kosong",
        Disposition::Information => "informasi",
        Disposition::Misrouted => "salah sambung",
        Disposition::Test => "uji",
        Disposition::Callback => "telepon balik",
        Disposition::Abandoned => "ditinggalkan",
    }
}

impl CiamisRow {
    fn of(call_taker: &str, kinds: &Kinds) -> Self {
        let columns = [Disposition::Normal, Disposition::Prank, Disposition::Ghost];
        let others = Disposition::ALL.into_iter().filter(|kind| !columns.contains(kind));
        let mut remark: Vec<String> = others
            .map(|kind| (kinds.of(kind), in_indonesian(kind)))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let silent = [(kinds.unjudged, "belum dinilai"), (kinds.unanswered, "tidak dijawab")];
        let silent = silent.iter().filter(|(count, _)| *count > 0);
        remark.extend(silent.map(|(count, words)| format!("{count} {words}")));
        Self {
            call_taker: call_taker.to_owned(),
            normal_call: kinds.of(Disposition::Normal),
            prank_call: kinds.of(Disposition::Prank),
            ghost_call: kinds.of(Disposition::Ghost),
            total: kinds.total(),
            remark: remark.join(", "),
        }
    }

    /// The cells in the order of [`CIAMIS_COLUMNS`].
    #[must_use]
    pub fn cells(&self) -> [String; 6] {
        [
            self.call_taker.clone(),
            self.normal_call.to_string(),
            self.prank_call.to_string(),
            self.ghost_call.to_string(),
            self.total.to_string(),
            self.remark.clone(),
        ]
    }
}

/// One month for the national monitoring centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NationalReport {
    /// `2026-11`.
    pub month: String,
    /// Its first day, 0:00 at the centre.
    pub since: At,
    /// The first day after it.
    pub until: At,
    /// Every network together.
    pub whole: NationalRow,
    /// Each network, by the trunk that its calls come from.
    pub networks: Vec<NationalRow>,
}

/// The month of one network. Test calls are in `tests` and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NationalRow {
    /// The trunk; `all` for every network together.
    pub network: String,
    /// Calls that came.
    pub calls: u64,
    /// Of these, answered by a person.
    pub answered: u64,
    /// Left before an answer.
    pub abandoned: u64,
    /// Of these, within less than 3 s.
    pub abandoned_under_3s: u64,
    /// Ended by the gateway before an answer.
    pub lost: u64,
    /// Test calls.
    pub tests: u64,
    /// Real emergencies.
    pub normal: u64,
    /// Somebody talked, and nothing was wrong.
    pub prank: u64,
    /// Nobody spoke.
    pub ghost: u64,
    /// Questions.
    pub information: u64,
    /// For another centre.
    pub misrouted: u64,
    /// Calls that an operator took for tests.
    pub judged_test: u64,
    /// Calls of our own back to a caller.
    pub callback: u64,
    /// Judged as left before an answer.
    pub judged_abandoned: u64,
    /// Answered calls that nobody has judged.
    pub not_judged: u64,
    /// Prank and ghost calls, as a share of the calls that came.
    pub false_share: Option<f64>,
    /// Share answered within 10 s, without those abandoned under 3 s.
    pub answered_10s: Option<f64>,
    /// Share answered within 15 s, likewise.
    pub answered_15s: Option<f64>,
    /// Share answered within 20 s, likewise.
    pub answered_20s: Option<f64>,
    /// Share answered within 10 s, of all.
    pub answered_10s_of_all: Option<f64>,
    /// Share answered within 15 s, of all.
    pub answered_15s_of_all: Option<f64>,
    /// Share answered within 20 s, of all.
    pub answered_20s_of_all: Option<f64>,
    /// Share that left before an answer, of all.
    pub abandoned_share: Option<f64>,
    /// Mean milliseconds to the answer.
    pub mean_ms: Option<u64>,
    /// Mean milliseconds of the slowest tenth.
    pub mean_of_slowest_10pct_ms: Option<u64>,
    /// Callers who were to be called back.
    pub callbacks_due: u64,
    /// Of these, reached, or rang again themselves.
    pub callbacks_done: u64,
    /// The share of these.
    pub callback_done_share: Option<f64>,
}

/// Callers to be called back.
#[derive(Clone, Copy, Debug, Default)]
struct Callbacks {
    due: u64,
    done: u64,
}

impl NationalRow {
    fn of(network: &str, level: &ServiceLevel, kinds: &Kinds, back: Callbacks) -> Self {
        let share = |part: u64, of: u64| (of > 0).then(|| rounded(part as f64 / of as f64));
        let (prank, ghost) = (kinds.of(Disposition::Prank), kinds.of(Disposition::Ghost));
        Self {
            network: network.to_owned(),
            calls: level.offered(),
            answered: level.answered(),
            abandoned: level.abandoned(),
            abandoned_under_3s: level.abandoned_after(Patience::Short),
            lost: level.lost(),
            tests: level.tests(),
            normal: kinds.of(Disposition::Normal),
            prank,
            ghost,
            information: kinds.of(Disposition::Information),
            misrouted: kinds.of(Disposition::Misrouted),
            judged_test: kinds.of(Disposition::Test),
            callback: kinds.of(Disposition::Callback),
            judged_abandoned: kinds.of(Disposition::Abandoned),
            not_judged: kinds.unjudged,
            false_share: share(prank + ghost, level.offered()),
            answered_10s: level.within(Target::Ten).map(rounded),
            answered_15s: level.within(Target::Fifteen).map(rounded),
            answered_20s: level.within(Target::Twenty).map(rounded),
            answered_10s_of_all: level.within_of_all(Target::Ten).map(rounded),
            answered_15s_of_all: level.within_of_all(Target::Fifteen).map(rounded),
            answered_20s_of_all: level.within_of_all(Target::Twenty).map(rounded),
            abandoned_share: level.abandoned_share().map(rounded),
            mean_ms: level.mean_ms(),
            mean_of_slowest_10pct_ms: level.slowest_tenth_ms(),
            callbacks_due: back.due,
            callbacks_done: back.done,
            callback_done_share: share(back.done, back.due),
        }
    }
}

impl Store {
    /// The week `2026-W48` by call taker; test calls left out.
    ///
    /// # Errors
    /// No such week, or the database fails.
    pub async fn ciamis(&self, week: &str, zone: &TimeZone) -> Result<CiamisReport, SheetError> {
        let period = Period::week(week, zone)?;
        let mut takers: BTreeMap<String, Kinds> = BTreeMap::new();
        let mut others = [(OUTSIDE, Kinds::default()), (UNANSWERED, Kinds::default())];
        let mut whole = Kinds::default();
        self.each_call(period, |call| {
            if call.test {
                return;
            }
            whole.add(&call);
            let [(_, outside), (_, unanswered)] = &mut others;
            match call.taker() {
                Some(taker) if call.answered => {
                    takers.entry(taker.to_owned()).or_default().add(&call);
                }
                _ if call.answered => outside.add(&call),
                _ => unanswered.add(&call),
            }
        })
        .await?;
        let others = others.iter().filter(|(_, kinds)| kinds.total() > 0);
        let takers = takers.iter().map(|(taker, kinds)| (taker.as_str(), kinds));
        let rows = takers.chain(others.map(|(name, kinds)| (*name, kinds)));
        Ok(CiamisReport {
            week: week.trim().to_owned(),
            since: At(period.since),
            until: At(period.until),
            rows: rows.map(|(taker, kinds)| CiamisRow::of(taker, kinds)).collect(),
            total: CiamisRow::of("Total", &whole),
        })
    }

    /// The month `2026-11`, whole and by network.
    ///
    /// # Errors
    /// No such month, or the database fails.
    pub async fn national(
        &self,
        month: &str,
        zone: &TimeZone,
    ) -> Result<NationalReport, SheetError> {
        let period = Period::month(month, zone)?;
        let mut networks: BTreeMap<String, (ServiceLevel, Kinds, Callbacks)> = BTreeMap::new();
        let mut whole = (ServiceLevel::default(), Kinds::default(), Callbacks::default());
        self.each_call(period, |call| {
            let network = networks.entry(call.trunk.clone()).or_default();
            for (level, kinds, _) in [network, &mut whole] {
                call.events.iter().for_each(|event| level.tell(*event));
                if !call.test {
                    kinds.add(&call);
                }
            }
        })
        .await?;
        for (trunk, back) in self.callbacks(period).await? {
            let network = networks.entry(trunk).or_default();
            for (_, _, sum) in [network, &mut whole] {
                sum.due += back.due;
                sum.done += back.done;
            }
        }
        let row = |network: &str, (level, kinds, back): &(ServiceLevel, Kinds, Callbacks)| {
            NationalRow::of(network, level, kinds, *back)
        };
        Ok(NationalReport {
            month: month.trim().to_owned(),
            since: At(period.since),
            until: At(period.until),
            whole: row("all", &whole),
            networks: networks.iter().map(|(name, sums)| row(name, sums)).collect(),
        })
    }

    /// By trunk: entries of the work list of a period, and those whose caller was reached.
    async fn callbacks(&self, period: Period) -> Result<Vec<(String, Callbacks)>, StoreError> {
        let rows = query(
            "SELECT coalesce(incident.trunk, '-') AS trunk, count(*) AS due,
             count(*) FILTER (WHERE work.by_call IS NOT NULL OR EXISTS (SELECT 1
             FROM work_attempt WHERE work_attempt.work = work.work
             AND work_attempt.outcome = 'answered')) AS done
             FROM work LEFT JOIN incident ON incident.call = work.call
             WHERE work.at >= ? AND work.at < ? GROUP BY 1 ORDER BY 1",
        )
        .bind(period.since.0)
        .bind(period.until.0)
        .fetch_all(&mut self.reading().await?)
        .await
        .map_err(|e| self.error(e))?;
        let count = |row: &Row, column: &str| {
            row.try_get::<i64>(column).map(|count| count.max(0).unsigned_abs())
        };
        let read = |row: &Row| {
            let back = Callbacks { due: count(row, "due")?, done: count(row, "done")? };
            Ok((row.try_get("trunk")?, back))
        };
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}
