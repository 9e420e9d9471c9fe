//! Organisations, keys, codes, tokens, users, checks, the registry's own state.

use super::*;

both_engines!(
    organisations_round_trip_and_are_suspended_once,
    keys_round_trip_and_are_revoked_once,
    a_code_belongs_to_one_organisation,
    tokens_and_users_round_trip,
    checks_expire,
    state_is_replaced,
);

fn organisations_round_trip_and_are_suspended_once(database: &Database) {
    let store = with_organisations(database);
    let all: Vec<_> = (0..3).map(|n| stored(organisation(n, n))).collect();
    assert_eq!(read(&store, |r| r.organisations()), all);
    assert_eq!(read(&store, |r| r.organisation(&all[1].id)), Some(all[1].clone()));
    assert_eq!(read(&store, |r| r.organisation_by_name(&all[2].name)), Some(all[2].clone()));
    assert_eq!(read(&store, |r| r.organisation(&organisation_id(9))), None);
    assert_eq!(read(&store, |r| r.organisation_by_name("名店")), None);
    write(&store, |w| w.suspend_organisation(&all[1].id, 2));
    let suspended = OrganisationRow { suspended_at_index: Some(2), ..all[1].clone() };
    assert_eq!(read(&store, |r| r.organisation(&all[1].id)), Some(suspended));
    let name = "organisations.suspended_idx";
    assert_eq!(constraint(store.write(|w| w.suspend_organisation(&all[1].id, 2))), name);
    assert_eq!(constraint(store.write(|w| w.suspend_organisation(&organisation_id(9), 2))), name);
}

fn keys_round_trip_and_are_revoked_once(database: &Database) {
    let store = with_organisations(database);
    let key = |n: u64, purpose| NewKey {
        id: KeyId::from_parts(n, random(n)),
        organisation: organisation_id(0),
        public_key: bytes32(n),
        purpose,
        valid_from_index: n,
    };
    let stored = |new: &NewKey| {
        let NewKey { id, organisation, public_key, purpose, valid_from_index } = new.clone();
        let (revoked_at_index, suspect_from_index) = (None, None);
        KeyRow {
            id,
            organisation,
            public_key,
            purpose,
            valid_from_index,
            revoked_at_index,
            suspect_from_index,
        }
    };
    let (signing, recovery) = (key(1, KeyPurpose::Signing), key(2, KeyPurpose::Recovery));
    write(&store, |w| w.insert_key(&recovery).and_then(|()| w.insert_key(&signing)));
    assert_eq!(read(&store, |r| r.keys_of(&organisation_id(0))), [stored(&signing), stored(&recovery)]);
    assert_eq!(read(&store, |r| r.keys_of(&organisation_id(1))), []);
    assert_eq!(read(&store, |r| r.key_by_public_key(&bytes32(2))), Some(stored(&recovery)));
    assert_eq!(read(&store, |r| r.key_by_public_key(&bytes32(9))), None);
    let other = organisation_id(1);
    let taken = NewKey { organisation: other, public_key: bytes32(1), ..key(3, KeyPurpose::Recovery) };
    assert_eq!(constraint(store.write(|w| w.insert_key(&taken))), "organisation_keys.public_key");
    let stranger = NewKey { organisation: organisation_id(9), ..key(4, KeyPurpose::Signing) };
    constraint(store.write(|w| w.insert_key(&stranger)));

    write(&store, |w| w.revoke_key(&signing.id, 2, Some(1)));
    let revoked = KeyRow { revoked_at_index: Some(2), suspect_from_index: Some(1), ..stored(&signing) };
    assert_eq!(read(&store, |r| r.key_by_public_key(&bytes32(1))), Some(revoked.clone()));
    assert_eq!(
        constraint(store.write(|w| w.revoke_key(&signing.id, 2, None))),
        "organisation_keys.revoked_idx"
    );
    assert_eq!(read(&store, |r| r.key_by_public_key(&bytes32(1))), Some(revoked));
}

fn a_code_belongs_to_one_organisation(database: &Database) {
    let store = with_organisations(database);
    let (a, b) = (organisation_id(0), organisation_id(1));
    let bind = |code: &str, organisation, index| write(&store, |w| w.bind_code(code, organisation, index));
    assert!(bind("001191110108MA01TEST0X00000", &a, 1));
    assert!(bind("001191110108MA01TEST0X00000", &a, 2), "again to the same one is no change");
    assert!(!bind("001191110108MA01TEST0X00000", &b, 2));
    assert!(bind("another", &a, 0));
    assert_eq!(read(&store, |r| r.code_owner("001191110108MA01TEST0X00000")), Some(a));
    assert_eq!(read(&store, |r| r.code_owner("unknown")), None);
    assert_eq!(read(&store, |r| r.codes_of(&a)), ["another", "001191110108MA01TEST0X00000"]);
    assert_eq!(read(&store, |r| r.codes_of(&b)), [""; 0]);
    constraint(store.write(|w| w.bind_code("third", &organisation_id(9), 0)));
}

