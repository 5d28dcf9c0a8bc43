//! The recordings that are going on: what comes out of the tap becomes files.
//!
//! A recording lasts as long as its call. When its file cannot be written the call's audio is tried in
//! a further file until that works; what was lost between is told. No thread and no clock here; the
//! recorder's thread calls it with what it took and the time.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::RecordingSettings;
use super::part::{Pair, Part};
use super::seal::Finished;
use super::timeline::{HOLD_BACK, RATE, Timeline};
use crate::call::orders::RecorderReport;
use crate::media::tap::{Frame, RecorderOrder, Taken};
use crate::vocabulary::{CallId, Moment};

/// Frames between two writes, 400 ms: with what is held back, a killed process loses under a
/// second.
const WRITE_EACH: u64 = RATE * 2 / 5;
/// Frames written at once.
const CHUNK: usize = 8_000;
/// How long after a failure a further file is tried.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// A further file counts once so much of it was written, 2 s: a disk that is all but full takes a
/// beginning and no more.
const PROVEN: u64 = 2 * RATE;

/// Where a recording's audio goes.
#[derive(Debug)]
enum State {
    /// Into a file that signalling knows.
    Written { name: String, part: Part },
    /// Into a further file that has still to prove itself.
    Tried { name: String, part: Part, missing: Missing },
    /// Nowhere: the file could not be written.
    Lost { missing: Missing, retry: Moment },
}

impl Default for State {
    fn default() -> Self {
        Self::Lost { missing: Missing::default(), retry: Moment::NEVER }
    }
}

/// What a failure left.
#[derive(Debug, Default)]
struct Missing {
    /// The first frame that is in no file.
    from: u64,
    /// Frames that are missing from before the time line.
    before: u64,
    /// The file that broke off, to be repaired and sealed once there is room again.
    broken: Option<String>,
}

/// One call's recording.
#[derive(Debug)]
struct Recording {
    line: Timeline,
    began: Moment,
    /// The first frame of the file that is written or tried.
    begins: u64,
    state: State,
}

impl Recording {
    /// Writes everything before frame `end`, or leaves it out where there is no file.
    fn write(&mut self, end: u64, scratch: &mut Vec<Pair>) -> io::Result<()> {
        let (State::Written { part, .. } | State::Tried { part, .. }) = &mut self.state else {
            self.line.skip(end);
            return Ok(());
        };
        while self.line.written() < end {
            scratch.clear();
            self.line.take(end, CHUNK, scratch);
            part.append(scratch)?;
        }
        Ok(())
    }

    /// Writes what is due when the time line has come to frame `present`.
    fn advance(&mut self, present: u64, scratch: &mut Vec<Pair>) -> io::Result<()> {
        let due = present.saturating_sub(HOLD_BACK);
        if due < self.line.written() + WRITE_EACH {
            return Ok(());
        }
        self.write(due, scratch)
    }
}

/// What came of something.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Signalling should know.
    Report(RecorderReport),
    /// A file will not grow any more.
    Finished(Finished),
}

/// All recordings.
#[derive(Debug)]
pub(super) struct Recordings {
    settings: RecordingSettings,
    open: BTreeMap<CallId, Recording>,
    scratch: Vec<Pair>,
    outcomes: Vec<Outcome>,
    /// Lets the next thing out of the tap be a fault.
    #[cfg(test)]
    pub(super) faulty: bool,
}

impl Recordings {
    pub const fn new(settings: RecordingSettings) -> Self {
        Self {
            settings,
            open: BTreeMap::new(),
            scratch: Vec::new(),
            outcomes: Vec::new(),
            #[cfg(test)]
            faulty: false,
        }
    }

