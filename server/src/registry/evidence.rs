//! Everything that the rules may look at, gathered once: what the photo says, which entries it resembles.

use super::{
    Inner, Refusal,
    content::statement_of,
    credentials::{self, Credential, Descent, RegisteredManifest, SharedLabel},
    lookup,
    recognise::{Recognition, Resemblance},
    turns::Turns,
};
use crate::store::{ContentDigest, EntryRow, Reader};
use std::collections::{BTreeMap, HashMap};
use touchstone_inspect::{
    fingerprint::{PDQ_QUALITY_FLOOR, hamming},
    frames::Part,
};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    api::LabelRecord,
    label::{FoundLabel, LabelMeaning, OutputLabel},
    record::Record,
    statement::{Body, Issuer, Role, View},
    verdict::{Binding, Comparison, Context},
};

/// Most entries that one check looks at, digest matches first, then the nearest.
const MAX_CANDIDATES: usize = 32;

/// What ties a photo to an entry, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// The file's bytes are the same.
    File,
    /// The bytes without the C2PA manifest are the same.
    WithoutManifest,
    /// The same capture: the fingerprints differ in this many bits of 256.
    Similar(u32),
    /// The same capture: local features agree, though the fingerprints do not.
    Geometry,
    /// The photo's intact C2PA manifest has its manifest as that of a picture that it was made from.
    Parent,
    /// The same object or template in another capture. It counts for nothing.
    OtherCapture,
}

impl Tie {
    /// The same capture, as other bytes.
    #[must_use]
    pub const fn is_near(self) -> bool {
        matches!(self, Self::Similar(_) | Self::Geometry)
    }
}

/// What the comparison of the pixels told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Examined {
    /// The numbers behind it.
    pub numbers: Comparison,
    /// Regions were altered.
    pub altered: bool,
    /// Something that is no damage lies over it.
    pub overlaid: bool,
    /// The photo lies unevenly, as one that was taken of a screen does.
    pub uneven: bool,
    /// The part of the photo that shows it.
    pub part: Option<Part>,
}

/// An entry that the photo is tied to.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The statement.
    pub id: StatementId,
    /// Its log index.
    pub index: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Who issued it.
    pub issuer: OrganisationId,
    /// The issuer's name.
    pub issuer_name: String,
    /// The issuer's role.
    pub role: Role,
    /// The view of a merchant's picture.
    pub view: Option<View>,
    /// The registered labels of an AI output: the one that holds now, then the one before its correction.
    pub labels: Vec<OutputLabel>,
    /// An AI output that was made from another picture: it names its parents, or only a part of it is AI's.
    pub derived: bool,
    /// The registered file itself carried an AI label, as far as is known.
    pub carried_label: bool,
    /// The registered file's C2PA manifest, as the registry saw it, otherwise as it was signed.
    pub manifest: Option<RegisteredManifest>,
    /// The photo's intact C2PA manifest has its manifest as a parent's, or the parent of one.
    pub descent: Option<Descent>,
    /// File name in the record.
    pub file_name: Option<String>,
    /// What ties it.
    pub tie: Tie,
    /// What the comparison of the pixels told, if there was one.
    pub examined: Option<Examined>,
    /// Who computed its bindings.
    pub binding: Binding,
    /// Its issuer withdrew it.
    pub withdrawn: bool,
    /// It was signed with a key that was suspect by then.
    pub suspect_key: bool,
    /// Its issuer is suspended.
    pub issuer_suspended: bool,
}

impl Candidate {
    /// An AI output, whose labels are registered.
    #[must_use]
    pub const fn is_output(&self) -> bool {
        !self.labels.is_empty()
    }

    /// The photo is it, by its bytes or its looks.
    #[must_use]
    pub const fn is_same_capture(&self) -> bool {
        matches!(self.tie, Tie::File | Tie::WithoutManifest) || self.tie.is_near()
    }
}

/// The photo carries a label whose number is registered for another picture.
#[derive(Debug, Clone)]
pub struct LabelElsewhere {
    /// The registered label.
    pub record: LabelRecord,
    /// Differing bits between the photo and the labelled picture, if both fingerprints are known and tell enough.
    pub distance: Option<u32>,
    /// Both have the same width and height: then one is hardly a crop of the other.
    pub same_size: bool,
    /// The labelled picture was itself made from another one.
    pub derived: bool,
    /// The registry saw the labelled picture, and the producer's code belongs to who registered it.
    pub reliable: bool,
}

