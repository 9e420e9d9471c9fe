//! `/v1/tokens`, `/v1/users` and `/v1/sessions`: who may call, and signing in with a password.

use super::{
    Answer, Shared,
    body::Strict,
    caller::Bearer,
    json,
    openapi::{Problems, REFUSED_BODY},
    path_part, resource,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::{
    TokenId,
    api::{IssuedToken, NewToken, NewUser, SignIn, TokenList, UserInfo},
    problem::ProblemCode as Code,
};

pub(super) const PROBLEMS: Problems = &[
    ("issueToken", &[REFUSED_BODY, &[Code::NotFound]]),
    ("listTokens", &[]),
    ("revokeToken", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("createUser", &[REFUSED_BODY, &[Code::Conflict]]),
    ("signIn", &[REFUSED_BODY, &[Code::WrongPassword, Code::OrganisationSuspended, Code::TooManyRequests]]),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let tokens = [(Method::GET, web::to(list)), (Method::POST, web::to(issue))];
    services
        .service(resource(state, "/v1/tokens", tokens))
        .service(resource(state, "/v1/tokens/{id}", [(Method::DELETE, web::to(revoke))]))
        .service(resource(state, "/v1/users", [(Method::POST, web::to(create_user))]))
        .service(resource(state, "/v1/sessions", [(Method::POST, web::to(sign_in))]));
}

/// Issue a token
///
/// A further token of the own organisation; the operator names one. The secret is shown here and never again. The
/// token needs the scope `manage` or `operate`.
///
/// 为本机构签发新令牌（运营方需指明机构）；令牌只显示一次。需 `manage` 或 `operate` 权限。
#[utoipa::path(
    post, path = "/v1/tokens", operation_id = "issueToken", tag = "tokens",
    request_body(content = NewToken, example = json!({"scopes": ["register"], "days": 90, "name": "packing desk 3"})),
    responses((status = 201, description = "Issued", body = IssuedToken)),
    security(("bearer" = ["manage"]), ("bearer" = ["operate"]))
)]
pub(super) async fn issue(state: Shared, bearer: Bearer, body: Strict<NewToken>) -> Answer {
    let issued = state.run_as(bearer, move |registry, caller| registry.issue_token(caller, &body.0)).await?;
    json(StatusCode::CREATED, &issued)
}

/// List tokens
///
/// The own organisation's tokens without their secrets, newest first.
///
/// 列出本机构的令牌（不含密文），最新的在前。
#[utoipa::path(
    get, path = "/v1/tokens", operation_id = "listTokens", tag = "tokens",
    responses((status = 200, description = "The tokens", body = TokenList)),
    security(("bearer" = ["manage"]), ("bearer" = ["operate"]))
)]
pub(super) async fn list(state: Shared, bearer: Bearer) -> Answer {
    let found = state.run_as(bearer, |registry, caller| registry.tokens(caller)).await?;
    json(StatusCode::OK, &found)
}

/// Revoke a token
///
/// It is refused from now on.
///
/// 吊销令牌，立即失效。
#[utoipa::path(
    delete, path = "/v1/tokens/{id}", operation_id = "revokeToken", tag = "tokens",
    params(("id" = TokenId, Path, description = "The token")),
    responses((status = 204, description = "Revoked")),
    security(("bearer" = ["manage"]), ("bearer" = ["operate"]))
)]
pub(super) async fn revoke(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: TokenId = path_part(&request, "id")?;
    state.run_as(bearer, move |registry, caller| registry.revoke_token(caller, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Create a console user
///
/// A person of the own organisation who signs in with name and password.
///
/// 为本机构创建控制台用户（用户名加密码登录）。
#[utoipa::path(
    post, path = "/v1/users", operation_id = "createUser", tag = "tokens",
    request_body(content = NewUser, example = json!({"name": "li.lei@teapot", "password": "four unusual words here"})),
    responses((status = 201, description = "Created", body = UserInfo)),
    security(("bearer" = ["manage"]), ("bearer" = ["operate"]))
)]
pub(super) async fn create_user(state: Shared, bearer: Bearer, body: Strict<NewUser>) -> Answer {
    let created = state
        .run_password(move |registry| {
            let caller = registry.authenticate(bearer.secret())?;
            registry.create_user(&caller, &body.0)
        })
        .await?;
    json(StatusCode::CREATED, &created)
}

/// Sign in
///
/// Exchanges name and password for a token that lasts some hours. Attempts are limited for each name and address.
///
/// 用用户名和密码换取数小时有效的令牌；按用户名和来源地址限制尝试次数。
#[utoipa::path(
    post, path = "/v1/sessions", operation_id = "signIn", tag = "tokens",
    request_body = SignIn,
    responses((status = 201, description = "Signed in", body = IssuedToken))
)]
pub(super) async fn sign_in(state: Shared, request: HttpRequest, body: Strict<SignIn>) -> Answer {
    let address = request.peer_addr().map(|address| address.ip());
    state.sign_ins.attempt(&body.0.name, address, state.clock.now())?;
    let issued = state.run_password(move |registry| registry.sign_in(&body.0)).await?;
    json(StatusCode::CREATED, &issued)
}
