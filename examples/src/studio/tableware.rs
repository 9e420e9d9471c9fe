//! Goods for table, kitchen and garden. Each function gives one object that stands on y = 0 at the origin.

use super::maths::{PI, V, cos, rgb, sin};
use super::paint::{Lay, Paint, Tint};
use super::scene::{Object, Op, Part};
use super::shapes::{Outline, Shape, Warp, bent_tube};

fn lathe(points: &[(f32, f32)]) -> Shape {
    Shape::Lathe(Outline::turned(points))
}

/// A tall shouldered vase, 2.4 high.
pub(super) fn vase(paint: &Paint) -> Object {
    Object::new().put(Part::new(vase_body(), paint))
}

pub(super) fn vase_body() -> Shape {
    lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.42, 0.0),
        (0.42, 0.0),
        (0.48, 0.18),
        (0.72, 0.85),
        (0.80, 1.35),
        (0.62, 1.78),
        (0.30, 2.05),
        (0.26, 2.2),
        (0.38, 2.38),
        (0.36, 2.41),
        (0.30, 2.38),
        (0.20, 2.2),
        (0.23, 2.04),
        (0.55, 1.72),
        (0.72, 1.35),
        (0.64, 0.85),
        (0.40, 0.2),
        (0.0, 0.12),
    ])
}

/// The celadon glaze with two dark bands that marks the product line.
pub(super) fn celadon() -> Paint {
    let (light, deep) = (rgb(0xA3B8A0), rgb(0x5C7A68));
    Paint::glazed(Tint::Zones(
        vec![(0.16, rgb(0x8B6A4E)), (0.22, deep), (1.30, light), (1.345, deep), (1.40, light), (1.42, deep)],
        rgb(0x9BB39B),
    ))
}

/// A mug with a handle towards +x, 1.2 high.
pub(super) fn mug(paint: &Paint) -> Object {
    let body = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.48, 0.0),
        (0.54, 0.06),
        (0.56, 0.2),
        (0.56, 1.12),
        (0.54, 1.19),
        (0.50, 1.17),
        (0.49, 1.1),
        (0.48, 0.2),
        (0.40, 0.1),
        (0.0, 0.09),
        (0.0, 0.09),
    ]);
    let handle =
        Part::new(Shape::Arc(0.30, 0.075, PI * 0.62), paint).turn(0.0, 0.0, -90.0).at(0.62, 0.62, 0.0);
    let hollow = Part::new(Shape::Cylinder(0.485, 0.55, 0.1), paint).at(0.0, 0.68, 0.0).op(Op::Cut);
    Object::new().group(vec![Part::new(body, paint), handle.op(Op::Join(0.06)), hollow])
}

/// Broad blue stripes on cream.
pub(super) fn striped() -> Paint {
    Paint::glazed(Tint::Stripes(rgb(0xF2EBDC), rgb(0x2E5A9C), V(0.0, 1.0, 0.0), 0.22, 0.45))
}

/// Coffee that fills a mug.
pub(super) fn coffee() -> Object {
    let brew = Paint::glazed(Tint::Cloud(rgb(0x3A1F10), rgb(0x8A5B34), 2.0));
    Object::new().put(Part::new(Shape::Cylinder(0.47, 0.02, 0.01), &brew).at(0.0, 1.02, 0.0))
}

/// An open bowl, 1.0 high and 2.2 wide.
pub(super) fn bowl(paint: &Paint) -> Object {
    Object::new().put(Part::new(
        lathe(&[
            (0.0, 0.0),
            (0.0, 0.0),
            (0.42, 0.0),
            (0.42, 0.0),
            (0.44, 0.12),
            (0.80, 0.38),
            (1.05, 0.78),
            (1.12, 1.02),
            (1.10, 1.05),
            (1.06, 1.02),
            (0.98, 0.78),
            (0.72, 0.44),
            (0.36, 0.20),
            (0.0, 0.15),
            (0.0, 0.15),
        ]),
        paint,
    ))
}

/// A coupe plate of radius 1.
pub(super) fn plate(paint: &Paint) -> Object {
    Object::new().put(Part::new(
        lathe(&[
            (0.0, 0.0),
            (0.0, 0.0),
            (0.55, 0.0),
            (0.60, 0.03),
            (0.85, 0.10),
            (1.0, 0.20),
            (1.0, 0.225),
            (0.97, 0.23),
            (0.82, 0.14),
            (0.60, 0.075),
            (0.0, 0.06),
            (0.0, 0.06),
        ]),
        paint,
    ))
}

