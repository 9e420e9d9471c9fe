//! Who stands behind a picture beside its signer: CAWG identity assertions (Creator Assertions Working Group,
//! Identity Assertion 1.2), read from the active manifest.
//!
//! Two kinds exist. An X.509 identity is signed with a certificate of the person or organisation named: all that
//! is needed to judge it stands in the file and in the configured list. An aggregated identity is a credential
//! in which an aggregator says who somebody is; the aggregator's key is found by its decentralised identifier.
//! `did:jwk` holds the key itself; `did:web` is a web address, which nothing here fetches, so it stays
//! [`IdentityState::NotVerified`].
//!
//! The library checks X.509 identities against its own encoding of the signed structure, in which signers that
//! follow the standard's deterministic encoding do not verify. Here the signature is checked against the bytes
//! as they stand in the file, then against the deterministic encoding (RFC 8949, section 4.2.1).

use super::raw::{self, RawManifest, field};
use super::report::{cut, push};
use super::trust::{SIGNER_USAGES, Trust};
use ::c2pa::crypto::cose::{CoseError, Verifier, cert_chain_from_sign1, parse_cose_sign1};
use ::c2pa::status_tracker::{LogKind, StatusTracker};
use ::c2pa::validation_status::ValidationStatus;
use ::c2pa::{Manifest, RawSignatureValidationError, Reader};
use ciborium::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::Cursor;
use utoipa::ToSchema;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

/// Label of identity assertions; further ones of a manifest add `__1`, `__2`, …
const LABEL: &str = "cawg.identity";
/// Signature type of X.509 identities.
const X509: &str = "cawg.x509.cose";
/// Signature type of aggregated identities.
const AGGREGATED: &str = "cawg.identity_claims_aggregation";
/// Fields of the signed structure that restrict it to a certain claim or set of co-signers. They are not
/// evaluated, so an identity that has one is not verified.
const RESTRICTIONS: [&str; 3] =
    ["expected_partial_claim", "expected_claim_generator", "expected_countersigners"];
/// Certificate policies of the CA/Browser Forum's S/MIME requirements under which a CA has validated an
/// organisation, a sponsor or an individual, and not only that a mailbox exists (CAWG interim trust model).
const VALIDATED_POLICIES: [&str; 6] = [
    "2.23.140.1.5.2.2",
    "2.23.140.1.5.2.3",
    "2.23.140.1.5.3.2",
    "2.23.140.1.5.3.3",
    "2.23.140.1.5.4.2",
    "2.23.140.1.5.4.3",
];

/// Most identities that are judged. Each costs signature checks.
const MAX_IDENTITIES: usize = 16;
/// Most certificates in an identity's chain.
const MAX_CHAIN: usize = 8;
/// Most assertions to which an identity refers.
const MAX_REFERENCES: usize = 256;

/// Code: the manifest with this identity does not hold, so the identity says nothing about the picture.
pub const IDENTITY_MANIFEST_INVALID: &str = "touchstone.identity.manifest_invalid";
/// Code: the assertion could not be reached in the store (compressed, twice there, or too large).
pub const IDENTITY_NOT_READ: &str = "touchstone.identity.not_read";
/// Code: the identity is restricted in a way that is not evaluated here.
pub const IDENTITY_RESTRICTED: &str = "touchstone.identity.restricted";
/// Code: an e-mail certificate counts only with a trusted time stamp and a validated name.
pub const IDENTITY_MAIL_CERTIFICATE: &str = "touchstone.identity.mail_certificate";

/// What vouches for an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// A certificate of the one who is named.
    X509,
    /// An aggregator's credential about the one who is named.
    Aggregated,
    /// Something else, or it cannot be read.
    Unknown,
}

/// How far an identity holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityState {
    /// The signature fits this manifest, and a configured list vouches for the certificate or aggregator.
    Verified,
    /// Nothing contradicts it, but nobody configured vouches for it, or judging it would need the network.
    NotVerified,
    /// It is malformed, belongs to another manifest, or its signature is wrong.
    Invalid,
}

