//! `/v1/checks`: what is known about a photo.

use super::{
    Answer, Shared, body,
    caller::Bearer,
    multipart::{self, Form},
    openapi::{Problems, REFUSED_BODY, REFUSED_PICTURE},
    path_part,
    problem::Failure,
    resource,
};
use crate::{registry::Refusal, store::CheckPictures};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use touchstone_schema::{
    CheckId, Timestamp,
    api::{CheckResult, FingerprintCheck, Scope},
    problem::ProblemCode as Code,
    verdict::Context,
};
use utoipa::ToSchema;

pub(super) const PROBLEMS: Problems = &[
    ("createCheck", &[REFUSED_BODY, REFUSED_PICTURE, &[Code::MalformedMultipart]]),
    ("getCheck", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("getAlterations", &[&[Code::InvalidIdentifier, Code::NotFound]]),
    ("getAlterationMask", &[&[Code::InvalidIdentifier, Code::NotFound]]),
];

/// Name of the part that holds the whole context as JSON.
const CONTEXT: &str = "context";
/// Names of text parts.
const TEXTS: &[&str] = &[CONTEXT, "order_time", "dispatch_time", "claim_time", "product", "seller", "claim"];

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services
        .service(resource(state, "/v1/checks", [(Method::POST, web::to(create))]))
        .service(resource(state, "/v1/checks/{id}", [(Method::GET, web::to(get))]))
        .service(resource(state, "/v1/checks/{id}/alterations.png", [(Method::GET, web::to(alterations))]))
        .service(resource(state, "/v1/checks/{id}/mask.png", [(Method::GET, web::to(mask))]));
}

/// A check with the photo itself. The context is given in one part or in single parts.
#[derive(ToSchema)]
#[allow(dead_code, reason = "documents the body; the parts are read one by one")]
pub(super) struct CheckForm {
    /// The photo's file.
    #[schema(value_type = String, format = Binary)]
    photo: Vec<u8>,
    /// The context as JSON text, in the place of the parts below.
    context: Option<Context>,
    /// When the order was placed.
    order_time: Option<Timestamp>,
    /// When the parcel was handed over.
    dispatch_time: Option<Timestamp>,
    /// When the claim was made.
    claim_time: Option<Timestamp>,
    /// The product, in the seller's words.
    product: Option<String>,
    /// The seller, as the platform names it.
    seller: Option<String>,
    /// The platform's own reference of the claim.
    claim: Option<String>,
}

/// Check a photo
///
/// Sends the photo (multipart) or its fingerprints alone (JSON), with what is known about the claim. The verdict
/// says what is known about the picture, each finding with what it rests on and where it ends, and recommends a
/// next step for a person. It accuses nobody; `unknown` is an honest answer.
///
/// 提交照片（multipart）或仅提交指纹（JSON）及理赔背景。结论只说明关于图片的已知事实及其依据和局限，并建议人工下一步；“未知”也是诚实的答案。
#[utoipa::path(
    post, path = "/v1/checks", operation_id = "createCheck", tag = "checks",
    request_body(content((CheckForm = "multipart/form-data"), (FingerprintCheck = "application/json"))),
    responses((
        status = 201, description = "The verdict", body = CheckResult,
        headers(("Location" = String, description = "Path of the check"))
    )),
    security(("bearer" = ["check"]))
)]
pub(super) async fn create(
    state: Shared,
    bearer: Bearer,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let media_type = body::media_type(&request);
    let is_form = media_type == "multipart/form-data";
    if !is_form && media_type != "application/json" {
        let detail = "send Content-Type: multipart/form-data or application/json";
        return Err(Failure::with(Code::UnsupportedMediaType, detail));
    }
    let caller = state.authenticate(bearer, &[Scope::Check]).await?;
    let mut payload = payload.into_inner();
    let result = if is_form {
        let Form { photo, texts } = multipart::read(&state, &request, payload, TEXTS).await?;
        let context = context(&texts)?;
        state.run_picture(move |registry| registry.check(&caller, photo.bytes(), &context)).await?
    } else {
        let body = body::read(&state, &request, &mut payload, state.limits.max_json_bytes).await?;
        let check: FingerprintCheck = body::parse(body.bytes())?;
        state.run(move |registry| registry.check_fingerprints(&caller, &check)).await?
    };
    let body = serde_json::to_vec(&result).map_err(Refusal::internal)?;
    Ok(HttpResponse::build(StatusCode::CREATED)
        .insert_header((header::LOCATION, format!("/v1/checks/{}", result.id)))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(body))
}

