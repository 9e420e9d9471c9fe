//! The index: immutable segments, the tail, and how they change while queries run.
//!
//! A query takes the current state (one reference count) and holds no lock afterwards. Inserting appends to
//! the tail. Sealing and merging build new segments beside the old ones and then exchange the state; a thread
//! of the owner calls them, at any pace.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::budget::{Budget, Limits, SCAN};
use super::code::{Code, Spread};
use super::matches::{Answer, Matches};
use super::merge;
use super::segment::{Query, Scratch, Segment};
use super::tail::Chunk;
use crate::matching::withdrawn::Withdrawn;

/// Largest segment that can be configured.
const MAX_SEGMENT: usize = 1 << 28;

/// How the index grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Segments are merged up to this many entries; at most 2^28. A merge needs about 80 bytes of memory for
    /// each entry it writes, beside the old segments.
    pub max_segment: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_segment: 1 << 25 }
    }
}

/// What the index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Entries, withdrawn ones included until a merge drops them.
    pub entries: usize,
    /// Of these, entries in the tail, which every query compares one by one.
    pub tail: usize,
    /// Sealed segments.
    pub segments: usize,
    /// Identifiers ever withdrawn.
    pub withdrawn: u64,
    /// Bytes of memory.
    pub bytes: usize,
}

/// What queries see: replaced as a whole, never changed, but for chunks that grow.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) tail: Vec<Arc<Chunk>>,
}

/// Codes with their identifiers, searchable by Hamming distance. An identifier may have several codes.
#[derive(Debug)]
pub struct HammingIndex {
    options: Options,
    state: RwLock<Arc<State>>,
    withdrawn: Withdrawn,
    /// Held while the tail grows or the state is exchanged: briefly.
    writer: Mutex<()>,
    /// Held by sealing, merging and purging: as long as they take.
    maintenance: Mutex<()>,
}

impl Default for HammingIndex {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl HammingIndex {
    /// An empty index.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let max_segment = options.max_segment.clamp(2, MAX_SEGMENT);
        Self {
            options: Options { max_segment },
            state: RwLock::default(),
            withdrawn: Withdrawn::new(),
            writer: Mutex::new(()),
            maintenance: Mutex::new(()),
        }
    }

    /// An index of what a snapshot holds.
    pub(crate) fn restore(options: Options, segments: Vec<Segment>, withdrawn: Withdrawn) -> Self {
        let state = State { segments: segments.into_iter().map(Arc::new).collect(), tail: Vec::new() };
        Self { state: RwLock::new(Arc::new(state)), withdrawn, ..Self::new(options) }
    }

    /// Adds `code` under `id`; queries that begin afterwards find it. Answers false, and adds nothing, if `id`
    /// has been withdrawn.
    pub fn insert(&self, code: &Code, id: u32) -> bool {
        self.insert_all(&[(*code, id)]) == 1
    }

    /// Adds many entries; answers how many were added, the others being withdrawn.
    pub fn insert_all(&self, entries: &[(Code, u32)]) -> usize {
        let _writer = lock(&self.writer);
        let mut chunk = self.state().tail.last().cloned();
        let mut added = 0;
        for (code, id) in entries.iter().filter(|(_, id)| !self.withdrawn.contains(*id)) {
            let code = Spread::of(code);
            while !chunk.as_ref().is_some_and(|chunk| chunk.push(&code, *id)) {
                let fresh = Arc::new(Chunk::new());
                self.exchange(|state| state.tail.push(Arc::clone(&fresh)));
                chunk = Some(fresh);
            }
            added += 1;
        }
        added
    }

    /// Withdraws `id` with all its codes, for ever: no query reports it from now on, and it cannot be added
    /// again. Answers false if it had been withdrawn before. The codes leave memory with the next merge of
    /// their segment, or with [`HammingIndex::purge`].
    pub fn withdraw(&self, id: u32) -> bool {
        self.withdrawn.add(id)
    }

    /// All entries within `radius` of any of `variants`, such as the eight orientations of a picture (the
    /// first 256 are searched). With no hit beyond the limits, the answer depends on the entries alone, not
    /// on how they came to be arranged.
    #[must_use]
    pub fn search(&self, variants: &[Code], radius: u32, limits: &Limits) -> Answer {
        let state = self.state();
        let mut matches = Matches::new(limits);
        let mut budget = Budget::new(limits.work);
        let mut scratch = Scratch::new();
        let variants: Vec<(u8, Spread)> = (0..=u8::MAX).zip(variants.iter().map(Spread::of)).collect();
        let mut search = |variant: u8, code: Spread, part: &mut dyn FnMut(&mut Query<'_>)| {
            let (matches, budget) = (&mut matches, &mut budget);
            part(&mut Query { code, variant, radius, withdrawn: &self.withdrawn, matches, budget });
        };
        for chunk in &state.tail {
            for (variant, code) in &variants {
                search(*variant, *code, &mut |query| scan(chunk, query));
            }
        }
        for segment in &state.segments {
            for (variant, code) in &variants {
                search(*variant, *code, &mut |query| segment.search(query, &mut scratch));
            }
        }
        let (hits, truncated) = matches.finish();
        Answer { hits, truncated, complete: !budget.exhausted(), work: budget.used() }
    }

