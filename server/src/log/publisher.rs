//! Publication: from what the database committed to what anyone can verify.
//!
//! One round: (1) derive tiles and bundles from the committed entries and keep them, (2) sign the checkpoint, (3) collect
//! the witnesses' cosignatures, (4) record it in the database by compare and swap, (5) replace the stored checkpoint, and
//! only then answer with it. After any error everything in memory is dropped and the next round begins from the
//! database, as after a crash. Whatever would make the log contradict what it signed before halts it.

use super::{
    edge::{Edge, EdgeError},
    storage::{CHECKPOINT, StorageError},
    view::{Published, View, ViewError},
};
use crate::{
    clock::{Clock, Deadline},
    store::{CheckpointRow, LogHead, Store, StoreError},
};
use ed25519_dalek::SigningKey;
use std::{
    error::Error,
    fmt, io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    log::{
        checkpoint::{Checkpoint, open_checkpoint, sign_checkpoint},
        note::{Note, VerifierKey, VerifierKeyError},
        tile::Tile,
        tree::empty_root,
    },
};

/// Entries that are read from the database and derived at a time.
const PAGE: u32 = 4_096;
/// Checkpoints that are read at a time.
const CHECKPOINT_PAGE: u32 = 1_000;
/// How often the database is asked whether another server appended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between attempts after an error.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Entries after which a long derivation says how far it is.
const PROGRESS_EVERY: u64 = 1_000_000;

/// Rules of publication.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Shortest time between two checkpoints.
    pub interval: Duration,
    /// How long another server may publish nothing before this one takes over.
    pub takeover: Duration,
}

/// Signs the log's checkpoints.
pub struct CheckpointSigner {
    key: SigningKey,
    verifier: VerifierKey,
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
    /// A witness cosigned more entries than the checkpoint has. Unless another server of this registry appended them
    /// meanwhile, the database is an older backup.
    #[error(
        "the witness {witness:?} cosigned {size} entries of this log, and this database has fewer: it is an older \
         backup. Restore a newer one. Going on would sign two different logs"
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
}

/// Why a round did not publish.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Going on would contradict what was signed: an operator must look.
    #[error("{0}")]
    Halt(String),
    /// It may go better next time.
    #[error("{0}")]
    Failed(Box<dyn Error + Send + Sync>),
}

impl PublishError {
    fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(_) => Self::Halt(format!("the database of the log is damaged: {error}")),
            _ => Self::failed(error),
        }
    }
}

impl From<StorageError> for PublishError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Differs(_) => Self::Halt(error.to_string()),
            StorageError::Failed { .. } => Self::failed(error),
        }
    }
}

/// Derives, signs and publishes. There is one in each server; the database lets one of them publish at a time.
#[derive(Debug)]
pub struct Publisher {
    store: Store,
    view: Arc<View>,
    clock: Arc<dyn Clock>,
    signer: CheckpointSigner,
    witnesses: Box<dyn Witnesses>,
    rhythm: Rhythm,
    /// The fencing number under which this server may publish.
    epoch: u64,
    /// How long another server has left this many published entries as they are.
    stalled: Option<(u64, Duration)>,
    /// Entries whose tiles are kept, partial ones included, and entries that the stored checkpoint covers.
    kept: u64,
    stored: u64,
    /// Trees that were signed: whatever is derived again must pass through them. Smallest first.
    signed: Vec<(u64, Sha256Digest)>,
}

