//! Walkers over the outer structure of files: JPEG segments, PNG and RIFF chunks, boxes, elements, tags.
//!
//! They borrow from the file, visit each byte at most once and never panic, whatever the bytes are. A
//! structure that runs past the end of the file ends the walk. They know nothing of pixels and nothing of
//! what the metadata means.

pub mod bmff;
pub mod ebml;
pub mod flv;
pub mod gif;
pub mod iim;
pub mod ilst;
pub mod items;
pub mod jpeg;
pub mod mpf;
pub mod pdf;
pub mod png;
pub mod riff;
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
    /// RFC 9559, WebM included.
    Matroska,
    /// Flash Video.
    Flv,
    /// Audio Video Interleave.
    Avi,
    /// ISO 32000.
    Pdf,
}

impl Container {
    /// Recognises the format by its signature.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&jpeg::SIGNATURE) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(&png::SIGNATURE) {
            Some(Self::Png)
        } else if webp::riff_end(bytes).is_some() {
            Some(Self::WebP)
        } else if gif::is_gif(bytes) {
            Some(Self::Gif)
        } else if tiff::is_tiff(bytes) {
            Some(Self::Tiff)
        } else if bmff::is_bmff(bytes) {
            Some(Self::Bmff)
        } else if bytes.starts_with(&ebml::SIGNATURE) {
            Some(Self::Matroska)
        } else if bytes.starts_with(flv::SIGNATURE) {
            Some(Self::Flv)
        } else if riff::end(bytes, AVI).is_some() {
            Some(Self::Avi)
        } else if pdf::is_pdf(bytes) {
            Some(Self::Pdf)
        } else {
            None
        }
    }

    /// The media type of a file that is no picture: a video, a sound or a document. `None` for picture formats.
    #[must_use]
    pub fn media_type(self, bytes: &[u8]) -> Option<&'static str> {
        match self {
            Self::Jpeg | Self::Png | Self::WebP | Self::Gif | Self::Tiff => None,
            Self::Bmff => bmff::media_type(bytes),
            Self::Matroska if ebml::doc_type(bytes) == Some(b"webm") => Some("video/webm"),
            Self::Matroska => Some("video/matroska"),
            Self::Flv => Some("video/x-flv"),
            Self::Avi => Some("video/vnd.avi"),
            Self::Pdf => Some("application/pdf"),
        }
    }
}

/// Form of the RIFF file.
const AVI: &[u8; 4] = b"AVI ";

/// The chunks of an AVI file.
#[must_use]
pub fn avi_chunks(bytes: &[u8]) -> riff::Chunks<'_> {
    riff::chunks(bytes, AVI)
}

/// Where `word` begins in `bytes` first.
pub(crate) fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
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
