//! The bodies of statements, one struct for each kind.

use super::{Kind, StatementError};
use crate::{
    digest::Sha256Digest,
    id::{OrganisationId, StatementId},
    json,
    key::PublicKey,
    label::OutputLabel,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest free text (reasons, product references, names), in characters.
pub const MAX_TEXT: usize = 256;
/// `policy` of the entry that states the log's origin, the first one of every log.
pub const ORIGIN_POLICY: &str = "origin";
/// `policy` of the entry that states the operator's public key, which signs decisions, this one included.
pub const OPERATOR_KEY_POLICY: &str = "operator_key";
/// `policy` of the entry that states the public key of verdicts, which signs observations and answers too.
pub const VERDICT_KEY_POLICY: &str = "verdict_key";
/// Most parents of an edited output.
pub const MAX_PARENTS: usize = 16;
/// Most manifests that an observation names as those of what the picture was made from.
pub const MAX_INGREDIENTS: usize = 16;

/// Where in a sale a merchant's picture belongs. It decides which time `registered_before` is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Shown to buyers in the shop; public anyway.
    Listing,
    /// Taken while the item was packed.
    Packing,
    /// Taken when the parcel was handed over.
    Shipping,
}

/// A C2PA manifest as a statement names it. The manifest itself stays off the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct C2paBinding {
    /// Label (URN) of the active manifest. Labels can be squatted: it never stands alone.
    pub manifest: String,
    /// SHA-256 of the manifest store's bytes.
    pub store_sha256: Sha256Digest,
    /// Subject of the signing certificate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signer: Option<String>,
    /// Hash of the hard binding, lowercase hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hard_binding: Option<String>,
    /// SHA-256 of the certificate (DER) that signed the active manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate_sha256: Option<Sha256Digest>,
    /// SHA-256 of the active manifest's claim followed by the value of the signature over it (COSE_Sign1, RFC 9052
    /// section 4.2): it stays the same whatever stands around them, and in a store where the manifest is a parent's.
    /// Absent for a compressed manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim_signature_sha256: Option<Sha256Digest>,
}

impl C2paBinding {
    /// What identifies the active manifest in whatever store it stands.
    #[must_use]
    pub fn identity(&self) -> ManifestIdentity {
        ManifestIdentity {
            manifest: self.manifest.clone(),
            certificate_sha256: self.certificate_sha256,
            claim_signature_sha256: self.claim_signature_sha256,
        }
    }

    /// Whether both name one manifest. Some bytes of a store can be changed and leave its signature whole, so the signed
    /// claim decides where it is known.
    #[must_use]
    pub fn is_same_manifest(&self, other: &Self) -> bool {
        self.store_sha256 == other.store_sha256
            || self.identity().is_same_claim(&other.identity()) == Some(true)
    }
}

/// What identifies one manifest among those of a store: nobody but its signer makes another one with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestIdentity {
    /// Its label (URN). Labels can be squatted: it never stands alone.
    pub manifest: String,
    /// As in [`C2paBinding`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate_sha256: Option<Sha256Digest>,
    /// As in [`C2paBinding`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claim_signature_sha256: Option<Sha256Digest>,
}

impl ManifestIdentity {
    /// Whether both are one signed claim; `None` if one of them does not tell.
    #[must_use]
    pub fn is_same_claim(&self, other: &Self) -> Option<bool> {
        let claims = self.claim_signature_sha256.zip(other.claim_signature_sha256);
        claims.map(|(one, other)| one == other)
    }

    /// Whether one certificate signed both; `None` if one of them does not tell.
    #[must_use]
    pub fn is_same_certificate(&self, other: &Self) -> Option<bool> {
        let certificates = self.certificate_sha256.zip(other.certificate_sha256);
        certificates.map(|(one, other)| one == other)
    }
}

