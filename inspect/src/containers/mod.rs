//! Walkers over the outer structure of picture files: JPEG segments, PNG chunks, RIFF chunks, boxes.
//!
//! They borrow from the file, visit each byte at most once and never panic, whatever the bytes are. A
//! structure that runs past the end of the file ends the walk. They know nothing of pixels and nothing of
//! what the metadata means.

pub mod bmff;
pub mod gif;
pub mod ilst;
pub mod items;
pub mod jpeg;
pub mod png;
pub mod tiff;
pub mod webp;

/// The file formats whose structure can be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// ISO/IEC 10918-1.
    Jpeg,
    /// ISO/IEC 15948.
    Png,
    /// RFC 9649.
    WebP,
    /// GIF 87a and 89a.
    Gif,
    /// TIFF 6.0 and BigTIFF.
    Tiff,
    /// ISO/IEC 14496-12: HEIC, HEIF, AVIF, MP4, MOV, M4A.
    Bmff,
}

impl Container {
    /// Recognises the format by its signature.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&jpeg::SIGNATURE) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(&png::SIGNATURE) {
            Some(Self::Png)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else if gif::is_gif(bytes) {
            Some(Self::Gif)
        } else if tiff::is_tiff(bytes) {
            Some(Self::Tiff)
        } else if bmff::is_bmff(bytes) {
            Some(Self::Bmff)
        } else {
            None
        }
    }
}

/// Four big-endian bytes at `at`, or `None` past the end.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    bytes.get(at..end)?.try_into().ok().map(u32::from_be_bytes)
}

/// Four little-endian bytes at `at`, or `None` past the end.
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    bytes.get(at..end)?.try_into().ok().map(u32::from_le_bytes)
}
