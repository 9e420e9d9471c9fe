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
        atomic::{AtomicU64, AtomicUsize, Ordering},
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
/// Bytes after which a group ends: entries can be long, and a quarter of what may be read ahead is read at a time.
const GROUP_BYTES: u64 = 16 << 20;
/// Groups of bundles that wait; one is examined and one is read beside them, together 64 MB at most once bundles of the
/// longest kind were seen.
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
        let ahead = tiles.clone();
        scope.spawn(move || {
            let mut first = ahead.start;
            let mut longest = 1;
            while first < ahead.end {
                let last = (first + TOGETHER).min(ahead.end);
                let group = fetch(source, first..last, size, &mut longest);
                first += group.as_ref().map_or(0, |group| group.len() as u64);
                let stop = group.is_err();
                // The receiver is gone once an error ended the scan.
                if sender.send(group).is_err() || stop {
                    return;
                }
            }
        });
        let mut next = tiles.start;
        for group in receiver {
            let group = group?;
            next += group.len() as u64;
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
        // What was not read was not verified, whatever the reason.
        if next < tiles.end {
            return Err(SourceError::Interrupted(source.name()).into());
        }
        Ok(())
    })
}

/// The bytes of the hash tile, and the entries as far as they agree with it.
type Opened = Result<(Vec<u8>, Result<Entries, Finding>), AuditError>;

/// Reads tiles and bundles from the first one on, at least one of each, and all unless they are long.
fn fetch(
    source: &dyn Source,
    tiles: Range<u64>,
    size: u64,
    longest: &mut u64,
) -> Result<Vec<Pair>, SourceError> {
    let places: Vec<Tile> = tiles
        .flat_map(|index| {
            let width = size.saturating_sub(index * WIDTH).min(WIDTH);
            let width = u16::try_from(width).unwrap_or_default();
            [Level::Hashes(0), Level::Entries].map(|level| Tile { level, index, width })
        })
        .collect();
    let mut read = fetch_all(source, &places, longest)?.into_iter();
    let mut pairs = Vec::with_capacity(places.len() / 2);
    for [hashes, bundle] in places.as_chunks::<2>().0 {
        let (Some(first), Some(second)) = (read.next(), read.next()) else { break };
        pairs.push(Pair { hashes: *hashes, bundle: *bundle, read: (first, second) });
    }
    if pairs.is_empty() { Err(SourceError::Interrupted(source.name())) } else { Ok(pairs) }
}

/// Reads several tiles, as many at once as suits the source and the room, and gives them in order; fewer if they are
/// long.
fn fetch_all(source: &dyn Source, tiles: &[Tile], longest: &mut u64) -> Result<Vec<Fetched>, SourceError> {
    let room = usize::try_from(GROUP_BYTES / (*longest).max(1)).unwrap_or(usize::MAX).max(1);
    let threads = source.parallel().min(tiles.len()).min(room).max(1);
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let fetch = || {
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let full = at > 1 && bytes.load(Ordering::Relaxed) >= GROUP_BYTES;
            let Some(tile) = tiles.get(at).filter(|_| !full) else { return own };
            let fetched = source::tile(source, tile);
            if let Ok(Some(read)) = &fetched {
                bytes.fetch_add(read.len() as u64, Ordering::Relaxed);
            }
            own.push((at, fetched));
        }
    };
    let lost = || SourceError::Interrupted(source.name());
    let read: Vec<(usize, Fetched)> = if threads == 1 {
        fetch()
    } else {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(fetch)).collect();
            let read = threads.into_iter().map(|thread| thread.join().map_err(|_| lost()));
            Ok::<_, SourceError>(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })?
    };
    let mut places: Vec<Option<Fetched>> = tiles.iter().map(|_| None).collect();
    for (at, fetched) in read {
        if let Ok(Some(read)) = &fetched {
            *longest = (*longest).max(read.len() as u64);
        }
        if let Some(place) = places.get_mut(at) {
            *place = Some(fetched);
        }
    }
    // What another thread left out when it was enough must not shift what comes after it: that is read again.
    Ok(places.into_iter().map_while(|place| place).collect())
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
