//! Signed notes, verifier keys, checkpoints and cosignatures.

use data_encoding::BASE64;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    log::{
        Checkpoint, CheckpointError, KeyKind, LineError, Note, NoteError, NoteSignature, SignatureError,
        VerifierKey, VerifierKeyError, cosign,
        note::{MAX_NOTE_BYTES, MAX_SIGNATURES, sign},
        open_checkpoint, sign_checkpoint, verify_cosignature,
    },
};

const ORIGIN: &str = "registry.example/log";
const TEXT: &str = "registry.example/log\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn log_key(seed: u8) -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, PublicKey::from(&key(seed))).unwrap()
}

fn witness_key(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::cosigner(name, PublicKey::from(&key(seed))).unwrap()
}

fn signed() -> Note {
    Note::new(TEXT, sign(TEXT, ORIGIN, &key(1))).unwrap()
}

/// The example of C2SP signed-note.
#[test]
fn note_of_the_specification() {
    let key: VerifierKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().unwrap();
    let text = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify(&key), Ok(None));
    assert_eq!(note.to_bytes(), text.as_bytes());
    assert_eq!(
        (key.name(), key.kind(), key.key_id()),
        ("example.com/foo", KeyKind::Ed25519, *b"\x53\x0d\x90\x3a")
    );
    // An empty line within the text; the last one separates.
    let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(note.to_bytes(), text.as_bytes());
}

