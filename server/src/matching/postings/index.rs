//! The index: immutable segments, the newest postings, and how they change while queries run.
//!
//! A query takes the current state (one reference count) and holds no lock afterwards. A registered picture is
//! found by queries that begin after its insertion. The newest postings stand unsorted until there are enough for a
//! segment; segments are merged by [`PostingIndex::maintain`], which a thread of the owner calls.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::local::{Local, PICTURE_LOCALS};
use super::posting::Posting;
use super::segment::{MAX_POSTINGS, Segment};
use super::vocabulary::Vocabulary;
use crate::matching::withdrawn::Withdrawn;

/// Postings that become a segment: 1,024 pictures. A query looks at every posting that is in none.
const SEAL: usize = 1_024 * PICTURE_LOCALS;
/// A segment is merged with all smaller ones as soon as it is at most so many times as large as they are together. So
/// there are few segments, most postings are in the largest, and a posting is written about a dozen times in all.
const RATIO: usize = 4;

/// How the index grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Segments are merged up to this many postings, at most 2^31. A merge needs 8 bytes of memory for each posting
    /// it writes, beside the old segments.
    pub max_segment: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_segment: 1 << 28 }
    }
}

/// What the index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Postings, withdrawn ones included until a merge drops them.
    pub postings: usize,
    /// Of these, postings in no segment yet.
    pub tail: usize,
    /// Sealed segments.
    pub segments: usize,
    /// Pictures ever withdrawn.
    pub withdrawn: u64,
    /// Bytes of memory.
    pub bytes: usize,
}

/// Postings with their words, in no order.
pub(crate) type Entries = Vec<(u32, Posting)>;

/// What queries see: replaced as a whole, never changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) tail: Vec<Arc<Entries>>,
}

impl State {
    /// Postings, withdrawn ones included.
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.len()).sum::<usize>() + self.tail_len()
    }

    pub(crate) fn tail_len(&self) -> usize {
        self.tail.iter().map(|entries| entries.len()).sum()
    }
}

/// Descriptors of pictures by visual word.
#[derive(Debug)]
pub struct PostingIndex {
    options: Options,
    vocabulary: Arc<Vocabulary>,
    state: RwLock<Arc<State>>,
    withdrawn: Withdrawn,
    /// Held while the state is exchanged, and while a tail is sorted into a segment.
    writer: Mutex<()>,
    /// Held by merging: as long as it takes.
    maintenance: Mutex<()>,
    /// Pictures whose damage has been told.
    damaged: Mutex<BTreeSet<u32>>,
}

impl PostingIndex {
    /// An empty index.
    #[must_use]
    pub fn new(vocabulary: Arc<Vocabulary>, options: Options) -> Self {
        Self::restore(vocabulary, options, Vec::new(), Withdrawn::new())
    }

    /// An index of what a snapshot holds.
    pub(crate) fn restore(
        vocabulary: Arc<Vocabulary>,
        options: Options,
        segments: Vec<Segment>,
        withdrawn: Withdrawn,
    ) -> Self {
        let options = Options { max_segment: options.max_segment.clamp(SEAL, MAX_POSTINGS) };
        let state = State { segments: segments.into_iter().map(Arc::new).collect(), tail: Vec::new() };
        Self {
            options,
            vocabulary,
            state: RwLock::new(Arc::new(state)),
            withdrawn,
            writer: Mutex::new(()),
            maintenance: Mutex::new(()),
            damaged: Mutex::default(),
        }
    }

    /// Adds the descriptors of `picture` (the first 64). Answers false, and adds nothing, if it has been withdrawn.
    /// Inserting a picture twice costs space and finds nothing more: votes are counted from its stored codes.
    pub fn insert(&self, picture: u32, locals: &[Local]) -> bool {
        self.insert_all([(picture, locals)]) == 1
    }

