//! An INVITE that takes the place of a leg (RFC 3891): a carrier moves its call to another of its
//! machines, or a seat takes over the call of another seat. The other leg hears nothing of it.

use crate::acd;
use crate::call::orders::{MediaOrder, Role};
use crate::call::{Callee, Errand, Leg, LegMedia, Side, State, Talk};
use crate::journal::{Fact, Peer};
use crate::sip::dialog::DialogKey;
use crate::sip::refer::Replaces;
use crate::sip::{Dialog, Flow, Request, ServerId};
use crate::trunk::settings::TrunkSettings;
use crate::vocabulary::{CallId, Now, Party, SeatId};

use super::Switchboard;
use super::inbound::ticket;

impl Switchboard {
    /// The leg that an INVITE of a trunk takes the place of. None when it is a call like any other:
    /// one whose Replaces cannot be followed is still somebody who dialled 112.
    pub(super) fn replaced_by_trunk(
        &self,
        request: &Request,
        trunk: &TrunkSettings,
    ) -> Option<(CallId, Side)> {
        let replaces = Replaces::of(request).ok().flatten()?;
        let found = self.replaced(&replaces).ok()?;
        let call = self.calls.get(&found.0)?;
        (found.1 == Side::Caller && call.trunk() == Some(&trunk.id)).then_some(found)
    }

    /// The leg that an INVITE of a seat takes the place of; `Ok(None)` when it asks for none.
    ///
    /// # Errors
    /// The status that says why it cannot (RFC 3891 §3).
    pub(super) fn replaced_by_seat(
        &self,
        request: &Request,
    ) -> Result<Option<(CallId, Side)>, u16> {
        let Some(replaces) = Replaces::of(request).map_err(|_| 400u16)? else { return Ok(None) };
        let (id, side) = self.replaced(&replaces)?;
        let call = self.calls.get(&id).ok_or(481u16)?;
        // A seat takes over from a seat, never from a caller.
        if call.seat(side).is_none() || side != Side::Seat {
            return Err(403);
        }
        Ok(Some((id, side)))
    }

    fn replaced(&self, replaces: &Replaces) -> Result<(CallId, Side), u16> {
        let key = DialogKey {
            call_id: replaces.call_id.as_str().into(),
            local_tag: replaces.to_tag.as_str().into(),
        };
        let (id, side) = self.dialogs.get(&key).copied().ok_or(481u16)?;
        let call = self.calls.get(&id).filter(|call| !call.is_closing()).ok_or(481u16)?;
        let leg = call.leg(side).ok_or(481u16)?;
        if leg.dialog.remote_tag() != replaces.from_tag {
            return Err(481);
        }
        // An early dialog that the other side began is nobody's to take (§3).
        if side == Side::Caller && call.invite.is_some() {
            return Err(481);
        }
        if replaces.early_only {
            return Err(486);
        }
        Ok((id, side))
    }

