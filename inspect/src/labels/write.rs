//! Writes labels into a copy of a file: the implicit label of GB 45438-2025, the IPTC digital source type, or both, in
//! one XMP packet; into videos the implicit label alone.
//!
//! Pixels, samples and other metadata stay byte-identical. Nothing that is already labelled is labelled again or
//! changed; what a propagator adds to a label is in [`super::propagate`].

use super::{
    embed,
    gb45438::{self, LabelFault},
    mp4, parse,
    read::read_labels,
    xmp::{self, MAX_PACKET},
};
use crate::{containers::Container, digest::manifest_ranges};
use thiserror::Error;
use touchstone_schema::conformance::LabelFinding;
use touchstone_schema::label::{AiAttribute, DigitalSourceType, FoundLabel, Gb45438Label, LabelScheme};

/// What to write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelToWrite {
    /// The implicit label. It must be compliant (see [`gb45438::faults`]).
    pub gb45438: Option<Gb45438Label>,
    /// The source type.
    pub digital_source_type: Option<DigitalSourceType>,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LabelWriteError {
    /// Neither a label nor a source type was given.
    #[error("there is no label to write")]
    NothingToWrite,
    /// Not JPEG, PNG, WebP, MP4, M4A or MOV.
    #[error("labels are written into JPEG, PNG, WebP, MP4 and MOV files only")]
    UnsupportedFormat,
    /// The file's structure is damaged or lacks a part that every such file has.
    #[error("the file is damaged: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// The structure is valid, but adding to it would break another part of it.
    #[error("the file cannot take a label: {what}")]
    UnsupportedLayout {
        /// What stands in the way.
        what: &'static str,
    },
    /// The label to write is not compliant.
    #[error("the label is not compliant with GB 45438: {0}")]
    InvalidLabel(LabelFault),
    /// The label's fields contradict each other.
    #[error("the label is not compliant with GB 45438: {}", .0.text.en)]
    Inconsistent(Box<LabelFinding>),
    /// The file has an implicit label; a second one is not allowed, and replacing it is not either.
    #[error("the file already has an implicit label")]
    AlreadyLabelled,
    /// The file has several implicit labels, so that it is not clear which one to add to.
    #[error("the file has several implicit labels")]
    SeveralLabels,
    /// The file has no label that says AI, and no basis for one was given. A trace is none by itself.
    #[error("the file has no label to add to, and no other label in it says that AI made it")]
    NoLabel,
    /// The label names another propagator, or has integrity data in `ReservedCode2` that would be lost; it has room for
    /// one, and the other's entry is not taken away.
    #[error("the label already names a propagator: {found}")]
    AlreadyPropagated {
        /// What the label says.
        found: String,
    },
    /// The attribute would say less than it does now.
    #[error("the label says \"{found}\", which is not weakened to \"{asked}\"")]
    WouldWeaken {
        /// The attribute in the file.
        found: String,
        /// The attribute that was asked for.
        asked: &'static str,
    },
    /// The file states another source type, or one that is not a known term.
    #[error("the file already states another digital source type: {found}")]
    OtherSourceType {
        /// What the file states.
        found: String,
    },
    /// A source type without AI beside a label that says AI would take back what the label says.
    #[error("the source type {asked} contradicts the label that says AI made the file")]
    Contradiction {
        /// The source type that was asked for.
        asked: &'static str,
    },
    /// The file is signed: label first, then sign.
    #[error("the file has a C2PA manifest, which a label written now would break")]
    WouldBreakManifest,
    /// The movie is signed, and manifests, which could keep the one that is there, are written into pictures only.
    #[error("the movie has a C2PA manifest, which a label written now would break")]
    SignedMovie,
    /// The file's XMP packet is not well-formed, so that nothing can be added to it.
    #[error("the file has an XMP packet that cannot be read")]
    UnreadableXmp,
    /// The packet or the file would get larger than the format allows.
    #[error("with the label, the metadata would be too large for the format")]
    TooLarge,
    /// What was written does not read back; nothing is handed out.
    #[error("the label would not read back from this file as it was written")]
    NotReadBack,
}

