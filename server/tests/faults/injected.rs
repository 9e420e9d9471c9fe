//! Faults that are injected between the publisher and what it stands on: the storage of tiles, the database's commits,
//! the witnesses.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use touchstone_schema::{
    Sha256Digest,
    log::{checkpoint::Checkpoint, note::Note, proof::verify_consistency, tree::empty_root},
};
use touchstone_server::{
    log::{
        publisher::{WitnessError, Witnesses},
        storage::{Resource, Storage, StorageError, StoredCheckpoint},
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
    /// The commit that notes what is about to be signed.
    Sign,
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
    /// The thread dies before anything is done.
    Panic,
}

/// The fault that comes next.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: Mutex<Option<(Step, Outcome)>>,
    /// What the witness has seen.
    witnessed: Mutex<(u64, Option<Sha256Digest>)>,
    /// Every tree that was sent to it, signed, but the empty one.
    sent: Mutex<Vec<(u64, Sha256Digest)>>,
    silent: AtomicBool,
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

    /// Every tree that left the server with a signature.
    pub(crate) fn sent(&self) -> Vec<(u64, Sha256Digest)> {
        self.sent.lock().unwrap().clone()
    }

    /// What the witness cosigned last.
    pub(crate) fn witnessed(&self) -> u64 {
        self.witnessed.lock().unwrap().0
    }

    /// Whether the witness answers nothing.
    pub(crate) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    /// Lets the witness believe that it saw another log.
    pub(crate) fn deceive_the_witness(&self, seen: (u64, Sha256Digest)) {
        *self.witnessed.lock().unwrap() = (seen.0, Some(seen.1));
    }
}

fn refused() -> io::Error {
    io::Error::other("injected")
}

/// A storage whose calls fail when they are told to.
#[derive(Debug)]
pub(crate) struct FaultyStorage {
    pub(crate) kept_in: Arc<dyn Storage>,
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
        self.kept_in.read(path)
    }

    fn keep(&self, resources: &[Resource]) -> Result<(), StorageError> {
        // A page without a full tile keeps nothing, and so cannot fail.
        let Some(first) = resources.first() else { return Ok(()) };
        let failed = Err(Self::failed(&first.path, "written"));
        assert!(!self.faults.strikes(Step::Keep, Outcome::Panic), "injected panic");
        if self.faults.strikes(Step::Keep, Outcome::NotPersisted) {
            return failed;
        }
        if self.faults.strikes(Step::Keep, Outcome::InPart) {
            self.kept_in.keep(&resources[..resources.len().div_ceil(2)])?;
            return failed;
        }
        self.kept_in.keep(resources)?;
        if self.faults.strikes(Step::Keep, Outcome::Persisted) { failed } else { Ok(()) }
    }

    fn replace_checkpoint(&self, next: &StoredCheckpoint<'_>) -> Result<(), StorageError> {
        let failed = Err(Self::failed("checkpoint", "written"));
        if self.faults.strikes(Step::Replace, Outcome::NotPersisted) {
            return failed;
        }
        self.kept_in.replace_checkpoint(next)?;
        if self.faults.strikes(Step::Replace, Outcome::Persisted) { failed } else { Ok(()) }
    }

    fn partial_forms(&self, path: &str) -> Vec<String> {
        self.kept_in.partial_forms(path)
    }

    fn remove_partial(&self, paths: &[String]) {
        self.kept_in.remove_partial(paths);
    }

    fn is_shared(&self) -> bool {
        self.kept_in.is_shared()
    }
}

/// A bucket that every server of a registry sees. It ignores conditions of writes, as some do, and may let the write of a
/// checkpoint arrive late.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    delayed: Mutex<Option<Vec<u8>>>,
    delays: AtomicBool,
    pub(crate) listed: AtomicUsize,
    pub(crate) removals: AtomicUsize,
}

impl Bucket {
    pub(crate) fn object(&self, path: &str) -> Option<Vec<u8>> {
        self.objects.lock().unwrap().get(path).cloned()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.objects.lock().unwrap().insert(path.to_owned(), bytes);
    }

    /// The next write of a checkpoint seems to fail, and arrives when [`Self::arrive`] says so.
    pub(crate) fn delay(&self) {
        self.delays.store(true, Ordering::SeqCst);
    }

    /// Whether the write that was delayed is under way; now it arrives.
    pub(crate) fn arrive(&self) -> bool {
        let delayed = self.delayed.lock().unwrap().take();
        delayed.map(|note| self.put("checkpoint", note)).is_some()
    }

    pub(crate) fn is_delaying(&self) -> bool {
        self.delayed.lock().unwrap().is_some()
    }
}

impl Storage for Bucket {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.object(path))
    }

    fn keep(&self, resources: &[Resource]) -> Result<(), StorageError> {
        let mut objects = self.objects.lock().unwrap();
        for Resource { path, bytes } in resources {
            if objects.entry(path.clone()).or_insert_with(|| bytes.clone()) != bytes {
                return Err(StorageError::Differs(path.clone()));
            }
        }
        Ok(())
    }

    fn replace_checkpoint(&self, next: &StoredCheckpoint<'_>) -> Result<(), StorageError> {
        if self.delays.swap(false, Ordering::SeqCst) {
            *self.delayed.lock().unwrap() = Some(next.note.to_vec());
            return Err(FaultyStorage::failed("checkpoint", "written"));
        }
        self.put("checkpoint", next.note.to_vec());
        Ok(())
    }

    fn partial_forms(&self, path: &str) -> Vec<String> {
        self.listed.fetch_add(1, Ordering::SeqCst);
        let folder = format!("{path}.p/");
        self.names().into_iter().filter(|name| name.starts_with(&folder)).collect()
    }

    fn remove_partial(&self, paths: &[String]) {
        self.removals.fetch_add(1, Ordering::SeqCst);
        self.objects.lock().unwrap().retain(|path, _| !paths.contains(path));
    }

    fn is_shared(&self) -> bool {
        true
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
            Work::Sign => Step::Sign,
            Work::Publish => Step::Publish,
            Work::Beside => return Ok(()),
        };
        assert!(outcome != Outcome::NotPersisted || !self.strikes(step, Outcome::Panic), "injected panic");
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
        if self.0.silent.load(Ordering::SeqCst) || self.0.strikes(Step::Cosign, Outcome::NotPersisted) {
            return silent();
        }
        // Every log continues the empty tree.
        if (checkpoint.size, checkpoint.root) != (0, empty_root()) {
            self.0.sent.lock().unwrap().push((checkpoint.size, checkpoint.root));
        }
        let mut seen = self.0.witnessed.lock().unwrap();
        if seen.0 > checkpoint.size {
            return Err(WitnessError::Ahead { witness: "the witness".to_owned(), size: seen.0 });
        }
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
