//! What picture generators make of the same goods: impossible stacks, gold glaze, glowing things.

use super::household as home;
use super::listing::{dim, from_right};
use super::maths::{PI, V, cos, rgb, sin};
use super::paint::{Paint, Tint};
use super::scene::{Object, Op, Part, Scene};
use super::shapes::{Outline, Shape, Warp, star};
use super::tableware as table;

pub(super) fn golden_vase() -> Scene {
    let gold = Paint::metal(rgb(0xF2C25A), 0.14);
    let body = Object::new().put(Part::new(table::vase_body(), &gold).warp(Warp::Hammered(7.0, 0.035)));
    let ball =
        |x: f32, y: f32, z: f32, r: f32| Object::new().put(Part::new(Shape::Ball(r), &gold).at(x, y, z));
    Scene::new(&Paint::glazed(Tint::Cloud(rgb(0x14332F), rgb(0x0F2623), 1.0)).rough(0.12))
        .camera(V(0.8, 2.2, 7.2), V(0.1, 1.45, 0.0), 2.0)
        .size(960, 1280)
        .add(body.placed(V(0.0, 0.3, 0.0), V(0.0, 0.0, 0.0), 1.0))
        .add(
            ball(-1.1, 1.9, 0.3, 0.24)
                .with(ball(1.2, 2.5, -0.4, 0.3))
                .with(ball(1.0, 0.35, 0.9, 0.16))
                .with(ball(-0.8, 0.6, 0.9, 0.11)),
        )
        .light(2, V(0.0, 4.0, -4.0), rgb(0xFFE0A0) * 1.2, 5.0)
}

pub(super) fn floating_plates() -> Scene {
    let tones = [0xE76F51, 0xF4A261, 0xE9C46A, 0x2A9D8F, 0x287271, 0x8AB17D];
    let mut scene = from_right(Scene::new(&Paint::paper(0x7FB3C8)))
        .camera(V(-1.4, 2.2, 7.6), V(0.1, 1.75, 0.0), 1.85)
        .size(960, 1280);
    for (i, hex) in tones.into_iter().enumerate() {
        let k = i as f32;
        let tilt = V(14.0 * sin(k * 1.7), 30.0 * k, 20.0 * cos(k * 1.3));
        scene = scene.add(table::plate(&Paint::glaze(hex)).placed(
            V(0.42 * sin(k * 1.9), 0.35 + 0.52 * k, 0.3 * cos(k * 2.2)),
            tilt,
            1.05 - 0.09 * k,
        ));
    }
    scene.add(table::apple(0xC93A2E, 0xE0A23C).placed(V(0.0, 3.45, 0.0), V(0.0, 0.0, 18.0), 0.4))
}

pub(super) fn mushroom_lamps() -> Scene {
    let moss = Paint::matte(Tint::Speckle(rgb(0x2E4A2C), rgb(0x5E7F45), 10.0, 0.4)).grain(0.6, 12.0);
    let mushroom = |h: f32, glow: f32| {
        let cap = Outline::turned(&[
            (0.0, h + 0.55),
            (0.3, h + 0.52),
            (0.75, h + 0.22),
            (0.92, h - 0.08),
            (0.90, h - 0.14),
            (0.80, h - 0.1),
            (0.0, h + 0.05),
            (0.0, h + 0.05),
        ]);
        let shade = Paint::satin(Tint::Dots(rgb(0xF08A4B), rgb(0xFFE6C0), 0.42, 0.11)).glow(glow);
        let stem = Shape::Tube(vec![
            (V(0.0, 0.0, 0.0), 0.26),
            (V(0.05, h * 0.5, 0.0), 0.17),
            (V(0.0, h, 0.0), 0.19),
        ]);
        Object::new()
            .put(Part::new(Shape::Lathe(cap), &shade))
            .put(Part::new(stem, &Paint::satin(Tint::Fade(rgb(0xC9B08A), 0.0, rgb(0xFFE2B0), h)).glow(0.35)))
    };
    dim(Scene::new(&moss))
        .wall(&Paint::matte(Tint::Fade(rgb(0x1B2A3A), 0.0, rgb(0x2F4A66), 6.0)), 5.0)
        .camera(V(0.8, 2.0, 7.2), V(-0.1, 1.15, 0.0), 1.9)
        .light(1, V(0.0, 2.2, 1.6), rgb(0xFFB060) * 0.9, 3.0)
        .exposure(1.3)
        .add(mushroom(1.7, 0.95).stand(-0.7, 0.0, 0.0, 1.0))
        .add(mushroom(1.1, 0.8).stand(0.95, 0.7, 50.0, 0.85))
        .add(mushroom(0.9, 0.7).stand(0.9, -1.3, 90.0, 0.9))
        .add(mushroom(0.6, 0.9).stand(-1.85, 1.1, 20.0, 0.6))
}

