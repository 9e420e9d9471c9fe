//! Who calls: API tokens, console users, sign-in.
//!
//! A token is 256 random bits, shown once. The database keeps an HMAC of it under a secret that is sealed in the
//! keyring, so a stolen database opens nothing. Passwords are hashed with Argon2id.

use super::{Inner, Refusal, Registry, signing::milliseconds};
use crate::{
    clock::{Entropy, random},
    store::{NewToken as NewTokenRow, NewUser as NewUserRow, Reader, StoreError, TokenRow, Writer},
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use touchstone_schema::{
    OrganisationId, Timestamp, TokenId, UserId,
    api::{CallerInfo, IssuedToken, NewToken, NewUser, Scope, SignIn, TokenInfo, TokenList, UserInfo},
    problem::ProblemCode,
    statement::Role,
};

/// What every token starts with, so that scanners of leaked secrets recognise it.
const TOKEN_PREFIX: &str = "tstk_";
const MAX_TOKEN_DAYS: u32 = 3_650;
const MAX_NAME: usize = 64;
/// OWASP's recommendation for Argon2id: 19 MiB, two passes, one lane.
const PASSWORD_MEMORY_KIB: u32 = 19_456;
const PASSWORD_PASSES: u32 = 2;

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token that was shown.
    pub token: TokenId,
    /// Whose it is; absent for the operator.
    pub organisation: Option<OrganisationId>,
    /// Name of the organisation, or `operator`.
    pub name: String,
    /// Role of the organisation; absent for the operator.
    pub role: Option<Role>,
    /// What the token allows.
    pub scopes: Vec<Scope>,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Caller {
    /// Refuses unless the token allows `scope`.
    ///
    /// # Errors
    /// `forbidden`, naming the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Refusal> {
        self.require_any(&[scope])
    }

    /// Refuses unless the token allows one of `scopes`.
    ///
    /// # Errors
    /// `forbidden`, naming the scopes.
    pub fn require_any(&self, scopes: &[Scope]) -> Result<(), Refusal> {
        if scopes.iter().any(|scope| self.scopes.contains(scope)) {
            return Ok(());
        }
        let names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
        Err(Refusal::with(ProblemCode::Forbidden, format!("needs the scope {}", names.join(" or "))))
    }

    /// The caller's organisation.
    ///
    /// # Errors
    /// `forbidden` for the operator, who speaks for none.
    pub fn organisation(&self) -> Result<OrganisationId, Refusal> {
        self.organisation.ok_or_else(|| {
            Refusal::with(ProblemCode::Forbidden, "the operator's token speaks for no organisation")
        })
    }
}

