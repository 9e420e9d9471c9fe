//! Statements: what issuers and the registry say, signed, in the log for ever.
//!
//! A statement is a JSON object with exactly the members `audience`, `issuer`, `issued_at`, `nonce`, `kind` and
//! `body`. The kind decides the form of the body ([`body`]). Nothing personal and no fingerprint stands in it:
//! the log is public.

pub mod body;

use crate::{
    envelope,
    id::OrganisationId,
    json::{self, ReadError, StrictJsonError},
    time::Timestamp,
};
pub use body::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use utoipa::ToSchema;

/// How far a statement's `issued_at` may lie before the time of submission: one day.
pub const MAX_AGE_SECONDS: i64 = 86_400;
/// How far it may lie ahead, for clocks that run fast: five minutes.
pub const MAX_AHEAD_SECONDS: i64 = 300;

/// The kinds of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Kind {
    /// A merchant's picture.
    #[serde(rename = "image.registered")]
    ImageRegistered,
    /// An AI vendor's output with its label.
    #[serde(rename = "output.labelled")]
    OutputLabelled,
    /// A merchant's shipping video or document.
    #[serde(rename = "evidence.recorded")]
    EvidenceRecorded,
    /// What the registry computed from uploaded pixels.
    #[serde(rename = "content.observed")]
    ContentObserved,
    /// A corrected label; the old entry stays.
    #[serde(rename = "label.corrected")]
    LabelCorrected,
    /// A withdrawal; the old entry stays.
    #[serde(rename = "statement.withdrawn")]
    StatementWithdrawn,
    /// Tombstone of a deleted reference record.
    #[serde(rename = "record.deleted")]
    RecordDeleted,
    /// A C2PA manifest store was taken into the repository by itself.
    #[serde(rename = "manifest.stored")]
    ManifestStored,
    /// A C2PA manifest store left the repository.
    #[serde(rename = "manifest.deleted")]
    ManifestDeleted,
    /// A further key of an organisation.
    #[serde(rename = "key.added")]
    KeyAdded,
    /// A key replaced by another.
    #[serde(rename = "key.rotated")]
    KeyRotated,
    /// A key that no longer signs.
    #[serde(rename = "key.revoked")]
    KeyRevoked,
    /// An organisation may take part.
    #[serde(rename = "organisation.admitted")]
    OrganisationAdmitted,
    /// An organisation may no longer take part.
    #[serde(rename = "organisation.suspended")]
    OrganisationSuspended,
    /// A provider code belongs to one organisation.
    #[serde(rename = "code.bound")]
    CodeBound,
    /// A rule of the registry changed.
    #[serde(rename = "policy.changed")]
    PolicyChanged,
}

impl Kind {
    /// All kinds, in the order of their definition.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::ImageRegistered, "image.registered"),
        (Self::OutputLabelled, "output.labelled"),
        (Self::EvidenceRecorded, "evidence.recorded"),
        (Self::ContentObserved, "content.observed"),
        (Self::LabelCorrected, "label.corrected"),
        (Self::StatementWithdrawn, "statement.withdrawn"),
        (Self::RecordDeleted, "record.deleted"),
        (Self::ManifestStored, "manifest.stored"),
        (Self::ManifestDeleted, "manifest.deleted"),
        (Self::KeyAdded, "key.added"),
        (Self::KeyRotated, "key.rotated"),
        (Self::KeyRevoked, "key.revoked"),
        (Self::OrganisationAdmitted, "organisation.admitted"),
        (Self::OrganisationSuspended, "organisation.suspended"),
        (Self::CodeBound, "code.bound"),
        (Self::PolicyChanged, "policy.changed"),
    ];

    /// The name in the payload, such as `image.registered`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who signs a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// An admitted organisation, with one of its keys.
    Organisation(OrganisationId),
    /// The registry: its operator key for decisions, its verdict key for observations.
    Registry,
}

impl Serialize for Issuer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Organisation(id) => id.serialize(serializer),
            Self::Registry => serializer.serialize_str("registry"),
        }
    }
}

impl<'de> Deserialize<'de> for Issuer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "registry" {
            return Ok(Self::Registry);
        }
        text.parse().map(Self::Organisation).map_err(serde::de::Error::custom)
    }
}

crate::json::string_schema!(Issuer, "issuer", "", "identifier of an organisation, or \"registry\"");

/// 128 random bits that make two otherwise equal statements differ. Text form: 32 lowercase hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 16]);

impl Serialize for Nonce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok().and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("32 lowercase hexadecimal digits expected"))
    }
}

