//! The text of streams: in by a socket of its own beside the audio's, to whoever hears the stream, and out
//! to its peer in packets of ours (`text` knows what is in them, `reports` is what is told of them).
//!
//! Who hears a stream reads it too, so there is one table for both; who is put aside reads on. Text is
//! never passed on as it came: each leg has its own redundancy, its own pace and its own keys, and a fault
//! of one costs the others nothing. It never touches the audio. What a peer writes is told in pieces, a
//! few times a second at most.

mod reports;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use super::arrival::{Left, receive};
use super::counters::Tally;
use super::relay::{Relay, at, at_mut, send};
use super::rtcp::{Reception, Sent};
use super::rtp::{self, HEADER_BYTES, Rtp};
use super::secure::{Gate, Identity, Shield};
use super::sockets::Pair;
use super::source::SourceLock;
use super::stream::Play;
use super::text::reader::{Kinds, Reader};
use super::text::writer::{Terms, Writer};
use super::text::{MISSING, Mixed, Turns};
use crate::call::orders::{MediaReport, TextAim};
use crate::vocabulary::{Private, StreamId};

/// Packets taken from one socket before the others have their turn: nobody types as fast.
const BURST: usize = 16;
/// Bytes of text that are told at once; who sends more is cut short, and that is shown.
const MOST_TOLD: usize = 4 * 1024;
/// Milliseconds of a second, the clock of text (RFC 4103 §3).
const CLOCK: u32 = 1_000;

/// The text of one stream.
#[derive(Debug)]
pub(super) struct Text {
    pub port: u16,
    pub sockets: Pair,
    far: Option<Far>,
    shield: Shield,
    reader: Reader,
    /// Only of a peer that has passed on what others write.
    mixed: Option<Box<Several>>,
    writer: Writer,
    /// What the peer wrote and nobody was told of yet.
    untold: String,
    turns: Turns<StreamId>,
    /// What came and what the peer says of what it reads; what went.
    reception: Reception,
    says: Sent,
    /// What had gone at the last report, and when the next is due, microseconds.
    said: u32,
    report_at: Option<u64>,
    /// Those of whom the peer was told how they are called, and whether that is to be done at once.
    introduced: Vec<(u32, String)>,
    introduce: bool,
}

/// The far end as ordered and as heard.
#[derive(Debug)]
struct Far {
    aim: TextAim,
    rtp: SourceLock,
    rtcp: SourceLock,
}

/// What a peer passes on of several writers, and what it calls them.
#[derive(Debug, Default)]
struct Several {
    mixed: Mixed,
    turns: Turns<u32>,
    names: Vec<(u32, String)>,
}

impl Text {
    pub fn new(port: u16, sockets: Pair) -> Self {
        Self {
            port,
            sockets,
            far: None,
            shield: Shield::Plain,
            reader: Reader::default(),
            mixed: None,
            writer: Writer::new(rand::random(), rand::random(), rand::random()),
            untold: String::new(),
            turns: Turns::default(),
            reception: Reception::default(),
            says: Sent::default(),
            said: 0,
            report_at: None,
            introduced: Vec::new(),
            introduce: false,
        }
    }

    /// Takes a new far end, or none: the peer has no text any more.
    pub fn aim(&mut self, aim: Option<&TextAim>, identity: &Arc<Identity>) {
        if let Some(aim) = aim {
            self.shield.change(&aim.guard, identity, aim.rtp);
        }
        if !aim.is_some_and(|aim| aim.mixer) {
            self.writer.join();
        }
        self.far = match (aim.cloned(), self.far.take()) {
            (None, _) => None,
            (Some(aim), None) => {
                let (rtp, rtcp) = (SourceLock::new(aim.rtp), SourceLock::new(aim.rtcp));
                Some(Far { aim, rtp, rtcp })
            }
            (Some(aim), Some(mut far)) => {
                far.rtp.announce(aim.rtp);
                far.rtcp.announce(aim.rtcp);
                Some(Far { aim, ..far })
            }
        };
    }

    /// A fault of ours may have left it half read.
    pub fn mend(&mut self) {
        (self.reader, self.mixed) = (Reader::default(), None);
    }

    /// Where text may be sent, and on what terms.
    fn to(&self) -> Option<(SocketAddr, Terms)> {
        let far = self.far.as_ref().filter(|far| far.aim.send)?;
        let TextAim { text, redundant, cps, mixer, .. } = far.aim;
        Some((far.rtp.far_end()?, Terms { text, redundant, cps, mixer }))
    }

