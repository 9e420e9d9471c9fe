//! What an audit has verified, so that a later one goes on from there.
//!
//! Two files: FILE holds all that is small, as JSON under its own digest, and is replaced in one step; FILE.entries grows
//! by 104 bytes for each entry and is written before it. What stands in it beyond what FILE counts was left by an
//! interruption and is dropped. Whoever has the state open holds a lock on FILE.lock.

use super::{
    finding::{Finding, HistoryFault},
    replay::{RECORD_BYTES, Replay, Snapshot},
};
use crate::entropy::Stopwatch;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use touchstone_schema::{
    Sha256Digest,
    log::{Checkpoint, Frontier, Note, Policy},
};

/// Findings that are kept; more are counted only.
const MAX_FINDINGS: usize = 1_000;
/// Signed evidence against the log that is kept, beside the other findings.
const MAX_PROOFS: usize = 100;
/// Form of the file.
const VERSION: u32 = 2;
/// How often a long audit is written down.
const OFTEN: Duration = Duration::from_secs(10);

/// Why the state cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system refuses it.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not what an audit wrote.
    #[error("{path} is not the state of an audit, or is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Written by another version of this program.
    #[error(
        "{path} was written by another version (form {found}, not {VERSION}): its entries must be verified again"
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u32,
    },
    /// Another process has it open.
    #[error("{path} is in use by another audit or monitor")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint in the state is not signed by a log of the policy.
    #[error("the checkpoint in the state is none of a log of the policy: {reason}")]
    OtherPolicy {
        /// Why.
        reason: String,
    },
    /// What was verified is not what the checkpoint in the state covers.
    #[error("the hashes in the state are not those under its own checkpoint")]
    Contradiction,
    /// The state of another log.
    #[error("the state is of the log {state:?}; the checkpoint is of {checkpoint:?}")]
    OtherLog {
        /// Origin in the state.
        state: String,
        /// Origin of the checkpoint.
        checkpoint: String,
    },
    /// The state was made with another key of the operator.
    #[error("the log began with another operator's key than the one given")]
    OtherOperator,
    /// Statements cannot be judged when those before them were not.
    #[error("the state was made without looking at statements; use another file, or begin again")]
    HashesOnly,
}

/// How far a log was verified.
#[derive(Debug, Clone)]
pub struct State {
    /// The log's name; none before the first checkpoint.
    pub origin: Option<String>,
    /// The largest signed checkpoint that was found consistent: the note.
    pub checkpoint: Option<String>,
    /// The entries that were verified.
    pub frontier: Frontier,
    /// The registry after those entries; none if only hashes are verified.
    pub replay: Option<Replay>,
    /// Size of the largest checkpoint of the published history that was verified.
    pub history: u64,
    /// Entries before this index were shown to the monitor's rules.
    pub watched: u64,
    /// Entries that broke a rule.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub finding_count: u64,
    /// What the log itself signed and cannot have signed rightly: it stays wrong whatever comes later.
    pub proofs: Vec<Finding>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    origin: Option<String>,
    checkpoint: Option<String>,
    size: u64,
    frontier: Vec<Sha256Digest>,
    replay: Option<Snapshot>,
    history: u64,
    watched: u64,
    findings: Vec<Finding>,
    finding_count: u64,
    proofs: Vec<Finding>,
}

/// What stands in FILE: the state as text, and its digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    version: u32,
    sha256: Sha256Digest,
    #[serde(borrow)]
    state: &'a RawValue,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl State {
    /// Nothing verified yet. With `statements`, entries are looked into.
    #[must_use]
    pub fn new(statements: bool) -> Self {
        Self {
            origin: None,
            checkpoint: None,
            frontier: Frontier::new(),
            // The origin is filled in with the first checkpoint.
            replay: statements.then(|| Replay::new("", None)),
            history: 0,
            watched: 0,
            findings: Vec::new(),
            finding_count: 0,
            proofs: Vec::new(),
        }
    }

    /// Number of entries verified.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(super) fn remember(&mut self, finding: Finding) {
        self.finding_count += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// Keeps what the log signed against itself: two pasts, and a history of another tree. Anything else may be the fault
    /// of whoever stores the files, and is not kept: a copy can be old, and lines of a note can be cut. Tells whether it
    /// was new.
    pub fn keep_proof(&mut self, finding: &Finding, policy: &Policy) -> bool {
        let signed = |note: &str| super::history::signed(policy, note).is_ok();
        let signed = match finding {
            Finding::Forked { earlier, later, .. } => signed(earlier) && signed(later),
            // How the history is served is nobody's signed word; which root stands in it is.
            Finding::History { note, fault: HistoryFault::Root, .. } => signed(note),
            _ => false,
        };
        if !signed || self.proofs.len() >= MAX_PROOFS || self.proofs.contains(finding) {
            return false;
        }
        self.proofs.push(finding.clone());
        true
    }
}

/// The checkpoint in a note, unverified.
fn opened(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note.as_bytes()).ok()?.text()).ok()
}

/// Where a state is kept.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Records that were written.
    records: u64,
    last: Stopwatch,
    /// Held as long as this is.
    _lock: File,
}

