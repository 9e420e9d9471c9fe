//! `/v1/registry` and `/v1/caller`: who the registry is, and who it thinks is calling.

use super::{Answer, Shared, caller::Bearer, json, openapi::Problems, resource};
use actix_web::{
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::api::{CallerInfo, RegistryInfo};

pub(super) const PROBLEMS: Problems = &[("getRegistry", &[]), ("getCaller", &[])];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services.service(resource(state, "/v1/registry", [(Method::GET, web::to(registry))])).service(resource(
        state,
        "/v1/caller",
        [(Method::GET, web::to(caller))],
    ));
}

/// Who this registry is
///
/// Origin (the audience of statements), keys, limits and time.
///
/// 登记处信息：来源标识（声明的受众）、公钥、限额与时间。
#[utoipa::path(
    get, path = "/v1/registry", operation_id = "getRegistry", tag = "registry",
    responses((status = 200, description = "The registry", body = RegistryInfo))
)]
pub(super) async fn registry(state: Shared) -> Answer {
    let info = state.run(crate::registry::Registry::info).await?;
    json(StatusCode::OK, &info)
}

/// Whose token this is
///
/// The organisation, its role, what the token allows, and the keys that may sign now.
///
/// 查询令牌所属机构、角色、权限以及当前可用的签名密钥。
#[utoipa::path(
    get, path = "/v1/caller", operation_id = "getCaller", tag = "registry",
    responses((status = 200, description = "The caller", body = CallerInfo)),
    security(("bearer" = []))
)]
pub(super) async fn caller(state: Shared, bearer: Bearer) -> Answer {
    let info = state.run_as(bearer, |registry, caller| registry.caller_info(caller)).await?;
    json(StatusCode::OK, &info)
}
