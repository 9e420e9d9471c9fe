//! The main job on real pictures: an empty registry, four organisations, registrations, refund photos, verdicts.

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};
use touchstone_examples::job::{self, JobOptions};

/// Does the main job of the registry and prints a table of verdicts.
///
/// A registry is made from nothing, a merchant, an AI vendor, a platform and a regulator are admitted, pictures are
/// rendered and registered, and refund photos made from them are checked through the public interface. The server
/// is left running until Ctrl-C.
#[derive(Parser)]
#[command(name = "main-job", version)]
struct Options {
    /// Stop the server after the job; the exit status tells whether every verdict was as expected.
    #[arg(long)]
    once: bool,
    /// Where the registry, the keys and the pictures are put. Emptied first, if an earlier run made it.
    #[arg(long, value_name = "DIR", default_value = "target/main-job")]
    data: PathBuf,
    /// Address to listen on. A free port is taken if this one is in use.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
    listen: String,
    /// Where touchstone-server and touchstone are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
    /// Database of the registry instead of the embedded one.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[allow(clippy::print_stderr, reason = "this program talks to people")]
fn main() -> ExitCode {
    let Options { once, data, listen, bin, database_url } = Options::parse();
    match job::run(&JobOptions { once, data, listen, bin, database_url }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("main-job: {error}");
            ExitCode::from(2)
        }
    }
}
