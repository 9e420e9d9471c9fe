//! What a witness cosigned, and whether the next checkpoint continues it.
//!
//! For each log there is one file: the checkpoint that was cosigned last, with the log's signatures and the cosignature.
//! It is on the disk before the cosignature is given away, and from the comparison to that moment the log is locked: no
//! two requests can both continue the same checkpoint.

use super::{WitnessError, WitnessKey};
use crate::{clock::Clock, files};
use data_encoding::HEXLOWER;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use touchstone_schema::{
    Sha256Digest,
    log::{
        checkpoint::Checkpoint,
        note::{Note, NoteSignature, SignatureError, VerifierKey},
        proof::{ProofError, verify_consistency},
        tree::empty_root,
        witness::{AddCheckpoint, AddCheckpointError},
    },
};

/// Where the records stand below the witness's directory.
const RECORDS: &str = "logs";
/// The file that a running witness holds locked.
const LOCK: &str = "lock";
/// A witness that is ending, and a program that is being started by one, hold the lock for a moment.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A witness of some logs.
#[derive(Debug)]
pub struct Witness {
    key: WitnessKey,
    clock: Arc<dyn Clock>,
    /// By origin.
    logs: BTreeMap<String, Log>,
    /// Held as long as the witness lives.
    _lock: File,
}

#[derive(Debug)]
struct Log {
    keys: Vec<VerifierKey>,
    path: PathBuf,
    /// Nothing while it must be read again, because a write failed and nobody knows how far it came.
    last: Mutex<Option<Record>>,
}

/// What was cosigned last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    size: u64,
    root: Sha256Digest,
    /// Signed by the log and by this witness; nothing as long as no checkpoint was cosigned.
    note: Option<String>,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The request cannot be read.
    #[error(transparent)]
    Malformed(#[from] AddCheckpointError),
    /// The old size lies beyond the checkpoint's.
    #[error("the old size {old} is larger than the checkpoint's size {new}")]
    Shrunk {
        /// The old size.
        old: u64,
        /// The checkpoint's.
        new: u64,
    },
    /// The witness does not watch this log.
    #[error("this witness does not know the log")]
    UnknownLog,
    /// No trusted key of the log vouches for the checkpoint.
    #[error("no trusted key of the log vouches for the checkpoint: {0}")]
    Untrusted(SignatureError),
    /// The old size is not that of the checkpoint that was cosigned last.
    #[error("this witness cosigned {0} entries last")]
    Moved(u64),
    /// The checkpoint does not continue what was cosigned.
    #[error("the checkpoint does not continue the one that was cosigned last: {0}")]
    Inconsistent(ProofError),
    /// The witness itself failed. Nothing was cosigned.
    #[error("the witness failed: {0}")]
    Failed(Box<dyn Error + Send + Sync>),
}

impl Witness {
    /// Opens the witness in `folder` for the logs with these keys; several keys of one log are all trusted.
    ///
    /// # Errors
    /// [`WitnessError`] if there is none, it runs already, or one of its records is damaged.
    pub fn open(folder: &Path, keys: Vec<VerifierKey>, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        let key = WitnessKey::open(folder)?;
        let lock = lock(folder)?;
        let records = folder.join(RECORDS);
        files::private_directory(&records).map_err(WitnessError::file(&records))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(WitnessError::file(folder))?;
        let mut logs: BTreeMap<String, Log> = BTreeMap::new();
        for log_key in keys {
            let origin = log_key.name().to_owned();
            let path = records.join(origin_hash(&origin));
            let log =
                logs.entry(origin).or_insert_with(|| Log { keys: Vec::new(), path, last: Mutex::default() });
            log.keys.push(log_key);
        }
        for (origin, log) in &logs {
            *log.last.lock() = Some(log.read(origin, &key)?);
        }
        Ok(Self { key, clock, logs, _lock: lock })
    }

