//! Where HTTP comes in: TCP, or TLS over it where there is a certificate. A handshake that takes its time
//! keeps nobody else out.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// Handshakes at once; further connections wait in the system's queue.
const HANDSHAKES: usize = 128;
/// Of these, from one address: who says nothing keeps nobody else out.
const HANDSHAKES_EACH: usize = 16;
/// Longest time for one.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A listener that fails, as without descriptors, is asked again after this.
const AGAIN: Duration = Duration::from_millis(200);

/// A connection, whatever it is made of.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// What connections are encrypted with; a new certificate is shown to those that come from then on.
pub(super) type Tls = watch::Receiver<Option<Arc<ServerConfig>>>;

type Come = (Pin<Box<dyn Wire>>, SocketAddr);

/// The listener that connections come from when they are ready to be spoken with.
pub(super) struct Door {
    address: io::Result<SocketAddr>,
    ready: mpsc::Receiver<Come>,
}

impl Door {
    pub(super) fn open(listener: TcpListener, tls: Tls) -> Self {
        let address = listener.local_addr();
        let (put, ready) = mpsc::channel(HANDSHAKES);
        tokio::spawn(greet(listener, tls, put));
        Self { address, ready }
    }
}

/// How many handshakes each address has under way.
#[derive(Clone, Debug, Default)]
struct Greeted(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One of them; it ends when this is dropped.
#[derive(Debug)]
struct Place(Greeted, IpAddr);

impl Greeted {
    /// A place for one more, unless the address has all that one may have.
    fn place(&self, address: IpAddr) -> Option<Place> {
        let mut all = self.all();
        let under_way = all.entry(address).or_default();
        if *under_way >= HANDSHAKES_EACH {
            return None;
        }
        *under_way += 1;
        Some(Place(self.clone(), address))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.0.all();
        if let Some(under_way) = all.get_mut(&self.1) {
            *under_way -= 1;
            if *under_way == 0 {
                all.remove(&self.1);
            }
        }
    }
}

async fn greet(listener: TcpListener, tls: Tls, put: mpsc::Sender<Come>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    let greeted = Greeted::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = put.closed() => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        // Small messages go out at once; a socket that refuses is gone already.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls.borrow().clone().map(TlsAcceptor::from) else {
            if put.send((Box::pin(stream), peer)).await.is_err() {
                return;
            }
            continue;
        };
        let Some(own) = greeted.place(peer.ip()) else { continue };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let put = put.clone();
        tokio::spawn(async move {
            let _places = (place, own);
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                // An error says that the console has stopped.
                let _ = put.send((Box::pin(stream), peer)).await;
            }
        });
    }
}

impl Listener for Door {
    type Io = Pin<Box<dyn Wire>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Come {
        match self.ready.recv().await {
            Some(come) => come,
            // Nobody greets any more: nobody comes.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.address {
            Ok(address) => Ok(*address),
            Err(error) => Err(error.kind().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_keeps_nobody_else_out() {
        let greeted = Greeted::default();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let mut places: Vec<Place> = std::iter::from_fn(|| greeted.place(one)).collect();
        assert_eq!(places.len(), HANDSHAKES_EACH);
        assert!(greeted.place(other).is_some());
        places.pop();
        assert!(greeted.place(one).is_some(), "one has ended");
        drop(places);
        assert!(greeted.all().is_empty(), "nothing is kept of who has gone");
    }
}
