//! JPEG: APP1 with XMP, extended XMP or EXIF, APP13 with IPTC-IIM, bare labels in other segments, between them and
//! behind the picture. The pictures that a multi-picture index names are read in the same way.

use super::{Collector, iptc::MAX_RESOURCES};
use crate::{
    containers::{iim, jpeg, mpf},
    labels::MAX_PACKET,
};
use std::ops::Range;

/// What opens an APP1 segment with a piece of extended XMP (XMP specification part 3, 1.1.3.1).
const EXTENSION_HEADER: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// Bytes of identifier, length of the whole and offset of the piece.
const PIECE_HEADER: usize = 32 + 4 + 4;
/// How many pieces are kept. Each has up to 65,400 bytes, and a packet has at most a mebibyte.
const MAX_PIECES: usize = 64;
impl Collector {
    pub(super) fn jpeg(&mut self, bytes: &[u8]) {
        let others = self.jpeg_picture("jpeg", 0, bytes);
        for (number, place) in (2..).zip(others) {
            if !self.visit() {
                return;
            }
            let start = place.start;
            self.jpeg_picture(&format!("jpeg:mpf{number}"), start, bytes.get(place).unwrap_or_default());
        }
    }

    /// One picture, which begins at `start` in the file; where further ones stand in `bytes`, if it has an index.
    fn jpeg_picture(&mut self, name: &str, start: usize, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut end = 0;
        let mut scanning = false;
        let mut others = Vec::new();
        let mut extension = Extension::default();
        let mut resources = Resources::default();
        for segment in jpeg::segments(bytes) {
            if !self.visit() {
                return Vec::new();
            }
            // Some writers put a label between two segments, where decoders pass it over.
            if !scanning && segment.offset > end {
                let between = bytes.get(end..segment.offset).unwrap_or_default();
                self.bare(&format!("{name}:bare"), start + end, between);
            }
            (end, scanning) = (segment.end, scanning || segment.marker == jpeg::SOS);
            let (offset, data) = (start + segment.offset, segment.data);
            match segment.marker {
                jpeg::APP1 if data.starts_with(jpeg::XMP_HEADER) => {
                    let packet = data.get(jpeg::XMP_HEADER.len()..).unwrap_or_default();
                    let named = self.xmp(&format!("{name}:app1:xmp"), offset, packet);
                    extension.named = extension.named.take().or(named);
                }
                jpeg::APP1 if data.starts_with(EXTENSION_HEADER) => {
                    let piece = data.get(EXTENSION_HEADER.len()..).unwrap_or_default();
                    extension
                        .pieces
                        .extend(Piece::parse(offset, piece).filter(|_| extension.pieces.len() < MAX_PIECES));
                }
                jpeg::APP1 if data.starts_with(jpeg::EXIF_HEADER) => {
                    self.exif(&format!("{name}:app1:exif"), offset, data);
                }
                jpeg::APP2 if mpf::is_index(&segment) && others.is_empty() => {
                    others = mpf::pictures(bytes, &segment);
                }
                jpeg::APP13 if data.starts_with(iim::PHOTOSHOP_HEADER) => resources.add(offset, data),
                marker @ jpeg::APP0..=jpeg::APP15 if marker != jpeg::APP2 && marker != jpeg::APP11 => {
                    self.bare(&format!("{name}:app{}", marker - jpeg::APP0), offset, data);
                }
                jpeg::COM => self.bare(&format!("{name}:com"), offset, data),
                jpeg::EOI => {
                    let behind = bytes.get(end..).unwrap_or_default();
                    self.bare(&format!("{name}:trailer"), start + end, behind);
                }
                _ => {}
            }
        }
        if let Some((offset, packet)) = extension.packet() {
            self.xmp(&format!("{name}:app1:xmp-extension"), offset, &packet);
        }
        if let Some(offset) = resources.offset {
            self.iptc(&format!("{name}:app13:iptc"), offset, &resources.bytes);
        }
        others
    }
}

/// Image resources of Photoshop: a section that may be spread over segments.
#[derive(Default)]
struct Resources {
    /// Offset of the first segment.
    offset: Option<usize>,
    bytes: Vec<u8>,
}

impl Resources {
    fn add(&mut self, offset: usize, segment: &[u8]) {
        let part = segment.get(iim::PHOTOSHOP_HEADER.len()..).unwrap_or_default();
        let room = MAX_RESOURCES - self.bytes.len();
        self.bytes.extend(part.get(..part.len().min(room)).unwrap_or_default());
        self.offset = self.offset.or(Some(offset));
    }
}

/// The second part of a packet that is too long for one segment.
#[derive(Default)]
struct Extension<'a> {
    /// The identifier that the first part names.
    named: Option<String>,
    pieces: Vec<Piece<'a>>,
}

struct Piece<'a> {
    offset: usize,
    identifier: &'a [u8],
    /// Where in the packet its data goes.
    place: usize,
    data: &'a [u8],
}

impl<'a> Piece<'a> {
    fn parse(offset: usize, bytes: &'a [u8]) -> Option<Self> {
        let (header, data) = bytes.split_at_checked(PIECE_HEADER)?;
        let identifier = header.get(..32)?;
        let place = usize::try_from(crate::containers::be32(header, 36)?).ok()?;
        Some(Self { offset, identifier, place, data })
    }
}

impl Extension<'_> {
    /// Offset of the first piece and the packet as far as its pieces follow each other. Pieces of identifiers that the
    /// first part does not name belong to nothing.
    fn packet(mut self) -> Option<(usize, Vec<u8>)> {
        let named = self.named?;
        self.pieces.retain(|piece| piece.identifier == named.as_bytes());
        self.pieces.sort_by_key(|piece| piece.place);
        let offset = self.pieces.first()?.offset;
        let mut packet = Vec::new();
        for piece in &self.pieces {
            if piece.place != packet.len() || packet.len() + piece.data.len() > MAX_PACKET {
                break;
            }
            packet.extend(piece.data);
        }
        Some((offset, packet)).filter(|(_, packet)| !packet.is_empty())
    }
}
