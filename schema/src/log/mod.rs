//! The transparency log's primitives: Merkle trees, tiles, notes, checkpoints, cosignatures, policies, receipts.
//!
//! Trees are those of RFC 6962 section 2.1 (the same in RFC 9162) over SHA-256. The formats are the C2SP
//! specifications signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-witness, tlog-proof and
//! tlog-policy. Everything read is held to its canonical form and to stated limits, so that what parses prints
//! back to the same bytes.
//!
//! It knows neither storage nor transport nor what an entry means; [`crate::leaf`] makes leaf data and hashes it.

pub mod checkpoint;
pub mod cosignature;
pub mod frontier;
pub mod note;
pub mod policy;
pub mod proof;
pub mod receipt;
mod text;
pub mod tile;
pub mod tree;
pub mod witness;

pub use checkpoint::{Checkpoint, CheckpointError, open_checkpoint, sign_checkpoint};
pub use cosignature::{cosign, verify_cosignature};
pub use frontier::{Frontier, FrontierError};
pub use note::{KeyKind, Note, NoteError, NoteSignature, SignatureError, VerifierKey, VerifierKeyError};
pub use policy::{Policy, PolicyError, PolicyParseError, VerifiedCheckpoint};
pub use proof::{
    NodeSource, ProofError, ProveError, RangeError, consistency_nodes, inclusion_nodes, prove_consistency,
    prove_inclusion, root_at, verify_consistency, verify_inclusion,
};
pub use receipt::{ReceiptError, TlogProof};
pub use text::LineError;
pub use tile::{Bundle, BundleError, Level, Tile, TileError, decode_bundle, encode_bundle, node_in_tile};
pub use tree::{NodeId, empty_root, node_hash, peaks};
pub use witness::{AddCheckpoint, AddCheckpointError};
