//! Writing labels: roles, carriers, signatures, and what other tools read of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, dead_code, reason = "tests")]

#[cfg(feature = "c2pa")]
mod credentials;
mod encoders;
mod exiftool;
#[path = "../labels/files.rs"]
mod files;
mod integrity;
mod movies;
mod mp4;
mod propagation;
mod writing;
