//! Keys: as telephone events (RFC 4733) and as tones in the audio (ITU-T Q.23, Q.24). Packets or
//! samples in, keys out; each press once.

use std::f32::consts::TAU;

/// The keys by their RFC 4733 event code (§3.2).
const KEYS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
/// The keys by row and column of the keypad.
const PAD: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// The frequencies of rows and then columns, Hz.
const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];

/// Presses told by events. All packets of one press have one timestamp, so any one of them is
/// enough, and its repeated end changes nothing.
#[derive(Debug, Default)]
pub(super) struct Events {
    last: Option<Press>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    ssrc: u32,
    timestamp: u32,
    event: u8,
}

impl Events {
    /// The longest duration that one packet can tell, 8 s; a longer press goes on in a new segment
    /// with a new timestamp (RFC 4733 §2.5.1.3).
    const SEGMENT: u32 = 0xffff;
    /// A packet this far behind, 5 s, is late; further back the sender started anew.
    const LATE: u32 = 40_000;

    /// The key of a press that was not yet told.
    pub fn see(&mut self, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<char> {
        let &[event, _, _, _] = payload.first_chunk()?;
        let key = *KEYS.get(usize::from(event))?;
        let last = self.last.filter(|last| last.ssrc == ssrc);
        if let Some(last) = last
            && (last.timestamp.wrapping_sub(timestamp) <= Self::LATE)
        {
            return None;
        }
        self.last = Some(Press { ssrc, timestamp, event });
        let goes_on = last.is_some_and(|last| {
            last.event == event && timestamp.wrapping_sub(last.timestamp) == Self::SEGMENT
        });
        (!goes_on).then_some(key)
    }
}

/// Presses heard as tones, 8,000 samples a second. A tone of 40 ms is heard wherever it begins, as it
/// covers two blocks.
#[derive(Debug)]
pub(super) struct Tones {
    /// What each frequency turns by from sample to sample.
    turns: [f32; 8],
    block: [f32; Self::BLOCK],
    heard: usize,
    /// What the last block was, and the key that is down.
    last: Option<char>,
    down: Option<char>,
}

impl Tones {
    /// Samples of one block, 12.75 ms. Neighbours of a frequency are nearly blind to it then.
    const BLOCK: usize = 102;
    /// Least power of each tone: a sine of peak 600, -32 dBm0 (Q.24 asks for -25).
    const LEAST: f32 = 600.0 * 600.0 * 102.0 * 102.0 / 4.0;
    /// The tone of one group may be this much stronger than that of the other: 8 dB (Q.24).
    const TWIST: f32 = 6.3;
    /// A tone is this much stronger than the others of its group: 8 dB.
    const CLEAR: f32 = 6.3;
    /// Part of all the energy that the two tones have. A voice has overtones.
    const PURE: f32 = 0.8;

    pub fn new() -> Self {
        let turns = TONES.map(|hertz| 2.0 * (TAU * hertz / 8_000.0).cos());
        Self { turns, block: [0.0; Self::BLOCK], heard: 0, last: None, down: None }
    }

    /// The key that is now known to be pressed.
    pub fn hear(&mut self, sample: i16) -> Option<char> {
        if let Some(place) = self.block.get_mut(self.heard) {
            *place = f32::from(sample);
        }
        self.heard += 1;
        if self.heard < Self::BLOCK {
            return None;
        }
        self.heard = 0;
        let block = self.key();
        let last = std::mem::replace(&mut self.last, block);
        // Two blocks that agree are a press, or the pause after it.
        if block != last || block == self.down {
            return None;
        }
        self.down = block;
        block
    }

    /// The key that sounds in the block that ends here.
    fn key(&mut self) -> Option<char> {
        let energy: f32 = self.block.iter().map(|sample| sample * sample).sum();
        // Too faint for two tones: most of a talk goes through no filter.
        if energy < 2.0 * Self::LEAST / Self::BLOCK as f32 {
            return None;
        }
        let [a, b, c, d, e, f, g, h] = self.powers();
        let (row, low) = strongest([a, b, c, d])?;
        let (column, high) = strongest([e, f, g, h])?;
        let even = low < high * Self::TWIST && high < low * Self::TWIST;
        let pure = 2.0 * (low + high) / Self::BLOCK as f32 > energy * Self::PURE;
        let key = PAD.get(row)?.get(column)?;
        (even && pure).then_some(*key)
    }

