//! The real program over TCP, TLS, WebSocket and IPv6: phones register and answer, trunks call, and
//! what happens when a connection is lost, silent, or not what it should be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use support::gateway::{Centre, Gateway, account};
use support::phone::{Phone, sdp};
use support::pki::Authority;
use support::sipp::Sipp;
use support::wait::until;
use support::wire::{Peer, Story};

const SECURE: &[&str] = &["tcp", "tls", "ws", "wss"];
/// The one header that a SIP client's WebSocket must have.
const SIP: &[(&str, &str)] = &[("Sec-WebSocket-Protocol", "sip")];

fn secure() -> (Arc<Authority>, Gateway) {
    let authority = Arc::new(Authority::new());
    let tls = Some((Arc::clone(&authority), ""));
    let centre = Centre {
        transports: SECURE,
        tls,
        certified_trunk: Some("sbc.telco.example"),
        browsers: false,
        ..Centre::default()
    };
    (authority, centre.start())
}

fn plain() -> Gateway {
    Centre { transports: &["tcp", "ws"], browsers: false, ..Centre::default() }.start()
}

fn media(peer: &Peer) -> String {
    // Nobody listens there: these stories are about signalling.
    sdp(SocketAddr::new(
        if peer.local.is_ipv4() { peer.local.ip() } else { IpAddr::from([127, 0, 0, 1]) },
        9,
    ))
}

/// Waits for a state of seat 1.
fn await_seat(gateway: &Gateway, state: &str) {
    until(&format!("seat-1 is {state}"), || {
        (gateway.seat("seat-1").expect("listed")["state"] == state).then_some(())
    });
}

/// A trunk that calls 112.
fn call(trunk: &mut Peer, gateway: SocketAddr) -> Story {
    let mut story = Story::new(trunk, "+6281234567890", &format!("sip:112@{gateway}"));
    let contact = format!("Contact: {}\r\n", trunk.contact("trunk"));
    let sdp = media(trunk);
    story.request(trunk, "INVITE", &contact, &sdp);
    story
}

/// The phone takes the call that rings it, and the trunk hears of it.
fn take(phone: &mut Peer, trunk: &mut Peer, story: &mut Story) {
    let invite = phone.await_request("INVITE");
    phone.answer(&invite, 180, "");
    let sdp = media(phone);
    phone.answer(&invite, 200, &sdp);
    phone.await_request("ACK");
    story.await_answer(trunk);
}

/// The trunk ends the call, and the phone hears of it.
fn end(phone: &mut Peer, trunk: &mut Peer, story: &mut Story) {
    story.request(trunk, "BYE", "", "");
    trunk.await_status(200, "BYE");
    let bye = phone.await_request("BYE");
    phone.answer(&bye, 200, "");
}

#[test]
fn phones_of_every_transport_take_calls_and_are_signed_out_when_their_connection_ends() {
    let (authority, gateway) = secure();
    let seat = gateway.site.seat(1);
    for transport in SECURE {
        let at = gateway.at(transport);
        let client = authority.client(None);
        let mut phone = match *transport {
            "tcp" => Peer::tcp(seat, at),
            "tls" => Peer::tls(seat, at, client).expect("TLS"),
            "ws" => Peer::websocket(seat, at, None, SIP).expect("WS"),
            _ => Peer::websocket(seat, at, Some(client), SIP).expect("WSS"),
        };
        phone.register(&account("seat-1"), "");
        await_seat(&gateway, "ready");
        let mut trunk = Peer::tcp(gateway.site.trunk(), gateway.at("tcp"));
        let mut story = call(&mut trunk, gateway.at("tcp"));
        take(&mut phone, &mut trunk, &mut story);
        end(&mut phone, &mut trunk, &mut story);
        await_seat(&gateway, "ready");
        let metrics = gateway.get("/metrics");
        let open = format!("siaga112_sip_connections{{transport=\"{transport}\"}}");
        let metrics = String::from_utf8(metrics.body).unwrap();
        assert!(metrics.contains(&open), "{metrics}");
        drop(phone);
        await_seat(&gateway, "paused");
    }
    let calls = gateway.incidents(SECURE.len());
    assert!(calls.iter().all(|call| call.ending() == "talking caller hung-up"), "{calls:?}");
    gateway.stop();
}

