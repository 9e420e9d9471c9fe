//! The log: order, marks, duplicates, writers side by side.

use super::*;

both_engines!(
    indexes_are_contiguous_and_times_never_decrease,
    a_failed_write_leaves_nothing_and_the_next_one_works,
    a_nested_part_fails_alone,
    a_write_whose_answer_was_lost_is_found_again,
    concurrent_writers_leave_no_gap_and_no_duplicate,
    duplicates_are_refused_by_name,
    entries_round_trip_and_are_marked,
    a_tail_that_moved_stops_the_commit,
    the_tree_follows_what_is_appended,
    only_the_last_claimant_publishes,
    what_is_signed_is_noted_before,
    a_database_that_went_back_is_not_published_from,
    long_leaves_are_read_a_few_at_a_time,
    servers_that_migrate_beside_one_that_appends_agree,
);

fn the_tree_follows_what_is_appended(database: &Database) {
    let store = database.migrated();
    let tree = || {
        let mut tree = Frontier::new();
        verify_log(&store).iter().for_each(|row| tree.push(row.leaf_hash));
        tree
    };
    for n in 0..9 {
        assert_eq!(read(&store, |r| r.log_head()).frontier, tree());
        append(&store, [n]);
    }
    let undone: Result<(), StoreError> = store.write(|w| {
        let part: Result<(), StoreError> = w.nested(|w| {
            w.append(at(1), &entry(20, b"{}"))?;
            Err(StoreError::Busy("on purpose".to_owned()))
        });
        assert!(part.is_err());
        w.append(at(1), &entry(21, b"{}")).map(drop)
    });
    undone.unwrap();
    assert_eq!(read(&store, |r| r.log_head()).frontier, tree());
    let leaves = read(&store, |r| r.leaves(3, 4));
    assert_eq!(leaves, verify_log(&store)[3..7].iter().map(|row| row.leaf.clone()).collect::<Vec<_>>());
    assert_eq!(read(&store, |r| r.leaves(10, 4)), Vec::<Vec<u8>>::new());
    // A database from before the tree: migrating fills it in.
    database.execute(&format!(
        "UPDATE log_state SET frontier = {}",
        if database.folder.is_some() { "x''" } else { "''" }
    ));
    assert!(matches!(store.read(|r| r.log_head()), Err(StoreError::Corrupt(_))));
    store.migrate().unwrap();
    assert_eq!(read(&store, |r| r.log_head()).frontier, tree());
    database.execute("UPDATE entries SET idx = 100 WHERE idx = 5");
    assert!(matches!(store.read(|r| r.leaves(3, 4)), Err(StoreError::Corrupt(_))));
}

fn only_the_last_claimant_publishes(database: &Database) {
    let store = database.migrated();
    append(&store, 0..4);
    let checkpoint = |size: u64| CheckpointRow {
        size,
        root: Sha256Digest(bytes32(size)),
        published_at: at(7),
        note: format!("note {size}\n"),
    };
    let publish = |epoch: u64, old: u64, size: u64| {
        store.write_beside_log(|w| w.publish(epoch, old, &checkpoint(size)))
    };
    let claim = || store.write_beside_log(|w| w.claim_publication()).unwrap();
    let first = claim();
    assert!(publish(first, 0, 2).unwrap());
    assert!(!publish(first, 0, 3).unwrap(), "somebody published in between");
    assert!(!publish(first, 2, 5).unwrap(), "there are only four entries");
    let second = claim();
    assert!(second > first);
    assert!(!publish(first, 2, 3).unwrap(), "fenced off");
    assert_eq!(read(&store, |r| r.log_head()).published_size, 2);
    assert!(publish(second, 2, 4).unwrap());
    assert_eq!(read(&store, |r| r.last_checkpoint()), Some(checkpoint(4)));
    assert_eq!(read(&store, |r| r.checkpoints_above(0, 9)), [checkpoint(2), checkpoint(4)]);
    assert_eq!(read(&store, |r| r.checkpoints_above(2, 1)), [checkpoint(4)]);
    assert_eq!(read(&store, |r| r.checkpoints_above(4, 1)), []);
}

