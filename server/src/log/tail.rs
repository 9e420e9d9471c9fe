//! Sequencing: which index and which acceptance time the next entry gets, and the bytes the log commits to.
//!
//! Pure arithmetic over the log's tail. It knows no SQL and no clock: the store loads the tail under a lock, lets
//! [`Tail::next`] run, and writes the tail back in the same transaction.

use touchstone_schema::{Sha256Digest, Timestamp, leaf, log::frontier::Frontier};

/// Most bytes of a leaf: bundles of entries carry lengths of 16 bits (C2SP tlog-tiles).
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Why an entry cannot be sequenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// The leaf would be longer than bundles can carry.
    #[error("the log entry would have {0} bytes; at most {MAX_LEAF_BYTES} are possible")]
    TooLong(usize),
    /// No index is left.
    #[error("the log is full")]
    Full,
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The Merkle tree over all entries; its size is the index of the next one.
    pub frontier: Frontier,
    /// Acceptance time of the last entry; the epoch if there is none.
    pub last_accepted_at: Timestamp,
}

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequenced {
    /// Log index.
    pub index: u64,
    /// Acceptance time, never before that of an earlier entry.
    pub accepted_at: Timestamp,
    /// Leaf data: what the tree commits to ([`touchstone_schema::leaf`]).
    pub leaf: Vec<u8>,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Sha256Digest,
}

impl Tail {
    /// Number of entries: the index of the next one.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// When an entry that comes at `now` is accepted: never before the last one.
    #[must_use]
    pub fn acceptance(&self, now: Timestamp) -> Timestamp {
        now.max(self.last_accepted_at)
    }

    /// Gives `envelope` the next index. When the clock went backwards, the last acceptance time is used again.
    ///
    /// # Errors
    /// [`SequenceError`]; the tail is unchanged then.
    pub fn next(&mut self, now: Timestamp, envelope: &[u8]) -> Result<Sequenced, SequenceError> {
        let accepted_at = self.acceptance(now);
        let leaf = leaf::encode(accepted_at, envelope);
        if leaf.len() > MAX_LEAF_BYTES {
            return Err(SequenceError::TooLong(leaf.len()));
        }
        let index = self.size();
        // Engines store signed 64-bit integers.
        if index >= i64::MAX.unsigned_abs() {
            return Err(SequenceError::Full);
        }
        let leaf_hash = leaf::hash(&leaf);
        self.frontier.push(leaf_hash);
        self.last_accepted_at = accepted_at;
        Ok(Sequenced { index, accepted_at, leaf_hash, leaf })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    proptest! {
        #[test]
        fn indexes_are_contiguous_and_times_never_decrease(times in prop::collection::vec(0_i64..1_000, 1..50)) {
            let mut tail = Tail { frontier: Frontier::new(), last_accepted_at: at(500) };
            for n in 0..7_u8 {
                tail.frontier.push(leaf::hash(&[n]));
            }
            let mut last = tail.clone();
            for (n, time) in times.iter().enumerate() {
                let entry = tail.next(at(*time), b"{}").unwrap();
                prop_assert_eq!(entry.index, 7 + n as u64);
                prop_assert!(entry.accepted_at >= last.last_accepted_at && entry.accepted_at >= at(*time));
                prop_assert_eq!(leaf::decode(&entry.leaf).unwrap(), (entry.accepted_at, b"{}".as_slice()));
                prop_assert_eq!(entry.leaf_hash, leaf::hash(&entry.leaf));
                last = tail.clone();
            }
        }
    }

    #[test]
    fn what_cannot_be_sequenced_leaves_the_tail_alone() {
        let mut tail = Tail { frontier: Frontier::new(), last_accepted_at: at(1) };
        tail.frontier.push(leaf::hash(b""));
        let before = tail.clone();
        assert_eq!(
            tail.next(at(2), &[b' '; MAX_LEAF_BYTES]),
            Err(SequenceError::TooLong(MAX_LEAF_BYTES + 10))
        );
        assert_eq!(tail, before);
        let full = i64::MAX.unsigned_abs();
        let nodes = vec![Sha256Digest([0; 32]); full.count_ones() as usize];
        tail.frontier = Frontier::from_nodes(full, nodes).unwrap();
        assert_eq!(tail.next(at(2), b"{}"), Err(SequenceError::Full));
        assert_eq!(tail.size(), full);
    }
}
