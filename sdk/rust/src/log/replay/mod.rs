//! The registry's admission decisions, made again by log index.
//!
//! The state is what the log itself says up to an index: keys, organisations, provider codes, statements. Each further
//! entry is judged by it and then, if it breaks no rule, changes it. An entry that breaks a rule changes nothing: it
//! stands in the log, and nobody needs to heed it. Pure: no input or output, no clock. Memory: about 250 bytes an entry.

mod book;
mod entry;
mod judge;
mod violation;

pub use book::LabelState;
pub(crate) use book::{RECORD_BYTES, tag};
pub use entry::{Content, Entry, Signer};
pub use violation::Violation;

use book::{Book, Record};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    key::PublicKey,
    statement::{Body, Issuer, Kind, OPERATOR_KEY_POLICY, Role, VERDICT_KEY_POLICY},
};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Signs statements.
    Signing,
    /// Adds, rotates and revokes keys.
    Recovery,
}

/// A key of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The key.
    pub key: PublicKey,
    /// Place of the organisation.
    organisation: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// Log index from which on it signs.
    pub valid_from: u64,
    /// Log index from which on it no longer does.
    pub revoked_at: Option<u64>,
}

/// An organisation as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Identifier.
    pub id: OrganisationId,
    /// Public name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Log index of its admission.
    pub admitted_at: u64,
    /// Log index of its suspension.
    pub suspended_at: Option<u64>,
}

/// The state of a registry at a log index.
#[derive(Debug, Clone)]
pub struct Replay {
    origin: String,
    last_accepted_at: Timestamp,
    /// The key that signed the first entry.
    founder: Option<PublicKey>,
    /// The operator's keys, each with the index of the entry that states it.
    operators: Vec<Stated>,
    /// The verdict keys, likewise.
    verdicts: Vec<Stated>,
    organisations: Vec<Organisation>,
    places: HashMap<OrganisationId, u32>,
    names: HashSet<String>,
    keys: Vec<Key>,
    by_fingerprint: HashMap<Sha256Digest, usize>,
    codes: BTreeMap<String, Bound>,
    book: Book,
    /// Nothing can have been accepted later than this, if anything is known about it.
    latest: Option<Timestamp>,
}

/// A key of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stated {
    key: PublicKey,
    /// Log index of the entry that states it.
    at: u64,
}

/// Whose a provider code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Bound {
    /// Place of the organisation.
    organisation: u32,
    /// Log index of the entry that says so.
    at: u64,
}

/// A statement that another one refers to, as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its log index.
    pub log_index: u64,
    /// Its issuer.
    pub issuer: Issuer,
    /// The label that held.
    pub label: Option<LabelState>,
}

/// An entry that breaks no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The statement's identifier.
    pub id: StatementId,
    /// The key that signed.
    pub key: PublicKey,
    /// The earlier statement that it refers to.
    pub target: Option<Target>,
}

/// All but the records, in a form to be written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    origin: String,
    last_accepted_at: Timestamp,
    founder: Option<PublicKey>,
    operators: Vec<Stated>,
    verdicts: Vec<Stated>,
    organisations: Vec<Organisation>,
    keys: Vec<Key>,
    codes: BTreeMap<String, Bound>,
    pub(crate) records: u64,
    digest: Sha256Digest,
}

impl Replay {
    /// The empty log of the registry `origin`. The operator's key is learned from the log unless it is given.
    #[must_use]
    pub fn new(origin: &str, operator: Option<PublicKey>) -> Self {
        Self {
            origin: origin.to_owned(),
            last_accepted_at: Timestamp::EPOCH,
            founder: None,
            operators: operator.into_iter().map(|key| Stated { key, at: 0 }).collect(),
            verdicts: Vec::new(),
            organisations: Vec::new(),
            places: HashMap::new(),
            names: HashSet::new(),
            keys: Vec::new(),
            by_fingerprint: HashMap::new(),
            codes: BTreeMap::new(),
            book: Book::default(),
            latest: None,
        }
    }

    /// What is accepted later than this breaks a rule: the auditor's clock knows the present, and whoever cosigned the
    /// checkpoint had seen all its entries.
    pub(crate) const fn accept_until(&mut self, latest: Timestamp) {
        self.latest = Some(latest);
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of entries seen: the index of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.book.len()
    }

    /// The operator's key with which the log began.
    #[must_use]
    pub const fn founder(&self) -> Option<&PublicKey> {
        self.founder.as_ref()
    }

    /// The operator's key, as far as it is known.
    #[must_use]
    pub fn operator_key(&self) -> Option<&PublicKey> {
        self.operators.last().map(|stated| &stated.key)
    }

    /// The key of verdicts, observations and answers.
    #[must_use]
    pub fn verdict_key(&self) -> Option<&PublicKey> {
        self.verdicts.last().map(|stated| &stated.key)
    }

    /// The verdict key of a log of `size` entries.
    #[must_use]
    pub fn verdict_key_at(&self, size: u64) -> Option<&PublicKey> {
        self.verdicts.iter().rev().find(|stated| stated.at < size).map(|stated| &stated.key)
    }

