//! Bodies of requests: read with explicit limits on size, time and memory, then parsed strictly.

use super::{Shared, State, gate, problem::Failure};
use crate::registry::Refusal;
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{self, HeaderMap},
    web::{Bytes, BytesMut},
};
use futures_util::{Stream, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use touchstone_schema::{
    json::{self, ReadError},
    problem::ProblemCode,
};

/// Memory is reserved in steps of this size, in bytes.
const STEP: usize = 64 << 10;
/// Room that is made at once for a body whose length is announced, in bytes.
const MAX_FIRST_ROOM: usize = 1 << 20;

/// Memory that all bodies together may take.
#[derive(Debug)]
pub struct Budget(Arc<Semaphore>);

impl Budget {
    /// For at most `bytes`, rounded up to whole steps.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.div_ceil(STEP).min(Semaphore::MAX_PERMITS))))
    }

    /// A reservation of nothing, which can grow.
    #[must_use]
    pub fn reservation(&self) -> Reservation {
        Reservation { budget: Arc::clone(&self.0), held: None, bytes: 0 }
    }
}

/// Memory that a body holds; given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Reservation {
    /// Grows to hold `more` bytes more.
    ///
    /// # Errors
    /// Unavailable, when the bodies that wait take all memory that they may.
    pub fn grow(&mut self, more: usize) -> Result<(), Failure> {
        self.bytes += more;
        let have = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = self.bytes.div_ceil(STEP).saturating_sub(have);
        if missing == 0 {
            return Ok(());
        }
        let busy = || gate::full("the bodies of requests take all memory that they may");
        let missing = u32::try_from(missing).map_err(|_| busy())?;
        let permit = Arc::clone(&self.budget).try_acquire_many_owned(missing).map_err(|_| busy())?;
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        Ok(())
    }
}

/// A body in memory. The bytes cannot be taken from their reservation: a job that outlives its request keeps both.
#[derive(Debug)]
pub struct Body {
    bytes: Bytes,
    _reservation: Reservation,
}

impl Body {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The media type of a request's body, without parameters, in lower case.
pub(super) fn media_type(request: &HttpRequest) -> String {
    request.content_type().trim().to_ascii_lowercase()
}

/// Reads the whole body of at most `limit` bytes.
///
/// # Errors
/// A problem if it is too large, too slow, encoded, cut off, or if there is no memory for it now.
pub async fn read(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Body, Failure> {
    refuse_encoded(request.headers())?;
    let announced = announced(request.headers());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Failure::too_large("this body", limit));
    }
    let room = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let reservation = state.budget.reservation();
    let reading = collect(payload, reservation, limit, room.min(MAX_FIRST_ROOM), "this body", cut_off);
    in_time(state, reading).await
}

/// The announced length of a body.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Compressed bodies are not unpacked: what they unpack to has no bound.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Failure::with(ProblemCode::UnsupportedMediaType, "send the body without Content-Encoding"))
        }
        _ => Ok(()),
    }
}

/// Gives reading a body the configured time.
pub(super) async fn in_time<T>(
    state: &State,
    reading: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let seconds = state.limits.body_seconds;
    tokio::time::timeout(Duration::from_secs(seconds), reading).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {seconds} seconds");
        Err(Failure::with(ProblemCode::MalformedRequest, detail))
    })
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function that maps errors")]
fn cut_off(error: PayloadError) -> Failure {
    Failure::with(ProblemCode::MalformedRequest, format!("the body cannot be read: {error}"))
}

/// Collects a stream of at most `limit` bytes. `what` names it in the problem of a larger one.
pub(super) async fn collect<E>(
    stream: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    mut reservation: Reservation,
    limit: usize,
    room: usize,
    what: &str,
    fault: impl Fn(E) -> Failure,
) -> Result<Body, Failure> {
    let mut bytes = BytesMut::with_capacity(room);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(&fault)?;
        if chunk.len() > limit - bytes.len() {
            return Err(Failure::too_large(what, limit));
        }
        reservation.grow(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes: bytes.freeze(), _reservation: reservation })
}

/// A JSON body, read strictly into its type.
#[derive(Debug)]
pub struct Strict<T>(pub T);

impl<T: DeserializeOwned + Serialize + 'static> FromRequest for Strict<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_json(&media_type(&request))?;
            let state = shared(&request)?;
            let body = read(&state, &request, &mut payload, state.limits.max_json_bytes).await?;
            parse(body.bytes()).map(Self).map_err(Failure::from)
        })
    }
}

/// The server's state, where an extractor needs it.
pub(super) fn shared(request: &HttpRequest) -> Result<Shared, Failure> {
    let state = request.app_data::<Shared>();
    state.cloned().ok_or_else(|| Refusal::internal("the application has no state").into())
}

/// Refuses bodies that do not say that they are JSON.
pub(super) fn require_json(media_type: &str) -> Result<(), Failure> {
    if media_type == "application/json" {
        return Ok(());
    }
    Err(Failure::with(ProblemCode::UnsupportedMediaType, "send Content-Type: application/json"))
}

/// Reads strict JSON into a type.
///
/// # Errors
/// A problem that says what departs from strict JSON or from the type.
pub fn parse<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T, Refusal> {
    json::parse(text).map_err(|error| match error {
        ReadError::Strict(strict) => strict.into(),
        ReadError::UnknownField(text) => Refusal::with(ProblemCode::UnknownField, text),
        ReadError::Form(text) => Refusal::with(ProblemCode::InvalidField, text),
    })
}

/// The problem of JSON that does not have the form of its type. serde tells departures in words only; its wording
/// is held by a test.
pub(super) fn shape(error: &serde_json::Error) -> Refusal {
    let text = json::describe(error);
    let code = if !error.is_data() {
        ProblemCode::MalformedJson
    } else if text.starts_with("unknown field") {
        ProblemCode::UnknownField
    } else if text.starts_with("duplicate field") {
        ProblemCode::DuplicateName
    } else {
        ProblemCode::InvalidField
    };
    Refusal::with(code, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::api::NewCode;

    #[test]
    fn departures_have_their_own_problems() {
        let code = |text: &str| parse::<NewCode>(text.as_bytes()).map(|_| ()).unwrap_err().code;
        assert_eq!(code(r#"{"code":"a","code":"b"}"#), ProblemCode::DuplicateName);
        assert_eq!(code(r#"{"code":"a","x":1}"#), ProblemCode::UnknownField);
        assert_eq!(code(r#"{}"#), ProblemCode::InvalidField);
        assert_eq!(code(r#"{"code":1}"#), ProblemCode::InvalidField);
        assert_eq!(code(r#"{"code":"a""#), ProblemCode::MalformedJson);
        assert_eq!(code(""), ProblemCode::MalformedJson);
        parse::<NewCode>(br#" {"code":"a"} "#).unwrap();
    }

    #[test]
    fn the_budget_is_bounded_and_given_back() {
        let budget = Budget::new(2 * STEP);
        let mut first = budget.reservation();
        first.grow(10).unwrap();
        first.grow(STEP).unwrap();
        assert!(budget.reservation().grow(1).is_err());
        drop(first);
        budget.reservation().grow(2 * STEP).unwrap();
    }
}
