//! `touchstone log monitor`: follows the log and tells what the rules want to know.

use super::{
    PAUSE, Place, advance,
    args::Monitor,
    policy,
    report::{Report, all_told, show_finding},
    split, text_file, unusable, words,
};
use crate::cli::{
    chinese::InChinese,
    failure::{Failure, Message, Status},
    output::{Output, Tone, clean},
    session::Session,
};
use std::{
    collections::{HashMap, HashSet},
    thread,
    time::Duration,
};
use touchstone_schema::{
    Timestamp,
    log::{Checkpoint, Policy},
};
use touchstone_sdk::{
    entropy::{Entropy, SystemEntropy},
    log::{
        audit::{self, Outcome},
        finding::{AuditError, Finding},
        replay::Replay,
        source::Source,
        state::{State, StateFile},
        tree::Tree,
        watch::{Alert, Rules, Watch},
        witness::{self, Compared, Cosigned},
    },
};

/// Looks at a log that stands still after which a witness that is ahead of it says that it withholds entries.
const LOOKS: u32 = 3;

fn rules(args: &Monitor) -> Result<Rules, Failure> {
    let mut rules: Rules = match &args.rules {
        Some(path) => toml::from_str(&text_file(path)?).map_err(|error: toml::de::Error| {
            let (path, reason) = (path.display(), error.message());
            unusable(Message::new(format!("{path}: {reason}"), format!("{path}：{reason}")))
        })?,
        None => Rules::default(),
    };
    rules.organisations.extend(&args.organisation);
    rules.codes.extend(args.code.iter().cloned());
    rules.keys.extend(&args.own_key);
    rules.pictures.extend(&args.picture);
    Ok(rules)
}

pub(crate) fn run(session: &Session, args: &Monitor) -> Result<Status, Failure> {
    let policy = policy(&args.trusted)?;
    let rules = rules(args)?;
    let place = Place::open(session, args.place.as_deref())?;
    let (file, state) = StateFile::open(&args.state, true)?;
    // What the log signed against itself stays wrong, whatever it shows now.
    state.proofs.iter().for_each(|finding| show_finding(&session.out, finding));
    let mut follower = Follower {
        out: &session.out,
        args,
        policy,
        file,
        checkpoint: state.checkpoint.clone(),
        state,
        rules,
        watch: None,
        ahead: HashMap::new(),
        told: HashSet::new(),
    };
    place.with(|source| {
        let mut before = Status::Done;
        loop {
            let status = match SystemEntropy.now().map(|now| follower.look(source, now))? {
                Ok(status) => status,
                Err(error) => follower.tell(error, args.once)?,
            };
            if args.once {
                before = before.or(status);
                if follower.is_waiting() {
                    thread::sleep(PAUSE);
                    continue;
                }
                return Ok(if follower.state.proofs.is_empty() { before } else { Status::Wrong });
            }
            thread::sleep(Duration::from_secs(args.interval));
        }
    })
}

struct Follower<'a> {
    out: &'a Output,
    args: &'a Monitor,
    policy: Policy,
    file: StateFile,
    state: State,
    /// The checkpoint that was written down last.
    checkpoint: Option<String>,
    rules: Rules,
    /// The rules, once they were shown all that the state counts.
    watch: Option<Watch>,
    /// Witnesses that cosigned more than the log showed: how much, and in how many looks that did not change.
    ahead: HashMap<String, (u64, u32)>,
    /// What was told and did not mend since.
    told: HashSet<String>,
}

