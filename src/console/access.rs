//! Who may use the API: bearers of a token or session (RFC 6750), or its cookie, each within its role. The table of
//! [`super::permissions`] says what that is; the guard holds it for every route, before its handler.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::header::{self, ALLOW, AUTHORIZATION};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::Console;
use super::accounts::{Bearer, Limit};
use super::own;
use super::permissions::{self, About, Grant, Reach};
use super::problem::Problem;
use super::settings::Token;
use crate::people::{Fingerprint, Role};
use crate::vocabulary::OperatorId;

/// The cookie of a session.
pub(super) const COOKIE: &str = "siaga112";
/// The header that a page of ours sends with everything but GET, and no other page can.
const MARK: &str = "x-siaga112";

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// The person, or the token of a program: for audit entries.
    pub(super) name: String,
    /// What they are there for.
    pub(super) role: Role,
    /// Whose calls are their own.
    pub(super) operator: Option<OperatorId>,
    /// The session that asks; none for a token.
    pub(super) session: Option<Fingerprint>,
    /// What keeps it from being used.
    pub(super) limit: Option<Limit>,
}

/// Lets a request through when it bears a token whose role reaches the route, and notes whose.
pub(super) async fn guard(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&console, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Why a request goes no further.
enum Refusal {
    Problem(Problem),
    /// The path takes these methods only.
    Method(Problem, String),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Method(problem, allow) => ([(ALLOW, allow)], problem).into_response(),
        }
    }
}

async fn admit(console: &Console, request: Request) -> Result<Request, Refusal> {
    let holder = holder(console, request.method(), request.headers())?;
    let (mut parts, body) = request.into_parts();
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let Some((permission, about)) = permissions::row(parts.method.as_str(), path) else {
        let allow = permissions::methods(path);
        if allow.is_empty() {
            return Err(Problem::closed_to_all(path).into());
        }
        let problem = Problem::wrong_method(parts.method.as_str(), parts.uri.path());
        return Err(Refusal::Method(problem, allow));
    };
    if let Some(limit) = holder.limit.filter(|limit| !limit.allows(path)) {
        return Err(Problem::limited(limit).into());
    }
    let reach = permission.reach(holder.role);
    if reach == Reach::No {
        return Err(Problem::role_may_not(holder.role, permission.roles()).into());
    }
    let own_only = reach == Reach::Own;
    if own_only && about != About::Nothing {
        let params = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
        let id = params.as_ref().and_then(|all| all.iter().find(|(name, _)| *name == "id"));
        own::check(console, &holder, about, id.map_or("", |(_, id)| id)).await?;
    }
    parts.extensions.insert(Grant { own_only });
    parts.extensions.insert(holder);
    Ok(Request::from_parts(parts, body))
}

/// Whose token or session the request bears.
pub(super) fn holder(
    console: &Console,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Holder, Problem> {
    let accounts = console.desk.accounts().filter(|accounts| !accounts.is_empty());
    if accounts.is_none() && console.tokens.iter().all(|token| token.secret.reveal().is_empty()) {
        return Err(Problem::no_token_configured());
    }
    if !headers.contains_key(AUTHORIZATION)
        && let Some((accounts, secret)) = accounts.zip(cookie(headers))
    {
        let bearer = accounts.bearer(console.desk.now(), secret);
        let bearer = bearer.ok_or_else(Problem::session_over)?;
        not_forged(method, headers)?;
        return Ok(bearer.into());
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = given.and_then(|value| value.split_once(' ')) else {
        return Err(Problem::token_needed());
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::token_needed());
    }
    if let Some(token) = configured(&console.tokens, given.trim()) {
        let name = token.name.clone();
        return Ok(Holder { name, role: token.role, operator: None, session: None, limit: None });
    }
    let bearer = accounts.and_then(|accounts| accounts.bearer(console.desk.now(), given.trim()));
    bearer.map(Holder::from).ok_or_else(Problem::token_wrong)
}

impl From<Bearer> for Holder {
    fn from(bearer: Bearer) -> Self {
        let Bearer { name, role, operator, session, limit } = bearer;
        Self { name, role, operator, session, limit }
    }
}

/// The secret of the session cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies =
        lines.flat_map(|line| line.split(';')).filter_map(|c| c.trim().split_once('='));
    cookies.find(|(name, _)| *name == COOKIE).map(|(_, secret)| secret)
}

/// A browser sends its cookie whoever wrote the page. Only pages of ours can set a header of ours, and
/// only they come from the host that they ask.
fn not_forged(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let elsewhere = text("origin").is_some_and(|origin| {
        origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host))
    });
    let marked = text(MARK).is_some_and(|mark| !mark.is_empty());
    if elsewhere || !(method.is_safe() || marked) {
        return Err(Problem::forged());
    }
    Ok(())
}

/// The configured token that this is.
fn configured<'t>(tokens: &'t [Token], given: &str) -> Option<&'t Token> {
    // Hashes of equal length, all tokens compared: time tells neither length nor place.
    let given = Sha256::digest(given);
    let mut found = 0u32;
    for (number, token) in (1u32..).zip(tokens) {
        let secret = token.secret.reveal();
        let same = Sha256::digest(secret).as_slice().ct_eq(given.as_slice());
        found.conditional_assign(&number, same & Choice::from(u8::from(!secret.is_empty())));
    }
    let place = usize::try_from(found).ok().and_then(|found| found.checked_sub(1));
    place.and_then(|place| tokens.get(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Secret;

    #[test]
    fn only_a_whole_configured_token_opens() {
        let token = |name: &str, secret: &str| Token {
            name: name.into(),
            secret: Secret::new(secret.into()),
            role: Role::Admin,
        };
        let tokens = [token("empty", ""), token("a", "alpha"), token("b", "beta")];
        let ask = |given| configured(&tokens, given).map(|token| token.name.as_str());
        assert_eq!(ask("alpha"), Some("a"));
        assert_eq!(ask("beta"), Some("b"));
        for wrong in ["", "alph", "alphaa", "ALPHA"] {
            assert_eq!(ask(wrong), None, "{wrong}");
        }
        assert!(configured(&[token("empty", "")], "").is_none());
    }

    #[test]
    fn a_page_of_somebody_else_can_do_nothing_with_a_cookie() {
        let ask = |method: Method, pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in [("host", "gw.example:8112")].iter().chain(pairs) {
                let name = header::HeaderName::try_from(*name).expect("a name");
                headers.append(name, value.parse().expect("a value"));
            }
            not_forged(&method, &headers).is_ok()
        };
        let (ours, theirs) =
            (("origin", "http://gw.example:8112"), ("origin", "https://evil.example"));
        assert!(ask(Method::GET, &[]) && ask(Method::GET, &[ours]));
        assert!(ask(Method::POST, &[("x-siaga112", "1")]));
        assert!(ask(Method::POST, &[("x-siaga112", "1"), ours]));
        assert!(!ask(Method::POST, &[]) && !ask(Method::DELETE, &[ours]));
        assert!(!ask(Method::POST, &[("x-siaga112", "")]));
        assert!(!ask(Method::GET, &[theirs]) && !ask(Method::POST, &[("x-siaga112", "1"), theirs]));
        assert!(!ask(Method::GET, &[("origin", "null")]));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "a=b; siaga112x=no; siaga112=yes".parse().expect("a value"));
        assert_eq!(cookie(&headers), Some("yes"));
        headers.clear();
        headers.append("cookie", "a=b".parse().expect("a value"));
        assert_eq!(cookie(&headers), None);
    }
}
