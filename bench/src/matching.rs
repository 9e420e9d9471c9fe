//! What the steps of recognition cost, in this process, on one thread: fingerprints of a picture, geometry of a candidate
//! that does not fit, comparison of one that does.
//!
//! Owns the pictures: photographs or rendered ones, altered and then cut or shown in a shop's page, beside all others.

use super::{
    BenchError,
    attacks::{self, Change, Class, Damage, Size},
    calibrate::photos,
    cleanup::Folder,
    clock::{Times, measure},
    tasks::{Print, figure},
};
use image::RgbImage;
use std::path::Path;
use touchstone_inspect::{
    InspectOptions, WORKING_AREA,
    compare::{CompareError, Homography, Query, RgbView, compare},
    decode::{self, Picture},
    features, fingerprint, frames, geometry, inspect_picture,
    limits::Limits,
    reference,
};

/// Pictures that take part, at most.
const ORIGINALS: usize = 12;
const PASSES: usize = 3;
/// Pixels of the photos whose fingerprints are timed.
const MEGAPIXEL: f64 = 1_048_576.0;
const SEED: u64 = 1;

/// A registered picture: what is kept of it.
struct Registered {
    features: features::Reference,
    detail: Picture,
    sketch: Picture,
}

/// A photo, what it is looked up with, and the place of its original.
struct Photo {
    picture: Picture,
    features: features::Query,
    original: usize,
}

/// Measures on the photographs of `folder`, or on rendered pictures.
///
/// # Errors
/// A photograph cannot be read.
pub(crate) fn run(folder: Option<&Path>, print: Print<'_>) -> Result<(), BenchError> {
    let originals = originals(folder)?;
    fingerprints(&originals, print)?;
    let registered: Vec<Registered> = originals.iter().map(register).collect::<Result<_, _>>()?;
    let photos = altered(&originals)?;
    geometry(&registered, &photos, print);
    preparation(&photos, print);
    comparison("detail", &registered, &photos, |it| &it.detail, print);
    comparison("sketch", &registered, &photos, |it| &it.sketch, print);
    Ok(())
}

fn originals(folder: Option<&Path>) -> Result<Vec<RgbImage>, BenchError> {
    let rendered = Folder::new()?;
    let listed = match folder {
        Some(folder) => photos::listed(folder)?,
        None => photos::rendered(rendered.path())?,
    };
    let step = (listed.len() / ORIGINALS).max(1);
    listed.iter().step_by(step).take(ORIGINALS).map(photos::picture).collect()
}

/// Fingerprints after decoding: those that a registration sends, and those that a check looks up.
fn fingerprints(originals: &[RgbImage], print: Print<'_>) -> Result<(), BenchError> {
    let mut files = Vec::new();
    let mut pictures = Vec::new();
    for original in originals {
        let factor = (MEGAPIXEL / f64::from(original.width() * original.height())).sqrt();
        let side = |length: u32| (f64::from(length) * factor).round() as u32;
        let scaled = attacks::resize(original, side(original.width()), side(original.height()));
        files.extend(attacks::jpeg_bytes(&scaled, 90));
        pictures.push(picture(scaled)?);
    }
    let options = InspectOptions::default();
    for file in &files {
        // What cannot be read would take no time.
        inspect_picture(file, &options).map_err(BenchError::other)?;
    }
    let registering = measure(pictures.len(), PASSES, |place| {
        if let Some(picture) = pictures.get(place) {
            std::hint::black_box(fingerprint::fingerprints(picture));
            std::hint::black_box(fingerprint::dhash_dihedral(picture));
            std::hint::black_box(reference::features(picture));
        }
    });
    print(figure(
        "fingerprints of a 1-megapixel picture to register it",
        "p50 <= 20 ms",
        told(registering),
        registering.median <= 20.0,
    ));
    let read = measure(files.len(), PASSES, |place| {
        if let Some(Ok((_, picture))) = files.get(place).map(|file| inspect_picture(file, &options)) {
            std::hint::black_box(reference::query_features(&picture));
        }
    });
    let decoded = measure(files.len(), PASSES, |place| {
        if let Some(file) = files.get(place) {
            std::hint::black_box(decode::decode_reduced(file, &Limits::default(), WORKING_AREA).is_ok());
        }
    });
    let (mean, median) = (read.mean - decoded.mean, read.median - decoded.median);
    print(figure(
        "digests, fingerprints in eight orientations and up to 600 features of a 1-megapixel photo, after decoding",
        "p50 <= 25 ms",
        format!("mean {mean:.1} ms, {median:.1} ms between the medians"),
        median <= 25.0,
    ));
    Ok(())
}

