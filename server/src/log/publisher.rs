//! Publication: from what the database committed to what anyone can verify.
//!
//! One round: (1) derive tiles and bundles from the committed entries and keep them ([`deriving`]), (2) note in the
//! database what is about to be signed and sign it, (3) collect the witnesses' cosignatures ([`cosigning`]), (4) record it
//! in the database by compare and swap, (5) replace the stored checkpoint, and only then answer with it. After any error
//! everything in memory is dropped and the next round begins from the database, as after a crash; so does a server that
//! takes publication over. Whatever would make the log contradict what it signed before halts it.

mod cosigning;
mod deriving;
mod error;
mod mending;

pub use cosigning::{CheckpointSigner, Unwitnessed, WitnessError, Witnesses};
pub use error::PublishError;

use super::{
    edge::Edge,
    guard::HaltOnPanic,
    storage::{CHECKPOINT, StoredCheckpoint},
    view::{Published, View},
};
use crate::{
    clock::{Clock, Deadline},
    store::{CheckpointRow, LogHead, Store, StoreError},
};
use std::{
    collections::HashSet,
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};
use touchstone_schema::{
    Sha256Digest,
    log::{
        checkpoint::{Checkpoint, open_checkpoint, sign_checkpoint},
        note::Note,
        tile::Tile,
        tree::empty_root,
    },
};

/// Checkpoints that are read at a time.
const CHECKPOINT_PAGE: u32 = 1_000;
/// How often the database is asked whether another server appended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the stored checkpoint is read again: a write of a server that was fenced off may have come late.
const COMPARE_EVERY: Duration = Duration::from_secs(5);
/// How often doubted tiles are examined.
const MEND_EVERY: Duration = Duration::from_secs(5);
/// Between attempts after an error; as long as it goes on, twice as long each time.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RETRY_AT_MOST: Duration = Duration::from_secs(8);

