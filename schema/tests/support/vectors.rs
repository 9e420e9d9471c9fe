//! Test vectors for other languages: what signs, verifies, hashes and is refused, and why.

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use std::error::Error;
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    label::{AiAttribute, DigitalSourceType, Gb45438Label, LabelBasis, OutputLabel},
    leaf,
    record::{Blob, Code256, Record},
    statement::{
        Body, ContentBindings, ImageRegistered, Issuer, KeyRevoked, Nonce, OutputLabelled, Statement,
        StatementWithdrawn, View,
    },
};

mod log;

/// The audience of every vector.
pub(crate) const AUDIENCE: &str = "registry.example/log";

fn organisation() -> OrganisationId {
    OrganisationId::from_parts(1_795_000_000_000, [1; 10])
}

fn content(text: &str) -> ContentBindings {
    ContentBindings {
        sha256: Sha256Digest::of(text.as_bytes()),
        sha256_without_manifest: Sha256Digest::of(text.as_bytes()),
        media_type: "image/jpeg".to_owned(),
        c2pa: None,
        record: Some(Sha256Digest::of(b"record")),
    }
}

fn label() -> OutputLabel {
    OutputLabel {
        producer: "001191110102MACQD9K64010000".to_owned(),
        content_id: "cc75f5e99aae4210960acb722f10974e".to_owned(),
        attribute: AiAttribute::Confirmed,
        basis: LabelBasis::Produced,
        digital_source_type: DigitalSourceType::TrainedAlgorithmicMedia,
        system: "Example 画图".to_owned(),
        system_version: Some("2.1".to_owned()),
        created_at: None,
        gb45438: Some(Gb45438Label {
            label: "1".to_owned(),
            content_producer: "001191110102MACQD9K64010000".to_owned(),
            produce_id: "cc75f5e99aae4210960acb722f10974e".to_owned(),
            ..Gb45438Label::default()
        }),
        signature_layer: None,
        watermark_layer: None,
        visible_label: None,
        detector_url: None,
        retention_days: Some(180),
    }
}

/// Statements of several kinds, each with a fixed key.
pub(crate) fn statements() -> Result<Vec<(Statement, SigningKey)>, Box<dyn Error>> {
    let bodies: Vec<Body> = vec![
        ImageRegistered {
            view: View::Listing, product: Some("杯子 A-1".to_owned()), content: content("a")
        }
        .into(),
        OutputLabelled { label: label(), content: content("b"), parents: vec![Sha256Digest::of(b"a")] }
            .into(),
        StatementWithdrawn {
            statement: StatementId::from_parts(1_795_000_000_001, [2; 10]),
            reason: "wrong product".to_owned(),
        }
        .into(),
        KeyRevoked {
            organisation: organisation(),
            key: PublicKey::from(&SigningKey::from_bytes(&[9; 32])),
            suspect_from_index: Some(17),
            reason: "laptop lost".to_owned(),
        }
        .into(),
    ];
    (1_u8..)
        .zip(bodies)
        .map(|(seed, body)| {
            let statement = Statement {
                audience: AUDIENCE.to_owned(),
                issuer: Issuer::Organisation(organisation()),
                issued_at: Timestamp::from_micros(1_795_000_000_000_000 + i64::from(seed))?,
                nonce: Nonce([seed; 16]),
                body,
            };
            Ok((statement, SigningKey::from_bytes(&[seed; 32])))
        })
        .collect()
}

fn accepted() -> Result<Value, Box<dyn Error>> {
    let mut cases = Vec::new();
    for (statement, key) in statements()? {
        let payload = statement.to_payload()?;
        let bytes = envelope::sign(STATEMENT_TYPE, &payload, &key);
        let public = PublicKey::from(&key);
        let opened = envelope::open(&bytes, STATEMENT_TYPE)?;
        let accepted_at = Timestamp::from_micros(1_795_000_000_999_999)?;
        let entry = leaf::encode(accepted_at, &bytes);
        cases.push(json!({
            "kind": statement.body.kind(),
            "seed": HEXLOWER.encode(key.as_bytes()),
            "public_key": public,
            "keyid": public.fingerprint(),
            "payload": String::from_utf8(payload.clone())?,
            "pae": HEXLOWER.encode(&envelope::pae(STATEMENT_TYPE, &payload)),
            "envelope": String::from_utf8(bytes)?,
            "deduplication_key": opened.deduplication_key(&public),
            "accepted_at": accepted_at,
            "leaf": HEXLOWER.encode(&entry),
            "leaf_hash": leaf::hash(&entry),
        }));
    }
    Ok(json!({"audience": AUDIENCE, "verifier_key_of_first": verifier_key(), "statements": cases}))
}

fn verifier_key() -> String {
    PublicKey::from(&SigningKey::from_bytes(&[1; 32])).verifier_key(AUDIENCE)
}

fn refused() -> Result<Value, Box<dyn Error>> {
    let (first, _) = statements()?.remove(0);
    let good = String::from_utf8(first.to_payload()?)?;
    let (second, _) = statements()?.remove(1);
    let output = String::from_utf8(second.to_payload()?)?;
    let cases = [
        ("duplicate-name", good.replacen("{", "{\"nonce\":\"00\",", 1)),
        (
            "duplicate-name",
            good.replacen("\"view\":\"listing\"", "\"view\":\"listing\",\"v\\u0069ew\":\"packing\"", 1),
        ),
        ("unknown-field", good.replacen("{", "{\"extra\":1,", 1)),
        ("unknown-field", good.replacen("\"view\"", "\"colour\":\"red\",\"view\"", 1)),
        ("unknown-kind", good.replacen("image.registered", "image.unregistered", 1)),
        ("invalid-field", good.replacen("\"view\":\"listing\",", "", 1)),
        ("invalid-field", good.replacen("listing", "front", 1)),
        ("invalid-field", good.replacen("杯子 A-1", " ", 1)),
        ("invalid-field", output.replacen("\"Label\":\"1\"", "\"Label\":\"2\"", 1)),
        ("invalid-field", output.replacen("trainedAlgorithmicMedia", "digitalCapture", 1)),
        ("malformed-json", good.replacen("\"view\":\"listing\"", "\"view\":1.5", 1)),
        ("malformed-json", format!("{good} ,")),
        ("malformed-json", good[..good.len() - 1].to_owned()),
    ];
    let cases: Vec<Value> =
        cases.iter().map(|(code, text)| json!({"problem": code, "payload": text})).collect();
    Ok(json!({"payloads": cases}))
}

fn records() -> Result<Value, Box<dyn Error>> {
    let record = Record {
        salt: Nonce([7; 16]),
        pdq: Code256([0xa5; 32]),
        pdq_quality: 100,
        dhash: Code256([0x5a; 32]),
        iscc: Code256([0x3c; 32]),
        width: 1024,
        height: 768,
        features: Some(Blob(vec![1, 0, 192, 1, 80, 1])),
        sketch: None,
        carries_label: false,
        file_name: Some("杯子.jpg".to_owned()),
    };
    let (bytes, digest) = record.to_bytes()?;
    Ok(json!({"record": String::from_utf8(bytes)?, "digest": digest}))
}

/// File name and content of every vector file.
pub(crate) fn all() -> Result<Vec<(&'static str, Value)>, Box<dyn Error>> {
    Ok(vec![
        ("statements.json", accepted()?),
        ("refused.json", refused()?),
        ("record.json", records()?),
        ("log.json", log::vectors()?),
    ])
}
