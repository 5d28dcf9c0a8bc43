//! UDP sockets to datagrams with addresses, and back. One thread reads each socket; the
//! switchboard's thread writes to it without ever waiting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use super::inbox::InboxSender;
use crate::sip::{Flow, Listener, Send, Transport};
use crate::switchboard::Input;
use crate::vocabulary::limits;

/// A listening address could not be taken.
#[derive(Debug, Error)]
#[error(
    "cannot listen on {listener}: {source}; is another program (or another siaga112) using the \
     port? Choose another in [sip] listen"
)]
pub struct ListenError {
    pub(super) listener: Listener,
    pub(super) source: io::Error,
}

/// One listening socket.
#[derive(Debug)]
pub struct UdpListener {
    socket: Arc<Socket>,
    /// The address that was bound.
    pub address: SocketAddr,
}

impl UdpListener {
    /// Binds an address.
    ///
    /// # Errors
    /// [`ListenError`] with the address and the operating system's words.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let listener = Listener { transport: Transport::Udp, address };
        let fail = |source| ListenError { listener, source };
        let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).map_err(fail)?;
        if address.is_ipv6() {
            socket.set_only_v6(true).map_err(fail)?;
        }
        // The kernel gives what it allows; a smaller buffer is no reason not to serve.
        let _ = socket.set_recv_buffer_size(limits::SIP_SOCKET_BUFFER);
        let _ = socket.set_send_buffer_size(limits::SIP_SOCKET_BUFFER);
        socket.bind(&address.into()).map_err(fail)?;
        // A reader that wakes up now and then can be told to stop.
        socket.set_read_timeout(Some(Duration::from_millis(500))).map_err(fail)?;
        let bound = socket.local_addr().map_err(fail)?.as_socket().unwrap_or(address);
        Ok(Self { socket: Arc::new(socket), address: bound })
    }

    /// The writing half.
    #[must_use]
    pub fn sender(&self) -> UdpSender {
        UdpSender { socket: Arc::clone(&self.socket) }
    }

    /// Reads datagrams into the inbox until `stop` is set. A full inbox drops and counts: a
    /// caller's switch sends again.
    pub fn read(&self, inbox: &InboxSender, stop: &AtomicBool) {
        let udp: std::net::UdpSocket = match self.socket.try_clone() {
            Ok(socket) => socket.into(),
            Err(error) => {
                tracing::error!(%error, address = %self.address, "SIP socket lost");
                return;
            }
        };
        let mut buffer = vec![0; limits::SIP_MESSAGE_BYTES + 1];
        while !stop.load(Ordering::Relaxed) {
            match udp.recv_from(&mut buffer) {
                Ok((length, remote)) => {
                    let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                    let flow = Flow { transport: Transport::Udp, local: self.address, remote };
                    inbox.datagram(Input::Sip { flow, bytes });
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::Interrupted => {}
                    // A peer's port is closed: the kernel tells us about an earlier datagram.
                    io::ErrorKind::ConnectionRefused => {}
                    _ => tracing::warn!(%error, address = %self.address, "SIP socket"),
                },
            }
        }
    }
}

/// Sends datagrams from a listening socket.
#[derive(Clone, Debug)]
pub struct UdpSender {
    socket: Arc<Socket>,
}

impl UdpSender {
    /// Sends one datagram; a full buffer or an unreachable peer is a lost datagram, which SIP
    /// repeats.
    pub fn send(&self, send: &Send) {
        let to = send.flow.remote.into();
        if let Err(error) = self.socket.send_to_with_flags(&send.bytes, &to, libc::MSG_DONTWAIT) {
            tracing::debug!(%error, flow = %send.flow, "datagram not sent");
        }
    }
}
