//! Whether a container is whole, and what it holds, before a decoder sees it.
//!
//! Owns short walks over PNG chunks, GIF blocks, RIFF chunks and TIFF directories, which answer three questions: are
//! all parts inside the file, does it hold more than one picture, and where is its EXIF. It must not decode pixels.

use crate::decode::DecodeError;
use crate::limits::Limits;

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Structure<'a> {
    /// Whether there are frames or pages after the first picture.
    pub(super) more_frames: bool,
    /// The EXIF block (a TIFF structure), where the walk met one.
    pub(super) exif: Option<&'a [u8]>,
}

/// Walks the chunks of a PNG (ISO/IEC 15948, clause 5), up to `IEND`, and checks the dimensions in `IHDR`.
pub(super) fn png<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Structure<'a>, DecodeError> {
    let mut found = Structure::default();
    let mut rest = bytes.get(8..).ok_or(DecodeError::Truncated)?;
    let mut first = true;
    loop {
        let (length, kind) = split_u32(rest, u32::from_be_bytes)?;
        let (kind, content) = kind.split_at_checked(4).ok_or(DecodeError::Truncated)?;
        let (content, after) = content.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        rest = after.get(4..).ok_or(DecodeError::Truncated)?;
        if first {
            let &[w3, w2, w1, w0, h3, h2, h1, h0, _, _, _, _, _] = content else {
                return Err(DecodeError::corrupt("a PNG that does not begin with IHDR"));
            };
            if kind != b"IHDR" {
                return Err(DecodeError::corrupt("a PNG that does not begin with IHDR"));
            }
            limits.check_dimensions(
                u32::from_be_bytes([w3, w2, w1, w0]),
                u32::from_be_bytes([h3, h2, h1, h0]),
            )?;
            first = false;
        }
        match kind {
            b"IEND" => return Ok(found),
            b"eXIf" => found.exif = Some(content),
            // The animation control chunk begins with the number of frames.
            b"acTL" => {
                found.more_frames = content.first_chunk().is_some_and(|count| u32::from_be_bytes(*count) > 1);
            }
            _ => {}
        }
    }
}

/// Walks the blocks of a GIF 89a as far as its second frame or its trailer, and checks the first frame's dimensions,
/// which may exceed those of the logical screen.
pub(super) fn gif<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Structure<'a>, DecodeError> {
    let screen = bytes.get(6..13).ok_or(DecodeError::Truncated)?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]));
    limits.check_dimensions(side(screen[0], screen[1]), side(screen[2], screen[3]))?;
    let mut position = 13 + colour_table(screen[4]);
    let mut frames = 0;
    loop {
        match bytes.get(position) {
            // An extension: a label, then sub-blocks.
            Some(0x21) => position = after_sub_blocks(bytes, position + 2)?,
            Some(0x2c) if frames == 1 => {
                return Ok(Structure { more_frames: true, exif: None });
            }
            Some(0x2c) => {
                let descriptor = bytes.get(position + 1..position + 10).ok_or(DecodeError::Truncated)?;
                limits.check_dimensions(
                    side(descriptor[4], descriptor[5]),
                    side(descriptor[6], descriptor[7]),
                )?;
                frames = 1;
                // One byte of minimum code size precedes the sub-blocks.
                position = after_sub_blocks(bytes, position + 11 + colour_table(descriptor[8]))?;
            }
            // The trailer, or, as many writers leave it out, the end of the file after a complete frame.
            Some(0x3b) | None if frames == 1 => return Ok(Structure::default()),
            Some(0x3b) => return Err(DecodeError::corrupt("a GIF without a picture")),
            None => return Err(DecodeError::Truncated),
            // Decoders ignore what follows a complete frame.
            Some(_) if frames == 1 => return Ok(Structure::default()),
            Some(_) => return Err(DecodeError::corrupt("an unknown GIF block")),
        }
    }
}

/// Bytes of the colour table that a GIF flag byte announces.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 }
}

fn after_sub_blocks(bytes: &[u8], mut position: usize) -> Result<usize, DecodeError> {
    loop {
        let length = usize::from(*bytes.get(position).ok_or(DecodeError::Truncated)?);
        position += 1 + length;
        if length == 0 {
            return Ok(position);
        }
    }
}