/// The context from text parts.
fn context(texts: &[(&'static str, String)]) -> Result<Context, Refusal> {
    if let Some((_, text)) = texts.iter().find(|(name, _)| *name == CONTEXT) {
        if texts.len() > 1 {
            let detail = "give the context in the part context or in single parts, not in both";
            return Err(Refusal::with(Code::InvalidField, detail));
        }
        return body::parse(text.as_bytes());
    }
    let text = |name: &str| texts.iter().find(|(found, _)| *found == name).map(|(_, text)| text.clone());
    let time = |name: &str| {
        let parsed = text(name).map(|text| text.parse::<Timestamp>()).transpose();
        parsed.map_err(|error| Refusal::with(Code::InvalidField, format!("{name}: {error}")))
    };
    Ok(Context {
        order_time: time("order_time")?,
        dispatch_time: time("dispatch_time")?,
        claim_time: time("claim_time")?,
        product: text("product"),
        seller: text("seller"),
        claim: text("claim"),
    })
}

/// Read a check
///
/// Only for the organisation that made it, and only as long as checks are kept.
///
/// 仅限发起检查的机构，且在保存期内读取。
#[utoipa::path(
    get, path = "/v1/checks/{id}", operation_id = "getCheck", tag = "checks",
    params(("id" = CheckId, Path, description = "The check")),
    responses((status = 200, description = "The verdict", body = CheckResult)),
    security(("bearer" = ["check"]))
)]
pub(super) async fn get(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    let id: CheckId = path_part(&request, "id")?;
    let result = state.run_as(bearer, move |registry, caller| registry.check_result(caller, &id)).await?;
    super::json(StatusCode::OK, &result)
}

/// A picture as PNG.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "documents the body; its bytes are sent as they are")]
pub(super) struct PngFile(Vec<u8>);

/// See the altered regions
///
/// The photo with its altered regions marked, for people, at a bounded size, as a PNG with a palette; what lies over it
/// (icons, bars, text) is blue. Only for the organisation that made the check; `not-found` if the verdict names no altered
/// or overlaid region.
///
/// 标出改动区域的照片，供人查看；覆盖其上的内容（图标、状态栏、文字）标为蓝色。仅限发起检查的机构。结论未列出改动或覆盖区域时返回 `not-found`。
#[utoipa::path(
    get, path = "/v1/checks/{id}/alterations.png", operation_id = "getAlterations", tag = "checks",
    params(("id" = CheckId, Path, description = "The check")),
    responses((status = 200, description = "The marked photo", body = PngFile, content_type = "image/png")),
    security(("bearer" = ["check"]))
)]
pub(super) async fn alterations(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    Ok(png(pictures(&state, bearer, &request).await?.overlay))
}

/// Get the mask of the altered regions
///
/// White where the photo was altered, black elsewhere, in the photo's proportions. As for the marked photo otherwise.
///
/// 改动区域的掩膜：白色为改动处，比例与照片一致。
#[utoipa::path(
    get, path = "/v1/checks/{id}/mask.png", operation_id = "getAlterationMask", tag = "checks",
    params(("id" = CheckId, Path, description = "The check")),
    responses((status = 200, description = "The mask", body = PngFile, content_type = "image/png")),
    security(("bearer" = ["check"]))
)]
pub(super) async fn mask(state: Shared, bearer: Bearer, request: HttpRequest) -> Answer {
    Ok(png(pictures(&state, bearer, &request).await?.mask))
}

async fn pictures(state: &Shared, bearer: Bearer, request: &HttpRequest) -> Result<CheckPictures, Failure> {
    let id: CheckId = path_part(request, "id")?;
    state.run_as(bearer, move |registry, caller| registry.check_pictures(caller, &id)).await
}

fn png(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "image/png")).body(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_comes_from_one_part_or_from_single_parts() {
        let time = "2026-11-22T09:00:00Z";
        let single = [("order_time", time.to_owned()), ("seller", "店".to_owned())];
        let whole = [(CONTEXT, format!(r#"{{"order_time":"{time}","seller":"店"}}"#))];
        assert_eq!(context(&single).unwrap(), context(&whole).unwrap());
        assert_eq!(context(&[]).unwrap(), Context::default());
    }

    #[test]
    fn wrong_contexts_name_the_part() {
        let refusal = context(&[("claim_time", "yesterday".to_owned())]).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidField);
        assert!(refusal.detail.unwrap().starts_with("claim_time"));
        let both = [(CONTEXT, "{}".to_owned()), ("claim", "1".to_owned())];
        assert_eq!(context(&both).unwrap_err().code, Code::InvalidField);
        assert_eq!(context(&[(CONTEXT, r#"{"x":1}"#.to_owned())]).unwrap_err().code, Code::UnknownField);
    }
}