fn register(original: &RgbImage) -> Result<Registered, BenchError> {
    let original = picture(original.clone())?;
    let read = |file: Vec<u8>| reference::read(&file).map_err(BenchError::other);
    Ok(Registered {
        features: reference::features(&original),
        detail: read(reference::detail(&original).map_err(BenchError::other)?)?,
        sketch: read(reference::sketch(&original).map_err(BenchError::other)?)?,
    })
}

/// Three photos of each original: cracked, stained and cut, with a patch cloned and in a shop's page.
fn altered(originals: &[RgbImage]) -> Result<Vec<Photo>, BenchError> {
    let class =
        |damage, change| Class { name: "altered".to_owned(), damage: Some((damage, Size::Medium)), change };
    let classes = [
        class(Damage::Crack, Change::Jpeg(85)),
        class(Damage::Stain, Change::Crop(15)),
        class(Damage::Clone, Change::Page),
    ];
    let mut photos = Vec::new();
    for (original, of) in originals.iter().enumerate() {
        for class in &classes {
            let picture = picture(attacks::apply(class, of, originals, SEED + original as u64).picture)?;
            photos.push(Photo { features: reference::query_features(&picture), picture, original });
        }
    }
    Ok(photos)
}

/// Candidates that another picture's photo is held against: nearly none fits.
fn geometry(registered: &[Registered], photos: &[Photo], print: Print<'_>) {
    let pairs: Vec<(&Registered, &Photo)> = photos
        .iter()
        .flat_map(|photo| registered.iter().enumerate().map(move |(place, it)| (place, it, photo)))
        .filter(|(place, _, photo)| *place != photo.original)
        .map(|(_, it, photo)| (it, photo))
        .collect();
    let fits = |pair: &&(&Registered, &Photo)| geometry::align(&pair.0.features, &pair.1.features).is_some();
    let fitting = pairs.iter().filter(fits).count();
    let times = measure(pairs.len(), PASSES, |place| {
        std::hint::black_box(pairs.get(place).as_ref().is_some_and(fits));
    });
    print(figure(
        "one candidate held against a photo by geometry, of another picture",
        "mean <= 0.3 ms",
        format!("{}; {fitting} of {} fit", told(times), pairs.len()),
        times.mean <= 0.3,
    ));
}

/// What a check does once, before its first comparison.
fn preparation(photos: &[Photo], print: Print<'_>) {
    let times = measure(photos.len(), PASSES, |place| {
        if let Some(Ok(photo)) = photos.get(place).map(|photo| view(&photo.picture)) {
            std::hint::black_box(Query::new(photo));
        }
    });
    print(figure(
        "an altered photo prepared for all comparisons, once a check",
        "mean <= 2 ms",
        told(times),
        times.mean <= 2.0,
    ));
}

/// The comparison of a photo with its original under the map that its features gave.
fn comparison(
    kind: &str,
    registered: &[Registered],
    photos: &[Photo],
    reference: impl Fn(&Registered) -> &Picture,
    print: Print<'_>,
) {
    let mut aligned: Vec<(Query<'_>, &Picture, Homography)> = Vec::new();
    for photo in photos {
        let Some(of) = registered.get(photo.original) else { continue };
        let Some(alignment) = geometry::align(&of.features, &photo.features) else { continue };
        let Ok(seen) = view(&photo.picture) else { continue };
        let pixels = reference(of);
        let sizes = ((pixels.width, pixels.height), (photo.picture.width, photo.picture.height));
        let map = frames::by_features(&alignment, &of.features, &photo.features, sizes.0, sizes.1);
        aligned.push((Query::new(seen), pixels, map));
    }
    let times = measure(aligned.len(), PASSES, |place| {
        if let Some((photo, pixels, map)) = aligned.get(place)
            && let Ok(pixels) = view(pixels)
        {
            std::hint::black_box(compare(photo, pixels, map).is_ok());
        }
    });
    print(figure(
        &format!("an altered photo fully compared with its original's {kind}, with the map of alterations"),
        "mean <= 8 ms",
        format!("{}; {} of {} photos", told(times), aligned.len(), photos.len()),
        times.mean <= 8.0 && aligned.len() == photos.len(),
    ));
}

fn view(of: &Picture) -> Result<RgbView<'_>, CompareError> {
    RgbView::new(of.width, of.height, &of.rgb)
}

fn picture(image: RgbImage) -> Result<Picture, BenchError> {
    let (width, height) = image.dimensions();
    Picture::new(width, height, image.into_raw())
        .ok_or_else(|| BenchError::Other("a picture of no size".to_owned()))
}

fn told(times: Times) -> String {
    format!("mean {:.2}, p50 {:.2}, p95 {:.2} ms", times.mean, times.median, times.p95)
}
