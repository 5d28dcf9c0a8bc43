//! Which contacts a seat's phones are at, and until when (RFC 3261 §10.3).
//!
//! A request is taken whole or not at all: a malformed Contact changes no binding.

use std::collections::BTreeMap;
use std::time::Duration;

use super::digest::{Authenticator, Credential, Verdict};
use super::flow::Flow;
use super::message::{Request, Response};
use super::name::Name;
use super::settings::{Account, Expires, SipSettings};
use super::uri::Uri;
use super::write::quoted;
use crate::vocabulary::{Deadlines, Dice, Moment, SeatId, limits};

/// One phone of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where to send an INVITE, as the phone wrote it.
    pub contact: Uri,
    /// Where it registered from: the way through its NAT.
    pub flow: Flow,
    /// `+sip.instance` (RFC 5626), when it has one: the same phone replaces itself.
    pub instance: Option<String>,
    call_id: String,
    number: u32,
    expires_at: Moment,
}

/// A seat gained its first phone or lost its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachability {
    /// Which seat.
    pub seat: SeatId,
    /// Whether any phone is registered.
    pub reachable: bool,
}

/// A phone is reached by a new way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose phone.
    pub seat: SeatId,
    /// `+sip.instance`, when it has one.
    pub instance: Option<String>,
    /// The way before, when it was still registered there.
    pub from: Option<Flow>,
    /// The way now.
    pub to: Flow,
}

/// The answer to a REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The answer.
    pub response: Response,
    /// It was refused because name or password were wrong: somebody may be guessing.
    pub wrong: bool,
}

/// What one Contact of a REGISTER asks for.
struct Wish {
    contact: Uri,
    instance: Option<String>,
    seconds: u32,
}

/// The bindings of every seat.
#[derive(Debug)]
pub struct Registrar {
    accounts: BTreeMap<String, Account>,
    expires: Expires,
    authenticator: Authenticator,
    bindings: BTreeMap<SeatId, Vec<Binding>>,
    /// When the first binding of each seat ends.
    deadlines: Deadlines<SeatId>,
    changes: Vec<Reachability>,
    moves: Vec<Moved>,
}

impl Registrar {
    /// A registrar with no bindings.
    #[must_use]
    pub fn new(settings: &SipSettings, dice: &mut Dice) -> Self {
        let mut registrar = Self {
            accounts: BTreeMap::new(),
            expires: settings.expires,
            authenticator: Authenticator::new(&settings.domain, &settings.digest, dice),
            bindings: BTreeMap::new(),
            deadlines: Deadlines::default(),
            changes: Vec::new(),
            moves: Vec::new(),
        };
        registrar.adopt(settings);
        registrar
    }

    /// Takes new accounts; phones of seats that are no more are forgotten.
    pub fn adopt(&mut self, settings: &SipSettings) {
        let accounts = &settings.accounts;
        self.expires = settings.expires;
        self.authenticator.adopt(&settings.digest);
        self.accounts =
            accounts.iter().map(|a| (a.credential.username.clone(), a.clone())).collect();
        let gone: Vec<SeatId> = self
            .bindings
            .keys()
            .filter(|seat| !accounts.iter().any(|a| a.seat == **seat))
            .cloned()
            .collect();
        for seat in gone {
            self.keep(&seat, |_| false);
        }
    }

    /// The phones of a seat.
    #[must_use]
    pub fn phones(&self, seat: &SeatId) -> &[Binding] {
        self.bindings.get(seat).map_or(&[], Vec::as_slice)
    }

    /// Whether a phone registered from this address.
    #[must_use]
    pub fn knows(&self, source: std::net::SocketAddr) -> bool {
        self.bindings.values().flatten().any(|b| b.flow.remote == source)
    }

    /// Whether the account that a request's credentials name has a phone at this very address.
    #[must_use]
    pub fn has_phone_at(&self, request: &Request, source: std::net::SocketAddr) -> bool {
        let account = self.authenticator.named(request).and_then(|name| self.accounts.get(&name));
        account.is_some_and(|a| self.phones(&a.seat).iter().any(|b| b.flow.remote == source))
    }

