//! Where each packet belongs in a recording. Pure: numbers in, samples out.
//!
//! Time is counted in frames (one sample of each channel, 8,000 a second) since the recording
//! began, on the media plane's clock. A voice's first packets are kept until the quickest of them has shown when
//! they were spoken: the very first is often the slowest of all. The others stand by their RTP timestamps from
//! there, so the network's jitter is not in the file. The voices of one channel are added up.
//!
//! A sender's clock is never quite ours: where the quickest packets of some seconds come later or earlier
//! than they should, the voice is moved by one sample a packet until it is right again, which nobody
//! hears. When timestamps and arrival part too far, the arrival is right and the voice is anchored anew.

use super::part::Pair;
use crate::call::orders::Channel;
use crate::media::codec::{Decoder, LONGEST};
use crate::media::tap::Frame;
use crate::vocabulary::{Codec, StreamId};

/// Frames in a second.
pub(super) const RATE: u64 = 8_000;
/// Frames behind the present that are kept back from the file for late packets: 500 ms.
pub(super) const HOLD_BACK: u64 = RATE / 2;
/// A packet this far behind its arrival comes from a sender whose timestamps stood still: 500 ms.
const BEHIND: i64 = 4_000;
/// No packet comes before it was spoken: this far ahead the anchor was wrong, 200 ms.
const AHEAD: i64 = 1_600;
/// Packets of which the quickest tells where a voice stands, and nothing of them is in the file until then: 320 ms.
/// What is due for the file is not waited for.
const FIRST: usize = 16;
/// Packets of which the quickest tells how far off a voice is: 5 s.
const WATCHED: u32 = 250;
/// A voice this far off is moved: 5 ms.
const OFF: i64 = 40;
/// Packets of a voice that are known again when they come twice.
const KNOWN: usize = 32;

/// Where a voice's timestamps stand.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    at: i64,
}

/// One voice of a recording.
#[derive(Debug)]
struct Voice {
    id: StreamId,
    codec: Codec,
    decoder: Decoder,
    anchor: Option<Anchor>,
    /// Packets that have no place yet, and the frame at which each arrived.
    first: Vec<(Frame, i64)>,
    /// Where what it has said so far ends.
    end: i64,
    /// Its last packets, by source and timestamp.
    known: [Option<(u32, u32)>; KNOWN],
    next_known: usize,
    /// How much earlier than the quickest of the packets now watched it could stand.
    least: i64,
    watched: u32,
    /// By how many frames it is still to be moved.
    off: i64,
    /// The last sample.
    last: i16,
}

impl Voice {
    fn new(id: StreamId, codec: Codec) -> Self {
        Self {
            id,
            codec,
            decoder: Decoder::new(codec),
            anchor: None,
            first: Vec::new(),
            end: i64::MIN,
            known: [None; KNOWN],
            next_known: 0,
            least: i64::MAX,
            watched: 0,
            off: 0,
            last: 0,
        }
    }

    /// Whether a packet came before.
    fn knows(&mut self, packet: (u32, u32)) -> bool {
        let seen = self.known.contains(&Some(packet));
        if !seen && let Some(place) = self.known.get_mut(self.next_known) {
            *place = Some(packet);
            self.next_known = (self.next_known + 1) % KNOWN;
        }
        seen
    }

    /// Frames from where the voice is anchored to a packet.
    fn step(&self, frame: &Frame, timestamp: u32) -> i64 {
        let clock = i64::from(self.codec.clock() / 8_000).max(1);
        i64::from(frame.timestamp.wrapping_sub(timestamp).cast_signed()) / clock
    }

    /// Where a packet that arrived at frame `arrived` begins; none where the anchor does not say.
    fn position(&mut self, frame: &Frame, arrived: i64) -> Option<i64> {
        let anchor = self.anchor.filter(|anchor| anchor.ssrc == frame.ssrc)?;
        let at = anchor.at + self.step(frame, anchor.timestamp);
        if !(arrived - BEHIND..=arrived + AHEAD).contains(&at) {
            return None;
        }
        self.anchor = Some(Anchor { ssrc: frame.ssrc, timestamp: frame.timestamp, at });
        self.watch(arrived - at);
        Some(at)
    }

