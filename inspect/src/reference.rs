//! What the registry keeps of a picture, to compare photos with it later: a small or a larger JPEG.
//!
//! Owns the sizes, the making and the bounded reading back. Sizes and qualities are those of the measurements that
//! the matching rests on.

use crate::{
    decode::{self, DecodeError, Picture},
    features::{self, Extractor, Settings},
    limits::Limits,
    raster::Grey,
};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use std::sync::{Mutex, PoisonError};

/// Long side of a sketch, pixels.
pub const SKETCH_SIDE: u32 = 192;
/// JPEG quality of a sketch.
pub const SKETCH_QUALITY: u8 = 40;
/// Long side of a detail reference, pixels.
pub const DETAIL_SIDE: u32 = 1_024;
/// JPEG quality of a detail reference.
pub const DETAIL_QUALITY: u8 = 80;
/// Longest reference that is read back, bytes.
const MAX_BYTES: usize = 4 << 20;
/// Scans of a reference: ours have one.
const MAX_SCANS: u32 = 12;
/// Memory that reading one back may take, bytes.
const MAX_MEMORY: usize = 64 << 20;

/// Extractors that wait for the next picture. New memory for one costs as much as the extraction itself.
static IDLE: Mutex<Vec<Extractor>> = Mutex::new(Vec::new());
/// Extractors that are kept, at most; each holds up to 14 MB.
const KEPT: usize = 4;

/// Works with an extractor that may have served before; no picture leaves a trace in the next one's features.
fn with_extractor<T>(work: impl FnOnce(&mut Extractor) -> T) -> T {
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = idle().pop();
    let mut extractor = waiting.unwrap_or_default();
    let found = work(&mut extractor);
    let mut idle = idle();
    if idle.len() < KEPT {
        idle.push(extractor);
    }
    found
}

/// The local features that are registered of a picture.
#[must_use]
pub fn features(picture: &Picture) -> features::Reference {
    let raster = Grey::from_rgb(picture.width, picture.height, &picture.rgb, features::REGISTER_SIDE);
    let found = raster.map(|raster| with_extractor(|it| it.reference(&raster, &Settings::REGISTER)));
    found.unwrap_or_default()
}

/// The local features that a photo is looked up with.
#[must_use]
pub fn query_features(picture: &Picture) -> features::Query {
    LookUp::new(picture).features()
}

/// Grain of the raster, grey levels, from which features are worth a second look: all of 154 poor photographs of screens
/// had it, and 12 % of 299 other photographs.
const GRAINY: f32 = 1.2;

/// A photo that is looked up by its local features.
#[derive(Debug)]
pub struct LookUp {
    raster: Option<Grey>,
}

impl LookUp {
    /// Of this photo.
    #[must_use]
    pub fn new(picture: &Picture) -> Self {
        let raster = Grey::from_rgb(picture.width, picture.height, &picture.rgb, features::QUERY_SIDE);
        Self { raster }
    }

    /// What it is looked up with.
    #[must_use]
    pub fn features(&self) -> features::Query {
        self.raster.as_ref().map(query).unwrap_or_default()
    }

    /// What a photo with grain is looked up with when the first look found nothing: features of half the size. In a poor
    /// photograph of a screen the grain and the screen's grid have more contrast than the finest features of a dark or
    /// plain thing and crowd them out; averaging takes more from the grain than from the features. `None` for all other
    /// photos.
    #[must_use]
    pub fn coarse_features(&self) -> Option<features::Query> {
        let raster = self.raster.as_ref().filter(|raster| raster.grain() >= GRAINY)?;
        let longest = raster.width().max(raster.height());
        (longest > features::COARSE_SIDE as usize).then(|| query(&raster.reduced(features::COARSE_SIDE)))
    }
}

fn query(raster: &Grey) -> features::Query {
    with_extractor(|it| it.query(raster, &Settings::QUERY))
}

/// The sketch of a picture.
///
/// # Errors
/// [`DecodeError::Corrupt`] if the encoder fails.
pub fn sketch(picture: &Picture) -> Result<Vec<u8>, DecodeError> {
    jpeg(&picture.reduced(SKETCH_SIDE), SKETCH_QUALITY)
}

/// The detail reference of a picture.
///
/// # Errors
/// As [`sketch`].
pub fn detail(picture: &Picture) -> Result<Vec<u8>, DecodeError> {
    jpeg(&picture.reduced(DETAIL_SIDE), DETAIL_QUALITY)
}

