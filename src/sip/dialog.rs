//! Dialogs: tags, sequence numbers, route set, target (RFC 3261 §12).

use std::net::{IpAddr, SocketAddr};

use super::flow::Flow;
use super::message::{Headers, Method, Request, Response};
use super::name::Name;
use super::uri::Uri;
use super::values::without_empty_tag;

/// What names a dialog at our side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogKey {
    /// Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
}

/// A request that is older than one seen before (RFC 3261 §12.2.2): answered 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder;

/// One dialog, confirmed or early, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    key: DialogKey,
    remote_tag: Box<str>,
    /// Our address as From, with our tag.
    local: Box<str>,
    /// Their address as To, with their tag.
    remote: Box<str>,
    local_number: u32,
    remote_number: Option<u32>,
    target: Uri,
    routes: Vec<Box<str>>,
    flow: Flow,
    /// Our INVITE began it.
    ours: bool,
    /// Requests go where the peer's messages came from, whatever the Contact says: a phone behind
    /// NAT.
    pinned: bool,
    /// The connection that it stood on is gone.
    lost: bool,
}

impl Dialog {
    /// The dialog that our 1xx or 2xx with `tag` makes of a received INVITE (§12.1.1). None when
    /// the INVITE lacks what a dialog needs.
    #[must_use]
    pub fn received(invite: &Request, tag: &str, flow: Flow) -> Option<Self> {
        let from = invite.headers.text(&Name::From)?.into_owned();
        let to = invite.headers.text(&Name::To)?.into_owned();
        let remote_tag = invite.headers.from()?.tag().unwrap_or("").into();
        Some(Self {
            key: DialogKey { call_id: invite.headers.call_id()?.into(), local_tag: tag.into() },
            remote_tag,
            local: format!("{};tag={tag}", without_empty_tag(&to)).into(),
            remote: from.into(),
            local_number: 0,
            remote_number: Some(invite.headers.cseq()?.number),
            // A switch whose Contact is none is still reachable where it sent from.
            target: target(&invite.headers).unwrap_or_else(|| source(&flow)),
            routes: routes(&invite.headers),
            flow,
            ours: false,
            pinned: false,
            lost: false,
        })
    }

    /// The dialog that a response makes of an INVITE of ours (§12.1.2).
    #[must_use]
    pub fn sent(invite: &Request, response: &Response, flow: Flow) -> Option<Self> {
        let from = invite.headers.from()?;
        let to = response.headers.to()?;
        let mut routes = routes(&response.headers);
        routes.reverse();
        Some(Self {
            key: DialogKey {
                call_id: invite.headers.call_id()?.into(),
                local_tag: from.tag()?.into(),
            },
            remote_tag: to.tag().unwrap_or("").into(),
            local: invite.headers.text(&Name::From)?.into(),
            remote: response.headers.text(&Name::To)?.into(),
            local_number: invite.headers.cseq()?.number,
            remote_number: None,
            target: target(&response.headers).unwrap_or_else(|| invite.uri.clone()),
            routes,
            flow,
            ours: true,
            pinned: true,
            lost: false,
        })
    }

    /// The same dialog, its requests sent where the peer's came from whatever its Contact says: the
    /// peer is a phone, maybe behind NAT.
    #[must_use]
    pub fn pinned(self) -> Self {
        Self { pinned: true, ..self }
    }

    /// The same dialog, its requests sent to the peer's Contact where that can be reached.
    #[must_use]
    pub fn unpinned(self) -> Self {
        Self { pinned: false, ..self }
    }

    /// What names the dialog at our side.
    #[must_use]
    pub const fn key(&self) -> &DialogKey {
        &self.key
    }

