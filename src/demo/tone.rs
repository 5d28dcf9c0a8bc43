//! A phone's audio: what it says in 20 ms PCMA packets, keys, and a count of what comes back.

use std::f64::consts::TAU;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audio_codec_algorithms::encode_alaw;
use bytes::Bytes;
use rtp::header::Header;
use rtp::packet::Packet;
use tokio::net::UdpSocket;
use webrtc_util::marshal::Marshal as _;

/// Samples of one packet.
const FRAME: usize = 160;
/// A spoken word, 16-bit samples at 8 kHz behind a header of 44 bytes.
const WORD: &[u8] = include_bytes!("../../config/prompts/id/angka-1.wav");
const WAV_HEADER: usize = 44;

/// What a phone says, again and again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Says {
    /// A tone of so many hertz.
    Tone(f64),
    /// A word and a pause: it is heard that somebody speaks.
    Words,
    /// Silence.
    Nothing,
}

impl Says {
    fn samples(self) -> Vec<i16> {
        match self {
            Self::Tone(hertz) => (0..8000).map(|sample| sine(hertz, f64::from(sample))).collect(),
            Self::Words => {
                let word = WORD.get(WAV_HEADER..).unwrap_or_default().as_chunks::<2>().0;
                let word = word.iter().map(|two| i16::from_le_bytes(*two).saturating_mul(2));
                word.chain(std::iter::repeat_n(0, 4000)).collect()
            }
            Self::Nothing => vec![0; FRAME],
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "8000 fits 16 bits")]
fn sine(hertz: f64, sample: f64) -> i16 {
    (8000.0 * (TAU * hertz * sample / 8000.0).sin()) as i16
}

/// One running audio stream; ends when dropped.
#[derive(Debug)]
pub struct Tone {
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    ssrc: u32,
    heard: Arc<AtomicU64>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Tone {
    /// Says something to `to` and counts the packets that come.
    pub fn start(socket: Arc<UdpSocket>, to: SocketAddr, says: Says, ssrc: u32) -> Self {
        let heard = Arc::new(AtomicU64::new(0));
        let send = tokio::spawn(send(Arc::clone(&socket), to, says.samples(), ssrc));
        let count = tokio::spawn(count(Arc::clone(&socket), Arc::clone(&heard)));
        Self { socket, to, ssrc, heard, tasks: [send, count] }
    }

    /// RTP packets heard so far.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Presses the key 5 for a tenth of a second; its end is told three times (RFC 4733 §2.5.1.4).
    pub async fn press(&self) {
        for number in 1..=7u16 {
            let [high, low] = (number.min(5) * 160).to_be_bytes();
            let end = if number >= 5 { 0x80 } else { 0 };
            let header = Header {
                version: 2,
                payload_type: 101,
                ssrc: self.ssrc ^ 1,
                marker: number == 1,
                sequence_number: number,
                timestamp: 160_000,
                ..Header::default()
            };
            let payload = Bytes::from(vec![5, end | 10, high, low]);
            if let Ok(bytes) = (Packet { header, payload }).marshal() {
                let _ = self.socket.send_to(&bytes, self.to).await;
            }
        }
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn send(socket: Arc<UdpSocket>, to: SocketAddr, samples: Vec<i16>, ssrc: u32) {
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    let mut header =
        Header { version: 2, payload_type: 8, ssrc, marker: true, ..Header::default() };
    let mut audio = samples.into_iter().map(encode_alaw).cycle();
    loop {
        beat.tick().await;
        let payload = audio.by_ref().take(FRAME).collect();
        let packet = Packet { header: header.clone(), payload };
        if let Ok(bytes) = packet.marshal() {
            let _ = socket.send_to(&bytes, to).await;
        }
        header.marker = false;
        header.sequence_number = header.sequence_number.wrapping_add(1);
        header.timestamp = header.timestamp.wrapping_add(160);
    }
}

async fn count(socket: Arc<UdpSocket>, heard: Arc<AtomicU64>) {
    let mut buffer = [0; 2048];
    while socket.recv_from(&mut buffer).await.is_ok() {
        heard.fetch_add(1, Ordering::Relaxed);
    }
}
