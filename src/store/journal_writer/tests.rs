//! The writer against real files: torn tails at every byte, disks that fail and come back.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::mpsc::Receiver;

use super::*;
use crate::journal::Line;
use crate::store::journal_file::{read_from, segment_name, verify};

fn alarm(n: u64) -> Entry {
    let name = format!("alarm-{n}");
    Entry { at: WallTime(0), fact: Fact::Alarm { name, detail: "d".repeat(20) } }
}

fn start(folder: &Path, bounds: Bounds) -> (JournalHandle, Receiver<JournalReport>) {
    let (mut writer, _) = JournalWriter::open(folder).expect("opens");
    writer.bounds = bounds;
    let (reports, seen) = mpsc::channel();
    let report = move |report| {
        let _ = reports.send(report);
    };
    (writer.start(report).expect("starts"), seen)
}

fn until_durable(seen: &Receiver<JournalReport>, wanted: u64) -> Vec<JournalReport> {
    let mut reports = Vec::new();
    loop {
        let report = seen.recv().expect("the writer reports");
        let done = matches!(report, JournalReport::Durable { ticket } if ticket >= wanted);
        reports.push(report);
        if done {
            return reports;
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let name = |line: Line| match line.entry.map(|entry| entry.fact) {
        Some(Fact::Alarm { name, .. }) => name,
        other => format!("{other:?}"),
    };
    read_from(folder, 1).map(|line| name(line.expect("reads"))).collect()
}

#[test]
fn entries_are_durable_in_order_and_the_next_writer_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("journal");
    for round in 0..3u64 {
        let (handle, seen) = start(&folder, Bounds::default());
        assert_eq!(*handle.durable().borrow(), round * 5);
        assert!(matches!(JournalWriter::open(&folder), Err(JournalError::InUse { .. })));
        (1..=5).for_each(|n| handle.append(n, alarm(round * 5 + n)));
        until_durable(&seen, 5);
        assert_eq!((handle.waiting(), *handle.durable().borrow()), (0, round * 5 + 5));
        assert_eq!(handle.stop(), 0);
        assert_eq!(handle.stop(), 0);
    }
    let report = verify(&folder).expect("verifies");
    assert!(report.holds() && !report.torn, "{report:?}");
    assert_eq!((report.segments, report.first_seq, report.last_seq), (1, 1, 15));
    let wanted: Vec<String> = (1..=15).map(|n| format!("alarm-{n}")).collect();
    assert_eq!(names(&folder), wanted);
}

#[test]
fn a_journal_cut_at_any_byte_of_its_last_two_lines_is_repaired() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = dir.path().join("whole");
    let (handle, _seen) = start(&whole, Bounds::default());
    (1..=4).for_each(|n| handle.append(n, alarm(n)));
    assert_eq!(handle.stop(), 0);
    let bytes = fs::read(whole.join(segment_name(1))).expect("a segment");
    let ends: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    for cut in ends[1]..=bytes.len() {
        let folder = dir.path().join(format!("cut-{cut}"));
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join(segment_name(1)), &bytes[..cut]).expect("writes");
        let left = ends.iter().filter(|end| **end <= cut).count() as u64;
        let (writer, recovered) = JournalWriter::open(&folder).expect("opens");
        assert_eq!(recovered.next_seq, left + 1, "cut at {cut}");
        assert_eq!(recovered.torn, !ends.contains(&cut), "cut at {cut}");
        let handle = writer.start(|_| {}).expect("starts");
        handle.append(1, alarm(9));
        assert_eq!(handle.stop(), 0);
        let report = verify(&folder).expect("verifies");
        assert!(report.holds() && report.last_seq == left + 1, "cut at {cut}: {report:?}");
    }
}