    /// Anchors the voice by the quickest of the packets that have no place and belong to the first of them; where
    /// that one stands.
    fn settle(&mut self) -> Option<i64> {
        let &(first, came) = self.first.first()?;
        let belongs = |(frame, arrived): &&(Frame, i64)| {
            let at = came + self.step(frame, first.timestamp);
            frame.ssrc == first.ssrc && (arrived - BEHIND..=arrived + AHEAD).contains(&at)
        };
        let own = self.first.iter().filter(belongs);
        let at = own.map(|(frame, arrived)| arrived - self.step(frame, first.timestamp)).min()?;
        // What it said before stays, and what came is in the file.
        let at = at.max(self.end).max(0);
        self.anchor = Some(Anchor { ssrc: first.ssrc, timestamp: first.timestamp, at });
        (self.least, self.watched, self.off) = (i64::MAX, 0, 0);
        Some(at)
    }

    fn watch(&mut self, behind: i64) {
        self.least = self.least.min(behind);
        self.watched += 1;
        if self.watched >= WATCHED {
            self.off = if self.least.abs() > OFF { self.least } else { 0 };
            (self.least, self.watched) = (i64::MAX, 0);
        }
    }

    /// Moves the voice by one sample where it is off: where this packet begins then, and its samples,
    /// drawn out or shortened by one where they follow on what was said, as they are behind a gap.
    fn moved<'a>(&mut self, at: i64, samples: &'a [i16]) -> (i64, Option<i16>, &'a [i16]) {
        let Some(anchor) = &mut self.anchor else { return (at, None, samples) };
        // A packet that comes late has its place.
        if self.off == 0 || at < self.end {
            return (at, None, samples);
        }
        let step = self.off.signum();
        self.off -= step;
        self.least = self.least.saturating_sub(step);
        anchor.at += step;
        if at > self.end {
            (at + step, None, samples)
        } else if step > 0 {
            (at, Some(self.last), samples)
        } else {
            (at, None, samples.get(1..).unwrap_or_default())
        }
    }
}

/// One recording's time line and the audio not yet written.
#[derive(Debug)]
pub(super) struct Timeline {
    zero: u64,
    written: u64,
    pending: Vec<Pair>,
    voices: Vec<Voice>,
}

