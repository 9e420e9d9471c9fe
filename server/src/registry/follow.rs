//! Keeping the index in step with the database, whichever server changed it.
//!
//! Owns the order of changes, the first filling, and what is kept on the disk over a restart. The database numbers
//! every change to what is searchable; the index follows the numbers and never runs ahead of them. A check follows
//! first, so that it searches all that its log size counts.

use super::{Inner, Refusal, Registry, recognise};
use crate::{
    matching::{IndexError, PictureIndex, Registered, Restored, SnapshotError},
    store::{ChangeRow, FingerprintRow, Reader, RecordRow, Store},
};
use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use touchstone_inspect::fingerprint::PDQ_QUALITY_FLOOR;
use touchstone_schema::{Timestamp, record::Record};

/// Fingerprints loaded from the database at a time.
const CODE_PAGE: u32 = 200_000;
/// Records read at a time.
const RECORD_PAGE: u32 = 512;
/// Changes after which the index is written to the disk; of a large index, a part of its size.
const SAVE_AFTER: u64 = 10_000;
/// The part: one in so many.
const SAVE_PART: u64 = 20;
/// Seconds after which it is written if anything changed at all.
const SAVE_EVERY: i64 = 3_600;

/// How far the index is.
#[derive(Debug)]
pub(super) struct Progress {
    /// Number of the last change that is in the index. Held while changes are applied.
    followed: Mutex<u64>,
    /// The same, to look at without waiting.
    seen: AtomicU64,
    /// Local features are all there.
    complete: AtomicBool,
    /// The server is about to end.
    stopping: AtomicBool,
    /// What was last written to the disk, and when. Held while it is written.
    saved: Mutex<(u64, Timestamp)>,
}

/// Opens the index: what the disk kept, or what the database says.
pub(super) fn open(
    store: &Store,
    folder: Option<&Path>,
    now: Timestamp,
) -> Result<(PictureIndex, Progress), Refusal> {
    let (index, kept) = PictureIndex::open(folder, |kept| belongs(store, kept)).map_err(Refusal::internal)?;
    let followed = match kept {
        Some(watermark) => watermark,
        None => load_codes(store, &index)?,
    };
    let progress = Progress {
        followed: Mutex::new(followed),
        seen: AtomicU64::new(followed),
        complete: AtomicBool::new(kept.is_some()),
        stopping: AtomicBool::new(false),
        saved: Mutex::new((kept.unwrap_or(0), now)),
    };
    Ok((index, progress))
}

/// What a state of the database is known by: the size of its log and the last leaf. A restored backup has another.
fn source(reader: &mut Reader<'_>, log_size: u64) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(last) = log_size.checked_sub(1) else { return Ok(None) };
    let Some(entry) = reader.entry(last)? else { return Ok(None) };
    Ok(Some([&log_size.to_le_bytes()[..], entry.leaf_hash.as_bytes()].concat()))
}

/// Whether the index on the disk was made from this database, and not from a future that a restored backup forgot.
fn belongs(store: &Store, kept: &Restored) -> bool {
    let Some(log_size) = kept.source.first_chunk().copied().map(u64::from_le_bytes) else { return false };
    let known = store.read(|reader| {
        let known = reader.last_change()? >= kept.watermark
            && source(reader, log_size)?.is_some_and(|known| known == kept.source);
        Ok::<_, Refusal>(known)
    });
    let known = known.unwrap_or(false);
    if !known {
        tracing::info!("the index on the disk belongs to another state of the database and is made anew");
    }
    known
}

/// Fills the index with all global codes; answers the change up to which it holds everything.
fn load_codes(store: &Store, index: &PictureIndex) -> Result<u64, Refusal> {
    store.read(|reader| {
        // Read first: what changes meanwhile is followed later.
        let followed = reader.last_change()?;
        let mut after = None;
        loop {
            let page = reader.fingerprints_after(after, CODE_PAGE)?;
            let code = |row: &FingerprintRow| Registered {
                index: row.index,
                pdq: Some(row.pdq),
                dhash: row.dhash,
                features: None,
            };
            let pictures: Vec<Registered> = page.iter().map(code).collect();
            index.insert(&pictures).map_err(Refusal::internal)?;
            match page.last() {
                Some(last) if page.len() == CODE_PAGE as usize => after = Some(last.index),
                _ => break,
            }
        }
        index.maintain();
        Ok(followed)
    })
}

/// What the index holds of a record. A picture that tells too little by PDQ has no codes there.
fn registered(index: u64, record: &Record) -> Registered {
    let informative = record.pdq_quality >= PDQ_QUALITY_FLOOR;
    let features = recognise::features_of(record);
    Registered {
        index,
        pdq: informative.then_some(record.pdq.0),
        dhash: informative.then_some(record.dhash.0),
        features,
    }
}

/// The features of a record; its codes are loaded before. A record of an earlier form has none.
fn features_alone(row: &RecordRow) -> Option<Registered> {
    let record = Record::parse(row.bytes.as_deref()?).ok()?;
    let found = registered(row.index, &record);
    found.features.is_some().then_some(Registered { pdq: None, dhash: None, ..found })
}

