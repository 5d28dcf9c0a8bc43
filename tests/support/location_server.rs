//! Python's HTTPS server as a location server, with what it was asked.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use super::pki::Authority;
use super::wait::LIMIT;

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct LocationServer {
    child: Child,
    asked: Receiver<String>,
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

impl LocationServer {
    /// Starts one whose certificate `authority` signs for its address; its files lie in `dir`.
    pub fn start(authority: &Authority, address: IpAddr, dir: &Path) -> Self {
        let identity = authority.sign(&[&address.to_string()]);
        let (cert, key) = (dir.join("lis.pem"), dir.join("lis.key"));
        fs::write(&cert, identity.cert_pem).expect("written");
        fs::write(&key, identity.key_pem).expect("written");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/location_server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args([&cert, &key])
            .arg(address.to_string())
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("python3 runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, asked) = mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let port = asked.recv_timeout(LIMIT).expect("it prints its port");
        let port = port.parse().expect("a port");
        Self { child, asked, address, port }
    }

    /// A reference to something of it.
    pub fn uri(&self, path: &str) -> String {
        format!("https://{}:{}{path}", self.address, self.port)
    }

    /// The next request that it got, waited for.
    pub fn next_request(&self) -> String {
        self.asked.recv_timeout(LIMIT).expect("it is asked")
    }

    /// What it was asked beside that, so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

impl Drop for LocationServer {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
