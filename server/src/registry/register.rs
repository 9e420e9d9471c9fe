//! Submission of statements: open, judge, wait in line, append.
//!
//! Form and signature are judged before the write transaction, so that the log's row is held only for the inserts.
//! What may change meanwhile (keys, suspension, codes, earlier statements) is judged again inside it
//! ([`super::accepting`]). Requests that wait at the same time share one transaction ([`super::queue`]).

use super::{Caller, Inner, Refusal, Registry};
use crate::store::{KeyPurpose, KeyRow};
use tokio::sync::oneshot;
use touchstone_schema::{
    OrganisationId, Sha256Digest,
    api::{Acknowledgement, Scope},
    envelope::{self, Opened, STATEMENT_TYPE},
    key::PublicKey,
    problem::ProblemCode,
    statement::{Body, Issuer, Kind, Role, Statement},
};

/// A statement whose form and signature hold.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) envelope: Vec<u8>,
    pub(super) statement: Statement,
    pub(super) key: KeyRow,
    pub(super) deduplication_key: Sha256Digest,
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

/// One result for each statement of a request, in order; or why none of it was taken.
pub type Outcome = Result<Vec<Result<Acknowledgement, Refusal>>, Refusal>;

/// The statements of one request on their way to the log.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) organisation: OrganisationId,
    pub(super) statements: Vec<Result<Judged, Refusal>>,
    /// Bytes of their envelopes.
    bytes: usize,
    pub(super) reply: oneshot::Sender<Outcome>,
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

    /// Whether a statement is withdrawn by it.
    pub(super) fn withdraws(&self) -> bool {
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
