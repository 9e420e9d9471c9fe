//! From the library's reader, or its error, to the report.

use super::identity::{self, IDENTITY_MANIFEST_INVALID, Scene};
use super::meaning;
use super::probe;
use super::raw::{RawManifest, claim_signature_sha256, field};
use super::report::{
    AnchorSet, C2paReport, C2paState, FAILURE_ADDITIONAL_EXCLUSIONS, FAILURE_UNREADABLE, HardBinding,
    Ingredient, MAX_LIST_LENGTH, Signer, UNTRUSTED, cut, push,
};
use super::signals::Facts;
use super::trust::Trust;
use ::c2pa::validation_results::ValidationState;
use ::c2pa::validation_status::ValidationStatus;
use ::c2pa::{Error, Manifest, Reader, Relationship, SignatureInfo};
use ciborium::Value as Cbor;
use serde_json::Value;
use std::collections::HashSet;
use touchstone_schema::Sha256Digest;

/// Largest compressed store whose hard binding is read: there the library offers it only through a full JSON
/// tree of the store, printed as text, which can take a hundred times the store's size.
const MAX_DETAILED_BYTES: usize = 1024 * 1024;
/// Longest hash of the algorithms that C2PA allows, in bytes: SHA-512.
const MAX_HASH_BYTES: usize = 64;

/// Boxes that a hash over a BMFF file (HEIC, AVIF) may leave out: the manifest and other extensions, the file
/// type, offsets of fragments, and padding. None of them holds a picture (C2PA specification, "BMFF-based
/// hash").
const HARMLESS_BOXES: [&str; 5] = ["/uuid", "/ftyp", "/mfra", "/free", "/skip"];
/// The box with a movie's samples, which a hash leaves out that has a tree of hashes over its parts instead.
const SAMPLES: &str = "/mdat";

/// A file, and the manifest store that goes with it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) media_type: &'a str,
    /// The store's bytes, if they could be found.
    pub(super) store: Option<&'a [u8]>,
}

/// The report of a manifest that could be read.
pub(super) fn report(reader: &Reader, source: Source<'_>, trust: &Trust) -> C2paReport {
    let state = match reader.validation_state() {
        ValidationState::Invalid => C2paState::Invalid,
        ValidationState::Valid => C2paState::Valid,
        ValidationState::Trusted => C2paState::Trusted,
    };
    let mut report = C2paReport::new(state, source.bytes, source.media_type);
    report.active_manifest = reader.active_label().map(cut);
    report.remote_url = reader.remote_url().map(cut);
    codes(reader, &mut report);
    let active = source.store.zip(reader.active_label());
    let raw = active.and_then(|(store, label)| RawManifest::find(store, label));
    report.hard_binding = hard_binding(reader, source.store, raw.as_ref());
    report.claim_signature_sha256 = active.and_then(|(store, label)| claim_signature_sha256(store, label));
    if let Some(manifest) = reader.active_manifest() {
        report.certificate_sha256 = certificate_sha256(manifest);
        report.claim_generator = claim_generator(manifest);
        report.signer = manifest.signature_info().map(signer);
        let facts = Facts::of(manifest);
        for action in facts.all_actions() {
            push(&mut report.actions, action.name.as_deref().unwrap_or_default());
            if let Some(source_type) = &action.source_type {
                push(&mut report.digital_source_types, source_type);
            }
        }
        report.signals = facts.signals();
        report.ai_generated = meaning::meaning(reader);
        report.ingredients = ingredients(reader, manifest, source.store);
        apply_rules(reader, raw.as_ref(), trust, &mut report);
        let Source { bytes, media_type, .. } = source;
        let time_stamped = time_stamped(reader, manifest);
        let time = manifest.signature_info().and_then(|info| info.time.as_deref()).filter(|_| time_stamped);
        report.time_stamped_at = time.and_then(|time| time.parse().ok());
        let scene = Scene { manifest, raw, trust, time_stamped, bytes, media_type };
        report.identities = identity::identities(&scene);
    }
    if report.state == C2paState::Invalid {
        report.identities.iter_mut().for_each(|identity| identity.withhold(IDENTITY_MANIFEST_INVALID));
    }
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
        active.success().iter().for_each(|status| push(&mut report.successes, status.code()));
        active.failure().iter().for_each(|status| push(&mut report.failures, status.code()));
        active.informational().iter().for_each(|status| push(&mut report.informational, status.code()));
    }
    for delta in results.ingredient_deltas().into_iter().flatten() {
        let codes = delta.validation_deltas();
        // Of an ingredient's other successes nobody could tell whose they are.
        let own = codes.success().iter().filter(|status| status.code().starts_with("ingredient."));
        own.for_each(|status| push(&mut report.successes, status.code()));
        codes.failure().iter().for_each(|status| push(&mut report.failures, status.code()));
        codes.informational().iter().for_each(|status| push(&mut report.informational, status.code()));
    }
}

