//! FAISS, run by its own Python interface in a process of its own, on the same codes and queries.

use super::{BenchError, Options};
use crate::cleanup::Folder;
use std::{fs, io::BufWriter, io::Write, path::Path, process::Command};
use touchstone_server::matching::hamming::Code;

/// The script, handed to the interpreter as it is.
const SCRIPT: &str = include_str!("../../peers/faiss_index.py");
/// What a table says where FAISS is missing.
pub(super) const MISSING: &str = "not run: pip install faiss-cpu";

/// One index of FAISS at one radius.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Peer {
    /// `flat` or `multihash`.
    pub(super) name: String,
    /// Differing bits.
    pub(super) radius: u32,
    /// Milliseconds of processor time for each query.
    pub(super) mean: f64,
    /// Milliseconds, the median query.
    pub(super) median: f64,
    /// Planted codes that were found, 0 to 1.
    pub(super) recall: f64,
    /// Bytes a code.
    pub(super) bytes: f64,
}

/// Runs FAISS on `entries`; `None` if it is not installed. `queries` stand by radius.
///
/// # Errors
/// The files cannot be written, or the script fails.
pub(super) fn run(
    options: &Options,
    entries: &[(Code, u32)],
    queries: &[(u32, Vec<(Code, u32)>)],
) -> Result<Option<Vec<Peer>>, BenchError> {
    let folder = Folder::new()?;
    write(&folder.path().join("codes"), entries.iter().map(|(code, _)| code.as_slice()))?;
    for (radius, planted) in queries {
        let path = |name: &str| folder.path().join(format!("{name}-{radius}"));
        write(&path("queries"), planted.iter().map(|(code, _)| code.as_slice()))?;
        let ids: Vec<[u8; 4]> = planted.iter().map(|(_, id)| id.to_le_bytes()).collect();
        write(&path("truth"), ids.iter().map(<[u8; 4]>::as_slice))?;
    }
    let script = folder.path().join("faiss_index.py");
    fs::write(&script, SCRIPT)?;
    // One thread in every library that the interpreter loads.
    let run = Command::new(&options.python)
        .arg(&script)
        .arg(folder.path())
        .env("OMP_NUM_THREADS", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .output();
    let output = match run {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        run => run?,
    };
    if !output.status.success() {
        return Err(BenchError::Other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let rows: Vec<serde_json::Value> =
        lines.lines().filter_map(|row| serde_json::from_str(row).ok()).collect();
    if rows.iter().any(|row| row.get("missing").is_some()) {
        return Ok(None);
    }
    Ok(Some(rows.iter().filter_map(peer).collect()))
}

fn peer(row: &serde_json::Value) -> Option<Peer> {
    let number = |name: &str| row.get(name)?.as_f64();
    Some(Peer {
        name: row.get("peer")?.as_str()?.to_owned(),
        radius: u32::try_from(row.get("radius")?.as_u64()?).ok()?,
        mean: number("mean")? / 1e3,
        median: number("median")? / 1e3,
        recall: number("recall")?,
        bytes: number("bytes")?,
    })
}

fn write<'a>(path: &Path, parts: impl Iterator<Item = &'a [u8]>) -> Result<(), BenchError> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    for part in parts {
        file.write_all(part)?;
    }
    Ok(file.flush()?)
}
