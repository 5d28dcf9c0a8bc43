//! Two voices as Opus in Ogg (RFC 7845): the caller left, the operator right.
//!
//! Each side is a mono stream of its own within each packet (channel mapping family 1, two streams,
//! none coupled): what one side says is never heard on the other, as it would be where a stereo
//! coder saves bits. Pages end with whole packets, so a file is readable up to its last page.

use std::io::{self, ErrorKind};

use ogg::{PacketWriteEndInfo, PacketWriter};

use super::library::Reader;
use super::part::Pair;
use super::timeline::RATE;
use crate::media::codec::{Decoder, Encoder, FRAME, LONGEST, PAYLOAD};
use crate::vocabulary::Codec;

/// The one stream of a file.
const SERIAL: u32 = 112;
/// Positions count 48,000 a second, whatever the coder works at (RFC 7845 §4).
const PER_FRAME: u64 = 48_000 / RATE;
/// What the coder is late by and players leave out at the beginning, at 48,000 a second.
const PRE_SKIP: u64 = 312;
/// The first bytes of every page.
const CAPTURE: &[u8; 4] = b"OggS";
/// Bytes of a page's head before its lacing values.
const PAGE_HEAD: usize = 27;
/// The longest page: its head, 255 lacing values and 255 times 255 bytes.
const PAGE_MOST: usize = PAGE_HEAD + 255 + 255 * 255;
/// More than a second takes at most, two streams of [`Encoder`] together.
const SECOND_BYTES: u64 = 16_000;
/// Seconds that are decoded before those that are wanted: a decoder begins to sound right then.
const RUN_UP: u64 = 1;

/// Makes pages of both channels.
pub(super) struct OggWriter {
    pages: PacketWriter<'static, Vec<u8>>,
    sides: [Encoder; 2],
    /// Less than a packet.
    waiting: Vec<Pair>,
    /// The last packet is kept: the end of the stream must be one.
    kept: Option<Vec<u8>>,
    packets: u64,
    frames: u64,
}

impl std::fmt::Debug for OggWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OggWriter").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl OggWriter {
    pub fn new() -> Self {
        Self {
            pages: PacketWriter::new(Vec::new()),
            sides: [Encoder::new(Codec::Opus), Encoder::new(Codec::Opus)],
            waiting: Vec::new(),
            kept: None,
            packets: 0,
            frames: 0,
        }
    }

    /// Both headers (RFC 7845 §5), each a page.
    pub fn head(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let rate = u32::try_from(RATE).unwrap_or_default().to_le_bytes();
        let skip = u16::try_from(PRE_SKIP).unwrap_or_default().to_le_bytes();
        // Version 1, two channels, no gain; mapping family 1: two streams, none coupled, as they come.
        let head = [b"OpusHead\x01\x02", &skip[..], &rate, &[0, 0, 1, 2, 0, 0, 1]].concat();
        let vendor = concat!("siaga112 ", env!("CARGO_PKG_VERSION"));
        let length = u32::try_from(vendor.len()).unwrap_or_default().to_le_bytes();
        let tags = [b"OpusTags", &length[..], vendor.as_bytes(), &[0; 4]].concat();
        for packet in [head, tags] {
            self.pages.write_packet(packet, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        }
        out.append(self.pages.inner_mut());
        Ok(())
    }

    /// Pages of what is whole packets.
    pub fn encode(&mut self, frames: &[Pair], out: &mut Vec<u8>) -> io::Result<()> {
        self.frames += frames.len() as u64;
        self.waiting.extend_from_slice(frames);
        let whole = self.waiting.len() / FRAME;
        for n in 1..=whole {
            let packet = self.packet()?;
            let end = if n == whole {
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            if let Some(before) = self.kept.replace(packet) {
                self.write(before, end, None)?;
            }
        }
        out.append(self.pages.inner_mut());
        Ok(())
    }

    /// The last page. Its position says where the audio ends within its last packet (RFC 7845 §4.4).
    pub fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let end = PRE_SKIP + self.frames * PER_FRAME;
        let packets = self.packets + u64::from(self.kept.is_some());
        let wanted = end.div_ceil(FRAME as u64 * PER_FRAME);
        for _ in packets..wanted.max(1) {
            let fill = FRAME.max(self.waiting.len());
            self.waiting.resize(fill, [0; 2]);
            let packet = self.packet()?;
            if let Some(before) = self.kept.replace(packet) {
                self.write(before, PacketWriteEndInfo::NormalPacket, None)?;
            }
        }
        if let Some(last) = self.kept.take() {
            self.write(last, PacketWriteEndInfo::EndStream, Some(end))?;
        }
        out.append(self.pages.inner_mut());
        Ok(())
    }

    fn write(
        &mut self,
        packet: Vec<u8>,
        end: PacketWriteEndInfo,
        at: Option<u64>,
    ) -> io::Result<()> {
        self.packets += 1;
        let at = at.unwrap_or(self.packets * FRAME as u64 * PER_FRAME);
        self.pages.write_packet(packet, SERIAL, end, at)
    }

    /// A packet of the first frames that wait: the left stream delimits itself (RFC 6716 appendix B).
    fn packet(&mut self) -> io::Result<Vec<u8>> {
        let (mut side, mut coded) = ([[0; FRAME]; 2], [[0; PAYLOAD]; 2]);
        for (n, pair) in self.waiting.drain(..FRAME.min(self.waiting.len())).enumerate() {
            for (side, sample) in side.iter_mut().zip(pair) {
                if let Some(place) = side.get_mut(n) {
                    *place = sample;
                }
            }
        }
        let mut packet = Vec::with_capacity(2 * PAYLOAD);
        let sides = self.sides.iter_mut().zip(&side).zip(&mut coded);
        for (n, ((encoder, side), coded)) in sides.enumerate() {
            let count = encoder.encode(side, coded);
            let coded = coded.get(..count).unwrap_or_default();
            let (&toc, frame) = coded.split_first().ok_or_else(|| refused("nothing"))?;
            // Our encoder makes packets of one frame (code 0).
            if toc & 3 != 0 {
                return Err(refused("more than a frame"));
            }
            packet.push(toc);
            if n == 0 {
                put_length(frame.len(), &mut packet);
            }
            packet.extend_from_slice(frame);
        }
        Ok(packet)
    }
}

