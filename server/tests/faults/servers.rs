//! Several servers of one registry at once, some of which die; and a database server that dies under them.

use crate::{
    audit::{Audited, audit, of_directory},
    eventually,
    postgres::Cluster,
    program::{Client, Site},
    rounds,
};
use std::{thread, time::Duration};

const CLIENTS: usize = 2;
const LOAD: Duration = Duration::from_millis(1_500);
/// Another server takes over soon, so that the tests need not wait.
const SOON: [&str; 2] = ["--takeover-ms", "300"];

/// Both servers give the same receipt for everything.
fn agree(site: &Site, clients: [&Client; 2]) -> Audited {
    let [here, there] = clients;
    let audited = site.audit(here);
    assert!(site.audit(there).size() >= audited.size());
    for (_, acknowledgement) in site.ledger.all() {
        let [one, other] = clients.map(|client| {
            let answer = client.get(&format!("/v1/statements/{}/receipt", acknowledgement.id)).unwrap();
            (answer.status, answer.body)
        });
        assert_eq!(one, other, "both servers give the same receipt: {acknowledgement:?}");
    }
    audited
}

#[test]
fn two_servers_on_one_postgres_make_one_log() {
    let site = Site::on_postgres(Cluster::shared().database());
    let folder = tempfile::tempdir().unwrap();
    let beside = folder.path().join("beside");
    let first = site.serve(&SOON);
    let mut second = site.serve_beside(&beside, &SOON);
    for round in 0..rounds() {
        site.under_load(&[&site.client(&first), &site.client(&second)], CLIENTS, || thread::sleep(LOAD));
        agree(&site, [&site.client(&first), &site.client(&second)]);
        // The one that started last publishes. It dies under load, and the other one takes over.
        site.under_load(&[&site.client(&first), &site.client(&second)], CLIENTS, || {
            thread::sleep(Duration::from_millis(100 + round * 97 % 700));
            second.kill();
            thread::sleep(LOAD);
        });
        site.settle(&site.client(&first));
        site.audit_with_files(&site.client(&first), &site.data);
        second = site.serve_beside(&beside, &SOON);
        site.settle(&site.client(&second));
        agree(&site, [&site.client(&first), &site.client(&second)]);
    }
    // Each has the whole log in its own folder.
    site.audit_with_files(&site.client(&second), &beside);
    site.audit_with_files(&site.client(&first), &site.data);
    first.stop();
    second.stop();
}

#[test]
fn two_processes_on_one_folder_make_one_log() {
    let site = Site::new();
    for round in 0..rounds() {
        // As when a new one starts before the old one has ended.
        let (first, second) = (site.serve(&SOON), site.serve(&SOON));
        site.under_load(&[&site.client(&first), &site.client(&second)], CLIENTS, || thread::sleep(LOAD));
        agree(&site, [&site.client(&first), &site.client(&second)]);
        let (killed, survivor) = if round % 2 == 0 { (second, first) } else { (first, second) };
        site.under_load(&[&site.client(&killed), &site.client(&survivor)], CLIENTS, || {
            thread::sleep(Duration::from_millis(100 + round * 97 % 700));
            killed.kill();
            thread::sleep(LOAD);
        });
        let client = site.client(&survivor);
        site.settle(&client);
        site.audit_with_files(&client, &site.data);
        survivor.stop();
    }
}

#[test]
fn a_postgres_that_is_killed_loses_nothing() {
    let mut cluster = Cluster::start();
    let site = Site::on_postgres(cluster.database());
    let served = site.serve(&[]);
    let client = site.client(&served);
    for round in 0..2 * rounds() {
        let before = site.ledger.len();
        site.under_load(&[&client], 2 * CLIENTS, || {
            thread::sleep(Duration::from_millis(200 + round * 131 % 900));
            if round % 2 == 0 {
                cluster.kill_all();
                thread::sleep(Duration::from_millis(300));
                cluster.start_again();
            } else {
                // PostgreSQL then ends all connections and recovers by itself.
                cluster.kill_one_backend();
            }
            thread::sleep(LOAD);
        });
        println!("{} acknowledged around the kill", site.ledger.len() - before);
        // The same process goes on.
        site.settle(&client);
        site.audit_with_files(&client, &site.data);
    }
    served.kill();
    // Into the midst of recovery.
    cluster.kill_all();
    cluster.start_again();
    let served = site.serve(&[]);
    let client = site.client(&served);
    site.settle(&client);
    let whole = site.audit_with_files(&client, &site.data);
    let found =
        eventually("the files", || audit(of_directory(&site.data.join("log")), &site.verifier_key).ok());
    assert_eq!(found.size(), whole.size());
    served.stop();
}
