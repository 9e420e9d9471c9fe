//! The rules of admission, as an auditor finds them broken.

use serde::{Deserialize, Serialize};
use touchstone_schema::{OrganisationId, StatementId, Timestamp, statement::Kind};

/// Why the registry should not have accepted an entry at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum Violation {
    /// Not a log entry of a known version.
    #[error("not a log entry of a known version")]
    LeafForm,
    /// Not a DSSE envelope as the registry accepts them.
    #[error("{reason}")]
    EnvelopeForm {
        /// What departs.
        reason: String,
    },
    /// The payload is not a statement.
    #[error("{reason}")]
    StatementForm {
        /// What departs.
        reason: String,
    },
    /// Accepted before an earlier entry.
    #[error("accepted at {accepted_at}, before the entry in front of it ({before})")]
    TimeOrder {
        /// Its acceptance time.
        accepted_at: Timestamp,
        /// That of the entry before.
        before: Timestamp,
    },
    /// Accepted after it can have been.
    #[error("accepted at {accepted_at}; the checkpoint over it was known by {latest} at the latest")]
    Future {
        /// Its acceptance time.
        accepted_at: Timestamp,
        /// The auditor's clock or the earliest cosignature, and an hour.
        latest: Timestamp,
    },
    /// One of the first three entries is not what every log begins with.
    #[error("the log's entry of this index states the policy {expected}")]
    Bootstrap {
        /// Name of the policy that belongs here.
        expected: String,
    },
    /// A registry's policy has a value of the wrong form or another value than it must have.
    #[error("the policy {policy} has a value that it cannot have")]
    PolicyValue {
        /// Name of the policy.
        policy: String,
    },
    /// Meant for another registry.
    #[error("meant for the registry {audience:?}")]
    WrongAudience {
        /// What the statement says.
        audience: String,
    },
    /// Signed more than a day before it was accepted.
    #[error("signed at {issued_at}, more than a day before it was accepted")]
    Stale {
        /// What the statement says.
        issued_at: Timestamp,
    },
    /// Signed after it was accepted.
    #[error("signed at {issued_at}, after it was accepted")]
    Ahead {
        /// What the statement says.
        issued_at: Timestamp,
    },
    /// Of an organisation that was not admitted at this index.
    #[error("{organisation} is not admitted")]
    UnknownOrganisation {
        /// The organisation.
        organisation: OrganisationId,
    },
    /// Of or for an organisation that was suspended before.
    #[error("{organisation} was suspended at index {since}")]
    SuspendedOrganisation {
        /// The organisation.
        organisation: OrganisationId,
        /// Index of the suspension.
        since: u64,
    },
    /// The issuer cannot make statements of this kind.
    #[error("{kind} is not for this issuer to say")]
    WrongIssuer {
        /// The kind.
        kind: Kind,
    },
    /// The body changes the keys of somebody else.
    #[error("the body names another organisation than the issuer")]
    OtherOrganisation,
    /// The key hint names no key of the issuer that may sign this kind.
    #[error("signed with no key of the issuer that may sign this kind")]
    UnknownKey,
    /// The key was revoked before.
    #[error("signed with a key that was revoked at index {since}")]
    RevokedKey {
        /// Index of the revocation.
        since: u64,
    },
    /// The signature does not hold by the strict rules.
    #[error("the signature does not hold")]
    InvalidSignature,
    /// The same statement by the same key stands in the log already.
    #[error("the same statement stands at index {first}")]
    Duplicate {
        /// Its index.
        first: u64,
    },
    /// Another statement has the same identifier.
    #[error("the identifier {statement} is that of the statement at index {first}")]
    IdTaken {
        /// The identifier.
        statement: StatementId,
        /// Index of the other statement.
        first: u64,
    },
    /// The provider code belongs to another organisation.
    #[error("the provider code {code:?} belongs to {owner}")]
    ForeignCode {
        /// The code.
        code: String,
        /// Its organisation.
        owner: OrganisationId,
    },
    /// The statement that it refers to is not there, not the issuer's or of a kind that does not fit.
    #[error("it refers to {statement}, which is no earlier statement that it could refer to")]
    UnknownStatement {
        /// What it refers to.
        statement: StatementId,
    },
    /// The statement that it refers to was withdrawn before.
    #[error("it refers to {statement}, which was withdrawn before")]
    WithdrawnStatement {
        /// What it refers to.
        statement: StatementId,
    },
    /// The content was observed already.
    #[error("the content of {statement} was observed before")]
    ObservedAlready {
        /// What it refers to.
        statement: StatementId,
    },
    /// The registry observed other content than the statement binds.
    #[error("it observes other content than {statement} binds")]
    OtherContent {
        /// What it refers to.
        statement: StatementId,
    },
    /// The record was deleted already.
    #[error("the record of {statement} was deleted before")]
    DeletedAlready {
        /// What it refers to.
        statement: StatementId,
    },
    /// The deleted record is not one that was bound.
    #[error("it deletes another record than {statement} or its observation binds")]
    OtherRecord {
        /// What it refers to.
        statement: StatementId,
    },
    /// A manifest store of this label came before and was not deleted.
    #[error("the manifest {manifest:?} was stored at index {first} and not deleted since")]
    ManifestTaken {
        /// Label of the manifest.
        manifest: String,
        /// Index of the entry.
        first: u64,
    },
    /// The registry cannot have had this manifest store, or deleted it before.
    #[error("no such store of the manifest {manifest:?} came before, or it was deleted")]
    UnknownManifest {
        /// Label of the manifest.
        manifest: String,
    },
    /// A key that somebody has already.
    #[error("the key is registered already")]
    KeyTaken,
    /// A key that the organisation does not have, or that was revoked already.
    #[error("the organisation has no such key that is valid")]
    NoSuchKey,
    /// The first suspect entry lies before the key's admission or beyond the log.
    #[error("suspect_from_index lies before the key was valid or beyond the log")]
    SuspectIndex,
    /// An organisation of this identifier or name exists.
    #[error("an organisation of this identifier or name exists already")]
    OrganisationTaken,
    /// The code is bound already.
    #[error("the provider code {code:?} is bound already")]
    CodeTaken {
        /// The code.
        code: String,
    },
    /// Provider codes belong to AI vendors.
    #[error("provider codes belong to AI vendors")]
    CodeRole,
}

