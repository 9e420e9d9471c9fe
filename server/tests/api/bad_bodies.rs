//! JSON bodies and forms of the wrong form: each gets its own documented problem, nothing is stored.

use crate::{
    actors::fresh_key,
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use serde_json::{Value, json};
use touchstone_schema::{
    api::NewOrganisation,
    envelope::{self, POSSESSION_TYPE, STATEMENT_TYPE},
    problem::ProblemCode as Code,
    record,
    statement::{Role, View},
};

#[test]
fn a_body_of_another_form_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let operator = app.operator().client;
    let key = touchstone_schema::key::PublicKey::from(&fresh_key()).to_string();
    let good = json!({"name": "Cup house", "role": "merchant", "public_key": key});
    let text = good.to_string();
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed.to_string().into_bytes()
    };
    let deep = format!("{}{}", "[".repeat(17), "]".repeat(17));
    let cases: Vec<(&str, Vec<u8>, Code)> = vec![
        ("nothing", Vec::new(), Code::MalformedJson),
        ("half", text.as_bytes()[..20].to_vec(), Code::MalformedJson),
        ("text behind it", format!("{text}x").into_bytes(), Code::MalformedJson),
        ("not UTF-8", [text.as_bytes(), &[0xff]].concat(), Code::MalformedJson),
        (
            "not UTF-8 inside",
            text.replace("Cup", "C#p").bytes().map(|b| if b == b'#' { 0xfe } else { b }).collect(),
            Code::MalformedJson,
        ),
        ("too deep", with("x", serde_json::from_str(&deep).unwrap()), Code::MalformedJson),
        ("much too deep", "[".repeat(50_000).into_bytes(), Code::MalformedJson),
        ("a fraction", text.replacen('{', "{\"x\":1.0,", 1).into_bytes(), Code::MalformedJson),
        ("a member twice", text.replacen('{', "{\"name\":\"x\",", 1).into_bytes(), Code::DuplicateName),
        ("a further member", with("colour", json!("red")), Code::UnknownField),
        ("a member missing", json!({"name": "Cup house"}).to_string().into_bytes(), Code::InvalidField),
        ("a wrong type", with("name", json!(5)), Code::InvalidField),
        ("a wrong role", with("role", json!("king")), Code::InvalidField),
        ("an empty name", with("name", json!("")), Code::InvalidField),
        ("a name of spaces", with("name", json!(" x ")), Code::InvalidField),
        ("a long name", with("name", json!("x".repeat(300))), Code::InvalidField),
        ("a control character", with("name", json!("a\nb")), Code::InvalidField),
        ("a weak key", with("public_key", json!("0".repeat(64))), Code::InvalidField),
        ("a key in capitals", with("public_key", json!(key.to_uppercase())), Code::InvalidField),
        ("the same recovery key", with("recovery_key", json!(key)), Code::InvalidField),
        ("no envelope as proof", with("proof_of_possession", json!("x")), Code::MalformedJson),
        ("codes of a merchant", with("provider_codes", json!(["x"])), Code::InvalidField),
        ("a text", b"\"name\"".to_vec(), Code::InvalidField),
        ("null", b"null".to_vec(), Code::InvalidField),
        (
            "an array of its members",
            json!(["Cup house", "merchant", key]).to_string().into_bytes(),
            Code::InvalidField,
        ),
    ];
    let mut wrong = Vec::new();
    app.stores_nothing(|| {
        for (what, body, code) in cases {
            let answer = operator.post("/v1/organisations", &body);
            if answer.status < 400 || answer.problem().code != code.code() {
                wrong.push(format!("{what}: {} {}", answer.status, answer.text()));
            }
        }
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "image/png", "x"] {
            let answer = operator.send("POST", "/v1/organisations", Some((content_type, text.as_bytes())));
            answer.refused(Code::UnsupportedMediaType);
        }
        let head = format!(
            "POST /v1/organisations HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}",
            text.len()
        );
        operator.raw(&head, text.as_bytes()).refused(Code::UnsupportedMediaType);
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    let with_charset = operator.send(
        "POST",
        "/v1/organisations",
        Some(("Application/JSON; charset=utf-8", text.as_bytes())),
    );
    assert_eq!(with_charset.status, 201, "{}", with_charset.text());
    app.stores_nothing(|| operator.post("/v1/organisations", text.as_bytes()).refused(Code::Conflict));
}

#[test]
fn the_type_name_of_a_body_is_not_told() {
    let app = TestApp::start(Engine::Sqlite);
    let operator = app.operator().client;
    // The client looks at every detail; these are the bodies whose wording comes nearest to the program's own.
    for body in [
        "5",
        "\"x\"",
        "true",
        "[]",
        "{\"name\":{}}",
        "{\"role\":{\"merchant\":1}}",
        "{\"provider_codes\":{}}",
    ] {
        assert_eq!(operator.post("/v1/organisations", body.as_bytes()).status, 400, "{body}");
    }
    let merchant = app.merchant();
    for body in ["5", "[]", "{\"statements\":5}", "{\"statements\":[5]}"] {
        merchant.submit(body.as_bytes());
    }
    let platform = app.platform();
    for body in ["5", "[5]", "{\"context\":5}", "{\"pdq\":5}", "{\"pdq_quality\":300}"] {
        assert_eq!(platform.client.post("/v1/checks", body.as_bytes()).status, 400, "{body}");
    }
}

