//! HEIC, HEIF and AVIF: `mime` and `Exif` items. MP4, MOV and M4A: metadata of the movie, and packets in boxes of their
//! own.

use super::{Collector, is_label_name};
use crate::{
    containers::{
        be32,
        bmff::{BmffBox, XMP_USER_TYPE, boxes, children},
        ilst, items,
    },
    labels::{
        MAX_PACKET, gb45438,
        inflate::{Coding, inflate},
    },
};

/// Media types under which a packet stands in a `mime` item.
const XMP_TYPES: [&[u8]; 2] = [b"application/rdf+xml", b"application/xml"];
/// The box in which a phone's editor keeps in HEIC what it appends to JPEG.
const SAMSUNG_BOX: [u8; 4] = *b"sefd";

impl Collector {
    pub(super) fn bmff(&mut self, bytes: &[u8]) {
        for top in boxes(bytes) {
            if !self.visit() {
                return;
            }
            match &top.kind {
                b"meta" => self.items(bytes, &top),
                b"moov" => self.movie(bytes, &top),
                b"uuid" if top.user_type == Some(XMP_USER_TYPE) => {
                    self.xmp("mp4:uuid:xmp", top.offset, top.data);
                }
                kind if *kind == SAMSUNG_BOX => self.samsung(top.data, top.data_offset()),
                _ => {}
            }
        }
    }

    fn items(&mut self, bytes: &[u8], meta: &BmffBox<'_>) {
        for item in items::metadata_items(bytes, meta) {
            if !self.visit() {
                return;
            }
            let Some(data) = item.data(bytes, MAX_PACKET) else {
                continue;
            };
            if item.kind == *b"Exif" {
                // The first four bytes say how far behind them the TIFF structure begins.
                let skip = be32(&data, 0).and_then(|skip| usize::try_from(skip).ok());
                let start = skip.and_then(|skip| skip.checked_add(4));
                if let Some(tiff) = start.and_then(|start| data.get(start..)) {
                    self.exif("heif:exif", item.offset(), tiff);
                }
            } else if XMP_TYPES.contains(&item.content_type) {
                self.encoded(item.offset(), item.content_encoding, &data);
            }
        }
    }

    fn encoded(&mut self, offset: usize, encoding: &[u8], data: &[u8]) {
        let coding = match encoding {
            b"deflate" => Coding::Zlib,
            b"gzip" => Coding::Gzip,
            _ => {
                self.xmp("heif:mime:xmp", offset, data);
                return;
            }
        };
        let inflated = inflate(data, coding, self.budget.min(MAX_PACKET));
        self.inflated(inflated.work);
        if let Some(packet) = inflated.text {
            self.xmp("heif:mime:xmp", offset, &packet);
        }
    }

    /// A movie's own metadata: in `meta`, or in `udta` and its `meta`.
    fn movie(&mut self, bytes: &[u8], movie: &BmffBox<'_>) {
        for part in children(bytes, movie, 0) {
            if !self.visit() {
                return;
            }
            match &part.kind {
                b"meta" => self.metadata("mp4:moov.meta.ilst", bytes, &part),
                b"udta" => self.user_data(bytes, &part),
                _ => {}
            }
        }
    }

    fn user_data(&mut self, bytes: &[u8], user_data: &BmffBox<'_>) {
        for part in children(bytes, user_data, 0) {
            if !self.visit() {
                return;
            }
            match &part.kind {
                b"meta" => self.metadata("mp4:moov.udta.meta.ilst", bytes, &part),
                b"XMP_" => {
                    self.xmp("mp4:moov.udta:XMP_", part.offset, part.data);
                }
                b"AIGC" => {
                    let text = part.data.get(..part.data.len().min(gb45438::MAX_TEXT)).unwrap_or_default();
                    self.field("mp4:moov.udta:AIGC", part.offset, "AIGC", &String::from_utf8_lossy(text));
                }
                _ => {}
            }
        }
    }

    fn metadata(&mut self, place: &str, bytes: &[u8], meta: &BmffBox<'_>) {
        for value in ilst::values(bytes, meta) {
            if !self.visit() {
                return;
            }
            let form = if value.freeform { "----:" } else { "" };
            let carrier = format!("{place}:{form}{}", super::cut(&value.name));
            if value.data.len() > gb45438::MAX_TEXT {
                if is_label_name(value.name.as_bytes()) {
                    self.unreadable(&carrier, value.offset);
                }
            } else if let Some(text) = value.text() {
                self.field(&carrier, value.offset, trace_name(&value.name), &text);
            }
        }
    }
}

/// The name under which traces know a field: comments and descriptions have several here.
fn trace_name(name: &str) -> &str {
    match name.rsplit('.').next().unwrap_or(name) {
        "\u{A9}cmt" | "comment" | "Comment" => "Comment",
        "\u{A9}des" | "desc" | "ldes" | "description" | "Description" => "Description",
        "\u{A9}too" | "software" | "encoder" => "Software",
        _ => name,
    }
}