pub(super) fn crystal_bottle() -> Scene {
    let glass = Paint::glass(rgb(0xBFA6E8), 0.8);
    let body = Outline::turned(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.5, 0.0),
        (0.5, 0.0),
        (0.95, 0.75),
        (0.95, 0.75),
        (0.22, 1.9),
        (0.22, 1.9),
        (0.16, 2.4),
        (0.16, 2.4),
        (0.0, 2.4),
    ]);
    let gem = Shape::Plate(star(5, 0.42, 0.2, true), 0.12);
    Scene::new(&Paint::glazed(Tint::Marble(rgb(0xF0E4EC), rgb(0xC58AA8), 0.7)).rough(0.2))
        .wall(&Paint::matte(Tint::Fade(rgb(0xF6C9B8), 0.0, rgb(0x9FA8DA), 4.5)), 4.0)
        .camera(V(-0.6, 1.9, 7.2), V(-0.1, 1.35, 0.0), 2.1)
        .size(960, 1280)
        .add(Object::new().put(Part::new(Shape::Lathe(body), &glass).warp(Warp::Flutes(9.0, 0.05))))
        .add(
            Object::new().put(
                Part::new(gem, &Paint::lamp(rgb(0xFFD9F0), 0.9)).at(0.0, 0.8, 0.0).turn(0.0, 20.0, 12.0),
            ),
        )
        .add(
            Object::new().put(
                Part::new(Shape::Ellipsoid(V(0.26, 0.34, 0.26)), &Paint::metal(rgb(0xF0D0D8), 0.12))
                    .at(0.0, 2.72, 0.0),
            ),
        )
}

pub(super) fn desert_kettle() -> Scene {
    let checks = Paint::glazed(Tint::Checks(rgb(0xF5EEDF), rgb(0x1D1D20), 0.19));
    let dune = |x: f32, z: f32, w: f32, h: f32| {
        Object::new().put(
            Part::new(
                Shape::Ellipsoid(V(w, h, w * 0.7)),
                &Paint::matte(Tint::Stripes(rgb(0xE3B272), rgb(0xD9A560), V(0.2, 1.0, 0.1), 0.09, 0.5)),
            )
            .at(x, 0.0, z),
        )
    };
    Scene::new(
        &Paint::matte(Tint::Stripes(rgb(0xE6B878), rgb(0xDDAA66), V(0.45, 0.0, 1.0), 0.22, 0.5))
            .grain(0.2, 20.0),
    )
    .wall(&Paint::matte(Tint::Fade(rgb(0xF7D9A8), 0.0, rgb(0x4F93C4), 6.0)), 9.0)
    .camera(V(1.0, 1.5, 8.4), V(0.35, 1.25, 0.0), 1.75)
    .size(1280, 960)
    .light(0, V(6.0, 4.0, 3.0), V(1.0, 0.88, 0.68) * 2.6, 12.0)
    .add(dune(-3.2, -4.5, 3.2, 1.2).with(dune(3.6, -5.5, 3.6, 1.6)))
    .add(table::kettle(&checks, &Paint::metal(rgb(0xE0B060), 0.2)).stand(0.9, 0.0, 200.0, 1.25))
    .add(table::mug(&Paint::glaze(0xD9482F)).stand(-1.6, 1.0, 20.0, 0.3))
}

