//! Reports of text (RFC 3550 §6): made and read as those of audio, and to a peer that tells several writers
//! apart by their sources they say who those are (RFC 9071 §3.15).

use std::net::SocketAddr;

use super::{Text, opened, send_through};
use crate::call::quality::TextQuality;
use crate::media::arrival::{Left, receive};
use crate::media::relay::{Relay, at, at_mut, next_report};
use crate::media::rtcp::{self, Report};
use crate::media::rtp;
use crate::media::stream::Stream;

/// Before the first report, microseconds.
const FIRST: u64 = 1_000_000;
/// Bytes of a name at most (RFC 3550 §6.5), and names in a report.
const NAME: usize = 255;
const NAMES: usize = 30;

impl Relay {
    /// Takes what the socket beside that of a stream's text holds.
    pub fn drain_text_reports(&mut self, slot: usize, now: u64) -> Left {
        for _ in 0..super::BURST {
            let Some(text) = at(&self.streams, slot).and_then(|stream| stream.text.as_ref()) else {
                return Left::Nothing;
            };
            let socket = &text.sockets.rtcp;
            let Some((length, from)) = receive(socket, &mut self.buffer[..], &mut self.tally)
            else {
                return Left::Nothing;
            };
            self.admit_text_report(slot, length, from, now);
        }
        Left::Perhaps
    }

    pub(super) fn admit_text_report(
        &mut self,
        slot: usize,
        length: usize,
        from: SocketAddr,
        now: u64,
    ) {
        let packet = self.buffer.get(..length).unwrap_or_default();
        let text = at_mut(&mut self.streams, slot).and_then(|stream| stream.text.as_mut());
        let wall = self.wall;
        let taken = text.is_some_and(|text| {
            let packet = opened(&mut text.shield, packet, true);
            packet.is_some_and(|packet| text.take_report(&packet, from, now, wall))
        });
        self.tally.rtcp += u64::from(taken);
        self.tally.dropped += u64::from(!taken);
    }

    /// Sends the report of a stream's text where one is due, and the last one at its end; what became of
    /// the text is known then.
    pub fn report_text(&mut self, slot: usize, now: u64, ends: bool) -> Option<TextQuality> {
        let text = at_mut(&mut self.streams, slot)?.text.as_mut()?;
        let quiet = text.reception.whole().0 == 0 && text.says.packets == 0;
        if quiet || (!ends && text.report_at.is_some_and(|at| now < at)) {
            return None;
        }
        if text.report_at.is_none() && !ends {
            text.report_at = Some(now + FIRST);
            return None;
        }
        self.send_text_report(slot, now, ends);
        let text = at(&self.streams, slot)?.text.as_ref()?;
        Some(text.reception.of_text())
    }

    pub(super) fn send_text_report(&mut self, slot: usize, now: u64, ends: bool) {
        let others = at(&self.streams, slot).map(|it| self.others(it)).unwrap_or_default();
        let wall = self.wall;
        let Some(stream) = at_mut(&mut self.streams, slot) else { return };
        let Some(text) = &mut stream.text else { return };
        text.report_at = Some(now + next_report());
        text.introduce = false;
        let Some(far) = text.far.as_ref() else { return };
        let to = if far.aim.mux { far.rtp.far_end() } else { far.rtcp.far_end() };
        let Some(to) = to else { return };
        let others = if far.aim.mixer { others } else { Vec::new() };
        let sends = (text.says.packets != text.said)
            .then(|| (rtcp::ntp(wall + now), text.writer.timestamp(now), text.says));
        text.said = text.says.packets;
        let (ssrc, name) = (text.writer.source(), stream.id.cname());
        let report = Report { ssrc, name: &name, others: &others, sends, bye: ends };
        let Some(packet) = report.write(&mut text.reception, now) else { return };
        let socket = if far.aim.mux { &text.sockets.rtp } else { &text.sockets.rtcp };
        send_through(socket, &mut text.shield, (&packet, true), to, &mut self.tally);
        text.introduced = others.into_iter().map(|other| (other.source, other.shown)).collect();
    }

    /// Who else writes to a stream's peer, where several do.
    fn others(&self, stream: &Stream) -> Vec<rtcp::Other> {
        let voices = stream.hears.iter().filter(|_| stream.hears.len() > 1).take(NAMES);
        let others = voices.filter_map(|voice| {
            let writer = at(&self.streams, voice.slot).filter(|it| it.id == voice.id)?;
            let mut shown = writer.name.reveal().clone();
            shown.truncate(shown.floor_char_boundary(NAME));
            Some(rtcp::Other { source: writer.out.ssrc(), name: writer.id.cname(), shown })
        });
        others.collect()
    }
}

impl Text {
    fn take_report(&mut self, packet: &[u8], from: SocketAddr, now: u64, wall: u64) -> bool {
        let Some(far) = self.far.as_mut().filter(|_| rtp::is_rtcp(packet)) else { return false };
        let lock = if far.aim.mux { &mut far.rtp } else { &mut far.rtcp };
        if !lock.admit(from, true, None, now) {
            return false;
        }
        self.reception.read(packet, self.writer.source(), now, rtcp::ntp(wall + now));
        let names = rtcp::names(packet);
        if far.aim.mixer && !names.is_empty() {
            self.mixed.get_or_insert_default().names = names;
        }
        true
    }
}
