//! Sessions kept alive (RFC 4028): each answered dialog has its timer, the side that promised sends
//! UPDATE or the re-INVITE of an unchanged session, and a dialog that nobody refreshed is over.
//!
//! OPTIONS go on all the same (`liveness`): a session timer of half an hour would keep a seat for
//! half an hour.

use std::collections::HashMap;
use std::time::Duration;

use crate::call::Side;
use crate::sip::dialog::DialogKey;
use crate::sip::session_timer::{self, Refresher, SessionTimer, TIMER, Terms};
use crate::sip::{ClientId, Flow, Headers, Method, Name, Request, Response, body};
use crate::vocabulary::{CallId, Deadlines, Moment, Now, OfferId, limits};

use super::departed::dialog_of;
use super::inbound::ALLOW;
use super::{Purpose, Switchboard};

/// One answered dialog.
#[derive(Debug)]
struct Session {
    timer: Option<SessionTimer>,
    /// The least interval that the peer takes.
    min: u32,
    /// The peer's Allow has UPDATE.
    update: bool,
    /// Our change without a final response.
    pending: Option<Method>,
    refresh_at: Moment,
    over_at: Moment,
}

/// What is due for a dialog.
pub(super) enum Due {
    /// Our sign of life.
    Refresh,
    /// Nobody gave one in time.
    Over,
}

/// Every answered dialog's timer.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_dialog: HashMap<DialogKey, Session>,
    deadlines: Deadlines<DialogKey>,
}

impl Sessions {
    /// A request of the peer is answered with 2xx: reads what it says of timers, and writes what
    /// we agree to into the response.
    pub(super) fn granted(
        &mut self,
        now: Moment,
        key: &DialogKey,
        request: &Headers,
        terms: &Terms,
        response: Response,
    ) -> Response {
        let timer = SessionTimer::granted(request, terms);
        self.start(now, key, request, timer, terms.min);
        timer.map_or(response.clone(), |timer| timer.promise(response))
    }

    /// The peer answered a request of ours with 2xx.
    pub(super) fn agreed(&mut self, now: Moment, key: &DialogKey, response: &Headers, min: u32) {
        self.start(now, key, response, SessionTimer::agreed(response), min);
    }

    fn start(
        &mut self,
        now: Moment,
        key: &DialogKey,
        peer: &Headers,
        timer: Option<SessionTimer>,
        min: u32,
    ) {
        let session = self.by_dialog.entry(key.clone()).or_insert(Session {
            timer,
            min,
            update: false,
            pending: None,
            refresh_at: Moment::NEVER,
            over_at: Moment::NEVER,
        });
        if peer.first(&Name::Allow).is_some() {
            session.update = peer.lists(&Name::Allow, Method::Update.as_str());
        }
        session.timer = timer;
        session.over_at = timer.map_or(Moment::NEVER, |timer| now.after(timer.over_after()));
        session.refresh_at = match timer {
            Some(timer) if timer.refresher == Refresher::Ours => now.after(timer.refresh_after()),
            _ => Moment::NEVER,
        };
        self.schedule(key);
    }

    fn schedule(&mut self, key: &DialogKey) {
        let Some(session) = self.by_dialog.get(key) else { return };
        match session.refresh_at.min(session.over_at) {
            Moment::NEVER => self.deadlines.clear(key),
            at => self.deadlines.set(key.clone(), at),
        }
    }

    /// Whether a change of ours with an offer has no answer yet (RFC 3261 §14.2, RFC 3311 §5.2).
    /// Our UPDATE has none, so nothing crosses it.
    pub(super) fn offers(&self, key: &DialogKey) -> bool {
        self.by_dialog.get(key).is_some_and(|s| s.pending == Some(Method::Invite))
    }

    /// Tries again after a while, where a timer runs.
    fn postpone(&mut self, key: &DialogKey, at: Moment) {
        if let Some(session) = self.by_dialog.get_mut(key)
            && session.timer.is_some()
        {
            session.refresh_at = at;
            self.schedule(key);
        }
    }

