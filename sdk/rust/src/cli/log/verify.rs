//! `touchstone log verify`: the whole log, from its files to the meaning of its entries.

use super::{
    Place, advance,
    args::Verify,
    policy,
    report::{Report, show_finding},
    split, unusable,
};
use crate::cli::{
    failure::{Failure, Message, Status},
    output::{Output, Tone, clean},
    session::Session,
};
use serde::Serialize;
use std::{collections::HashSet, path::PathBuf};
use touchstone_schema::{Sha256Digest, Timestamp, envelope::MAX_ENVELOPE_BYTES, log::Policy};
use touchstone_sdk::{
    client::Client,
    files,
    log::{
        answers::{Held, Questions},
        audit::{self, Outcome},
        finding::{AuditError, Finding},
        history,
        source::Source,
        state::{State, StateFile},
        tree::Tree,
    },
};

/// The last line for scripts.
#[derive(Serialize)]
struct Line {
    verified: bool,
    origin: String,
    size: u64,
    root: Sha256Digest,
    from: u64,
    statements: bool,
    findings: u64,
    witnesses: Vec<WitnessLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<u64>,
    answers: Vec<AnswerLine>,
}

#[derive(Serialize)]
struct WitnessLine {
    name: String,
    cosigned_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct AnswerLine {
    file: String,
    held: &'static str,
    entries: Vec<u64>,
    log_size: Option<u64>,
}

pub(crate) fn run(session: &Session, args: &Verify) -> Result<Status, Failure> {
    let policy = policy(&args.trusted)?;
    let place = Place::open(session, args.place.as_deref())?;
    let history = match (args.history, place.client()) {
        (true, None) => {
            return Err(Failure::Usage(
                Message::new("--history needs the address of a registry", "--history 需要登记处的地址"),
                None,
            ));
        }
        (wanted, client) => client.filter(|_| wanted),
    };
    let mut answers = Vec::with_capacity(args.answer.len());
    for path in &args.answer {
        answers.push((path.clone(), files::read(path, MAX_ENVELOPE_BYTES as u64).map_err(unusable)?));
    }
    let (mut file, state) = match &args.state {
        Some(path) => {
            let (file, state) = StateFile::open(path, !args.hashes_only)?;
            (Some(file), state)
        }
        None => (None, State::new(!args.hashes_only)),
    };
    let job = Job { out: &session.out, args, policy, history, answers };
    place.with(|source| match job.run(source, state, file.as_mut()) {
        Ok(status) => Ok(status),
        Err(error) => {
            let finding = split(error)?;
            show_finding(&session.out, &finding);
            if session.out.json {
                session.out.object(&serde_json::json!({ "verified": false }));
            }
            Ok(Status::Wrong)
        }
    })
}

struct Job<'a> {
    out: &'a Output,
    args: &'a Verify,
    policy: Policy,
    history: Option<&'a Client>,
    answers: Vec<(PathBuf, Vec<u8>)>,
}