/// The example of the documentation of Go's `golang.org/x/mod/sumdb/note`.
#[test]
fn note_of_the_go_documentation() {
    let secret = BASE64.decode(b"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    let secret = SigningKey::from_bytes(&secret[1..].try_into().unwrap());
    let key: VerifierKey =
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
    assert_eq!(*key.public_key(), PublicKey::from(&secret));
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let note = Note::new(text, sign(text, "PeterNeumann", &secret)).unwrap();
    assert!(note.verified_by(&key));
    assert_eq!(
        note.to_string(),
        format!(
            "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        )
    );
}

#[test]
fn verifier_keys_are_read_in_one_form() {
    // A witness of the public network.
    let witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let read: VerifierKey = witness.parse().unwrap();
    assert_eq!((read.kind(), read.to_string().as_str()), (KeyKind::CosignatureV1, witness));
    let error = |text: &str| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(
        error(&witness.replace("da77ade7", "da77ade8")),
        VerifierKeyError::KeyId { expected: "da77ade7".to_owned(), found: "da77ade8".to_owned() }
    );
    let changed_name = witness.replace("remora", "remote");
    assert!(matches!(error(&changed_name), VerifierKeyError::KeyId { .. }));
    for bad in [
        "",
        "name",
        "name+da77ade7",
        &witness.replace("da77ade7", "DA77ADE7"),
        &witness.replace("da77ade7", "a77ade7"),
        &witness.replace("da77ade7", "00da77ade7"),
        &format!("{witness}+"),
        &format!("{witness} "),
        &format!("{witness}\n"),
        &witness.replace("mtw2", "mtw"),
    ] {
        assert_eq!(error(bad), VerifierKeyError::Form, "{bad}");
    }
    let typed = |bytes: &[u8]| format!("name+00000000+{}", BASE64.encode(bytes));
    assert_eq!(error(&typed(&[6; 1313])), VerifierKeyError::UnknownType(6));
    assert_eq!(error(&typed(&[0xff; 33])), VerifierKeyError::UnknownType(0xff));
    assert_eq!(error(&typed(&[])), VerifierKeyError::Form);
    assert_eq!(error(&typed(&[1; 32])), VerifierKeyError::PublicKey);
    assert_eq!(error(&typed(&[1; 34])), VerifierKeyError::PublicKey);
    // A point of small order.
    assert_eq!(error(&typed(&[[4].as_slice(), &[0; 32]].concat())), VerifierKeyError::PublicKey);
    for name in ["", " ", "a b", "a\u{a0}b", "a\u{2003}b", "a+b", "a\nb", "a\u{1}"] {
        let public = PublicKey::from(&key(1));
        assert_eq!(VerifierKey::ed25519(name, public), Err(VerifierKeyError::Name(name.to_owned())));
        assert_eq!(VerifierKey::cosigner(name, public), Err(VerifierKeyError::Name(name.to_owned())));
    }
    assert_eq!(log_key(1).to_string(), PublicKey::from(&key(1)).verifier_key(ORIGIN));
}

#[test]
fn a_key_signs_for_itself_alone() {
    let note = signed();
    assert_eq!(note.verify(&log_key(1)), Ok(None));
    assert_eq!(note.verify(&log_key(2)), Err(SignatureError::Missing));
    assert_eq!(note.verify(&witness_key(ORIGIN, 1)), Err(SignatureError::Missing));
    let other_name = VerifierKey::ed25519("other", PublicKey::from(&key(1))).unwrap();
    assert_eq!(note.verify(&other_name), Err(SignatureError::Missing));
    // Named, but not made by the key.
    let mut forged = sign(TEXT, ORIGIN, &key(2));
    forged.key_id = log_key(1).key_id();
    let forged = Note::new(TEXT, forged).unwrap();
    assert_eq!(forged.verify(&log_key(1)), Err(SignatureError::Invalid));
    // One false signature among the key's own spoils the note.
    let lines = forged.to_string() + signed().to_string().rsplit_once("\n\n").unwrap().1;
    let both = Note::parse(lines.as_bytes()).unwrap();
    assert_eq!(both.signatures().len(), 2);
    assert_eq!(both.verify(&log_key(1)), Err(SignatureError::Invalid));
    // Too short and too long.
    for len in [1, 63, 65, 72] {
        let signature = NoteSignature { signature: vec![1; len], ..signed().signatures()[0].clone() };
        let note = Note::new(TEXT, signature).unwrap();
        assert_eq!(note.verify(&log_key(1)), Err(SignatureError::Invalid));
    }
}

#[test]
fn a_second_signature_of_a_key_takes_the_first_ones_place() {
    let witness = witness_key("w", 2);
    let at = |time| cosign(TEXT, "w", &key(2), time);
    let note = signed().with_signature(at(5)).unwrap().with_signature(at(7)).unwrap();
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(note.verify(&witness), Ok(Some(7)));
    // Read from elsewhere, both may stand; the earliest time counts.
    let twice = format!("{note}{}\n", at(6));
    assert_eq!(Note::parse(twice.as_bytes()).unwrap().verify(&witness), Ok(Some(6)));
}

#[test]
fn malformed_notes_are_refused() {
    let good = signed().to_string();
    let line = |line| {
        Err(NoteError::Line(LineError {
            line,
            expected: "a signature line: — name base64(key ID ‖ signature)",
        }))
    };
    let parse = |text: &str| Note::parse(text.as_bytes());
    for (text, error) in [
        (String::new(), Err(NoteError::Unsigned)),
        (TEXT.to_owned(), Err(NoteError::Unsigned)),
        (format!("{TEXT}\n"), Err(NoteError::Unsigned)),
        (good.replace("\n\n", "\n"), Err(NoteError::Unsigned)),
        (good.replace('3', "\t"), Err(NoteError::Characters)),
        (good.replace('3', "\r"), Err(NoteError::Characters)),
        (good.trim_end().to_owned(), line(5)),
        (good.replace("— ", "- "), line(5)),
        (good.replace("— ", "—  "), line(5)),
        (good.replace("— ", "—"), line(5)),
        (good.replace("=\n\n", "=\n\n\n— ").replace("— — ", "— "), Ok(())),
        (good.clone() + "\n", Err(NoteError::Unsigned)),
        (good.clone() + "x\n", line(6)),
        (good.clone() + "— a AAAA\n", line(6)),
        (good.clone() + "— a AAAAAA==\n", line(6)),
        (good.clone() + "— a AAAAAAA=\n", Ok(())),
        (good.clone() + "— a AAAAAAB=\n", line(6)),
        (good.clone() + "— a AAAAAAA\n", line(6)),
        (good.clone() + "— a+b AAAAAAA=\n", line(6)),
        (good.clone() + "— a\u{2003}b AAAAAAA=\n", line(6)),
        (good.clone() + "— a AAAAAAA= \n", line(6)),
        (good.clone() + "— AAAAAAA=\n", line(6)),
        (good.clone() + "—  AAAAAAA=\n", line(6)),
    ] {
        assert_eq!(parse(&text).map(drop), error, "{text:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Characters));
    assert_eq!(Note::new("no newline", sign("", "a", &key(1))), Err(NoteError::Text));
    assert_eq!(Note::new("", sign("", "a", &key(1))), Err(NoteError::Text));
    assert_eq!(Note::new("\0\n", sign("", "a", &key(1))), Err(NoteError::Characters));
    let named = sign(TEXT, "a b", &key(1));
    assert_eq!(Note::new(TEXT, named), Err(NoteError::Signature("a b".to_owned())));
    let empty = NoteSignature { name: "a".to_owned(), key_id: [0; 4], signature: vec![] };
    assert_eq!(signed().with_signature(empty), Err(NoteError::Signature("a".to_owned())));
}

#[test]
fn notes_have_limits() {
    let mut note = signed();
    for number in 1..MAX_SIGNATURES {
        // As large as a signature of ML-DSA-44 with its time.
        let signature =
            NoteSignature { name: format!("w{number}"), key_id: [0; 4], signature: vec![1; 2428] };
        note = note.with_signature(signature).unwrap();
    }
    let bytes = note.to_bytes();
    assert_eq!(Note::parse(&bytes), Ok(note.clone()));
    let one_more = sign(TEXT, "x", &key(1));
    assert_eq!(note.clone().with_signature(one_more), Err(NoteError::TooManySignatures));
    let one_more = [bytes, "— a AAAAAAA=\n".as_bytes().to_vec()].concat();
    assert_eq!(Note::parse(&one_more), Err(NoteError::TooManySignatures));
    let long = vec![b'\n'; MAX_NOTE_BYTES + 1];
    assert_eq!(Note::parse(&long), Err(NoteError::TooLong(MAX_NOTE_BYTES + 1)));
}

/// The example of C2SP tlog-cosignature, whose keys are not published: only its form can be held.
#[test]
fn checkpoint_of_the_specification() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_text(), note.text());
    let [log, witness] = note.signatures() else { panic!("two signatures") };
    assert_eq!((log.signature.len(), witness.signature.len()), (64, 72));
    assert_eq!(witness.signature[..8], 1_679_315_147_u64.to_be_bytes());
}

/// A log of the public network: its checkpoint of one entry, as the tests of a witness have it.
#[test]
fn checkpoint_of_another_log() {
    let origin = "sigsum.org/v1/tree/985ea163f5af026723561354f51f2ebcdcf2af809ce254ccfb64aa9aadd80f90";
    let text = format!(
        "{origin}\n1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— {origin} 7BKT0gOfNZ1J0So9unY3BZtm2YkPIoNYM/dce0Z2avJDs8dxN6ts9bOSwwrVrbjm6P9K3ZxpK6jJngOG6YvGGzV/lwo=\n"
    );
    let public = "52c05edad1bf5feffa81354faae59a655d9a9a1a793ed2f62c39c26c0be2aecd";
    let log = VerifierKey::ed25519(origin, public.parse().unwrap()).unwrap();
    let (checkpoint, note) = open_checkpoint(text.as_bytes(), &log).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root.0[0]), (1, 42));
    assert_eq!(note.to_string(), text);
}

