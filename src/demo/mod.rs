//! `siaga112 demo`: the real gateway on this machine, simulated carriers and seats around it, calls
//! over real UDP and real RTP, a live view, and the incident records at the end.
//!
//! The phones are outsiders: they reach the gateway only through its listeners.

mod desk;
mod phone;
mod sample;
mod story;
mod tone;
mod view;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config;
use crate::server::Server;
use crate::store;

/// How the demo runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stay up after the calls, for a browser or a softphone.
    pub stay: bool,
    /// Keep the data here instead of a temporary folder.
    pub data: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
/// What could not be started: a folder, a socket; or that it was stopped before its end.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let (folder, temporary) = match options.data {
        Some(folder) => (folder, false),
        None => (std::env::temp_dir().join(format!("siaga112-demo-{}", std::process::id())), true),
    };
    let done = within(&folder, temporary, options.stay).await;
    if temporary {
        // Nothing of a demo is worth keeping, however it ended.
        let _ = std::fs::remove_dir_all(&folder);
    }
    done
}

async fn within(folder: &Path, temporary: bool, stay: bool) -> anyhow::Result<()> {
    // Signals are taken before there is anything to clear away.
    let mut signals = Signals::take()?;
    let config_folder = folder.join("config");
    sample::write(&config_folder, &folder.join("data")).map_err(|error| {
        let folder = config_folder.display();
        anyhow::anyhow!("cannot write the sample configuration to {folder}: {error}")
    })?;
    let loaded = config::load(&config_folder, std::iter::empty()).map_err(|findings| {
        anyhow::anyhow!("the sample configuration has mistakes:\n{findings}")
    })?;
    let server = Server::start(loaded, config_folder.clone(), Vec::new()).await?;
    let sip = server.sip_listeners().first().context("no SIP listener")?.address;
    let told = async {
        let shown = view::Shown::begin(&server, &config_folder);
        let story = story::play(sip, server.console_address(), server.clock());
        let heard = view::show(&server, story, shown).await?;
        // The last recordings are sealed and the last entries reach the database.
        let incidents = settled(&server).await?;
        view::finish(heard, &store::cli::table(&incidents), &view::reasons(&incidents));
        view::farewell(folder, temporary, stay);
        Ok(())
    };
    let told = tokio::select! {
        told = told => told,
        () = signals.next() => Err(anyhow::anyhow!("the demo was stopped before its end")),
    };
    if stay && told.is_ok() {
        view::stay(&server, &config_folder);
        signals.next().await;
    }
    server.stop().await;
    told
}

/// Ctrl-C and the service manager's stop, from when they are taken on.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn take() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The records, once every recording of an answered call is closed.
async fn settled(server: &Server) -> anyhow::Result<Vec<store::IncidentSummary>> {
    let filter = store::Filter { limit: 100, ..store::Filter::default() };
    for _ in 0..20 {
        server.settle(Duration::from_millis(500)).await;
        let rows = server.store().list(&filter).await?;
        let open = |row: &store::IncidentSummary| {
            row.ended_at.is_none()
                || (row.seat.is_some() && row.recording_state.as_deref() != Some("sealed"))
        };
        if !rows.iter().any(open) {
            return Ok(rows);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(server.store().list(&filter).await?)
}
