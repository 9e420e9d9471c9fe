//! Two servers on one bucket: writes that come late, publication that is taken over, and a database that goes back in time.

use crate::{
    audit::audit,
    eventually,
    injected::Bucket,
    steps::{Server, Site, checkpoints},
};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use std::sync::{Arc, atomic::Ordering};
use touchstone_schema::{
    log::checkpoint::{Checkpoint, open_checkpoint},
    problem::ProblemCode,
};
use touchstone_server::log::publisher::PublishError;

fn open(site: &Site, bucket: &Arc<Bucket>) -> Server {
    site.try_open_on(bucket.clone()).unwrap()
}

fn stored(site: &Site, bucket: &Bucket) -> Checkpoint {
    open_checkpoint(&bucket.object("checkpoint").unwrap(), &site.verifier_key.parse().unwrap()).unwrap().0
}

fn whole(site: &Site, bucket: &Bucket) {
    let audited = eventually("everything acknowledged is published", || {
        let last = site.ledger.all().iter().map(|(_, entry)| entry.log_index).max().unwrap();
        let audited = audit(|path| bucket.object(path), &site.verifier_key);
        Some(audited.unwrap_or_else(|error| panic!("{error}"))).filter(|audited| audited.size() > last)
    });
    audited.holds(&site.ledger);
}

fn halts(server: &Server) -> String {
    eventually("it halts", || server.registry.log().halted().map(str::to_owned))
}

/// The log as the database has it now, to go back to.
fn remember(site: &Site) {
    PgConnection::establish(&site.url)
        .unwrap()
        .batch_execute("DROP TABLE IF EXISTS remembered; CREATE TABLE remembered AS SELECT * FROM log_state")
        .unwrap();
}

/// The database is that of a replica that had not received what came since.
fn go_back(site: &Site) {
    PgConnection::establish(&site.url)
        .unwrap()
        .batch_execute(
            "BEGIN; SET LOCAL session_replication_role = replica;
             UPDATE log_state SET size = r.size, frontier = r.frontier, last_accepted_at = r.last_accepted_at,
                 published_size = r.published_size, signed_size = r.signed_size, signed_root = r.signed_root
                 FROM remembered r;
             DELETE FROM entries WHERE idx >= (SELECT size FROM remembered);
             DELETE FROM contents WHERE idx >= (SELECT size FROM remembered);
             DELETE FROM checkpoints WHERE size > (SELECT published_size FROM remembered); COMMIT",
        )
        .unwrap();
}

#[test]
fn a_write_that_comes_late_is_undone() {
    let (site, bucket) = (Site::postgres(), Arc::new(Bucket::default()));
    let server = open(&site, &bucket);
    let first = site.register(&server);
    server.receipt(&first);
    bucket.delay();
    let second = site.register(&server);
    eventually("the write is under way", || bucket.is_delaying().then_some(()));
    let third = site.register(&server);
    server.receipt(&second);
    server.receipt(&third);
    let before = stored(&site, &bucket);
    assert!(bucket.arrive());
    assert!(stored(&site, &bucket).size < before.size);
    eventually("it is undone", || (stored(&site, &bucket) == before).then_some(()));
    whole(&site, &bucket);
    // Who finds more there than the database published was fooled by it.
    server.stop();
}

#[test]
fn who_takes_over_goes_on_from_the_bucket() {
    let (site, bucket) = (Site::postgres(), Arc::new(Bucket::default()));
    let (early, late) = (open(&site, &bucket), open(&site, &bucket));
    for n in 0..12 {
        let accepted = site.register(if n % 6 == 0 { &early } else { &late });
        late.receipt(&accepted);
    }
    late.stop();
    for _ in 0..3 {
        let accepted = site.register(&early);
        early.receipt(&accepted);
    }
    whole(&site, &bucket);
    let published: Vec<_> = checkpoints(&early).iter().map(|info| (info.size, info.root)).collect();
    assert!(site.faults.sent().iter().all(|sent| published.contains(sent)), "one tree was signed");
    early.stop();
}

#[test]
fn a_database_that_goes_back_under_its_publisher_halts_every_server() {
    let (site, bucket) = (Site::postgres(), Arc::new(Bucket::default()));
    let server = open(&site, &bucket);
    let first = site.register(&server);
    server.receipt(&first);
    remember(&site);
    for _ in 0..3 {
        let accepted = site.register(&server);
        server.receipt(&accepted);
    }
    let (before, sent) = (stored(&site, &bucket), site.faults.sent().len());
    go_back(&site);
    let reason = halts(&server);
    assert!(reason.contains("went back in time"), "{reason}");
    assert_eq!(site.submit(&server, &site.envelope()).unwrap_err().code, ProblemCode::LogHalted);
    server.stop();
    // A server that knows nothing of it is told by the database, even where the log's storage is gone.
    let other = site.try_open_on(Arc::new(Bucket::default())).map(drop).unwrap_err();
    assert!(matches!(&other, PublishError::Halt(reason) if reason.contains("went back in time")), "{other}");
    assert_eq!((stored(&site, &bucket), site.faults.sent().len()), (before, sent), "nothing was signed");
}

#[test]
fn who_takes_over_from_a_database_that_went_back_signs_nothing() {
    let (site, bucket) = (Site::postgres(), Arc::new(Bucket::default()));
    let (early, late) = (open(&site, &bucket), open(&site, &bucket));
    let first = site.register(&late);
    late.receipt(&first);
    eventually("the other one follows", || early.registry.statement_receipt(&first.id).ok());
    remember(&site);
    for _ in 0..3 {
        let accepted = site.register(&late);
        late.receipt(&accepted);
    }
    late.stop();
    let (before, sent) = (stored(&site, &bucket), site.faults.sent());
    go_back(&site);
    // If it did not follow yet, it does not know; the bucket does.
    while site.submit(&early, &site.envelope()).is_ok() && early.registry.log().halted().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let reason = halts(&early);
    assert!(reason.contains("went back") || reason.contains("older backup"), "{reason}");
    assert_eq!((stored(&site, &bucket), site.faults.sent()), (before, sent), "nothing was signed");
    early.stop();
}

#[test]
fn partial_tiles_are_removed_together_without_looking_for_them() {
    let (site, bucket) = (Site::postgres(), Arc::new(Bucket::default()));
    let server = open(&site, &bucket);
    let until = |size: u64| {
        while site.register(&server).log_index + 1 < size {}
        let last = site.register(&server);
        server.receipt(&last);
    };
    until(240);
    let partial = |name: &str| bucket.names().iter().any(|path| path.starts_with(&format!("tile/{name}.p/")));
    assert!(partial("0/000") && partial("entries/000"));
    let (listed, removals) = (bucket.listed.load(Ordering::SeqCst), bucket.removals.load(Ordering::SeqCst));
    until(262);
    eventually("they are removed", || (!partial("0/000") && !partial("entries/000")).then_some(()));
    assert!(partial("0/001") && partial("1/000"));
    assert_eq!(bucket.listed.load(Ordering::SeqCst), listed);
    assert_eq!(bucket.removals.load(Ordering::SeqCst), removals + 1);
    // What a server that died left there, the next one finds.
    server.stop();
    bucket.put("tile/0/000.p/17", vec![0; 17 * 32]);
    let server = open(&site, &bucket);
    eventually("it is removed", || (!partial("0/000")).then_some(()));
    whole(&site, &bucket);
    server.stop();
}
