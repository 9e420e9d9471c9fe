//! Admission judged again by log index: each rule broken once, with real keys; and what breaks a rule changes nothing.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use ed25519_dalek::SigningKey;
use log::{
    Log, Member, ORIGIN, digest, image, key, label, operator, output, policy_changed, public, verdict,
};
use proptest::prelude::*;
use std::collections::HashMap;
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    label::AiAttribute,
    leaf,
    statement::{
        Body, C2paBinding, CodeBound, ContentObserved, EvidenceRecorded, Issuer, KeyAdded, KeyRevoked,
        KeyRotated, LabelCorrected, ManifestDeleted, ManifestStored, OrganisationSuspended, RecordDeleted,
        Role, StatementWithdrawn,
    },
};
use touchstone_sdk::log::replay::{Accepted, Entry, Replay, Violation};

/// Judges a whole log.
fn judge(log: &Log) -> (Replay, Vec<Result<Accepted, Violation>>) {
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

fn rules(log: &Log) -> Vec<(u64, &'static str)> {
    let (_, outcomes) = judge(log);
    (0..).zip(outcomes).filter_map(|(index, outcome)| Some((index, outcome.err()?.rule()))).collect()
}

/// A log with one of each role, everything in it admissible.
struct World {
    log: Log,
    shop: Member,
    vendor: Member,
    platform: Member,
    picture: (u64, StatementId),
    output: (u64, StatementId),
}

impl World {
    fn new() -> Self {
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
    fn last(&self) -> Option<&'static str> {
        let mut rules = rules(&self.log);
        let last = rules.pop();
        assert_eq!(rules, []);
        last.map(|(index, rule)| {
            assert_eq!(index, self.log.size() - 1);
            rule
        })
    }

    fn say(&mut self, issuer: Issuer, key: &SigningKey, body: impl Into<Body>) -> Option<&'static str> {
        self.log.say(issuer, key, body);
        self.last()
    }

    fn shop(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        let shop = self.shop.clone();
        self.say(shop.issuer(), &shop.key, body)
    }

    fn vendor(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        let vendor = self.vendor.clone();
        self.say(vendor.issuer(), &vendor.key, body)
    }

    fn operator(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        self.say(Issuer::Registry, &operator(), body)
    }

    fn verdict(&mut self, body: impl Into<Body>) -> Option<&'static str> {
        self.say(Issuer::Registry, &verdict(), body)
    }

    fn revoke(&self, member: &Member) -> KeyRevoked {
        KeyRevoked {
            organisation: member.id,
            key: public(&member.key),
            suspect_from_index: None,
            reason: "lost".to_owned(),
        }
    }
}

