//! The listening sockets of the transports with connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::book::Admission;
use super::{Shared, flow_of, open};
use crate::server::sip_udp::ListenError;
use crate::sip::Listener;

/// Connections that the kernel keeps for us while we are busy.
const BACKLOG: i32 = 1024;
/// A rest when the system has no descriptors left.
const REST: Duration = Duration::from_millis(100);

/// One listening socket.
#[derive(Debug)]
pub(in crate::server) struct StreamListener {
    socket: TcpListener,
    /// The address that was bound.
    pub listener: Listener,
}

impl StreamListener {
    /// Binds an address.
    pub fn bind(listener: Listener) -> Result<Self, ListenError> {
        let bound = socket(listener).and_then(|socket| {
            let address = socket.local_addr()?;
            Ok(Self { socket, listener: Listener { address, ..listener } })
        });
        bound.map_err(|source| ListenError { listener, source })
    }
}

fn socket(listener: Listener) -> io::Result<TcpListener> {
    let address = listener.address;
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait until the connections of before are forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until the gateway stops.
pub(super) async fn accept(listener: StreamListener, shared: Arc<Shared>) {
    let StreamListener { socket, listener } = listener;
    let mut stopping = shared.stopping.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((tcp, remote)) => {
                let flow = flow_of(listener, remote);
                let trunk = shared.adopted().is_trunk(remote.ip());
                let admission = Admission::ask(&shared, &mut shared.book(), &flow, trunk);
                match admission {
                    Some(admission) => {
                        shared.spawn(open::take(Arc::clone(&shared), admission, flow, tcp));
                    }
                    None => tracing::debug!(%flow, "no room for a connection"),
                }
            }
            Err(error) => {
                tracing::warn!(%error, %listener, "cannot accept a connection");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