impl Inner {
    /// Brings the index in step with the database as it is now.
    pub(super) fn follow(&self) -> Result<(), Refusal> {
        let last = self.store.read(|reader| reader.last_change().map_err(Refusal::from))?;
        if last <= self.progress.seen.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut followed = self.order();
        while *followed < last {
            let page = self
                .store
                .read(|reader| reader.changes_after(*followed, RECORD_PAGE).map_err(Refusal::from))?;
            let Some(end) = page.last().map(|change| change.number) else { break };
            self.index_changes(&page).map_err(Refusal::internal)?;
            *followed = end;
            self.progress.seen.store(end, Ordering::Release);
        }
        Ok(())
    }

    /// The same after a change of our own. It is committed: if following fails, the next check tries again before it
    /// searches, and says so if it cannot.
    pub(super) fn follow_own(&self) {
        if let Err(refusal) = self.follow() {
            tracing::error!("the index could not follow a change: {}", refusal.with_causes());
        }
    }

    fn index_changes(&self, changes: &[ChangeRow]) -> Result<(), IndexError> {
        let mut pictures = Vec::with_capacity(changes.len());
        for change in changes {
            match change.bytes.as_deref().map(Record::parse) {
                Some(Ok(record)) => pictures.push(registered(change.index, &record)),
                // It was put there by this registry, which would not have taken it: one damaged record must not keep
                // all that follow from being found.
                Some(Err(error)) => {
                    tracing::error!("the record of entry {} is damaged: {error}", change.index);
                }
                // Neither a deletion nor a withdrawal is ever undone.
                None => self.index.withdraw(change.index)?,
            }
        }
        self.index.insert(&pictures)
    }

    fn order(&self) -> MutexGuard<'_, u64> {
        self.progress.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the index to the disk if it is complete and something changed since.
    fn save(&self, saved: &mut (u64, Timestamp)) -> Result<(), Refusal> {
        let changed = self.progress.seen.load(Ordering::Acquire) > saved.0;
        if !changed || !self.progress.complete.load(Ordering::Relaxed) {
            return Ok(());
        }
        let failed = |error: SnapshotError| Refusal::internal(error);
        // The first time that is all descriptors, and changes need not wait for them.
        self.index.synchronise().map_err(Refusal::internal)?;
        let state = {
            let followed = self.order();
            let source = self.store.read(|reader| {
                let log_size = reader.log_size()?;
                source(reader, log_size)
            })?;
            let Some(source) = source else { return Ok(()) };
            self.index.save_directory(*followed).map_err(failed)?;
            Restored { watermark: *followed, source }
        };
        self.index.save(&state).map_err(failed)?;
        *saved = (state.watermark, self.now());
        Ok(())
    }
}

impl Registry {
    /// Loads the local features of every picture, unless they were kept; until it is done, crops and screenshots may
    /// be missed. Answers how many pictures have some.
    ///
    /// # Errors
    /// A [`Refusal`] if the database cannot be read or the index's file cannot be written.
    pub fn load_features(&self) -> Result<u64, Refusal> {
        let inner = &*self.0;
        inner.follow()?;
        let (mut after, mut count) = (None, 0);
        while !inner.progress.complete.load(Ordering::Relaxed) && !self.is_stopping() {
            let last = {
                // Read and inserted under one lock: a deletion or withdrawal meanwhile comes after it and wins.
                let _one_at_a_time = inner.order();
                let page = inner
                    .store
                    .read(|reader| reader.records_after(after, RECORD_PAGE).map_err(Refusal::from))?;
                let pictures: Vec<Registered> = page.iter().filter_map(features_alone).collect();
                count += pictures.len() as u64;
                inner.index.insert(&pictures).map_err(Refusal::internal)?;
                page.last().filter(|_| page.len() == RECORD_PAGE as usize).map(|last| last.index)
            };
            inner.index.maintain();
            match last {
                Some(last) => after = Some(last),
                None => inner.progress.complete.store(true, Ordering::Relaxed),
            }
        }
        Ok(count)
    }

    fn is_stopping(&self) -> bool {
        self.0.progress.stopping.load(Ordering::Relaxed)
    }

    /// Ends [`Self::load_features`] soon.
    pub fn stop_loading(&self) {
        self.0.progress.stopping.store(true, Ordering::Relaxed);
    }

    /// Follows what other servers changed, brings the index into searchable order, and writes it to the disk when it
    /// is time.
    ///
    /// # Errors
    /// A [`Refusal`] if the database cannot be read or a file cannot be written.
    pub fn maintain_index(&self) -> Result<(), Refusal> {
        let inner = &*self.0;
        inner.follow()?;
        inner.index.maintain();
        let mut saved = inner.progress.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = inner.progress.seen.load(Ordering::Acquire).saturating_sub(saved.0);
        let many = changes >= SAVE_AFTER.max(inner.index.len() as u64 / SAVE_PART);
        let due = many || inner.now() >= saved.1.saturating_add_seconds(SAVE_EVERY);
        if due { inner.save(&mut saved) } else { Ok(()) }
    }

    /// Whether crops and screenshots of every picture are recognised: local features are loaded beside the first
    /// requests.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.progress.complete.load(Ordering::Relaxed)
    }

    /// Writes the index to the disk, so that the next start is quick. Called when nothing is asked any more.
    ///
    /// # Errors
    /// As [`Self::maintain_index`].
    pub fn keep_index(&self) -> Result<(), Refusal> {
        let inner = &*self.0;
        let mut saved = inner.progress.saved.lock().unwrap_or_else(PoisonError::into_inner);
        inner.save(&mut saved)
    }
}