/// The rules that the library leaves to its user (see the module's documentation).
fn apply_rules(reader: &Reader, raw: Option<&RawManifest<'_>>, trust: &Trust, report: &mut C2paReport) {
    if report.state == C2paState::Trusted {
        report.anchor_set = anchor_set(reader, trust);
        report.anchor_list_sha256 = report.anchor_set.and_then(|set| trust.list_sha256(set));
        // The library checks a signer against the time-stamp authorities too; they must not vouch for
        // pictures.
        if report.anchor_set.is_none() {
            report.state = C2paState::Valid;
            push(&mut report.failures, UNTRUSTED);
        }
    }
    let more = report.hard_binding.as_ref().is_some_and(|binding| binding.exclusions > 1);
    let left_out = if more { LeftOut::More } else { left_out(reader, raw) };
    if left_out == LeftOut::Nothing {
        return;
    }
    report.anchor_set = None;
    report.anchor_list_sha256 = None;
    if left_out == LeftOut::HashedInParts {
        // That the library finds no fault does not say that the parts are all of the samples.
        if report.state != C2paState::Invalid {
            report.state = C2paState::NotJudged;
            report.problem = Some("the samples are hashed in parts, which is not judged here".to_owned());
        }
    } else {
        report.state = C2paState::Invalid;
        report.failures.truncate(MAX_LIST_LENGTH - 1);
        push(&mut report.failures, FAILURE_ADDITIONAL_EXCLUSIONS);
    }
}

/// What a signer left out of the hash beside the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    /// Nothing that may belong to what is shown.
    Nothing,
    /// A movie's samples, which have a tree of hashes of their own.
    HashedInParts,
    /// Bytes that may belong to what is shown, and can be replaced.
    More,
}

fn left_out(reader: &Reader, raw: Option<&RawManifest<'_>>) -> LeftOut {
    // Read from the results, not from the report's list, which is bounded and so could be filled up on purpose.
    let Some(results) = reader.validation_results() else {
        return LeftOut::Nothing;
    };
    let deltas = results.ingredient_deltas().into_iter().flatten().map(|delta| delta.validation_deltas());
    let noted: Vec<&str> = results
        .active_manifest()
        .into_iter()
        .chain(deltas)
        .flat_map(|codes| codes.informational())
        .map(|status| status.code())
        .filter(|code| code.ends_with(".additionalExclusionsPresent"))
        .collect();
    if noted.is_empty() {
        LeftOut::Nothing
    } else if noted.iter().all(|code| *code == "assertion.bmffHash.additionalExclusionsPresent") {
        raw.map_or(LeftOut::More, boxes_left_out)
    } else {
        LeftOut::More
    }
}

/// What the manifest's hash over a BMFF file leaves out.
fn boxes_left_out(raw: &RawManifest<'_>) -> LeftOut {
    let mut labels = ["c2pa.hash.bmff.v3", "c2pa.hash.bmff.v2", "c2pa.hash.bmff"].into_iter();
    let binding = labels.find_map(|label| raw.cbor(label));
    let list = |name| binding.as_ref().and_then(|binding| field(binding, name)?.as_array());
    let Some(exclusions) = list("exclusions") else { return LeftOut::More };
    let has_tree = list("merkle").is_some_and(|trees| !trees.is_empty());
    let mut found = LeftOut::Nothing;
    for exclusion in exclusions {
        match field(exclusion, "xpath").and_then(Cbor::as_text) {
            Some(path) if HARMLESS_BOXES.contains(&path) => {}
            Some(SAMPLES) if has_tree => found = LeftOut::HashedInParts,
            _ => return LeftOut::More,
        }
    }
    found
}

/// Statuses of the active manifest's own signature.
fn signature_statuses<'a>(reader: &'a Reader, code: &'a str) -> impl Iterator<Item = &'a ValidationStatus> {
    let active = reader.validation_results().and_then(|results| results.active_manifest());
    let label = reader.active_label();
    active.into_iter().flat_map(|codes| codes.success()).filter(move |status| status.code() == code).filter(
        move |status| {
            let url = status.url().unwrap_or_default();
            url.ends_with("c2pa.signature") && label.is_some_and(|label| url.contains(label))
        },
    )
}

/// The anchor set by which the active manifest's own signature is trusted.
pub(super) fn anchor_set(reader: &Reader, trust: &Trust) -> Option<AnchorSet> {
    let mut trusted = signature_statuses(reader, "signingCredential.trusted").peekable();
    trusted.peek()?;
    trusted.find_map(|status| AnchorSet::from_uri(status.trust_list_uri()?)).or_else(|| {
        // The library names no list for a certificate that is itself on one.
        let leaf = end_entity(reader.active_manifest()?.signature_info()?)?;
        trust.pinned_signer(&leaf.contents)
    })
}