#[test]
fn checkpoints_are_of_their_log() {
    let checkpoint = Checkpoint::parse(TEXT).unwrap();
    let note = sign_checkpoint(&checkpoint, &key(1)).unwrap();
    assert_eq!(note, signed());
    assert_eq!(open_checkpoint(&note.to_bytes(), &log_key(1)), Ok((checkpoint.clone(), note.clone())));
    let error = |error| CheckpointError::Signature { name: ORIGIN.to_owned(), error };
    let open = |log: &VerifierKey| open_checkpoint(&note.to_bytes(), log).unwrap_err();
    assert_eq!(open(&log_key(2)), error(SignatureError::Missing));
    let other = VerifierKey::ed25519("other", PublicKey::from(&key(1))).unwrap();
    let origin = CheckpointError::Origin { expected: "other".to_owned(), found: ORIGIN.to_owned() };
    assert_eq!(open(&other), origin);
    let grown = note.to_string().replacen("\n3\n", "\n4\n", 1);
    assert_eq!(open_checkpoint(grown.as_bytes(), &log_key(1)), Err(error(SignatureError::Invalid)));
    for origin in ["", "a\n5", "a b", "a+b", "a\u{7}"] {
        let checkpoint = Checkpoint { origin: origin.to_owned(), ..checkpoint.clone() };
        assert!(sign_checkpoint(&checkpoint, &key(1)).is_err(), "{origin:?}");
    }
    // Such an origin would make another log's checkpoint out of this one.
    let smuggled = Checkpoint { origin: format!("{TEXT}x"), ..checkpoint };
    assert!(sign_checkpoint(&smuggled, &key(1)).is_err());
}