/// What becomes of a C2PA manifest in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// There must be none: what is written would break it.
    Unbroken,
    /// It is kept as the parent's in the manifest that is written next.
    #[cfg_attr(not(feature = "c2pa"), allow(dead_code))]
    BecomesParent,
}

/// Kinds of files that are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Picture(Picture),
    Movie,
}

/// Kinds of pictures that are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    Jpeg,
    Png,
    WebP,
}

impl Target {
    /// The kind of file, if its manifest allows writing.
    pub(super) fn of(bytes: &[u8], manifest: Manifest) -> Result<Self, LabelWriteError> {
        let target = match Container::sniff(bytes) {
            Some(Container::Bmff) => Self::Movie,
            Some(Container::Jpeg) => Self::Picture(Picture::Jpeg),
            Some(Container::Png) => Self::Picture(Picture::Png),
            Some(Container::WebP) => Self::Picture(Picture::WebP),
            _ => return Err(LabelWriteError::UnsupportedFormat),
        };
        let signed = match target {
            Self::Movie => mp4::has_manifest(bytes),
            Self::Picture(_) => !manifest_ranges(bytes).is_empty(),
        };
        match target {
            Self::Movie if signed => Err(LabelWriteError::SignedMovie),
            Self::Picture(_) if signed && manifest == Manifest::Unbroken => {
                Err(LabelWriteError::WouldBreakManifest)
            }
            _ => Ok(target),
        }
    }
}

/// A label as a generation service writes it first: the propagator's fields equal the producer's (GB 45438-2025,
/// Annex E). Real services often leave them empty, which is read without complaint.
#[must_use]
pub fn produced(attribute: AiAttribute, producer: &str, content_id: &str) -> Gb45438Label {
    Gb45438Label {
        label: attribute_text(attribute).to_owned(),
        content_producer: producer.to_owned(),
        produce_id: content_id.to_owned(),
        content_propagator: producer.to_owned(),
        propagate_id: content_id.to_owned(),
        ..Gb45438Label::default()
    }
}

/// The value of `Label`.
pub(super) const fn attribute_text(attribute: AiAttribute) -> &'static str {
    match attribute {
        AiAttribute::Confirmed => "1",
        AiAttribute::Possible => "2",
        AiAttribute::Suspected => "3",
    }
}

/// Returns a copy of the file `bytes` with the labels written into it.
///
/// A source type that the file states already is not written a second time. The result reads back with
/// [`read_labels`]: what does not is not handed out.
///
/// # Errors
/// A [`LabelWriteError`]; the input is never changed.
pub fn write_labels(bytes: &[u8], labels: &LabelToWrite) -> Result<Vec<u8>, LabelWriteError> {
    write_labels_over(bytes, labels, Manifest::Unbroken)
}

/// As [`write_labels`], for a file whose manifest is kept as said.
///
/// # Errors
/// As [`write_labels`].
pub(crate) fn write_labels_over(
    bytes: &[u8],
    labels: &LabelToWrite,
    manifest: Manifest,
) -> Result<Vec<u8>, LabelWriteError> {
    if labels.gb45438.is_none() && labels.digital_source_type.is_none() {
        return Err(LabelWriteError::NothingToWrite);
    }
    let target = Target::of(bytes, manifest)?;
    if let Some(fault) = labels.gb45438.iter().flat_map(gb45438::faults).next() {
        return Err(LabelWriteError::InvalidLabel(fault));
    }
    if let Some(finding) = labels.gb45438.iter().flat_map(gb45438::role_findings).next() {
        return Err(LabelWriteError::Inconsistent(Box::new(finding)));
    }
    write(bytes, target, labels)
}

