//! Multipart bodies (RFC 7578) with a picture and short texts, bounded in parts and sizes.

use super::{
    State,
    body::{self, Body},
    problem::Failure,
};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{HttpRequest, dev::Payload};
use futures_util::StreamExt;
use touchstone_schema::problem::ProblemCode;

/// Most parts of a body.
const MAX_PARTS: usize = 16;
/// Longest text part, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 10;
/// Name of the part with the picture.
pub const PHOTO: &str = "photo";

/// What a multipart body holds.
#[derive(Debug)]
pub struct Form {
    /// The picture.
    pub photo: Body,
    /// Texts by their names; each name at most once, empty ones left out.
    pub texts: Vec<(&'static str, String)>,
}

/// Reads a body with exactly one part `photo` and optional text parts with the names in `known`.
///
/// # Errors
/// A problem if the body is malformed, a part is unknown, repeated or too large, or the picture is missing.
pub async fn read(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
    known: &'static [&'static str],
) -> Result<Form, Failure> {
    body::refuse_encoded(request.headers())?;
    let mut parts = Multipart::new(request.headers(), payload);
    body::in_time(state, read_parts(state, &mut parts, known)).await
}

async fn read_parts(
    state: &State,
    parts: &mut Multipart,
    known: &'static [&'static str],
) -> Result<Form, Failure> {
    let mut photo = None;
    let mut seen: Vec<&'static str> = Vec::new();
    let mut texts = Vec::new();
    let mut count = 0;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(malformed)?;
        count += 1;
        if count > MAX_PARTS {
            return Err(wrong(format!("a body may have at most {MAX_PARTS} parts")));
        }
        let name = name(&part, known)?;
        if seen.contains(&name) {
            return Err(wrong(format!("the part {name} occurs twice")));
        }
        seen.push(name);
        if name == PHOTO {
            photo = Some(collect(state, &mut part, state.max_upload_bytes, "the picture").await?);
            continue;
        }
        let body = collect(state, &mut part, MAX_TEXT_BYTES, name).await?;
        let text =
            std::str::from_utf8(body.bytes()).map_err(|_| wrong(format!("the part {name} is not UTF-8")))?;
        if !text.trim().is_empty() {
            texts.push((name, text.trim().to_owned()));
        }
    }
    let photo = photo.ok_or_else(|| wrong(format!("there is no part with the name {PHOTO}")))?;
    Ok(Form { photo, texts })
}

fn name(part: &Field, known: &'static [&'static str]) -> Result<&'static str, Failure> {
    let name = part.name().ok_or_else(|| wrong("a part has no name".to_owned()))?;
    if name == PHOTO {
        return Ok(PHOTO);
    }
    known.iter().copied().find(|known| *known == name).ok_or_else(|| {
        let names = [&[PHOTO], known].concat().join(", ");
        Failure::with(ProblemCode::UnknownField, format!("a part has a name other than {names}"))
    })
}

async fn collect(state: &State, part: &mut Field, limit: usize, what: &str) -> Result<Body, Failure> {
    body::collect(part, state.budget.reservation(), limit, 0, what, malformed).await
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function that maps errors")]
fn malformed(error: MultipartError) -> Failure {
    wrong(format!("the body is not well-formed multipart/form-data: {error}"))
}

fn wrong(detail: String) -> Failure {
    Failure::with(ProblemCode::MalformedMultipart, detail)
}