    /// Adds what somebody wrote, who is named where the peer reads several: by the source of the packets
    /// to a peer that tells writers apart, otherwise in the text itself.
    fn write(&mut self, by: StreamId, named: Option<(u32, &str)>, text: &str, now: u64) {
        if let Some((source, name)) = named
            && self.far.as_ref().is_some_and(|far| far.aim.mixer)
        {
            let known = (source, name.to_owned());
            self.introduce |= !self.introduced.contains(&known);
            return self.writer.write(Some(source), text);
        }
        let mut shown = String::new();
        self.turns.take((by, named.map(|(_, name)| name)), text, now, &mut shown);
        self.writer.write(None, &shown);
    }

    /// Takes a packet that is proved to be of the far end, and appends what can be read by it; false when
    /// it is no text.
    fn read(&mut self, packet: &[u8], from: SocketAddr, now: u64, to: &mut String) -> bool {
        let Some((far, rtp)) = self.far.as_mut().zip(Rtp::read(packet)) else { return false };
        let kinds = Kinds { text: far.aim.text, redundant: far.aim.redundant };
        let payload = packet.get(rtp.payload.clone()).unwrap_or_default();
        let Some(blocks) = kinds.blocks(rtp.payload_type, payload) else { return false };
        if !far.rtp.admit(from, true, None, now) {
            return false;
        }
        self.reception.see(rtp.ssrc, rtp.sequence, rtp.timestamp, CLOCK, now);
        if !far.aim.receive {
            return false;
        }
        let source = rtp::contributing(packet);
        if source.is_some() && self.mixed.is_none() {
            self.mixed = Some(Box::default());
        }
        if let Some(several) = &mut self.mixed {
            let writer = source.unwrap_or(rtp.ssrc);
            let place = (rtp.ssrc, rtp.sequence, rtp.timestamp);
            several.take(writer, place, (kinds.text, &blocks), now, to);
        } else {
            let place = (rtp.ssrc, rtp.sequence);
            self.reader.take(kinds.text, place, &blocks, now, to);
        }
        true
    }
}

impl Several {
    fn take(
        &mut self,
        writer: u32,
        place: (u32, u16, u32),
        blocks: (u8, &[super::text::Block<'_>]),
        now: u64,
        to: &mut String,
    ) {
        let mut read = String::new();
        self.mixed.take(writer, place, blocks, &mut read);
        if read.is_empty() {
            return;
        }
        // The mixer itself has no name.
        let known = self.names.iter().find(|(source, _)| *source == writer);
        let number = known.is_none().then(|| format!("{writer:08x}"));
        let name = number.as_deref().or(known.map(|(_, name)| name.as_str()));
        self.turns.take((writer, name.filter(|_| writer != place.0)), &read, now, to);
    }
}

/// A datagram without its protection; none where it is not the peer's.
fn opened<'a>(shield: &mut Shield, packet: &'a [u8], report: bool) -> Option<Cow<'a, [u8]>> {
    let srtp = match shield.gate() {
        Gate::Open => return Some(Cow::Borrowed(packet)),
        Gate::Shut => return None,
        Gate::Keys(srtp) => srtp,
    };
    let plain = if report { srtp.unprotect_rtcp(packet) } else { srtp.unprotect_rtp(packet) };
    Some(Cow::Owned(plain?.to_vec()))
}

impl Relay {
    /// Takes what a stream's text socket holds, at `now` (microseconds); those to whom something is to be
    /// written now are added to `writing`.
    pub fn drain_text(&mut self, slot: usize, now: u64, writing: &mut Vec<usize>) -> Left {
        for _ in 0..BURST {
            let Some(text) = at(&self.streams, slot).and_then(|stream| stream.text.as_ref()) else {
                return Left::Nothing;
            };
            let socket = &text.sockets.rtp;
            let Some((length, from)) = receive(socket, &mut self.buffer[..], &mut self.tally)
            else {
                return Left::Nothing;
            };
            self.admit_text(slot, length, from, now, writing);
        }
        Left::Perhaps
    }

    fn admit_text(
        &mut self,
        slot: usize,
        length: usize,
        from: SocketAddr,
        now: u64,
        writing: &mut Vec<usize>,
    ) {
        let packet = self.buffer.get(..length).unwrap_or_default();
        let text = at_mut(&mut self.streams, slot).and_then(|stream| stream.text.as_mut());
        let Some(text) = text else { return };
        // RTCP on the port of RTP is told apart by its type (RFC 5761 §4).
        if text.far.as_ref().is_some_and(|far| far.aim.mux) && rtp::is_rtcp(packet) {
            return self.admit_text_report(slot, length, from, now);
        }
        let mut read = String::new();
        let packet = opened(&mut text.shield, packet, false);
        let taken = packet.is_some_and(|packet| text.read(&packet, from, now, &mut read));
        self.tally.received += u64::from(taken);
        self.tally.dropped += u64::from(!taken);
        self.spread(slot, &read, now, writing);
    }

