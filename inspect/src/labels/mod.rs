//! AI labels in picture and video files: reading (GB 45438-2025, IPTC digital source type, traces of generators) and
//! writing.
//!
//! Everything found here is unsigned: its level is always *declared*. A file without a label says nothing
//! about how it was made. There is a writer and no remover: a label is never overwritten.

pub mod gb45438;
pub mod provider_code;

mod embed;
mod exif;
mod inflate;
mod parse;
mod png_text;
mod read;
mod samsung;
mod stealth;
mod traces;
mod write;
mod xmp;

pub use read::{MAX_LABELS, MAX_RAW, TEXT_BUDGET, Work, read_labels, read_labels_counted};
pub use stealth::{MAX_STEALTH, read_stealth};
pub use write::{LabelToWrite, LabelWriteError, write_labels};
pub use xmp::MAX_PACKET;
