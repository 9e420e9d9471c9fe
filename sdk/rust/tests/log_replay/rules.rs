//! Who may say what, with which key, about what: each rule broken once.

use crate::{
    log::{self, Member, bindings, digest, image, key, output, policy_changed, public},
    world::{World, breaks, correction, observation, rules, store, stored, withdrawal},
};
use touchstone_schema::{
    OrganisationId, StatementId, leaf,
    statement::{
        Body, C2paBinding, CodeBound, ImageRegistered, Issuer, KeyAdded, KeyRevoked, KeyRotated,
        ManifestDeleted, OrganisationSuspended, RecordDeleted, Role, View,
    },
};

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
            w.verdict(observation(id, "cup"));
            w.verdict(deleted(id));
            w.verdict(deleted(id))
        }),
        Some("deleted-already")
    );
    // Nobody bound this record; then it is the one that the statement itself binds.
    assert_eq!(
        breaks(|w| {
            let id = w.picture.1;
            w.verdict(deleted(id))
        }),
        Some("other-record")
    );
    let mut bound = bindings("saucer");
    bound.record = Some(digest("record"));
    let image: Body = ImageRegistered { view: View::Listing, product: None, content: bound }.into();
    assert_eq!(
        breaks(|w| {
            let shop = w.shop.clone();
            let (_, id) = w.log.say(shop.issuer(), &shop.key, image.clone());
            w.verdict(deleted(id))
        }),
        None
    );
    // What was deleted is not observed any more.
    assert_eq!(
        breaks(|w| {
            let shop = w.shop.clone();
            let (_, id) = w.log.say(shop.issuer(), &shop.key, image.clone());
            w.verdict(deleted(id));
            w.verdict(observation(id, "saucer"))
        }),
        Some("deleted-already")
    );
    // The same 64 bits at the beginning of both digests are not the same content.
    assert_eq!(
        breaks(|w| {
            let mut other = observation(w.picture.1, "cup");
            other.content.sha256.0[8..].fill(0);
            other.content.sha256_without_manifest.0[8..].fill(0);
            w.verdict(other)
        }),
        Some("other-content")
    );
    assert_eq!(
        breaks(|w| w.verdict(stored(OrganisationId::from_parts(99, [9; 10])))),
        Some("unknown-organisation")
    );
}

#[test]
fn manifests_come_before_they_go_and_go_once() {
    let gone = |name: &str| {
        let C2paBinding { manifest, store_sha256, .. } = store(name);
        ManifestDeleted { manifest, store_sha256 }
    };
    assert_eq!(breaks(|w| w.verdict(gone("store"))), Some("unknown-manifest"));
    let with = |steps: &[Option<&str>]| {
        // The name of a store that is deleted, or nothing: it is stored.
        breaks(|w| {
            let shop = w.shop.id;
            let (last, before) = steps.split_last().unwrap();
            let mut step = |step: &Option<&str>| match step {
                Some(name) => w.verdict(gone(name)),
                None => w.verdict(stored(shop)),
            };
            before.iter().for_each(|one| assert_eq!(step(one), None));
            step(last)
        })
    };
    assert_eq!(with(&[None, Some("store")]), None);
    assert_eq!(with(&[None, Some("store"), None, Some("store")]), None);
    assert_eq!(with(&[None, Some("other")]), Some("unknown-manifest"));
    assert_eq!(with(&[None, Some("store"), Some("store")]), Some("unknown-manifest"));
    assert_eq!(with(&[None, None]), Some("manifest-taken"));
    // A picture may have brought it, and whether it was kept is not said.
    let carried = |w: &mut World| {
        let mut observed = observation(w.picture.1, "cup");
        observed.content.c2pa = Some(store("store"));
        assert_eq!(w.verdict(observed), None);
    };
    assert_eq!(
        breaks(|w| {
            carried(w);
            w.verdict(gone("store"))
        }),
        None
    );
    assert_eq!(
        breaks(|w| {
            carried(w);
            w.verdict(gone("store"));
            w.verdict(gone("store"))
        }),
        Some("unknown-manifest")
    );
    assert_eq!(
        breaks(|w| {
            carried(w);
            let shop = w.shop.id;
            w.verdict(stored(shop))
        }),
        None
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
