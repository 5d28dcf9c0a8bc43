//! Recordings as files: every format is read by programs that are not ours, is cut anywhere and read
//! again, is locked and lost with its key; and with the real program: a disk that fills up in a call, a
//! kill, what is heard again of a live call, and what is deleted when room is short.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test says what it expects"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use siaga112::call::orders::{Channel, RecorderReport};
use siaga112::journal::{Entry, Fact};
use siaga112::media::tap::{Frame, RecorderHandle, RecorderOrder};
use siaga112::recording::{Format, Library, Recorder, RecordingError, RecordingSettings};
use siaga112::store::JournalWriter;
use siaga112::vocabulary::{
    CallId, Cause, Codec, Ending, IncidentId, Now, Party, Stage, StreamId, Uid, WallTime,
};
use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone};
use support::record::Incident;
use support::sipp::Sipp;
use support::tone::{channel as side, share, sine, talk};
use support::wait::{LIMIT, until};

const MEGABYTE: u64 = 1 << 20;

fn call(n: u32) -> CallId {
    CallId(Uid::new(WallTime(1_789_621_951_204_000), n))
}

/// A recorder that is given audio by the packet.
struct Bench {
    folder: tempfile::TempDir,
    settings: RecordingSettings,
    recorder: Option<Recorder>,
    /// Without it the recorder ends.
    tap: Option<RecorderHandle>,
    reports: Receiver<RecorderReport>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.tap = None;
        if let Some(recorder) = self.recorder.take() {
            recorder.stop();
        }
    }
}

impl Bench {
    fn new(format: Format, encrypt: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = RecordingSettings::plain(folder.path().join("recordings"));
        let master_key_file = folder.path().join("master.key");
        let settings = RecordingSettings { format, encrypt, master_key_file, ..plain };
        let (tell, reports) = channel();
        let report = move |report| tell.send(report).unwrap_or_default();
        let (recorder, tap) = Recorder::start(settings.clone(), Now::default, report).unwrap();
        Self { folder, settings, recorder: Some(recorder), tap: Some(tap), reports }
    }

    fn tap(&mut self) -> &mut RecorderHandle {
        self.tap.as_mut().unwrap()
    }

    /// The caller says 440 Hz, and from the fifth second on the operator 880 Hz.
    fn talk(&mut self, call: CallId, seconds: u64) {
        self.tap().order(RecorderOrder::Record { call, at: WallTime(0) }, 0);
        for number in 0..seconds * 50 {
            self.say(call, Channel::Caller, 440.0, number);
            if number >= 250 {
                self.say(call, Channel::Seat, 880.0, number);
            }
        }
    }

    fn say(&mut self, call: CallId, to: Channel, hertz: f64, number: u64) {
        let stamp = number as u32 * 160;
        let audio = sine(hertz, stamp..stamp + 160).map(audio_codec_algorithms::encode_alaw);
        let audio: Vec<u8> = audio.collect();
        let voice = (StreamId(to as u64), Codec::Pcma);
        let frame = Frame::new((call, to), voice, (7, stamp), number * 20_000, &audio).unwrap();
        until("there is room in the ring", || self.tap().frame(frame).then_some(()));
    }

    fn started(&self) -> String {
        let RecorderReport::Started { file, .. } = self.reports.recv_timeout(LIMIT).unwrap() else {
            panic!("not started");
        };
        file
    }