fn note(size: u64) -> CheckpointRow {
    CheckpointRow {
        size,
        root: Sha256Digest(bytes32(size)),
        published_at: at(7),
        note: format!("note {size}\n"),
    }
}

fn what_is_signed_is_noted_before(database: &Database) {
    let store = database.migrated();
    append(&store, 0..6);
    let epoch = store.write_beside_log(|w| w.claim_publication()).unwrap();
    let begin = |epoch: u64, published: u64, size: u64| {
        store.write_beside_log(|w| w.begin_checkpoint(epoch, published, size, &note(size).root)).unwrap()
    };
    let publish =
        |old: u64, size: u64| store.write_beside_log(|w| w.publish(epoch, old, &note(size))).unwrap();
    let begun = || read(&store, |r| r.log_head()).begun;
    assert_eq!(begun(), None);
    assert!(!begin(epoch + 1, 0, 2) && !begin(epoch, 1, 2) && !begin(epoch, 0, 7));
    assert!(begin(epoch, 0, 3));
    assert_eq!(begun(), Some((3, note(3).root)));
    assert!(!begin(epoch, 0, 4), "one that was begun comes first");
    assert!(!publish(0, 4));
    let later = store.write_beside_log(|w| w.claim_publication()).unwrap();
    assert!(!publish(0, 3), "fenced off");
    assert_eq!(begun(), Some((3, note(3).root)), "whoever comes next knows");
    assert!(store.write_beside_log(|w| w.publish(later, 0, &note(3))).unwrap());
    assert_eq!((begun(), read(&store, |r| r.log_head()).signed_size()), (None, 3));
    // Without witnesses nothing leaves before it is published.
    assert!(store.write_beside_log(|w| w.publish(later, 3, &note(6))).unwrap());
    assert_eq!((begun(), read(&store, |r| r.log_head()).signed_size()), (None, 6));
}

fn a_database_that_went_back_is_not_published_from(database: &Database) {
    let store = database.migrated();
    append(&store, 0..6);
    let epoch = store.write_beside_log(|w| w.claim_publication()).unwrap();
    assert_eq!(read(&store, |r| r.log_head()).halted, None);
    store.write_beside_log(|w| w.halt_log("it is older")).unwrap();
    assert_eq!(read(&store, |r| r.log_head()).halted.as_deref(), Some("it is older"));
    assert!(!store.write_beside_log(|w| w.publish(epoch, 0, &note(3))).unwrap());
    assert!(!store.write_beside_log(|w| w.begin_checkpoint(epoch, 0, 3, &note(3).root)).unwrap());
    let claimed = store.write_beside_log(|w| w.claim_publication());
    assert!(matches!(claimed, Err(StoreError::Constraint { name }) if name == "log_state.halted"));
}

fn long_leaves_are_read_a_few_at_a_time(database: &Database) {
    let store = database.migrated();
    let envelope = vec![b' '; 10_000];
    write(&store, |w| {
        for n in 0..300 {
            w.append(at(1), &entry(n, &envelope))?;
        }
        Ok(())
    });
    let all = read(&store, |r| r.leaves(0, 1_000));
    let within = |from: u64, most: u32, bytes: usize| read(&store, |r| r.leaves_within(from, most, bytes));
    assert_eq!(within(0, 1_000, usize::MAX), all);
    assert_eq!(within(7, 200, usize::MAX), all[7..207]);
    assert_eq!(within(0, 1_000, 1), all[..128]);
    assert_eq!(within(0, 1_000, 2_000_000), all[..256]);
    assert_eq!(within(100, 3, 1), all[100..103]);
    assert_eq!(within(300, 9, 1), Vec::<Vec<u8>>::new());
}

fn servers_that_migrate_beside_one_that_appends_agree(database: &Database) {
    let store = database.migrated();
    append(&store, 0..5);
    let empty = if database.folder.is_some() { "x''" } else { "''" };
    database.execute(&format!("UPDATE log_state SET frontier = {empty}"));
    thread::scope(|scope| {
        let migrating: Vec<_> =
            (0..3).map(|_| database.open()).map(|s| scope.spawn(move || s.migrate())).collect();
        let appending = scope.spawn(|| {
            // Refused until the tree is there.
            for n in 5..9 {
                while store.write(|w| w.append(at(n), &entry(n.unsigned_abs(), b"{}"))).is_err() {
                    thread::yield_now();
                }
            }
        });
        migrating.into_iter().for_each(|thread| drop(thread.join().unwrap().unwrap()));
        appending.join().unwrap();
    });
    let mut tree = Frontier::new();
    verify_log(&store).iter().for_each(|row| tree.push(row.leaf_hash));
    assert_eq!((tree.size(), read(&store, |r| r.log_head()).frontier), (9, tree.clone()));
}

