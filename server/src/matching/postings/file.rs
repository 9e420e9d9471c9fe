//! The exact codes on disk: fixed records, read where they stand, one system call a picture.
//!
//! Owns the file. Layout: records of 2,448 bytes. The first holds the magic `TSLOCALS` and zeros. Every other one is a
//! picture: number (4 bytes), number of descriptors n (1 byte, at most 64), three zeros, the first 8 bytes of the
//! SHA-256 of the record with zeros in their place, n descriptors (38 bytes each), zeros. A number that occurs again
//! replaces the earlier record; n = 255 takes the picture out. Integers are little-endian.
//!
//! Reading takes no lock beyond a look at the directory in memory (8 bytes a picture).

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};

use super::codes::{CodeStore, CodesError};
use super::local::{LOCAL_BYTES, Local, PICTURE_LOCALS};

const MAGIC: [u8; 8] = *b"TSLOCALS";
/// Bytes before the descriptors of a record.
const HEAD: usize = 16;
/// Bytes of a record.
pub(super) const RECORD: usize = HEAD + PICTURE_LOCALS * LOCAL_BYTES;
/// Stands for the number of descriptors of a picture that was taken out.
const REMOVED: u8 = u8::MAX;

type Record = [u8; RECORD];

/// Registered descriptors in a file.
#[derive(Debug)]
pub struct CodeFile {
    pub(super) file: File,
    /// Picture and place of its record, by picture.
    pub(super) directory: RwLock<Vec<(u32, u32)>>,
    /// Records in the file, the first included.
    pub(super) records: Mutex<u32>,
}

impl CodeFile {
    /// Opens the file at `path`, or creates it. A record that was not written whole when the machine stopped is cut
    /// off; what was synchronised is complete.
    ///
    /// # Errors
    /// The file cannot be read, is something else, or a record is damaged.
    pub fn open(path: &Path) -> Result<Self, CodesError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let len = file.metadata()?.len();
        if len == 0 {
            file.write_all(&first_record())?;
        } else if len >= RECORD as u64 && len % RECORD as u64 != 0 {
            file.set_len(len - len % RECORD as u64)?;
        }
        let records = u32::try_from(file.metadata()?.len() / RECORD as u64).map_err(|_| CodesError::Full)?;
        let store = Self { file, directory: RwLock::default(), records: Mutex::new(records) };
        store.read_directory(records)?;
        Ok(store)
    }

    fn read_directory(&self, records: u32) -> Result<(), CodesError> {
        let mut reader = std::io::BufReader::with_capacity(64 * RECORD, &self.file);
        std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(0))?;
        let mut record = [0; RECORD];
        for place in 0..records {
            reader.read_exact(&mut record)?;
            if place == 0 {
                if record != first_record() {
                    return Err(CodesError::Foreign);
                }
                continue;
            }
            let picture = number(&record);
            if checksum(&record) != stored_checksum(&record) {
                return Err(CodesError::Damaged(picture));
            }
            self.enter(picture, place, record.get(4) == Some(&REMOVED));
        }
        if records == 0 { Err(CodesError::Foreign) } else { Ok(()) }
    }

    /// Stores the first 64 descriptors of `picture`, in place of what was there.
    ///
    /// # Errors
    /// The file cannot be written, or is full.
    pub fn put(&self, picture: u32, locals: &[Local]) -> Result<(), CodesError> {
        let locals = locals.get(..locals.len().min(PICTURE_LOCALS)).unwrap_or_default();
        let old = self.place(picture);
        self.append(picture, u8::try_from(locals.len()).unwrap_or(0), locals)?;
        self.blank(picture, old)
    }

    /// Takes `picture` out and overwrites its descriptors: they are personal data on request.
    ///
    /// # Errors
    /// The file cannot be written, or is full.
    pub fn remove(&self, picture: u32) -> Result<(), CodesError> {
        let old = self.place(picture);
        self.append(picture, REMOVED, &[])?;
        self.blank(picture, old)
    }

    /// Overwrites a record that another one replaced.
    fn blank(&self, picture: u32, old: Option<u32>) -> Result<(), CodesError> {
        if let Some(old) = old {
            self.file.write_all_at(&record(picture, REMOVED, &[]), offset(old))?;
        }
        Ok(())
    }

    /// Number of pictures.
    pub(crate) fn len(&self) -> usize {
        self.directory.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns once everything stored so far survives a power failure.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn synchronise(&self) -> Result<(), CodesError> {
        Ok(self.file.sync_data()?)
    }

    /// Whether the file is one of descriptors.
    pub(super) fn has_first_record(&self) -> std::io::Result<bool> {
        let mut record = [0; RECORD];
        self.file.read_exact_at(&mut record, 0)?;
        Ok(record == first_record())
    }

    fn append(&self, picture: u32, count: u8, locals: &[Local]) -> Result<(), CodesError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let next = records.checked_add(1).ok_or(CodesError::Full)?;
        self.file.write_all_at(&record(picture, count, locals), offset(*records))?;
        self.enter(picture, *records, count == REMOVED);
        *records = next;
        Ok(())
    }

    fn enter(&self, picture: u32, place: u32, removed: bool) {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        match (directory.binary_search_by_key(&picture, |it| it.0), removed) {
            (Ok(at), true) => drop(directory.remove(at)),
            (Err(_), true) => {}
            (Ok(at), false) => {
                if let Some(entry) = directory.get_mut(at) {
                    entry.1 = place;
                }
            }
            (Err(at), false) => directory.insert(at, (picture, place)),
        }
    }

    fn place(&self, picture: u32) -> Option<u32> {
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        let at = directory.binary_search_by_key(&picture, |it| it.0).ok()?;
        directory.get(at).map(|it| it.1)
    }
}

