//! Signed answers, replayed: does the log have exactly the entries that the registry named?

use super::{
    audit::CLOCK_SLACK_SECONDS,
    finding::{AnswerFault, AuditError, cut},
    history,
    replay::{Entry, Replay},
    scan,
    source::Source,
    tree::Tree,
};
use touchstone_schema::{
    Timestamp,
    answer::{Answer, LEAST_CUT, MAX_HITS, Question},
    log::Policy,
    statement::Body,
};

/// How far the registry's own clocks may be apart, in seconds: an answer and the entries around it are dated by servers
/// whose clocks differ a little, and a statement waits a moment for its place in the log.
pub const ANSWER_SLACK_SECONDS: i64 = 300;

/// What the log says about a signed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The log has exactly these entries.
    Confirmed(Box<Answer>),
    /// The answer counts entries, or rests on a checkpoint, beyond the audited checkpoint. Nothing is proven yet.
    Pending(Box<Answer>),
    /// The registry answered wrongly, or this is no answer of it.
    Wrong(AnswerFault),
}

/// An entry that answers a question.
#[derive(Debug, Clone, Copy)]
struct Match {
    /// The entry that says so: a correction answers for what it corrects.
    by: u64,
    answer: u64,
}

/// Collects what the log has on the questions of some answers.
#[derive(Debug, Default)]
pub struct Questions {
    asked: Vec<(Question, Vec<Match>)>,
}

impl Questions {
    /// The questions in signed answers, whose signatures are judged later.
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let questions =
            answers.into_iter().filter_map(|bytes| Some((unverified(bytes)?.question, Vec::new())));
        Self { asked: questions.collect() }
    }

    /// Whether nothing is asked.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Looks at an entry; `replay` knows the statements before it.
    pub fn see(&mut self, replay: &Replay, index: u64, entry: &Entry) {
        let Ok(content) = &entry.content else { return };
        for (question, matches) in &mut self.asked {
            if question.is_answered_by(&content.statement) {
                matches.push(Match { by: index, answer: index });
            }
            if let Body::LabelCorrected(correction) = &content.statement.body
                && question.asks_for_label(&correction.label.producer, &correction.label.content_id)
                && let Some(answer) = replay.index_of(&correction.statement)
            {
                matches.push(Match { by: index, answer });
            }
        }
    }

    /// Looks at the entries before `end` that an earlier audit verified.
    ///
    /// # Errors
    /// [`AuditError`] if they cannot be read.
    pub fn see_before(
        &mut self,
        source: &dyn Source,
        tree: &mut Tree<'_>,
        replay: &Replay,
        end: u64,
    ) -> Result<(), AuditError> {
        if self.is_empty() {
            return Ok(());
        }
        scan::scan(source, tree, 0..end, |bundles| {
            for bundle in bundles {
                for (index, data) in bundle?.iter() {
                    self.see(replay, index, &Entry::read(data));
                }
            }
            Ok(())
        })
    }

    /// The entries that answer the question in a log of `size` entries.
    fn found(&self, question: &Question, size: u64) -> Vec<u64> {
        let matches = self.asked.iter().find(|(asked, _)| asked == question).map(|(_, matches)| matches);
        let matches = matches.into_iter().flatten().filter(|found| found.by < size);
        let mut found: Vec<u64> = matches.map(|found| found.answer).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Holds a signed answer to the log, once all its entries were seen. `now` is the present.
    ///
    /// # Errors
    /// [`AuditError`] if the tree cannot be read.
    pub fn hold(
        &self,
        bytes: &[u8],
        replay: &Replay,
        policy: &Policy,
        tree: &mut Tree<'_>,
        now: Timestamp,
    ) -> Result<Held, AuditError> {
        let wrong = |reason: String| Ok(Held::Wrong(AnswerFault::Signature { reason: cut(&reason) }));
        let Some(stated) = unverified(bytes) else { return wrong("it is no answer".to_owned()) };
        // The key that the log stated when so many entries were there: a later one does not vouch for what was before.
        let Some(key) = replay.verdict_key_at(stated.log_size) else {
            return wrong(format!("a log of {} entries states no verdict key", stated.log_size));
        };
        let answer = match Answer::open(bytes, key) {
            Ok(answer) => Box::new(answer),
            Err(error) => return wrong(error.to_string()),
        };
        if answer.registry != replay.origin() {
            return wrong(format!("it is of {:?}", answer.registry));
        }
        if let Some(fault) = dated_wrongly(&answer, replay, tree.size(), now) {
            return Ok(Held::Wrong(fault));
        }
        if let Some(note) = &answer.checkpoint {
            let fault = |reason: String| Ok(Held::Wrong(AnswerFault::Checkpoint { reason: cut(&reason) }));
            let signed = match history::signed(policy, note) {
                Ok(signed) => signed,
                Err(error) => return fault(error.to_string()),
            };
            if answer.log_size < signed.size {
                return fault(format!("it covers {} entries, and the answer counts fewer", signed.size));
            }
            if signed.size > tree.size() {
                return Ok(Held::Pending(answer));
            }
            if tree.root(signed.size)? != signed.root {
                return fault("the tree has another root at its size".to_owned());
            }
        }
        if answer.log_size > tree.size() {
            return Ok(Held::Pending(answer));
        }
        let mut found = self.found(&answer.question, answer.log_size);
        if !answer.truncated && answer.entries == found {
            return Ok(Held::Confirmed(answer));
        }
        let whole = answer.entries.len() >= LEAST_CUT && found.starts_with(&answer.entries);
        // Enough to be shown.
        found.truncate(MAX_HITS);
        if answer.truncated {
            // Cut where the registry's own limit is, and nowhere before.
            if whole {
                return Ok(Held::Confirmed(answer));
            }
            return Ok(Held::Wrong(AnswerFault::Cut { stated: answer.entries, found }));
        }
        Ok(Held::Wrong(AnswerFault::Entries { stated: answer.entries, found }))
    }
}

