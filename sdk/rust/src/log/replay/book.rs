//! What the replay remembers of each entry: 104 bytes, in the order of the log.
//!
//! Statements refer to others by identifiers that follow from the log, so this is enough to resolve them. Whether two
//! entries speak of the same content, record or manifest is told by 128 bits of a digest, which nobody can meet a second
//! time. The watcher's own pictures are recognised by the first 8 bytes of their digests: nobody meets the same 64 bits
//! by chance, and whoever searched for them would only be noticed.

use std::collections::HashMap;
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    label::{AiAttribute, LabelMeaning, OutputLabel},
    leaf,
    log::Frontier,
    statement::{Body, ContentBindings, Kind},
};

/// Bytes of a record.
pub(crate) const RECORD_BYTES: usize = 104;
/// In the place of a kind: the entry broke a rule and changes nothing.
const VOID: u8 = u8::MAX;
/// In the place of a log index: none.
const NO_TARGET: u64 = u64::MAX;

/// The first 8 bytes of a digest.
pub(crate) fn tag(digest: &Sha256Digest) -> u64 {
    digest.0.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

/// The first half of a digest: what must be the same is compared by it.
pub(crate) type Half = [u8; 16];

pub(crate) fn half(parts: &[&[u8]]) -> Half {
    Sha256Digest::of_parts(parts).0.first_chunk().copied().unwrap_or_default()
}

/// A manifest store, by its label and digest.
pub(crate) fn store(label: &str, digest: &Sha256Digest) -> Half {
    half(&[digest.as_bytes(), label.as_bytes()])
}

/// A digest that was bound, or nothing where nothing was.
fn bound(half: Half) -> Option<Half> {
    Some(half).filter(|half| *half != Half::default())
}

/// What the registry's label says: how sure, and how much of the picture.
pub type LabelState = (AiAttribute, LabelMeaning);

pub(crate) const fn state_of(label: &OutputLabel) -> LabelState {
    (label.attribute, label.digital_source_type.meaning())
}

/// What is remembered of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) accepted_at: Timestamp,
    pub(crate) deduplication_key: Sha256Digest,
    /// None for entries that broke a rule.
    pub(crate) kind: Option<Kind>,
    /// Place of the issuer among the organisations; of a stored manifest, of who brought it; none for the registry.
    pub(crate) issuer: Option<u32>,
    /// Log index of the statement that it refers to.
    pub(crate) target: Option<u64>,
    pub(crate) label: Option<LabelState>,
    /// Tags of the file's digest and of that without its manifest.
    pub(crate) tags: Option<(u64, u64)>,
    /// Of a statement, the content that it binds; of what concerns a manifest, the store; of an observation, the store
    /// that the file carries.
    pub(crate) bound: Option<Half>,
    /// The reference record that is bound; of what concerns a manifest, its label.
    pub(crate) record: Option<Half>,
}

impl Record {
    /// Of an entry that changes nothing.
    pub(crate) const fn void(accepted_at: Timestamp) -> Self {
        Self {
            accepted_at,
            deduplication_key: Sha256Digest([0; 32]),
            kind: None,
            issuer: None,
            target: None,
            label: None,
            tags: None,
            bound: None,
            record: None,
        }
    }

    pub(crate) fn tags_of(content: &ContentBindings) -> (u64, u64) {
        (tag(&content.sha256), tag(&content.sha256_without_manifest))
    }

    pub(crate) fn content_of(content: &ContentBindings) -> Half {
        half(&[content.sha256.as_bytes(), content.sha256_without_manifest.as_bytes()])
    }

    pub(crate) fn record_of(record: &Sha256Digest) -> Half {
        half(&[record.as_bytes()])
    }

    /// What a body binds: content or manifest store, reference record or label of the manifest.
    pub(crate) fn bindings_of(body: &Body) -> (Option<Half>, Option<Half>) {
        match body {
            Body::ImageRegistered(_) | Body::OutputLabelled(_) => {
                let content = body.content();
                let record = content.and_then(|content| content.record.as_ref()).map(Self::record_of);
                (content.map(Self::content_of), record)
            }
            Body::ContentObserved(observed) => {
                let carried = observed.content.c2pa.as_ref();
                let carried = carried.map(|c2pa| store(&c2pa.manifest, &c2pa.store_sha256));
                (carried, observed.content.record.as_ref().map(Self::record_of))
            }
            Body::ManifestStored(stored) => (
                Some(store(&stored.c2pa.manifest, &stored.c2pa.store_sha256)),
                Some(half(&[stored.c2pa.manifest.as_bytes()])),
            ),
            Body::ManifestDeleted(deleted) => (
                Some(store(&deleted.manifest, &deleted.store_sha256)),
                Some(half(&[deleted.manifest.as_bytes()])),
            ),
            _ => (None, None),
        }
    }

