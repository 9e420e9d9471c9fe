//! The store on both engines: every test here runs on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// Makes a test of each function for each engine.
macro_rules! both_engines {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name(&crate::Database::sqlite()); })*
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name(&crate::Database::postgres()); })*
        }
    };
}

#[path = "store/content.rs"]
mod content;
#[path = "store/deferred.rs"]
mod deferred;
#[path = "store/faults.rs"]
mod faults;
#[path = "store/log.rs"]
mod log;
#[path = "store/manifests.rs"]
mod manifests;
#[path = "store/migrations.rs"]
mod migrations;
#[path = "store/opening.rs"]
mod opening;
#[path = "store/participants.rs"]
mod participants;
#[path = "support/postgres.rs"]
mod postgres;

use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use std::{
    io::{BufRead, BufReader},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, Command, Stdio},
    thread,
};
use tempfile::TempDir;
use touchstone_schema::{
    CheckId, KeyId, OrganisationId, Sha256Digest, StatementId, Timestamp, TokenId, UserId,
    api::Scope,
    leaf,
    log::frontier::Frontier,
    statement::{Issuer, Kind, Role},
};
use touchstone_server::{
    clock::FixedEntropy,
    keyring::{Keyring, KeyringError},
    store::{
        ChangeRow, CheckPictures, CheckRow, CheckpointRow, ContentDigest, ContentRow, EntryRow,
        FingerprintRow, KeyPurpose, KeyRow, NewEntry, NewKey, NewOrganisation, NewRecord, NewToken,
        OrganisationRow, Reader, RecordRow, RegistryKeyRow, Store, StoreConfig, StoreError, TokenRow,
        UserRow, Writer,
    },
};

const BUSY_TIMEOUT_MS: u32 = 5_000;

/// A database of its own for one test.
struct Database {
    url: String,
    folder: Option<TempDir>,
}

impl Database {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite://{}/registry.db", folder.path().display()), folder: Some(folder) }
    }

    fn postgres() -> Self {
        Self { url: postgres::Cluster::shared().database(), folder: None }
    }

    fn open(&self) -> Store {
        open(&self.url, BUSY_TIMEOUT_MS)
    }

    fn migrated(&self) -> Store {
        let store = self.open();
        store.migrate().unwrap();
        store
    }

    /// SQL past the store.
    fn execute(&self, sql: &str) {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => SqliteConnection::establish(path).unwrap().batch_execute(sql).unwrap(),
            None => PgConnection::establish(&self.url).unwrap().batch_execute(sql).unwrap(),
        }
    }
}

fn open(url: &str, busy_timeout_ms: u32) -> Store {
    Store::open(&StoreConfig { url: url.to_owned(), readers: 3, busy_timeout_ms }).unwrap()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn random(n: u64) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&n.to_be_bytes());
    bytes
}

fn bytes32(n: u64) -> [u8; 32] {
    Sha256Digest::of(&n.to_be_bytes()).0
}

fn organisation_id(n: u64) -> OrganisationId {
    OrganisationId::from_parts(1_000, random(n))
}

fn statement(n: u64) -> StatementId {
    StatementId::from_parts(1_000, random(n))
}

fn entry(n: u64, envelope: &[u8]) -> NewEntry<'_> {
    NewEntry {
        id: statement(n),
        kind: Kind::ALL[usize::try_from(n).unwrap() % Kind::ALL.len()].0,
        issuer: if n.is_multiple_of(2) { Issuer::Registry } else { Issuer::Organisation(organisation_id(n)) },
        key: bytes32(n),
        deduplication_key: Sha256Digest(bytes32(n + 1_000_000)),
        envelope,
    }
}

fn write<T>(store: &Store, f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> T {
    store.write(f).unwrap()
}

fn read<T>(store: &Store, f: impl FnOnce(&mut Reader<'_>) -> Result<T, StoreError>) -> T {
    store.read(f).unwrap()
}

/// Appends the entries `numbers`; returns their indexes.
fn append(store: &Store, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    write(store, |w| numbers.into_iter().map(|n| Ok(w.append(at(1_000), &entry(n, b"{}"))?.index)).collect())
}

fn organisation(n: u64, admitted_at_index: u64) -> NewOrganisation {
    NewOrganisation {
        id: organisation_id(n),
        name: format!("名店 {n}"),
        role: [Role::Merchant, Role::AiVendor, Role::Platform, Role::Regulator]
            [usize::try_from(n).unwrap() % 4],
        admitted_at: at(5),
        admitted_at_index,
    }
}

/// What is read of an organisation that was stored.
fn stored(new: NewOrganisation) -> OrganisationRow {
    let NewOrganisation { id, name, role, admitted_at, admitted_at_index } = new;
    OrganisationRow { id, name, role, admitted_at, admitted_at_index, suspended_at_index: None }
}

/// A migrated store with the organisations 0, 1 and 2, admitted at these indexes.
fn with_organisations(database: &Database) -> Store {
    let store = database.migrated();
    append(&store, 0..3);
    write(&store, |w| (0..3).try_for_each(|n| w.insert_organisation(&organisation(n, n))));
    store
}

fn constraint<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result.unwrap_err() {
        StoreError::Constraint { name } => name,
        other => panic!("a constraint expected, not {other:?}"),
    }
}

/// The log from the first entry to the last, checked as an auditor would.
fn verify_log(store: &Store) -> Vec<EntryRow> {
    read(store, |r| {
        let size = r.log_size()?;
        let rows = r.entries(&(0..size).collect::<Vec<_>>())?;
        assert_eq!(rows.iter().map(|row| row.index).collect::<Vec<_>>(), (0..size).collect::<Vec<_>>());
        assert!(r.entry(size)?.is_none());
        assert!(rows.windows(2).all(|pair| pair[0].accepted_at <= pair[1].accepted_at));
        for row in &rows {
            assert_eq!(row.leaf_hash, leaf::hash(&row.leaf));
            assert_eq!(leaf::decode(&row.leaf).unwrap().0, row.accepted_at);
        }
        Ok(rows)
    })
}
