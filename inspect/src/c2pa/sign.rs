//! Signing: embeds a new manifest into a picture. No network, no time-stamp authority, no clock.

use super::{disclosed, probe, trust};
use crate::{
    WORKING_AREA,
    decode::{DecodeError, decode_reduced},
    fingerprint::{is_featureless, iscc_image_digest, iscc_soft_binding},
    labels::{
        LabelToWrite, LabelWriteError, Manifest, Propagated, Propagation, propagate_over, write_labels_over,
    },
    limits::Limits,
};
use ::c2pa::{Builder, BuilderIntent, Context, RawSignatureValidationError, SigningAlg, create_signer};
use serde_json::{Value, json};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use touchstone_schema::{Sha256Digest, label::DigitalSourceType, sbr::ISCC};

/// How many components a manifest may name.
pub const MAX_COMPONENTS: usize = 32;

/// A signing key with its certificates.
#[derive(Clone)]
pub struct SigningIdentity {
    /// PEM text: the signer's certificate first, then the intermediate CAs; without the root.
    /// The signer's certificate follows the C2PA certificate profile.
    pub chain_pem: String,
    /// PEM text of the private key in PKCS #8: Ed25519 (EdDSA), P-256 (ES256) or P-384 (ES384), as the
    /// certificate says.
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

/// What belongs to a manifest besides what it says.
#[derive(Debug, Clone, Copy, Default)]
pub struct ManifestParts<'a> {
    /// Of an edited file: the file before the edit, if it is not the one that is signed. Its manifest, if it has
    /// one, is kept in the new one.
    pub parent: Option<&'a [u8]>,
    /// Files that were placed in the picture, at most [`MAX_COMPONENTS`]. Their manifests are kept.
    pub components: &'a [Component],
    /// Binds the picture's ISCC Image-Code ([`ISCC`]), by which a registry finds the manifest again
    /// after it was stripped from the file. A picture that the code cannot tell from others is not bound.
    pub soft_binding: bool,
    /// Of an edited file: only its metadata was edited (`c2pa.edited.metadata`), so that no source type is stated.
    pub metadata_only: bool,
}

/// A file that was placed in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name, for people.
    pub title: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a manifest could not be written.
#[derive(Debug, thiserror::Error)]
pub enum C2paSignError {
    /// A label cannot be written.
    #[error(transparent)]
    Label(#[from] LabelWriteError),
    /// The manifest would take back what a label in the file says.
    #[error("the source type {asked} contradicts what the file itself says: {found}")]
    Contradiction {
        /// The source type that was asked for.
        asked: &'static str,
        /// The label.
        found: String,
    },
    /// The manifest would state an edit of an AI picture as what conceals that AI made it.
    #[error(
        "the file says that AI made it or took part ({found}): stating its edit as {asked} would conceal that"
    )]
    WouldConceal {
        /// The source type that was asked for.
        asked: &'static str,
        /// What the file says.
        found: String,
    },
    /// The picture cannot be decoded, so that no soft binding can be made.
    #[error("no soft binding can be made: {0}")]
    SoftBinding(DecodeError),
    /// More than [`MAX_COMPONENTS`].
    #[error("a manifest names at most {MAX_COMPONENTS} components")]
    TooManyComponents,
    /// A component is no picture that the library reads.
    #[error("the component {title} is not a picture in a known format")]
    Component {
        /// Its name.
        title: String,
    },
    /// A manifest of another kind needs no parent, and a parent must be of the same kind of file.
    #[error("the file before the edit is not a picture of the same format")]
    Parent,
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
    /// The key is not the one that the signer's certificate was issued for.
    #[error("the private key does not belong to the signer's certificate")]
    KeyMismatch,
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
    sign_manifest_with(bytes, media_type, identity, manifest, &ManifestParts::default())
}

