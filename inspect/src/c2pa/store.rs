//! Manifest stores by themselves, as a repository keeps them: taken out of a file, read without the picture that they
//! belong to, and cut down to their active manifest.
//!
//! Owns the walk over the store's outer boxes (JUMBF, ISO/IEC 19566-5; C2PA specification, "Embedding manifests") and
//! the rules under which a detached store is kept. What the manifests say is read by the C2PA library.
//!
//! A detached store cannot be held against its picture. It is kept only if its active manifest's own signature and
//! assertions hold, so that its label, its signer and its soft bindings are what the signer signed; the hard binding is
//! judged by whoever has the picture.

use super::extract::{anchor_set, certificate_sha256, hard_binding};
use super::jumbf::{self, DESCRIPTION, HAS_LABEL, Place, SUPERBOX};
use super::raw::{RawManifest, claim_signature_sha256};
use super::report::{HardBinding, cut, push};
use super::{C2paReader, MAX_LIST_LENGTH, MAX_STORE_BYTES, MAX_TEXT_BYTES, probe};
use ::c2pa::assertions::SoftBinding as SoftBindingAssertion;
use ::c2pa::{Manifest, Reader};
use std::io::Cursor;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use touchstone_schema::{Sha256Digest, sbr::STORE_MEDIA_TYPE};

/// Most manifests of a store that is kept: its history. Ordinary stores hold fewer than ten.
pub const MAX_MANIFESTS: usize = 256;
/// Most soft bindings that are read from one manifest; further ones are passed over.
pub const MAX_SOFT_BINDINGS: usize = 16;
/// Longest value of a soft binding that is read, in bytes; longer ones are passed over.
pub const MAX_SOFT_BINDING_BYTES: usize = 4_096;

/// How the identifiers of C2PA's boxes end: four letters stand before it (C2PA specification, "JUMBF box types").
const UUID_TAIL: [u8; 12] = [0x00, 0x11, 0x00, 0x10, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71];
/// Letters of the manifest store.
const STORE: &[u8] = b"c2pa";
/// Letters of manifests: standard, update, and compressed.
const MANIFESTS: [&[u8]; 3] = [b"c2ma", b"c2um", b"c2cm"];

/// Failure codes that a detached store may have: its picture is elsewhere, and nobody need vouch for its signer. Not among
/// them is an expired certificate without a trusted time stamp: the library does not look at such a signature.
const PARDONED: [&str; 6] = [
    "assertion.dataHash.",
    "assertion.boxesHash.",
    "assertion.bmffHash.",
    "assertion.collectionHash.",
    "assertion.multiAssetHash.",
    "signingCredential.untrusted",
];

/// Why bytes are not a manifest store that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// Larger than [`MAX_STORE_BYTES`].
    #[error("the manifest store has {0} bytes; at most {MAX_STORE_BYTES} are read")]
    TooLarge(usize),
    /// The boxes are not those of a manifest store.
    #[error("not a C2PA manifest store: {0}")]
    Structure(&'static str),
    /// More manifests than [`MAX_MANIFESTS`].
    #[error("the store holds more than {MAX_MANIFESTS} manifests")]
    TooManyManifests,
    /// The library cannot read it.
    #[error("the manifest store cannot be read: {0}")]
    Unreadable(String),
    /// The active manifest does not hold by itself.
    #[error("the active manifest does not hold: {0}")]
    Invalid(String),
}

/// A soft binding as a manifest claims it (`c2pa.soft-binding`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftBinding {
    /// Name of the algorithm in the C2PA list.
    pub alg: String,
    /// The value, in the algorithm's own form.
    pub value: Vec<u8>,
}

/// What a manifest store tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSummary {
    /// Label of the active manifest. Labels can be squatted: it identifies a manifest only together with the store's
    /// digest and the certificate.
    pub label: String,
    /// SHA-256 of the store's bytes.
    pub sha256: Sha256Digest,
    /// SHA-256 of the certificate (DER) that signed the active manifest.
    pub certificate_sha256: Sha256Digest,
    /// SHA-256 of the active manifest's claim followed by the value of the signature over it; `None` if the manifest is
    /// compressed.
    pub claim_signature_sha256: Option<Sha256Digest>,
    /// A configured list of trust anchors vouches for the signer.
    pub trusted: bool,
    /// Organisation, else name, of the certificate's subject.
    pub signer: Option<String>,
    /// Hash of the hard binding, lowercase hexadecimal, if it is a `c2pa.hash.data`.
    pub hard_binding: Option<String>,
    /// SHA-256 of the file without its manifest, if the signer left nothing else out of the hash.
    pub content_sha256: Option<Sha256Digest>,
    /// Soft bindings of the active manifest.
    pub soft_bindings: Vec<SoftBinding>,
    /// Labels of all manifests in the store, the active one last.
    pub manifests: Vec<String>,
}

