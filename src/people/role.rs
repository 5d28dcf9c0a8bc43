//! The five roles. What a role may do at each page stands in one table of the console.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What somebody is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers calls: own calls, and the live pages.
    CallTaker,
    /// Leads the shift: all calls, their records and recordings.
    Supervisor,
    /// Sends help: records of all incidents, and whom to call.
    Dispatcher,
    /// Keeps the gateway: configuration and people; never what was said.
    Admin,
    /// Looks at who did what: records and audit; never what was said.
    Auditor,
}

/// No role of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no role; write call-taker, supervisor, dispatcher, admin or auditor")]
pub struct RoleError(pub String);

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::CallTaker, Self::Supervisor, Self::Dispatcher, Self::Admin, Self::Auditor];

    /// The word that files, pages and commands use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CallTaker => "call-taker",
            Self::Supervisor => "supervisor",
            Self::Dispatcher => "dispatcher",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }

    /// What pages call it, in Indonesian and in English.
    #[must_use]
    pub const fn names(self) -> [&'static str; 2] {
        match self {
            Self::CallTaker => ["Penerima panggilan", "Call taker"],
            Self::Supervisor => ["Supervisor", "Supervisor"],
            Self::Dispatcher => ["Petugas dispatch", "Dispatcher"],
            Self::Admin => ["Admin", "Admin"],
            Self::Auditor => ["Auditor", "Auditor"],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|role| role.word() == text);
        found.ok_or_else(|| RoleError(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).expect("a word"), role.word());
        }
        assert!("Admin".parse::<Role>().is_err() && "".parse::<Role>().is_err());
    }
}
