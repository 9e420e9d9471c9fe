//! Candidate pictures from local descriptors: which registered pictures show, somewhere, what the query shows,
//! turned and scaled as a whole.
//!
//! Owns the inverted index in memory, its growth and withdrawal while queries run, its snapshot on disk, and the
//! votes. Knows descriptors and 32-bit numbers of pictures; nothing of pixels, statements or verdicts.
//!
//! A descriptor has one posting of eight bytes under its visual word. A query reads the lists of words near its
//! descriptors, the short lists of telling ones first, counts weak votes from the postings, and reads the stored codes
//! of the few pictures that have enough of them for an exact vote. What is common needs no list of its own: its words
//! have long lists, and what a vote is worth follows from how many pictures got it. The design follows Jegou, Douze,
//! Schmid (ECCV 2008) with the inverted multi-index of
//! Babenko and Lempitsky (CVPR 2012).

mod codes;
mod directory;
mod examine;
mod file;
mod index;
mod local;
mod posting;
mod search;
mod segment;
mod similarity;
mod snapshot;
mod suspect;
mod vocabulary;

pub use super::snapshot::SnapshotError;
pub use codes::{CodeStore, CodesError, MemoryCodes};
pub use file::CodeFile;
pub use index::{Options, PostingIndex, Stats};
pub use local::{Code, LOCAL_BYTES, Local, PICTURE_LOCALS, STEPS_PER_OCTAVE, distance};
pub use search::{Answer, Candidate, Limits, QUERY_LOCALS};
pub use vocabulary::{Vocabulary, VocabularyError, halves};
