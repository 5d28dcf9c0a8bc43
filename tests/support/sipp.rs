//! SIPp as a trunk or a seat: one process, one scenario, its messages kept for the failure report.

use std::fs::{self, File};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::gateway::{Gateway, account};
use super::wait::{LIMIT, until, within};

/// SIPp with its scenario, before it runs.
#[derive(Debug)]
pub struct Sipp<'a> {
    gateway: &'a Gateway,
    name: String,
    ip: Ipv4Addr,
    command: Command,
}

impl<'a> Sipp<'a> {
    /// A scenario of `sip-scenarios` at the trunk's address.
    pub fn trunk(gateway: &'a Gateway, scenario: &str) -> Self {
        Self::trunk_at(gateway, scenario, &gateway.sip.to_string())
    }

    /// The same towards another listener of the gateway.
    pub fn trunk_at(gateway: &'a Gateway, scenario: &str, at: &str) -> Self {
        let file = format!("trunk/{scenario}");
        Self::at(gateway, gateway.site.trunk(), &file).with(&[at, "-s", "112"])
    }

    /// A scenario from an address that the gateway does not know.
    pub fn stranger(gateway: &'a Gateway, scenario: &str) -> Self {
        Self::at(gateway, gateway.site.stranger(), scenario).caller()
    }

    /// The phone of a seat that sends requests of its own.
    pub fn phone(gateway: &'a Gateway, number: u8, scenario: &str) -> Self {
        let seat = format!("seat-{number}");
        Self::at(gateway, gateway.site.seat(number), &format!("seat/{scenario}"))
            .with(&[&gateway.sip.to_string(), "-s", &seat])
            .account(&seat)
    }

    /// The phone of a seat: registers it, then waits for calls.
    pub fn seat(gateway: &'a Gateway, number: u8, scenario: &str) -> Running {
        Self::seats(gateway, number, scenario, &[])
    }

    /// The same with further options.
    pub fn seats(gateway: &'a Gateway, number: u8, scenario: &str, more: &[&str]) -> Running {
        gateway.register(number);
        let sipp = Self::at(gateway, gateway.site.seat(number), &format!("seat/{scenario}"));
        let (ip, mut running) = (sipp.ip, sipp.with(more).start());
        let listens = until("SIPp listens", || {
            let ended = running.child.try_wait().expect("a child").is_some();
            (ended || UdpSocket::bind((ip, 5060)).is_err()).then_some(!ended)
        });
        if !listens {
            running.finish();
            panic!("SIPp ended before a call came");
        }
        running
    }

    /// Any scenario at any address: the file's path under `sip-scenarios`.
    pub fn at(gateway: &'a Gateway, ip: Ipv4Addr, scenario: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("sip-scenarios")
            .join(scenario)
            .with_extension("xml");
        assert!(file.is_file(), "no scenario {}", file.display());
        let name = format!("{}-{ip}", scenario.replace('/', "-"));
        let path = |kind: &str| gateway.dir().join(format!("{name}.{kind}"));
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(file).args([
            "-trace_msg",
            "-trace_err",
            "-nostdin",
            "-timeout_error",
        ]);
        command.arg("-message_file").arg(path("messages")).arg("-error_file").arg(path("errors"));
        command.args(["-timeout".to_owned(), format!("{}s", LIMIT.as_secs() - 5)]);
        for option in ["-i", "-mi", "-ci"] {
            command.arg(option).arg(ip.to_string());
        }
        command.args(["-p", "5060", "-m", "1"]).current_dir(gateway.dir());
        Self { gateway, name, ip, command }
    }

    fn caller(self) -> Self {
        let gateway = self.gateway.sip.to_string();
        self.with(&[&gateway, "-s", "112"])
    }

    /// Further options of SIPp; a later one takes the place of an earlier one.
    pub fn with(mut self, options: &[&str]) -> Self {
        self.command.args(options);
        self
    }

    /// Name and password for its digest.
    pub fn account(self, username: &str) -> Self {
        let password = account(username).password;
        self.with(&["-au", username, "-ap", &password])
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let base = self.gateway.dir().join(&self.name);
        let screen = File::create(format!("{}.screen", base.display())).expect("created");
        let child = self
            .command
            .stdin(Stdio::null())
            .stdout(screen.try_clone().expect("a second handle"))
            .stderr(screen)
            .spawn()
            .expect("SIPp is installed: make test installs it");
        Running { child, name: self.name, base }
    }

    /// Runs it to its end; it must succeed.
    pub fn run(self) -> String {
        self.start().finish()
    }
}

/// A SIPp that runs; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
    base: PathBuf,
}

impl Running {
    /// Where the messages that it sees are written, as they come.
    pub fn messages(&self) -> PathBuf {
        PathBuf::from(format!("{}.messages", self.base.display()))
    }

    /// Waits for its end and returns the messages it saw.
    ///
    /// # Panics
    /// When a call failed: with the errors and the last messages.
    pub fn finish(mut self) -> String {
        let status = within(LIMIT, || self.child.try_wait().expect("a child"));
        let file = |kind: &str| {
            let path = PathBuf::from(format!("{}.{kind}", self.base.display()));
            String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
        };
        let messages = file("messages");
        if !status.is_some_and(|status| status.success()) {
            let from = messages.len().saturating_sub(6000);
            let tail: String = messages.chars().skip(from).collect();
            panic!("SIPp {} ended with {status:?}\n{}\n{tail}", self.name, file("errors"));
        }
        messages
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often a message that starts so was received, repetitions counted.
pub fn received(messages: &str, start: &str, method: &str) -> usize {
    let blocks = messages
        .split("-----------------------------------------------")
        .filter(|block| block.contains("message received ["));
    blocks
        .filter(|block| {
            let mut lines = block.lines();
            lines.any(|line| line.starts_with(start))
                && lines.any(|line| line.starts_with("CSeq:") && line.ends_with(method))
        })
        .count()
}
