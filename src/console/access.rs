//! Who may use the API: bearers of a configured token (RFC 6750).

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::Console;
use super::problem::Problem;
use super::settings::Token;

/// Who asks: the name of the token, for audit entries.
#[derive(Clone, Debug)]
pub(super) struct Holder(pub(super) String);

/// Lets a request through when it bears a token, and notes whose.
pub(super) async fn guard(
    State(console): State<Console>,
    mut request: Request,
    next: Next,
) -> Response {
    match holder(&console.tokens, request.headers()) {
        Ok(holder) => {
            request.extensions_mut().insert(holder);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
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
    let token = place.and_then(|place| tokens.get(place));
    token.map(|token| Holder(token.name.clone())).ok_or_else(Problem::token_wrong)
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
        holder(tokens, &headers).ok().map(|holder| holder.0)
    }

    #[test]
    fn only_a_whole_configured_token_opens() {
        let token = |name: &str, secret: &str| Token {
            name: name.into(),
            secret: Secret::new(secret.into()),
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
