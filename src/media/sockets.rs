//! Opens the UDP sockets of streams: two for each, or one that browsers share. Nothing here knows what
//! they are for.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

/// DSCP EF (46, RFC 3246) in the upper six bits of the TOS byte: voice goes first.
const EXPEDITED: u32 = 46 << 2;
/// Kernel buffer asked for on the RTP socket, bytes: a second of audio survives a slow turn.
const RTP_BUFFER: usize = 256 << 10;
/// The same on a socket that many streams share.
const SHARED_BUFFER: usize = 4 << 20;

/// RTP on an even port, RTCP on the next (RFC 3550 §11).
#[derive(Debug)]
pub(super) struct Pair {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl Pair {
    /// Binds `port` and the next one.
    pub fn bind(address: IpAddr, port: u16) -> io::Result<Self> {
        let rtp = open(SocketAddr::new(address, port))?;
        let rtcp = open(SocketAddr::new(address, port.saturating_add(1)))?;
        // The system may grant less than asked, which is a pity and no fault.
        let _ = rtp.set_recv_buffer_size(RTP_BUFFER);
        let _ = rtp.set_send_buffer_size(RTP_BUFFER);
        Ok(Self { rtp: UdpSocket::from_std(rtp.into()), rtcp: UdpSocket::from_std(rtcp.into()) })
    }
}

/// Opens a socket that streams share: at `candidate` where this machine has that address. Behind a NAT
/// the world knows us by another one, and the socket is at `bind`, or at all addresses where that is of
/// the other IP version.
pub(super) fn shared(candidate: SocketAddr, bind: IpAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match candidate {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let behind = if bind.is_ipv4() == candidate.is_ipv4() { bind } else { any };
    let socket = open(candidate).or_else(|error| match error.kind() {
        io::ErrorKind::AddrNotAvailable => open(SocketAddr::new(behind, candidate.port())),
        _ => Err(error),
    })?;
    let _ = socket.set_recv_buffer_size(SHARED_BUFFER);
    let _ = socket.set_send_buffer_size(SHARED_BUFFER);
    Ok(UdpSocket::from_std(socket.into()))
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    let marked = if address.is_ipv4() {
        socket.set_tos_v4(EXPEDITED)
    } else {
        // A mapped IPv4 source would never equal the address that SDP named.
        socket.set_only_v6(true)?;
        socket.set_tclass_v6(EXPEDITED)
    };
    if let Err(error) = marked {
        tracing::debug!(%error, %address, "packets go out without DSCP EF");
    }
    socket.bind(&address.into())?;
    Ok(socket)
}
