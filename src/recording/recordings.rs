//! The recordings that are going on: what comes out of the tap becomes files.
//!
//! No thread and no clock here; the recorder's thread calls it with what it took and the time.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::seal::Finished;
use super::timeline::{HOLD_BACK, RATE, Timeline};
use super::wav::WavFile;
use crate::call::orders::RecorderReport;
use crate::media::tap::{Frame, RecorderOrder, Taken};
use crate::vocabulary::{CallId, Moment};

/// Frames between two writes, 400 ms: with what is held back, a killed process loses under a
/// second.
const WRITE_EACH: u64 = RATE * 2 / 5;
/// Frames written at once.
const CHUNK: usize = 8_000;

/// One file and its time line.
#[derive(Debug)]
struct Recording {
    name: String,
    file: WavFile,
    line: Timeline,
    began: Moment,
}

impl Recording {
    /// Writes everything before frame `end`.
    fn write(&mut self, end: u64, scratch: &mut Vec<u8>) -> io::Result<()> {
        while self.line.written() < end {
            scratch.clear();
            self.line.take(end, CHUNK, scratch);
            self.file.append(scratch)?;
        }
        Ok(())
    }

    /// Writes what is due when the time line has come to frame `present`.
    fn advance(&mut self, present: u64, scratch: &mut Vec<u8>) -> io::Result<()> {
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
    /// A file is complete.
    Finished(Finished),
}

/// All recordings.
#[derive(Debug)]
pub(super) struct Recordings {
    folder: PathBuf,
    open: BTreeMap<CallId, Recording>,
    scratch: Vec<u8>,
    outcomes: Vec<Outcome>,
}

impl Recordings {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, open: BTreeMap::new(), scratch: Vec::new(), outcomes: Vec::new() }
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
        match taken {
            Taken::Frame(frame) => self.frame(frame),
            Taken::Order(RecorderOrder::Record { call, .. }, at) => self.begin(call, at, now),
            Taken::Order(RecorderOrder::Seal { call }, at) => self.end(call, Some(at)),
        }
    }

    /// Writes what is due, silence too.
    pub fn tick(&mut self, now: Moment) {
        let mut failed = Vec::new();
        for (&call, recording) in &mut self.open {
            let micros = now.since(recording.began).as_micros();
            let present = u64::try_from(micros).unwrap_or(u64::MAX) / (1_000_000 / RATE);
            if let Err(error) = recording.advance(present, &mut self.scratch) {
                failed.push((call, error));
            }
        }
        for (call, error) in failed {
            self.fail(call, &error);
        }
    }

    /// Ends all recordings where their audio ends: the media plane is gone.
    pub fn end_all(&mut self) {
        let calls: Vec<CallId> = self.open.keys().copied().collect();
        for call in calls {
            self.end(call, None);
        }
    }

    fn begin(&mut self, call: CallId, at: u64, now: Moment) {
        if self.open.contains_key(&call) {
            return;
        }
        let report = match WavFile::create(&self.folder, &call.to_string()) {
            Ok((file, name)) => {
                let started = RecorderReport::Started { call, file: name.clone() };
                let line = Timeline::new(at);
                self.open.insert(call, Recording { name, file, line, began: now });
                started
            }
            Err(error) => {
                let folder = self.folder.display();
                RecorderReport::Failed { call, why: format!("a new file in {folder}: {error}") }
            }
        };
        self.outcomes.push(Outcome::Report(report));
    }

    fn frame(&mut self, frame: &Frame) {
        // Audio of a recording that failed or is sealed has nowhere to go.
        let Some(recording) = self.open.get_mut(&frame.call) else { return };
        let present = recording.line.frame_at(frame.arrival);
        let written = recording.advance(present, &mut self.scratch);
        recording.line.place(frame);
        if let Err(error) = written {
            self.fail(frame.call, &error);
        }
    }

    fn end(&mut self, call: CallId, at: Option<u64>) {
        let Some(recording) = self.open.get_mut(&call) else { return };
        // Audio that came in a burst may reach a little beyond the order; none is cut off.
        let wall = at.map_or(0, |at| recording.line.frame_at(at));
        let end = recording.line.end().max(wall);
        if let Err(error) = recording.write(end, &mut self.scratch) {
            self.fail(call, &error);
        } else if let Some(Recording { name, file, .. }) = self.open.remove(&call) {
            let finished = Finished { call, name, file: file.into_file() };
            self.outcomes.push(Outcome::Finished(finished));
        }
    }

    /// Gives up a recording; what is on disk stays.
    fn fail(&mut self, call: CallId, error: &io::Error) {
        let Some(recording) = self.open.remove(&call) else { return };
        let path = self.folder.join(recording.name);
        let why = format!("writing {}: {error}", path.display());
        self.outcomes.push(Outcome::Report(RecorderReport::Failed { call, why }));
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
    use std::path::Path;

    use super::super::seal::seal_left_over;
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

    struct Bench {
        folder: tempfile::TempDir,
        recordings: Recordings,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let recordings = Recordings::new(folder.path().to_owned());
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
        bench.recordings = Recordings::new(bench.folder.path().to_owned());
        let (left, _) = read(&bench.path(call));
        assert!(left.len() >= 32_000 && left.len() < 40_000, "{} frames", left.len());
        assert!(strength(&left[800..32_000], 440.0) > 0.95);
        let sealed = seal_left_over(bench.folder.path(), &format!("{call}.wav")).expect("sealed");
        assert_eq!(sealed.millis, left.len() as u64 / 8);
    }

    #[test]
    fn silence_is_written_as_time_goes_by() {
        let (mut bench, call) = (Bench::new(), call(3));
        bench.record(call);
        bench.recordings.tick(Moment(2_000_000));
        assert_eq!(read(&bench.path(call)).0.len(), 12_000, "up to what is held back");
    }

    #[test]
    fn a_full_disk_ends_one_recording_and_is_told_once() {
        let (mut bench, full, fine) = (Bench::new(), call(4), call(5));
        bench.record(full);
        bench.record(fine);
        let disk = OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        bench.recordings.open.get_mut(&full).expect("open").file = WavFile::over(disk);
        bench.talk(full, 3_000);
        bench.talk(fine, 3_000);
        bench.recordings.tick(Moment(9_000_000));
        let outcomes = bench.recordings.outcomes();
        assert!(
            matches!(&outcomes[..], [Outcome::Report(RecorderReport::Failed { call, why })]
                if *call == full && why.contains("No space left")),
            "{outcomes:?}"
        );
        assert!(bench.order(RecorderOrder::Seal { call: full }, 3_000).is_empty());
        let outcomes = bench.order(RecorderOrder::Seal { call: fine }, 3_000);
        assert!(matches!(outcomes[..], [Outcome::Finished(_)]));
        // A later order tries again, beside what is there.
        let outcomes = bench.record(full);
        let again = format!("{full}-2.wav");
        assert!(
            matches!(&outcomes[..], [Outcome::Report(RecorderReport::Started { file, .. })]
                if *file == again),
            "{outcomes:?}"
        );
    }

    #[test]
    fn a_missing_folder_is_made_again_and_one_that_cannot_be_fails_until_it_can() {
        let (mut bench, call) = (Bench::new(), call(6));
        let folder = bench.folder.path().to_owned();
        std::fs::remove_dir(&folder).expect("removed");
        std::fs::write(&folder, "not a folder").expect("written");
        let outcomes = bench.record(call);
        assert!(matches!(&outcomes[..], [Outcome::Report(RecorderReport::Failed { .. })]));
        std::fs::remove_file(&folder).expect("removed");
        let outcomes = bench.record(call);
        assert!(matches!(&outcomes[..], [Outcome::Report(RecorderReport::Started { .. })]));
    }

    #[test]
    fn audio_in_a_burst_before_the_seal_is_not_cut_off() {
        let (mut bench, call) = (Bench::new(), call(7));
        bench.record(call);
        for number in 0..5 {
            bench.hear((call, Channel::Seat), 880.0, number, 10);
        }
        bench.order(RecorderOrder::Seal { call }, 11);
        assert_eq!(read(&bench.path(call)).1.len(), 880);
    }
}
