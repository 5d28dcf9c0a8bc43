//! Connections that are lost, and phones that come back by another way: registrations end, dialogs
//! look for the phone where it is now (RFC 5626 §5.3).

use crate::call::Side;
use crate::sip::Flow;
use crate::sip::registrar::Moved;
use crate::vocabulary::Now;

use super::Switchboard;

impl Switchboard {
    /// A connection is gone, or could not be opened.
    pub(super) fn flow_lost(&mut self, now: Now, flow: &Flow) {
        self.certificates.remove(flow);
        self.registrar.flow_lost(flow);
        self.endpoint.flow_lost(now.moment, flow);
        for call in self.calls.values_mut() {
            for side in [Side::Caller, Side::Seat] {
                if let Some(leg) = call.leg_mut(side) {
                    leg.dialog.flow_lost(flow);
                }
            }
        }
    }

    /// Takes the talks of phones along that registered by a new way: one that takes the place of
    /// the old way, or the first after the old one was lost.
    pub(super) fn follow_phones(&mut self) {
        for Moved { seat, instance, from, to } in self.registrar.take_moves() {
            for call in self.calls.values_mut() {
                for side in [Side::Caller, Side::Seat] {
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