    pub(crate) fn id(&self) -> StatementId {
        StatementId::of_entry(self.accepted_at, &self.deduplication_key)
    }

    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&self.accepted_at.as_micros().to_be_bytes());
        bytes[8..40].copy_from_slice(self.deduplication_key.as_bytes());
        let kind = self.kind.and_then(|kind| Kind::ALL.iter().position(|(k, _)| *k == kind));
        bytes[40] = kind.and_then(|place| u8::try_from(place).ok()).unwrap_or(VOID);
        if let Some((attribute, meaning)) = self.label {
            bytes[41] = 1 + attribute as u8;
            bytes[42] = meaning as u8;
        }
        bytes[43] = u8::from(self.tags.is_some());
        bytes[44..48].copy_from_slice(&self.issuer.map_or(0, |place| place + 1).to_be_bytes());
        bytes[48..56].copy_from_slice(&self.target.unwrap_or(NO_TARGET).to_be_bytes());
        let (file, bare) = self.tags.unwrap_or((0, 0));
        bytes[56..64].copy_from_slice(&file.to_be_bytes());
        bytes[64..72].copy_from_slice(&bare.to_be_bytes());
        bytes[72..88].copy_from_slice(&self.bound.unwrap_or_default());
        bytes[88..].copy_from_slice(&self.record.unwrap_or_default());
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let number = |at: usize| bytes[at..].first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
        let kind = match bytes[40] {
            VOID => None,
            place => Some(Kind::ALL.get(usize::from(place))?.0),
        };
        let label = match bytes[41].checked_sub(1) {
            None => None,
            Some(attribute) => Some((
                *[AiAttribute::Confirmed, AiAttribute::Possible, AiAttribute::Suspected]
                    .get(usize::from(attribute))?,
                *[
                    LabelMeaning::Synthetic,
                    LabelMeaning::PartlySynthetic,
                    LabelMeaning::Captured,
                    LabelMeaning::Other,
                ]
                .get(usize::from(bytes[42]))?,
            )),
        };
        let issuer = u32::from_be_bytes(*bytes[44..].first_chunk()?);
        Some(Self {
            accepted_at: Timestamp::from_micros(i64::try_from(number(0)).ok()?).ok()?,
            deduplication_key: Sha256Digest(*bytes[8..].first_chunk()?),
            kind,
            issuer: issuer.checked_sub(1),
            target: Some(number(48)).filter(|target| *target != NO_TARGET),
            label,
            tags: (bytes[43] == 1).then(|| (number(56), number(64))),
            bound: bound(*bytes[72..].first_chunk()?),
            record: bound(*bytes[88..].first_chunk()?),
        })
    }
}

/// What became of a statement through later ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) withdrawn: bool,
    /// Log index of the observation.
    pub(crate) observed: Option<u64>,
    pub(crate) deleted: bool,
}

/// All records, and where to find them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    records: Vec<Record>,
    by_id: HashMap<StatementId, u64>,
    /// By the first half of the deduplication key.
    seen: HashMap<[u8; 16], u64>,
    fates: HashMap<u64, Fate>,
    labels: HashMap<u64, LabelState>,
    /// Stores that came by themselves and were not deleted, by their label: the store, and the entry that says so.
    stores: HashMap<Half, (Half, u64)>,
    /// Stores that pictures carried, and the entry that observed the picture. Whether the registry kept one is not in
    /// the log: its owner decides.
    carried: HashMap<Half, u64>,
    /// Over the records, so that damage to what was written down is noticed.
    sum: Frontier,
}