/// Whether a trusted time stamp covers the claim. In claims of version 1 the library trusts any.
fn time_stamped(reader: &Reader, manifest: &Manifest) -> bool {
    manifest.claim_version().is_some_and(|version| version >= 2)
        && signature_statuses(reader, "timeStamp.trusted").next().is_some()
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

/// The signer's own certificate: the first of the chain.
pub(super) fn end_entity(info: &SignatureInfo) -> Option<x509_parser::pem::Pem> {
    x509_parser::pem::Pem::iter_from_buffer(info.cert_chain().as_bytes()).next()?.ok()
}

fn signer(info: &SignatureInfo) -> Signer {
    let issuer = end_entity(info)
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

/// SHA-256 of the end entity's certificate.
pub(super) fn certificate_sha256(manifest: &Manifest) -> Option<Sha256Digest> {
    let chain = manifest.signature_info()?.cert_chain();
    let first = x509_parser::pem::Pem::iter_from_buffer(chain.as_bytes()).next()?.ok()?;
    Some(Sha256Digest::of(&first.contents))
}

/// A manifest whose ingredients are looked at.
#[derive(Clone, Copy)]
struct Step<'r> {
    manifest: &'r Manifest,
    /// Every step to it was that to a parent.
    lineage: bool,
    /// It, or one on the way to it, says that it changed what the picture shows.
    edited: bool,
}

impl<'r> Step<'r> {
    fn to(manifest: &'r Manifest, lineage: bool, edited_since: bool) -> Self {
        let edits = || {
            let facts = Facts::of(manifest);
            facts
                .all_actions()
                .any(|action| meaning::is_editorial(action.name.as_deref().unwrap_or_default()))
        };
        Self { manifest, lineage, edited: lineage && (edited_since || edits()) }
    }
}

/// The ingredients of the active manifest, then those of its ingredients, breadth first.
fn ingredients(reader: &Reader, active: &Manifest, store: Option<&[u8]>) -> Vec<Ingredient> {
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = active.label().into_iter().collect();
    let mut generation = vec![Step::to(active, true, false)];
    let mut depth = 0;
    while !generation.is_empty() && found.len() < MAX_LIST_LENGTH {
        depth += 1;
        let mut next = Vec::new();
        for Step { manifest, lineage, edited } in generation {
            for ingredient in manifest.ingredients() {
                if found.len() >= MAX_LIST_LENGTH {
                    return found;
                }
                let label = ingredient.active_manifest();
                let own = label.and_then(|label| reader.get_manifest(label));
                let lineage = lineage && *ingredient.relationship() == Relationship::ParentOf;
                if let Some((label, own)) = label.zip(own)
                    && seen.insert(label)
                {
                    next.push(Step::to(own, lineage, edited));
                }
                let signed = label.zip(store).and_then(|(label, store)| claim_signature_sha256(store, label));
                found.push(Ingredient {
                    title: ingredient.title().map(cut),
                    relationship: ingredient.relationship().as_str().to_owned(),
                    active_manifest: label.map(cut),
                    certificate_sha256: own.and_then(certificate_sha256),
                    claim_signature_sha256: signed,
                    lineage,
                    edited_since: lineage && edited,
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

/// The hard binding of the active manifest, if it is a `c2pa.hash.data`: from the store's own bytes, or, of a manifest
/// that is compressed there, from what the library unpacked.
pub(super) fn hard_binding(
    reader: &Reader,
    store: Option<&[u8]>,
    raw: Option<&RawManifest<'_>>,
) -> Option<HardBinding> {
    match raw {
        Some(raw) => plain_binding(raw),
        None => {
            store.filter(|store| store.len() <= MAX_DETAILED_BYTES).and_then(|_| unpacked_binding(reader))
        }
    }
}

fn plain_binding(raw: &RawManifest<'_>) -> Option<HardBinding> {
    let binding = raw.cbor("c2pa.hash.data")?;
    let hash = field(&binding, "hash")?.as_bytes()?;
    let exclusions = field(&binding, "exclusions").and_then(Cbor::as_array).map_or(0, Vec::len);
    let alg = field(&binding, "alg").and_then(Cbor::as_text);
    binding_of(alg, hash, exclusions)
}

fn unpacked_binding(reader: &Reader) -> Option<HardBinding> {
    let label = reader.active_label()?;
    let detailed: Value = serde_json::from_str(&reader.detailed_json_checked().ok()?).ok()?;
    let binding = detailed.get("manifests")?.get(label)?.get("assertion_store")?.get("c2pa.hash.data")?;
    let hash = data_encoding::BASE64.decode(binding.get("hash")?.as_str()?.as_bytes()).ok()?;
    let exclusions = binding.get("exclusions").and_then(Value::as_array).map_or(0, Vec::len);
    binding_of(binding.get("alg").and_then(Value::as_str), &hash, exclusions)
}

/// `None` if the hash is longer than that of any algorithm: it is no file's.
fn binding_of(alg: Option<&str>, hash: &[u8], exclusions: usize) -> Option<HardBinding> {
    (hash.len() <= MAX_HASH_BYTES).then(|| HardBinding {
        alg: cut(alg.unwrap_or("sha256")),
        hash: data_encoding::HEXLOWER.encode(hash),
        exclusions: u32::try_from(exclusions).unwrap_or(u32::MAX),
    })
}
