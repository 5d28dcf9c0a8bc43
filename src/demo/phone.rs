//! A simulated phone: a SIP user agent of its own on a socket of its own, for a seat or a carrier.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;

use super::tone::{Says, Tone};
use crate::sdp::{self, Direction, OurLine, OurSession, Protected};
use crate::server::Clock;
use crate::sip::digest::Algorithm;
use crate::sip::settings::Timers;
use crate::sip::{
    Dialog, Endpoint, Event, Flow, Method, Name, Params, Request, Response, ServerId, Transport,
    Uri, body,
};
use crate::vocabulary::{Codec, Dice, Moment};

/// One phone.
pub struct Phone {
    socket: UdpSocket,
    rtp: Arc<UdpSocket>,
    endpoint: Endpoint,
    dice: Dice,
    clock: Clock,
    flow: Flow,
    says: Says,
    tone: Option<Tone>,
}

impl Phone {
    /// A phone on `ip` that talks to the gateway at `gateway`.
    ///
    /// # Errors
    /// A socket that cannot be bound.
    pub async fn new(
        ip: IpAddr,
        gateway: SocketAddr,
        clock: Clock,
        says: Says,
    ) -> std::io::Result<Self> {
        let socket = UdpSocket::bind((ip, 0)).await?;
        let rtp = Arc::new(UdpSocket::bind((ip, 0)).await?);
        let local = socket.local_addr()?;
        Ok(Self {
            socket,
            rtp,
            endpoint: Endpoint::new(Timers::default(), "siaga112 demo phone", None, ip),
            dice: crate::server::dice(),
            clock,
            flow: Flow { transport: Transport::Udp, local, remote: gateway },
            says,
            tone: None,
        })
    }

    /// `host:port` of its SIP socket.
    #[must_use]
    pub fn address(&self) -> String {
        self.flow.local.to_string()
    }

    fn now(&self) -> Moment {
        self.clock.now().moment
    }

    /// The next thing that happens, or none after `patience`.
    pub async fn next(&mut self, patience: Duration) -> Option<Event> {
        let until = self.now().after(patience);
        let mut buffer = vec![0; 65_535];
        loop {
            self.flush().await;
            if let Some(event) = self.endpoint.poll_event() {
                return Some(event);
            }
            let now = self.now();
            if now >= until {
                return None;
            }
            let deadline = self.endpoint.poll_timeout().map_or(until, |at| at.min(until));
            let wait = deadline.since(now).max(Duration::from_millis(1));
            let received = tokio::time::timeout(wait, self.socket.recv_from(&mut buffer)).await;
            if let Ok(Ok((length, remote))) = received {
                let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                self.endpoint.receive(self.now(), self.flow.towards(remote), &bytes);
            }
            self.endpoint.tick(self.clock.now().moment);
        }
    }

    async fn flush(&mut self) {
        while let Some(send) = self.endpoint.poll_send() {
            let _ = self.socket.send_to(&send.bytes, send.flow.remote).await;
        }
    }

    /// Sends a request; its responses come by [`Phone::next`].
    pub async fn send(&mut self, request: Request) -> crate::sip::ClientId {
        let now = self.now();
        let client = self.endpoint.send(now, self.flow, request, &mut self.dice);
        self.flush().await;
        client
    }

    /// Takes an INVITE back.
    pub async fn cancel(&mut self, client: crate::sip::ClientId) {
        let now = self.now();
        self.endpoint.cancel(now, client, "");
        self.flush().await;
    }

    /// Answers a request.
    pub async fn respond(&mut self, server: ServerId, response: Response) {
        let now = self.now();
        self.endpoint.respond(now, server, response);
        self.flush().await;
    }

    /// A fresh tag or Call-ID.
    pub fn token(&mut self) -> String {
        self.dice.token()
    }

    /// Our SDP.
    pub fn sdp(&self) -> Bytes {
        let port = self.rtp.local_addr().map_or(0, |a| a.port());
        let session = OurSession { id: 1, version: 1, address: self.flow.local.ip() };
        let line = OurLine {
            port,
            codecs: vec![(sdp::our_payload(Codec::Pcma), Codec::Pcma)],
            events: sdp::our_events(&[Codec::Pcma]),
            direction: Direction::SendRecv,
            protocol: "RTP/AVP".to_owned(),
            protected: Protected::Plain,
            mux: false,
            source: None,
            mid: None,
        };
        sdp::offer(&session, &line, None).to_bytes().into()
    }