    /// When the entry at `index` was accepted; of one whose time runs back, the latest before it.
    #[must_use]
    pub fn accepted_at(&self, index: u64) -> Option<Timestamp> {
        self.book.get(index).map(|record| record.accepted_at)
    }

    /// Log index of a statement that was accepted.
    #[must_use]
    pub fn index_of(&self, id: &StatementId) -> Option<u64> {
        self.book.find(id).map(|(index, _)| index)
    }

    /// The organisations in the order of their admission.
    #[must_use]
    pub fn organisations(&self) -> &[Organisation] {
        &self.organisations
    }

    /// An organisation.
    #[must_use]
    pub fn organisation(&self, id: &OrganisationId) -> Option<&Organisation> {
        self.organisations.get(*self.places.get(id)? as usize)
    }

    /// The keys of an organisation, revoked ones too.
    pub fn keys_of(&self, id: &OrganisationId) -> impl Iterator<Item = &Key> {
        let place = self.places.get(id).copied();
        self.keys.iter().filter(move |key| Some(key.organisation) == place)
    }

    /// The organisation that a provider code belongs to.
    #[must_use]
    pub fn code_owner(&self, code: &str) -> Option<OrganisationId> {
        let bound = self.codes.get(code)?;
        self.organisations.get(bound.organisation as usize).map(|organisation| organisation.id)
    }

    /// The key of that fingerprint, whoever has it.
    #[must_use]
    pub fn key(&self, fingerprint: &Sha256Digest) -> Option<PublicKey> {
        let own = [self.operator_key(), self.verdict_key()].into_iter().flatten().copied();
        let known = self.by_fingerprint.get(fingerprint).and_then(|place| self.keys.get(*place));
        known.map(|key| key.key).or_else(|| own.into_iter().find(|key| key.fingerprint() == *fingerprint))
    }

    /// Whose key this is, revoked or not.
    #[must_use]
    pub fn owner_of(&self, key: &PublicKey) -> Option<OrganisationId> {
        let key = self.keys.get(*self.by_fingerprint.get(&key.fingerprint())?)?;
        self.organisations.get(key.organisation as usize).map(|organisation| organisation.id)
    }

    /// Tags of the digests that statements of an organisation bind and that were not withdrawn.
    pub(crate) fn tags_of(&self, id: &OrganisationId) -> impl Iterator<Item = u64> {
        let place = self.places.get(id).copied();
        let own = self.book.records().filter(move |(_, record)| place.is_some() && record.issuer == place);
        own.filter(|(index, _)| !self.book.fate(*index).withdrawn)
            .filter_map(|(_, record)| record.tags)
            .flat_map(|(file, bare)| [file, bare])
    }

    /// Judges the next entry, and lets it change the state if it breaks no rule. Its signature was verified with the
    /// keys that [`Self::key`] knows and those that entries before it name.
    ///
    /// # Errors
    /// The first [`Violation`]; the entry counts as seen all the same.
    pub fn next(&mut self, entry: &Entry) -> Result<Accepted, Violation> {
        let judged = self.judge(entry);
        // A time that is out of order must not make the entries after it look out of order, too.
        self.last_accepted_at = self.last_accepted_at.max(entry.accepted_at.unwrap_or(self.last_accepted_at));
        match judged {
            Ok((accepted, record, body)) => {
                self.apply(&accepted, body);
                self.book.push(record);
                Ok(accepted)
            }
            Err(violation) => {
                self.book.push(Record::void(self.last_accepted_at));
                Err(violation)
            }
        }
    }

