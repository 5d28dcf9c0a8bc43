//! What happens, as a stream over WebSocket: every event in its order, from any line of the journal on,
//! without a gap and none twice.
//!
//! Each client reads the journal's files for itself, first what was and then what comes: nobody is ever
//! waited for, and a client that does not read is cut and goes on later where it was.

mod kinds;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::access::Holder;
use super::custody::{reason, reason_if_given};
use super::incidents::pairs;
use super::own;
use super::permissions::Grant;
use super::problem::Problem;
use super::{Console, Desk, websocket};
use crate::agencies::Mine;
use crate::agencies::event::{Arrivals, Wish};
use crate::agencies::pops;
use crate::journal::Line;
use crate::store::journal_file::{JournalReader, read_from};

/// Clients at once; each reads files for itself.
pub(super) const CLIENTS: usize = 64;
/// Lines read at once.
const BATCH: usize = 256;
/// A client that takes nothing for so long is cut, and has as long again to hear why.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often it is looked whether the client may still follow; and after so many of these looks in which
/// nothing happened it is asked whether it lives.
const LOOK: Duration = Duration::from_secs(1);
const PING: u32 = 20;
/// Lines before the first wanted one that are read for what a screen pop needs of them.
const BEFORE: u64 = 64;
/// The longest message that a client may send; all that we look for is its end.
const MESSAGE: usize = 4096;

/// The events of the centre over WebSocket, in the order of the journal: each is a text of one JSON
/// object with `offset`, `at`, `kind` and what belongs to it. After a break a client gives the last
/// offset that it has as `after` and misses nothing. A client that does not read is cut
/// (1013), and one whose session is over or whose role has changed is closed (4401).
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(
    ("after" = Option<u64>, Query,
     description = "The last offset that you have; 0: from the journal's beginning; only what comes \
                    when left out"),
    ("kinds" = Option<String>, Query,
     description = "Only these, between commas; `signalled`, `audited` and `screen-pop` come only when \
                    named. `screen-pop` comes when a call is queued, in the place of `queued`. What a \
                    role may not see elsewhere does not come here either, such as alarms"),
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log; needed with `after`, which reads what was, \
                    but for `personal=false` and roles that reach their own calls only. Or the header \
                    `Siaga112-Reason`"),
    ("personal" = Option<bool>, Query,
     description = "false: without numbers, names, places and texts. Roles that reach only their own \
                    calls get others' without them anyhow, and a `screen-pop` when their seat rings")),
    responses(
    (status = 101, description = "The stream begins"),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 403, description = "One of these kinds is not for this role", body = Problem),
    (status = 426, description = "It is no WebSocket", body = Problem),
    (status = 503, description = "Too many clients", body = Problem)))]
pub(super) async fn stream(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    Extension(grant): Extension<Grant>,
    RawQuery(query): RawQuery,
    mut request: Request,
) -> Result<Response, Problem> {
    let (folder, durable) = console.desk.journal();
    let end = *durable.borrow();
    let query = query.unwrap_or_default();
    let (after, wish) = asked(&query, end)?;
    for kind in wish.named() {
        kinds::may(holder.role, kind)
            .map_err(|roles| Problem::kind_not_for(kind, holder.role, &roles))?;
    }
    let reads_back = pairs(&query).any(|(key, _)| key == "after");
    let reason = match reads_back && wish.is_personal() && !grant.own_only {
        true => reason(request.headers(), Some(&query))?,
        false => reason_if_given(request.headers(), Some(&query))?,
    };
    let (answer, upgrade) = websocket::accept(&mut request)?;
    let place = Arc::clone(&console.streams).try_acquire_owned();
    let place = place.map_err(|_| Problem::too_many_streams(CLIENTS))?;
    console.desk.audit_why(&holder.name, "events followed", &format!("after {after}"), &reason);
    let mine = match grant.own_only {
        true => Some(own::mine(&console, &holder).await?),
        false => None,
    };
    let desk = console.desk;
    let stream = Stream { wish, mine, holder, after, folder, durable, desk, patience: PATIENCE };
    tokio::spawn(async move {
        let _place = place;
        // An error says that the client is gone already.
        if let Ok(upgraded) = upgrade.await {
            stream.serve(TokioIo::new(upgraded)).await;
        }
    });
    Ok(answer)
}

/// From which line on, and which events.
fn asked(query: &str, end: u64) -> Result<(u64, Wish), Problem> {
    let (mut after, mut kinds, mut personal) = (end, None, true);
    for (name, value) in pairs(query) {
        match name.as_str() {
            "after" => {
                let line = value.parse().ok().filter(|line| *line <= end);
                let takes =
                    || format!("after={value:?}: the journal has lines 1 to {end}, and 0 is all");
                after = line.ok_or_else(|| Problem::bad_query(takes()))?;
            }
            "kinds" => kinds = Some(value),
            "reason" => {}
            "personal" => match value.as_str() {
                "true" => {}
                "false" => personal = false,
                _ => return Err(Problem::bad_query("personal takes true or false")),
            },
            _ => {
                let what =
                    format!("there is no {name:?}; known are after, kinds, personal, reason");
                return Err(Problem::bad_query(what));
            }
        }
    }
    let wish = match kinds {
        None => Ok(Wish::all(personal)),
        Some(kinds) => Wish::of(kinds.split(','), personal),
    };
    Ok((after, wish.map_err(|error| Problem::bad_query(error.to_string()))?))
}

