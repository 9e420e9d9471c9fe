//! The attacks: what happens to a photograph before it comes back as a refund photo.
//!
//! Owns the list of classes and their making, a pure function of the original, other pictures, the class and
//! a seed. It must not know the registry. The damage is procedural, and so are screens and models: results on
//! it are no promise about what people make by hand.

mod damage;
mod encode;
mod field;
mod fill;
mod filters;
mod geometry;
mod pixels;
pub(crate) mod random;
mod rephoto;
mod screen;

pub(crate) use damage::{Damage, Size};
pub(crate) use pixels::{jpeg_bytes, resize};

use image::{GrayImage, RgbImage};
use pixels::{Shot, blur, jpeg};
use random::Random;

/// What is done to the whole picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    /// JPEG at a quality.
    Jpeg(u8),
    /// Lossy WebP, modelled.
    WebP,
    /// Another size, by a factor in percent.
    Resize(u8),
    /// Long side 160 pixels.
    Thumbnail,
    /// Out of focus.
    Blur,
    /// A photo app's filter; strength in percent.
    Tone(u8),
    /// A crop that loses this percentage of the area.
    Crop(u8),
    /// A turn in tenths of a degree, and whether the frame grows with it.
    Turn(i16, bool),
    /// A quarter turn.
    QuarterTurn,
    /// Left and right exchanged.
    Mirror,
    /// Lower by a fifth.
    Squeeze,
    /// Captions and faces on the picture.
    Overlay,
    /// A screenshot of a shop's page.
    Page,
    /// The upper part of such a screenshot.
    PagePart,
    /// Such a screenshot cut to the picture.
    PagePicture,
    /// A camera's time stamp on the picture.
    TimeStamp,
    /// A screenshot of a picture viewer.
    Viewer,
    /// Photographed from a screen; level in percent.
    Rephoto(u8),
    /// The same from a screen that reflects a lamp.
    Lamp,
    /// One of four pictures in a grid.
    Grid,
    /// Small on another picture.
    Pasted,
    /// Rendered again: 1 light, 2 medium, 3 strong.
    Rerender(u8),
}

/// One class of attacks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Class {
    /// Name in tables and files.
    pub(crate) name: String,
    /// What is painted first.
    pub(crate) damage: Option<(Damage, Size)>,
    /// What is done then.
    pub(crate) change: Change,
}

impl Class {
    /// Whether nothing was painted, laid over or drawn anew: no alteration may be reported. The poor
    /// photograph of a screen is left out, as its glare and grid are alterations of a kind.
    pub(crate) fn is_harmless(&self) -> bool {
        self.damage.is_none()
            && !matches!(self.change, Change::Overlay | Change::Rerender(_))
            && self.change != Change::Rephoto(180)
    }

    /// Whether damage was painted and the photo then only encoded.
    pub(crate) fn is_painted_only(&self) -> bool {
        self.damage.is_some() && self.change == Change::Jpeg(85)
    }
}

/// An attacked photograph.
pub(crate) struct Attacked {
    /// What comes back.
    pub(crate) picture: RgbImage,
    /// White where damage lies in it; none where nothing was painted.
    pub(crate) mask: Option<GrayImage>,
}

/// All 72 classes: 30 without damage, 21 of damage alone, 15 of damage and a change, 6 rendered again.
pub(crate) fn classes() -> Vec<Class> {
    use Change::{
        Blur, Crop, Grid, Jpeg, Lamp, Mirror, Overlay, Page, PagePart, PagePicture, Pasted, QuarterTurn,
        Rephoto, Rerender, Resize, Squeeze, Thumbnail, TimeStamp, Tone, Turn, Viewer, WebP,
    };
    let plain = |(name, change): (&str, Change)| Class { name: name.to_owned(), damage: None, change };
    let mut classes: Vec<Class> = [
        ("jpeg 60", Jpeg(60)),
        ("jpeg 30", Jpeg(30)),
        ("webp 50", WebP),
        ("resize 0.5", Resize(50)),
        ("resize 0.3", Resize(30)),
        ("160 pixels", Thumbnail),
        ("blur", Blur),
        ("filter", Tone(60)),
        ("strong filter", Tone(130)),
        ("crop 5", Crop(5)),
        ("crop 10", Crop(10)),
        ("crop 20", Crop(20)),
        ("crop 40", Crop(40)),
        ("crop 60", Crop(60)),
        ("turn 1", Turn(12, false)),
        ("turn 5", Turn(-50, true)),
        ("turn 90", QuarterTurn),
        ("mirror", Mirror),
        ("squeeze", Squeeze),
        ("text and faces", Overlay),
        ("shop page", Page),
        ("shop page, part", PagePart),
        ("shop page, picture", PagePicture),
        ("time stamp", TimeStamp),
        ("viewer", Viewer),
        ("screen photo", Rephoto(100)),
        ("screen photo, poor", Rephoto(180)),
        ("screen photo, lamp", Lamp),
        ("grid of four", Grid),
        ("pasted", Pasted),
    ]
    .map(plain)
    .into();
    let after = |damage: Damage, size: Size, change: Change, name: &str| {
        let plus = if name.is_empty() { "" } else { " + " };
        let name = format!("{} {}{plus}{name}", damage.name(), size.name());
        Class { name, damage: Some((damage, size)), change }
    };
    for damage in Damage::ALL {
        classes.extend(Size::ALL.map(|size| after(damage, size, Jpeg(85), "")));
    }
    for damage in [Damage::Crack, Damage::Stain, Damage::Clone] {
        let further = [
            (Jpeg(50), "jpeg 50"),
            (Resize(40), "resize 0.4"),
            (Crop(15), "crop 15"),
            (Page, "shop page"),
            (Rephoto(100), "screen photo"),
        ];
        classes.extend(further.map(|(change, name)| after(damage, Size::Medium, change, name)));
    }
    classes.extend(
        [("render light", Rerender(1)), ("render medium", Rerender(2)), ("render strong", Rerender(3))]
            .map(plain),
    );
    classes.extend([
        after(Damage::Crack, Size::Medium, Rerender(1), "render light"),
        after(Damage::Stain, Size::Medium, Rerender(2), "render medium"),
        after(Damage::Tear, Size::Medium, Rerender(2), "render medium"),
    ]);
    classes
}

