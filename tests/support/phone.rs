//! A small SIP user agent on one UDP socket, for what SIPp cannot do: exact bytes, SHA-256, real
//! audio, replays. It reads and writes strictly and keeps no state but the dialog it is told.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::digest::Account;
use super::wait::{Deadline, LIMIT};

/// One SIP message as it came.
#[derive(Clone, Debug)]
pub struct Message {
    /// Request or status line.
    pub start: String,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Vec<u8>,
}

impl Message {
    /// Reads one; none when it has no whole head.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.split("\r\n");
        let start = lines.next()?.to_owned();
        let headers = lines
            .map(|line| line.split_once(':').map(|(n, v)| (n.trim().into(), v.trim().into())))
            .collect::<Option<_>>()?;
        Some(Self { start, headers, body: bytes[end + 4..].to_vec() })
    }

    /// All values of one header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
    }

    /// The first value of one header; empty when there is none.
    pub fn header<'a>(&'a self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method of the request, or of the request that a response answers.
    pub fn method(&self) -> &str {
        self.header("CSeq").split(' ').nth(1).unwrap_or_default()
    }

    /// The URI of Contact.
    pub fn target(&self) -> String {
        let contact = self.header("Contact");
        contact.split(['<', '>']).nth(1).unwrap_or(contact).to_owned()
    }

    /// The entries of Record-Route, in order.
    pub fn routes(&self) -> Vec<String> {
        let lines = self.all("Record-Route").flat_map(|line| line.split(','));
        lines.map(|route| route.trim().to_owned()).collect()
    }

    /// Where the SDP of the body wants RTP.
    pub fn media(&self) -> SocketAddr {
        let sdp = String::from_utf8_lossy(&self.body);
        let line = |start| sdp.lines().find_map(|l| l.strip_prefix(start)).unwrap_or_default();
        let ip = line("c=IN IP").split(' ').nth(1).unwrap_or_default();
        let ip: IpAddr = ip.trim().parse().expect("an address");
        let port = line("m=audio ").split(' ').next().unwrap_or_default();
        SocketAddr::new(ip, port.parse().expect("SDP with audio"))
    }
}

/// A phone or trunk at one address.
#[derive(Debug)]
pub struct Phone {
    socket: UdpSocket,
    gateway: SocketAddr,
}

impl Phone {
    /// A phone at `ip` and `port` (0 for any) that speaks with `gateway`.
    pub fn at(ip: impl Into<IpAddr>, port: u16, gateway: SocketAddr) -> Self {
        let socket = UdpSocket::bind((ip.into(), port)).expect("the phone's address is free");
        Self { socket, gateway }
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.gateway).expect("loopback takes a datagram");
    }

    /// The next message, if one comes within `limit`.
    pub fn receive(&self, limit: Duration) -> Option<Message> {
        let deadline = Deadline::after(limit);
        let mut buffer = vec![0; 65_535];
        loop {
            let left = deadline.left().max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).expect("a timeout is set");
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    let bytes = &buffer[..length];
                    return Some(Message::read(bytes).unwrap_or_else(|| {
                        panic!("the gateway wrote no SIP: {}", String::from_utf8_lossy(bytes))
                    }));
                }
                Err(_) if deadline.has_passed() => return None,
                Err(_) => {}
            }
        }
    }

    /// The next message for which `wanted` is true; others are let pass.
    pub fn await_message(&self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let deadline = Deadline::after(LIMIT);
        let mut passed = Vec::new();
        while let Some(message) = self.receive(deadline.left()) {
            if wanted(&message) {
                return message;
            }
            passed.push(message.start);
        }
        panic!("no {what} came; only {passed:?}")
    }

    /// The response `status` to a request of `method`.
    pub fn await_status(&self, status: u16, method: &str) -> Message {
        self.await_message(&format!("{status} to {method}"), |m| {
            m.status() == Some(status) && m.method() == method
        })
    }

    /// A request of `method`; it is answered 200 by the caller of this.
    pub fn await_request(&self, method: &str) -> Message {
        self.await_message(method, |m| m.status().is_none() && m.method() == method)
    }

    /// Answers a request with 200.
    pub fn accept(&self, request: &Message) {
        self.respond("200 OK", request, request.header("To"), "", "");
    }

    /// Answers a request: status and phrase, To with our tag, further header lines, SDP or none.
    pub fn respond(&self, status: &str, request: &Message, to: &str, lines: &str, sdp: &str) {
        let copied = ["Via", "Record-Route", "From", "Call-ID", "CSeq"]
            .into_iter()
            .flat_map(|name| request.all(name).map(move |value| format!("{name}: {value}\r\n")));
        let copied: String = copied.collect();
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let length = sdp.len();
        let text = format!(
            "SIP/2.0 {status}\r\n{copied}To: {to}\r\n{lines}{kind}Content-Length: {length}\r\n\r\n{sdp}"
        );
        self.send(text.as_bytes());
    }

    /// Registers `contact` for `expires` seconds: takes the first challenge offered, answers it.
    pub fn register(&self, account: &Account, contact: &str, expires: u32) -> Message {
        let uri = format!("sip:{}", self.gateway);
        let mut dialog = Dialog::new(self, &account.username, &uri);
        dialog.to = format!("<sip:{}@{}>", account.username, self.gateway.ip());
        let lines = format!("Contact: {contact}\r\nExpires: {expires}\r\n");
        dialog.request(self, "REGISTER", &lines, "");
        let challenge = self.await_status(401, "REGISTER");
        let answer = account.answer(challenge.header("WWW-Authenticate"), "REGISTER", &uri);
        dialog.request(self, "REGISTER", &format!("{lines}Authorization: {answer}\r\n"), "");
        self.await_message("final answer to REGISTER", |m| {
            m.method() == "REGISTER" && m.header("CSeq").starts_with('2') && m.status() >= Some(200)
        })
    }
}

