//! Kills under load: whatever was acknowledged before is there afterwards.

use crate::{program::Site, rounds};
use std::{thread, time::Duration};

/// Threads that submit.
const CLIENTS: usize = 4;

#[test]
fn what_was_acknowledged_survives_kills() {
    let site = Site::new();
    for round in 0..3 * rounds() {
        let served = site.serve(&[]);
        // At another moment each time, from the first requests on.
        let moment = Duration::from_millis(20 + round * 173 % 900);
        let before = site.ledger.len();
        site.under_load(&[&site.client(&served)], CLIENTS, || {
            thread::sleep(moment);
            served.kill();
        });
        println!("killed after {moment:?}: {} more acknowledged", site.ledger.len() - before);
    }
    assert!(site.ledger.receipts() > 0, "nothing was acknowledged with a receipt");
    let served = site.serve(&[]);
    let client = site.client(&served);
    site.settle(&client);
    let audited = site.audit_with_files(&client, &site.data);
    println!("{} entries, {} acknowledged", audited.size(), site.ledger.len());
    served.stop();
}
