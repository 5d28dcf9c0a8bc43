//! Provisional responses that are acknowledged by PRACK (RFC 3262): ours until theirs comes, and
//! the peers' with the early dialogs that they make.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use super::body;
use super::dialog::{Dialog, DialogKey};
use super::event::{ClientId, ServerId};
use super::flow::Flow;
use super::message::{Headers, Method, Request, Response};
use super::name::Name;
use super::settings::Timers;
use crate::vocabulary::{Deadlines, Moment, limits};

/// The option tag.
const TAG: &str = "100rel";

/// Whether the sender of an INVITE takes reliable responses, and whether it takes nothing else.
#[must_use]
pub fn wish(invite: &Headers) -> (bool, bool) {
    let required = invite.lists(&Name::Require, TAG);
    (required || invite.lists(&Name::Supported, TAG), required)
}

/// The last reliable response of one INVITE.
#[derive(Clone, Debug)]
struct Sent {
    server: ServerId,
    /// CSeq number of the INVITE.
    number: u32,
    rseq: u32,
    /// The response, until its PRACK.
    waits: Option<Response>,
    interval: Duration,
    ends_at: Moment,
}

/// How a provisional response goes out.
#[derive(Debug)]
pub enum Way {
    /// Now, and again until its PRACK comes.
    Reliably(Response),
    /// Now and once: the peer left an earlier one without a PRACK.
    Once(Response),
    /// Not before the PRACK of the one before (§3).
    NotYet,
}

/// What is due.
#[derive(Debug)]
pub enum Due {
    /// A response goes out again.
    Again(ServerId, Response),
    /// No PRACK came for 64·T1.
    Unacknowledged(ServerId, DialogKey),
}

/// Reliable responses of ours, by early dialog.
#[derive(Debug, Default)]
pub struct Reliable {
    by_dialog: HashMap<DialogKey, Sent>,
    deadlines: Deadlines<DialogKey>,
}

impl Reliable {
    /// Numbers a response and begins to repeat it. `first` is the RSeq of a first one.
    pub fn send(
        &mut self,
        now: Moment,
        key: &DialogKey,
        server: ServerId,
        response: Response,
        first: u32,
        timers: &Timers,
    ) -> Way {
        let number = response.headers.cseq().map_or(0, |cseq| cseq.number);
        let rseq = match self.by_dialog.get(key) {
            Some(sent) if sent.waits.is_some() && sent.ends_at == Moment::NEVER => {
                return Way::Once(response);
            }
            Some(sent) if sent.waits.is_some() => return Way::NotYet,
            Some(sent) => sent.rseq + 1,
            None => first.clamp(1, 0x7fff_ffff),
        };
        let response = response.with(Name::Require, TAG).with(Name::RSeq, rseq.to_string());
        let sent = Sent {
            server,
            number,
            rseq,
            waits: Some(response.clone()),
            interval: timers.t1,
            ends_at: now.after(timers.t1 * 64),
        };
        self.by_dialog.insert(key.clone(), sent);
        self.deadlines.set(key.clone(), now.after(timers.t1));
        Way::Reliably(response)
    }

    /// A PRACK came. True when it names the last response of ours, whether it is new, comes again
    /// or comes late.
    pub fn acknowledged(&mut self, key: &DialogKey, prack: &Headers) -> bool {
        let Some(sent) = self.by_dialog.get_mut(key) else { return false };
        let matches =
            read_rack(prack).is_some_and(|rack| rack == (sent.rseq, sent.number, Method::Invite));
        if matches {
            sent.waits = None;
            self.deadlines.clear(key);
        }
        matches
    }

    /// The next thing that is due.
    pub fn due(&mut self, now: Moment) -> Option<Due> {
        let key = self.deadlines.pop_due(now)?;
        let sent = self.by_dialog.get_mut(&key)?;
        if sent.ends_at <= now {
            sent.ends_at = Moment::NEVER;
            return Some(Due::Unacknowledged(sent.server, key));
        }
        sent.interval *= 2;
        self.deadlines.set(key, now.after(sent.interval).min(sent.ends_at));
        Some(Due::Again(sent.server, sent.waits.clone()?))
    }

    /// The INVITE has its final response: nothing is repeated any more, a late PRACK is still known
    /// (§3).
    pub fn rest(&mut self, key: &DialogKey) {
        self.deadlines.clear(key);
    }

    /// The dialog is over.
    pub fn forget(&mut self, key: &DialogKey) {
        self.by_dialog.remove(key);
        self.deadlines.clear(key);
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// How many dialogs are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_dialog.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_dialog.is_empty()
    }
}

/// RAck: RSeq, CSeq number and method of the response (§7.2).
fn read_rack(headers: &Headers) -> Option<(u32, u32, Method)> {
    let text = headers.text(&Name::RAck)?;
    let mut words = text.split_ascii_whitespace();
    let (rseq, number) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((rseq, number, Method::read(words.next()?)?))
}

/// One early dialog of an INVITE of ours.
#[derive(Debug)]
struct Early {
    dialog: Dialog,
    rseq: Option<u32>,
    sdp: Option<Bytes>,
}

/// The early dialogs of our INVITEs: a forked one has several.
#[derive(Debug, Default)]
pub struct EarlyDialogs(HashMap<ClientId, Vec<Early>>);

impl EarlyDialogs {
    /// A provisional response came; gives the PRACK that it asks for. One that comes again, or that
    /// overtook another, gets none (§4).
    pub fn heard(
        &mut self,
        client: ClientId,
        flow: Flow,
        invite: &Request,
        response: &Response,
    ) -> Option<(Flow, Request)> {
        let dialog = Dialog::sent(invite, response, flow)?;
        if dialog.remote_tag().is_empty() {
            return None;
        }
        let known = self.0.entry(client).or_default();
        let at = known.iter().position(|e| e.dialog.remote_tag() == dialog.remote_tag());
        let early = match at {
            Some(at) => known.get_mut(at)?,
            None if known.len() >= limits::EARLY_DIALOGS => return None,
            None => {
                known.push(Early { dialog, rseq: None, sdp: None });
                known.last_mut()?
            }
        };
        // The newest description counts: it stands for the answer where the 2xx has none (§5).
        if let Some(sdp) = body::sdp(&response.headers, &response.body) {
            early.sdp = Some(sdp);
        }
        let rseq = response.headers.number(&Name::RSeq)?;
        if !response.headers.lists(&Name::Require, TAG)
            || early.rseq.is_some_and(|last| last.checked_add(1) != Some(rseq))
        {
            return None;
        }
        early.rseq = Some(rseq);
        let number = invite.headers.cseq()?.number;
        let prack = early.dialog.request(&Method::Prack);
        let prack = prack.with(Name::RAck, format!("{rseq} {number} INVITE"));
        Some((early.dialog.next_hop(), prack))
    }

    fn find(&self, client: ClientId, tag: &str) -> Option<&Early> {
        self.0.get(&client)?.iter().find(|early| early.dialog.remote_tag() == tag)
    }

    /// The description that an early dialog brought.
    #[must_use]
    pub fn sdp(&self, client: ClientId, tag: &str) -> Option<Bytes> {
        self.find(client, tag)?.sdp.clone()
    }

    /// Goes on with the numbers of the PRACKs in the dialog that the 2xx made.
    pub fn confirm(&self, client: ClientId, dialog: &mut Dialog) {
        if let Some(early) = self.find(client, dialog.remote_tag()) {
            dialog.number_after(&early.dialog);
        }
    }

    /// The INVITE is over.
    pub fn forget(&mut self, client: ClientId) {
        self.0.remove(&client);
    }

    /// How many INVITEs are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
