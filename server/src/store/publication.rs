//! The log as it is published: its tree, what is not published yet, the checkpoints, and who may publish.

use super::{
    Reader, Store, StoreError, Work, Writer, convert, exactly_one,
    model::{CheckpointRow, LogHead},
    one_or_violated, run,
    schema::{checkpoints, entries, log_state},
};
use diesel::prelude::*;
use touchstone_schema::{Sha256Digest, Timestamp, log::frontier::Frontier};

/// Leaf hashes that are read at a time when the frontier of an older database is computed.
const HASH_PAGE: u64 = 50_000;

/// Entries that one query reads, however long they are: a longest leaf has 64 KiB.
const LEAVES_AT_ONCE: u32 = 128;

type RawHead = (i64, Vec<u8>, i64, i64, i64, Vec<u8>, Option<String>);
type RawCheckpoint = (i64, Vec<u8>, i64, String);

fn checkpoint((size, root, published_at, note): RawCheckpoint) -> Result<CheckpointRow, StoreError> {
    Ok(CheckpointRow {
        size: convert::unsigned(size)?,
        root: convert::digest(&root)?,
        published_at: convert::time(published_at)?,
        note,
    })
}

/// The tree of a log of `size` entries from its stored frontier.
pub(super) fn frontier(size: i64, bytes: &[u8]) -> Result<Frontier, StoreError> {
    Frontier::from_bytes(convert::unsigned(size)?, bytes)
        .map_err(|error| StoreError::Corrupt(format!("frontier of the log: {error}")))
}

impl Reader<'_> {
    /// The committed end of the log, and how far it is published.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn log_head(&mut self) -> Result<LogHead, StoreError> {
        let (size, bytes, published, epoch, signed, root, halted): RawHead = run!(self, c => log_state::table
            .select((
                log_state::size,
                log_state::frontier,
                log_state::published_size,
                log_state::epoch,
                log_state::signed_size,
                log_state::signed_root,
                log_state::halted,
            ))
            .filter(log_state::id.eq(1))
            .get_result(c))?;
        let begun = if signed > published {
            Some((convert::unsigned(signed)?, convert::digest(&root)?))
        } else {
            None
        };
        Ok(LogHead {
            frontier: frontier(size, &bytes)?,
            published_size: convert::unsigned(published)?,
            epoch: convert::unsigned(epoch)?,
            begun,
            halted,
        })
    }

    /// When the last entry was accepted; the epoch if there is none.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn last_accepted_at(&mut self) -> Result<Timestamp, StoreError> {
        let last = run!(self, c => log_state::table
            .select(log_state::last_accepted_at)
            .filter(log_state::id.eq(1))
            .get_result(c))?;
        convert::time(last)
    }

    /// As [`Self::leaves`], until about `bytes` bytes are together: at least one entry, if there is any.
    ///
    /// # Errors
    /// As [`Self::leaves`].
    pub fn leaves_within(&mut self, from: u64, most: u32, bytes: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let (mut leaves, mut together) = (Vec::new(), 0);
        while together < bytes {
            let taken = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
            let next = most.saturating_sub(taken).min(LEAVES_AT_ONCE);
            let found = self.leaves(from.saturating_add(u64::from(taken)), next)?;
            let last = found.len() < LEAVES_AT_ONCE as usize;
            together += found.iter().map(Vec::len).sum::<usize>();
            leaves.extend(found);
            if last {
                break;
            }
        }
        Ok(leaves)
    }

    /// Leaf data of at most `most` entries from index `from` on, in order.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the log has a gap there; [`StoreError`] of the database.
    pub fn leaves(&mut self, from: u64, most: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        let first = convert::signed(from)?;
        let rows: Vec<(i64, Vec<u8>)> = run!(self, c => entries::table
            .select((entries::idx, entries::leaf))
            .filter(entries::idx.ge(first))
            .filter(entries::idx.lt(first.saturating_add(i64::from(most))))
            .order(entries::idx)
            .load(c))?;
        contiguous(first, rows)
    }

    fn leaf_hashes(&mut self, from: u64, until: u64) -> Result<Vec<Sha256Digest>, StoreError> {
        let (first, end) = (convert::signed(from)?, convert::signed(until)?);
        let rows: Vec<(i64, Vec<u8>)> = run!(self, c => entries::table
            .select((entries::idx, entries::leaf_hash))
            .filter(entries::idx.ge(first))
            .filter(entries::idx.lt(end))
            .order(entries::idx)
            .load(c))?;
        let hashes = contiguous(first, rows)?;
        if hashes.len() as u64 != until - from {
            return Err(StoreError::Corrupt(format!("entries are missing between {from} and {until}")));
        }
        hashes.iter().map(|hash| convert::digest(hash)).collect()
    }

    /// The checkpoint that was published last.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn last_checkpoint(&mut self) -> Result<Option<CheckpointRow>, StoreError> {
        let found = run!(self, c => checkpoints::table
            .select(checkpoints::all_columns)
            .order(checkpoints::size.desc())
            .first::<RawCheckpoint>(c)
            .optional())?;
        found.map(checkpoint).transpose()
    }

    /// At most `most` checkpoints that cover more than `size` entries, smallest first. The first one of an entry's index
    /// is the one that its receipt rests on.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn checkpoints_above(&mut self, size: u64, most: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        let Ok(size) = convert::signed(size) else { return Ok(Vec::new()) };
        let rows: Vec<RawCheckpoint> = run!(self, c => checkpoints::table
            .select(checkpoints::all_columns)
            .filter(checkpoints::size.gt(size))
            .order(checkpoints::size)
            .limit(i64::from(most))
            .load(c))?;
        rows.into_iter().map(checkpoint).collect()
    }
}