fn refused(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the Opus encoder made {what} of 20 ms"))
}

/// A length as RFC 6716 §3.2.1 writes it.
#[allow(clippy::cast_possible_truncation, reason = "below 252, or masked")]
fn put_length(length: usize, out: &mut Vec<u8>) {
    if length < 252 {
        out.push(length as u8);
    } else {
        out.push(252 + (length & 3) as u8);
        out.push(((length - 252) >> 2) as u8);
    }
}

/// The packets of both sides of one of our packets.
fn apart(packet: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (&toc, rest) = packet.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = if short < 252 {
        (usize::from(short), rest)
    } else {
        let (&long, rest) = rest.split_first()?;
        (4 * usize::from(long) + usize::from(short), rest)
    };
    let (left, right) = rest.split_at_checked(length)?;
    Some(([&[toc], left].concat(), right))
}

/// A page and what is in it.
#[derive(Debug)]
struct Page {
    /// Where the next one begins.
    end: u64,
    /// Where its audio ends, at 48,000 a second.
    position: u64,
    packets: Vec<Vec<u8>>,
}

/// The whole page at `offset`, or none.
fn page_at(file: &Reader, offset: u64) -> io::Result<Option<Page>> {
    let mut bytes = vec![0; PAGE_MOST];
    let count = file.read_at(&mut bytes, offset)?;
    bytes.truncate(count);
    Ok(page(&bytes, offset))
}

fn page(bytes: &[u8], offset: u64) -> Option<Page> {
    let (head, rest) = bytes.split_at_checked(PAGE_HEAD)?;
    if !head.starts_with(CAPTURE) || head.get(14..18)? != SERIAL.to_le_bytes() {
        return None;
    }
    let position = u64::from_le_bytes(head.get(6..14)?.try_into().ok()?);
    let (lacing, mut rest) = rest.split_at_checked(usize::from(*head.last()?))?;
    let mut packets = vec![Vec::new()];
    for &lace in lacing {
        let (piece, more) = rest.split_at_checked(usize::from(lace))?;
        rest = more;
        packets.last_mut()?.extend_from_slice(piece);
        if lace < 255 {
            packets.push(Vec::new());
        }
    }
    packets.pop();
    let length = bytes.len() - rest.len();
    Some(Page { end: offset + length as u64, position, packets })
}