    /// Seals, and returns the file's name, its SHA-256 and its length in milliseconds.
    fn seal(&mut self, call: CallId, seconds: u64) -> (String, String, u64) {
        self.tap().order(RecorderOrder::Seal { call }, seconds * 1_000_000);
        match self.reports.recv_timeout(LIMIT).unwrap() {
            RecorderReport::Sealed { file, sha256, millis, .. } => (file, sha256, millis),
            other => panic!("{other:?}"),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.settings.folder.join(file)
    }

    /// The recording as a player gets it, in a file of its own.
    fn heard(&self, file: &str) -> PathBuf {
        let opened = heard(&self.settings, file).unwrap();
        let path = self.folder.path().join(file.trim_end_matches(".enc"));
        fs::write(&path, opened).unwrap();
        path
    }
}

fn heard(settings: &RecordingSettings, file: &str) -> Result<Vec<u8>, RecordingError> {
    let reader = Library::new(settings.clone()).open(file)?;
    let mut all = vec![0; reader.length() as usize];
    assert_eq!(reader.read_at(&mut all, 0).unwrap(), all.len());
    Ok(all)
}

/// Runs a program that must succeed; returns what it wrote to both outputs.
fn run(program: &str, words: &[&str]) -> (Vec<u8>, String) {
    let done =
        Command::new(program).args(words).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{program}: {told}");
    (done.stdout, told)
}

/// Both channels as FFmpeg decodes them, at 8,000 Hz.
fn ffmpeg(path: &Path) -> [Vec<i16>; 2] {
    let path = path.to_str().unwrap();
    let words = ["-v", "error", "-i", path, "-f", "s16le", "-ar", "8000", "-"];
    let (bytes, told) = run("ffmpeg", &words);
    assert_eq!(told, "", "FFmpeg is content");
    apart(&bytes)
}

fn apart(bytes: &[u8]) -> [Vec<i16>; 2] {
    let samples: Vec<i16> =
        bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    [0, 1].map(|side| samples.iter().skip(side).step_by(2).copied().collect())
}

fn level(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    (sum / samples.len() as f64).sqrt()
}

/// The caller is left and the operator right, each where it was spoken and nowhere else.
fn assert_sides([left, right]: &[Vec<i16>; 2], seconds: usize) {
    assert!(
        left.len().abs_diff(seconds * 8_000) <= 8 && left.len() == right.len(),
        "{}",
        left.len()
    );
    assert!(share(&left[800..], 440.0, 8_000) > 0.98);
    assert!(share(&right[40_800..], 880.0, 8_000) > 0.98);
    assert!(
        level(&right[..39_000]) < 8.0,
        "{} while the operator was silent",
        level(&right[..39_000])
    );
    // The operator's first loud sample: 5 s, within 2 ms.
    let begin = right.iter().position(|s| s.abs() > 2_000).unwrap();
    assert!((39_984..40_040).contains(&begin), "{begin}");
}

#[test]
fn opus_is_played_by_others_with_the_caller_left_and_the_operator_right() {
    let mut bench = Bench::new(Format::Ogg, false);
    bench.talk(call(1), 10);
    bench.started();
    let (file, sha256, millis) = bench.seal(call(1), 10);
    assert_eq!((file.clone(), millis), (format!("{}.ogg", call(1)), 10_000));
    let path = bench.path(&file);
    assert_sides(&ffmpeg(&path), 10);
    let (listed, _) = run("sha256sum", &[path.to_str().unwrap()]);
    assert!(String::from_utf8(listed).unwrap().starts_with(&sha256));
    // The Opus tools of its makers: no complaint, and the same sound.
    let (info, _) = run("opusinfo", &[path.to_str().unwrap()]);
    let info = String::from_utf8(info).unwrap();
    assert!(info.contains("Channels: 2") && info.contains("0m:10.000s"), "{info}");
    assert!(!info.to_lowercase().contains("warning"), "{info}");
    let wav = bench.folder.path().join("opusdec.wav");
    run("opusdec", &["--quiet", "--rate", "8000", path.to_str().unwrap(), wav.to_str().unwrap()]);
    assert_sides(&ffmpeg(&wav), 10);
    assert!(path.metadata().unwrap().len() < 10 * 32_000 / 3);
}

/// What a browser makes of a file: its channels, its seconds, and how loud each side is before and after
/// the fifth second.
fn browser(folder: &Path, path: &Path) -> Vec<f64> {
    let ear = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let bytes: Vec<String> = fs::read(path).unwrap().iter().map(u8::to_string).collect();
    let page = format!(
        "<script>
        const level = (all, from, to) => {{
          const part = all.slice(from * 48000, to * 48000);
          return Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / part.length);
        }};
        const file = new Uint8Array([{}]).buffer;
        new OfflineAudioContext(2, 1, 48000).decodeAudioData(file).then(audio => {{
          const [left, right] = [audio.getChannelData(0), audio.getChannelData(1)];
          return [audio.numberOfChannels, audio.duration, level(left, 0.1, 4.9), level(right, 0.1, 4.9),
                  level(left, 5.1, 9.9), level(right, 5.1, 9.9)];
        }}, () => ['not decoded']).then(told =>
          fetch('http://{}/' + told.join(';'), {{ mode: 'no-cors' }}));
        </script>",
        bytes.join(","),
        ear.local_addr().unwrap(),
    );
    let html = folder.join("page.html");
    fs::write(&html, page).unwrap();
    let mut chromium = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", html.display()))
        .stderr(Stdio::null())
        .spawn()
        .expect("chromium");
    let (mut told, _) = ear.accept().unwrap();
    let mut line = String::new();
    BufReader::new(&mut told).read_line(&mut line).unwrap();
    chromium.kill().unwrap();
    chromium.wait().unwrap();
    let figures = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    figures.split(';').map(|figure| figure.parse::<f64>().unwrap_or(f64::NAN)).collect()
}

