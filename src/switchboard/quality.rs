//! How the legs of a call are heard: live for the board, kept at the end, and told to people when nothing
//! comes from somebody who should speak, or when a carrier's calls sound badly. Never a reason to end
//! anything.

use crate::call::Side;
use crate::call::quality::{LOSSY, POOR, Quality, TextCarried, TextQuality};
use crate::journal::Fact;
use crate::trunk::{SoundChange, Sounded};
use crate::vocabulary::{CallId, Now, Party, StreamId};

use super::Switchboard;
use super::dialogs::party;

/// Where a leg's quality stands; of guests none is kept.
const fn place(side: Side) -> usize {
    match side {
        Side::Caller => 0,
        Side::Seat => 1,
        Side::Guest(_) => usize::MAX,
    }
}

impl Switchboard {
    /// Tells people of trouble of a stream, and whose it is.
    pub(super) fn alarm_of(
        &mut self,
        now: Now,
        stream: Option<StreamId>,
        name: &'static str,
        why: &str,
    ) {
        let leg = stream.and_then(|stream| self.streams.get(&stream));
        let of = leg.map(|(call, side)| format!("call {call}, {side:?}: "));
        self.alarm(now, name, of.unwrap_or_default() + why);
    }

    /// How a stream is heard now.
    pub(super) fn heard_so(&mut self, stream: StreamId, quality: Quality) {
        let Some((id, side)) = self.streams.get(&stream).copied() else { return };
        let call = self.calls.get_mut(&id);
        if let Some(known) = call.and_then(|call| call.quality.get_mut(place(side))) {
            *known = Some(quality);
        }
    }

    /// A leg's text is over: what became of it is kept.
    pub(super) fn carried(&mut self, now: Now, stream: StreamId, quality: TextQuality) {
        let Some((call, side)) = self.streams.get(&stream).copied() else { return };
        let carried = TextCarried { call, by: party(side), quality };
        self.note(now, Fact::TextCarried(Box::new(carried)));
    }

    /// Nothing comes from somebody who talks.
    pub(super) fn stalled(&mut self, now: Now, stream: StreamId, reports: bool) {
        let Some((id, side)) = self.streams.get(&stream).copied() else { return };
        let Some(call) = self.calls.get_mut(&id).filter(|call| !call.is_closing()) else { return };
        if let Some(mute) = call.mute.get_mut(place(side)) {
            *mute = true;
        }
        let lives = if reports { ", whose reports still come" } else { "" };
        let who = party(side);
        let whom = if who == Party::Caller { "the caller" } else { "the other side" };
        let detail = format!("call {id}: no audio comes from {whom}{lives}");
        self.alarm(now, "one-way-audio", detail);
        self.note(now, Fact::AudioStalled { call: id, by: who, reports });
    }

    /// Somebody is heard again.
    pub(super) fn flows(&mut self, now: Now, stream: StreamId) {
        let Some((id, side)) = self.streams.get(&stream).copied() else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if let Some(mute) = call.mute.get_mut(place(side)) {
            *mute = false;
        }
        self.note(now, Fact::AudioFlows { call: id, by: party(side) });
    }

    /// A stream is over: what it was like is kept, and judged together with others of its trunk.
    pub(super) fn keep_quality(&mut self, now: Now, id: CallId, side: Side) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(quality) = call.quality.get_mut(place(side)).and_then(Option::take) else {
            return;
        };
        let mute = call.mute.get_mut(place(side)).is_some_and(std::mem::take);
        let trunk = call.trunk().cloned().filter(|_| side == Side::Caller && call.talked);
        let bad = |heard: crate::call::quality::Heard| heard.mos < POOR || heard.loss >= LOSSY;
        let sounded = match quality {
            _ if mute || quality.received == 0 => Sounded::Mute,
            Quality { here, there, .. } if bad(here) || there.is_some_and(bad) => Sounded::Poorly,
            _ => Sounded::Well,
        };
        self.note(now, Fact::AudioHeard { call: id, by: party(side), quality });
        let Some(trunk) = trunk else { return };
        let detail = match self.sound.leg(&trunk, sounded) {
            Some(SoundChange::Poor { bad, of }) => {
                format!("trunk {trunk}: {bad} of the last {of} calls sounded poorly or not at all")
            }
            Some(SoundChange::Mute) => {
                format!(
                    "trunk {trunk}: nothing came from the last callers; look for a one-way path"
                )
            }
            Some(SoundChange::Well) => {
                return self.announce(
                    now,
                    "audio-well",
                    format!("trunk {trunk} sounds well again"),
                );
            }
            None => return,
        };
        self.announce(now, "audio-poor", detail);
    }
}
