//! How files are inspected on this side: with C2PA where it is built in, and without any trust list.
//!
//! A client has no business deciding whom to trust: it reads manifests, and the registry judges their signers.

use touchstone_inspect::InspectOptions;

/// The options of every inspection here.
#[must_use]
pub fn options() -> InspectOptions {
    #[cfg(feature = "c2pa")]
    {
        use touchstone_inspect::c2pa::TrustAnchors;
        // Without anchors there is no list that could be unreadable.
        InspectOptions::with_c2pa(TrustAnchors::default()).unwrap_or_default()
    }
    #[cfg(not(feature = "c2pa"))]
    InspectOptions::default()
}
