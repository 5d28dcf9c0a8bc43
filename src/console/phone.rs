//! Who sits where, and what the phone in a browser needs to be the phone of that seat.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::login::accounts;
use super::me::is_secure;
use super::own::operator;
use super::pages::host_of;
use super::problem::Problem;
use crate::switchboard::orders::Order;
use crate::vocabulary::SeatId;

fn seat(id: Result<Path<String>, PathRejection>) -> Result<SeatId, Problem> {
    id.map(|Path(id)| id.into()).map_err(|_| Problem::unknown_id("seat", ""))
}

/// Signs in to a seat: from now on its calls are one's own. A seat where one sat before is left; one where
/// somebody else sits or that is in a call is not taken.
#[utoipa::path(put, path = "/api/v1/seats/{id}/operator", tag = "live",
    params(("id" = String, Path, description = "The seat's name")), responses(
    (status = 204, description = "You sit there"),
    (status = 401, description = "No session", body = Problem),
    (status = 403, description = "Your account names no operator", body = Problem),
    (status = 404, description = "No such seat", body = Problem),
    (status = 409, description = "Somebody else sits there, or it is in a call", body = Problem)))]
pub(super) async fn sign_in(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let seat = seat(id)?;
    let operator = Some(operator(&holder)?.clone());
    let (at, by) = (seat.clone(), holder.name.clone());
    console.desk.order(Order::Sit { seat: at, operator, by }).await?;
    if let Some(session) = &holder.session {
        accounts(&console)?.sit(session, Some(seat)).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out of a seat, or somebody else out: it takes no calls before somebody is ready there. Its call
/// goes on.
#[utoipa::path(delete, path = "/api/v1/seats/{id}/operator", tag = "live",
    params(("id" = String, Path, description = "The seat's name")), responses(
    (status = 204, description = "Nobody has signed in there any more"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such seat", body = Problem)))]
pub(super) async fn sign_out(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let seat = seat(id)?;
    let (at, by) = (seat.clone(), holder.name.clone());
    console.desk.order(Order::Sit { seat: at, operator: None, by }).await?;
    if let Some(accounts) = console.desk.accounts() {
        accounts.nobody_sits(&seat).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who leaves signs out of their seat; a switchboard that does not answer keeps nobody here.
pub(super) async fn leave(console: &Console, seat: SeatId, by: &str) {
    let order = Order::Sit { seat, operator: None, by: by.to_owned() };
    if let Err(error) = console.desk.order(order).await {
        tracing::warn!(%error, "who has left still sits at a seat");
    }
}

/// Ends every session of somebody, and lets them leave the seats that they have signed in to.
pub(super) async fn end_sessions(console: &Console, whom: &str, by: &str) -> Result<(), Problem> {
    let accounts = accounts(console)?;
    let seats: Vec<SeatId> = accounts.look(|_, sessions| {
        let own = sessions.all().filter(|session| session.person == whom);
        own.filter_map(|session| session.seat.clone()).collect()
    });
    accounts.log_out_everywhere(whom, None);
    for seat in seats {
        leave(console, seat, by).await;
    }
    Ok(())
}

/// What the phone in a browser needs to register as the phone of a seat.
#[derive(Serialize, ToSchema)]
pub(super) struct PhoneCredentials {
    /// Where it connects: SIP over WebSocket (RFC 7118).
    ws_url: String,
    /// Its address.
    uri: String,
    /// User name of the account.
    user: String,
    /// The realm that it answers challenges of.
    realm: String,
    /// MD5 of user, realm and password, which stands for the password with SIP: keep it in memory only.
    ha1: String,
}

/// What the phone in a browser needs to be the phone of one's own seat. Whoever gets it is in the audit.
#[utoipa::path(post, path = "/api/v1/seats/{id}/phone", tag = "live",
    params(("id" = String, Path, description = "The seat's name")), responses(
    (status = 200, description = "Kept in no cache", body = PhoneCredentials),
    (status = 401, description = "No token", body = Problem),
    (status = 403, description = "You do not sit there", body = Problem),
    (status = 409, description = "No browser can be a phone here, or the account has no MD5 form",
     body = Problem)))]
pub(super) async fn credentials(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let seat = seat(id)?;
    let site = console.desk.site();
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).and_then(host_of);
    let ws_url = site.phone_url(host, is_secure(&console, &headers)).ok_or_else(|| {
        Problem::not_now(
            "no browser can be a phone here: [sip] listen has no wss:// listener (or ws:// for pages \
             without TLS), and [console] phone_url names none",
        )
    })?;
    let credential = console.desk.account(&seat).ok_or_else(|| {
        Problem::not_now(format!("the seat {seat} has no account for a phone in seats.toml"))
    })?;
    let ha1 = credential.ha1_md5.ok_or_else(|| {
        Problem::not_now(format!(
            "the account of {seat} has no MD5 form, the only one that phones in browsers know: write \
             its password, or ha1_md5, in seats.toml"
        ))
    })?;
    console.desk.audit(&holder.name, "phone of a seat given to a browser", seat.as_str());
    let user = credential.username;
    let given = PhoneCredentials {
        ws_url,
        uri: format!("sip:{user}@{}", site.realm),
        user,
        realm: site.realm,
        ha1: ha1.reveal().to_owned(),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(given)).into_response())
}
