//! `/log/`: the public log as C2SP tlog-tiles, and the history of its checkpoints.

use super::{Answer, Shared, immutable, json, openapi::Problems, problem::Failure, query, resource};
use crate::{log::view::ViewError, registry::Refusal};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use serde::Deserialize;
use touchstone_schema::{api::CheckpointList, log::tile::Tile, problem::ProblemCode as Code};

pub(super) const PROBLEMS: Problems = &[
    ("getCheckpoint", &[&[Code::NotFound]]),
    ("getTile", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("getEntries", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("listCheckpoints", &[&[Code::MalformedRequest]]),
];

/// Checkpoints on a page, unless another number is asked for.
const PAGE: u32 = 100;

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services
        .service(resource(state, "/log/checkpoint", [(Method::GET, web::to(checkpoint))]))
        .service(resource(state, "/log/{tile:tile/.*}", [(Method::GET, web::to(resource_of_tile))]))
        .service(resource(state, "/v1/log/checkpoints", [(Method::GET, web::to(checkpoints))]));
}

/// Other sites' pages may read the log.
const ANYONE: (header::HeaderName, &str) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");

/// The log's checkpoint
///
/// Size and root of the log as a signed note (C2SP tlog-checkpoint), with the witnesses' cosignatures.
///
/// 日志检查点：日志大小与根哈希的签名（C2SP tlog-checkpoint），附见证人联署。
#[utoipa::path(
    get, path = "/log/checkpoint", operation_id = "getCheckpoint", tag = "log",
    responses((status = 200, description = "The checkpoint", body = String, content_type = "text/plain"))
)]
pub(super) async fn checkpoint(state: Shared) -> Answer {
    let published = state.registry.log().current();
    let published = published.ok_or_else(|| Failure::with(Code::NotFound, "nothing is published yet"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8")))
        .insert_header((header::CACHE_CONTROL, header::HeaderValue::from_static("no-store")))
        .insert_header(ANYONE)
        .body(published.note.clone()))
}

/// A tile of hashes
///
/// 256 hashes of 32 bytes, or as many as `.p/W` says, of the Merkle tree (C2SP tlog-tiles, height 8). Every width that a
/// published checkpoint covers is answered.
///
/// 哈希瓦片：Merkle 树的 256 个哈希（或 `.p/W` 指定的数量）。
#[utoipa::path(
    get, path = "/log/tile/{level}/{number}", operation_id = "getTile", tag = "log",
    params(
        ("level" = u8, Path, description = "Level of the tile, 0 to 63"),
        ("number" = String, Path, description = "Number in groups of three digits, such as `x001/x234/067`, and `.p/W` for a partial tile")
    ),
    responses((status = 200, description = "The hashes", body = [u8], content_type = "application/octet-stream"))
)]
#[allow(dead_code, reason = "documents the route; `resource_of_tile` answers it")]
pub(super) const fn tile() {}

/// A bundle of entries
///
/// 256 log entries, or as many as `.p/W` says, each after its length of two bytes, big-endian (C2SP tlog-tiles).
///
/// 条目包：256 个日志条目（或 `.p/W` 指定的数量），每个条目前有两字节大端长度。
#[utoipa::path(
    get, path = "/log/tile/entries/{number}", operation_id = "getEntries", tag = "log",
    params(
        ("number" = String, Path, description = "Number in groups of three digits, such as `x001/x234/067`, and `.p/W` for a partial bundle")
    ),
    responses((status = 200, description = "The entries", body = [u8], content_type = "application/octet-stream"))
)]
#[allow(dead_code, reason = "documents the route; `resource_of_tile` answers it")]
pub(super) const fn entries() {}

async fn resource_of_tile(state: Shared, request: HttpRequest) -> Answer {
    // The path as it was sent: in the canonical form nothing is percent-encoded.
    let path = request.path().strip_prefix("/log/").unwrap_or_default();
    let tile =
        Tile::parse(path).map_err(|error| Failure::with(Code::InvalidIdentifier, error.to_string()))?;
    let bytes = match state.registry.log().cached(tile) {
        Some(bytes) => bytes,
        None => {
            let found = state.run_tile(move |registry| match registry.log().resource(tile) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(ViewError::NotPublished) => Ok(None),
                Err(error) => Err(Refusal::from(error)),
            });
            let detail = "the published checkpoint does not cover this tile";
            found.await?.ok_or_else(|| Failure::with(Code::NotFound, detail))?
        }
    };
    let mut answer = immutable(bytes, "application/octet-stream");
    answer.headers_mut().insert(ANYONE.0, header::HeaderValue::from_static(ANYONE.1));
    Ok(answer)
}

/// Which checkpoints are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Only checkpoints that cover more entries than this.
    after: u64,
    /// Most checkpoints on a page, 1 to 1,000.
    limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { after: 0, limit: PAGE }
    }
}

/// All checkpoints
///
/// Every checkpoint that was ever published, smallest first. A receipt rests on the first one that covers its entry.
///
/// 历次发布的全部检查点，由小到大。收据基于首个覆盖其条目的检查点。
#[utoipa::path(
    get, path = "/v1/log/checkpoints", operation_id = "listCheckpoints", tag = "log",
    params(Page),
    responses((status = 200, description = "The checkpoints", body = CheckpointList))
)]
pub(super) async fn checkpoints(state: Shared, request: HttpRequest) -> Answer {
    let Page { after, limit } = query(&request)?;
    let list = state.run(move |registry| registry.checkpoints(after, limit)).await?;
    json(StatusCode::OK, &list)
}