#[test]
fn checkpoints_are_read_in_one_form() {
    let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let bad = |text: String, line: usize| {
        let error = Checkpoint::parse(&text).unwrap_err();
        assert!(
            matches!(error, CheckpointError::Line(LineError { line: at, .. }) if at == line),
            "{text:?}: {error}"
        );
    };
    assert_eq!(Checkpoint::parse(&format!("o\n0\n{root}\n")).unwrap().size, 0);
    let max = Checkpoint::parse(&format!("a b+c\n{}\n{root}\nextension\n\u{a0}\n", u64::MAX)).unwrap();
    assert_eq!((max.origin.as_str(), max.size), ("a b+c", u64::MAX));
    bad(String::new(), 1);
    bad("o".to_owned(), 1);
    bad(format!("\n0\n{root}\n"), 1);
    bad("o\n".to_owned(), 2);
    for size in ["", "00", "01", "+1", "-1", "1 ", " 1", "1.0", "0x1", "٣", "18446744073709551616"] {
        bad(format!("o\n{size}\n{root}\n"), 2);
    }
    bad("o\n0\n".to_owned(), 3);
    bad(format!("o\n0\n{root}"), 3);
    for root in [
        "",
        "AAAA",
        &root[..43],
        &root.replace("A=", "B="),
        &root.replace('A', "-"),
        &format!("{root}A"),
        &format!("{} =", &root[..42]),
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        bad(format!("o\n0\n{root}\n"), 3);
    }
    bad(format!("o\n0\n{root}\n\n"), 4);
    bad(format!("o\n0\n{root}\nx\n\n"), 5);
    bad(format!("o\n0\n{root}\nx"), 4);
    assert_eq!(
        Checkpoint::parse(&format!("o\r\n0\r\n{root}\r\n")),
        Err(CheckpointError::Note(NoteError::Characters))
    );
}

#[test]
fn a_signature_has_one_text() {
    let note =
        signed().with_signature(NoteSignature { name: "w".into(), key_id: [0; 4], signature: vec![7; 4] });
    let text = String::from_utf8(note.unwrap().to_bytes()).unwrap();
    assert!(Note::parse(text.as_bytes()).is_ok());
    // The same bytes in two encodings, one after the other.
    let twice = text.replace(" w AAAAAAcHBwc=", " w AA==AAAABwcHBw==");
    assert_ne!(twice, text);
    assert!(Note::parse(twice.as_bytes()).is_err());
}

