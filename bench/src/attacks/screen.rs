//! What phones lay around and over a picture: captions and faces, shop pages, picture viewers.

use super::{
    pixels::{Shot, jpeg, resize},
    random::{Random, shuffle},
};
use crate::vector;
use image::{Rgb, RgbImage, imageops};
use std::fmt::Write;

/// A phone's screen, pixels.
const SCREEN: (u32, u32) = (1_080, 2_340);
const CAPTIONS: [&str; 6] =
    ["BROKEN!!", "SALE -50%", "refund pls", "see damage here", "2026-03-14 10:22", "NEW"];
const WORDS: [&str; 24] = [
    "new", "season", "soft", "cotton", "steel", "handmade", "gift", "box", "free", "delivery", "returns",
    "within", "seven", "days", "official", "store", "original", "limited", "colour", "large", "family",
    "fresh", "natural", "home",
];

/// Captions and smiling faces laid over the picture.
pub(crate) fn overlay(picture: &RgbImage, random: &mut Random) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let mut body = String::new();
    let mut captions = CAPTIONS;
    shuffle(&mut captions, random);
    for caption in captions.iter().take(2) {
        let size = height / 13.0 * random.within(0.6, 1.0);
        let colour = [(); 3].map(|()| random.below(256));
        let _ = write!(
            body,
            "<text x='{}' y='{}' font-size='{size}' font-weight='500' fill='rgb({},{},{})'>{caption}</text>",
            width * random.within(0.03, 0.4),
            height * random.within(0.12, 0.95),
            colour[0],
            colour[1],
            colour[2],
        );
    }
    for _ in 0..2 {
        let radius = 0.07 * width.min(height);
        let (x, y) = (width * random.within(0.15, 0.85), height * random.within(0.15, 0.85));
        let _ = write!(
            body,
            "<g transform='translate({x} {y}) scale({radius})'>\
             <circle r='1' fill='#fac828'/><circle cx='-.35' cy='-.25' r='.13' fill='#222'/>\
             <circle cx='.35' cy='-.25' r='.13' fill='#222'/>\
             <path d='M-.5 .2 A.52 .5 0 0 0 .5 .2' fill='none' stroke='#222' stroke-width='.12'/></g>"
        );
    }
    let mut result = picture.clone();
    vector::draw_over(&mut result, &body);
    jpeg(&result, 80)
}

/// The bar at the top of a phone.
fn status_bar(colour: &str) -> String {
    format!(
        "<g fill='{colour}'><text x='48' y='62' font-size='42' font-weight='500'>10:42</text>\
         <rect x='960' y='36' width='64' height='28' rx='8' fill='none' stroke='{colour}' \
         stroke-width='4'/><rect x='966' y='42' width='40' height='16' rx='3'/>\
         <path d='M880 64 v-8 h8 v8z M894 64 v-16 h8 v16z M908 64 v-24 h8 v24z M922 64 v-32 h8 v32z'/></g>"
    )
}

/// What a shop's page lays over a picture of `width` pixels from `top` to `bottom`: one button at the left, one to three
/// at the right, a counter in a corner or the middle, and in one of three a gallery's dots.
fn buttons(width: u32, top: u32, bottom: u32, random: &mut Random) -> String {
    let (row, radius) = (top + 70, 32 + random.below(9) as u32);
    let gap = 4 + random.below(60) as u32;
    let at = |from_right: u32| width - 72 - from_right * (2 * radius + gap);
    let (count, middle) = (1 + random.below(3) as u32, random.below(2) == 0);
    let counter = if middle { width / 2 } else { width - 95 };
    let mut discs = format!("<circle cx='72' cy='{row}' r='{radius}'/>");
    let mut glyphs =
        format!("<path d='M80 {} l-16 16 l16 16' fill='none' stroke='#fff' stroke-width='6'/>", row - 16);
    for index in 0..count {
        let x = at(index);
        let _ = write!(discs, "<circle cx='{x}' cy='{row}' r='{radius}'/>");
        let _ = match index {
            0 => write!(
                glyphs,
                "<circle cx='{}' cy='{row}' r='4'/><circle cx='{x}' cy='{row}' r='4'/>\
                 <circle cx='{}' cy='{row}' r='4'/>",
                x - 14,
                x + 14
            ),
            1 => write!(
                glyphs,
                "<path d='M{} {} v18 h28 v-18 M{x} {} v-28' fill='none' stroke='#fff' stroke-width='5'/>",
                x - 14,
                row - 2,
                row + 6
            ),
            _ => write!(glyphs, "<path d='M{x} {} l-15 -15 a9 9 0 0 1 15 -10 a9 9 0 0 1 15 10z'/>", row + 14),
        };
    }
    let _ = write!(
        discs,
        "<rect x='{}' y='{}' width='110' height='54' rx='27'/>",
        counter - 55,
        bottom.saturating_sub(84)
    );
    let _ = write!(
        glyphs,
        "<text x='{counter}' y='{}' font-size='34' text-anchor='middle'>1/5</text>",
        bottom.saturating_sub(45)
    );
    if !middle && random.below(3) < 2 {
        for index in 0..5 {
            let colour = if index == 0 { "#ff5000" } else { "#fff" };
            let x = width / 2 - 60 + 30 * index;
            let _ =
                write!(glyphs, "<circle cx='{x}' cy='{}' r='8' fill='{colour}'/>", bottom.saturating_sub(40));
        }
    }
    format!("<g fill='#000' fill-opacity='.42'>{discs}</g><g fill='#fff'>{glyphs}</g>")
}

