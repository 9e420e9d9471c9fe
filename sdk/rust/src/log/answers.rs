//! Signed answers, replayed: does the log have exactly the entries that the registry named?

use super::{
    finding::{AnswerFault, AuditError},
    history,
    replay::{Entry, Replay},
    scan,
    source::Source,
    tree::Tree,
};
use touchstone_schema::{
    answer::{Answer, Question},
    log::Policy,
    statement::Body,
};

/// What the log says about a signed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The log has exactly these entries.
    Confirmed(Box<Answer>),
    /// The answer counts entries that the checkpoint does not cover yet.
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

    /// Holds a signed answer to the log, once all its entries were seen.
    ///
    /// # Errors
    /// [`AuditError`] if the tree cannot be read.
    pub fn hold(
        &self,
        bytes: &[u8],
        replay: &Replay,
        policy: &Policy,
        tree: &mut Tree<'_>,
    ) -> Result<Held, AuditError> {
        let wrong = |reason: String| Ok(Held::Wrong(AnswerFault::Signature { reason }));
        let Some(key) = replay.verdict_key() else {
            return wrong("the log states no verdict key".to_owned());
        };
        let answer = match Answer::open(bytes, key) {
            Ok(answer) => Box::new(answer),
            Err(error) => return wrong(error.to_string()),
        };
        if answer.registry != replay.origin() {
            return wrong(format!("it is of {:?}", answer.registry));
        }
        if let Some(note) = &answer.checkpoint {
            let fault = |reason: String| Ok(Held::Wrong(AnswerFault::Checkpoint { reason }));
            let signed = match history::signed(policy, note) {
                Ok(signed) => signed,
                Err(error) => return fault(error.to_string()),
            };
            if signed.size <= tree.size() && tree.root(signed.size)? != signed.root {
                return fault("the tree has another root at its size".to_owned());
            }
        }
        if answer.log_size > tree.size() {
            return Ok(Held::Pending(answer));
        }
        let found = self.found(&answer.question, answer.log_size);
        let agrees = if answer.truncated {
            answer.entries.iter().all(|entry| found.contains(entry))
        } else {
            answer.entries == found
        };
        if agrees {
            return Ok(Held::Confirmed(answer));
        }
        Ok(Held::Wrong(AnswerFault::Entries { stated: answer.entries, found }))
    }
}

fn unverified(bytes: &[u8]) -> Option<Answer> {
    let opened = touchstone_schema::envelope::open(bytes, touchstone_schema::answer::ANSWER_TYPE).ok()?;
    serde_json::from_slice(&opened.payload).ok()
}
