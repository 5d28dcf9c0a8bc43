//! The SIP messages of an incident, call by call: what a trunk engineer asks for.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::At;
use super::sql::{Row, Tx, query};
use super::{Store, StoreError};
use crate::incident::Raw;
use crate::sip::{Headers, Message, Name, parse};
use crate::vocabulary::WallTime;

/// What the gateway calls itself at its end of a message.
pub(super) const GATEWAY: &str = "gateway";
/// Calls of one incident that are shown.
const CALLS: i64 = 100;

/// The messages of one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ladder {
    /// The incident.
    pub incident: String,
    /// Its calls, oldest first.
    pub calls: Vec<CallLadder>,
}

/// The messages of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallLadder {
    /// The call.
    pub call: String,
    /// The carrier.
    pub trunk: String,
    /// When the INVITE came.
    pub received_at: At,
    /// In the order they came and went, repeats included.
    pub messages: Vec<LadderMessage>,
    /// False when there were more messages than are kept of one call.
    pub complete: bool,
}

/// One message as it was on the wire; digest responses and media keys are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LadderMessage {
    /// When it was heard or sent.
    pub at: At,
    /// `in` or `out`.
    pub direction: String,
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    pub transport: String,
    /// Who sent it.
    pub from: LadderEnd,
    /// Whom it was for.
    pub to: LadderEnd,
    /// The request line or status line.
    pub first_line: String,
    /// Call-ID.
    pub call_id: String,
    /// CSeq.
    pub cseq: String,
    /// The whole message: `{"text": …}`, or `{"hex": …}` when it is not UTF-8.
    #[schema(value_type = Object)]
    pub message: Raw,
}

/// One end of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LadderEnd {
    /// `trunk NAME`, `gateway`, or the name of a seat.
    pub role: String,
    /// Address and port.
    pub address: String,
}

impl LadderMessage {
    /// The far end.
    #[must_use]
    pub fn peer(&self) -> &LadderEnd {
        if self.is_received() { &self.from } else { &self.to }
    }

    /// Our end.
    #[must_use]
    pub fn own(&self) -> &LadderEnd {
        if self.is_received() { &self.to } else { &self.from }
    }

    /// Whether it came in.
    #[must_use]
    pub fn is_received(&self) -> bool {
        self.direction == "in"
    }
}

impl Store {
    /// The messages of an incident, by its id or one of its calls'.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ladder(&self, id: &str) -> Result<Option<Ladder>, StoreError> {
        let mut tx = self.reading().await?;
        read(&mut tx, &id.to_ascii_lowercase()).await.map_err(|e| self.error(e))
    }
}

async fn read(tx: &mut Tx, id: &str) -> sqlx::Result<Option<Ladder>> {
    let calls = query(
        "SELECT id, call, trunk, received_at FROM incident WHERE id =
         (SELECT id FROM incident WHERE id = ?1 OR call = ?1 ORDER BY received_at LIMIT 1)
         ORDER BY received_at, call LIMIT ?2",
    )
    .bind(id)
    .bind(CALLS)
    .fetch_all(tx)
    .await?;
    let Some(first) = calls.first() else { return Ok(None) };
    let mut ladder = Ladder { incident: first.try_get("id")?, calls: Vec::new() };
    for row in &calls {
        let call: String = row.try_get("call")?;
        let rows = query("SELECT * FROM signal WHERE call = ? ORDER BY node, seq, part");
        let rows = rows.bind(&call).fetch_all(tx).await?;
        let messages = rows.iter().map(message).collect::<sqlx::Result<Vec<_>>>()?;
        let complete = messages.iter().all(Option::is_some);
        ladder.calls.push(CallLadder {
            call,
            trunk: row.try_get("trunk")?,
            received_at: At(WallTime(row.try_get("received_at")?)),
            messages: messages.into_iter().flatten().collect(),
            complete,
        });
    }
    Ok(Some(ladder))
}

/// One row; none for the one that says that nothing was kept after it.
fn message(row: &Row) -> sqlx::Result<Option<LadderMessage>> {
    let direction: String = row.try_get("direction")?;
    if !matches!(direction.as_str(), "in" | "out") {
        return Ok(None);
    }
    let bytes = Bytes::from(row.try_get::<Vec<u8>>("message")?);
    let peer = LadderEnd { role: row.try_get("peer")?, address: row.try_get("remote")? };
    let own = LadderEnd { role: GATEWAY.to_owned(), address: row.try_get("local")? };
    let (from, to) = if direction == "in" { (peer, own) } else { (own, peer) };
    let headers = headers(&bytes);
    let value = |name| {
        let text = headers.as_ref().and_then(|headers| headers.text(name));
        text.map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(LadderMessage {
        at: At(WallTime(row.try_get("at")?)),
        direction,
        transport: row.try_get("transport")?,
        from,
        to,
        first_line: text.trim_start().lines().next().unwrap_or_default().trim_end().to_owned(),
        call_id: value(&Name::CallId),
        cseq: value(&Name::CSeq),
        message: Raw(bytes),
    }))
}

fn headers(message: &Bytes) -> Option<Headers> {
    Some(match parse::parse(message).ok()?.message {
        Message::Request(request) => request.headers,
        Message::Response(response) => response.headers,
    })
}
