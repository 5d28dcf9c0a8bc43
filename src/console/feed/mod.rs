//! The live feed: what lives, over one WebSocket for each page; everything first, then what changes, within
//! 200 ms of the change.
//!
//! One board is taken for all clients and each message is written once. Nobody waits for a client: who
//! falls behind gets everything anew, who does not read is cut. While calls wait to be taken, no board is.

pub(super) mod changes;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use futures_util::StreamExt;
use hyper::upgrade::Upgraded;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::access::{self, Holder};
use super::alarms::{self, LiveAlarm};
use super::permissions::{Permission, Reach};
use super::problem::Problem;
use super::websocket::{self, Back, End, Out};
use super::{Console, Desk, live};
use crate::store::At;
use crate::switchboard::view::Board;
use changes::{Beat, Changes, LiveMessage, Whole};

/// Clients at once: a task and a socket each.
const CLIENTS: usize = 256;
/// How often it is asked whether anything has happened.
const EVERY: Duration = Duration::from_millis(100);
/// Of these, how many go by at most before a board is taken: what only time changes is seen by then.
const AT_LEAST: u32 = 10;
/// Of these, how many go by between two beats.
const BEAT: u32 = 50;
/// Messages that a client may be behind before it gets everything anew.
const BEHIND: usize = 32;
/// How often it is asked whether a client lives, and may still see what it sees.
const LOOK: Duration = Duration::from_secs(5);
/// Questions in a row that a client may leave without an answer.
const SILENT: u8 = 6;

/// A session that is over.
const LOG_IN: CloseCode = CloseCode::Library(4401);
/// A role that has changed: come again.
const COME_AGAIN: CloseCode = CloseCode::Library(4409);

/// What all clients share.
pub(super) struct Feed {
    desk: Arc<dyn Desk>,
    build: String,
    state: Mutex<Option<Known>>,
    steps: broadcast::Sender<Step>,
    places: Arc<Semaphore>,
}

/// What was told last.
struct Known {
    seq: u64,
    board: Board,
    alarms: Vec<LiveAlarm>,
    /// All of it as each audience gets it, once somebody has asked: who joins at the same time shares it.
    whole: [Option<Utf8Bytes>; 2],
}

impl Known {
    fn whole(&mut self, build: &str, sees_alarms: bool) -> Utf8Bytes {
        let [without, with] = &mut self.whole;
        let written_once = if sees_alarms { with } else { without };
        let text = written_once.get_or_insert_with(|| {
            let alarms = sees_alarms.then(|| self.alarms.clone());
            let whole = Whole::of(self.seq, build, &self.board, alarms);
            written(&LiveMessage::Whole(Box::new(whole)))
        });
        text.clone()
    }
}

/// One message as each audience gets it.
#[derive(Clone, Debug)]
struct Step {
    with_alarms: Utf8Bytes,
    without: Utf8Bytes,
}

impl Step {
    fn of(&self, sees_alarms: bool) -> Message {
        let text = if sees_alarms { &self.with_alarms } else { &self.without };
        Message::Text(text.clone())
    }
}

fn written(message: &LiveMessage) -> Utf8Bytes {
    // It is made of plain words: there is nothing that JSON could refuse.
    serde_json::to_string(message).unwrap_or_default().into()
}

impl Feed {
    pub(super) fn new(desk: Arc<dyn Desk>, build: &str) -> Arc<Self> {
        Arc::new(Self {
            desk,
            build: build.to_owned(),
            state: Mutex::new(None),
            steps: broadcast::Sender::new(BEHIND),
            places: Arc::new(Semaphore::new(CLIENTS)),
        })
    }

    /// Everything as it is, and what comes after it.
    async fn join(
        self: &Arc<Self>,
        sees_alarms: bool,
    ) -> Result<(Message, broadcast::Receiver<Step>), Problem> {
        let mut state = self.state.lock().await;
        if state.is_none() {
            let board = live::board_of(&*self.desk).await?;
            let alarms = alarms::list(&*self.desk);
            tokio::spawn(Arc::clone(self).follow());
            *state = Some(Known { seq: 0, board, alarms, whole: [None, None] });
        }
        let known = state.as_mut().ok_or_else(Problem::too_slow)?;
        Ok((Message::Text(known.whole(&self.build, sees_alarms)), self.steps.subscribe()))
    }

    /// Tells every client what changes, until the last one is gone.
    async fn follow(self: Arc<Self>) {
        let mut beat = tokio::time::interval(EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut turns, mut since_board, mut since_beat) = (None, 0, 0);
        loop {
            beat.tick().await;
            if self.steps.receiver_count() == 0 {
                let mut state = self.state.lock().await;
                // Whoever joins holds the state meanwhile.
                if self.steps.receiver_count() == 0 {
                    *state = None;
                    return;
                }
            }
            (since_board, since_beat) = (since_board + 1, since_beat + 1);
            if since_beat >= BEAT {
                since_beat = 0;
                self.say_that_we_live().await;
            }
            let here = self.desk.turns();
            let nothing = here.is_some() && here == turns && since_board < AT_LEAST;
            // Calls go first.
            if nothing || self.desk.is_behind() {
                continue;
            }
            if let Ok(board) = live::board_of(&*self.desk).await {
                (turns, since_board) = (here, 0);
                self.tell(board).await;
            }
        }
    }

