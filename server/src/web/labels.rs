//! `/v1/labels/{producer}/{id}`: registered AI labels by the numbers that stand in them.

use super::{Answer, Shared, json, openapi::Problems, resource};
use crate::registry::Refusal;
use actix_web::{
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{api::LabelRecords, problem::ProblemCode as Code, statement::MAX_TEXT};

pub(super) const PROBLEMS: Problems = &[("findLabels", &[&[Code::InvalidIdentifier]])];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services.service(resource(state, "/v1/labels/{producer}/{id}", [(Method::GET, web::to(find))]));
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
    let (producer, id) = path.into_inner();
    if ![&producer, &id].into_iter().all(|part| can_be_registered(part)) {
        let detail = "producer and id have at most 256 characters, in UTF-8 and without control characters";
        return Err(Refusal::with(Code::InvalidIdentifier, detail).into());
    }
    let found = state.run(move |registry| registry.labels(&producer, &id)).await?;
    json(StatusCode::OK, &found)
}

/// Whether a registered label can have this text as producer or number. What is no UTF-8 arrives here with
/// replacement characters.
fn can_be_registered(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT
        && !text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}
