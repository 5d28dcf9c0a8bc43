//! The server's end of a WebSocket (RFC 6455): the handshake, and sending to a client that may not read.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::SinkExt;
use futures_util::stream::{SplitSink, SplitStream, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::problem::Problem;

/// The longest message that a client may send; all that we look for is its end.
const MESSAGE: usize = 4096;
/// A client that takes nothing for so long is cut.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a client gets no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It left.
    Over,
    /// It does not read.
    Slow,
}

/// Where a client reads.
pub(super) struct Out(SplitSink<WebSocketStream<TokioIo<Upgraded>>, Message>);

/// What a client sends.
pub(super) type Back = SplitStream<WebSocketStream<TokioIo<Upgraded>>>;

/// Answers the handshake of a request; the socket is there once the answer has gone out.
pub(super) fn accept(request: &mut Request) -> Result<(Response, OnUpgrade), Problem> {
    let headers = request.headers();
    let says = |name: HeaderName, wanted: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    let is = says(CONNECTION, "upgrade") && says(UPGRADE, "websocket");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is && says(SEC_WEBSOCKET_VERSION, "13"));
    let accept =
        key.map(|key| derive_accept_key(key.as_bytes())).ok_or_else(Problem::no_websocket)?;
    let head = [
        (CONNECTION, "upgrade".to_owned()),
        (UPGRADE, "websocket".to_owned()),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    let answer = (StatusCode::SWITCHING_PROTOCOLS, head, Body::empty()).into_response();
    Ok((answer, hyper::upgrade::on(request)))
}

/// The two directions of a socket.
pub(super) async fn open(upgraded: Upgraded) -> (Out, Back) {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).write_buffer_size(0);
    let socket = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
    let (out, back) = socket.split();
    (Out(out), back)
}

impl Out {
    /// Sends a message, or finds out that nobody reads it.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(PATIENCE, self.0.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Over),
            Err(_) => Err(End::Slow),
        }
    }

    /// Says why it is over.
    pub(super) async fn close(mut self, code: CloseCode, why: &str) {
        let frame = CloseFrame { code, reason: why.to_owned().into() };
        let close = self.0.send(Message::Close(Some(frame)));
        // Whoever does not read does not hear this either.
        let _ = tokio::time::timeout(Duration::from_secs(1), close).await;
    }
}
