//! Tones over RTP and how much of one is in a piece of audio.

use std::f64::consts::TAU;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use audio_codec_algorithms::{decode_alaw, encode_alaw};

use super::wait::{Deadline, until};

/// Samples a second of every stream here.
pub const RATE: u32 = 8000;
/// What callers send.
pub const CALLER_HERTZ: f64 = 440.0;
/// What seats send.
pub const SEAT_HERTZ: f64 = 880.0;
/// Part of the power that must be the expected tone. A relay that mixes, repeats or drops audio
/// falls far below; the rest is the beginning and the end of the call.
const CLEAR: f64 = 0.8;
/// Samples of one packet, 20 ms.
const FRAME: u32 = 160;

/// Sends a tone as PCMA for `span` and returns the samples that arrive meanwhile.
pub fn talk(socket: &UdpSocket, to: SocketAddr, hertz: f64, span: Duration) -> Vec<i16> {
    let packets = u32::try_from(span.as_millis() / 20).expect("a short tone");
    send(socket, to, (0..packets).map(|number| packet(number, hertz)))
}

/// Says samples as PCMA and returns those that arrive meanwhile.
pub fn say(socket: &UdpSocket, to: SocketAddr, samples: &[i16]) -> Vec<i16> {
    let pieces = samples.chunks_exact(FRAME as usize).enumerate();
    let number = |n: usize| u32::try_from(n).expect("a short time");
    send(socket, to, pieces.map(|(n, piece)| coded(number(n), piece.iter().copied())))
}

/// Presses a key: events of RFC 4733 with payload type 101, 100 ms, and the end three times.
pub fn press(socket: &UdpSocket, to: SocketAddr, key: u8) {
    let one = |number: u16| {
        let mut bytes = vec![0x80, if number == 1 { 0xe5 } else { 0x65 }];
        bytes.extend((1000 + number).to_be_bytes());
        bytes.extend(160_000_u32.to_be_bytes());
        bytes.extend(0x1120_0001_u32.to_be_bytes());
        bytes.extend([key, if number > 5 { 0x8a } else { 0x0a }]);
        bytes.extend((number.min(5) * 160).to_be_bytes());
        bytes
    };
    send(socket, to, (1..=8).map(one));
}

/// Sends a packet each 20 ms and returns the samples that arrive meanwhile.
fn send(
    socket: &UdpSocket,
    to: SocketAddr,
    packets: impl ExactSizeIterator<Item = Vec<u8>>,
) -> Vec<i16> {
    let ear = socket.try_clone().expect("a second handle");
    let span = Duration::from_millis(20) * u32::try_from(packets.len()).expect("a short time");
    std::thread::scope(|scope| {
        let heard = scope.spawn(|| listen(&ear, Deadline::after(span)));
        let mut beat = Deadline::after(Duration::ZERO);
        for packet in packets {
            beat.sleep();
            beat = beat.later(Duration::from_millis(20));
            socket.send_to(&packet, to).expect("loopback takes RTP");
        }
        heard.join().expect("the listener ends")
    })
}

/// Samples of a tone, a quarter of full scale.
#[allow(clippy::cast_possible_truncation, reason = "the amplitude is 8000")]
pub fn sine(hertz: f64, samples: Range<u32>) -> impl Iterator<Item = i16> {
    samples.map(move |sample| {
        ((TAU * hertz * f64::from(sample) / f64::from(RATE)).sin() * 8000.0) as i16
    })
}

fn packet(number: u32, hertz: f64) -> Vec<u8> {
    coded(number, sine(hertz, number * FRAME..(number + 1) * FRAME))
}

#[allow(clippy::cast_possible_truncation, reason = "RTP's sequence number wraps")]
fn coded(number: u32, samples: impl Iterator<Item = i16>) -> Vec<u8> {
    let mut bytes = vec![0x80, if number == 0 { 0x88 } else { 8 }];
    bytes.extend((number as u16).to_be_bytes());
    bytes.extend((number * FRAME).to_be_bytes());
    bytes.extend(0x1120_0001_u32.to_be_bytes());
    bytes.extend(samples.map(encode_alaw));
    bytes
}

/// The samples that arrive until then.
pub fn listen(socket: &UdpSocket, deadline: Deadline) -> Vec<i16> {
    let (mut samples, mut buffer) = (Vec::new(), [0; 1500]);
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout is set");
    while !deadline.has_passed() {
        if let Ok(length @ 13..) = socket.recv(&mut buffer)
            && buffer[1] & 0x7f == 8
        {
            samples.extend(buffer[12..length].iter().map(|&byte| decode_alaw(byte)));
        }
    }
    samples
}

