//! GIF: the application extension with XMP, and comments.

use super::{Collector, latin1_or_utf8};
use crate::{
    containers::gif,
    labels::{MAX_PACKET, gb45438},
};

impl Collector {
    pub(super) fn gif(&mut self, bytes: &[u8]) {
        for extension in gif::extensions(bytes) {
            if !self.visit() {
                return;
            }
            if let Some(packet) = extension.xmp(MAX_PACKET) {
                self.xmp("gif:application:xmp", extension.offset, &packet);
            } else if extension.label == gif::COMMENT {
                let comment = extension.joined(gb45438::MAX_TEXT);
                self.field("gif:comment", extension.offset, "Comment", &latin1_or_utf8(&comment));
            }
        }
    }
}
