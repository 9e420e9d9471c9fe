//! The database: SQLite in a file beside the server, or PostgreSQL.
//!
//! This is the only place that imports Diesel. It speaks in rows of [`model`]; values are converted at this border,
//! and one that does not parse is [`StoreError::Corrupt`]. Calls block. It knows no HTTP, no clock and no rules
//! beyond those of the tables.

mod access;
mod content;
mod convert;
mod deferred;
mod dialect;
mod entries;
mod error;
mod hook;
mod manifests;
mod model;
mod organisations;
mod publication;
mod records;
mod schema;
mod state;

pub use content::MAX_FOUND;
pub use error::StoreError;
pub use hook::{CommitHook, Work};
pub use manifests::{ISCC_RADIUS, MAX_BINDING_VALUE};
pub use model::{
    Appended, ChangeRow, CheckPictures, CheckRow, CheckpointRow, ContentDigest, ContentRow, EntryRow,
    FingerprintRow, KeyPurpose, KeyRow, LogHead, ManifestRow, NewEntry, NewKey, NewManifest, NewOrganisation,
    NewRecord, NewToken, NewUser, OrganisationRow, RecordRow, RegistryKeyRow, TokenRow, UserRow,
};

use crate::log::Tail;
use deferred::Deferred;
use dialect::{Address, AnyConnection, Opener, Purpose};
use diesel::{
    QueryResult,
    r2d2::{NopErrorHandler, Pool, PooledConnection},
};
use parking_lot::FairMutex;
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

/// Which database, and how it is used.
#[derive(Clone)]
pub struct StoreConfig {
    /// `sqlite:///absolute/path/registry.db` or `postgres://user@host/database`.
    pub url: String,
    /// Most connections that read at the same time, at least 1.
    pub readers: u32,
    /// How long a call waits for a connection or a lock, in milliseconds, before it is [`StoreError::Busy`].
    pub busy_timeout_ms: u32,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        let scheme = self.url.split("://").next().unwrap_or_default();
        f.debug_struct("StoreConfig")
            .field("scheme", &scheme)
            .field("readers", &self.readers)
            .field("busy_timeout_ms", &self.busy_timeout_ms)
            .finish_non_exhaustive()
    }
}

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    readers: Pool<Opener>,
    writers: Pool<Opener>,
    busy_timeout_ms: u32,
    /// Writers of this process take turns in the order in which they came: the pool lends to whoever asks first, so one
    /// that writes all the time would keep the others waiting.
    turn: FairMutex<()>,
    embedded: bool,
    hook: Option<Arc<dyn CommitHook>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("readers", &self.0.readers.state()).finish_non_exhaustive()
    }
}

impl Store {
    /// Connects. An SQLite file is created if it is missing; its folder must exist. Tables are left as they are.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] if the URL cannot be used, [`StoreError::Unavailable`] if nothing answers.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::open_with(config, None)
    }

    /// As [`Store::open`], with somebody on both sides of every commit.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(config: &StoreConfig, hook: Option<Arc<dyn CommitHook>>) -> Result<Self, StoreError> {
        let address = Address::parse(&config.url)?;
        let opener =
            |purpose| Opener { address: address.clone(), purpose, busy_timeout_ms: config.busy_timeout_ms };
        // Once directly: a pool reports only that it timed out. It also sets the file up before readers come.
        drop(opener(Purpose::Write).open()?);
        let pool = |purpose, size: u32| {
            Pool::builder()
                .max_size(size.max(1))
                .min_idle(Some(u32::from(purpose == Purpose::Write)))
                .test_on_check_out(address.is_remote())
                .connection_timeout(Duration::from_millis(u64::from(config.busy_timeout_ms.max(1))))
                .error_handler(Box::new(NopErrorHandler))
                .build_unchecked(opener(purpose))
        };
        // SQLite has one writer. On PostgreSQL a second one serves what does not touch the log.
        let writers = if address.is_remote() { config.readers.div_ceil(2).max(2) } else { 1 };
        Ok(Self(Arc::new(Inner {
            readers: pool(Purpose::Read, config.readers),
            writers: pool(Purpose::Write, writers),
            busy_timeout_ms: config.busy_timeout_ms,
            turn: FairMutex::new(()),
            embedded: !address.is_remote(),
            hook,
        })))
    }

    /// Applies the pending migrations and returns their versions.
    ///
    /// # Errors
    /// [`StoreError`]. SQLite keeps nothing then; PostgreSQL keeps the migrations before the one that failed.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let applied = connection(&self.0.writers)?.migrate()?;
        self.complete_migration()?;
        Ok(applied)
    }

    /// Whether the tables are as new as this program.
    ///
    /// # Errors
    /// [`StoreError::PendingMigrations`] says what is missing and what to do.
    pub fn check_schema(&self) -> Result<(), StoreError> {
        let pending = connection(&self.0.writers)?.pending_migrations()?;
        if pending.is_empty() { Ok(()) } else { Err(StoreError::PendingMigrations(pending)) }
    }

    /// Lends a connection for queries. Each query sees everything committed before it; two queries may see
    /// different states.
    ///
    /// # Errors
    /// Those of `f`; [`StoreError::Busy`] if no connection comes free in time.
    pub fn read<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&mut Reader<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = connection(&self.0.readers)?;
        f(&mut Reader { connection: &mut connection, failed: None })
    }

    /// Runs one transaction that may append to the log. Such transactions run one after the other on both engines,
    /// so what `f` reads stays true until it is committed. `Ok` means durable: the bytes are on the disk. `Err`
    /// means that nothing was kept.
    ///
    /// # Errors
    /// Those of `f`, and those of locking and committing. A statement that failed makes the transaction fail, even
    /// if `f` passes over it.
    pub fn write<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transact(true, f)
    }

    /// As [`Store::write`], for changes that neither append to the log nor depend on it: checks, tokens, users.
    /// On PostgreSQL such transactions run beside each other and beside the log's.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_beside_log<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transact(false, f)
    }

    fn transact<T, E: From<StoreError>>(
        &self,
        lock: bool,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // On SQLite whatever writes keeps others from writing.
        let patience = Duration::from_millis(u64::from(self.0.busy_timeout_ms));
        let _turn = if lock || self.0.embedded {
            let turn = self.0.turn.try_lock_for(patience);
            Some(turn.ok_or_else(|| StoreError::Busy("others are writing".to_owned()))?)
        } else {
            None
        };
        let mut connection = connection(&self.0.writers)?;
        connection.begin(self.0.busy_timeout_ms).map_err(StoreError::from)?;
        let reader = Reader { connection: &mut connection, failed: None };
        let mut writer = Writer { reader, tail: None, deferred: None, work: Work::Beside };
        let outcome = if lock { writer.lock().map(drop).map_err(E::from) } else { Ok(()) }
            .and_then(|()| f(&mut writer))
            .and_then(|value| writer.finish().map(|()| value).map_err(E::from));
        let (work, hook) = (writer.work, self.0.hook.as_deref());
        let outcome = outcome.and_then(|value| {
            hook.map_or(Ok(()), |hook| hook.before_commit(work))?;
            Ok(value)
        });
        match outcome {
            Ok(value) => {
                connection.commit().map_err(StoreError::from)?;
                hook.map_or(Ok(()), |hook| hook.after_commit(work))?;
                Ok(value)
            }
            Err(error) => {
                // A connection that cannot roll back counts as broken: the pool drops it, and so the transaction.
                // The caller learns the first error, which is the cause.
                drop(connection.roll_back());
                Err(error)
            }
        }
    }
}