/// One client.
struct Stream {
    wish: Wish,
    /// Where only own calls are reached: which those are.
    mine: Option<Mine>,
    holder: Holder,
    /// The last line that it has.
    after: u64,
    folder: PathBuf,
    durable: watch::Receiver<u64>,
    desk: Arc<dyn Desk>,
    patience: Duration,
}

/// Why a client gets no more.
enum End {
    /// It left, or the journal is closed.
    Over,
    /// It does not read.
    Slow,
    /// Its session is over, or the person may not come in any more.
    LoggedOut,
}

type Sink<S> = SplitSink<WebSocketStream<S>, Message>;

impl Stream {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut self, socket: S) {
        let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default()
            .max_message_size(Some(MESSAGE))
            .write_buffer_size(0);
        let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
        let (mut out, mut back) = socket.split();
        // Reading answers pings and sees the end; what a client says is of no account.
        let left = async { while let Some(Ok(_)) = back.next().await {} };
        let end = tokio::select! {
            end = self.follow(&mut out) => end,
            () = left => End::Over,
        };
        let (code, why) = match end {
            End::Over => (CloseCode::Away, String::new()),
            End::LoggedOut => {
                (CloseCode::Library(4401), "your session is over; log in again".to_owned())
            }
            End::Slow => {
                let why = format!("you do not read; go on with after={}", self.after);
                tracing::warn!(
                    after = self.after,
                    "a client of the events was cut: it does not read"
                );
                (CloseCode::Again, why)
            }
        };
        let frame = CloseFrame { code, reason: why.into() };
        let close = out.send(Message::Close(Some(frame)));
        // Behind what is on its way: whoever reads again meanwhile hears it, whoever never does does not.
        let _ = tokio::time::timeout(self.patience, close).await;
    }

    async fn follow<S: AsyncRead + AsyncWrite + Unpin>(&mut self, out: &mut Sink<S>) -> End {
        let first = self.after.saturating_sub(BEFORE) + 1;
        let (mut reader, mut arrivals) = (read_from(&self.folder, first), Arrivals::default());
        let mut quiet: u32 = 0;
        loop {
            let until = *self.durable.borrow_and_update();
            let (back, lines) = match read(reader, until).await {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(%error, "a client of the events cannot be told more");
                    return End::Over;
                }
            };
            reader = back;
            for line in &lines {
                if line.seq <= self.after {
                    arrivals.read(line);
                    if let (Some(mine), Some(entry)) = (&mut self.mine, &line.entry) {
                        mine.follow(entry);
                    }
                    continue;
                }
                let event = match &mut self.mine {
                    Some(mine) => self.wish.own_event(line, &mut arrivals, mine),
                    None => self.wish.event(line, &mut arrivals),
                };
                if let Some(mut event) = event.filter(|event| self.shows(line, &event.kind)) {
                    let desk = Arc::clone(&self.desk);
                    pops::fill(&mut event, self.desk.store(), &move || desk.now()).await;
                    if let Err(end) = self.send(out, Message::text(event.json())).await {
                        return end;
                    }
                }
                self.after = line.seq;
            }
            while lines.is_empty() && !self.durable.has_changed().unwrap_or(true) {
                let changed = tokio::time::timeout(LOOK, self.durable.changed()).await;
                match changed {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => return End::Over,
                    Err(_) if !self.may_follow() => return End::LoggedOut,
                    Err(_) => {
                        quiet += 1;
                        if !quiet.is_multiple_of(PING) {
                            continue;
                        }
                        if let Err(end) = self.send(out, Message::Ping("".into())).await {
                            return end;
                        }
                    }
                }
            }
            if lines.is_empty() && self.durable.has_changed().is_err() {
                return End::Over;
            }
        }
    }

    /// Whether whoever follows may see this line elsewhere too.
    fn shows(&self, line: &Line, kind: &str) -> bool {
        let fact = line.entry.as_ref().map(|entry| &entry.fact);
        let role = self.holder.role;
        kinds::may(role, kind).is_ok() && fact.is_some_and(|fact| kinds::shows(role, fact))
    }

    /// Whether whoever opened it may still come in, as what they were then.
    fn may_follow(&self) -> bool {
        let Some(accounts) = self.desk.accounts() else { return true };
        accounts.stands(self.desk.now(), &self.holder)
    }

    async fn send<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        out: &mut Sink<S>,
        message: Message,
    ) -> Result<(), End> {
        if !self.may_follow() {
            return Err(End::LoggedOut);
        }
        match tokio::time::timeout(self.patience, out.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Over),
            Err(_) => Err(End::Slow),
        }
    }
}

/// Reads lines on a thread that may block.
async fn read(mut reader: JournalReader, until: u64) -> Result<(JournalReader, Vec<Line>), String> {
    let read = tokio::task::spawn_blocking(move || {
        let lines = reader.batch(until, BATCH);
        lines.map(|lines| (reader, lines)).map_err(|error| error.to_string())
    });
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}
