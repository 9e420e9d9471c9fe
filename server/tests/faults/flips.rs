//! Bytes that change by themselves: each is found, by the server when it starts or by whoever audits the log.

use crate::{
    audit::{audit, of_directory},
    eventually,
    program::Site,
};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use std::{fs, path::Path};
use touchstone_schema::api::StatementView;
use touchstone_server::store::{Store, StoreConfig};

/// Entries: one full tile and a part of the next one.
const ENTRIES: usize = 300;

/// A stopped registry whose log is published as a whole, and the size of its log.
fn stopped() -> (Site, u64) {
    let site = Site::new();
    let served = site.serve(&[]);
    let client = site.client(&served);
    assert!(site.batch(&client, ENTRIES));
    let size = site.audit_with_files(&client, &site.data).size();
    served.stop();
    (site, size)
}

/// Changes one byte of a file, and gives what stood there before.
fn flip(path: &Path, at: usize) -> Vec<u8> {
    let before = fs::read(path).unwrap();
    let mut bytes = before.clone();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    before
}

fn sql(site: &Site, statement: &str) {
    let path = site.data.join("registry.db");
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(statement).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn flipped_bytes_of_published_files_are_found() {
    let (site, size) = stopped();
    let log = site.data.join("log");
    let rest = size - 256;
    let edge =
        [format!("tile/0/001.p/{rest}"), "tile/1/000.p/1".to_owned(), format!("tile/entries/001.p/{rest}")];
    let full = ["tile/0/000".to_owned(), "tile/entries/000".to_owned()];
    for path in edge.iter().chain(&full) {
        for at in [0, 777, usize::MAX] {
            let before = flip(&log.join(path), at);
            let found = audit(of_directory(&log), &site.verifier_key).map(drop);
            assert!(found.is_err(), "{path}: a flipped byte passes the audit");
            if edge.contains(path) {
                // What the next tiles grow from is read at the start.
                let reason = site.refuses_to_start();
                assert!(reason.contains("cannot be continued") && reason.contains("other bytes"), "{reason}");
            }
            fs::write(log.join(path), before).unwrap();
        }
    }
    let note = fs::read(log.join("checkpoint")).unwrap();
    for at in 0..note.len() {
        flip(&log.join("checkpoint"), at);
        let found = audit(of_directory(&log), &site.verifier_key).map(drop);
        assert!(found.is_err(), "byte {at} of the checkpoint");
        if at % 40 == 0 {
            let reason = site.refuses_to_start();
            assert!(reason.contains("not this registry's"), "{reason}");
        }
        fs::write(log.join("checkpoint"), &note).unwrap();
    }
    let served = site.serve(&[]);
    site.audit_with_files(&site.client(&served), &site.data);
    served.stop();
}

/// What is lost is derived from the database again, without a restart and without anybody's doing.
#[test]
fn files_that_are_lost_come_back() {
    let (site, size) = stopped();
    let log = site.data.join("log");
    let rest = size - 256;
    let files = ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"].map(str::to_owned);
    let edge = [format!("tile/0/001.p/{rest}"), format!("tile/entries/001.p/{rest}")];
    let served = site.serve(&[]);
    let client = site.client(&served);
    for path in files.iter().chain(&edge) {
        let before = fs::read(log.join(path)).unwrap();
        fs::remove_file(log.join(path)).unwrap();
        // Nothing of it may be in memory.
        let served = site.serve_beside(&site.data, &[]);
        let client = site.client(&served);
        eventually(path, || {
            let answer = client.get(&format!("/log/{path}"))?;
            if answer.status == 200 {
                return Some(());
            }
            answer.is_a_refusal_for_now();
            None
        });
        assert_eq!(fs::read(log.join(path)).unwrap(), before, "{path}");
        served.stop();
    }
    site.audit_with_files(&client, &site.data);
    served.stop();
}

/// No receipt is given that proves nothing. Moved away, the damaged file is derived again.
#[test]
fn a_damaged_tile_gives_no_receipts() {
    let (site, size) = stopped();
    let tile = site.data.join("log/tile/0/000");
    let before = flip(&tile, 150 * 32);
    let served = site.serve(&[]);
    let client = site.client(&served);
    let receipt = |index: u64| {
        let entries = site.ledger.all();
        let (_, accepted) = entries.iter().find(|(_, accepted)| accepted.log_index == index).unwrap();
        client.get(&format!("/v1/statements/{}/receipt", accepted.id)).unwrap()
    };
    for index in [120, 149, 150, 200] {
        let refused = receipt(index);
        refused.is_a_refusal_for_now();
        assert_eq!(refused.status, 503, "{}", refused.text());
    }
    assert_eq!(receipt(size - 1).status, 200, "elsewhere nothing is wrong");
    // The log goes on meanwhile.
    assert!(site.batch(&client, 3));
    fs::remove_file(&tile).unwrap();
    eventually("the tile comes back", || (receipt(150).status == 200).then_some(()));
    assert_eq!(fs::read(&tile).unwrap(), before);
    site.settle(&client);
    site.audit_with_files(&client, &site.data);
    served.stop();
}

#[test]
fn flipped_bytes_of_the_database_are_found() {
    let (site, size) = stopped();
    let url = format!("sqlite://{}", site.data.join("registry.db").display());
    let store = Store::open(&StoreConfig { url, readers: 1, busy_timeout_ms: 5_000 }).unwrap();
    let leaves = store.read(|reader| reader.leaves(0, u32::MAX)).unwrap();
    let head = store.read(|reader| reader.log_head()).unwrap();
    let last = store.read(|reader| reader.last_checkpoint()).unwrap().unwrap();
    drop(store);

    // The tree.
    let tree = head.frontier.to_bytes();
    for at in [0, tree.len() / 2, tree.len() - 1] {
        let mut flipped = tree.clone();
        flipped[at] ^= 1;
        sql(&site, &format!("UPDATE log_state SET frontier = x'{}'", hex(&flipped)));
        let reason = site.refuses_to_start();
        assert!(reason.contains("cannot be continued"), "{reason}");
    }
    sql(&site, &format!("UPDATE log_state SET frontier = x'{}'", hex(&tree)));

    // The last checkpoint.
    let note = last.note.replace(&format!("\n{size}\n"), &format!("\n{}\n", size ^ 1));
    assert_ne!(note, last.note);
    sql(&site, &format!("UPDATE checkpoints SET note = '{note}' WHERE size = {size}"));
    let reason = site.refuses_to_start();
    assert!(reason.contains("a checkpoint in the database"), "{reason}");
    sql(&site, &format!("UPDATE checkpoints SET note = '{}' WHERE size = {size}", last.note));

    // A leaf: it no longer fits its receipt, and tiles cannot be derived from it.
    let entries = site.ledger.all();
    for number in [3, entries.len() - 1] {
        let (_, acknowledgement) = &entries[number];
        let original = &leaves[usize::try_from(acknowledgement.log_index).unwrap()];
        let mut flipped = original.clone();
        let signature = flipped.len() - 20;
        flipped[signature] = if flipped[signature] == b'A' { b'B' } else { b'A' };
        let put = |leaf: &[u8]| {
            let index = acknowledgement.log_index;
            sql(&site, &format!("UPDATE entries SET leaf = x'{}' WHERE idx = {index}", hex(leaf)));
        };
        put(&flipped);
        let served = site.serve(&[]);
        let client = site.client(&served);
        let audited =
            audit(|path| Some(client.get(&format!("/log/{path}"))?.body), &site.verifier_key).unwrap();
        audited.holds(&site.ledger);
        let path = format!("/v1/statements/{}", acknowledgement.id);
        let shown: StatementView = client.get(&path).unwrap().json(200);
        let receipt = client.get(&format!("{path}/receipt")).unwrap();
        let verified = audited.verify(receipt.text(), shown.envelope.as_bytes(), acknowledgement);
        assert!(verified.is_err(), "a damaged statement fits its receipt");
        served.stop();
        fs::rename(site.data.join("log"), site.data.join("aside")).unwrap();
        let reason = site.refuses_to_start();
        assert!(reason.contains("cannot be continued"), "{reason}");
        fs::remove_dir_all(site.data.join("log")).unwrap();
        fs::rename(site.data.join("aside"), site.data.join("log")).unwrap();
        put(original);
    }
    let served = site.serve(&[]);
    let client = site.client(&served);
    site.settle(&client);
    site.audit_with_files(&client, &site.data);
    served.stop();
}
