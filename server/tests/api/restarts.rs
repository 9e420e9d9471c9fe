//! What stays searchable over a restart, on a second server, and after a backup was restored.

use crate::{
    actors::{Merchant, Platform},
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use image::imageops;
use touchstone_schema::{
    StatementId,
    api::CheckResult,
    statement::View,
    verdict::{Conclusion, Verdict},
};

on_both!(the_kept_index_catches_up, a_second_server_follows);

/// A part of a picture: only local features find it.
fn part(seed: u64) -> Vec<u8> {
    jpeg(&imageops::crop_imm(&picture(seed), 90, 60, 450, 330).to_image(), 85)
}

fn register(merchant: &Merchant, seed: u64) -> StatementId {
    merchant.register(&jpeg(&picture(seed), 92), View::Listing).id
}

fn found(app: &TestApp, platform: &Platform, photo: &[u8]) -> Option<StatementId> {
    let client = app.again(&platform.client);
    let result: CheckResult = client.post_form("/v1/checks", &[("photo", photo)]).json_with(201);
    let Verdict { conclusion, best_match, .. } = result.verdict;
    let found = best_match.map(|found| found.statement);
    assert_eq!(conclusion == Conclusion::Copy, found.is_some(), "{conclusion:?}");
    found
}

fn the_kept_index_catches_up(app: &TestApp) {
    let mut app = TestApp::start(app.engine);
    let (merchant, platform) = (app.merchant(), app.platform());
    let (first, second) = (register(&merchant, 60), register(&merchant, 61));
    app.restart();
    let folder = app.index_folder();
    let names = ["descriptors", "dhash", "directory", "pdq", "postings", "source"];
    assert!(names.iter().all(|name| folder.join(name).exists()), "the index was kept");
    assert_eq!(found(&app, &platform, &part(60)), Some(first));
    // What is kept now knows of neither; the database does.
    let old = tempfile::tempdir().unwrap();
    app.while_stopped(|| {
        for name in names {
            std::fs::copy(folder.join(name), old.path().join(name)).unwrap();
        }
    });
    let merchant = merchant.again(&app);
    let third = register(&merchant, 62);
    assert_eq!(merchant.delete_record(&second).status, 200);
    app.while_stopped(|| {
        for name in names {
            std::fs::copy(old.path().join(name), folder.join(name)).unwrap();
        }
    });
    assert_eq!(found(&app, &platform, &part(60)), Some(first));
    assert_eq!(found(&app, &platform, &part(62)), Some(third));
    assert_eq!(found(&app, &platform, &part(61)), None);
    assert_eq!(found(&app, &platform, &jpeg(&picture(61), 80)), None);
}

fn a_second_server_follows(app: &TestApp) {
    let beside = app.beside();
    let (merchant, platform) = (app.merchant(), app.platform());
    let there = platform.client.at(beside.address);
    let ask = |photo: &[u8]| {
        let result: CheckResult = there.post_form("/v1/checks", &[("photo", photo)]).json_with(201);
        result.verdict.best_match.map(|found| found.statement)
    };
    let id = register(&merchant, 63);
    assert_eq!((ask(&jpeg(&picture(63), 70)), ask(&part(63))), (Some(id), Some(id)));
    assert_eq!(merchant.delete_record(&id).status, 200);
    assert_eq!((ask(&jpeg(&picture(63), 70)), ask(&part(63))), (None, None));
}

/// A backup of the database forgets what came later; the index must not remember it.
#[test]
fn what_was_kept_is_held_to_the_database() {
    let mut app = TestApp::start(Engine::Sqlite);
    let (merchant, platform) = (app.merchant(), app.platform());
    let first = register(&merchant, 64);
    let (path, backup) = (app.database_path(), tempfile::tempdir().unwrap());
    let backup = backup.path().join("backup");
    let log = app.log_folder();
    app.while_stopped(|| assert!(std::fs::copy(&path, &backup).unwrap() > 0));
    let merchant = merchant.again(&app);
    register(&merchant, 65);
    app.while_stopped(|| {
        assert!(std::fs::copy(&backup, &path).unwrap() > 0);
        // With its log's files the registry would know that something is missing, and refuse to go on.
        std::fs::remove_dir_all(&log).unwrap();
    });
    // The same place in the log goes to another picture.
    let merchant = merchant.again(&app);
    let third = register(&merchant, 66);
    app.restart();
    assert_eq!(found(&app, &platform, &part(64)), Some(first));
    assert_eq!(found(&app, &platform, &part(65)), None);
    assert_eq!(found(&app, &platform, &part(66)), Some(third));
}
