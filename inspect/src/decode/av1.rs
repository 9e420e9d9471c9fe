//! AVIF: AV1 items of a HEIF file (AV1 Image File Format 1.1).
//!
//! Owns decoding an AV1 item with its alpha plane, tiles and transforms. The colour conversion is the one HEIC uses. It
//! must not check costs: the survey in `heif` has done so.

use heifer::Image;
use heifer::color::{ColorParams, frame_to_rgba_sized};
use heifer::heifer_hevc_dec::recon::Frame;
use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{HeifFile, ItemId};
use re_rav1d::dav1d::{Decoder, Error, PixelLayout, PlanarImageComponent as Component, Settings, pixel};

use super::DecodeError;
use super::heif::{from_container, is_alpha};
use crate::limits::Limits;

/// Frames in the data of one item. A still picture has one; layered ones have up to four.
const MAX_FRAMES: u32 = 4;
/// OBU types that begin a frame (AV1 specification, 6.2.2): `OBU_FRAME_HEADER` and `OBU_FRAME`.
const FRAME_OBUS: [u8; 2] = [3, 6];

/// Decodes an item with everything it is derived from, transforms applied.
pub(super) fn decode_item(
    file: &HeifFile<'_>,
    id: ItemId,
    limits: &Limits,
) -> Result<Image<u8>, DecodeError> {
    limits.check_cancelled()?;
    let item_type = file.item(id).map_err(from_container)?.item_type;
    let mut image = match &item_type.0 {
        b"grid" => assemble(file, id, limits)?,
        b"iden" => match file.referenced_items(id, b"dimg") {
            &[source] => decode_item(file, source, limits)?,
            _ => return Err(DecodeError::corrupt("an identity derivation without one source")),
        },
        _ => decode_coded(file, id)?,
    };
    for auxiliary in file.referencing_items(id, b"auxl") {
        if is_alpha(file, auxiliary)? {
            let alpha = decode_item(file, auxiliary, limits)?;
            if (alpha.width, alpha.height) != (image.width, image.height) {
                return Err(DecodeError::corrupt("an alpha plane of another size than its picture"));
            }
            for (pixel, alpha) in image.data.chunks_exact_mut(4).zip(alpha.data.chunks_exact(4)) {
                pixel[3] = alpha[0];
            }
            image.has_alpha = true;
            break;
        }
    }
    for property in file.item_properties(id).map_err(from_container)? {
        image = match *property {
            Property::CleanAperture { .. } => {
                return Err(DecodeError::unsupported("a cropped AVIF; convert the picture to JPEG"));
            }
            Property::Rotation(0) => image,
            Property::Rotation(quarters) => image.rotate_ccw(quarters),
            Property::Mirror(top_bottom) => image.mirror(top_bottom),
            _ => image,
        };
    }
    Ok(image)
}

/// Decodes a grid's tiles onto one canvas. The survey has checked their number and sizes.
fn assemble(file: &HeifFile<'_>, id: ItemId, limits: &Limits) -> Result<Image<u8>, DecodeError> {
    let grid = file.grid(id).map_err(from_container)?;
    let mut canvas = Image::filled_samples(grid.output_width, grid.output_height, 8, [0, 0, 0, 255]);
    for (index, &tile) in file.referenced_items(id, b"dimg").iter().enumerate() {
        let tile = decode_item(file, tile, limits)?;
        let column = (index % usize::from(grid.columns)) as i64;
        let row = (index / usize::from(grid.columns)) as i64;
        canvas.draw(&tile, column * i64::from(tile.width), row * i64::from(tile.height));
    }
    Ok(canvas)
}

fn decode_coded(file: &HeifFile<'_>, id: ItemId) -> Result<Image<u8>, DecodeError> {
    let data = file.item_data(id).map_err(from_container)?;
    if count_frames(&data)? > MAX_FRAMES {
        return Err(DecodeError::unsupported("an AVIF picture of many frames; convert the picture to JPEG"));
    }
    let declared = file.image_size(id).map_err(from_container)?;
    let (width, height) = declared.ok_or(DecodeError::corrupt("an AV1 picture without its size"))?;

    let mut settings = Settings::new();
    // One thread: the caller decides how many pictures are decoded at once.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(width.next_multiple_of(8).saturating_mul(height.next_multiple_of(8)));
    let mut decoder = Decoder::with_settings(&settings).map_err(from_av1)?;
    match decoder.send_data(data.into_owned(), None, None, None) {
        // "Again" means that a picture is ready before all data is consumed.
        Ok(()) | Err(Error::Again) => {}
        Err(e) => return Err(from_av1(e)),
    }
    let picture = decoder.get_picture().map_err(from_av1)?;
    if (picture.width(), picture.height()) != (width, height) {
        return Err(DecodeError::corrupt("an AV1 picture of another size than declared"));
    }
    if picture.bit_depth() != 8 {
        return Err(from_av1(Error::UnsupportedBitstream));
    }
    let colour = file.item_properties(id).map_err(from_container)?.find_map(|property| match property {
        Property::Color(ColorInfo::Nclx { matrix, full_range, .. }) => {
            Some(ColorParams { matrix: *matrix, full_range: *full_range })
        }
        _ => None,
    });
    let colour = colour.unwrap_or_else(|| ColorParams {
        matrix: picture.matrix_coefficients() as u16,
        full_range: matches!(picture.color_range(), pixel::YUVRange::Full),
    });
    let frame = to_frame(&picture, colour)?;
    Ok(frame_to_rgba_sized(&frame, colour, width, height))
}

