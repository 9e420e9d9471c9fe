//! The inverted index of local features, as a check uses it: time, recall, memory, insertion.
//!
//! Owns the model of many pictures. A registered picture is a rendered one, or a part of one, turned and scaled as a
//! whole, whose descriptors are moved towards like ones of other pictures, cell by cell: so words are as unevenly
//! frequent and pictures as alike as real ones, and none is a copy. The rendered pictures themselves stand among them.

use super::{BenchError, Print, clock, figure, folder, workload::Random};
use image::RgbImage;
use rayon::prelude::*;
use std::path::Path;
use touchstone_examples::studio::{self, edits};
use touchstone_inspect::{
    features::{Extractor, Feature, QUERY_SIDE, Query, REGISTER_SIDE, Reference, Settings},
    raster::Grey,
};
use touchstone_server::matching::{PictureIndex, Registered};

/// Pictures of the studio that are rendered, and by what their sides are divided: rendering takes longest.
const SHOTS: usize = 32;
const DIVISOR: u32 = 2;
/// One in so many pictures of the studio stays unregistered: what is cut from it matches nothing.
const UNREGISTERED: usize = 4;
/// Descriptors among which a like one is looked for.
const CHOICE: usize = 12;
/// Bits that are flipped in a descriptor, at most.
const FLIPS: usize = 12;
/// Pictures inserted at a time.
const BATCH: u32 = 1_024;
/// Proposals within which the right one has to be.
const PROPOSED: usize = 64;
const PASSES: usize = 3;

/// What is looked up, and which registered picture it is from.
type Lookup = (Query, Option<u64>);

/// Measures every number of pictures.
pub(super) fn run(sizes: &[u32], print: Print<'_>) -> Result<(), BenchError> {
    if sizes.iter().all(|size| *size == 0) {
        return Ok(());
    }
    let studio = Studio::new();
    for size in sizes.iter().filter(|size| **size > 0) {
        of_size(*size, &studio, print)?;
    }
    Ok(())
}