/// Attacks `original`. `others` are pictures for patches and collages; without any, the original turned
/// upside down serves.
pub(crate) fn apply(class: &Class, original: &RgbImage, others: &[RgbImage], seed: u64) -> Attacked {
    let turned = [image::imageops::rotate180(original)];
    let others = if others.is_empty() { &turned[..] } else { others };
    let [other, ..] = others else {
        return Attacked { picture: original.clone(), mask: None };
    };
    let shot = match class.damage {
        None => Shot { picture: original.clone(), mask: None },
        Some((damage, size)) => {
            // The same damage whatever is done afterwards.
            let mut random = Random::new(&format!("{} {}", damage.name(), size.name()), seed);
            damage::paint(damage, size, original, other, &mut random)
        }
    };
    let mut random = Random::new(&class.name, seed);
    let Shot { picture, mask } = changed(shot, class.change, others, other, &mut random);
    Attacked { picture, mask }
}

fn changed(shot: Shot, change: Change, others: &[RgbImage], other: &RgbImage, random: &mut Random) -> Shot {
    let encoded = |shot: Shot, quality: u8| shot.recoloured(|picture| jpeg(picture, quality));
    let long = shot.picture.width().max(shot.picture.height()) as f32;
    let percent = |value: u8| f32::from(value) / 100.0;
    match change {
        Change::Jpeg(quality) => encoded(shot, quality),
        Change::WebP => shot.recoloured(encode::webp),
        Change::Resize(factor) => encoded(shot.scaled(percent(factor)), 80),
        Change::Thumbnail => encoded(shot.scaled(160.0 / long), 75),
        Change::Blur => encoded(shot.recoloured(|picture| blur(picture, 0.004 * long)), 85),
        Change::Tone(level) => {
            let toned = shot.recoloured(|picture| filters::tone(picture, percent(level), random));
            encoded(toned, if level > 100 { 80 } else { 85 })
        }
        Change::Crop(share) => encoded(geometry::crop(&shot, percent(share), random), 85),
        Change::Turn(tenths, grows) => encoded(geometry::turn(&shot, f32::from(tenths) / 10.0, grows), 85),
        Change::QuarterTurn => encoded(geometry::quarter_turn(&shot), 85),
        Change::Mirror => encoded(geometry::mirror(&shot), 85),
        Change::Squeeze => encoded(geometry::squeezed(&shot), 85),
        Change::Overlay => shot.recoloured(|picture| screen::overlay(picture, random)),
        Change::Page => screen::page(&shot, random),
        Change::PagePart => screen::page_part(&shot, random),
        Change::PagePicture => screen::page_picture(&shot, random),
        Change::TimeStamp => shot.recoloured(|picture| screen::time_stamp(picture, random)),
        Change::Viewer => screen::viewer(&shot),
        Change::Rephoto(level) => rephoto::rephoto(&shot, percent(level), random),
        Change::Lamp => {
            let shot = rephoto::rephoto(&shot, 1.0, random);
            encoded(shot.recoloured(|picture| rephoto::lamp(picture, random)), 85)
        }
        Change::Grid => {
            screen::grid(&shot, others.get(1..).filter(|rest| !rest.is_empty()).unwrap_or(others), random)
        }
        Change::Pasted => screen::pasted(&shot, other, random),
        Change::Rerender(level) => rephoto::rerender(&shot, level, random),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;
    use image::Rgb;
    use rayon::prelude::*;

    /// A small still life: a bright thing with stripes on a dark table.
    fn original() -> RgbImage {
        RgbImage::from_fn(160, 120, |x, y| {
            let far = (x as f32 - 85.0).hypot(y as f32 - 60.0);
            let stripes = ((x / 6 + y / 9) % 2 * 40) as u8;
            if far < 42.0 {
                Rgb([190 - stripes, 150, 90 + stripes])
            } else {
                Rgb([50, 56 + (y / 8) as u8, 60])
            }
        })
    }

    fn others() -> Vec<RgbImage> {
        (0..3)
            .map(|n| RgbImage::from_fn(90, 110, |x, y| Rgb([(x * 2) as u8, (y * 2) as u8, 70 * n])))
            .collect()
    }

    #[test]
    fn there_are_72_classes_of_different_names() {
        let names: std::collections::BTreeSet<String> =
            classes().into_iter().map(|class| class.name).collect();
        assert_eq!((classes().len(), names.len()), (72, 72));
    }

    /// Twice the same; a mask as large as the picture wherever something was painted, and only there.
    #[test]
    fn an_attack_is_a_function_of_its_seed_and_masks_what_it_paints() {
        let (original, others) = (original(), others());
        classes().par_iter().for_each(|class| {
            let Attacked { picture, mask } = apply(class, &original, &others, 3);
            let again = apply(class, &original, &others, 3);
            assert!(picture == again.picture && mask == again.mask, "{}", class.name);
            assert_ne!(picture, original, "{} changes nothing", class.name);
            assert_eq!(mask.is_some(), class.damage.is_some(), "{}", class.name);
            assert!(!class.is_harmless() || mask.is_none(), "{}", class.name);
            assert!(mask.is_none_or(|mask| mask.dimensions() == picture.dimensions()), "{}", class.name);
            if class.is_painted_only() {
                let other = apply(class, &original, &others, 4);
                assert_ne!(picture, other.picture, "{} ignores the seed", class.name);
            }
        });
        assert_eq!(classes().iter().filter(|class| class.is_harmless()).count(), 28);
    }

    /// Paint covers what the mask says and next to nothing else, about as much as its size says.
    #[test]
    fn the_mask_lies_where_pixels_changed() {
        let (original, others) = (original(), others());
        for damage in Damage::ALL {
            for (size, least, most) in
                [(Size::Small, 0.001, 0.08), (Size::Medium, 0.005, 0.15), (Size::Large, 0.015, 0.3)]
            {
                let mut random = Random::new("mask", 5);
                let shot = damage::paint(damage, size, &original, &others[0], &mut random);
                let mask = shot.mask.unwrap();
                let (mut marked, mut moved_inside, mut moved_outside) = (0, 0, 0);
                for ((before, after), mask) in original.pixels().zip(shot.picture.pixels()).zip(mask.pixels())
                {
                    let moved = (0..3).any(|at| before.0[at].abs_diff(after.0[at]) > 13);
                    marked += u32::from(mask.0[0] > 0);
                    moved_inside += u32::from(moved && mask.0[0] > 0);
                    moved_outside += u32::from(moved && mask.0[0] == 0);
                }
                let share = f64::from(marked) / f64::from(160 * 120);
                assert!((least..most).contains(&share), "{damage:?} {size:?} covers {share}");
                assert_eq!(moved_outside, 0, "{damage:?} {size:?}");
                assert!(moved_inside * 2 > marked, "{damage:?} {size:?}: {moved_inside} of {marked}");
            }
        }
    }

    /// The mask travels with the picture: a red square on black stays where the mask says.
    #[test]
    fn the_mask_goes_where_the_paint_goes() {
        let square = |x: u32, y: u32| (60..90).contains(&x) && (40..70).contains(&y);
        let shot = || Shot {
            picture: RgbImage::from_fn(160, 120, |x, y| Rgb([if square(x, y) { 255 } else { 0 }, 0, 0])),
            mask: Some(GrayImage::from_fn(160, 120, |x, y| {
                image::Luma([if square(x, y) { 255 } else { 0 }])
            })),
        };
        let moves = [
            Change::Crop(15),
            Change::Turn(-50, false),
            Change::QuarterTurn,
            Change::Mirror,
            Change::Squeeze,
            Change::Resize(50),
            Change::Rephoto(100),
            Change::Viewer,
        ];
        for change in moves {
            let mut random = Random::new("moves", 2);
            let moved = changed(shot(), change, &others(), &others()[0], &mut random);
            let mask = moved.mask.unwrap();
            let (mut both, mut either) = (0_u32, 0_u32);
            for (pixel, mask) in moved.picture.pixels().zip(mask.pixels()) {
                let red = pixel.0[0] > 110 && pixel.0[2] < 110;
                both += u32::from(red && mask.0[0] > 0);
                either += u32::from(red || mask.0[0] > 0);
            }
            assert!(f64::from(both) > 0.85 * f64::from(either), "{change:?}: {both} of {either}");
        }
    }
}
