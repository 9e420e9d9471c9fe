//! `touchstone log verify`: the whole log, from its files to the meaning of its entries.

use super::{
    Place, advance,
    args::Verify,
    policy,
    report::{Report, all_told, show_finding},
    split, unusable,
};
use crate::cli::{
    args::Language,
    chinese::InChinese,
    failure::{Failure, Message, Status},
    output::{Output, Tone, clean},
    session::Session,
};
use serde::Serialize;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};
use touchstone_schema::{Sha256Digest, Timestamp, envelope::MAX_ENVELOPE_BYTES, log::Policy};
use touchstone_sdk::{
    client::Client,
    entropy::{Entropy, SystemEntropy},
    files,
    log::{
        answers::{self, Held, Questions},
        audit::{self, Outcome},
        finding::{AuditError, Finding},
        history,
        source::Source,
        state::{State, StateError, StateFile},
        tree::Tree,
    },
};

/// The last line for scripts.
#[derive(Serialize)]
struct Line {
    verified: bool,
    origin: String,
    size: u64,
    /// Size of the checkpoint that is served: smaller than `size` if it is an old copy.
    shown: u64,
    root: Sha256Digest,
    from: u64,
    statements: bool,
    findings: u64,
    witnesses: Vec<WitnessLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<u64>,
    /// Answers that prove nothing yet.
    pending: usize,
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
    answered_at: Option<Timestamp>,
    truncated: Option<bool>,
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
        let bytes =
            files::read(path, MAX_ENVELOPE_BYTES as u64).map_err(|error| unusable(error.message()))?;
        if !answers::is_answer(&bytes) {
            let name = path.display();
            return Err(Failure::Usage(
                Message::new(
                    format!("{name} is no signed answer of a registry"),
                    format!("{name} 不是登记处的签名回答"),
                ),
                Some((
                    "touchstone log answer --out FILE fetches one.",
                    "可用 touchstone log answer --out FILE 获取。",
                )),
            ));
        }
        answers.push((path.clone(), bytes));
    }
    let (mut file, mut state) = match &args.state {
        Some(path) => {
            let (file, state) = StateFile::open(path, !args.hashes_only)?;
            (Some(file), state)
        }
        None => (None, State::new(!args.hashes_only)),
    };
    let out = &session.out;
    let job = Job { out, args, policy, history, answers, now: SystemEntropy.now()? };
    place.with(|source| match job.run(source, &mut state, file.as_mut()) {
        Ok(status) => Ok(status),
        Err(error) => {
            let finding = split(error)?;
            let new = state.keep_proof(&finding, &job.policy);
            if new || !state.proofs.contains(&finding) {
                show_finding(out, &finding);
            }
            if out.json {
                out.object(&serde_json::json!({ "verified": false }));
            }
            all_told(out)?;
            if let Some(file) = file.as_mut().filter(|_| new) {
                file.keep(&state)?;
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
    now: Timestamp,
}

impl Job<'_> {
    fn run(
        &self,
        source: &dyn Source,
        state: &mut State,
        mut file: Option<&mut StateFile>,
    ) -> Result<Status, AuditError> {
        state.findings.iter().chain(&state.proofs).for_each(|finding| show_finding(self.out, finding));
        let before = state.finding_count + state.proofs.len() as u64;
        if let Some(path) = self.args.state.as_deref().filter(|_| before > 0) {
            self.say_kept(path);
        }
        let mut known: Vec<String> = state.checkpoint.iter().cloned().collect();
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
        let outcome = advance(source, &self.policy, self.args.operator_key, state, self.now, &mut report)?;
        let mut findings = before + report.findings;
        drop(report);
        let mut tree = Tree::open(source, &outcome.checkpoint.checkpoint)?;
        let mut found = |finding: &Finding| {
            show_finding(self.out, finding);
            findings += 1;
        };
        let history = match self.history {
            Some(client) => {
                known.push(outcome.note.clone());
                known.extend(self.answers.iter().filter_map(|(_, bytes)| answers::checkpoint_of(bytes)));
                let mut proofs = Vec::new();
                let after = state.history;
                let verified = history::verify(client, &self.policy, &mut tree, after, &known, |finding| {
                    if !state.proofs.contains(&finding) {
                        found(&finding);
                        proofs.push(finding);
                    }
                })?;
                let kept = proofs.iter().filter(|finding| state.keep_proof(finding, &self.policy)).count();
                // What cannot be kept as proof is looked at again.
                if kept == proofs.len() {
                    state.history = verified.last;
                }
                Some(verified.count)
            }
            None => None,
        };
        let answers = self.hold(&questions, state, &mut tree, &mut found)?;
        let status = self.conclude(state, &outcome, findings, history, answers);
        all_told(self.out)?;
        if let Some(file) = file {
            file.keep(state)?;
        }
        Ok(status)
    }

    fn say_kept(&self, path: &Path) {
        let path = path.display();
        self.out.notice(&match self.out.language {
            Language::En => format!(
                "this was found in an earlier run and is kept in {path}; to begin anew, move {path} and {path}.entries \
                 away"
            ),
            Language::Zh => {
                format!("以上为此前运行所发现，保存在 {path} 中；若要从头验证，请移走 {path} 和 {path}.entries")
            }
        });
    }

    /// A copy that is behind contradicts nothing; whoever reads it should know.
    fn say_behind(&self, shown: u64, size: u64) {
        self.out.notice(&match self.out.language {
            Language::En => {
                format!(
                    "what is served shows {shown} entries; {size} were verified before: it is an old copy"
                )
            }
            Language::Zh => format!("所读之处只有 {shown} 条，此前已验证 {size} 条：这是旧副本"),
        });
    }

    fn hold(
        &self,
        questions: &Questions,
        state: &State,
        tree: &mut Tree<'_>,
        found: &mut dyn FnMut(&Finding),
    ) -> Result<Vec<AnswerLine>, AuditError> {
        let mut lines = Vec::with_capacity(self.answers.len());
        let Some(replay) = &state.replay else {
            // The words of the command line do not allow it; an answer that nobody held is no answer that holds.
            return if self.answers.is_empty() { Ok(lines) } else { Err(StateError::HashesOnly.into()) };
        };
        for (path, bytes) in &self.answers {
            let file = path.display().to_string();
            let (held, answer) = match questions.hold(bytes, replay, &self.policy, tree, self.now)? {
                Held::Confirmed(answer) => ("confirmed", Some(answer)),
                Held::Pending(answer) => ("pending", Some(answer)),
                Held::Wrong(fault) => {
                    found(&Finding::Answer { file: file.clone(), fault });
                    ("wrong", None)
                }
            };
            lines.push(AnswerLine {
                file,
                held,
                log_size: answer.as_ref().map(|answer| answer.log_size),
                answered_at: answer.as_ref().map(|answer| answer.answered_at),
                truncated: answer.as_ref().map(|answer| answer.truncated),
                entries: answer.map(|answer| answer.entries).unwrap_or_default(),
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
    ) -> Status {
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
            shown: outcome.shown,
            root: checkpoint.checkpoint.root,
            from: outcome.from,
            statements: state.replay.is_some(),
            findings,
            witnesses: witnesses.collect(),
            history,
            pending: answers.iter().filter(|answer| answer.held == "pending").count(),
            answers,
        };
        let status = match (line.verified, line.pending) {
            (false, _) => Status::Wrong,
            (true, 0) => Status::Done,
            (true, _) => Status::Pending,
        };
        out.reach(status);
        if out.json {
            out.object(&line);
            return status;
        }
        if outcome.shown < line.size {
            self.say_behind(outcome.shown, line.size);
        }
        // What is wrong with the others was said.
        for answer in line.answers.iter().filter(|answer| answer.held != "wrong") {
            let held = match answer.held {
                "confirmed" => out.paint(Tone::Good, out.choose("confirmed", "已证实")),
                _ => out.paint(Tone::Careful, out.choose("not covered yet", "尚未覆盖")),
            };
            let mut about = format!("{:?}", answer.entries);
            if answer.truncated == Some(true) {
                about.push_str(out.choose(" (cut)", "（已截断）"));
            }
            if let (Some(size), Some(time)) = (answer.log_size, answer.answered_at) {
                about.push_str(&match out.language {
                    Language::En => format!("  of {size} entries, at {time}"),
                    Language::Zh => format!("  共 {size} 条，于 {time}"),
                });
            }
            out.line(&format!("{held}  {}  {about}", clean(&answer.file)));
        }
        let (tone, verdict) = if line.verified {
            (Tone::Good, out.choose("verified", "已验证"))
        } else {
            match line.answers.iter().filter(|answer| answer.held == "wrong").count() as u64 {
                // Only the answers: anybody can write a file and call it one.
                wrong if wrong == line.findings => {
                    (Tone::Bad, out.choose("the log holds; an answer does not", "日志成立；回答不成立"))
                }
                _ => (Tone::Bad, out.choose("the log is wrong", "日志有误")),
            }
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
                out.choose("checkpoints, new since last time", "本次新增检查点"),
                line.history.map(|n| n.to_string()).unwrap_or_default(),
            ),
            (out.choose("cosigned by", "见证联署"), witnesses.join(", ")),
            (out.choose("findings", "发现的问题"), line.findings.to_string()),
        ]);
        status
    }
}
