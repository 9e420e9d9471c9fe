//! The OpenAPI 3.1 document: put together from the annotations beside the handlers, completed with the problems
//! that each operation can answer.

use super::{
    checks, content, health, inspections, labels, log, organisations, registry, sbr, statements, tokens,
};
use std::collections::BTreeMap;
use touchstone_schema::problem::{MEDIA_TYPE, Problem, ProblemCode as Code};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, ContentBuilder, Ref, RefOr, ResponseBuilder,
        path::{Operation, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// Problems of operations by their identifiers, in groups. What every operation can answer is left out.
pub(super) type Problems = &'static [(&'static str, &'static [&'static [Code]])];

/// Problems of every body.
pub(super) const REFUSED_BODY: &[Code] = &[
    Code::MalformedRequest,
    Code::MalformedJson,
    Code::DuplicateName,
    Code::UnknownField,
    Code::InvalidField,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
];
/// Problems of every picture.
pub(super) const REFUSED_PICTURE: &[Code] = &[
    Code::TooManyPixels,
    Code::UnsupportedPicture,
    Code::NotAnImage,
    Code::CorruptPicture,
    Code::PictureTooCostly,
];
/// Problems of every operation.
const ALWAYS: &[Code] = &[Code::Internal, Code::Unavailable];
/// Problems of every operation that needs a token.
const WITH_TOKEN: &[Code] = &[Code::Unauthenticated, Code::Forbidden, Code::OrganisationSuspended];

const GROUPS: [Problems; 10] = [
    registry::PROBLEMS,
    organisations::PROBLEMS,
    tokens::PROBLEMS,
    statements::PROBLEMS,
    log::PROBLEMS,
    content::PROBLEMS,
    labels::PROBLEMS,
    inspections::PROBLEMS,
    checks::PROBLEMS,
    health::PROBLEMS,
];

const DESCRIPTION: &str = "\
A public registry of signed statements about pictures. Merchants and AI tools register what is theirs, every \
statement goes into an append-only log, and platforms ask about a photo and get what is known about it, with the \
evidence and its limits.

面向公众的图片声明登记处：商家与 AI 工具登记自己的图片，所有声明进入只增日志；平台查询照片，得到已知事实、依据及其局限。

Every error is a problem document (RFC 9457); all of them stand on [/problems](/problems). Every answer has the \
header `X-Request-Id`. Times are RFC 3339 in UTC. JSON is strict: duplicate and unknown members are refused.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Touchstone registry 试金石", description = DESCRIPTION),
    paths(
        registry::registry, registry::caller,
        organisations::admit, organisations::list, organisations::get, organisations::add_key,
        organisations::revoke_key, organisations::suspend, organisations::bind_code,
        tokens::issue, tokens::list, tokens::revoke, tokens::create_user, tokens::sign_in,
        statements::submit, statements::get, statements::receipt,
        log::checkpoint, log::tile, log::entries, log::checkpoints,
        content::find, content::answer, content::put, content::delete_record,
        labels::find, labels::answer, inspections::inspect, checks::create, checks::get, checks::alterations, checks::mask,
        sbr::by_binding, sbr::by_large_binding, sbr::by_content,
        sbr::add, sbr::get, sbr::delete, sbr::receipt, sbr::verify, sbr::associate, sbr::update,
        sbr::algorithms, sbr::status, sbr::capabilities, sbr::well_known,
        health::health, health::readiness, health::metrics,
    ),
    components(schemas(Problem)),
    tags(
        (name = "registry", description = "Who the registry is, who is calling · 登记处与调用方"),
        (name = "statements", description = "Signed statements · 签名声明"),
        (name = "log", description = "The public log: checkpoint, tiles, history · 公开日志"),
        (name = "content", description = "Content, labels and reference records · 内容、标识与参考记录"),
        (name = "checks", description = "What is known about a photo · 照片查验"),
        (name = "manifests", description = "C2PA Soft Binding Resolution API 2.4 · C2PA 软绑定解析"),
        (name = "tokens", description = "Tokens, console users, signing in · 令牌、用户与登录"),
        (name = "organisations", description = "Decisions of the operator · 运营方管理"),
        (name = "operation", description = "Health and monitoring · 运行状态")
    ),
    modifiers(&Completion)
)]
struct Document;

/// The document. It is the same every time.
#[must_use]
pub fn document() -> openapi::OpenApi {
    Document::openapi()
}

/// Adds what all operations share.
struct Completion;

impl Modify for Completion {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A token of the registry · 登记处令牌. Scopes: register, check, audit, manage, operate, \
                 fetch:manifests, store:manifests, store:bindings.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        for item in document.paths.paths.values_mut() {
            operations(item).for_each(complete);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
}

fn complete(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let mut codes: Vec<Code> = own_problems(&id).into_iter().flatten().copied().flatten().copied().collect();
    codes.extend(ALWAYS);
    if operation.security.is_some() {
        codes.extend(WITH_TOKEN);
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let response = RefOr::T(problem_response(&codes).build());
        operation.responses.responses.insert(status.to_string(), response);
    }
}

fn groups() -> impl Iterator<Item = Problems> {
    GROUPS.into_iter().chain(sbr::PROBLEMS)
}

fn own_problems(operation: &str) -> Option<&'static [&'static [Code]]> {
    groups().flatten().find(|(id, _)| *id == operation).map(|(_, codes)| *codes)
}

fn problem_response(codes: &[Code]) -> ResponseBuilder {
    let line = |code: &Code| format!("`{}`: {} · {}", code.code(), code.title().0, code.title().1);
    let description = codes.iter().map(line).collect::<Vec<_>>().join("  \n");
    let example = codes.first().map(|code| code.document(None, Some("5f3a9c0e1b2d4f68".to_owned())));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(example.and_then(|example| serde_json::to_value(example).ok()))
        .build();
    ResponseBuilder::new().description(description).content(MEDIA_TYPE, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_has_its_problems_and_no_entry_is_stale() {
        let mut document = document();
        let mut found = BTreeSet::new();
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                let id = operation.operation_id.clone().unwrap();
                assert!(own_problems(&id).is_some(), "{id} has no entry");
                assert!(
                    operation.summary.is_some() && operation.description.is_some(),
                    "{id} is not described"
                );
                assert!(operation.responses.responses.contains_key("500"), "{id}");
                assert!(found.insert(id.clone()), "{id} occurs twice");
            }
        }
        let known: BTreeSet<_> = groups().flatten().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(found, known);
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let value = serde_json::to_value(document()).unwrap();
        let text = value.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(value["components"]["schemas"].get(name).is_some(), "{name}");
        }
        assert_eq!(text, serde_json::to_value(document()).unwrap().to_string());
    }
}
