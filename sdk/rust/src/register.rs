//! Registering files: compute the bindings, build and sign the statement, submit, upload pixels or record.
//!
//! One [`Registrar`] serves many files and threads. A file's bytes are not kept between signing and uploading: they
//! are read again, and a file that changed meanwhile is refused.

use crate::{
    client::{Client, ClientError},
    entropy::{self, Entropy, EntropyError},
    files::{self, FileError, MAX_PICTURE_BYTES},
    log::receipt::{self, Named, ReceiptFault},
};
use ed25519_dalek::SigningKey;
use std::path::{Path, PathBuf};
use touchstone_inspect::{InspectError, InspectOptions};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    api::{Acknowledgement, BatchItem, ContentReceipt, ContentStatement, Scope},
    key::PublicKey,
    label::{FoundLabel, Gb45438Label, OutputLabel},
    log::Policy,
    problem::Problem,
    record::{RecordError, Tier, clean_file_name},
    statement::{ImageRegistered, Issuer, OutputLabelled, Statement, StatementError, View},
};

/// Most statements that are sent at once.
pub const MAX_BATCH: usize = 256;

/// What is said about a file.
#[derive(Debug, Clone)]
pub enum Claim {
    /// A merchant's picture.
    Picture {
        /// Where it belongs in a sale.
        view: View,
        /// The merchant's product reference. Public.
        product: Option<String>,
    },
    /// An AI vendor's output.
    Output {
        /// Its label.
        label: Box<OutputLabel>,
        /// Digests of the pictures that it was made from.
        parents: Vec<Sha256Digest>,
    },
}

/// What goes to the registry beside the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// The file: the registry observes everything itself.
    Pixels,
    /// Fingerprints computed here; the pixels stay at home.
    Record,
}

/// Why a file was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a usable picture.
    #[error(transparent)]
    Picture(#[from] InspectError),
    /// The registry gave no answer, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The statement breaks a rule.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The record cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No time or randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The token belongs to the operator, who registers nothing.
    #[error("the token is the operator's; use the token of the merchant or AI vendor")]
    NoOrganisation,
    /// The token does not allow to register.
    #[error("the token of {organisation} does not allow to register")]
    NotAllowed {
        /// Name of the token's organisation.
        organisation: String,
    },
    /// The key is not one of the organisation's.
    #[error(
        "the key with the fingerprint {fingerprint} is not registered for {organisation}, or was revoked"
    )]
    ForeignKey {
        /// Fingerprint of the key that was given, as `touchstone keygen` prints it.
        fingerprint: Sha256Digest,
        /// Name of the token's organisation.
        organisation: String,
    },
    /// The file's implicit label names another producer or number than the label that is to be registered.
    #[error("the file's own label names {found}, and not {given}")]
    OtherLabel {
        /// Producer and number in the file.
        found: String,
        /// Producer and number that were given.
        given: String,
    },
    /// The receipt that the registry gave proves nothing about the statement.
    #[error("the receipt of {id} does not hold: {fault}")]
    Receipt {
        /// The statement.
        id: StatementId,
        /// Why.
        #[source]
        fault: Box<ReceiptFault>,
    },
    /// The file changed between signing and uploading.
    #[error("{0} changed while it was being registered")]
    Changed(PathBuf),
}

/// What proves that a log holds a statement: together they are verified offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The envelope as it was logged.
    pub envelope: Vec<u8>,
    /// The receipt (C2SP tlog-proof).
    pub receipt: Vec<u8>,
}

/// A statement that is ready to be sent, and what follows it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The file.
    pub path: PathBuf,
    /// The signed envelope's bytes.
    pub envelope: Vec<u8>,
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    media_type: String,
    file_name: Option<String>,
    record: Option<Vec<u8>>,
    /// What people should know before they rely on the registered label.
    pub label_doubt: Option<LabelDoubt>,
}

/// How a registered label departs from the labels in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelDoubt {
    /// The file carries no label that says AI made or edited it.
    Missing,
    /// The file's implicit label names another producer or number.
    Differs,
}

/// How the file's labels depart from the label that is claimed; of another implicit label, its producer and number.
fn label_doubt(claim: &Claim, labels: &[FoundLabel]) -> Option<(LabelDoubt, Option<String>)> {
    let Claim::Output { label, .. } = claim else { return None };
    let mut found = labels.iter().filter(|found| found.discloses_ai()).peekable();
    if found.peek().is_none() {
        return Some((LabelDoubt::Missing, None));
    }
    let implicit: Vec<&Gb45438Label> = found.filter_map(|found| found.gb45438.as_ref()).collect();
    let same = |found: &&Gb45438Label| {
        found.content_producer == label.producer && found.produce_id == label.content_id
    };
    let first = implicit.first().filter(|_| !implicit.iter().any(same))?;
    Some((LabelDoubt::Differs, Some(numbered(&first.content_producer, &first.produce_id))))
}

