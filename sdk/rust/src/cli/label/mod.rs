//! `touchstone label`: writes AI labels, and C2PA manifests if a signing identity is given, into copies of files.

pub(crate) mod args;
mod credentials;
mod refusal;

use super::{
    failed::Failed,
    failure::{Failure, Message, Status},
    output::{Output, Tone, clean},
    parallel::{self, Progress},
    session::Session,
};
use args::{Attribute, Basis, Form, Label};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use touchstone_inspect::labels::{Propagation, PropagationBasis, integrity::Sm2SigningKey, produced};
use touchstone_schema::{
    Sha256Digest,
    label::{AiAttribute, DigitalSourceType, Gb45438Label},
    label_integrity::SignedForm,
};
use touchstone_sdk::{
    files,
    label::{Implicit, Labelling, STEM, Signer},
};

const MAX_LABEL_FILE: u64 = 65_536;

#[derive(Serialize)]
struct Line<'a> {
    file: String,
    output: Option<String>,
    sha256: Sha256Digest,
    gb45438: Option<&'a Gb45438Label>,
    digital_source_type: Option<DigitalSourceType>,
    c2pa: bool,
    unchanged: bool,
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
    if args.files.len() > 1 && plan.has_fixed_number() {
        out.notice(out.choose(
            "all files get the same content number; {stem} in it would stand for the file's name",
            "所有文件将使用同一内容编号；可在编号中用 {stem} 代表文件名",
        ));
    }
    let mut failed = Failed::new(out);
    let mut done = 0_usize;
    let progress = Progress::new(out, args.files.len());
    parallel::in_order(
        &args.files,
        |path| plan.write(path),
        |at, result| {
            let Some(path) = args.files.get(at) else { return };
            progress.print(|| match result {
                Ok(written) => {
                    done += 1;
                    show(out, path, &plan, &written);
                }
                Err(failure) => failed.file(path, None, &failure),
            });
            progress.step();
        },
    );
    drop(progress);
    let status = failed.finish();
    if status == Status::SomeFailed && args.files.len() > 1 {
        let (all, left) = (args.files.len(), args.files.len() - done);
        let en = format!("{done} of {all} files were labelled, {left} were not");
        let zh = format!("{all} 个文件中 {done} 个已写入标识，{left} 个未写入");
        out.notice(out.choose(&en, &zh));
    }
    Ok(status)
}

struct Written {
    to: Option<PathBuf>,
    sha256: Sha256Digest,
    gb45438: Option<Gb45438Label>,
    unchanged: bool,
}

fn show(out: &Output, path: &Path, plan: &Plan, written: &Written) {
    if out.json {
        out.object(&Line {
            file: path.display().to_string(),
            output: written.to.as_ref().map(|to| to.display().to_string()),
            sha256: written.sha256,
            gb45438: written.gb45438.as_ref(),
            digital_source_type: plan.labelling.digital_source_type,
            c2pa: credentials::are_in(&plan.labelling),
            unchanged: written.unchanged,
        });
        return;
    }
    let words = out.words();
    let mut parts = vec![clean(&path.display().to_string())];
    let done = match (&written.to, written.unchanged) {
        (Some(to), _) => {
            parts.push("->".to_owned());
            parts.push(clean(&to.display().to_string()));
            words.written
        }
        (None, false) => words.would_write,
        (None, true) => words.has_it_all,
    };
    if let Some(label) = written.gb45438.as_ref().filter(|_| plan.dry_run) {
        parts.push(clean(&describe(label)));
    }
    out.line(&format!("{}  {}", out.paint(Tone::Good, done), parts.join(" ")));
}

/// The label in one line: attribute, producer, propagator.
fn describe(label: &Gb45438Label) -> String {
    let pair = |name: &str, id: &str| if name.is_empty() { "-".to_owned() } else { format!("{name}/{id}") };
    let producer = pair(&label.content_producer, &label.produce_id);
    format!("[{} {producer} {}]", label.label, pair(&label.content_propagator, &label.propagate_id))
}

