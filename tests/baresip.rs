//! Calls between a trunk and a real softphone, baresip, over UDP, TCP and TLS, with the audio
//! measured at both ends and in the recording: 440 Hz from the caller, 880 Hz from the seat.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::gateway::{Centre, Gateway, account};
use support::phone::{Dialog, Phone};
use support::sipp::Sipp;
use support::site::Site;
use support::tone::{self, CALLER_HERTZ, RATE, SEAT_HERTZ, assert_tone, channel, talk};
use support::wait::until;

/// What a second seat sends.
const OTHER_HERTZ: f64 = 660.0;
/// Where baresip is told what to do.
const CONTROL_PORT: u16 = 4444;

/// Where baresip's modules are: Debian's package, or built from source.
fn module_path() -> &'static str {
    let places = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let found = places.into_iter().find(|place| Path::new(place).is_dir());
    found.expect("baresip is installed: make test installs it")
}

/// baresip as the phone of a seat: registers, answers by itself, plays a tone, keeps what it hears.
struct Softphone {
    child: Child,
    folder: PathBuf,
    ip: Ipv4Addr,
}

impl Softphone {
    /// The phone of a seat, registered: the tone is what it plays.
    fn start(gateway: &Gateway, number: u8, transport: &str, hertz: f64) -> Self {
        Self::speaking(gateway, number, transport, hertz, "audio_codecs=pcma", &["g711"])
    }

    /// The same with settings of its account and the modules that they need.
    fn speaking(
        gateway: &Gateway,
        number: u8,
        transport: &str,
        hertz: f64,
        settings: &str,
        more: &[&str],
    ) -> Self {
        let user = format!("seat-{number}");
        let folder = gateway.dir().join(&user);
        fs::create_dir(&folder).expect("created");
        let ip = gateway.site.seat(number);
        let put = |name: &str, text: String| fs::write(folder.join(name), text).expect("written");
        // baresip's own tone source knows only 48 kHz.
        let sound = folder.join("tone.wav");
        tone::file(&sound, hertz);
        // `sndfile` writes down what is decoded, before it reaches a player; `aubridge` is a
        // player without a sound card.
        let modules = ["aufile", "sndfile", "aubridge"];
        let modules = more.iter().chain(&modules);
        put(
            "config",
            format!(
                "module_path {}\nsip_listen {ip}:5060\nnet_interface {ip}\n\
                 sip_cafile {}\nsip_verify_server yes\nctrl_tcp_listen {ip}:{CONTROL_PORT}\n\
                 rtp_ports 32000-32100\naudio_source aufile,{}\naudio_player aubridge,ear\n\
                 audio_alert aubridge,bell\nsnd_path {}\nausrc_srate 8000\n\
                 auplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n{}\
                 module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n\
                 module_app ctrl_tcp.so\n",
                module_path(),
                gateway.authority_file().display(),
                sound.display(),
                folder.display(),
                modules.map(|name| format!("module {name}.so\n")).collect::<String>(),
            ),
        );
        put(
            "accounts",
            format!(
                "<sip:{user}@{};transport={transport}>;auth_user={user};auth_pass={};\
                 answermode=auto;regint=300;{settings}\n",
                gateway.at(transport),
                account(&user).password,
            ),
        );
        put("contacts", String::new());
        let log = File::create(folder.join("baresip.log")).expect("created");
        let child = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .arg("-s")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("baresip is installed: make test installs it");
        let phone = Self { child, folder, ip };
        gateway.await_seat(&user, "ready");
        phone
    }

