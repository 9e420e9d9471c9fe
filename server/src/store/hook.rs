//! The seam for fault tests: what may go wrong around a commit, told by whoever opens the store.
//!
//! A server opens its store without a hook, and then nothing here runs.

use super::StoreError;
use std::fmt;

/// What a transaction does to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Appends entries.
    Append,
    /// Takes publication over.
    Claim,
    /// Notes that a checkpoint is about to be signed.
    Sign,
    /// Records a checkpoint as published.
    Publish,
    /// Nothing: it stands beside the log.
    Beside,
}

/// Stands on both sides of every commit ([`super::Store::open_with`]).
pub trait CommitHook: fmt::Debug + Send + Sync {
    /// Everything is written and nothing is committed yet.
    ///
    /// # Errors
    /// The transaction is rolled back and its caller gets the error: failed, and not persisted.
    fn before_commit(&self, work: Work) -> Result<(), StoreError>;

    /// The transaction is committed and durable.
    ///
    /// # Errors
    /// The caller gets the error although everything is kept, as when a connection is lost while the answer to the
    /// commit is on its way: failed, but persisted.
    fn after_commit(&self, work: Work) -> Result<(), StoreError>;
}
