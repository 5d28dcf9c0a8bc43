//! What trunks, rules, queues and seats make together: is there a way on which a caller is given up
//! by the network, or waits for somebody who is not there? Each finding shows the way.

use std::time::Duration;

use super::findings::{Log, Place, did_you_mean};
use super::names::Names;
use super::{queues, routing};
use crate::acd::settings::{Overflow, QueueSettings, SeatSettings, Widen};
use crate::routing::settings::Rule;
use crate::sip::{Scheme, Uri};
use crate::switchboard::settings::Screen;
use crate::trunk::settings::{EarlyMedia, TrunkSettings};
use crate::vocabulary::{AnswerMode, Lane, Want};

/// Carriers give up on an unanswered call at about three minutes (Timer C, RFC 3261 §16.6).
const NETWORKS_GIVE_UP: Duration = Duration::from_secs(170);

/// What was read, from where calls come in to where they end.
pub(super) struct Centre<'c> {
    pub(super) trunks: &'c [TrunkSettings],
    pub(super) rules: &'c [routing::Written],
    pub(super) queues: &'c [queues::Written],
    pub(super) seats: &'c [SeatSettings],
}

impl Centre<'_> {
    /// Notes every way that ends badly.
    pub(super) fn check(&self, names: &Names, refuses: bool, log: &Log) {
        for queue in self.queues {
            if let Some(place) = names.place(queue.name.value.as_str()) {
                self.check_staffing(&queue.settings, place, log);
            }
            self.check_neighbours(queue, log);
        }
        for written in self.rules {
            let rule = &written.rule.value;
            let Some(queue) = self.queues.iter().find(|queue| queue.settings.id == rule.queue)
            else {
                continue;
            };
            self.check_patience(rule, queue, log);
            self.check_hearing(rule, queue, log);
            for (want, place) in rule.wants.iter().zip(&written.wants) {
                self.check_skill(rule, want, &queue.settings, place, log);
            }
            if refuses && queue.announcements.refused.is_empty() {
                log.error(
                    &queue.name.place,
                    format!(
                        "{}: refuse_after_marks refuses callers, and none hears which way is left",
                        way(rule, &queue.settings)
                    ),
                    "add the prompt \"ditandai\", or remove refuse_after_marks",
                );
            }
        }
    }

    /// A SIP address in the overflow is somebody at the far end of a trunk.
    fn check_neighbours(&self, queue: &queues::Written, log: &Log) {
        for step in &queue.overflow {
            let Overflow::Number(number) = &step.value else { continue };
            let uri = Uri::read(number);
            let leads_there = |trunk: &TrunkSettings| {
                let line = trunk.line.as_ref();
                line.is_some_and(|line| line.target.host.eq_ignore_ascii_case(uri.host()))
            };
            if uri.scheme() == Scheme::Sip && !self.trunks.iter().any(leads_there) {
                log.warn(
                    &step.place,
                    format!("no trunk leads to {}: this step calls nobody", uri.host()),
                    format!("add a trunk with target = \"sip:{}\", or write a number", uri.host()),
                );
            }
        }
    }

    /// The seats of a queue can be reached, tier after tier.
    fn check_staffing(&self, queue: &QueueSettings, place: &Place, log: &Log) {
        let tiers = self.seats.iter().filter_map(|seat| Some(seat.member(&queue.id)?.tier));
        let Some(first) = tiers.clone().min() else {
            log.warn(
                place,
                format!("no seat serves the queue {:?}: its callers wait for nobody", queue.id),
                format!("add {:?} to the queues of a seat", queue.id),
            );
            return;
        };
        let opened = queue.widen.iter().filter_map(|step| step.tier).max();
        let opened = opened.or((!queue.widen.is_empty()).then_some(u8::MAX));
        if let Some(opened) = opened.filter(|opened| *opened < first) {
            log.error(
                place,
                format!(
                    "queue {:?}: its seats are of tier {first} and higher, and its widen steps open \
                     up to tier {opened} only",
                    queue.id
                ),
                "let a widen step open their tier, or give a seat tier 1",
            );
        } else if first > 1 {
            log.error(
                place,
                format!("queue {:?}: no seat is of tier 1, the lowest is {first}", queue.id),
                "give the seats that are asked first tier 1",
            );
        } else if let Some((opened, last)) = opened.zip(tiers.max()).filter(|(o, last)| o < last) {
            log.warn(
                place,
                format!(
                    "queue {:?}: seats of tier {last} are asked at the bound only, since its widen \
                     steps open up to tier {opened}",
                    queue.id
                ),
                "let a widen step open their tier",
            );
        }
    }

    /// Callers who are not answered before a seat does must not wait for longer than networks ring.
    fn check_patience(&self, rule: &Rule, queue: &queues::Written, log: &Log) {
        let Some(from) = self.unanswered(rule, &queue.settings) else { return };
        let settings = &queue.settings;
        let mend = format!(
            "write at most {}, or answer = \"after_seconds:20\"",
            NETWORKS_GIVE_UP.as_secs()
        );
        for (lane, place) in Lane::ALL.into_iter().zip(&queue.bounds) {
            let bound = settings.bounds.of(lane);
            if bound > NETWORKS_GIVE_UP {
                log.error(
                    place,
                    format!(
                        "{from}{}: bound_seconds.{lane} = {} is longer than the {} s after which \
                         networks give up",
                        way(rule, settings),
                        bound.as_secs(),
                        NETWORKS_GIVE_UP.as_secs()
                    ),
                    &mend,
                );
            }
        }
        let steps = u32::try_from(settings.overflow.len()).unwrap_or(u32::MAX);
        let last = settings.max_wait.saturating_mul(steps);
        if steps > 0 && last > NETWORKS_GIVE_UP {
            let overflow: String = settings.overflow.iter().map(told).collect();
            log.error(
                &queue.max_wait,
                format!(
                    "{from}{}{overflow}: the last step comes after {} s ({steps} times \
                     max_wait_seconds = {}), and networks give up after {} s",
                    way(rule, settings),
                    last.as_secs(),
                    settings.max_wait.as_secs(),
                    NETWORKS_GIVE_UP.as_secs()
                ),
                format!(
                    "write at most max_wait_seconds = {}, or answer = \"after_seconds:20\"",
                    NETWORKS_GIVE_UP.as_secs() / u64::from(steps)
                ),
            );
        }
    }

    /// Who is to be listened to must be heard before a seat answers.
    fn check_hearing(&self, rule: &Rule, queue: &queues::Written, log: &Log) {
        let heard = |trunk: &TrunkSettings| {
            let answer = trunk.answer.unwrap_or(queue.settings.answer);
            trunk.early_media == EarlyMedia::Both || answer.delay().is_some()
        };
        let listens = queue.announcements.screen != Screen::Never;
        let mut trunks = self.trunks_of(rule).peekable();
        if listens && trunks.peek().is_some() && !trunks.any(heard) {
            log.warn(
                &queue.name.place,
                format!(
                    "{}: nobody is listened to, since no trunk lets us hear callers before a seat \
                     answers",
                    way(rule, &queue.settings)
                ),
                "write early_media = \"both\" for a trunk that does, answer = \"after_seconds:5\", or \
                 screen = \"never\"",
            );
        }
    }

    /// The trunks whose calls a rule may take.
    fn trunks_of<'s>(&'s self, rule: &'s Rule) -> impl Iterator<Item = &'s TrunkSettings> + Clone {
        let only = &rule.when.trunk;
        self.trunks.iter().filter(move |trunk| only.is_empty() || only.contains(&trunk.id))
    }

    /// The beginning of the way of a caller whom nothing answers in time but a seat; none when
    /// there is no such caller. Empty where every trunk of the rule leaves it to the queue.
    fn unanswered(&self, rule: &Rule, queue: &QueueSettings) -> Option<String> {
        let late = |mode: AnswerMode| mode.delay().is_none_or(|delay| delay > NETWORKS_GIVE_UP);
        let mut trunks = self.trunks_of(rule);
        if late(queue.answer) && trunks.clone().any(|trunk| trunk.answer.is_none()) {
            return Some(String::new());
        }
        let trunk = trunks.find(|trunk| late(trunk.answer.unwrap_or(queue.answer)))?;
        Some(format!("trunk {:?} -> ", trunk.id))
    }

    /// Somebody in the queue can what the rule asks for.
    fn check_skill(
        &self,
        rule: &Rule,
        want: &Want,
        queue: &QueueSettings,
        place: &Place,
        log: &Log,
    ) {
        let seats = || self.seats.iter().filter(|seat| seat.member(&queue.id).is_some());
        let best = seats().filter_map(|seat| seat.skills.get(&want.skill).copied()).max();
        let way = format!("rule {:?} asks for {want} -> queue {:?}", rule.name, queue.id);
        let given_up = |lacking: u8| {
            let enough = |step: &&Widen| step.lower >= lacking;
            queue.widen.iter().find(enough).map(|step| step.after.as_secs())
        };
        match best {
            _ if seats().next().is_none() => {}
            None => {
                let until = match given_up(want.level) {
                    Some(after) => {
                        format!("; callers wait {after} s until a widen step gives it up")
                    }
                    None => ", and no widen step gives it up before the bound".to_owned(),
                };
                let known = self.seats.iter().flat_map(|seat| seat.skills.keys());
                let mut known: Vec<&str> = known.map(|skill| skill.as_str()).collect();
                known.sort_unstable();
                known.dedup();
                log.error(
                    place,
                    format!("{way}: no seat has it{until}"),
                    match known.contains(&want.skill.as_str()) {
                        true => format!("give a seat of {:?} the skill, or ask for none", queue.id),
                        false => did_you_mean(want.skill.as_str(), &known, "skill"),
                    },
                );
            }
            Some(best) if best < want.level => {
                let until = match given_up(want.level - best) {
                    Some(after) => format!("a widen step lowers it after {after} s"),
                    None => "no widen step lowers it before the bound".to_owned(),
                };
                log.warn(
                    place,
                    format!("{way}: its seats have {}:{best} at best, and {until}", want.skill),
                    format!("ask for {}:{best}, or give a seat the level", want.skill),
                );
            }
            Some(_) => {}
        }
    }
}

fn way(rule: &Rule, queue: &QueueSettings) -> String {
    format!("rule {:?} -> queue {:?}", rule.name, queue.id)
}

fn told(step: &Overflow) -> String {
    match step {
        Overflow::Queue(queue) => format!(" -> queue {queue:?}"),
        Overflow::Number(number) => format!(" -> {number}"),
    }
}
