//! Sets of codes made to hurt: the work stays bounded, and the answer says what it lacks.

use super::common::{Oracle, Random};
use touchstone_server::matching::hamming::{HammingIndex, Limits};

#[test]
fn a_flood_of_equal_codes_costs_no_more_than_one() {
    let mut random = Random(5);
    let flooded = random.code();
    let index = HammingIndex::default();
    let entries: Vec<_> = (0..400_000).map(|id| (flooded, id)).collect();
    index.insert_sealed(&entries);
    let limits = Limits { hits: 10, work: 50_000 };
    let answer = index.search(&[random.near(&flooded, 3)], 31, &limits);
    assert!(answer.truncated && answer.complete);
    assert_eq!(answer.hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    // Withdrawn ones do not use up the limit.
    for id in 0..395 {
        index.withdraw(id);
    }
    let answer = index.search(&[flooded], 31, &limits);
    assert_eq!(answer.hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), (395..405).collect::<Vec<_>>());
    assert!(index.stats().bytes < 400_000 * 10);
}

#[test]
fn a_crowded_key_is_searched_less_and_nothing_is_lost() {
    let mut random = Random(6);
    let query = random.code();
    // All agree with the query in the same two thirds of the bytes' upper bits: several keys crowd completely.
    let crowd = |random: &mut Random| {
        let mut code = random.code();
        for (byte, queried) in code.iter_mut().zip(query).take(12) {
            *byte = queried;
        }
        code
    };
    let mut entries: Vec<_> = (0..60_000).map(|id| (crowd(&mut random), id)).collect();
    entries.extend((60_000..160_000).map(|id| (random.code(), id)));
    entries.extend((160_000..160_032).zip(0..).map(|(id, flips)| (random.near(&query, flips), id)));
    let index = HammingIndex::default();
    index.insert_sealed(&entries);
    let mut oracle = Oracle::default();
    oracle.extend(&entries);
    let answer = index.search(&[query], 31, &Limits::default());
    assert_eq!(answer.hits, oracle.search(&[query], 31));
    assert_eq!(answer.hits.len(), 32);
    assert!(answer.complete && answer.work < 500_000, "{}", answer.work);
}

#[test]
fn work_and_hits_are_bounded_and_the_answer_says_so() {
    let mut random = Random(7);
    let centre = random.code();
    let near = |random: &mut Random| {
        let flips = random.below(15);
        random.near(&centre, flips)
    };
    let entries: Vec<_> = (0..50_000).map(|id| (near(&mut random), id)).collect();
    let index = HammingIndex::default();
    index.insert_sealed(&entries);
    index.insert_all(&entries[..5_000]);
    let answer = index.search(&[centre; 8], 31, &Limits { hits: 50, work: u64::MAX });
    assert!(answer.complete && answer.truncated);
    let mut oracle = Oracle::default();
    oracle.extend(&entries);
    assert_eq!(answer.hits, oracle.search(&[centre], 31)[..50]);
    for work in [0, 1, 100, 10_000, 100_000] {
        let answer = index.search(&[centre; 8], 31, &Limits { hits: 50, work });
        assert!(!answer.complete && answer.work <= work && answer.hits.len() <= 50);
    }
    let none = index.search(&[centre], 31, &Limits { hits: 0, work: u64::MAX });
    assert!(none.hits.is_empty() && none.truncated);
    assert!(index.search(&[], 31, &Limits::default()).hits.is_empty());
}