/// A producer and its number of a content, for people.
fn numbered(producer: &str, number: &str) -> String {
    let shown = |text: &str| if text.is_empty() { "-".to_owned() } else { text.chars().take(128).collect() };
    format!("{} / {}", shown(producer), shown(number))
}

/// Registers files for one organisation with one key.
pub struct Registrar<'a> {
    client: &'a Client,
    entropy: &'a dyn Entropy,
    key: SigningKey,
    audience: String,
    log_key: String,
    organisation: OrganisationId,
    max_batch: usize,
    max_bytes: u64,
    inspecting: InspectOptions,
    reference: Option<Tier>,
    receipts: bool,
    other_labels: bool,
}

impl<'a> Registrar<'a> {
    /// Asks the registry who it is and whose token this is, and makes sure that `key` may sign for that
    /// organisation.
    ///
    /// # Errors
    /// [`RegisterError::NoOrganisation`], [`RegisterError::ForeignKey`], or [`RegisterError::Client`].
    pub fn new(client: &'a Client, key: SigningKey, entropy: &'a dyn Entropy) -> Result<Self, RegisterError> {
        let registry = client.registry()?;
        let caller = client.caller()?;
        let organisation = caller.organisation.ok_or(RegisterError::NoOrganisation)?;
        if !caller.scopes.contains(&Scope::Register) {
            return Err(RegisterError::NotAllowed { organisation: caller.name });
        }
        let public = PublicKey::from(&key);
        let known =
            caller.keys.iter().any(|info| info.public_key == public && info.revoked_at_index.is_none());
        if !known {
            let fingerprint = public.fingerprint();
            return Err(RegisterError::ForeignKey { fingerprint, organisation: caller.name });
        }
        let max_batch = usize::try_from(registry.max_batch).unwrap_or(MAX_BATCH).clamp(1, MAX_BATCH);
        let max_bytes = registry.max_upload_bytes.min(MAX_PICTURE_BYTES);
        let inspecting = crate::inspecting::options();
        Ok(Self {
            client,
            entropy,
            key,
            audience: registry.origin,
            log_key: registry.log_verifier_key,
            organisation,
            max_batch,
            max_bytes,
            inspecting,
            reference: None,
            receipts: false,
            other_labels: false,
        })
    }

    /// Has the registry keep this much of each picture; unless given, it depends on the view ([`Tier::usual`]).
    #[must_use]
    pub const fn keeping(mut self, reference: Option<Tier>) -> Self {
        self.reference = reference;
        self
    }

    /// Waits for each statement's receipt when it is submitted.
    #[must_use]
    pub const fn with_receipts(mut self, wanted: bool) -> Self {
        self.receipts = wanted;
        self
    }

    /// The registry's name, and the verifier key of its log as it states it itself.
    #[must_use]
    pub fn log(&self) -> (&str, &str) {
        (&self.audience, &self.log_key)
    }

