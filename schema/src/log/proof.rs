//! Inclusion and consistency proofs: RFC 6962 sections 2.1.1 and 2.1.2.
//!
//! A proof lists the roots of the subtrees beside a path through the tree. Such a subtree is perfect or, at the
//! right edge, made of several perfect ones: those are all that a [`NodeSource`] is asked for.

use super::tree::{NodeId, empty_root, node_hash, subtrees};
use crate::Sha256Digest;

/// Where the hashes of perfect subtrees come from: memory, tiles, a database.
pub trait NodeSource {
    /// Why a hash cannot be had.
    type Error;

    /// The hash of a perfect subtree.
    ///
    /// # Errors
    /// The source's own.
    fn node(&mut self, id: NodeId) -> Result<Sha256Digest, Self::Error>;
}

impl<F, E> NodeSource for F
where
    F: FnMut(NodeId) -> Result<Sha256Digest, E>,
{
    type Error = E;

    fn node(&mut self, id: NodeId) -> Result<Sha256Digest, E> {
        self(id)
    }
}

/// There is no such proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The leaf lies outside of the tree.
    #[error("a log of {size} entries has no entry {index}")]
    NoSuchLeaf {
        /// The leaf asked for.
        index: u64,
        /// Number of leaves.
        size: u64,
    },
    /// The later tree is smaller than the earlier one.
    #[error("a log of {new} entries cannot follow one of {old}")]
    Shrunk {
        /// Earlier number of leaves.
        old: u64,
        /// Later number of leaves.
        new: u64,
    },
}

/// Why a proof cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// There is no such proof.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The source failed.
    #[error("a node of the tree cannot be read: {0}")]
    Source(E),
}

/// Why a proof is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such proof.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Index and sizes need another number of hashes.
    #[error("the proof has {found} hashes; {expected} are needed")]
    Length {
        /// Hashes needed.
        expected: usize,
        /// Hashes given.
        found: usize,
    },
    /// The proof does not lead to the earlier root.
    #[error("the proof does not lead to the root of the earlier tree")]
    OldRoot,
    /// The proof does not lead to the root.
    #[error("the proof does not lead to the root of the tree")]
    Root,
}

/// The leaves from `start` to, not including, `end`: a subtree of RFC 6962's recursion.
#[derive(Clone, Copy)]
struct Span {
    start: u64,
    end: u64,
}

impl Span {
    /// The two subtrees below this one. It has at least two leaves.
    const fn split(self) -> (Self, Self) {
        // The largest power of two below the number of leaves.
        let left = 1 << (self.end - self.start - 1).ilog2();
        let middle = self.start + left;
        (Self { start: self.start, end: middle }, Self { start: middle, end: self.end })
    }

    fn nodes(self) -> impl Iterator<Item = NodeId> {
        subtrees(self.start, self.end - self.start)
    }

    fn root<S: NodeSource>(self, source: &mut S) -> Result<Sha256Digest, S::Error> {
        let mut root = None;
        for id in self.nodes() {
            let left = source.node(id)?;
            root = Some(root.map_or(left, |right| node_hash(&left, &right)));
        }
        Ok(root.unwrap_or_else(empty_root))
    }
}

/// PATH of RFC 6962 section 2.1.1, leaf's sibling first.
fn inclusion_spans(index: u64, size: u64) -> Result<Vec<Span>, RangeError> {
    if index >= size {
        return Err(RangeError::NoSuchLeaf { index, size });
    }
    let mut spans = Vec::new();
    let mut tree = Span { start: 0, end: size };
    while tree.end - tree.start > 1 {
        let (left, right) = tree.split();
        let (inside, beside) = if index < right.start { (left, right) } else { (right, left) };
        spans.push(beside);
        tree = inside;
    }
    spans.reverse();
    Ok(spans)
}

/// PROOF of RFC 6962 section 2.1.2, deepest subtree first. The empty tree needs no proof (C2SP tlog-witness).
fn consistency_spans(old: u64, new: u64) -> Result<Vec<Span>, RangeError> {
    if old > new {
        return Err(RangeError::Shrunk { old, new });
    }
    let mut spans = Vec::new();
    if old == 0 {
        return Ok(spans);
    }
    let mut tree = Span { start: 0, end: new };
    while tree.end != old {
        let (left, right) = tree.split();
        let (inside, beside) = if old <= right.start { (left, right) } else { (right, left) };
        spans.push(beside);
        tree = inside;
    }
    // The earlier tree itself is known; a part of it is not.
    if tree.start != 0 {
        spans.push(tree);
    }
    spans.reverse();
    Ok(spans)
}

fn nodes_of(spans: &[Span]) -> Vec<NodeId> {
    spans.iter().flat_map(|span| span.nodes()).collect()
}

fn roots_of<S: NodeSource>(
    spans: &[Span],
    source: &mut S,
) -> Result<Vec<Sha256Digest>, ProveError<S::Error>> {
    spans.iter().map(|span| span.root(source).map_err(ProveError::Source)).collect()
}

/// The perfect subtrees that [`prove_inclusion`] asks for, in its order, so that they can be fetched in one go.
///
/// # Errors
/// [`RangeError`] if the tree has no such leaf.
pub fn inclusion_nodes(index: u64, size: u64) -> Result<Vec<NodeId>, RangeError> {
    Ok(nodes_of(&inclusion_spans(index, size)?))
}

