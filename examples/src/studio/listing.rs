//! Catalogue pictures of the merchants' goods.

use super::boxes;
use super::household as home;
use super::maths::{V, rgb};
use super::paint::{Lay, Paint, Tint};
use super::scene::{Light, Scene};
use super::tableware as table;

/// Warm key light for a set-up lit from the right.
pub(super) fn from_right(scene: Scene) -> Scene {
    scene.light(0, V(5.5, 6.0, 4.0), V(1.0, 0.95, 0.88) * 2.4, 7.0).light(
        1,
        V(-6.0, 4.0, 2.0),
        V(0.8, 0.9, 1.0) * 0.5,
        4.0,
    )
}

/// A dim room with one low, warm lamp.
pub(super) fn dim(mut scene: Scene) -> Scene {
    scene.sky = rgb(0x3A4660) * 0.5;
    scene.exposure = 1.0;
    scene.lights = vec![Light { at: V(-4.0, 6.0, 3.5), colour: V(1.0, 0.86, 0.7) * 1.5, hard: 6.0 }];
    scene
}

pub(super) fn celadon_vase() -> Scene {
    let linen = Paint::cloth(0xDCD2BF, 0xCBBFA8, 26.0);
    let wall = Paint::matte(Tint::Stripes(rgb(0xB7A28C), rgb(0x94806A), V(1.0, 0.0, 0.0), 1.1, 0.5));
    Scene::new(&linen)
        .wall(&wall, 3.2)
        .camera(V(-0.3, 2.3, 7.6), V(-0.15, 1.25, 0.0), 2.1)
        .size(960, 1280)
        .add(table::vase(&table::celadon()).stand(-0.1, 0.0, 20.0, 1.05))
        .add(table::bowl(&table::celadon()).stand(1.35, 0.9, 0.0, 0.42))
}

pub(super) fn striped_mug() -> Scene {
    from_right(Scene::new(&Paint::boards(0xB07A48, 0x6E4423, 0.9)))
        .wall(&Paint::paper(0xD9E2E4), 4.0)
        .camera(V(1.8, 2.6, 5.6), V(0.12, 0.55, 0.0), 2.5)
        .add(table::mug(&table::striped()).stand(0.1, 0.0, -25.0, 1.15))
        .add(table::coffee().stand(0.1, 0.0, 0.0, 1.15))
        .add(home::book(0.8, 0.6, 0.12, &Paint::paper(0xB5482F)).stand(-1.5, -1.2, 24.0, 1.0))
}

pub(super) fn porcelain_bowl() -> Scene {
    let glaze = Paint::glazed(Tint::Zones(
        vec![
            (0.10, rgb(0x2A4A8A)),
            (0.16, rgb(0xF4F4F0)),
            (0.20, rgb(0x2A4A8A)),
            (0.80, rgb(0xF4F4F0)),
            (0.90, rgb(0x2A4A8A)),
        ],
        rgb(0xF6F5EF),
    ));
    let slate = Paint::matte(Tint::Cloud(rgb(0x3A3E44), rgb(0x23262B), 1.1)).rough(0.6);
    let stick = Paint::wood(0x8A5A34, 0x4B2C16, 0);
    let chopstick = |z: f32| {
        super::scene::Object::new().put(super::scene::Part::new(
            super::shapes::Shape::Tube(vec![(V(-1.6, 0.06, z), 0.035), (V(1.6, 0.07, z + 0.1), 0.06)]),
            &stick,
        ))
    };
    Scene::new(&slate)
        .wall(&Paint::paper(0x1F2A33), 5.5)
        .camera(V(0.4, 4.4, 5.8), V(0.1, 0.35, 0.15), 2.1)
        .size(1280, 960)
        .add(table::bowl(&glaze).stand(-0.2, -0.3, 0.0, 1.0))
        .add(chopstick(1.25).with(chopstick(1.5)).stand(0.5, 0.1, 12.0, 1.0))
}

