//! What a command saw of an audit: findings and progress on the terminal, the state on the disk.

use super::words;
use crate::cli::{
    failure::Status,
    output::{Output, Tone},
    parallel::Progress,
};
use std::{collections::HashSet, path::PathBuf};
use touchstone_sdk::log::{
    audit::Observer,
    finding::Finding,
    replay::{Accepted, Entry, Replay, Violation},
    state::{State, StateError, StateFile},
};

/// Findings that are known to have been shown: one that comes again after so many is shown again.
const MAX_TOLD: usize = 10_000;

/// Shows findings and writes the state as an audit goes on.
pub(super) struct Report<'a, F> {
    out: &'a Output,
    file: Option<&'a mut StateFile>,
    progress: Option<Progress>,
    at: u64,
    /// Also told about every entry; gives lines to be printed.
    judged: F,
    /// Whether `judged` is the monitor's, which thereby has seen what is verified.
    watching: bool,
    /// What was shown already: a log that stays wrong is not told again and again.
    told: &'a mut HashSet<String>,
    pub(super) findings: u64,
}

impl<'a, F: FnMut(&Replay, u64, &Entry, &Result<Accepted, Violation>) -> Vec<String>> Report<'a, F> {
    pub(super) fn new(
        out: &'a Output,
        file: Option<&'a mut StateFile>,
        told: &'a mut HashSet<String>,
        judged: F,
    ) -> Self {
        Self { out, file, progress: None, at: 0, judged, watching: false, told, findings: 0 }
    }

    /// Has the state remember that the monitor saw the entries.
    pub(super) fn watching(mut self) -> Self {
        self.watching = true;
        self
    }

    /// Prints while the progress bar makes room.
    fn print(&self, print: impl FnOnce()) {
        match &self.progress {
            Some(progress) => progress.print(print),
            None => print(),
        }
    }
}

/// The error of standard output, if there was one: then nobody knows what was found, and it must not be written down as
/// told.
pub(super) fn all_told(out: &Output) -> Result<(), StateError> {
    let unwritten = |source| StateError::Io { path: PathBuf::from("standard output"), source };
    out.check().map_err(unwritten)
}

/// One finding: for people on one line and its evidence below, for scripts as an object.
pub(super) fn show_finding(out: &Output, finding: &Finding) {
    out.reach(Status::Wrong);
    if out.json {
        out.object(finding);
        return;
    }
    let mark = out.paint(Tone::Bad, out.choose("wrong", "错误"));
    let text = crate::cli::output::clean(&words::finding(out, finding));
    out.line(&format!("{mark}  {text}"));
    for note in words::evidence(finding) {
        out.line("");
        note.lines().for_each(|line| out.line(&format!("    {}", crate::cli::output::clean(line))));
    }
}

impl<F: FnMut(&Replay, u64, &Entry, &Result<Accepted, Violation>) -> Vec<String>> Observer for Report<'_, F> {
    fn begins(&mut self, from: u64, to: u64) {
        self.at = from;
        let steps = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        self.progress = Some(Progress::new(self.out, steps));
    }

    fn verified(&mut self, state: &mut State) -> Result<(), StateError> {
        if let Some(progress) = &self.progress {
            progress.advance(state.size().saturating_sub(self.at));
        }
        self.at = state.size();
        all_told(self.out)?;
        if self.watching {
            state.watched = state.size();
        }
        match &mut self.file {
            Some(file) => file.keep_sometimes(state),
            None => Ok(()),
        }
    }

    fn judged(&mut self, replay: &Replay, index: u64, entry: &Entry, outcome: &Result<Accepted, Violation>) {
        let lines = (self.judged)(replay, index, entry, outcome);
        if !lines.is_empty() {
            self.print(|| lines.iter().for_each(|line| self.out.line(line)));
        }
    }

    fn found(&mut self, finding: &Finding) {
        self.findings += 1;
        if self.told.len() >= MAX_TOLD || self.told.insert(finding.to_string()) {
            self.print(|| show_finding(self.out, finding));
        }
    }
}
