//! `touchstone label`: writes AI labels, and C2PA manifests if a signing identity is given, into copies of files.

use super::{
    args::{Attribute, Label},
    failure::{Failure, Status},
    output::{Output, Tone, clean},
    parallel::{self, Progress},
    session::Session,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use touchstone_inspect::labels::{LabelToWrite, LabelWriteError, write_labels};
use touchstone_schema::{
    Sha256Digest,
    label::{DigitalSourceType, Gb45438Label},
};
use touchstone_sdk::files::{self, MAX_PICTURE_BYTES};

const MAX_LABEL_FILE: u64 = 65_536;
/// Stands for the file's name without its ending in a content number.
const STEM: &str = "{stem}";

#[derive(Serialize)]
struct Line<'a> {
    file: String,
    output: String,
    sha256: Sha256Digest,
    gb45438: Option<&'a Gb45438Label>,
    digital_source_type: Option<DigitalSourceType>,
    c2pa: bool,
}

/// A label file: the fields themselves, or the fields under `AIGC` as some carriers hold them.
#[derive(Deserialize)]
#[serde(untagged)]
enum LabelFile {
    Wrapped {
        #[serde(rename = "AIGC")]
        aigc: Gb45438Label,
    },
    Bare(Gb45438Label),
}

pub(crate) fn run(session: &Session, args: &Label) -> Result<Status, Failure> {
    let out = &session.out;
    let plan = Plan::new(args)?;
    let fixed_number = plan.gb45438.as_ref().is_some_and(|label| !label.produce_id.contains(STEM));
    if args.files.len() > 1 && fixed_number {
        out.notice(out.choose(
            "all files get the same content number; {stem} in it would stand for the file's name",
            "所有文件将使用同一内容编号；可在编号中用 {stem} 代表文件名",
        ));
    }
    let mut status = Status::Done;
    let progress = Progress::new(out, args.files.len());
    parallel::in_order(
        &args.files,
        |path| plan.write(path),
        |at, result| {
            let path = &args.files[at];
            progress.print(|| match result {
                Ok(written) => show(out, path, &plan, &written),
                Err(failure) => {
                    status = Status::SomeFailed;
                    failure.report(out, Some(path));
                }
            });
            progress.step();
        },
    );
    Ok(status)
}

struct Written {
    to: PathBuf,
    sha256: Sha256Digest,
    gb45438: Option<Gb45438Label>,
}

fn show(out: &Output, path: &Path, plan: &Plan, written: &Written) {
    if out.json {
        out.object(&Line {
            file: path.display().to_string(),
            output: written.to.display().to_string(),
            sha256: written.sha256,
            gb45438: written.gb45438.as_ref(),
            digital_source_type: plan.source_type,
            c2pa: plan.manifest.is_some(),
        });
        return;
    }
    let to = clean(&written.to.display().to_string());
    let from = clean(&path.display().to_string());
    out.line(&format!("{}  {from} -> {to}", out.paint(Tone::Good, out.words().written)));
}

/// What is written into every file, and where.
struct Plan {
    gb45438: Option<Gb45438Label>,
    source_type: Option<DigitalSourceType>,
    manifest: Option<Manifest>,
    target: Target,
}

enum Target {
    Folder(PathBuf),
    File(PathBuf),
}

impl Plan {
    fn new(args: &Label) -> Result<Self, Failure> {
        let gb45438 = gb45438(args)?;
        if gb45438.is_none() && args.source_type.is_none() && args.c2pa_cert.is_none() {
            return Err(Failure::Usage(
                "there is no label to write".to_owned(),
                Some((
                    "Give --gb45438 FILE, or --producer and --content-id, or --source-type, or --c2pa-cert.",
                    "请提供 --gb45438 文件，或 --producer 与 --content-id，或 --source-type，或 --c2pa-cert。",
                )),
            ));
        }
        let manifest = manifest(args, gb45438.as_ref())?;
        Ok(Self { gb45438, source_type: args.source_type, manifest, target: target(args)? })
    }

    fn write(&self, path: &Path) -> Result<Written, Failure> {
        let bytes = files::read(path, MAX_PICTURE_BYTES)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let gb45438 = self.gb45438.clone().map(|mut label| {
            label.produce_id = label.produce_id.replace(STEM, &stem);
            label
        });
        let labels = LabelToWrite { gb45438: gb45438.clone(), digital_source_type: self.source_type };
        let mut labelled = if labels == LabelToWrite::default() {
            bytes
        } else {
            write_labels(&bytes, &labels).map_err(|error| cannot_label(&error))?
        };
        if let Some(manifest) = &self.manifest {
            // Last, because a manifest covers the labels too.
            labelled = manifest.sign(&labelled, path)?;
        }
        let to = match &self.target {
            Target::File(file) => file.clone(),
            Target::Folder(folder) => folder.join(path.file_name().unwrap_or(path.as_os_str())),
        };
        create(&to, &labelled)?;
        Ok(Written { to, sha256: Sha256Digest::of(&labelled), gb45438 })
    }
}

