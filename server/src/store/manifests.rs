//! The C2PA manifest repository: stores by their label, the pictures that carry them, their soft bindings.
//!
//! ISCC Image-Codes are looked up by likeness: each is kept in parts, and two codes that differ in fewer bits than there
//! are parts have one part in common, so that a look-up within [`ISCC_RADIUS`] finds all of them.

use super::{
    Reader, StoreError, Writer, convert,
    dialect::load_first,
    exactly_one,
    model::{ManifestRow, NewManifest},
    one_or_violated, run,
    schema::{entries, iscc_parts, manifest_pictures, manifests, soft_bindings},
};
use diesel::prelude::*;
use std::collections::BTreeSet;
use touchstone_schema::{ManifestId, OrganisationId, Sha256Digest, Timestamp, sbr::ISCC, statement::Issuer};

/// Longest value of a soft binding, in bytes: indexes of PostgreSQL hold no longer ones.
pub const MAX_BINDING_VALUE: usize = 2_000;
/// Parts of an ISCC code, of 16 bits each.
const ISCC_PARTS: usize = 16;
/// Most differing bits of 256 at which two ISCC codes are sure to be found alike.
pub const ISCC_RADIUS: u32 = ISCC_PARTS as u32 - 1;
/// Rows that a look-up reads of each part in one round. At a hundred million codes a part has 1,526 by chance, and about
/// 2,900 on photographs, whose parts agree 1.9 times as often.
const ISCC_PAGE: usize = 2_048;
/// Rows that one look-up reads at most: twice what all parts have among the codes of a hundred million photographs.
/// Whoever registers codes so that all parts which a picture has in common with a query hold more hides that picture from
/// this look-up, not from others.
const MAX_EXAMINED: usize = 16 * 6_144;

#[derive(Queryable, Selectable)]
#[diesel(table_name = manifests)]
struct Raw {
    label: String,
    store_digest: Vec<u8>,
    certificate: Vec<u8>,
    owner: String,
    alone: bool,
    trusted: bool,
    anchor_idx: i64,
    created_at: i64,
    deleted_at: Option<i64>,
}

impl TryFrom<Raw> for ManifestRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            label: convert::id(&raw.label)?,
            store_digest: convert::digest(&raw.store_digest)?,
            certificate: convert::digest(&raw.certificate)?,
            owner: convert::id(&raw.owner)?,
            alone: raw.alone,
            trusted: raw.trusted,
            anchor_index: convert::unsigned(raw.anchor_idx)?,
            created_at: convert::time(raw.created_at)?,
            deleted_at: raw.deleted_at.map(convert::time).transpose()?,
        })
    }
}

/// In how many bits two codes differ.
fn distance(one: &[u8; 32], other: &[u8; 32]) -> u32 {
    one.iter().zip(other).map(|(one, other)| (one ^ other).count_ones()).sum()
}

/// The parts of a code, each told apart by its place.
fn parts(code: &[u8; 32]) -> [i64; ISCC_PARTS] {
    let mut parts = [0; ISCC_PARTS];
    let pairs: &[[u8; 2]] = code.as_chunks().0;
    for (place, (part, pair)) in parts.iter_mut().zip(pairs).enumerate() {
        *part = (place as i64) << 16 | i64::from(u16::from_be_bytes(*pair));
    }
    parts
}

fn labels(found: &[String]) -> Result<Vec<ManifestId>, StoreError> {
    found.iter().map(|label| convert::id(label)).collect()
}