/// Whether the entries around an answer's size, `size` of which are known, are of another time than the answer.
fn dated_wrongly(answer: &Answer, replay: &Replay, size: u64, now: Timestamp) -> Option<AnswerFault> {
    let Answer { answered_at, log_size, .. } = *answer;
    if answered_at > now.saturating_add_seconds(CLOCK_SLACK_SECONDS) {
        return Some(AnswerFault::Future { answered_at });
    }
    // Times never run back: if the last entry of those that are known came after the answer, so did all beyond it.
    let log_index = log_size.min(size).checked_sub(1)?;
    let accepted_at = replay.accepted_at(log_index)?;
    if accepted_at > answered_at.saturating_add_seconds(ANSWER_SLACK_SECONDS) {
        return Some(AnswerFault::NeverThere { answered_at, log_size, log_index, accepted_at });
    }
    let accepted_at = Some(log_size).filter(|next| *next < size).and_then(|next| replay.accepted_at(next))?;
    let stale = accepted_at < answered_at.saturating_add_seconds(-ANSWER_SLACK_SECONDS);
    stale.then_some(AnswerFault::Stale { answered_at, log_size, accepted_at })
}

/// Whether these bytes have the form of a signed answer at all.
#[must_use]
pub fn is_answer(bytes: &[u8]) -> bool {
    unverified(bytes).is_some()
}

/// The checkpoint in an answer, unverified.
#[must_use]
pub fn checkpoint_of(bytes: &[u8]) -> Option<String> {
    unverified(bytes)?.checkpoint
}

fn unverified(bytes: &[u8]) -> Option<Answer> {
    let opened = touchstone_schema::envelope::open(bytes, touchstone_schema::answer::ANSWER_TYPE).ok()?;
    serde_json::from_slice(&opened.payload).ok()
}
