//! Connections on real sockets with little patience, and without a gateway around them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::super::inbox::{Inbox, inbox};
use super::*;
use crate::config;
use crate::server::Clock;

const OPTIONS: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";
/// Longer than anything may take.
const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(60);

struct Rig {
    runtime: tokio::runtime::Runtime,
    connections: Connections,
    inbox: Inbox,
    at: SocketAddr,
}

impl Rig {
    fn new(patience: Patience, idle: Duration) -> Self {
        Self::of(Transport::Tcp, patience, idle)
    }

    fn of(transport: Transport, patience: Patience, idle: Duration) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let loaded = config::load(&sample, std::iter::empty()).unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let mut settings = loaded.switchboard.clone();
        // Everybody here is a carrier: whom the door lets in is told elsewhere.
        settings.trunks[0].sources = vec!["127.0.0.0/8".parse().unwrap()];
        let (sender, inbox) = inbox(Clock::start(), &settings);
        let entered = runtime.enter();
        let listener = Listener { transport, address };
        let listener = StreamListener::bind(listener).unwrap();
        let at = listener.listener.address;
        let connections = Connections::start(vec![listener], &loaded, sender, patience);
        let adopted = Adopted { idle, ..Adopted::of(&loaded) };
        *connections.0.adopted.lock().unwrap() = Arc::new(adopted);
        drop(entered);
        Self { runtime, connections, inbox, at }
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.at).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client
    }

    fn flow(&self, remote: SocketAddr) -> Flow {
        Flow { transport: Transport::Tcp, local: self.at, remote }
    }

    /// The next input as words.
    fn hear(&self) -> String {
        match self.inbox.next(LIMIT).unwrap().expect("something happens") {
            Input::Sip { bytes, .. } => String::from_utf8_lossy(&bytes).into_owned(),
            Input::Connected { names, .. } => format!("connected {names:?}"),
            Input::Disconnected { flow } => format!("disconnected {}", flow.remote),
            other => panic!("{other:?}"),
        }
    }
}

fn short() -> Patience {
    Patience { connect: LIMIT, handshake: LIMIT, message: SHORT, write: LIMIT }
}

fn is_closed(client: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).is_ok()
}

#[test]
fn who_never_says_a_whole_thing_is_closed_and_nobody_hears_of_it() {
    let rig = Rig::new(short(), LIMIT);
    let mut silent = rig.client();
    let mut slow = rig.client();
    slow.write_all(b"OPTIONS sip:a").unwrap();
    assert!(is_closed(&mut silent) && is_closed(&mut slow));
    // Keep-alives are no message.
    let mut pinging = rig.client();
    while pinging.write_all(b"\r\n\r\n").is_ok() {
        std::thread::yield_now();
    }
    assert!(rig.inbox.ready().is_none());
}

#[test]
fn a_message_that_does_not_end_and_a_long_silence_close_what_was_good_before() {
    let rig = Rig::new(short(), LIMIT);
    let mut client = rig.client();
    let own = client.local_addr().unwrap();
    client.write_all(OPTIONS).unwrap();
    assert_eq!(rig.hear().as_bytes(), OPTIONS);
    // Silence alone is allowed for longer than a message may take.
    client.write_all(b"OPTIONS").unwrap();
    assert!(is_closed(&mut client));
    assert_eq!(rig.hear(), format!("disconnected {own}"));

    let rig = Rig::new(Patience { message: LIMIT, ..short() }, SHORT);
    let mut client = rig.client();
    let own = client.local_addr().unwrap();
    client.write_all(OPTIONS).unwrap();
    rig.hear();
    assert!(is_closed(&mut client));
    assert_eq!(rig.hear(), format!("disconnected {own}"));
    assert!(rig.inbox.ready().is_none(), "it is told once");
}

#[test]
fn a_connection_is_opened_once_and_what_waited_is_sent_in_order() {
    let rig = Rig::new(Patience::default(), LIMIT);
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = rig.flow(peer.local_addr().unwrap());
    for number in 0..3 {
        rig.connections.send(Send::new(flow, format!("{number}").into()));
    }
    let (mut accepted, _) = peer.accept().unwrap();
    let mut bytes = [0; 3];
    accepted.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"012");
    // What it says belongs to the flow that was dialled.
    accepted.write_all(OPTIONS).unwrap();
    let Some(Input::Sip { flow: from, .. }) = rig.inbox.next(LIMIT).unwrap() else { panic!() };
    assert_eq!(from, flow);
    drop(accepted);
    assert_eq!(rig.hear(), format!("disconnected {}", flow.remote));

    // Nobody listens; no listener of ours; a WebSocket.
    drop(peer);
    rig.connections.send(Send::new(flow, "x".into()));
    assert_eq!(rig.hear(), format!("disconnected {}", flow.remote));
    let ours = Flow { local: "127.0.0.1:1".parse().unwrap(), ..flow };
    let ws = Flow { transport: Transport::Ws, ..flow };
    for flow in [ours, ws] {
        rig.connections.send(Send::new(flow, "x".into()));
        assert_eq!(rig.hear(), format!("disconnected {}", flow.remote));
    }
    assert!(rig.inbox.ready().is_none());
}

