//! `touchstone register`: signs statements about files, submits them in batches, uploads pixels or records.

use super::{
    args::{Language, Register},
    failed::Failed,
    failure::{Failure, Message, Status},
    log::receipt_policy,
    output::{Output, Tone, clean},
    parallel::{self, Progress},
    session::Session,
};
use serde::Serialize;
use std::path::{Path, PathBuf};
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    api::{Acknowledgement, ContentReceipt, ContentStatement},
    label::OutputLabel,
    log::{Policy, receipt::FILE_EXTENSION},
};
use touchstone_sdk::{
    entropy::{Entropy, SystemEntropy},
    files::{self, MAX_PICTURE_BYTES},
    register::{Claim, LabelDoubt, Prepared, Registrar, Upload},
};

/// Longest label file that is read, in bytes.
const MAX_LABEL_FILE: u64 = 65_536;

/// The contract for scripts: one of these on each line. The first three are promised.
#[derive(Serialize)]
struct Line {
    file: String,
    statement: StatementId,
    log_index: u64,
    accepted_at: Timestamp,
    duplicate: bool,
    observed_at_index: Option<u64>,
    searchable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

impl Line {
    fn new(
        path: &Path,
        acknowledgement: &Acknowledgement,
        receipt: &ContentReceipt,
        kept: Option<&Path>,
    ) -> Self {
        Self {
            file: path.display().to_string(),
            statement: acknowledgement.id,
            log_index: acknowledgement.log_index,
            accepted_at: acknowledgement.accepted_at,
            duplicate: acknowledgement.duplicate,
            observed_at_index: receipt.observed_at_index,
            searchable: receipt.searchable,
            receipt: kept.map(|path| path.display().to_string()),
        }
    }
}

pub(crate) fn run(session: &Session, args: &Register) -> Result<Status, Failure> {
    let claim = claim(args)?;
    let key = session.key()?;
    let connection = session.connect()?;
    let registrar = Registrar::new(&connection.client, key, &SystemEntropy)?
        .keeping(args.reference)
        .with_receipts(args.receipts.is_some())
        .taking_other_labels(args.other_label);
    let run = Run {
        out: &session.out,
        registrar: &registrar,
        claim: &claim,
        upload: if args.no_pixels { Upload::Record } else { Upload::Pixels },
        receipts: match &args.receipts {
            Some(folder) => Some((folder, receipt_policy(args.policy.as_deref(), registrar.log())?)),
            None => None,
        },
        progress: Progress::new(&session.out, args.files.len()),
    };
    let mut failed = Failed::new(&session.out);
    for files in args.files.chunks(registrar.max_batch()) {
        if failed.ended() {
            run.progress.print(|| files.iter().for_each(|path| failed.untried(path, None)));
        } else {
            run.batch(files, &mut failed);
        }
    }
    drop(run);
    Ok(failed.finish())
}

fn claim(args: &Register) -> Result<Claim, Failure> {
    let Some(path) = &args.label else {
        return Ok(Claim::Picture { view: args.view, product: args.product.clone() });
    };
    let text = files::read(path, MAX_LABEL_FILE)?;
    let label: OutputLabel = serde_json::from_slice(&text).map_err(|error| {
        let remedy =
            ("Its form is OutputLabel in the JSON Schemas.", "其格式为 JSON Schema 中的 OutputLabel。");
        let message = Message::new(
            format!("{} is not a label: {error}", path.display()),
            format!("{} 不是标识：{error}", path.display()),
        );
        Failure::Usage(message, Some(remedy))
    })?;
    let parents = args.parent.iter().map(|parent| parent_digest(parent)).collect::<Result<_, _>>()?;
    Ok(Claim::Output { label: Box::new(label), parents })
}

/// A parent is given by its digest or as the file itself.
fn parent_digest(parent: &str) -> Result<Sha256Digest, Failure> {
    match parent.parse() {
        Ok(digest) => Ok(digest),
        Err(_) => Ok(Sha256Digest::of(&files::read(parent.as_ref(), MAX_PICTURE_BYTES)?)),
    }
}

struct Run<'a> {
    out: &'a Output,
    registrar: &'a Registrar<'a>,
    claim: &'a Claim,
    upload: Upload,
    /// Where statements and their receipts are kept, and whom receipts must satisfy.
    receipts: Option<(&'a PathBuf, Policy)>,
    progress: Progress,
}

/// What became of one statement.
type Accepted = Result<(Prepared, Acknowledgement), Failure>;
/// What became of what belongs to a statement; none if that was not sent.
type Uploaded = Option<Result<ContentReceipt, Failure>>;

impl Run<'_> {
    /// Registers one batch: prepare in parallel, submit at once, upload in parallel, print in order.
    fn batch(&self, files: &[PathBuf], failed: &mut Failed<'_>) {
        let mut prepared: Vec<Result<Prepared, Failure>> = Vec::with_capacity(files.len());
        let prepare = |path: &PathBuf| self.registrar.prepare(path, self.claim, self.upload);
        parallel::in_order(files, prepare, |_, result| {
            if let Ok(Prepared { path, label_doubt: Some(doubt), .. }) = &result {
                self.progress.print(|| self.say_doubt(path, *doubt));
            }
            prepared.push(result.map_err(Failure::from));
        });
        for one in prepared.iter().filter_map(|one| one.as_ref().ok()) {
            let earlier = match self.registrar.earlier(one).map_err(Failure::from) {
                Ok(earlier) => earlier,
                // Only a notice: what ends the run ends it where it matters.
                Err(failure) if failure.ends_run() => break,
                Err(_) => continue,
            };
            if let Some(first) = earlier.first() {
                self.progress.print(|| self.say_again(&one.path, first));
            }
        }
        let accepted = self.submit(prepared);

        let upload = |accepted: &Accepted| -> Uploaded {
            let (prepared, acknowledgement) = accepted.as_ref().ok()?;
            Some(self.registrar.upload(prepared, &acknowledgement.id).map_err(Failure::from))
        };
        let ends = |uploaded: &Uploaded| matches!(uploaded, Some(Err(failure)) if failure.ends_run());
        parallel::in_order_until(&accepted, upload, ends, |at, uploaded| {
            self.progress.print(|| self.report(&files[at], &accepted[at], uploaded.flatten(), failed));
            self.progress.step();
        });
    }

