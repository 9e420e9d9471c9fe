//! Whole logs as files: what is right verifies, wherever it is cut; what is wrong is found and named.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

#[path = "support/audit.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod audits;
#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use audits::{LONG, Told, advance, fork, verify, written};
use log::{Log, ORIGIN, image, key, log_key, now, policy, public};
use proptest::prelude::*;
use std::{fs, path::Path};
use touchstone_schema::{
    Timestamp, leaf,
    log::{Level, Note, Policy, Tile, VerifierKey, cosign},
    statement::{KeyRevoked, Role},
};
use touchstone_sdk::log::{
    audit,
    finding::{AuditError, Finding},
    source::DirectoryLog,
    state::{State, StateError, StateFile},
};

#[test]
fn logs_of_every_size_verify() {
    for size in [3, 4, 5, 255, 256, 257, 511, 512, 513, 704] {
        let folder = written(&LONG, size);
        let mut state = State::new(true);
        let (findings, told) = advance(folder.path(), &policy(), &mut state);
        assert_eq!(findings, [], "{size}");
        assert_eq!(told.judged, (0..size).collect::<Vec<_>>());
        assert_eq!((state.size(), state.frontier.root()), (size, LONG.root(size)));
        let mut hashes = State::new(false);
        assert_eq!(advance(folder.path(), &policy(), &mut hashes).0, []);
        assert_eq!(hashes.frontier, state.frontier);
    }
}

#[test]
fn an_audit_goes_on_wherever_an_earlier_one_stopped() {
    for size in (3..700).step_by(41).chain([255, 256, 257, 512]) {
        let folder = written(&LONG, size);
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        let (mut file, mut state) = StateFile::open(&path, true).unwrap();
        assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
        file.keep(&state).unwrap();
        drop(file);
        // Partial files may go once the full ones are there.
        fs::remove_dir_all(folder.path().join("tile")).unwrap();
        LONG.write(folder.path(), 704);
        let (mut file, mut state) = StateFile::open(&path, true).unwrap();
        let (findings, told) = advance(folder.path(), &policy(), &mut state);
        assert_eq!(findings, [], "{size}");
        assert_eq!(told.judged, (size..704).collect::<Vec<_>>(), "each entry is judged once");
        file.keep(&state).unwrap();
        drop(file);
        let (_, again) = StateFile::open(&path, true).unwrap();
        assert_eq!(again.frontier.root(), LONG.root(704));
        // Nothing new is nothing wrong.
        let (findings, told) = advance(folder.path(), &policy(), &mut state);
        assert_eq!((findings, told.judged), (Vec::new(), Vec::new()));
    }
}

/// Every file of a log.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_named() {
    let folder = written(&LONG, 704);
    let files = files(folder.path());
    assert_eq!(files.len(), 8, "three bundles, three tiles, one above, the checkpoint");
    for file in files {
        let good = fs::read(&file).unwrap();
        let name = file.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        for at in [0, 1, good.len() / 2, good.len() - 33, good.len() - 2] {
            for statements in [true, false] {
                let mut bad = good.clone();
                bad[at] ^= 4;
                fs::write(&file, &bad).unwrap();
                let (findings, _) = advance(folder.path(), &policy(), &mut State::new(statements));
                let named = |finding: &Finding| match finding {
                    Finding::Tile { resource, .. } | Finding::Bundle { resource, .. } => *resource == name,
                    Finding::Entry { log_index } => name.contains(&format!("entries/{:03}", log_index / 256)),
                    Finding::Checkpoint { .. } => name == "checkpoint",
                    // The right edge alone cannot tell whether it or the checkpoint is wrong.
                    Finding::Root { .. } => name == "tile/0/002.p/192",
                    _ => false,
                };
                assert!(findings.iter().any(named), "{name} byte {at}: {findings:?}");
            }
        }
        fs::write(&file, good).unwrap();
    }
    assert_eq!(verify(folder.path()), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_flipped_bit_goes_unseen(file: prop::sample::Index, at: prop::sample::Index, bit in 0..8_u8) {
        let folder = written(&LONG, 300);
        let files = files(folder.path());
        let file = file.get(&files);
        let mut bytes = fs::read(file).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(file, bytes).unwrap();
        prop_assert!(!verify(folder.path()).is_empty(), "{} byte {at}", file.display());
    }
}

