//! Merkle trees as RFC 6962 section 2.1 defines them, by its recursion and nothing else.

use std::{collections::BTreeMap, convert::Infallible};
use touchstone_schema::{Sha256Digest, leaf, log::NodeId};

/// Leaves whose hashes are listed; every other leaf is the empty one, so that huge trees can be told in few words.
pub(crate) struct Model(pub(crate) BTreeMap<u64, Sha256Digest>);

pub(crate) fn leaf_hash(index: u64) -> Sha256Digest {
    leaf::hash(&index.to_be_bytes())
}

fn node(left: Sha256Digest, right: Sha256Digest) -> Sha256Digest {
    Sha256Digest::of_parts(&[&[1], &left.0, &right.0])
}

/// The largest power of two below `n`.
fn k(n: u64) -> u64 {
    let mut k = 1;
    while k < n - k {
        k *= 2;
    }
    k
}

impl Model {
    /// All leaves listed.
    pub(crate) fn dense(size: u64) -> Self {
        Self((0..size).map(|index| (index, leaf_hash(index))).collect())
    }

    pub(crate) fn sparse(indexes: impl IntoIterator<Item = u64>) -> Self {
        Self(indexes.into_iter().map(|index| (index, leaf_hash(index))).collect())
    }

    pub(crate) fn leaf(&self, index: u64) -> Sha256Digest {
        self.0.get(&index).copied().unwrap_or_else(|| leaf::hash(b""))
    }

    /// MTH(D[from:to]).
    pub(crate) fn root(&self, from: u64, to: u64) -> Sha256Digest {
        match to - from {
            0 => Sha256Digest::of(b""),
            1 => self.leaf(from),
            n if n.is_power_of_two() && self.0.range(from..to).next().is_none() => {
                let half = self.root(from, from + n / 2);
                node(half, half)
            }
            n => node(self.root(from, from + k(n)), self.root(from + k(n), to)),
        }
    }

    /// PATH(m, D[from:to]); `m` counts from the first leaf of the log.
    pub(crate) fn path(&self, m: u64, from: u64, to: u64) -> Vec<Sha256Digest> {
        if to - from == 1 {
            return vec![];
        }
        let middle = from + k(to - from);
        let (mut path, sibling) = if m < middle {
            (self.path(m, from, middle), self.root(middle, to))
        } else {
            (self.path(m, middle, to), self.root(from, middle))
        };
        path.push(sibling);
        path
    }

    /// PROOF(m, D[0:n]).
    pub(crate) fn proof(&self, m: u64, n: u64) -> Vec<Sha256Digest> {
        self.subproof(m, 0, n, true)
    }

    fn subproof(&self, m: u64, from: u64, to: u64, complete: bool) -> Vec<Sha256Digest> {
        if m == to {
            return if complete { vec![] } else { vec![self.root(from, to)] };
        }
        let middle = from + k(to - from);
        let (mut proof, sibling) = if m <= middle {
            (self.subproof(m, from, middle, complete), self.root(middle, to))
        } else {
            (self.subproof(m, middle, to, false), self.root(from, middle))
        };
        proof.push(sibling);
        proof
    }

    /// The tree as a source of nodes. It refuses what lies beyond `size`.
    pub(crate) fn source(&self, size: u64) -> impl FnMut(NodeId) -> Result<Sha256Digest, Infallible> {
        move |id| {
            assert!(id.is_within(size), "{id:?} is no perfect subtree of {size} leaves");
            let (from, len) = (id.index << id.level, 1 << id.level);
            Ok(self.root(from, from + len))
        }
    }
}

/// On which side of the path the siblings lie, from the subtree `[start, end)` up to the root: true is left.
pub(crate) fn turns(start: u64, end: u64, size: u64) -> Vec<bool> {
    let (mut from, mut to) = (0, size);
    let mut turns = vec![];
    while (from, to) != (start, end) {
        let middle = from + k(to - from);
        turns.push(start >= middle);
        if start < middle { to = middle } else { from = middle }
    }
    turns.reverse();
    turns
}
