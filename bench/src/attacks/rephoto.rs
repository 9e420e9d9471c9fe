//! A picture photographed again from a screen, and a picture rendered again by a model.

use super::{
    field::Field,
    filters,
    pixels::{Shot, blur, colour, each, grain, jpeg, mix, resize},
    random::Random,
};
use image::RgbImage;
use touchstone_inspect::compare::Homography;

/// Long side of the picture on the screen, pixels of the new photograph.
const ON_SCREEN: f32 = 1_000.0;

/// Photographed from a screen: its pixel grid and moiré, perspective, a dark room, glare, blur, noise,
/// another tone. `level` 1 is a careful photograph, 1.8 a poor one.
pub(crate) fn rephoto(shot: &Shot, level: f32, random: &mut Random) -> Shot {
    let long = shot.picture.width().max(shot.picture.height()) as f32;
    let screen = shot.scaled(ON_SCREEN / long);
    let (fine, wave, drift) =
        (random.within(0.35, 0.47), random.within(0.01, 0.03), random.within(0.004, 0.02));
    let screen = screen.recoloured(|picture| {
        each(picture, |x, y, colour| {
            let (x, y) = (x as f32, y as f32);
            let turn = std::f32::consts::TAU;
            let grid = 0.5 + 0.5 * (turn * fine * (x + 0.05 * y)).sin();
            let moire = (turn * (x * wave + y * drift) + 2.0 * (y * 0.01).sin()).sin();
            let light = (1.0 - 0.1 * level * grid) * (1.0 + 0.06 * level * moire);
            [colour[0] * light * 0.97, colour[1] * light, colour[2] * light * 1.02]
        })
    });
    let (width, height) = (screen.picture.width() as f32, screen.picture.height() as f32);
    let (across, down) = (width * 1.25, height * 1.25);
    let mut corner = |u: f32, v: f32| {
        let shift = 0.06 * level;
        ((u + random.within(-shift, shift)) * across, (v + random.within(-shift, shift)) * down)
    };
    let corners = [corner(0.1, 0.1), corner(0.9, 0.1), corner(0.9, 0.9), corner(0.1, 0.9)];
    let back = from_unit_square(corners).inverse();
    let room = Field::noise(across as usize, down as usize, random, &[4, 8, 16, 32]);
    let shot = screen.warped(
        (across as u32, down as u32),
        |x, y| [28.0 + 6.0 * room.at(x as isize, y as isize); 3],
        |x, y| {
            let place = |back: Homography| back.apply(f64::from(x + 0.5), f64::from(y + 0.5));
            // What no place of the screen leads to shows the room.
            let (u, v) = back.and_then(place).unwrap_or((-1.0, -1.0));
            (u as f32 * width - 0.5, v as f32 * height - 0.5)
        },
    );
    let (glare_x, glare_y) = (random.within(0.0, across), random.within(0.0, down));
    let gamma = random.within(0.85, 1.15);
    shot.recoloured(|picture| {
        let lit = each(picture, |x, y, colour| {
            let (u, v) = ((x as f32 - glare_x) / (across * 0.35), (y as f32 - glare_y) / (down * 0.35));
            let glare = 30.0 * level * (-(u * u + v * v)).exp();
            colour.map(|value| value * 0.88 + glare)
        });
        let noisy = grain(&blur(&lit, 0.9 * level), 4.0 * level, random);
        let table: Vec<f32> = (0..256).map(|value| 255.0 * (value as f32 / 255.0).powf(gamma)).collect();
        let toned = each(&noisy, |_, _, colour| {
            colour.map(|value| table.get(value as usize).copied().unwrap_or(value))
        });
        jpeg(&toned, 80)
    })
}

/// A lamp's reflection in the middle of what was photographed: a soft ellipse of light, faint to glaring, that adds to
/// what the screen sends before the camera encodes both.
pub(crate) fn lamp(picture: &RgbImage, random: &mut Random) -> RgbImage {
    const GAMMA: f32 = 2.2;
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (at_x, at_y) = (width * random.within(0.25, 0.75), height * random.within(0.25, 0.75));
    let size = width.max(height) * random.within(0.04, 0.13);
    let (turn, long) = (random.within(0.0, std::f32::consts::PI), random.within(1.0, 1.8));
    let (power, warmth) = (random.within(0.04, 0.5), random.within(0.85, 1.0));
    each(picture, |x, y, colour| {
        let (x, y) = (x as f32 - at_x, y as f32 - at_y);
        let along = (x * turn.cos() + y * turn.sin()) / (size * long);
        let across = (y * turn.cos() - x * turn.sin()) / size;
        let light = power * (-0.5 * (along * along + across * across)).exp();
        let lit =
            |value: f32, light: f32| 255.0 * ((value / 255.0).powf(GAMMA) + light).min(1.0).powf(1.0 / GAMMA);
        [lit(colour[0], light), lit(colour[1], 0.97 * light), lit(colour[2], warmth * light)]
    })
}

