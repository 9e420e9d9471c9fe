//! The transparency log's primitives through the public interface: known answers, properties, and other
//! implementations as oracles.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;
mod notes;
mod oracles;
mod policies;
mod receipts;
mod tiles;
mod trees;
mod vectors;
