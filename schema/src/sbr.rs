//! The C2PA Soft Binding Resolution API, version 2.4.0: identifiers of manifests, bodies and answers.
//!
//! Names and forms are those of the C2PA description (c2pa-org, `c2pa-sbr` 2.4.0), not of this registry's own interface.
//! Where that leaves objects open, unknown members are passed over. [`Bindings::alg`] is an addition.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use std::{fmt, str::FromStr};
use utoipa::ToSchema;

/// Version of the C2PA specification whose API this is.
pub const SPECIFICATION_VERSION: &str = "2.4.0";
/// Media type of manifest stores.
pub const STORE_MEDIA_TYPE: &str = "application/c2pa";
/// Type of receipts.
pub const RECEIPT_TYPE: &str = "org.c2pa.manifest-receipt";
/// Name of the ISCC (ISO 24138) in the C2PA list of soft binding algorithms.
pub const ISCC: &str = "io.iscc.v0";
/// Watermarks for pictures in the C2PA list of soft binding algorithms, whose values are looked up as they are.
pub const WATERMARKS: &[&str] = &[
    "com.digimarc.validate.1",
    "org.atsc.a336",
    "com.adobe.trustmark.Q",
    "com.adobe.trustmark.C",
    "com.adobe.trustmark.P",
    "ai.steg.api",
    "ai.trufo.gen1.image",
    "ai.trufo.gen1.image-lite",
    "app.overlai.watermark.1",
    "castLabs.watermark.1",
    "com.imatag.lamark.v1",
    "com.nagra.nexguard.watermark.1",
    "com.mentaport.watermark.1",
    "com.microsoft.invismark.1",
    "ai.contentlens.image.basewmk",
    "ai.contentlens.image.ensemblewmk",
    "ai.contentlens.image.customwmk",
    "es.lumatrace",
    "com.markany.watermark.1",
    "com.aiwatermark.pixelseal.1",
];
/// Longest identifier of a manifest, in bytes.
pub const MAX_MANIFEST_ID: usize = 255;
/// Length of a UUID's text.
const UUID: usize = 36;

/// Whether soft bindings of this algorithm are accepted.
#[must_use]
pub fn is_supported(alg: &str) -> bool {
    alg == ISCC || WATERMARKS.contains(&alg)
}

/// Identifier of a manifest: its label, a URN as C2PA writes them. Since 2.0 `urn:c2pa:`, a UUID and optional parts;
/// before `urn:uuid:` and a UUID, after an optional vendor and a colon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManifestId(String);

impl ManifestId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no identifier of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a C2PA manifest label: urn:c2pa: or urn:uuid: with a UUID, at most {MAX_MANIFEST_ID} characters"
)]
pub struct InvalidManifestId;

impl FromStr for ManifestId {
    type Err = InvalidManifestId;

    fn from_str(text: &str) -> Result<Self, InvalidManifestId> {
        // What JUMBF (ISO/IEC 19566-5) or a URI's path has another use for does not stand in a label.
        let plain = |c: u8| c.is_ascii_graphic() && !br#"/?#%;\"<>`{}|^"#.contains(&c);
        if text.len() > MAX_MANIFEST_ID || !text.bytes().all(plain) {
            return Err(InvalidManifestId);
        }
        let uuid = match text.strip_prefix("urn:c2pa:") {
            Some(rest) => rest.split(':').next(),
            None => match text.split_once("urn:uuid:") {
                Some((vendor, rest)) if vendor.is_empty() || vendor.ends_with(':') => Some(rest),
                _ => None,
            },
        };
        if uuid.is_some_and(is_uuid) { Ok(Self(text.to_owned())) } else { Err(InvalidManifestId) }
    }
}

/// Whether the text begins with a UUID that ends there or before another part (RFC 9562 section 4).
fn is_uuid(text: &str) -> bool {
    let (Some(uuid), rest) = (text.as_bytes().get(..UUID), text.as_bytes().get(UUID)) else { return false };
    let fits = |(place, byte): (usize, &u8)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    uuid.iter().enumerate().all(fits) && rest.is_none_or(|next| matches!(next, b':' | b'_' | b'.'))
}

