//! What makes the registry verifiable: receipts, the history of checkpoints, signed answers to exact look-ups.

use super::{Inner, Refusal, Registry};
use crate::{
    log::view::{Published, View, ViewError},
    store::{CheckpointRow, EntryRow, Reader},
};
use std::sync::Arc;
use touchstone_schema::{
    Sha256Digest, StatementId,
    answer::{ANSWER_TYPE, Answer, Question},
    api::{Acknowledgement, CheckpointInfo, CheckpointList},
    envelope, leaf,
    log::receipt::TlogProof,
    problem::ProblemCode,
};

/// Most checkpoints on a page.
pub const MAX_CHECKPOINTS: u32 = 1_000;
/// Most rows that a look-up in the database returns: an answer with so many may be cut.
const MAX_ANSWERED: usize = crate::store::MAX_FOUND;
/// When a pending receipt is worth another try, in seconds.
const PENDING_SECONDS: u32 = 1;
/// When to come back if a stored tile is lost or damaged, in seconds.
const MENDED_SECONDS: u32 = 10;

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::NotPublished => pending(),
            ViewError::Storage(error) => Self::unavailable(error),
            // The publisher examines it, and derives again what is lost.
            ViewError::Missing(_) | ViewError::Damaged(_) | ViewError::Misleading(_) => {
                Self { retry_after_seconds: Some(MENDED_SECONDS), ..Self::unavailable(error) }
            }
        }
    }
}

fn pending() -> Refusal {
    Refusal { retry_after_seconds: Some(PENDING_SECONDS), ..Refusal::new(ProblemCode::ReceiptPending) }
}

impl From<CheckpointRow> for Published {
    fn from(row: CheckpointRow) -> Self {
        Self { size: row.size, root: row.root, published_at: row.published_at, note: row.note }
    }
}

impl Inner {
    /// The first checkpoint that covers the entry at `index`: its cosignatures date the entry best, and so its receipt
    /// is the same for ever.
    fn first_checkpoint(&self, index: u64) -> Result<Arc<Published>, Refusal> {
        if index >= self.log.published_size() {
            return Err(pending());
        }
        if let Some(known) = self.log.first_covering(index) {
            return Ok(known);
        }
        let mut rows = self.store.read(|reader| reader.checkpoints_above(index, 1).map_err(Refusal::from))?;
        let row = rows.pop().ok_or_else(|| Refusal::internal("a published entry without its checkpoint"))?;
        Ok(Arc::new(row.into()))
    }

    /// The receipt of a published entry whose leaf begins with `header`.
    fn receipt_text(&self, index: u64, header: &[u8]) -> Result<String, Refusal> {
        let checkpoint = self.first_checkpoint(index)?;
        // Tiles only grow: those of now hold every node of then.
        let tiles = self.log.published_size();
        let hashes = self.log.inclusion(index, checkpoint.size, &checkpoint.root, tiles)?;
        let proof =
            TlogProof { extra: Some(header.to_vec()), index, hashes, checkpoint: checkpoint.note.clone() };
        Ok(proof.to_string())
    }

    /// The receipt of a published entry.
    pub(super) fn receipt_of_entry(&self, entry: &EntryRow) -> Result<String, Refusal> {
        let header = leaf::header(entry.accepted_at);
        self.receipt_text(entry.index, &header)
    }

