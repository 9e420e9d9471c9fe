//! Ed25519 public keys (RFC 8032) and verifier keys of signed notes (C2SP signed-note).

use crate::{digest::Sha256Digest, log::note};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// An Ed25519 public key that is a canonical point and not of small order. Text form: 64 lowercase hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(VerifyingKey);

/// The bytes are not a usable Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable Ed25519 public key: 64 lowercase hexadecimal digits of a point that is not weak")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// From the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] if they encode no point, or a weak one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidPublicKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidPublicKey)?;
        if key.is_weak() { Err(InvalidPublicKey) } else { Ok(Self(key)) }
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// SHA-256 of the 32 bytes: the hint that stands in an envelope as `keyid`.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256Digest {
        Sha256Digest::of(self.as_bytes())
    }

    /// Whether `signature` over `message` is this key's, by the strict rules (no malleable or weak encodings), so
    /// that every auditor comes to the same answer.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    /// The text of the verifier key `name+keyid+base64(01‖key)` of signed notes; see [`note::VerifierKey`].
    #[must_use]
    pub fn verifier_key(&self, name: &str) -> String {
        note::verifier_key_text(name, note::KeyKind::Ed25519, self)
    }
}

impl From<&ed25519_dalek::SigningKey> for PublicKey {
    fn from(key: &ed25519_dalek::SigningKey) -> Self {
        Self(key.verifying_key())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidPublicKey)?;
        Self::from_bytes(&bytes.try_into().map_err(|_| InvalidPublicKey)?)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

crate::json::string_schema!(
    PublicKey,
    "ed25519-public-key",
    "^[0-9a-f]{64}$",
    "Ed25519 public key, hexadecimal"
);

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    #[test]
    fn weak_keys_are_refused() {
        assert_eq!(PublicKey::from_bytes(&[0; 32]).unwrap_err(), InvalidPublicKey);
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity).unwrap_err(), InvalidPublicKey);
    }

    #[test]
    fn verifier_key_of_the_go_documentation() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let typed = BASE64.decode(text.rsplit('+').next().unwrap().as_bytes()).unwrap();
        let key = PublicKey::from_bytes(&typed[1..].try_into().unwrap()).unwrap();
        assert_eq!(key.verifier_key("PeterNeumann"), text);
    }
}