pub(super) fn plate_set() -> Scene {
    let sand = |hex: u32| Paint::glazed(Tint::Speckle(rgb(hex), rgb(0x6A4A36), 30.0, 0.16)).rough(0.3);
    let mut scene = Scene::new(&Paint::glazed(Tint::Marble(rgb(0xEDEBE8), rgb(0x8B8F96), 0.8)).rough(0.25))
        .wall(&Paint::paper(0xE9D9CB), 6.0)
        .camera(V(-2.6, 4.3, 5.2), V(0.05, 0.45, -0.2), 1.75);
    for (i, hex) in [0xC46A4A, 0xE2D3BC, 0x8FA59B, 0xD9A66A].into_iter().enumerate() {
        scene = scene.add(table::plate(&sand(hex)).placed(V(-0.5, 0.13 * i as f32, 0.1), V::ZERO, 1.15));
    }
    scene
        .add(table::bowl(&sand(0xE2D3BC)).placed(V(-0.5, 0.48, 0.1), V::ZERO, 0.55))
        .add(table::plate(&sand(0xC46A4A)).placed(V(1.35, 0.95, -1.2), V(78.0, -14.0, 0.0), 0.95))
}

pub(super) fn olive_oil() -> Scene {
    let glass = Paint::glass(rgb(0x7F9A35), 0.75);
    let label = Paint::matte(Tint::Plain(rgb(0xF2EAD6))).printed(Lay::Around, table::olive_label);
    let olive = |x: f32, z: f32| {
        super::scene::Object::new().put(
            super::scene::Part::new(
                super::shapes::Shape::Ellipsoid(V(0.2, 0.16, 0.16)),
                &Paint::satin(Tint::Plain(rgb(0x6B7A2A))).rough(0.25),
            )
            .at(x, 0.16, z),
        )
    };
    from_right(Scene::new(&Paint::matte(Tint::Tiles(rgb(0xE8E0D0), rgb(0xB5A98F), 0.8))))
        .wall(&Paint::matte(Tint::Tiles(rgb(0x7FA6A0), rgb(0xDAD7CC), 0.55)).rough(0.3), 2.2)
        .camera(V(0.7, 2.0, 8.0), V(0.25, 1.35, 0.0), 2.2)
        .size(960, 1280)
        .add(table::bottle(&glass, &label, &Paint::plastic(0x2A2A22)))
        .add(
            table::jar(&Paint::matte(Tint::Speckle(rgb(0xB9893F), rgb(0xE8C987), 14.0, 0.4)), 1.0)
                .stand(1.25, -0.6, 0.0, 0.8),
        )
        .add(olive(-0.9, 0.6).with(olive(-0.55, 1.0)).with(olive(0.75, 0.95)))
}

pub(super) fn table_lamp() -> Scene {
    let shade = Paint::matte(Tint::Fade(rgb(0xFFD79A), 1.6, rgb(0xF2B766), 2.7)).glow(1.1);
    let foot = Paint::glazed(Tint::Fade(rgb(0x1F4A52), 0.0, rgb(0x4E8A88), 1.3));
    dim(Scene::new(&Paint::boards(0x8A5630, 0x3E2413, 1.1)))
        .wall(&Paint::matte(Tint::Cloud(rgb(0x4C5B6B), rgb(0x3C4957), 0.7)), 2.0)
        .camera(V(-1.0, 2.4, 7.5), V(0.5, 1.55, 0.0), 2.0)
        .light(1, V(-0.6, 2.1, 1.5), V(1.0, 0.72, 0.4) * 0.9, 3.0)
        .exposure(1.25)
        .add(home::lamp(&foot, &shade).stand(-0.15, 0.0, 0.0, 1.0))
        .add(home::book(0.75, 0.52, 0.12, &Paint::paper(0x7A2E2A)).stand(1.5, 0.2, -18.0, 1.0))
        .add(home::book(0.65, 0.46, 0.10, &Paint::paper(0xC9A24E)).placed(
            V(1.55, 0.24, 0.2),
            V(0.0, 10.0, 0.0),
            1.0,
        ))
}

pub(super) fn oak_stool() -> Scene {
    let oak = Paint::wood(0xD8AE74, 0xA0703A, 1);
    Scene::new(&Paint::paper(0x9DB3A0))
        .camera(V(2.2, 3.6, 6.6), V(0.0, 0.85, 0.0), 2.2)
        .add(home::stool(&oak, &Paint::wood(0xDDB47C, 0xA2713C, 0)).stand(-0.1, 0.0, 10.0, 1.05))
}

