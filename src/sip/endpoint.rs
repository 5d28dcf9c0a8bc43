//! The machine of the room: datagrams and deadlines in, events and datagrams out.
//!
//! Owns every transaction. Retransmissions end here and nobody above hears of them.

mod connections;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use connections::{TcpPeers, sent_by};

use super::event::{ClientId, Event, Send, ServerId};
use super::flow::Flow;
use super::message::{Message, Method, Request, Response};
use super::name::Name;
use super::parse::{self, NotSip, Oddity};
use super::settings::Timers;
use super::stun;
use super::transaction::client::{self, Cancel, Client};
use super::transaction::matching::{MAGIC_COOKIE, MergeKey, ServerKey};
use super::transaction::server::{self, AckKey, Server};
use super::values::{split_list, stamp_via};
use crate::vocabulary::{Deadlines, Dice, Moment, limits};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Server(ServerId),
    Client(ClientId),
}

/// Every transaction of this node.
#[derive(Debug)]
pub struct Endpoint {
    timers: Timers,
    agent: Bytes,
    external: Option<IpAddr>,
    reachable: IpAddr,
    next_id: u64,
    servers: HashMap<ServerId, Server>,
    server_keys: HashMap<ServerKey, ServerId>,
    acks: HashMap<AckKey, ServerId>,
    merges: HashMap<MergeKey, ServerId>,
    clients: HashMap<ClientId, Client>,
    client_keys: HashMap<(Box<str>, Method), ClientId>,
    deadlines: Deadlines<Timer>,
    /// Transactions of each connection, to be told when it is gone.
    on_connection: HashMap<Flow, BTreeSet<Timer>>,
    tcp: TcpPeers,
    events: VecDeque<Event>,
    sends: VecDeque<Send>,
}

impl Endpoint {
    /// An endpoint with no transactions. `external` is written into Via and Contact instead of a
    /// socket's own address (NAT); `reachable` where a socket is bound to all addresses.
    #[must_use]
    pub fn new(timers: Timers, agent: &str, external: Option<IpAddr>, reachable: IpAddr) -> Self {
        Self {
            timers,
            agent: Bytes::copy_from_slice(agent.as_bytes()),
            external,
            reachable,
            next_id: 0,
            servers: HashMap::new(),
            server_keys: HashMap::new(),
            acks: HashMap::new(),
            merges: HashMap::new(),
            clients: HashMap::new(),
            client_keys: HashMap::new(),
            deadlines: Deadlines::default(),
            on_connection: HashMap::new(),
            tcp: TcpPeers::default(),
            events: VecDeque::new(),
            sends: VecDeque::new(),
        }
    }

    /// The next event, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next datagram to send, in order.
    pub fn poll_send(&mut self) -> Option<Send> {
        self.sends.pop_front()
    }