/// Rules of publication.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Shortest time between two checkpoints.
    pub interval: Duration,
    /// How long another server may publish nothing before this one takes over.
    pub takeover: Duration,
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
    /// How long another server may still leave this many published entries as they are.
    stalled: Option<(u64, Deadline)>,
    /// Whether a quorum vouched for what was signed last, since this server publishes: before, it may be an old backup.
    confirmed: bool,
    /// Entries whose tiles are kept, partial ones included, and entries that the stored checkpoint covers.
    kept: u64,
    stored: u64,
    /// Until when the stored checkpoint counts as the one that was written.
    compared: Deadline,
    /// Until when doubted tiles are left alone: they were examined.
    mended: Deadline,
    /// Trees that were signed: whatever is derived again must pass through them. Smallest first.
    signed: Vec<(u64, Sha256Digest)>,
    /// Partial tiles that stand in storage until their full ones are published; those of before are listed once.
    partial: HashSet<Tile>,
    listed: bool,
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
            confirmed: false,
            kept: 0,
            stored: 0,
            compared: Deadline::after(COMPARE_EVERY),
            mended: Deadline::after(Duration::ZERO),
            signed: Vec::new(),
            partial: HashSet::new(),
            listed: false,
        };
        let edge = publisher.reload()?;
        publisher.epoch = publisher.claim()?;
        let begun = publisher.round(edge).and_then(|edge| publisher.confirm().map(|()| edge));
        match begun {
            Ok(edge) => Ok((publisher, edge)),
            // Without a quorum of witnesses a registry still starts: what is published stays readable.
            Err(PublishError::Failed(error)) => {
                tracing::warn!("the log is not published yet: {error}");
                publisher.reload().map(|edge| (publisher, edge))
            }
            Err(halt) => Err(halt),
        }
    }

    /// Runs until [`View::stop`] on a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn spawn(self, edge: Edge) -> io::Result<JoinHandle<()>> {
        let guard = HaltOnPanic::new(Arc::clone(&self.view), "publishing the log");
        let run = move || {
            let _guard = guard;
            self.run(edge);
        };
        thread::Builder::new().name("publisher".to_owned()).spawn(run)
    }

    fn run(mut self, edge: Edge) {
        let mut edge = Some(edge);
        let (mut retry_after, mut told) = (RETRY_AFTER, String::new());
        while self.view.wait_for_work(LOOK_EVERY) {
            let next_begin = Deadline::after(self.rhythm.interval);
            self.mend();
            let outcome = edge.take().map_or_else(|| self.reload(), Ok).and_then(|edge| self.round(edge));
            match outcome {
                Ok(next) => {
                    edge = Some(next);
                    (retry_after, told) = (RETRY_AFTER, String::new());
                    if !self.view.pause(next_begin.remaining()) {
                        break;
                    }
                }
                Err(PublishError::Failed(error)) => {
                    let error = error.to_string();
                    // The same every few seconds would bury everything else.
                    if error != told {
                        tracing::warn!("the log was not published: {error}");
                    }
                    told = error;
                    self.view.count_failure();
                    // What waits is tried again without anybody's call.
                    self.view.look_again();
                    if !self.view.pause(retry_after) {
                        break;
                    }
                    retry_after = (retry_after * 2).min(RETRY_AT_MOST);
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
        let head = self.store.read(|reader| reader.log_head())?;
        match head.halted {
            None => Ok(head),
            Some(reason) => Err(PublishError::Halt(format!("another server of this log found: {reason}"))),
        }
    }

    /// The end of the log and its last checkpoint, of one moment: another server may publish between two queries.
    fn recorded(&self) -> Result<(LogHead, Option<CheckpointRow>), PublishError> {
        loop {
            let head = self.head()?;
            let (last, again) = self.store.read(|reader| {
                Ok::<_, StoreError>((reader.last_checkpoint()?, reader.log_head()?.published_size))
            })?;
            if head.published_size == again {
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

    /// The end of the log, which is never before what this server knows: a database that went back in time, as when a
    /// replica that lags behind takes the place of its origin, would have another past from then on.
    fn advanced(&self, edge: &Edge) -> Result<LogHead, PublishError> {
        // What is known is looked at first: it only grows.
        let known = self.view.committed_size().max(edge.tree().size());
        let published = self.view.published_size();
        let head = self.head()?;
        let size = head.frontier.size();
        if size >= known.max(published) && head.published_size >= published {
            return Ok(head);
        }
        let reason = format!(
            "the database has {size} log entries, of which {} are published, and this server knows {known}, of which \
             {published} are published: it went back in time. Restore a newer one. Going on would sign two different logs",
            head.published_size
        );
        // Other servers know less, maybe, and would go on. What was never published contradicts nothing that was signed.
        if head.published_size < published
            && let Err(error) = self.store.write_beside_log(|writer| writer.halt_log(&reason))
        {
            tracing::warn!("other servers are not told that the database went back in time: {error}");
        }
        Err(PublishError::Halt(reason))
    }

    /// One round. The edge is given up on any error.
    fn round(&mut self, edge: Edge) -> Result<Edge, PublishError> {
        let head = self.advanced(&edge)?;
        self.view.committed(head.frontier.size());
        if self.takes_over(&head)? {
            // As at a start: what the other server published last is compared before anything is signed.
            let edge = self.reload()?;
            self.view.look_again();
            return Ok(edge);
        }
        let leads = head.epoch == self.epoch;
        if !leads && self.view.storage().is_shared() {
            self.follow(&head, leads)?;
            return Ok(edge);
        }
        self.compare_stored(&head)?;
        // What was signed before is published first. Who does not publish keeps in step with who does: partial tiles have
        // the sizes of checkpoints.
        let next = head.begun.map_or(head.frontier.size(), |(size, _)| size);
        let until = if leads { next } else { head.published_size };
        let edge = if edge.tree().size() > until { self.reload()? } else { edge };
        let edge = self.derive(edge, &head, until)?;
        self.follow(&head, leads)?;
        if leads && head.published_size < until {
            self.publish(&edge, &head)?;
            if until < head.frontier.size() {
                self.view.look_again();
            }
        }
        self.tidy();
        Ok(edge)
    }

    /// Takes publication over from a server that stands still. Whether it did so now.
    fn takes_over(&mut self, head: &LogHead) -> Result<bool, PublishError> {
        if head.epoch == self.epoch || head.published_size == head.frontier.size() {
            self.stalled = None;
            return Ok(false);
        }
        let deadline = match self.stalled {
            Some((size, deadline)) if size == head.published_size => deadline,
            _ => Deadline::after(self.rhythm.takeover),
        };
        self.stalled = Some((head.published_size, deadline));
        self.view.look_again();
        if !deadline.remaining().is_zero() {
            return Ok(false);
        }
        self.epoch = self.claim()?;
        (self.stalled, self.confirmed, self.listed) = (None, false, false);
        tracing::info!(
            epoch = self.epoch,
            "took publication of the log over: the server that had it stood still"
        );
        Ok(true)
    }

    /// Reads the stored checkpoint from time to time. A smaller one is replaced by [`Self::follow`] then; a larger one
    /// means that the database went back in time.
    fn compare_stored(&mut self, head: &LogHead) -> Result<(), PublishError> {
        if !self.compared.remaining().is_zero() {
            return Ok(());
        }
        self.compared = Deadline::after(COMPARE_EVERY);
        let Some(found) = self.stored_checkpoint()? else {
            if self.stored == 0 {
                return Ok(());
            }
            return Err(PublishError::failed("the checkpoint is gone from the log's storage"));
        };
        if found.size > head.published_size && found.size > self.head()?.published_size {
            return Err(ahead(found.size, head.published_size));
        }
        let forked = |known: Arc<Published>| known.size == found.size && known.root != found.root;
        if self.view.current().is_some_and(forked) {
            return Err(PublishError::Halt(format!(
                "the log's storage holds a checkpoint of {} entries that are not those of this database",
                found.size
            )));
        }
        self.stored = self.stored.min(found.size);
        Ok(())
    }

    /// Has the witnesses cosign what was signed before, until a quorum did once: they may know more than a restored backup,
    /// and nothing new is signed before they were asked. Where nothing was published they are asked with the empty tree,
    /// which every log continues: whoever knows of entries names their number.
    fn confirm(&mut self) -> Result<(), PublishError> {
        if self.confirmed {
            return Ok(());
        }
        let (size, root) = self.view.current().map_or_else(|| (0, empty_root()), |p| (p.size, p.root));
        self.cosigned(&self.checkpoint(size, root))?;
        self.confirmed = true;
        Ok(())
    }

    fn checkpoint(&self, size: u64, root: Sha256Digest) -> Checkpoint {
        Checkpoint { origin: self.signer.verifier.name().to_owned(), size, root }
    }

    /// Signs a checkpoint whose tiles are kept, and collects the cosignatures.
    fn cosigned(&mut self, checkpoint: &Checkpoint) -> Result<Note, PublishError> {
        let note = sign_checkpoint(checkpoint, &self.signer.key).map_err(PublishError::failed)?;
        let view = Arc::clone(&self.view);
        let consistency = |old| view.consistency(old, checkpoint.size, &checkpoint.root, checkpoint.size);
        self.witnesses.cosign(note, checkpoint, &consistency).map_err(|error| match error {
            WitnessError::NoQuorum(_) => PublishError::failed(error),
            WitnessError::Conflict(reason) => PublishError::Halt(reason),
            WitnessError::Ahead { size, .. } => match self.head() {
                // Whatever leaves a server of this registry is noted before.
                Ok(head) if head.signed_size() < size => PublishError::Halt(error.to_string()),
                Ok(_) => PublishError::failed("another server publishes the log now"),
                Err(unknown) => unknown,
            },
        })
    }

    fn publish(&mut self, edge: &Edge, head: &LogHead) -> Result<(), PublishError> {
        let overtaken = || PublishError::failed("another server publishes the log now");
        let (size, root) = (edge.tree().size(), edge.tree().root());
        if head.begun.is_none() {
            self.confirm()?;
            let begin = |writer: &mut crate::store::Writer<'_>| {
                writer.begin_checkpoint(self.epoch, head.published_size, size, &root)
            };
            if self.witnesses.are_asked() && !self.store.write_beside_log(begin)? {
                return Err(overtaken());
            }
        }
        let note = self.cosigned(&self.checkpoint(size, root))?;
        self.confirmed = true;
        let now = self.clock.now();
        let row = CheckpointRow {
            size,
            root,
            // Whatever the clock does, the history of checkpoints does not go back in time.
            published_at: self.view.current().map_or(now, |current| now.max(current.published_at)),
            note: note.to_string(),
        };
        let recorded =
            self.store.write_beside_log(|writer| writer.publish(self.epoch, head.published_size, &row))?;
        if !recorded {
            return Err(overtaken());
        }
        self.write_checkpoint(&row)?;
        self.answer(vec![row])
    }

    fn write_checkpoint(&mut self, row: &CheckpointRow) -> Result<(), PublishError> {
        let next = StoredCheckpoint { size: row.size, root: &row.root, note: row.note.as_bytes() };
        self.view.storage().replace_checkpoint(&next)?;
        self.stored = row.size;
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
            self.write_checkpoint(last)?;
        }
        self.answer(rows)
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

    /// Answers with the last of these checkpoints from now on. The others are those of receipts.
    fn answer(&self, rows: Vec<CheckpointRow>) -> Result<(), PublishError> {
        let mut published = Vec::with_capacity(rows.len());
        for row in rows {
            let opened = open_checkpoint(row.note.as_bytes(), &self.signer.verifier);
            let (checkpoint, _) = opened.map_err(|error| {
                PublishError::Halt(format!("a checkpoint in the database is not this registry's: {error}"))
            })?;
            if (checkpoint.size, checkpoint.root) != (row.size, row.root) {
                let reason = "a checkpoint in the database is not the one of its row".to_owned();
                return Err(PublishError::Halt(reason));
            }
            let CheckpointRow { size, root, published_at, note } = row;
            published.push(Published { size, root, published_at, note });
        }
        self.view.publish(published);
        Ok(())
    }
}

/// The storage knows more than the database.
fn ahead(stored: u64, published: u64) -> PublishError {
    PublishError::Halt(format!(
        "the log's storage holds a checkpoint of {stored} entries, and this database published only {published}: it is \
         an older backup. Restore a newer one. Going on would sign two different logs"
    ))
}