#[test]
fn a_segment_without_a_whole_line_is_removed_and_the_one_before_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let small = Bounds { segment_bytes: 1, ..Bounds::default() };
    let (handle, seen) = start(dir.path(), small);
    for n in 1..=3 {
        handle.append(n, alarm(n));
        until_durable(&seen, n);
    }
    assert_eq!(handle.stop(), 0);
    let last = dir.path().join(segment_name(3));
    fs::write(&last, b"{\"seq\":3,").expect("writes");
    let (handle, _seen) = start(dir.path(), Bounds::default());
    handle.append(1, alarm(33));
    assert_eq!(handle.stop(), 0);
    assert!(!last.exists());
    assert_eq!(names(dir.path()), ["alarm-1", "alarm-2", "alarm-33"]);
    assert!(verify(dir.path()).expect("verifies").holds());
}

#[test]
fn an_edited_line_is_found_with_its_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let small = Bounds { segment_bytes: 1, ..Bounds::default() };
    let (handle, seen) = start(dir.path(), small);
    for n in 1..=4 {
        handle.append(n, alarm(n));
        until_durable(&seen, n);
    }
    assert_eq!(handle.stop(), 0);
    let second = dir.path().join(segment_name(2));
    let text = fs::read_to_string(&second).expect("reads").replace("alarm-2", "alarm-7");
    fs::write(&second, text).expect("writes");
    let report = verify(dir.path()).expect("verifies");
    assert_eq!((report.entries, report.faults_total), (4, 1));
    let fault = &report.faults[0];
    assert_eq!((fault.segment.as_str(), fault.line), ("0000000000000003.jsonl", 1));
    assert!(fault.why.contains("before it was changed"), "{fault:?}");
}

#[test]
fn a_full_disk_is_reported_once_and_nothing_is_lost_when_it_is_mended() {
    let dir = tempfile::tempdir().expect("a folder");
    let bounds = Bounds { retry: Duration::from_millis(5), ..Bounds::default() };
    let (handle, seen) = start(dir.path(), bounds);
    let segment = dir.path().join(segment_name(1));
    symlink("/dev/full", &segment).expect("a link");
    handle.append(1, alarm(1));
    let failed = seen.recv().expect("a report");
    assert!(
        matches!(&failed, JournalReport::Failed { why } if why.contains("No space left")),
        "{failed:?}"
    );
    (2..=20).for_each(|n| handle.append(n, alarm(n)));
    fs::remove_file(&segment).expect("mended");
    let mut reports = until_durable(&seen, 20);
    assert_eq!(handle.stop(), 0);
    reports.extend(seen.try_iter());
    assert!(!reports.iter().any(|r| matches!(r, JournalReport::Failed { .. })), "{reports:?}");
    assert!(reports.contains(&JournalReport::Recovered { dropped: 0 }), "{reports:?}");
    assert_eq!(names(dir.path()).len(), 20);
    assert!(verify(dir.path()).expect("verifies").holds());
}

#[test]
fn a_folder_that_becomes_a_file_fails_and_what_is_held_is_bounded_and_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("journal");
    let bounds = Bounds { segment_bytes: 1, held_bytes: 1_000, retry: Duration::from_millis(5) };
    let (handle, seen) = start(&folder, bounds);
    handle.append(1, alarm(1));
    until_durable(&seen, 1);
    let aside = dir.path().join("aside");
    fs::rename(&folder, &aside).expect("moved");
    fs::write(&folder, b"no folder").expect("a file");
    handle.append(2, alarm(2));
    assert!(matches!(seen.recv(), Ok(JournalReport::Failed { .. })));
    (3..=100).for_each(|n| handle.append(n, alarm(n)));
    while handle.waiting() > 20 {
        std::thread::yield_now();
    }
    fs::remove_file(&folder).expect("mended");
    fs::rename(&aside, &folder).expect("moved back");
    until_durable(&seen, 100);
    assert_eq!(handle.stop(), 0);
    let dropped = seen.try_iter().find_map(|report| match report {
        JournalReport::Recovered { dropped } => Some(dropped),
        _ => None,
    });
    let dropped = dropped.expect("recovered");
    assert!(dropped >= 80, "{dropped}");
    let names = names(&folder);
    assert_eq!(names[..2], ["alarm-1", "journal-gap"]);
    assert_eq!(
        (names.last().map(String::as_str), names.len() as u64),
        (Some("alarm-100"), 101 - dropped)
    );
    assert!(verify(&folder).expect("verifies").holds());
}

