//! AI labels in picture files: reading (GB 45438-2025, IPTC digital source type, traces of generators) and
//! writing.
//!
//! Everything found here is unsigned: its level is always *declared*. A file without a label says nothing
//! about how it was made. There is a writer and no remover: a label is never overwritten.

pub mod gb45438;
pub mod integrity;
pub mod provider_code;

mod embed;
mod exif;
mod exif_edit;
mod json_edit;
mod mp4;
mod png_text;
mod propagate;
mod read;
mod write;
mod xmp;
mod xmp_edit;

pub use propagate::{Propagated, Propagation, PropagationBasis, propagate};
pub use read::{MAX_LABELS, MAX_RAW, read_labels};
pub use write::{LabelToWrite, LabelWriteError, produced, write_labels};
pub use xmp::MAX_PACKET;