fn indexes_are_contiguous_and_times_never_decrease(database: &Database) {
    let store = database.migrated();
    let times = [5, 9, 3, 3, 12, 1];
    let accepted: Vec<_> = write(&store, |w| {
        let first = w.append(at(7), &entry(0, b"first"))?;
        assert_eq!((first.index, first.accepted_at, w.lock_log()?), (0, at(7), 1));
        assert_eq!(first.leaf_hash, leaf::hash(&leaf::encode(at(7), b"first")));
        Ok(vec![first.accepted_at])
    })
    .into_iter()
    .chain(times.iter().zip(1..).map(|(time, n)| {
        // Each in its own transaction: the last time is remembered by the database.
        let appended = write(&store, |w| w.append(at(*time), &entry(n, b"{}")));
        assert_eq!(appended.index, n);
        appended.accepted_at
    }))
    .collect();
    assert_eq!(accepted, [7, 7, 9, 9, 9, 12, 12].map(at));
    let store = database.open();
    assert_eq!(verify_log(&store).len(), 7);
    assert_eq!(leaf::decode(&read(&store, |r| r.entry(0)).unwrap().leaf).unwrap().1, b"first");
}

fn a_failed_write_leaves_nothing_and_the_next_one_works(database: &Database) {
    let store = database.migrated();
    append(&store, [0]);
    let busy_bytes = |w: &mut Writer<'_>| {
        let index = w.append(at(50_000), &entry(1, b"{}"))?.index;
        w.bind_content(&Sha256Digest([1; 32]), ContentDigest::File, index)?;
        w.set_state("name", "value")
    };
    let kept_nothing = || {
        assert_eq!(verify_log(&store).len(), 1);
        assert_eq!(read(&store, |r| r.content(&Sha256Digest([1; 32]))), []);
        assert_eq!(read(&store, |r| r.state("name")), None);
    };

    // The use case refuses.
    let refused: Result<(), StoreError> = store.write(|w| {
        busy_bytes(w)?;
        Err(StoreError::Busy("on purpose".to_owned()))
    });
    assert!(matches!(refused, Err(StoreError::Busy(_))));
    kept_nothing();

    // A statement fails, and the use case passes over it.
    let passed_over = store.write(|w| {
        busy_bytes(w)?;
        let same_id = NewEntry { id: statement(0), ..entry(2, b"{}") };
        assert_eq!(constraint(w.append(at(50_001), &same_id)), "entries.id");
        Ok::<_, StoreError>(())
    });
    assert!(matches!(passed_over, Err(StoreError::Other(_))), "{passed_over:?}");
    kept_nothing();

    // The use case panics.
    let panicked = catch_unwind(AssertUnwindSafe(|| -> Result<(), StoreError> {
        store.write(|w| {
            busy_bytes(w)?;
            panic!("on purpose")
        })
    }));
    assert!(panicked.is_err());
    kept_nothing();

    // A leaf that no bundle could carry.
    let long = vec![b' '; 65_526];
    let too_long = store.write(|w| w.append(at(1), &entry(1, &long)));
    assert!(too_long.unwrap_err().to_string().contains("database reports"));
    kept_nothing();

    assert_eq!(append(&store, [1]), [1]);
    assert_eq!(verify_log(&store)[1].accepted_at, at(1_000), "the time of a failed entry is forgotten");
}

