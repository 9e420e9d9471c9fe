//! `/sbr/v1/bindings`: values that lead to own manifests.

use super::{REFUSED_JSON, json_body};
use crate::web::{Answer, Shared, caller::Bearer, openapi::Problems, resource};
use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use touchstone_schema::{api::Scope, problem::ProblemCode as Code, sbr::Bindings};

pub(super) const PROBLEMS: Problems = &[
    ("associateManifest", &[REFUSED_JSON, &[Code::NotFound, Code::NotOwner]]),
    ("updateAssociatedManifest", &[REFUSED_JSON, &[Code::NotFound, Code::NotOwner]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let both = [(Method::POST, web::to(associate)), (Method::PUT, web::to(update))];
    services.service(resource(state, "/sbr/v1/bindings", both));
}

/// Bind a value to a manifest
///
/// Only the manifest's owner may. `alg` is an addition to the C2PA description; without it, it is the only one that the
/// manifest already claims, or `io.iscc.v0` if the value is one. The same again changes nothing.
///
/// 将软绑定取值关联到本机构的清单（仅清单所有者可操作）。`alg` 为本登记处的扩展成员。
#[utoipa::path(
    post, path = "/sbr/v1/bindings", operation_id = "associateManifest", tag = "manifests",
    request_body = Bindings, responses((status = 204, description = "Bound")),
    security(("bearer" = ["store:bindings"]))
)]
pub(crate) async fn associate(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    bind(&state, bearer, &request, payload, false).await
}

async fn bind(
    state: &Shared,
    bearer: Bearer,
    request: &HttpRequest,
    payload: web::Payload,
    replace: bool,
) -> Answer {
    let caller = state.authenticate(bearer, &[Scope::StoreBindings]).await?;
    let given: Bindings = json_body(state, request, payload).await?;
    state.run(move |registry| registry.bind(&caller, &given, replace)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Bind a value to another manifest
///
/// The value leads to this manifest from now on, and no longer to the caller's other manifests.
///
/// 将软绑定取值改为指向本机构的另一清单。
#[utoipa::path(
    put, path = "/sbr/v1/bindings", operation_id = "updateAssociatedManifest", tag = "manifests",
    request_body = Bindings, responses((status = 204, description = "Bound")),
    security(("bearer" = ["store:bindings"]))
)]
pub(crate) async fn update(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    bind(&state, bearer, &request, payload, true).await
}
