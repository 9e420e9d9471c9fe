//! Signing a label with the producer's SM2 key.

use super::{USER_ID, form::Form, keys::PublicKey, message};
use sm2::{
    dsa::{Signature, SigningKey, signature::Signer},
    pkcs8::DecodePrivateKey,
};
use sm3::{Digest, Sm3};
use thiserror::Error;
use touchstone_schema::{label::Gb45438Label, label_integrity::SignedForm};

/// Why a key cannot be used or did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SigningKeyError {
    /// Not an SM2 private key in one of the two forms.
    #[error("the file is not an SM2 private key in PEM (PKCS #8 or SEC 1)")]
    Unreadable,
    /// The algorithm met a value with which it must not go on; of practically no probability.
    #[error("the label could not be signed with this key")]
    Failed,
}

/// A producer's private key, with which it signs its labels.
pub struct Sm2SigningKey {
    key: SigningKey,
    public: PublicKey,
}

impl std::fmt::Debug for Sm2SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of logs.
        f.debug_struct("Sm2SigningKey").field("public", &self.public.sha256()).finish_non_exhaustive()
    }
}

impl Sm2SigningKey {
    /// Reads `PRIVATE KEY` (PKCS #8) or `EC PRIVATE KEY` (SEC 1) for the curve sm2p256v1, as
    /// `openssl genpkey -algorithm SM2` writes it.
    ///
    /// # Errors
    /// [`SigningKeyError::Unreadable`] for everything else, encrypted keys included.
    pub fn from_pem(pem: &str) -> Result<Self, SigningKeyError> {
        let secret = sm2::SecretKey::from_pkcs8_pem(pem)
            .ok()
            .or_else(|| sm2::SecretKey::from_sec1_pem(pem).ok())
            .ok_or(SigningKeyError::Unreadable)?;
        let key = SigningKey::new(USER_ID, &secret).map_err(|_| SigningKeyError::Unreadable)?;
        let public = PublicKey::new(secret.public_key()).ok_or(SigningKeyError::Unreadable)?;
        Ok(Self { key, public })
    }

    /// The public key as producers publish it and operators pin it: SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        self.public.der()
    }

    /// The integrity data for `label`'s `ReservedCode1`: a signature over its attribute, producer and content
    /// number. The same label always gets the same signature (RFC 6979 derives the nonce).
    ///
    /// # Errors
    /// [`SigningKeyError::Failed`].
    pub fn sign(&self, label: &Gb45438Label, form: SignedForm) -> Result<String, SigningKeyError> {
        let message = message(label);
        let signed: Result<Signature, _> = match form {
            SignedForm::Message => self.key.try_sign(message.as_bytes()),
            SignedForm::Digest => self.key.try_sign(&Sm3::digest(&message)),
        };
        Ok(Form::text(&signed.map_err(|_| SigningKeyError::Failed)?, &self.public))
    }
}
