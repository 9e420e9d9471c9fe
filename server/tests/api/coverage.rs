//! A walk over every operation of the OpenAPI document: without a token, with the wrong one, with a body of the wrong
//! form. An operation that is not in the table here, or one that is only here, fails the walk.

use crate::{
    client::{Answer, Client},
    support::{Engine, TestApp},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use touchstone_schema::{
    api::{IssuedToken, NewToken, Scope},
    problem::{MEDIA_TYPE, ProblemCode as Code},
    record,
};

const JSON: &str = "application/json";
/// Well-formed identifiers of what does not exist.
const PARAMETERS: &[(&str, &str)] = &[
    ("{organisation}", "org_00000000000000000000000000"),
    ("{key}", "key_00000000000000000000000000"),
    ("{sha256}", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("{producer}", "nobody"),
    ("{level}", "0"),
    ("{number}", "x001/000"),
    ("{manifestId}", "urn:c2pa:00000000-0000-4000-8000-000000000000"),
];

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Everybody,
    AnyToken,
    Scopes(&'static [Scope]),
}
use Access::{AnyToken, Everybody, Scopes};

#[derive(Debug, Clone, Copy)]
struct Operation {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    access: Access,
    /// A body of the right form: media type and content.
    body: Option<(&'static str, &'static str)>,
    /// Bodies of the wrong form and their problem.
    malformed: &'static [(&'static str, &'static str, Code)],
}

const REGISTER: Access = Scopes(&[Scope::Register]);
const CHECK: Access = Scopes(&[Scope::Check]);
const MANAGE: Access = Scopes(&[Scope::Manage, Scope::Operate]);
const OPERATE: Access = Scopes(&[Scope::Operate]);
const FETCH: Access = Scopes(&[Scope::FetchManifests]);
const STORE: Access = Scopes(&[Scope::StoreManifests]);
const BIND: Access = Scopes(&[Scope::StoreBindings]);
const REGISTER_OR_CHECK: Access = Scopes(&[Scope::Register, Scope::Check]);

const BAD_JSON: &[(&str, &str, Code)] = &[
    (JSON, "{\"", Code::MalformedJson),
    (JSON, "{\"surprise\":1}", Code::UnknownField),
    (JSON, "{}", Code::InvalidField),
    ("text/plain", "{}", Code::UnsupportedMediaType),
];

/// As [`BAD_JSON`], where unknown members are passed over.
const BAD_OPEN_JSON: &[(&str, &str, Code)] = &[
    (JSON, "{\"", Code::MalformedJson),
    (JSON, "{\"alg\":\"a\",\"alg\":\"a\"}", Code::DuplicateName),
    (JSON, "{}", Code::InvalidField),
    ("text/plain", "{}", Code::MalformedRequest),
];

const fn operation(id: &'static str, method: &'static str, path: &'static str, access: Access) -> Operation {
    Operation { id, method, path, access, body: None, malformed: &[] }
}

const fn with_body(
    operation: Operation,
    media_type: &'static str,
    good: &'static str,
    malformed: &'static [(&'static str, &'static str, Code)],
) -> Operation {
    Operation { body: Some((media_type, good)), malformed, ..operation }
}

const OPERATIONS: &[Operation] = &[
    operation("getHealth", "GET", "/healthz", Everybody),
    operation("getReadiness", "GET", "/readyz", Everybody),
    operation("getMetrics", "GET", "/metrics", Everybody),
    operation("getRegistry", "GET", "/v1/registry", Everybody),
    operation("getCaller", "GET", "/v1/caller", AnyToken),
    with_body(
        operation("admitOrganisation", "POST", "/v1/organisations", OPERATE),
        JSON,
        r#"{"name":"Cup house","role":"merchant","public_key":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}"#,
        BAD_JSON,
    ),
    operation("listOrganisations", "GET", "/v1/organisations", OPERATE),
    operation("getOrganisation", "GET", "/v1/organisations/{organisation}", OPERATE),
    with_body(
        operation("addKey", "POST", "/v1/organisations/{organisation}/keys", OPERATE),
        JSON,
        r#"{"public_key":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}"#,
        BAD_JSON,
    ),
    with_body(
        operation("revokeKey", "POST", "/v1/organisations/{organisation}/keys/{key}/revocation", OPERATE),
        JSON,
        r#"{"reason":"lost"}"#,
        BAD_JSON,
    ),
    with_body(
        operation("suspendOrganisation", "POST", "/v1/organisations/{organisation}/suspension", OPERATE),
        JSON,
        r#"{"reason":"asked"}"#,
        BAD_JSON,
    ),
    with_body(
        operation("bindCode", "POST", "/v1/organisations/{organisation}/codes", OPERATE),
        JSON,
        r#"{"code":"a-code"}"#,
        BAD_JSON,
    ),
    with_body(
        operation("issueToken", "POST", "/v1/tokens", MANAGE),
        JSON,
        r#"{"scopes":["check"],"days":1,"name":"desk"}"#,
        BAD_JSON,
    ),
    operation("listTokens", "GET", "/v1/tokens", MANAGE),
    operation("revokeToken", "DELETE", "/v1/tokens/{id}", MANAGE),
    with_body(
        operation("createUser", "POST", "/v1/users", MANAGE),
        JSON,
        r#"{"name":"li.lei","password":"four unusual words here"}"#,
        BAD_JSON,
    ),
    with_body(
        operation("signIn", "POST", "/v1/sessions", Everybody),
        JSON,
        r#"{"name":"nobody","password":"four unusual words here"}"#,
        BAD_JSON,
    ),
    with_body(
        operation("submitStatements", "POST", "/v1/statements", REGISTER),
        JSON,
        "{}",
        &[
            (JSON, "{\"", Code::MalformedJson),
            (JSON, "{\"surprise\":1}", Code::MalformedEnvelope),
            (JSON, "{\"statements\":[]}", Code::InvalidField),
            (JSON, "{\"statements\":[{}],\"x\":1}", Code::UnknownField),
            ("text/plain", "{}", Code::UnsupportedMediaType),
        ],
    ),
    operation("getStatement", "GET", "/v1/statements/{id}", Everybody),
    operation("getReceipt", "GET", "/v1/statements/{id}/receipt", Everybody),
    operation("getCheckpoint", "GET", "/log/checkpoint", Everybody),
    operation("getTile", "GET", "/log/tile/{level}/{number}", Everybody),
    operation("getEntries", "GET", "/log/tile/entries/{number}", Everybody),
    operation("listCheckpoints", "GET", "/v1/log/checkpoints", Everybody),
    operation("findContent", "GET", "/v1/content/{sha256}", Everybody),
    operation("answerContent", "GET", "/v1/content/{sha256}/answer", Everybody),
    with_body(
        operation("putContent", "PUT", "/v1/statements/{id}/content", REGISTER),
        "image/png",
        "no picture",
        &[
            (record::MEDIA_TYPE, "{\"", Code::MalformedJson),
            (record::MEDIA_TYPE, "{\"surprise\":1}", Code::InvalidField),
            ("text/plain", "x", Code::UnsupportedMediaType),
        ],
    ),
    operation("deleteRecord", "DELETE", "/v1/statements/{id}/record", REGISTER),
    operation("findLabels", "GET", "/v1/labels/{producer}/{id}", Everybody),
    operation("answerLabels", "GET", "/v1/labels/{producer}/{id}/answer", Everybody),
    with_body(
        operation("inspect", "POST", "/v1/inspections", REGISTER_OR_CHECK),
        "image/png",
        "no picture",
        &[
            ("image/png", "no picture", Code::NotAnImage),
            ("multipart/form-data; boundary=b", "--b--\r\n", Code::MalformedMultipart),
            (JSON, "{}", Code::UnsupportedMediaType),
        ],
    ),
    with_body(
        operation("createCheck", "POST", "/v1/checks", CHECK),
        JSON,
        "{}",
        &[
            (JSON, "{\"", Code::MalformedJson),
            (JSON, "{\"surprise\":1}", Code::UnknownField),
            (JSON, "{}", Code::InvalidField),
            ("multipart/form-data; boundary=b", "--b--\r\n", Code::MalformedMultipart),
            ("image/png", "no picture", Code::UnsupportedMediaType),
        ],
    ),
    operation("getCheck", "GET", "/v1/checks/{id}", CHECK),
    operation("getAlterations", "GET", "/v1/checks/{id}/alterations.png", CHECK),
    operation("getAlterationMask", "GET", "/v1/checks/{id}/mask.png", CHECK),
    operation("queryByBinding", "GET", "/sbr/v1/matches/byBinding", FETCH),
    with_body(
        operation("queryByLargeBinding", "POST", "/sbr/v1/matches/byBinding", FETCH),
        JSON,
        r#"{"alg":"com.adobe.trustmark.P","value":"MA=="}"#,
        BAD_OPEN_JSON,
    ),
    with_body(
        operation("uploadFile", "POST", "/sbr/v1/matches/byContent", FETCH),
        "image/png",
        "no picture",
        &[
            ("image/png", "no picture", Code::UnsupportedMediaType),
            ("audio/mpeg", "no picture", Code::UnsupportedMediaType),
        ],
    ),
    with_body(
        operation("addManifest", "POST", "/sbr/v1/manifests", STORE),
        "application/c2pa",
        "no store",
        &[("application/c2pa", "no store", Code::InvalidManifest), (JSON, "{}", Code::MalformedRequest)],
    ),
    operation("getManifestById", "GET", "/sbr/v1/manifests/{manifestId}", FETCH),
    operation("deleteManifest", "DELETE", "/sbr/v1/manifests/{manifestId}", STORE),
    operation("getVerifiedReceipt", "GET", "/sbr/v1/manifests/{manifestId}/receipts", FETCH),
    with_body(
        operation("verifyReceipt", "POST", "/sbr/v1/manifests/{manifestId}/receipts", FETCH),
        JSON,
        r#"{"@context":"c","@type":"t","repository":{"uri":"u:u","manifestId":"urn:c2pa:00000000-0000-4000-8000-000000000000"},"anchor":{"uri":"u:u","proof":{}}}"#,
        &[
            (JSON, "{\"", Code::MalformedJson),
            (JSON, "{\"surprise\":1}", Code::UnknownField),
            (JSON, "{}", Code::InvalidField),
            ("text/plain", "{}", Code::MalformedRequest),
        ],
    ),
    with_body(
        operation("associateManifest", "POST", "/sbr/v1/bindings", BIND),
        JSON,
        r#"{"bindingValue":"MA==","manifestId":"urn:c2pa:00000000-0000-4000-8000-000000000000"}"#,
        BAD_OPEN_JSON,
    ),
    with_body(
        operation("updateAssociatedManifest", "PUT", "/sbr/v1/bindings", BIND),
        JSON,
        r#"{"bindingValue":"MA==","manifestId":"urn:c2pa:00000000-0000-4000-8000-000000000000"}"#,
        BAD_OPEN_JSON,
    ),
    operation("getSupportedBindings", "GET", "/sbr/v1/services/supportedAlgorithms", Everybody),
    operation("getServiceStatus", "GET", "/sbr/v1/services/status", Everybody),
    operation("getServiceCapabilities", "GET", "/sbr/v1/services/capabilities", Everybody),
    operation("getWellKnown", "GET", "/.well-known/c2pa-soft-binding-resolution", Everybody),
];

impl Operation {
    /// The path with well-formed identifiers, or with `replacement` in the place of each.
    fn path(&self, replacement: Option<&str>) -> String {
        let id = match self.path {
            path if path.starts_with("/v1/tokens") => "tok_00000000000000000000000000",
            path if path.starts_with("/v1/checks") => "chk_00000000000000000000000000",
            path if path.starts_with("/v1/labels") => "1",
            _ => "stm_00000000000000000000000000",
        };
        let all = PARAMETERS.iter().copied().chain([("{id}", id)]);
        all.fold(self.path.to_owned(), |path, (name, value)| path.replace(name, replacement.unwrap_or(value)))
    }

    fn call(&self, client: &Client, path: &str) -> Answer {
        client.send(self.method, path, self.body.map(|(kind, content)| (kind, content.as_bytes())))
    }
}

/// Problem codes that the document names for each operation, after a look at their form.
fn documented(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
            let mut codes = BTreeSet::new();
            for (status, response) in operation["responses"].as_object().unwrap() {
                let Some(content) = response["content"].get(MEDIA_TYPE) else {
                    assert!(status.starts_with('2'), "{id} {status} is no problem document");
                    continue;
                };
                assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{id} {status}");
                let description = response["description"].as_str().unwrap();
                let found: Vec<&str> = description.split('`').skip(1).step_by(2).collect();
                assert!(!found.is_empty(), "{id} {status} names no problem");
                for name in found {
                    let code = Code::from_code(name).unwrap_or_else(|| panic!("{id}: {name} is no problem"));
                    assert_eq!(code.status().to_string(), *status, "{id}: {name}");
                    codes.insert(name.to_owned());
                }
            }
            all.insert(id.to_owned(), codes);
        }
    }
    all
}

