//! A coloured scene by formula, what is done to it, and its comparison.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::many_single_char_names)]

use touchstone_inspect::compare::{CompareError, Comparison, Homography, Query, Rgb, RgbView, compare};

pub(crate) const SIDE: usize = 200;

/// A textured picture by formula: waves of several lengths, coloured; `phase` makes another scene.
pub(crate) fn scene(phase: f64) -> Rgb {
    let mut rgb = Vec::with_capacity(SIDE * SIDE * 3);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (u, v) = (x as f64 + 31.0 * phase, y as f64 - 17.0 * phase);
            let wave =
                (u * 0.11).sin() * 40.0 + (v * 0.17 + u * 0.05).sin() * 35.0 + (u * v * 0.002).cos() * 25.0;
            for (shift, gain) in [(0.0, 1.0), (9.0, 0.9), (-6.0, 0.7)] {
                rgb.push((128.0 + shift + gain * wave).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Rgb { width: SIDE, height: SIDE, rgb }
}

pub(crate) fn paint(picture: &mut Rgb, colour: impl Fn(usize, usize, [u8; 3]) -> Option<[u8; 3]>) {
    let width = picture.width;
    for (index, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
        if let Some(new) = colour(index % width, index / width, [pixel[0], pixel[1], pixel[2]]) {
            pixel.copy_from_slice(&new);
        }
    }
}

pub(crate) fn view(picture: &Rgb) -> RgbView<'_> {
    RgbView::new(picture.width as u32, picture.height as u32, &picture.rgb).unwrap()
}

pub(crate) fn run(query: &Rgb, reference: &Rgb, initial: &Homography) -> Result<Comparison, CompareError> {
    compare(&Query::new(view(query)), view(reference), initial)
}

/// Rows of white above and below a picture on a page.
pub(crate) const AROUND: usize = SIDE / 2;

/// The query as a shop's page shows it; its rows lie [`AROUND`] lower than in the picture.
pub(crate) fn run_on_page(query: &Rgb, reference: &Rgb) -> Comparison {
    let white = vec![255; 3 * query.width * AROUND];
    let page = Rgb {
        width: query.width,
        height: query.height + 2 * AROUND,
        rgb: [&white[..], &query.rgb, &white].concat(),
    };
    let down = Homography([1.0, 0.0, 0.0, 0.0, 1.0, AROUND as f64, 0.0, 0.0, 1.0]);
    run(&page, reference, &down).unwrap()
}

/// Share of the pixels chosen by `truth` that the map calls altered, and of the others.
pub(crate) fn flagged(found: &Comparison, truth: impl Fn(usize, usize) -> bool) -> (f64, f64) {
    let mut counts = [[0_u32; 2]; 2];
    for (index, value) in found.map.data.iter().enumerate() {
        let inside = truth(index % found.map.width, index / found.map.width);
        counts[usize::from(inside)][usize::from(*value >= Comparison::ALTERED)] += 1;
    }
    let share = |c: [u32; 2]| f64::from(c[1]) / f64::from((c[0] + c[1]).max(1));
    (share(counts[1]), share(counts[0]))
}

/// The picture as a lens shows it that bends it a little here and there, by up to 0.8 pixels.
pub(crate) fn photographed(picture: &Rgb) -> Rgb {
    let at = |x: f64, y: f64, channel: usize| {
        let clamp = |value: f64, length: usize| value.clamp(0.0, (length - 1) as f64);
        let (x, y) = (clamp(x, picture.width), clamp(y, picture.height));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(picture.width - 1), (top + 1).min(picture.height - 1));
        let value = |x: usize, y: usize| f64::from(picture.rgb[3 * (y * picture.width + x) + channel]);
        let mix = |a: f64, b: f64, part: f64| a + part * (b - a);
        let (across, down) = (x.fract(), y.fract());
        let (upper, lower) = (
            mix(value(left, top), value(right, top), across),
            mix(value(left, bottom), value(right, bottom), across),
        );
        mix(upper, lower, down).round() as u8
    };
    let mut bent = picture.clone();
    paint(&mut bent, |x, y, _| {
        let (x, y) = (x as f64, y as f64);
        let (across, down) = (0.8 * (y / 37.0 + x / 61.0).sin(), 0.8 * (x / 43.0 - y / 53.0).cos());
        Some([0, 1, 2].map(|channel| at(x + across, y + down, channel)))
    });
    bent
}

/// The same places on the page of [`run_on_page`].
pub(crate) fn in_page(truth: impl Fn(usize, usize) -> bool) -> impl Fn(usize, usize) -> bool {
    move |x, y| y.checked_sub(AROUND).is_some_and(|y| truth(x, y))
}

/// The scene as a detail shows it, every pixel nine times.
pub(crate) fn large_scene() -> Rgb {
    let small = scene(0.0);
    let third = |x: usize, y: usize| 3 * ((y / 3) * SIDE + x / 3);
    let mut picture = Rgb { width: 600, height: 600, rgb: vec![0; 600 * 600 * 3] };
    paint(&mut picture, |x, y, _| Some([0, 1, 2].map(|c| small.rgb[third(x, y) + c])));
    picture
}
