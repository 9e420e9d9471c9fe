//! Packing photos: what left the warehouse, taken on the packing floor.

use super::boxes::{closed_carton, crate_box, open_carton, shipping_label, shreds, slip, tape_roll};
use super::household as home;
use super::listing::from_right;
use super::maths::{V, rgb};
use super::paint::{Lay, Paint, Tint};
use super::scene::Scene;
use super::tableware as table;

fn concrete() -> Paint {
    Paint::matte(Tint::Cloud(rgb(0xA7A8A6), rgb(0x7F807F), 0.9)).grain(0.12, 24.0)
}

/// Flat tube light from above, as in a warehouse.
fn warehouse(floor: &Paint) -> Scene {
    Scene::new(floor)
        .wall(&Paint::paper(0x8B9499), 8.0)
        .light(0, V(-2.0, 9.0, 2.0), V(0.95, 1.0, 0.98) * 2.0, 6.0)
        .light(1, V(5.0, 7.0, -2.0), V(0.95, 1.0, 1.0) * 0.8, 5.0)
}

pub(super) fn vase_in_box() -> Scene {
    warehouse(&concrete())
        .camera(V(0.4, 8.6, 2.6), V(0.0, 0.5, 0.1), 1.75)
        .roll(9.0)
        .add(open_carton(1.0, 0.6, 1.45, 0.8))
        .add(shreds(0.95, 1.4, 0.55, 30, 0xD9C39A, 0xC2A878))
        .add(table::vase(&table::celadon()).placed(V(0.1, 0.85, 1.05), V(-90.0, 0.0, 6.0), 0.9))
}

pub(super) fn mugs_in_box() -> Scene {
    warehouse(&Paint::boards(0xC3A27A, 0x92714A, 1.2))
        .camera(V(-2.6, 6.6, 5.4), V(0.1, 0.6, 0.1), 1.95)
        .add(open_carton(1.5, 0.55, 1.0, 0.75))
        .add(shreds(1.45, 0.95, 0.35, 26, 0xF1EFEA, 0xDEDAD2))
        .add(table::mug(&table::striped()).placed(V(-0.68, 0.22, 0.0), V(0.0, 35.0, 0.0), 1.0))
        .add(table::mug(&table::striped()).placed(V(0.66, 0.22, -0.05), V(0.0, -40.0, 0.0), 1.0))
        .add(slip().placed(V(2.1, 0.0, 1.9), V(0.0, 24.0, 0.0), 1.1))
}

pub(super) fn plates_sealed() -> Scene {
    from_right(warehouse(&concrete()))
        .camera(V(2.9, 4.6, 5.8), V(0.0, 0.55, 0.0), 2.0)
        .size(1280, 960)
        .add(closed_carton(1.55, 0.62, 1.2).stand(0.0, 0.0, 18.0, 1.0))
        .add(closed_carton(0.9, 0.5, 0.8).stand(-2.4, -2.2, -12.0, 1.0))
        .add(slip().placed(V(-0.5, 1.24, 0.2), V(0.0, 40.0, 0.0), 0.8))
        .add(tape_roll().stand(-2.1, 1.0, 0.0, 0.9))
}

pub(super) fn kettle_in_box() -> Scene {
    let red = Paint::glazed(Tint::Speckle(rgb(0xB7281E), rgb(0xD65A48), 40.0, 0.10));
    warehouse(&Paint::matte(Tint::Cloud(rgb(0x5D7A72), rgb(0x4C665F), 1.1)))
        .camera(V(-3.4, 5.2, 5.6), V(0.1, 0.9, 0.0), 2.0)
        .add(open_carton(1.25, 0.8, 1.25, 0.9).stand(0.0, 0.0, -22.0, 1.0))
        .add(shreds(1.15, 1.15, 0.6, 26, 0xE9E2D2, 0xCFC4AC).stand(0.0, 0.0, -22.0, 1.0))
        .add(table::kettle(&red, &Paint::metal(rgb(0xCFCFCB), 0.2)).placed(
            V(-0.1, 0.55, 0.0),
            V(0.0, -20.0, 0.0),
            0.85,
        ))
}