/// Values of rows whose indexes must follow each other from `first` on.
fn contiguous(first: i64, rows: Vec<(i64, Vec<u8>)>) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut values = Vec::with_capacity(rows.len());
    for (expected, (index, value)) in (first..).zip(rows) {
        if index != expected {
            return Err(StoreError::Corrupt(format!("entry {expected} of the log is missing")));
        }
        values.push(value);
    }
    Ok(values)
}

impl Writer<'_> {
    /// Takes publication over: whoever had it publishes no more. Answers the new fencing number.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `log_state.halted` if no server may go on; [`StoreError`] of the database.
    pub fn claim_publication(&mut self) -> Result<u64, StoreError> {
        self.work = Work::Claim;
        let rows = run!(self, c => diesel::update(log_state::table)
            .filter(log_state::id.eq(1))
            .filter(log_state::halted.is_null())
            .set(log_state::epoch.eq(log_state::epoch + 1))
            .execute(c))?;
        one_or_violated(rows, "log_state.halted")?;
        let epoch: i64 = run!(self, c => log_state::table.select(log_state::epoch).filter(log_state::id.eq(1)).get_result(c))?;
        convert::unsigned(epoch)
    }

    /// Notes that the tree of `size` entries is about to be signed, by compare and swap: only if the fencing number is
    /// still `epoch` and nothing larger than the `published` entries was signed since. `false` if somebody else publishes
    /// now.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn begin_checkpoint(
        &mut self,
        epoch: u64,
        published: u64,
        size: u64,
        root: &Sha256Digest,
    ) -> Result<bool, StoreError> {
        self.work = Work::Sign;
        let (epoch, published, size) =
            (convert::signed(epoch)?, convert::signed(published)?, convert::signed(size)?);
        let rows = run!(self, c => diesel::update(log_state::table)
            .filter(log_state::id.eq(1))
            .filter(log_state::epoch.eq(epoch))
            .filter(log_state::published_size.eq(published))
            .filter(log_state::signed_size.eq(published))
            .filter(log_state::size.ge(size))
            .filter(log_state::halted.is_null())
            .set((log_state::signed_size.eq(size), log_state::signed_root.eq(root.as_bytes().as_slice())))
            .execute(c))?;
        Ok(rows == 1)
    }

    /// Lets no server go on with this database: it holds less of the log than one of them knows. There is no way back;
    /// a newer backup that takes its place has no such mark.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn halt_log(&mut self, reason: &str) -> Result<(), StoreError> {
        let rows = run!(self, c => diesel::update(log_state::table)
            .filter(log_state::id.eq(1))
            .set(log_state::halted.eq(reason))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Records a checkpoint as published, by compare and swap: only if the fencing number is still `epoch` and the last
    /// one covered `old` entries. `false` if somebody else publishes now; nothing is changed then.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn publish(&mut self, epoch: u64, old: u64, new: &CheckpointRow) -> Result<bool, StoreError> {
        self.work = Work::Publish;
        let (epoch, old, size) = (convert::signed(epoch)?, convert::signed(old)?, convert::signed(new.size)?);
        let rows = run!(self, c => diesel::update(log_state::table)
            .filter(log_state::id.eq(1))
            .filter(log_state::epoch.eq(epoch))
            .filter(log_state::published_size.eq(old))
            .filter(log_state::size.ge(size))
            // What was signed before is published before anything larger.
            .filter(log_state::signed_size.eq(old).or(log_state::signed_size.eq(size)))
            .filter(log_state::halted.is_null())
            .set((
                log_state::published_size.eq(size),
                log_state::signed_size.eq(size),
                log_state::signed_root.eq(new.root.as_bytes().as_slice()),
            ))
            .execute(c))?;
        if rows == 0 {
            return Ok(false);
        }
        exactly_one(rows)?;
        let rows = run!(self, c => diesel::insert_into(checkpoints::table)
            .values((
                checkpoints::size.eq(size),
                checkpoints::root.eq(new.root.as_bytes().as_slice()),
                checkpoints::published_at.eq(new.published_at.as_micros()),
                checkpoints::note.eq(&new.note),
            ))
            .execute(c))?;
        exactly_one(rows).map(|()| true)
    }

    /// Computes the tree of a log whose database is older than the tree; `false` if the log changed meanwhile.
    fn fill_frontier(&mut self) -> Result<bool, StoreError> {
        let (found, bytes): (i64, Vec<u8>) = run!(self, c => log_state::table
            .select((log_state::size, log_state::frontier))
            .filter(log_state::id.eq(1))
            .get_result(c))?;
        if found == 0 || !bytes.is_empty() {
            return Ok(true);
        }
        let (size, mut tree) = (convert::unsigned(found)?, Frontier::new());
        while tree.size() < size {
            let until = size.min(tree.size() + HASH_PAGE);
            self.leaf_hashes(tree.size(), until)?.into_iter().for_each(|hash| tree.push(hash));
        }
        let rows = run!(self, c => diesel::update(log_state::table)
            .filter(log_state::id.eq(1))
            .filter(log_state::size.eq(found))
            .filter(log_state::frontier.eq(Vec::<u8>::new()))
            .set(log_state::frontier.eq(tree.to_bytes()))
            .execute(c))?;
        Ok(rows == 1)
    }
}

impl Store {
    /// Brings what migrations cannot compute up to date.
    pub(super) fn complete_migration(&self) -> Result<(), StoreError> {
        // A server of before, or another one that migrates too, may write the row in between.
        while !self.write_beside_log(|writer| writer.fill_frontier())? {}
        Ok(())
    }
}
