//! Where HTTP comes in: TCP, or TLS over it where there is a certificate. A handshake that takes its time
//! keeps nobody else out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

/// Handshakes at once; further connections wait in the system's queue.
const HANDSHAKES: usize = 128;
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

type Come = (Pin<Box<dyn Wire>>, SocketAddr);

/// The listener that connections come from when they are ready to be spoken with.
pub(super) struct Door {
    address: io::Result<SocketAddr>,
    ready: mpsc::Receiver<Come>,
}

impl Door {
    pub(super) fn open(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = listener.local_addr();
        let (put, ready) = mpsc::channel(HANDSHAKES);
        tokio::spawn(greet(listener, tls.map(TlsAcceptor::from), put));
        Self { address, ready }
    }
}

async fn greet(listener: TcpListener, tls: Option<TlsAcceptor>, put: mpsc::Sender<Come>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
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
        let Some(tls) = tls.clone() else {
            if put.send((Box::pin(stream), peer)).await.is_err() {
                return;
            }
            continue;
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let put = put.clone();
        tokio::spawn(async move {
            let _place = place;
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
