//! What one stream sends, as one RTP source (RFC 3550 §5.1) for all its life: the same SSRC, a sequence
//! and a timestamp that only go on, whoever is passed on and whatever is played. What is said is not
//! its affair.
//!
//! A packet that is passed on keeps its distance to its neighbours, so loss, reordering and jitter of the
//! far side stay visible. Where the source changes, the next packet stands one number on and as much
//! time on as has passed.

use super::rtp::{self, Rtp};

/// A jump of the sequence that is no loss but a sender that began anew: one minute of packets.
const JUMP: u16 = 3_000;
/// A packet that is so far behind, or comes so many microseconds after the newest one, is not late: the
/// sender began anew, and what it says must not look as if it came twice (RFC 3711 §3.3.2).
const LATE: u16 = 100;
const LATE_FOR: u64 = 1_000_000;

/// The packet of before and where it stood.
#[derive(Clone, Copy, Debug)]
struct Shift {
    ssrc: u32,
    /// The newest of theirs, and what is added to their numbers.
    highest: u16,
    newest: u32,
    sequence: u16,
    timestamp: u32,
}

/// A key that is being passed on (RFC 4733): its packets share one timestamp.
#[derive(Clone, Copy, Debug)]
struct Event {
    ssrc: u32,
    theirs: u32,
    ours: u32,
}

/// One RTP source.
#[derive(Debug)]
pub(super) struct Outgoing {
    ssrc: u32,
    /// The next number, and where the packet after the newest one stands.
    sequence: u16,
    timestamp: u32,
    /// When the newest one was sent, microseconds; none before the first.
    sent: Option<u64>,
    shift: Option<Shift>,
    event: Option<Event>,
    /// The next packet of our own begins a spurt.
    silent: bool,
}

impl Outgoing {
    /// Source, sequence and timestamp start anywhere (RFC 3550 §5.1).
    pub fn new() -> Self {
        Self::of(rand::random())
    }

    /// The same of a source that was named before.
    pub fn of(ssrc: u32) -> Self {
        let (sequence, timestamp) = rand::random();
        Self { ssrc, sequence, timestamp, sent: None, shift: None, event: None, silent: true }
    }

    /// Where a packet at `now` stands, RTP time of our source.
    pub fn timestamp_at(&self, now: u64, clock: u32) -> u32 {
        let Some(sent) = self.sent else { return self.timestamp };
        // The newest packet itself has taken its time already.
        let passed = steps(now.saturating_sub(sent), clock).saturating_sub(clock / 50);
        self.timestamp.wrapping_add(passed)
    }

    /// Our SSRC.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// A pause of what we play: the next packet begins a spurt.
    pub const fn pause(&mut self) {
        self.silent = true;
    }

    /// Writes a packet of `step` RTP time of our own at `now` into the head of `packet`, and forgets
    /// whom it passed on before.
    pub fn own(
        &mut self,
        payload_type: u8,
        (step, clock): (u32, u32),
        now: u64,
        packet: &mut [u8],
    ) {
        let goes_on = self.shift.is_none() && !self.silent;
        self.shift = None;
        if !goes_on {
            self.timestamp = self.timestamp_at(now, clock);
        }
        let marker = self.silent || !goes_on;
        rtp::write_header(packet, (payload_type, marker), self.sequence, self.timestamp, self.ssrc);
        self.advance(self.sequence, self.timestamp.wrapping_add(step), now);
        self.silent = false;
    }

    /// Makes a packet of another source one of ours, in place. `step`: RTP time of its payload.
    pub fn pass(
        &mut self,
        rtp: &Rtp,
        payload_type: u8,
        (step, clock): (u32, u32),
        now: u64,
        packet: &mut [u8],
    ) {
        let known = self.shift.filter(|shift| {
            let ahead = rtp.sequence.wrapping_sub(shift.highest);
            let just_now = self.sent.is_some_and(|sent| now.saturating_sub(sent) < LATE_FOR);
            let late = ahead.wrapping_neg() <= LATE && just_now;
            shift.ssrc == rtp.ssrc && (ahead < JUMP || late)
        });
        let (mut shift, fresh) = match known {
            Some(shift) => (shift, false),
            None => {
                self.timestamp = self.timestamp_at(now, clock);
                let fresh = Shift {
                    ssrc: rtp.ssrc,
                    highest: rtp.sequence,
                    newest: rtp.timestamp,
                    sequence: self.sequence.wrapping_sub(rtp.sequence),
                    timestamp: self.timestamp.wrapping_sub(rtp.timestamp),
                };
                (fresh, true)
            }
        };
        let sequence = rtp.sequence.wrapping_add(shift.sequence);
        let timestamp = rtp.timestamp.wrapping_add(shift.timestamp);
        let marker = fresh || rtp.marker;
        rtp::write_header_in_place(packet, (payload_type, marker), sequence, timestamp, self.ssrc);
        if fresh || rtp.sequence.wrapping_sub(shift.highest) < JUMP {
            (shift.highest, shift.newest) = (rtp.sequence, rtp.timestamp);
            self.advance(sequence, timestamp.wrapping_add(step), now);
        }
        self.shift = Some(shift);
        self.silent = false;
    }

