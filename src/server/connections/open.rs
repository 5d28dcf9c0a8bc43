//! How a connection begins: accepted or dialled, with its handshakes and what they prove.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::book::{Admission, Presence};
use super::{Shared, stream, websocket};
use crate::sip::{Flow, Transport, Uri};
use crate::vocabulary::limits;

/// A silent peer is asked by the kernel whether it is there, this often.
const PROBE: Duration = Duration::from_secs(60);

/// Bytes both ways.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Pipe for T {}

/// Serves a connection that a peer has opened. Nothing is told of it before its first message.
pub(super) async fn take(shared: Arc<Shared>, admission: Admission, flow: Flow, tcp: TcpStream) {
    prepare(&tcp);
    let handshake = async {
        let (pipe, names) = secure_accepted(&shared, flow, tcp).await?;
        if !matches!(flow.transport, Transport::Ws | Transport::Wss) {
            return Ok::<_, io::Error>((Line::Stream(pipe), names));
        }
        let origins = shared.adopted();
        let ws = websocket::accept(pipe, &origins.made_with.ws_origins).await?;
        Ok((Line::WebSocket(Box::new(ws)), names))
    };
    let mut stopping = shared.stopping.subscribe();
    let opened = tokio::select! {
        opened = timeout(shared.patience.handshake, handshake) => opened,
        _ = stopping.wait_for(|stop| *stop) => return,
    };
    let (line, names) = match opened.map_err(io::Error::from).flatten() {
        Ok(opened) => opened,
        Err(error) => return failed(flow, &error),
    };
    let presence = Presence::enter(&shared, &mut shared.book(), flow);
    if !names.is_empty() {
        presence.prove(names);
    }
    match line {
        Line::Stream(pipe) => stream::run(&shared, presence, pipe).await,
        Line::WebSocket(ws) => websocket::run(&shared, presence, *ws).await,
    }
    drop(admission);
}

enum Line {
    Stream(Box<dyn Pipe>),
    WebSocket(Box<websocket::WebSocket>),
}

/// Opens a connection for messages that wait already. What cannot be opened is told as lost.
pub(super) async fn dial(
    shared: Arc<Shared>,
    admission: Admission,
    presence: Presence,
    server_name: Option<Box<str>>,
) {
    let flow = presence.flow;
    let opened = async {
        let tcp = timeout(shared.patience.connect, connect(flow)).await??;
        prepare(&tcp);
        if flow.transport != Transport::Tls {
            return Ok::<_, io::Error>((Box::new(tcp) as Box<dyn Pipe>, Vec::new()));
        }
        let handshake = secure_dialled(&shared, flow, tcp, server_name.as_deref());
        timeout(shared.patience.handshake, handshake).await?
    };
    match opened.await {
        Ok((pipe, names)) => {
            if !names.is_empty() {
                presence.prove(names);
            }
            stream::run(&shared, presence, pipe).await;
        }
        Err(error) => {
            metrics::counter!("siaga112_sip_connections_failed_total").increment(1);
            tracing::warn!(%flow, %error, "a connection cannot be opened");
        }
    }
    drop(admission);
}

fn failed(flow: Flow, error: &io::Error) {
    metrics::counter!("siaga112_sip_connections_refused_total", "why" => "handshake").increment(1);
    tracing::debug!(%flow, %error, "a handshake failed");
}

/// From the listener's address, so that the peer sees the address that it knows.
async fn connect(flow: Flow) -> io::Result<TcpStream> {
    let socket = if flow.remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !flow.local.ip().is_unspecified() {
        socket.bind(SocketAddr::new(flow.local.ip(), 0))?;
    }
    socket.connect(flow.remote).await
}

/// Small messages go out at once, and a peer that lost its power is found out.
fn prepare(tcp: &TcpStream) {
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE / 6).with_retries(3);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(limits::SIP_UNACKNOWLEDGED)));
    if let Err(error) = set {
        tracing::debug!(%error, "socket options");
    }
}

async fn secure_accepted(
    shared: &Shared,
    flow: Flow,
    tcp: TcpStream,
) -> io::Result<(Box<dyn Pipe>, Vec<String>)> {
    if !flow.transport.is_secure() {
        return Ok((Box::new(tcp), Vec::new()));
    }
    let config = shared.adopted().made_with.server.clone();
    let config = config.ok_or_else(|| io::Error::other("there is no certificate of ours"))?;
    let tls = TlsAcceptor::from(config).accept(tcp).await?;
    let names = proved(tls.get_ref().1.peer_certificates());
    Ok((Box::new(tls), names))
}

/// The server must prove the name that was dialled, or its address where there was none.
async fn secure_dialled(
    shared: &Shared,
    flow: Flow,
    tcp: TcpStream,
    name: Option<&str>,
) -> io::Result<(Box<dyn Pipe>, Vec<String>)> {
    let config = shared.adopted().made_with.client.clone();
    let config = config.ok_or_else(|| io::Error::other("there is no certificate of ours"))?;
    let name = match name {
        Some(name) => ServerName::try_from(name.to_owned()).map_err(io::Error::other)?,
        None => ServerName::IpAddress(flow.remote.ip().into()),
    };
    let tls = TlsConnector::from(config).connect(name, tcp).await?;
    let names = proved(tls.get_ref().1.peer_certificates());
    Ok((Box::new(tls), names))
}

/// The names in a certificate that was verified (RFC 5922 §7.1): DNS names and the hosts of SIP
/// URIs; the common name where there are no alternative names at all.
fn proved(chain: Option<&[CertificateDer<'_>]>) -> Vec<String> {
    let leaf = chain.and_then(<[_]>::first).and_then(|leaf| X509Certificate::from_der(leaf).ok());
    let Some((_, leaf)) = leaf else { return Vec::new() };
    let names = match leaf.subject_alternative_name() {
        Ok(Some(alternative)) => {
            let names = alternative.value.general_names.iter();
            names
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some((*name).to_owned()),
                    GeneralName::URI(uri) => Some(Uri::read(uri).host().to_owned()),
                    _ => None,
                })
                .collect()
        }
        Ok(None) => {
            let common = leaf.subject().iter_common_name();
            common.filter_map(|name| name.as_str().ok().map(str::to_owned)).collect()
        }
        // Two lists of names, or a broken one, prove nothing.
        Err(_) => Vec::new(),
    };
    names
        .into_iter()
        .filter(|name: &String| !name.is_empty())
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::proved;

    fn names(common: &str, alternative: &[SanType]) -> Vec<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names = alternative.to_vec();
        let key = KeyPair::generate().unwrap();
        proved(Some(&[params.self_signed(&key).unwrap().der().clone()]))
    }

    #[test]
    fn a_certificate_proves_its_alternative_names_or_its_common_name() {
        let dns = SanType::DnsName("SBC.Telco.example".try_into().unwrap());
        let uri = SanType::URI("sip:telco.example".try_into().unwrap());
        let web = SanType::URI("https://telco.example/x".try_into().unwrap());
        let ip = SanType::IpAddress("192.0.2.1".parse().unwrap());
        assert_eq!(names("other", &[dns, uri]), ["sbc.telco.example", "telco.example"]);
        assert!(names("other", &[web, ip]).is_empty());
        assert_eq!(names("Old.Telco.example", &[]), ["old.telco.example"]);
        assert!(proved(None).is_empty());
    }
}