impl Job<'_> {
    fn run(
        &self,
        source: &dyn Source,
        mut state: State,
        mut file: Option<&mut StateFile>,
    ) -> Result<Status, AuditError> {
        state.findings.iter().for_each(|finding| show_finding(self.out, finding));
        let before = state.finding_count;
        let mut questions = Questions::of(self.answers.iter().map(|(_, bytes)| bytes.as_slice()));
        // Entries that were verified before are looked at again for the answers alone.
        if state.size() > 0
            && !questions.is_empty()
            && let Some(replay) = &state.replay
        {
            let (verified, _) = audit::checkpoint(source, &self.policy)?;
            let mut tree = Tree::open(source, &verified.checkpoint)?;
            let end = state.size().min(tree.size());
            questions.see_before(source, &mut tree, replay, end)?;
        }
        let judged = |replay: &_, index, entry: &_, _: &_| {
            questions.see(replay, index, entry);
            Vec::new()
        };
        let mut told = HashSet::new();
        let mut report = Report::new(self.out, file.as_deref_mut(), &mut told, judged);
        let outcome = advance(source, &self.policy, self.args.operator_key, &mut state, &mut report)?;
        let mut findings = before + report.findings;
        drop(report);
        let mut tree = Tree::open(source, &outcome.checkpoint.checkpoint)?;
        let mut found = |finding: &Finding| {
            show_finding(self.out, finding);
            findings += 1;
        };
        let history = match self.history {
            Some(client) => {
                let (count, last) =
                    history::verify(client, &self.policy, &mut tree, state.history, |finding| {
                        found(&finding);
                    })?;
                state.history = last;
                Some(count)
            }
            None => None,
        };
        let answers = self.hold(&questions, &state, &mut tree, &mut found)?;
        if let Some(file) = file {
            file.keep(&state)?;
        }
        self.conclude(&state, &outcome, findings, history, answers);
        Ok(if findings == 0 { Status::Done } else { Status::Wrong })
    }

    fn hold(
        &self,
        questions: &Questions,
        state: &State,
        tree: &mut Tree<'_>,
        found: &mut dyn FnMut(&Finding),
    ) -> Result<Vec<AnswerLine>, AuditError> {
        let mut lines = Vec::with_capacity(self.answers.len());
        let Some(replay) = &state.replay else { return Ok(lines) };
        for (path, bytes) in &self.answers {
            let file = path.display().to_string();
            let (held, answer) = match questions.hold(bytes, replay, &self.policy, tree)? {
                Held::Confirmed(answer) => ("confirmed", Some(answer)),
                Held::Pending(answer) => ("pending", Some(answer)),
                Held::Wrong(fault) => {
                    found(&Finding::Answer { file: file.clone(), fault });
                    ("wrong", None)
                }
            };
            let log_size = answer.as_ref().map(|answer| answer.log_size);
            lines.push(AnswerLine {
                file,
                held,
                entries: answer.map(|a| a.entries).unwrap_or_default(),
                log_size,
            });
        }
        Ok(lines)
    }

    fn conclude(
        &self,
        state: &State,
        outcome: &Outcome,
        findings: u64,
        history: Option<u64>,
        answers: Vec<AnswerLine>,
    ) {
        let out = self.out;
        let checkpoint = &outcome.checkpoint;
        let witnesses = checkpoint.witnesses.iter().map(|(name, seconds)| WitnessLine {
            name: name.clone(),
            cosigned_at: super::receipt::time(*seconds),
        });
        let line = Line {
            verified: findings == 0 && state.size() == checkpoint.checkpoint.size,
            origin: checkpoint.checkpoint.origin.clone(),
            size: checkpoint.checkpoint.size,
            root: checkpoint.checkpoint.root,
            from: outcome.from,
            statements: state.replay.is_some(),
            findings,
            witnesses: witnesses.collect(),
            history,
            answers,
        };
        if out.json {
            out.object(&line);
            return;
        }
        for answer in &line.answers {
            let held = match answer.held {
                "confirmed" => out.paint(Tone::Good, out.choose("confirmed", "已证实")),
                "pending" => out.paint(Tone::Careful, out.choose("not covered yet", "尚未覆盖")),
                _ => out.paint(Tone::Bad, out.choose("wrong", "错误")),
            };
            out.line(&format!("{held}  {}  {:?}", clean(&answer.file), answer.entries));
        }
        let (tone, verdict) = if line.verified {
            (Tone::Good, out.choose("verified", "已验证"))
        } else {
            (Tone::Bad, out.choose("the log is wrong", "日志有误"))
        };
        out.line(&out.paint(tone, verdict));
        let looked_into = if line.statements {
            out.choose("hashes, signatures and admissions", "哈希、签名与准入")
        } else {
            out.choose("hashes only", "仅哈希")
        };
        let witnesses: Vec<String> = checkpoint.witnesses.iter().map(super::receipt::dated).collect();
        out.fields(&[
            (out.choose("log", "日志"), line.origin),
            (out.words().log_size, line.size.to_string()),
            (out.choose("root", "根哈希"), line.root.to_string()),
            (
                out.choose("new since last time", "本次新增"),
                (line.size - line.from.min(line.size)).to_string(),
            ),
            (out.choose("verified", "验证范围"), looked_into.to_owned()),
            (
                out.choose("published checkpoints", "历次检查点"),
                line.history.map(|n| n.to_string()).unwrap_or_default(),
            ),
            (out.choose("cosigned by", "见证联署"), witnesses.join(", ")),
            (out.choose("findings", "发现的问题"), line.findings.to_string()),
        ]);
    }
}