fn a_nested_part_fails_alone(database: &Database) {
    let store = database.migrated();
    write(&store, |w| {
        w.append(at(10), &entry(0, b"{}"))?;
        let kept = w.nested(|w| w.append(at(20), &entry(1, b"{}")))?;
        assert_eq!(kept.index, 1);
        // The use case refuses; its appends and their times are forgotten.
        let refused: Result<(), StoreError> = w.nested(|w| {
            w.append(at(99), &entry(2, b"{}"))?;
            w.set_state("name", "value")?;
            Err(StoreError::Busy("on purpose".to_owned()))
        });
        assert!(matches!(refused, Err(StoreError::Busy(_))));
        // A statement fails, passed over or not.
        let duplicate = NewEntry { id: statement(0), ..entry(3, b"{}") };
        assert_eq!(constraint(w.nested(|w| w.append(at(99), &duplicate))), "entries.id");
        let passed_over: Result<(), StoreError> = w.nested(|w| {
            constraint(w.append(at(99), &duplicate));
            Ok(())
        });
        assert!(matches!(passed_over, Err(StoreError::Other(_))));
        // Parts within parts.
        let outer: Result<(), StoreError> = w.nested(|w| {
            w.nested(|w| w.append(at(99), &entry(4, b"{}")).map(drop))?;
            Err(StoreError::Busy("on purpose".to_owned()))
        });
        assert!(outer.is_err());
        assert_eq!((w.lock_log()?, w.state("name")?), (2, None));
        assert_eq!(w.append(at(30), &entry(5, b"{}"))?.accepted_at, at(30));
        Ok(())
    });
    assert_eq!(verify_log(&store).iter().map(|row| row.id).collect::<Vec<_>>(), [0, 1, 5].map(statement));
}

fn a_write_whose_answer_was_lost_is_found_again(database: &Database) {
    let store = database.migrated();
    // Persisted, but the caller never learns: it sends the same statement again.
    append(&store, [0, 1]);
    let again = store.write(|w| {
        let key = entry(1, b"{}").deduplication_key;
        match w.entry_by_deduplication_key(&key)? {
            Some(row) => Ok::<_, StoreError>(row.index),
            None => Ok(w.append(at(2_000), &entry(1, b"{}"))?.index),
        }
    });
    assert_eq!(again.unwrap(), 1);
    assert_eq!(verify_log(&store).len(), 2);
}