pub(super) fn wall_clock() -> Scene {
    let brick = Paint::matte(Tint::Stripes(rgb(0xE7C6B0), rgb(0xDDB59B), V(1.0, 0.0, 0.0), 0.7, 0.5));
    from_right(Scene::new(&Paint::boards(0xCFA672, 0x8C6238, 0.7)))
        .wall(&brick, 0.32)
        .camera(V(0.5, 1.5, 7.0), V(-0.3, 1.15, 0.0), 2.25)
        .add(home::clock(&Paint::wood(0xA9713F, 0x6C4220, 2), home::dial).stand(0.0, 0.05, 0.0, 1.1))
        .add(table::potted_plant(&Paint::paper(0xF0EEE8), 0x3E6B3C, 0x7FA05A, 9).stand(-1.75, 0.5, 40.0, 0.5))
}

pub(super) fn city_backpack() -> Scene {
    Scene::new(&Paint::matte(Tint::Cloud(rgb(0xA9A9A6), rgb(0x8B8B89), 1.2)))
        .wall(&Paint::paper(0xE0B23C), 2.6)
        .camera(V(-2.0, 1.9, 7.4), V(0.15, 1.2, 0.0), 2.3)
        .add(
            home::backpack(
                &Paint::cloth(0x33506B, 0x2A4259, 40.0),
                &Paint::cloth(0x3C5F7E, 0x2F4A63, 40.0),
                &Paint::plastic(0x8A5530),
            )
            .stand(0.15, 0.0, 14.0, 1.05),
        )
}

pub(super) fn chess_set() -> Scene {
    let pale = Paint::wood(0xE7C591, 0xB98B52, 1).rough(0.3);
    let dark = Paint::wood(0x5E3620, 0x2E170C, 1).rough(0.3);
    let board = Paint::glazed(Tint::Checks(rgb(0xE3C79C), rgb(0x5A3822), 1.25)).rough(0.3);
    dim(Scene::new(&board))
        .wall(&Paint::paper(0x2D3B35), 6.0)
        .camera(V(2.6, 2.7, 7.0), V(0.25, 1.05, 0.0), 1.72)
        .light(0, V(-5.0, 5.5, 2.5), V(1.0, 0.9, 0.78) * 2.6, 8.0)
        .add(table::king(&pale).stand(-0.62, 0.62, 15.0, 0.95))
        .add(table::king(&dark).stand(1.87, -0.62, -20.0, 0.95))
        .add(table::pawn(&pale).stand(-1.87, -0.62, 0.0, 0.95))
        .add(table::pawn(&dark).stand(0.62, -1.87, 0.0, 0.95))
        .add(table::pawn(&dark).stand(0.62, 1.6, 0.0, 0.8))
}

pub(super) fn coral_headphones() -> Scene {
    Scene::new(&Paint::paper(0xE88873))
        .camera(V(2.6, 2.2, 6.2), V(0.0, 0.95, 0.0), 2.35)
        .light(0, V(-2.0, 7.0, 5.0), V(1.0, 0.98, 0.95) * 2.4, 6.0)
        .add(
            home::headphones(
                &Paint::plastic(0xF3F0EA),
                &Paint::plastic(0x3A3A40).rough(0.7),
                &Paint::metal(rgb(0xD9D6CF), 0.25),
            )
            .stand(0.0, 0.0, -18.0, 1.12),
        )
}

pub(super) fn enamel_kettle() -> Scene {
    let red = Paint::glazed(Tint::Speckle(rgb(0xB7281E), rgb(0xD65A48), 40.0, 0.10));
    Scene::new(
        &Paint::glazed(Tint::Terrazzo(rgb(0xE4E0D8), [rgb(0x9A6A54), rgb(0x6E7F7A), rgb(0xC9A777)], 3.0))
            .rough(0.3),
    )
    .wall(&Paint::paper(0xCFE0DC), 3.2)
    .camera(V(-1.2, 2.2, 6.6), V(0.0, 0.95, 0.0), 2.25)
    .size(1280, 960)
    .add(table::kettle(&red, &Paint::metal(rgb(0xCFCFCB), 0.2)).stand(0.45, 0.0, -30.0, 1.05))
    .add(table::mug(&Paint::glaze(0xF2EEE4)).stand(-1.7, 0.2, 200.0, 0.62))
}

