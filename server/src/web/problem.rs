//! From refusals to problem documents (RFC 9457): the only place that decides status, headers and what is logged.
//!
//! The client sees code, title, remedy and detail; the cause inside the registry goes to the log alone, under the
//! identifier of the request that the client sees as `instance`.

use crate::{registry::Refusal, telemetry::RequestId};
use actix_web::{
    HttpResponse, ResponseError,
    body::MessageBody,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use std::{error::Error, fmt, sync::Arc};
use touchstone_schema::problem::{MEDIA_TYPE, Problem, ProblemCode};

/// A refusal on its way to the client.
#[derive(Debug)]
pub struct Failure {
    refusal: Refusal,
    allow: Option<Arc<str>>,
}

impl Failure {
    /// The path does not know the method; `allow` lists those that it knows.
    pub(super) fn method_not_allowed(allow: &Arc<str>) -> Self {
        Self { refusal: Refusal::new(ProblemCode::MethodNotAllowed), allow: Some(Arc::clone(allow)) }
    }

    /// A problem with words for the client.
    pub(super) fn with(code: ProblemCode, detail: impl Into<String>) -> Self {
        Refusal::with(code, detail).into()
    }

    /// The problem of a body that is larger than `limit` bytes.
    pub(super) fn too_large(what: &str, limit: usize) -> Self {
        Self::with(ProblemCode::BodyTooLarge, format!("{what} may have at most {limit} bytes"))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, allow: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        status(self.refusal.code)
    }

    // Every route is wrapped by the observer, which calls `answer` with the request's identifier.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

fn status(code: ProblemCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Replaces an unsuccessful response without a problem document by one with it.
pub(super) fn answer<B: MessageBody>(response: &HttpResponse<B>, id: RequestId) -> Option<HttpResponse> {
    let found = response.status();
    if !found.is_client_error() && !found.is_server_error() {
        return None;
    }
    if let Some(failure) = response.error().and_then(|error| error.as_error::<Failure>()) {
        log(&failure.refusal, id);
        return Some(document(&failure.refusal, failure.allow.as_deref(), id));
    }
    let code = match found.as_u16() {
        404 => ProblemCode::NotFound,
        405 => ProblemCode::MethodNotAllowed,
        413 => ProblemCode::BodyTooLarge,
        415 => ProblemCode::UnsupportedMediaType,
        400..500 => ProblemCode::MalformedRequest,
        _ => ProblemCode::Internal,
    };
    let cause = response.error().map(|error| error.to_string().into());
    let refusal = Refusal { cause, ..Refusal::new(code) };
    log(&refusal, id);
    Some(document(&refusal, None, id))
}

fn document(refusal: &Refusal, allow: Option<&str>, id: RequestId) -> HttpResponse {
    let mut response = HttpResponse::build(status(refusal.code));
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)));
    if let Some(seconds) = refusal.retry_after_seconds {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if let Some(methods) = allow {
        response.insert_header((header::ALLOW, methods));
    }
    if refusal.code == ProblemCode::Unauthenticated {
        response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    }
    response.body(serde_json::to_vec(&problem(refusal, id)).unwrap_or_default())
}

/// The problem document of a refusal.
pub(super) fn problem(refusal: &Refusal, id: RequestId) -> Problem {
    refusal.code.document(refusal.detail.clone(), Some(id.to_string()))
}

/// Logs why a request was refused: failures of the registry as errors, the others for who looks closer.
pub(super) fn log(refusal: &Refusal, id: RequestId) {
    let code = refusal.code.code();
    if refusal.busy {
        tracing::warn!(request = %id, code, cause = causes(refusal), "request {id} told to come back: {code}");
    } else if refusal.code.status() >= 500 {
        let cause = causes(refusal);
        tracing::error!(request = %id, code, cause, "request {id} failed: {code}: {cause}");
    } else {
        tracing::debug!(request = %id, code, cause = causes(refusal), "request {id} refused: {code}");
    }
}

fn causes(refusal: &Refusal) -> String {
    let mut text = String::new();
    let mut next = refusal.source();
    while let Some(cause) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Path segments that are not UTF-8 after decoding are wrong identifiers.
pub(super) fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| {
        Failure::with(ProblemCode::InvalidIdentifier, format!("the path cannot be read: {error}")).into()
    })
}