    /// What a peer wrote is written to all who hear it, and told.
    fn spread(&mut self, slot: usize, read: &str, now: u64, writing: &mut Vec<usize>) {
        let Some(stream) = at_mut(&mut self.streams, slot).filter(|_| !read.is_empty()) else {
            return;
        };
        let (id, loops) = (stream.id, stream.play == Play::Loop);
        let readers = if loops { vec![slot] } else { stream.heard_by.clone() };
        if let Some(text) = &mut stream.text {
            if text.untold.len() + read.len() <= MOST_TOLD {
                text.untold.push_str(read);
            } else if !text.untold.ends_with(MISSING) {
                text.untold.push(MISSING);
            }
        }
        for reader in readers {
            if at(&self.streams, reader).is_some_and(|it| it.play != Play::Idle) {
                self.write_text(reader, id, read, now);
                writing.push(reader);
            }
        }
    }

    /// Writes to a stream's peer what somebody wrote.
    pub fn write_text(&mut self, slot: usize, by: StreamId, text: &str, now: u64) {
        let Some(stream) = at(&self.streams, slot).filter(|stream| stream.text.is_some()) else {
            return;
        };
        let voice = stream.hears.iter().find(|voice| voice.id == by);
        let writer = voice.and_then(|voice| at(&self.streams, voice.slot));
        let writer = writer.filter(|it| it.id == by && stream.hears.len() > 1);
        let named = writer.map(|it| (it.out.ssrc(), it.name.reveal().clone()));
        let text_of = at_mut(&mut self.streams, slot).and_then(|stream| stream.text.as_mut());
        if let Some(it) = text_of {
            let named = named.as_ref().map(|(source, name)| (*source, name.as_str()));
            it.write(by, named, text, now);
        }
    }

    /// When a stream's next packet of text is due, microseconds; none while there is none.
    pub fn text_due(&self, slot: usize) -> Option<u64> {
        let text = at(&self.streams, slot)?.text.as_ref()?;
        text.to()?;
        text.writer.due()
    }

    /// Sends the packets of text that are due. Who is new among several writers is introduced first.
    pub fn send_text(&mut self, slot: usize, now: u64) {
        let text = at(&self.streams, slot).and_then(|stream| stream.text.as_ref());
        if text.is_some_and(|text| text.introduce) {
            self.send_text_report(slot, now, false);
        }
        let Some(stream) = at_mut(&mut self.streams, slot) else { return };
        let Some(text) = &mut stream.text else { return };
        let Some((to, terms)) = text.to() else { return };
        while let Some(packet) = text.writer.poll(terms, now) {
            let octets = packet.len().saturating_sub(HEADER_BYTES);
            if send_through(
                &text.sockets.rtp,
                &mut text.shield,
                (packet, false),
                to,
                &mut self.tally,
            ) {
                text.says.add(octets);
                self.tally.sent += 1;
            }
        }
    }

    /// What a peer wrote since the last look, with what is not waited for any longer.
    pub fn look_at_text(
        &mut self,
        slot: usize,
        now: u64,
        writing: &mut Vec<usize>,
    ) -> Option<MediaReport> {
        let mut read = String::new();
        let text = at_mut(&mut self.streams, slot)?.text.as_mut()?;
        text.reader.tick(now, &mut read);
        if let Some(several) = &mut text.mixed {
            several.turns.tick(now, &mut read);
        }
        if text.turns.due().is_some_and(|due| due <= now) {
            let mut shown = String::new();
            text.turns.tick(now, &mut shown);
            text.writer.write(None, &shown);
            writing.push(slot);
        }
        // Reports on the port of text keep it open as well.
        if text.far.as_ref().is_some_and(|far| !far.aim.mux) {
            text.writer.keep_alive(now);
            writing.push(slot);
        }
        self.spread(slot, &read, now, writing);
        let stream = at_mut(&mut self.streams, slot)?;
        let text = std::mem::take(&mut stream.text.as_mut()?.untold);
        let stream = stream.id;
        (!text.is_empty()).then(|| MediaReport::Text { stream, text: Private::new(text) })
    }
}

/// The one way out for text and its reports.
fn send_through(
    socket: &mio::net::UdpSocket,
    shield: &mut Shield,
    (packet, report): (&[u8], bool),
    to: SocketAddr,
    tally: &mut Tally,
) -> bool {
    let srtp = match shield.gate() {
        Gate::Open => return send(socket, packet, to, tally),
        Gate::Shut => return false,
        Gate::Keys(srtp) => srtp,
    };
    let packet = if report { srtp.protect_rtcp(packet) } else { srtp.protect_rtp(packet) };
    packet.is_some_and(|packet| send(socket, &packet, to, tally))
}
