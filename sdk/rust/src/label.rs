//! Labelling files: the implicit label of GB 45438 in both roles, its signature, the IPTC source type and a C2PA
//! manifest, in one call for each file.
//!
//! The input is never changed, and nothing that it says is taken away or concealed: see [`touchstone_inspect::labels`]. Nothing here
//! reads or writes a file or uses the network.
//!
//! ```
//! use touchstone_sdk::label::{Implicit, Labelling};
//! use touchstone_sdk::inspect::labels::{produced, read_labels};
//! use touchstone_sdk::schema::label::AiAttribute;
//! # let png: &[u8] = &[137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0,
//! #     0, 0, 58, 126, 155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 104, 0, 0, 0, 130, 0, 129, 119, 205, 114,
//! #     182, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130];
//!
//! let label = produced(AiAttribute::Confirmed, "001191110102MACQD9K64010000", "batch7-{stem}");
//! let labelling = Labelling { implicit: Some(Implicit::Produced { label, signer: None }), ..Labelling::default() };
//! let labelled = labelling.apply(png, "cup.png".as_ref())?;
//! assert_eq!(read_labels(&labelled.bytes)[0].gb45438.as_ref().unwrap().produce_id, "batch7-cup");
//! # Ok::<(), touchstone_sdk::label::LabelError>(())
//! ```

use std::{path::Path, sync::Arc};
use thiserror::Error;
use touchstone_inspect::labels::{
    LabelToWrite, LabelWriteError, Propagation,
    integrity::{SigningKeyError, Sm2SigningKey},
    propagate, write_labels,
};
#[cfg(feature = "c2pa")]
use touchstone_inspect::{
    c2pa::{
        C2paSignError, Component, ManifestParts, ManifestToWrite, SigningIdentity, disclosed_ai,
        label_and_sign, propagate_and_sign, sign_manifest_with,
    },
    containers::Container,
    decode::Format,
    labels::read_labels,
};
#[cfg(feature = "c2pa")]
use touchstone_schema::label::LabelScheme;
use touchstone_schema::{
    label::{DigitalSourceType, Gb45438Label},
    label_integrity::SignedForm,
};

/// Stands for the file's name without its ending in `ProduceID` and `PropagateID`.
pub const STEM: &str = "{stem}";

/// What is written into every file.
#[derive(Debug, Clone, Default)]
pub struct Labelling {
    /// The implicit label.
    pub implicit: Option<Implicit>,
    /// The IPTC source type. A propagator states none. Of an edited file that states one already, this is the edit's and
    /// stands in the manifest alone; so does that of an edit without AI of a file that says AI.
    pub digital_source_type: Option<DigitalSourceType>,
    /// A C2PA manifest.
    #[cfg(feature = "c2pa")]
    pub credentials: Option<Credentials>,
}

/// The implicit label, by role.
#[derive(Debug, Clone)]
pub enum Implicit {
    /// A producer's label, for files that have none. [`STEM`] in its numbers is replaced.
    Produced {
        /// The label.
        label: Gb45438Label,
        /// What signs it into `ReservedCode1`.
        signer: Option<Signer>,
    },
    /// A propagator's fields, added to the label that is there. [`STEM`] in its number is replaced.
    Propagated(Propagation),
}

/// A producer's key and the form in which it signs.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The key.
    pub key: Arc<Sm2SigningKey>,
    /// What is signed.
    pub form: SignedForm,
}

/// Who signs a manifest, and what it says. The title is the file's name; every picture gets a soft binding.
#[cfg(feature = "c2pa")]
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Key and certificates.
    pub identity: SigningIdentity,
    /// What the manifest says.
    pub manifest: ManifestToWrite,
    /// Files that were placed in every picture.
    pub components: Vec<Component>,
}

/// A labelled copy.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The file.
    pub bytes: Vec<u8>,
    /// The implicit label that it has now, if one was written or added to.
    pub gb45438: Option<Gb45438Label>,
    /// Whether nothing had to be written: the file had it all.
    pub unchanged: bool,
}

