//! The witness's state machine, rule by rule of C2SP tlog-witness.

use crate::support::{STEP, TestLog};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use std::{fs, path::Path, sync::Arc, thread};
use tempfile::TempDir;
use touchstone_schema::{
    Sha256Digest, Timestamp,
    key::PublicKey,
    log::{
        checkpoint::{Checkpoint, open_checkpoint, sign_checkpoint},
        cosignature::verify_cosignature,
        note::{Note, NoteSignature, VerifierKey, sign},
        tree::empty_root,
        witness::AddCheckpoint,
    },
};
use touchstone_server::{
    clock::{FixedEntropy, ManualClock},
    witness::{Refused, Witness, WitnessError, WitnessKey},
};

const BEGIN: &str = "2026-11-22T09:00:00Z";

struct Fixture {
    folder: TempDir,
    clock: Arc<ManualClock>,
    log: TestLog,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        WitnessKey::init(folder.path(), "witness.test/w1", &FixedEntropy::new(1)).unwrap();
        let clock = Arc::new(ManualClock::at(BEGIN.parse().unwrap()));
        Self { folder, clock, log: TestLog::new() }
    }

    fn open_with(&self, keys: Vec<VerifierKey>) -> Result<Witness, WitnessError> {
        Witness::open(self.folder.path(), keys, self.clock.clone())
    }

    fn open(&self) -> Witness {
        self.open_with(vec![self.log.verifier()]).unwrap()
    }

    /// The file of the log's record.
    fn record(&self) -> std::path::PathBuf {
        self.folder.path().join("logs").join(self.hash())
    }

    fn hash(&self) -> String {
        Sha256Digest::of(self.log.origin.as_bytes()).to_string()
    }

    /// The size that the witness cosigned last, as it tells monitors.
    fn latest(&self, witness: &Witness) -> Option<u64> {
        let note = witness.latest(&self.hash())?;
        let (checkpoint, note) = open_checkpoint(note.as_bytes(), &self.log.verifier()).unwrap();
        assert!(note.verified_by(witness.verifier()));
        Some(checkpoint.size)
    }
}

fn ask(witness: &Witness, request: &AddCheckpoint) -> Result<NoteSignature, Refused> {
    witness.add_checkpoint(&request.to_bytes())
}

fn seconds(text: &str) -> u64 {
    u64::try_from(text.parse::<Timestamp>().unwrap().as_micros()).unwrap() / 1_000_000
}

#[test]
fn a_log_is_cosigned_as_it_grows_and_over_restarts() {
    let fixture = Fixture::new();
    let log = &fixture.log;
    let mut witness = fixture.open();
    assert_eq!(fixture.latest(&witness), None);
    let mut old = 0;
    for (steps, new) in (0..).zip([0, 0, 3, 3, 8, 300, 513]) {
        let signature = ask(&witness, &log.request(old, new)).unwrap();
        let time = verify_cosignature(log.note(new).text(), &signature, witness.verifier());
        assert_eq!(time, Some(seconds(BEGIN) + 60 * steps));
        assert_eq!(fixture.latest(&witness), Some(new));
        fixture.clock.move_by(60);
        drop(witness);
        witness = fixture.open();
        assert_eq!(fixture.latest(&witness), Some(new), "it is remembered");
        old = new;
    }
}

/// Every refusal of the specification. None of them changes anything.
#[test]
fn what_the_specification_refuses_changes_nothing() {
    let fixture = Fixture::new();
    let log = &fixture.log;
    let witness = fixture.open();
    ask(&witness, &log.request(0, 8)).unwrap();
    let record = fs::read(fixture.record()).unwrap();
    let refused = |request: &AddCheckpoint| {
        let refused = ask(&witness, request).unwrap_err();
        assert_eq!(fs::read(fixture.record()).unwrap(), record);
        assert_eq!(fixture.latest(&witness), Some(8));
        refused
    };
    // 400: the old size beyond the new one.
    let shrunk = AddCheckpoint { old: 10, ..log.request(0, 9) };
    assert!(matches!(refused(&shrunk), Refused::Shrunk { old: 10, new: 9 }));
    // 404: an unknown origin.
    let elsewhere = TestLog { origin: "elsewhere.test/log".to_owned(), ..log.clone() };
    assert!(matches!(refused(&elsewhere.request(8, 9)), Refused::UnknownLog));
    // 403: no signature of a trusted key; one that names it and is another's.
    let stranger = TestLog { key: SigningKey::from_bytes(&[9; 32]), ..log.clone() };
    assert!(matches!(refused(&stranger.request(8, 9)), Refused::Untrusted(_)));
    let note = log.note(9);
    let false_one = NoteSignature { signature: vec![0; 64], ..sign(note.text(), &log.origin, &log.key) };
    let checkpoint = Note::new(note.text(), false_one).unwrap().to_string();
    let mut request = AddCheckpoint { checkpoint, ..log.request(8, 9) };
    assert!(matches!(refused(&request), Refused::Untrusted(_)));
    // The true one beside it does not help: such a note is malformed.
    request.checkpoint += &format!("{}\n", sign(note.text(), &log.origin, &log.key));
    assert!(matches!(refused(&request), Refused::Untrusted(_)));
    // 409: another size than the last.
    for old in [0, 3, 7, 9] {
        assert!(matches!(refused(&log.request(old, 9)), Refused::Moved(8)), "{old}");
    }
    assert!(matches!(refused(&log.request(3, 5)), Refused::Moved(8)), "a rollback");
    // 422: another tree at the same size, a tree that does not continue, a proof too long or too short.
    let other = log.forked();
    assert!(matches!(refused(&other.request(8, 8)), Refused::Inconsistent(_)));
    assert!(matches!(refused(&other.request(8, 9)), Refused::Inconsistent(_)));
    for proof in [Vec::new(), [log.proof(8, 9), log.proof(8, 9)].concat(), other.proof(8, 9)] {
        let request = AddCheckpoint { proof, ..log.request(8, 9) };
        assert!(matches!(refused(&request), Refused::Inconsistent(_)));
    }
    let request = AddCheckpoint { proof: vec![empty_root()], ..log.request(8, 8) };
    assert!(matches!(refused(&request), Refused::Inconsistent(_)));
    ask(&witness, &log.request(8, 9)).unwrap();
}

