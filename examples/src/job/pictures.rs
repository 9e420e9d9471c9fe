//! The pictures that are registered: rendered, saved, and for the AI vendor labelled in the ways of the field.

use super::{
    JobError,
    cases::{PROVIDER_CODE, content_id},
    certificate, file_error,
    programs::{Programs, text},
    say,
};
use crate::studio::{self, Shot, ShotKind, edits};
use image::RgbImage;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// How an output is labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labelling {
    /// GB 45438 implicit label and IPTC source type.
    Gb45438,
    /// IPTC source type alone.
    Iptc,
    /// A C2PA manifest alone.
    C2pa,
}

/// A registered AI output.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) name: &'static str,
    pub(super) file: PathBuf,
    pub(super) label: Value,
    pub(super) labelling: Labelling,
    pub(super) image: RgbImage,
}

/// Everything that was rendered.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) listings: Vec<PathBuf>,
    pub(super) packing: Vec<PathBuf>,
    pub(super) outputs: Vec<Output>,
    /// A listing that is registered only after the claim.
    pub(super) late: PathBuf,
    pub(super) rendered: Vec<(&'static Shot, RgbImage)>,
}

impl Pictures {
    /// The rendered picture of that name.
    pub(super) fn image(&self, name: &str) -> Result<&RgbImage, JobError> {
        let found = self.rendered.iter().find(|(shot, _)| shot.name == name);
        found.map(|(_, image)| image).ok_or_else(|| bad(name, "no such picture in the studio"))
    }

    /// The first output that is labelled like this.
    pub(super) fn output(&self, labelling: Labelling) -> Result<&Output, JobError> {
        let found = self.outputs.iter().find(|output| output.labelling == labelling);
        found.ok_or_else(|| bad("AI output", "none is labelled like this"))
    }
}

pub(super) fn bad(name: &str, reason: impl std::fmt::Display) -> JobError {
    JobError::Picture { name: name.to_owned(), reason: reason.to_string() }
}

pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<(), JobError> {
    fs::write(path, bytes).map_err(file_error(path))
}

/// How many pictures are rendered between two lines that say so.
const RENDERED_STEP: usize = 8;

fn render() -> Vec<(&'static Shot, RgbImage)> {
    let (shots, done) = (studio::catalogue(), AtomicUsize::new(0));
    let render = |shot: &'static Shot| {
        let image = studio::render(shot);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(RENDERED_STEP) || done == shots.len() {
            say(&format!("   {done} of {} rendered", shots.len()));
        }
        (shot, image)
    };
    shots.par_iter().map(render).collect()
}

fn of_kind<'a>(
    rendered: &'a [(&'static Shot, RgbImage)],
    kind: ShotKind,
) -> impl Iterator<Item = (&'static Shot, &'a RgbImage)> {
    rendered.iter().filter(move |(shot, _)| shot.kind == kind).map(|(shot, image)| (*shot, image))
}

fn save_jpegs(
    folder: &Path,
    rendered: &[(&'static Shot, RgbImage)],
    kind: ShotKind,
) -> Result<Vec<PathBuf>, JobError> {
    of_kind(rendered, kind)
        .map(|(shot, image)| {
            let path = folder.join(format!("{}.jpg", shot.name));
            save(&path, &edits::jpeg(image, 92).map_err(|e| bad(shot.name, e))?)?;
            Ok(path)
        })
        .collect()
}

/// What the vendor registers about an output (the superset of what the jurisdictions ask for).
fn label(name: &str, labelling: Labelling) -> Value {
    let producer = match labelling {
        Labelling::Gb45438 => PROVIDER_CODE,
        _ => "Inkstone AI",
    };
    let mut label = json!({
        "producer": producer,
        "content_id": content_id(name),
        "attribute": "1",
        "basis": "produced",
        "digital_source_type": "trainedAlgorithmicMedia",
        "system": "Inkstone Studio",
        "system_version": "3.0",
        "retention_days": 180,
    });
    match labelling {
        Labelling::Gb45438 => {
            label["gb45438"] =
                json!({"Label": "1", "ContentProducer": PROVIDER_CODE, "ProduceID": content_id(name)});
        }
        Labelling::Iptc => {}
        Labelling::C2pa => label["signature_layer"] = "declared".into(),
    }
    label
}

/// Writes the label into the file through the command line, as a vendor would.
fn write_label(
    programs: &Programs,
    signing: &certificate::SigningFiles,
    labelling: Labelling,
    name: &str,
    raw: &Path,
    out: &Path,
) -> Result<(), JobError> {
    let (raw, out, id) = (text(raw), text(out), content_id(name));
    let (chain, key) = (text(&signing.chain), text(&signing.key));
    let mut arguments = vec!["label", "--json", "--out", &out];
    let source_type = ["--source-type", "trainedAlgorithmicMedia"];
    match labelling {
        Labelling::Gb45438 => {
            arguments.extend(["--producer", PROVIDER_CODE, "--content-id", &id]);
            arguments.extend(source_type);
        }
        Labelling::Iptc => arguments.extend(source_type),
        Labelling::C2pa => {
            arguments.extend(["--system", "Inkstone Studio", "--c2pa-cert", &chain, "--c2pa-key", &key]);
        }
    }
    arguments.push(&raw);
    programs.touchstone(&arguments).map(|_| ())
}

fn outputs(
    programs: &Programs,
    data: &Path,
    rendered: &[(&'static Shot, RgbImage)],
) -> Result<Vec<Output>, JobError> {
    let signing = certificate::make(&data.join("keys"))?;
    let (plain, folder) = (data.join("unlabelled"), data.join("pictures"));
    fs::create_dir_all(&plain).map_err(file_error(&plain))?;
    let ways = [Labelling::Gb45438, Labelling::Iptc, Labelling::C2pa];
    of_kind(rendered, ShotKind::AiOutput)
        .zip(ways.into_iter().cycle())
        .map(|((shot, image), labelling)| {
            // JPEG and PNG outputs in turn, as generators write both; C2PA is shown in PNG.
            let (ending, bytes) = match labelling {
                Labelling::Gb45438 => ("jpg", edits::jpeg(image, 92)),
                Labelling::Iptc | Labelling::C2pa => ("png", edits::png(image)),
            };
            let name = format!("{}.{ending}", shot.name);
            let (raw, file) = (plain.join(&name), folder.join(&name));
            save(&raw, &bytes.map_err(|e| bad(shot.name, e))?)?;
            write_label(programs, &signing, labelling, shot.name, &raw, &file)?;
            let label = label(shot.name, labelling);
            Ok(Output { name: shot.name, file, label, labelling, image: image.clone() })
        })
        .collect()
}

/// Renders, saves and labels every picture.
pub(super) fn make(programs: &Programs, data: &Path) -> Result<Pictures, JobError> {
    let rendered = render();
    let folder = data.join("pictures");
    let mut listings = save_jpegs(&folder, &rendered, ShotKind::Listing)?;
    let packing = save_jpegs(&folder, &rendered, ShotKind::Packing)?;
    let late = listings.pop().ok_or_else(|| bad("listings", "the studio has none"))?;
    let outputs = outputs(programs, data, &rendered)?;
    Ok(Pictures { listings, packing, outputs, late, rendered })
}