#[test]
fn a_trunk_is_known_by_its_certificate_alone() {
    let (authority, gateway) = secure();
    let mut phone = Peer::tcp(gateway.site.seat(1), gateway.at("tcp"));
    phone.register(&account("seat-1"), "");
    let (stranger, at) = (gateway.site.stranger(), gateway.at("tls"));
    let own = authority.sign(&["SBC.telco.example"]);
    let mut trunk = Peer::tls(stranger, at, authority.client(Some(&own))).expect("TLS");
    let mut story = call(&mut trunk, at);
    take(&mut phone, &mut trunk, &mut story);
    end(&mut phone, &mut trunk, &mut story);
    assert_eq!(gateway.incident().text("trunk"), "mutual");

    // Signed, but by another name; not signed by anybody that we trust; none at all.
    let other = authority.sign(&["sbc.elsewhere.example"]);
    let forged = Authority::new().sign(&["sbc.telco.example"]);
    for identity in [Some(&other), None] {
        let mut trunk = Peer::tls(stranger, at, authority.client(identity)).expect("TLS");
        call(&mut trunk, at);
        trunk.await_status(403, "INVITE");
    }
    // In TLS 1.3 the client hears of the refusal after its own half of the handshake.
    if let Ok(mut trunk) = Peer::tls(stranger, at, authority.client(Some(&forged))) {
        trunk.await_end();
    }
    assert_eq!(gateway.incidents(1).len(), 1);
    gateway.stop();
}

#[test]
fn a_segment_is_not_a_message() {
    let gateway = plain();
    let at = gateway.at("tcp");
    let mut trunk = Peer::tcp(gateway.site.trunk(), at);
    let mut pings = Story::new(&trunk, "trunk", &format!("sip:{at}"));
    let two = pings.text(&trunk, "OPTIONS", "", "") + &pings.text(&trunk, "OPTIONS", "", "");
    trunk.send(two.as_bytes());
    for number in ["1 OPTIONS", "2 OPTIONS"] {
        assert_eq!(trunk.await_status(200, "OPTIONS").header("CSeq"), number);
    }
    // Byte by byte, with a body; and with keep-alives before it.
    let mut body = Story::new(&trunk, "trunk", &format!("sip:112@{at}"));
    let sdp = media(&trunk);
    let invite = body.text(&trunk, "INVITE", "", &sdp);
    trunk.send(b"\r\n\r\n");
    trunk.expect(b"\r\n");
    for byte in invite.as_bytes() {
        trunk.send(std::slice::from_ref(byte));
    }
    trunk.await_status(180, "INVITE");
    // What is no SIP is not listened to.
    let mut browser = Peer::tcp(gateway.site.stranger(), at);
    browser.send(b"GET / HTTP/1.1\r\n\r\n");
    browser.await_end();
    drop(trunk);
    drop(gateway);
}

#[test]
fn a_talk_follows_its_phone_to_a_new_connection() {
    let gateway = plain();
    let (seat, at) = (gateway.site.seat(1), gateway.at("tcp"));
    let instance = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";
    let mut phone = Peer::tcp(seat, at);
    phone.register(&account("seat-1"), instance);
    let mut trunk = Peer::tcp(gateway.site.trunk(), at);
    let mut story = call(&mut trunk, at);
    take(&mut phone, &mut trunk, &mut story);
    // Its power was cut: the old connection still stands when the phone comes back.
    let mut again = Peer::tcp(seat, at);
    again.register(&account("seat-1"), instance);
    drop(phone);
    end(&mut again, &mut trunk, &mut story);
    await_seat(&gateway, "ready");

    // Its connection was lost: the first that registers after that is the phone.
    let mut story = call(&mut trunk, at);
    take(&mut again, &mut trunk, &mut story);
    drop(again);
    await_seat(&gateway, "talking");
    let mut ws = Peer::websocket(seat, gateway.at("ws"), None, SIP).expect("WS");
    // Told in order: the end of the old connection, then what comes by the new one.
    until("the old connection is closed", || {
        let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
        metrics.contains("siaga112_sip_connections{transport=\"tcp\"} 1").then_some(())
    });
    ws.register(&account("seat-1"), "");
    end(&mut ws, &mut trunk, &mut story);
    let endings = gateway.incidents(2);
    assert!(endings.iter().all(|call| call.ending() == "talking caller hung-up"), "{endings:?}");
    gateway.stop();
}

#[test]
fn a_caller_whose_connection_was_lost_is_told_by_a_new_one() {
    let gateway = plain();
    let at = gateway.at("tcp");
    let mut phone = Peer::tcp(gateway.site.seat(1), at);
    phone.register(&account("seat-1"), "");
    let listens = TcpListener::bind((gateway.site.trunk(), 0)).expect("bound");
    let mut trunk = Peer::tcp(gateway.site.trunk(), at);
    let mut story = Story::new(&trunk, "+6281234567890", &format!("sip:112@{at}"));
    let own = listens.local_addr().expect("bound");
    let contact = format!("Contact: <sip:trunk@{own};transport=tcp>\r\n");
    let sdp = media(&trunk);
    story.request(&mut trunk, "INVITE", &contact, &sdp);
    let invite = phone.await_request("INVITE");
    let sdp = media(&phone);
    phone.answer(&invite, 200, &sdp);
    story.await_answer(&mut trunk);
    drop(trunk);
    await_seat(&gateway, "talking");
    until("the trunk's connection is closed", || {
        let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
        metrics.contains("siaga112_sip_connections{transport=\"tcp\"} 1").then_some(())
    });
    let tag = invite.header("From").to_owned();
    let bye = format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/TCP {};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n\
         From: {};tag=ours\r\nTo: {tag}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n",
        invite.target(),
        phone.local,
        invite.header("To"),
        invite.header("Call-ID"),
    );
    phone.send(bye.as_bytes());
    phone.await_status(200, "BYE");
    let (socket, from) = listens.accept().expect("the gateway connects");
    assert_eq!(from.ip(), IpAddr::V4(gateway.site.gateway()));
    let mut trunk = Peer::accepted(socket, at);
    let bye = trunk.await_request("BYE");
    trunk.answer(&bye, 200, "");
    assert_eq!(gateway.incident().ending(), "talking seat hung-up");
    gateway.stop();
}