/// The map that takes the corners (0, 0), (1, 0), (1, 1), (0, 1) to `corners` (Heckbert 1989).
fn from_unit_square(corners: [(f32, f32); 4]) -> Homography {
    let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = corners.map(|(x, y)| (f64::from(x), f64::from(y)));
    let (dx1, dx2, sx) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
    let (dy1, dy2, sy) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
    let determinant = dx1 * dy2 - dx2 * dy1;
    let g = (sx * dy2 - dx2 * sy) / determinant;
    let h = (dx1 * sy - sx * dy1) / determinant;
    Homography([x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0])
}

/// Rendered again, as a model does that starts from the picture: everything moves a little, fine detail is
/// lost and other texture put in its place, the tone changes. `level` 1 light, 2 medium, 3 strong.
pub(crate) fn rerender(shot: &Shot, level: u8, random: &mut Random) -> Shot {
    let (width, height) = shot.picture.dimensions();
    let (across, down) = (width as f32, height as f32);
    let long = across.max(down);
    let (amount, detail) = match level {
        1 => (0.0025, 0.7),
        2 => (0.005, 0.5),
        _ => (0.01, 0.38),
    };
    let strength = f32::from(level);
    let mut wobble = || {
        let noise = Field::from_fn(8, 8, |_, _| random.normal());
        smooth(&noise).resized(width as usize, height as usize)
    };
    let (shift_x, shift_y) = (wobble(), wobble());
    let zoom = 1.0 + random.within(-0.01, 0.02) * strength;
    let (tx, ty) = ([(); 2].map(|()| random.within(-0.006, 0.006) * strength * long)).into();
    let reflect = |at: f32, length: f32| {
        let last = length - 1.0;
        let at = at.abs();
        if at > last { (2.0 * last - at).max(0.0) } else { at }
    };
    let moved = shot.warped(
        (width, height),
        |_, _| [0.0; 3],
        |x, y| {
            let at = y as usize * width as usize + x as usize;
            let dx: f32 = shift_x.values[at] * amount * long;
            let dy: f32 = shift_y.values[at] * amount * long;
            let u = (x - across / 2.0 - tx) / zoom + across / 2.0 + dx;
            let v = (y - down / 2.0 - ty) / zoom + down / 2.0 + dy;
            (reflect(u, across), reflect(v, down))
        },
    );
    moved.recoloured(|picture| {
        let factor = detail * (1_100.0 / long).min(1.0);
        let side = |length: f32| (length * factor) as u32;
        let mut small = resize(picture, side(across), side(down));
        for _ in 0..level {
            small = edge_preserving(&small, 18.0 + 8.0 * strength);
        }
        let large = resize(&small, width, height);
        let texture = Field::from_fn(width as usize, height as usize, |_, _| random.normal()).blurred(1.2);
        // Blurring took most of the noise's strength: what is left is of deviation 0.23.
        let drawn = each(&large, |x, y, colour| {
            let texture = 4.0 * strength * texture.values[y * width as usize + x];
            colour.map(|value| value + texture)
        });
        let soft = blur(&drawn, 2.0);
        let sharp = each(&drawn, |x, y, value| {
            let soft = colour(soft.get_pixel(x as u32, y as u32));
            mix(soft, value, 1.6)
        });
        jpeg(&filters::tone(&sharp, 0.35 * strength, random), 88)
    })
}

/// Without the grid's own corners: a small blur keeps neighbouring cells alike.
fn smooth(noise: &Field) -> Field {
    noise.resized(24, 24).blurred(1.5)
}

/// A bilateral filter (Tomasi and Manduchi 1998) over 5 x 5 pixels; `range` is the colour distance that
/// counts as an edge.
fn edge_preserving(picture: &RgbImage, range: f32) -> RgbImage {
    let (width, height) = (picture.width() as i32, picture.height() as i32);
    // Weights by the sum of the three channels' distances.
    let table: Vec<f32> = (0..768).map(|far| (-(far as f32 / range).powi(2) / 2.0).exp()).collect();
    let near = |dx: i32, dy: i32| (-((dx * dx + dy * dy) as f32) / 18.0).exp();
    let offsets: Vec<(i32, i32, f32)> = (-2..=2)
        .flat_map(|dy| (-2..=2).map(move |dx| (dx, dy, near(dx, dy))))
        .filter(|(dx, dy, _)| dx * dx + dy * dy <= 5)
        .collect();
    each(picture, |x, y, _| {
        let own = picture.get_pixel(x as u32, y as u32).0;
        let (mut sum, mut weights) = ([0.0; 3], 0.0);
        for (dx, dy, near) in &offsets {
            let (nx, ny) = ((x as i32 + dx).clamp(0, width - 1), (y as i32 + dy).clamp(0, height - 1));
            let other = picture.get_pixel(nx as u32, ny as u32).0;
            let far: usize = (0..3).map(|at| usize::from(own[at].abs_diff(other[at]))).sum();
            let weight = near * table.get(far).copied().unwrap_or(0.0);
            sum = std::array::from_fn(|at| sum[at] + weight * f32::from(other[at]));
            weights += weight;
        }
        sum.map(|value| value / weights)
    })
}
