//! Where the descriptors of each picture stand, kept over a restart: without it the whole file would have to be read.
//!
//! Layout, version 1; integers are little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | magic `TSDIRECT` |
//! | 4 | version, 1 |
//! | 4 | R, records in the file of descriptors, the first included |
//! | 8 | watermark, the caller's |
//! | 8 | N, number of pictures |
//! | 8 N | N pairs of picture and place of its record (4 bytes each), ascending |
//! | 32 | SHA-256 of everything before |

use super::file::{CodeFile, RECORD};
use crate::matching::snapshot::{self, DIGEST, Reader, SnapshotError};
use std::{
    fs::OpenOptions,
    path::Path,
    sync::{Mutex, PoisonError, RwLock},
};

const MAGIC: [u8; 8] = *b"TSDIRECT";
const VERSION: u32 = 1;
/// Bytes before the pairs.
const HEADER: u64 = 32;

impl CodeFile {
    /// Makes what was stored durable and writes to `path` where it stands. `watermark` is kept for the caller: how
    /// far the source had been followed. Nothing may be stored or removed meanwhile.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save_directory(&self, path: &Path, watermark: u64) -> Result<(), SnapshotError> {
        self.file.sync_data()?;
        let records = *self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        snapshot::replace(path, |mut writer| {
            writer.put(&MAGIC)?;
            writer.put_all([VERSION, records], u32::to_le_bytes)?;
            writer.put_all([watermark, directory.len() as u64], u64::to_le_bytes)?;
            writer.put_all(
                directory.iter().flat_map(|(picture, place)| [*picture, *place]),
                u32::to_le_bytes,
            )?;
            writer.finish()
        })
    }

    /// Opens the file at `path` as it was when its directory was saved; answers the watermark too. What was stored
    /// later is cut off: it comes again from the source. Records are held to their digests when they are read.
    ///
    /// # Errors
    /// A file cannot be read, is something else, or the two do not fit together.
    pub fn restore(path: &Path, directory: &Path) -> Result<(Self, u64), SnapshotError> {
        let (mut reader, actual) = Reader::open(directory)?;
        if actual < HEADER || reader.bytes::<8>()? != MAGIC {
            return Err(SnapshotError::Foreign);
        }
        let (version, records) = (u32::from_le_bytes(reader.bytes()?), u32::from_le_bytes(reader.bytes()?));
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let (watermark, pictures) =
            (u64::from_le_bytes(reader.bytes()?), u64::from_le_bytes(reader.bytes()?));
        if pictures >= u64::from(records) {
            return Err(SnapshotError::Invalid("the directory names more pictures than there are records"));
        }
        let expected = HEADER + 8 * pictures + DIGEST;
        if actual != expected {
            return Err(SnapshotError::Length { expected, actual });
        }
        let pairs = reader.pairs(pictures)?;
        reader.finish()?;
        let ascending = pairs.is_sorted_by(|(one, _), (next, _)| one < next);
        if !ascending || pairs.iter().any(|(_, place)| *place == 0 || *place >= records) {
            return Err(SnapshotError::Invalid("the directory is not in order"));
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let (expected, actual) = (u64::from(records) * RECORD as u64, file.metadata()?.len());
        if actual < expected {
            return Err(SnapshotError::Length { expected, actual });
        }
        file.set_len(expected)?;
        let store = Self { file, directory: RwLock::new(pairs), records: Mutex::new(records) };
        if store.has_first_record()? { Ok((store, watermark)) } else { Err(SnapshotError::Foreign) }
    }
}
