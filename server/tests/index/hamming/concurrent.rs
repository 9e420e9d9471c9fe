//! Queries run while entries are added, withdrawn, sealed and merged: what was there before a query began is
//! found, what was withdrawn before is not.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::common::Random;
use touchstone_server::matching::hamming::{HammingIndex, Limits, Options};

const COUNT: u32 = 30_000;

#[test]
fn queries_see_everything_inserted_before_them() {
    let index = HammingIndex::new(Options { max_segment: 20_000 });
    let (inserted, withdrawn, done) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
    let code = |id: u32| Random(u64::from(id)).code();
    thread::scope(|scope| {
        scope.spawn(|| {
            for id in 0..COUNT {
                assert!(index.insert(&code(id), id));
                inserted.store(id + 1, Ordering::Release);
                if id % 500 == 0 {
                    // Gives the other threads their turn, however few the processors.
                    thread::sleep(Duration::from_millis(5));
                }
                // Every third of the older half is withdrawn.
                if id % 6 == 0 {
                    index.withdraw(id / 2);
                    withdrawn.store(id / 2 + 1, Ordering::Release);
                }
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                index.seal();
                while index.merge() {}
                index.purge();
            }
        });
        for seed in 0..2 {
            let (index, inserted, withdrawn, done) = (&index, &inserted, &withdrawn, &done);
            scope.spawn(move || {
                let mut random = Random(seed + 1_000_000);
                while !done.load(Ordering::Acquire) {
                    let (before, gone) =
                        (inserted.load(Ordering::Acquire), withdrawn.load(Ordering::Acquire));
                    if before == 0 {
                        continue;
                    }
                    let id = random.below(before as usize) as u32;
                    let flips = random.below(32);
                    let answer = index.search(&[random.near(&code(id), flips)], 31, &Limits::default());
                    let found = answer.hits.iter().any(|hit| hit.id == id);
                    let final_withdrawal = id.is_multiple_of(3) && id < COUNT / 2;
                    if id.is_multiple_of(3) && id < gone {
                        assert!(!found, "{id} had been withdrawn");
                    } else if !final_withdrawal {
                        assert!(found, "{id} had been inserted, {before} in all");
                    }
                    assert!(answer.complete);
                }
            });
        }
    });
    index.purge();
    let stats = index.stats();
    assert_eq!(stats.entries as u64, u64::from(COUNT) - stats.withdrawn);
}
