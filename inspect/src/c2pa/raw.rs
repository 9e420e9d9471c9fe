//! What stands in a manifest store's own bytes: assertions as the signer encoded them.
//!
//! The library hands assertions out as JSON, which loses the order and the types of the encoded fields, and
//! offers some only through a JSON tree of the whole store, which costs milliseconds. Here an assertion is
//! found by hopping from box to box (JUMBF, ISO/IEC 19566-5), and read as CBOR. Only boxes that occur once are
//! used, so that no second box of the same name can stand in for the one that the claim's hash covers.

use super::jumbf::{self, DESCRIPTION, HAS_LABEL, SUPERBOX};
use ciborium::Value;
use touchstone_schema::Sha256Digest;

/// Largest assertion, claim or signature that is read, in bytes. They have some kilobytes; a CBOR tree can take 32
/// times the size of its text.
const MAX_ASSERTION_BYTES: usize = 512 * 1024;
/// Deepest nesting of CBOR that is read.
const MAX_CBOR_DEPTH: usize = 32;
/// Most boxes looked at on one level.
const MAX_BOXES: usize = 4096;

/// Labels of the claim, of which a manifest has one (C2PA specification, "Claims").
const CLAIMS: [&str; 2] = ["c2pa.claim.v2", "c2pa.claim"];
/// Tag of a COSE_Sign1 (RFC 9052 section 2), which may be left out.
const COSE_SIGN1: u64 = 18;

/// The assertion store of one manifest.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawManifest<'a> {
    assertions: &'a [u8],
}

impl<'a> RawManifest<'a> {
    /// The manifest with this label in a store. `None` if it is not there, is compressed, or there twice.
    pub(super) fn find(store: &'a [u8], label: &str) -> Option<Self> {
        let manifests = superbox(store, "c2pa")?;
        let manifest = superbox(manifests, label)?;
        Some(Self { assertions: superbox(manifest, "c2pa.assertions")? })
    }

    /// The CBOR assertion with this label. `None` if it is not there, is not CBOR, or is too large.
    pub(super) fn cbor(&self, label: &str) -> Option<Value> {
        parse(cbor_box(self.assertions, label)?)
    }
}

/// SHA-256 of the claim's bytes followed by the value of the signature over them, of the manifest with this label in a
/// store. What else stands there can be left out or changed, and it stays the same claim. `None` if the manifest is not
/// there once or is compressed, if claim or signature is not there once, or is too large.
pub(super) fn claim_signature_sha256(store: &[u8], label: &str) -> Option<Sha256Digest> {
    let manifest = superbox(superbox(store, "c2pa")?, label)?;
    let mut claims = CLAIMS.iter().filter_map(|label| cbor_box(manifest, label));
    let claim = claims.next().filter(|_| claims.next().is_none())?;
    let signature = match parse(cbor_box(manifest, "c2pa.signature")?)? {
        Value::Tag(COSE_SIGN1, signature) => *signature,
        signature => signature,
    };
    let [_, _, _, Value::Bytes(value)] = signature.as_array()?.as_slice() else { return None };
    Some(Sha256Digest::of_parts(&[claim, value]))
}

/// The bytes of the CBOR box in the superbox with this label.
fn cbor_box<'a>(data: &'a [u8], label: &str) -> Option<&'a [u8]> {
    boxes(superbox(data, label)?)
        .find(|(kind, _)| *kind == b"cbor")
        .map(|(_, data)| data)
        .filter(|data| data.len() <= MAX_ASSERTION_BYTES)
}

/// Reads CBOR within the limits.
pub(super) fn parse(bytes: &[u8]) -> Option<Value> {
    ciborium::de::from_reader_with_recursion_limit(bytes, MAX_CBOR_DEPTH).ok()
}

/// The value of a text key in a CBOR map.
pub(super) fn field<'v>(map: &'v Value, key: &str) -> Option<&'v Value> {
    map.as_map()?.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
}

/// The boxes that stand side by side in `data`: type and content. Ends at the first one that does not fit.
fn boxes(data: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = jumbf::first(data, at..data.len())?;
        let kind = data.get(at + 4..)?.first_chunk()?;
        at = found.all.end;
        Some((kind, data.get(found.data)?))
    })
    .take(MAX_BOXES)
}

