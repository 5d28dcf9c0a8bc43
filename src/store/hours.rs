//! Calls by hour of day and by day, by lane and by what they were: when a centre is busy, and with what.
//! Every figure is counted by the one aggregator, [`crate::acd::service_level`].

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::figures::rounded;
use super::incident::At;
use super::periods::{Period, local};
use super::presence::spans;
use super::report::NONE;
use super::{Store, StoreError};
use crate::acd::service_level::{Event, Patience, ServiceLevel};
use crate::vocabulary::WallTime;

/// When a centre was busy, and with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HoursReport {
    /// Calls whose INVITE came at or after this time …
    pub since: At,
    /// … and before this one.
    pub until: At,
    /// Days of the period, each counted once that it touches.
    pub days: usize,
    /// The whole.
    pub whole: HourFigures,
    /// By hour of the centre's day, `00` to `23`, all days of the period together.
    pub by_hour: Vec<HourFigures>,
    /// By day, `2026-11-26`.
    pub by_day: Vec<HourFigures>,
    /// By lane: `usual`, `silent`, `nuisance`, …: the last that a call stood in.
    pub by_lane: Vec<HourFigures>,
    /// By what the operator said that it was; `-` where nobody has.
    pub by_disposition: Vec<HourFigures>,
}

/// The figures of one hour, day, lane or kind. Test calls are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HourFigures {
    /// Which; `all` for the whole.
    pub slice: String,
    /// Calls that came.
    pub offered: u64,
    /// Of these, answered by a person.
    pub answered: u64,
    /// Left before an answer.
    pub abandoned: u64,
    /// Of these, within less than 3 s: before anybody could answer.
    pub abandoned_short: u64,
    /// Ended by the gateway before an answer: a restart, a fault, draining.
    pub lost: u64,
    /// Not decided yet.
    pub waiting: u64,
    /// Half of the answers took no longer, in milliseconds; at most 100 ms too high.
    pub wait_p50_ms: Option<u64>,
    /// 90 % of the answers took no longer, likewise.
    pub wait_p90_ms: Option<u64>,
    /// The longest wait of those who were answered, in milliseconds.
    pub wait_max_ms: Option<u64>,
    /// Seconds of talk; a talk counts where its call came in.
    pub talk_seconds: u64,
    /// Seconds that seats were left alone after talks; of the whole, hours and days.
    pub wrap_up_seconds: u64,
    /// Seconds that seats were signed in, pauses included; of the whole, hours and days.
    pub signed_in_seconds: u64,
    /// Share of the signed-in time that was talk or wrap-up; null where nothing says that a seat was signed in.
    pub occupancy: Option<f64>,
}

#[derive(Default)]
struct Slice {
    level: ServiceLevel,
    longest_ms: Option<u64>,
    wrap_up_ms: u64,
}

impl Slice {
    fn tell(&mut self, event: Event) {
        match event {
            Event::Answered { after_ms } => self.longest_ms = self.longest_ms.max(Some(after_ms)),
            Event::Staffed { wrap_up_ms, .. } => self.wrap_up_ms += wrap_up_ms,
            _ => {}
        }
        self.level.tell(event);
    }

    fn figures(&self, slice: &str) -> HourFigures {
        let level = &self.level;
        HourFigures {
            slice: slice.to_owned(),
            offered: level.offered(),
            answered: level.answered(),
            abandoned: level.abandoned(),
            abandoned_short: level.abandoned_after(Patience::Short),
            lost: level.lost(),
            waiting: level.waiting(),
            wait_p50_ms: level.percentile_ms(50),
            wait_p90_ms: level.percentile_ms(90),
            wait_max_ms: self.longest_ms,
            talk_seconds: level.talk_ms() / 1000,
            wrap_up_seconds: self.wrap_up_ms / 1000,
            signed_in_seconds: level.signed_in_ms() / 1000,
            occupancy: level.occupancy().map(rounded),
        }
    }
}

/// By name.
#[derive(Default)]
struct Slices(BTreeMap<String, Slice>);

impl Slices {
    fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| (name, Slice::default())).collect())
    }

    fn tell(&mut self, slice: &str, event: Event) {
        if !self.0.contains_key(slice) {
            self.0.insert(slice.to_owned(), Slice::default());
        }
        if let Some(slice) = self.0.get_mut(slice) {
            slice.tell(event);
        }
    }

    fn figures(&self) -> Vec<HourFigures> {
        self.0.iter().map(|(name, slice)| slice.figures(name)).collect()
    }
}

