//! The registry as a library, so that tests and benchmarks can start it in their own process.
//!
//! Arrows point down: [`web`] knows [`registry`]; [`registry`] knows [`store`], [`log`], [`matching`] and
//! [`keyring`]; nothing below knows HTTP. [`app`] puts the parts together. [`witness`] is a program of its own, which
//! watches other logs and knows nothing of a registry.

pub mod app;
pub mod bootstrap;
pub mod clock;
pub mod config;
pub mod disk;
pub mod files;
pub mod keyring;
pub mod log;
pub mod matching;
pub mod registry;
pub mod store;
pub mod telemetry;
#[cfg(feature = "c2pa")]
pub mod trust_lists;
pub mod web;
pub mod witness;
