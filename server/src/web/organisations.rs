//! `/v1/organisations`: admission, keys, suspension and provider codes. For the operator alone.

use super::{
    Answer, Shared,
    body::Strict,
    caller::Bearer,
    json,
    openapi::{Problems, REFUSED_BODY},
    path_part, resource,
};
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{
    KeyId, OrganisationId,
    api::{
        AdmittedOrganisation, KeyRevocation, Logged, NewCode, NewKey, NewOrganisation, OrganisationInfo,
        Suspension,
    },
    problem::ProblemCode as Code,
};

pub(super) const PROBLEMS: Problems = &[
    (
        "admitOrganisation",
        &[REFUSED_BODY, &[Code::Conflict, Code::MalformedEnvelope, Code::InvalidSignature]],
    ),
    ("listOrganisations", &[]),
    ("getOrganisation", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("addKey", &[REFUSED_BODY, &[Code::InvalidIdentifier, Code::NotFound, Code::Conflict]]),
    ("revokeKey", &[REFUSED_BODY, &[Code::InvalidIdentifier, Code::NotFound, Code::Conflict]]),
    ("suspendOrganisation", &[REFUSED_BODY, &[Code::InvalidIdentifier, Code::NotFound, Code::Conflict]]),
    ("bindCode", &[REFUSED_BODY, &[Code::InvalidIdentifier, Code::NotFound, Code::Conflict]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    const ONE: &str = "/v1/organisations/{organisation}";
    let many = [(Method::GET, web::to(list)), (Method::POST, web::to(admit))];
    services
        .service(resource(state, "/v1/organisations", many))
        .service(resource(state, ONE, [(Method::GET, web::to(get))]))
        .service(resource(state, "/v1/organisations/{organisation}/keys", [(Method::POST, web::to(add_key))]))
        .service(resource(
            state,
            "/v1/organisations/{organisation}/keys/{key}/revocation",
            [(Method::POST, web::to(revoke_key))],
        ))
        .service(resource(
            state,
            "/v1/organisations/{organisation}/suspension",
            [(Method::POST, web::to(suspend))],
        ))
        .service(resource(
            state,
            "/v1/organisations/{organisation}/codes",
            [(Method::POST, web::to(bind_code))],
        ));
}

/// Admit an organisation
///
/// Logs the admission with the organisation's first key. The answer holds its first token, shown here and never
/// again.
///
/// 接纳机构并在日志中记录其首个密钥；首个令牌仅在此显示一次。
#[utoipa::path(
    post, path = "/v1/organisations", operation_id = "admitOrganisation", tag = "organisations",
    request_body(
        content = NewOrganisation,
        example = json!({
            "name": "Teapot Studio 茶壶工作室",
            "role": "merchant",
            "public_key": "c0b45c3c7eb0e4cb1f7cd8a5f3d7f1c0a8c6a8d6fd6c9d6bcd8d05e9e6b2b4a1"
        })
    ),
    responses((status = 201, description = "Admitted", body = AdmittedOrganisation)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn admit(state: Shared, bearer: Bearer, body: Strict<NewOrganisation>) -> Answer {
    let admitted = state.run_as(bearer, move |registry, caller| registry.admit(caller, &body.0)).await?;
    json(StatusCode::CREATED, &admitted)
}

/// List organisations
///
/// All of them, suspended ones included, in the order of their admission.
///
/// 列出全部机构（包括已暂停的），按接纳顺序排列。
#[utoipa::path(
    get, path = "/v1/organisations", operation_id = "listOrganisations", tag = "organisations",
    responses((status = 200, description = "The organisations", body = Vec<OrganisationInfo>)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn list(state: Shared, bearer: Bearer) -> Answer {
    let found = state.run_as(bearer, |registry, caller| registry.organisations(caller)).await?;
    json(StatusCode::OK, &found)
}

/// Read an organisation
///
/// With its keys, revoked ones included, and its provider codes.
///
/// 读取机构信息，包括全部密钥（含已吊销）与服务提供者编码。
#[utoipa::path(
    get, path = "/v1/organisations/{organisation}", operation_id = "getOrganisation", tag = "organisations",
    params(("organisation" = OrganisationId, Path, description = "The organisation")),
    responses((status = 200, description = "The organisation", body = OrganisationInfo)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn get(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: OrganisationId = path_part(&request, "organisation")?;
    let found = state.run_as(bearer, move |registry, caller| registry.organisation(caller, &id)).await?;
    json(StatusCode::OK, &found)
}

/// Add a key
///
/// The key may sign from the log index of this decision on.
///
/// 新增签名密钥；自本决定的日志序号起生效。
#[utoipa::path(
    post, path = "/v1/organisations/{organisation}/keys", operation_id = "addKey", tag = "organisations",
    params(("organisation" = OrganisationId, Path, description = "The organisation")),
    request_body = NewKey,
    responses((status = 201, description = "Logged", body = Logged)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn add_key(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    body: Strict<NewKey>,
) -> Answer {
    let id: OrganisationId = path_part(&request, "organisation")?;
    let logged = state.run_as(bearer, move |registry, caller| registry.add_key(caller, &id, &body.0)).await?;
    json(StatusCode::CREATED, &logged)
}

/// Revoke a key
///
/// The key may no longer sign from the log index of this decision on. `suspect_from_index` makes earlier entries a
/// finding.
///
/// 吊销密钥；自本决定的日志序号起失效。`suspect_from_index` 使此后的条目在结论中成为发现。
#[utoipa::path(
    post, path = "/v1/organisations/{organisation}/keys/{key}/revocation", operation_id = "revokeKey",
    tag = "organisations",
    params(
        ("organisation" = OrganisationId, Path, description = "The organisation"),
        ("key" = KeyId, Path, description = "The key")
    ),
    request_body = KeyRevocation,
    responses((status = 201, description = "Logged", body = Logged)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn revoke_key(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    body: Strict<KeyRevocation>,
) -> Answer {
    let id: OrganisationId = path_part(&request, "organisation")?;
    let key: KeyId = path_part(&request, "key")?;
    let logged =
        state.run_as(bearer, move |registry, caller| registry.revoke_key(caller, &id, &key, &body.0)).await?;
    json(StatusCode::CREATED, &logged)
}

/// Suspend an organisation
///
/// It may no longer register or check. What it registered stays in the log.
///
/// 暂停机构：不能再登记或检查；已登记的内容仍保留在日志中。
#[utoipa::path(
    post, path = "/v1/organisations/{organisation}/suspension", operation_id = "suspendOrganisation",
    tag = "organisations",
    params(("organisation" = OrganisationId, Path, description = "The organisation")),
    request_body = Suspension,
    responses((status = 201, description = "Logged", body = Logged)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn suspend(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    body: Strict<Suspension>,
) -> Answer {
    let id: OrganisationId = path_part(&request, "organisation")?;
    let logged = state.run_as(bearer, move |registry, caller| registry.suspend(caller, &id, &body.0)).await?;
    json(StatusCode::CREATED, &logged)
}

/// Bind a provider code
///
/// From then on statements of others that name this code are refused.
///
/// 绑定服务提供者编码；此后其他机构使用该编码的声明将被拒绝。
#[utoipa::path(
    post, path = "/v1/organisations/{organisation}/codes", operation_id = "bindCode", tag = "organisations",
    params(("organisation" = OrganisationId, Path, description = "The organisation")),
    request_body = NewCode,
    responses((status = 201, description = "Logged", body = Logged)),
    security(("bearer" = ["operate"]))
)]
pub(super) async fn bind_code(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    body: Strict<NewCode>,
) -> Answer {
    let id: OrganisationId = path_part(&request, "organisation")?;
    let logged =
        state.run_as(bearer, move |registry, caller| registry.bind_code(caller, &id, &body.0)).await?;
    json(StatusCode::CREATED, &logged)
}