impl Publisher {
    /// Compares database and storage, claims publication and publishes what is committed.
    ///
    /// # Errors
    /// [`PublishError::Halt`] if database, storage or witnesses contradict each other: a restored backup, another
    /// registry's files, damage.
    pub fn open(
        store: Store,
        view: Arc<View>,
        clock: Arc<dyn Clock>,
        signer: CheckpointSigner,
        witnesses: Box<dyn Witnesses>,
        rhythm: Rhythm,
    ) -> Result<(Self, Edge), PublishError> {
        let mut publisher = Self {
            store,
            view,
            clock,
            signer,
            witnesses,
            rhythm,
            epoch: 0,
            stalled: None,
            kept: 0,
            stored: 0,
            signed: Vec::new(),
        };
        let edge = publisher.reload()?;
        publisher.epoch = publisher.claim()?;
        // Without a quorum of witnesses a registry still starts: what is published stays readable.
        let before = publisher.head()?.published_size;
        let edge = match publisher.round(edge) {
            Ok(edge) => edge,
            Err(PublishError::Failed(error)) => {
                tracing::warn!("the log is not published yet: {error}");
                return publisher.reload().map(|edge| (publisher, edge));
            }
            Err(halt) => return Err(halt),
        };
        if publisher.view.published_size() == before {
            publisher.confirm(&edge)?;
        }
        Ok((publisher, edge))
    }