/// The content behind the description of the one superbox in `data` that has this label.
fn superbox<'a>(data: &'a [u8], label: &str) -> Option<&'a [u8]> {
    let mut found = boxes(data).filter(|(kind, _)| **kind == SUPERBOX).filter_map(|(_, content)| {
        let (kind, description) = boxes(content).next()?;
        (*kind == DESCRIPTION && label_of(description) == Some(label.as_bytes()))
            .then(|| content.get(8 + description.len()..))
            .flatten()
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The label in a description box: after its type (16 bytes) and flags (1), if the flags say that it is there.
fn label_of(description: &[u8]) -> Option<&[u8]> {
    let has_label = description.get(16)? & HAS_LABEL != 0;
    let text = description.get(17..).filter(|_| has_label)?;
    text.get(..memchr::memchr(0, text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 8).unwrap();
        [&length.to_be_bytes()[..], &kind, content].concat()
    }

    fn labelled(label: &str, content: &[u8]) -> Vec<u8> {
        let description = [&[0; 16][..], &[0b11], label.as_bytes(), &[0]].concat();
        boxed(*b"jumb", &[boxed(*b"jumd", &description), content.to_vec()].concat())
    }

    fn store(assertions: &[u8]) -> Vec<u8> {
        labelled("c2pa", &labelled("urn:c2pa:1", &labelled("c2pa.assertions", assertions)))
    }

    /// `{"alg": "sha256"}`
    const CBOR: &[u8] = b"\xa1\x63alg\x66sha256";

    #[test]
    fn an_assertion_is_found_by_its_path() {
        let store = store(&labelled("c2pa.hash.data", &boxed(*b"cbor", CBOR)));
        let manifest = RawManifest::find(&store, "urn:c2pa:1").unwrap();
        let value = manifest.cbor("c2pa.hash.data").unwrap();
        assert_eq!(field(&value, "alg").and_then(Value::as_text), Some("sha256"));
        assert_eq!(field(&value, "hash"), None);
        assert!(manifest.cbor("c2pa.hash").is_none());
        assert!(RawManifest::find(&store, "urn:c2pa:2").is_none());
    }

    #[test]
    fn a_claim_is_told_with_its_signature() {
        let cose = |tagged: bool, value: u8| {
            let parts = [&b"\x84\x40\xa0\xf6\x42"[..], &[value, value]].concat();
            if tagged { [&b"\xd2"[..], &parts].concat() } else { parts }
        };
        let manifest = |claims: &[&str], signature: &[u8]| {
            let claims: Vec<u8> =
                claims.iter().flat_map(|label| labelled(label, &boxed(*b"cbor", CBOR))).collect();
            let signature = labelled("c2pa.signature", &boxed(*b"cbor", signature));
            let assertions = labelled("c2pa.assertions", b"");
            labelled("c2pa", &labelled("urn:c2pa:1", &[assertions, claims, signature].concat()))
        };
        let told = |store: &[u8]| claim_signature_sha256(store, "urn:c2pa:1");
        let one = told(&manifest(&["c2pa.claim.v2"], &cose(true, 1)));
        assert_eq!(one, Some(Sha256Digest::of_parts(&[CBOR, &[1, 1]])));
        assert_eq!(told(&manifest(&["c2pa.claim"], &cose(false, 1))), one, "whatever stands around them");
        assert_ne!(told(&manifest(&["c2pa.claim"], &cose(true, 2))), one);
        for (claims, signature) in [
            (&[][..], cose(true, 1)),
            (&["c2pa.claim", "c2pa.claim"], cose(true, 1)),
            (&["c2pa.claim", "c2pa.claim.v2"], cose(true, 1)),
            (&["c2pa.claim"], CBOR.to_vec()),
            (&["c2pa.claim"], b"\x83\x40\xa0\xf6".to_vec()),
        ] {
            assert_eq!(told(&manifest(claims, &signature)), None, "{claims:?}");
        }
    }

    #[test]
    fn a_box_that_is_there_twice_is_not_used() {
        let one = labelled("c2pa.hash.data", &boxed(*b"cbor", CBOR));
        let store = store(&[one.clone(), one].concat());
        let manifest = RawManifest::find(&store, "urn:c2pa:1").unwrap();
        assert!(manifest.cbor("c2pa.hash.data").is_none());
    }

    #[test]
    fn every_truncation_and_wild_length_ends_quietly() {
        let whole = store(&labelled("c2pa.hash.data", &boxed(*b"cbor", CBOR)));
        for end in 0..whole.len() {
            let cut = RawManifest::find(&whole[..end], "urn:c2pa:1");
            assert!(cut.is_none_or(|manifest| manifest.cbor("c2pa.hash.data").is_none()), "{end}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 7, 0xff] {
                let mut wild = whole.clone();
                wild[at] = value;
                let _ = RawManifest::find(&wild, "urn:c2pa:1").map(|m| m.cbor("c2pa.hash.data"));
            }
        }
        let long = [&1_u32.to_be_bytes()[..], b"jumb", &u64::MAX.to_be_bytes()].concat();
        assert!(RawManifest::find(&long, "urn:c2pa:1").is_none());
        let deep = vec![0x81; 100_000];
        assert!(parse(&deep).is_none());
    }
}
