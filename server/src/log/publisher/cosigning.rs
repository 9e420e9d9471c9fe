//! Who signs checkpoints, and who cosigns them.

use super::super::view::ViewError;
use ed25519_dalek::SigningKey;
use std::fmt;
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    log::{
        checkpoint::Checkpoint,
        note::{Note, VerifierKey, VerifierKeyError},
    },
};

/// Signs the log's checkpoints.
pub struct CheckpointSigner {
    pub(super) key: SigningKey,
    pub(super) verifier: VerifierKey,
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointSigner").field("log", &self.verifier.name()).finish_non_exhaustive()
    }
}

impl CheckpointSigner {
    /// Signs for the log of that origin.
    ///
    /// # Errors
    /// [`VerifierKeyError`] if the origin cannot be the name of a key.
    pub fn new(origin: &str, key: SigningKey) -> Result<Self, VerifierKeyError> {
        let verifier = VerifierKey::ed25519(origin, PublicKey::from(&key))?;
        Ok(Self { key, verifier })
    }

    /// The key that checkpoints are verified with.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
}

/// Why the witnesses did not vouch.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Too few answered in time; nothing is published until they do.
    #[error("the witnesses' quorum was not reached: {0}")]
    NoQuorum(String),
    /// A witness cosigned more entries than the checkpoint has. Unless another server of this registry signed them
    /// meanwhile, the database is an older backup.
    #[error(
        "the witness {witness:?} cosigned {size} entries of this log, and this database never signed so many: it is an \
         older backup. Restore a newer one. Going on would sign two different logs"
    )]
    Ahead {
        /// Name of the witness in the policy.
        witness: String,
        /// Entries that it cosigned.
        size: u64,
    },
    /// A witness cosigned other entries than this log has.
    #[error("{0}")]
    Conflict(String),
}

/// Collects cosignatures.
pub trait Witnesses: fmt::Debug + Send {
    /// The note with the cosignatures that the policy asks for. `consistency` gives the proof from an older size.
    ///
    /// # Errors
    /// [`WitnessError`].
    fn cosign(
        &mut self,
        note: Note,
        checkpoint: &Checkpoint,
        consistency: &dyn Fn(u64) -> Result<Vec<Sha256Digest>, ViewError>,
    ) -> Result<Note, WitnessError>;

    /// Whether anybody is asked: then what is signed leaves the server before it is published.
    fn are_asked(&self) -> bool {
        true
    }
}

/// No witness is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwitnessed;

impl Witnesses for Unwitnessed {
    fn cosign(
        &mut self,
        note: Note,
        _: &Checkpoint,
        _: &dyn Fn(u64) -> Result<Vec<Sha256Digest>, ViewError>,
    ) -> Result<Note, WitnessError> {
        Ok(note)
    }

    fn are_asked(&self) -> bool {
        false
    }
}
