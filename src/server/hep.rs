//! Sends a copy of every SIP message to a Homer collector: a bounded queue, one thread, one UDP
//! socket. A collector that is slow, gone or never there costs a call nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;

use crate::sip::{Flow, Transport, glance};
use crate::telemetry::hep::{Agent, Captured, HepSettings, packet};
use crate::vocabulary::{CallId, WallTime, limits};

/// Numbers of the protocols under SIP, as IANA assigns them.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// One message of one turn.
#[derive(Debug)]
pub(super) struct Tapped {
    pub at: WallTime,
    pub received: bool,
    pub flow: Flow,
    pub message: Bytes,
    /// The call that it belongs to, when it is of one: both legs show as one call.
    pub call: Option<CallId>,
}

/// Where taps are handed in.
#[derive(Debug)]
pub(super) struct Hep(SyncSender<Tapped>);

impl Hep {
    /// Starts the sending thread; it ends when this value is gone. `own` is our address where a
    /// socket is bound to all of them.
    ///
    /// # Errors
    /// When the system gives no socket or no thread.
    pub fn start(settings: HepSettings, own: IpAddr) -> std::io::Result<(Self, JoinHandle<()>)> {
        let any: IpAddr = match settings.collector {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        let (sender, taps) = sync_channel(limits::HEP_QUEUE);
        let thread = super::spawn("hep", move || run(&socket, &taps, &settings, own))?;
        Ok((Self(sender), thread))
    }

    /// Hands in one message and returns at once; a full queue drops it and counts.
    pub fn tell(&self, tapped: Tapped) {
        if self.0.try_send(tapped).is_err() {
            dropped();
        }
    }
}

fn dropped() {
    metrics::counter!("siaga112_hep_dropped_total").increment(1);
}

fn run(socket: &UdpSocket, taps: &Receiver<Tapped>, settings: &HepSettings, own: IpAddr) {
    let agent = Agent { id: settings.capture_id, password: settings.password.reveal() };
    for tapped in taps {
        let local = match tapped.flow.local {
            local if local.ip().is_unspecified() => SocketAddr::new(own, local.port()),
            local => local,
        };
        let remote = tapped.flow.remote;
        let (from, to) = if tapped.received { (remote, local) } else { (local, remote) };
        let message = glance::masked(&tapped.message);
        let correlation = match tapped.call {
            Some(call) => call.to_string(),
            None => glance::call_id(&message).unwrap_or_default().into_owned(),
        };
        let captured = Captured {
            at: tapped.at,
            from,
            to,
            protocol: if tapped.flow.transport == Transport::Udp { UDP } else { TCP },
            message: &message,
            correlation: &correlation,
        };
        if let Err(error) = socket.send_to(&packet(&captured, &agent), settings.collector) {
            tracing::debug!(%error, collector = %settings.collector, "capture not sent");
            dropped();
        }
    }
}
