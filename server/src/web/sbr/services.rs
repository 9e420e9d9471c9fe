//! `/sbr/v1/services` and the well-known route: what the service can do and how it is. Nobody needs a token here.

use crate::{
    registry::{Registry, receipts::SBR_PATH},
    web::{Answer, Shared, json, openapi::Problems, resource},
};
use actix_web::{
    http::{Method, StatusCode},
    web,
};
use touchstone_schema::sbr::{
    ISCC, SPECIFICATION_VERSION, ServiceCapabilities, ServiceState, ServiceStatus, SoftBindingAlg,
    SoftBindingAlgList, WATERMARKS, WellKnownDiscovery,
};

pub(super) const PROBLEMS: Problems = &[
    ("getSupportedBindings", &[]),
    ("getServiceStatus", &[]),
    ("getServiceCapabilities", &[]),
    ("getWellKnown", &[]),
];

/// What is offered beyond the least. Without a reader of manifests none can be stored.
const CAPABILITIES: &[&str] = if cfg!(feature = "c2pa") {
    &["queryByContent", "storeManifests", "storeBindings"]
} else {
    &["queryByContent", "storeBindings"]
};

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let well_known = "/.well-known/c2pa-soft-binding-resolution";
    services
        .service(resource(
            state,
            "/sbr/v1/services/supportedAlgorithms",
            [(Method::GET, web::to(algorithms))],
        ))
        .service(resource(state, "/sbr/v1/services/status", [(Method::GET, web::to(status))]))
        .service(resource(state, "/sbr/v1/services/capabilities", [(Method::GET, web::to(capabilities))]))
        .service(resource(state, well_known, [(Method::GET, web::to(self::well_known))]));
}

/// Algorithms that are looked up
///
/// The ISCC is computed from pictures and compared by likeness; the values of watermarks are looked up as they are: none
/// is read from pictures here.
///
/// 支持的软绑定算法：ISCC 由登记处计算并按相似度比较；水印取值仅按原值查找，登记处不解码水印。
#[utoipa::path(
    get, path = "/sbr/v1/services/supportedAlgorithms", operation_id = "getSupportedBindings",
    tag = "manifests",
    responses((status = 200, description = "The algorithms", body = SoftBindingAlgList))
)]
pub(crate) async fn algorithms() -> Answer {
    let list = |names: &[&str]| names.iter().map(|alg| SoftBindingAlg { alg: (*alg).to_owned() }).collect();
    let algorithms = SoftBindingAlgList { watermarks: list(WATERMARKS), fingerprints: list(&[ISCC]) };
    json(StatusCode::OK, &algorithms)
}

/// How the service is
///
/// `degraded` shortly after a start, until crops and screenshots of all pictures are recognised; `down` when the database
/// does not answer.
///
/// 服务状态：启动后短时间内为 `degraded`（局部特征尚未载入），数据库无响应时为 `down`。
#[utoipa::path(
    get, path = "/sbr/v1/services/status", operation_id = "getServiceStatus", tag = "manifests",
    responses((status = 200, description = "The status", body = ServiceStatus))
)]
pub(crate) async fn status(state: Shared) -> Answer {
    let ready =
        state.run(|registry: &Registry| Ok((registry.ready().is_ok(), registry.is_complete()))).await?;
    let status = match ready {
        (false, _) => ServiceState::Down,
        (true, false) => ServiceState::Degraded,
        (true, true) => ServiceState::Ok,
    };
    json(StatusCode::OK, &ServiceStatus { status, timestamp: state.clock.now() })
}

/// What the service can do
///
/// Version of the specification and its optional parts that are there.
///
/// 服务能力：规范版本以及所支持的可选功能。
#[utoipa::path(
    get, path = "/sbr/v1/services/capabilities", operation_id = "getServiceCapabilities", tag = "manifests",
    responses((status = 200, description = "The capabilities", body = ServiceCapabilities))
)]
pub(crate) async fn capabilities() -> Answer {
    let capabilities = ServiceCapabilities {
        c2pa_specification_version: SPECIFICATION_VERSION.to_owned(),
        supported_capabilities: CAPABILITIES.iter().map(|&name| name.to_owned()).collect(),
    };
    json(StatusCode::OK, &capabilities)
}

/// Where the service is
///
/// The document by which clients of C2PA's Soft Binding Resolution API find it. Addresses are whole ones if the registry
/// knows its own; otherwise they are relative to this document's.
///
/// 供 C2PA 软绑定解析客户端发现本服务的文档。
#[utoipa::path(
    get, path = "/.well-known/c2pa-soft-binding-resolution", operation_id = "getWellKnown", tag = "manifests",
    responses((status = 200, description = "The document", body = WellKnownDiscovery))
)]
pub(crate) async fn well_known(state: Shared) -> Answer {
    let api = format!("{}{SBR_PATH}", state.public_url.as_deref().unwrap_or_default());
    let discovery = WellKnownDiscovery {
        c2pa_specification_version: SPECIFICATION_VERSION.to_owned(),
        capabilities_endpoint: format!("{api}/services/capabilities"),
        status_endpoint: format!("{api}/services/status"),
        api_endpoint: api,
    };
    json(StatusCode::OK, &discovery)
}
