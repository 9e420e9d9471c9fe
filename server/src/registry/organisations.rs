//! Organisations, their keys and provider codes: the operator's decisions, each an entry in the log.

use super::{Caller, Inner, Refusal, Registry, signing::milliseconds};
use crate::{
    clock::random,
    store::{
        KeyPurpose, NewKey as NewKeyRow, NewOrganisation as NewOrganisationRow, OrganisationRow, Reader,
        Writer,
    },
};
use serde::Deserialize;
use touchstone_schema::{
    KeyId, OrganisationId,
    api::{
        AdmittedOrganisation, KeyInfo, KeyRevocation, Logged, NewCode, NewKey, NewOrganisation,
        OrganisationInfo, Scope, Suspension,
    },
    envelope::{self, POSSESSION_TYPE},
    json,
    key::PublicKey,
    problem::ProblemCode,
    statement::{Body, CodeBound, KeyAdded, KeyRevoked, OrganisationAdmitted, OrganisationSuspended, Role},
};

/// An organisation's first token lasts a year.
const FIRST_TOKEN_SECONDS: i64 = 365 * 86_400;

/// What an applicant signs to show that it holds its key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Possession {
    name: String,
    public_key: PublicKey,
}

fn check_possession(proof: &str, new: &NewOrganisation) -> Result<(), Refusal> {
    let opened = envelope::open(proof.as_bytes(), POSSESSION_TYPE)?;
    json::check(&opened.payload)?;
    let claim: Possession = serde_json::from_slice(&opened.payload)
        .map_err(|e| Refusal::with(ProblemCode::InvalidField, format!("proof_of_possession: {e}")))?;
    if claim.name != new.name || claim.public_key != new.public_key || !opened.verifies(&new.public_key) {
        let detail = "proof_of_possession must sign this name and public key with that key";
        return Err(Refusal::with(ProblemCode::InvalidSignature, detail));
    }
    Ok(())
}

fn key_info(row: &crate::store::KeyRow) -> Result<KeyInfo, Refusal> {
    Ok(KeyInfo {
        key: row.id,
        public_key: PublicKey::from_bytes(&row.public_key).map_err(Refusal::internal)?,
        valid_from_index: row.valid_from_index,
        revoked_at_index: row.revoked_at_index,
        suspect_from_index: row.suspect_from_index,
    })
}

/// The signing keys of an organisation, revoked ones included.
pub(super) fn signing_keys(
    reader: &mut Reader<'_>,
    organisation: &OrganisationId,
) -> Result<Vec<KeyInfo>, Refusal> {
    let rows = reader.keys_of(organisation)?;
    rows.into_iter().filter(|row| row.purpose == KeyPurpose::Signing).map(|row| key_info(&row)).collect()
}

fn describe(reader: &mut Reader<'_>, row: OrganisationRow) -> Result<OrganisationInfo, Refusal> {
    Ok(OrganisationInfo {
        keys: signing_keys(reader, &row.id)?,
        provider_codes: reader.codes_of(&row.id)?,
        organisation: row.id,
        name: row.name,
        role: row.role,
        admitted_at: row.admitted_at,
        log_index: row.admitted_at_index,
        suspended: row.suspended_at_index.is_some(),
    })
}

fn existing(reader: &mut Reader<'_>, id: &OrganisationId) -> Result<OrganisationRow, Refusal> {
    let row = reader.organisation(id)?;
    row.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such organisation"))
}

impl Inner {
    pub(super) fn key_id(&self) -> Result<KeyId, Refusal> {
        Ok(KeyId::from_parts(milliseconds(self.now()), random(self.entropy.as_ref())?))
    }

    /// Refuses a key that anybody in the registry uses already: one key speaks for one organisation.
    pub(super) fn insert_key(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        key: &PublicKey,
        purpose: KeyPurpose,
        valid_from_index: u64,
    ) -> Result<KeyId, Refusal> {
        if writer.key_by_public_key(key.as_bytes())?.is_some() {
            return Err(Refusal::with(ProblemCode::Conflict, "this public key is registered already"));
        }
        let id = self.key_id()?;
        writer.insert_key(&NewKeyRow {
            id,
            organisation: *organisation,
            public_key: *key.as_bytes(),
            purpose,
            valid_from_index,
        })?;
        Ok(id)
    }