#[test]
fn opus_is_played_by_browsers_with_each_voice_on_its_side() {
    let mut bench = Bench::new(Format::Ogg, false);
    bench.talk(call(8), 10);
    bench.started();
    let (file, ..) = bench.seal(call(8), 10);
    let told = browser(bench.folder.path(), &bench.path(&file));
    // A sine of 8,000 of 32,768 has a level of 0.173.
    for (figure, (wanted, near)) in told.iter().zip([
        (2.0, 0.0),
        (10.0, 0.01),
        (0.173, 0.015),
        (0.0, 0.0005),
        (0.173, 0.015),
        (0.173, 0.015),
    ]) {
        assert!((figure - wanted).abs() <= near, "{wanted} in {told:?}");
    }
    assert_eq!(told.len(), 6);
}

#[test]
fn an_encrypted_recording_is_the_plain_one_to_whoever_has_the_keys_and_nothing_to_others() {
    let (mut plain, mut locked) = (Bench::new(Format::Wav, false), Bench::new(Format::Wav, true));
    let mut files = Vec::new();
    for bench in [&mut plain, &mut locked] {
        bench.talk(call(2), 10);
        bench.started();
        files.push(bench.seal(call(2), 10));
    }
    let wav = fs::read(plain.path(&files[0].0)).unwrap();
    let name = &files[1].0;
    assert_eq!((name.clone(), files[1].2), (format!("{}.wav.enc", call(2)), 10_000));
    assert!(heard(&locked.settings, name).unwrap() == wav, "byte for byte");
    assert_sides(&ffmpeg(&locked.heard(name)), 10);
    // A piece from anywhere.
    let reader = Library::new(locked.settings.clone()).open(name).unwrap();
    let mut piece = [0; 5_000];
    for from in [0, 1, 43, 44, 1_023, 100_000, 319_000] {
        let count = reader.read_at(&mut piece, from).unwrap();
        let from = from as usize;
        assert!(piece[..count] == wav[from..wav.len().min(from + 5_000)], "from {from}");
    }
    // On disk there is no sound, only noise: whatever it is taken for, no tone is in it.
    let sealed = fs::read(locked.path(name)).unwrap();
    assert!(
        !sealed.windows(64).any(|part| wav[10_000..10_064] == *part || part.starts_with(b"RIFF"))
    );
    assert!(share(&apart(&sealed[16..])[0], 440.0, 8_000) < 0.01);
    let key = &locked.settings.master_key_file;
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // The file alone is worth nothing, nor is a key of another node.
    let other = RecordingSettings {
        master_key_file: plain.folder.path().join("other.key"),
        ..locked.settings.clone()
    };
    fs::write(&other.master_key_file, "ab".repeat(32)).unwrap();
    assert!(heard(&other, name).is_err());
    // Deleting drops the key: a copy of the audio that somebody kept is not opened by anything any more.
    let copy = locked.folder.path().join("copy");
    fs::copy(locked.path(name), &copy).unwrap();
    Library::new(locked.settings.clone()).delete(name).unwrap();
    fs::rename(copy, locked.path(name)).unwrap();
    assert!(heard(&locked.settings, name).is_err());
}

