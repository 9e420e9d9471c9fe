//! The rules themselves, in the order in which the registry applies them.

use super::{
    Accepted, Authority, Content, Entry, Key, Organisation, Purpose, Replay, Signer, Target, Violation,
    authority,
    book::{self, Record},
};
use crate::log::finding::cut;
use touchstone_schema::{
    OrganisationId, StatementId, Timestamp,
    key::PublicKey,
    statement::{
        Body, Issuer, Kind, MAX_AGE_SECONDS, MAX_AHEAD_SECONDS, OPERATOR_KEY_POLICY, ORIGIN_POLICY,
        PolicyChanged, Role, Statement, VERDICT_KEY_POLICY,
    },
};

/// A statement is judged a little before it gets its acceptance time, and that time may be ahead of a clock that was set
/// back: one hour.
const SLACK_SECONDS: i64 = 3_600;
/// What every log begins with.
const BOOTSTRAP: [&str; 3] = [ORIGIN_POLICY, OPERATOR_KEY_POLICY, VERDICT_KEY_POLICY];

impl Replay {
    pub(super) fn judge<'e>(&self, entry: &'e Entry) -> Result<(Accepted, Record, &'e Body), Violation> {
        let accepted_at = entry.accepted_at.ok_or(Violation::LeafForm)?;
        if accepted_at < self.last_accepted_at {
            return Err(Violation::TimeOrder { accepted_at, before: self.last_accepted_at });
        }
        if let Some(latest) = self.latest.filter(|latest| accepted_at > *latest) {
            return Err(Violation::Future { accepted_at, latest });
        }
        let content = entry.content.as_ref().map_err(Clone::clone)?;
        let statement = &content.statement;
        let organisation = match statement.issuer {
            Issuer::Organisation(id) => Some(self.admitted(&id)?),
            Issuer::Registry => None,
        };
        let signer = match organisation {
            Some(organisation) => self.organisation_signer(organisation, content)?,
            None => self.registry_signer(content)?,
        };
        if let Some(first) = self.book.earlier(&signer.deduplication_key) {
            return Err(Violation::Duplicate { first });
        }
        if let Some((first, _)) = self.book.find(&signer.id) {
            return Err(Violation::IdTaken { statement: signer.id, first });
        }
        self.admissible(statement, accepted_at)?;
        let target = match organisation {
            Some(organisation) => self.check_organisation(organisation, content, &signer.key)?,
            None => self.check_registry(&statement.body, &signer.key)?,
        };
        let brought_by = match &statement.body {
            Body::ManifestStored(stored) => self.organisation(&stored.organisation),
            _ => organisation,
        };
        let (bound, bound_record) = Record::bindings_of(&statement.body);
        let record = Record {
            accepted_at,
            deduplication_key: signer.deduplication_key,
            kind: Some(statement.body.kind()),
            issuer: brought_by.and_then(|organisation| self.places.get(&organisation.id).copied()),
            target: target.map(|target| target.log_index),
            label: label_of(&statement.body).map(book::state_of),
            tags: statement.body.content().filter(|_| organisation.is_some()).map(Record::tags_of),
            bound,
            record: bound_record,
        };
        Ok((Accepted { id: signer.id, key: signer.key, target }, record, &statement.body))
    }

    /// The organisation, if it was admitted and not suspended.
    fn admitted(&self, id: &OrganisationId) -> Result<&Organisation, Violation> {
        let organisation =
            self.organisation(id).ok_or(Violation::UnknownOrganisation { organisation: *id })?;
        match organisation.suspended_at {
            Some(since) => Err(Violation::SuspendedOrganisation { organisation: *id, since }),
            None => Ok(organisation),
        }
    }

    /// Who signed, if it is a key of the organisation that may sign this kind.
    fn organisation_signer<'c>(
        &self,
        organisation: &Organisation,
        content: &'c Content,
    ) -> Result<&'c Signer, Violation> {
        let body = &content.statement.body;
        if changes_keys_of(body).is_some_and(|named| named != organisation.id) {
            return Err(Violation::OtherOrganisation);
        }
        let purpose = purpose_of(body.kind(), organisation.role)?;
        let key = content.hint.as_ref().and_then(|hint| self.by_fingerprint.get(hint));
        let key = key.and_then(|place| self.keys.get(*place));
        let key = key.filter(|key| self.belongs(key, organisation) && key.purpose == purpose);
        key.ok_or(Violation::UnknownKey)?;
        content.signer()
    }

    fn belongs(&self, key: &Key, organisation: &Organisation) -> bool {
        self.places.get(&organisation.id) == Some(&key.organisation)
    }

    fn registry_signer<'c>(&self, content: &'c Content) -> Result<&'c Signer, Violation> {
        let kind = content.statement.body.kind();
        let key = match authority(kind).ok_or(Violation::WrongIssuer { kind })? {
            Authority::Operator => self.operator_key().copied(),
            Authority::Verdict => self.verdict_key().copied(),
        };
        let signer = content.signer()?;
        // Only the first entry is signed by a key that nothing before it states.
        if key.is_some_and(|key| key == signer.key) || (key.is_none() && self.size() == 0) {
            Ok(signer)
        } else {
            Err(Violation::UnknownKey)
        }
    }

    fn admissible(&self, statement: &Statement, accepted_at: Timestamp) -> Result<(), Violation> {
        if statement.audience != self.origin {
            return Err(Violation::WrongAudience { audience: cut(&statement.audience) });
        }
        let issued_at = statement.issued_at;
        // The registry's clock may have been set back; its own time counts for nothing.
        if statement.issuer == Issuer::Registry {
            return Ok(());
        }
        if issued_at < accepted_at.saturating_add_seconds(-MAX_AGE_SECONDS - SLACK_SECONDS) {
            return Err(Violation::Stale { issued_at });
        }
        if issued_at > accepted_at.saturating_add_seconds(MAX_AHEAD_SECONDS) {
            return Err(Violation::Ahead { issued_at });
        }
        Ok(())
    }

    fn check_organisation(
        &self,
        organisation: &Organisation,
        content: &Content,
        signer: &PublicKey,
    ) -> Result<Option<Target>, Violation> {
        let key = self.by_fingerprint.get(&signer.fingerprint()).and_then(|place| self.keys.get(*place));
        if let Some(since) = key.ok_or(Violation::UnknownKey)?.revoked_at {
            return Err(Violation::RevokedKey { since });
        }
        let body = &content.statement.body;
        if let Some(label) = label_of(body)
            && let Some(owner) = self.code_owner(&label.producer).filter(|owner| *owner != organisation.id)
        {
            return Err(Violation::ForeignCode { code: cut(&label.producer), owner });
        }
        match body {
            Body::LabelCorrected(correction) => {
                self.own(organisation, &correction.statement, |kind| kind == Kind::OutputLabelled).map(Some)
            }
            Body::StatementWithdrawn(withdrawal) => {
                let fits = |kind| {
                    matches!(kind, Kind::ImageRegistered | Kind::OutputLabelled | Kind::EvidenceRecorded)
                };
                self.own(organisation, &withdrawal.statement, fits).map(Some)
            }
            Body::KeyAdded(added) => self.unused(&added.key).map(|()| None),
            Body::KeyRotated(rotated) => {
                self.unused(&rotated.new)?;
                self.revocable(organisation, &rotated.old, Some(Purpose::Signing)).map(|_| None)
            }
            Body::KeyRevoked(revoked) => {
                self.revocable(organisation, &revoked.key, Some(Purpose::Signing)).map(|_| None)
            }
            _ => Ok(None),
        }
    }

    fn check_registry(&self, body: &Body, signer: &PublicKey) -> Result<Option<Target>, Violation> {
        let index = self.size();
        if let Some(expected) = usize::try_from(index).ok().and_then(|index| BOOTSTRAP.get(index)) {
            return match body {
                Body::PolicyChanged(policy) if policy.policy == *expected => {
                    self.check_policy(policy, signer)
                }
                _ => Err(Violation::Bootstrap { expected: (*expected).to_owned() }),
            }
            .map(|()| None);
        }
        match body {
            Body::PolicyChanged(policy) => self.check_policy(policy, signer)?,
            Body::OrganisationAdmitted(new) => {
                if self.places.contains_key(&new.organisation) || self.names.contains(&new.name) {
                    return Err(Violation::OrganisationTaken);
                }
                self.unused(&new.key)?;
                new.recovery_key.map_or(Ok(()), |key| self.unused(&key))?;
            }
            Body::OrganisationSuspended(suspension) => {
                self.admitted(&suspension.organisation)?;
            }
            Body::CodeBound(bound) => {
                if self.known(&bound.organisation)?.role != Role::AiVendor {
                    return Err(Violation::CodeRole);
                }
                if self.codes.contains_key(&bound.code) {
                    return Err(Violation::CodeTaken { code: cut(&bound.code) });
                }
            }
            Body::KeyAdded(added) => {
                self.known(&added.organisation)?;
                self.unused(&added.key)?;
            }
            Body::KeyRevoked(revoked) => {
                let key = self.revocable(self.known(&revoked.organisation)?, &revoked.key, None)?;
                if revoked.suspect_from_index.is_some_and(|from| from < key.valid_from || from > index) {
                    return Err(Violation::SuspectIndex);
                }
            }
            Body::ContentObserved(observed) => {
                let statement = observed.statement;
                let (target, record) = self.with_content(&statement)?;
                let fate = self.book.fate(target.log_index);
                if fate.withdrawn {
                    return Err(Violation::WithdrawnStatement { statement });
                }
                if fate.deleted {
                    return Err(Violation::DeletedAlready { statement });
                }
                if fate.observed.is_some() {
                    return Err(Violation::ObservedAlready { statement });
                }
                if let Issuer::Organisation(id) = target.issuer {
                    self.admitted(&id)?;
                }
                if record.bound != Some(Record::content_of(&observed.content)) {
                    return Err(Violation::OtherContent { statement });
                }
                return Ok(Some(target));
            }
            Body::RecordDeleted(deleted) => {
                let statement = deleted.statement;
                let (target, record) = self.with_content(&statement)?;
                let fate = self.book.fate(target.log_index);
                if fate.deleted {
                    return Err(Violation::DeletedAlready { statement });
                }
                // Either the record that was signed, or the one that the registry made of the pixels.
                let observed = fate.observed.and_then(|index| self.book.get(index)?.record);
                let named = Some(Record::record_of(&deleted.record));
                if record.record != named && observed != named {
                    return Err(Violation::OtherRecord { statement });
                }
                return Ok(Some(target));
            }
            Body::ManifestStored(stored) => {
                self.admitted(&stored.organisation)?;
                if let Some((_, first)) = self.book.stored(&stored.c2pa.manifest) {
                    return Err(Violation::ManifestTaken { manifest: cut(&stored.c2pa.manifest), first });
                }
            }
            Body::ManifestDeleted(deleted) => {
                let brought = self.book.kept(&deleted.manifest, &deleted.store_sha256);
                let unknown = || Violation::UnknownManifest { manifest: cut(&deleted.manifest) };
                return Ok(Some(self.brought(brought.ok_or_else(unknown)?)));
            }
            _ => {}
        }
        Ok(None)
    }

    /// The registry's own keys and its name cannot be stated otherwise than they are.
    fn check_policy(&self, policy: &PolicyChanged, signer: &PublicKey) -> Result<(), Violation> {
        let key = || policy.value.parse::<PublicKey>().ok();
        let fits = match policy.policy.as_str() {
            ORIGIN_POLICY => policy.value == self.origin,
            OPERATOR_KEY_POLICY if self.size() == 1 => key() == Some(*signer),
            OPERATOR_KEY_POLICY | VERDICT_KEY_POLICY => key().is_some(),
            _ => true,
        };
        if fits { Ok(()) } else { Err(Violation::PolicyValue { policy: cut(&policy.policy) }) }
    }

    fn known(&self, id: &OrganisationId) -> Result<&Organisation, Violation> {
        self.organisation(id).ok_or(Violation::UnknownOrganisation { organisation: *id })
    }

    fn unused(&self, key: &PublicKey) -> Result<(), Violation> {
        if self.by_fingerprint.contains_key(&key.fingerprint()) { Err(Violation::KeyTaken) } else { Ok(()) }
    }

    fn revocable(
        &self,
        organisation: &Organisation,
        key: &PublicKey,
        purpose: Option<Purpose>,
    ) -> Result<&Key, Violation> {
        let known = self.by_fingerprint.get(&key.fingerprint()).and_then(|place| self.keys.get(*place));
        let fits = |key: &&Key| {
            self.belongs(key, organisation)
                && key.revoked_at.is_none()
                && purpose.is_none_or(|purpose| purpose == key.purpose)
        };
        known.filter(fits).ok_or(Violation::NoSuchKey)
    }

    /// An earlier statement of the same organisation that was not withdrawn.
    fn own(
        &self,
        organisation: &Organisation,
        id: &StatementId,
        fits: impl Fn(Kind) -> bool,
    ) -> Result<Target, Violation> {
        let unknown = Violation::UnknownStatement { statement: *id };
        let (index, record) = self.book.find(id).ok_or(unknown.clone())?;
        let own = record.issuer.is_some() && record.issuer == self.places.get(&organisation.id).copied();
        if !own || !record.kind.is_some_and(fits) {
            return Err(unknown);
        }
        if self.book.fate(index).withdrawn {
            return Err(Violation::WithdrawnStatement { statement: *id });
        }
        Ok(self.target(index, record))
    }

    /// An earlier statement that pixels can belong to.
    fn with_content(&self, id: &StatementId) -> Result<(Target, &Record), Violation> {
        let found = self.book.find(id);
        let found = found
            .filter(|(_, record)| matches!(record.kind, Some(Kind::ImageRegistered | Kind::OutputLabelled)));
        let found = found.map(|(index, record)| (self.target(index, record), record));
        found.ok_or(Violation::UnknownStatement { statement: *id })
    }

    /// The entry that brought a manifest, as whose it is: who stored it, or whose picture carried it.
    fn brought(&self, index: u64) -> Target {
        let record = self.book.get(index);
        let whose = match record.and_then(|record| record.target) {
            Some(picture) => self.book.get(picture),
            None => record,
        };
        let whose = whose.and_then(|record| self.organisations.get(record.issuer? as usize));
        let issuer = whose.map_or(Issuer::Registry, |organisation| Issuer::Organisation(organisation.id));
        Target { log_index: index, issuer, label: None }
    }

    fn target(&self, log_index: u64, record: &Record) -> Target {
        let organisation = record.issuer.and_then(|place| self.organisations.get(place as usize));
        let issuer =
            organisation.map_or(Issuer::Registry, |organisation| Issuer::Organisation(organisation.id));
        Target { log_index, issuer, label: self.book.label(log_index) }
    }
}