    /// The earliest deadline, if anything lives.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// How many transactions live.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.servers.len() + self.clients.len()
    }

    /// Host and port that we call ourselves on a flow, for Via and Contact.
    #[must_use]
    pub fn own_address(&self, flow: &Flow) -> String {
        let local = flow.local.ip();
        let own = if local.is_unspecified() { self.reachable } else { local };
        // An address of the other family is none that this far end could use.
        let external = self.external.filter(|ip| ip.is_ipv4() == local.is_ipv4());
        SocketAddr::new(external.unwrap_or(own), flow.local.port()).to_string()
    }

    /// The request of an INVITE transaction that has no final response yet.
    #[must_use]
    pub fn request(&self, server: ServerId) -> Option<&Request> {
        self.servers.get(&server)?.request.as_ref()
    }

    /// Whether the peer has said anything to a request of ours.
    #[must_use]
    pub fn is_heard(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_none_or(|client| client.state != client::State::Calling)
    }

    // ---- bytes in ----------------------------------------------------------------------------

    /// Takes one datagram.
    pub fn receive(&mut self, now: Moment, flow: Flow, datagram: &Bytes) {
        if !flow.transport.is_reliable()
            && let Some(binding) = stun::read(datagram)
        {
            return self.events.push_back(Event::Stun { flow, binding });
        }
        let parsed = parse::parse(datagram);
        if parsed.is_ok() {
            self.tcp.heard(&flow);
        }
        match parsed {
            Err(why) => {
                let bytes = datagram.clone();
                self.events.push_back(Event::Junk { flow, why, bytes });
            }
            Ok(read) => match read.message {
                Message::Request(request) => {
                    self.receive_request(now, flow, request, &read.oddities);
                }
                Message::Response(response) => self.receive_response(now, flow, response),
            },
        }
    }

    fn receive_request(
        &mut self,
        now: Moment,
        flow: Flow,
        mut request: Request,
        oddities: &[Oddity],
    ) {
        let Some(reply) = stamp_top_via(&mut request, flow) else {
            self.events.push_back(Event::Junk {
                flow,
                why: NotSip::NoStartLine,
                bytes: request.raw,
            });
            return;
        };
        let flow = flow.towards(reply);
        if let Some(code) = unreadable(&request, oddities) {
            if request.method != Method::Ack {
                self.events.push_back(Event::Unreadable { flow, request, code });
            }
            return;
        }
        let Some(key) = ServerKey::of(&request) else { return };
        if request.method == Method::Ack {
            return self.receive_ack(now, &key, request);
        }
        if let Some(&id) = self.server_keys.get(&key) {
            return self.repeat(id);
        }
        if request.method == Method::Cancel {
            return self.receive_cancel(now, flow, key, request);
        }
        if self.servers.len() >= limits::TRANSACTIONS
            && !matches!(request.method, Method::Invite | Method::Bye)
        {
            return;
        }
        let merged = self.is_merged(&request);
        let server = self.open_server(now, flow, key, &request);
        if merged {
            let tag = format!("m{:x}", server.0);
            return self.respond(now, server, request.response(482, &tag));
        }
        let oddities = oddities.to_vec();
        self.events.push_back(Event::Request { server, flow, request, oddities });
    }

    /// Whether another copy of this request is being handled, or was taken (RFC 3261 §8.2.2.2).
    /// One that was refused does not count: its caller may try again by another way.
    fn is_merged(&self, request: &Request) -> bool {
        let first = MergeKey::of(request).and_then(|key| self.merges.get(&key));
        first.and_then(|id| self.servers.get(id)).is_some_and(|first| {
            matches!(first.state, server::State::Proceeding | server::State::Accepted { .. })
        })
    }

    fn open_server(
        &mut self,
        now: Moment,
        flow: Flow,
        key: ServerKey,
        request: &Request,
    ) -> ServerId {
        let id = ServerId(self.id());
        let invite = request.method == Method::Invite;
        self.server_keys.insert(key.clone(), id);
        // A plain request that nobody answers must not live for ever; an INVITE may wait.
        let ends_at = if invite { Moment::NEVER } else { now.after(self.timers.t1 * 64) };
        let server = Server {
            key,
            invite,
            flow,
            elsewhere: sent_by(request, &flow),
            request: Some(request.clone()),
            tag: format!("u{:x}", id.0).into(),
            last: Bytes::new(),
            state: server::State::Proceeding,
            interval: self.timers.t1,
            resend_at: Moment::NEVER,
            ends_at,
            ack: None,
            merge: MergeKey::of(request).filter(|_| !self.is_merged(request)),
        };
        if let Some(key) = &server.merge {
            self.merges.insert(key.clone(), id);
        }
        self.schedule(Timer::Server(id), server.deadline());
        self.ride(flow, Timer::Server(id));
        self.servers.insert(id, server);
        id
    }

    fn receive_ack(&mut self, now: Moment, key: &ServerKey, ack: Request) {
        let by_branch = self.server_keys.get(key).copied();
        let by_dialog = || self.acks.get(&AckKey::of(&ack.headers)?).copied();
        let Some(id) = by_branch.or_else(by_dialog) else { return };
        let Some(server) = self.servers.get_mut(&id) else { return };
        let accepted = matches!(server.state, server::State::Accepted { .. });
        if server.acked(now, &self.timers) {
            let deadline = server.deadline();
            self.schedule(Timer::Server(id), deadline);
            if accepted {
                self.events.push_back(Event::Acked { server: id, ack });
            }
        }
    }

    fn receive_cancel(&mut self, now: Moment, flow: Flow, key: ServerKey, cancel: Request) {
        let invite = ServerKey::of_cancelled(&cancel)
            .and_then(|key| self.server_keys.get(&key).copied())
            .filter(|id| self.servers.get(id).is_some_and(|s| s.invite));
        let server = self.open_server(now, flow, key, &cancel);
        let Some((id, invite)) = invite.and_then(|id| Some((id, self.servers.get(&id)?))) else {
            let request = cancel;
            return self.events.push_back(Event::Request {
                server,
                flow,
                request,
                oddities: Vec::new(),
            });
        };
        // The tag of the INVITE's own responses (RFC 3261 §9.2): some switches take it for the
        // dialog's.
        let (tag, waits) = (invite.tag.clone(), invite.state == server::State::Proceeding);
        self.respond(now, server, cancel.response(200, &tag));
        // A CANCEL after the final response changes nothing (RFC 3261 §9.2).
        if waits {
            self.events.push_back(Event::Cancelled { server: id, cancel });
        }
    }

    fn receive_response(&mut self, now: Moment, flow: Flow, response: Response) {
        let Some(via) = response.headers.via() else { return };
        let Some(cseq) = response.headers.cseq() else { return };
        let key = (via.branch().into(), cseq.method);
        let Some(&id) = self.client_keys.get(&key) else { return };
        let Some(client) = self.clients.get_mut(&id) else { return };
        // What comes within the dialog goes the usual way again.
        let flow = client.fallback.unwrap_or(flow);
        let before = client.state;
        client.heard(now, response.code, &self.timers);
        let deadline = client.deadline();
        let first = matches!(before, client::State::Calling | client::State::Proceeding);
        let success_again = before == client::State::Accepted && response.is_success();
        if client.is_invite() && response.code >= 300 {
            if first {
                let ack = client::ack_of_failure(&client.request, &response);
                client.ack = Some(("".into(), ack.to_bytes(), client.flow));
            }
            if let Some((_, bytes, flow)) = client.ack.clone() {
                self.sends.push_back(Send::new(flow, bytes));
            }
        }
        let mut report = first;
        if success_again {
            // A phone of RFC 2543 sends no tag; it is one and the same phone all the same.
            let to = response.headers.to();
            let tag = to.as_ref().and_then(|to| to.tag()).unwrap_or("");
            match &client.ack {
                Some((acked, bytes, flow)) if **acked == *tag => {
                    self.sends.push_back(Send::new(*flow, bytes.clone()));
                }
                // Not acknowledged by its owner yet, or a second fork's answer.
                _ => report = true,
            }
        }
        let provisional = response.is_provisional();
        if report && response.code > 100 {
            let request = client.request.clone();
            self.events.push_back(Event::Response { client: id, flow, response, request });
        }
        if provisional
            && let Some(Client { cancel: Cancel::Wanted(why), .. }) = self.clients.get(&id)
        {
            let why = why.clone();
            self.send_cancel(now, id, &why);
        }
        if let Some(client) = self.clients.get(&id) {
            let deadline = deadline.min(client.deadline());
            self.schedule(Timer::Client(id), deadline);
        }
    }

    // ---- responses out -----------------------------------------------------------------------

    /// Tells the sender of an INVITE that it is being handled, so that it stops to repeat it. Only
    /// for one whose final response takes longer than this turn.
    pub fn trying(&mut self, now: Moment, server: ServerId) {
        let trying = self.request(server).map(|request| request.response(100, ""));
        if let Some(response) = trying {
            self.put_response(now, server, &response);
        }
    }

    /// Answers a request. A second final response to the same request is not sent.
    pub fn respond(&mut self, now: Moment, server: ServerId, response: Response) {
        let ours = response.with(Name::Server, self.agent.clone());
        self.put_response(now, server, &ours);
    }

    fn put_response(&mut self, now: Moment, id: ServerId, response: &Response) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        if server.state != server::State::Proceeding {
            return;
        }
        let bytes = response.to_bytes();
        server.answered(now, response.code, bytes.clone(), &self.timers);
        self.sends.push_back(Send::new(server.flow, bytes));
        if server.invite
            && response.is_success()
            && let Some(key) = AckKey::of(&response.headers)
        {
            server.ack = Some(key.clone());
            self.acks.insert(key, id);
        }
        let deadline = server.deadline();
        self.schedule(Timer::Server(id), deadline);
    }

    /// Names the To tag that an INVITE's responses will carry, for the answer to its CANCEL.
    pub fn name_tag(&mut self, server: ServerId, tag: &str) {
        if let Some(server) = self.servers.get_mut(&server) {
            server.tag = tag.into();
        }
    }

    /// Answers without a transaction what is too broken to have one.
    pub fn reject(&mut self, flow: Flow, request: &Request, code: u16) {
        let response = request.response(code, "x").with(Name::Server, self.agent.clone());
        self.sends.push_back(Send::new(flow, response.to_bytes()));
    }

    /// Answers a request once and forgets it: for a sender who has not shown who it is. When the
    /// answer is lost it asks again and is answered again. A forged source is so sent no more than
    /// came, and a flood costs no memory.
    pub fn answer_once(&mut self, id: ServerId, response: Response) {
        if let Some(server) = self.servers.get(&id) {
            let bytes = response.with(Name::Server, self.agent.clone()).to_bytes();
            self.sends.push_back(Send::new(server.flow, bytes));
        }
        self.remove_server(id);
    }

    /// Forgets a request without an answer, as if it had never come.
    pub fn forget(&mut self, server: ServerId) {
        self.remove_server(server);
    }

    fn repeat(&mut self, id: ServerId) {
        let Some(server) = self.servers.get(&id) else { return };
        let acked = matches!(
            server.state,
            server::State::Confirmed | server::State::Accepted { acked: true }
        );
        if !server.last.is_empty() && !acked {
            self.sends.push_back(Send::new(server.flow, server.last.clone()));
        }
    }

    // ---- requests out ------------------------------------------------------------------------

    /// Sends a request; Via, Max-Forwards and User-Agent are added where they are missing.
    pub fn send(&mut self, now: Moment, flow: Flow, request: Request, dice: &mut Dice) -> ClientId {
        let branch = format!("{MAGIC_COOKIE}{}", dice.token());
        let dressed = self.dress(flow, request, &branch);
        match self.larger_way(&flow, &dressed) {
            Some(tcp) => self.open_large(now, branch.into(), (flow, tcp), dressed),
            None => self.open_client(now, branch.into(), flow, dressed),
        }
    }

    /// Answers a binding request of a source that the switchboard knows.
    pub fn answer_stun(&mut self, flow: Flow, binding: &stun::Binding) {
        self.sends.push_back(Send::new(flow, stun::answer(binding, flow.remote)));
    }

    fn open_client(
        &mut self,
        now: Moment,
        branch: Box<str>,
        flow: Flow,
        request: Request,
    ) -> ClientId {
        let id = ClientId(self.id());
        let client = Client::new(now, branch, flow, request, &self.timers);
        self.client_keys.insert((client.branch.clone(), client.method.clone()), id);
        self.schedule(Timer::Client(id), client.deadline());
        self.ride(flow, Timer::Client(id));
        self.sends.push_back(Send::new(flow, client.bytes.clone()));
        self.clients.insert(id, client);
        id
    }

    /// Sends the ACK of a 2xx and keeps it for repeated 2xx. `tag` is the To tag it is for.
    pub fn send_ack(
        &mut self,
        client: ClientId,
        flow: Flow,
        ack: Request,
        tag: &str,
        dice: &mut Dice,
    ) {
        let branch = format!("{MAGIC_COOKIE}{}", dice.token());
        let bytes = self.dress(flow, ack, &branch).to_bytes();
        if let Some(client) = self.clients.get_mut(&client)
            && client.ack.is_none()
        {
            client.ack = Some((tag.into(), bytes.clone(), flow));
        }
        self.sends.push_back(Send::new(flow, bytes));
    }

    /// Takes back an INVITE: CANCEL goes out at once or as soon as it may. The final response,
    /// whatever it is, still comes as an event; none within 64·T1 is a timeout.
    pub fn cancel(&mut self, now: Moment, id: ClientId, reason: &str) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        match client.state {
            client::State::Calling => {
                client.cancel = Cancel::Wanted(reason.to_owned());
                client.resend_at = Moment::NEVER;
                let deadline = client.deadline();
                self.schedule(Timer::Client(id), deadline);
            }
            client::State::Proceeding => self.send_cancel(now, id, reason),
            client::State::Accepted | client::State::Completed => {}
        }
    }

    fn send_cancel(&mut self, now: Moment, id: ClientId, reason: &str) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.cancel == Cancel::Sent || client.state != client::State::Proceeding {
            return;
        }
        client.cancel = Cancel::Sent;
        client.ends_at = now.after(self.timers.t1 * 64);
        let mut cancel = client::same_hop(&client.request, &Method::Cancel);
        if !reason.is_empty() {
            cancel.headers.push(Name::Reason, reason.to_owned());
        }
        let (flow, branch) = (client.flow, client.branch.clone());
        let invite_deadline = client.deadline();
        self.schedule(Timer::Client(id), invite_deadline);
        self.open_client(now, branch, flow, cancel);
    }

    fn via(&self, flow: &Flow, branch: &str) -> String {
        let (transport, own) = (flow.transport.as_str(), self.own_address(flow));
        format!("SIP/2.0/{transport} {own};branch={branch};rport")
    }

    fn dress(&self, flow: Flow, mut request: Request, branch: &str) -> Request {
        let mut headers = super::message::Headers::default();
        headers.push(Name::Via, self.via(&flow, branch));
        if request.headers.first(&Name::MaxForwards).is_none() {
            headers.push(Name::MaxForwards, "70");
        }
        for (name, value) in request.headers.iter() {
            headers.push(name.clone(), value.clone());
        }
        headers.push(Name::UserAgent, self.agent.clone());
        request.headers = headers;
        request
    }

    // ---- time --------------------------------------------------------------------------------

    /// Does what is due.
    pub fn tick(&mut self, now: Moment) {
        while let Some(timer) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Server(id) => self.tick_server(now, id),
                Timer::Client(id) => self.tick_client(now, id),
            }
        }
    }

    fn tick_server(&mut self, now: Moment, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        match server.due(now, &self.timers) {
            server::Due::Resend => {
                self.sends.push_back(Send::new(server.flow, server.last.clone()));
                let deadline = server.deadline();
                self.schedule(Timer::Server(id), deadline);
            }
            server::Due::Over => self.remove_server(id),
            server::Due::Unacked => {
                self.remove_server(id);
                self.events.push_back(Event::Unacked { server: id });
            }
        }
    }

    fn tick_client(&mut self, now: Moment, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        match client.due(now, &self.timers) {
            client::Due::Resend => {
                self.sends.push_back(Send::new(client.flow, client.bytes.clone()));
                let deadline = client.deadline();
                self.schedule(Timer::Client(id), deadline);
            }
            client::Due::Over => {
                let answered = client.state == client::State::Accepted;
                drop(self.remove_client(id));
                if answered {
                    self.events.push_back(Event::Over { client: id });
                }
            }
            client::Due::Timeout => {
                if let Some(client) = self.remove_client(id)
                    && client.method != Method::Cancel
                {
                    self.events.push_back(Event::Timeout { client: id, request: client.request });
                }
            }
        }
    }

    fn remove_server(&mut self, id: ServerId) {
        if let Some(server) = self.servers.remove(&id) {
            self.alight(&server.flow, Timer::Server(id));
            self.server_keys.remove(&server.key);
            if let Some(ack) = server.ack {
                self.acks.remove(&ack);
            }
            if let Some(merge) = server.merge
                && self.merges.get(&merge) == Some(&id)
            {
                self.merges.remove(&merge);
            }
        }
        self.deadlines.clear(&Timer::Server(id));
    }

    fn remove_client(&mut self, id: ClientId) -> Option<Client> {
        let client = self.clients.remove(&id)?;
        self.alight(&client.flow, Timer::Client(id));
        self.client_keys.remove(&(client.branch.clone(), client.method.clone()));
        self.deadlines.clear(&Timer::Client(id));
        Some(client)
    }

    fn schedule(&mut self, timer: Timer, at: Moment) {
        if at == Moment::NEVER {
            self.deadlines.clear(&timer);
        } else {
            self.deadlines.set(timer, at);
        }
    }

    const fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Stamps the topmost Via with the source and says where responses go. A phone that names its
