//! The newest codes, appended while queries read them, scanned one by one until they are sealed.
//!
//! A chunk has a fixed size and every cell is an atomic, so one writer appends and any number of readers scan
//! without a lock: what the released length covers is complete.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::code::Spread;

/// Codes in a chunk.
pub(crate) const CHUNK: usize = 2_048;

/// An append-only run of codes.
#[derive(Debug)]
pub(crate) struct Chunk {
    len: AtomicUsize,
    codes: Box<[[AtomicU64; 4]]>,
    ids: Box<[AtomicU32]>,
}

impl Chunk {
    pub(crate) fn new() -> Self {
        Self {
            len: AtomicUsize::new(0),
            codes: (0..CHUNK).map(|_| [const { AtomicU64::new(0) }; 4]).collect(),
            ids: (0..CHUNK).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Appends an entry; answers false when the chunk is full. Only one thread may append at a time: the
    /// index holds its writer lock.
    pub(crate) fn push(&self, code: &Spread, id: u32) -> bool {
        let len = self.len.load(Ordering::Relaxed);
        let (Some(cell), Some(id_cell)) = (self.codes.get(len), self.ids.get(len)) else { return false };
        for (word, bits) in cell.iter().zip(code.0) {
            word.store(bits, Ordering::Relaxed);
        }
        id_cell.store(id, Ordering::Relaxed);
        self.len.store(len + 1, Ordering::Release);
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// The entries complete at the time of the call.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Spread, u32)> {
        let codes = self.codes.iter().map(|[a, b, c, d]| {
            Spread([
                a.load(Ordering::Relaxed),
                b.load(Ordering::Relaxed),
                c.load(Ordering::Relaxed),
                d.load(Ordering::Relaxed),
            ])
        });
        codes.zip(self.ids.iter().map(|id| id.load(Ordering::Relaxed))).take(self.len())
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.codes) + size_of_val(&*self.ids)
    }
}