#[test]
fn a_file_of_any_kind_that_was_cut_off_anywhere_is_sealed_and_played_as_far_as_it_reaches() {
    for (format, encrypt) in
        [(Format::Wav, false), (Format::Ogg, false), (Format::Wav, true), (Format::Ogg, true)]
    {
        let mut bench = Bench::new(format, encrypt);
        bench.talk(call(3), 10);
        let file = bench.started();
        let path = bench.path(&file);
        // While it grows: all but the last second is there.
        let size = until("the file has grown", || {
            let size = path.metadata().unwrap().len();
            let library = Library::new(bench.settings.clone());
            let replayed = library.replay(call(3), 100).ok().flatten().unwrap_or_default();
            (replayed.len() >= 44 + 9 * 32_000).then_some(size)
        });
        let grown = fs::read(&path).unwrap();
        let mut lengths = BTreeSet::new();
        for cut in [0, 1, 7, 15, 600, 1_500, size / 2, size / 2 + 3, size - 20, size - 1, size] {
            fs::write(&path, &grown[..cut as usize]).unwrap();
            let library = Library::new(bench.settings.clone());
            let sealed =
                library.seal_left_over(&file).unwrap_or_else(|e| panic!("{file} {cut}: {e}"));
            assert_eq!(library.seal_left_over(&file).unwrap(), sealed, "{cut}: twice is once");
            assert!(library.open(&file).unwrap().is_whole());
            lengths.insert(sealed.millis);
            if sealed.millis > 0 {
                let [left, _] = ffmpeg(&bench.heard(&file));
                let heard = left.len() as u64 / 8;
                assert!(heard.abs_diff(sealed.millis) <= 20, "{heard} of {sealed:?}");
                if sealed.millis > 1_000 {
                    assert!(share(&left[400..], 440.0, 8_000) > 0.9, "{cut}");
                }
            }
        }
        assert!(lengths.contains(&0) && lengths.last().unwrap() > &9_000, "{lengths:?}");
        fs::write(&path, &grown).unwrap();
    }
}

#[test]
fn the_last_seconds_of_a_growing_recording_are_heard_in_every_format() {
    for (format, encrypt) in [(Format::Wav, false), (Format::Ogg, false), (Format::Ogg, true)] {
        let mut bench = Bench::new(format, encrypt);
        bench.talk(call(4), 20);
        bench.started();
        let library = Library::new(bench.settings.clone());
        until("all but the last second is there", || {
            let all = library.replay(call(4), 300).unwrap().unwrap();
            (all.len() > 44 + 19 * 32_000).then_some(())
        });
        let last = bench.folder.path().join("last.wav");
        fs::write(&last, library.replay(call(4), 5).unwrap().unwrap()).unwrap();
        let [left, right] = ffmpeg(&last);
        assert_eq!((left.len(), right.len()), (40_000, 40_000), "{format:?}");
        assert!(share(&left, 440.0, 8_000) > 0.98 && share(&right, 880.0, 8_000) > 0.98);
        // The recording itself never noticed.
        let (_, _, millis) = bench.seal(call(4), 20);
        assert_eq!(millis, 20_000);
        assert_eq!(library.replay(call(5), 5).unwrap(), None);
    }
}

