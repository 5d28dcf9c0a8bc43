//! What a peer writes, put together: in order, once, with what redundancy saves, and a sign where text was
//! lost for good (RFC 4103 §5.3, §5.4).

use std::collections::BTreeMap;

use super::MISSING;
use super::clean::Clean;
use super::decode::Decoder;
use super::packet::{self, Block};

/// A block that is missing is waited for this long, microseconds: it may be on another way.
pub const PATIENCE: u64 = 500_000;
/// Blocks that are kept while one before them is missing.
const KEPT: usize = 32;
/// A jump beyond this is a sender that started anew.
const JUMP: u64 = 1_000;
/// Where numbers begin, so that what was sent before the first packet has one.
const BEGIN: u64 = 1 << 32;

/// The payload types of a peer's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// `t140/1000`.
    pub text: u8,
    /// `red/1000`, when agreed.
    pub redundant: Option<u8>,
}

impl Kinds {
    /// The blocks of a packet's payload, the oldest first; none when it is no text.
    #[must_use]
    pub fn blocks(self, payload_type: u8, payload: &[u8]) -> Option<Vec<Block<'_>>> {
        if Some(payload_type) == self.redundant {
            packet::blocks(payload)
        } else if payload_type == self.text {
            Some(vec![Block { kind: self.text, offset: 0, data: payload }])
        } else {
            None
        }
    }
}

/// Reads what one peer writes.
#[derive(Debug, Default)]
pub struct Reader {
    source: Option<u32>,
    /// The number of the block that comes next, counted on beyond 16 bits.
    next: u64,
    /// Blocks behind one that is missing, and since when it is.
    waiting: BTreeMap<u64, Vec<u8>>,
    since: u64,
    decoder: Decoder,
    clean: Clean,
}

impl Reader {
    /// Takes a packet's blocks at `now` (microseconds), the newest last, and appends what can be read by it.
    pub fn take(
        &mut self,
        text: u8,
        (source, sequence): (u32, u16),
        blocks: &[Block<'_>],
        now: u64,
        to: &mut String,
    ) {
        let older = u64::try_from(blocks.len().saturating_sub(1)).unwrap_or(0);
        let number = self.number(source, sequence, older, to);
        let first = number - older;
        for (number, block) in (first..).zip(blocks) {
            if number < self.next || self.waiting.contains_key(&number) {
                continue;
            }
            let text = if block.kind == text { block.data } else { &[] };
            if self.waiting.is_empty() {
                self.since = now;
            }
            self.waiting.insert(number, text.to_vec());
        }
        self.read_on(to);
        if self.waiting.len() > KEPT {
            self.skip(to);
        }
    }

    /// Waits no longer for what is overdue at `now`.
    pub fn tick(&mut self, now: u64, to: &mut String) {
        if !self.waiting.is_empty() && now.saturating_sub(self.since) >= PATIENCE {
            self.skip(to);
            self.since = now;
        }
    }

    /// The number of a packet. A sender that is another, or began anew, begins with its oldest block:
    /// whoever lost the first packet has its text here.
    fn number(&mut self, source: u32, sequence: u16, older: u64, to: &mut String) -> u64 {
        if self.source == Some(source) {
            let ahead = sequence.wrapping_sub(u16::try_from(self.next & 0xffff).unwrap_or(0));
            let number = self.next + u64::from(ahead);
            // What is behind is behind by less than half the circle.
            let number = if ahead >= 0x8000 { number - 0x1_0000 } else { number };
            if number.abs_diff(self.next) <= JUMP {
                return number;
            }
        }
        while !self.waiting.is_empty() {
            self.skip(to);
        }
        self.decoder.end(to);
        self.source = Some(source);
        let number = BEGIN + u64::from(sequence);
        self.next = number - older;
        number
    }

    fn read_on(&mut self, to: &mut String) {
        while let Some(block) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.decoder.take(&block, &mut self.clean, to);
        }
    }

