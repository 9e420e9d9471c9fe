//! What somebody who follows the log wants to be told: their codes, pictures, labels and keys in other hands.

use super::replay::{Accepted, Content, Entry, LabelState, Replay, Violation, tag};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    key::PublicKey,
    label::{AiAttribute, LabelMeaning, OutputLabel},
    statement::{Body, Issuer, Role},
};

/// Whose entries an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Nobody's.
    Off,
    /// Those of the organisations in the rules.
    Own,
    /// Everybody's.
    All,
}

/// Which alerts are wanted. Where nothing else is said: about the organisations in the rules, or about everybody if there
/// are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Wanted {
    /// Labels that say less than before.
    pub labels: Option<Scope>,
    /// Statements that were withdrawn.
    pub withdrawals: Option<Scope>,
    /// Reference records and manifests that the registry deleted. Where nothing is said: those of the organisations in
    /// the rules alone, for their owners do so every day.
    pub deletions: Option<Scope>,
    /// Keys that were added, rotated or revoked.
    pub keys: Option<Scope>,
    /// Organisations that were admitted or suspended.
    pub organisations: Option<Scope>,
    /// Whether changes of the registry's policies are told; they are unless this says no.
    pub policies: Option<bool>,
}

/// What to watch for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rules {
    /// The watcher's own organisations. Their pictures, codes and keys are learned from the log.
    pub organisations: Vec<OrganisationId>,
    /// Producer codes and names that are the watcher's.
    pub codes: Vec<String>,
    /// Keys that may use them; unless given, those of the organisations.
    pub keys: Vec<PublicKey>,
    /// Pictures that are the watcher's, beside those that the organisations registered.
    pub pictures: Vec<Sha256Digest>,
    /// Which alerts are wanted.
    pub alerts: Wanted,
}

/// Something that a rule wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Log index of the entry.
    pub log_index: u64,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// The statement's identifier, if its signature holds.
    pub statement: Option<StatementId>,
    /// Who issued it.
    pub issuer: Issuer,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "alert", rename_all = "kebab-case")]
pub enum Event {
    /// Another key than the watcher's used the watcher's producer code.
    CodeUsed {
        /// The code.
        code: String,
        /// Fingerprint of the key that signed; none if no known key did.
        key: Option<Sha256Digest>,
    },
    /// The watcher's producer code was bound to another organisation.
    CodeBound {
        /// The code.
        code: String,
        /// The organisation.
        organisation: OrganisationId,
    },
    /// Somebody else registered the watcher's picture as theirs.
    PictureRegistered {
        /// The picture.
        sha256: Sha256Digest,
    },
    /// Somebody else registered the watcher's picture as an AI output.
    PictureRelabelled {
        /// The picture.
        sha256: Sha256Digest,
    },
    /// Somebody else registered an AI output that was made from the watcher's picture.
    PictureEdited {
        /// The watcher's picture.
        sha256: Sha256Digest,
    },
    /// A correction says less than the label before.
    LabelWeakened {
        /// Log index of the labelled output.
        target: u64,
        /// How sure the label was, and is.
        attribute: (AiAttribute, AiAttribute),
        /// What it said, and says.
        meaning: (LabelMeaning, LabelMeaning),
    },
    /// A statement was withdrawn.
    Withdrawn {
        /// Log index of the statement.
        target: u64,
    },
    /// A reference record was deleted.
    RecordDeleted {
        /// Log index of the statement that it belongs to.
        target: u64,
    },
    /// A C2PA manifest was taken out of the repository.
    ManifestDeleted {
        /// Log index of the entry that brought it.
        target: u64,
        /// Its label.
        manifest: String,
    },
    /// A key was added.
    KeyAdded {
        /// Whose.
        organisation: OrganisationId,
        /// The key.
        key: PublicKey,
    },
    /// A key was replaced.
    KeyRotated {
        /// Whose.
        organisation: OrganisationId,
        /// The key that no longer signs.
        old: PublicKey,
        /// The key that does.
        new: PublicKey,
    },
    /// A key was revoked.
    KeyRevoked {
        /// Whose.
        organisation: OrganisationId,
        /// The key.
        key: PublicKey,
        /// Entries from this index on may be forged.
        suspect_from_index: Option<u64>,
    },
    /// An organisation was admitted.
    OrganisationAdmitted {
        /// The organisation.
        organisation: OrganisationId,
        /// Its name.
        name: String,
        /// Its role.
        role: Role,
    },
    /// An organisation was suspended.
    OrganisationSuspended {
        /// The organisation.
        organisation: OrganisationId,
        /// Why.
        reason: String,
    },
    /// A policy of the registry changed.
    PolicyChanged {
        /// Which.
        policy: String,
        /// Its value.
        value: String,
    },
}

