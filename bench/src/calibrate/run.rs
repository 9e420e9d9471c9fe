//! The measuring itself: registers, attacks, asks, and collects a row for each answer.

use super::{
    Options,
    orb::{LEAST_INLIERS, Orb},
    peers::Codes,
    photos::{Photo, Selection, picture},
    registry::{Answer, Registry},
    rows::{Engine, Row, Subject},
};
use crate::{
    BenchError,
    attacks::{self, Class},
};
use image::{GrayImage, RgbImage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use std::path::Path;
use touchstone_schema::record::Tier;
use touchstone_sdk::entropy::Stopwatch;

/// Quality at which an attacked picture is sent.
const SENT_QUALITY: u8 = 88;
/// Share of the painted area that must be marked.
const HIT: f64 = 0.1;

/// What a run gave.
pub(crate) struct Measured {
    pub(crate) classes: Vec<Class>,
    pub(crate) rows: Vec<Row>,
    /// Version of OpenCV, or why ORB did not run.
    pub(crate) orb: Result<String, String>,
    pub(crate) seconds: f64,
}

/// Everything that answers.
struct Engines {
    registries: [(Engine, Registry); 2],
    orb: Result<Orb, String>,
    registered: Vec<Codes>,
    names: Vec<String>,
}

/// A photo and what is known about it.
struct Asked<'a> {
    photo: &'a Photo,
    subject: Subject,
    /// The registered picture that it derives from.
    original: Option<usize>,
    bytes: &'a [u8],
    mask: Option<&'a GrayImage>,
}

/// Runs everything, on as many threads as the pool has.
pub(crate) fn measure(
    options: &Options,
    folder: &Path,
    selection: &Selection,
) -> Result<Measured, BenchError> {
    let watch = Stopwatch::start();
    let classes = attacks::classes();
    let attacked = selection.originals.len() * classes.len();
    let bar = bar(2 * selection.registered.len() + attacked + selection.negatives.len());
    let engines = engines(options, folder, selection, &bar)?;
    let mut rows = Vec::new();
    for (number, &original) in selection.originals.iter().enumerate() {
        let photo = &selection.registered[original];
        let pixels = picture(photo)?;
        let seed = options.seed.wrapping_mul(1_000).wrapping_add(number as u64);
        let answers: Vec<Vec<Row>> = (0..classes.len())
            .into_par_iter()
            .map(|at| {
                let attacked = attacks::apply(&classes[at], &pixels, &selection.others, seed);
                let bytes = attacks::jpeg_bytes(&attacked.picture, SENT_QUALITY);
                let bytes = bytes.ok_or_else(|| BenchError::Other("a picture of no size".to_owned()))?;
                let (subject, mask) = (Subject::Attack(at), attacked.mask.as_ref());
                let asked = Asked { photo, subject, original: Some(original), bytes: &bytes, mask };
                let rows = engines.ask(&asked)?;
                bar.inc(1);
                Ok(rows)
            })
            .collect::<Result<_, BenchError>>()?;
        rows.extend(answers.into_iter().flatten());
    }
    let answers: Vec<Vec<Row>> = selection
        .negatives
        .par_iter()
        .map(|(negative, photo)| {
            let bytes = std::fs::read(&photo.path)?;
            let subject = Subject::Negative(*negative);
            let rows = engines.ask(&Asked { photo, subject, original: None, bytes: &bytes, mask: None })?;
            bar.inc(1);
            Ok(rows)
        })
        .collect::<Result<_, BenchError>>()?;
    rows.extend(answers.into_iter().flatten());
    bar.finish_and_clear();
    let orb = engines.orb.as_ref().map(|orb| orb.version().to_owned()).map_err(Clone::clone);
    Ok(Measured { classes, rows, orb, seconds: watch.elapsed().as_secs_f64() })
}

