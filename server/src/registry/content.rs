//! Content of statements: pixels that the registry observes itself, records that the registrant computed, deletion.

use super::{Caller, Inner, Refusal, Registry, accepting::check_still_valid};
use crate::{
    clock::nonce,
    store::{EntryRow, NewRecord, Reader, Writer},
};
use touchstone_inspect::{InspectError, Inspection, features, fingerprint::PDQ_QUALITY_FLOOR, reference};
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    api::{ContentReceipt, Logged, Scope},
    envelope::{self, STATEMENT_TYPE},
    leaf,
    problem::ProblemCode,
    record::{Blob, Record, Tier, clean_file_name},
    statement::{Body, ContentBindings, ContentObserved, Issuer, RecordDeleted, Statement, View},
};

/// The statement in a log entry.
pub(super) fn statement_of(entry: &EntryRow) -> Result<Statement, Refusal> {
    let (_, bytes) = leaf::decode(&entry.leaf).map_err(Refusal::internal)?;
    let opened = envelope::open(bytes, STATEMENT_TYPE).map_err(Refusal::internal)?;
    Statement::parse(&opened.payload).map_err(Refusal::internal)
}

fn own_entry(reader: &mut Reader<'_>, caller: &Caller, id: &StatementId) -> Result<EntryRow, Refusal> {
    let entry = reader.entry_by_id(id)?;
    let entry = entry.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such statement"))?;
    if entry.issuer != Issuer::Organisation(caller.organisation()?) {
        return Err(Refusal::with(ProblemCode::NotOwner, "only the issuer of the statement may do this"));
    }
    Ok(entry)
}

/// Bindings of an own statement that content may be uploaded for, and a merchant's view.
fn own_bindings(
    reader: &mut Reader<'_>,
    caller: &Caller,
    id: &StatementId,
) -> Result<(EntryRow, ContentBindings, Option<View>), Refusal> {
    let entry = own_entry(reader, caller, id)?;
    if entry.withdrawn_at_index.is_some() {
        return Err(Refusal::with(ProblemCode::Conflict, "this statement is withdrawn"));
    }
    let statement = statement_of(&entry)?;
    let view = match &statement.body {
        Body::ImageRegistered(image) => Some(image.view),
        _ => None,
    };
    match (&statement.body, statement.body.content()) {
        (Body::ImageRegistered(_) | Body::OutputLabelled(_), Some(content)) => {
            Ok((entry, content.clone(), view))
        }
        _ => Err(Refusal::with(ProblemCode::Conflict, "this kind of statement has no content to upload")),
    }
}

fn mismatch(what: &str, declared: &Sha256Digest, found: &Sha256Digest) -> Refusal {
    let detail = format!("the statement binds {what} {declared}, the upload has {found}");
    Refusal::with(ProblemCode::ContentMismatch, detail)
}

impl Inner {
    fn observation(
        &self,
        statement: StatementId,
        inspection: &Inspection,
        record: Sha256Digest,
        judged_at: Timestamp,
    ) -> ContentObserved {
        ContentObserved {
            statement,
            content: inspection.bindings(Some(record)),
            width: inspection.width,
            height: inspection.height,
            c2pa: inspection.c2pa_observation(judged_at),
        }
    }
}

/// Refuses content for a statement whose record was deleted, and tells whether it was observed already.
fn check_record(reader: &mut Reader<'_>, entry: &EntryRow) -> Result<Option<bool>, Refusal> {
    match reader.record(entry.index)? {
        Some(record) if record.deleted_at_index.is_some() => Err(Refusal::new(ProblemCode::ContentDeleted)),
        Some(record) => Ok(Some(record.observed)),
        None => Ok(None),
    }
}

/// The receipt of pixels that were observed already.
fn observed_before(reader: &mut Reader<'_>, entry: &EntryRow) -> Result<Option<ContentReceipt>, Refusal> {
    check_record(reader, entry)?;
    let Some(first) = entry.observed_at_index else { return Ok(None) };
    let bytes = reader.record(entry.index)?.and_then(|row| row.bytes);
    let record = bytes.map(|bytes| Record::parse(&bytes).map_err(Refusal::internal)).transpose()?;
    let searchable = record.is_some_and(|record| record.pdq_quality >= PDQ_QUALITY_FLOOR);
    let manifest = reader.manifest_of_picture(entry.index)?;
    Ok(Some(ContentReceipt { statement: entry.id, observed_at_index: Some(first), searchable, manifest }))
}