fn of_size(size: u32, studio: &Studio, print: Print<'_>) -> Result<(), BenchError> {
    let folder = folder()?;
    let index = PictureIndex::open(Some(folder.path())).map_err(BenchError::other)?;
    let empty = index.bytes();
    let filling = fill(&index, size, studio)?;
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
        studio.lookups(size).into_iter().partition(|(_, of)| of.is_some());
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
fn fill(index: &PictureIndex, size: u32, studio: &Studio) -> Result<f64, BenchError> {
    let mut spent = 0.0;
    for first in (0..size).step_by(BATCH as usize) {
        let batch: Vec<Registered> = (first..size.min(first + BATCH))
            .map(|id| Registered {
                index: id.into(),
                pdq: None,
                dhash: None,
                features: Some(studio.picture(id, size)),
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

/// Features of rendered pictures.
struct Studio {
    /// What is registered as it is, and what is cut from it later.
    whole: Vec<(Reference, Vec<Query>)>,
    /// What others are made of.
    views: Vec<Reference>,
    /// All descriptors of the views.
    all: Vec<Feature>,
}

impl Studio {
    fn new() -> Self {
        let shots: Vec<&studio::Shot> = studio::catalogue().iter().take(SHOTS).collect();
        let described: Vec<Option<Described>> =
            shots.par_iter().enumerate().map(|(place, shot)| describe(shot, place as u64)).collect();
        let (mut whole, mut views) = (Vec::new(), Vec::new());
        for (place, described) in described.into_iter().flatten().enumerate() {
            whole.push((described.whole, described.queries));
            if !place.is_multiple_of(UNREGISTERED) {
                views.extend(described.parts);
            }
        }
        let all = views.iter().flat_map(|view| view.features.iter().copied()).collect();
        Self { whole, views, all }
    }

    /// Where the rendered pictures stand among `size`: spread evenly, none at the beginning.
    fn place(&self, shot: usize, size: u32) -> Option<u64> {
        let step = u64::from(size) / (self.whole.len() as u64 + 1);
        (!shot.is_multiple_of(UNREGISTERED) && step > 0).then(|| step * (shot as u64 + 1))
    }

    /// Picture `id` of `size`.
    fn picture(&self, id: u32, size: u32) -> Reference {
        let own = (0..self.whole.len()).find(|shot| self.place(*shot, size) == Some(id.into()));
        match own.and_then(|shot| self.whole.get(shot)) {
            Some((reference, _)) => reference.clone(),
            None => self.made(id),
        }
    }

    fn made(&self, id: u32) -> Reference {
        let mut random = Random(u64::from(id) << 20 | 7);
        let Some(mut made) = self.views.get(random.below(self.views.len())).cloned() else {
            return Reference::default();
        };
        let (turn, scale) = (random.below(256) as f32 / 256.0, random.below(49) as f32 / 24.0 - 1.0);
        for feature in &mut made.features {
            self.move_towards_another(feature, &mut random);
            let keypoint = &mut feature.keypoint;
            keypoint.angle = (keypoint.angle + turn).fract();
            keypoint.log_scale = (keypoint.log_scale + scale).max(-1.0);
        }
        made
    }

    /// Takes some of the 16 cells from the most alike of a few other descriptors, and flips some bits.
    fn move_towards_another(&self, feature: &mut Feature, random: &mut Random) {
        let distance = |other: &Feature| -> u32 {
            feature.code.iter().zip(other.code).map(|(a, b)| (a ^ b).count_ones()).sum()
        };
        let others: Vec<&Feature> =
            (0..CHOICE).filter_map(|_| self.all.get(random.below(self.all.len()))).collect();
        if let Some(other) = others.into_iter().min_by_key(|other| distance(other)).copied() {
            let cells = random.next() & random.next();
            for (word, (own, from)) in feature.code.iter_mut().zip(other.code).enumerate() {
                // Cells 0 to 7 stand in the first and third word, 8 to 15 in the second and fourth.
                let half = cells >> (8 * (word % 2));
                let mask =
                    (0..8).filter(|cell| half >> cell & 1 == 1).fold(0, |all, cell| all | 0xff << (8 * cell));
                *own = *own & !mask | from & mask;
            }
        }
        for _ in 0..random.below(FLIPS + 1) {
            let bit = random.below(256);
            if let Some(word) = feature.code.get_mut(bit / 64) {
                *word ^= 1 << (bit % 64);
            }
        }
    }

    /// What is looked up, and the registered picture that it is from.
    fn lookups(&self, size: u32) -> Vec<Lookup> {
        let shots = self.whole.iter().enumerate();
        let lookups = shots.flat_map(|(shot, (_, queries))| {
            queries.iter().map(move |query| (query.clone(), self.place(shot, size)))
        });
        lookups.collect()
    }
}

/// Features of one rendered picture, of parts of it, and of what is looked up.
struct Described {
    whole: Reference,
    parts: Vec<Reference>,
    queries: Vec<Query>,
}

/// Renders and describes; `None` if the picture is empty.
fn describe(shot: &studio::Shot, seed: u64) -> Option<Described> {
    let picture = studio::render_small(shot, DIVISOR);
    let turned = edits::rotated_90(&edits::resized(&edits::cropped(&picture, 0.8), 0.75));
    let stained = edits::screenshot(&edits::with_stain(&picture, seed));
    let cut = [edits::cropped(&picture, 0.65), edits::screenshot(&picture), turned, stained];
    let query = |view: &RgbImage| Some(Extractor::new().query(&grey(view, QUERY_SIDE)?, &Settings::QUERY));
    let register =
        |view: &RgbImage| Some(Extractor::new().reference(&grey(view, REGISTER_SIDE)?, &Settings::REGISTER));
    let parts = [0.9, 0.75, 0.6].map(|part| edits::cropped(&picture, part));
    Some(Described {
        whole: register(&picture)?,
        parts: parts.iter().filter_map(register).collect(),
        queries: cut.iter().filter_map(query).collect(),
    })
}

fn grey(view: &RgbImage, side: u32) -> Option<Grey> {
    Grey::from_rgb(view.width(), view.height(), view.as_raw(), side)
}
