//! Rows that a transaction writes together: to a database server each statement is a round trip.

use super::{
    StoreError, Writer, convert,
    dialect::AnyConnection,
    entries::EntryValues,
    model::ContentDigest,
    schema::{contents, entries, labels},
};
use diesel::prelude::*;
use touchstone_schema::Sha256Digest;

/// Most rows of one statement: PostgreSQL takes 65,535 values, and a row has up to nine.
const ROWS: usize = 1_000;

/// A row of `contents`.
#[derive(Debug, Insertable)]
#[diesel(table_name = contents)]
pub(super) struct ContentValues {
    digest: Vec<u8>,
    idx: i64,
    whole_file: bool,
}

impl ContentValues {
    pub(super) fn new(digest: &Sha256Digest, which: ContentDigest, index: u64) -> Result<Self, StoreError> {
        let idx = convert::signed(index)?;
        Ok(Self { digest: digest.as_bytes().to_vec(), idx, whole_file: which == ContentDigest::File })
    }
}

/// A row of `labels`.
#[derive(Debug, Insertable)]
#[diesel(table_name = labels)]
pub(super) struct LabelValues {
    producer: String,
    content_id: String,
    idx: i64,
}

impl LabelValues {
    pub(super) fn new(producer: &str, content_id: &str, index: u64) -> Result<Self, StoreError> {
        let (producer, content_id) = (producer.to_owned(), content_id.to_owned());
        Ok(Self { producer, content_id, idx: convert::signed(index)? })
    }
}

/// Rows that wait, by table.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    pub(super) entries: Vec<EntryValues>,
    pub(super) contents: Vec<ContentValues>,
    pub(super) labels: Vec<LabelValues>,
}

impl Deferred {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.contents.is_empty() && self.labels.is_empty()
    }

    fn write(&self, connection: &mut PgConnection) -> QueryResult<()> {
        // What binds an entry refers to it.
        for rows in self.entries.chunks(ROWS) {
            diesel::insert_into(entries::table).values(rows).execute(connection)?;
        }
        for rows in self.contents.chunks(ROWS) {
            let insert = diesel::insert_into(contents::table).values(rows);
            insert.on_conflict_do_nothing().execute(connection)?;
        }
        for rows in self.labels.chunks(ROWS) {
            let insert = diesel::insert_into(labels::table).values(rows);
            insert.on_conflict_do_nothing().execute(connection)?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// From now on entries and what they bind are written together where that is quicker: on a database server, before
    /// the next query of this transaction, at the end of its part and before its commit. What is wrong with them is told
    /// there, and the transaction or its part fails.
    pub fn defer(&mut self) {
        if matches!(self.reader.connection, AnyConnection::Postgres(_)) {
            self.deferred.get_or_insert_default();
        }
    }

    /// Writes what waits.
    pub(super) fn write_deferred(&mut self) -> Result<(), StoreError> {
        let waiting = self.deferred.as_mut().filter(|waiting| !waiting.is_empty()).map(std::mem::take);
        let (Some(waiting), AnyConnection::Postgres(connection)) = (waiting, &mut *self.reader.connection)
        else {
            return Ok(());
        };
        let written = waiting.write(connection);
        self.reader.settle(written)
    }

    /// Gives up what waits.
    pub(super) fn forget_deferred(&mut self) {
        if let Some(waiting) = &mut self.deferred {
            *waiting = Deferred::default();
        }
    }
}
