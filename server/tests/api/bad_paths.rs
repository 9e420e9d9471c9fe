//! Paths, queries and headers of the wrong form: each gets its own documented problem, nothing is stored.

use crate::{
    actors::inspect,
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use touchstone_schema::{problem::ProblemCode as Code, statement::View};

#[test]
fn an_identifier_of_another_form_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let (operator, merchant, platform) = (app.operator(), app.merchant(), app.platform());
    let accepted = merchant.declare(&jpeg(&picture(1), 90), View::Listing);
    let id = accepted.id.to_string();
    let key = merchant.key_id.to_string();
    app.stores_nothing(|| {
        let ids = [
            "x".to_owned(),
            id.to_lowercase(),
            id[..29].to_owned(),
            format!("{id}0"),
            id.replace("stm_", "org_"),
            id.replace("stm_0", "stm_8"),
            format!("{}%00", &id[..29]),
            "%ff%fe".to_owned(),
            "%E8%8C%B6".to_owned(),
            "x".repeat(5_000),
        ];
        for bad in &ids {
            merchant.client.get(&format!("/v1/statements/{bad}")).refused(Code::InvalidIdentifier);
            merchant.client.get(&format!("/v1/statements/{bad}/receipt")).refused(Code::InvalidIdentifier);
            let path = format!("/v1/statements/{bad}/content");
            merchant.client.put(&path, "image/png", b"").refused(Code::InvalidIdentifier);
            merchant.client.delete(&format!("/v1/statements/{bad}/record")).refused(Code::InvalidIdentifier);
            platform.client.get(&format!("/v1/checks/{bad}")).refused(Code::InvalidIdentifier);
            merchant.client.delete(&format!("/v1/tokens/{bad}")).refused(Code::InvalidIdentifier);
            if !bad.starts_with("org_") {
                operator.client.get(&format!("/v1/organisations/{bad}")).refused(Code::InvalidIdentifier);
            }
            app.client().get(&format!("/v1/content/{bad}")).refused(Code::InvalidIdentifier);
        }
        let digest = inspect(&jpeg(&picture(1), 90)).sha256.to_string();
        for bad in [
            digest.to_uppercase(),
            digest[1..].to_owned(),
            format!("{digest}0"),
            digest.replace(&digest[..1], "g"),
        ] {
            app.client().get(&format!("/v1/content/{bad}")).refused(Code::InvalidIdentifier);
        }
        let reason = br#"{"reason":"x"}"#;
        let path =
            format!("/v1/organisations/{}/keys/{}/revocation", merchant.id, key.replace("key_", "stm_"));
        operator.client.post(&path, reason).refused(Code::InvalidIdentifier);
        app.client().get("/v1/labels/%ff/1").refused(Code::InvalidIdentifier);
        let nobody = "stm_00000000000000000000000000";
        app.client().get(&format!("/v1/statements/{nobody}/receipt")).refused(Code::NotFound);
        for path in [
            "/log/tile/0/0",
            "/log/tile/00/000",
            "/log/tile/0/000.p/256",
            "/log/tile/0/000.p/0",
            "/log/tile/x",
        ] {
            app.client().get(path).refused(Code::InvalidIdentifier);
        }
        for query in ["after=-1", "limit=x", "surprise=1"] {
            app.client().get(&format!("/v1/log/checkpoints?{query}")).refused(Code::MalformedRequest);
            merchant.client.post(&format!("/v1/statements?{query}"), b"{}").refused(Code::MalformedRequest);
        }
    });
    assert_eq!(app.anonymous().labels("%E8%8C%B6", "a%2Fb").labels, [], "any text may be a number");
}

#[test]
fn unknown_paths_methods_and_queries_are_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let accepted = merchant.declare(&jpeg(&picture(1), 90), View::Listing);
    for path in [
        "/v1",
        "/v1/",
        "/v2/registry",
        "/v1/registry/",
        "/docs/../etc/passwd",
        "/docs/nothing.js",
        "/%2e%2e/",
    ] {
        merchant.client.get(path).refused(Code::NotFound);
    }
    for (method, path, allowed) in [
        ("DELETE", "/v1/registry", "GET"),
        ("GET", "/v1/sessions", "POST"),
        ("PUT", "/v1/statements", "POST"),
        ("PATCH", "/v1/tokens", "POST"),
        ("POST", "/problems", "GET"),
    ] {
        let body = matches!(method, "PUT" | "PATCH" | "POST").then_some(("application/json", &b"{}"[..]));
        let answer = merchant.client.send(method, path, body);
        answer.refused(Code::MethodNotAllowed);
        assert!(answer.header("allow").unwrap().contains(allowed), "{method} {path}");
    }
    app.stores_nothing(|| {
        let path = format!("/v1/statements/{}/content", accepted.id);
        for query in ["colour=red", "file_name=a&file_name=b", "file_name=a&x=1"] {
            merchant
                .client
                .put(&format!("{path}?{query}"), "image/png", b"x")
                .refused(Code::MalformedRequest);
        }
        for content_type in ["text/plain", "application/json", "multipart/form-data", ""] {
            let answer = merchant.client.put(&path, content_type, b"x");
            answer.refused(Code::UnsupportedMediaType);
        }
    });
    // A long query where none is known is ignored.
    let long = format!("/v1/registry?{}", "x=1&".repeat(5_000));
    assert_eq!(app.client().get(&long).status, 200);
    // A name that is too long is left out; the picture is taken.
    let name = format!("/v1/statements/{}/content?file_name={}", accepted.id, "%E8%8C%B6".repeat(500));
    let answer = merchant.client.put(&name, "image/jpeg", &jpeg(&picture(1), 90));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_header_that_is_no_token_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    for header in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "tstk_abc", "Bearer a b"] {
        let head = format!("GET /v1/caller HTTP/1.1\r\nAuthorization: {header}");
        app.client().raw(&head, b"").refused(Code::Unauthenticated);
    }
}