    fn bind_code(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        code: &str,
    ) -> Result<Logged, Refusal> {
        if let Some(owner) = writer.code_owner(code)? {
            let whose = if owner == *organisation { "this organisation" } else { "another organisation" };
            return Err(Refusal::with(ProblemCode::Conflict, format!("the code belongs to {whose} already")));
        }
        let body = CodeBound { organisation: *organisation, code: code.to_owned() };
        let logged = self.append_own(writer, self.keyring.operator(), body)?;
        if !writer.bind_code(code, organisation, logged.log_index)? {
            return Err(Refusal::with(ProblemCode::Conflict, "the code belongs to another organisation"));
        }
        Ok(logged)
    }
}

impl Registry {
    /// Admits an organisation: an entry in the log, its first key, its first token.
    ///
    /// # Errors
    /// `conflict` for a name, key or code that is taken; `invalid-signature` for a proof that does not hold;
    /// `invalid-field`.
    pub fn admit(&self, caller: &Caller, new: &NewOrganisation) -> Result<AdmittedOrganisation, Refusal> {
        caller.require(Scope::Operate)?;
        new.proof_of_possession.as_deref().map_or(Ok(()), |proof| check_possession(proof, new))?;
        if !new.provider_codes.is_empty() && new.role != Role::AiVendor {
            let detail = "provider codes belong to AI vendors";
            return Err(Refusal::with(ProblemCode::InvalidField, detail));
        }
        let inner = &*self.0;
        let id = OrganisationId::from_parts(milliseconds(inner.now()), random(inner.entropy.as_ref())?);
        inner.append(|writer| {
            if writer.organisation_by_name(&new.name)?.is_some() {
                return Err(Refusal::with(
                    ProblemCode::Conflict,
                    "an organisation of this name exists already",
                ));
            }
            let body = Body::from(OrganisationAdmitted {
                organisation: id,
                name: new.name.clone(),
                role: new.role,
                key: new.public_key,
                recovery_key: new.recovery_key,
            });
            let logged = inner.append_own(writer, inner.keyring.operator(), body)?;
            writer.insert_organisation(&NewOrganisationRow {
                id,
                name: new.name.clone(),
                role: new.role,
                admitted_at: logged.accepted_at,
                admitted_at_index: logged.log_index,
            })?;
            let key =
                inner.insert_key(writer, &id, &new.public_key, KeyPurpose::Signing, logged.log_index)?;
            if let Some(recovery) = &new.recovery_key {
                inner.insert_key(writer, &id, recovery, KeyPurpose::Recovery, logged.log_index)?;
            }
            for code in &new.provider_codes {
                inner.bind_code(writer, &id, code)?;
            }
            let scopes = Scope::of_role(new.role);
            let token =
                inner.insert_token(writer, Some(id), None, "first token", scopes, FIRST_TOKEN_SECONDS)?;
            Ok(AdmittedOrganisation {
                organisation: id,
                token: token.token,
                key,
                log_index: logged.log_index,
            })
        })
    }

    /// One organisation.
    ///
    /// # Errors
    /// `not-found`.
    pub fn organisation(&self, caller: &Caller, id: &OrganisationId) -> Result<OrganisationInfo, Refusal> {
        caller.require(Scope::Operate)?;
        self.0.store.read(|reader| {
            let row = existing(reader, id)?;
            describe(reader, row)
        })
    }