/// An identity assertion of the active manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// Label of the assertion.
    pub label: String,
    /// What vouches for it.
    pub kind: IdentityKind,
    /// How far it holds. The other fields are a mere claim unless it is verified.
    pub state: IdentityState,
    /// Name of the person or system: common name of the certificate, or name that the aggregator gives.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Organisation in the certificate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organisation: Option<String>,
    /// Distinguished name of the certificate's issuer, or the aggregator's decentralised identifier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issuer: Option<String>,
    /// Parts that the named one claims to have had, such as `cawg.creator`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<String>,
    /// Status codes of CAWG, and those of this registry, which begin with `touchstone.`.
    pub codes: Vec<String>,
}

impl Identity {
    fn new(label: String) -> Self {
        Self {
            label,
            kind: IdentityKind::Unknown,
            state: IdentityState::NotVerified,
            name: None,
            organisation: None,
            issuer: None,
            roles: Vec::new(),
            codes: Vec::new(),
        }
    }

    fn fail(&mut self, code: &str) {
        self.state = IdentityState::Invalid;
        push(&mut self.codes, code);
    }

    /// Takes back what was verified, for a reason that lies outside the assertion.
    pub(super) fn withhold(&mut self, code: &str) {
        if self.state == IdentityState::Verified {
            self.state = IdentityState::NotVerified;
        }
        push(&mut self.codes, code);
    }
}

/// What the identities of a manifest are judged with.
pub(super) struct Scene<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) raw: Option<RawManifest<'a>>,
    pub(super) trust: &'a Trust,
    /// Whether a trusted time stamp covers the claim, and with it the identities.
    pub(super) time_stamped: bool,
    pub(super) bytes: &'a [u8],
    pub(super) media_type: &'a str,
}

/// The identities of a manifest, in its order.
pub(super) fn identities(scene: &Scene<'_>) -> Vec<Identity> {
    let mut found: Vec<Identity> = scene
        .manifest
        .assertions()
        .iter()
        .filter(|assertion| is_identity(assertion.label()))
        .take(MAX_IDENTITIES)
        .map(|assertion| judge(scene, &assertion.label_with_instance()))
        .collect();
    if found.iter().any(|identity| identity.kind == IdentityKind::Aggregated) {
        judge_aggregated(scene, &mut found);
    }
    found
}

fn is_identity(label: &str) -> bool {
    label == LABEL || label.strip_prefix(LABEL).is_some_and(|rest| rest.starts_with("__"))
}

fn judge(scene: &Scene<'_>, label: &str) -> Identity {
    let mut identity = Identity::new(cut(label));
    let Some(raw) = scene.raw else {
        push(&mut identity.codes, IDENTITY_NOT_READ);
        return identity;
    };
    let Some(assertion) = raw.cbor(label) else {
        identity.fail("cawg.identity.cbor.invalid");
        return identity;
    };
    let Some((payload, kind, signature)) = parts(&assertion) else {
        identity.fail("cawg.identity.cbor.invalid");
        return identity;
    };
    let roles = field(payload, "role").and_then(Value::as_array).into_iter().flatten();
    roles.filter_map(Value::as_text).for_each(|role| push(&mut identity.roles, role));
    let padded = ["pad1", "pad2"].iter().filter_map(|pad| field(&assertion, pad));
    if !padded.filter_map(Value::as_bytes).all(|pad| pad.iter().all(|byte| *byte == 0)) {
        identity.fail("cawg.identity.pad.invalid");
    }
    check_references(scene.manifest, payload, &mut identity);
    match kind {
        X509 => {
            identity.kind = IdentityKind::X509;
            judge_x509(scene, payload, signature, &mut identity);
        }
        AGGREGATED => {
            identity.kind = IdentityKind::Aggregated;
            describe_credential(signature, &mut identity);
        }
        // What is not known is not judged.
        _ => push(&mut identity.codes, "cawg.identity.sig_type.unknown"),
    }
    if RESTRICTIONS.iter().any(|name| field(payload, name).is_some()) {
        identity.withhold(IDENTITY_RESTRICTED);
    }
    identity
}