    /// The power of each frequency in the block: Goertzel's filters, side by side, for a processor that
    /// reckons four or eight at once.
    #[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "eight lanes of eight")]
    fn powers(&self) -> [f32; 8] {
        let (mut last, mut before) = ([0.0; 8], [0.0; 8]);
        for &sample in &self.block {
            for n in 0..8 {
                (last[n], before[n]) = (sample + self.turns[n] * last[n] - before[n], last[n]);
            }
        }
        std::array::from_fn(|n| {
            last[n] * last[n] + before[n] * before[n] - self.turns[n] * last[n] * before[n]
        })
    }
}

/// The one that stands out of its group, with its power.
fn strongest(group: [f32; 4]) -> Option<(usize, f32)> {
    let (place, best) = group.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let others = group.into_iter().enumerate().filter(|&(other, _)| other != place);
    let clear = best > Tones::LEAST && others.into_iter().all(|(_, p)| p * Tones::CLEAR < best);
    clear.then_some((place, best))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_possible_truncation, reason = "test signals stay in range")]

    use super::*;

    /// Samples of a key: `millis`, the tones' peaks.
    fn tones(key: char, millis: usize, low: f32, high: f32) -> Vec<i16> {
        let place = |(row, keys): (usize, &[char; 4])| {
            Some((TONES[row], TONES[4 + keys.iter().position(|&k| k == key)?]))
        };
        let (row, column) = PAD.iter().enumerate().find_map(place).expect("a key");
        (0..millis * 8)
            .map(|n| {
                let sine = |hertz: f32| (TAU * hertz * n as f32 / 8_000.0).sin();
                (sine(row) * low + sine(column) * high) as i16
            })
            .collect()
    }

    fn heard(samples: &[i16]) -> String {
        let mut ear = Tones::new();
        samples.iter().filter_map(|&sample| ear.hear(sample)).collect()
    }

    #[test]
    fn every_key_of_40_ms_is_heard_once_wherever_it_begins() {
        for key in KEYS {
            for start in [0, 17, 51, 101] {
                for (millis, low, high) in [(40, 2_000.0, 2_000.0), (500, 8_000.0, 4_000.0)] {
                    let mut samples = vec![0; start];
                    samples.extend(tones(key, millis, low, high));
                    samples.extend([0; 400]);
                    assert_eq!(heard(&samples), key.to_string(), "{millis} ms from {start}");
                }
            }
        }
    }

    #[test]
    fn the_same_key_twice_is_two_presses() {
        let mut samples = tones('5', 60, 4_000.0, 4_000.0);
        samples.extend([0; 400]);
        samples.extend(tones('5', 60, 4_000.0, 4_000.0));
        assert_eq!(heard(&samples), "55");
    }

    #[test]
    fn what_is_no_key_is_none() {
        let sine = |hertz: f32| -> Vec<i16> {
            (0..8_000)
                .map(|n| ((TAU * hertz * n as f32 / 8_000.0).sin() * 8_000.0) as i16)
                .collect()
        };
        let sum = |a: Vec<i16>, b: Vec<i16>| a.iter().zip(b).map(|(a, b)| a / 2 + b / 2).collect();
        for (name, samples) in [
            ("one tone", sine(697.0)),
            ("the ring-back tone", sine(425.0)),
            ("two rows", sum(sine(697.0), sine(941.0))),
            ("beside the frequencies", sum(sine(730.0), sine(1_270.0))),
            ("too faint", tones('5', 500, 300.0, 300.0)),
            ("too uneven", tones('5', 500, 8_000.0, 2_000.0)),
            ("too short", tones('5', 20, 4_000.0, 4_000.0)),
            ("with an overtone", sum(tones('1', 1_000, 4_000.0, 4_000.0), sine(2_000.0))),
        ] {
            assert_eq!(heard(&samples), "", "{name}");
        }
    }

    #[test]
    fn a_press_told_by_events_is_one_key_however_many_packets_come() {
        let packet = |event, end: bool, duration: u16| {
            let [high, low] = duration.to_be_bytes();
            [event, if end { 0x8a } else { 0x0a }, high, low]
        };
        // (timestamp, event, end, duration)
        type Packets<'a> = &'a [(u32, u8, bool, u16)];
        let cases: [(&str, Packets<'_>, &str); 7] = [
            (
                "all packets",
                &[
                    (100, 5, false, 160),
                    (100, 5, false, 320),
                    (100, 5, true, 480),
                    (100, 5, true, 480),
                ],
                "5",
            ),
            ("the end only", &[(100, 11, true, 480)], "#"),
            ("twice the same", &[(100, 5, true, 480), (900, 5, true, 480)], "55"),
            (
                "an old end late",
                &[(100, 1, true, 480), (900, 2, false, 160), (100, 1, true, 480)],
                "12",
            ),
            ("eight seconds and more", &[(100, 5, false, 0xffff), (65_635, 5, false, 160)], "5"),
            ("a timestamp that wraps", &[(u32::MAX, 1, true, 480), (700, 2, true, 480)], "12"),
            ("a flash of the hook", &[(100, 16, true, 480)], ""),
        ];
        for (name, packets, keys) in cases {
            let mut events = Events::default();
            let heard: String = packets
                .iter()
                .filter_map(|&(at, event, end, duration)| {
                    events.see(7, at, &packet(event, end, duration))
                })
                .collect();
            assert_eq!(heard, keys, "{name}");
        }
        let mut events = Events::default();
        assert_eq!(events.see(7, 100, &packet(5, true, 480)), Some('5'));
        assert_eq!(events.see(8, 100, &packet(5, true, 480)), Some('5'), "another source");
        assert_eq!(events.see(8, 900, &[5, 0]), None, "cut short");
    }
}
