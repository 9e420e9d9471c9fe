//! JPEG: APP1 with XMP, extended XMP or EXIF, bare labels in other segments, between them and behind the picture.

use super::Collector;
use crate::{containers::jpeg, labels::MAX_PACKET};

/// What opens an APP1 segment with a piece of extended XMP (XMP specification part 3, 1.1.3.1).
const EXTENSION_HEADER: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// Bytes of identifier, length of the whole and offset of the piece.
const PIECE_HEADER: usize = 32 + 4 + 4;
/// How many pieces are kept. Each has up to 65,400 bytes, and a packet has at most a mebibyte.
const MAX_PIECES: usize = 64;
/// Names of the application segments as carriers.
const APPLICATION: [&str; 16] = [
    "jpeg:app0",
    "jpeg:app1",
    "jpeg:app2",
    "jpeg:app3",
    "jpeg:app4",
    "jpeg:app5",
    "jpeg:app6",
    "jpeg:app7",
    "jpeg:app8",
    "jpeg:app9",
    "jpeg:app10",
    "jpeg:app11",
    "jpeg:app12",
    "jpeg:app13",
    "jpeg:app14",
    "jpeg:app15",
];

impl Collector {
    pub(super) fn jpeg(&mut self, bytes: &[u8]) {
        let mut end = 0;
        let mut scanning = false;
        let mut extension = Extension::default();
        for segment in jpeg::segments(bytes) {
            if !self.visit() {
                return;
            }
            // Some writers put a label between two segments, where decoders pass it over.
            if !scanning && segment.offset > end {
                self.bare("jpeg:bare", end, bytes.get(end..segment.offset).unwrap_or_default());
            }
            (end, scanning) = (segment.end, scanning || segment.marker == jpeg::SOS);
            match segment.marker {
                jpeg::APP1 if segment.data.starts_with(jpeg::XMP_HEADER) => {
                    let packet = segment.data.get(jpeg::XMP_HEADER.len()..).unwrap_or_default();
                    let named = self.xmp("jpeg:app1:xmp", segment.offset, packet);
                    extension.named = extension.named.take().or(named);
                }
                jpeg::APP1 if segment.data.starts_with(EXTENSION_HEADER) => {
                    let piece = segment.data.get(EXTENSION_HEADER.len()..).unwrap_or_default();
                    extension.pieces.extend(
                        Piece::parse(segment.offset, piece).filter(|_| extension.pieces.len() < MAX_PIECES),
                    );
                }
                jpeg::APP1 if segment.data.starts_with(jpeg::EXIF_HEADER) => {
                    self.exif("jpeg:app1:exif", segment.offset, segment.data);
                }
                marker @ jpeg::APP0..=jpeg::APP15 if marker != jpeg::APP2 && marker != jpeg::APP11 => {
                    let name = APPLICATION.get(usize::from(marker - jpeg::APP0));
                    self.bare(name.copied().unwrap_or("jpeg:app"), segment.offset, segment.data);
                }
                jpeg::COM => self.bare("jpeg:com", segment.offset, segment.data),
                jpeg::EOI => self.bare("jpeg:trailer", end, bytes.get(end..).unwrap_or_default()),
                _ => {}
            }
        }
        if let Some((offset, packet)) = extension.packet() {
            self.xmp("jpeg:app1:xmp-extension", offset, &packet);
        }
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
