//! Labels in files: every carrier is read, what is written reads back, nothing else changes, hostile files do
//! no harm.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod containers;
mod corpus;
mod files;
mod findings;
mod formats;
mod fuzz;
mod hostile;
mod media;
mod media_files;
mod reading;
mod traces;

#[path = "../support/fuzzing.rs"]
mod fuzzing;
#[path = "../support/hostile_files.rs"]
mod hostile_files;
#[cfg(feature = "c2pa")]
#[path = "../support/manifests.rs"]
mod manifests;
#[path = "../support/xorshift.rs"]
mod xorshift;
