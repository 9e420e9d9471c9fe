//! From the library's reader, or its error, to the report.

use super::meaning;
use super::probe;
use super::report::{
    AnchorSet, C2paReport, C2paState, FAILURE_ADDITIONAL_EXCLUSIONS, FAILURE_UNREADABLE, HardBinding,
    Ingredient, MAX_LIST_LENGTH, Signer, cut, push,
};
use ::c2pa::validation_results::ValidationState;
use ::c2pa::{Error, Manifest, Reader, SignatureInfo};
use serde_json::Value;
use std::collections::HashSet;

/// Largest store whose hard binding is read: the library offers it only through a full JSON tree of the
/// store, printed as text, which can take a hundred times the store's size.
const MAX_DETAILED_BYTES: usize = 4 * 1024 * 1024;

/// Signing with an unknown certificate: it makes a manifest `valid` instead of `trusted`, and is no other
/// failure.
const UNTRUSTED: &str = "signingCredential.untrusted";

/// The report of a manifest that could be read.
pub(super) fn report(reader: &Reader, bytes: &[u8], media_type: &str, store_bytes: usize) -> C2paReport {
    let state = match reader.validation_state() {
        ValidationState::Invalid => C2paState::Invalid,
        ValidationState::Valid => C2paState::Valid,
        ValidationState::Trusted => C2paState::Trusted,
    };
    let mut report = C2paReport::new(state, bytes, media_type);
    report.active_manifest = reader.active_label().map(cut);
    report.remote_url = reader.remote_url().map(cut);
    codes(reader, &mut report);
    if let Some(manifest) = reader.active_manifest() {
        report.claim_generator = claim_generator(manifest);
        report.signer = manifest.signature_info().map(signer);
        for action in meaning::actions(manifest) {
            push(&mut report.actions, &action.name);
            if let Some(source_type) = &action.source_type {
                push(&mut report.digital_source_types, source_type);
            }
        }
        report.ai_generated = meaning::meaning(reader);
        report.ingredients = ingredients(reader, manifest);
    }
    if store_bytes <= MAX_DETAILED_BYTES {
        report.hard_binding = hard_binding(reader);
    }
    apply_rules(reader, &mut report);
    report
}

/// The report of a file that the library refused to read, or `None` if there is no manifest in it.
pub(super) fn report_of_error(error: &Error, bytes: &[u8], media_type: &str) -> Option<C2paReport> {
    match error {
        Error::JumbfNotFound | Error::ProvenanceMissing | Error::UnsupportedType => None,
        Error::RemoteManifestUrl(url) | Error::RemoteManifestFetch(url) => {
            let mut report = C2paReport::new(C2paState::Remote, bytes, media_type);
            report.carrier = "xmp:dcterms:provenance".to_owned();
            report.offset = 0;
            report.remote_url = Some(cut(url));
            Some(report)
        }
        _ if !probe::shows_store(bytes, media_type) => None,
        // The library gives up here where the specification has a failure code.
        Error::UnknownAlgorithm => {
            let mut report = C2paReport::new(C2paState::Invalid, bytes, media_type);
            report.failures.push("algorithm.unsupported".to_owned());
            report.problem = Some(cut(&error.to_string()));
            Some(report)
        }
        error => Some(C2paReport::unreadable(bytes, media_type, FAILURE_UNREADABLE, &error.to_string())),
    }
}

fn codes(reader: &Reader, report: &mut C2paReport) {
    let Some(results) = reader.validation_results() else {
        return;
    };
    if let Some(active) = results.active_manifest() {
        active.failure().iter().for_each(|status| push(&mut report.failures, status.code()));
        active.informational().iter().for_each(|status| push(&mut report.informational, status.code()));
    }
    for delta in results.ingredient_deltas().into_iter().flatten() {
        let codes = delta.validation_deltas();
        codes.failure().iter().for_each(|status| push(&mut report.failures, status.code()));
        codes.informational().iter().for_each(|status| push(&mut report.informational, status.code()));
    }
}

/// The rules that the library leaves to its user (see the module's documentation).
fn apply_rules(reader: &Reader, report: &mut C2paReport) {
    if report.state == C2paState::Trusted {
        report.anchor_set = anchor_set(reader);
        // The library checks a signer against the time-stamp authorities too; they must not vouch for
        // pictures.
        if report.anchor_set.is_none() {
            report.state = C2paState::Valid;
            push(&mut report.failures, UNTRUSTED);
        }
    }
    // Read from the results, not from the report's list, which is bounded and so could be filled up on
    // purpose.
    let excluded = reader.validation_results().is_some_and(|results| {
        let deltas = results.ingredient_deltas().into_iter().flatten().map(|delta| delta.validation_deltas());
        results
            .active_manifest()
            .into_iter()
            .chain(deltas)
            .flat_map(|codes| codes.informational())
            .any(|status| status.code() == "assertion.dataHash.additionalExclusionsPresent")
    });
    if excluded || report.hard_binding.as_ref().is_some_and(|binding| binding.exclusions > 1) {
        report.state = C2paState::Invalid;
        report.anchor_set = None;
        report.failures.truncate(MAX_LIST_LENGTH - 1);
        push(&mut report.failures, FAILURE_ADDITIONAL_EXCLUSIONS);
    }
}

