//! A phone or trunk on one connection: TCP, TLS, WS or WSS, on plain sockets. It keeps no state but
//! the dialog that it is told.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, WebSocket};

use super::digest::Account;
use super::phone::Message;
use super::wait::{Deadline, LIMIT};

/// Bytes both ways.
pub trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

enum Line {
    Stream(Box<dyn Wire>),
    WebSocket(Box<WebSocket<Box<dyn Wire>>>),
}

/// One end of a connection to the gateway.
pub struct Peer {
    line: Line,
    socket: TcpStream,
    /// As in a Via.
    transport: &'static str,
    /// Its own address.
    pub local: SocketAddr,
    gateway: SocketAddr,
    buffer: Vec<u8>,
}

/// One dialog or registration of a peer.
#[derive(Clone, Debug)]
pub struct Story {
    call_id: String,
    from: String,
    to: String,
    target: String,
    cseq: u32,
}

impl Peer {
    /// Connects over TCP from `ip`.
    pub fn tcp(ip: impl Into<IpAddr>, gateway: SocketAddr) -> Self {
        let socket = connect(ip.into(), gateway).expect("connected");
        let line = Line::Stream(Box::new(socket.try_clone().expect("a second handle")));
        Self::on(line, socket, "TCP", gateway)
    }

    /// Takes a connection that the gateway has opened.
    pub fn accepted(socket: TcpStream, gateway: SocketAddr) -> Self {
        let line = Line::Stream(Box::new(socket.try_clone().expect("a second handle")));
        Self::on(line, socket, "TCP", gateway)
    }

    /// Connects over TLS; an error when the handshake fails.
    pub fn tls(
        ip: impl Into<IpAddr>,
        gateway: SocketAddr,
        config: Arc<ClientConfig>,
    ) -> std::io::Result<Self> {
        let (wire, socket) = secure(ip.into(), gateway, config)?;
        Ok(Self::on(Line::Stream(wire), socket, "TLS", gateway))
    }

    /// Connects over a WebSocket, secure when there is a `config`; the status when it is refused.
    pub fn websocket(
        ip: impl Into<IpAddr>,
        gateway: SocketAddr,
        config: Option<Arc<ClientConfig>>,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let transport = if config.is_some() { "WSS" } else { "WS" };
        let (wire, socket): (Box<dyn Wire>, TcpStream) = match config {
            Some(config) => secure(ip.into(), gateway, config).expect("a TLS handshake"),
            None => {
                let socket = connect(ip.into(), gateway).expect("connected");
                (Box::new(socket.try_clone().expect("a second handle")), socket)
            }
        };
        let url = format!("{}://{gateway}/", transport.to_ascii_lowercase());
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a value"));
        }
        match tungstenite::client(request, wire) {
            Ok((ws, _)) => Ok(Self::on(Line::WebSocket(Box::new(ws)), socket, transport, gateway)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn on(line: Line, socket: TcpStream, transport: &'static str, gateway: SocketAddr) -> Self {
        let local = socket.local_addr().expect("bound");
        Self { line, socket, transport, local, gateway, buffer: Vec::new() }
    }

    /// Sends a message, or bytes as they are where there are no frames.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("sent");
    }

    /// The same, which may fail.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.line {
            Line::Stream(wire) => wire.write_all(bytes).and_then(|()| wire.flush()),
            Line::WebSocket(ws) => {
                let text = std::str::from_utf8(bytes).expect("text").to_owned();
                ws.send(tungstenite::Message::text(text)).map_err(std::io::Error::other)
            }
        }
    }

    /// More bytes; none at the end.
    fn read(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let limit = limit.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(limit)).expect("a timeout is set");
        match &mut self.line {
            Line::Stream(wire) => {
                let mut bytes = vec![0; 65_536];
                match wire.read(&mut bytes) {
                    Ok(0) => None,
                    Ok(length) => Some(bytes[..length].to_vec()),
                    Err(error) if is_silence(&error) => Some(Vec::new()),
                    Err(_) => None,
                }
            }
            Line::WebSocket(ws) => match ws.read() {
                Ok(tungstenite::Message::Close(_)) => None,
                Ok(message) => Some(message.into_data().to_vec()),
                Err(tungstenite::Error::Io(error)) if is_silence(&error) => Some(Vec::new()),
                Err(_) => None,
            },
        }
    }

    /// Reads these very bytes next.
    pub fn expect(&mut self, bytes: &[u8]) {
        let deadline = Deadline::after(LIMIT);
        while self.buffer.len() < bytes.len() && !deadline.has_passed() {
            let more = self.read(deadline.left()).expect("the connection stands");
            self.buffer.extend(more);
        }
        assert_eq!(self.buffer.drain(..bytes.len()).collect::<Vec<_>>(), bytes);
    }

    /// Waits until the gateway has closed the connection.
    pub fn await_end(&mut self) {
        let deadline = Deadline::after(LIMIT);
        while self.read(deadline.left()).is_some() {
            assert!(!deadline.has_passed(), "the connection is still open");
        }
    }

    /// The next message for which `wanted` is true; others are let pass.
    pub fn await_message(&mut self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let deadline = Deadline::after(LIMIT);
        let mut passed = Vec::new();
        loop {
            while let Some(length) = whole(&self.buffer) {
                let bytes: Vec<u8> = self.buffer.drain(..length).collect();
                let message = Message::read(&bytes).expect("the gateway writes SIP");
                if wanted(&message) {
                    return message;
                }
                passed.push(message.start);
            }
            let more = self.read(deadline.left());
            let open = more.is_some();
            self.buffer.extend(more.unwrap_or_default());
            assert!(open && !deadline.has_passed(), "no {what} (open: {open}); only {passed:?}");
        }
    }

    /// The response `status` to a request of `method`.
    pub fn await_status(&mut self, status: u16, method: &str) -> Message {
        self.await_message(&format!("{status} to {method}"), |m| {
            m.status() == Some(status) && m.method() == method
        })
    }

    /// A request of `method`.
    pub fn await_request(&mut self, method: &str) -> Message {
        self.await_message(method, |m| m.status().is_none() && m.method() == method)
    }

    /// Answers a request; a body makes it an answer with audio.
    pub fn answer(&mut self, request: &Message, status: u16, body: &str) {
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"]
            .into_iter()
            .flat_map(|name| request.all(name).map(move |value| format!("{name}: {value}\r\n")));
        let copied: String = copied.collect();
        let copied = if request.header("To").contains("tag=") {
            copied
        } else {
            copied.replace("\r\nCall-ID", ";tag=ours\r\nCall-ID")
        };
        let (contact, length) = (self.contact("phone"), body.len());
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "SIP/2.0 {status} Said\r\n{copied}Contact: {contact}\r\n{kind}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.send(text.as_bytes());
    }

    /// A Contact that says where this connection comes from.
    pub fn contact(&self, user: &str) -> String {
        let parameter = match self.transport {
            "TCP" => "tcp",
            "TLS" => "tls",
            _ => "ws",
        };
        format!("<sip:{user}@{};transport={parameter}>", self.local)
    }

    /// Registers a seat's phone, with further parameters of its Contact.
    pub fn register(&mut self, account: &Account, parameters: &str) {
        let uri = format!("sip:{}", self.gateway);
        let mut story = Story::new(self, &account.username, &uri);
        story.to = format!("<sip:{}@112.sumenep.example>", account.username);
        let contact = self.contact(&account.username);
        let lines = format!("Contact: {contact}{parameters}\r\nExpires: 300\r\n");
        story.request(self, "REGISTER", &lines, "");
        let challenge = self.await_status(401, "REGISTER");
        let answer = account.answer(challenge.header("WWW-Authenticate"), "REGISTER", &uri);
        story.request(self, "REGISTER", &format!("{lines}Authorization: {answer}\r\n"), "");
        let taken = self.await_status(200, "REGISTER");
        assert!(taken.header("Contact").contains(&self.local.to_string()), "{taken:?}");
    }
}

