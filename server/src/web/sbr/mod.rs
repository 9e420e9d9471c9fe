//! `/sbr/v1` and its well-known route: the C2PA Soft Binding Resolution API 2.4, as that specification words it.
//!
//! Each file holds one group of the specification's routes. Names, parameters and statuses are the specification's;
//! problems are this registry's documents. Look-ups by reference are not offered: no address is ever fetched.

mod bindings;
mod manifests;
mod matches;
mod receipts;
mod services;

pub(super) use bindings::{__path_associate, __path_update};
pub(super) use manifests::{__path_add, __path_delete, __path_get};
pub(super) use matches::{__path_by_binding, __path_by_content, __path_by_large_binding};
pub(super) use receipts::{__path_get as __path_receipt, __path_verify};
pub(super) use services::{__path_algorithms, __path_capabilities, __path_status, __path_well_known};

use super::{Shared, State, body, openapi::Problems, problem::Failure};
use actix_web::{HttpRequest, web};
use serde::{Serialize, de::DeserializeOwned};
use touchstone_schema::problem::ProblemCode as Code;

pub(super) const PROBLEMS: [Problems; 5] =
    [matches::PROBLEMS, manifests::PROBLEMS, bindings::PROBLEMS, receipts::PROBLEMS, services::PROBLEMS];

/// Problems of JSON bodies: the specification knows a bad body alone, whatever type it says it has.
const REFUSED_JSON: &[Code] = &[
    Code::MalformedRequest,
    Code::MalformedJson,
    Code::DuplicateName,
    Code::UnknownField,
    Code::InvalidField,
    Code::BodyTooLarge,
];

/// Matches of a look-up that does not say how many (C2PA specification).
const DEFAULT_RESULTS: usize = 10;

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    matches::configure(state, services);
    manifests::configure(state, services);
    receipts::configure(state, services);
    bindings::configure(state, services);
    services::configure(state, services);
}

/// A JSON body.
async fn json_body<T: DeserializeOwned + Serialize>(
    state: &State,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<T, Failure> {
    require_type(request, "application/json")?;
    let body = body::read(state, request, &mut payload.into_inner(), state.limits.max_json_bytes).await?;
    Ok(body::parse(body.bytes())?)
}

/// Refuses a body of another type.
fn require_type(request: &HttpRequest, expected: &str) -> Result<(), Failure> {
    if body::media_type(request) == expected {
        return Ok(());
    }
    Err(Failure::with(Code::MalformedRequest, format!("send Content-Type: {expected}")))
}

/// The parameters of a request. Those that the specification does not know are passed over.
fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Failure> {
    let query = web::Query::<T>::from_query(request.query_string());
    query
        .map(web::Query::into_inner)
        .map_err(|error| Failure::with(Code::MalformedRequest, format!("the query: {error}")))
}

/// `maxResults`: any whole number from 1; beyond what is ever answered it makes no difference.
fn max_results(text: Option<&str>) -> Result<usize, Failure> {
    let Some(text) = text else { return Ok(DEFAULT_RESULTS) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && text.bytes().any(|byte| byte != b'0') {
        return Ok(text.parse().unwrap_or(usize::MAX));
    }
    Err(Failure::with(Code::InvalidField, "maxResults must be a whole number from 1"))
}

/// A parameter that is `true` or `false`.
fn flag(name: &str, text: Option<&str>) -> Result<bool, Failure> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Failure::with(Code::InvalidField, format!("{name} must be true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_the_specification_has_them() {
        assert_eq!(max_results(None).unwrap(), 10);
        assert_eq!(max_results(Some("1")).unwrap(), 1);
        assert_eq!(max_results(Some("99999999999999999999999999")).unwrap(), usize::MAX);
        for bad in ["0", "00", "-1", "+1", "1.0", "x", ""] {
            assert!(max_results(Some(bad)).is_err(), "{bad}");
        }
        assert!(flag("f", Some("true")).unwrap() && !flag("f", None).unwrap());
        assert!(flag("f", Some("True")).is_err());
    }
}
