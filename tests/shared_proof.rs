//! What `siaga112 verify` can say of a database that two nodes share: each node's own rows, what both of
//! them have made, and rows that neither can have written. PostgreSQL throughout.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use siaga112::incident::{Arrival, Changes, Edit, Field, Opened, Origin, Tie, Value};
use siaga112::journal::retention::{Erased, Hold};
use siaga112::journal::{Entry, Fact};
use siaga112::screening::{Disposition, WorkId, WorkKind, WorkOutcome};
use siaga112::store::{JournalWriter, StorageSettings, Store};
use siaga112::vocabulary::{
    CallId, Cause, Ending, IncidentId, Party, Private, Stage, Uid, WallTime,
};
use support::postgres::Postgres;
use tempfile::TempDir;

/// 2026-09-17T05:00:00Z.
const BASE: i64 = 1_789_621_200_000_000;
const HOUR: i64 = 3_600_000_000;

const fn at(seconds: i64) -> WallTime {
    WallTime(BASE + seconds * 1_000_000)
}

fn call(n: u32) -> CallId {
    CallId(Uid::new(at(i64::from(n)), n))
}

fn incident(n: u32) -> IncidentId {
    IncidentId(call(n).0)
}

fn number(n: u32) -> Private<String> {
    Private::new(format!("+62812000{n:04}"))
}

/// A caller who left.
fn left(n: u32) -> Vec<(i64, Fact)> {
    let mut arrival = Arrival { dialled: "112".into(), ..Arrival::default() };
    arrival.caller.phone.raw = number(n);
    arrival.caller.phone.e164 = Some(number(n));
    let (trunk, source) = ("telkom".into(), "udp:198.51.100.7:5060".into());
    let arrival = Box::new(arrival);
    let (call, incident) = (call(n), incident(n));
    let ending =
        Ending { stage: Stage::Waiting, by: Party::Caller, cause: Cause::Cancelled, q850: None };
    let n = i64::from(n);
    vec![
        (n, Fact::Arrived { call, incident, trunk, source, arrival }),
        (n + 4, Fact::Ended { call, ending, caller_packets: None, seat_packets: None }),
    ]
}

fn edit(n: u32, by: &str, said: &[(Field, &str)]) -> Fact {
    let value = |text: &str| Some(Value::Text(Private::new(text.to_owned())));
    let changes: Changes = said.iter().map(|(field, text)| (field.clone(), value(text))).collect();
    Fact::IncidentEdited(Box::new(Edit {
        incident: incident(n),
        by: by.into(),
        saw: 0,
        changes,
        version: 0,
    }))
}

fn wrote(n: u32, text: &str) -> Fact {
    let (began, text) = (at(i64::from(n)), Private::new(text.to_owned()));
    Fact::TextWritten { call: call(n), by: Party::Caller, name: String::new(), began, text }
}

fn marked(n: u32, by: &str) -> Fact {
    let until = WallTime(BASE + 48 * HOUR);
    Fact::NumberMarked { number: number(n), call: call(n), until, by: by.into() }
}

fn held(n: u32, held: bool, by: &str) -> Fact {
    let (call, incident) = (call(n), incident(n));
    let (by, why) = (by.into(), "asked for by a court".into());
    Fact::IncidentHeld(Box::new(Hold { call, incident, held, by, why, until: None }))
}

/// A node: its journal, and its place in the database.
struct Node {
    dir: TempDir,
    settings: StorageSettings,
}

impl Node {
    fn new(url: &str, name: &str) -> Self {
        let settings = StorageSettings { node: name.to_owned(), ..StorageSettings::at(url) };
        Self { dir: tempfile::tempdir().expect("a folder"), settings }
    }

    /// Writes facts, each at its second, and brings the database up to date.
    async fn says(&self, facts: impl IntoIterator<Item = (i64, Fact)>) {
        let journal = self.dir.path().join("journal");
        let (writer, _) = JournalWriter::open(&journal).expect("opens");
        let handle = writer.start(|_| {}).expect("starts");
        for (seconds, fact) in facts {
            handle.append(0, Entry { at: at(seconds), fact });
        }
        assert_eq!(handle.stop(), 0);
        self.store().catch_up(&journal).await.expect("catches up");
    }

