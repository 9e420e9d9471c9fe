//! The two engines: how each is opened, locked, and how its errors read. The only place where they differ.
//!
//! A query is written once and compiled for each engine by [`on_engine`], so that both keep their own cache of
//! prepared statements and both may use what they have in common beyond the standard (`ON CONFLICT`).

use super::{error::StoreError, schema::log_state};
use diesel::{
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    prelude::*,
    r2d2::{ManageConnection, R2D2Connection},
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::fmt;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/postgres");
/// Servers that start together migrate one after the other. The number is "touchsto" in ASCII.
const MIGRATION_LOCK: i64 = 0x746f_7563_6873_746f;

/// A connection to either engine.
pub(super) enum AnyConnection {
    /// Embedded.
    Sqlite(SqliteConnection),
    /// A server.
    Postgres(PgConnection),
}

/// Compiles one query for both engines.
macro_rules! on_engine {
    ($connection:expr, $engine:ident => $query:expr) => {
        match $connection {
            $crate::store::dialect::AnyConnection::Sqlite($engine) => $query,
            $crate::store::dialect::AnyConnection::Postgres($engine) => $query,
        }
    };
}
pub(super) use on_engine;

/// Loads the first rows of a query. SQLite plans anew for every value bound to `LIMIT`, which costs more than the
/// query itself: there the rows are counted as they are stepped through.
macro_rules! load_first {
    ($connection:expr, $limit:expr, $query:expr) => {
        match $connection {
            $crate::store::dialect::AnyConnection::Sqlite(c) => $query
                .load_iter::<_, diesel::connection::DefaultLoadingMode>(c)
                .and_then(|rows| rows.take($limit).collect()),
            $crate::store::dialect::AnyConnection::Postgres(c) => {
                $query.limit(i64::try_from($limit).unwrap_or(i64::MAX)).load(c)
            }
        }
    };
}
pub(super) use load_first;

/// Where the database is.
#[derive(Clone)]
pub(super) enum Address {
    /// Path of the file.
    Sqlite(String),
    /// Connection URL for libpq. May hold a password.
    Postgres(String),
}

/// Whether libpq would take a part of the password for the host, and name it in its errors.
fn ambiguous(rest: &str) -> bool {
    let authority = rest.split('?').next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(credentials, _)| credentials.contains(['@', '/', '#']))
}

/// The URL is not repeated: it may hold a password.
fn unreadable_url() -> StoreError {
    StoreError::Configuration(
        "the database URL cannot be read: write postgres://user@host/database, or sqlite:///absolute/path/registry.db; \
         in user and password, other characters than letters and digits are percent-encoded (%40 for @)"
            .to_owned(),
    )
}

impl Address {
    /// Reads a connection URL.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |problem: &str| {
            Err(StoreError::Configuration(format!(
                "{problem}: write sqlite:///absolute/path/registry.db or postgres://user@host/database"
            )))
        };
        match url.split_once("://") {
            Some(("sqlite", path)) if path.contains(['?', '#', '\0']) => {
                refused("an SQLite URL is a path without parameters")
            }
            Some(("sqlite", path)) if path.len() > 1 && path.starts_with('/') => {
                Ok(Self::Sqlite(path.to_owned()))
            }
            Some(("sqlite", _)) => refused("an SQLite URL needs an absolute path, so three slashes"),
            Some(("postgres" | "postgresql", rest)) if ambiguous(rest) => Err(unreadable_url()),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url.to_owned())),
            // The URL is not repeated: it may hold a password.
            Some(_) => refused("the scheme of the database URL is unknown"),
            None => refused("the database URL has no scheme"),
        }
    }

    /// Whether connections may have died since they were last used.
    pub(super) const fn is_remote(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Queries.
    Read,
    /// Transactions.
    Write,
}

