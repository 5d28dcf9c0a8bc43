//! What we write to a peer: gathered for 300 ms, said again in the packets that follow, and no faster
//! than the peer can show it (RFC 4103 §4.2, §5.2, §6).

use std::collections::VecDeque;

use super::clean::Clean;
use super::packet::{self, Block};
use super::{BYTE_ORDER, MISSING};
use crate::media::rtp::{HEADER_BYTES, write_header};

/// Microseconds between two packets.
pub const EVERY: u64 = 300_000;
/// How often text is said again (RFC 4103 §5.1).
const AGAIN: usize = 2;
/// Bytes of text that wait; what would be more is left out, and that is shown.
const MOST_WAITING: usize = 16 * 1024;
/// Characters of a packet at most, whatever the peer can show.
const MOST_CHARS: u32 = 200;

/// What was agreed with the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Payload type of `t140/1000`.
    pub text: u8,
    /// Payload type of `red/1000`, when agreed.
    pub redundant: Option<u8>,
    /// Characters a second that the peer can show, `a=fmtp:… cps=`.
    pub cps: u32,
}

/// Writes to one peer; to it this is one source for all the call.
#[derive(Debug)]
pub struct Writer {
    waiting: String,
    clean: Clean,
    /// What was said in the last packets, and when, the oldest first.
    said: VecDeque<(u64, Vec<u8>)>,
    /// When the last packet went.
    last: Option<u64>,
    sequence: u16,
    clock: u32,
    source: u32,
    packet: Vec<u8>,
}

impl Writer {
    /// A writer with the numbers that it begins with (RFC 3550 §5.1: by chance).
    #[must_use]
    pub fn new(sequence: u16, clock: u32, source: u32) -> Self {
        // A session begins with it (T.140 §8.1), and a peer behind a NAT hears from us.
        let waiting = BYTE_ORDER.to_string();
        let (said, packet) = (VecDeque::new(), Vec::new());
        let clean = Clean::default();
        Self { waiting, clean, said, last: None, sequence, clock, source, packet }
    }

    /// Adds to what is to be said.
    pub fn write(&mut self, text: &str) {
        for c in text.chars() {
            if self.waiting.len() >= MOST_WAITING {
                if !self.waiting.ends_with(MISSING) {
                    self.waiting.push(MISSING);
                }
                break;
            }
            self.waiting.extend(self.clean.take(c));
        }
    }

    /// When the next packet is due, microseconds; none while there is nothing to say, or to say again.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        let again = self.said.iter().any(|(_, text)| !text.is_empty());
        (again || !self.waiting.is_empty()).then(|| self.last.map_or(0, |last| last + EVERY))
    }

    /// The packet that is due at `now` (microseconds).
    pub fn poll(&mut self, terms: Terms, now: u64) -> Option<&[u8]> {
        if self.due()? > now {
            return None;
        }
        let rests = self.said.iter().all(|(_, text)| text.is_empty());
        let text = self.next(terms.cps);
        let payload_type = terms.redundant.unwrap_or(terms.text);
        self.packet.clear();
        self.packet.resize(HEADER_BYTES, 0);
        let millis = u32::try_from(now / 1_000 % (1 << 32)).unwrap_or(0);
        let timestamp = self.clock.wrapping_add(millis);
        // The marker says that text comes after a rest (RFC 4103 §4.1).
        write_header(
            &mut self.packet,
            (payload_type, rests),
            self.sequence,
            timestamp,
            self.source,
        );
        if terms.redundant.is_some() {
            let mut blocks = Vec::with_capacity(AGAIN + 1);
            for (at, data) in &self.said {
                let offset = u32::try_from(now.saturating_sub(*at) / 1_000).unwrap_or(u32::MAX);
                // Nothing that was said so long ago that it cannot be named needs no name.
                if offset <= packet::MOST_OFFSET || !data.is_empty() {
                    blocks.push(Block { kind: terms.text, offset, data });
                }
            }
            blocks.push(Block { kind: terms.text, offset: 0, data: &text });
            packet::write(&blocks, &mut self.packet);
            self.said.push_back((now, text));
            if self.said.len() > AGAIN {
                self.said.pop_front();
            }
        } else {
            self.packet.extend(text);
        }
        self.last = Some(now);
        self.sequence = self.sequence.wrapping_add(1);
        Some(&self.packet)
    }

    /// As much as the peer can show until the next packet.
    fn next(&mut self, cps: u32) -> Vec<u8> {
        let chars = (cps.saturating_mul(3) / 10).clamp(1, MOST_CHARS);
        let chars = usize::try_from(chars).unwrap_or(1);
        let end = self.waiting.char_indices().nth(chars).map_or(self.waiting.len(), |(at, _)| at);
        self.waiting.drain(..end).collect::<String>().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtp::Rtp;

    const RED: Terms = Terms { text: 98, redundant: Some(100), cps: 30 };

    /// What goes in so many intervals: marker, timestamp, payload.
    fn run(writer: &mut Writer, terms: Terms, from: u64, count: u64) -> Vec<(bool, u32, Vec<u8>)> {
        let times = (0..count).map(|n| from + n * EVERY);
        let packets = times.filter_map(|now| {
            let packet = writer.poll(terms, now)?;
            let rtp = Rtp::read(packet).expect("RTP");
            Some((rtp.marker, rtp.timestamp, packet[rtp.payload].to_vec()))
        });
        packets.collect()
    }

    #[test]
    fn text_is_said_three_times_and_then_nothing() {
        let mut writer = Writer::new(1, 1_000, 7);
        writer.write("Hi");
        let sent = run(&mut writer, RED, 0, 6);
        let markers: Vec<bool> = sent.iter().map(|it| it.0).collect();
        assert_eq!(markers, [true, false, false]);
        assert_eq!(sent.iter().map(|it| it.1).collect::<Vec<_>>(), [1_000, 1_300, 1_600]);
        let last = packet::blocks(&sent[2].2).expect("blocks");
        let said: Vec<(u32, &[u8])> = last.iter().map(|it| (it.offset, it.data)).collect();
        assert_eq!(said, [(600, "\u{feff}Hi".as_bytes()), (300, &[]), (0, &[])]);
        assert_eq!(writer.due(), None);
        // After a rest the old blocks are empty, and the marker is set again.
        writer.write("!");
        let sent = run(&mut writer, RED, 60_000_000, 1);
        assert!(sent[0].0);
        assert_eq!(packet::blocks(&sent[0].2).expect("blocks").last().expect("one").data, b"!");
    }

    #[test]
    fn no_more_goes_than_the_peer_can_show() {
        let mut writer = Writer::new(1, 0, 7);
        writer.write(&"x".repeat(100));
        let plain = Terms { redundant: None, cps: 10, ..RED };
        let sent = run(&mut writer, plain, 0, 10);
        assert!(sent.iter().all(|it| String::from_utf8_lossy(&it.2).chars().count() <= 3));
        assert_eq!(sent.len(), 10);
    }

    #[test]
    fn what_is_too_much_to_wait_is_left_out_and_shown() {
        let mut writer = Writer::new(1, 0, 7);
        for _ in 0..10 {
            writer.write(&"y".repeat(MOST_WAITING));
        }
        assert!(writer.waiting.len() <= MOST_WAITING + 4 && writer.waiting.ends_with(MISSING));
    }
}