/// Signed structure, signature type and signature.
fn parts(assertion: &Value) -> Option<(&Value, &str, &[u8])> {
    let payload = field(assertion, "signer_payload")?;
    field(payload, "referenced_assertions")?.as_array()?;
    field(assertion, "pad1")?;
    Some((payload, field(payload, "sig_type")?.as_text()?, field(assertion, "signature")?.as_bytes()?))
}

/// Whether the signed structure refers to assertions of this very manifest, its hard binding among them.
fn check_references(manifest: &Manifest, payload: &Value, identity: &mut Identity) {
    let label = manifest.label().unwrap_or_default();
    let own = format!("self#jumbf=/c2pa/{label}/");
    let relative = |url: &str| url.replacen(&own, "self#jumbf=", 1);
    let claimed: Vec<(String, Vec<u8>)> = manifest
        .assertion_references()
        .take(1024)
        .map(|reference| (relative(&reference.url()), reference.hash()))
        .collect();
    let mut seen: Vec<String> = Vec::new();
    let mut hard_binding = false;
    let references = field(payload, "referenced_assertions").and_then(Value::as_array);
    if references.is_none_or(|references| references.len() > MAX_REFERENCES) {
        return identity.fail("cawg.identity.assertion.mismatch");
    }
    for reference in references.into_iter().flatten() {
        let url = field(reference, "url").and_then(Value::as_text).unwrap_or_default();
        let url = relative(url);
        let hash = field(reference, "hash").and_then(Value::as_bytes);
        if !claimed.iter().any(|(claimed, digest)| *claimed == url && Some(digest) == hash) {
            identity.fail("cawg.identity.assertion.mismatch");
        }
        if seen.contains(&url) {
            identity.fail("cawg.identity.assertion.duplicate");
        }
        hard_binding |= url.rsplit('/').next().is_some_and(|name| name.starts_with("c2pa.hash."));
        seen.push(url);
    }
    if !hard_binding {
        identity.fail("cawg.identity.hard_binding_missing");
    }
}

fn judge_x509(scene: &Scene<'_>, payload: &Value, signature: &[u8], identity: &mut Identity) {
    let chain = certificates(signature);
    if chain.len() > MAX_CHAIN {
        return identity.fail("cawg.x509.credential.invalid");
    }
    let leaf = chain.into_iter().next();
    let certificate = leaf.as_deref().and_then(|der| X509Certificate::from_der(der).ok());
    let certificate = certificate.as_ref().map(|(_, certificate)| certificate);
    if let Some(certificate) = certificate {
        let subject = certificate.subject();
        let text = |value: Option<&x509_parser::x509::AttributeTypeAndValue<'_>>| {
            value.and_then(|value| value.as_str().ok()).map(cut)
        };
        identity.name = text(subject.iter_common_name().last());
        identity.organisation = text(subject.iter_organization().last());
        identity.issuer = Some(cut(&certificate.issuer().to_string()));
    }
    let verifier = Verifier::VerifyTrustPolicy(Cow::Borrowed(&scene.trust.identities));
    let mut matched = false;
    let mut codes = Vec::new();
    for data in encodings(payload) {
        let mut log = StatusTracker::default();
        let result = verifier.verify_signature(signature, &data, &[], None, &mut log);
        codes = log
            .logged_items()
            .iter()
            .filter_map(|item| Some((item.kind.clone(), cawg_code(item.validation_status.as_deref()?))))
            .collect();
        matched = result.is_ok();
        let mismatch = RawSignatureValidationError::SignatureMismatch;
        if !matches!(result, Err(CoseError::RawSignatureValidationError(error)) if error == mismatch) {
            break;
        }
    }
    let trusted = codes.iter().any(|(_, code)| code == "cawg.x509.credential.trusted");
    // A certificate that is merely unknown, or was valid earlier, does not contradict the identity.
    let broken = codes.iter().any(|(kind, code)| {
        *kind == LogKind::Failure
            && code != "cawg.x509.credential.untrusted"
            && code != "cawg.x509.signature.outside_validity"
    });
    let failed = codes.iter().any(|(kind, _)| *kind == LogKind::Failure);
    codes.iter().for_each(|(_, code)| push(&mut identity.codes, code));
    if !matched {
        return identity.fail("cawg.x509.signature.mismatch");
    }
    push(&mut identity.codes, "cawg.x509.signature.validated");
    if broken {
        identity.state = IdentityState::Invalid;
    }
    if identity.state == IdentityState::Invalid {
        return;
    }
    push(&mut identity.codes, "cawg.identity.well-formed");
    if !trusted || failed {
        return;
    }
    let pinned = leaf.as_deref().is_some_and(|der| scene.trust.is_pinned_identity(der));
    if certificate.is_none_or(|certificate| mail_only(certificate, scene.time_stamped, pinned)) {
        push(&mut identity.codes, IDENTITY_MAIL_CERTIFICATE);
        return;
    }
    identity.state = IdentityState::Verified;
    push(&mut identity.codes, "cawg.identity.trusted");
}

