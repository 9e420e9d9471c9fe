//! The log: its tail, its entries, and the marks that later entries put on earlier ones.

use super::{
    LockedTail, Reader, StoreError, Work, Writer, convert, exactly_one,
    model::{Appended, EntryRow, NewEntry},
    one_or_violated, publication, run,
    schema::{entries, log_state},
};
use crate::log::{Sequenced, Tail};
use diesel::prelude::*;
use touchstone_schema::{Sha256Digest, StatementId, Timestamp, statement::Kind};

/// Most values in one `IN` list.
pub(super) const CHUNK: usize = 1_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Raw {
    idx: i64,
    id: String,
    kind: String,
    issuer: String,
    signer_key: Vec<u8>,
    accepted_at: i64,
    withdrawn_idx: Option<i64>,
    corrected_idx: Option<i64>,
    observed_idx: Option<i64>,
    leaf_hash: Vec<u8>,
    leaf: Vec<u8>,
}

impl TryFrom<Raw> for EntryRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            index: convert::unsigned(raw.idx)?,
            id: convert::id(&raw.id)?,
            kind: convert::named(&raw.kind, Kind::from_name)?,
            issuer: convert::issuer(&raw.issuer)?,
            key: convert::bytes32(&raw.signer_key)?,
            accepted_at: convert::time(raw.accepted_at)?,
            leaf: raw.leaf,
            leaf_hash: convert::digest(&raw.leaf_hash)?,
            withdrawn_at_index: convert::unsigned_option(raw.withdrawn_idx)?,
            corrected_at_index: convert::unsigned_option(raw.corrected_idx)?,
            observed_at_index: convert::unsigned_option(raw.observed_idx)?,
        })
    }
}

/// A row to be inserted.
#[derive(Debug, Insertable)]
#[diesel(table_name = entries)]
pub(super) struct EntryValues {
    idx: i64,
    id: String,
    kind: &'static str,
    issuer: String,
    signer_key: Vec<u8>,
    deduplication_key: Vec<u8>,
    accepted_at: i64,
    leaf_hash: Vec<u8>,
    leaf: Vec<u8>,
}

impl EntryValues {
    fn new(entry: &NewEntry<'_>, sequenced: Sequenced) -> Result<Self, StoreError> {
        Ok(Self {
            idx: convert::signed(sequenced.index)?,
            id: entry.id.to_string(),
            kind: entry.kind.name(),
            issuer: convert::issuer_text(entry.issuer),
            signer_key: entry.key.to_vec(),
            deduplication_key: entry.deduplication_key.as_bytes().to_vec(),
            accepted_at: sequenced.accepted_at.as_micros(),
            leaf_hash: sequenced.leaf_hash.as_bytes().to_vec(),
            leaf: sequenced.leaf,
        })
    }
}

impl Reader<'_> {
    /// Number of committed entries. Inside a transaction, [`Writer::lock_log`] counts its own appends too.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn log_size(&mut self) -> Result<u64, StoreError> {
        let size = run!(self, c => log_state::table.select(log_state::size).filter(log_state::id.eq(1)).get_result(c))?;
        convert::unsigned(size)
    }

    /// The entry at `index`.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn entry(&mut self, index: u64) -> Result<Option<EntryRow>, StoreError> {
        let Ok(index) = convert::signed(index) else {
            return Ok(None);
        };
        let raw = run!(self, c => entries::table
            .select(Raw::as_select())
            .filter(entries::idx.eq(index))
            .get_result(c)
            .optional())?;
        raw.map(EntryRow::try_from).transpose()
    }

    /// The entry of that identifier.
    ///
    /// # Errors
    /// As [`Reader::entry`].
    pub fn entry_by_id(&mut self, id: &StatementId) -> Result<Option<EntryRow>, StoreError> {
        let id = id.to_string();
        let raw = run!(self, c => entries::table
            .select(Raw::as_select())
            .filter(entries::id.eq(&id))
            .get_result(c)
            .optional())?;
        raw.map(EntryRow::try_from).transpose()
    }

    /// The entry that said the same by the same key.
    ///
    /// # Errors
    /// As [`Reader::entry`].
    pub fn entry_by_deduplication_key(&mut self, key: &Sha256Digest) -> Result<Option<EntryRow>, StoreError> {
        let key = key.as_bytes().as_slice();
        let raw = run!(self, c => entries::table
            .select(Raw::as_select())
            .filter(entries::deduplication_key.eq(key))
            .get_result(c)
            .optional())?;
        raw.map(EntryRow::try_from).transpose()
    }

    /// The entries that said the same by the same keys, each beside its key, in no order; a key that is not in the log is
    /// left out.
    ///
    /// # Errors
    /// As [`Reader::entry`].
    pub fn entries_by_deduplication_keys(
        &mut self,
        keys: &[Sha256Digest],
    ) -> Result<Vec<(Sha256Digest, EntryRow)>, StoreError> {
        let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes().as_slice()).collect();
        let mut rows = Vec::new();
        for chunk in keys.chunks(CHUNK) {
            let found: Vec<(Vec<u8>, Raw)> = run!(self, c => entries::table
                .select((entries::deduplication_key, Raw::as_select()))
                .filter(entries::deduplication_key.eq_any(chunk))
                .load(c))?;
            for (key, raw) in found {
                rows.push((convert::digest(&key)?, EntryRow::try_from(raw)?));
            }
        }
        Ok(rows)
    }

    /// The entries at these indexes, in index order; an index that is not in the log is left out.
    ///
    /// # Errors
    /// As [`Reader::entry`].
    pub fn entries(&mut self, indexes: &[u64]) -> Result<Vec<EntryRow>, StoreError> {
        let mut indexes = convert::signed_all(indexes);
        indexes.sort_unstable();
        indexes.dedup();
        let mut rows = Vec::with_capacity(indexes.len());
        for chunk in indexes.chunks(CHUNK) {
            let found = run!(self, c => entries::table
                .select(Raw::as_select())
                .filter(entries::idx.eq_any(chunk))
                .order(entries::idx)
                .load(c))?;
            for raw in found {
                rows.push(EntryRow::try_from(raw)?);
            }
        }
        Ok(rows)
    }
}

