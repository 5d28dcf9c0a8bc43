//! Reports of one leg (RFC 3550 §6.4): what we say of what we send and hear, and what the peer says of
//! us. Written by the webrtc-rs project's crate; read here, as a reader of strangers' bytes must never
//! panic or keep what it has not checked.

use rtcp::goodbye::Goodbye;
use rtcp::packet::Packet;
use rtcp::receiver_report::ReceiverReport;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use webrtc_util::marshal::Marshal;

use crate::call::quality::{Heard, Quality, TextQuality};
use crate::vocabulary::Codec;

/// Numbers that a sequence may jump ahead without being another beginning: one minute of packets.
const JUMP: u16 = 3_000;
/// Numbers by which a packet may be late.
const LATE: u16 = 100;

/// What was heard of one peer (RFC 3550 appendix A.3 and A.8).
#[derive(Debug, Default)]
pub struct Reception {
    ssrc: Option<u32>,
    base: u16,
    highest: u16,
    cycles: u32,
    received: u32,
    expected_before: u32,
    received_before: u32,
    /// Arrival less timestamp of the packet before, RTP time.
    transit: Option<i64>,
    /// Sixteenths of RTP time.
    jitter: u32,
    /// Of sources that are over: received and lost.
    past: (u64, u64),
    /// The middle of the NTP time of the peer's last report, and when it came.
    report: Option<(u32, u64)>,
    /// What the peer said last of what it hears: loss in 256ths since its report before, jitter in RTP
    /// time, and the whole.
    theirs: Option<(u8, u32)>,
    round_trip: Option<u64>,
}

impl Reception {
    /// Takes note of a packet that came at `now`, microseconds.
    pub fn see(&mut self, ssrc: u32, sequence: u16, timestamp: u32, clock: u32, now: u64) {
        let ahead = sequence.wrapping_sub(self.highest);
        let known = self.ssrc == Some(ssrc) && (ahead < JUMP || ahead.wrapping_neg() <= LATE);
        if !known {
            let (received, lost) = self.whole();
            let (report, theirs, round_trip) = (self.report, self.theirs, self.round_trip);
            *self = Self {
                ssrc: Some(ssrc),
                base: sequence,
                highest: sequence,
                past: (received, lost),
                report,
                theirs,
                round_trip,
                ..Self::default()
            };
        } else if ahead < JUMP {
            self.cycles += u32::from(sequence < self.highest && ahead != 0);
            self.highest = sequence;
        }
        self.received = self.received.saturating_add(1);
        self.shake(timestamp, clock, now);
    }

    fn shake(&mut self, timestamp: u32, clock: u32, now: u64) {
        let arrival = now.saturating_mul(u64::from(clock)) / 1_000_000;
        let transit = arrival.cast_signed().wrapping_sub(i64::from(timestamp));
        let Some(before) = self.transit.replace(transit) else { return };
        // Timestamps wrap; beyond a second it is another beginning, not the network.
        let moved = u32::try_from((transit - before).rem_euclid(1 << 32)).unwrap_or(0);
        let moved = moved.cast_signed().unsigned_abs();
        if moved <= clock {
            self.jitter = self.jitter.saturating_add(moved).saturating_sub((self.jitter + 8) >> 4);
        }
    }

    fn extended(&self) -> u32 {
        self.cycles << 16 | u32::from(self.highest)
    }

    fn expected(&self) -> u32 {
        if self.ssrc.is_none() { 0 } else { self.extended().wrapping_sub(u32::from(self.base)) + 1 }
    }

    /// Packets received and lost so far, of all sources.
    pub fn whole(&self) -> (u64, u64) {
        let lost = self.expected().saturating_sub(self.received);
        (self.past.0 + u64::from(self.received), self.past.1 + u64::from(lost))
    }

    /// Jitter, milliseconds.
    fn jitter_ms(&self, clock: u32) -> u32 {
        (self.jitter >> 4) * 1000 / clock.max(1)
    }