/// The document's path, method and required scopes of each operation; no scopes at all for public ones.
fn operations(document: &Value) -> BTreeMap<String, (String, String, Option<BTreeSet<String>>)> {
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scopes = operation.get("security").map(|security| {
                let required =
                    security.as_array().unwrap().iter().flat_map(|r| r["bearer"].as_array().unwrap());
                required.map(|scope| scope.as_str().unwrap().to_owned()).collect()
            });
            let id = operation["operationId"].as_str().unwrap().to_owned();
            all.insert(id, (method.to_uppercase(), path.clone(), scopes));
        }
    }
    all
}

fn document(app: &TestApp) -> Value {
    app.client().get("/openapi.json").json_with(200)
}

fn token(app: &TestApp, of: &Client, scopes: &[Scope]) -> Client {
    let new = NewToken { organisation: None, scopes: scopes.to_vec(), days: 1, name: "narrow".to_owned() };
    let issued: IssuedToken = of.post_json("/v1/tokens", &new).json_with(201);
    app.client().with_token(&issued.token)
}

#[test]
fn the_table_is_the_document() {
    let app = TestApp::start(Engine::Sqlite);
    let found = operations(&document(&app));
    let ids: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, OPERATIONS.iter().map(|operation| operation.id).collect::<BTreeSet<_>>());
    for operation in OPERATIONS {
        let (method, path, scopes) = &found[operation.id];
        assert_eq!((method.as_str(), path.as_str()), (operation.method, operation.path));
        let names = |scopes: &[Scope]| scopes.iter().map(|scope| scope.name().to_owned()).collect();
        let expected: Option<BTreeSet<String>> = match operation.access {
            Everybody => None,
            // OpenAPI cannot say "one of these": the description does.
            AnyToken | REGISTER_OR_CHECK => Some(BTreeSet::new()),
            Scopes(scopes) => Some(names(scopes)),
        };
        assert_eq!(*scopes, expected, "{}", operation.id);
    }
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    if let Ok(text) = std::fs::read_to_string(committed) {
        let committed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(committed, document(&app), "run `make generate`");
    }
}

