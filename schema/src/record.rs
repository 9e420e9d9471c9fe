//! Reference records: the fingerprints of a registered picture, beside the log, access-controlled, deletable.
//!
//! A record is strict JSON with a random salt in it; a statement binds its SHA-256. So the public log commits to
//! the record and reveals nothing of it, and a deleted record cannot be guessed back.

use crate::{
    base64,
    digest::Sha256Digest,
    json::{self, ReadError, StrictJsonError},
    statement::{Nonce, View},
};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// Media type of records in uploads.
pub const MEDIA_TYPE: &str = "application/vnd.touchstone.record.v1+json";
/// Longest record in bytes.
pub const MAX_RECORD_BYTES: usize = 65_536;
/// Longest [`Record::features`] in bytes.
pub const MAX_FEATURES_BYTES: usize = 4_096;
/// Longest [`Record::sketch`] in bytes.
pub const MAX_SKETCH_BYTES: usize = 32_768;
/// Longest file name in bytes.
pub const MAX_FILE_NAME: usize = 255;

/// 256 bits of a fingerprint. Text form: 64 lowercase hexadecimal digits, first bit first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code256(pub [u8; 32]);

impl Serialize for Code256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Code256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom("64 lowercase hexadecimal digits expected"))
    }
}

/// Bytes of a record's part. Text form: base64 with padding (RFC 4648, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        base64::decode(&text).map(Self).ok_or_else(|| de::Error::custom("base64 with padding expected"))
    }
}

crate::json::string_schema!(Blob, "blob", "^[A-Za-z0-9+/]*={0,2}$", "bytes, base64 with padding");
crate::json::string_schema!(Code256, "code256", "^[0-9a-f]{64}$", "256-bit fingerprint, hexadecimal");

/// How much the registry keeps of a picture, beside its fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Nothing: the same picture is found, alterations cannot be.
    Codes,
    /// Local features and a sketch of 192 pixels: crops and screenshots are found, stains and tears shown.
    Sketch,
    /// Also 1,024 pixels: thin cracks are shown.
    Detail,
}

impl Tier {
    /// Unless somebody chooses: listing pictures are public anyway, other pictures are not.
    #[must_use]
    pub const fn usual(view: Option<View>) -> Self {
        match view {
            Some(View::Listing) => Self::Detail,
            _ => Self::Sketch,
        }
    }

    /// The name in texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Codes => "codes",
            Self::Sketch => "sketch",
            Self::Detail => "detail",
        }
    }
}

/// The fingerprints of a picture and what helps to recognise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Makes the record's digest unguessable.
    pub salt: Nonce,
    /// PDQ hash of the upright picture.
    pub pdq: Code256,
    /// PDQ quality, 0 to 100; below 50 the picture tells too little to be recognised by it.
    pub pdq_quality: u8,
    /// 16 x 16 gradient hash of the upright picture.
    pub dhash: Code256,
    /// 256-bit ISCC Image-Code body (ISO 24138).
    pub iscc: Code256,
    /// Width after orientation, in pixels.
    pub width: u32,
    /// Height after orientation, in pixels.
    pub height: u32,
    /// Up to 64 local features, in the layout of `inspect::features`; absent in the tier `codes`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub features: Option<Blob>,
    /// The picture at a long side of 192 pixels, as JPEG; absent in the tier `codes`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sketch: Option<Blob>,
    /// The file itself carried a label that says AI made or edited it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub carries_label: bool,
    /// Base name of the file, if the registrant wants to see it in answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Longer than [`MAX_RECORD_BYTES`].
    #[error("the record has {0} bytes; at most {MAX_RECORD_BYTES} are accepted")]
    TooLong(usize),
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] StrictJsonError),
    /// Not the members of a record.
    #[error("not a reference record: {0}")]
    Shape(String),
}

impl Record {
    /// Reads a record strictly.
    ///
    /// # Errors
    /// [`RecordError`] names the first departure.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLong(bytes.len()));
        }
        let record: Self = json::parse(bytes).map_err(|error| match error {
            ReadError::Strict(strict) => strict.into(),
            ReadError::UnknownField(text) | ReadError::Form(text) => RecordError::Shape(text),
        })?;
        if record.pdq_quality > 100 || record.width == 0 || record.height == 0 {
            return Err(RecordError::Shape("quality is at most 100, sides are at least 1".to_owned()));
        }
        let too_long = |blob: &Option<Blob>, most| blob.as_ref().is_some_and(|blob| blob.0.len() > most);
        if too_long(&record.features, MAX_FEATURES_BYTES) || too_long(&record.sketch, MAX_SKETCH_BYTES) {
            let detail = "features have at most 4096 bytes, a sketch has at most 32768";
            return Err(RecordError::Shape(detail.to_owned()));
        }
        match &record.file_name {
            Some(name) if clean_file_name(name).as_deref() != Some(name) => {
                Err(RecordError::Shape("file_name must be a base name without separators".to_owned()))
            }
            _ => Ok(record),
        }
    }

    /// The record's bytes and the digest that a statement binds.
    ///
    /// # Errors
    /// [`RecordError::Shape`] if it cannot be written.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, Sha256Digest), RecordError> {
        let bytes = serde_json::to_vec(self).map_err(|e| RecordError::Shape(e.to_string()))?;
        let digest = Sha256Digest::of(&bytes);
        Ok((bytes, digest))
    }
}

/// The base name in `name`: what follows the last separator, without control characters; `None` if nothing is left
/// or it is longer than [`MAX_FILE_NAME`] bytes.
#[must_use]
pub fn clean_file_name(name: &str) -> Option<String> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = base.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    let usable = !clean.is_empty() && clean.len() <= MAX_FILE_NAME && clean != "." && clean != "..";
    usable.then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_and_departures_are_refused() {
        let record = Record {
            salt: Nonce([1; 16]),
            pdq: Code256([2; 32]),
            pdq_quality: 100,
            dhash: Code256([3; 32]),
            iscc: Code256([3; 32]),
            width: 4,
            height: 5,
            features: None,
            sketch: None,
            carries_label: true,
            file_name: Some("杯子.jpg".to_owned()),
        };
        let (bytes, digest) = record.to_bytes().unwrap();
        assert_eq!(Record::parse(&bytes).unwrap(), record);
        assert_eq!(Sha256Digest::of(&bytes), digest);
        let text = String::from_utf8(bytes).unwrap();
        for bad in [text.replace(":100", ":101"), text.replace("杯", "a/"), text.replace("{", "{\"x\":1,")] {
            assert!(matches!(Record::parse(bad.as_bytes()), Err(RecordError::Shape(_))), "{bad}");
        }
    }

    #[test]
    fn file_names_lose_their_folders() {
        assert_eq!(clean_file_name("C:\\photos\\a b.jpg").as_deref(), Some("a b.jpg"));
        assert_eq!(clean_file_name("/x/y\u{0}.png").as_deref(), Some("y.png"));
        assert_eq!(clean_file_name("/x/.."), None);
        assert_eq!(clean_file_name("x/"), None);
    }
}
