//! Where the exact codes of suspects come from.
//!
//! Owns the contract and the store in memory; `CodeFile` is the one on disk.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::local::{LOCAL_BYTES, Local, PICTURE_LOCALS};

/// Why stored codes cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CodesError {
    /// The file could not be read or written.
    #[error("stored descriptors: {0}")]
    Io(#[from] std::io::Error),
    /// The file is something else, or of another version.
    #[error("the file does not hold descriptors")]
    Foreign,
    /// A record does not fit its checksum.
    #[error("the stored descriptors of picture {0} are damaged")]
    Damaged(u32),
    /// The file is full: it counts records in 32 bits.
    #[error("no room for further descriptors")]
    Full,
}

/// The registered descriptors of each picture.
pub trait CodeStore {
    /// Appends the descriptors of `picture`, at most 64, to `out`; answers false if the picture is not there.
    ///
    /// # Errors
    /// [`CodesError::Damaged`] if this picture's descriptors are damaged, which says nothing of others; anything else if
    /// the store fails.
    fn read(&self, picture: u32, out: &mut Vec<Local>) -> Result<bool, CodesError>;
}

/// Descriptors of a picture as stored.
type Record = Box<[[u8; LOCAL_BYTES]]>;

/// Codes in memory: 2.5 KB a picture. For tests, small registries and measurements.
#[derive(Debug, Default)]
pub struct MemoryCodes {
    records: RwLock<BTreeMap<u32, Record>>,
}

impl MemoryCodes {
    /// Stores the first 64 descriptors of `picture`, in place of what was there.
    pub fn put(&self, picture: u32, locals: &[Local]) {
        let record = locals.iter().take(PICTURE_LOCALS).map(Local::to_bytes).collect();
        self.records.write().unwrap_or_else(PoisonError::into_inner).insert(picture, record);
    }

    /// Takes `picture` out; answers whether it was there.
    pub fn remove(&self, picture: u32) -> bool {
        self.records.write().unwrap_or_else(PoisonError::into_inner).remove(&picture).is_some()
    }
}

impl CodeStore for MemoryCodes {
    fn read(&self, picture: u32, out: &mut Vec<Local>) -> Result<bool, CodesError> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = records.get(&picture) else { return Ok(false) };
        out.extend(record.iter().map(Local::from_bytes));
        Ok(true)
    }
}