    fn store(&self) -> Store {
        Store::open(&self.settings).expect("an address")
    }

    /// What is not as it should be, and the notes.
    async fn verify(&self) -> (Vec<String>, String) {
        let work = tempfile::tempdir().expect("a folder");
        let journal = self.dir.path().join("journal");
        let found = self.store().compare(&journal, work.path(), 20, None).await.expect("compared");
        assert!(found.rows > 10, "{}", found.rows);
        let told = found.differences.iter().map(|it| format!("{}: {}", it.place, it.why));
        let told: Vec<String> = told.collect();
        assert_eq!(found.total > 0, !told.is_empty());
        (told, found.notes.join("; "))
    }
}

/// Two nodes that have written of each other's calls.
struct Pair {
    server: Postgres,
    one: Node,
    other: Node,
}

impl Pair {
    async fn start() -> Self {
        let server = Postgres::start();
        let url = server.database("shared");
        let (one, other) = (Node::new(&url, "gw1"), Node::new(&url, "gw2"));
        one.says((1..=6).flat_map(left)).await;
        other.says((21..=26).flat_map(left)).await;
        Self { server, one, other }
    }

    /// Both write of calls of both, in turn.
    #[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
    async fn write(&self) {
        let (work, attempt) = (WorkId(Uid::new(at(100), 1)), call(90));
        self.one
            .says([
                (100, edit(1, "ani", &[(Field::Text, "api di dapur"), (Field::Category, "fire")])),
                (101, edit(21, "ani", &[(Field::CallerName, "Bu Siti")])),
                (102, marked(2, "ani")),
                (103, marked(22, "ani")),
                (104, held(3, true, "ani")),
                (
                    105,
                    Fact::Disposed {
                        call: call(4),
                        disposition: Disposition::Prank,
                        by: "ani".into(),
                    },
                ),
                (
                    106,
                    Fact::WorkOpened {
                        work,
                        call: call(5),
                        kind: WorkKind::Abandoned,
                        number: Some(number(5)),
                    },
                ),
                (107, Fact::WorkTried { work, attempt, seat: "seat-1".into(), by: "ani".into() }),
                (108, Fact::WorkTriedEnded { work, attempt, outcome: WorkOutcome::NoAnswer }),
                // A call that a seat dials has no record of its own; its words are found all the same.
                (109, wrote(90, "halo dari 112")),
            ])
            .await;
        let tie = Tie {
            version: 0,
            incident: incident(23),
            other: incident(6),
            by: "budi".into(),
            why: Private::new("satu kebakaran".into()),
        };
        self.other
            .says([
                (
                    110,
                    edit(
                        1,
                        "budi",
                        &[(Field::Address, "Jl. Trunojoyo 5"), (Field::Category, "medical")],
                    ),
                ),
                (111, marked(1, "budi")),
                (112, Fact::NumberCleared { number: number(22), by: "budi".into() }),
                (113, held(3, false, "budi")),
                (114, held(2, true, "budi")),
                (
                    115,
                    Fact::Disposed {
                        call: call(4),
                        disposition: Disposition::Ghost,
                        by: "budi".into(),
                    },
                ),
                (116, Fact::IncidentMerged(Box::new(tie))),
                (
                    117,
                    Fact::IncidentOpened(Box::new(Opened {
                        version: 0,
                        incident: incident(50),
                        origin: Origin::WalkIn,
                        by: "budi".into(),
                        operator: None,
                        emergency_incident_id: None,
                        changes: Changes::default(),
                    })),
                ),
            ])
            .await;
    }

    fn sql(&self, sql: &str) {
        self.server.ask("postgres", &format!("SET search_path = shared; {sql}")).expect("changed");
    }