#[test]
fn what_a_failed_write_left_behind_is_cut_off_before_the_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut tail, _) = Tail::open(dir.path()).expect("opens");
    let (one, two) = (chain::body(&alarm(1)), chain::body(&alarm(2)));
    tail.write([one.as_slice()].into_iter(), SEGMENT_BYTES).expect("writes");
    let flush = tail.flush().expect("something is written");
    flush.run().expect("flushes");
    tail.flushed(&flush.mark);
    let path = tail.segment.as_ref().expect("a segment").path.clone();
    tail.rewind(false);
    let mut file = File::options().append(true).open(path).expect("opens");
    file.write_all(&b"{\"seq\":2,\"prev\":\"half a li".repeat(100)).expect("writes");
    tail.write([two.as_slice()].into_iter(), SEGMENT_BYTES).expect("writes");
    assert_eq!(names(dir.path()), ["alarm-1", "alarm-2"]);
    let report = verify(dir.path()).expect("verifies");
    assert!(report.holds() && !report.torn, "{report:?}");
}

#[test]
fn a_deleted_segment_is_noticed_and_the_next_entries_have_a_new_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let bounds = Bounds { retry: Duration::from_millis(5), ..Bounds::default() };
    let (handle, seen) = start(dir.path(), bounds);
    handle.append(1, alarm(1));
    until_durable(&seen, 1);
    fs::remove_file(dir.path().join(segment_name(1))).expect("deleted");
    handle.append(2, alarm(2));
    let reports = until_durable(&seen, 2);
    assert!(matches!(&reports[0], JournalReport::Failed { why } if why.contains("deleted")));
    assert_eq!(handle.stop(), 0);
    assert_eq!(names(dir.path()), ["alarm-2"]);
}

#[test]
fn a_reader_that_stands_at_the_end_goes_on_into_new_segments() {
    let dir = tempfile::tempdir().expect("a folder");
    let small = Bounds { segment_bytes: 300, ..Bounds::default() };
    let (handle, seen) = start(dir.path(), small);
    let mut reader = read_from(dir.path(), 1);
    for n in 1..=20 {
        assert!(reader.batch(u64::MAX, 10).expect("reads").is_empty());
        handle.append(n, alarm(n));
        until_durable(&seen, n);
        let lines = reader.batch(n, 10).expect("reads");
        assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [n]);
    }
    assert_eq!(handle.stop(), 0);
    assert!(segments(dir.path()).expect("lists").len() > 3);
    let from_7: Vec<u64> = read_from(dir.path(), 7).map(|line| line.expect("reads").seq).collect();
    assert_eq!(from_7, (7..=20).collect::<Vec<_>>());
}

#[test]
fn a_reader_forgets_what_it_read_ahead_of_the_durable_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut tail, _) = Tail::open(dir.path()).expect("opens");
    let before = tail.chain;
    let [one, two, other] = [1, 2, 3].map(|n| chain::body(&alarm(n)));
    tail.write([one.as_slice(), &two].into_iter(), SEGMENT_BYTES).expect("writes");
    let mut reader = read_from(dir.path(), 1);
    assert_eq!(reader.batch(1, 10).expect("reads").len(), 1);
    let (mut chain, mut bytes) = (before, Vec::new());
    [&one, &other].iter().for_each(|body| chain.seal(body, &mut bytes));
    fs::write(dir.path().join(segment_name(1)), bytes).expect("writes");
    let lines = reader.batch(2, 10).expect("reads");
    assert_eq!(lines[0].entry, Some(alarm(3)));
}