/// Runs a step on a world of its own.
fn breaks(step: impl FnOnce(&mut World) -> Option<&'static str>) -> Option<&'static str> {
    step(&mut World::new())
}

fn withdrawal(statement: StatementId) -> StatementWithdrawn {
    StatementWithdrawn { statement, reason: "mistake".to_owned() }
}

fn correction(statement: StatementId, producer: &str) -> LabelCorrected {
    let label =
        touchstone_schema::label::OutputLabel { attribute: AiAttribute::Possible, ..label(producer, "1") };
    LabelCorrected { statement, label, reason: "mistake".to_owned() }
}

fn observation(statement: StatementId, picture: &str) -> ContentObserved {
    ContentObserved { statement, content: log::bindings(picture), width: 1, height: 1, c2pa: None }
}

fn evidence() -> EvidenceRecorded {
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

fn stored(organisation: OrganisationId) -> ManifestStored {
    let manifest = "urn:c2pa:1".to_owned();
    let c2pa = C2paBinding { manifest, store_sha256: digest("store"), signer: None, hard_binding: None };
    ManifestStored { organisation, c2pa }
}

#[test]
fn everything_that_is_admissible_is_admitted() {
    let mut world = World::new();
    let (shop, vendor) = (world.shop.clone(), world.vendor.clone());
    let (picture, output) = (world.picture.1, world.output.1);
    assert_eq!(world.verdict(observation(picture, "cup")), None);
    assert_eq!(world.verdict(observation(output, "dragon")), None);
    assert_eq!(world.shop(evidence()), None);
    assert_eq!(world.vendor(correction(output, "ACME")), None);
    assert_eq!(world.verdict(RecordDeleted { statement: picture, record: digest("record") }), None);
    assert_eq!(world.verdict(stored(shop.id)), None);
    let manifest = "urn:c2pa:1".to_owned();
    assert_eq!(world.verdict(ManifestDeleted { manifest, store_sha256: digest("store") }), None);
    assert_eq!(world.shop(withdrawal(picture)), None);
    let added = KeyAdded { organisation: shop.id, key: public(&key(3)) };
    assert_eq!(world.say(shop.issuer(), &shop.recovery, added), None);
    assert_eq!(world.say(shop.issuer(), &key(3), image("new key")), None);
    let rotated = KeyRotated { organisation: shop.id, old: public(&key(3)), new: public(&key(4)) };
    assert_eq!(world.say(shop.issuer(), &shop.recovery, rotated), None);
    assert_eq!(world.say(shop.issuer(), &key(4), image("newer key")), None);
    let revoked = world.revoke(&vendor);
    assert_eq!(world.operator(KeyRevoked { suspect_from_index: Some(world.output.0), ..revoked }), None);
    assert_eq!(world.operator(KeyAdded { organisation: vendor.id, key: public(&key(13)) }), None);
    assert_eq!(world.say(vendor.issuer(), &key(13), log::output("ACME", "2", "unicorn")), None);
    // Labels that name nobody's code are anybody's.
    assert_eq!(world.say(vendor.issuer(), &key(13), log::output("Free Name", "3", "griffin")), None);
    assert_eq!(world.operator(policy_changed("retention", "90 days")), None);
    let suspended = OrganisationSuspended { organisation: shop.id, reason: "left".to_owned() };
    assert_eq!(world.operator(suspended), None);
    let (replay, _) = judge(&world.log);
    assert_eq!(replay.verdict_key(), Some(&public(&verdict())));
    assert_eq!(replay.code_owner("ACME"), Some(vendor.id));
    assert_eq!(replay.index_of(&picture), Some(world.picture.0));
}

#[test]
fn the_registry_may_change_its_keys_with_the_key_that_it_has() {
    let mut world = World::new();
    let (operator, verdict) = (key(211), key(212));
    assert_eq!(world.operator(policy_changed("verdict_key", &public(&verdict).to_string())), None);
    assert_eq!(world.operator(policy_changed("operator_key", &public(&operator).to_string())), None);
    let picture = world.picture.1;
    assert_eq!(world.say(Issuer::Registry, &verdict, observation(picture, "cup")), None);
    assert_eq!(world.say(Issuer::Registry, &operator, policy_changed("retention", "1 day")), None);
    assert_eq!(world.operator(policy_changed("retention", "2 days")), Some("unknown-key"));
}

#[test]
fn forms_are_held() {
    assert_eq!(
        breaks(|w| {
            w.log.push(b"no leaf".to_vec());
            w.last()
        }),
        Some("leaf-form")
    );
    assert_eq!(
        breaks(|w| {
            w.log.append(b"{}");
            w.last()
        }),
        Some("envelope-form")
    );
    let shop = key(1);
    let other = envelope::sign(STATEMENT_TYPE, b"{\"audience\":1}", &shop);
    assert_eq!(
        breaks(|w| {
            w.log.append(&other);
            w.last()
        }),
        Some("statement-form")
    );
    let verdict = envelope::sign(envelope::VERDICT_TYPE, b"{}", &shop);
    assert_eq!(
        breaks(|w| {
            w.log.append(&verdict);
            w.last()
        }),
        Some("envelope-form")
    );
}

#[test]
fn time_never_runs_backwards() {
    let mut world = World::new();
    let shop = world.shop.clone();
    let envelope = world.log.statement(shop.issuer(), image("late")).sign(&shop.key).unwrap();
    let earlier = Timestamp::from_micros(world.log.now - 1).unwrap();
    world.log.push(leaf::encode(earlier, &envelope));
    assert_eq!(world.last(), Some("time-order"));
    // The same time again is in order.
    let now = Timestamp::from_micros(world.log.now).unwrap();
    world.log.push(leaf::encode(now, &envelope));
    assert_eq!(rules(&world.log).len(), 1);
}

#[test]
fn every_log_begins_with_its_name_and_keys() {
    let begin = |policies: [(&str, String); 3]| {
        let mut log = Log::empty();
        for (policy, value) in policies {
            log.decide(policy_changed(policy, &value));
        }
        rules(&log)
    };
    let (origin, own) = (("origin", ORIGIN.to_owned()), ("operator_key", public(&operator()).to_string()));
    let verdict = ("verdict_key", public(&verdict()).to_string());
    assert_eq!(begin([origin.clone(), own.clone(), verdict.clone()]), []);
    assert_eq!(begin([origin.clone(), verdict.clone(), own.clone()])[0], (1, "bootstrap"));
    assert_eq!(
        begin([("origin", "other.example/log".to_owned()), own.clone(), verdict.clone()])[0],
        (0, "policy-value")
    );
    let other = ("operator_key", public(&key(9)).to_string());
    assert_eq!(begin([origin.clone(), other, verdict.clone()])[0], (1, "policy-value"));
    assert_eq!(begin([origin, own, ("verdict_key", "none".to_owned())]), [(2, "policy-value")]);
    // Signed by somebody else than the key that a caller pins.
    let log = Log::new();
    let mut entry = Entry::read(&log.entries[0]);
    entry.verify(|_| Some(public(&operator())));
    assert_eq!(Replay::new(ORIGIN, Some(public(&key(9)))).next(&entry), Err(Violation::UnknownKey));
    assert!(Replay::new(ORIGIN, Some(public(&operator()))).next(&entry).is_ok());
}

#[test]
fn statements_are_for_this_registry_and_of_this_day() {
    let altered = |alter: fn(&mut touchstone_schema::statement::Statement)| {
        breaks(|w| {
            let shop = w.shop.clone();
            let mut statement = w.log.statement(shop.issuer(), image("other"));
            alter(&mut statement);
            w.log.append(&statement.sign(&shop.key).unwrap());
            w.last()
        })
    };
    assert_eq!(altered(|_| ()), None);
    assert_eq!(altered(|s| s.audience = "other.example/log".to_owned()), Some("wrong-audience"));
    assert_eq!(altered(|s| s.issued_at = s.issued_at.saturating_add_seconds(-100_000)), Some("stale"));
    assert_eq!(altered(|s| s.issued_at = s.issued_at.saturating_add_seconds(400)), Some("ahead"));
    // A statement is judged before it gets its time.
    assert_eq!(altered(|s| s.issued_at = s.issued_at.saturating_add_seconds(-86_500)), None);
}

#[test]
fn only_admitted_organisations_speak_and_for_themselves() {
    let stranger = Issuer::Organisation(OrganisationId::from_parts(99, [9; 10]));
    assert_eq!(breaks(|w| w.say(stranger, &key(1), image("x"))), Some("unknown-organisation"));
    let suspended = |w: &mut World| {
        let organisation = w.shop.id;
        assert_eq!(w.operator(OrganisationSuspended { organisation, reason: "left".to_owned() }), None);
    };
    assert_eq!(
        breaks(|w| {
            suspended(w);
            w.shop(image("x"))
        }),
        Some("suspended-organisation")
    );
    assert_eq!(
        breaks(|w| {
            suspended(w);
            let id = w.picture.1;
            w.verdict(observation(id, "cup"))
        }),
        Some("suspended-organisation")
    );
    assert_eq!(
        breaks(|w| {
            suspended(w);
            let id = w.shop.id;
            w.verdict(stored(id))
        }),
        Some("suspended-organisation")
    );
    assert_eq!(
        breaks(|w| {
            let (shop, organisation) = (w.shop.clone(), w.vendor.id);
            w.say(shop.issuer(), &shop.recovery, KeyAdded { organisation, key: public(&key(3)) })
        }),
        Some("other-organisation")
    );
}

#[test]
fn roles_decide_who_says_what() {
    assert_eq!(breaks(|w| w.vendor(image("x"))), Some("wrong-issuer"));
    assert_eq!(breaks(|w| w.shop(output("Free", "2", "x"))), Some("wrong-issuer"));
    assert_eq!(
        breaks(|w| {
            let (p, id) = (w.platform.clone(), w.picture.1);
            w.say(p.issuer(), &p.key, withdrawal(id))
        }),
        Some("wrong-issuer")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.shop(observation(id, "cup"))
        }),
        Some("wrong-issuer")
    );
    assert_eq!(breaks(|w| w.operator(image("x"))), Some("wrong-issuer"));
    // The verdict key decides nothing, the operator's key observes nothing.
    assert_eq!(breaks(|w| w.verdict(policy_changed("retention", "0"))), Some("unknown-key"));
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.operator(observation(id, "cup"))
        }),
        Some("unknown-key")
    );
}