    fn submit(&self, prepared: Vec<Result<Prepared, Failure>>) -> Vec<Accepted> {
        let ready: Vec<&Prepared> = prepared.iter().filter_map(|one| one.as_ref().ok()).collect();
        if ready.is_empty() {
            return prepared.into_iter().map(|one| Err(one.err().unwrap_or_else(lost))).collect();
        }
        let answers: Vec<Result<Acknowledgement, Failure>> = match self.registrar.submit(&ready) {
            Ok(answers) => answers.into_iter().map(|answer| answer.map_err(Failure::from)).collect(),
            // Every file of the batch fails for the same reason.
            Err(error) => ready.iter().map(|_| Err(error.clone().into())).collect(),
        };
        let mut answers = answers.into_iter();
        prepared
            .into_iter()
            .map(|one| {
                let one = one?;
                let acknowledgement = answers.next().unwrap_or_else(|| Err(lost()))?;
                Ok((one, acknowledgement))
            })
            .collect()
    }

    /// Prints the answer about one file.
    fn report(&self, path: &Path, accepted: &Accepted, uploaded: Uploaded, failed: &mut Failed<'_>) {
        let (prepared, acknowledgement) = match accepted {
            Ok((prepared, acknowledgement)) => (prepared, acknowledgement),
            Err(failure) => return failed.file(path, None, failure),
        };
        let statement = Some(acknowledgement.id);
        match uploaded {
            Some(Ok(receipt)) => {
                let kept = self.keep(path, prepared, acknowledgement, failed);
                self.show(&Line::new(path, acknowledgement, &receipt, kept.as_deref()));
                return;
            }
            Some(Err(failure)) => failed.file(path, statement, &failure),
            None => failed.untried(path, statement),
        }
        self.say_how_to_go_on(path, acknowledgement);
        // The statement stands, and so does its receipt.
        self.keep(path, prepared, acknowledgement, failed);
    }