/// What is written into every file, and where.
struct Plan {
    labelling: Labelling,
    dry_run: bool,
    target: Target,
}

enum Target {
    Nowhere,
    Folder(PathBuf),
    File(PathBuf),
}

impl Plan {
    fn new(args: &Label) -> Result<Self, Failure> {
        let implicit = implicit(args)?;
        if implicit.is_none() && args.source_type.is_none() && args.c2pa_cert.is_none() {
            return Err(Failure::Usage(
                Message::new("there is no label to write", "没有要写入的标识"),
                Some((
                    "Give --producer and --content-id, or --gb45438 FILE, or --propagate, or --source-type, or \
                     --c2pa-cert: see touchstone label --help.",
                    "请提供 --producer 与 --content-id，或 --gb45438 文件，或 --propagate，或 --source-type，或 \
                     --c2pa-cert：参见 touchstone label --help。",
                )),
            ));
        }
        if args.sm2_key.is_some() && implicit.is_none() {
            return Err(Failure::Usage(
                Message::new("there is no label to sign", "没有要签名的标识"),
                Some((
                    "Give --producer and --content-id, or --gb45438 FILE.",
                    "请提供 --producer 与 --content-id，或 --gb45438 文件。",
                )),
            ));
        }
        let labelling = Labelling { implicit, digital_source_type: args.source_type, ..Labelling::default() };
        let labelling = credentials::add(labelling, args)?;
        let mut target = target(args)?;
        if args.dry_run {
            target = Target::Nowhere;
        }
        if let Target::Folder(folder) = &target {
            let refused =
                |error: io::Error| Failure::Usage(Message::of_system(folder.display(), &error), None);
            fs::create_dir_all(folder).map_err(refused)?;
        }
        Ok(Self { labelling, dry_run: args.dry_run, target })
    }

    fn has_fixed_number(&self) -> bool {
        match &self.labelling.implicit {
            Some(Implicit::Produced { label, .. }) => !label.produce_id.contains(STEM),
            Some(Implicit::Propagated(propagation)) => !propagation.propagate_id.contains(STEM),
            None => false,
        }
    }

    fn write(&self, path: &Path) -> Result<Written, Failure> {
        let bytes = files::read(path, files::limit_of(path))?;
        let labelled = self.labelling.apply(&bytes, path).map_err(|error| refusal::of(&error))?;
        let to = match &self.target {
            Target::Nowhere => None,
            Target::File(file) => Some(file.clone()),
            Target::Folder(folder) => Some(folder.join(path.file_name().unwrap_or(path.as_os_str()))),
        };
        if let Some(to) = &to {
            create(to, &labelled.bytes)?;
        }
        let sha256 = Sha256Digest::of(&labelled.bytes);
        Ok(Written { to, sha256, gb45438: labelled.gb45438, unchanged: labelled.unchanged })
    }
}

fn implicit(args: &Label) -> Result<Option<Implicit>, Failure> {
    if let (true, Some(propagator), Some(propagate_id)) =
        (args.propagate, &args.propagator, &args.propagate_id)
    {
        return Ok(Some(Implicit::Propagated(Propagation {
            propagator: propagator.clone(),
            propagate_id: propagate_id.clone(),
            integrity: args.propagator_integrity.clone().unwrap_or_default(),
            basis: args.basis.map(|basis| match basis {
                Basis::Declared => PropagationBasis::Declared,
                Basis::Detected => PropagationBasis::Detected,
            }),
        })));
    }
    let label = match (&args.gb45438, &args.producer, &args.content_id) {
        (Some(path), _, _) => label_file(path)?,
        (None, Some(producer), Some(content_id)) => {
            let attribute = match args.attribute.unwrap_or(Attribute::Confirmed) {
                Attribute::Confirmed => AiAttribute::Confirmed,
                Attribute::Possible => AiAttribute::Possible,
                Attribute::Suspected => AiAttribute::Suspected,
            };
            let mut label = produced(attribute, producer, content_id);
            if args.no_propagator {
                label.content_propagator.clear();
                label.propagate_id.clear();
            }
            label
        }
        _ => return Ok(None),
    };
    Ok(Some(Implicit::Produced { label, signer: signer(args)? }))
}

