//! Sounds that ffmpeg makes, over RTP into the real program: keys in the audio, fax machines, tones of
//! exchanges, a caller who falls silent. Each must stand on the board and on the record, and end nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod support;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;

use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone, sdp};
use support::record::Incident;
use support::seat::Seat;
use support::site::Site;
use support::tone::{closed, press, say};
use support::wait::until;

const AGENCY: &str = "+62811000119";

/// What ffmpeg makes of an input, at 8 kHz.
fn made(gateway: &Gateway, input: &[&str]) -> Vec<i16> {
    let file = gateway.dir().join("sound.wav");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y"]).args(input).args(["-ar", "8000", "-ac", "1"]).arg(&file);
    assert!(ffmpeg.status().expect("ffmpeg is installed: make test installs it").success());
    closed(&file).0
}

/// A wave: its value at `t`, in ffmpeg's words, for so many seconds.
fn wave(gateway: &Gateway, value: &str, seconds: f32) -> Vec<i16> {
    let source = format!("aevalsrc={value}:s=8000:d={seconds}").replace(',', "\\,");
    made(gateway, &["-f", "lavfi", "-i", &source])
}

/// A caller who talks with seat 1.
struct Talk {
    gateway: Gateway,
    seat: Seat,
    phone: Phone,
    audio: UdpSocket,
    call: Dialog,
    to: SocketAddr,
}

impl Talk {
    fn begin(events: bool) -> Self {
        Self::on(Centre::default().start_with(|_, _| ()).0, events)
    }

    /// `events`: the caller's line has telephone events.
    fn on(gateway: Gateway, events: bool) -> Self {
        let seat = Seat::sits(&gateway, 1);
        let phone = Phone::at(gateway.site.trunk(), 0, gateway.sip);
        let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
        let mut own = sdp(audio.local_addr().expect("bound"));
        if !events {
            let lines = own.replace("AVP 8 101", "AVP 8");
            own = lines
                .lines()
                .filter(|line| !line.contains(":101"))
                .map(|l| l.to_owned() + "\r\n")
                .collect();
        }
        let mut call = Dialog::new(&phone, "+6281234567890", &format!("sip:112@{}", gateway.sip));
        let contact = format!("Contact: <sip:trunk@{}>\r\n", phone.local());
        call.request(&phone, "INVITE", &contact, &own);
        seat.answers();
        let to = call.await_answer(&phone).media();
        Self { gateway, seat, phone, audio, call, to }
    }

    /// The caller lets hear a wave.
    fn plays(&self, value: &str, seconds: f32) {
        say(&self.audio, self.to, &wave(&self.gateway, value, seconds));
    }

    /// The caller says something: a recording of speech.
    fn speaks(&self) {
        let words = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts/id/diam-1.opus");
        say(&self.audio, self.to, &made(&self.gateway, &["-i", words]));
    }

    fn live(&self) -> Incident {
        self.gateway.calls().remove(0)
    }

    fn flags(&self) -> Vec<String> {
        let flags = self.live().0["flags"].as_array().cloned().unwrap_or_default();
        flags.iter().filter_map(|flag| flag.as_str()).map(str::to_owned).collect()
    }

    fn await_flags(&self, wanted: &[&str]) {
        until(&format!("{wanted:?} is shown"), || (self.flags() == wanted).then_some(()));
    }

    /// The caller hangs up; the record.
    fn ends(mut self) -> (Gateway, Incident) {
        self.call.hang_up(&self.phone);
        self.seat.is_hung_up();
        let incident = self.gateway.incident();
        assert_eq!(incident.ending(), "talking caller hung-up");
        (self.gateway, incident)
    }
}

