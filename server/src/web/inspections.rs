//! `/v1/inspections`: what a file tells about itself. Nothing is stored.

use super::{
    Answer, Shared, body,
    caller::Bearer,
    json, multipart,
    openapi::{Problems, REFUSED_BODY, REFUSED_PICTURE},
    problem::Failure,
    resource,
};
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{
    api::{FileReport, Scope},
    problem::ProblemCode as Code,
};
use utoipa::ToSchema;

pub(super) const PROBLEMS: Problems =
    &[("inspect", &[REFUSED_BODY, REFUSED_PICTURE, &[Code::MalformedMultipart]])];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services.service(resource(state, "/v1/inspections", [(Method::POST, web::to(inspect))]));
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "documents the body; its bytes are read as they are")]
pub(super) struct AnyFile(Vec<u8>);

/// A file alone.
#[derive(ToSchema)]
#[allow(dead_code, reason = "documents the body; the part is read by itself")]
pub(super) struct InspectionForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    photo: Vec<u8>,
}

/// Inspect a file
///
/// Of a picture: digests, fingerprints, labels and the C2PA report that a statement needs, for clients without the SDK.
/// Of a video, a sound or a document (MP4, MOV, M4A, Matroska, WebM, FLV, AVI, PDF): the digest and the labels in its
/// metadata; it is not decoded. The limits are those of pictures. Nothing is stored. The token needs the scope `register`
/// or `check`.
///
/// 为没有 SDK 的客户端计算图片的摘要、指纹、标识与 C2PA 报告；对视频、音频和文档（MP4、MOV、M4A、Matroska、WebM、FLV、AVI、PDF）
/// 只计算摘要并读取元数据中的标识，不解码，限额与图片相同。不保存任何内容。令牌需具备 `register` 或 `check` 权限。
#[utoipa::path(
    post, path = "/v1/inspections", operation_id = "inspect", tag = "checks",
    request_body(content(
        (AnyFile = "image/*"),
        (AnyFile = "video/*"),
        (AnyFile = "audio/*"),
        (AnyFile = "application/pdf"),
        (AnyFile = "application/octet-stream"),
        (InspectionForm = "multipart/form-data")
    )),
    responses((status = 200, description = "What the file tells", body = FileReport)),
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
        require_file(&media_type)?;
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

/// Refuses bodies that do not say that they are a file which can be read, or plain bytes.
fn require_file(media_type: &str) -> Result<(), Failure> {
    let kinds = ["image/", "video/", "audio/"];
    let types = ["application/octet-stream", "application/pdf"];
    if kinds.iter().any(|kind| media_type.starts_with(kind)) || types.contains(&media_type) {
        return Ok(());
    }
    let detail = "send Content-Type: image/…, video/…, audio/…, application/pdf or application/octet-stream";
    Err(Failure::with(Code::UnsupportedMediaType, detail))
}