    /// The receipt of an accepted statement, held to a policy and to what was signed here: the one that came with the
    /// acknowledgement, or the one that is there now. `now` is the present.
    ///
    /// # Errors
    /// [`RegisterError::Receipt`] if it does not hold or is of another entry; [`RegisterError::Client`]. The statement may
    /// stand all the same.
    pub fn evidence(
        &self,
        prepared: &Prepared,
        accepted: &Acknowledgement,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Evidence, RegisterError> {
        // Of one statement in two envelopes, the log holds the one that came first.
        let envelope = if accepted.duplicate {
            self.client.statement(&accepted.id)?.envelope.into_bytes()
        } else {
            prepared.envelope.clone()
        };
        let receipt = match &accepted.receipt {
            Some(receipt) => receipt.clone().into_bytes(),
            None => self.client.receipt_in_time(&accepted.id)?,
        };
        let Acknowledgement { id, log_index, accepted_at, .. } = *accepted;
        let named = Named { id, log_index, accepted_at };
        let signer = Some(PublicKey::from(&self.key));
        // The identifier follows from the own key and what it signed, so this is the own statement and no other.
        receipt::verify_named(&receipt, &envelope, policy, signer, now, named)
            .map_err(|fault| RegisterError::Receipt { id, fault: Box::new(fault) })?;
        Ok(Evidence { envelope, receipt })
    }

    /// Takes outputs whose own label names another producer or number, too: what is made from a labelled picture may keep
    /// that picture's label, as a file has one.
    #[must_use]
    pub const fn taking_other_labels(mut self, taking: bool) -> Self {
        self.other_labels = taking;
        self
    }

    /// Most statements that the registry takes at once, at most [`MAX_BATCH`].
    #[must_use]
    pub const fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// Reads the file at `path` and signs the statement about it. Nothing is sent.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub fn prepare(&self, path: &Path, claim: &Claim, upload: Upload) -> Result<Prepared, RegisterError> {
        let bytes = files::read(path, self.max_bytes)?;
        let (inspection, picture) = touchstone_inspect::inspect_picture(&bytes, &self.inspecting)?;
        drop(bytes);
        let doubt = label_doubt(claim, &inspection.labels);
        if let (Claim::Output { label, .. }, Some((LabelDoubt::Differs, Some(found)))) = (claim, &doubt)
            && !self.other_labels
        {
            let given = numbered(&label.producer, &label.content_id);
            return Err(RegisterError::OtherLabel { found: found.clone(), given });
        }
        let file_name = path.file_name().and_then(|name| clean_file_name(&name.to_string_lossy()));
        let (record, digest) = match upload {
            Upload::Pixels => (None, None),
            Upload::Record => {
                let view = match claim {
                    Claim::Picture { view, .. } => Some(*view),
                    Claim::Output { .. } => None,
                };
                let tier = self.reference.unwrap_or_else(|| Tier::usual(view));
                let salt = entropy::nonce(self.entropy)?;
                let record = inspection.record(&picture, tier, salt, file_name.clone());
                let record = record.map_err(InspectError::from)?;
                let (bytes, digest) = record.to_bytes()?;
                (Some(bytes), Some(digest))
            }
        };
        let content = inspection.bindings(digest);
        let media_type = content.media_type.clone();
        let body = match claim.clone() {
            Claim::Picture { view, product } => ImageRegistered { view, product, content }.into(),
            Claim::Output { label, parents } => OutputLabelled { label: *label, content, parents }.into(),
        };
        let statement = Statement {
            audience: self.audience.clone(),
            issuer: Issuer::Organisation(self.organisation),
            issued_at: self.entropy.now()?,
            nonce: entropy::nonce(self.entropy)?,
            body,
        };
        Ok(Prepared {
            path: path.to_owned(),
            envelope: statement.sign(&self.key)?,
            sha256: inspection.sha256,
            media_type,
            file_name,
            record,
            label_doubt: doubt.map(|(doubt, _)| doubt),
        })
    }

    /// The organisation's own statements about the same file that hold still, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn earlier(&self, prepared: &Prepared) -> Result<Vec<ContentStatement>, ClientError> {
        let mut statements = self.client.content(&prepared.sha256)?.statements;
        statements.retain(|found| found.issuer == self.organisation && found.whole_file && !found.withdrawn);
        Ok(statements)
    }

    /// Submits up to [`Registrar::max_batch`] statements: one result for each, in order.
    ///
    /// # Errors
    /// [`ClientError`] if none was answered.
    pub fn submit(
        &self,
        prepared: &[&Prepared],
    ) -> Result<Vec<Result<Acknowledgement, Box<Problem>>>, ClientError> {
        if let [one] = prepared {
            let answer = if self.receipts {
                self.client.submit_for_receipt(&one.envelope)
            } else {
                self.client.submit(&one.envelope)
            };
            return match answer {
                Ok(acknowledgement) => Ok(vec![Ok(acknowledgement)]),
                Err(ClientError::Problem(problem)) => Ok(vec![Err(problem)]),
                Err(error) => Err(error),
            };
        }
        let envelopes: Vec<&[u8]> = prepared.iter().map(|one| one.envelope.as_slice()).collect();
        let results = if self.receipts {
            self.client.submit_batch_for_receipts(&envelopes)?
        } else {
            self.client.submit_batch(&envelopes)?
        };
        Ok(results
            .into_iter()
            .map(|item| match item {
                BatchItem::Accepted(acknowledgement) => Ok(acknowledgement),
                BatchItem::Refused { problem } => Err(Box::new(problem)),
            })
            .collect())
    }

    /// Uploads what belongs to an accepted statement: the record, or else the pixels.
    ///
    /// # Errors
    /// [`RegisterError`]; the statement stands all the same, and the upload can be tried again.
    pub fn upload(
        &self,
        prepared: &Prepared,
        statement: &StatementId,
    ) -> Result<ContentReceipt, RegisterError> {
        if let Some(record) = &prepared.record {
            return Ok(self.client.put_record(statement, record)?);
        }
        let bytes = files::read(&prepared.path, self.max_bytes)?;
        if Sha256Digest::of(&bytes) != prepared.sha256 {
            return Err(RegisterError::Changed(prepared.path.clone()));
        }
        let name = prepared.file_name.as_deref();
        Ok(self.client.put_pixels(statement, &prepared.media_type, &bytes, name, self.reference)?)
    }
}
