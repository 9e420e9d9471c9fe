//! Receipts (C2SP tlog-proof) and what log and witness tell each other (C2SP tlog-witness).

use crate::model::{Model, leaf_hash};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    log::{
        AddCheckpoint, AddCheckpointError, Checkpoint, LineError, NoteError, Policy, PolicyError, ProofError,
        RangeError, ReceiptError, TlogProof, VerifierKey, cosign,
        receipt::MAX_RECEIPT_BYTES,
        sign_checkpoint, verify_consistency,
        witness::{MAX_REQUEST_BYTES, parse_cosignatures},
    },
};

const ORIGIN: &str = "registry.example/log";
const SIZE: u64 = 13;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn policy() -> Policy {
    let log = VerifierKey::ed25519(ORIGIN, PublicKey::from(&key(1))).unwrap();
    let witness = VerifierKey::cosigner("w", PublicKey::from(&key(2))).unwrap();
    Policy::parse(&format!("log {log}\nwitness W {witness}\nquorum W\n")).unwrap()
}

fn note() -> String {
    let root = Model::dense(SIZE).root(0, SIZE);
    let note = sign_checkpoint(&Checkpoint { origin: ORIGIN.to_owned(), size: SIZE, root }, &key(1)).unwrap();
    let cosignature = cosign(note.text(), "w", &key(2), 1_795_000_000);
    note.with_signature(cosignature).unwrap().to_string()
}

fn receipt(index: u64) -> TlogProof {
    let hashes = Model::dense(SIZE).path(index, 0, SIZE);
    TlogProof { extra: None, index, hashes, checkpoint: note() }
}

#[test]
fn receipts_verify_offline() {
    for index in 0..SIZE {
        let receipt = TlogProof::parse(&receipt(index).to_string()).unwrap();
        let verified = receipt.verify(&leaf_hash(index), &policy()).unwrap();
        assert_eq!(verified.checkpoint.size, SIZE);
        assert_eq!(verified.witnesses, [("W".to_owned(), 1_795_000_000)]);
        let other = receipt.verify(&leaf_hash(index + 1), &policy());
        assert_eq!(other, Err(ReceiptError::Proof(ProofError::Root)));
    }
    let moved = TlogProof { index: 4, ..receipt(5) };
    assert_eq!(moved.verify(&leaf_hash(5), &policy()), Err(ReceiptError::Proof(ProofError::Root)));
    let outside = TlogProof { index: SIZE, ..receipt(5) };
    let range = RangeError::NoSuchLeaf { index: SIZE, size: SIZE };
    assert_eq!(outside.verify(&leaf_hash(5), &policy()), Err(ReceiptError::Proof(range.into())));
    // Without the witness.
    let note = note();
    let (alone, _) = note.trim_end().rsplit_once('\n').unwrap();
    let alone = TlogProof { checkpoint: format!("{alone}\n"), ..receipt(5) };
    let error = alone.verify(&leaf_hash(5), &policy()).unwrap_err();
    assert!(matches!(error, ReceiptError::Policy(PolicyError::Quorum { .. })), "{error}");
}

#[test]
fn receipts_are_written_as_specified() {
    let mut receipt = receipt(12);
    assert_eq!(receipt.hashes.len(), 2);
    receipt.extra = Some(b"extra".to_vec());
    let text = receipt.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 12"]);
    assert_eq!((lines[5], lines[6]), ("", ORIGIN));
    assert_eq!(TlogProof::parse(&text), Ok(receipt.clone()));
    receipt.extra = Some(vec![]);
    assert!(!receipt.to_string().contains("extra"));
}

#[test]
fn malformed_receipts_are_refused() {
    let text = TlogProof { extra: Some(vec![1]), ..receipt(5) }.to_string();
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    for (from, to, line) in [
        ("@v1", "@v2", 1),
        ("c2sp.org/tlog-proof@v1\n", "", 1),
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\n\n", 2),
        ("extra AQ==", "extra ", 2),
        ("extra AQ==", "extra AR==", 2),
        ("extra AQ==", "extra AQ", 2),
        ("extra AQ==", "extra  AQ==", 2),
        ("extra AQ==", "Extra AQ==", 2),
        ("extra AQ==\n", "extra AQ==\nextra AQ==\n", 3),
        ("index 5", "index 05", 3),
        ("index 5", "index +5", 3),
        ("index 5", "index -5", 3),
        ("index 5", "index", 3),
        ("index 5", "index 18446744073709551616", 3),
        ("index 5\n", "index 5\nAAAA\n", 4),
        ("index 5\n", "index 5\r\n", 3),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        let error = TlogProof::parse(&changed).unwrap_err();
        assert!(
            matches!(error, ReceiptError::Line(LineError { line: at, .. }) if at == line),
            "{changed}: {error}"
        );
    }
    let with = |count: usize| format!("c2sp.org/tlog-proof@v1\nindex 5\n{}\n{}", hash.repeat(count), note());
    assert_eq!(TlogProof::parse(&with(63)).unwrap().hashes.len(), 63);
    assert!(matches!(TlogProof::parse(&with(64)), Err(ReceiptError::Line(LineError { line: 66, .. }))));
    for end in ["\n", "x\n", "x"] {
        assert!(TlogProof::parse(&(text.clone() + end)).is_err(), "{end:?}");
    }
    assert!(TlogProof::parse(text.trim_end()).is_err());
    let long = "x".repeat(MAX_RECEIPT_BYTES + 1);
    assert_eq!(TlogProof::parse(&long), Err(ReceiptError::TooLong(MAX_RECEIPT_BYTES + 1)));
}