/// The picture as a shop's page shows it, cut to it.
pub(crate) fn page_picture(shot: &Shot, random: &mut Random) -> Shot {
    let (width, _) = SCREEN;
    let height = (shot.picture.height() as f32 * width as f32 / shot.picture.width() as f32) as u32;
    let mut shot = shot.resized(width, height);
    vector::draw_over(&mut shot.picture, &buttons(width, 0, height, random));
    shot.recoloured(|picture| jpeg(picture, 85))
}

/// A camera's time stamp in a corner below, in white, black or orange.
pub(crate) fn time_stamp(picture: &RgbImage, random: &mut Random) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let size = random.within(0.03, 0.045) * width.max(height);
    let colour = random.of(&["#fff", "#fff", "#000", "#ff8c1e"]);
    let text = format!(
        "2026-{:02}-{:02} {:02}:{:02}",
        1 + random.below(12),
        1 + random.below(28),
        random.below(24),
        random.below(60)
    );
    let (x, anchor) = if random.below(2) == 0 { (0.04 * width, "start") } else { (0.96 * width, "end") };
    let body = format!(
        "<text x='{x}' y='{}' font-size='{size}' font-weight='500' text-anchor='{anchor}' \
         fill='{colour}'>{text}</text>",
        height - 0.04 * width.max(height)
    );
    let mut result = picture.clone();
    vector::draw_over(&mut result, &body);
    jpeg(&result, 85)
}

/// A shop's page with the picture across its whole width, buttons on it and text below.
pub(crate) fn page(shot: &Shot, random: &mut Random) -> Shot {
    let (width, height) = SCREEN;
    let full_height = (shot.picture.height() as f32 * width as f32 / shot.picture.width() as f32) as u32;
    let shown = full_height.min(1_500);
    let top = 80 + random.below(180) as u32;
    let whole = shot.resized(width, full_height);
    let part = Shot {
        picture: imageops::crop_imm(&whole.picture, 0, 0, width, shown).to_image(),
        mask: whole.mask.map(|mask| imageops::crop_imm(&mask, 0, 0, width, shown).to_image()),
    };
    let ground = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    let mut shot = part.onto(ground, 0, i64::from(top));
    let bottom = top + shown;
    let mut body = format!(
        "<rect width='{width}' height='80' fill='#f6f6f6'/>{}{}",
        status_bar("#222"),
        buttons(width, top, bottom, random)
    );
    let price = 9 + random.below(290);
    let mut line = bottom + 110;
    let _ = write!(
        body,
        "<text x='40' y='{line}' font-size='78' font-weight='500' fill='#e63c28'>¥{price}.00</text>"
    );
    for row in 0..9 {
        line += 76;
        let words: Vec<&str> = (0..5 + random.below(2)).map(|_| random.of(&WORDS)).collect();
        let (colour, size) = if row < 2 { ("#222", 44) } else { ("#777", 38) };
        if line < height - 200 {
            let words = words.join(" ");
            let _ = write!(body, "<text x='40' y='{line}' font-size='{size}' fill='{colour}'>{words}</text>");
        }
    }
    let _ = write!(
        body,
        "<rect y='{}' width='{width}' height='170' fill='#fafafa'/>\
         <g transform='translate(0 {})' font-size='40' fill='#fff' text-anchor='middle'>\
         <rect x='380' width='330' height='100' rx='50' fill='#ff9500'/>\
         <text x='545' y='64'>Add to cart</text>\
         <rect x='720' width='330' height='100' rx='50' fill='#ff4000'/><text x='885' y='64'>Buy now</text>\
         <g fill='none' stroke='#555' stroke-width='5'><circle cx='90' cy='36' r='24'/>\
         <rect x='190' y='14' width='52' height='46' rx='8'/></g></g>",
        height - 170,
        height - 138,
    );
    vector::draw_over(&mut shot.picture, &body);
    shot.recoloured(|picture| jpeg(picture, 85))
}

