//! `/sbr/v1/manifests/{manifestId}/receipts`: that a manifest store was taken in, and whether that holds.

use super::{REFUSED_JSON, json_body};
use crate::web::{
    Answer, Shared, caller::Bearer, json, openapi::Problems, path_part, problem::Failure, resource,
};
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{
    ManifestId,
    api::Scope,
    problem::ProblemCode as Code,
    sbr::{ManifestReceipt, VerifiedManifestReceipt},
};

pub(super) const PROBLEMS: Problems = &[
    ("getVerifiedReceipt", &[&[Code::InvalidIdentifier, Code::NotFound, Code::ReceiptPending]]),
    ("verifyReceipt", &[REFUSED_JSON, &[Code::InvalidIdentifier, Code::NotFound, Code::ReceiptPending]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let both = [(Method::GET, web::to(get)), (Method::POST, web::to(verify))];
    services.service(resource(state, "/sbr/v1/manifests/{manifestId}/receipts", both));
}

/// Read a manifest's receipt
///
/// Which log entry names the manifest store, and whether store, entry and signature still agree.
///
/// 读取清单收据：哪条日志条目记载了该清单库，以及清单库、条目与签名是否仍一致。
#[utoipa::path(
    get, path = "/sbr/v1/manifests/{manifestId}/receipts", operation_id = "getVerifiedReceipt",
    tag = "manifests",
    params(("manifestId" = ManifestId, Path, description = "Label of the active manifest")),
    responses((status = 200, description = "The receipt", body = VerifiedManifestReceipt)),
    security(("bearer" = ["fetch:manifests"]))
)]
pub(crate) async fn get(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: ManifestId = path_part(&request, "manifestId")?;
    let caller = state.authenticate(bearer, &[Scope::FetchManifests]).await?;
    published(&state, &id).await?;
    let receipt = state.run(move |registry| registry.verified_receipt(&caller, &id, None)).await?;
    json(StatusCode::OK, &receipt)
}

/// Waits until the log entry that names a manifest is published, as long as the settings say.
async fn published(state: &Shared, id: &ManifestId) -> Result<(), Failure> {
    let id = id.clone();
    let index = state.look_up(move |registry| registry.manifest_index(&id)).await?;
    state.published(index).await;
    Ok(())
}

/// Verify a manifest's receipt
///
/// Holds a receipt against the registry's own; `error` says what does not agree.
///
/// 核验一份清单收据；`error` 说明不一致之处。
#[utoipa::path(
    post, path = "/sbr/v1/manifests/{manifestId}/receipts", operation_id = "verifyReceipt", tag = "manifests",
    params(("manifestId" = ManifestId, Path, description = "Label of the active manifest")),
    request_body = ManifestReceipt,
    responses((status = 200, description = "The receipt with the result", body = VerifiedManifestReceipt)),
    security(("bearer" = ["fetch:manifests"]))
)]
pub(crate) async fn verify(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let id: ManifestId = path_part(&request, "manifestId")?;
    let caller = state.authenticate(bearer, &[Scope::FetchManifests]).await?;
    let given: ManifestReceipt = json_body(&state, &request, payload).await?;
    published(&state, &id).await?;
    let receipt = state.run(move |registry| registry.verified_receipt(&caller, &id, Some(given))).await?;
    json(StatusCode::OK, &receipt)
}
