//! What a log sends to a witness and gets back (C2SP tlog-witness, `add-checkpoint`).

use super::{
    checkpoint::CheckpointError,
    note::{self, MAX_NOTE_BYTES, NoteError, NoteSignature},
    receipt::parse_checkpoint,
    text::{self, LineError, Lines, MAX_HASHES},
};
use crate::Sha256Digest;

/// Media type of the answer 409, whose body is the size that the witness knows, in decimal, and a newline.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";
/// Longest request in bytes: old size, proof and note.
pub const MAX_REQUEST_BYTES: usize = 32 + MAX_HASHES * 45 + MAX_NOTE_BYTES;

/// The body of a request to cosign a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint that the witness cosigned last; 0 if it knows none.
    pub old: u64,
    /// Consistency proof of RFC 6962 section 2.1.2; empty if `old` is 0.
    pub proof: Vec<Sha256Digest>,
    /// The new checkpoint: the exact text of the note with its signatures.
    pub checkpoint: String,
}

/// Why a request is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// Longer than [`MAX_REQUEST_BYTES`].
    #[error("the request has {0} bytes; at most {MAX_REQUEST_BYTES} are accepted")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("the request is not UTF-8")]
    Characters,
    /// A line is malformed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// What follows the proof is no checkpoint.
    #[error("the checkpoint in the request: {0}")]
    Checkpoint(#[from] CheckpointError),
}

impl AddCheckpoint {
    /// Reads a request in its one canonical form. Nothing is verified.
    ///
    /// # Errors
    /// [`AddCheckpointError`] if it is malformed or beyond the limits.
    pub fn parse(body: &[u8]) -> Result<Self, AddCheckpointError> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(AddCheckpointError::TooLong(body.len()));
        }
        let body = str::from_utf8(body).map_err(|_| AddCheckpointError::Characters)?;
        let mut lines = Lines::new(body);
        let old = lines.read("old and a tree size in decimal", |line| {
            line.strip_prefix("old ").and_then(text::decimal)
        })?;
        let proof = lines.hashes()?;
        let checkpoint = lines.rest().to_owned();
        parse_checkpoint(&checkpoint)?;
        Ok(Self { old, proof, checkpoint })
    }

    /// The body of the request.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = format!("old {}\n", self.old);
        self.proof.iter().for_each(|hash| text::push_hash(&mut body, hash));
        body.push('\n');
        body += &self.checkpoint;
        body.into_bytes()
    }
}

/// Reads the answer 200: one or more signature lines. Those of unknown keys are the caller's to pass over.
///
/// # Errors
/// [`NoteError`] if they are malformed or beyond the limits of a note.
pub fn parse_cosignatures(body: &[u8]) -> Result<Vec<NoteSignature>, NoteError> {
    if body.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong(body.len()));
    }
    let body = str::from_utf8(body).map_err(|_| NoteError::Characters)?;
    note::check_characters(body)?;
    note::parse_signatures(body, 1)
}
