//! An immutable set of codes with its tables: built once, searched without locks, dropped after a merge.
#![allow(clippy::cast_possible_truncation)] // places fit 32 bits: a segment is smaller than that

use std::{
    ops::Range,
    panic::resume_unwind,
    thread::{self, Builder, available_parallelism},
};

use super::allot::Allotment;
use super::budget::{Budget, COMPARE, NEARBY, PROBE, SCAN};
use super::code::{KEYS, Spread};
use super::matches::{Hit, Matches};
use super::table::{BLOCK, Table};
use crate::matching::withdrawn::Withdrawn;

/// Postings that are filtered before their codes are compared. The comparisons then follow each other, and the
/// processor overlaps their cache misses.
const BATCH: usize = 1_024;
/// Buckets, and codes, that are touched together before any is read, for the same reason: in a loop that does nothing
/// else, so that as many as possible are under way at once.
const AHEAD: usize = 64;
/// Codes from which tables are worth a thread.
const LARGE: usize = 1 << 16;

/// Distinct codes, sorted, with their identifiers.
#[derive(Debug)]
pub(crate) struct Segment {
    codes: Box<[Spread]>,
    /// The smallest identifier of each code.
    ids: Box<[u32]>,
    /// Further identifiers of equal codes, as (place, identifier), sorted: a million copies of one picture
    /// are one code to the tables.
    more: Box<[(u32, u32)]>,
    tables: Box<[Table]>,
}

/// Memory reused from segment to segment within a query.
#[derive(Debug)]
pub(crate) struct Scratch {
    allotment: Allotment,
    candidates: Box<[u32; BATCH]>,
    /// Matching places that have more than one identifier, with their distance.
    shared: Vec<(u32, u32)>,
}

/// One query code, and where its results go.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) code: Spread,
    pub(crate) variant: u8,
    pub(crate) radius: u32,
    pub(crate) withdrawn: &'a Withdrawn,
    pub(crate) matches: &'a mut Matches,
    pub(crate) budget: &'a mut Budget,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { allotment: Allotment::default(), candidates: Box::new([0; BATCH]), shared: Vec::new() }
    }
}

impl Query<'_> {
    /// Reports `id` at `distance`, unless withdrawn; answers whether it was.
    pub(crate) fn report(&mut self, id: u32, distance: u32) -> bool {
        let valid = !self.withdrawn.contains(id);
        if valid {
            self.matches.push(Hit { id, distance, variant: self.variant });
        }
        valid
    }
}

impl Segment {
    /// Builds a segment of `entries` sorted by code and then by identifier. Equal entries count once.
    pub(crate) fn from_sorted(entries: impl Iterator<Item = (Spread, u32)>, expected: usize) -> Self {
        let (mut codes, mut ids) = (Vec::with_capacity(expected), Vec::with_capacity(expected));
        let mut more = Vec::new();
        let mut last = None;
        for (code, id) in entries {
            match last {
                Some((last_code, last_id)) if last_code == code => {
                    if last_id != id {
                        more.push((codes.len() as u32 - 1, id));
                    }
                }
                _ => {
                    codes.push(code);
                    ids.push(id);
                }
            }
            last = Some((code, id));
        }
        Self::from_parts(codes.into(), ids.into(), more.into())
    }

    /// Builds the tables over parts that [`Segment::parts`] gave, on one thread: queries go on meanwhile.
    fn from_parts(codes: Box<[Spread]>, ids: Box<[u32]>, more: Box<[(u32, u32)]>) -> Self {
        let tables = (0..KEYS).map(|key| Table::new(key, &codes)).collect();
        Self { codes, ids, more, tables }
    }

