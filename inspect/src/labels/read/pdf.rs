//! PDF: the entry `AIGC` of the information dictionary, in the file or among compressed objects, and packets.

use super::{Collector, latin1_or_utf8};
use crate::{
    containers::pdf::{self, Found},
    labels::{
        MAX_PACKET, gb45438,
        inflate::{Coding, inflate},
    },
};
use std::borrow::Cow;

/// The entry's name.
const NAME: &[u8] = b"/AIGC";

impl Collector {
    pub(super) fn pdf(&mut self, bytes: &[u8]) {
        for found in pdf::search(bytes, NAME, MAX_PACKET) {
            if !self.visit() {
                return;
            }
            match found {
                Found::Value(offset, value) => self.entry(offset, value),
                Found::Packet(offset, packet) => {
                    self.xmp("pdf:xmp", offset, packet);
                }
                Found::Objects(offset, data) => {
                    let inflated = inflate(data, Coding::Zlib, self.budget.min(MAX_PACKET));
                    self.inflated(inflated.work);
                    let objects = inflated.text.unwrap_or_default();
                    for found in pdf::search(&objects, NAME, 0) {
                        if !self.visit() {
                            return;
                        }
                        if let Found::Value(_, value) = found {
                            self.entry(offset, value);
                        }
                    }
                }
            }
        }
    }

    fn entry(&mut self, offset: usize, value: &[u8]) {
        let (text, looked_at) = pdf::string(value, gb45438::MAX_TEXT);
        if self.afford(looked_at)
            && let Some(text) = text
        {
            self.text("pdf:Info:AIGC", offset, &decoded(&text), true);
        }
    }
}

/// UTF-16 or UTF-8 with a byte order mark, or `PDFDocEncoding` (ISO 32000-2, 7.9.2.2), which is Latin-1 for what a label
/// may hold.
fn decoded(text: &[u8]) -> Cow<'_, str> {
    if let Some(rest) = text.strip_prefix(&[0xFE, 0xFF]) {
        let units: Vec<u16> = rest.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        return Cow::Owned(String::from_utf16_lossy(&units));
    }
    latin1_or_utf8(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text))
}