    /// The peer's tag.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    /// Whether we made the Call-ID: our INVITE began it.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.ours
    }

    /// Goes on with the numbers of the early dialog that became this one.
    pub fn number_after(&mut self, early: &Self) {
        self.local_number = self.local_number.max(early.local_number);
    }

    /// Takes the Contact of a 2xx to a re-INVITE or UPDATE of ours (§12.2.1.2).
    pub fn retarget(&mut self, response: &Headers) {
        if let Some(contact) = response.contacts().into_iter().next() {
            self.target = contact.uri;
        }
    }

    /// A new request within the dialog (§12.2.1.1). Contact is the caller's to add.
    pub fn request(&mut self, method: &Method) -> Request {
        self.local_number = self.local_number.wrapping_add(1);
        self.numbered(method, self.local_number)
    }

    /// The ACK of a 2xx to our INVITE with that CSeq number (§13.2.2.4).
    #[must_use]
    pub fn ack(&self, number: u32) -> Request {
        self.numbered(&Method::Ack, number)
    }

    fn numbered(&self, method: &Method, number: u32) -> Request {
        let strict = self.routes.first().filter(|r| !is_loose(r));
        let uri = match strict {
            // A strict router wants to be the Request-URI; the target closes the route.
            Some(first) => Uri::read(route_uri(first)),
            None => self.target.clone(),
        };
        let mut request = Request::new(method.clone(), uri);
        if strict.is_some() {
            for route in self.routes.iter().skip(1) {
                request.headers.push(Name::Route, route.to_string());
            }
            request.headers.push(Name::Route, format!("<{}>", self.target.wire_form()));
        } else {
            for route in &self.routes {
                request.headers.push(Name::Route, route.to_string());
            }
        }
        request
            .with(Name::From, self.local.to_string())
            .with(Name::To, self.remote.to_string())
            .with(Name::CallId, self.key.call_id.to_string())
            .with(Name::CSeq, format!("{number} {method}"))
    }

    /// Takes a request of the peer: its number must rise (§12.2.2). A new Contact of an INVITE or
    /// UPDATE becomes the target, and the place that it came from the flow.
    ///
    /// # Errors
    /// [`OutOfOrder`] when its CSeq is lower than one seen before; nothing is changed.
    pub fn accept(&mut self, request: &Request, flow: Flow) -> Result<(), OutOfOrder> {
        let number = request.headers.cseq().map_or(0, |c| c.number);
        if request.method != Method::Ack && self.remote_number.is_some_and(|last| number < last) {
            return Err(OutOfOrder);
        }
        if request.method != Method::Ack {
            self.remote_number = Some(number);
        }
        if self.lost {
            self.move_to(flow);
        }
        if matches!(request.method, Method::Invite | Method::Update) {
            self.move_to(flow);
            if let Some(target) = target(&request.headers) {
                self.target = target;
            }
        }
        Ok(())
    }

    /// Where the peer's messages come from.
    #[must_use]
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// A connection is gone. A dialog that stood on it looks for another way.
    pub fn flow_lost(&mut self, flow: &Flow) {
        self.lost |= self.flow == *flow;
    }

    /// Whether the connection that it stood on is gone.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// The peer is reached another way from now on (RFC 5626 §5.3).
    pub const fn move_to(&mut self, flow: Flow) {
        self.flow = flow;
        self.lost = false;
    }

    /// Where the next request goes. The connection that the peer's messages come by, while it
    /// stands: at its other end is the peer, or the proxy that wants to stay in the way (RFC 5923).
    /// Otherwise the first route or the target when it is an address that can be reached from here,
    /// and where the peer's own messages came from when it is not.
    #[must_use]
    pub fn next_hop(&self) -> Flow {
        let connected = self.flow.transport.is_reliable() && !self.lost;
        if connected || (self.pinned && !self.lost && self.routes.is_empty()) {
            return self.flow;
        }
        let hop = match self.routes.first() {
            Some(route) => Uri::read(route_uri(route)).socket(),
            None => self.target.socket(),
        };
        match hop {
            Some(address) if reachable(address, self.flow.remote) => self.flow.towards(address),
            _ => self.flow,
        }
    }
}

/// The first Contact that a request can be sent to: `None`, `*` or a number is none.
fn target(headers: &Headers) -> Option<Uri> {
    headers.contacts().into_iter().map(|contact| contact.uri).find(Uri::is_target)
}

/// The far end as a URI.
fn source(flow: &Flow) -> Uri {
    let address = SocketAddr::new(flow.remote.ip(), flow.remote.port());
    Uri::read(&format!("sip:{address}{}", flow.transport.parameter()))
}

/// The recorded routes that a request can be sent to; what is no address names no proxy.
fn routes(headers: &Headers) -> Vec<Box<str>> {
    let values = headers.values(&Name::RecordRoute);
    let sound = values.into_iter().filter(|route| Uri::read(route_uri(route)).is_target());
    sound.map(Into::into).collect()
}

fn route_uri(route: &str) -> &str {
    let inner = route.split_once('<').map_or(route, |(_, rest)| rest);
    inner.split_once('>').map_or(inner, |(uri, _)| uri)
}

fn is_loose(route: &str) -> bool {
    Uri::read(route_uri(route)).params().has("lr")
}

/// A private address in a Contact that came from a public one is a phone behind NAT: it cannot
/// be reached by what it says of itself.
fn reachable(address: SocketAddr, source: SocketAddr) -> bool {
    let private = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unique_local(),
    };
    address.is_ipv4() == source.is_ipv4()
        && address.port() != 0
        && !address.ip().is_unspecified()
        && (!private(address.ip()) || private(source.ip()))
}

#[cfg(test)]
mod tests {
    use super::super::flow::Transport;
    use super::super::message::Message;
    use super::super::parse::parse;
    use super::*;

