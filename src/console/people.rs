//! The people who may come in, and their tokens: an admin's pages. Every change is told to the audit:
//! who did what to whom, never a password or token.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::read;
use super::login::accounts;
use super::phone::end_sessions;
use super::problem::Problem;
use crate::people::{Changes, Person, Role, Whose};
use crate::store::At;
use crate::vocabulary::{Secret, WallTime};

/// How long a token lasts when nothing is said, and at most, in days.
const DAYS: (u32, u32) = (90, 730);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Everybody.
#[derive(Serialize, ToSchema)]
pub(super) struct People {
    /// By name; who left stands there as disabled.
    people: Vec<ListedPerson>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
struct ListedPerson {
    /// The name to log in with.
    name: String,
    /// As colleagues say it.
    full_name: String,
    /// `call-taker`, `supervisor`, `dispatcher`, `admin` or `auditor`.
    role: &'static str,
    /// The role in Indonesian and in English.
    role_names: [&'static str; 2],
    /// Who they are in `seats.toml`.
    operator: Option<String>,
    /// They may not log in.
    disabled: bool,
    /// Whether a password was set.
    has_password: bool,
    /// Whether they come in with a second factor.
    second_factor: bool,
    /// Sessions that are open.
    sessions: usize,
    /// Since when they are known here.
    since: At,
}

impl ListedPerson {
    fn new(person: &Person, sessions: usize) -> Self {
        Self {
            name: person.name.clone(),
            full_name: person.full_name.reveal().clone(),
            role: person.role.word(),
            role_names: person.role.names(),
            operator: person.operator.as_ref().map(ToString::to_string),
            disabled: person.disabled,
            has_password: person.password.is_some(),
            second_factor: person.second.is_some(),
            sessions,
            since: At(person.since),
        }
    }
}

/// Everybody who may come in, or once could.
#[utoipa::path(get, path = "/api/v1/people", tag = "people", responses(
    (status = 200, description = "By name", body = People),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn list(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Json<People>, Problem> {
    let people = accounts(&console)?.look(|book, sessions| {
        let listed = |person: &Person| ListedPerson::new(person, sessions.of(&person.name));
        book.people().map(listed).collect()
    });
    console.desk.audit(&holder.name, "people read", "");
    Ok(Json(People { people }))
}

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    /// The name to log in with: a to z, 0 to 9, `.`, `-`, `_`.
    name: String,
    /// `call-taker`, `supervisor`, `dispatcher`, `admin` or `auditor`.
    #[schema(value_type = String)]
    role: Role,
    /// As colleagues say it; up to 100 characters.
    #[serde(default)]
    full_name: String,
    /// Who they are in `seats.toml`; a call taker's own name when left out.
    #[serde(default)]
    operator: Option<String>,
    /// 10 characters or more; without one they cannot log in yet.
    #[serde(default)]
    password: Option<String>,
}

/// Adds somebody.
#[utoipa::path(post, path = "/api/v1/people", tag = "people", request_body = NewPerson, responses(
    (status = 201, description = "Added"),
    (status = 400, description = "The body is not understood, a name cannot be one, or the password \
     is easily guessed", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 409, description = "The name is taken", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn add(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let wanted = r#"{"name": "siti", "role": "call-taker", "full_name": "Siti Aminah"}"#;
    let NewPerson { name, role, full_name, operator, password } = read(body, wanted)?;
    let accounts = accounts(&console)?;
    let stored = match password {
        Some(password) => Some(accounts.hash(&name, Secret::new(password)).await?),
        None => None,
    };
    let operator = match operator {
        None if role == Role::CallTaker => name.clone(),
        operator => operator.unwrap_or_default(),
    };
    let (now, added) = (console.desk.now(), name.clone());
    accounts
        .edit(move |book| {
            book.add(now, &name, role, &full_name, None)?;
            if !operator.is_empty() {
                let changes = Changes { operator: Some(operator), ..Changes::default() };
                book.change(&name, &changes)?;
            }
            stored.map_or(Ok(()), |stored| book.set_password(&name, stored))
        })
        .await?;
    console.desk.audit(&holder.name, &format!("person added as {role}"), &added);
    Ok(StatusCode::CREATED)
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonChanges {
    /// As colleagues say it.
    #[serde(default)]
    full_name: Option<String>,
    /// What they are there for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Who they are in `seats.toml`; empty: nobody.
    #[serde(default)]
    operator: Option<String>,
    /// True: they may not log in, and their sessions and tokens count no more.
    #[serde(default)]
    disabled: Option<bool>,
}

/// Changes somebody's role, names, or whether they may come in. It counts at once.
#[utoipa::path(patch, path = "/api/v1/people/{name}", tag = "people", request_body = PersonChanges,
    params(("name" = String, Path, description = "The person's name")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "Nobody has the name", body = Problem),
    (status = 409, description = "The last admin stays", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn change(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    let wanted = r#"{"role": "supervisor", "disabled": false}"#;
    let PersonChanges { full_name, role, operator, disabled } = read(body, wanted)?;
    let changes = Changes { full_name, role, operator, disabled };
    let (accounts, whom) = (accounts(&console)?, name.clone());
    let told = accounts.edit(move |book| book.change(&name, &changes)).await?;
    if disabled == Some(true) {
        end_sessions(&console, &whom, &holder.name).await?;
    }
    for what in told {
        console.desk.audit(&holder.name, &what, &whom);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A password for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPassword {
    /// 10 characters or more.
    password: String,
}

/// Sets somebody's password; their sessions end.
#[utoipa::path(put, path = "/api/v1/people/{name}/password", tag = "people",
    request_body = SetPassword,
    params(("name" = String, Path, description = "The person's name")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood, or the password is easily guessed",
     body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "Nobody has the name", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn set_password(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    let SetPassword { password } = read(body, r#"{"password": "…"}"#)?;
    let accounts = accounts(&console)?;
    let stored = accounts.hash(&name, Secret::new(password)).await?;
    let whom = name.clone();
    accounts.edit(move |book| book.set_password(&name, stored)).await?;
    end_sessions(&console, &whom, &holder.name).await?;
    console.desk.audit(&holder.name, "password set", &whom);
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody's second factor away, as when their telephone is lost; their sessions end. Where the role
/// needs one they set it up anew at the next log-in.
#[utoipa::path(delete, path = "/api/v1/people/{name}/second-factor", tag = "people",
    params(("name" = String, Path, description = "The person's name")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "Nobody has the name", body = Problem),
    (status = 409, description = "They have none", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn drop_second(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    let accounts = accounts(&console)?;
    if !accounts.drop_second(&name).await? {
        return Err(Problem::not_now(format!("{name} has no second factor")));
    }
    end_sessions(&console, &name, &holder.name).await?;
    console.desk.audit(&holder.name, "second factor taken away", &name);
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of somebody.
#[utoipa::path(delete, path = "/api/v1/people/{name}/sessions", tag = "people",
    params(("name" = String, Path, description = "The person's name")), responses(
    (status = 204, description = "They have to log in anew"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "Nobody has the name", body = Problem)))]
pub(super) async fn log_out(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    let accounts = accounts(&console)?;
    if !accounts.look(|book, _| book.person(&name).is_some()) {
        return Err(Problem::unknown_id("person", &name));
    }
    end_sessions(&console, &name, &holder.name).await?;
    console.desk.audit(&holder.name, "logged out everywhere", &name);
    Ok(StatusCode::NO_CONTENT)
}

fn named(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    name.map(|Path(name)| name).map_err(|_| Problem::unknown_id("person", ""))
}

/// Tokens that were made here.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// By name; those of the configuration stand there, not here.
    tokens: Vec<ListedToken>,
}

/// One token; its secret was shown once.
#[derive(Serialize, ToSchema)]
struct ListedToken {
    /// What it is called.
    name: String,
    /// The person whose it is.
    person: Option<String>,
    /// The role of a program.
    role: Option<&'static str>,
    /// Who made it.
    by: String,
    /// When.
    since: At,
    /// When it ends by itself.
    until: At,
    /// It counts no more.
    over: bool,
}

/// Tokens, those included that are over.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people", responses(
    (status = 200, description = "By name", body = Tokens),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn tokens(State(console): State<Console>) -> Result<Json<Tokens>, Problem> {
    let now = console.desk.now();
    let tokens = accounts(&console)?.look(|book, _| {
        let listed = book.tokens().map(|token| {
            let (person, role) = match &token.whose {
                Whose::Person(name) => (Some(name.clone()), None),
                Whose::Role(role) => (None, Some(role.word())),
            };
            ListedToken {
                name: token.name.clone(),
                person,
                role,
                by: token.by.clone(),
                since: At(token.since),
                until: At(token.until),
                over: token.until <= now,
            }
        });
        listed.collect()
    });
    Ok(Json(Tokens { tokens }))
}

/// A token for a person, or for a program in a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is called: a to z, 0 to 9, `.`, `-`, `_`.
    name: String,
    /// The person whose it is; or else a role.
    #[serde(default)]
    person: Option<String>,
    /// The role of a program, any but `call-taker`; or else a person.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// After how many days it ends, 1 to 730; 90 when left out.
    #[serde(default)]
    days: Option<u32>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenMade {
    /// The token; it is never shown again.
    token: String,
    /// When it ends by itself.
    until: At,
}

/// Makes a token, and shows it this once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = NewToken, responses(
    (status = 201, description = "Made", body = TokenMade),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "Nobody has the person's name", body = Problem),
    (status = 409, description = "The name is taken", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn make_token(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let wanted = r#"{"name": "dashboard", "role": "auditor", "days": 90} or "person" for "role""#;
    let NewToken { name, person, role, days } = read(body, wanted)?;
    let days = days.unwrap_or(DAYS.0);
    if !(1..=DAYS.1).contains(&days) {
        return Err(Problem::bad_body(format!("days are 1 to {}", DAYS.1)));
    }
    let whose = match (person, role) {
        (None, Some(Role::CallTaker)) => {
            let why = "a program has no calls of its own, so it is no call taker; wanted is";
            return Err(Problem::bad_body(format!("{why} {wanted}")));
        }
        (Some(person), None) => Whose::Person(person),
        (None, Some(role)) => Whose::Role(role),
        _ => return Err(Problem::bad_body(format!("wanted is {wanted}, one of the two"))),
    };
    let for_whom = match &whose {
        Whose::Person(person) => format!("token made for {person}"),
        Whose::Role(role) => format!("token made as {role}"),
    };
    let now = console.desk.now();
    let until = WallTime(now.0.saturating_add(i64::from(days) * DAY));
    let made = accounts(&console)?
        .make_token(name.clone(), whose, holder.name.clone(), (now, until))
        .await?;
    console.desk.audit(&holder.name, &for_whom, &name);
    let shown = TokenMade { token: made.reveal().to_owned(), until: At(until) };
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Revokes a token: it counts no more, from now on.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "people",
    params(("name" = String, Path, description = "The token's name")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "There is none of the name", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn revoke_token(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(name) = name.map_err(|_| Problem::unknown_id("token", ""))?;
    let revoked = name.clone();
    accounts(&console)?.edit(move |book| book.revoke(&name)).await?;
    console.desk.audit(&holder.name, "token revoked", &revoked);
    Ok(StatusCode::NO_CONTENT)
}
