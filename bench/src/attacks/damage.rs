//! Painted damage: crack, stain, spot, tear, mould, a patch cloned in from another picture, a smear.
//!
//! Each kind paints on the original, on a textured place away from the edges. The mask is what really
//! changed, not what was meant to: paint on a ground of its own colour is not damage.

use super::{
    field::{Drawing, Field},
    fill,
    pixels::{Shot, colour, each, grey, mix, resize},
    random::Random,
};
use image::{GrayImage, Luma, RgbImage};

/// What is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Damage {
    /// Thin dark lines that branch, with a bright edge.
    Crack,
    /// A coloured blot, darker at its rim.
    Stain,
    /// A roundish spot of one colour with a soft edge, as of a drop or a burn.
    Spot,
    /// A hole with a pale torn edge.
    Tear,
    /// A heap of grey-green spots.
    Mould,
    /// A patch of another picture, blended in without a seam.
    Clone,
    /// An area painted over with what surrounds it.
    Smear,
}

impl Damage {
    /// Every kind.
    pub(crate) const ALL: [Self; 7] =
        [Self::Crack, Self::Stain, Self::Spot, Self::Tear, Self::Mould, Self::Clone, Self::Smear];

    /// Name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Crack => "crack",
            Self::Stain => "stain",
            Self::Spot => "spot",
            Self::Tear => "tear",
            Self::Mould => "mould",
            Self::Clone => "clone",
            Self::Smear => "smear",
        }
    }
}

/// How much of the picture the damage takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Size {
    /// 1 to 3 %.
    Small,
    /// 3 to 7 %.
    Medium,
    /// 8 to 15 %.
    Large,
}

impl Size {
    /// Every size.
    pub(crate) const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// Name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    fn share(self, random: &mut Random) -> f32 {
        match self {
            Self::Small => random.within(0.01, 0.03),
            Self::Medium => random.within(0.03, 0.07),
            Self::Large => random.within(0.08, 0.15),
        }
    }
}

/// A channel must move by more than this to count as painted: less is not seen.
const VISIBLE: f32 = 12.0;

/// Where the damage lies.
struct Place {
    x: f32,
    y: f32,
    /// Radius of a disc of the same area, pixels.
    radius: f32,
    share: f32,
}

/// Paints `damage` on `original`; `other` is the picture that patches are cloned from.
pub(crate) fn paint(
    damage: Damage,
    size: Size,
    original: &RgbImage,
    other: &RgbImage,
    random: &mut Random,
) -> Shot {
    let share = match damage {
        // A drop takes less than a spill.
        Damage::Spot => 0.25 * size.share(random),
        _ => size.share(random),
    };
    let (width, height) = (original.width() as f32, original.height() as f32);
    let (x, y) = textured_place(original, random);
    let radius = (share * width * height / std::f32::consts::PI).sqrt();
    let place = Place { x, y, radius, share };
    let picture = match damage {
        Damage::Crack => crack(original, &place, random),
        Damage::Stain => stain(original, &place, random),
        Damage::Spot => spot(original, &place, random),
        Damage::Tear => tear(original, &place, random),
        Damage::Mould => mould(original, &place, random),
        Damage::Clone => clone(original, other, &place, random),
        Damage::Smear => {
            let blob = blob(original, &place, 0.35, random);
            fill::smear(original, &blob)
        }
    };
    let mask = changed(original, &picture);
    Shot { picture, mask: Some(mask) }
}

/// White where a channel moved visibly; gaps thinner than 0.6 % of the long side are closed.
pub(crate) fn changed(before: &RgbImage, after: &RgbImage) -> GrayImage {
    let (width, height) = before.dimensions();
    let moved = GrayImage::from_fn(width, height, |x, y| {
        let (before, after) = (colour(before.get_pixel(x, y)), colour(after.get_pixel(x, y)));
        let most = (0..3).map(|at| (before[at] - after[at]).abs()).fold(0.0, f32::max);
        Luma([if most > VISIBLE { 255 } else { 0 }])
    });
    let reach = ((0.003 * width.max(height) as f32) as i32).max(1);
    extreme(&extreme(&moved, reach, u8::max), reach, u8::min)
}

/// Each pixel becomes the extreme of the square around it.
fn extreme(mask: &GrayImage, reach: i32, pick: fn(u8, u8) -> u8) -> GrayImage {
    let (width, height) = mask.dimensions();
    let along = |from: &GrayImage, dx: i32, dy: i32| {
        GrayImage::from_fn(width, height, |x, y| {
            let at = |step: i32| {
                let x = (x as i32 + dx * step).clamp(0, width as i32 - 1) as u32;
                let y = (y as i32 + dy * step).clamp(0, height as i32 - 1) as u32;
                from.get_pixel(x, y).0[0]
            };
            Luma([(-reach..=reach).map(at).fold(at(0), pick)])
        })
    };
    along(&along(mask, 1, 0), 0, 1)
}

