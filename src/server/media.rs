//! Watches whether the media thread moves. It is woken each second and must make a turn; one that makes none
//! is told of, and nothing else is done: no call is touched.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clock::Clock;
use crate::journal::{Entry, Fact};
use crate::media::MediaHandle;
use crate::store::JournalHandle;
use crate::telemetry::health::{Check, Health};
use crate::telemetry::metrics;
use crate::vocabulary::Moment;

/// How often the thread is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// A thread that makes no turn for so long hangs: nobody hears anybody.
const STUCK: Duration = Duration::from_secs(3);

/// What is needed to watch.
pub(super) struct Watch {
    pub(super) media: MediaHandle,
    pub(super) health: Health,
    pub(super) journal: JournalHandle,
    pub(super) clock: Clock,
}

/// Whether turns are made.
#[derive(Debug, Default)]
struct Pulse {
    turns: u64,
    moved: Moment,
    stuck: bool,
}

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// No turn for so long.
    Stuck(Duration),
    /// It goes on after a hang of about so long.
    Moves(Duration),
}

impl Pulse {
    /// Looks at the number of turns made so far.
    fn look(&mut self, turns: u64, now: Moment) -> Option<News> {
        let still = now.since(self.moved);
        if self.turns != turns {
            (self.turns, self.moved) = (turns, now);
            return std::mem::take(&mut self.stuck).then_some(News::Moves(still));
        }
        let news = still >= STUCK && !self.stuck;
        self.stuck |= news;
        news.then_some(News::Stuck(still))
    }
}

impl Watch {
    /// Watches for as long as the program runs.
    pub(super) fn start(self) {
        tokio::spawn(async move {
            let counters = self.media.counters();
            let mut pulse = Pulse { moved: self.clock.now().moment, ..Pulse::default() };
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let turns = counters.turns.load(Ordering::Relaxed);
                match pulse.look(turns, self.clock.now().moment) {
                    Some(News::Stuck(still)) => {
                        let detail = format!(
                            "the media thread has not moved for {} s: nobody hears anybody. Calls are kept; \
                             if it does not go on, drain this node or restart it",
                            still.as_secs()
                        );
                        self.health.trouble(Check::Media, &detail, self.clock.now().wall);
                        self.tell("media-stuck", detail);
                    }
                    Some(News::Moves(still)) => {
                        self.health.ok(Check::Media);
                        let detail = format!("the media thread had stood still for {still:.1?}");
                        self.tell("media-moves", detail);
                    }
                    None => {}
                }
                self.media.wake();
            }
        });
    }

    fn tell(&self, name: &'static str, detail: String) {
        tracing::warn!(alarm = name, detail, "alarm");
        metrics::alarm(name);
        let fact = Fact::Alarm { name: name.to_owned(), detail };
        self.journal.append(0, Entry { at: self.clock.now().wall, fact });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_is_told_once_and_so_is_its_end() {
        let mut pulse = Pulse::default();
        let at = |seconds: u64| Moment(seconds * 1_000_000);
        let looks = [(1, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6), (9, 7), (9, 8), (10, 9)];
        let news: Vec<_> =
            looks.iter().map(|&(turns, second)| pulse.look(turns, at(second))).collect();
        let told: Vec<_> =
            news.into_iter().enumerate().filter_map(|(n, it)| Some((n, it?))).collect();
        let seconds = Duration::from_secs;
        assert_eq!(told, [(4, News::Stuck(seconds(3))), (6, News::Moves(seconds(5)))]);
    }
}
