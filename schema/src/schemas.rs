//! JSON Schemas (2020-12) of what is signed and answered, built from the Rust types.

use crate::{
    api, envelope, label, problem, record,
    statement::{self, Kind},
    verdict,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

type Definitions = Vec<(String, RefOr<Schema>)>;

fn local(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("#/components/schemas/", "#/$defs/")),
        Value::Array(items) => items.into_iter().map(local).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, local(value))).collect(),
        other => other,
    }
}

fn definitions(all: Definitions) -> Value {
    let sorted: BTreeMap<String, Value> = all
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    local(sorted.into_iter().collect::<Map<_, _>>().into())
}

fn document<T: ToSchema>(title: &str) -> Value {
    let mut all = Definitions::new();
    T::schemas(&mut all);
    let mut schema = local(serde_json::to_value(T::schema()).unwrap_or_default());
    schema["$schema"] = DIALECT.into();
    schema["title"] = title.into();
    schema["$defs"] = definitions(all);
    schema
}

/// The schema of statements: one alternative for each kind.
fn statements() -> Value {
    let common = |schema: RefOr<Schema>| local(serde_json::to_value(schema).unwrap_or_default());
    let alternatives: Vec<Value> = Kind::ALL
        .iter()
        .map(|(kind, name)| {
            json!({
                "type": "object",
                "required": ["audience", "issuer", "issued_at", "nonce", "kind", "body"],
                "additionalProperties": false,
                "properties": {
                    "audience": {"type": "string", "description": "Origin of the log that it is meant for"},
                    "issuer": common(statement::Issuer::schema()),
                    "issued_at": common(crate::Timestamp::schema()),
                    "nonce": common(statement::Nonce::schema()),
                    "kind": {"const": name},
                    "body": {"$ref": format!("#/$defs/{kind:?}")},
                },
            })
        })
        .collect();
    json!({
        "$schema": DIALECT,
        "title": "Statement",
        "oneOf": alternatives,
        "$defs": definitions(statement::body_schemas()),
    })
}

/// File name and document of every schema.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("statement.json", statements()),
        ("envelope.json", document::<envelope::Envelope>("DSSE envelope")),
        ("output-label.json", document::<label::OutputLabel>("Label of an AI output")),
        ("problem.json", document::<problem::Problem>("Problem (RFC 9457)")),
        ("record.json", document::<record::Record>("Reference record")),
        ("verdict.json", document::<verdict::Verdict>("Verdict")),
        ("fingerprint-check.json", document::<api::FingerprintCheck>("Check by fingerprints alone")),
    ]
}