#[test]
fn keys_are_those_of_the_issuer_at_that_index() {
    let shop = |w: &World| w.shop.issuer();
    assert_eq!(
        breaks(|w| {
            let i = shop(w);
            w.say(i, &key(99), image("x"))
        }),
        Some("unknown-key")
    );
    assert_eq!(
        breaks(|w| {
            let (i, k) = (shop(w), w.vendor.key.clone());
            w.say(i, &k, image("x"))
        }),
        Some("unknown-key")
    );
    // The recovery key signs no statements, the signing key changes no keys.
    assert_eq!(
        breaks(|w| {
            let (i, k) = (shop(w), w.shop.recovery.clone());
            w.say(i, &k, image("x"))
        }),
        Some("unknown-key")
    );
    assert_eq!(
        breaks(|w| {
            let organisation = w.shop.id;
            w.shop(KeyAdded { organisation, key: public(&key(3)) })
        }),
        Some("unknown-key")
    );
    assert_eq!(
        breaks(|w| {
            let r = w.revoke(&w.shop);
            w.operator(r);
            w.shop(image("x"))
        }),
        Some("revoked-key")
    );
    assert_eq!(
        breaks(|w| {
            let envelope = w.log.statement(w.shop.issuer(), image("x")).sign(&w.shop.key).unwrap();
            let mut text = String::from_utf8(envelope).unwrap();
            let at = text.find("\"sig\":\"").unwrap() + 10;
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            text.replace_range(at..=at, other);
            w.log.append(text.as_bytes());
            w.last()
        }),
        Some("invalid-signature")
    );
}