    /// Adds many pictures; answers how many were added, the others being withdrawn.
    pub fn insert_all<'a>(&self, pictures: impl IntoIterator<Item = (u32, &'a [Local])>) -> usize {
        let (mut entries, mut added) = (Entries::new(), 0);
        for (picture, locals) in pictures {
            if self.withdrawn.contains(picture) {
                continue;
            }
            let locals = locals.iter().take(PICTURE_LOCALS);
            entries.extend(locals.map(|it| (self.vocabulary.word(&it.code), Posting::new(picture, it))));
            added += 1;
            if entries.len() >= SEAL {
                self.append(std::mem::take(&mut entries));
            }
        }
        self.append(entries);
        added
    }

    fn append(&self, entries: Entries) {
        if entries.is_empty() {
            return;
        }
        let _writer = lock(&self.writer);
        let mut state = State::clone(&self.state());
        state.tail.push(Arc::new(entries));
        if state.tail_len() >= SEAL {
            let entries = state.tail.iter().flat_map(|entries| entries.iter().copied()).collect();
            let segment = Segment::build(entries, self.vocabulary.words(), &self.withdrawn);
            state.tail.clear();
            if segment.len() > 0 {
                state.segments.push(Arc::new(segment));
            }
        }
        self.exchange(state);
    }

    /// Withdraws `picture` for ever: no query reports it from now on, and it cannot be added again. Answers false if
    /// it had been withdrawn before. Its postings leave memory with the next merge of their segment.
    pub fn withdraw(&self, picture: u32) -> bool {
        self.withdrawn.add(picture)
    }

    /// Merges some segments, if that is worth it; answers whether there may be more to do. Queries and insertions go on
    /// meanwhile.
    pub fn maintain(&self) -> bool {
        let _maintenance = lock(&self.maintenance);
        let state = self.state();
        let Some(chosen) = self.due(&state.segments) else { return false };
        let parts: Vec<&Segment> = chosen.iter().map(AsRef::as_ref).collect();
        let merged = Segment::merge(&parts, self.vocabulary.words(), &self.withdrawn);
        let _writer = lock(&self.writer);
        let mut state = State::clone(&self.state());
        state.segments.retain(|segment| !chosen.iter().any(|old| Arc::ptr_eq(old, segment)));
        if merged.len() > 0 {
            state.segments.push(Arc::new(merged));
        }
        self.exchange(state);
        true
    }

    /// The smallest segments, as many as are worth merging into one.
    fn due(&self, segments: &[Arc<Segment>]) -> Option<Vec<Arc<Segment>>> {
        let mut sorted = segments.to_vec();
        sorted.sort_by_key(|segment| segment.len());
        let (mut total, mut chosen) = (0, 0);
        for (smaller, segment) in sorted.iter().enumerate() {
            let len = segment.len();
            if smaller > 0 && len <= RATIO * total && total + len <= self.options.max_segment {
                chosen = smaller + 1;
            }
            total += len;
        }
        sorted.truncate(chosen);
        (chosen > 0).then_some(sorted)
    }

    /// What the index holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.state();
        let sealed: usize = state.segments.iter().map(|segment| segment.len()).sum();
        let tail = state.tail_len();
        let bytes: usize = state.segments.iter().map(|segment| segment.bytes()).sum();
        Stats {
            postings: sealed + tail,
            tail,
            segments: state.segments.len(),
            withdrawn: self.withdrawn.count(),
            bytes: bytes + tail * size_of::<(u32, Posting)>() + self.withdrawn.bytes(),
        }
    }

    /// Tells that the stored codes of `picture` are damaged: once, as every query like it meets them.
    pub(crate) fn report_damage(&self, picture: u32) {
        if lock(&self.damaged).insert(picture) {
            tracing::error!(
                picture,
                "the stored descriptors of picture {picture} are damaged: its parts are not found until the index is \
                 made anew"
            );
        }
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn withdrawn(&self) -> &Withdrawn {
        &self.withdrawn
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn exchange(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }
}

/// A lock whose holder cannot leave a half-made change behind: states are exchanged whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
