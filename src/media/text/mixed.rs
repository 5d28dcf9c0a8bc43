//! What a peer writes that is itself a mixer: several writers, told apart by the source that each packet
//! names (RFC 9071 §3.16).
//!
//! What is said again in a packet is of its writer alone, so what is new cannot be told by the numbers of
//! packets, as `reader` does: it is told by when it was said.

use super::MISSING;
use super::clean::Clean;
use super::decode::Decoder;
use super::packet::Block;

/// Writers that are known at once; a further one takes the place of who wrote first.
const WRITERS: usize = 32;
/// What is said again within so many milliseconds of what is known is the same: clocks are rounded.
const SAME: i32 = 20;
/// A jump beyond this is a sender that started anew.
const JUMP: u16 = 1_000;

/// Reads what one mixer writes.
#[derive(Debug, Default)]
pub struct Mixed {
    /// The mixer, and the highest number of its packets.
    place: Option<(u32, u16)>,
    writers: Vec<Writer>,
}

#[derive(Debug)]
struct Writer {
    source: u32,
    /// When the newest was said that is known, by the mixer's clock.
    newest: Option<u32>,
    decoder: Decoder,
    clean: Clean,
}

impl Mixed {
    /// Takes a packet's blocks, the newest last, and appends what is new of its writer.
    pub fn take(
        &mut self,
        writer: u32,
        (mixer, sequence, timestamp): (u32, u16, u32),
        (text, blocks): (u8, &[Block<'_>]),
        to: &mut String,
    ) {
        let older = u16::try_from(blocks.len().saturating_sub(1)).unwrap_or(0);
        let missing = match self.place {
            Some((known, highest)) if known == mixer => {
                let ahead = sequence.wrapping_sub(highest);
                if (1..JUMP).contains(&ahead) || ahead.wrapping_neg() > JUMP {
                    self.place = Some((mixer, sequence));
                }
                if ahead < JUMP { ahead.saturating_sub(1) } else { 0 }
            }
            _ => {
                self.place = Some((mixer, sequence));
                self.writers.clear();
                0
            }
        };
        let writer = self.writer(writer);
        // What as many packets held as say it again is not lost.
        if missing > older {
            writer.decoder.end(to);
            to.push(MISSING);
        }
        let last = blocks.len().saturating_sub(1);
        // Empty blocks stand for nothing, whenever that was.
        for (n, block) in blocks.iter().enumerate().filter(|(_, block)| !block.data.is_empty()) {
            let said = timestamp.wrapping_sub(block.offset);
            let ahead = writer.newest.map(|newest| said.wrapping_sub(newest).cast_signed());
            let new = ahead.is_none_or(|ahead| ahead > if n == last { 0 } else { SAME });
            if !new {
                continue;
            }
            writer.newest = Some(said);
            if block.kind == text {
                writer.decoder.take(block.data, &mut writer.clean, to);
            }
        }
    }

    fn writer(&mut self, source: u32) -> &mut Writer {
        let at = self.writers.iter().position(|known| known.source == source);
        let at = at.unwrap_or_else(|| {
            if self.writers.len() >= WRITERS {
                self.writers.remove(0);
            }
            let (decoder, clean) = (Decoder::default(), Clean::default());
            self.writers.push(Writer { source, newest: None, decoder, clean });
            self.writers.len() - 1
        });
        // It was found, or put there just now.
        #[allow(clippy::indexing_slicing, reason = "a place of that list")]
        &mut self.writers[at]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::packet;
    use super::super::writer::{EVERY, Terms, Writer};
    use super::*;
    use crate::media::rtp::{Rtp, contributing};

    const TERMS: Terms = Terms { text: 98, redundant: Some(100), cps: 60, mixer: true };

    /// What is read of the two of those packets that are not lost.
    fn read(packets: &[Vec<u8>]) -> (String, String) {
        let (mut mixed, mut one, mut two) = (Mixed::default(), String::new(), String::new());
        for packet in packets {
            let rtp = Rtp::read(packet).expect("RTP");
            let writer = contributing(packet).unwrap_or(rtp.ssrc);
            let blocks = packet::blocks(&packet[rtp.payload.clone()]).expect("blocks");
            let place = (rtp.ssrc, rtp.sequence, rtp.timestamp);
            let mut ours = String::new();
            let to = match writer {
                1 => &mut one,
                2 => &mut two,
                _ => &mut ours,
            };
            mixed.take(writer, place, (98, &blocks), to);
        }
        (one, two)
    }

    proptest! {
        #[test]
        fn whatever_two_of_three_of_each_are_lost_nothing_is(
            first in any::<u16>(),
            words in proptest::collection::vec(("[a-zé€😀]{0,9}", any::<bool>()), 1..40),
            keep in 0usize..3,
        ) {
            let mut writer = Writer::new(first, u32::from(first) << 16, 7);
            let (mut packets, mut now, mut counts) = (Vec::new(), 0, [0usize; 3]);
            let mut all = [String::new(), String::new()];
            let steps = words.into_iter().map(Some).chain(std::iter::repeat_n(None, 12));
            for step in steps {
                if let Some((word, second)) = step {
                    all[usize::from(second)].push_str(&word);
                    writer.write(Some(1 + u32::from(second)), &word);
                }
                while let Some(packet) = writer.poll(TERMS, now) {
                    let of = usize::try_from(contributing(packet).unwrap_or(0)).unwrap_or(0);
                    if counts[of] % 3 == keep {
                        packets.push(packet.to_vec());
                    }
                    counts[of] += 1;
                }
                now += EVERY;
            }
            let (one, two) = read(&packets);
            let clean = |text: String| text.replace(MISSING, "");
            prop_assert_eq!([clean(one), clean(two)], all);
        }
    }

    #[test]
    fn what_comes_twice_or_late_is_read_once_and_a_gap_is_shown() {
        let mut writer = Writer::new(65_534, 0, 7);
        let mut packets = Vec::new();
        for (n, word) in ["a", "b", "c", "", ""].into_iter().enumerate() {
            writer.write(Some(1), word);
            writer.write(Some(2), &word.to_uppercase());
            while let Some(packet) = writer.poll(TERMS, n as u64 * EVERY) {
                packets.push(packet.to_vec());
            }
        }
        assert_eq!(read(&packets), ("abc".to_owned(), "ABC".to_owned()));
        let mut twice: Vec<_> = packets.iter().flat_map(|it| [it.clone(), it.clone()]).collect();
        twice.swap(3, 6);
        assert_eq!(read(&twice), ("abc".to_owned(), "ABC".to_owned()));
        // All three packets that said "a" and "A" are lost, with those between them.
        let (one, two) = read(&[&packets[..1], &packets[packets.len() - 2..]].concat());
        assert_eq!(format!("{one}{two}").matches(MISSING).count(), 1, "{one} {two}");
    }
}
