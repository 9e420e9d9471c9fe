//! What can be wrong with a log, as data: each finding names the place and can be shown to others.

use super::{replay::Violation, source::SourceError};
use serde::{Deserialize, Serialize};
use touchstone_schema::{Sha256Digest, Timestamp, log::NodeId};

/// Most characters of a text from outside that a finding repeats.
const MAX_SHOWN: usize = 256;

/// The beginning of a text from outside: findings are kept and shown, however long the text is.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is wrong with a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TileFault {
    /// Another length than its width needs.
    #[error("it has {found} bytes, not {expected}")]
    Length {
        /// Bytes needed.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Its hashes do not lead to the signed root.
    #[error("its hashes do not lead to the signed root")]
    Hash,
    /// It contradicts a tile below it.
    #[error("it does not hold the hash that {tile} makes")]
    Below {
        /// Path of the tile below.
        tile: String,
    },
}

/// What is wrong with a checkpoint of the published history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryFault {
    /// Not a checkpoint that the log's key signed.
    #[error("{reason}")]
    Note {
        /// Why.
        reason: String,
    },
    /// The answer states another size or root than the note.
    #[error("the answer states another size or root than the signed note")]
    Mismatch,
    /// Sizes do not ascend.
    #[error("its size does not follow that of the one before")]
    Order,
    /// The tree had another root at that size.
    #[error("the tree has another root at this size")]
    Root,
    /// The log signed it, and the published history does not have it.
    #[error("the log signed it, and the published history leaves it out")]
    Omitted,
}

/// What is wrong with a registry's signed answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerFault {
    /// Not an answer of this registry, signed with its verdict key.
    #[error("{reason}")]
    Signature {
        /// Why.
        reason: String,
    },
    /// The log says otherwise.
    #[error("the log has the entries {found:?}, the answer {stated:?}")]
    Entries {
        /// Log indexes in the answer.
        stated: Vec<u64>,
        /// Log indexes in the log, below the answer's size.
        found: Vec<u64>,
    },
    /// It is cut, and leaves out more than an answer may.
    #[error("it says that it is cut after the entries {stated:?}; the log has {found:?}")]
    Cut {
        /// Log indexes in the answer.
        stated: Vec<u64>,
        /// Log indexes in the log, below the answer's size.
        found: Vec<u64>,
    },
    /// It counts entries that the log did not have when it was given.
    #[error(
        "it was given at {answered_at} and counts {log_size} entries; entry {log_index} was accepted at {accepted_at}"
    )]
    NeverThere {
        /// When it was given.
        answered_at: Timestamp,
        /// How many entries it counts.
        log_size: u64,
        /// An entry among them, or the log's last one.
        log_index: u64,
        /// When that was accepted.
        accepted_at: Timestamp,
    },
    /// It does not count entries that the log had long before it was given.
    #[error(
        "it was given at {answered_at} and counts {log_size} entries only; the next one was accepted at {accepted_at}"
    )]
    Stale {
        /// When it was given.
        answered_at: Timestamp,
        /// How many entries it counts.
        log_size: u64,
        /// When the first entry that it does not count was accepted.
        accepted_at: Timestamp,
    },
    /// It was given after the auditor's present.
    #[error("it was given at {answered_at}, which is yet to come")]
    Future {
        /// When it was given.
        answered_at: Timestamp,
    },
    /// It rests on a checkpoint that the log contradicts.
    #[error("the checkpoint in the answer: {reason}")]
    Checkpoint {
        /// Why.
        reason: String,
    },
}

