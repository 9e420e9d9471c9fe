//! The frontier of a growing log: its leaves from the first on, as the fewest perfect subtrees (a compact range).
//!
//! It is all that appending needs: 32 bytes for each bit of the size.

use super::tree::{NodeId, empty_root, node_hash};
use crate::Sha256Digest;

/// Largest size that a frontier is restored at: what fits a signed 64-bit column.
const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

/// The right edge of a log of `size` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Sha256Digest>,
}

/// The nodes are not the frontier of a log of the stated size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// Beyond 2^63 - 1 leaves.
    #[error("a log of {0} entries is larger than 2^63 - 1")]
    Size(u64),
    /// Another number of nodes than the size has bits.
    #[error("the frontier of a log of {size} entries has {expected} nodes, not {found}")]
    Count {
        /// Number of leaves.
        size: u64,
        /// Nodes needed.
        expected: usize,
        /// Nodes given.
        found: usize,
    },
    /// Not a whole number of hashes.
    #[error("a frontier is a sequence of 32-byte hashes; {0} bytes are not")]
    Bytes(usize),
}

impl Frontier {
    /// That of the empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, nodes: Vec::new() }
    }

    /// From the hashes of [`peaks`](super::tree::peaks), largest subtree first.
    ///
    /// # Errors
    /// [`FrontierError`] unless there is one node for each bit of `size`.
    pub fn from_nodes(size: u64, nodes: Vec<Sha256Digest>) -> Result<Self, FrontierError> {
        check_count(size, nodes.len())?;
        Ok(Self { size, nodes })
    }

    /// From what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FrontierError`] unless there are 32 bytes for each bit of `size`.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let (nodes, []) = bytes.as_chunks::<32>() else {
            return Err(FrontierError::Bytes(bytes.len()));
        };
        check_count(size, nodes.len())?;
        Ok(Self { size, nodes: nodes.iter().map(|node| Sha256Digest(*node)).collect() })
    }

    /// 32 bytes for each node, largest subtree first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.nodes.iter().flat_map(|node| node.0).collect()
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of [`peaks`](super::tree::peaks), largest subtree first.
    #[must_use]
    pub fn nodes(&self) -> &[Sha256Digest] {
        &self.nodes
    }

    /// Appends a leaf by its hash; one inner node on average.
    pub fn push(&mut self, leaf: Sha256Digest) {
        self.push_visiting(leaf, &mut |_, _| ());
    }

    /// Appends a leaf by its hash and shows every perfect subtree that it completes, from the leaf itself upwards.
    pub fn push_visiting(&mut self, leaf: Sha256Digest, visit: &mut impl FnMut(NodeId, &Sha256Digest)) {
        let mut node = leaf;
        let mut id = NodeId { level: 0, index: self.size };
        visit(id, &node);
        while id.index & 1 == 1
            && let Some(left) = self.nodes.pop()
        {
            node = node_hash(&left, &node);
            id = NodeId { level: id.level + 1, index: id.index >> 1 };
            visit(id, &node);
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// Root of the tree, RFC 6962 section 2.1.
    #[must_use]
    pub fn root(&self) -> Sha256Digest {
        self.nodes
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

const fn check_count(size: u64, found: usize) -> Result<(), FrontierError> {
    let expected = size.count_ones() as usize;
    if size > MAX_SIZE {
        Err(FrontierError::Size(size))
    } else if found != expected {
        Err(FrontierError::Count { size, expected, found })
    } else {
        Ok(())
    }
}