    /// Whether no recording is going on.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What has come of it all since the last time.
    pub fn outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// Takes one thing out of the tap, at `now` on the recorder's own clock.
    pub fn handle(&mut self, taken: Taken<'_>, now: Moment) {
        #[cfg(test)]
        if !self.open.is_empty() {
            assert!(!std::mem::take(&mut self.faulty), "a test's fault");
        }
        match taken {
            Taken::Frame(frame) => self.frame(frame, now),
            Taken::Order(RecorderOrder::Record { call, .. }, at) => self.begin(call, at, now),
            Taken::Order(RecorderOrder::Resume { call, missed }, at) => {
                self.go_on(call, at, missed, now);
            }
            Taken::Order(RecorderOrder::Seal { call }, at) => self.end(call, Some(at), now),
        }
    }

    /// Writes what is due, silence too, and tries further files.
    pub fn tick(&mut self, now: Moment) {
        let mut failed = Vec::new();
        let (mut due, mut proven) = (Vec::new(), Vec::new());
        for (&call, recording) in &mut self.open {
            let micros = now.since(recording.began).as_micros();
            let present = u64::try_from(micros).unwrap_or(u64::MAX) / (1_000_000 / RATE);
            if let Err(error) = recording.advance(present, &mut self.scratch) {
                failed.push((call, error));
            }
            match &recording.state {
                State::Lost { retry, .. } if *retry <= now => due.push(call),
                State::Tried { part, .. } if part.frames() >= PROVEN => proven.push(call),
                _ => {}
            }
        }
        for (call, error) in failed {
            self.fail(call, &error.to_string(), now);
        }
        due.into_iter().for_each(|call| self.try_again(call, now));
        proven.into_iter().for_each(|call| self.resumed(call));
    }

    /// Ends all recordings where their audio ends: the media plane is gone.
    pub fn end_all(&mut self, now: Moment) {
        let calls: Vec<CallId> = self.open.keys().copied().collect();
        for call in calls {
            self.end(call, None, now);
        }
    }

    /// Goes on after a fault of ours: nobody knows which recording it was, so each goes on in a further
    /// file, from a time line that the fault has not touched.
    pub fn mend(&mut self, now: Moment) {
        let calls: Vec<CallId> = self.open.keys().copied().collect();
        for call in calls {
            if let Some(recording) = self.open.get_mut(&call) {
                recording.line = recording.line.emptied();
            }
            self.fail(call, "a fault of the recorder", now);
        }
    }

    fn begin(&mut self, call: CallId, at: u64, now: Moment) {
        if self.open.contains_key(&call) {
            return;
        }
        let (state, report) = match Part::create(&self.settings, call) {
            Ok((part, name)) => {
                let started = RecorderReport::Started { call, file: name.clone() };
                (State::Written { name, part }, started)
            }
            Err(error) => {
                let folder = self.settings.folder.display();
                let why = format!("a new file in {folder}: {error}");
                let failed = RecorderReport::Failed { call, file: String::new(), why };
                let retry = now.after(TRY_AGAIN);
                (State::Lost { missing: Missing::default(), retry }, failed)
            }
        };
        let line = Timeline::new(at);
        self.open.insert(call, Recording { line, began: now, begins: 0, state });
        self.outcomes.push(Outcome::Report(report));
    }

    /// Takes over a recording whose file is in other hands: it is told of once a further one holds.
    fn go_on(&mut self, call: CallId, at: u64, missed: Duration, now: Moment) {
        if self.open.contains_key(&call) {
            return;
        }
        let before = u64::try_from(missed.as_millis()).unwrap_or(u64::MAX) / 1000 * RATE;
        let missing = Missing { before, ..Missing::default() };
        let state = State::Lost { missing, retry: now };
        self.open.insert(call, Recording { line: Timeline::new(at), began: now, begins: 0, state });
        self.try_again(call, now);
    }

    fn frame(&mut self, frame: &Frame, now: Moment) {
        // Audio of a recording that is sealed has nowhere to go.
        let Some(recording) = self.open.get_mut(&frame.call) else { return };
        let present = recording.line.frame_at(frame.arrival);
        let written = recording.advance(present, &mut self.scratch);
        recording.line.place(frame);
        if let Err(error) = written {
            self.fail(frame.call, &error.to_string(), now);
        }
    }

