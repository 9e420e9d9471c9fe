//! What witnesses cosigned last, held to the log: whoever is shown another past, or less, than others learns of it here.

use super::{
    finding::{AuditError, Finding},
    history,
    tree::Tree,
};
use crate::client::{Client, ClientError, ClientSettings};
use std::time::Duration;
use touchstone_schema::{
    Sha256Digest,
    log::{Checkpoint, CheckpointError, Note, Policy, SignatureError, note::MAX_NOTE_BYTES, policy::Witness},
};

/// Witnesses are asked in passing: one that does not answer is left out soon.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a witness tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What it gave is no checkpoint of a log of the policy.
    #[error("what it gave is no checkpoint of the log: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// It is a checkpoint of another log.
    #[error("what it gave is a checkpoint of {0:?}")]
    OtherLog(String),
    /// It did not cosign what it gave.
    #[error("it did not cosign what it gave: {0}")]
    Cosignature(#[from] SignatureError),
}

/// A checkpoint that a witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its note.
    pub note: String,
}

/// What a witness cosigned last of the log `origin`; none if it has no address or knows no such log.
///
/// # Errors
/// [`WitnessError`]: it says nothing about the log.
pub fn latest(witness: &Witness, policy: &Policy, origin: &str) -> Result<Option<Cosigned>, WitnessError> {
    let Some(url) = witness.url() else { return Ok(None) };
    let settings = ClientSettings {
        connect_timeout: PATIENCE,
        exchange_timeout: PATIENCE,
        retries: 0,
        ..ClientSettings::new(url, None)
    };
    let path = format!("/{}/checkpoint", Sha256Digest::of(origin.as_bytes()));
    let Some(bytes) = Client::new(&settings)?.file(path, MAX_NOTE_BYTES as u64)? else { return Ok(None) };
    let note = String::from_utf8_lossy(&bytes).into_owned();
    let checkpoint = history::signed(policy, &note)?;
    if checkpoint.origin != origin {
        return Err(WitnessError::OtherLog(checkpoint.origin));
    }
    Note::parse(&bytes).map_err(CheckpointError::from)?.verify(witness.key())?;
    Ok(Some(Cosigned { checkpoint, note }))
}

/// What a cosigned checkpoint says of the log that this auditor is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// It is of the same log.
    Agrees,
    /// It covers more entries than the log shows here. Witnesses cosign before a checkpoint is published, so this is
    /// wrong only if it stays so.
    Ahead,
    /// It is of another past.
    Wrong(Box<Finding>),
}

/// Holds a cosigned checkpoint to the tree under the log's own, whose note is `shown`.
///
/// # Errors
/// [`AuditError`] if the tree cannot be read.
pub fn compare(cosigned: &Cosigned, shown: &str, tree: &mut Tree<'_>) -> Result<Compared, AuditError> {
    let Checkpoint { size, root, .. } = cosigned.checkpoint;
    if size > tree.size() {
        return Ok(Compared::Ahead);
    }
    if tree.root(size)? == root {
        return Ok(Compared::Agrees);
    }
    let (earlier, later) = (cosigned.note.clone(), shown.to_owned());
    Ok(Compared::Wrong(Box::new(Finding::Forked {
        earlier_size: size,
        later_size: tree.size(),
        earlier,
        later,
    })))
}