    /// Puts the new leg in the place of the old one, which is let go.
    pub(super) fn take_over(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        leg: (CallId, Side),
        by: Option<SeatId>,
    ) {
        let (id, side) = leg;
        let tag = self.dice.token();
        let Some(dialog) = Dialog::received(request, &tag, flow) else {
            return self.refuse(now, server, request, 400);
        };
        let policy = match (side, &by) {
            (Side::Seat, Some(seat)) => self.seat_audio(seat),
            _ => self.trunk_of(&flow).map(|trunk| trunk.audio.clone()).unwrap_or_default(),
        };
        let shared = self.wants_browser_audio(request);
        let Some(mut media) = self.open_media(id, side, policy, shared) else {
            return self.refuse(now, server, request, 503);
        };
        let (sdp, awaits_answer) = self.first_answer(&mut media, request);
        // A transfer was the wish of the seat that is gone.
        if side == Side::Seat
            && let Some(Errand::Transfer { told, .. }) =
                self.stop_calling(now, id, 487).map(|calling| calling.errand)
        {
            self.tell(now, id, 487, told);
        }
        self.say_bye(now, id, side, false);
        // What the old leg has still to acknowledge says nothing of the new one.
        self.invites.retain(|_, owner| *owner != leg);
        self.invites.insert(server, (id, side));
        let key = dialog.key().clone();
        self.dialogs.insert(key.clone(), (id, side));
        self.endpoint.name_tag(server, &tag);
        let trunk = self.calls.get(&id).and_then(|call| call.trunk().cloned());
        let peer = by.clone().map(Peer::Seat).or(trunk.map(Peer::Trunk));
        if let Some(peer) = peer {
            self.follow(&key.call_id, id, peer);
        }
        let dialog = if by.is_some() { dialog.pinned() } else { dialog };
        let next = dialog.next_hop();
        let mut new = Leg::new(dialog, Some(media));
        new.awaits_answer = awaits_answer;
        new.unacked = Some(server);
        new.instance = request.headers.instance();
        let Some(call) = self.calls.get_mut(&id) else { return };
        let ticket = ticket(call);
        let emergency = call.trunk().is_some();
        let old = match (side, &by) {
            (Side::Caller, _) => {
                let old = std::mem::replace(&mut call.caller, new);
                if old.held {
                    self.note(now, Fact::Resumed { call: id, by: Party::Caller });
                }
                old.media
            }
            // Nobody is asked for by the dialog of a guest.
            (Side::Guest(_), _) => return,
            (Side::Seat, by) => {
                let with = by.clone().map_or_else(|| Callee::Number(String::new()), Callee::Seat);
                let talk = Talk { with, leg: new, answered: now, heir: false };
                call.state = State::Talking;
                call.talked = true;
                let old = call.talk.replace(talk);
                old.and_then(|old| self.displaced(now, id, old, by.as_ref(), emergency))
            }
        };
        if let (true, Some(seat), Some(ticket)) = (emergency, by, ticket) {
            self.acd.handle(now.moment, acd::Input::Join { ticket, seat });
        }
        if let Some(media) = old {
            self.media(MediaOrder::Close { stream: media.stream });
        }
        self.answer_with(now, server, request, &key, &next, sdp);
        if side == Side::Caller {
            self.tap_caller_again(id);
            self.sound_again(now, id);
        }
        self.bridge(now, id);
    }

    /// A caller to whom nobody talks yet hears by the new stream what it heard by the old one.
    fn sound_again(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id).filter(|call| call.talk.is_none()) else { return };
        let Some(media) = &call.caller.media else { return };
        let (stream, aim, waits) = (media.stream, media.aim(), call.state == State::Waiting);
        let role = if call.state == State::Test { Role::Loop } else { Role::RingBack };
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        if !(waits && self.plays_on(id)) {
            self.media(MediaOrder::Role { stream, role });
            self.entertain(now, id);
        }
        self.seat_the_table(now, id);
    }

    /// Whoever talked is let go; what was true of them is not of the new one.
    fn displaced(
        &mut self,
        now: Now,
        id: CallId,
        old: Talk,
        by: Option<&SeatId>,
        emergency: bool,
    ) -> Option<LegMedia> {
        if let (Some(from), Some(by)) = (old.with.seat().cloned(), by) {
            self.taken_over(now, id, from, by, emergency);
        }
        if old.leg.held {
            self.note(now, Fact::Resumed { call: id, by: Party::Seat });
        }
        self.no_more_private(now, id);
        old.leg.media
    }

    fn taken_over(&mut self, now: Now, id: CallId, from: SeatId, by: &SeatId, emergency: bool) {
        if !emergency {
            let over = acd::Input::Disengage { seat: from.clone(), call: id };
            self.acd.handle(now.moment, over);
            self.acd.handle(now.moment, acd::Input::Engage { seat: by.clone(), call: id });
        }
        let operator = self.operator_of(by);
        self.recent.answered(id, operator.as_ref());
        self.forget_heard(id, Side::Seat);
        self.note(now, Fact::Transferred { call: id, from, to: by.to_string(), attended: true });
    }
}