#[test]
fn the_first_checkpoint_needs_no_proof_and_may_have_none() {
    let fixture = Fixture::new();
    let log = &fixture.log;
    let witness = fixture.open();
    let request = AddCheckpoint { proof: vec![empty_root()], ..log.request(0, 5) };
    assert!(matches!(ask(&witness, &request), Err(Refused::Inconsistent(_))));
    // The empty tree has one root.
    let empty = Checkpoint { origin: log.origin.clone(), size: 0, root: Sha256Digest([1; 32]) };
    let checkpoint = sign_checkpoint(&empty, &log.key).unwrap().to_string();
    let request = AddCheckpoint { old: 0, proof: Vec::new(), checkpoint };
    assert!(matches!(ask(&witness, &request), Err(Refused::Inconsistent(_))));
    assert_eq!(fixture.latest(&witness), None);
    ask(&witness, &log.request(0, 5)).unwrap();
}

#[test]
fn what_cannot_be_read_is_malformed() {
    let fixture = Fixture::new();
    let witness = fixture.open();
    let good = String::from_utf8(fixture.log.request(0, 5).to_bytes()).unwrap();
    let hash = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let many = good.replacen("old 0\n", &format!("old 0\n{}", hash.repeat(64)), 1);
    let cases = [
        String::new(),
        good.replacen("old 0", "old 00", 1),
        good.replacen("old 0", "old -1", 1),
        good.replacen("old 0", "new 0", 1),
        good.replacen("old 0\n\n", "old 0\n", 1),
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        many,
        "old 0\n\nno checkpoint\n".to_owned(),
        "x".repeat(2 << 20),
    ];
    for case in cases {
        let refused = witness.add_checkpoint(case.as_bytes()).unwrap_err();
        assert!(matches!(refused, Refused::Malformed(_)), "{refused} {}", &case[..case.len().min(80)]);
    }
    assert!(matches!(witness.add_checkpoint(b"old 0\n\n\xff\n"), Err(Refused::Malformed(_))));
    assert!(witness.add_checkpoint(good.as_bytes()).is_ok());
}

#[test]
fn unknown_signatures_are_passed_over_and_every_trusted_key_is_heard() {
    let fixture = Fixture::new();
    let (log, newer) = (&fixture.log, SigningKey::from_bytes(&[8; 32]));
    let newer_key = VerifierKey::ed25519(&log.origin, PublicKey::from(&newer)).unwrap();
    let witness = fixture.open_with(vec![log.verifier(), newer_key.clone()]).unwrap();
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let note = log.note(4);
    let by = |name: &str, key: &SigningKey| sign(note.text(), name, key);
    let note = Note::new(note.text(), by("stranger", &stranger)).unwrap();
    let note = note.with_signature(by(&log.origin, &stranger)).unwrap();
    let note = note.with_signature(by(&log.origin, &newer)).unwrap();
    let request = AddCheckpoint { checkpoint: note.to_string(), ..log.request(0, 4) };
    ask(&witness, &request).unwrap();
    // Monitors get what was verified, and nothing else.
    let told = witness.latest(&fixture.hash()).unwrap();
    assert!(!told.contains("stranger"));
    let (_, told) = open_checkpoint(told.as_bytes(), &newer_key).unwrap();
    assert_eq!(told.signatures().len(), 2);
    ask(&witness, &log.request(4, 6)).unwrap();
}