    /// Turns the tail into a segment; answers how many entries it held. Worth calling when the tail has some
    /// ten thousand entries.
    pub fn seal(&self) -> usize {
        let _maintenance = lock(&self.maintenance);
        self.seal_tail()
    }

    /// Adds many entries as segments of their own, for filling an index: faster than the tail. Answers how
    /// many were given.
    pub fn insert_sealed(&self, entries: &[(Code, u32)]) -> usize {
        let _maintenance = lock(&self.maintenance);
        for part in entries.chunks(self.options.max_segment) {
            let part = part.iter().map(|(code, id)| (Spread::of(code), *id)).collect();
            let segment = Arc::new(merge::sort(part, &self.withdrawn));
            let _writer = lock(&self.writer);
            self.exchange(|state| state.segments.push(segment));
        }
        entries.len()
    }

    /// Merges some segments, if that is worth it; answers whether it did. Call until it answers false.
    pub fn merge(&self) -> bool {
        let _maintenance = lock(&self.maintenance);
        let Some(old) = merge::choose(&self.state().segments, self.options.max_segment) else { return false };
        self.replace(&old);
        true
    }

    /// Rewrites every segment that holds withdrawn identifiers, so that their codes leave memory; answers how
    /// many segments were rewritten.
    pub fn purge(&self) -> usize {
        let _maintenance = lock(&self.maintenance);
        self.seal_tail();
        let dirty = |segment: &Segment| {
            let (_, ids, more) = segment.parts();
            ids.iter().chain(more.iter().map(|(_, id)| id)).any(|id| self.withdrawn.contains(*id))
        };
        let mut rewritten = 0;
        let segments = self.state().segments.clone();
        for segment in segments.into_iter().filter(|segment| dirty(segment)) {
            self.replace(&[segment]);
            rewritten += 1;
        }
        rewritten
    }

    /// What the index holds now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.state();
        let tail = state.tail.iter().map(|chunk| chunk.len()).sum();
        let sealed: usize = state.segments.iter().map(|segment| segment.len()).sum();
        let bytes = state.segments.iter().map(|segment| segment.bytes()).sum::<usize>()
            + state.tail.iter().map(|chunk| chunk.bytes()).sum::<usize>()
            + self.withdrawn.bytes();
        let (segments, withdrawn) = (state.segments.len(), self.withdrawn.count());
        Stats { entries: sealed + tail, tail, segments, withdrawn, bytes }
    }

    /// The current state.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn withdrawn(&self) -> &Withdrawn {
        &self.withdrawn
    }

    /// Seals the tail. While the segment is built, queries scan the old chunks and new entries go to new ones.
    fn seal_tail(&self) -> usize {
        let frozen = {
            let _writer = lock(&self.writer);
            let frozen = self.state().tail.clone();
            if frozen.iter().all(|chunk| chunk.len() == 0) {
                return 0;
            }
            // A new last chunk: the frozen ones grow no more.
            self.exchange(|state| state.tail.push(Arc::new(Chunk::new())));
            frozen
        };
        let entries: Vec<(Spread, u32)> = frozen.iter().flat_map(|chunk| chunk.entries()).collect();
        let count = entries.len();
        let parts = entries.chunks(self.options.max_segment);
        let segments: Vec<_> =
            parts.map(|part| Arc::new(merge::sort(part.to_vec(), &self.withdrawn))).collect();
        let _writer = lock(&self.writer);
        self.exchange(|state| {
            state.tail.drain(..frozen.len());
            state.segments.extend(segments.into_iter().filter(|segment| segment.len() > 0));
        });
        count
    }

    /// Puts one merged segment in the place of `old`.
    fn replace(&self, old: &[Arc<Segment>]) {
        let merged = merge::merge(old, &self.withdrawn);
        let writer = lock(&self.writer);
        self.exchange(|state| {
            state.segments.retain(|segment| !old.iter().any(|gone| Arc::ptr_eq(gone, segment)));
            if merged.len() > 0 {
                state.segments.push(Arc::new(merged));
            }
        });
        drop(writer);
        // Freeing a large segment takes long. Queries that still use one are waited for, so that it is freed
        // here and not by the last of them.
        while old.iter().any(|segment| Arc::strong_count(segment) > 1) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Publishes a changed copy of the state. The caller holds the writer lock, so no change is lost.
    fn exchange(&self, change: impl FnOnce(&mut State)) {
        let mut state = State::clone(&self.state());
        change(&mut state);
        let state = Arc::new(state);
        let old = std::mem::replace(&mut *self.state.write().unwrap_or_else(PoisonError::into_inner), state);
        // Freed after the lock, in case this was the last reference.
        drop(old);
    }
}

/// Compares every code of `chunk`.
fn scan(chunk: &Chunk, query: &mut Query<'_>) {
    let granted = query.budget.take(chunk.len(), SCAN);
    for (code, id) in chunk.entries().take(granted) {
        let distance = code.distance(&query.code);
        if distance <= query.radius {
            query.report(id, distance);
        }
    }
}

/// A poisoned lock guards nothing here: no state is left half changed by a panic.
fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
