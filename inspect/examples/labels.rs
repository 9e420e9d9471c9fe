//! Prints the labels of files as JSON, one line each, and how long reading them takes: `labels FILE...`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for developers that prints what it measures"
)]

use std::{process::ExitCode, time::Instant};
use touchstone_inspect::labels::read_labels_counted;

/// How often a file is read; the fastest counts.
const ROUNDS: usize = 20;

fn main() -> ExitCode {
    for path in std::env::args_os().skip(1) {
        let Ok(bytes) = std::fs::read(&path) else {
            println!("{}: cannot be read", path.display());
            return ExitCode::FAILURE;
        };
        let timed = (0..ROUNDS).map(|_| {
            let begun = Instant::now();
            let read = read_labels_counted(&bytes);
            (begun.elapsed().as_micros(), read)
        });
        let Some((micros, (labels, work))) = timed.min_by_key(|(micros, _)| *micros) else {
            continue;
        };
        println!("{}: {} labels, {micros} µs, {work:?}", path.display(), labels.len());
        for label in labels {
            println!("  {}", serde_json::to_string(&label).unwrap_or_default());
        }
    }
    ExitCode::SUCCESS
}