    fn answer(
        &self,
        question: Question,
        find: impl FnOnce(&mut Reader<'_>) -> Result<Vec<u64>, Refusal>,
    ) -> Result<String, Refusal> {
        // Before the database: an answer counts every entry of the checkpoint that it shows.
        let checkpoint = self.log.current().map(|published| published.note.clone());
        let (log_size, last, mut entries) = self.store.read(|reader| {
            let log_size = reader.log_size()?;
            let last = log_size.checked_sub(1).map(|last| reader.entry(last)).transpose()?.flatten();
            Ok::<_, Refusal>((log_size, last, find(reader)?))
        })?;
        let all = entries.len();
        // What came while it was asked is left to the next answer: then nothing before it was cut, for entries are found
        // in their order. One entry may bind a digest twice.
        entries.retain(|index| *index < log_size);
        let truncated = all >= MAX_ANSWERED && entries.len() == all;
        entries.dedup();
        let now = self.now();
        let answer = Answer {
            registry: self.origin.clone(),
            // A clock that was set back must not date it before what it counts.
            answered_at: last.map_or(now, |last| now.max(last.accepted_at)),
            log_size,
            question,
            entries,
            truncated,
            checkpoint,
        };
        let payload = serde_json::to_vec(&answer).map_err(Refusal::internal)?;
        String::from_utf8(envelope::sign(ANSWER_TYPE, &payload, self.keyring.verdict()))
            .map_err(Refusal::internal)
    }
}

impl Registry {
    /// The published log, to answer from and to wait for.
    #[must_use]
    pub fn log(&self) -> &Arc<View> {
        &self.0.log
    }

    /// Where the entry of a statement stands in the log.
    ///
    /// # Errors
    /// `not-found`.
    pub fn log_index(&self, id: &StatementId) -> Result<u64, Refusal> {
        let entry = self.0.store.read(|reader| reader.entry_by_id(id).map_err(Refusal::from))?;
        entry
            .map(|entry| entry.index)
            .ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such statement"))
    }

    /// The receipt of a statement (C2SP tlog-proof). It rests on the first checkpoint that covers its entry, and its extra
    /// data is the head of the leaf, so that it needs the envelope and nothing else.
    ///
    /// # Errors
    /// `not-found`; `receipt-pending` as long as no published checkpoint covers the entry.
    pub fn statement_receipt(&self, id: &StatementId) -> Result<String, Refusal> {
        let entry = self.0.store.read(|reader| reader.entry_by_id(id).map_err(Refusal::from))?;
        let entry = entry.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such statement"))?;
        self.0.receipt_of_entry(&entry)
    }

    /// Puts the receipt into an acknowledgement, if its entry is published. What is acknowledged is durable, whether a tile
    /// can be read or not: without, the receipt can be asked for later.
    pub fn add_receipt(&self, acknowledgement: &mut Acknowledgement) {
        let header = leaf::header(acknowledgement.accepted_at);
        match self.0.receipt_text(acknowledgement.log_index, &header) {
            Ok(receipt) => acknowledgement.receipt = Some(receipt),
            Err(refusal) if refusal.code == ProblemCode::ReceiptPending => {}
            Err(refusal) => {
                let id = acknowledgement.id;
                tracing::warn!("{id} is acknowledged without its receipt: {}", refusal.with_causes());
            }
        }
    }

    /// Published checkpoints that cover more than `after` entries, smallest first, at most `most`.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn checkpoints(&self, after: u64, most: u32) -> Result<CheckpointList, Refusal> {
        let most = most.clamp(1, MAX_CHECKPOINTS);
        let rows =
            self.0.store.read(|reader| reader.checkpoints_above(after, most).map_err(Refusal::from))?;
        let next = rows.last().filter(|_| rows.len() == most as usize).map(|last| last.size);
        let info = |row: CheckpointRow| CheckpointInfo {
            size: row.size,
            root: row.root,
            published_at: row.published_at,
            note: row.note,
        };
        Ok(CheckpointList { checkpoints: rows.into_iter().map(info).collect(), next })
    }

    /// A signed answer to which statements bind these bytes, as JSON of a DSSE envelope.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn content_answer(&self, sha256: &Sha256Digest) -> Result<String, Refusal> {
        self.0.answer(Question::Content { sha256: *sha256 }, |reader| {
            Ok(reader.content(sha256)?.iter().map(|row| row.index).collect())
        })
    }

    /// A signed answer to which outputs are registered under a label, as JSON of a DSSE envelope.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn label_answer(&self, producer: &str, content_id: &str) -> Result<String, Refusal> {
        let question = Question::Label { producer: producer.to_owned(), content_id: content_id.to_owned() };
        self.0.answer(question, |reader| Ok(reader.label(producer, content_id)?))
    }
}