#[test]
fn keys_in_the_audio_of_a_line_without_events_are_shown_and_kept() {
    let talk = Talk::begin(false);
    talk.speaks();
    // 5, 5, 0, #, D.
    for (row, column) in [(770, 1336), (770, 1336), (941, 1336), (941, 1477), (941, 1633)] {
        talk.plays(&format!("(sin(2*PI*{row}*t)+sin(2*PI*{column}*t))/5*lt(t,0.08)"), 0.16);
    }
    until("the keys are shown", || (talk.live().text("keys") == "550#D").then_some(()));
    let (gateway, incident) = talk.ends();
    assert_eq!([incident.keys("caller"), incident.keys("seat")], ["550#D", ""]);
    assert_eq!(incident.heard(), Vec::<String>::new());
    gateway.stop();
}

#[test]
fn the_same_tones_are_no_keys_where_the_line_has_events() {
    let talk = Talk::begin(true);
    talk.plays("(sin(2*PI*770*t)+sin(2*PI*1336*t))/5*lt(t,0.2)", 0.4);
    press(&talk.audio, talk.to, 9);
    until("the event is shown", || talk.live().text("keys").contains('9').then_some(()));
    let (gateway, incident) = talk.ends();
    assert_eq!(incident.keys("caller"), "9", "the tones would be the event once more");
    gateway.stop();
}

#[test]
fn a_fax_that_calls_or_answers_in_a_talk_is_shown_and_kept() {
    for wave in ["sin(2*PI*1100*t)/4*lt(mod(t,3.5),0.5)", "sin(2*PI*2100*t)/4*gt(t,0.2)"] {
        let talk = Talk::begin(true);
        talk.plays(wave, 3.4);
        talk.await_flags(&["fax"]);
        let (gateway, incident) = talk.ends();
        assert_eq!(incident.heard(), ["caller fax"]);
        gateway.stop();
    }
}

/// A carrier that numbers are called through, at a phone of ours.
fn carrier(site: &Site, config: &Path) -> SocketAddr {
    let at = SocketAddr::new(site.seat(7).into(), 5060);
    let trunk = format!("[[trunk]]\nname = \"keluar\"\ntarget = \"sip:{at}\"\nprobe_seconds = 0\n");
    fs::write(config.join("trunks/keluar.toml"), trunk).expect("written");
    at
}

#[test]
fn a_number_that_plays_the_tones_of_an_exchange_after_its_answer_is_told_of() {
    let (gateway, at) = Centre::default().start_with(carrier);
    let carrier = Phone::at(at.ip(), at.port(), gateway.sip);
    let audio = UdpSocket::bind((at.ip(), 0)).expect("a free port");
    let mut talk = Talk::on(gateway, true);
    let id = talk.live().text("id");
    let body = format!("{{\"to\": \"{AGENCY}\", \"part\": \"talk\"}}");
    let answer = talk.gateway.post(&format!("/api/v1/calls/{id}/parties"), &body);
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let (_, invite) = Dialog::pick_up(&carrier, audio.local_addr().expect("bound"));
    let to = invite.media();
    let plays = |value, seconds| say(&audio, to, &wave(&talk.gateway, value, seconds));
    plays("sin(2*PI*425*t)/4*lt(mod(t,5),1)", 5.0);
    talk.await_flags(&["called-ring-back"]);
    plays("sin(2*PI*425*t)/4*lt(mod(t,1),0.5)", 4.0);
    talk.await_flags(&["called-ring-back", "called-busy-tone"]);
    talk.call.hang_up(&talk.phone);
    carrier.accept(&carrier.await_request("BYE"));
    let incident = talk.gateway.incident();
    assert_eq!(incident.heard(), ["seat ring-back", "seat busy-tone"]);
    talk.gateway.stop();
}

#[test]
fn a_caller_who_says_nothing_for_half_a_minute_is_told_of_until_they_speak() {
    let talk = Talk::begin(true);
    talk.plays("(random(0)-0.5)/500", 31.0);
    let quiet = || talk.live().0["caller_quiet_seconds"].as_u64();
    until("the caller is quiet", || quiet().filter(|seconds| *seconds >= 30));
    talk.speaks();
    until("the caller speaks", || quiet().is_none().then_some(()));
    let (gateway, incident) = talk.ends();
    assert_eq!(["caller-quiet", "caller-speaks"].map(|fact| incident.steps(fact)), [1, 1]);
    gateway.stop();
}
