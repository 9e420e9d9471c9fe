//! What is told about a manifest: the report, its bounds, and the label that follows from it.

use super::identity::Identity;
use super::probe;
use super::signals::Signals;
use serde::{Deserialize, Serialize};
use touchstone_schema::label::{DigitalSourceType, FoundLabel, LabelLevel, LabelMeaning, LabelScheme};
use touchstone_schema::statement::ManifestIdentity;
use touchstone_schema::{Sha256Digest, Timestamp};
use utoipa::ToSchema;

/// The library that judged, with its version: verdicts of different versions differ.
pub const LIBRARY: &str = "c2pa-rs 0.91.9";
/// Longest text in a report, in bytes; longer text is cut.
pub const MAX_TEXT_BYTES: usize = 512;
/// Longest list in a report; further entries are dropped.
pub const MAX_LIST_LENGTH: usize = 64;

/// Failure code: the signer excluded byte ranges other than the manifest's own from the hash.
pub const FAILURE_ADDITIONAL_EXCLUSIONS: &str = "touchstone.additional_exclusions";
/// Failure code: the manifest store is larger than [`super::MAX_STORE_BYTES`] and was not parsed.
pub const FAILURE_STORE_TOO_LARGE: &str = "touchstone.store_too_large";
/// Failure code: the file has more boxes than are looked at, and its manifest was not read.
pub const FAILURE_TOO_MANY_BOXES: &str = "touchstone.too_many_boxes";
/// A text in the manifest claims to be longer than what it stands in.
pub const FAILURE_LENGTH: &str = "touchstone.length_beyond_end";
/// Failure code: there is a manifest store, but it cannot be parsed.
pub const FAILURE_UNREADABLE: &str = "touchstone.unreadable";

/// Failure code: nobody configured vouches for the signer. It makes a manifest `valid` instead of `trusted`, and is no
/// other failure.
pub(super) const UNTRUSTED: &str = "signingCredential.untrusted";
/// Failure codes: the certificate was not valid when it was used, as far as is known.
const ENDED: [&str; 2] = ["signingCredential.expired", "claimSignature.outsideValidity"];

/// How far the manifest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum C2paState {
    /// The signature, the picture or an ingredient does not match, or a rule of this registry is broken.
    Invalid,
    /// Signature and picture match; nobody configured vouches for the signer.
    Valid,
    /// Valid, and the signer's certificate chains to a configured trust anchor.
    Trusted,
    /// The file only refers to a manifest elsewhere. Nothing was fetched.
    Remote,
    /// There is a manifest store that cannot be parsed.
    Unreadable,
    /// There is a manifest, but nothing here judges manifests in this kind of file, or hashes of this kind.
    NotJudged,
}

/// The trust anchors that vouched for the signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnchorSet {
    /// The C2PA trust list.
    C2pa,
    /// The frozen interim list.
    Interim,
    /// This registry's own registrants.
    Registrants,
}

/// The signer, from its certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signer {
    /// Common name of the subject.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub common_name: Option<String>,
    /// Organisation of the subject.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organisation: Option<String>,
    /// Distinguished name of the CA that issued the certificate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issuer: Option<String>,
    /// Serial number of the certificate, in decimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<String>,
    /// Time of the signature by a trusted time stamp (RFC 3339), if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<String>,
}

/// The hard binding `c2pa.hash.data` of the active manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HardBinding {
    /// Hash algorithm, such as `sha256`.
    pub alg: String,
    /// The hash, in lowercase hexadecimal.
    pub hash: String,
    /// How many byte ranges are left out of the hash. 1 is the manifest itself.
    pub exclusions: u32,
}

/// A file that went into the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ingredient {
    /// Its title, often a file name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// `parentOf`, `componentOf` or `inputTo`.
    pub relationship: String,
    /// Label of its manifest, by which a registered original is found. Whoever signs the whole may have made a manifest
    /// of that label himself: certificate and signed claim tell whether it is the original's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub active_manifest: Option<String>,
    /// SHA-256 of the certificate (DER) in its manifest's own signature, as the store holds it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate_sha256: Option<Sha256Digest>,
    /// SHA-256 of its manifest's claim followed by the value of the signature over it, as the store holds them; absent if
    /// that manifest is compressed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim_signature_sha256: Option<Sha256Digest>,
    /// Every step from the active manifest to it is that to a parent.
    #[serde(default)]
    pub lineage: bool,
    /// Of the lineage: what the picture shows was changed since, as the manifests on the way say.
    #[serde(default)]
    pub edited_since: bool,
    /// 1 for an ingredient of the active manifest, 2 for an ingredient of that one, and so on.
    pub depth: u32,
    /// Failure codes recorded for it by whoever added it, and found now.
    pub failures: Vec<String>,
}

