//! How many seats each hour needs, by the calls of the last weeks and the simulated queue. A hint for whoever
//! plans shifts: it says what it is made of, and when it is made of too little.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::Console;
use super::incidents::pairs;
use super::live::board;
use super::problem::Problem;
use crate::acd::settings::QueueSettings;
use crate::simulation::{Kind, Need, Profile, Recorded, need};
use crate::store::periods::{Period, by_the_clock};
use crate::store::{At, HourCall};
use crate::vocabulary::WallTime;

/// Behaviour that records do not tell.
const USUAL: &str = include_str!("../../config/profiles/sumenep.toml");
/// Days of records when the question names none, and the bounds of what it may name.
const DAYS: u32 = 28;
const DAYS_LEAST: u32 = 7;
const DAYS_MOST: u32 = 92;
/// Calls that are simulated at most: the oldest days are left out.
const CALLS: usize = 60_000;
/// Fewer calls of one hour say little.
const FEW: usize = 20;
/// What is needed for a hint that can be relied upon: days, and calls.
const ENOUGH: (usize, usize) = (7, 100);
/// Calls from which on days of the week are told apart: twenty in each hour of each.
const BY_WEEKDAY: usize = 7 * 24 * FEW;
/// How long an answer is given again.
const FRESH: i64 = 3_600_000_000;
const HOUR: Duration = Duration::from_secs(3_600);
const SEED: u64 = 112;

/// The hint that was made last for each question, and who makes one now: one at a time.
pub(super) type Made = Arc<Mutex<BTreeMap<(String, u32), (WallTime, Hint)>>>;

/// What one hour needs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct HourNeed {
    /// 0 to 23, by the clock of the centre.
    hour: u8,
    /// Calls that were recorded in it on all days together.
    calls: usize,
    /// Calls in one such hour.
    calls_per_hour: f64,
    /// How long a call holds a seat: ringing, talk and wrap-up, seconds.
    held_seconds: f64,
    /// The fewest seats that are enough; one at least, somebody must be there.
    seats: u32,
    /// Share answered within 15 s with so many seats.
    answered_15s: f64,
    /// Share answered within 20 s with so many seats.
    answered_20s: f64,
    /// The share of their time that seats would be held; more than 1 cannot be served.
    busy: f64,
    /// Less than 20 calls: it says little.
    few: bool,
    /// False where no number of seats that was tried is enough.
    enough: bool,
}

/// The hours of one day of the week.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct WeekdayNeed {
    /// From 1, Monday, to 7.
    weekday: u8,
    /// Its hours.
    hours: Vec<HourNeed>,
}

/// Something that was taken for true.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Assumed {
    /// `answer_seconds`: from a seat's ring to its answer. `wrap_up_seconds`: after a talk. `talk`: as
    /// recorded. `patience`: of who left, as recorded; of who was answered, longer by chance. `seats_alike`:
    /// every seat takes every call of the queue. `same_calls`: as many will call as did.
    what: &'static str,
    /// Its value, where it is a number.
    seconds: Option<f64>,
    /// `records`, `queue` or `profile` (the shipped one of a regency).
    from: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Hint {
    since: WallTime,
    until: WallTime,
    days_seen: usize,
    calls: usize,
    hours: Vec<HourNeed>,
    weekdays: Option<Vec<WeekdayNeed>>,
    answer_seconds: f64,
}

/// How many seats each hour needs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Staffing {
    /// When it was counted; the same answer is given for an hour.
    made_at: At,
    /// The queue.
    queue: String,
    /// Records from here …
    since: At,
    /// … to here: whole days, today is not among them.
    until: At,
    /// Days of these from the first call on.
    days_seen: usize,
    /// Calls of these days that were answered or left by their caller.
    calls: usize,
    /// Whether that is enough to rely upon: 7 days and 100 calls.
    reliable: bool,
    /// What is aimed at: the share to be answered within 15 s …
    target_15s: f64,
    /// … and within 20 s (NENA-STA-020.1).
    target_20s: f64,
    /// All days alike.
    hours: Vec<HourNeed>,
    /// Each day of the week for itself; null where records are too few (3360 calls).
    weekdays: Option<Vec<WeekdayNeed>>,
    /// Today and now.
    today: Today,
    /// What was taken for true.
    assumed: Vec<Assumed>,
}

/// What is needed today, and who is there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Today {
    /// From 1, Monday, to 7.
    weekday: u8,
    /// The hour of this moment.
    hour: u8,
    /// Seats that each hour of today needs, from midnight on.
    plan: Vec<u32>,
    /// Of these, the hour of this moment.
    needed_now: u32,
    /// Seats of the queue that are signed in now, pauses included.
    signed_in: usize,
    /// Of these, those that are not paused.
    at_work: usize,
}

