//! What a picture file tells about itself: digests, fingerprints, labels, C2PA.
//!
//! Pure computation over given bytes. Nothing here opens a file, a socket or a database, and nothing that stands in
//! a file makes it do so. Every file is taken for hostile: limits are checked before memory is allocated.

#[cfg(feature = "c2pa")]
pub mod c2pa;
pub mod compare;
pub mod containers;
pub mod decode;
pub mod digest;
pub mod features;
pub mod fingerprint;
pub mod frames;
pub mod geometry;
pub mod labels;
pub mod limits;
pub mod overlay;
pub mod raster;
pub mod reference;

use containers::Container;
use decode::{DecodeError, Format, Picture};
use fingerprint::Pdq;
use limits::Limits;
use touchstone_schema::{
    Sha256Digest,
    api::{FileReport, InspectionReport, MediaReport},
    label::FoundLabel,
    problem::ProblemCode,
    record::{Blob, Code256, Record, Tier},
    statement::{C2paBinding, C2paObservation, ContentBindings, ManifestIdentity, Nonce},
    time::Timestamp,
};

/// Least pixels of the working picture: what a comparison looks at, and more than any fingerprint does.
pub const WORKING_AREA: u32 = 1_300_000;

/// How to inspect.
#[derive(Debug, Clone, Default)]
pub struct InspectOptions {
    /// Limits on work and memory.
    pub limits: Limits,
    /// Keys that are pinned for producers of implicit labels. Without a pin a signature in a label is checked under
    /// the key in the file, which proves little.
    pub producer_keys: std::sync::Arc<labels::integrity::ProducerKeys>,
    /// Reads and validates C2PA manifests; without it they are not looked at.
    #[cfg(feature = "c2pa")]
    pub c2pa: Option<std::sync::Arc<c2pa::C2paReader>>,
}

impl InspectOptions {
    /// Options that also validate C2PA manifests against these anchors.
    ///
    /// # Errors
    /// [`c2pa::C2paSetupError`] if an anchor list cannot be read.
    #[cfg(feature = "c2pa")]
    pub fn with_c2pa(anchors: c2pa::TrustAnchors) -> Result<Self, c2pa::C2paSetupError> {
        let reader = c2pa::C2paReader::new(anchors)?;
        Ok(Self { c2pa: Some(std::sync::Arc::new(reader)), ..Self::default() })
    }
}

/// Why a file cannot be inspected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// It cannot be decoded within the limits.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl InspectError {
    /// The code of the problem document that tells about it.
    #[must_use]
    pub const fn problem(&self) -> ProblemCode {
        match self {
            Self::Decode(error) => error.problem(),
        }
    }
}

/// A picture that a file was made from, as the file's own C2PA manifest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// What identifies its manifest, as the file's store holds it.
    pub manifest: ManifestIdentity,
    /// What the picture shows was changed since, as the manifests in between say.
    pub edited_since: bool,
    /// That manifest's own signature was not found wrong.
    pub sound: bool,
}

/// What a file tells about itself.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// SHA-256 of the file without its C2PA manifest.
    pub sha256_without_manifest: Sha256Digest,
    /// Format.
    pub format: Format,
    /// Width of the file's picture after orientation, in pixels.
    pub width: u32,
    /// Height of the file's picture after orientation, in pixels.
    pub height: u32,
    /// EXIF orientation as found, 1 to 8.
    pub orientation: u8,
    /// PDQ of the upright picture.
    pub pdq: Pdq,
    /// PDQ hashes of the eight orientations, the upright one first.
    pub pdq_orientations: [[u8; 32]; 8],
    /// Gradient hashes of the eight orientations, in the same order.
    pub dhash_orientations: [[u8; 32]; 8],
    /// 256-bit body of the ISCC Image-Code.
    pub iscc: [u8; 32],
    /// Labels found, C2PA ones included.
    pub labels: Vec<FoundLabel>,
    /// The C2PA report, if there is a manifest and a reader for it.
    #[cfg(feature = "c2pa")]
    pub c2pa: Option<c2pa::C2paReport>,
}