impl Violation {
    /// The rule's stable name, as it stands in JSON.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::LeafForm => "leaf-form",
            Self::EnvelopeForm { .. } => "envelope-form",
            Self::StatementForm { .. } => "statement-form",
            Self::TimeOrder { .. } => "time-order",
            Self::Future { .. } => "future",
            Self::Bootstrap { .. } => "bootstrap",
            Self::PolicyValue { .. } => "policy-value",
            Self::WrongAudience { .. } => "wrong-audience",
            Self::Stale { .. } => "stale",
            Self::Ahead { .. } => "ahead",
            Self::UnknownOrganisation { .. } => "unknown-organisation",
            Self::SuspendedOrganisation { .. } => "suspended-organisation",
            Self::WrongIssuer { .. } => "wrong-issuer",
            Self::OtherOrganisation => "other-organisation",
            Self::UnknownKey => "unknown-key",
            Self::RevokedKey { .. } => "revoked-key",
            Self::InvalidSignature => "invalid-signature",
            Self::Duplicate { .. } => "duplicate",
            Self::IdTaken { .. } => "id-taken",
            Self::ForeignCode { .. } => "foreign-code",
            Self::UnknownStatement { .. } => "unknown-statement",
            Self::WithdrawnStatement { .. } => "withdrawn-statement",
            Self::ObservedAlready { .. } => "observed-already",
            Self::OtherContent { .. } => "other-content",
            Self::DeletedAlready { .. } => "deleted-already",
            Self::OtherRecord { .. } => "other-record",
            Self::ManifestTaken { .. } => "manifest-taken",
            Self::UnknownManifest { .. } => "unknown-manifest",
            Self::KeyTaken => "key-taken",
            Self::NoSuchKey => "no-such-key",
            Self::SuspectIndex => "suspect-index",
            Self::OrganisationTaken => "organisation-taken",
            Self::CodeTaken { .. } => "code-taken",
            Self::CodeRole => "code-role",
        }
    }
}