/// What the rules may look at.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Labels in the file.
    pub labels: Vec<FoundLabel>,
    /// The C2PA manifest.
    pub credential: Option<Credential>,
    /// The photo's pixels were seen.
    pub pixels_seen: bool,
    /// Fingerprints tell enough to search by them.
    pub informative: bool,
    /// It looks like so many registered pictures that some were left out.
    pub flooded: bool,
    /// Entries that the photo is tied to.
    pub candidates: Vec<Candidate>,
    /// Registered labels of other pictures that this photo carries.
    pub labels_elsewhere: Vec<LabelElsewhere>,
    /// A registered manifest of the label of one in the photo's store, which is another one.
    pub shared_label: Option<SharedLabel>,
}

/// What is known of the photo before the registry is asked.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// SHA-256 of the file.
    pub sha256: Option<Sha256Digest>,
    /// SHA-256 without the manifest.
    pub sha256_without_manifest: Option<Sha256Digest>,
    /// PDQ hashes of the orientations; empty if unknown or uninformative.
    pub orientations: Vec<[u8; 32]>,
    /// Gradient hashes, if only fingerprints were given.
    pub dhash: Vec<[u8; 32]>,
    /// Width and height.
    pub size: Option<(u32, u32)>,
    /// Labels in the file.
    pub labels: Vec<FoundLabel>,
    /// The C2PA manifest.
    pub credential: Option<Credential>,
    /// The photo's pixels were seen.
    pub pixels_seen: bool,
    /// Fingerprints tell enough.
    pub informative: bool,
}

impl Inner {
    /// Gathers the evidence on a photo, and the size of the log that it was gathered from.
    ///
    /// `recognise` looks at the photo; no connection to the database is held meanwhile.
    pub(super) fn gather<'a>(
        &self,
        query: Query,
        context: &Context,
        recognise: impl FnOnce() -> Result<Recognition<'a>, Refusal>,
    ) -> Result<(Evidence, Recognition<'a>, u64), Refusal> {
        // The size is read first and the index follows then: the search covers everything that the size counts.
        let log_size = self.store.read(|reader| reader.log_size().map_err(Refusal::from))?;
        self.follow()?;
        let recognition = recognise()?;
        let evidence = self.store.read(|reader| weigh(reader, query, context, &recognition, log_size))?;
        Ok((evidence, recognition, log_size))
    }
}

/// What was added to the log since `log_size` was read is left to the next check: the verdict names that size.
fn weigh(
    reader: &mut Reader<'_>,
    mut query: Query,
    context: &Context,
    recognition: &Recognition<'_>,
    log_size: u64,
) -> Result<Evidence, Refusal> {
    let mut ties: BTreeMap<u64, Tie> = BTreeMap::new();
    let mut tie = |index: u64, tie: Tie| {
        let known = ties.entry(index).or_insert(tie);
        *known = tie.min(*known);
    };
    for digest in query.sha256.iter().chain(&query.sha256_without_manifest) {
        let is_file = query.sha256.as_ref() == Some(digest);
        for row in reader.content(digest)? {
            let whole = is_file && row.which == ContentDigest::File;
            tie(row.index, if whole { Tie::File } else { Tie::WithoutManifest });
        }
    }
    for found in &recognition.resemblances {
        // What only the gradient hash proposed and nothing was kept of counts for nothing.
        if found.comparison.is_none() && found.distance.is_none() {
            continue;
        }
        let same = found.distance.map_or(Tie::Geometry, Tie::Similar);
        tie(found.index, if found.is_same_capture() { same } else { Tie::OtherCapture });
    }
    for index in credentials::ancestors(reader, query.credential.as_ref())? {
        tie(index, Tie::Parent);
    }
    ties.retain(|index, _| *index < log_size);
    let nearest = nearest(reader, ties, context)?;
    let mut candidates = candidates(reader, &nearest, query.sha256.as_ref(), log_size)?;
    let intact = || query.credential.iter().filter(|it| it.is_intact());
    for candidate in &mut candidates {
        let Some(manifest) = &candidate.manifest else { continue };
        let found = intact().flat_map(|it| &it.ancestors).find(|ancestor| manifest.is_ancestor(ancestor));
        candidate.descent = found.map(|ancestor| Descent { edited: ancestor.edited_since });
    }
    candidates.retain(|it| it.tie != Tie::Parent || it.descent.is_some());
    let by_pixels =
        |candidate: &&mut Candidate| candidate.tie.is_near() || candidate.tie == Tie::OtherCapture;
    for candidate in candidates.iter_mut().filter(by_pixels) {
        let mut all = recognition.resemblances.iter();
        candidate.examined = all.find(|found| found.index == candidate.index).and_then(Resemblance::examined);
    }
    if let Some(credential) = &mut query.credential {
        credential.recall(&candidates);
    }
    let labels_elsewhere = labels_elsewhere(reader, &query, &candidates, log_size)?;
    let shared_label = credentials::shared_label(reader, query.credential.as_ref(), log_size)?;
    Ok(Evidence {
        labels: query.labels,
        credential: query.credential,
        pixels_seen: query.pixels_seen,
        informative: query.informative,
        flooded: recognition.flooded,
        candidates,
        labels_elsewhere,
        shared_label,
    })
}

