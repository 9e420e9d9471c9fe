//! The pictures of `formula.json`, drawn in whole-number arithmetic exactly as `make_vectors.py` draws them.

use touchstone_inspect::decode::Picture;

/// A 32-bit mixing function of three numbers.
fn mix(a: u32, b: u32, c: u32) -> u32 {
    let mut value = a
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add(b.wrapping_mul(0x85EB_CA77))
        .wrapping_add(c.wrapping_mul(0xC2B2_AE3D));
    value ^= value >> 15;
    value = value.wrapping_mul(0x2C1B_3C6D);
    value ^= value >> 12;
    value = value.wrapping_mul(0x297A_2D39);
    value ^ (value >> 15)
}

/// A triangle wave between 0 and 255.
fn triangle(position: i64, period: i64) -> i64 {
    (position % (2 * period) - period).abs() * 255 / period
}

/// Draws a picture of the named kind.
#[allow(clippy::panic, clippy::expect_used)] // Only tests draw, and a wrong vector must stop them.
pub(crate) fn formula(kind: &str, width: u32, height: u32) -> Picture {
    let paint = match kind {
        "gradient" => gradient,
        "checker" => checker,
        "shapes" => shapes,
        "strokes" => strokes,
        "noise" => noise,
        "plain" => |_, _, _, _| [131, 77, 201],
        "framed" => framed,
        "sky" => sky,
        "waves" => waves,
        other => panic!("no formula {other}"),
    };
    let mut rgb = Vec::new();
    for y in 0..i64::from(height) {
        for x in 0..i64::from(width) {
            let colour: [i64; 3] = paint(x, y, i64::from(width), i64::from(height));
            rgb.extend(colour.map(|channel| u8::try_from(channel).expect("a channel has eight bits")));
        }
    }
    Picture { width, height, rgb }
}

fn gradient(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    [x * 255 / (w - 1).max(1), y * 255 / (h - 1).max(1), (x + y) * 255 / (w + h - 2).max(1)]
}

fn checker(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    let side = 1 + w.min(h) / 8;
    if (x / side + y / side) % 2 == 1 { [230, 210, 40] } else { [20, 60, 120] }
}

fn shapes(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    if (y - h * 3 / 4) * 2 >= (x - w / 2).abs() {
        [20, 140, 60]
    } else if x >= w * 3 / 5 && x < w * 9 / 10 && y >= h / 5 && y < h * 7 / 10 {
        [30, 90, 180]
    } else if (x - w / 3).pow(2) + (y - h / 2).pow(2) <= (w.min(h) / 4).pow(2) {
        [200, 40, 30]
    } else {
        [240, 240, 235]
    }
}

fn strokes(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    let cell = (w.min(h) / 16).max(2);
    let (column, row) = (x / cell, y / cell);
    let dot = x % cell * 5 / cell * 8 + y % cell * 7 / cell;
    if row % 2 == 1 && mix(column as u32, row as u32, dot as u32).is_multiple_of(4) {
        [25, 25, 30]
    } else {
        [250 - x * 20 / w; 3]
    }
}

fn noise(x: i64, y: i64, _: i64, _: i64) -> [i64; 3] {
    let [low, middle, high, _] = mix(x as u32, y as u32, 7).to_le_bytes();
    [low, middle, high].map(i64::from)
}

fn framed(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    let within = |across: i64, down: i64| x >= across && x < w - across && y >= down && y < h - down;
    if within(w / 5, h / 6) {
        let wave = triangle(x + 2 * y, w.min(h) / 3 + 1);
        [wave, 255 - wave, y * 255 / h]
    } else if within(w / 8, h / 10) {
        [30, 30, 34]
    } else {
        [200 + i64::from(mix(x as u32, y as u32, 3) % 9); 3]
    }
}

fn sky(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    if y > h / 2 + triangle(x, w / 4 + 1) * h / 2048 {
        let grass = i64::from(mix(x as u32, y as u32, 5) % 64);
        [grass, 80 + grass, grass / 2]
    } else {
        let light = 150 + y * 60 / h;
        [light / 2, light, light + 40]
    }
}

fn waves(x: i64, y: i64, w: i64, h: i64) -> [i64; 3] {
    let (red, green) = (triangle(3 * x + y, w / 2 + 1), triangle(x + 5 * y, h / 3 + 1));
    [red, green, (red + green + triangle(x * y / 16, 97)) / 3]
}
