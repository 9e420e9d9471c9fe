//! The rules themselves, in the order in which the registry applies them.

use super::{
    Accepted, Authority, Content, Entry, Key, Organisation, Purpose, Replay, Signer, Target, Violation,
    authority,
    book::{self, Record},
};
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
        self.admissible(statement, accepted_at)?;
        let target = match organisation {
            Some(organisation) => self.check_organisation(organisation, content, &signer.key)?,
            None => self.check_registry(&statement.body, &signer.key)?,
        };
        let record = Record {
            accepted_at,
            deduplication_key: signer.deduplication_key,
            kind: Some(statement.body.kind()),
            issuer: organisation.and_then(|organisation| self.places.get(&organisation.id).copied()),
            target: target.map(|target| target.log_index),
            label: label_of(&statement.body).map(book::state_of),
            tags: statement.body.content().filter(|_| organisation.is_some()).map(Record::tags_of),
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
            Authority::Operator => self.operator,
            Authority::Verdict => self.verdict,
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
            return Err(Violation::WrongAudience { audience: statement.audience.clone() });
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
            return Err(Violation::ForeignCode { code: label.producer.clone(), owner });
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
                let taken = |other: &Organisation| other.id == new.organisation || other.name == new.name;
                if self.organisations.iter().any(taken) {
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
                    return Err(Violation::CodeTaken { code: bound.code.clone() });
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
                let (target, tags) = self.with_content(&statement)?;
                if self.book.fate(target.log_index).withdrawn {
                    return Err(Violation::WithdrawnStatement { statement });
                }
                if self.book.fate(target.log_index).observed {
                    return Err(Violation::ObservedAlready { statement });
                }
                if let Issuer::Organisation(id) = target.issuer {
                    self.admitted(&id)?;
                }
                if tags != Record::tags_of(&observed.content) {
                    return Err(Violation::OtherContent { statement });
                }
                return Ok(Some(target));
            }
            Body::RecordDeleted(deleted) => {
                let statement = deleted.statement;
                let (target, _) = self.with_content(&statement)?;
                if self.book.fate(target.log_index).deleted {
                    return Err(Violation::DeletedAlready { statement });
                }
                return Ok(Some(target));
            }
            Body::ManifestStored(stored) => {
                self.admitted(&stored.organisation)?;
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
        if fits { Ok(()) } else { Err(Violation::PolicyValue { policy: policy.policy.clone() }) }
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

    /// An earlier statement that pixels can belong to, and the tags of what it binds.
    fn with_content(&self, id: &StatementId) -> Result<(Target, (u64, u64)), Violation> {
        let found = self.book.find(id);
        let found = found
            .filter(|(_, record)| matches!(record.kind, Some(Kind::ImageRegistered | Kind::OutputLabelled)));
        let found = found.and_then(|(index, record)| Some((self.target(index, record), record.tags?)));
        found.ok_or(Violation::UnknownStatement { statement: *id })
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