#[test]
fn a_folder_that_cannot_be_opened_is_waited_for_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let parent = dir.path().join("data");
    fs::write(&parent, "not a folder").expect("writes");
    let folder = parent.join("journal");
    assert!(matches!(JournalWriter::open(&folder), Err(JournalError::Io { .. })));
    let mut writer = JournalWriter::later(&folder);
    writer.bounds = Bounds { retry: Duration::from_millis(1), ..Bounds::default() };
    let (reports, seen) = mpsc::channel();
    let report = move |report| {
        let _ = reports.send(report);
    };
    let handle = writer.start(report).expect("starts");
    handle.append(1, alarm(1));
    let first = seen.recv().expect("a report");
    assert!(
        matches!(&first, JournalReport::Failed { why } if why.contains("journal")),
        "{first:?}"
    );
    handle.append(2, alarm(2));
    fs::remove_file(&parent).expect("removed");
    // Told once, however often it was tried.
    assert_eq!(until_durable(&seen, 2).len(), 1);
    assert_eq!(seen.recv(), Ok(JournalReport::Recovered { dropped: 0 }));
    handle.append(3, alarm(3));
    assert_eq!(handle.stop(), 0);
    assert_eq!((*handle.durable().borrow(), handle.waiting()), (3, 0));
    assert!(verify(&folder).expect("verifies").holds());
    assert_eq!(names(&folder), ["alarm-1", "alarm-2", "alarm-3"]);
}

type Report = Box<dyn Fn(JournalReport)>;

/// A writer whose disk is the test: what it wants to be flushed, and a way to hand work in.
fn by_hand(folder: &Path, bounds: Bounds) -> (Writer<Report>, Receiver<Job>, mpsc::Sender<Work>) {
    let (mut writer, _) = JournalWriter::open(folder).expect("opens");
    writer.bounds = bounds;
    let (work, inbox) = mpsc::channel();
    let (jobs, todo) = mpsc::channel();
    let (durable, waiting) = (watch::channel(0).0, Arc::new(AtomicU64::new(1000)));
    (Writer::new(writer, (inbox, jobs), durable, waiting, Box::new(|_| {})), todo, work)
}

fn hold(writer: &mut Writer<Report>, ticket: u64, entry: &Entry) {
    writer.hold(Held::of(ticket, entry, None));
}

/// Writes what is held, and begins to flush it where that can be.
fn go_on(writer: &mut Writer<Report>) {
    writer.write();
    writer.flush();
}

fn flushes(todo: &Receiver<Job>) -> usize {
    todo.try_iter().filter(|job| matches!(job, Job::Flush(_))).count()
}

#[test]
fn what_is_handed_in_while_the_disk_flushes_is_written_and_safe_with_the_next_flush() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, todo, _work) = by_hand(dir.path(), Bounds::default());
    hold(&mut writer, 1, &alarm(1));
    go_on(&mut writer);
    (2..=3).for_each(|n| hold(&mut writer, n, &alarm(n)));
    go_on(&mut writer);
    assert_eq!(flushes(&todo), 1, "one at a time");
    // A process that is killed now leaves all three.
    assert_eq!(names(dir.path()), ["alarm-1", "alarm-2", "alarm-3"]);
    assert_eq!(*writer.durable.borrow(), 0);
    writer.landed(Ok(()));
    assert_eq!((*writer.durable.borrow(), writer.held.len()), (1, 2));
    go_on(&mut writer);
    assert_eq!(flushes(&todo), 1);
    writer.landed(Ok(()));
    assert_eq!((*writer.durable.borrow(), writer.held.len(), writer.held_bytes), (3, 0, 0));
}

#[test]
fn after_a_flush_that_failed_everything_behind_the_last_good_one_is_written_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, todo, _work) = by_hand(dir.path(), Bounds::default());
    hold(&mut writer, 1, &alarm(1));
    go_on(&mut writer);
    writer.landed(Ok(()));
    (2..=3).for_each(|n| hold(&mut writer, n, &alarm(n)));
    go_on(&mut writer);
    hold(&mut writer, 4, &alarm(4));
    writer.write();
    let why = JournalError::io("flush", dir.path())(std::io::Error::other("a bad block"));
    writer.landed(Err(why));
    assert!(writer.retry_at.is_some());
    assert_eq!((writer.written, writer.held.len(), *writer.durable.borrow()), (0, 3, 1));
    // One that came meanwhile goes along; while the retry is in the air nothing is written behind it.
    hold(&mut writer, 5, &alarm(5));
    go_on(&mut writer);
    hold(&mut writer, 6, &alarm(6));
    go_on(&mut writer);
    assert_eq!(writer.written, 4);
    writer.landed(Ok(()));
    assert_eq!((writer.retry_at, *writer.durable.borrow()), (None, 5));
    go_on(&mut writer);
    writer.landed(Ok(()));
    assert_eq!(flushes(&todo), 4);
    let wanted: Vec<String> = (1..=6).map(|n| format!("alarm-{n}")).collect();
    assert_eq!(names(dir.path()), wanted);
    assert!(verify(dir.path()).expect("verifies").holds());
}