/// The manifest store embedded in a picture's file, byte for byte; `None` if there is none that can be taken out.
///
/// Puts the segments of a JPEG together, takes the chunk of a PNG or WebP, the box of an AVIF or HEIC, the block of a GIF
/// or TIFF. A reference to a store elsewhere is not followed.
#[must_use]
pub fn embedded_store(bytes: &[u8]) -> Option<Vec<u8>> {
    let media_type = probe::media_type(bytes)?;
    if !probe::may_hold_manifest(bytes, media_type) {
        return None;
    }
    // The library parses hostile input: see the reader.
    catch_unwind(AssertUnwindSafe(|| ::c2pa::jumbf_io::load_jumbf_from_memory(media_type, bytes).ok()))
        .ok()?
}

/// The store with its active manifest alone: what it refers to in other manifests is then missing.
///
/// # Errors
/// [`StoreFault`] if the boxes are not those of a manifest store.
pub fn active_manifest_only(store: &[u8]) -> Result<Vec<u8>, StoreFault> {
    let outline = Outline::read(store)?;
    let (_, active) = outline.manifests.last().ok_or(StoreFault::Structure("it holds no manifest"))?;
    let parts = [store.get(outline.description), store.get(active.clone())];
    let [Some(description), Some(active)] = parts else {
        return Err(StoreFault::Structure("a box is cut off"));
    };
    let length = 8 + description.len() + active.len();
    let length = u32::try_from(length).map_err(|_| StoreFault::TooLarge(length))?;
    Ok([&length.to_be_bytes()[..], &SUPERBOX, description, active].concat())
}

impl C2paReader {
    /// Reads a detached store: structure, labels, signer and soft bindings, as the signer signed them.
    ///
    /// CPU-bound, without the network. Whether the picture belongs to it is not judged here.
    ///
    /// # Errors
    /// [`StoreFault`] if it is no store, cannot be read, or its active manifest's signature or assertions do not hold.
    pub fn read_store(&self, store: &[u8]) -> Result<StoreSummary, StoreFault> {
        let outline = Outline::read(store)?;
        let stopped = || Err(StoreFault::Unreadable("the parser stopped".to_owned()));
        catch_unwind(AssertUnwindSafe(|| self.summary(store, &outline))).unwrap_or_else(|_| stopped())
    }

    fn summary(&self, store: &[u8], outline: &Outline) -> Result<StoreSummary, StoreFault> {
        let reader = Reader::from_shared_context(&self.trust.manifests)
            .with_stream(STORE_MEDIA_TYPE, Cursor::new(store))
            .map_err(|error| StoreFault::Unreadable(cut(&error.to_string())))?;
        let (Some(manifest), Some(label)) = (reader.active_manifest(), reader.active_label()) else {
            return Err(StoreFault::Structure("it holds no active manifest"));
        };
        // The library and the boxes must agree on what "active" means, or the cut-down store would be another.
        if outline.manifests.last().is_none_or(|(last, _)| last != label) {
            return Err(StoreFault::Structure("its last manifest is not the active one"));
        }
        holds(&reader, label)?;
        let raw = RawManifest::find(store, label);
        let binding = hard_binding(&reader, Some(store), raw.as_ref());
        Ok(StoreSummary {
            label: label.to_owned(),
            sha256: Sha256Digest::of(store),
            certificate_sha256: certificate_sha256(manifest)
                .ok_or_else(|| StoreFault::Invalid("the signer's certificate is missing".to_owned()))?,
            claim_signature_sha256: claim_signature_sha256(store, label),
            trusted: anchor_set(&reader, &self.trust).is_some(),
            signer: signer(manifest),
            content_sha256: binding.as_ref().and_then(content_sha256),
            hard_binding: binding.map(|binding| binding.hash),
            soft_bindings: soft_bindings(manifest),
            manifests: outline.manifests.iter().map(|(label, _)| label.clone()).collect(),
        })
    }
}

