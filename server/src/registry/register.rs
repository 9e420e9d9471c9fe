//! Submission of statements: open, judge, append.
//!
//! Form and signature are judged before the write transaction, so that the log's row is held only for the inserts.
//! What may change meanwhile (keys, suspension, codes, earlier statements) is judged again inside it.

use super::{Caller, Inner, Refusal, Registry};
use crate::store::{ContentDigest, EntryRow, KeyPurpose, KeyRow, NewEntry, Reader, Writer};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId,
    api::{Acknowledgement, Scope},
    envelope::{self, Opened, STATEMENT_TYPE},
    key::PublicKey,
    problem::ProblemCode,
    statement::{Body, Issuer, Kind, Role, Statement, StatementError},
};

/// A statement whose form and signature hold.
struct Judged<'a> {
    envelope: &'a [u8],
    statement: Statement,
    key: KeyRow,
    deduplication_key: Sha256Digest,
    /// Meant for this registry and signed about now.
    admissible: Result<(), StatementError>,
}

/// Which role may make a statement of this kind, and with which of its keys.
fn rule_of(kind: Kind, role: Option<Role>) -> Result<KeyPurpose, Refusal> {
    let allowed = match kind {
        Kind::ImageRegistered | Kind::EvidenceRecorded => role == Some(Role::Merchant),
        Kind::OutputLabelled | Kind::LabelCorrected => role == Some(Role::AiVendor),
        Kind::StatementWithdrawn => matches!(role, Some(Role::Merchant | Role::AiVendor)),
        Kind::KeyAdded | Kind::KeyRotated | Kind::KeyRevoked => return Ok(KeyPurpose::Recovery),
        _ => false,
    };
    if allowed {
        return Ok(KeyPurpose::Signing);
    }
    let who = role.map_or("the operator", Role::name);
    Err(Refusal::with(ProblemCode::WrongRole, format!("{kind} cannot be submitted by {who}")))
}

fn find_key(opened: &Opened, keys: &[KeyRow], purpose: KeyPurpose) -> Result<(KeyRow, PublicKey), Refusal> {
    let mut hinted = false;
    for row in keys.iter().filter(|row| row.purpose == purpose) {
        let key = PublicKey::from_bytes(&row.public_key).map_err(Refusal::internal)?;
        // The hint only saves work: a key that it does not name is not tried.
        if opened.keyid != key.fingerprint().to_string() {
            continue;
        }
        hinted = true;
        if opened.verifies(&key) {
            return Ok((row.clone(), key));
        }
    }
    if hinted {
        return Err(Refusal::new(ProblemCode::InvalidSignature));
    }
    let detail = match purpose {
        KeyPurpose::Signing => "keyid names no signing key of the issuer",
        KeyPurpose::Recovery => "keyid names no recovery key of the issuer; this kind needs it",
    };
    Err(Refusal::with(ProblemCode::UnknownKey, detail))
}