/// The anchor set by which the active manifest's own signature is trusted.
fn anchor_set(reader: &Reader) -> Option<AnchorSet> {
    let label = reader.active_label()?;
    reader
        .validation_results()?
        .active_manifest()?
        .success()
        .iter()
        .filter(|status| status.code() == "signingCredential.trusted")
        .filter(|status| {
            status.url().is_some_and(|url| url.contains(label) && url.ends_with("c2pa.signature"))
        })
        .find_map(|status| AnchorSet::from_uri(status.trust_list_uri()?))
}

fn claim_generator(manifest: &Manifest) -> Option<String> {
    if let Some(info) = manifest.claim_generator_info.as_ref().and_then(|list| list.first()) {
        // The structure's fields are not public; its serialised form is the specification's.
        let value = serde_json::to_value(info).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let name = text("name")?;
        return Some(cut(
            &text("version").map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
        ));
    }
    manifest.claim_generator().map(cut)
}

fn signer(info: &SignatureInfo) -> Signer {
    let issuer = x509_parser::pem::Pem::iter_from_buffer(info.cert_chain().as_bytes())
        .next()
        .and_then(Result::ok)
        .and_then(|pem| pem.parse_x509().ok().map(|certificate| cut(&certificate.issuer().to_string())));
    Signer {
        common_name: info.common_name.as_deref().map(cut),
        // The library calls the subject's organisation the issuer of the claim.
        organisation: info.issuer.as_deref().map(cut),
        issuer,
        serial: info.cert_serial_number.as_deref().map(cut),
        time: info.time.as_deref().map(cut),
    }
}

/// The ingredients of the active manifest, then those of its ingredients, breadth first.
fn ingredients(reader: &Reader, active: &Manifest) -> Vec<Ingredient> {
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = active.label().into_iter().collect();
    let mut generation = vec![active];
    let mut depth = 0;
    while !generation.is_empty() && found.len() < MAX_LIST_LENGTH {
        depth += 1;
        let mut next = Vec::new();
        for manifest in generation {
            for ingredient in manifest.ingredients() {
                if found.len() >= MAX_LIST_LENGTH {
                    return found;
                }
                let label = ingredient.active_manifest();
                if let Some(label) = label.filter(|label| seen.insert(label)) {
                    next.extend(reader.get_manifest(label));
                }
                found.push(Ingredient {
                    title: ingredient.title().map(cut),
                    relationship: ingredient.relationship().as_str().to_owned(),
                    active_manifest: label.map(cut),
                    depth,
                    failures: ingredient_failures(reader, manifest, ingredient),
                });
            }
        }
        generation = next;
    }
    found
}

/// Failures that the claim generator recorded for an ingredient, and those found now.
fn ingredient_failures(reader: &Reader, manifest: &Manifest, ingredient: &::c2pa::Ingredient) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(results) = ingredient.validation_results() {
        let deltas = results.ingredient_deltas().into_iter().flatten().map(|delta| delta.validation_deltas());
        for codes in results.active_manifest().into_iter().chain(deltas) {
            codes.failure().iter().for_each(|status| push(&mut failures, status.code()));
        }
    }
    // Claims of version 1 record a flat list of statuses, in which successes may stand too.
    for status in ingredient.validation_status().into_iter().flatten() {
        if !status.passed() {
            push(&mut failures, status.code());
        }
    }
    let (Some(of), Some(label)) = (manifest.label(), ingredient.label()) else {
        return failures;
    };
    let suffix = format!("{of}/c2pa.assertions/{label}");
    let deltas =
        reader.validation_results().and_then(|results| results.ingredient_deltas()).into_iter().flatten();
    for delta in deltas.filter(|delta| delta.ingredient_assertion_uri().ends_with(&suffix)) {
        delta.validation_deltas().failure().iter().for_each(|status| push(&mut failures, status.code()));
    }
    failures
}

/// The hard binding of the active manifest, if it is a `c2pa.hash.data`.
fn hard_binding(reader: &Reader) -> Option<HardBinding> {
    let label = reader.active_label()?;
    let detailed: Value = serde_json::from_str(&reader.detailed_json_checked().ok()?).ok()?;
    let binding = detailed.get("manifests")?.get(label)?.get("assertion_store")?.get("c2pa.hash.data")?;
    let hash = data_encoding::BASE64.decode(binding.get("hash")?.as_str()?.as_bytes()).ok()?;
    let exclusions = binding.get("exclusions").and_then(Value::as_array).map_or(0, Vec::len);
    Some(HardBinding {
        alg: cut(binding.get("alg").and_then(Value::as_str).unwrap_or("sha256")),
        hash: cut(&data_encoding::HEXLOWER.encode(&hash)),
        exclusions: u32::try_from(exclusions).unwrap_or(u32::MAX),
    })
}