    /// Speaks to the far end that an SDP names, unless it does already: the 200 says what the 183
    /// did.
    pub fn talk(&mut self, theirs: Option<&[u8]>) {
        let audio = theirs.and_then(|text| sdp::audio(&sdp::parse(text).ok()?));
        if let Some(to) = audio.and_then(|a| a.rtp).filter(|_| self.tone.is_none()) {
            let ssrc = u32::try_from(self.dice.number() >> 32).unwrap_or(1);
            self.tone = Some(Tone::start(Arc::clone(&self.rtp), to, self.says, ssrc));
        }
    }

    /// RTP packets that it has heard since it began to speak.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.tone.as_ref().map_or(0, Tone::heard)
    }

    /// Presses a key.
    pub async fn press(&self) {
        if let Some(tone) = &self.tone {
            tone.press().await;
        }
    }

    /// Falls silent; says how many packets it heard.
    pub fn hush(&mut self) -> u64 {
        self.tone.take().map_or(0, |tone| tone.heard())
    }

    /// ACK of a 2xx; the dialog that it makes.
    pub async fn acknowledge(&mut self, event: &Event) -> Option<Dialog> {
        let Event::Response { client, flow, response, request } = event else { return None };
        let dialog = Dialog::sent(request, response, *flow)?;
        let ack = dialog.ack(request.headers.cseq()?.number);
        let tag = dialog.remote_tag().to_owned();
        self.endpoint.send_ack(*client, self.flow, ack, &tag, &mut self.dice);
        self.flush().await;
        Some(dialog)
    }

    /// The SDP of a response.
    #[must_use]
    pub fn sdp_of(response: &Response) -> Option<Bytes> {
        body::sdp(&response.headers, &response.body)
    }

    /// Registers for a seat, with the digest that the gateway asks for. True when it is taken.
    pub async fn register(&mut self, user: &str, password: &str, domain: &str) -> bool {
        let call_id = self.token();
        let contact = format!("<sip:{user}@{}>", self.address());
        let tag = self.token();
        let mut credentials: Option<String> = None;
        for number in 1..=2 {
            let mut request = Request::new(Method::Register, Uri::read(&format!("sip:{domain}")))
                .with(Name::From, format!("<sip:{user}@{domain}>;tag={tag}"))
                .with(Name::To, format!("<sip:{user}@{domain}>"))
                .with(Name::CallId, call_id.clone())
                .with(Name::CSeq, format!("{number} REGISTER"))
                .with(Name::Contact, contact.clone())
                .with(Name::Expires, "600");
            if let Some(value) = credentials.take() {
                request.headers.push(Name::Authorization, value);
            }
            self.send(request).await;
            let Some(Event::Response { response, .. }) = self.next(Duration::from_secs(5)).await
            else {
                return false;
            };
            match response.code {
                200 => return true,
                401 => credentials = authorization(&response, user, password, domain),
                _ => return false,
            }
        }
        false
    }
}

/// Answers the first challenge of a 401 (RFC 7616).
fn authorization(response: &Response, user: &str, password: &str, domain: &str) -> Option<String> {
    let challenge = response.headers.text(&Name::WwwAuthenticate)?;
    let params = Params::read_at(challenge.trim().split_once(' ')?.1, b',');
    let (realm, nonce) = (params.get("realm")?, params.get("nonce")?);
    let sha = params.get("algorithm") == Some("SHA-256");
    let algorithm = if sha { Algorithm::Sha256 } else { Algorithm::Md5 };
    let uri = format!("sip:{domain}");
    let ha1 = algorithm.hash(&format!("{user}:{realm}:{password}"));
    let ha2 = algorithm.hash(&format!("REGISTER:{uri}"));
    let answer = algorithm.hash(&format!("{ha1}:{nonce}:00000001:demo:auth:{ha2}"));
    let name = if sha { "SHA-256" } else { "MD5" };
    Some(format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{answer}\", algorithm={name}, cnonce=\"demo\", qop=auth, nc=00000001"
    ))
}