#[test]
fn missing_and_cut_files_are_named() {
    let folder = written(&LONG, 704);
    for file in files(folder.path()).into_iter().filter(|file| !file.ends_with("checkpoint")) {
        let good = fs::read(&file).unwrap();
        let name = file.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        fs::remove_file(&file).unwrap();
        assert!(verify(folder.path()).contains(&Finding::Missing { resource: name.clone() }), "{name}");
        for length in [0, 1, good.len() - 1] {
            fs::write(&file, &good[..length]).unwrap();
            let findings = verify(folder.path());
            let named = |finding: &Finding| matches!(finding, Finding::Tile { resource, .. } | Finding::Bundle { resource, .. } if *resource == name);
            assert!(findings.iter().any(named), "{name} cut to {length}: {findings:?}");
        }
        let more = [good.as_slice(), &[0, 1, 7]].concat();
        fs::write(&file, more).unwrap();
        assert_ne!(verify(folder.path()), [], "{name} too long");
        fs::write(&file, good).unwrap();
    }
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    let source = DirectoryLog(folder.path().to_owned());
    let failed = audit::advance(&source, &policy(), None, &mut State::new(true), now(), &mut Told::default());
    assert!(matches!(failed, Err(AuditError::Source(_))), "no log is not a wrong log");
}

