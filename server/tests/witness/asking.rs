//! The registry's side: what is collected from honest witnesses, and what hostile ones cannot do.

use crate::support::{End, TestLog, http};
use ed25519_dalek::SigningKey;
use std::{
    fmt::Write as _,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use touchstone_schema::{
    key::PublicKey,
    log::{
        cosignature::cosign,
        note::{Note, VerifierKey},
        policy::Policy,
        witness::{AddCheckpoint, SIZE_MEDIA_TYPE},
    },
};
use touchstone_server::{
    clock::{FixedEntropy, SystemClock},
    log::{
        publisher::{WitnessError, Witnesses},
        witness::{Cosigners, WitnessPolicyError},
    },
    witness::{Refused, Witness, WitnessKey},
};

/// Longest wait for witnesses, unless a test is about it.
const PATIENCE: Duration = Duration::from_secs(60);
const TEXT: &str = "text/plain; charset=utf-8";

/// A witness in this process, behind an HTTP end.
struct Honest {
    end: End,
    key: VerifierKey,
    asked: Arc<AtomicUsize>,
    _folder: TempDir,
}

impl Honest {
    fn new(log: &TestLog, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("witness.test/w{seed}");
        let key = WitnessKey::init(folder.path(), &name, &FixedEntropy::new(seed)).unwrap();
        let witness = Witness::open(folder.path(), vec![log.verifier()], Arc::new(SystemClock)).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let end = End::new(move |body, stream| {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = match witness.add_checkpoint(body) {
                Ok(signature) => http(200, TEXT, &format!("{signature}\n")),
                Err(Refused::Moved(size)) => http(409, SIZE_MEDIA_TYPE, &format!("{size}\n")),
                Err(Refused::Inconsistent(_)) => http(422, TEXT, "no\n"),
                Err(other) => http(400, TEXT, &other.to_string()),
            };
            let _ = stream.write_all(&answer);
        });
        Self { end, key: key.verifier().clone(), asked, _folder: folder }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn key_of(seed: u8) -> (SigningKey, VerifierKey) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let verifier = VerifierKey::cosigner(&format!("witness.test/h{seed}"), PublicKey::from(&key)).unwrap();
    (key, verifier)
}

fn policy(log: &TestLog, witnesses: &[(&VerifierKey, &str)], quorum: &str) -> String {
    let mut text = format!("log {}\n", log.verifier());
    let mut names = String::new();
    for (number, (key, url)) in (1..).zip(witnesses) {
        writeln!(text, "witness w{number} {key} {url}").unwrap();
        write!(names, " w{number}").unwrap();
    }
    text + &format!("group g {quorum}{names}\nquorum g\n")
}

fn open(log: &TestLog, policy: &str, patience: Duration) -> Cosigners {
    Cosigners::open(policy.as_bytes(), &log.verifier(), patience).unwrap()
}

fn collect(cosigners: &mut Cosigners, log: &TestLog, size: u64) -> Result<Note, WitnessError> {
    cosigners.cosign(log.note(size), &log.checkpoint(size), &log.consistency(size))
}

/// What one witness at `url` that has this key is told to have done wrong.
fn fault(end: &End, key: &VerifierKey) -> String {
    let log = TestLog::new();
    let mut cosigners = open(&log, &policy(&log, &[(key, &end.url)], "all"), PATIENCE);
    match collect(&mut cosigners, &log, 5).unwrap_err() {
        WitnessError::NoQuorum(reason) => reason.strip_prefix("w1: ").unwrap().to_owned(),
        other => panic!("{other}"),
    }
}

#[test]
fn all_cosign_as_the_log_grows() {
    let log = TestLog::new();
    let (one, two) = (Honest::new(&log, 1), Honest::new(&log, 2));
    let text = policy(&log, &[(&one.key, &one.end.url), (&two.key, &two.end.url)], "all");
    let trusted = Policy::parse(&text).unwrap();
    let mut cosigners = open(&log, &text, PATIENCE);
    for size in [1, 2, 2, 7, 300] {
        let note = collect(&mut cosigners, &log, size).unwrap();
        let verified = trusted.verify(note.to_string().as_bytes()).unwrap();
        assert_eq!(verified.checkpoint.size, size);
        assert_eq!(verified.witnesses.len(), 2);
    }
    assert_eq!((one.asked(), two.asked()), (5, 5), "each knows what it cosigned last");
    // A server that was started again learns it from them.
    let mut again = open(&log, &text, PATIENCE);
    assert!(trusted.verify(collect(&mut again, &log, 301).unwrap().to_string().as_bytes()).is_ok());
    assert_eq!((one.asked(), two.asked()), (7, 7));
    // So does the first, which was not told of 301.
    collect(&mut cosigners, &log, 302).unwrap();
    assert_eq!((one.asked(), two.asked()), (9, 9));
}

#[test]
fn a_witness_that_knows_more_or_others_stops_the_log() {
    let log = TestLog::new();
    let honest = Honest::new(&log, 1);
    let text = policy(&log, &[(&honest.key, &honest.end.url)], "all");
    collect(&mut open(&log, &text, PATIENCE), &log, 9).unwrap();
    // A restored backup has fewer entries.
    match collect(&mut open(&log, &text, PATIENCE), &log, 8).unwrap_err() {
        WitnessError::Ahead { witness, size } => assert_eq!((witness.as_str(), size), ("w1", 9)),
        other => panic!("{other}"),
    }
    // It went on with others: at the same size, and beyond it.
    let fork = log.forked();
    for size in [9, 12] {
        match collect(&mut open(&log, &text, PATIENCE), &fork, size).unwrap_err() {
            WitnessError::Conflict(reason) => {
                assert!(reason.contains("w1") && reason.contains(" 9 "), "{reason}");
            }
            other => panic!("{other}"),
        }
    }
    collect(&mut open(&log, &text, PATIENCE), &log, 9).unwrap();
}

#[test]
fn what_hostile_witnesses_say_is_no_cosignature() {
    let log = TestLog::new();
    let (key, verifier) = key_of(1);
    let (stranger, _) = key_of(2);
    let note = log.note(5);
    let said = |body: &str| fault(&End::saying(http(200, TEXT, body)), &verifier);
    let cosignature =
        |key: &SigningKey, text: &str, time: u64| format!("{}\n", cosign(text, verifier.name(), key, time));
    assert!(said("").contains("malformed"));
    assert!(said("— garbage\n").contains("malformed"));
    assert!(said(&"— w AAAAAA==\n".repeat(9)).contains("malformed"));
    // Another key, another checkpoint, no time, another's signature under its name.
    assert!(said(&cosignature(&stranger, note.text(), 1)).contains("did not cosign with the key"));
    assert!(said(&cosignature(&key, log.note(6).text(), 1)).contains("not valid"));
    assert!(said(&cosignature(&key, note.text(), 0)).contains("not valid"));
    let mut forged = cosign(note.text(), verifier.name(), &key, 1);
    forged.signature[20] ^= 1;
    assert!(said(&format!("{forged}\n")).contains("not valid"));
    for (status, words) in [
        (400, "400"),
        (403, "another key"),
        (404, "does not know this log"),
        (409, "without the size"),
        // Without a size that it named, this proves nothing.
        (422, "422"),
        (301, "301"),
        (500, "500"),
        (503, "503"),
    ] {
        let reason = fault(&End::saying(http(status, TEXT, "7\n")), &verifier);
        assert!(reason.contains(words), "{status}: {reason}");
    }
    for size in ["", "\n", "007\n", "+7\n", "-7\n", "7", "99999999999999999999999\n", "seven\n", " 7\n"] {
        let reason = fault(&End::saying(http(409, SIZE_MEDIA_TYPE, size)), &verifier);
        assert!(reason.contains("without the size"), "{size:?}: {reason}");
    }
    // A size that it does not stand by.
    let reason = fault(&End::saying(http(409, SIZE_MEDIA_TYPE, "3\n")), &verifier);
    assert!(reason.contains("409 twice"), "{reason}");
}

#[test]
fn what_is_no_http_or_too_much_is_cut() {
    let (_, verifier) = key_of(1);
    for answer in [b"".to_vec(), b"\x16\x03\x01 hello".to_vec(), b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()] {
        let reason = fault(&End::saying(answer), &verifier);
        assert!(!reason.is_empty() && reason.len() < 400, "{reason}");
    }
    // Bodies and heads without end.
    let endless = |head: &'static str, more: &'static [u8]| {
        End::new(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(more).is_ok() {}
        })
    };
    let body = endless("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", &[b'A'; 4096]);
    let reason = fault(&body, &verifier);
    assert!(reason.contains("longer than"), "{reason}");
    let size = endless("HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\n\r\n", &[b'1'; 4096]);
    let reason = fault(&size, &verifier);
    assert!(reason.contains("longer than"), "{reason}");
    let head = endless("HTTP/1.1 200 OK\r\nX-Long: ", &[b'A'; 4096]);
    let reason = fault(&head, &verifier);
    assert!(reason.len() < 400 && !reason.contains("AAAA"), "{reason}");
    let closed = End { url: "http://127.0.0.1:1".to_owned() };
    assert!(fault(&closed, &verifier).contains("refused"), "{}", fault(&closed, &verifier));
}

/// The log goes on at its pace with whom it needs; who hangs is waited for once, at the start.
#[test]
fn a_witness_that_hangs_keeps_nobody_waiting() {
    let log = TestLog::new();
    let honest = Honest::new(&log, 1);
    let (_, verifier) = key_of(1);
    let hanging = End::new(|_, _| thread::sleep(PATIENCE));
    let witnesses = [(&verifier, hanging.url.as_str()), (&honest.key, honest.end.url.as_str())];
    let patience = Duration::from_secs(3);
    let mut cosigners = open(&log, &policy(&log, &witnesses, "any"), patience);
    let begun = Instant::now();
    collect(&mut cosigners, &log, 1).unwrap();
    assert!(begun.elapsed() >= patience, "it might know more entries");
    let begun = Instant::now();
    for size in 2..8 {
        let note = collect(&mut cosigners, &log, size).unwrap();
        assert!(note.verified_by(&honest.key));
    }
    assert!(begun.elapsed() < patience, "{:?}", begun.elapsed());
    // Where it is needed, nothing is published, and it is named.
    let mut cosigners = open(&log, &policy(&log, &witnesses, "all"), Duration::from_millis(500));
    match collect(&mut cosigners, &log, 8).unwrap_err() {
        WitnessError::NoQuorum(reason) => {
            assert!(reason.contains("w1: no answer") && reason.contains("w2 cosigned"), "{reason}");
        }
        other => panic!("{other}"),
    }
}

/// What comes too late for one round is heard in the next.
#[test]
fn a_late_contradiction_is_waited_for() {
    let log = TestLog::new();
    let honest = Honest::new(&log, 1);
    let (key, verifier) = key_of(1);
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let late = End::new(move |body, stream| {
        let answer = if count.fetch_add(1, Ordering::SeqCst) == 0 {
            let request = AddCheckpoint::parse(body).unwrap();
            let note = Note::parse(request.checkpoint.as_bytes()).unwrap();
            http(200, TEXT, &format!("{}\n", cosign(note.text(), "witness.test/h1", &key, 1)))
        } else {
            thread::sleep(Duration::from_millis(800));
            http(409, SIZE_MEDIA_TYPE, "1000\n")
        };
        let _ = stream.write_all(&answer);
    });
    let witnesses = [(&honest.key, honest.end.url.as_str()), (&verifier, late.url.as_str())];
    let mut cosigners = open(&log, &policy(&log, &witnesses, "any"), PATIENCE);
    assert!(collect(&mut cosigners, &log, 1).unwrap().verified_by(&verifier));
    let mut outcome = collect(&mut cosigners, &log, 2);
    for size in 3..100 {
        if outcome.is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        outcome = collect(&mut cosigners, &log, size);
    }
    assert!(matches!(outcome, Err(WitnessError::Ahead { size: 1000, .. })), "{outcome:?}");
    assert!(asked.load(Ordering::SeqCst) < 6);
}

#[test]
fn a_policy_that_cannot_work_is_refused_with_a_remedy() {
    let log = TestLog::new();
    let (_, one) = key_of(1);
    let (_, two) = key_of(2);
    let refused = |text: &str| {
        let refused = Cosigners::open(text.as_bytes(), &log.verifier(), PATIENCE).unwrap_err();
        (refused.to_string(), refused)
    };
    let line = format!("log {}\n", log.verifier());
    let (told, error) = refused(&format!("{line}quorum none\n"));
    assert!(matches!(error, WitnessPolicyError::NoQuorum), "{told}");
    let (told, error) = refused(&line);
    assert!(matches!(error, WitnessPolicyError::Parse(_)) && told.contains("no quorum line"), "{told}");
    // The same origin under another key is another log.
    let other = TestLog { key: SigningKey::from_bytes(&[9; 32]), ..log.clone() };
    let (told, error) = refused(&policy(&other, &[(&one, "http://w.test")], "all"));
    assert!(matches!(error, WitnessPolicyError::UnknownLog(_)), "{told}");
    assert!(told.contains(line.trim_end()), "it says what to add: {told}");
    let (told, error) = refused(&policy(&log, &[(&one, "http://w.test"), (&two, "")], "all"));
    assert!(matches!(error, WitnessPolicyError::Unreachable { .. }) && told.contains("w2"), "{told}");
    let some = policy(&log, &[(&one, "http://w.test"), (&two, "")], "any");
    assert!(Cosigners::open(some.as_bytes(), &log.verifier(), PATIENCE).is_ok());
    for url in ["w.test", "ftp://w.test", "http://", "https://w.test/?a=b", "/w"] {
        let (told, error) = refused(&policy(&log, &[(&one, url)], "all"));
        assert!(matches!(error, WitnessPolicyError::Url { .. }) && told.contains("w1"), "{url}: {told}");
    }
    assert!(matches!(refused("\u{1}\n").1, WitnessPolicyError::Parse(_)));
    let bytes = Cosigners::open(b"\xff\n", &log.verifier(), PATIENCE).unwrap_err();
    assert!(matches!(bytes, WitnessPolicyError::Characters));
}