/// What comes with a record must be readable, or it would never be found and nobody would be told.
fn check_parts(record: &Record) -> Result<(), Refusal> {
    let invalid =
        |part: &str, error: String| Refusal::with(ProblemCode::InvalidField, format!("{part}: {error}"));
    if let Some(Blob(bytes)) = &record.features {
        features::Reference::from_bytes(bytes).map_err(|error| invalid("features", error.to_string()))?;
    }
    if let Some(Blob(bytes)) = &record.sketch {
        let sketch = reference::read(bytes).map_err(|error| invalid("sketch", error.to_string()))?;
        if sketch.width.max(sketch.height) > reference::SKETCH_SIDE {
            let side = reference::SKETCH_SIDE;
            return Err(invalid("sketch", format!("its sides have at most {side} pixels")));
        }
    }
    Ok(())
}

impl Registry {
    /// Takes the pixels of an own statement, computes everything itself, keeps what `tier` says (by the view unless
    /// given) and logs what it observed. A C2PA manifest that holds goes into the repository, unless `keep_manifest` says
    /// no. Uploading the same bytes again changes nothing and gives the first observation.
    ///
    /// # Errors
    /// `content-mismatch` if the bytes are not what was signed; the picture problems; `content-deleted`.
    pub fn put_pixels(
        &self,
        caller: &Caller,
        id: &StatementId,
        bytes: &[u8],
        file_name: Option<&str>,
        tier: Option<Tier>,
        keep_manifest: bool,
    ) -> Result<ContentReceipt, Refusal> {
        caller.require(Scope::Register)?;
        let inner = &*self.0;
        let (entry, bindings, view) = inner.store.read(|reader| own_bindings(reader, caller, id))?;
        // The digest is judged first: decoding is the costly part, and other bytes are refused anyway.
        let digest = Sha256Digest::of(bytes);
        if digest != bindings.sha256 {
            return Err(mismatch("sha256", &bindings.sha256, &digest));
        }
        if let Some(receipt) = inner.store.read(|reader| observed_before(reader, &entry))? {
            return Ok(receipt);
        }
        let (inspection, picture) = touchstone_inspect::inspect_picture(bytes, &inner.inspector())?;
        let found = &inspection.sha256_without_manifest;
        if *found != bindings.sha256_without_manifest {
            return Err(mismatch("sha256_without_manifest", &bindings.sha256_without_manifest, found));
        }
        let media_type = inspection.format.media_type();
        if bindings.media_type != media_type {
            let detail = format!(
                "the statement binds a file of type {}, the upload is {media_type}",
                bindings.media_type
            );
            return Err(Refusal::with(ProblemCode::ContentMismatch, detail));
        }
        let tier = tier.unwrap_or_else(|| Tier::usual(view));
        let file_name = file_name.and_then(clean_file_name);
        let record = inspection.record(&picture, tier, nonce(inner.entropy.as_ref())?, file_name);
        let record = record.map_err(InspectError::from)?;
        let detail = (tier == Tier::Detail).then(|| reference::detail(&picture));
        let detail = detail.transpose().map_err(InspectError::from)?;
        let (record_bytes, record_digest) = record.to_bytes()?;
        let searchable = inspection.pdq.quality >= PDQ_QUALITY_FLOOR;
        let new = NewRecord {
            digest: record_digest,
            bytes: record_bytes,
            observed: true,
            pdq: searchable.then_some(inspection.pdq.hash),
            pdq_quality: inspection.pdq.quality,
            dhash: Some(record.dhash.0),
            detail,
            file_name: record.file_name,
        };
        // Read before the log is locked. What cannot be read by itself cannot be given back either; the picture is
        // registered all the same.
        let carried = if keep_manifest { inner.carried_store(bytes, &inspection) } else { None };
        let carried = carried.as_deref().and_then(|store| inner.read_store(store).ok());
        let (observed_at, manifest) = inner.append(|writer| {
            // Read again: another upload, a deletion or a suspension may have come first.
            let organisation = caller.organisation()?;
            check_still_valid(writer, &organisation)?;
            let (entry, ..) = own_bindings(writer, caller, id)?;
            check_record(writer, &entry)?;
            if let Some(first) = entry.observed_at_index {
                return Ok::<_, Refusal>((first, writer.manifest_of_picture(entry.index)?));
            }
            let carried = match &carried {
                Some(store) if inner.make_room(writer, store, &organisation)? => Some(store),
                _ => None,
            };
            let body = inner.observation(*id, &inspection, record_digest, inner.now());
            let logged = inner.append_own(writer, inner.keyring.verdict(), body)?;
            writer.mark_observed(entry.index, logged.log_index)?;
            if let Some(c2pa) = inspection.c2pa_binding() {
                let claim = c2pa.claim_signature_sha256.as_ref();
                writer.bind_credential(&c2pa.manifest, claim, entry.index)?;
            }
            writer.put_record(entry.index, &new)?;
            let places = (entry.index, logged.log_index);
            if let Some(store) = carried {
                inner.keep_with_picture(writer, store, &inspection, organisation, places)?;
            }
            Ok((logged.log_index, carried.map(|store| store.label.clone())))
        })?;
        inner.follow_own();
        Ok(ContentReceipt { statement: *id, observed_at_index: Some(observed_at), searchable, manifest })
    }

