//! `/healthz`, `/readyz` and `/metrics`: for load balancers and monitoring.

use super::{Answer, Shared, openapi::Problems, resource};
use crate::registry::Registry;
use actix_web::{
    HttpResponse,
    http::{Method, header::ContentType},
    web,
};

pub(super) const PROBLEMS: Problems = &[("getHealth", &[]), ("getReadiness", &[]), ("getMetrics", &[])];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services
        .service(resource(state, "/healthz", [(Method::GET, web::to(health))]))
        .service(resource(state, "/readyz", [(Method::GET, web::to(readiness))]))
        .service(resource(state, "/metrics", [(Method::GET, web::to(metrics))]));
}

/// Whether the process lives
///
/// Answers without asking the database.
///
/// 进程是否存活（不访问数据库）。
#[utoipa::path(
    get, path = "/healthz", operation_id = "getHealth", tag = "operation",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain"))
)]
pub(super) async fn health() -> Answer {
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body("ok\n"))
}

/// Whether requests can be answered
///
/// Asks the database.
///
/// 是否可以处理请求（会访问数据库）。
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "operation",
    responses((status = 200, description = "Ready", body = String, content_type = "text/plain"))
)]
pub(super) async fn readiness(state: Shared) -> Answer {
    state.run(Registry::ready).await?;
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body("ready\n"))
}

/// Numbers for monitoring
///
/// Text format of Prometheus: requests by route, method and class of status, durations, size of the log, searchable
/// pictures, memory.
///
/// Prometheus 文本格式的运行指标。
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "operation",
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(state: Shared) -> Answer {
    let statistics = state.run(Registry::statistics).await;
    if let Err(failure) = &statistics {
        tracing::warn!("the numbers of the registry are missing in /metrics: {failure}");
    }
    let text = state.metrics.text(statistics.ok());
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
