//! Proofs out of stored tiles. Each is verified before it is given: what is stored may be damaged.

use super::{Nodes, View, ViewError};
use crate::log::edge::{hashes, rows_above};
use std::sync::Arc;
use touchstone_schema::{
    Sha256Digest,
    log::{
        proof::{
            ProveError, prove_consistency, prove_inclusion, root_at, verify_consistency, verify_inclusion,
        },
        tile::{TILE_HEIGHT, Tile},
        tree::NodeId,
    },
};

impl View {
    pub(super) fn node(&self, id: NodeId, size: u64) -> Result<Sha256Digest, ViewError> {
        let tile = Tile::of_node(id, size).ok_or(ViewError::NotPublished)?;
        let damaged = || ViewError::Damaged(tile.path());
        let nodes = match self.nodes.get(&tile) {
            Some(nodes) => nodes,
            None => {
                let bottom = hashes(&self.fetch(tile)?, tile.width);
                let bottom = bottom.ok_or_else(|| {
                    self.doubt(tile.first_entry());
                    damaged()
                })?;
                let above: Vec<_> = rows_above(&bottom).collect();
                let nodes: Nodes = std::iter::once(bottom).chain(above).collect();
                let nodes = Arc::new(nodes);
                self.nodes.insert(tile, Arc::clone(&nodes));
                nodes
            }
        };
        let height = id.level % TILE_HEIGHT;
        // Positions within the tile: each row is half as wide as the one below.
        let position = usize::try_from(id.index % (256 >> height)).unwrap_or(usize::MAX);
        nodes.get(usize::from(height)).and_then(|row| row.get(position)).copied().ok_or_else(damaged)
    }

    /// Hashes that lead from the entry at `index` to `root`, that of the first `size` entries, out of tiles that hold `tiles`
    /// entries.
    ///
    /// # Errors
    /// [`ViewError`]; [`ViewError::Misleading`] if what is stored does not lead there.
    pub fn inclusion(
        &self,
        index: u64,
        size: u64,
        root: &Sha256Digest,
        tiles: u64,
    ) -> Result<Vec<Sha256Digest>, ViewError> {
        let hashes = prove_inclusion(index, size, &mut |id| self.node(id, tiles)).map_err(reason)?;
        let leaf = self.node(NodeId { level: 0, index }, tiles)?;
        // The tile's own leaf: only the true one leads to the root.
        if verify_inclusion(index, size, &leaf, root, &hashes).is_err() {
            return Err(self.misled([index, size - 1]));
        }
        Ok(hashes)
    }

    /// Hashes that show that the first `new` entries, whose root is `root`, begin with the first `old` ones, out of tiles
    /// that hold `tiles` entries.
    ///
    /// # Errors
    /// [`ViewError`]; [`ViewError::Misleading`] if what is stored does not show it.
    pub fn consistency(
        &self,
        old: u64,
        new: u64,
        root: &Sha256Digest,
        tiles: u64,
    ) -> Result<Vec<Sha256Digest>, ViewError> {
        let mut node = |id| self.node(id, tiles);
        let hashes = prove_consistency(old, new, &mut node).map_err(reason)?;
        let old_root = root_at(old, &mut node)?;
        if verify_consistency(old, &old_root, new, root, &hashes).is_err() {
            return Err(self.misled([old.saturating_sub(1), new.saturating_sub(1)]));
        }
        Ok(hashes)
    }

    fn misled(&self, entries: [u64; 2]) -> ViewError {
        entries.iter().for_each(|entry| self.doubt(*entry));
        ViewError::Misleading(entries[0])
    }
}

fn reason(error: ProveError<ViewError>) -> ViewError {
    match error {
        ProveError::Range(_) => ViewError::NotPublished,
        ProveError::Source(error) => error,
    }
}
