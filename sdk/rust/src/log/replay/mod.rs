//! The registry's admission decisions, made again by log index.
//!
//! The state is what the log itself says up to an index: keys, organisations, provider codes, statements. Each further
//! entry is judged by it and then, if it breaks no rule, changes it. An entry that breaks a rule changes nothing: it
//! stands in the log, and nobody needs to heed it. Pure: no input or output, no clock. Memory: about 200 bytes an entry.

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
use std::collections::{BTreeMap, HashMap};
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
    operator: Option<PublicKey>,
    verdict: Option<PublicKey>,
    organisations: Vec<Organisation>,
    places: HashMap<OrganisationId, u32>,
    keys: Vec<Key>,
    by_fingerprint: HashMap<Sha256Digest, usize>,
    codes: BTreeMap<String, u32>,
    book: Book,
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
    operator: Option<PublicKey>,
    verdict: Option<PublicKey>,
    organisations: Vec<Organisation>,
    keys: Vec<Key>,
    codes: BTreeMap<String, u32>,
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
            operator,
            verdict: None,
            organisations: Vec::new(),
            places: HashMap::new(),
            keys: Vec::new(),
            by_fingerprint: HashMap::new(),
            codes: BTreeMap::new(),
            book: Book::default(),
        }
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
    pub const fn operator_key(&self) -> Option<&PublicKey> {
        self.operator.as_ref()
    }

    /// The key of verdicts, observations and answers.
    #[must_use]
    pub const fn verdict_key(&self) -> Option<&PublicKey> {
        self.verdict.as_ref()
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
        self.organisations.get(*self.codes.get(code)? as usize).map(|organisation| organisation.id)
    }

    /// The key of that fingerprint, whoever has it.
    #[must_use]
    pub fn key(&self, fingerprint: &Sha256Digest) -> Option<PublicKey> {
        let own = [self.operator, self.verdict].into_iter().flatten();
        let known = self.by_fingerprint.get(fingerprint).and_then(|place| self.keys.get(*place));
        known.map(|key| key.key).or_else(|| own.into_iter().find(|key| key.fingerprint() == *fingerprint))
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
                    self.codes.insert(bound.code.clone(), *place);
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
                OPERATOR_KEY_POLICY => self.operator = policy.value.parse().ok(),
                VERDICT_KEY_POLICY => self.verdict = policy.value.parse().ok(),
                // The first entry is signed by the operator; the second must name the same key.
                _ if index == 0 => {
                    self.founder = Some(accepted.key);
                    self.operator = Some(accepted.key);
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
            operator: self.operator,
            verdict: self.verdict,
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
        let places = (0..).zip(&snapshot.organisations).map(|(place, organisation)| (organisation.id, place));
        let fingerprints =
            snapshot.keys.iter().enumerate().map(|(place, key)| (key.key.fingerprint(), place));
        Some(Self {
            places: places.collect(),
            by_fingerprint: fingerprints.collect(),
            origin: snapshot.origin,
            last_accepted_at: snapshot.last_accepted_at,
            founder: snapshot.founder,
            operator: snapshot.operator,
            verdict: snapshot.verdict,
            organisations: snapshot.organisations,
            keys: snapshot.keys,
            codes: snapshot.codes,
            book,
        })
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
