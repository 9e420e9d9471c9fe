//! Where tiles and the checkpoint are kept: a local directory, or S3-compatible storage.
//!
//! The database is the truth and everything here can be made again from it, except that nothing that was published may
//! ever change: a resource that exists with other bytes is [`StorageError::Differs`], and the log stops.

#[cfg(feature = "s3")]
mod bucket;
mod directory;

#[cfg(feature = "s3")]
pub use bucket::{Bucket, BucketError};
pub use directory::Directory;

use std::{fmt, io};
use touchstone_schema::{
    Sha256Digest,
    log::{checkpoint::Checkpoint, note::Note},
};

/// Path of the checkpoint (C2SP tlog-tiles).
pub const CHECKPOINT: &str = "checkpoint";

/// Why a resource cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It exists with other bytes than those that follow from the database.
    #[error(
        "{0} exists in the log's storage with other bytes than the database gives: one of the two is damaged or of \
         another registry"
    )]
    Differs(String),
    /// The system, or the other end, failed.
    #[error("{path} cannot be {action} in the log's storage: {cause}")]
    Failed {
        /// The resource.
        path: String,
        /// `read` or `written`.
        action: &'static str,
        /// What was said.
        cause: io::Error,
    },
}

impl StorageError {
    fn read(path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Failed { path, action: "read", cause }
    }

    fn write(path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Failed { path, action: "written", cause }
    }
}

/// A tile or entry bundle to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Path below the log's prefix, such as `tile/0/x001/234`.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A checkpoint on its way to storage.
#[derive(Debug, Clone, Copy)]
pub struct StoredCheckpoint<'a> {
    /// Entries that it covers.
    pub size: u64,
    /// Root of their tree.
    pub root: &'a Sha256Digest,
    /// The signed note.
    pub note: &'a [u8],
}

impl StoredCheckpoint<'_> {
    /// Whether it takes the place of what stands there.
    fn replaces(&self, there: Option<&[u8]>) -> Result<bool, StorageError> {
        let Some(there) = there else { return Ok(true) };
        let found = Note::parse(there).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
        match found {
            Some(found) if found.size > self.size => Ok(false),
            Some(found) if found.size < self.size => Ok(true),
            Some(found) if found.root == *self.root => Ok(there != self.note),
            _ => Err(StorageError::Differs(CHECKPOINT.to_owned())),
        }
    }
}

/// Keeps the log's resources. Calls block.
pub trait Storage: fmt::Debug + Send + Sync {
    /// The bytes at `path`, or nothing if there are none.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// Keeps resources that never change. On return all of them are durable. One that exists with the same bytes is left
    /// alone, so the call can be repeated after any failure.
    ///
    /// # Errors
    /// [`StorageError::Differs`]; [`StorageError::Failed`], after which any of them may be kept or not.
    fn keep(&self, resources: &[Resource]) -> Result<(), StorageError>;

    /// Replaces the checkpoint, durably and in one step: readers see the old one or the new one. It never goes back: where
    /// a larger one stands, whoever publishes now wrote it, and it stays.
    ///
    /// # Errors
    /// [`StorageError::Differs`] if what stands there is no checkpoint, or one of another tree of this size;
    /// [`StorageError::Failed`], after which either may be there.
    fn replace_checkpoint(&self, next: &StoredCheckpoint<'_>) -> Result<(), StorageError>;

    /// Paths of the partial forms of the resource whose full form is at `path`, as far as they can be told.
    fn partial_forms(&self, path: &str) -> Vec<String>;

    /// Removes partial forms of resources whose full forms are kept and published. What cannot be removed stays: it only
    /// takes room.
    fn remove_partial(&self, paths: &[String]);

    /// Whether every server of the registry sees the same resources, so that one of them writes for all.
    fn is_shared(&self) -> bool;
}