    /// What policies know the witness by.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The origins of the logs that it watches.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Answers one request `add-checkpoint`: the cosignature, once it is recorded.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<NoteSignature, Refused> {
        let request = AddCheckpoint::parse(body)?;
        let malformed = |error| Refused::Malformed(AddCheckpointError::Checkpoint(error));
        let note = Note::parse(request.checkpoint.as_bytes()).map_err(|error| malformed(error.into()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(malformed)?;
        let log = self.logs.get(&checkpoint.origin).ok_or(Refused::UnknownLog)?;
        let vouching = log.vouching(&note)?;
        let signature = log.continued(&request, &checkpoint, &note, vouching, self)?;
        let Checkpoint { origin, size, root } = &checkpoint;
        tracing::info!(%origin, size, %root, "cosigned {size} entries of {origin}");
        Ok(signature)
    }

    /// The checkpoint that was cosigned last, of the log whose origin has this SHA-256 in lower-case hexadecimal.
    #[must_use]
    pub fn latest(&self, origin_hash: &str) -> Option<String> {
        let log = self.logs.iter().find(|(origin, _)| self::origin_hash(origin) == origin_hash);
        // Nothing is told while it is not known what the disk holds.
        log.and_then(|(_, log)| log.last.lock().as_ref()?.note.clone())
    }

    /// Seconds since 1970. A cosignature states a time, and zero is none (C2SP tlog-witness).
    fn seconds(&self) -> Result<u64, Refused> {
        let seconds = u64::try_from(self.clock.now().as_micros() / 1_000_000).unwrap_or(0);
        if seconds == 0 { Err(Refused::Failed("its clock stands before 1970".into())) } else { Ok(seconds) }
    }
}

impl Log {
    /// The log's own signatures. One that names a trusted key and is not its own refuses the whole note.
    fn vouching(&self, note: &Note) -> Result<Vec<NoteSignature>, Refused> {
        let mut vouching = Vec::new();
        for key in &self.keys {
            match note.verify(key) {
                Ok(_) => {
                    let own = note.signatures().iter().filter(|signature| key.is_named_by(signature));
                    vouching.extend(own.cloned());
                }
                Err(SignatureError::Missing) => {}
                Err(error @ SignatureError::Invalid) => return Err(Refused::Untrusted(error)),
            }
        }
        if vouching.is_empty() { Err(Refused::Untrusted(SignatureError::Missing)) } else { Ok(vouching) }
    }

    /// Compares, cosigns and records in one step.
    fn continued(
        &self,
        request: &AddCheckpoint,
        checkpoint: &Checkpoint,
        note: &Note,
        vouching: Vec<NoteSignature>,
        witness: &Witness,
    ) -> Result<NoteSignature, Refused> {
        let (old, new) = (request.old, checkpoint.size);
        if old > new {
            return Err(Refused::Shrunk { old, new });
        }
        let mut place = self.last.lock();
        let last = match place.take() {
            Some(last) => last,
            None => {
                self.read(&checkpoint.origin, &witness.key).map_err(|error| Refused::Failed(error.into()))?
            }
        };
        if let Err(refused) = follows(&last, request, checkpoint) {
            if matches!(refused, Refused::Inconsistent(_)) {
                let Checkpoint { origin, size, root } = checkpoint;
                tracing::warn!(%origin, size, %root, "{origin} signed {size} entries that do not continue {}", last.size);
            }
            *place = Some(last);
            return Err(refused);
        }
        // From here to the end an error leaves the place empty.
        let signature = witness.key.cosign(note.text(), witness.seconds()?);
        let kept = cosigned(note.text(), vouching, &signature)?;
        files::replace(&self.path, kept.as_bytes()).map_err(|error| Refused::Failed(error.into()))?;
        *place = Some(Record { size: new, root: checkpoint.root, note: Some(kept) });
        Ok(signature)
    }

    /// What the file says: nothing cosigned if there is none.
    fn read(&self, origin: &str, key: &WitnessKey) -> Result<Record, WitnessError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Record { size: 0, root: empty_root(), note: None });
            }
            Err(error) => return Err(WitnessError::file(&self.path)(error)),
        };
        let damaged = |reason: String| WitnessError::Record { path: self.path.clone(), reason };
        let note = Note::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| damaged(error.to_string()))?;
        if checkpoint.origin != origin {
            return Err(damaged("it is of another log".to_owned()));
        }
        note.verify(key.verifier()).map_err(|error| damaged(error.to_string()))?;
        Ok(Record { size: checkpoint.size, root: checkpoint.root, note: Some(note.to_string()) })
    }
}

/// Whether a checkpoint continues what was cosigned last, as the request's proof shows.
fn follows(last: &Record, request: &AddCheckpoint, checkpoint: &Checkpoint) -> Result<(), Refused> {
    if request.old != last.size {
        return Err(Refused::Moved(last.size));
    }
    let proof = &request.proof;
    verify_consistency(last.size, &last.root, checkpoint.size, &checkpoint.root, proof)
        .map_err(Refused::Inconsistent)
}

/// The note that is kept: what the log vouched for, and the cosignature.
fn cosigned(text: &str, vouching: Vec<NoteSignature>, signature: &NoteSignature) -> Result<String, Refused> {
    let failed = |error| Refused::Failed(Box::new(error));
    let mut note = Note::new(text, signature.clone()).map_err(failed)?;
    for own in vouching {
        note = note.with_signature(own).map_err(failed)?;
    }
    Ok(note.to_string())
}

fn origin_hash(origin: &str) -> String {
    HEXLOWER.encode(Sha256Digest::of(origin.as_bytes()).as_bytes())
}

fn lock(folder: &Path) -> Result<File, WitnessError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(WitnessError::file(&path))?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(cause)) => return Err(WitnessError::File { path, cause }),
        }
    }
    Err(WitnessError::Locked(folder.to_owned()))
}