/// HMAC-SHA-256 of a token's text under the registry's secret.
pub(super) fn token_hash(secret: &[u8; 32], token: &str) -> Result<[u8; 32], Refusal> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| Refusal::internal(e.to_string()))?;
    mac.update(token.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn argon2() -> Result<Argon2<'static>, Refusal> {
    let params = Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, 1, None);
    let params = params.map_err(|e| Refusal::internal(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

pub(super) fn hash_password(password: &str, entropy: &dyn Entropy) -> Result<String, Refusal> {
    let salt: [u8; 16] = random(entropy)?;
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.map_err(|e| Refusal::internal(e.to_string()))?.to_string())
}

/// A fresh token for the database and its secret text for the caller.
pub(super) struct FreshToken {
    pub id: TokenId,
    pub text: String,
    pub hash: [u8; 32],
}

pub(super) fn fresh_token(
    secret: &[u8; 32],
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<FreshToken, Refusal> {
    let text = format!("{TOKEN_PREFIX}{}", BASE64URL_NOPAD.encode(&random::<32>(entropy)?));
    let id = TokenId::from_parts(milliseconds(now), random(entropy)?);
    let hash = token_hash(secret, &text)?;
    Ok(FreshToken { id, text, hash })
}

impl Inner {
    /// Makes a token in the caller's transaction.
    pub(super) fn insert_token(
        &self,
        writer: &mut Writer<'_>,
        organisation: Option<OrganisationId>,
        user: Option<UserId>,
        name: &str,
        scopes: &[Scope],
        seconds: i64,
    ) -> Result<IssuedToken, Refusal> {
        let now = self.now();
        let fresh = fresh_token(self.keyring.token_secret(), now, self.entropy.as_ref())?;
        let expires_at = now.saturating_add_seconds(seconds);
        writer.insert_token(&NewTokenRow {
            id: fresh.id,
            hash: fresh.hash,
            organisation,
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            created_at: now,
            expires_at,
            user,
        })?;
        Ok(IssuedToken { id: fresh.id, token: fresh.text, expires_at })
    }

    fn caller(&self, reader: &mut Reader<'_>, row: TokenRow) -> Result<Caller, Refusal> {
        let unauthenticated = || Refusal::new(ProblemCode::Unauthenticated);
        if row.revoked_at.is_some() || row.expires_at <= self.now() {
            return Err(unauthenticated());
        }
        let (name, role) = match row.organisation {
            None => ("operator".to_owned(), None),
            Some(id) => {
                let organisation = reader.organisation(&id)?.ok_or_else(unauthenticated)?;
                if organisation.suspended_at_index.is_some() {
                    return Err(Refusal::new(ProblemCode::OrganisationSuspended));
                }
                (organisation.name, Some(organisation.role))
            }
        };
        Ok(Caller {
            token: row.id,
            organisation: row.organisation,
            name,
            role,
            scopes: row.scopes,
            expires_at: row.expires_at,
        })
    }
}

impl Registry {
    /// Who shows this token.
    ///
    /// # Errors
    /// `unauthenticated` if it is unknown, expired or revoked; `organisation-suspended`.
    pub fn authenticate(&self, bearer: &str) -> Result<Caller, Refusal> {
        let inner = &*self.0;
        // Random tokens all have one length: anything else cannot be one, and needs no look-up.
        if bearer.len() != TOKEN_PREFIX.len() + 43 || !bearer.starts_with(TOKEN_PREFIX) {
            return Err(Refusal::new(ProblemCode::Unauthenticated));
        }
        let hash = token_hash(inner.keyring.token_secret(), bearer)?;
        inner.store.read(|reader| {
            let row = reader.token_by_hash(&hash)?;
            let row = row.filter(|row| bool::from(row.hash.ct_eq(&hash)));
            let row = row.ok_or_else(|| Refusal::new(ProblemCode::Unauthenticated))?;
            inner.caller(reader, row)
        })
    }

    /// Whose token this is and which keys may sign.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn caller_info(&self, caller: &Caller) -> Result<CallerInfo, Refusal> {
        let keys = match caller.organisation {
            None => Vec::new(),
            Some(id) => self.0.store.read(|reader| super::organisations::signing_keys(reader, &id))?,
        };
        Ok(CallerInfo {
            organisation: caller.organisation,
            name: caller.name.clone(),
            role: caller.role,
            scopes: caller.scopes.clone(),
            expires_at: Some(caller.expires_at),
            keys: keys.into_iter().filter(|key| key.revoked_at_index.is_none()).collect(),
        })
    }

    /// Makes a further token.
    ///
    /// # Errors
    /// `forbidden` if it would allow more than the role or the caller has; `invalid-field`; `not-found`.
    pub fn issue_token(&self, caller: &Caller, new: &NewToken) -> Result<IssuedToken, Refusal> {
        caller.require_any(&[Scope::Manage, Scope::Operate])?;
        let invalid = |detail: &str| Refusal::with(ProblemCode::InvalidField, detail);
        if new.days == 0 || new.days > MAX_TOKEN_DAYS {
            return Err(invalid("days must be 1 to 3650"));
        }
        if new.scopes.is_empty() {
            return Err(invalid("scopes must name at least one scope"));
        }
        check_name(&new.name)?;
        if caller.organisation.is_none() {
            caller.require(Scope::Operate)?;
        }
        let organisation = match (caller.organisation, new.organisation) {
            (Some(own), Some(other)) if own != other => {
                return Err(Refusal::with(ProblemCode::Forbidden, "only tokens of the own organisation"));
            }
            (Some(own), _) => Some(own),
            (None, named) => named,
        };
        let inner = &*self.0;
        inner.store.write_beside_log(|writer| {
            let allowed: Vec<Scope> = match organisation {
                None => vec![Scope::Operate, Scope::Manage],
                Some(id) => {
                    let row = writer.organisation(&id)?;
                    let row =
                        row.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such organisation"))?;
                    Scope::of_role(row.role).to_vec()
                }
            };
            if let Some(scope) = new.scopes.iter().find(|scope| !allowed.contains(scope)) {
                let detail = format!("this role may not hold the scope {}", scope.name());
                return Err(Refusal::with(ProblemCode::Forbidden, detail));
            }
            // Otherwise a token that only manages could make itself one that registers.
            let operates = caller.scopes.contains(&Scope::Operate);
            if let Some(scope) = new.scopes.iter().find(|scope| !operates && !caller.scopes.contains(scope)) {
                let detail = format!("the caller's token does not hold the scope {} itself", scope.name());
                return Err(Refusal::with(ProblemCode::Forbidden, detail));
            }
            inner.insert_token(
                writer,
                organisation,
                None,
                &new.name,
                &new.scopes,
                i64::from(new.days) * 86_400,
            )
        })
    }

    /// The caller's organisation's tokens, newest first.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn tokens(&self, caller: &Caller) -> Result<TokenList, Refusal> {
        caller.require_any(&[Scope::Manage, Scope::Operate])?;
        let rows =
            self.0.store.read(|reader| reader.tokens_of(caller.organisation).map_err(Refusal::from))?;
        let mut tokens: Vec<TokenInfo> = rows
            .into_iter()
            .map(|row| TokenInfo {
                id: row.id,
                name: row.name,
                scopes: row.scopes,
                created_at: row.created_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
            })
            .collect();
        tokens.sort_unstable_by_key(|token| std::cmp::Reverse(token.id));
        Ok(TokenList { tokens })
    }

    /// Revokes a token of the caller's organisation, at once; the operator revokes any. Revoking it again changes
    /// nothing.
    ///
    /// # Errors
    /// `not-found` if the organisation has no such token.
    pub fn revoke_token(&self, caller: &Caller, id: &TokenId) -> Result<(), Refusal> {
        caller.require_any(&[Scope::Manage, Scope::Operate])?;
        let now = self.0.now();
        self.0.store.write_beside_log(|writer| {
            let row = writer.token(id)?;
            let own =
                row.filter(|row| caller.organisation.is_none() || row.organisation == caller.organisation);
            match own {
                None => Err(Refusal::with(ProblemCode::NotFound, "no such token")),
                Some(row) if row.revoked_at.is_some() => Ok(()),
                Some(_) => writer.revoke_token(id, now).map(|_| ()).map_err(Refusal::from),
            }
        })
    }

    /// Makes a console user of the caller's organisation.
    ///
    /// # Errors
    /// `invalid-field` for a name or password of the wrong form; `conflict` if the name is taken.
    pub fn create_user(&self, caller: &Caller, new: &NewUser) -> Result<UserInfo, Refusal> {
        caller.require_any(&[Scope::Manage, Scope::Operate])?;
        // A user's session may do all that the role may: nobody makes a user who may do more than the maker.
        let all = caller.role.map_or([Scope::Operate, Scope::Manage].as_slice(), Scope::of_role);
        all.iter().try_for_each(|scope| caller.require(*scope))?;
        let name_fits = (3..=MAX_NAME).contains(&new.name.len())
            && new.name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'@'));
        if !name_fits {
            let detail = "name must have 3 to 64 characters of a-z 0-9 . _ - @";
            return Err(Refusal::with(ProblemCode::InvalidField, detail));
        }
        if !(12..=128).contains(&new.password.chars().count()) {
            return Err(Refusal::with(ProblemCode::InvalidField, "password must have 12 to 128 characters"));
        }
        let inner = &*self.0;
        let password_hash = hash_password(&new.password, inner.entropy.as_ref())?;
        let now = inner.now();
        let id = UserId::from_parts(milliseconds(now), random(inner.entropy.as_ref())?);
        inner.store.write_beside_log(|writer| {
            if writer.user_by_name(&new.name)?.is_some() {
                return Err(Refusal::with(ProblemCode::Conflict, "this sign-in name is taken"));
            }
            let inserted = writer.insert_user(&NewUserRow {
                id,
                organisation: caller.organisation,
                name: new.name.clone(),
                password_hash,
                created_at: now,
            });
            match inserted {
                // Another one of this name came first, after the look-up.
                Err(StoreError::Constraint { .. }) => {
                    return Err(Refusal::with(ProblemCode::Conflict, "this sign-in name is taken"));
                }
                other => other?,
            };
            Ok(UserInfo { id, name: new.name.clone() })
        })
    }

    /// Signs a console user in: a token that lasts for the session.
    ///
    /// # Errors
    /// `wrong-password`, after the same work for known and unknown names; `organisation-suspended`.
    pub fn sign_in(&self, sign_in: &SignIn) -> Result<IssuedToken, Refusal> {
        let inner = &*self.0;
        let user = inner.store.read(|reader| reader.user_by_name(&sign_in.name).map_err(Refusal::from))?;
        let stored = user.as_ref().map_or(inner.decoy_password_hash.as_str(), |user| &user.password_hash);
        let parsed = PasswordHash::new(stored).map_err(|e| Refusal::internal(e.to_string()))?;
        let matches = argon2()?.verify_password(sign_in.password.as_bytes(), &parsed).is_ok();
        let user = user.filter(|_| matches).ok_or_else(|| Refusal::new(ProblemCode::WrongPassword))?;
        let seconds = i64::from(inner.settings.session_hours) * 3_600;
        inner.store.write_beside_log(|writer| {
            let scopes = match user.organisation {
                None => vec![Scope::Operate, Scope::Manage],
                Some(id) => match writer.organisation(&id)? {
                    Some(row) if row.suspended_at_index.is_none() => Scope::of_role(row.role).to_vec(),
                    _ => return Err(Refusal::new(ProblemCode::OrganisationSuspended)),
                },
            };
            let name = format!("session of {}", user.name);
            inner.insert_token(writer, user.organisation, Some(user.id), &name, &scopes, seconds)
        })
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) || name.trim() != name {
        return Err(Refusal::with(ProblemCode::InvalidField, "name must have 1 to 64 printable characters"));
    }
    Ok(())
}
