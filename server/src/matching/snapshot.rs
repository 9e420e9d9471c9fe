//! Snapshots of indexes on disk: written whole and atomically, checked whole when read.
//!
//! Owns what both indexes have in common: the file with its digest at the end, arrays of numbers, pages of withdrawn
//! identifiers, and why a snapshot is refused. Knows nothing of what an index holds.

use super::withdrawn::{PAGE_WORDS, PAGES};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::Path,
};

/// Bytes of the digest at the end.
pub(super) const DIGEST: u64 = 32;
/// Bytes of a page of withdrawn identifiers with its number.
pub(super) const PAGE: u64 = 4 + 8 * PAGE_WORDS as u64;
/// Bytes converted at a time.
const BUFFER: usize = 1 << 16;

/// Why a snapshot could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file could not be read or written.
    #[error("snapshot file: {0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("the file is not a snapshot of this kind of index")]
    Foreign,
    /// Written by another version of the format.
    #[error("snapshot version {0} is not supported")]
    Version(u32),
    /// The file is shorter or longer than its header says.
    #[error("the snapshot has {actual} bytes instead of {expected}")]
    Length {
        /// Bytes its header announces.
        expected: u64,
        /// Bytes it has.
        actual: u64,
    },
    /// Its words are those of another vocabulary: the index has to be built anew from the stored descriptors.
    #[error("the snapshot was made with another vocabulary")]
    Vocabulary,
    /// The digest does not fit the content.
    #[error("the snapshot is damaged: its digest does not match")]
    Digest,
    /// The content contradicts itself.
    #[error("the snapshot is invalid: {0}")]
    Invalid(&'static str),
}

/// Replaces what is at `path` once the new file is complete on the disk.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(Writer) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let written = Writer::create(partial).and_then(write).and_then(|()| {
        fs::rename(partial, path)?;
        // The new name is durable once its directory is.
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?)
    });
    if written.is_err() {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(partial);
    }
    written
}

/// Writes a file and its digest.
pub(super) struct Writer {
    file: BufWriter<File>,
    digest: Sha256,
}

impl Writer {
    fn create(path: &Path) -> Result<Self, SnapshotError> {
        let file = BufWriter::with_capacity(BUFFER, File::create(path)?);
        Ok(Self { file, digest: Sha256::new() })
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    pub(super) fn put_all<T, const N: usize>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        bytes_of: impl Fn(T) -> [u8; N],
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(BUFFER);
        for value in values {
            buffer.extend_from_slice(&bytes_of(value));
            if buffer.len() >= BUFFER {
                self.put(&buffer)?;
                buffer.clear();
            }
        }
        self.put(&buffer)
    }

    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let digest = self.digest.finalize();
        self.file.write_all(&digest)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(file.sync_all()?)
    }
}

/// Reads a file and holds it to its digest.
pub(super) struct Reader {
    file: File,
    digest: Sha256,
}

impl Reader {
    /// Opens a file; its length comes with it.
    pub(super) fn open(path: &Path) -> Result<(Self, u64), SnapshotError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((Self { file, digest: Sha256::new() }, length))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact(bytes)?;
        self.digest.update(&*bytes);
        Ok(())
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads `count` values of `N` bytes. The header has been checked: the file is long enough for them.
    pub(super) fn all<T, const N: usize>(
        &mut self,
        count: u64,
        value_of: impl Fn(&[u8; N]) -> T,
    ) -> Result<Vec<T>, SnapshotError> {
        let count = usize::try_from(count).map_err(|_| SnapshotError::Invalid("a segment is too large"))?;
        let mut values = Vec::with_capacity(count);
        let mut buffer = vec![0; BUFFER / N * N];
        while values.len() < count {
            let wanted = buffer.len().min((count - values.len()) * N);
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            self.fill(part)?;
            values.extend(part.as_chunks().0.iter().map(&value_of));
        }
        Ok(values)
    }

    /// Reads `count` pairs of numbers.
    pub(super) fn pairs(&mut self, count: u64) -> Result<Vec<(u32, u32)>, SnapshotError> {
        self.all(count, |[a, b, c, d, e, f, g, h]: &[u8; 8]| {
            (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]))
        })
    }

    /// Reads a page of withdrawn identifiers: its number and its words.
    pub(super) fn page(&mut self) -> Result<(u32, Vec<u64>), SnapshotError> {
        let number = u32::from_le_bytes(self.bytes()?);
        if number as usize >= PAGES {
            return Err(SnapshotError::Invalid("a page of withdrawn identifiers has no such number"));
        }
        Ok((number, self.all(PAGE_WORDS as u64, |bytes: &[u8; 8]| u64::from_le_bytes(*bytes))?))
    }

    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let mut stored = [0; 32];
        self.file.read_exact(&mut stored)?;
        if self.digest.finalize().as_slice() == stored { Ok(()) } else { Err(SnapshotError::Digest) }
    }
}