fn label_file(path: &Path) -> Result<Gb45438Label, Failure> {
    let text = files::read(path, MAX_LABEL_FILE)?;
    let label = serde_json::from_slice(&text).map_err(|_| {
        Failure::Usage(
            Message::new(
                format!("{} is not a label of GB 45438", path.display()),
                format!("{} 不是 GB 45438 标识", path.display()),
            ),
            Some((
                "Its keys are Label, ContentProducer, ProduceID, ReservedCode1, ContentPropagator, PropagateID, \
                 ReservedCode2; all values are texts.",
                "其键为 Label、ContentProducer、ProduceID、ReservedCode1、ContentPropagator、PropagateID、\
                 ReservedCode2，值均为文本。",
            )),
        )
    })?;
    let (LabelFile::Wrapped { aigc: label } | LabelFile::Bare(label)) = label;
    Ok(label)
}

fn signer(args: &Label) -> Result<Option<Signer>, Failure> {
    let Some(path) = &args.sm2_key else { return Ok(None) };
    let text = files::read(path, MAX_LABEL_FILE)?;
    let key = std::str::from_utf8(&text).ok().and_then(|text| Sm2SigningKey::from_pem(text).ok());
    let key = key.ok_or_else(|| {
        Failure::Usage(
            Message::new(
                format!("{} is not an SM2 private key", path.display()),
                format!("{} 不是 SM2 私钥", path.display()),
            ),
            Some((
                "Give an unencrypted PEM file, as openssl genpkey -algorithm SM2 makes it.",
                "请提供未加密的 PEM 文件，例如由 openssl genpkey -algorithm SM2 生成。",
            )),
        )
    })?;
    let form = match args.sm2_form.unwrap_or(Form::Message) {
        Form::Message => SignedForm::Message,
        Form::Digest => SignedForm::Digest,
    };
    Ok(Some(Signer { key: Arc::new(key), form }))
}

/// A folder if the name says so, exists as one, or several files go there. Nothing is made.
fn target(args: &Label) -> Result<Target, Failure> {
    let Some(out) = &args.out else { return Ok(Target::Nowhere) };
    let named_as_folder = out.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
    if named_as_folder || out.is_dir() {
        return Ok(Target::Folder(out.clone()));
    }
    if args.files.len() == 1 {
        return Ok(Target::File(out.clone()));
    }
    if out.exists() || files::is_named_as_file(out) {
        let (path, count) = (out.display(), args.files.len());
        return Err(Failure::Usage(
            Message::new(
                format!("--out {path} is the name of one file, and {count} files are to be labelled"),
                format!("--out {path} 是单个文件名，而待写入标识的文件有 {count} 个"),
            ),
            Some(("Name a folder: --out FOLDER/.", "请指定文件夹：--out 文件夹/。")),
        ));
    }
    Ok(Target::Folder(out.clone()))
}

/// Writes a new file. A file that is there already is left alone; half a file is not left behind.
fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let opened = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.map_err(|error| {
        let remedy = (error.kind() == io::ErrorKind::AlreadyExists).then_some((
            "Files are never overwritten: choose another --out.",
            "不会覆盖已有文件：请更换 --out。",
        ));
        Failure::File(Message::of_system(path.display(), &error), remedy)
    })?;
    file.write_all(bytes).map_err(|error| {
        let _ = fs::remove_file(path);
        Failure::File(Message::of_system(path.display(), &error), None)
    })
}