/// Walks the chunks of a WebP (RFC 9649, section 2.3): the file and every chunk must be complete.
pub(super) fn webp(bytes: &[u8]) -> Result<Structure<'_>, DecodeError> {
    let mut found = Structure::default();
    let (size, _) = split_u32(bytes.get(4..).ok_or(DecodeError::Truncated)?, u32::from_le_bytes)?;
    let mut rest = bytes.get(12..size.saturating_add(8)).ok_or(DecodeError::Truncated)?;
    let mut frames = 0;
    while rest.len() >= 8 {
        let (kind, length) = rest.split_at(4);
        let (length, content) = split_u32(length, u32::from_le_bytes)?;
        let (content, after) = content.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        match kind {
            b"ANMF" => frames += 1,
            b"EXIF" => found.exif = Some(content.strip_prefix(b"Exif\0\0").unwrap_or(content)),
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = after.get(length % 2..).unwrap_or_default();
    }
    found.more_frames = frames > 1;
    Ok(found)
}

/// Whether the first directory of a TIFF names a next one. Anything unclear is left to the decoder.
pub(super) fn tiff_has_more_pages(bytes: &[u8]) -> bool {
    next_directory(bytes).is_some_and(|offset| offset != 0)
}

fn next_directory(bytes: &[u8]) -> Option<u64> {
    let little = bytes.first() == Some(&b'I');
    let big_tiff = bytes.get(2..4)?.contains(&43);
    let number = |at: u64, length: usize| -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let field = bytes.get(at..at.checked_add(length)?)?;
        let join = |sum: u64, &byte: &u8| (sum << 8) | u64::from(byte);
        Some(if little { field.iter().rev().fold(0, join) } else { field.iter().fold(0, join) })
    };
    // Lengths of the offset, the entry count and an entry in classic and in big TIFF.
    let (offset, count, entry) = if big_tiff { (8, 8, 20) } else { (4, 2, 12) };
    let directory = number(offset as u64, offset)?;
    let entries = number(directory, count)?;
    number(directory.checked_add(count as u64)?.checked_add(entries.checked_mul(entry)?)?, offset)
}

/// Splits a four-byte number off the front.
fn split_u32(bytes: &[u8], decode: fn([u8; 4]) -> u32) -> Result<(usize, &[u8]), DecodeError> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or(DecodeError::Truncated)?;
    Ok((decode(*number) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn png_exif_is_found_after_the_picture_too() {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let chunk = |kind: &[u8; 4], content: &[u8]| {
            let mut chunk = (content.len() as u32).to_be_bytes().to_vec();
            chunk.extend(kind);
            chunk.extend(content);
            chunk.extend([0; 4]);
            chunk
        };
        bytes.extend(chunk(b"IHDR", &[0, 0, 0, 5, 0, 0, 0, 6, 8, 2, 0, 0, 0]));
        bytes.extend(chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
        bytes.extend(chunk(b"IDAT", b"data"));
        bytes.extend(chunk(b"eXIf", b"MM\0*"));
        bytes.extend(chunk(b"IEND", b""));
        let found = png(&bytes, &Limits::default()).unwrap();
        assert_eq!(found, Structure { more_frames: true, exif: Some(b"MM\0*") });
        for length in 8..bytes.len() {
            assert_eq!(
                png(&bytes[..length], &Limits::default()),
                Err(DecodeError::Truncated),
                "cut at {length}"
            );
        }
        let small = Limits { max_side: 5, ..Limits::default() };
        assert!(matches!(png(&bytes, &small), Err(DecodeError::TooManyPixels { .. })));
    }

    #[test]
    fn a_gif_frame_larger_than_its_screen_is_checked() {
        let mut bytes = b"GIF89a\x01\0\x01\0\0\0\0".to_vec();
        bytes.extend([0x21, 0xfe, 2, b'h', b'i', 0]);
        bytes.extend([0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 2, 1, 0, 0, 0x3b]);
        assert!(matches!(
            gif(&bytes, &Limits::default()),
            Err(DecodeError::TooManyPixels { width: 65_535, .. })
        ));
    }

    #[test]
    fn webp_chunks_must_be_inside_the_file() {
        let mut bytes = b"RIFF\x16\0\0\0WEBPEXIF\x0a\0\0\0Exif\0\0MM\0*".to_vec();
        assert_eq!(webp(&bytes).unwrap().exif, Some(&b"MM\0*"[..]));
        bytes[16] = 200;
        assert_eq!(webp(&bytes), Err(DecodeError::Truncated));
        bytes[4] = 200;
        assert_eq!(webp(&bytes), Err(DecodeError::Truncated));
    }

    #[test]
    fn tiff_pages() {
        let one = b"II*\0\x08\0\0\0\x01\0............\0\0\0\0";
        let two = b"MM\0*\0\0\0\x08\0\x01............\0\0\0\x40";
        assert!(!tiff_has_more_pages(one));
        assert!(tiff_has_more_pages(two));
        assert!(!tiff_has_more_pages(b"II*\0\xff\xff\xff\xff"));
    }
}
