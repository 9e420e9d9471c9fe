//! Receipts, verified offline: envelope, receipt and policy are all that is needed.

use super::audit::latest_acceptance;
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    envelope::{self, EnvelopeError, STATEMENT_TYPE},
    key::PublicKey,
    leaf::{self, InvalidLeaf},
    log::{Policy, ReceiptError, TlogProof, VerifiedCheckpoint, receipt::MAX_RECEIPT_BYTES},
    statement::{Statement, StatementError},
};

/// Why a receipt proves nothing about an envelope.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptFault {
    /// The receipt is malformed, or its proof or checkpoint does not hold.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// It does not say when the entry was accepted.
    #[error("the receipt's extra data is not the head of a log entry")]
    Extra(#[from] InvalidLeaf),
    /// The envelope is malformed.
    #[error("the envelope: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The payload is no statement.
    #[error("the statement: {0}")]
    Statement(#[from] StatementError),
    /// The statement was made for another registry than the one that logged it.
    #[error("the statement is meant for {audience:?}, the receipt is of the log {origin:?}")]
    Audience {
        /// What the statement says.
        audience: String,
        /// Name of the log.
        origin: String,
    },
    /// Accepted after the checkpoint over it was cosigned, or in the future.
    #[error(
        "the statement was accepted at {accepted_at}; the checkpoint over it was known by {latest} at the latest, an hour \
         of clock differences included"
    )]
    Future {
        /// Its acceptance time.
        accepted_at: Timestamp,
        /// The present or the earliest cosignature, and the slack.
        latest: Timestamp,
    },
    /// The receipt is of another entry than the registry named.
    #[error("the receipt is of another {what} than the registry named")]
    Other {
        /// What differs.
        what: &'static str,
    },
    /// Longer than any receipt, or no text.
    #[error("not a receipt: it is no text of at most {MAX_RECEIPT_BYTES} bytes")]
    Text,
    /// The key that was given did not sign.
    #[error("the statement is not signed with the key that was given")]
    Signer,
}

/// What a receipt proves.
#[derive(Debug, Clone)]
pub struct Proven {
    /// What was said.
    pub statement: Statement,
    /// Fingerprint of the key that the envelope names. A hint, unless [`Self::signer`] is there.
    pub key_hint: String,
    /// The key that signed, if it was given, and the statement's identifier.
    pub signer: Option<(PublicKey, StatementId)>,
    /// Index of the entry.
    pub log_index: u64,
    /// When the registry says that it accepted the statement.
    pub accepted_at: Timestamp,
    /// RFC 6962 leaf hash of the entry.
    pub leaf_hash: Sha256Digest,
    /// The checkpoint that covers the entry, with the witnesses that cosigned and when, in seconds since 1970.
    pub checkpoint: VerifiedCheckpoint,
}

impl Proven {
    /// The earliest time at which a witness had seen the log with the entry in it, in seconds since 1970.
    #[must_use]
    pub fn witnessed_at(&self) -> Option<u64> {
        self.checkpoint.witnesses.iter().map(|(_, time)| *time).min()
    }
}

/// What the registry said about an entry when it named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The statement's identifier.
    pub id: StatementId,
    /// Log index.
    pub log_index: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

/// As [`verify`], and that the receipt is of the entry that the registry named.
///
/// # Errors
/// [`ReceiptFault`] says what does not hold.
pub fn verify_named(
    receipt: &[u8],
    envelope: &[u8],
    policy: &Policy,
    signer: Option<PublicKey>,
    now: Timestamp,
    named: Named,
) -> Result<Proven, ReceiptFault> {
    let proven = verify(receipt, envelope, policy, signer, now)?;
    let other = |what| Err(ReceiptFault::Other { what });
    if proven.log_index != named.log_index {
        return other("log index");
    }
    if proven.accepted_at != named.accepted_at {
        return other("acceptance time");
    }
    // Without the key only the time in the identifier can be told.
    let same = match proven.signer {
        Some((_, id)) => id == named.id,
        None => StatementId::of_entry(named.accepted_at, &Sha256Digest([0; 32])).is_of_time_of(&named.id),
    };
    if same { Ok(proven) } else { other("identifier") }
}

/// Verifies that a log of the policy holds the statement in `envelope`, and who signed it if `signer` is given. `now` is
/// the present.
///
/// # Errors
/// [`ReceiptFault`] says what does not hold.
pub fn verify(
    receipt: &[u8],
    envelope: &[u8],
    policy: &Policy,
    signer: Option<PublicKey>,
    now: Timestamp,
) -> Result<Proven, ReceiptFault> {
    let receipt = str::from_utf8(receipt).ok().filter(|text| text.len() <= MAX_RECEIPT_BYTES);
    let receipt = receipt.ok_or(ReceiptFault::Text)?;
    let proof = TlogProof::parse(receipt)?;
    let head = proof.extra.as_deref().filter(|extra| extra.len() == leaf::HEADER).ok_or(InvalidLeaf)?;
    let data = [head, envelope].concat();
    let (accepted_at, _) = leaf::decode(&data)?;
    let leaf_hash = leaf::hash(&data);
    let checkpoint = proof.verify(&leaf_hash, policy)?;
    let latest = latest_acceptance(&checkpoint, now);
    if accepted_at > latest {
        return Err(ReceiptFault::Future { accepted_at, latest });
    }
    let opened = envelope::open(envelope, STATEMENT_TYPE)?;
    let statement = Statement::parse(&opened.payload)?;
    let origin = &checkpoint.checkpoint.origin;
    if statement.audience != *origin {
        return Err(ReceiptFault::Audience { audience: statement.audience, origin: origin.clone() });
    }
    let signer = match signer {
        Some(key) if opened.verifies(&key) => {
            Some((key, StatementId::of_entry(accepted_at, &opened.deduplication_key(&key))))
        }
        Some(_) => return Err(ReceiptFault::Signer),
        None => None,
    };
    Ok(Proven {
        statement,
        key_hint: opened.keyid,
        signer,
        log_index: proof.index,
        accepted_at,
        leaf_hash,
        checkpoint,
    })
}
