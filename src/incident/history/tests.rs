//! Editors who meet, and the ways of a record.

use super::super::edit::{Closing, Edit, Opened, Reopening, Tie};
use super::*;
use crate::vocabulary::Uid;

fn id(n: u32) -> IncidentId {
    IncidentId(Uid::new(WallTime(1_000), n))
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(Private::new(text.to_owned())))
}

fn edit(by: &str, saw: u64, pairs: &[(Field, &str)]) -> Edit {
    let changes = pairs.iter().map(|(field, value)| (field.clone(), text(value))).collect();
    Edit { incident: id(1), by: by.into(), saw, changes, version: 0 }
}

fn tie(of: u32, other: u32) -> Tie {
    let why = Private::new("one fire".to_owned());
    Tie { incident: id(of), other: id(other), by: "siti".into(), why, version: 0 }
}

#[test]
fn different_fields_go_together_and_the_same_field_is_told() {
    let mut record = Record::new(id(1));
    let first = edit("siti", 0, &[(Field::Text, "fire"), (Field::Desa, "Pabian")]);
    record.follow(10, WallTime(1), Step::Edited(&first));
    // Budi saw nothing yet: his field is another one.
    let budi = edit("budi", 0, &[(Field::Landmark, "masjid")]);
    assert!(record.conflicts(budi.saw, &budi.changes).is_empty());
    record.follow(11, WallTime(2), Step::Edited(&budi));
    assert_eq!((record.version, record.form.0.len()), (11, 3));
    // Rani saw version 10 and writes what Budi wrote meanwhile, and a field that nobody touched since.
    let rani = edit("rani", 10, &[(Field::Landmark, "pasar"), (Field::Text, "big fire")]);
    let conflicts = record.conflicts(rani.saw, &rani.changes);
    assert_eq!(conflicts.len(), 1);
    let conflict = &conflicts[0];
    assert_eq!((conflict.by.as_str(), conflict.version), ("budi", 11));
    assert_eq!((&conflict.yours, &conflict.theirs), (&text("pasar"), &text("masjid")));
    // The same words are no conflict.
    let same = edit("rani", 10, &[(Field::Landmark, "masjid")]);
    assert!(record.conflicts(same.saw, &same.changes).is_empty());
    // A field that was cleared meanwhile is one.
    let cleared = Edit { changes: Changes::from([(Field::Desa, None)]), ..edit("budi", 11, &[]) };
    record.follow(12, WallTime(3), Step::Edited(&cleared));
    let back = edit("rani", 11, &[(Field::Desa, "Pabian")]);
    assert_eq!(record.conflicts(back.saw, &back.changes)[0].theirs, None);
    assert!(record.conflicts(12, &back.changes).is_empty());
}

#[test]
fn a_version_is_more_than_what_was_seen_whatever_the_clock_says() {
    let mut record = Record::new(id(1));
    assert_eq!(record.next_version(WallTime(50)), 50);
    record.follow(70, WallTime(70), Step::Edited(&edit("siti", 0, &[(Field::Desa, "A")])));
    assert_eq!(record.next_version(WallTime(60)), 71);
}

#[test]
fn a_record_is_closed_and_opened_again_with_names() {
    let mut record = Record::new(id(1));
    let opened = Opened {
        incident: id(1),
        origin: Origin::WalkIn,
        by: "siti".into(),
        operator: None,
        emergency_incident_id: None,
        changes: Changes::new(),
        version: 0,
    };
    record.follow(1, WallTime(1), Step::Opened(&opened));
    assert_eq!((record.origin, record.state()), (Origin::WalkIn, "open"));
    let changes = Changes::from([(Field::Result, text("api padam"))]);
    let closing = Closing { incident: id(1), by: "rani".into(), changes, version: 0 };
    record.follow(2, WallTime(2), Step::Closed(&closing));
    assert_eq!(record.state(), "closed");
    assert_eq!(record.form.text(&Field::Result), Some("api padam"));
    assert_eq!(record.is_open(), Err(Shut::Closed { by: "rani".into() }));
    let why = Private::new("menyala lagi".to_owned());
    let again = Reopening { incident: id(1), by: "budi".into(), why, version: 0 };
    record.follow(3, WallTime(3), Step::Reopened(&again));
    assert_eq!((record.state(), record.is_open()), ("open", Ok(())));
}

#[test]
fn both_records_know_what_ties_them_until_it_is_taken_back() {
    let (mut one, mut two) = (Record::new(id(1)), Record::new(id(2)));
    for record in [&mut one, &mut two] {
        record.follow(5, WallTime(5), Step::Merged(&tie(1, 2)));
        record.follow(6, WallTime(6), Step::Linked(&tie(2, 3)));
    }
    assert_eq!((one.state(), two.state()), ("merged", "open"));
    assert_eq!(one.is_open(), Err(Shut::Merged { into: id(2) }));
    assert_eq!(two.merged.iter().map(|t| t.incident).collect::<Vec<_>>(), [id(1)]);
    assert!(one.links.is_empty(), "that is between others");
    assert_eq!(two.links[0].incident, id(3));
    for record in [&mut one, &mut two] {
        record.follow(7, WallTime(7), Step::Unmerged(&tie(1, 2)));
        // Said from the other side.
        record.follow(8, WallTime(8), Step::Unlinked(&tie(3, 2)));
    }
    assert_eq!(one.state(), "open");
    assert!(two.merged.is_empty() && two.links.is_empty());
}