pub(super) fn mug_tower() -> Scene {
    let tones = [0x264653, 0x2A9D8F, 0xE9C46A, 0xF4A261, 0xE76F51, 0xB5656B, 0x6D597A];
    let mut scene = Scene::new(&Paint::matte(Tint::Checks(rgb(0xF3F0EA), rgb(0x2B2D33), 1.0)))
        .wall(&Paint::paper(0xF0D7DA), 4.0)
        .camera(V(1.8, 3.0, 8.8), V(0.0, 2.05, 0.0), 2.2)
        .size(960, 1280);
    for (i, hex) in tones.into_iter().enumerate() {
        let k = i as f32;
        let lean = V(6.0 * sin(k), 47.0 * k, 10.0 * cos(k * 0.9));
        scene = scene.add(table::mug(&Paint::glaze(hex)).placed(
            V(0.34 * sin(k * 0.9), 0.58 * k, 0.2 * cos(k * 0.9)),
            lean,
            0.66 - 0.02 * k,
        ));
    }
    scene
}

pub(super) fn neon_headphones() -> Scene {
    let neon = |hex: u32| Paint::lamp(rgb(hex), 1.3);
    let wet = Paint::glazed(Tint::Tiles(rgb(0x23252E), rgb(0x15161C), 1.1)).rough(0.12);
    let bars = |u: f32, v: f32| -> Option<V> {
        let t = (u * 1.2).floor();
        ((u * 1.2 - t - 0.5).abs() < 0.12 && v < 1.2 + 1.6 * sin(t * 2.3).abs()).then(|| rgb(0x7A2A9A))
    };
    let mut scene = dim(Scene::new(&wet))
        .wall(&Paint::lamp(rgb(0x141826), 0.5).printed(super::paint::Lay::Front, bars), 3.0)
        .camera(V(-2.0, 1.5, 6.4), V(0.0, 1.15, 0.0), 2.05)
        .light(0, V(-5.0, 3.0, 3.0), rgb(0x40C8FF) * 2.2, 5.0)
        .light(1, V(5.0, 3.0, 3.0), rgb(0xFF3FA0) * 2.2, 5.0)
        .exposure(1.2)
        .add(
            home::headphones(
                &Paint::glaze(0x22242C),
                &Paint::plastic(0x18191E),
                &Paint::metal(rgb(0x8890A0), 0.2),
            )
            .placed(V(0.0, 0.4, 0.0), V(8.0, 24.0, -6.0), 1.1),
        );
    for (r, y, hex) in [(1.55, 0.35, 0x30E0FF), (1.75, 1.15, 0xFF48B0), (1.35, 2.0, 0xB8FF50)] {
        scene = scene.add(
            Object::new().put(Part::new(Shape::Ring(r, 0.035), &neon(hex)).at(0.0, 0.0, 0.0)).placed(
                V(0.0, y, 0.0),
                V(14.0, 0.0, 10.0),
                1.0,
            ),
        );
    }
    scene
}