#[test]
fn a_cosignature_binds_time_text_and_key() {
    let witness = witness_key("witness.example/w1", 2);
    let signature = cosign(TEXT, "witness.example/w1", &key(2), 1_679_315_147);
    assert_eq!(verify_cosignature(TEXT, &signature, &witness), Some(1_679_315_147));
    assert_eq!(signature.signature.len(), 72);
    // The message as the specification spells it.
    let message = format!("cosignature/v1\ntime 1679315147\n{TEXT}");
    let blob = signature.signature[8..].try_into().unwrap();
    assert!(witness.public_key().verifies(message.as_bytes(), &blob));
    let note = signed().with_signature(signature.clone()).unwrap();
    assert_eq!(note.verify(&witness), Ok(Some(1_679_315_147)));
    assert!(note.verified_by(&log_key(1)));
    // An extension line is signed, too.
    assert_eq!(verify_cosignature(&format!("{TEXT}extension\n"), &signature, &witness), None);
    for at in 0..72 {
        let mut changed = signature.clone();
        changed.signature[at] ^= 1;
        assert_eq!(verify_cosignature(TEXT, &changed, &witness), None);
    }
    for len in [0, 7, 8, 64, 71, 73] {
        let mut changed = signature.clone();
        changed.signature.resize(len, 0);
        assert_eq!(verify_cosignature(TEXT, &changed, &witness), None);
    }
    // The same key as a log, or under another name, is another key.
    let log = VerifierKey::ed25519("witness.example/w1", PublicKey::from(&key(2))).unwrap();
    assert_eq!(verify_cosignature(TEXT, &signature, &log), None);
    assert_eq!(verify_cosignature(TEXT, &signature, &witness_key("w", 2)), None);
    let plain = sign(TEXT, "witness.example/w1", &key(2));
    assert_eq!(verify_cosignature(TEXT, &plain, &witness), None);
    let latest = i64::MAX.unsigned_abs();
    let at = |time| verify_cosignature(TEXT, &cosign(TEXT, "witness.example/w1", &key(2), time), &witness);
    assert_eq!(at(0), Some(0));
    assert_eq!(at(latest), Some(latest));
    assert_eq!(at(latest + 1), None);
}

proptest! {
    #[test]
    fn notes_round_trip(text in "[^\\p{Cc}]{0,20}(\n{1,3}[^\\p{Cc}]{0,20}){0,4}\n", name in "[^\\p{Cc}\\p{Z}+]{1,20}",
                        blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 1..5)) {
        let mut blobs = (0_u8..).zip(blobs).map(|(id, signature)| NoteSignature { name: name.clone(), key_id: [id; 4], signature });
        let mut note = Note::new(&text, blobs.next().unwrap()).unwrap();
        for signature in blobs {
            note = note.with_signature(signature).unwrap();
        }
        prop_assert_eq!(Note::parse(&note.to_bytes()), Ok(note));
    }

    #[test]
    fn checkpoints_round_trip(origin in "[^\\p{Cc}]{1,40}", size: u64, root: [u8; 32]) {
        let checkpoint = Checkpoint { origin, size, root: Sha256Digest(root) };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_text()), Ok(checkpoint));
    }

    #[test]
    fn verifier_keys_round_trip(name in "[^\\p{Cc}\\p{Z}+]{1,40}", seed: [u8; 32], cosigner: bool) {
        let public = PublicKey::from(&SigningKey::from_bytes(&seed));
        let key = if cosigner { VerifierKey::cosigner(&name, public) } else { VerifierKey::ed25519(&name, public) };
        let key = key.unwrap();
        prop_assert_eq!(key.to_string().parse::<VerifierKey>(), Ok(key));
    }

    #[test]
    fn what_parses_prints_back(bytes: Vec<u8>, at in 0_usize..400, byte: u8, cut in 0_usize..4) {
        let note = signed().with_signature(cosign(TEXT, "w", &key(2), 9)).unwrap();
        let mut changed = note.to_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        changed.truncate(changed.len() - cut);
        for bytes in [bytes, changed] {
            if let Ok(read) = Note::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
                // Nothing but the key's own text is taken for signed.
                prop_assert!(!read.verified_by(&log_key(1)) || read.text() == TEXT);
                if let Ok(checkpoint) = Checkpoint::parse(read.text()) {
                    prop_assert!(read.text().starts_with(&checkpoint.to_text()));
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_readers_panic(text: String) {
        let _ = Checkpoint::parse(&text);
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
