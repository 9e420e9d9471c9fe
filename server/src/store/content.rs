//! Which statements bind which bytes, which labels and which C2PA manifests.

use super::{
    Reader, StoreError, Writer, convert,
    deferred::{ContentValues, LabelValues},
    dialect::load_first,
    model::{ContentDigest, ContentRow},
    run,
    schema::{contents, credentials, entries, labels},
};
use diesel::prelude::*;
use touchstone_schema::{Sha256Digest, statement::Kind};

/// Most statements that one look-up returns.
pub const MAX_FOUND: usize = touchstone_schema::answer::MAX_HITS;

type Found = (i64, bool, String, String, String, i64, Option<i64>);

fn content_row(
    (index, whole, id, kind, issuer, accepted_at, withdrawn): Found,
) -> Result<ContentRow, StoreError> {
    Ok(ContentRow {
        index: convert::unsigned(index)?,
        which: if whole { ContentDigest::File } else { ContentDigest::WithoutManifest },
        id: convert::id(&id)?,
        kind: convert::named(&kind, Kind::from_name)?,
        issuer: convert::issuer(&issuer)?,
        accepted_at: convert::time(accepted_at)?,
        withdrawn: withdrawn.is_some(),
    })
}

impl Reader<'_> {
    /// The statements that bind these bytes, oldest first, at most 1,000. A statement stands twice if it
    /// binds the digest both as that of the file and as that of the file without manifest.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn content(&mut self, digest: &Sha256Digest) -> Result<Vec<ContentRow>, StoreError> {
        let digest = digest.as_bytes().as_slice();
        let found = load_first!(
            &mut *self.connection,
            MAX_FOUND,
            contents::table
                .inner_join(entries::table.on(entries::idx.eq(contents::idx)))
                .select((
                    contents::idx,
                    contents::whole_file,
                    entries::id,
                    entries::kind,
                    entries::issuer,
                    entries::accepted_at,
                    entries::withdrawn_idx,
                ))
                .filter(contents::digest.eq(digest))
                .order((contents::idx, contents::whole_file))
        );
        let found: Vec<Found> = self.settle(found)?;
        found.into_iter().map(content_row).collect()
    }

    /// Log indexes of the statements that register this label, oldest first, at most 1,000.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn label(&mut self, producer: &str, content_id: &str) -> Result<Vec<u64>, StoreError> {
        let found = load_first!(
            &mut *self.connection,
            MAX_FOUND,
            labels::table
                .select(labels::idx)
                .filter(labels::producer.eq(producer))
                .filter(labels::content_id.eq(content_id))
                .order(labels::idx)
        );
        let found: Vec<i64> = self.settle(found)?;
        found.into_iter().map(convert::unsigned).collect()
    }

    /// Log indexes of the entries in whose file the registry saw a C2PA manifest of this label, oldest first, at most
    /// `limit`. Whoever signs a manifest chooses its label: with `claim` they are those whose signed claim is this one or
    /// is not known.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn credential(
        &mut self,
        manifest: &str,
        claim: Option<&Sha256Digest>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let found = match claim {
            Some(claim) => load_first!(
                &mut *self.connection,
                limit,
                credentials::table
                    .select(credentials::idx)
                    .filter(credentials::manifest.eq(manifest))
                    .filter(
                        credentials::claim.eq(claim.as_bytes().as_slice()).or(credentials::claim.is_null())
                    )
                    .order(credentials::idx)
            ),
            None => load_first!(
                &mut *self.connection,
                limit,
                credentials::table
                    .select(credentials::idx)
                    .filter(credentials::manifest.eq(manifest))
                    .order(credentials::idx)
            ),
        };
        let found: Vec<i64> = self.settle(found)?;
        found.into_iter().map(convert::unsigned).collect()
    }

    /// Log indexes of the entries in whose file the registry saw another C2PA manifest of this label, oldest first, at
    /// most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn other_credential(
        &mut self,
        manifest: &str,
        claim: &Sha256Digest,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let found = load_first!(
            &mut *self.connection,
            limit,
            credentials::table
                .select(credentials::idx)
                .filter(credentials::manifest.eq(manifest))
                .filter(credentials::claim.ne(claim.as_bytes().as_slice()))
                .order(credentials::idx)
        );
        let found: Vec<i64> = self.settle(found)?;
        found.into_iter().map(convert::unsigned).collect()
    }
}

impl Writer<'_> {
    /// The entry at `index` binds bytes of this digest. Saying it twice is the same as saying it once.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such entry.
    pub fn bind_content(
        &mut self,
        digest: &Sha256Digest,
        which: ContentDigest,
        index: u64,
    ) -> Result<(), StoreError> {
        let row = ContentValues::new(digest, which, index)?;
        match &mut self.deferred {
            Some(deferred) => deferred.contents.push(row),
            None => {
                run!(self, c => diesel::insert_into(contents::table)
                    .values(&row)
                    .on_conflict_do_nothing()
                    .execute(c))?;
            }
        }
        Ok(())
    }

    /// The entry at `index` registers this label. Saying it twice is the same as saying it once.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such entry.
    pub fn bind_label(&mut self, producer: &str, content_id: &str, index: u64) -> Result<(), StoreError> {
        let row = LabelValues::new(producer, content_id, index)?;
        match &mut self.deferred {
            Some(deferred) => deferred.labels.push(row),
            None => {
                run!(self, c => diesel::insert_into(labels::table)
                    .values(&row)
                    .on_conflict_do_nothing()
                    .execute(c))?;
            }
        }
        Ok(())
    }

    /// The registry saw a C2PA manifest of this label, and of this signed claim as far as it is known, in the file of the
    /// entry at `index`. Saying it twice is the same as saying it once.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such entry.
    pub fn bind_credential(
        &mut self,
        manifest: &str,
        claim: Option<&Sha256Digest>,
        index: u64,
    ) -> Result<(), StoreError> {
        let index = convert::signed(index)?;
        let claim = claim.map(|claim| claim.as_bytes().as_slice());
        run!(self, c => diesel::insert_into(credentials::table)
            .values((
                credentials::manifest.eq(manifest),
                credentials::idx.eq(index),
                credentials::claim.eq(claim),
            ))
            .on_conflict_do_nothing()
            .execute(c))?;
        Ok(())
    }
}