#[test]
fn a_key_that_is_admitted_later_signs_nothing_before() {
    let mut world = World::new();
    let shop = world.shop.clone();
    assert_eq!(world.say(shop.issuer(), &key(3), image("early")), Some("unknown-key"));
    world.log.decide(KeyAdded { organisation: shop.id, key: public(&key(3)) });
    world.log.say(shop.issuer(), &key(3), image("in time"));
    assert_eq!(rules(&world.log), [(world.log.size() - 3, "unknown-key")]);
}

#[test]
fn nothing_stands_in_the_log_twice() {
    let mut world = World::new();
    let (_, envelope) = leaf::decode(&world.log.entries[world.picture.0 as usize]).unwrap();
    let envelope = envelope.to_vec();
    world.log.append(&envelope);
    assert_eq!(world.last(), Some("duplicate"));
    // However it is wrapped.
    let spaced = String::from_utf8(envelope).unwrap().replacen(',', " , ", 1);
    let mut world = World::new();
    world.log.append(spaced.as_bytes());
    assert_eq!(world.last(), Some("duplicate"));
}

#[test]
fn provider_codes_belong_to_one_vendor() {
    let other = |w: &mut World| w.log.admit(31, Role::AiVendor);
    assert_eq!(
        breaks(|w| {
            let o = other(w);
            w.say(o.issuer(), &o.key, output("ACME", "9", "x"))
        }),
        Some("foreign-code")
    );
    assert_eq!(
        breaks(|w| {
            let o = other(w);
            let (_, own) = w.log.say(o.issuer(), &o.key, output("Free", "9", "x"));
            w.say(o.issuer(), &o.key, correction(own, "ACME"))
        }),
        Some("foreign-code")
    );
    let bind = |organisation, code: &str| CodeBound { organisation, code: code.to_owned() };
    assert_eq!(
        breaks(|w| {
            let o = other(w);
            w.operator(bind(o.id, "ACME"))
        }),
        Some("code-taken")
    );
    assert_eq!(
        breaks(|w| {
            let o = w.vendor.id;
            w.operator(bind(o, "ACME"))
        }),
        Some("code-taken")
    );
    assert_eq!(
        breaks(|w| {
            let o = w.shop.id;
            w.operator(bind(o, "SHOP"))
        }),
        Some("code-role")
    );
    let nobody = OrganisationId::from_parts(99, [9; 10]);
    assert_eq!(breaks(|w| w.operator(bind(nobody, "X"))), Some("unknown-organisation"));
}

