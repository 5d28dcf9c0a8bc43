//! The recorder's thread: takes from the tap, writes, reports. One that hangs is left alone and another one begun,
//! which goes on in further files: no thread can be ended from outside.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// Recorder threads that hang at the same time, beside the present one: each holds memory and files.
const LEFT_ALONE: usize = 3;

/// The running recorder; see [`Recorder::start`].
pub struct Recorder {
    settings: RecordingSettings,
    clock: Clock,
    report: Report,
    threads: Mutex<Threads>,
}

type Clock = Arc<dyn Fn() -> Now + Send + Sync>;
type Report = Arc<dyn Fn(RecorderReport) + Send + Sync>;

struct Threads {
    /// None once it was stopped.
    present: Option<JoinHandle<()>>,
    watch: RecorderWatch,
    /// Those that hung when another one took their place.
    left_alone: Vec<JoinHandle<()>>,
}

/// When the thread should have moved, microseconds; 0 while it may wait for ever.
#[derive(Clone, Debug, Default)]
struct RecorderWatch(Arc<AtomicU64>);

impl RecorderWatch {
    /// For how long it has not moved at `now` though it should have.
    fn stuck_for(&self, now: Moment) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            due => Some(now.since(Moment(due))),
        }
    }

    /// It works, or waits for so long at most.
    fn moves(&self, now: Moment, wait: Duration) {
        self.0.store(now.after(wait).0.max(1), Ordering::Relaxed);
    }

    fn rests(&self) {
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
        clock: impl Fn() -> Now + Send + Sync + 'static,
        report: impl Fn(RecorderReport) + Send + Sync + 'static,
    ) -> Result<(Self, RecorderHandle), RecordingError> {
        if let Err(error) = make_folder(&settings.folder) {
            let folder = settings.folder.display();
            tracing::error!(%folder, %error, "the recordings folder cannot be made; calls go on");
        }
        if settings.encrypt {
            make_master_key(&settings);
        }
        let (clock, report): (Clock, Report) = (Arc::new(clock), Arc::new(report));
        let (present, watch, handle) = begin(&settings, &clock, &report)?;
        let threads = Threads { present: Some(present), watch, left_alone: Vec::new() };
        let threads = Mutex::new(threads);
        Ok((Self { settings, clock, report, threads }, handle))
    }

    /// For how long its thread has not moved though there is something to do.
    #[must_use]
    pub fn stuck_for(&self) -> Option<Duration> {
        self.threads().watch.stuck_for((self.clock)().moment)
    }

    /// Leaves a thread alone that does not move, and begins another one, for whose handle the media plane is to
    /// exchange its own. The old one seals what it has if it ever moves again. Nothing where too many hang already:
    /// then it is the disk.
    ///
    /// # Errors
    /// [`RecordingError`] when the system gives no thread.
    pub fn begin_anew(&self) -> Result<Option<RecorderHandle>, RecordingError> {
        let mut threads = self.threads();
        threads.left_alone.retain(|thread| !thread.is_finished());
        if threads.left_alone.len() >= LEFT_ALONE {
            return Ok(None);
        }
        let (present, watch, handle) = begin(&self.settings, &self.clock, &self.report)?;
        threads.watch = watch;
        let before = threads.present.replace(present);
        threads.left_alone.extend(before);
        Ok(Some(handle))
    }

    /// Waits until every file is sealed. The media plane must be stopped first: it holds the
    /// handle. A thread that was left alone is not waited for; its files are sealed at the next start.
    pub fn stop(&self) {
        let present = self.threads().present.take();
        if present.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the recorder's thread had panicked");
        }
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

type Begun = (JoinHandle<()>, RecorderWatch, RecorderHandle);

