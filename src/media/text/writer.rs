//! What we write to a peer: gathered for 300 ms, said again in the packets that follow, and no faster
//! than the peer can show it (RFC 4103 §4.2, §5.2, §6).
//!
//! To a peer that tells several writers apart by the source of each packet (RFC 9071 §3) each of them has
//! a voice of its own: what waits and what is said again is of one voice, and so is every packet. The
//! numbers of packets go on over all of them.

use std::collections::VecDeque;

use super::clean::Clean;
use super::packet::{self, Block};
use super::{BYTE_ORDER, MISSING};
use crate::media::rtp::{HEADER_BYTES, contribute, write_header};

/// Microseconds between two packets of one voice.
pub const EVERY: u64 = 300_000;
/// A peer to whom nothing was sent for so long, microseconds, hears a sign of life: a NAT forgets whom
/// nobody speaks to (RFC 6263 §4).
pub const KEEP_ALIVE: u64 = 15_000_000;
/// How often text is said again (RFC 4103 §5.1).
const AGAIN: usize = 2;
/// Bytes of text that wait; what would be more is left out, and that is shown.
const MOST_WAITING: usize = 16 * 1024;
/// Characters of a packet at most, whatever the peer can show.
const MOST_CHARS: u32 = 200;
/// Voices of one peer; more than that never write in one call.
const VOICES: usize = 32;

/// What was agreed with the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Payload type of `t140/1000`.
    pub text: u8,
    /// Payload type of `red/1000`, when agreed.
    pub redundant: Option<u8>,
    /// Characters a second that the peer can show, `a=fmtp:… cps=`.
    pub cps: u32,
    /// The peer tells writers apart by the source of each packet.
    pub mixer: bool,
}

/// Writes to one peer; to it this is one source for all the call.
#[derive(Debug)]
pub struct Writer {
    /// Our own first, which is never gone.
    voices: Vec<Voice>,
    sequence: u16,
    clock: u32,
    source: u32,
    packet: Vec<u8>,
}

/// One writer.
#[derive(Debug)]
struct Voice {
    /// By which source the packets name it; none: it is ours.
    by: Option<u32>,
    waiting: String,
    clean: Clean,
    /// What was said in the last packets, and when, the oldest first.
    said: VecDeque<(u64, Vec<u8>)>,
    /// When its last packet went.
    last: Option<u64>,
}

impl Voice {
    fn new(by: Option<u32>) -> Self {
        let (waiting, said) = (String::new(), VecDeque::new());
        Self { by, waiting, clean: Clean::default(), said, last: None }
    }

    fn write(&mut self, text: &str) {
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

    /// Whether all that it said was said as often as it is to be.
    fn rests(&self) -> bool {
        self.said.iter().all(|(_, text)| text.is_empty())
    }

    fn due(&self) -> Option<u64> {
        let speaks = !self.waiting.is_empty() || !self.rests();
        speaks.then(|| self.last.map_or(0, |last| last + EVERY))
    }

    /// As much as the peer can show until the next packet.
    fn next(&mut self, cps: u32) -> Vec<u8> {
        let chars = (cps.saturating_mul(3) / 10).clamp(1, MOST_CHARS);
        let chars = usize::try_from(chars).unwrap_or(1);
        let end = self.waiting.char_indices().nth(chars).map_or(self.waiting.len(), |(at, _)| at);
        self.waiting.drain(..end).collect::<String>().into_bytes()
    }

    /// The blocks of what is said again at `now`, the oldest first. Whoever tells writers apart has as
    /// many in each packet (RFC 9071 §3.10).
    fn again(&self, terms: Terms, now: u64) -> Vec<Block<'_>> {
        let block = |offset, data| Block { kind: terms.text, offset, data };
        // What stands for nothing is named as if it had been said in time.
        let nothing = |n: usize| block(300 * u32::try_from(AGAIN - n).unwrap_or(0), &[][..]);
        let missing = AGAIN.saturating_sub(self.said.len());
        let filled = if terms.mixer { missing } else { 0 };
        let mut blocks: Vec<Block<'_>> = (0..filled).map(nothing).collect();
        for (n, (at, data)) in (missing..).zip(&self.said) {
            let offset = u32::try_from(now.saturating_sub(*at) / 1_000).unwrap_or(u32::MAX);
            // Nothing that was said so long ago that it cannot be named needs no name.
            if offset <= packet::MOST_OFFSET || !data.is_empty() {
                blocks.push(block(offset, data));
            } else if terms.mixer {
                blocks.push(nothing(n));
            }
        }
        blocks
    }
}