    /// Our report block on the peer, whose count begins anew.
    fn block(&mut self, now: u64) -> Option<ReceptionReport> {
        let ssrc = self.ssrc?;
        let expected = self.expected();
        let due = expected.wrapping_sub(self.expected_before);
        let came = self.received.wrapping_sub(self.received_before);
        (self.expected_before, self.received_before) = (expected, self.received);
        let lost = due.saturating_sub(came);
        let fraction = (lost << 8).checked_div(due).unwrap_or(0);
        let (last, delay) = self.report.map_or((0, 0), |(last, at)| {
            // 1/65,536 of a second.
            (last, now.saturating_sub(at).saturating_mul(65_536) / 1_000_000)
        });
        Some(ReceptionReport {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            total_lost: expected.saturating_sub(self.received).min(0x7f_ffff),
            last_sequence_number: self.extended(),
            jitter: self.jitter >> 4,
            last_sender_report: last,
            delay: u32::try_from(delay).unwrap_or(u32::MAX),
        })
    }

    /// Reads a compound packet of the peer; `ours` is our source. False when it is none.
    pub fn read(&mut self, packet: &[u8], ours: u32, now: u64, ntp_now: u64) -> bool {
        let mut rest = packet;
        let mut any = false;
        while let Some(&[flags, kind, high, low]) = rest.first_chunk() {
            let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
            let Some((one, after)) = rest.split_at_checked(length) else { return any };
            if flags >> 6 != 2 {
                return any;
            }
            any = true;
            let count = usize::from(flags & 0x1f);
            match kind {
                200 => {
                    if let Some(middle) = word(one, 10) {
                        self.report = Some((middle, now));
                    }
                    self.blocks(one.get(28..).unwrap_or_default(), count, ours, ntp_now);
                }
                201 => self.blocks(one.get(8..).unwrap_or_default(), count, ours, ntp_now),
                _ => {}
            }
            rest = after;
        }
        any
    }

    fn blocks(&mut self, blocks: &[u8], count: usize, ours: u32, ntp_now: u64) {
        let blocks = blocks.chunks_exact(24).take(count);
        for block in blocks.filter(|block| word(block, 0) == Some(ours)) {
            let (Some(&fraction), Some(jitter)) = (block.get(4), word(block, 12)) else { continue };
            self.theirs = Some((fraction, jitter));
            let (Some(last), Some(delay)) = (word(block, 16), word(block, 20)) else { continue };
            if last != 0 {
                let middle = u32::try_from(ntp_now >> 16 & 0xffff_ffff).unwrap_or(0);
                let trip = middle.wrapping_sub(last).wrapping_sub(delay);
                // Clocks that disagree make it seem negative.
                let trip = if trip > u32::MAX / 2 { 0 } else { trip };
                self.round_trip = Some(u64::from(trip) * 1_000_000 / 65_536);
            }
        }
    }

    /// What became of a leg's text.
    pub fn of_text(&self) -> TextQuality {
        let (received, lost) = self.whole();
        let lost_there = self.theirs.map(|(fraction, _)| hundredths(fraction));
        let round_trip_ms =
            self.round_trip.map(|micros| u32::try_from(micros / 1000).unwrap_or(u32::MAX));
        TextQuality { received, lost, lost_there, round_trip_ms }
    }

    /// How the leg is heard.
    pub fn quality(&self, codec: Codec) -> Quality {
        let (received, lost) = self.whole();
        let clock = codec.clock();
        let trip = self.round_trip.map(|micros| u32::try_from(micros / 1000).unwrap_or(u32::MAX));
        let all = received + lost;
        let loss = (lost * 10_000).checked_div(all).unwrap_or(0);
        let loss = u16::try_from(loss).unwrap_or(u16::MAX);
        let there = self.theirs.map(|(fraction, jitter)| {
            Heard::new(codec, hundredths(fraction), jitter.saturating_mul(1000) / clock, trip)
        });
        Quality {
            received,
            lost,
            here: Heard::new(codec, loss, self.jitter_ms(clock), trip),
            there,
            round_trip_ms: trip,
        }
    }
}

/// 256ths of the whole in hundredths of a per cent.
fn hundredths(fraction: u8) -> u16 {
    u16::try_from(u32::from(fraction) * 10_000 / 256).unwrap_or(u16::MAX)
}

/// What we have sent so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    pub packets: u32,
    pub octets: u32,
}

impl Sent {
    /// One more packet, with so many bytes behind its header.
    pub fn add(&mut self, octets: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(octets).unwrap_or(0));
    }
}