#[test]
fn one_master_key_is_made_and_a_recorder_without_one_records_nothing_in_the_open() {
    let mut bench = Bench::new(Format::Wav, true);
    let key = fs::read(&bench.settings.master_key_file).unwrap();
    // Lost while the program runs: calls are not recorded, and that is said.
    fs::remove_file(&bench.settings.master_key_file).unwrap();
    bench.talk(call(6), 1);
    let RecorderReport::Failed { why, .. } = bench.reports.recv_timeout(LIMIT).unwrap() else {
        panic!("it was recorded");
    };
    assert!(why.contains("master.key") && why.contains("No such file"), "{why}");
    let in_the_open = fs::read_dir(&bench.settings.folder).unwrap();
    assert_eq!(in_the_open.filter(|f| f.as_ref().unwrap().path().is_file()).count(), 0);
    fs::write(&bench.settings.master_key_file, &key).unwrap();
    bench.talk(call(7), 1);
    bench.started();
    let (file, ..) = bench.seal(call(7), 1);
    assert!(heard(&bench.settings, &file).is_ok());
}

// ---- the real program --------------------------------------------------------------------------

fn caller(gateway: &Gateway) -> (Phone, Dialog) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    (trunk, call)
}

fn audio(gateway: &Gateway) -> UdpSocket {
    UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port")
}