/// A tall bottle with shoulders, 2.8 high.
pub(super) fn bottle(glass: &Paint, label: &Paint, cap: &Paint) -> Object {
    let body = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.44, 0.0),
        (0.50, 0.05),
        (0.50, 0.2),
        (0.50, 1.45),
        (0.46, 1.65),
        (0.24, 1.92),
        (0.17, 2.12),
        (0.16, 2.5),
        (0.16, 2.5),
        (0.0, 2.5),
    ]);
    let ring =
        lathe(&[(0.0, 2.42), (0.0, 2.42), (0.19, 2.42), (0.20, 2.5), (0.18, 2.76), (0.17, 2.8), (0.0, 2.8)]);
    let paper = Shape::Cylinder(0.512, 0.48, 0.005);
    Object::new()
        .put(Part::new(body, glass))
        .put(Part::new(paper, label).at(0.0, 0.82, 0.0))
        .put(Part::new(ring, cap))
}

/// A printed label: a frame, a leaf mark and three lines.
pub(super) fn olive_label(u: f32, v: f32) -> Option<V> {
    let ink = rgb(0x2F4A22);
    if u.abs() > 1.15 {
        return Some(rgb(0xEFE6CE));
    }
    let frame = (u.abs() - 1.02).abs() < 0.02 || (v.abs() - 0.42).abs() < 0.012;
    let (x, y) = (u * 0.5, v - 0.14);
    let leaf = |x: f32, y: f32| {
        (x * x + (y - 0.1) * (y - 0.1)).sqrt() < 0.16 && (x * x + (y + 0.1) * (y + 0.1)).sqrt() < 0.16
    };
    let mark = leaf(x, y) && (x.abs() > 0.008) || leaf(x * 0.7 + y * 0.7 - 0.07, y * 0.7 - x * 0.7 + 0.02);
    let line = |at: f32, half: f32, thick: f32| (v - at).abs() < thick && u.abs() < half;
    let text = line(-0.13, 0.62, 0.045) && !((u * 9.0).floor() as i32).rem_euclid(5).eq(&4);
    let small = line(-0.25, 0.5, 0.015) || line(-0.31, 0.35, 0.012);
    if frame || mark || text || small { Some(ink) } else { Some(rgb(0xF4ECD6)) }
}

/// A stove kettle with spout and bail handle, about 2.1 high.
pub(super) fn kettle(paint: &Paint, trim: &Paint) -> Object {
    let body = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.85, 0.0),
        (0.95, 0.08),
        (0.98, 0.30),
        (0.88, 0.75),
        (0.60, 1.10),
        (0.42, 1.18),
        (0.0, 1.19),
    ]);
    let lid = lathe(&[
        (0.0, 1.15),
        (0.0, 1.15),
        (0.42, 1.15),
        (0.43, 1.2),
        (0.36, 1.26),
        (0.12, 1.32),
        (0.0, 1.33),
    ]);
    let spout = bent_tube(V(0.75, 0.35, 0.0), V(1.15, 0.55, 0.0), V(1.35, 1.10, 0.0), 0.20, 0.09);
    let bore = bent_tube(V(1.2, 0.75, 0.0), V(1.28, 0.9, 0.0), V(1.40, 1.25, 0.0), 0.05, 0.06);
    let bail = Part::new(Shape::Arc(0.82, 0.05, PI * 0.46), trim).at(0.0, 1.02, 0.0);
    let grip =
        Part::new(Shape::Arc(0.82, 0.10, PI * 0.2), &Paint::wood(0xB98550, 0x7A4A22, 0)).at(0.0, 1.02, 0.0);
    Object::new()
        .group(vec![
            Part::new(body, paint),
            Part::new(spout, paint).op(Op::Join(0.12)),
            Part::new(bore, &Paint::plastic(0x221A18)).op(Op::Cut),
        ])
        .put(Part::new(lid, paint))
        .put(Part::new(Shape::Ball(0.12), trim).at(0.0, 1.41, 0.0))
        .put(bail)
        .put(grip)
}