#[test]
fn every_operation_is_guarded() {
    let app = TestApp::start(Engine::Sqlite);
    let problems = documented(&document(&app));
    let (operator, merchant, platform) = (app.operator().client, app.merchant(), app.platform());
    let registering = token(&app, &merchant.client, &[Scope::Register]);
    let managing = token(&app, &merchant.client, &[Scope::Manage]);
    let is_documented = |operation: &Operation, answer: &Answer| {
        let code = answer.problem().code;
        assert!(problems[operation.id].contains(&code), "{} does not document {code}", operation.id);
    };
    let size = app.log_size();
    for operation in OPERATIONS {
        let path = operation.path(None);
        let (right, wrong) = match operation.access {
            Everybody => (app.client(), None),
            AnyToken => (platform.client.clone(), None),
            REGISTER => (merchant.client.clone(), Some(&platform.client)),
            CHECK => (platform.client.clone(), Some(&registering)),
            REGISTER_OR_CHECK => (platform.client.clone(), Some(&managing)),
            FETCH | STORE | BIND => (merchant.client.clone(), Some(&managing)),
            MANAGE => (merchant.client.clone(), Some(&registering)),
            Scopes(_) => (operator.clone(), Some(&merchant.client)),
        };
        if operation.access != Everybody {
            for stranger in
                [app.client(), app.client().with_token("tstk_x"), app.client().with_token(&unknown())]
            {
                let answer = operation.call(&stranger, &path);
                answer.refused(Code::Unauthenticated);
                is_documented(operation, &answer);
            }
        }
        if let Some(wrong) = wrong {
            let answer = operation.call(wrong, &path);
            answer.refused(Code::Forbidden);
            is_documented(operation, &answer);
        }
        for (media_type, body, code) in operation.malformed {
            let answer = right.send(operation.method, &path, Some((media_type, body.as_bytes())));
            assert_eq!(answer.problem().code, code.code(), "{} {body}: {}", operation.id, answer.text());
            is_documented(operation, &answer);
        }
        if operation.path.contains('{') {
            let nonsense = if operation.path.starts_with("/v1/labels") { "%ff" } else { "nonsense" };
            let answer = operation.call(&right, &operation.path(Some(nonsense)));
            answer.refused(Code::InvalidIdentifier);
            is_documented(operation, &answer);
            let answer = operation.call(&right, &path);
            if answer.status >= 400 {
                is_documented(operation, &answer);
            }
        }
        let answer = right.send("PATCH", &path, Some((JSON, b"{}")));
        answer.refused(Code::MethodNotAllowed);
        assert!(answer.header("allow").unwrap().contains(operation.method), "{}", operation.id);
    }
    assert_eq!(app.log_size(), size);
}