/// Needs and presence: how many seats each hour of the day needs for the queue's calls to be answered in time,
/// by the records of the last days and the simulated queue.
#[utoipa::path(get, path = "/api/v1/reports/staffing", tag = "reports", params(
    ("days" = Option<u32>, Query, description = "Days of records, 7 to 92; 28 when left out"),
    ("queue" = Option<String>, Query,
     description = "The queue; that of the last rule when left out")), responses(
    (status = 200, description = "What each hour needs", body = Staffing),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such queue", body = Problem),
    (status = 503, description = "Records cannot be read, or it takes longer: ask again",
     body = Problem)))]
pub(super) async fn staffing(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
) -> Result<Json<Staffing>, Problem> {
    let (mut days, mut queue) = (DAYS, None);
    for (key, value) in pairs(query.as_deref().unwrap_or_default()) {
        let wanted = format!("days={DAYS_LEAST} to {DAYS_MOST}, or queue=NAME");
        match key.as_str() {
            "days" => {
                let read = value.parse().ok();
                let read = read.filter(|days| (DAYS_LEAST..=DAYS_MOST).contains(days));
                let wrong = || Problem::bad_query(format!("days={value}; wanted is {wanted}"));
                days = read.ok_or_else(wrong)?;
            }
            "queue" => queue = Some(value),
            _ => {
                return Err(Problem::bad_query(format!("there is no {key:?}; wanted is {wanted}")));
            }
        }
    }
    let queues = console.desk.queues();
    let settings = match &queue {
        Some(name) => queues.iter().find(|queue| queue.id.as_str() == name),
        None => queues.first(),
    };
    let settings = settings.cloned();
    let settings =
        settings.ok_or_else(|| Problem::unknown_id("queue", &queue.unwrap_or_default()))?;
    // It goes on when nobody waits any more, and is there for the next who asks.
    let (asked, of) = (console.clone(), settings.clone());
    let made = tokio::spawn(async move { hint(&asked, &of, days).await }).await;
    let (made_at, hint) = made.map_err(|_| Problem::too_slow())??;
    answer(&console, &settings, made_at, hint).await.map(Json)
}

async fn hint(
    console: &Console,
    queue: &QueueSettings,
    days: u32,
) -> Result<(WallTime, Hint), Problem> {
    let mut made = console.staffing.lock().await;
    let (now, zone) = (console.desk.now(), console.desk.zone());
    let key = (format!("{queue:?}"), days);
    made.retain(|_, (at, _)| (0..FRESH).contains(&(now.0 - at.0)));
    if let Some(hint) = made.get(&key) {
        return Ok(hint.clone());
    }
    let period = Period::days_before(now, days, &zone);
    let calls = console.desk.store().calls_by_hour(period, queue.id.as_str(), &zone).await?;
    let queue = queue.clone();
    let days = usize::try_from(days).unwrap_or_default();
    let worked = tokio::task::spawn_blocking(move || work(&queue, period, days, calls)).await;
    let hint = worked.map_err(|_| Problem::too_slow())?;
    made.insert(key, (now, hint.clone()));
    Ok((now, hint))
}

/// Shows the calls of each hour to the queue.
fn work(queue: &QueueSettings, period: Period, days: usize, mut calls: Vec<HourCall>) -> Hint {
    // It is compiled in and parsed by a test.
    let profile = Profile::parse(USUAL).ok();
    let skipped = calls.len().saturating_sub(CALLS);
    let first = match skipped {
        0 => calls.first().map_or(days, |call| call.day),
        // The day that is cut is left out.
        _ => calls.get(skipped).map_or(days, |call| call.day + 1),
    };
    calls.retain(|call| call.day >= first);
    let weekdays_seen = |weekday: Option<u8>| {
        let mut seen: Vec<usize> = (first..days).collect();
        if let (Some(weekday), Some(known)) = (weekday, calls.first()) {
            let of = |day: usize| (usize::from(known.weekday) + 6 + day - known.day) % 7 + 1;
            seen.retain(|day| of(*day) == usize::from(weekday));
        }
        seen
    };
    let hours = |weekday: Option<u8>| {
        let seen = weekdays_seen(weekday);
        (0..24u8)
            .map(|hour| {
                let records = calls.iter().filter(|call| call.hour == hour);
                let records = records.filter_map(|call| {
                    let place = seen.iter().position(|day| *day == call.day)?;
                    Some(record(call, place))
                });
                let records: Vec<Recorded> = records.collect();
                let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
                let need = profile.as_ref().map(|of| need(of, queue, &records, count, SEED));
                need.map_or_else(|| told(hour, &nothing()), |need| told(hour, &need))
            })
            .collect::<Vec<HourNeed>>()
    };
    let by_weekday = calls.len() >= BY_WEEKDAY && days - first >= 21;
    let weekdays = (1..=7).map(|weekday| WeekdayNeed { weekday, hours: hours(Some(weekday)) });
    Hint {
        since: period.since,
        until: period.until,
        days_seen: days.saturating_sub(first),
        calls: calls.len(),
        hours: hours(None),
        weekdays: by_weekday.then(|| weekdays.collect()),
        answer_seconds: profile.map_or(0.0, |profile| profile.answer_seconds),
    }
}

