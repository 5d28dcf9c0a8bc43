//! Watches the wall clock: whether somebody keeps it right, and whether it jumps. Records of a centre
//! whose clock is wrong are worth little to a court; and nothing may be deleted by a clock that is wrong.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clock::Clock;
use crate::journal::retention::ClockJump;
use crate::journal::{Entry, Fact};
use crate::store::JournalHandle;
use crate::telemetry::metrics;
use crate::vocabulary::{Now, WallTime};

/// How often the two clocks are compared.
const EVERY: Duration = Duration::from_secs(5);
/// Turns between two questions whether the clock is kept right: ten minutes.
const ASK_EVERY: u64 = 120;
/// Time servers correct a clock by milliseconds a second; more is a jump.
const JUMP_MS: u64 = 1_000;
/// A clock that was moved by more than this may be years off: nothing is deleted by it.
const DOUBT_MS: u64 = 3_600_000;

/// Whether dates may be trusted so far that something is deleted by them.
#[derive(Clone, Debug, Default)]
pub(super) struct ClockTrust(Arc<AtomicBool>);

impl ClockTrust {
    /// Whether the clock was moved far and nobody keeps it right.
    pub(super) fn is_doubtful(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Says so, or that it is right.
    pub(super) fn set(&self, doubtful: bool) {
        self.0.store(doubtful, Ordering::Relaxed);
    }
}

/// By how much the wall clock went another way than time did between two looks; none when it did not.
fn jump(before: Now, after: Now) -> Option<ClockJump> {
    let passed = after.moment.since(before.moment).as_micros();
    let passed = i64::try_from(passed).unwrap_or(i64::MAX);
    let from = WallTime(before.wall.0.saturating_add(passed));
    let by_ms = after.wall.0.saturating_sub(from.0) / 1_000;
    (by_ms.unsigned_abs() > JUMP_MS).then_some(ClockJump { by_ms, from, to: after.wall })
}

/// Asks who keeps this machine's clock; none when nobody says.
fn synchronised() -> Option<bool> {
    let ask = |program: &str, words: &[&str]| {
        let mut asked = Command::new(program);
        asked.args(words).stdin(Stdio::null()).stderr(Stdio::null());
        let answer = asked.output().ok().filter(|answer| answer.status.success())?;
        String::from_utf8(answer.stdout).ok()
    };
    let systemd = ask("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    match systemd.as_deref().map(str::trim) {
        Some("yes") => return Some(true),
        Some("no") => return Some(false),
        _ => {}
    }
    let chrony = ask("chronyc", &["-n", "tracking"])?;
    let leap = chrony.lines().find(|line| line.starts_with("Leap status"))?;
    Some(!leap.contains("Not synchronised"))
}

/// Watches for as long as the program runs. `last` is when the journal was written last before the
/// start: a clock that lost its battery shows at once.
pub(super) fn start(
    journal: JournalHandle,
    clock: Clock,
    trust: ClockTrust,
    last: Option<WallTime>,
) {
    tokio::spawn(async move {
        let note = |fact: Fact| journal.append(0, Entry { at: clock.now().wall, fact });
        let alarm = |name: &'static str, detail: String| {
            tracing::warn!(alarm = name, detail, "alarm");
            metrics::alarm(name);
            note(Fact::Alarm { name: name.to_owned(), detail });
        };
        let mut before = clock.now();
        let behind = last.filter(|last| last.0 > before.wall.0 + 1_000_000);
        if let Some(last) = behind {
            let detail = format!(
                "the clock shows a time before the journal's last line, {}",
                last.to_rfc3339()
            );
            alarm("clock-jumped", detail);
            trust.set(true);
        }
        let mut kept_right = true;
        let mut tick = tokio::time::interval(EVERY);
        for turn in 0_u64.. {
            tick.tick().await;
            let now = clock.now();
            if let Some(jump) = jump(before, now) {
                let detail = format!(
                    "the clock was moved by {} ms, from {} to {}",
                    jump.by_ms,
                    jump.from.to_rfc3339(),
                    jump.to.to_rfc3339()
                );
                note(Fact::ClockJumped(Box::new(jump)));
                alarm("clock-jumped", detail);
                if jump.by_ms.unsigned_abs() > DOUBT_MS {
                    trust.set(true);
                }
            }
            before = now;
            if turn % ASK_EVERY != 0 {
                continue;
            }
            let answer = tokio::task::spawn_blocking(synchronised).await.ok().flatten();
            match answer {
                Some(false) if kept_right => {
                    kept_right = false;
                    alarm(
                        "clock-unsynchronised",
                        "no time server keeps this machine's clock".into(),
                    );
                }
                Some(true) => {
                    trust.set(false);
                    if !kept_right {
                        kept_right = true;
                        alarm("clock-synchronised", "a time server keeps the clock again".into());
                    }
                }
                Some(false) | None => {}
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Moment;

    #[test]
    fn a_clock_that_is_moved_shows_and_one_that_is_slewed_does_not() {
        let at = |moment: u64, wall: i64| Now { moment: Moment(moment), wall: WallTime(wall) };
        let before = at(1_000_000, 50_000_000);
        assert_eq!(jump(before, at(6_000_000, 55_000_000)), None);
        assert_eq!(jump(before, at(6_000_000, 55_900_000)), None);
        let forth = jump(before, at(6_000_000, 60_000_000)).expect("a jump");
        assert_eq!(
            (forth.by_ms, forth.from, forth.to),
            (5_000, WallTime(55_000_000), WallTime(60_000_000))
        );
        let back = jump(before, at(6_000_000, 0)).expect("a jump");
        assert_eq!(back.by_ms, -55_000);
    }
}