/// A shop's page cut to its upper part.
pub(crate) fn page_part(shot: &Shot, random: &mut Random) -> Shot {
    let whole = page(shot, random);
    let from = random.below(120) as u32;
    let rows = 1_400 + random.below(500) as u32 - from;
    let width = whole.picture.width();
    Shot {
        picture: jpeg(&imageops::crop_imm(&whole.picture, 0, from, width, rows).to_image(), 80),
        mask: whole.mask.map(|mask| imageops::crop_imm(&mask, 0, from, width, rows).to_image()),
    }
}

/// A viewer that shows the picture on black.
pub(crate) fn viewer(shot: &Shot) -> Shot {
    let (width, height) = SCREEN;
    let (across, down) = shot.picture.dimensions();
    let factor = (width as f32 / across as f32).min(2_000.0 / down as f32);
    let shown = shot.scaled(factor);
    let x = (i64::from(width) - i64::from(shown.picture.width())) / 2;
    let y = (i64::from(height) - i64::from(shown.picture.height())) / 2;
    let mut shot = shown.onto(RgbImage::new(width, height), x, y);
    let body = format!(
        "{}<g fill='#eee'><text x='540' y='190' font-size='44' text-anchor='middle'>2/6</text></g>\
         <path d='M50 150 l40 40 m0 -40 l-40 40' stroke='#eee' stroke-width='6'/>",
        status_bar("#eee")
    );
    vector::draw_over(&mut shot.picture, &body);
    shot.recoloured(|picture| jpeg(picture, 85))
}

/// Four pictures in a grid, this one among them.
pub(crate) fn grid(shot: &Shot, others: &[RgbImage], random: &mut Random) -> Shot {
    const SIDE: u32 = 1_200;
    let own = random.below(4);
    let mut ground = RgbImage::from_pixel(SIDE, SIDE, Rgb([255; 3]));
    let fits = |picture: &RgbImage| {
        let side = (SIDE / 2 - 8) as f32;
        (side / picture.width() as f32).min(side / picture.height() as f32)
    };
    let place = |at: usize| ((at % 2) as i64 * 600 + 4, (at / 2) as i64 * 600 + 4);
    for (at, other) in (0..4).filter(|at| *at != own).zip(others.iter().cycle()) {
        let factor = fits(other);
        let side = |length: u32| (length as f32 * factor) as u32;
        let small = resize(other, side(other.width()), side(other.height()));
        let (x, y) = place(at);
        imageops::replace(&mut ground, &small, x, y);
    }
    let (x, y) = place(own);
    shot.scaled(fits(&shot.picture)).onto(ground, x, y).recoloured(|picture| jpeg(picture, 85))
}

/// Small, somewhere on another picture that is out of focus.
pub(crate) fn pasted(shot: &Shot, other: &RgbImage, random: &mut Random) -> Shot {
    const SIDE: u32 = 1_200;
    // Blurred while small: the same look for less work.
    let ground = super::pixels::blur(&resize(other, SIDE / 4, SIDE / 4), 1.5);
    let ground = resize(&ground, SIDE, SIDE);
    let long = shot.picture.width().max(shot.picture.height()) as f32;
    let small = shot.scaled(random.within(0.45, 0.6) * SIDE as f32 / long);
    let free = |length: u32| (SIDE.saturating_sub(length) + 1) as usize;
    let x = random.below(free(small.picture.width())) as i64;
    let y = random.below(free(small.picture.height())) as i64;
    small.onto(ground, x, y).recoloured(|picture| jpeg(picture, 85))
}
