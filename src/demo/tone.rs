//! A phone's audio: a tone in 20 ms PCMA packets, and a count of what comes back.

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

/// One running audio stream; ends when dropped.
#[derive(Debug)]
pub struct Tone {
    heard: Arc<AtomicU64>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Tone {
    /// Sends a tone of `hertz` to `to` and counts the packets that come.
    pub fn start(socket: Arc<UdpSocket>, to: SocketAddr, hertz: f64, ssrc: u32) -> Self {
        let heard = Arc::new(AtomicU64::new(0));
        let send = tokio::spawn(send(Arc::clone(&socket), to, hertz, ssrc));
        let count = tokio::spawn(count(socket, Arc::clone(&heard)));
        Self { heard, tasks: [send, count] }
    }

    /// RTP packets heard so far.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn send(socket: Arc<UdpSocket>, to: SocketAddr, hertz: f64, ssrc: u32) {
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    let mut header =
        Header { version: 2, payload_type: 8, ssrc, marker: true, ..Header::default() };
    let mut sample = 0u32;
    loop {
        beat.tick().await;
        let payload: Vec<u8> = (0..160)
            .map(|i| {
                let t = f64::from(sample + i) / 8000.0;
                #[allow(clippy::cast_possible_truncation, reason = "8000 fits 16 bits")]
                encode_alaw((8000.0 * (TAU * hertz * t).sin()) as i16)
            })
            .collect();
        let packet = Packet { header: header.clone(), payload: Bytes::from(payload) };
        if let Ok(bytes) = packet.marshal() {
            let _ = socket.send_to(&bytes, to).await;
        }
        sample = sample.wrapping_add(160);
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
