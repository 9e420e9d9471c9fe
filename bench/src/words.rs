//! Makes the visual words from the project's own rendered pictures.
//!
//! `server/src/matching/words.voc` is its output. No photograph goes into it: it needs no licence but the project's, and
//! every measurement on photographs is on pictures that it never saw.

use super::BenchError;
use rayon::prelude::*;
use std::{fs, path::Path};
use touchstone_examples::studio::{self, edits};
use touchstone_inspect::{
    features::{Code, Extractor, Settings},
    raster::Grey,
};
use touchstone_server::matching::postings::{Vocabulary, halves};

/// Centres of each half.
const CENTRES: usize = 1_024;
/// Rounds of clustering.
const ROUNDS: usize = 12;
/// Descriptors taken from each view of a picture.
const FROM_EACH: usize = 400;
const SEED: u64 = 20_261_122;

type Half = [u64; 2];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % most.max(1) as u64) as usize
    }
}

/// Writes the file into `folder`.
pub(crate) fn make(folder: &Path) -> Result<(), BenchError> {
    let codes = codes();
    let mut random = Random(SEED);
    let upper = centres(&codes.iter().map(|code| halves(code)[0]).collect::<Vec<_>>(), &mut random);
    let lower = centres(&codes.iter().map(|code| halves(code)[1]).collect::<Vec<_>>(), &mut random);
    fs::write(folder.join("words.voc"), Vocabulary::encode(&upper, &lower).map_err(BenchError::other)?)?;
    Ok(())
}

/// Descriptors of every picture of the studio: whole, and a part of it turned and in another size.
fn codes() -> Vec<Code> {
    let describe = |shot: &studio::Shot| {
        let whole = studio::render(shot);
        let part = edits::rotated_90(&edits::resized(&edits::cropped(&whole, 0.6), 0.8));
        let mut found = Vec::new();
        for view in [&whole, &part] {
            let Some(raster) = Grey::from_rgb(view.width(), view.height(), view.as_raw(), 640) else {
                continue;
            };
            let settings = Settings { count: FROM_EACH, ..Settings::QUERY };
            let features = Extractor::new().query(&raster, &settings).features;
            found.extend(features.into_iter().map(|two| two.feature.code));
        }
        found
    };
    studio::catalogue().par_iter().flat_map_iter(describe).collect()
}

/// K-majority clustering in Hamming space.
fn centres(data: &[Half], random: &mut Random) -> Vec<Half> {
    let mut any = || data.get(random.below(data.len())).copied().unwrap_or_default();
    let mut own: Vec<Half> = (0..CENTRES).map(|_| any()).collect();
    for _ in 0..ROUNDS {
        let nearest: Vec<usize> = data.par_iter().map(|half| nearest(*half, &own)).collect();
        let mut sums = vec![[0_i32; 128]; CENTRES];
        let mut sizes = vec![0_u32; CENTRES];
        for (half, centre) in data.iter().zip(nearest) {
            sizes[centre] += 1;
            for (bit, sum) in sums[centre].iter_mut().enumerate() {
                *sum += if half[bit / 64] >> (bit % 64) & 1 == 1 { 1 } else { -1 };
            }
        }
        for (centre, (sum, size)) in own.iter_mut().zip(sums.iter().zip(sizes)) {
            *centre = [0; 2];
            for (bit, sum) in sum.iter().enumerate() {
                centre[bit / 64] |= u64::from(*sum > 0) << (bit % 64);
            }
            if size == 0 {
                *centre = any();
            }
        }
    }
    own
}

/// The nearest centre, the first of equals.
fn nearest(half: Half, centres: &[Half]) -> usize {
    let distance = |centre: &Half| (half[0] ^ centre[0]).count_ones() + (half[1] ^ centre[1]).count_ones();
    let best = centres.iter().enumerate().min_by_key(|(_, centre)| distance(centre));
    best.map_or(0, |(at, _)| at)
}