#[test]
fn references_lead_to_own_earlier_statements() {
    let nothing = StatementId::from_parts(1, [1; 10]);
    assert_eq!(breaks(|w| w.shop(withdrawal(nothing))), Some("unknown-statement"));
    assert_eq!(
        breaks(|w| {
            let id = w.output.1;
            w.shop(withdrawal(id))
        }),
        Some("unknown-statement")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.vendor(correction(id, "ACME"))
        }),
        Some("unknown-statement")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.shop(withdrawal(id));
            w.shop(withdrawal(id))
        }),
        Some("withdrawn-statement")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.output.1;
            w.vendor(withdrawal(id));
            w.vendor(correction(id, "ACME"))
        }),
        Some("withdrawn-statement")
    );
    // Withdrawals themselves cannot be withdrawn.
    assert_eq!(
        breaks(|w| {
            let (shop, id) = (w.shop.clone(), w.picture.1);
            let (_, withdrawn) = w.log.say(shop.issuer(), &shop.key, withdrawal(id));
            w.shop(withdrawal(withdrawn))
        }),
        Some("unknown-statement")
    );
}

#[test]
fn observations_are_of_what_was_bound_and_made_once() {
    let nothing = StatementId::from_parts(1, [1; 10]);
    assert_eq!(breaks(|w| w.verdict(observation(nothing, "cup"))), Some("unknown-statement"));
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.verdict(observation(id, "plate"))
        }),
        Some("other-content")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.verdict(observation(id, "cup"));
            w.verdict(observation(id, "cup"))
        }),
        Some("observed-already")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.shop(withdrawal(id));
            w.verdict(observation(id, "cup"))
        }),
        Some("withdrawn-statement")
    );
    let deleted = |statement| RecordDeleted { statement, record: digest("record") };
    assert_eq!(breaks(|w| w.verdict(deleted(nothing))), Some("unknown-statement"));
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.verdict(deleted(id));
            w.verdict(deleted(id))
        }),
        Some("deleted-already")
    );
    assert_eq!(
        breaks(|w| w.verdict(stored(OrganisationId::from_parts(99, [9; 10])))),
        Some("unknown-organisation")
    );
}

#[test]
fn keys_and_organisations_are_not_taken_twice() {
    let add = |organisation, seed| KeyAdded { organisation, key: public(&key(seed)) };
    assert_eq!(
        breaks(|w| {
            let id = w.shop.id;
            w.operator(add(id, 11))
        }),
        Some("key-taken")
    );
    assert_eq!(
        breaks(|w| {
            let id = w.shop.id;
            w.operator(add(id, 1))
        }),
        Some("key-taken")
    );
    let nobody = OrganisationId::from_parts(99, [9; 10]);
    assert_eq!(breaks(|w| w.operator(add(nobody, 99))), Some("unknown-organisation"));
    let rotate = |w: &World, old, new| KeyRotated {
        organisation: w.shop.id,
        old: public(&key(old)),
        new: public(&key(new)),
    };
    let recover = |w: &mut World, body: Body| {
        let shop = w.shop.clone();
        w.say(shop.issuer(), &shop.recovery, body)
    };
    assert_eq!(
        breaks(|w| {
            let r = rotate(w, 1, 11);
            recover(w, r.into())
        }),
        Some("key-taken")
    );
    assert_eq!(
        breaks(|w| {
            let r = rotate(w, 11, 3);
            recover(w, r.into())
        }),
        Some("no-such-key")
    );
    assert_eq!(
        breaks(|w| {
            let r = rotate(w, 2, 3);
            recover(w, r.into())
        }),
        Some("no-such-key")
    );
    let foreign = |w: &World| KeyRevoked { key: public(&w.vendor.key), ..w.revoke(&w.shop) };
    assert_eq!(
        breaks(|w| {
            let r = foreign(w);
            w.operator(r)
        }),
        Some("no-such-key")
    );
    assert_eq!(
        breaks(|w| {
            let r = w.revoke(&w.shop);
            w.operator(r.clone());
            w.operator(r)
        }),
        Some("no-such-key")
    );
    for (index, rule) in [(0, Some("suspect-index")), (99, Some("suspect-index")), (8, None)] {
        let suspect = |w: &World| KeyRevoked { suspect_from_index: Some(index), ..w.revoke(&w.shop) };
        assert_eq!(
            breaks(|w| {
                let r = suspect(w);
                w.operator(r)
            }),
            rule,
            "{index}"
        );
    }
    let again = |w: &mut World| {
        let shop = w.shop.clone();
        w.operator(log::admission(&shop, Role::Merchant))
    };
    assert_eq!(breaks(again), Some("organisation-taken"));
    let same_key = |w: &mut World| {
        let id = OrganisationId::from_parts(99, [9; 10]);
        let member = Member { id, ..w.shop.clone() };
        w.operator(log::admission(&member, Role::Merchant))
    };
    assert_eq!(breaks(same_key), Some("key-taken"));
    let suspend = |w: &World| OrganisationSuspended { organisation: w.shop.id, reason: "left".to_owned() };
    assert_eq!(
        breaks(|w| {
            let s = suspend(w);
            w.operator(s.clone());
            w.operator(s)
        }),
        Some("suspended-organisation")
    );
}

