//! Which segments to merge, and the merge itself.

use std::sync::Arc;

use super::code::Spread;
use super::segment::Segment;
use crate::matching::withdrawn::Withdrawn;

/// Segments are merged while the next larger one is at most this many times the sum of the smaller ones, so
/// their number stays logarithmic and an entry is rebuilt a logarithmic number of times. A query costs each
/// segment's probes again, so a high ratio favours queries; it costs an entry about a dozen rebuilds in its life,
/// half a microsecond each.
const RATIO: usize = 8;

/// Chooses segments to merge: at least two, not more than `most` entries together. None: nothing is worth it.
pub(crate) fn choose(segments: &[Arc<Segment>], most: usize) -> Option<Vec<Arc<Segment>>> {
    let mut by_size: Vec<&Arc<Segment>> = segments.iter().collect();
    by_size.sort_by_key(|segment| segment.len());
    for start in 0..by_size.len() {
        let mut sum = 0;
        let run = by_size.iter().skip(start).take_while(|segment| {
            let fits = sum == 0 || segment.len() <= RATIO * sum && sum + segment.len() <= most;
            sum += segment.len();
            fits
        });
        let chosen: Vec<Arc<Segment>> = run.map(|segment| Arc::clone(segment)).collect();
        if chosen.len() > 1 {
            return Some(chosen);
        }
    }
    None
}

/// One segment of the entries of `segments` that are not withdrawn.
pub(crate) fn merge(segments: &[Arc<Segment>], withdrawn: &Withdrawn) -> Segment {
    let expected = segments.iter().map(|segment| segment.len()).sum();
    let mut sources: Vec<_> = segments.iter().map(|segment| segment.entries().peekable()).collect();
    let entries = std::iter::from_fn(|| {
        let heads = sources.iter_mut().filter_map(|source| Some((*source.peek()?, source)));
        heads.min_by_key(|(head, _)| *head).and_then(|(_, source)| source.next())
    });
    Segment::from_sorted(entries.filter(|(_, id)| !withdrawn.contains(*id)), expected)
}

/// One segment of `entries` in any order, without those withdrawn.
pub(crate) fn sort(mut entries: Vec<(Spread, u32)>, withdrawn: &Withdrawn) -> Segment {
    entries.retain(|(_, id)| !withdrawn.contains(*id));
    entries.sort_unstable();
    let expected = entries.len();
    Segment::from_sorted(entries.into_iter(), expected)
}
