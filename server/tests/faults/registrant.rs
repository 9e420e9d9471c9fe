//! An organisation that registers pictures, and signs each statement anew.

use ed25519_dalek::SigningKey;
use std::sync::atomic::{AtomicU64, Ordering};
use touchstone_schema::{
    OrganisationId, Sha256Digest, Timestamp,
    api::NewOrganisation,
    statement::{ContentBindings, ImageRegistered, Issuer, Nonce, Role, Statement, View},
};

fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Signs statements for one organisation.
#[derive(Debug, Clone)]
pub(crate) struct Registrant {
    audience: String,
    id: OrganisationId,
    key: SigningKey,
}

/// A key that nobody else has, and the application of the organisation that holds it.
pub(crate) fn applicant() -> (SigningKey, NewOrganisation) {
    let number = fresh();
    let key = SigningKey::from_bytes(&Sha256Digest::of(format!("key {number}").as_bytes()).0);
    let application = NewOrganisation {
        name: format!("merchant {number}"),
        role: Role::Merchant,
        public_key: (&key).into(),
        recovery_key: None,
        proof_of_possession: None,
        provider_codes: Vec::new(),
    };
    (key, application)
}

impl Registrant {
    pub(crate) fn new(audience: &str, id: OrganisationId, key: SigningKey) -> Self {
        Self { audience: audience.to_owned(), id, key }
    }

    /// The envelope of a statement that nobody made before.
    pub(crate) fn envelope(&self, now: Timestamp) -> Vec<u8> {
        let number = fresh();
        let digest = Sha256Digest::of(&number.to_be_bytes());
        let mut nonce = [0; 16];
        nonce[8..].copy_from_slice(&number.to_be_bytes());
        let content = ContentBindings {
            sha256: digest,
            sha256_without_manifest: digest,
            media_type: "image/jpeg".to_owned(),
            c2pa: None,
            record: None,
        };
        let statement = Statement {
            audience: self.audience.clone(),
            issuer: Issuer::Organisation(self.id),
            issued_at: now,
            nonce: Nonce(nonce),
            body: ImageRegistered { view: View::Listing, product: None, content }.into(),
        };
        statement.sign(&self.key).unwrap()
    }
}