/// What a video, a sound or a document tells about itself. It is not decoded.
#[derive(Debug, Clone)]
pub struct Media {
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// Media type.
    pub media_type: &'static str,
    /// Labels found, C2PA ones included.
    pub labels: Vec<FoundLabel>,
    /// The C2PA report, if there is a manifest and a reader for it.
    #[cfg(feature = "c2pa")]
    pub c2pa: Option<c2pa::C2paReport>,
}

/// What a file turned out to be.
#[derive(Debug, Clone)]
pub enum Inspected {
    /// A picture, and its working picture as [`inspect_picture`] hands it out.
    Picture(Box<Inspection>, Picture),
    /// A video, a sound or a document.
    Media(Box<Media>),
}

/// Inspects a picture, or reads the labels of a file that is none and whose container is known.
///
/// # Errors
/// [`InspectError`] if it is neither, or is a picture that is damaged or costs more than the limits allow.
pub fn inspect_file(bytes: &[u8], options: &InspectOptions) -> Result<Inspected, InspectError> {
    let error = match inspect_picture(bytes, options) {
        Ok((inspection, picture)) => return Ok(Inspected::Picture(Box::new(inspection), picture)),
        Err(error) => error,
    };
    let media_type = Container::sniff(bytes).and_then(|container| container.media_type(bytes));
    match media_type.filter(|_| error == InspectError::Decode(DecodeError::NotAnImage)) {
        Some(media_type) => Ok(Inspected::Media(Box::new(inspect_media(bytes, media_type, options)))),
        None => Err(error),
    }
}

/// Inspects a file that is no picture: its labels and its manifest.
fn inspect_media(bytes: &[u8], media_type: &'static str, options: &InspectOptions) -> Media {
    #[cfg_attr(not(feature = "c2pa"), allow(unused_mut, reason = "only a manifest adds a label"))]
    let mut labels = inspect_labels(bytes, options);
    #[cfg(feature = "c2pa")]
    let c2pa = options.c2pa.as_ref().and_then(|reader| reader.read(bytes, media_type));
    #[cfg(feature = "c2pa")]
    labels.extend(c2pa.as_ref().and_then(c2pa::C2paReport::to_label));
    Media {
        sha256: digest::file_sha256(bytes),
        media_type,
        labels,
        #[cfg(feature = "c2pa")]
        c2pa,
    }
}

/// Inspects a file: one decode, then everything that is computed from its bytes and pixels.
///
/// # Errors
/// [`InspectError`] if it is no picture, is damaged, or costs more than the limits allow.
pub fn inspect(bytes: &[u8], options: &InspectOptions) -> Result<Inspection, InspectError> {
    inspect_picture(bytes, options).map(|(inspection, _)| inspection)
}

/// As [`inspect`], and hands the working picture out, for references and comparisons: upright and in the shape of the
/// file's, but smaller if that has much more than [`WORKING_AREA`] pixels. Its places are the file's after scaling by
/// `width` and `height` of the [`Inspection`].
///
/// # Errors
/// As [`inspect`].
pub fn inspect_picture(
    bytes: &[u8],
    options: &InspectOptions,
) -> Result<(Inspection, Picture), InspectError> {
    let mut hidden = None;
    let decoded = decode::decode_reduced_looking(bytes, &options.limits, WORKING_AREA, &mut |pixels| {
        hidden = labels::read_stealth(pixels);
    })?;
    let picture = &decoded.picture;
    let full = (decoded.width, decoded.height);
    let (pdq, pdq_orientations) = fingerprint::pdq_and_dihedral_of(picture, full);
    let dhash_orientations = fingerprint::dhash_dihedral(picture);
    let iscc = fingerprint::iscc_image_digest(picture);
    let mut labels = inspect_labels(bytes, options);
    labels.extend(hidden);
    #[cfg(feature = "c2pa")]
    let c2pa = options.c2pa.as_ref().and_then(|reader| reader.read(bytes, decoded.format.media_type()));
    #[cfg(feature = "c2pa")]
    labels.extend(c2pa.as_ref().and_then(c2pa::C2paReport::to_label));
    let (sha256, sha256_without_manifest) = digest::both_sha256(bytes);
    let inspection = Inspection {
        sha256,
        sha256_without_manifest,
        format: decoded.format,
        width: decoded.width,
        height: decoded.height,
        orientation: decoded.orientation,
        pdq,
        pdq_orientations,
        dhash_orientations,
        iscc,
        labels,
        #[cfg(feature = "c2pa")]
        c2pa,
    };
    Ok((inspection, decoded.picture))
}

