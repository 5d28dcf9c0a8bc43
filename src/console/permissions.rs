//! The one table of who may do what: a row for each route, and what each role reaches there.
//!
//! A route without a row is closed to everybody; a test walks the description and finds it. A handler
//! never looks at a role itself; it asks [`Grant`] where a list must be narrowed to own calls.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::people::Role;

/// What a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Permission {
    /// What everybody may: the description, who one is, leaving.
    Myself,
    /// Calls, queues, seats and trunks as they are now.
    Live,
    /// What is wrong with the gateway.
    Alarms,
    /// Taking an alarm as seen.
    AlarmsSeen,
    /// A seat's status and wrap-up.
    Seats,
    /// Where callers wait.
    Queues,
    /// Sitting down at a seat.
    Sit,
    /// Being the phone of a seat.
    Phone,
    /// Acting in a call: picking up, bringing in, writing.
    Calls,
    /// Who is called out, and in which order.
    Contacts,
    /// Whom to call back.
    WorkList,
    /// Reading incident records.
    Records,
    /// Writing an incident's form, closing its record and tying it to others.
    Forms,
    /// The SIP messages of an incident.
    Ladders,
    /// What kind of call it was.
    Judgement,
    /// Taking a mark of a number back, and seeing all of them.
    Marks,
    /// Hearing what was said.
    Audio,
    /// Keeping a recording whatever its age.
    Holds,
    /// Copies that leave the house: bundles, redacted copies, packs.
    HandingOut,
    /// How long what is kept, what was deleted, and who looked at what.
    Custody,
    /// Figures and sheets.
    Reports,
    /// How many seats are needed.
    Staffing,
    /// Who elsewhere is told, and how far.
    Receivers,
    /// Sending a refused letter once more.
    Resend,
    /// Reading the configuration and its versions, and trying it.
    Policy,
    /// Changing the configuration.
    PolicyChange,
    /// What proves the records, and verifying them.
    Proof,
    /// Who did what.
    Audit,
    /// Who may come in.
    People,
    /// Telling where a phone is: for gateways and networks.
    Locations,
}

/// How far a role reaches at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reach {
    /// Not at all.
    No,
    /// Own calls, own seat.
    Own,
    /// Everybody's.
    All,
}

/// What the `{id}` of a route names: whose it is decides where a role reaches its own only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Nothing that is anybody's, or the handler narrows its answer itself.
    Nothing,
    /// A live call.
    Call,
    /// An incident, or one of its calls.
    Incident,
    /// A seat.
    Seat,
}

/// What the guard found out, for handlers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    /// The answer is about own calls only.
    pub(super) own_only: bool,
}

impl Permission {
    /// How far `role` reaches.
    pub(super) const fn reach(self, role: Role) -> Reach {
        use Reach::{All, No, Own};
        // call taker, supervisor, dispatcher, admin, auditor
        let row = match self {
            Self::Myself => [All, All, All, All, All],
            Self::Live => [All, All, All, All, No],
            Self::Alarms => [No, All, No, All, All],
            Self::AlarmsSeen => [No, All, No, All, No],
            Self::Seats => [Own, All, No, All, No],
            Self::Queues => [No, All, No, No, No],
            Self::Sit => [All, All, No, No, No],
            Self::Phone => [Own, Own, No, No, No],
            Self::Calls => [Own, All, No, No, No],
            Self::Contacts => [All, All, All, All, No],
            Self::WorkList => [Own, All, No, No, No],
            Self::Records => [Own, All, All, All, All],
            Self::Forms => [Own, All, All, No, No],
            Self::Ladders => [No, All, No, All, All],
            Self::Judgement => [Own, All, No, No, No],
            Self::Marks => [No, All, No, All, No],
            Self::Audio => [Own, All, No, No, No],
            Self::Holds => [No, All, No, No, No],
            Self::HandingOut => [No, All, No, No, No],
            Self::Custody => [No, All, No, All, All],
            Self::Reports => [No, All, All, All, All],
            Self::Staffing => [No, All, No, All, No],
            Self::Receivers => [No, No, No, All, All],
            Self::Resend => [No, No, No, All, No],
            Self::Policy => [No, No, No, All, All],
            Self::PolicyChange => [No, No, No, All, No],
            Self::Proof => [No, No, No, All, All],
            Self::Audit => [No, No, No, All, All],
            Self::People => [No, No, No, All, No],
            Self::Locations => [No, All, All, All, No],
        };
        let [call_taker, supervisor, dispatcher, admin, auditor] = row;
        match role {
            Role::CallTaker => call_taker,
            Role::Supervisor => supervisor,
            Role::Dispatcher => dispatcher,
            Role::Admin => admin,
            Role::Auditor => auditor,
        }
    }

