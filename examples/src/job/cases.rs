//! The refund photos: how each was made, and what the registry is expected to know about it.

use super::{
    JobError, file_error,
    pictures::{Labelling, Pictures, bad, save},
    programs::{Registry, field, text},
};
use crate::studio::{ShotKind, edits};
use image::RgbImage;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The vendor's provider code: of the right form, with a right check character, of no company that we know.
pub(super) const PROVIDER_CODE: &str = "001191990000MADEM0XX1510000";

/// The vendor's number of an output.
pub(super) fn content_id(name: &str) -> String {
    format!("inkstone-2026-{name}")
}

/// A refund photo.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) file: PathBuf,
    pub(super) story: &'static str,
    pub(super) expected: &'static str,
    pub(super) order_time: Option<String>,
    pub(super) claim_time: Option<String>,
}

/// Times around the registrations of this run.
#[derive(Debug)]
pub(super) struct Times {
    /// Before anything was registered.
    before: String,
    /// After everything was registered: when the orders were placed.
    order: String,
    /// When the claims were made.
    claim: String,
}

/// The registry's own time decides: `before` lies a day before it, orders a minute and claims a week after it.
pub(super) fn times(registry: &Registry) -> Result<Times, JobError> {
    let answer = registry.command("", &["registry", "--json"])?;
    let now = field(answer.first(), "time")?;
    let moved = |days: i64, minutes: i64| moved(&now, days * 1_440 + minutes);
    Ok(Times { before: moved(-1, 0)?, order: moved(0, 1)?, claim: moved(7, 0)? })
}

/// Moves an RFC 3339 time in UTC by whole minutes.
fn moved(time: &str, minutes: i64) -> Result<String, JobError> {
    let timestamp: jiff::Timestamp =
        time.parse().map_err(|e| JobError::Program(format!("the registry's time {time:?}: {e}")))?;
    let moved = timestamp + jiff::SignedDuration::from_mins(minutes);
    Ok(moved.to_string())
}

/// The listing that the merchant registers only now.
pub(super) fn registered_after_claim(pictures: &Pictures) -> PathBuf {
    pictures.late.clone()
}

struct Maker<'a> {
    folder: PathBuf,
    pictures: &'a Pictures,
    times: &'a Times,
    programs: &'a super::Programs,
    cases: Vec<Case>,
}

fn jpeg(name: &str, image: &RgbImage, quality: u8) -> Result<Vec<u8>, JobError> {
    edits::jpeg(image, quality).map_err(|e| bad(name, e))
}

