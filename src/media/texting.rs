//! The text of streams: in by a socket of its own beside the audio's, to whoever hears the stream, and out
//! to its peer in packets of ours (`text` knows what is in them).
//!
//! Who hears a stream reads it too, so there is one table for both. Text is never passed on as it came:
//! each leg has its own redundancy and its own pace, and a fault of one costs the others nothing. It
//! never touches the audio. What a peer writes is told in pieces, a few times a second at most.

use std::net::SocketAddr;

use super::arrival::{Left, receive};
use super::relay::{Relay, at, at_mut, send};
use super::rtp::Rtp;
use super::sockets::Pair;
use super::source::SourceLock;
use super::stream::Play;
use super::text::reader::{Kinds, Reader};
use super::text::writer::{Terms, Writer};
use super::text::{MISSING, Turns};
use crate::call::orders::{MediaReport, TextAim};
use crate::vocabulary::{Private, StreamId};

/// Packets taken from one socket before the others have their turn: nobody types as fast.
const BURST: usize = 16;
/// Bytes of text that are told at once; who sends more is cut short, and that is shown.
const MOST_TOLD: usize = 4 * 1024;

/// The text of one stream.
#[derive(Debug)]
pub(super) struct Text {
    pub port: u16,
    pub sockets: Pair,
    far: Option<(TextAim, SourceLock)>,
    reader: Reader,
    writer: Writer,
    /// What the peer wrote and nobody was told of yet.
    untold: String,
    turns: Turns,
}

impl Text {
    pub fn new(port: u16, sockets: Pair) -> Self {
        Self {
            port,
            sockets,
            far: None,
            reader: Reader::default(),
            writer: Writer::new(rand::random(), rand::random(), rand::random()),
            untold: String::new(),
            turns: Turns::default(),
        }
    }

    /// Takes a new far end, or none: the peer has no text any more.
    pub fn aim(&mut self, aim: Option<TextAim>) {
        self.far = match (aim, self.far.take()) {
            (None, _) => None,
            (Some(aim), None) => Some((aim, SourceLock::new(aim.rtp))),
            (Some(aim), Some((_, mut lock))) => {
                lock.announce(aim.rtp);
                Some((aim, lock))
            }
        };
    }

    /// A fault of ours may have left it half read.
    pub fn mend(&mut self) {
        self.reader = Reader::default();
    }

    /// Where text may be sent, and on what terms.
    fn to(&self) -> Option<(SocketAddr, Terms)> {
        let (aim, lock) = self.far.as_ref().filter(|(aim, _)| aim.send)?;
        let TextAim { text, redundant, cps, .. } = *aim;
        Some((lock.far_end()?, Terms { text, redundant, cps }))
    }

    /// Adds what somebody wrote, who is named where the peer reads several.
    fn write(&mut self, from: (StreamId, Option<&str>), text: &str, now: u64) {
        let mut shown = String::new();
        self.turns.take(from, text, now, &mut shown);
        self.writer.write(&shown);
    }
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
        let mut read = String::new();
        let taken = Rtp::read(packet).zip(text).is_some_and(|(rtp, text)| {
            let Some((aim, lock)) = &mut text.far else { return false };
            let kinds = Kinds { text: aim.text, redundant: aim.redundant };
            let agreed = [Some(kinds.text), kinds.redundant].contains(&Some(rtp.payload_type));
            let payload = packet.get(rtp.payload.clone()).unwrap_or_default();
            let place = (rtp.ssrc, rtp.sequence);
            agreed
                && lock.admit(from, true, None, now)
                && aim.receive
                && text.reader.take(kinds, rtp.payload_type, place, payload, now, &mut read)
        });
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
            let hears = at(&self.streams, reader)
                .is_some_and(|it| matches!(it.play, Play::Hear | Play::Loop));
            if hears {
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
        let name = writer.map(|it| it.name.reveal().clone());
        let text_of = at_mut(&mut self.streams, slot).and_then(|stream| stream.text.as_mut());
        if let Some(it) = text_of {
            it.write((by, name.as_deref()), text, now);
        }
    }

    /// When a stream's next packet of text is due, microseconds; none while there is none.
    pub fn text_due(&self, slot: usize) -> Option<u64> {
        let text = at(&self.streams, slot)?.text.as_ref()?;
        text.to()?;
        text.writer.due()
    }

    /// Sends the packet of text that is due.
    pub fn send_text(&mut self, slot: usize, now: u64) {
        let Some(stream) = at_mut(&mut self.streams, slot) else { return };
        let Some(text) = &mut stream.text else { return };
        let Some((to, terms)) = text.to() else { return };
        if let Some(packet) = text.writer.poll(terms, now)
            && send(&text.sockets.rtp, packet, to, &mut self.tally)
        {
            self.tally.sent += 1;
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
        if text.turns.due().is_some_and(|due| due <= now) {
            let mut shown = String::new();
            text.turns.tick(now, &mut shown);
            text.writer.write(&shown);
            writing.push(slot);
        }
        self.spread(slot, &read, now, writing);
        let stream = at_mut(&mut self.streams, slot)?;
        let text = std::mem::take(&mut stream.text.as_mut()?.untold);
        let stream = stream.id;
        (!text.is_empty()).then(|| MediaReport::Text { stream, text: Private::new(text) })
    }
}
