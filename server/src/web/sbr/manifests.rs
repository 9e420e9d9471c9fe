//! `/sbr/v1/manifests`: reading, storing and deleting manifest stores.

use super::{flag, query, require_type};
use crate::web::{
    Answer, Shared, body, caller::Bearer, json, openapi::Problems, path_part, problem::Failure, resource,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use serde::Deserialize;
use touchstone_schema::{
    ManifestId,
    api::Scope,
    problem::ProblemCode as Code,
    sbr::{ManifestCreateResult, ManifestReceipt, STORE_MEDIA_TYPE},
};
use utoipa::ToSchema;

pub(super) const PROBLEMS: Problems = &[
    (
        "addManifest",
        &[&[
            Code::MalformedRequest,
            Code::InvalidField,
            Code::InvalidManifest,
            Code::ManifestConflict,
            Code::BodyTooLarge,
        ]],
    ),
    (
        "getManifestById",
        &[&[Code::MalformedRequest, Code::InvalidField, Code::InvalidIdentifier, Code::NotFound]],
    ),
    ("deleteManifest", &[&[Code::InvalidIdentifier, Code::NotFound, Code::NotOwner]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let one = [(Method::GET, web::to(get)), (Method::DELETE, web::to(delete))];
    services.service(resource(state, "/sbr/v1/manifests", [(Method::POST, web::to(add))])).service(resource(
        state,
        "/sbr/v1/manifests/{manifestId}",
        one,
    ));
}

/// The bytes of a C2PA manifest store (JUMBF).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "documents the body; its bytes are read as they are")]
pub(crate) struct ManifestStore(Vec<u8>);

/// Query of storing a manifest.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct AddQuery {
    /// Whether the answer holds a receipt; `false` unless given.
    #[param(value_type = Option<bool>)]
    return_receipt: Option<String>,
}

/// Store a manifest
///
/// Keeps a manifest store that comes without its picture. Its active manifest must hold by itself; its label must not
/// belong to another store or signer. Soft bindings that it claims are looked up from now on. The log gets a
/// `manifest.stored`. The same store again changes nothing. Signed pictures that are registered bring theirs along.
///
/// 保存单独提交的 C2PA 清单库：活动清单自身须有效，其标签不得属于其他清单库或签名者。其声明的软绑定随即可查；日志记录 `manifest.stored`。
#[utoipa::path(
    post, path = "/sbr/v1/manifests", operation_id = "addManifest", tag = "manifests",
    params(AddQuery), request_body(content((ManifestStore = "application/c2pa"))),
    responses((status = 200, description = "Stored", body = ManifestCreateResult)),
    security(("bearer" = ["store:manifests"]))
)]
pub(crate) async fn add(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let caller = state.authenticate(bearer, &[Scope::StoreManifests]).await?;
    let receipt = flag("returnReceipt", query::<AddQuery>(&request)?.return_receipt.as_deref())?;
    require_type(&request, STORE_MEDIA_TYPE)?;
    let body = body::read(&state, &request, &mut payload.into_inner(), state.max_manifest_bytes).await?;
    let manifest_id =
        state.run_picture(move |registry| registry.store_manifest(&caller, body.bytes())).await?;
    let receipt = if receipt { receipt_in_time(&state, &manifest_id).await? } else { None };
    json(StatusCode::OK, &ManifestCreateResult { manifest_id, receipt })
}

/// The receipt of a kept manifest, if its log entry is published as long as the settings wait. Neither a thread nor a place
/// at the gate waits with it.
async fn receipt_in_time(state: &Shared, id: &ManifestId) -> Result<Option<ManifestReceipt>, Failure> {
    let (asked, kept) = (id.clone(), id.clone());
    let index = state.look_up(move |registry| registry.manifest_index(&asked)).await?;
    state.published(index).await;
    state.run(move |registry| registry.receipt_if_published(&kept)).await
}

/// Query of reading a manifest.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct GetQuery {
    /// Whether only the active manifest is wanted; `false` unless given.
    #[param(value_type = Option<bool>)]
    return_active_manifest: Option<String>,
}

/// Read a manifest
///
/// The manifest store as its signer signed it, byte for byte; or a store with its active manifest alone.
///
/// 读取 C2PA 清单库（逐字节原样），或只含活动清单的清单库。
#[utoipa::path(
    get, path = "/sbr/v1/manifests/{manifestId}", operation_id = "getManifestById", tag = "manifests",
    params(("manifestId" = ManifestId, Path, description = "Label of the active manifest"), GetQuery),
    responses((
        status = 200, description = "The store", body = ManifestStore, content_type = "application/c2pa"
    )),
    security(("bearer" = ["fetch:manifests"]))
)]
pub(crate) async fn get(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: ManifestId = path_part(&request, "manifestId")?;
    let active = query::<GetQuery>(&request)?.return_active_manifest;
    let active = flag("returnActiveManifest", active.as_deref())?;
    let bytes = state.run_as(bearer, move |registry, caller| registry.manifest(caller, &id, active)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, header::HeaderValue::from_static(STORE_MEDIA_TYPE)))
        .body(bytes))
}

/// Delete a manifest
///
/// Deletes an own manifest store with its soft bindings; the log gets a `manifest.deleted`. The label is then given to
/// the same store again, or to one that comes with its picture. If another registrant's picture carries the manifest,
/// it is kept with its soft bindings and belongs to who registered the oldest such picture; nothing is logged then.
///
/// 删除本机构的 C2PA 清单库及其软绑定，日志记录 `manifest.deleted`；此后该标签只分配给同一清单库，或随图片提交的清单库。若其他登记方的图片也带有
/// 该清单，则清单及其软绑定保留，归最早登记此类图片者所有，不记日志。
#[utoipa::path(
    delete, path = "/sbr/v1/manifests/{manifestId}", operation_id = "deleteManifest", tag = "manifests",
    params(("manifestId" = ManifestId, Path, description = "Label of the active manifest")),
    responses((status = 204, description = "Deleted")),
    security(("bearer" = ["store:manifests"]))
)]
pub(crate) async fn delete(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: ManifestId = path_part(&request, "manifestId")?;
    state.run_as(bearer, move |registry, caller| registry.delete_manifest(caller, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