/// A place with texture or away from the ground's colour, drawn by its strength; not in the outer 15 %.
fn textured_place(picture: &RgbImage, random: &mut Random) -> (f32, f32) {
    const SIDE: usize = 32;
    let small = resize(picture, SIDE as u32, SIDE as u32);
    let tones = Field::from_fn(SIDE, SIDE, |x, y| grey(colour(small.get_pixel(x as u32, y as u32))));
    let mut edge: Vec<f32> = (0..SIDE)
        .flat_map(|at| [(at, 0), (at, SIDE - 1), (0, at), (SIDE - 1, at)])
        .map(|(x, y)| tones.values[y * SIDE + x])
        .collect();
    edge.sort_unstable_by(f32::total_cmp);
    let ground = edge.get(edge.len() / 2).copied().unwrap_or(0.0);
    let energy = Field::from_fn(SIDE, SIDE, |x, y| {
        let at = |dx: isize, dy: isize| tones.at(x as isize + dx, y as isize + dy);
        (at(1, 0) - at(-1, 0)).abs() + (at(0, 1) - at(0, -1)).abs() + (at(0, 0) - ground).abs()
    });
    let energy = energy.blurred(1.5);
    let inner = |at: usize| (5..27).contains(&(at % SIDE)) && (5..27).contains(&(at / SIDE));
    let weights: Vec<f32> = (0..SIDE * SIDE)
        .map(|at| if inner(at) { energy.values[at].max(0.0).powf(1.5) + 1e-3 } else { 0.0 })
        .collect();
    let mut left = random.unit() * weights.iter().sum::<f32>();
    let chosen = weights.iter().position(|weight| {
        left -= weight;
        left <= 0.0 && *weight > 0.0
    });
    let chosen = chosen.unwrap_or(SIDE * SIDE / 2 + SIDE / 2);
    let part = |at: usize, length: u32| (at as f32 + 0.5) / SIDE as f32 * length as f32;
    (part(chosen % SIDE, picture.width()), part(chosen / SIDE, picture.height()))
}

/// Above 0 inside an uneven ellipse around the place, falling outwards.
fn blob(picture: &RgbImage, place: &Place, rough: f32, random: &mut Random) -> Field {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let noise = Field::noise(width, height, random, &[4, 8, 16, 32]);
    let (sin, cos) = random.within(0.0, std::f32::consts::PI).sin_cos();
    let long = random.within(0.7, 1.4);
    Field::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as f32 - place.x, y as f32 - place.y);
        let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
        1.0 - (u / long).hypot(v * long) / place.radius + 0.5 * rough * noise.values[y * width + x]
    })
}

fn crack(picture: &RgbImage, place: &Place, random: &mut Random) -> RgbImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (Some(mut dark), Some(mut bright)) = (Drawing::new(width, height), Drawing::new(width, height))
    else {
        return picture.clone();
    };
    let side = width.max(height) as f32;
    let reach = place.radius * 1.25;
    let thin = (0.0035 * side).max(1.0);
    // Each branch: where it starts, its direction, length, thickness and how often it has forked.
    let branches = 3 + random.below(3);
    let mut open: Vec<(f32, f32, f32, f32, f32, u8)> = (0..branches)
        .map(|at| {
            let angle = std::f32::consts::TAU * at as f32 / branches as f32 + 0.5 * random.normal();
            (place.x, place.y, angle, reach * 1.3, thin * random.within(0.8, 1.8), 0)
        })
        .collect();
    while let Some((mut x, mut y, mut angle, length, thick, forks)) = open.pop() {
        let steps = ((length / (0.02 * side)) as usize).max(4);
        let step = length / steps as f32;
        for at in 0..steps {
            angle += 0.35 * random.normal();
            let (next_x, next_y) = (x + step * angle.cos(), y + step * angle.sin());
            if (next_x - place.x).hypot(next_y - place.y) > reach * 1.1 {
                break;
            }
            let taper = 1.0 - 0.6 * at as f32 / steps as f32;
            let wide = (thick * taper * random.within(0.7, 1.3)).max(0.8);
            dark.stroke((x, y), (next_x, next_y), wide);
            let aside = wide * 0.8;
            bright.stroke((x + aside, y + aside), (next_x + aside, next_y + aside), (wide * 0.5).max(0.8));
            if forks < 2 && random.unit() < 0.3 {
                let turn = random.within(0.5, 1.2) * random.of(&[-1.0_f32, 1.0]);
                open.push((next_x, next_y, angle + turn, length * 0.55, thick * 0.7, forks + 1));
            }
            (x, y) = (next_x, next_y);
        }
    }
    let (dark, bright) = (dark.strengths().blurred(0.6), bright.strengths().blurred(0.8));
    each(picture, |x, y, colour| {
        let (dark, bright) = (dark.values[y * width + x], bright.values[y * width + x]);
        let gap = [28.0 + 0.18 * colour[0], 25.0 + 0.18 * colour[1], 25.0 + 0.18 * colour[2]];
        mix(mix(colour, gap, 0.9 * dark), [235.0; 3], 0.45 * bright * (1.0 - dark))
    })
}

