//! Who takes part: organisations, their keys, the provider codes bound to them.

use super::{
    Reader, StoreError, Writer, convert, exactly_one,
    model::{KeyPurpose, KeyRow, NewKey, NewOrganisation, OrganisationRow},
    one_or_violated, run,
    schema::{organisation_keys, organisations, provider_codes},
};
use diesel::prelude::*;
use touchstone_schema::{KeyId, OrganisationId, statement::Role};

#[derive(Queryable, Selectable)]
#[diesel(table_name = organisations)]
struct RawOrganisation {
    id: String,
    name: String,
    role: String,
    admitted_at: i64,
    admitted_idx: i64,
    suspended_idx: Option<i64>,
}

impl TryFrom<RawOrganisation> for OrganisationRow {
    type Error = StoreError;

    fn try_from(raw: RawOrganisation) -> Result<Self, StoreError> {
        Ok(Self {
            id: convert::id(&raw.id)?,
            name: raw.name,
            role: convert::named(&raw.role, Role::from_name)?,
            admitted_at: convert::time(raw.admitted_at)?,
            admitted_at_index: convert::unsigned(raw.admitted_idx)?,
            suspended_at_index: convert::unsigned_option(raw.suspended_idx)?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = organisation_keys)]
struct RawKey {
    id: String,
    organisation: String,
    public_key: Vec<u8>,
    purpose: String,
    valid_from_idx: i64,
    revoked_idx: Option<i64>,
    suspect_from_idx: Option<i64>,
}

impl TryFrom<RawKey> for KeyRow {
    type Error = StoreError;

    fn try_from(raw: RawKey) -> Result<Self, StoreError> {
        Ok(Self {
            id: convert::id(&raw.id)?,
            organisation: convert::id(&raw.organisation)?,
            public_key: convert::bytes32(&raw.public_key)?,
            purpose: convert::named(&raw.purpose, KeyPurpose::from_name)?,
            valid_from_index: convert::unsigned(raw.valid_from_idx)?,
            revoked_at_index: convert::unsigned_option(raw.revoked_idx)?,
            suspect_from_index: convert::unsigned_option(raw.suspect_from_idx)?,
        })
    }
}

impl Reader<'_> {
    /// The organisation of that identifier.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn organisation(&mut self, id: &OrganisationId) -> Result<Option<OrganisationRow>, StoreError> {
        let id = id.to_string();
        let raw = run!(self, c => organisations::table
            .select(RawOrganisation::as_select())
            .filter(organisations::id.eq(&id))
            .get_result(c)
            .optional())?;
        raw.map(OrganisationRow::try_from).transpose()
    }

    /// The organisation of exactly that name.
    ///
    /// # Errors
    /// As [`Reader::organisation`].
    pub fn organisation_by_name(&mut self, name: &str) -> Result<Option<OrganisationRow>, StoreError> {
        let raw = run!(self, c => organisations::table
            .select(RawOrganisation::as_select())
            .filter(organisations::name.eq(name))
            .get_result(c)
            .optional())?;
        raw.map(OrganisationRow::try_from).transpose()
    }

    /// All organisations, in the order of their admission.
    ///
    /// # Errors
    /// As [`Reader::organisation`].
    pub fn organisations(&mut self) -> Result<Vec<OrganisationRow>, StoreError> {
        let raw = run!(self, c => organisations::table
            .select(RawOrganisation::as_select())
            .order(organisations::admitted_idx)
            .load(c))?;
        raw.into_iter().map(OrganisationRow::try_from).collect()
    }

    /// The organisation's keys of all purposes, revoked ones included, in the order they became valid.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn keys_of(&mut self, organisation: &OrganisationId) -> Result<Vec<KeyRow>, StoreError> {
        let organisation = organisation.to_string();
        let raw = run!(self, c => organisation_keys::table
            .select(RawKey::as_select())
            .filter(organisation_keys::organisation.eq(&organisation))
            .order((organisation_keys::valid_from_idx, organisation_keys::id))
            .load(c))?;
        raw.into_iter().map(KeyRow::try_from).collect()
    }

    /// The key with these 32 bytes, revoked or not.
    ///
    /// # Errors
    /// As [`Reader::keys_of`].
    pub fn key_by_public_key(&mut self, public_key: &[u8; 32]) -> Result<Option<KeyRow>, StoreError> {
        let public_key = public_key.as_slice();
        let raw = run!(self, c => organisation_keys::table
            .select(RawKey::as_select())
            .filter(organisation_keys::public_key.eq(public_key))
            .get_result(c)
            .optional())?;
        raw.map(KeyRow::try_from).transpose()
    }

    /// To which organisation a provider code is bound.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn code_owner(&mut self, code: &str) -> Result<Option<OrganisationId>, StoreError> {
        let owner: Option<String> = run!(self, c => provider_codes::table
            .select(provider_codes::organisation)
            .filter(provider_codes::code.eq(code))
            .get_result(c)
            .optional())?;
        convert::id_option(owner.as_deref())
    }

    /// The provider codes bound to an organisation, in the order they were bound.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn codes_of(&mut self, organisation: &OrganisationId) -> Result<Vec<String>, StoreError> {
        let organisation = organisation.to_string();
        run!(self, c => provider_codes::table
            .select(provider_codes::code)
            .filter(provider_codes::organisation.eq(&organisation))
            .order((provider_codes::idx, provider_codes::code))
            .load(c))
    }
}

