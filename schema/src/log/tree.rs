//! Merkle tree hashes of RFC 6962 section 2.1, and the perfect subtrees that a tree is made of.

use crate::Sha256Digest;

/// Hash of an inner node: SHA-256(01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Sha256Digest, right: &Sha256Digest) -> Sha256Digest {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(&left.0);
    input[33..].copy_from_slice(&right.0);
    Sha256Digest::of(&input)
}

/// Root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Sha256Digest {
    Sha256Digest::of(&[])
}

/// A perfect subtree of 2^`level` leaves. It covers the leaves from `index << level` to, not including,
/// `(index + 1) << level`.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Ord, PartialOrd, Debug)]
pub struct NodeId {
    /// 0 for leaves.
    pub level: u8,
    /// Position among the perfect subtrees of this level, from 0.
    pub index: u64,
}

impl NodeId {
    /// Whether a tree of `size` leaves holds all leaves of this subtree.
    #[must_use]
    pub fn is_within(self, size: u64) -> bool {
        self.index < size.checked_shr(u32::from(self.level)).unwrap_or(0)
    }
}

/// The tree of `size` leaves as perfect subtrees, largest first: one for each bit of `size`.
#[must_use]
pub fn peaks(size: u64) -> Vec<NodeId> {
    let mut peaks: Vec<NodeId> = subtrees(0, size).collect();
    peaks.reverse();
    peaks
}

/// The `len` leaves from `start` on as perfect subtrees, smallest first. `start` is a multiple of a power of two
/// that is at least `len`, as it is for every subtree that RFC 6962 speaks of.
pub(super) fn subtrees(start: u64, len: u64) -> impl Iterator<Item = NodeId> {
    (0..64_u8)
        .filter(move |level| len >> level & 1 == 1)
        .map(move |level| NodeId { level, index: (start >> level) + (len >> level) - 1 })
}
