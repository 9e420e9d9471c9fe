//! Statements, bodies, paths and parts of the wrong form: each gets its own documented problem, nothing is stored.

use crate::{
    actors::{Merchant, fresh_key, inspect},
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use serde_json::{Value, json};
use touchstone_schema::{
    api::{Acknowledgement, NewOrganisation},
    envelope::{self, MAX_ENVELOPE_BYTES, POSSESSION_TYPE, STATEMENT_TYPE, VERDICT_TYPE},
    problem::ProblemCode as Code,
    record,
    statement::{Role, View},
};

fn app() -> TestApp {
    TestApp::start(Engine::Sqlite)
}

/// The payload of a statement that is accepted as it stands.
fn payload(merchant: &Merchant, file: &[u8]) -> Value {
    let statement = merchant.statement(merchant.claim(file, View::Listing));
    serde_json::from_slice(&statement.to_payload().unwrap()).unwrap()
}

fn signed(merchant: &Merchant, payload: &[u8]) -> Vec<u8> {
    envelope::sign(STATEMENT_TYPE, payload, &merchant.key)
}

// Statements

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let app = app();
    let (merchant, other) = (app.merchant(), app.merchant());
    let file = jpeg(&picture(1), 90);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let good = text(merchant.sign(merchant.claim(&file, View::Listing)));
    let later = text(merchant.sign(merchant.claim(&file, View::Packing)));
    let part = |text: &str, name: &str| {
        let rest = text.split(&format!("\"{name}\":\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    app.stores_nothing(|| {
        // The signature of another statement, of another key under this key's name, of another domain.
        let swapped = good.replace(&part(&good, "sig"), &part(&later, "sig"));
        merchant.submit(swapped.as_bytes()).refused(Code::InvalidSignature);
        let claim = merchant.claim(&file, View::Listing);
        let theirs = text(merchant.statement(claim.clone()).sign(&other.key).unwrap());
        merchant.submit(theirs.as_bytes()).refused(Code::UnknownKey);
        let disguised = theirs.replace(&part(&theirs, "keyid"), &part(&good, "keyid"));
        merchant.submit(disguised.as_bytes()).refused(Code::InvalidSignature);
        let unknown = merchant.statement(claim).sign(&fresh_key()).unwrap();
        merchant.submit(&unknown).refused(Code::UnknownKey);
        let nobody = good.replace(&part(&good, "keyid"), "");
        merchant.submit(nobody.as_bytes()).refused(Code::UnknownKey);
        let payload = payload(&merchant, &file).to_string();
        let verdict = envelope::sign(VERDICT_TYPE, payload.as_bytes(), &merchant.key);
        merchant.submit(&verdict).refused(Code::MalformedEnvelope);
        let relabelled = text(verdict).replace(VERDICT_TYPE, STATEMENT_TYPE);
        merchant.submit(relabelled.as_bytes()).refused(Code::InvalidSignature);
        let changed = good.replace(&part(&good, "payload"), &part(&later, "payload"));
        merchant.submit(changed.as_bytes()).refused(Code::InvalidSignature);
    });
    assert_eq!(app.anonymous().content(&inspect(&file).sha256).statements, []);
    assert_eq!(merchant.submit(good.as_bytes()).status, 201, "the statement itself was good");
}

#[test]
fn an_envelope_of_another_form_is_refused() {
    let app = app();
    let merchant = app.merchant();
    let file = jpeg(&picture(1), 90);
    let good = String::from_utf8(merchant.sign(merchant.claim(&file, View::Listing))).unwrap();
    let (head, signature) = good.split_once("\"signatures\":[").unwrap();
    let signature = signature.strip_suffix("]}").unwrap();
    let parts: Value = serde_json::from_str(&good).unwrap();
    let payload_text = parts["payload"].as_str().unwrap();
    let cases: Vec<(&str, String, Code)> = vec![
        ("nothing", String::new(), Code::MalformedJson),
        ("a number", "1".to_owned(), Code::MalformedEnvelope),
        ("null", "null".to_owned(), Code::MalformedEnvelope),
        ("half of it", good[..good.len() / 2].to_owned(), Code::MalformedJson),
        ("twice", format!("{good}{good}"), Code::MalformedJson),
        ("no signature", format!("{head}\"signatures\":[]}}"), Code::MalformedEnvelope),
        ("two", format!("{head}\"signatures\":[{signature},{signature}]}}"), Code::MalformedEnvelope),
        ("without padding", good.replace("=\"", "\""), Code::MalformedEnvelope),
        ("a further member", good.replacen('{', "{\"version\":1,", 1), Code::MalformedEnvelope),
        ("a member twice", good.replacen('{', "{\"payload\":\"\",", 1), Code::DuplicateName),
        ("no payload", good.replace(payload_text, ""), Code::MalformedJson),
        ("a number with a fraction", good.replacen('{', "{\"version\":1.5,", 1), Code::MalformedJson),
        (
            "too long",
            good.replacen('{', &format!("{{{}", " ".repeat(MAX_ENVELOPE_BYTES)), 1),
            Code::EnvelopeTooLarge,
        ),
        (
            "an array of its members",
            json!([parts["payloadType"], parts["payload"], parts["signatures"]]).to_string(),
            Code::MalformedEnvelope,
        ),
        (
            "an array of the signature's members",
            json!({
                "payloadType": parts["payloadType"],
                "payload": parts["payload"],
                "signatures": [[parts["signatures"][0]["keyid"], parts["signatures"][0]["sig"]]],
            })
            .to_string(),
            Code::MalformedEnvelope,
        ),
    ];
    let mut wrong = Vec::new();
    app.stores_nothing(|| {
        for (what, envelope, code) in cases {
            assert_ne!(envelope, good, "{what}");
            let answer = merchant.submit(envelope.as_bytes());
            if answer.status < 400 || answer.problem().code != code.code() {
                wrong.push(format!("{what}: {} {}", answer.status, answer.text()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
    assert_eq!(app.anonymous().content(&inspect(&file).sha256).statements, []);
}

#[test]
fn a_statement_of_another_form_is_refused() {
    let app = app();
    let merchant = app.merchant();
    let file = jpeg(&picture(1), 90);
    let good = payload(&merchant, &file);
    let text = good.to_string();
    let with = |change: fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        value.to_string()
    };
    let members = |value: &Value| Value::Array(value.as_object().unwrap().values().cloned().collect());
    let ordered =
        |value: &Value, names: &[&str]| Value::Array(names.iter().map(|name| value[*name].clone()).collect());
    let wire = ["audience", "issuer", "issued_at", "nonce", "kind", "body"];
    let cases: Vec<(&str, Vec<u8>, Code)> = vec![
        ("no JSON", b"hello".to_vec(), Code::MalformedJson),
        (
            "not UTF-8",
            text.replace("cup 7", "\u{1}")
                .replace('\u{1}', "")
                .into_bytes()
                .into_iter()
                .chain([0xff])
                .collect(),
            Code::MalformedJson,
        ),
        ("text behind it", format!("{text} {{}}").into_bytes(), Code::MalformedJson),
        ("a fraction", text.replacen('{', "{\"x\":0.5,", 1).into_bytes(), Code::MalformedJson),
        (
            "a large number",
            text.replacen('{', "{\"x\":9007199254740993,", 1).into_bytes(),
            Code::MalformedJson,
        ),
        (
            "a member twice",
            text.replacen('{', "{\"kind\":\"image.registered\",", 1).into_bytes(),
            Code::DuplicateName,
        ),
        (
            "a member twice, escaped",
            text.replacen('{', "{\"\\u006bind\":\"image.registered\",", 1).into_bytes(),
            Code::DuplicateName,
        ),
        (
            "too deep",
            text.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(16), "]".repeat(16)), 1).into_bytes(),
            Code::MalformedJson,
        ),
        ("a further member", text.replacen('{', "{\"comment\":\"\",", 1).into_bytes(), Code::UnknownField),
        (
            "a further member of the body",
            with(|v| v["body"]["price"] = json!(5)).into_bytes(),
            Code::UnknownField,
        ),
        (
            "a further member of the content",
            with(|v| v["body"]["content"]["pdq"] = json!("00")).into_bytes(),
            Code::UnknownField,
        ),
        ("an unknown kind", with(|v| v["kind"] = json!("image.praised")).into_bytes(), Code::UnknownKind),
        (
            "another kind's body",
            with(|v| v["kind"] = json!("statement.withdrawn")).into_bytes(),
            Code::UnknownField,
        ),
        (
            "no body",
            with(|v| {
                v.as_object_mut().unwrap().remove("body");
            })
            .into_bytes(),
            Code::InvalidField,
        ),
        ("an unknown view", with(|v| v["body"]["view"] = json!("selfie")).into_bytes(), Code::InvalidField),
        (
            "a digest in capitals",
            with(|v| v["body"]["content"]["sha256"] = json!("A".repeat(64))).into_bytes(),
            Code::InvalidField,
        ),
        (
            "a long product",
            with(|v| v["body"]["product"] = json!("x".repeat(257))).into_bytes(),
            Code::InvalidField,
        ),
        ("an empty product", with(|v| v["body"]["product"] = json!("")).into_bytes(), Code::InvalidField),
        (
            "a control character",
            with(|v| v["body"]["product"] = json!("a\u{7}b")).into_bytes(),
            Code::InvalidField,
        ),
        ("a short nonce", with(|v| v["nonce"] = json!("00")).into_bytes(), Code::InvalidField),
        (
            "a local time",
            with(|v| v["issued_at"] = json!("2026-11-22T09:00:00")).into_bytes(),
            Code::InvalidField,
        ),
        (
            "an issuer of another type",
            with(|v| v["issuer"] = json!("stm_00000000000000000000000000")).into_bytes(),
            Code::InvalidField,
        ),
        ("an array of its members", ordered(&good, &wire).to_string().into_bytes(), Code::InvalidField),
        (
            "an array of the content's members",
            {
                let mut value = good.clone();
                let names = ["sha256", "sha256_without_manifest", "media_type", "c2pa", "record"];
                value["body"]["content"] = ordered(&good["body"]["content"], &names);
                value.to_string().into_bytes()
            },
            Code::InvalidField,
        ),
        (
            "an array of the body's members",
            with(|_| ()).replace(&good["body"].to_string(), &members(&good["body"]).to_string()).into_bytes(),
            Code::InvalidField,
        ),
    ];
    let mut wrong = Vec::new();
    app.stores_nothing(|| {
        for (what, payload, code) in cases {
            assert_ne!(payload, text.as_bytes(), "{what}");
            let answer = merchant.submit(&signed(&merchant, &payload));
            if answer.status < 400 || answer.problem().code != code.code() {
                wrong.push(format!("{what}: {} {}", answer.status, answer.text()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
    assert_eq!(app.anonymous().content(&inspect(&file).sha256).statements, []);
    assert_eq!(merchant.submit(&signed(&merchant, text.as_bytes())).status, 201);
}

#[test]
fn a_statement_is_taken_within_a_day_and_five_minutes() {
    let app = app();
    let merchant = app.merchant();
    let file = jpeg(&picture(1), 90);
    let issued = |seconds: i64| {
        let mut statement = merchant.statement(merchant.claim(&file, View::Listing));
        statement.issued_at = app.now().saturating_add_seconds(seconds);
        merchant.submit(&statement.sign(&merchant.key).unwrap())
    };
    app.stores_nothing(|| {
        for seconds in [-86_401, 301, -10_000_000, 100_000_000_000] {
            issued(seconds).refused(Code::StaleStatement);
        }
    });
    for seconds in [-86_400, 0, 300] {
        issued(seconds).json_with::<Acknowledgement>(201);
    }
}

#[test]
fn the_content_of_another_statement_is_refused() {
    let app = app();
    let merchant = app.merchant();
    let (one, two) = (jpeg(&picture(1), 90), jpeg(&picture(2), 90));
    let first = merchant.declare(&one, View::Listing);
    let second = merchant.declare(&two, View::Listing);
    let mut mistyped = merchant.claim(&two, View::Listing);
    mistyped.content.media_type = "image/png".to_owned();
    let mistyped = merchant.accepted(mistyped);
    let admission = merchant.id;
    app.stores_nothing(|| {
        merchant.upload(&first.id, &two).refused(Code::ContentMismatch);
        merchant.upload(&second.id, &one).refused(Code::ContentMismatch);
        merchant.upload(&second.id, &jpeg(&picture(2), 89)).refused(Code::ContentMismatch);
        merchant.upload(&second.id, b"").refused(Code::ContentMismatch);
        merchant.upload(&mistyped.id, &two).refused(Code::ContentMismatch);
        let nobodys = "stm_00000000000000000000000000".parse().unwrap();
        merchant.upload(&nobodys, &one).refused(Code::NotFound);
        merchant.delete_record(&nobodys).refused(Code::NotFound);
        merchant.delete_record(&first.id).refused(Code::NotFound);
    });
    let observed = merchant.uploaded(&first.id, &one).observed_at_index.unwrap();
    let operators = app.operator().organisation(&admission).log_index;
    assert!(observed > operators);
    // The bindings in the statement must be those of the file, each of them.
    let mut claim = merchant.claim(&two, View::Listing);
    claim.content.sha256_without_manifest = inspect(&one).sha256;
    let wrong = merchant.accepted(claim);
    app.stores_nothing(|| merchant.upload(&wrong.id, &two).refused(Code::ContentMismatch));
}

// Bodies

#[test]
fn a_body_of_another_form_is_refused() {
    let app = app();
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
    let app = app();
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
    let app = app();
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

// Paths and queries

#[test]
fn an_identifier_of_another_form_is_refused() {
    let app = app();
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
    let app = app();
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
    let app = app();
    for header in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "tstk_abc", "Bearer a b"] {
        let head = format!("GET /v1/caller HTTP/1.1\r\nAuthorization: {header}");
        app.client().raw(&head, b"").refused(Code::Unauthenticated);
    }
}

// Parts

#[test]
fn a_form_of_another_form_is_refused() {
    let app = app();
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
    let app = app();
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