impl Reader<'_> {
    /// The manifest with that label, deleted or not.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn manifest(&mut self, label: &ManifestId) -> Result<Option<ManifestRow>, StoreError> {
        let raw = run!(self, c => manifests::table
            .select(Raw::as_select())
            .filter(manifests::label.eq(label.as_str()))
            .get_result(c)
            .optional())?;
        raw.map(ManifestRow::try_from).transpose()
    }

    /// The store with that label, unless it was deleted.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn manifest_bytes(&mut self, label: &ManifestId) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes: Option<Option<Vec<u8>>> = run!(self, c => manifests::table
            .select(manifests::bytes)
            .filter(manifests::label.eq(label.as_str()))
            .get_result(c)
            .optional())?;
        Ok(bytes.flatten())
    }

    /// The manifest that the registered picture at `index` carries, unless it was deleted.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn manifest_of_picture(&mut self, index: u64) -> Result<Option<ManifestId>, StoreError> {
        let Ok(index) = convert::signed(index) else { return Ok(None) };
        let label: Option<String> = run!(self, c => manifest_pictures::table
            .inner_join(manifests::table.on(manifests::label.eq(manifest_pictures::label)))
            .select(manifests::label)
            .filter(manifest_pictures::idx.eq(index))
            .filter(manifests::bytes.is_not_null())
            .get_result(c)
            .optional())?;
        label.as_deref().map(convert::id).transpose()
    }

    /// Whether a registered picture carries the manifest with that label: the registry saw it with its picture.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_observed(&mut self, label: &ManifestId) -> Result<bool, StoreError> {
        run!(self, c => diesel::select(diesel::dsl::exists(
            manifest_pictures::table.filter(manifest_pictures::label.eq(label.as_str()))
        ))
        .get_result(c))
    }

    /// Whether a registered picture of its owner carries the manifest: the owner has shown more than the store.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_observed_of_owner(&mut self, row: &ManifestRow) -> Result<bool, StoreError> {
        let owner = convert::issuer_text(Issuer::Organisation(row.owner));
        run!(self, c => diesel::select(diesel::dsl::exists(
            manifest_pictures::table
                .inner_join(entries::table.on(entries::idx.eq(manifest_pictures::idx)))
                .filter(manifest_pictures::label.eq(row.label.as_str()))
                .filter(entries::issuer.eq(&owner))
        ))
        .get_result(c))
    }

    /// Manifests of a picture's file with this SHA-256 once the manifest is taken off, oldest first, at most `limit`:
    /// those that a registered picture carries, or those whose own word is all there is.
    ///
    /// # Errors
    /// As [`Reader::manifest_of_picture`].
    pub fn manifests_by_content(
        &mut self,
        content: &Sha256Digest,
        observed: bool,
        limit: usize,
    ) -> Result<Vec<ManifestId>, StoreError> {
        let pictures = manifest_pictures::table.filter(manifest_pictures::label.eq(manifests::label));
        let found = load_first!(
            &mut *self.connection,
            limit,
            manifests::table
                .select(manifests::label)
                .filter(manifests::content_digest.eq(content.as_bytes().as_slice()))
                .filter(diesel::dsl::exists(pictures).eq(observed))
                .order((manifests::anchor_idx, manifests::label))
        );
        labels(&self.settle::<Vec<String>>(found)?)
    }

    /// Manifests with exactly this soft binding, oldest first, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::manifest_of_picture`].
    pub fn manifests_by_binding(
        &mut self,
        alg: &str,
        value: &[u8],
        limit: usize,
    ) -> Result<Vec<ManifestId>, StoreError> {
        let found = load_first!(
            &mut *self.connection,
            limit,
            soft_bindings::table
                .inner_join(manifests::table.on(manifests::label.eq(soft_bindings::label)))
                .select(soft_bindings::label)
                .filter(soft_bindings::alg.eq(alg))
                .filter(soft_bindings::value.eq(value))
                .order((manifests::anchor_idx, manifests::label))
        );
        labels(&self.settle::<Vec<String>>(found)?)
    }

    /// Manifests with exactly this ISCC code, oldest first, at most `limit`: those whose picture the registry computed it
    /// from, or those that merely claim it.
    ///
    /// # Errors
    /// As [`Reader::manifest_of_picture`].
    pub fn manifests_by_iscc(
        &mut self,
        code: &[u8; 32],
        observed: bool,
        limit: usize,
    ) -> Result<Vec<ManifestId>, StoreError> {
        let found = load_first!(
            &mut *self.connection,
            limit,
            soft_bindings::table
                .inner_join(manifests::table.on(manifests::label.eq(soft_bindings::label)))
                .select(soft_bindings::label)
                .filter(soft_bindings::alg.eq(ISCC))
                .filter(soft_bindings::value.eq(code.as_slice()))
                .filter(soft_bindings::observed.eq(observed))
                .order((manifests::anchor_idx, manifests::label))
        );
        labels(&self.settle::<Vec<String>>(found)?)
    }

    /// ISCC codes within [`ISCC_RADIUS`] of this one, itself included, each once and the nearest first: all of them, unless
    /// that takes more than [`MAX_EXAMINED`] rows to read.
    ///
    /// Parts are read in rounds, so that a crowded one takes nothing from the others: a code is missed only if every
    /// part that it has in common with this one was cut off.
    ///
    /// # Errors
    /// As [`Reader::manifest_of_picture`].
    pub fn iscc_candidates(&mut self, code: &[u8; 32]) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut near = BTreeSet::new();
        let mut open: Vec<(i64, Vec<u8>)> = parts(code).map(|part| (part, Vec::new())).into();
        let mut left = MAX_EXAMINED;
        while left > 0 && !open.is_empty() {
            let mut crowded = Vec::new();
            for (part, after) in open {
                let limit = ISCC_PAGE.min(left);
                let found = load_first!(
                    &mut *self.connection,
                    limit,
                    iscc_parts::table
                        .select(iscc_parts::code)
                        .filter(iscc_parts::part.eq(part))
                        .filter(iscc_parts::code.gt(&after))
                        .order(iscc_parts::code)
                );
                let mut found: Vec<Vec<u8>> = self.settle(found)?;
                left -= found.len();
                for known in &found {
                    let known = convert::bytes32(known)?;
                    let distance = distance(code, &known);
                    if distance <= ISCC_RADIUS {
                        near.insert((distance, known));
                    }
                }
                if found.len() == limit {
                    crowded.extend(found.pop().map(|last| (part, last)));
                }
            }
            open = crowded;
        }
        if !open.is_empty() {
            tracing::warn!("an ISCC look-up met more codes with a part in common than it reads");
        }
        Ok(near.into_iter().map(|(_, code)| code).collect())
    }

    /// Soft bindings of a manifest: algorithm and value.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn soft_bindings(&mut self, label: &ManifestId) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        run!(self, c => soft_bindings::table
            .select((soft_bindings::alg, soft_bindings::value))
            .filter(soft_bindings::label.eq(label.as_str()))
            .order((soft_bindings::alg, soft_bindings::value))
            .load(c))
    }

    /// Algorithm and manifest of the soft bindings with this value whose manifests are of one owner.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn soft_bindings_of(
        &mut self,
        owner: &OrganisationId,
        value: &[u8],
    ) -> Result<Vec<(String, ManifestId)>, StoreError> {
        let owner = owner.to_string();
        let found: Vec<(String, String)> = run!(self, c => soft_bindings::table
            .inner_join(manifests::table.on(manifests::label.eq(soft_bindings::label)))
            .select((soft_bindings::alg, soft_bindings::label))
            .filter(soft_bindings::value.eq(value))
            .filter(manifests::owner.eq(&owner))
            .order((soft_bindings::alg, soft_bindings::label))
            .load(c))?;
        found.into_iter().map(|(alg, label)| Ok((alg, convert::id(&label)?))).collect()
    }
}