impl fmt::Display for ManifestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ManifestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ManifestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

crate::json::string_schema!(
    ManifestId,
    "c2pa-manifest-id",
    "^([^/?#]+:)?urn:(c2pa|uuid):[^/?#]+$",
    "label of a C2PA manifest"
);

/// `POST /matches/byBinding`: which manifests have this soft binding?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SoftBindingQuery {
    /// Name of the algorithm in the C2PA list.
    pub alg: String,
    /// The value in base64, in the algorithm's own form.
    pub value: String,
}

/// Manifests that match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SoftBindingQueryResult {
    /// The best first.
    pub matches: Vec<SoftBindingMatch>,
}

/// A manifest that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoftBindingMatch {
    /// The manifest.
    pub manifest_id: ManifestId,
    /// How similar, 0 to 100; absent where a value is either the same or another.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(maximum = 100)]
    pub similarity_score: Option<u8>,
}

/// `POST` and `PUT /bindings`: a soft binding of an own manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bindings {
    /// The value in base64, in the algorithm's own form.
    pub binding_value: String,
    /// The manifest.
    pub manifest_id: ManifestId,
    /// Name of the algorithm in the C2PA list: an addition to the C2PA description. Without it, it is the one under which
    /// the manifest already claims soft bindings, or the ISCC if the value is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alg: Option<String>,
}

/// Answer to `POST /manifests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestCreateResult {
    /// Label of the active manifest.
    pub manifest_id: ManifestId,
    /// The receipt, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipt: Option<ManifestReceipt>,
}

/// That a manifest store was taken into the repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestReceipt {
    /// JSON-LD context.
    #[serde(rename = "@context")]
    #[schema(value_type = Value)]
    pub context: ReceiptContext,
    /// Always `org.c2pa.manifest-receipt`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Which manifest, and where.
    pub repository: ReceiptRepository,
    /// How that is proved.
    pub anchor: ReceiptAnchor,
}

/// A JSON-LD context: an object, or where one is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReceiptContext {
    /// Written out.
    Terms(Map<String, Value>),
    /// Elsewhere; it is not fetched.
    Address(String),
}

/// The repository's part of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReceiptRepository {
    /// Address of the repository.
    #[serde(deserialize_with = "uri")]
    #[schema(format = "uri")]
    pub uri: String,
    /// The manifest.
    pub manifest_id: ManifestId,
}

/// The proof's part of a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptAnchor {
    /// Where the log entry is read.
    #[serde(deserialize_with = "uri")]
    #[schema(format = "uri")]
    pub uri: String,
    /// The place in the log and the hash of the leaf there.
    pub proof: Map<String, Value>,
    /// What is needed to verify it: keys and the log's origin.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    pub parameters: Option<Map<String, Value>>,
}

/// A member that may be left out but not be null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn uri<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_uri(&text) { Ok(text) } else { Err(de::Error::custom("a URI expected")) }
}

/// Whether the text is a URI (RFC 3986), with a name or an IPv4 address where it has a host.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(named);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let escaped = |part: &str| {
        part.split('%')
            .skip(1)
            .all(|after| after.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
    };
    let has_place = rest.strip_prefix("//").is_none_or(|rest| {
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = host.split_once(':').unwrap_or((host, ""));
        !host.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let parts = [rest, fragment];
    is_scheme && has_place && parts.iter().all(|part| part.bytes().all(plain) && escaped(part))
}

/// A receipt with the result of its verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedManifestReceipt {
    /// The receipt.
    #[serde(flatten)]
    pub receipt: ManifestReceipt,
    /// Whether it holds.
    pub verified: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// Answer to `GET /services/supportedAlgorithms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SoftBindingAlgList {
    /// Watermarks whose values are looked up.
    pub watermarks: Vec<SoftBindingAlg>,
    /// Fingerprints that are computed and looked up.
    pub fingerprints: Vec<SoftBindingAlg>,
}

/// An algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SoftBindingAlg {
    /// Its name in the C2PA list.
    pub alg: String,
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// Everything works.
    Ok,
    /// Some pictures are not found yet.
    Degraded,
    /// Nothing can be answered.
    Down,
}