fn purpose_of(kind: Kind, role: Role) -> Result<Purpose, Violation> {
    let allowed = match kind {
        Kind::ImageRegistered | Kind::EvidenceRecorded => role == Role::Merchant,
        Kind::OutputLabelled | Kind::LabelCorrected => role == Role::AiVendor,
        Kind::StatementWithdrawn => matches!(role, Role::Merchant | Role::AiVendor),
        Kind::KeyAdded | Kind::KeyRotated | Kind::KeyRevoked => return Ok(Purpose::Recovery),
        _ => false,
    };
    if allowed { Ok(Purpose::Signing) } else { Err(Violation::WrongIssuer { kind }) }
}

const fn changes_keys_of(body: &Body) -> Option<OrganisationId> {
    match body {
        Body::KeyAdded(body) => Some(body.organisation),
        Body::KeyRotated(body) => Some(body.organisation),
        Body::KeyRevoked(body) => Some(body.organisation),
        _ => None,
    }
}

const fn label_of(body: &Body) -> Option<&touchstone_schema::label::OutputLabel> {
    match body {
        Body::OutputLabelled(output) => Some(&output.label),
        Body::LabelCorrected(correction) => Some(&correction.label),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::{envelope, leaf, statement::Nonce};

    /// Nobody finds two statements of one identifier within a test, so the earlier one is made up.
    #[test]
    fn an_identifier_names_one_statement() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let body = PolicyChanged { policy: "retention".to_owned(), value: "1 day".to_owned() };
        let statement = Statement {
            audience: "r.example/log".to_owned(),
            issuer: Issuer::Registry,
            issued_at: Timestamp::from_micros(5_000).unwrap(),
            nonce: Nonce([7; 16]),
            body: body.into(),
        };
        let signed = statement.sign(&key).unwrap();
        let public = PublicKey::from(&key);
        let opened = envelope::open(&signed, envelope::STATEMENT_TYPE).unwrap();
        let accepted_at = Timestamp::from_micros(6_000).unwrap();
        let mut entry = Entry::read(&leaf::encode(accepted_at, &signed));
        entry.verify(|_| Some(public));
        let mut replay = Replay::new("r.example/log", Some(public));
        for n in 0..3 {
            replay.book.push(Record {
                kind: Some(Kind::PolicyChanged),
                ..Record::void(Timestamp::from_micros(n).unwrap())
            });
        }
        assert!(replay.judge(&entry).is_ok());
        let mut deduplication_key = opened.deduplication_key(&public);
        deduplication_key.0[31] ^= 1;
        let twin = Record {
            accepted_at,
            deduplication_key,
            kind: Some(Kind::PolicyChanged),
            ..Record::void(accepted_at)
        };
        replay.book.push(twin);
        let refused = replay.judge(&entry).unwrap_err();
        assert_eq!(
            (refused.rule(), matches!(refused, Violation::IdTaken { first: 3, .. })),
            ("id-taken", true)
        );
    }
}