/// The labels that stand in a file's metadata.
fn inspect_labels(bytes: &[u8], options: &InspectOptions) -> Vec<FoundLabel> {
    let mut labels = labels::read_labels(bytes);
    labels::integrity::check_all(&mut labels, &options.producer_keys);
    labels
}

impl Inspected {
    /// The report that clients get.
    #[must_use]
    pub fn report(self) -> FileReport {
        match self {
            Self::Picture(inspection, _) => FileReport::Picture(inspection.report()),
            Self::Media(media) => FileReport::Media(media.report()),
        }
    }
}

impl Media {
    /// The report that clients get.
    #[must_use]
    pub fn report(&self) -> MediaReport {
        MediaReport {
            sha256: self.sha256,
            media_type: self.media_type.to_owned(),
            labels: self.labels.clone(),
            #[cfg(feature = "c2pa")]
            c2pa: self.c2pa.as_ref().and_then(|report| serde_json::to_value(report).ok()),
            #[cfg(not(feature = "c2pa"))]
            c2pa: None,
        }
    }
}

impl Inspection {
    /// The manifest as a statement binds it, if its store was read.
    #[must_use]
    pub fn c2pa_binding(&self) -> Option<C2paBinding> {
        #[cfg(feature = "c2pa")]
        if let Some(report) = &self.c2pa {
            let signer = report.signer.as_ref();
            let organisation = signer.and_then(|signer| signer.organisation.as_deref()).and_then(plain_text);
            let name = || signer.and_then(|signer| signer.common_name.as_deref()).and_then(plain_text);
            return Some(C2paBinding {
                manifest: report.active_manifest.as_deref().and_then(plain_text)?,
                store_sha256: report.store_sha256?,
                signer: organisation.or_else(name),
                hard_binding: report
                    .hard_binding
                    .as_ref()
                    .map(|binding| binding.hash.clone())
                    .filter(|hash| hash.len() <= MAX_HASH_DIGITS),
                certificate_sha256: report.certificate_sha256,
                claim_signature_sha256: report.claim_signature_sha256,
            });
        }
        None
    }

    /// State of the C2PA manifest: `invalid`, `valid`, `trusted`, …
    #[must_use]
    pub fn c2pa_state(&self) -> Option<String> {
        #[cfg(feature = "c2pa")]
        return self.c2pa.as_ref().map(|report| term(&report.state));
        #[cfg(not(feature = "c2pa"))]
        None
    }

    /// The verdict on the C2PA manifest as a statement keeps it. A certificate that holds today has ended one day, and
    /// lists and libraries change, so the verdict names its time, the list and the library. The time is the caller's:
    /// there is no clock here.
    #[must_use]
    #[cfg_attr(not(feature = "c2pa"), allow(unused_variables))]
    pub fn c2pa_observation(&self, judged_at: Timestamp) -> Option<C2paObservation> {
        #[cfg(feature = "c2pa")]
        return self.c2pa.as_ref().map(|report| C2paObservation {
            state: term(&report.state),
            anchor_set: report.anchor_set.as_ref().map(term),
            anchor_list_sha256: report.anchor_list_sha256,
            judged_at,
            library: report.library.clone(),
            ingredients: identities(report).take(touchstone_schema::statement::MAX_INGREDIENTS).collect(),
        });
        #[cfg(not(feature = "c2pa"))]
        None
    }

    /// The pictures that this one was made from, by its own manifest, the nearest first: its parent, that one's parent,
    /// and so on, as far as they have manifests.
    #[must_use]
    pub fn c2pa_ancestors(&self) -> Vec<Ancestor> {
        #[cfg(feature = "c2pa")]
        if let Some(report) = &self.c2pa {
            let lineage = report.ingredients.iter().filter(|it| it.lineage);
            return lineage
                .filter_map(|it| {
                    let manifest = it.identity()?;
                    let sound = it.is_signature_sound();
                    Some(Ancestor { manifest, edited_since: it.edited_since, sound })
                })
                .collect();
        }
        Vec::new()
    }

