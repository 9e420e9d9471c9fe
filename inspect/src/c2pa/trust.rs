//! Trust anchors and the library's settings. Everything that could reach the network is switched off here.

use super::report::AnchorSet;
use serde_json::{Value, json};
use std::sync::Arc;

/// Label under which the library reports the time-stamp authorities. It never stands for a signer's trust.
const TIME_STAMP_URI: &str = "urn:touchstone:anchors:time_stamp";

/// Extended key usages of C2PA signers: e-mail protection, document signing, the two C2PA signing usages
/// (C2PA specification, "Certificate profile", and its interim predecessor). Without this list the library
/// accepts e-mail protection alone and refuses signers of the C2PA trust list.
const SIGNER_USAGES: &str =
    "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.311.76.59.1.9\n1.3.6.1.4.1.62558.2.1\n";

/// Largest manifest that a compressed manifest may unpack to, in MiB.
const MAX_DECOMPRESSED_MIB: u32 = 8;

/// The trust anchors, each set as PEM text with one or more CA certificates. The sets are kept apart: a
/// report names the one that vouched for the signer. A set that is not configured is not emulated.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    /// The C2PA trust list.
    pub c2pa_trust_list: Option<Vec<u8>>,
    /// The frozen interim list.
    pub interim_list: Option<Vec<u8>>,
    /// CAs of this registry's own registrants.
    pub registrants: Option<Vec<u8>>,
    /// The C2PA list of time-stamp authorities. Without it no time stamp counts, and every signature is
    /// judged at the current time.
    pub time_stamp_list: Option<Vec<u8>>,
}

/// Why a reader could not be built.
#[derive(Debug, thiserror::Error)]
pub enum C2paSetupError {
    /// A list is not PEM text with at least one X.509 certificate.
    #[error("the trust anchors \"{set}\" cannot be used: {reason}")]
    Anchors {
        /// Name of the set, as in [`TrustAnchors`].
        set: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The library refused its settings.
    #[error("the C2PA library refused its settings: {0}")]
    Settings(String),
}

impl AnchorSet {
    /// Label of the set inside the library.
    pub(super) const fn uri(self) -> &'static str {
        match self {
            Self::C2pa => "urn:touchstone:anchors:c2pa",
            Self::Interim => "urn:touchstone:anchors:interim",
            Self::Registrants => "urn:touchstone:anchors:registrants",
        }
    }

    /// The set with this label.
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        [Self::C2pa, Self::Interim, Self::Registrants].into_iter().find(|set| set.uri() == uri)
    }
}

/// Settings shared by reading and signing.
pub(super) fn offline_settings() -> Value {
    json!({
        "core": {
            "allowed_network_hosts": [],
            "allow_redirects": false,
            // Identity assertions may name did:web documents, which only the network has. They are not
            // judged.
            "decode_identity_assertions": false,
            "max_decompressed_manifest_size_in_mb": MAX_DECOMPRESSED_MIB,
        },
        "verify": {
            "remote_manifest_fetch": false,
            "ocsp_fetch": false,
            "ocsp_fetch_should_override": false,
        },
        "trust": { "trust_config": SIGNER_USAGES },
        "builder": { "thumbnail": { "enabled": false } },
    })
}

/// The context in which manifests are read.
pub(super) fn context(anchors: TrustAnchors) -> Result<Arc<::c2pa::Context>, C2paSetupError> {
    // The order decides which set is named when several would vouch: the most widely recognised first.
    let lists = [
        ("c2pa_trust_list", anchors.c2pa_trust_list, AnchorSet::C2pa.uri(), "manifest"),
        ("interim_list", anchors.interim_list, AnchorSet::Interim.uri(), "manifest"),
        ("registrants", anchors.registrants, AnchorSet::Registrants.uri(), "manifest"),
        ("time_stamp_list", anchors.time_stamp_list, TIME_STAMP_URI, "tsa"),
    ];
    let mut configured = Vec::new();
    for (set, pem, uri, kind) in lists {
        let Some(pem) = pem else { continue };
        let pem = certificates(set, &pem)?;
        configured.push(json!({ "trust_anchors": pem, "trust_uri": uri, "trust_kind": kind }));
    }
    let mut settings = offline_settings();
    settings["trust"]["anchors"] = Value::Array(configured);
    ::c2pa::Context::new()
        .with_settings(settings)
        .map(::c2pa::Context::into_shared)
        .map_err(|error| C2paSetupError::Settings(error.to_string()))
}

/// Checks a list: the library itself would skip a broken certificate silently.
fn certificates(set: &'static str, pem: &[u8]) -> Result<String, C2paSetupError> {
    let refuse = |reason: String| C2paSetupError::Anchors { set, reason };
    let text = std::str::from_utf8(pem).map_err(|_| refuse("it is not text".to_owned()))?;
    let mut count = 0_usize;
    for block in x509_parser::pem::Pem::iter_from_buffer(pem) {
        count += 1;
        let block = block.map_err(|error| refuse(format!("PEM block {count}: {error}")))?;
        block.parse_x509().map_err(|error| refuse(format!("certificate {count}: {error}")))?;
    }
    if count == 0 {
        return Err(refuse("it holds no certificate".to_owned()));
    }
    Ok(text.to_owned())
}
