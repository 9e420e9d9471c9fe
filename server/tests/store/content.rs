//! What statements bind: contents, labels, reference records, fingerprints.

use super::*;

both_engines!(
    contents_and_labels_are_found,
    records_follow_their_rules,
    a_deleted_record_is_gone,
    fingerprints_come_in_pages,
    changes_are_numbered_in_their_order,
);

fn contents_and_labels_are_found(database: &Database) {
    let store = database.migrated();
    append(&store, 0..4);
    let (a, b) = (Sha256Digest([0xa; 32]), Sha256Digest([0xb; 32]));
    write(&store, |w| {
        w.bind_content(&a, ContentDigest::File, 3)?;
        w.bind_content(&a, ContentDigest::WithoutManifest, 1)?;
        w.bind_content(&a, ContentDigest::File, 1)?;
        w.bind_content(&a, ContentDigest::File, 1)?;
        w.bind_content(&b, ContentDigest::File, 2)?;
        w.bind_label("91110108MA01TEST0XA1B2C3D4E", "图-1", 2)?;
        w.bind_label("91110108MA01TEST0XA1B2C3D4E", "图-1", 2)?;
        w.bind_label("91110108MA01TEST0XA1B2C3D4E", "图-1", 0)?;
        w.mark_withdrawn(1, 3)
    });
    let expected = |n: u64, which, withdrawn| {
        let NewEntry { id, kind, issuer, .. } = entry(n, b"{}");
        ContentRow { index: n, which, id, kind, issuer, accepted_at: at(1_000), withdrawn }
    };
    assert_eq!(
        read(&store, |r| r.content(&a)),
        [
            expected(1, ContentDigest::WithoutManifest, true),
            expected(1, ContentDigest::File, true),
            expected(3, ContentDigest::File, false)
        ]
    );
    assert_eq!(read(&store, |r| r.content(&b)).len(), 1);
    assert_eq!(read(&store, |r| r.content(&Sha256Digest([0xc; 32]))), []);
    assert_eq!(read(&store, |r| r.label("91110108MA01TEST0XA1B2C3D4E", "图-1")), [0, 2]);
    assert_eq!(read(&store, |r| r.label("91110108MA01TEST0XA1B2C3D4E", "图-2")), [0; 0]);
    constraint(store.write(|w| w.bind_content(&a, ContentDigest::File, 99)));
    constraint(store.write(|w| w.bind_label("p", "i", 99)));

    // More statements than one answer holds.
    let c = Sha256Digest([0xd; 32]);
    append(&store, 4..1_010);
    write(&store, |w| (4..1_010).try_for_each(|n| w.bind_content(&c, ContentDigest::File, n)));
    let found = read(&store, |r| r.content(&c));
    assert_eq!((found.len(), found[0].index, found[999].index), (1_000, 4, 1_003));
    assert_eq!(verify_log(&store).len(), 1_010);
}

fn record(text: &str, observed: bool) -> NewRecord {
    NewRecord {
        digest: Sha256Digest::of(text.as_bytes()),
        bytes: text.as_bytes().to_vec(),
        observed,
        pdq: Some(Sha256Digest::of(text.as_bytes()).0),
        pdq_quality: 100,
        dhash: Some(Sha256Digest::of(b"dhash").0),
        detail: Some(text.as_bytes().to_vec()),
        file_name: Some(format!("{text}.jpg")),
    }
}

fn row(index: u64, record: &NewRecord) -> RecordRow {
    let NewRecord { digest, bytes, observed, file_name, .. } = record.clone();
    RecordRow { index, digest, bytes: Some(bytes), observed, file_name, deleted_at_index: None }
}

fn records_follow_their_rules(database: &Database) {
    let store = database.migrated();
    append(&store, 0..4);
    let (declared, second) = (record("declared", false), record("second", false));
    let observed = NewRecord { pdq: None, file_name: None, ..record("observed", true) };
    write(&store, |w| w.put_record(1, &declared));
    assert_eq!(read(&store, |r| r.record(1)), Some(row(1, &declared)));
    let found = read(&store, |r| r.fingerprints_after(None, 10));
    let FingerprintRow { index, pdq, quality, dhash } = found[0];
    assert_eq!((found.len(), index, quality), (1, 1, 100));
    assert_eq!((Some(pdq), dhash), (declared.pdq, declared.dhash));
    assert_eq!(read(&store, |r| r.detail(1)), declared.detail);
    // Declared replaces declared, observed replaces declared, declared leaves observed alone.
    write(&store, |w| w.put_record(1, &second));
    assert_eq!(read(&store, |r| r.record(1)), Some(row(1, &second)));
    assert_eq!(read(&store, |r| r.detail(1)), second.detail);
    write(&store, |w| w.put_record(1, &observed));
    assert_eq!(read(&store, |r| r.record(1)), Some(row(1, &observed)));
    assert_eq!(
        read(&store, |r| r.fingerprints_after(None, 10)),
        [],
        "an uninformative picture is not searchable"
    );
    write(&store, |w| w.put_record(1, &declared));
    assert_eq!(read(&store, |r| r.record(1)), Some(row(1, &observed)));

    write(&store, |w| w.put_record(3, &second));
    assert_eq!(read(&store, |r| r.records(&[3, 2, 1, 3])), [row(1, &observed), row(3, &second)]);
    assert_eq!(read(&store, |r| r.record(2)), None);
    constraint(store.write(|w| w.put_record(99, &declared)));
    constraint(store.write(|w| w.put_record(2, &NewRecord { pdq_quality: 101, ..declared.clone() })));
    assert_eq!(read(&store, |r| r.record(2)), None);
}