/// Applies rules to entries as they come.
#[derive(Debug)]
pub struct Watch {
    rules: Rules,
    organisations: HashSet<OrganisationId>,
    pictures: HashSet<Sha256Digest>,
    /// Tags of the pictures that the organisations registered.
    registered: HashSet<u64>,
    /// Entries before this index are learned from and not told.
    since: u64,
}

impl Watch {
    /// Begins with what an audit has seen so far. Entries before `since` raise no alert.
    #[must_use]
    pub fn new(rules: Rules, replay: &Replay, since: u64) -> Self {
        let organisations: HashSet<OrganisationId> = rules.organisations.iter().copied().collect();
        let registered = organisations.iter().flat_map(|own| replay.tags_of(own)).collect();
        let pictures = rules.pictures.iter().copied().collect();
        Self { rules, organisations, pictures, registered, since }
    }

    /// What the rules want to be told about an entry; `replay` is the registry after it.
    pub fn see(
        &mut self,
        replay: &Replay,
        log_index: u64,
        entry: &Entry,
        outcome: &Result<Accepted, Violation>,
    ) -> Vec<Alert> {
        let Ok(content) = &entry.content else { return Vec::new() };
        let issuer = content.statement.issuer;
        let events = if log_index >= self.since { self.events(replay, content, outcome) } else { Vec::new() };
        if let (Some(bound), Issuer::Organisation(id), Ok(_)) =
            (content.statement.body.content(), issuer, outcome)
            && self.organisations.contains(&id)
        {
            self.registered.extend([tag(&bound.sha256), tag(&bound.sha256_without_manifest)]);
        }
        let statement = content.signer().ok().map(|signer| signer.id);
        let alert = |event| Alert { log_index, accepted_at: entry.accepted_at, statement, issuer, event };
        events.into_iter().map(alert).collect()
    }

    fn events(
        &self,
        replay: &Replay,
        content: &Content,
        outcome: &Result<Accepted, Violation>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        // What the registry should have refused stands in the log all the same, so these look at everything.
        self.code_used(replay, content, &mut events);
        self.pictures(content, &mut events);
        if let Ok(accepted) = outcome {
            events.extend(self.decision(replay, content, accepted));
        }
        events
    }

    fn is_own(&self, content: &Content) -> bool {
        let issuer = whose(content.statement.issuer);
        issuer.is_some_and(|id| self.organisations.contains(&id))
            || content.signer().is_ok_and(|signer| self.rules.keys.contains(&signer.key))
    }

    fn code_used(&self, replay: &Replay, content: &Content, events: &mut Vec<Event>) {
        let Some(label) = label_of(&content.statement.body) else { return };
        if !self.is_own_code(replay, &label.producer) {
            return;
        }
        let key = content.signer().ok().map(|signer| signer.key);
        let allowed = key.is_some_and(|key| {
            if self.rules.keys.is_empty() {
                replay.owner_of(&key).is_some_and(|owner| self.organisations.contains(&owner))
            } else {
                self.rules.keys.contains(&key)
            }
        });
        if !allowed {
            // What the envelope says of its key is nobody's word.
            let key = key.map(|key| key.fingerprint());
            events.push(Event::CodeUsed { code: label.producer.clone(), key });
        }
    }

    fn is_own_code(&self, replay: &Replay, code: &str) -> bool {
        self.rules.codes.iter().any(|own| own == code)
            || replay.code_owner(code).is_some_and(|owner| self.organisations.contains(&owner))
    }

    fn is_own_picture(&self, digest: &Sha256Digest) -> bool {
        self.pictures.contains(digest) || self.registered.contains(&tag(digest))
    }

    fn pictures(&self, content: &Content, events: &mut Vec<Event>) {
        if self.is_own(content) {
            return;
        }
        let bound = |content: &touchstone_schema::statement::ContentBindings| {
            [content.sha256, content.sha256_without_manifest]
                .into_iter()
                .find(|digest| self.is_own_picture(digest))
        };
        match &content.statement.body {
            Body::ImageRegistered(image) => {
                events.extend(bound(&image.content).map(|sha256| Event::PictureRegistered { sha256 }));
            }
            Body::OutputLabelled(output) => {
                events.extend(bound(&output.content).map(|sha256| Event::PictureRelabelled { sha256 }));
                let parent = output.parents.iter().find(|parent| self.is_own_picture(parent));
                events.extend(parent.map(|sha256| Event::PictureEdited { sha256: *sha256 }));
            }
            _ => {}
        }
    }