impl Story {
    /// Before the first request: `user` calls or registers at `target`.
    pub fn new(peer: &Peer, user: &str, target: &str) -> Self {
        Self {
            call_id: format!("{:016x}", rand::random::<u64>()),
            from: format!("<sip:{user}@{}>;tag={:08x}", peer.local, rand::random::<u32>()),
            to: format!("<{target}>"),
            target: target.to_owned(),
            cseq: 0,
        }
    }

    /// The next request as text.
    pub fn text(&mut self, peer: &Peer, method: &str, lines: &str, sdp: &str) -> String {
        self.cseq += u32::from(method != "ACK");
        let Self { call_id, from, to, target, cseq } = self;
        let (transport, local, chance) = (peer.transport, peer.local, rand::random::<u64>());
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};branch=z9hG4bK{chance:016x};rport\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n{lines}{kind}Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    }

    /// Sends the next request.
    pub fn request(&mut self, peer: &mut Peer, method: &str, lines: &str, sdp: &str) {
        let text = self.text(peer, method, lines, sdp);
        peer.send(text.as_bytes());
    }

    /// Waits for the 200 to the INVITE and acknowledges it.
    pub fn await_answer(&mut self, peer: &mut Peer) -> Message {
        let answer = peer.await_status(200, "INVITE");
        answer.header("To").clone_into(&mut self.to);
        self.target = answer.target();
        self.request(peer, "ACK", "", "");
        answer
    }
}

fn connect(ip: IpAddr, gateway: SocketAddr) -> std::io::Result<TcpStream> {
    let domain = if ip.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(ip, 0).into())?;
    socket.connect(&gateway.into())?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.set_write_timeout(Some(LIMIT))?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
}

fn secure(
    ip: IpAddr,
    gateway: SocketAddr,
    config: Arc<ClientConfig>,
) -> std::io::Result<(Box<dyn Wire>, TcpStream)> {
    let socket = connect(ip, gateway)?;
    let name = ServerName::IpAddress(gateway.ip().into());
    let connection = ClientConnection::new(config, name).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, socket.try_clone()?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok((Box::new(stream), socket))
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The length of the first whole message.
fn whole(buffer: &[u8]) -> Option<usize> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end]).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length:"));
    let length: usize = length.expect("a length").trim().parse().expect("a number");
    (buffer.len() >= end + length).then_some(end + length)
}
