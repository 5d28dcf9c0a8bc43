//! Where each packet belongs in a recording. Pure: numbers in, samples out.
//!
//! Time is counted in frames (one sample of each channel, 8,000 a second) since the recording
//! began, on the media plane's clock. A channel's first packet stands where it arrived; later ones
//! stand by their RTP timestamps from there, so the network's jitter is not in the file. When
//! timestamps and arrival part too far, the arrival is right and the channel is anchored anew.

use super::decode::Decode;
use crate::call::orders::Channel;
use crate::media::tap::Frame;

/// Frames in a second.
pub(super) const RATE: u64 = 8_000;
/// Frames behind the present that are kept back from the file for late packets: 500 ms.
pub(super) const HOLD_BACK: u64 = RATE / 2;
/// A packet this far behind its arrival comes from a sender whose timestamps stood still: 500 ms.
const BEHIND: i64 = 4_000;
/// No packet comes before it was spoken: this far ahead the anchor was wrong, 200 ms.
const AHEAD: i64 = 1_600;

/// Where a channel's timestamps stand.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    at: i64,
}

/// One recording's time line and the audio not yet written.
#[derive(Debug)]
pub(super) struct Timeline {
    zero: u64,
    written: u64,
    pending: Vec<[i16; 2]>,
    anchors: [Option<Anchor>; 2],
}

impl Timeline {
    /// Begins at `zero`, microseconds on the media plane's clock.
    pub const fn new(zero: u64) -> Self {
        Self { zero, written: 0, pending: Vec::new(), anchors: [None; 2] }
    }

    /// The frame of a moment on the media plane's clock.
    pub const fn frame_at(&self, micros: u64) -> u64 {
        micros.saturating_sub(self.zero) / (1_000_000 / RATE)
    }