fn concurrent_writers_leave_no_gap_and_no_duplicate(database: &Database) {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 12;
    const EACH: u64 = 3;
    // Two servers on one database, each with two threads.
    let stores = [database.migrated(), database.open()];
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &stores[usize::try_from(writer % 2).unwrap()];
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let give_up = (writer + round) % 4 == 0;
                    let outcome = store.write(|w| {
                        let next = w.lock_log()?;
                        for k in 0..EACH {
                            let n = (writer * ROUNDS + round) * EACH + k;
                            // Clocks differ between writers.
                            let time =
                                at(i64::try_from(1_000 + round * 10 + (WRITERS - writer) * 7).unwrap());
                            assert_eq!(w.append(time, &entry(n, b"{}"))?.index, next + k);
                        }
                        if give_up { Err(StoreError::Busy("on purpose".to_owned())) } else { Ok(()) }
                    });
                    assert_eq!(outcome.is_err(), give_up, "{outcome:?}");
                }
            });
        }
    });
    let rows = verify_log(&stores[0]);
    assert_eq!(rows.len() as u64, WRITERS * ROUNDS * EACH * 3 / 4);
    // Entries of one transaction stand side by side.
    for group in rows.chunks(usize::try_from(EACH).unwrap()) {
        assert!(group.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}

fn duplicates_are_refused_by_name(database: &Database) {
    let store = with_organisations(database);
    let try_append = |entry: NewEntry<'_>| constraint(store.write(|w| w.append(at(1), &entry)));
    assert_eq!(try_append(NewEntry { id: statement(9), ..entry(0, b"{}") }), "entries.deduplication_key");
    let other = Sha256Digest([9; 32]);
    assert_eq!(try_append(NewEntry { deduplication_key: other, ..entry(0, b"{}") }), "entries.id");

    let insert = |row| constraint(store.write(|w| w.insert_organisation(&row)));
    assert_eq!(
        insert(NewOrganisation { id: organisation_id(7), ..organisation(0, 0) }),
        "organisations.name"
    );
    assert_eq!(
        insert(NewOrganisation { name: "other".to_owned(), ..organisation(0, 0) }),
        "organisations.id"
    );
    // Nobody is admitted by an entry that is not in the log.
    constraint(store.write(|w| w.insert_organisation(&organisation(8, 99))));
    assert_eq!(read(&store, |r| r.organisations()).len(), 3);
}

fn entries_round_trip_and_are_marked(database: &Database) {
    let store = database.migrated();
    let kinds = Kind::ALL.len() as u64;
    append(&store, 0..kinds);
    for n in 0..kinds {
        let (new, row) = (entry(n, b"{}"), read(&store, |r| r.entry(n)).unwrap());
        assert_eq!(
            (row.index, row.id, row.kind, row.issuer, row.key),
            (n, new.id, new.kind, new.issuer, new.key)
        );
        assert_eq!(row.leaf, leaf::encode(at(1_000), b"{}"));
        assert_eq!(
            (row.withdrawn_at_index, row.corrected_at_index, row.observed_at_index),
            (None, None, None)
        );
        assert_eq!(read(&store, |r| r.entry_by_id(&new.id)).as_ref(), Some(&row));
        assert_eq!(read(&store, |r| r.entry_by_deduplication_key(&new.deduplication_key)), Some(row));
    }
    assert_eq!(read(&store, |r| r.entry(kinds)), None);
    assert_eq!(read(&store, |r| r.entry(u64::MAX)), None);
    assert_eq!(read(&store, |r| r.entry_by_id(&statement(99))), None);
    assert_eq!(read(&store, |r| r.entry_by_deduplication_key(&Sha256Digest([0; 32]))), None);
    let found = read(&store, |r| r.entries(&[5, 1, 99, 5, u64::MAX, 3]));
    assert_eq!(found.iter().map(|row| row.index).collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(read(&store, |r| r.entries(&[])), []);

    write(&store, |w| {
        w.mark_withdrawn(0, 3)?;
        w.mark_corrected(1, 3)?;
        w.mark_corrected(1, 4)?;
        w.mark_observed(2, 3)?;
        w.mark_observed(2, 5)
    });
    let rows = verify_log(&store);
    assert_eq!((rows[0].withdrawn_at_index, rows[1].corrected_at_index), (Some(3), Some(4)));
    assert_eq!((rows[2].observed_at_index, rows[3].withdrawn_at_index), (Some(5), None));
    assert_eq!(constraint(store.write(|w| w.mark_withdrawn(0, 4))), "entries.withdrawn_idx");
    assert_eq!(constraint(store.write(|w| w.mark_observed(99, 100))), "entries.observed_idx");
    // A mark comes later than what it marks.
    constraint(store.write(|w| w.mark_corrected(4, 4)));
    assert_eq!(verify_log(&store), rows);
}

fn a_tail_that_moved_stops_the_commit(database: &Database) {
    let store = database.migrated();
    append(&store, 0..5);
    let frontier = |size: u64| {
        let mut tree = Frontier::new();
        verify_log(&store)
            .iter()
            .take(usize::try_from(size).unwrap())
            .for_each(|row| tree.push(row.leaf_hash));
        tree.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let (four, five) = (frontier(4), frontier(5));
    let literal =
        |hex: &str| if database.folder.is_some() { format!("x'{hex}'") } else { format!("'\\x{hex}'") };
    // Size and tree do not fit: the row is damaged.
    database.execute("UPDATE log_state SET size = 4");
    let damaged = store.write(|w| w.append(at(1), &entry(9, b"{}")));
    assert!(matches!(&damaged, Err(StoreError::Corrupt(text)) if text.contains("frontier")), "{damaged:?}");
    // A restored backup, for example: the index is taken, so nothing is kept.
    database.execute(&format!("UPDATE log_state SET frontier = {}", literal(&four)));
    assert_eq!(constraint(store.write(|w| w.append(at(1), &entry(9, b"{}")))), "entries.idx");
    database.execute(&format!("UPDATE log_state SET size = 5, frontier = {}", literal(&five)));
    assert_eq!(append(&store, [9]), [5]);
    database.execute("DELETE FROM log_state");
    assert!(store.write(|w| w.append(at(1), &entry(10, b"{}"))).is_err());
    assert!(store.read(|r| r.log_size()).is_err());
}