impl Maker<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn add(
        &mut self,
        name: &str,
        story: &'static str,
        expected: &'static str,
        bytes: &[u8],
    ) -> Result<(), JobError> {
        let file = self.path(name);
        save(&file, bytes)?;
        self.push(file, story, expected);
        Ok(())
    }

    fn push(&mut self, file: PathBuf, story: &'static str, expected: &'static str) {
        let (order, claim) = (self.times.order.clone(), self.times.claim.clone());
        self.cases.push(Case { file, story, expected, order_time: Some(order), claim_time: Some(claim) });
    }

    fn merchant_pictures(&mut self) -> Result<(), JobError> {
        let read = |path: &Path| fs::read(path).map_err(file_error(path));
        let pictures = self.pictures;
        let (vase, mug, lamp) =
            (pictures.image("celadon-vase")?, pictures.image("striped-mug")?, pictures.image("table-lamp")?);
        let first = pictures.listings.first().ok_or_else(|| bad("listings", "the studio has none"))?;
        self.add("listing.jpg", "listing picture itself", "original", &read(first)?)?;
        self.add("listing-q40.jpg", "listing, saved again at quality 40", "copy", &jpeg("vase", vase, 40)?)?;
        let small = edits::resized(vase, 0.4);
        self.add("listing-small.jpg", "listing, at 40 % of its size", "copy", &jpeg("vase", &small, 80)?)?;
        let turned = edits::rotated_90(mug);
        self.add("listing-turned.jpg", "listing, turned by 90 degrees", "copy", &jpeg("mug", &turned, 85)?)?;
        let cracked = edits::with_crack(vase, 7);
        self.add(
            "listing-crack.jpg",
            "listing with a painted crack",
            "altered",
            &jpeg("vase", &cracked, 85)?,
        )?;
        let stained = edits::with_stain(lamp, 3);
        self.add(
            "listing-stain.jpg",
            "listing with a painted stain",
            "altered",
            &jpeg("lamp", &stained, 85)?,
        )?;
        let part = edits::cropped(mug, 0.7);
        self.add("listing-crop.jpg", "listing, half of it cut away", "copy", &jpeg("mug", &part, 85)?)?;
        let screen = edits::screenshot(lamp);
        self.add("listing-screenshot.jpg", "screenshot of a listing", "copy", &jpeg("lamp", &screen, 85)?)?;
        let part = edits::cropped(&stained, 0.8);
        self.add("stain-crop.jpg", "listing with a stain, cropped", "altered", &jpeg("lamp", &part, 80)?)?;
        let packing = pictures.packing.first().ok_or_else(|| bad("packing", "the studio has none"))?;
        self.add("packing.jpg", "packing photo itself", "original", &read(packing)?)?;
        let packed = pictures.rendered.iter().find(|(shot, _)| shot.kind == ShotKind::Packing);
        let (_, packed) = packed.ok_or_else(|| bad("packing", "the studio has none"))?;
        self.add("packing-q50.jpg", "packing photo, saved again", "copy", &jpeg("packing", packed, 50)?)
    }

    fn ai_outputs(&mut self) -> Result<(), JobError> {
        let pictures = self.pictures;
        for (labelling, story, name) in [
            (Labelling::Gb45438, "AI output with its TC260 label", "ai-tc260.jpg"),
            (Labelling::Iptc, "AI output with its IPTC label", "ai-iptc.png"),
            (Labelling::C2pa, "AI output with its C2PA manifest", "ai-c2pa.png"),
        ] {
            let output = pictures.output(labelling)?;
            let bytes = fs::read(&output.file).map_err(file_error(&output.file))?;
            self.add(name, story, "synthetic", &bytes)?;
        }
        let output = pictures.output(Labelling::Gb45438)?;
        let stripped = jpeg(output.name, &output.image, 80)?;
        self.add("ai-stripped.jpg", "AI output, saved again without its label", "relabelled", &stripped)?;
        let captured = self.labelled("ai-captured.jpg", &stripped, &["--source-type", "digitalCapture"])?;
        self.push(captured, "AI output, relabelled as a photograph", "relabelled");
        let other = edits::resized(&output.image, 0.6);
        let other = jpeg(output.name, &other, 80)?;
        let swap = ["--producer", "Nobody", "--content-id", "1", "--source-type", "trainedAlgorithmicMedia"];
        let swapped = self.labelled("ai-swapped.jpg", &other, &swap)?;
        self.push(swapped, "AI output, with another producer's label", "relabelled");
        Ok(())
    }

    fn c2pa(&mut self) -> Result<(), JobError> {
        let output = self.pictures.output(Labelling::C2pa)?;
        let signed = fs::read(&output.file).map_err(file_error(&output.file))?;
        let mut changed = output.image.clone();
        changed.put_pixel(0, 0, image::Rgb([255, 0, 255]));
        let plain = edits::png(&changed).map_err(|e| bad(output.name, e))?;
        let manifest = png_chunk(&signed, *b"caBX").ok_or_else(|| bad(output.name, "has no manifest"))?;
        let tampered = insert_after_header(&plain, manifest).ok_or_else(|| bad(output.name, "is no PNG"))?;
        self.add("c2pa-pixel.png", "C2PA file with a changed pixel", "synthetic", &tampered)?;
        let stripped = without_chunk(&signed, *b"caBX").ok_or_else(|| bad(output.name, "is no PNG"))?;
        self.add("c2pa-stripped.png", "AI output, C2PA manifest cut out", "relabelled", &stripped)
    }

    fn others(&mut self) -> Result<(), JobError> {
        let honest: Vec<_> = self
            .pictures
            .rendered
            .iter()
            .filter(|(shot, _)| shot.kind == ShotKind::Unregistered)
            .map(|(shot, image)| (shot.name, image))
            .collect();
        let [(_, first), (_, second), (third_name, third), ..] = honest.as_slice() else {
            return Err(bad("buyer's photos", "the studio has too few"));
        };
        self.add("honest-1.jpg", "a buyer's own photo", "unknown", &jpeg("honest", first, 90)?)?;
        self.add("honest-2.jpg", "another buyer's own photo", "unknown", &jpeg("honest", second, 90)?)?;
        let plain = jpeg(third_name, third, 90)?;
        let ai = ["--source-type", "trainedAlgorithmicMedia"];
        let declared = self.labelled("unregistered-ai.jpg", &plain, &ai)?;
        self.push(declared, "unregistered picture with an AI label", "synthetic");
        let owner = self.pictures.output(Labelling::Gb45438)?;
        let genuine = content_id(owner.name);
        let borrowed = ["--producer", PROVIDER_CODE, "--content-id", &genuine];
        let (width, height) = owner.image.dimensions();
        let mug = self.pictures.image("striped-mug")?;
        let same_size = image::imageops::resize(mug, width, height, image::imageops::FilterType::Triangle);
        let transplanted =
            self.labelled("label-transplanted.jpg", &jpeg("mug", &same_size, 90)?, &borrowed)?;
        self.push(transplanted, "a genuine AI label moved to a listing picture", "relabelled");
        let late = self.path("late.jpg");
        fs::copy(&self.pictures.late, &late).map_err(file_error(&late))?;
        self.cases.push(Case {
            file: late,
            story: "picture registered only after the claim",
            expected: "unknown",
            order_time: None,
            claim_time: Some(self.times.before.clone()),
        });
        Ok(())
    }

    /// Writes a label into a copy of `bytes`, through the command line.
    fn labelled(&self, name: &str, bytes: &[u8], options: &[&str]) -> Result<PathBuf, JobError> {
        let raw = self.folder.join("unlabelled");
        fs::create_dir_all(&raw).map_err(file_error(&raw))?;
        let (raw, out) = (raw.join(name), self.path(name));
        save(&raw, bytes)?;
        let (raw_text, out_text) = (text(&raw), text(&out));
        let mut arguments = vec!["label", "--json", "--out", &out_text];
        arguments.extend(options);
        arguments.push(&raw_text);
        self.programs.touchstone(&arguments)?;
        Ok(out)
    }
}

