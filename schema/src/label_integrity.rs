//! What the integrity data of an implicit label is worth: the result of checking `ReservedCode1` of GB 45438-2025 in
//! the form of TC260 PG-202511A.

use crate::{digest::Sha256Digest, label::LabelLevel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Over what the SM2 signature of a label was made; Z is the signer's hash of GB/T 32918.2, M the message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedForm {
    /// e = SM3(Z || M), as GB/T 32918.2 defines it.
    #[default]
    Message,
    /// e = SM3(Z || SM3(M)): the message was hashed before it was signed, as some producers do.
    Digest,
}

/// The result of checking a label's integrity data. It covers the attribute, the producer and its number of the
/// content, never the pixels: a genuine label can be moved to another picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum LabelIntegrity {
    /// There is integrity data, but not in a form that can be checked. It speaks neither for nor against the label.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The signature does not belong to these fields: they were changed, or it was made up.
    Invalid,
    /// The signature holds under the key in the file, and nobody pinned a key of this producer.
    Signed {
        /// SHA-256 of the public key (SubjectPublicKeyInfo, DER).
        key_sha256: Sha256Digest,
        /// What was signed.
        form: SignedForm,
    },
    /// The signature holds under a key that the operator pinned for this producer.
    Verified {
        /// SHA-256 of the public key (SubjectPublicKeyInfo, DER).
        key_sha256: Sha256Digest,
        /// What was signed.
        form: SignedForm,
        /// The code, beginning of a code, or name for which the key is pinned.
        pinned_for: String,
    },
    /// The signature holds under the key in the file, but the keys pinned for this producer are others.
    OtherKey {
        /// SHA-256 of the public key in the file (SubjectPublicKeyInfo, DER).
        key_sha256: Sha256Digest,
        /// What was signed.
        form: SignedForm,
        /// The code, beginning of a code, or name for which other keys are pinned.
        pinned_for: String,
    },
}

impl LabelIntegrity {
    /// How far the label can be trusted for it. A signature under another key than the producer's is worth no more
    /// than none.
    #[must_use]
    pub const fn level(&self) -> LabelLevel {
        match self {
            Self::Verified { .. } => LabelLevel::Verified,
            Self::Signed { .. } => LabelLevel::Signed,
            Self::Unreadable { .. } | Self::Invalid | Self::OtherKey { .. } => LabelLevel::Declared,
        }
    }
}
