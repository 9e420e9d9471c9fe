//! Who calls: the token in the `Authorization` header. Whether it is valid, the use case's thread finds out.

use super::problem::Failure;
use crate::registry::Refusal;
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION};
use std::{
    fmt,
    future::{Ready, ready},
};
use touchstone_schema::problem::ProblemCode;
use zeroize::Zeroizing;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 256;

/// The secret of a bearer token (RFC 6750). It is never shown in logs.
pub struct Bearer(Zeroizing<String>);

impl Bearer {
    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl FromRequest for Bearer {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let secret =
            request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(token);
        ready(secret.map(|secret| Self(Zeroizing::new(secret.to_owned()))).ok_or_else(|| {
            let detail = "this needs the header Authorization: Bearer and a token";
            Refusal::with(ProblemCode::Unauthenticated, detail).into()
        }))
    }
}

fn token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    let usable = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= MAX_TOKEN;
    usable.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn only_bearer_tokens_are_taken() {
        assert_eq!(token("Bearer abc"), Some("abc"));
        assert_eq!(token("bearer  abc "), Some("abc"));
        for bad in ["Basic abc", "Bearer", "Bearer ", "abc", &format!("Bearer {}", "x".repeat(300))] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
