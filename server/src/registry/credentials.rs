//! What a photo's C2PA manifest has to do with registered ones: whether it is one of them, and whether it descends from one.
//!
//! Anybody may write anybody's label into a manifest, and put a manifest of his own making into another one as a parent's.
//! So a manifest is known by its label together with the certificate and the claim that it signed, never by the label.

use super::{
    Refusal,
    content::statement_of,
    evidence::{Candidate, Tie},
};
use crate::store::{EntryRow, Reader};
use touchstone_inspect::Ancestor;
use touchstone_schema::{
    StatementId, Timestamp,
    statement::{Body, C2paBinding, ManifestIdentity},
    verdict::Binding,
};

/// The state of a manifest whose signer a trust list vouches for.
pub const TRUSTED: &str = "trusted";
/// The state of one that fits its picture, signed by anybody.
const VALID: &str = "valid";
/// Ancestors that a manifest names, and entries of each, that one check looks up.
const MAX_ANCESTORS: usize = 8;

/// The C2PA manifest of a registered file.
#[derive(Debug, Clone)]
pub struct RegisteredManifest {
    /// What identifies it.
    pub binding: C2paBinding,
    /// The registry saw that it fits its picture.
    pub intact: bool,
    /// The registry saw it, and its signer was trusted then.
    pub trusted: bool,
    /// Manifests that its store holds of what the picture was made from: they were signed before it.
    pub ingredients: Vec<ManifestIdentity>,
}

impl RegisteredManifest {
    /// As its registrant alone declared it.
    pub(super) const fn declared(binding: C2paBinding) -> Self {
        Self { binding, intact: false, trusted: false, ingredients: Vec::new() }
    }

    /// Whether the manifest that a photo has of a picture that it was made from is this one. Anybody can make a manifest
    /// of any label and put it there: it is this one if this one's signer signed that very claim.
    pub(super) fn is_ancestor(&self, ancestor: &Ancestor) -> bool {
        let (own, theirs) = (self.binding.identity(), &ancestor.manifest);
        self.intact
            && own.manifest == theirs.manifest
            && own.is_same_certificate(theirs) == Some(true)
            // Of a compressed manifest the claim is not known: then its signature must have been found good.
            && own.is_same_claim(theirs).unwrap_or(ancestor.sound)
    }
}

/// The photo's C2PA manifest.
#[derive(Debug, Clone, Default)]
pub struct Credential {
    /// `trusted`, `valid`, `invalid`, `remote`, `unreadable`.
    pub state: String,
    /// Nothing speaks against it but that its certificate has ended, and no trusted time stamp says when it was used. The
    /// signature is not judged then.
    pub ended: bool,
    /// What identifies it, if its store was read.
    pub manifest: Option<C2paBinding>,
    /// The pictures that it was made from, as far as they have manifests, the nearest first.
    pub ancestors: Vec<Ancestor>,
    /// When a trusted time stamp over it was made.
    pub time: Option<Timestamp>,
}

impl Credential {
    /// The signature fits the file, whoever signed.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        is_intact(&self.state)
    }

    /// It does not fit the file, or cannot be read.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.state.as_str(), "invalid" | "unreadable") && !self.ended
    }

    /// A certificate that ended takes nothing back from what the registry saw before: a manifest that was registered with
    /// this content holds as it did then.
    pub(super) fn recall(&mut self, candidates: &[Candidate]) {
        let Some(found) = self.manifest.as_ref().filter(|_| self.ended) else { return };
        let seen = candidates.iter().filter(|it| {
            it.binding == Binding::Observed && matches!(it.tie, Tie::File | Tie::WithoutManifest)
        });
        let mut known = seen.filter_map(|it| it.manifest.as_ref());
        let known = known.find(|known| known.intact && known.binding.is_same_manifest(found));
        if let Some(known) = known {
            (if known.trusted { TRUSTED } else { VALID }).clone_into(&mut self.state);
            self.ended = false;
        }
    }
}

/// A manifest in this state fits its file, whoever signed.
fn is_intact(state: &str) -> bool {
    matches!(state, TRUSTED | VALID)
}

/// How a photo descends from an entry by its own C2PA manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descent {
    /// The manifests since say that what the picture shows was changed.
    pub edited: bool,
}

/// A registered manifest has the label of one in the photo's store, and another signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedLabel {
    /// The statement whose file has it.
    pub statement: StatementId,
    /// Its log index.
    pub index: u64,
}

/// Entries whose manifest may be that of a picture that the photo was made from, as its intact manifest tells.
pub(super) fn ancestors(
    reader: &mut Reader<'_>,
    credential: Option<&Credential>,
) -> Result<Vec<u64>, Refusal> {
    let mut found = Vec::new();
    let named = credential.filter(|it| it.is_intact()).into_iter().flat_map(|it| &it.ancestors);
    for ManifestIdentity { manifest, claim_signature_sha256, .. } in
        named.map(|it| &it.manifest).take(MAX_ANCESTORS)
    {
        found.extend(reader.credential(manifest, claim_signature_sha256.as_ref(), MAX_ANCESTORS)?);
    }
    Ok(found)
}

/// The oldest registered manifest that fits its picture, has the label of the photo's manifest or of one of its ancestors',
/// and was signed by somebody else. Labels are random numbers: one of the two took the other's.
pub(super) fn shared_label(
    reader: &mut Reader<'_>,
    credential: Option<&Credential>,
    log_size: u64,
) -> Result<Option<SharedLabel>, Refusal> {
    let Some(credential) = credential.filter(|it| it.is_intact()) else { return Ok(None) };
    let own = credential.manifest.iter().map(C2paBinding::identity);
    let ancestors = credential.ancestors.iter().map(|it| it.manifest.clone()).take(MAX_ANCESTORS);
    for found in own.chain(ancestors) {
        let Some(claim) = found.claim_signature_sha256 else { continue };
        for index in reader.other_credential(&found.manifest, &claim, MAX_ANCESTORS)? {
            let Some(entry) = reader.entry(index)?.filter(|_| index < log_size) else { continue };
            let withdrawn = entry.withdrawn_at_index.is_some_and(|at| at < log_size);
            let seen = entry.observed_at_index.is_some_and(|at| at < log_size);
            let Some(other) = observed(reader, &entry)?.filter(|it| it.intact && seen && !withdrawn) else {
                continue;
            };
            if other.binding.identity().is_same_certificate(&found) != Some(true) {
                return Ok(Some(SharedLabel { statement: entry.id, index }));
            }
        }
    }
    Ok(None)
}

/// The manifest of a registered file as the registry saw it.
pub(super) fn observed(
    reader: &mut Reader<'_>,
    entry: &EntryRow,
) -> Result<Option<RegisteredManifest>, Refusal> {
    let Some(index) = entry.observed_at_index else { return Ok(None) };
    let Some(observation) = reader.entry(index)? else { return Ok(None) };
    Ok(match statement_of(&observation)?.body {
        Body::ContentObserved(found) => {
            found.content.c2pa.zip(found.c2pa).map(|(binding, seen)| RegisteredManifest {
                binding,
                intact: is_intact(&seen.state),
                trusted: seen.state == TRUSTED,
                ingredients: seen.ingredients,
            })
        }
        _ => None,
    })
}