    fn try_again(&mut self, call: CallId, now: Moment) {
        let Some(recording) = self.open.get_mut(&call) else { return };
        let State::Lost { missing, retry } = &mut recording.state else { return };
        match Part::create(&self.settings, call) {
            Ok((part, name)) => {
                let missing = std::mem::take(missing);
                recording.state = State::Tried { name, part, missing };
                recording.begins = recording.line.written();
            }
            // It was told when it failed first.
            Err(_) => *retry = now.after(TRY_AGAIN),
        }
    }

    /// A further file holds: from now on it is the recording.
    fn resumed(&mut self, call: CallId) {
        let Some(recording) = self.open.get_mut(&call) else { return };
        let (name, part, missing) = match std::mem::take(&mut recording.state) {
            State::Tried { name, part, missing } => (name, part, missing),
            other => return recording.state = other,
        };
        let missed = recording.begins.saturating_sub(missing.from) + missing.before;
        let missed_millis = missed * 1000 / RATE;
        if let Some(name) = missing.broken {
            self.outcomes.push(Outcome::Finished(Finished { call, name, file: None }));
        }
        let report = RecorderReport::Resumed { call, file: name.clone(), missed_millis };
        recording.state = State::Written { name, part };
        self.outcomes.push(Outcome::Report(report));
    }

    fn end(&mut self, call: CallId, at: Option<u64>, now: Moment) {
        let Some(recording) = self.open.get_mut(&call) else { return };
        recording.line.settle_before(u64::MAX / 2);
        // Audio that came in a burst may reach a little beyond the order; none is cut off.
        let wall = at.map_or(0, |at| recording.line.frame_at(at));
        let end = recording.line.end().max(wall);
        match recording.write(end, &mut self.scratch) {
            // What is in a file that is only tried is kept.
            Ok(()) => self.resumed(call),
            Err(error) => self.fail(call, &error.to_string(), now),
        }
        let Some(Recording { state, .. }) = self.open.remove(&call) else { return };
        let finished = match state {
            State::Written { name, part } => {
                let frames = part.frames();
                match part.close() {
                    Ok(file) => Some(Finished { call, name, file: Some((file, frames)) }),
                    Err(error) => {
                        let why = self.writing(&name, &error.to_string());
                        let report = RecorderReport::Failed { call, file: name.clone(), why };
                        self.outcomes.push(Outcome::Report(report));
                        Some(Finished { call, name, file: None })
                    }
                }
            }
            State::Tried { missing, .. } | State::Lost { missing, .. } => {
                missing.broken.map(|name| Finished { call, name, file: None })
            }
        };
        self.outcomes.extend(finished.map(Outcome::Finished));
    }

    /// Gives up a file; what is on disk stays, and a further one is tried after a while.
    fn fail(&mut self, call: CallId, error: &str, now: Moment) {
        let Some(recording) = self.open.get_mut(&call) else { return };
        let retry = now.after(TRY_AGAIN);
        match std::mem::take(&mut recording.state) {
            State::Written { name, part } => {
                let from = recording.begins + part.frames();
                let missing = Missing { from, before: 0, broken: Some(name.clone()) };
                recording.state = State::Lost { missing, retry };
                let why = self.writing(&name, error);
                let failed = RecorderReport::Failed { call, file: name, why };
                self.outcomes.push(Outcome::Report(failed));
            }
            State::Tried { name, missing, .. } => {
                recording.state = State::Lost { missing, retry };
                // Nobody was told of it, and the room that it takes is wanted.
                let library = super::Library::new(self.settings.clone());
                if let Err(error) = library.delete(&name) {
                    tracing::warn!(%error, "a file that was tried stays");
                }
            }
            lost @ State::Lost { .. } => recording.state = lost,
        }
    }

    fn writing(&self, name: &str, error: &str) -> String {
        format!("writing {}: {error}", self.settings.folder.join(name).display())
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests use small numbers"
)]
mod tests {
    use std::fs::OpenOptions;
    use std::path::{Path, PathBuf};