    /// A command of its menu, as a netstring of JSON; it answers that it has understood.
    fn command(&self, command: &str, parameters: &str) {
        let mut control = TcpStream::connect((self.ip, CONTROL_PORT)).expect("ctrl_tcp is loaded");
        let json = serde_json::json!({ "command": command, "params": parameters }).to_string();
        write!(control, "{}:{json},", json.len()).expect("sent");
        let (mut answer, mut piece) = (String::new(), [0; 4096]);
        until("baresip has done it", || {
            let length = control.read(&mut piece).expect("it is there");
            assert!(length > 0, "baresip closed: {answer}");
            answer += &String::from_utf8_lossy(&piece[..length]);
            answer.contains("\"response\":true,\"ok\":true").then_some(())
        });
    }

    /// What it has heard in its call number `call`, as soon as the file is complete.
    fn heard(&self, call: usize) -> Vec<i16> {
        let (samples, rate) = tone::closed(&self.recorded(call));
        assert_eq!(rate, RATE);
        samples
    }

    /// The file of what it has heard in its call number `call`.
    fn recorded(&self, call: usize) -> PathBuf {
        until("baresip has made its file", || {
            let names = fs::read_dir(&self.folder).ok()?.map_while(Result::ok);
            let mut heard: Vec<PathBuf> = names.map(|entry| entry.path()).collect();
            heard.retain(|path| path.to_string_lossy().ends_with("-dec.wav"));
            heard.sort();
            heard.into_iter().nth(call)
        })
    }

    /// Its log: every message, sent and received.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("baresip.log")).unwrap_or_default()
    }
}

impl Drop for Softphone {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("baresip:\n{}", self.log());
        }
    }
}

/// A call from the trunk that has been answered, and where its audio goes.
fn call(gateway: &Gateway) -> (Phone, Dialog, UdpSocket, SocketAddr) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    call.invite(&trunk, audio.local_addr().expect("bound"));
    let answer = call.await_answer(&trunk);
    (trunk, call, audio, answer.media())
}

#[test]
fn sound_passes_both_ways_and_into_the_recording() {
    let gateway = Centre { md5_only: true, ..Centre::of_every_transport() }.start();
    let softphone = Softphone::start(&gateway, 1, "udp", SEAT_HERTZ);
    let (trunk, mut call, audio, to) = call(&gateway);
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(3));
    call.hang_up(&trunk);

    assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
    assert_tone("the seat hears the caller", &softphone.heard(0), CALLER_HERTZ, RATE);

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

/// Two calls to a phone on a connection: the caller ends the first, the seat the second.
fn two_calls_over(transport: &str) {
    let gateway = Centre { md5_only: true, ..Centre::of_every_transport() }.start();
    let softphone = Softphone::start(&gateway, 1, transport, SEAT_HERTZ);
    for (number, seat_ends) in [false, true].into_iter().enumerate() {
        let (trunk, mut call, audio, to) = call(&gateway);
        let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(2));
        if seat_ends {
            softphone.command("hangup", "");
            trunk.accept(&trunk.await_request("BYE"));
        } else {
            call.hang_up(&trunk);
        }
        assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
        assert_tone("the seat hears the caller", &softphone.heard(number), CALLER_HERTZ, RATE);
        gateway.await_seat("seat-1", "ready");
    }
    let endings: Vec<String> = gateway.incidents(2).iter().map(|i| i.ending()).collect();
    assert_eq!(endings, ["talking caller hung-up", "talking seat hung-up"]);
    let via = format!("Via: SIP/2.0/{} {}", transport.to_uppercase(), gateway.at(transport));
    assert!(softphone.log().contains(&via), "our requests went over {transport}");
    drop(softphone);
    gateway.await_seat("seat-1", "paused");
    gateway.stop();
}

#[test]
fn a_phone_on_tcp_talks_and_either_side_hangs_up() {
    two_calls_over("tcp");
}

#[test]
fn a_phone_on_tls_that_checks_our_certificate_talks_and_either_side_hangs_up() {
    two_calls_over("tls");
}