    fn flow(remote: &str) -> Flow {
        let local = "192.0.2.1:5060".parse().unwrap();
        Flow { transport: Transport::Udp, local, remote: remote.parse().unwrap() }
    }

    fn invite(extra: &str) -> Request {
        let text = format!(
            "INVITE sip:112@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
             From: <sip:0812@t>;tag=theirs\r\nTo: <sip:112@c>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n{extra}\r\n"
        );
        match parse(&text.into()).unwrap().message {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a request"),
        }
    }

    #[test]
    fn who_began_a_dialog_does_not_hang_on_where_its_requests_go() {
        let theirs = Dialog::received(&invite(""), "ours", flow("198.51.100.7:5060")).unwrap();
        assert!(!theirs.pinned().is_ours());
        let request = invite("");
        let response = request.response(200, "theirs");
        let ours = Dialog::sent(&request, &response, flow("198.51.100.7:5060")).unwrap();
        assert!(ours.unpinned().is_ours());
    }

    #[test]
    fn loose_and_strict_routes_are_followed() {
        let loose = invite(
            "Contact: <sip:t@198.51.100.9:5080>\r\nRecord-Route: <sip:198.51.100.7:5070;lr>, <sip:p2;lr>\r\n",
        );
        let mut dialog = Dialog::received(&loose, "ours", flow("198.51.100.7:5060")).unwrap();
        let bye = dialog.request(&Method::Bye);
        assert_eq!(bye.uri.as_str(), "sip:t@198.51.100.9:5080");
        assert_eq!(bye.headers.values(&Name::Route).len(), 2);
        assert_eq!(bye.headers.from().unwrap().tag(), Some("ours"));
        assert_eq!(bye.headers.to().unwrap().tag(), Some("theirs"));
        assert_eq!(dialog.next_hop().remote, "198.51.100.7:5070".parse().unwrap());

        let strict =
            invite("Contact: <sip:t@198.51.100.9>\r\nRecord-Route: <sip:198.51.100.8>\r\n");
        let mut dialog = Dialog::received(&strict, "ours", flow("198.51.100.7:5060")).unwrap();
        let bye = dialog.request(&Method::Bye);
        assert_eq!(bye.uri.as_str(), "sip:198.51.100.8");
        assert_eq!(bye.headers.values(&Name::Route), ["<sip:t@198.51.100.9>"]);
    }

    #[test]
    fn requests_go_where_the_peer_can_be_reached() {
        let hop = |contact: &str, source: &str| {
            let invite = invite(&format!("Contact: <{contact}>\r\n"));
            Dialog::received(&invite, "o", flow(source)).unwrap().next_hop().remote.to_string()
        };
        assert_eq!(hop("sip:t@198.51.100.9:5080", "198.51.100.7:5060"), "198.51.100.9:5080");
        assert_eq!(hop("sip:t@10.0.0.5:5060", "198.51.100.7:1024"), "198.51.100.7:1024");
        assert_eq!(hop("sip:t@sbc.example", "198.51.100.7:5060"), "198.51.100.7:5060");
        assert_eq!(hop("sip:t@10.0.0.5:5060", "10.0.0.9:5060"), "10.0.0.5:5060");
    }

    #[test]
    fn a_connection_is_used_while_it_stands() {
        let invite = invite(
            "Contact: <sip:t@198.51.100.9:5080>\r\nRecord-Route: <sip:198.51.100.8:5070;lr>\r\n",
        );
        let tcp = Flow { transport: Transport::Tcp, ..flow("198.51.100.7:40000") };
        let mut dialog = Dialog::received(&invite, "o", tcp).unwrap();
        assert_eq!(dialog.next_hop(), tcp);
        dialog.flow_lost(&tcp.towards("198.51.100.7:40001".parse().unwrap()));
        assert_eq!(dialog.next_hop(), tcp, "another one");
        dialog.flow_lost(&tcp);
        assert_eq!(dialog.next_hop(), tcp.towards("198.51.100.8:5070".parse().unwrap()));
        // The peer comes back by any request.
        let back = tcp.towards("198.51.100.7:40002".parse().unwrap());
        let mut bye = invite;
        bye.method = Method::Bye;
        dialog.accept(&bye, back).unwrap();
        assert_eq!(dialog.next_hop(), back);
    }

    #[test]
    fn an_older_request_is_out_of_order() {
        let first = invite("");
        let mut dialog = Dialog::received(&first, "o", flow("198.51.100.7:5060")).unwrap();
        let mut older = first;
        older.headers = Default::default();
        older.headers.push(Name::CSeq, "6 INVITE");
        assert_eq!(dialog.accept(&older, flow("198.51.100.7:5060")), Err(OutOfOrder));
    }
}
