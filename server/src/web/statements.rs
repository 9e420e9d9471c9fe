//! `/v1/statements`: submit signed statements, one or many, and read them.

use super::{
    Answer, Shared, body,
    caller::Bearer,
    json,
    openapi::{Problems, REFUSED_BODY},
    path_part,
    problem::{self, Failure},
    query, resource,
};
use crate::{
    registry::{Refusal, Registry},
    telemetry::RequestId,
};
use actix_web::{
    HttpMessage, HttpRequest,
    http::{Method, StatusCode},
    web,
};
use serde::{
    Deserialize, Deserializer as _, Serialize,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;
use touchstone_schema::{
    StatementId,
    api::{Acknowledgement, BatchItem, BatchResult, Scope, StatementBatch, StatementView},
    envelope::Envelope,
    problem::ProblemCode as Code,
};
use utoipa::ToSchema;

pub(super) const PROBLEMS: Problems = &[
    (
        "submitStatements",
        &[
            REFUSED_BODY,
            &[
                Code::MalformedEnvelope,
                Code::EnvelopeTooLarge,
                Code::UnknownKind,
                Code::WrongAudience,
                Code::StaleStatement,
                Code::WrongIssuer,
                Code::UnknownKey,
                Code::RevokedKey,
                Code::InvalidSignature,
                Code::WrongRole,
                Code::UnboundCode,
                Code::UnknownStatement,
                Code::Conflict,
                Code::LogHalted,
            ],
        ],
    ),
    ("getStatement", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("getReceipt", &[&[Code::InvalidIdentifier, Code::NotFound, Code::ReceiptPending]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services
        .service(resource(state, "/v1/statements", [(Method::POST, web::to(submit))]))
        .service(resource(state, "/v1/statements/{id}", [(Method::GET, web::to(get))]))
        .service(resource(state, "/v1/statements/{id}/receipt", [(Method::GET, web::to(receipt))]));
}

/// One envelope, or a batch of them.
#[derive(ToSchema)]
#[schema(as = Submission)]
#[serde(untagged)]
#[allow(dead_code, reason = "documents the body; the exact bytes are read without it")]
pub(super) enum SubmissionForm {
    /// A single statement.
    Single(Envelope),
    /// Up to 1,000 statements.
    Batch {
        /// Envelopes. Their exact bytes are logged.
        statements: Vec<Envelope>,
    },
}

/// What a submission answers.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SubmissionResult)]
pub(super) enum Submitted {
    /// A single statement was accepted before.
    Single(Acknowledgement),
    /// One result for each statement of a batch.
    Batch(BatchResult),
}

/// Query of a submission.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct SubmitQuery {
    /// Wait until the entries are published, and put their receipts into the answer. One that is not published in time
    /// stands there without; it can be asked for later.
    receipt: bool,
}

/// Submit statements
///
/// Sends one DSSE envelope, or `{"statements": […]}` with at most 1,000. The exact bytes of every envelope are
/// logged, and durable when the answer comes. Sending the same statement again returns the first acknowledgement (status
/// 200, `duplicate` true). In a batch every statement has its own result, in order; one that is refused does not affect
/// the others.
///
/// 提交一个 DSSE 信封，或用 `{"statements": […]}` 批量提交（最多 1,000 个）。日志保存信封原始字节；重复提交返回首次回执。
/// 加上 `receipt=true` 时等待发布，并在结果中附上收据。
#[utoipa::path(
    post, path = "/v1/statements", operation_id = "submitStatements", tag = "statements",
    params(SubmitQuery),
    request_body = SubmissionForm,
    responses(
        (status = 201, description = "A single statement was accepted", body = Acknowledgement),
        (status = 200, description = "It had been accepted before, or the results of a batch", body = Submitted)
    ),
    security(("bearer" = ["register"]))
)]
pub(super) async fn submit(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    body::require_json(&body::media_type(&request))?;
    let SubmitQuery { receipt } = query(&request)?;
    let caller = state.authenticate(bearer, &[Scope::Register]).await?;
    let mut payload = payload.into_inner();
    let body = body::read(&state, &request, &mut payload, state.limits.max_batch_bytes).await?;
    let id = request.extensions().get::<RequestId>().copied();
    let id = id.ok_or_else(|| Failure::from(Refusal::internal("the request has no identifier")))?;
    let max_batch = state.max_batch;
    let begin = move |registry: &Registry| {
        let (envelopes, single) = match Submission::parse(body.bytes(), max_batch)? {
            Submission::Single(envelope) => (vec![envelope], true),
            Submission::Batch(envelopes) => (envelopes, false),
        };
        Ok((registry.begin_submission(&caller, &envelopes)?, single))
    };
    let (submission, single) = state.run(begin).await?;
    let mut results = submission.outcome().await.map_err(Failure::from)?;
    if receipt {
        results = with_receipts(&state, results).await?;
    }
    let submitted = if single {
        let only = results.pop().unwrap_or_else(|| Err(Refusal::internal("a batch of one gave no result")));
        Submitted::Single(only?)
    } else {
        Submitted::Batch(batch(results, id))
    };
    let fresh = matches!(&submitted, Submitted::Single(acknowledgement) if !acknowledgement.duplicate);
    json(if fresh { StatusCode::CREATED } else { StatusCode::OK }, &submitted)
}

type Results = Vec<Result<Acknowledgement, Refusal>>;

/// Waits for publication, as long as the settings say, and adds the receipts.
async fn with_receipts(state: &Shared, mut results: Results) -> Result<Results, Failure> {
    let last = results.iter().flatten().map(|acknowledgement| acknowledgement.log_index).max();
    let Some(last) = last else { return Ok(results) };
    state.published(last).await;
    let add = move |registry: &Registry| {
        for acknowledgement in results.iter_mut().flatten() {
            registry.add_receipt(acknowledgement);
        }
        Ok(results)
    };
    state.run(add).await
}

fn batch(results: Results, id: RequestId) -> BatchResult {
    let results = results.into_iter().map(|result| match result {
        Ok(acknowledgement) => BatchItem::Accepted(acknowledgement),
        Err(refusal) => {
            problem::log(&refusal, id);
            BatchItem::Refused { problem: problem::problem(&refusal, id) }
        }
    });
    BatchResult { results: results.collect() }
}

/// A submission with the exact bytes of its envelopes, surrounding white space cut off.
#[derive(Debug, PartialEq, Eq)]
enum Submission<'a> {
    Single(&'a [u8]),
    Batch(Vec<&'a [u8]>),
}

/// Finds out whether there is a member `statements`; the other members are judged later.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, default)]
    statements: Option<&'a RawValue>,
}

impl<'a> Submission<'a> {
    fn parse(text: &'a [u8], max_batch: usize) -> Result<Self, Refusal> {
        let value: &RawValue = serde_json::from_slice(text).map_err(|error| body::shape(&error))?;
        let value = value.get();
        // serde would read an array as the members of a struct in order.
        let is_batch = value.starts_with('{')
            && serde_json::from_str::<Probe<'_>>(value)
                .map_err(|error| body::shape(&error))?
                .statements
                .is_some();
        if !is_batch {
            return Ok(Self::Single(value.as_bytes()));
        }
        let batch: StatementBatch<'_> = serde_json::from_str(value).map_err(|error| body::shape(&error))?;
        let mut list = serde_json::Deserializer::from_str(batch.statements.get());
        let (envelopes, count) =
            list.deserialize_seq(Envelopes { most: max_batch }).map_err(|error| body::shape(&error))?;
        if count > max_batch {
            let detail = format!("a batch may have at most {max_batch} statements; this one has {count}");
            return Err(Refusal::with(Code::BodyTooLarge, detail));
        }
        if count == 0 {
            return Err(Refusal::with(Code::InvalidField, "statements: at least one is expected"));
        }
        Ok(Self::Batch(envelopes))
    }
}

/// Reads the envelopes of a batch and counts them; those beyond the limit take no memory.
struct Envelopes {
    most: usize,
}

impl<'de> Visitor<'de> for Envelopes {
    type Value = (Vec<&'de [u8]>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of envelopes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut envelopes = Vec::new();
        while envelopes.len() < self.most {
            let Some(envelope) = list.next_element::<&RawValue>()? else {
                let count = envelopes.len();
                return Ok((envelopes, count));
            };
            envelopes.push(envelope.get().as_bytes());
        }
        let mut count = envelopes.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok((envelopes, count))
    }
}

/// Read a statement
///
/// The statement as the log holds it, with its exact envelope and leaf hash.
///
/// 读取日志中的声明，包括原始信封与叶子哈希。
#[utoipa::path(
    get, path = "/v1/statements/{id}", operation_id = "getStatement", tag = "statements",
    params(("id" = StatementId, Path, description = "The statement")),
    responses((status = 200, description = "The statement", body = StatementView))
)]
pub(super) async fn get(state: Shared, request: HttpRequest) -> Answer {
    let id: StatementId = path_part(&request, "id")?;
    let view = state.run(move |registry| registry.statement(&id)).await?;
    json(StatusCode::OK, &view)
}

