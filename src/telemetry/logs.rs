//! Where log lines go. Personal data is masked where it is made (`Private`), not here.
//!
//! Nobody who logs ever waits for whoever reads: lines pass through a queue to a thread of their own, and where
//! standard error takes nothing more (a pipe that nobody reads, a disk that hangs) they are lost and counted.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal as _;
use std::sync::OnceLock;

use thiserror::Error;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait at most: some seconds of a busy day, a few megabytes.
const WAITING: usize = 8_192;

/// Counts lines that were lost.
static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// Logging was set up before.
#[derive(Debug, Error)]
#[error("logging is set up already: {0}")]
pub struct LogError(String);

/// Writes lines for as long as it lives; when it is dropped those that wait are written, for a second at most.
#[derive(Debug)]
#[must_use = "lines are lost once it is dropped"]
pub struct Logs {
    _writes: WorkerGuard,
}

/// Sends log lines to standard error, as text or one JSON object each. `RUST_LOG` chooses what;
/// without it everything from `info` on.
///
/// # Errors
/// When logging was set up before.
pub fn init(json: bool) -> Result<Logs, LogError> {
    start(json, "info")
}

/// Only errors, for a program whose terminal shows something else.
///
/// # Errors
/// When logging was set up before.
pub fn init_quiet() -> Result<Logs, LogError> {
    start(false, "error")
}

/// Lines that were lost since the start.
#[must_use]
pub fn lost() -> u64 {
    LOST.get().map_or(0, |lost| lost.dropped_lines() as u64)
}

fn start(json: bool, level: &str) -> Result<Logs, LogError> {
    // sqlx, hyper and symphonia tell of every statement, connection and file on `info` and `debug`.
    let usual = || EnvFilter::new(format!("{level},sqlx=warn,hyper=warn,symphonia=warn"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let (writer, writes) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING)
        .thread_name("log")
        .finish(std::io::stderr());
    LOST.get_or_init(|| writer.error_counter());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    let done = if json { lines.json().try_init() } else { lines.try_init() };
    done.map_err(|e| LogError(e.to_string()))?;
    // The usual one writes to standard error itself, and so could hang a thread whose fault would cost it nothing else.
    std::panic::set_hook(Box::new(|panic| {
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            tracing::error!("{panic}\n{trace}");
        } else {
            tracing::error!("{panic}");
        }
    }));
    Ok(Logs { _writes: writes })
}