    /// When a trusted time stamp over the C2PA manifest's claim was made.
    #[must_use]
    pub fn c2pa_time(&self) -> Option<Timestamp> {
        #[cfg(feature = "c2pa")]
        return self.c2pa.as_ref().and_then(|report| report.time_stamped_at);
        #[cfg(not(feature = "c2pa"))]
        None
    }

    /// Nothing speaks against the C2PA manifest but that its certificate ended ([`c2pa::C2paReport::is_ended`]).
    #[must_use]
    pub fn c2pa_ended(&self) -> bool {
        #[cfg(feature = "c2pa")]
        return self.c2pa.as_ref().is_some_and(c2pa::C2paReport::is_ended);
        #[cfg(not(feature = "c2pa"))]
        false
    }

    /// What a statement binds.
    #[must_use]
    pub fn bindings(&self, record: Option<Sha256Digest>) -> ContentBindings {
        ContentBindings {
            sha256: self.sha256,
            sha256_without_manifest: self.sha256_without_manifest,
            media_type: self.format.media_type().to_owned(),
            c2pa: self.c2pa_binding(),
            record,
        }
    }

    /// The reference record: fingerprints with a salt, and what `tier` asks to keep of the picture.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] if the sketch cannot be encoded.
    pub fn record(
        &self,
        picture: &Picture,
        tier: Tier,
        salt: Nonce,
        file_name: Option<String>,
    ) -> Result<Record, DecodeError> {
        let kept = tier >= Tier::Sketch;
        let features = kept.then(|| Blob(reference::features(picture).to_bytes()));
        let sketch = if kept { Some(Blob(reference::sketch(picture)?)) } else { None };
        Ok(Record {
            salt,
            pdq: Code256(self.pdq.hash),
            pdq_quality: self.pdq.quality,
            dhash: Code256(self.dhash_orientations[0]),
            features,
            sketch,
            iscc: Code256(self.iscc),
            width: self.width,
            height: self.height,
            carries_label: self.labels.iter().any(FoundLabel::discloses_ai),
            file_name,
        })
    }

    /// The report that clients get.
    #[must_use]
    pub fn report(&self) -> InspectionReport {
        InspectionReport {
            sha256: self.sha256,
            sha256_without_manifest: self.sha256_without_manifest,
            media_type: self.format.media_type().to_owned(),
            width: self.width,
            height: self.height,
            orientation: self.orientation,
            pdq: Code256(self.pdq.hash),
            pdq_quality: self.pdq.quality,
            iscc: fingerprint::iscc_text(&self.iscc),
            labels: self.labels.clone(),
            #[cfg(feature = "c2pa")]
            c2pa: self.c2pa.as_ref().and_then(|report| serde_json::to_value(report).ok()),
            #[cfg(not(feature = "c2pa"))]
            c2pa: None,
        }
    }
}

/// Manifests of the ingredients, as a statement names them.
#[cfg(feature = "c2pa")]
fn identities(report: &c2pa::C2paReport) -> impl Iterator<Item = ManifestIdentity> {
    report.ingredients.iter().filter_map(|it| {
        let identity = it.identity()?;
        Some(ManifestIdentity { manifest: plain_text(&identity.manifest)?, ..identity })
    })
}

/// Longest hard binding that a statement holds: SHA-512. What is longer is the hash of no algorithm that C2PA allows.
#[cfg(feature = "c2pa")]
const MAX_HASH_DIGITS: usize = 128;

/// Text of a certificate or manifest as a statement may hold it: its start, without control characters.
#[cfg(feature = "c2pa")]
fn plain_text(text: &str) -> Option<String> {
    let clean: String =
        text.chars().filter(|c| !c.is_control()).take(touchstone_schema::statement::MAX_TEXT).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// The text that serde gives a unit variant.
#[cfg(feature = "c2pa")]
fn term(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}