/// A watering can, 1.5 high, spout towards +x.
pub(super) fn watering_can(paint: &Paint, trim: &Paint) -> Object {
    let body = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.78, 0.0),
        (0.78, 0.0),
        (0.80, 0.04),
        (0.76, 0.10),
        (0.70, 1.16),
        (0.74, 1.20),
        (0.74, 1.24),
        (0.68, 1.24),
        (0.66, 1.16),
        (0.66, 0.12),
        (0.0, 0.08),
        (0.0, 0.08),
    ]);
    let spout = bent_tube(V(0.6, 0.28, 0.0), V(1.25, 0.45, 0.0), V(1.72, 1.42, 0.0), 0.15, 0.075);
    let rose =
        lathe(&[(0.0, 0.0), (0.0, 0.0), (0.08, 0.0), (0.24, 0.2), (0.24, 0.2), (0.2, 0.25), (0.0, 0.27)]);
    Object::new()
        .group(vec![Part::new(body, paint), Part::new(spout, paint).op(Op::Join(0.06))])
        .put(Part::new(rose, trim).turn(0.0, 0.0, -32.0).at(1.70, 1.38, 0.0))
        .put(Part::new(Shape::Arc(0.62, 0.05, PI * 0.55), trim).turn(0.0, 0.0, 48.0).at(-0.42, 1.0, 0.0))
        .put(Part::new(Shape::Ring(0.755, 0.03), trim).at(0.0, 0.62, 0.0))
}

/// A terracotta pot with a rubber-plant crown.
pub(super) fn potted_plant(pot: &Paint, leaf_dark: u32, leaf_light: u32, leaves: i32) -> Object {
    let clay = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.50, 0.0),
        (0.50, 0.0),
        (0.68, 0.80),
        (0.68, 0.80),
        (0.76, 0.82),
        (0.78, 1.02),
        (0.76, 1.05),
        (0.68, 1.05),
        (0.64, 0.98),
        (0.62, 0.86),
        (0.0, 0.86),
        (0.0, 0.86),
    ]);
    let soil = Paint::matte(Tint::Speckle(rgb(0x3B2A1E), rgb(0x6A5340), 22.0, 0.3)).grain(0.5, 25.0);
    let mut plant = Object::new()
        .put(Part::new(clay, pot))
        .put(Part::new(Shape::Cylinder(0.63, 0.03, 0.01), &soil).at(0.0, 0.90, 0.0));
    for i in 0..leaves {
        let k = i as f32 / leaves as f32;
        let turn = i as f32 * 137.5;
        let tilt = -(8.0 + 58.0 * k);
        let size = 0.72 + 0.28 * (1.0 - k);
        let green = rgb(leaf_dark).mix(rgb(leaf_light), (i % 3) as f32 * 0.45);
        let paint = Paint::satin(Tint::Printed(Box::new(Tint::Plain(green)), Lay::Top, leaf_vein));
        let blade = Part::new(Shape::Ellipsoid(V(0.27, 0.022, 0.62)), &paint)
            .warp(Warp::Droop(0.28))
            .at(0.0, 0.0, 0.62);
        let stem = Part::new(
            Shape::Tube(vec![(V(0.0, -0.05, -0.05), 0.03), (V(0.0, 0.0, 0.25), 0.02)]),
            &Paint::plastic(0x5E7A3A),
        );
        let one = Object::new().put(blade).put(stem);
        let rise = 1.25 + 0.75 * k;
        plant = plant.with(one.placed(V(0.0, rise, 0.0), V(tilt, turn, 0.0), size));
    }
    plant.put(Part::new(
        bent_tube(V(0.0, 0.8, 0.0), V(0.04, 1.4, 0.0), V(0.0, 2.1, 0.0), 0.07, 0.03),
        &Paint::plastic(0x6B5A36),
    ))
}

fn leaf_vein(u: f32, v: f32) -> Option<V> {
    let side = (v + u.abs() * 0.9) * 9.0;
    let rib = (side - side.floor()) < 0.10 && u.abs() < 0.24;
    (u.abs() < 0.012 || rib).then(|| rgb(0xA8C07A))
}

/// A turned chess king, 2.6 high.
pub(super) fn king(paint: &Paint) -> Object {
    let body = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.62, 0.0),
        (0.66, 0.08),
        (0.62, 0.20),
        (0.48, 0.27),
        (0.50, 0.36),
        (0.34, 0.50),
        (0.24, 0.95),
        (0.21, 1.45),
        (0.24, 1.62),
        (0.24, 1.62),
        (0.42, 1.64),
        (0.42, 1.70),
        (0.28, 1.74),
        (0.28, 1.74),
        (0.36, 1.80),
        (0.36, 1.85),
        (0.24, 1.88),
        (0.24, 1.88),
        (0.30, 2.05),
        (0.40, 2.26),
        (0.38, 2.30),
        (0.18, 2.38),
        (0.10, 2.42),
        (0.0, 2.43),
    ]);
    Object::new()
        .put(Part::new(body, paint))
        .put(Part::new(Shape::Block(V(0.05, 0.19, 0.04), 0.02), paint).at(0.0, 2.58, 0.0))
        .put(Part::new(Shape::Block(V(0.14, 0.05, 0.04), 0.02), paint).at(0.0, 2.62, 0.0))
}

