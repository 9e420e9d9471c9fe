//! The public contract of Touchstone: what is signed, what is logged, what is answered.
//!
//! This crate is pure. It does no I/O, reads no clock, draws no randomness and knows neither HTTP nor SQL nor
//! pixels. Servers, clients and offline verifiers share it, so that each of them parses and verifies alike.

pub mod answer;
pub mod api;
pub mod base64;
pub mod conformance;
pub mod digest;
pub mod envelope;
pub mod id;
pub mod json;
pub mod key;
pub mod label;
pub mod label_integrity;
pub mod leaf;
pub mod log;
pub mod problem;
pub mod record;
pub mod sbr;
pub mod schemas;
pub mod statement;
pub mod time;
pub mod verdict;

pub use digest::Sha256Digest;
pub use id::{CheckId, KeyId, OrganisationId, StatementId, TokenId, UserId};
pub use sbr::ManifestId;
pub use time::Timestamp;