    /// Writes the head of a key's packet that comes from elsewhere while we send a mix of our own.
    pub fn event(&mut self, rtp: &Rtp, payload_type: u8, clock: u32, now: u64, packet: &mut [u8]) {
        let known = self.event.filter(|e| (e.ssrc, e.theirs) == (rtp.ssrc, rtp.timestamp));
        let ours = known.map_or_else(|| self.timestamp_at(now, clock), |event| event.ours);
        self.event = Some(Event { ssrc: rtp.ssrc, theirs: rtp.timestamp, ours });
        let marker = known.is_none();
        rtp::write_header(packet, (payload_type, marker), self.sequence, ours, self.ssrc);
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn advance(&mut self, sequence: u16, timestamp: u32, now: u64) {
        self.sequence = sequence.wrapping_add(1);
        self.timestamp = timestamp;
        self.sent = Some(now);
    }
}

/// RTP time of so many microseconds.
#[allow(clippy::cast_possible_truncation, reason = "timestamps wrap")]
const fn steps(micros: u64, clock: u32) -> u32 {
    (micros.saturating_mul(clock as u64) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_LAW: (u32, u32) = (160, 8_000);

    fn packet(ssrc: u32, sequence: u16, timestamp: u32) -> Vec<u8> {
        let mut packet = vec![0x80; 172];
        rtp::write_header(&mut packet, (8, false), sequence, timestamp, ssrc);
        packet
    }

    fn passed(out: &mut Outgoing, ssrc: u32, sequence: u16, timestamp: u32, now: u64) -> Rtp {
        let mut bytes = packet(ssrc, sequence, timestamp);
        let read = Rtp::read(&bytes).expect("RTP");
        out.pass(&read, 8, A_LAW, now, &mut bytes);
        Rtp::read(&bytes).expect("RTP")
    }

    #[test]
    fn loss_and_reordering_of_the_far_side_stay_visible() {
        let mut out = Outgoing::new();
        let first = passed(&mut out, 7, 65_534, 1_000, 0);
        for (n, gap) in [(1u16, 1), (3, 3), (2, 2), (5, 5)] {
            let next =
                passed(&mut out, 7, 65_534u16.wrapping_add(n), 1_000 + u32::from(n) * 160, 0);
            assert_eq!(next.sequence.wrapping_sub(first.sequence), gap);
            assert_eq!(next.timestamp.wrapping_sub(first.timestamp), u32::from(gap) * 160);
            assert_eq!(next.ssrc, first.ssrc);
        }
    }

    #[test]
    fn a_sender_that_begins_anew_is_never_said_twice() {
        for (talked, silence) in [(300, 20_000), (50, 2_000_000), (150, 5_000_000)] {
            let (mut out, mut seen) = (Outgoing::new(), std::collections::BTreeSet::new());
            for turn in 0..3 {
                for n in 0..talked {
                    let now = turn * (u64::from(talked) * 20_000 + silence) + u64::from(n) * 20_000;
                    let said = passed(&mut out, 7, n, u32::from(n) * 160, now);
                    assert!(seen.insert(said.sequence), "{talked}, {silence}: {n} in {turn}");
                }
            }
        }
    }

    #[test]
    fn whoever_speaks_next_the_source_goes_on() {
        let mut out = Outgoing::new();
        let first = passed(&mut out, 7, 10, 1_000, 0);
        let other = passed(&mut out, 9, 40_000, 77_777, 20_000);
        assert_eq!(other.sequence, first.sequence.wrapping_add(1));
        assert_eq!(other.timestamp.wrapping_sub(first.timestamp), 160);
        // Two seconds of nothing, then something of our own.
        let mut own = vec![0; 172];
        out.own(8, A_LAW, 2_020_000, &mut own);
        let own = Rtp::read(&own).expect("RTP");
        assert_eq!(own.sequence, other.sequence.wrapping_add(1));
        assert_eq!(own.timestamp.wrapping_sub(other.timestamp), 16_000);
        // The same sender begins anew with other numbers.
        let again = passed(&mut out, 9, 5, 3, 2_040_000);
        assert_eq!(again.sequence, own.sequence.wrapping_add(1));
        assert_eq!(again.timestamp.wrapping_sub(own.timestamp), 160);
        assert_eq!(again.ssrc, first.ssrc);
    }

    #[test]
    fn what_we_play_goes_on_by_its_own_time() {
        let mut out = Outgoing::new();
        let mut last: Option<Rtp> = None;
        for n in 0..50u64 {
            let mut bytes = vec![0; 172];
            // The clock that wakes us is never quite right.
            out.own(8, A_LAW, n * 20_000 + (n % 7) * 900, &mut bytes);
            let next = Rtp::read(&bytes).expect("RTP");
            if let Some(last) = last {
                assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 160);
            }
            last = Some(next);
        }
    }

    #[test]
    fn a_key_keeps_its_timestamp_beside_a_mix() {
        let mut out = Outgoing::new();
        let mut bytes = vec![0; 172];
        out.own(8, A_LAW, 0, &mut bytes);
        let key = Rtp::read(&packet(7, 1, 500)).expect("RTP");
        let mut head = vec![0; 16];
        out.event(&key, 101, 8_000, 20_000, &mut head);
        let first = Rtp::read(&head).expect("RTP");
        out.own(8, A_LAW, 20_000, &mut bytes);
        out.event(&key, 101, 8_000, 40_000, &mut head);
        let second = Rtp::read(&head).expect("RTP");
        assert_eq!(first.timestamp, second.timestamp);
        assert_eq!(second.sequence.wrapping_sub(first.sequence), 2);
    }
}
