//! Measures the search structures alone, in this process: the exact index of global codes against FAISS, the inverted
//! index of local features, and the look-up of ISCC codes in a database.
//!
//! Owns what is measured and beside which target it is printed. Everything is by formula from fixed seeds, on one
//! thread, and bounded by the options.

mod codes;
mod iscc;
mod parts;
mod peers;
mod workload;

use super::{BenchError, Figure};
use std::path::PathBuf;
pub(crate) use workload::Random;

/// What to measure, and how much of it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Registered global codes, several sizes one after the other: 50,000,000 need about 8 GB of memory.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000])]
    pub(crate) codes: Vec<usize>,
    /// Pictures with local features, several sizes one after the other: a million takes 0.6 GB of memory and 2.5 GB of
    /// disk.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000])]
    pub(crate) pictures: Vec<u32>,
    /// Registered ISCC codes in a database; a million takes 2 GB of disk and some minutes.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) iscc: usize,
    /// The Python interpreter that runs FAISS.
    #[arg(long, default_value = "python3")]
    pub(crate) python: PathBuf,
}

/// Where a figure goes.
type Print<'a> = &'a mut dyn FnMut(Figure);

fn figure(what: String, target: &str, reached: String, holds: bool) -> Figure {
    Figure { what, target: target.to_owned(), reached, holds }
}

/// Measures everything that the options ask for.
///
/// # Errors
/// [`BenchError`] if a file cannot be written or an index contradicts itself.
pub(crate) fn run(options: &Options, print: Print<'_>) -> Result<(), BenchError> {
    codes::run(options, print)?;
    parts::run(&options.pictures, print)?;
    iscc::run(options.iscc, print)
}
