//! What each kind of event asks of who follows: the stream opens no door that a page of the same thing
//! keeps shut. A kind that is not named here is for nobody.

use crate::console::permissions::{Permission, Reach};
use crate::journal::Fact;
use crate::people::Role;

/// Kinds that stand on the record of an incident, or say nothing of a person.
const RECORDS: &[&str] = &[
    "screen-pop",
    "node-started",
    "node-stopped",
    "arrived",
    "alert-received",
    "data-came",
    "identity-checked",
    "caller-recalled",
    "queued",
    "laned",
    "early-media",
    "prompted",
    "key",
    "heard",
    "linked",
    "picked-up",
    "disposed",
    "disposition-withdrawn",
    "number-marked",
    "located",
    "mass-incident",
    "work-opened",
    "overflowed",
    "offered",
    "offer-ended",
    "caller-answered",
    "answered",
    "held",
    "resumed",
    "seat-dialled",
    "seat-call-ended",
    "called-out",
    "call-out-ended",
    "transferred",
    "test-answered",
    "ended",
    "recording-started",
    "recording-sealed",
    "recording-failed",
    "recording-resumed",
    "recording-held",
    "recording-deleted",
    "party-invited",
    "party-joined",
    "party-changed",
    "party-held",
    "party-left",
    "party-took-over",
    "private-talk",
    "chain-begun",
    "chain-tried",
    "chain-tried-ended",
    "chain-ended",
    "text-written",
    "audio-stalled",
    "audio-flows",
    "caller-quiet",
    "caller-speaks",
    "audio-heard",
    "answer-unusable",
    "text-carried",
    "copy-started",
    "copy-failed",
    "incident-opened",
    "incident-edited",
    "incident-closed",
    "incident-reopened",
    "incident-merged",
    "incident-unmerged",
    "incident-linked",
    "incident-unlinked",
    "incident-held",
    "personal-erased",
    "seat-changed",
];

/// All others, by what shows the same.
const MORE: &[(Permission, &[&str])] = &[
    (Permission::Ladders, &["signalled", "malformed-message"]),
    (Permission::Custody, &["audited", "head-signed", "clock-jumped", "retention-ran"]),
    (Permission::Alarms, &["alarm"]),
    (Permission::Marks, &["number-cleared"]),
    (Permission::WorkList, &["work-tried", "work-tried-ended", "work-closed"]),
    (Permission::Policy, &["config-adopted", "config-refused"]),
];

/// What a kind asks for; none: it is for nobody.
fn asks(kind: &str) -> Option<Permission> {
    if RECORDS.contains(&kind) {
        return Some(Permission::Records);
    }
    MORE.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|(permission, _)| *permission)
}

/// Whether a role is told of a kind at all, and if not who is.
pub(super) fn may(role: Role, kind: &str) -> Result<(), Vec<Role>> {
    match asks(kind) {
        Some(permission) if permission.reach(role) != Reach::No => Ok(()),
        Some(permission) => Err(permission.roles().collect()),
        None => Err(Vec::new()),
    }
}

/// Whether a role is told of this one: where a phone is that belongs to no call is on no record.
pub(super) fn shows(role: Role, fact: &Fact) -> bool {
    match fact {
        Fact::Located(located) if located.call.is_none() => {
            Permission::Live.reach(role) != Reach::No
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_named_once_and_none_that_there_is_not() {
        let error = serde_json::from_str::<Fact>(r#"{"fact": "?"}"#).expect_err("no kind");
        let error = error.to_string();
        let mut known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        known.push("screen-pop");
        let mut named: Vec<&str> = RECORDS.to_vec();
        named.extend(MORE.iter().flat_map(|(_, kinds)| *kinds));
        known.sort_unstable();
        named.sort_unstable();
        assert_eq!(known, named);
    }
}
