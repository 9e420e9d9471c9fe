//! `touchstone inspect`: what a file tells about itself, without any registry.

use super::{
    args::Inspect,
    failure::{self, Failure, Status},
    output::{Output, Tone},
    parallel::{self, Progress},
    session::Session,
    words,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use touchstone_inspect::labels::integrity::ProducerKeys;
use touchstone_schema::{api::InspectionReport, label::FoundLabel};
use touchstone_sdk::{
    files::{self, MAX_PICTURE_BYTES},
    inspecting,
};

#[derive(Serialize)]
struct Line<'a> {
    file: String,
    #[serde(flatten)]
    report: &'a InspectionReport,
}

/// The longest file of pinned keys.
const MAX_KEYS_FILE: u64 = 8 << 20;

pub(crate) fn run(session: &Session, args: &Inspect) -> Result<Status, Failure> {
    let out = &session.out;
    let mut options = inspecting::options();
    if let Some(path) = &args.producer_keys {
        let keys = ProducerKeys::parse(&files::read(path, MAX_KEYS_FILE)?);
        let refuse = |error| Failure::Usage(format!("{}: {error}", path.display()), None);
        options.producer_keys = Arc::new(keys.map_err(refuse)?);
    }
    let work = |path: &PathBuf| -> Result<InspectionReport, Failure> {
        let bytes = files::read(path, MAX_PICTURE_BYTES)?;
        let inspection = touchstone_inspect::inspect(&bytes, &options);
        Ok(inspection.map_err(|error| failure::not_a_picture(&error))?.report())
    };
    let mut status = Status::Done;
    let progress = Progress::new(out, args.files.len());
    parallel::in_order(&args.files, work, |at, result| {
        let path = &args.files[at];
        progress.print(|| match result {
            Ok(report) if out.json => out.object(&Line { file: path.display().to_string(), report: &report }),
            Ok(report) => show(out, path, &report),
            Err(failure) => {
                status = status.or(failure.status_among_files());
                failure.report(out, Some(path));
            }
        });
        progress.step();
    });
    Ok(status)
}

fn show(out: &Output, path: &Path, report: &InspectionReport) {
    let words = out.words();
    out.line(&out.paint(Tone::Strong, &super::output::clean(&path.display().to_string())));
    let mut fields = vec![
        (words.media_type, report.media_type.clone()),
        (words.size, format!("{} x {}", report.width, report.height)),
        ("SHA-256", report.sha256.to_string()),
    ];
    if report.sha256_without_manifest != report.sha256 {
        fields.push(("SHA-256 (-C2PA)", report.sha256_without_manifest.to_string()));
    }
    let pdq = report.pdq.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    fields.push(("PDQ", format!("{pdq} ({}/100)", report.pdq_quality)));
    fields.push(("ISCC", report.iscc.clone()));
    if report.labels.is_empty() {
        fields.push((words.label, words.no_label.to_owned()));
    }
    for label in &report.labels {
        fields.push((words.label, describe(out, label)));
    }
    if let Some(c2pa) = &report.c2pa {
        let text =
            |name: &str| c2pa.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let (en, zh) = credential(&text("state"));
        let parts = [out.choose(en, zh).to_owned(), text("claim_generator")];
        fields.push(("C2PA", parts.join(" · ").trim_end_matches(" · ").to_owned()));
    }
    out.fields(&fields);
}

/// The state of a manifest as people read it: `valid` says nothing about who signed.
fn credential(state: &str) -> (&'static str, &'static str) {
    match state {
        "trusted" => ("intact, by a signer on the trust list", "完整，签名者在信任列表中"),
        "valid" => ("intact; who signed it is not known to any trust list", "完整；签名者不在信任列表中"),
        "invalid" => ("broken: the file or the manifest was changed", "已破坏：文件或清单被改动"),
        "remote" => ("kept elsewhere; nothing was fetched", "存于别处；未联网读取"),
        _ => ("cannot be read", "无法读取"),
    }
}

fn describe(out: &Output, label: &FoundLabel) -> String {
    let choose = |(en, zh)| out.choose(en, zh);
    let mut parts = vec![
        words::scheme(label.scheme).to_owned(),
        choose(words::meaning(label.meaning)).to_owned(),
        choose(words::level(label.level)).to_owned(),
    ];
    parts.extend(label.integrity.as_ref().map(|found| choose(words::integrity(found)).to_owned()));
    if let Some(gb) = &label.gb45438 {
        parts.push(format!("{} / {}", gb.content_producer, gb.produce_id));
    }
    if let Some(term) = label.digital_source_type {
        parts.push(term.term().to_owned());
    }
    parts.extend(label.generator.clone());
    parts.push(label.carrier.clone());
    parts.join(" · ")
}
