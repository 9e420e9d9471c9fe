//! Failures below: the client is told that the registry failed, nothing is half done, and the server goes on.

use crate::{
    actors::inspect,
    log::receipt,
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use diesel::connection::SimpleConnection;
use touchstone_schema::{
    api::{Acknowledgement, BatchResult},
    problem::ProblemCode as Code,
    statement::View,
    verdict::Conclusion,
};

on_both!(
    a_failed_registration_leaves_nothing_behind,
    a_failed_upload_leaves_nothing_behind,
    a_failed_check_is_told,
);

fn a_failed_registration_leaves_nothing_behind(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = jpeg(&picture(1), 90);
    let envelope = merchant.sign(merchant.claim(&file, View::Listing));
    let size = app.log_size();
    // The entry is appended before its content is bound, which now fails.
    app.execute("ALTER TABLE contents RENAME TO hidden");
    let answer = merchant.submit(&envelope);
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    let batch = [br#"{"statements":[{},"#, envelope.as_slice(), b"]}"].concat();
    let answer = merchant.submit(&batch);
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    let answer = app.client().get(&format!("/v1/content/{}", inspect(&file).sha256));
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    assert_eq!(app.log_size(), size);
    app.execute("ALTER TABLE hidden RENAME TO contents");
    assert_eq!(app.anonymous().content(&inspect(&file).sha256).statements, []);
    // The same envelope again: it is no duplicate, and takes the index that was not used.
    let accepted: Acknowledgement = merchant.submit(&envelope).json_with(201);
    assert_eq!((accepted.log_index, accepted.duplicate), (size, false));
    let result: BatchResult = merchant.submit(&batch).json_with(200);
    assert_eq!(result.results.len(), 2);
    merchant.uploaded(&accepted.id, &file);
    assert_eq!(platform.look(&file).verdict.conclusion, Conclusion::Original);
}

fn a_failed_upload_leaves_nothing_behind(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let (file, copy) = (jpeg(&picture(2), 90), jpeg(&picture(2), 60));
    let accepted = merchant.declare(&file, View::Packing);
    let size = app.log_size();
    app.execute("ALTER TABLE fingerprints RENAME TO hidden");
    let answer = merchant.upload(&accepted.id, &file);
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    app.execute("ALTER TABLE hidden RENAME TO fingerprints");
    assert_eq!(app.log_size(), size, "the observation is undone with what it observed");
    assert_eq!(app.anonymous().statement(&accepted.id).observed_at_index, None);
    assert_eq!(platform.look(&copy).verdict.best_match, None, "memory does not know more than the database");
    assert_eq!(merchant.uploaded(&accepted.id, &file).observed_at_index, Some(size));
    assert_eq!(platform.look(&copy).verdict.conclusion, Conclusion::Copy);
    app.execute("ALTER TABLE records RENAME TO hidden");
    let answer = merchant.delete_record(&accepted.id);
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    app.execute("ALTER TABLE hidden RENAME TO records");
    assert_eq!(app.log_size(), size + 1);
    assert_eq!(platform.look(&copy).verdict.conclusion, Conclusion::Copy, "nor less");
}

fn a_failed_check_is_told(app: &TestApp) {
    let platform = app.platform();
    // A server that just started may look for old ones only now.
    app.expect_logged("expired checks stay for now");
    app.execute("ALTER TABLE checks RENAME TO hidden");
    let answer = platform.try_check(&jpeg(&picture(3), 90), &Default::default());
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    assert_eq!(app.client().get("/readyz").status, 200);
    app.execute("ALTER TABLE hidden RENAME TO checks");
    platform.look(&jpeg(&picture(3), 90));
}

#[test]
fn a_held_lock_is_told_with_a_time_to_come_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = TestApp::start_with(engine, |config| config.data.busy_timeout_ms = 300);
        let merchant = app.merchant();
        let envelope = merchant.sign(merchant.claim(&jpeg(&picture(4), 90), View::Listing));
        let size = app.log_size();
        let refused = || {
            let answer = merchant.submit(&envelope);
            answer.refused(Code::Unavailable);
            app.expect_failure(&answer);
            assert_eq!(app.log_size(), size, "reading goes on");
        };
        match engine {
            Engine::Sqlite => {
                let mut other = app.raw_sqlite();
                other.batch_execute("BEGIN IMMEDIATE").unwrap();
                refused();
                other.batch_execute("ROLLBACK").unwrap();
            }
            Engine::Postgres => {
                let mut other = app.raw_postgres();
                other.batch_execute("BEGIN; SELECT * FROM log_state FOR UPDATE").unwrap();
                refused();
                other.batch_execute("ROLLBACK").unwrap();
            }
        }
        let accepted: Acknowledgement = merchant.submit(&envelope).json_with(201);
        assert_eq!(accepted.log_index, size);
    }
}

#[test]
fn connections_that_postgres_ends_are_replaced() {
    let app = TestApp::start(Engine::Postgres);
    let merchant = app.merchant();
    let first = merchant.declare(&jpeg(&picture(5), 90), View::Listing);
    // What is under way when its connection ends is tried again, and said. Nothing is: it is published.
    receipt(&app.client(), &first);
    app.expect_logged("the log was not published: the database is not available");
    app.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert_eq!(app.client().get("/readyz").status, 200);
    let second = merchant.declare(&jpeg(&picture(5), 90), View::Listing);
    assert_eq!(second.log_index, first.log_index + 1);
    receipt(&app.client(), &second);
}

#[test]
fn a_damaged_entry_is_an_internal_failure_and_shows_nothing() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let accepted = merchant.declare(&jpeg(&picture(6), 90), View::Listing);
    let path = format!("/v1/statements/{}", accepted.id);
    app.execute(&format!("UPDATE entries SET kind = 'image.invented' WHERE idx = {}", accepted.log_index));
    let answer = app.client().get(&path);
    answer.refused(Code::Internal);
    app.expect_failure(&answer);
    app.execute(&format!("UPDATE entries SET kind = 'image.registered' WHERE idx = {}", accepted.log_index));
    assert_eq!(app.anonymous().statement(&accepted.id).id, accepted.id);
}
