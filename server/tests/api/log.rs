//! The public log from outside: receipts, tiles, checkpoints, signed answers, and when it stops.

use crate::{
    actors::inspect,
    client::Client,
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use std::{collections::BTreeSet, fs, time::Duration};
use touchstone_schema::{
    Sha256Digest,
    answer::{ANSWER_TYPE, Answer, Question},
    api::{Acknowledgement, BatchItem, BatchResult, CheckpointInfo, CheckpointList},
    envelope::{self, STATEMENT_TYPE},
    leaf,
    log::{
        checkpoint::{Checkpoint, open_checkpoint},
        frontier::Frontier,
        policy::Policy,
        proof::{prove_consistency, root_at, verify_consistency},
        receipt::TlogProof,
        tile::{Level, Tile, decode_bundle, node_in_tile},
        tree::NodeId,
    },
    problem::ProblemCode as Code,
    statement::{Body, Statement, View},
};

on_both!(
    a_receipt_proves_its_statement_offline_for_ever,
    every_published_tile_leads_to_its_checkpoint,
    checkpoints_follow_each_other,
    answers_to_look_ups_can_be_replayed,
    an_auditor_learns_the_registrys_keys_from_the_log,
);

/// The policy of somebody who trusts the log's key alone.
fn policy(app: &TestApp) -> Policy {
    Policy::parse(&format!("log {}\nquorum none\n", app.info().log_verifier_key)).unwrap()
}

pub(crate) fn receipt(client: &Client, acknowledgement: &Acknowledgement) -> String {
    let answer = client.get(&format!("/v1/statements/{}/receipt", acknowledgement.id));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    answer.text().to_owned()
}

/// The checkpoint that is published now, after its signature.
fn checkpoint(app: &TestApp) -> Checkpoint {
    let answer = app.client().get("/log/checkpoint");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    open_checkpoint(&answer.body, &app.info().log_verifier_key.parse().unwrap()).unwrap().0
}

/// Waits until everything that is in the log is published.
fn settled(app: &TestApp) -> Checkpoint {
    let size = app.log_size();
    for _ in 0..400 {
        let published = checkpoint(app);
        if published.size >= size {
            return published;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{size} entries are not published");
}

fn tile(client: &Client, tile: Tile) -> Vec<u8> {
    let answer = client.get(&format!("/log/{}", tile.path()));
    assert_eq!(answer.status, 200, "{}: {}", tile.path(), answer.text());
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=604800, immutable"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    answer.body
}

fn a_receipt_proves_its_statement_offline_for_ever(app: &TestApp) {
    let merchant = app.merchant();
    let envelope = merchant.sign(merchant.claim(&jpeg(&picture(1), 90), View::Listing));
    let waited: Acknowledgement =
        merchant.client.post("/v1/statements?receipt=true", &envelope).json_with(201);
    let text = waited.receipt.clone().expect("published in time");
    let proof = TlogProof::parse(&text).unwrap();
    assert_eq!(proof.index, waited.log_index);
    let leaf = [proof.extra.as_deref().unwrap(), &envelope].concat();
    assert_eq!(leaf::decode(&leaf).unwrap(), (waited.accepted_at, envelope.as_slice()));
    proof.verify(&leaf::hash(&leaf), &policy(app)).unwrap();
    // Other bytes, another place, another log.
    assert!(proof.verify(&leaf::hash(&[&leaf[..], b" "].concat()), &policy(app)).is_err());
    let elsewhere = TlogProof { index: proof.index + 1, ..proof.clone() };
    assert!(elsewhere.verify(&leaf::hash(&leaf), &policy(app)).is_err());
    let operator =
        touchstone_schema::log::note::VerifierKey::ed25519(&app.info().origin, app.info().operator_key);
    let foreign = Policy::parse(&format!("log {}\nquorum none\n", operator.unwrap())).unwrap();
    assert!(proof.verify(&leaf::hash(&leaf), &foreign).is_err());

    assert_eq!(receipt(&app.client(), &waited), text);
    for n in 2..8 {
        merchant.declare(&jpeg(&picture(n), 90), View::Listing);
    }
    settled(app);
    assert_eq!(receipt(&app.client(), &waited), text, "the first checkpoint that covers it stays its own");
    let again: Acknowledgement =
        merchant.client.post("/v1/statements?receipt=true", &envelope).json_with(200);
    assert_eq!((again.duplicate, again.receipt.as_deref()), (true, Some(text.as_str())));
    let plain: Acknowledgement = merchant.submit(&envelope).json_with(200);
    assert_eq!(plain.receipt, None);
    let batch = [br#"{"statements":[{},"#, envelope.as_slice(), b"]}"].concat();
    let batch: BatchResult = merchant.client.post("/v1/statements?receipt=true", &batch).json_with(200);
    assert!(matches!(&batch.results[..],
        [BatchItem::Refused { .. }, BatchItem::Accepted(last)] if last.receipt.as_deref() == Some(&text)));
}

#[test]
fn a_receipt_stays_the_same_after_a_restart() {
    let mut app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let first = merchant.declare(&jpeg(&picture(1), 90), View::Listing);
    let before = receipt(&app.client(), &first);
    app.restart();
    let merchant = merchant.again(&app);
    let second = merchant.declare(&jpeg(&picture(2), 90), View::Listing);
    receipt(&app.client(), &second);
    assert_eq!(receipt(&app.client(), &first), before);
}

fn every_published_tile_leads_to_its_checkpoint(app: &TestApp) {
    let merchant = app.merchant();
    let small = settled(app);
    for round in 0..3 {
        let envelopes: Vec<Vec<u8>> = (0..100)
            .map(|n| {
                merchant.sign(
                    merchant.claim(&jpeg(&picture(1), 90), [View::Listing, View::Packing][(n + round) % 2]),
                )
            })
            .collect();
        let list =
            envelopes.iter().map(|bytes| std::str::from_utf8(bytes).unwrap()).collect::<Vec<_>>().join(",");
        let body = format!("{{\"statements\":[{list}]}}");
        let result: BatchResult =
            merchant.client.post("/v1/statements?receipt=true", body.as_bytes()).json_with(200);
        let policy = policy(app);
        for (item, envelope) in result.results.iter().zip(&envelopes) {
            let BatchItem::Accepted(accepted) = item else { panic!("{item:?}") };
            let proof = TlogProof::parse(accepted.receipt.as_deref().unwrap()).unwrap();
            proof.verify(&leaf::hash(&leaf::encode(accepted.accepted_at, envelope)), &policy).unwrap();
        }
    }
    let published = settled(app);
    assert!(published.size > 300, "more than one tile");
    let client = app.client();
    let mut tree = Frontier::new();
    let mut hashes = Vec::new();
    for bundle in Tile::between(0, published.size).filter(|tile| tile.level == Level::Entries) {
        for entry in decode_bundle(&tile(&client, bundle)) {
            hashes.push(leaf::hash(entry.unwrap()));
            tree.push(hashes[hashes.len() - 1]);
        }
    }
    assert_eq!((tree.size(), tree.root()), (published.size, published.root));
    // The hash tiles hold the same tree, and so do the partial ones of every size that was published.
    let mut node = |id: NodeId| {
        let tile_of = Tile::of_node(id, published.size).unwrap();
        node_in_tile(&tile_of, &tile(&client, tile_of), id)
    };
    assert_eq!(root_at(published.size, &mut node).unwrap(), published.root);
    assert_eq!(root_at(small.size, &mut node).unwrap(), small.root);
    let width = u16::try_from(small.size).unwrap();
    let partial = Tile { level: Level::Hashes(0), index: 0, width };
    let expected: Vec<u8> = hashes.iter().take(usize::from(width)).flat_map(|hash| hash.0).collect();
    assert_eq!(tile(&client, partial), expected);
    let cut = tile(&client, Tile { level: Level::Entries, ..partial });
    assert_eq!(decode_bundle(&cut).count(), usize::from(width));
    // What no checkpoint covers is not there.
    let beyond = published.size / 256;
    let rest = u16::try_from(published.size % 256).unwrap();
    for missing in [
        Tile { level: Level::Hashes(0), index: beyond, width: rest + 1 },
        Tile { level: Level::Entries, index: beyond, width: 256 },
        Tile { level: Level::Hashes(0), index: beyond + 1, width: 1 },
        Tile { level: Level::Hashes(7), index: 0, width: 1 },
        Tile { level: Level::Hashes(63), index: u64::MAX, width: 1 },
    ] {
        client.get(&format!("/log/{}", missing.path())).refused(Code::NotFound);
    }
}

fn checkpoints_follow_each_other(app: &TestApp) {
    let merchant = app.merchant();
    for n in 1..6 {
        receipt(&app.client(), &merchant.declare(&jpeg(&picture(n), 90), View::Packing));
    }
    let last = settled(app);
    let client = app.client();
    let list: CheckpointList = client.get("/v1/log/checkpoints").json_with(200);
    assert!(list.checkpoints.len() >= 5 && list.next.is_none(), "{list:?}");
    let key = app.info().log_verifier_key.parse().unwrap();
    let mut node = |id: NodeId| {
        let tile_of = Tile::of_node(id, last.size).unwrap();
        node_in_tile(&tile_of, &tile(&client, tile_of), id)
    };
    let mut before: Option<CheckpointInfo> = None;
    for info in &list.checkpoints {
        let (signed, _) = open_checkpoint(info.note.as_bytes(), &key).unwrap();
        assert_eq!((signed.size, signed.root), (info.size, info.root));
        if let Some(before) = &before {
            assert!(before.size < info.size && before.published_at <= info.published_at);
            let proof = prove_consistency(before.size, info.size, &mut node).unwrap();
            verify_consistency(before.size, &before.root, info.size, &info.root, &proof).unwrap();
        }
        before = Some(info.clone());
    }
    // In pages, the same.
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page: CheckpointList =
            client.get(&format!("/v1/log/checkpoints?after={after}&limit=2")).json_with(200);
        paged.extend(page.checkpoints);
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(paged, list.checkpoints);
    // A verdict names the checkpoint of its time.
    let verdict = app.platform().look(&jpeg(&picture(40), 90)).verdict;
    let (pinned, _) = open_checkpoint(verdict.checkpoint.unwrap().as_bytes(), &key).unwrap();
    assert!(last.size <= pinned.size && pinned.size <= verdict.log_size);
}

/// What an auditor finds in the published log for a question.
fn replayed(app: &TestApp, question: &Question, until: u64) -> Vec<u64> {
    let published = settled(app);
    let client = app.client();
    let mut found = BTreeSet::new();
    let mut index = 0;
    for bundle in Tile::between(0, published.size).filter(|tile| tile.level == Level::Entries) {
        for entry in decode_bundle(&tile(&client, bundle)) {
            let (_, bytes) = leaf::decode(entry.unwrap()).unwrap();
            let statement =
                Statement::parse(&envelope::open(bytes, STATEMENT_TYPE).unwrap().payload).unwrap();
            if index < until && question.is_answered_by(&statement) {
                found.insert(index);
            }
            index += 1;
        }
    }
    found.into_iter().collect()
}

fn answers_to_look_ups_can_be_replayed(app: &TestApp) {
    let (merchant, vendor) = (app.merchant(), app.vendor());
    let file = jpeg(&picture(1), 90);
    let ask = |path: &str| {
        let answer = app.client().get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert!(envelope::open(&answer.body, ANSWER_TYPE).is_ok());
        assert!(Answer::open(&answer.body, &app.info().operator_key).is_err(), "no other key signed it");
        let answer = Answer::open(&answer.body, &app.info().verdict_key).unwrap();
        // It counts every entry of the checkpoint that it shows.
        let shown = answer.checkpoint.as_ref().map(|note| note.lines().nth(1).unwrap().parse().unwrap());
        assert!(shown.is_none_or(|size: u64| size <= answer.log_size));
        answer
    };
    let digest = inspect(&file).sha256;
    let path = format!("/v1/content/{digest}/answer");
    let nothing = ask(&path);
    assert_eq!((nothing.entries.clone(), nothing.log_size), (vec![], app.log_size()));
    assert_eq!(nothing.question, Question::Content { sha256: digest });
    assert_eq!(nothing.registry, app.info().origin);
    let first = merchant.declare(&file, View::Listing).log_index;
    let second = merchant.declare(&file, View::Packing).log_index;
    let both = ask(&path);
    assert_eq!((both.entries.clone(), both.truncated), (vec![first, second], false));
    for answer in [nothing, both] {
        assert_eq!(replayed(app, &answer.question, answer.log_size), answer.entries);
    }
    let label = vendor.label("7");
    let output = vendor.register_output(&jpeg(&picture(2), 90), &label).log_index;
    let answer = ask(&format!("/v1/labels/{}/7/answer", label.producer));
    assert_eq!(answer.entries, [output]);
    assert_eq!(replayed(app, &answer.question, answer.log_size), [output]);
    assert_eq!(ask("/v1/labels/nobody/7/answer").entries, Vec::<u64>::new());
    let other = ask(&format!("/v1/content/{}/answer", Sha256Digest::of(b"other")));
    assert_eq!(other.entries, Vec::<u64>::new());
}

fn an_auditor_learns_the_registrys_keys_from_the_log(app: &TestApp) {
    settled(app);
    let bytes = tile(&app.client(), Tile { level: Level::Entries, index: 0, width: 3 });
    let stated: Vec<(String, String)> = decode_bundle(&bytes)
        .map(|entry| {
            let (_, bytes) = leaf::decode(entry.unwrap()).unwrap();
            let opened = envelope::open(bytes, STATEMENT_TYPE).unwrap();
            assert!(opened.verifies(&app.info().operator_key));
            match Statement::parse(&opened.payload).unwrap().body {
                Body::PolicyChanged(policy) => (policy.policy, policy.value),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let info = app.info();
    let expected = [
        ("origin", info.origin),
        ("operator_key", info.operator_key.to_string()),
        ("verdict_key", info.verdict_key.to_string()),
    ];
    assert_eq!(stated, expected.map(|(policy, value)| (policy.to_owned(), value)));
}

#[test]
fn a_restored_backup_is_not_continued() {
    let mut app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let (path, backup) = (app.database_path(), tempfile::tempdir().unwrap());
    let backup = backup.path().join("backup");
    app.while_stopped(|| assert!(fs::copy(&path, &backup).unwrap() > 0));
    let merchant = merchant.again(&app);
    receipt(&app.client(), &merchant.declare(&jpeg(&picture(1), 90), View::Listing));
    let reason = app.refuses_to_start_after(|_| assert!(fs::copy(&backup, &path).unwrap() > 0));
    assert!(reason.contains("older backup") && reason.contains("Restore a newer one"), "{reason}");
}

#[test]
fn a_database_that_rewrote_history_is_not_continued() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    receipt(&app.client(), &merchant.declare(&jpeg(&picture(1), 90), View::Listing));
    let reason = app.refuses_to_start_after(|app| {
        // The last leaf is another one now, and the tree is that of the new leaves.
        let mut tree = Frontier::new();
        let store = app.store();
        let mut leaves = store.read(|r| r.leaves(0, 1_000)).unwrap();
        *leaves.last_mut().unwrap() = leaf::encode(app.now(), b"{}");
        leaves.iter().for_each(|leaf| tree.push(leaf::hash(leaf)));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let last = leaves.last().unwrap();
        app.execute(&format!(
            "UPDATE entries SET leaf = x'{}', leaf_hash = x'{}' WHERE idx = {}; UPDATE log_state SET frontier = x'{}'",
            hex(last),
            hex(&leaf::hash(last).0),
            leaves.len() - 1,
            hex(&tree.to_bytes())
        ));
    });
    assert!(reason.contains("cannot be continued"), "{reason}");
}

#[test]
fn another_registrys_log_folder_is_not_continued() {
    let (app, other) = (TestApp::start(Engine::Sqlite), TestApp::start(Engine::Sqlite));
    settled(&app);
    settled(&other);
    let foreign = fs::read(other.log_folder().join("checkpoint")).unwrap();
    let reason =
        app.refuses_to_start_after(|app| fs::write(app.log_folder().join("checkpoint"), foreign).unwrap());
    assert!(reason.contains("not this registry's"), "{reason}");
}

#[test]
fn lost_tiles_are_derived_again() {
    let mut app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let first = merchant.declare(&jpeg(&picture(1), 90), View::Listing);
    let before = receipt(&app.client(), &first);
    let folder = app.log_folder();
    app.expect_logged("derived from the database again");
    // The checkpoint stays, some tiles are gone; then everything is.
    app.while_stopped(|| fs::remove_dir_all(folder.join("tile")).unwrap());
    assert_eq!(receipt(&app.client(), &first), before);
    app.while_stopped(|| fs::remove_dir_all(&folder).unwrap());
    assert_eq!(receipt(&app.client(), &first), before);
}

#[test]
fn a_damaged_tile_stops_the_log_and_look_ups_go_on() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let first = merchant.declare(&jpeg(&picture(1), 90), View::Listing);
    receipt(&app.client(), &first);
    let size = settled(&app).size;
    // The next entry's bundle exists already, with other bytes: it cannot be ours.
    let next = Tile { level: Level::Entries, index: 0, width: u16::try_from(size + 1).unwrap() };
    fs::write(app.log_folder().join(next.path()), b"something else").unwrap();
    app.expect_logged("exists in the log's storage with other bytes");
    let second = merchant.declare(&jpeg(&picture(2), 90), View::Listing);
    for _ in 0..400 {
        if app.client().get("/readyz").status == 503 {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let unready = app.client().get("/readyz");
    unready.refused(Code::LogHalted);
    app.expect_failure(&unready);
    let refused = merchant.submit(&merchant.sign(merchant.claim(&jpeg(&picture(3), 90), View::Listing)));
    refused.refused(Code::LogHalted);
    app.expect_failure(&refused);
    let pending = app.client().get(&format!("/v1/statements/{}/receipt", second.id));
    pending.refused(Code::ReceiptPending);
    assert!(pending.header("retry-after").is_some());
    assert_eq!(app.anonymous().statement(&second.id).id, second.id);
    assert_eq!(settled_size(&app), size, "nothing more is published");
    let metrics = app.client().get("/metrics");
    assert!(metrics.text().contains("touchstone_log_halted 1"), "{}", metrics.text());
    let reason = app.refuses_to_start_after(|_| {});
    assert!(reason.contains("other bytes"), "{reason}");
}

fn settled_size(app: &TestApp) -> u64 {
    checkpoint(app).size
}

#[test]
fn a_full_disk_is_told_and_reading_goes_on() {
    let mut app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    app.change_config(|config| config.log.min_free_disk = u64::MAX);
    let merchant = merchant.again(&app);
    let size = app.log_size();
    let refused = merchant.submit(&merchant.sign(merchant.claim(&jpeg(&picture(1), 90), View::Listing)));
    refused.refused(Code::Unavailable);
    assert_eq!(refused.header("retry-after"), Some("60"));
    app.expect_failure(&refused);
    assert_eq!(app.log_size(), size);
    assert_eq!(app.client().get("/readyz").status, 200);
}

#[test]
fn two_servers_publish_one_log() {
    let app = TestApp::start_with(Engine::Postgres, |config| config.log.takeover_ms = 200);
    let beside = app.beside();
    let merchant = app.merchant();
    let there = merchant.client.at(beside.address);
    let mut receipts = Vec::new();
    for n in 0..6 {
        let envelope = merchant.sign(merchant.claim(&jpeg(&picture(n + 1), 90), View::Listing));
        let client = if n % 2 == 0 { &there } else { &merchant.client };
        let accepted: Acknowledgement = client.post("/v1/statements?receipt=true", &envelope).json_with(201);
        receipts.push((accepted, envelope));
    }
    for (accepted, envelope) in &receipts {
        let text = receipt(&app.client(), accepted);
        assert_eq!(receipt(&there, accepted), text, "both servers give the same");
        assert_eq!(accepted.receipt.as_ref(), Some(&text));
        let leaf = leaf::encode(accepted.accepted_at, envelope);
        TlogProof::parse(&text).unwrap().verify(&leaf::hash(&leaf), &policy(&app)).unwrap();
    }
    // The one that started last publishes; when it is gone, the other one takes over.
    beside.stop();
    receipt(&app.client(), &merchant.declare(&jpeg(&picture(9), 90), View::Listing));
}