#[test]
fn a_proof_of_possession_must_hold() {
    let app = TestApp::start(Engine::Sqlite);
    let operator = app.operator();
    let (key, other) = (fresh_key(), fresh_key());
    let proof = |name: &str, signer| {
        let public = touchstone_schema::key::PublicKey::from(&key);
        let claim = json!({"name": name, "public_key": public.to_string()}).to_string();
        String::from_utf8(envelope::sign(POSSESSION_TYPE, claim.as_bytes(), signer)).unwrap()
    };
    let new = |proof: String| NewOrganisation {
        name: "Cup house".to_owned(),
        role: Role::Merchant,
        public_key: (&key).into(),
        recovery_key: None,
        proof_of_possession: Some(proof),
        provider_codes: Vec::new(),
    };
    let admit = |proof| operator.client.post_json("/v1/organisations", &new(proof));
    app.stores_nothing(|| {
        admit(proof("Cup house", &other)).refused(Code::InvalidSignature);
        admit(proof("Tea house", &key)).refused(Code::InvalidSignature);
        let statement = envelope::sign(STATEMENT_TYPE, b"{}", &key);
        admit(String::from_utf8(statement).unwrap()).refused(Code::MalformedEnvelope);
    });
    assert_eq!(admit(proof("Cup house", &key)).status, 201);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.rules.max_upload_bytes = Some(100_000);
        config.rules.max_batch = Some(5);
        config.limits.max_batch_bytes = 300_000;
        config.limits.body_seconds = 2;
    });
    let (operator, merchant, platform) = (app.operator(), app.merchant(), app.platform());
    let file = jpeg(&picture(1), 60);
    let accepted = merchant.declare(&file, View::Listing);
    let large = vec![b' '; 100_001];
    let envelope = String::from_utf8(merchant.sign(merchant.claim(&file, View::Listing))).unwrap();
    app.stores_nothing(|| {
        merchant.upload(&accepted.id, &large).refused(Code::BodyTooLarge);
        merchant.put_record(&accepted.id, &vec![b' '; record::MAX_RECORD_BYTES + 1]).refused(Code::BodyTooLarge);
        platform.client.post_form("/v1/checks", &[("photo", &large)]).refused(Code::BodyTooLarge);
        platform.client.post_form("/v1/inspections", &[("photo", &large)]).refused(Code::BodyTooLarge);
        platform.client.send("POST", "/v1/inspections", Some(("image/png", &large))).refused(Code::BodyTooLarge);
        platform.client.post_form("/v1/checks", &[("photo", &file), ("seller", &large)]).refused(Code::BodyTooLarge);
        platform.client.post("/v1/checks", &large).refused(Code::BodyTooLarge);
        operator.client.post("/v1/organisations", &large).refused(Code::BodyTooLarge);
        merchant.submit(&vec![b' '; 300_001]).refused(Code::BodyTooLarge);
        let batch = format!("{{\"statements\":[{}]}}", [envelope.as_str(); 6].join(","));
        let problem = merchant.submit(batch.as_bytes()).refused(Code::BodyTooLarge);
        assert!(problem.detail.unwrap().contains('5'), "it tells the limit");
        merchant.submit(br#"{"statements":[]}"#).refused(Code::InvalidField);
        // Announced: refused before anything of it is read.
        let head = format!(
            "PUT /v1/statements/{}/content HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 99999999999",
            accepted.id
        );
        merchant.client.raw(&head, b"").refused(Code::BodyTooLarge);
        // Not announced: refused when it grows too long.
        let chunked = [format!("{:x}\r\n", large.len()).as_bytes(), &large, b"\r\n0\r\n\r\n"].concat();
        let head = format!(
            "PUT /v1/statements/{}/content HTTP/1.1\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked",
            accepted.id
        );
        merchant.client.raw(&head, &chunked).refused(Code::BodyTooLarge);
        // Announced and never sent.
        let head = format!(
            "PUT /v1/statements/{}/content HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 90000",
            accepted.id
        );
        merchant.client.raw(&head, b"abc").refused(Code::MalformedRequest);
    });
    assert_eq!(app.anonymous().statement(&accepted.id).observed_at_index, None);
    merchant.uploaded(&accepted.id, &file);
}

