//! The recorder's thread: takes from the tap, writes, reports.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::keys::MasterKeys;
use super::part::make_folder;
use super::recordings::{Outcome, Recordings};
use super::seal::Sealer;
use super::{Library, RecordingError, RecordingSettings};
use crate::call::orders::RecorderReport;
use crate::media::tap::{RING_FRAMES, RecorderHandle, TapEnd, tap};
use crate::vocabulary::{Moment, Now};

/// How long audio may lie in the ring. The media thread wakes nobody for a packet.
const TURN: Duration = Duration::from_millis(40);

/// The running recorder; see [`Recorder::start`].
#[derive(Debug)]
pub struct Recorder {
    thread: JoinHandle<()>,
    watch: RecorderWatch,
}

/// Tells whether the recorder's thread moves.
#[derive(Clone, Debug, Default)]
pub struct RecorderWatch(Arc<AtomicU64>);

impl RecorderWatch {
    /// How long its present turn has lasted at `now`; none while it waits for something to do.
    #[must_use]
    pub fn busy_for(&self, now: Moment) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            since => Some(now.since(Moment(since))),
        }
    }

    fn begin(&self, now: Moment) {
        self.0.store(now.0.max(1), Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Recorder {
    /// Makes the folder when it is missing (mode 0700), and a master key where recordings are to be
    /// encrypted and there is none; starts the thread, and returns the handle that the media plane
    /// takes. What cannot be made now is tried again by every recording.
    ///
    /// `clock` is the only clock it reads, `report` is called on its thread and must not block.
    /// The recorder ends when the handle is dropped.
    ///
    /// # Errors
    /// [`RecordingError`] when the system gives no thread.
    pub fn start(
        settings: RecordingSettings,
        clock: impl Fn() -> Now + Send + 'static,
        report: impl Fn(RecorderReport) + Send + 'static,
    ) -> Result<(Self, RecorderHandle), RecordingError> {
        if let Err(error) = make_folder(&settings.folder) {
            let folder = settings.folder.display();
            tracing::error!(%folder, %error, "the recordings folder cannot be made; calls go on");
        }
        if settings.encrypt {
            make_master_key(&settings);
        }
        let library = Library::new(settings.clone());
        let sealer = Sealer::start(library).map_err(RecordingError::Thread)?;
        let (handle, tap) = tap(RING_FRAMES);
        let watch = RecorderWatch::default();
        let seen = watch.clone();
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || run(tap, Recordings::new(settings), sealer, (&clock, &seen), &report))
            .map_err(RecordingError::Thread)?;
        Ok((Self { thread, watch }, handle))
    }

    /// Tells whether the thread moves.
    #[must_use]
    pub fn watch(&self) -> RecorderWatch {
        self.watch.clone()
    }

    /// Waits until every file is sealed. The media plane must be stopped first: it holds the
    /// handle.
    pub fn stop(self) {
        if self.thread.join().is_err() {
            tracing::error!("the recorder's thread had panicked");
        }
    }
}

fn make_master_key(settings: &RecordingSettings) {
    let file = settings.master_key_file.display();
    match MasterKeys::make(&settings.master_key_file) {
        Ok(true) => tracing::warn!(
            %file,
            "a master key for recordings was made: KEEP A COPY of this file in a safe place. \
             Without it no recording of this node can ever be heard again"
        ),
        Ok(false) => {}
        Err(error) => {
            tracing::error!(%file, %error, "no master key can be made: calls are not recorded");
        }
    }
}

fn run(
    mut tap: TapEnd,
    mut recordings: Recordings,
    mut sealer: Sealer,
    (clock, watch): (&impl Fn() -> Now, &RecorderWatch),
    report: &impl Fn(RecorderReport),
) {
    let mut alive = true;
    while alive {
        let idle = recordings.is_empty() && !sealer.is_busy();
        alive = tap.wait(if idle { None } else { Some(TURN) });
        let now = clock().moment;
        watch.begin(now);
        let turn = catch_unwind(AssertUnwindSafe(|| {
            tap.drain(|taken| recordings.handle(taken, now));
            recordings.tick(now);
            if !alive {
                recordings.end_all(now);
            }
        }));
        if let Err(panic) = turn {
            report(RecorderReport::Fault { why: said(&*panic) });
            recordings.mend(now);
        }
        for outcome in recordings.outcomes() {
            match outcome {
                Outcome::Report(it) => report(it),
                Outcome::Finished(file) => sealer.seal(file),
            }
        }
        sealer.reports().into_iter().for_each(report);
        watch.end();
    }
    sealer.finish().into_iter().for_each(report);
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::call::orders::Channel;
    use crate::media::tap::{Frame, RecorderOrder};
    use crate::vocabulary::{CallId, Codec, StreamId, WallTime};

    #[test]
    fn a_fault_of_the_recorder_is_told_and_recordings_go_on_in_further_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = RecordingSettings::plain(folder.path().to_owned());
        let sealer = Sealer::start(Library::new(settings.clone())).expect("starts");
        let (mut handle, tap) = tap(64);
        // The clock goes on by a second a turn.
        let time = AtomicU64::new(0);
        let clock = move || {
            let moment = Moment(time.fetch_add(1_000_000, Ordering::Relaxed));
            Now { moment, wall: WallTime(0) }
        };
        let (tell, told) = std::sync::mpsc::channel();
        let watch = RecorderWatch::default();
        let mut recordings = Recordings::new(settings);
        recordings.faulty = true;
        let call = CallId::default();
        handle.order(RecorderOrder::Record { call, at: WallTime(0) }, 0);
        let thread = std::thread::spawn(move || {
            let report = |report| tell.send(report).unwrap_or_default();
            run(tap, recordings, sealer, (&clock, &watch), &report);
        });
        let next = || told.recv_timeout(Duration::from_secs(20)).expect("a report");
        assert!(matches!(next(), RecorderReport::Started { .. }));
        let audio = (StreamId(1), Codec::Pcma);
        let frame = Frame::new((call, Channel::Caller), audio, (1, 0), 0, &[0xd5; 160]);
        handle.frame(frame.expect("fits"));
        assert!(matches!(next(), RecorderReport::Fault { why } if why.contains("a test's fault")));
        assert!(
            matches!(next(), RecorderReport::Failed { file, .. } if file == format!("{call}.wav"))
        );
        let RecorderReport::Resumed { file, .. } = next() else { panic!("it does not go on") };
        assert_eq!(file, format!("{call}-2.wav"));
        handle.order(RecorderOrder::Seal { call }, 9_000_000);
        let mut sealed: Vec<String> = [next(), next()]
            .map(|report| match report {
                RecorderReport::Sealed { file, .. } => file,
                other => panic!("{other:?}"),
            })
            .into();
        sealed.sort();
        assert_eq!(sealed, [format!("{call}-2.wav"), format!("{call}.wav")]);
        drop(handle);
        thread.join().expect("it ends well");
    }

    #[test]
    fn a_turn_that_does_not_end_is_seen_and_a_wait_is_not() {
        let watch = RecorderWatch::default();
        assert_eq!(watch.busy_for(Moment(9_000_000)), None);
        watch.begin(Moment(1_000_000));
        assert_eq!(watch.busy_for(Moment(9_000_000)), Some(Duration::from_secs(8)));
        watch.end();
        assert_eq!(watch.busy_for(Moment(9_000_000)), None);
    }
}
