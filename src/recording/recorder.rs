//! The recorder's thread: takes from the tap, writes, reports.

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use super::RecordingError;
use super::recordings::{Outcome, Recordings};
use super::seal::Sealer;
use super::wav::make_folder;
use crate::call::orders::RecorderReport;
use crate::media::tap::{RING_FRAMES, RecorderHandle, TapEnd, tap};
use crate::vocabulary::Now;

/// How long audio may lie in the ring. The media thread wakes nobody for a packet.
const TURN: Duration = Duration::from_millis(40);

/// The running recorder; see [`Recorder::start`].
#[derive(Debug)]
pub struct Recorder {
    thread: JoinHandle<()>,
}

impl Recorder {
    /// Makes `folder` when it is missing (mode 0700), starts the thread, and returns the handle
    /// that the media plane takes. A folder that cannot be made now is tried again by every
    /// recording.
    ///
    /// `clock` is the only clock it reads, `report` is called on its thread and must not block.
    /// The recorder ends when the handle is dropped.
    ///
    /// # Errors
    /// [`RecordingError`] when the system gives no thread.
    pub fn start(
        folder: PathBuf,
        clock: impl Fn() -> Now + Send + 'static,
        report: impl Fn(RecorderReport) + Send + 'static,
    ) -> Result<(Self, RecorderHandle), RecordingError> {
        if let Err(error) = make_folder(&folder) {
            let folder = folder.display();
            tracing::error!(%folder, %error, "the recordings folder cannot be made; calls go on");
        }
        let sealer = Sealer::start(folder.clone()).map_err(RecordingError::Thread)?;
        let (handle, tap) = tap(RING_FRAMES);
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || run(tap, Recordings::new(folder), sealer, &clock, &report))
            .map_err(RecordingError::Thread)?;
        Ok((Self { thread }, handle))
    }

    /// Waits until every file is sealed. The media plane must be stopped first: it holds the
    /// handle.
    pub fn stop(self) {
        if self.thread.join().is_err() {
            tracing::error!("the recorder's thread had panicked");
        }
    }
}

fn run(
    mut tap: TapEnd,
    mut recordings: Recordings,
    mut sealer: Sealer,
    clock: &impl Fn() -> Now,
    report: &impl Fn(RecorderReport),
) {
    let mut alive = true;
    while alive {
        let idle = recordings.is_empty() && !sealer.is_busy();
        alive = tap.wait(if idle { None } else { Some(TURN) });
        let now = clock().moment;
        tap.drain(|taken| recordings.handle(taken, now));
        recordings.tick(now);
        if !alive {
            recordings.end_all();
        }
        for outcome in recordings.outcomes() {
            match outcome {
                Outcome::Report(it) => report(it),
                Outcome::Finished(file) => sealer.seal(file),
            }
        }
        sealer.reports().into_iter().for_each(report);
    }
    sealer.finish().into_iter().for_each(report);
}
