//! Opening: connection URLs, durability, the keyring.

use super::*;

both_engines!(the_keyring_opens_with_its_passphrase_only,);

#[test]
fn urls_need_a_scheme_and_teach_it() {
    let bad = [
        "registry.db",
        "/var/lib/registry.db",
        "",
        "mysql://host/db",
        "sqlite://registry.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///a.db?mode=memory",
        "https://user:hunter2@host/db",
    ];
    for url in bad {
        let config = StoreConfig { url: url.to_owned(), readers: 1, busy_timeout_ms: 10 };
        let error = Store::open(&config).unwrap_err();
        assert!(matches!(error, StoreError::Configuration(_)), "{url}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("sqlite:///") && text.contains("postgres://"), "{url}: {text}");
        assert!(!text.contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    }
    // What libpq repeats of a URL that it cannot read, or takes for a host, would be the password.
    for url in [
        "postgres://u:hun%ter2@h/d",
        "postgres://u:hunter2%@127.0.0.1:1/d",
        "postgres://u:x@hunter2@127.0.0.1:1/d",
        "postgres://u:x/hunter2@127.0.0.1:1/d",
        "postgres://u:x#hunter2@127.0.0.1:1/d",
        "postgres://u@127.0.0.1:1/d?password=hun%ter2",
    ] {
        let error =
            Store::open(&StoreConfig { url: url.to_owned(), readers: 1, busy_timeout_ms: 10 }).unwrap_err();
        assert!(matches!(error, StoreError::Configuration(_)), "{url}: {error:?}");
        let text = error.to_string();
        assert!(
            text.contains("percent-encoded") && !text.contains("hun") && !text.contains("ter2"),
            "{text}"
        );
    }
    for url in ["sqlite:///no/such/folder/registry.db", "postgres://nobody@127.0.0.1:1/none"] {
        let config = StoreConfig { url: url.to_owned(), readers: 1, busy_timeout_ms: 10 };
        assert!(matches!(Store::open(&config), Err(StoreError::Unavailable(_))), "{url}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.jpg");
    std::fs::write(&path, [0x55; 4096]).unwrap();
    let url = format!("sqlite://{}", path.display());
    let error = Store::open(&StoreConfig { url, readers: 1, busy_timeout_ms: 10 }).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), [0x55; 4096], "a file that is no database is left alone");
}

#[test]
fn on_sqlite_readers_do_not_wait_for_the_writer_since_it_writes_ahead() {
    let database = Database::sqlite();
    let store = database.migrated();
    write(&store, |w| {
        w.append(at(1), &entry(0, b"{}"))?;
        assert_eq!(read(&store, |r| r.log_size()), 0);
        Ok(())
    });
    assert_eq!(read(&store, |r| r.log_size()), 1);
    let ahead = database.folder.as_ref().unwrap().path().join("registry.db-wal");
    assert!(ahead.metadata().unwrap().len() > 0);
}

fn the_keyring_opens_with_its_passphrase_only(database: &Database) {
    let store = database.migrated();
    let open = |passphrase: &[u8]| store.read(|r| Keyring::open(r, passphrase));
    assert!(matches!(open(b"correct horse"), Err(KeyringError::Missing)));
    let empty = store.write(|w| Keyring::create(w, &FixedEntropy::new(1), b""));
    assert!(matches!(empty, Err(KeyringError::EmptyPassphrase)));
    let made = store.write(|w| Keyring::create(w, &FixedEntropy::new(1), b"correct horse")).unwrap();
    let publics = |keyring: &Keyring| {
        [keyring.log(), keyring.verdict(), keyring.operator()].map(|key| key.verifying_key().to_bytes())
    };
    let keys = publics(&made);
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    let opened = open(b"correct horse").unwrap();
    assert_eq!((publics(&opened), opened.token_secret()), (keys, made.token_secret()));
    assert_ne!(made.token_secret(), &[0; 32]);
    assert!(matches!(open(b"correct horsf"), Err(KeyringError::WrongPassphrase)));
    assert!(matches!(open(b""), Err(KeyringError::WrongPassphrase)));
    assert_eq!(format!("{made:?}"), "Keyring { .. }");
    let again = store.write(|w| Keyring::create(w, &FixedEntropy::new(2), b"other"));
    assert!(matches!(again, Err(KeyringError::Exists)));
    assert_eq!(publics(&open(b"correct horse").unwrap()), keys, "the old keys stand");
    for purpose in ["log", "verdict", "operator"] {
        let row = read(&store, |r| r.registry_key(purpose)).unwrap();
        let secret = made.log().to_bytes();
        assert!(!row.sealed.windows(32).any(|window| window == secret));
    }

    // Keys that were swapped, so that the operator's decisions would be signed with the log's key.
    database.execute(
        "UPDATE registry_keys SET sealed = (SELECT sealed FROM registry_keys WHERE purpose = 'log') \
         WHERE purpose = 'operator'",
    );
    assert!(matches!(open(b"correct horse"), Err(KeyringError::Damaged(_))));
    database.execute("DELETE FROM registry_keys WHERE purpose = 'operator'");
    assert!(matches!(open(b"correct horse"), Err(KeyringError::Damaged(_))));
}
