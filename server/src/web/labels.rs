//! `/v1/labels/{producer}/{id}`: registered AI labels by the numbers that stand in them.

use super::{Answer, Shared, json, openapi::Problems, resource};
use actix_web::{
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{api::LabelRecords, problem::ProblemCode as Code};

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
    let found = state.run(move |registry| registry.labels(&producer, &id)).await?;
    json(StatusCode::OK, &found)
}