impl Ingredient {
    /// What identifies its manifest, if it has one.
    #[must_use]
    pub fn identity(&self) -> Option<ManifestIdentity> {
        Some(ManifestIdentity {
            manifest: self.active_manifest.clone()?,
            certificate_sha256: self.certificate_sha256,
            claim_signature_sha256: self.claim_signature_sha256,
        })
    }

    /// Nobody, neither who added it nor the reader, found its manifest's own signature wrong. A list of failures that is
    /// full may hide that.
    #[must_use]
    pub fn is_signature_sound(&self) -> bool {
        self.failures.len() < MAX_LIST_LENGTH
            && !self.failures.iter().any(|code| code.starts_with("claimSignature."))
    }
}

/// What a file's C2PA manifest says and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct C2paReport {
    /// How far the manifest holds.
    pub state: C2paState,
    /// Label of the active manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub active_manifest: Option<String>,
    /// SHA-256 of the manifest store's bytes. Labels can be squatted: identify a manifest by label, store and
    /// signer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub store_sha256: Option<Sha256Digest>,
    /// SHA-256 of the certificate (DER) that signed the active manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate_sha256: Option<Sha256Digest>,
    /// SHA-256 of the active manifest's claim followed by the value of the signature over it; absent if the manifest is
    /// compressed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim_signature_sha256: Option<Sha256Digest>,
    /// When a trusted time stamp over the claim was made (RFC 3161).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_stamped_at: Option<Timestamp>,
    /// Carrier, such as `jpeg:app11:c2pa` or `png:caBX`.
    pub carrier: String,
    /// Byte offset at which the carrier's segment, chunk or box begins.
    pub offset: u64,
    /// Software that made the manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim_generator: Option<String>,
    /// Who signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signer: Option<Signer>,
    /// Which trust anchors vouch for the signer; only when the state is `trusted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anchor_set: Option<AnchorSet>,
    /// SHA-256 of the list of trust anchors that vouches for the signer: lists change, verdicts are kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anchor_list_sha256: Option<Sha256Digest>,
    /// The hash that ties the manifest to the picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hard_binding: Option<HardBinding>,
    /// Digital source types of the active manifest's actions, as they stand there.
    pub digital_source_types: Vec<String>,
    /// Signals of the active manifest by the C2PA conformance rubric.
    #[serde(default)]
    pub signals: Signals,
    /// What actions and parents say about AI. It rests on the signals, and goes further where the rubric is
    /// silent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ai_generated: Option<LabelMeaning>,
    /// The active manifest's actions, such as `c2pa.created`.
    pub actions: Vec<String>,
    /// What went into the picture.
    pub ingredients: Vec<Ingredient>,
    /// Who stands behind the picture beside the signer.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub identities: Vec<Identity>,
    /// Validation success codes of the active manifest, such as `assertion.dataHash.match`, and those that say
    /// how its ingredients fit.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub successes: Vec<String>,
    /// Validation failure codes of C2PA, and those of this registry, which begin with `touchstone.`.
    pub failures: Vec<String>,
    /// Informational validation codes.
    pub informational: Vec<String>,
    /// Address of the manifest, if the file only refers to one. Never fetched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remote_url: Option<String>,
    /// Why the manifest could not be read, in the library's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// Library and version that judged.
    pub library: String,
}

