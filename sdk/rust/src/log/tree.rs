//! Hash tiles that are known to belong to a signed root.
//!
//! The tiles at the right edge of the tree must make the root that the checkpoint states. Every other tile must make the
//! hash that the tile above it holds. So whatever this hands out is bound to the signature, and what is wrong is named by
//! its path.

use super::{
    finding::{AuditError, Finding, TileFault},
    source::{self, Source},
};
use std::{collections::VecDeque, sync::Arc};
use touchstone_schema::{
    Sha256Digest,
    log::{
        Checkpoint, Frontier, Level, NodeId, NodeSource, Tile, TileError, node_in_tile, peaks, root_at,
        tile::{TILE_HEIGHT, TILE_WIDTH},
    },
};

/// Verified tiles that are kept: 8 KiB each.
const KEPT: usize = 64;
const WIDTH: u64 = TILE_WIDTH as u64;

/// The tree under one checkpoint.
#[derive(Clone)]
pub struct Tree<'a> {
    source: &'a dyn Source,
    size: u64,
    /// The partial tile of each level that has one.
    edge: Vec<(Tile, Arc<[u8]>)>,
    kept: VecDeque<(Tile, Arc<[u8]>)>,
}

impl std::fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("size", &self.size).finish_non_exhaustive()
    }
}

impl<'a> Tree<'a> {
    /// Reads the tiles at the right edge and holds them to the checkpoint's root.
    ///
    /// # Errors
    /// [`AuditError`] if they are missing, damaged or of another tree.
    pub fn open(source: &'a dyn Source, checkpoint: &Checkpoint) -> Result<Self, AuditError> {
        let size = checkpoint.size;
        let mut tree = Self { source, size, edge: Vec::new(), kept: VecDeque::new() };
        for level in 0..TILE_HEIGHT {
            let Some(tile) = tree.place(level, tree.row(level) / WIDTH) else { continue };
            let bytes = tree.fetch(&tile)?;
            tree.edge.push((tile, bytes));
        }
        let found = root_at(size, &mut tree)?;
        if found == checkpoint.root {
            return Ok(tree);
        }
        // Which of them is wrong? One that its own tiles below contradict, or the checkpoint.
        tree.contradiction()?;
        Err(Finding::Root { size, signed: checkpoint.root, found }.into())
    }

    /// Number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Number of hashes in the row of a tile level.
    const fn row(&self, level: u8) -> u64 {
        self.size >> (level * TILE_HEIGHT)
    }

    /// The tile in this place at this size, if it holds anything.
    fn place(&self, level: u8, index: u64) -> Option<Tile> {
        let left = self.row(level).checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        let width = u16::try_from(left).ok().filter(|width| *width > 0)?;
        Some(Tile { level: Level::Hashes(level), index, width })
    }

    fn fetch(&self, tile: &Tile) -> Result<Arc<[u8]>, AuditError> {
        let resource = || tile.path();
        let bytes = source::tile(self.source, tile)?;
        let bytes = bytes.ok_or_else(|| Finding::Missing { resource: resource() })?;
        let expected = usize::from(tile.width) * 32;
        if bytes.len() != expected {
            let fault = TileFault::Length { expected, found: bytes.len() };
            return Err(Finding::Tile { resource: resource(), fault }.into());
        }
        Ok(bytes.into())
    }

    /// The tile at this place as it stands at this size, bound to the root.
    ///
    /// # Errors
    /// [`AuditError`] if it is missing or damaged.
    pub fn tile(&mut self, level: u8, index: u64) -> Result<Arc<[u8]>, AuditError> {
        let tile = self.place(level, index);
        let tile = tile.ok_or_else(|| Finding::outside(NodeId { level: level * TILE_HEIGHT, index }))?;
        if let Some(bytes) = self.known(&tile) {
            return Ok(bytes);
        }
        let bytes = self.fetch(&tile)?;
        self.check(&tile, &bytes)?;
        self.keep(tile, Arc::clone(&bytes));
        Ok(bytes)
    }

    fn known(&self, tile: &Tile) -> Option<Arc<[u8]>> {
        let mut known = self.edge.iter().chain(&self.kept);
        known.find(|(other, _)| other == tile).map(|(_, bytes)| Arc::clone(bytes))
    }