/// As [`sign_manifest`], with further parts.
///
/// A system that created the picture cannot say less than the file's own labels do: a source type without AI beside a
/// label that says AI is refused, and so is another source type than the file states. Nor can who edited a picture of AI
/// state the edit as a capture, or as anything else that would conceal what it was made from.
///
/// # Errors
/// As [`sign_manifest`], and if a part does not fit.
pub fn sign_manifest_with(
    bytes: &[u8],
    media_type: &str,
    identity: &SigningIdentity,
    manifest: &ManifestToWrite,
    parts: &ManifestParts<'_>,
) -> Result<Vec<u8>, C2paSignError> {
    let found =
        probe::media_type(bytes).ok_or_else(|| C2paSignError::UnsupportedFormat(media_type.to_owned()))?;
    if found != media_type {
        return Err(C2paSignError::WrongMediaType { given: media_type.to_owned(), found });
    }
    check_text("the generator's name", Some(&manifest.generator_name))?;
    check_text("the generator's version", manifest.generator_version.as_deref())?;
    check_text("the title", manifest.title.as_deref())?;
    if parts.components.len() > MAX_COMPONENTS {
        return Err(C2paSignError::TooManyComponents);
    }
    if parts.parent.is_some_and(|parent| !manifest.edited || probe::media_type(parent) != Some(found)) {
        return Err(C2paSignError::Parent);
    }
    if !manifest.edited {
        if probe::shows_store(bytes, found) {
            return Err(C2paSignError::AlreadySigned);
        }
        disclosed::check_created(bytes, manifest.digital_source_type)?;
    } else if !parts.metadata_only {
        let files = [Some(bytes), parts.parent.filter(|parent| *parent != bytes)];
        let files: Vec<&[u8]> = files.into_iter().flatten().collect();
        disclosed::check_edited(&files, found, manifest.digital_source_type)?;
    }
    let iscc = if parts.soft_binding { image_code(bytes)? } else { None };
    // The picture may come from anywhere, and the library parses it and its earlier manifests: see the
    // reader.
    catch_unwind(AssertUnwindSafe(|| sign(bytes, found, identity, manifest, parts, iscc.as_ref())))
        .unwrap_or_else(|_| Err(C2paSignError::Library("the file's structure stopped the writer".to_owned())))
}

/// Writes labels into a copy of `bytes` and signs it. An edited file may have a manifest, which a label alone would
/// break: it is kept as the parent's.
///
/// # Errors
/// As [`sign_manifest_with`], and [`C2paSignError::Label`].
pub fn label_and_sign(
    bytes: &[u8],
    labels: &LabelToWrite,
    media_type: &str,
    identity: &SigningIdentity,
    manifest: &ManifestToWrite,
    parts: &ManifestParts<'_>,
) -> Result<Vec<u8>, C2paSignError> {
    let labelled = write_labels_over(bytes, labels, kept(manifest))?;
    let parts = ManifestParts { parent: manifest.edited.then_some(bytes), ..*parts };
    sign_manifest_with(&labelled, media_type, identity, manifest, &parts)
}

/// Writes a propagator's fields into a copy of `bytes` and signs it: as [`label_and_sign`]. Whatever `manifest` says of
/// it, a propagator did not create the picture: the new manifest tells of edited metadata, and keeps the old one.
///
/// # Errors
/// As [`label_and_sign`].
pub fn propagate_and_sign(
    bytes: &[u8],
    propagation: &Propagation,
    media_type: &str,
    identity: &SigningIdentity,
    manifest: &ManifestToWrite,
    parts: &ManifestParts<'_>,
) -> Result<Propagated, C2paSignError> {
    let manifest = ManifestToWrite { edited: true, ..manifest.clone() };
    let propagated = propagate_over(bytes, propagation, Manifest::BecomesParent)?;
    let parts = ManifestParts { parent: Some(bytes), metadata_only: true, ..*parts };
    let signed = sign_manifest_with(&propagated.bytes, media_type, identity, &manifest, &parts)?;
    Ok(Propagated { bytes: signed, ..propagated })
}

const fn kept(manifest: &ManifestToWrite) -> Manifest {
    if manifest.edited { Manifest::BecomesParent } else { Manifest::Unbroken }
}

