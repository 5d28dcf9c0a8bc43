//! When the caller's INVITE is answered with 200.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When the caller's INVITE is answered. Recorded on each call, since it changes every metric
/// and is where a network starts to bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum AnswerMode {
    /// When a seat answers (the default).
    #[default]
    OnAgent,
    /// After this long in the queue, or when a seat answers before that.
    AfterSeconds(u32),
    /// As soon as the call is queued.
    Immediate,
}

impl AnswerMode {
    /// How long the call waits before it is answered without a seat; none for `on_agent`.
    #[must_use]
    pub fn delay(self) -> Option<Duration> {
        match self {
            Self::OnAgent => None,
            Self::AfterSeconds(seconds) => Some(Duration::from_secs(u64::from(seconds))),
            Self::Immediate => Some(Duration::ZERO),
        }
    }
}

impl fmt::Display for AnswerMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnAgent => f.write_str("on_agent"),
            Self::AfterSeconds(seconds) => write!(f, "after_seconds:{seconds}"),
            Self::Immediate => f.write_str("immediate"),
        }
    }
}

impl From<AnswerMode> for String {
    fn from(mode: AnswerMode) -> Self {
        mode.to_string()
    }
}

impl TryFrom<String> for AnswerMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for AnswerMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on_agent" => Ok(Self::OnAgent),
            "immediate" => Ok(Self::Immediate),
            other => other
                .strip_prefix("after_seconds:")
                .and_then(|n| n.trim().parse().ok())
                .filter(|n| (1..=600).contains(n))
                .map(Self::AfterSeconds)
                .ok_or_else(|| {
                    format!(
                        "{other:?} is no answer mode: write \"on_agent\", \"immediate\" or \
                         \"after_seconds:N\" with N from 1 to 600"
                    )
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_print_and_read_back() {
        for mode in [AnswerMode::OnAgent, AnswerMode::AfterSeconds(12), AnswerMode::Immediate] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for wrong in ["", "after_seconds:0", "after_seconds:x", "onagent", "after_seconds:601"] {
            assert!(wrong.parse::<AnswerMode>().is_err(), "{wrong}");
        }
    }
}
