//! Logins of phones and of digest trunks: who guesses is locked out by source, and no working phone
//! with it.

use crate::sip::{Flow, Method, Name, Request, ServerId};
use crate::vocabulary::Now;

use super::Switchboard;

impl Switchboard {
    /// A REGISTER.
    pub(super) fn register(&mut self, now: Now, server: ServerId, flow: Flow, request: &Request) {
        if self.is_locked_out(now, &flow, request) {
            self.refused_logins += 1;
            let refusal = request.response(403, &self.dice.token());
            return self.endpoint.answer_once(server, refusal);
        }
        let tag = self.dice.token();
        if let Some(refusal) = request.bad_extension(&tag) {
            return self.endpoint.answer_once(server, refusal);
        }
        let login = self.registrar.register(now.moment, request, flow, &mut self.dice);
        if login.response.code == 403 {
            self.login_refused(now, request, &flow);
        }
        if login.wrong {
            self.login_wrong(now, &flow);
        }
        self.follow_phones();
        match login.response.code {
            401 | 403 => self.endpoint.answer_once(server, login.response),
            _ => self.endpoint.respond(now.moment, server, login.response),
        }
    }

    /// Whether credentials of this sender are refused unseen. A carrier's address never is, and a
    /// phone is heard where it is registered from: a lock must not sign it out.
    pub(super) fn is_locked_out(&self, now: Now, flow: &Flow, request: &Request) -> bool {
        let locked = request.headers.first(&Name::Authorization).is_some()
            && self.guesses.is_locked(now.moment, flow.remote.ip())
            && self.trunk_of(flow).is_none();
        let phone =
            request.method == Method::Register && self.registrar.has_phone_at(request, flow.remote);
        locked && !phone
    }

    /// A wrong name or password: who does it too often is locked, and an admin hears of it.
    pub(super) fn login_wrong(&mut self, now: Now, flow: &Flow) {
        if self.trunk_of(flow).is_some() {
            return;
        }
        let source = flow.remote.ip();
        if let Some(lock) = self.guesses.wrong(now.moment, source) {
            let minutes = lock.as_secs() / 60;
            let detail = format!("{source} guesses passwords: not heard for {minutes} minutes");
            self.alarm(now, "login-locked", detail);
        }
    }

    /// Tells an operator why the phone does not register, and an admin that somebody guesses.
    fn login_refused(&mut self, now: Now, request: &Request, flow: &Flow) {
        self.refused_logins += 1;
        let user = request.headers.to().map(|to| to.uri.user().to_owned()).unwrap_or_default();
        let user: String = user.chars().filter(|c| !c.is_control()).take(40).collect();
        let detail = format!("{user:?} from {flow}: wrong name or password");
        self.alarm(now, "login-refused", detail);
    }
}