    /// Goes on behind what is missing.
    fn skip(&mut self, to: &mut String) {
        let Some((&number, _)) = self.waiting.first_key_value() else { return };
        if number > self.next {
            self.decoder.end(to);
            to.push(MISSING);
            self.next = number;
        }
        self.read_on(to);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::writer::{EVERY, Terms, Writer};
    use super::*;

    const KINDS: Kinds = Kinds { text: 98, redundant: Some(100) };

    fn plain(reader: &mut Reader, sequence: u16, text: &[u8], now: u64) -> String {
        let mut read = String::new();
        let blocks = KINDS.blocks(98, text).expect("text");
        reader.take(98, (7, sequence), &blocks, now, &mut read);
        read
    }

    #[test]
    fn text_comes_once_and_in_order() {
        let mut reader = Reader::default();
        assert_eq!(plain(&mut reader, 65_535, b"a", 0), "a");
        assert_eq!(plain(&mut reader, 1, b"c", 0), "");
        assert_eq!(plain(&mut reader, 1, b"c", 0), "");
        assert_eq!(plain(&mut reader, 0, b"b", 0), "bc");
        assert_eq!(plain(&mut reader, 0, b"b", 0), "");
        assert_eq!(plain(&mut reader, 65_535, b"a", 0), "");
    }

    #[test]
    fn what_is_lost_for_good_is_marked_once_it_is_overdue() {
        let mut reader = Reader::default();
        plain(&mut reader, 1, b"a", 0);
        assert_eq!(plain(&mut reader, 4, b"d", 0), "");
        let mut read = String::new();
        reader.tick(PATIENCE - 1, &mut read);
        assert_eq!(read, "");
        reader.tick(PATIENCE, &mut read);
        assert_eq!(read, "\u{fffd}d");
        assert_eq!(plain(&mut reader, 3, b"c", PATIENCE), "");
        assert_eq!(plain(&mut reader, 5, b"e", PATIENCE), "e");
    }

    #[test]
    fn a_character_may_begin_in_one_packet_and_end_in_the_next() {
        let mut reader = Reader::default();
        assert_eq!(plain(&mut reader, 1, &[b'x', 0xe2, 0x82], 0), "x");
        assert_eq!(plain(&mut reader, 2, &[0xac, b'y'], 0), "€y");
        assert_eq!(plain(&mut reader, 3, &[0xff, b'z', 0xe2], 0), "\u{fffd}z");
        // The rest of it never comes.
        assert_eq!(plain(&mut reader, 4, b"!", 0), "\u{fffd}!");
    }

    #[test]
    fn another_source_or_a_jump_begins_anew() {
        let mut reader = Reader::default();
        plain(&mut reader, 1, b"a", 0);
        assert_eq!(plain(&mut reader, 30_000, b"b", 0), "b");
        let mut read = String::new();
        // Its first packet was lost, and is in the second.
        let payload = [0xe2, 0, 0, 2, 0x62, b'c', b'd', b'e'];
        let blocks = KINDS.blocks(100, &payload).expect("text");
        reader.take(98, (8, 9), &blocks, 0, &mut read);
        assert_eq!(read, "cde");
        assert_eq!(KINDS.blocks(0, &payload), None, "audio is no text");
    }

    proptest! {
        #[test]
        fn whatever_two_of_three_in_a_row_are_lost_nothing_is(
            first in any::<u16>(),
            words in proptest::collection::vec("[a-zé€😀]{0,9}", 1..40),
            keep in 0usize..3,
        ) {
            let terms = Terms { text: 98, redundant: Some(100), cps: 30, mixer: false };
            let mut writer = Writer::new(first, 0, 7);
            let (mut reader, mut read, mut now, mut sent) = (Reader::default(), String::new(), 0, 0);
            let packets = words.into_iter().map(Some).chain(std::iter::repeat_n(None, 6));
            let mut all = String::new();
            for word in packets {
                if let Some(word) = word {
                    all.push_str(&word);
                    writer.write(None, &word);
                }
                if let Some(packet) = writer.poll(terms, now) {
                    let rtp = crate::media::rtp::Rtp::read(packet).expect("RTP");
                    if sent % 3 == keep {
                        let payload = &packet[rtp.payload.clone()];
                        let place = (rtp.ssrc, rtp.sequence);
                        let blocks = KINDS.blocks(rtp.payload_type, payload).expect("text");
                        reader.take(98, place, &blocks, now, &mut read);
                    }
                    sent += 1;
                }
                now += EVERY;
            }
            prop_assert_eq!(read, all);
        }

        #[test]
        fn any_packets_are_survived(
            packets in proptest::collection::vec(
                (any::<u16>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..50),
        ) {
            let (mut reader, mut read) = (Reader::default(), String::new());
            for (now, (sequence, redundant, payload)) in (0u64..).step_by(100_000).zip(packets) {
                let kind = if redundant { 100 } else { 98 };
                let blocks = KINDS.blocks(kind, &payload).unwrap_or_default();
                reader.take(98, (7, sequence), &blocks, now, &mut read);
                reader.tick(now, &mut read);
                prop_assert!(reader.waiting.len() <= KEPT + 17);
            }
        }
    }
}
