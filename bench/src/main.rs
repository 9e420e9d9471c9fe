//! Measures what the registry promises and prints each figure beside its target.
//!
//! Everything runs on the loopback interface against the built server, bounded in count and time. Figures are only
//! as good as the machine is quiet: the table states the cores, and every figure is of one run.

mod attacks;
mod audit;
mod calibrate;
mod cleanup;
mod clock;
mod crowd;
mod index;
mod load;
mod log;
mod matching;
mod populate;
mod reading;
mod server;
mod tasks;
mod tessera;
mod vector;
mod words;

use clap::{Parser, Subcommand};
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
    /// A file that could not be registered.
    #[error(transparent)]
    Register(#[from] touchstone_sdk::register::RegisterError),
    /// A picture.
    #[error(transparent)]
    Picture(#[from] image::ImageError),
    /// A table of values.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl BenchError {
    fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

/// Measures what the registry promises.
#[derive(Parser)]
#[command(name = "touchstone-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure speed and memory and print each figure beside its target.
    Measure(Options),
    /// Measure the search structures alone, beside FAISS.
    Index(index::Options),
    /// Measure recognition on photographs and write tables and plots.
    Calibrate(calibrate::Options),
    /// Make the visual words of the matching anew.
    Words {
        /// Where to write them.
        folder: PathBuf,
    },
}

/// What to measure.
#[derive(clap::Args)]
struct Options {
    /// What to measure: pdq, matching, labels, c2pa, audit, registration, log, start, content, check. All by default.
    only: Vec<String>,
    /// Photographs for `matching`, a folder with index.csv as for calibration; rendered pictures by default.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Registered pictures in the measured registry.
    #[arg(long, default_value_t = 1_000_000)]
    statements: u64,
    /// Where touchstone-server is; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
    /// Keep the populated registry here and use it again in the next run.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[allow(clippy::print_stderr, reason = "this program talks to people")]
fn main() -> ExitCode {
    let command = Cli::parse().command;
    match cleanup::on_signals().and_then(|()| run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("touchstone-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), BenchError> {
    match command {
        Command::Measure(options) => measure(&options),
        Command::Index(options) => {
            head(&format!("the search structures alone, {} cores", cores()));
            index::run(&options, &mut line)
        }
        Command::Calibrate(options) => calibrate::run(&options),
        Command::Words { folder } => words::make(&folder),
    }
}

fn measure(options: &Options) -> Result<(), BenchError> {
    head(&format!("{} registered pictures, {} cores", options.statements, cores()));
    tasks::run(options, &mut line)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[allow(clippy::print_stdout, reason = "this program talks to people")]
fn head(of: &str) {
    println!("{of}\n\n| what | target | reached | holds |\n|---|---|---|---|");
}

#[allow(clippy::print_stdout, reason = "this program talks to people")]
fn line(figure: Figure) {
    let Figure { what, target, reached, holds } = figure;
    println!("| {what} | {target} | {reached} | {} |", if holds { "yes" } else { "no" });
}
