//! Exact search of 256-bit fingerprints by Hamming distance: every registered code within a radius, none missed.
//!
//! Owns the index in memory, its growth and withdrawal while queries run, and its snapshot on disk. Knows
//! 32-byte codes and 32-bit identifiers, nothing of pictures, statements or thresholds.
//!
//! The method is multi-index hashing (Norouzi, Punjani, Fleet: "Fast search in Hamming space with multi-index
//! hashing", CVPR 2012) with the radius split anew for every query (after Qin et al.: "GPH: similarity search
//! in Hamming space", ICDE 2018), over immutable segments that are merged in the background.

mod allot;
mod budget;
mod code;
mod index;
mod matches;
mod merge;
mod segment;
mod snapshot;
mod table;
mod tail;

pub use super::snapshot::SnapshotError;
pub use budget::Limits;
pub use code::{Code, distance};
pub use index::{HammingIndex, Options, Stats};
pub use matches::{Answer, Hit};
