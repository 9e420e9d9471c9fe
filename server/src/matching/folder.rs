//! The files of the index in its folder: written together, read together or not at all.
//!
//! Owns their names, the lock that keeps a second server out, and what a set of snapshots has in common: how far they
//! had followed their source, and which source that was. Knows nothing of what the indexes hold.
//!
//! Layout of `source`, version 1, integers little-endian: magic `TSSOURCE`, version (4 bytes), length n (4 bytes), n
//! bytes that the caller knows its source by, SHA-256 of everything before.

use super::snapshot::{self, Reader, SnapshotError};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

const MAGIC: [u8; 8] = *b"TSSOURCE";
const VERSION: u32 = 1;
/// Longest name of a source, bytes.
const MAX_SOURCE: u32 = 4_096;

/// A folder that no other server uses.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held as long as the folder is used; the system lets it go with the process.
    _lock: File,
}

impl Folder {
    /// Takes the folder, which is made if it is not there. `None` if another server has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        fs::create_dir_all(path)?;
        let lock = File::create(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.to_owned(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn pdq(&self) -> PathBuf {
        self.path.join("pdq")
    }

    pub(super) fn dhash(&self) -> PathBuf {
        self.path.join("dhash")
    }

    pub(super) fn postings(&self) -> PathBuf {
        self.path.join("postings")
    }

    pub(super) fn descriptors(&self) -> PathBuf {
        self.path.join("descriptors")
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.path.join("directory")
    }

    /// Writes what the source is known by.
    pub(super) fn save_source(&self, source: &[u8]) -> Result<(), SnapshotError> {
        let length = u32::try_from(source.len()).ok().filter(|length| *length <= MAX_SOURCE);
        let length = length.ok_or(SnapshotError::Invalid("the source's name is too long"))?;
        snapshot::replace(&self.path.join("source"), |mut writer| {
            writer.put(&MAGIC)?;
            writer.put_all([VERSION, length], u32::to_le_bytes)?;
            writer.put(source)?;
            writer.finish()
        })
    }

    /// Reads what the source is known by.
    pub(super) fn load_source(&self) -> Result<Vec<u8>, SnapshotError> {
        let (mut reader, _) = Reader::open(&self.path.join("source"))?;
        if reader.bytes::<8>()? != MAGIC {
            return Err(SnapshotError::Foreign);
        }
        let (version, length) = (u32::from_le_bytes(reader.bytes()?), u32::from_le_bytes(reader.bytes()?));
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        if length > MAX_SOURCE {
            return Err(SnapshotError::Invalid("the source's name is too long"));
        }
        let source = reader.all(length.into(), |byte: &[u8; 1]| *byte)?;
        reader.finish()?;
        Ok(source.into_iter().flatten().collect())
    }

    /// Removes every snapshot: what follows is made anew.
    pub(super) fn clear(&self) -> io::Result<()> {
        let source = self.path.join("source");
        for path in [source, self.pdq(), self.dhash(), self.postings(), self.directory(), self.descriptors()]
        {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}