#[test]
fn a_phone_on_tls_transfers_its_caller_to_one_on_udp() {
    let centre = Centre { seats: 2, md5_only: true, ..Centre::of_every_transport() };
    let gateway = centre.start();
    // The seat that signed in first has been idle longest.
    let first = Softphone::start(&gateway, 1, "tls", SEAT_HERTZ);
    let second = Softphone::start(&gateway, 2, "udp", OTHER_HERTZ);
    let (trunk, mut call, audio, to) = call(&gateway);
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(2));
    assert_tone("the caller hears the first seat", &heard, SEAT_HERTZ, RATE);
    first.command("transfer", "sip:seat-2@112.sumenep.example");
    gateway.await_seat("seat-1", "ready");
    gateway.await_seat("seat-2", "talking");
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(2));
    call.hang_up(&trunk);
    assert_tone("the caller hears the second seat", &heard, OTHER_HERTZ, RATE);
    assert_tone("the first seat heard the caller", &first.heard(0), CALLER_HERTZ, RATE);
    assert_tone("the second seat heard the caller", &second.heard(0), CALLER_HERTZ, RATE);
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

/// A call to a phone that speaks so, over a centre whose seats are set so: both hear each other. What the
/// phone says of it.
fn speaks(seat_lines: &'static str, settings: &str, modules: &[&str]) -> String {
    let centre = Centre { md5_only: true, seat_lines, ..Centre::of_every_transport() };
    let gateway = centre.start();
    let softphone = Softphone::speaking(&gateway, 1, "tls", SEAT_HERTZ, settings, modules);
    let (trunk, mut call, audio, to) = call(&gateway);
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(3));
    call.hang_up(&trunk);
    assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
    let (ear, rate) = tone::closed(&softphone.recorded(0));
    assert_tone("the seat hears the caller", &ear, CALLER_HERTZ, rate);
    let log = softphone.log();
    gateway.stop();
    log
}

#[test]
fn a_phone_that_speaks_only_g722_or_opus_is_understood() {
    for (codec, module) in [("g722", "g722"), ("opus/48000/2", "opus")] {
        let log = speaks("", &format!("audio_codecs={codec}"), &[module]);
        assert!(log.to_lowercase().contains(module), "{log}");
    }
}

#[test]
fn a_phone_talks_with_keys_in_its_description_where_they_are_wanted_and_where_they_are_must() {
    for (lines, settings, profile) in [
        ("srtp = \"preferred\"\n", "audio_codecs=pcma;mediaenc=srtp", "RTP/AVP"),
        ("srtp = \"required\"\n", "audio_codecs=pcma;mediaenc=srtp-mand", "RTP/SAVP"),
    ] {
        let log = speaks(lines, settings, &["g711", "srtp"]);
        assert!(log.contains(profile) && log.contains("a=crypto:"), "{log}");
    }
}

#[test]
fn keys_that_baresip_presses_are_on_the_record_each_once() {
    let gateway = Centre { md5_only: true, ..Centre::of_every_transport() }.start();
    let softphone = Softphone::start(&gateway, 1, "udp", SEAT_HERTZ);
    let (trunk, mut call, audio, to) = call(&gateway);
    let id = gateway.calls()[0].text("incident");
    softphone.command("sndcode", "2#2*");
    let keys = || gateway.show(&id).keys("seat");
    until("the keys are on the record", || (keys().len() >= 4).then_some(()));
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(2));
    call.hang_up(&trunk);
    assert_tone("the caller hears the seat after it", &heard, SEAT_HERTZ, RATE);
    gateway.incident();
    assert_eq!(keys(), "2#2*");
    gateway.stop();
}

