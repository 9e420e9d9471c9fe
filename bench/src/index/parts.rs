//! The inverted index of local features, as a check uses it: time, recall, memory, insertion.
//!
//! The pictures are those of the [`crowd`](crate::crowd), rendered ones among them.

use super::{BenchError, Print, figure};
use crate::{
    cleanup::Folder,
    clock,
    crowd::{Crowd, Lookup},
};
use std::path::Path;
use touchstone_server::matching::{PictureIndex, Registered};

/// Pictures inserted at a time.
const BATCH: u32 = 1_024;
/// Proposals within which the right one has to be.
const PROPOSED: usize = 64;
const PASSES: usize = 3;

/// Measures every number of pictures.
pub(super) fn run(sizes: &[u32], print: Print<'_>) -> Result<(), BenchError> {
    if sizes.iter().all(|size| *size == 0) {
        return Ok(());
    }
    let crowd = Crowd::new();
    for size in sizes.iter().filter(|size| **size > 0) {
        of_size(*size, &crowd, print)?;
    }
    Ok(())
}

fn of_size(size: u32, crowd: &Crowd, print: Print<'_>) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let (index, _) = PictureIndex::open(Some(folder.path()), |_| false).map_err(BenchError::other)?;
    let empty = index.bytes();
    let filling = fill(&index, size, crowd)?;
    let bytes = (index.bytes() - empty) as f64 / f64::from(size);
    // 64 postings of 8 bytes; a directory of 4 MiB for each of at most five segments, and the newest unsorted.
    let most = 528.0 + f64::from(22 << 20) / f64::from(size);
    print(figure(
        format!("{size} pictures with 64 features each: memory"),
        &format!("<= {most:.0} B a picture"),
        format!("{bytes:.1} B; {} on disk", disk(folder.path(), size)?),
        bytes <= most,
    ));
    print(figure(
        format!("{size} pictures inserted, descriptors written, one thread"),
        ">= 1,000/s",
        format!("{:.0}/s", f64::from(size) / filling * 1e3),
        f64::from(size) / filling >= 1.0,
    ));
    let (known, unknown): (Vec<Lookup>, Vec<Lookup>) =
        crowd.lookups(size).into_iter().partition(|(_, of)| of.is_some());
    let mut found = 0;
    for (query, of) in &known {
        let proposed = index.parts(query).map_err(BenchError::other)?;
        found += usize::from(proposed.iter().take(PROPOSED).any(|it| Some(*it) == *of));
    }
    print(figure(
        format!("cut, turned, stained, photographed from a screen: among the first {PROPOSED} of {size}"),
        ">= 98 %",
        format!("{found} of {}", known.len()),
        found * 100 >= known.len() * 98,
    ));
    for (what, lookups) in [("finds its picture", &known), ("finds nothing, both faces", &unknown)] {
        let times = clock::measure(lookups.len(), PASSES, |place| {
            if let Some((query, _)) = lookups.get(place) {
                std::hint::black_box(index.parts(query).is_ok());
            }
        });
        print(figure(
            format!("look-up of up to 600 features among {size} pictures that {what}"),
            "p50 <= 12 ms",
            format!("mean {:.1}, p50 {:.1}, p95 {:.1} ms", times.mean, times.median, times.p95),
            times.median <= 12.0,
        ));
    }
    Ok(())
}

/// Inserts `size` pictures; answers the milliseconds of it that were not spent on making them.
fn fill(index: &PictureIndex, size: u32, crowd: &Crowd) -> Result<f64, BenchError> {
    let mut spent = 0.0;
    for first in (0..size).step_by(BATCH as usize) {
        let batch: Vec<Registered> = (first..size.min(first + BATCH))
            .map(|id| Registered {
                index: id.into(),
                pdq: None,
                dhash: None,
                features: Some(crowd.picture(id, size)),
            })
            .collect();
        let (inserted, milliseconds) = clock::timed(|| {
            index.insert(&batch)?;
            index.maintain();
            Ok::<(), touchstone_server::matching::IndexError>(())
        });
        inserted.map_err(BenchError::other)?;
        spent += milliseconds;
    }
    Ok(spent)
}

fn disk(folder: &Path, size: u32) -> Result<String, BenchError> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(format!("{:.0} B", bytes as f64 / f64::from(size)))
}
