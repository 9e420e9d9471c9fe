//! Rows that are written together: nobody can tell them from rows that are written one by one.

use super::*;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

both_engines!(
    written_together_is_as_written_one_by_one,
    what_is_wrong_is_named_and_keeps_nothing,
    more_rows_than_one_statement_takes,
);

/// One step of a transaction. Indexes count back from the end of the log.
#[derive(Debug, Clone)]
enum Step {
    Append,
    BindContent(u8, u64),
    BindLabel(u8, u64),
    /// A query in between sees everything before it.
    Look(u8),
    Withdraw(u64),
    Part(Vec<Step>, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        4 => Just(Step::Append),
        3 => (0..3_u8, 0..4_u64).prop_map(|(digest, back)| Step::BindContent(digest, back)),
        3 => (0..3_u8, 0..4_u64).prop_map(|(label, back)| Step::BindLabel(label, back)),
        1 => (0..3_u8).prop_map(Step::Look),
        1 => (0..4_u64).prop_map(Step::Withdraw),
    ];
    leaf.prop_recursive(2, 12, 6, |inner| {
        (prop::collection::vec(inner, 0..6), any::<bool>()).prop_map(|(steps, kept)| Step::Part(steps, kept))
    })
}

/// What the queries in between said.
type Seen = Vec<(Vec<u64>, Vec<u64>)>;

fn take(w: &mut Writer<'_>, steps: &[Step], next: &mut u64, seen: &mut Seen) -> Result<(), StoreError> {
    for step in steps {
        let end = w.lock_log()?;
        match step {
            Step::Append => {
                *next += 1;
                let appended = w.append(at(7), &entry(*next, b"{}"))?;
                assert_eq!(appended.index, end);
            }
            Step::BindContent(digest, back) if *back < end => {
                w.bind_content(&Sha256Digest([*digest; 32]), ContentDigest::File, end - 1 - back)?;
            }
            Step::BindLabel(label, back) if *back < end => {
                w.bind_label("producer", &label.to_string(), end - 1 - back)?;
            }
            Step::Withdraw(back) if *back < end => {
                let index = end - 1 - back;
                let withdrawn = w.entry(index)?.unwrap().withdrawn_at_index;
                if withdrawn.is_none() {
                    w.mark_withdrawn(index, end)?;
                }
            }
            Step::Look(number) => {
                let contents = w.content(&Sha256Digest([*number; 32]))?;
                let indexes = contents.iter().map(|row| row.index).collect();
                seen.push((indexes, w.label("producer", &number.to_string())?));
            }
            Step::Part(steps, kept) => {
                let part = w.nested(|w| {
                    take(w, steps, next, seen)?;
                    if *kept { Ok(()) } else { Err(StoreError::Busy("on purpose".to_owned())) }
                });
                assert_eq!(part.is_ok(), *kept, "{part:?}");
            }
            Step::BindContent(..) | Step::BindLabel(..) | Step::Withdraw(_) => {}
        }
    }
    Ok(())
}

fn written_together_is_as_written_one_by_one(database: &Database) {
    let transactions = prop::collection::vec(prop::collection::vec(step(), 0..12), 1..4);
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let fresh = || if database.folder.is_some() { Database::sqlite() } else { Database::postgres() };
    let outcome = runner.run(&transactions, |transactions| {
        let [together, apart] = [true, false].map(|together| {
            let database = fresh();
            let store = database.migrated();
            let (mut next, mut seen) = (0, Seen::new());
            for steps in &transactions {
                write(&store, |w| {
                    if together {
                        w.defer();
                    }
                    take(w, steps, &mut next, &mut seen)
                });
            }
            let contents = [0, 1, 2].map(|digest| read(&store, |r| r.content(&Sha256Digest([digest; 32]))));
            let labels = [0, 1, 2].map(|label| read(&store, |r| r.label("producer", &label.to_string())));
            (verify_log(&store), contents, labels, read(&store, |r| r.log_head()), seen)
        });
        prop_assert_eq!(together, apart);
        Ok(())
    });
    outcome.unwrap();
}

fn what_is_wrong_is_named_and_keeps_nothing(database: &Database) {
    let store = database.migrated();
    append(&store, 0..3);
    let twice = store.write(|w| {
        w.defer();
        w.append(at(9), &entry(5, b"{}"))?;
        w.append(at(9), &entry(1, b"{}")).map(drop)
    });
    let named = ["entries.id", "entries.deduplication_key"];
    assert!(named.contains(&constraint(twice).as_str()));
    let dangling = store.write(|w| {
        w.defer();
        w.append(at(9), &entry(5, b"{}"))?;
        w.bind_content(&Sha256Digest([1; 32]), ContentDigest::File, 99)
    });
    constraint(dangling);
    assert_eq!(verify_log(&store).len(), 3);
    // A part that fails is undone alone, and what waited before it stays.
    write(&store, |w| {
        w.defer();
        w.append(at(9), &entry(6, b"{}"))?;
        let part = w.nested(|w| w.append(at(9), &entry(1, b"{}")).map(drop));
        assert!(named.contains(&constraint(part).as_str()));
        w.append(at(9), &entry(7, b"{}")).map(drop)
    });
    assert_eq!(verify_log(&store).iter().map(|row| row.id).collect::<Vec<_>>()[3..], [6, 7].map(statement));
    // Whoever passes over a query that fails of it keeps nothing either.
    let passed_over = store.write(|w| {
        w.defer();
        let _ = w.append(at(9), &entry(1, b"{}"));
        let _ = w.label("producer", "1");
        Ok::<_, StoreError>(())
    });
    assert!(passed_over.is_err());
    assert_eq!(verify_log(&store).len(), 5);
}

fn more_rows_than_one_statement_takes(database: &Database) {
    let store = database.migrated();
    write(&store, |w| {
        w.defer();
        for n in 0..2_500 {
            let index = w.append(at(9), &entry(n, b"{}"))?.index;
            w.bind_content(&Sha256Digest(bytes32(n)), ContentDigest::File, index)?;
            w.bind_label("producer", &n.to_string(), index)?;
        }
        Ok(())
    });
    assert_eq!(verify_log(&store).len(), 2_500);
    for n in [0, 999, 1_000, 2_499] {
        assert_eq!(read(&store, |r| r.content(&Sha256Digest(bytes32(n)))).len(), 1);
        assert_eq!(read(&store, |r| r.label("producer", &n.to_string())), [n]);
    }
    // Which of these said the same before.
    let keys: Vec<_> = (2_000..4_500).map(|n| entry(n, b"{}").deduplication_key).collect();
    let mut found = read(&store, |r| r.entries_by_deduplication_keys(&keys));
    found.sort_by_key(|(_, row)| row.index);
    assert_eq!(found.len(), 500);
    assert!(
        found
            .iter()
            .zip(2_000..)
            .all(|((key, row), n)| (row.index, *key) == (n, entry(n, b"{}").deduplication_key))
    );
}
