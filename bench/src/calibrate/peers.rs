//! Hashes of whole pictures as others use them, on the same photos: PDQ, pHash, ISCC.
//!
//! Each compares a photo with every registered picture, as it stands: no orientations are tried, which is how
//! these hashes are usually deployed.

use super::{phash::phash, rows::Engine};
use image::RgbImage;
use touchstone_inspect::{
    decode::Picture,
    fingerprint::{self, Fingerprints},
};

/// Meta's threshold for PDQ, bits of 256.
const PDQ_RADIUS: u32 = 31;
/// Bits of 64 at which pHash had about one false match in a million pairs of photographs.
const PHASH_RADIUS: u32 = 5;
/// The same for the ISCC Image-Code, bits of 256.
const ISCC_RADIUS: u32 = 61;

/// All hashes of a picture.
pub(crate) struct Codes {
    prints: Fingerprints,
    phash: u64,
}

/// The nearest registered picture by one hash.
pub(crate) struct Nearest {
    pub(crate) engine: Engine,
    pub(crate) distance: u32,
    /// It, and any that are as near, if within the radius.
    pub(crate) matches: Vec<usize>,
}

impl Codes {
    /// Of a picture's pixels.
    pub(crate) fn of(picture: &RgbImage) -> Option<Self> {
        let pixels = Picture::new(picture.width(), picture.height(), picture.as_raw().clone())?;
        Some(Self { prints: fingerprint::fingerprints(&pixels), phash: phash(picture) })
    }

    fn distance(&self, other: &Self, engine: Engine) -> u32 {
        match engine {
            Engine::Pdq => fingerprint::hamming(&self.prints.pdq.hash, &other.prints.pdq.hash),
            Engine::Iscc => fingerprint::hamming(&self.prints.iscc, &other.prints.iscc),
            _ => (self.phash ^ other.phash).count_ones(),
        }
    }

    /// What each hash finds among the registered pictures. PDQ of poor quality matches nothing, as its
    /// authors advise.
    pub(crate) fn nearest(&self, registered: &[Self]) -> [Nearest; 3] {
        [(Engine::Pdq, PDQ_RADIUS), (Engine::Phash, PHASH_RADIUS), (Engine::Iscc, ISCC_RADIUS)].map(
            |(engine, radius)| {
                let told = |codes: &Self| engine != Engine::Pdq || codes.prints.pdq.is_informative();
                let distances = registered.iter().map(|codes| self.distance(codes, engine));
                let distances: Vec<u32> = distances.collect();
                let distance = distances.iter().copied().min().unwrap_or(256);
                let near = |at: &usize| {
                    let is_nearest = distances.get(*at) == Some(&distance);
                    is_nearest && told(self) && registered.get(*at).is_some_and(told)
                };
                let matches = if distance <= radius {
                    (0..registered.len()).filter(near).collect()
                } else {
                    Vec::new()
                };
                Nearest { engine, distance, matches }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;
    use touchstone_examples::studio::{self, edits};

    #[test]
    fn a_smaller_copy_is_nearest_to_its_original_by_every_hash() {
        let pictures: Vec<RgbImage> =
            studio::catalogue().iter().take(3).map(|shot| studio::render_small(shot, 4)).collect();
        let registered: Vec<Codes> = pictures.iter().map(|picture| Codes::of(picture).unwrap()).collect();
        let copy = Codes::of(&edits::resized(&pictures[1], 0.7)).unwrap();
        for nearest in copy.nearest(&registered) {
            assert_eq!(nearest.matches, [1], "{:?} at {}", nearest.engine, nearest.distance);
        }
    }
}