    /// Frames taken out so far.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Where the audio ends that is not silence.
    pub const fn end(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Lays a packet's audio where it belongs; what is too late for the file is left out.
    pub fn place(&mut self, frame: &Frame, decode: &Decode) {
        let start = self.position(frame);
        let side = side(frame.channel);
        let samples = decode.samples(frame.law, frame.audio());
        for (place, sample) in (start - self.written.cast_signed()..).zip(samples) {
            let Ok(place) = usize::try_from(place) else { continue };
            if place >= self.pending.len() {
                self.pending.resize(place + 1, [0; 2]);
            }
            if let Some(value) = self.pending.get_mut(place).and_then(|pair| pair.get_mut(side)) {
                *value = sample;
            }
        }
    }

    fn position(&mut self, frame: &Frame) -> i64 {
        let arrived = self.frame_at(frame.arrival).cast_signed();
        let Some(anchor) = self.anchors.get_mut(side(frame.channel)) else { return arrived };
        let at = anchor.filter(|anchor| anchor.ssrc == frame.ssrc).map(|anchor| {
            let step = frame.timestamp.wrapping_sub(anchor.timestamp).cast_signed();
            anchor.at + i64::from(step)
        });
        let at = at.filter(|at| (arrived - BEHIND..=arrived + AHEAD).contains(at));
        let at = at.unwrap_or(arrived);
        *anchor = Some(Anchor { ssrc: frame.ssrc, timestamp: frame.timestamp, at });
        at
    }

    /// Takes out up to `limit` frames before frame `end`, as bytes of a WAV file appended to
    /// `bytes`; where nothing came there is silence. Returns how many frames it took.
    pub fn take(&mut self, end: u64, limit: usize, bytes: &mut Vec<u8>) -> usize {
        let missing = usize::try_from(end.saturating_sub(self.written)).unwrap_or(usize::MAX);
        let count = missing.min(limit);
        let sound = count.min(self.pending.len());
        for pair in self.pending.drain(..sound) {
            for sample in pair {
                bytes.extend_from_slice(&sample.to_le_bytes());
            }
        }
        bytes.resize(bytes.len() + (count - sound) * size_of::<[i16; 2]>(), 0);
        self.written += count as u64;
        count
    }
}

const fn side(channel: Channel) -> usize {
    match channel {
        Channel::Caller => 0,
        Channel::Seat => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::orders::Law;
    use crate::vocabulary::CallId;

    const LOUD: u8 = 0x80;
    const ZERO: u64 = 5_000_000;

    fn frame(channel: Channel, ssrc: u32, timestamp: u32, millis: u64) -> Frame {
        let arrival = ZERO + millis * 1000;
        Frame::new((CallId::default(), channel), Law::Mu, (ssrc, timestamp), arrival, &[LOUD; 160])
            .expect("fits")
    }

    /// Milliseconds, in 20 ms steps, at which a channel sounds.
    fn sounding(line: &Timeline, side: usize) -> Vec<usize> {
        let loud = |pairs: &[[i16; 2]]| pairs.iter().all(|pair| pair[side] != 0);
        let starts =
            (0..line.pending.len() / 160).filter(|n| loud(&line.pending[n * 160..][..160]));
        starts.map(|n| n * 20).collect()
    }

    fn placed(packets: &[(u32, u32, u64)]) -> Vec<usize> {
        let (mut line, decode) = (Timeline::new(ZERO), Decode::new());
        for &(ssrc, timestamp, millis) in packets {
            line.place(&frame(Channel::Seat, ssrc, timestamp, millis), &decode);
        }
        assert_eq!(sounding(&line, 0), [] as [usize; 0], "the other channel is silent");
        sounding(&line, 1)
    }

    #[test]
    fn packets_stand_by_timestamp_and_channels_by_arrival() {
        for (name, packets, at) in [
            (
                "jitter is evened out",
                &[(1, 0, 100), (1, 160, 139), (1, 320, 141)][..],
                &[100, 120, 140][..],
            ),
            ("a lost packet is silence", &[(1, 0, 100), (1, 320, 140)], &[100, 140]),
            (
                "a late packet has its place",
                &[(1, 0, 100), (1, 320, 140), (1, 160, 300)],
                &[100, 120, 140],
            ),
            ("a timestamp that wraps", &[(1, u32::MAX - 159, 100), (1, 0, 120)], &[100, 120]),
            ("a pause counted by timestamp", &[(1, 0, 100), (1, 8_000, 1_100)], &[100, 1_100]),
            (
                "a pause not counted",
                &[(1, 0, 100), (1, 160, 1_100), (1, 320, 1_120)],
                &[100, 1_100, 1_120],
            ),
            ("a jump ahead", &[(1, 0, 100), (1, 90_000, 120), (1, 90_160, 140)], &[100, 120, 140]),
            ("a jump back", &[(1, 90_000, 100), (1, 0, 120), (1, 160, 140)], &[100, 120, 140]),
            ("another source", &[(1, 0, 100), (2, 777, 180), (2, 937, 200)], &[100, 180, 200]),
            ("a burst", &[(1, 0, 100), (1, 160, 100), (1, 320, 100)], &[100, 120, 140]),
        ] {
            assert_eq!(placed(packets), at, "{name}");
        }
    }

    #[test]
    fn both_channels_share_the_wall_clock() {
        let (mut line, decode) = (Timeline::new(ZERO), Decode::new());
        line.place(&frame(Channel::Caller, 1, 4_000_000, 40), &decode);
        line.place(&frame(Channel::Seat, 2, 7, 60), &decode);
        assert_eq!((sounding(&line, 0), sounding(&line, 1)), (vec![40], vec![60]));
    }

    #[test]
    fn what_was_written_stays_and_gaps_are_silent() {
        let (mut line, decode) = (Timeline::new(ZERO), Decode::new());
        let mut bytes = Vec::new();
        assert_eq!(line.take(800, 500, &mut bytes), 500);
        assert_eq!(line.take(800, 500, &mut bytes), 300);
        assert_eq!(bytes, vec![0; 3_200]);
        // Half of this packet is too late.
        line.place(&frame(Channel::Caller, 1, 0, 90), &decode);
        assert_eq!((line.written(), line.end()), (800, 880));
        bytes.clear();
        assert_eq!(line.take(960, 500, &mut bytes), 160);
        assert!(bytes.iter().take(320).any(|&b| b != 0) && bytes[320..].iter().all(|&b| b == 0));
        assert_eq!(line.take(900, 500, &mut bytes), 0, "never back");
    }
}
