//! Between the features of a picture and the index's descriptors, and where the descriptors are kept.

use super::postings::{CodeFile, CodeStore, CodesError, Local, MemoryCodes};
use std::sync::atomic::{AtomicUsize, Ordering};
use touchstone_inspect::features::{Feature, Query, TwoFaced};

/// A feature as the index keeps it: rounded as in a record.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "conversions stop at the type's ends"
)]
pub(super) fn local(feature: &Feature) -> Local {
    let keypoint = &feature.keypoint;
    let place = |value: f32| (value * 32.0 + 0.5) as u16;
    Local {
        code: feature.code,
        x: place(keypoint.x),
        y: place(keypoint.y),
        log_scale: ((keypoint.log_scale + 1.0) * 24.0 + 0.5) as u8,
        angle: ((keypoint.angle * 256.0 + 0.5) as u32 % 256) as u8,
    }
}

/// A photo's descriptors as it is.
pub(super) fn plain(photo: &Query) -> Vec<Local> {
    photo.features.iter().map(|two| local(&two.feature)).collect()
}

/// A photo's descriptors as if it were mirrored left to right.
pub(super) fn mirrored(photo: &Query) -> Vec<Local> {
    let mirror = |two: &TwoFaced| {
        let mut turned = two.feature;
        turned.code = two.mirrored;
        turned.keypoint.x = f32::from(photo.width) - turned.keypoint.x;
        let angle = 0.5 - turned.keypoint.angle;
        turned.keypoint.angle = angle - angle.floor();
        local(&turned)
    };
    photo.features.iter().map(mirror).collect()
}

/// Where descriptors are kept.
#[derive(Debug)]
enum Place {
    Memory(MemoryCodes),
    File(CodeFile),
}

/// The descriptors of all pictures.
#[derive(Debug)]
pub(super) struct Codes {
    place: Place,
    /// Pictures that were put into memory.
    count: AtomicUsize,
}

impl Codes {
    pub(super) fn in_memory() -> Self {
        Self { place: Place::Memory(MemoryCodes::default()), count: AtomicUsize::new(0) }
    }

    pub(super) fn in_file(file: CodeFile) -> Self {
        Self { place: Place::File(file), count: AtomicUsize::new(0) }
    }

    /// The file, if they are in one.
    pub(super) fn file(&self) -> Option<&CodeFile> {
        match &self.place {
            Place::Memory(_) => None,
            Place::File(file) => Some(file),
        }
    }

    pub(super) fn put(&self, picture: u32, locals: &[Local]) -> Result<(), CodesError> {
        match &self.place {
            Place::Memory(codes) => {
                codes.put(picture, locals);
                self.count.fetch_add(1, Ordering::Relaxed);
            }
            Place::File(codes) => codes.put(picture, locals)?,
        }
        Ok(())
    }

    pub(super) fn remove(&self, picture: u32) -> Result<(), CodesError> {
        match &self.place {
            Place::Memory(codes) => codes.put(picture, &[]),
            Place::File(codes) => codes.remove(picture)?,
        }
        Ok(())
    }

    /// Pictures that were put.
    pub(super) fn len(&self) -> usize {
        self.file().map_or_else(|| self.count.load(Ordering::Relaxed), CodeFile::len)
    }
}

impl CodeStore for Codes {
    fn read(&self, picture: u32, out: &mut Vec<Local>) -> Result<bool, CodesError> {
        match &self.place {
            Place::Memory(codes) => codes.read(picture, out),
            Place::File(codes) => codes.read(picture, out),
        }
    }
}
