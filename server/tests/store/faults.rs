//! Faults: each one failed and not persisted, and persisted although the answer was lost.

use super::*;

both_engines!(
    damaged_values_are_named,
    a_held_lock_is_busy_and_passes,
    changes_beside_the_log_keep_its_order,
    an_acknowledged_entry_survives_a_kill,
);

fn damaged_values_are_named(database: &Database) {
    let store = with_organisations(database);
    let corrupt = |what: &str, result: Result<(), StoreError>| {
        assert!(matches!(&result, Err(StoreError::Corrupt(text)) if text.contains(what)), "{result:?}");
    };
    database.execute("UPDATE entries SET kind = 'image.invented' WHERE idx = 0");
    corrupt("image.invented", store.read(|r| r.entry(0).map(drop)));
    corrupt("image.invented", store.read(|r| r.entries(&[0, 1]).map(drop)));
    database.execute("UPDATE entries SET id = 'stm_1' WHERE idx = 1");
    corrupt("identifier", store.read(|r| r.entry(1).map(drop)));
    database.execute("UPDATE entries SET accepted_at = 9000000000000000000 WHERE idx = 2");
    corrupt("time", store.read(|r| r.entry(2).map(drop)));
    database.execute("UPDATE organisations SET role = 'king' WHERE admitted_idx = 0");
    corrupt("king", store.read(|r| r.organisations().map(drop)));
    store
        .read(|r| r.organisation(&organisation_id(1)).map(|row| assert!(row.is_some())))
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
}

/// A damaged page and a disk that fails to read look alike: what reads on may have better luck, and halts nothing.
#[test]
fn on_sqlite_a_damaged_page_is_unreadable() {
    let database = Database::sqlite();
    drop(with_organisations(&database));
    let path = database.folder.as_ref().unwrap().path().join("registry.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    bytes[page..].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let config = StoreConfig { url: database.url.clone(), readers: 1, busy_timeout_ms: 10 };
    let read = Store::open(&config).and_then(|store| store.read(|r| r.log_head().map(drop)));
    assert!(matches!(read, Err(StoreError::Unreadable(_))), "{read:?}");
}

fn a_held_lock_is_busy_and_passes(database: &Database) {
    let store = database.migrated();
    append(&store, [0]);
    let hasty = open(&database.url, 50);
    write(&store, |w| {
        w.append(at(1), &entry(1, b"{}"))?;
        let refused = hasty.write(|w| w.append(at(1), &entry(2, b"{}")));
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
        // Readers see what is committed and do not wait.
        assert_eq!(read(&hasty, |r| r.log_size()), 1);
        Ok(())
    });
    assert_eq!(append(&hasty, [2]), [2]);
    // All connections that read are lent out.
    let exhausted = hasty.read(|_| hasty.read(|_| hasty.read(|_| hasty.read(|r| r.log_size().map(drop)))));
    assert!(matches!(exhausted, Err(StoreError::Busy(_))), "{exhausted:?}");
    assert_eq!(verify_log(&hasty).len(), 3);
}

fn changes_beside_the_log_keep_its_order(database: &Database) {
    let store = database.migrated();
    let write_beside = |n: u64| {
        store.write_beside_log(|w| {
            w.set_state("seen", &n.to_string())?;
            // Nobody should, but even so the order holds: the tail is locked on first use.
            w.append(at(1), &entry(n, b"{}")).map(|appended| appended.index)
        })
    };
    assert_eq!(write_beside(0).unwrap(), 0);
    let failed: Result<(), StoreError> = store.write_beside_log(|w| {
        w.set_state("seen", "never")?;
        Err(StoreError::Busy("on purpose".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(read(&store, |r| r.state("seen")).as_deref(), Some("0"));
    assert_eq!(append(&store, [1]), [1]);
    if database.folder.is_none() {
        // On PostgreSQL it does not wait for those who append.
        write(&store, |w| {
            w.append(at(1), &entry(2, b"{}"))?;
            store.write_beside_log(|w| w.set_state("beside", "yes"))
        });
        assert_eq!(read(&store, |r| r.state("beside")).as_deref(), Some("yes"));
    }
}

#[test]
fn on_postgres_a_connection_that_dies_keeps_nothing() {
    let database = Database::postgres();
    let store = database.migrated();
    append(&store, [0]);
    let outcome = store.write(|w| {
        w.append(at(1), &entry(1, b"{}"))?;
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'",
        );
        Ok::<_, StoreError>(())
    });
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(append(&store, [1]), [1]);
    // Idle connections that died are replaced unnoticed.
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert_eq!(append(&store, [2]), [2]);
    assert_eq!(verify_log(&store).len(), 3);
}

#[test]
fn on_sqlite_a_full_disk_keeps_what_was_acknowledged() {
    let database = Database::sqlite();
    drop(database.migrated());
    // The limit on the size of files stands in for a full disk; 8,192 blocks are 4 MiB.
    let mut child = appender(&database, "sh -c");
    let acknowledged = acknowledgements(&mut child).last().unwrap();
    assert!(child.wait().unwrap().success(), "the appender expects StoreError::Unavailable");
    let store = database.open();
    assert_eq!(verify_log(&store).len() as u64, acknowledged + 1, "the failed write left nothing");
    assert_eq!(append(&store, [1_000_000]), [acknowledged + 1]);
}

fn an_acknowledged_entry_survives_a_kill(database: &Database) {
    drop(database.migrated());
    let mut child = appender(database, "");
    let acknowledged = acknowledgements(&mut child).nth(20).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let store = database.open();
    let size = write(&store, |w| w.lock_log());
    assert!(size > acknowledged, "acknowledged up to {acknowledged}, found {size} entries");
    assert_eq!(verify_log(&store).len() as u64, size);
    assert_eq!(append(&store, [1_000_000]), [size]);
}

const CHILD_URL: &str = "TOUCHSTONE_TEST_APPENDER_URL";

/// A process that appends until something fails.
fn appender(database: &Database, shell: &str) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = if shell.is_empty() {
        Command::new(this)
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$@\"", "sh"]).arg(this);
        command
    };
    command
        .args(["--exact", "faults::appends_until_something_fails", "--ignored", "--nocapture"])
        .env(CHILD_URL, &database.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Indexes as the appender acknowledges them.
fn acknowledgements(child: &mut Child) -> impl Iterator<Item = u64> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
}

#[test]
#[ignore = "the other end of the tests that kill a process or fill a disk"]
fn appends_until_something_fails() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let store = open(&url, BUSY_TIMEOUT_MS);
    let envelope = vec![b' '; 40_000];
    for n in 0.. {
        match store.write(|w| w.append(at(1_000), &entry(n, &envelope))) {
            Ok(appended) => println!("acknowledged {}", appended.index),
            Err(StoreError::Unavailable(_)) => {
                // It still answers, and still refuses.
                assert_eq!(read(&store, |r| r.log_size()), n);
                assert!(store.write(|w| w.append(at(1_000), &entry(n, &envelope))).is_err());
                assert_eq!(read(&store, |r| r.log_size()), n);
                return;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}
