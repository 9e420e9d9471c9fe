//! Reads mutated files of each family: `fuzz [FAMILY]...`; without a name all families, and files made to cost much.
//!
//! `FUZZ_FILES` (1,000,000) files from number `FUZZ_FROM` (0) with seed `FUZZ_SEED` (1). A panic names family, seed and
//! number of its file, so that `FUZZ_FROM=number FUZZ_FILES=1` repeats it; `FUZZ_KEEP=path` writes each file there.
//!
//! On Linux the highest memory above what stood before reading is printed and must stay under 64 MiB. Files made to
//! cost much are each read in a process of their own (`fuzz --read FILE`), so that none hides behind memory that
//! another has left.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a program for developers, with the helpers of the tests"
)]

#[path = "../tests/labels/files.rs"]
mod files;
#[path = "../tests/labels/formats.rs"]
mod formats;
#[path = "../tests/support/fuzzing.rs"]
mod fuzzing;
#[path = "../tests/support/hostile_files.rs"]
mod hostile_files;
#[cfg(feature = "c2pa")]
#[path = "../tests/support/manifests.rs"]
mod manifests;
#[path = "../tests/labels/media_files.rs"]
mod media_files;
#[path = "../tests/support/xorshift.rs"]
mod xorshift;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

/// Memory above the start, bytes. A file whose manifest is read may take its own length more: the C2PA library copies it.
const MOST_MEMORY: usize = 64 << 20;

fn main() -> ExitCode {
    let number = |name: &str, default: usize| match std::env::var(name) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => default,
    };
    let (files, from) = (number("FUZZ_FILES", 1_000_000), number("FUZZ_FROM", 0));
    let seed = number("FUZZ_SEED", 1) as u64;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [read, path] = &wanted[..]
        && read == "--read"
    {
        return read_one(path);
    }
    let families: Vec<_> = fuzzing::families()
        .into_iter()
        .filter(|family| wanted.is_empty() || wanted.iter().any(|name| name == family.name))
        .collect();
    if families.is_empty() {
        let names: Vec<_> = fuzzing::families().iter().map(|family| family.name).collect();
        println!("no such family; there are: {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let start = highest_memory();
    for family in families {
        let begun = Instant::now();
        let seen = fuzzing::run(&family, seed, from, files);
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{:8} {:>9} files, {:>6.1} MB, {:>8} labels, {seconds:6.1} s, {:>7.0} files/s",
            family.name,
            seen.files,
            seen.bytes as f64 / 1e6,
            seen.labels,
            seen.files as f64 / seconds,
        );
    }
    if let (Some(start), Some(end)) = (start, highest_memory()) {
        println!("memory: {} KiB above the start", (end - start) >> 10);
        if end - start > MOST_MEMORY {
            return ExitCode::FAILURE;
        }
    }
    if wanted.is_empty() && !read_hostile_files() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Reads each file made to cost much in a process of its own; whether all kept their bounds.
fn read_hostile_files() -> bool {
    let path = std::env::temp_dir().join(format!("touchstone-fuzz-{}", std::process::id()));
    let mut files = hostile_files::hostile_files();
    #[cfg(feature = "c2pa")]
    files.extend(manifests::hostile_manifests());
    // All of them are read, so that one which costs too much hides no other.
    let kept = files.into_iter().fold(true, |kept, (name, file)| {
        std::fs::write(&path, &file).unwrap();
        let run = Command::new(std::env::current_exe().unwrap()).arg("--read").arg(&path).output().unwrap();
        let told = String::from_utf8_lossy(&run.stdout);
        println!("{:5.1} MB, {}: {name}", file.len() as f64 / 1e6, told.trim());
        kept & run.status.success()
    });
    std::fs::remove_file(&path).unwrap();
    kept
}

/// Reads one file and tells time and memory.
fn read_one(path: &str) -> ExitCode {
    let file = std::fs::read(path).unwrap();
    let (start, begun) = (highest_memory(), Instant::now());
    fuzzing::read_file(&file);
    #[cfg(feature = "c2pa")]
    let copied = if manifests::read_any_manifest(&file) { file.len() } else { 0 };
    #[cfg(not(feature = "c2pa"))]
    let copied = 0;
    let taken = start.zip(highest_memory()).map_or(0, |(start, end)| end - start);
    println!("{:5.1} ms, {:6} KiB", begun.elapsed().as_secs_f64() * 1e3, taken >> 10);
    if taken > MOST_MEMORY + copied { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The process's highest resident memory so far, bytes, where the system tells it.
fn highest_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok().map(|kib| kib << 10)
}
