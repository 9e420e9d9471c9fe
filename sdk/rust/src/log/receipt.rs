//! Receipts, verified offline: envelope, receipt and policy are all that is needed.

use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    envelope::{self, EnvelopeError, STATEMENT_TYPE},
    key::PublicKey,
    leaf::{self, InvalidLeaf},
    log::{Policy, ReceiptError, TlogProof, VerifiedCheckpoint},
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

/// Verifies that a log of the policy holds the statement in `envelope`, and who signed it if `signer` is given.
///
/// # Errors
/// [`ReceiptFault`] says what does not hold.
pub fn verify(
    receipt: &str,
    envelope: &[u8],
    policy: &Policy,
    signer: Option<PublicKey>,
) -> Result<Proven, ReceiptFault> {
    let proof = TlogProof::parse(receipt)?;
    let head = proof.extra.as_deref().filter(|extra| extra.len() == leaf::HEADER).ok_or(InvalidLeaf)?;
    let data = [head, envelope].concat();
    let (accepted_at, _) = leaf::decode(&data)?;
    let leaf_hash = leaf::hash(&data);
    let checkpoint = proof.verify(&leaf_hash, policy)?;
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
