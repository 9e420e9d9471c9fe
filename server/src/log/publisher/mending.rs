//! Stored tiles that are lost, or that misled somebody: what is missing is derived from the database again, and what
//! stands there with other bytes is named, for an operator to move away.

use super::{MEND_EVERY, PublishError, Publisher};
use crate::{
    clock::Deadline,
    log::{
        edge::{hashes, root_of},
        storage::Resource,
        view::{Published, ViewError},
    },
};
use std::collections::HashMap;
use touchstone_schema::{
    Sha256Digest, leaf,
    log::{
        proof::{prove_inclusion, verify_inclusion},
        tile::{Level, TILE_HEIGHT, TILE_WIDTH, Tile, encode_bundle, node_in_tile},
        tree::NodeId,
    },
};

/// Tiles as they follow from the database.
type Derived = HashMap<Tile, Vec<u8>>;

fn leaf_hashes(entries: &[Vec<u8>]) -> Vec<Sha256Digest> {
    entries.iter().map(|entry| leaf::hash(entry)).collect()
}

/// The tiles on the way from an entry to the root of `size` entries, lowest first. At the right edge a level may lack
/// one and a higher level have it.
fn way(entry: u64, size: u64) -> impl Iterator<Item = Tile> {
    (0..8).filter_map(move |level| Tile::of_entry(Level::Hashes(level), entry, size))
}

impl Publisher {
    /// Examines what was doubted since the last time.
    pub(super) fn mend(&mut self) {
        let Some(current) = self.view.current().filter(|_| self.mended.remaining().is_zero()) else { return };
        let mut doubted = self.view.take_doubted();
        if doubted.is_empty() {
            return;
        }
        self.mended = Deadline::after(MEND_EVERY);
        while let Some(entry) = doubted.pop_first().filter(|entry| *entry < current.size) {
            // Publication goes on in between.
            if self.mended.remaining().is_zero() {
                doubted.insert(entry);
                doubted.into_iter().for_each(|entry| self.view.doubt(entry));
                return;
            }
            match self.examine(entry, &current) {
                Ok(true) => {
                    // Files are lost in runs. Its neighbours end the run where nothing is missing.
                    let first = entry - entry % u64::from(TILE_WIDTH);
                    doubted.extend(first.checked_sub(1));
                    doubted.insert(first + u64::from(TILE_WIDTH));
                }
                Ok(false) => {}
                Err(error) => tracing::error!("the tiles around log entry {entry} are not mended: {error}"),
            }
        }
    }

    /// Compares the tiles on the way from an entry to the root with those that follow from the database. Whether any was
    /// lost.
    fn examine(&self, entry: u64, current: &Published) -> Result<bool, PublishError> {
        // Tiles of tiles follow from their stored children at first: from the database it takes millions of entries.
        for trusting in [true, false] {
            let mut derived = Derived::new();
            for way in [entry, current.size - 1] {
                self.derive_way(way, current.size, trusting, &mut derived)?;
            }
            if self.leads(entry, current, &derived) {
                return self.compare(derived);
            }
        }
        Err(PublishError::failed(
            "the database's entries do not lead to the root that was signed: the database is damaged, too",
        ))
    }

    /// The tiles on the way from an entry to the root, and the bundle below them.
    fn derive_way(
        &self,
        entry: u64,
        size: u64,
        trusting: bool,
        derived: &mut Derived,
    ) -> Result<(), PublishError> {
        for tile in way(entry, size) {
            if derived.contains_key(&tile) {
                continue;
            }
            let row = if tile.level == Level::Hashes(0) {
                // The same entries make the bundle: they are read once.
                let entries = self.entries(tile)?;
                let bundle =
                    encode_bundle(entries.iter().map(Vec::as_slice)).map_err(PublishError::failed)?;
                derived.insert(Tile { level: Level::Entries, ..tile }, bundle);
                leaf_hashes(&entries)
            } else {
                self.row(tile, trusting, derived)?
            };
            derived.insert(tile, row.iter().flat_map(|hash| hash.0).collect());
        }
        Ok(())
    }

