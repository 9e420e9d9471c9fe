//! The form of the integrity data (TC260 PG-202511A): JSON with a signature (`DS`) and a public key (`PubKey`),
//! both in hexadecimal.

use super::keys::PublicKey;
use data_encoding::{HEXLOWER_PERMISSIVE, HEXUPPER};
use serde_json::Value;
use sm2::dsa::Signature;

/// The longest integrity data that is read, in bytes. Real ones have 0.5 KiB.
pub const MAX_INTEGRITY_DATA: usize = 8 << 10;
/// "SM2 signature with SM3" (GM/T 0006).
const ALGORITHM: &str = "1.2.156.10197.1.501";
/// Name of the form.
const FORM: &str = "TC260PG";
/// The longest DER form of an SM2 signature, in bytes: two integers of 33 bytes with their headers.
const MAX_SIGNATURE: usize = 72;
/// How many entries of the list are looked at.
const MAX_ENTRIES: usize = 16;

/// Why integrity data cannot be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`MAX_INTEGRITY_DATA`].
    #[error("the integrity data is longer than 8 KiB")]
    TooLong,
    /// Not this form: the producer's own.
    #[error("the integrity data is not of the form TC260PG")]
    OtherForm,
    /// No signature in it.
    #[error("the integrity data has no signature")]
    NoSignature,
    /// Another algorithm than SM2 with SM3.
    #[error("the signature is of another algorithm than SM2 with SM3")]
    OtherAlgorithm,
    /// The signature is not a DER signature in hexadecimal.
    #[error("the signature cannot be read")]
    Signature,
    /// The key is not an SM2 key (SubjectPublicKeyInfo, DER) in hexadecimal.
    #[error("the public key in the integrity data cannot be read")]
    Key,
    /// There is no key in the data, and none is pinned for the producer.
    #[error("the integrity data has no public key, and none is pinned for the producer")]
    NoKey,
}

/// What is needed of the data.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) signature: Signature,
    pub(super) key: Option<PublicKey>,
}

impl Form {
    /// Reads the data. Of each kind the first entry counts.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.len() > MAX_INTEGRITY_DATA {
            return Err(Unreadable::TooLong);
        }
        let value: Value = serde_json::from_str(text.trim()).map_err(|_| Unreadable::OtherForm)?;
        let data = value.get("SecurityData").unwrap_or(&value);
        let is = |value: &Value, key: &str, expected: &str| {
            value.get(key).and_then(Value::as_str).is_some_and(|found| found.trim() == expected)
        };
        let entries = data.get("PubSD").and_then(Value::as_array).filter(|_| is(data, "Type", FORM));
        let entries = entries.ok_or(Unreadable::OtherForm)?;
        let entry = |kind: &str| entries.iter().take(MAX_ENTRIES).find(|entry| is(entry, "Type", kind));

        let signed = entry("DS").ok_or(Unreadable::NoSignature)?;
        if signed.get("AlgID").is_some() && !is(signed, "AlgID", ALGORITHM) {
            return Err(Unreadable::OtherAlgorithm);
        }
        let signature = bytes(signed.get("Signature"), MAX_SIGNATURE).ok_or(Unreadable::Signature)?;
        let signature = Signature::from_der(&signature).map_err(|_| Unreadable::Signature)?;
        let key = match entry("PubKey") {
            None => None,
            Some(key) => {
                let der = bytes(key.get("KeyValue"), PublicKey::MAX_DER).ok_or(Unreadable::Key)?;
                Some(PublicKey::from_der(&der).ok_or(Unreadable::Key)?)
            }
        };
        Ok(Self { signature, key })
    }

    /// The data as text: without spaces, which a label's value must not have.
    pub(super) fn text(signature: &Signature, key: &PublicKey) -> String {
        let (signature, key) = (HEXUPPER.encode(signature.to_der().as_bytes()), HEXUPPER.encode(key.der()));
        // "LabelMataData" is spelt as in the form.
        format!(
            "{{\"SecurityData\":{{\"Type\":\"{FORM}\",\"Version\":1,\"PubSD\":[\
             {{\"Type\":\"DS\",\"AlgID\":\"{ALGORITHM}\",\"TBSData\":{{\"Type\":\"LabelMataData\"}},\
             \"Signature\":\"{signature}\"}},{{\"Type\":\"PubKey\",\"KeyValue\":\"{key}\"}}]}}}}"
        )
    }
}

/// Hexadecimal text of at most `most` bytes.
fn bytes(value: Option<&Value>, most: usize) -> Option<Vec<u8>> {
    let text = value?.as_str()?.trim();
    (text.len() <= 2 * most).then(|| HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()).flatten()
}