fn tokens_and_users_round_trip(database: &Database) {
    let store = with_organisations(database);
    let user = UserRow {
        id: UserId::from_parts(1, random(1)),
        organisation: Some(organisation_id(1)),
        name: "mei@shop".to_owned(),
        password_hash: "$argon2id$v=19$…".to_owned(),
        created_at: at(11),
    };
    let operator = UserRow {
        id: UserId::from_parts(2, random(2)),
        organisation: None,
        name: "op".to_owned(),
        ..user.clone()
    };
    write(&store, |w| w.insert_user(&user).and_then(|()| w.insert_user(&operator)));
    assert_eq!(read(&store, |r| r.user_by_name("mei@shop")), Some(user.clone()));
    assert_eq!(read(&store, |r| r.user_by_name("op")), Some(operator));
    assert_eq!(read(&store, |r| r.user_by_name("Mei@shop")), None);
    let twin = UserRow { id: UserId::from_parts(3, random(3)), ..user.clone() };
    assert_eq!(constraint(store.write(|w| w.insert_user(&twin))), "users.name");
    assert!(!format!("{user:?}").contains("argon2id"));

    let token = |n: u64, organisation, scopes: &[Scope]| NewToken {
        id: TokenId::from_parts(n, random(n)),
        hash: bytes32(n),
        organisation,
        name: format!("token {n}"),
        scopes: scopes.to_vec(),
        created_at: at(i64::try_from(n).unwrap()),
        expires_at: at(999),
        user: organisation.map(|_| user.id),
    };
    let stored = |new: &NewToken| {
        let NewToken { id, hash, organisation, name, scopes, created_at, expires_at, user } = new.clone();
        TokenRow { id, hash, organisation, name, scopes, created_at, expires_at, revoked_at: None, user }
    };
    let every = Scope::ALL.map(|(scope, _)| scope);
    let new = [
        token(1, Some(organisation_id(1)), &[Scope::Register, Scope::Check]),
        token(2, None, &every),
        token(3, Some(organisation_id(1)), &[]),
    ];
    write(&store, |w| new.iter().try_for_each(|token| w.insert_token(token)));
    for token in &new {
        assert_eq!(read(&store, |r| r.token_by_hash(&token.hash)), Some(stored(token)));
    }
    assert_eq!(read(&store, |r| r.token_by_hash(&bytes32(9))), None);
    assert_eq!(read(&store, |r| r.tokens_of(Some(organisation_id(1)))), [stored(&new[2]), stored(&new[0])]);
    assert_eq!(read(&store, |r| r.tokens_of(None)), [stored(&new[1])]);
    assert_eq!(read(&store, |r| r.tokens_of(Some(organisation_id(2)))), []);
    let same = NewToken { id: TokenId::from_parts(9, random(9)), ..new[0].clone() };
    assert_eq!(constraint(store.write(|w| w.insert_token(&same))), "tokens.hash");

    assert!(write(&store, |w| w.revoke_token(&new[0].id, at(50))));
    assert!(!write(&store, |w| w.revoke_token(&new[0].id, at(60))));
    assert!(!write(&store, |w| w.revoke_token(&same.id, at(60))));
    let revoked = TokenRow { revoked_at: Some(at(50)), ..stored(&new[0]) };
    assert_eq!(read(&store, |r| r.token_by_hash(&new[0].hash)), Some(revoked));
}

fn checks_expire(database: &Database) {
    let store = with_organisations(database);
    let check = |n: u64, organisation| CheckRow {
        id: CheckId::from_parts(n, random(n)),
        organisation,
        checked_at: at(1),
        expires_at: at(i64::try_from(n).unwrap() * 100),
        envelope: n.to_be_bytes().to_vec(),
    };
    let checks = [check(1, Some(organisation_id(2))), check(2, None), check(3, None)];
    write(&store, |w| checks.iter().try_for_each(|check| w.insert_check(check)));
    for check in &checks {
        assert_eq!(read(&store, |r| r.check(&check.id)).as_ref(), Some(check));
    }
    assert_eq!(constraint(store.write(|w| w.insert_check(&checks[0]))), "checks.id");
    let pictures = CheckPictures { overlay: vec![1, 2], mask: vec![3] };
    write(&store, |w| w.insert_check_pictures(&checks[0].id, &pictures));
    assert_eq!(read(&store, |r| r.check_pictures(&checks[0].id)), Some(pictures.clone()));
    assert_eq!(read(&store, |r| r.check_pictures(&checks[1].id)), None);
    constraint(store.write(|w| w.insert_check_pictures(&checks[0].id, &pictures)));
    assert_eq!(write(&store, |w| w.delete_expired_checks(at(99), 10)), 0);
    assert_eq!(write(&store, |w| w.delete_expired_checks(at(200), 1)), 1);
    assert_eq!(write(&store, |w| w.delete_expired_checks(at(200), 10)), 1);
    assert_eq!(read(&store, |r| r.check(&checks[1].id)), None);
    assert_eq!(read(&store, |r| r.check_pictures(&checks[0].id)), None, "they go with their check");
    assert_eq!(read(&store, |r| r.check(&checks[2].id)), Some(checks[2].clone()));
}

fn state_is_replaced(database: &Database) {
    let store = database.migrated();
    assert_eq!(read(&store, |r| r.state("origin")), None);
    write(&store, |w| w.set_state("origin", "a").and_then(|()| w.set_state("other", "x")));
    write(&store, |w| w.set_state("origin", "原产"));
    assert_eq!(read(&store, |r| r.state("origin")).as_deref(), Some("原产"));
    assert_eq!(read(&store, |r| r.state("other")).as_deref(), Some("x"));

    let key = RegistryKeyRow { purpose: "log".to_owned(), public_key: [1; 32], sealed: vec![0, 255] };
    write(&store, |w| w.insert_registry_key(&key));
    assert_eq!(read(&store, |r| r.registry_key("log")), Some(key.clone()));
    assert_eq!(read(&store, |r| r.registry_key("verdict")), None);
    let second = RegistryKeyRow { public_key: [2; 32], ..key.clone() };
    assert_eq!(constraint(store.write(|w| w.insert_registry_key(&second))), "registry_keys.purpose");
    let shared = RegistryKeyRow { purpose: "verdict".to_owned(), ..key };
    assert_eq!(constraint(store.write(|w| w.insert_registry_key(&shared))), "registry_keys.public_key");
}