/// The ties that a check looks at, strongest first. What does not count never crowds out what does, and no issuer crowds out
/// another one: somebody who registers a photo a hundred times hides nothing.
fn nearest(
    reader: &mut Reader<'_>,
    ties: BTreeMap<u64, Tie>,
    context: &Context,
) -> Result<Vec<(u64, Tie)>, Refusal> {
    let mut nearest: Vec<(u64, Tie)> = ties.into_iter().collect();
    nearest.sort_unstable_by_key(|(index, tie)| (*tie, *index));
    if nearest.len() > MAX_CANDIDATES {
        let indexes: Vec<u64> = nearest.iter().map(|(index, _)| *index).collect();
        let turns = Turns::among(&reader.entries(&indexes)?, context.claim_time);
        let mut kept = turns.in_turns(indexes);
        kept.truncate(MAX_CANDIDATES);
        nearest.retain(|(index, _)| kept.contains(index));
    }
    Ok(nearest)
}

fn candidates(
    reader: &mut Reader<'_>,
    ties: &[(u64, Tie)],
    photo: Option<&Sha256Digest>,
    log_size: u64,
) -> Result<Vec<Candidate>, Refusal> {
    let indexes: Vec<u64> = ties.iter().map(|(index, _)| *index).collect();
    let mut records: HashMap<u64, _> =
        reader.records(&indexes)?.into_iter().map(|record| (record.index, record)).collect();
    let mut entries: HashMap<u64, EntryRow> =
        reader.entries(&indexes)?.into_iter().map(|entry| (entry.index, entry)).collect();
    let mut found = Vec::with_capacity(ties.len());
    for (index, tie) in ties {
        // A fingerprint may outlive its entry's row by no moment: both are written in one transaction.
        let Some(entry) = entries.remove(index) else { continue };
        let Issuer::Organisation(issuer) = entry.issuer else { continue };
        let organisation = reader.organisation(&issuer)?;
        let organisation =
            organisation.ok_or_else(|| Refusal::internal("an entry of an organisation that is not there"))?;
        let key = reader.key_by_public_key(&entry.key)?;
        let suspect_from = key.and_then(|key| key.suspect_from_index);
        let (view, declared, first_label, parents) = match statement_of(&entry)?.body {
            Body::ImageRegistered(image) => (Some(image.view), image.content.c2pa, None, Vec::new()),
            // The output was made from this photo: the photo does not derive from the output.
            Body::OutputLabelled(output) if photo.is_some_and(|photo| output.parents.contains(photo)) => {
                continue;
            }
            Body::OutputLabelled(output) => (None, output.content.c2pa, Some(output.label), output.parents),
            _ => continue,
        };
        let mut labels: Vec<OutputLabel> =
            lookup::label_record(reader, &entry)?.map(|record| record.label).into_iter().collect();
        labels.extend(first_label.filter(|first| !labels.contains(first)));
        let so_far = |at: Option<u64>| at.is_some_and(|at| at < log_size);
        let observed = so_far(entry.observed_at_index);
        let declared = declared.map(RegisteredManifest::declared);
        let manifest = if observed { credentials::observed(reader, &entry)? } else { declared };
        let record = records.remove(index);
        let reference = record.as_ref().and_then(|row| Record::parse(row.bytes.as_deref()?).ok());
        found.push(Candidate {
            id: entry.id,
            index: entry.index,
            accepted_at: entry.accepted_at,
            issuer,
            issuer_name: organisation.name,
            role: organisation.role,
            view,
            carried_label: carried_label(observed, manifest.is_some(), &labels, reference.as_ref()),
            derived: is_derived(&labels, &parents),
            labels,
            manifest,
            descent: None,
            file_name: record.and_then(|record| record.file_name),
            tie: *tie,
            examined: None,
            binding: if observed { Binding::Observed } else { Binding::Declared },
            withdrawn: so_far(entry.withdrawn_at_index),
            suspect_key: suspect_from.is_some_and(|from| entry.index >= from),
            issuer_suspended: organisation.suspended_at_index.is_some(),
        });
    }
    Ok(found)
}

