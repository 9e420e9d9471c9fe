//! Bodies of requests and answers of the REST interface `/v1`, shared by the registry and its clients.

use crate::{
    digest::Sha256Digest,
    id::{CheckId, KeyId, OrganisationId, StatementId, TokenId, UserId},
    key::PublicKey,
    label::{FoundLabel, OutputLabel},
    problem::Problem,
    record::Code256,
    sbr::ManifestId,
    statement::{Kind, Role},
    time::Timestamp,
    verdict::{Context, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Submit statements, upload content, delete own records.
    Register,
    /// Check photos, read own checks.
    Check,
    /// Read what is not public: indicators and exports for regulators.
    Audit,
    /// Manage the own organisation's tokens and console users.
    Manage,
    /// Admit organisations, change keys. The operator alone.
    Operate,
    /// Search and read C2PA manifests (Soft Binding Resolution API).
    #[serde(rename = "fetch:manifests")]
    FetchManifests,
    /// Store C2PA manifests and delete own ones.
    #[serde(rename = "store:manifests")]
    StoreManifests,
    /// Bind values to own C2PA manifests.
    #[serde(rename = "store:bindings")]
    StoreBindings,
}

impl Scope {
    /// All scopes with their names.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Register, "register"),
        (Self::Check, "check"),
        (Self::Audit, "audit"),
        (Self::Manage, "manage"),
        (Self::Operate, "operate"),
        (Self::FetchManifests, "fetch:manifests"),
        (Self::StoreManifests, "store:manifests"),
        (Self::StoreBindings, "store:bindings"),
    ];

    /// The name in tokens and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }

    /// The scope of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(scope, _)| *scope)
    }

    /// The scopes that an organisation of this role may hold.
    #[must_use]
    pub const fn of_role(role: Role) -> &'static [Self] {
        match role {
            Role::Merchant | Role::AiVendor => &[
                Self::Register,
                Self::Check,
                Self::Manage,
                Self::FetchManifests,
                Self::StoreManifests,
                Self::StoreBindings,
            ],
            Role::Platform => &[Self::Check, Self::Manage, Self::FetchManifests],
            Role::Regulator => &[Self::Check, Self::Audit, Self::Manage, Self::FetchManifests],
        }
    }
}

/// `GET /v1/registry`: who this registry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryInfo {
    /// Origin of the log: the audience of statements.
    pub origin: String,
    /// Version of the software.
    pub version: String,
    /// Verifier key of the log's checkpoints.
    pub log_verifier_key: String,
    /// Key that signs verdicts and observations.
    pub verdict_key: PublicKey,
    /// Key that signs admissions, keys and policies.
    pub operator_key: PublicKey,
    /// Number of log entries.
    pub log_size: u64,
    /// Number of log entries that the published checkpoint covers.
    pub published_size: u64,
    /// The registry's time.
    pub time: Timestamp,
    /// Largest upload in bytes.
    pub max_upload_bytes: u64,
    /// Most statements in one batch.
    pub max_batch: u32,
}

/// A checkpoint that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointInfo {
    /// Entries that it covers.
    pub size: u64,
    /// Root of the Merkle tree over them (RFC 6962).
    pub root: Sha256Digest,
    /// When it was published, by the registry's clock. The cosignatures in the note are independent times.
    pub published_at: Timestamp,
    /// The signed note (C2SP tlog-checkpoint), with the witnesses' cosignatures.
    pub note: String,
}

/// `GET /v1/log/checkpoints`: every checkpoint that was ever published, a page at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointList {
    /// The checkpoints, smallest first.
    pub checkpoints: Vec<CheckpointInfo>,
    /// `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<u64>,
}

/// `GET /v1/caller`: whose token this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallerInfo {
    /// The organisation; absent for the operator.
    pub organisation: Option<OrganisationId>,
    /// Its name, or `operator`.
    pub name: String,
    /// Its role; absent for the operator.
    pub role: Option<Role>,
    /// What the token allows.
    pub scopes: Vec<Scope>,
    /// When the token expires.
    pub expires_at: Option<Timestamp>,
    /// The organisation's keys that may sign now.
    pub keys: Vec<KeyInfo>,
}

