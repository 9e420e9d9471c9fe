//! WebP: the `XMP ` and `EXIF` chunks.

use super::Collector;
use crate::containers::webp;

impl Collector {
    pub(super) fn webp(&mut self, bytes: &[u8]) {
        for chunk in webp::chunks(bytes) {
            if !self.visit() {
                return;
            }
            match &chunk.kind {
                b"XMP " => {
                    self.xmp("webp:XMP", chunk.offset, chunk.data);
                }
                b"EXIF" => self.exif("webp:EXIF", chunk.offset, chunk.data),
                _ => {}
            }
        }
    }
}