/// Where the last whole page ends, and how many frames there are up to it.
pub(super) fn extent(file: &Reader) -> io::Result<(u64, u64)> {
    let (mut end, mut position) = (0, 0);
    while let Some(page) = page_at(file, end)? {
        (end, position) = (page.end, page.position);
    }
    Ok((end, position.saturating_sub(PRE_SKIP) / PER_FRAME))
}

/// Decodes the whole file, a page at a time; what players leave out at the beginning is left out.
pub(super) fn each(
    file: &Reader,
    put: &mut dyn FnMut(&mut [Pair]) -> io::Result<()>,
) -> io::Result<()> {
    let mut sides = [Decoder::new(Codec::Opus), Decoder::new(Codec::Opus)];
    let mut skip = usize::try_from(PRE_SKIP / PER_FRAME).unwrap_or_default();
    let mut at = 0;
    while let Some(page) = page_at(file, at)? {
        let mut frames = Vec::new();
        for packet in &page.packets {
            if let Some((left, right)) = apart(packet).filter(|_| !packet.starts_with(b"Opus")) {
                decode(&mut sides, [&left, right], &mut frames);
            }
        }
        let left_out = skip.min(frames.len());
        skip -= left_out;
        put(frames.get_mut(left_out..).unwrap_or_default())?;
        at = page.end;
    }
    Ok(())
}

/// The last `seconds` that are in the file.
pub(super) fn tail(file: &Reader, seconds: u32) -> io::Result<Vec<Pair>> {
    let wanted = u64::from(seconds) + RUN_UP;
    let from = file.length().saturating_sub(wanted * SECOND_BYTES);
    let Some(mut at) = next_page(file, from)? else { return Ok(Vec::new()) };
    let mut sides = [Decoder::new(Codec::Opus), Decoder::new(Codec::Opus)];
    let mut frames = Vec::new();
    while let Some(page) = page_at(file, at)? {
        for packet in &page.packets {
            if let Some((left, right)) = apart(packet).filter(|_| !packet.starts_with(b"Opus")) {
                decode(&mut sides, [&left, right], &mut frames);
            }
        }
        at = page.end;
    }
    let most = usize::try_from(u64::from(seconds) * RATE).unwrap_or(usize::MAX);
    frames.drain(..frames.len().saturating_sub(most));
    Ok(frames)
}

fn decode(sides: &mut [Decoder; 2], packets: [&[u8]; 2], frames: &mut Vec<Pair>) {
    let begin = frames.len();
    for (n, (decoder, packet)) in sides.iter_mut().zip(packets).enumerate() {
        let mut out = [0; LONGEST];
        let count = decoder.decode(packet, &mut out);
        let need = frames.len().max(begin + count);
        frames.resize(need, [0; 2]);
        for (pair, sample) in frames.iter_mut().skip(begin).zip(out.iter().take(count)) {
            if let Some(place) = pair.get_mut(n) {
                *place = *sample;
            }
        }
    }
}

/// Where the first page at or after `from` begins.
fn next_page(file: &Reader, from: u64) -> io::Result<Option<u64>> {
    let mut bytes = vec![0; 2 * PAGE_MOST];
    let count = file.read_at(&mut bytes, from)?;
    bytes.truncate(count);
    let starts = bytes.windows(CAPTURE.len()).enumerate().filter(|(_, four)| four == CAPTURE);
    for (place, _) in starts {
        let offset = from + place as u64;
        if page(bytes.get(place..).unwrap_or_default(), offset).is_some() {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_that_were_put_together_come_apart() {
        for length in [0, 1, 251, 252, 253, 255, 256, 319] {
            let mut packet = vec![0x58];
            put_length(length, &mut packet);
            packet.extend(vec![7; length]);
            packet.extend([0x58, 9, 9]);
            let (left, right) = apart(&packet).expect("whole");
            assert_eq!((left.len(), right), (length + 1, &[0x58, 9, 9][..]), "{length}");
        }
        for torn in [&[][..], &[0x58], &[0x58, 252], &[0x58, 3, 1]] {
            assert_eq!(apart(torn), None);
        }
    }

    #[test]
    fn rubbish_is_no_page() {
        assert!(page(b"OggS", 0).is_none());
        assert!(page(&[0xff; 100], 0).is_none());
        let mut torn = b"OggS\0\0".to_vec();
        torn.extend([0; 8]);
        torn.extend(SERIAL.to_le_bytes());
        torn.extend([0; 8]);
        torn.push(3);
        torn.extend([255, 255, 10]);
        assert!(page(&torn, 0).is_none(), "its packets are not there");
    }
}