/// Reads a reference back. It may come from a registrant: it is bounded like any file.
///
/// # Errors
/// [`DecodeError`] if it is no small JPEG.
pub fn read(bytes: &[u8]) -> Result<Picture, DecodeError> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(DecodeError::NotAnImage);
    }
    let limits = Limits {
        max_scans: MAX_SCANS,
        max_bytes: MAX_BYTES,
        max_side: DETAIL_SIDE,
        max_pixels: u64::from(DETAIL_SIDE) * u64::from(DETAIL_SIDE),
        max_memory: MAX_MEMORY,
        ..Limits::default()
    };
    Ok(decode::decode(bytes, &limits)?.picture)
}

fn jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8)
        .map_err(DecodeError::corrupt)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Picture {
        let pixel = |i: u32| [(i % width * 255 / width) as u8, (i / width * 255 / height) as u8, 90];
        Picture::new(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
    }

    #[test]
    fn references_have_their_sizes_and_read_back() {
        let picture = ramp(1_600, 400);
        let small = read(&sketch(&picture).unwrap()).unwrap();
        assert_eq!((small.width, small.height), (192, 48));
        let large = read(&detail(&picture).unwrap()).unwrap();
        assert_eq!((large.width, large.height), (1_024, 256));
        let middle = &large.rgb[3 * (128 * 1_024 + 512)..][..3];
        assert!(middle.iter().zip([127_u8, 127, 90]).all(|(a, b)| a.abs_diff(b) < 6), "{middle:?}");
    }

    #[test]
    fn an_extractor_that_served_before_finds_the_same() {
        let drawn = |width: u32, height: u32, step: u32| {
            let pixel = |i: u32| {
                [((i % width * step) ^ (i / width * 3)) as u8, (i / width * step) as u8, (i % 97) as u8]
            };
            Picture::new(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
        };
        let pictures = [drawn(640, 480, 5), drawn(90, 200, 9), drawn(601, 333, 3), drawn(640, 640, 2)];
        let fresh: Vec<_> = pictures
            .iter()
            .map(|picture| {
                let raster =
                    Grey::from_rgb(picture.width, picture.height, &picture.rgb, features::QUERY_SIDE);
                Extractor::new().query(&raster.unwrap(), &Settings::QUERY)
            })
            .collect();
        assert!(fresh.iter().all(|found| found.features.len() > 50));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for (picture, expected) in
                        pictures.iter().zip(&fresh).rev().chain(pictures.iter().zip(&fresh))
                    {
                        assert!(query_features(picture) == *expected);
                        assert!(!features(picture).features.is_empty());
                    }
                });
            }
        });
    }

    #[test]
    fn only_a_photo_with_grain_is_looked_at_more_coarsely() {
        let mut state = 1_u32;
        let mut noise = |reach: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % (2 * reach + 1)
        };
        let mut photo = |reach: u32| {
            // A chequerboard of 40 pixels: straight edges are no grain.
            let pixel = |i: u32| {
                let square = 100 + 60 * ((i % 640 / 40 + i / 640 / 40) % 2);
                [(square + noise(reach) - reach) as u8; 3]
            };
            LookUp::new(&Picture::new(640, 480, (0..640 * 480).flat_map(pixel).collect()).unwrap())
        };
        assert_eq!(photo(0).coarse_features(), None);
        assert_eq!(photo(1).coarse_features(), None);
        // Even noise of up to 6 grey levels has a standard deviation of 3.7.
        let grainy = photo(6);
        assert!((3.2..4.2).contains(&grainy.raster.as_ref().unwrap().grain()));
        let coarse = grainy.coarse_features().unwrap();
        assert_eq!((coarse.width, coarse.height), (320, 240));
        assert!(coarse.features.len() > 50);
    }

    #[test]
    fn small_pictures_keep_their_size_and_foreign_files_are_refused() {
        let picture = ramp(50, 20);
        assert_eq!(read(&detail(&picture).unwrap()).unwrap().width, 50);
        assert!(matches!(read(b"no picture"), Err(DecodeError::NotAnImage)));
        let large = jpeg(&ramp(2_000, 10), 80).unwrap();
        assert!(matches!(read(&large), Err(DecodeError::TooManyPixels { .. })));
    }
}
