//! Tiles and entry bundles: the log as immutable files (C2SP tlog-tiles).
//!
//! A tile is a row of at most 256 hashes; a tile one level up has one hash for each full tile below. The tree levels
//! between are computed. A bundle holds the entries under one tile of level 0.

use super::{
    text::decimal,
    tree::{NodeId, empty_root, node_hash},
};
use crate::Sha256Digest;
use std::iter;

/// Tree levels that a tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u32 = 256;
/// Longest entry in bytes: bundles have 16-bit lengths.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// Highest level that a path may name.
const MAX_LEVEL: u8 = 63;
const FULL: u16 = 256;
const HASH_BYTES: usize = 32;

/// What a tile is made of.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Ord, PartialOrd, Debug)]
pub enum Level {
    /// Hashes of this tile level, 0 to 63; those of level 0 are leaf hashes.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

impl Level {
    /// Each hash stands for two to this power of entries.
    fn height(self) -> u32 {
        match self {
            Self::Hashes(level) => u32::from(TILE_HEIGHT) * u32::from(level),
            Self::Entries => 0,
        }
    }

    /// How many hashes, or entries, a log of `size` entries has at this level.
    #[must_use]
    pub fn count(self, size: u64) -> u64 {
        size.checked_shr(self.height()).unwrap_or(0)
    }
}

/// One file of the log.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Ord, PartialOrd, Debug)]
pub struct Tile {
    /// What it holds.
    pub level: Level,
    /// Position within the level, from 0.
    pub index: u64,
    /// Number of hashes or entries, 1 to 256.
    pub width: u16,
}

/// Why a path or the bytes of a tile are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Not the one path of a tile.
    #[error("not the path of a tile, such as tile/0/x001/234 or tile/entries/000.p/17")]
    Path,
    /// Another length than the width needs.
    #[error("a tile of {width} hashes has {expected} bytes, not {found}")]
    Length {
        /// Hashes in the tile.
        width: u16,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// The tile does not reach the node.
    #[error("the tile neither holds nor yields the hash of node {index} of level {level}")]
    Elsewhere {
        /// Level of the node.
        level: u8,
        /// Index of the node.
        index: u64,
    },
}

impl Tile {
    /// Whether it will never grow.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == FULL
    }

    /// The full tile in the same place: what to fetch when a partial one is gone.
    #[must_use]
    pub const fn full(&self) -> Self {
        Self { width: FULL, ..*self }
    }

    /// The path below the log's prefix, without a leading slash: `tile/0/x001/x234/067.p/5`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = match self.level {
            Level::Hashes(level) => format!("tile/{level}/"),
            Level::Entries => "tile/entries/".to_owned(),
        };
        // u64::MAX has 20 digits: seven groups of three.
        let groups = iter::successors(Some(self.index), |index| Some(index / 1000)).take(7);
        let groups: Vec<u64> =
            groups.enumerate().filter(|(i, n)| *i == 0 || *n > 0).map(|(_, n)| n).collect();
        for (i, group) in groups.iter().enumerate().rev() {
            let group = group % 1000;
            path += &if i == 0 { format!("{group:03}") } else { format!("x{group:03}/") };
        }
        if !self.is_full() {
            path += &format!(".p/{}", self.width);
        }
        path
    }

    /// Reads a path in its one canonical form.
    ///
    /// # Errors
    /// [`TileError::Path`] for anything else.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        // Whatever is read leniently here must print back to the same path.
        Self::read(path).filter(|tile| tile.path() == path).ok_or(TileError::Path)
    }

    fn read(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match level {
            "entries" => Level::Entries,
            level => {
                Level::Hashes(decimal(level).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= MAX_LEVEL)?)
            }
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                let width = decimal(width).and_then(|n| u16::try_from(n).ok())?;
                (number, Some(width).filter(|width| (1..FULL).contains(width))?)
            }
            None => (rest, FULL),
        };
        let index = number.split('/').try_fold(0_u64, |index, element| {
            let digits = element.strip_prefix('x').unwrap_or(element);
            let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let group: u64 = if three { digits.parse().ok()? } else { return None };
            index.checked_mul(1000)?.checked_add(group)
        })?;
        Some(Self { level, index, width })
    }

    /// The tile that holds or yields the hash of a perfect subtree in a log of `tree_size` entries; none if the
    /// subtree is not wholly within it. [`node_in_tile`] takes the hash out.
    #[must_use]
    pub fn of_node(id: NodeId, tree_size: u64) -> Option<Self> {
        if !id.is_within(tree_size) {
            return None;
        }
        let (level, index, _) = place(id)?;
        let level = Level::Hashes(level);
        Some(Self { level, index, width: width_in(level.count(tree_size), index) })
    }

    /// The tile of a level that holds an entry or what lies above it, as a log of `size` entries has it; none if it is
    /// empty there.
    #[must_use]
    pub fn of_entry(level: Level, entry: u64, size: u64) -> Option<Self> {
        let index = level.count(entry) / u64::from(TILE_WIDTH);
        Self { level, index, width: 1 }.at_size(size)
    }

    /// What a log of `size` entries has in the same place; none if that is narrower than this.
    #[must_use]
    pub fn at_size(&self, size: u64) -> Option<Self> {
        let width = width_in(self.level.count(size), self.index);
        (self.width <= width).then_some(Self { width, ..*self })
    }

    /// The first entry that it holds or lies above.
    #[must_use]
    pub fn first_entry(&self) -> u64 {
        let entries = 1_u64.checked_shl(self.level.height() + u32::from(TILE_HEIGHT)).unwrap_or(u64::MAX);
        self.index.saturating_mul(entries)
    }

    /// Every file that a log writes when it grows from `old` to `new` entries: bundles and tiles that became full, and
    /// the partial one of each level. None is empty.
    pub fn between(old: u64, new: u64) -> impl Iterator<Item = Self> {
        let levels = iter::once(Level::Entries).chain((0..TILE_HEIGHT).map(Level::Hashes));
        let rows = levels.map(move |level| (level, level.count(old), level.count(new)));
        rows.filter(|(_, old, new)| old < new).flat_map(|(level, old, new)| {
            let width = u64::from(TILE_WIDTH);
            (old / width..new.div_ceil(width)).map(move |index| Self {
                level,
                index,
                width: width_in(new, index),
            })
        })
    }
}

