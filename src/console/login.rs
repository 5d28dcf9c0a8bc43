//! Coming in and leaving: a session by name and password, as a cookie for pages and as a bearer for
//! programs; who one is; a new password of one's own.

use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::{COOKIE, Holder};
use super::accounts::{Accounts, AccountsError, LoggedIn};
use super::body::read;
use super::door::Peer;
use super::problem::Problem;
use crate::people::Role;
use crate::store::At;
use crate::vocabulary::Secret;

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The account's name.
    name: String,
    /// Its password.
    password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginDone {
    /// For `Authorization: Bearer`; pages need it not, they have the cookie.
    token: String,
    /// Who logged in.
    name: String,
    /// What they are there for.
    role: &'static str,
    /// The role in Indonesian and in English.
    role_names: [&'static str; 2],
    /// Who they are in `seats.toml`.
    operator: Option<String>,
    /// When the session ends at the latest.
    until: At,
    /// Without use it ends after so many seconds.
    idle_seconds: u64,
}

/// Where a request comes from, when the addresses that we know to be proxies are passed over.
pub(super) fn source(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: IpAddr| {
        let address = address.to_canonical();
        proxies.iter().any(|net| net.contains(&address))
    };
    let mut source = peer;
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let said: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
    for address in said.into_iter().rev() {
        // Whatever stands before an address that is no proxy of ours may be made up.
        if !is_proxy(source) {
            break;
        }
        let Ok(address) = address.parse() else { break };
        source = address;
    }
    source
}

/// Opens a session. Wrong ones make the next try wait: by account, and by where they come from.
#[utoipa::path(post, path = "/api/v1/login", tag = "people", request_body = Login, security(()),
    responses(
    (status = 200, description = "A session; its cookie is HttpOnly and SameSite=Strict. With the \
     cookie alone every request but GET needs the header X-Siaga112: 1", body = LoginDone),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "Name or password is wrong", body = Problem),
    (status = 429, description = "Too many wrong tries; Retry-After says how long to wait",
     body = Problem),
    (status = 503, description = "Nobody can log in now", body = Problem)))]
pub(super) async fn login(
    State(console): State<Console>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Login { name, password } = read(body, r#"{"name": "siti", "password": "…"}"#)?;
    let accounts = accounts(&console)?;
    let source = source(peer.ip(), &headers, accounts.proxies());
    let asked = accounts.log_in(console.desk.now(), source, &name, Secret::new(password)).await;
    let LoggedIn { person, secret, until } = asked.map_err(|error| refused(&console, error))?;
    console.desk.audit(&person.name, "logged in", &source.to_string());
    let limits = accounts.limits();
    let secure =
        console.secure || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let cookie = cookie(secret.reveal(), limits.absolute.as_secs(), secure);
    let done = LoginDone {
        token: secret.reveal().to_owned(),
        name: person.name,
        role: person.role.word(),
        role_names: person.role.names(),
        operator: person.operator.map(|operator| operator.to_string()),
        until: At(until),
        idle_seconds: limits.idle.as_secs(),
    };
    let mut response = Json(done).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What came of a wrong try, for the audit and for who tried.
fn refused(console: &Console, error: AccountsError) -> Problem {
    if let AccountsError::Wrong { person, locked } = &error {
        // What somebody typed where a name is due may be a password: it is not kept.
        let subject = person.as_deref().unwrap_or("a name that nobody has");
        console.desk.audit("nobody", "login refused", subject);
        if *locked {
            console.desk.audit("nobody", "login has to wait after many wrong tries", subject);
        }
    }
    error.into()
}

pub(super) fn accounts(console: &Console) -> Result<&Accounts, Problem> {
    console.desk.accounts().ok_or_else(Problem::no_people)
}

fn cookie(secret: &str, seconds: u64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// Ends the session that asks.
#[utoipa::path(post, path = "/api/v1/logout", tag = "people", responses(
    (status = 204, description = "The session is over"),
    (status = 401, description = "No session", body = Problem),
    (status = 409, description = "A token is no session; it can be revoked", body = Problem)))]
pub(super) async fn logout(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Response, Problem> {
    let session = holder.session.as_ref();
    let session = session.ok_or_else(|| Problem::not_now("this is a token and no session"))?;
    accounts(&console)?.log_out(session);
    console.desk.audit(&holder.name, "logged out", "");
    let gone = cookie("", 0, false);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Whoever asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The person, or the token.
    name: String,
    /// What they are there for.
    role: &'static str,
    /// The role in Indonesian and in English.
    role_names: [&'static str; 2],
    /// Who they are in `seats.toml`.
    operator: Option<String>,
    /// Whether it is a session, which can be ended.
    session: bool,
}

/// Who one is here.
#[utoipa::path(get, path = "/api/v1/me", tag = "people", responses(
    (status = 200, description = "Whoever asks", body = Me),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn me(Extension(holder): Extension<Holder>) -> Json<Me> {
    let Holder { name, role, operator, session, token: _ } = holder;
    let operator = operator.map(|operator| operator.to_string());
    let role_names = Role::names(role);
    Json(Me { name, role: role.word(), role_names, operator, session: session.is_some() })
}

/// The password so far, and the next one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// So far.
    old: String,
    /// From now on; 10 characters or more.
    new: String,
}

/// Changes one's own password; one's other sessions end.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "people", request_body = NewPassword,
    responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood, or the password is easily guessed",
     body = Problem),
    (status = 401, description = "No session, or the old password is wrong", body = Problem),
    (status = 409, description = "A token has no password", body = Problem),
    (status = 429, description = "Too many wrong tries", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn own_password(
    State(console): State<Console>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let NewPassword { old, new } = read(body, r#"{"old": "…", "new": "…"}"#)?;
    let Some(session) = &holder.session else {
        return Err(Problem::not_now("this is a token and no session: it has no password"));
    };
    let accounts = accounts(&console)?;
    let source = source(peer.ip(), &headers, accounts.proxies());
    let checked = accounts.check(console.desk.now(), source, &holder.name, Secret::new(old)).await;
    checked.map_err(|error| refused(&console, error))?;
    let stored = accounts.hash(&holder.name, Secret::new(new)).await?;
    let name = holder.name.clone();
    accounts.edit(move |book| book.set_password(&name, stored)).await?;
    accounts.log_out_everywhere(&holder.name, Some(session));
    console.desk.audit(&holder.name, "own password changed", "");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed_about_where_a_request_comes_from() {
        let proxies: Vec<IpNet> =
            vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        for (peer, said, wanted) in [
            ("198.51.100.7", &["203.0.113.9"][..], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.4"], "203.0.113.9"),
            ("127.0.0.1", &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["rubbish"], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in said {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let found = source(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found, wanted.parse::<IpAddr>().unwrap(), "{peer} {said:?}");
            assert_eq!(source(found, &headers, &[]), found);
        }
    }
}