#[test]
fn three_phones_hear_each_other_and_who_listens_is_not_heard() {
    let gateway = Centre { seats: 3, md5_only: true, ..Centre::of_every_transport() }.start();
    let first = Softphone::start(&gateway, 1, "udp", SEAT_HERTZ);
    let (trunk, mut call, audio, to) = call(&gateway);
    talk(&audio, to, CALLER_HERTZ, Duration::from_millis(500));
    // The second speaks another codec: everybody hears everybody all the same.
    let settings = "audio_codecs=opus/48000/2";
    let second = Softphone::speaking(&gateway, 2, "tcp", OTHER_HERTZ, settings, &["opus"]);
    let third = Softphone::start(&gateway, 3, "udp", 1_200.0);
    let id = gateway.calls()[0].text("id");
    let bring = |seat: &str, part: &str| {
        let body = format!("{{\"to\": \"{seat}\", \"part\": \"{part}\"}}");
        let answer = gateway.post(&format!("/api/v1/calls/{id}/parties"), &body);
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    };
    bring("seat-2", "talk");
    bring("seat-3", "listen");
    until("all are there", || {
        let parties = gateway.calls()[0].0["parties"].as_array().cloned().unwrap_or_default();
        let here = parties.iter().filter(|party| party["state"] == "here").count();
        (here == 2).then_some(())
    });
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(3));
    call.hang_up(&trunk);
    let late = |samples: &[i16]| samples[samples.len() / 2..samples.len() * 9 / 10].to_vec();
    let hears = |who: &str, samples: &[i16], rate: u32, tones: &[f64]| {
        for hertz in [CALLER_HERTZ, SEAT_HERTZ, OTHER_HERTZ, 1_200.0] {
            let part = tone::share(&late(samples), hertz, rate);
            assert_eq!(part > 0.15, tones.contains(&hertz), "{who}: {part:.3} is {hertz} Hz");
        }
    };
    hears("the caller", &heard, RATE, &[SEAT_HERTZ, OTHER_HERTZ]);
    hears("the operator", &first.heard(0), RATE, &[CALLER_HERTZ, OTHER_HERTZ]);
    let (ear, rate) = tone::closed(&second.recorded(0));
    hears("the agency", &ear, rate, &[CALLER_HERTZ, SEAT_HERTZ]);
    hears("the supervisor", &third.heard(0), RATE, &[CALLER_HERTZ, SEAT_HERTZ, OTHER_HERTZ]);
    let incident = gateway.incident();
    let steps = ["party-invited", "party-joined", "party-left"].map(|step| incident.steps(step));
    assert_eq!(steps, [2, 2, 2]);
    gateway.stop();
}

