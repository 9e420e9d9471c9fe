//! The picture formats, and how to tell them by their first bytes.
//!
//! Owns names and signatures. It must not know how a format is decoded, and it never looks at a file name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A picture file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (ITU-T T.81), in JFIF or Exif dress.
    Jpeg,
    /// PNG (ISO/IEC 15948), including animated PNG.
    Png,
    /// WebP (RFC 9649), lossy, lossless or animated.
    WebP,
    /// GIF 87a and 89a.
    Gif,
    /// TIFF 6.0 and BigTIFF.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// AV1 in the High Efficiency Image File Format.
    Avif,
    /// HEVC in the High Efficiency Image File Format (ISO/IEC 23008-12).
    Heic,
}

/// Sizes of the information headers that follow a BMP file header, by version.
const BMP_HEADER_SIZES: [u8; 7] = [12, 40, 52, 56, 64, 108, 124];

impl Format {
    /// The format that `bytes` begin like; `None` when it is none of them.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            // Two letters alone would match too much text: the information header's size must fit as well.
            [b'B', b'M', ..] => {
                let size = bytes.get(14..18)?;
                (BMP_HEADER_SIZES.contains(&size[0]) && size[1..] == [0, 0, 0]).then_some(Self::Bmp)
            }
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Self::from_brands(bytes),
            _ => None,
        }
    }

    /// Reads the major, then the compatible brands of a `ftyp` box (ISO/IEC 14496-12, 4.3).
    fn from_brands(bytes: &[u8]) -> Option<Self> {
        let size = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let brands = bytes.get(8..size.min(bytes.len()))?;
        let mut generic = false;
        for (i, brand) in brands.chunks_exact(4).enumerate() {
            match brand {
                // The second word is the minor version.
                _ if i == 1 => {}
                b"avif" | b"avis" => return Some(Self::Avif),
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => return Some(Self::Heic),
                b"mif1" | b"mif2" | b"msf1" => generic = true,
                _ => {}
            }
        }
        generic.then_some(Self::Heic)
    }

    /// The registered media type (RFC 2046), such as `image/jpeg`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
        }
    }

    /// The name people use, such as `JPEG`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        assert_eq!(Format::sniff(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(Format::sniff(b"\x89PNG\r\n\x1a\n"), Some(Format::Png));
        assert_eq!(Format::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::WebP));
        assert_eq!(Format::sniff(b"RIFF\0\0\0\0WAVEfmt "), None);
        assert_eq!(Format::sniff(b"GIF89a"), Some(Format::Gif));
        assert_eq!(Format::sniff(b"II*\0"), Some(Format::Tiff));
        assert_eq!(Format::sniff(b"MM\0*"), Some(Format::Tiff));
        assert_eq!(Format::sniff(b"BMW is a car maker"), None);
        assert_eq!(Format::sniff(b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), Some(Format::Bmp));
        assert_eq!(Format::sniff(b"plain text"), None);
    }

    #[test]
    fn heif_brands() {
        assert_eq!(Format::sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"), Some(Format::Avif));
        assert_eq!(Format::sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), Some(Format::Heic));
        assert_eq!(Format::sniff(b"\0\0\0\x10ftypmif1\0\0\0\0"), Some(Format::Heic));
        assert_eq!(Format::sniff(b"\0\0\0\x10ftypisom\0\0\0\0"), None);
        // The minor version is not a brand.
        assert_eq!(Format::sniff(b"\0\0\0\x10ftypisomavif"), None);
        assert_eq!(Format::sniff(b"\0\0\0\0ftyp"), None);
    }

    #[test]
    fn names_on_the_wire() {
        assert_eq!(serde_json::to_string(&Format::WebP).unwrap(), "\"webp\"");
        assert_eq!(serde_json::to_string(&Format::Heic).unwrap(), "\"heic\"");
    }
}