/// `POST /v1/organisations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganisation {
    /// Public name, unique in the registry.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its first key.
    pub public_key: PublicKey,
    /// The offline key that rotation and revocation need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<PublicKey>,
    /// Envelope of type possession in which the key signs the organisation's name, as JSON text
    /// `{"name": …, "public_key": …}`. Without it the operator vouches for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_of_possession: Option<String>,
    /// Provider codes (GB 45438) that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_codes: Vec<String>,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganisationInfo {
    /// Identifier.
    pub organisation: OrganisationId,
    /// Public name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// When it was admitted.
    pub admitted_at: Timestamp,
    /// Log index of the admission.
    pub log_index: u64,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Keys, revoked ones included.
    pub keys: Vec<KeyInfo>,
    /// Provider codes bound to it.
    pub provider_codes: Vec<String>,
}

/// Answer to `POST /v1/organisations`: the token is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdmittedOrganisation {
    /// Identifier.
    pub organisation: OrganisationId,
    /// Its first token, with all scopes of its role.
    pub token: String,
    /// Its first key.
    pub key: KeyId,
    /// Log index of the admission.
    pub log_index: u64,
}

/// A signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyInfo {
    /// Identifier.
    pub key: KeyId,
    /// The key.
    pub public_key: PublicKey,
    /// Log index from which it may sign.
    pub valid_from_index: u64,
    /// Log index from which it may no longer sign.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at_index: Option<u64>,
    /// Entries from this log index on are suspect.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suspect_from_index: Option<u64>,
}

/// `POST /v1/organisations/{organisation}/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The key.
    pub public_key: PublicKey,
}

/// `POST /v1/organisations/{organisation}/keys/{key}/revocation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRevocation {
    /// Why. Public.
    pub reason: String,
    /// Entries from this log index on are suspect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect_from_index: Option<u64>,
}

/// `POST /v1/organisations/{organisation}/suspension`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// Why. Public.
    pub reason: String,
}

/// `POST /v1/organisations/{organisation}/codes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// Provider code or name as it stands in `ContentProducer`.
    pub code: String,
}

/// Answer to an operator's decision: where it stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Logged {
    /// The registry's statement.
    pub statement: StatementId,
    /// Its log index.
    pub log_index: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

/// `POST /v1/tokens`: a further token of the own organisation (or, for the operator, of any).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// For whom; the operator names one, others may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// What it allows; at most what the role allows.
    pub scopes: Vec<Scope>,
    /// Days until it expires, 1 to 3,650.
    pub days: u32,
    /// A name to recognise it by.
    pub name: String,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenInfo {
    /// Identifier.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Timestamp>,
}

/// Answer to `POST /v1/tokens` and `POST /v1/sessions`: the secret is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// Identifier, for revocation.
    pub id: TokenId,
    /// The secret.
    pub token: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// `GET /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The organisation's tokens, newest first.
    pub tokens: Vec<TokenInfo>,
}

/// `POST /v1/users`: a console user of the own organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Sign-in name, unique in the registry, 3 to 64 of `a-z 0-9 . _ - @`.
    pub name: String,
    /// 12 to 128 characters.
    pub password: String,
}

/// Answer to `POST /v1/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserInfo {
    /// Identifier.
    pub id: UserId,
    /// Sign-in name.
    pub name: String,
}

/// `POST /v1/sessions`: sign in with name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Sign-in name.
    pub name: String,
    /// Password.
    pub password: String,
}

/// `POST /v1/statements` with several statements. A single one is sent as the envelope itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementBatch<'a> {
    /// Envelopes, at most 1,000. Their exact bytes are logged.
    #[serde(borrow)]
    #[schema(value_type = Vec<crate::envelope::Envelope>)]
    pub statements: &'a RawValue,
}

/// Acknowledgement of a statement. A duplicate gets the first one again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledgement {
    /// Identifier.
    pub id: StatementId,
    /// Log index.
    pub log_index: u64,
    /// When the registry accepted it.
    pub accepted_at: Timestamp,
    /// Whether it had been accepted before.
    pub duplicate: bool,
    /// The receipt (C2SP tlog-proof), if one was asked for and the entry was published in time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipt: Option<String>,
}

/// One result of a batch, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchItem {
    /// Accepted.
    Accepted(Acknowledgement),
    /// Refused; the others are not affected.
    Refused {
        /// Why.
        problem: Problem,
    },
}

/// Answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    /// One result for each statement, in order.
    pub results: Vec<BatchItem>,
}

