//! Submission of statements: open, judge, wait in line, append.
//!
//! Form and signature are judged before the write transaction, so that the log's row is held only for the inserts.
//! What may change meanwhile (keys, suspension, codes, earlier statements) is judged again inside it. Requests that wait
//! at the same time share one transaction ([`super::queue`]).

use super::{Caller, Inner, Refusal, Registry};
use crate::store::{ContentDigest, EntryRow, KeyPurpose, KeyRow, NewEntry, Reader, Writer};
use tokio::sync::oneshot;
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId,
    api::{Acknowledgement, Scope},
    envelope::{self, Opened, STATEMENT_TYPE},
    key::PublicKey,
    problem::ProblemCode,
    statement::{Body, Issuer, Kind, Role, Statement},
};

/// A statement whose form and signature hold.
#[derive(Debug)]
struct Judged {
    envelope: Vec<u8>,
    statement: Statement,
    key: KeyRow,
    deduplication_key: Sha256Digest,
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
    fn judge(
        &self,
        caller: &Caller,
        organisation: OrganisationId,
        keys: &[KeyRow],
        envelope: &[u8],
    ) -> Result<Judged, Refusal> {
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
        Ok(Judged { envelope: envelope.to_vec(), statement, key, deduplication_key })
    }

    /// Judges again what may have changed, appends, and applies what the statement brings about.
    fn accept(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        current: &[KeyRow],
        judged: &Judged,
    ) -> Result<Acknowledgement, Refusal> {
        if let Some(first) = writer.entry_by_deduplication_key(&judged.deduplication_key)? {
            return Ok(acknowledge(&first));
        }
        // Auditors judge by the time that the entry states. A repetition is acknowledged even when its first answer was lost
        // a day or a key ago.
        let now = self.now();
        let accepted_at = writer.acceptance(now)?;
        judged.statement.check_admissible(&self.origin, accepted_at)?;
        if revoked(current, &judged.key) {
            return Err(Refusal::new(ProblemCode::RevokedKey));
        }
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

    /// Accepts one statement of a batch so that a refusal leaves nothing of it behind.
    fn accept_alone(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        current: &[KeyRow],
        judged: &Judged,
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
    Acknowledgement {
        id: first.id,
        log_index: first.index,
        accepted_at: first.accepted_at,
        duplicate: true,
        receipt: None,
    }
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

/// One result for each statement of a request, in order; or why none of it was taken.
pub type Outcome = Result<Vec<Result<Acknowledgement, Refusal>>, Refusal>;

/// The statements of one request on their way to the log.
#[derive(Debug)]
pub(super) struct Job {
    organisation: OrganisationId,
    statements: Vec<Result<Judged, Refusal>>,
    /// Bytes of their envelopes.
    bytes: usize,
    reply: oneshot::Sender<Outcome>,
}

impl Job {
    /// Number of statements.
    pub(super) const fn len(&self) -> usize {
        self.statements.len()
    }

    /// Bytes of their envelopes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// One statement that is refused in the end, as long as it says.
    #[cfg(test)]
    pub(super) fn refused(bytes: usize) -> Self {
        let organisation = OrganisationId::from_parts(0, [0; 10]);
        let statements = vec![Err(Refusal::new(ProblemCode::WrongIssuer))];
        Self { organisation, statements, bytes, reply: oneshot::channel().0 }
    }

    fn withdraws(&self) -> bool {
        let withdraws = |item: &Judged| item.statement.body.kind() == Kind::StatementWithdrawn;
        self.statements.iter().flatten().any(withdraws)
    }
}

/// A request whose statements wait in line.
#[derive(Debug)]
pub struct Submission(oneshot::Receiver<Outcome>);

impl Submission {
    /// What became of the statements, once it is durable.
    ///
    /// # Errors
    /// A [`Refusal`] of the whole request.
    pub async fn outcome(self) -> Outcome {
        self.0.await.unwrap_or_else(|_| Err(gone()))
    }

    /// As [`Self::outcome`], on a thread where blocking is allowed.
    ///
    /// # Errors
    /// As [`Self::outcome`].
    pub fn wait(self) -> Outcome {
        self.0.blocking_recv().unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> Refusal {
    Refusal::unavailable("the registry stopped before the statements were appended")
}

impl Inner {
    /// Appends the statements of several requests in one durable transaction. What one request fails of does not touch
    /// the others.
    pub(super) fn append_together(&self, jobs: Vec<Job>) {
        let withdrawing = jobs.iter().any(Job::withdraws);
        let alone = jobs.len() == 1;
        let mut replies = Vec::with_capacity(jobs.len());
        let mut work = Vec::with_capacity(jobs.len());
        for Job { organisation, statements, reply, .. } in jobs {
            replies.push(reply);
            work.push((organisation, statements));
        }
        let appended = self.append(|writer| {
            let mut outcomes = Vec::with_capacity(work.len());
            for (organisation, statements) in work {
                outcomes.push(if alone {
                    Ok(self.accept_all(writer, &organisation, statements)?)
                } else {
                    writer.nested(|writer| self.accept_all(writer, &organisation, statements))
                });
            }
            Ok(outcomes)
        });
        if withdrawing && appended.is_ok() {
            // A withdrawn picture is no longer found by its looks; its digests still lead to the withdrawal.
            self.follow_own();
        }
        // Who no longer waits for an answer has gone away; what was appended stays appended.
        match appended {
            Ok(outcomes) => {
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(outcome);
                }
            }
            Err(refusal) => {
                for reply in replies {
                    let _ = reply.send(Err(refusal.for_another()));
                }
            }
        }
    }

    fn accept_all(
        &self,
        writer: &mut Writer<'_>,
        organisation: &OrganisationId,
        statements: Vec<Result<Judged, Refusal>>,
    ) -> Outcome {
        check_still_valid(writer, organisation)?;
        let current = writer.keys_of(organisation)?;
        let mut results = Vec::with_capacity(statements.len());
        for item in statements {
            let result = item.and_then(|item| self.accept_alone(writer, organisation, &current, &item));
            match result {
                // The registry's own failure must not be mistaken for a refusal of one statement.
                Err(refusal) if refusal.code.status() >= 500 => return Err(refusal),
                result => results.push(result),
            }
        }
        Ok(results)
    }
}

impl Registry {
    /// Accepts one statement. A duplicate gets the first acknowledgement again.
    ///
    /// # Errors
    /// The [`Refusal`] names the first rule that the statement breaks.
    pub fn submit(&self, caller: &Caller, envelope: &[u8]) -> Result<Acknowledgement, Refusal> {
        let mut results = self.begin_submission(caller, &[envelope])?.wait()?;
        results.pop().unwrap_or_else(|| Err(Refusal::internal("a batch of one gave no result")))
    }

    /// Judges the statements of one request and puts them in line. Each is judged for itself: a refused one does not
    /// affect the others. The results are in the order of the envelopes.
    ///
    /// # Errors
    /// A [`Refusal`] of the whole request: `forbidden`, `body-too-large`, `unavailable` if too many wait, `log-halted`.
    pub fn begin_submission(&self, caller: &Caller, envelopes: &[&[u8]]) -> Result<Submission, Refusal> {
        caller.require(Scope::Register)?;
        let organisation = caller.organisation()?;
        let inner = &*self.0;
        if envelopes.len() > inner.settings.max_batch {
            let detail = format!("at most {} statements in a batch", inner.settings.max_batch);
            return Err(Refusal::with(ProblemCode::BodyTooLarge, detail));
        }
        inner.may_append()?;
        let keys = inner.store.read(|reader| reader.keys_of(&organisation).map_err(Refusal::from))?;
        let statements =
            envelopes.iter().map(|envelope| inner.judge(caller, organisation, &keys, envelope)).collect();
        let (reply, receiver) = oneshot::channel();
        let bytes = envelopes.iter().map(|envelope| envelope.len()).sum();
        inner.queue.push(Job { organisation, statements, bytes, reply })?;
        Ok(Submission(receiver))
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
