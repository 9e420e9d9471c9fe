//! Pictures no one registered: what honest buyers take at home.

use super::household as home;
use super::listing::{dim, from_right};
use super::maths::{V, rgb};
use super::paint::{Paint, Tint};
use super::scene::Scene;
use super::tableware as table;

pub(super) fn mug_on_sill() -> Scene {
    let pane = Paint::lamp(rgb(0xBFD9EA), 0.75).printed(super::paint::Lay::Front, |u, v| {
        let bar = (u - 0.6).abs() < 0.14 || (v - 1.9).abs() < 0.10 || u < -2.2;
        let trees = v < 1.2 + 0.25 * super::maths::sin(u * 3.1) + 0.12 * super::maths::sin(u * 9.7);
        if bar { Some(rgb(0xF4F2EC)) } else { trees.then(|| rgb(0x5F7F5A)) }
    });
    Scene::new(&Paint::satin(Tint::Cloud(rgb(0xEDEBE4), rgb(0xDEDBD2), 0.8)))
        .wall(&pane, 1.3)
        .camera(V(-0.9, 2.1, 5.4), V(-0.35, 0.95, 0.0), 1.8)
        .light(0, V(2.5, 4.5, -1.0), V(0.9, 0.97, 1.0) * 2.6, 5.0)
        .light(1, V(-3.0, 3.0, 6.0), V(1.0, 0.9, 0.8) * 0.4, 3.0)
        .roll(-3.0)
        .add(table::mug(&table::striped()).stand(-0.9, 0.3, 50.0, 1.0))
        .add(table::potted_plant(&Paint::glaze(0x46607A), 0x3E6B3C, 0x86A84E, 8).stand(1.3, -0.2, 10.0, 0.55))
}

pub(super) fn vase_on_shelf() -> Scene {
    from_right(Scene::new(&Paint::boards(0xE2C9A4, 0xBE9C6E, 1.4)))
        .wall(&Paint::matte(Tint::Dots(rgb(0x4E6A5E), rgb(0xC9B36A), 0.6, 0.09)), 1.1)
        .camera(V(-2.4, 1.6, 6.4), V(-0.2, 1.3, 0.0), 1.75)
        .roll(4.0)
        .add(table::vase(&table::celadon()).stand(0.55, 0.1, 70.0, 0.95))
        .add(home::book(0.7, 0.5, 0.13, &Paint::paper(0x7A3B2E)).placed(
            V(-1.35, 0.72, 0.0),
            V(0.0, 90.0, 88.0),
            1.0,
        ))
        .add(home::book(0.75, 0.5, 0.11, &Paint::paper(0x2F4A6A)).placed(
            V(-1.0, 0.76, 0.0),
            V(0.0, 90.0, 84.0),
            1.0,
        ))
        .add(home::book(0.65, 0.5, 0.14, &Paint::paper(0xC9A24E)).placed(
            V(-0.62, 0.67, 0.0),
            V(0.0, 90.0, 80.0),
            1.0,
        ))
}

pub(super) fn breakfast_from_above() -> Scene {
    let plate = Paint::glazed(Tint::Speckle(rgb(0xE2D3BC), rgb(0x6A4A36), 30.0, 0.16)).rough(0.3);
    Scene::new(&Paint::matte(Tint::Plaid(rgb(0xC94F45), rgb(0xF2E9DC), rgb(0x2E4A3A), 1.1)))
        .wall(&Paint::paper(0xFFFFFF), 9.0)
        .camera(V(0.3, 8.5, 0.8), V(0.15, 0.0, 0.1), 1.7)
        .roll(-11.0)
        .add(table::plate(&plate).stand(-0.5, 0.5, 0.0, 1.3))
        .add(table::apple(0xC93A2E, 0xE0A23C).stand(-0.75, 0.3, 0.0, 0.75))
        .add(table::apple(0x9DB94A, 0xCBBE5A).stand(-0.15, 0.85, 0.0, 0.7))
        .add(table::mug(&Paint::glaze(0x2F5D62)).stand(1.35, -1.1, 35.0, 0.95))
        .add(table::coffee().stand(1.35, -1.1, 0.0, 0.95))
}

pub(super) fn umbrella_in_hall() -> Scene {
    let cloth = Paint::satin(Tint::Plain(rgb(0xD9A321))).rough(0.6);
    Scene::new(&Paint::glazed(Tint::Checks(rgb(0xD9D4C8), rgb(0x6A7A80), 1.0)).rough(0.3))
        .wall(
            &Paint::matte(Tint::Zones(vec![(1.3, rgb(0xF2F0EA)), (1.42, rgb(0xD8D4CA))], rgb(0x7F9AA0))),
            2.6,
        )
        .camera(V(1.6, 2.6, 7.6), V(-0.2, 1.05, 0.0), 1.75)
        .add(home::umbrella(&cloth).placed(V(-0.1, 0.12, 0.0), V(0.0, 28.0, 0.0), 0.95))
}

pub(super) fn phone_on_desk() -> Scene {
    dim(Scene::new(&Paint::boards(0xA87B50, 0x6B4526, 1.3)))
        .wall(&Paint::paper(0x59636B), 5.0)
        .camera(V(2.2, 4.6, 4.4), V(0.1, 0.5, 0.0), 1.85)
        .light(0, V(4.0, 6.0, -1.0), V(1.0, 0.9, 0.75) * 2.2, 6.0)
        .exposure(1.1)
        .add(
            home::phone(|u, v| {
                if u.abs() > 0.42 || v.abs() > 0.91 {
                    return None;
                }
                let tile = |x: f32| (x * 4.4 + 40.0).fract();
                let icon = tile(u) > 0.2 && tile(v) > 0.2 && v < 0.4;
                let pick = super::maths::hash01((u * 4.4 + 40.0) as i32, (v * 4.4 + 40.0) as i32, 6);
                let hue = rgb(0x2F6FB0).mix(rgb(0xE07A3F), pick);
                Some(if icon { hue } else { rgb(0x1A2B4A).mix(rgb(0x6A4A8A), v * 0.5 + 0.5) })
            })
            .placed(V(-0.5, 0.42, -0.1), V(-62.0, 22.0, 0.0), 1.0),
        )
        .add(home::book(0.8, 0.6, 0.2, &Paint::paper(0x4A6A4A)).stand(-0.6, -0.7, 22.0, 1.0))
        .add(table::mug(&Paint::glaze(0xE8E4DA)).stand(1.3, -0.5, -60.0, 0.8))
        .add(table::coffee().stand(1.3, -0.5, 0.0, 0.8))
        .add(
            home::headphones(
                &Paint::plastic(0x2F3A46),
                &Paint::plastic(0x1F2226),
                &Paint::metal(rgb(0x9A9A9A), 0.3),
            )
            .placed(V(0.75, 0.16, 1.45), V(-90.0, 0.0, 30.0), 0.7),
        )
}