impl Inner {
    fn judge<'a>(
        &self,
        caller: &Caller,
        organisation: OrganisationId,
        keys: &[KeyRow],
        envelope: &'a [u8],
    ) -> Result<Judged<'a>, Refusal> {
        let opened = envelope::open(envelope, STATEMENT_TYPE)?;
        let statement = Statement::parse(&opened.payload)?;
        if statement.issuer != Issuer::Organisation(organisation) {
            return Err(Refusal::new(ProblemCode::WrongIssuer));
        }
        if named_organisation(&statement.body).is_some_and(|named| named != organisation) {
            return Err(Refusal::with(ProblemCode::WrongIssuer, "the body names another organisation"));
        }
        let purpose = rule_of(statement.body.kind(), caller.role)?;
        let (key, public) = find_key(&opened, keys, purpose)?;
        let deduplication_key = opened.deduplication_key(&public);
        // A repetition is acknowledged even when its first answer was lost a day or a key ago.
        let admissible = statement.check_admissible(&self.origin, self.now());
        Ok(Judged { envelope, statement, key, deduplication_key, admissible })
    }

    /// Judges again what may have changed, appends, and applies what the statement brings about.
    fn accept(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        current: &[KeyRow],
        judged: &Judged<'_>,
    ) -> Result<Acknowledgement, Refusal> {
        if let Some(first) = writer.entry_by_deduplication_key(&judged.deduplication_key)? {
            return Ok(acknowledge(&first));
        }
        judged.admissible.clone()?;
        if revoked(current, &judged.key) {
            return Err(Refusal::new(ProblemCode::RevokedKey));
        }
        let target = referenced(writer, organisation, &judged.statement.body)?;
        let id: StatementId = self.statement_id()?;
        let entry = NewEntry {
            id,
            kind: judged.statement.body.kind(),
            issuer: judged.statement.issuer,
            key: judged.key.public_key,
            deduplication_key: judged.deduplication_key,
            envelope: judged.envelope,
        };
        let appended = writer.append(self.now(), &entry)?;
        self.apply(writer, organisation, judged, target, appended.index)?;
        Ok(Acknowledgement {
            id,
            log_index: appended.index,
            accepted_at: appended.accepted_at,
            duplicate: false,
        })
    }

    /// Accepts one statement of a batch so that a refusal leaves nothing of it behind.
    fn accept_alone(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        current: &[KeyRow],
        judged: &Judged<'_>,
    ) -> Result<Acknowledgement, Refusal> {
        match judged.statement.body.kind() {
            // Only these can still be refused after their entry was appended; the others need no savepoint.
            Kind::KeyAdded | Kind::KeyRotated | Kind::KeyRevoked => {
                writer.nested(|writer| self.accept(writer, organisation, current, judged))
            }
            _ => self.accept(writer, organisation, current, judged),
        }
    }

    fn apply(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        judged: &Judged<'_>,
        target: Option<u64>,
        index: u64,
    ) -> Result<(), Refusal> {
        let body = &judged.statement.body;
        if let Some(content) = body.content() {
            writer.bind_content(&content.sha256, ContentDigest::File, index)?;
            writer.bind_content(&content.sha256_without_manifest, ContentDigest::WithoutManifest, index)?;
        }
        match body {
            Body::OutputLabelled(output) => {
                writer.bind_label(&output.label.producer, &output.label.content_id, index)?;
            }
            Body::LabelCorrected(correction) => {
                let target = target.ok_or_else(|| Refusal::internal("a correction without its target"))?;
                writer.mark_corrected(target, index)?;
                writer.bind_label(&correction.label.producer, &correction.label.content_id, target)?;
            }
            Body::StatementWithdrawn(_) => {
                let target = target.ok_or_else(|| Refusal::internal("a withdrawal without its target"))?;
                writer.mark_withdrawn(target, index)?;
                writer.release_picture(target, self.now())?;
            }
            Body::KeyAdded(added) => {
                self.insert_key(writer, organisation, &added.key, KeyPurpose::Signing, index)?;
            }
            Body::KeyRotated(rotated) => {
                self.insert_key(writer, organisation, &rotated.new, KeyPurpose::Signing, index)?;
                self.revoke_own(writer, organisation, &rotated.old, None, index)?;
            }
            Body::KeyRevoked(revoked) => {
                self.revoke_own(writer, organisation, &revoked.key, revoked.suspect_from_index, index)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn revoke_own(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        key: &PublicKey,
        suspect_from: Option<u64>,
        index: u64,
    ) -> Result<(), Refusal> {
        let row = writer.key_by_public_key(key.as_bytes())?;
        let row = row.filter(|row| row.organisation == *organisation && row.purpose == KeyPurpose::Signing);
        let row =
            row.ok_or_else(|| Refusal::with(ProblemCode::UnknownKey, "no such signing key of the issuer"))?;
        if row.revoked_at_index.is_some() {
            return Err(Refusal::with(ProblemCode::Conflict, "this key is revoked already"));
        }
        Ok(writer.revoke_key(&row.id, index, suspect_from)?)
    }
}

/// The organisation whose keys a body changes.
fn named_organisation(body: &Body) -> Option<OrganisationId> {
    match body {
        Body::KeyAdded(body) => Some(body.organisation),
        Body::KeyRotated(body) => Some(body.organisation),
        Body::KeyRevoked(body) => Some(body.organisation),
        _ => None,
    }
}

fn acknowledge(first: &EntryRow) -> Acknowledgement {
    Acknowledgement { id: first.id, log_index: first.index, accepted_at: first.accepted_at, duplicate: true }
}

/// The index of the earlier statement that a body refers to; it must be of the same issuer and of a fitting kind.
/// Provider codes must not belong to others.
fn referenced(
    reader: &mut Reader<'_>,
    organisation: &OrganisationId,
    body: &Body,
) -> Result<Option<u64>, Refusal> {
    let label = match body {
        Body::OutputLabelled(output) => Some(&output.label),
        Body::LabelCorrected(correction) => Some(&correction.label),
        _ => None,
    };
    if let Some(label) = label
        && reader.code_owner(&label.producer)?.is_some_and(|owner| owner != *organisation)
    {
        return Err(Refusal::new(ProblemCode::UnboundCode));
    }
    let (id, fits): (&StatementId, fn(Kind) -> bool) = match body {
        Body::LabelCorrected(correction) => (&correction.statement, |kind| kind == Kind::OutputLabelled),
        Body::StatementWithdrawn(withdrawal) => (&withdrawal.statement, |kind| {
            matches!(kind, Kind::ImageRegistered | Kind::OutputLabelled | Kind::EvidenceRecorded)
        }),
        _ => return Ok(None),
    };
    let entry = reader.entry_by_id(id)?;
    let entry = entry.filter(|e| e.issuer == Issuer::Organisation(*organisation) && fits(e.kind));
    let entry = entry.ok_or_else(|| Refusal::new(ProblemCode::UnknownStatement))?;
    if entry.withdrawn_at_index.is_some() {
        return Err(Refusal::with(ProblemCode::Conflict, "this statement is withdrawn already"));
    }
    Ok(Some(entry.index))
}

impl Registry {
    /// Accepts one statement. A duplicate gets the first acknowledgement again.
    ///
    /// # Errors
    /// The [`Refusal`] names the first rule that the statement breaks.
    pub fn submit(&self, caller: &Caller, envelope: &[u8]) -> Result<Acknowledgement, Refusal> {
        let mut results = self.submit_batch(caller, &[envelope])?;
        results.pop().unwrap_or_else(|| Err(Refusal::internal("a batch of one gave no result")))
    }

    /// Accepts a batch in one durable transaction. Each statement is judged for itself: a refused one does not
    /// affect the others. The results are in the order of the envelopes.
    ///
    /// # Errors
    /// A [`Refusal`] of the whole batch: `forbidden`, `body-too-large`, or a failure to store anything.
    pub fn submit_batch(
        &self,
        caller: &Caller,
        envelopes: &[&[u8]],
    ) -> Result<Vec<Result<Acknowledgement, Refusal>>, Refusal> {
        caller.require(Scope::Register)?;
        let organisation = caller.organisation()?;
        let inner = &*self.0;
        if envelopes.len() > inner.settings.max_batch {
            let detail = format!("at most {} statements in a batch", inner.settings.max_batch);
            return Err(Refusal::with(ProblemCode::BodyTooLarge, detail));
        }
        let keys = inner.store.read(|reader| reader.keys_of(&organisation).map_err(Refusal::from))?;
        let judged: Vec<_> =
            envelopes.iter().map(|envelope| inner.judge(caller, organisation, &keys, envelope)).collect();
        let withdraws = |item: &Judged<'_>| item.statement.body.kind() == Kind::StatementWithdrawn;
        let withdrawing = judged.iter().flatten().any(withdraws);
        let results = inner.store.write(|writer| {
            check_still_valid(writer, &organisation)?;
            let current = writer.keys_of(&organisation)?;
            let mut results = Vec::with_capacity(judged.len());
            for item in judged {
                let result = match item {
                    Ok(item) => inner.accept_alone(writer, &organisation, &current, &item),
                    Err(refusal) => Err(refusal),
                };
                match result {
                    // The registry's own failure must not be mistaken for a refusal of one statement.
                    Err(refusal) if refusal.code.status() >= 500 => return Err(refusal),
                    result => results.push(result),
                }
            }
            Ok(results)
        })?;
        if withdrawing {
            // A withdrawn picture is no longer found by its looks; its digests still lead to the withdrawal.
            inner.follow_own();
        }
        Ok(results)
    }
}

fn revoked(current: &[KeyRow], used: &KeyRow) -> bool {
    current.iter().find(|row| row.id == used.id).is_none_or(|row| row.revoked_at_index.is_some())
}

pub(super) fn check_still_valid(
    reader: &mut Reader<'_>,
    organisation: &OrganisationId,
) -> Result<(), Refusal> {
    match reader.organisation(organisation)? {
        Some(row) if row.suspended_at_index.is_none() => Ok(()),
        _ => Err(Refusal::new(ProblemCode::OrganisationSuspended)),
    }
}