/// A statement as the log holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatementView {
    /// Identifier.
    pub id: StatementId,
    /// Log index.
    pub log_index: u64,
    /// When the registry accepted it.
    pub accepted_at: Timestamp,
    /// Kind.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// Who issued it: an organisation, or `registry`.
    pub issuer: String,
    /// Name of the issuer.
    pub issuer_name: String,
    /// The payload.
    pub statement: serde_json::Value,
    /// The exact envelope, as text.
    pub envelope: String,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Sha256Digest,
    /// Whether its issuer withdrew it.
    pub withdrawn: bool,
    /// Log index of the registry's observation of its content.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed_at_index: Option<u64>,
}

/// Answer to `PUT /v1/statements/{id}/content`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentReceipt {
    /// The statement.
    pub statement: StatementId,
    /// Log index of the registry's `content.observed`; absent when only a record was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed_at_index: Option<u64>,
    /// Whether fingerprints are searchable now. Uninformative pictures are found by their digests alone.
    pub searchable: bool,
    /// The picture's C2PA manifest, if the repository keeps it for copies that lost it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manifest: Option<ManifestId>,
}

/// `GET /v1/content/{sha256}`: statements that bind these bytes, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentStatements {
    /// The digest that was asked for.
    pub sha256: Sha256Digest,
    /// The statements; empty is an answer too.
    pub statements: Vec<ContentStatement>,
}

/// One statement that binds the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentStatement {
    /// The statement.
    pub id: StatementId,
    /// Kind.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// Log index.
    pub log_index: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The issuer.
    pub issuer: OrganisationId,
    /// The digest of the whole file is the same; otherwise only the bytes without the manifest are.
    pub whole_file: bool,
    /// Whether its issuer withdrew it.
    pub withdrawn: bool,
}

/// `GET /v1/labels/{producer}/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelRecords {
    /// Registered labels under this producer and number, oldest first.
    pub labels: Vec<LabelRecord>,
}

/// A registered label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelRecord {
    /// The statement.
    pub statement: StatementId,
    /// Log index.
    pub log_index: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The issuer.
    pub issuer: OrganisationId,
    /// The label that holds now, corrections included.
    pub label: OutputLabel,
    /// SHA-256 of the output.
    pub sha256: Sha256Digest,
    /// Whether the label was corrected since.
    pub corrected: bool,
    /// Whether its issuer withdrew it.
    pub withdrawn: bool,
}

/// What a picture's file tells about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InspectionReport {
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// SHA-256 of the file without its C2PA manifest.
    pub sha256_without_manifest: Sha256Digest,
    /// Media type.
    pub media_type: String,
    /// Width after orientation, in pixels.
    pub width: u32,
    /// Height after orientation, in pixels.
    pub height: u32,
    /// EXIF orientation as found, 1 to 8.
    pub orientation: u8,
    /// PDQ hash.
    pub pdq: Code256,
    /// PDQ quality, 0 to 100.
    pub pdq_quality: u8,
    /// ISCC Image-Code, 256 bits, in its text form.
    pub iscc: String,
    /// Labels found.
    pub labels: Vec<FoundLabel>,
    /// The C2PA report, if there is a manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub c2pa: Option<serde_json::Value>,
}

/// What a file tells about itself that is no picture: a video, a sound, a document. It is not decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MediaReport {
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// Media type.
    pub media_type: String,
    /// Labels found.
    pub labels: Vec<FoundLabel>,
    /// The C2PA report, as a picture's. Its state is `not_judged` where manifests of this kind of file, or hashes of this
    /// kind, are not judged here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub c2pa: Option<serde_json::Value>,
}

/// Answer to `POST /v1/inspections`; a picture's has a width and a height.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FileReport {
    /// A picture.
    Picture(InspectionReport),
    /// A video, a sound or a document.
    Media(MediaReport),
}

/// `POST /v1/checks` with fingerprints only, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FingerprintCheck {
    /// SHA-256 of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// SHA-256 of the file without its C2PA manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256_without_manifest: Option<Sha256Digest>,
    /// PDQ hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdq: Option<Code256>,
    /// PDQ quality, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdq_quality: Option<u8>,
    /// 16 x 16 gradient hash; counts beside PDQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhash: Option<Code256>,
    /// What is known about the claim.
    #[serde(default)]
    pub context: Context,
}

/// Answer to a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckResult {
    /// The check.
    pub id: CheckId,
    /// The verdict.
    pub verdict: Verdict,
    /// The same verdict in a DSSE envelope signed by the registry's verdict key, as text.
    pub envelope: String,
}
