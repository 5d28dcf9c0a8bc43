//! Verifies from the console by running `siaga112 verify` beside this process, with the lowest priority: what
//! is found is what the command finds, and whatever becomes of it no call notices. One at a time. It ends by
//! itself when this process does: nobody reads any more how far it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::clock::Clock;
use super::reload::locked;
use crate::console::proof::{Verified, Verifier};
use crate::vocabulary::WallTime;

/// Where the last run is kept, below the data folder.
const FILE: &str = "verified.json";
/// Bytes of a report: a hundred faults are a hundredth of it.
const REPORT: u64 = 4 << 20;
/// This program, also after its file was replaced by a newer one.
const OURSELVES: &str = "/proc/self/exe";

/// The real one. Cheap to clone.
#[derive(Clone)]
pub(super) struct ServerVerifier {
    clock: Clock,
    config: PathBuf,
    environment: Vec<(String, String)>,
    file: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last: Option<Verified>,
    /// What goes on.
    child: Option<Child>,
    /// Somebody broke it off.
    stopped: bool,
}

impl ServerVerifier {
    pub fn new(clock: Clock, config: &Path, environment: &[(String, String)], data: &Path) -> Self {
        let file = data.join(FILE);
        let last = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        // One that a restart has cut off.
        let last = last.map(|run: Verified| match run.outcome.as_str() {
            "running" => Verified { outcome: "stopped".to_owned(), ..run },
            _ => run,
        });
        Self {
            clock,
            config: config.to_owned(),
            environment: environment.to_vec(),
            file,
            state: Arc::new(Mutex::new(State { last, ..State::default() })),
        }
    }

    fn spawn(&self, since: Option<WallTime>) -> io::Result<Child> {
        let ourselves = fs::read_link(OURSELVES)?;
        let ourselves = if ourselves.exists() { ourselves } else { PathBuf::from(OURSELVES) };
        let with = |mut command: Command| {
            command.arg("verify").arg("--config").arg(&self.config).args(["--json", "--progress"]);
            command.args(since.iter().flat_map(|at| ["--since".to_owned(), at.to_rfc3339()]));
            command.envs(self.environment.iter().map(|(name, value)| (name, value)));
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn()
        };
        let mut nice = Command::new("nice");
        nice.args(["-n", "19"]).arg(&ourselves);
        match with(nice) {
            // A container without the tools of a system.
            Err(error) if error.kind() == io::ErrorKind::NotFound => with(Command::new(ourselves)),
            spawned => spawned,
        }
    }

    /// Follows what goes on to its end.
    fn follow(&self, said: impl io::Read, found: impl io::Read + Send + 'static) {
        let report = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = found.take(REPORT).read_to_string(&mut text);
            text
        });
        let mut told = String::new();
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            let lines = line.strip_prefix("line ").and_then(|number| number.parse().ok());
            match (lines, locked(&self.state).last.as_mut()) {
                (Some(lines), Some(run)) => run.lines = lines,
                _ if told.len() < 1_000 && !line.trim().is_empty() => {
                    told = format!("{told} {}", line.trim()).trim_start().to_owned();
                }
                _ => {}
            }
        }
        let report = serde_json::from_str(&report.join().unwrap_or_default()).ok();
        let mut state = locked(&self.state);
        // Its pipes are closed: it ends in this moment.
        let ended = state.child.take().and_then(|mut child| child.wait().ok());
        let stopped = std::mem::take(&mut state.stopped);
        let Some(run) = state.last.as_mut() else { return };
        run.ended = Some(self.clock.now().wall.0);
        run.outcome = match (&report, ended) {
            (Some(_), Some(status)) if status.success() => "holds",
            (Some(_), _) => "faults",
            (None, _) if stopped => "stopped",
            (None, _) => "failed",
        }
        .to_owned();
        let seen = |report: &serde_json::Value| report.pointer("/journal/entries")?.as_u64();
        run.lines = report.as_ref().and_then(seen).unwrap_or(run.lines);
        run.error = (run.outcome == "failed").then_some(told);
        run.report = report;
        if run.outcome == "faults" || run.outcome == "failed" {
            tracing::error!(outcome = run.outcome, "what is kept was verified");
        } else {
            tracing::info!(outcome = run.outcome, "what is kept was verified");
        }
        if let Err(error) = write(&self.file, run) {
            tracing::error!(%error, "the outcome of a verification is not kept");
        }
    }
}

impl Verifier for ServerVerifier {
    fn begin(&self, by: &str, since: Option<WallTime>) -> io::Result<bool> {
        let mut state = locked(&self.state);
        if state.child.is_some() {
            return Ok(false);
        }
        let mut child = self.spawn(since)?;
        let (said, found) = (child.stderr.take(), child.stdout.take());
        let run = Verified {
            began: self.clock.now().wall.0,
            by: by.to_owned(),
            since: since.map(|since| since.0),
            ended: None,
            outcome: "running".to_owned(),
            lines: 0,
            report: None,
            error: None,
        };
        if let Err(error) = write(&self.file, &run) {
            tracing::error!(%error, "that records are being verified is not kept");
        }
        (state.last, state.child, state.stopped) = (Some(run), Some(child), false);
        drop(state);
        let follower = self.clone();
        let (Some(said), Some(found)) = (said, found) else { return Ok(true) };
        std::thread::Builder::new()
            .name("verify".to_owned())
            .spawn(move || follower.follow(said, found))?;
        Ok(true)
    }

    fn stop(&self) -> bool {
        let mut state = locked(&self.state);
        let killed = state.child.as_mut().is_some_and(|child| child.kill().is_ok());
        state.stopped |= killed;
        killed
    }

    fn last(&self) -> Option<Verified> {
        locked(&self.state).last.clone()
    }
}

fn write(path: &Path, run: &Verified) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    serde_json::to_writer(&mut file, run)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
