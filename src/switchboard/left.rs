//! The caller hangs up while somebody is called out for them: the operator's leg stays, and with it the
//! chain and whoever has answered. The record of the call ends with the caller.

use crate::call::orders::MediaOrder;
use crate::call::{Left, Side, State};
use crate::callout::{Standing, Verdict};
use crate::journal::Fact;
use crate::vocabulary::{CallId, Ending, Now};

use super::Switchboard;

impl Switchboard {
    /// The caller is gone. False where nobody is called out, so that the call is over.
    pub(super) fn caller_leaves(&mut self, now: Now, id: CallId, ending: Ending) -> bool {
        let Some(call) = self.calls.get(&id) else { return false };
        let talks = call.state == State::Talking && call.trunk().is_some() && call.left.is_none();
        let operator = call.seat(Side::Seat).is_some() && call.calling.is_none();
        let called = |party: u8| call.parties.keys().any(|known| known.0 == party);
        let answered = self.chains.of(id).is_some_and(|run| {
            run.attempts.iter().any(|attempt| attempt.party.is_some_and(called))
        });
        if !talks || !operator || !(answered || self.chains.runs(id)) {
            return false;
        }
        let key = call.caller.dialog.key().clone();
        self.drop_dialog(&key);
        self.invites.retain(|_, owner| *owner != (id, Side::Caller));
        self.no_more_private(now, id);
        self.forget_heard(id, Side::Caller);
        let Some(call) = self.calls.get_mut(&id) else { return false };
        call.left = Some(Left { at: now, ending, told: false });
        call.caller.held = false;
        match call.caller.media.take() {
            Some(media) => self.media(MediaOrder::Close { stream: media.stream }),
            None => self.caller_is_counted(id),
        }
        self.seat_the_table(now, id);
        true
    }

    /// The packets of a caller who has left are counted: the record of the call ends.
    pub(super) fn caller_is_counted(&mut self, id: CallId) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        if let Some(left) = call.left.as_mut().filter(|left| !left.told) {
            left.told = true;
            let (at, ending) = (left.at.wall, left.ending);
            let (caller_packets, seat_packets) = (Some(call.packets.0), Some(call.packets.1));
            self.note_at(at, Fact::Ended { call: id, ending, caller_packets, seat_packets });
            self.settle_work(at, &call, &ending);
        }
        self.calls.insert(id, call);
    }

    /// Ends a call whose caller has left; false where the caller is there.
    pub(super) fn ends_without_caller(&mut self, now: Now, id: CallId) -> bool {
        let left = self.calls.get(&id).and_then(|call| call.left.as_ref());
        let Some(ending) = left.map(|left| left.ending) else { return false };
        self.end(now, id, ending);
        true
    }

    /// Nobody is left but the operator, and somebody comes or a person has stopped the chain. After a chain
    /// in vain the operator goes on by hand, and hangs up.
    pub(super) fn operator_is_alone(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id).filter(|call| call.left.is_some()) else { return };
        let standing = self.chains.of(id).map(|run| &run.standing);
        let done = matches!(
            standing,
            Some(Standing::Over { verdict: Verdict::Taken | Verdict::Stopped, .. })
        );
        if done && call.parties.is_empty() && call.inviting.is_empty() && !call.is_closing() {
            self.ends_without_caller(now, id);
        }
    }
}
