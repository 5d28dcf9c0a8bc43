//! Session timers (RFC 4028): how long a dialog may live without a sign of life, and who gives it.
//!
//! Pure rules: what a request asks for, what we promise, what a response agreed. An INVITE of a new
//! call is never refused for its interval; only changes within a call are (422).

use std::time::Duration;

use super::message::{Headers, Request, Response};
use super::name::Name;
use super::values::Params;
use crate::vocabulary::limits;

/// The option tag.
pub const TIMER: &str = "timer";

/// What we offer and the least that we take within a call, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Session-Expires of our requests, and the most that a peer gets.
    pub expires: u32,
    /// Min-SE: below it a change within a call is answered 422.
    pub min: u32,
}

impl Default for Terms {
    /// The values that RFC 4028 recommends: half an hour, and 90 s at least (§4, §5).
    fn default() -> Self {
        Self { expires: 1800, min: limits::SESSION_FLOOR }
    }
}

/// Who gives the sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// We do.
    Ours,
    /// The peer does.
    Theirs,
}

/// What was agreed for one dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimer {
    /// The session interval, seconds.
    pub interval: u32,
    /// Who refreshes.
    pub refresher: Refresher,
}

impl SessionTimer {
    /// When the refresher acts, counted from the last refresh (RFC 4028 §10).
    #[must_use]
    pub const fn refresh_after(&self) -> Duration {
        Duration::from_millis(self.interval as u64 * 500)
    }

    /// When the session is given up, counted from the last refresh: earlier than the interval by
    /// a third of it, 32 s at most, so that the BYE still finds the dialog (RFC 4028 §10).
    #[must_use]
    pub fn over_after(&self) -> Duration {
        let interval = Duration::from_secs(u64::from(self.interval));
        interval - (interval / 3).min(Duration::from_secs(32))
    }

    /// The timer that we agree to as the answering side of a request (RFC 4028 §9, table 2). Who
    /// does not know timers and asks for none is watched by OPTIONS alone. Who only says that it
    /// knows them is refreshed by us: it asked for nothing that it could be held to.
    #[must_use]
    pub fn granted(request: &Headers, terms: &Terms) -> Option<Self> {
        let supported = supports(request);
        let least = request.number(&Name::MinSe).unwrap_or(0);
        match asked(request) {
            Some((interval, role)) => {
                let refresher = match role {
                    _ if !supported => Refresher::Ours,
                    Some(Role::Uas) => Refresher::Ours,
                    Some(Role::Uac) | None => Refresher::Theirs,
                };
                // A shorter interval may be granted, a longer one not.
                Some(Self { interval: interval.min(terms.expires.max(least)), refresher })
            }
            None if supported => Some(Self {
                interval: terms.expires.max(least).min(limits::SESSION_MOST),
                refresher: Refresher::Ours,
            }),
            None => None,
        }
    }

    /// Writes what we agreed to into a 2xx of ours.
    #[must_use]
    pub fn promise(&self, response: Response) -> Response {
        match self.refresher {
            Refresher::Ours => {
                response.with(Name::SessionExpires, format!("{};refresher=uas", self.interval))
            }
            Refresher::Theirs => response
                .with(Name::SessionExpires, format!("{};refresher=uac", self.interval))
                .with(Name::Require, TIMER),
        }
    }

    /// The timer that a 2xx to a request of ours agreed to; none when it names none (§7.2).
    #[must_use]
    pub fn agreed(response: &Headers) -> Option<Self> {
        let (interval, role) = asked(response)?;
        let refresher = if role == Some(Role::Uas) { Refresher::Theirs } else { Refresher::Ours };
        Some(Self { interval, refresher })
    }

    /// Writes a running timer into a refresh of ours; nobody's part changes (§7.4).
    #[must_use]
    pub fn renew(&self, request: Request, min: u32) -> Request {
        let role = match self.refresher {
            Refresher::Ours => "uac",
            Refresher::Theirs => "uas",
        };
        let interval = self.interval.max(min);
        request
            .with(Name::SessionExpires, format!("{interval};refresher={role}"))
            .with(Name::MinSe, min.to_string())
    }
}

/// Asks for a timer in a new INVITE of ours; the peer chooses who refreshes (§7.1).
#[must_use]
pub fn offer(invite: Request, terms: &Terms) -> Request {
    invite
        .with(Name::SessionExpires, terms.expires.max(terms.min).to_string())
        .with(Name::MinSe, terms.min.to_string())
}

/// The Min-SE of the 422 that a change within a call deserves; only who knows timers understands
/// it (§9).
#[must_use]
pub fn too_brief(request: &Headers, terms: &Terms) -> Option<u32> {
    let (interval, _) = read(request)?;
    (interval < terms.min && supports(request)).then_some(terms.min)
}

/// The Min-SE that a 422 asks for, when it is more than our request offered and not beyond reason.
#[must_use]
pub fn wanted(request: &Headers, refusal: &Headers) -> Option<u32> {
    let offered = request.number(&Name::MinSe).unwrap_or(0);
    refusal.number(&Name::MinSe).filter(|min| (offered + 1..=limits::SESSION_MOST).contains(min))
}

