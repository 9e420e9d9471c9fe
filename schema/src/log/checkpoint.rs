//! Checkpoints: signed tree heads as notes (C2SP tlog-checkpoint).

use super::{
    note::{self, Note, NoteError, SignatureError, VerifierKey},
    text::{self, LineError, Lines},
};
use crate::Sha256Digest;
use data_encoding::BASE64;
use ed25519_dalek::SigningKey;

/// A log's tree head.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Identity of the log: one non-empty line, best its URL without the scheme.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root hash of RFC 6962 section 2.1.
    pub root: Sha256Digest,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note's text is not that of a checkpoint.
    #[error("not a checkpoint: {0}")]
    Line(#[from] LineError),
    /// Another log's.
    #[error("the checkpoint is of {found:?}, not of {expected:?}")]
    Origin {
        /// The log wanted.
        expected: String,
        /// The log found.
        found: String,
    },
    /// The log's key does not vouch for it.
    #[error("the log's key {name:?}: {error}")]
    Signature {
        /// Name of the key.
        name: String,
        /// What is wrong.
        error: SignatureError,
    },
}

impl Checkpoint {
    /// Reads the text of a note, final newline included. Extension lines are passed over; they stay in the note.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is not the canonical text of a checkpoint.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        note::check_characters(text)?;
        let mut lines = Lines::new(text);
        let origin = lines.read("the origin", |line| (!line.is_empty()).then_some(line))?.to_owned();
        let size = lines.read("the tree size in decimal", text::decimal)?;
        let root = lines.read("the root hash in base64", text::hash)?;
        while !lines.rest().is_empty() {
            lines.read("a non-empty extension line", |line| (!line.is_empty()).then_some(()))?;
        }
        Ok(Self { origin, size, root })
    }

    /// The text of the note: three lines, each with its newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }
}

/// Signs a checkpoint with the log's key, whose name is the origin. Never sign one that an earlier one contradicts.
///
/// # Errors
/// [`CheckpointError`] if the origin cannot stand in a checkpoint or as the name of a key.
pub fn sign_checkpoint(checkpoint: &Checkpoint, key: &SigningKey) -> Result<Note, CheckpointError> {
    let text = checkpoint.to_text();
    // An origin with a newline would make another checkpoint than this one.
    if Checkpoint::parse(&text)? != *checkpoint {
        return Err(LineError { line: 1, expected: "an origin of one line" }.into());
    }
    Ok(Note::new(&text, note::sign(&text, &checkpoint.origin, key))?)
}

/// Opens a checkpoint of `log`: a note whose origin is the key's name and that the key has signed.
///
/// # Errors
/// [`CheckpointError`] if it is malformed, another log's or not signed by this key.
pub fn open_checkpoint(note: &[u8], log: &VerifierKey) -> Result<(Checkpoint, Note), CheckpointError> {
    let note = Note::parse(note)?;
    let checkpoint = Checkpoint::parse(note.text())?;
    if checkpoint.origin != log.name() {
        let (expected, found) = (log.name().to_owned(), checkpoint.origin);
        return Err(CheckpointError::Origin { expected, found });
    }
    note.verify(log).map_err(|error| CheckpointError::Signature { name: log.name().to_owned(), error })?;
    Ok((checkpoint, note))
}