/// A turned pawn, 1.6 high.
pub(super) fn pawn(paint: &Paint) -> Object {
    Object::new().put(Part::new(
        lathe(&[
            (0.0, 0.0),
            (0.0, 0.0),
            (0.50, 0.0),
            (0.53, 0.07),
            (0.50, 0.16),
            (0.36, 0.22),
            (0.38, 0.30),
            (0.24, 0.45),
            (0.15, 0.85),
            (0.17, 0.95),
            (0.17, 0.95),
            (0.31, 0.97),
            (0.31, 1.02),
            (0.17, 1.06),
            (0.17, 1.06),
            (0.28, 1.18),
            (0.31, 1.32),
            (0.26, 1.48),
            (0.12, 1.58),
            (0.0, 1.60),
        ]),
        paint,
    ))
}

/// A candlestick with a burning candle.
pub(super) fn candlestick(paint: &Paint, height: f32) -> Object {
    let h = height;
    let stick = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.46, 0.0),
        (0.48, 0.05),
        (0.40, 0.11),
        (0.14, 0.18),
        (0.08, 0.3),
        (0.08, h * 0.45),
        (0.15, h * 0.5),
        (0.08, h * 0.55),
        (0.07, h - 0.16),
        (0.18, h - 0.1),
        (0.20, h),
        (0.20, h),
        (0.0, h),
    ]);
    let wax = Paint::satin(Tint::Fade(rgb(0xE9DFC8), h, rgb(0xFBE9C4), h + 0.8)).glow(0.12);
    Object::new()
        .put(Part::new(stick, paint))
        .put(Part::new(Shape::Cylinder(0.12, 0.36, 0.03), &wax).at(0.0, h + 0.34, 0.0))
        .put(Part::new(Shape::Ellipsoid(V(0.05, 0.13, 0.05)), &Paint::lamp(rgb(0xFFC860), 4.0)).at(
            0.0,
            h + 0.86,
            0.0,
        ))
}

/// A storage jar with a cork lid and contents that show through.
pub(super) fn jar(content: &Paint, fill: f32) -> Object {
    let glass = Paint::glass(rgb(0xE6F0EE), 0.86);
    let body = lathe(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.56, 0.0),
        (0.62, 0.06),
        (0.62, 0.2),
        (0.62, 1.25),
        (0.56, 1.42),
        (0.50, 1.5),
        (0.50, 1.62),
        (0.0, 1.62),
    ]);
    let cork = Paint::matte(Tint::Speckle(rgb(0xC09A6B), rgb(0x8A653F), 26.0, 0.25));
    Object::new()
        .put(Part::new(body, &glass))
        .put(Part::new(Shape::Cylinder(0.57, fill * 0.5, 0.08), content).at(0.0, fill * 0.5 + 0.05, 0.0))
        .put(Part::new(Shape::Cylinder(0.50, 0.14, 0.04), &cork).at(0.0, 1.72, 0.0))
}

/// An apple, 1 wide.
pub(super) fn apple(hex: u32, blush: u32) -> Object {
    let skin = Paint::satin(Tint::Fade(rgb(blush), 0.1, rgb(hex), 0.75)).rough(0.25);
    let flesh = lathe(&[
        (0.0, 0.06),
        (0.12, 0.02),
        (0.3, 0.04),
        (0.46, 0.3),
        (0.50, 0.58),
        (0.40, 0.84),
        (0.22, 0.92),
        (0.07, 0.84),
        (0.0, 0.78),
    ]);
    let stem = bent_tube(V(0.0, 0.75, 0.0), V(0.0, 0.95, 0.0), V(0.06, 1.08, 0.0), 0.025, 0.02);
    Object::new().put(Part::new(flesh, &skin)).put(Part::new(stem, &Paint::plastic(0x4A3420)))
}

/// Items in a ring: how many, radius, start angle in degrees.
pub(super) fn ring_of(count: i32, radius: f32, start: f32, item: impl Fn(i32) -> Object) -> Object {
    (0..count).fold(Object::new(), |all, i| {
        let degrees = start + 360.0 * i as f32 / count as f32;
        let a = degrees * PI / 180.0;
        all.with(item(i).stand(radius * sin(a), radius * cos(a), degrees, 1.0))
    })
}
