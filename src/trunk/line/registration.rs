//! Our registration at one carrier (RFC 3261 §10.2): asked for, granted, refreshed, taken back.
//!
//! It says what to send and what it makes of each answer; the line knows the ways there.

use std::time::Duration;

use super::Way;
use crate::sip::digest::{OutgoingAccount, authorize};
use crate::sip::{Flow, Method, Name, Request, Response, Uri};
use crate::trunk::settings::LineSettings;
use crate::vocabulary::{Dice, Moment, limits};

/// What an answer to our REGISTER means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Registered; refresh after so long.
    Granted { refresh: Duration },
    /// Our contact is gone, as we asked.
    Removed,
    /// Send this to the same place.
    Again(Request),
    /// This place cannot do it; another may.
    Elsewhere { why: String, retry_after: Option<Duration> },
    /// The carrier does not want it; another place of it would say the same.
    Refused { why: String, retry_after: Option<Duration> },
}

/// The registration.
#[derive(Debug)]
pub(super) struct Registration {
    call_id: String,
    tag: String,
    number: u32,
    /// Seconds asked for; a 423 raises them.
    seconds: u32,
    /// Where it is, and until when it counts.
    pub granted: Option<(Flow, Moment)>,
    /// It was granted once and has run out since.
    pub lost: bool,
    /// Rounds over all places that have failed since the last success.
    pub failures: u32,
    /// Why the last attempt failed.
    pub why: String,
}

