//! The state of an audit: what is kept, what is refused, and whom it accuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

#[path = "support/audit.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod audits;
#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use audits::{LONG, Told, advance, fork, written};
use log::{ORIGIN, key, log_key, now, policy, public};
use std::{fs, path::Path};
use touchstone_schema::log::{Policy, VerifierKey};
use touchstone_sdk::log::{
    audit,
    finding::{AuditError, Finding},
    source::DirectoryLog,
    state::{State, StateError, StateFile},
};

#[test]
fn what_an_interruption_left_behind_is_dropped_and_damage_is_noticed() {
    let folder = written(&LONG, 300);
    let home = tempfile::tempdir().unwrap();
    let (path, entries) = (home.path().join("s"), home.path().join("s.entries"));
    let (mut file, mut state) = StateFile::open(&path, true).unwrap();
    advance(folder.path(), &policy(), &mut state);
    file.keep(&state).unwrap();
    drop(file);
    // Failed after the records were written and before the file was replaced.
    let records = fs::read(&entries).unwrap();
    fs::write(&entries, [records.as_slice(), &[7; 100]].concat()).unwrap();
    LONG.write(folder.path(), 704);
    let (mut file, mut state) = StateFile::open(&path, true).unwrap();
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    file.keep(&state).unwrap();
    drop(file);
    assert_eq!(StateFile::open(&path, true).unwrap().1.size(), 704);
    assert_eq!(fs::metadata(&entries).unwrap().len(), 704 * 104);
    // A flipped bit, a cut file, a file that is gone.
    let records = fs::read(&entries).unwrap();
    for at in [0, 20, 45, 60, 80, 100, 104 * 703 + 10] {
        let mut damaged = records.clone();
        damaged[at] ^= 1;
        fs::write(&entries, damaged).unwrap();
        assert!(matches!(StateFile::open(&path, true), Err(StateError::Damaged { .. })), "{at}");
    }
    fs::write(&entries, &records[..records.len() - 104]).unwrap();
    assert!(matches!(StateFile::open(&path, true), Err(StateError::Damaged { .. })));
    fs::remove_file(&entries).unwrap();
    assert!(matches!(StateFile::open(&path, true), Err(StateError::Io { .. })));
    fs::write(&path, "{}").unwrap();
    assert!(matches!(StateFile::open(&path, true), Err(StateError::Damaged { .. })));
}

#[test]
fn a_state_without_statements_cannot_go_on_with_them() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let (mut file, state) = StateFile::open(&path, false).unwrap();
    file.keep(&state).unwrap();
    drop(file);
    assert!(matches!(StateFile::open(&path, true), Err(StateError::HashesOnly)));
    assert!(StateFile::open(&path, false).is_ok());
}

#[test]
fn a_state_serves_one_log() {
    let folder = written(&LONG, 10);
    let mut state = State::new(true);
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    state.origin = Some("other.example/log".to_owned());
    let source = DirectoryLog(folder.path().to_owned());
    let failed = audit::advance(&source, &policy(), None, &mut state, now(), &mut Told::default());
    assert!(matches!(failed, Err(AuditError::State(StateError::OtherLog { .. }))));
}

/// The file of a state with another text in it, under the right digest.
fn reseal(path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let text = fs::read_to_string(path).unwrap();
    let sealed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut state = sealed["state"].clone();
    change(&mut state);
    let state = state.to_string();
    let sha256 = touchstone_schema::Sha256Digest::of(state.as_bytes());
    fs::write(path, format!("{{\"version\":2,\"sha256\":\"{sha256}\",\"state\":{state}}}")).unwrap();
}

