//! What the registry keeps for itself: checks until they expire, settings of its life, its sealed keys.

use super::{
    Reader, StoreError, Writer, convert, exactly_one,
    model::{CheckPictures, CheckRow, RegistryKeyRow},
    run,
    schema::{check_pictures, checks, registry_keys, registry_state},
};
use diesel::prelude::*;
use touchstone_schema::{CheckId, Timestamp};

#[derive(Queryable, Selectable)]
#[diesel(table_name = checks)]
struct RawCheck {
    id: String,
    organisation: Option<String>,
    checked_at: i64,
    expires_at: i64,
    envelope: Vec<u8>,
}

impl TryFrom<RawCheck> for CheckRow {
    type Error = StoreError;

    fn try_from(raw: RawCheck) -> Result<Self, StoreError> {
        Ok(Self {
            id: convert::id(&raw.id)?,
            organisation: convert::id_option(raw.organisation.as_deref())?,
            checked_at: convert::time(raw.checked_at)?,
            expires_at: convert::time(raw.expires_at)?,
            envelope: raw.envelope,
        })
    }
}

impl Reader<'_> {
    /// The check of that identifier, even if it has expired and is not deleted yet.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn check(&mut self, id: &CheckId) -> Result<Option<CheckRow>, StoreError> {
        let id = id.to_string();
        let raw = run!(self, c => checks::table
            .select(RawCheck::as_select())
            .filter(checks::id.eq(&id))
            .get_result(c)
            .optional())?;
        raw.map(CheckRow::try_from).transpose()
    }

    /// A value that the registry keeps under `name`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn state(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        run!(self, c => registry_state::table
            .select(registry_state::value)
            .filter(registry_state::name.eq(name))
            .get_result(c)
            .optional())
    }

    /// What a check drew, if it drew anything.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn check_pictures(&mut self, id: &CheckId) -> Result<Option<CheckPictures>, StoreError> {
        let id = id.to_string();
        let found: Option<(Vec<u8>, Vec<u8>)> = run!(self, c => check_pictures::table
            .select((check_pictures::overlay, check_pictures::mask))
            .filter(check_pictures::id.eq(&id))
            .get_result(c)
            .optional())?;
        Ok(found.map(|(overlay, mask)| CheckPictures { overlay, mask }))
    }

    /// The registry's sealed key for `purpose`.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn registry_key(&mut self, purpose: &str) -> Result<Option<RegistryKeyRow>, StoreError> {
        let found: Option<(String, Vec<u8>, Vec<u8>)> = run!(self, c => registry_keys::table
            .select((registry_keys::purpose, registry_keys::public_key, registry_keys::sealed))
            .filter(registry_keys::purpose.eq(purpose))
            .get_result(c)
            .optional())?;
        let row = |(purpose, public_key, sealed): (String, Vec<u8>, Vec<u8>)| {
            Ok(RegistryKeyRow { purpose, public_key: convert::bytes32(&public_key)?, sealed })
        };
        found.map(row).transpose()
    }
}

impl Writer<'_> {
    /// Stores a check.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `checks.id` if it exists, or if its organisation does not.
    pub fn insert_check(&mut self, check: &CheckRow) -> Result<(), StoreError> {
        let (id, organisation) = (check.id.to_string(), check.organisation.map(|id| id.to_string()));
        let rows = run!(self, c => diesel::insert_into(checks::table)
            .values((
                checks::id.eq(&id),
                checks::organisation.eq(organisation.as_deref()),
                checks::checked_at.eq(check.checked_at.as_micros()),
                checks::expires_at.eq(check.expires_at.as_micros()),
                checks::envelope.eq(check.envelope.as_slice()),
            ))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Stores what a check drew.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such check, or if it has its pictures.
    pub fn insert_check_pictures(
        &mut self,
        id: &CheckId,
        pictures: &CheckPictures,
    ) -> Result<(), StoreError> {
        let id = id.to_string();
        let rows = run!(self, c => diesel::insert_into(check_pictures::table)
            .values((
                check_pictures::id.eq(&id),
                check_pictures::overlay.eq(pictures.overlay.as_slice()),
                check_pictures::mask.eq(pictures.mask.as_slice()),
            ))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Deletes at most so many of the checks that expire at `now` or before, and returns how many.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn delete_expired_checks(&mut self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let expired = checks::table.filter(checks::expires_at.le(now.as_micros()));
        let ids: Vec<String> = run!(self, c => expired.select(checks::id).limit(i64::from(most)).load(c))?;
        let rows = run!(self, c => diesel::delete(checks::table).filter(checks::id.eq_any(&ids)).execute(c))?;
        u64::try_from(rows).map_err(StoreError::other)
    }

    /// Keeps `value` under `name`, in place of the one before.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn set_state(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let rows = run!(self, c => diesel::insert_into(registry_state::table)
            .values((registry_state::name.eq(name), registry_state::value.eq(value)))
            .on_conflict(registry_state::name)
            .do_update()
            .set(registry_state::value.eq(value))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Stores a sealed key of the registry.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `registry_keys.purpose` if there is one for this purpose,
    /// `registry_keys.public_key` if the key serves another.
    pub fn insert_registry_key(&mut self, key: &RegistryKeyRow) -> Result<(), StoreError> {
        let rows = run!(self, c => diesel::insert_into(registry_keys::table)
            .values((
                registry_keys::purpose.eq(&key.purpose),
                registry_keys::public_key.eq(key.public_key.as_slice()),
                registry_keys::sealed.eq(key.sealed.as_slice()),
            ))
            .execute(c))?;
        exactly_one(rows)
    }
}
