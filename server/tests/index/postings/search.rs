//! What the index finds, against an exhaustive comparison.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]
#![allow(clippy::many_single_char_names)] // the geometry in the letters of its formula

use super::common::{Random, disturbed, filled, picture, vocabulary};
use touchstone_server::matching::postings::{Limits, Local, MemoryCodes, Options, PostingIndex, distance};

/// The definition of the vote: the largest number of matches that agree with one of them in rotation, scale and place,
/// every descriptor counted once on either side.
fn oracle(query: &[Local], stored: &[Local]) -> u32 {
    let mut matches = Vec::new();
    for (s, it) in stored.iter().enumerate() {
        let mut near: Vec<(u32, usize)> =
            query.iter().enumerate().map(|(q, local)| (distance(&it.code, &local.code), q)).collect();
        near.retain(|(distance, _)| *distance <= Limits::default().distance);
        near.sort_unstable();
        matches.extend(near.into_iter().take(3).map(|(_, q)| (s, q)));
    }
    let agree = |a: &(usize, usize), b: &(usize, usize)| {
        let (p, q, r, t) = (&stored[a.0], &query[a.1], &stored[b.0], &query[b.1]);
        let turned =
            i32::from(q.angle.wrapping_sub(p.angle).wrapping_sub(t.angle.wrapping_sub(r.angle)) as i8);
        let scaled = |q: &Local, p: &Local| i32::from(q.log_scale) - i32::from(p.log_scale);
        let angle = f64::from(q.angle.wrapping_sub(p.angle)) / 128.0 * std::f64::consts::PI;
        let size = (f64::from(scaled(q, p)) / 24.0).exp2();
        let (x, y) = (f64::from(r.x) - f64::from(p.x), f64::from(r.y) - f64::from(p.y));
        let (u, v) = (f64::from(t.x) - f64::from(q.x), f64::from(t.y) - f64::from(q.y));
        let (x, y) = ((x * angle.cos() - y * angle.sin()) * size, (x * angle.sin() + y * angle.cos()) * size);
        let off = (u - x).abs() + (v - y).abs();
        turned.abs() <= 16
            && (scaled(q, p) - scaled(t, r)).abs() <= 12
            && off <= (x.abs() + y.abs()) / 4.0 + 384.0
    };
    let votes = matches.iter().map(|centre| {
        let agreeing: Vec<_> = matches.iter().filter(|it| agree(centre, it)).collect();
        let mut left: Vec<usize> = agreeing.iter().map(|it| it.0).collect();
        let mut right: Vec<usize> = agreeing.iter().map(|it| it.1).collect();
        left.dedup();
        right.sort_unstable();
        right.dedup();
        left.len().min(right.len())
    });
    votes.max().unwrap_or(0) as u32
}

#[test]
fn what_is_reported_is_what_an_exhaustive_comparison_says() {
    let (index, codes) = filled(300);
    let (mut wanted, mut found) = (0, 0);
    for target in 0..60 {
        let query = disturbed(&picture(7, target), 12, 24, 100, u64::from(target));
        let answer = index.search(&query, &codes, &Limits::default()).unwrap();
        for number in 0..300 {
            let votes = oracle(&query, &picture(7, number));
            let reported = answer.candidates.iter().find(|it| it.picture == number);
            if let Some(candidate) = reported {
                assert_eq!(candidate.votes, votes, "query {target}, picture {number}");
            }
            wanted += u32::from(votes >= 4);
            found += u32::from(reported.is_some());
        }
    }
    assert!(wanted >= 60 && found * 100 >= wanted * 95, "{found} of {wanted}");
}

#[test]
fn the_arrangement_in_segments_changes_nothing() {
    let (index, codes) = filled(5_200);
    let queries: Vec<Vec<Local>> =
        (0..8).map(|n| disturbed(&picture(7, n * 640), 20, 16, 80, u64::from(n))).collect();
    let search = |index: &PostingIndex| {
        let answers = queries.iter().map(|it| index.search(it, &codes, &Limits::default()).unwrap());
        answers.map(|it| (it.candidates, it.suspects, it.cut)).collect::<Vec<_>>()
    };
    let before = (index.stats().segments, search(&index));
    while index.maintain() {}
    assert_eq!(before.0, 5);
    assert_eq!(index.stats().segments, 1);
    assert_eq!(before.1, search(&index));
    for (number, (candidates, ..)) in (0..).zip(&before.1) {
        assert_eq!(candidates.first().unwrap().picture, number * 640);
    }
}

#[test]
fn a_withdrawn_picture_is_gone_at_once_and_for_ever() {
    let (index, codes) = filled(20);
    let query = disturbed(&picture(7, 3), 30, 10, 0, 1);
    let found = |index: &PostingIndex| {
        !index.search(&query, &codes, &Limits::default()).unwrap().candidates.is_empty()
    };
    assert!(found(&index));
    assert!(index.withdraw(3));
    assert!(!index.withdraw(3));
    assert!(!found(&index));
    assert!(!index.insert(3, &picture(7, 3)));
    assert!(!found(&index));
}