#[test]
fn a_form_of_another_form_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let platform = app.platform();
    let file = jpeg(&picture(1), 60);
    let send = |path: &str, content_type: &str, body: &[u8]| {
        platform.client.send("POST", path, Some((content_type, body)))
    };
    let part = |head: &str, body: &[u8]| [b"--b\r\n", head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat();
    let photo = part("Content-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"", &file);
    let end = b"--b--\r\n".as_slice();
    let form = "multipart/form-data; boundary=b";
    let text =
        |name: &str, value: &[u8]| part(&format!("Content-Disposition: form-data; name=\"{name}\""), value);
    let many: Vec<u8> = (0..17).flat_map(|_| text("seller", b"x")).collect();
    let malformed: Vec<(&str, &str, Vec<u8>)> = vec![
        ("no boundary", "multipart/form-data", [&photo, end].concat()),
        ("another boundary", "multipart/form-data; boundary=c", [&photo, end].concat()),
        ("nothing", form, Vec::new()),
        ("no part", form, end.to_vec()),
        ("no end", form, photo.clone()),
        ("half a part", form, photo[..photo.len() / 2].to_vec()),
        ("half a head", form, photo[..30].to_vec()),
        ("no photo", form, [&text("seller", b"x"), end].concat()),
        ("two photos", form, [&photo, &photo, end].concat()),
        ("a text twice", form, [&text("seller", b"x"), &text("seller", b"y"), &photo, end].concat()),
        ("no name", form, [&part("Content-Disposition: form-data", b"x"), &photo, end].concat()),
        ("no disposition", form, [&part("Content-Type: text/plain", b"x"), &photo, end].concat()),
        ("a text that is not UTF-8", form, [&text("seller", b"\xff\xfe"), &photo, end].concat()),
        ("many parts", form, [&many, &photo, end].concat()),
        ("a lone header", form, b"--b\r\nContent".to_vec()),
        ("binary", form, (0..=255).collect()),
    ];
    let mut wrong = Vec::new();
    app.stores_nothing(|| {
        for (what, content_type, body) in malformed {
            let answer = send("/v1/checks", content_type, &body);
            if answer.status < 400 || answer.problem().code != Code::MalformedMultipart.code() {
                wrong.push(format!("{what}: {} {}", answer.status, answer.text()));
            }
        }
        let unknown = [&photo, &text("price", b"5"), end].concat();
        send("/v1/checks", form, &unknown).refused(Code::UnknownField);
        let texts = [&photo, &text("seller", b"x"), end].concat();
        send("/v1/inspections", form, &texts).refused(Code::UnknownField);
        send("/v1/inspections", form, end).refused(Code::MalformedMultipart);
        for content_type in ["text/plain", "image/jpeg", "multipart/mixed; boundary=b", "application/xml"] {
            send("/v1/checks", content_type, &file).refused(Code::UnsupportedMediaType);
        }
        send("/v1/inspections", "text/html", &file).refused(Code::UnsupportedMediaType);
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_context_of_another_form_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let platform = app.platform();
    let file = jpeg(&picture(1), 60);
    let check = |name: &str, value: &[u8]| {
        platform.client.post_form("/v1/checks", &[("photo", &file), (name, value)])
    };
    check("context", b"{").refused(Code::MalformedJson);
    check("context", br#"{"price":5}"#).refused(Code::UnknownField);
    check("context", br#"{"seller":"a","seller":"b"}"#).refused(Code::DuplicateName);
    check("context", br#"{"claim_time":"yesterday"}"#).refused(Code::InvalidField);
    check("context", br#"{"claim_time":5}"#).refused(Code::InvalidField);
    let claimed_before = br#"{"order_time":"2026-11-22T09:00:01Z","claim_time":"2026-11-22T09:00:00Z"}"#;
    check("context", claimed_before).refused(Code::InvalidField);
    check("context", b"[]").refused(Code::InvalidField);
    check("order_time", b"2026-11-22").refused(Code::InvalidField);
    check("claim_time", b"1969-12-31T23:59:59Z").refused(Code::InvalidField);
    check("seller", "x".repeat(129).as_bytes()).refused(Code::InvalidField);
    check("product", b"a\x07b").refused(Code::InvalidField);
    let both = [("photo", file.as_slice()), ("context", b"{}"), ("seller", b"x")];
    platform.client.post_form("/v1/checks", &both).refused(Code::InvalidField);
    assert_eq!(check("seller", "茶壶工作室".as_bytes()).status, 201);
    assert_eq!(check("seller", b"").status, 201, "an empty part says nothing");

    let fingerprints = |body: Value| platform.client.post_json("/v1/checks", &body);
    let pdq = "0f".repeat(32);
    for body in [
        json!({}),
        json!({"pdq": pdq}),
        json!({"pdq": pdq, "pdq_quality": 101}),
        json!({"pdq": pdq, "pdq_quality": 256}),
        json!({"pdq": pdq, "pdq_quality": -1}),
        json!({"pdq": "0f", "pdq_quality": 100}),
        json!({"pdq": pdq.to_uppercase(), "pdq_quality": 100}),
        json!({"sha256": "x"}),
        json!({"sha256": pdq, "context": {"seller": ""}}),
        json!({"sha256": pdq, "context": []}),
    ] {
        fingerprints(body).refused(Code::InvalidField);
    }
    fingerprints(json!({"sha256": pdq, "photo": "x"})).refused(Code::UnknownField);
    assert_eq!(fingerprints(json!({"sha256": pdq})).status, 201);
}
