//! Reads the entries of a tree in order, each bound to the signed root before anybody looks into it.

use super::{
    finding::{AuditError, Finding, TileFault},
    source::{self, Source, SourceError},
    tree::Tree,
};
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};
use touchstone_schema::{
    leaf,
    log::{Level, Tile, decode_bundle, tile::TILE_WIDTH},
};

/// Bundles that are read and examined together.
const TOGETHER: u64 = 16;
/// Groups of bundles that are read ahead.
const AHEAD: usize = 2;
const WIDTH: u64 = TILE_WIDTH as u64;

/// The entries of one bundle, as the tree holds them.
pub(super) struct Entries {
    bytes: Vec<u8>,
    spans: Vec<Range<usize>>,
    /// Log index of the first entry of the bundle.
    base: u64,
    /// Those that were asked for.
    wanted: Range<u64>,
}

impl Entries {
    /// Log index and leaf data of each entry.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let all = (self.base..).zip(&self.spans).map(|(index, span)| (index, &self.bytes[span.clone()]));
        all.filter(|(index, _)| self.wanted.contains(index))
    }

    /// Index after the last entry that was asked for.
    pub(super) const fn end(&self) -> u64 {
        self.wanted.end
    }
}

type Fetched = Result<Option<Vec<u8>>, SourceError>;

/// One hash tile of the bottom row and its bundle, as they were read.
struct Pair {
    hashes: Tile,
    bundle: Tile,
    read: (Fetched, Fetched),
}

/// Shows the entries from `wanted.start` to `wanted.end` in order, some bundles at a time; in the place of one that is
/// damaged, what is wrong with it.
///
/// # Errors
/// The source's, the tree's and `visit`'s own.
pub(super) fn scan(
    source: &dyn Source,
    tree: &mut Tree<'_>,
    wanted: Range<u64>,
    mut visit: impl FnMut(Vec<Result<Entries, Finding>>) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    let size = tree.size();
    let tiles = wanted.start / WIDTH..wanted.end.div_ceil(WIDTH);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        scope.spawn(move || {
            let mut first = tiles.start;
            while first < tiles.end {
                let last = (first + TOGETHER).min(tiles.end);
                // The receiver is gone once an error ended the scan.
                if sender.send(fetch(source, first..last, size)).is_err() {
                    return;
                }
                first = last;
            }
        });
        for group in receiver {
            let opened: Vec<(Tile, Opened)> =
                group.into_par_iter().map(|pair| (pair.hashes, open(pair, &wanted))).collect();
            let mut group = Vec::with_capacity(opened.len());
            for (tile, opened) in opened {
                let (hashes, entries) = match opened {
                    Ok(opened) => opened,
                    Err(AuditError::Wrong(finding)) => {
                        group.push(Err(*finding));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                // What disagrees with its tile says less than a tile that disagrees with the root.
                group.push(match tree.check(&tile, &hashes) {
                    Ok(()) => entries,
                    Err(AuditError::Wrong(finding)) => Err(*finding),
                    Err(error) => return Err(error),
                });
            }
            visit(group)?;
        }
        Ok(())
    })
}

/// The bytes of the hash tile, and the entries as far as they agree with it.
type Opened = Result<(Vec<u8>, Result<Entries, Finding>), AuditError>;

fn fetch(source: &dyn Source, tiles: Range<u64>, size: u64) -> Vec<Pair> {
    let places: Vec<Tile> = tiles
        .flat_map(|index| {
            let width = size.saturating_sub(index * WIDTH).min(WIDTH);
            let width = u16::try_from(width).unwrap_or_default();
            [Level::Hashes(0), Level::Entries].map(|level| Tile { level, index, width })
        })
        .collect();
    let mut read = fetch_all(source, &places).into_iter();
    let pairs = places.as_chunks::<2>().0.iter();
    pairs
        .filter_map(|[hashes, bundle]| {
            Some(Pair { hashes: *hashes, bundle: *bundle, read: (read.next()?, read.next()?) })
        })
        .collect()
}

/// Reads several tiles, as many at once as suits the source, and gives them in order.
fn fetch_all(source: &dyn Source, tiles: &[Tile]) -> Vec<Fetched> {
    if source.parallel() < 2 {
        return tiles.iter().map(|tile| source::tile(source, tile)).collect();
    }
    let next = AtomicUsize::new(0);
    let mut read: Vec<(usize, Fetched)> = thread::scope(|scope| {
        let fetch = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(tile) = tiles.get(at) else { return own };
                own.push((at, source::tile(source, tile)));
            }
        };
        let threads: Vec<_> = (0..source.parallel().min(tiles.len())).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    read.sort_by_key(|(at, _)| *at);
    read.into_iter().map(|(_, fetched)| fetched).collect()
}

fn present(fetched: Fetched, tile: &Tile) -> Result<Vec<u8>, AuditError> {
    fetched?.ok_or_else(|| Finding::Missing { resource: tile.path() }.into())
}

/// Splits the bundle and holds each entry to its hash in the tile.
fn open(pair: Pair, wanted: &Range<u64>) -> Opened {
    let Pair { hashes: hash_tile, bundle: bundle_tile, read: (hashes, bundle) } = pair;
    let hashes = present(hashes, &hash_tile)?;
    let bytes = present(bundle, &bundle_tile)?;
    let (expected, found) = (usize::from(hash_tile.width) * 32, hashes.len());
    if found != expected {
        let fault = TileFault::Length { expected, found };
        return Err(Finding::Tile { resource: hash_tile.path(), fault }.into());
    }
    let entries = split(bytes, &bundle_tile, &hashes, wanted);
    Ok((hashes, entries))
}

fn split(bytes: Vec<u8>, tile: &Tile, hashes: &[u8], wanted: &Range<u64>) -> Result<Entries, Finding> {
    let malformed = |reason: String| Finding::Bundle { resource: tile.path(), reason };
    let base = tile.index * WIDTH;
    let mut spans = Vec::with_capacity(usize::from(tile.width));
    let mut hashes = hashes.as_chunks::<32>().0.iter();
    let mut at = 0;
    for (log_index, entry) in (base..).zip(decode_bundle(&bytes)) {
        let entry = entry.map_err(|error| malformed(error.to_string()))?;
        let hash =
            hashes.next().ok_or_else(|| malformed("it has more entries than its name says".to_owned()))?;
        if leaf::hash(entry).as_bytes() != hash {
            return Err(Finding::Entry { log_index });
        }
        spans.push(at + 2..at + 2 + entry.len());
        at += 2 + entry.len();
    }
    if hashes.next().is_some() {
        return Err(malformed("it has fewer entries than its name says".to_owned()));
    }
    let end = base + spans.len() as u64;
    let wanted = wanted.start.max(base)..wanted.end.min(end);
    Ok(Entries { bytes, spans, base, wanted })
}