#[test]
fn a_full_segment_is_left_only_when_all_of_it_is_flushed() {
    let dir = tempfile::tempdir().expect("a folder");
    let small = Bounds { segment_bytes: 1, ..Bounds::default() };
    let (mut writer, _todo, _work) = by_hand(dir.path(), small);
    hold(&mut writer, 1, &alarm(1));
    go_on(&mut writer);
    hold(&mut writer, 2, &alarm(2));
    go_on(&mut writer);
    assert_eq!((writer.written, writer.due()), (1, None), "it waits for the disk");
    writer.landed(Ok(()));
    go_on(&mut writer);
    writer.landed(Ok(()));
    assert_eq!(segments(dir.path()).expect("lists").len(), 2);
    assert!(verify(dir.path()).expect("verifies").holds());
}

fn ladder() -> Entry {
    let call = crate::vocabulary::CallId::default();
    Entry { at: WallTime(0), fact: Fact::Signalled { call, messages: Vec::new(), cut: true } }
}

#[test]
fn ladders_wait_for_an_entry_that_matters_and_are_written_without_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let (handle, seen) = start(dir.path(), Bounds::default());
    handle.append(0, ladder());
    handle.append(7, alarm(1));
    until_durable(&seen, 7);
    assert_eq!(*handle.durable().borrow(), 2, "both in one go");
    handle.append(0, ladder());
    let mut durable = handle.durable();
    while *durable.borrow_and_update() < 3 {
        std::thread::yield_now();
    }
    assert_eq!(handle.waiting(), 0);
    assert_eq!(handle.stop(), 0);
}

#[test]
fn while_the_disk_fails_ladders_go_before_what_happened() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("journal");
    let one = chain::body(&alarm(1)).len();
    let bounds =
        Bounds { held_bytes: 4 * one, retry: Duration::from_secs(3600), ..Bounds::default() };
    let (mut writer, _todo, _work) = by_hand(&folder, bounds);
    (0..9).for_each(|_| hold(&mut writer, 0, &ladder()));
    (1..=3).for_each(|n| hold(&mut writer, 0, &alarm(n)));
    hold(&mut writer, 0, &ladder());
    let kept = |writer: &Writer<Report>| writer.held.iter().filter(|held| !held.ladder).count();
    assert_eq!(kept(&writer), 3, "what happened stays");
    (4..=5).for_each(|n| hold(&mut writer, 0, &alarm(n)));
    assert_eq!((kept(&writer), writer.held_ladders), (4, 0), "then the oldest goes");
    assert!(writer.held_bytes <= 4 * one);
    let held: usize = writer.held.iter().map(|held| held.body.len()).sum();
    assert_eq!(writer.held_bytes, held);
    assert_eq!(writer.dropped + writer.held.len() as u64, 9 + 3 + 1 + 2);
}

#[tokio::test]
async fn who_waits_learns_the_number_of_the_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let (writer, _) = JournalWriter::open(&dir.path().join("journal")).expect("opens");
    let handle = writer.start(|_| {}).expect("starts");
    handle.append_all(vec![(0, alarm(1)), (0, alarm(2))]);
    let third = handle.append_told(alarm(3));
    handle.append(0, alarm(4));
    let fifth = handle.append_told(alarm(5));
    assert_eq!((third.await, fifth.await), (Ok(3), Ok(5)));
    assert_eq!(handle.stop(), 0);
    assert!(handle.append_told(alarm(6)).await.is_err(), "the writer is gone");
}