impl Writer<'_> {
    /// Locks the log's tail until the transaction ends and returns the index that the next entry gets.
    /// [`super::Store::write`] has done so already.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another writer holds it too long.
    pub fn lock_log(&mut self) -> Result<u64, StoreError> {
        self.lock().map(|tail| tail.size())
    }

    /// When the next entry is accepted that comes at `now`.
    ///
    /// # Errors
    /// As [`Writer::lock_log`].
    pub fn acceptance(&mut self, now: Timestamp) -> Result<Timestamp, StoreError> {
        self.lock().map(|tail| tail.acceptance(now))
    }

    pub(super) fn lock(&mut self) -> Result<&mut Tail, StoreError> {
        let locked = match self.tail.take() {
            Some(locked) => locked,
            None => {
                let result = self.reader.connection.lock_tail();
                let (size, frontier, last) = self.reader.settle(result)?;
                let tail = Tail {
                    frontier: publication::frontier(size, &frontier)?,
                    last_accepted_at: convert::time(last)?,
                };
                LockedTail { found: tail.size(), now: tail }
            }
        };
        Ok(&mut self.tail.insert(locked).now)
    }

    /// Appends an entry: index = size of the log, acceptance time = `now` or that of the last entry, whichever is
    /// later.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `entries.id` or `entries.deduplication_key` if it is in the log already;
    /// [`StoreError::Other`] with a [`crate::log::SequenceError`] if it cannot be sequenced. Once rows are written together
    /// ([`Writer::defer`]), a violated constraint shows there.
    pub fn append(&mut self, now: Timestamp, entry: &NewEntry<'_>) -> Result<Appended, StoreError> {
        let sequenced = self.lock()?.next(now, entry.envelope).map_err(StoreError::other)?;
        let (index, accepted_at, leaf_hash) = (sequenced.index, sequenced.accepted_at, sequenced.leaf_hash);
        let row = EntryValues::new(entry, sequenced)?;
        match &mut self.deferred {
            Some(deferred) => deferred.entries.push(row),
            None => {
                exactly_one(run!(self, c => diesel::insert_into(entries::table).values(&row).execute(c))?)?;
            }
        }
        Ok(Appended { index, accepted_at, leaf_hash })
    }

    /// Marks the entry at `index` as withdrawn by the entry at `by`, which comes later.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `entries.withdrawn_idx` if there is no such entry, or it is withdrawn already.
    pub fn mark_withdrawn(&mut self, index: u64, by: u64) -> Result<(), StoreError> {
        let (index, by) = (convert::signed(index)?, convert::signed(by)?);
        let rows = run!(self, c => diesel::update(entries::table)
            .filter(entries::idx.eq(index))
            .filter(entries::withdrawn_idx.is_null())
            .set(entries::withdrawn_idx.eq(by))
            .execute(c))?;
        one_or_violated(rows, "entries.withdrawn_idx")?;
        // It is no longer searched for, on any server, after a restart neither.
        self.hide_record(index)
    }

    /// Marks the entry at `index` as corrected by the entry at `by`, which comes later. The latest correction
    /// replaces earlier ones.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `entries.corrected_idx` if there is no such entry.
    pub fn mark_corrected(&mut self, index: u64, by: u64) -> Result<(), StoreError> {
        let (index, by) = (convert::signed(index)?, convert::signed(by)?);
        let rows = run!(self, c => diesel::update(entries::table)
            .filter(entries::idx.eq(index))
            .set(entries::corrected_idx.eq(by))
            .execute(c))?;
        one_or_violated(rows, "entries.corrected_idx")
    }

    /// Marks the content of the entry at `index` as observed by the entry at `by`, which comes later. The latest
    /// observation replaces earlier ones.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `entries.observed_idx` if there is no such entry.
    pub fn mark_observed(&mut self, index: u64, by: u64) -> Result<(), StoreError> {
        let (index, by) = (convert::signed(index)?, convert::signed(by)?);
        let rows = run!(self, c => diesel::update(entries::table)
            .filter(entries::idx.eq(index))
            .set(entries::observed_idx.eq(by))
            .execute(c))?;
        one_or_violated(rows, "entries.observed_idx")
    }

    /// Stores the tail if it moved, guarded by the size that was found: whoever moved it in between, the commit
    /// does not happen.
    pub(super) fn write_tail_back(&mut self) -> Result<(), StoreError> {
        let Some(LockedTail { found, now }) = self.tail.take().filter(|tail| tail.found != tail.now.size())
        else {
            return Ok(());
        };
        self.work = Work::Append;
        let (old, new) = (convert::signed(found)?, convert::signed(now.size())?);
        let rows = run!(self, c => diesel::update(log_state::table)
            .filter(log_state::id.eq(1))
            .filter(log_state::size.eq(old))
            .set((
                log_state::size.eq(new),
                log_state::frontier.eq(now.frontier.to_bytes()),
                log_state::last_accepted_at.eq(now.last_accepted_at.as_micros()),
            ))
            .execute(c))?;
        exactly_one(rows)
    }
}
