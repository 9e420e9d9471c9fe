//! Crops, turns, mirror images, other proportions.

use super::{pixels::Shot, random::Random};
use image::imageops;

const WHITE: [f32; 3] = [255.0; 3];

/// Loses `share` of the area, from any sides.
pub(crate) fn crop(shot: &Shot, share: f32, random: &mut Random) -> Shot {
    let (width, height) = shot.picture.dimensions();
    let (keep, uneven) = ((1.0 - share).sqrt(), random.within(-0.12, 0.12));
    let side = |length: u32, factor: f32| ((length as f32 * factor.min(0.995)) as u32).clamp(1, length);
    let across = side(width, keep * (1.0 + uneven));
    let down = side(height, keep / (1.0 + uneven));
    let x = random.below((width - across + 1) as usize) as u32;
    let y = random.below((height - down + 1) as usize) as u32;
    Shot {
        picture: imageops::crop_imm(&shot.picture, x, y, across, down).to_image(),
        mask: shot.mask.as_ref().map(|mask| imageops::crop_imm(mask, x, y, across, down).to_image()),
    }
}

/// Turned by any angle, degrees; white where nothing is. The frame grows to hold everything, or stays as it
/// was.
pub(crate) fn turn(shot: &Shot, degrees: f32, grows: bool) -> Shot {
    let (width, height) = (shot.picture.width() as f32, shot.picture.height() as f32);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (across, down) = if grows {
        (width * cos.abs() + height * sin.abs(), width * sin.abs() + height * cos.abs())
    } else {
        (width, height)
    };
    shot.warped(
        (across as u32, down as u32),
        |_, _| WHITE,
        |x, y| {
            let (dx, dy) = (x + 0.5 - across / 2.0, y + 0.5 - down / 2.0);
            (dx * cos - dy * sin + width / 2.0 - 0.5, dx * sin + dy * cos + height / 2.0 - 0.5)
        },
    )
}

/// Turned by a quarter, counter-clockwise.
pub(crate) fn quarter_turn(shot: &Shot) -> Shot {
    Shot { picture: imageops::rotate270(&shot.picture), mask: shot.mask.as_ref().map(imageops::rotate270) }
}

/// Left and right exchanged.
pub(crate) fn mirror(shot: &Shot) -> Shot {
    Shot {
        picture: imageops::flip_horizontal(&shot.picture),
        mask: shot.mask.as_ref().map(imageops::flip_horizontal),
    }
}

/// Lower by a fifth.
pub(crate) fn squeezed(shot: &Shot) -> Shot {
    shot.resized(shot.picture.width(), (shot.picture.height() as f32 * 0.8) as u32)
}
