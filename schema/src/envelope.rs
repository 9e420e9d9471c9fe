//! DSSE envelopes: the signature covers the exact payload bytes, so nothing is ever serialised again.
//!
//! Source: <https://github.com/secure-systems-lab/dsse> version 1.0.2. Narrower than the standard: exactly one
//! Ed25519 signature, standard padded base64 only, no other members.

use crate::{
    base64,
    digest::Sha256Digest,
    json::{self, ReadError, StrictJsonError},
    key::PublicKey,
};
use data_encoding::BASE64;
use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Payload type of statements.
pub const STATEMENT_TYPE: &str = "application/vnd.touchstone.statement.v1+json";
/// Payload type of verdicts.
pub const VERDICT_TYPE: &str = "application/vnd.touchstone.verdict.v1+json";
/// Payload type of proofs that an applicant holds a key.
pub const POSSESSION_TYPE: &str = "application/vnd.touchstone.possession.v1+json";
/// Longest envelope in bytes. A log entry holds at most 65,535 bytes (C2SP tlog-tiles), header included.
pub const MAX_ENVELOPE_BYTES: usize = 49_152;

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// SHA-256 of the public key in hexadecimal. A hint: what counts is the key that verifies.
    pub keyid: String,
    /// Ed25519 signature over the pre-authentication encoding, base64.
    pub sig: String,
}

/// A DSSE envelope as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Envelope {
    /// Media type of the payload; separates domains.
    pub payload_type: String,
    /// The payload's bytes, base64.
    pub payload: String,
    /// Exactly one signature.
    pub signatures: Vec<EnvelopeSignature>,
}

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Longer than [`MAX_ENVELOPE_BYTES`].
    #[error("the envelope has {0} bytes; at most {MAX_ENVELOPE_BYTES} are accepted")]
    TooLong(usize),
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] StrictJsonError),
    /// Not the members of an envelope.
    #[error("not a DSSE envelope: {0}")]
    Shape(String),
    /// Another payload type than expected.
    #[error("the payload type is {found:?}; expected {expected:?}")]
    PayloadType {
        /// What stands in the envelope.
        found: String,
        /// What was expected here.
        expected: &'static str,
    },
    /// Not exactly one signature.
    #[error("an envelope carries exactly one signature; this one has {0}")]
    SignatureCount(usize),
    /// Payload or signature is not standard padded base64 of the right length.
    #[error("{0} is not standard padded base64 of the right length")]
    Base64(&'static str),
}

/// An envelope that was opened: its parts are decoded, its signature is not judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The key hint.
    pub keyid: String,
    /// The payload's exact bytes.
    pub payload: Vec<u8>,
    signature: [u8; 64],
    pae: Vec<u8>,
}

/// DSSE pre-authentication encoding: `"DSSEv1" SP len(type) SP type SP len(body) SP body`.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Signs `payload` and returns the envelope's JSON bytes.
#[must_use]
pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let signature = key.sign(&pae(payload_type, payload));
    // The members are written by hand: every value is plain ASCII without characters that JSON escapes.
    format!(
        r#"{{"payloadType":"{payload_type}","payload":"{}","signatures":[{{"keyid":"{}","sig":"{}"}}]}}"#,
        BASE64.encode(payload),
        PublicKey::from(key).fingerprint(),
        BASE64.encode(&signature.to_bytes()),
    )
    .into_bytes()
}

/// Opens an envelope of the expected payload type. The signature is judged by [`Opened::verifies`].
///
/// # Errors
/// [`EnvelopeError`] says what departs from the form.
pub fn open(bytes: &[u8], expected: &'static str) -> Result<Opened, EnvelopeError> {
    if bytes.len() > MAX_ENVELOPE_BYTES {
        return Err(EnvelopeError::TooLong(bytes.len()));
    }
    let envelope: Envelope = json::parse(bytes).map_err(|error| match error {
        ReadError::Strict(strict) => strict.into(),
        ReadError::UnknownField(text) | ReadError::Form(text) => EnvelopeError::Shape(text),
    })?;
    if envelope.payload_type != expected {
        return Err(EnvelopeError::PayloadType { found: envelope.payload_type, expected });
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(EnvelopeError::SignatureCount(envelope.signatures.len()));
    };
    let payload = base64::decode(&envelope.payload).ok_or(EnvelopeError::Base64("payload"))?;
    let raw = base64::decode(&signature.sig).ok_or(EnvelopeError::Base64("sig"))?;
    let pae = pae(expected, &payload);
    Ok(Opened {
        keyid: signature.keyid.clone(),
        payload,
        signature: raw.try_into().map_err(|_| EnvelopeError::Base64("sig"))?,
        pae,
    })
}

impl Opened {
    /// Whether `key` signed this payload under this payload type.
    #[must_use]
    pub fn verifies(&self, key: &PublicKey) -> bool {
        key.verifies(&self.pae, &self.signature)
    }

    /// SHA-256(key ‖ PAE): the same statement by the same key is one statement, however it was wrapped.
    #[must_use]
    pub fn deduplication_key(&self, key: &PublicKey) -> Sha256Digest {
        Sha256Digest::of_parts(&[key.as_bytes(), &self.pae])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_signed_opens_and_verifies(payload: Vec<u8>, seed: [u8; 32], flip in 0_usize..64) {
            let key = SigningKey::from_bytes(&seed);
            let bytes = sign(STATEMENT_TYPE, &payload, &key);
            let opened = open(&bytes, STATEMENT_TYPE).unwrap();
            prop_assert_eq!(&opened.payload, &payload);
            prop_assert!(opened.verifies(&PublicKey::from(&key)));
            let mut other = opened.clone();
            other.signature[flip] ^= 1;
            prop_assert!(!other.verifies(&PublicKey::from(&key)));
            prop_assert!(open(&bytes, VERDICT_TYPE).is_err());
        }
    }

    #[test]
    fn pae_of_the_standard() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn departures_are_named() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let good = String::from_utf8(sign(STATEMENT_TYPE, b"{}", &key)).unwrap();
        let refused = |text: &str| open(text.as_bytes(), STATEMENT_TYPE).unwrap_err();
        assert!(matches!(refused(&good.replace("e30=", "e30")), EnvelopeError::Base64("payload")));
        assert!(matches!(refused(&good.replace("e30=", "ew==fQ==")), EnvelopeError::Base64("payload")));
        assert!(matches!(refused(&good.replace(",\"sig", ",\"x\":1,\"sig")), EnvelopeError::Shape(_)));
        let twice = good.replacen("\"payload\":", "\"payload\":\"\",\"payload\":", 1);
        assert!(matches!(refused(&twice), EnvelopeError::Json(StrictJsonError::DuplicateName(_))));
        let none = format!("{}[]}}", &good[..good.find('[').unwrap()]);
        assert!(matches!(refused(&none), EnvelopeError::SignatureCount(0)));
        assert!(matches!(refused(&" ".repeat(MAX_ENVELOPE_BYTES + 1)), EnvelopeError::TooLong(_)));
    }
}
