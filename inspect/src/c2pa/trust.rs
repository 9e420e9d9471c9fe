//! Trust anchors and the library's settings. Everything that could reach the network is switched off here.

use super::anchors::{AnchorList, AnchorListError};
use super::report::AnchorSet;
use ::c2pa::crypto::cose::{CertificateTrustPolicy, InvalidCertificateError, TrustAnchorType};
use ::c2pa::http::{HttpResolverError, SyncHttpResolver, http};
use serde_json::{Value, json};
use std::sync::Arc;
use touchstone_schema::Sha256Digest;

/// Label under which the library reports the time-stamp authorities. It never stands for a signer's trust.
const TIME_STAMP_URI: &str = "urn:touchstone:anchors:time_stamp";
/// Label under which the library reports the list of identities.
const IDENTITY_URI: &str = "urn:touchstone:anchors:identities";

/// Extended key usages of signers, one in a line: e-mail protection, document signing, and the two C2PA signing
/// usages (C2PA specification, "Certificate profile", and its interim predecessor). Without this list the
/// library accepts e-mail protection alone and refuses signers of the C2PA trust list.
pub(super) const SIGNER_USAGES: &str =
    "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.311.76.59.1.9\n1.3.6.1.4.1.62558.2.1\n";

/// Largest manifest that a compressed manifest may unpack to, in MiB.
const MAX_DECOMPRESSED_MIB: u32 = 8;

/// Who is trusted. The sets are kept apart: a report names the one that vouched for the signer. A set that is
/// not configured is not emulated. Each list is PEM text; [`AnchorList`] says what is in one.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    /// The C2PA trust list.
    pub c2pa_trust_list: Option<Vec<u8>>,
    /// The frozen interim list.
    pub interim_list: Option<Vec<u8>>,
    /// CAs and signing certificates of this registry's own registrants.
    pub registrants: Option<Vec<u8>>,
    /// The C2PA list of time-stamp authorities. Without it no time stamp counts, and every signature is
    /// judged at the current time.
    pub time_stamp_list: Option<Vec<u8>>,
    /// CAs and certificates of persons and organisations in CAWG identity assertions, for example the IPTC list
    /// of verified news publishers. They vouch for identities only, never for a signer.
    pub identities: Option<Vec<u8>>,
    /// Decentralised identifiers of the aggregators whose identity credentials are trusted.
    pub identity_aggregators: Vec<String>,
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
        reason: AnchorListError,
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
            // Identities are judged apart, so that a stranger's faulty identity assertion does not invalidate a
            // claim that holds.
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

/// The configured lists in the forms in which they are asked.
pub(super) struct Trust {
    /// The context in which manifests are read.
    pub(super) manifests: Arc<::c2pa::Context>,
    /// The context in which aggregated identities are read.
    pub(super) aggregators: Arc<::c2pa::Context>,
    /// The policy for X.509 identities.
    pub(super) identities: CertificateTrustPolicy,
    /// The lists of signers, the most widely recognised first.
    signers: Vec<(AnchorSet, AnchorList)>,
    /// Digests of the pinned certificates of identities.
    pinned_identities: Vec<Sha256Digest>,
}

impl Trust {
    pub(super) fn new(anchors: &TrustAnchors) -> Result<Self, C2paSetupError> {
        let read = |set: &'static str, pem: &Option<Vec<u8>>| {
            let list = pem.as_deref().map(AnchorList::read).transpose();
            list.map_err(|reason| C2paSetupError::Anchors { set, reason })
        };
        // The order decides which set is named when several would vouch.
        let mut signers = Vec::new();
        for (name, pem, set) in [
            ("c2pa_trust_list", &anchors.c2pa_trust_list, AnchorSet::C2pa),
            ("interim_list", &anchors.interim_list, AnchorSet::Interim),
            ("registrants", &anchors.registrants, AnchorSet::Registrants),
        ] {
            signers.extend(read(name, pem)?.map(|list| (set, list)));
        }
        let time_stamps = read("time_stamp_list", &anchors.time_stamp_list)?;
        let identities = read("identities", &anchors.identities)?;

