//! AI labels in picture and video files: reading (GB 45438-2025, IPTC digital source type, traces of generators) and
//! writing.
//!
//! What stands in a file is *declared*, until a signature in it is checked (see [`integrity`]). A file without a label
//! says nothing about how it was made. There are writers for the two roles of GB 45438, producer and propagator, and
//! no remover: what a label says is never overwritten, weakened or taken away.

pub mod gb45438;
pub mod integrity;
pub mod provider_code;

mod embed;
mod exif;
mod exif_edit;
mod inflate;
mod json_edit;
mod mp4;
mod parse;
mod png_text;
mod propagate;
mod read;
mod samsung;
mod stealth;
mod traces;
mod write;
mod xmp;
mod xmp_edit;

pub use propagate::{Propagated, Propagation, PropagationBasis, propagate};
pub use read::{MAX_LABELS, MAX_RAW, TEXT_BUDGET, Work, read_labels, read_labels_counted};
pub use stealth::{MAX_STEALTH, read_stealth};
pub use write::{LabelToWrite, LabelWriteError, produced, write_labels};
pub use xmp::MAX_PACKET;

#[cfg(feature = "c2pa")]
pub(crate) use propagate::propagate_over;
#[cfg(feature = "c2pa")]
pub(crate) use write::{Manifest, may_stand_beside_ai, write_labels_over};
