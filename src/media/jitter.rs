//! The playout buffer of a source that is decoded: packets in as the network brings them, 20 ms of
//! samples out at each tick. Pure: numbers in, samples out, no clock.
//!
//! It holds back up to 40 ms at first and up to 200 ms where the network needs it, puts packets into their
//! order, drops what comes twice or too late, and hides what is missing. When nothing comes any more the
//! spurt is over, and the next packet begins one. A sender whose clock is faster than ours loses a frame
//! now and then, when more waits than is needed; a slower one runs dry and begins a spurt.

use super::codec::{Decoder, FRAME, LONGEST};
use crate::vocabulary::Codec;

/// Packets that wait at most. With 20 ms each that is half a second.
const SLOTS: usize = 25;
/// Bytes of a payload that is kept: 60 ms of G.711.
const BYTES: usize = 480;
/// Held back at least and at most, microseconds.
const LEAST: u64 = 40_000;
const MOST: u64 = 200_000;
/// One frame, microseconds.
const TICK: u64 = 20_000;
/// A sequence this far off is another beginning.
const FAR: u16 = 100;
/// For so long a source that another has followed may have packets under way, microseconds.
const STRAGGLES: u64 = 200_000;
/// What waits longer is not listened to: as long as a full buffer takes, microseconds.
const STALE: u64 = SLOTS as u64 * TICK;
/// Frames that are hidden before a spurt counts as over: 60 ms.
const HIDDEN: u32 = 3;
/// Ticks over which the least that waited is watched before a frame is dropped: 2 s.
const WATCH: u32 = 100;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Its number as it is played.
    sequence: u16,
    /// As it came: source, number, timestamp.
    came: (u32, u16, u32),
    length: usize,
    bytes: [u8; BYTES],
}

/// One source's buffer and decoder.
#[derive(Debug)]
pub(super) struct Jitter {
    decoder: Decoder,
    codec: Codec,
    ssrc: Option<u32>,
    /// Added to the source's numbers: another one, or other numbers, go on where the one before stood.
    shift: u16,
    /// The source of before, and until when it may have packets under way, microseconds.
    before: Option<(u32, u64)>,
    slots: Vec<Slot>,
    /// The packet that is played next, while a spurt plays.
    next: Option<u16>,
    /// Decoded and not played yet.
    ready: [i16; LONGEST + FRAME],
    filled: usize,
    hidden: u32,
    /// Of RFC 3550 §6.4.1, microseconds; and the packet of before.
    jitter: u64,
    last: Option<(u16, u32, u64)>,
    /// What one packet carries, microseconds.
    ptime: u64,
    target: u64,
    watched: u32,
    least: u64,
    /// Packets that came too late, and that came twice.
    pub late: u64,
    pub twice: u64,
}

impl Jitter {
    /// A buffer that has heard nothing.
    pub fn new(codec: Codec) -> Self {
        Self {
            decoder: Decoder::new(codec),
            codec,
            ssrc: None,
            shift: 0,
            before: None,
            slots: Vec::with_capacity(SLOTS),
            next: None,
            ready: [0; LONGEST + FRAME],
            filled: 0,
            hidden: 0,
            jitter: 0,
            last: None,
            ptime: TICK,
            target: LEAST,
            watched: 0,
            least: u64::MAX,
            late: 0,
            twice: 0,
        }
    }

    /// What it decodes.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes a packet that came at `now`, microseconds.
    pub fn put(&mut self, ssrc: u32, (sequence, timestamp): (u16, u32), payload: &[u8], now: u64) {
        if payload.is_empty() || payload.len() > BYTES {
            return;
        }
        if self.last.is_some_and(|(.., at)| now.saturating_sub(at) > STALE) {
            // Nobody has listened since: what waits is of another time.
            self.slots.clear();
            (self.next, self.filled, self.hidden) = (None, 0, 0);
        }
        if self.before.is_some_and(|(before, until)| before == ssrc && now < until) {
            self.late += 1;
            return;
        }
        let newest = self
            .slots
            .iter()
            .map(|slot| slot.sequence)
            .max_by_key(|s| s.wrapping_sub(self.next.unwrap_or(*s)).cast_signed());
        let place = sequence.wrapping_add(self.shift);
        let far = self.next.or(newest).is_some_and(|next| {
            let ahead = place.wrapping_sub(next);
            ahead > FAR && ahead.wrapping_neg() > FAR
        });
        if self.ssrc != Some(ssrc) || far {
            let stands = newest.map(|newest| newest.wrapping_add(1)).or(self.next);
            self.begin(ssrc, stands.unwrap_or(sequence).wrapping_sub(sequence), now);
        }
        self.measure(sequence, timestamp, now);
        let came = (ssrc, sequence, timestamp);
        let sequence = sequence.wrapping_add(self.shift);
        let late = self.next.is_some_and(|next| sequence.wrapping_sub(next).cast_signed() < 0);
        if late {
            self.late += 1;
            return;
        }
        if self.slots.iter().any(|slot| slot.sequence == sequence) {
            self.twice += 1;
            return;
        }
        if self.slots.len() >= SLOTS {
            self.skip();
        }
        let mut slot = Slot { sequence, came, length: payload.len(), bytes: [0; BYTES] };
        if let Some(place) = slot.bytes.get_mut(..payload.len()) {
            place.copy_from_slice(payload);
        }
        self.slots.push(slot);
    }

    /// The nth packet that waits, in their order: source, number, timestamp and payload.
    pub fn waiting(&self, n: usize) -> Option<((u32, u16, u32), &[u8])> {
        let first = self.next.or_else(|| self.slots.first().map(|slot| slot.sequence))?;
        let place = |slot: &Slot| slot.sequence.wrapping_sub(first).cast_signed();
        let earlier = |slot: &Slot| self.slots.iter().filter(|it| place(it) < place(slot)).count();
        let slot = self.slots.iter().find(|slot| earlier(slot) == n)?;
        Some((slot.came, slot.bytes.get(..slot.length)?))
    }