impl C2paReport {
    /// A report with a state and nothing else known yet.
    pub(super) fn new(state: C2paState, bytes: &[u8], media_type: &str) -> Self {
        let (carrier, offset) = probe::carrier(bytes, media_type);
        Self {
            state,
            active_manifest: None,
            store_sha256: None,
            certificate_sha256: None,
            claim_signature_sha256: None,
            time_stamped_at: None,
            carrier: carrier.to_owned(),
            offset,
            claim_generator: None,
            signer: None,
            anchor_set: None,
            anchor_list_sha256: None,
            hard_binding: None,
            digital_source_types: Vec::new(),
            signals: Signals::default(),
            ai_generated: None,
            actions: Vec::new(),
            ingredients: Vec::new(),
            identities: Vec::new(),
            successes: Vec::new(),
            failures: Vec::new(),
            informational: Vec::new(),
            remote_url: None,
            problem: None,
            library: LIBRARY.to_owned(),
        }
    }

    /// The report of a store that cannot be parsed.
    pub(super) fn unreadable(bytes: &[u8], media_type: &str, code: &str, problem: &str) -> Self {
        let mut report = Self::new(C2paState::Unreadable, bytes, media_type);
        report.failures.push(code.to_owned());
        report.problem = Some(cut(problem));
        report
    }

    /// The certificate ended, and no trusted time stamp says when it was used; nothing else speaks against the manifest.
    /// The library does not judge such a signature, so that it was good is not said.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        let of_its_time = |code: &String| ENDED.contains(&code.as_str());
        self.state == C2paState::Invalid
            && self.failures.iter().any(of_its_time)
            && self.failures.iter().all(|code| of_its_time(code) || code == UNTRUSTED)
    }

    /// The label that the manifest states: `verified` when trusted, `signed` when valid. `None` when the
    /// manifest does not hold or says nothing about the picture's origin; a broken manifest is no label of
    /// any level.
    #[must_use]
    pub fn to_label(&self) -> Option<FoundLabel> {
        let level = match self.state {
            C2paState::Trusted => LabelLevel::Verified,
            C2paState::Valid => LabelLevel::Signed,
            C2paState::Invalid | C2paState::Remote | C2paState::Unreadable | C2paState::NotJudged => {
                return None;
            }
        };
        let meaning = self.ai_generated?;
        let known = || self.digital_source_types.iter().filter_map(|uri| DigitalSourceType::parse(uri));
        let digital_source_type = known().find(|term| term.meaning() == meaning).or_else(|| known().next());
        Some(FoundLabel {
            scheme: LabelScheme::C2pa,
            level,
            meaning,
            carrier: self.carrier.clone(),
            offset: self.offset,
            gb45438: None,
            digital_source_type,
            iptc: None,
            integrity: None,
            generator: self.claim_generator.clone(),
            raw: self.active_manifest.clone().unwrap_or_default(),
            findings: Vec::new(),
        })
    }
}

/// Cuts text to [`MAX_TEXT_BYTES`] at a character boundary.
pub(super) fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Adds cut text to a list unless it is full or has it already.
pub(super) fn push(list: &mut Vec<String>, text: &str) {
    let text = cut(text);
    if list.len() < MAX_LIST_LENGTH && !list.contains(&text) {
        list.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "试".repeat(400);
        assert_eq!(cut(&text).len(), 510);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn lists_are_bounded_and_without_repetition() {
        let mut list = Vec::new();
        for n in 0..200 {
            push(&mut list, &format!("code.{}", n % 100));
        }
        assert_eq!(list.len(), MAX_LIST_LENGTH);
    }

    #[test]
    fn only_a_manifest_that_holds_is_a_label() {
        let mut report = C2paReport::new(C2paState::Valid, b"", "image/jpeg");
        assert_eq!(report.to_label(), None, "says nothing about origin");
        report.ai_generated = Some(LabelMeaning::Synthetic);
        report.digital_source_types = vec![DigitalSourceType::TrainedAlgorithmicMedia.uri()];
        let label = report.to_label().unwrap();
        assert_eq!(label.level, LabelLevel::Signed);
        assert_eq!(label.digital_source_type, Some(DigitalSourceType::TrainedAlgorithmicMedia));
        report.state = C2paState::Trusted;
        assert_eq!(report.to_label().unwrap().level, LabelLevel::Verified);
        for state in [C2paState::Invalid, C2paState::Remote, C2paState::Unreadable, C2paState::NotJudged] {
            report.state = state;
            assert_eq!(report.to_label(), None);
        }
    }
}
