//! Acceptance: what the locked log makes certain is judged again, and the statements of several requests are appended in
//! one durable transaction.
//!
//! What they are judged by is read once for all of them, and their rows are written together: to a database server each
//! statement is a round trip, and others wait for the log meanwhile.

use super::{
    Inner, Refusal,
    register::{Job, Judged, Outcome},
};
use crate::store::{ContentDigest, KeyPurpose, KeyRow, NewEntry, Reader, Writer};
use std::{collections::HashMap, rc::Rc, slice};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId,
    api::Acknowledgement,
    key::PublicKey,
    problem::ProblemCode,
    statement::{Body, Issuer, Kind},
};

/// What statements are judged by. While the log is locked, nobody else changes it.
struct Standing {
    /// What is in the log already, by deduplication key.
    known: HashMap<Sha256Digest, Acknowledgement>,
    /// Keys of the organisations that may register.
    keys: HashMap<OrganisationId, Rc<[KeyRow]>>,
    /// Whose the provider codes are.
    owners: HashMap<String, Option<OrganisationId>>,
}

impl Standing {
    fn read(reader: &mut Reader<'_>, jobs: &[Job]) -> Result<Self, Refusal> {
        let judged = jobs.iter().flat_map(|job| job.statements.iter().flatten());
        let keys: Vec<_> = judged.map(|judged| judged.deduplication_key).collect();
        let rows = reader.entries_by_deduplication_keys(&keys)?.into_iter();
        let acknowledged = rows.map(|(key, row)| {
            let acknowledgement = Acknowledgement {
                id: row.id,
                log_index: row.index,
                accepted_at: row.accepted_at,
                duplicate: true,
                receipt: None,
            };
            (key, acknowledgement)
        });
        Ok(Self { known: acknowledged.collect(), keys: HashMap::new(), owners: HashMap::new() })
    }

    /// The keys of an organisation that is not suspended.
    fn keys_of(
        &mut self,
        reader: &mut Reader<'_>,
        organisation: &OrganisationId,
    ) -> Result<Rc<[KeyRow]>, Refusal> {
        if let Some(keys) = self.keys.get(organisation) {
            return Ok(Rc::clone(keys));
        }
        check_still_valid(reader, organisation)?;
        let keys: Rc<[KeyRow]> = reader.keys_of(organisation)?.into();
        self.keys.insert(*organisation, Rc::clone(&keys));
        Ok(keys)
    }

    fn owner_of(&mut self, reader: &mut Reader<'_>, code: &str) -> Result<Option<OrganisationId>, Refusal> {
        if let Some(owner) = self.owners.get(code) {
            return Ok(*owner);
        }
        let owner = reader.code_owner(code)?;
        self.owners.insert(code.to_owned(), owner);
        Ok(owner)
    }
}