impl Timeline {
    /// Begins at `zero`, microseconds on the media plane's clock.
    pub const fn new(zero: u64) -> Self {
        Self { zero, written: 0, pending: Vec::new(), voices: Vec::new() }
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
    pub fn place(&mut self, frame: &Frame) {
        let arrived = self.frame_at(frame.arrival).cast_signed();
        let known = self.voices.iter().position(|voice| voice.id == frame.voice);
        let place = known.unwrap_or_else(|| {
            self.voices.push(Voice::new(frame.voice, frame.codec));
            self.voices.len() - 1
        });
        if self.voices.get(place).is_some_and(|voice| voice.codec != frame.codec) {
            self.settle(place);
        }
        let Some(voice) = self.voices.get_mut(place) else { return };
        if voice.codec != frame.codec {
            let end = voice.end;
            *voice = Voice { end, ..Voice::new(frame.voice, frame.codec) };
        }
        if voice.knows((frame.ssrc, frame.timestamp)) {
            return;
        }
        if voice.first.is_empty()
            && let Some(at) = voice.position(frame, arrived)
        {
            return lay(voice, frame, at, self.written, &mut self.pending);
        }
        voice.first.push((*frame, arrived));
        if voice.first.len() >= FIRST {
            self.settle(place);
        }
    }

    /// Gives the packets of a voice that have none their places.
    fn settle(&mut self, place: usize) {
        let Some(voice) = self.voices.get_mut(place) else { return };
        while let Some(at) = voice.settle() {
            let mut begins = Some(at);
            for (frame, arrived) in std::mem::take(&mut voice.first) {
                match begins.take().or_else(|| voice.position(&frame, arrived)) {
                    Some(at) => lay(voice, &frame, at, self.written, &mut self.pending),
                    None => voice.first.push((frame, arrived)),
                }
            }
        }
    }

    /// Gives every packet its place that arrived before frame `end`.
    pub fn settle_before(&mut self, end: u64) {
        for place in 0..self.voices.len() {
            let first = self.voices.get(place).and_then(|voice| voice.first.first());
            if first.is_some_and(|(_, arrived)| *arrived < end.cast_signed()) {
                self.settle(place);
            }
        }
    }

    /// Takes out up to `limit` frames before frame `end` and appends them to `frames`; where nothing
    /// came there is silence. Returns how many it took.
    pub fn take(&mut self, end: u64, limit: usize, frames: &mut Vec<Pair>) -> usize {
        self.settle_before(end);
        let missing = usize::try_from(end.saturating_sub(self.written)).unwrap_or(usize::MAX);
        let count = missing.min(limit);
        let sound = count.min(self.pending.len());
        frames.extend(self.pending.drain(..sound));
        frames.resize(frames.len() + count - sound, [0; 2]);
        self.written += count as u64;
        count
    }

    /// Leaves out what stands before frame `end`.
    pub fn skip(&mut self, end: u64) {
        self.settle_before(end);
        let missing = end.saturating_sub(self.written);
        let sound = usize::try_from(missing).unwrap_or(usize::MAX).min(self.pending.len());
        self.pending.drain(..sound);
        self.written += missing;
    }

    /// The same time line with nothing on it yet.
    pub const fn emptied(&self) -> Self {
        let (zero, written) = (self.zero, self.written);
        Self { zero, written, pending: Vec::new(), voices: Vec::new() }
    }
}

/// Lays a packet at a frame, beside what the other voices of its channel said.
fn lay(voice: &mut Voice, frame: &Frame, at: i64, written: u64, pending: &mut Vec<Pair>) {
    let mut out = [0; LONGEST];
    let count = voice.decoder.decode(frame.audio(), &mut out);
    let (start, drawn, samples) = voice.moved(at, out.get(..count).unwrap_or_default());
    let end = start + i64::try_from(samples.len()).unwrap_or(0) + i64::from(drawn.is_some());
    if end > voice.end {
        (voice.end, voice.last) = (end, samples.last().copied().unwrap_or_default());
    }
    let side = side(frame.channel);
    let samples = drawn.into_iter().chain(samples.iter().copied());
    for (place, sample) in (start - written.cast_signed()..).zip(samples) {
        let Ok(place) = usize::try_from(place) else { continue };
        if place >= pending.len() {
            pending.resize(place + 1, [0; 2]);
        }
        if let Some(value) = pending.get_mut(place).and_then(|pair| pair.get_mut(side)) {
            *value = value.saturating_add(sample);
        }
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
    use crate::vocabulary::CallId;

    const LOUD: u8 = 0x80;
    const ZERO: u64 = 5_000_000;

    fn frame(channel: Channel, ssrc: u32, timestamp: u32, millis: u64) -> Frame {
        let arrival = ZERO + millis * 1000;
        let call = (CallId::default(), channel);
        let voice = (StreamId(u64::from(channel == Channel::Seat)), Codec::Pcmu);
        Frame::new(call, voice, (ssrc, timestamp), arrival, &[LOUD; 160]).expect("fits")
    }

    /// Milliseconds, in 20 ms steps, at which a channel sounds.
    fn sounding(line: &Timeline, side: usize) -> Vec<usize> {
        let loud = |pairs: &[[i16; 2]]| pairs.iter().all(|pair| pair[side] != 0);
        let starts =
            (0..line.pending.len() / 160).filter(|n| loud(&line.pending[n * 160..][..160]));
        starts.map(|n| n * 20).collect()
    }

    fn placed(packets: &[(u32, u32, u64)]) -> Vec<usize> {
        let mut line = Timeline::new(ZERO);
        for &(ssrc, timestamp, millis) in packets {
            line.place(&frame(Channel::Seat, ssrc, timestamp, millis));
        }
        line.settle_before(u64::MAX / 2);
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
            ("a burst", &[(1, 0, 100), (1, 160, 100), (1, 320, 100)], &[60, 80, 100]),
            (
                "a first one that is slow",
                &[(1, 0, 90), (1, 160, 93), (1, 320, 100)],
                &[60, 80, 100],
            ),
        ] {
            assert_eq!(placed(packets), at, "{name}");
        }
    }

    #[test]
    fn both_channels_share_the_wall_clock() {
        let mut line = Timeline::new(ZERO);
        line.place(&frame(Channel::Caller, 1, 4_000_000, 40));
        line.place(&frame(Channel::Seat, 2, 7, 60));
        line.settle_before(u64::MAX / 2);
        assert_eq!((sounding(&line, 0), sounding(&line, 1)), (vec![40], vec![60]));
    }

    #[test]
    fn what_was_written_stays_and_gaps_are_silent() {
        let mut line = Timeline::new(ZERO);
        let mut frames = Vec::new();
        assert_eq!(line.take(800, 500, &mut frames), 500);
        assert_eq!(line.take(800, 500, &mut frames), 300);
        assert_eq!(frames, vec![[0; 2]; 800]);
        // Half of this packet is too late.
        line.place(&frame(Channel::Caller, 1, 0, 90));
        line.settle_before(801);
        assert_eq!((line.written(), line.end()), (800, 880));
        frames.clear();
        assert_eq!(line.take(960, 500, &mut frames), 160);
        let silent = |frames: &[Pair]| frames.iter().all(|pair| *pair == [0; 2]);
        assert!(!silent(&frames[..80]) && silent(&frames[80..]));
        assert_eq!(line.take(900, 500, &mut frames), 0, "never back");
        line.place(&frame(Channel::Caller, 1, 160, 120));
        line.skip(1_000);
        assert_eq!((line.written(), line.end()), (1_000, 1_040));
    }

    #[test]
    fn two_voices_of_a_channel_are_heard_together_and_a_repeat_only_once() {
        let mut line = Timeline::new(ZERO);
        let call = (CallId::default(), Channel::Seat);
        let packet = |voice: u64| {
            let voice = (StreamId(voice), Codec::Pcmu);
            Frame::new(call, voice, (1, 0), ZERO, &[0xa0; 160]).expect("fits")
        };
        line.place(&packet(1));
        line.settle_before(1);
        let one = line.pending[0][1];
        line.place(&packet(1));
        assert_eq!(line.pending[0][1], one);
        let mut before_it_has_a_place = Timeline::new(ZERO);
        (0..3).for_each(|_| before_it_has_a_place.place(&packet(1)));
        before_it_has_a_place.settle_before(1);
        assert_eq!(before_it_has_a_place.pending[0][1], one);
        line.place(&packet(2));
        line.settle_before(1);
        assert_eq!(line.pending[0][1], one * 2);
    }

    /// The worst distance from where it was spoken, in frames, and the longest silence in frames, of
    /// a voice whose clock is so many millionths too fast: packets of `count` times 20 ms, up to 15 ms
    /// late, of which those that `lost` names never come. Another source speaks after each `source`.
    fn drifted(
        millionths: i64,
        (count, source): (u32, u32),
        lost: impl Fn(u32) -> bool,
    ) -> (i64, usize) {
        let mut line = Timeline::new(ZERO);
        let (mut worst, mut silence, mut longest) = (0, 0usize, 0);
        let mut frames = Vec::new();
        for n in (0..count).filter(|n| !lost(*n)) {
            let spoken = u64::from(n) * 20_000;
            let spoken =
                spoken.saturating_add_signed(-spoken.cast_signed() * millionths / 1_000_000);
            let arrival =
                ZERO + spoken + u64::from(n.wrapping_mul(2_654_435_761) >> 20) * 15_000 / 4_096;
            let call = (CallId::default(), Channel::Caller);
            let voice = (StreamId(1), Codec::Pcmu);
            let (ssrc, stamp) = (n / source, (n % source).wrapping_mul(160));
            let frame = Frame::new(call, voice, (ssrc, stamp), arrival, &[LOUD; 160]);
            line.place(&frame.expect("fits"));
            let at = line.voices[0].anchor.map_or(0, |anchor| anchor.at);
            if n > 500 && line.voices[0].first.is_empty() {
                worst = worst.max((at - i64::try_from(spoken / 125).expect("small")).abs());
            }
            frames.clear();
            line.take(line.frame_at(arrival).saturating_sub(HOLD_BACK), 100_000, &mut frames);
            for pair in &frames {
                silence = if pair[0] == 0 { silence + 1 } else { 0 };
                longest = longest.max(if n > 500 { silence } else { 0 });
            }
        }
        (worst, longest)
    }

    #[test]
    fn a_clock_that_runs_wrong_stays_within_20_ms_for_two_hours() {
        for (millionths, count) in [(-200, 90_000), (200, 360_000)] {
            let (worst, silence) = drifted(millionths, (count, u32::MAX), |_| false);
            assert!(worst <= 160, "{millionths}: {worst} frames off");
            assert!(silence <= 1, "{millionths}: {silence} frames of silence");
        }
        // A voice of which every second packet is lost never follows on what it said.
        let (worst, _) = drifted(200, (90_000, u32::MAX), |n| n.is_multiple_of(2));
        assert!(worst <= 160, "{worst} frames off");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]

        #[test]
        fn whatever_is_lost_the_rest_stands_where_it_was_spoken(millionths in -200i64..=200, each in 2u32..40, pause in 1u32..3_000) {
            // Every so many packets one is lost, and of each two minutes a piece.
            let lost = |n: u32| n.is_multiple_of(each) || n % 6_000 < pause;
            let (worst, _) = drifted(millionths, (20_000, 7_000), lost);
            proptest::prop_assert!(worst <= 160, "{} frames off", worst);
        }
    }
}
