//! Connections that are lost, and phones that come back by another way: registrations end, dialogs
//! look for the phone where it is now (RFC 5626 §5.3).

use crate::call::{Attempt, Callee};
use crate::sip::registrar::Moved;
use crate::sip::{ClientId, Flow};
use crate::vocabulary::{Now, SeatId};

use super::{Purpose, Switchboard};

/// What a phone is taken to have said that nobody can hear any more: the same as one that never
/// answers (RFC 3261 §8.1.3.1).
const UNHEARD: u16 = 408;

impl Switchboard {
    /// A connection is gone, or could not be opened.
    pub(super) fn flow_lost(&mut self, now: Now, flow: &Flow) {
        self.certificates.remove(flow);
        self.registrar.flow_lost(flow);
        self.endpoint.flow_lost(now.moment, flow);
        for call in self.calls.values_mut() {
            for side in call.sides() {
                if let Some(leg) = call.leg_mut(side) {
                    leg.dialog.flow_lost(flow);
                }
            }
        }
        for client in self.rings_over(flow) {
            match self.clients.get(&client).copied() {
                Some(Purpose::CallOut { call }) => self.called_fails(now, call, client, UNHEARD),
                Some(Purpose::Join { call, party }) => {
                    self.join_fails(now, (call, party), client, UNHEARD);
                }
                Some(Purpose::CallBack { call }) => self.press_fails(now, call, client, UNHEARD),
                _ => self.ring_failed(now, client, UNHEARD),
            }
            // It may live and answer by a connection of its own: that answer is hung up.
            self.clients.insert(client, Purpose::Withdrawn);
            self.endpoint.cancel(now.moment, client, "");
        }
    }

    /// INVITEs of phones that rang over this connection and have not registered another way since.
    /// Nobody will answer there, and no caller may wait for it until the ringing is over.
    fn rings_over(&self, flow: &Flow) -> Vec<ClientId> {
        let mut rings: Vec<(&SeatId, &[Attempt])> = Vec::new();
        for call in self.calls.values() {
            rings.extend(call.ringing.values().map(|r| (&r.seat, r.attempts.as_slice())));
            if let Some(calling) = &call.calling
                && let Callee::Seat(seat) = &calling.to
            {
                rings.push((seat, &calling.attempts));
            }
            for inviting in call.inviting.values() {
                if let Callee::Seat(seat) = &inviting.to {
                    rings.push((seat, &inviting.attempts));
                }
            }
        }
        rings.extend(self.presses.values().map(|p| (&p.seat, p.attempts.as_slice())));
        let mut over = Vec::new();
        for (seat, attempts) in rings {
            for lost in attempts.iter().filter(|a| a.flow == *flow && a.failed.is_none()) {
                let moved = self.registrar.phones(seat).iter().any(|phone| {
                    let other = phone.instance.is_some()
                        && lost.instance.is_some()
                        && phone.instance != lost.instance;
                    !other && attempts.iter().all(|a| a.flow != phone.flow)
                });
                if !moved {
                    over.push(lost.client);
                }
            }
        }
        over
    }

    /// Takes the talks of phones along that registered by a new way: one that takes the place of
    /// the old way, or the first after the old one was lost.
    pub(super) fn follow_phones(&mut self) {
        for Moved { seat, instance, from, to } in self.registrar.take_moves() {
            for call in self.calls.values_mut() {
                for side in call.sides() {
                    if call.seat(side) != Some(&seat) {
                        continue;
                    }
                    let Some(leg) = call.leg_mut(side) else { continue };
                    // A phone that does not say which one it is may be any of its seat's.
                    let other =
                        instance.is_some() && leg.instance.is_some() && instance != leg.instance;
                    let replaced = from == Some(*leg.dialog.flow());
                    if !other && (replaced || leg.dialog.is_lost()) {
                        leg.dialog.move_to(to);
                    }
                }
            }
        }
    }
}
