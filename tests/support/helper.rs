//! A peer that runs as a process of its own and is spoken with by lines: it tells what happens as
//! one JSON object a line, and is told what to do by one word a line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use super::wait::{Deadline, LIMIT};

/// A running peer; killed when dropped.
#[derive(Debug)]
pub struct Helper {
    child: Child,
    log: PathBuf,
    told: Receiver<Value>,
}

impl Helper {
    /// Starts it; what it writes to stderr is kept in `log` for the failure report.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("created"))
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}; make test installs it"));
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            lines.filter_map(|l| serde_json::from_str(&l).ok()).try_for_each(|v| tell.send(v))
        });
        Self { child, log, told }
    }

    /// Tells it what to do.
    pub fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").expect("the peer runs");
    }

    /// Waits until it tells of an event; others are let pass.
    pub fn await_event(&self, event: &str) -> Value {
        let deadline = Deadline::after(LIMIT);
        let mut passed = Vec::new();
        while let Ok(told) = self.told.recv_timeout(deadline.left()) {
            if told["event"] == event {
                return told;
            }
            passed.push(told.to_string());
        }
        panic!("the peer never told of {event:?}, only of {passed:#?}")
    }

    /// Ends it at once, as when a browser's window is closed.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the peer:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}