impl Writer<'_> {
    /// Keeps a store. One that was deleted comes back, with whom it now comes from; where another store stood, the
    /// pictures that carried that one carry none.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `manifests.label` if it is there already.
    pub fn put_manifest(&mut self, new: &NewManifest<'_>) -> Result<(), StoreError> {
        let (owner, anchor) = (new.owner.to_string(), convert::signed(new.anchor_index)?);
        let content = new.content_digest.as_ref().map(|digest| digest.as_bytes().as_slice());
        let values = (
            manifests::store_digest.eq(new.store_digest.as_bytes().as_slice()),
            manifests::certificate.eq(new.certificate.as_bytes().as_slice()),
            manifests::owner.eq(&owner),
            manifests::alone.eq(new.alone),
            manifests::trusted.eq(new.trusted),
            manifests::anchor_idx.eq(anchor),
            manifests::created_at.eq(new.created_at.as_micros()),
            manifests::deleted_at.eq(None::<i64>),
            manifests::content_digest.eq(content),
            manifests::bytes.eq(new.bytes),
        );
        let known = self.manifest(new.label)?;
        if known.as_ref().is_some_and(|row| row.deleted_at.is_some() && row.store_digest != new.store_digest)
        {
            run!(self, c => diesel::delete(manifest_pictures::table)
                .filter(manifest_pictures::label.eq(new.label.as_str()))
                .execute(c))?;
        }
        let rows = if known.is_some() {
            run!(self, c => diesel::update(manifests::table)
                .filter(manifests::label.eq(new.label.as_str()))
                .filter(manifests::bytes.is_null())
                .set(values)
                .execute(c))?
        } else {
            run!(self, c => diesel::insert_into(manifests::table)
                .values((manifests::label.eq(new.label.as_str()), values))
                .execute(c))?
        };
        one_or_violated(rows, "manifests.label")
    }

    /// From now on the store stays when its picture's record goes.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mark_alone(&mut self, label: &ManifestId) -> Result<(), StoreError> {
        let rows = run!(self, c => diesel::update(manifests::table)
            .filter(manifests::label.eq(label.as_str()))
            .set(manifests::alone.eq(true))
            .execute(c))?;
        exactly_one(rows)
    }

    /// A list of trust anchors vouches for the signer by now.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mark_trusted(&mut self, label: &ManifestId) -> Result<(), StoreError> {
        let rows = run!(self, c => diesel::update(manifests::table)
            .filter(manifests::label.eq(label.as_str()))
            .set(manifests::trusted.eq(true))
            .execute(c))?;
        exactly_one(rows)
    }

    /// The registered picture at `index` carries this manifest.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such entry or manifest, or the picture carries one already.
    pub fn link_picture(&mut self, index: u64, label: &ManifestId) -> Result<(), StoreError> {
        let index = convert::signed(index)?;
        let rows = run!(self, c => diesel::insert_into(manifest_pictures::table)
            .values((manifest_pictures::idx.eq(index), manifest_pictures::label.eq(label.as_str())))
            .execute(c))?;
        exactly_one(rows)
    }

    /// The manifest passes from its owner, whose pictures carry it no longer, to whom of the others has the oldest
    /// registered picture with it; whether there is one. Soft bindings stay.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn pass_manifest_on(&mut self, row: &ManifestRow) -> Result<bool, StoreError> {
        let label = row.label.as_str();
        let owner = convert::issuer_text(Issuer::Organisation(row.owner));
        let heir: Option<(String, Option<i64>)> = run!(self, c => manifest_pictures::table
            .inner_join(entries::table.on(entries::idx.eq(manifest_pictures::idx)))
            .select((entries::issuer, entries::observed_idx))
            .filter(manifest_pictures::label.eq(label))
            .filter(entries::issuer.ne(&owner))
            .order(entries::idx)
            .first(c)
            .optional())?;
        let Some((heir, observed)) = heir else { return Ok(false) };
        run!(self, c => diesel::delete(manifest_pictures::table)
            .filter(manifest_pictures::label.eq(label))
            .filter(manifest_pictures::idx.eq_any(
                entries::table.select(entries::idx).filter(entries::issuer.eq(&owner))
            ))
            .execute(c))?;
        let anchor = observed.map_or_else(|| convert::signed(row.anchor_index), Ok)?;
        let rows = run!(self, c => diesel::update(manifests::table)
            .filter(manifests::label.eq(label))
            .set((
                manifests::owner.eq(&heir),
                manifests::alone.eq(false),
                manifests::anchor_idx.eq(anchor),
            ))
            .execute(c))?;
        exactly_one(rows)?;
        Ok(true)
    }

    /// The registered picture at `index` is gone: its manifest goes too, unless it came by itself, its owner has another
    /// picture with it, or somebody else has, whose it is then.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn release_picture(&mut self, index: u64, at: Timestamp) -> Result<(), StoreError> {
        let index = convert::signed(index)?;
        let label: Option<String> = run!(self, c => manifest_pictures::table
            .select(manifest_pictures::label)
            .filter(manifest_pictures::idx.eq(index))
            .get_result(c)
            .optional())?;
        let Some(label) = label.as_deref().map(convert::id::<ManifestId>).transpose()? else { return Ok(()) };
        let rows = run!(self, c => diesel::delete(manifest_pictures::table)
            .filter(manifest_pictures::idx.eq(index))
            .execute(c))?;
        exactly_one(rows)?;
        // What no picture shows any more is nothing but its owner's word.
        if !self.is_observed(&label)? {
            run!(self, c => diesel::update(soft_bindings::table)
                .filter(soft_bindings::label.eq(label.as_str()))
                .set(soft_bindings::observed.eq(false))
                .execute(c))?;
        }
        let row = self.manifest(&label)?.filter(|row| row.deleted_at.is_none() && !row.alone);
        let Some(row) = row else { return Ok(()) };
        if self.is_observed_of_owner(&row)? || self.pass_manifest_on(&row)? {
            return Ok(());
        }
        self.delete_manifest(&label, at)
    }

    /// Deletes the store and its soft bindings for ever; label, digest and certificate stay.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `manifests.deleted_at` if there is none, or it was deleted before.
    pub fn delete_manifest(&mut self, label: &ManifestId, at: Timestamp) -> Result<(), StoreError> {
        for (alg, value) in self.soft_bindings(label)? {
            self.unbind(&alg, &value, label)?;
        }
        let rows = run!(self, c => diesel::update(manifests::table)
            .filter(manifests::label.eq(label.as_str()))
            .filter(manifests::bytes.is_not_null())
            .set((
                manifests::bytes.eq(None::<Vec<u8>>),
                manifests::content_digest.eq(None::<Vec<u8>>),
                manifests::deleted_at.eq(at.as_micros()),
            ))
            .execute(c))?;
        one_or_violated(rows, "manifests.deleted_at")
    }

    /// Binds a value to a manifest by somebody's word. Saying it twice is the same as saying it once. `alike` says that the value is an
    /// ISCC code that shall be found by likeness, too.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such manifest, or the value is empty or longer than
    /// [`MAX_BINDING_VALUE`].
    pub fn bind(
        &mut self,
        alg: &str,
        value: &[u8],
        label: &ManifestId,
        alike: bool,
    ) -> Result<(), StoreError> {
        run!(self, c => diesel::insert_into(soft_bindings::table)
            .values((
                soft_bindings::alg.eq(alg),
                soft_bindings::value.eq(value),
                soft_bindings::label.eq(label.as_str()),
            ))
            .on_conflict_do_nothing()
            .execute(c))?;
        let Ok(code) = <&[u8; 32]>::try_from(value) else { return Ok(()) };
        if !alike || alg != ISCC {
            return Ok(());
        }
        let rows: Vec<_> = parts(code)
            .into_iter()
            .map(|part| (iscc_parts::part.eq(part), iscc_parts::code.eq(value)))
            .collect();
        run!(self, c => diesel::insert_into(iscc_parts::table).values(&rows).on_conflict_do_nothing().execute(c))?;
        Ok(())
    }

    /// Binds the ISCC code that the registry computed from a picture that carries the manifest. `alike` as in
    /// [`Writer::bind`].
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such manifest.
    pub fn bind_observed(
        &mut self,
        code: &[u8; 32],
        label: &ManifestId,
        alike: bool,
    ) -> Result<(), StoreError> {
        self.bind(ISCC, code, label, alike)?;
        let rows = run!(self, c => diesel::update(soft_bindings::table)
            .filter(soft_bindings::alg.eq(ISCC))
            .filter(soft_bindings::value.eq(code.as_slice()))
            .filter(soft_bindings::label.eq(label.as_str()))
            .set(soft_bindings::observed.eq(true))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Takes a value off a manifest; whether it was bound.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn unbind(&mut self, alg: &str, value: &[u8], label: &ManifestId) -> Result<bool, StoreError> {
        let rows = run!(self, c => diesel::delete(soft_bindings::table)
            .filter(soft_bindings::alg.eq(alg))
            .filter(soft_bindings::value.eq(value))
            .filter(soft_bindings::label.eq(label.as_str()))
            .execute(c))?;
        let last = alg == ISCC && self.manifests_by_binding(alg, value, 1)?.is_empty();
        if last && let Ok(code) = <&[u8; 32]>::try_from(value) {
            let parts = parts(code);
            run!(self, c => diesel::delete(iscc_parts::table)
                .filter(iscc_parts::part.eq_any(parts))
                .filter(iscc_parts::code.eq(value))
                .execute(c))?;
        }
        Ok(rows == 1)
    }
}
