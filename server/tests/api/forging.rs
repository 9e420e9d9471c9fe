//! Manifests that the writer in `inspect` does not write: with a label of somebody else's, or with an edit that is said to
//! be a capture.

use crate::pictures::Authority;
use ::c2pa::{Builder, BuilderIntent, Context, SigningAlg, create_signer};
use serde_json::json;
use std::io::Cursor;
use touchstone_schema::{ManifestId, label::DigitalSourceType};

fn builder(definition: &serde_json::Value) -> Builder {
    let settings = json!({
        "builder": { "thumbnail": { "enabled": false } },
        "verify": { "verify_after_sign": false, "verify_after_reading": false },
    });
    let context = Context::new().with_settings(settings).unwrap();
    Builder::from_context(context).with_definition(definition.clone()).unwrap()
}

fn sign(authority: &Authority, signer: &str, jpeg: &[u8], builder: &mut Builder) -> Vec<u8> {
    let identity = authority.signer(signer);
    let (chain, key) = (identity.chain_pem.as_bytes(), identity.key_pkcs8_pem.as_bytes());
    let signer = create_signer::from_keys(chain, key, SigningAlg::Ed25519, None).unwrap();
    let mut signed = Cursor::new(Vec::new());
    builder.sign(signer.as_ref(), "image/jpeg", &mut Cursor::new(jpeg), &mut signed).unwrap();
    signed.into_inner()
}

/// The JPEG with a manifest that says that a camera took it, and has this label.
pub(crate) fn with_label(authority: &Authority, signer: &str, jpeg: &[u8], label: &ManifestId) -> Vec<u8> {
    let mut builder = builder(&json!({
        "label": label.as_str(),
        "claim_generator_info": [{ "name": "Inkstone" }],
        "assertions": [{
            "label": "c2pa.actions.v2",
            "data": { "actions": [{
                "action": "c2pa.created",
                "digitalSourceType": DigitalSourceType::DigitalCapture.uri(),
            }] },
            "created": true,
        }],
    }));
    sign(authority, signer, jpeg, &mut builder)
}

/// An edit of the JPEG, with what it was before as its parent, that is stated as this.
pub(crate) fn edited_as(
    authority: &Authority,
    signer: &str,
    jpeg: &[u8],
    source_type: DigitalSourceType,
) -> Vec<u8> {
    let mut builder = builder(&json!({ "claim_generator_info": [{ "name": "Inkstone" }] }));
    builder.set_intent(BuilderIntent::Edit);
    builder.add_action(json!({ "action": "c2pa.edited", "digitalSourceType": source_type.uri() })).unwrap();
    sign(authority, signer, jpeg, &mut builder)
}