    fn apply(&mut self, accepted: &Accepted, body: &Body) {
        let index = self.size();
        match body {
            Body::OrganisationAdmitted(new) => {
                let place = u32::try_from(self.organisations.len()).unwrap_or(u32::MAX - 1);
                self.organisations.push(Organisation {
                    id: new.organisation,
                    name: new.name.clone(),
                    role: new.role,
                    admitted_at: index,
                    suspended_at: None,
                });
                self.places.insert(new.organisation, place);
                self.names.insert(new.name.clone());
                self.admit(place, new.key, Purpose::Signing, index);
                if let Some(recovery) = new.recovery_key {
                    self.admit(place, recovery, Purpose::Recovery, index);
                }
            }
            Body::OrganisationSuspended(suspension) => {
                if let Some(place) = self.places.get(&suspension.organisation)
                    && let Some(organisation) = self.organisations.get_mut(*place as usize)
                {
                    organisation.suspended_at = Some(index);
                }
            }
            Body::CodeBound(bound) => {
                if let Some(place) = self.places.get(&bound.organisation) {
                    self.codes.insert(bound.code.clone(), Bound { organisation: *place, at: index });
                }
            }
            Body::KeyAdded(added) => {
                if let Some(place) = self.places.get(&added.organisation) {
                    self.admit(*place, added.key, Purpose::Signing, index);
                }
            }
            Body::KeyRotated(rotated) => {
                if let Some(place) = self.places.get(&rotated.organisation) {
                    self.admit(*place, rotated.new, Purpose::Signing, index);
                }
                self.revoke(&rotated.old, index);
            }
            Body::KeyRevoked(revoked) => self.revoke(&revoked.key, index),
            Body::PolicyChanged(policy) => match policy.policy.as_str() {
                OPERATOR_KEY_POLICY => {
                    self.operators.extend(policy.value.parse().ok().map(|key| Stated { key, at: index }));
                }
                VERDICT_KEY_POLICY => {
                    self.verdicts.extend(policy.value.parse().ok().map(|key| Stated { key, at: index }));
                }
                // The first entry is signed by the operator; the second must name the same key.
                _ if index == 0 => {
                    self.founder = Some(accepted.key);
                    self.operators.push(Stated { key: accepted.key, at: index });
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn admit(&mut self, organisation: u32, key: PublicKey, purpose: Purpose, valid_from: u64) {
        self.by_fingerprint.insert(key.fingerprint(), self.keys.len());
        self.keys.push(Key { key, organisation, purpose, valid_from, revoked_at: None });
    }

    fn revoke(&mut self, key: &PublicKey, index: u64) {
        if let Some(place) = self.by_fingerprint.get(&key.fingerprint())
            && let Some(key) = self.keys.get_mut(*place)
        {
            key.revoked_at = Some(index);
        }
    }

    /// All but the records.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            origin: self.origin.clone(),
            last_accepted_at: self.last_accepted_at,
            founder: self.founder,
            operators: self.operators.clone(),
            verdicts: self.verdicts.clone(),
            organisations: self.organisations.clone(),
            keys: self.keys.clone(),
            codes: self.codes.clone(),
            records: self.size(),
            digest: self.book.digest(),
        }
    }

    /// The records from `first` on.
    pub(crate) fn records_from(&self, first: u64) -> Vec<u8> {
        self.book.to_bytes(first)
    }

    /// From what was written down; none if it is damaged.
    pub(crate) fn restore(snapshot: Snapshot, records: &[u8]) -> Option<Self> {
        let mut book = Book::default();
        if !book.extend(records) || book.len() != snapshot.records || book.digest() != snapshot.digest {
            return None;
        }
        Some(Self::assemble(snapshot, book))
    }

    fn assemble(snapshot: Snapshot, book: Book) -> Self {
        let places = (0..).zip(&snapshot.organisations).map(|(place, organisation)| (organisation.id, place));
        let names = snapshot.organisations.iter().map(|organisation| organisation.name.clone());
        let fingerprints =
            snapshot.keys.iter().enumerate().map(|(place, key)| (key.key.fingerprint(), place));
        Self {
            places: places.collect(),
            names: names.collect(),
            by_fingerprint: fingerprints.collect(),
            origin: snapshot.origin,
            last_accepted_at: snapshot.last_accepted_at,
            founder: snapshot.founder,
            operators: snapshot.operators,
            verdicts: snapshot.verdicts,
            organisations: snapshot.organisations,
            keys: snapshot.keys,
            codes: snapshot.codes,
            book,
            latest: None,
        }
    }

    /// The registry as it was after the first `size` entries, which are no more than were seen.
    #[must_use]
    pub fn rewound(&self, size: u64) -> Self {
        let mut snapshot = self.snapshot();
        // A key that was pinned stands before the first entry.
        let stated = |stated: &Stated| stated.at < size || stated.at == 0;
        snapshot.operators.retain(stated);
        snapshot.verdicts.retain(stated);
        snapshot.founder = snapshot.founder.filter(|_| size > 0);
        snapshot.organisations.retain(|organisation| organisation.admitted_at < size);
        for organisation in &mut snapshot.organisations {
            organisation.suspended_at = organisation.suspended_at.filter(|at| *at < size);
        }
        snapshot.keys.retain(|key| key.valid_from < size);
        for key in &mut snapshot.keys {
            key.revoked_at = key.revoked_at.filter(|at| *at < size);
        }
        snapshot.codes.retain(|_, bound| bound.at < size);
        let last = size.checked_sub(1).and_then(|last| self.accepted_at(last));
        snapshot.last_accepted_at = last.unwrap_or(Timestamp::EPOCH);
        let mut earlier = Self::assemble(snapshot, self.book.rewound(size));
        earlier.latest = self.latest;
        earlier
    }
}

/// Whether the operator's key or the verdict key signs what the registry says; none for what it never says.
const fn authority(kind: Kind) -> Option<Authority> {
    match kind {
        Kind::PolicyChanged
        | Kind::OrganisationAdmitted
        | Kind::OrganisationSuspended
        | Kind::CodeBound
        | Kind::KeyAdded
        | Kind::KeyRevoked => Some(Authority::Operator),
        Kind::ContentObserved | Kind::RecordDeleted | Kind::ManifestStored | Kind::ManifestDeleted => {
            Some(Authority::Verdict)
        }
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authority {
    Operator,
    Verdict,
}
