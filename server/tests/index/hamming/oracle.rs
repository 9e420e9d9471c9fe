//! The index against a linear scan: every radius, clusters, copies, crowded buckets, growth and withdrawal.

use super::common::{Oracle, Random};
use proptest::prelude::*;
use touchstone_server::matching::hamming::{HammingIndex, Limits, Options};

const ALL: Limits = Limits { hits: usize::MAX / 4, work: u64::MAX };

/// Codes of several kinds: at random, near a few centres, copies, and many that agree in one or several keys.
fn population(random: &mut Random, count: usize) -> Vec<[u8; 32]> {
    let centres: Vec<_> = (0..5).map(|_| random.code()).collect();
    let mut codes: Vec<[u8; 32]> = Vec::new();
    for number in 0..count {
        let centre = centres[random.below(5)];
        codes.push(match number % 5 {
            0 => random.code(),
            1 => {
                let flips = random.below(45);
                random.near(&centre, flips)
            }
            2 => centre,
            3 => {
                // Agrees with a centre in its first half, or the bytes of one residue class.
                let mut code = random.code();
                let class = random.below(4);
                for (place, byte) in code.iter_mut().enumerate() {
                    if place % 4 == class || (class == 0 && place < 16) {
                        *byte = centre[place];
                    }
                }
                code
            }
            _ => {
                let flips = 60 + random.below(50);
                random.near(&centre, flips)
            }
        });
    }
    codes
}

#[test]
fn every_radius_at_every_size() {
    let mut random = Random(3);
    for count in [0, 1, 2, 3, 17, 300, 5_000, 60_000] {
        let codes = population(&mut random, count);
        let mut oracle = Oracle::default();
        let entries: Vec<_> = codes.into_iter().zip(0_u32..).map(|(code, id)| (code, id / 2 * 3)).collect();
        let index = HammingIndex::default();
        index.insert_sealed(&entries);
        oracle.extend(&entries);
        let step = if count > 5_000 { 7 } else { 1 };
        for radius in (0..=41).step_by(step).chain([64, 128, 256, 300]) {
            let base = if entries.is_empty() { [0; 32] } else { entries[random.below(count)].0 };
            let flips = random.below(41);
            for query in [random.near(&base, flips), random.code()] {
                let answer = index.search(&[query], radius, &ALL);
                assert_eq!(answer.hits, oracle.search(&[query], radius), "{count} codes, radius {radius}");
                assert!(answer.complete && !answer.truncated);
            }
        }
    }
}

#[test]
fn uniform_codes_go_through_the_tables() {
    let mut random = Random(4);
    let entries: Vec<_> = (0..200_000).map(|id| (random.code(), id)).collect();
    let index = HammingIndex::default();
    index.insert_sealed(&entries);
    let mut oracle = Oracle::default();
    oracle.extend(&entries);
    for flips in 0..=40 {
        let base = entries[random.below(entries.len())].0;
        let query = random.near(&base, flips);
        for radius in [flips as u32, 31, 36, 40] {
            let answer = index.search(&[query], radius, &ALL);
            assert_eq!(answer.hits, oracle.search(&[query], radius), "radius {radius}");
            assert!(answer.work < 600_000, "as much work as a scan: {}", answer.work);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64, usize),
    Withdraw(u32),
    Seal,
    Merge,
    Purge,
    Search(u64, u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u64>(), 1..900_usize).prop_map(|(seed, count)| Step::Insert(seed, count)),
        2 => (0..3_000_u32).prop_map(Step::Withdraw),
        2 => Just(Step::Seal),
        1 => Just(Step::Merge),
        1 => Just(Step::Purge),
        5 => (any::<u64>(), 0..=40_u32).prop_map(|(seed, radius)| Step::Search(seed, radius)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_history_answers_like_a_scan(steps in prop::collection::vec(step(), 1..40)) {
        let index = HammingIndex::new(Options { max_segment: 2_000 });
        let mut oracle = Oracle::default();
        let centres: Vec<_> = (0..8).map(|seed| Random(seed).code()).collect();
        let code = |seed: u64| {
            let mut random = Random(seed);
            let (centre, flips) = (random.below(8), random.below(30));
            random.near(&centres[centre], flips)
        };
        for step in steps {
            match step {
                Step::Insert(seed, count) => {
                    let mut random = Random(seed);
                    let entry = |random: &mut Random| (code(random.next() % 4_000), random.below(3_000) as u32);
                    let entries: Vec<_> = (0..count).map(|_| entry(&mut random)).collect();
                    prop_assert_eq!(index.insert_all(&entries), oracle.extend(&entries));
                }
                Step::Withdraw(id) => prop_assert_eq!(index.withdraw(id), oracle.withdraw(id)),
                Step::Seal => { index.seal(); }
                Step::Merge => while index.merge() {},
                Step::Purge => {
                    index.purge();
                    prop_assert_eq!(index.purge(), 0);
                }
                Step::Search(seed, radius) => {
                    let variants: Vec<_> = (0..1 + seed % 8).map(|i| code(seed ^ i)).collect();
                    let answer = index.search(&variants, radius, &ALL);
                    prop_assert_eq!(answer.hits, oracle.search(&variants, radius));
                }
            }
        }
    }
}
