//! What can go wrong between a use case and the database. "Not found" is not among it: that is `Option::None`.

/// Why a call of the store failed. A failed write has changed nothing, unless the connection was lost while the
/// commit was on its way: then a repetition finds the entry by its deduplication key.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others hold the database longer than the configured time. Trying again may succeed.
    #[error("the database is busy, try again: {0}")]
    Busy(String),
    /// The database cannot be reached, or its disk takes no more writes.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What stands on the disk cannot be read: the disk failed for a moment or for good, or the file is damaged. SQLite tells
    /// the two by the same words, so trying again may succeed; nothing was read that could be wrong.
    #[error(
        "the database cannot be read ({0}): if this goes on, look at its disk, and restore the newest backup"
    )]
    Unreadable(String),
    /// A stored value breaks its own rules, or the file is no database.
    #[error("the database holds a damaged value: {0}")]
    Corrupt(String),
    /// A rule of the tables refuses the change.
    #[error("the database refuses the change: {name}")]
    Constraint {
        /// What is violated, alike on both engines for unique values: `table.column`, such as `users.name`.
        name: String,
    },
    /// The settings name no usable database.
    #[error("{0}")]
    Configuration(String),
    /// The tables are older than this program.
    #[error("the database lacks the migrations {}; run `touchstone-server migrate`", .0.join(", "))]
    PendingMigrations(Vec<String>),
    /// Anything else.
    #[error("the database reports: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// An error that has no place elsewhere.
    pub(super) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// What the rest of a transaction fails of once one of its statements failed of this. Others of the same group
    /// must learn whether trying again helps.
    pub(super) fn for_what_follows(&self) -> Self {
        match self {
            Self::Busy(cause) => Self::Busy(cause.clone()),
            Self::Unavailable(cause) => Self::Unavailable(cause.clone()),
            Self::Unreadable(cause) => Self::Unreadable(cause.clone()),
            cause => Self::other(format!("a statement failed before, and nothing was kept: {cause}")),
        }
    }
}