#[test]
fn what_breaks_a_rule_changes_nothing() {
    let mut world = World::new();
    let shop = world.shop.clone();
    // Revoked by somebody who may not: the key goes on to sign.
    let revoked = world.revoke(&shop);
    let vendor = world.vendor.clone();
    world.log.say(vendor.issuer(), &vendor.recovery, revoked);
    let (_, false_withdrawal) = world.log.say(vendor.issuer(), &vendor.key, withdrawal(world.picture.1));
    world.log.register(&shop, "still mine");
    world.log.say(shop.issuer(), &shop.key, withdrawal(world.picture.1));
    world.log.say(shop.issuer(), &shop.key, withdrawal(false_withdrawal));
    let size = world.log.size();
    assert_eq!(
        rules(&world.log),
        [(size - 5, "other-organisation"), (size - 4, "unknown-statement"), (size - 1, "unknown-statement")]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order, an entry of a key is admitted exactly from its admission to its revocation.
    #[test]
    fn keys_are_valid_exactly_between_admission_and_revocation(steps in prop::collection::vec(0..6_u8, 1..40)) {
        let mut log = Log::new();
        let shop = log.admit(1, Role::Merchant);
        let mut valid = HashMap::from([(1_u8, true)]);
        let mut expected = Vec::new();
        for step in steps {
            let seed = if step % 2 == 0 { 1 } else { 3 };
            let admitted = match step {
                0 | 1 => {
                    let picture = format!("picture {}", log.size());
                    log.say(shop.issuer(), &key(seed), image(&picture));
                    valid.get(&seed) == Some(&true)
                }
                2 | 3 => {
                    log.decide(KeyRevoked {
                        organisation: shop.id,
                        key: public(&key(seed)),
                        suspect_from_index: None,
                        reason: "lost".to_owned(),
                    });
                    valid.get_mut(&seed).is_some_and(|valid| std::mem::replace(valid, false))
                }
                _ => {
                    log.decide(KeyAdded { organisation: shop.id, key: public(&key(seed)) });
                    !valid.contains_key(&seed) && valid.insert(seed, true).is_none()
                }
            };
            expected.push(admitted);
        }
        let (_, outcomes) = judge(&log);
        let admitted: Vec<bool> = outcomes[4..].iter().map(Result::is_ok).collect();
        prop_assert_eq!(admitted, expected);
    }

    /// Damage to an entry is never taken for another statement of the same issuer.
    #[test]
    fn a_flipped_bit_is_refused(at: prop::sample::Index, bit in 0..8_u8) {
        let mut world = World::new();
        let index = world.picture.0 as usize;
        let entry = &mut world.log.entries[index];
        let at = 10 + at.index(entry.len() - 10);
        entry[at] ^= 1 << bit;
        let (_, outcomes) = judge(&world.log);
        // White space and the order of nothing else carry no meaning; a flip makes no white space of a letter here.
        prop_assert!(outcomes[index].is_err());
    }
}