/// The phone's side of one dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    from: String,
    to: String,
    target: String,
    /// What goes into Route, first hop first (RFC 3261 §12.1).
    routes: Vec<String>,
    cseq: u32,
}

impl Dialog {
    /// Before the first request: `user` calls or registers at `target`.
    pub fn new(phone: &Phone, user: &str, target: &str) -> Self {
        let local = phone.local();
        Self {
            call_id: format!("{:016x}@{}", rand::random::<u64>(), local.ip()),
            from: format!("<sip:{user}@{local}>;tag={:08x}", rand::random::<u32>()),
            to: format!("<{target}>"),
            target: target.to_owned(),
            routes: Vec::new(),
            cseq: 0,
        }
    }

    /// Sends the next request and returns its bytes. A body is SDP, unless `lines` say otherwise.
    pub fn request(&mut self, phone: &Phone, method: &str, lines: &str, sdp: &str) -> Vec<u8> {
        self.cseq += u32::from(method != "ACK");
        let Self { call_id, from, to, target, routes, cseq } = self;
        let route: String = routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
        let (local, chance) = (phone.local(), rand::random::<u64>());
        let told = sdp.is_empty() || lines.contains("Content-Type:");
        let kind = if told { "" } else { "Content-Type: application/sdp\r\n" };
        let bytes = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{chance:016x};rport\r\n\
             {route}Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n{lines}{kind}Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
        .into_bytes();
        phone.send(&bytes);
        bytes
    }

    /// The side of a phone that is rung: answers the next INVITE with audio at `media`, and
    /// returns that INVITE too.
    pub fn pick_up(phone: &Phone, media: SocketAddr) -> (Self, Message) {
        let invite = phone.await_request("INVITE");
        let dialog = Self::accept(phone, &invite, media);
        phone.await_request("ACK");
        (dialog, invite)
    }

    /// Answers an INVITE with audio at `media`; the ACK is still to come.
    pub fn accept(phone: &Phone, invite: &Message, media: SocketAddr) -> Self {
        let own = format!("{};tag={:08x}", invite.header("To"), rand::random::<u32>());
        let lines = format!("Contact: <sip:seat@{}>\r\n", phone.local());
        phone.respond("200 OK", invite, &own, &lines, &sdp(media));
        Self {
            call_id: invite.header("Call-ID").to_owned(),
            from: own,
            to: invite.header("From").to_owned(),
            target: invite.target(),
            routes: invite.routes(),
            cseq: 0,
        }
    }

    /// Calls 112 with audio at `media`; returns the INVITE's bytes.
    pub fn invite(&mut self, phone: &Phone, media: SocketAddr) -> Vec<u8> {
        self.invite_with(phone, media, "")
    }

    /// The same with these header lines.
    pub fn invite_with(&mut self, phone: &Phone, media: SocketAddr, lines: &str) -> Vec<u8> {
        let contact = format!("Contact: <sip:trunk@{}>\r\n{lines}", phone.local());
        self.request(phone, "INVITE", &contact, &sdp(media))
    }

    /// Waits for the 200 to the INVITE and acknowledges it.
    pub fn await_answer(&mut self, phone: &Phone) -> Message {
        let answer = phone.await_status(200, "INVITE");
        self.enter(&answer);
        // The ACK has the number of the INVITE, whatever was sent in between (RFC 3261 §13.2.2.4).
        let number = answer.header("CSeq").split(' ').next().and_then(|n| n.parse().ok());
        let mut ack = Self { cseq: number.expect("a CSeq"), ..self.clone() };
        ack.request(phone, "ACK", "", "");
        answer
    }

    /// Enters the dialog that a response makes, early or not.
    pub fn enter(&mut self, response: &Message) {
        self.target = response.target();
        // The first one makes the dialog and its route; later ones leave it as it is.
        if !self.to.contains(";tag=") {
            response.header("To").clone_into(&mut self.to);
            self.routes = response.routes();
            self.routes.reverse();
        }
    }

    /// Ends the call and waits for the 200.
    pub fn hang_up(&mut self, phone: &Phone) {
        self.request(phone, "BYE", "", "");
        phone.await_status(200, "BYE");
    }
}

/// The CANCEL or the ACK that goes with an INVITE (RFC 3261 9.1, 17.1.1.3).
pub fn companion(invite: &[u8], method: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(invite);
    let (start, _) = text.split_once("\r\n").expect("a request line");
    let kept = ["Via:", "Route:", "From:", "To:", "Call-ID:", "CSeq:"];
    let lines = text.lines().take_while(|line| !line.is_empty());
    let lines = lines.filter(|line| kept.iter().any(|name| line.starts_with(name)));
    let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
    format!("{start}\r\nMax-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n")
        .replace("INVITE", method)
        .into_bytes()
}

/// A session description for PCMA and telephone-event at `media`.
pub fn sdp(media: SocketAddr) -> String {
    let (ip, port) = (media.ip(), media.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=trunk 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}
