//! One entry by itself: its form and its signature. Needs nothing of the entries before it but the keys that they name,
//! so entries can be examined side by side.

use super::Violation;
use crate::log::finding::cut;
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    envelope::{self, Opened, STATEMENT_TYPE},
    key::PublicKey,
    leaf,
    statement::{Body, OPERATOR_KEY_POLICY, Statement, VERDICT_KEY_POLICY},
};

/// An entry that was read.
#[derive(Debug)]
pub struct Entry {
    /// When the registry accepted it; none if the leaf is of no known form.
    pub accepted_at: Option<Timestamp>,
    /// The statement, or what is wrong with its form.
    pub content: Result<Content, Violation>,
}

/// A statement in its envelope.
#[derive(Debug)]
pub struct Content {
    /// What is said.
    pub statement: Statement,
    /// The key hint, if it has the form of a fingerprint.
    pub hint: Option<Sha256Digest>,
    signature: Signature,
}

#[derive(Debug)]
enum Signature {
    /// Not looked at yet.
    Open(Box<Opened>),
    /// No key of that fingerprint is known.
    NoKey,
    /// The key of that fingerprint did not sign.
    Invalid,
    /// The key of that fingerprint signed.
    By(Box<Signer>),
}

/// Who signed, and what follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: PublicKey,
    /// SHA-256(key ‖ PAE).
    pub deduplication_key: Sha256Digest,
    /// The statement's identifier.
    pub id: StatementId,
}

impl Entry {
    /// Reads leaf data. The signature is judged by [`Self::verify`].
    #[must_use]
    pub fn read(data: &[u8]) -> Self {
        let Ok((accepted_at, bytes)) = leaf::decode(data) else {
            return Self { accepted_at: None, content: Err(Violation::LeafForm) };
        };
        Self { accepted_at: Some(accepted_at), content: Content::read(bytes) }
    }

    /// The keys that the statement names: whoever verifies later entries may need them.
    #[must_use]
    pub fn named_keys(&self) -> Vec<PublicKey> {
        let Ok(content) = &self.content else { return Vec::new() };
        match &content.statement.body {
            Body::OrganisationAdmitted(body) => {
                [Some(body.key), body.recovery_key].into_iter().flatten().collect()
            }
            Body::KeyAdded(body) => vec![body.key],
            Body::KeyRotated(body) => vec![body.new],
            Body::PolicyChanged(body)
                if [OPERATOR_KEY_POLICY, VERDICT_KEY_POLICY].contains(&body.policy.as_str()) =>
            {
                body.value.parse().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Verifies the signature with the key that the hint names, by the strict rules. Whether that key may sign is for
    /// [`super::Replay::next`] to say.
    pub fn verify(&mut self, find: impl Fn(&Sha256Digest) -> Option<PublicKey>) {
        let (Some(accepted_at), Ok(content)) = (self.accepted_at, &mut self.content) else { return };
        let Signature::Open(opened) = &content.signature else { return };
        content.signature = match content.hint.as_ref().and_then(find) {
            None => Signature::NoKey,
            Some(key) if opened.verifies(&key) => {
                let deduplication_key = opened.deduplication_key(&key);
                let id = StatementId::of_entry(accepted_at, &deduplication_key);
                Signature::By(Box::new(Signer { key, deduplication_key, id }))
            }
            Some(_) => Signature::Invalid,
        };
    }
}

impl Content {
    fn read(bytes: &[u8]) -> Result<Self, Violation> {
        let opened = envelope::open(bytes, STATEMENT_TYPE)
            .map_err(|error| Violation::EnvelopeForm { reason: cut(&error.to_string()) })?;
        let statement = Statement::parse(&opened.payload)
            .map_err(|error| Violation::StatementForm { reason: cut(&error.to_string()) })?;
        Ok(Self { statement, hint: opened.keyid.parse().ok(), signature: Signature::Open(Box::new(opened)) })
    }

    /// Who signed, if the signature was verified and holds.
    ///
    /// # Errors
    /// [`Violation::UnknownKey`] or [`Violation::InvalidSignature`].
    pub fn signer(&self) -> Result<&Signer, Violation> {
        match &self.signature {
            Signature::By(signer) => Ok(signer),
            Signature::Open(_) | Signature::NoKey => Err(Violation::UnknownKey),
            Signature::Invalid => Err(Violation::InvalidSignature),
        }
    }
}
