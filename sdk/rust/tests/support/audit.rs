//! Audits of a log as files, and what they tell.

use crate::log::{self, Log, key, now, policy};
use std::{path::Path, sync::LazyLock};
use tempfile::TempDir;
use touchstone_schema::{log::Policy, statement::Role};
use touchstone_sdk::log::{
    audit::{self, Observer},
    finding::{AuditError, Finding},
    replay::{Accepted, Entry, Replay, Violation},
    source::DirectoryLog,
    state::{State, StateError},
};

/// A log with two levels of tiles, and what goes on from it.
pub(crate) static LONG: LazyLock<Log> = LazyLock::new(|| {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..700 {
        log.register(&shop, &format!("picture {n}"));
    }
    log
});

/// What an audit told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) findings: Vec<Finding>,
    pub(crate) judged: Vec<u64>,
    pub(crate) verified: Vec<u64>,
}

impl Observer for Told {
    fn begins(&mut self, _: u64, _: u64) {}

    fn verified(&mut self, state: &mut State) -> Result<(), StateError> {
        self.verified.push(state.size());
        Ok(())
    }

    fn judged(&mut self, _: &Replay, index: u64, _: &Entry, _: &Result<Accepted, Violation>) {
        self.judged.push(index);
    }

    fn found(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }
}

pub(crate) fn advance(folder: &Path, policy: &Policy, state: &mut State) -> (Vec<Finding>, Told) {
    let mut told = Told::default();
    let source = DirectoryLog(folder.to_owned());
    let mut findings = match audit::advance(&source, policy, None, state, now(), &mut told) {
        Ok(outcome) => {
            assert_eq!(outcome.wrong, !told.findings.is_empty());
            Vec::new()
        }
        Err(AuditError::Wrong(finding)) => vec![*finding],
        Err(error) => panic!("{error}"),
    };
    findings.splice(0..0, told.findings.iter().cloned());
    (findings, told)
}

pub(crate) fn verify(folder: &Path) -> Vec<Finding> {
    advance(folder, &policy(), &mut State::new(true)).0
}

pub(crate) fn written(log: &Log, size: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    log.write(folder.path(), size);
    folder
}

/// The log up to `size`, and then other entries.
pub(crate) fn fork(size: u64, entries: u64) -> Log {
    let mut fork = LONG.clone();
    fork.entries.truncate(size as usize);
    let shop = log::Member {
        id: touchstone_schema::OrganisationId::from_parts(1, [1; 10]),
        key: key(1),
        recovery: key(2),
    };
    for n in 0..entries {
        fork.register(&shop, &format!("other {n}"));
    }
    fork
}
