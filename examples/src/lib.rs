//! Runnable flows on rendered pictures. This crate renders its own pictures, so the flows need no data files.

pub mod job;
pub mod studio;