/// Begins a thread. No file is touched here: who calls this must not hang as well.
fn begin(
    settings: &RecordingSettings,
    clock: &Clock,
    report: &Report,
) -> Result<Begun, RecordingError> {
    let library = Library::new(settings.clone());
    let sealer = Sealer::start(library).map_err(RecordingError::Thread)?;
    let (handle, tap) = tap(RING_FRAMES);
    let (watch, recordings) = (RecorderWatch::default(), Recordings::new(settings.clone()));
    let (seen, clock, report) = (watch.clone(), Arc::clone(clock), Arc::clone(report));
    let thread = std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || run(tap, recordings, sealer, (&*clock, &seen), &*report))
        .map_err(RecordingError::Thread)?;
    Ok((thread, watch, handle))
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
    (clock, watch): (&dyn Fn() -> Now, &RecorderWatch),
    report: &dyn Fn(RecorderReport),
) {
    let mut alive = true;
    while alive {
        let idle = recordings.is_empty() && !sealer.is_busy();
        if idle {
            watch.rests();
        } else {
            watch.moves(clock().moment, TURN);
        }
        alive = tap.wait(if idle { None } else { Some(TURN) });
        let now = clock().moment;
        watch.moves(now, Duration::ZERO);
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
    }
    watch.rests();
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
    fn a_thread_that_should_have_moved_is_seen_and_a_rest_is_not() {
        let (watch, late) = (RecorderWatch::default(), Moment(9_000_000));
        assert_eq!(watch.stuck_for(late), None);
        watch.moves(Moment(1_000_000), Duration::from_secs(2));
        assert_eq!(watch.stuck_for(late), Some(Duration::from_secs(6)));
        assert_eq!(watch.stuck_for(Moment(2_000_000)), Some(Duration::ZERO));
        watch.rests();
        assert_eq!(watch.stuck_for(late), None);
    }

    #[test]
    fn a_thread_that_hangs_is_left_alone_and_recordings_go_on_in_further_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = RecordingSettings::plain(folder.path().to_owned());
        // A second a turn, until the clock stops whoever reads it.
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let (held, time) = (Mutex::new(Some(held)), AtomicU64::new(0));
        let hangs = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let hang = Arc::clone(&hangs);
        let clock = move || {
            if hang.swap(false, Ordering::Relaxed)
                && let Some(held) = held.lock().expect("whole").take()
            {
                held.recv().expect_err("it moves again when the other end is gone");
            }
            let moment = Moment(time.fetch_add(1_000_000, Ordering::Relaxed));
            Now { moment, wall: WallTime(0) }
        };
        let (tell, told) = std::sync::mpsc::channel();
        let report = move |report| tell.send(report).unwrap_or_default();
        let (recorder, mut handle) = Recorder::start(settings, clock, report).expect("it starts");
        let next = || told.recv_timeout(Duration::from_secs(20)).expect("a report");
        let call = CallId::default();
        handle.order(RecorderOrder::Record { call, at: WallTime(0) }, 0);
        assert!(matches!(next(), RecorderReport::Started { .. }));
        hangs.store(true, Ordering::Relaxed);
        while hangs.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        while recorder.stuck_for().is_none_or(|stuck| stuck < Duration::from_secs(10)) {}
        let mut further = recorder.begin_anew().expect("a thread").expect("there are not too many");
        let missed = Duration::from_secs(10);
        further.order(RecorderOrder::Resume { call, missed }, 0);
        let RecorderReport::Resumed { file, missed_millis, .. } = next() else {
            panic!("it does not go on")
        };
        assert_eq!((file, missed_millis), (format!("{call}-2.wav"), 10_000));
        // The media plane has let go of the old one: once it moves it seals what it has, and ends.
        drop((hold, handle));
        assert!(
            matches!(next(), RecorderReport::Sealed { file, .. } if file == format!("{call}.wav"))
        );
        further.order(RecorderOrder::Seal { call }, 9_000_000);
        assert!(
            matches!(next(), RecorderReport::Sealed { file, .. } if file == format!("{call}-2.wav"))
        );
        drop(further);
        recorder.stop();
    }
}