impl Inner {
    /// Appends the statements of several requests in one durable transaction. What one request fails of does not touch
    /// the others.
    pub(super) fn append_together(&self, jobs: Vec<Job>) {
        let outcomes = self.accept_jobs(&jobs).unwrap_or_else(|refusal| {
            // Nothing was kept. If something was wrong with one of them, the others get through alone.
            let apart = jobs.len() > 1 && refusal.code.status() == 500;
            let alone = |job| {
                let mut outcomes = self.accept_jobs(slice::from_ref(job))?;
                outcomes.pop().unwrap_or_else(|| Err(refusal.for_another()))
            };
            jobs.iter().map(|job| if apart { alone(job) } else { Err(refusal.for_another()) }).collect()
        });
        if jobs.iter().zip(&outcomes).any(|(job, outcome)| job.withdraws() && outcome.is_ok()) {
            // A withdrawn picture is no longer found by its looks; its digests still lead to the withdrawal.
            self.follow_own();
        }
        // Who no longer waits for an answer has gone away; what was appended stays appended.
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            let _ = job.reply.send(outcome);
        }
    }

    /// One outcome for each job, in order.
    fn accept_jobs(&self, jobs: &[Job]) -> Result<Vec<Outcome>, Refusal> {
        self.append(|writer| {
            let mut standing = Standing::read(writer, jobs)?;
            writer.defer();
            jobs.iter().map(|job| of_one(self.accept_job(writer, &mut standing, job))).collect()
        })
    }

    fn accept_job(&self, writer: &mut Writer<'_>, standing: &mut Standing, job: &Job) -> Outcome {
        standing.keys_of(writer, &job.organisation)?;
        let accept = |item: &Result<Judged, Refusal>| {
            let judged = item.as_ref().map_err(Refusal::for_another);
            of_one(judged.and_then(|judged| self.accept_alone(writer, standing, &job.organisation, judged)))
        };
        job.statements.iter().map(accept).collect()
    }

    /// Accepts one statement so that a refusal leaves nothing of it behind.
    fn accept_alone(
        &self,
        writer: &mut Writer<'_>,
        standing: &mut Standing,
        organisation: &OrganisationId,
        judged: &Judged,
    ) -> Result<Acknowledgement, Refusal> {
        if let Some(first) = standing.known.get(&judged.deduplication_key) {
            return Ok(Acknowledgement { duplicate: true, ..first.clone() });
        }
        let accepted = match judged.statement.body.kind() {
            // Only these can still be refused after their entry was appended; the others need no savepoint.
            Kind::KeyAdded | Kind::KeyRotated | Kind::KeyRevoked => {
                let accepted = writer.nested(|writer| self.accept(writer, standing, organisation, judged))?;
                standing.keys.remove(organisation);
                accepted
            }
            _ => self.accept(writer, standing, organisation, judged)?,
        };
        standing.known.insert(judged.deduplication_key, accepted.clone());
        Ok(accepted)
    }

    /// Judges again what may have changed, appends, and applies what the statement brings about.
    fn accept(
        &self,
        writer: &mut Writer<'_>,
        standing: &mut Standing,
        organisation: &OrganisationId,
        judged: &Judged,
    ) -> Result<Acknowledgement, Refusal> {
        // Auditors judge by the time that the entry states. A repetition is acknowledged even when its first answer was lost
        // a day or a key ago.
        let now = self.now();
        let accepted_at = writer.acceptance(now)?;
        judged.statement.check_admissible(&self.origin, accepted_at)?;
        if revoked(&standing.keys_of(writer, organisation)?, &judged.key) {
            return Err(Refusal::new(ProblemCode::RevokedKey));
        }
        check_code(writer, standing, organisation, &judged.statement.body)?;
        let target = referenced(writer, organisation, &judged.statement.body)?;
        let id = StatementId::of_entry(accepted_at, &judged.deduplication_key);
        let entry = NewEntry {
            id,
            kind: judged.statement.body.kind(),
            issuer: judged.statement.issuer,
            key: judged.key.public_key,
            deduplication_key: judged.deduplication_key,
            envelope: &judged.envelope,
        };
        let appended = writer.append(now, &entry)?;
        self.apply(writer, organisation, judged, target, appended.index)?;
        Ok(Acknowledgement {
            id,
            log_index: appended.index,
            accepted_at: appended.accepted_at,
            duplicate: false,
            receipt: None,
        })
    }

    fn apply(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        judged: &Judged,
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

/// What became of one of several. The registry's own failure must not be mistaken for its refusal: all of them fail.
fn of_one<T>(result: Result<T, Refusal>) -> Result<Result<T, Refusal>, Refusal> {
    match result {
        Err(refusal) if refusal.code.status() >= 500 => Err(refusal),
        result => Ok(result),
    }
}

/// Provider codes must not belong to others.
fn check_code(
    reader: &mut Reader<'_>,
    standing: &mut Standing,
    organisation: &OrganisationId,
    body: &Body,
) -> Result<(), Refusal> {
    let label = match body {
        Body::OutputLabelled(output) => &output.label,
        Body::LabelCorrected(correction) => &correction.label,
        _ => return Ok(()),
    };
    match standing.owner_of(reader, &label.producer)? {
        Some(owner) if owner != *organisation => Err(Refusal::new(ProblemCode::UnboundCode)),
        _ => Ok(()),
    }
}

/// The index of the earlier statement that a body refers to; it must be of the same issuer and of a fitting kind.
fn referenced(
    reader: &mut Reader<'_>,
    organisation: &OrganisationId,
    body: &Body,
) -> Result<Option<u64>, Refusal> {
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