#[test]
fn a_supervisor_listens_whispers_joins_in_and_takes_over_and_each_is_heard_by_whom_it_is_for() {
    let gateway = Centre { seats: 2, md5_only: true, ..Centre::of_every_transport() }.start();
    let operator = Softphone::start(&gateway, 1, "udp", SEAT_HERTZ);
    let (trunk, mut call, audio, to) = call(&gateway);
    talk(&audio, to, CALLER_HERTZ, Duration::from_millis(500));
    let supervisor = Softphone::start(&gateway, 2, "tcp", OTHER_HERTZ);
    let id = gateway.calls()[0].text("id");
    let parties = format!("/api/v1/calls/{id}/parties");
    let answer = gateway.post(&parties, r#"{"to": "seat-2", "part": "listen"}"#);
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    until("the supervisor is there", || {
        (gateway.calls()[0].text("parties.0.state") == "here").then_some(())
    });
    let hears = |who: &str, samples: &[i16], tones: &[f64]| {
        for hertz in [CALLER_HERTZ, SEAT_HERTZ, OTHER_HERTZ] {
            let part = tone::share(samples, hertz, RATE);
            assert_eq!(part > 0.15, tones.contains(&hertz), "{who}: {part:.3} is {hertz} Hz");
        }
    };
    // What is on its way at a change is not looked at. The phones hang up when their tone is over, after 10 s.
    let span = Duration::from_millis(1_900);
    let next = || talk(&audio, to, CALLER_HERTZ, span).split_off(RATE as usize * 3 / 4);
    let changes = |part: &str| {
        let answer = gateway.patch(&format!("{parties}/1"), &format!("{{\"part\": \"{part}\"}}"));
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    };
    hears("the caller, of who listens", &next(), &[SEAT_HERTZ]);
    changes("whisper");
    hears("the caller, of who whispers", &next(), &[SEAT_HERTZ]);
    changes("talk");
    hears("the caller, of who talks", &next(), &[SEAT_HERTZ, OTHER_HERTZ]);
    let answer = gateway.post(&format!("{parties}/1/take-over"), "");
    assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    hears("the caller, of who took over", &next(), &[OTHER_HERTZ]);
    call.hang_up(&trunk);

    // The operator's phone was let go before; it heard who listened not at all, then both.
    let ear = operator.heard(0);
    let tenth = ear.len() / 10;
    hears("the operator, at first", &ear[tenth..3 * tenth], &[CALLER_HERTZ]);
    hears(
        "the operator, when whispered to",
        &ear[5 * tenth..6 * tenth],
        &[CALLER_HERTZ, OTHER_HERTZ],
    );
    hears("the operator, at last", &ear[8 * tenth..9 * tenth], &[CALLER_HERTZ, OTHER_HERTZ]);
    let ear = supervisor.heard(0);
    let tenth = ear.len() / 10;
    hears("the supervisor, at first", &ear[tenth..6 * tenth], &[CALLER_HERTZ, SEAT_HERTZ]);
    hears("the supervisor, at last", &ear[8 * tenth..9 * tenth], &[CALLER_HERTZ]);
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert_eq!([incident.steps("party-changed"), incident.steps("party-took-over")], [2, 1]);
    gateway.stop();
}

#[test]
fn an_agency_that_is_left_with_the_caller_hangs_up_and_the_operator_s_phone_rings_again() {
    let centre = Centre { md5_only: true, ..Centre::of_every_transport() };
    // Where the carrier of the agency is.
    let agency = |site: &Site| site.seat(9);
    let (gateway, ()) = centre.start_with(|site, config| {
        let trunk = format!(
            "[[trunk]]\nname = \"damkar\"\ntarget = \"sip:{}:5060\"\nprobe_seconds = 0\n\
             area_code = \"0328\"\nanswer = \"on_agent\"\n",
            agency(site)
        );
        fs::write(config.join("trunks/damkar.toml"), trunk).expect("written");
    });
    let operator = Softphone::start(&gateway, 1, "udp", SEAT_HERTZ);
    let (trunk, mut call, audio, to) = call(&gateway);
    let at = agency(&gateway.site);
    let talks = Sipp::at(&gateway, at, "seat/seat-hangs-up-expect-200").with(&["-d", "4000"]);
    let talks = talks.start();
    until("the agency listens", || UdpSocket::bind((at, 5060)).is_err().then_some(()));
    let id = gateway.calls()[0].text("id");
    let body = r#"{"to": "+62811000113", "part": "talk"}"#;
    let answer = gateway.post(&format!("/api/v1/calls/{id}/parties"), body);
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    until("the agency is there", || {
        (gateway.calls()[0].text("parties.0.state") == "here").then_some(())
    });
    operator.command("hangup", "");
    until("the agency has the caller", || gateway.calls()[0].text("seat").is_empty().then_some(()));
    assert_eq!(gateway.calls()[0].text("state"), "talking");
    // The agency says BYE, and gets its 200; the operator's phone answers by itself.
    talks.finish();
    gateway.await_seat("seat-1", "talking");
    let heard = talk(&audio, to, CALLER_HERTZ, Duration::from_secs(2));
    call.hang_up(&trunk);
    assert_tone("the caller hears the operator again", &heard, SEAT_HERTZ, RATE);
    assert_tone("and is heard", &operator.heard(1), CALLER_HERTZ, RATE);
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert_eq!(
        ["party-took-over", "queued", "answered"].map(|step| incident.steps(step)),
        [1, 2, 2]
    );
    assert!(gateway.log().contains("caller-left"), "{}", gateway.log());
    gateway.stop();
}
