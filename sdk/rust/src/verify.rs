//! Offline verification of what a registry hands out. Needs the keys and nothing else: no network, no clock.

use touchstone_schema::{
    envelope::{self, EnvelopeError},
    key::PublicKey,
    statement::{Statement, StatementError},
    verdict::Verdict,
};

/// Why an envelope does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not an envelope of the expected kind.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The key did not sign these bytes.
    #[error("the signature is not by the key {0}")]
    Signature(Box<PublicKey>),
    /// None of the keys signed these bytes.
    #[error("the signature is by none of the {0} given keys")]
    NoKey(usize),
    /// The signed bytes are not a verdict that this version reads.
    #[error("the signed payload is not a verdict: {0}")]
    Verdict(String),
    /// The signed bytes are not a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

/// The verdict in `envelope`, if `key` (the registry's verdict key) signed it.
///
/// # Errors
/// [`VerifyError`] says what does not hold.
pub fn verdict(envelope: &[u8], key: &PublicKey) -> Result<Verdict, VerifyError> {
    let opened = envelope::open(envelope, envelope::VERDICT_TYPE)?;
    if !opened.verifies(key) {
        return Err(VerifyError::Signature(Box::new(*key)));
    }
    serde_json::from_slice(&opened.payload).map_err(|error| VerifyError::Verdict(error.to_string()))
}

/// The statement in `envelope` and the key that signed it, if it is one of `keys`.
///
/// # Errors
/// [`VerifyError`] says what does not hold.
pub fn statement(envelope: &[u8], keys: &[PublicKey]) -> Result<(Statement, PublicKey), VerifyError> {
    let opened = envelope::open(envelope, envelope::STATEMENT_TYPE)?;
    let key = keys.iter().find(|key| opened.verifies(key)).ok_or(VerifyError::NoKey(keys.len()))?;
    Ok((Statement::parse(&opened.payload)?, *key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use serde_json::json;

    fn sample() -> serde_json::Value {
        json!({
            "check": "chk_01JDAAAAAAAAAAAAAAAAAAAAAA", "registry": "r.example/log",
            "checked_at": "2026-11-22T09:00:00.000000Z", "log_size": 3, "photo": {}, "context": {},
            "conclusion": "altered", "reason": {"en": "e", "zh": "z"}, "recommendation": "human_review",
            "match": null, "alterations": [{"x": 1, "y": 2, "width": 3, "height": 4, "strength": 0.5}],
            "findings": [], "limits": []
        })
    }

    #[test]
    fn verdicts_verify_under_the_right_key_and_type_only() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let payload = serde_json::to_vec(&sample()).unwrap();
        let good = envelope::sign(envelope::VERDICT_TYPE, &payload, &key);
        assert_eq!(verdict(&good, &PublicKey::from(&key)).unwrap().log_size, 3);
        let other = PublicKey::from(&SigningKey::from_bytes(&[2; 32]));
        assert_eq!(verdict(&good, &other).unwrap_err(), VerifyError::Signature(Box::new(other)));
        let statement_type = envelope::sign(envelope::STATEMENT_TYPE, &payload, &key);
        assert!(matches!(verdict(&statement_type, &PublicKey::from(&key)), Err(VerifyError::Envelope(_))));
        let mut changed = good.clone();
        let at = good.windows(10).position(|w| w == b"\"payload\":").unwrap() + 12;
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(verdict(&changed, &PublicKey::from(&key)).is_err());
    }

    #[test]
    fn statements_name_the_key_that_signed() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let payload = json!({
            "audience": "r.example/log", "issuer": "registry", "issued_at": "2026-11-22T09:00:00Z",
            "nonce": "00000000000000000000000000000000", "kind": "policy.changed",
            "body": {"policy": "p", "value": "v"}
        });
        let bytes = envelope::sign(envelope::STATEMENT_TYPE, payload.to_string().as_bytes(), &key);
        let keys = [PublicKey::from(&SigningKey::from_bytes(&[2; 32])), PublicKey::from(&key)];
        assert_eq!(statement(&bytes, &keys).unwrap().1, keys[1]);
        assert_eq!(statement(&bytes, &keys[..1]).unwrap_err(), VerifyError::NoKey(1));
    }
}
