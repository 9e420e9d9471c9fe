//! The right edge of the log's tiles: what the next entry completes, and which resources a new size needs.
//!
//! Pure: bytes in, resources out (C2SP tlog-tiles, height 8). An edge that was restored from stored tiles is only as good
//! as they are: its root must be compared with a signed one.

use super::storage::Resource;
use touchstone_schema::{
    Sha256Digest, leaf,
    log::{
        frontier::Frontier,
        tile::{Level, TILE_WIDTH, Tile, decode_bundle},
        tree::node_hash,
    },
};

const WIDTH: usize = TILE_WIDTH as usize;

/// Why stored tiles give no edge.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError<E> {
    /// Reading failed.
    #[error(transparent)]
    Read(E),
    /// A tile is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// A tile has another form than its path says.
    #[error("{0} is damaged")]
    Damaged(String),
}

/// Everything that is not in a full tile yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    tree: Frontier,
    /// By tile level: hashes of the tile that is being filled. Each has fewer than 256.
    rows: Vec<Vec<Sha256Digest>>,
    /// Entries of the bundle that is being filled, as it stands in storage.
    bundle: Vec<u8>,
}

/// A full resource and the tile that it is.
fn resource(tile: Tile, bytes: Vec<u8>) -> Resource {
    Resource { path: tile.path(), bytes }
}

/// The rows above a tile's bottom row, each half as long, as far as pairs are complete.
pub(super) fn rows_above(bottom: &[Sha256Digest]) -> impl Iterator<Item = Vec<Sha256Digest>> {
    let up = |row: &Vec<Sha256Digest>| {
        let next: Vec<_> = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        (!next.is_empty()).then_some(next)
    };
    std::iter::successors(Some(bottom.to_vec()), up).skip(1)
}

/// The root of a full row.
pub(super) fn root_of(full: &[Sha256Digest]) -> Option<Sha256Digest> {
    rows_above(full).last()?.first().copied()
}

/// The hashes of a stored tile; nothing if its length is not that of `width` hashes.
pub(super) fn hashes(bytes: &[u8], width: u16) -> Option<Vec<Sha256Digest>> {
    if bytes.len() != usize::from(width) * 32 {
        return None;
    }
    bytes.chunks_exact(32).map(|hash| hash.try_into().ok().map(Sha256Digest)).collect()
}

/// How many bytes of a wider form of a tile belong to its own width.
pub(super) fn prefix(tile: Tile, wider: &[u8]) -> Option<usize> {
    let width = usize::from(tile.width);
    let length = match tile.level {
        Level::Hashes(_) => width * 32,
        Level::Entries => {
            let mut length = 0;
            let mut entries = decode_bundle(wider);
            for _ in 0..width {
                length += 2 + entries.next()?.ok()?.len();
            }
            length
        }
    };
    (length <= wider.len()).then_some(length)
}

impl Edge {
    /// The tree so far.
    #[must_use]
    pub const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The partial tile of a level in a log of `size` entries, if there is one.
    fn partial(level: usize, size: u64) -> Option<Tile> {
        let level = Level::Hashes(u8::try_from(level).ok()?);
        let hashes = level.count(size);
        let width = u16::try_from(hashes % u64::from(TILE_WIDTH)).ok().filter(|width| *width > 0)?;
        Some(Tile { level, index: hashes / u64::from(TILE_WIDTH), width })
    }

    /// How many tile levels a log of `size` entries has.
    fn levels(size: u64) -> usize {
        (0..8).take_while(|level| Level::Hashes(*level).count(size) > 0).count()
    }