fn a_deleted_record_is_gone(database: &Database) {
    const SECRET: &str = "a record that nobody may find again";
    let store = database.migrated();
    append(&store, 0..3);
    let record = record(SECRET, true);
    write(&store, |w| w.put_record(0, &record));
    assert_eq!(write(&store, |w| w.delete_record(1, 2)), None, "there is none");
    assert_eq!(write(&store, |w| w.delete_record(0, 2)), Some(record.digest));
    let gone = RecordRow { bytes: None, file_name: None, deleted_at_index: Some(2), ..row(0, &record) };
    assert_eq!(read(&store, |r| r.record(0)), Some(gone.clone()));
    assert_eq!(read(&store, |r| r.fingerprints_after(None, 10)), []);
    assert_eq!(read(&store, |r| r.detail(0)), None);
    assert_eq!(write(&store, |w| w.delete_record(0, 2)), None, "it was deleted before");
    assert_eq!(constraint(store.write(|w| w.put_record(0, &record))), "records.deleted_idx");
    assert_eq!(read(&store, |r| r.record(0)), Some(gone));

    // In SQLite's file nothing is left of it once the write-ahead log is folded in.
    let Some(folder) = &database.folder else { return };
    drop(store);
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    let file = std::fs::read(folder.path().join("registry.db")).unwrap();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(holds(record.digest.as_bytes()), "the digest stays");
    assert!(!holds(SECRET.as_bytes()));
}

fn fingerprints_come_in_pages(database: &Database) {
    let store = database.migrated();
    append(&store, 0..25);
    write(&store, |w| (0..25).try_for_each(|n| w.put_record(n, &record(&n.to_string(), n % 2 == 0))));
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = read(&store, |r| r.fingerprints_after(after, 10));
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.index);
        seen.extend(page);
    }
    assert_eq!(seen.iter().map(|f| f.index).collect::<Vec<_>>(), (0..25).collect::<Vec<_>>());
    assert!(seen.iter().all(|f| f.pdq == Sha256Digest::of(f.index.to_string().as_bytes()).0));
}

fn changes_are_numbered_in_their_order(database: &Database) {
    let store = database.migrated();
    append(&store, 0..6);
    assert_eq!((read(&store, |r| r.last_change()), read(&store, |r| r.changes_after(0, 10))), (0, vec![]));
    let (declared, observed) = (record("declared", false), record("observed", true));
    write(&store, |w| {
        w.put_record(3, &declared)?;
        w.put_record(0, &declared)?;
        w.put_record(1, &declared)
    });
    let change = |number, index, record: Option<&NewRecord>| ChangeRow {
        number,
        index,
        bytes: record.map(|record| record.bytes.clone()),
    };
    let all = |after, limit| read(&store, |r| r.changes_after(after, limit));
    let first = [change(1, 3, Some(&declared)), change(2, 0, Some(&declared)), change(3, 1, Some(&declared))];
    assert_eq!(all(0, 10), first);
    assert_eq!((all(1, 1), all(3, 10)), (first[1..2].to_vec(), vec![]));
    // The last one is replaced, and its number is not given twice.
    write(&store, |w| w.put_record(1, &observed));
    assert_eq!(all(3, 10), [change(4, 1, Some(&observed))]);
    // What changes nothing has no number.
    write(&store, |w| w.put_record(1, &declared));
    write(&store, |w| w.mark_withdrawn(2, 5));
    assert_eq!(read(&store, |r| r.last_change()), 4);
    write(&store, |w| w.delete_record(0, 4));
    write(&store, |w| w.mark_withdrawn(3, 5));
    assert_eq!(all(4, 10), [change(5, 0, None), change(6, 3, None)]);
    let _ = store.write(|w| {
        w.put_record(5, &declared)?;
        Err::<(), _>(StoreError::Constraint { name: "undone".to_owned() })
    });
    assert_eq!(read(&store, |r| r.last_change()), 6);
}
