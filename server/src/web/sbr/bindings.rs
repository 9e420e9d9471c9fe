//! `/sbr/v1/bindings`: values that lead to own manifests.

use crate::web::{
    Answer, Shared,
    body::Strict,
    caller::Bearer,
    openapi::{Problems, REFUSED_BODY},
    resource,
};
use actix_web::{HttpResponse, http::Method, web};
use touchstone_schema::{problem::ProblemCode as Code, sbr::Bindings};

pub(super) const PROBLEMS: Problems = &[
    ("associateManifest", &[REFUSED_BODY, &[Code::NotFound]]),
    ("updateAssociatedManifest", &[REFUSED_BODY, &[Code::NotFound]]),
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
pub(crate) async fn associate(state: Shared, bearer: Bearer, body: Strict<Bindings>) -> Answer {
    state.run_as(bearer, move |registry, caller| registry.bind(caller, &body.0, false)).await?;
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
pub(crate) async fn update(state: Shared, bearer: Bearer, body: Strict<Bindings>) -> Answer {
    state.run_as(bearer, move |registry, caller| registry.bind(caller, &body.0, true)).await?;
    Ok(HttpResponse::NoContent().finish())
}
