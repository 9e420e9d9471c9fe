//! JPEG, PNG, WebP, GIF, TIFF and BMP, through the `image` crate.
//!
//! Owns the order of work for these formats: walk the container, check dimensions and memory, decode, convert to 8-bit
//! RGB, turn upright. It must not know the coding of any format.

use image::codecs::{bmp, gif, jpeg as jpeg_codec, png, tiff, webp};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult};

use super::polled::{Poll, PolledReader};
use super::structure::{self, Structure};
use super::{DecodeError, Decoded, Format, Look, Picture, StoredPixels, jpeg, scaled};
use crate::limits::Limits;

/// The part of the memory limit, one in so many, that a PNG's metadata may take once inflated.
const METADATA_SHARE: u64 = 16;

/// Decodes a file; a JPEG may come smaller, with at least `least_area` pixels. The samples of a format that can be
/// lossless are shown to `look` as they are stored.
pub(super) fn decode(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    least_area: u64,
    look: Look<'_>,
) -> Result<Decoded, DecodeError> {
    let poll = Poll::new(limits);
    let mut found = Structure::default();
    let mut working_memory = 0;
    let mut plan = None;
    match format {
        Format::Jpeg => {
            let header = jpeg::read_header(bytes, limits)?;
            // The decoder keeps its own copy of the file.
            working_memory = header.working_memory() + bytes.len() as u64;
            // Before the decoder is made: it may allocate for the coefficients at once.
            limits.check_memory(working_memory)?;
            let eighths = eighths(header.width, header.height, least_area);
            plan = eighths.map(|it| scaled::Plan::new(bytes, &header, it)).transpose()?.flatten();
        }
        Format::Png => found = structure::png(bytes, limits)?,
        Format::Gif => found = structure::gif(bytes, limits)?,
        Format::WebP => found = structure::webp(bytes)?,
        Format::Tiff => found.more_frames = structure::tiff_has_more_pages(bytes),
        Format::Bmp | Format::Avif | Format::Heic => {}
    }
    let failed = |error| {
        if poll.stopped() { DecodeError::TooSlow } else { DecodeError::from_image(error, limits.max_memory) }
    };
    let mut decoder = open(poll.reader(bytes), format, bytes.len(), limits).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height)?;

    let orientation = match found.exif {
        Some(exif) => Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms),
        // Broken EXIF is no reason to refuse the picture.
        None => decoder.orientation().unwrap_or(Orientation::NoTransforms),
    }
    .to_exif();

    if let Some(plan) = plan {
        // Only its metadata were wanted.
        drop(decoder);
        let turned = if orientation >= 5 { 6 } else { 3 };
        let area = u64::from(plan.width()) * u64::from(plan.height());
        limits.check_memory(area * turned + plan.working_memory())?;
        let picture = plan.decode(limits)?.oriented(orientation);
        return Ok(upright(picture, (width, height), format, orientation, false));
    }
    let colour = decoder.color_type();
    limits.check_memory(working_memory + peak_memory(format, colour, width, height, orientation))?;
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_image_width = Some(limits.max_side);
    decoder_limits.max_image_height = Some(limits.max_side);
    decoder_limits.max_alloc = Some(limits.max_memory as u64);
    decoder.set_limits(decoder_limits).map_err(failed)?;

    let decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
    limits.check_cancelled()?;
    if matches!(format, Format::Png | Format::WebP | Format::Tiff | Format::Bmp)
        && let Some(stored) = stored(&decoded)
    {
        look(&stored);
    }
    let picture =
        to_picture(decoded).ok_or(DecodeError::corrupt("pixels that do not match the dimensions"))?;
    limits.check_cancelled()?;
    let picture = picture.oriented(orientation);
    Ok(upright(picture, (width, height), format, orientation, found.more_frames))
}

/// The result, for a file that declares `stored` as its width and height.
fn upright(
    picture: Picture,
    stored: (u32, u32),
    format: Format,
    orientation: u8,
    frames_ignored: bool,
) -> Decoded {
    let (width, height) = if orientation >= 5 { (stored.1, stored.0) } else { stored };
    Decoded { picture, width, height, format, orientation, frames_ignored }
}

