//! Who may call: API tokens and console users.

use super::{
    Reader, StoreError, Writer, convert, exactly_one,
    model::{NewToken, NewUser, TokenRow, UserRow},
    run,
    schema::{tokens, users},
};
use diesel::prelude::*;
use touchstone_schema::{OrganisationId, Timestamp, TokenId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens)]
struct RawToken {
    id: String,
    hash: Vec<u8>,
    organisation: Option<String>,
    user_id: Option<String>,
    name: String,
    scopes: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<RawToken> for TokenRow {
    type Error = StoreError;

    fn try_from(raw: RawToken) -> Result<Self, StoreError> {
        Ok(Self {
            id: convert::id(&raw.id)?,
            hash: convert::bytes32(&raw.hash)?,
            organisation: convert::id_option(raw.organisation.as_deref())?,
            name: raw.name,
            scopes: convert::scopes(&raw.scopes)?,
            created_at: convert::time(raw.created_at)?,
            expires_at: convert::time(raw.expires_at)?,
            revoked_at: raw.revoked_at.map(convert::time).transpose()?,
            user: convert::id_option(raw.user_id.as_deref())?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct RawUser {
    id: String,
    organisation: Option<String>,
    name: String,
    password_hash: String,
    created_at: i64,
}

impl TryFrom<RawUser> for UserRow {
    type Error = StoreError;

    fn try_from(raw: RawUser) -> Result<Self, StoreError> {
        Ok(Self {
            id: convert::id(&raw.id)?,
            organisation: convert::id_option(raw.organisation.as_deref())?,
            name: raw.name,
            password_hash: raw.password_hash,
            created_at: convert::time(raw.created_at)?,
        })
    }
}

impl Reader<'_> {
    /// The token whose secret has this keyed hash, expired and revoked ones included: the caller judges.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn token_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<TokenRow>, StoreError> {
        let hash = hash.as_slice();
        let raw = run!(self, c => tokens::table
            .select(RawToken::as_select())
            .filter(tokens::hash.eq(hash))
            .get_result(c)
            .optional())?;
        raw.map(TokenRow::try_from).transpose()
    }

    /// The token of that identifier, expired and revoked ones included.
    ///
    /// # Errors
    /// As [`Reader::token_by_hash`].
    pub fn token(&mut self, id: &TokenId) -> Result<Option<TokenRow>, StoreError> {
        let id = id.to_string();
        let raw = run!(self, c => tokens::table
            .select(RawToken::as_select())
            .filter(tokens::id.eq(&id))
            .get_result(c)
            .optional())?;
        raw.map(TokenRow::try_from).transpose()
    }

    /// The tokens of an organisation, or of the operator, newest first, expired and revoked ones included.
    ///
    /// # Errors
    /// As [`Reader::token_by_hash`].
    pub fn tokens_of(&mut self, organisation: Option<OrganisationId>) -> Result<Vec<TokenRow>, StoreError> {
        let organisation = organisation.map(|id| id.to_string());
        let raw = match &organisation {
            Some(organisation) => run!(self, c => tokens::table
                .select(RawToken::as_select())
                .filter(tokens::organisation.eq(organisation))
                .order((tokens::created_at.desc(), tokens::id.desc()))
                .load(c))?,
            None => run!(self, c => tokens::table
                .select(RawToken::as_select())
                .filter(tokens::organisation.is_null())
                .order((tokens::created_at.desc(), tokens::id.desc()))
                .load(c))?,
        };
        raw.into_iter().map(TokenRow::try_from).collect()
    }

    /// The console user of exactly that name.
    ///
    /// # Errors
    /// [`StoreError`] of the database, or of a stored value.
    pub fn user_by_name(&mut self, name: &str) -> Result<Option<UserRow>, StoreError> {
        let raw = run!(self, c => users::table
            .select(RawUser::as_select())
            .filter(users::name.eq(name))
            .get_result(c)
            .optional())?;
        raw.map(UserRow::try_from).transpose()
    }
}

impl Writer<'_> {
    /// Stores a token.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `tokens.id` or `tokens.hash` if it exists, or if its organisation or user does not.
    pub fn insert_token(&mut self, token: &NewToken) -> Result<(), StoreError> {
        let (id, scopes) = (token.id.to_string(), convert::scopes_text(&token.scopes));
        let organisation = token.organisation.map(|id| id.to_string());
        let user = token.user.map(|id| id.to_string());
        let rows = run!(self, c => diesel::insert_into(tokens::table)
            .values((
                tokens::id.eq(&id),
                tokens::hash.eq(token.hash.as_slice()),
                tokens::organisation.eq(organisation.as_deref()),
                tokens::user_id.eq(user.as_deref()),
                tokens::name.eq(&token.name),
                tokens::scopes.eq(&scopes),
                tokens::created_at.eq(token.created_at.as_micros()),
                tokens::expires_at.eq(token.expires_at.as_micros()),
            ))
            .execute(c))?;
        exactly_one(rows)
    }

    /// Revokes a token at `at`. Returns `false`, and changes nothing, if there is none or it is revoked already.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn revoke_token(&mut self, id: &TokenId, at: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_string();
        let rows = run!(self, c => diesel::update(tokens::table)
            .filter(tokens::id.eq(&id))
            .filter(tokens::revoked_at.is_null())
            .set(tokens::revoked_at.eq(at.as_micros()))
            .execute(c))?;
        if rows == 0 { Ok(false) } else { exactly_one(rows).map(|()| true) }
    }

    /// Stores a console user.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] `users.name` if the name is taken, `users.id` if the identifier is.
    pub fn insert_user(&mut self, user: &NewUser) -> Result<(), StoreError> {
        let (id, organisation) = (user.id.to_string(), user.organisation.map(|id| id.to_string()));
        let rows = run!(self, c => diesel::insert_into(users::table)
            .values((
                users::id.eq(&id),
                users::organisation.eq(organisation.as_deref()),
                users::name.eq(&user.name),
                users::password_hash.eq(&user.password_hash),
                users::created_at.eq(user.created_at.as_micros()),
            ))
            .execute(c))?;
        exactly_one(rows)
    }
}