fn stain(picture: &RgbImage, place: &Place, random: &mut Random) -> RgbImage {
    let width = picture.width() as usize;
    let blob = blob(picture, place, 0.35, random);
    let texture = Field::noise(width, picture.height() as usize, random, &[8, 16, 32, 64]);
    // Coffee, soy sauce, tea, berries, soot.
    let liquid = random.of(&[
        [120.0_f32, 70.0, 30.0],
        [70.0, 40.0, 20.0],
        [150.0, 110.0, 60.0],
        [110.0, 25.0, 25.0],
        [40.0, 40.0, 40.0],
    ]);
    each(picture, |x, y, colour| {
        let at = y * width + x;
        let inside = (blob.values[at] * 4.0).clamp(0.0, 1.0);
        let rim = (-((blob.values[at] - 0.04) / 0.05).powi(2)).exp();
        let thick = 0.75 + 0.25 * (texture.values[at] / 1.5).clamp(-1.0, 1.0);
        let strength = (0.55 * inside * thick + 0.3 * rim).min(0.85);
        // A liquid filters the light that the ground reflects.
        let seen = std::array::from_fn(|channel| colour[channel] * liquid[channel] * 1.15 / 255.0);
        mix(colour, seen, strength)
    })
}

fn spot(picture: &RgbImage, place: &Place, random: &mut Random) -> RgbImage {
    let width = picture.width() as usize;
    let blob = blob(picture, place, 0.1, random);
    // Coffee, mould, blood, soot.
    let paint = random.of(&[[95.0_f32, 60.0, 30.0], [70.0, 90.0, 60.0], [160.0, 40.0, 40.0], [90.0; 3]]);
    let soft = random.within(0.1, 0.4);
    each(picture, |x, y, colour| {
        let inside = (blob.values[y * width + x] / soft).clamp(0.0, 1.0);
        mix(colour, paint, 0.75 * inside * inside * (3.0 - 2.0 * inside))
    })
}

fn tear(picture: &RgbImage, place: &Place, random: &mut Random) -> RgbImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let blob = blob(picture, place, 0.7, random);
    let texture = Field::noise(width, height, random, &[16, 64, 128]);
    let flag = |low: f32| Field::from_fn(width, height, |x, y| f32::from(blob.values[y * width + x] > low));
    let (hole, torn) = (flag(0.18).blurred(0.7), flag(0.0).blurred(0.7));
    each(picture, |x, y, colour| {
        let at = y * width + x;
        let noise = texture.values[at];
        let paper = mix(colour, [225.0 + 12.0 * noise; 3], torn.values[at]);
        mix(paper, [52.0 + 14.0 * noise, 45.0 + 14.0 * noise, 38.0 + 14.0 * noise], hole.values[at])
    })
}

fn mould(picture: &RgbImage, place: &Place, random: &mut Random) -> RgbImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let Some(mut spots) = Drawing::new(width, height) else { return picture.clone() };
    for _ in 0..(60.0 + 900.0 * place.share) as usize {
        let away = place.radius * random.unit().sqrt();
        let (sin, cos) = random.within(0.0, std::f32::consts::TAU).sin_cos();
        let radius = (place.radius * random.within(0.03, 0.16)).max(1.0);
        spots.spot(place.x + away * cos, place.y + away * sin, radius, random.within(0.25, 0.7));
    }
    let spots = spots.strengths().blurred((place.radius * 0.02).max(0.8));
    let texture = Field::noise(width, height, random, &[32, 64, 128]);
    let fur = random.of(&[[80.0_f32, 95.0, 70.0], [90.0, 100.0, 90.0], [50.0, 60.0, 50.0]]);
    each(picture, |x, y, colour| {
        let at = y * width + x;
        mix(colour, fur, 0.92 * spots.values[at] * (0.8 + 0.2 * texture.values[at].clamp(-1.0, 1.0)))
    })
}

/// The middle of `other`, large enough to cover the damage, blended in.
fn clone(picture: &RgbImage, other: &RgbImage, place: &Place, random: &mut Random) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let radius = place.radius.min(width / 3.0).min(height / 3.0).max(8.0);
    let x = place.x.clamp(radius + 3.0, (width - radius - 3.0).max(radius + 3.0));
    let y = place.y.clamp(radius + 3.0, (height - radius - 3.0).max(radius + 3.0));
    let place = Place { x, y, radius: radius * 0.8, share: place.share };
    let blob = blob(picture, &place, 0.35, random);
    let (across, down) = (other.width() as f32, other.height() as f32);
    let need = 2.0 * radius + 4.0;
    let factor = (need / across).max(need / down).max(0.35 * width.max(height) / across.max(down));
    let patch = resize(other, (across * factor).ceil() as u32, (down * factor).ceil() as u32);
    fill::cloned(picture, &patch, &blob, (x, y))
}
