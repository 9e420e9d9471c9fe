//! The registry's own statements: decisions by the operator key, observations by the verdict key.

use super::{Inner, Refusal};
use crate::{
    clock::nonce,
    store::{NewEntry, Writer},
};
use ed25519_dalek::SigningKey;
use touchstone_schema::{
    StatementId, Timestamp,
    api::Logged,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    statement::{Body, Issuer, Statement},
};

impl Inner {
    /// Signs what the registry says and appends it to the log, in the caller's transaction.
    pub(super) fn append_own(
        &self,
        writer: &mut Writer<'_>,
        key: &SigningKey,
        body: impl Into<Body>,
    ) -> Result<Logged, Refusal> {
        append_own(writer, key, &self.origin, self.now(), nonce(self.entropy.as_ref())?, body.into())
    }
}

/// As [`Inner::append_own`], before there is a registry.
pub(super) fn append_own(
    writer: &mut Writer<'_>,
    key: &SigningKey,
    origin: &str,
    now: Timestamp,
    nonce: touchstone_schema::statement::Nonce,
    body: Body,
) -> Result<Logged, Refusal> {
    let kind = body.kind();
    let statement =
        Statement { audience: origin.to_owned(), issuer: Issuer::Registry, issued_at: now, nonce, body };
    let bytes = statement.sign(key)?;
    let public = PublicKey::from(key);
    let opened = envelope::open(&bytes, STATEMENT_TYPE)?;
    let deduplication_key = opened.deduplication_key(&public);
    let id = StatementId::of_entry(writer.acceptance(now)?, &deduplication_key);
    let entry = NewEntry {
        id,
        kind,
        issuer: Issuer::Registry,
        key: *public.as_bytes(),
        deduplication_key,
        envelope: &bytes,
    };
    let appended = writer.append(now, &entry)?;
    Ok(Logged { statement: id, log_index: appended.index, accepted_at: appended.accepted_at })
}

/// Milliseconds since the epoch, for identifiers.
pub(super) fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros() / 1_000).unwrap_or(0)
}