/// Read a statement's receipt
///
/// Proof that the statement is in the public log (C2SP tlog-proof): with the envelope and the log's verifier key, anyone
/// verifies it offline. It rests on the first published checkpoint that covers the entry, so it is the same for ever. Its
/// extra data is the head of the log entry, which precedes the envelope's bytes. Just after a submission the answer waits
/// for publication.
///
/// 声明的收据（C2SP tlog-proof）：凭信封与日志验证公钥即可离线验证其已入日志。收据基于首个覆盖该条目的检查点，永不改变。
#[utoipa::path(
    get, path = "/v1/statements/{id}/receipt", operation_id = "getReceipt", tag = "statements",
    params(("id" = StatementId, Path, description = "The statement")),
    responses((status = 200, description = "The receipt", body = String, content_type = "text/plain"))
)]
pub(super) async fn receipt(state: Shared, request: HttpRequest) -> Answer {
    let id: StatementId = path_part(&request, "id")?;
    let index = state.look_up(move |registry| registry.log_index(&id)).await?;
    state.published(index).await;
    let text = state.run(move |registry| registry.statement_receipt(&id)).await?;
    Ok(super::immutable(text, "text/plain; charset=utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_bytes_are_kept() {
        let text = br#" {"statements": [ {"a" : 1}, {"b":"\u0041"} ]} "#;
        let expected = Submission::Batch(vec![br#"{"a" : 1}"#, br#"{"b":"\u0041"}"#]);
        assert_eq!(Submission::parse(text, 2).unwrap(), expected);
        assert_eq!(
            Submission::parse(b" {\"payload\": 1}\n", 2).unwrap(),
            Submission::Single(b"{\"payload\": 1}")
        );
        assert_eq!(Submission::parse(b"[[]]", 2).unwrap(), Submission::Single(b"[[]]"));
    }

    #[test]
    fn departures_have_their_own_problems() {
        let code = |text: &str| Submission::parse(text.as_bytes(), 1).unwrap_err().code;
        assert_eq!(code(r#"{"statements":[1,2]}"#), Code::BodyTooLarge);
        assert_eq!(code(r#"{"statements":[]}"#), Code::InvalidField);
        assert_eq!(code(r#"{"statements":{}}"#), Code::InvalidField);
        assert_eq!(code(r#"{"statements":[1],"x":1}"#), Code::UnknownField);
        assert_eq!(code(r#"{"statements":[1],"statements":[1]}"#), Code::DuplicateName);
        assert_eq!(code(r#"{"statements":[1}"#), Code::MalformedJson);
        assert_eq!(code(""), Code::MalformedJson);
    }
}