/// Whether this is an e-mail certificate that does not fulfil the CAWG interim trust model: a trusted time
/// stamp, and a name that the CA has validated unless the certificate itself is on the list.
fn mail_only(certificate: &X509Certificate<'_>, time_stamped: bool, pinned: bool) -> bool {
    let signs_documents = match certificate.extended_key_usage() {
        Ok(Some(usage)) => {
            let mut others = usage.value.other.iter().map(x509_parser::der_parser::Oid::to_id_string);
            others.any(|oid| SIGNER_USAGES.lines().any(|usage| usage == oid))
        }
        _ => false,
    };
    let validated = || {
        certificate.extensions().iter().any(|extension| match extension.parsed_extension() {
            ParsedExtension::CertificatePolicies(policies) => policies
                .iter()
                .any(|policy| VALIDATED_POLICIES.contains(&policy.policy_id.to_id_string().as_str())),
            _ => false,
        })
    };
    !signs_documents && !(time_stamped && (pinned || validated()))
}

/// The certificates in a COSE signature as DER, that of the signer first.
fn certificates(signature: &[u8]) -> Vec<Vec<u8>> {
    let cose = parse_cose_sign1(signature, &[], &mut StatusTracker::default());
    cose.ok().and_then(|cose| cert_chain_from_sign1(&cose).ok()).unwrap_or_default()
}

/// The signed structure as it stands in the file, and in deterministic encoding.
fn encodings(payload: &Value) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    for value in [payload.clone(), deterministic(payload)] {
        found.extend(encode(&value).filter(|bytes| !found.contains(bytes)));
    }
    found
}

fn encode(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).ok()?;
    Some(bytes)
}

/// Map keys in the order of their encoded bytes. Lengths and numbers are written in their shortest form anyway.
fn deterministic(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, value)| (key.clone(), deterministic(value))).collect();
            entries.sort_by_cached_key(|(key, _)| encode(key));
            Value::Map(entries)
        }
        Value::Array(items) => Value::Array(items.iter().map(deterministic).collect()),
        other => other.clone(),
    }
}

/// The CAWG code that says of an identity what this code says of a claim (CAWG Identity Assertion, "Validating
/// the COSE signature").
fn cawg_code(code: &str) -> String {
    match code {
        "algorithm.unsupported" => "cawg.x509.algorithm.unsupported",
        "signingCredential.trusted" => "cawg.x509.credential.trusted",
        "signingCredential.untrusted" => "cawg.x509.credential.untrusted",
        "signingCredential.invalid" => "cawg.x509.credential.invalid",
        "signingCredential.expired" | "claimSignature.outsideValidity" => {
            "cawg.x509.signature.outside_validity"
        }
        "claimSignature.mismatch" => "cawg.x509.signature.mismatch",
        other => other,
    }
    .to_owned()
}