/// Writes labels that were found to be right.
pub(super) fn write(bytes: &[u8], target: Target, labels: &LabelToWrite) -> Result<Vec<u8>, LabelWriteError> {
    let found = read_labels(bytes);
    let source_type = source_type_to_write(&found, labels)?;
    let json = labels.gb45438.as_ref().and_then(gb45438::to_json);
    if json.as_ref().is_some_and(|j| j.len() > gb45438::MAX_TEXT) {
        return Err(LabelWriteError::TooLarge);
    }
    let json = json.as_deref();
    let new = match (target, json) {
        (_, None) if source_type.is_none() => return Ok(bytes.to_vec()),
        (Target::Movie, _) if source_type.is_some() => {
            let what = "a digital source type is written into pictures only";
            return Err(LabelWriteError::UnsupportedLayout { what });
        }
        (Target::Movie, json) => mp4::write(bytes, json.unwrap_or_default())?,
        (Target::Picture(picture), _) => {
            let packet = |old: Option<&[u8]>| packet(old, json, source_type);
            match picture {
                Picture::Jpeg => embed::jpeg(bytes, packet),
                Picture::Png => embed::png(bytes, packet),
                Picture::WebP => embed::webp(bytes, packet),
            }?
        }
    };
    // Every label that was there must still be there, and the new ones besides.
    let back = read_labels(&new);
    let kept = found.iter().all(|old| back.iter().any(|label| same(old, label)));
    // What is to be said against its fields is known; the place it was written to must add nothing.
    let known = json.and_then(|json| parse::read(json, true)).map(|reading| reading.findings);
    let implicit = labels.gb45438.iter().all(|label| {
        back.iter().any(|l| l.gb45438.as_ref() == Some(label) && Some(&l.findings) == known.as_ref())
    });
    let stated =
        labels.digital_source_type.iter().all(|t| back.iter().any(|l| l.digital_source_type == Some(*t)));
    if kept && implicit && stated { Ok(new) } else { Err(LabelWriteError::NotReadBack) }
}

fn same(one: &FoundLabel, other: &FoundLabel) -> bool {
    (one.scheme, &one.carrier, &one.raw) == (other.scheme, &other.carrier, &other.raw)
}

/// The source type, unless the file states it already.
fn source_type_to_write(
    found: &[FoundLabel],
    labels: &LabelToWrite,
) -> Result<Option<DigitalSourceType>, LabelWriteError> {
    if labels.gb45438.is_some() && found.iter().any(|f| f.scheme == LabelScheme::Gb45438) {
        return Err(LabelWriteError::AlreadyLabelled);
    }
    let Some(asked) = labels.digital_source_type else { return Ok(None) };
    let stated: Vec<_> = found.iter().filter(|f| f.scheme == LabelScheme::Iptc).collect();
    if let Some(other) = stated.iter().find(|f| f.digital_source_type != Some(asked)) {
        return Err(LabelWriteError::OtherSourceType { found: other.raw.clone() });
    }
    // Every attribute says AI, suspected AI too: read back, such a label is what the source type would contradict.
    let says_ai = labels.gb45438.as_ref().is_some_and(|label| label.attribute().is_some())
        || found.iter().any(|f| f.meaning.is_ai());
    if says_ai && !may_stand_beside_ai(asked) {
        return Err(LabelWriteError::Contradiction { asked: asked.term() });
    }
    Ok(stated.is_empty().then_some(asked))
}

/// Whether a source type takes nothing back of a label that says AI. An algorithm that was not trained may be what
/// such a label means.
pub(crate) const fn may_stand_beside_ai(source_type: DigitalSourceType) -> bool {
    source_type.meaning().is_ai() || matches!(source_type, DigitalSourceType::AlgorithmicMedia)
}

fn packet(
    old: Option<&[u8]>,
    json: Option<&str>,
    source_type: Option<DigitalSourceType>,
) -> Result<Vec<u8>, LabelWriteError> {
    let new = match old {
        None => xmp::new_packet(json, source_type),
        Some(old) if old.len() > MAX_PACKET => return Err(LabelWriteError::TooLarge),
        Some(old) => {
            let old = std::str::from_utf8(old).map_err(|_| LabelWriteError::UnreadableXmp)?;
            xmp::merged(old, json, source_type).ok_or(LabelWriteError::UnreadableXmp)?
        }
    };
    if new.len() > MAX_PACKET { Err(LabelWriteError::TooLarge) } else { Ok(new.into_bytes()) }
}