pub(super) fn planet_bowl() -> Scene {
    let night = Paint::glazed(Tint::Speckle(rgb(0x1C2350), rgb(0xF0E8C0), 26.0, 0.14));
    let globe = |x: f32, y: f32, z: f32, r: f32, tint: Tint| {
        Object::new().put(Part::new(Shape::Ball(r), &Paint::satin(tint)).at(x, y, z))
    };
    let bands = Tint::Stripes(rgb(0xE0B080), rgb(0xB5703F), V(0.1, 1.0, 0.0), 0.16, 0.5);
    let ring = Object::new().put(Part::new(Shape::Ring(0.75, 0.03), &Paint::metal(rgb(0xE8D8B0), 0.3)));
    Scene::new(&Paint::matte(Tint::Cloud(rgb(0x6A5A8A), rgb(0x3F3660), 0.9)))
        .camera(V(0.0, 3.4, 7.0), V(0.0, 1.35, 0.0), 1.85)
        .light(0, V(-6.0, 5.0, 1.0), V(1.0, 0.92, 0.8) * 2.8, 9.0)
        .add(table::bowl(&night).stand(0.0, 0.0, 0.0, 1.25))
        .add(globe(-0.35, 1.75, 0.1, 0.5, bands).with(ring.placed(
            V(-0.35, 1.75, 0.1),
            V(16.0, 0.0, 22.0),
            1.0,
        )))
        .add(globe(0.85, 2.35, -0.2, 0.3, Tint::Marble(rgb(0x4A8AC8), rgb(0xF4F8FA), 3.0)))
        .add(globe(0.62, 1.35, 0.4, 0.22, Tint::Cloud(rgb(0xC8553A), rgb(0x8A3222), 6.0)))
        .add(globe(-1.35, 2.6, -0.3, 0.15, Tint::Cloud(rgb(0xD9D6CC), rgb(0x8F8C84), 8.0)))
}

pub(super) fn ribbon_vase() -> Scene {
    let pearl = Paint::glazed(Tint::Fade(rgb(0xE4572E), 0.0, rgb(0x5B5BD6), 2.6));
    let body = Shape::Lathe(Outline::turned(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.5, 0.0),
        (0.62, 0.2),
        (0.72, 0.7),
        (0.5, 1.35),
        (0.42, 1.8),
        (0.6, 2.5),
        (0.6, 2.5),
        (0.52, 2.5),
        (0.34, 1.8),
        (0.0, 1.2),
    ]));
    from_right(Scene::new(&Paint::matte(Tint::Stripes(
        rgb(0xF0E6D6),
        rgb(0xE0B8A0),
        V(0.7, 0.0, 0.7),
        1.4,
        0.5,
    ))))
    .wall(&Paint::matte(Tint::Stripes(rgb(0xBFD8D2), rgb(0xA5C6BF), V(0.7, 0.7, 0.0), 1.8, 0.5)), 3.0)
    .camera(V(1.0, 2.3, 7.2), V(0.15, 1.3, 0.0), 2.1)
    .add(Object::new().put(Part::new(body, &pearl).warp(Warp::Swirl(5.0, 0.12, 0.9))))
}

pub(super) fn lace_egg() -> Scene {
    let porcelain = Paint::glazed(Tint::Plain(rgb(0xF3EFE8)));
    let mut parts = vec![
        Part::new(Shape::Ellipsoid(V(0.95, 1.25, 0.95)), &porcelain).at(0.0, 1.35, 0.0),
        Part::new(Shape::Ellipsoid(V(0.87, 1.17, 0.87)), &porcelain).at(0.0, 1.35, 0.0).op(Op::Cut),
    ];
    for row in 0..5 {
        for i in 0..9 {
            let a = (i as f32 + 0.5 * (row % 2) as f32) * 2.0 * PI / 9.0;
            let b = (row as f32 - 2.0) * 0.42;
            let d = V(cos(b) * sin(a), sin(b), cos(b) * cos(a));
            let hole = Shape::Ball(0.185 - 0.02 * b.abs());
            parts.push(Part::new(hole, &porcelain).at(d.0 * 0.92, 1.35 + d.1 * 1.22, d.2 * 0.92).op(Op::Cut));
        }
    }
    dim(Scene::new(&Paint::boards(0x4A4E58, 0x2A2D34, 1.3)))
        .wall(&Paint::paper(0x2B3F56), 3.4)
        .camera(V(-1.2, 2.6, 6.8), V(-0.25, 1.25, 0.0), 2.1)
        .light(1, V(1.0, 1.4, 3.0), rgb(0xFFC070) * 0.5, 3.0)
        .exposure(1.2)
        .add(Object::new().group(parts))
        .add(
            Object::new()
                .put(Part::new(Shape::Ball(0.42), &Paint::lamp(rgb(0xFFC870), 2.2)).at(0.0, 1.3, 0.0)),
        )
}
