//! Reading picture files with a limit, before anything is made of them, and writing what was made.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses it.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Longer than the limit.
    #[error("{path} has more than {limit} bytes")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// Not a regular file.
    #[error("{0} is not a file")]
    NotAFile(PathBuf),
}

/// Longest picture file that is read unless the registry says less: 32 MiB.
pub const MAX_PICTURE_BYTES: u64 = 32 << 20;

/// Longest video file that is read: 256 MiB. It and its labelled copy stand in memory.
pub const MAX_VIDEO_BYTES: u64 = 256 << 20;

/// The longest file of this name that is read: videos and documents may be longer than pictures.
#[must_use]
pub fn limit_of(path: &Path) -> u64 {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("mp4" | "m4v" | "m4a" | "mov" | "mkv" | "webm" | "flv" | "avi" | "pdf") => MAX_VIDEO_BYTES,
        _ => MAX_PICTURE_BYTES,
    }
}

/// Whether a name ends like that of a picture or video, and not like a folder's.
#[must_use]
pub fn is_named_as_file(path: &Path) -> bool {
    const ENDINGS: [&str; 14] = [
        "jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp", "heic", "heif", "avif", "mp4", "m4a",
        "mov",
    ];
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// [`FileError`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let data = file.metadata().map_err(failed)?;
    if data.is_dir() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    let too_long = || FileError::TooLong { path: path.to_owned(), limit };
    if data.len() > limit {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(data.len()).unwrap_or(0));
    // One byte more than allowed shows a file that grows, or a pipe without end.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_long()) } else { Ok(bytes) }
}

/// Writes a whole file, making its folder if it is missing.
///
/// # Errors
/// [`FileError::Io`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, [1, 2, 3]).unwrap();
        assert_eq!(read(&path, 3).unwrap(), [1, 2, 3]);
        assert!(matches!(read(&path, 2), Err(FileError::TooLong { limit: 2, .. })));
        assert!(matches!(read(folder.path(), 9), Err(FileError::NotAFile(_))));
        assert!(matches!(read(&folder.path().join("none"), 9), Err(FileError::Io { .. })));
    }
}