/// Something that is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// The checkpoint does not satisfy the policy.
    #[error("the checkpoint does not hold: {reason}")]
    Checkpoint {
        /// Why.
        reason: String,
        /// The note as it was read.
        note: String,
    },
    /// A file that the checkpoint covers is not there.
    #[error("{resource} is missing")]
    Missing {
        /// Its path.
        resource: String,
    },
    /// A hash tile is damaged.
    #[error("{resource}: {fault}")]
    Tile {
        /// Its path.
        resource: String,
        /// What is wrong.
        fault: TileFault,
    },
    /// The tiles agree with each other and not with the checkpoint.
    #[error("the tiles make the root {found} at size {size}; the checkpoint states {signed}")]
    Root {
        /// Number of entries.
        size: u64,
        /// The signed root.
        signed: Sha256Digest,
        /// The root that the tiles make.
        found: Sha256Digest,
    },
    /// A bundle of entries is malformed.
    #[error("{resource}: {reason}")]
    Bundle {
        /// Its path.
        resource: String,
        /// What is wrong.
        reason: String,
    },
    /// An entry is not the one that the tree holds.
    #[error("entry {log_index} does not have the hash that the tree holds")]
    Entry {
        /// Its log index.
        log_index: u64,
    },
    /// So many bundles of entries are missing or damaged that the rest was not looked at.
    #[error("more than {bundles} bundles of entries are missing or damaged; the rest was not looked at")]
    MoreDamage {
        /// How many were reported.
        bundles: u64,
    },
    /// An entry that the registry should not have accepted.
    #[error("entry {log_index}: {violation}")]
    Statement {
        /// Its log index.
        log_index: u64,
        /// The rule that it breaks.
        #[serde(flatten)]
        violation: Violation,
    },
    /// A checkpoint that is smaller than one that was signed before.
    #[error("the log shrank from {earlier_size} to {later_size} entries")]
    Shrunk {
        /// Size seen before.
        earlier_size: u64,
        /// Size seen now.
        later_size: u64,
        /// The signed checkpoint seen before.
        earlier: String,
        /// The signed checkpoint seen now.
        later: String,
    },
    /// Two signed checkpoints that no single log can have.
    #[error("the log forked: the tree of {later_size} entries does not begin with the one of {earlier_size}")]
    Forked {
        /// Size seen before.
        earlier_size: u64,
        /// Size seen now.
        later_size: u64,
        /// The signed checkpoint seen before.
        earlier: String,
        /// The signed checkpoint seen now.
        later: String,
    },
    /// A witness cosigned more entries than the log shows, and the log did not follow.
    #[error("the witness {witness:?} cosigned {size} entries; the log shows {shown}")]
    Withheld {
        /// The witness.
        witness: String,
        /// How many entries it cosigned.
        size: u64,
        /// How many the log shows.
        shown: u64,
        /// The cosigned checkpoint.
        note: String,
    },
    /// The checkpoint was cosigned too long ago, or by nobody.
    #[error("the checkpoint of {size} entries was cosigned last {}", age(*.seconds))]
    Outdated {
        /// Its size.
        size: u64,
        /// Seconds since the latest cosignature; none if there is none.
        seconds: Option<u64>,
    },
    /// A checkpoint of the published history that does not hold.
    #[error("published checkpoint of size {size}: {fault}")]
    History {
        /// Its size.
        size: u64,
        /// What is wrong.
        fault: HistoryFault,
        /// The note.
        note: String,
    },
    /// A signed answer that the log contradicts.
    #[error("{file}: {fault}")]
    Answer {
        /// The file.
        file: String,
        /// What is wrong.
        fault: AnswerFault,
    },
    /// The tree was asked for a node that it cannot have.
    #[error("the tree holds no node {index} of level {level}")]
    Outside {
        /// Level of the node.
        level: u8,
        /// Index of the node.
        index: u64,
    },
}

fn age(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "by nobody".to_owned(), |seconds| format!("{seconds} seconds ago"))
}

impl Finding {
    pub(super) const fn outside(id: NodeId) -> Self {
        Self::Outside { level: id.level, index: id.index }
    }
}

/// Why an audit stops.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log is wrong in a way that leaves nothing to go on with.
    #[error("{0}")]
    Wrong(Box<Finding>),
    /// What was verified cannot be written down.
    #[error("the state of the audit: {0}")]
    State(#[from] super::state::StateError),
}

impl From<Finding> for AuditError {
    fn from(finding: Finding) -> Self {
        Self::Wrong(Box::new(finding))
    }
}