/// Somebody else whose words are in our packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub source: u32,
    /// A name for their end that tells nothing.
    pub name: String,
    /// What people call them; at most 255 bytes.
    pub shown: String,
}

/// What our next report says.
#[derive(Debug)]
pub struct Report<'a> {
    pub ssrc: u32,
    /// A name for our end that tells nothing (RFC 7022).
    pub name: &'a str,
    /// Who else is heard through us, 30 at most.
    pub others: &'a [Other],
    /// NTP time, and where our source stands then; none when nothing was sent since the last report.
    pub sends: Option<(u64, u32, Sent)>,
    /// The stream ends.
    pub bye: bool,
}

impl Report<'_> {
    /// The compound packet.
    pub fn write(&self, heard: &mut Reception, now: u64) -> Option<Vec<u8>> {
        let ssrc = self.ssrc;
        let reports: Vec<ReceptionReport> = heard.block(now).into_iter().collect();
        let first: Box<dyn Packet + Send + Sync> = match self.sends {
            Some((ntp_time, rtp_time, sent)) => Box::new(SenderReport {
                ssrc,
                ntp_time,
                rtp_time,
                packet_count: sent.packets,
                octet_count: sent.octets,
                reports,
                ..SenderReport::default()
            }),
            None => Box::new(ReceiverReport { ssrc, reports, ..ReceiverReport::default() }),
        };
        let item = |sdes_type, text: &str| SourceDescriptionItem {
            sdes_type,
            text: text.to_owned().into(),
        };
        let ours = vec![item(SdesType::SdesCname, self.name)];
        let mut chunks = vec![SourceDescriptionChunk { source: ssrc, items: ours }];
        chunks.extend(self.others.iter().map(|Other { source, name, shown }| {
            let mut items = vec![item(SdesType::SdesCname, name)];
            items.extend((!shown.is_empty()).then(|| item(SdesType::SdesName, shown)));
            SourceDescriptionChunk { source: *source, items }
        }));
        let name = SourceDescription { chunks };
        let mut packet = first.marshal().ok()?.to_vec();
        packet.extend_from_slice(&name.marshal().ok()?);
        if self.bye {
            let bye = Goodbye { sources: vec![ssrc], ..Goodbye::default() };
            packet.extend_from_slice(&bye.marshal().ok()?);
        }
        Some(packet)
    }
}

/// What the sources are called of which a compound packet tells (RFC 3550 §6.5): their names, or the first
/// part of their canonical names. At most 31.
pub fn names(packet: &[u8]) -> Vec<(u32, String)> {
    let (mut rest, mut names) = (packet, Vec::new());
    while let Some(&[_, kind, high, low]) = rest.first_chunk() {
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let Some((one, after)) = rest.split_at_checked(length) else { return names };
        rest = after;
        if kind == 202 {
            chunks(one.get(4..).unwrap_or_default(), &mut names);
        }
    }
    names
}

fn chunks(mut rest: &[u8], names: &mut Vec<(u32, String)>) {
    const CNAME: u8 = 1;
    const NAME: u8 = 2;
    while let Some((source, items)) = rest.split_first_chunk::<4>() {
        let (mut at, mut name) = (0, String::new());
        while let Some(&[kind, length]) = items.get(at..).and_then(|it| it.first_chunk())
            && kind != 0
        {
            let text = items.get(at + 2..at + 2 + usize::from(length)).unwrap_or_default();
            let text = String::from_utf8_lossy(text);
            match kind {
                NAME if !text.is_empty() => name = text.into_owned(),
                CNAME if name.is_empty() => {
                    text.split('@').take(1).for_each(|it| name.push_str(it))
                }
                _ => {}
            }
            at += 2 + usize::from(length);
        }
        if names.len() > 30 {
            return;
        }
        if !name.is_empty() {
            names.push((u32::from_be_bytes(*source), name));
        }
        // A chunk ends with at least one zero, and at the next word.
        rest = items.get((at / 4 + 1) * 4..).unwrap_or_default();
    }
}

