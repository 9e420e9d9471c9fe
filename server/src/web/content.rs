//! `/v1/content/{sha256}` and the content of statements: who registered these bytes, upload, deletion of records.

use super::{
    Answer, Shared, body,
    caller::Bearer,
    json, json_text,
    openapi::{Problems, REFUSED_BODY, REFUSED_PICTURE},
    path_part,
    problem::Failure,
    query, resource,
};
use crate::registry::Registry;
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
    web,
};
use serde::Deserialize;
use touchstone_schema::{
    Sha256Digest, StatementId,
    api::{ContentReceipt, ContentStatements, Logged, Scope},
    envelope::Envelope,
    problem::ProblemCode as Code,
    record,
};

pub(super) const PROBLEMS: Problems = &[
    ("findContent", &[&[Code::InvalidIdentifier]]),
    ("answerContent", &[&[Code::InvalidIdentifier]]),
    (
        "putContent",
        &[
            &[
                Code::InvalidIdentifier,
                Code::NotFound,
                Code::NotOwner,
                Code::ContentDeleted,
                Code::ContentMismatch,
                Code::Conflict,
            ],
            REFUSED_BODY,
            REFUSED_PICTURE,
        ],
    ),
    ("deleteRecord", &[&[Code::InvalidIdentifier, Code::NotFound, Code::NotOwner]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services
        .service(resource(state, "/v1/content/{sha256}", [(Method::GET, web::to(find))]))
        .service(resource(state, "/v1/content/{sha256}/answer", [(Method::GET, web::to(answer))]))
        .service(resource(state, "/v1/statements/{id}/content", [(Method::PUT, web::to(put))]))
        .service(resource(state, "/v1/statements/{id}/record", [(Method::DELETE, web::to(delete_record))]));
}

/// Find statements by digest
///
/// Statements that bind the file with this SHA-256, or the file without its C2PA manifest, oldest first. An empty
/// list is an answer too.
///
/// 按文件的 SHA-256（或去除 C2PA 清单后的 SHA-256）查找声明，按时间先后排列。空列表也是有效答案。
#[utoipa::path(
    get, path = "/v1/content/{sha256}", operation_id = "findContent", tag = "content",
    params(("sha256" = Sha256Digest, Path, description = "SHA-256 of the file")),
    responses((status = 200, description = "The statements", body = ContentStatements))
)]
pub(super) async fn find(state: Shared, request: HttpRequest) -> Answer {
    let digest: Sha256Digest = path_part(&request, "sha256")?;
    let found = state.look_up(move |registry| registry.content(&digest)).await?;
    json(StatusCode::OK, &found)
}

/// Find statements by digest, signed
///
/// The same as a signed answer: which log entries bind this digest, as of a size of the log. "None" can be kept as
/// evidence, and anyone can replay it against the log: a registry that hides an entry is found out.
///
/// 签名的查询结果：截至某一日志大小，哪些条目绑定该摘要。“没有”同样可作为凭证，任何人都可对照日志重放验证。
#[utoipa::path(
    get, path = "/v1/content/{sha256}/answer", operation_id = "answerContent", tag = "content",
    params(("sha256" = Sha256Digest, Path, description = "SHA-256 of the file")),
    responses((
        status = 200,
        description = "A DSSE envelope of type `application/vnd.touchstone.answer.v1+json`, signed with the verdict key",
        body = Envelope
    ))
)]
pub(super) async fn answer(state: Shared, request: HttpRequest) -> Answer {
    let digest: Sha256Digest = path_part(&request, "sha256")?;
    let envelope = state.look_up(move |registry| registry.content_answer(&digest)).await?;
    Ok(json_text(envelope))
}

/// The bytes of a picture's file.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "documents the body; its bytes are read as they are")]
pub(super) struct PictureFile(Vec<u8>);