    /// The same, a large one on all processors, as when a snapshot is loaded and nobody asks yet.
    pub(crate) fn from_parts_at_once(codes: Box<[Spread]>, ids: Box<[u32]>, more: Box<[(u32, u32)]>) -> Self {
        if codes.len() < LARGE {
            return Self::from_parts(codes, ids, more);
        }
        let workers = available_parallelism().map_or(1, usize::from);
        let share = KEYS.div_ceil(workers);
        let build = |first: usize| {
            let keys = first..(first + share).min(KEYS);
            keys.map(|key| Table::new(key, &codes)).collect::<Vec<_>>()
        };
        let tables = thread::scope(|scope| {
            let parts: Vec<_> = (0..KEYS)
                .step_by(share)
                .map(|first| (first, Builder::new().spawn_scoped(scope, move || build(first))))
                .collect();
            // Where the system refuses a thread, this one does its part.
            let built = parts.into_iter().map(|(first, part)| match part {
                Ok(part) => part.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => build(first),
            });
            built.flatten().collect()
        });
        Self { codes, ids, more, tables }
    }

    /// Distinct codes in ascending order, the smallest identifier of each, and the further ones by place.
    pub(crate) fn parts(&self) -> (&[Spread], &[u32], &[(u32, u32)]) {
        (&self.codes, &self.ids, &self.more)
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.ids.len() + self.more.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let tables: usize = self.tables.iter().map(Table::bytes).sum();
        size_of_val(&*self.codes) + size_of_val(&*self.ids) + size_of_val(&*self.more) + tables
    }

