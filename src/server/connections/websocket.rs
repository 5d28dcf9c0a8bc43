//! One WebSocket connection: one message a frame (RFC 7118), text or binary.

use std::io;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{timeout, timeout_at};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::book::Presence;
use super::open::Pipe;
use super::stream::{Closed, Watch, ended};
use super::{Shared, is_blank};
use crate::sip::framing::{Lost, PONG, is_sip};
use crate::vocabulary::limits;

/// The one subprotocol that we speak (RFC 7118 §4.1).
const SUBPROTOCOL: &str = "sip";
/// Bytes read at once.
const READ: usize = 4096;

pub(super) type WebSocket = WebSocketStream<Box<dyn Pipe>>;

/// The server's half of the handshake.
pub(super) async fn accept(pipe: Box<dyn Pipe>, origins: &[String]) -> io::Result<WebSocket> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .max_message_size(Some(limits::SIP_MESSAGE_BYTES))
        .max_frame_size(Some(limits::SIP_MESSAGE_BYTES));
    #[allow(clippy::result_large_err, reason = "the library wants it so")]
    let check = |request: &Request, mut response: Response| {
        let headers = request.headers();
        if !speaks_sip(headers) {
            let why = "Sec-WebSocket-Protocol: sip is needed\n";
            return Err(refusal(StatusCode::BAD_REQUEST, why));
        }
        if !is_welcome(headers, origins) {
            return Err(refusal(StatusCode::FORBIDDEN, "this page may not connect\n"));
        }
        let sip = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, sip);
        Ok(response)
    };
    accept_hdr_async_with_config(pipe, check, Some(config)).await.map_err(io::Error::other)
}

fn refusal(status: StatusCode, why: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(why.to_owned()));
    *response.status_mut() = status;
    response
}

fn speaks_sip(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(SUBPROTOCOL))
}

/// Whether the page that opens the connection may. What names no page is no browser, and the list
/// is there to keep other people's pages from using an operator's browser.
fn is_welcome(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| !origins.is_empty()) else {
        return true;
    };
    let named = |own: &String| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
    origins.iter().any(named)
}

/// Serves a connection to its end.
pub(super) async fn run(shared: &Shared, mut presence: Presence, ws: WebSocket) {
    let (writer, reader) = ws.split();
    let watch = Watch::new(shared);
    let Some(queue) = presence.queue() else { return };
    let why = tokio::select! {
        why = read(reader, &presence, &watch) => why,
        why = write(writer, queue, &presence, &watch, shared.patience.write) => why,
        () = presence.closed() => Closed::NotReading,
    };
    ended(&presence, &why);
}

async fn read(mut reader: SplitStream<WebSocket>, presence: &Presence, watch: &Watch) -> Closed {
    let mut begun = Some(watch.opened());
    loop {
        let Ok(next) = timeout_at(watch.until(begun), reader.next()).await else {
            match watch.give_up(begun) {
                Some(closed) => return closed,
                None => continue,
            }
        };
        watch.touch();
        let bytes: Bytes = match next {
            Some(Ok(Message::Text(text))) => text.into(),
            Some(Ok(Message::Binary(bytes))) => bytes,
            // A ping is answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Close(_))) | None => return Closed::ByPeer,
            Some(Err(Error::Io(error))) => return error.into(),
            Some(Err(error)) => return Closed::WebSocket(error.to_string()),
        };
        if is_blank(&bytes) {
            // RFC 7118 §6: the keep-alive of RFC 5626 may come in a frame.
            if bytes.len() >= 2 * PONG.len() && !presence.reply(PONG) {
                return Closed::NotReading;
            }
            continue;
        }
        if !is_sip(&bytes) {
            return Lost::NotSip.into();
        }
        begun = None;
        // The message must not keep the frame's read buffer alive.
        if !presence.deliver(Bytes::copy_from_slice(&bytes)).await {
            return Closed::Replaced;
        }
    }
}

async fn write(
    mut writer: SplitSink<WebSocket, Message>,
    mut queue: tokio::sync::mpsc::UnboundedReceiver<Bytes>,
    presence: &Presence,
    watch: &Watch,
    patience: std::time::Duration,
) -> Closed {
    while let Some(bytes) = queue.recv().await {
        let length = bytes.len();
        let frame = match Utf8Bytes::try_from(bytes.clone()) {
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(bytes),
        };
        match timeout(patience, writer.send(frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Closed::WebSocket(error.to_string()),
            Err(_) => return Closed::NotReading,
        }
        presence.written(length);
        watch.touch();
    }
    let _ = timeout(patience, writer.close()).await;
    Closed::Stopping
}
