//! C2PA content credentials: reading, validating and signing manifests (C2PA specification 2.x).
//!
//! Owns every call into the C2PA library, the trust anchors, and the rules that the library leaves to its
//! user. It must not know the network (nothing here can fetch), storage, or what a verdict is.
//!
//! Rules added to the library's own verdict:
//! - a signature over a picture from which the signer excluded further byte ranges counts as invalid, because
//!   those bytes can be replaced afterwards while the library still says "trusted";
//! - failures that are recorded for ingredients are listed even when the whole reads as trusted;
//! - a signer vouched for only by the list of time-stamp authorities is not trusted;
//! - a certificate on a list that is no CA vouches for itself alone;
//! - identities (CAWG) are judged apart: a faulty one does not invalidate a claim that holds, and one in a
//!   manifest that does not hold is not verified.

mod anchors;
mod disclosed;
mod extract;
mod identity;
mod jumbf;
mod lengths;
mod meaning;
mod probe;
mod raw;
mod report;
mod sign;
mod signals;
mod store;
mod trust;

pub use anchors::{AnchorCertificate, AnchorList, AnchorListError};
pub use disclosed::disclosed_ai;
pub use identity::{
    IDENTITY_MAIL_CERTIFICATE, IDENTITY_MANIFEST_INVALID, IDENTITY_NOT_READ, IDENTITY_RESTRICTED, Identity,
    IdentityKind, IdentityState,
};
pub use report::{AnchorSet, C2paReport, C2paState, HardBinding, Ingredient, Signer};
pub use report::{
    FAILURE_ADDITIONAL_EXCLUSIONS, FAILURE_LENGTH, FAILURE_STORE_TOO_LARGE, FAILURE_TOO_MANY_BOXES,
    FAILURE_UNREADABLE,
};
pub use report::{LIBRARY, MAX_LIST_LENGTH, MAX_TEXT_BYTES};
pub use sign::MAX_COMPONENTS;
pub use sign::{C2paSignError, Component, ManifestParts, ManifestToWrite, SigningIdentity};
pub use sign::{label_and_sign, propagate_and_sign, sign_manifest, sign_manifest_with};
pub use signals::{InceptionSignal, Signals, TransformationSignal};
pub use store::{
    MAX_MANIFESTS, MAX_SOFT_BINDING_BYTES, MAX_SOFT_BINDINGS, SoftBinding, StoreFault, StoreSummary,
    active_manifest_only, embedded_store,
};
pub use trust::{C2paSetupError, TrustAnchors};

use extract::Source;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use touchstone_schema::Sha256Digest;
use trust::Trust;

/// Largest manifest store that is parsed, in bytes. Stores of ordinary files have 10 kB to 2 MB. The library
/// turns every assertion into a JSON tree, which can take 30 times the size of a byte string, so this bounds
/// memory.
pub const MAX_STORE_BYTES: usize = 16 * 1024 * 1024;

/// Reads and validates manifests under a fixed set of trust anchors. Built once, shared by all threads.
///
/// One context holds all anchor sets: the library names the set that vouched for the signer, in the order
/// C2PA trust list, interim list, registrants, so one validation answers for all three.
#[derive(Clone)]
pub struct C2paReader {
    trust: Arc<Trust>,
}

impl std::fmt::Debug for C2paReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("C2paReader").finish_non_exhaustive()
    }
}

impl C2paReader {
    /// Builds a reader.
    ///
    /// # Errors
    /// [`C2paSetupError`] if a list holds no certificate or one that cannot be parsed.
    #[allow(clippy::needless_pass_by_value, reason = "a reader is built once, from lists made for it")]
    pub fn new(anchors: TrustAnchors) -> Result<Self, C2paSetupError> {
        Ok(Self { trust: Arc::new(Trust::new(&anchors)?) })
    }