/// Check and record are one step: of those that continue the same checkpoint, one wins.
#[test]
fn of_many_at_once_one_is_cosigned() {
    let fixture = Fixture::new();
    let witness = fixture.open();
    let mut old = 0;
    for _ in 0..5 {
        let requests: Vec<_> = (1..=8).map(|more| fixture.log.request(old, old + more)).collect();
        let outcomes: Vec<_> = thread::scope(|scope| {
            let asked: Vec<_> =
                requests.iter().map(|request| scope.spawn(|| ask(&witness, request))).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let now = fixture.latest(&witness).unwrap();
        let won: Vec<_> = (old + 1..).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).collect();
        assert_eq!(won.iter().map(|(size, _)| *size).collect::<Vec<_>>(), [now]);
        assert_eq!(
            outcomes.iter().filter(|o| matches!(o, Err(Refused::Moved(size)) if *size == now)).count(),
            7
        );
        old = now;
    }
}

#[test]
fn a_record_that_cannot_be_written_is_not_cosigned() {
    let fixture = Fixture::new();
    let (log, witness) = (&fixture.log, fixture.open());
    ask(&witness, &log.request(0, 4)).unwrap();
    let mut staged = fixture.record().into_os_string();
    staged.push(".unfinished");
    // Failed and not kept.
    fs::create_dir(&staged).unwrap();
    assert!(matches!(ask(&witness, &log.request(4, 6)), Err(Refused::Failed(_))));
    fs::remove_dir(&staged).unwrap();
    assert!(matches!(ask(&witness, &log.request(6, 7)), Err(Refused::Moved(4))));
    // Failed but kept: what the disk holds counts.
    fs::create_dir(&staged).unwrap();
    assert!(matches!(ask(&witness, &log.request(4, 6)), Err(Refused::Failed(_))));
    fs::remove_dir(&staged).unwrap();
    let beside = Fixture::new();
    ask(&beside.open(), &beside.log.request(0, 6)).unwrap();
    fs::copy(beside.record(), fixture.record()).unwrap();
    assert!(matches!(ask(&witness, &log.request(4, 6)), Err(Refused::Moved(6))));
    ask(&witness, &log.request(6, 7)).unwrap();
    // A time before 1970 cannot be stated.
    fixture.clock.move_by(-i64::try_from(seconds(BEGIN)).unwrap());
    assert!(matches!(ask(&witness, &log.request(7, 8)), Err(Refused::Failed(_))));
    fixture.clock.move_by(1);
    ask(&witness, &log.request(7, 8)).unwrap();
}

#[test]
fn a_damaged_or_foreign_record_is_no_empty_one() {
    let fixture = Fixture::new();
    ask(&fixture.open(), &fixture.log.request(0, 4)).unwrap();
    let good = fs::read(fixture.record()).unwrap();
    let refuse = |bytes: &[u8]| {
        fs::write(fixture.record(), bytes).unwrap();
        let refused = fixture.open_with(vec![fixture.log.verifier()]).unwrap_err();
        assert!(matches!(refused, WitnessError::Record { .. }), "{refused}");
        assert!(refused.to_string().contains(&fixture.hash()), "{refused}");
    };
    refuse(b"");
    refuse(&good[..good.len() / 2]);
    for at in (0..good.len()).step_by(7) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        // The log's own signature is not asked for again: the witness's covers the text.
        if Note::parse(&bytes)
            .is_ok_and(|note| note.verified_by(fixture_key(fixture.folder.path()).verifier()))
        {
            continue;
        }
        refuse(&bytes);
    }
    let other = TestLog { origin: "elsewhere.test/log".to_owned(), ..fixture.log.clone() };
    refuse(other.note(4).to_string().as_bytes());
    fs::write(fixture.record(), good).unwrap();
    assert_eq!(fixture.latest(&fixture.open()), Some(4));
}

fn fixture_key(folder: &Path) -> WitnessKey {
    WitnessKey::open(folder).unwrap()
}

#[test]
fn a_witness_runs_once_at_a_time() {
    let fixture = Fixture::new();
    let witness = fixture.open();
    assert!(matches!(fixture.open_with(vec![fixture.log.verifier()]), Err(WitnessError::Locked(_))));
    drop(witness);
    thread::sleep(STEP);
    fixture.open();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is asked, what was cosigned is one chain, and nothing but its last link decides.
    #[test]
    fn what_is_cosigned_is_one_chain(
        asked in prop::collection::vec((0_u64..9, 0_u64..9, prop::bool::weighted(0.2)), 1..24),
    ) {
        let fixture = Fixture::new();
        let (log, fork) = (&fixture.log, fixture.log.forked());
        let witness = fixture.open();
        let mut last = log.checkpoint(0);
        for (old, new, forked) in asked {
            let log = if forked { &fork } else { log };
            let outcome = ask(&witness, &log.request(old, new));
            let next = log.checkpoint(new);
            let continues = last.size == 0 || log.checkpoint(last.size) == last;
            match outcome {
                Ok(_) => {
                    prop_assert!(old == last.size && new >= old && continues);
                    last = next;
                }
                Err(Refused::Shrunk { .. }) => prop_assert!(old > new),
                Err(Refused::Moved(size)) => prop_assert!(size == last.size && old != size && old <= new),
                Err(Refused::Inconsistent(_)) => prop_assert!(old == last.size && !continues),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
