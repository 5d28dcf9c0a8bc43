//! A carrier's switch or an operator's phone: our own transaction and dialog layer with a script on
//! top that does what a person may do, at any moment.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use siaga112::sip::dialog::DialogKey;
use siaga112::sip::digest::{OutgoingAccount, authorize};
use siaga112::sip::{
    ClientId, Dialog, Endpoint, Event, Flow, Method, Name, Request, Response, ServerId, Transport,
    Uri, body,
};
use siaga112::vocabulary::{Dice, Moment, Secret};

use super::wire::Arrival;

/// 64·T1 and some to spare: what is over by then is forgotten.
const LINGERS: Duration = Duration::from_secs(40);

/// What a person or a timer does with a leg.
#[derive(Clone, Debug)]
enum Act {
    Ring,
    Answer,
    Refuse(u16),
    /// By whatever the moment asks for: CANCEL, BYE, or a BYE that waits for the answer.
    HangUp,
    Hold,
    Resume,
    Update,
    Options,
    Refer,
    Forget,
    Register,
}

/// What a request of ours was for.
#[derive(Clone, Debug)]
enum Purpose {
    Invite(u32),
    Change(u32),
    Bye(u32),
    Other(u32),
    Register,
}

#[derive(Debug, Default)]
struct Leg {
    dialog: Option<Dialog>,
    /// Before the answer: its requests are counted on.
    early: Option<Dialog>,
    tag: String,
    /// The INVITE that we sent, until its final response.
    client: Option<ClientId>,
    /// The INVITE that we got, until our final response.
    server: Option<(ServerId, Request)>,
    /// Our 2xx waits for its ACK.
    unacked: bool,
    /// A change of ours waits for its answer.
    changing: bool,
    last_reliable: u32,
    /// We want to be rid of it.
    leaving: bool,
    over: bool,
    /// The machine that this call was on is gone: nothing is said any more.
    dead: bool,
}

/// A host with one address.
pub struct Agent {
    pub address: SocketAddr,
    pub endpoint: Endpoint,
    transport: Transport,
    /// The seat whose phone it is, and where it registers; none for a carrier.
    seat: Option<(String, SocketAddr)>,
    /// The cause of everything that is done.
    dice: Dice,
    legs: BTreeMap<u32, Leg>,
    dialogs: HashMap<DialogKey, u32>,
    clients: HashMap<ClientId, Purpose>,
    servers: HashMap<ServerId, u32>,
    todo: BTreeMap<(Moment, u64), (u32, Act)>,
    count: u32,
    next_act: u64,
    /// Everybody behaves: answers soon, and hangs up after a short talk.
    pub gentle: bool,
    /// Calls that were answered at this side.
    pub answered: u64,
    pub calls: u64,
}