pub(super) fn watering_can() -> Scene {
    let green = Paint::satin(Tint::Cloud(rgb(0x4E7A58), rgb(0x416A4C), 2.0)).rough(0.3);
    from_right(Scene::new(&Paint::matte(Tint::Cloud(rgb(0xC7BBAA), rgb(0xA89B89), 1.4)).grain(0.25, 30.0)))
        .wall(&Paint::matte(Tint::Stripes(rgb(0xF1EFE9), rgb(0xB9B6AC), V(0.0, 1.0, 0.0), 0.55, 0.08)), 2.8)
        .camera(V(0.4, 2.4, 7.4), V(0.15, 0.9, 0.0), 2.1)
        .size(1280, 960)
        .add(table::watering_can(&green, &Paint::metal(rgb(0xD6A95C), 0.25)).stand(-0.35, 0.0, 18.0, 1.1))
        .add(table::potted_plant(&Paint::paper(0xB9633D), 0x3C6B34, 0x86A84E, 7).stand(-2.1, -0.7, 30.0, 0.6))
}

pub(super) fn rubber_plant() -> Scene {
    Scene::new(&Paint::boards(0xC9A375, 0x8D683F, 0.8))
        .wall(&Paint::matte(Tint::Stripes(rgb(0xF3E7DC), rgb(0xEBD5C4), V(1.0, 0.0, 0.0), 1.3, 0.5)), 2.4)
        .camera(V(0.0, 2.8, 7.6), V(0.1, 1.4, 0.0), 2.1)
        .size(960, 1280)
        .add(
            table::potted_plant(
                &Paint::matte(Tint::Cloud(rgb(0xC06A42), rgb(0xA8552F), 2.0)),
                0x24502F,
                0x5F8F4A,
                15,
            )
            .stand(0.0, 0.0, 0.0, 1.0),
        )
}

pub(super) fn toy_blocks() -> Scene {
    let cube = |hex: u32| home::toy_block(&Paint::wood(hex, hex & 0x00C0_C0C0, 0).rough(0.45));
    Scene::new(&Paint::matte(Tint::Plaid(rgb(0xF1EAD9), rgb(0x9FB9C9), rgb(0xC05A48), 1.6)))
        .wall(&Paint::paper(0xF6E9C8), 4.5)
        .camera(V(-2.2, 3.0, 6.0), V(0.0, 0.85, 0.0), 2.1)
        .add(cube(0xD94F3D).stand(-0.9, 0.1, 8.0, 1.0))
        .add(cube(0x3F7FB8).stand(0.0, 0.0, -6.0, 1.0))
        .add(cube(0xE9B83A).stand(0.92, -0.1, 12.0, 1.0))
        .add(cube(0x5FA35A).placed(V(-0.45, 0.8, 0.05), V(0.0, 20.0, 0.0), 1.0))
        .add(cube(0xE9D9BC).placed(V(0.5, 0.8, -0.05), V(0.0, -8.0, 0.0), 1.0))
        .add(home::toy_roof(&Paint::wood(0xD94F3D, 0x9A3427, 2)).placed(
            V(0.02, 1.6, 0.0),
            V(0.0, 14.0, 0.0),
            1.0,
        ))
        .add(cube(0x3F7FB8).stand(1.7, 1.1, 40.0, 0.8))
}

pub(super) fn perfume() -> Scene {
    let label = Paint::satin(Tint::Plain(rgb(0xF7F3EC))).printed(Lay::Front, |u, v| {
        let rule = (v.abs() - 0.14).abs() < 0.006 || (u.abs() - 0.33).abs() < 0.006;
        let word = v.abs() < 0.05 && u.abs() < 0.2 && ((u + 0.2) * 15.0).fract() < 0.6;
        (rule || word).then(|| rgb(0x5A4320))
    });
    Scene::new(&Paint::glazed(Tint::Marble(rgb(0x2A2C33), rgb(0xC9C4BC), 0.9)).rough(0.15))
        .wall(&Paint::paper(0x6E4A5A), 3.0)
        .camera(V(1.4, 1.9, 6.0), V(-0.2, 0.95, 0.0), 2.3)
        .size(960, 1280)
        .add(home::perfume(0xE39A6A, &label).stand(0.0, 0.0, 10.0, 1.05))
        .add(table::apple(0xB8323A, 0x7A1F2A).stand(-1.25, -0.9, 30.0, 0.7))
}

