//! Who the far end of a stream really is. Addresses and numbers in, a verdict out; no packet is read here.

use std::net::{IpAddr, SocketAddr};

/// A far end that was silent this long, in microseconds, may be replaced by another source.
const SILENCE: u64 = 2_000_000;
/// The same of one that said next to nothing.
const STRAY: u64 = 500_000;
/// Packets after which it said something: half a second.
const PROVED: u32 = 25;
/// A packet this far ahead goes on where the newest one stood: two seconds.
const AHEAD: u16 = 100;

/// Who the far end really is: symmetric RTP (RFC 4961) for phones behind a NAT, without letting a
/// stranger take the call.
///
/// The far end is the address that SDP announced, until an agreed packet comes from elsewhere
/// first. From then on any other source is ignored, except:
/// * a packet from another port of the same host that goes on where the last one stood: a NAT that changed
///   its mapping. Nobody else knows the source's 32 bits and where its numbers are,
/// * after 2 s in which the far end was silent, any packet from another port of the same host, and one that
///   goes on with its numbers from another host (a phone that changed its network),
/// * anybody whose packets have numbers, where the far end fell silent before it had said half a second:
///   that was a stray packet or somebody who tried their luck, and must not keep out who comes behind a NAT,
/// * after a new address was announced,
/// * the announced address itself, which takes its place back when it speaks, and another port of its
///   host, which takes the place of a stranger that was quicker,
/// * a packet from where the peer signals, which takes the place of whoever is at neither: a NAT mostly has one
///   address for both, and a stranger who sends from before the call on has to yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourceLock {
    announced: SocketAddr,
    /// Where the peer signals from.
    signals: Option<IpAddr>,
    far: SocketAddr,
    heard: Option<u64>,
    /// What it said: how many packets, and the source and number of the newest.
    said: u32,
    newest: Option<(u32, u16)>,
}

impl SourceLock {
    /// Nothing was heard yet: the far end is the announced address.
    pub const fn new(announced: SocketAddr) -> Self {
        Self { announced, signals: None, far: announced, heard: None, said: 0, newest: None }
    }

    /// Takes a newly announced address. The same one again (a re-INVITE for hold) changes nothing.
    pub fn announce(&mut self, announced: SocketAddr) {
        if announced != self.announced {
            *self = Self { signals: self.signals, ..Self::new(announced) };
        }
    }

    /// Takes note of where the peer signals from.
    pub const fn hint(&mut self, host: Option<IpAddr>) {
        self.signals = host;
    }

    /// Whether a packet from `from` at `now` (microseconds) belongs to this stream. Only an
    /// `agreed` packet, one of the negotiated kinds, can change the far end. `number`: its SSRC and sequence
    /// number, where it has them.
    pub fn admit(
        &mut self,
        from: SocketAddr,
        agreed: bool,
        number: Option<(u32, u16)>,
        now: u64,
    ) -> bool {
        if from != self.far {
            let goes_on = self.goes_on(number);
            let same_host = from.ip() == self.far.ip();
            let free = self.heard.is_none_or(|last| {
                let silent = now.saturating_sub(last);
                let known = same_host || from.ip() == self.announced.ip() || goes_on;
                let stray = number.is_some() && self.said < PROVED;
                (silent >= SILENCE && known) || (silent >= STRAY && stray)
            });
            let moved = same_host && goes_on;
            if !agreed || !(free || moved || self.rank(from) > self.rank(self.far)) {
                return false;
            }
            self.far = from;
            if !goes_on {
                (self.said, self.newest) = (0, None);
            }
        }
        self.heard = Some(now);
        self.said = self.said.saturating_add(1);
        if self.newest.is_none() || self.goes_on(number) || !self.is_of(number) {
            self.newest = number;
        }
        true
    }

    /// Whether a packet is the next of the same source, or nearly.
    fn goes_on(&self, number: Option<(u32, u16)>) -> bool {
        self.newest.zip(number).is_some_and(|((ssrc, newest), (its, sequence))| {
            ssrc == its && (1..=AHEAD).contains(&sequence.wrapping_sub(newest))
        })
    }

    /// Whether it stands a little behind the newest one of the same source.
    fn is_of(&self, number: Option<(u32, u16)>) -> bool {
        self.newest.zip(number).is_some_and(|((ssrc, newest), (its, sequence))| {
            ssrc == its && newest.wrapping_sub(sequence) <= AHEAD
        })
    }

