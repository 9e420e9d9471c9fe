//! Labels in files: every carrier is read, what is written reads back, nothing else changes, hostile files do
//! no harm.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod corpus;
mod files;
mod hostile;
mod reading;
