//! Pictures of a comparison, as PNG: the photo with its altered regions for people, the mask for programs.

use crate::compare::{Comparison, Query, palette, render};
use image::{GrayImage, ImageError, ImageFormat, ImageReader, Limits, imageops};
use std::io::Cursor;

/// What the colours of a marked photo mean, in English and Chinese.
pub const LEGEND: (&str, &str) = (
    "a white box and yellow to red mark what was altered, the redder the stronger; blue marks where a screen's own signs \
     (status bar, buttons), a time stamp or a lamp's reflection may cover the picture.",
    "白框及黄至红色标出改动之处，越红改动越强；蓝色标出可能被屏幕界面（状态栏、按钮等）、时间水印或灯光反射遮住的部分。",
);

/// Longest side of a mask that is scaled, pixels.
const MAX_SIDE: u32 = 30_000;
/// Memory that reading a mask may take, bytes.
const MAX_MEMORY: u64 = 256 << 20;

/// Why a picture of a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// It cannot be written.
    #[error("the PNG cannot be written: {0}")]
    Write(#[from] png::EncodingError),
    /// The given mask cannot be read.
    #[error("no PNG within the limits: {0}")]
    Read(#[from] ImageError),
}

/// The bounded photo, dimmed, with alterations as heat and a thin box each, and screen overlays in blue. The file says
/// itself what that means: it may be seen without its verdict.
///
/// # Errors
/// [`OverlayError::Write`] if it cannot be encoded.
pub fn marked(photo: &Query<'_>, comparison: &Comparison) -> Result<Vec<u8>, OverlayError> {
    let drawn = render(photo, comparison);
    written(&drawn.colours, drawn.width, drawn.height, |encoder| {
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette().into_flattened());
        // The palette begins with the greys in their order: what lies beside each other is alike in its numbers, too.
        encoder.set_filter(png::Filter::Adaptive);
        encoder.add_itxt_chunk("Description".to_owned(), description())
    })
}

/// What somebody must know who sees nothing but a marked photo.
fn description() -> String {
    let (en, zh) = LEGEND;
    format!(
        "Touchstone, marked photo: {en} Evidence for a person to look at, not an accusation.\n\
         试金石标注照片：{zh}此图是供人查看的证据，绝非指控。"
    )
}

/// White where the photo was altered, black elsewhere, at the bounded photo's size.
///
/// # Errors
/// As [`marked`].
pub fn mask(comparison: &Comparison) -> Result<Vec<u8>, OverlayError> {
    let map = &comparison.map;
    bilevel(&map.data, map.width, map.height, Comparison::ALTERED)
}

/// White where a value is at least `white`. A byte a pixel: some readers give ones for the white of smaller depths.
fn bilevel(values: &[u8], width: usize, height: usize, white: u8) -> Result<Vec<u8>, OverlayError> {
    let pixels: Vec<u8> = values.iter().map(|value| if *value >= white { 255 } else { 0 }).collect();
    written(&pixels, width, height, |encoder| {
        encoder.set_color(png::ColorType::Grayscale);
        // Runs of one value are as short without a filter.
        encoder.set_filter(png::Filter::NoFilter);
        Ok(())
    })
}

fn written(
    pixels: &[u8],
    width: usize,
    height: usize,
    form: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>) -> Result<(), png::EncodingError>,
) -> Result<Vec<u8>, OverlayError> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    // About what a photograph takes: growing would copy it again and again.
    let mut bytes = Vec::with_capacity(pixels.len() / 2 + 4_096);
    let mut encoder = png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_compression(png::Compression::Fast);
    form(&mut encoder)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// A mask brought to a photo's size, without new shades.
///
/// # Errors
/// [`OverlayError`] if the mask is no PNG within the limits, or the scaled one cannot be encoded.
pub fn scale_mask(mask: &[u8], width: u32, height: u32) -> Result<Vec<u8>, OverlayError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(mask), ImageFormat::Png);
    reader.limits(limits);
    let mask: GrayImage = reader.decode()?.into_luma8();
    let (width, height) = (width.min(MAX_SIDE), height.min(MAX_SIDE));
    let scaled = imageops::resize(&mask, width, height, imageops::FilterType::Nearest);
    bilevel(scaled.as_raw(), width as usize, height as usize, 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_of_a_mask_is_written() {
        for width in [1, 7, 8, 9, 19, 64] {
            let values: Vec<u8> = (0..width * 3).map(|at: usize| (at * at * 37 + at * 11) as u8).collect();
            let read =
                image::load_from_memory(&bilevel(&values, width, 3, 100).unwrap()).unwrap().into_luma8();
            let white: Vec<u8> = values.iter().map(|value| if *value >= 100 { 255 } else { 0 }).collect();
            assert_eq!((read.width() as usize, read.into_raw()), (width, white));
        }
    }

    #[test]
    fn masks_grow_without_new_shades() {
        let small = bilevel(&[0, 255, 255, 0], 2, 2, 128).unwrap();
        let large = image::load_from_memory(&scale_mask(&small, 6, 4).unwrap()).unwrap().into_luma8();
        assert_eq!(large.dimensions(), (6, 4));
        assert_eq!((large.get_pixel(0, 0).0, large.get_pixel(5, 1).0), ([0], [255]));
        assert!(large.pixels().all(|pixel| matches!(pixel.0, [0 | 255])));
        assert!(scale_mask(b"no picture", 2, 2).is_err());
    }
}