/// Whether an AI output was made from another picture, as far as its registrant says so.
fn is_derived(labels: &[OutputLabel], parents: &[Sha256Digest]) -> bool {
    let in_part = |label: &OutputLabel| label.digital_source_type.meaning() == LabelMeaning::PartlySynthetic;
    !parents.is_empty() || labels.iter().any(in_part)
}

/// Whether the registered file itself carried an AI label. What the registry saw decides; of a file that it never saw,
/// or whose record was deleted, it is known from what was signed.
fn carried_label(
    observed: bool,
    had_manifest: bool,
    labels: &[OutputLabel],
    reference: Option<&Record>,
) -> bool {
    match reference {
        Some(reference) if observed => reference.carries_label,
        Some(reference) if reference.carries_label => true,
        _ => had_manifest || labels.iter().any(|label| label.gb45438.is_some()),
    }
}

/// Registered labels that the photo carries although it is tied to none of their pictures.
fn labels_elsewhere(
    reader: &mut Reader<'_>,
    query: &Query,
    candidates: &[Candidate],
    log_size: u64,
) -> Result<Vec<LabelElsewhere>, Refusal> {
    let mut elsewhere = Vec::new();
    for label in query.labels.iter().filter_map(|label| label.gb45438.as_ref()) {
        let mut indexes = reader.label(&label.content_producer, &label.produce_id)?;
        indexes.retain(|index| *index < log_size);
        indexes.truncate(MAX_CANDIDATES);
        if indexes.is_empty() || candidates.iter().any(|candidate| indexes.contains(&candidate.index)) {
            continue;
        }
        // One number names one picture: the oldest registration by its owner counts, otherwise the oldest one.
        let owner = reader.code_owner(&label.content_producer)?;
        let mut records = Vec::new();
        for index in indexes {
            let Some(entry) = reader.entry(index)? else { continue };
            let parents = match statement_of(&entry)?.body {
                Body::OutputLabelled(output) => output.parents,
                _ => Vec::new(),
            };
            let record = lookup::label_record(reader, &entry)?;
            records.extend(record.map(|record| (index, record, parents)));
        }
        let rank = |(index, record, _): &(u64, LabelRecord, _)| {
            (record.withdrawn, owner != Some(record.issuer), *index)
        };
        let Some((index, record, parents)) = records.into_iter().min_by_key(rank) else { continue };
        let row = reader.record(index)?;
        let observed = row.as_ref().is_some_and(|row| row.observed);
        let owned = owner == Some(record.issuer);
        let reference = row.and_then(|row| Record::parse(row.bytes.as_deref()?).ok());
        let reference = reference.filter(|reference| reference.pdq_quality >= PDQ_QUALITY_FLOOR);
        let distance = reference.as_ref().and_then(|reference| {
            query.orientations.iter().map(|code| hamming(code, &reference.pdq.0)).min()
        });
        let same_size = reference.is_some_and(|r| query.size == Some((r.width, r.height)));
        let derived = is_derived(std::slice::from_ref(&record.label), &parents);
        let reliable = observed && owned;
        elsewhere.push(LabelElsewhere { record, distance, same_size, derived, reliable });
    }
    Ok(elsewhere)
}