impl Registration {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            call_id: dice.token(),
            tag: dice.token(),
            number: 0,
            seconds: limits::REGISTER_SECONDS,
            granted: None,
            lost: false,
            failures: 0,
            why: String::new(),
        }
    }

    /// A REGISTER over one way; `leaving` takes the contact back.
    pub(super) fn request(&mut self, settings: &LineSettings, way: &Way, leaving: bool) -> Request {
        self.number += 1;
        let seconds = if leaving { 0 } else { self.seconds };
        let own = own_address(settings);
        Request::new(Method::Register, Uri::read(&registrar(settings)))
            .with(Name::From, format!("<{own}>;tag={}", self.tag))
            .with(Name::To, format!("<{own}>"))
            .with(Name::CallId, self.call_id.clone())
            .with(Name::CSeq, format!("{} REGISTER", self.number))
            .with(Name::Contact, format!("<{}>", contact(settings, way)))
            .with(Name::Expires, seconds.to_string())
    }

    /// The carrier's answer to `request` over `way`.
    pub(super) fn answered(
        &mut self,
        now: Moment,
        settings: &LineSettings,
        way: &Way,
        request: &Request,
        response: &Response,
        dice: &mut Dice,
    ) -> Answer {
        let leaving = request.headers.number(&Name::Expires) == Some(0);
        let retry_after = retry_after(response);
        let said = || format!("{} said {} {}", way.flow, response.code, shown(&response.phrase));
        match response.code {
            200..300 if leaving => {
                self.granted = None;
                Answer::Removed
            }
            200..300 => self.granted(now, settings, way, response),
            401 | 407 => match self.credentials(settings.account.as_ref(), request, response, dice)
            {
                Ok(again) => Answer::Again(again),
                Err(why) => Answer::Refused { why, retry_after },
            },
            423 => {
                let least = response.headers.number(&Name::MinExpires).unwrap_or(0);
                if least <= self.seconds || least > limits::REGISTER_SECONDS_MOST || leaving {
                    return Answer::Refused { why: said(), retry_after };
                }
                self.seconds = least;
                Answer::Again(self.request(settings, way, leaving))
            }
            408 | 430 | 480 | 500..600 => Answer::Elsewhere { why: said(), retry_after },
            _ => Answer::Refused { why: said(), retry_after },
        }
    }

    fn credentials(
        &mut self,
        account: Option<&OutgoingAccount>,
        request: &Request,
        response: &Response,
        dice: &mut Dice,
    ) -> Result<Request, String> {
        let account = account.ok_or(
            "the carrier asks for a password: outgoing_username and outgoing_password are missing",
        )?;
        let mut again = request.clone();
        authorize(&mut again, response, account, dice).map_err(|error| error.to_string())?;
        self.number = again.headers.cseq().map_or(self.number, |cseq| cseq.number);
        Ok(again)
    }

    /// How long it counts: our Contact's own parameter, then the header, then what was asked
    /// (RFC 3261 §10.2.4).
    fn granted(
        &mut self,
        now: Moment,
        settings: &LineSettings,
        way: &Way,
        response: &Response,
    ) -> Answer {
        let ours = Uri::read(&contact(settings, way));
        let contacts = response.headers.contacts();
        let is_ours = |uri: &Uri| {
            uri.user() == ours.user() && uri.host() == ours.host() && uri.port() == ours.port()
        };
        // A carrier behind a NAT may have rewritten our address; a lone Contact is ours all the same.
        let own = contacts.iter().find(|c| is_ours(&c.uri));
        let own = own.or_else(|| contacts.first().filter(|_| contacts.len() == 1));
        let own = own.and_then(|c| c.params.get("expires")?.trim().parse().ok());
        let seconds = own.or_else(|| response.headers.number(&Name::Expires));
        let seconds = seconds.unwrap_or(self.seconds).min(limits::REGISTER_SECONDS_MOST);
        if seconds == 0 {
            let why = format!("{} granted a registration of 0 s", way.flow);
            return Answer::Refused { why, retry_after: None };
        }
        let lifetime = Duration::from_secs(u64::from(seconds));
        self.granted = Some((way.flow, now.after(lifetime)));
        (self.lost, self.failures) = (false, 0);
        self.why.clear();
        // Nine tenths of a long one, half of a short one.
        let late = (lifetime * 9 / 10).min(lifetime.saturating_sub(limits::REFRESH_BEFORE));
        Answer::Granted { refresh: late.max(lifetime / 2) }
    }

    /// How long to wait after a round that failed: doubled each time up to a bound, and somewhere in
    /// the upper half of it, so that many centres do not come back at once (RFC 5626 §4.5).
    pub(super) fn back_off(&mut self, retry_after: Option<Duration>, dice: &mut Dice) -> Duration {
        let doubled = 1u32 << self.failures.min(8);
        self.failures = self.failures.saturating_add(1);
        let longest = (limits::REGISTER_RETRY * doubled).min(limits::REGISTER_RETRY_MOST);
        let half = longest / 2;
        let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        let wait = half + Duration::from_micros(dice.number() % micros);
        wait.max(retry_after.unwrap_or_default())
    }
}

/// `sip:user@host`: who we are at the carrier.
pub(super) fn own_address(settings: &LineSettings) -> String {
    format!("{}:{}@{}", scheme(settings), settings.from_user, host(settings))
}

/// `sip:host` or `sip:host:port`: the carrier itself.
pub(super) fn registrar(settings: &LineSettings) -> String {
    let port = settings.uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}:{}{port}", scheme(settings), host(settings))
}

/// Where the carrier reaches us over a way.
pub(super) fn contact(settings: &LineSettings, way: &Way) -> String {
    let (scheme, user) = (scheme(settings), &settings.from_user);
    format!("{scheme}:{user}@{}{}", way.own, way.flow.transport.parameter())
}

fn scheme(settings: &LineSettings) -> &'static str {
    if settings.uri.scheme() == crate::sip::Scheme::Sips { "sips" } else { "sip" }
}

fn host(settings: &LineSettings) -> String {
    let host = settings.uri.host();
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// `Retry-After: 120 (maintenance);duration=60` in bounds.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers.text(&Name::RetryAfter)?;
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    let seconds = if digits.len() > 9 { u64::MAX } else { digits.parse().ok()? };
    Some(Duration::from_secs(seconds).min(limits::RETRY_AFTER_MOST))
}

/// A word of the peer, fit for a log line and the journal.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