    /// All organisations, oldest first.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn organisations(&self, caller: &Caller) -> Result<Vec<OrganisationInfo>, Refusal> {
        caller.require(Scope::Operate)?;
        self.0.store.read(|reader| {
            let rows = reader.organisations()?;
            rows.into_iter().map(|row| describe(reader, row)).collect()
        })
    }

    /// Adds a key by the operator's decision.
    ///
    /// # Errors
    /// `not-found`, `conflict` if the key is in use.
    pub fn add_key(&self, caller: &Caller, id: &OrganisationId, new: &NewKey) -> Result<Logged, Refusal> {
        caller.require(Scope::Operate)?;
        let inner = &*self.0;
        inner.append(|writer| {
            existing(writer, id)?;
            let body = KeyAdded { organisation: *id, key: new.public_key };
            let logged = inner.append_own(writer, inner.keyring.operator(), body)?;
            inner.insert_key(writer, id, &new.public_key, KeyPurpose::Signing, logged.log_index)?;
            Ok(logged)
        })
    }

    /// Revokes a key by the operator's decision. What it signed before stays in the log.
    ///
    /// # Errors
    /// `not-found`; `conflict` if it is revoked already; `invalid-field` for a suspect index beyond the log.
    pub fn revoke_key(
        &self,
        caller: &Caller,
        id: &OrganisationId,
        key: &KeyId,
        revocation: &KeyRevocation,
    ) -> Result<Logged, Refusal> {
        caller.require(Scope::Operate)?;
        let inner = &*self.0;
        inner.append(|writer| {
            existing(writer, id)?;
            let row = writer.keys_of(id)?.into_iter().find(|row| row.id == *key);
            let row = row.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such key"))?;
            if row.revoked_at_index.is_some() {
                return Err(Refusal::with(ProblemCode::Conflict, "this key is revoked already"));
            }
            if revocation.suspect_from_index.is_some_and(|index| index < row.valid_from_index) {
                let detail = "suspect_from_index lies before the key was valid";
                return Err(Refusal::with(ProblemCode::InvalidField, detail));
            }
            let size = writer.log_size()?;
            if revocation.suspect_from_index.is_some_and(|index| index > size) {
                let detail = format!("suspect_from_index lies beyond the log, which has {size} entries");
                return Err(Refusal::with(ProblemCode::InvalidField, detail));
            }
            let body = KeyRevoked {
                organisation: *id,
                key: PublicKey::from_bytes(&row.public_key).map_err(Refusal::internal)?,
                suspect_from_index: revocation.suspect_from_index,
                reason: revocation.reason.clone(),
            };
            let logged = inner.append_own(writer, inner.keyring.operator(), body)?;
            writer.revoke_key(key, logged.log_index, revocation.suspect_from_index)?;
            Ok(logged)
        })
    }

    /// Suspends an organisation: its tokens and keys no longer work, its entries stay.
    ///
    /// # Errors
    /// `not-found`; `conflict` if it is suspended already.
    pub fn suspend(
        &self,
        caller: &Caller,
        id: &OrganisationId,
        suspension: &Suspension,
    ) -> Result<Logged, Refusal> {
        caller.require(Scope::Operate)?;
        let inner = &*self.0;
        inner.append(|writer| {
            if existing(writer, id)?.suspended_at_index.is_some() {
                return Err(Refusal::with(ProblemCode::Conflict, "this organisation is suspended already"));
            }
            let body = OrganisationSuspended { organisation: *id, reason: suspension.reason.clone() };
            let logged = inner.append_own(writer, inner.keyring.operator(), body)?;
            writer.suspend_organisation(id, logged.log_index)?;
            Ok(logged)
        })
    }

    /// Binds a provider code to an organisation; statements of others that name it are refused from then on.
    ///
    /// # Errors
    /// `not-found`; `conflict` if the code is bound already.
    pub fn bind_code(&self, caller: &Caller, id: &OrganisationId, new: &NewCode) -> Result<Logged, Refusal> {
        caller.require(Scope::Operate)?;
        let inner = &*self.0;
        inner.append(|writer| {
            if existing(writer, id)?.role != Role::AiVendor {
                let detail = "provider codes belong to AI vendors";
                return Err(Refusal::with(ProblemCode::InvalidField, detail));
            }
            inner.bind_code(writer, id, &new.code)
        })
    }
}
