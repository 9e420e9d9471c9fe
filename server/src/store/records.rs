//! Reference records and the fingerprints that make them searchable. They stand beside the log and can be deleted.

use super::{
    Reader, StoreError, Writer, convert,
    entries::CHUNK,
    exactly_one,
    model::{ChangeRow, FingerprintRow, NewRecord, RecordRow},
    run,
    schema::{details, entries, fingerprints, records},
};
use diesel::{dsl::max, prelude::*};
use touchstone_schema::Sha256Digest;

#[derive(Queryable, Selectable)]
#[diesel(table_name = records)]
struct Raw {
    idx: i64,
    digest: Vec<u8>,
    observed: bool,
    file_name: Option<String>,
    deleted_idx: Option<i64>,
    bytes: Option<Vec<u8>>,
}

impl TryFrom<Raw> for RecordRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            index: convert::unsigned(raw.idx)?,
            digest: convert::digest(&raw.digest)?,
            bytes: raw.bytes,
            observed: raw.observed,
            file_name: raw.file_name,
            deleted_at_index: convert::unsigned_option(raw.deleted_idx)?,
        })
    }
}

/// Number of the change, statement, index of its withdrawal, record.
type RawChange = (i64, i64, Option<i64>, Option<Vec<u8>>);
type RawFingerprint = (i64, Vec<u8>, i64, Option<Vec<u8>>);

fn fingerprint((index, pdq, quality, dhash): RawFingerprint) -> Result<FingerprintRow, StoreError> {
    let quality = u8::try_from(quality).map_err(|_| convert::corrupt("quality", quality))?;
    let dhash = dhash.as_deref().map(convert::bytes32).transpose()?;
    Ok(FingerprintRow { index: convert::unsigned(index)?, pdq: convert::bytes32(&pdq)?, quality, dhash })
}

impl Reader<'_> {
    /// The reference record of the statement at `index`.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn record(&mut self, index: u64) -> Result<Option<RecordRow>, StoreError> {
        let Ok(index) = convert::signed(index) else {
            return Ok(None);
        };
        let raw = run!(self, c => records::table
            .select(Raw::as_select())
            .filter(records::idx.eq(index))
            .get_result(c)
            .optional())?;
        raw.map(RecordRow::try_from).transpose()
    }

    /// The reference records of these statements, in index order; an index without a record is left out.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn records(&mut self, indexes: &[u64]) -> Result<Vec<RecordRow>, StoreError> {
        let mut indexes = convert::signed_all(indexes);
        indexes.sort_unstable();
        indexes.dedup();
        let mut rows = Vec::with_capacity(indexes.len());
        for chunk in indexes.chunks(CHUNK) {
            let found = run!(self, c => records::table
                .select(Raw::as_select())
                .filter(records::idx.eq_any(chunk))
                .order(records::idx)
                .load(c))?;
            for raw in found {
                rows.push(RecordRow::try_from(raw)?);
            }
        }
        Ok(rows)
    }

    /// A page of records that were not deleted, of statements that were not withdrawn, in index order: at most `limit`,
    /// after the index `after`.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn records_after(&mut self, after: Option<u64>, limit: u32) -> Result<Vec<RecordRow>, StoreError> {
        let after = convert::signed_option(after)?.unwrap_or(-1);
        let found: Vec<Raw> = run!(self, c => records::table
            .inner_join(entries::table.on(entries::idx.eq(records::idx)))
            .select(Raw::as_select())
            .filter(records::idx.gt(after))
            .filter(records::bytes.is_not_null())
            .filter(entries::withdrawn_idx.is_null())
            .order(records::idx)
            .limit(i64::from(limit))
            .load(c))?;
        found.into_iter().map(RecordRow::try_from).collect()
    }

    /// Number of the last change to what is searchable; 0 if there was none.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn last_change(&mut self) -> Result<u64, StoreError> {
        let last: Option<i64> = run!(self, c => records::table.select(max(records::changed)).get_result(c))?;
        convert::unsigned(last.unwrap_or(0))
    }

    /// A page of changes to what is searchable, in their order: at most `limit`, after the number `after`. A record
    /// that changed several times is there once, with its last change.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn changes_after(&mut self, after: u64, limit: u32) -> Result<Vec<ChangeRow>, StoreError> {
        let after = convert::signed(after)?;
        let found: Vec<RawChange> = run!(self, c => records::table
            .inner_join(entries::table.on(entries::idx.eq(records::idx)))
            .select((records::changed, records::idx, entries::withdrawn_idx, records::bytes))
            .filter(records::changed.gt(after))
            .order(records::changed)
            .limit(i64::from(limit))
            .load(c))?;
        let row = |(number, index, withdrawn, bytes): RawChange| {
            let bytes = bytes.filter(|_| withdrawn.is_none());
            Ok(ChangeRow { number: convert::unsigned(number)?, index: convert::unsigned(index)?, bytes })
        };
        found.into_iter().map(row).collect()
    }

    /// The detail reference of the statement at `index`, a JPEG.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn detail(&mut self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Ok(index) = convert::signed(index) else {
            return Ok(None);
        };
        run!(self, c => details::table
            .select(details::jpeg)
            .filter(details::idx.eq(index))
            .get_result(c)
            .optional())
    }

    /// A page of fingerprints in index order: at most `limit`, after the index `after`.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn fingerprints_after(
        &mut self,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<FingerprintRow>, StoreError> {
        let after = convert::signed_option(after)?.unwrap_or(-1);
        let found: Vec<RawFingerprint> = run!(self, c => fingerprints::table
            .select((fingerprints::idx, fingerprints::pdq, fingerprints::quality, fingerprints::dhash))
            .filter(fingerprints::idx.gt(after))
            .order(fingerprints::idx)
            .limit(i64::from(limit))
            .load(c))?;
        found.into_iter().map(fingerprint).collect()
    }
}

