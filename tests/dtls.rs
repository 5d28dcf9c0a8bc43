//! Keys agreed on the media path (DTLS-SRTP, RFC 5764) between the media plane and OpenSSL, over real sockets, whoever
//! begins; and what becomes of a peer whose certificate is RSA.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod plane;

use std::fs::File;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use plane::{LIMIT, LOOPBACK, Patience, Plane};
use siaga112::call::orders::{Aim, Guard, MediaOrder, MediaReport};
use siaga112::vocabulary::{Codec, Fingerprint, Suite};

const SRTP: &str = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM";

fn openssl(folder: &Path, words: &[&str]) -> String {
    let done = Command::new("openssl").args(words).current_dir(folder).output().expect("openssl");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

/// Makes a certificate, `kind.pem` with `kind.key`, and says how a description names it.
fn certificate(folder: &Path, kind: &str) -> Fingerprint {
    let key: &[&str] = match kind {
        "rsa" => &["-newkey", "rsa:2048"],
        _ => &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    };
    let (pem, private) = (format!("{kind}.pem"), format!("{kind}.key"));
    let words = ["req", "-x509", "-nodes", "-subj", "/CN=phone", "-keyout", &private, "-out", &pem];
    openssl(folder, &[&words[..], key].concat());
    let told = openssl(folder, &["x509", "-in", &pem, "-noout", "-fingerprint", "-sha256"]);
    let digits = told.trim().split('=').nth(1).expect("a fingerprint").split(':');
    let digest = digits.map(|two| u8::from_str_radix(two, 16).expect("hexadecimal")).collect();
    Fingerprint { hash: "sha-256".to_owned(), digest }
}

/// OpenSSL at an address: it begins with the gateway, or waits for it.
struct Peer(Child);

impl Peer {
    fn start(folder: &Path, kind: &str, at: SocketAddr, begins_with: Option<SocketAddr>) -> Self {
        let (pem, key, at) = (format!("{kind}.pem"), format!("{kind}.key"), at.to_string());
        let mut words: Vec<String> = match begins_with {
            Some(gateway) => {
                ["s_client", "-connect", &gateway.to_string(), "-bind", &at].map(str::to_owned)
            }
            None => ["s_server", "-verify", "1", "-accept", &at].map(str::to_owned),
        }
        .into();
        let more = ["-dtls1_2", "-use_srtp", SRTP, "-cert", &pem, "-key", &key];
        words.extend(more.map(str::to_owned));
        let log = File::create(folder.join("openssl.log")).expect("a file");
        let child = Command::new("openssl")
            .args(words)
            .current_dir(folder)
            // It ends when its input does.
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("openssl");
        Self(child)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What becomes of the keys with a peer of that kind of certificate, which begins or waits; and what OpenSSL says.
fn agreed(kind: &str, begins: bool) -> (Result<Suite, String>, String) {
    let mut plane = Plane::start();
    let folder = tempfile::tempdir().expect("a folder");
    let peer = certificate(folder.path(), kind);
    let phone = plane.phone(Codec::Pcma);
    // OpenSSL binds the port of the phone itself.
    let at = UdpSocket::bind((LOOPBACK, 0)).and_then(|socket| socket.local_addr()).expect("bound");
    let guard = Guard::Dtls { peer, active: !begins };
    let aim = Aim { rtp: at, rtcp: at, mux: true, guard, ..phone.aim.clone() };
    let aims = || plane.media.order(MediaOrder::Aim { stream: phone.stream, aim });
    let _peer = if begins {
        aims();
        Peer::start(folder.path(), kind, at, Some(phone.gateway))
    } else {
        let peer = Peer::start(folder.path(), kind, at, None);
        let log = folder.path().join("openssl.log");
        let patience = Patience::new();
        while !std::fs::read_to_string(&log).expect("a file").contains("ACCEPT") {
            patience.has("ACCEPT", "");
            std::thread::yield_now();
        }
        aims();
        peer
    };
    let outcome = loop {
        if let MediaReport::Secured { outcome, .. } =
            plane.reports.recv_timeout(LIMIT).expect("told")
        {
            break outcome;
        }
    };
    let told = std::fs::read_to_string(folder.path().join("openssl.log")).expect("a file");
    (outcome, told)
}

#[test]
fn keys_are_agreed_with_openssl_whoever_begins() {
    for begins in [true, false] {
        let (outcome, told) = agreed("ec", begins);
        let suites = [Ok(Suite::AesCm128Sha80), Ok(Suite::AeadAes128Gcm)];
        assert!(suites.contains(&outcome), "{begins}: {outcome:?}, {told}");
    }
}

#[test]
fn a_certificate_of_rsa_gets_no_keys_and_that_is_told() {
    for begins in [true, false] {
        let (outcome, told) = agreed("rsa", begins);
        let why = outcome.expect_err("no keys");
        let mend = why.contains("handshake failed") && why.contains("RSA") && why.contains("sdes");
        assert!(mend, "{begins}: {why}, {told}");
    }
}