impl Writer {
    /// A writer with the numbers that it begins with (RFC 3550 §5.1: by chance).
    #[must_use]
    pub fn new(sequence: u16, clock: u32, source: u32) -> Self {
        // A session begins with it (T.140 §8.1), and a peer behind a NAT hears from us.
        let ours = Voice { waiting: BYTE_ORDER.to_string(), ..Voice::new(None) };
        Self { voices: vec![ours], sequence, clock, source, packet: Vec::new() }
    }

    /// The source of what it sends.
    #[must_use]
    pub const fn source(&self) -> u32 {
        self.source
    }

    /// Where its clock stands at `now` (microseconds).
    #[must_use]
    pub fn timestamp(&self, now: u64) -> u32 {
        self.clock.wrapping_add(u32::try_from(now / 1_000 % (1 << 32)).unwrap_or(0))
    }

    /// Adds to what is to be said, in our own voice or in that of somebody whom packets name by a source.
    pub fn write(&mut self, by: Option<u32>, text: &str) {
        if let Some(voice) = self.voices.iter_mut().find(|voice| voice.by == by) {
            return voice.write(text);
        }
        if self.voices.len() >= VOICES {
            self.voices.retain(|voice| voice.by.is_none() || voice.due().is_some());
        }
        let mut voice = Voice::new(by);
        voice.write(text);
        self.voices.push(voice);
    }

    /// The peer tells nobody apart any more: what waits is said in our own voice.
    pub fn join(&mut self) {
        let Some((ours, others)) = self.voices.split_first_mut() else { return };
        others.iter().for_each(|voice| ours.write(&voice.waiting));
        self.voices.truncate(1);
    }

    /// Says something that nobody sees, where nothing was said for long.
    pub fn keep_alive(&mut self, now: u64) {
        let last = self.voices.iter().filter_map(|voice| voice.last).max();
        let quiet = last.is_some_and(|last| now.saturating_sub(last) >= KEEP_ALIVE);
        if quiet
            && self.due().is_none()
            && let Some(ours) = self.voices.first_mut()
        {
            ours.waiting.push(BYTE_ORDER);
        }
    }

