//! PNG: text chunks before and behind the pixels, and `eXIf`.

use super::{Collector, is_label_name, latin1_or_utf8};
use crate::{
    containers::png,
    labels::{
        MAX_PACKET,
        png_text::{TextChunk, raw_profile_bytes},
        traces,
    },
};

/// Keyword of an XMP packet.
pub(in crate::labels) const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp";

impl Collector {
    pub(super) fn png(&mut self, bytes: &[u8]) {
        for chunk in png::chunks(bytes) {
            if !self.visit() {
                return;
            }
            if chunk.kind == *b"eXIf" {
                self.exif("png:eXIf", chunk.offset, chunk.data);
            } else if let Some(text) = TextChunk::parse(&chunk) {
                self.png_text(chunk.offset, &text);
            }
        }
    }

    fn png_text(&mut self, offset: usize, text: &TextChunk<'_>) {
        let keyword = latin1_or_utf8(text.keyword);
        let is_label = is_label_name(text.keyword);
        let profile = text.raw_profile();
        let known = traces::FIELDS.contains(&&*keyword) || text.keyword == XMP_KEYWORD;
        if !(is_label || known || profile.is_some()) {
            return;
        }
        let carrier = format!("png:{}:{keyword}", text.kind);
        let (body, work) = text.counted_text(self.budget.min(MAX_PACKET));
        self.inflated(work);
        let Some(body) = body else {
            if is_label {
                self.unreadable(&carrier, offset);
            }
            return;
        };
        if text.keyword == XMP_KEYWORD {
            self.xmp(&carrier, offset, &body);
        } else if let Some(profile) = profile {
            self.raw_profile(&carrier, offset, profile, &body);
        } else {
            self.field(&carrier, offset, &keyword, &latin1_or_utf8(&body));
        }
    }

    /// Other metadata in hexadecimal digits, as an image library writes them.
    fn raw_profile(&mut self, carrier: &str, offset: usize, profile: &[u8], text: &[u8]) {
        if !matches!(profile, b"xmp" | b"exif" | b"APP1" | b"iptc" | b"8bim") || !self.afford(text.len()) {
            return;
        }
        let Some(bytes) = raw_profile_bytes(text) else {
            return;
        };
        match bytes.strip_prefix(crate::containers::jpeg::XMP_HEADER) {
            Some(packet) => self.xmp(carrier, offset, packet),
            None if profile == b"xmp" => self.xmp(carrier, offset, &bytes),
            None if matches!(profile, b"iptc" | b"8bim") => {
                self.iptc(carrier, offset, &bytes);
                None
            }
            None => {
                self.exif(carrier, offset, &bytes);
                None
            }
        };
    }
}