impl Agent {
    pub fn new(
        address: &str,
        transport: Transport,
        seat: Option<(String, SocketAddr)>,
        dice: Dice,
    ) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        Self {
            address,
            endpoint: Endpoint::new(Default::default(), "agent", None, address.ip()),
            transport,
            seat,
            dice,
            legs: BTreeMap::new(),
            dialogs: HashMap::new(),
            clients: HashMap::new(),
            servers: HashMap::new(),
            todo: BTreeMap::new(),
            count: 0,
            next_act: 0,
            gentle: false,
            answered: 0,
            calls: 0,
        }
    }

    /// When something is due.
    pub fn next(&self) -> Option<Moment> {
        let act = self.todo.first_key_value().map(|((at, _), _)| *at);
        [act, self.endpoint.poll_timeout()].into_iter().flatten().min()
    }

    pub fn tick(&mut self, now: Moment) {
        self.endpoint.tick(now);
        self.events(now);
        while let Some(first) = self.todo.first_entry() {
            if first.key().0 > now {
                break;
            }
            let (leg, act) = first.remove();
            self.act(now, leg, &act);
        }
    }

    pub fn hear(&mut self, now: Moment, arrival: Arrival) {
        match arrival {
            Arrival::Bytes(flow, bytes) => self.endpoint.receive(now, flow, &bytes),
            Arrival::Closed(flow) => {
                self.endpoint.flow_lost(now, &flow);
                for leg in self.legs.values_mut() {
                    leg.dialog.iter_mut().for_each(|dialog| dialog.flow_lost(&flow));
                }
                if self.seat.is_some() {
                    self.later(now, 1000, 0, Act::Register);
                }
            }
        }
        self.events(now);
    }

    /// What is not over, in words.
    pub fn leftovers(&self) -> String {
        format!("{:?}; {:?}; {:?}; {:?}", self.legs, self.clients, self.servers, self.todo)
    }

    pub fn live(&self) -> usize {
        self.legs.len() + self.dialogs.len() + self.clients.len() + self.servers.len()
    }

    fn pick(&mut self, n: u64) -> u64 {
        self.dice.number() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.pick(n) == 0
    }

    fn later(&mut self, now: Moment, millis: u64, leg: u32, act: Act) {
        // A phone has one next login.
        if matches!(act, Act::Register) {
            self.todo.retain(|_, (_, act)| !matches!(act, Act::Register));
        }
        self.next_act += 1;
        self.todo.insert((now.after(Duration::from_millis(millis)), self.next_act), (leg, act));
    }

    /// Within so many seconds.
    fn soon(&mut self, now: Moment, seconds: u64, leg: u32, act: Act) {
        let millis = self.pick(seconds * 1000);
        self.later(now, millis, leg, act);
    }

    fn flow(&self, remote: SocketAddr) -> Flow {
        Flow { transport: self.transport, local: self.address, remote }
    }

    fn contact(&self) -> String {
        let user = self.seat.as_ref().map_or("carrier", |(seat, _)| seat.as_str());
        format!("<sip:{user}@{}{}>", self.address, self.transport.parameter())
    }

    fn sdp(&mut self, direction: &str) -> Vec<u8> {
        let (ip, version) = (self.address.ip(), self.pick(1 << 30));
        format!(
            "v=0\r\no=a 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio 17004 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
        )
        .into_bytes()
    }

    // ---- begin -------------------------------------------------------------------------------

    /// The phone logs in, and does so again before its registration ends.
    pub fn register(&mut self, now: Moment) {
        self.later(now, 1, 0, Act::Register);
    }

    /// A caller dials; what becomes of it is the script's.
    pub fn call(&mut self, now: Moment, centre: SocketAddr, uri: &str) {
        self.calls += 1;
        self.count += 1;
        let (number, tag) = (self.count, self.dice.token());
        let ip = self.address.ip();
        let mut invite = Request::new(Method::Invite, Uri::read(uri))
            .with(Name::From, format!("<sip:0812345{number:05}@{ip}>;tag={tag}"))
            .with(Name::To, format!("<{uri}>"))
            .with(Name::CallId, format!("{number}-{tag}@{ip}"))
            .with(Name::CSeq, "1 INVITE")
            .with(Name::Contact, self.contact())
            .with(Name::Allow, "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, OPTIONS");
        if !self.gentle {
            invite = match self.pick(4) {
                0 => invite.with(Name::Require, "100rel"),
                1 => invite.with(Name::Supported, "100rel, timer"),
                2 => invite
                    .with(Name::Supported, "timer")
                    .with(Name::SessionExpires, "40;refresher=uas"),
                _ => invite,
            };
        }
        let late_offer = !self.gentle && self.one_in(6);
        if !late_offer {
            invite = invite.with(Name::ContentType, "application/sdp");
            invite.body = self.sdp("sendrecv").into();
        }
        let client = self.endpoint.send(now, self.flow(centre), invite, &mut self.dice);
        self.clients.insert(client, Purpose::Invite(number));
        self.legs.insert(number, Leg { tag, client: Some(client), ..Leg::default() });
        if self.gentle {
            return;
        }
        // Most have patience; some leave before anything can have come back.
        match self.pick(8) {
            0 => self.soon(now, 1, number, Act::HangUp),
            1 => self.soon(now, 10, number, Act::HangUp),
            2 => self.soon(now, 4, number, Act::HangUp),
            _ => self.soon(now, 120, number, Act::HangUp),
        }
        self.mischief(now, number);
    }

    /// What may be done with a call while it lasts.
    fn mischief(&mut self, now: Moment, leg: u32) {
        if self.gentle {
            return;
        }
        for act in [Act::Hold, Act::Resume, Act::Update, Act::Options] {
            if self.one_in(3) {
                self.soon(now, 40, leg, act);
            }
        }
        if self.seat.is_some() && self.one_in(4) {
            self.soon(now, 20, leg, Act::Refer);
        }
        if self.one_in(15) {
            let dead = self.legs.get_mut(&leg);
            dead.into_iter().for_each(|leg| leg.dead = true);
        }
    }

    // ---- what is done ------------------------------------------------------------------------

    fn act(&mut self, now: Moment, number: u32, act: &Act) {
        if matches!(act, Act::Register) {
            return self.log_in(now);
        }
        let Some(leg) = self.legs.get(&number) else { return };
        let (early, free) = (leg.server.is_some(), leg.dialog.is_some() && !leg.over && !leg.dead);
        match act {
            Act::Ring if early => self.answer(now, number, 180),
            Act::Answer if early => self.answer(now, number, 200),
            Act::Refuse(code) if early => self.answer(now, number, *code),
            Act::HangUp => self.leave(now, number),
            Act::Hold if free => self.change(now, number, Method::Invite, "sendonly"),
            Act::Resume if free => self.change(now, number, Method::Invite, "sendrecv"),
            Act::Update if free => self.change(now, number, Method::Update, "sendrecv"),
            Act::Options if free => self.within(now, number, Method::Options),
            Act::Refer if free => self.within(now, number, Method::Refer),
            Act::Forget => self.forget(number),
            _ => {}
        }
    }

    fn leave(&mut self, now: Moment, number: u32) {
        let Some(leg) = self.legs.get_mut(&number).filter(|leg| !leg.over) else { return };
        leg.leaving = true;
        if let Some((server, request)) = leg.server.take() {
            let response = request.response(480, &leg.tag);
            self.endpoint.respond(now, server, response);
            return self.is_over(now, number);
        }
        // A UAS that has no ACK yet waits for it (RFC 3261 §15).
        if leg.unacked {
            return;
        }
        if leg.dialog.is_some() {
            return self.bye(now, number);
        }
        if let Some(client) = leg.client {
            self.endpoint.cancel(now, client, "");
        }
    }

    fn bye(&mut self, now: Moment, number: u32) {
        let Some(leg) = self.legs.get_mut(&number) else { return };
        if leg.dead {
            return self.is_over(now, number);
        }
        let Some(dialog) = leg.dialog.as_mut() else { return };
        let (bye, flow) = (dialog.request(&Method::Bye), dialog.next_hop());
        let client = self.endpoint.send(now, flow, bye, &mut self.dice);
        self.clients.insert(client, Purpose::Bye(number));
        self.is_over(now, number);
    }

    fn is_over(&mut self, now: Moment, number: u32) {
        if let Some(leg) = self.legs.get_mut(&number)
            && !std::mem::replace(&mut leg.over, true)
        {
            self.later(now, LINGERS.as_millis() as u64, number, Act::Forget);
        }
    }

    fn forget(&mut self, number: u32) {
        self.legs.remove(&number);
        self.dialogs.retain(|_, leg| *leg != number);
        self.servers.retain(|_, leg| *leg != number);
    }

    fn change(&mut self, now: Moment, number: u32, method: Method, direction: &str) {
        let sdp = self.sdp(direction);
        let contact = self.contact();
        let Some(leg) = self.legs.get_mut(&number) else { return };
        if leg.changing || leg.unacked {
            return;
        }
        let Some(dialog) = leg.dialog.as_mut() else { return };
        leg.changing = true;
        let mut request = dialog
            .request(&method)
            .with(Name::Contact, contact)
            .with(Name::ContentType, "application/sdp");
        request.body = sdp.into();
        let flow = dialog.next_hop();
        let client = self.endpoint.send(now, flow, request, &mut self.dice);
        self.clients.insert(client, Purpose::Change(number));
    }

    fn within(&mut self, now: Moment, number: u32, method: Method) {
        let contact = self.contact();
        let to = match self.pick(4) {
            0 => "<tel:+62811000112>",
            1 => "<sip:seat-1@112.example>",
            2 => "<sip:seat-2@112.example>",
            _ => "<sip:nobody@112.example>",
        };
        let Some(leg) = self.legs.get_mut(&number) else { return };
        let Some(dialog) = leg.dialog.as_mut() else { return };
        let mut request = dialog.request(&method).with(Name::Contact, contact);
        if method == Method::Refer {
            request = request.with(Name::ReferTo, to);
        }
        let flow = dialog.next_hop();
        let client = self.endpoint.send(now, flow, request, &mut self.dice);
        self.clients.insert(client, Purpose::Other(number));
    }

    fn log_in(&mut self, now: Moment) {
        let Some((seat, centre)) = self.seat.clone() else { return };
        self.count += 1;
        let tag = self.dice.token();
        let register = Request::new(Method::Register, Uri::read("sip:112.example"))
            .with(Name::From, format!("<sip:{seat}@112.example>;tag={tag}"))
            .with(Name::To, format!("<sip:{seat}@112.example>"))
            .with(Name::CallId, format!("register-{}", self.address))
            .with(Name::CSeq, format!("{} REGISTER", self.count * 10))
            .with(Name::Contact, format!("{};expires=120", self.contact()));
        self.ask(now, centre, register);
    }

    fn ask(&mut self, now: Moment, centre: SocketAddr, register: Request) {
        let client = self.endpoint.send(now, self.flow(centre), register, &mut self.dice);
        self.clients.insert(client, Purpose::Register);
    }

    /// The final or provisional response to the INVITE that began a leg.
    fn answer(&mut self, now: Moment, number: u32, code: u16) {
        let contact = self.contact();
        let sdp = self.sdp("sendrecv");
        let Some(leg) = self.legs.get_mut(&number) else { return };
        let Some((server, request)) = leg.server.clone() else { return };
        let mut response = request.response(code, &leg.tag).with(Name::Contact, contact);
        if code == 200 {
            response = response.with_body("application/sdp", sdp);
            leg.server = None;
            leg.unacked = true;
            leg.early = None;
            self.answered += 1;
            self.mischief(now, number);
            let talk = if self.gentle { 5 } else { 60 };
            self.soon(now, talk, number, Act::HangUp);
        } else if code >= 300 {
            leg.server = None;
            self.is_over(now, number);
        }
        self.endpoint.respond(now, server, response);
    }

    // ---- what is heard -----------------------------------------------------------------------

    fn events(&mut self, now: Moment) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request { server, flow, request, .. } => {
                    self.request(now, server, flow, &request);
                }
                Event::Cancelled { server, .. } => {
                    if let Some(number) = self.servers.get(&server).copied() {
                        self.answer(now, number, 487);
                    }
                }
                Event::Acked { server, .. } => {
                    let Some(number) = self.servers.remove(&server) else { continue };
                    let Some(leg) = self.legs.get_mut(&number) else { continue };
                    leg.unacked = false;
                    if leg.leaving && !leg.over {
                        self.bye(now, number);
                    }
                }
                Event::Unacked { server } => {
                    let Some(number) = self.servers.remove(&server) else { continue };
                    let Some(leg) = self.legs.get_mut(&number) else { continue };
                    leg.unacked = false;
                    if !leg.over {
                        self.bye(now, number);
                    }
                }
                Event::Response { client, flow, response, request } => {
                    self.response(now, client, flow, &response, &request);
                }
                Event::Timeout { client, .. } => self.timeout(now, client),
                Event::Over { client } => {
                    self.clients.remove(&client);
                }
                Event::Unreadable { request, .. } => panic!("unreadable: {request:?}"),
                Event::Junk { why, .. } => panic!("no SIP: {why:?}"),
                Event::Stun { .. } => panic!("a binding request"),
            }
        }
    }

    fn request(&mut self, now: Moment, server: ServerId, flow: Flow, request: &Request) {
        let to = request.headers.to();
        let Some(tag) = to.as_ref().and_then(|to| to.tag()) else {
            return match request.method {
                Method::Invite => self.invited(now, server, flow, request),
                Method::Options => self.say(now, server, request, 200),
                _ => self.say(now, server, request, 481),
            };
        };
        let call_id = request.headers.call_id().unwrap_or_default().into();
        let key = DialogKey { call_id, local_tag: tag.into() };
        let number = self.dialogs.get(&key).copied();
        let Some((number, leg)) = number.and_then(|n| Some((n, self.legs.get_mut(&n)?))) else {
            return self.say(now, server, request, 481);
        };
        if leg.dead && !leg.over {
            return self.endpoint.forget(server);
        }
        if leg.over {
            let code = if request.method == Method::Bye { 200 } else { 481 };
            return self.say(now, server, request, code);
        }
        let dialog = leg.dialog.as_mut().or(leg.early.as_mut());
        if dialog.is_some_and(|dialog| dialog.accept(request, flow).is_err()) {
            return self.say(now, server, request, 500);
        }
        let busy = leg.changing || leg.unacked;
        match request.method {
            Method::Bye => {
                if let Some((invite, asked)) = leg.server.take() {
                    let response = asked.response(487, &leg.tag);
                    self.endpoint.respond(now, invite, response);
                }
                self.say(now, server, request, 200);
                self.is_over(now, number);
            }
            Method::Invite | Method::Update if busy => self.say(now, server, request, 491),
            Method::Invite | Method::Update if self.one_in(12) => {
                self.say(now, server, request, 500);
            }
            Method::Invite | Method::Update => self.changed(now, number, server, request),
            Method::Refer => self.say(now, server, request, 603),
            _ => self.say(now, server, request, 200),
        }
    }

    fn say(&mut self, now: Moment, server: ServerId, request: &Request, code: u16) {
        let contact = self.contact();
        let response = request.response(code, "stranger").with(Name::Contact, contact);
        self.endpoint.respond(now, server, response);
    }

    fn changed(&mut self, now: Moment, number: u32, server: ServerId, request: &Request) {
        let contact = self.contact();
        let mut response = request.response(200, "").with(Name::Contact, contact);
        let offer = body::sdp(&request.headers, &request.body);
        let invite = request.method == Method::Invite;
        if invite || offer.is_some() {
            let offer = String::from_utf8_lossy(&request.body).into_owned();
            let direction = match &offer {
                text if text.contains("a=sendonly") => "recvonly",
                text if text.contains("a=inactive") => "inactive",
                _ => "sendrecv",
            };
            response = response.with_body("application/sdp", self.sdp(direction));
        }
        if let Some(timer) = request.headers.text(&Name::SessionExpires) {
            response = response.with(Name::SessionExpires, timer.into_owned());
        }
        if invite {
            self.servers.insert(server, number);
            let leg = self.legs.get_mut(&number);
            leg.into_iter().for_each(|leg| leg.unacked = true);
        }
        self.endpoint.respond(now, server, response);
    }

    /// A new call for us.
    fn invited(&mut self, now: Moment, server: ServerId, flow: Flow, request: &Request) {
        self.count += 1;
        let (number, tag) = (self.count, self.dice.token());
        let dialog = Dialog::received(request, &tag, flow).expect("a sound INVITE");
        self.endpoint.name_tag(server, &tag);
        self.dialogs.insert(dialog.key().clone(), number);
        self.servers.insert(server, number);
        let invite = Some((server, request.clone()));
        let leg = Leg { dialog: Some(dialog), tag, server: invite, ..Leg::default() };
        self.legs.insert(number, leg);
        if self.gentle {
            self.later(now, 100, number, Act::Ring);
            return self.soon(now, 2, number, Act::Answer);
        }
        match self.pick(10) {
            // Nobody is there, and the phone says nothing but 100 or not even that.
            0 => {
                if self.one_in(2) {
                    self.endpoint.trying(now, server);
                }
                return self.soon(now, 90, number, Act::Refuse(480));
            }
            1 => return self.soon(now, 3, number, Act::Refuse(486)),
            2 => self.soon(now, 15, number, Act::Refuse(603)),
            3 => return self.soon(now, 3, number, Act::Answer),
            // Rings until somebody takes it back.
            4 => {
                self.soon(now, 1, number, Act::Ring);
                return self.later(now, 180_000, number, Act::Refuse(480));
            }
            _ => {}
        }
        self.soon(now, 1, number, Act::Ring);
        self.soon(now, 12, number, Act::Answer);
        self.later(now, 180_000, number, Act::Refuse(480));
    }

    fn response(
        &mut self,
        now: Moment,
        client: ClientId,
        flow: Flow,
        response: &Response,
        request: &Request,
    ) {
        let Some(purpose) = self.clients.get(&client).cloned() else { return };
        if response.is_provisional() {
            if let Purpose::Invite(number) = purpose {
                self.progress(now, number, flow, response, request);
            }
            return;
        }
        if !(response.is_success() && request.method == Method::Invite) {
            self.clients.remove(&client);
        }
        match purpose {
            Purpose::Invite(number) if response.is_success() => {
                self.taken(now, number, client, flow, response, request);
            }
            Purpose::Invite(number) => {
                if let Some(leg) = self.legs.get_mut(&number) {
                    leg.client = None;
                }
                self.is_over(now, number);
            }
            Purpose::Change(number) => self.change_answered(now, number, client, response, request),
            Purpose::Register => self.login_answered(now, response, request),
            Purpose::Other(number) if response.code == 481 => self.is_over(now, number),
            Purpose::Bye(_) | Purpose::Other(_) => {}
        }
    }

    fn progress(
        &mut self,
        now: Moment,
        number: u32,
        flow: Flow,
        response: &Response,
        request: &Request,
    ) {
        let Some(leg) = self.legs.get_mut(&number).filter(|leg| !leg.dead) else { return };
        let Some(rseq) = response.headers.number(&Name::RSeq) else { return };
        if leg.early.is_none() {
            leg.early = Dialog::sent(request, response, flow);
        }
        let Some(early) = leg.early.as_mut().filter(|_| rseq > leg.last_reliable) else { return };
        leg.last_reliable = rseq;
        let prack = early.request(&Method::Prack).with(Name::RAck, format!("{rseq} 1 INVITE"));
        let flow = early.next_hop();
        let client = self.endpoint.send(now, flow, prack, &mut self.dice);
        self.clients.insert(client, Purpose::Other(number));
    }

    /// Our call is answered.
    fn taken(
        &mut self,
        now: Moment,
        number: u32,
        client: ClientId,
        flow: Flow,
        response: &Response,
        request: &Request,
    ) {
        let sdp = self.sdp("sendrecv");
        let Some(leg) = self.legs.get_mut(&number) else { return };
        if leg.dead {
            return self.is_over(now, number);
        }
        if leg.dialog.is_some() {
            return;
        }
        let Some(mut dialog) = Dialog::sent(request, response, flow) else {
            panic!("an answer without a tag: {response:?}");
        };
        leg.early.iter().for_each(|early| dialog.number_after(early));
        let mut ack = dialog.ack(1);
        if request.body.is_empty() {
            ack = ack.with(Name::ContentType, "application/sdp");
            ack.body = sdp.into();
        }
        let tag = dialog.remote_tag().to_owned();
        self.endpoint.send_ack(client, dialog.next_hop(), ack, &tag, &mut self.dice);
        self.dialogs.insert(dialog.key().clone(), number);
        leg.dialog = Some(dialog);
        leg.client = None;
        let leaving = leg.leaving || leg.over;
        self.answered += 1;
        if leaving {
            self.bye(now, number);
        } else if self.gentle {
            self.soon(now, 10, number, Act::HangUp);
        }
    }

    fn change_answered(
        &mut self,
        now: Moment,
        number: u32,
        client: ClientId,
        response: &Response,
        request: &Request,
    ) {
        let Some(leg) = self.legs.get_mut(&number) else { return };
        leg.changing = false;
        if response.is_success() && request.method == Method::Invite {
            let Some(dialog) = leg.dialog.as_ref() else { return };
            let ack = dialog.ack(request.headers.cseq().map_or(1, |cseq| cseq.number));
            let tag = dialog.remote_tag().to_owned();
            self.endpoint.send_ack(client, dialog.next_hop(), ack, &tag, &mut self.dice);
        }
        if matches!(response.code, 408 | 481) && !leg.over {
            self.bye(now, number);
        }
    }

    fn login_answered(&mut self, now: Moment, response: &Response, request: &Request) {
        if response.is_success() {
            return self.later(now, 100_000, 0, Act::Register);
        }
        let Some((seat, centre)) = self.seat.clone() else { return };
        let account = OutgoingAccount { username: seat, password: Secret::new("pw".into()) };
        let mut again = request.clone();
        match authorize(&mut again, response, &account, &mut self.dice) {
            Ok(()) => self.ask(now, centre, again),
            Err(_) => self.later(now, 5_000, 0, Act::Register),
        }
    }

    fn timeout(&mut self, now: Moment, client: ClientId) {
        match self.clients.remove(&client) {
            Some(Purpose::Register) => self.later(now, 2_000, 0, Act::Register),
            Some(Purpose::Invite(number)) => {
                if let Some(leg) = self.legs.get_mut(&number) {
                    leg.client = None;
                }
                self.is_over(now, number);
            }
            Some(Purpose::Change(number)) => {
                let leg = self.legs.get_mut(&number);
                if leg.is_some_and(|leg| !leg.over) {
                    self.bye(now, number);
                }
            }
            Some(Purpose::Bye(_) | Purpose::Other(_)) | None => {}
        }
    }

    /// The load is over: no seat logs in again, and what still talks comes to its end.
    pub fn close(&mut self, now: Moment) {
        self.seat = None;
        let numbers: Vec<u32> = self.legs.keys().copied().collect();
        for number in numbers {
            self.leave(now, number);
        }
    }
}
