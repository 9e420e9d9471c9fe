//! Tessera's POSIX driver on the append engine's job, in a child process (`bench/tessera`).
//!
//! Tessera is no part of the product and of no crate of it: where Go is missing or cannot build it, the table says so.

use super::{
    BenchError,
    cleanup::{Folder, Process},
};
use serde::Deserialize;
use std::{
    fmt,
    fs::{self, File},
    io::{self, ErrorKind, Read},
    process::{Command, Stdio},
};

const MODULE: &str = include_str!("../tessera/go.mod");
const SOURCES: [(&str, &str); 3] = [
    ("main.go", include_str!("../tessera/main.go")),
    ("go.mod", MODULE),
    ("go.sum", include_str!("../tessera/go.sum")),
];

/// What is to be appended.
pub(crate) struct Job {
    /// In all.
    pub(crate) entries: u64,
    /// Bytes of an entry.
    pub(crate) size: usize,
    /// Each appends its share of what is in flight, and waits for it.
    pub(crate) writers: u64,
    /// Entries that wait for their checkpoint at a time.
    pub(crate) in_flight: u64,
}

/// What a round reached. The settings are those with which Tessera was fastest.
#[derive(Deserialize)]
pub(crate) struct Round {
    /// Entries.
    #[serde(rename = "entries_per_second")]
    pub(crate) per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    settings: Settings,
}

#[derive(Deserialize)]
struct Settings {
    batch_size: u64,
    interval_ms: f64,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_second, p50_ms, p99_ms, settings: Settings { batch_size, interval_ms } } = self;
        write!(
            f,
            "{per_second:.0}/s, p50 {p50_ms:.0} ms, p99 {p99_ms:.0} ms (batches of {batch_size}, a checkpoint every \
             {interval_ms} ms)"
        )
    }
}

/// The built program.
pub(crate) struct Tessera(Folder);

impl Tessera {
    /// Builds it.
    ///
    /// # Errors
    /// What the table says instead of its figures.
    pub(crate) fn build() -> Result<Self, String> {
        let failed = |error: io::Error| format!("not run: {error}");
        let folder = Folder::new().map_err(failed)?;
        for (name, text) in SOURCES {
            fs::write(folder.path().join(name), text).map_err(failed)?;
        }
        let output = Command::new("go")
            // A folder below target is in the repository, whose state is of no interest here.
            .args(["build", "-buildvcs=false", "-o", "posix", "."])
            .current_dir(folder.path())
            // With the Go that is installed, and with these sources alone.
            .envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("GO111MODULE", "on")])
            .output()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => "not run: Go is not installed".to_owned(),
                _ => failed(error),
            })?;
        if output.status.success() {
            return Ok(Self(folder));
        }
        Err(format!("not run: Go cannot build it: {}", last_line(&String::from_utf8_lossy(&output.stderr))))
    }

    /// As the module names it.
    pub(crate) fn version() -> &'static str {
        let mut words = MODULE.split_whitespace();
        words.find(|word| *word == "github.com/transparency-dev/tessera");
        words.next().unwrap_or_default()
    }

    /// One round, on an empty log.
    pub(crate) fn run(&self, job: &Job) -> Result<Round, BenchError> {
        let folder = Folder::new()?;
        let errors = folder.path().join("errors");
        let mut command = Command::new(self.0.path().join("posix"));
        command.arg("-dir").arg(folder.path().join("log"));
        command.args(["-entries", &job.entries.to_string(), "-size", &job.size.to_string()]);
        command.args(["-writers", &job.writers.to_string(), "-in-flight", &job.in_flight.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&errors)?);
        let process = Process::start(&mut command)?;
        let mut said = String::new();
        if let Some((_, mut from)) = process.pipes() {
            from.read_to_string(&mut said)?;
        }
        // The program says nothing there unless all went well.
        serde_json::from_str(&said).or_else(|_| {
            let why = fs::read_to_string(&errors)?;
            Err(BenchError::Other(format!("Tessera failed: {}", last_line(&why))))
        })
    }
}

fn last_line(text: &str) -> &str {
    text.trim_end().lines().last().unwrap_or_default()
}