    /// What a role reaches at all, by the rows of the table.
    pub(super) fn of(role: Role) -> BTreeMap<Self, Reach> {
        let all = TABLE.iter().map(|(_, _, permission, _)| (*permission, permission.reach(role)));
        all.filter(|(_, reach)| *reach != Reach::No).collect()
    }

    /// The roles that reach anything here.
    pub(super) fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.reach(*role) != Reach::No)
    }
}

/// Method, path as described, what it is for, whose it is.
type Row = (&'static str, &'static str, Permission, About);

/// Every route below `/api` that needs a bearer.
const TABLE: &[Row] = &[
    ("GET", "/api/openapi.json", Permission::Myself, About::Nothing),
    ("GET", "/api/v1/alarms", Permission::Alarms, About::Nothing),
    ("POST", "/api/v1/alarms/{id}/seen", Permission::AlarmsSeen, About::Nothing),
    ("GET", "/api/v1/audit", Permission::Audit, About::Nothing),
    ("GET", "/api/v1/calls", Permission::Live, About::Nothing),
    ("GET", "/api/v1/calls/{id}", Permission::Live, About::Nothing),
    ("POST", "/api/v1/calls/{id}/parties", Permission::Calls, About::Call),
    ("PATCH", "/api/v1/calls/{id}/parties/{party}", Permission::Calls, About::Call),
    ("DELETE", "/api/v1/calls/{id}/parties/{party}", Permission::Calls, About::Call),
    ("POST", "/api/v1/calls/{id}/parties/{party}/take-over", Permission::Calls, About::Call),
    ("GET", "/api/v1/calls/{id}/chains", Permission::Calls, About::Call),
    ("POST", "/api/v1/calls/{id}/chains/{name}", Permission::Calls, About::Call),
    ("POST", "/api/v1/calls/{id}/chain/taken", Permission::Calls, About::Call),
    ("POST", "/api/v1/calls/{id}/chain/next", Permission::Calls, About::Call),
    ("POST", "/api/v1/calls/{id}/chain/stop", Permission::Calls, About::Call),
    ("GET", "/api/v1/chains", Permission::Contacts, About::Nothing),
    ("GET", "/api/v1/contacts", Permission::Contacts, About::Nothing),
    ("POST", "/api/v1/calls/{id}/move", Permission::Queues, About::Call),
    // Whoever waits is nobody's yet: the handler looks whose the seat is.
    ("POST", "/api/v1/calls/{id}/pick-up", Permission::Calls, About::Nothing),
    ("POST", "/api/v1/calls/{id}/private", Permission::Calls, About::Call),
    ("GET", "/api/v1/calls/{id}/replay", Permission::Audio, About::Call),
    ("GET", "/api/v1/calls/{id}/text", Permission::Calls, About::Call),
    ("POST", "/api/v1/calls/{id}/text", Permission::Calls, About::Call),
    ("GET", "/api/v1/incidents", Permission::Records, About::Nothing),
    ("GET", "/api/v1/incidents/{id}", Permission::Records, About::Incident),
    // A record without a call is nobody's own: whoever may write makes one.
    ("POST", "/api/v1/incidents", Permission::Forms, About::Nothing),
    ("PATCH", "/api/v1/incidents/{id}", Permission::Forms, About::Incident),
    ("GET", "/api/v1/incidents/{id}/versions", Permission::Records, About::Incident),
    ("POST", "/api/v1/incidents/{id}/close", Permission::Forms, About::Incident),
    ("POST", "/api/v1/incidents/{id}/reopen", Permission::Forms, About::Incident),
    ("POST", "/api/v1/incidents/{id}/merge", Permission::Forms, About::Incident),
    ("POST", "/api/v1/incidents/{id}/unmerge", Permission::Forms, About::Incident),
    ("POST", "/api/v1/incidents/{id}/link", Permission::Forms, About::Incident),
    ("POST", "/api/v1/incidents/{id}/unlink", Permission::Forms, About::Incident),
    // Whoever reaches own calls only gets others' without personal data.
    ("GET", "/api/v1/events", Permission::Records, About::Nothing),
    ("GET", "/api/v1/categories", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/incidents/{id}/disposition", Permission::Judgement, About::Incident),
    ("GET", "/api/v1/incidents/{id}/eido", Permission::Records, About::Incident),
    ("GET", "/api/v1/incidents/{id}/ladder", Permission::Ladders, About::Incident),
    ("DELETE", "/api/v1/incidents/{id}/nuisance", Permission::Marks, About::Incident),
    ("GET", "/api/v1/incidents/{id}/recording", Permission::Audio, About::Incident),
    ("POST", "/api/v1/incidents/{id}/recording/hold", Permission::Holds, About::Incident),
    ("GET", "/api/v1/live", Permission::Live, About::Nothing),
    ("POST", "/api/v1/locations/aml-sms", Permission::Locations, About::Nothing),
    ("GET", "/api/v1/locations/unmatched", Permission::Live, About::Nothing),
    ("POST", "/api/v1/logout", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/incidents/{id}/hold", Permission::Holds, About::Incident),
    ("GET", "/api/v1/incidents/{id}/bundle", Permission::HandingOut, About::Incident),
    ("POST", "/api/v1/incidents/{id}/redacted", Permission::HandingOut, About::Incident),
    ("POST", "/api/v1/packs", Permission::HandingOut, About::Nothing),
    ("GET", "/api/v1/access-log", Permission::Custody, About::Nothing),
    ("GET", "/api/v1/retention/report", Permission::Custody, About::Nothing),
    ("GET", "/api/v1/marks", Permission::Marks, About::Nothing),
    ("GET", "/api/v1/me", Permission::Myself, About::Nothing),
    ("GET", "/api/v1/me/draft-key", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/me/lock", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/me/unlock", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/me/second-factor", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/me/second-factor/confirm", Permission::Myself, About::Nothing),
    ("POST", "/api/v1/me/second-factor/remove", Permission::Myself, About::Nothing),
    ("PUT", "/api/v1/me/password", Permission::Myself, About::Nothing),
    ("GET", "/api/v1/people", Permission::People, About::Nothing),
    ("POST", "/api/v1/people", Permission::People, About::Nothing),
    ("PATCH", "/api/v1/people/{name}", Permission::People, About::Nothing),
    ("PUT", "/api/v1/people/{name}/password", Permission::People, About::Nothing),
    ("DELETE", "/api/v1/people/{name}/second-factor", Permission::People, About::Nothing),
    ("DELETE", "/api/v1/people/{name}/sessions", Permission::People, About::Nothing),
    ("GET", "/api/v1/places", Permission::Myself, About::Nothing),
    ("GET", "/api/v1/places/outline", Permission::Myself, About::Nothing),
    ("GET", "/api/v1/prompts", Permission::Policy, About::Nothing),
    ("PUT", "/api/v1/prompts/{language}/{name}", Permission::PolicyChange, About::Nothing),
    ("DELETE", "/api/v1/prompts/{language}/{name}", Permission::PolicyChange, About::Nothing),
    ("GET", "/api/v1/prompts/{language}/{name}/audio", Permission::Policy, About::Nothing),
    ("GET", "/api/v1/proof", Permission::Proof, About::Nothing),
    ("POST", "/api/v1/proof/verify", Permission::Proof, About::Nothing),
    ("DELETE", "/api/v1/proof/verify", Permission::Proof, About::Nothing),
    ("GET", "/api/v1/queues", Permission::Live, About::Nothing),
    ("GET", "/api/v1/receivers", Permission::Receivers, About::Nothing),
    ("GET", "/api/v1/receivers/{name}/refused", Permission::Receivers, About::Nothing),
    ("POST", "/api/v1/receivers/{name}/refused/{id}/send", Permission::Resend, About::Nothing),
    ("GET", "/api/v1/reports/ciamis", Permission::Reports, About::Nothing),
    ("GET", "/api/v1/reports/hours", Permission::Reports, About::Nothing),
    ("GET", "/api/v1/reports/live", Permission::Live, About::Nothing),
    ("GET", "/api/v1/reports/national", Permission::Reports, About::Nothing),
    ("GET", "/api/v1/reports/staffing", Permission::Staffing, About::Nothing),
    ("GET", "/api/v1/reports/standards", Permission::Reports, About::Nothing),
    ("GET", "/api/v1/routing", Permission::Policy, About::Nothing),
    ("PUT", "/api/v1/routing", Permission::PolicyChange, About::Nothing),
    ("POST", "/api/v1/routing/diff", Permission::PolicyChange, About::Nothing),
    ("POST", "/api/v1/routing/dry-run", Permission::PolicyChange, About::Nothing),
    ("POST", "/api/v1/routing/rollback", Permission::PolicyChange, About::Nothing),
    ("POST", "/api/v1/routing/validate", Permission::PolicyChange, About::Nothing),
    ("GET", "/api/v1/routing/versions", Permission::Policy, About::Nothing),
    ("GET", "/api/v1/routing/versions/{number}", Permission::Policy, About::Nothing),
    ("GET", "/api/v1/seats", Permission::Live, About::Nothing),
    ("PUT", "/api/v1/seats/{id}/operator", Permission::Sit, About::Nothing),
    ("DELETE", "/api/v1/seats/{id}/operator", Permission::Seats, About::Seat),
    ("POST", "/api/v1/seats/{id}/phone", Permission::Phone, About::Seat),
    ("POST", "/api/v1/seats/{id}/status", Permission::Seats, About::Seat),
    ("POST", "/api/v1/seats/{id}/wrap-up", Permission::Seats, About::Seat),
    ("GET", "/api/v1/tokens", Permission::People, About::Nothing),
    ("POST", "/api/v1/tokens", Permission::People, About::Nothing),
    ("DELETE", "/api/v1/tokens/{name}", Permission::People, About::Nothing),
    ("GET", "/api/v1/trunks", Permission::Live, About::Nothing),
    ("GET", "/api/v1/work-list", Permission::WorkList, About::Nothing),
    // Those who are to be called back are nobody's: the handler looks whose the seat is.
    ("POST", "/api/v1/work-list/{id}/call", Permission::WorkList, About::Nothing),
    ("POST", "/api/v1/work-list/{id}/close", Permission::WorkList, About::Nothing),
];

/// The row of a route; HEAD is asked as GET.
pub(super) fn row(method: &str, path: &str) -> Option<(Permission, About)> {
    let method = if method == "HEAD" { "GET" } else { method };
    let found = TABLE.iter().find(|(known, at, ..)| *known == method && *at == path);
    found.map(|(.., permission, about)| (*permission, *about))
}

/// The methods that a path takes, as the Allow header lists them; empty for a path without a row.
pub(super) fn methods(path: &str) -> String {
    let mut methods = Vec::new();
    for (method, ..) in TABLE.iter().filter(|(_, at, ..)| *at == path) {
        methods.push(*method);
        methods.extend((*method == "GET").then_some("HEAD"));
    }
    methods.join(",")
}

/// Method and path of every row.
#[cfg(test)]
pub(super) fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(method, path, ..)| (*method, *path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_the_gateway_or_looks_at_others_hears_nothing() {
        for silent in [Role::Admin, Role::Auditor, Role::Dispatcher] {
            for permission in [Permission::Audio, Permission::Calls] {
                assert_eq!(permission.reach(silent), Reach::No, "{silent} {permission:?}");
            }
        }
        for permission in [Permission::Audio, Permission::Calls, Permission::Records] {
            assert_eq!(permission.reach(Role::CallTaker), Reach::Own, "{permission:?}");
            assert_eq!(permission.reach(Role::Supervisor), Reach::All, "{permission:?}");
        }
    }

    /// The row of the table for people, in config/README.md.
    const fn words(permission: Permission) -> Option<&'static str> {
        Some(match permission {
            // Everybody's.
            Permission::Myself => return None,
            Permission::Live => "live calls, queues, seats, trunks; places that belong to no call",
            Permission::Alarms => "alarms",
            Permission::AlarmsSeen => "taking an alarm as seen",
            Permission::Seats => "a seat's status and wrap-up, signing somebody out",
            Permission::Queues => "moving a caller who waits",
            Permission::Sit => "signing in to a seat",
            Permission::Phone => "being the phone of a seat",
            Permission::Calls => "picking up, bringing in, private talk, text of a call",
            Permission::WorkList => "those to call back",
            Permission::Records => {
                "incident records: reading, searching, versions, EIDO; the stream of events"
            }
            Permission::Forms => {
                "forms: writing, closing, merging, linking, a record without a call"
            }
            Permission::Ladders => "SIP messages of an incident",
            Permission::Judgement => "kind of call",
            Permission::Marks => "marks on numbers",
            Permission::Audio => "recordings",
            Permission::Holds => "holding an incident, or a recording, whatever its age",
            Permission::HandingOut => {
                "copies that leave the house: bundles, redacted copies, packs of a number"
            }
            Permission::Custody => {
                "how long what is kept, what was deleted, who looked at what (access log)"
            }
            Permission::Reports => "reports",
            Permission::Receivers => "receivers elsewhere: how far each was told, what it refused",
            Permission::Resend => "sending a refused letter again",
            Permission::Policy => "configuration: reading it, its versions",
            Permission::PolicyChange => "configuration: changing it, trying a change",
            Permission::Audit => "who did what (audit)",
            Permission::People => "people and tokens",
            Permission::Locations => "telling where a phone is (AML)",
        })
    }

    #[test]
    fn the_table_for_people_says_the_same() {
        let readme = include_str!("../../config/README.md");
        let table = readme.split("### Who may do what").nth(1).expect("the section");
        let table = table.split("\n\n").nth(1).expect("its table");
        let rows: BTreeMap<&str, Vec<&str>> = table
            .lines()
            .skip(2)
            .map(|line| {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                (cells[0], cells[1..].to_vec())
            })
            .collect();
        let mut wanted = BTreeMap::new();
        for (_, _, permission, _) in TABLE {
            let cell = |role: Role| match permission.reach(role) {
                Reach::No => "",
                Reach::Own => "own",
                Reach::All => "yes",
            };
            let roles =
                [Role::CallTaker, Role::Supervisor, Role::Dispatcher, Role::Admin, Role::Auditor];
            if let Some(words) = words(*permission) {
                wanted.insert(words, roles.map(cell).to_vec());
            }
        }
        assert_eq!(rows, wanted, "config/README.md, and src/console/permissions.rs");
    }

    #[test]
    fn no_route_has_two_rows() {
        let mut all: Vec<_> = routes().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
