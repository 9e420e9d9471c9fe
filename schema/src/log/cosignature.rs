//! Timestamped Ed25519 cosignatures, `cosignature/v1` (C2SP tlog-cosignature).
//!
//! A cosigner says: at this time this was the largest consistent tree of this log that I had seen.

use super::note::{KeyKind, NoteSignature, VerifierKey, key_id};
use ed25519_dalek::{Signer, SigningKey};

/// Latest time that a cosignature may carry.
const MAX_SECONDS: u64 = i64::MAX.unsigned_abs();

/// Cosigns the text of a checkpoint at `unix_seconds`. Nobody accepts a time beyond 2^63 - 1.
#[must_use]
pub fn cosign(note_text: &str, name: &str, key: &SigningKey, unix_seconds: u64) -> NoteSignature {
    let signature = key.sign(message(note_text, unix_seconds).as_bytes()).to_bytes();
    NoteSignature {
        name: name.to_owned(),
        key_id: key_id(name, KeyKind::CosignatureV1, &key.into()),
        signature: [unix_seconds.to_be_bytes().as_slice(), &signature].concat(),
    }
}

/// The time in seconds since 1970 at which `key` cosigned the text of a checkpoint; none if `signature` is not its
/// valid cosignature.
#[must_use]
pub fn verify_cosignature(note_text: &str, signature: &NoteSignature, key: &VerifierKey) -> Option<u64> {
    if key.kind() != KeyKind::CosignatureV1 || !key.is_named_by(signature) {
        return None;
    }
    let (time, blob) = signature.signature.split_first_chunk()?;
    let time = u64::from_be_bytes(*time);
    let signed = time <= MAX_SECONDS
        && key.public_key().verifies(message(note_text, time).as_bytes(), blob.try_into().ok()?);
    signed.then_some(time)
}

/// What is signed: two lines that separate domains and bind the time, then the whole note text.
fn message(note_text: &str, unix_seconds: u64) -> String {
    format!("cosignature/v1\ntime {unix_seconds}\n{note_text}")
}
