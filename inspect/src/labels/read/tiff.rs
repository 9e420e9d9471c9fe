//! TIFF: the packet in tag 0x2BC and the text fields of every page.

use super::Collector;
use crate::containers::tiff::Tiff;

impl Collector {
    pub(super) fn tiff_file(&mut self, bytes: &[u8]) {
        let Some(tiff) = Tiff::open(bytes) else {
            return;
        };
        for directory in tiff.directories() {
            if !self.visit() {
                return;
            }
            self.directory("tiff", None, &tiff, directory);
        }
    }
}
