//! The C2PA manifest repository: what is kept, whose it is, and how long.
//!
//! A label names one store at a time, told by the store's digest and by the certificate that signed it, because anybody can
//! write anybody's label into a manifest. Whoever brings a store first owns it: the owner alone binds values to it and
//! deletes it. To have a store is no more than to have seen a file with it, so an owner who brought no picture gives way
//! to the first who does. A store with a better right to the label takes it ([`Right`]), so that nobody is shut out by a
//! squatter. A store goes when the picture's record goes or its statement is withdrawn, unless it came alone.

use super::{Caller, Inner, Refusal, Registry, accepting::check_still_valid, bindings};
use crate::store::{ManifestRow, NewManifest, Reader, Writer};
use touchstone_inspect::{Inspection, fingerprint};
use touchstone_schema::{
    ManifestId, OrganisationId, Sha256Digest,
    api::Scope,
    problem::ProblemCode,
    sbr::ISCC,
    statement::{C2paBinding, ManifestDeleted, ManifestStored},
};

/// A manifest store as its signer signed it.
#[derive(Debug, Clone)]
pub(super) struct ReadStore<'a> {
    pub label: ManifestId,
    pub digest: Sha256Digest,
    pub certificate: Sha256Digest,
    /// SHA-256 of claim and signature, as a binding names it.
    pub claim_signature: Option<Sha256Digest>,
    /// A list of trust anchors vouches for the signer.
    pub trusted: bool,
    /// Subject of the certificate.
    pub signer: Option<String>,
    /// Hash of the hard binding, lowercase hexadecimal.
    pub hard_binding: Option<String>,
    /// SHA-256 of the picture's file without the manifest, as far as it follows from the hard binding.
    pub content: Option<Sha256Digest>,
    /// Soft bindings that the manifest claims: algorithm and value.
    pub claimed: Vec<(String, Vec<u8>)>,
    pub bytes: &'a [u8],
}

impl ReadStore<'_> {
    /// Whether this is the store that the label was given to.
    fn is(&self, row: &ManifestRow) -> bool {
        (row.store_digest, row.certificate) == (self.digest, self.certificate)
    }
}

/// What a store's claim to its label rests on; the greater one takes the label, an equal one does not. A trusted signer's
/// store comes first: nobody else can make another one with that label in the signer's name. Then comes what the registry
/// saw with its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    trusted: bool,
    observed: bool,
}

impl Right {
    /// That of the store that has the label. A deleted one keeps it from others that come alone, unless they are trusted
    /// and it was not.
    fn held(reader: &mut Reader<'_>, row: &ManifestRow) -> Result<Self, Refusal> {
        Ok(Self { trusted: row.trusted, observed: reader.is_observed(&row.label)? })
    }
}

fn no_manifest() -> Refusal {
    Refusal::with(ProblemCode::NotFound, "no such manifest")
}

/// The manifest with that label, unless there is none or it was deleted.
pub(super) fn kept(reader: &mut Reader<'_>, id: &ManifestId) -> Result<ManifestRow, Refusal> {
    let row = reader.manifest(id)?.filter(|row| row.deleted_at.is_none());
    row.ok_or_else(no_manifest)
}

/// As [`kept`], for its owner alone.
pub(super) fn owned(
    reader: &mut Reader<'_>,
    id: &ManifestId,
    owner: &OrganisationId,
) -> Result<ManifestRow, Refusal> {
    let row = kept(reader, id)?;
    if row.owner == *owner {
        return Ok(row);
    }
    Err(Refusal::with(ProblemCode::NotOwner, "only the owner of the manifest may do this"))
}

#[cfg(feature = "c2pa")]
impl Inner {
    /// Reads a store without its picture.
    pub(super) fn read_store<'a>(&self, bytes: &'a [u8]) -> Result<ReadStore<'a>, Refusal> {
        let invalid = |error: String| Refusal::with(ProblemCode::InvalidManifest, error);
        let reader = self.inspector.c2pa.as_ref();
        let reader = reader.ok_or_else(|| Refusal::internal("there is no reader of manifests"))?;
        let found = reader.read_store(bytes).map_err(|fault| invalid(fault.to_string()))?;
        Ok(ReadStore {
            label: found.label.parse().map_err(|error| invalid(format!("its label: {error}")))?,
            digest: found.sha256,
            certificate: found.certificate_sha256,
            claim_signature: found.claim_signature_sha256,
            trusted: found.trusted,
            signer: found.signer,
            hard_binding: found.hard_binding,
            content: found.content_sha256,
            claimed: found.soft_bindings.into_iter().map(|binding| (binding.alg, binding.value)).collect(),
            bytes,
        })
    }

    fn embedded_store(bytes: &[u8]) -> Option<Vec<u8>> {
        touchstone_inspect::c2pa::embedded_store(bytes)
    }

    fn active_only(store: &[u8]) -> Result<Vec<u8>, Refusal> {
        touchstone_inspect::c2pa::active_manifest_only(store).map_err(Refusal::internal)
    }
}