impl Book {
    pub(crate) fn len(&self) -> u64 {
        self.records.len() as u64
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Record> {
        self.records.get(usize::try_from(index).ok()?)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = (u64, &Record)> {
        (0..).zip(&self.records)
    }

    pub(crate) fn find(&self, id: &StatementId) -> Option<(u64, &Record)> {
        let index = *self.by_id.get(id)?;
        Some((index, self.get(index)?))
    }

    /// Index of an earlier entry with this deduplication key.
    pub(crate) fn earlier(&self, deduplication_key: &Sha256Digest) -> Option<u64> {
        let index = *self.seen.get(deduplication_key.0.first_chunk()?)?;
        self.get(index).filter(|record| record.deduplication_key == *deduplication_key).map(|_| index)
    }

    pub(crate) fn fate(&self, index: u64) -> Fate {
        self.fates.get(&index).copied().unwrap_or_default()
    }

    /// The label that holds now, corrections included.
    pub(crate) fn label(&self, index: u64) -> Option<LabelState> {
        self.labels.get(&index).copied().or_else(|| self.get(index)?.label)
    }

    pub(crate) fn push(&mut self, record: Record) {
        let index = self.len();
        if let Some(kind) = record.kind {
            self.by_id.insert(record.id(), index);
            if let Some(half) = record.deduplication_key.0.first_chunk() {
                self.seen.insert(*half, index);
            }
            self.follow_manifest(kind, index, &record);
            if let Some(target) = record.target {
                self.follow(kind, index, target, &record);
            }
        }
        self.sum.push(leaf::hash(&record.to_bytes()));
        self.records.push(record);
    }

    fn follow_manifest(&mut self, kind: Kind, index: u64, record: &Record) {
        match (kind, record.bound, record.record) {
            (Kind::ManifestStored, Some(store), Some(label)) => {
                self.stores.insert(label, (store, index));
            }
            (Kind::ManifestDeleted, Some(store), Some(label)) => {
                self.stores.remove(&label);
                self.carried.remove(&store);
            }
            (Kind::ContentObserved, Some(store), _) => {
                self.carried.insert(store, index);
            }
            _ => {}
        }
    }

    /// The entry that brought a manifest store under this label, if a store came by itself.
    pub(crate) fn stored(&self, label: &str) -> Option<(Half, u64)> {
        self.stores.get(&half(&[label.as_bytes()])).copied()
    }

    /// The entry with which the registry may have taken this manifest store, if it was not deleted since.
    pub(crate) fn kept(&self, label: &str, digest: &Sha256Digest) -> Option<u64> {
        let wanted = store(label, digest);
        let alone = self.stored(label).filter(|(store, _)| *store == wanted).map(|(_, index)| index);
        alone.or_else(|| self.carried.get(&wanted).copied())
    }

    fn follow(&mut self, kind: Kind, index: u64, target: u64, record: &Record) {
        match kind {
            Kind::StatementWithdrawn => self.fates.entry(target).or_default().withdrawn = true,
            Kind::ContentObserved => self.fates.entry(target).or_default().observed = Some(index),
            Kind::RecordDeleted => self.fates.entry(target).or_default().deleted = true,
            Kind::LabelCorrected => {
                if let Some(label) = record.label {
                    self.labels.insert(target, label);
                }
            }
            _ => {}
        }
    }

    /// As it was after `size` entries.
    pub(crate) fn rewound(&self, size: u64) -> Self {
        let mut earlier = Self::default();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.records.iter().take(size).for_each(|record| earlier.push(*record));
        earlier
    }

    /// The records from `first` on, as bytes.
    pub(crate) fn to_bytes(&self, first: u64) -> Vec<u8> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        self.records.get(first..).unwrap_or_default().iter().flat_map(|record| record.to_bytes()).collect()
    }

    /// Adds what [`Self::to_bytes`] wrote; false if it is damaged.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        let (records, rest) = bytes.as_chunks::<RECORD_BYTES>();
        rest.is_empty()
            && records.iter().all(|bytes| {
                // Only what would be written so: no bit is without meaning.
                let record = Record::from_bytes(bytes).filter(|record| record.to_bytes() == *bytes);
                record.map(|record| self.push(record)).is_some()
            })
    }

    /// A digest of all records.
    pub(crate) fn digest(&self) -> Sha256Digest {
        self.sum.root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        let label = prop::option::of((0..3_usize, 0..4_usize)).prop_map(|places| {
            places.map(|(a, m)| {
                let attributes = [AiAttribute::Confirmed, AiAttribute::Possible, AiAttribute::Suspected];
                let meanings = [
                    LabelMeaning::Synthetic,
                    LabelMeaning::PartlySynthetic,
                    LabelMeaning::Captured,
                    LabelMeaning::Other,
                ];
                (attributes[a], meanings[m])
            })
        });
        let kind = prop::option::of(0..Kind::ALL.len()).prop_map(|place| place.map(|p| Kind::ALL[p].0));
        let halves = (any::<Option<[u8; 16]>>(), any::<Option<[u8; 16]>>());
        let numbers =
            (prop::option::of(0..1_000_u32), prop::option::of(0..1_000_u64), any::<Option<(u64, u64)>>());
        let numbers = (numbers, halves)
            .prop_map(|((issuer, target, tags), (bound, record))| (issuer, target, tags, bound, record));
        (0..1_000_000_i64, any::<[u8; 32]>(), kind, label, numbers).prop_map(
            |(micros, key, kind, label, (issuer, target, tags, bound, record))| Record {
                accepted_at: Timestamp::from_micros(micros).unwrap(),
                deduplication_key: Sha256Digest(key),
                kind,
                issuer,
                target,
                label,
                tags,
                bound: bound.filter(|half| *half != [0; 16]),
                record: record.filter(|half| *half != [0; 16]),
            },
        )
    }

    proptest! {
        #[test]
        fn records_round_trip_and_damage_shows(
            records in prop::collection::vec(record(), 1..20), cut in 0..20_u64, at: prop::sample::Index, bit in 0..8_u8
        ) {
            let mut book = Book::default();
            records.iter().for_each(|record| book.push(*record));
            let cut = cut.min(book.len());
            let mut again = Book::default();
            let bytes = book.to_bytes(0);
            let (head, tail) = bytes.split_at(cut as usize * RECORD_BYTES);
            prop_assert!(again.extend(head) && again.extend(tail));
            prop_assert_eq!(&again.records, &records);
            prop_assert_eq!(again.digest(), book.digest());
            let mut shorter = Book::default();
            prop_assert!(shorter.extend(head));
            prop_assert_eq!(book.rewound(cut).digest(), shorter.digest());
            prop_assert_eq!(&book.to_bytes(cut), tail);
            let mut damaged = bytes.clone();
            damaged[at.index(bytes.len())] ^= 1 << bit;
            let mut other = Book::default();
            // A flipped bit is refused, or reads as something else.
            prop_assert!(!other.extend(&damaged) || other.digest() != book.digest());
        }
    }
}