/// The INVITE once more with the interval that a 422 asks for: the same call, the next CSeq
/// (§7.3). None when the refusal cannot be met, or was met often enough.
#[must_use]
pub fn again(invite: &Request, refusal: &Headers) -> Option<Request> {
    let min = wanted(&invite.headers, refusal)?;
    let number = invite.headers.cseq()?.number + 1;
    if number > limits::INVITE_TRIES {
        return None;
    }
    let interval = read(&invite.headers).map_or(min, |(interval, _)| interval.max(min));
    let mut request = Request::new(invite.method.clone(), invite.uri.clone());
    request.body = invite.body.clone();
    for (name, value) in invite.headers.iter() {
        match name {
            // Of the transaction, not of the request: they are added anew.
            Name::Via | Name::UserAgent | Name::ContentLength => {}
            Name::CSeq => request.headers.push(Name::CSeq, format!("{number} {}", invite.method)),
            Name::SessionExpires => request.headers.push(name.clone(), interval.to_string()),
            Name::MinSe => request.headers.push(name.clone(), min.to_string()),
            _ => request.headers.push(name.clone(), value.clone()),
        }
    }
    Some(request)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Uac,
    Uas,
}

fn supports(headers: &Headers) -> bool {
    headers.lists(&Name::Supported, TIMER) || headers.lists(&Name::Require, TIMER)
}

/// Session-Expires as written; what cannot be read counts as absent.
fn read(headers: &Headers) -> Option<(u32, Option<Role>)> {
    let text = headers.text(&Name::SessionExpires)?;
    let (seconds, params) = text.split_once(';').unwrap_or((&text, ""));
    let role = match Params::read(params).get("refresher") {
        Some(role) if role.eq_ignore_ascii_case("uac") => Some(Role::Uac),
        Some(role) if role.eq_ignore_ascii_case("uas") => Some(Role::Uas),
        _ => None,
    };
    Some((seconds.trim().parse().ok()?, role))
}

/// Session-Expires where a timer can be run by it.
fn asked(headers: &Headers) -> Option<(u32, Option<Role>)> {
    read(headers).filter(|(interval, _)| *interval >= limits::SESSION_LEAST)
}

#[cfg(test)]
mod tests {
    use super::super::message::Method;
    use super::super::uri::Uri;
    use super::*;

    fn headers(lines: &[(Name, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in lines {
            headers.push(name.clone(), (*value).to_owned());
        }
        headers
    }

    #[test]
    fn the_refresher_is_named_as_the_table_says() {
        let terms = Terms::default();
        let timer = (Name::Supported, "replaces, timer");
        let asked = |value: &'static str| (Name::SessionExpires, value);
        let (ours, theirs) = (Refresher::Ours, Refresher::Theirs);
        for (lines, agreed) in [
            (vec![], None),
            (vec![timer.clone()], Some((1800, ours))),
            (vec![asked("300")], Some((300, ours))),
            (vec![asked("300;refresher=uac")], Some((300, ours))),
            (vec![timer.clone(), asked("300")], Some((300, theirs))),
            (vec![timer.clone(), asked("300 ; refresher = UAC")], Some((300, theirs))),
            (vec![timer.clone(), asked("300;refresher=uas")], Some((300, ours))),
            // More than we give, unless the peer insists.
            (vec![timer.clone(), asked("86400")], Some((1800, theirs))),
            (vec![timer.clone(), asked("7200"), (Name::MinSe, "3600")], Some((3600, theirs))),
            // A new call is taken with what it asks for; an interval that nobody can keep is none.
            (vec![timer.clone(), asked("30")], Some((30, theirs))),
            (vec![asked("0")], None),
            (vec![asked("soon")], None),
        ] {
            let granted = SessionTimer::granted(&headers(&lines), &terms);
            assert_eq!(granted.map(|t| (t.interval, t.refresher)), agreed, "{lines:?}");
        }
    }

    #[test]
    fn a_session_is_given_up_before_its_interval_is_over() {
        let after = |interval| {
            SessionTimer { interval, refresher: Refresher::Theirs }.over_after().as_secs()
        };
        assert_eq!((after(1800), after(90), after(30)), (1768, 60, 20));
    }

    #[test]
    fn a_422_is_met_with_a_longer_interval_and_the_next_number() {
        let invite = Request::new(Method::Invite, Uri::read("sip:a@b"))
            .with(Name::Via, "SIP/2.0/UDP h;branch=z9hG4bK1")
            .with(Name::CallId, "one")
            .with(Name::CSeq, "1 INVITE");
        let invite = offer(invite, &Terms { expires: 120, min: 90 });
        let refusal = headers(&[(Name::MinSe, "600")]);
        let second = again(&invite, &refusal).unwrap();
        assert_eq!(second.headers.text(&Name::SessionExpires).unwrap(), "600");
        assert_eq!(second.headers.text(&Name::MinSe).unwrap(), "600");
        assert_eq!(second.headers.cseq().unwrap().number, 2);
        assert_eq!(second.headers.call_id().unwrap(), "one");
        assert!(second.headers.via().is_none());
        // It asks for what it got already, for nothing, or for more than a day.
        for min in ["600", "90", "x", "4294967295"] {
            assert!(again(&second, &headers(&[(Name::MinSe, min)])).is_none(), "{min}");
        }
    }
}