    /// Takes the reference record that an own statement binds. The registry did not see the pixels: matches say so.
    ///
    /// # Errors
    /// `content-mismatch` if the record is not the one that was signed; `conflict` if the registry observed the
    /// pixels already; `content-deleted`.
    pub fn put_record(
        &self,
        caller: &Caller,
        id: &StatementId,
        bytes: &[u8],
    ) -> Result<ContentReceipt, Refusal> {
        caller.require(Scope::Register)?;
        let inner = &*self.0;
        let record = Record::parse(bytes)?;
        check_parts(&record)?;
        let digest = Sha256Digest::of(bytes);
        let searchable = record.pdq_quality >= PDQ_QUALITY_FLOOR;
        let new = NewRecord {
            digest,
            bytes: bytes.to_vec(),
            observed: false,
            pdq: searchable.then_some(record.pdq.0),
            pdq_quality: record.pdq_quality,
            dhash: Some(record.dhash.0),
            detail: None,
            file_name: record.file_name,
        };
        let changed = inner.append(|writer| {
            check_still_valid(writer, &caller.organisation()?)?;
            let (entry, bindings, _) = own_bindings(writer, caller, id)?;
            match bindings.record {
                Some(bound) if bound == digest => {}
                Some(bound) => return Err(mismatch("record", &bound, &digest)),
                None => {
                    let detail = "the statement binds no record; sign one that does";
                    return Err(Refusal::with(ProblemCode::ContentMismatch, detail));
                }
            }
            if check_record(writer, &entry)? == Some(true) {
                return Err(Refusal::with(
                    ProblemCode::Conflict,
                    "the registry has observed the pixels already",
                ));
            }
            // The same record again changes nothing.
            if writer.record(entry.index)?.is_some_and(|known| known.digest == digest) {
                return Ok(false);
            }
            writer.put_record(entry.index, &new)?;
            Ok::<_, Refusal>(true)
        })?;
        if changed {
            inner.follow_own();
        }
        Ok(ContentReceipt { statement: *id, observed_at_index: None, searchable, manifest: None })
    }

    /// Deletes the reference record of an own statement, and the C2PA manifest that came with it. The log keeps the
    /// statement and gets a tombstone. Deleting it again gives the first tombstone.
    ///
    /// # Errors
    /// `not-found` if there is no record.
    pub fn delete_record(&self, caller: &Caller, id: &StatementId) -> Result<Logged, Refusal> {
        caller.require(Scope::Register)?;
        let inner = &*self.0;
        let logged = inner.append(|writer: &mut Writer<'_>| {
            let entry = own_entry(writer, caller, id)?;
            let record = writer.record(entry.index)?;
            let record = record.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "there is no record"))?;
            if let Some(tombstone) = record.deleted_at_index {
                let tombstone = writer.entry(tombstone)?;
                let tombstone =
                    tombstone.ok_or_else(|| Refusal::internal("a tombstone that is not there"))?;
                let EntryRow { id: statement, index: log_index, accepted_at, .. } = tombstone;
                return Ok(Logged { statement, log_index, accepted_at });
            }
            let body = RecordDeleted { statement: *id, record: record.digest };
            let logged = inner.append_own(writer, inner.keyring.verdict(), body)?;
            writer.delete_record(entry.index, logged.log_index)?;
            writer.release_picture(entry.index, inner.now())?;
            Ok::<_, Refusal>(logged)
        })?;
        inner.follow_own();
        Ok(logged)
    }
}