    /// A dialog is over.
    pub(super) fn forget(&mut self, key: &DialogKey) {
        self.by_dialog.remove(key);
        self.deadlines.clear(key);
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// How many dialogs are watched.
    pub(super) fn len(&self) -> usize {
        self.by_dialog.len()
    }

    fn due(&mut self, now: Moment) -> Option<(DialogKey, Due)> {
        let key = self.deadlines.pop_due(now)?;
        let session = self.by_dialog.get_mut(&key)?;
        if session.over_at <= now {
            session.over_at = Moment::NEVER;
            session.refresh_at = Moment::NEVER;
            return Some((key, Due::Over));
        }
        session.refresh_at = Moment::NEVER;
        self.schedule(&key);
        Some((key, Due::Refresh))
    }
}

impl Switchboard {
    /// Does what the session timers ask for.
    pub(super) fn sessions_due(&mut self, now: Now) {
        while let Some((key, due)) = self.sessions.due(now.moment) {
            match (self.dialogs.get(&key).copied(), due) {
                (None, _) => self.sessions.forget(&key),
                (Some((id, side)), Due::Refresh) => {
                    self.refresh(now, id, side, false);
                }
                (Some((id, side)), Due::Over) => self.dialog_lost(now, id, side),
            }
        }
    }

    /// Forgets a dialog that is over. True when it was known.
    pub(super) fn drop_dialog(&mut self, key: &DialogKey) -> bool {
        self.sessions.forget(key);
        self.reliable.forget(key);
        self.dialogs.remove(key).is_some()
    }

    /// Writes what we agree to of the session timer into the 2xx to a change within a call.
    pub(super) fn grant(
        &mut self,
        now: Now,
        key: &DialogKey,
        request: &Request,
        response: Response,
    ) -> Response {
        let terms = &self.settings.sip.session;
        self.sessions.granted(now.moment, key, &request.headers, terms, response)
    }

    /// The 422 that a change with too short an interval gets.
    pub(super) fn too_brief(&self, request: &Request) -> Option<Response> {
        let changes = matches!(request.method, Method::Invite | Method::Update);
        let min = session_timer::too_brief(&request.headers, &self.settings.sip.session);
        let min = min.filter(|_| changes)?;
        Some(request.response(422, "").with(Name::MinSe, min.to_string()))
    }