/// Opens connections for a pool.
pub(super) struct Opener {
    pub(super) address: Address,
    pub(super) purpose: Purpose,
    pub(super) busy_timeout_ms: u32,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl Opener {
    /// A connection, set up for its purpose.
    pub(super) fn open(&self) -> Result<AnyConnection, StoreError> {
        let unavailable = |e: ConnectionError| {
            let text = e.to_string();
            // What libpq cannot read of a URL it repeats, and there may be a password in it.
            let unreadable = ["URI", "percent", "connection option", "connection info"];
            if unreadable.iter().any(|words| text.contains(words)) {
                return unreadable_url();
            }
            StoreError::Unavailable(text)
        };
        match &self.address {
            Address::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path).map_err(unavailable)?;
                connection.batch_execute(&self.pragmas()).map_err(StoreError::from)?;
                Ok(AnyConnection::Sqlite(connection))
            }
            Address::Postgres(url) => {
                PgConnection::establish(url).map(AnyConnection::Postgres).map_err(unavailable)
            }
        }
    }

    fn pragmas(&self) -> String {
        // First the time-out, so that the change to WAL waits for others too. No memory map: an I/O error must be
        // an error, not a signal. Cache sizes are in KiB.
        let common = format!(
            "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;",
            self.busy_timeout_ms
        );
        match self.purpose {
            Purpose::Read => common + "PRAGMA query_only = ON; PRAGMA cache_size = -4096;",
            // Every commit is on the disk before it is answered. What is deleted is overwritten.
            Purpose::Write => {
                common
                    + "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
                       PRAGMA secure_delete = ON; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000; \
                       PRAGMA journal_size_limit = 67108864;"
            }
        }
    }
}

impl ManageConnection for Opener {
    type Connection = AnyConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConnection, StoreError> {
        self.open()
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        on_engine!(connection, c => c.ping()).map_err(StoreError::from)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        // An open transaction counts as broken: what a panic left behind is dropped and so rolled back.
        std::thread::panicking() || on_engine!(connection, c => c.is_broken())
    }
}

impl AnyConnection {
    /// Begins a transaction that will write. On SQLite it is then the only one.
    pub(super) fn begin(&mut self, busy_timeout_ms: u32) -> QueryResult<()> {
        match self {
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
            // Settings of the transaction, not of the session: poolers hand sessions around.
            Self::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
                c,
                &format!(
                    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {busy_timeout_ms}; \
                     SET LOCAL synchronous_commit = on"
                ),
            ),
        }
    }

    /// Begins a part of the transaction that can be given up alone.
    pub(super) fn begin_nested(&mut self) -> QueryResult<()> {
        on_engine!(self, c => AnsiTransactionManager::begin_transaction(c))
    }

    /// Commits, durably; a nested part is kept if the whole is.
    pub(super) fn commit(&mut self) -> QueryResult<()> {
        on_engine!(self, c => AnsiTransactionManager::commit_transaction(c))
    }

    /// Gives the transaction, or its nested part, up.
    pub(super) fn roll_back(&mut self) -> QueryResult<()> {
        on_engine!(self, c => AnsiTransactionManager::rollback_transaction(c))
    }

    /// Size, frontier and last acceptance time of the log, locked against other writers until the transaction ends.
    pub(super) fn lock_tail(&mut self) -> QueryResult<(i64, Vec<u8>, i64)> {
        let tail = log_state::table
            .select((log_state::size, log_state::frontier, log_state::last_accepted_at))
            .filter(log_state::id.eq(1));
        match self {
            Self::Sqlite(c) => tail.get_result(c),
            Self::Postgres(c) => tail.for_update().get_result(c),
        }
    }

    /// Names of the migrations that are not applied yet.
    pub(super) fn pending_migrations(&mut self) -> Result<Vec<String>, StoreError> {
        macro_rules! names {
            ($connection:expr, $migrations:expr) => {
                $connection
                    .pending_migrations($migrations)
                    .map(|all| all.iter().map(|m| m.name().to_string()).collect())
                    .map_err(migration_error)
            };
        }
        match self {
            Self::Sqlite(c) => names!(c, SQLITE_MIGRATIONS),
            Self::Postgres(c) => names!(c, POSTGRES_MIGRATIONS),
        }
    }

    /// Applies what is pending and returns the versions applied. Servers that start together do it one after the
    /// other: which migrations are pending is read under the lock that applies them.
    pub(super) fn migrate(&mut self) -> Result<Vec<String>, StoreError> {
        macro_rules! run {
            ($connection:expr, $migrations:expr) => {
                $connection
                    .run_pending_migrations($migrations)
                    .map(|applied| applied.iter().map(ToString::to_string).collect())
                    .map_err(migration_error)
            };
        }
        match self {
            Self::Sqlite(c) => {
                AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?;
                let applied = run!(c, SQLITE_MIGRATIONS);
                match &applied {
                    Ok(_) => AnsiTransactionManager::commit_transaction(c)?,
                    // The caller learns the first error; a connection that cannot roll back is dropped.
                    Err(_) => drop(AnsiTransactionManager::rollback_transaction(c)),
                }
                applied
            }
            Self::Postgres(c) => {
                c.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))?;
                let applied = run!(c, POSTGRES_MIGRATIONS);
                c.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})"))?;
                applied
            }
        }
    }
}