/// Whether the active manifest's signature is good and nothing but what a detached store lacks was found wrong.
fn holds(reader: &Reader, label: &str) -> Result<(), StoreFault> {
    let results = reader.validation_results().and_then(|results| results.active_manifest());
    let results = results.ok_or_else(|| StoreFault::Invalid("it was not validated".to_owned()))?;
    let failures = results.failure().iter().map(|status| status.code());
    let mut wrong = Vec::new();
    failures.filter(|code| !PARDONED.iter().any(|pardoned| code.starts_with(pardoned))).for_each(|code| {
        push(&mut wrong, code);
    });
    if !wrong.is_empty() {
        return Err(StoreFault::Invalid(cut(&wrong.join(", "))));
    }
    let signed = results.success().iter().any(|status| {
        status.code() == "claimSignature.validated" && status.url().is_some_and(|url| url.contains(label))
    });
    if signed { Ok(()) } else { Err(StoreFault::Invalid("its signature was not validated".to_owned())) }
}

fn signer(manifest: &Manifest) -> Option<String> {
    let info = manifest.signature_info()?;
    info.issuer.as_deref().or(info.common_name.as_deref()).map(cut)
}

/// With the manifest as its one exclusion, the hash is that of the file without it.
fn content_sha256(binding: &HardBinding) -> Option<Sha256Digest> {
    if binding.alg != "sha256" || binding.exclusions != 1 {
        return None;
    }
    binding.hash.parse().ok()
}

/// What the manifest's soft binding assertions claim, in their order, each once.
fn soft_bindings(manifest: &Manifest) -> Vec<SoftBinding> {
    let mut found: Vec<SoftBinding> = Vec::new();
    let assertions = manifest.assertions().iter().filter(|it| it.label().starts_with("c2pa.soft-binding"));
    for assertion in assertions.take(MAX_LIST_LENGTH) {
        let Ok(binding) = assertion.to_assertion::<SoftBindingAssertion>() else { continue };
        let Some(alg) = binding.alg.filter(|alg| !alg.is_empty() && alg.len() <= MAX_TEXT_BYTES) else {
            continue;
        };
        for block in binding.blocks.into_iter().take(MAX_LIST_LENGTH) {
            let fits = (1..=MAX_SOFT_BINDING_BYTES).contains(&block.value.len());
            let binding = SoftBinding { alg: alg.clone(), value: block.value };
            if fits && found.len() < MAX_SOFT_BINDINGS && !found.contains(&binding) {
                found.push(binding);
            }
        }
    }
    found
}

/// The store's outer boxes.
#[derive(Debug)]
struct Outline {
    /// The store's description box.
    description: Range<usize>,
    /// Label and place of each manifest, the active one last.
    manifests: Vec<(String, Range<usize>)>,
}

impl Outline {
    fn read(store: &[u8]) -> Result<Self, StoreFault> {
        if store.len() > MAX_STORE_BYTES {
            return Err(StoreFault::TooLarge(store.len()));
        }
        let whole = Superbox::at(store, 0..store.len())?;
        if whole.all != (0..store.len()) {
            return Err(StoreFault::Structure("bytes stand behind it"));
        }
        if whole.letters != STORE {
            return Err(StoreFault::Structure("its description is that of something else"));
        }
        let mut manifests = Vec::new();
        let mut at = whole.content.start;
        while at < whole.content.end {
            let found = Superbox::at(store, at..whole.content.end)?;
            if !MANIFESTS.contains(&found.letters.as_slice()) {
                return Err(StoreFault::Structure("it holds a box that is no manifest"));
            }
            at = found.all.end;
            manifests.push((found.label, found.all));
            if manifests.len() > MAX_MANIFESTS {
                return Err(StoreFault::TooManyManifests);
            }
        }
        if manifests.is_empty() {
            return Err(StoreFault::Structure("it holds no manifest"));
        }
        Ok(Self { description: whole.description, manifests })
    }
}

/// A superbox with its description.
struct Superbox {
    all: Range<usize>,
    description: Range<usize>,
    /// What follows the description.
    content: Range<usize>,
    /// The four letters of its type.
    letters: [u8; 4],
    label: String,
}

