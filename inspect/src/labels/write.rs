//! Writes labels into a copy of a file: one XMP packet with the implicit label of GB 45438-2025, the IPTC
//! digital source type, or both.
//!
//! Pixels and other metadata stay byte-identical. Nothing that is already labelled is labelled again or
//! changed.

use super::{
    embed,
    gb45438::{self, LabelFault},
    read::read_labels,
    xmp::{self, MAX_PACKET},
};
use crate::{containers::Container, digest::manifest_ranges};
use thiserror::Error;
use touchstone_schema::label::{DigitalSourceType, Gb45438Label, LabelScheme};

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
    /// Not JPEG, PNG or WebP.
    #[error("labels are written into JPEG, PNG and WebP files only")]
    UnsupportedFormat,
    /// The file's structure is damaged or lacks a part that every picture has.
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
    /// The file has an implicit label; a second one is not allowed, and replacing it is not either.
    #[error("the file already has an implicit label")]
    AlreadyLabelled,
    /// The file states another source type, or one that is not a known term.
    #[error("the file already states another digital source type: {found}")]
    OtherSourceType {
        /// What the file states.
        found: String,
    },
    /// The file is signed: label first, then sign.
    #[error("the file has a C2PA manifest, which a label written now would break")]
    WouldBreakManifest,
    /// The file's XMP packet is not well-formed, so that nothing can be added to it.
    #[error("the file has an XMP packet that cannot be read")]
    UnreadableXmp,
    /// The packet or the file would get larger than the format allows.
    #[error("with the label, the metadata would be too large for the format")]
    TooLarge,
}

/// Returns a copy of the file `bytes` with the labels written into it.
///
/// A source type that the file states already is not written a second time. The result reads back with
/// [`read_labels`].
///
/// # Errors
/// A [`LabelWriteError`]; the input is never changed.
pub fn write_labels(bytes: &[u8], labels: &LabelToWrite) -> Result<Vec<u8>, LabelWriteError> {
    if labels.gb45438.is_none() && labels.digital_source_type.is_none() {
        return Err(LabelWriteError::NothingToWrite);
    }
    let container = Container::sniff(bytes).ok_or(LabelWriteError::UnsupportedFormat)?;
    if let Some(fault) = labels.gb45438.iter().flat_map(gb45438::faults).next() {
        return Err(LabelWriteError::InvalidLabel(fault));
    }
    if !manifest_ranges(bytes).is_empty() {
        return Err(LabelWriteError::WouldBreakManifest);
    }
    let mut source_type = labels.digital_source_type;
    for found in read_labels(bytes) {
        match found.scheme {
            LabelScheme::Gb45438 if labels.gb45438.is_some() => return Err(LabelWriteError::AlreadyLabelled),
            LabelScheme::Iptc if labels.digital_source_type.is_some() => {
                if found.digital_source_type != labels.digital_source_type {
                    return Err(LabelWriteError::OtherSourceType { found: found.raw });
                }
                source_type = None;
            }
            _ => {}
        }
    }
    let json = labels.gb45438.as_ref().and_then(gb45438::to_json);
    if json.as_ref().is_some_and(|j| j.len() > gb45438::MAX_TEXT) {
        return Err(LabelWriteError::TooLarge);
    }
    if json.is_none() && source_type.is_none() {
        return Ok(bytes.to_vec());
    }
    let packet = |old: Option<&[u8]>| -> Result<Vec<u8>, LabelWriteError> {
        let new = match old {
            None => xmp::new_packet(json.as_deref(), source_type),
            Some(old) if old.len() > MAX_PACKET => return Err(LabelWriteError::TooLarge),
            Some(old) => {
                let old = std::str::from_utf8(old).map_err(|_| LabelWriteError::UnreadableXmp)?;
                xmp::merged(old, json.as_deref(), source_type).ok_or(LabelWriteError::UnreadableXmp)?
            }
        };
        if new.len() > MAX_PACKET { Err(LabelWriteError::TooLarge) } else { Ok(new.into_bytes()) }
    };
    match container {
        Container::Jpeg => embed::jpeg(bytes, packet),
        Container::Png => embed::png(bytes, packet),
        Container::WebP => embed::webp(bytes, packet),
        Container::Gif | Container::Tiff | Container::Bmff => Err(LabelWriteError::UnsupportedFormat),
    }
}