    /// Runs until [`View::stop`] on a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn spawn(self, edge: Edge) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("publisher".to_owned()).spawn(move || self.run(edge))
    }

    fn run(mut self, edge: Edge) {
        let mut edge = Some(edge);
        while self.view.wait_for_work(LOOK_EVERY) {
            let next_begin = Deadline::after(self.rhythm.interval);
            let outcome = edge.take().map_or_else(|| self.reload(), Ok).and_then(|edge| self.round(edge));
            match outcome {
                Ok(next) => {
                    edge = Some(next);
                    if !self.view.pause(next_begin.remaining()) {
                        break;
                    }
                }
                Err(PublishError::Failed(error)) => {
                    tracing::warn!("the log was not published: {error}");
                    if !self.view.pause(RETRY_AFTER) {
                        break;
                    }
                }
                Err(PublishError::Halt(reason)) => {
                    tracing::error!("the log stops: {reason}");
                    self.view.halt(reason);
                    return;
                }
            }
        }
        // What was acknowledged last is published before the server ends, if that goes at once.
        if let Some(edge) = edge
            && let Err(error) = self.round(edge)
        {
            tracing::warn!("the end of the log is published at the next start: {error}");
        }
    }

    fn claim(&self) -> Result<u64, PublishError> {
        Ok(self.store.write_beside_log(|writer| writer.claim_publication())?)
    }

    fn head(&self) -> Result<LogHead, PublishError> {
        Ok(self.store.read(|reader| reader.log_head())?)
    }

    /// The end of the log and its last checkpoint, of one moment: another server may publish between two queries.
    fn recorded(&self) -> Result<(LogHead, Option<CheckpointRow>), PublishError> {
        loop {
            let (head, last, again) = self.store.read(|reader| {
                Ok::<_, StoreError>((reader.log_head()?, reader.last_checkpoint()?, reader.log_head()?))
            })?;
            if head.published_size == again.published_size {
                return Ok((head, last));
            }
        }
    }

    /// The checkpoint in storage. One that this log did not sign is not ours to continue.
    fn stored_checkpoint(&self) -> Result<Option<Checkpoint>, PublishError> {
        let Some(note) = self.view.storage().read(CHECKPOINT)? else { return Ok(None) };
        let (checkpoint, _) = open_checkpoint(&note, &self.signer.verifier).map_err(|error| {
            PublishError::Halt(format!("the checkpoint in the log's storage is not this registry's: {error}"))
        })?;
        Ok(Some(checkpoint))
    }

    /// Begins from what database and storage say, which must not contradict each other. Answers with the stored
    /// checkpoint, whose tiles are there.
    fn reload(&mut self) -> Result<Edge, PublishError> {
        // First what another server of this storage may replace: the database is never behind it.
        let stored = self.stored_checkpoint()?;
        let (head, last) = self.recorded()?;
        let size = head.frontier.size();
        let known = last.as_ref().map_or(0, |last| last.size);
        if known != head.published_size || known > size {
            return Err(PublishError::Halt(format!(
                "the database says that {} of {size} entries are published, and its last checkpoint covers {known}",
                head.published_size
            )));
        }
        if let Some(ahead) = stored.as_ref().filter(|stored| stored.size > known) {
            return Err(PublishError::Halt(format!(
                "the log's storage holds a checkpoint of {} entries, and this database published only {known}: it is \
                 an older backup. Restore a newer one. Going on would sign two different logs",
                ahead.size
            )));
        }
        let edge = stored.as_ref().map_or_else(|| Ok(Edge::default()), |stored| self.restored(stored))?;
        self.stored = stored.as_ref().map_or(0, |stored| stored.size);
        self.kept = edge.tree().size();
        self.signed = stored.iter().map(|stored| (stored.size, stored.root)).collect();
        self.signed.extend(last.as_ref().map(|last| (last.size, last.root)));
        self.signed.sort_unstable_by_key(|(size, _)| *size);
        // What is readable already. The rest is answered once its tiles are here.
        for row in self.unanswered(edge.tree().size())? {
            self.answer(&row)?;
        }
        Ok(edge)
    }

    /// The edge that belongs to the stored checkpoint; where tiles are missing, an empty one: all are derived again.
    fn restored(&self, checkpoint: &Checkpoint) -> Result<Edge, PublishError> {
        let storage = self.view.storage();
        let reason = match Edge::restore(checkpoint.size, |path| storage.read(path)) {
            Ok(edge) if edge.tree().root() == checkpoint.root => return Ok(edge),
            Ok(_) => "the stored tiles do not lead to the stored checkpoint".to_owned(),
            Err(EdgeError::Read(error)) => return Err(error.into()),
            Err(error @ (EdgeError::Missing(_) | EdgeError::Damaged(_))) => error.to_string(),
        };
        tracing::warn!("{reason}: the log's tiles are derived from the database again");
        Ok(Edge::default())
    }

    /// One round. The edge is given up on any error.
    fn round(&mut self, edge: Edge) -> Result<Edge, PublishError> {
        let head = self.head()?;
        let size = head.frontier.size();
        if size < edge.tree().size() || size < self.view.published_size() {
            return Err(PublishError::Halt(format!(
                "the database has {size} log entries, and {} were published: it went back in time",
                edge.tree().size().max(self.view.published_size())
            )));
        }
        self.view.committed(size);
        let leads = self.leads(&head)?;
        if !leads && self.view.storage().is_shared() {
            self.follow(&head, leads)?;
            return Ok(edge);
        }
        // Who does not publish keeps in step with who does: partial tiles have the sizes of checkpoints.
        let until = if leads { size } else { head.published_size };
        let edge = if edge.tree().size() > until { self.reload()? } else { edge };
        let edge = self.derive(edge, &head, until)?;
        if !leads || head.published_size == size || self.view.published_size() < head.published_size {
            self.follow(&head, leads)?;
        }
        if leads && head.published_size < size {
            self.publish(&edge, &head)?;
        }
        Ok(edge)
    }

    /// Whether this server publishes, after taking over from one that stands still.
    fn leads(&mut self, head: &LogHead) -> Result<bool, PublishError> {
        if head.epoch == self.epoch {
            return Ok(true);
        }
        if head.published_size == head.frontier.size() {
            self.stalled = None;
            return Ok(false);
        }
        // Each round comes at least an interval after the last.
        let waited = match self.stalled {
            Some((size, waited)) if size == head.published_size => waited + self.rhythm.interval,
            _ => Duration::ZERO,
        };
        self.stalled = Some((head.published_size, waited));
        self.view.look_again();
        if waited < self.rhythm.takeover {
            return Ok(false);
        }
        self.epoch = self.claim()?;
        self.stalled = None;
        tracing::info!(
            epoch = self.epoch,
            "took publication of the log over: the server that had it stood still"
        );
        // The next round asks the database again, under the new number.
        Ok(false)
    }

    /// Derives the first `size` entries from the database and keeps their tiles.
    fn derive(&mut self, mut edge: Edge, head: &LogHead, size: u64) -> Result<Edge, PublishError> {
        let storage = self.view.storage();
        let mut full = Vec::new();
        self.agrees(&edge)?;
        while edge.tree().size() < size {
            let from = edge.tree().size();
            // Every tree that was signed is looked at on the way.
            let until = self.signed.iter().map(|(size, _)| *size).find(|size| *size > from).unwrap_or(size);
            let most = u32::try_from(until.min(size) - from).unwrap_or(PAGE).min(PAGE);
            let leaves = self.store.read(|reader| reader.leaves(from, most))?;
            if leaves.is_empty() {
                return Err(PublishError::Halt(format!("entry {from} of {size} is not in the database")));
            }
            leaves.iter().for_each(|leaf| edge.push(leaf, &mut full));
            self.agrees(&edge)?;
            storage.keep(&full)?;
            full.clear();
            if from / PROGRESS_EVERY != edge.tree().size() / PROGRESS_EVERY {
                tracing::info!("derived tiles of {} of {size} log entries", edge.tree().size());
            }
        }
        if edge.tree().root() != self.committed_root(head, size)? {
            return Err(PublishError::Halt(format!(
                "the stored tiles and the database's entries do not make the tree of {size} entries that the database \
                 committed to: one of them is damaged or of another registry"
            )));
        }
        self.signed.clear();
        if self.kept < size {
            storage.keep(&edge.partials())?;
            self.kept = size;
        }
        Ok(edge)
    }

    /// The root of the first `size` entries as the database committed to it: all of them, or those of a checkpoint.
    fn committed_root(&self, head: &LogHead, size: u64) -> Result<Sha256Digest, PublishError> {
        if size == head.frontier.size() {
            return Ok(head.frontier.root());
        }
        let Some(before) = size.checked_sub(1) else { return Ok(empty_root()) };
        let row = self.store.read(|reader| reader.checkpoints_above(before, 1))?.pop();
        let row = row.filter(|row| row.size == size);
        row.map(|row| row.root)
            .ok_or_else(|| PublishError::Halt(format!("the database lacks the checkpoint of {size} entries")))
    }

    /// Whether a tree of that size was signed, it is this one.
    fn agrees(&self, edge: &Edge) -> Result<(), PublishError> {
        let tree = edge.tree();
        match self.signed.iter().find(|(size, root)| *size == tree.size() && *root != tree.root()) {
            None => Ok(()),
            Some((size, _)) => Err(PublishError::Halt(format!(
                "a checkpoint of {size} entries was signed, and the database's first {size} entries are not those: it \
                 is damaged or of another registry. Going on would sign two different logs"
            ))),
        }
    }

    /// Asks the witnesses about what is published already: they may know more than a restored backup.
    fn confirm(&mut self, edge: &Edge) -> Result<(), PublishError> {
        let checkpoint = self.checkpoint(edge);
        if checkpoint.size == 0 || checkpoint.size != self.view.published_size() {
            return Ok(());
        }
        match self.cosigned(&checkpoint) {
            Err(PublishError::Failed(error)) => {
                tracing::warn!(
                    "whether witnesses know more entries than this database is not known: {error}"
                );
                Ok(())
            }
            outcome => outcome.map(|_| ()),
        }
    }

    fn checkpoint(&self, edge: &Edge) -> Checkpoint {
        let tree = edge.tree();
        Checkpoint { origin: self.signer.verifier.name().to_owned(), size: tree.size(), root: tree.root() }
    }

    /// Signs a checkpoint whose tiles are kept, and collects the cosignatures.
    fn cosigned(&mut self, checkpoint: &Checkpoint) -> Result<Note, PublishError> {
        let note = sign_checkpoint(checkpoint, &self.signer.key).map_err(PublishError::failed)?;
        let view = Arc::clone(&self.view);
        let consistency = |old| view.consistency(old, checkpoint.size, checkpoint.size);
        self.witnesses.cosign(note, checkpoint, &consistency).map_err(|error| match error {
            WitnessError::NoQuorum(_) => PublishError::failed(error),
            WitnessError::Conflict(reason) => PublishError::Halt(reason),
            WitnessError::Ahead { size, .. } => match self.head() {
                // Entries are committed before anybody cosigns them.
                Ok(head) if head.frontier.size() < size => PublishError::Halt(error.to_string()),
                Ok(_) => PublishError::failed("another server publishes the log now"),
                Err(unknown) => unknown,
            },
        })
    }

    fn publish(&mut self, edge: &Edge, head: &LogHead) -> Result<(), PublishError> {
        let checkpoint = self.checkpoint(edge);
        let note = self.cosigned(&checkpoint)?;
        let now = self.clock.now();
        let row = CheckpointRow {
            size: checkpoint.size,
            root: checkpoint.root,
            // Whatever the clock does, the history of checkpoints does not go back in time.
            published_at: self.view.current().map_or(now, |current| now.max(current.published_at)),
            note: note.to_string(),
        };
        let recorded =
            self.store.write_beside_log(|writer| writer.publish(self.epoch, head.published_size, &row))?;
        if !recorded {
            return Err(PublishError::failed("another server publishes the log now"));
        }
        self.view.storage().replace_checkpoint(row.note.as_bytes())?;
        self.stored = row.size;
        self.answer(&row)?;
        self.tidy(head.published_size, checkpoint.size);
        Ok(())
    }

    /// Takes up what is recorded as published: by another server, or by this one before it stopped in the middle.
    fn follow(&mut self, head: &LogHead, leads: bool) -> Result<(), PublishError> {
        let writes = leads || !self.view.storage().is_shared();
        let behind = self.view.published_size() < head.published_size;
        let unwritten = writes && self.stored < head.published_size;
        if !behind && !unwritten {
            return Ok(());
        }
        // What was recorded after `head` waits: its tiles need not be here yet.
        let rows = self.unanswered(head.published_size)?;
        if let Some(last) = rows.last().filter(|_| writes) {
            self.view.storage().replace_checkpoint(last.note.as_bytes())?;
            self.stored = last.size;
        }
        rows.iter().try_for_each(|row| self.answer(row))
    }

    /// The checkpoints that were recorded since the one of now, up to that of `until` entries. A receipt rests on the
    /// first checkpoint that covers its entry: none may be passed over, whoever published it.
    fn unanswered(&self, until: u64) -> Result<Vec<CheckpointRow>, PublishError> {
        let known = self.view.published_size();
        // Of what was before the first one, the database tells.
        let mut after = if known == 0 || known >= until { until.saturating_sub(1) } else { known };
        let mut rows = Vec::new();
        while after < until {
            let page = self.store.read(|reader| reader.checkpoints_above(after, CHECKPOINT_PAGE))?;
            let Some(last) = page.last() else {
                let reason = format!("the database lacks the checkpoint of {until} entries");
                return Err(PublishError::Halt(reason));
            };
            after = last.size;
            rows.extend(page);
        }
        rows.retain(|row| row.size <= until);
        Ok(rows)
    }

    /// Answers with a checkpoint from now on.
    fn answer(&self, row: &CheckpointRow) -> Result<(), PublishError> {
        let opened = open_checkpoint(row.note.as_bytes(), &self.signer.verifier);
        let (checkpoint, _) = opened.map_err(|error| {
            PublishError::Halt(format!("a checkpoint in the database is not this registry's: {error}"))
        })?;
        if (checkpoint.size, checkpoint.root) != (row.size, row.root) {
            return Err(PublishError::Halt(
                "a checkpoint in the database is not the one of its row".to_owned(),
            ));
        }
        self.view.publish(Published {
            size: row.size,
            root: row.root,
            published_at: row.published_at,
            note: row.note.clone(),
        });
        Ok(())
    }

    /// Removes partial tiles whose full ones are published.
    fn tidy(&self, old: u64, new: u64) {
        Tile::between(old, new)
            .filter(Tile::is_full)
            .for_each(|tile| self.view.storage().remove_partial(&tile.path()));
    }
}