fn connection(pool: &Pool<Opener>) -> Result<PooledConnection<Opener>, StoreError> {
    pool.get().map_err(|error| {
        // Without a cause, all connections are lent out; with one, a connection could not be opened.
        let text = error.to_string();
        match text.split_once(": ") {
            Some((_, cause)) => StoreError::Unavailable(cause.to_owned()),
            None => StoreError::Busy("all connections are in use".to_owned()),
        }
    })
}

/// Queries. Lent by [`Store::read`].
pub struct Reader<'c> {
    connection: &'c mut AnyConnection,
    /// What the first statement that failed died of: PostgreSQL gives the whole transaction up then, and SQLite shall
    /// too.
    failed: Option<StoreError>,
}

impl Reader<'_> {
    fn settle<T>(&mut self, result: QueryResult<T>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let error = StoreError::from(error);
            self.failed.get_or_insert_with(|| error.for_what_follows());
            error
        })
    }
}

/// Runs a query on a reader's connection, whichever engine it is.
macro_rules! run {
    ($reader:expr, $engine:ident => $query:expr) => {{
        let result = $crate::store::dialect::on_engine!(&mut *$reader.connection, $engine => $query);
        $reader.settle(result)
    }};
}
use run;

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Queries and changes inside one transaction. Lent by [`Store::write`].
#[derive(Debug)]
pub struct Writer<'c> {
    reader: Reader<'c>,
    /// The log's tail once it is locked.
    tail: Option<LockedTail>,
    /// What is written together, if it is.
    deferred: Option<Deferred>,
    /// What it does to the log.
    work: Work,
}

/// The log's tail inside a transaction.
#[derive(Debug, Clone)]
struct LockedTail {
    /// Size of the log when it was locked.
    found: u64,
    /// The tail after what was appended since.
    now: Tail,
}

impl<'c> Deref for Writer<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

impl<'c> DerefMut for Writer<'c> {
    fn deref_mut(&mut self) -> &mut Reader<'c> {
        // Queries see what was appended before. What fails of it makes the transaction fail, whatever they answer.
        let _kept_as_failed = self.write_deferred();
        &mut self.reader
    }
}

impl Writer<'_> {
    /// Runs a part of the transaction that can fail alone: on `Err`, what `f` changed is undone, its appends
    /// included, and the transaction goes on.
    ///
    /// # Errors
    /// Those of `f`. A statement that failed makes the part fail, even if `f` passes over it.
    pub fn nested<T, E: From<StoreError>>(
        &mut self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (tail, failed) = (self.tail.clone(), self.failed.as_ref().map(StoreError::for_what_follows));
        let begun = self.connection.begin_nested();
        self.settle(begun)?;
        match f(self).and_then(|value| self.complete().map(|()| value).map_err(E::from)) {
            Ok(value) => {
                let kept = self.connection.commit();
                self.settle(kept)?;
                Ok(value)
            }
            Err(error) => {
                self.forget_deferred();
                let undone = self.connection.roll_back();
                self.settle(undone)?;
                (self.tail, self.failed) = (tail, failed);
                Err(error)
            }
        }
    }

    /// Everything is written, and no statement failed.
    fn complete(&mut self) -> Result<(), StoreError> {
        self.write_deferred()?;
        self.failed.as_ref().map_or(Ok(()), |first| Err(first.for_what_follows()))
    }

    /// What must hold before the commit.
    fn finish(&mut self) -> Result<(), StoreError> {
        self.complete()?;
        self.write_tail_back()
    }
}

/// Exactly one row was to be changed.
fn exactly_one(rows: usize) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Corrupt(format!("{rows} rows changed where one was expected")))
    }
}

/// One row was to be changed, unless its state forbids it: then `name` is violated.
fn one_or_violated(rows: usize, name: &str) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Constraint { name: name.to_owned() }) } else { exactly_one(rows) }
}
