//! Admission judged again by log index: each rule broken once, with real keys; and what breaks a rule changes nothing.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "../support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;
mod rules;
mod world;

use log::{Log, ORIGIN, digest, image, key, operator, policy_changed, public, verdict};
use proptest::prelude::*;
use std::collections::HashMap;
use touchstone_schema::{
    Timestamp,
    envelope::{self, STATEMENT_TYPE},
    leaf,
    statement::{
        Issuer, KeyAdded, KeyRevoked, KeyRotated, ManifestDeleted, OrganisationSuspended, RecordDeleted,
        Role, Statement,
    },
};
use touchstone_sdk::log::replay::{Entry, Replay, Violation};
use world::{World, breaks, correction, evidence, judge, observation, rules, stored, withdrawal};

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
    // Nobody states the key that signed.
    assert_eq!(begin([origin.clone(), other.clone(), verdict.clone()])[0], (0, "unknown-key"));
    let mut log = Log::empty();
    log.decide(policy_changed(origin.0, &origin.1));
    log.decide(policy_changed(other.0, &other.1));
    let mut replay = Replay::new(ORIGIN, None);
    let outcomes = [0, 1].map(|index: usize| {
        let mut entry = Entry::read(&log.entries[index]);
        entry.verify(|_| Some(public(&operator())));
        replay.next(&entry).err()
    });
    assert_eq!(outcomes, [None, Some(Violation::PolicyValue { policy: "operator_key".to_owned() })]);
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
    let altered = |alter: fn(&mut Statement)| {
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