/// The fewest eighths of its sides at which a picture still has `least_area` pixels; `None` if that is too many for it
/// to be worth while.
fn eighths(width: u32, height: u32, least_area: u64) -> Option<usize> {
    let area = u64::from(width) * u64::from(height);
    (1..=scaled::MOST).find(|&eighths| area * (eighths * eighths) as u64 >= least_area.saturating_mul(64))
}

fn open<'r>(
    reader: PolledReader<'r>,
    format: Format,
    file_length: usize,
    limits: &Limits,
) -> ImageResult<Box<dyn ImageDecoder + 'r>> {
    Ok(match format {
        Format::Png => {
            let mut png_limits = image::Limits::no_limits();
            // Text is kept as it is in the file; only colour profiles are inflated.
            png_limits.max_alloc = Some(limits.max_memory as u64 / METADATA_SHARE + file_length as u64);
            Box::new(png::PngDecoder::with_limits(reader, png_limits)?)
        }
        Format::WebP => Box::new(webp::WebPDecoder::new(reader)?),
        Format::Gif => Box::new(gif::GifDecoder::new(reader)?),
        Format::Tiff => Box::new(tiff::TiffDecoder::new(reader)?),
        Format::Bmp => Box::new(bmp::BmpDecoder::new(reader)?),
        Format::Jpeg | Format::Avif | Format::Heic => Box::new(jpeg_codec::JpegDecoder::new(reader)?),
    })
}

/// Estimated peak of decoding, converting and turning, in bytes, without what the format's header already told.
fn peak_memory(format: Format, colour: ColorType, width: u32, height: u32, orientation: u8) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    let decoded = u64::from(colour.bytes_per_pixel());
    // GIF and WebP decode a frame aside, TIFF decodes into a buffer of its own.
    let aside = match format {
        Format::Gif | Format::WebP => 4,
        Format::Tiff => decoded,
        _ => 0,
    };
    let converted = match colour {
        ColorType::Rgb8 | ColorType::Rgba8 => 0,
        _ if colour.has_alpha() => 4,
        _ => 3,
    };
    let turned = if orientation >= 5 { 6 } else { 0 };
    pixels * turned.max(decoded + aside.max(converted))
}

fn stored(decoded: &DynamicImage) -> Option<StoredPixels<'_>> {
    let (channels, samples) = match decoded {
        DynamicImage::ImageRgb8(pixels) => (3, pixels.as_raw()),
        DynamicImage::ImageRgba8(pixels) => (4, pixels.as_raw()),
        _ => return None,
    };
    Some(StoredPixels { width: decoded.width(), height: decoded.height(), channels, samples })
}

/// Converts to 8-bit RGB over white; moves the pixels when they already are 8-bit RGB.
fn to_picture(decoded: DynamicImage) -> Option<Picture> {
    let (width, height) = (decoded.width(), decoded.height());
    if decoded.color().has_alpha() {
        Picture::over_white(width, height, decoded.into_rgba8().into_raw())
    } else {
        Picture::new(width, height, decoded.into_rgb8().into_raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_estimate_counts_every_copy() {
        let estimate = |format, colour, orientation| peak_memory(format, colour, 100, 10, orientation);
        assert_eq!(estimate(Format::Png, ColorType::Rgb8, 1), 3_000);
        assert_eq!(estimate(Format::Png, ColorType::Rgb8, 6), 6_000);
        assert_eq!(estimate(Format::Png, ColorType::Rgba16, 1), 12_000);
        assert_eq!(estimate(Format::Tiff, ColorType::Rgb8, 1), 6_000);
        assert_eq!(estimate(Format::Gif, ColorType::Rgba8, 1), 8_000);
    }

    #[test]
    fn sixteen_bits_are_scaled_and_grey_is_expanded() {
        let grey = image::ImageBuffer::from_raw(3, 1, vec![0u16, 0x8080, 0xffff]).unwrap();
        let picture = to_picture(DynamicImage::ImageLuma16(grey)).unwrap();
        assert_eq!(picture.rgb, [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    }
}
