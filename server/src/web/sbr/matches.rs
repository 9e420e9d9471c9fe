//! `/sbr/v1/matches`: from a soft binding or a picture to manifests.

use super::{REFUSED_JSON, json_body, max_results, query};
use crate::{
    registry::{Refusal, resolve::ContentQuery},
    web::{
        Answer, Shared, State, body,
        caller::Bearer,
        content::{PictureFile, require_picture},
        json,
        openapi::Problems,
        problem::Failure,
        resource,
    },
};
use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
    web,
};
use serde::Deserialize;
use touchstone_schema::{
    api::Scope,
    problem::ProblemCode as Code,
    sbr::{SoftBindingQuery, SoftBindingQueryResult},
};

pub(super) const PROBLEMS: Problems = &[
    ("queryByBinding", &[&[Code::MalformedRequest, Code::InvalidField, Code::UriTooLong]]),
    ("queryByLargeBinding", &[REFUSED_JSON]),
    (
        "uploadFile",
        &[&[Code::MalformedRequest, Code::InvalidField, Code::BodyTooLarge, Code::UnsupportedMediaType]],
    ),
];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let by_binding = [(Method::GET, web::to(by_binding)), (Method::POST, web::to(by_large_binding))];
    services.service(resource(state, "/sbr/v1/matches/byBinding", by_binding)).service(resource(
        state,
        "/sbr/v1/matches/byContent",
        [(Method::POST, web::to(by_content))],
    ));
}

/// Query of a look-up by soft binding.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct BindingQuery {
    /// Name of the algorithm in the C2PA list.
    alg: String,
    /// The value in base64, in the algorithm's own form.
    value: String,
    /// Most manifests in the answer, from 1; 10 unless given.
    #[param(value_type = Option<u32>, minimum = 1)]
    max_results: Option<String>,
}

/// Find manifests by a soft binding
///
/// Manifests to which this value is bound: watermarks by exactly this value, `io.iscc.v0` also by likeness, with its
/// score. The value of `io.iscc.v0` is a sequence of ISCC-UNITs with a 256-bit Image-Code among them. No match is an
/// answer too.
///
/// 按软绑定查找 C2PA 清单：水印按值精确匹配，`io.iscc.v0` 同时按相似度匹配并给出分数。无匹配也是有效答案。
#[utoipa::path(
    get, path = "/sbr/v1/matches/byBinding", operation_id = "queryByBinding", tag = "manifests",
    params(BindingQuery),
    responses((status = 200, description = "The manifests, the best first", body = SoftBindingQueryResult)),
    security(("bearer" = ["fetch:manifests"]))
)]
pub(crate) async fn by_binding(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    if request.uri().to_string().len() > state.limits.max_uri_bytes {
        let detail = format!("at most {} bytes", state.limits.max_uri_bytes);
        return Err(Failure::with(Code::UriTooLong, detail));
    }
    let caller = state.authenticate(bearer, &[Scope::FetchManifests]).await?;
    let BindingQuery { alg, value, max_results: most } = query(&request)?;
    let most = max_results(most.as_deref())?;
    let found = state.run(move |registry| registry.match_binding(&caller, &alg, &value, most)).await?;
    json(StatusCode::OK, &found)
}

/// Query of a look-up whose body says what is looked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ResultsQuery {
    /// Most manifests in the answer, from 1; 10 unless given.
    #[param(value_type = Option<u32>, minimum = 1)]
    max_results: Option<String>,
}

/// Find manifests by a large soft binding
///
/// As the same look-up by GET, for values that make the address too long.
///
/// 同 GET 查询，用于过长而无法放入地址的取值。
#[utoipa::path(
    post, path = "/sbr/v1/matches/byBinding", operation_id = "queryByLargeBinding", tag = "manifests",
    params(ResultsQuery), request_body = SoftBindingQuery,
    responses((status = 200, description = "The manifests, the best first", body = SoftBindingQueryResult)),
    security(("bearer" = ["fetch:manifests"]))
)]
pub(crate) async fn by_large_binding(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let caller = state.authenticate(bearer, &[Scope::FetchManifests]).await?;
    let most = max_results(query::<ResultsQuery>(&request)?.max_results.as_deref())?;
    let SoftBindingQuery { alg, value } = json_body(&state, &request, payload).await?;
    let found = state.run(move |registry| registry.match_binding(&caller, &alg, &value, most)).await?;
    json(StatusCode::OK, &found)
}

/// Query of a look-up by content.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ContentParameters {
    /// Only by this algorithm: `io.iscc.v0`. Unless given, also by everything else that a check looks for.
    alg: Option<String>,
    /// Most manifests in the answer, from 1; 10 unless given.
    #[param(value_type = Option<u32>, minimum = 1)]
    max_results: Option<String>,
    /// Algorithm of a further soft binding that the caller knows.
    hint_alg: Option<String>,
    /// Its value in base64.
    hint_value: Option<String>,
}

/// Find manifests by a picture
///
/// Manifests of registered pictures that this picture is, or is a copy of: re-encoded, resized, cropped, or with its
/// manifest removed. The picture is not kept. Scores say how alike the pictures are, 100 for the same bytes.
///
/// 上传图片，查找其原图的 C2PA 清单：可识别重新编码、缩放、裁剪或被去除清单的副本；图片不会被保存。分数表示相似程度，100 为字节相同。
#[utoipa::path(
    post, path = "/sbr/v1/matches/byContent", operation_id = "uploadFile", tag = "manifests",
    params(ContentParameters),
    request_body(content((PictureFile = "image/*"), (PictureFile = "application/octet-stream"))),
    responses((status = 200, description = "The manifests, the best first", body = SoftBindingQueryResult)),
    security(("bearer" = ["fetch:manifests"]))
)]
pub(crate) async fn by_content(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let caller = state.authenticate(bearer, &[Scope::FetchManifests]).await?;
    let ContentParameters { alg, max_results: most, hint_alg, hint_value } = query(&request)?;
    let asked = ContentQuery { alg, hint_alg, hint_value, max_results: max_results(most.as_deref())? };
    require_picture(&body::media_type(&request))?;
    let body = body::read(&state, &request, &mut payload.into_inner(), state.max_upload_bytes).await?;
    let found = in_the_specifications_words(&state, move |registry| {
        registry.match_content(&caller, body.bytes(), &asked)
    })
    .await?;
    json(StatusCode::OK, &found)
}

/// Looks at a picture. The specification knows two problems of one: no picture of a known type, and a bad one.
async fn in_the_specifications_words<T: Send + 'static>(
    state: &State,
    work: impl FnOnce(&crate::registry::Registry) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Failure> {
    let work = move |registry: &crate::registry::Registry| {
        work(registry).map_err(|refusal| {
            let code = match refusal.code {
                Code::NotAnImage | Code::UnsupportedPicture => Code::UnsupportedMediaType,
                Code::CorruptPicture | Code::TooManyPixels | Code::PictureTooCostly => Code::InvalidField,
                other => other,
            };
            Refusal { code, ..refusal }
        })
    };
    state.run_picture(work).await
}