/// Which part of the audio's power is the tone, 0 to 1 (Goertzel's filter over each tenth of a
/// second, so that a gap or a jump of phase spoils only its own piece).
pub fn share(samples: &[i16], hertz: f64, rate: u32) -> f64 {
    let (mut tone, mut all) = (0.0, f64::EPSILON);
    for piece in samples.chunks_exact(rate as usize / 10) {
        let turn = 2.0 * (TAU * hertz / f64::from(rate)).cos();
        let (mut last, mut before) = (0.0, 0.0);
        for &sample in piece {
            (last, before) = (f64::from(sample) + turn * last - before, last);
            all += f64::from(sample).powi(2);
        }
        let power = last * last + before * before - turn * last * before;
        tone += 2.0 * power / piece.len() as f64;
    }
    tone / all
}

/// How many tenths of a second are nearly nothing but one tone. Where packets went astray a tenth
/// may be lost.
pub fn tenths(samples: &[i16], hertz: f64) -> usize {
    let pieces = samples.chunks_exact(RATE as usize / 10);
    pieces.filter(|piece| share(piece, hertz, RATE) > CLEAR).count()
}

/// Asserts that nearly all of the audio is one tone, and that there is enough of it.
pub fn assert_tone(what: &str, samples: &[i16], hertz: f64, rate: u32) {
    let found = share(samples, hertz, rate);
    assert!(found > CLEAR, "{what}: {found:.3} of the power is {hertz} Hz in {}", samples.len());
    assert!(samples.len() > rate as usize, "{what}: only {} samples", samples.len());
}

/// Caller and seat talk with each other for two seconds: each must hear the other's tone.
pub fn assert_talk(caller: (&UdpSocket, SocketAddr), seat: (&UdpSocket, SocketAddr)) {
    let span = Duration::from_secs(2);
    std::thread::scope(|scope| {
        let seat = scope.spawn(move || talk(seat.0, seat.1, SEAT_HERTZ, span));
        let heard = talk(caller.0, caller.1, CALLER_HERTZ, span);
        assert_tone("the caller hears the seat", &heard, SEAT_HERTZ, RATE);
        let heard = seat.join().expect("the seat talks");
        assert_tone("the seat hears the caller", &heard, CALLER_HERTZ, RATE);
    });
}

/// Ten seconds of a tone as a WAV file of 8 kHz.
pub fn file(path: &Path, hertz: f64) {
    piece(path, hertz, 10 * RATE);
}

/// So many samples of a tone as a WAV file of 8 kHz.
pub fn piece(path: &Path, hertz: f64, samples: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).expect("created");
    for sample in sine(hertz, 0..samples) {
        file.write_sample(sample).expect("written");
    }
    file.finalize().expect("written");
}

/// The samples of a WAV file that another process writes, as soon as it has closed it.
pub fn closed(path: &Path) -> (Vec<i16>, u32) {
    let file = until(&format!("{} is closed", path.display()), || {
        let bytes = std::fs::read(path).ok()?;
        let length = hound::WavReader::new(&bytes[..]).ok()?.len();
        (length > 0).then_some(bytes)
    });
    channel(&file, 0)
}

/// One channel of a WAV file's bytes, and its rate.
pub fn channel(wav: &[u8], number: u16) -> (Vec<i16>, u32) {
    let mut reader = hound::WavReader::new(wav).expect("a WAV file");
    let (channels, rate) = (usize::from(reader.spec().channels), reader.spec().sample_rate);
    assert!(usize::from(number) < channels, "{channels} channels");
    let samples = reader.samples::<i16>().map(|s| s.expect("16-bit samples"));
    (samples.skip(number.into()).step_by(channels).collect(), rate)
}

#[test]
fn a_tone_is_told_from_another_and_from_noise() {
    let piece: Vec<i16> =
        (0..10).flat_map(|n| packet(n, 440.0).split_off(12)).map(decode_alaw).collect();
    assert!(share(&piece, 440.0, RATE) > 0.95);
    assert!(share(&piece, 880.0, RATE) < 0.01);
    let noise: Vec<i16> = (0..8000).map(|_| rand::random::<i16>() / 8).collect();
    assert!(share(&noise, 440.0, RATE) < 0.1);
}
