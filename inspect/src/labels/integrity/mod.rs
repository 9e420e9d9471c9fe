//! Integrity data of an implicit label: the SM2 signature in `ReservedCode1`, in the form of TC260 PG-202511A.
//!
//! Owns the form, the signed message, checking and signing. The public key travels with the signature, so that
//! a signature proves something only under a key that the operator pinned: see [`ProducerKeys`]. It covers
//! `Label`, `ContentProducer` and `ProduceID`, not the pixels.
//!
//! Sources: GB 45438-2025 Annex E; TC260 PG-202511A as two producers apply it; SM2 and SM3 of GB/T 32918.2 and
//! GB/T 32905.

mod form;
mod keys;
mod signing;

pub use form::{MAX_INTEGRITY_DATA, Unreadable};
pub use keys::{MAX_PINS, ProducerKeys, ProducerKeysError};
pub use signing::{SigningKeyError, Sm2SigningKey};

use form::Form;
use keys::PublicKey;
use sm2::dsa::{Signature, signature::Verifier};
use sm3::{Digest, Sm3};
use touchstone_schema::{
    label::{FoundLabel, Gb45438Label, LabelScheme},
    label_integrity::{LabelIntegrity, SignedForm},
};

/// The distinguishing identifier that every signer uses: the default of GB/T 35276.
pub const USER_ID: &str = "1234567812345678";
/// Of how many labels of a file the signature is checked; of the rest it counts as not there. A compliant
/// file has one label. One check costs two verifications.
pub const MAX_CHECKED: usize = 4;

/// What the integrity data of `label` is worth under these pinned keys; `None` if it has none.
///
/// Data that is no signature of TC260 PG-202511A is the producer's own and cannot be judged: it is
/// [`LabelIntegrity::Unreadable`], not wrong. Costs at most two verifications for each key: the one in the
/// file or, if there is none, those pinned for the producer.
#[must_use]
pub fn check(label: &Gb45438Label, keys: &ProducerKeys) -> Option<LabelIntegrity> {
    let text = label.reserved_code_1.as_str();
    if text.is_empty() {
        return None;
    }
    let unreadable = |reason: Unreadable| LabelIntegrity::Unreadable { reason: reason.to_string() };
    Some(match Form::parse(text) {
        Ok(form) => judge(label, &form, keys).unwrap_or_else(unreadable),
        Err(reason) => unreadable(reason),
    })
}

fn judge(label: &Gb45438Label, form: &Form, keys: &ProducerKeys) -> Result<LabelIntegrity, Unreadable> {
    let message = message(label);
    let pins = keys.pinned_for(&label.content_producer);
    let Some(key) = &form.key else {
        let (pinned_for, pinned) = pins.ok_or(Unreadable::NoKey)?;
        let holds = pinned.iter().find_map(|key| Some((key, signed_form(&message, &form.signature, key)?)));
        return Ok(holds.map_or(LabelIntegrity::Invalid, |(key, form)| LabelIntegrity::Verified {
            key_sha256: key.sha256(),
            form,
            pinned_for: pinned_for.to_owned(),
        }));
    };
    let Some(signed) = signed_form(&message, &form.signature, key) else {
        return Ok(LabelIntegrity::Invalid);
    };
    let key_sha256 = key.sha256();
    Ok(match pins {
        None => LabelIntegrity::Signed { key_sha256, form: signed },
        Some((pinned_for, pinned)) => {
            let pinned_for = pinned_for.to_owned();
            if pinned.contains(key) {
                LabelIntegrity::Verified { key_sha256, form: signed, pinned_for }
            } else {
                LabelIntegrity::OtherKey { key_sha256, form: signed, pinned_for }
            }
        }
    })
}

/// Checks the integrity data of the implicit labels among `labels`, of at most [`MAX_CHECKED`] that have any, and notes
/// the result and the level that the label reaches with it.
pub fn check_all(labels: &mut [FoundLabel], keys: &ProducerKeys) {
    let implicit = labels.iter_mut().filter(|label| label.scheme == LabelScheme::Gb45438);
    let with_data = implicit.filter_map(|found| {
        let label = found.gb45438.clone().filter(|label| !label.reserved_code_1.is_empty())?;
        Some((found, label))
    });
    for (found, label) in with_data.take(MAX_CHECKED) {
        found.integrity = check(&label, keys);
        found.level = found.integrity.as_ref().map_or(found.level, LabelIntegrity::level);
    }
}

/// The text that is signed: the three fields as they stand in the label's JSON, without its braces.
fn message(label: &Gb45438Label) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    format!(
        "\"Label\":{},\"ContentProducer\":{},\"ProduceID\":{}",
        quoted(&label.label),
        quoted(&label.content_producer),
        quoted(&label.produce_id)
    )
}

/// In which of the two forms the signature holds under `key`.
fn signed_form(message: &str, signature: &Signature, key: &PublicKey) -> Option<SignedForm> {
    let key = key.verifying();
    if key.verify(message.as_bytes(), signature).is_ok() {
        return Some(SignedForm::Message);
    }
    key.verify(&Sm3::digest(message), signature).ok().map(|()| SignedForm::Digest)
}
