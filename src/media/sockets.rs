//! Opens the two UDP sockets of a stream. Nothing here knows what they are for.

use std::io;
use std::net::{IpAddr, SocketAddr};

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

/// DSCP EF (46, RFC 3246) in the upper six bits of the TOS byte: voice goes first.
const EXPEDITED: u32 = 46 << 2;
/// Kernel buffer asked for on the RTP socket, bytes: a second of audio survives a slow turn.
const RTP_BUFFER: usize = 256 << 10;

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