pub(super) fn stacked_books() -> Scene {
    let cover = |hex: u32| Paint::cloth(hex, hex, 30.0).rough(0.8);
    let mut scene = from_right(Scene::new(&Paint::boards(0x7C5232, 0x3F2614, 1.0)))
        .wall(&Paint::matte(Tint::Tiles(rgb(0xBDB2A4), rgb(0x9C9184), 1.4)), 2.0)
        .camera(V(-1.6, 2.7, 6.6), V(0.2, 0.85, 0.0), 2.1)
        .size(1280, 960);
    let mut y = 0.0;
    for (i, (hex, w, h)) in [
        (0x2F4F4F, 1.15, 0.15),
        (0xA63D2F, 1.05, 0.12),
        (0xD8B45A, 1.1, 0.17),
        (0x3D5A80, 0.95, 0.11),
        (0xEAE3D2, 0.85, 0.13),
    ]
    .into_iter()
    .enumerate()
    {
        let turn = [4.0, -9.0, 3.0, 12.0, -5.0][i];
        scene = scene.add(home::book(w, w * 0.7, h, &cover(hex)).placed(
            V(-0.35, y, 0.0),
            V(0.0, turn, 0.0),
            1.0,
        ));
        y += 2.0 * h;
    }
    scene.add(table::mug(&Paint::glaze(0xE6DFCF)).stand(1.7, 0.5, 30.0, 0.62)).add(
        home::book(0.8, 0.55, 0.12, &cover(0x6B4C7A)).placed(V(1.35, 0.78, -0.7), V(0.0, 20.0, 82.0), 1.0),
    )
}

pub(super) fn shelf_speaker() -> Scene {
    dim(Scene::new(&Paint::glazed(Tint::Cloud(rgb(0x8F9398), rgb(0x7E8287), 0.8)).rough(0.3)))
        .wall(&Paint::matte(Tint::Stripes(rgb(0x7A5A44), rgb(0x4E3728), V(1.0, 0.0, 0.0), 0.28, 0.4)), 2.0)
        .camera(V(-2.8, 2.1, 6.6), V(0.2, 1.2, 0.0), 2.05)
        .light(0, V(-4.0, 6.5, 5.0), V(1.0, 0.93, 0.85) * 2.4, 7.0)
        .light(1, V(6.0, 3.0, 1.0), V(0.6, 0.8, 1.0) * 0.8, 4.0)
        .add(home::speaker(&Paint::wood(0x9A6238, 0x5B351B, 1)).stand(0.0, 0.0, 16.0, 1.02))
}

pub(super) fn dumbbells() -> Scene {
    let rubber = Paint::matte(Tint::Cloud(rgb(0x2C2D31), rgb(0x232428), 4.0)).rough(0.55).grain(0.15, 50.0);
    Scene::new(&Paint::matte(Tint::Speckle(rgb(0x4A5058), rgb(0xE0C040), 9.0, 0.13)))
        .wall(&Paint::paper(0xC8CDD2), 4.5)
        .camera(V(2.4, 3.4, 5.4), V(0.0, 0.35, 0.0), 2.0)
        .size(1280, 960)
        .add(home::dumbbell(&rubber).stand(-0.25, 0.6, 22.0, 1.0))
        .add(home::dumbbell(&rubber).stand(0.35, -0.9, 34.0, 1.0))
}