    /// Keeps the statement and its receipt, if that is wanted; gives the receipt's path.
    fn keep(
        &self,
        path: &Path,
        prepared: &Prepared,
        accepted: &Acknowledgement,
        failed: &mut Failed<'_>,
    ) -> Option<PathBuf> {
        let (folder, policy) = self.receipts.as_ref()?;
        // Once the run ended, nobody is asked for what did not come with the answer: a receipt, or the envelope that the
        // log holds of a statement that it knew.
        if failed.ended() && (accepted.receipt.is_none() || accepted.duplicate) {
            self.say_how_to_get_the_receipt(accepted);
            return None;
        }
        match self.write_evidence(prepared, accepted, folder, policy) {
            Ok(receipt) => Some(receipt),
            Err(failure) => {
                failed.beside(path, &failure);
                // Of a receipt that proves nothing, nobody knows what stands.
                if !matches!(failure, Failure::Unproven(..)) {
                    self.say_how_to_get_the_receipt(accepted);
                }
                None
            }
        }
    }

    /// Writes the statement and its receipt, and gives the receipt's path. Under these names stands only what proves the
    /// statement.
    fn write_evidence(
        &self,
        prepared: &Prepared,
        accepted: &Acknowledgement,
        folder: &Path,
        policy: &Policy,
    ) -> Result<PathBuf, Failure> {
        if accepted.receipt.is_none() {
            let id = accepted.id;
            self.out.notice(&match self.out.language {
                Language::En => format!("{id} stands; waiting for the log to publish it, and its witnesses"),
                Language::Zh => format!("{id} 已登记；正在等待日志发布及见证人联署"),
            });
        }
        let evidence = self.registrar.evidence(prepared, accepted, policy, SystemEntropy.now()?)?;
        files::write(&folder.join(format!("{}.json", accepted.id)), &evidence.envelope)?;
        let path = folder.join(format!("{}{FILE_EXTENSION}", accepted.id));
        files::write(&path, &evidence.receipt)?;
        Ok(path)
    }

    fn say_how_to_get_the_receipt(&self, acknowledgement: &Acknowledgement) {
        let id = acknowledgement.id;
        let stands = self.out.choose("the statement stands", "声明已登记");
        self.out.notice(&format!(
            "{stands}; touchstone statement envelope {id} --out {id}.json; touchstone statement receipt {id} --out \
             {id}{FILE_EXTENSION}"
        ));
    }

    fn say_again(&self, path: &Path, first: &ContentStatement) {
        let (path, ContentStatement { id, log_index, .. }) = (path.display(), first);
        self.out.notice(&match self.out.language {
            Language::En => {
                format!("{path}: registered before as {id} #{log_index}; this makes another public entry")
            }
            Language::Zh => format!("{path}：此前已登记为 {id} #{log_index}；本次会再产生一条公开记录"),
        });
    }

    fn say_doubt(&self, path: &Path, doubt: LabelDoubt) {
        let path = path.display();
        self.out.notice(&match (self.out.language, doubt) {
            (Language::En, LabelDoubt::Missing) => {
                format!("{path}: the file carries no AI label; touchstone label writes one")
            }
            (Language::En, LabelDoubt::Differs) => {
                format!("{path}: the file's own label names another producer or number")
            }
            (Language::Zh, LabelDoubt::Missing) => {
                format!("{path}：文件不带 AI 标识；可用 touchstone label 写入")
            }
            (Language::Zh, LabelDoubt::Differs) => format!("{path}：文件自带标识的生成方或编号不同"),
        });
    }

    fn say_how_to_go_on(&self, path: &Path, acknowledgement: &Acknowledgement) {
        let (id, path) = (acknowledgement.id, path.display());
        let stands = self.out.choose("the statement stands", "声明已登记");
        self.out.notice(&match self.upload {
            Upload::Pixels => format!("{stands}; touchstone statement upload {id} {path}"),
            Upload::Record => format!("{stands}: {id}; touchstone register --no-pixels {path}"),
        });
    }

    fn show(&self, line: &Line) {
        let out = self.out;
        if out.json {
            out.object(line);
            return;
        }
        let words = out.words();
        let seen = if line.observed_at_index.is_some() { words.observed } else { words.declared };
        let mut parts = vec![
            out.paint(Tone::Good, words.registered),
            clean(&line.file),
            line.statement.to_string(),
            format!("#{}", line.log_index),
            out.paint(Tone::Faint, seen),
        ];
        if line.duplicate {
            parts.push(out.paint(Tone::Faint, words.duplicate));
        }
        if !line.searchable {
            parts.push(out.paint(Tone::Careful, words.not_searchable));
        }
        out.line(&parts.join("  "));
    }
}

fn lost() -> Failure {
    let message =
        Message::new("the registry's answer holds no result for this file", "登记处的应答中没有此文件的结果");
    Failure::File(message, None)
}
