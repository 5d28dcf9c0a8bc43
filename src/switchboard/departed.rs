//! Dialogs that we ended, kept for as long as a BYE of the peer may cross ours: it hung up as well,
//! and a 481 to its BYE would be an error in its records and ours.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::sip::dialog::DialogKey;
use crate::sip::{Dialog, Flow, Method, Name, Request, ServerId};
use crate::vocabulary::{Moment, Now, limits};

use super::Switchboard;

/// Dialogs whose BYE is on its way.
#[derive(Debug, Default)]
pub(super) struct Departed {
    /// When each is forgotten, and the peer's tag.
    by_key: HashMap<DialogKey, (Moment, Box<str>)>,
    /// In the order of those moments: all are kept equally long.
    order: VecDeque<(Moment, DialogKey)>,
}

impl Departed {
    fn add(&mut self, key: DialogKey, tag: Box<str>, until: Moment) {
        self.by_key.insert(key.clone(), (until, tag));
        self.order.push_back((until, key));
        while self.order.len() > limits::DEPARTED {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some((until, key)) = self.order.pop_front() else { return };
        // One that was added again is kept until then.
        if self.by_key.get(&key).is_some_and(|(kept, _)| *kept <= until) {
            self.by_key.remove(&key);
        }
    }

    fn knows(&self, key: &DialogKey, tag: &str) -> bool {
        self.by_key.get(key).is_some_and(|(_, theirs)| **theirs == *tag)
    }

    /// When the first is forgotten.
    pub(super) fn next(&self) -> Option<Moment> {
        self.order.front().map(|(until, _)| *until)
    }

    /// Forgets what is due.
    pub(super) fn tick(&mut self, now: Moment) {
        while self.next().is_some_and(|until| until <= now) {
            self.drop_first();
        }
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}

/// Our end of the dialog that a request of ours belongs to.
pub(super) fn dialog_of(request: &Request) -> Option<DialogKey> {
    Some(DialogKey {
        call_id: request.headers.call_id()?.into(),
        local_tag: request.headers.from()?.tag()?.into(),
    })
}

impl Switchboard {
    /// Says BYE in a dialog that nobody holds any more.
    pub(super) fn part_with(&mut self, now: Now, mut dialog: Dialog, reason: &str) {
        let bye = dialog.request(&Method::Bye).with(Name::Reason, reason.to_owned());
        self.send_bye(now, dialog.next_hop(), bye);
    }

    /// Sends a BYE, and knows its dialog until it must have been answered.
    pub(super) fn send_bye(&mut self, now: Now, flow: Flow, bye: Request) {
        self.remember(now, &bye, 1);
        self.endpoint.send(now.moment, flow, bye, &mut self.dice);
    }

    /// Keeps a BYE until the ACK of our 200 (RFC 3261 §15).
    pub(super) fn hold_bye(&mut self, now: Now, server: ServerId, flow: Flow, bye: Request) {
        self.remember(now, &bye, 2);
        self.partings.insert(server, (flow, bye));
    }

    /// `lives`: of a transaction, 64·T1 each.
    fn remember(&mut self, now: Now, bye: &Request, lives: u32) {
        let tag = bye.headers.to().and_then(|to| to.tag().map(Box::from)).unwrap_or_default();
        let keep: Duration = self.settings.sip.timers.t1 * 64 * lives;
        if let Some(key) = dialog_of(bye) {
            self.departed.add(key, tag, now.moment.after(keep));
        }
    }

    /// A BYE that crossed ours: both ended the call, and both are right. One of ours that still
    /// waits for an ACK is not needed any more.
    pub(super) fn crosses(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        key: &DialogKey,
    ) -> bool {
        let from = request.headers.from();
        let tag = from.as_ref().and_then(|from| from.tag()).unwrap_or("");
        if request.method != Method::Bye || !self.departed.knows(key, tag) {
            return false;
        }
        self.partings.retain(|_, (_, bye)| dialog_of(bye).as_ref() != Some(key));
        self.refuse(now, server, request, 200);
        true
    }
}
