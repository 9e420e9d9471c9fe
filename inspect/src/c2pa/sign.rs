//! Signing: embeds a new manifest into a picture. No network, no time-stamp authority, no clock.

use super::{probe, trust};
use ::c2pa::{Builder, BuilderIntent, Context, SigningAlg, create_signer};
use serde_json::{Value, json};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use touchstone_schema::label::DigitalSourceType;

/// A signing key with its certificates.
#[derive(Clone)]
pub struct SigningIdentity {
    /// PEM text: the signer's certificate first, then the intermediate CAs; without the root.
    /// The signer's certificate follows the C2PA certificate profile.
    pub chain_pem: String,
    /// PEM text of the Ed25519 private key in PKCS #8.
    pub key_pkcs8_pem: String,
}

impl std::fmt::Debug for SigningIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of logs.
        f.debug_struct("SigningIdentity").field("chain_pem", &self.chain_pem).finish_non_exhaustive()
    }
}

/// What the new manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestToWrite {
    /// Source type of the picture, or, if it was edited, of the edit.
    pub digital_source_type: DigitalSourceType,
    /// Name of the system that made or edited the picture.
    pub generator_name: String,
    /// Its version.
    pub generator_version: Option<String>,
    /// Title of the picture.
    pub title: Option<String>,
    /// False: the system created the picture (`c2pa.created`). True: it edited the given picture, which
    /// becomes the parent (`c2pa.opened`, `c2pa.edited`), together with its manifest if it has one.
    pub edited: bool,
}

/// Why a manifest could not be written.
#[derive(Debug, thiserror::Error)]
pub enum C2paSignError {
    /// Not a container into which manifests are written.
    #[error("C2PA manifests are written into JPEG, PNG, WebP, GIF, TIFF, AVIF and HEIC files, not into {0}")]
    UnsupportedFormat(String),
    /// The file's bytes are of another format than the caller says.
    #[error("the file is {found}, not {given}")]
    WrongMediaType {
        /// What the caller says.
        given: String,
        /// What the bytes show.
        found: &'static str,
    },
    /// The file has a manifest and the new one would replace it.
    #[error(
        "the file has a C2PA manifest already; sign it as edited, so that the manifest is kept as its parent's"
    )]
    AlreadySigned,
    /// A name is empty or too long.
    #[error("{field} must have 1 to {max} bytes")]
    Text {
        /// The field.
        field: &'static str,
        /// Longest text in bytes.
        max: usize,
    },
    /// The key or the certificates cannot be used.
    #[error("the signing key or its certificates cannot be used: {0}")]
    Identity(String),
    /// The library could not write the manifest.
    #[error("the manifest could not be written: {0}")]
    Library(String),
}

/// Signs `bytes` and returns the file with the manifest embedded; pixels and other metadata stay as they are.
///
/// # Errors
/// [`C2paSignError`] if the format, the identity or the text does not fit, or if a manifest would be lost.
pub fn sign_manifest(
    bytes: &[u8],
    media_type: &str,
    identity: &SigningIdentity,
    manifest: &ManifestToWrite,
) -> Result<Vec<u8>, C2paSignError> {
    let found =
        probe::media_type(bytes).ok_or_else(|| C2paSignError::UnsupportedFormat(media_type.to_owned()))?;
    if found != media_type {
        return Err(C2paSignError::WrongMediaType { given: media_type.to_owned(), found });
    }
    check_text("the generator's name", Some(&manifest.generator_name))?;
    check_text("the generator's version", manifest.generator_version.as_deref())?;
    check_text("the title", manifest.title.as_deref())?;
    if !manifest.edited && probe::shows_store(bytes, found) {
        return Err(C2paSignError::AlreadySigned);
    }
    // The picture may come from anywhere, and the library parses it and its earlier manifests: see the
    // reader.
    catch_unwind(AssertUnwindSafe(|| sign(bytes, found, identity, manifest)))
        .unwrap_or_else(|_| Err(C2paSignError::Library("the file's structure stopped the writer".to_owned())))
}

fn check_text(field: &'static str, text: Option<&str>) -> Result<(), C2paSignError> {
    let max = super::MAX_TEXT_BYTES;
    match text {
        Some(text) if text.is_empty() || text.len() > max => Err(C2paSignError::Text { field, max }),
        _ => Ok(()),
    }
}

fn sign(
    bytes: &[u8],
    media_type: &str,
    identity: &SigningIdentity,
    manifest: &ManifestToWrite,
) -> Result<Vec<u8>, C2paSignError> {
    let library = |error: ::c2pa::Error| C2paSignError::Library(error.to_string());
    let signer = create_signer::from_keys(
        identity.chain_pem.as_bytes(),
        identity.key_pkcs8_pem.as_bytes(),
        SigningAlg::Ed25519,
        None,
    )
    .map_err(|error| C2paSignError::Identity(error.to_string()))?;

    let mut settings = trust::offline_settings();
    // Of a picture that the system created, the one action is the whole history. Of an edited one nobody
    // knows.
    settings["builder"]["actions"] = json!({ "all_actions_included": !manifest.edited });
    let context = Context::new().with_settings(settings).map_err(library)?;
    let mut builder =
        Builder::from_context(context).with_definition(definition(manifest)).map_err(library)?;
    if manifest.edited {
        builder.set_intent(BuilderIntent::Edit);
        builder
            .add_action(json!({
                "action": "c2pa.edited",
                "digitalSourceType": manifest.digital_source_type.uri(),
                "softwareAgent": generator(manifest),
            }))
            .map_err(library)?;
    } else {
        let source_type = serde_json::from_value(Value::String(manifest.digital_source_type.uri()))
            .map_err(|error| C2paSignError::Library(error.to_string()))?;
        builder.set_intent(BuilderIntent::Create(source_type));
    }
    let mut signed = Cursor::new(Vec::with_capacity(bytes.len() + 32 * 1024));
    builder.sign(signer.as_ref(), media_type, &mut Cursor::new(bytes), &mut signed).map_err(library)?;
    Ok(signed.into_inner())
}

fn definition(manifest: &ManifestToWrite) -> Value {
    let mut definition = json!({ "claim_generator_info": [generator(manifest)] });
    if let Some(title) = &manifest.title {
        definition["title"] = json!(title);
    }
    definition
}

fn generator(manifest: &ManifestToWrite) -> Value {
    let mut generator = json!({ "name": manifest.generator_name });
    if let Some(version) = &manifest.generator_version {
        generator["version"] = json!(version);
    }
    generator
}
