//! A caller of 112 whose signalling is SIPp's, as a carrier's trunk, and whose mouth and ear are ours.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;

use super::gateway::Gateway;
use super::sipp::{Running, Sipp};
use super::wait::until;

/// One caller; the call lasts until the other side ends it.
#[derive(Debug)]
pub struct SippCaller {
    running: Running,
    messages: PathBuf,
    /// Audio, at the trunk.
    pub audio: UdpSocket,
}

impl SippCaller {
    /// Calls 112 from a number, in E.164.
    pub fn dials(gateway: &Gateway, number: &str) -> Self {
        let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
        let port = audio.local_addr().expect("bound").port().to_string();
        let number = number.trim_start_matches('+');
        let sipp = Sipp::trunk(gateway, "caller-talks-expect-bye")
            .with(&["-key", "number", number, "-key", "audio_port", &port])
            // A call of a story lasts until its other side ends it.
            .with(&["-timeout", "600s"]);
        let running = sipp.start();
        let messages = running.messages();
        Self { running, messages, audio }
    }

    /// Waits until the call is answered; where the gateway wants the caller's audio.
    pub fn await_answer(&self) -> SocketAddr {
        until("SIPp is answered", || {
            let told = std::fs::read(&self.messages).unwrap_or_default();
            let told = String::from_utf8_lossy(&told);
            let answer = &told[told.find("SIP/2.0 200 OK")?..];
            let line = |start: &str| {
                let found = answer.lines().find_map(|line| line.strip_prefix(start));
                found.map(|rest| rest.split(' ').next().unwrap_or_default().trim())
            };
            let (ip, port) = (line("c=IN IP4 ")?, line("m=audio ")?);
            format!("{ip}:{port}").parse().ok()
        })
    }

    /// Is hung up; what SIPp itself makes of the whole call.
    pub fn hears_the_end(self) -> String {
        self.running.finish()
    }
}
