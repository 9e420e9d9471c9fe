//! Why a round of publication ends without a checkpoint.

use super::super::storage::StorageError;
use crate::store::StoreError;
use std::error::Error;

/// Why a round did not publish.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Going on would contradict what was signed: an operator must look.
    #[error("{0}")]
    Halt(String),
    /// It may go better next time.
    #[error("{0}")]
    Failed(Box<dyn Error + Send + Sync>),
}

impl PublishError {
    pub(super) fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(_) => Self::Halt(format!("the database of the log is damaged: {error}")),
            _ => Self::failed(error),
        }
    }
}

impl From<StorageError> for PublishError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Differs(_) => Self::Halt(error.to_string()),
            StorageError::Failed { .. } => Self::failed(error),
        }
    }
}
