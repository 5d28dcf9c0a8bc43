//! Reports from the records: how well calls were answered, who took which calls, the month. Every
//! figure is counted by the one aggregator, [`crate::acd::service_level`].

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::periods::{Period, hour};
use super::presence::{Presence, SeatWord};
use super::sql::{Row, query};
use super::{Store, StoreError};
use crate::acd::service_level::{Event, Standards};
use crate::vocabulary::WallTime;

/// What stands where a call has none: no queue, nobody who answered.
pub const NONE: &str = "-";

/// By what the figures are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By queue.
    Queue,
    /// By trunk, which is the caller's network.
    Trunk,
    /// By hour of the centre's calendar.
    Hour,
    /// By operator, or by seat where no operator is known.
    Operator,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queue, Self::Trunk, Self::Hour, Self::Operator];

    /// The word used in questions.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Trunk => "trunk",
            Self::Hour => "hour",
            Self::Operator => "operator",
        }
    }
}

impl std::str::FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|by| by.word() == text);
        known.ok_or_else(|| format!("{text:?} is none of queue, trunk, hour and operator"))
    }
}

/// One call as reports see it.
#[derive(Debug)]
pub(super) struct Counted {
    pub trunk: String,
    pub queue: Option<String>,
    pub seat: Option<String>,
    pub operator: Option<String>,
    pub received: WallTime,
    pub disposition: Option<String>,
    /// The last that it stood in.
    pub lane: String,
    /// Test calls never enter a queue.
    pub test: bool,
    pub answered: bool,
    pub events: Vec<Event>,
}

impl Counted {
    /// Who took the call.
    pub fn taker(&self) -> Option<&str> {
        self.operator.as_deref().or(self.seat.as_deref())
    }

    fn read(row: &Row) -> sqlx::Result<Self> {
        let number = |column| row.try_get::<Option<i64>>(column);
        let millis = |value: i64| value.max(0).unsigned_abs();
        let outcome: Option<String> = row.try_get("outcome")?;
        let service: String = row.try_get("service")?;
        let stage: String = row.try_get("stage")?;
        let test = stage == "test" || service.starts_with("urn:service:test.");
        let answer = number("answer_ms")?.filter(|_| !test);
        let mut events = vec![if test { Event::Tested } else { Event::Offered }];
        match (answer, number("ended_at")?) {
            _ if test => {}
            (Some(after), ended) => {
                events.push(Event::Answered { after_ms: millis(after) });
                let talk = ended.zip(number("answered_at")?).map(|(ended, at)| ended - at);
                events.extend(talk.map(|talk| Event::Talked { ms: millis(talk) / 1000 }));
            }
            (None, Some(_)) if outcome.as_deref() == Some("abandoned") => {
                let after_ms = millis(number("duration_ms")?.unwrap_or_default());
                events.push(Event::Abandoned { after_ms });
            }
            (None, Some(_)) => events.push(Event::Lost),
            (None, None) => {}
        }
        Ok(Self {
            trunk: row.try_get("trunk")?,
            queue: row.try_get("queue")?,
            seat: row.try_get("seat")?,
            operator: row.try_get("operator")?,
            received: WallTime(row.try_get("received_at")?),
            disposition: row.try_get("disposition")?,
            lane: row.try_get("lane")?,
            test,
            answered: answer.is_some(),
            events,
        })
    }
}

impl Store {
    /// The figures of the calls whose INVITE came in `period`, told apart. Talk counts where its
    /// call came in; the time that seats were signed in counts in the whole, and for operators.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standards(
        &self,
        period: Period,
        by: By,
        zone: &TimeZone,
    ) -> Result<Standards<String>, StoreError> {
        let mut standards = Standards::default();
        let mut sitting = BTreeMap::new();
        let or_none = |word: Option<&str>| word.unwrap_or(NONE).to_owned();
        self.each_call(period, |call| {
            let slice = match by {
                By::Queue => or_none(call.queue.as_deref()),
                By::Trunk => call.trunk.clone(),
                By::Hour => hour(call.received, zone),
                By::Operator => or_none(call.taker()),
            };
            for event in &call.events {
                standards.tell(slice.clone(), *event);
            }
            if let (Some(seat), Some(operator)) = (call.seat, call.operator) {
                sitting.insert(seat, operator);
            }
        })
        .await?;
        for (seat, Presence { signed_in_ms, wrap_up_ms }) in self.presence(period).await? {
            let staffed = Event::Staffed { signed_in_ms, wrap_up_ms };
            if by == By::Operator {
                standards.tell(sitting.get(&seat).cloned().unwrap_or(seat), staffed);
            } else {
                standards.tell_whole(staffed);
            }
        }
        Ok(standards)
    }

    /// Walks through the calls whose INVITE came in `period`, in the order of their coming.
    pub(super) async fn each_call(
        &self,
        period: Period,
        mut each: impl FnMut(Counted) + Send,
    ) -> Result<(), StoreError> {
        let mut tx = self.reading().await?;
        query(
            "SELECT trunk, queue, seat, operator, received_at, answered_at, ended_at, answer_ms,
             duration_ms, outcome, stage, service, disposition, lane
             FROM incident WHERE received_at >= ? AND received_at < ? AND origin = 'call'
             ORDER BY received_at",
        )
        .bind(period.since.0)
        .bind(period.until.0)
        .fetch_each(&mut tx, |row| Counted::read(&row).map(&mut each))
        .await
        .map_err(|e| self.error(e))
    }

    async fn presence(&self, period: Period) -> Result<BTreeMap<String, Presence>, StoreError> {
        let mut sum: BTreeMap<String, Presence> = BTreeMap::new();
        for words in self.seat_words(period).await? {
            for (seat, Presence { signed_in_ms, wrap_up_ms }) in super::presence::of(&words, period)
            {
                let presence = sum.entry(seat).or_default();
                presence.signed_in_ms += signed_in_ms;
                presence.wrap_up_ms += wrap_up_ms;
            }
        }
        Ok(sum)
    }

    /// What is said of seats up to the end of a period, node by node: one that starts or stops signs out its
    /// own seats only.
    pub(super) async fn seat_words(
        &self,
        period: Period,
    ) -> Result<Vec<Vec<SeatWord>>, StoreError> {
        // The last word on each seat before the period, and every one within it.
        let rows = query(
            "SELECT node, seat, at, state FROM seat_log
             WHERE (at >= ?1 AND at < ?2) OR EXISTS
             (SELECT 1 FROM (SELECT node AS of, seat AS on_seat, max(seq) AS last FROM seat_log
              WHERE at < ?1 GROUP BY node, seat) AS before
              WHERE of = seat_log.node AND on_seat = seat_log.seat AND last = seat_log.seq)
             ORDER BY node, seq",
        )
        .bind(period.since.0)
        .bind(period.until.0)
        .fetch_all(&mut self.reading().await?)
        .await
        .map_err(|e| self.error(e))?;
        let word = |row: &Row| {
            let seat = row.try_get("seat")?;
            let word =
                SeatWord { seat, at: WallTime(row.try_get("at")?), state: row.try_get("state")? };
            Ok((row.try_get::<i64>("node")?, word))
        };
        let words = rows.iter().map(word).collect::<sqlx::Result<Vec<_>>>();
        let words = words.map_err(|e| self.error(e))?;
        let of_nodes = words.chunk_by(|(one, _), (other, _)| one == other);
        Ok(of_nodes.map(|words| words.iter().map(|(_, word)| word.clone()).collect()).collect())
    }
}