#[test]
fn a_reload_shows_the_new_certificate_to_new_connections_only() {
    let (authority, gateway) = secure();
    let (trunk, at) = (gateway.site.trunk(), gateway.at("tls"));
    let mut old = Peer::tls(trunk, at, authority.client(None)).expect("TLS");
    let next = Authority::new();
    let own = at.ip().to_string();
    let tls = gateway.config().join("tls");
    let cert = std::fs::read(tls.join("cert.pem")).expect("a file");
    let adopted = |text: &str| until(text, || gateway.log().contains(text).then_some(()));

    // A bad one is refused whole.
    std::fs::write(tls.join("cert.pem"), next.sign(&[&own]).cert_pem).expect("written");
    gateway.signal("HUP");
    adopted("is not that of the certificate");
    assert!(Peer::tls(trunk, at, authority.client(None)).is_ok());
    std::fs::write(tls.join("cert.pem"), cert).expect("written");

    next.write(&gateway.config(), &[&own]);
    gateway.signal("HUP");
    adopted("configuration adopted");
    assert!(Peer::tls(trunk, at, authority.client(None)).is_err());
    let mut new = Peer::tls(trunk, at, next.client(None)).expect("TLS");
    for peer in [&mut old, &mut new] {
        let mut pings = Story::new(peer, "trunk", &format!("sip:{at}"));
        pings.request(peer, "OPTIONS", "", "");
        peer.await_status(200, "OPTIONS");
    }
    gateway.stop();
}