        let mut configured: Vec<Value> = signers
            .iter()
            .map(|(set, list)| {
                json!({
                    "trust_anchors": list.pem(true),
                    "allowed_list": Some(list.pem(false)).filter(|pinned| !pinned.is_empty()),
                    "trust_uri": set.uri(),
                    "trust_kind": "manifest",
                })
            })
            .collect();
        if let Some(list) = &time_stamps {
            // Here a certificate that is no CA may stand for itself as its own issuer. What it could issue
            // beyond that are further time stamps, which its key can make anyway.
            let pem = [list.pem(true), list.pem(false)].concat();
            configured
                .push(json!({ "trust_anchors": pem, "trust_uri": TIME_STAMP_URI, "trust_kind": "tsa" }));
        }
        let mut settings = offline_settings();
        settings["trust"]["anchors"] = Value::Array(configured);
        let manifests = context(settings)?;

        let mut settings = offline_settings();
        settings["core"]["decode_identity_assertions"] = json!(true);
        // The claim itself was validated before.
        settings["verify"]["verify_after_reading"] = json!(false);
        settings["trust"]["anchors"] = json!([{
            "trust_anchors": "",
            "trust_kind": "cawg",
            "trusted_ica_issuers": anchors.identity_aggregators,
        }]);
        let aggregators = context(settings)?;

        let refuse = |error: InvalidCertificateError| C2paSetupError::Settings(error.to_string());
        let mut policy = CertificateTrustPolicy::new();
        policy.add_valid_ekus(SIGNER_USAGES.as_bytes());
        if let Some(list) = &identities {
            policy
                .add_trust_anchors(list.pem(true).as_bytes(), IDENTITY_URI, TrustAnchorType::CAWG, None)
                .map_err(refuse)?;
            policy.add_end_entity_credentials(list.pem(false).as_bytes()).map_err(refuse)?;
        }
        Ok(Self {
            manifests,
            aggregators,
            identities: policy,
            signers,
            pinned_identities: identities.iter().flat_map(AnchorList::pinned).collect(),
        })
    }

    /// The set in which this certificate itself is pinned as a signer.
    pub(super) fn pinned_signer(&self, der: &[u8]) -> Option<AnchorSet> {
        let digest = Sha256Digest::of(der);
        let mut sets = self.signers.iter();
        sets.find(|(_, list)| list.pinned().any(|pinned| pinned == digest)).map(|(set, _)| *set)
    }

    /// Whether this certificate itself is on the list of identities.
    pub(super) fn is_pinned_identity(&self, der: &[u8]) -> bool {
        self.pinned_identities.contains(&Sha256Digest::of(der))
    }

    /// SHA-256 of the list behind a set.
    pub(super) fn list_sha256(&self, set: AnchorSet) -> Option<Sha256Digest> {
        self.signers.iter().find(|(configured, _)| *configured == set).map(|(_, list)| list.sha256)
    }
}

/// A context of the library that reaches no network, whatever it was built with.
fn context(settings: Value) -> Result<Arc<::c2pa::Context>, C2paSetupError> {
    ::c2pa::Context::new()
        .with_settings(settings)
        .map(|context| context.with_resolver(NoNetwork).into_shared())
        .map_err(|error| C2paSetupError::Settings(error.to_string()))
}

/// Answers every request with a refusal. The library is built without an HTTP client; this holds even if another
/// crate in the same build should switch one on.
struct NoNetwork;

impl SyncHttpResolver for NoNetwork {
    fn http_resolve(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Box<dyn std::io::Read>>, HttpResolverError> {
        Err(HttpResolverError::UriDisallowed { uri: request.uri().to_string() })
    }
}