crate::json::string_schema!(Nonce, "nonce", "^[0-9a-f]{32}$", "128 random bits, hexadecimal");

/// A statement, read from or to be written as a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Origin of the log that it is meant for; another registry refuses it.
    pub audience: String,
    /// Who says it.
    pub issuer: Issuer,
    /// When the issuer signed. What counts for time order is the log's acceptance time.
    pub issued_at: Timestamp,
    /// Makes repeated statements distinct.
    pub nonce: Nonce,
    /// What is said.
    pub body: Body,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<B> {
    audience: String,
    issuer: Issuer,
    issued_at: Timestamp,
    nonce: Nonce,
    kind: String,
    body: B,
}

/// Why a payload is not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] StrictJsonError),
    /// A member that this version does not know.
    #[error("{0}")]
    UnknownField(String),
    /// A kind that this version does not know.
    #[error("unknown kind {0:?}")]
    UnknownKind(String),
    /// A member is missing or has a value of the wrong form.
    #[error("{0}")]
    Field(String),
    /// A value breaks a rule of its kind.
    #[error("{0}")]
    Rule(String),
    /// Meant for another registry.
    #[error("the audience is {found:?}; this registry is {expected:?}")]
    Audience {
        /// What the statement says.
        found: String,
        /// This registry's origin.
        expected: String,
    },
    /// Signed too long ago.
    #[error("issued at {0}, more than {MAX_AGE_SECONDS} seconds before submission")]
    Stale(Timestamp),
    /// Signed in the future.
    #[error("issued at {0}, more than {MAX_AHEAD_SECONDS} seconds ahead of the registry's clock")]
    Ahead(Timestamp),
}

impl From<ReadError> for StatementError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Strict(strict) => Self::Json(strict),
            ReadError::UnknownField(text) => Self::UnknownField(text),
            ReadError::Form(text) => Self::Field(text),
        }
    }
}

impl Statement {
    /// Reads a payload strictly. Audience and time are judged by [`Statement::check_admissible`].
    ///
    /// # Errors
    /// [`StatementError`] names the first departure.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        json::check(payload)?;
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(StatementError::Field("a statement is an object".to_owned()));
        }
        let wire: Wire<Box<RawValue>> = serde_json::from_slice(payload).map_err(|e| ReadError::of(&e))?;
        let kind = Kind::from_name(&wire.kind).ok_or(StatementError::UnknownKind(wire.kind))?;
        let body = Body::parse(kind, wire.body.get())?;
        body.check().map_err(StatementError::Rule)?;
        let Wire { audience, issuer, issued_at, nonce, .. } = wire;
        Ok(Self { audience, issuer, issued_at, nonce, body })
    }

    /// The payload's bytes.
    ///
    /// # Errors
    /// [`StatementError::Rule`] if a value breaks a rule of its kind; [`StatementError::Field`] if a value cannot
    /// be written.
    pub fn to_payload(&self) -> Result<Vec<u8>, StatementError> {
        self.body.check().map_err(StatementError::Rule)?;
        let wire = Wire {
            audience: self.audience.clone(),
            issuer: self.issuer,
            issued_at: self.issued_at,
            nonce: self.nonce,
            kind: self.body.kind().name().to_owned(),
            body: &self.body,
        };
        serde_json::to_vec(&wire).map_err(|e| StatementError::Field(e.to_string()))
    }

    /// Signs the statement: the envelope's JSON bytes.
    ///
    /// # Errors
    /// As [`Statement::to_payload`].
    pub fn sign(&self, key: &ed25519_dalek::SigningKey) -> Result<Vec<u8>, StatementError> {
        Ok(envelope::sign(envelope::STATEMENT_TYPE, &self.to_payload()?, key))
    }

    /// Whether the statement is meant for `audience` and was signed about `now`.
    ///
    /// # Errors
    /// [`StatementError::Audience`], [`StatementError::Stale`] or [`StatementError::Ahead`].
    pub fn check_admissible(&self, audience: &str, now: Timestamp) -> Result<(), StatementError> {
        if self.audience != audience {
            return Err(StatementError::Audience {
                found: self.audience.clone(),
                expected: audience.to_owned(),
            });
        }
        if self.issued_at < now.saturating_add_seconds(-MAX_AGE_SECONDS) {
            return Err(StatementError::Stale(self.issued_at));
        }
        if self.issued_at > now.saturating_add_seconds(MAX_AHEAD_SECONDS) {
            return Err(StatementError::Ahead(self.issued_at));
        }
        Ok(())
    }
}