    /// What the manifest in `bytes` says and whether it holds; `None` if the file carries no manifest and
    /// refers to none. `media_type` is used only where the bytes do not tell the format.
    ///
    /// Validates at the current time, except where a trusted time stamp dates the signature. Fetches nothing.
    /// CPU-bound: hashes the whole file if it is signed.
    #[must_use]
    pub fn read(&self, bytes: &[u8], media_type: &str) -> Option<C2paReport> {
        let media_type = probe::media_type(bytes).unwrap_or(media_type);
        if !probe::may_hold_manifest(bytes, media_type) {
            return None;
        }
        if !probe::is_judged(media_type) {
            return Some(C2paReport::new(C2paState::NotJudged, bytes, media_type));
        }
        if probe::has_too_many_boxes(bytes, media_type) {
            let problem = format!("the file has more than {} boxes", probe::MAX_BOXES);
            return Some(C2paReport::unreadable(bytes, media_type, FAILURE_TOO_MANY_BOXES, &problem));
        }
        if !lengths::fit_in_movie(bytes) {
            return Some(lying(bytes, media_type));
        }
        guarded(bytes, media_type, || {
            let store = ::c2pa::jumbf_io::load_jumbf_from_memory(media_type, bytes).ok();
            self.validate(Source { bytes, media_type, store: store.as_deref() }, false)
        })
    }

    /// As [`Self::read`], with a manifest store that is kept apart from the file, for example one that a
    /// repository holds for a picture whose own was dropped. A store in the file itself is not looked at.
    ///
    /// The hash leaves out the place where the manifest stood, so the file must still have it there: a file whose
    /// manifest was cut out is invalid here, and is found by [`crate::digest::content_sha256`], which equals the
    /// hard binding.
    #[must_use]
    pub fn read_detached(&self, store: &[u8], bytes: &[u8], media_type: &str) -> Option<C2paReport> {
        let media_type = probe::media_type(bytes).unwrap_or(media_type);
        guarded(bytes, media_type, || self.validate(Source { bytes, media_type, store: Some(store) }, true))
    }

    fn validate(&self, source: Source<'_>, detached: bool) -> Option<C2paReport> {
        let Source { bytes, media_type, store } = source;
        if store.is_some_and(|store| store.len() > MAX_STORE_BYTES) {
            let problem = format!("the manifest store is larger than {MAX_STORE_BYTES} bytes");
            return Some(C2paReport::unreadable(bytes, media_type, FAILURE_STORE_TOO_LARGE, &problem));
        }
        if store.is_some_and(|store| !lengths::fit_in_store(store)) {
            return Some(lying(bytes, media_type));
        }
        let reader = ::c2pa::Reader::from_shared_context(&self.trust.manifests);
        let reader = match store.filter(|_| detached) {
            Some(store) => reader.with_manifest_data_and_stream(store, media_type, Cursor::new(bytes)),
            None => reader.with_stream(media_type, Cursor::new(bytes)),
        };
        let mut report = match reader {
            Ok(reader) => extract::report(&reader, source, &self.trust),
            Err(error) if detached => {
                C2paReport::unreadable(bytes, media_type, FAILURE_UNREADABLE, &error.to_string())
            }
            Err(error) => extract::report_of_error(&error, bytes, media_type)?,
        };
        report.store_sha256 = store.map(Sha256Digest::of);
        if detached {
            report.carrier = "detached".to_owned();
            report.offset = 0;
        }
        Some(report)
    }
}

/// The report of a file in which a text claims to be longer than what it stands in ([`lengths`]).
fn lying(bytes: &[u8], media_type: &str) -> C2paReport {
    let problem = "a text in the manifest claims to be longer than what it stands in";
    C2paReport::unreadable(bytes, media_type, FAILURE_LENGTH, problem)
}

/// Runs the library on a file. It parses hostile input and has panicked on such input in past versions: a panic
/// must cost one report, never a server thread. What is shared between reports is not written to while reading,
/// so nothing that outlives the call can be left half-changed: asserting unwind safety is sound.
fn guarded(bytes: &[u8], media_type: &str, read: impl FnOnce() -> Option<C2paReport>) -> Option<C2paReport> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Some(C2paReport::unreadable(bytes, media_type, FAILURE_UNREADABLE, "the parser stopped"))
    })
}