fn migration_error(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<Error>() {
        Ok(error) => (*error).into(),
        Err(error) => StoreError::Other(error),
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => of_database(kind, information.as_ref()),
            Error::DeserializationError(cause) => Self::Corrupt(cause.to_string()),
            Error::BrokenTransactionManager => Self::Unavailable("the connection is broken".to_owned()),
            Error::RollbackErrorOnCommit { commit_error, .. } => (*commit_error).into(),
            other => Self::other(other),
        }
    }
}

fn of_database(kind: DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> StoreError {
    let message = information.message();
    match kind {
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => {
            StoreError::Constraint { name: constraint_name(information) }
        }
        DatabaseErrorKind::SerializationFailure => StoreError::Busy(message.to_owned()),
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ReadOnlyTransaction => StoreError::Unavailable(message.to_owned()),
        _ => of_message(message),
    }
}

/// Diesel hands on neither SQLite's result code nor PostgreSQL's SQLSTATE, only texts. A PostgreSQL server that is
/// set to another language than English loses the distinction here, and the error is `Other`.
fn of_message(message: &str) -> StoreError {
    const BUSY: [&str; 6] = [
        "database is locked",
        "database table is locked",
        "database schema is locked",
        "deadlock detected",
        "due to lock timeout",
        "could not obtain lock",
    ];
    const UNAVAILABLE: [&str; 15] = [
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "attempt to write a readonly database",
        "out of memory",
        "No space left on device",
        "could not extend file",
        "terminating connection",
        "the database system is",
        "server closed the connection",
        "too many clients already",
        "no connection to the server",
        "could not receive data from server",
        "could not send data to server",
        "SSL SYSCALL error",
    ];
    // SQLite says the first of a damaged page and of a read that fails with EIO alike (SQLITE_IOERR_CORRUPTFS).
    const UNREADABLE: [&str; 3] =
        ["database disk image is malformed", "invalid page", "could not read block"];
    const CORRUPT: [&str; 1] = ["file is not a database"];
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if says(&BUSY) {
        StoreError::Busy(message.to_owned())
    } else if says(&UNAVAILABLE) {
        StoreError::Unavailable(message.to_owned())
    } else if says(&UNREADABLE) {
        StoreError::Unreadable(message.to_owned())
    } else if says(&CORRUPT) {
        StoreError::Corrupt(message.to_owned())
    } else {
        StoreError::other(message.to_owned())
    }
}

/// PostgreSQL names the constraint; SQLite says `UNIQUE constraint failed: users.name`. The PostgreSQL migrations
/// give unique constraints SQLite's names.
fn constraint_name(information: &dyn DatabaseErrorInformation) -> String {
    let message = information.message();
    let name =
        information.constraint_name().or_else(|| message.split_once("constraint failed: ").map(|(_, n)| n));
    name.unwrap_or(message).to_owned()
}