impl Writer<'_> {
    /// Stores the reference record of the statement at `index`. An observed record replaces the one that is there;
    /// a declared one replaces a declared one and leaves an observed one alone.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `records.deleted_idx` if the record was deleted: it does not come back;
    /// [`StoreError::Constraint`] if there is no such statement.
    pub fn put_record(&mut self, index: u64, record: &NewRecord) -> Result<(), StoreError> {
        // Before the old record goes: its number may be the last, and must not be given twice.
        let changed = self.next_change()?;
        match self.record(index)? {
            Some(old) if old.deleted_at_index.is_some() => {
                return Err(StoreError::Constraint { name: "records.deleted_idx".to_owned() });
            }
            Some(old) if old.observed && !record.observed => return Ok(()),
            Some(_) => self.remove_record(index)?,
            None => {}
        }
        let index = convert::signed(index)?;
        let rows = run!(self, c => diesel::insert_into(records::table)
            .values((
                records::idx.eq(index),
                records::digest.eq(record.digest.as_bytes().as_slice()),
                records::observed.eq(record.observed),
                records::file_name.eq(record.file_name.as_deref()),
                records::bytes.eq(record.bytes.as_slice()),
                records::changed.eq(changed),
            ))
            .execute(c))?;
        exactly_one(rows)?;
        if let Some(detail) = &record.detail {
            let rows = run!(self, c => diesel::insert_into(details::table)
                .values((details::idx.eq(index), details::jpeg.eq(detail.as_slice())))
                .execute(c))?;
            exactly_one(rows)?;
        }
        let Some(pdq) = &record.pdq else { return Ok(()) };
        let rows = run!(self, c => diesel::insert_into(fingerprints::table)
            .values((
                fingerprints::idx.eq(index),
                fingerprints::pdq.eq(pdq.as_slice()),
                fingerprints::quality.eq(i64::from(record.pdq_quality)),
                fingerprints::dhash.eq(record.dhash.as_ref().map(<[u8; 32]>::as_slice)),
            ))
            .execute(c))?;
        exactly_one(rows)
    }

    /// The number of the next change. The log's lock is held, so that numbers become visible in their order.
    fn next_change(&mut self) -> Result<i64, StoreError> {
        self.lock_log()?;
        let next = self.last_change()?.checked_add(1);
        convert::signed(next.ok_or_else(|| StoreError::other("no more changes can be numbered"))?)
    }

    /// Withdraws the record of the statement at `index`, if there is one, from what is searched.
    pub(super) fn hide_record(&mut self, index: i64) -> Result<(), StoreError> {
        let changed = self.next_change()?;
        run!(self, c => diesel::delete(fingerprints::table).filter(fingerprints::idx.eq(index)).execute(c))?;
        run!(self, c => diesel::update(records::table)
            .filter(records::idx.eq(index))
            .set(records::changed.eq(changed))
            .execute(c))?;
        Ok(())
    }

    fn remove_record(&mut self, index: u64) -> Result<(), StoreError> {
        let index = convert::signed(index)?;
        run!(self, c => diesel::delete(fingerprints::table).filter(fingerprints::idx.eq(index)).execute(c))?;
        run!(self, c => diesel::delete(details::table).filter(details::idx.eq(index)).execute(c))?;
        let rows = run!(self, c => diesel::delete(records::table).filter(records::idx.eq(index)).execute(c))?;
        exactly_one(rows)
    }

    /// Deletes the body, the detail, the fingerprints and the file name of a record, and keeps its digest and the index of the
    /// tombstone, which comes later. Returns the digest, or `None` if there is no record or it was deleted before.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn delete_record(
        &mut self,
        index: u64,
        tombstone_index: u64,
    ) -> Result<Option<Sha256Digest>, StoreError> {
        let Some(record) = self.record(index)?.filter(|record| record.deleted_at_index.is_none()) else {
            return Ok(None);
        };
        let (index, tombstone) = (convert::signed(index)?, convert::signed(tombstone_index)?);
        let changed = self.next_change()?;
        run!(self, c => diesel::delete(fingerprints::table).filter(fingerprints::idx.eq(index)).execute(c))?;
        run!(self, c => diesel::delete(details::table).filter(details::idx.eq(index)).execute(c))?;
        let rows = run!(self, c => diesel::update(records::table)
            .filter(records::idx.eq(index))
            .set((
                records::bytes.eq(None::<Vec<u8>>),
                records::file_name.eq(None::<String>),
                records::deleted_idx.eq(tombstone),
                records::changed.eq(changed),
            ))
            .execute(c))?;
        exactly_one(rows)?;
        Ok(Some(record.digest))
    }
}
