//! Whoever asks: who they are here and what they may do, the cover of an idle page, and their second factor.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::accounts::Limit;
use super::body::read;
use super::door::Peer;
use super::live::board;
use super::login::{accounts, refused, source};
use super::pages::host_of;
use super::permissions::{Permission, Reach};
use super::problem::Problem;
use crate::people::{Fingerprint, Role};
use crate::vocabulary::Secret;

/// Languages of the pages.
const LANGUAGES: [&str; 2] = ["id", "en"];

/// Whoever asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The person, or the token.
    name: String,
    /// As colleagues say it; empty for a token.
    full_name: String,
    /// What they are there for.
    role: &'static str,
    /// The role in Indonesian and in English.
    role_names: [&'static str; 2],
    /// Who they are in `seats.toml`.
    operator: Option<String>,
    /// Whether it is a session, which can be ended.
    session: bool,
    /// What the role reaches: `own` or `all`; what is not named it does not.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    permissions: BTreeMap<Permission, Reach>,
    /// Seats where they sit.
    seats: Vec<String>,
    /// The page is covered: nothing but unlocking, leaving and this is answered.
    locked: bool,
    /// Nothing but setting a second factor up, leaving and this is answered.
    second_factor_missing: bool,
    /// The second factor; null for a token.
    second_factor: Option<SecondFactor>,
    /// This place.
    site: SiteView,
}

/// How one's second factor stands.
#[derive(Serialize, ToSchema)]
struct SecondFactor {
    /// It was set up.
    there: bool,
    /// The role needs one.
    required: bool,
    /// Recovery codes that are left.
    recovery_left: usize,
}

/// What a page is told of the place it is at.
#[derive(Serialize, ToSchema)]
struct SiteView {
    /// The centre's name.
    centre: String,
    /// Languages of the pages, the usual one first.
    languages: [&'static str; 2],
    /// The build of the pages that the gateway has: another one than the page's own means that the page
    /// is old.
    build: String,
    /// A page that nobody touches covers itself after so many minutes; 0: it never does.
    lock_minutes: u32,
    /// Without a page and without a request a session ends after so many minutes.
    idle_minutes: u64,
    /// The map's tiles, `https://…/{z}/{x}/{y}.png`; null: the outline that came with the page alone.
    map_tiles: Option<String>,
    /// Whom the tiles are by.
    map_credit: Option<String>,
    /// Where the phone of a browser connects; null where no browser can be a phone.
    phone_url: Option<String>,
}

/// Who one is here, what one may do, and what a page needs to know of this place.
#[utoipa::path(get, path = "/api/v1/me", tag = "people", responses(
    (status = 200, description = "Whoever asks", body = Me),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn show(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
) -> Json<Me> {
    let Holder { name, role, operator, session, token: _, limit } = holder;
    let accounts = console.desk.accounts().filter(|_| session.is_some());
    let second = accounts.map(|accounts| accounts.second_state(&name));
    let person = |accounts: &super::accounts::Accounts| {
        accounts.look(|book, _| book.person(&name).map(|it| it.full_name.reveal().clone()))
    };
    let full_name = console.desk.accounts().and_then(person).unwrap_or_default();
    let seats = match &operator {
        // A page that cannot be told now asks the live feed.
        Some(operator) => board(&console).await.map_or_else(
            |_| Vec::new(),
            |board| {
                let own =
                    board.seats.into_iter().filter(|it| it.operator.as_ref() == Some(operator));
                own.map(|it| it.seat.to_string()).collect()
            },
        ),
        None => Vec::new(),
    };
    Json(Me {
        full_name,
        role: role.word(),
        role_names: Role::names(role),
        operator: operator.map(|operator| operator.to_string()),
        session: session.is_some(),
        permissions: Permission::of(role),
        seats,
        locked: limit == Some(Limit::Locked),
        second_factor_missing: limit == Some(Limit::NoSecond),
        second_factor: second.map(|it| SecondFactor {
            there: it.there,
            required: it.required,
            recovery_left: it.recovery_left,
        }),
        site: site(&console, &headers),
        name,
    })
}

fn site(console: &Console, headers: &HeaderMap) -> SiteView {
    let site = console.desk.site();
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).and_then(host_of);
    let accounts = console.desk.accounts();
    SiteView {
        centre: console.desk.centre(),
        languages: LANGUAGES,
        build: console.pages.build().to_owned(),
        lock_minutes: site.lock_minutes,
        idle_minutes: accounts.map_or(0, |it| it.limits().idle.as_secs() / 60),
        phone_url: site.phone_url(host, is_secure(console, headers)),
        map_tiles: site.map_tiles,
        map_credit: site.map_credit,
    }
}

/// Whether the page was asked for over TLS, ours or a proxy's.
pub(super) fn is_secure(console: &Console, headers: &HeaderMap) -> bool {
    console.secure || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
}

fn session(holder: &Holder) -> Result<&Fingerprint, Problem> {
    holder.session.as_ref().ok_or_else(|| Problem::not_now("this is a token and no session"))
}

/// Covers the session: nothing is answered but who one is, leaving and unlocking. Calls and the phone go
/// on.
#[utoipa::path(post, path = "/api/v1/me/lock", tag = "people", responses(
    (status = 204, description = "Covered"),
    (status = 401, description = "No session", body = Problem),
    (status = 409, description = "A token is no session", body = Problem)))]