    /// How likely it is that somebody is the far end.
    fn rank(&self, from: SocketAddr) -> u8 {
        if from == self.announced {
            3
        } else if from.ip() == self.announced.ip() {
            2
        } else {
            u8::from(Some(from.ip()) == self.signals)
        }
    }

    /// Where to send, unless it is no place (`0.0.0.0` is how RFC 2543 says hold).
    pub fn far_end(&self) -> Option<SocketAddr> {
        (!self.far.ip().is_unspecified() && self.far.port() != 0).then_some(self.far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], 4000))
    }

    #[test]
    fn the_far_end_follows_the_rules_of_the_lock() {
        const SECOND: u64 = 1_000_000;
        // (from, agreed, seconds) -> admitted; the announced address is host 1.
        type Steps<'a> = &'a [(u8, bool, u64, bool)];
        let cases: [(&str, Steps<'_>, u8); 8] = [
            ("as announced", &[(1, true, 0, true), (1, true, 1, true)], 1),
            ("behind a NAT", &[(7, true, 0, true), (7, true, 1, true)], 7),
            ("a stranger later", &[(7, true, 0, true), (9, true, 1, false)], 7),
            ("a stranger after silence", &[(7, true, 0, true), (9, true, 2, false)], 7),
            ("a stranger, odd payload first", &[(9, false, 0, false), (7, true, 0, true)], 7),
            ("odd payload after silence", &[(7, true, 0, true), (9, false, 5, false)], 7),
            ("comfort noise of the far end", &[(7, true, 0, true), (7, false, 3, true)], 7),
            ("the announced one speaks", &[(9, true, 0, true), (1, true, 1, true)], 1),
        ];
        for (name, steps, far) in cases {
            let mut lock = SourceLock::new(at(1));
            for &(from, agreed, seconds, admitted) in steps {
                let now = seconds * SECOND;
                assert_eq!(lock.admit(at(from), agreed, None, now), admitted, "{name}");
            }
            assert_eq!(lock.far_end(), Some(at(far)), "{name}");
        }
    }

    #[test]
    fn after_silence_the_same_host_may_speak_from_another_port() {
        let mut lock = SourceLock::new(at(1));
        let moved = SocketAddr::from(([192, 0, 2, 7], 4999));
        assert!(lock.admit(at(7), true, None, 0));
        assert!(!lock.admit(moved, true, None, SILENCE - 1));
        assert!(lock.admit(moved, true, None, SILENCE));
        assert_eq!(lock.far_end(), Some(moved));
    }

    #[test]
    fn a_new_address_opens_the_lock_and_the_old_one_does_not() {
        let mut lock = SourceLock::new(at(1));
        assert!(lock.admit(at(7), true, None, 0));
        lock.announce(at(1));
        assert!(!lock.admit(at(9), true, None, 1));
        assert_eq!(lock.far_end(), Some(at(7)));
        lock.announce(at(2));
        assert_eq!(lock.far_end(), Some(at(2)));
        assert!(lock.admit(at(9), true, None, 2));
    }

    #[test]
    fn no_place_is_not_sent_to() {
        assert_eq!(SourceLock::new(SocketAddr::from(([0, 0, 0, 0], 4000))).far_end(), None);
        assert_eq!(SourceLock::new(SocketAddr::from(([192, 0, 2, 1], 0))).far_end(), None);
    }

    /// A lock whose far end, host 7 behind a NAT, has said so many packets of source 1, 20 ms each; and when
    /// the last was.
    fn talking(packets: u16) -> (SourceLock, u64) {
        let mut lock = SourceLock::new(at(1));
        let mut now = 0;
        for number in 0..packets {
            now += 20_000;
            assert!(lock.admit(at(7), true, Some((1, number.wrapping_sub(10))), now));
        }
        (lock, now)
    }

    #[test]
    fn a_stray_packet_keeps_out_nobody_and_who_talked_is_replaced_by_nobody() {
        for (said, taken) in [(1, true), (24, true), (25, false), (500, false)] {
            let (mut lock, now) = talking(said);
            assert!(!lock.admit(at(9), true, Some((2, 5)), now + STRAY - 1), "{said}");
            assert_eq!(lock.admit(at(9), true, Some((2, 6)), now + STRAY), taken, "{said}");
            assert_eq!(lock.admit(at(9), true, Some((2, 7)), now + 60 * SILENCE), taken, "{said}");
        }
        // A burst of a quicker one is over before long; the announced one does not even wait.
        let (mut lock, now) = talking(10);
        assert!(lock.admit(at(1), true, Some((3, 1)), now));
        assert!(!lock.admit(at(7), true, Some((1, 0)), now + 1));
    }

    #[test]
    fn a_stranger_who_sends_from_before_the_call_on_yields_to_where_the_peer_signals() {
        // Host 1 is announced, host 7 signals (its NAT), host 9 is a stranger who never pauses.
        for signals in [None, Some(at(7).ip())] {
            let mut lock = SourceLock::new(at(1));
            lock.hint(signals);
            let mut now = 0;
            for number in 0..100 {
                now += 20_000;
                assert!(lock.admit(at(9), true, Some((9, number)), now));
            }
            let knows = signals.is_some();
            assert!(!lock.admit(at(7), false, Some((7, 0)), now), "an odd payload shows nothing");
            assert_eq!(lock.admit(at(7), true, Some((7, 1)), now + 1), knows);
            assert_eq!(lock.admit(at(9), true, Some((9, 100)), now + 2), !knows);
            assert_eq!(lock.far_end(), Some(at(if knows { 7 } else { 9 })));
            // What was announced still goes first, and a new announcement forgets no hint.
            assert!(lock.admit(at(1), true, Some((1, 1)), now + 3));
            assert!(!lock.admit(at(7), true, Some((7, 2)), now + 4));
            lock.announce(at(2));
            assert!(lock.admit(at(9), true, Some((9, 101)), now + 5));
            assert_eq!(lock.admit(at(7), true, Some((7, 3)), now + 6), knows);
        }
        // Who talks from neither place, as a media gateway of a carrier may, is kept from nothing.
        let mut lock = SourceLock::new(at(1));
        lock.hint(Some(at(7).ip()));
        assert!(
            lock.admit(at(8), true, Some((8, 1)), 1) && lock.admit(at(8), true, Some((8, 2)), 2)
        );
    }

    #[test]
    fn a_nat_that_changes_its_mapping_costs_no_packet_and_nobody_else_can_say_so() {
        // The newest number is 19.
        let moved = SocketAddr::from(([192, 0, 2, 7], 4999));
        for (name, from, number, taken) in [
            ("the next", moved, Some((1, 20)), true),
            ("after a loss", moved, Some((1, 60)), true),
            ("of another source", moved, Some((2, 20)), false),
            ("far ahead", moved, Some((1, 200)), false),
            ("a copy", moved, Some((1, 19)), false),
            ("late", moved, Some((1, 18)), false),
            ("without a number", moved, None, false),
            ("of another host", at(9), Some((1, 20)), false),
        ] {
            let (mut lock, now) = talking(30);
            assert_eq!(lock.admit(from, true, number, now + 1), taken, "{name}");
            assert_eq!(lock.far_end(), Some(if taken { from } else { at(7) }), "{name}");
        }
        let (mut lock, now) = talking(30);
        assert!(!lock.admit(moved, false, Some((1, 20)), now + 1), "an odd payload shows nothing");
        assert!(lock.admit(moved, true, Some((1, 20)), now + 1));
        assert!(!lock.admit(at(7), true, Some((1, 17)), now + 2), "late from the old port");
        assert_eq!(lock.far_end(), Some(moved));
    }

    #[test]
    fn a_phone_that_changes_its_network_is_known_by_its_numbers() {
        let (mut lock, now) = talking(100);
        assert!(!lock.admit(at(9), true, Some((1, 95)), now + SILENCE - 1));
        assert!(!lock.admit(at(9), true, Some((2, 95)), now + SILENCE));
        assert!(lock.admit(at(9), true, Some((1, 95)), now + SILENCE));
    }

    #[test]
    fn a_source_that_begins_anew_at_the_same_place_is_followed_from_there() {
        let (mut lock, now) = talking(100);
        let moved = SocketAddr::from(([192, 0, 2, 7], 4999));
        assert!(lock.admit(at(7), true, Some((5, 40_000)), now + 1));
        assert!(lock.admit(at(7), true, Some((5, 10)), now + 2), "a jump of the numbers");
        assert!(lock.admit(moved, true, Some((5, 11)), now + 3));
    }
}