/// NTP time (RFC 3550 §4) of so many microseconds since 1970.
pub fn ntp(micros: u64) -> u64 {
    let seconds = micros / 1_000_000 + 2_208_988_800;
    let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
    seconds << 32 | fraction
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(packets: impl IntoIterator<Item = (u16, u64)>) -> Reception {
        let mut reception = Reception::default();
        for (sequence, at) in packets {
            reception.see(7, sequence, u32::from(sequence).wrapping_mul(160), 8_000, at);
        }
        reception
    }

    #[test]
    fn loss_and_jitter_are_counted_as_rfc_3550_does() {
        let smooth = heard((0..100).map(|n| (n, u64::from(n) * 20_000)));
        assert_eq!((smooth.whole(), smooth.jitter_ms(8_000)), ((100, 0), 0));
        let lossy = heard((65_500..=65_535).chain(0..65).filter(|n| n % 10 != 3).map(|n| (n, 0)));
        assert_eq!(lossy.whole(), (90, 11));
        // Every second packet is 10 ms late: the estimate comes to about 10 ms.
        let shaky = heard((0..400).map(|n| (n, u64::from(n) * 20_000 + u64::from(n % 2) * 10_000)));
        assert!((9..=10).contains(&shaky.jitter_ms(8_000)), "{}", shaky.jitter_ms(8_000));
        let late = heard([(1, 0), (2, 0), (4, 0), (3, 0), (5, 0)]);
        assert_eq!(late.whole(), (5, 0));
        let anew = heard([(1, 0), (2, 0), (40_000, 0), (40_002, 0)]);
        assert_eq!(anew.whole(), (4, 1));
    }

    #[test]
    fn two_ends_learn_from_each_other() {
        let (mut ours, mut theirs) = (heard([(1, 0)]), heard((0..100).map(|n| (n * 2 % 200, 0))));
        theirs.ssrc = Some(11);
        let sent = Sent { packets: 5, octets: 800 };
        // We report at second 1; they answer 250 ms later, it is heard 50 ms after that.
        let ntp_at = |micros: u64| ntp(1_789_621_951_000_000 + micros);
        let report = Report {
            ssrc: 11,
            name: "a",
            others: &[],
            sends: Some((ntp_at(0), 9, sent)),
            bye: false,
        };
        let packet = report.write(&mut ours, 1_000_000).expect("written");
        assert!(theirs.read(&packet, 7, 500_000, ntp_at(40_000)));
        let answer = Report { ssrc: 7, name: "b", others: &[], sends: None, bye: true };
        let packet = answer.write(&mut theirs, 750_000).expect("written");
        assert!(ours.read(&packet, 11, 1_300_000, ntp_at(300_000)));
        let quality = ours.quality(Codec::Pcma);
        assert!(quality.round_trip_ms.is_some_and(|ms| (48..=52).contains(&ms)), "{quality:?}");
        let there = quality.there.expect("they told");
        assert!((4_800..5_100).contains(&there.loss), "{there:?}");
    }

    #[test]
    fn who_else_is_heard_is_named_and_read() {
        let other = |source, shown: &str| Other {
            source,
            name: format!("{source}@x.invalid"),
            shown: shown.to_owned(),
        };
        let others = [other(9, "+62 81"), other(10, ""), other(11, "Ánastasia")];
        let report = Report { ssrc: 7, name: "a@b", others: &others, sends: None, bye: true };
        let packet = report.write(&mut Reception::default(), 0).expect("written");
        let named = |source, name: &str| (source, name.to_owned());
        let all = [named(7, "a"), named(9, "+62 81"), named(10, "10"), named(11, "Ánastasia")];
        assert_eq!(names(&packet), all);
        for end in 0..packet.len() {
            assert!(names(&packet[..end]).len() <= 4);
        }
    }

    #[test]
    fn no_bytes_break_the_reader() {
        let mut reception = heard([(1, 0)]);
        let mut state = 7u32;
        for length in 0..600usize {
            let bytes: Vec<u8> = (0..length)
                .map(|n| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    match n {
                        0 => 0x80 | (state >> 27) as u8,
                        1 => 200 + (state >> 31) as u8,
                        2 => 0,
                        _ => (state >> 24) as u8,
                    }
                })
                .collect();
            reception.read(&bytes, 7, 5, 5);
            let mut described = bytes.clone();
            described.iter_mut().skip(1).take(1).for_each(|kind| *kind = 202);
            assert!(names(&described).len() <= 31);
            let _ = reception.quality(Codec::Opus);
        }
    }
}