impl Writer<'_> {
    /// Stores an organisation. The entry that admits it is appended before.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `organisations.name` if the name is taken, `organisations.id` if the identifier is.
    pub fn insert_organisation(&mut self, organisation: &NewOrganisation) -> Result<(), StoreError> {
        let id = organisation.id.to_string();
        let admitted = convert::signed(organisation.admitted_at_index)?;
        let rows = run!(self, c => diesel::insert_into(organisations::table)
            .values((
                organisations::id.eq(&id),
                organisations::name.eq(&organisation.name),
                organisations::role.eq(organisation.role.name()),
                organisations::admitted_at.eq(organisation.admitted_at.as_micros()),
                organisations::admitted_idx.eq(admitted),
            ))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Suspends an organisation by the entry at `index`.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `organisations.suspended_idx` if it does not exist or is suspended already.
    pub fn suspend_organisation(&mut self, id: &OrganisationId, index: u64) -> Result<(), StoreError> {
        let (id, index) = (id.to_string(), convert::signed(index)?);
        let rows = run!(self, c => diesel::update(organisations::table)
            .filter(organisations::id.eq(&id))
            .filter(organisations::suspended_idx.is_null())
            .set(organisations::suspended_idx.eq(index))
            .execute(c))?;
        one_or_violated(rows, "organisations.suspended_idx")
    }

    /// Stores a key. A public key serves one organisation and one purpose.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `organisation_keys.public_key` if the key is known, `organisation_keys.id` if the
    /// identifier is.
    pub fn insert_key(&mut self, key: &NewKey) -> Result<(), StoreError> {
        let (id, organisation) = (key.id.to_string(), key.organisation.to_string());
        let valid_from = convert::signed(key.valid_from_index)?;
        let rows = run!(self, c => diesel::insert_into(organisation_keys::table)
            .values((
                organisation_keys::id.eq(&id),
                organisation_keys::organisation.eq(&organisation),
                organisation_keys::public_key.eq(key.public_key.as_slice()),
                organisation_keys::purpose.eq(key.purpose.name()),
                organisation_keys::valid_from_idx.eq(valid_from),
            ))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Revokes a key by the entry at `index`; entries from `suspect_from` on are suspect.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `organisation_keys.revoked_idx` if it does not exist or is revoked already.
    pub fn revoke_key(
        &mut self,
        id: &KeyId,
        index: u64,
        suspect_from: Option<u64>,
    ) -> Result<(), StoreError> {
        let (id, index) = (id.to_string(), convert::signed(index)?);
        let suspect_from = convert::signed_option(suspect_from)?;
        let rows = run!(self, c => diesel::update(organisation_keys::table)
            .filter(organisation_keys::id.eq(&id))
            .filter(organisation_keys::revoked_idx.is_null())
            .set((organisation_keys::revoked_idx.eq(index), organisation_keys::suspect_from_idx.eq(suspect_from)))
            .execute(c))?;
        one_or_violated(rows, "organisation_keys.revoked_idx")
    }

    /// Binds a provider code to an organisation by the entry at `index`. Returns `false`, and changes nothing, if it
    /// is bound to another; binding it to the same one again is no change.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] if there is no such organisation or entry.
    pub fn bind_code(
        &mut self,
        code: &str,
        organisation: &OrganisationId,
        index: u64,
    ) -> Result<bool, StoreError> {
        let (text, index) = (organisation.to_string(), convert::signed(index)?);
        run!(self, c => diesel::insert_into(provider_codes::table)
            .values((
                provider_codes::code.eq(code),
                provider_codes::organisation.eq(&text),
                provider_codes::idx.eq(index),
            ))
            .on_conflict_do_nothing()
            .execute(c))?;
        Ok(self.code_owner(code)? == Some(*organisation))
    }
}
