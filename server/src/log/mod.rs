//! The transparency log: what is appended, and how it is published so that anyone can verify it.
//!
//! [`tail`] orders entries; the store runs it inside the transaction that keeps them. [`publisher`] follows the
//! database: it writes what is new as tiles ([`edge`], [`storage`]), has the checkpoint signed, asks the witnesses
//! ([`witness`]), and publishes it last. [`view`] answers from what is published, and [`guard`] stops the log with a thread
//! that died. Nothing here serves HTTP or knows SQL.

pub mod edge;
pub mod guard;
pub mod publisher;
pub mod storage;
mod tail;
pub mod view;
pub mod witness;

pub use tail::{MAX_LEAF_BYTES, SequenceError, Sequenced, Tail};
