//! The published log as this server answers from it: the checkpoint, tiles, proofs ([`proving`]), and whether the log goes
//! on.
//!
//! Nothing is answered here that a published checkpoint does not cover.

mod proving;

use super::{
    edge::prefix,
    storage::{Storage, StorageError},
};
use bytes::Bytes;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use touchstone_schema::{
    Sha256Digest, Timestamp,
    log::tile::{Level, Tile},
};

/// Checkpoints that are remembered, so that receipts of what was just published ask no database.
const REMEMBERED: usize = 1_024;
/// Entries whose tiles wait to be examined. Further ones are doubted when somebody asks again.
const MOST_DOUBTED: usize = 1_024;
/// What a cached value costs beside its bytes.
const ENTRY_BYTES: u64 = 96;

/// A published checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Entries that it covers.
    pub size: u64,
    /// Root of their tree.
    pub root: Sha256Digest,
    /// When this registry published it.
    pub published_at: Timestamp,
    /// The signed note, with cosignatures.
    pub note: String,
}

/// Why the log cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// No published checkpoint covers what was asked for.
    #[error("no published checkpoint covers it yet")]
    NotPublished,
    /// A tile that is published is not there.
    #[error("{0} is missing in the log's storage")]
    Missing(String),
    /// A tile has another form than its path says.
    #[error("{0} in the log's storage is damaged")]
    Damaged(String),
    /// Tiles have their form and not their content: a proof of them would prove nothing.
    #[error("the stored tiles around entry {0} do not lead to the root that was signed")]
    Misleading(u64),
    /// Reading failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A tile with all the nodes that follow from it, bottom row first.
type Nodes = Vec<Vec<Sha256Digest>>;

#[derive(Clone)]
struct Weight;

impl Weighter<Tile, Bytes> for Weight {
    fn weight(&self, _: &Tile, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + ENTRY_BYTES
    }
}

impl Weighter<Tile, Arc<Nodes>> for Weight {
    fn weight(&self, _: &Tile, nodes: &Arc<Nodes>) -> u64 {
        nodes.iter().map(|row| row.len() as u64 * 32 + ENTRY_BYTES).sum::<u64>() + ENTRY_BYTES
    }
}

/// What the publisher is told.
#[derive(Debug, Default)]
struct Work {
    /// Something was committed.
    committed: bool,
    /// The server ends.
    stopping: bool,
}

/// The published log. Shared by all who answer and by the publisher.
pub struct View {
    storage: Arc<dyn Storage>,
    current: watch::Sender<Option<Arc<Published>>>,
    recent: RwLock<VecDeque<Arc<Published>>>,
    resources: Cache<Tile, Bytes, Weight>,
    nodes: Cache<Tile, Arc<Nodes>, Weight>,
    committed: AtomicU64,
    failures: AtomicU64,
    halted: OnceLock<String>,
    /// Entries on whose way to the root something is lost or damaged in storage.
    doubted: Mutex<BTreeSet<u64>>,
    work: Mutex<Work>,
    woken: Condvar,
    /// The published size again, for threads that wait for it.
    reached: Mutex<u64>,
    grown: Condvar,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("storage", &self.storage)
            .field("halted", &self.halted)
            .finish_non_exhaustive()
    }
}

/// A cache whose room is not divided: a bundle of the longest entries takes half of what is usual.
fn in_one_piece(items: usize, bytes: u64) -> Cache<Tile, Bytes, Weight> {
    let options =
        OptionsBuilder::new().shards(1).estimated_items_capacity(items).weight_capacity(bytes).build();
    match options {
        Ok(options) => {
            Cache::with_options(options, Weight, DefaultHashBuilder::default(), DefaultLifecycle::default())
        }
        Err(_) => Cache::with_weighter(items, bytes, Weight),
    }
}