    async fn tell(&self, board: Board) {
        let mut state = self.state.lock().await;
        let Some(known) = state.as_mut() else { return };
        let alarms = alarms::list(&*self.desk);
        let changes = changes::between(known.seq + 1, &known.board, &board);
        let new_alarms = alarms != known.alarms;
        known.board = board;
        known.whole = [None, None];
        if changes.is_none() && !new_alarms {
            return;
        }
        known.seq += 1;
        let at = At(known.board.at);
        let changes = changes.unwrap_or_else(|| Changes::of_alarms(known.seq, at));
        let mut message = LiveMessage::Changes(Box::new(changes));
        let without = written(&message);
        let with_alarms = if new_alarms {
            known.alarms = alarms;
            if let LiveMessage::Changes(changes) = &mut message {
                changes.alarms = Some(known.alarms.clone());
            }
            written(&message)
        } else {
            without.clone()
        };
        // An error says that the last client has just left.
        let _ = self.steps.send(Step { with_alarms, without });
    }

    async fn say_that_we_live(&self) {
        let state = self.state.lock().await;
        let Some(known) = &*state else { return };
        let beat = Beat { seq: known.seq, at: At(known.board.at) };
        let text = written(&LiveMessage::Beat(beat));
        let _ = self.steps.send(Step { with_alarms: text.clone(), without: text });
    }
}

/// What lives, over WebSocket: first a `whole`, then `changes` within 200 ms of what they tell, and a
/// `beat` every 5 s. A client that has lost the connection opens a new one and begins with a new `whole`.
/// It is closed with 4401 when the session is over, and with 4409 when the role has changed; who does not
/// read is cut with 1013. Clients send nothing. With the cookie alone only a page of ours may open it.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses(
    (status = 101, description = "The feed begins; each text message is one of these", body = LiveMessage),
    (status = 401, description = "No token", body = Problem),
    (status = 403, description = "Not for this role, or a page of another host", body = Problem),
    (status = 426, description = "It is no WebSocket", body = Problem),
    (status = 503, description = "Too many clients, or calls go first", body = Problem)))]
pub(super) async fn stream(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    mut request: Request,
) -> Result<Response, Problem> {
    let (answer, upgrade) = websocket::accept(&mut request)?;
    let place = Arc::clone(&console.feed.places).try_acquire_owned();
    let place = place.map_err(|_| Problem::too_many_streams(CLIENTS))?;
    let mut bears = HeaderMap::new();
    for name in [AUTHORIZATION, COOKIE] {
        if let Some(value) = request.headers().get(&name) {
            bears.insert(name, value.clone());
        }
    }
    let client = Client { console, holder, bears };
    tokio::spawn(async move {
        let _place = place;
        // An error says that the client is gone already.
        if let Ok(upgraded) = upgrade.await {
            client.serve(upgraded).await;
        }
    });
    Ok(answer)
}

/// One client.
struct Client {
    console: Console,
    holder: Holder,
    /// What it has shown of itself.
    bears: HeaderMap,
}

impl Client {
    async fn serve(self, upgraded: Upgraded) {
        let (mut out, mut back) = websocket::open(upgraded).await;
        let (code, why) = match self.follow(&mut out, &mut back).await {
            Ok(said) => said,
            Err(End::Over) => return,
            Err(End::Slow) => {
                tracing::warn!("a page was cut: it does not read");
                (CloseCode::Again, "you do not read")
            }
        };
        out.close(code, why).await;
    }

    /// Until somebody leaves; a code and words are for a client that still listens.
    async fn follow(
        &self,
        out: &mut Out,
        back: &mut Back,
    ) -> Result<(CloseCode, &'static str), End> {
        let sees_alarms = Permission::Alarms.reach(self.holder.role) != Reach::No;
        let mut silent = 0;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        loop {
            let Ok((whole, mut steps)) = self.console.feed.join(sees_alarms).await else {
                return Ok((CloseCode::Again, "the gateway does not answer now"));
            };
            out.send(whole).await?;
            loop {
                tokio::select! {
                    step = steps.recv() => match step {
                        Ok(step) => out.send(step.of(sees_alarms)).await?,
                        // It has missed something: everything anew.
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return Ok((CloseCode::Away, "")),
                    },
                    said = back.next() => match said {
                        Some(Ok(_)) => silent = 0,
                        Some(Err(_)) | None => return Err(End::Over),
                    },
                    _ = look.tick() => {
                        silent += 1;
                        if silent > SILENT {
                            return Err(End::Slow);
                        }
                        if let Some(said) = self.may_no_longer() {
                            return Ok(said);
                        }
                        out.send(Message::Ping("".into())).await?;
                    }
                }
            }
        }
    }

    /// Whether the session is over, or the role another one.
    fn may_no_longer(&self) -> Option<(CloseCode, &'static str)> {
        match access::holder(&self.console, &Method::GET, &self.bears) {
            Err(_) => Some((LOG_IN, "log in again")),
            Ok(now) if now.role != self.holder.role || now.operator != self.holder.operator => {
                Some((COME_AGAIN, "you are here as somebody else now"))
            }
            Ok(_) => None,
        }
    }
}