    /// Sends a sign of life that the peer must answer: UPDATE where it understands that, otherwise
    /// the INVITE of the session as it is. `verify`: the dialog is doubted, so no answer ends it.
    /// False when none can be sent.
    pub(super) fn refresh(&mut self, now: Now, id: CallId, side: Side, verify: bool) -> bool {
        // The peer's own INVITE comes first (RFC 3261 §14.1).
        let busy = self.invites.values().any(|owner| *owner == (id, side));
        let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) else {
            return false;
        };
        let key = leg.dialog.key().clone();
        let Some(session) = self.sessions.by_dialog.get_mut(&key) else { return false };
        if session.pending.is_some() {
            return true;
        }
        let method = if session.update { Method::Update } else { Method::Invite };
        let sdp = match (&leg.media, &method) {
            (_, Method::Update) => None,
            (Some(media), _) => Some(media.again()),
            (None, _) => return false,
        };
        if sdp.is_some() && (busy || leg.awaits_answer) {
            self.sessions.postpone(&key, now.moment.after(limits::REFRESH_BUSY));
            return true;
        }
        session.pending = Some(method.clone());
        let flow = leg.dialog.next_hop();
        let mut request = leg.dialog.request(&method);
        let (timer, min) = (session.timer, session.min);
        request = request
            .with(Name::Contact, self.contact(&flow))
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, TIMER);
        if let Some(timer) = timer {
            request = timer.renew(request, min);
        }
        if let Some(sdp) = sdp {
            request = request.with(Name::ContentType, "application/sdp");
            request.body = sdp;
        }
        let client = self.endpoint.send(now.moment, flow, request, &mut self.dice);
        self.clients.insert(client, Purpose::Refresh { verify });
        true
    }

    /// A refresh of ours has its final response; a local timeout comes as none.
    pub(super) fn refreshed(
        &mut self,
        now: Now,
        client: ClientId,
        verify: bool,
        request: &Request,
        answer: Option<(Flow, &Response)>,
    ) {
        self.clients.remove(&client);
        let known = dialog_of(request).and_then(|key| Some((*self.dialogs.get(&key)?, key)));
        let Some(((id, side), key)) = known else {
            // The call ended meanwhile; the 2xx wants its ACK all the same.
            if let Some((flow, response)) = answer.filter(|(_, r)| r.is_success())
                && request.method == Method::Invite
            {
                drop(self.acknowledge(client, flow, request, response));
            }
            return;
        };
        let Some(session) = self.sessions.by_dialog.get_mut(&key) else { return };
        session.pending = None;
        let Some((_, response)) = answer else {
            // Nobody answered for 32 s. In doubt that is an answer; otherwise there is still time.
            if verify {
                return self.dialog_lost(now, id, side);
            }
            return self.sessions.postpone(&key, now.moment.after(limits::REFRESH_AGAIN));
        };
        let again = match response.code {
            200..300 => {
                return self.refresh_taken(now, client, (id, side), &key, request, response);
            }
            408 | 481 => return self.dialog_lost(now, id, side),
            491 => self.back_off(id, side),
            405 | 501 if session.update => {
                session.update = false;
                Duration::ZERO
            }
            422 => match session_timer::wanted(&request.headers, &response.headers) {
                Some(min) => {
                    session.min = min;
                    Duration::ZERO
                }
                None => limits::REFRESH_AGAIN,
            },
            // The peer cannot now, or never: it is asked again until the session runs out.
            _ => {
                let wish = response.headers.number(&Name::RetryAfter).unwrap_or(0);
                limits::REFRESH_AGAIN.max(Duration::from_secs(u64::from(wish)))
            }
        };
        self.sessions.postpone(&key, now.moment.after(again));
    }

    fn refresh_taken(
        &mut self,
        now: Now,
        client: ClientId,
        (id, side): (CallId, Side),
        key: &DialogKey,
        request: &Request,
        response: &Response,
    ) {
        let min = self.sessions.by_dialog.get(key).map_or(0, |session| session.min);
        self.sessions.agreed(now.moment, key, &response.headers, min);
        let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) else { return };
        leg.dialog.retarget(&response.headers);
        if request.method != Method::Invite {
            return;
        }
        let ack = leg.dialog.ack(request.headers.cseq().map_or(0, |cseq| cseq.number));
        let (flow, tag) = (leg.dialog.next_hop(), leg.dialog.remote_tag().to_owned());
        let answer = body::sdp(&response.headers, &response.body);
        let taken = leg.media.as_mut().zip(answer).map(|(media, sdp)| media.take_answer(&sdp));
        self.endpoint.send_ack(client, flow, ack, &tag, &mut self.dice);
        // An answer that we cannot use leaves the session as it was.
        if let Some(Ok(_)) = taken {
            self.apply(now, id, side);
        }
    }

    /// Both sides changed the session at once; who made the Call-ID waits longer (RFC 3261 §14.1),
    /// in steps of 10 ms.
    fn back_off(&mut self, id: CallId, side: Side) -> Duration {
        let leg = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side));
        let ours = leg.is_some_and(|leg| leg.dialog.is_ours());
        let number = self.dice.number();
        Duration::from_millis(10 * if ours { 210 + number % 191 } else { number % 201 })
    }
}

impl Switchboard {
    /// A phone wants a longer session interval than we offered: it is invited again with that.
    /// False when its 422 cannot be met.
    pub(super) fn ring_again(
        &mut self,
        now: Now,
        client: ClientId,
        (id, offer): (CallId, OfferId),
        request: &Request,
        response: &Response,
    ) -> bool {
        if response.code != 422 {
            return false;
        }
        let Some(invite) = session_timer::again(request, &response.headers) else { return false };
        let ringing = self.calls.get_mut(&id).and_then(|call| call.ringing.get_mut(&offer));
        let attempt = ringing.and_then(|r| r.attempts.iter_mut().find(|a| a.client == client));
        let Some(attempt) = attempt else { return false };
        let second = self.endpoint.send(now.moment, attempt.flow, invite, &mut self.dice);
        attempt.client = second;
        self.clients.remove(&client);
        self.clients.insert(second, Purpose::Ring { call: id, offer });
        true
    }
}