/// The call as if the same hours of all days stood behind one another.
fn record(call: &HourCall, place: usize) -> Recorded {
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    Recorded {
        at: HOUR * place + Duration::from_millis(call.after_ms),
        kind: Kind::of_disposition(call.disposition.as_deref()),
        // Marks count for days, and these hours are none: everybody is somebody else.
        number: u32::MAX,
        waited: Duration::from_millis(call.waited_ms),
        talk: call.talk_ms.map(Duration::from_millis),
    }
}

fn nothing() -> Need {
    let service = crate::simulation::Service { waits: 0.0, mean: 0.0, in_15: 1.0, in_20: 1.0 };
    Need { calls: 0, per_hour: 0.0, held: 0.0, seats: 1, service, busy: 0.0, enough: true }
}

fn told(hour: u8, need: &Need) -> HourNeed {
    let rounded = |value: f64| (value * 1_000.0).round() / 1_000.0;
    HourNeed {
        hour,
        calls: need.calls,
        calls_per_hour: rounded(need.per_hour),
        held_seconds: rounded(need.held),
        seats: need.seats,
        answered_15s: rounded(need.service.in_15),
        answered_20s: rounded(need.service.in_20),
        busy: rounded(need.busy),
        few: need.calls < FEW,
        enough: need.enough,
    }
}

async fn answer(
    console: &Console,
    queue: &QueueSettings,
    made_at: WallTime,
    hint: Hint,
) -> Result<Staffing, Problem> {
    let (weekday, hour) = by_the_clock(console.desk.now(), &console.desk.zone());
    let today = hint.weekdays.iter().flatten().find(|day| day.weekday == weekday);
    let today = today.map_or(&hint.hours, |day| &day.hours);
    let plan: Vec<u32> = today.iter().map(|hour| hour.seats).collect();
    let board = board(console).await?;
    let there = board.seats.iter().filter(|seat| seat.queues.contains(&queue.id));
    let signed_in: Vec<_> = there.filter(|seat| seat.state != "signed-out").collect();
    let at_work = signed_in.iter().filter(|seat| seat.state != "paused").count();
    let assumed = |what, seconds, from| Assumed { what, seconds, from };
    Ok(Staffing {
        made_at: At(made_at),
        queue: queue.id.to_string(),
        since: At(hint.since),
        until: At(hint.until),
        days_seen: hint.days_seen,
        calls: hint.calls,
        reliable: hint.days_seen >= ENOUGH.0 && hint.calls >= ENOUGH.1,
        target_15s: 0.90,
        target_20s: 0.95,
        today: Today {
            weekday,
            hour,
            needed_now: plan.get(usize::from(hour)).copied().unwrap_or(1),
            plan,
            signed_in: signed_in.len(),
            at_work,
        },
        hours: hint.hours,
        weekdays: hint.weekdays,
        assumed: vec![
            assumed("answer_seconds", Some(hint.answer_seconds), "profile"),
            assumed("wrap_up_seconds", Some(queue.wrap_up.as_secs_f64()), "queue"),
            assumed("talk", None, "records"),
            assumed("patience", None, "records"),
            assumed("seats_alike", None, "queue"),
            assumed("same_calls", None, "records"),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_needs_what_its_calls_ask_for() {
        assert!(Profile::parse(USUAL).is_ok());
        let period = Period { since: WallTime(0), until: WallTime(1) };
        let queue = QueueSettings::new("darurat");
        let call = |day: usize, hour: u8, minute: u64| HourCall {
            day,
            weekday: u8::try_from(day % 7 + 1).expect("a weekday"),
            hour,
            after_ms: minute * 60_000,
            waited_ms: 4_000,
            talk_ms: Some(180_000),
            disposition: None,
        };
        // One in each minute at nine in the evening, one a night at three; nothing before day 4.
        let mut calls = Vec::new();
        for day in 4..28 {
            calls.push(call(day, 3, 10));
            calls.extend((0..60).map(|minute| call(day, 21, minute)));
        }
        let hint = work(&queue, period, 28, calls);
        assert_eq!((hint.days_seen, hint.calls), (24, 24 * 61));
        let hour = |hour: usize| hint.hours.get(hour).expect("an hour");
        assert_eq!((hour(3).calls, hour(3).seats, hour(3).few), (24, 1, false));
        assert!((hour(21).calls_per_hour - 60.0).abs() < 0.01 && hour(21).seats > 3, "{hint:?}");
        assert!(hour(12).few && hour(12).seats == 1);
        assert!(hint.weekdays.is_none(), "too few to tell days apart");
        let none = work(&queue, period, 28, Vec::new());
        assert_eq!((none.days_seen, none.calls), (0, 0));
    }
}