fn alarms(gateway: &Gateway, name: &str) -> u64 {
    let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
    let wanted = format!("siaga112_alarms_total{{name=\"{name}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&wanted).map(str::to_owned));
    line.map_or(0, |count| count.parse().unwrap())
}

/// The incident once its recording and each further file is closed.
fn sealed(gateway: &Gateway, id: &str) -> Incident {
    until("every file is sealed", || {
        let incident = gateway.show(id);
        let is_sealed = |file: &serde_json::Value| file["state"] == "sealed";
        let further = incident.0["further_recordings"].as_array()?.iter().all(is_sealed);
        (further && is_sealed(&incident.0["recording"])).then_some(incident)
    })
}

#[test]
fn a_call_is_recorded_again_when_the_full_disk_has_room_and_every_part_is_kept() {
    // 300 KiB: nine seconds. Another file takes most of it.
    let gateway = Centre { recordings_kib: Some(300), ..Centre::default() }.start();
    let _seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    let media = call.await_answer(&trunk).media();
    let filler = gateway.recordings().join("filler");
    fs::write(&filler, vec![0; 200 << 10]).unwrap();
    let second = Duration::from_secs(1);
    talk(&audio, media, 440.0, second * 5);
    until("the failure is told", || (alarms(&gateway, "recording-failed") == 1).then_some(()));
    let ready = String::from_utf8(gateway.get("/readyz").body).unwrap();
    assert!(ready.contains("No space left"), "{ready}");
    // The disk stays full for a while: nobody is told again.
    talk(&audio, media, 440.0, second * 3);
    assert_eq!(alarms(&gateway, "recording-failed"), 1);
    fs::remove_file(&filler).unwrap();
    until("it goes on", || {
        talk(&audio, media, 440.0, second);
        (alarms(&gateway, "recording-resumed") == 1).then_some(())
    });
    talk(&audio, media, 440.0, second);
    call.hang_up(&trunk);
    let id = gateway.incident().id();
    assert_eq!(gateway.incident().ending(), "talking caller hung-up", "the call never noticed");
    let incident = sealed(&gateway, &id);
    let further = incident.0["further_recordings"].as_array().unwrap();
    assert_eq!(further.len(), 1, "{further:?}");
    let missed = further[0]["missed_millis"].as_u64().unwrap();
    assert!((3_000..12_000).contains(&missed), "{missed}");
    assert!(incident.text("recording.why").contains("No space left"));
    assert_eq!(incident.steps("recording-resumed"), 1);
    for (part, file) in [(1, &incident.0["recording"]), (2, &further[0])] {
        let answer = gateway.get(&format!("/api/v1/incidents/{id}/recording?part={part}"));
        assert_eq!(answer.status, 200, "part {part}");
        let path = gateway.dir().join(format!("part-{part}.wav"));
        fs::write(&path, &answer.body).unwrap();
        let [left, _] = ffmpeg(&path);
        assert_eq!(left.len() as u64 / 8, file["millis"].as_u64().unwrap());
        assert!(left.len() > 16_000 && share(&left[8_000..], 440.0, 8_000) > 0.9, "part {part}");
        let (sum, _) = run("sha256sum", &[path.to_str().unwrap()]);
        assert!(String::from_utf8(sum).unwrap().starts_with(file["sha256"].as_str().unwrap()));
    }
    for bad in ["part=3", "part=0", "part=x", "seconds=1"] {
        let status = gateway.get(&format!("/api/v1/incidents/{id}/recording?{bad}")).status;
        assert_eq!(status, if bad == "part=3" { 404 } else { 400 }, "{bad}");
    }
    let ready = String::from_utf8(gateway.get("/readyz").body).unwrap();
    assert!(!ready.contains("No space left"), "{ready}");
    gateway.stop();
}

#[test]
fn an_encrypted_call_is_heard_again_while_it_lasts_and_sealed_after_a_kill() {
    let centre = Centre { recording: "format = \"ogg\"\nencrypt = true\n", ..Centre::default() };
    let gateway = centre.start();
    assert!(gateway.log().contains("KEEP A COPY"));
    let seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call) = caller(&gateway);
    let audio = audio(&gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    let media = call.await_answer(&trunk).media();
    talk(&audio, media, 440.0, Duration::from_secs(5));
    let live = gateway.calls()[0].text("id");
    let replay = format!("/api/v1/calls/{live}/replay");
    let again = gateway.get(&format!("{replay}?seconds=3"));
    assert_eq!(again.status, 200, "{again:?}");
    // Three of five seconds with the tone to within a second of the end: two are full of it at least.
    let (left, rate) = side(&again.body, 0);
    assert_eq!((left.len(), rate), (24_000, 8_000));
    assert!(share(&left, 440.0, rate) > 0.95, "the caller is heard again");
    for (path, status) in [
        (format!("{replay}?seconds=0"), 400),
        (format!("{replay}?seconds=301"), 400),
        (format!("{replay}?second=3"), 400),
        (format!("/api/v1/calls/{}/replay", self::call(1)), 404),
        ("/api/v1/calls/..%2f..%2fx/replay".to_owned(), 404),
    ] {
        assert_eq!(gateway.get(&path).status, status, "{path}");
    }
    talk(&audio, media, 440.0, Duration::from_secs(1));

    let gateway = centre.restart(gateway);
    drop(seat);
    let id = gateway.incident().id();
    let incident = sealed(&gateway, &id);
    assert!(incident.text("recording.file").ends_with(".ogg.enc"));
    let answer = gateway.get(&format!("/api/v1/incidents/{id}/recording"));
    assert!(answer.body.starts_with(b"OggS"), "opened on the way");
    let path = gateway.dir().join("left-over.ogg");
    fs::write(&path, &answer.body).unwrap();
    let [left, _] = ffmpeg(&path);
    assert!(left.len() > 5 * 8_000 && share(&left[4_000..], 440.0, 8_000) > 0.95, "{}", left.len());
    // A part of it is the same part of the whole.
    let ranged = gateway.get_range(&format!("/api/v1/incidents/{id}/recording"), "bytes=1000-2999");
    assert_eq!((ranged.status, &ranged.body[..]), (206, &answer.body[1_000..3_000]));
    // Cut after it was sealed, it is not played as if it were whole.
    let file = gateway.recordings().join(incident.text("recording.file"));
    let length = file.metadata().unwrap().len();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 1).unwrap();
    assert_eq!(gateway.get(&format!("/api/v1/incidents/{id}/recording")).status, 500);
    gateway.stop();
}