    /// The next 20 ms; false when the source says nothing now.
    pub fn frame(&mut self, out: &mut [i16; FRAME]) -> bool {
        if self.next.is_none() && !self.begin_spurt() {
            return false;
        }
        self.drop_surplus();
        while self.filled < FRAME {
            if !self.decode_next() {
                return self.run_dry(out);
            }
        }
        let Some(now) = self.ready.first_chunk::<FRAME>() else { return false };
        *out = *now;
        self.ready.copy_within(FRAME..self.filled, 0);
        self.filled -= FRAME;
        true
    }

    /// Another source, or other numbers of the same. What waits of the one before is played first, and what comes
    /// stands behind it: both were spoken.
    fn begin(&mut self, ssrc: u32, shift: u16, now: u64) {
        if self.slots.is_empty() && self.next.is_none() {
            self.decoder = Decoder::new(self.codec);
        }
        let before = self.ssrc.replace(ssrc).filter(|before| *before != ssrc);
        self.before = before.map(|before| (before, now + STRAGGLES));
        (self.shift, self.last) = (shift, None);
    }

    /// RFC 3550 §6.4.1 and the length of a packet by the step of its timestamp.
    fn measure(&mut self, sequence: u16, timestamp: u32, now: u64) {
        let Some((number, before, at)) = self.last.replace((sequence, timestamp, now)) else {
            return;
        };
        let step = timestamp.wrapping_sub(before).cast_signed();
        let span = i64::from(step) * 1_000_000 / i64::from(self.codec.clock());
        if !(0..=1_000_000).contains(&span) {
            return;
        }
        let passed = i64::try_from(now.saturating_sub(at)).unwrap_or(i64::MAX);
        let off = (passed - span).unsigned_abs().min(1_000_000);
        self.jitter = (self.jitter * 15 + off) / 16;
        if sequence == number.wrapping_add(1) && (10_000..=120_000).contains(&span) {
            self.ptime = span.unsigned_abs();
        }
        // Twice the usual deviation covers nearly all of it.
        self.target = (TICK + 3 * self.jitter).clamp(LEAST, MOST);
    }

    /// What waits, microseconds.
    fn waits(&self) -> u64 {
        self.slots.len() as u64 * self.ptime + self.filled as u64 * 125
    }

    fn begin_spurt(&mut self) -> bool {
        if self.slots.is_empty() {
            return false;
        }
        // Counted in beats since its first packet came; a burst need not be held back.
        self.hidden += 1;
        if u64::from(self.hidden) * TICK < self.target && self.waits() < MOST {
            return false;
        }
        self.hidden = 0;
        (self.watched, self.least) = (0, u64::MAX);
        let first = self.slots.first().map(|slot| slot.sequence);
        let oldest = self.slots.iter().map(|slot| slot.sequence);
        self.next = first.and_then(|first| {
            oldest.min_by_key(|sequence| sequence.wrapping_sub(first).cast_signed())
        });
        self.next.is_some()
    }

    /// Decodes the next packet, or hides that it is missing where later ones are there.
    fn decode_next(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        let place = self.slots.iter().position(|slot| slot.sequence == next);
        match place {
            Some(place) => {
                let slot = self.slots.swap_remove(place);
                let mut out = [0; LONGEST];
                let payload = slot.bytes.get(..slot.length).unwrap_or_default();
                let count = self.decoder.decode(payload, &mut out);
                self.append(out.get(..count).unwrap_or_default());
                self.hidden = 0;
            }
            None if self.slots.is_empty() => return false,
            None => {
                let mut out = [0; FRAME];
                self.decoder.conceal(&mut out);
                self.append(&out);
            }
        }
        self.next = Some(next.wrapping_add(1));
        true
    }

    /// Nothing is there: what is missing is hidden for a little while, then the spurt is over.
    fn run_dry(&mut self, out: &mut [i16; FRAME]) -> bool {
        self.hidden += 1;
        self.decoder.conceal(out);
        // What was decoded and is not enough for a frame goes first.
        if let (Some(start), Some(rest)) =
            (out.get_mut(..self.filled), self.ready.get(..self.filled))
        {
            start.copy_from_slice(rest);
        }
        self.filled = 0;
        if self.hidden > HIDDEN {
            self.next = None;
            self.hidden = 0;
            self.last = None;
            return false;
        }
        true
    }

    fn append(&mut self, samples: &[i16]) {
        let end = self.filled + samples.len();
        if let Some(place) = self.ready.get_mut(self.filled..end) {
            place.copy_from_slice(samples);
            self.filled = end;
        }
    }

    /// When for two seconds a whole frame more waited than is needed, one is dropped.
    fn drop_surplus(&mut self) {
        self.watched += 1;
        self.least = self.least.min(self.waits());
        if self.watched < WATCH {
            return;
        }
        if self.least > self.target + TICK {
            self.skip();
        }
        (self.watched, self.least) = (0, u64::MAX);
    }

    /// Leaves the oldest packet out.
    fn skip(&mut self) {
        let next = self.next;
        let oldest = self.slots.iter().enumerate().min_by_key(|(_, slot)| {
            slot.sequence.wrapping_sub(next.unwrap_or(slot.sequence)).cast_signed()
        });
        if let Some((place, _)) = oldest {
            let slot = self.slots.swap_remove(place);
            if next.is_some() {
                self.next = Some(slot.sequence.wrapping_add(1));
            }
        }
    }
}

#[cfg(test)]
mod tests;