impl Superbox {
    /// The superbox that begins `within`.
    fn at(bytes: &[u8], within: Range<usize>) -> Result<Self, StoreFault> {
        let Place { kind, all, data: inner } = place(bytes, within)?;
        if kind != SUPERBOX {
            return Err(StoreFault::Structure("a superbox is missing"));
        }
        let Place { kind, all: description, data } = place(bytes, inner)?;
        if kind != DESCRIPTION {
            return Err(StoreFault::Structure("a superbox has no description"));
        }
        let broken = StoreFault::Structure("a description is cut off");
        let data = bytes.get(data).ok_or_else(|| broken.clone())?;
        let (uuid, rest) = data.split_first_chunk::<16>().ok_or_else(|| broken.clone())?;
        let (letters, tail) = uuid.split_first_chunk::<4>().ok_or_else(|| broken.clone())?;
        if tail != UUID_TAIL {
            return Err(StoreFault::Structure("a box is not one of C2PA's"));
        }
        let (toggles, rest) = rest.split_first().ok_or(broken)?;
        let label =
            rest.split(|byte| *byte == 0).next().filter(|_| toggles & HAS_LABEL != 0 && rest.contains(&0));
        let label = label.and_then(|label| std::str::from_utf8(label).ok());
        let label = label.ok_or(StoreFault::Structure("a box has no label"))?;
        let content = description.end..all.end;
        Ok(Self { all, description, content, letters: *letters, label: label.to_owned() })
    }
}

/// The box that begins `within`.
fn place(bytes: &[u8], within: Range<usize>) -> Result<Place, StoreFault> {
    jumbf::first(bytes, within).ok_or(StoreFault::Structure("a box is cut off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len() + 8).unwrap();
        [&length.to_be_bytes()[..], &kind, data].concat()
    }

    fn superbox(letters: [u8; 4], label: &str, content: &[u8]) -> Vec<u8> {
        let description = [&letters[..], &UUID_TAIL, &[3], label.as_bytes(), &[0]].concat();
        boxed(SUPERBOX, &[&boxed(DESCRIPTION, &description)[..], content].concat())
    }

    #[test]
    fn a_store_is_cut_down_to_its_last_manifest() {
        let (first, last) = (superbox(*b"c2ma", "first", b"one"), superbox(*b"c2um", "last", b"two"));
        let store = superbox(*b"c2pa", "c2pa", &[&first[..], &last].concat());
        let labels: Vec<_> =
            Outline::read(&store).unwrap().manifests.into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels, ["first", "last"]);
        let cut = active_manifest_only(&store).unwrap();
        assert_eq!(cut, superbox(*b"c2pa", "c2pa", &last));
        assert_eq!(active_manifest_only(&cut).unwrap(), cut);
    }

    #[test]
    fn lengths_may_be_open_or_wide() {
        let manifest = superbox(*b"c2ma", "only", b"one");
        let store = superbox(*b"c2pa", "c2pa", &manifest);
        let mut open = store.clone();
        open[..4].fill(0);
        assert_eq!(active_manifest_only(&open).unwrap(), store);
        let wide =
            [&1_u32.to_be_bytes()[..], &SUPERBOX, &(store.len() as u64 + 8).to_be_bytes(), &store[8..]]
                .concat();
        assert_eq!(active_manifest_only(&wide).unwrap(), store);
    }

    #[test]
    fn other_boxes_are_refused() {
        let manifest = superbox(*b"c2ma", "only", b"");
        let store = superbox(*b"c2pa", "c2pa", &manifest);
        for cut in 0..store.len() {
            assert!(Outline::read(&store[..cut]).is_err(), "{cut} bytes");
        }
        let refused = [
            [&store[..], b"x"].concat(),
            superbox(*b"c2pa", "c2pa", b""),
            superbox(*b"c2as", "c2pa", &manifest),
            superbox(*b"c2pa", "c2pa", &superbox(*b"c2as", "assertions", b"")),
            superbox(*b"c2pa", "c2pa", &boxed(*b"free", b"")),
            boxed(SUPERBOX, &boxed(*b"free", b"")),
        ];
        for bytes in refused {
            assert!(matches!(Outline::read(&bytes), Err(StoreFault::Structure(_))), "{bytes:?}");
        }
        let many = superbox(*b"c2pa", "c2pa", &manifest.repeat(MAX_MANIFESTS + 1));
        assert_eq!(Outline::read(&many).unwrap_err(), StoreFault::TooManyManifests);
        let large = vec![0; MAX_STORE_BYTES + 1];
        assert_eq!(Outline::read(&large).unwrap_err(), StoreFault::TooLarge(large.len()));
    }
}
