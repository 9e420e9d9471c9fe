//! Where a log's files come from: a registry or file server over HTTP, or a directory (C2SP tlog-tiles).
//!
//! What is read here is not verified. Only paths that the format prescribes are asked for, never one that an answer
//! names.

use crate::client::{Client, ClientError};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use touchstone_schema::log::{BundleError, Level, Tile, decode_bundle, note, tile};

/// Path of the newest checkpoint below a log's prefix.
pub const CHECKPOINT: &str = "checkpoint";
const HASH_BYTES: u64 = 32;

/// Why a file of the log cannot be had. It says nothing about the log itself.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The registry cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading stopped half-way.
    #[error("{0}: reading stopped before the last entry")]
    Interrupted(String),
    /// A place without a checkpoint holds no log.
    #[error("{0} holds no log: there is no checkpoint")]
    NoLog(String),
}

/// The files of one log.
pub trait Source: Sync {
    /// The file at `path` below the log's prefix, or its first `limit` bytes and one more; none if it is not there.
    ///
    /// # Errors
    /// [`SourceError`] if that cannot be told.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError>;

    /// How many files are best read at once.
    fn parallel(&self) -> usize;

    /// What people call the place.
    fn name(&self) -> String;
}

/// A log that a registry serves below `/log/`.
#[derive(Debug)]
pub struct HttpLog<'a>(pub &'a Client);

impl Source for HttpLog<'_> {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.log_file(path, limit)?)
    }

    fn parallel(&self) -> usize {
        // Enough to hide the way to a far registry, little enough for its limits.
        8
    }

    fn name(&self) -> String {
        self.0.url().to_owned()
    }
}

/// A log as files below a directory.
#[derive(Debug)]
pub struct DirectoryLog(pub PathBuf);

impl DirectoryLog {
    fn file(&self, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.0.join(path)) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

impl Source for DirectoryLog {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |source| SourceError::File { path: self.0.join(path), source };
        self.file(path.as_ref(), limit).map_err(failed)
    }

    fn parallel(&self) -> usize {
        1
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

/// The bytes of the newest checkpoint.
///
/// # Errors
/// [`SourceError::NoLog`] if there is none; otherwise the source's own.
pub fn checkpoint(source: &dyn Source) -> Result<Vec<u8>, SourceError> {
    let bytes = source.read(CHECKPOINT, note::MAX_NOTE_BYTES as u64)?;
    bytes.ok_or_else(|| SourceError::NoLog(source.name()))
}

/// The bytes of a tile or bundle; none if the log does not serve it. A log may drop a partial one when the full one is
/// there: that is read then, and cut.
///
/// # Errors
/// The source's own.
pub fn tile(source: &dyn Source, tile: &Tile) -> Result<Option<Vec<u8>>, SourceError> {
    let limit = match tile.level {
        Level::Hashes(_) => u64::from(tile::TILE_WIDTH) * HASH_BYTES,
        Level::Entries => u64::from(tile::TILE_WIDTH) * (tile::MAX_ENTRY_BYTES as u64 + 2),
    };
    if let Some(bytes) = source.read(&tile.path(), limit)? {
        return Ok(Some(bytes));
    }
    if tile.is_full() {
        return Ok(None);
    }
    let full = source.read(&tile.full().path(), limit)?;
    Ok(full.map(|mut bytes| {
        bytes.truncate(prefix(tile, &bytes));
        bytes
    }))
}

/// Length of a partial tile within the full one. Damaged bundles stay whole: reading them tells what is wrong.
fn prefix(tile: &Tile, bytes: &[u8]) -> usize {
    let width = usize::from(tile.width);
    match tile.level {
        Level::Hashes(_) => width * HASH_BYTES as usize,
        Level::Entries => {
            let lengths = decode_bundle(bytes).take(width).map(|entry| entry.map(|entry| entry.len() + 2));
            lengths.sum::<Result<usize, BundleError>>().unwrap_or(bytes.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::log::encode_bundle;

    #[test]
    fn partial_files_are_cut_out_of_full_ones() {
        let folder = tempfile::tempdir().unwrap();
        let log = DirectoryLog(folder.path().to_owned());
        assert!(matches!(checkpoint(&log), Err(SourceError::NoLog(_))));
        std::fs::create_dir_all(folder.path().join("tile/entries")).unwrap();
        let entries: Vec<Vec<u8>> = (0..=255_u8).map(|n| vec![n; usize::from(n)]).collect();
        let full = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        std::fs::write(folder.path().join("tile/entries/000"), &full).unwrap();
        let part = Tile { level: Level::Entries, index: 0, width: 3 };
        let expected = encode_bundle(entries[..3].iter().map(Vec::as_slice)).unwrap();
        assert_eq!(tile(&log, &part).unwrap().unwrap(), expected);
        assert_eq!(tile(&log, &part.full()).unwrap().unwrap(), full);
        assert_eq!(tile(&log, &Tile { index: 1, ..part }).unwrap(), None);
        let hashes = Tile { level: Level::Hashes(0), index: 0, width: 2 };
        std::fs::create_dir_all(folder.path().join("tile/0")).unwrap();
        std::fs::write(folder.path().join("tile/0/000"), [7; 8192]).unwrap();
        assert_eq!(tile(&log, &hashes).unwrap().unwrap(), [7; 64]);
    }
}