/// What ties a statement to content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentBindings {
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// SHA-256 of the file without its C2PA manifest; equals `sha256` when it has none.
    pub sha256_without_manifest: Sha256Digest,
    /// The file's media type, such as `image/jpeg`.
    pub media_type: String,
    /// The C2PA manifest, if the file has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub c2pa: Option<C2paBinding>,
    /// SHA-256 of the reference record that travels beside the envelope. The record holds a random salt, so that
    /// the log reveals no fingerprint.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<Sha256Digest>,
}

/// `image.registered`: this picture is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageRegistered {
    /// Listing, packing or shipping.
    pub view: View,
    /// The merchant's product reference. Public: no order numbers, nothing personal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub product: Option<String>,
    /// The picture.
    pub content: ContentBindings,
}

/// `output.labelled`: our system made or edited this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputLabelled {
    /// The label.
    pub label: OutputLabel,
    /// The output.
    pub content: ContentBindings,
    /// SHA-256 of the pictures that it was made from, if it is an edit.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parents: Vec<Sha256Digest>,
}

/// `evidence.recorded`: a shipping video or document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRecorded {
    /// Media type of the file.
    pub media_type: String,
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Length of each chunk but the last, in bytes.
    pub chunk_bytes: u64,
    /// SHA-256 over the concatenated SHA-256 digests of the chunks, so that parts can be shown.
    pub chunks: Sha256Digest,
    /// SHA-256(salt ‖ order reference): shows later which order it belongs to, and reveals nothing now.
    pub order_commitment: Sha256Digest,
    /// SHA-256 of the salted record that holds the key frames' fingerprints.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<Sha256Digest>,
}

/// The state of a C2PA manifest when the registry saw it. Certificates expire: the state of that time is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct C2paObservation {
    /// `invalid`, `valid` or `trusted`.
    pub state: String,
    /// Which anchor set vouched for the signer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anchor_set: Option<String>,
    /// SHA-256 of that set's list as it was configured: lists change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anchor_list_sha256: Option<Sha256Digest>,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// Validating library and version.
    pub library: String,
    /// Manifests of what it was made from, as its store holds them, the nearest first: they were signed before it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ingredients: Vec<ManifestIdentity>,
}

/// `content.observed`: what the registry itself computed from uploaded pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentObserved {
    /// The statement whose content was uploaded.
    pub statement: StatementId,
    /// What was computed.
    pub content: ContentBindings,
    /// Width after orientation, in pixels.
    pub width: u32,
    /// Height after orientation, in pixels.
    pub height: u32,
    /// The manifest's state, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub c2pa: Option<C2paObservation>,
}

/// `label.corrected`: replaces the label of an earlier statement of the same issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelCorrected {
    /// The earlier statement.
    pub statement: StatementId,
    /// The label that holds from now on.
    pub label: OutputLabel,
    /// Why.
    pub reason: String,
}

/// `statement.withdrawn`: the issuer no longer stands by an earlier statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementWithdrawn {
    /// The earlier statement.
    pub statement: StatementId,
    /// Why.
    pub reason: String,
}

/// `record.deleted`: the reference record of a statement is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordDeleted {
    /// The statement.
    pub statement: StatementId,
    /// SHA-256 of the deleted record.
    pub record: Sha256Digest,
}

/// `manifest.stored`: the registry took a C2PA manifest store into its repository that came without its picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestStored {
    /// Who brought it.
    pub organisation: OrganisationId,
    /// The manifest, as its signer signed it. Whether a picture belongs to it was not judged.
    pub c2pa: C2paBinding,
}

/// `manifest.deleted`: a C2PA manifest store was taken out of the repository, by its owner or for one with a better right
/// to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestDeleted {
    /// Label (URN) of its active manifest.
    pub manifest: String,
    /// SHA-256 of the manifest store's bytes.
    pub store_sha256: Sha256Digest,
}

/// `key.added`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyAdded {
    /// Whose key.
    pub organisation: OrganisationId,
    /// The key.
    pub key: PublicKey,
}