    /// The entries under a tile of the lowest level.
    fn entries(&self, tile: Tile) -> Result<Vec<Vec<u8>>, PublishError> {
        Ok(self.store.read(|reader| reader.leaves(tile.first_entry(), tile.width.into()))?)
    }

    /// The hashes of a tile: of entries, or of the tiles below it.
    fn row(&self, tile: Tile, trusting: bool, derived: &Derived) -> Result<Vec<Sha256Digest>, PublishError> {
        let below = match tile.level {
            Level::Hashes(level) => level.checked_sub(1),
            Level::Entries => None,
        };
        let Some(below) = below else {
            return Ok(leaf_hashes(&self.entries(tile)?));
        };
        let (first, width) = (tile.index << TILE_HEIGHT, TILE_WIDTH as u16);
        (first..first + u64::from(tile.width))
            .map(|index| {
                let child = Tile { level: Level::Hashes(below), index, width };
                let known = match derived.get(&child) {
                    Some(bytes) => hashes(bytes, width),
                    None if trusting => {
                        self.view.stored(child).ok().flatten().and_then(|bytes| hashes(&bytes, width))
                    }
                    None => None,
                };
                let row = known.map_or_else(|| self.row(child, trusting, derived), Ok)?;
                root_of(&row).ok_or_else(|| PublishError::failed("a tile without hashes"))
            })
            .collect()
    }

    /// Whether an entry leads to the published root, over these tiles where they are concerned.
    fn leads(&self, entry: u64, current: &Published, derived: &Derived) -> bool {
        let size = current.size;
        let mut node = |id: NodeId| {
            let tile = Tile::of_node(id, size).ok_or(())?;
            match derived.get(&tile) {
                Some(bytes) => node_in_tile(&tile, bytes, id).map_err(drop),
                None => Err(()),
            }
        };
        let Ok(leaf) = node(NodeId { level: 0, index: entry }) else { return false };
        prove_inclusion(entry, size, &mut node)
            .is_ok_and(|proof| verify_inclusion(entry, size, &leaf, &current.root, &proof).is_ok())
    }

    /// Keeps what is missing, and names what differs.
    fn compare(&self, derived: Derived) -> Result<bool, PublishError> {
        let mut lost = Vec::new();
        for (tile, bytes) in derived {
            let path = tile.path();
            match self.view.stored(tile) {
                Ok(Some(stored)) if stored == bytes => {}
                Ok(None) => lost.push(Resource { path, bytes }),
                Err(error @ ViewError::Storage(_)) => {
                    return Err(PublishError::failed(error));
                }
                Ok(Some(_)) | Err(_) => tracing::error!(
                    "{path} in the log's storage is damaged, and what needs it is refused: move it away, and it is \
                     derived from the database again"
                ),
            }
            self.view.forget(tile);
        }
        self.view.storage().keep(&lost)?;
        for Resource { path, .. } in &lost {
            tracing::warn!("{path} was lost from the log's storage and is derived from the database again");
        }
        Ok(!lost.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of trees with one to three levels of tiles, most of them with next to nothing at the right edge.
    fn size() -> impl Strategy<Value = u64> {
        let edges = (1_u64..4, 0_u32..3, 0_u64..300)
            .prop_map(|(times, level, more)| times * u64::from(TILE_WIDTH).pow(level) + more);
        prop_oneof![edges, 1_u64..20_000_000]
    }

    proptest! {
        #[test]
        fn a_proof_stands_on_the_ways_of_its_entry_and_of_the_last(
            size in size(), at: prop::sample::Index, back in 0_u64..3,
        ) {
            for entry in [at.index(usize::try_from(size).unwrap()) as u64, (size - 1).saturating_sub(back)] {
                let tiles: Vec<Tile> = way(entry, size).chain(way(size - 1, size)).collect();
                let mut missing = Vec::new();
                let mut node = |id: NodeId| {
                    let tile = Tile::of_node(id, size).ok_or(())?;
                    if !tiles.contains(&tile) {
                        missing.push(tile);
                    }
                    Ok::<_, ()>(Sha256Digest([0; 32]))
                };
                prop_assert!(prove_inclusion(entry, size, &mut node).is_ok());
                prop_assert!(missing.is_empty(), "entry {entry} of {size}: {missing:?}");
            }
        }
    }
}