/// Copies the planes into the form that the colour conversion takes. Luma is padded to whole chroma samples, from which
/// the conversion tells the subsampling.
fn to_frame(picture: &re_rav1d::dav1d::Picture, colour: ColorParams) -> Result<Frame, DecodeError> {
    let (width, height) = (picture.width(), picture.height());
    let (chroma_format, halved_x, halved_y) = match picture.pixel_layout() {
        PixelLayout::I400 => (0, false, false),
        PixelLayout::I420 => (1, true, true),
        PixelLayout::I422 => (2, true, false),
        PixelLayout::I444 => (3, false, false),
    };
    let chroma = |side: u32, halved: bool| if halved { side.div_ceil(2) } else { side };
    let padded = |side: u32, halved: bool| if halved { side.next_multiple_of(2) } else { side };
    let (luma_width, luma_height) = (padded(width, halved_x), padded(height, halved_y));
    let luma = copy_plane(picture, Component::Y, (width, height), (luma_width, luma_height))?;
    let mut frame = Frame {
        widths: [luma_width, 0, 0],
        heights: [luma_height, 0, 0],
        planes: [luma, Vec::new(), Vec::new()],
        bit_depth: [8, 8],
        chroma_format,
        full_range: colour.full_range,
        matrix_coeffs: colour.matrix as u8,
    };
    if chroma_format == 0 {
        if !colour.full_range {
            // The conversion takes grey samples as they are; expand 16..=235 to the full range.
            for sample in &mut frame.planes[0] {
                *sample = (((u32::from(*sample).saturating_sub(16)) * 255 + 109) / 219).min(255) as u16;
            }
        }
        return Ok(frame);
    }
    let size = (chroma(width, halved_x), chroma(height, halved_y));
    for (index, component) in [(1, Component::U), (2, Component::V)] {
        frame.widths[index] = size.0;
        frame.heights[index] = size.1;
        frame.planes[index] = copy_plane(picture, component, size, size)?;
    }
    Ok(frame)
}

/// Copies a plane's `from` (width, height) samples, repeating the last ones up to `to`.
fn copy_plane(
    picture: &re_rav1d::dav1d::Picture,
    component: Component,
    from: (u32, u32),
    to: (u32, u32),
) -> Result<Vec<u16>, DecodeError> {
    let plane = picture.plane(component);
    let stride = picture.stride(component) as usize;
    let (width, height) = (from.0 as usize, from.1 as usize);
    let mut samples = Vec::with_capacity(to.0 as usize * to.1 as usize);
    for y in 0..to.1 as usize {
        let start = y.min(height - 1) * stride;
        let row = plane.get(start..start + width).ok_or(DecodeError::corrupt("a plane that is too small"))?;
        samples.extend(row.iter().map(|&sample| u16::from(sample)));
        let last = row.last().copied().unwrap_or_default();
        samples.extend(std::iter::repeat_n(u16::from(last), to.0 as usize - width));
    }
    Ok(samples)
}

/// Counts the frames of an AV1 item by its OBU headers (AV1 specification, 5.3): hidden frames cost as much as shown
/// ones.
fn count_frames(mut data: &[u8]) -> Result<u32, DecodeError> {
    let mut frames = 0;
    while let Some((&header, mut rest)) = data.split_first() {
        if FRAME_OBUS.contains(&((header >> 3) & 15)) {
            frames += 1;
        }
        if header & 4 != 0 {
            rest = rest.get(1..).ok_or(DecodeError::Truncated)?;
        }
        if header & 2 == 0 {
            // Without a size field the OBU reaches to the end.
            break;
        }
        let mut size: u64 = 0;
        for i in 0..8 {
            let (&byte, after) = rest.split_first().ok_or(DecodeError::Truncated)?;
            rest = after;
            size |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                break;
            }
        }
        data = usize::try_from(size).ok().and_then(|size| rest.get(size..)).ok_or(DecodeError::Truncated)?;
    }
    Ok(frames)
}

fn from_av1(error: Error) -> DecodeError {
    match error {
        Error::UnsupportedBitstream => {
            DecodeError::unsupported("an AVIF of more than 8 bits per sample; convert the picture to JPEG")
        }
        Error::Again => DecodeError::Truncated,
        other => DecodeError::corrupt(format!("AV1: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_by_their_headers() {
        // A temporal delimiter, a sequence header of two bytes, a frame of one byte with an extension.
        assert_eq!(count_frames(&[0x12, 0, 0x0a, 2, 9, 9, 0x36, 0, 1, 7]), Ok(1));
        let many: Vec<u8> = [0x32, 1, 7].repeat(6);
        assert_eq!(count_frames(&many), Ok(6));
        assert_eq!(count_frames(&[0x32, 5, 7]), Err(DecodeError::Truncated));
        // Without a size the frame reaches to the end.
        assert_eq!(count_frames(&[0x30, 5, 7]), Ok(1));
    }
}