    /// The entries in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Spread, u32)> {
        let mut more = self.more.iter().peekable();
        let places = 0_u32..;
        places.zip(self.codes.iter().zip(&self.ids)).flat_map(move |(place, (code, id))| {
            let others = std::iter::from_fn(|| more.next_if(|(at, _)| *at == place).map(|(_, id)| *id));
            // Rarely more than one: no allocation is made for an empty rest.
            let others: Vec<u32> = others.collect();
            std::iter::once(*id).chain(others).map(|id| (*code, id))
        })
    }

    /// Reports every entry within the radius, as far as the budget reaches.
    pub(crate) fn search(&self, query: &mut Query<'_>, scratch: &mut Scratch) {
        let Scratch { allotment, candidates, shared } = scratch;
        match allotment.split(&self.tables, self.codes.len(), &query.code, query.radius) {
            None => self.compare_run(0..self.codes.len() as u32, SCAN, query, shared),
            Some(probes) => {
                query.budget.take(usize::try_from(probes).unwrap_or(usize::MAX), PROBE);
                for table in &self.tables {
                    for (flips, buckets) in allotment.open(table.key()) {
                        if table.key() == 0 {
                            self.compare_buckets(buckets, query, shared);
                        } else {
                            self.search_buckets(table, buckets, flips, candidates, query, shared);
                        }
                    }
                }
            }
        }
        self.report_shared(query, shared);
    }

    /// Compares the codes of the postings in `buckets` whose lower key bits differ in at most `flips`.
    fn search_buckets(
        &self,
        table: &Table,
        buckets: &[Range<u32>],
        flips: u32,
        candidates: &mut [u32; BATCH],
        query: &mut Query<'_>,
        shared: &mut Vec<(u32, u32)>,
    ) {
        let wanted = table.wanted(&query.code);
        let mut count = 0;
        for group in buckets.chunks(AHEAD) {
            let mut near = [0; AHEAD];
            for (start, bucket) in near.iter_mut().zip(group) {
                *start = bucket.start + wanted.near(bucket.len()) as u32;
            }
            std::hint::black_box(table.touch(near.get(..group.len()).unwrap_or_default()));
            for bucket in group {
                let bucket = table.postings(bucket.clone());
                let part = if flips == 0 { wanted.about(bucket) } else { bucket };
                let granted = query.budget.take(part.len(), 1);
                let (blocks, rest) = part.get(..granted).unwrap_or_default().as_chunks();
                let blocks = blocks.iter().filter(|block| wanted.any(block, flips));
                for part in blocks.map(<[u32; BLOCK]>::as_slice).chain([rest]) {
                    for posting in part {
                        if let Some(cell) = candidates.get_mut(count) {
                            *cell = wanted.place(*posting);
                        }
                        count += usize::from(wanted.flips(*posting) <= flips);
                    }
                    if count > BATCH - BLOCK {
                        self.compare(candidates.get(..count).unwrap_or_default(), query, shared);
                        count = 0;
                    }
                }
            }
        }
        self.compare(candidates.get(..count).unwrap_or_default(), query, shared);
    }

    /// Compares the codes in the buckets of key 0.
    fn compare_buckets(&self, buckets: &[Range<u32>], query: &mut Query<'_>, shared: &mut Vec<(u32, u32)>) {
        for group in buckets.chunks(AHEAD) {
            let ends = group.iter().flat_map(|bucket| [bucket.start, bucket.end.saturating_sub(1)]);
            let codes = ends.filter_map(|place| self.codes.get(place as usize));
            std::hint::black_box(codes.fold(0, |sum, code| sum ^ code.touch()));
            for bucket in group {
                self.compare_run(bucket.clone(), NEARBY, query, shared);
            }
        }
    }

    /// Compares the codes at `places`.
    fn compare(&self, places: &[u32], query: &mut Query<'_>, shared: &mut Vec<(u32, u32)>) {
        let granted = query.budget.take(places.len(), COMPARE);
        for group in places.get(..granted).unwrap_or_default().chunks(AHEAD) {
            let codes = group.iter().filter_map(|place| self.codes.get(*place as usize));
            std::hint::black_box(codes.fold(0, |sum, code| sum ^ code.touch()));
            for place in group {
                if let Some(code) = self.codes.get(*place as usize) {
                    let distance = code.distance(&query.code);
                    if distance <= query.radius {
                        self.report(*place, distance, query, shared);
                    }
                }
            }
        }
    }

    /// Compares the codes at consecutive places, at `cost` units of work each.
    fn compare_run(
        &self,
        places: Range<u32>,
        cost: u64,
        query: &mut Query<'_>,
        shared: &mut Vec<(u32, u32)>,
    ) {
        let granted = query.budget.take(places.len(), cost);
        let codes = self.codes.get(places.start as usize..places.end as usize).unwrap_or_default();
        for (place, code) in places.zip(codes).take(granted) {
            let distance = code.distance(&query.code);
            if distance <= query.radius {
                self.report(place, distance, query, shared);
            }
        }
    }

    /// Reports the code at `place`, or keeps it for later if it has several identifiers.
    #[cold]
    fn report(&self, place: u32, distance: u32, query: &mut Query<'_>, shared: &mut Vec<(u32, u32)>) {
        if self.more.binary_search_by_key(&place, |(at, _)| *at).is_ok() {
            shared.push((distance, place));
            if shared.len().is_power_of_two() {
                shared.sort_unstable();
                shared.dedup();
            }
        } else if let Some(id) = self.ids.get(place as usize) {
            query.report(*id, distance);
        }
    }

    /// Reports the places with several identifiers, each once. They are at one distance and ascend, so no more
    /// of them can be returned than the limit.
    fn report_shared(&self, query: &mut Query<'_>, shared: &mut Vec<(u32, u32)>) {
        shared.sort_unstable();
        shared.dedup();
        for (distance, place) in shared.drain(..) {
            let first = self.ids.get(place as usize).map(|id| (place, *id));
            let start = self.more.partition_point(|(at, _)| *at < place);
            let more = self.more.get(start..).unwrap_or_default();
            let mut reported = 0;
            for (_, id) in first.iter().chain(more.iter().take_while(|(at, _)| *at == place)) {
                if query.budget.take(1, SCAN) == 0 {
                    break;
                }
                if reported == query.matches.limit() {
                    query.matches.truncate();
                    break;
                }
                reported += usize::from(query.report(*id, distance));
            }
        }
    }
}