/// Reads from an aggregator's credential who it is about. Nothing of it is checked here.
fn describe_credential(signature: &[u8], identity: &mut Identity) {
    let credential = || -> Option<serde_json::Value> {
        // COSE_Sign1: protected header, unprotected header, payload, signature.
        let cose = raw::parse(signature)?;
        let cose = match &cose {
            Value::Tag(_, inner) => inner.as_ref(),
            other => other,
        };
        serde_json::from_slice(cose.as_array()?.get(2)?.as_bytes()?).ok()
    };
    let Some(credential) = credential() else { return };
    identity.issuer = credential.get("issuer").and_then(serde_json::Value::as_str).map(cut);
    let people = credential.get("verifiedIdentities").or_else(|| {
        credential.get("credentialSubject").and_then(|subject| subject.get("verifiedIdentities"))
    });
    let first = people.and_then(|people| people.get(0));
    let text = |key: &str| first?.get(key)?.as_str();
    identity.name = text("name").or_else(|| text("username")).map(cut);
}

/// Judges aggregated identities with the library. It does so only while it reads a whole manifest, and reports
/// the codes of several under one name; where they cannot be told apart, each answers for all.
fn judge_aggregated(scene: &Scene<'_>, identities: &mut [Identity]) {
    let reader = Reader::from_shared_context(&scene.trust.aggregators);
    let Ok(reader) = reader.with_stream(scene.media_type, Cursor::new(scene.bytes)) else {
        return;
    };
    let Some(active) = reader.validation_results().and_then(|results| results.active_manifest()) else {
        return;
    };
    let codes = |list: &[ValidationStatus]| -> Vec<String> {
        let codes = list.iter().map(ValidationStatus::code);
        codes.filter(|code| code.starts_with("cawg.ica.")).map(str::to_owned).collect()
    };
    let (passed, noted, failed) =
        (codes(active.success()), codes(active.informational()), codes(active.failure()));
    // This is what a refused look-up of a web address looks like. It contradicts nothing.
    let broken = failed.iter().any(|code| code != "cawg.ica.did_unavailable");
    let aggregated = |identity: &&mut Identity| identity.kind == IdentityKind::Aggregated;
    let valid = passed.iter().filter(|code| *code == "cawg.ica.credential_valid").count();
    let verified = failed.is_empty() && valid == identities.iter_mut().filter(aggregated).count();
    for identity in identities.iter_mut().filter(aggregated) {
        passed.iter().chain(&noted).chain(&failed).for_each(|code| push(&mut identity.codes, code));
        let restricted = identity.codes.iter().any(|code| code == IDENTITY_RESTRICTED);
        match identity.state {
            _ if broken => identity.state = IdentityState::Invalid,
            IdentityState::NotVerified if verified && !restricted => {
                identity.state = IdentityState::Verified;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_structure_is_tried_as_it_stands_and_in_order() {
        let text = |text: &str| Value::Text(text.to_owned());
        let entry = |key: &str, value: Value| (text(key), value);
        let stored = Value::Map(vec![
            entry("sig_type", text("x")),
            entry(
                "role",
                Value::Array(vec![Value::Map(vec![entry("bb", Value::Null), entry("a", Value::Null)])]),
            ),
        ]);
        let found = encodings(&stored);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], encode(&stored).unwrap());
        // The shorter key comes first, on every level.
        let first = raw::parse(&found[1]).unwrap();
        assert_eq!(first.as_map().unwrap()[0].0, text("role"));
        let inner = first.as_map().unwrap()[0].1.as_array().unwrap()[0].as_map().unwrap();
        assert_eq!(inner[0].0, text("a"));
        assert_eq!(encodings(&first).len(), 1, "what is in order already is tried once");
    }

    #[test]
    fn what_was_verified_can_be_withheld_and_nothing_else() {
        let mut identity = Identity::new(LABEL.to_owned());
        identity.state = IdentityState::Verified;
        identity.withhold(IDENTITY_MANIFEST_INVALID);
        assert_eq!(identity.state, IdentityState::NotVerified);
        identity.fail("cawg.identity.cbor.invalid");
        identity.withhold(IDENTITY_MANIFEST_INVALID);
        assert_eq!(identity.state, IdentityState::Invalid);
        assert_eq!(identity.codes, [IDENTITY_MANIFEST_INVALID, "cawg.identity.cbor.invalid"]);
    }
}
