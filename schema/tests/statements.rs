//! Statements through the public interface: the committed vectors, and properties that hold for all of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/vectors.rs"]
mod vectors;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use serde_json::Value;
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    statement::{
        Issuer, MAX_AGE_SECONDS, MAX_AHEAD_SECONDS, Nonce, Statement, StatementError, StatementWithdrawn,
    },
};

fn committed(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The problem that a refused payload gets.
fn reason(error: &StatementError) -> &'static str {
    use touchstone_schema::json::StrictJsonError;
    match error {
        StatementError::Json(StrictJsonError::DuplicateName(_)) => "duplicate-name",
        StatementError::Json(_) => "malformed-json",
        StatementError::UnknownField(_) => "unknown-field",
        StatementError::UnknownKind(_) => "unknown-kind",
        StatementError::Field(_) | StatementError::Rule(_) => "invalid-field",
        StatementError::Audience { .. } => "wrong-audience",
        StatementError::Stale(_) | StatementError::Ahead(_) => "stale-statement",
    }
}

#[test]
fn committed_files_are_what_the_code_makes() {
    for (name, document) in vectors::all().unwrap() {
        assert_eq!(committed(name), document, "{name}: run make generate");
    }
}

#[test]
fn committed_schemas_are_what_the_code_makes() {
    for (name, document) in touchstone_schema::schemas::all() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("json-schema").join(name);
        let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(committed, document, "{name}: run make generate");
    }
}

#[test]
fn vectors_parse_verify_and_hash() {
    let document = committed("statements.json");
    for case in document["statements"].as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap();
        let opened = envelope::open(text("envelope").as_bytes(), STATEMENT_TYPE).unwrap();
        let key: PublicKey = text("public_key").parse().unwrap();
        assert!(opened.verifies(&key));
        assert_eq!(opened.payload, text("payload").as_bytes());
        assert_eq!(opened.deduplication_key(&key).to_string(), text("deduplication_key"));
        let statement = Statement::parse(&opened.payload).unwrap();
        assert_eq!(statement.body.kind().name(), text("kind"));
        assert_eq!(statement.to_payload().unwrap(), opened.payload);
    }
}

#[test]
fn refused_vectors_name_their_problem() {
    for case in committed("refused.json")["payloads"].as_array().unwrap() {
        let payload = case["payload"].as_str().unwrap();
        let error = Statement::parse(payload.as_bytes()).unwrap_err();
        assert_eq!(reason(&error), case["problem"].as_str().unwrap(), "{payload}\n{error}");
    }
}

#[test]
fn audience_and_time_are_judged() {
    let (statement, _) = vectors::statements().unwrap().remove(0);
    let now = statement.issued_at;
    statement.check_admissible(vectors::AUDIENCE, now).unwrap();
    let edge = now.saturating_add_seconds(MAX_AGE_SECONDS);
    statement.check_admissible(vectors::AUDIENCE, edge).unwrap();
    let past = edge.saturating_add_seconds(1);
    assert!(matches!(statement.check_admissible(vectors::AUDIENCE, past), Err(StatementError::Stale(_))));
    let slow = now.saturating_add_seconds(-MAX_AHEAD_SECONDS - 1);
    assert!(matches!(statement.check_admissible(vectors::AUDIENCE, slow), Err(StatementError::Ahead(_))));
    assert!(matches!(statement.check_admissible("other", now), Err(StatementError::Audience { .. })));
}

proptest! {
    #[test]
    fn statements_round_trip(time in 0_u64..1 << 47, random: [u8; 10], nonce: [u8; 16], seed: [u8; 32],
                             micros in 0_i64..4_000_000_000_000_000, reason in "[^\\p{C}\\p{Z}]{1,200}") {
        let body = StatementWithdrawn { statement: StatementId::from_parts(time, random), reason }.into();
        let issued_at = Timestamp::from_micros(micros).unwrap();
        let statement =
            Statement { audience: "a".to_owned(), issuer: Issuer::Registry, issued_at, nonce: Nonce(nonce), body };
        let key = SigningKey::from_bytes(&seed);
        let bytes = statement.sign(&key).unwrap();
        let opened = envelope::open(&bytes, STATEMENT_TYPE).unwrap();
        prop_assert!(opened.verifies(&PublicKey::from(&key)));
        prop_assert_eq!(Statement::parse(&opened.payload).unwrap(), statement);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, cut in 0_usize..400, at in 0_usize..400, byte: u8) {
        let _ = Statement::parse(&bytes);
        let _ = envelope::open(&bytes, STATEMENT_TYPE);
        for (statement, key) in vectors::statements().unwrap() {
            let mut payload = statement.to_payload().unwrap();
            let at = at % payload.len();
            payload[at] = byte;
            payload.truncate(payload.len().saturating_sub(cut % 7));
            if let Ok(changed) = Statement::parse(&payload) {
                // Whatever parses is written back to something that means the same.
                prop_assert_eq!(Statement::parse(&changed.to_payload().unwrap()).unwrap(), changed);
            }
            let mut envelope = statement.sign(&key).unwrap();
            let at = at % envelope.len();
            let before = envelope[at];
            envelope[at] = byte;
            if before != byte && let Ok(opened) = envelope::open(&envelope, STATEMENT_TYPE) {
                // Only the hint may change without breaking the signature.
                let same = opened.verifies(&PublicKey::from(&key));
                prop_assert!(!same || opened.payload == statement.to_payload().unwrap());
            }
        }
    }

    #[test]
    fn digests_parse_only_their_own_form(bytes: [u8; 32]) {
        let digest = Sha256Digest(bytes);
        prop_assert_eq!(digest.to_string().parse::<Sha256Digest>().unwrap(), digest);
        let upper = digest.to_string().to_uppercase();
        prop_assert!(upper == digest.to_string() || upper.parse::<Sha256Digest>().is_err());
    }
}