/// Query of an upload.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PutQuery {
    /// Name of the file, for answers to checks. Folders are cut off.
    file_name: Option<String>,
    /// What is kept of a picture: `codes`, `sketch` or `detail`. Unless given, `detail` for listing pictures and
    /// `sketch` for others.
    #[param(inline)]
    reference: Option<record::Tier>,
    /// Whether the C2PA manifest of a signed picture is kept, so that copies that lost it lead back to it. Unless given,
    /// it is.
    keep_manifest: Option<bool>,
}

/// Upload the content of a statement
///
/// With a picture, the registry computes digests and fingerprints itself and logs its own `content.observed`. With
/// a reference record, the picture stays at home and its bindings count as declared.
///
/// 上传声明对应的图片（登记处自行计算摘要与指纹，并记录 `content.observed`），或只上传参考记录（图片不离开本地，绑定视为“自报”）。
#[utoipa::path(
    put, path = "/v1/statements/{id}/content", operation_id = "putContent", tag = "content",
    params(("id" = StatementId, Path, description = "The statement"), PutQuery),
    request_body(
        description = "The picture's bytes, or a reference record",
        content(
            (PictureFile = "image/*"),
            (PictureFile = "application/octet-stream"),
            (record::Record = "application/vnd.touchstone.record.v1+json")
        )
    ),
    responses((status = 200, description = "Accepted", body = ContentReceipt)),
    security(("bearer" = ["register"]))
)]
pub(super) async fn put(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let id: StatementId = path_part(&request, "id")?;
    let PutQuery { file_name, reference, keep_manifest } = query(&request)?;
    let caller = state.authenticate(bearer, &[Scope::Register]).await?;
    let mut payload = payload.into_inner();
    let receipt = if is_record(&request)? {
        let body = body::read(&state, &request, &mut payload, record::MAX_RECORD_BYTES).await?;
        state.run(move |registry| registry.put_record(&caller, &id, body.bytes())).await?
    } else {
        let body = body::read(&state, &request, &mut payload, state.max_upload_bytes).await?;
        let keep_manifest = keep_manifest.unwrap_or(true);
        let name = file_name.as_deref().and_then(record::clean_file_name);
        let put = move |registry: &Registry| {
            registry.put_pixels(&caller, &id, body.bytes(), name.as_deref(), reference, keep_manifest)
        };
        state.run_picture(put).await?
    };
    json(StatusCode::OK, &receipt)
}

/// Whether the body is a record; otherwise it must say that it is a picture.
fn is_record(request: &HttpRequest) -> Result<bool, Failure> {
    let media_type = body::media_type(request);
    if media_type == record::MEDIA_TYPE {
        return Ok(true);
    }
    require_picture(&media_type).map(|()| false)
}

/// Refuses bodies that do not say that they are a picture or plain bytes.
pub(super) fn require_picture(media_type: &str) -> Result<(), Failure> {
    if media_type.starts_with("image/") || media_type == "application/octet-stream" {
        return Ok(());
    }
    let detail = "send Content-Type: image/… or application/octet-stream";
    Err(Failure::with(Code::UnsupportedMediaType, detail))
}

/// Delete a reference record
///
/// Removes fingerprints, file name and record for ever, and the C2PA manifest that came with the picture; a tombstone
/// stays in the log.
///
/// 永久删除参考记录（指纹、文件名等）以及随图片保存的 C2PA 清单；日志中保留墓碑条目。
#[utoipa::path(
    delete, path = "/v1/statements/{id}/record", operation_id = "deleteRecord", tag = "content",
    params(("id" = StatementId, Path, description = "The statement")),
    responses((status = 200, description = "Deleted; where the tombstone stands", body = Logged)),
    security(("bearer" = ["register"]))
)]
pub(super) async fn delete_record(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: StatementId = path_part(&request, "id")?;
    let logged = state.run_as(bearer, move |registry, caller| registry.delete_record(caller, &id)).await?;
    json(StatusCode::OK, &logged)
}