pub(super) fn headphones_in_box() -> Scene {
    let tray = Paint::matte(Tint::Cloud(rgb(0x2A2C30), rgb(0x222428), 2.0));
    let (inner, card) = (Paint::paper(0x3A3D42), Paint::paper(0xF0EEE9));
    let wall = |x: f32, z: f32, w: f32, d: f32| {
        super::scene::Part::new(super::shapes::Shape::Block(V(w, 0.35, d), 0.02), &card).at(x, 0.35, z)
    };
    let open = super::scene::Object::new()
        .put(
            super::scene::Part::new(super::shapes::Shape::Block(V(1.4, 0.12, 1.4), 0.02), &inner)
                .at(0.0, 0.12, 0.0),
        )
        .put(wall(-1.45, 0.0, 0.06, 1.5))
        .put(wall(1.45, 0.0, 0.06, 1.5))
        .put(wall(0.0, -1.45, 1.5, 0.06))
        .put(wall(0.0, 1.45, 1.5, 0.06));
    let lid = Paint::paper(0xE88873).printed(Lay::Top, |u, v| {
        let r = (u * u + v * v).sqrt();
        ((r - 0.55).abs() < 0.06 && v > -0.2 || (u.abs() - 0.55).abs() < 0.14 && (v + 0.25).abs() < 0.25)
            .then(|| rgb(0xF7F2EA))
    });
    let cover = super::scene::Object::new().put(
        super::scene::Part::new(super::shapes::Shape::Block(V(1.5, 0.2, 1.5), 0.03), &lid).at(0.0, 0.2, 0.0),
    );
    warehouse(&tray)
        .camera(V(-0.3, 9.2, 1.2), V(0.25, 0.0, 0.25), 1.55)
        .roll(-14.0)
        .add(open.stand(-1.2, 0.5, 0.0, 1.0))
        .add(cover.stand(1.75, -0.9, 24.0, 0.95))
        .add(
            home::headphones(
                &Paint::plastic(0xF3F0EA),
                &Paint::plastic(0x54545A).rough(0.7),
                &Paint::metal(rgb(0xD9D6CF), 0.25),
            )
            .placed(V(-1.2, 0.45, 1.35), V(-90.0, 0.0, 0.0), 0.98),
        )
}

pub(super) fn bottles_in_crate() -> Scene {
    let glass = Paint::glass(rgb(0x7F9A35), 0.72);
    let label = Paint::matte(Tint::Plain(rgb(0xF2EAD6))).printed(Lay::Around, table::olive_label);
    let mut scene = from_right(warehouse(&concrete()))
        .wall(&Paint::matte(Tint::Tiles(rgb(0xB9B2A6), rgb(0x8F897E), 1.1)), 2.6)
        .camera(V(2.0, 4.2, 7.0), V(0.1, 1.2, 0.0), 1.95)
        .size(960, 1280)
        .add(crate_box(1.35, 0.75, 0.9))
        .add(shreds(1.2, 0.8, 0.5, 18, 0xE3CFA0, 0xC9AF7C));
    for (x, z) in [(-0.75, -0.2), (0.05, 0.25), (0.8, -0.25)] {
        scene = scene.add(table::bottle(&glass, &label, &Paint::plastic(0x2A2A22)).placed(
            V(x, 0.2, z),
            V(0.0, x * 40.0, 0.0),
            0.85,
        ));
    }
    scene
}

pub(super) fn clock_in_box() -> Scene {
    warehouse(&Paint::matte(Tint::Tiles(rgb(0xC9C4BA), rgb(0x97928A), 1.5)))
        .camera(V(1.4, 8.2, 3.8), V(0.0, 0.3, 0.0), 1.75)
        .roll(-22.0)
        .size(1280, 960)
        .add(open_carton(1.35, 0.35, 1.35, 0.9))
        .add(shreds(1.3, 1.3, 0.28, 30, 0xB9C9D6, 0x98ACBC))
        .add(home::clock(&Paint::wood(0xA9713F, 0x6C4220, 2), home::dial).placed(
            V(0.0, 0.5, 1.0),
            V(-90.0, 0.0, 0.0),
            1.0,
        ))
}

pub(super) fn parcels() -> Scene {
    let sack = Paint::satin(Tint::Cloud(rgb(0xE9E9E6), rgb(0xD6D6D3), 1.0)).printed(Lay::Top, |u, v| {
        if u.abs() < 0.45 && v.abs() < 0.3 { shipping_label(u, v).or(Some(rgb(0xFFF6D8))) } else { None }
    });
    let mailer = super::scene::Object::new().put(
        super::scene::Part::new(super::shapes::Shape::Block(V(1.0, 0.16, 0.75), 0.15), &sack)
            .warp(super::shapes::Warp::Folds(2.4, 0.08))
            .at(0.0, 0.16, 0.0),
    );
    warehouse(&Paint::boards(0x9C8A72, 0x6B5B47, 1.6))
        .camera(V(-1.6, 7.4, 5.0), V(0.2, 0.4, 0.0), 1.7)
        .roll(6.0)
        .add(closed_carton(1.0, 0.45, 0.8).stand(-1.1, -0.9, -14.0, 1.0))
        .add(mailer.stand(0.9, 1.0, 20.0, 1.0))
        .add(closed_carton(0.6, 0.35, 0.5).stand(1.8, -1.2, 38.0, 1.0))
        .add(tape_roll().stand(-1.6, 1.4, 0.0, 0.9))
}