fn gb45438(args: &Label) -> Result<Option<Gb45438Label>, Failure> {
    if let Some(path) = &args.gb45438 {
        let text = files::read(path, MAX_LABEL_FILE)?;
        let label = serde_json::from_slice(&text).map_err(|_| {
            Failure::Usage(
                format!("{} is not a label of GB 45438", path.display()),
                Some((
                    "Its keys are Label, ContentProducer, ProduceID, ReservedCode1, ContentPropagator, PropagateID, \
                     ReservedCode2; all values are texts.",
                    "其键为 Label、ContentProducer、ProduceID、ReservedCode1、ContentPropagator、PropagateID、\
                     ReservedCode2，值均为文本。",
                )),
            )
        })?;
        let (LabelFile::Wrapped { aigc: label } | LabelFile::Bare(label)) = label;
        return Ok(Some(label));
    }
    let (Some(producer), Some(content_id)) = (&args.producer, &args.content_id) else {
        return Ok(None);
    };
    let label = match args.attribute.unwrap_or(Attribute::Confirmed) {
        Attribute::Confirmed => "1",
        Attribute::Possible => "2",
        Attribute::Suspected => "3",
    };
    Ok(Some(Gb45438Label {
        label: label.to_owned(),
        content_producer: producer.clone(),
        produce_id: content_id.clone(),
        ..Gb45438Label::default()
    }))
}

/// A folder if the name says so, exists as one, or several files go there.
fn target(args: &Label) -> Result<Target, Failure> {
    let out = &args.out;
    let named_as_folder = out.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
    if args.files.len() == 1 && !named_as_folder && !out.is_dir() {
        return Ok(Target::File(out.clone()));
    }
    fs::create_dir_all(out).map_err(|error| Failure::Usage(format!("{}: {error}", out.display()), None))?;
    Ok(Target::Folder(out.clone()))
}

fn cannot_label(error: &LabelWriteError) -> Failure {
    let remedy = match error {
        LabelWriteError::UnsupportedFormat => {
            Some(("Convert it to JPEG, PNG or WebP.", "请转换为 JPEG、PNG 或 WebP。"))
        }
        LabelWriteError::InvalidLabel(_) => {
            Some(("Correct the label; nothing was written.", "请更正标识；尚未写入任何内容。"))
        }
        LabelWriteError::WouldBreakManifest => {
            Some(("Label the file before it is signed.", "请在签名之前写入标识。"))
        }
        _ => None,
    };
    Failure::File(error.to_string(), remedy)
}

/// Writes a new file. A file that is there already is left alone; half a file is not left behind.
fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let opened = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.map_err(|error| {
        let remedy = (error.kind() == io::ErrorKind::AlreadyExists).then_some((
            "Files are never overwritten: choose another --out.",
            "不会覆盖已有文件：请更换 --out。",
        ));
        Failure::File(format!("{}: {error}", path.display()), remedy)
    })?;
    file.write_all(bytes).map_err(|error| {
        let _ = fs::remove_file(path);
        Failure::File(format!("{}: {error}", path.display()), None)
    })
}

#[cfg(feature = "c2pa")]
mod credentials {
    use super::{Failure, Gb45438Label, Label, MAX_LABEL_FILE, files};
    use std::path::Path;
    use touchstone_inspect::{
        c2pa::{ManifestToWrite, SigningIdentity, sign_manifest},
        decode::Format,
    };
    use touchstone_schema::{label::DigitalSourceType, record::clean_file_name};

    /// The manifest that every file gets.
    pub(super) struct Manifest {
        identity: SigningIdentity,
        manifest: ManifestToWrite,
    }

    pub(super) fn manifest(args: &Label, label: Option<&Gb45438Label>) -> Result<Option<Manifest>, Failure> {
        let (Some(chain), Some(key)) = (&args.c2pa_cert, &args.c2pa_key) else {
            return Ok(None);
        };
        let generator = args.system.clone().or_else(|| label.map(|label| label.content_producer.clone()));
        let Some(generator_name) = generator else {
            let remedy = ("Give --system NAME.", "请提供 --system 名称。");
            return Err(Failure::Usage("the manifest needs the name of the system".to_owned(), Some(remedy)));
        };
        let text = |path: &Path| -> Result<String, Failure> {
            String::from_utf8(files::read(path, MAX_LABEL_FILE)?)
                .map_err(|_| Failure::Usage(format!("{} is not PEM", path.display()), None))
        };
        Ok(Some(Manifest {
            identity: SigningIdentity { chain_pem: text(chain)?, key_pkcs8_pem: text(key)? },
            manifest: ManifestToWrite {
                digital_source_type: args.source_type.unwrap_or(DigitalSourceType::TrainedAlgorithmicMedia),
                generator_name,
                generator_version: args.system_version.clone(),
                title: None,
                edited: args.edited,
            },
        }))
    }

    impl Manifest {
        pub(super) fn sign(&self, bytes: &[u8], path: &Path) -> Result<Vec<u8>, Failure> {
            let media_type = Format::sniff(bytes).map_or("application/octet-stream", Format::media_type);
            let name = path.file_name().and_then(|name| clean_file_name(&name.to_string_lossy()));
            let manifest = ManifestToWrite { title: name, ..self.manifest.clone() };
            sign_manifest(bytes, media_type, &self.identity, &manifest)
                .map_err(|error| Failure::File(error.to_string(), None))
        }
    }
}

#[cfg(not(feature = "c2pa"))]
mod credentials {
    use super::{Failure, Gb45438Label, Label};
    use std::path::Path;

    /// There is none in this build.
    pub(super) enum Manifest {}

    pub(super) fn manifest(args: &Label, _: Option<&Gb45438Label>) -> Result<Option<Manifest>, Failure> {
        match args.c2pa_cert {
            None => Ok(None),
            Some(_) => Err(Failure::Usage("this build writes no C2PA manifests".to_owned(), None)),
        }
    }

    impl Manifest {
        pub(super) fn sign(&self, _: &[u8], _: &Path) -> Result<Vec<u8>, Failure> {
            match *self {}
        }
    }
}

use credentials::{Manifest, manifest};
