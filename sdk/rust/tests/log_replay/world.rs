//! A small registry's log, everything in it admissible, to be gone on with.

use crate::log::{self, Log, Member, ORIGIN, digest, label, operator, output, public, verdict};
use ed25519_dalek::SigningKey;
use std::collections::HashMap;
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId,
    key::PublicKey,
    label::AiAttribute,
    statement::{
        Body, C2paBinding, CodeBound, ContentObserved, EvidenceRecorded, Issuer, KeyRevoked, LabelCorrected,
        ManifestStored, Role, StatementWithdrawn,
    },
};
use touchstone_sdk::log::replay::{Accepted, Entry, Replay, Violation};

/// Judges a whole log.
pub(crate) fn judge(log: &Log) -> (Replay, Vec<Result<Accepted, Violation>>) {
    let mut entries: Vec<Entry> = log.entries.iter().map(|data| Entry::read(data)).collect();
    let keys: HashMap<Sha256Digest, PublicKey> =
        entries.iter().flat_map(Entry::named_keys).map(|key| (key.fingerprint(), key)).collect();
    let mut replay = Replay::new(ORIGIN, None);
    let outcomes = entries
        .iter_mut()
        .map(|entry| {
            entry.verify(|hint| keys.get(hint).copied());
            replay.next(entry)
        })
        .collect();
    (replay, outcomes)
}

pub(crate) fn rules(log: &Log) -> Vec<(u64, &'static str)> {
    let (_, outcomes) = judge(log);
    (0..).zip(outcomes).filter_map(|(index, outcome)| Some((index, outcome.err()?.rule()))).collect()
}

/// A log with one of each role, everything in it admissible.
pub(crate) struct World {
    pub(crate) log: Log,
    pub(crate) shop: Member,
    pub(crate) vendor: Member,
    pub(crate) platform: Member,
    pub(crate) picture: (u64, StatementId),
    pub(crate) output: (u64, StatementId),
}

impl World {
    pub(crate) fn new() -> Self {
        let mut log = Log::new();
        let shop = log.admit(1, Role::Merchant);
        let vendor = log.admit(11, Role::AiVendor);
        let platform = log.admit(21, Role::Platform);
        log.decide(CodeBound { organisation: vendor.id, code: "ACME".to_owned() });
        let picture = log.register(&shop, "cup");
        let output = log.say(vendor.issuer(), &vendor.key, output("ACME", "1", "dragon"));
        assert_eq!(rules(&log), []);
        Self { log, shop, vendor, platform, picture, output }
    }

    /// What the last entry breaks; nothing else may be broken.
    pub(crate) fn last(&self) -> Option<&'static str> {
        let mut rules = rules(&self.log);
        let last = rules.pop();
        assert_eq!(rules, []);
        last.map(|(index, rule)| {
            assert_eq!(index, self.log.size() - 1);
            rule
        })
    }

    pub(crate) fn say(
        &mut self,
        issuer: Issuer,
        key: &SigningKey,
        body: impl Into<Body>,
    ) -> Option<&'static str> {
        self.log.say(issuer, key, body);
        self.last()
    }

    pub(crate) fn shop(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        let shop = self.shop.clone();
        self.say(shop.issuer(), &shop.key, body)
    }

    pub(crate) fn vendor(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        let vendor = self.vendor.clone();
        self.say(vendor.issuer(), &vendor.key, body)
    }

    pub(crate) fn operator(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        self.say(Issuer::Registry, &operator(), body)
    }

    pub(crate) fn verdict(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        self.say(Issuer::Registry, &verdict(), body)
    }

    pub(crate) fn revoke(&self, member: &Member) -> KeyRevoked {
        KeyRevoked {
            organisation: member.id,
            key: public(&member.key),
            suspect_from_index: None,
            reason: "lost".to_owned(),
        }
    }
}

/// Runs a step on a world of its own.
pub(crate) fn breaks(step: impl FnOnce(&mut World) -> Option<&'static str>) -> Option<&'static str> {
    step(&mut World::new())
}

pub(crate) fn withdrawal(statement: StatementId) -> StatementWithdrawn {
    StatementWithdrawn { statement, reason: "mistake".to_owned() }
}

pub(crate) fn correction(statement: StatementId, producer: &str) -> LabelCorrected {
    let label =
        touchstone_schema::label::OutputLabel { attribute: AiAttribute::Possible, ..label(producer, "1") };
    LabelCorrected { statement, label, reason: "mistake".to_owned() }
}

pub(crate) fn observation(statement: StatementId, picture: &str) -> ContentObserved {
    let content = touchstone_schema::statement::ContentBindings {
        record: Some(digest("record")),
        ..log::bindings(picture)
    };
    ContentObserved { statement, content, width: 1, height: 1, c2pa: None }
}

pub(crate) fn evidence() -> EvidenceRecorded {
    let sha256 = digest("video");
    EvidenceRecorded {
        media_type: "video/mp4".to_owned(),
        sha256,
        bytes: 10,
        chunk_bytes: 5,
        chunks: sha256,
        order_commitment: sha256,
        record: None,
    }
}

pub(crate) fn stored(organisation: OrganisationId) -> ManifestStored {
    ManifestStored { organisation, c2pa: store("store") }
}

/// A manifest store of one label.
pub(crate) fn store(name: &str) -> C2paBinding {
    C2paBinding {
        manifest: "urn:c2pa:1".to_owned(),
        store_sha256: digest(name),
        signer: None,
        certificate_sha256: None,
        claim_signature_sha256: None,
        hard_binding: None,
    }
}