/// A token of the right form that nobody was given.
fn unknown() -> String {
    format!("tstk_{}", "A".repeat(43))
}

#[test]
fn operations_with_bodies_are_tried_with_malformed_ones() {
    let app = TestApp::start(Engine::Sqlite);
    let document = document(&app);
    for operation in OPERATIONS {
        let path = &document["paths"][operation.path][operation.method.to_lowercase()];
        let has_body = path.get("requestBody").is_some();
        assert_eq!(has_body, !operation.malformed.is_empty(), "{}", operation.id);
        let documented = path["parameters"]
            .as_array()
            .map_or(0, |all| all.iter().filter(|parameter| parameter["in"] == "path").count());
        assert_eq!(documented, operation.path.matches('{').count(), "{}", operation.id);
    }
}

#[test]
fn the_pages_list_every_problem_and_load_nothing_from_elsewhere() {
    let app = TestApp::start(Engine::Sqlite);
    let page = app.client().get("/problems");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for code in Code::ALL {
        assert!(page.text().contains(&format!("id=\"{}\"", code.code())), "{code}");
        let (title, title_zh) = code.title();
        assert!(page.text().contains(title_zh), "{title}");
    }
    for path in ["/", "/problems", "/docs/", "/openapi.json", "/style.css", "/metrics", "/healthz", "/readyz"]
    {
        let answer = app.client().get(path);
        assert_eq!(answer.status, 200, "{path}");
        if answer.header("content-type").unwrap().starts_with("text/html") {
            assert!(
                answer.header("content-security-policy").unwrap().contains("default-src 'none'"),
                "{path}"
            );
            let text = answer.text();
            for attribute in ["src=\"http", "src=\"//", "href=\"http", "href=\"//"] {
                assert!(!text.contains(attribute), "{path} points elsewhere: {attribute}");
            }
        }
        let head = app.client().send("HEAD", path, None);
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}");
    }
    let docs = app.client().get("/docs");
    assert_eq!((docs.status, docs.header("location")), (308, Some("/docs/")));
}

#[test]
fn the_metrics_name_no_one() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let accepted = merchant.declare(
        &crate::pictures::jpeg(&crate::pictures::picture(1), 60),
        touchstone_schema::statement::View::Listing,
    );
    app.anonymous().statement(&accepted.id);
    let answer = app.client().get("/metrics");
    let text = answer.text();
    assert!(text.contains("route=\"/v1/statements/{id}\""), "routes by their pattern");
    for private in [accepted.id.to_string(), merchant.id.to_string(), merchant.name.clone()] {
        assert!(!text.contains(&private), "{private}");
    }
}