/// Answer to `GET /services/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceStatus {
    /// How the service is.
    pub status: ServiceState,
    /// When.
    pub timestamp: crate::Timestamp,
}

/// Answer to `GET /services/capabilities`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceCapabilities {
    /// Version of the C2PA specification.
    pub c2pa_specification_version: String,
    /// Optional parts of the API that are there.
    pub supported_capabilities: Vec<String>,
}

/// `GET /.well-known/c2pa-soft-binding-resolution`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WellKnownDiscovery {
    /// Where the API is.
    pub api_endpoint: String,
    /// Version of the C2PA specification.
    pub c2pa_specification_version: String,
    /// Where the capabilities are read.
    pub capabilities_endpoint: String,
    /// Where the status is read.
    pub status_endpoint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_labels_of_manifests() {
        let uuid = "F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4";
        for good in [
            format!("urn:c2pa:{uuid}"),
            format!("urn:c2pa:{uuid}:acme"),
            format!("urn:c2pa:{uuid}:acme:2_1"),
            format!("urn:uuid:{uuid}"),
            format!("adobe:urn:uuid:{uuid}"),
        ] {
            assert_eq!(good.parse::<ManifestId>().unwrap().as_str(), good);
        }
        for bad in [
            String::new(),
            "nonsense".to_owned(),
            "urn:c2pa:".to_owned(),
            format!("urn:c2pa:{uuid}0"),
            format!("urn:c2pa:{}", &uuid[1..]),
            format!("urn:other:{uuid}"),
            format!("adobeurn:uuid:{uuid}"),
            format!("urn:c2pa:{uuid}:a/b"),
            format!("urn:c2pa:{uuid}:a b"),
            format!("urn:c2pa:{uuid}:试"),
            format!("urn:c2pa:{uuid}:{}", "a".repeat(MAX_MANIFEST_ID)),
        ] {
            assert_eq!(bad.parse::<ManifestId>(), Err(InvalidManifestId), "{bad}");
        }
    }

    #[test]
    fn addresses_in_receipts_are_uris() {
        for good in
            ["https://registry.example/sbr/v1", "urn:a:b", "a:", "https://a:8480/%41?b=c#d", "http://u@h"]
        {
            assert!(is_uri(good), "{good}");
        }
        for bad in
            ["", "registry.example", ":a", "1a:b", "https://", "https://a:x", "https://a b", "a:%4", "a:#b#c"]
        {
            assert!(!is_uri(bad), "{bad}");
        }
        let receipt = |change: fn(&mut Value)| {
            let mut receipt = serde_json::json!({
                "@context": {}, "@type": RECEIPT_TYPE,
                "repository": {"uri": "a:b", "manifestId": "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4"},
                "anchor": {"uri": "a:b", "proof": {}},
            });
            change(&mut receipt);
            serde_json::from_value::<ManifestReceipt>(receipt)
        };
        receipt(|_| {}).unwrap();
        receipt(|receipt| receipt["anchor"]["uri"] = "no uri".into()).unwrap_err();
        receipt(|receipt| receipt["anchor"]["parameters"] = Value::Null).unwrap_err();
        receipt(|receipt| receipt["@context"] = Value::Array(Vec::new())).unwrap_err();
    }

    #[test]
    fn a_verified_receipt_is_one_object() {
        let receipt = ManifestReceipt {
            context: ReceiptContext::Address("https://c2pa.org/ns/".to_owned()),
            kind: RECEIPT_TYPE.to_owned(),
            repository: ReceiptRepository {
                uri: "https://registry.example/sbr/v1".to_owned(),
                manifest_id: "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4".parse().unwrap(),
            },
            anchor: ReceiptAnchor {
                uri: "https://registry.example".to_owned(),
                proof: Map::new(),
                parameters: None,
            },
        };
        let verified = VerifiedManifestReceipt { receipt: receipt.clone(), verified: true, error: None };
        let value = serde_json::to_value(&verified).unwrap();
        assert_eq!(value["verified"], true);
        assert_eq!(value["repository"]["manifestId"], receipt.repository.manifest_id.as_str());
        assert_eq!(value["@type"], RECEIPT_TYPE);
    }
}
