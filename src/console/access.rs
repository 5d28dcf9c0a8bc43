//! Who may use the API: bearers of a token (RFC 6750), each within its role. The table of
//! [`super::permissions`] says what that is; the guard holds it for every route, before its handler.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::Console;
use super::own;
use super::permissions::{self, About, Grant, Reach};
use super::problem::Problem;
use super::settings::Token;
use crate::people::Role;
use crate::vocabulary::OperatorId;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// The person, or the token of a program: for audit entries.
    pub(super) name: String,
    /// What they are there for.
    pub(super) role: Role,
    /// Whose calls are their own.
    pub(super) operator: Option<OperatorId>,
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
    let holder = holder(&console.tokens, request.headers())?;
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

/// Whose token the request bears.
pub(super) fn holder(tokens: &[Token], headers: &HeaderMap) -> Result<Holder, Problem> {
    if tokens.iter().all(|token| token.secret.reveal().is_empty()) {
        return Err(Problem::no_token_configured());
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = given.and_then(|value| value.split_once(' ')) else {
        return Err(Problem::token_needed());
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::token_needed());
    }
    // Hashes of equal length, all tokens compared: time tells neither length nor place.
    let given = Sha256::digest(given.trim());
    let mut found = 0u32;
    for (number, token) in (1u32..).zip(tokens) {
        let secret = token.secret.reveal();
        let same = Sha256::digest(secret).as_slice().ct_eq(given.as_slice());
        found.conditional_assign(&number, same & Choice::from(u8::from(!secret.is_empty())));
    }
    let place = usize::try_from(found).ok().and_then(|found| found.checked_sub(1));
    let token = place.and_then(|place| tokens.get(place)).ok_or_else(Problem::token_wrong)?;
    Ok(Holder { name: token.name.clone(), role: token.role, operator: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Secret;

    fn ask(tokens: &[Token], header: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(AUTHORIZATION, value.parse().expect("a header"));
        }
        holder(tokens, &headers).ok().map(|holder| holder.name)
    }

    #[test]
    fn only_a_whole_configured_token_opens() {
        let token = |name: &str, secret: &str| Token {
            name: name.into(),
            secret: Secret::new(secret.into()),
            role: Role::Admin,
        };
        let tokens = [token("empty", ""), token("a", "alpha"), token("b", "beta")];
        assert_eq!(ask(&tokens, Some("Bearer alpha")).as_deref(), Some("a"));
        assert_eq!(ask(&tokens, Some("bearer beta")).as_deref(), Some("b"));
        for wrong in ["Bearer", "Bearer ", "Bearer alph", "Bearer alphaa", "Basic alpha", "alpha"] {
            assert_eq!(ask(&tokens, Some(wrong)), None, "{wrong}");
        }
        assert_eq!(ask(&tokens, None), None);
        assert_eq!(ask(&[token("empty", "")], Some("Bearer ")), None);
        assert_eq!(ask(&[], Some("Bearer alpha")), None);
    }
}