/// `key.rotated`: signed with the recovery key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotated {
    /// Whose key.
    pub organisation: OrganisationId,
    /// The key that no longer signs.
    pub old: PublicKey,
    /// The key that signs from now on.
    pub new: PublicKey,
}

/// `key.revoked`: signed with the recovery key, or decided by the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoked {
    /// Whose key.
    pub organisation: OrganisationId,
    /// The key that no longer signs.
    pub key: PublicKey,
    /// Entries from this log index on may be forged: checks say so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suspect_from_index: Option<u64>,
    /// Why.
    pub reason: String,
}

/// What an organisation may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Registers pictures.
    Merchant,
    /// Registers AI outputs.
    AiVendor,
    /// Checks photos.
    Platform,
    /// Audits.
    Regulator,
}

impl Role {
    /// The name in statements and commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::AiVendor => "ai-vendor",
            Self::Platform => "platform",
            Self::Regulator => "regulator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Merchant, Self::AiVendor, Self::Platform, Self::Regulator]
            .into_iter()
            .find(|r| r.name() == name)
    }
}

/// `organisation.admitted`: the operator's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationAdmitted {
    /// The organisation's identifier.
    pub organisation: OrganisationId,
    /// Its public name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its first key.
    pub key: PublicKey,
    /// The offline key that rotation and revocation need.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovery_key: Option<PublicKey>,
}

/// `organisation.suspended`: the operator's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationSuspended {
    /// The organisation.
    pub organisation: OrganisationId,
    /// Why.
    pub reason: String,
}

/// `code.bound`: a provider code of GB 45438 belongs to one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeBound {
    /// The organisation.
    pub organisation: OrganisationId,
    /// The code or name, as it stands in `ContentProducer`.
    pub code: String,
}

/// `policy.changed`: a rule of the registry, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChanged {
    /// Which rule.
    pub policy: String,
    /// Its value from now on.
    pub value: String,
}

macro_rules! bodies {
    ($($kind:ident),* $(,)?) => {
        /// What a statement says.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Body {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)*
        }

        impl Body {
            /// The kind that names this form.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }

            pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, StatementError> {
                match kind {
                    $(Kind::$kind => Ok(Self::$kind(json::parse(text.as_bytes())?)),)*
                }
            }
        }

        $(impl From<$kind> for Body {
            fn from(body: $kind) -> Self {
                Self::$kind(body)
            }
        })*

        /// Name and JSON Schema (2020-12, as in OpenAPI 3.1) of each body, and of the types that they refer to.
        #[must_use]
        pub fn body_schemas() -> Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)> {
            let mut all = Vec::new();
            $(
                all.push((stringify!($kind).to_owned(), <$kind as utoipa::PartialSchema>::schema()));
                <$kind as utoipa::ToSchema>::schemas(&mut all);
            )*
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all.dedup_by(|a, b| a.0 == b.0);
            all
        }
    };
}

bodies!(
    ImageRegistered,
    OutputLabelled,
    EvidenceRecorded,
    ContentObserved,
    LabelCorrected,
    StatementWithdrawn,
    RecordDeleted,
    ManifestStored,
    ManifestDeleted,
    KeyAdded,
    KeyRotated,
    KeyRevoked,
    OrganisationAdmitted,
    OrganisationSuspended,
    CodeBound,
    PolicyChanged,
);

fn text(name: &str, value: &str) -> Result<(), String> {
    let length = value.chars().count();
    if value.trim() != value || length == 0 || length > MAX_TEXT || value.chars().any(char::is_control) {
        return Err(format!(
            "{name} must have 1 to {MAX_TEXT} characters, no control characters, no space at its ends"
        ));
    }
    Ok(())
}

fn content(content: &ContentBindings) -> Result<(), String> {
    text("media_type", &content.media_type)?;
    content.c2pa.as_ref().map_or(Ok(()), manifest)
}