/// Width of a tile within a row of `len` hashes.
fn width_in(len: u64, index: u64) -> u16 {
    let left = len.saturating_sub(index.saturating_mul(u64::from(TILE_WIDTH)));
    u16::try_from(left).map_or(FULL, |left| left.min(FULL))
}

/// Tile level, tile index and position of the first hash below a perfect subtree.
fn place(id: NodeId) -> Option<(u8, u64, usize)> {
    let (level, height) = (id.level / TILE_HEIGHT, id.level % TILE_HEIGHT);
    let first = id.index.checked_mul(1 << height)?;
    let width = u64::from(TILE_WIDTH);
    Some((level, first / width, usize::try_from(first % width).ok()?))
}

/// The hash of a perfect subtree out of the bytes of its tile; computed where it lies above the tile's bottom row.
///
/// # Errors
/// [`TileError`] if the bytes do not fit the tile's width or the subtree is not within it.
pub fn node_in_tile(tile: &Tile, bytes: &[u8], id: NodeId) -> Result<Sha256Digest, TileError> {
    let expected = usize::from(tile.width) * HASH_BYTES;
    let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
    if bytes.len() != expected {
        return Err(TileError::Length { width: tile.width, expected, found: bytes.len() });
    }
    let elsewhere = TileError::Elsewhere { level: id.level, index: id.index };
    let (level, index, first) = place(id).ok_or(elsewhere)?;
    if tile.level != Level::Hashes(level) || tile.index != index {
        return Err(elsewhere);
    }
    let len = 1 << (id.level % TILE_HEIGHT);
    Ok(perfect_root(hashes.get(first..first + len).ok_or(elsewhere)?))
}

/// Root of a row of hashes whose number is a power of two.
fn perfect_root(row: &[[u8; HASH_BYTES]]) -> Sha256Digest {
    match row {
        [] => empty_root(),
        [hash] => Sha256Digest(*hash),
        _ => {
            let (left, right) = row.split_at(row.len() / 2);
            node_hash(&perfect_root(left), &perfect_root(right))
        }
    }
}

/// Why entries and bundles are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Longer than [`MAX_ENTRY_BYTES`].
    #[error("an entry has {0} bytes; at most {MAX_ENTRY_BYTES} fit a bundle")]
    EntryTooLong(usize),
    /// More than [`TILE_WIDTH`] entries.
    #[error("a bundle has at most {TILE_WIDTH} entries")]
    TooMany,
    /// Ends within an entry.
    #[error("the bundle is cut within entry {0}")]
    Cut(u32),
}

/// A bundle: each entry after its length in two big-endian bytes.
///
/// # Errors
/// [`BundleError`] if an entry is too long or there are too many.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    let mut bundle = Vec::new();
    for (number, entry) in (0_u32..).zip(entries) {
        if number == TILE_WIDTH {
            return Err(BundleError::TooMany);
        }
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong(entry.len()))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle in order, borrowed from it. Ends after the first error.
#[must_use]
pub const fn decode_bundle(bytes: &[u8]) -> Bundle<'_> {
    Bundle { rest: bytes, taken: 0 }
}

/// Iterator over the entries of a bundle.
#[derive(Debug, Clone)]
pub struct Bundle<'a> {
    rest: &'a [u8],
    taken: u32,
}

impl<'a> Bundle<'a> {
    fn take(&mut self) -> Result<&'a [u8], BundleError> {
        let cut = BundleError::Cut(self.taken);
        if self.taken == TILE_WIDTH {
            return Err(BundleError::TooMany);
        }
        let (length, rest) = self.rest.split_first_chunk().ok_or(cut)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(cut)?;
        self.rest = rest;
        self.taken += 1;
        Ok(entry)
    }
}

impl<'a> Iterator for Bundle<'a> {
    type Item = Result<&'a [u8], BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.take();
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

impl iter::FusedIterator for Bundle<'_> {}