/// A bar on standard error; nothing where nobody watches.
fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{msg:12} {bar:32} {pos}/{len} {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn engines(
    options: &Options,
    folder: &Path,
    selection: &Selection,
    bar: &ProgressBar,
) -> Result<Engines, BenchError> {
    bar.set_message("registering");
    let files: Vec<&Path> = selection.registered.iter().map(|photo| photo.path.as_path()).collect();
    let start = |engine: Engine, tier: Tier| {
        let data = folder.join(engine.name());
        let registry = Registry::start(options.bin.as_deref(), &data, tier, &files, || bar.inc(1))?;
        Ok::<_, BenchError>((engine, registry))
    };
    let registries = [start(Engine::Detail, Tier::Detail)?, start(Engine::Sketch, Tier::Sketch)?];
    let codes = |photo: &Photo| {
        let pixels = image::open(&photo.path)?.into_rgb8();
        Codes::of(&pixels).ok_or_else(|| BenchError::Other("a picture of no size".to_owned()))
    };
    let registered = selection.registered.par_iter().map(codes).collect::<Result<_, _>>()?;
    let names = selection.registered.iter().map(|photo| photo.name.clone()).collect();
    bar.set_message("checking");
    Ok(Engines { registries, orb: Orb::start(&options.python, folder, &files), registered, names })
}

impl Engines {
    /// Puts a photo to everyone.
    fn ask(&self, asked: &Asked<'_>) -> Result<Vec<Row>, BenchError> {
        let mut rows = Vec::with_capacity(Engine::ALL.len());
        for (engine, registry) in &self.registries {
            let answer = registry.check(asked.bytes)?;
            rows.push(self.own(*engine, asked, &answer));
        }
        let pixels = image::load_from_memory(asked.bytes)?.into_rgb8();
        rows.extend(self.hashes(asked, &pixels));
        if let Ok(orb) = &self.orb {
            let (best, inliers) = orb.best(asked.bytes)?;
            let matches = if inliers >= LEAST_INLIERS { vec![best] } else { Vec::new() };
            rows.push(self.row(Engine::Orb, asked, &matches, Some(inliers as f32)));
        }
        Ok(rows)
    }

    /// A row that says which registered pictures were called the same.
    fn row(&self, engine: Engine, asked: &Asked<'_>, same_as: &[usize], score: Option<f32>) -> Row {
        let found = asked.original.is_some_and(|original| same_as.contains(&original));
        // Of several that are equally near, the right one suffices.
        let wrong = same_as.first().filter(|_| !found).and_then(|at| self.names.get(*at)).cloned();
        Row {
            engine,
            subject: asked.subject,
            photo: asked.photo.name.clone(),
            found,
            wrong,
            conclusion: None,
            relation: None,
            score,
            altered: false,
            hit: None,
            iou: None,
            milliseconds: None,
        }
    }

    fn own(&self, engine: Engine, asked: &Asked<'_>, answer: &Answer) -> Row {
        let verdict = &answer.verdict;
        let best = verdict.best_match.as_ref();
        let score = best.and_then(|best| best.comparison).map(|comparison| comparison.correlation);
        let overlap = asked.mask.and_then(|painted| overlap(painted, answer.mask.as_ref()));
        Row {
            conclusion: Some(verdict.conclusion),
            relation: best.map(|best| best.relation),
            altered: !verdict.alterations.is_empty(),
            hit: overlap.map(|(hit, _)| hit),
            iou: overlap.map(|(_, iou)| iou),
            milliseconds: Some(answer.milliseconds),
            ..self.row(engine, asked, &Vec::from_iter(answer.same_as), score)
        }
    }

    fn hashes(&self, asked: &Asked<'_>, pixels: &RgbImage) -> Vec<Row> {
        let Some(codes) = Codes::of(pixels) else { return Vec::new() };
        let row = |nearest: super::peers::Nearest| {
            self.row(nearest.engine, asked, &nearest.matches, Some(nearest.distance as f32))
        };
        codes.nearest(&self.registered).map(row).into()
    }
}

/// Whether at least a tenth of what was painted is marked, and intersection over union; none if the crop lost
/// all paint. The marked picture may be smaller: its pixels are spread over the photo.
fn overlap(painted: &GrayImage, marked: Option<&GrayImage>) -> Option<(bool, f32)> {
    let (mut area, mut both, mut either) = (0_u64, 0_u64, 0_u64);
    for (x, y, pixel) in painted.enumerate_pixels() {
        let is_painted = pixel.0[0] > 127;
        let is_marked = marked.is_some_and(|marked| {
            let spread = |at: u32, from: u32, to: u32| {
                (u64::from(at) * u64::from(to) / u64::from(from.max(1))).min(u64::from(to.max(1)) - 1) as u32
            };
            let x = spread(x, painted.width(), marked.width());
            let y = spread(y, painted.height(), marked.height());
            marked.get_pixel(x, y).0[0] > 127
        });
        area += u64::from(is_painted);
        both += u64::from(is_painted && is_marked);
        either += u64::from(is_painted || is_marked);
    }
    (area > 0).then(|| (both as f64 >= HIT * area as f64, both as f32 / either as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    fn mask(width: u32, height: u32, left: u32, right: u32) -> GrayImage {
        GrayImage::from_fn(width, height, |x, _| Luma([if (left..right).contains(&x) { 255 } else { 0 }]))
    }

    #[test]
    fn a_tenth_of_the_paint_must_be_marked() {
        let painted = mask(100, 10, 0, 20);
        assert_eq!(overlap(&painted, Some(&mask(100, 10, 18, 22))), Some((true, 2.0 / 22.0)));
        assert_eq!(overlap(&painted, Some(&mask(100, 10, 19, 22))), Some((false, 1.0 / 22.0)));
        assert_eq!(overlap(&painted, None), Some((false, 0.0)));
        assert_eq!(overlap(&mask(100, 10, 0, 0), None), None);
    }

    #[test]
    fn a_smaller_mark_is_spread_over_the_photo() {
        let painted = mask(100, 100, 50, 100);
        assert_eq!(overlap(&painted, Some(&mask(10, 10, 5, 10))), Some((true, 1.0)));
    }
}