impl Follower<'_> {
    /// Shows the rules what an audit verified since the monitor looked last.
    fn catch_up(&mut self, source: &dyn Source) -> Result<(Watch, u64), AuditError> {
        let replay = self.state.replay.as_ref().map(|replay| replay.rewound(self.state.watched));
        let replay = replay.unwrap_or_else(|| Replay::new("", None));
        let mut watch = Watch::new(self.rules.clone(), &replay, self.args.since);
        let (out, mut alerts) = (self.out, 0);
        audit::retell(source, &self.policy, &self.state, replay, |replay, index, entry, outcome| {
            for alert in watch.see(replay, index, entry, outcome) {
                alerts += 1;
                out.reach(Status::Alerted);
                out.line(&line(out, &alert));
            }
        })?;
        all_told(out)?;
        if self.state.watched < self.state.size() {
            self.state.watched = self.state.size();
            self.file.keep(&self.state)?;
        }
        Ok((watch, alerts))
    }

    fn look(&mut self, source: &dyn Source, now: Timestamp) -> Result<Status, AuditError> {
        let out = self.out;
        let (mut watch, mut alerts) = match self.watch.take() {
            Some(watch) => (watch, 0_u64),
            None => self.catch_up(source)?,
        };
        let size = self.state.size();
        let judged = |replay: &Replay, index, entry: &_, outcome: &_| {
            let raised = watch.see(replay, index, entry, outcome);
            alerts += raised.len() as u64;
            if !raised.is_empty() {
                out.reach(Status::Alerted);
            }
            raised.iter().map(|alert| line(out, alert)).collect()
        };
        let mut report = Report::new(out, Some(&mut self.file), &mut self.told, judged).watching();
        let operator = self.args.operator_key;
        let outcome = advance(source, &self.policy, operator, &mut self.state, now, &mut report);
        drop(report);
        // Alerts that nobody could read are told again.
        all_told(out)?;
        // If reading stopped half-way, the rules were shown what the state counts, and some of what they see again.
        self.watch = Some(watch);
        let outcome = outcome?;
        if self.state.size() > size || self.checkpoint != self.state.checkpoint {
            self.file.keep(&self.state)?;
            self.checkpoint.clone_from(&self.state.checkpoint);
        }
        let wrong = self.ask_witnesses(source, &outcome, now)? || outcome.wrong;
        if !wrong && !self.is_waiting() {
            self.told.clear();
        }
        Ok(match (wrong, alerts) {
            (true, _) => Status::Wrong,
            (false, 0) => Status::Done,
            (false, _) => Status::Alerted,
        })
    }

    /// Whether a witness is ahead of the log, and not for so long that it is wrong.
    fn is_waiting(&self) -> bool {
        self.ahead.values().any(|(_, looks)| *looks < LOOKS)
    }

    /// Whether what the policy's witnesses cosigned, or when they did, speaks against the log.
    fn ask_witnesses(
        &mut self,
        source: &dyn Source,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<bool, AuditError> {
        let Checkpoint { origin, size, .. } = &outcome.checkpoint.checkpoint;
        let (mut findings, mut withheld) = (Vec::new(), Vec::new());
        let mut tree: Option<Tree<'_>> = None;
        for witness in self.policy.witnesses() {
            let cosigned = match witness::latest(witness, &self.policy, origin) {
                Ok(Some(cosigned)) => cosigned,
                Ok(None) => continue,
                Err(error) => {
                    let text = format!("{}: {error}", witness.name());
                    if self.told.insert(text.clone()) {
                        let chinese = format!("{}：{}", witness.name(), error.chinese());
                        self.out.notice(self.out.choose(&text, &chinese));
                    }
                    continue;
                }
            };
            let tree = match &mut tree {
                Some(tree) => tree,
                none => none.insert(Tree::open(source, &outcome.checkpoint.checkpoint)?),
            };
            match witness::compare(&cosigned, &outcome.note, tree)? {
                Compared::Agrees => {
                    self.ahead.remove(witness.name());
                }
                Compared::Wrong(finding) => findings.push(*finding),
                Compared::Ahead => {
                    let (shown, looks) = self.ahead.entry(witness.name().to_owned()).or_insert((*size, 0));
                    // A log that goes on is only a little behind.
                    *looks = if *shown == *size { looks.saturating_add(1) } else { 1 };
                    *shown = *size;
                    if *looks >= LOOKS {
                        withheld.push((witness.name().to_owned(), cosigned));
                    }
                }
            }
        }
        // Without a quorum the log must not show what some witnesses cosigned: nobody can have been shown it.
        let quorum = self.policy.satisfied(|name| withheld.iter().any(|(witness, _)| witness == name));
        for (witness, Cosigned { checkpoint, note }) in withheld {
            if quorum {
                findings.push(Finding::Withheld { witness, size: checkpoint.size, shown: *size, note });
            } else {
                self.waits_for_quorum(&witness, checkpoint.size, *size);
            }
        }
        findings.extend(self.outdated(outcome, now));
        for finding in &findings {
            let new = self.state.keep_proof(finding, &self.policy);
            if self.told.insert(finding.to_string()) && (new || !self.state.proofs.contains(finding)) {
                show_finding(self.out, finding);
            }
            all_told(self.out)?;
            if new {
                self.file.keep(&self.state)?;
            }
        }
        Ok(!findings.is_empty())
    }

    fn waits_for_quorum(&mut self, witness: &str, size: u64, shown: u64) {
        let en = format!(
            "{witness} cosigned {size} entries, and the log shows {shown}: the others wait for more witnesses"
        );
        let zh = format!("{witness} 已联署 {size} 个条目，日志显示 {shown} 个：其余条目在等待更多见证人");
        if self.told.insert(en.clone()) {
            self.out.notice(self.out.choose(&en, &zh));
        }
    }

    fn outdated(&self, outcome: &Outcome, now: Timestamp) -> Option<Finding> {
        let most = self.args.max_age?;
        let last = outcome.checkpoint.witnesses.iter().map(|(_, seconds)| *seconds).max();
        let now = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
        let seconds = last.map(|last| now.saturating_sub(last));
        let size = outcome.checkpoint.checkpoint.size;
        seconds.is_none_or(|seconds| seconds > most).then_some(Finding::Outdated { size, seconds })
    }

    /// Says what is wrong, and goes on unless it should look only once.
    fn tell(&mut self, error: AuditError, once: bool) -> Result<Status, Failure> {
        let (text, finding): (String, Result<Box<Finding>, Failure>) = (error.to_string(), split(error));
        let again = !self.told.insert(text);
        match finding {
            Ok(finding) => {
                let new = self.state.keep_proof(&finding, &self.policy);
                if !again && (new || !self.state.proofs.contains(&finding)) {
                    show_finding(self.out, &finding);
                }
                all_told(self.out)?;
                if new {
                    self.file.keep(&self.state)?;
                }
                Ok(Status::Wrong)
            }
            // Wrong usage does not mend itself; a registry that cannot be reached does.
            // Nor do a file or a terminal that cannot be written.
            Err(failure) if once || matches!(failure.status(), Status::Usage | Status::SomeFailed) => {
                Err(failure)
            }
            Err(failure) => {
                if !again {
                    failure.report(self.out, None);
                }
                Ok(failure.status())
            }
        }
    }
}

/// One alert on one line.
fn line(out: &Output, alert: &Alert) -> String {
    if out.json {
        return serde_json::to_string(alert).unwrap_or_else(|error| error.to_string());
    }
    let mark = out.paint(Tone::Careful, out.choose("alert", "告警"));
    let time = alert.accepted_at.map(|time| time.to_string()).unwrap_or_default();
    let text = words::event(out, &alert.event, &alert.issuer);
    format!("{mark}  #{}  {}  {}", alert.log_index, out.paint(Tone::Faint, &time), clean(&text))
}