/// The Image-Code as a registry computes it, unless it cannot tell pictures apart.
fn image_code(bytes: &[u8]) -> Result<Option<[u8; 32]>, C2paSignError> {
    let decoded =
        decode_reduced(bytes, &Limits::default(), WORKING_AREA).map_err(C2paSignError::SoftBinding)?;
    let code = iscc_image_digest(&decoded.picture);
    Ok((!is_featureless(&code)).then_some(code))
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
    parts: &ManifestParts<'_>,
    iscc: Option<&[u8; 32]>,
) -> Result<Vec<u8>, C2paSignError> {
    let signer = create_signer::from_keys(
        identity.chain_pem.as_bytes(),
        identity.key_pkcs8_pem.as_bytes(),
        algorithm(&identity.chain_pem)?,
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
        if let Some(parent) = parts.parent {
            let parent_of = json!({ "relationship": "parentOf" }).to_string();
            builder
                .add_ingredient_from_stream(parent_of, media_type, &mut Cursor::new(parent))
                .map_err(library)?;
        }
        let mut action = json!({ "action": "c2pa.edited", "softwareAgent": generator(manifest) });
        if parts.metadata_only {
            action["action"] = json!("c2pa.edited.metadata");
        } else {
            action["digitalSourceType"] = json!(manifest.digital_source_type.uri());
        }
        builder.add_action(action).map_err(library)?;
    } else {
        let source_type = serde_json::from_value(Value::String(manifest.digital_source_type.uri()))
            .map_err(|error| C2paSignError::Library(error.to_string()))?;
        builder.set_intent(BuilderIntent::Create(source_type));
    }
    for component in parts.components {
        place(&mut builder, component)?;
    }
    if let Some(code) = iscc {
        let binding = json!({
            "alg": ISCC,
            "blocks": [{ "scope": {}, "value": iscc_soft_binding(code) }],
            "pad": [],
        });
        builder.add_assertion("c2pa.soft-binding", &binding).map_err(library)?;
    }
    let mut signed = Cursor::new(Vec::with_capacity(bytes.len() + 32 * 1024));
    builder.sign(signer.as_ref(), media_type, &mut Cursor::new(bytes), &mut signed).map_err(|error| {
        match error {
            // The library holds the new signature against the certificate.
            ::c2pa::Error::RawSignatureValidationError(RawSignatureValidationError::SignatureMismatch) => {
                C2paSignError::KeyMismatch
            }
            other => library(other),
        }
    })?;
    Ok(signed.into_inner())
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn library(error: ::c2pa::Error) -> C2paSignError {
    C2paSignError::Library(error.to_string())
}

/// Names a component and the action that placed it.
fn place(builder: &mut Builder, component: &Component) -> Result<(), C2paSignError> {
    let unknown = || C2paSignError::Component { title: component.title.clone() };
    check_text("the component's name", Some(&component.title))?;
    let media_type = probe::media_type(&component.bytes).ok_or_else(unknown)?;
    let id = format!("xmp:iid:{}", Sha256Digest::of(&component.bytes));
    let ingredient =
        json!({ "relationship": "componentOf", "title": component.title, "instance_id": id.clone() });
    builder
        .add_ingredient_from_stream(ingredient.to_string(), media_type, &mut Cursor::new(&component.bytes))
        .map_err(|_| unknown())?;
    let placed = json!({ "action": "c2pa.placed", "parameters": { "ingredientIds": [id] } });
    builder.add_action(placed).map_err(library)?;
    Ok(())
}

/// The signature algorithm of the signer's certificate.
fn algorithm(chain_pem: &str) -> Result<SigningAlg, C2paSignError> {
    const P_256: &str = "1.2.840.10045.3.1.7";
    const P_384: &str = "1.3.132.0.34";
    let refuse = |why: &str| C2paSignError::Identity(why.to_owned());
    let (_, pem) = x509_parser::pem::parse_x509_pem(chain_pem.as_bytes())
        .map_err(|_| refuse("the certificates are not PEM"))?;
    let certificate = pem.parse_x509().map_err(|_| refuse("the signer's certificate cannot be read"))?;
    let key = &certificate.subject_pki.algorithm;
    let curve =
        key.parameters.as_ref().and_then(|curve| curve.as_oid().ok()).map(|curve| curve.to_id_string());
    match (key.algorithm.to_id_string().as_str(), curve.as_deref()) {
        ("1.3.101.112", _) => Ok(SigningAlg::Ed25519),
        ("1.2.840.10045.2.1", Some(P_256)) => Ok(SigningAlg::Es256),
        ("1.2.840.10045.2.1", Some(P_384)) => Ok(SigningAlg::Es384),
        _ => Err(refuse("the certificate's key is neither Ed25519 nor on the curve P-256 or P-384")),
    }
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
