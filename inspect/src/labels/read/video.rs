//! Videos that are no ISO base media files: tags of Matroska and WebM, metadata of FLV, the list of AVI.

use super::{Collector, latin1_or_utf8};
use crate::{
    containers::{avi_chunks, ebml, flv, riff},
    labels::gb45438,
};

impl Collector {
    pub(super) fn matroska(&mut self, bytes: &[u8]) {
        for tag in ebml::simple_tags(bytes) {
            if !self.visit() {
                return;
            }
            self.tag("matroska:SimpleTag", tag.offset, tag.name, tag.text);
        }
    }

    pub(super) fn flv(&mut self, bytes: &[u8]) {
        let (properties, seen) = flv::properties(bytes);
        self.work.parts += seen;
        for property in properties {
            if !self.visit() {
                return;
            }
            self.tag("flv:onMetaData", property.offset, property.name, property.text);
        }
    }

    pub(super) fn avi(&mut self, bytes: &[u8]) {
        for chunk in avi_chunks(bytes) {
            if !self.visit() {
                return;
            }
            if chunk.kind == *b"_PMX" {
                self.xmp("avi:_PMX", chunk.offset, chunk.data);
            }
            for entry in riff::listed(bytes, &chunk, b"INFO") {
                if !self.visit() {
                    return;
                }
                let text = entry.data.split(|byte| *byte == 0).next().unwrap_or_default();
                self.tag("avi:LIST.INFO", entry.offset, &entry.kind, text);
            }
        }
    }

    /// A named text.
    fn tag(&mut self, carrier: &str, offset: usize, name: &[u8], text: &[u8]) {
        let name = latin1_or_utf8(name);
        let carrier = format!("{carrier}:{}", super::cut(&name));
        if text.len() <= gb45438::MAX_TEXT {
            self.field(&carrier, offset, trace_name(&name), &latin1_or_utf8(text));
        } else if super::is_label_name(name.as_bytes()) {
            self.unreadable(&carrier, offset);
        }
    }
}

/// The name under which traces know a field.
fn trace_name(name: &str) -> &str {
    match name {
        "COMMENT" | "comment" | "ICMT" => "Comment",
        "DESCRIPTION" | "description" | "ISBJ" => "Description",
        "ENCODER" | "encoder" | "ISFT" => "Software",
        _ => name,
    }
}