    /// The edge of a log of `size` entries from its stored tiles.
    ///
    /// # Errors
    /// [`EdgeError`]; those of `read`.
    pub fn restore<E>(
        size: u64,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, EdgeError<E>> {
        let mut fetch = |tile: Tile| {
            let path = tile.path();
            if let Some(bytes) = read(&path).map_err(EdgeError::Read)? {
                return Ok((path, bytes));
            }
            // The log may have grown since, and its partial tiles may be gone: the full ones begin with them.
            let full = tile.full().path();
            let Some(mut bytes) = read(&full).map_err(EdgeError::Read)? else {
                return Err(EdgeError::Missing(path));
            };
            let length = prefix(tile, &bytes).ok_or(EdgeError::Damaged(full))?;
            bytes.truncate(length);
            Ok((path, bytes))
        };
        let mut rows = Vec::new();
        for level in 0..Self::levels(size) {
            rows.push(match Self::partial(level, size) {
                Some(tile) => {
                    let (path, bytes) = fetch(tile)?;
                    hashes(&bytes, tile.width).ok_or(EdgeError::Damaged(path))?
                }
                None => Vec::new(),
            });
        }
        let mut bundle = Vec::new();
        if let Some(tile) = Self::partial(0, size) {
            let (path, bytes) = fetch(Tile { level: Level::Entries, ..tile })?;
            let bottom = rows.first().map(Vec::as_slice).unwrap_or_default();
            let entries = decode_bundle(&bytes).collect::<Result<Vec<_>, _>>();
            let same = entries.is_ok_and(|entries| {
                entries.iter().map(|entry| leaf::hash(entry)).eq(bottom.iter().copied())
            });
            if !same {
                return Err(EdgeError::Damaged(path));
            }
            bundle = bytes;
        }
        // Largest subtrees first: from the highest level down, and in each row from left to right.
        let nodes = rows.iter().rev().flat_map(|row| peaks_of(row)).collect();
        let tree =
            Frontier::from_nodes(size, nodes).map_err(|_| EdgeError::Damaged("the right edge".to_owned()))?;
        Ok(Self { tree, rows, bundle })
    }

    /// Takes the next entry; full tiles and bundles that it completes go to `full`.
    pub fn push(&mut self, entry: &[u8], full: &mut Vec<Resource>) {
        let hash = leaf::hash(entry);
        self.tree.push(hash);
        // The sequencer admits no longer entry.
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        self.bundle.extend_from_slice(&length.to_be_bytes());
        self.bundle.extend_from_slice(entry);
        let mut next = Some(hash);
        for level in 0..8_u8 {
            let Some(hash) = next.take() else { break };
            if self.rows.len() <= usize::from(level) {
                self.rows.push(Vec::with_capacity(WIDTH));
            }
            let row = &mut self.rows[usize::from(level)];
            row.push(hash);
            if row.len() < WIDTH {
                break;
            }
            let index = Level::Hashes(level + 1).count(self.tree.size()) - 1;
            let width = TILE_WIDTH as u16;
            next = root_of(row);
            let bytes = row.drain(..).flat_map(|hash| hash.0).collect();
            full.push(resource(Tile { level: Level::Hashes(level), index, width }, bytes));
            if level == 0 {
                let bundle = std::mem::take(&mut self.bundle);
                full.push(resource(Tile { level: Level::Entries, index, width }, bundle));
            }
        }
    }

    /// The partial tiles and the partial bundle of the size so far.
    #[must_use]
    pub fn partials(&self) -> Vec<Resource> {
        let size = self.tree.size();
        let mut partials = Vec::with_capacity(self.rows.len() + 1);
        for (level, row) in self.rows.iter().enumerate() {
            let Some(tile) = Self::partial(level, size) else { continue };
            partials.push(resource(tile, row.iter().flat_map(|hash| hash.0).collect()));
            if level == 0 {
                partials.push(resource(Tile { level: Level::Entries, ..tile }, self.bundle.clone()));
            }
        }
        partials
    }
}

/// The roots of the perfect subtrees of a row that is being filled, largest first.
fn peaks_of(row: &[Sha256Digest]) -> Vec<Sha256Digest> {
    let mut peaks = Vec::new();
    let mut rest = row;
    while !rest.is_empty() {
        let (subtree, right) = rest.split_at(1 << rest.len().ilog2());
        peaks.extend(if subtree.len() == 1 { subtree.first().copied() } else { root_of(subtree) });
        rest = right;
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A storage in memory that holds what a log wrote that was published at every `step` entries.
    fn written(size: u64, step: u64) -> (Edge, BTreeMap<String, Vec<u8>>) {
        let (mut edge, mut kept) = (Edge::default(), BTreeMap::new());
        let mut keep = |resources: Vec<Resource>| {
            for Resource { path, bytes } in resources {
                assert!(!bytes.is_empty(), "{path} is empty");
                assert_eq!(*kept.entry(path).or_insert_with(|| bytes.clone()), bytes);
            }
        };
        for n in 0..size {
            let mut full = Vec::new();
            edge.push(format!("entry {n}").as_bytes(), &mut full);
            keep(full);
            if (n + 1) % step == 0 || n + 1 == size {
                keep(edge.partials());
            }
        }
        (edge, kept)
    }

    #[test]
    fn an_edge_is_restored_from_what_it_wrote() {
        for size in [0, 1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_000] {
            let (edge, kept) = written(size, 97);
            let restored =
                Edge::restore(size, |path| Ok::<_, std::convert::Infallible>(kept.get(path).cloned()))
                    .unwrap();
            assert_eq!(restored.tree().root(), edge.tree().root(), "{size}");
            let mut naive = Frontier::new();
            (0..size).for_each(|n| naive.push(leaf::hash(format!("entry {n}").as_bytes())));
            assert_eq!(edge.tree(), &naive);
            assert_eq!(restored.partials(), edge.partials());
        }
    }

    #[test]
    fn what_a_log_writes_is_what_the_standard_names() {
        let (_, kept) = written(700, 300);
        let expected: std::collections::BTreeSet<String> = [(0, 300), (300, 600), (600, 700)]
            .into_iter()
            .flat_map(|(old, new)| Tile::between(old, new).map(|tile| tile.path()).collect::<Vec<_>>())
            .collect();
        assert_eq!(kept.keys().cloned().collect::<std::collections::BTreeSet<_>>(), expected);
    }

    #[test]
    fn an_edge_is_restored_from_the_full_tiles_of_a_larger_log() {
        let (_, kept) = written(70_000, 70_000);
        for size in [1, 255, 257, 700, 65_537] {
            let (edge, _) = written(size, size);
            let restored =
                Edge::restore(size, |path| Ok::<_, std::convert::Infallible>(kept.get(path).cloned()));
            assert_eq!(restored.unwrap(), edge, "{size}");
        }
    }

    #[test]
    fn a_missing_or_damaged_tile_is_named() {
        let (_, mut kept) = written(300, 300);
        let restore = |kept: &BTreeMap<String, Vec<u8>>| {
            Edge::restore(300, |path| Ok::<_, std::convert::Infallible>(kept.get(path).cloned()))
                .unwrap_err()
                .to_string()
        };
        let bundle = kept.get_mut("tile/entries/001.p/44").unwrap();
        bundle[5] ^= 1;
        assert_eq!(restore(&kept), "tile/entries/001.p/44 is damaged");
        kept.get_mut("tile/0/001.p/44").unwrap().pop();
        assert_eq!(restore(&kept), "tile/0/001.p/44 is damaged");
        kept.remove("tile/1/000.p/1");
        kept.get_mut("tile/0/001.p/44").unwrap().push(0);
        assert_eq!(restore(&kept), "tile/1/000.p/1 is missing");
    }
}