#[cfg(not(feature = "c2pa"))]
impl Inner {
    pub(super) fn read_store<'a>(&self, _: &'a [u8]) -> Result<ReadStore<'a>, Refusal> {
        Err(Refusal::with(ProblemCode::InvalidManifest, "this registry was built without C2PA"))
    }

    fn embedded_store(_: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn active_only(_: &[u8]) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::internal("built without C2PA"))
    }
}

impl Inner {
    /// The manifest store in a picture's file, if the manifest holds for that picture and the store is not too large.
    pub(super) fn carried_store(&self, file: &[u8], inspection: &Inspection) -> Option<Vec<u8>> {
        let state = inspection.c2pa_state()?;
        if !matches!(state.as_str(), "valid" | "trusted") {
            return None;
        }
        let store = Self::embedded_store(file)?;
        let same = inspection.c2pa_binding()?.store_sha256 == Sha256Digest::of(&store);
        (same && store.len() <= self.settings.max_manifest_bytes).then_some(store)
    }

    /// Makes room for a manifest that comes with a picture; whether there is any: its label may be that of another store
    /// with as good a right to it. Comes before the observation is logged: what is taken out is named first, so that the
    /// log of a store that is taken out and brought again reads as it happened.
    pub(super) fn make_room(
        &self,
        writer: &mut Writer<'_>,
        store: &ReadStore<'_>,
        owner: &OrganisationId,
    ) -> Result<bool, Refusal> {
        let known = writer.manifest(&store.label)?.filter(|row| row.deleted_at.is_none());
        let Some(row) = known else { return Ok(true) };
        if store.is(&row) {
            if row.owner != *owner && !writer.is_observed_of_owner(&row)? {
                self.take_out(writer, &row)?;
            }
            return Ok(true);
        }
        if (Right { trusted: store.trusted, observed: true }) <= Right::held(writer, &row)? {
            return Ok(false);
        }
        self.take_out(writer, &row)?;
        Ok(true)
    }

    /// Keeps the manifest that came with the picture of the statement at `index`, and lets it be found by the picture's
    /// ISCC. There is room for it ([`Self::make_room`]).
    pub(super) fn keep_with_picture(
        &self,
        writer: &mut Writer<'_>,
        store: &ReadStore<'_>,
        inspection: &Inspection,
        owner: OrganisationId,
        (index, anchor_index): (u64, u64),
    ) -> Result<(), Refusal> {
        let live = writer.manifest(&store.label)?.filter(|row| row.deleted_at.is_none());
        match &live {
            Some(row) if store.trusted && !row.trusted => writer.mark_trusted(&store.label)?,
            Some(_) => {}
            None => writer.put_manifest(&NewManifest {
                content_digest: Some(inspection.sha256_without_manifest),
                ..self.new_manifest(store, owner, false, anchor_index)
            })?,
        }
        writer.link_picture(index, &store.label)?;
        if live.is_none_or(|row| row.owner == owner) {
            // The registry's own code stands in the place of one that the manifest claims.
            let claimed = store.claimed.iter().filter(|(alg, _)| alg != ISCC);
            self.bind_claimed(writer, &store.label, claimed)?;
        }
        // Whoever owns the manifest: its picture was seen.
        if !fingerprint::is_featureless(&inspection.iscc) {
            writer.bind_observed(&inspection.iscc, &store.label, true)?;
        }
        Ok(())
    }

    /// Takes a store out of the repository; the log says so.
    fn take_out(&self, writer: &mut Writer<'_>, row: &ManifestRow) -> Result<(), Refusal> {
        let body = ManifestDeleted { manifest: row.label.to_string(), store_sha256: row.store_digest };
        self.append_own(writer, self.keyring.verdict(), body)?;
        Ok(writer.delete_manifest(&row.label, self.now())?)
    }