impl View {
    /// A view of what `storage` keeps, with about `cache_bytes` of it in memory.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, cache_bytes: u64) -> Self {
        let part = (cache_bytes / 2).max(1);
        let items = usize::try_from(part / 8_192).unwrap_or(1).max(16);
        Self {
            storage,
            current: watch::Sender::new(None),
            recent: RwLock::default(),
            resources: in_one_piece(items, part),
            nodes: Cache::with_weighter(items, part, Weight),
            committed: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            halted: OnceLock::new(),
            doubted: Mutex::default(),
            work: Mutex::default(),
            woken: Condvar::new(),
            reached: Mutex::new(0),
            grown: Condvar::new(),
        }
    }

    /// Where the log's resources are kept.
    #[must_use]
    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    /// The checkpoint that was published last.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Published>> {
        self.current.borrow().clone()
    }

    /// Entries that the last checkpoint covers.
    #[must_use]
    pub fn published_size(&self) -> u64 {
        self.current.borrow().as_ref().map_or(0, |published| published.size)
    }

    /// Waits until a checkpoint covers `size` entries; the one that does.
    pub async fn reaches(&self, size: u64) -> Option<Arc<Published>> {
        let mut current = self.current.subscribe();
        let covers = |published: &Option<Arc<Published>>| published.as_ref().is_some_and(|p| p.size >= size);
        let reached = current.wait_for(covers).await;
        reached.ok().and_then(|published| published.clone())
    }

    /// As [`Self::reaches`], on a thread where blocking is allowed, for `longest` at most: whether it came.
    pub fn wait_until_reached(&self, size: u64, longest: Duration) -> bool {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let (reached, _) = self
            .grown
            .wait_timeout_while(reached, longest, |reached| *reached < size)
            .unwrap_or_else(PoisonError::into_inner);
        *reached >= size
    }

    /// The first checkpoint after the start of this server that covers the entry at `index`, if it is known for sure to be
    /// the first of all.
    #[must_use]
    pub fn first_covering(&self, index: u64) -> Option<Arc<Published>> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let at = recent.partition_point(|published| published.size <= index);
        // Without the one before it is not known whether an earlier one covers it too.
        if at == 0 { None } else { recent.get(at).cloned() }
    }

    /// Takes the last of these checkpoints, smallest first, as the current one. The others are remembered for receipts
    /// only: tiles of their sizes need not be kept. Smaller ones than the current are ignored.
    pub fn publish(&self, published: impl IntoIterator<Item = Published>) {
        let mut size = 0;
        self.current.send_if_modified(|current| {
            let mut newest: Option<Arc<Published>> = current.clone();
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            for next in published {
                if newest.as_ref().is_some_and(|newest| newest.size >= next.size) {
                    continue;
                }
                let next = Arc::new(next);
                size = next.size;
                recent.push_back(Arc::clone(&next));
                if recent.len() > REMEMBERED {
                    recent.pop_front();
                }
                newest = Some(next);
            }
            let grew = size > 0;
            if grew {
                *current = newest;
            }
            grew
        });
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        *reached = size.max(*reached);
        drop(reached);
        self.grown.notify_all();
    }

    /// Why the log does not go on, if it does not. It then neither appends nor publishes until an operator looked.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.halted.get().map(String::as_str)
    }

    /// Stops the log for good. The first reason is kept.
    pub fn halt(&self, reason: String) {
        let _ = self.halted.set(reason);
    }

    /// Notes that an attempt to publish failed.
    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Attempts to publish that failed since the server started.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Notes that the log has `size` entries now.
    pub fn committed(&self, size: u64) {
        self.committed.fetch_max(size, Ordering::AcqRel);
    }

    /// Lets the publisher look again without waiting for anything to be committed.
    pub fn look_again(&self) {
        self.work().committed = true;
        self.woken.notify_one();
    }

    /// Entries that are committed, as far as this server knows.
    #[must_use]
    pub fn committed_size(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// Ends [`Self::wait_for_work`] for good.
    pub fn stop(&self) {
        self.work().stopping = true;
        self.woken.notify_all();
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something was committed, at most `longest`. `false` when the server ends.
    pub fn wait_for_work(&self, longest: Duration) -> bool {
        let idle = |work: &mut Work| !work.committed && !work.stopping;
        let (mut work, _) =
            self.woken.wait_timeout_while(self.work(), longest, idle).unwrap_or_else(PoisonError::into_inner);
        work.committed = false;
        !work.stopping
    }

    /// Waits for `time`; `false` when the server ends meanwhile.
    pub fn pause(&self, time: Duration) -> bool {
        let (work, _) = self
            .woken
            .wait_timeout_while(self.work(), time, |work| !work.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        !work.stopping
    }

    /// The bytes of a tile or bundle, partial ones cut out of what grew since.
    ///
    /// # Errors
    /// [`ViewError`]; [`ViewError::NotPublished`] if the checkpoint does not cover all of it.
    pub fn resource(&self, tile: Tile) -> Result<Bytes, ViewError> {
        let kept = tile.at_size(self.published_size()).ok_or(ViewError::NotPublished)?;
        // Whoever asks for the same at the same time waits for the one that reads.
        let read = || Ok::<_, ViewError>(Bytes::from(self.fetch(kept)?.into_boxed_slice()));
        let bytes = self.resources.get_or_insert_with(&kept, read)?;
        if kept == tile {
            return Ok(bytes);
        }
        let length = prefix(tile, &bytes).ok_or_else(|| ViewError::Damaged(kept.path()))?;
        // A copy: a part of the kept bytes would hold all of them for as long as somebody reads it.
        Ok(Bytes::copy_from_slice(bytes.get(..length).unwrap_or_default()))
    }

    /// As [`Self::resource`], without reading from storage, if that takes no time.
    #[must_use]
    pub fn cached(&self, tile: Tile) -> Option<Bytes> {
        let kept = tile.at_size(self.published_size())?;
        if kept != tile && tile.level == Level::Entries {
            return None;
        }
        let bytes = self.resources.get(&kept)?;
        if kept == tile {
            return Some(bytes);
        }
        bytes.get(..prefix(tile, &bytes)?).map(Bytes::copy_from_slice)
    }

    /// The stored bytes of a tile, cut out of its full form where its partial one is gone.
    pub(super) fn stored(&self, tile: Tile) -> Result<Option<Vec<u8>>, ViewError> {
        if let Some(bytes) = self.storage.read(&tile.path())? {
            return Ok(Some(bytes));
        }
        // It grew full since its width was taken, and its partial forms are gone.
        let full = tile.full().path();
        let Some(mut bytes) = self.storage.read(&full)? else { return Ok(None) };
        let length = prefix(tile, &bytes).ok_or(ViewError::Damaged(full))?;
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    fn fetch(&self, tile: Tile) -> Result<Vec<u8>, ViewError> {
        let bytes = self.stored(tile);
        if matches!(bytes, Ok(None) | Err(ViewError::Damaged(_))) {
            self.doubt(tile.first_entry());
        }
        bytes?.ok_or_else(|| ViewError::Missing(tile.path()))
    }

    /// Has the publisher examine what is stored on the way from this entry to the root.
    pub(super) fn doubt(&self, entry: u64) {
        let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        if doubted.len() < MOST_DOUBTED {
            doubted.insert(entry);
        }
    }

    /// The entries that were doubted since the last call.
    pub(super) fn take_doubted(&self) -> BTreeSet<u64> {
        std::mem::take(&mut *self.doubted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads these tiles from storage again when they are needed.
    pub(super) fn forget(&self, tile: Tile) {
        self.resources.remove(&tile);
        self.nodes.remove(&tile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{
        edge::Edge,
        storage::{Resource, StoredCheckpoint},
    };
    use std::collections::HashMap;
    use touchstone_schema::log::proof::root_at;

    #[derive(Debug, Default)]
    struct Memory(Mutex<HashMap<String, Vec<u8>>>, AtomicU64);

    impl Storage for Memory {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StorageError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(2));
            Ok(self.0.lock().unwrap().get(path).cloned())
        }

        fn keep(&self, resources: &[Resource]) -> Result<(), StorageError> {
            let all = resources.iter().map(|resource| (resource.path.clone(), resource.bytes.clone()));
            self.0.lock().unwrap().extend(all);
            Ok(())
        }

        fn replace_checkpoint(&self, _: &StoredCheckpoint<'_>) -> Result<(), StorageError> {
            Ok(())
        }

        fn partial_forms(&self, _: &str) -> Vec<String> {
            Vec::new()
        }

        fn remove_partial(&self, _: &[String]) {}

        fn is_shared(&self) -> bool {
            true
        }
    }

    fn published(size: u64) -> Published {
        Published {
            size,
            root: Sha256Digest([0; 32]),
            published_at: Timestamp::EPOCH,
            note: format!("note {size}"),
        }
    }

    /// A view of a log of `size` entries of `bytes` bytes, with room for `cache` bytes.
    fn view(size: u64, bytes: usize, cache: u64) -> (Arc<Memory>, View) {
        let (storage, mut edge, mut full) = (Arc::new(Memory::default()), Edge::default(), Vec::new());
        (0..size).for_each(|n| edge.push(&vec![n as u8; bytes], &mut full));
        storage.keep(&full).unwrap();
        storage.keep(&edge.partials()).unwrap();
        let view = View::new(storage.clone(), cache);
        view.publish([published(size)]);
        (storage, view)
    }

    #[test]
    fn narrow_forms_of_a_tile_hold_no_memory_but_their_own() {
        let (storage, view) = view(700, 10_000, 16 << 20);
        let mut answers = Vec::new();
        for width in (1..=256).rev() {
            let bundle = Tile { level: Level::Entries, index: 1, width };
            let bytes = view.resource(bundle).unwrap();
            assert_eq!(bytes.len(), usize::from(width) * 10_002);
            answers.push(bytes);
            let hashes = Tile { level: Level::Hashes(0), index: 1, width };
            let bytes = view.resource(hashes).unwrap();
            assert_eq!(bytes.len(), usize::from(width) * 32);
            assert_eq!(view.cached(hashes), Some(bytes));
        }
        assert_eq!((view.resources.len(), storage.1.load(Ordering::Relaxed)), (2, 2));
        assert_eq!(view.resources.weight(), 256 * 10_002 + 256 * 32 + 2 * ENTRY_BYTES);
        let kept = answers[0].as_ptr_range();
        assert!(answers[1..].iter().all(|narrow| !kept.contains(&narrow.as_ptr())));
    }

    #[test]
    fn who_asks_for_the_same_tile_at_the_same_time_reads_it_once() {
        let (storage, view) = view(300, 100, 1 << 20);
        std::thread::scope(|scope| {
            for width in 1..=32 {
                let view = &view;
                scope.spawn(move || view.resource(Tile { level: Level::Entries, index: 0, width }).unwrap());
            }
        });
        assert_eq!(storage.1.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn stored_tiles_that_do_not_lead_to_the_root_give_no_proof() {
        let (storage, view) = view(700, 10, 1 << 20);
        let roots = |size| root_at(size, &mut |id| view.node(id, 700)).unwrap();
        let (old, new) = (roots(100), roots(700));
        assert_ne!(old, new);
        view.inclusion(120, 700, &new, 700).unwrap();
        view.consistency(100, 700, &new, 700).unwrap();
        assert!(view.consistency(100, 700, &old, 700).is_err(), "another tree");
        view.take_doubted();
        let damaged = Tile { level: Level::Hashes(0), index: 0, width: 256 };
        storage.0.lock().unwrap().get_mut(&damaged.path()).unwrap()[150 * 32] ^= 1;
        view.forget(damaged);
        for entry in [120, 149, 150, 200] {
            let refused = view.inclusion(entry, 700, &new, 700);
            assert!(matches!(refused, Err(ViewError::Misleading(at)) if at == entry), "{refused:?}");
        }
        assert!(matches!(view.consistency(100, 700, &new, 700), Err(ViewError::Misleading(99))));
        assert_eq!(view.take_doubted(), BTreeSet::from([99, 120, 149, 150, 200, 699]));
        // Elsewhere nothing is wrong.
        view.inclusion(300, 700, &new, 700).unwrap();
        storage.0.lock().unwrap().remove(&damaged.path());
        view.forget(damaged);
        assert!(matches!(view.inclusion(7, 700, &new, 700), Err(ViewError::Missing(_))));
        assert!(view.resource(Tile { index: 1, ..damaged }).is_ok());
        assert_eq!(view.take_doubted(), BTreeSet::from([0]));
    }

    #[test]
    fn what_is_caught_up_is_answered_with_at_once_and_remembered_for_receipts() {
        let (_, view) = view(10, 10, 1 << 20);
        let mut seen = view.current.subscribe();
        seen.mark_unchanged();
        view.publish([10, 12, 15, 20].map(published));
        assert_eq!(view.published_size(), 20);
        assert_eq!(view.first_covering(11), Some(Arc::new(published(12))));
        assert_eq!(view.first_covering(15), Some(Arc::new(published(20))));
        view.publish([published(20)]);
        view.publish([]);
        assert!(seen.has_changed().unwrap() && view.wait_until_reached(20, Duration::ZERO));
    }
}
