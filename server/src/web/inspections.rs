//! `/v1/inspections`: what a picture tells about itself. Nothing is stored.

use super::{
    Answer, Shared, body,
    caller::Bearer,
    content::{PictureFile, require_picture},
    json, multipart,
    openapi::{Problems, REFUSED_BODY, REFUSED_PICTURE},
    resource,
};
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{
    api::{InspectionReport, Scope},
    problem::ProblemCode as Code,
};
use utoipa::ToSchema;

pub(super) const PROBLEMS: Problems =
    &[("inspect", &[REFUSED_BODY, REFUSED_PICTURE, &[Code::MalformedMultipart]])];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services.service(resource(state, "/v1/inspections", [(Method::POST, web::to(inspect))]));
}

/// A picture alone.
#[derive(ToSchema)]
#[allow(dead_code, reason = "documents the body; the part is read by itself")]
pub(super) struct InspectionForm {
    /// The picture's file.
    #[schema(value_type = String, format = Binary)]
    photo: Vec<u8>,
}

/// Inspect a picture
///
/// Computes digests, fingerprints, labels and the C2PA report that a statement needs, for clients without the SDK.
/// Nothing is stored. The token needs the scope `register` or `check`.
///
/// 为没有 SDK 的客户端计算摘要、指纹、标识与 C2PA 报告；不保存任何内容。令牌需具备 `register` 或 `check` 权限。
#[utoipa::path(
    post, path = "/v1/inspections", operation_id = "inspect", tag = "checks",
    request_body(content(
        (PictureFile = "image/*"),
        (PictureFile = "application/octet-stream"),
        (InspectionForm = "multipart/form-data")
    )),
    responses((status = 200, description = "What the file tells", body = InspectionReport)),
    security(("bearer" = []))
)]
pub(super) async fn inspect(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let media_type = body::media_type(&request);
    let is_form = media_type == "multipart/form-data";
    if !is_form {
        require_picture(&media_type)?;
    }
    state.authenticate(bearer, &[Scope::Register, Scope::Check]).await?;
    let mut payload = payload.into_inner();
    let body = if is_form {
        multipart::read(&state, &request, payload, &[]).await?.photo
    } else {
        body::read(&state, &request, &mut payload, state.max_upload_bytes).await?
    };
    let report = state.run_picture(move |registry| registry.inspect(body.bytes())).await?;
    json(StatusCode::OK, &report)
}