    fn new_manifest<'a>(
        &self,
        store: &'a ReadStore<'_>,
        owner: OrganisationId,
        alone: bool,
        anchor_index: u64,
    ) -> NewManifest<'a> {
        NewManifest {
            label: &store.label,
            store_digest: store.digest,
            certificate: store.certificate,
            owner,
            alone,
            trusted: store.trusted,
            anchor_index,
            created_at: self.now(),
            content_digest: store.content,
            bytes: store.bytes,
        }
    }

    /// Binds what a manifest claims itself, as far as it can be looked up here.
    fn bind_claimed<'a>(
        &self,
        writer: &mut Writer<'_>,
        label: &ManifestId,
        claimed: impl Iterator<Item = &'a (String, Vec<u8>)>,
    ) -> Result<(), Refusal> {
        for (alg, value) in claimed {
            if let Ok(value) = bindings::Value::read(alg, value, self.settings.max_binding_bytes) {
                writer.bind(alg, value.bytes(), label, value.is_telling())?;
            }
        }
        Ok(())
    }

    fn store_alone(
        &self,
        writer: &mut Writer<'_>,
        store: &ReadStore<'_>,
        owner: OrganisationId,
    ) -> Result<(), Refusal> {
        match writer.manifest(&store.label)? {
            Some(row) if !store.is(&row) => {
                if (Right { trusted: store.trusted, observed: false }) <= Right::held(writer, &row)? {
                    return Err(Refusal::with(ProblemCode::ManifestConflict, format!("{}", store.label)));
                }
                if row.deleted_at.is_none() {
                    self.take_out(writer, &row)?;
                }
            }
            // It is there already: that it was brought again changes nothing for whose it is.
            Some(row) if row.deleted_at.is_none() => {
                if row.owner == owner && !row.alone {
                    writer.mark_alone(&store.label)?;
                }
                if store.trusted && !row.trusted {
                    writer.mark_trusted(&store.label)?;
                }
                return Ok(());
            }
            _ => {}
        }
        let c2pa = C2paBinding {
            manifest: store.label.to_string(),
            store_sha256: store.digest,
            signer: store.signer.as_deref().and_then(plain),
            hard_binding: store.hard_binding.clone(),
            certificate_sha256: Some(store.certificate),
            claim_signature_sha256: store.claim_signature,
        };
        let body = ManifestStored { organisation: owner, c2pa };
        let logged = self.append_own(writer, self.keyring.verdict(), body)?;
        writer.put_manifest(&self.new_manifest(store, owner, true, logged.log_index))?;
        self.bind_claimed(writer, &store.label, store.claimed.iter())
    }
}

/// Text of a certificate as a statement may hold it.
fn plain(text: &str) -> Option<String> {
    let clean: String =
        text.chars().filter(|c| !c.is_control()).take(touchstone_schema::statement::MAX_TEXT).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

impl Registry {
    /// Keeps a manifest store that came by itself; the log gets a `manifest.stored`. The same store again changes
    /// nothing.
    ///
    /// # Errors
    /// `invalid-manifest` if its active manifest does not hold by itself; `manifest-conflict` if its label is that of
    /// another store with as good a right to it; `body-too-large`; `forbidden`.
    pub fn store_manifest(&self, caller: &Caller, bytes: &[u8]) -> Result<ManifestId, Refusal> {
        caller.require(Scope::StoreManifests)?;
        let owner = caller.organisation()?;
        let inner = &*self.0;
        let limit = inner.settings.max_manifest_bytes;
        if bytes.len() > limit {
            let detail = format!("a manifest store may have at most {limit} bytes");
            return Err(Refusal::with(ProblemCode::BodyTooLarge, detail));
        }
        let store = inner.read_store(bytes)?;
        inner.append(|writer| {
            check_still_valid(writer, &owner)?;
            inner.store_alone(writer, &store, owner)
        })?;
        Ok(store.label)
    }

    /// A manifest store, or its active manifest alone.
    ///
    /// # Errors
    /// `not-found` if there is none or it was deleted; `forbidden`.
    pub fn manifest(&self, caller: &Caller, id: &ManifestId, active_only: bool) -> Result<Vec<u8>, Refusal> {
        caller.require(Scope::FetchManifests)?;
        let bytes = self.0.store.read(|reader| reader.manifest_bytes(id).map_err(Refusal::from))?;
        let bytes = bytes.ok_or_else(no_manifest)?;
        if active_only { Inner::active_only(&bytes) } else { Ok(bytes) }
    }

    /// Deletes an own manifest store with its soft bindings; the log gets a `manifest.deleted`. If somebody else has a
    /// registered picture with it, it becomes theirs instead, and nothing is logged.
    ///
    /// # Errors
    /// `not-found` if there is none or it was deleted; `not-owner` for everybody but its owner; `forbidden`.
    pub fn delete_manifest(&self, caller: &Caller, id: &ManifestId) -> Result<(), Refusal> {
        caller.require(Scope::StoreManifests)?;
        let owner = caller.organisation()?;
        let inner = &*self.0;
        inner.append(|writer| {
            check_still_valid(writer, &owner)?;
            let row = owned(writer, id, &owner)?;
            if writer.pass_manifest_on(&row)? {
                return Ok(());
            }
            inner.take_out(writer, &row)
        })
    }
}
