//! C2PA content credentials: reading, validating and signing manifests (C2PA specification 2.x).
//!
//! Owns every call into the C2PA library, the trust anchors, and the rules that the library leaves to its
//! user. It must not know the network (nothing here can fetch), storage, or what a verdict is.
//!
//! Rules added to the library's own verdict:
//! - a signature over a picture from which the signer excluded further byte ranges counts as invalid, because
//!   those bytes can be replaced afterwards while the library still says "trusted";
//! - failures that are recorded for ingredients are listed even when the whole reads as trusted;
//! - a signer vouched for only by the list of time-stamp authorities is not trusted.

mod extract;
mod meaning;
mod probe;
mod report;
mod sign;
mod store;
mod trust;

pub use report::{AnchorSet, C2paReport, C2paState, HardBinding, Ingredient, Signer};
pub use report::{FAILURE_ADDITIONAL_EXCLUSIONS, FAILURE_STORE_TOO_LARGE, FAILURE_UNREADABLE};
pub use report::{LIBRARY, MAX_LIST_LENGTH, MAX_TEXT_BYTES};
pub use sign::{C2paSignError, ManifestToWrite, SigningIdentity, sign_manifest};
pub use store::{
    MAX_MANIFESTS, MAX_SOFT_BINDING_BYTES, MAX_SOFT_BINDINGS, STORE_MEDIA_TYPE, SoftBinding, StoreFault,
    StoreSummary, active_manifest_only, embedded_store,
};
pub use trust::{C2paSetupError, TrustAnchors};

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use touchstone_schema::Sha256Digest;

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
    context: Arc<::c2pa::Context>,
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
    pub fn new(anchors: TrustAnchors) -> Result<Self, C2paSetupError> {
        Ok(Self { context: trust::context(anchors)? })
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
        // The library parses hostile input and has panicked on such input in past versions. A panic here must
        // cost one report, never a server thread. The context is not written to while reading, so nothing
        // that outlives the call can be left half-changed: asserting unwind safety is sound.
        catch_unwind(AssertUnwindSafe(|| self.read_embedded(bytes, media_type))).unwrap_or_else(|_| {
            Some(C2paReport::unreadable(bytes, media_type, FAILURE_UNREADABLE, "the parser stopped"))
        })
    }

    fn read_embedded(&self, bytes: &[u8], media_type: &str) -> Option<C2paReport> {
        let store = ::c2pa::jumbf_io::load_jumbf_from_memory(media_type, bytes).ok();
        if store.as_ref().is_some_and(|store| store.len() > MAX_STORE_BYTES) {
            let problem = format!("the manifest store is larger than {MAX_STORE_BYTES} bytes");
            return Some(C2paReport::unreadable(bytes, media_type, FAILURE_STORE_TOO_LARGE, &problem));
        }
        let store_sha256 = store.as_deref().map(Sha256Digest::of);
        let store_bytes = store.as_ref().map_or(0, Vec::len);
        drop(store);
        let reader = ::c2pa::Reader::from_shared_context(&self.context);
        let mut report = match reader.with_stream(media_type, Cursor::new(bytes)) {
            Ok(reader) => extract::report(&reader, bytes, media_type, store_bytes),
            Err(error) => extract::report_of_error(&error, bytes, media_type)?,
        };
        report.store_sha256 = store_sha256;
        Some(report)
    }
}