pub(super) async fn lock(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<StatusCode, Problem> {
    accounts(&console)?.lock(session(&holder)?, true).await;
    console.desk.audit(&holder.name, "page locked", "");
    Ok(StatusCode::NO_CONTENT)
}

/// What locks unsaved words in a browser.
#[derive(Serialize, ToSchema)]
struct DraftKeyView {
    /// 256 bits in base 64: keep it in memory only.
    key: String,
}

/// The key by which one's own page locks what was typed and is not saved yet. It stays the same, so that the person
/// finds their words again after a crash; nobody else gets it, and a covered session does not either.
#[utoipa::path(get, path = "/api/v1/me/draft-key", tag = "people", responses(
    (status = 200, description = "Kept in no cache", body = DraftKeyView),
    (status = 401, description = "No session", body = Problem),
    (status = 409, description = "A token is no session", body = Problem),
    (status = 423, description = "The page is covered", body = Problem),
    (status = 503, description = "It cannot be kept now", body = Problem)))]
pub(super) async fn draft_key(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Response, Problem> {
    session(&holder)?;
    let key = accounts(&console)?.draft_key(&holder.name).await?;
    let view = DraftKeyView { key: key.reveal().to_owned() };
    Ok(([(CACHE_CONTROL, "no-store")], Json(view)).into_response())
}

/// One's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPassword {
    /// As at the log-in.
    password: String,
}

/// Uncovers the session with the password. Wrong ones count as at the log-in.
#[utoipa::path(post, path = "/api/v1/me/unlock", tag = "people", request_body = OwnPassword, responses(
    (status = 204, description = "Uncovered"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No session, or the password is wrong", body = Problem),
    (status = 409, description = "A token is no session", body = Problem),
    (status = 429, description = "Too many wrong tries", body = Problem)))]
pub(super) async fn unlock(
    State(console): State<Console>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    check(&console, peer, &holder, &headers, body).await?;
    accounts(&console)?.lock(session(&holder)?, false).await;
    console.desk.audit(&holder.name, "page unlocked", "");
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the body has the holder's password.
async fn check(
    console: &Console,
    Peer(peer): Peer,
    holder: &Holder,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), Problem> {
    let OwnPassword { password } = read(body, r#"{"password": "…"}"#)?;
    session(holder)?;
    let accounts = accounts(console)?;
    let source = source(peer.ip(), headers, accounts.proxies());
    let now = console.desk.now();
    let checked = accounts.check(now, source, &holder.name, Secret::new(password)).await;
    checked.map_err(|error| refused(console, error))
}

/// A second factor that is being set up; shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct SecondBegun {
    /// The key in base 32, for who types it.
    key: String,
    /// The same as an `otpauth:` address, to be shown as a picture.
    uri: String,
}

/// Begins to set a second factor up (RFC 6238: SHA-1, 6 digits, 30 s). It counts once a code of it was
/// shown; one that is there counts until then.
#[utoipa::path(post, path = "/api/v1/me/second-factor", tag = "people", request_body = OwnPassword,
    responses(
    (status = 200, description = "The key, shown this once", body = SecondBegun),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No session, or the password is wrong", body = Problem),
    (status = 409, description = "A token has none", body = Problem),
    (status = 429, description = "Too many wrong tries", body = Problem)))]
pub(super) async fn begin(
    State(console): State<Console>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    check(&console, peer, &holder, &headers, body).await?;
    let second = accounts(&console)?.begin_second(&holder.name).await?;
    console.desk.audit(&holder.name, "second factor begun", "");
    let uri = second.uri(&console.desk.centre(), &holder.name);
    let begun = SecondBegun { key: second.key().to_owned(), uri };
    Ok(([(CACHE_CONTROL, "no-store")], Json(begun)).into_response())
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    /// Six digits.
    code: String,
}

/// Recovery codes; shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// Each opens once in the place of a code.
    recovery_codes: Vec<String>,
}

/// A code of the new second factor makes it count. One's other sessions end.
#[utoipa::path(post, path = "/api/v1/me/second-factor/confirm", tag = "people", request_body = Code,
    responses(
    (status = 200, description = "It counts; keep the recovery codes on paper", body = RecoveryCodes),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No session, or the code is wrong", body = Problem),
    (status = 409, description = "Nothing was begun, or a token has none", body = Problem),
    (status = 429, description = "Too many wrong tries", body = Problem)))]
pub(super) async fn confirm(
    State(console): State<Console>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Code { code } = read(body, r#"{"code": "123456"}"#)?;
    let (session, accounts) = (session(&holder)?, accounts(&console)?);
    let source = source(peer.ip(), &headers, accounts.proxies());
    let confirmed = accounts.confirm_second(console.desk.now(), source, &holder.name, code).await;
    let recovery_codes = confirmed.map_err(|error| refused(&console, error))?;
    accounts.log_out_everywhere(&holder.name, Some(session));
    console.desk.audit(&holder.name, "second factor set up", "");
    let codes = RecoveryCodes { recovery_codes };
    Ok(([(CACHE_CONTROL, "no-store")], Json(codes)).into_response())
}

/// Takes one's second factor away, where the role does not need one.
#[utoipa::path(post, path = "/api/v1/me/second-factor/remove", tag = "people",
    request_body = OwnPassword, responses(
    (status = 204, description = "Gone"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No session, or the password is wrong", body = Problem),
    (status = 409, description = "The role needs one, or there is none", body = Problem),
    (status = 429, description = "Too many wrong tries", body = Problem)))]
pub(super) async fn remove(
    State(console): State<Console>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    check(&console, peer, &holder, &headers, body).await?;
    let accounts = accounts(&console)?;
    if accounts.second_state(&holder.name).required {
        return Err(Problem::not_now("your role comes in with a second factor only"));
    }
    if !accounts.drop_second(&holder.name).await? {
        return Err(Problem::not_now("you have no second factor"));
    }
    console.desk.audit(&holder.name, "second factor removed", "");
    Ok(StatusCode::NO_CONTENT)
}
