//! Rows as use cases see them. Times are points in time, indexes are positions in the log.

use std::fmt;
use touchstone_schema::{
    CheckId, KeyId, ManifestId, OrganisationId, Sha256Digest, StatementId, Timestamp, TokenId, UserId,
    api::Scope,
    log::frontier::Frontier,
    statement::{Issuer, Kind, Role},
};

/// A log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Log index.
    pub index: u64,
    /// Identifier.
    pub id: StatementId,
    /// Kind of the statement.
    pub kind: Kind,
    /// Who issued it.
    pub issuer: Issuer,
    /// Ed25519 public key that signed it.
    pub key: [u8; 32],
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Leaf data: acceptance time and exact envelope ([`touchstone_schema::leaf`]).
    pub leaf: Vec<u8>,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Sha256Digest,
    /// Index of the withdrawal.
    pub withdrawn_at_index: Option<u64>,
    /// Index of the latest correction.
    pub corrected_at_index: Option<u64>,
    /// Index of the registry's latest observation of its content.
    pub observed_at_index: Option<u64>,
}

/// The committed end of the log, and how far it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// The tree over all committed entries.
    pub frontier: Frontier,
    /// Entries that the published checkpoint covers.
    pub published_size: u64,
    /// The publisher's fencing number.
    pub epoch: u64,
    /// A larger tree than the published one that was signed already, and may be known to witnesses.
    pub begun: Option<(u64, Sha256Digest)>,
    /// Why no server goes on with this database, if none does.
    pub halted: Option<String>,
}

impl LogHead {
    /// Entries of the largest tree that was signed.
    #[must_use]
    pub fn signed_size(&self) -> u64 {
        self.begun.map_or(self.published_size, |(size, _)| size)
    }
}

/// A checkpoint that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Entries that it covers.
    pub size: u64,
    /// Root of their tree.
    pub root: Sha256Digest,
    /// When it was published, by this registry's clock.
    pub published_at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// An entry to be appended.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// Identifier.
    pub id: StatementId,
    /// Kind of the statement.
    pub kind: Kind,
    /// Who issued it.
    pub issuer: Issuer,
    /// Ed25519 public key that signed it.
    pub key: [u8; 32],
    /// SHA-256(key ‖ pre-authentication encoding).
    pub deduplication_key: Sha256Digest,
    /// Exact bytes of the envelope.
    pub envelope: &'a [u8],
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Log index.
    pub index: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Sha256Digest,
}

/// Of which bytes a digest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentDigest {
    /// The whole file.
    File,
    /// The file without its C2PA manifest.
    WithoutManifest,
}

/// A statement that binds a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRow {
    /// Log index.
    pub index: u64,
    /// Of which bytes the digest is.
    pub which: ContentDigest,
    /// Identifier of the statement.
    pub id: StatementId,
    /// Its kind.
    pub kind: Kind,
    /// Who issued it.
    pub issuer: Issuer,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
}

/// A C2PA manifest store to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewManifest<'a> {
    /// Label of its active manifest.
    pub label: &'a ManifestId,
    /// SHA-256 of `bytes`.
    pub store_digest: Sha256Digest,
    /// SHA-256 of the signer's certificate.
    pub certificate: Sha256Digest,
    /// Who brings it.
    pub owner: OrganisationId,
    /// Brought by itself, not with a registered picture.
    pub alone: bool,
    /// A list of trust anchors vouches for its signer.
    pub trusted: bool,
    /// The log entry that names it.
    pub anchor_index: u64,
    /// When it came.
    pub created_at: Timestamp,
    /// SHA-256 of the picture's file without the manifest, if it is known.
    pub content_digest: Option<Sha256Digest>,
    /// The store.
    pub bytes: &'a [u8],
}

/// A C2PA manifest store that is, or was, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    /// Label of its active manifest.
    pub label: ManifestId,
    /// SHA-256 of the store.
    pub store_digest: Sha256Digest,
    /// SHA-256 of the signer's certificate.
    pub certificate: Sha256Digest,
    /// Whose it is.
    pub owner: OrganisationId,
    /// Brought by itself: it stays when its picture's record goes.
    pub alone: bool,
    /// A list of trust anchors vouched for its signer when it came.
    pub trusted: bool,
    /// The log entry that names it.
    pub anchor_index: u64,
    /// When it came.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// A reference record to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// SHA-256 of `bytes`.
    pub digest: Sha256Digest,
    /// The record ([`touchstone_schema::record`]).
    pub bytes: Vec<u8>,
    /// Whether the registry computed it from pixels; otherwise the registrant declared it.
    pub observed: bool,
    /// PDQ hash, if the record shall be found by it.
    pub pdq: Option<[u8; 32]>,
    /// PDQ quality, 0 to 100.
    pub pdq_quality: u8,
    /// Gradient hash, if the record shall be found by it.
    pub dhash: Option<[u8; 32]>,
    /// The detail reference, a JPEG.
    pub detail: Option<Vec<u8>>,
    /// Base name of the file.
    pub file_name: Option<String>,
}