    fn keep(&mut self, tile: Tile, bytes: Arc<[u8]>) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((tile, bytes));
    }

    /// Whether the bytes of a tile, wherever they come from, belong to the root.
    ///
    /// # Errors
    /// [`Finding::Tile`] if they do not; [`AuditError`] of the tile above.
    pub fn check(&mut self, tile: &Tile, bytes: &[u8]) -> Result<(), AuditError> {
        let Level::Hashes(level) = tile.level else { return Ok(()) };
        let fault = |fault| AuditError::from(Finding::Tile { resource: tile.path(), fault });
        if !tile.is_full() {
            return match self.known(tile) {
                Some(known) if *known == *bytes => Ok(()),
                _ => Err(fault(TileFault::Hash)),
            };
        }
        let above = self.tile(level + 1, tile.index / WIDTH)?;
        let at = (tile.index % WIDTH) as usize * 32;
        let made = whole(tile, bytes)?;
        if above.get(at..at + 32) == Some(made.as_bytes().as_slice()) {
            Ok(())
        } else {
            Err(fault(TileFault::Hash))
        }
    }

    /// The first tile of the right edge that the full tiles below it contradict, as an error.
    fn contradiction(&self) -> Result<(), AuditError> {
        for (tile, bytes) in self.edge.iter().rev() {
            let Level::Hashes(level @ 1..) = tile.level else { continue };
            for (index, hash) in (tile.index * WIDTH..).zip(bytes.as_chunks::<32>().0) {
                let below = Tile { level: Level::Hashes(level - 1), index, width: TILE_WIDTH as u16 };
                if whole(&below, &self.fetch(&below)?)?.as_bytes() != hash {
                    let resource = tile.path();
                    return Err(
                        Finding::Tile { resource, fault: TileFault::Below { tile: below.path() } }.into()
                    );
                }
            }
        }
        Ok(())
    }

    /// The frontier of the tree's first `size` entries.
    ///
    /// # Errors
    /// [`AuditError`] if the tree is smaller, or a tile is missing or damaged.
    pub fn frontier(&mut self, size: u64) -> Result<Frontier, AuditError> {
        let nodes = peaks(size).into_iter().map(|id| self.node(id)).collect::<Result<_, _>>()?;
        Frontier::from_nodes(size, nodes)
            .map_err(|_| Finding::outside(NodeId { level: 0, index: size }).into())
    }

    /// Root of the tree's first `size` entries.
    ///
    /// # Errors
    /// As [`Self::frontier`].
    pub fn root(&mut self, size: u64) -> Result<Sha256Digest, AuditError> {
        root_at(size, self)
    }
}

/// The hash that a full tile makes for the tile above it.
fn whole(tile: &Tile, bytes: &[u8]) -> Result<Sha256Digest, AuditError> {
    let Level::Hashes(level) = tile.level else { return Ok(Sha256Digest::of(bytes)) };
    let id = NodeId { level: level * TILE_HEIGHT + TILE_HEIGHT, index: tile.index };
    // A node of the level above lies in a tile of that level, so the halves are joined here.
    let half = |index| node_in_tile(tile, bytes, NodeId { level: id.level - 1, index });
    match (half(id.index * 2), half(id.index * 2 + 1)) {
        (Ok(left), Ok(right)) => Ok(touchstone_schema::log::node_hash(&left, &right)),
        (Err(error), _) | (_, Err(error)) => Err(damaged(tile, error)),
    }
}

fn damaged(tile: &Tile, error: TileError) -> AuditError {
    let fault = match error {
        TileError::Length { expected, found, .. } => TileFault::Length { expected, found },
        TileError::Path | TileError::Elsewhere { .. } => TileFault::Hash,
    };
    Finding::Tile { resource: tile.path(), fault }.into()
}

impl NodeSource for Tree<'_> {
    type Error = AuditError;

    fn node(&mut self, id: NodeId) -> Result<Sha256Digest, AuditError> {
        let tile = Tile::of_node(id, self.size).ok_or_else(|| Finding::outside(id))?;
        let Level::Hashes(level) = tile.level else { return Err(Finding::outside(id).into()) };
        let bytes = self.tile(level, tile.index)?;
        node_in_tile(&tile, &bytes, id).map_err(|error| damaged(&tile, error))
    }
}