#[test]
fn what_waits_is_written_before_the_gateway_stops() {
    let rig = Rig::new(Patience::default(), LIMIT);
    let mut client = rig.client();
    client.write_all(OPTIONS).unwrap();
    rig.hear();
    let flow = rig.flow(client.local_addr().unwrap());
    let bye = vec![b'x'; 1 << 20];
    rig.connections.send(Send::new(flow, bye.clone().into()));
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        client.read_to_end(&mut all).map(|_| all)
    });
    rig.runtime.block_on(rig.connections.stop());
    assert_eq!(reader.join().unwrap().unwrap(), bye);
    // Nothing is opened any more.
    rig.connections.send(Send::new(flow, "x".into()));
    assert_eq!(rig.hear(), format!("disconnected {}", flow.remote));
}

#[test]
fn a_handshake_that_does_not_end_is_given_up() {
    let patience = Patience { handshake: SHORT, message: LIMIT, ..short() };
    let rig = Rig::of(Transport::Ws, patience, LIMIT);
    let mut silent = rig.client();
    let mut slow = rig.client();
    slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    assert!(is_closed(&mut silent) && is_closed(&mut slow));
    assert!(rig.inbox.ready().is_none());
}

/// A TLS server that proves to be `sbc.example`, for one connection; what it reads.
fn tls_server(listener: &TcpListener, config: Arc<rustls::ServerConfig>) -> Option<[u8; 3]> {
    let (mut tcp, _) = listener.accept().unwrap();
    let mut tls = rustls::ServerConnection::new(config).unwrap();
    let mut bytes = [0; 3];
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    stream.read_exact(&mut bytes).ok().map(|()| bytes)
}

#[test]
fn a_server_that_is_dialled_must_prove_its_name() {
    let provider = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let params = rcgen::CertificateParams::new(["SBC.example".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap().der().clone();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    let (client, server) = (Arc::new(client), Arc::new(server));
    for (name, proves) in
        [(Some("sbc.example"), true), (Some("evil.example"), false), (None, false)]
    {
        let rig = Rig::of(Transport::Tls, Patience::default(), LIMIT);
        let made_with =
            ConnectionSettings { client: Some(Arc::clone(&client)), ..Default::default() };
        let adopted = Adopted { made_with, trunks: Vec::new(), idle: LIMIT };
        *rig.connections.0.adopted.lock().unwrap() = Arc::new(adopted);
        let peer = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = peer.local_addr().unwrap();
        let config = Arc::clone(&server);
        let peer = std::thread::spawn(move || tls_server(&peer, config));
        let flow = Flow { transport: Transport::Tls, ..rig.flow(remote) };
        let server_name = name.map(Into::into);
        rig.connections.send(Send { server_name, ..Send::new(flow, "abc".into()) });
        if proves {
            assert_eq!(rig.hear(), "connected [\"sbc.example\"]");
        }
        assert_eq!(peer.join().unwrap(), proves.then_some(*b"abc"), "{name:?}");
        assert_eq!(rig.hear(), format!("disconnected {remote}"));
    }
}

#[test]
fn what_one_connection_proved_is_not_proved_of_the_next_with_its_address() {
    let rig = Rig::new(Patience::default(), LIMIT);
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = rig.flow(peer.local_addr().unwrap());
    let shared = &rig.connections.0;
    let old = Presence::enter(shared, &mut shared.book(), flow);
    old.prove(vec!["sbc.example".to_owned()]);
    let new = Presence::enter(shared, &mut shared.book(), flow);
    assert_eq!(rig.hear(), "connected [\"sbc.example\"]");
    assert_eq!(rig.hear(), "connected []");
    // The old one is heard no more, and its end is not that of the flow.
    assert!(!rig.runtime.block_on(old.deliver(OPTIONS.into())));
    drop(old);
    assert!(rig.inbox.ready().is_none());
    drop(new);
    assert_eq!(rig.hear(), format!("disconnected {}", flow.remote));
}
