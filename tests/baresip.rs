//! A call between a trunk and a real softphone, baresip, with the audio measured at both ends and
//! in the recording: 440 Hz from the caller, 880 Hz from the seat.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs::{self, File};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::gateway::{Centre, Gateway, account};
use support::phone::{Dialog, Phone};
use support::tone::{RATE, channel, share, sine, talk};
use support::wait::until;

/// What the caller sends.
const CALLER_HERTZ: f64 = 440.0;
/// What the seat sends.
const SEAT_HERTZ: f64 = 880.0;
/// Part of the power that must be the expected tone. A relay that mixes, repeats or drops audio
/// falls far below; the rest is the beginning and the end of the call.
const CLEAR: f64 = 0.8;

/// Where baresip's modules are: Debian's package, or built from source.
fn module_path() -> &'static str {
    let places = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let found = places.into_iter().find(|place| Path::new(place).is_dir());
    found.expect("baresip is installed: make test installs it")
}

/// Ten seconds of the seat's tone as a file: baresip's own tone source knows only 48 kHz.
fn tone_file(folder: &Path) -> PathBuf {
    let path = folder.join("tone.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(&path, spec).expect("created");
    for sample in sine(SEAT_HERTZ, 0..10 * RATE) {
        file.write_sample(sample).expect("written");
    }
    file.finalize().expect("written");
    path
}

/// baresip as the phone of seat 1: registers, answers by itself, plays a tone, keeps what it hears.
struct Softphone {
    child: Child,
    folder: PathBuf,
}

impl Softphone {
    fn start(gateway: &Gateway) -> Self {
        let folder = gateway.dir().join("baresip");
        fs::create_dir(&folder).expect("created");
        let ip = gateway.site.seat(1);
        let put = |name: &str, text: String| fs::write(folder.join(name), text).expect("written");
        // `sndfile` writes down what is decoded, before it reaches a player; `aubridge` is a
        // player without a sound card.
        let modules = ["g711", "aufile", "sndfile", "aubridge"];
        put(
            "config",
            format!(
                "module_path {}\nsip_listen {ip}:5060\nnet_interface {ip}\n\
                 rtp_ports 32000-32100\naudio_source aufile,{}\naudio_player aubridge,ear\n\
                 audio_alert aubridge,bell\nsnd_path {}\nausrc_srate 8000\n\
                 auplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n{}\
                 module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n",
                module_path(),
                tone_file(&folder).display(),
                folder.display(),
                modules.map(|name| format!("module {name}.so\n")).concat(),
            ),
        );
        let (user, password) = ("seat-1", account("seat-1").password);
        put(
            "accounts",
            format!(
                "<sip:{user}@{};transport=udp>;auth_user={user};auth_pass={password};\
                 answermode=auto;regint=300;audio_codecs=pcma\n",
                gateway.sip
            ),
        );
        put("contacts", String::new());
        let log = File::create(folder.join("baresip.log")).expect("created");
        let child = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("baresip is installed: make test installs it");
        Self { child, folder }
    }

    /// What it has heard, as soon as its file is complete.
    fn heard(&self) -> Vec<i16> {
        let file = until("baresip has closed its file", || {
            let mut names = fs::read_dir(&self.folder).ok()?.map_while(Result::ok);
            let heard = names.find(|e| e.file_name().to_string_lossy().ends_with("-dec.wav"))?;
            let bytes = fs::read(heard.path()).ok()?;
            let length = hound::WavReader::new(&bytes[..]).ok()?.len();
            (length > 0).then_some(bytes)
        });
        let (samples, rate) = channel(&file, 0);
        assert_eq!(rate, RATE);
        samples
    }
}

impl Drop for Softphone {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.folder.join("baresip.log");
            eprintln!("baresip:\n{}", fs::read_to_string(log).unwrap_or_default());
        }
    }
}

/// Asserts that nearly all of the audio is one tone, and that there is enough of it.
fn assert_tone(what: &str, samples: &[i16], hertz: f64, rate: u32) {
    let found = share(samples, hertz, rate);
    assert!(found > CLEAR, "{what}: {found:.3} of the power is {hertz} Hz in {}", samples.len());
    assert!(samples.len() > rate as usize, "{what}: only {} samples", samples.len());
}

#[test]
fn sound_passes_both_ways_and_into_the_recording() {
    let gateway = Centre { md5_only: true, ..Centre::default() }.start();
    let softphone = Softphone::start(&gateway);
    until("baresip has registered", || {
        (gateway.seat("seat-1").expect("listed")["state"] == "ready").then_some(())
    });

    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    call.invite(&trunk, audio.local_addr().expect("bound"));
    let answer = call.await_answer(&trunk);
    let heard = talk(&audio, answer.media(), CALLER_HERTZ, Duration::from_secs(3));
    call.hang_up(&trunk);

    assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
    assert_tone("the seat hears the caller", &softphone.heard(), CALLER_HERTZ, RATE);

    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    let id = incident.id();
    until("the recording is sealed", || {
        (!gateway.show(&id).text("recording.sha256").is_empty()).then_some(())
    });
    let wav = gateway.get(&format!("/api/v1/incidents/{id}/recording")).body;
    let (left, rate) = channel(&wav, 0);
    assert_tone("left is the caller", &left, CALLER_HERTZ, rate);
    let (right, rate) = channel(&wav, 1);
    assert_tone("right is the seat", &right, SEAT_HERTZ, rate);
    gateway.stop();
}
