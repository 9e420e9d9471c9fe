//! `/v1/labels/{producer}/{id}`: registered AI labels by the numbers that stand in them.

use super::{Answer, Shared, json, json_text, openapi::Problems, resource};
use crate::registry::Refusal;
use actix_web::{
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{
    api::LabelRecords, envelope::Envelope, problem::ProblemCode as Code, statement::MAX_TEXT,
};

pub(super) const PROBLEMS: Problems =
    &[("findLabels", &[&[Code::InvalidIdentifier]]), ("answerLabels", &[&[Code::InvalidIdentifier]])];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services
        .service(resource(state, "/v1/labels/{producer}/{id}", [(Method::GET, web::to(find))]))
        .service(resource(state, "/v1/labels/{producer}/{id}/answer", [(Method::GET, web::to(answer))]));
}

/// Find labels by number
///
/// Registered labels under this provider and content number, oldest first, each with the label that holds now.
///
/// 按服务提供者编码与内容编号查找已登记的标识，按时间先后排列，并给出当前有效的标识。
#[utoipa::path(
    get, path = "/v1/labels/{producer}/{id}", operation_id = "findLabels", tag = "content",
    params(
        ("producer" = String, Path, description = "Provider code or name, as in `ContentProducer`"),
        ("id" = String, Path, description = "Content number, as in `ProduceID`")
    ),
    responses((status = 200, description = "The labels; an empty list is an answer too", body = LabelRecords))
)]
pub(super) async fn find(state: Shared, path: web::Path<(String, String)>) -> Answer {
    let (producer, id) = label(path)?;
    let found = state.run(move |registry| registry.labels(&producer, &id)).await?;
    json(StatusCode::OK, &found)
}

/// Find labels by number, signed
///
/// The same as a signed answer: which log entries register this label, as of a size of the log. Anyone can replay it
/// against the log.
///
/// 签名的查询结果：截至某一日志大小，哪些条目登记了该标识；任何人都可对照日志重放验证。
#[utoipa::path(
    get, path = "/v1/labels/{producer}/{id}/answer", operation_id = "answerLabels", tag = "content",
    params(
        ("producer" = String, Path, description = "Provider code or name, as in `ContentProducer`"),
        ("id" = String, Path, description = "Content number, as in `ProduceID`")
    ),
    responses((
        status = 200,
        description = "A DSSE envelope of type `application/vnd.touchstone.answer.v1+json`, signed with the verdict key",
        body = Envelope
    ))
)]
pub(super) async fn answer(state: Shared, path: web::Path<(String, String)>) -> Answer {
    let (producer, id) = label(path)?;
    let envelope = state.run(move |registry| registry.label_answer(&producer, &id)).await?;
    Ok(json_text(envelope))
}

fn label(path: web::Path<(String, String)>) -> Result<(String, String), Refusal> {
    let (producer, id) = path.into_inner();
    if [&producer, &id].into_iter().all(|part| can_be_registered(part)) {
        return Ok((producer, id));
    }
    let detail = "producer and id have at most 256 characters, in UTF-8 and without control characters";
    Err(Refusal::with(Code::InvalidIdentifier, detail))
}

/// Whether a registered label can have this text as producer or number. What is no UTF-8 arrives here with
/// replacement characters.
fn can_be_registered(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT
        && !text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}