impl Store {
    /// When the centre was busy in a period, and with what.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hours_report(
        &self,
        period: Period,
        zone: &TimeZone,
    ) -> Result<HoursReport, StoreError> {
        let mut whole = Slice::default();
        let mut hours = Slices::of((0..24).map(|hour| format!("{hour:02}")));
        let mut days = Slices::of(days_of(period, zone));
        let (mut lanes, mut dispositions) = (Slices::default(), Slices::default());
        self.each_call(period, |call| {
            let at = local(call.received, zone);
            let (hour, day) = (format!("{:02}", at.hour()), at.date().to_string());
            for event in call.events.iter().filter(|_| !call.test) {
                whole.tell(*event);
                hours.tell(&hour, *event);
                days.tell(&day, *event);
                lanes.tell(&call.lane, *event);
                dispositions.tell(call.disposition.as_deref().unwrap_or(NONE), *event);
            }
        })
        .await?;
        for words in self.seat_words(period).await? {
            spans(&words, period, |_, state, since, until| {
                each_hour(since, until, zone, |hour, day, millis| {
                    let wrap_up_ms = if state == "wrap-up" { millis } else { 0 };
                    let staffed = Event::Staffed { signed_in_ms: millis, wrap_up_ms };
                    whole.tell(staffed);
                    hours.tell(hour, staffed);
                    days.tell(day, staffed);
                });
            });
        }
        Ok(HoursReport {
            since: At(period.since),
            until: At(period.until),
            days: days.0.len(),
            whole: whole.figures("all"),
            by_hour: hours.figures(),
            by_day: days.figures(),
            by_lane: lanes.figures(),
            by_disposition: dispositions.figures(),
        })
    }
}

/// A call that came to a queue, by the clock of the centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourCall {
    /// The day, counted from the first of the period.
    pub day: usize,
    /// From 1, Monday, to 7.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// From the beginning of that hour, milliseconds.
    pub after_ms: u64,
    /// From the INVITE to the answer, or to where the caller left, milliseconds.
    pub waited_ms: u64,
    /// The talk, milliseconds; none where nobody answered.
    pub talk_ms: Option<u64>,
    /// What the operator said that it was.
    pub disposition: Option<String>,
}

impl Store {
    /// The calls to one queue that were answered or left by their caller, in the order of their coming. Those
    /// that are not over are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_by_hour(
        &self,
        period: Period,
        queue: &str,
        zone: &TimeZone,
    ) -> Result<Vec<HourCall>, StoreError> {
        let first = local(period.since, zone).date();
        let mut calls = Vec::new();
        self.each_call(period, |call| {
            if call.test || call.queue.as_deref() != Some(queue) {
                return;
            }
            let (mut waited, mut talk) = (None, None);
            for event in &call.events {
                match event {
                    Event::Answered { after_ms } | Event::Abandoned { after_ms } => {
                        waited = Some(*after_ms);
                    }
                    Event::Talked { ms } => talk = Some(*ms),
                    _ => {}
                }
            }
            let Some(waited_ms) = waited.filter(|_| talk.is_some() || !call.answered) else {
                return;
            };
            let at = local(call.received, zone);
            let day = first.until(at.date()).map_or(0, |span| span.get_days());
            let begins = at.date().at(at.hour(), 0, 0, 0);
            let begins = zone.to_timestamp(begins).map_or(call.received.0, |t| t.as_microsecond());
            calls.push(HourCall {
                day: usize::try_from(day).unwrap_or_default(),
                weekday: at.date().weekday().to_monday_one_offset().unsigned_abs(),
                hour: at.hour().unsigned_abs(),
                after_ms: (call.received.0 - begins).max(0).unsigned_abs() / 1000,
                waited_ms,
                talk_ms: talk,
                disposition: call.disposition,
            });
        })
        .await?;
        Ok(calls)
    }
}

/// Every day that a period touches.
fn days_of(period: Period, zone: &TimeZone) -> Vec<String> {
    let last = local(WallTime(period.until.0 - 1), zone).date();
    let mut day = Some(local(period.since, zone).date());
    let mut days = Vec::new();
    while let Some(this) = day.filter(|this| *this <= last) {
        days.push(this.to_string());
        day = this.tomorrow().ok();
    }
    days
}

/// Cuts a stretch at the hours of the centre's day.
fn each_hour(
    since: WallTime,
    until: WallTime,
    zone: &TimeZone,
    mut each: impl FnMut(&str, &str, u64),
) {
    let mut at = since;
    while at < until {
        let here = local(at, zone);
        let begins = here.date().at(here.hour(), 0, 0, 0);
        let next = begins.checked_add(1.hour()).ok().and_then(|next| zone.to_timestamp(next).ok());
        let next = next.map_or(until, |next| WallTime(next.as_microsecond()));
        // A clock that is set back names an hour that is over.
        let next = if next > at { next.min(until) } else { until };
        let millis = (next.0 - at.0).unsigned_abs() / 1000;
        each(&format!("{:02}", here.hour()), &here.date().to_string(), millis);
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_cut_at_the_hours_of_the_centre() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let at = |text: &str| WallTime::parse(text).expect("a time");
        let mut cut = Vec::new();
        let (since, until) = (at("2026-11-25T16:30:00Z"), at("2026-11-25T18:00:10Z"));
        each_hour(since, until, &zone, |hour, day, millis| {
            cut.push((hour.to_owned(), day.to_owned(), millis));
        });
        let wanted = [
            ("23", "2026-11-25", 1_800_000),
            ("00", "2026-11-26", 3_600_000),
            ("01", "2026-11-26", 10_000),
        ];
        let wanted = wanted.map(|(hour, day, millis)| (hour.to_owned(), day.to_owned(), millis));
        assert_eq!(cut, wanted);
        assert_eq!(days_of(Period { since, until }, &zone), ["2026-11-25", "2026-11-26"]);
    }
}
