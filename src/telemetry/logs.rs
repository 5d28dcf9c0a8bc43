//! Where log lines go. Personal data is masked where it is made (`Private`), not here.

use std::io::IsTerminal as _;

use thiserror::Error;
use tracing_subscriber::EnvFilter;

/// Logging was set up before.
#[derive(Debug, Error)]
#[error("logging is set up already: {0}")]
pub struct LogError(String);

/// Sends log lines to standard error, as text or one JSON object each. `RUST_LOG` chooses what;
/// without it everything from `info` on.
///
/// # Errors
/// When logging was set up before.
pub fn init(json: bool) -> Result<(), LogError> {
    start(json, "info")
}

/// Only errors, for a program whose terminal shows something else.
///
/// # Errors
/// When logging was set up before.
pub fn init_quiet() -> Result<(), LogError> {
    start(false, "error")
}

fn start(json: bool, level: &str) -> Result<(), LogError> {
    // sqlx, hyper and symphonia tell of every statement, connection and file on `info` and `debug`.
    let usual = || EnvFilter::new(format!("{level},sqlx=warn,hyper=warn,symphonia=warn"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let done = if json { lines.json().try_init() } else { lines.try_init() };
    done.map_err(|e| LogError(e.to_string()))
}
