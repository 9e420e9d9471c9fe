//! Measures what the registry promises and prints each figure beside its target.
//!
//! Everything runs on the loopback interface against the built server, bounded in count and time. Figures are only
//! as good as the machine is quiet: the table states the cores, and every figure is of one run.

mod index;
mod load;
mod populate;
mod server;
mod tasks;
mod words;

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};

/// One line of the table.
#[derive(Debug)]
struct Figure {
    what: String,
    target: String,
    reached: String,
    holds: bool,
}

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    /// A file, socket or process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The registry's database.
    #[error(transparent)]
    Store(#[from] touchstone_server::store::StoreError),
    /// The client.
    #[error(transparent)]
    Client(#[from] touchstone_sdk::client::ClientError),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl BenchError {
    fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

/// Measures and prints each figure beside its target.
#[derive(Parser)]
#[command(name = "touchstone-bench", version)]
struct Options {
    /// What to measure: pdq, registration, start, content, check. All of these by default. Or index: the search
    /// structures alone.
    only: Vec<String>,
    /// Registered pictures in the measured registry.
    #[arg(long, default_value_t = 1_000_000)]
    statements: u64,
    /// Where touchstone-server is; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
    /// Make the visual words of the matching anew in this folder, and nothing else.
    #[arg(long, value_name = "DIR")]
    words: Option<PathBuf>,
    /// Keep the populated registry here and use it again in the next run.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    index: index::Options,
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to people")]
fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(folder) = &options.words {
        return match words::make(folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("touchstone-bench: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{} registered pictures, {cores} cores\n", options.statements);
    println!("| what | target | reached | holds |\n|---|---|---|---|");
    let mut print = |figure: Figure| {
        let Figure { what, target, reached, holds } = figure;
        println!("| {what} | {target} | {reached} | {} |", if holds { "yes" } else { "no" });
    };
    let alone = options.only.iter().any(|only| only == "index");
    let run = if alone { index::run(&options.index, &mut print) } else { tasks::run(&options, &mut print) };
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("touchstone-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
