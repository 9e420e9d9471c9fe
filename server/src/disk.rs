//! The floor of free disk space: below it nothing more is accepted, so that what was acknowledged can be kept.

use crate::clock::Clock;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

/// How long a measurement counts, in microseconds.
const FRESH_MICROS: i64 = 1_000_000;

/// There is too little room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{folder:?} has {free} bytes left; from {floor} bytes on nothing is accepted")]
pub struct DiskFull {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes that are left.
    pub free: u64,
    /// The floor.
    pub floor: u64,
}

/// Watches the free space of the file systems of some folders.
pub struct DiskFloor {
    folders: Vec<PathBuf>,
    floor: u64,
    clock: Arc<dyn Clock>,
    measured_at: AtomicI64,
    full: AtomicBool,
}

impl fmt::Debug for DiskFloor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskFloor")
            .field("folders", &self.folders)
            .field("floor", &self.floor)
            .finish_non_exhaustive()
    }
}

/// Bytes that this process may still write to the file system of `folder`.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes that this process may still write to the file system of `folder`; systems without statvfs do not tell.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

impl DiskFloor {
    /// At least `floor` bytes are to stay free where each of the folders is. Zero turns the watch off.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>, floor: u64, clock: Arc<dyn Clock>) -> Self {
        Self { folders, floor, clock, measured_at: AtomicI64::new(i64::MIN), full: AtomicBool::new(false) }
    }

    /// Whether there is room. Measured at most once a second, unless there was none.
    ///
    /// # Errors
    /// [`DiskFull`].
    pub fn check(&self) -> Result<(), DiskFull> {
        let now = self.clock.now().as_micros();
        let age = now.saturating_sub(self.measured_at.load(Ordering::Relaxed));
        let fresh = (0..FRESH_MICROS).contains(&age);
        if self.floor == 0 || (fresh && !self.full.load(Ordering::Relaxed)) {
            return Ok(());
        }
        // A folder that cannot be measured is no reason to refuse: writing to it will tell.
        let free = |folder: &PathBuf| free_bytes(folder).unwrap_or(u64::MAX);
        let least = self.folders.iter().map(|folder| (free(folder), folder)).min();
        let full = least.filter(|(free, _)| *free < self.floor);
        self.full.store(full.is_some(), Ordering::Relaxed);
        self.measured_at.store(now, Ordering::Relaxed);
        match full {
            Some((free, folder)) => Err(DiskFull { folder: folder.clone(), free, floor: self.floor }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_floor_above_what_is_there_refuses_and_zero_never_does() {
        let folder = tempfile::tempdir().unwrap();
        let folders = || vec![folder.path().to_owned(), folder.path().join("not made yet")];
        let floor = |bytes| DiskFloor::new(folders(), bytes, Arc::new(SystemClock)).check();
        floor(0).unwrap();
        floor(1).unwrap();
        let full = floor(u64::MAX).unwrap_err();
        assert!(full.free > 0 && full.to_string().contains("bytes left"), "{full}");
    }
}
