//! Which contacts a seat's phones are at, and until when (RFC 3261 §10.3).
//!
//! A request is taken whole or not at all: a malformed Contact changes no binding.

mod binding;

use std::collections::BTreeMap;

use super::digest::{Authenticator, Credential, Verdict};
use super::flow::Flow;
use super::message::{Request, Response};
use super::name::Name;
use super::settings::{Account, Expires, SipSettings};
use super::uri::Uri;
use crate::vocabulary::{Deadlines, Dice, Moment, SeatId, limits};

pub use binding::Binding;
use binding::{Asked, Wish};

/// A seat gained its first phone or lost its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachability {
    /// Which seat.
    pub seat: SeatId,
    /// Whether any phone is registered.
    pub reachable: bool,
    /// The last one went away without a word: its time ran out or its connection ended.
    pub lost: bool,
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
            self.keep(&seat, false, |_| false);
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
            self.keep(&seat, true, |binding| binding.expires_at > now);
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
            self.keep(&seat, true, |binding| !on_it(binding));
        }
    }

    fn schedule(&mut self, seat: &SeatId) {
        match self.phones(seat).iter().map(|b| b.expires_at).min() {
            Some(at) => self.deadlines.set(seat.clone(), at),
            None => self.deadlines.clear(seat),
        }
    }

    /// Keeps the phones that are wanted; `lost` says that the others went without a word.
    fn keep(&mut self, seat: &SeatId, lost: bool, wanted: impl Fn(&Binding) -> bool) {
        let Some(phones) = self.bindings.get_mut(seat) else { return };
        phones.retain(wanted);
        if phones.is_empty() {
            self.bindings.remove(seat);
            let seat = seat.clone();
            self.changes.push(Reachability { seat, reachable: false, lost });
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
        let asked = match Asked::of(request) {
            Ok(asked) => asked,
            Err(code) => return refuse(code, dice),
        };
        match binding::wishes(&request.headers, &self.expires, asked.outbound) {
            Err(code) => {
                let response = refuse(code, dice);
                if code == 423 {
                    return response.with(Name::MinExpires, self.expires.min.to_string());
                }
                response
            }
            Ok(wishes) => {
                if self.is_out_of_order(&seat, wishes.as_deref(), &asked) {
                    return refuse(500, dice);
                }
                self.apply(now, &seat, wishes, flow, &asked, dice);
                let address = format!("{username}@{}", self.authenticator.realm());
                self.bindings_response(now, request, (&seat, &address), &asked, dice)
            }
        }
    }

    /// A late or repeated request of the same registration must not undo a newer one (step 7).
    fn is_out_of_order(&self, seat: &SeatId, wishes: Option<&[Wish]>, asked: &Asked) -> bool {
        let touches = |b: &Binding| {
            wishes.is_none_or(|w| w.iter().any(|w| w.contact.as_str() == b.contact.as_str()))
        };
        self.phones(seat)
            .iter()
            .any(|b| b.call_id == asked.call_id && asked.number < b.number && touches(b))
    }

    fn apply(
        &mut self,
        now: Moment,
        seat: &SeatId,
        wishes: Option<Vec<Wish>>,
        flow: Flow,
        asked: &Asked,
        dice: &mut Dice,
    ) {
        let Some(wishes) = wishes else { return self.keep(seat, false, |_| false) };
        for wish in wishes {
            if wish.seconds == 0 {
                self.keep(seat, false, |b| !wish.is(b));
                continue;
            }
            let phones = self.bindings.entry(seat.clone()).or_default();
            let first = phones.is_empty();
            let before = phones.iter().find(|b| wish.is(b));
            let from = before.map(|b| b.flow);
            if from != Some(flow) {
                let (seat, instance) = (seat.clone(), wish.instance.clone());
                self.moves.push(Moved { seat, instance, from, to: flow });
            }
            let mut binding = wish.bind(now, asked, flow);
            if asked.gruu && wish.instance.is_some() {
                // A new one each time, and the last ones stay good (RFC 5627 §5.2).
                binding.temporary = before.map(|b| b.temporary.clone()).unwrap_or_default();
                binding.temporary.push(dice.token().into());
                let surplus = binding.temporary.len().saturating_sub(limits::TEMPORARY_GRUUS);
                binding.temporary.drain(..surplus);
            }
            phones.retain(|b| !wish.is(b));
            phones.push(binding);
            // A phone that lost its power comes back with a new contact: the oldest makes room.
            if phones.len() > limits::BINDINGS_PER_SEAT {
                phones.remove(0);
            }
            if first {
                let seat = seat.clone();
                self.changes.push(Reachability { seat, reachable: true, lost: false });
            }
            self.schedule(seat);
        }
    }

    fn bindings_response(
        &self,
        now: Moment,
        request: &Request,
        (seat, address): (&SeatId, &str),
        asked: &Asked,
        dice: &mut Dice,
    ) -> Response {
        let mut response = request.response(200, &dice.token());
        for binding in self.phones(seat) {
            response.headers.push(Name::Contact, binding::listed(binding, now, address));
        }
        response.headers.push(Name::Supported, "path, outbound, gruu");
        if asked.outbound {
            response.headers.push(Name::Require, "outbound");
            response.headers.push(Name::FlowTimer, limits::FLOW_TIMER.as_secs().to_string());
        }
        if request.headers.lists(&Name::Supported, "path") {
            for hop in &asked.path {
                response.headers.push(Name::Path, hop.to_string());
            }
        }
        response
    }

    /// One way to each phone of a seat, the newest: a phone that keeps several flows must not ring on
    /// all of them (RFC 5626 §5.3). `only` is one phone's instance.
    #[must_use]
    pub fn targets(&self, seat: &SeatId, only: Option<&str>) -> Vec<Binding> {
        let mut targets: Vec<Binding> = Vec::new();
        for binding in self.phones(seat).iter().rev() {
            let known = binding.instance.is_some()
                && targets.iter().any(|target| target.instance == binding.instance);
            let wanted = only.is_none() || binding.instance.as_deref() == only;
            if wanted && !known {
                targets.push(binding.clone());
            }
        }
        targets.reverse();
        targets
    }

    /// Another way to the same phone, when those that were tried have failed.
    #[must_use]
    pub fn other_way(&self, seat: &SeatId, instance: &str, tried: &[Flow]) -> Option<&Binding> {
        let same = |b: &&Binding| b.instance.as_deref() == Some(instance);
        self.phones(seat).iter().rev().filter(same).find(|b| !tried.contains(&b.flow))
    }

    /// The phone that a GRUU of ours means (RFC 5627 §6.2): its seat and instance. None for one that
    /// names nobody who is registered.
    #[must_use]
    pub fn phone_of_gruu(&self, uri: &Uri) -> Option<(SeatId, String)> {
        let all =
            || self.bindings.iter().flat_map(|(seat, all)| all.iter().map(move |b| (seat, b)));
        let found = match uri.params().get("gr").filter(|gr| !gr.is_empty()) {
            Some(gr) => {
                let seat = self.seat_of(uri.user())?;
                all().find(|(s, b)| {
                    *s == seat && b.instance.as_deref().map(binding::urn) == Some(gr)
                })
            }
            None => {
                let token = uri.user().strip_prefix(binding::TEMPORARY)?;
                all().find(|(_, b)| b.temporary.iter().any(|own| **own == *token))
            }
        };
        let (seat, binding) = found?;
        Some((seat.clone(), binding.instance.clone()?))
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
            [Reachability { seat: "seat-1".into(), reachable: true, lost: false }]
        );
        // The parameter wins over the header: only `a` goes.
        phone.register(&["<sip:a@h1>;expires=0"], Some("600"));
        assert_eq!(phone.contacts(), ["sip:b@h2"]);
        phone.register(&["<sip:b@h2>"], Some("0"));
        assert!(phone.contacts().is_empty());
        assert_eq!(
            phone.registrar.take_changes(),
            [Reachability { seat: "seat-1".into(), reachable: false, lost: false }]
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
