//! The files of a run that failed: each gives scripts its line, and what would fail every file is said once and ends the
//! run.
//!
//! The line comes last: where nobody reads any more the process ends with it, and what failed must have been said by then
//! and count in the exit status.

use super::{
    args::Language,
    failure::{Document, Failure, Status},
    output::Output,
};
use serde::Serialize;
use std::path::{Path, PathBuf};
use touchstone_schema::StatementId;

/// The contract for scripts: the line of a file that failed, in the place of the one that it would have.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    /// What stands in the log all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<StatementId>,
    /// False where the run ended before the file was answered and nothing of it stands: it can be given again.
    #[serde(skip_serializing_if = "Option::is_none")]
    tried: Option<bool>,
    error: Document<'a>,
}

impl<'a> Line<'a> {
    fn new(path: &Path, statement: Option<StatementId>, failure: &'a Failure) -> Self {
        let error = failure.document();
        Self { file: path.display().to_string(), statement, tried: None, error }
    }

    fn untried(path: &Path, statement: Option<StatementId>, failure: &'a Failure) -> Self {
        Self { tried: statement.is_none().then_some(false), ..Self::new(path, statement, failure) }
    }

    fn print(&self, out: &Output) {
        if out.json {
            out.object(self);
        }
    }
}

/// A command that failed before the first of its files.
pub(crate) fn before_any(out: &Output, files: &[PathBuf], failure: &Failure) {
    failure.report(out, None);
    out.reach(failure.status());
    files.iter().for_each(|path| Line::untried(path, None, failure).print(out));
}

/// What failed in one run, in the order of the files.
pub(crate) struct Failed<'a> {
    out: &'a Output,
    status: Status,
    /// What ended the run.
    end: Option<Failure>,
    /// Files that got no answer for that: as many as have a line that says "tried": false.
    left: usize,
}

impl<'a> Failed<'a> {
    pub(crate) const fn new(out: &'a Output) -> Self {
        Self { out, status: Status::Done, end: None, left: 0 }
    }

    /// Whether the run ended: no further file need be tried.
    pub(crate) const fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// A file failed; `statement` is what stands of it.
    pub(crate) fn file(&mut self, path: &Path, statement: Option<StatementId>, failure: &Failure) {
        self.reach(failure);
        match (failure.ends_run(), self.ended()) {
            (false, _) => failure.report(self.out, Some(path)),
            // Of those that were under way together, the first says it for all.
            (true, true) => return self.untried(path, statement),
            (true, false) => {
                failure.report(self.out, None);
                self.end = Some(failure.clone());
            }
        }
        Line::new(path, statement, failure).print(self.out);
    }

    /// Something failed beside the answer about a file: that says nothing about the others.
    pub(crate) fn beside(&mut self, path: &Path, failure: &Failure) {
        failure.report(self.out, Some(path));
        self.reach(failure);
    }

    fn reach(&mut self, failure: &Failure) {
        self.status = self.status.or(failure.status_among_files());
        self.out.reach(self.status);
    }

    /// The run ended before this file's answer, or between its statement, which stands, and what belongs to it.
    pub(crate) fn untried(&mut self, path: &Path, statement: Option<StatementId>) {
        if let Some(end) = &self.end {
            // Of one whose statement stands it is said apart how to go on.
            self.left += usize::from(statement.is_none());
            Line::untried(path, statement, end).print(self.out);
        }
    }

    /// Says how many files have no answer since the run ended, and gives the status of the run.
    pub(crate) fn finish(self) -> Status {
        let Self { out, left, .. } = self;
        match (out.language, left) {
            (_, 0) => {}
            (Language::En, 1) => out.notice("stopped here: 1 further file has no answer"),
            (Language::En, _) => out.notice(&format!("stopped here: {left} further files have no answer")),
            (Language::Zh, _) => out.notice(&format!("已就此停止：另有 {left} 个文件没有结果")),
        }
        self.status
    }
}