    /// What each of the two finds when the database was changed so.
    async fn after(&self, change: &str, back: &str) -> [String; 2] {
        self.sql(change);
        let told = [self.one.verify().await.0.join("\n"), self.other.verify().await.0.join("\n")];
        self.sql(back);
        told
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one change after the other")]
async fn what_several_nodes_write_is_judged_as_far_as_their_journals_tell() {
    let pair = Pair::start().await;
    pair.write().await;
    for node in [&pair.one, &pair.other] {
        let (told, note) = node.verify().await;
        assert_eq!(told, Vec::<String>::new());
        assert!(note.contains("of 3 records"), "{note}");
    }
    let nobody = ["", ""];
    // A row and what it is to say; which of the two finds it.
    for (change, back, found) in [
        // The list to call back is its node's.
        (
            "UPDATE work SET kind = 'dropped'",
            "UPDATE work SET kind = 'abandoned'",
            ["table work work", ""],
        ),
        (
            "UPDATE work_attempt SET outcome = 'answered'",
            "UPDATE work_attempt SET outcome = 'no-answer'",
            ["table work_attempt attempt", ""],
        ),
        (
            "UPDATE work SET closed_at = 1, why = 'x'",
            "UPDATE work SET closed_at = NULL, why = NULL",
            ["closed_at, why not what the journal says", ""],
        ),
        // A mark is whose node set it last.
        (
            "UPDATE mark SET until = until + 1 WHERE by = 'ani'",
            "UPDATE mark SET until = until - 1 WHERE by = 'ani'",
            ["until not what the journal says", "knows no such row"],
        ),
        (
            "UPDATE mark SET until = until + 1 WHERE by = 'budi'",
            "UPDATE mark SET until = until - 1 WHERE by = 'budi'",
            ["knows no such row", "until not what the journal says"],
        ),
        (
            "INSERT INTO mark SELECT '+62813', call, at, until, by, 1 FROM mark WHERE by = 'ani'",
            "DELETE FROM mark WHERE number = '+62813'",
            ["table mark", "table mark"],
        ),
        (
            "UPDATE mark SET number = 'x' WHERE by = 'ani'",
            "UPDATE mark SET number = '+628120000002' WHERE number = 'x'",
            ["the row is missing", "knows no such row"],
        ),
        // A hold is whose node said it last; one that was let go does not come back.
        (
            "UPDATE hold SET by = 'x'",
            "UPDATE hold SET by = 'budi'",
            ["table hold", "by not what the journal says"],
        ),
        (
            "INSERT INTO hold SELECT incident.id, 1, 'ani', 'x', NULL FROM incident WHERE call = 'CALL3'",
            "DELETE FROM hold WHERE at = 1",
            ["table hold", "table hold"],
        ),
        // What both wrote of a record.
        (
            "UPDATE form SET text = 'tidak ada apa' WHERE text LIKE 'api%'",
            "UPDATE form SET text = 'api di dapur' WHERE text LIKE 'tidak%'",
            ["text not what the journal says", "text not what the journal says"],
        ),
        (
            "UPDATE form SET merged_into = NULL WHERE incident = 'CALL23'",
            "UPDATE form SET merged_into = 'CALL6' WHERE incident = 'CALL23'",
            ["", "merged_into not what"],
        ),
        (
            "UPDATE words SET form = 'x' WHERE incident = 'CALL21'",
            "UPDATE words SET form = 'bu siti' WHERE incident = 'CALL21'",
            ["table words", "table words"],
        ),
        (
            "UPDATE record_step SET entry = replace(entry, 'Siti', 'Sita') WHERE incident = 'CALL21'",
            "UPDATE record_step SET entry = replace(entry, 'Sita', 'Siti') WHERE incident = 'CALL21'",
            ["table record_step", "table form"],
        ),
        // A record's category and kind are what one of the two said last.
        (
            "UPDATE incident SET category = 'fire' WHERE call = 'CALL1'",
            "UPDATE incident SET category = 'medical' WHERE call = 'CALL1'",
            nobody,
        ),
        (
            "UPDATE incident SET category = 'crime' WHERE call = 'CALL1'",
            "UPDATE incident SET category = 'medical' WHERE call = 'CALL1'",
            ["category not what the journal says", ""],
        ),
        (
            "UPDATE incident SET disposed_by = 'x' WHERE call = 'CALL4'",
            "UPDATE incident SET disposed_by = 'budi' WHERE call = 'CALL4'",
            ["disposed_by", ""],
        ),
        (
            "UPDATE incident SET record_erased_at = 1 WHERE call = 'CALL4'",
            "UPDATE incident SET record_erased_at = NULL WHERE call = 'CALL4'",
            ["record_erased_at not what", ""],
        ),
        // Rows that neither can have written.
        (
            "INSERT INTO step SELECT 9, seq, call, entry FROM step WHERE seq = 1 AND node = 1",
            "DELETE FROM step WHERE node = 9",
            ["no node with the number 9", "no node with the number 9"],
        ),
        (
            "INSERT INTO audit VALUES (2, 900, 1, 'budi', 'record edited', 'x')",
            "DELETE FROM audit WHERE seq = 900",
            ["behind the last line that came from node", "behind the last line"],
        ),
        (
            "INSERT INTO number_key VALUES ('0812', 'x')",
            "DELETE FROM number_key WHERE call = 'x'",
            [
                "table number_key, 1 rows: no node writes",
                "table number_key, 1 rows: no node writes",
            ],
        ),
        (
            "INSERT INTO form (incident, version, state, changed_at, changed_by) VALUES ('x', 1, 'open', 1, 'x')",
            "DELETE FROM form WHERE incident = 'x'",
            ["table form, 1 rows: no node writes", "table form, 1 rows: no node writes"],
        ),
        (
            "INSERT INTO work_call VALUES ('x', 'x')",
            "DELETE FROM work_call WHERE call = 'x'",
            ["table work_call, 1 rows", "table work_call, 1 rows"],
        ),
    ] {
        let named = |sql: &str| {
            [1, 3, 4, 6, 21, 23].iter().fold(sql.to_owned(), |sql, n| {
                sql.replace(&format!("'CALL{n}'"), &format!("'{}'", call(*n)))
            })
        };
        let told = pair.after(&named(change), &named(back)).await;
        for (told, wanted) in told.iter().zip(found) {
            assert_eq!(wanted.is_empty(), told.is_empty(), "{change}\n{told}");
            assert!(told.contains(wanted), "{change}\nwanted {wanted}\n{told}");
        }
    }
    for node in [&pair.one, &pair.other] {
        assert_eq!(node.verify().await.0, Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_one_node_erased_is_missed_by_no_other_and_what_is_written_after_it_counts() {
    let pair = Pair::start().await;
    pair.write().await;
    let erased = |n: u32, also: &[CallId]| {
        let (call, incident) = (call(n), incident(n));
        let (also, ground) = (also.to_vec(), "pasal 42".to_owned());
        let erased = Erased { call, incident, record: true, trace: true, also, ground };
        Fact::PersonalErased(Box::new(erased))
    };
    // The keys of this test's journals stay: what counts here is the database.
    pair.other.says([(200, erased(21, &[])), (201, erased(22, &[])), (202, erased(23, &[]))]).await;
    pair.one
        .says([(210, erased(1, &[])), (211, erased(4, &[])), (212, erased(5, &[call(90)]))])
        .await;
    pair.other.says([(220, edit(1, "budi", &[(Field::Address, "Jl. Diponegoro")]))]).await;
    for node in [&pair.one, &pair.other] {
        let (told, _) = node.verify().await;
        assert_eq!(told, Vec::<String>::new());
    }
    // What was written in a call back goes with the record of whoever was called.
    let words = format!("SELECT count(*) FROM shared.words WHERE incident = '{}'", call(90));
    assert_eq!(pair.server.ask("postgres", &words).as_deref(), Ok("0"));
    // A step that says nothing of the caller stays, and is missed.
    pair.sql(&format!(
        "DELETE FROM step WHERE call = '{}' AND entry LIKE '%disposed%budi%'",
        call(4)
    ));
    let (told, _) = pair.other.verify().await;
    assert!(told.len() == 1 && told[0].contains("table step"), "{told:?}");
    // And one that was written after the erasure.
    pair.sql(&format!("DELETE FROM record_step WHERE incident = '{}'", incident(1)));
    let (told, _) = pair.other.verify().await;
    assert!(told.iter().any(|told| told.contains("table record_step")), "{told:?}");
}