/// Makes every refund photo.
pub(super) fn make(
    programs: &super::Programs,
    pictures: &Pictures,
    data: &Path,
    times: &Times,
) -> Result<Vec<Case>, JobError> {
    let mut maker = Maker { folder: data.join("photos"), pictures, times, programs, cases: Vec::new() };
    maker.merchant_pictures()?;
    maker.ai_outputs()?;
    maker.c2pa()?;
    maker.others()?;
    Ok(maker.cases)
}

const PNG_SIGNATURE: usize = 8;
/// Signature and IHDR chunk.
const PNG_HEADER: usize = PNG_SIGNATURE + 25;

/// Byte range of the first chunk of a kind, with length and checksum.
fn chunk_range(png: &[u8], kind: [u8; 4]) -> Option<std::ops::Range<usize>> {
    let mut at = PNG_SIGNATURE;
    loop {
        let length = u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?);
        let end = at.checked_add(12)?.checked_add(usize::try_from(length).ok()?)?;
        if png.get(at + 4..at + 8)? == kind {
            return (end <= png.len()).then_some(at..end);
        }
        at = end;
    }
}

fn png_chunk(png: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    png.get(chunk_range(png, kind)?)
}

fn without_chunk(png: &[u8], kind: [u8; 4]) -> Option<Vec<u8>> {
    let range = chunk_range(png, kind)?;
    Some([png.get(..range.start)?, png.get(range.end..)?].concat())
}

fn insert_after_header(png: &[u8], chunk: &[u8]) -> Option<Vec<u8>> {
    Some([png.get(..PNG_HEADER)?, chunk, png.get(PNG_HEADER..)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio;

    #[test]
    fn the_studio_has_the_pictures_that_the_cases_name() {
        for name in ["celadon-vase", "striped-mug", "table-lamp"] {
            assert!(studio::catalogue().iter().any(|shot| shot.name == name), "{name}");
        }
    }

    #[test]
    fn times_move_by_minutes() {
        assert_eq!(moved("2026-11-22T09:00:00.000000Z", -1_440).unwrap(), "2026-11-21T09:00:00Z");
    }

    #[test]
    fn chunks_are_found_cut_and_put_back() {
        let image = RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8, y as u8, 0]));
        let png = edits::png(&image).unwrap();
        let chunk = [&3_u32.to_be_bytes()[..], b"caBXabcCRC_"].concat();
        let with = insert_after_header(&png, &chunk).unwrap();
        assert_eq!(png_chunk(&with, *b"caBX").unwrap(), chunk);
        assert_eq!(without_chunk(&with, *b"caBX").unwrap(), png);
        assert!(png_chunk(&png, *b"caBX").is_none());
    }
}