fn manifest(c2pa: &C2paBinding) -> Result<(), String> {
    text("c2pa.manifest", &c2pa.manifest)?;
    c2pa.signer.as_deref().map_or(Ok(()), |signer| text("c2pa.signer", signer))?;
    match &c2pa.hard_binding {
        Some(hash) if hash.len() > 128 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
            Err("c2pa.hard_binding must be lowercase hexadecimal of at most 128 digits".to_owned())
        }
        _ => Ok(()),
    }
}

fn label(label: &OutputLabel) -> Result<(), String> {
    text("label.producer", &label.producer)?;
    text("label.content_id", &label.content_id)?;
    text("label.system", &label.system)?;
    for (name, value) in [("system_version", &label.system_version), ("detector_url", &label.detector_url)] {
        value.as_deref().map_or(Ok(()), |value| text(name, value))?;
    }
    if !label.digital_source_type.meaning().is_ai() {
        return Err(
            "label.digital_source_type must be a term of content that AI made or took part in".to_owned()
        );
    }
    let Some(implicit) = &label.gb45438 else {
        return Ok(());
    };
    if implicit.attribute() != Some(label.attribute) {
        return Err("label.attribute and label.gb45438.Label must say the same".to_owned());
    }
    if implicit.content_producer != label.producer || implicit.produce_id != label.content_id {
        return Err(
            "label.producer and content_id must equal ContentProducer and ProduceID of gb45438".to_owned()
        );
    }
    Ok(())
}

impl Body {
    /// Rules beyond the form: lengths, and members that must agree.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::ImageRegistered(b) => {
                b.product.as_deref().map_or(Ok(()), |product| text("product", product))?;
                content(&b.content)
            }
            Self::OutputLabelled(b) => {
                label(&b.label)?;
                if b.parents.len() > MAX_PARENTS {
                    return Err(format!("at most {MAX_PARENTS} parents"));
                }
                content(&b.content)
            }
            Self::EvidenceRecorded(b) => {
                if b.chunk_bytes == 0 || b.bytes == 0 {
                    return Err("bytes and chunk_bytes must be above zero".to_owned());
                }
                text("media_type", &b.media_type)
            }
            Self::ContentObserved(b) => {
                content(&b.content)?;
                let mut ingredients = b.c2pa.iter().flat_map(|c2pa| &c2pa.ingredients);
                if ingredients.clone().count() > MAX_INGREDIENTS {
                    return Err(format!("at most {MAX_INGREDIENTS} ingredients"));
                }
                ingredients.try_for_each(|it| text("c2pa.ingredients", &it.manifest))
            }
            Self::ManifestStored(b) => manifest(&b.c2pa),
            Self::ManifestDeleted(b) => text("manifest", &b.manifest),
            Self::LabelCorrected(b) => label(&b.label).and_then(|()| text("reason", &b.reason)),
            Self::StatementWithdrawn(b) => text("reason", &b.reason),
            Self::KeyRevoked(b) => text("reason", &b.reason),
            Self::OrganisationAdmitted(b) => {
                if b.recovery_key == Some(b.key) {
                    return Err("the recovery key must differ from the signing key".to_owned());
                }
                text("name", &b.name)
            }
            Self::OrganisationSuspended(b) => text("reason", &b.reason),
            Self::CodeBound(b) => text("code", &b.code),
            Self::PolicyChanged(b) => text("policy", &b.policy).and_then(|()| text("value", &b.value)),
            Self::RecordDeleted(_) | Self::KeyAdded(_) => Ok(()),
            Self::KeyRotated(b) if b.old == b.new => {
                Err("the new key must differ from the old one".to_owned())
            }
            Self::KeyRotated(_) => Ok(()),
        }
    }

    /// The content that this body binds, if it binds any.
    #[must_use]
    pub const fn content(&self) -> Option<&ContentBindings> {
        match self {
            Self::ImageRegistered(b) => Some(&b.content),
            Self::OutputLabelled(b) => Some(&b.content),
            Self::ContentObserved(b) => Some(&b.content),
            _ => None,
        }
    }
}