#[test]
fn one_damaged_entry_does_not_hide_another() {
    let folder = written(&LONG, 704);
    for bundle in ["tile/entries/000", "tile/entries/001"] {
        let path = folder.path().join(bundle);
        let mut bytes = fs::read(&path).unwrap();
        bytes[500] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let mut state = State::new(true);
    let (findings, told) = advance(folder.path(), &policy(), &mut state);
    let indexes: Vec<u64> = findings
        .iter()
        .map(|finding| match finding {
            Finding::Entry { log_index } => *log_index,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(indexes.len(), 2);
    assert!(indexes[0] < 256 && (256..512).contains(&indexes[1]));
    // What cannot be read cannot be judged, nor can what follows.
    assert_eq!((told.judged, state.size()), (Vec::new(), 0));
}

#[test]
fn a_log_that_forked_or_shrank_is_shown_by_its_own_signatures() {
    for seen in [300, 512, 700] {
        let folder = written(&LONG, seen);
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("s");
        let (mut file, mut state) = StateFile::open(&path, true).unwrap();
        assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
        file.keep(&state).unwrap();
        drop(file);
        // Replaced behind the auditor's back: earlier, of the same size, later, and a shorter one.
        let cases = [fork(seen - 1, 1), fork(200, seen - 200), fork(seen - 1, 40), fork(100, 700)];
        for other in cases {
            let folder = written(&other, other.size());
            let (_, mut state) = StateFile::open(&path, true).unwrap();
            let (findings, told) = advance(folder.path(), &policy(), &mut state);
            let expected = Finding::Forked {
                earlier_size: seen,
                later_size: other.size(),
                earlier: LONG.note(seen, &log_key()),
                later: other.note(other.size(), &log_key()),
            };
            assert_eq!(findings, [expected]);
            assert_eq!((told.judged, state.size()), (Vec::new(), seen), "nothing of a fork is taken");
        }
        let folder = written(&LONG, seen - 1);
        let (_, mut state) = StateFile::open(&path, true).unwrap();
        let (findings, _) = advance(folder.path(), &policy(), &mut state);
        let (earlier, later) = (LONG.note(seen, &log_key()), LONG.note(seen - 1, &log_key()));
        assert_eq!(findings, [Finding::Shrunk { earlier_size: seen, later_size: seen - 1, earlier, later }]);
    }
}

#[test]
fn an_older_checkpoint_of_the_same_log_is_no_harm() {
    let folder = written(&LONG, 300);
    let mut state = State::new(true);
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    // A server that is a moment behind: its files are all there.
    fs::write(folder.path().join("checkpoint"), LONG.note(280, &log_key())).unwrap();
    let (findings, told) = advance(folder.path(), &policy(), &mut state);
    assert_eq!((findings, told.judged, state.size()), (Vec::new(), Vec::new(), 300));
    // An older one of another past is one all the same.
    fs::write(folder.path().join("checkpoint"), fork(279, 1).note(280, &log_key())).unwrap();
    let (findings, _) = advance(folder.path(), &policy(), &mut state);
    assert!(matches!(findings.as_slice(), [Finding::Forked { earlier_size: 300, later_size: 280, .. }]));
}

#[test]
fn the_operators_key_can_be_pinned() {
    let folder = written(&LONG, 10);
    let source = DirectoryLog(folder.path().to_owned());
    let advance = |state: &mut State, pinned| {
        audit::advance(&source, &policy(), Some(pinned), state, now(), &mut Told::default())
    };
    let own = public(&log::operator());
    let mut state = State::new(true);
    assert!(!advance(&mut state, own).unwrap().wrong);
    assert!(!advance(&mut state, own).unwrap().wrong);
    assert!(matches!(
        advance(&mut state, public(&key(9))),
        Err(AuditError::State(StateError::OtherOperator))
    ));
    assert!(advance(&mut State::new(true), public(&key(9))).unwrap().wrong);
}

fn refused(folder: &Path, policy: &Policy) -> String {
    match advance(folder, policy, &mut State::new(true)).0.as_slice() {
        [Finding::Checkpoint { reason, .. }] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn checkpoints_need_the_logs_key_and_the_quorum() {
    let folder = written(&LONG, 300);
    let path = folder.path().join("checkpoint");
    fs::write(&path, LONG.note(300, &key(9))).unwrap();
    assert!(refused(folder.path(), &policy()).contains("no listed key"));
    // The right size and root, signed by the log, of another log's name.
    let other = VerifierKey::ed25519("other.example/log", public(&log_key())).unwrap();
    let elsewhere = Policy::parse(&format!("log {other}\nquorum none\n")).unwrap();
    assert!(refused(folder.path(), &elsewhere).contains(ORIGIN));

    let witnesses = [("w1", key(51)), ("w2", key(52))];
    let mut lines = format!("log {}\n", log::verifier());
    for (name, key) in &witnesses {
        lines += &format!("witness {name} {}\n", VerifierKey::cosigner(name, public(key)).unwrap());
    }
    let wanted = Policy::parse(&format!("{lines}group both all w1 w2\nquorum both\n")).unwrap();
    let mut note = Note::parse(LONG.note(300, &log_key()).as_bytes()).unwrap();
    for (name, key) in &witnesses {
        fs::write(&path, note.to_bytes()).unwrap();
        assert!(refused(folder.path(), &wanted).contains("quorum"), "before {name}");
        let cosignature = cosign(note.text(), name, key, 1_795_400_000);
        note = note.with_signature(cosignature).unwrap();
    }
    fs::write(&path, note.to_bytes()).unwrap();
    let mut state = State::new(true);
    let outcome = audit::advance(
        &DirectoryLog(folder.path().to_owned()),
        &wanted,
        None,
        &mut state,
        now(),
        &mut Told::default(),
    );
    assert_eq!(outcome.unwrap().checkpoint.witnesses.len(), 2);
}

#[test]
fn a_signed_root_that_the_tiles_do_not_make_is_wrong() {
    let folder = written(&LONG, 300);
    fs::write(folder.path().join("checkpoint"), fork(299, 1).note(300, &log_key())).unwrap();
    assert!(matches!(verify(folder.path()).as_slice(), [Finding::Root { size: 300, .. }]));
}

#[test]
fn broken_rules_are_reported_and_remembered() {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    log.decide(KeyRevoked {
        organisation: shop.id,
        key: public(&shop.key),
        suspect_from_index: None,
        reason: "lost".to_owned(),
    });
    log.register(&shop, "after the revocation");
    let envelope = log.statement(shop.issuer(), image("before its time")).sign(&shop.key).unwrap();
    log.push(leaf::encode(Timestamp::from_micros(log::START).unwrap(), &envelope));
    let folder = written(&log, log.size());
    let home = tempfile::tempdir().unwrap();
    let (mut file, mut state) = StateFile::open(&home.path().join("s"), true).unwrap();
    let (findings, _) = advance(folder.path(), &policy(), &mut state);
    let rules: Vec<_> = findings
        .iter()
        .map(|finding| match finding {
            Finding::Statement { log_index, violation } => (*log_index, violation.rule()),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(rules, [(5, "revoked-key"), (6, "time-order")]);
    file.keep(&state).unwrap();
    drop(file);
    let (_, again) = StateFile::open(&home.path().join("s"), true).unwrap();
    assert_eq!((again.findings, again.finding_count, again.replay.unwrap().size()), (findings, 2, 7));
}

#[test]
fn tiles_name_only_what_the_format_has() {
    // The paths that are asked for follow from the size alone.
    let asked: Vec<String> = Tile::between(0, 704).map(|tile| tile.path()).collect();
    let folder = written(&LONG, 704);
    let found: Vec<String> = files(folder.path())
        .iter()
        .map(|file| file.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "checkpoint")
        .collect();
    let mut asked = asked;
    asked.sort();
    assert_eq!(asked, found);
    assert!(Tile::between(0, 704).any(|tile| tile.level == Level::Hashes(1)));
}

#[test]
fn what_an_audit_moved_on_is_told_again_from_any_entry() {
    let folder = written(&LONG, 704);
    let mut state = State::new(true);
    assert_eq!(advance(folder.path(), &policy(), &mut state).0, []);
    let source = DirectoryLog(folder.path().to_owned());
    for from in [0, 1, 2, 3, 4, 5, 255, 256, 300, 703, 704] {
        let replay = state.replay.as_ref().unwrap().rewound(from);
        assert_eq!(replay.size(), from);
        let mut told = Vec::new();
        audit::retell(&source, &policy(), &state, replay, |replay, index, _, outcome| {
            assert!(outcome.is_ok(), "{index}: {outcome:?}");
            assert_eq!(replay.size(), index + 1);
            told.push(index);
        })
        .unwrap();
        assert_eq!(told, (from..704).collect::<Vec<_>>());
    }
}

#[test]
fn an_absurd_size_ends_after_a_hundred_bundles() {
    let folder = tempfile::tempdir().unwrap();
    let root = touchstone_schema::Sha256Digest([17; 32]);
    fs::create_dir_all(folder.path().join("tile/6/000.p")).unwrap();
    fs::write(folder.path().join("tile/6/000.p/1"), root.0).unwrap();
    let checkpoint = touchstone_schema::log::Checkpoint { origin: ORIGIN.to_owned(), size: 1 << 48, root };
    let note = touchstone_schema::log::sign_checkpoint(&checkpoint, &log_key()).unwrap();
    fs::write(folder.path().join("checkpoint"), note.to_bytes()).unwrap();
    let findings = verify(folder.path());
    assert_eq!(findings.len(), 101);
    assert_eq!(findings[100], Finding::MoreDamage { bundles: 100 });
}

#[test]
fn nothing_is_accepted_after_it_was_cosigned_or_in_the_future() {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    log.register(&shop, "in time");
    let cosigned = (log.now / 1_000_000) as u64;
    log.now += 3_500_000_000;
    log.register(&shop, "within the hour");
    log.now += 200_000_000;
    log.register(&shop, "after it");
    let folder = written(&log, log.size());
    let rules = |policy: &Policy, now: i64| {
        let source = DirectoryLog(folder.path().to_owned());
        let mut told = Told::default();
        let now = Timestamp::from_micros(now).unwrap();
        audit::advance(&source, policy, None, &mut State::new(true), now, &mut told).unwrap();
        told.findings
            .into_iter()
            .map(|finding| match finding {
                Finding::Statement { log_index, violation } => (log_index, violation.rule()),
                other => panic!("{other}"),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(&policy(), log.now), []);
    assert_eq!(rules(&policy(), log.now - 3_601_000_000), [(6, "future")]);
    // Whoever cosigned the log had seen them all.
    let witness = key(51);
    let name = VerifierKey::cosigner("w", public(&witness)).unwrap();
    let wanted = Policy::parse(&format!("log {}\nwitness w {name}\nquorum w\n", log::verifier())).unwrap();
    let note = Note::parse(log.note(log.size(), &log_key()).as_bytes()).unwrap();
    let note = note.clone().with_signature(cosign(note.text(), "w", &witness, cosigned)).unwrap();
    fs::write(folder.path().join("checkpoint"), note.to_bytes()).unwrap();
    assert_eq!(rules(&wanted, log.now), [(6, "future")]);
}

/// A log as a file server that shows how much was asked for at a time.
struct Counted {
    inner: DirectoryLog,
    open: std::sync::atomic::AtomicU64,
}

impl touchstone_sdk::log::source::Source for Counted {
    fn read(
        &self,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, touchstone_sdk::log::source::SourceError> {
        self.open.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.inner.read(path, limit)
    }

    fn parallel(&self) -> usize {
        8
    }

    fn name(&self) -> String {
        self.inner.name()
    }
}

#[test]
fn bundles_that_are_long_are_read_in_small_groups_and_none_is_left_out() {
    // Entries of the longest kind: 16 MB a bundle.
    let mut log = Log::empty();
    for n in 0..1_100_u32 {
        let mut leaf = vec![7; 65_000];
        leaf[..4].copy_from_slice(&n.to_be_bytes());
        log.push(leaf);
    }
    let folder = written(&log, log.size());
    let source =
        Counted { inner: DirectoryLog(folder.path().to_owned()), open: std::sync::atomic::AtomicU64::new(0) };
    let mut state = State::new(false);
    audit::advance(&source, &policy(), None, &mut state, now(), &mut Told::default()).unwrap();
    assert_eq!((state.size(), state.frontier.root()), (1_100, log.root(1_100)));
}
