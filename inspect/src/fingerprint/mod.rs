//! Perceptual fingerprints of a decoded picture: short codes that survive re-encoding, resizing and small
//! changes.
//!
//! Owns PDQ with its eight dihedral variants, the ISCC Image-Code of ISO 24138 and the Hamming distance.
//! Everything here is a pure function of the pixels and never fails: a picture too small or too plain to be
//! told apart has a fingerprint of low quality. Thresholds and indexes belong to the matching, not here.

mod dhash;
mod dihedral;
mod iscc;
mod pdq;
mod reduced;

use crate::{decode::Picture, raster::Grey};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use dihedral::{Symmetry, pdq_and_dihedral, pdq_and_dihedral_of, pdq_dihedral};
pub use iscc::{
    is_featureless, iscc_code_of, iscc_image_code, iscc_image_digest, iscc_soft_binding, iscc_text,
};
pub use pdq::PDQ_MIN_SIDE;

/// Meta's recommendation: hashes of a lower quality than this (0 to 100) should be neither registered nor
/// matched, because plain pictures resemble each other by chance.
pub const PDQ_QUALITY_FLOOR: u8 = 50;

/// A PDQ hash with its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pdq {
    /// 256 bits; in text 64 lowercase hexadecimal digits, as the reference implementation prints them.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub hash: [u8; 32],
    /// How much structure the picture has, 0 to 100. Below [`PDQ_QUALITY_FLOOR`] the hash says little.
    #[schema(maximum = 100)]
    pub quality: u8,
}

impl Pdq {
    /// The hash as 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.hash)
    }

    /// Whether the quality reaches [`PDQ_QUALITY_FLOOR`].
    #[must_use]
    pub const fn is_informative(&self) -> bool {
        self.quality >= PDQ_QUALITY_FLOOR
    }
}

/// Long side, pixels, of the raster that the gradient hash is computed from.
const DHASH_SIDE: u32 = 640;

/// The gradient hashes of the eight orientations of a picture, in the order of [`Symmetry::ALL`].
#[must_use]
pub fn dhash_dihedral(picture: &Picture) -> [[u8; 32]; 8] {
    let Some(raster) = Grey::from_rgb(picture.width, picture.height, &picture.rgb, DHASH_SIDE) else {
        return [[0; 32]; 8];
    };
    // The module turns clockwise, and mirrors first; PDQ's reference turns anticlockwise.
    let [original, r270, r180, r90, flip_y, flip_minus1, flip_x, flip_plus1] = dhash::dihedral(&raster);
    [original, r90, r180, r270, flip_x, flip_y, flip_plus1, flip_minus1].map(|hash| {
        let mut bytes = [0; 32];
        for (eight, word) in bytes.as_chunks_mut().0.iter_mut().zip(hash) {
            *eight = word.to_le_bytes();
        }
        bytes
    })
}

/// The global fingerprints of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    /// PDQ of the picture as it stands.
    pub pdq: Pdq,
    /// All 256 bits of the ISCC Image-Code; [`iscc_code_of`] gives its text.
    pub iscc: [u8; 32],
}

/// Computes all fingerprints of a picture.
#[must_use]
pub fn fingerprints(picture: &Picture) -> Fingerprints {
    Fingerprints { pdq: pdq(picture), iscc: iscc_image_digest(picture) }
}

/// The PDQ hash of a picture at its full size, bit for bit as the reference computes it from the same pixels.
///
/// A picture with a side below [`PDQ_MIN_SIDE`] has a zero hash and quality 0.
#[must_use]
pub fn pdq(picture: &Picture) -> Pdq {
    let full = (picture.width, picture.height);
    pdq::spectrum(picture, full, true).map_or(Pdq { hash: [0; 32], quality: 0 }, |(spectrum, quality)| Pdq {
        hash: pdq::bits(&spectrum),
        quality,
    })
}

/// The number of bits in which two codes differ, 0 to 256.
#[must_use]
pub fn hamming(first: &[u8; 32], second: &[u8; 32]) -> u32 {
    let word = |chunk: &[u8; 8]| u64::from_ne_bytes(*chunk);
    let (first, second) = (first.as_chunks().0, second.as_chunks().0);
    first.iter().zip(second).map(|(a, b)| (word(a) ^ word(b)).count_ones()).sum()
}

fn to_hex<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&HEXLOWER.encode(hash))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| de::Error::custom("a PDQ hash is 64 hexadecimal digits"))
}
