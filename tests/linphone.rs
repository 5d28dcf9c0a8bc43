//! Linphone as the phone of a seat, over UDP, TCP and TLS: it registers, answers by itself, plays a
//! tone and keeps what it hears.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::gateway::{Centre, Gateway, account};
use support::phone::{Dialog, Phone};
use support::tone::{self, CALLER_HERTZ, RATE, SEAT_HERTZ, assert_tone, talk};
use support::wait::until;

/// `linphonec`, spoken with by its prompt.
struct Linphone {
    child: Child,
    folder: PathBuf,
}

impl Linphone {
    fn start(gateway: &Gateway, transport: &str) -> Self {
        let folder = gateway.dir().join("linphone");
        // Its database's folder is not made by itself.
        fs::create_dir_all(folder.join(".local/share/linphone")).expect("created");
        let [sound, heard] = ["tone.wav", "heard.wav"].map(|name| folder.join(name));
        tone::file(&sound, SEAT_HERTZ);
        // -1: any port; 0: none.
        let ports = [("sip_port", "udp"), ("sip_tcp_port", "tcp"), ("sip_tls_port", "tls")]
            .map(|(key, of)| format!("{key}={}\n", if of == transport { -1 } else { 0 }))
            .concat();
        // The chain of our certificate is checked; its address cannot be, mbed TLS knows only names.
        let config = format!(
            "[sip]\n{ports}use_ipv6=0\nguess_hostname=0\nmedia_encryption=none\n\
             verify_server_certs=1\nverify_server_cn=0\nroot_ca={}\nregister_only_when_network_is_up=0\n\
             default_proxy=0\n[rtp]\naudio_rtp_port=34000-36000\n[sound]\nechocancellation=0\n\
             [video]\nenabled=0\n[auth_info_0]\nusername=seat-1\npasswd={}\n\
             realm=112.sumenep.example\n[proxy_0]\n\
             reg_proxy=<sip:{};transport={transport}>\nreg_identity=sip:seat-1@{}\n\
             reg_expires=300\nreg_sendregister=1\npublish=0\n",
            gateway.authority_file().display(),
            account("seat-1").password,
            gateway.at(transport),
            gateway.site.gateway(),
        );
        fs::write(folder.join("linphonerc"), config).expect("written");
        let screen = File::create(folder.join("screen")).expect("created");
        let mut child = Command::new("linphonec")
            .args(["-a", "-d", "5", "-c"])
            .arg(folder.join("linphonerc"))
            .arg("-l")
            .arg(folder.join("linphone.log"))
            .envs(["HOME", "XDG_CONFIG_HOME"].map(|name| (name, &folder)))
            .env("XDG_DATA_HOME", folder.join(".local/share"))
            .stdin(Stdio::piped())
            .stdout(screen.try_clone().expect("a second handle"))
            .stderr(screen)
            .spawn()
            .expect("Linphone is installed: make test installs it");
        let prompt = child.stdin.as_mut().expect("piped");
        let (sound, heard) = (sound.display(), heard.display());
        write!(prompt, "soundcard use files\nplay {sound}\nrecord {heard}\n").expect("it runs");
        let phone = Self { child, folder };
        // The prompt is read before the registration is looked at: it is set up when it is ready.
        until("Linphone has its files", || phone.file("screen").contains("record ").then_some(()));
        gateway.await_seat("seat-1", "ready");
        phone
    }

    fn file(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What it has heard, as soon as its file is complete: the header is written last, and counts
    /// itself as audio.
    fn heard(&self) -> Vec<i16> {
        let file = until("Linphone has closed its file", || {
            let bytes = fs::read(self.folder.join("heard.wav")).ok()?;
            let reader = hound::WavReader::new(&bytes[..]).ok()?;
            assert_eq!(reader.spec().sample_rate, RATE);
            (reader.len() > RATE).then_some(bytes)
        });
        let samples = file[44..].chunks_exact(2);
        samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.file("linphone.log");
            let lines: Vec<&str> = log.lines().rev().take(200).collect();
            eprintln!("Linphone, newest first:\n{}\n{}", self.file("screen"), lines.join("\n"));
        }
    }
}

/// A call to Linphone: tones both ways, ended by the caller.
fn talk_over(transport: &str) {
    let gateway = Centre::of_every_transport().start();
    let linphone = Linphone::start(&gateway, transport);
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    call.invite(&trunk, audio.local_addr().expect("bound"));
    let answer = call.await_answer(&trunk);
    let heard = talk(&audio, answer.media(), CALLER_HERTZ, Duration::from_secs(3));
    call.hang_up(&trunk);
    assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
    assert_tone("the seat hears the caller", &linphone.heard(), CALLER_HERTZ, RATE);
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn linphone_talks_over_udp() {
    talk_over("udp");
}

#[test]
fn linphone_talks_over_tcp() {
    talk_over("tcp");
}

#[test]
fn linphone_talks_over_tls_and_checks_our_certificate() {
    talk_over("tls");
}