/// A reference record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Log index of the statement.
    pub index: u64,
    /// SHA-256 of the record; kept after deletion.
    pub digest: Sha256Digest,
    /// The record; absent after deletion.
    pub bytes: Option<Vec<u8>>,
    /// Whether the registry computed it from pixels.
    pub observed: bool,
    /// Base name of the file; absent after deletion.
    pub file_name: Option<String>,
    /// Log index of the tombstone.
    pub deleted_at_index: Option<u64>,
}

/// What a record makes searchable has changed: this holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Grows with every change, in the order of commits; starts at 1.
    pub number: u64,
    /// Log index of the statement.
    pub index: u64,
    /// The record; absent if it was deleted or its statement withdrawn.
    pub bytes: Option<Vec<u8>>,
}

/// A searchable fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FingerprintRow {
    /// Log index of the statement.
    pub index: u64,
    /// PDQ hash.
    pub pdq: [u8; 32],
    /// PDQ quality, 0 to 100.
    pub quality: u8,
    /// Gradient hash; absent for pictures registered before there was one.
    pub dhash: Option<[u8; 32]>,
}

/// An organisation to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganisation {
    /// Identifier.
    pub id: OrganisationId,
    /// Public name, unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was admitted.
    pub admitted_at: Timestamp,
    /// Log index of the admission.
    pub admitted_at_index: u64,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationRow {
    /// Identifier.
    pub id: OrganisationId,
    /// Public name, unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was admitted.
    pub admitted_at: Timestamp,
    /// Log index of the admission.
    pub admitted_at_index: u64,
    /// Log index of the suspension.
    pub suspended_at_index: Option<u64>,
}

/// What a key of an organisation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPurpose {
    /// Signs statements.
    Signing,
    /// Offline; rotates and revokes.
    Recovery,
}

impl KeyPurpose {
    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Recovery => "recovery",
        }
    }

    /// The purpose of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Signing, Self::Recovery].into_iter().find(|purpose| purpose.name() == name)
    }
}

/// A key of an organisation to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Identifier.
    pub id: KeyId,
    /// Whose key it is.
    pub organisation: OrganisationId,
    /// Ed25519 public key, unique.
    pub public_key: [u8; 32],
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Log index from which it may sign.
    pub valid_from_index: u64,
}

/// A key of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Identifier.
    pub id: KeyId,
    /// Whose key it is.
    pub organisation: OrganisationId,
    /// Ed25519 public key, unique.
    pub public_key: [u8; 32],
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Log index from which it may sign.
    pub valid_from_index: u64,
    /// Log index from which it may no longer sign.
    pub revoked_at_index: Option<u64>,
    /// Entries from this log index on are suspect.
    pub suspect_from_index: Option<u64>,
}

/// An API token to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Identifier.
    pub id: TokenId,
    /// Keyed digest of the secret, unique.
    pub hash: [u8; 32],
    /// Whose token it is; absent for the operator.
    pub organisation: Option<OrganisationId>,
    /// A name to recognise it by.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The console user who signed in to get it.
    pub user: Option<UserId>,
}

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Identifier.
    pub id: TokenId,
    /// Keyed digest of the secret, unique.
    pub hash: [u8; 32],
    /// Whose token it is; absent for the operator.
    pub organisation: Option<OrganisationId>,
    /// A name to recognise it by.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The console user who signed in to get it.
    pub user: Option<UserId>,
}

/// A console user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Identifier.
    pub id: UserId,
    /// Whose user it is; absent for the operator.
    pub organisation: Option<OrganisationId>,
    /// Sign-in name, unique.
    pub name: String,
    /// PHC string of the password.
    pub password_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A console user to be stored: nothing about one is set later.
pub type NewUser = UserRow;

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRow {
    /// Identifier.
    pub id: CheckId,
    /// Who asked; absent for the operator.
    pub organisation: Option<OrganisationId>,
    /// When it was made.
    pub checked_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// The signed verdict.
    pub envelope: Vec<u8>,
}

/// What a check drew. Both are PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPictures {
    /// The photo with its altered and overlaid regions.
    pub overlay: Vec<u8>,
    /// White where the photo was altered.
    pub mask: Vec<u8>,
}

/// A key of the registry, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryKeyRow {
    /// What it signs.
    pub purpose: String,
    /// Ed25519 public key, unique.
    pub public_key: [u8; 32],
    /// The secret key as [`crate::keyring`] sealed it.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for RegistryKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryKeyRow").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}
