//! Receipts: a checkpoint with the proof that the log holds an entry, verified offline (C2SP tlog-proof).

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    note::Note,
    policy::{Policy, PolicyError, VerifiedCheckpoint},
    proof::{self, ProofError},
    text::{self, LineError, Lines},
};
use crate::{Sha256Digest, base64};
use data_encoding::BASE64;
use std::fmt;

/// First line of a receipt.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// How the names of files with receipts end. The specification names no media type.
pub const FILE_EXTENSION: &str = ".tlog-proof";
/// Longest receipt in bytes: room for a note and for extra data of several entries' length.
pub const MAX_RECEIPT_BYTES: usize = 1 << 20;

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Data of the application, not authenticated. Empty data is written as none.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// Inclusion proof of RFC 6962 section 2.1.1, leaf's sibling first.
    pub hashes: Vec<Sha256Digest>,
    /// The log's checkpoint: the exact text of the note with its signatures.
    pub checkpoint: String,
}

/// Why a receipt is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than [`MAX_RECEIPT_BYTES`].
    #[error("the receipt has {0} bytes; at most {MAX_RECEIPT_BYTES} are accepted")]
    TooLong(usize),
    /// A line is malformed.
    #[error("not a receipt: {0}")]
    Line(#[from] LineError),
    /// What follows the proof is no checkpoint.
    #[error("the checkpoint in the receipt: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint does not satisfy the policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The tree does not hold the entry at that index.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl TlogProof {
    /// Reads a receipt in its one canonical form. Nothing is verified.
    ///
    /// # Errors
    /// [`ReceiptError`] if it is malformed or beyond the limits.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        if text.len() > MAX_RECEIPT_BYTES {
            return Err(ReceiptError::TooLong(text.len()));
        }
        let mut lines = Lines::new(text);
        lines.read("c2sp.org/tlog-proof@v1", |line| (line == HEADER).then_some(()))?;
        let mut line = lines.next("extra or index")?;
        let extra = match line.strip_prefix("extra ") {
            Some(data) => {
                let data = base64::decode(data).filter(|data| !data.is_empty());
                let data = data.ok_or(lines.error("extra data in base64"))?;
                line = lines.next("index")?;
                Some(data)
            }
            None => None,
        };
        let index = line.strip_prefix("index ").and_then(text::decimal);
        let index = index.ok_or(lines.error("index and a number in decimal"))?;
        let hashes = lines.hashes()?;
        let checkpoint = lines.rest().to_owned();
        parse_checkpoint(&checkpoint)?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// Whether the log holds the entry with this leaf hash: the checkpoint satisfies `policy`, and the proof leads
    /// from the leaf to its root.
    ///
    /// # Errors
    /// [`ReceiptError`] with what is wrong or missing.
    pub fn verify(
        &self,
        leaf_hash: &Sha256Digest,
        policy: &Policy,
    ) -> Result<VerifiedCheckpoint, ReceiptError> {
        let verified = policy.verify(self.checkpoint.as_bytes())?;
        let Checkpoint { size, root, .. } = &verified.checkpoint;
        proof::verify_inclusion(self.index, *size, leaf_hash, root, &self.hashes)?;
        Ok(verified)
    }
}

/// The form of a checkpoint with its signatures.
pub(super) fn parse_checkpoint(note: &str) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::parse(Note::parse(note.as_bytes())?.text())
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = self.extra.as_ref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        let mut hashes = String::new();
        self.hashes.iter().for_each(|hash| text::push_hash(&mut hashes, hash));
        write!(f, "index {}\n{hashes}\n{}", self.index, self.checkpoint)
    }
}