#[test]
fn the_rotation_and_ratio_are_those_of_the_query() {
    let (index, codes) = filled(20);
    let mut query = picture(7, 5);
    for it in &mut query {
        it.angle = it.angle.wrapping_add(64);
        it.log_scale += 24;
        (it.x, it.y) = (30_000 - 2 * it.y, 2 * it.x);
    }
    let answer = index.search(&query, &codes, &Limits::default()).unwrap();
    let first = answer.candidates.first().unwrap();
    assert_eq!((first.picture, first.votes), (5, 64));
    assert!(first.rotation.abs_diff(64) <= 8 && first.ratio.abs_diff(24) <= 12, "{first:?}");
}

#[test]
fn copies_do_not_hide_each_other_and_work_stays_bounded() {
    let index = PostingIndex::new(vocabulary(64), Options::default());
    let codes = MemoryCodes::default();
    let flood = picture(9, 0);
    for number in 0..3_000 {
        codes.put(number, &flood);
        index.insert(number, &flood);
    }
    let limits = Limits { postings: 200_000, examined: 50, ..Limits::default() };
    let answer = index.search(&disturbed(&flood, 40, 10, 60, 2), &codes, &limits).unwrap();
    assert_eq!(answer.candidates.len(), 50);
    assert!(answer.cut && answer.postings <= limits.postings);
    // Another picture is found beside the flood.
    let other = picture(9, 1);
    codes.put(3_000, &other);
    index.insert(3_000, &other);
    let mut query = disturbed(&other, 12, 10, 0, 3);
    query.extend_from_slice(&flood);
    let answer = index.search(&query, &codes, &limits).unwrap();
    assert!(answer.candidates.iter().any(|it| it.picture == 3_000));
}

#[test]
fn hostile_queries_end() {
    let (index, codes) = filled(50);
    let limits = Limits::default();
    assert_eq!(index.search(&[], &codes, &limits).unwrap().candidates, []);
    let flat = vec![Local::default(); 5_000];
    index.insert(50, &flat);
    codes.put(50, &flat);
    let answer = index.search(&flat, &codes, &limits).unwrap();
    assert!(answer.cut);
    // One place of the query confirms one place of the picture: equal descriptors are many votes only if many differ.
    assert!(answer.candidates.iter().all(|it| it.votes <= 64));
    let none = Limits { probes: 0, postings: 0, examined: 0, candidates: 0, ..limits };
    assert_eq!(index.search(&flat, &codes, &none).unwrap().candidates, []);
    let all = Limits { probes: usize::MAX, signature: u32::MAX, suspicion: 0, ..limits };
    index.search(&flat[..3], &codes, &all).unwrap();
}

#[test]
fn pictures_are_found_as_soon_as_they_are_inserted_while_others_search() {
    let (index, codes) = filled(200);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 200..2_400 {
                let locals = picture(7, number);
                codes.put(number, &locals);
                index.insert(number, &locals);
                if number % 100 == 0 {
                    index.maintain();
                    let answer = index.search(&locals, &codes, &Limits::default()).unwrap();
                    assert_eq!(answer.candidates.first().unwrap().picture, number);
                }
            }
        });
        let mut random = Random(5);
        for _ in 0..60 {
            let target = random.below(200) as u32;
            let query = disturbed(&picture(7, target), 16, 12, 40, random.next());
            let answer = index.search(&query, &codes, &Limits::default()).unwrap();
            assert_eq!(answer.candidates.first().unwrap().picture, target);
        }
    });
}

#[test]
fn what_tells_is_read_before_what_is_everywhere() {
    let (index, codes) = (PostingIndex::new(vocabulary(64), Options::default()), MemoryCodes::default());
    // 56 patterns are in every picture, 8 are its own.
    let common = picture(11, 0);
    let with_own = |number: u32| {
        let mut locals = picture(12, number);
        locals.truncate(8);
        locals.extend_from_slice(&common[..56]);
        locals
    };
    for number in 0..2_000 {
        let locals = with_own(number);
        codes.put(number, &locals);
        index.insert(number, &locals);
    }
    let limits = Limits { postings: 4_096, ..Limits::default() };
    for target in [0, 1_000, 1_999] {
        let answer = index.search(&with_own(target), &codes, &limits).unwrap();
        assert!(answer.postings <= limits.postings && answer.shortened > 0);
        let first = answer.candidates.first().unwrap();
        assert_eq!((first.picture, first.votes), (target, 64));
    }
}

#[test]
fn no_bound_on_the_postings_is_exceeded() {
    let (index, codes) = filled(3_000);
    let query = disturbed(&picture(7, 2_900), 40, 16, 200, 4);
    for postings in [0, 1, 100, 5_000, 50_000] {
        let limits = Limits { postings, ..Limits::default() };
        let answer = index.search(&query, &codes, &limits).unwrap();
        assert!(answer.postings <= postings);
        assert!(answer.candidates.iter().all(|it| it.picture == 2_900));
    }
}
