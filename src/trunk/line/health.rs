//! Whether one address of a carrier is alive, told from its answers to OPTIONS. Slow to give up and
//! slow to trust again, so that a lossy network does not make a trunk flap.

use std::collections::VecDeque;
use std::time::Duration;

use crate::vocabulary::limits;

/// What the last probes of one address said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The last probes, the newest last; true for an answer.
    lately: VecDeque<bool>,
    answered_in_a_row: u32,
    dead: bool,
    /// Time from our OPTIONS to its last answer.
    pub round_trip: Option<Duration>,
}

impl Health {
    /// A probe was answered after so long, or failed.
    pub fn probed(&mut self, round_trip: Option<Duration>) {
        let answered = round_trip.is_some();
        self.lately.push_back(answered);
        while self.lately.len() > limits::PROBES_KEPT {
            self.lately.pop_front();
        }
        self.answered_in_a_row =
            if answered { self.answered_in_a_row.saturating_add(1) } else { 0 };
        self.round_trip = round_trip.or(self.round_trip);
        if self.dead {
            self.dead = self.answered_in_a_row < limits::PROBES_ANSWERED;
            if !self.dead {
                // What was before the outage does not count against it now.
                self.lately.retain(|answered| *answered);
            }
        } else {
            let failed = self.lately.iter().filter(|answered| !**answered).count();
            self.dead = failed >= limits::PROBES_FAILED;
        }
    }

    /// Whether it counts as dead.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether it has ever answered.
    #[must_use]
    pub const fn was_heard(&self) -> bool {
        self.round_trip.is_some()
    }
}

/// Whether an answer to OPTIONS is a sign of life: anything up to 4xx but 408. A 5xx or 6xx comes from
/// a switch that takes no calls, or from a proxy before it that cannot reach it.
#[must_use]
pub const fn is_alive(code: u16) -> bool {
    code < 500 && code != 408
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `.` is an answer, `x` a failure; gives `-` for alive and `D` for dead after each.
    fn told(probes: &str) -> String {
        let mut health = Health::default();
        let one = |probe| {
            health.probed((probe == '.').then_some(Duration::from_millis(5)));
            if health.is_dead() { 'D' } else { '-' }
        };
        probes.chars().map(one).collect()
    }

    #[test]
    fn three_of_four_fail_before_it_is_dead_and_two_answers_bring_it_back() {
        for (probes, expected) in [
            ("xxx", "--D"),
            ("....xx.x", "-------D"),
            (".x.x.x.x", "--------"),
            ("xx..xx..", "--------"),
            ("xxxx.x.x..", "--DDDDDDD-"),
            ("xxx..x", "--DD--"),
            ("xxx..xxx", "--DD---D"),
        ] {
            assert_eq!(told(probes), expected, "{probes}");
        }
    }

    #[test]
    fn a_refusal_is_a_sign_of_life_and_a_server_s_failure_is_none() {
        let codes = [200, 302, 401, 404, 405, 407, 481, 408, 500, 503, 603];
        let alive: Vec<u16> = codes.into_iter().filter(|code| is_alive(*code)).collect();
        assert_eq!(alive, [200, 302, 401, 404, 405, 407, 481]);
    }
}