#[test]
fn however_short_room_is_only_what_is_past_its_time_and_held_by_nobody_is_deleted() {
    let day = 86_400_000_000;
    let now = {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        i64::try_from(since.as_micros()).unwrap()
    };
    // Its number, how many days old it is, and whether it is held.
    let recordings = [(1, 90, false), (2, 60, true), (3, 40, false), (4, 5, false)];
    let centre = Centre { recording: "low_disk_mb = 1000000000\n", ..Centre::default() };
    let (gateway, ()) = centre.start_with(|_, config| {
        let rules = "[[keep]]\ncalls = [\"normal\", \"misrouted\", \"callback\", \"abandoned\", \
                     \"none\", \"prank\", \"ghost\", \"information\", \"test\"]\naudio_days = 30\n\
                     record_days = 3650\ntrace_days = 30\nground = \"pasal 42\"\n";
        fs::write(config.join("retention.toml"), rules).unwrap();
        let folder = config.join("data/recordings");
        fs::create_dir_all(&folder).unwrap();
        let (writer, _) = JournalWriter::open(&config.join("data/journal")).unwrap();
        let journal = writer.start(|_| {}).unwrap();
        for (n, days, held) in recordings {
            let (call, at) = (call(n), WallTime(now - days * day));
            let file = format!("{call}.wav");
            fs::write(folder.join(&file), b"RIFF").unwrap();
            let incident = IncidentId(call.0);
            let arrived = Fact::Arrived {
                call,
                incident,
                trunk: "telco-a".into(),
                source: String::new(),
                arrival: Box::default(),
            };
            let sealed = Fact::RecordingSealed {
                call,
                file: file.clone(),
                sha256: "00".repeat(32),
                millis: 1,
                bytes: 4,
            };
            let (by, why) = ("court".to_owned(), "case 7".to_owned());
            let hold = Fact::RecordingHeld { call, held: true, by, why };
            let started = Fact::RecordingStarted { call, file };
            let (stage, by, cause) = (Stage::Talking, Party::Caller, Cause::HungUp);
            let ending = Ending { stage, by, cause, q850: None };
            let ended = Fact::Ended { call, ending, caller_packets: None, seat_packets: None };
            let facts = [arrived, started, ended, sealed].into_iter().chain(held.then_some(hold));
            facts.for_each(|fact| journal.append(0, Entry { at, fact }));
        }
        assert_eq!(journal.stop(), 0);
    });
    let state = |n: u32| gateway.show(&call(n).to_string());
    until("the two are gone", || {
        let gone = [1, 3].into_iter().all(|n| state(n).text("recording.state") == "deleted");
        gone.then_some(())
    });
    for (n, left) in [(1, false), (2, true), (3, false), (4, true)] {
        let file = gateway.recordings().join(format!("{}.wav", call(n)));
        assert_eq!(file.exists(), left, "recording {n}");
        let status = gateway.get(&format!("/api/v1/incidents/{}/recording", call(n))).status;
        assert_eq!(status, if left { 200 } else { 404 }, "recording {n}");
    }
    let why = state(1).text("recording.why");
    assert!(why.starts_with("past its time: pasal 42"), "{why}");
    assert_eq!(state(1).steps("recording-deleted"), 1);
    // There is too little room, and that is said once.
    assert_eq!(alarms(&gateway, "recordings-disk-low"), 1);
    let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
    let free = metrics.lines().find_map(|l| l.strip_prefix("siaga112_recordings_free_bytes "));
    assert!(free.is_some_and(|free| free.parse::<f64>().unwrap() > MEGABYTE as f64), "{metrics}");
    // Once nobody holds it any more it goes as well.
    let hold = format!("/api/v1/incidents/{}/recording/hold", call(2));
    assert_eq!(gateway.post(&hold, "{\"hold\": 1}").status, 400);
    assert_eq!(gateway.post(&hold, "{\"hold\": false, \"why\": \"closed\"}").status, 204);
    until("nobody holds it", || (state(2).text("recording.held") == "false").then_some(()));
    // What is past its time is looked for once an hour, and at the start.
    let gateway = centre.restart(gateway);
    let state = |n: u32| gateway.show(&call(n).to_string());
    until("it is gone", || (state(2).text("recording.state") == "deleted").then_some(()));
    assert_eq!(state(4).text("recording.state"), "sealed");
    gateway.stop();
}