    /// Seats that gained their first phone or lost their last since the last call.
    pub fn take_changes(&mut self) -> Vec<Reachability> {
        std::mem::take(&mut self.changes)
    }

    /// Phones that registered by a new way since the last call.
    pub fn take_moves(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.moves)
    }

    /// The earliest moment that a binding ends.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// Forgets the bindings whose time is over.
    pub fn tick(&mut self, now: Moment) {
        while let Some(seat) = self.deadlines.pop_due(now) {
            self.keep(&seat, |binding| binding.expires_at > now);
        }
    }

    /// A connection is gone: the phones that registered over it cannot be reached any more until
    /// they register again (RFC 5626 §4.2.2).
    pub fn flow_lost(&mut self, flow: &Flow) {
        let on_it = |b: &Binding| b.flow == *flow;
        let seats: Vec<SeatId> = self
            .bindings
            .iter()
            .filter(|(_, phones)| phones.iter().any(on_it))
            .map(|(seat, _)| seat.clone())
            .collect();
        for seat in seats {
            self.keep(&seat, |binding| !on_it(binding));
        }
    }

    fn schedule(&mut self, seat: &SeatId) {
        match self.phones(seat).iter().map(|b| b.expires_at).min() {
            Some(at) => self.deadlines.set(seat.clone(), at),
            None => self.deadlines.clear(seat),
        }
    }

    fn keep(&mut self, seat: &SeatId, wanted: impl Fn(&Binding) -> bool) {
        let Some(phones) = self.bindings.get_mut(seat) else { return };
        phones.retain(wanted);
        if phones.is_empty() {
            self.bindings.remove(seat);
            self.changes.push(Reachability { seat: seat.clone(), reachable: false });
        }
        self.schedule(seat);
    }

    /// A challenge of this registrar's realm, for other requests that need one.
    pub fn challenge(
        &self,
        now: Moment,
        request: &Request,
        flow: &Flow,
        stale: bool,
        dice: &mut Dice,
    ) -> Response {
        let mut response = request.response(401, &dice.token());
        for value in self.authenticator.challenge(now, flow.remote.ip(), stale, dice) {
            response.headers.push(Name::WwwAuthenticate, value);
        }
        response
    }

    /// Checks the credentials of a request against the seats' accounts and `others`.
    pub fn check<'a>(
        &'a mut self,
        now: Moment,
        request: &Request,
        source: std::net::IpAddr,
        others: impl Fn(&str) -> Option<&'a Credential>,
    ) -> Verdict {
        let accounts = &self.accounts;
        let find = |name: &str| accounts.get(name).map(|a| &a.credential).or_else(|| others(name));
        self.authenticator.check(now, request, source, find)
    }

    /// The seat that an account belongs to.
    #[must_use]
    pub fn seat_of(&self, username: &str) -> Option<&SeatId> {
        self.accounts.get(username).map(|account| &account.seat)
    }

    /// Answers a REGISTER.
    pub fn register(
        &mut self,
        now: Moment,
        request: &Request,
        flow: Flow,
        dice: &mut Dice,
    ) -> Login {
        let accounts = &self.accounts;
        let find = |name: &str| accounts.get(name).map(|a| &a.credential);
        let verdict = self.authenticator.check(now, request, flow.remote.ip(), find);
        let wrong = verdict == Verdict::Wrong;
        let response = match verdict {
            Verdict::Proven(username) => self.update(now, request, flow, &username, dice),
            Verdict::Challenge { stale } => self.challenge(now, request, &flow, stale, dice),
            Verdict::Wrong => request.response(403, &dice.token()),
        };
        Login { response, wrong }
    }

    /// Answers a REGISTER whose sender has shown to be `username`.
    fn update(
        &mut self,
        now: Moment,
        request: &Request,
        flow: Flow,
        username: &str,
        dice: &mut Dice,
    ) -> Response {
        let refuse = |code: u16, dice: &mut Dice| request.response(code, &dice.token());
        let Some(account) = self.accounts.get(username) else { return refuse(403, dice) };
        // An account registers for its own seat only.
        let aor = request.headers.to().map(|to| to.uri);
        if aor.is_none_or(|uri| uri.user() != username) {
            return refuse(403, dice);
        }
        let seat = account.seat.clone();
        let (Some(call_id), Some(cseq)) = (request.headers.call_id(), request.headers.cseq())
        else {
            return refuse(400, dice);
        };
        match self.wishes(request) {
            Err(code) => {
                let response = refuse(code, dice);
                if code == 423 {
                    return response.with(Name::MinExpires, self.expires.min.to_string());
                }
                response
            }
            Ok(wishes) => {
                if self.is_out_of_order(&seat, &wishes, &call_id, cseq.number) {
                    return refuse(500, dice);
                }
                self.apply(now, &seat, wishes, flow, &call_id, cseq.number);
                self.bindings_response(now, request, &seat, dice)
            }
        }
    }

    /// What the Contacts ask for: `None` is `Contact: *`.
    fn wishes(&self, request: &Request) -> Result<Option<Vec<Wish>>, u16> {
        let header = request.headers.number(&Name::Expires);
        let values = request.headers.values(&Name::Contact);
        if values.iter().any(|v| v == "*") {
            // `*` stands alone and only with Expires: 0 (§10.3 step 6).
            return if values.len() == 1 && header == Some(0) { Ok(None) } else { Err(400) };
        }
        let mut wishes = Vec::new();
        for value in &values {
            let contact = super::values::NameAddr::read(value).ok_or(400u16)?;
            // A Contact with headers stands in brackets (RFC 3261 §20.10).
            let uri = contact.uri.as_str();
            let bare_headers = uri.contains('?') && value.trim_start().starts_with(uri);
            // It is written back to every phone of the seat: nothing may break out of its place.
            if !contact.uri.is_target() || !contact.uri.is_sound() || bare_headers {
                return Err(400);
            }
            // The Contact's own parameter wins over the header, the header over the default.
            let asked = contact.params.get("expires").map(|t| t.trim().parse::<u32>());
            let seconds = match asked {
                Some(Ok(seconds)) => seconds,
                // A malformed parameter counts as an hour, the RFC's own default (§20.19).
                Some(Err(_)) => 3600,
                None => header.unwrap_or(self.expires.default),
            };
            if seconds != 0 && seconds < self.expires.min {
                return Err(423);
            }
            wishes.push(Wish {
                instance: contact.params.get("+sip.instance").map(str::to_owned),
                contact: contact.uri,
                seconds: seconds.min(self.expires.max),
            });
        }
        if wishes.len() > limits::BINDINGS_PER_SEAT { Err(400) } else { Ok(Some(wishes)) }
    }

    /// A late or repeated request of the same registration must not undo a newer one (step 7).
    fn is_out_of_order(
        &self,
        seat: &SeatId,
        wishes: &Option<Vec<Wish>>,
        call_id: &str,
        number: u32,
    ) -> bool {
        let touches = |b: &Binding| {
            wishes
                .as_ref()
                .is_none_or(|w| w.iter().any(|w| w.contact.as_str() == b.contact.as_str()))
        };
        self.phones(seat).iter().any(|b| b.call_id == call_id && number < b.number && touches(b))
    }

    fn apply(
        &mut self,
        now: Moment,
        seat: &SeatId,
        wishes: Option<Vec<Wish>>,
        flow: Flow,
        call_id: &str,
        number: u32,
    ) {
        let Some(wishes) = wishes else { return self.keep(seat, |_| false) };
        for wish in wishes {
            let same = |b: &Binding| {
                b.contact.as_str() == wish.contact.as_str()
                    || (wish.instance.is_some() && b.instance == wish.instance)
            };
            if wish.seconds == 0 {
                self.keep(seat, |b| !same(b));
                continue;
            }
            let phones = self.bindings.entry(seat.clone()).or_default();
            let first = phones.is_empty();
            let from = phones.iter().find(|b| same(b)).map(|b| b.flow);
            if from != Some(flow) {
                let (seat, instance) = (seat.clone(), wish.instance.clone());
                self.moves.push(Moved { seat, instance, from, to: flow });
            }
            phones.retain(|b| !same(b));
            phones.push(Binding {
                instance: wish.instance.clone(),
                contact: wish.contact.clone(),
                flow,
                call_id: call_id.to_owned(),
                number,
                expires_at: now.after(Duration::from_secs(u64::from(wish.seconds))),
            });
            // A phone that lost its power comes back with a new contact: the oldest makes room.
            if phones.len() > limits::BINDINGS_PER_SEAT {
                phones.remove(0);
            }
            if first {
                self.changes.push(Reachability { seat: seat.clone(), reachable: true });
            }
            self.schedule(seat);
        }
    }

    fn bindings_response(
        &self,
        now: Moment,
        request: &Request,
        seat: &SeatId,
        dice: &mut Dice,
    ) -> Response {
        let mut response = request.response(200, &dice.token());
        for binding in self.phones(seat) {
            let seconds = binding.expires_at.since(now).as_secs();
            let mut value = format!("<{}>;expires={seconds}", binding.contact);
            if let Some(instance) = &binding.instance {
                value.push_str(&format!(";+sip.instance={}", quoted(instance)));
            }
            response.headers.push(Name::Contact, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::{Algorithm, Credential};
    use super::super::flow::Transport;
    use super::super::message::Method;
    use super::super::values::Params;
    use super::*;

    struct Phone {
        registrar: Registrar,
        dice: Dice,
        number: u32,
        now: Moment,
    }

    impl Phone {
        fn new() -> Self {
            let mut dice = Dice::from_number(7);
            let credential = Credential::from_password("seat-1", "c.example", "pw");
            let settings = SipSettings {
                listen: Vec::new(),
                domain: "c.example".into(),
                external_address: None,
                user_agent: String::new(),
                timers: Default::default(),
                digest: vec![Algorithm::Sha256, Algorithm::Md5],
                expires: Expires::default(),
                reliable_provisionals: false,
                session: Default::default(),
                accounts: vec![Account { seat: "seat-1".into(), credential }],
            };
            let registrar = Registrar::new(&settings, &mut dice);
            Self { registrar, dice, number: 0, now: Moment(5_000_000) }
        }

        fn register(&mut self, contacts: &[&str], expires: Option<&str>) -> Response {
            self.number += 1;
            self.register_numbered(contacts, expires, self.number)
        }

        fn register_numbered(
            &mut self,
            contacts: &[&str],
            expires: Option<&str>,
            number: u32,
        ) -> Response {
            let flow = Flow {
                transport: Transport::Udp,
                local: "127.0.0.1:5060".parse().unwrap(),
                remote: "127.0.0.21:5070".parse().unwrap(),
            };
            let mut request = Request::new(Method::Register, Uri::read("sip:c.example"))
                .with(Name::Via, "SIP/2.0/UDP 127.0.0.21:5070;branch=z9hG4bKr")
                .with(Name::From, "<sip:seat-1@c.example>;tag=f")
                .with(Name::To, "<sip:seat-1@c.example>")
                .with(Name::CallId, "reg-1")
                .with(Name::CSeq, format!("{number} REGISTER"));
            for contact in contacts {
                request.headers.push(Name::Contact, (*contact).to_owned());
            }
            if let Some(expires) = expires {
                request.headers.push(Name::Expires, expires.to_owned());
            }
            let challenged = self.registrar.register(self.now, &request, flow, &mut self.dice);
            assert_eq!(challenged.response.code, 401);
            let challenge = challenged.response.headers.values(&Name::WwwAuthenticate).remove(0);
            let params = Params::read_at(challenge.trim_start_matches("Digest "), b',');
            let nonce = params.get("nonce").unwrap();
            let sha = Algorithm::Sha256;
            let ha1 = sha.hash("seat-1:c.example:pw");
            let ha2 = sha.hash("REGISTER:sip:c.example");
            let answer = sha.hash(&format!("{ha1}:{nonce}:00000001:x:auth:{ha2}"));
            request.headers.push(
                Name::Authorization,
                format!(
                    "Digest username=\"seat-1\",realm=\"c.example\",nonce=\"{nonce}\",\
                     uri=\"sip:c.example\",response=\"{answer}\",algorithm=SHA-256,qop=auth,\
                     nc=00000001,cnonce=\"x\""
                ),
            );
            self.registrar.register(self.now, &request, flow, &mut self.dice).response
        }

        fn contacts(&self) -> Vec<String> {
            let phones = self.registrar.phones(&"seat-1".into());
            phones.iter().map(|b| b.contact.to_string()).collect()
        }
    }

    #[test]
    fn contacts_come_refresh_and_go() {
        let mut phone = Phone::new();
        let first = phone.register(&["<sip:a@h1>;expires=120, <sip:b@h2>"], Some("90"));
        assert_eq!(first.code, 200);
        let granted = first.headers.values(&Name::Contact);
        assert_eq!(granted, ["<sip:a@h1>;expires=120", "<sip:b@h2>;expires=90"]);
        assert_eq!(
            phone.registrar.take_changes(),
            [Reachability { seat: "seat-1".into(), reachable: true }]
        );
        // The parameter wins over the header: only `a` goes.
        phone.register(&["<sip:a@h1>;expires=0"], Some("600"));
        assert_eq!(phone.contacts(), ["sip:b@h2"]);
        phone.register(&["<sip:b@h2>"], Some("0"));
        assert!(phone.contacts().is_empty());
        assert_eq!(
            phone.registrar.take_changes(),
            [Reachability { seat: "seat-1".into(), reachable: false }]
        );
    }

    #[test]
    fn refusals_change_nothing() {
        let mut phone = Phone::new();
        phone.register(&["<sip:a@h1>"], None);
        for (contacts, expires, code) in [
            (&["<sip:a@h1>;expires=30"][..], None, 423),
            (&["*"], Some("60"), 400),
            (&["*"], None, 400),
            (&["*", "<sip:a@h1>"], Some("0"), 400),
            (&["<mailto:a@h1>"], None, 400),
            (&["sip:a@h1?Route=%3Csip:h2%3E"], None, 400),
            (&["<sip:x@h9>", "nonsense"], None, 400),
        ] {
            let response = phone.register(contacts, expires);
            assert_eq!(response.code, code, "{contacts:?}");
            assert_eq!(phone.contacts(), ["sip:a@h1"]);
            assert_eq!(response.headers.number(&Name::MinExpires).is_some(), code == 423);
        }
        assert_eq!(phone.register_numbered(&["<sip:a@h1>;expires=0"], None, 0).code, 500);
        assert_eq!(phone.contacts(), ["sip:a@h1"]);
        assert_eq!(phone.register(&["*"], Some("0")).code, 200);
        assert!(phone.contacts().is_empty());
    }

    #[test]
    fn a_binding_ends_in_time_and_an_instance_replaces_itself() {
        let mut phone = Phone::new();
        phone.register(&["<sip:a@h1>;+sip.instance=\"<urn:uuid:1>\""], None);
        phone.register(&["<sip:a@h2>;+sip.instance=\"<urn:uuid:1>\""], None);
        assert_eq!(phone.contacts(), ["sip:a@h2"]);
        let ends = phone.registrar.poll_timeout().unwrap();
        phone.registrar.tick(ends);
        assert!(phone.contacts().is_empty());
    }
}