impl CodeStore for CodeFile {
    fn read(&self, picture: u32, out: &mut Vec<Local>) -> Result<bool, CodesError> {
        let Some(place) = self.place(picture) else { return Ok(false) };
        let mut record = [0; RECORD];
        self.file.read_exact_at(&mut record, offset(place))?;
        let [_, _, _, _, count, rest @ ..] = &record;
        let sound = number(&record) == picture && checksum(&record) == stored_checksum(&record);
        if !sound || *count == REMOVED {
            // One that is replaced or removed is overwritten, but not before the directory names another place.
            if self.place(picture) != Some(place) {
                return self.read(picture, out);
            }
            return if sound { Ok(false) } else { Err(CodesError::Damaged(picture)) };
        }
        let locals = rest.get(HEAD - 5..).unwrap_or_default().as_chunks().0;
        out.extend(locals.iter().take(usize::from(*count)).map(Local::from_bytes));
        Ok(true)
    }
}

fn offset(place: u32) -> u64 {
    u64::from(place) * RECORD as u64
}

fn number(record: &Record) -> u32 {
    let [n0, n1, n2, n3, ..] = record;
    u32::from_le_bytes([*n0, *n1, *n2, *n3])
}

fn stored_checksum(record: &Record) -> Option<[u8; 8]> {
    record.get(8..HEAD)?.first_chunk().copied()
}

fn checksum(record: &Record) -> Option<[u8; 8]> {
    let mut digest = Sha256::new();
    digest.update(record.get(..8)?);
    digest.update([0; 8]);
    digest.update(record.get(HEAD..)?);
    digest.finalize().first_chunk().copied()
}

fn first_record() -> Record {
    let mut record = [0; RECORD];
    record.iter_mut().zip(MAGIC).for_each(|(byte, value)| *byte = value);
    record
}

fn record(picture: u32, count: u8, locals: &[Local]) -> Record {
    let mut record = [0; RECORD];
    let head = picture.to_le_bytes().into_iter().chain([count, 0, 0, 0]).chain([0; 8]);
    let bytes = head.chain(locals.iter().take(PICTURE_LOCALS).flat_map(Local::to_bytes));
    record.iter_mut().zip(bytes).for_each(|(byte, value)| *byte = value);
    if let (Some(sum), Some(cell)) = (checksum(&record), record.get_mut(8..HEAD)) {
        cell.copy_from_slice(&sum);
    }
    record
}
