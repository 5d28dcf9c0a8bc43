//! Transactions over connections: what becomes of them when one is lost, and when a request is too
//! large for UDP.
//!
//! A request above 1300 bytes belongs on TCP (RFC 3261 §18.1.1), but most peers on UDP listen on
//! nothing else, and a caller must not wait for a connection that cannot come. So TCP is tried at the
//! same address only where the peer's host has spoken TCP to us before; if it fails, the same
//! request goes out over UDP, and TCP is not tried again until that host is heard over it. Each
//! request is decided alone.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use super::{Endpoint, Timer};
use crate::sip::event::{ClientId, Event, Send};
use crate::sip::flow::{Flow, Listener, Transport};
use crate::sip::message::{Headers, Method, Request};
use crate::sip::name::Name;
use crate::sip::transaction::client::{Cancel, State};
use crate::vocabulary::{Moment, limits};

/// What is known of TCP: our listeners, and the hosts that have spoken it.
#[derive(Debug, Default)]
pub(super) struct TcpPeers {
    listeners: Vec<SocketAddr>,
    hosts: HashSet<IpAddr>,
}

impl TcpPeers {
    /// A message came.
    pub fn heard(&mut self, flow: &Flow) {
        if flow.transport == Transport::Tcp {
            // Forgotten ones are learnt again.
            if self.hosts.len() >= limits::TCP_PEERS {
                self.hosts.clear();
            }
            self.hosts.insert(flow.remote.ip());
        }
    }

    /// The same far end over TCP; from the same address of ours, if we listen there.
    fn way(&self, udp: &Flow) -> Option<Flow> {
        if udp.transport != Transport::Udp || !self.hosts.contains(&udp.remote.ip()) {
            return None;
        }
        let version = |own: &&SocketAddr| own.is_ipv4() == udp.remote.is_ipv4();
        let same = self.listeners.iter().find(|own| own.ip() == udp.local.ip());
        let local = *same.or_else(|| self.listeners.iter().find(version))?;
        Some(Flow { transport: Transport::Tcp, local, remote: udp.remote })
    }
}

impl Endpoint {
    /// Names our listeners, as they are bound.
    #[must_use]
    pub fn listening(mut self, listeners: &[Listener]) -> Self {
        let tcp = listeners.iter().filter(|own| own.transport == Transport::Tcp);
        self.tcp.listeners = tcp.map(|own| own.address).collect();
        self
    }

    /// TCP, for a request that is too large for UDP and a peer that has it.
    pub(super) fn larger_way(&self, flow: &Flow, request: &Request) -> Option<Flow> {
        let tcp = self.tcp.way(flow)?;
        (request.to_bytes().len() > limits::UDP_REQUEST_BYTES).then_some(tcp)
    }

    /// Sends a request over TCP that may have to come back to UDP.
    pub(super) fn open_large(
        &mut self,
        now: Moment,
        branch: Box<str>,
        (udp, tcp): (Flow, Flow),
        request: Request,
    ) -> ClientId {
        let request = self.with_via(request, &tcp, &branch);
        let id = self.open_client(now, branch, tcp, request);
        if let Some(client) = self.clients.get_mut(&id) {
            client.fallback = Some(udp);
        }
        id
    }

    fn with_via(&self, mut request: Request, flow: &Flow, branch: &str) -> Request {
        let mut headers = Headers::default();
        headers.push(Name::Via, self.via(flow, branch));
        for (name, value) in request.headers.iter().skip_while(|(name, _)| **name == Name::Via) {
            headers.push(name.clone(), value.clone());
        }
        request.headers = headers;
        request
    }

    pub(super) fn ride(&mut self, flow: Flow, transaction: Timer) {
        if flow.transport.is_reliable() {
            self.on_connection.entry(flow).or_default().insert(transaction);
        }
    }

    pub(super) fn alight(&mut self, flow: &Flow, transaction: Timer) {
        if let Some(transactions) = self.on_connection.get_mut(flow) {
            transactions.remove(&transaction);
            if transactions.is_empty() {
                self.on_connection.remove(flow);
            }
        }
    }

    /// A connection is gone, or could not be made. Requests that nobody has answered have failed
    /// (RFC 3261 §8.1.3.1, §17.1.4); those that were heard of may be answered on a connection that
    /// the peer opens. Our own responses go to the address that the request's Via names (§18.2.2).
    pub fn flow_lost(&mut self, now: Moment, flow: &Flow) {
        for transaction in self.on_connection.remove(flow).unwrap_or_default() {
            match transaction {
                Timer::Client(id) => self.client_lost(now, id),
                Timer::Server(id) => {
                    let Some(server) = self.servers.get_mut(&id) else { continue };
                    server.flow = server.elsewhere.map_or(server.flow, |to| flow.towards(to));
                    let moved = server.flow;
                    if moved != *flow {
                        self.ride(moved, transaction);
                    }
                }
            }
        }
    }

    fn client_lost(&mut self, now: Moment, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id).filter(|c| c.state == State::Calling) else {
            return;
        };
        if let Some(udp) = client.fallback.take()
            && client.cancel == Cancel::No
        {
            let (request, branch) = (client.request.clone(), client.branch.clone());
            self.tcp.hosts.remove(&udp.remote.ip());
            let request = self.with_via(request, &udp, &branch);
            return self.start_again(now, id, udp, request);
        }
        if let Some(client) = self.remove_client(id)
            && client.method != Method::Cancel
        {
            self.events.push_back(Event::Timeout { client: id, request: client.request });
        }
    }

    fn start_again(&mut self, now: Moment, id: ClientId, flow: Flow, request: Request) {
        let timers = self.timers;
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.go(now, flow, request, &timers);
        let (bytes, deadline) = (client.bytes.clone(), client.deadline());
        self.schedule(Timer::Client(id), deadline);
        self.sends.push_back(Send::new(flow, bytes));
    }
}

