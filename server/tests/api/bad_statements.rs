//! Envelopes and statements of the wrong form, at the wrong time and with another picture: each gets its own documented
//! problem, nothing is stored.

use crate::{
    actors::{Merchant, fresh_key, inspect},
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use serde_json::{Value, json};
use touchstone_schema::{
    api::Acknowledgement,
    envelope::{self, MAX_ENVELOPE_BYTES, STATEMENT_TYPE, VERDICT_TYPE},
    problem::ProblemCode as Code,
    statement::View,
};

/// The payload of a statement that is accepted as it stands.
fn payload(merchant: &Merchant, file: &[u8]) -> Value {
    let statement = merchant.statement(merchant.claim(file, View::Listing));
    serde_json::from_slice(&statement.to_payload().unwrap()).unwrap()
}

fn signed(merchant: &Merchant, payload: &[u8]) -> Vec<u8> {
    envelope::sign(STATEMENT_TYPE, payload, &merchant.key)
}

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
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
    let app = TestApp::start(Engine::Sqlite);
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
    let app = TestApp::start(Engine::Sqlite);
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
    let app = TestApp::start(Engine::Sqlite);
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
    let app = TestApp::start(Engine::Sqlite);
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