impl StateFile {
    /// The file at `path`, and what it holds if it is there. No other process opens it as long as this is held.
    ///
    /// # Errors
    /// [`StateError`] if it is there and cannot be used, or was made without statements that are wanted now.
    pub fn open(path: &Path, statements: bool) -> Result<(Self, State), StateError> {
        let mut file =
            Self { path: path.to_owned(), records: 0, last: Stopwatch::start(), _lock: lock(path)? };
        let state = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::new(statements),
            Err(source) => return Err(file.io(path, source)),
            Ok(bytes) => file.read(&bytes)?,
        };
        match (&state.replay, statements) {
            (None, true) => Err(StateError::HashesOnly),
            _ => Ok((file, state)),
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<State, StateError> {
        let damaged = |reason: String| StateError::Damaged { path: self.path.clone(), reason };
        let unreadable = |error: serde_json::Error| damaged(error.to_string());
        let Versioned { version: found } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if found != VERSION {
            return Err(StateError::OtherVersion { path: self.path.clone(), found });
        }
        let sealed: Sealed<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
        if Sha256Digest::of(sealed.state.get().as_bytes()) != sealed.sha256 {
            return Err(damaged("it does not have the digest written down".to_owned()));
        }
        let written: Written = serde_json::from_str(sealed.state.get()).map_err(unreadable)?;
        let frontier = Frontier::from_nodes(written.size, written.frontier);
        let frontier = frontier.map_err(|error| damaged(error.to_string()))?;
        let covered = written.checkpoint.as_deref().and_then(opened).map_or(0, |checkpoint| checkpoint.size);
        if frontier.size().max(written.watched) > covered || written.watched > frontier.size() {
            return Err(damaged("it counts more entries than its checkpoint".to_owned()));
        }
        let replay = match written.replay {
            None => None,
            Some(snapshot) => {
                let entries = self.entries();
                let length = snapshot.records * RECORD_BYTES as u64;
                let records = read_exactly(&entries, length).map_err(|source| self.io(&entries, source))?;
                self.records = snapshot.records;
                if snapshot.records != frontier.size() {
                    return Err(damaged("it counts other entries than it verified".to_owned()));
                }
                let replay = Replay::restore(snapshot, &records);
                let reason = "its records do not have the digest written down".to_owned();
                Some(replay.ok_or(StateError::Damaged { path: entries, reason })?)
            }
        };
        Ok(State {
            origin: written.origin,
            checkpoint: written.checkpoint,
            frontier,
            replay,
            history: written.history,
            watched: written.watched,
            findings: written.findings,
            finding_count: written.finding_count,
            proofs: written.proofs,
        })
    }

    fn entries(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".entries");
        name.into()
    }

    fn io(&self, path: &Path, source: io::Error) -> StateError {
        StateError::Io { path: path.to_owned(), source }
    }

    /// Writes the state if the last time was a while ago.
    ///
    /// # Errors
    /// [`StateError::Io`]; what was written before is still there.
    pub fn keep_sometimes(&mut self, state: &State) -> Result<(), StateError> {
        if self.last.elapsed() < OFTEN { Ok(()) } else { self.keep(state) }
    }

    /// Writes the state. When this returns it is on the disk.
    ///
    /// # Errors
    /// [`StateError::Io`]; what was written before is still there.
    pub fn keep(&mut self, state: &State) -> Result<(), StateError> {
        let entries = self.entries();
        if let Some(replay) = &state.replay {
            append(&entries, self.records, &replay.records_from(self.records))
                .map_err(|source| self.io(&entries, source))?;
            if self.records == 0 {
                sync_folder(&entries).map_err(|source| self.io(&entries, source))?;
            }
        }
        let written = Written {
            origin: state.origin.clone(),
            checkpoint: state.checkpoint.clone(),
            size: state.size(),
            frontier: state.frontier.nodes().to_vec(),
            replay: state.replay.as_ref().map(Replay::snapshot),
            history: state.history,
            watched: state.watched,
            findings: state.findings.clone(),
            finding_count: state.finding_count,
            proofs: state.proofs.clone(),
        };
        let bytes = sealed(&written)
            .map_err(|error| StateError::Damaged { path: self.path.clone(), reason: error.to_string() })?;
        replace(&self.path, &bytes).map_err(|source| self.io(&self.path, source))?;
        self.records = state.replay.as_ref().map_or(0, Replay::size);
        self.last = Stopwatch::start();
        Ok(())
    }
}

fn sealed(written: &Written) -> serde_json::Result<Vec<u8>> {
    let state = serde_json::value::to_raw_value(written)?;
    let sha256 = Sha256Digest::of(state.get().as_bytes());
    serde_json::to_vec(&Sealed { version: VERSION, sha256, state: &state })
}

/// Two processes that write one state would lose each other's findings and alerts. The lock goes with its process,
/// however that ends; the file stays, because whoever removed it could remove the one that another process holds.
/// A process that is ending, and one that is being started by the holder, hold the lock for a moment.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

fn lock(path: &Path) -> Result<File, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let failed = |source| StateError::Io { path: name.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(StateError::InUse { path: path.to_owned() })
}

fn read_exactly(path: &Path, length: u64) -> io::Result<Vec<u8>> {
    if length == 0 {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn append(path: &Path, records: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let start = records * RECORD_BYTES as u64;
    if file.metadata()?.len() < start {
        // Filled up with zeros it would look whole.
        return Err(io::Error::other("it was cut while it was in use"));
    }
    file.set_len(start)?;
    file.seek(SeekFrom::Start(start))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let staged = PathBuf::from(staged);
    let mut file = File::create(&staged)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&staged, path)?;
    sync_folder(path)
}

/// Makes a new or renamed file's name last.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Elsewhere folders cannot be opened; the rename is all that can be had there.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