/// Where the sender of a request can be reached by a new connection, when its Via names an address.
pub(super) fn sent_by(request: &Request, flow: &Flow) -> Option<SocketAddr> {
    let via = request.headers.via().filter(|_| flow.transport.is_reliable())?;
    let port = via.port.unwrap_or(flow.transport.default_port());
    Some(SocketAddr::new(via.host.parse().ok()?, port))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::sip::parse::parse;
    use crate::sip::settings::Timers;
    use crate::sip::{Message, Uri};
    use crate::vocabulary::Dice;

    const NOW: Moment = Moment(1_000_000);

    fn flow(transport: Transport, remote: &str) -> Flow {
        let local = "192.0.2.1:5060".parse().unwrap();
        Flow { transport, local, remote: remote.parse().unwrap() }
    }

    fn endpoint() -> Endpoint {
        let listeners = [Transport::Udp, Transport::Tcp]
            .map(|transport| Listener { transport, address: "192.0.2.1:5060".parse().unwrap() });
        let own = "192.0.2.1".parse().unwrap();
        Endpoint::new(Timers::default(), "t", None, own).listening(&listeners)
    }

    fn invite(bytes: usize) -> Request {
        let mut invite = Request::new(Method::Invite, Uri::read("sip:seat@192.0.2.9"))
            .with(Name::From, "<sip:112@c>;tag=a")
            .with(Name::To, "<sip:seat@c>")
            .with(Name::CallId, "c1")
            .with(Name::CSeq, "1 INVITE");
        invite.body = vec![b'x'; bytes].into();
        invite
    }

    fn via(sent: &Send) -> (String, String) {
        let Message::Request(request) = parse(&sent.bytes).unwrap().message else { panic!() };
        assert_eq!(request.headers.values(&Name::Via).len(), 1);
        let via = request.headers.via().unwrap();
        (request.headers.text(&Name::Via).unwrap().into_owned(), via.branch().to_owned())
    }

    fn speaks_tcp(endpoint: &mut Endpoint, from: &str) {
        let text = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKo\r\n\r\n";
        endpoint.receive(NOW, flow(Transport::Tcp, from), &Bytes::from_static(text.as_bytes()));
        while endpoint.poll_event().is_some() {}
    }

    #[test]
    fn a_large_request_goes_over_tcp_to_who_has_it_and_comes_back_to_udp() {
        let (mut endpoint, mut dice) = (endpoint(), Dice::from_number(1));
        let udp = flow(Transport::Udp, "192.0.2.9:5060");
        let tcp = flow(Transport::Tcp, "192.0.2.9:5060");
        let mut send = |endpoint: &mut Endpoint, bytes| {
            endpoint.send(NOW, udp, invite(bytes), &mut dice);
            endpoint.poll_send().unwrap()
        };
        assert_eq!(send(&mut endpoint, 1400).flow, udp, "nobody knows whether it has TCP");
        speaks_tcp(&mut endpoint, "192.0.2.9:40000");
        assert_eq!(send(&mut endpoint, 400).flow, udp, "small");
        let large = send(&mut endpoint, 1400);
        assert_eq!(large.flow, tcp);
        assert!(via(&large).0.starts_with("SIP/2.0/TCP"));

        // No such listener there: the same transaction over UDP, and repeated as UDP needs it.
        endpoint.flow_lost(NOW, &tcp);
        let again = endpoint.poll_send().unwrap();
        assert_eq!(again.flow, udp);
        assert!(via(&again).0.starts_with("SIP/2.0/UDP"));
        assert_eq!(via(&again).1, via(&large).1);
        assert!(endpoint.poll_event().is_none(), "nobody is told of a failure");
        endpoint.tick(NOW.after(Duration::from_millis(500)));
        let repeated: Vec<Send> = std::iter::from_fn(|| endpoint.poll_send()).collect();
        assert!(repeated.contains(&again));
        assert_eq!(send(&mut endpoint, 1400).flow, udp, "it has failed");
    }

    #[test]
    fn tcp_does_not_stick() {
        let (mut endpoint, mut dice) = (endpoint(), Dice::from_number(1));
        let udp = flow(Transport::Udp, "192.0.2.9:5060");
        let tcp = flow(Transport::Tcp, "192.0.2.9:5060");
        speaks_tcp(&mut endpoint, "192.0.2.9:40000");
        let client = endpoint.send(NOW, udp, invite(1400), &mut dice);
        let (line, _) = via(&endpoint.poll_send().unwrap());
        let said = |code: u16| {
            let text = format!(
                "SIP/2.0 {code} x\r\nVia: {line}\r\nFrom: <sip:112@c>;tag=a\r\n\
                 To: <sip:seat@c>;tag=b\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n"
            );
            Bytes::from(text)
        };
        endpoint.receive(NOW, tcp, &said(180));
        let Some(Event::Response { flow, .. }) = endpoint.poll_event() else { panic!() };
        assert_eq!(flow, udp, "the dialog goes its usual way");
        // CANCEL and the ACK of a refusal stay with the INVITE (RFC 3261 §9.1, §17.1.1.3).
        endpoint.cancel(NOW, client, "");
        assert_eq!(endpoint.poll_send().unwrap().flow, tcp);
        // It was heard of: what is lost now does not fail it, nor send it twice.
        endpoint.flow_lost(NOW, &tcp);
        assert!(endpoint.poll_send().is_none() && endpoint.poll_event().is_none());
        endpoint.receive(NOW, tcp, &said(487));
        assert_eq!(endpoint.poll_send().unwrap().flow, tcp);
    }
}