#[test]
fn a_damaged_state_accuses_nobody() {
    let folder = written(&LONG, 300);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let (mut file, mut state) = StateFile::open(&path, true).unwrap();
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    file.keep(&state).unwrap();
    drop(file);
    let good = fs::read(&path).unwrap();
    // A flipped bit anywhere is damage.
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        let refused = StateFile::open(&path, true).map(|_| ());
        assert!(
            matches!(refused, Err(StateError::Damaged { .. } | StateError::OtherVersion { .. })),
            "{at}: {refused:?}"
        );
    }
    // Of the form before: it says what to do.
    fs::write(&path, "{\"version\":1,\"origin\":null}").unwrap();
    assert!(matches!(StateFile::open(&path, true), Err(StateError::OtherVersion { found: 1, .. })));
    // Entries without a checkpoint over them.
    fs::write(&path, &good).unwrap();
    reseal(&path, |state| state["checkpoint"] = serde_json::Value::Null);
    assert!(matches!(StateFile::open(&path, true), Err(StateError::Damaged { .. })));
    fs::write(&path, &good).unwrap();
    reseal(&path, |state| state["checkpoint"] = LONG.note(200, &log_key()).into());
    assert!(matches!(StateFile::open(&path, true), Err(StateError::Damaged { .. })));
    let source = DirectoryLog(folder.path().to_owned());
    let outcome = |policy: &Policy| {
        let (_, mut state) = StateFile::open(&path, true).unwrap();
        match audit::advance(&source, policy, None, &mut state, now(), &mut Told::default()) {
            Err(AuditError::State(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    // Whole, and of nobody's log.
    fs::write(&path, &good).unwrap();
    reseal(&path, |state| state["checkpoint"] = fork(299, 1).note(300, &key(9)).into());
    assert!(matches!(outcome(&policy()), StateError::OtherPolicy { .. }));
    // Its hashes are none of the log that it names itself.
    fs::write(&path, &good).unwrap();
    reseal(&path, |state| state["frontier"][0] = "00".repeat(32).into());
    assert!(matches!(outcome(&policy()), StateError::Contradiction));
    // Under another policy the log is not the one that was seen.
    fs::write(&path, &good).unwrap();
    let other = VerifierKey::ed25519(ORIGIN, public(&key(9))).unwrap();
    let other = Policy::parse(&format!("log {other}\nquorum none\n")).unwrap();
    fs::write(folder.path().join("checkpoint"), LONG.note(300, &key(9))).unwrap();
    assert!(matches!(outcome(&other), StateError::OtherPolicy { .. }));
}

#[test]
fn one_state_serves_one_process_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let (file, _) = StateFile::open(&path, true).unwrap();
    assert!(matches!(StateFile::open(&path, true), Err(StateError::InUse { .. })));
    drop(file);
    assert!(StateFile::open(&path, true).is_ok());
}

#[test]
fn records_that_were_cut_while_in_use_are_not_filled_up() {
    let folder = written(&LONG, 300);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let (mut file, mut state) = StateFile::open(&path, true).unwrap();
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    file.keep(&state).unwrap();
    LONG.write(folder.path(), 704);
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    fs::write(home.path().join("s.entries"), b"").unwrap();
    assert!(matches!(file.keep(&state), Err(StateError::Io { .. })));
}

#[test]
fn signed_evidence_is_kept_and_nothing_else_is() {
    let seen = written(&LONG, 300);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let (mut file, mut state) = StateFile::open(&path, true).unwrap();
    assert_eq!(advance(seen.path(), &policy(), &mut state).0, []);
    let other = fork(299, 40);
    let folder = written(&other, other.size());
    let (findings, _) = advance(folder.path(), &policy(), &mut state);
    assert!(state.keep_proof(&findings[0], &policy()) && !state.keep_proof(&findings[0], &policy()));
    // What a stranger signed, or what whoever stores the files may have done.
    let strange = Finding::Checkpoint { reason: "x".to_owned(), note: LONG.note(300, &key(9)) };
    let missing = Finding::Missing { resource: "tile/0/000".to_owned() };
    assert!(!state.keep_proof(&strange, &policy()) && !state.keep_proof(&missing, &policy()));
    file.keep(&state).unwrap();
    drop(file);
    let (_, mut again) = StateFile::open(&path, true).unwrap();
    assert_eq!(again.proofs, findings);
    // Checkpoints without their quorum do not fill the room of forks, and go when the policy was wrong.
    for size in 1..200 {
        let lacking = Finding::Checkpoint { reason: "x".to_owned(), note: LONG.note(size, &log_key()) };
        again.keep_proof(&lacking, &policy());
    }
    assert_eq!(again.proofs.len(), 11);
    again.review(&policy());
    assert_eq!(again.proofs, findings);
}
