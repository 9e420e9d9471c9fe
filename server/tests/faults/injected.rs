//! Faults that are injected between the publisher and what it stands on: the storage of tiles, the database's commits,
//! the witnesses.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
};
use touchstone_schema::{
    Sha256Digest,
    log::{checkpoint::Checkpoint, note::Note, proof::verify_consistency},
};
use touchstone_server::{
    log::{
        publisher::{WitnessError, Witnesses},
        storage::{Directory, Resource, Storage, StorageError},
        view::ViewError,
    },
    store::{CommitHook, StoreError, Work},
};

/// What is made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The commit of entries.
    Append,
    /// The commit that takes publication over.
    Claim,
    /// The commit that records a checkpoint.
    Publish,
    /// Keeping tiles.
    Keep,
    /// Replacing the checkpoint.
    Replace,
    /// Reading from storage.
    Read,
    /// Asking the witnesses.
    Cosign,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is done.
    NotPersisted,
    /// Some of it is done.
    InPart,
    /// All of it is done, and the answer is lost.
    Persisted,
}

/// The fault that comes next.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: Mutex<Option<(Step, Outcome)>>,
    /// What the witness has seen.
    witnessed: Mutex<(u64, Option<Sha256Digest>)>,
}

impl Faults {
    pub(crate) fn arm(&self, step: Step, outcome: Outcome) {
        *self.next.lock().unwrap() = Some((step, outcome));
    }

    /// Whether the fault has happened.
    pub(crate) fn happened(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }

    fn strikes(&self, step: Step, outcome: Outcome) -> bool {
        let mut next = self.next.lock().unwrap();
        let strikes = *next == Some((step, outcome));
        if strikes {
            *next = None;
        }
        strikes
    }

    /// Lets the witness believe that it saw another log.
    pub(crate) fn deceive_the_witness(&self, seen: (u64, Sha256Digest)) {
        *self.witnessed.lock().unwrap() = (seen.0, Some(seen.1));
    }
}

fn refused() -> io::Error {
    io::Error::other("injected")
}

/// A directory whose calls fail when they are told to.
#[derive(Debug)]
pub(crate) struct FaultyStorage {
    pub(crate) directory: Directory,
    pub(crate) faults: Arc<Faults>,
}

impl FaultyStorage {
    fn failed(path: &str, action: &'static str) -> StorageError {
        StorageError::Failed { path: path.to_owned(), action, cause: refused() }
    }
}

impl Storage for FaultyStorage {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StorageError> {
        if self.faults.strikes(Step::Read, Outcome::NotPersisted) {
            return Err(Self::failed(path, "read"));
        }
        self.directory.read(path)
    }

    fn keep(&self, resources: &[Resource]) -> Result<(), StorageError> {
        // A page without a full tile keeps nothing, and so cannot fail.
        let Some(first) = resources.first() else { return Ok(()) };
        let failed = Err(Self::failed(&first.path, "written"));
        if self.faults.strikes(Step::Keep, Outcome::NotPersisted) {
            return failed;
        }
        if self.faults.strikes(Step::Keep, Outcome::InPart) {
            self.directory.keep(&resources[..resources.len().div_ceil(2)])?;
            return failed;
        }
        self.directory.keep(resources)?;
        if self.faults.strikes(Step::Keep, Outcome::Persisted) { failed } else { Ok(()) }
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StorageError> {
        let failed = Err(Self::failed("checkpoint", "written"));
        if self.faults.strikes(Step::Replace, Outcome::NotPersisted) {
            return failed;
        }
        self.directory.replace_checkpoint(note)?;
        if self.faults.strikes(Step::Replace, Outcome::Persisted) { failed } else { Ok(()) }
    }

    fn remove_partial(&self, path: &str) {
        self.directory.remove_partial(path);
    }

    fn is_shared(&self) -> bool {
        self.directory.is_shared()
    }
}

impl CommitHook for Faults {
    fn before_commit(&self, work: Work) -> Result<(), StoreError> {
        self.around_commit(work, Outcome::NotPersisted)
    }

    fn after_commit(&self, work: Work) -> Result<(), StoreError> {
        self.around_commit(work, Outcome::Persisted)
    }
}

impl Faults {
    fn around_commit(&self, work: Work, outcome: Outcome) -> Result<(), StoreError> {
        let step = match work {
            Work::Append => Step::Append,
            Work::Claim => Step::Claim,
            Work::Publish => Step::Publish,
            Work::Beside => return Ok(()),
        };
        if self.strikes(step, outcome) {
            return Err(StoreError::Unavailable("injected".to_owned()));
        }
        Ok(())
    }
}

/// A witness that remembers what it saw, as a real one does, and signs nothing.
pub(crate) struct FaultyWitness(pub(crate) Arc<Faults>);

impl fmt::Debug for FaultyWitness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyWitness").finish_non_exhaustive()
    }
}

impl Witnesses for FaultyWitness {
    fn cosign(
        &mut self,
        note: Note,
        checkpoint: &Checkpoint,
        consistency: &dyn Fn(u64) -> Result<Vec<Sha256Digest>, ViewError>,
    ) -> Result<Note, WitnessError> {
        let silent = || Err(WitnessError::NoQuorum("injected".to_owned()));
        if self.0.strikes(Step::Cosign, Outcome::NotPersisted) {
            return silent();
        }
        let mut seen = self.0.witnessed.lock().unwrap();
        if let (old, Some(root)) = &*seen {
            let proof = consistency(*old).map_err(|error| WitnessError::NoQuorum(error.to_string()))?;
            verify_consistency(*old, root, checkpoint.size, &checkpoint.root, &proof)
                .map_err(|error| WitnessError::Conflict(format!("the witness saw another log: {error}")))?;
        }
        *seen = (checkpoint.size, Some(checkpoint.root));
        drop(seen);
        if self.0.strikes(Step::Cosign, Outcome::Persisted) { silent() } else { Ok(note) }
    }
}
