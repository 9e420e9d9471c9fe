//! Renders every picture of the studio into a directory, with cracked copies of the listings and a contact
//! sheet. Usage: `contact_sheet DIRECTORY [PART-OF-NAME [DIVISOR]]`; a divisor gives smaller, quicker pictures.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use touchstone_examples::studio::{ShotKind, catalogue, edits, render_small};

/// Side of a cell on the sheet, in pixels.
const CELL: u32 = 320;
/// Cells in a row.
const COLUMNS: u32 = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory =
        PathBuf::from(arguments.next().ok_or("usage: contact_sheet DIRECTORY [PART-OF-NAME [DIVISOR]]")?);
    let part = arguments.next().unwrap_or_default();
    let divisor = arguments.next().map_or(Ok(1), |d| d.parse::<u32>())?;
    std::fs::create_dir_all(&directory)?;
    let shots: Vec<_> = catalogue().iter().filter(|s| s.name.contains(&part)).collect();
    let rows = (shots.len() as u32).div_ceil(COLUMNS).max(1);
    let mut sheet = RgbImage::from_pixel(COLUMNS * CELL, rows * CELL, Rgb([246, 245, 242]));
    for (i, shot) in (0_u32..).zip(&shots) {
        let picture = render_small(shot, divisor);
        std::fs::write(directory.join(format!("{}.png", shot.name)), edits::png(&picture)?)?;
        if shot.kind == ShotKind::Listing {
            let cracked = edits::with_crack(&picture, 7);
            std::fs::write(directory.join(format!("{}.cracked.png", shot.name)), edits::png(&cracked)?)?;
        }
        let scale = (CELL - 16) as f32 / picture.width().max(picture.height()) as f32;
        let (w, h) = ((picture.width() as f32 * scale) as u32, (picture.height() as f32 * scale) as u32);
        let small = imageops::resize(&picture, w, h, FilterType::Triangle);
        let (x, y) = ((i % COLUMNS) * CELL + (CELL - w) / 2, (i / COLUMNS) * CELL + (CELL - h) / 2);
        imageops::replace(&mut sheet, &small, i64::from(x), i64::from(y));
        println!(
            "{}\t{}x{}\t{}\t{}",
            shot.name,
            picture.width(),
            picture.height(),
            shot.title_en,
            shot.title_zh
        );
    }
    std::fs::write(directory.join("contact-sheet.png"), edits::png(&sheet)?)?;
    Ok(())
}