    use super::super::Library;
    use super::*;
    use crate::call::orders::Channel;
    use crate::vocabulary::{Codec, StreamId, Uid, WallTime};

    const ZERO: u64 = 3_000_000;

    fn call(chance: u32) -> CallId {
        CallId(Uid::new(WallTime(1_789_621_951_204_000), chance))
    }

    /// A sine of `pitch` Hz as 20 ms of A-law, `number` counted from its beginning.
    fn audio(pitch: f64, number: u64) -> Vec<u8> {
        (number * 160..(number + 1) * 160)
            .map(|sample| (sample as f64 * pitch / 8_000.0 * std::f64::consts::TAU).sin())
            .map(|value| audio_codec_algorithms::encode_alaw((value * 8_000.0) as i16))
            .collect()
    }

    /// Strength of `pitch` Hz among samples at 8,000 Hz (Goertzel), 1 for a full sine.
    fn strength(samples: &[i16], pitch: f64) -> f64 {
        let turn = pitch / 8_000.0 * std::f64::consts::TAU;
        let (mut one, mut two) = (0.0, 0.0);
        for &sample in samples {
            (one, two) = (f64::from(sample) / 8_000.0 + 2.0 * turn.cos() * one - two, one);
        }
        let power = one * one + two * two - 2.0 * turn.cos() * one * two;
        power.sqrt() * 2.0 / samples.len() as f64
    }