    fn decision(&self, replay: &Replay, content: &Content, accepted: &Accepted) -> Option<Event> {
        let Wanted { labels, withdrawals, deletions, keys, organisations, policies } = self.rules.alerts;
        let deletions = Some(deletions.unwrap_or(Scope::Own));
        let issuer = whose(content.statement.issuer);
        let target = accepted.target;
        match &content.statement.body {
            Body::LabelCorrected(correction) if self.wants(labels, issuer) => {
                let target = target?;
                weakened(target.log_index, target.label?, &correction.label)
            }
            Body::StatementWithdrawn(_) if self.wants(withdrawals, issuer) => {
                Some(Event::Withdrawn { target: target?.log_index })
            }
            Body::RecordDeleted(_) if self.wants(deletions, whose(target?.issuer)) => {
                Some(Event::RecordDeleted { target: target?.log_index })
            }
            Body::ManifestDeleted(deleted) if self.wants(deletions, whose(target?.issuer)) => {
                let (target, manifest) = (target?.log_index, deleted.manifest.clone());
                Some(Event::ManifestDeleted { target, manifest })
            }
            Body::KeyAdded(added) if self.wants(keys, Some(added.organisation)) => {
                Some(Event::KeyAdded { organisation: added.organisation, key: added.key })
            }
            Body::KeyRotated(rotated) if self.wants(keys, Some(rotated.organisation)) => {
                let (organisation, old, new) = (rotated.organisation, rotated.old, rotated.new);
                Some(Event::KeyRotated { organisation, old, new })
            }
            Body::KeyRevoked(revoked) if self.wants(keys, Some(revoked.organisation)) => {
                Some(Event::KeyRevoked {
                    organisation: revoked.organisation,
                    key: revoked.key,
                    suspect_from_index: revoked.suspect_from_index,
                })
            }
            Body::OrganisationAdmitted(new) if self.wants(organisations, Some(new.organisation)) => {
                let (organisation, name, role) = (new.organisation, new.name.clone(), new.role);
                Some(Event::OrganisationAdmitted { organisation, name, role })
            }
            Body::OrganisationSuspended(suspension)
                if self.wants(organisations, Some(suspension.organisation)) =>
            {
                let (organisation, reason) = (suspension.organisation, suspension.reason.clone());
                Some(Event::OrganisationSuspended { organisation, reason })
            }
            Body::CodeBound(bound)
                if self.rules.codes.contains(&bound.code)
                    && !self.organisations.contains(&bound.organisation) =>
            {
                Some(Event::CodeBound { code: bound.code.clone(), organisation: bound.organisation })
            }
            // What every log begins with is no change.
            Body::PolicyChanged(changed) if policies.unwrap_or(true) && replay.size() > 3 => {
                Some(Event::PolicyChanged { policy: changed.policy.clone(), value: changed.value.clone() })
            }
            _ => None,
        }
    }

    fn wants(&self, scope: Option<Scope>, whose: Option<OrganisationId>) -> bool {
        let usual = if self.organisations.is_empty() { Scope::All } else { Scope::Own };
        match scope.unwrap_or(usual) {
            Scope::Off => false,
            Scope::Own => whose.is_some_and(|id| self.organisations.contains(&id)),
            Scope::All => true,
        }
    }
}

const fn whose(issuer: Issuer) -> Option<OrganisationId> {
    match issuer {
        Issuer::Organisation(id) => Some(id),
        Issuer::Registry => None,
    }
}

const fn label_of(body: &Body) -> Option<&OutputLabel> {
    match body {
        Body::OutputLabelled(output) => Some(&output.label),
        Body::LabelCorrected(correction) => Some(&correction.label),
        _ => None,
    }
}

/// A correction that is less sure than the label before, or says that AI made less of the picture.
fn weakened(target: u64, before: LabelState, after: &OutputLabel) -> Option<Event> {
    let attribute = (before.0, after.attribute);
    let meaning = (before.1, after.digital_source_type.meaning());
    // Both are ordered from most to least.
    (attribute.1 > attribute.0 || meaning.1 > meaning.0).then_some(Event::LabelWeakened {
        target,
        attribute,
        meaning,
    })
}