/// The perfect subtrees that [`prove_consistency`] asks for, in its order, so that they can be fetched in one go.
///
/// # Errors
/// [`RangeError`] if the tree shrank.
pub fn consistency_nodes(old: u64, new: u64) -> Result<Vec<NodeId>, RangeError> {
    Ok(nodes_of(&consistency_spans(old, new)?))
}

/// Proof that the tree of `size` leaves holds leaf `index`: RFC 6962 section 2.1.1.
///
/// # Errors
/// [`ProveError`] if there is no such leaf or the source fails.
pub fn prove_inclusion<S: NodeSource>(
    index: u64,
    size: u64,
    source: &mut S,
) -> Result<Vec<Sha256Digest>, ProveError<S::Error>> {
    roots_of(&inclusion_spans(index, size)?, source)
}

/// Proof that the tree of `new` leaves extends that of `old`: RFC 6962 section 2.1.2. Empty if `old` is 0 or `new`.
///
/// # Errors
/// [`ProveError`] if the tree shrank or the source fails.
pub fn prove_consistency<S: NodeSource>(
    old: u64,
    new: u64,
    source: &mut S,
) -> Result<Vec<Sha256Digest>, ProveError<S::Error>> {
    roots_of(&consistency_spans(old, new)?, source)
}

/// Root of the tree of the first `size` leaves.
///
/// # Errors
/// The source's own.
pub fn root_at<S: NodeSource>(size: u64, source: &mut S) -> Result<Sha256Digest, S::Error> {
    Span { start: 0, end: size }.root(source)
}

/// Whether `proof` shows that the tree of `size` leaves with this root has `leaf_hash` at `index`.
///
/// # Errors
/// [`ProofError`] if it does not.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf_hash: &Sha256Digest,
    root: &Sha256Digest,
    proof: &[Sha256Digest],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(RangeError::NoSuchLeaf { index, size }.into());
    }
    let path = Path::to(index, size);
    path.check_length(proof.len(), 0)?;
    let (inner, edge) = proof.split_at(path.inner as usize);
    if climb(climb_inner(*leaf_hash, inner, index), edge) == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Whether `proof` shows that the tree of `new` leaves extends that of `old`, given both roots.
///
/// # Errors
/// [`ProofError`] if it does not.
pub fn verify_consistency(
    old: u64,
    old_root: &Sha256Digest,
    new: u64,
    new_root: &Sha256Digest,
    proof: &[Sha256Digest],
) -> Result<(), ProofError> {
    if old > new {
        return Err(RangeError::Shrunk { old, new }.into());
    }
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(ProofError::Length { expected: 0, found: proof.len() });
        }
        if old == 0 && *old_root != empty_root() {
            return Err(ProofError::OldRoot);
        }
        return if old == new && old_root != new_root { Err(ProofError::Root) } else { Ok(()) };
    }
    // The path of the earlier tree's last leaf, begun at the largest perfect subtree that ends with it.
    let level = old.trailing_zeros();
    let mut path = Path::to(old - 1, new);
    path.inner -= level;
    let turns = (old - 1) >> level;
    // If that subtree is the whole earlier tree, its root is known and not in the proof.
    let (seed, rest) = if old.is_power_of_two() {
        path.check_length(proof.len(), 0)?;
        (old_root, proof)
    } else {
        path.check_length(proof.len(), 1)?;
        let Some((seed, rest)) = proof.split_first() else {
            return Err(ProofError::OldRoot);
        };
        (seed, rest)
    };
    let (inner, edge) = rest.split_at(path.inner as usize);
    // What lies to the left of the path belongs to both trees, what lies to the right only to the later.
    let lefts = (0_u32..).zip(inner).filter(|(height, _)| turns >> height & 1 == 1);
    let old_inner = lefts.fold(*seed, |right, (_, left)| node_hash(left, &right));
    if climb(old_inner, edge) != *old_root {
        return Err(ProofError::OldRoot);
    }
    if climb(climb_inner(*seed, inner, turns), edge) == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

/// How many hashes lead from a leaf to the root.
struct Path {
    /// Below the point where the path joins the tree's right edge: siblings on either side.
    inner: u32,
    /// Above it: siblings on the left only.
    edge: u32,
}

impl Path {
    /// `index` is below `size`.
    const fn to(index: u64, size: u64) -> Self {
        let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
        let above = if inner == u64::BITS { 0 } else { index >> inner };
        Self { inner, edge: above.count_ones() }
    }

    const fn check_length(&self, found: usize, seeds: usize) -> Result<(), ProofError> {
        let expected = (self.inner + self.edge) as usize + seeds;
        if found == expected { Ok(()) } else { Err(ProofError::Length { expected, found }) }
    }
}

/// Upwards with siblings on the side that the bits of `turns` say, lowest first: 1 is left.
fn climb_inner(from: Sha256Digest, siblings: &[Sha256Digest], turns: u64) -> Sha256Digest {
    (0_u32..).zip(siblings).fold(from, |node, (height, sibling)| {
        if turns >> height & 1 == 1 { node_hash(sibling, &node) } else { node_hash(&node, sibling) }
    })
}

/// Upwards with siblings on the left.
fn climb(from: Sha256Digest, siblings: &[Sha256Digest]) -> Sha256Digest {
    siblings.iter().fold(from, |node, sibling| node_hash(sibling, &node))
}