pub(super) fn soap_bars() -> Scene {
    let bar = |a: u32, b: u32| home::soap(&Paint::satin(Tint::Marble(rgb(a), rgb(b), 1.4)).rough(0.45));
    from_right(Scene::new(&Paint::cloth(0x7D94A6, 0x6C8396, 18.0)))
        .wall(&Paint::paper(0xEDEAE4), 5.0)
        .camera(V(-1.0, 5.2, 4.2), V(0.0, 0.2, 0.05), 2.05)
        .add(bar(0xF3E6D2, 0xC99A6B).stand(-0.85, 0.75, 30.0, 1.0))
        .add(bar(0xCFE0C8, 0x6E9A78).stand(0.85, 0.45, -12.0, 1.0))
        .add(bar(0xE9C9D2, 0xB86A86).stand(-0.25, -0.85, 8.0, 1.0))
        .add(boxes::slip().stand(1.65, -1.3, -30.0, 0.9))
}

pub(super) fn fruit_bowl() -> Scene {
    let bowl = Paint::wood(0xB98350, 0x7B4C26, 1).rough(0.35);
    let fruit = table::ring_of(4, 0.48, 20.0, |i| {
        if i % 2 == 0 { table::apple(0xC93A2E, 0xE0A23C) } else { table::apple(0x9DB94A, 0xCBBE5A) }
    });
    Scene::new(&Paint::matte(Tint::Checks(rgb(0xF2EDE2), rgb(0xA9BFA3), 0.62)))
        .wall(&Paint::paper(0x5F7F86), 3.4)
        .camera(V(1.5, 3.2, 6.4), V(0.0, 0.7, 0.0), 2.2)
        .add(table::bowl(&bowl).stand(0.0, 0.0, 0.0, 1.15))
        .add(fruit.placed(V(0.0, 0.50, 0.0), V::ZERO, 1.0))
        .add(table::apple(0xD98B2B, 0xE7B24A).placed(V(0.0, 1.0, 0.05), V(14.0, 60.0, 8.0), 1.0))
        .add(table::apple(0xC93A2E, 0xE0A23C).stand(1.65, 0.7, 0.0, 0.85))
}

pub(super) fn candlesticks() -> Scene {
    let brass = Paint::metal(rgb(0xD9AE5F), 0.22);
    dim(Scene::new(&Paint::boards(0x5C3A24, 0x2C190E, 0.9)))
        .wall(&Paint::matte(Tint::Cloud(rgb(0x7C3B34), rgb(0x5E2A26), 0.8)), 2.6)
        .camera(V(0.6, 2.2, 7.6), V(0.0, 1.35, 0.0), 2.05)
        .size(960, 1280)
        .light(1, V(0.5, 3.2, 2.6), V(1.0, 0.7, 0.36) * 0.8, 3.0)
        .exposure(1.2)
        .add(table::candlestick(&brass, 1.9).stand(-0.65, -0.2, 0.0, 1.0))
        .add(table::candlestick(&brass, 1.2).stand(0.6, 0.5, 0.0, 1.0))
        .add(
            home::frame(0.55, 0.7, &Paint::wood(0x3A2417, 0x1E120B, 0), |u, v| {
                let sun = (u * u + (v - 0.2) * (v - 0.2)).sqrt() < 0.17;
                let hill = v < -0.1 + 0.12 * super::maths::sin(u * 6.0);
                if sun { Some(rgb(0xE0A040)) } else { hill.then(|| rgb(0x4A6A6A)) }
            })
            .placed(V(1.0, 0.08, -1.3), V(-8.0, -14.0, 0.0), 1.0),
        )
}

pub(super) fn plaid_cushions() -> Scene {
    let plaid = Paint::matte(Tint::Plaid(rgb(0xE8E0D0), rgb(0x3F6072), rgb(0xC2553E), 0.7)).grain(0.1, 60.0);
    Scene::new(&Paint::cloth(0xBFC6C4, 0xAEB6B4, 14.0))
        .wall(&Paint::matte(Tint::Dots(rgb(0xD8C3A5), rgb(0xC9AE88), 0.9, 0.2)), 1.6)
        .camera(V(-0.8, 2.0, 6.6), V(0.0, 0.95, 0.0), 2.1)
        .size(1280, 960)
        .add(home::cushion(&plaid).placed(V(-0.75, 0.0, -0.2), V(-14.0, 12.0, 4.0), 1.0))
        .add(home::cushion(&Paint::cloth(0xC9833F, 0xB8732F, 24.0)).placed(
            V(0.95, 0.0, 0.35),
            V(-16.0, -14.0, -6.0),
            0.85,
        ))
}
