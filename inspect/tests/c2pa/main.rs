//! Reading, validating and signing C2PA manifests: real files, the public vectors, hostile bytes.

#![cfg(feature = "c2pa")]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/manifests.rs"]
mod manifests;
#[path = "../support/xorshift.rs"]
mod xorshift;

mod corpus;
mod files;
mod hostile;
mod identities;
mod movies;
mod reading;
mod signals;
mod signing;
mod speed;
mod traps;