    /// When the next packet is due, microseconds; none while there is nothing to say, or to say again.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.voices.iter().filter_map(Voice::due).min()
    }

    /// A packet that is due at `now` (microseconds); there may be another, of another voice.
    pub fn poll(&mut self, terms: Terms, now: u64) -> Option<&[u8]> {
        let timestamp = self.timestamp(now);
        // What the peer can show is shared among those who write.
        let writing = self.voices.iter().filter(|voice| !voice.waiting.is_empty()).count();
        let cps = terms.cps / u32::try_from(writing.max(1)).unwrap_or(1);
        let due = self.voices.iter_mut().filter(|voice| voice.due().is_some_and(|due| due <= now));
        let voice = due.min_by_key(|voice| voice.last)?;
        let text = voice.next(cps);
        let payload_type = terms.redundant.unwrap_or(terms.text);
        self.packet.clear();
        self.packet.resize(HEADER_BYTES, 0);
        // The marker says that text comes after a rest (RFC 4103 §4.1).
        let kind = (payload_type, voice.rests());
        write_header(&mut self.packet, kind, self.sequence, timestamp, self.source);
        if let Some(by) = voice.by.filter(|_| terms.mixer) {
            contribute(&mut self.packet, by);
        }
        if terms.redundant.is_some() {
            let mut blocks = voice.again(terms, now);
            blocks.push(Block { kind: terms.text, offset: 0, data: &text });
            packet::write(&blocks, &mut self.packet);
            voice.said.push_back((now, text));
            if voice.said.len() > AGAIN {
                voice.said.pop_front();
            }
        } else {
            self.packet.extend(text);
        }
        voice.last = Some(now);
        self.sequence = self.sequence.wrapping_add(1);
        Some(&self.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtp::{Rtp, contributing};

    const RED: Terms = Terms { text: 98, redundant: Some(100), cps: 30, mixer: false };

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
        writer.write(None, "Hi");
        let sent = run(&mut writer, RED, 0, 6);
        let markers: Vec<bool> = sent.iter().map(|it| it.0).collect();
        assert_eq!(markers, [true, false, false]);
        assert_eq!(sent.iter().map(|it| it.1).collect::<Vec<_>>(), [1_000, 1_300, 1_600]);
        let last = packet::blocks(&sent[2].2).expect("blocks");
        let said: Vec<(u32, &[u8])> = last.iter().map(|it| (it.offset, it.data)).collect();
        assert_eq!(said, [(600, "\u{feff}Hi".as_bytes()), (300, &[]), (0, &[])]);
        assert_eq!(writer.due(), None);
        // After a rest the old blocks are empty, and the marker is set again.
        writer.write(None, "!");
        let sent = run(&mut writer, RED, 60_000_000, 1);
        assert!(sent[0].0);
        assert_eq!(packet::blocks(&sent[0].2).expect("blocks").last().expect("one").data, b"!");
    }

    #[test]
    fn no_more_goes_than_the_peer_can_show() {
        let mut writer = Writer::new(1, 0, 7);
        writer.write(None, &"x".repeat(100));
        let plain = Terms { redundant: None, cps: 10, ..RED };
        let sent = run(&mut writer, plain, 0, 10);
        assert!(sent.iter().all(|it| String::from_utf8_lossy(&it.2).chars().count() <= 3));
        assert_eq!(sent.len(), 10);
    }

    #[test]
    fn what_is_too_much_to_wait_is_left_out_and_shown() {
        let mut writer = Writer::new(1, 0, 7);
        for _ in 0..10 {
            writer.write(None, &"y".repeat(MOST_WAITING));
        }
        let waiting = &writer.voices[0].waiting;
        assert!(waiting.len() <= MOST_WAITING + 4 && waiting.ends_with(MISSING));
    }

    #[test]
    fn to_who_tells_writers_apart_each_packet_is_of_one() {
        let mixer = Terms { mixer: true, ..RED };
        let mut writer = Writer::new(1, 0, 7);
        run(&mut writer, mixer, 0, 3);
        writer.write(Some(5), "api");
        writer.write(Some(6), "di mana");
        let mut sent = Vec::new();
        for now in (10_000_000..12_000_000).step_by(100_000) {
            while let Some(packet) = writer.poll(mixer, now) {
                let rtp = Rtp::read(packet).expect("RTP");
                assert_eq!((packet[0], rtp.ssrc), (0x81, 7));
                assert_eq!(usize::from(rtp.sequence), 4 + sent.len(), "numbers go on");
                let by = contributing(packet).expect("a source");
                let blocks = packet::blocks(&packet[rtp.payload.clone()]).expect("blocks");
                let said = blocks.iter().map(|it| String::from_utf8_lossy(it.data).into_owned());
                sent.push((by, rtp.marker, said.collect::<Vec<_>>().join("|")));
            }
        }
        let of = |source: u32| -> Vec<(bool, &str)> {
            let of = sent.iter().filter(|it| it.0 == source);
            of.map(|it| (it.1, it.2.as_str())).collect()
        };
        assert_eq!(of(5), [(true, "||api"), (false, "|api|"), (false, "api||")]);
        assert_eq!(of(6)[..2], [(true, "||di mana"), (false, "|di mana|")]);
        assert_eq!(writer.due(), None);
    }

    #[test]
    fn who_hears_nothing_for_long_is_kept_alive() {
        let mut writer = Writer::new(1, 0, 7);
        assert_eq!(run(&mut writer, RED, 0, 5).len(), 3);
        let last = 2 * EVERY;
        writer.keep_alive(last + KEEP_ALIVE - 1);
        assert_eq!(writer.due(), None);
        writer.keep_alive(last + KEEP_ALIVE);
        let sent = run(&mut writer, RED, last + KEEP_ALIVE, 5);
        assert_eq!(sent.len(), 3);
        let new = packet::blocks(&sent[0].2).expect("blocks");
        assert_eq!(new.last().expect("one").data, "\u{feff}".as_bytes());
    }
}
