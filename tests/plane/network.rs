//! What a bad network makes of what phones say: a plan of packets for each, carried out over real sockets.
//!
//! A phone on a busy machine sends late: how late it was at worst is told, so that a test can tell the machine's
//! faults from the gateway's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "phones keep time"
)]

use std::net::{SocketAddr, UdpSocket};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use siaga112::media::codec::{Encoder, PAYLOAD};

use super::voice::Voice;
use super::{Came, Phone, read};

/// One packet of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// When its piece was spoken, and when it is sent, milliseconds from the beginning.
    pub spoken: u64,
    pub at: u64,
    /// Which 20 ms of the voice it holds.
    pub piece: u32,
    pub ssrc: u32,
    pub sequence: u16,
    /// RTP time in samples of 8 kHz.
    pub timestamp: u32,
    /// From the phone's other port.
    pub moved: bool,
}

/// What one phone sends, in order of time.
#[derive(Clone, Debug)]
pub struct Plan(pub Vec<Sent>);

impl Plan {
    /// So many packets from the beginning on, one each 20 ms.
    pub fn steady(pieces: u32) -> Self {
        let sent = |piece: u32| Sent {
            spoken: u64::from(piece) * 20,
            at: u64::from(piece) * 20,
            piece,
            ssrc: 0x0112_0000,
            sequence: (piece as u16).wrapping_sub(20),
            timestamp: piece.wrapping_mul(160).wrapping_sub(8_000),
            moved: false,
        };
        Self((0..pieces).map(sent).collect())
    }

    /// Some are lost.
    pub fn lose(mut self, lost: impl Fn(u32) -> bool) -> Self {
        self.0.retain(|sent| !lost(sent.piece));
        self
    }

    /// Each comes so many milliseconds late.
    pub fn delay(self, by: impl Fn(u32) -> u64) -> Self {
        self.change(|sent| sent.at += by(sent.piece))
    }

    /// From one on everything is spoken so many milliseconds later.
    pub fn pause(self, from: u32, millis: u64) -> Self {
        self.change(|sent| {
            if sent.piece >= from {
                sent.spoken += millis;
                sent.at += millis;
            }
        })
    }

    /// When what stands at a place of the voice (samples) was spoken, milliseconds.
    pub fn spoken(&self, place: i64) -> i64 {
        let piece = place.div_euclid(160);
        let sent = self.0.iter().min_by_key(|sent| (i64::from(sent.piece) - piece).abs());
        let sent = sent.expect("it says something");
        sent.spoken.cast_signed() + (place - i64::from(sent.piece) * 160) / 8
    }

    /// Some come twice, the second time 5 ms later.
    pub fn repeat(mut self, again: impl Fn(u32) -> bool) -> Self {
        let twice = self.0.iter().filter(|sent| again(sent.piece));
        let twice: Vec<Sent> = twice.map(|sent| Sent { at: sent.at + 5, ..*sent }).collect();
        self.0.extend(twice);
        self.change(|_| {})
    }

    /// Changes each, and puts them into the order of time.
    pub fn change(mut self, mut change: impl FnMut(&mut Sent)) -> Self {
        self.0.iter_mut().for_each(&mut change);
        self.0.sort_by_key(|sent| sent.at);
        self
    }
}

/// Who says what.
pub struct Speaker<'a> {
    pub phone: &'a mut Phone,
    pub voice: &'a Voice,
    pub plan: &'a Plan,
    /// Where it is sent, once that is known; before it nothing is. None: to where the phone is used to.
    pub to: Option<&'a OnceLock<SocketAddr>>,
}

/// What one phone heard meanwhile.
pub struct Said {
    pub came: Vec<Came>,
    /// How late it sent at worst, milliseconds.
    pub late: i64,
}

/// All say what is planned; `each` is called in the meantime, once for each 20 ms, with the time in
/// milliseconds. It ends so many milliseconds after the beginning.
pub fn say(speakers: Vec<Speaker<'_>>, end: u64, mut each: impl FnMut(u64)) -> Vec<Said> {
    // Encoding takes its time: it is done before anybody speaks.
    let encoded: Vec<_> = speakers.iter().map(encoded).collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let says =
            |(speaker, encoded)| scope.spawn(move || carry_out(speaker, encoded, start, end));
        let threads: Vec<_> = speakers.into_iter().zip(encoded).map(says).collect();
        for millis in (0..end).step_by(20) {
            let due = Duration::from_millis(millis);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            each(millis);
        }
        threads.into_iter().map(|thread| thread.join().expect("says it")).collect()
    })
}

/// The payloads of what is planned, in the voice's order, whatever the network makes of it.
fn encoded(speaker: &Speaker<'_>) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(speaker.phone.codec);
    let most = speaker.plan.0.iter().map(|sent| sent.piece + 1).max().unwrap_or(0);
    let encoded = (0..most).map(|piece| {
        let mut payload = [0; PAYLOAD];
        let length = encoder.encode(speaker.voice.piece(piece), &mut payload);
        payload[..length].to_vec()
    });
    encoded.collect()
}

fn carry_out(speaker: Speaker<'_>, encoded: Vec<Vec<u8>>, start: Instant, end: u64) -> Said {
    let Speaker { phone, plan, to, .. } = speaker;
    let (mut came, mut late) = (Vec::new(), Duration::ZERO);
    let moves = plan.0.last().is_some_and(|sent| sent.moved);
    if moves {
        phone.other = Some(UdpSocket::bind((super::LOOPBACK, 0)).expect("a socket"));
    }
    let phone = &*phone;
    let socket = |moved| phone.other.as_ref().filter(|_| moved).unwrap_or(&phone.rtp);
    for sent in &plan.0 {
        let due = Duration::from_millis(sent.at);
        let socket = socket(sent.moved);
        receive(socket, start, due, &mut came);
        late = late.max(start.elapsed().saturating_sub(due));
        let timestamp = sent.timestamp.wrapping_mul(phone.codec.clock() / 8_000);
        let mut bytes = vec![0x80, phone.payload];
        bytes.extend(sent.sequence.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(sent.ssrc.to_be_bytes());
        bytes.extend(&encoded[sent.piece as usize]);
        let to = to.map_or(Some(phone.gateway), |to| to.get().copied());
        if let Some(to) = to {
            socket.send_to(&bytes, to).expect("sent");
        }
    }
    receive(socket(moves), start, Duration::from_millis(end), &mut came);
    // What came to the port of before until the gateway knew of the move.
    if moves {
        receive(&phone.rtp, start, Duration::ZERO, &mut came);
    }
    Said { came, late: i64::try_from(late.as_millis()).expect("a short time") }
}

/// What comes until then, and what is there already.
fn receive(socket: &UdpSocket, start: Instant, due: Duration, came: &mut Vec<Came>) {
    let mut buffer = [0; 2048];
    loop {
        let left = due.saturating_sub(start.elapsed()).max(Duration::from_micros(1));
        let over = due <= start.elapsed();
        socket.set_nonblocking(over).expect("set");
        socket.set_read_timeout(Some(left)).expect("a limit");
        match socket.recv(&mut buffer) {
            Ok(length) => came.push(read(&buffer[..length])),
            Err(_) if over => break,
            Err(_) => {}
        }
    }
    socket.set_nonblocking(false).expect("set");
}
