//! IPTC-IIM: the text properties that services write, in image resources of Photoshop or by themselves.

use super::{Collector, latin1_or_utf8};
use crate::{
    containers::iim::{self, Dataset},
    labels::MAX_PACKET,
};

/// How much of the image resources of a picture is looked at: previews stand among them.
pub(super) const MAX_RESOURCES: usize = MAX_PACKET;
/// How many resources of a picture, and how many datasets in them, are looked at.
const MAX_PARTS: usize = 4096;
/// The application record.
const APPLICATION: u8 = 2;
/// Numbers of text properties in it, with the names under which traces know them (IIM 4.2, chapter 6).
const PROPERTIES: [(u8, &str); 6] =
    [(5, "Title"), (65, "Software"), (80, "Artist"), (110, "Credit"), (115, "Source"), (120, "Description")];

impl Collector {
    /// Datasets, alone or among image resources.
    pub(super) fn iptc(&mut self, carrier: &str, offset: usize, bytes: &[u8]) {
        let bytes = bytes.get(..bytes.len().min(MAX_RESOURCES)).unwrap_or_default();
        if !self.afford(bytes.len()) {
            return;
        }
        let resources: Vec<_> = iim::resources(bytes).take(MAX_PARTS).take_while(|_| self.visit()).collect();
        let parts = match resources.as_slice() {
            [] => vec![bytes],
            some => some.iter().filter(|it| it.id == iim::IPTC_RESOURCE).map(|it| it.data).collect(),
        };
        for dataset in parts.into_iter().flat_map(iim::datasets).take(MAX_PARTS) {
            if !self.visit() {
                return;
            }
            self.dataset(carrier, offset, &dataset);
        }
    }

    fn dataset(&mut self, carrier: &str, offset: usize, dataset: &Dataset<'_>) {
        let known = PROPERTIES.iter().find(|(number, _)| *number == dataset.number);
        if let Some((_, name)) = known.filter(|_| dataset.record == APPLICATION) {
            self.field(&format!("{carrier}:{name}"), offset, name, &latin1_or_utf8(dataset.data));
        }
    }
}
