//! Pictures of a comparison, as PNG: the photo with its altered regions for people, the mask for programs.

use crate::compare::{Comparison, Query, render};
use image::{
    ExtendedColorType, GrayImage, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::png::PngEncoder, imageops,
};
use std::io::Cursor;

/// Longest side of a mask that is scaled, pixels.
const MAX_SIDE: u32 = 30_000;
/// Memory that reading a mask may take, bytes.
const MAX_MEMORY: u64 = 256 << 20;

/// The bounded photo, dimmed, with alterations as heat and a thin box each, and screen overlays in blue.
///
/// # Errors
/// An [`ImageError`] if it cannot be encoded.
pub fn marked(photo: &Query, comparison: &Comparison) -> Result<Vec<u8>, ImageError> {
    let drawn = render(photo, comparison);
    png(&drawn.rgb, drawn.width, drawn.height, ExtendedColorType::Rgb8)
}

/// White where the photo was altered, black elsewhere, at the bounded photo's size.
///
/// # Errors
/// As [`marked`].
pub fn mask(comparison: &Comparison) -> Result<Vec<u8>, ImageError> {
    let map = &comparison.map;
    let white = |heat: &u8| if *heat >= Comparison::ALTERED { 255 } else { 0 };
    let pixels: Vec<u8> = map.data.iter().map(white).collect();
    png(&pixels, map.width, map.height, ExtendedColorType::L8)
}

fn png(pixels: &[u8], width: usize, height: usize, colour: ExtendedColorType) -> Result<Vec<u8>, ImageError> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(pixels, side(width), side(height), colour)?;
    Ok(bytes)
}

/// A mask brought to a photo's size, without new shades.
///
/// # Errors
/// An [`ImageError`] if the mask is no PNG within the limits.
pub fn scale_mask(mask: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ImageError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(mask), ImageFormat::Png);
    reader.limits(limits);
    let mask: GrayImage = reader.decode()?.into_luma8();
    let (width, height) = (width.min(MAX_SIDE), height.min(MAX_SIDE));
    let scaled = imageops::resize(&mask, width, height, imageops::FilterType::Nearest);
    png(scaled.as_raw(), width as usize, height as usize, ExtendedColorType::L8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_grow_without_new_shades() {
        let small = png(&[0, 255, 255, 0], 2, 2, ExtendedColorType::L8).unwrap();
        let large = image::load_from_memory(&scale_mask(&small, 6, 4).unwrap()).unwrap().into_luma8();
        assert_eq!(large.dimensions(), (6, 4));
        assert_eq!((large.get_pixel(0, 0).0, large.get_pixel(5, 1).0), ([0], [255]));
        assert!(large.pixels().all(|pixel| matches!(pixel.0, [0 | 255])));
        assert!(scale_mask(b"no picture", 2, 2).is_err());
    }
}