/// own address and asks for no `rport` is answered at the port that it names (RFC 3261 §18.2.2);
/// everybody else where they sent from (RFC 3581), which is what a NAT needs.
pub(super) fn stamp_top_via(request: &mut Request, flow: Flow) -> Option<SocketAddr> {
    let via = request.headers.via()?;
    let line = request.headers.text(&Name::Via)?.into_owned();
    let mut values = split_list(&line);
    let mut stamped = stamp_via(values.next()?, &via, flow.remote);
    for rest in values {
        stamped.push_str(", ");
        stamped.push_str(rest);
    }
    let mut headers = super::message::Headers::default();
    let mut top = true;
    for (name, value) in request.headers.iter() {
        if *name == Name::Via && std::mem::take(&mut top) {
            headers.push(Name::Via, stamped.clone());
        } else {
            headers.push(name.clone(), value.clone());
        }
    }
    request.headers = headers;
    if flow.transport.is_reliable() {
        return Some(flow.remote);
    }
    let own = via.host.parse().is_ok_and(|ip: IpAddr| ip == flow.remote.ip());
    if own && !via.params.has("rport") {
        return Some(SocketAddr::new(flow.remote.ip(), via.port.unwrap_or(5060)));
    }
    Some(flow.remote)
}

/// The status for a request that cannot be handled, when there is one. An INVITE is let through
/// wherever its dialog can be named: a caller must not pay for a switch's mistake.
fn unreadable(request: &Request, oddities: &[Oddity]) -> Option<u16> {
    let headers = &request.headers;
    let named = headers.call_id().is_some()
        && headers.from().is_some()
        && headers.to().is_some()
        && headers.cseq().is_some_and(|c| c.method == request.method);
    if oddities.contains(&Oddity::Version) {
        return Some(505);
    }
    if !named {
        return Some(400);
    }
    let spoilt = oddities.iter().any(|o| {
        matches!(
            o,
            Oddity::ContentLength
                | Oddity::BodyShort
                | Oddity::RequestLine
                | Oddity::TooManyHeaders
        )
    });
    // Nor for an ACK without which the call ends, or an ending of which the seat would never hear.
    let tolerated = [Method::Invite, Method::Ack, Method::Bye, Method::Cancel];
    (spoilt && !tolerated.contains(&request.method)).then_some(400)
}
