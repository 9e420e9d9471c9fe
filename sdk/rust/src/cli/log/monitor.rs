//! `touchstone log monitor`: follows the log and tells what the rules want to know.

use super::{
    Place, advance,
    args::Monitor,
    policy,
    report::{Report, show_finding},
    split, text_file, unusable, words,
};
use crate::cli::{
    failure::{Failure, Status},
    output::{Output, Tone, clean},
    session::Session,
};
use std::{collections::HashSet, thread, time::Duration};
use touchstone_schema::log::Policy;
use touchstone_sdk::log::{
    finding::{AuditError, Finding},
    replay::Replay,
    source::Source,
    state::{State, StateFile},
    watch::{Alert, Rules, Watch},
};

fn rules(args: &Monitor) -> Result<Rules, Failure> {
    let mut rules: Rules = match &args.rules {
        Some(path) => toml::from_str(&text_file(path)?)
            .map_err(|error| unusable(format!("{}: {error}", path.display())))?,
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
    let watch = Watch::new(rules, state.replay.as_ref().unwrap_or(&Replay::new("", None)), args.since);
    let mut follower = Follower {
        out: &session.out,
        args,
        policy,
        file,
        checkpoint: state.checkpoint.clone(),
        state,
        watch,
        told: HashSet::new(),
    };
    place.with(|source| {
        loop {
            let status = match follower.look(source) {
                Ok(status) => status,
                Err(error) => follower.tell(error, args.once)?,
            };
            if args.once {
                return Ok(status);
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
    watch: Watch,
    /// What was told and did not mend since.
    told: HashSet<String>,
}

impl Follower<'_> {
    fn look(&mut self, source: &dyn Source) -> Result<Status, AuditError> {
        let out = self.out;
        let mut alerts = 0_u64;
        let size = self.state.size();
        let watch = &mut self.watch;
        let judged = |replay: &Replay, index, entry: &_, outcome: &_| {
            let raised = watch.see(replay, index, entry, outcome);
            alerts += raised.len() as u64;
            raised.iter().map(|alert| line(out, alert)).collect()
        };
        let mut report = Report::new(out, Some(&mut self.file), &mut self.told, judged);
        let outcome = advance(source, &self.policy, self.args.operator_key, &mut self.state, &mut report)?;
        drop(report);
        if self.state.size() > size || self.checkpoint != self.state.checkpoint {
            self.file.keep(&self.state)?;
            self.checkpoint.clone_from(&self.state.checkpoint);
        }
        if !outcome.wrong {
            self.told.clear();
        }
        Ok(match (outcome.wrong, alerts) {
            (true, _) => Status::Wrong,
            (false, 0) => Status::Done,
            (false, _) => Status::Alerted,
        })
    }

    /// Says what is wrong, and goes on unless it should look only once.
    fn tell(&mut self, error: AuditError, once: bool) -> Result<Status, Failure> {
        let (text, finding): (String, Result<Box<Finding>, Failure>) = (error.to_string(), split(error));
        let again = !self.told.insert(text);
        match finding {
            Ok(finding) => {
                if !again {
                    show_finding(self.out, &finding);
                }
                Ok(Status::Wrong)
            }
            // Wrong usage does not mend itself; a registry that cannot be reached does.
            Err(failure) if once || failure.status() == Status::Usage => Err(failure),
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