/// Why a file was not labelled.
#[derive(Debug, Error)]
pub enum LabelError {
    /// A label cannot be written.
    #[error(transparent)]
    Write(#[from] LabelWriteError),
    /// The label cannot be signed.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// The manifest cannot be written.
    #[cfg(feature = "c2pa")]
    #[error(transparent)]
    Manifest(C2paSignError),
}

#[cfg(feature = "c2pa")]
impl From<C2paSignError> for LabelError {
    fn from(error: C2paSignError) -> Self {
        match error {
            C2paSignError::Label(error) => Self::Write(error),
            error => Self::Manifest(error),
        }
    }
}

impl Labelling {
    /// A labelled copy of `bytes`, a file of this name; only the name's last part is used.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn apply(&self, bytes: &[u8], name: &Path) -> Result<Labelled, LabelError> {
        let stem = name.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match &self.implicit {
            Some(Implicit::Propagated(propagation)) => {
                let propagate_id = propagation.propagate_id.replace(STEM, &stem);
                self.propagate(bytes, &Propagation { propagate_id, ..propagation.clone() }, name)
            }
            Some(Implicit::Produced { label, signer }) => {
                let mut label = label.clone();
                label.produce_id = label.produce_id.replace(STEM, &stem);
                label.propagate_id = label.propagate_id.replace(STEM, &stem);
                if let Some(signer) = signer {
                    label.reserved_code_1 = signer.key.sign(&label, signer.form)?;
                }
                self.produce(bytes, Some(label), name)
            }
            None => self.produce(bytes, None, name),
        }
    }

    fn produce(
        &self,
        bytes: &[u8],
        label: Option<Gb45438Label>,
        name: &Path,
    ) -> Result<Labelled, LabelError> {
        let labels = LabelToWrite { gb45438: label.clone(), digital_source_type: self.digital_source_type };
        let done = |new: Vec<u8>| Labelled { unchanged: new == bytes, bytes: new, gb45438: label };
        #[cfg(feature = "c2pa")]
        if let Some(credentials) = &self.credentials {
            let (identity, manifest, parts) = credentials.of(name);
            let media_type = media_type(bytes);
            // What the file states of the whole picture stands; the source type of an edit is the manifest's to tell. An
            // edit without AI takes nothing back of what it was made from.
            let states = || read_labels(bytes).iter().any(|label| label.scheme == LabelScheme::Iptc);
            let without_ai = labels.digital_source_type.is_some_and(|term| !term.meaning().is_ai());
            let of_edit =
                manifest.edited && (states() || without_ai && disclosed_ai(bytes, media_type).is_some());
            let labels = LabelToWrite {
                digital_source_type: labels.digital_source_type.filter(|_| !of_edit),
                ..labels
            };
            // A manifest covers the labels too, so it comes last.
            let signed = if labels == LabelToWrite::default() {
                sign_manifest_with(bytes, media_type, identity, &manifest, &parts)?
            } else {
                label_and_sign(bytes, &labels, media_type, identity, &manifest, &parts)?
            };
            return Ok(done(signed));
        }
        #[cfg(not(feature = "c2pa"))]
        let _ = name;
        Ok(done(write_labels(bytes, &labels)?))
    }

    fn propagate(
        &self,
        bytes: &[u8],
        propagation: &Propagation,
        name: &Path,
    ) -> Result<Labelled, LabelError> {
        #[cfg(feature = "c2pa")]
        if let Some(credentials) = &self.credentials {
            let (identity, manifest, parts) = credentials.of(name);
            let media_type = media_type(bytes);
            let new = propagate_and_sign(bytes, propagation, media_type, identity, &manifest, &parts)?;
            return Ok(Labelled { bytes: new.bytes, gb45438: Some(new.label), unchanged: false });
        }
        #[cfg(not(feature = "c2pa"))]
        let _ = name;
        let new = propagate(bytes, propagation)?;
        Ok(Labelled { unchanged: new.bytes == bytes, bytes: new.bytes, gb45438: Some(new.label) })
    }
}

#[cfg(feature = "c2pa")]
impl Credentials {
    fn of(&self, name: &Path) -> (&SigningIdentity, ManifestToWrite, ManifestParts<'_>) {
        let title = name.file_name().map(|name| name.to_string_lossy());
        let title = title.and_then(|name| touchstone_schema::record::clean_file_name(&name));
        let manifest = ManifestToWrite { title, ..self.manifest.clone() };
        let parts =
            ManifestParts { components: &self.components, soft_binding: true, ..ManifestParts::default() };
        (&self.identity, manifest, parts)
    }
}

#[cfg(feature = "c2pa")]
fn media_type(bytes: &[u8]) -> &'static str {
    let other = || Container::sniff(bytes).and_then(|container| container.media_type(bytes));
    Format::sniff(bytes).map(Format::media_type).or_else(other).unwrap_or("application/octet-stream")
}
