//! The Soft Binding Resolution API against the C2PA description of it: schemathesis makes requests from the description
//! and holds every answer against it.
//!
//! Runs where `TOUCHSTONE_CORPUS` has the description and `TOUCHSTONE_SCHEMATHESIS` names the program (`make contract`
//! installs it); says plainly when it does not.

use crate::{
    actors::fresh_key,
    built_binary::{Served, made},
    pictures::{Authority, jpeg, picture},
};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use touchstone_inspect::c2pa::embedded_store;
use touchstone_schema::{
    api::{AdmittedOrganisation, NewOrganisation},
    label::DigitalSourceType,
    sbr::{Bindings, ManifestCreateResult},
    statement::Role,
};

/// Where the description is in the corpus.
const DESCRIPTION: &str = "c2pa/sbr/c2pa-sbr-2.4.0-transcribed.json";
/// Generated requests of each operation and phase.
const EXAMPLES: &str = "25";
/// Longest run, in seconds.
const SECONDS: &str = "120";
/// Stands for a store that exists.
const STORE: &str = "the store";
/// How schemathesis sends what it does not know.
const HOOKS: &str = r#"
import pathlib
import schemathesis

@schemathesis.serializer("application/c2pa")
def store(context, value):
    if value == "the store":
        return pathlib.Path("store.c2pa").read_bytes()
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
"#;

/// The description as this registry has to keep it: its paths where they are here, without the optional look-up by
/// reference, with examples that exist, and with what contradicts itself mended.
fn description(path: &Path, manifest: &str, value: &str) -> Value {
    let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut paths = Map::new();
    for (path, mut item) in document["paths"].as_object().unwrap().clone() {
        if path == "/matches/byReference" {
            continue;
        }
        item.as_object_mut().unwrap().remove("servers");
        for operation in item.as_object_mut().unwrap().values_mut() {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let example = match parameter["name"].as_str().unwrap() {
                    "manifestId" => manifest,
                    "value" => value,
                    "alg" => "com.adobe.trustmark.P",
                    _ => continue,
                };
                // A picture is fingerprinted by one algorithm alone.
                let example = if path.ends_with("byContent") { "io.iscc.v0" } else { example };
                parameter["example"] = json!(example);
            }
            // The description gives this body no form; the hooks send a store that exists for its example.
            if let Some(body) = operation.pointer_mut("/requestBody/content/application~1c2pa") {
                *body = json!({ "schema": { "type": "string", "format": "binary" }, "example": STORE });
            }
            if let Some(body) = operation.pointer_mut("/requestBody/content/application~1json") {
                body["example"] = match path.as_str() {
                    "/matches/byBinding" => json!({ "alg": "com.adobe.trustmark.P", "value": value }),
                    "/bindings" => json!({ "bindingValue": value, "manifestId": manifest }),
                    _ => continue,
                };
            }
        }
        let place = if path.starts_with("/.well-known") { path } else { format!("/sbr/v1{path}") };
        paths.insert(place, item);
    }
    document["paths"] = Value::Object(paths);
    document.as_object_mut().unwrap().remove("servers");
    // Both parts of `allOf` forbid the members of the other: no object could be a verified receipt.
    let schemas = &mut document["components"]["schemas"];
    schemas["c2pa.manifestReceipt"].as_object_mut().unwrap().remove("additionalProperties");
    schemas["c2pa.verifiedManifestReceipt"]["allOf"][1]
        .as_object_mut()
        .unwrap()
        .remove("additionalProperties");
    document
}

#[test]
fn the_api_keeps_the_description() {
    let Some(corpus) = env::var_os("TOUCHSTONE_CORPUS").map(PathBuf::from) else {
        println!("skipped: TOUCHSTONE_CORPUS is not set, so there is no description to hold the API against");
        return;
    };
    let Some(program) = env::var_os("TOUCHSTONE_SCHEMATHESIS") else {
        println!("skipped: TOUCHSTONE_SCHEMATHESIS names no schemathesis; `make contract` installs it");
        return;
    };
    let (registry, made) = made();
    // Nobody reads the log while the program runs: requests are left out, and what cannot be read as HTTP.
    let filter = "warn,touchstone_server=info,touchstone_server::request=error,actix_http=off";
    let options = ["--public-url", "https://registry.example", "--log-level", filter];
    let served = Served::start(&registry.path().join("registry"), &options);
    let operator = served.client().with_token(made["operator_token"].as_str().unwrap());
    let admitted: AdmittedOrganisation = operator
        .post_json(
            "/v1/organisations",
            &NewOrganisation {
                name: "Camera works".to_owned(),
                role: Role::Merchant,
                public_key: (&fresh_key()).into(),
                recovery_key: None,
                proof_of_possession: None,
                provider_codes: Vec::new(),
            },
        )
        .json_with(201);
    let client = served.client().with_token(&admitted.token);
    let signed = Authority::new().sign(&jpeg(&picture(1), 90), DigitalSourceType::DigitalCapture);
    let store = embedded_store(&signed).unwrap();
    let stored: ManifestCreateResult =
        client.send("POST", "/sbr/v1/manifests", Some(("application/c2pa", &store))).json_with(200);
    let value = BASE64.encode(b"2*0101");
    let binding = Bindings {
        binding_value: value.clone(),
        manifest_id: stored.manifest_id.clone(),
        alg: Some("com.adobe.trustmark.P".to_owned()),
    };
    assert_eq!(client.post_json("/sbr/v1/bindings", &binding).status, 204);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("description.json");
    let document = description(&corpus.join(DESCRIPTION), stored.manifest_id.as_str(), &value);
    fs::write(&file, document.to_string()).unwrap();
    fs::write(folder.path().join("store.c2pa"), &store).unwrap();
    fs::write(folder.path().join("hooks.py"), HOOKS).unwrap();
    let output = Command::new(program)
        .current_dir(folder.path())
        .env("PYTHONPATH", folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .arg("run")
        .arg(&file)
        .args(["--url", &client.base(), "--header"])
        .arg(format!("Authorization: Bearer {}", client.token().unwrap()))
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--max-time", SECONDS])
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--workers", "1", "--request-timeout", "60"])
        // The description says "base64" and "label" in words alone: what has another form is refused, rightly.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = served.stop();
    let failed: Vec<&str> =
        log.lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).collect();
    assert_eq!(failed, Vec::<&str>::new());
}