/// The example of C2SP tlog-witness; its key is not published.
#[test]
fn request_of_the_specification() {
    let body = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";
    let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.to_bytes(), body.as_bytes());
    let answer = "— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
";
    let cosignatures = parse_cosignatures(answer.as_bytes()).unwrap();
    let names: Vec<&str> = cosignatures.iter().map(|cosignature| cosignature.name.as_str()).collect();
    assert_eq!(names, ["witness.example/w1", "witness.example/w1", "witness.example/w2"]);
    assert_eq!(parse_cosignatures(b""), Err(NoteError::Unsigned));
    assert!(matches!(parse_cosignatures(b"\n"), Err(NoteError::Line(LineError { line: 1, .. }))));
    assert!(parse_cosignatures(answer.trim_end().as_bytes()).is_err());
    assert_eq!(parse_cosignatures(b"\xff\n"), Err(NoteError::Characters));
}

#[test]
fn a_witness_can_check_what_a_log_sends() {
    let model = Model::dense(SIZE);
    let request = AddCheckpoint { old: 5, proof: model.proof(5, SIZE), checkpoint: note() };
    let read = AddCheckpoint::parse(&request.to_bytes()).unwrap();
    let new = policy().verify(read.checkpoint.as_bytes()).unwrap().checkpoint;
    assert_eq!(verify_consistency(read.old, &model.root(0, 5), new.size, &new.root, &read.proof), Ok(()));
}

#[test]
fn malformed_requests_are_refused() {
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let line = |body: String, line: usize| {
        let error = AddCheckpoint::parse(body.as_bytes()).unwrap_err();
        assert!(
            matches!(error, AddCheckpointError::Line(LineError { line: at, .. }) if at == line),
            "{body}: {error}"
        );
    };
    let note = note();
    assert!(AddCheckpoint::parse(format!("old 0\n\n{note}").as_bytes()).is_ok());
    for old in
        ["", "old\n", "old 00\n", "old -1\n", "old  1\n", "old 1 \n", "Old 1\n", "old 1\r\n", "size 1\n"]
    {
        line(format!("{old}\n{note}"), 1);
    }
    line(format!("old 1\n{note}"), 2);
    line("old 1\n".to_owned(), 2);
    assert!(AddCheckpoint::parse(format!("old 1\n{}\n{note}", hash.repeat(63)).as_bytes()).is_ok());
    line(format!("old 1\n{}\n{note}", hash.repeat(64)), 65);
    let error = AddCheckpoint::parse(format!("old 1\n\n\n{note}").as_bytes()).unwrap_err();
    assert!(matches!(error, AddCheckpointError::Checkpoint(_)), "{error}");
    assert_eq!(AddCheckpoint::parse(b"old 1\xff"), Err(AddCheckpointError::Characters));
    let long = vec![b'x'; MAX_REQUEST_BYTES + 1];
    assert_eq!(AddCheckpoint::parse(&long), Err(AddCheckpointError::TooLong(MAX_REQUEST_BYTES + 1)));
}

proptest! {
    #[test]
    fn both_round_trip(index: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..=63),
                       extra in prop::option::of(prop::collection::vec(any::<u8>(), 1..99))) {
        let hashes: Vec<Sha256Digest> = hashes.into_iter().map(Sha256Digest).collect();
        let request = AddCheckpoint { old: index, proof: hashes.clone(), checkpoint: note() };
        prop_assert_eq!(AddCheckpoint::parse(&request.to_bytes()), Ok(request));
        let receipt = TlogProof { extra, index, hashes, checkpoint: note() };
        prop_assert_eq!(TlogProof::parse(&receipt.to_string()), Ok(receipt));
    }

    #[test]
    fn what_parses_prints_back(any: String, index in 0..SIZE, at: usize, byte in any::<char>(), cut in 0_usize..3) {
        let change = |text: String| {
            let mut chars: Vec<char> = text.chars().collect();
            let at = at % chars.len();
            chars[at] = byte;
            chars.truncate(chars.len() - cut);
            chars.into_iter().collect::<String>()
        };
        let good = TlogProof { extra: Some(vec![1, 2]), ..receipt(index) };
        for text in [any.clone(), change(good.to_string())] {
            if let Ok(read) = TlogProof::parse(&text) {
                prop_assert_eq!(read.to_string(), text);
                // What still verifies proves the same.
                if read.verify(&leaf_hash(index), &policy()).is_ok() {
                    prop_assert_eq!((read.index, &read.hashes), (good.index, &good.hashes));
                }
            }
        }
        let request = AddCheckpoint { old: index, proof: good.hashes.clone(), checkpoint: note() };
        for text in [any, change(String::from_utf8(request.to_bytes()).unwrap())] {
            if let Ok(read) = AddCheckpoint::parse(text.as_bytes()) {
                prop_assert_eq!(read.to_bytes(), text.as_bytes());
            }
        }
    }
}