#[test]
fn a_websocket_must_speak_sip_and_come_from_a_page_that_may() {
    let authority = Arc::new(Authority::new());
    let more = "ws_origins = [\"https://seats.112.example\"]";
    let tls = Some((authority, more));
    let gateway = Centre { transports: &["ws"], tls, ..Centre::default() }.start();
    let (seat, at) = (gateway.site.seat(1), gateway.at("ws"));
    let with = |headers: &[(&'static str, &str)]| Peer::websocket(seat, at, None, headers);
    let page = |origin| [("Sec-WebSocket-Protocol", "sip"), ("Origin", origin)];
    assert_eq!(with(&[]).err(), Some(400));
    assert_eq!(with(&[("Sec-WebSocket-Protocol", "xmpp")]).err(), Some(400));
    assert_eq!(with(&page("https://evil.example")).err(), Some(403));
    let mut phone = with(&page("https://seats.112.example")).expect("WS");
    phone.send(b"\r\n\r\n");
    phone.expect(b"\r\n");
    phone.register(&account("seat-1"), "");
    assert!(with(SIP).is_ok(), "a phone that is no browser");
    phone.send(b"hello");
    phone.await_end();
    await_seat(&gateway, "paused");
    let mut long = with(SIP).expect("WS");
    long.send(&[b'x'; 65_536]);
    long.await_end();
    gateway.stop();
}

#[test]
fn ipv6_carries_calls_too() {
    let gateway = Centre { transports: &["tcp"], dual_stack: true, ..Centre::default() }.start();
    let ip: IpAddr = "::1".parse().unwrap();
    let at = gateway.at_v6("tcp");
    let mut phone = Peer::tcp(ip, at);
    phone.register(&account("seat-1"), "");
    let mut trunk = Peer::tcp(ip, at);
    let mut story = call(&mut trunk, at);
    take(&mut phone, &mut trunk, &mut story);
    end(&mut phone, &mut trunk, &mut story);
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn a_peer_that_does_not_read_disturbs_nobody() {
    let gateway = plain();
    let at = gateway.at("tcp");
    let mut deaf = Peer::tcp(gateway.site.trunk(), at);
    let mut pings = Story::new(&deaf, "trunk", &format!("sip:{at}"));
    let mut phone = Peer::tcp(gateway.site.seat(1), at);
    phone.register(&account("seat-1"), "");
    // What it is answered stays unread.
    let long = format!("Via: SIP/2.0/TCP h;branch=z9hG4bK{}\r\n", "x".repeat(30_000));
    let large = pings.text(&deaf, "OPTIONS", &long, "");
    let flood = |deaf: &mut Peer| deaf.try_send(large.as_bytes());
    for _ in 0..100 {
        flood(&mut deaf).expect("the gateway still takes it");
    }
    let mut trunk = Peer::tcp(gateway.site.trunk(), at);
    let mut story = call(&mut trunk, at);
    take(&mut phone, &mut trunk, &mut story);
    end(&mut phone, &mut trunk, &mut story);
    until("the gateway closes the connection", || {
        (0..100).any(|_| flood(&mut deaf).is_err()).then_some(())
    });
    let closed = "siaga112_sip_connections_closed_total{why=\"not-reading\"}";
    let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
    assert!(metrics.contains(closed), "{metrics}");
    gateway.stop();
}

#[test]
fn one_source_does_not_take_every_place() {
    let gateway = plain();
    let at = gateway.at("tcp");
    let stranger = gateway.site.stranger();
    let held: Vec<Peer> = (0..256).map(|_| Peer::tcp(stranger, at)).collect();
    Peer::tcp(stranger, at).await_end();
    // A known trunk has no such limit, and others are let in.
    let trunks: Vec<TcpStream> = (0..300)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
            let socket = socket.expect("a socket");
            let from = SocketAddr::from((gateway.site.trunk(), 0));
            socket.bind(&from.into()).expect("bound");
            socket.connect(&at.into()).expect("connected");
            socket.into()
        })
        .collect();
    let mut trunk = Peer::accepted(trunks.into_iter().next_back().expect("one"), at);
    let mut pings = Story::new(&trunk, "trunk", &format!("sip:{at}"));
    pings.request(&mut trunk, "OPTIONS", "", "");
    trunk.await_status(200, "OPTIONS");
    let mut phone = Peer::tcp(gateway.site.seat(1), at);
    phone.register(&account("seat-1"), "");
    drop(held);
    gateway.stop();
}

#[test]
fn stun_is_answered_to_known_sources_only() {
    let gateway = plain();
    let request = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    let known = std::net::UdpSocket::bind((gateway.site.trunk(), 0)).expect("bound");
    let stranger = std::net::UdpSocket::bind((gateway.site.stranger(), 0)).expect("bound");
    stranger.send_to(request, gateway.sip).expect("sent");
    known.send_to(request, gateway.sip).expect("sent");
    known.set_read_timeout(Some(Duration::from_secs(40))).expect("set");
    let mut answer = [0; 100];
    let length = known.recv(&mut answer).expect("an answer");
    assert_eq!((length, answer[..2].to_vec()), (32, vec![1, 1]));
    assert_eq!(answer[8..20], *b"abcdefghijkl");
    // The stranger asked before: nothing came, nothing will.
    stranger.set_nonblocking(true).expect("set");
    assert!(stranger.recv(&mut answer).is_err());
    gateway.stop();
}

#[test]
fn sipp_calls_over_tcp() {
    let gateway = plain();
    let mut phone = Peer::tcp(gateway.site.seat(1), gateway.at("tcp"));
    phone.register(&account("seat-1"), "");
    let at = gateway.at("tcp").to_string();
    let sipp = Sipp::trunk_at(&gateway, "caller-hangs-up-expect-200", &at)
        .with(&["-t", "t1", "-d", "100"])
        .start();
    let invite = phone.await_request("INVITE");
    let sdp = media(&phone);
    phone.answer(&invite, 200, &sdp);
    let bye = phone.await_request("BYE");
    phone.answer(&bye, 200, "");
    sipp.finish();
    assert_eq!(gateway.incident().ending(), "talking caller hung-up");
    gateway.stop();
}

#[test]
fn udp_phones_and_connected_ones_talk_with_each_other() {
    let gateway = plain();
    let mut seat = Peer::websocket(gateway.site.seat(1), gateway.at("ws"), None, SIP).expect("WS");
    seat.register(&account("seat-1"), "");
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let target = format!("sip:112@{}", gateway.sip);
    let mut call = support::phone::Dialog::new(&trunk, "+6281234567890", &target);
    call.invite(&trunk, SocketAddr::from((gateway.site.trunk(), 9)));
    let invite = seat.await_request("INVITE");
    assert!(invite.header("Via").starts_with("SIP/2.0/WS "), "{invite:?}");
    assert!(invite.header("Contact").contains("transport=ws"), "{invite:?}");
    let sdp = media(&seat);
    seat.answer(&invite, 200, &sdp);
    call.await_answer(&trunk);
    call.hang_up(&trunk);
    let bye = seat.await_request("BYE");
    seat.answer(&bye, 200, "");
    gateway.stop();
}