    fn read(path: &Path) -> (Vec<i16>, Vec<i16>) {
        let mut reader = hound::WavReader::open(path).expect("a WAV file");
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("reads")).collect();
        let side = |n: usize| samples.iter().skip(n).step_by(2).copied().collect();
        (side(0), side(1))
    }

    fn settings(folder: &Path) -> RecordingSettings {
        RecordingSettings::plain(folder.to_owned())
    }

    struct Bench {
        folder: tempfile::TempDir,
        recordings: Recordings,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let recordings = Recordings::new(settings(folder.path()));
            Self { folder, recordings }
        }

        fn order(&mut self, order: RecorderOrder, millis: u64) -> Vec<Outcome> {
            self.recordings.handle(Taken::Order(order, ZERO + millis * 1000), Moment(0));
            self.recordings.outcomes()
        }

        fn record(&mut self, call: CallId) -> Vec<Outcome> {
            self.order(RecorderOrder::Record { call, at: WallTime(0) }, 0)
        }

        /// Caller: 440 Hz from 100 ms on; seat: 880 Hz from 1,000 ms on; both until `end`.
        fn talk(&mut self, call: CallId, end: u64) {
            for millis in (100..end).step_by(20) {
                let number = (millis - 100) / 20;
                self.hear((call, Channel::Caller), 440.0, number, millis);
                if millis >= 1000 {
                    self.hear((call, Channel::Seat), 880.0, number - 45, millis);
                }
            }
        }

        fn hear(&mut self, to: (CallId, Channel), pitch: f64, number: u64, millis: u64) {
            let voice = (StreamId(u64::from(to.1 == Channel::Seat)), Codec::Pcma);
            let stamp = (u32::MAX - 8_000).wrapping_add(number as u32 * 160);
            let arrival = ZERO + millis * 1000;
            let frame = Frame::new(to, voice, (7, stamp), arrival, &audio(pitch, number));
            self.recordings.handle(Taken::Frame(&frame.expect("fits")), Moment(0));
        }

        fn path(&self, call: CallId) -> PathBuf {
            self.folder.path().join(format!("{call}.wav"))
        }
    }

    #[test]
    fn both_sides_stand_where_they_were_spoken() {
        let (mut bench, call) = (Bench::new(), call(1));
        bench.record(call);
        bench.talk(call, 3_000);
        let outcomes = bench.order(RecorderOrder::Seal { call }, 3_500);
        assert!(matches!(&outcomes[..], [Outcome::Finished(file)] if file.call == call));
        let (left, right) = read(&bench.path(call));
        assert_eq!((left.len(), right.len()), (28_000, 28_000), "3.5 s");
        assert!(left[..800].iter().all(|&s| s == 0) && left[24_000..].iter().all(|&s| s == 0));
        assert!(right[..8_000].iter().all(|&s| s == 0));
        assert!(strength(&left[800..24_000], 440.0) > 0.95);
        assert!(strength(&left[800..24_000], 880.0) < 0.05);
        assert!(strength(&right[8_000..24_000], 880.0) > 0.95);
        assert!(strength(&right[8_000..24_000], 440.0) < 0.05);
    }

    #[test]
    fn a_killed_recorder_leaves_all_but_the_last_second() {
        let (mut bench, call) = (Bench::new(), call(2));
        bench.record(call);
        bench.talk(call, 5_000);
        // Nothing is sealed or flushed by dropping, just as by kill -9.
        bench.recordings = Recordings::new(settings(bench.folder.path()));
        let (left, _) = read(&bench.path(call));
        assert!(left.len() >= 32_000 && left.len() < 40_000, "{} frames", left.len());
        assert!(strength(&left[800..32_000], 440.0) > 0.95);
        let library = Library::new(settings(bench.folder.path()));
        let sealed = library.seal_left_over(&format!("{call}.wav")).expect("sealed");
        assert_eq!(sealed.millis, left.len() as u64 / 8);
    }

    #[test]
    fn silence_is_written_as_time_goes_by() {
        let (mut bench, call) = (Bench::new(), call(3));
        bench.record(call);
        bench.recordings.tick(Moment(2_000_000));
        assert_eq!(read(&bench.path(call)).0.len(), 12_000, "up to what is held back");
    }

    /// Lets a recording's file fail as on a full disk.
    fn fill_disk(bench: &mut Bench, call: CallId) {
        let disk = OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let recording = bench.recordings.open.get_mut(&call).expect("open");
        let (State::Written { part, .. } | State::Tried { part, .. }) = &mut recording.state else {
            panic!("no file: {:?}", recording.state);
        };
        part.move_to(disk);
    }

    fn tick(bench: &mut Bench, millis: u64) -> Vec<Outcome> {
        bench.recordings.tick(Moment(millis * 1000));
        bench.recordings.outcomes()
    }

    #[test]
    fn a_full_disk_breaks_one_file_and_is_told_once() {
        let (mut bench, full, fine) = (Bench::new(), call(4), call(5));
        bench.record(full);
        bench.record(fine);
        fill_disk(&mut bench, full);
        bench.talk(full, 1_500);
        bench.talk(fine, 1_500);
        let outcomes = tick(&mut bench, 1_600);
        assert!(
            matches!(&outcomes[..], [Outcome::Report(RecorderReport::Failed { call, file, why })]
                if *call == full && *file == format!("{full}.wav") && why.contains("No space left")),
            "{outcomes:?}"
        );
        // The next file fails as well, before it has proven itself: nobody is told again, it leaves no
        // file behind, and the one that broke off is left for later.
        for round in 0..3 {
            let at = 4_000 + round * 4_000;
            assert!(tick(&mut bench, at).is_empty());
            assert!(bench.folder.path().join(format!("{full}-2.wav")).exists());
            assert!(tick(&mut bench, at + 700).is_empty(), "a beginning proves nothing");
            fill_disk(&mut bench, full);
            assert!(tick(&mut bench, at + 1_500).is_empty());
            assert!(!bench.folder.path().join(format!("{full}-2.wav")).exists());
        }
        let outcomes = bench.order(RecorderOrder::Seal { call: full }, 16_000);
        assert!(
            matches!(&outcomes[..], [Outcome::Finished(Finished { call, file: None, .. })]
                if *call == full),
            "{outcomes:?}"
        );
        let outcomes = bench.order(RecorderOrder::Seal { call: fine }, 16_000);
        assert!(matches!(outcomes[..], [Outcome::Finished(Finished { file: Some(_), .. })]));
    }

    #[test]
    fn a_recording_goes_on_in_a_further_file_and_what_is_missing_is_told() {
        let (mut bench, call) = (Bench::new(), call(8));
        bench.record(call);
        for number in 0..100 {
            bench.hear((call, Channel::Caller), 440.0, number, number * 20);
        }
        tick(&mut bench, 2_000);
        fill_disk(&mut bench, call);
        assert_eq!(tick(&mut bench, 3_000).len(), 1, "it failed");
        for number in 100..500 {
            bench.hear((call, Channel::Caller), 440.0, number, number * 20);
            if number.is_multiple_of(20) {
                let outcomes = tick(&mut bench, number * 20);
                let [Outcome::Finished(broken), Outcome::Report(resumed)] = &outcomes[..] else {
                    assert!(outcomes.is_empty(), "{outcomes:?}");
                    continue;
                };
                assert_eq!(
                    (broken.name.clone(), broken.file.is_some()),
                    (format!("{call}.wav"), false)
                );
                let RecorderReport::Resumed { file, missed_millis, .. } = resumed else {
                    panic!("{resumed:?}");
                };
                assert_eq!(*file, format!("{call}-2.wav"));
                // 0 to 1.5 s is in the first file; the second begins half a second before its making.
                assert!((2_900..3_500).contains(missed_millis), "{missed_millis}");
            }
        }
        let outcomes = bench.order(RecorderOrder::Seal { call }, 10_000);
        assert!(matches!(outcomes[..], [Outcome::Finished(Finished { file: Some(_), .. })]));
        let (left, _) = read(&bench.folder.path().join(format!("{call}-2.wav")));
        assert!((43_000..46_000).contains(&left.len()), "{}", left.len());
        assert!(strength(&left, 440.0) > 0.95, "without a hole or a jump");
    }

    #[test]
    fn a_missing_folder_is_made_again_and_one_that_cannot_be_is_tried_until_it_can() {
        let (mut bench, call) = (Bench::new(), call(6));
        let folder = bench.folder.path().to_owned();
        std::fs::remove_dir(&folder).expect("removed");
        std::fs::write(&folder, "not a folder").expect("written");
        let outcomes = bench.record(call);
        assert!(matches!(&outcomes[..], [Outcome::Report(RecorderReport::Failed { .. })]));
        assert!(tick(&mut bench, 3_000).is_empty());
        std::fs::remove_file(&folder).expect("removed");
        assert!(tick(&mut bench, 6_000).is_empty(), "it has to prove itself");
        let outcomes = tick(&mut bench, 9_000);
        assert!(
            matches!(&outcomes[..], [Outcome::Report(RecorderReport::Resumed { missed_millis, .. })]
                if *missed_millis == 5_500),
            "{outcomes:?}"
        );
    }

    #[test]
    fn after_a_fault_every_recording_goes_on_in_a_further_file() {
        let (mut bench, call) = (Bench::new(), call(9));
        bench.record(call);
        bench.talk(call, 2_000);
        bench.recordings.mend(Moment(2_000_000));
        let outcomes = bench.recordings.outcomes();
        assert!(matches!(&outcomes[..], [Outcome::Report(RecorderReport::Failed { .. })]));
        tick(&mut bench, 4_100);
        let outcomes = tick(&mut bench, 7_000);
        assert!(
            matches!(
                &outcomes[..],
                [Outcome::Finished(_), Outcome::Report(RecorderReport::Resumed { .. })]
            ),
            "{outcomes:?}"
        );
    }

    #[test]
    fn audio_in_a_burst_before_the_seal_is_not_cut_off() {
        let (mut bench, call) = (Bench::new(), call(7));
        bench.record(call);
        for number in 0..5 {
            bench.hear((call, Channel::Seat), 880.0, number, 10);
        }
        bench.order(RecorderOrder::Seal { call }, 11);
        assert_eq!(read(&bench.path(call)).1.len(), 800);
    }
}
